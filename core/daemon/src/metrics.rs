//! What is counted while the daemon works, and how things stand, in the text that Prometheus reads. Names
//! and labels are part of the public face: they stay.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use core_model::entity::EntityKind;
use core_model::run::Run;
use core_model::session::{SessionKind, SessionState};
use core_model::stop::StopKind;
use core_store::Store;
use core_sync::{Progress, ProgressEvent};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::agenda::Fired;
use crate::log::RunLog;

type Label = (&'static str, String);
type By<const N: usize, M> = Family<[Label; N], M>;
type Timed<const N: usize> = Family<[Label; N], Histogram, fn() -> Histogram>;

/// What is counted. Shared by all that counts.
pub struct Metrics {
    registry: Mutex<Registry>,
    runs: By<3, Counter>,
    run_seconds: Timed<2>,
    records: By<3, Counter>,
    retries: By<1, Counter>,
    waited: By<1, Counter<f64, std::sync::atomic::AtomicU64>>,
    requests: Timed<3>,
    webhooks: By<2, Counter>,
    mails: By<1, Counter>,
    lag: By<2, Gauge>,
    live: By<2, Gauge>,
    held: By<2, Gauge>,
    queue: By<2, Gauge>,
    sessions: By<2, Gauge>,
    schedules: By<1, Gauge>,
    schedule_runs: By<1, Counter>,
    schedule_sessions: By<1, Counter>,
    stops: By<1, Gauge>,
}

fn run_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.1, 4.0, 9))
}

fn request_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.5, 10))
}

impl Default for Metrics {
    fn default() -> Self {
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("linchpin")),
            runs: Family::default(),
            run_seconds: Family::new_with_constructor(run_buckets),
            records: Family::default(),
            retries: Family::default(),
            waited: Family::default(),
            requests: Family::new_with_constructor(request_buckets),
            webhooks: Family::default(),
            mails: Family::default(),
            lag: Family::default(),
            live: Family::default(),
            held: Family::default(),
            queue: Family::default(),
            sessions: Family::default(),
            schedules: Family::default(),
            schedule_runs: Family::default(),
            schedule_sessions: Family::default(),
            stops: Family::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&self) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register("runs", "Runs of streams by outcome", self.runs.clone());
        let (run, request) =
            ("How long runs took", "How long requests took until their answer began");
        registry.register_with_unit("run", run, Unit::Seconds, self.run_seconds.clone());
        registry.register("records", "Records by what a run made of them", self.records.clone());
        registry.register("retries", "Requests that were repeated", self.retries.clone());
        let waited = "Time that runs waited for the limits of systems";
        registry.register_with_unit("limit_wait", waited, Unit::Seconds, self.waited.clone());
        registry.register_with_unit("request", request, Unit::Seconds, self.requests.clone());
        registry.register(
            "webhooks",
            "What systems sent, by how it was answered",
            self.webhooks.clone(),
        );
        registry.register("mails", "Mails about what waits for people", self.mails.clone());
        let lag = "Time since a stream was last read to its proven end, of its parts the longest";
        registry.register_with_unit("stream_lag", lag, Unit::Seconds, self.lag.clone());
        registry.register("stream_records", "Records that a stream holds", self.live.clone());
        registry.register("held_deletions", "Deletions that wait for an answer", self.held.clone());
        registry.register("queue", "What waits to be worked off", self.queue.clone());
        let sessions = "Sessions that wait or run, by their kinds";
        registry.register("sessions", sessions, self.sessions.clone());
        let schedules = "Schedules that are planned, and those that are due and did not fire yet";
        registry.register("schedules", schedules, self.schedules.clone());
        let runs = "Times of schedules, by how they came out";
        registry.register("schedule_runs", runs, self.schedule_runs.clone());
        let made = "Subjects of schedules that fired, by what came of it";
        registry.register("schedule_sessions", made, self.schedule_sessions.clone());
        registry.register("stops", "What is stopped, by kind", self.stops.clone());
    }

    /// Notes that a request was answered.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        let labels = [
            ("method", method.to_owned()),
            ("route", route.to_owned()),
            ("status", status.to_string()),
        ];
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Notes how something that a system sent was answered: `taken`, `stranger`, `malformed`, `failed`.
    /// The connection is one that the settings have, or empty: what strangers write is no label.
    pub fn webhook(&self, connection: &str, outcome: &'static str) {
        let labels = [("connection", connection.to_owned()), ("outcome", outcome.to_owned())];
        self.webhooks.get_or_create(&labels).inc();
    }

    /// Notes how a mail came out: `sent`, `failed`.
    pub(crate) fn mail(&self, outcome: &'static str) {
        self.mails.get_or_create(&[("outcome", outcome.to_owned())]).inc();
    }

    /// Notes how many schedules are planned, and how many are due.
    pub(crate) fn schedules(&self, planned: usize, due: usize) {
        for (state, many) in [("planned", planned), ("due", due)] {
            let gauge = self.schedules.get_or_create(&[("state", state.to_owned())]);
            gauge.set(i64::try_from(many).unwrap_or(i64::MAX));
        }
    }

    /// Notes what came of a time of a schedule.
    pub(crate) fn schedule_fired(&self, fired: &Fired) {
        self.schedule_runs.get_or_create(&[("outcome", "fired".to_owned())]).inc();
        for (outcome, many) in [
            ("made", fired.made),
            ("waiting", fired.waiting),
            ("unknown", fired.unknown),
            ("left_alone", fired.left_alone),
        ] {
            self.schedule_sessions.get_or_create(&[("outcome", outcome.to_owned())]).inc_by(many);
        }
    }

    /// Notes that a schedule was due and did not fire.
    pub(crate) fn schedule_failed(&self) {
        self.schedule_runs.get_or_create(&[("outcome", "failed".to_owned())]).inc();
    }

    /// Everything, with how things stand in the store by now (Unix microseconds).
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn text(&self, store: &Store, now_us: i64) -> core_store::Result<String> {
        self.look(store, now_us).await?;
        let mut text = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a string cannot fail.
        encode(&mut text, &registry).unwrap_or_default();
        Ok(text)
    }

    async fn look(&self, store: &Store, now_us: i64) -> core_store::Result<()> {
        // What is no more is not said any longer.
        for family in [&self.lag, &self.live, &self.held] {
            family.clear();
        }
        let streams = store.streams().await?;
        for (key, state) in &streams {
            let labels = [("connection", key.connection.clone()), ("stream", key.stream.clone())];
            self.live.get_or_create(&labels).inc_by(state.live);
            if let Some(last) = state.last_complete_us {
                let lag = self.lag.get_or_create(&labels);
                lag.set(lag.get().max((now_us - last) / 1_000_000));
            }
        }
        for held in store.held().await? {
            let Some((key, _)) = streams.iter().find(|(_, state)| state.id == held.stream_id)
            else {
                continue;
            };
            let labels = [("connection", key.connection.clone()), ("stream", key.stream.clone())];
            self.held.get_or_create(&labels).inc_by(signed(held.count));
        }
        let depths = [
            ("deliveries", "waiting", store.waiting_deliveries().await?),
            ("deliveries", "given_up", store.given_up_deliveries().await?.0),
            ("decisions", "open", store.count(EntityKind::Decision).await?),
            // Among those that wait.
            ("sessions", "held", store.held_sessions().await?),
        ];
        for (queue, state, depth) in depths {
            let labels = [("queue", queue.to_owned()), ("state", state.to_owned())];
            self.queue.get_or_create(&labels).set(signed(depth));
        }
        self.sessions(&store.queued_sessions().await?);
        let stops = store.stops().await?;
        for kind in StopKind::ALL {
            let many = stops.iter().filter(|stop| stop.kind == *kind).count() as u64;
            self.stops.get_or_create(&[("kind", kind.as_str().to_owned())]).set(signed(many));
        }
        Ok(())
    }

    /// Notes how many sessions wait and run, also of which there are none.
    fn sessions(&self, queued: &[(SessionState, SessionKind, u64)]) {
        for state in [SessionState::Waiting, SessionState::Running] {
            let mut all = 0;
            for kind in SessionKind::ALL {
                let depth = queued.iter().find(|one| (one.0, one.1) == (state, *kind));
                let depth = depth.map_or(0, |one| one.2);
                let labels =
                    [("state", state.as_str().to_owned()), ("kind", kind.as_str().to_owned())];
                self.sessions.get_or_create(&labels).set(signed(depth));
                all += depth;
            }
            let labels = [("queue", "sessions".to_owned()), ("state", state.as_str().to_owned())];
            self.queue.get_or_create(&labels).set(signed(all));
        }
    }

    fn ended(&self, run: &Run) {
        let (connection, stream) = (run.connection.clone(), run.stream.clone());
        let outcome = ("outcome", run.outcome.as_str().to_owned());
        let of = |last| [("connection", connection.clone()), ("stream", stream.clone()), last];
        self.runs.get_or_create(&of(outcome)).inc();
        let counts = &run.counts;
        for (what, count) in [
            ("created", counts.created),
            ("changed", counts.changed),
            ("unchanged", counts.unchanged),
            ("gone", counts.gone),
            ("held", counts.held),
            ("rejected", counts.rejected),
        ] {
            self.records.get_or_create(&of(("made", what.to_owned()))).inc_by(count);
        }
        if let Some(ended) = run.ended_us {
            let seconds = (ended - run.started_us) as f64 / 1e6;
            let labels = [("connection", connection.clone()), ("stream", stream.clone())];
            self.run_seconds.get_or_create(&labels).observe(seconds);
        }
        let connection = [("connection", connection.clone())];
        self.retries.get_or_create(&connection).inc_by(counts.retries);
        self.waited.get_or_create(&connection).inc_by(counts.waited_ms as f64 / 1e3);
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Runs, in the log and counted.
pub struct Counted(pub std::sync::Arc<Metrics>);

impl Progress for Counted {
    fn event(&self, event: &ProgressEvent<'_>) {
        RunLog.event(event);
        if let ProgressEvent::Ended { run } = event {
            self.0.ended(run);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::run::{Counts, Outcome};

    #[tokio::test]
    async fn what_was_counted_is_said_and_what_strangers_write_is_no_label() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("hub.db").to_str().unwrap()).await.unwrap();
        let metrics = Metrics::default();
        let counts = Counts { created: 3, retries: 2, waited_ms: 1500, ..Counts::default() };
        metrics.ended(&Run {
            id: "run_1".to_owned(),
            connection: "halo".to_owned(),
            stream: "users".to_owned(),
            scope: String::new(),
            trigger: "schedule".to_owned(),
            mode: "full".to_owned(),
            started_us: 0,
            ended_us: Some(2_000_000),
            outcome: Outcome::Complete,
            counts,
            error_kind: None,
            error: None,
            remedy: None,
        });
        metrics.request("GET", "/v1/computers", 200, Duration::from_millis(3));
        metrics.webhook("", "stranger");
        let text = metrics.text(&store, 0).await.unwrap();
        for line in [
            "linchpin_runs_total{connection=\"halo\",stream=\"users\",outcome=\"complete\"} 1",
            "linchpin_records_total{connection=\"halo\",stream=\"users\",made=\"created\"} 3",
            "linchpin_retries_total{connection=\"halo\"} 2",
            "linchpin_limit_wait_seconds_total{connection=\"halo\"} 1.5",
            "linchpin_run_seconds_sum{connection=\"halo\",stream=\"users\"} 2.0",
            "linchpin_webhooks_total{connection=\"\",outcome=\"stranger\"} 1",
            "linchpin_queue{queue=\"deliveries\",state=\"waiting\"} 0",
            "linchpin_queue{queue=\"sessions\",state=\"running\"} 0",
            "linchpin_queue{queue=\"sessions\",state=\"held\"} 0",
            "linchpin_stops{kind=\"everything\"} 0",
            "linchpin_sessions{state=\"waiting\",kind=\"onboarding\"} 0",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(
            text.contains("linchpin_request_seconds_bucket{le=\"0.00625\",method=\"GET\""),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
