//! The daemon in fast-forward: what ran when, over nights on which clocks jump, after days on which
//! nobody ran it; stopped in the middle, given other settings, and beside commands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use core_daemon::{Daemon, Edges, Entry, Error, Health, Order, Site, SystemTimer, Work};
use core_model::run::{Outcome, Run};
use core_store::{Planned, Store};
use core_sync::{Clock, Hub, Progress, ProgressEvent, SyncOptions, Trigger};
use tests::Estate;
use tests::databases;
use tests::fast_forward::FastForward;
use tests::plan::{LATE, entry};
use tokio::sync::mpsc;

use crate::support::{connect, ensure_verified, small_pages, told};

const KINDS: [&str; 4] = ["azure-ad", "cw-automate", "cw-control", "halopsa"];

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Hourly, nightly at 02:30 in Berlin, and machines asked at half past.
fn usual(kinds: &[&str]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for kind in kinds {
        entries.push(entry(kind, Work::Incremental, "0 * * * *", Berlin, LATE)?);
        entries.push(entry(kind, Work::Full, "30 2 * * *", Berlin, LATE)?);
        if ["cw-automate", "cw-control"].contains(kind) {
            entries.push(entry(kind, Work::Collect, "45 * * * *", Berlin, LATE)?);
        }
    }
    Ok(entries)
}

/// Notes when machines were asked.
struct Asked {
    clock: Clock,
    at: Mutex<Vec<DateTime<Utc>>>,
}

impl Progress for Asked {
    fn event(&self, event: &ProgressEvent<'_>) {
        if let ProgressEvent::Asking { done, total } = event
            && done == total
        {
            self.at.lock().unwrap().push(self.clock.now());
        }
    }
}

/// Lets a daemon work from then until then. Gives when machines were asked.
async fn live(
    estate: &Estate,
    store: &Store,
    kinds: &[&str],
    (from, until): (&str, &str),
) -> Result<Vec<DateTime<Utc>>> {
    let time = Arc::new(FastForward::new(at(from), at(until)));
    let asked = Arc::new(Asked { clock: time.clock(), at: Mutex::default() });
    let connections = tests::connections_of(&estate.settings(), kinds)?;
    let hub = Hub::new(store.clone(), connections, estate.rules(), time.clock());
    let hub = Arc::new(hub.watched(asked.clone()));
    let site = Site { hub, entries: usual(kinds)?, parallel: 2, edges: None };
    run_through(site, &time).await?;
    let asked = asked.at.lock().unwrap().clone();
    Ok(asked)
}

/// Lets a daemon work until that time is over, and stops it.
pub(crate) async fn run_through(site: Site, time: &Arc<FastForward>) -> Result<()> {
    let daemon = Daemon::start(site, time.clone()).await?;
    let (orders, inbox) = mpsc::channel(1);
    let running = tokio::spawn(daemon.run(inbox));
    time.over().await;
    orders.send(Order::Stop).await?;
    running.await??;
    Ok(())
}

/// When each stream of each connection was read, and whether in full, after an instant.
pub(crate) async fn read_at(
    store: &Store,
    since: &str,
) -> Result<BTreeMap<(String, String), Vec<Run>>> {
    let mut found: BTreeMap<(String, String), Vec<Run>> = BTreeMap::new();
    let mut runs = store.runs(100_000, None).await?;
    runs.retain(|run| run.started_us >= at(since).timestamp_micros());
    runs.sort_by_key(|run| run.started_us);
    for run in runs {
        ensure!(matches!(run.outcome, Outcome::Complete | Outcome::Skipped), "{}", told(&run));
        ensure!(run.trigger == "schedule", "{run:?}");
        let runs = found.entry((run.connection.clone(), run.stream.clone())).or_default();
        // Scopes of a stream are read at one time.
        if runs.last().is_none_or(|last| last.started_us != run.started_us) {
            runs.push(run);
        }
    }
    Ok(found)
}

/// What a plan says in words, with its delay.
pub(crate) fn late(
    name: &str,
    times: impl IntoIterator<Item = DateTime<Utc>>,
) -> BTreeSet<DateTime<Utc>> {
    times.into_iter().map(|time| time + core_schedule::jitter(name, LATE)).collect()
}

pub(crate) fn hours(from: &str, until: &str) -> Vec<DateTime<Utc>> {
    let mut hours = vec![at(from)];
    while *hours.last().unwrap() < at(until) {
        hours.push(*hours.last().unwrap() + TimeDelta::hours(1));
    }
    hours
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_night_when_clocks_go_forward_every_stream_ran_when_it_should() -> Result<()> {
    let estate = Estate::of(40, 71).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    let asked =
        live(&estate, &store, &KINDS, ("2027-03-27T12:10:00Z", "2027-03-29T12:50:00Z")).await?;
    let read = read_at(&store, "2027-03-27T00:00:00Z").await?;
    let streams: BTreeSet<&str> = read.keys().map(|(_, stream)| stream.as_str()).collect();
    ensure!(streams.len() > 12, "{streams:?}");
    for ((connection, stream), runs) in &read {
        let what = format!("{connection} {stream}");
        let times: Vec<DateTime<Utc>> =
            runs.iter().filter_map(|run| DateTime::from_timestamp_micros(run.started_us)).collect();
        // On the 28th, 02:30 does not exist in Berlin: its run is at 03:00, which is 01:00 in UTC.
        let nights = ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z"].map(at);
        let full = late(&format!("{connection}/full"), nights);
        // Each hour of UTC is one of Berlin. The one that does not exist is the one after it.
        let hourly = late(
            &format!("{connection}/incremental"),
            hours("2027-03-27T13:00:00Z", "2027-03-29T12:00:00Z"),
        );
        // What was never read is read at once.
        let mut expected: BTreeSet<_> = full.union(&hourly).copied().collect();
        expected.insert(at("2027-03-27T12:10:00Z"));
        ensure!(times.iter().copied().collect::<BTreeSet<_>>() == expected, "{what}: {times:?}");
        ensure!(times.len() == expected.len(), "{what}: twice at one time");
        for run in runs {
            let time = DateTime::from_timestamp_micros(run.started_us).context("no time")?;
            ensure!(!full.contains(&time) || run.mode == "full", "{what} at {time}: {}", run.mode);
        }
    }
    // Directories tell changes: besides the first time and the nights, changes are all that is read.
    let users = &read[&("azure-ad".to_owned(), "users".to_owned())];
    ensure!(users.iter().filter(|run| run.mode == "full").count() == 3, "{users:#?}");
    // Asked as soon as the time came, and then again when a day was over.
    let first = late("cw-automate/collect", [at("2027-03-27T12:45:00Z")]);
    let other = late("cw-control/collect", [at("2027-03-27T12:45:00Z")]);
    ensure!(first.union(&other).any(|time| Some(time) == asked.first()), "{asked:?}");
    let again = asked.iter().filter(|time| **time >= at("2027-03-28T12:45:00Z")).count();
    ensure!(again > 0, "{asked:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_night_when_clocks_go_back_what_is_shown_twice_runs_once() -> Result<()> {
    let estate = Estate::of(40, 72).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    let kinds = ["cw-control"];
    live(&estate, &store, &kinds, ("2027-10-30T22:10:00Z", "2027-10-31T03:50:00Z")).await?;
    let read = read_at(&store, "2027-10-30T00:00:00Z").await?;
    let runs = &read[&("cw-control".to_owned(), "sessions".to_owned())];
    // In Berlin it is 02:00 to 03:00 twice, from midnight to two in UTC.
    let hourly = [
        "2027-10-30T23:00:00Z",
        "2027-10-31T00:00:00Z",
        "2027-10-31T02:00:00Z",
        "2027-10-31T03:00:00Z",
    ]
    .map(at);
    let mut expected = late("cw-control/incremental", hourly);
    expected.extend(late("cw-control/full", [at("2027-10-31T00:30:00Z")]));
    expected.insert(at("2027-10-30T22:10:00Z"));
    let times: BTreeSet<DateTime<Utc>> =
        runs.iter().filter_map(|run| DateTime::from_timestamp_micros(run.started_us)).collect();
    ensure!(times == expected, "{times:?} and not {expected:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_in_two_days_is_made_up_for_once() -> Result<()> {
    let estate = Estate::of(40, 73).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    live(&estate, &store, &KINDS, ("2027-06-01T12:10:00Z", "2027-06-01T12:50:00Z")).await?;
    let back = "2027-06-03T14:10:00Z";
    live(&estate, &store, &KINDS, (back, "2027-06-03T15:30:00Z")).await?;
    for ((connection, stream), runs) in read_at(&store, back).await? {
        let what = format!("{connection} {stream}");
        let times: Vec<DateTime<Utc>> =
            runs.iter().filter_map(|run| DateTime::from_timestamp_micros(run.started_us)).collect();
        // Two nights and fifty hours are one run of everything; then it goes on as planned.
        let mut expected = late(&format!("{connection}/incremental"), [at("2027-06-03T15:00:00Z")]);
        expected.insert(at(back));
        ensure!(times.iter().copied().collect::<BTreeSet<_>>() == expected, "{what}: {times:?}");
        ensure!(runs[0].mode == "full", "{what}: {}", runs[0].mode);
    }
    Ok(())
}

/// Writes down the spans that it is told of.
#[derive(Default)]
struct Spans(Mutex<Vec<(DateTime<Utc>, DateTime<Utc>)>>);

#[async_trait::async_trait]
impl Edges for Spans {
    async fn passed(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<usize, String> {
        self.0.lock().unwrap().push((from, to));
        Ok(0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_instant_is_in_one_look_at_the_dates_also_over_a_restart() -> Result<()> {
    for database in crate::support::both_databases().await? {
        let spans = Arc::new(Spans::default());
        for (from, until) in [
            ("2027-06-01T23:50:00Z", "2027-06-02T01:05:00Z"),
            ("2027-06-04T00:07:00Z", "2027-06-04T00:40:00Z"),
        ] {
            let store = database.open().await?;
            let time = Arc::new(FastForward::new(at(from), at(until)));
            let hub = Hub::new(store, Vec::new(), core_sync::Settings::default(), time.clock());
            let site = Site {
                hub: Arc::new(hub),
                entries: Vec::new(),
                parallel: 1,
                edges: Some(spans.clone()),
            };
            run_through(site, &time).await?;
        }
        let spans = spans.0.lock().unwrap().clone();
        ensure!(spans.first().context("none")?.0 == at("2027-06-01T23:50:00Z"), "{spans:?}");
        ensure!(spans.last().context("none")?.1 == at("2027-06-04T00:30:00Z"), "{spans:?}");
        ensure!(spans.windows(2).all(|two| two[0].1 == two[1].0), "a gap or twice: {spans:?}");
        ensure!(spans.len() == 5 + 3, "{spans:?}");
        databases::drop_database(&database).await?;
    }
    Ok(())
}

/// Waits until nothing is due.
async fn until_idle(health: &Health) {
    loop {
        let report = health.report().await;
        let later = report.next.iter().all(|next| next.at > Utc::now());
        if report.running.is_empty() && !report.next.is_empty() && later {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// Gives an order when a stream is at a page.
struct OrderAt {
    stream: &'static str,
    page: u64,
    orders: Mutex<Option<mpsc::Sender<Order>>>,
}

impl Progress for OrderAt {
    fn event(&self, event: &ProgressEvent<'_>) {
        if let ProgressEvent::Page { run } = event
            && run.stream == self.stream
            && run.counts.pages == self.page
            && let Some(orders) = self.orders.lock().unwrap().take()
        {
            orders.try_send(Order::Stop).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_ends_after_the_page_in_flight_and_the_next_daemon_goes_on_at_once()
-> Result<()> {
    let estate = Estate::of(300, 74).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    let yearly = || entry("cw-automate", Work::Incremental, "0 0 1 1 *", Berlin, 0);
    let mut pages = Vec::new();
    for stop in [true, false] {
        let (orders, inbox) = mpsc::channel(4);
        let watch = OrderAt {
            stream: "computers",
            page: 3,
            orders: Mutex::new(stop.then(|| orders.clone())),
        };
        let mut connections = connect(&small_pages(&estate))?;
        connections.retain(|connection| connection.name == "cw-automate");
        let hub = Hub::new(store.clone(), connections, estate.rules(), Clock::system());
        let hub = Arc::new(hub.watched(Arc::new(watch)));
        let site = Site { hub: hub.clone(), entries: vec![yearly()?], parallel: 1, edges: None };
        let timer = Arc::new(SystemTimer::new(Clock::system()));
        let daemon = Daemon::start(site, timer).await?;
        let health = daemon.health();
        let running = tokio::spawn(daemon.run(inbox));
        if !stop {
            until_idle(&health).await;
            orders.send(Order::Stop).await?;
        }
        running.await??;
        let runs = store.runs(1_000, None).await?;
        let run = runs.iter().find(|run| run.stream == "computers").context("no run")?.clone();
        pages.push(run.counts.pages);
        let handled = store.planned().await?[0].handled_us;
        if stop {
            ensure!(run.outcome == Outcome::Stopped, "{}", told(&run));
            ensure!((3..=5).contains(&run.counts.pages), "{run:?}");
            ensure!(handled == 0, "what was stopped is still due");
        } else {
            ensure!(run.outcome == Outcome::Complete, "{}", told(&run));
            ensure!(handled > 0, "done, and not noted");
        }
        ensure_verified(&hub).await?;
    }
    let live = store.streams().await?;
    let live = live.iter().find(|(key, _)| key.stream == "computers").context("no stream")?.1.live;
    ensure!(pages.iter().sum::<u64>() == live.unsigned_abs().div_ceil(5), "{pages:?} for {live}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_daemon_on_a_sqlite_file_is_refused_by_name_and_a_sync_by_hand_is_not()
-> Result<()> {
    let estate = Estate::of(40, 75).await?;
    for database in crate::support::both_databases().await? {
        let site = || async {
            let connections = tests::connections_of(&estate.settings(), &["cw-control"])?;
            let hub =
                Hub::new(database.open().await?, connections, estate.rules(), Clock::system());
            let entries = vec![entry("cw-control", Work::Full, "0 0 1 1 *", Berlin, 0)?];
            anyhow::Ok(Site { hub: Arc::new(hub), entries, parallel: 1, edges: None })
        };
        let start = |site| Daemon::start(site, Arc::new(SystemTimer::new(Clock::system())));
        let first = start(site().await?).await?;
        match (database.name, start(site().await?).await) {
            ("sqlite", Err(Error::Taken { holder })) => {
                ensure!(holder.starts_with(&format!("process {}", std::process::id())), "{holder}");
            }
            ("postgres", Ok(_)) => {}
            (name, other) => anyhow::bail!("{name}: {:?}", other.err()),
        }
        let by_hand = site().await?;
        let runs = by_hand.hub.sync(&[], &SyncOptions::default()).await?;
        ensure!(runs.iter().all(crate::support::is_whole), "{runs:?}");
        drop(first);
        // Given back as soon as somebody finds the time.
        for _ in 0..200 {
            if start(site().await?).await.is_ok() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        ensure!(start(site().await?).await.is_ok() || database.name == "sqlite", "still held");
        databases::drop_database(&database).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_somebody_syncs_by_hand_is_read_when_it_is_free() -> Result<()> {
    let estate = Estate::of(40, 76).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    let connections = tests::connections_of(&estate.settings(), &["cw-control"])?;
    let hub = Arc::new(Hub::new(store.clone(), connections, estate.rules(), Clock::system()));
    let lease = hub.hold("sync:cw-control").await?.context("taken")?;
    let entries = vec![entry("cw-control", Work::Incremental, "0 0 1 1 *", Berlin, 0)?];
    let site = Site { hub: hub.clone(), entries, parallel: 1, edges: None };
    let time = Arc::new(FastForward::new(Utc::now(), Utc::now() + TimeDelta::seconds(12)));
    let daemon = Daemon::start(site, time.clone()).await?;
    let (orders, inbox) = mpsc::channel(1);
    let running = tokio::spawn(daemon.run(inbox));
    time.over().await;
    ensure!(store.runs(10, None).await?.is_empty(), "read beside another");
    orders.send(Order::Stop).await?;
    running.await??;
    lease.give_back().await?;
    let planned: Vec<Planned> = store.planned().await?;
    ensure!(planned[0].handled_us == 0, "{planned:?}");
    let options = SyncOptions { trigger: Trigger::Schedule, ..SyncOptions::default() };
    ensure!(hub.sync(&[], &options).await.is_ok(), "still held");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_settings_are_in_force_at_once_and_what_they_leave_out_is_read_no_more() -> Result<()>
{
    let estate = Estate::of(40, 77).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    let time = Arc::new(FastForward::new(at("2027-06-01T12:10:00Z"), at("2027-06-01T13:30:00Z")));
    let site = |kinds: &[&str], time: &FastForward| {
        let connections = tests::connections_of(&estate.settings(), kinds)?;
        let hub = Hub::new(store.clone(), connections, estate.rules(), time.clock());
        anyhow::Ok(Site { hub: Arc::new(hub), entries: usual(kinds)?, parallel: 2, edges: None })
    };
    let daemon = Daemon::start(site(&["cw-control"], &time)?, time.clone()).await?;
    let (orders, inbox) = mpsc::channel(1);
    let running = tokio::spawn(daemon.run(inbox));
    time.over().await;
    let before = store.runs(100, Some("cw-control")).await?.len();
    ensure!(before > 0, "nothing was read");
    orders.send(Order::Renew(Box::new(site(&["halopsa"], &time)?))).await?;
    time.over().await;
    ensure!(store.runs(100, Some("cw-control")).await?.len() == before, "still read");
    ensure!(!store.runs(100, Some("halopsa")).await?.is_empty(), "not read");
    orders.send(Order::Stop).await?;
    running.await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_whose_file_another_one_took_over_stops_and_says_so() -> Result<()> {
    let (store, _folder) = tests::fresh_sqlite().await?;
    let hub = Hub::new(store.clone(), Vec::new(), core_sync::Settings::default(), Clock::system());
    let site = Site { hub: Arc::new(hub), entries: Vec::new(), parallel: 1, edges: None };
    let daemon = Daemon::start(site, Arc::new(SystemTimer::new(Clock::system()))).await?;
    let later = Utc::now().timestamp_micros() + 60_000_000;
    store.take_lease("serve:/", "the thief", later, 600_000_000).await?.context("not taken")?;
    let (_orders, inbox) = mpsc::channel(1);
    match daemon.run(inbox).await {
        Err(error @ Error::Replaced { .. }) => {
            ensure!(error.to_string().ends_with("the thief"), "{error}");
            ensure!(error.remedy().contains("nothing is lost"), "{}", error.remedy());
        }
        other => anyhow::bail!("it went on: {other:?}"),
    }
    let holder = store.lease_holder("serve:/").await?.context("nobody has it")?;
    ensure!(holder.holder == "the thief", "{holder:?}");
    Ok(())
}
