//! Maintenance mode of the RMMs: on while a session changes something, and then as it was found. Who was put into it is
//! in the store before the RMM is asked, so that whoever finds a lost session takes its computer out again.

use std::time::Duration;

use core_connector::MaintenanceMode;
use core_maintenance::Result;
use core_model::entity::Agent;
use core_model::library::SubjectId;
use core_store::HeldMode;
use core_sync::Hub;

use crate::desk::{SessionDesk, of_store};
use crate::ways;

/// How long a maintenance mode lasts at the most that nobody ends: sessions are over long before.
const MOST: Duration = Duration::from_secs(8 * 3600);
/// So many that lost sessions left are taken out at once.
const AT_ONCE: usize = 100;

/// The maintenance mode of a connection.
fn mode<'a>(hub: &'a Hub, connection: &str) -> Option<&'a dyn MaintenanceMode> {
    let connection = hub.connections.iter().find(|one| one.name == connection)?;
    connection.connector.maintenance_mode()
}

impl SessionDesk {
    /// The agents of the session's computer that can be put into maintenance mode.
    async fn moded(&self) -> Result<Vec<Agent>> {
        let SubjectId::Computer(computer) = self.session.subject else { return Ok(Vec::new()) };
        if self.hub.connections.iter().all(|one| one.connector.maintenance_mode().is_none()) {
            return Ok(Vec::new());
        }
        let known = ways::known(&self.hub.store, computer).await?;
        let agents = known.map(|(_, agents)| agents).unwrap_or_default();
        let can = |agent: &Agent| mode(&self.hub, &agent.connection).is_some();
        Ok(agents.into_iter().filter(can).collect())
    }

    pub(crate) async fn enter_modes(&self) -> Result<Vec<String>> {
        let mut words = Vec::new();
        for agent in self.moded().await? {
            let Some(mode) = mode(&self.hub, &agent.connection) else { continue };
            words.extend(self.enter_mode(&agent, mode).await?);
        }
        Ok(words)
    }

    /// What was done about one agent; nothing where this session has it in maintenance mode already.
    async fn enter_mode(
        &self,
        agent: &Agent,
        mode: &dyn MaintenanceMode,
    ) -> Result<Option<String>> {
        let (store, name) = (&self.hub.store, &agent.connection);
        let held = store.held_mode(name, &agent.key).await.map_err(of_store)?;
        if held.as_ref().is_some_and(|held| held.session == self.session.id) {
            return Ok(None);
        }
        match (mode.is_on(&agent.key).await, held) {
            (Err(error), _) => {
                return Ok(Some(format!("{name}: it is left as it is: {error}")));
            }
            (Ok(true), None) => {
                return Ok(Some(format!("{name}: it was on before, and stays")));
            }
            (Ok(_), _) => {}
        }
        let now_us = self.hub.clock.now_us();
        let held = store.hold_mode(&self.holder, (name, &agent.key), now_us).await;
        held.map_err(of_store)?;
        Ok(Some(match mode.enter(&agent.key, MOST).await {
            Ok(()) => format!("{name}: on"),
            // It may have arrived: it is taken out in the end all the same.
            Err(error) => format!("{name}: it may be off: {error}"),
        }))
    }

    pub(crate) async fn leave_modes(&self) -> Result<Vec<String>> {
        let held = self.hub.store.held_modes(self.session.id).await.map_err(of_store)?;
        let mut words = Vec::new();
        for one in held {
            let left = leave(&self.hub, &one).await.map_err(of_store)?;
            words.push(match left {
                Ok(()) => format!("{}: off", one.connection),
                Err(why) => format!("{}: it is tried again until it is off: {why}", one.connection),
            });
        }
        Ok(words)
    }
}

/// Takes one out, and forgets it; what the RMM says, where it refuses.
async fn leave(hub: &Hub, held: &HeldMode) -> core_store::Result<std::result::Result<(), String>> {
    // Where the connection is gone, or is not to do it any more, nobody can be asked.
    if let Some(mode) = mode(hub, &held.connection)
        && let Err(error) = mode.leave(&held.agent).await
        && error.kind() != core_connector::ErrorKind::NotFound
    {
        return Ok(Err(error.to_string()));
    }
    hub.store.forget_mode(held).await?;
    Ok(Ok(()))
}

/// Takes those out whose session is over and did not do it: its engine was lost, somebody took it back, or the RMM did
/// not answer then.
pub(crate) async fn release(hub: &Hub) -> core_store::Result<()> {
    for held in hub.store.left_modes(AT_ONCE).await? {
        let (connection, agent) = (&held.connection, &held.agent);
        // Another session may have it in maintenance mode by now.
        if hub.store.held_mode(connection, agent).await?.as_ref() != Some(&held) {
            continue;
        }
        match leave(hub, &held).await? {
            Ok(()) => tracing::info!(connection, agent, session = %held.session,
                "a computer was taken out of the maintenance mode that a session had left it in"),
            Err(why) => tracing::warn!(
                connection,
                agent,
                why,
                "a computer is still in the maintenance mode that a session had left it in"
            ),
        }
    }
    Ok(())
}
