//! The operator's settings of a tenant or a computer: no source knows them, derivation does not
//! touch them.

use serde::{Deserialize, Serialize};

use crate::id::{ComputerId, TenantId};

/// How many winners of a tenant may change without a confirmation that names the number: the
/// greater of the two for changes, and a number of its own for uninstalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Budget {
    /// Percent of the tenant's computers.
    pub percent: u8,
    /// Computers.
    pub computers: u32,
    /// Added uninstalls.
    pub uninstalls: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { percent: 5, computers: 25, uninstalls: 10 }
    }
}

/// What the operator settled about a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantSettings {
    /// The tenant.
    pub tenant: TenantId,
    /// The tenant that it belongs to. A cycle is refused when it is saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TenantId>,
    /// Cross-tenant deployments leave it out.
    #[serde(default)]
    pub excluded_from_cross_tenant: bool,
    /// Its own budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

/// What the operator settled about a computer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComputerSettings {
    /// The computer.
    pub computer: ComputerId,
    /// Nothing is ever done to it.
    #[serde(default)]
    pub excluded_from_maintenance: bool,
}
