//! Tenants, and the clients that are linked to them.

use serde::{Deserialize, Serialize};

use crate::id::{ClientId, TenantId};

/// A customer in the unified model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Id.
    pub id: TenantId,
    /// Name.
    pub name: String,
    /// The clients linked to it.
    pub clients: Vec<ClientId>,
    /// Domains of its people, lower case.
    pub domains: Vec<String>,
    /// IANA time zone: its own, or none where the instance's default holds.
    pub time_zone: Option<String>,
    /// The operator himself.
    pub operator: bool,
    /// Every client of it is gone or inactive: nothing is done for it, nothing of it is lost.
    pub suspended: bool,
}

impl Tenant {
    pub(super) fn tenant_id(&self) -> Option<String> {
        Some(self.id.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.name
    }
}

/// Why a client belongs to its tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum LinkReason {
    /// A human said so.
    Decision,
    /// A source carries a cross-reference.
    Reference {
        /// Which, in words.
        what: String,
    },
    /// Their default domain is the same.
    Domain {
        /// The domain.
        domain: String,
    },
    /// Their names are the same after normalisation, and unique on both sides.
    Name {
        /// The normalised name.
        name: String,
    },
    /// The tenant was made from this client.
    Created,
}

/// A tenant that an unlinked client might be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// The tenant.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// How alike the names are, in percent.
    pub score: u8,
}

/// A customer as one connection names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Id.
    pub id: ClientId,
    /// The connection.
    pub connection: String,
    /// The vendor's id.
    pub key: String,
    /// Its name there.
    pub name: String,
    /// The tenant it is linked to.
    pub tenant: Option<TenantId>,
    /// Why.
    pub reason: Option<LinkReason>,
    /// Tenants it might be, best first, where it is not linked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
    /// The vendor calls it inactive.
    pub inactive: bool,
    /// It stands for nobody.
    pub placeholder: bool,
    /// It is gone at the source.
    pub gone: bool,
}

impl Client {
    pub(super) fn tenant_id(&self) -> Option<String> {
        self.tenant.map(|tenant| tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.name
    }
}
