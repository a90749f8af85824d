//! Agreements, their lines, products.

use serde::{Deserialize, Serialize};

use crate::dates::DateRange;
use crate::facts::{AgreementState, Coverage, Quantity};
use crate::id::{AgreementId, ClientId, LineId, ProductId, TenantId};

/// A contract of a client with the MSP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    /// Id.
    pub id: AgreementId,
    /// The connection.
    pub connection: String,
    /// The vendor's id.
    pub key: String,
    /// The client.
    pub client: Option<ClientId>,
    /// The tenant; none while its client is unlinked.
    pub tenant: Option<TenantId>,
    /// Name.
    pub name: String,
    /// Type.
    pub agreement_type: Option<String>,
    /// When it holds.
    pub dates: DateRange,
    /// What else the vendor says.
    pub state: AgreementState,
    /// What it covers: all computers of the client, or the assets with these keys (a computer
    /// names its assets).
    pub coverage: Coverage,
    /// Keys of the contacts it covers, where it names them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub contacts: Vec<String>,
    /// Gone at the source.
    pub gone: bool,
}

impl Agreement {
    pub(super) fn tenant_id(&self) -> Option<String> {
        self.tenant.map(|tenant| tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.name
    }
}

/// A product on an agreement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgreementLine {
    /// Id.
    pub id: LineId,
    /// The connection.
    pub connection: String,
    /// The vendor's id.
    pub key: String,
    /// Key of the agreement, in the same connection; none for a line on no contract.
    pub agreement: Option<String>,
    /// The tenant.
    pub tenant: Option<TenantId>,
    /// Key of the product, in the same connection.
    pub product: Option<String>,
    /// What people call it.
    pub name: String,
    /// How many were sold.
    pub quantity: Quantity,
    /// When it holds.
    pub dates: DateRange,
    /// Switched off.
    pub inactive: bool,
    /// Gone at the source.
    pub gone: bool,
}

impl AgreementLine {
    pub(super) fn tenant_id(&self) -> Option<String> {
        self.tenant.map(|tenant| tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.name
    }
}

/// What is sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Id.
    pub id: ProductId,
    /// The connection.
    pub connection: String,
    /// The vendor's id.
    pub key: String,
    /// Name.
    pub name: String,
    /// Billed again and again.
    pub recurring: bool,
    /// No longer sold.
    pub inactive: bool,
    /// Gone at the source.
    pub gone: bool,
}

impl Product {
    #[expect(clippy::unused_self, reason = "every entity answers; a product is nobody's")]
    pub(super) fn tenant_id(&self) -> Option<String> {
        None
    }
    pub(super) fn display(&self) -> &str {
        &self.name
    }
}
