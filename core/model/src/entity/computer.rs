//! Computers, and the agents that are pathways to them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::facts::{ChassisClass, DeviceRole};
use crate::hardware::SmbiosUuid;
use crate::id::{AgentId, ClientId, ComputerId, DecisionId, PersonId, TenantId};

/// The rule that put an agent on its computer (behaviour of identification, R0 to R8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// The agent is known: nothing new.
    R0,
    /// A human decided.
    R1,
    /// The machine itself reported this agent's id.
    R2,
    /// Good UUID, known on a computer of the tenant.
    R3,
    /// Good UUID; the agent was installed again.
    R4a,
    /// Good UUID; the machine was wiped.
    R4b,
    /// Good UUID on two machines that are both alive: a clone.
    R4c,
    /// Good UUID, and nothing tells which of the three it is.
    R4d,
    /// Good UUID of a computer of another tenant.
    R5,
    /// Unknown UUID, known serial of a trusted maker.
    R6,
    /// No good UUID, known serial of a trusted maker.
    R7,
    /// Nothing known: a new computer.
    R8,
}

/// How far an agent is identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Its client is linked to no tenant: it takes part in nothing.
    Unlinked,
    /// Not enough is known yet; the machine is asked when it is online.
    Identifying,
    /// It is a pathway to its computer.
    Matched,
    /// It belongs to its computer's past: re-installed, or wiped away, or gone at the source.
    Retired,
    /// A human must decide.
    Undecided,
    /// Refused: its identity is that of a computer of another tenant.
    Refused,
}

/// What is known about an agent's machine, in one spelling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Good UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<SmbiosUuid>,
    /// Other UUIDs this agent reported before or elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_uuids: Vec<SmbiosUuid>,
    /// A reported UUID that identifies nothing, with the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub junk_uuid: Option<String>,
    /// Where the UUID was read: a connector's kind, or `script`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid_source: Option<String>,
    /// Real serial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Manufacturer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Windows' offline installation id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// When the operating system was installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_installed: Option<DateTime<Utc>>,
    /// Device id in the directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_device: Option<String>,
    /// Agent ids that the machine, or the record, knows: (connector kind, id).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agents: Vec<(String, String)>,
}

/// One connection's view of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// Id.
    pub id: AgentId,
    /// The connection.
    pub connection: String,
    /// The sub-scope it was read in, empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The vendor's id.
    pub key: String,
    /// Host name.
    pub host: String,
    /// The client.
    pub client: Option<ClientId>,
    /// The tenant.
    pub tenant: Option<TenantId>,
    /// The computer.
    pub computer: Option<ComputerId>,
    /// How far it is identified.
    pub state: AgentState,
    /// The rule that decided.
    pub rule: Option<Rule>,
    /// Why, in words.
    pub why: String,
    /// What is known about the machine.
    pub evidence: Evidence,
    /// Scripts can be run through it.
    pub runs_scripts: bool,
    /// Operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Domain or workgroup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Key of the location in its RMM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Values of the vendor's custom properties, by their name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<(String, String)>,
    /// The open decision that waits for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionId>,
    /// Gone at the source.
    pub gone: bool,
}

impl Agent {
    pub(super) fn tenant_id(&self) -> Option<String> {
        self.tenant.map(|tenant| tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.host
    }
}

/// Whether a computer may be maintained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Onboarding {
    /// New or wiped: it waits for somebody.
    Needed,
    /// It was there before us, or somebody onboarded it.
    Done,
}

/// What is peculiar about a computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Shares its UUID with another live computer.
    Clone,
    /// Was wiped at least once.
    Wiped,
    /// Its UUID changed while serial and installation stayed.
    BoardSwapped,
    /// Used by many: nobody is primary.
    Shared,
    /// An agent of another tenant claims its identity.
    TakeoverRefused,
}

/// A logon in a computer's list of ten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogonSeen {
    /// The account as seen, lower case.
    pub account: String,
    /// Its UPN, where the account is none and a domain controller told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// The person it is, where it is one of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonId>,
    /// When.
    pub at: DateTime<Utc>,
    /// Who said it.
    pub source: String,
}

/// Why somebody is, or nobody is, primary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum PrimaryReason {
    /// Pinned by a human.
    Pinned,
    /// Seen most often.
    Most {
        /// How often.
        times: u8,
        /// Of how many readings.
        of: u8,
    },
}

/// The primary person of a computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Primary {
    /// Who.
    pub person: PersonId,
    /// Why.
    pub reason: PrimaryReason,
}

/// What a human pinned as the primary person of a computer, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "to")]
pub enum Pin {
    /// Nobody: the computer has no primary person, whoever logs on.
    Nobody,
    /// Somebody of the tenant.
    Person {
        /// Who.
        person: PersonId,
    },
    /// Somebody who is gone: until he is back, the logons decide.
    Gone {
        /// Who.
        person: PersonId,
    },
    /// Somebody whom the tenant does not know, or not any more: until it does, the logons decide.
    Unknown {
        /// The record that was pinned.
        record: String,
    },
}

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Computer {
    /// Id.
    pub id: ComputerId,
    /// The tenant.
    pub tenant: TenantId,
    /// Host name.
    pub name: String,
    /// The agents that are pathways to it, and those of its past.
    pub agents: Vec<AgentId>,
    /// Every UUID it was known by, newest first.
    pub uuids: Vec<SmbiosUuid>,
    /// Real serial.
    pub serial: Option<String>,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// What it does; unknown where not read.
    pub role: Option<DeviceRole>,
    /// How it is built; unknown where not read.
    pub chassis: Option<ChassisClass>,
    /// Device id in the directory.
    pub directory_device: Option<String>,
    /// Assets of it in PSAs: (connection, key).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assets: Vec<(String, String)>,
    /// Whether it may be maintained.
    pub onboarding: Onboarding,
    /// What is peculiar.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Flag>,
    /// When it was wiped (install dates of the systems that came after), oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wipes: Vec<DateTime<Utc>>,
    /// The last ten logons, newest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logons: Vec<LogonSeen>,
    /// Who uses it.
    pub primary: Option<Primary>,
    /// What a human pinned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// Every agent is gone at its source.
    pub gone: bool,
}

impl Computer {
    pub(super) fn tenant_id(&self) -> Option<String> {
        Some(self.tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.name
    }
}
