//! One script on one machine: noted before it is sent, waited for as long as it may take, and left
//! to the next process where this one ends first. Sent again is none whose answer may still come.

use std::collections::BTreeMap;
use std::time::Duration;

use core_connector::{
    Actor, ErrorKind, RunScript, Script, ScriptHandle, ScriptOutcome, Shell, TRACES,
};
use core_model::RecordRef;
use core_store::ScriptRun;
use futures::{Stream, StreamExt};
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::Result;
use crate::hub::{Connection, Hub};

/// How long nobody looks whether the hub is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// A script that a machine is to run, or is running.
#[derive(Clone, Debug)]
pub(super) struct Errand {
    /// Through which agent.
    pub(super) agent: RecordRef,
    /// Of which connection, by its place among the hub's.
    pub(super) connection: usize,
    /// Which script.
    pub(super) kind: &'static str,
    /// Its text.
    pub(super) text: String,
    /// How many characters of output are wanted.
    pub(super) output_limit: usize,
    /// What it asks for, where that is not always the same.
    pub(super) about: Vec<String>,
    /// It is on its way.
    pub(super) under_way: Option<ScriptRun>,
}

/// How errands ended, as they end.
pub(super) type Ended = futures::channel::mpsc::UnboundedReceiver<Result<Asked>>;

/// How an errand ended.
#[derive(Debug)]
pub(super) enum Asked {
    /// With this output. The script counts as on its way until its answer is stored.
    Answered { run: Box<ScriptRun>, output: String },
    /// Without an answer.
    Failed,
    /// It is still on its way; the next process takes it up.
    Left,
    /// It was not begun: the hub stops.
    NotBegun,
}

impl Hub {
    /// Runs all of these, those of each connection a few at a time, while somebody takes how each
    /// ended. He may wait for the store: those that run go on meanwhile, who may have it.
    pub(super) async fn run_errands<T, F>(
        &self,
        errands: Vec<Errand>,
        take: impl FnOnce(Ended) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let (sender, ended) = futures::channel::mpsc::unbounded();
        let running = self.running(errands).map(Ok).forward(sender);
        // Nobody takes what comes after he failed.
        let (_, taken) = futures::future::join(running, take(ended)).await;
        taken
    }

    fn running(&self, errands: Vec<Errand>) -> impl Stream<Item = Result<Asked>> + Unpin + '_ {
        let mut by_connection: BTreeMap<usize, Vec<Errand>> = BTreeMap::new();
        for errand in errands {
            by_connection.entry(errand.connection).or_default().push(errand);
        }
        let streams = by_connection.into_iter().filter_map(|(number, errands)| {
            let connection = self.connections.get(number)?;
            let scripts = connection.connector.scripts()?;
            let asking = futures::stream::iter(errands)
                .map(move |errand| self.run_errand((connection, scripts), errand))
                .buffer_unordered(self.settings.collect.parallel.max(1));
            Some(Box::pin(asking))
        });
        futures::stream::select_all(streams)
    }

    #[tracing::instrument(target = TRACES, name = "collect.machine", skip_all, fields(
        connection = connection.name, agent = errand.agent.key, script = errand.kind, answered,
    ))]
    async fn run_errand(
        &self,
        (connection, scripts): (&Connection, &dyn RunScript),
        errand: Errand,
    ) -> Result<Asked> {
        let sent = match self.send(scripts, &errand).await? {
            Sent::As(run, handle) => (run, handle),
            Sent::Not(why) => {
                tracing::info!(connection = %connection.name, agent = %errand.agent.key,
                    script = errand.kind, %why, "a machine could not be asked");
                return Ok(Asked::Failed);
            }
            Sent::Stopped => return Ok(Asked::NotBegun),
        };
        let (run, handle) = sent;
        let asked = self.wait_for(scripts, &run, &handle).await?;
        if let Waited::Not(why) = &asked {
            tracing::info!(connection = %connection.name, agent = %errand.agent.key,
                script = errand.kind, %why, "a machine did not answer");
        }
        let answered = matches!(asked, Waited::Output(_));
        tracing::Span::current().record("answered", answered);
        Ok(match asked {
            Waited::Output(output) => Asked::Answered { run: Box::new(run), output },
            Waited::Not(_) => Asked::Failed,
            Waited::Stopped => Asked::Left,
        })
    }

    /// Sends it, unless that was done.
    async fn send(&self, scripts: &dyn RunScript, errand: &Errand) -> Result<Sent> {
        if let Some(run) = &errand.under_way {
            if let Some(handle) = &run.handle {
                return Ok(Sent::As(run.clone(), ScriptHandle(handle.clone())));
            }
            // Whoever was about to send it did not live, or did not hear, to say whether he had.
            let found = self.find(scripts, errand, run).await?;
            if !matches!(found, Sent::Not(Lost::NeverSent)) {
                return Ok(found);
            }
        }
        if self.is_stopping() {
            return Ok(Sent::Stopped);
        }
        let now_us = self.clock.now_us();
        let limit_us = i64::try_from(self.limit().as_micros()).unwrap_or(i64::MAX);
        let run = ScriptRun {
            agent: errand.agent.clone(),
            kind: errand.kind.to_owned(),
            run: Uuid::new_v4().to_string(),
            handle: None,
            about: errand.about.clone(),
            started_us: now_us,
            until_us: now_us.saturating_add(limit_us),
        };
        if !self.store.begin_script(&run).await? {
            return Ok(Sent::Not(Lost::UnderWay));
        }
        match scripts.start(&errand.agent.key, &self.script(errand, &run)).await {
            Ok(handle) => {
                self.store.note_script_handle(&run, &handle.0).await?;
                Ok(Sent::As(run, handle))
            }
            Err(error) if may_have_arrived(error.kind()) => {
                tracing::debug!(%error, agent = %errand.agent, "whether a script was sent is not known");
                match self.find(scripts, errand, &run).await? {
                    Sent::Not(Lost::NeverSent) => Ok(Sent::Not(Lost::Refused(error.to_string()))),
                    found => Ok(found),
                }
            }
            Err(error) => {
                self.store.end_script(&run).await?;
                Ok(Sent::Not(Lost::Refused(error.to_string())))
            }
        }
    }

    /// Looks whether it was sent. Where it was not, it is on its way no more; where that cannot be
    /// told, it stays.
    async fn find(
        &self,
        scripts: &dyn RunScript,
        errand: &Errand,
        run: &ScriptRun,
    ) -> Result<Sent> {
        match scripts.find(&errand.agent.key, &self.script(errand, run)).await {
            Ok(Some(handle)) => {
                self.store.note_script_handle(run, &handle.0).await?;
                Ok(Sent::As(run.clone(), handle))
            }
            Ok(None) => {
                self.store.end_script(run).await?;
                Ok(Sent::Not(Lost::NeverSent))
            }
            Err(error) => {
                if error.kind() == ErrorKind::NotFound {
                    self.store.end_script(run).await?;
                }
                Ok(Sent::Not(Lost::Refused(error.to_string())))
            }
        }
    }

    fn script(&self, errand: &Errand, run: &ScriptRun) -> Script {
        Script {
            // What is no name was written by nobody; it finds nothing.
            run: run.run.parse().unwrap_or_default(),
            shell: Shell::PowerShell,
            text: errand.text.clone(),
            time_limit: self.limit(),
            output_limit: errand.output_limit,
        }
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(self.settings.collect.time_limit_seconds)
    }

    async fn wait_for(
        &self,
        scripts: &dyn RunScript,
        run: &ScriptRun,
        handle: &ScriptHandle,
    ) -> Result<Waited> {
        let poll_ms = self.settings.collect.poll_ms;
        let pace = poll_ms.map_or_else(|| scripts.poll_interval(), Duration::from_millis);
        let left_us = u64::try_from(run.until_us.saturating_sub(self.clock.now_us()));
        let deadline = Instant::now() + Duration::from_micros(left_us.unwrap_or_default());
        loop {
            if !self.pause(pace).await {
                return Ok(Waited::Stopped);
            }
            let why = match scripts.poll(handle).await {
                Ok(ScriptOutcome::Done { output, .. }) => return Ok(Waited::Output(output)),
                Ok(ScriptOutcome::Failed { reason }) => reason,
                Ok(ScriptOutcome::Pending) if Instant::now() < deadline => continue,
                Ok(ScriptOutcome::Pending) => "no answer in time".to_owned(),
                Err(error) if error.kind() == ErrorKind::NotFound => error.to_string(),
                // The system is away for a while, and the machine goes on.
                Err(error) if error.kind().actor() == Actor::Clock && Instant::now() < deadline => {
                    tracing::debug!(%error, agent = %run.agent, "an answer was not fetched yet");
                    continue;
                }
                Err(error) => return Ok(Waited::Not(error.to_string())),
            };
            self.store.end_script(run).await?;
            return Ok(Waited::Not(why));
        }
    }

    /// Waits so long; less, and says no, where the hub is to stop.
    async fn pause(&self, time: Duration) -> bool {
        let end = Instant::now() + time;
        loop {
            if self.is_stopping() {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}

/// What became of a script that was to be sent.
enum Sent {
    /// It is on its way.
    As(ScriptRun, ScriptHandle),
    /// It is not, or cannot be followed.
    Not(Lost),
    /// The hub stops.
    Stopped,
}

/// Why a script cannot be followed.
#[derive(Debug, thiserror::Error)]
enum Lost {
    #[error("it never arrived")]
    NeverSent,
    #[error("another one is on its way through this agent")]
    UnderWay,
    #[error("{0}")]
    Refused(String),
}

/// How waiting ended.
enum Waited {
    Output(String),
    Not(String),
    Stopped,
}

/// Whether what failed so may have been done all the same.
fn may_have_arrived(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Unavailable | ErrorKind::Protocol)
}
