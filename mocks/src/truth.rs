//! What is true: the model that a hub which made no mistake would hold.
//!
//! It is read off the world itself, never off a face, and the rule of what is in force is written
//! here a second time, so that a hub is not judged by its own code.
//!
//! Three things are nobody's fault: agents of clients that are no customer
//! ([`Truth::unlinked_agents`]), clients that only a human can tell ([`Tenant::by_hand`],
//! [`Agent::by_hand`]), and machines whose evidence is bad on purpose ([`Computer::troubles`]).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::world::World;

mod computers;
mod customers;
mod lines;
mod people;
mod software;

pub use self::software::{MachineSoftware, software};

/// What is true at an instant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// The instant.
    pub as_of: DateTime<Utc>,
    /// The world's version.
    pub version: u64,
    /// Customers, and the MSP itself.
    pub tenants: Vec<Tenant>,
    /// People who are there, of every kind of account.
    pub persons: Vec<Person>,
    /// Machines that are there.
    pub computers: Vec<Computer>,
    /// Lines in force.
    pub agreement_lines: Vec<Line>,
    /// Directory groups with everybody in them, however deep.
    pub groups: Vec<Group>,
    /// Clients that are no customer, by kind of connection and external id.
    pub unlinked_clients: Vec<(String, String)>,
    /// Agents under clients that are no customer.
    pub unlinked_agents: Vec<(String, String)>,
}

/// A customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// Number in the world.
    pub no: usize,
    /// Legal name.
    pub name: String,
    /// Main domain.
    pub domain: String,
    /// IANA zone.
    pub time_zone: String,
    /// The MSP itself.
    pub operator: bool,
    /// By kind of connection, the external ids of the clients that are this tenant: directory
    /// GUID (of the first tenant in it only), client ids, Control's spelling.
    pub clients: BTreeMap<String, Vec<String>>,
    /// Of those, the ones only a human can link.
    pub by_hand: Vec<(String, String)>,
    /// A directory that it shares as a lodger, with the domain that splits it off.
    pub domain_split: Option<(Uuid, String)>,
}

/// A directory user.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Directory GUID.
    pub directory: Uuid,
    /// Object id.
    pub id: Uuid,
    /// Tenant number.
    pub tenant: usize,
    /// UPN now.
    pub upn: String,
    /// Whether he may be somebody's primary person: a member who may sign in.
    pub eligible: bool,
}

/// One system's agent of a machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Agent {
    /// Kind of connection: `cw-automate`, `cw-control`, `azure-ad`.
    pub kind: String,
    /// Computer id, session id, managed device id.
    pub id: String,
    /// Whether it runs on the machine today.
    pub current: bool,
    /// Whether it is under a client that only a human can link.
    pub by_hand: bool,
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Computer {
    /// Number in the world.
    pub no: usize,
    /// Tenant number.
    pub tenant: usize,
    /// Host name now.
    pub host: String,
    /// Whether it is on.
    pub online: bool,
    /// Its agents, today's and what is left over.
    pub agents: Vec<Agent>,
    /// Object id of its primary person.
    pub primary_person: Option<Uuid>,
    /// Whether any system can tell who that is: the machine answers, Intune knows its user, or an
    /// RMM reports an account that names a person (`DOMAIN\\user` of a synced directory).
    pub knowable: bool,
    /// What is bad about its evidence: `wiped`, `clone`, `cloned`, `junk_uuid`, `swapped_uuid`,
    /// `swapped_board`, `placeholder_serial`, `no_chassis`, `offline`, `untrusted_maker`.
    pub troubles: Vec<String>,
}

/// An agreement line in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The line's id in HaloPSA.
    pub id: i64,
    /// The contract's id.
    pub contract: i64,
    /// The client's id.
    pub client: i64,
    /// Tenant number.
    pub tenant: usize,
    /// The item's id.
    pub item: i64,
    /// Quantity.
    pub quantity: f64,
}

/// A directory group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Directory GUID.
    pub directory: Uuid,
    /// Object id.
    pub id: Uuid,
    /// Display name.
    pub name: String,
    /// Object ids of the people in it, directly or through groups.
    pub persons: Vec<Uuid>,
}

/// How much of everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// The seed.
    pub seed: u64,
    /// The world's version.
    pub version: u64,
    /// Tenants, the MSP with them.
    pub tenants: usize,
    /// Directory users who are there.
    pub persons: usize,
    /// Machines that are there.
    pub computers: usize,
    /// Their agents in all systems.
    pub agents: usize,
    /// Lines in force.
    pub agreement_lines: usize,
    /// Groups that are there.
    pub groups: usize,
}

/// What is true at the instant.
#[must_use]
pub fn truth(world: &World, as_of: DateTime<Utc>) -> Truth {
    let (computers, unlinked_agents) = computers::computers(world);
    Truth {
        as_of,
        version: world.version,
        tenants: customers::tenants(world),
        persons: people::persons(world),
        computers,
        agreement_lines: lines::in_force(world, as_of),
        groups: people::groups(world),
        unlinked_clients: customers::unlinked(world),
        unlinked_agents,
    }
}

/// Counts of what is true now.
#[must_use]
pub fn summary(world: &World) -> Summary {
    let (computers, _) = computers::computers(world);
    Summary {
        seed: world.options.seed,
        version: world.version,
        tenants: world.tenants.iter().filter(|t| t.mark.gone.is_none()).count(),
        persons: world.persons.iter().filter(|p| p.mark.gone.is_none()).count(),
        agents: computers.iter().map(|c| c.agents.len()).sum(),
        computers: computers.len(),
        agreement_lines: lines::in_force(world, world.now()).len(),
        groups: world.groups.iter().filter(|g| g.mark.gone.is_none()).count(),
    }
}

#[cfg(test)]
mod tests;
