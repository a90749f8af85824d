//! The ways to a computer: its agents, through the hub's connections.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use core_connector::{ErrorKind, RunScript, Script, ScriptHandle, ScriptOutcome, Shell, Taker};
use core_maintenance::{Carrier, Command, Error, Result, Way};
use core_model::entity::{Agent, Computer, Entity, EntityKind};
use core_model::id::ComputerId;
use core_model::{RecordKind, RecordRef};
use core_script::{Caps, CommandShell, Limits};
use core_store::{Agents, EntityQuery, Store};
use core_sync::Hub;

/// Through an agent of a connection.
struct ThroughAgent {
    hub: Arc<Hub>,
    connection: usize,
    agent: String,
    pace: Option<Duration>,
    /// Commands have a standard input.
    stdin: bool,
}

impl ThroughAgent {
    fn scripts(&self) -> core_connector::Result<&dyn RunScript> {
        let connection = self.hub.connections.get(self.connection);
        connection.and_then(|one| one.connector.scripts()).ok_or_else(|| {
            let detail = "this connection runs no scripts";
            core_connector::Error::new(ErrorKind::NotOffered, "run a script", detail)
        })
    }
}

fn script(command: &Command) -> Script {
    Script {
        run: command.run,
        shell: Shell::PowerShell,
        text: command.text.expose().to_owned(),
        time_limit: command.limit,
        output_limit: command.output_limit,
    }
}

#[async_trait]
impl Carrier for ThroughAgent {
    async fn start(&self, command: &Command) -> core_connector::Result<ScriptHandle> {
        match self.stdin {
            false => self.scripts()?.start(&self.agent, &script(command)).await,
            true => {
                let stdin = command.stdin.as_ref();
                self.scripts()?.start_with(&self.agent, &script(command), stdin).await
            }
        }
    }

    async fn find(&self, command: &Command) -> core_connector::Result<Option<ScriptHandle>> {
        self.scripts()?.find(&self.agent, &script(command)).await
    }

    async fn poll(&self, handle: &ScriptHandle) -> core_connector::Result<ScriptOutcome> {
        self.scripts()?.poll(handle).await
    }

    fn pace(&self) -> Duration {
        let own = self.scripts().map(RunScript::poll_interval);
        self.pace.or(own.ok()).unwrap_or(Duration::from_secs(2))
    }
}

/// The ways that lead to a computer now: those that are said to lead there first, those of which nobody knows
/// next, those that do not last; of alike ones in the order of the connections.
pub(crate) async fn ways(
    hub: &Arc<Hub>,
    computer: ComputerId,
    pace: Option<Duration>,
) -> Result<Vec<Way>> {
    let failed = |error: String| Error::Book(error);
    let store = &hub.store;
    let row = store.entity(EntityKind::Computer, &computer.to_string()).await;
    let Some(row) = row.map_err(|error| failed(error.to_string()))? else { return Ok(Vec::new()) };
    let computer: Computer = row.read().map_err(|error| failed(error.to_string()))?;
    let agents = agents_of(store, &computer).await?;
    let refs: Vec<RecordRef> = agents.iter().map(reference).collect();
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    let presences =
        store.presences(Agents::Keys(&refs)).await.map_err(|error| failed(error.to_string()))?;
    let mut ways: Vec<(usize, Way)> = Vec::new();
    for (agent, reference) in agents.iter().zip(&refs) {
        let place = hub.connections.iter().position(|one| one.name == agent.connection);
        let Some(place) = place else { continue };
        let Some(scripts) = hub.connections[place].connector.scripts() else { continue };
        let online =
            presences.iter().find(|(of, _)| of == reference).and_then(|(_, one)| one.online);
        let command = scripts.command_limit();
        let taker = match scripts.taker(&agent.key).await {
            Ok(taker) => taker,
            // It was removed since its agents were read: no way leads there.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error.to_string())),
        };
        let online = taker.as_ref().map_or(online, |taker| taker.online.or(online));
        let (limits, caps) = match &taker {
            None => (
                Limits { shell: CommandShell::PowerShell, command, stdin: false, folder: "" },
                Caps::VENDOR,
            ),
            Some(taker) => (own_limits(taker, command), Caps::LOCAL),
        };
        let carrier = ThroughAgent {
            hub: Arc::clone(hub),
            connection: place,
            agent: agent.key.clone(),
            pace,
            stdin: limits.stdin,
        };
        // One computer may have two agents of one connection for a while.
        let name = format!("{}/{}", agent.connection, agent.key);
        let carrier = Arc::new(carrier);
        ways.push((place, Way { name, online, limits, caps, carrier }));
    }
    ways.sort_by_key(|(place, way)| {
        let rank = match way.online {
            Some(true) => 0,
            None => 1,
            Some(false) => 2,
        };
        (rank, *place)
    });
    Ok(ways.into_iter().map(|(_, way)| way).collect())
}

/// What a runner of the hub's own can carry.
fn own_limits(taker: &Taker, command: usize) -> Limits<'static> {
    let shell = if taker.posix { CommandShell::Sh } else { CommandShell::PowerShell };
    Limits { shell, command, stdin: true, folder: kept_folder(&taker.folder) }
}

/// A folder's name that lasts as long as the program, as limits want it. Almost all runners have the same one; of
/// others so many are kept, and one beyond them is none: scripts are refused then, with its name.
fn kept_folder(folder: &str) -> &'static str {
    const MOST: usize = 4096;
    static KEPT: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    match kept.get(folder) {
        Some(known) => known,
        None if kept.len() >= MOST => "",
        None => {
            let known: &'static str = Box::leak(folder.to_owned().into_boxed_str());
            kept.insert(known);
            known
        }
    }
}

async fn agents_of(store: &Store, computer: &Computer) -> Result<Vec<Agent>> {
    let ids: Vec<String> = computer.agents.iter().map(ToString::to_string).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = EntityQuery { ids: Some(&ids), ..EntityQuery::all(Agent::KIND) };
    let rows = store.entities(&query).await.map_err(|error| Error::Book(error.to_string()))?;
    let mut agents: Vec<Agent> = Vec::with_capacity(rows.len());
    for row in &rows {
        agents.push(row.read().map_err(|error| Error::Book(error.to_string()))?);
    }
    agents.retain(|agent| !agent.gone && agent.runs_scripts && agent.computer == Some(computer.id));
    Ok(agents)
}

fn reference(agent: &Agent) -> RecordRef {
    RecordRef::new(&agent.connection, RecordKind::Agent, &agent.scope, &agent.key)
}
