use std::sync::Mutex;

use chrono_tz::Tz;
use core_model::queue::QueueRules;
use core_store::Store;
use core_sync::{Clock, Settings};

use super::*;

/// Notes what fired.
#[derive(Default)]
struct Notes {
    planned: Mutex<Arc<Vec<Timed>>>,
    fired: Mutex<Vec<DateTime<Utc>>>,
    /// So many fail first.
    fails: Mutex<u32>,
}

#[async_trait]
impl Agenda for Notes {
    async fn planned(&self) -> std::result::Result<Arc<Vec<Timed>>, String> {
        Ok(Arc::clone(&self.planned.lock().unwrap()))
    }

    async fn fire(
        &self,
        name: &str,
        due: DateTime<Utc>,
        _now: DateTime<Utc>,
    ) -> std::result::Result<Fired, String> {
        let mut fails = self.fails.lock().unwrap();
        if *fails > 0 {
            *fails -= 1;
            return Err("the model was not read".to_owned());
        }
        self.fired.lock().unwrap().push(due);
        Ok(Fired { words: name.to_owned(), made: 3, unknown: 1, ..Fired::default() })
    }

    async fn tidy(&self, _: DateTime<Utc>) -> std::result::Result<u64, String> {
        Ok(0)
    }
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn timed(pattern: &str, zone: Tz, since: &str) -> Timed {
    Timed {
        name: format!("schedule/sch_1/{zone}"),
        spec: format!("{pattern} {since}"),
        since: at(since),
        when: Schedule::new(pattern.parse().unwrap(), zone),
    }
}

/// A scheduler with a clock that is set by hand.
struct Bench {
    notes: Arc<Notes>,
    now: Arc<Mutex<DateTime<Utc>>>,
    metrics: Arc<Metrics>,
    store: Store,
    scheduler: Scheduler,
    _desk: watch::Sender<Desk>,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new(planned: Vec<Timed>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("hub.db").to_str().unwrap()).await.unwrap();
        let now = Arc::new(Mutex::new(DateTime::UNIX_EPOCH));
        let shown = Arc::clone(&now);
        let clock = Clock::new(move || *shown.lock().unwrap());
        let hub = Hub::new(store.clone(), Vec::new(), Settings::default(), clock);
        let desk = Desk { hub: Arc::new(hub), notes: None, queue: QueueRules::default() };
        let (_desk, desk) = watch::channel(desk);
        let notes = Arc::new(Notes::default());
        *notes.planned.lock().unwrap() = Arc::new(planned);
        let metrics = Arc::new(Metrics::default());
        let scheduler = Scheduler::new(desk, Arc::clone(&notes) as _, Arc::clone(&metrics));
        Self { notes, now, metrics, store, scheduler, _desk, _folder: folder }
    }

    async fn work_at(&mut self, text: &str) -> usize {
        *self.now.lock().unwrap() = at(text);
        self.scheduler.work().await.unwrap().len()
    }

    fn fired(&self) -> Vec<String> {
        self.notes.fired.lock().unwrap().iter().map(DateTime::to_rfc3339).collect()
    }
}

const CHICAGO: Tz = chrono_tz::America::Chicago;

#[tokio::test]
async fn s23_what_is_made_at_seven_for_nine_fires_at_nine_the_same_day_and_once() {
    // 19:00 in Chicago in winter is 01:00 UTC of the next day.
    let mut bench = Bench::new(vec![timed("0 21 * * *", CHICAGO, "2026-12-01T01:00:00Z")]).await;
    assert_eq!(bench.work_at("2026-12-01T01:00:05Z").await, 0);
    assert_eq!(bench.work_at("2026-12-01T02:59:59Z").await, 0);
    assert_eq!(bench.work_at("2026-12-01T03:00:00Z").await, 1);
    assert_eq!(bench.work_at("2026-12-01T03:00:01Z").await, 0);
    assert_eq!(bench.work_at("2026-12-02T03:00:01Z").await, 1);
    assert_eq!(bench.fired(), ["2026-12-01T03:00:00+00:00", "2026-12-02T03:00:00+00:00"]);
}

#[tokio::test]
async fn five_missed_become_one_and_what_is_changed_or_switched_on_makes_up_for_nothing() {
    let mut bench = Bench::new(vec![timed("0 2 * * *", Tz::UTC, "2026-12-01T00:00:00Z")]).await;
    assert_eq!(bench.work_at("2026-12-01T01:00:00Z").await, 0);
    // Nobody was there for five nights.
    assert_eq!(bench.work_at("2026-12-05T08:00:00Z").await, 1);
    assert_eq!(bench.fired(), ["2026-12-05T02:00:00+00:00"]);
    assert_eq!(bench.work_at("2026-12-05T08:00:05Z").await, 0);
    // Another time since now: today's was before.
    let other = timed("0 7 * * *", Tz::UTC, "2026-12-05T09:00:00Z");
    *bench.notes.planned.lock().unwrap() = Arc::new(vec![other]);
    assert_eq!(bench.work_at("2026-12-05T10:00:00Z").await, 0);
    assert_eq!(bench.work_at("2026-12-06T07:00:00Z").await, 1);
    // What is gone is forgotten, and what comes under another spec begins anew.
    *bench.notes.planned.lock().unwrap() = Arc::default();
    assert_eq!(bench.work_at("2026-12-09T08:00:00Z").await, 0);
    assert_eq!(bench.store.planned().await.unwrap(), []);
}

#[tokio::test]
async fn what_could_not_be_made_is_tried_again_until_it_is_and_counted() {
    let mut bench = Bench::new(vec![timed("0 2 * * *", Tz::UTC, "2026-12-01T00:00:00Z")]).await;
    *bench.notes.fails.lock().unwrap() = 2;
    for (second, fired) in [(0, 0), (5, 0), (10, 1), (15, 0)] {
        assert_eq!(bench.work_at(&format!("2026-12-01T02:00:{second:02}Z")).await, fired);
    }
    let text = bench.metrics.text(&bench.store, 0).await.unwrap();
    for line in [
        "linchpin_schedule_runs_total{outcome=\"fired\"} 1",
        "linchpin_schedule_runs_total{outcome=\"failed\"} 2",
        "linchpin_schedule_sessions_total{outcome=\"made\"} 3",
        "linchpin_schedule_sessions_total{outcome=\"unknown\"} 1",
        "linchpin_schedules{state=\"planned\"} 1",
        "linchpin_schedules{state=\"due\"} 0",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn on_the_nights_when_clocks_jump_a_schedule_fires_once() {
    let berlin = chrono_tz::Europe::Berlin;
    for (since, looks, due) in [
        // Forward: there is no 02:30; it is the first instant after.
        (
            "2027-03-27T12:00:00Z",
            ["2027-03-28T00:59:59Z", "2027-03-28T01:00:00Z"],
            "2027-03-28T01:00:00+00:00",
        ),
        // Back: 02:30 is there twice; it is the first.
        (
            "2026-10-24T12:00:00Z",
            ["2026-10-25T00:29:59Z", "2026-10-25T00:30:00Z"],
            "2026-10-25T00:30:00+00:00",
        ),
    ] {
        let mut bench = Bench::new(vec![timed("30 2 * * *", berlin, since)]).await;
        assert_eq!(bench.work_at(looks[0]).await, 0, "{since}");
        assert_eq!(bench.work_at(looks[1]).await, 1, "{since}");
        let later = at(looks[1]) + TimeDelta::hours(3);
        assert_eq!(bench.work_at(&later.to_rfc3339()).await, 0, "{since}");
        assert_eq!(bench.fired(), [due]);
    }
}
