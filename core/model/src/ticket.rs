//! A ticket as a technician sees it: whose it is, which computers it may be about, and what may be
//! deployed from it.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::id::{AgentId, ComputerId, DeploymentId, PersonId, TenantId};
use crate::library::SubjectId;
use crate::session::Session;

/// A ticket with what the hub knows of it.
#[derive(Clone, Debug, Serialize)]
pub struct TicketView {
    /// The connection.
    pub connection: String,
    /// The PSA's key.
    pub key: String,
    /// What it is about.
    pub summary: String,
    /// Closed.
    pub closed: bool,
    /// When the PSA was last asked.
    pub read_at: DateTime<Utc>,
    /// Why the PSA could not be asked just now, where it could not: everything is as of `read_at`.
    pub stale: Option<String>,
    /// The tenant; none where the ticket's client is linked to none.
    pub tenant: Option<TicketTenant>,
    /// The person; none where the ticket's contact is nobody of the tenant's directory.
    pub person: Option<TicketPerson>,
    /// The computers, those on the ticket first.
    pub computers: Vec<TicketMachine>,
    /// What may be deployed for the tenant.
    pub for_tenant: Vec<Offer>,
    /// What may be deployed for the person.
    pub for_person: Vec<Offer>,
    /// Sessions that were asked for in the ticket, newest first.
    pub sessions: Vec<Session>,
}

/// The tenant of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TicketTenant {
    /// Id.
    pub id: TenantId,
    /// Name.
    pub name: String,
}

/// The person of a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TicketPerson {
    /// Id.
    pub id: PersonId,
    /// Name.
    pub name: String,
    /// UPN.
    pub upn: String,
    /// Sign-in is blocked.
    pub disabled: bool,
}

/// A computer of a ticket.
#[derive(Clone, Debug, Serialize)]
pub struct TicketMachine {
    /// Id.
    pub id: ComputerId,
    /// Name.
    pub name: String,
    /// It is on the ticket as an asset.
    pub on_ticket: bool,
    /// The ticket's person is its primary person.
    pub of_person: bool,
    /// Whether any agent is online; none where no agent says.
    pub online: Option<bool>,
    /// When any agent was last seen.
    pub last_seen: Option<DateTime<Utc>>,
    /// Operating system.
    pub os: Option<String>,
    /// Manufacturer and model.
    pub model: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Its agents.
    pub agents: Vec<TicketAgent>,
    /// What may be deployed for it.
    pub offers: Vec<Offer>,
}

/// An agent of such a computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TicketAgent {
    /// Id.
    pub id: AgentId,
    /// The connection.
    pub connection: String,
    /// Whether it is online; none where the system does not say.
    pub online: Option<bool>,
    /// When it was last seen.
    pub last_seen: Option<DateTime<Utc>>,
    /// A remote session can be opened through it.
    pub joins: bool,
}

/// A deployment that may be run from a ticket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// For whom.
    pub subject: SubjectId,
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its name.
    pub name: String,
    /// What it is about: "Adobe Reader".
    pub item: String,
    /// What it does, in words: "latest version installed".
    pub does: String,
    /// Why it is there: the target that it resolved through, in words.
    pub why: String,
    /// It takes something away.
    pub uninstalls: bool,
    /// What speaks against it: another deployment holds, and the next maintenance undoes this one.
    pub warning: Option<String>,
}
