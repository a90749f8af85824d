//! Asking machines who they are and who uses them: one script per machine, through whichever agent
//! is online, many at once. What is on its way when the process ends is taken up by the next one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use core_connector::TRACES;
use core_model::entity::{Agent, AgentState, EntityKind};
use core_model::{RecordKind, RecordRef};
use core_store::{Agents, EntityQuery, ScriptAnswer, ScriptRun};
use futures::StreamExt;
use futures::future::Either;

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::progress::ProgressEvent;

mod accounts;
mod errand;

pub(crate) use accounts::answers;

use errand::{Asked, Ended, Errand};

/// Answers that are stored at once.
const BATCH: usize = 64;
/// Characters of output that are wanted: ten short lines.
const OUTPUT: usize = 4000;
/// The kind of the script that asks a machine who it is.
const IDENTIFY: &str = "identify";
/// The lease of asking machines, which may be reached through several connections.
const ASKING: &str = "collect:/";

/// How machines are asked.
#[derive(Clone, Debug)]
pub struct CollectSettings {
    /// Machines of one connection that are asked at once.
    pub parallel: usize,
    /// Seconds that a machine may take to answer.
    pub time_limit_seconds: u64,
    /// Hours after which a machine is asked again.
    pub every_hours: u32,
    /// Scripts that ask domain controllers about accounts, of one connection with one collection;
    /// none are asked where it is 0.
    pub account_scripts: usize,
    /// Milliseconds between two looks for an answer; the connector's own pace where absent.
    pub poll_ms: Option<u64>,
}

impl Default for CollectSettings {
    fn default() -> Self {
        Self {
            parallel: 16,
            time_limit_seconds: 300,
            every_hours: 24,
            account_scripts: 20,
            poll_ms: None,
        }
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
    /// Machines whose scripts were still on their way when the hub was to stop; the next one takes
    /// them up.
    pub left: usize,
    /// Accounts that domain controllers told of.
    pub accounts: usize,
}

/// The ways to a machine.
#[derive(Default)]
struct Ways {
    /// It was asked not long ago.
    asked: bool,
    /// A script is on its way to it already: it is followed, and no other is sent.
    under_way: bool,
    errands: Vec<Errand>,
}

impl CollectOutcome {
    /// Says in the present span how it went.
    fn trace(&self) {
        let span = tracing::Span::current();
        span.record("asked", self.asked);
        span.record("answered", self.answered);
        span.record("failed", self.failed);
    }
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

    /// The same through the agents of these connections only; of all where none is named. While
    /// another process asks, this one waits.
    ///
    /// # Errors
    /// When the store fails, or another process took over.
    #[tracing::instrument(
        target = TRACES, name = "collect", skip_all, fields(asked, answered, failed)
    )]
    pub async fn collect_through(&self, names: &[String]) -> Result<CollectOutcome> {
        let Some(held) = self.hold_unless_stopping(ASKING).await? else {
            return Ok(CollectOutcome::default());
        };
        // Given up in its middle, it leaves what a process that was killed leaves.
        let asking = std::pin::pin!(self.collect_alone(names));
        let loss = std::pin::pin!(held.watch().loss());
        let outcome = match futures::future::select(asking, loss).await {
            Either::Left((outcome, _)) => outcome.inspect(CollectOutcome::trace),
            Either::Right((holder, _)) => {
                Err(Error::LeaseLost { what: "the asking of machines".to_owned(), holder })
            }
        };
        held.give_back().await?;
        outcome
    }

    async fn collect_alone(&self, names: &[String]) -> Result<CollectOutcome> {
        let mut outcome = CollectOutcome::default();
        let mut tried: BTreeSet<RecordRef> = BTreeSet::new();
        self.store.end_overdue_scripts(self.clock.now_us()).await?;
        // What one machine says may make another question superfluous, or possible.
        for _ in 0..3 {
            let errands = self.to_ask(&tried, names).await?;
            if errands.is_empty() || self.is_stopping() {
                break;
            }
            tried.extend(errands.iter().map(|errand| errand.agent.clone()));
            let round = self.ask_all(errands).await?;
            outcome.asked += round.asked;
            outcome.answered += round.answered;
            outcome.failed += round.failed;
            outcome.left += round.left;
            self.derive().await?;
        }
        // Who was seen is known by now.
        outcome.accounts = self.look_up_accounts(names).await?;
        Ok(outcome)
    }

    /// One errand per machine that should be asked now, or was asked and has not answered yet.
    async fn to_ask(&self, tried: &BTreeSet<RecordRef>, names: &[String]) -> Result<Vec<Errand>> {
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
        let mut under_way = self.under_way(IDENTIFY).await?;
        let mut machines: BTreeMap<String, Ways> = BTreeMap::new();
        let rows = self.store.entities(&EntityQuery::all(EntityKind::Agent)).await?;
        for row in rows {
            let agent: Agent = row.read()?;
            if agent.gone || matches!(agent.state, AgentState::Unlinked | AgentState::Refused) {
                continue;
            }
            let record = record_of(&agent);
            let machine = agent.computer.map_or_else(|| agent.id.to_string(), |c| c.to_string());
            let ways = machines.entry(machine).or_default();
            ways.asked |= last.get(&record).is_some_and(|at| *at >= due);
            let run = under_way.remove(&record);
            let connection = self.pathway(&agent, names).filter(|_| !tried.contains(&record));
            if run.is_some() {
                if !ways.under_way {
                    ways.errands.clear();
                }
                ways.under_way = true;
            } else if ways.under_way || !agent.runs_scripts || !online.contains(&record) {
                continue;
            }
            ways.errands.extend(connection.map(|connection| identify(record, connection, run)));
        }
        let open = machines.into_values().filter(|ways| !ways.asked || ways.under_way);
        // Of several on their way (it was two machines then) each is followed.
        let each = |ways: Ways| {
            let number = if ways.under_way { usize::MAX } else { 1 };
            ways.errands.into_iter().take(number)
        };
        Ok(open.flat_map(each).collect())
    }

    /// The scripts of a kind that are on their way, by agent.
    async fn under_way(&self, kind: &str) -> Result<HashMap<RecordRef, ScriptRun>> {
        let runs = self.store.script_runs().await?.into_iter().filter(|run| run.kind == kind);
        Ok(runs.map(|run| (run.agent.clone(), run)).collect())
    }

    /// The connection, of these or of all, that runs scripts through this agent.
    fn pathway(&self, agent: &Agent, names: &[String]) -> Option<usize> {
        let wanted = names.is_empty() || names.contains(&agent.connection);
        let number = self.connections.iter().position(|one| one.name == agent.connection)?;
        let scripts = self.connections[number].connector.scripts();
        scripts.filter(|scripts| wanted && scripts.asks_who_they_are()).map(|_| number)
    }

    async fn ask_all(&self, errands: Vec<Errand>) -> Result<CollectOutcome> {
        let total = errands.len();
        self.run_errands(errands, |ended| self.take_answers(ended, total)).await
    }

    async fn take_answers(&self, mut ended: Ended, total: usize) -> Result<CollectOutcome> {
        let mut outcome = CollectOutcome::default();
        let mut waiting: Vec<ScriptAnswer> = Vec::new();
        while let Some(asked) = ended.next().await {
            match asked? {
                Asked::Answered { run, output } => {
                    outcome.answered += 1;
                    let answer = core_derive::script::read(&output);
                    let (reading, logon) = (answer.reading, answer.logon);
                    waiting.push(ScriptAnswer { run: *run, reading, logon });
                }
                Asked::Failed => outcome.failed += 1,
                Asked::Left => outcome.left += 1,
                Asked::NotBegun => continue,
            }
            outcome.asked += 1;
            self.progress.event(&ProgressEvent::Asking { done: outcome.asked, total });
            if waiting.len() >= BATCH {
                self.keep(&mut waiting).await?;
            }
        }
        self.keep(&mut waiting).await?;
        Ok(outcome)
    }

    async fn keep(&self, answers: &mut Vec<ScriptAnswer>) -> Result<()> {
        self.store.add_answers(answers, self.clock.now_us()).await?;
        answers.clear();
        Ok(())
    }
}

fn record_of(agent: &Agent) -> RecordRef {
    RecordRef::new(&agent.connection, RecordKind::Agent, &agent.scope, &agent.key)
}

fn identify(agent: RecordRef, connection: usize, under_way: Option<ScriptRun>) -> Errand {
    Errand {
        agent,
        connection,
        kind: IDENTIFY,
        text: core_derive::script::IDENTIFY.to_owned(),
        output_limit: OUTPUT,
        about: Vec::new(),
        under_way,
    }
}
