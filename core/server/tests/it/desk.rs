//! Tickets and senders, as far as the server needs any: ticket `1` is of the first tenant, `2` of the second,
//! `9` of nobody's, `down` is one whose PSA does not answer.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Hint, Hook, Refusal, Secret, Sent, Taken};
use core_model::id::{AgentId, ComputerId, DeploymentId, PersonId, TenantId};
use core_model::ticket::{
    Offer, TicketAgent, TicketMachine, TicketPerson, TicketTenant, TicketView,
};
use core_server::{Desk, Exception, TechnicianTools, Unanswered, Understands};
use tokio::sync::Notify;

use crate::harness::TENANTS;

/// What senders show.
pub(crate) const SECRET: &str = "planted-webhook-secret";
/// What a link to a remote session holds.
pub(crate) const JOIN: &str = "https://control.example/Host#Access/planted-join/Join";

pub(crate) struct Tickets;

pub(crate) fn desk() -> Desk {
    Desk {
        technician: Arc::new(Tickets),
        understands: Arc::new(Tickets),
        came: Arc::new(Notify::new()),
        metrics: Arc::default(),
    }
}

pub(crate) fn computer(tenant: usize) -> ComputerId {
    ComputerId::of_text(TENANTS[tenant], 1)
}

pub(crate) fn tenant(number: usize) -> TenantId {
    TenantId::of_text(TENANTS[number], 1)
}

pub(crate) fn agent(tenant: usize) -> AgentId {
    AgentId::of_text(TENANTS[tenant], 1)
}

pub(crate) fn deployment(name: &str) -> DeploymentId {
    DeploymentId::of_text(name, 1)
}

fn offer(tenant: usize, name: &str, uninstalls: bool) -> Offer {
    Offer {
        subject: computer(tenant).into(),
        deployment: deployment(name),
        name: name.to_owned(),
        item: format!("Item {name}"),
        does: if uninstalls { "uninstall" } else { "install the latest version" }.to_owned(),
        why: format!("it is a computer of tenant {tenant} <b>"),
        uninstalls,
        warning: uninstalls.then(|| "The next maintenance undoes it.".to_owned()),
    }
}

fn ticket(key: &str, tenant: Option<usize>) -> TicketView {
    let machine = |tenant: usize| TicketMachine {
        id: computer(tenant),
        name: format!("PC-{tenant}"),
        on_ticket: true,
        of_person: true,
        online: Some(false),
        last_seen: None,
        os: Some("Windows 11".to_owned()),
        model: None,
        serial: Some("S1".to_owned()),
        agents: vec![TicketAgent {
            id: agent(tenant),
            connection: "control".to_owned(),
            online: Some(false),
            last_seen: None,
            joins: true,
        }],
        offers: vec![offer(tenant, "reader", false), offer(tenant, "no-office", true)],
    };
    TicketView {
        connection: "halo".to_owned(),
        key: key.to_owned(),
        summary: format!("Ticket {key} <script>"),
        closed: false,
        read_at: chrono::DateTime::UNIX_EPOCH,
        stale: (key == "down").then(|| "halo did not answer".to_owned()),
        tenant: tenant.map(|tenant| TicketTenant {
            id: self::tenant(tenant),
            name: format!("Tenant {tenant}"),
        }),
        person: tenant.map(|tenant| TicketPerson {
            id: PersonId::of_text(TENANTS[tenant], 1),
            name: format!("Ana {tenant}"),
            upn: format!("ana{tenant}@example.com"),
            disabled: false,
        }),
        computers: tenant.into_iter().map(machine).collect(),
        for_tenant: Vec::new(),
        for_person: Vec::new(),
        sessions: Vec::new(),
    }
}

#[async_trait]
impl TechnicianTools for Tickets {
    fn framed_by(&self, connection: &str) -> Option<String> {
        (connection == "halo").then(|| "https://acme.halopsa.com".to_owned())
    }

    async fn ticket(&self, connection: &str, key: &str) -> Result<Option<TicketView>, Unanswered> {
        let tenant = match (connection, key) {
            ("halo", "1" | "down") => Some(0),
            ("halo", "2") => Some(1),
            ("halo", "9") => None,
            _ => return Ok(None),
        };
        Ok(Some(ticket(key, tenant)))
    }

    async fn except(&self, wanted: Exception<'_>) -> Result<String, Unanswered> {
        Ok(format!("{} {} {}", wanted.offer.name, wanted.until, wanted.by))
    }

    async fn join(&self, _agent: AgentId) -> Result<String, Unanswered> {
        Ok(JOIN.to_owned())
    }
}

impl Understands for Tickets {
    fn take(&self, connection: &str, sent: &Sent<'_>) -> Option<Result<Taken, Refusal>> {
        if connection != "halo" {
            return None;
        }
        if let Some(token) = sent.query.strip_prefix("validationToken=") {
            return Some(Ok(Taken::Handshake(token.to_owned())));
        }
        if !sent.shows(&Secret::new(SECRET)) {
            return Some(Err(Refusal::Stranger));
        }
        let Ok(ids) = serde_json::from_slice::<Vec<String>>(sent.body) else {
            return Some(Err(Refusal::Malformed("it is no list of texts".to_owned())));
        };
        let hook = |id: String| Hook { hint: Hint::Ticket(id.clone()), id };
        Some(Ok(Taken::Hooks(ids.into_iter().map(hook).collect())))
    }
}
