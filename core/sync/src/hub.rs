//! The hub: connections, store, rules; and a sync over some or all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use core_connector::{Connector, Scope, Stream};
use core_model::run::Run;
use core_store::{Lease, Store, StreamKey};
use futures::StreamExt;
use tokio::task::JoinHandle;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::progress::{Progress, Quiet};
use crate::settings::Settings;

/// How long a lease holds without being renewed: a process that died is taken over after it.
const LEASE_US: i64 = 30_000_000;
/// How often it is renewed.
const RENEWAL: Duration = Duration::from_secs(8);

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
    /// Read everything, also where what changed would do.
    pub full: bool,
    /// Apply deletions that the guard would hold, and those that are held.
    pub accept_deletions: bool,
    /// What started it.
    pub trigger: Trigger,
}

impl Default for SyncOptions {
    fn default() -> Self {
        Self { stream: None, full: false, accept_deletions: false, trigger: Trigger::Manual }
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
    holder: String,
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
        let holder =
            format!("process {} since {}", std::process::id(), clock.now().format("%F %T%.3f UTC"));
        Self {
            store,
            connections,
            settings,
            clock,
            progress: Arc::new(Quiet),
            stopping: Arc::new(AtomicBool::new(false)),
            deriving: tokio::sync::Mutex::new(()),
            holder,
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
    pub async fn sync(&self, names: &[String], options: &SyncOptions) -> Result<Vec<Run>> {
        let connections = self.named(names)?;
        for connection in &connections {
            check_stream_name(connection, options)?;
        }
        // Leases first, all of them: a busy connection is an error before anything is read.
        let mut held = Vec::new();
        for connection in &connections {
            held.push(self.hold(&connection.name).await?);
        }
        let died = "the process that read it ended; the next run goes on from there";
        self.store.mark_dead_runs(self.clock.now_us(), died).await?;
        let syncing = connections.iter().map(|connection| self.sync_one(connection, options));
        let results = futures::future::join_all(syncing).await;
        let derived = self.derive().await;
        for lease in held {
            lease.release(&self.store).await?;
        }
        derived?;
        let runs: Result<Vec<Vec<Run>>> = results.into_iter().collect();
        Ok(runs?.into_iter().flatten().collect())
    }

    async fn sync_one(&self, connection: &Connection, options: &SyncOptions) -> Result<Vec<Run>> {
        let mut runs = Vec::new();
        for stream in connection.connector.streams() {
            if options.stream.as_ref().is_some_and(|only| only != stream.name) || self.is_stopping()
            {
                continue;
            }
            runs.extend(self.sync_stream(connection, &stream, options).await?);
        }
        Ok(runs)
    }

    async fn sync_stream(
        &self,
        connection: &Connection,
        stream: &Stream<'_>,
        options: &SyncOptions,
    ) -> Result<Vec<Run>> {
        let scopes = match stream.source.scopes().await {
            Ok(scopes) => scopes,
            Err(error) => {
                let key = stream_key(connection, stream, &Scope::whole());
                return Ok(vec![self.record_failure(&key, options, &error).await?]);
            }
        };
        let reading = futures::stream::iter(scopes)
            .map(|scope| self.read_scope(connection, stream, scope, options))
            .buffered(self.settings.parallel_scopes.max(1));
        let runs: Vec<Result<Run>> = reading.collect().await;
        runs.into_iter().collect()
    }

    /// Takes the lease of a connection and keeps it.
    async fn hold(&self, connection: &str) -> Result<HeldLease> {
        let name = format!("sync/{connection}");
        let now = self.clock.now_us();
        let Some(lease) = self.store.take_lease(&name, &self.holder, now, LEASE_US).await? else {
            let holder = self.store.lease_holder(&name).await?;
            let holder = holder.map_or_else(|| "another process".to_owned(), |lease| lease.holder);
            return Err(Error::Busy { connection: connection.to_owned(), holder });
        };
        let (store, clock, kept) = (self.store.clone(), self.clock.clone(), lease.clone());
        let renewal = tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEWAL).await;
                if let Err(error) = store.renew_lease(&kept, clock.now_us(), LEASE_US).await {
                    tracing::warn!(%error, lease = %kept.name, "a lease could not be renewed");
                }
            }
        });
        Ok(HeldLease { lease, renewal })
    }
}

/// A lease that is renewed while it is held.
struct HeldLease {
    lease: Lease,
    renewal: JoinHandle<()>,
}

impl HeldLease {
    async fn release(self, store: &Store) -> Result<()> {
        self.renewal.abort();
        store.release_lease(&self.lease).await?;
        Ok(())
    }
}

impl Drop for HeldLease {
    fn drop(&mut self) {
        self.renewal.abort();
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
