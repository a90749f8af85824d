//! What is due, what comes first, and what one run settles.

use core_schedule::Schedule;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    format!("2026-06-{text}:00Z").parse().unwrap_or_default()
}

fn entry(connection: &str, stream: Option<&str>, work: Work, pattern: &str) -> Entry {
    let pattern = pattern.parse().unwrap_or_else(|error| panic!("{pattern}: {error}"));
    Entry {
        connection: connection.to_owned(),
        stream: stream.map(str::to_owned),
        work,
        schedule: Schedule::new(pattern, chrono_tz::UTC),
        jitter_seconds: 0,
    }
}

fn usual(connection: &str) -> Vec<Entry> {
    vec![
        entry(connection, None, Work::Incremental, "0 * * * *"),
        entry(connection, None, Work::Full, "0 2 * * *"),
        entry(connection, None, Work::Collect, "30 * * * *"),
    ]
}

fn board(entries: Vec<Entry>, handled: DateTime<Utc>) -> Board {
    let known: Vec<Planned> = entries.iter().map(|entry| entry.planned(handled)).collect();
    let mut board = Board::default();
    board.plan(entries, &known);
    board
}

fn idle() -> HashSet<String> {
    HashSet::new()
}

fn told(jobs: &[Job]) -> Vec<String> {
    jobs.iter().map(|job| format!("{} {}", job.work, job.connections.join("+"))).collect()
}

#[test]
fn what_is_quick_comes_before_what_takes_the_night() {
    let board = board([usual("a"), usual("b")].concat(), at("01T12:59"));
    assert_eq!(told(&board.jobs(at("01T12:59"), &idle())), [""; 0]);
    assert_eq!(told(&board.jobs(at("01T13:00"), &idle())), ["incremental a", "incremental b"]);
    let jobs = board.jobs(at("01T13:30"), &idle());
    assert_eq!(told(&jobs), ["incremental a", "incremental b", "collect a+b"]);
    assert_eq!(jobs[0].due, at("01T13:00"));
}

#[test]
fn a_full_run_settles_the_incremental_one_of_the_same_time() {
    let mut board = board(usual("a"), at("01T01:45"));
    let jobs = board.jobs(at("02T02:01"), &idle());
    assert_eq!(told(&jobs), ["full a", "collect a"]);
    board.done(&jobs[0]);
    assert_eq!(told(&board.jobs(at("02T02:01"), &idle())), ["collect a"]);
    assert_eq!(told(&board.jobs(at("02T03:00"), &idle())), ["incremental a", "collect a"]);
}

#[test]
fn many_missed_runs_are_one() {
    let mut board = board(usual("a"), at("01T02:45"));
    for lane in ["full a", "collect a"] {
        let jobs = board.jobs(at("20T10:10"), &idle());
        let job = jobs.iter().find(|job| told(&[(*job).clone()]) == [lane]).cloned();
        board.done(&job.unwrap_or_else(|| panic!("{lane}: {jobs:?}")));
    }
    assert!(board.jobs(at("20T10:29"), &idle()).is_empty());
    assert_eq!(board.wake(at("20T10:10")), Some(at("20T10:30")));
}

#[test]
fn a_lane_has_one_job_at_a_time_and_a_busy_one_none() {
    let mut board = board([usual("a"), usual("b")].concat(), at("01T12:50"));
    let busy = HashSet::from(["a".to_owned()]);
    assert_eq!(told(&board.jobs(at("01T13:00"), &busy)), ["incremental b"]);
    board.leave_alone("b", at("01T13:01"));
    assert!(board.jobs(at("01T13:00"), &busy).is_empty());
    assert_eq!(board.wake(at("01T13:00")), Some(at("01T13:01")));
    assert_eq!(told(&board.jobs(at("01T13:01"), &busy)), ["incremental b"]);
}

#[test]
fn a_stream_with_a_plan_of_its_own_is_in_no_other_run() {
    let mut entries = usual("a");
    entries.push(entry("a", Some("contracts"), Work::Full, "0 4 * * *"));
    let mut board = board(entries, at("01T03:45"));
    let jobs = board.jobs(at("01T04:00"), &idle());
    assert_eq!(jobs.len(), 1, "one of a connection at a time: {jobs:?}");
    assert_eq!(jobs[0].streams, Streams::Except(vec!["contracts".to_owned()]));
    board.done(&jobs[0]);
    let jobs = board.jobs(at("01T04:00"), &idle());
    assert_eq!(jobs[0].streams, Streams::Only(vec!["contracts".to_owned()]));
    assert_eq!(jobs[0].settles[0].to.name, "a/contracts/full");
}

#[test]
fn what_time_can_mend_is_tried_again_later_and_later_and_not_for_ever() {
    let mut board = board(usual("a"), at("01T12:50"));
    let mut now = at("01T13:00");
    let mut waits = Vec::new();
    let mut job = board.jobs(now, &idle()).remove(0);
    for _ in 0..9 {
        board.done(&job);
        board.failed(&job, vec!["users".to_owned()], now);
        let again = board.again.first().cloned();
        let Some((time, next)) = again else { break };
        assert_eq!(next.streams, Streams::Only(vec!["users".to_owned()]));
        assert!(next.settles.is_empty());
        waits.push((time - now).num_minutes());
        (now, job) = (time, next);
    }
    assert_eq!(waits, [5, 10, 20, 40]);
    // The next planned run of everything makes a second attempt superfluous.
    board.failed(&Job { attempt: 0, ..job }, vec!["users".to_owned()], now);
    let planned = board.jobs(at("01T14:00"), &idle());
    board.done(&planned[0]);
    assert!(board.again.is_empty(), "{:?}", board.again);
}

#[test]
fn u16_a_daily_run_that_did_not_run_for_25_hours_is_told() {
    let board = board(vec![entry("a", None, Work::Full, "0 2 * * *")], at("01T02:00"));
    assert!(board.overdue(at("02T03:00"), &idle()).is_empty());
    let late = board.overdue(at("02T03:01"), &idle());
    assert_eq!(late, [Upcoming { name: "a/full".to_owned(), at: at("02T02:00") }]);
    // One that is under way is late and no matter of concern.
    assert!(board.overdue(at("02T03:01"), &HashSet::from(["a".to_owned()])).is_empty());
}

#[test]
fn what_was_never_handled_is_due_at_once_and_then_as_planned() {
    let mut board = Board::default();
    board.plan(usual("a"), &[usual("a")[1].planned(at("01T09:59"))]);
    let jobs = board.jobs(at("01T10:10"), &idle());
    assert_eq!(told(&jobs), ["incremental a", "collect a"]);
    assert!(jobs[0].settles[0].since_ever);
    jobs.iter().for_each(|job| board.done(job));
    assert!(board.jobs(at("01T10:29"), &idle()).is_empty());
    assert_eq!(board.wake(at("01T10:10")), Some(at("01T10:30")));
}

#[test]
fn after_a_sync_a_push_is_not_waited_for_and_comes_once() {
    let mut entries = usual("a");
    entries.push(entry("a", None, Work::Push, "0 5 * * *"));
    let mut board = board(entries, at("01T12:59"));
    assert_eq!(told(&board.jobs(at("01T13:00"), &idle())), ["incremental a"]);
    let jobs = board.jobs(at("01T13:00"), &idle());
    board.done(&jobs[0]);
    for _ in 0..2 {
        board.push_now(at("01T13:01"));
    }
    let jobs = board.jobs(at("01T13:01"), &idle());
    assert_eq!(told(&jobs), ["push a"]);
    // Beside a sync of the same connection, and not beside another push of it.
    let lane = |name: &str| HashSet::from([name.to_owned()]);
    assert_eq!(told(&board.jobs(at("01T13:01"), &lane("a"))), ["push a"]);
    assert!(board.jobs(at("01T13:01"), &lane(":push/a")).is_empty());
    board.done(&jobs[0]);
    assert!(board.jobs(at("01T13:02"), &idle()).is_empty());
    assert!(told(&board.jobs(at("02T05:00"), &idle())).contains(&"push a".to_owned()));
}

#[test]
fn what_a_system_asks_for_while_its_subscriptions_are_looked_at_is_looked_at_once_more() {
    let subscribe = |name: &str| entry(name, None, Work::Subscribe, "50 * * * *");
    let mut board =
        board([usual("a"), vec![subscribe("a"), subscribe("b")]].concat(), at("01T12:59"));
    board.subscribe_now(None, at("01T13:00"));
    let jobs = board.jobs(at("01T13:00"), &idle());
    assert_eq!(told(&jobs), ["subscribe a", "subscribe b", "incremental a"]);
    jobs.iter().for_each(|job| board.done(job));
    assert!(board.jobs(at("01T13:01"), &idle()).is_empty());

    board.subscribe_now(Some("b"), at("01T13:02"));
    let jobs = board.jobs(at("01T13:02"), &idle());
    assert_eq!(told(&jobs), ["subscribe b"]);
    for _ in 0..3 {
        board.subscribe_now(Some("b"), at("01T13:03"));
    }
    board.done(&jobs[0]);
    let jobs = board.jobs(at("01T13:04"), &idle());
    assert_eq!(told(&jobs), ["subscribe b"], "it may have come too late for the first");
    board.done(&jobs[0]);
    assert!(board.jobs(at("01T13:05"), &idle()).is_empty(), "and once");
}
