//! What else is known of machines: the groups that RMMs keep them in, and the objects that
//! directories have of them. Targets of deployments speak of these.

use serde::{Deserialize, Serialize};

use crate::facts::ConnectionGroupKind;
use crate::id::{ConnectionGroupId, ConnectionMemberId, DirectoryDeviceId, TenantId};

/// A group or location of an RMM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionGroup {
    /// Id.
    pub id: ConnectionGroupId,
    /// The connection.
    pub connection: String,
    /// The vendor's id.
    pub key: String,
    /// Group or location.
    pub group_kind: ConnectionGroupKind,
    /// Name, with its parents where nested.
    pub name: String,
    /// Key of the group that it is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The tenant whose it is; none for those that cut across customers.
    pub tenant: Option<TenantId>,
    /// Gone at the source.
    pub gone: bool,
}

impl ConnectionGroup {
    pub(super) fn tenant_id(&self) -> Option<String> {
        self.tenant.map(|tenant| tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.name
    }
}

/// An agent in a group of its RMM.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionMember {
    /// Id.
    pub id: ConnectionMemberId,
    /// The connection.
    pub connection: String,
    /// Key of the group.
    pub group: String,
    /// Key of the agent.
    pub agent: String,
    /// Removed at the source.
    pub gone: bool,
}

impl ConnectionMember {
    #[expect(clippy::unused_self, reason = "every entity answers; whose it is, its agent knows")]
    pub(super) fn tenant_id(&self) -> Option<String> {
        None
    }
    pub(super) fn display(&self) -> &str {
        &self.agent
    }
}

/// A device object of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectoryDevice {
    /// Id.
    pub id: DirectoryDeviceId,
    /// The tenant whose directory it is in; of a shared directory the first.
    pub tenant: TenantId,
    /// The connection.
    pub connection: String,
    /// The directory's GUID.
    pub directory: String,
    /// The directory object id, by which groups name it.
    pub directory_id: String,
    /// The device id, by which the machine knows itself.
    pub device_id: String,
    /// Host name.
    pub name: String,
    /// Gone at the source.
    pub gone: bool,
}

impl DirectoryDevice {
    pub(super) fn tenant_id(&self) -> Option<String> {
        Some(self.tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.name
    }
}
