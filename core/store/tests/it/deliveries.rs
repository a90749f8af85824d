//! What was sent to the hub: there once, worked off in order, tried again, given up where it is seen; and how
//! those fare who are told.

use core_store::{Attempt, NewDelivery, WebhookState};

use crate::harness::Bench;

on_both!(
    what_comes_twice_is_there_once,
    what_failed_waits_and_what_was_given_up_is_seen_and_can_be_revived,
    what_was_settled_is_remembered_for_a_while,
    what_comes_at_once_is_all_there,
    each_of_many_ends_as_it_did,
    endpoints_that_are_gone_are_forgotten_with_what_was_told_to_them,
);

fn told(connection: &str, id: &str) -> NewDelivery {
    NewDelivery {
        connection: connection.to_owned(),
        id: id.to_owned(),
        body: format!("{{\"ticket\":\"{id}\"}}"),
    }
}

async fn what_comes_twice_is_there_once(bench: Bench) {
    let store = &bench.store;
    let sent = [told("halo", "a"), told("halo", "b"), told("halo", "a"), told("other", "a")];
    assert_eq!(store.add_deliveries(&sent, 10).await.unwrap(), 3);
    assert_eq!(store.add_deliveries(&sent, 20).await.unwrap(), 0);
    assert_eq!(store.add_deliveries(&[], 20).await.unwrap(), 0);
    let due = store.due_deliveries(10, 10).await.unwrap();
    let ids: Vec<_> = due.iter().map(|one| (one.connection.as_str(), one.id.as_str())).collect();
    assert_eq!(ids, [("halo", "a"), ("halo", "b"), ("other", "a")]);
    assert!(due.iter().all(|one| one.received_us == 10 && one.attempts == 0));
    assert_eq!(store.due_deliveries(9, 10).await.unwrap(), []);
    assert_eq!(store.waiting_deliveries().await.unwrap(), 3);
}

async fn what_failed_waits_and_what_was_given_up_is_seen_and_can_be_revived(bench: Bench) {
    let store = &bench.store;
    store.add_deliveries(&[told("halo", "a"), told("halo", "b")], 10).await.unwrap();
    let due = store.due_deliveries(10, 10).await.unwrap();
    let ends = [
        (due[0].seq, Attempt::Again(50, "no answer".to_owned())),
        (due[1].seq, Attempt::GivenUp("no\u{0}right".to_owned())),
    ];
    store.attempted(&ends, 11).await.unwrap();
    assert_eq!(store.due_deliveries(49, 10).await.unwrap(), []);
    let again = store.due_deliveries(50, 10).await.unwrap();
    assert_eq!((again[0].attempts, again[0].error.as_deref()), (1, Some("no answer")));
    let dead = store.dead_deliveries(10).await.unwrap();
    assert_eq!((dead.len(), dead[0].id.as_str(), dead[0].attempts), (1, "b", 1));
    assert_eq!(dead[0].error.as_deref(), Some("no\u{fffd}right"));
    assert_eq!(store.given_up_deliveries().await.unwrap(), (1, Some(10)));
    assert_eq!(store.revive_deliveries(60).await.unwrap(), 1);
    assert_eq!(store.given_up_deliveries().await.unwrap(), (0, None));
    assert_eq!(store.due_deliveries(60, 10).await.unwrap().len(), 2);
    assert_eq!(store.dead_deliveries(10).await.unwrap(), []);
}

async fn what_was_settled_is_remembered_for_a_while(bench: Bench) {
    let store = &bench.store;
    store.add_deliveries(&[told("halo", "a"), told("halo", "b")], 10).await.unwrap();
    let due = store.due_deliveries(10, 10).await.unwrap();
    store.attempted(&[(due[0].seq, Attempt::Done)], 100).await.unwrap();
    assert_eq!(store.forget_deliveries(100).await.unwrap(), 0);
    assert_eq!(store.add_deliveries(&[told("halo", "a")], 110).await.unwrap(), 0);
    assert_eq!(store.forget_deliveries(101).await.unwrap(), 1);
    assert_eq!(store.waiting_deliveries().await.unwrap(), 1, "what waits is not forgotten");
    assert_eq!(store.add_deliveries(&[told("halo", "a")], 120).await.unwrap(), 1);
}

async fn what_comes_at_once_is_all_there(bench: Bench) {
    let store = &bench.store;
    let sending = (0..20).map(|round| async move {
        let sent: Vec<_> = (0..50).map(|n| told("halo", &format!("{}", n + round % 4))).collect();
        store.add_deliveries(&sent, 10).await.unwrap()
    });
    let new: u64 = futures::future::join_all(sending).await.into_iter().sum();
    assert_eq!(new, 53);
    let due = store.due_deliveries(10, 1000).await.unwrap();
    assert_eq!(due.len(), 53);
    assert!(due.windows(2).all(|pair| pair[0].seq < pair[1].seq));
}

async fn each_of_many_ends_as_it_did(bench: Bench) {
    let store = &bench.store;
    let sent: Vec<_> = (0..350).map(|n| told("halo", &n.to_string())).collect();
    store.add_deliveries(&sent, 10).await.unwrap();
    let due = store.due_deliveries(10, 1000).await.unwrap();
    let ends: Vec<_> = (0..)
        .zip(&due[1..])
        .map(|(number, one)| match number % 3 {
            0 => (one.seq, Attempt::Done),
            1 => (one.seq, Attempt::Again(100 + number, format!("{number}"))),
            _ => (one.seq, Attempt::GivenUp(format!("{number}"))),
        })
        .collect();
    store.attempted(&ends, 20).await.unwrap();
    let left = store.due_deliveries(20, 1000).await.unwrap();
    assert_eq!(left, due[..1], "what was not tried is as it was");
    let again = store.due_deliveries(1000, 1000).await.unwrap();
    assert_eq!(again.len(), 1 + 116);
    for one in &again[1..] {
        let number: usize = one.error.as_deref().unwrap().parse().unwrap();
        assert_eq!(due[1 + number].seq, one.seq);
        assert_eq!((one.attempts, &one.body), (1, &due[1 + number].body));
        let just_before = 99 + i64::try_from(number).unwrap();
        let earlier = store.due_deliveries(just_before, 1000).await.unwrap();
        assert!(earlier.iter().all(|due| due.seq != one.seq), "{number} is due too early");
    }
    assert_eq!(store.given_up_deliveries().await.unwrap(), (116, Some(10)));
    assert_eq!(store.forget_deliveries(21).await.unwrap(), 117);
    // Of the same again only what is done is new: it was just forgotten.
    assert_eq!(store.add_deliveries(&sent, 30).await.unwrap(), 117);
}

async fn endpoints_that_are_gone_are_forgotten_with_what_was_told_to_them(bench: Bench) {
    let store = &bench.store;
    for name in ["one", "mail:/", "it's \"third\""] {
        store.put_webhook(name, &WebhookState::default()).await.unwrap();
        store.note_announced(name, "need", Some("words"), 1).await.unwrap();
    }
    let left = || async {
        let known: Vec<String> = store.webhooks().await.unwrap().into_keys().collect();
        let told = bench.texts("select endpoint from announced order by endpoint").await;
        assert_eq!(known, told);
        known
    };
    store.forget_webhooks_but(&["it's \"third\"", "one", "never told"]).await.unwrap();
    assert_eq!(left().await.len(), 2);
    store.forget_webhooks_but(&["one"]).await.unwrap();
    assert_eq!(left().await, ["one"]);
    store.forget_webhooks_but(&[]).await.unwrap();
    assert!(left().await.is_empty());
}
