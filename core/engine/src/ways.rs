//! The ways to a computer: its agents, through the hub's connections.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use core_connector::{ErrorKind, RunScript, Script, ScriptHandle, ScriptOutcome, Shell};
use core_maintenance::{Carrier, Command, Result, Way};
use core_model::entity::{Agent, Computer, Entity, EntityKind};
use core_model::id::ComputerId;
use core_model::{RecordKind, RecordRef};
use core_script::{Caps, CommandShell};
use core_store::{Agents, EntityQuery, Store};
use core_sync::Hub;

use crate::desk::book;

/// Through an agent of a connection.
struct ThroughAgent {
    hub: Arc<Hub>,
    connection: usize,
    agent: String,
    pace: Option<Duration>,
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
        let stdin = command.stdin.as_ref();
        self.scripts()?.start_with(&self.agent, &script(command), stdin).await
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
    let store = &hub.store;
    let Some((_, agents)) = known(store, computer).await? else { return Ok(Vec::new()) };
    let refs: Vec<RecordRef> = agents.iter().map(reference).collect();
    if refs.is_empty() {
        return Ok(Vec::new());
    }
    let presences = store.presences(Agents::Keys(&refs)).await.map_err(book)?;
    let mut ways: Vec<(usize, Way)> = Vec::new();
    for (agent, reference) in agents.iter().zip(&refs) {
        let place = hub.connections.iter().position(|one| one.name == agent.connection);
        let Some(place) = place else { continue };
        let Some(scripts) = hub.connections[place].connector.scripts() else { continue };
        let online =
            presences.iter().find(|(of, _)| of == reference).and_then(|(_, one)| one.online);
        let taker = match scripts.taker(&agent.key).await {
            Ok(taker) => taker,
            // It was removed since its agents were read: no way leads there.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(book(error)),
        };
        let carrier = Arc::new(ThroughAgent {
            hub: Arc::clone(hub),
            connection: place,
            agent: agent.key.clone(),
            pace,
        });
        // One computer may have two agents of one connection for a while.
        let name = format!("{}/{}", agent.connection, agent.key);
        let own = taker.is_some();
        let taker = taker.unwrap_or_default();
        let way = Way {
            name,
            online: taker.online.or(online),
            shell: if taker.posix { CommandShell::Sh } else { CommandShell::PowerShell },
            command_limit: scripts.command_limit(),
            stdin: own,
            folder: taker.folder,
            caps: if own { Caps::LOCAL } else { Caps::VENDOR },
            carrier,
        };
        ways.push((place, way));
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

/// A computer, and its agents that are ways to it.
pub(crate) async fn known(
    store: &Store,
    computer: ComputerId,
) -> Result<Option<(Computer, Vec<Agent>)>> {
    let row = store.entity(EntityKind::Computer, &computer.to_string()).await;
    let Some(row) = row.map_err(book)? else { return Ok(None) };
    let computer: Computer = row.read().map_err(book)?;
    let agents = agents_of(store, &computer).await?;
    Ok(Some((computer, agents)))
}

async fn agents_of(store: &Store, computer: &Computer) -> Result<Vec<Agent>> {
    let ids: Vec<String> = computer.agents.iter().map(ToString::to_string).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = EntityQuery { ids: Some(&ids), ..EntityQuery::all(Agent::KIND) };
    let rows = store.entities(&query).await.map_err(book)?;
    let mut agents: Vec<Agent> = Vec::with_capacity(rows.len());
    for row in &rows {
        agents.push(row.read().map_err(book)?);
    }
    agents.retain(|agent| !agent.gone && agent.runs_scripts && agent.computer == Some(computer.id));
    Ok(agents)
}

fn reference(agent: &Agent) -> RecordRef {
    RecordRef::new(&agent.connection, RecordKind::Agent, &agent.scope, &agent.key)
}
