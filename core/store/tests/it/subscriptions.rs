//! Subscriptions: noted, found by their id, forgotten.

use core_store::{SubscriptionFailure, SubscriptionRow};

use crate::harness::Bench;

on_both!(a_subscription_is_noted_found_by_its_id_and_forgotten);

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
        store.put_subscription(one).await.unwrap();
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

    store.put_subscription(&row("b", "groups", Some("s-3"))).await.unwrap();
    store.forget_subscription(&row("a", "users", None)).await.unwrap();
    let left = store.subscriptions().await.unwrap();
    assert_eq!(left[0], row("b", "groups", Some("s-3")), "it is mended");
    assert_eq!(left.len(), 2);
}
