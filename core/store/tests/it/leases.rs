//! Leases, runs and decisions.

use chrono::DateTime;
use core_model::decision::Settled;
use core_model::run::{Counts, Outcome, Run};
use core_model::{RecordKind, RecordRef};

use crate::harness::Bench;

on_both!(
    of_one_hundred_takers_one_gets_the_lease,
    a_lease_runs_out_and_the_loser_learns_of_it,
    runs_are_listed_newest_first,
    only_runs_without_a_lease_are_dead,
    decisions_are_numbered_in_order,
);

async fn of_one_hundred_takers_one_gets_the_lease(bench: Bench) {
    let takers = (0..100).map(|number| {
        let store = bench.store.clone();
        tokio::spawn(async move {
            store.take_lease("sync:rmm", &format!("process-{number}"), 1_000, 500).await.unwrap()
        })
    });
    let mut taken = Vec::new();
    for taker in takers.collect::<Vec<_>>() {
        taken.extend(taker.await.unwrap());
    }
    assert_eq!(taken.len(), 1);
    assert_eq!(bench.store.lease_holder("sync:rmm").await.unwrap().as_ref(), taken.first());
}

async fn a_lease_runs_out_and_the_loser_learns_of_it(bench: Bench) {
    let store = &bench.store;
    let first = store.take_lease("sync:rmm", "a", 1_000, 500).await.unwrap().unwrap();
    assert_eq!(first.until_us, 1_500);
    assert_eq!(store.take_lease("sync:rmm", "b", 1_499, 500).await.unwrap(), None);
    let first = store.renew_lease(&first, 1_400, 500).await.unwrap().unwrap();
    assert_eq!(store.take_lease("sync:rmm", "b", 1_899, 500).await.unwrap(), None);
    let second = store.take_lease("sync:rmm", "b", 1_900, 500).await.unwrap().unwrap();
    assert!(second.token > first.token);
    // The first one comes back from its long pause: it may neither renew nor give back.
    assert_eq!(store.renew_lease(&first, 1_901, 500).await.unwrap(), None);
    store.release_lease(&first).await.unwrap();
    assert_eq!(store.lease_holder("sync:rmm").await.unwrap().unwrap().holder, "b");
    store.release_lease(&second).await.unwrap();
    assert_eq!(store.lease_holder("sync:rmm").await.unwrap(), None);
    let third = store.take_lease("sync:rmm", "a", 1_902, 500).await.unwrap().unwrap();
    assert!(third.token > second.token);
    let again = store.take_lease("sync:rmm", "a", 1_903, 500).await.unwrap().unwrap();
    assert_eq!(store.renew_lease(&third, 1_904, 500).await.unwrap(), None);
    assert_eq!(again.until_us, 2_403);
}

async fn runs_are_listed_newest_first(bench: Bench) {
    let store = &bench.store;
    for (id, connection, started_us) in [("r1", "aad", 10), ("r2", "rmm", 20), ("r3", "rmm", 30)] {
        store.start_run(&run(id, connection, "agents", started_us)).await.unwrap();
    }
    let mut second = run("r2", "rmm", "agents", 20);
    second.outcome = Outcome::Held;
    second.ended_us = Some(25);
    second.counts = Counts { read: 7, held: 3, ..Counts::default() };
    second.error_kind = Some("guard".to_owned());
    store.finish_run(&second).await.unwrap();
    assert_eq!(store.run("r2").await.unwrap(), Some(second.clone()));
    assert_eq!(store.run("r9").await.unwrap(), None);
    let ids = |runs: Vec<Run>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(ids(store.runs(10, None).await.unwrap()), ["r3", "r2", "r1"]);
    assert_eq!(ids(store.runs(1, Some("rmm")).await.unwrap()), ["r3"]);
}

async fn only_runs_without_a_lease_are_dead(bench: Bench) {
    let store = &bench.store;
    let runs = [("r1", "aad", "persons"), ("r2", "aad", "groups"), ("r3", "rmm", "agents")];
    for (id, connection, stream) in runs {
        store.start_run(&run(id, connection, stream, 10)).await.unwrap();
    }
    store.take_lease("sync:aad/persons", "a", 10, 100).await.unwrap().unwrap();
    store.take_lease("rmm", "a", 10, 50).await.unwrap().unwrap();
    assert_eq!(store.mark_dead_runs(40, "the process ended").await.unwrap(), 1);
    assert_eq!(store.mark_dead_runs(60, "the process ended").await.unwrap(), 1);
    let outcome = |id| async move { store.run(id).await.unwrap().unwrap() };
    assert_eq!(outcome("r1").await.outcome, Outcome::Running);
    let dead = outcome("r2").await;
    assert_eq!((dead.outcome, dead.ended_us), (Outcome::Failed, Some(40)));
    assert_eq!(dead.error.as_deref(), Some("the process ended"));
    assert!(dead.remedy.is_some());
    assert_eq!(outcome("r3").await.ended_us, Some(60));
}

async fn decisions_are_numbered_in_order(bench: Bench) {
    let agent = RecordRef::new("rmm", RecordKind::Agent, "", "a1");
    let settled = Settled::PinPrimary { agent: agent.clone(), person: None };
    let later = Settled::Onboarded { agent };
    assert_eq!(bench.store.add_decision(&settled, "ana", 10).await.unwrap(), 1);
    assert_eq!(bench.store.add_decision(&later, "bob", 20).await.unwrap(), 2);
    let all = bench.store.decisions().await.unwrap();
    assert_eq!(all.iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((&all[0].settled, all[0].by.as_str()), (&settled, "ana"));
    assert_eq!(all[1].at, DateTime::from_timestamp_micros(20).unwrap());
}

fn run(id: &str, connection: &str, stream: &str, started_us: i64) -> Run {
    Run {
        id: id.to_owned(),
        connection: connection.to_owned(),
        stream: stream.to_owned(),
        scope: String::new(),
        trigger: "manual".to_owned(),
        mode: "full".to_owned(),
        started_us,
        ended_us: None,
        outcome: Outcome::Running,
        counts: Counts::default(),
        error_kind: None,
        error: None,
        remedy: None,
    }
}
