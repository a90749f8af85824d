//! The hub: connections, store, rules; and a sync over some or all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use core_connector::{Connector, Scope, Stream, TRACES};
use core_model::run::Run;
use core_store::{Store, StreamKey};
use futures::StreamExt;
use tracing::Instrument as _;

use crate::clock::Clock;
use crate::derive::{Ground, LINK_KINDS};
use crate::error::{Error, Result};
use crate::lease::{HeldLease, LeaseWatch};
use crate::progress::{Progress, Quiet};
use crate::round::{LEASE, Stop};
use crate::settings::Settings;
use crate::trace;

/// How often somebody who waits for a lease looks whether it is free.
const LOOK: Duration = Duration::from_millis(50);
/// The lease of derivation: of two processes that sync different connections one derives at a time.
const DERIVATION: &str = "derive:/";

/// A configured connection.
pub struct Connection {
    /// Its name.
    pub name: String,
    /// Its connector's kind.
    pub kind: String,
    /// What talks to the system.
    pub connector: Box<dyn Connector>,
}

/// What started a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A human.
    Manual,
    /// The clock.
    Schedule,
    /// The demonstration.
    Demo,
}

impl Trigger {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Trigger::Manual => "manual",
            Trigger::Schedule => "schedule",
            Trigger::Demo => "demo",
        }
    }
}

/// What a sync should do.
#[derive(Clone, Debug)]
pub struct SyncOptions {
    /// Only this stream.
    pub stream: Option<String>,
    /// Not these streams.
    pub except: Vec<String>,
    /// Read everything, also where what changed would do.
    pub full: bool,
    /// Apply deletions that the guard would hold, and those that are held.
    pub accept_deletions: bool,
    /// What started it.
    pub trigger: Trigger,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self {
            stream: None,
            except: Vec::new(),
            full: false,
            accept_deletions: false,
            trigger: Trigger::Manual,
        }
    }
}

impl SyncOptions {
    /// Whether a stream is to be read.
    #[must_use]
    pub fn wants(&self, stream: &str) -> bool {
        self.stream.as_ref().is_none_or(|only| only == stream)
            && !self.except.iter().any(|name| name == stream)
    }
}

/// The hub.
pub struct Hub {
    /// Where it remembers.
    pub store: Store,
    /// What it is connected to.
    pub connections: Vec<Connection>,
    /// Its rules.
    pub settings: Settings,
    /// Its clock.
    pub clock: Clock,
    pub(crate) progress: Arc<dyn Progress>,
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) deriving: tokio::sync::Mutex<()>,
    pub(crate) ground: std::sync::Mutex<Option<Arc<Ground>>>,
    /// Changes of the model that no derivation has told of yet.
    pub(crate) first_events: AtomicU64,
}

impl Hub {
    /// A hub.
    #[must_use]
    pub fn new(
        store: Store,
        connections: Vec<Connection>,
        settings: Settings,
        clock: Clock,
    ) -> Self {
        let store = store.with_logon_interval(settings.affinity.interval_us);
        Self {
            store,
            connections,
            settings,
            clock,
            progress: Arc::new(Quiet),
            stopping: Arc::new(AtomicBool::new(false)),
            deriving: tokio::sync::Mutex::new(()),
            ground: std::sync::Mutex::new(None),
            first_events: AtomicU64::new(0),
        }
    }

    /// The same hub, watched.
    #[must_use]
    pub fn watched(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// Set this to stop after the pages in flight.
    #[must_use]
    pub fn stop_switch(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stopping)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// The connections with these names; all where none is named.
    ///
    /// # Errors
    /// `UnknownConnection`.
    pub fn named(&self, names: &[String]) -> Result<Vec<&Connection>> {
        let find = |name: &String| {
            self.connections.iter().find(|connection| connection.name == *name).ok_or_else(|| {
                let known: Vec<&str> = self.connections.iter().map(|c| c.name.as_str()).collect();
                Error::UnknownConnection { name: name.clone(), known: known.join(", ") }
            })
        };
        if names.is_empty() {
            return Ok(self.connections.iter().collect());
        }
        names.iter().map(find).collect()
    }

    /// Syncs these connections (all where none is named) side by side, and derives the model. What
    /// goes wrong in a stream is in its run.
    ///
    /// # Errors
    /// Where a connection is unknown or busy, or the store fails.
    #[tracing::instrument(target = TRACES, name = "sync", skip_all, fields(
        connections = ?names, trigger = options.trigger.as_str(), full = options.full,
    ))]
    pub async fn sync(&self, names: &[String], options: &SyncOptions) -> Result<Vec<Run>> {
        let connections = self.named(names)?;
        for connection in &connections {
            check_stream_name(connection, options)?;
        }
        // Leases first, all of them: a busy connection is an error before anything is read.
        let held = self.hold_all(&connections).await?;
        let watches: Vec<LeaseWatch> = held.iter().map(HeldLease::watch).collect();
        let linking = connections.iter().filter(|one| last_links(one, options).is_some()).count();
        let linking = AtomicUsize::new(linking);
        let syncing = connections.iter().zip(&watches);
        // On the heap: whoever syncs from deep within may have little left of the stack.
        let syncing = syncing.map(|(connection, watch)| {
            Box::pin(self.sync_one(connection, options, (watch, &linking)))
        });
        let results = futures::future::join_all(syncing).await;
        // Whoever took over all that was read here derives it too.
        let is_ours = watches.iter().any(|watch| watch.lost_to().is_none());
        let derived = if is_ours { Box::pin(self.derive()).await.map(|_| ()) } else { Ok(()) };
        self.release(held).await?;
        derived?;
        let runs: Result<Vec<Vec<Run>>> = results.into_iter().collect();
        Ok(runs?.into_iter().flatten().collect())
    }

    /// Reads the streams of a connection, one after the other, as long as it is ours. That it is not
    /// any more is in at least one run. Clients are linked once no connection has any left to read.
    async fn sync_one(
        &self,
        connection: &Connection,
        options: &SyncOptions,
        (watch, linking): (&LeaseWatch, &AtomicUsize),
    ) -> Result<Vec<Run>> {
        let mut runs: Vec<Run> = Vec::new();
        let last_links = last_links(connection, options);
        for stream in connection.connector.streams() {
            if !options.wants(stream.name) || self.is_stopping() {
                continue;
            }
            if watch.lost_to().is_none() {
                runs.extend(self.sync_stream(connection, &stream, options, watch).await?);
                let is_last = last_links == Some(stream.name);
                if is_last && linking.fetch_sub(1, Ordering::Relaxed) == 1 {
                    Box::pin(self.link_first()).await?;
                }
            }
            if let Some(holder) = watch.lost_to() {
                if !runs.iter().any(|run| run.error_kind.as_deref() == Some(LEASE)) {
                    let key = stream_key(connection, &stream, &Scope::whole());
                    let stop = Stop::LeaseLost { holder };
                    runs.push(self.record_failure(&key, options, stop).await?);
                }
                break;
            }
        }
        Ok(runs)
    }

    async fn sync_stream(
        &self,
        connection: &Connection,
        stream: &Stream<'_>,
        options: &SyncOptions,
        watch: &LeaseWatch,
    ) -> Result<Vec<Run>> {
        let span = trace::scopes(&connection.name, stream.name);
        let scopes = match stream.source.scopes().instrument(span).await {
            Ok(scopes) => scopes,
            Err(error) => {
                let key = stream_key(connection, stream, &Scope::whole());
                return Ok(vec![self.record_failure(&key, options, error.into()).await?]);
            }
        };
        let reading = futures::stream::iter(scopes)
            .take_while(|_| std::future::ready(watch.lost_to().is_none()))
            .map(|scope| self.read_scope(connection, stream, scope, options, watch))
            .buffered(self.settings.parallel_scopes.max(1));
        let runs: Vec<Result<Run>> = reading.collect().await;
        runs.into_iter().collect()
    }

    /// Takes the leases of these connections and keeps them; none of them where one is busy. Runs
    /// whose process ended without a word are closed.
    async fn hold_all(&self, connections: &[&Connection]) -> Result<Vec<HeldLease>> {
        let name = |connection: &Connection| format!("sync:{}", connection.name);
        for connection in connections {
            self.bury(&name(connection)).await?;
        }
        let died = "its process ended before the run did; what it had read is kept";
        self.store.mark_dead_runs(self.clock.now_us(), died).await?;
        let mut held = Vec::new();
        for connection in connections {
            if let Some(lease) = self.take(&name(connection)).await? {
                held.push(lease);
                continue;
            }
            self.release(held).await?;
            let holder = self.store.lease_holder(&name(connection)).await?;
            let holder = holder.map_or_else(|| "another process".to_owned(), |lease| lease.holder);
            return Err(Error::Busy { connection: connection.name.clone(), holder });
        }
        Ok(held)
    }

    /// Waits until no other process has this lease, and takes it; none where the hub is to stop.
    pub(crate) async fn hold_unless_stopping(&self, name: &str) -> Result<Option<HeldLease>> {
        let mut told = false;
        let mut busy = None;
        while !self.is_stopping() {
            // To take it is to write, which whoever waits must not do all the time.
            if busy.is_none_or(|until_us| until_us <= self.clock.now_us())
                && let Some(lease) = self.hold(name).await?
            {
                return Ok(Some(lease));
            }
            let holder = self.store.lease_holder(name).await?;
            if !told && let Some(lease) = &holder {
                told = true;
                tracing::info!(lease = name, holder = %lease.holder, "waiting for another process");
            }
            busy = holder.map(|lease| lease.until_us);
            tokio::time::sleep(LOOK).await;
        }
        Ok(None)
    }

    /// Waits until no other process derives, and keeps it so.
    pub(crate) async fn hold_derivation(&self) -> Result<HeldLease> {
        loop {
            if let Some(lease) = self.hold(DERIVATION).await? {
                return Ok(lease);
            }
            tokio::time::sleep(LOOK).await;
        }
    }
}

pub(crate) fn stream_key(connection: &Connection, stream: &Stream<'_>, scope: &Scope) -> StreamKey {
    StreamKey {
        connection: connection.name.clone(),
        connector: connection.kind.clone(),
        stream: stream.name.to_owned(),
        scope: scope.key.clone(),
        scope_name: scope.name.clone(),
    }
}

/// The last stream of a connection that is to be read and says how clients are linked.
fn last_links(connection: &Connection, options: &SyncOptions) -> Option<&'static str> {
    let streams = connection.connector.streams();
    let links = |stream: &&Stream<'_>| stream.kinds.iter().any(|kind| LINK_KINDS.contains(kind));
    let mut wanted = streams.iter().filter(|stream| options.wants(stream.name));
    wanted.rfind(links).map(|stream| stream.name)
}

fn check_stream_name(connection: &Connection, options: &SyncOptions) -> Result<()> {
    let Some(name) = &options.stream else { return Ok(()) };
    let streams = connection.connector.streams();
    if streams.iter().any(|stream| stream.name == name) {
        return Ok(());
    }
    let known: Vec<&str> = streams.iter().map(|stream| stream.name).collect();
    Err(Error::UnknownStream {
        connection: connection.name.clone(),
        name: name.clone(),
        known: known.join(", "),
    })
}
