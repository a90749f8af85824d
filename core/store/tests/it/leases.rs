//! Leases, runs and decisions.

use chrono::DateTime;
use core_model::decision::Settled;
use core_model::run::{Counts, Outcome, Run};
use core_model::{RecordKind, RecordRef};
use core_store::Store;

use crate::harness::{Bench, stream_key};

on_both!(
    of_one_hundred_takers_one_gets_the_lease,
    a_lease_runs_out_and_the_loser_learns_of_it,
    runs_are_listed_newest_first,
    of_each_stream_it_is_known_how_its_newest_run_that_is_over_ended,
    of_old_runs_that_came_to_nothing_those_between_others_are_forgotten,
    what_failed_or_was_held_is_well_again_from_the_run_that_said_so,
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

async fn of_each_stream_it_is_known_how_its_newest_run_that_is_over_ended(bench: Bench) {
    let store = &bench.store;
    let told = |until_us| async move {
        let runs = store.stream_runs(until_us).await.unwrap().into_iter();
        let runs = runs.map(|one| (one.stream, one.last_complete_us, one.latest));
        (runs.collect::<Vec<_>>(), store.runs_at(until_us).await.unwrap())
    };
    let (none, at_first) = told(1000).await;
    assert_eq!(none, []);
    for stream in ["agents", "groups"] {
        store.ensure_stream(&stream_key("rmm", stream)).await.unwrap();
    }
    let untold = |stream: &str| (stream.to_owned(), None, None);
    let (streams, at) = told(1000).await;
    assert_eq!(streams, [untold("agents"), untold("groups")]);
    assert_ne!(at, at_first, "there are streams now");
    store.start_run(&run("r0", "rmm", "agents", 5)).await.unwrap();
    assert_eq!(told(1000).await, (streams, at), "it is not over");
    let mut known = vec![at_first, at];
    let agents = |last, latest| ("agents".to_owned(), last, Some(latest));
    // The last of these ended before others that were noted before it, by a clock that is behind.
    for (id, ended_us, outcome, expected) in [
        ("r1", 10, Outcome::Complete, agents(Some(10), Outcome::Complete)),
        ("r2", 20, Outcome::Held, agents(Some(20), Outcome::Held)),
        ("r3", 30, Outcome::Failed, agents(Some(20), Outcome::Failed)),
        ("r4", 40, Outcome::Skipped, agents(Some(20), Outcome::Skipped)),
        ("r5", 25, Outcome::Complete, agents(Some(25), Outcome::Skipped)),
    ] {
        let ended = Run { ended_us: Some(ended_us), outcome, ..run(id, "rmm", "agents", 5) };
        store.finish_run(&ended).await.unwrap();
        let (streams, at) = told(1000).await;
        assert_eq!(streams, [expected, untold("groups")], "{id}");
        assert!(!known.contains(&at), "after {id} nobody would look: {at:?}");
        known.push(at);
    }
    let (earlier, at) = told(24).await;
    assert_eq!(earlier, [agents(Some(20), Outcome::Held), untold("groups")]);
    assert!(known.contains(&at), "as it was known then");
}

const HOUR: i64 = 3_600_000_000;

/// A day and a half in which two streams were read each hour, and a third one died three times.
async fn read_each_hour(store: &Store) {
    let ended = |hour: i64, stream: &str, (outcome, counts): (Outcome, Counts)| {
        let id = format!("{stream}{hour}{}", outcome.as_str());
        let ended_us = Some(hour * HOUR + 7);
        Run { ended_us, outcome, counts, ..run(&id, "rmm", stream, hour * HOUR) }
    };
    let nothing = Counts { pages: 1, read: 9, unchanged: 9, ..Counts::default() };
    let changed = Counts { changed: 1, ..nothing };
    for stream in ["a", "b"] {
        store.ensure_stream(&stream_key("rmm", stream)).await.unwrap();
    }
    for hour in 0..36 {
        let as_ever = (Outcome::Complete, nothing);
        let other = match hour {
            3 => (Outcome::Failed, nothing),
            4 => (Outcome::Complete, changed),
            5 | 20 => (Outcome::Held, Counts { held: 1, ..nothing }),
            _ => as_ever,
        };
        store.finish_run(&ended(hour, "a", other)).await.unwrap();
        store.finish_run(&ended(hour, "b", as_ever)).await.unwrap();
    }
    for hour in 1..4 {
        let died = Run {
            error_kind: Some("interrupted".to_owned()),
            ..ended(hour, "c", (Outcome::Failed, Counts::default()))
        };
        store.finish_run(&died).await.unwrap();
    }
    store.start_run(&run("goes on", "rmm", "a", 1)).await.unwrap();
}

async fn thinned(store: &Store, before_us: i64) -> u64 {
    let mut gone = 0;
    while let Some(more) = store.thin_runs(before_us).await.unwrap() {
        gone += more;
    }
    gone
}

async fn of_old_runs_that_came_to_nothing_those_between_others_are_forgotten(bench: Bench) {
    let store = &bench.store;
    read_each_hour(store).await;
    let left = |stream: &'static str| async move {
        let runs = store.runs(1000, None).await.unwrap().into_iter().rev();
        let ended = runs.filter(|run| run.stream == stream).filter_map(|run| run.ended_us);
        ended.map(|at| at / HOUR).collect::<Vec<_>>()
    };
    assert_eq!(thinned(store, 7).await, 0, "it ended no earlier than that");
    assert_eq!(thinned(store, 30 * HOUR).await, (6 + 8 + 5) + (10 + 10 + 5));
    let whole: Vec<i64> = (30..36).collect();
    assert_eq!(left("a").await, [&[0, 3, 4, 5, 6, 11, 12, 20, 21, 23, 24], &whole[..]].concat());
    assert_eq!(left("b").await, [&[0, 11, 12, 23, 24], &whole[..]].concat());
    assert_eq!(left("c").await, [1, 2, 3], "what they stored is not counted");
    assert_eq!(thinned(store, 30 * HOUR).await, 0);
    assert_eq!(thinned(store, 40 * HOUR).await, 5 + 5, "not the last of the half day");
    assert_eq!(left("b").await, [0, 11, 12, 23, 24, 35]);
    assert_eq!(store.run("goes on").await.unwrap().unwrap().outcome, Outcome::Running);
}

async fn what_failed_or_was_held_is_well_again_from_the_run_that_said_so(bench: Bench) {
    let store = &bench.store;
    read_each_hour(store).await;
    thinned(store, 40 * HOUR).await;
    for (hour, last, latest) in [
        (3, 0, Outcome::Failed),
        (4, 4, Outcome::Complete),
        (5, 5, Outcome::Held),
        (10, 6, Outcome::Complete),
        (13, 12, Outcome::Complete),
        (22, 21, Outcome::Complete),
    ] {
        let known = store.stream_runs(hour * HOUR + 8).await.unwrap();
        let told = (known[0].last_complete_us, known[0].latest);
        assert_eq!(told, (Some(last * HOUR + 7), Some(latest)), "{hour}");
    }
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
