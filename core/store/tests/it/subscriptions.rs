//! Subscriptions: noted, found by their id, forgotten.

use core_store::{SubscriptionFailure, SubscriptionRow};

use crate::harness::Bench;

on_both!(
    a_subscription_is_noted_found_by_its_id_and_forgotten,
    what_a_system_asks_for_during_a_look_is_not_lost,
    subscriptions_of_connections_that_are_gone_are_forgotten,
);

fn row(scope: &str, topic: &str, id: Option<&str>) -> SubscriptionRow {
    SubscriptionRow {
        connection: "entra".to_owned(),
        scope: scope.to_owned(),
        scope_name: format!("{scope} Ltd"),
        topic: topic.to_owned(),
        id: id.map(str::to_owned),
        mark: "1-abcd".to_owned(),
        ends_us: id.map(|_| 50),
        ..SubscriptionRow::default()
    }
}

async fn a_subscription_is_noted_found_by_its_id_and_forgotten(bench: Bench) {
    let store = &bench.store;
    let failure = SubscriptionFailure {
        since_us: 7,
        kind: "forbidden".to_owned(),
        error: "HTTP 403".to_owned(),
        remedy: "grant it".to_owned(),
    };
    let failed = SubscriptionRow { failure: Some(failure), ..row("b", "groups", None) };
    for one in [&row("b", "users", Some("s-1")), &failed, &row("a", "users", Some("s-2"))] {
        store.put_subscription(one, false).await.unwrap();
    }
    let all = store.subscriptions().await.unwrap();
    assert_eq!(
        all,
        [row("a", "users", Some("s-2")), failed.clone(), row("b", "users", Some("s-1"))]
    );

    assert_eq!(store.ask_for_subscription("entra", "nobody").await.unwrap(), None);
    assert_eq!(store.ask_for_subscription("other", "s-1").await.unwrap(), None);
    let topic = store.ask_for_subscription("entra", "s-1").await.unwrap();
    assert_eq!(topic.as_deref(), Some("users"));
    let asked: Vec<bool> =
        store.subscriptions().await.unwrap().iter().map(|one| one.asked).collect();
    assert_eq!(asked, [false, false, true]);

    store.put_subscription(&row("b", "groups", Some("s-3")), false).await.unwrap();
    store.forget_subscription(&row("a", "users", None)).await.unwrap();
    let left = store.subscriptions().await.unwrap();
    assert_eq!(left[0], row("b", "groups", Some("s-3")), "it is mended");
    assert_eq!(left.len(), 2);
}

async fn what_a_system_asks_for_during_a_look_is_not_lost(bench: Bench) {
    let store = &bench.store;
    let asked = || async { store.subscriptions().await.unwrap()[0].asked };
    store.put_subscription(&row("a", "users", Some("s-1")), false).await.unwrap();
    let read = store.subscriptions().await.unwrap().remove(0);
    assert!(store.ask_for_subscription("entra", "s-1").await.unwrap().is_some());
    // The look began before: it is noted that it was renewed, and that it failed.
    let renewed = SubscriptionRow { ends_us: Some(90), ..read.clone() };
    store.put_subscription(&renewed, read.asked).await.unwrap();
    assert!(asked().await, "it was asked for after it was read");
    let failure = SubscriptionFailure {
        since_us: 7,
        kind: "unavailable".to_owned(),
        error: "HTTP 503".to_owned(),
        remedy: String::new(),
    };
    let failed = SubscriptionRow { failure: Some(failure), ..read };
    store.put_subscription(&failed, false).await.unwrap();
    assert!(asked().await, "a failure answers nobody");

    let read = store.subscriptions().await.unwrap().remove(0);
    assert_eq!(read, SubscriptionRow { asked: true, ..failed });
    store.put_subscription(&renewed, read.asked).await.unwrap();
    assert_eq!(store.subscriptions().await.unwrap(), [renewed], "answered");
}

async fn subscriptions_of_connections_that_are_gone_are_forgotten(bench: Bench) {
    let store = &bench.store;
    let other = SubscriptionRow { connection: "Other's".to_owned(), ..row("a", "users", None) };
    for one in [&row("a", "users", Some("s-1")), &row("b", "users", Some("s-2")), &other] {
        store.put_subscription(one, false).await.unwrap();
    }
    store.forget_subscriptions_but(&["entra", "Other's", "third"]).await.unwrap();
    assert_eq!(store.subscriptions().await.unwrap().len(), 3);
    store.forget_subscriptions_but(&["Other's"]).await.unwrap();
    assert_eq!(store.subscriptions().await.unwrap(), [other]);
    store.forget_subscriptions_but(&[]).await.unwrap();
    assert!(store.subscriptions().await.unwrap().is_empty());
}
