//! ConnectWise Automate's view, and commands sent through either RMM.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{MachineNo, Mark, TenantNo, Version};

/// ConnectWise Automate's data.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Automate {
    /// Clients.
    pub clients: Vec<AutomateClient>,
    /// Locations.
    pub locations: Vec<AutomateLocation>,
    /// Groups.
    pub groups: Vec<AutomateGroup>,
    /// Computers (agents).
    pub computers: Vec<AutomateComputer>,
    /// Commands sent to computers, by their id.
    pub commands: BTreeMap<u64, QueuedCommand>,
    /// Extra data fields that were set, by `Kind/id/definition`.
    #[serde(default)]
    pub extra_fields: BTreeMap<String, serde_json::Value>,
    /// Maintenance modes that somebody set, by computer, oldest first.
    #[serde(default)]
    pub modes: BTreeMap<u64, Vec<ModeChange>>,
}

/// Somebody put a computer into maintenance mode, or took it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeChange {
    /// When.
    pub at: DateTime<Utc>,
    /// For how many minutes; none where it was taken out.
    pub minutes: Option<u32>,
}

/// A client of Automate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AutomateClient {
    /// Its id.
    pub id: u64,
    /// The tenant; none for clients nobody else has ("Workbench").
    pub tenant: Option<TenantNo>,
    /// `Name`.
    pub name: String,
    /// `Company`; may be blank.
    pub company: String,
    /// `ExternalId`; the id of the client in the PSA, where somebody entered it.
    pub external_id: String,
    /// Bookkeeping.
    pub mark: Mark,
}

/// A location of an Automate client.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AutomateLocation {
    /// Its id.
    pub id: u64,
    /// Client id.
    pub client: u64,
    /// Name.
    pub name: String,
    /// Bookkeeping.
    pub mark: Mark,
}

/// A group of Automate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AutomateGroup {
    /// Its id.
    pub id: u64,
    /// Parent group.
    pub parent: Option<u64>,
    /// Name.
    pub name: String,
    /// Members: (row id of GroupComputers, computer id, version added, version removed).
    pub members: Vec<(u64, u64, Version, Option<Version>)>,
    /// Bookkeeping.
    pub mark: Mark,
}

/// An Automate agent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AutomateComputer {
    /// Computer id.
    pub id: u64,
    /// The machine it runs (or ran) on.
    pub machine: MachineNo,
    /// Client id.
    pub client: u64,
    /// Location id.
    pub location: u64,
    /// Host name as last inventoried.
    pub host: String,
    /// UUID as the chassis inventory has it, in whatever spelling; none where not inventoried.
    pub uuid: Option<String>,
    /// Serial as inventoried.
    pub serial: String,
    /// Windows install date as inventoried.
    pub os_installed: DateTime<Utc>,
    /// Whether the agent of today's installation is this one (false: left over from before a wipe
    /// or a re-installation; it is offline for ever).
    pub current: bool,
    /// Last contact; faces show "now" for a current agent on a machine that is on.
    pub last_contact: DateTime<Utc>,
    /// When the agent was added.
    pub added: DateTime<Utc>,
    /// Bookkeeping.
    pub mark: Mark,
}

/// A command sent to a machine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QueuedCommand {
    /// The machine; none where the agent is not the current one (it will never answer).
    pub machine: Option<MachineNo>,
    /// The Automate computer or an index into [`Control::sessions`].
    pub agent: u64,
    /// What was sent, decoded to the script text.
    pub text: String,
    /// The parameters or the body as sent.
    pub raw: String,
    /// When it was sent.
    pub sent: DateTime<Utc>,
    /// When the machine will have answered; none while it is off.
    pub due: Option<DateTime<Utc>>,
    /// Whether it may change the machine, and does not only ask it who it is.
    #[serde(default)]
    pub acts: bool,
    /// The run that it has become, where it acts; none while the machine is off.
    #[serde(default)]
    pub run: Option<u64>,
    /// The output, once computed.
    pub output: Option<String>,
}
