//! Logons, readings and presence: stored once, however often they are said.

use chrono::DateTime;
use core_model::observation::{Logon, Reading};
use core_model::record::Presence;
use core_store::{Agents, Error, RoundMode, Store};

use crate::harness::{Bench, Stream, agent};

on_both!(
    a_repeated_logon_is_one,
    somebody_in_between_makes_it_two,
    two_at_once_are_not_in_between,
    what_another_source_says_is_not_in_between,
    twelve_logons_are_kept,
    readings_are_kept_when_they_differ,
    observations_share_the_numbers_of_changes,
    observations_of_an_unknown_agent_are_refused,
    presence_is_written_where_it_differs,
    observations_are_found_by_client,
    presence_that_was_told_late_says_nothing_of_now,
);

const HOUR: i64 = 3_600_000_000;

async fn a_repeated_logon_is_one(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    for (hour, account) in [(0, "ana@x.example"), (1, "ANA@x.example"), (19, "ana@x.example")] {
        stream.page(&[agent("a", "A").logged_on(logon(account))], hour * HOUR).await;
    }
    assert_eq!(accounts(&bench.store).await, [("ana@x.example".to_owned(), 0)]);
    let script = (stream.agent("a"), logon("ana@x.example"));
    bench.store.add_logons(std::slice::from_ref(&script), 19 * HOUR).await.unwrap();
    assert_eq!(accounts(&bench.store).await.len(), 1);
    bench.store.add_logons(&[script.clone(), script], 20 * HOUR).await.unwrap();
    assert_eq!(accounts(&bench.store).await.len(), 2);
    // Another interval, another answer.
    let store = bench.store.clone().with_logon_interval(HOUR);
    store.add_logons(&[(stream.agent("a"), logon("ana@x.example"))], 21 * HOUR).await.unwrap();
    assert_eq!(accounts(&store).await.len(), 3);
}

async fn somebody_in_between_makes_it_two(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    for (hour, account) in [(0, "ana"), (1, "bob"), (2, "ana"), (3, "ana")] {
        stream.page(&[agent("a", "A").logged_on(logon(account))], hour * HOUR).await;
    }
    let expected = [("ana", 0), ("bob", HOUR), ("ana", 2 * HOUR)];
    assert_eq!(accounts(&bench.store).await, expected.map(|(name, at)| (name.to_owned(), at)));
}

async fn two_at_once_are_not_in_between(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    for hour in 0..5 {
        let both = agent("a", "A").logged_on(logon("ana")).logged_on(logon("bob"));
        stream.page(&[both], hour * HOUR).await;
    }
    assert_eq!(accounts(&bench.store).await.len(), 2);
}

async fn what_another_source_says_is_not_in_between(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    for hour in 0..4 {
        let page = agent("a", "A").logged_on(logon("AD\\ana"));
        stream.page(&[page], hour * HOUR).await;
        let said = Logon { source: "script".into(), ..logon("ana@x.example") };
        bench.store.add_logons(&[(stream.agent("a"), said)], hour * HOUR + 1).await.unwrap();
    }
    let expected = [("AD\\ana", 0), ("ana@x.example", 1)];
    assert_eq!(accounts(&bench.store).await, expected.map(|(name, at)| (name.to_owned(), at)));
}

async fn twelve_logons_are_kept(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    for number in 0..15 {
        let records = [
            agent("a", "A").logged_on(logon(&format!("user{number}"))),
            agent("b", "B").logged_on(logon("bob")),
        ];
        stream.page(&records, number * HOUR).await;
    }
    let keys = [stream.agent("a")];
    let logons = bench.store.logons(Agents::Keys(&keys)).await.unwrap();
    let names: Vec<_> = logons.iter().map(|(_, account, ..)| account.clone()).collect();
    assert_eq!(names, (3..15).map(|number| format!("user{number}")).collect::<Vec<_>>());
    assert_eq!(bench.number("select count(*) from logon").await, 13);
}

async fn readings_are_kept_when_they_differ(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&[agent("a", "A"), agent("b", "B")], 0).await;
    let said = |key: &str, serial: &str| {
        let reading = Reading { serial: Some(serial.to_owned()), ..Reading::default() };
        (stream.agent(key), reading)
    };
    for (now, serial) in [(1, "S1"), (2, "S1"), (3, "S2"), (4, "S1"), (5, "S1")] {
        bench.store.add_readings(&[said("a", serial), said("b", "B1")], now).await.unwrap();
    }
    let readings = bench.store.readings(Agents::All).await.unwrap();
    let of_a: Vec<_> = readings
        .iter()
        .filter(|row| row.0.key == "a")
        .map(|(_, reading, at, _)| (reading.serial.as_deref().unwrap(), *at))
        .collect();
    assert_eq!(of_a, [("S1", 1), ("S2", 3), ("S1", 4)]);
    assert_eq!(readings.len(), 4);
    assert_eq!(bench.number("select max(last_at) from reading where key = 'b'").await, 5);
    assert_eq!(bench.number("select min(last_at) from reading where key = 'a'").await, 2);
}

async fn observations_share_the_numbers_of_changes(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&[agent("a", "A"), agent("b", "B")], 0).await;
    let after = bench.store.max_change_seq().await.unwrap();
    assert_eq!(bench.store.observations_after(after).await.unwrap(), []);
    let reading = Reading { host: Some("A".to_owned()), ..Reading::default() };
    bench.store.add_readings(&[(stream.agent("a"), reading.clone())], 1).await.unwrap();
    bench.store.add_logons(&[(stream.agent("a"), logon("ana"))], 1).await.unwrap();
    bench.store.add_logons(&[(stream.agent("b"), logon("ana"))], 1).await.unwrap();
    let seen = bench.store.observations_after(after).await.unwrap();
    assert_eq!(seen, [stream.agent("a"), stream.agent("b")]);
    assert_eq!(bench.store.max_change_seq().await.unwrap(), after + 3);
    assert_eq!(bench.store.observations_after(after + 2).await.unwrap(), [stream.agent("b")]);
    // A repeat is no news.
    bench.store.add_readings(&[(stream.agent("a"), reading)], 2).await.unwrap();
    assert_eq!(bench.store.max_change_seq().await.unwrap(), after + 3);
}

async fn observations_of_an_unknown_agent_are_refused(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&[agent("a", "A")], 0).await;
    let logons = [(stream.agent("a"), logon("ana")), (stream.agent("nobody"), logon("ana"))];
    let error = bench.store.add_logons(&logons, 1).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error:?}");
    assert!(error.to_string().contains("rmm/agent/nobody"), "{error}");
    assert_eq!(accounts(&bench.store).await, []);
}

async fn presence_is_written_where_it_differs(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    let seen = |online, at| Presence { online, last_seen: DateTime::from_timestamp_micros(at) };
    let first = [agent("a", "A").seen(seen(Some(true), 5)), agent("b", "B").seen(seen(None, 6))];
    stream.page(&first, 10).await;
    let seq = bench.store.max_change_seq().await.unwrap();
    let second = [agent("a", "A").seen(seen(Some(false), 7)), agent("b", "B").seen(seen(None, 6))];
    assert_eq!(stream.page(&second, 11).await.unchanged, 2);
    assert_eq!(bench.store.max_change_seq().await.unwrap(), seq);
    let mut all = bench.store.presences(Agents::All).await.unwrap();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let expected = [(stream.agent("a"), seen(Some(false), 7)), (stream.agent("b"), seen(None, 6))];
    assert_eq!(all, expected);
}

async fn observations_are_found_by_client(bench: Bench) {
    let (rmm, other) = (
        Stream::begin(&bench.store, "rmm", RoundMode::Full).await,
        Stream::begin(&bench.store, "other", RoundMode::Full).await,
    );
    for stream in [&rmm, &other] {
        let records = [("a", "c1"), ("b", "c2")].map(|(key, client)| {
            agent(key, key).of_client(client).logged_on(logon(&format!("{key}@x.example")))
        });
        stream.page(&records, 1).await;
    }
    let clients = [("rmm".to_owned(), "c1".to_owned()), ("other".to_owned(), "c2".to_owned())];
    let logons = bench.store.logons(Agents::Clients(&clients)).await.unwrap();
    let agents: Vec<_> = logons.into_iter().map(|row| row.0).collect();
    assert_eq!(agents, [other.agent("b"), rmm.agent("a")]);
}

async fn accounts(store: &Store) -> Vec<(String, i64)> {
    let logons = store.logons(Agents::All).await.unwrap();
    logons.into_iter().map(|(_, account, _, at, _)| (account, at)).collect()
}

fn logon(account: &str) -> Logon {
    Logon { account: account.to_owned(), source: "whoami".to_owned() }
}

async fn presence_that_was_told_late_says_nothing_of_now(bench: Bench) {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&[agent("a", "A")], 10).await;
    let store = &bench.store;
    let told = |online, seconds: Option<i64>| Presence {
        online: Some(online),
        last_seen: seconds.and_then(|at| DateTime::from_timestamp(at, 0)),
    };
    let now = || async { store.presences(Agents::All).await.unwrap().pop().unwrap().1 };
    assert!(store.tell_presence("rmm", "a", told(true, Some(100))).await.unwrap());
    assert_eq!(now().await, told(true, Some(100)));
    assert!(store.tell_presence("rmm", "a", told(false, Some(90))).await.unwrap());
    assert_eq!(now().await, told(true, Some(100)), "it came late");
    assert!(store.tell_presence("rmm", "a", told(false, None)).await.unwrap());
    assert_eq!(now().await, told(false, Some(100)), "when it was seen is still known");
    assert!(!store.tell_presence("rmm", "nobody", told(true, None)).await.unwrap());
    assert!(!store.tell_presence("other", "a", told(true, None)).await.unwrap());
}
