//! Facts about machines, as RMMs, directories and PSAs know them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::is_default;

/// What a machine does, where inventory says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceRole {
    /// A workstation.
    Workstation,
    /// A member server.
    Server,
    /// A domain controller.
    DomainController,
}

/// What a machine is built as, where inventory says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChassisClass {
    /// A portable.
    Portable,
    /// A desk-side or rack machine.
    Stationary,
    /// A virtual machine.
    Virtual,
}

/// One connection's view of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AgentFacts {
    /// Host name.
    pub host: String,
    /// Serial number, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Manufacturer, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// SMBIOS UUID as reported, where this record carries it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Domain or workgroup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Device id in the directory, lower case; never the all-zero one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_device: Option<String>,
    /// UPN of the enrolled user, where the source assigns one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_upn: Option<String>,
    /// When the agent was added at the vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<DateTime<Utc>>,
    /// Location or site, by its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What the machine does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<DeviceRole>,
    /// How it is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chassis: Option<ChassisClass>,
    /// The connection can run scripts on it.
    #[serde(skip_serializing_if = "is_default")]
    pub runs_scripts: bool,
    /// Agent id of this machine in other systems, where the record says so: (connector kind, id).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<(String, String)>,
    /// An id that the agent made when its system was first seen, and keeps as long as that is there. Only where
    /// nothing else of the machine tells its installation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub installation: Option<String>,
    /// Version of the agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// Values of the vendor's custom properties, by their name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<(String, String)>,
}

/// Hardware inventory that a vendor keeps apart from the agent (Automate's chassis).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HardwareFacts {
    /// SMBIOS UUID as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Serial number, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Manufacturer, as reported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How it is built.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chassis: Option<ChassisClass>,
}

/// A device object of a directory. The record's key is the object id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DirectoryDeviceFacts {
    /// Display name (host name).
    pub name: String,
    /// Device id, which the machine itself knows; lower case.
    pub device_id: String,
    /// `azure_ad`, `server_ad` or `workplace`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
    /// Operating system.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// The account is disabled.
    #[serde(skip_serializing_if = "is_default")]
    pub disabled: bool,
}

/// What kind of grouping an RMM has.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionGroupKind {
    /// A group.
    #[default]
    Group,
    /// A location of a client.
    Location,
}

/// A group or location of an RMM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionGroupFacts {
    /// Name, with its parents where nested (`Servers\SQL`).
    pub name: String,
    /// Group or location.
    pub group_kind: ConnectionGroupKind,
    /// Key of the parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
}

/// An agent in a group of its RMM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectionGroupMemberFacts {
    /// Key of the group.
    pub group: String,
    /// Key of the agent.
    pub agent: String,
}

/// A machine as a PSA has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AssetFacts {
    /// Asset tag.
    pub name: String,
    /// Type of asset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_type: Option<String>,
    /// Serial number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Agent id of this machine in other systems: (connector kind, id).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<(String, String)>,
    /// Keys of the contacts linked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Key of the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The vendor calls it inactive.
    #[serde(skip_serializing_if = "is_default")]
    pub inactive: bool,
}
