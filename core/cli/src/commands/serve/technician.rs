//! What the page inside a ticket shows, and what systems send by themselves: the hub's connections, and the
//! model and the rules as they are now.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use core_connector::{Refusal, Sent, Taken};
use core_daemon::Desk;
use core_model::entity::{Agent, EntityKind};
use core_model::id::AgentId;
use core_model::library::{DesiredState, SubjectId};
use core_model::ticket::{Offer, TicketView};
use core_resolve::{Against, ItemKey, Offered};
use core_server::{Exception, TechnicianTools, Unanswered, Understands};
use core_store::TicketRow;
use core_sync::{Error, Hub};
use tokio::sync::watch;

use crate::context::Context;
use crate::failure::Failure;
use crate::live::Kept;
use crate::world::World;

mod exception;

/// How old what a PSA said may be before it is asked again.
const FRESH_US: i64 = 20 * 1_000_000;
/// How long somebody who looks at a page waits for a PSA.
const PATIENCE: Duration = Duration::from_secs(5);

/// The hub at a technician's service.
pub(super) struct Tools {
    desk: watch::Receiver<Desk>,
    settings: watch::Receiver<Arc<Context>>,
    kept: Arc<Kept>,
}

impl Tools {
    pub(super) fn new(
        desk: watch::Receiver<Desk>,
        settings: watch::Receiver<Arc<Context>>,
        kept: Arc<Kept>,
    ) -> Self {
        Self { desk, settings, kept }
    }

    fn hub(&self) -> Arc<Hub> {
        Arc::clone(&self.desk.borrow().hub)
    }

    /// What a PSA says of a ticket, or said, with why it does not say so now.
    async fn row(
        &self,
        hub: &Hub,
        connection: &str,
        key: &str,
    ) -> Result<Option<(TicketRow, Option<String>)>, Error> {
        let known = hub.store.ticket(connection, key).await?;
        if let Some(row) = known.as_ref().filter(|row| hub.clock.now_us() - row.read_us < FRESH_US)
        {
            return Ok(Some((row.clone(), None)));
        }
        let asked = tokio::time::timeout(PATIENCE, hub.read_ticket(connection, key)).await;
        let why = match asked {
            Ok(Ok(row)) => return Ok(Some((row, None))),
            Ok(Err(Error::Vendor { error, .. })) => match error.kind() {
                // No number of a ticket, or none that there is.
                core_connector::ErrorKind::NotFound | core_connector::ErrorKind::Rejected => {
                    return Ok(None);
                }
                _ => error.to_string(),
            },
            Ok(Err(Error::UnknownConnection { .. } | Error::NoTickets { .. })) => return Ok(None),
            Ok(Err(error)) => return Err(error),
            Err(_) => format!("{connection} did not answer within {} seconds", PATIENCE.as_secs()),
        };
        tracing::warn!(connection, key, why, "a ticket could not be read");
        Ok(known.map(|row| (row, Some(why))))
    }

    async fn view(&self, connection: &str, key: &str) -> Result<Option<TicketView>, Failure> {
        let hub = self.hub();
        let Some((row, stale)) = self.row(&hub, connection, key).await? else { return Ok(None) };
        let mut view = hub.ticket_view(&row, stale).await?;
        let context = Arc::clone(&self.settings.borrow());
        let world = self.kept.world(&context).await?;
        offer(&mut view, &world);
        Ok(Some(view))
    }
}

#[async_trait]
impl TechnicianTools for Tools {
    fn framed_by(&self, connection: &str) -> Option<String> {
        let hub = self.hub();
        let connection = hub.connections.iter().find(|one| one.name == connection)?;
        let own = connection.connector.tickets()?.pages();
        let context = self.settings.borrow();
        match context.config.technician.framed_by.as_slice() {
            [] => own,
            origins => Some(origins.join(" ")),
        }
    }

    async fn ticket(&self, connection: &str, key: &str) -> Result<Option<TicketView>, Unanswered> {
        self.view(connection, key).await.map_err(|failure| super::answers::unanswered(&failure))
    }

    async fn except(&self, wanted: Exception<'_>) -> Result<String, Unanswered> {
        let context = Arc::clone(&self.settings.borrow());
        let became = exception::make(&context, wanted).await;
        became.map_err(|failure| super::answers::unanswered(&failure))
    }

    async fn join(&self, agent: AgentId) -> Result<String, Unanswered> {
        let link = join(&self.hub(), agent).await;
        link.map_err(|failure| super::answers::unanswered(&failure))
    }
}

impl Understands for Tools {
    fn take(&self, connection: &str, sent: &Sent<'_>) -> Option<Result<Taken, Refusal>> {
        let hub = self.hub();
        let connection = hub.connections.iter().find(|one| one.name == connection)?;
        Some(connection.connector.webhooks()?.take(sent))
    }
}

async fn join(hub: &Hub, agent: AgentId) -> Result<String, Failure> {
    let row = hub.store.entity(EntityKind::Agent, &agent.to_string()).await?;
    let agent: Option<Agent> = row
        .map(|row| row.read())
        .transpose()
        .map_err(|error| Failure::failed(error.to_string()))?;
    let agent = agent.ok_or_else(|| Failure::usage("the agent is not there any more"))?;
    let connection = hub.connections.iter().find(|one| one.name == agent.connection);
    let sessions = connection.and_then(|one| one.connector.sessions()).ok_or_else(|| {
        Failure::usage(format!("`{}` opens no remote sessions", agent.connection))
    })?;
    let link = sessions
        .open(&agent.key)
        .await
        .map_err(|error| Failure::failed(error.to_string()).with_remedy(error.remedy()))?;
    Ok(link.expose().to_owned())
}

/// What a deployment does, as a technician says it.
fn does(state: &DesiredState) -> String {
    match state {
        DesiredState::Latest => "install the latest version".to_owned(),
        DesiredState::ThisVersion(_)
        | DesiredState::NewerOrEqual(_)
        | DesiredState::OlderOrEqual(_)
        | DesiredState::AnyVersion => format!("install {}", state.words()),
        DesiredState::UpdateIfFound => "bring up to date where it is there".to_owned(),
        DesiredState::Absent => "uninstall".to_owned(),
        DesiredState::Enforce => "test and set".to_owned(),
        DesiredState::Audit => "test, and set nothing".to_owned(),
        DesiredState::Monitor => "read, and set nothing".to_owned(),
        DesiredState::Ignored => "leave alone".to_owned(),
    }
}

/// Adds what may be deployed, by what holds now.
fn offer(view: &mut TicketView, world: &World) {
    let offers = |subject: SubjectId| -> Vec<Offer> {
        let offered = world.resolver.offered(subject).into_iter();
        let mut offers: Vec<Offer> = offered.map(|one| in_words(subject, one, world)).collect();
        // Of one item they stay in their order.
        offers.sort_by_cached_key(|one| one.item.to_lowercase());
        offers
    };
    for computer in &mut view.computers {
        computer.offers = offers(computer.id.into());
    }
    view.for_person = view.person.as_ref().map(|one| offers(one.id.into())).unwrap_or_default();
    view.for_tenant = view.tenant.as_ref().map(|one| offers(one.id.into())).unwrap_or_default();
}

fn in_words(subject: SubjectId, one: Offered, world: &World) -> Offer {
    let deployment = one.deployment;
    let key = ItemKey { item: deployment.item, instance: deployment.instance.clone() };
    let warning = one.against.map(|against| match against {
        Against::Undone { by, wants } => {
            format!("The next maintenance undoes it: by {by}, this should be: {wants}.")
        }
        Against::Blocked(why) => format!("Maintenance leaves it alone: {why}."),
    });
    Offer {
        subject,
        deployment: deployment.id,
        uninstalls: deployment.state.uninstalls(),
        does: does(&deployment.state),
        name: deployment.name,
        item: world.item_title(&key),
        why: one.why,
        warning,
    }
}
