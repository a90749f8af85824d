//! Changes of definitions that wait for somebody's word.

use core_model::library::DefinitionKind;
use core_store::{DefinitionChange, DefinitionRow, Error, Store, Word};

use crate::harness::Bench;

on_both! {
    p20_a_request_is_no_revision_until_it_is_approved,
    a_request_is_settled_once,
    an_approval_that_cannot_be_saved_leaves_the_request_open,
    a_request_that_says_something_else_by_now_is_not_approved,
}

fn rows(document: &str) -> [DefinitionRow; 1] {
    [DefinitionRow {
        kind: DefinitionKind::Deployment,
        id: "dep_a".to_owned(),
        handle: "a".to_owned(),
        document: Some(document.to_owned()),
    }]
}

fn change(base: i64, rows: &[DefinitionRow]) -> DefinitionChange<'_> {
    DefinitionChange { base, rows, author: "ana", note: "why", now_us: 20 }
}

fn word(number: i64, document: &str) -> Word<'_> {
    Word { number, document, by: "ben", note: "fine", now_us: 30 }
}

async fn asked(store: &Store) -> i64 {
    store.add_request("ana", "why", "asked", 10).await.unwrap()
}

async fn p20_a_request_is_no_revision_until_it_is_approved(bench: Bench) {
    let store = &bench.store;
    assert_eq!((asked(store).await, asked(store).await), (1, 2));
    assert_eq!(store.last_revision().await.unwrap(), 0);
    assert_eq!(store.revision_at(i64::MAX).await.unwrap(), 0);
    assert!(store.definitions(9).await.unwrap().is_empty());
    assert!(store.revisions(0).await.unwrap().is_empty());
    let open = store.request(1).await.unwrap();
    assert_eq!((open.at_us, &*open.author, &*open.note, open.settled), (10, "ana", "why", None));

    let revision = store.approve_request(word(1, "asked"), &change(0, &rows("1"))).await.unwrap();
    assert_eq!((revision, store.last_revision().await.unwrap()), (1, 1));
    assert_eq!(store.definitions(1).await.unwrap(), rows("1"));
    let settled = store.request(1).await.unwrap().settled.unwrap();
    assert_eq!((settled.at_us, &*settled.by, &*settled.note), (30, "ben", "fine"));
    assert_eq!(settled.revision, Some(1));
    let open = store.requests().await.unwrap();
    let open: Vec<i64> =
        open.iter().filter(|one| one.settled.is_none()).map(|one| one.number).collect();
    assert_eq!(open, [2]);
}

async fn a_request_is_settled_once(bench: Bench) {
    let store = &bench.store;
    asked(store).await;
    store.reject_request(word(1, "asked")).await.unwrap();
    assert_eq!(store.request(1).await.unwrap().settled.unwrap().revision, None);
    let again = store.approve_request(word(1, "asked"), &change(0, &rows("1"))).await.unwrap_err();
    assert!(matches!(&again, Error::Conflict { constraint } if constraint.contains("request 1")));
    assert!(store.reject_request(word(1, "asked")).await.is_err());
    assert!(store.renew_request(word(1, "asked"), "anew").await.is_err());
    // The save of the refused approval went with it.
    assert_eq!(store.last_revision().await.unwrap(), 0);
    assert!(matches!(store.request(7).await.unwrap_err(), Error::NotFound { .. }));
    assert!(store.reject_request(word(7, "asked")).await.is_err());
}

async fn an_approval_that_cannot_be_saved_leaves_the_request_open(bench: Bench) {
    let store = &bench.store;
    asked(store).await;
    store.save_definitions(change(0, &rows("0"))).await.unwrap();
    let late = store.approve_request(word(1, "asked"), &change(0, &rows("1"))).await.unwrap_err();
    assert!(matches!(late, Error::Conflict { .. }));
    assert_eq!(store.request(1).await.unwrap().settled, None);
    assert_eq!(store.definitions(9).await.unwrap(), rows("0"));
    // What is so already is approved without a revision of its own.
    let same = store.approve_request(word(1, "asked"), &change(1, &rows("0"))).await.unwrap();
    assert_eq!(same, 1);
}

async fn a_request_that_says_something_else_by_now_is_not_approved(bench: Bench) {
    let store = &bench.store;
    asked(store).await;
    store.renew_request(word(1, "asked"), "asked anew").await.unwrap();
    let stale = store.approve_request(word(1, "asked"), &change(0, &rows("1"))).await.unwrap_err();
    assert!(matches!(stale, Error::Conflict { .. }));
    let renewed = store.request(1).await.unwrap();
    assert_eq!((&*renewed.document, renewed.renewed), ("asked anew", Some((30, "ben".to_owned()))));
    store.approve_request(word(1, "asked anew"), &change(0, &rows("1"))).await.unwrap();
}
