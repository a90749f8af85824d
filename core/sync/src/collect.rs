//! Asking machines who they are and who uses them: one script per machine, through whichever agent
//! is online, many at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use core_connector::{RunScript, Script, ScriptHandle, ScriptOutcome, Shell, TRACES};
use core_model::entity::{Agent, AgentState, EntityKind};
use core_model::observation::{Logon, Reading};
use core_model::{RecordKind, RecordRef};
use core_store::{Agents, EntityQuery};
use futures::StreamExt;
use tokio::time::Instant;

use crate::error::Result;
use crate::hub::{Connection, Hub};
use crate::progress::ProgressEvent;

/// Answers that are stored at once.
const BATCH: usize = 64;
/// Characters of output that are wanted: ten short lines.
const OUTPUT: usize = 4000;

/// How machines are asked.
#[derive(Clone, Debug)]
pub struct CollectSettings {
    /// Machines of one connection that are asked at once.
    pub parallel: usize,
    /// Seconds that a machine may take to answer.
    pub time_limit_seconds: u64,
    /// Hours after which a machine is asked again.
    pub every_hours: u32,
    /// Milliseconds between two looks for an answer; the connector's own pace where absent.
    pub poll_ms: Option<u64>,
}

impl Default for CollectSettings {
    fn default() -> Self {
        Self { parallel: 16, time_limit_seconds: 300, every_hours: 24, poll_ms: None }
    }
}

/// What asking brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CollectOutcome {
    /// Machines asked.
    pub asked: usize,
    /// Machines that answered.
    pub answered: usize,
    /// Machines that did not, or whose answer could not be had.
    pub failed: usize,
}

/// An agent that can be asked for its machine.
#[derive(Clone, Debug)]
struct Pathway {
    record: RecordRef,
    connection: usize,
}

impl Hub {
    /// Asks every machine that is online and was not asked for a while, and derives the model from
    /// the answers. A machine that fails through one agent is asked through another.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn collect(&self) -> Result<CollectOutcome> {
        self.collect_through(&[]).await
    }

    /// The same through the agents of these connections only; of all where none is named.
    ///
    /// # Errors
    /// When the store fails.
    #[tracing::instrument(
        target = TRACES, name = "collect", skip_all, fields(asked, answered, failed)
    )]
    pub async fn collect_through(&self, names: &[String]) -> Result<CollectOutcome> {
        let mut outcome = CollectOutcome::default();
        let mut tried: BTreeSet<RecordRef> = BTreeSet::new();
        // What one machine says may make another question superfluous, or possible.
        for _ in 0..3 {
            let asked = self.to_ask(&tried, names).await?;
            if asked.is_empty() || self.is_stopping() {
                break;
            }
            tried.extend(asked.iter().map(|pathway| pathway.record.clone()));
            let round = self.ask_all(asked).await?;
            outcome.asked += round.asked;
            outcome.answered += round.answered;
            outcome.failed += round.failed;
            self.derive().await?;
        }
        let span = tracing::Span::current();
        span.record("asked", outcome.asked);
        span.record("answered", outcome.answered);
        span.record("failed", outcome.failed);
        Ok(outcome)
    }

    /// One pathway per machine that should be asked now.
    async fn to_ask(&self, tried: &BTreeSet<RecordRef>, names: &[String]) -> Result<Vec<Pathway>> {
        let due =
            self.clock.now_us() - i64::from(self.settings.collect.every_hours) * 3_600_000_000;
        let online: BTreeSet<RecordRef> = self
            .store
            .presences(Agents::All)
            .await?
            .into_iter()
            .filter(|(_, presence)| presence.online == Some(true))
            .map(|(record, _)| record)
            .collect();
        let mut last: HashMap<RecordRef, i64> = HashMap::new();
        for (record, at_us) in self.store.last_readings().await? {
            last.insert(record, at_us);
        }
        let mut machines: BTreeMap<String, (bool, Vec<Pathway>)> = BTreeMap::new();
        let rows = self.store.entities(&EntityQuery::all(EntityKind::Agent)).await?;
        for row in rows {
            let agent: Agent = row.read()?;
            if agent.gone || matches!(agent.state, AgentState::Unlinked | AgentState::Refused) {
                continue;
            }
            let record =
                RecordRef::new(&agent.connection, RecordKind::Agent, &agent.scope, &agent.key);
            let machine = agent.computer.map_or_else(|| agent.id.to_string(), |c| c.to_string());
            let entry = machines.entry(machine).or_default();
            entry.0 |= last.get(&record).is_some_and(|at| *at >= due);
            let wanted = names.is_empty() || names.contains(&agent.connection);
            let connection = self.connections.iter().position(|c| c.name == agent.connection);
            if let Some(connection) = connection
                && wanted
                && agent.runs_scripts
                && online.contains(&record)
                && !tried.contains(&record)
                && self.connections[connection].connector.scripts().is_some()
            {
                entry.1.push(Pathway { record, connection });
            }
        }
        let unasked = machines.into_values().filter(|(asked, _)| !asked);
        Ok(unasked.filter_map(|(_, pathways)| pathways.into_iter().next()).collect())
    }

    async fn ask_all(&self, pathways: Vec<Pathway>) -> Result<CollectOutcome> {
        let total = pathways.len();
        let mut by_connection: BTreeMap<usize, Vec<Pathway>> = BTreeMap::new();
        for pathway in pathways {
            by_connection.entry(pathway.connection).or_default().push(pathway);
        }
        let streams = by_connection.into_iter().filter_map(|(number, pathways)| {
            let connection = &self.connections[number];
            let scripts = connection.connector.scripts()?;
            let asking = futures::stream::iter(pathways)
                .map(move |pathway| self.ask(connection, scripts, pathway.record))
                .buffer_unordered(self.settings.collect.parallel.max(1));
            Some(Box::pin(asking))
        });
        let mut answers = futures::stream::select_all(streams);
        let mut outcome = CollectOutcome { asked: total, ..CollectOutcome::default() };
        let mut waiting: Vec<(RecordRef, Reading, Option<Logon>)> = Vec::new();
        while let Some(answer) = answers.next().await {
            match answer {
                Some(answer) => {
                    outcome.answered += 1;
                    waiting.push(answer);
                }
                None => outcome.failed += 1,
            }
            let done = outcome.answered + outcome.failed;
            self.progress.event(&ProgressEvent::Asking { done, total });
            if waiting.len() >= BATCH {
                self.keep(&mut waiting).await?;
            }
        }
        self.keep(&mut waiting).await?;
        Ok(outcome)
    }

    async fn keep(&self, answers: &mut Vec<(RecordRef, Reading, Option<Logon>)>) -> Result<()> {
        let now = self.clock.now_us();
        let mut readings = Vec::new();
        let mut logons = Vec::new();
        for (record, reading, logon) in answers.drain(..) {
            logons.extend(logon.map(|logon| (record.clone(), logon)));
            readings.push((record, reading));
        }
        // Logons first: a machine with a reading is not asked again for a day, and a process that
        // is killed between the two must not leave it without its logon. A logon that is told
        // twice is one.
        self.store.add_logons(&logons, now).await?;
        self.store.add_readings(&readings, now).await?;
        Ok(())
    }

    /// Asks one machine; `None` where no answer could be had.
    #[tracing::instrument(target = TRACES, name = "collect.machine", skip_all, fields(
        connection = connection.name, agent = record.key, answered,
    ))]
    async fn ask(
        &self,
        connection: &Connection,
        scripts: &dyn RunScript,
        record: RecordRef,
    ) -> Option<(RecordRef, Reading, Option<Logon>)> {
        if self.is_stopping() {
            return None;
        }
        let settings = &self.settings.collect;
        let script = Script {
            shell: Shell::PowerShell,
            text: core_derive::script::IDENTIFY.to_owned(),
            time_limit: Duration::from_secs(settings.time_limit_seconds),
            output_limit: OUTPUT,
        };
        let result = match scripts.start(&record.key, &script).await {
            Ok(handle) => self.wait_for(scripts, &handle, script.time_limit).await,
            Err(error) => Err(error.to_string()),
        };
        tracing::Span::current().record("answered", result.is_ok());
        match result {
            Ok(output) => {
                let answer = core_derive::script::read(&output);
                Some((record, answer.reading, answer.logon))
            }
            Err(why) => {
                tracing::info!(connection = %connection.name, agent = %record.key, %why,
                    "a machine could not be asked");
                None
            }
        }
    }

    async fn wait_for(
        &self,
        scripts: &dyn RunScript,
        handle: &ScriptHandle,
        limit: Duration,
    ) -> std::result::Result<String, String> {
        let poll_ms = self.settings.collect.poll_ms;
        let pace = poll_ms.map_or_else(|| scripts.poll_interval(), Duration::from_millis);
        let deadline = Instant::now() + limit;
        loop {
            tokio::time::sleep(pace).await;
            match scripts.poll(handle).await {
                Ok(ScriptOutcome::Done { output, .. }) => return Ok(output),
                Ok(ScriptOutcome::Failed { reason }) => return Err(reason),
                Ok(ScriptOutcome::Pending) if Instant::now() >= deadline => {
                    return Err("no answer in time".to_owned());
                }
                Ok(ScriptOutcome::Pending) if self.is_stopping() => {
                    return Err("stopped".to_owned());
                }
                Ok(ScriptOutcome::Pending) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}
