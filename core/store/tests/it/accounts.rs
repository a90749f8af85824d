//! Accounts, who is signed in, the audit log, requests that count once, and sealed secrets.

use core_model::access::Role;
use core_store::{
    AuditQuery, Error, NewAccount, NewAudit, NewSignIn, Repeated, Rights, SealingKey, SealingKeys,
    SignInKey,
};

use crate::harness::Bench;

on_both!(
    an_account_is_found_by_its_name_and_by_who_vouches_for_it,
    a_session_is_stored_as_its_digest_and_ends_with_its_account,
    of_many_who_take_a_handover_code_one_gets_it,
    the_audit_log_is_read_backwards_and_counts_refusals,
    a_repeated_request_is_known_by_its_key,
    a_copied_database_shows_no_secret_and_a_key_can_be_changed,
    of_many_who_renew_a_secret_at_once_one_does,
);

fn new<'a>(name: &'a str, vouched: Option<(&'a str, &'a str)>) -> NewAccount<'a> {
    NewAccount {
        name,
        shown: "Ana Silva",
        vouched,
        password: vouched.is_none().then_some("$argon2id$planted"),
        role: Role::Technician,
        tenants: None,
        by: "root",
        now_us: 10,
    }
}

async fn an_account_is_found_by_its_name_and_by_who_vouches_for_it(bench: Bench) {
    let store = &bench.store;
    store.add_account(&new("ana", None)).await.unwrap();
    store.add_account(&new("ben", Some(("https://p.example", "s-1")))).await.unwrap();
    for taken in [new("ana", None), new("cleo", Some(("https://p.example", "s-1")))] {
        let again = store.add_account(&taken).await;
        assert!(matches!(again, Err(Error::Conflict { .. })), "{again:?}");
    }
    let ben = store.account_vouched("https://p.example", "s-1").await.unwrap().unwrap();
    assert_eq!((ben.name.as_str(), ben.has_password), ("ben", false));
    assert_eq!(store.account_vouched("https://q.example", "s-1").await.unwrap(), None);
    assert_eq!(store.account("Ana").await.unwrap(), None);
    assert_eq!(store.password_of("ana").await.unwrap().as_deref(), Some("$argon2id$planted"));
    assert_eq!(store.password_of("ben").await.unwrap(), None);

    let tenants = ["ten_a".to_owned()];
    let rights = Rights { shown: "Ben", role: Role::Admin, tenants: Some(&tenants) };
    store.set_rights("ben", &rights).await.unwrap();
    let ben = store.account("ben").await.unwrap().unwrap();
    assert_eq!((ben.role, ben.tenants.as_deref()), (Role::Admin, Some(&tenants[..])));
    store.set_disabled("ana", true, "root", 20).await.unwrap();
    store.set_disabled("ana", true, "eve", 30).await.unwrap();
    let ana = store.account("ana").await.unwrap().unwrap();
    assert_eq!((ana.disabled_us, ana.disabled_by.as_deref()), (Some(20), Some("root")));
    assert_eq!(store.password_of("ana").await.unwrap(), None, "it is off");
    store.set_disabled("ana", false, "root", 40).await.unwrap();
    assert_eq!(store.account("ana").await.unwrap().unwrap().disabled_us, None);
    let missing = store.set_disabled("nobody", true, "root", 20).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })), "{missing:?}");
    assert_eq!(store.accounts().await.unwrap().len(), 2);
}

fn session<'a>(parent: Option<&'a str>, now_us: i64) -> NewSignIn<'a> {
    NewSignIn { account: "ana", parent, address: "::1", expires_us: now_us + 1000, now_us }
}

async fn a_session_is_stored_as_its_digest_and_ends_with_its_account(bench: Bench) {
    let store = &bench.store;
    store.add_account(&new("ana", None)).await.unwrap();
    let (key, frame) = (SignInKey::from_random([1; 32]), SignInKey::from_random([2; 32]));
    store.add_sign_in(&key, &session(None, 100)).await.unwrap();
    let row = store.sign_in(&key).await.unwrap().unwrap();
    assert_eq!((row.account.name.as_str(), row.account.last_sign_in_us), ("ana", Some(100)));
    assert!(row.holds(1099, 1000) && !row.holds(1100, 1001) && !row.holds(1050, 950));
    assert_eq!(store.sign_in(&SignInKey::from_random([3; 32])).await.unwrap(), None);
    let plain = |key: &SignInKey| {
        format!("select count(*) from sign_in_session where digest like '%{}%'", key.reveal())
    };
    assert_eq!(bench.number(&plain(&key)).await, 0);

    store.add_sign_in(&frame, &session(Some(&row.id), 200)).await.unwrap();
    store.end_sign_in(&row.id, "ana", 300).await.unwrap();
    for key in [&key, &frame] {
        assert_eq!(store.sign_in(key).await.unwrap().unwrap().ended_us, Some(300));
    }
    let third = SignInKey::from_random([4; 32]);
    store.add_sign_in(&third, &session(None, 400)).await.unwrap();
    store.set_password("ana", "other", "root", 500).await.unwrap();
    assert_eq!(store.sign_in(&third).await.unwrap().unwrap().ended_us, Some(500));
    // What ended long ago is forgotten with the next sign-in.
    let month_us = 31 * 86_400 * 1_000_000;
    store.add_sign_in(&SignInKey::from_random([5; 32]), &session(None, month_us)).await.unwrap();
    assert_eq!(store.sign_in(&key).await.unwrap(), None);
}

async fn of_many_who_take_a_handover_code_one_gets_it(bench: Bench) {
    let store = &bench.store;
    store.add_account(&new("ana", None)).await.unwrap();
    let (key, code) = (SignInKey::from_random([1; 32]), SignInKey::from_random([2; 32]));
    store.add_sign_in(&key, &session(None, 100)).await.unwrap();
    let id = store.sign_in(&key).await.unwrap().unwrap().id;
    store.add_handover(&code, &id, 160).await.unwrap();
    assert!(store.take_handover(&code, 160).await.unwrap().is_none(), "too late");
    let takers = (0..8).map(|_| {
        let (store, code) = (store.clone(), code.clone());
        tokio::spawn(async move { store.take_handover(&code, 159).await.unwrap().is_some() })
    });
    let mut got = 0;
    for taker in takers.collect::<Vec<_>>() {
        got += i32::from(taker.await.unwrap());
    }
    assert_eq!(got, 1);
}

async fn the_audit_log_is_read_backwards_and_counts_refusals(bench: Bench) {
    let store = &bench.store;
    let line = |at_us, action, subject, address, outcome| NewAudit {
        at_us,
        actor: "ana",
        means: "nobody",
        address,
        action,
        subject,
        outcome,
        detail: "",
    };
    for new in [
        line(10, "sign-in", "ana", "10.0.0.1", "refused"),
        line(20, "sign-in", "ana", "10.0.0.2", "refused"),
        line(30, "sign-in", "ben", "10.0.0.1", "refused"),
        line(40, "sign-in", "ana", "10.0.0.1", "done"),
        line(50, "sign-in.frame", "ana", "10.0.0.1", "done"),
        line(60, "sign-out", "100%_", "10.0.0.1", "done"),
    ] {
        store.add_audit(&new).await.unwrap();
    }
    let refused = |since| store.refusals("sign-in", "ana", "10.0.0.1", since);
    assert_eq!(refused(0).await.unwrap(), (2, 2));
    assert_eq!(refused(15).await.unwrap(), (1, 1));
    let numbers = |query: AuditQuery<'static>| async move {
        let rows = store.audit(&query).await.unwrap();
        rows.into_iter().map(|row| row.number).collect::<Vec<_>>()
    };
    let all = AuditQuery { limit: 9, ..AuditQuery::default() };
    assert_eq!(numbers(all).await, [6, 5, 4, 3, 2, 1]);
    assert_eq!(numbers(AuditQuery { before: Some(5), limit: 2, ..all }).await, [4, 3]);
    assert_eq!(numbers(AuditQuery { action: Some("sign-in."), ..all }).await, [5]);
    assert_eq!(numbers(AuditQuery { action: Some("sign-in"), ..all }).await, [4, 3, 2, 1]);
    assert_eq!(numbers(AuditQuery { subject: Some("100%_"), ..all }).await, [6]);
    assert_eq!(numbers(AuditQuery { actor: Some("eve"), ..all }).await, [0; 0]);
}

async fn a_repeated_request_is_known_by_its_key(bench: Bench) {
    let store = &bench.store;
    let begin = |key, digest, now| store.begin_repeatable(("ana", key), digest, now, now - 50);
    assert_eq!(begin("k", "d", 100).await.unwrap(), None);
    let under_way = Repeated { digest: "d".to_owned(), answer: None };
    assert_eq!(begin("k", "d", 110).await.unwrap(), Some(under_way));
    store.end_repeatable(("ana", "k"), 200, "{}").await.unwrap();
    let done = Repeated { digest: "d".to_owned(), answer: Some((200, "{}".to_owned())) };
    assert_eq!(begin("k", "other", 120).await.unwrap(), Some(done));
    store.drop_repeatable(("ana", "k")).await.unwrap();
    assert!(begin("k", "d", 130).await.unwrap().is_some(), "what is answered stays");
    assert_eq!(begin("k", "d", 200).await.unwrap(), None, "until it is forgotten");
    store.drop_repeatable(("ana", "k")).await.unwrap();
    assert_eq!(begin("k", "d", 201).await.unwrap(), None);
}

async fn a_copied_database_shows_no_secret_and_a_key_can_be_changed(bench: Bench) {
    let store = &bench.store;
    let key = |seed| SealingKey::parse(&SealingKey::text([seed; 32])).unwrap();
    let first = SealingKeys::new(key(1), Vec::new());
    store.seal(&first, "halo", "planted-secret", 10).await.unwrap();
    store.seal(&first, "control", "planted-other", 10).await.unwrap();
    assert_eq!(store.unseal(&first, "halo").await.unwrap().as_deref(), Some("planted-secret"));
    assert_eq!(store.unseal(&first, "nothing").await.unwrap(), None);
    let plain = "select count(*) from secret where sealed like '%planted%'";
    assert_eq!(bench.number(plain).await, 0);
    // One cannot be put in another's place.
    bench.raw("update secret set sealed = (select sealed from secret where name = 'halo')").await;
    assert!(store.unseal(&first, "control").await.is_err());
    store.seal(&first, "control", "planted-other", 20).await.unwrap();

    let wrong = SealingKeys::new(key(2), Vec::new());
    let error = store.unseal(&wrong, "halo").await.unwrap_err().to_string();
    assert!(error.contains(key(1).id()) && !error.contains("planted"), "{error}");
    assert!(store.reseal(&wrong, 30).await.is_err());
    let rotated = SealingKeys::new(key(2), vec![key(1)]);
    assert_eq!(store.unseal(&rotated, "halo").await.unwrap().as_deref(), Some("planted-secret"));
    assert_eq!(store.reseal(&rotated, 30).await.unwrap(), 2);
    assert_eq!(store.reseal(&rotated, 40).await.unwrap(), 0);
    assert_eq!(store.unseal(&wrong, "halo").await.unwrap().as_deref(), Some("planted-secret"));
    let kept: Vec<_> = store.secrets().await.unwrap();
    assert!(kept.iter().all(|row| row.key_id == key(2).id() && row.changed_us == 30), "{kept:?}");
    assert!(!store.forget_secret("Halo").await.unwrap(), "it is another name");
    assert!(store.forget_secret("halo").await.unwrap());
    assert!(!store.forget_secret("halo").await.unwrap(), "it is gone already");
    assert_eq!(store.unseal(&wrong, "halo").await.unwrap(), None);
}

async fn of_many_who_renew_a_secret_at_once_one_does(bench: Bench) {
    let store = &bench.store;
    let key = |seed| SealingKey::parse(&SealingKey::text([seed; 32])).unwrap();
    let keys = SealingKeys::new(key(1), Vec::new());
    for (round, before) in [(1, None), (2, Some("planted-first"))] {
        let words: Vec<String> = (0..8).map(|one| format!("planted-{round}-{one}")).collect();
        let trying =
            words.iter().map(|word| store.seal_instead(&keys, "entra", (before, word), round));
        let done: Vec<bool> =
            futures::future::join_all(trying).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
        let winner = &words[done.iter().position(|done| *done).unwrap()];
        assert_eq!(store.unseal(&keys, "entra").await.unwrap().as_deref(), Some(winner.as_str()));
        store.seal(&keys, "entra", "planted-first", round).await.unwrap();
    }
    let plain = "select count(*) from secret where sealed like '%planted%'";
    assert_eq!(bench.number(plain).await, 0);
    let other = SealingKeys::new(key(2), Vec::new());
    let refused = store.seal_instead(&other, "entra", (Some("planted-first"), "x"), 3).await;
    assert!(matches!(refused, Err(Error::Corrupt { .. })), "{refused:?}");
}
