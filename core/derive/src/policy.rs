//! The rules that an admin may set.

use serde::{Deserialize, Serialize};

/// How clients become tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantPolicy {
    /// Connections whose unlinked clients become tenants by themselves. The first of them that a
    /// tenant has a client of also names it.
    pub create_from: Vec<String>,
    /// Directories that serve several tenants.
    pub splits: Vec<DomainSplit>,
    /// Names of clients that stand for nobody: where machines are put until somebody knows whose they
    /// are. Not every system marks them.
    pub placeholders: Vec<String>,
}

impl Default for TenantPolicy {
    fn default() -> Self {
        Self {
            create_from: Vec::new(),
            splits: Vec::new(),
            placeholders: ["Unknown", "Unassigned", "Workbench"].map(str::to_owned).to_vec(),
        }
    }
}

/// People of a directory with these domains belong to the tenant of another client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainSplit {
    /// The directory's GUID, lower case.
    pub directory: String,
    /// UPN domains, lower case.
    pub domains: Vec<String>,
    /// The connection of the client whose tenant they belong to.
    pub connection: String,
    /// That client: its key, or its name.
    pub client: String,
}

/// Whether identification acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IdentificationMode {
    /// Agents are joined by the rules.
    #[default]
    Enforce,
    /// Nothing is joined; what the rules would have done is reported.
    Log,
}

/// How agents become computers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentificationPolicy {
    /// Whether it acts.
    pub mode: IdentificationMode,
    /// Makers whose serial numbers identify a machine, in the form of
    /// [`core_model::hardware::normal_manufacturer`].
    pub trusted_manufacturers: Vec<String>,
    /// Further UUIDs that identify nothing.
    pub junk_uuids: Vec<String>,
    /// Further serials that identify nothing.
    pub junk_serials: Vec<String>,
    /// Days of silence after which a computer that shows up at another tenant may have moved.
    pub move_after_days: i64,
}

impl Default for IdentificationPolicy {
    fn default() -> Self {
        Self {
            mode: IdentificationMode::Enforce,
            trusted_manufacturers: ["DELL", "HP", "LENOVO"].map(str::to_owned).to_vec(),
            junk_uuids: Vec::new(),
            junk_serials: Vec::new(),
            move_after_days: 7,
        }
    }
}

/// How logons become a primary person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffinityPolicy {
    /// Share of a full list, in percent, below which nobody is primary.
    pub min_share: u8,
    /// Accounts that never count, as patterns with `*`, lower case.
    pub ignore_upns: Vec<String>,
    /// Microseconds within which a repeated logon is the same observation.
    pub interval_us: i64,
}

impl Default for AffinityPolicy {
    fn default() -> Self {
        Self { min_share: 30, ignore_upns: Vec::new(), interval_us: 20 * 3_600_000_000 }
    }
}
