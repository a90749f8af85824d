//! Tokens of the API.

use core_model::access::Role;
use core_store::{Error, NewToken, Token};

use crate::harness::Bench;

on_both!(
    a_token_is_found_by_itself_and_stored_as_its_digest,
    a_name_is_given_once,
    a_revoked_token_stays_revoked_by_the_first,
    a_use_is_noted_once_a_minute,
);

const MINUTE_US: i64 = 60_000_000;

fn new<'a>(name: &'a str, tenants: Option<&'a [String]>) -> NewToken<'a> {
    NewToken { name, role: Role::Technician, tenants, by: "ana", expires_us: Some(500), now_us: 10 }
}

async fn a_token_is_found_by_itself_and_stored_as_its_digest(bench: Bench) {
    let store = &bench.store;
    let (token, other) = (Token::from_random([1; 32]), Token::from_random([2; 32]));
    let tenants = ["ten_b".to_owned(), "ten_a".to_owned()];
    store.add_token(&token, &new("desk", Some(&tenants))).await.unwrap();
    store.add_token(&other, &new("engine", None)).await.unwrap();

    let found = store.token(&token).await.unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.role), ("desk", Role::Technician));
    assert_eq!(found.tenants.as_deref(), Some(&["ten_a".to_owned(), "ten_b".to_owned()][..]));
    assert_eq!((found.created_us, found.created_by.as_str()), (10, "ana"));
    assert!(found.holds(499) && !found.holds(500));
    assert_eq!(store.token(&other).await.unwrap().unwrap().tenants, None);
    assert_eq!(store.token(&Token::from_random([3; 32])).await.unwrap(), None);
    assert_eq!(store.token_named("desk").await.unwrap(), Some(found));
    let names: Vec<_> = store.tokens().await.unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["desk", "engine"]);
    let plain = format!("select count(*) from api_token where digest like '%{}%'", token.reveal());
    assert_eq!(bench.number(&plain).await, 0);
}

async fn a_name_is_given_once(bench: Bench) {
    let store = &bench.store;
    store.add_token(&Token::from_random([1; 32]), &new("desk", None)).await.unwrap();
    store.revoke_token("desk", "bob", 20).await.unwrap();
    let again = store.add_token(&Token::from_random([2; 32]), &new("desk", None)).await;
    assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
}

async fn a_revoked_token_stays_revoked_by_the_first(bench: Bench) {
    let store = &bench.store;
    let missing = store.revoke_token("desk", "bob", 20).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
    store.add_token(&Token::from_random([1; 32]), &new("desk", None)).await.unwrap();
    store.revoke_token("desk", "bob", 20).await.unwrap();
    store.revoke_token("desk", "eve", 30).await.unwrap();
    let row = store.token_named("desk").await.unwrap().unwrap();
    assert_eq!((row.revoked_us, row.revoked_by.as_deref()), (Some(20), Some("bob")));
    assert!(!row.holds(25));
}

async fn a_use_is_noted_once_a_minute(bench: Bench) {
    let store = &bench.store;
    store.add_token(&Token::from_random([1; 32]), &new("desk", None)).await.unwrap();
    for (used, noted) in
        [(100, 100), (200, 100), (100 + MINUTE_US, 100 + MINUTE_US), (300, 100 + MINUTE_US)]
    {
        let before = store.token_named("desk").await.unwrap().unwrap();
        store.token_used("desk", used).await.unwrap();
        let row = store.token_named("desk").await.unwrap().unwrap();
        assert_eq!(row.last_used_us, Some(noted));
        assert_eq!(before.is_noted(used), before.last_used_us != row.last_used_us);
    }
}
