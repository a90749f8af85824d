//! The loop: begins what is due, waits for what ends, for the time and for orders.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use core_connector::TRACES;
use core_store::{Backend, Planned, Store};
use core_sync::{HeldLease, Hub};
use tokio::sync::mpsc;
use tokio::task::{Id, JoinSet};
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::board::Board;
use crate::entry::{Entry, Work};
use crate::error::{Error, Result};
use crate::health::Health;
use crate::job::{Edges, End, Job, Tools, work};
use crate::timer::Timer;

/// The lease of the one daemon of a SQLite file.
const ALONE: &str = "serve:/";
/// Seconds before a lane is looked at again in which another process is.
const BUSY: i64 = 5;
/// The same after the store failed.
const FAILED: i64 = 30;
/// How often dates are looked at: midnights of all zones are at quarters of an hour.
const QUARTERS: &str = "*/15 * * * *";

/// What the settings make of it: connections, plan, bounds.
pub struct Site {
    /// The hub with its connections.
    pub hub: Arc<Hub>,
    /// What is planned.
    pub entries: Vec<Entry>,
    /// How many jobs run at once.
    pub parallel: usize,
    /// Who is told that dates passed.
    pub edges: Option<Arc<dyn Edges>>,
}

/// What a daemon is told.
pub enum Order {
    /// Other settings are in force; what is under way ends under the old ones.
    Renew(Box<Site>),
    /// A system told that something changed in a stream: it is read soon.
    Hint {
        /// The connection.
        connection: String,
        /// The stream.
        stream: String,
    },
    /// A system wants a subscription of the hub's looked at.
    Subscribe {
        /// The connection.
        connection: String,
    },
    /// Read a connection now; everything where `full`, else what changed.
    Read {
        /// Its name.
        connection: String,
        /// Everything.
        full: bool,
        /// Only this stream.
        stream: Option<String>,
    },
    /// Stop after the pages in flight.
    Stop,
}

/// The daemon.
pub struct Daemon {
    store: Store,
    timer: Arc<dyn Timer>,
    health: Arc<Health>,
    site: Site,
    board: Board,
    jobs: JoinSet<(Job, core_sync::Result<End>)>,
    running: HashMap<Id, Running>,
    stopping: bool,
    /// That no other daemon works on a SQLite file.
    alone: Option<HeldLease>,
}

struct Running {
    lane: String,
    words: String,
    stop: Arc<AtomicBool>,
}

impl Daemon {
    /// A daemon that has its database and its plan, and has begun nothing.
    ///
    /// # Errors
    /// Where another daemon has the SQLite file, or the store fails.
    pub async fn start(site: Site, timer: Arc<dyn Timer>) -> Result<Self> {
        let store = site.hub.store.clone();
        let mut daemon = Self {
            health: Arc::new(Health::new(store.clone())),
            alone: alone(&site.hub).await?,
            store,
            timer,
            site,
            board: Board::default(),
            jobs: JoinSet::new(),
            running: HashMap::new(),
            stopping: false,
        };
        daemon.plan().await?;
        Ok(daemon)
    }

    /// How it is, also while it runs.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        Arc::clone(&self.health)
    }

    /// Works until it is told to stop, or nobody is left to tell it.
    ///
    /// # Errors
    /// Where another daemon took the SQLite file over. What else fails is logged and tried again.
    pub async fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Result<()> {
        let watch = self.alone.as_ref().map(HeldLease::watch);
        let loss = async move {
            match watch {
                Some(watch) => watch.loss().await,
                None => std::future::pending().await,
            }
        };
        let mut loss = std::pin::pin!(loss);
        self.health.set_works();
        tracing::info!(
            connections = self.site.hub.connections.len(),
            planned = self.site.entries.len(),
            parallel = self.site.parallel,
            "the daemon works"
        );
        let mut replaced = None;
        loop {
            let now = self.timer.now();
            self.begin(now);
            self.tell(now);
            if self.stopping && self.running.is_empty() {
                break;
            }
            let (timer, wake) = (Arc::clone(&self.timer), self.board.wake(now));
            let busy = !self.running.is_empty();
            tokio::select! {
                order = orders.recv(), if !self.stopping => self.obey(order).await,
                Some(ended) = self.jobs.join_next_with_id(), if busy => self.ended(ended),
                holder = &mut loss, if replaced.is_none() => {
                    replaced = Some(holder);
                    self.stop();
                }
                () = timer.until(wake, busy) => {}
            }
        }
        if let Some(lease) = self.alone.take() {
            lease.give_back().await?;
        }
        match replaced {
            Some(holder) => Err(Error::Replaced { holder }),
            None => {
                tracing::info!("the daemon has stopped");
                Ok(())
            }
        }
    }

    /// Takes the plan of the settings. What is new in it begins with the next time, and what was
    /// never read at once.
    async fn plan(&mut self) -> Result<()> {
        let mut entries = self.site.entries.clone();
        entries.extend(self.site.edges.as_ref().and_then(|_| dates()));
        let streams = self.store.streams().await?;
        let was_read = |entry: &Entry| {
            streams.iter().any(|(key, state)| {
                key.connection == entry.connection
                    && entry.stream.as_ref().is_none_or(|stream| *stream == key.stream)
                    && state.last_complete_us.is_some()
            })
        };
        let now = self.timer.now();
        let planned: Vec<Planned> = entries
            .iter()
            .map(|entry| {
                let at_once = begins(&entries, entry) && !was_read(entry);
                entry.planned(if at_once { DateTime::UNIX_EPOCH } else { now })
            })
            .collect();
        self.store.plan(&planned).await?;
        self.board.plan(entries, &self.store.planned().await?);
        // Where it is reached, or what it is to be told, may be something else than before.
        self.board.subscribe_now(None, now);
        Ok(())
    }

    fn begin(&mut self, now: DateTime<Utc>) {
        if self.stopping {
            return;
        }
        for job in self.board.jobs(now, &self.lanes()) {
            if self.running.len() >= self.site.parallel.max(1) {
                break;
            }
            let tools = Tools { hub: Arc::clone(&self.site.hub), edges: self.site.edges.clone() };
            let words = words(&job);
            tracing::info!(job = %words, due = %job.due, attempt = job.attempt, "a job begins");
            let running =
                Running { lane: job.lane.clone(), words, stop: self.site.hub.stop_switch() };
            let span = tracing::info_span!(
                target: TRACES,
                "job",
                work = job.work.as_str(),
                connections = ?job.connections,
                due = %job.due,
                attempt = job.attempt,
                outcome = Empty,
                otel.status_code = Empty,
            );
            let handle = self.jobs.spawn(async move {
                let end = work(&tools, &job).instrument(span.clone()).await;
                span.record("outcome", outcome(&end));
                if matches!(end, Ok(End::Failed) | Err(_)) {
                    span.record("otel.status_code", "ERROR");
                }
                (job, end)
            });
            self.running.insert(handle.id(), running);
        }
    }

    fn ended(
        &mut self,
        ended: std::result::Result<(Id, (Job, core_sync::Result<End>)), tokio::task::JoinError>,
    ) {
        let now = self.timer.now();
        let later = |seconds| now + TimeDelta::seconds(seconds);
        let (id, job, end) = match ended {
            Ok((id, (job, end))) => (id, job, end),
            Err(error) => {
                // A fault of ours: it must not take the rest with it.
                if let Some(lost) = self.running.remove(&error.id()) {
                    tracing::error!(job = %lost.words, %error, "a job broke off");
                    self.board.leave_alone(&lost.lane, later(FAILED));
                }
                return;
            }
        };
        let words = self.running.remove(&id).map(|running| running.words).unwrap_or_default();
        match end {
            Ok(End::Done { failed }) => {
                tracing::info!(job = %words, again = ?failed, "a job is done");
                self.board.done(&job);
                self.board.failed(&job, failed, now);
                if matches!(job.work, Work::Incremental | Work::Full | Work::Collect) {
                    self.board.push_now(now);
                }
            }
            Ok(End::Already) => {
                tracing::debug!(job = %words, "another daemon did it");
                self.board.done(&job);
            }
            Ok(End::Busy { holder }) => {
                tracing::info!(job = %words, %holder, "somebody else is at it; it is looked at again");
                self.board.leave_alone(&job.lane, later(BUSY));
            }
            Ok(End::Failed) => self.board.leave_alone(&job.lane, later(FAILED)),
            Ok(End::Stopped) => {
                tracing::info!(job = %words, "a job was stopped; it goes on with the next start");
                self.board.leave_alone(&job.lane, later(BUSY));
            }
            Err(error) => {
                tracing::error!(job = %words, %error, remedy = %error.remedy(), "a job failed");
                self.board.leave_alone(&job.lane, later(FAILED));
            }
        }
    }

    async fn obey(&mut self, order: Option<Order>) {
        match order {
            Some(Order::Renew(site)) => {
                let old = std::mem::replace(&mut self.site, *site);
                match self.plan().await {
                    Ok(()) => {
                        // Whoever reads the line below may ask at once how things stand.
                        self.tell(self.timer.now());
                        tracing::info!(
                            connections = self.site.hub.connections.len(),
                            planned = self.site.entries.len(),
                            "other settings are in force"
                        );
                    }
                    Err(error) => {
                        tracing::error!(%error, "the new settings could not be taken");
                        self.health.refused(Some(error.to_string()));
                        self.site = old;
                    }
                }
            }
            Some(Order::Hint { connection, stream }) => {
                let known = self.site.hub.connections.iter().any(|one| one.name == connection);
                if known {
                    self.board.hint(&connection, &stream, self.timer.now());
                }
            }
            Some(Order::Subscribe { connection }) => {
                self.board.subscribe_now(Some(&connection), self.timer.now());
            }
            Some(Order::Read { connection, full, stream }) => {
                let work = if full { Work::Full } else { Work::Incremental };
                tracing::info!(connection, stream, %work, "a run was asked for");
                self.board.ask(connection, stream, work, self.timer.now());
            }
            Some(Order::Stop) | None => self.stop(),
        }
    }

    /// Lets what is under way end after its pages in flight, and begins nothing more.
    fn stop(&mut self) {
        self.stopping = true;
        self.health.set_stopping();
        tracing::info!(jobs = self.running.len(), "stopping after the pages in flight");
        for running in self.running.values() {
            running.stop.store(true, Ordering::Relaxed);
        }
    }

    fn tell(&self, now: DateTime<Utc>) {
        let running = self.running.values().map(|running| running.words.clone()).collect();
        let overdue = self.board.overdue(now, &self.lanes());
        self.health.turn(running, self.board.upcoming(now), overdue);
    }

    fn lanes(&self) -> HashSet<String> {
        self.running.values().map(|running| running.lane.clone()).collect()
    }
}

/// A SQLite file has one daemon; commands beside it go by the leases of what they do.
async fn alone(hub: &Hub) -> Result<Option<HeldLease>> {
    if hub.store.backend() != Backend::Sqlite {
        return Ok(None);
    }
    if let Some(lease) = hub.hold(ALONE).await? {
        return Ok(Some(lease));
    }
    let holder = hub.store.lease_holder(ALONE).await?;
    let holder = holder.map_or_else(|| "a process that has just ended".to_owned(), |l| l.holder);
    Err(Error::Taken { holder })
}

/// Whether a connection, or a stream with a plan of its own, begins with this run where it was never
/// read.
fn begins(entries: &[Entry], entry: &Entry) -> bool {
    let reads = |work| {
        entries.iter().any(|other| {
            other.work == work
                && other.connection == entry.connection
                && other.stream == entry.stream
        })
    };
    match entry.work {
        Work::Incremental => true,
        Work::Full => !reads(Work::Incremental),
        Work::Collect | Work::Edges | Work::Push | Work::Subscribe => false,
    }
}

fn dates() -> Option<Entry> {
    let schedule = core_schedule::Schedule::new(QUARTERS.parse().ok()?, chrono_tz::UTC);
    Some(Entry {
        connection: String::new(),
        stream: None,
        work: Work::Edges,
        schedule,
        jitter_seconds: 0,
    })
}

/// How a job ended, in a word.
fn outcome(end: &core_sync::Result<End>) -> &'static str {
    match end {
        Ok(End::Done { .. }) => "done",
        Ok(End::Already) => "already",
        Ok(End::Busy { .. }) => "busy",
        Ok(End::Stopped) => "stopped",
        Ok(End::Failed) | Err(_) => "failed",
    }
}

fn words(job: &Job) -> String {
    let of = job.connections.join(", ");
    match &job.streams {
        crate::job::Streams::Only(streams) => format!("{} {of} {}", job.work, streams.join(", ")),
        crate::job::Streams::Except(_) => format!("{} {of}", job.work).trim_end().to_owned(),
    }
}
