//! Persons, directory groups and memberships.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::facts::{AccountKind, GroupType, MemberKind};
use crate::id::{GroupId, MembershipId, PersonId, TenantId};

/// Somebody at a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Id.
    pub id: PersonId,
    /// The tenant.
    pub tenant: TenantId,
    /// The connection and directory he is in.
    pub connection: String,
    /// The directory's GUID.
    pub directory: String,
    /// The directory object id: what a person is keyed by.
    pub directory_id: String,
    /// UPN now.
    pub upn: String,
    /// UPNs he was seen with before, oldest first. One that he took back stands here too, for the
    /// time before he gave it up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier_upns: Vec<EarlierUpn>,
    /// Display name.
    pub display_name: String,
    /// Mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Further addresses, lower case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// On-premises account as `DOMAIN\user`, lower case, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_premises: Option<String>,
    /// Department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Job title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Member or guest.
    pub account: AccountKind,
    /// Sign-in is blocked.
    pub disabled: bool,
    /// Gone at the source.
    pub gone: bool,
    /// Since when he is gone: until then his last UPN was his.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone_since: Option<DateTime<Utc>>,
}

/// A UPN that somebody had before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EarlierUpn {
    /// The UPN, lower case.
    pub upn: String,
    /// When the hub learned that he has another one: somebody else may have it since.
    pub until: DateTime<Utc>,
}

impl Person {
    pub(super) fn tenant_id(&self) -> Option<String> {
        Some(self.tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.display_name
    }
}

/// A directory group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Id.
    pub id: GroupId,
    /// The tenant whose directory it is in; of a shared directory the first tenant.
    pub tenant: TenantId,
    /// The connection.
    pub connection: String,
    /// The directory's GUID.
    pub directory: String,
    /// The directory object id.
    pub directory_id: String,
    /// Name.
    pub name: String,
    /// Kind.
    pub group_type: GroupType,
    /// Its members are computed by a rule.
    pub dynamic: bool,
    /// Synced from the tenant's own Active Directory.
    pub on_premises: bool,
    /// Gone at the source.
    pub gone: bool,
}

impl Group {
    pub(super) fn tenant_id(&self) -> Option<String> {
        Some(self.tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.name
    }
}

/// A direct membership in a directory group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Id.
    pub id: MembershipId,
    /// The group's tenant.
    pub tenant: TenantId,
    /// The connection.
    pub connection: String,
    /// The directory's GUID.
    pub directory: String,
    /// The group's directory object id.
    pub group: String,
    /// What the member is.
    pub member_kind: MemberKind,
    /// The member's directory object id, in the group's directory.
    pub member: String,
    /// Removed at the source.
    pub gone: bool,
}

impl Membership {
    pub(super) fn tenant_id(&self) -> Option<String> {
        Some(self.tenant.to_string())
    }
    pub(super) fn display(&self) -> &str {
        &self.member
    }
}
