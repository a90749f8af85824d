//! Facts about persons, contacts and directory groups.

use serde::{Deserialize, Serialize};

use super::is_default;

/// What kind of account a person's directory object is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Somebody of the tenant.
    #[default]
    Member,
    /// Somebody from elsewhere (`userType` Guest, or an external account by its UPN).
    Guest,
}

/// The account in the tenant's own Active Directory that a cloud account is synced from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OnPremises {
    /// `sAMAccountName`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sam: Option<String>,
    /// DNS name of the domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// UPN on premises.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upn: Option<String>,
    /// Security identifier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// The immutable id that bridges a re-created cloud account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable_id: Option<String>,
}

/// Somebody in a directory. The record's key is the directory id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonFacts {
    /// User principal name, as stored.
    pub upn: String,
    /// Display name.
    pub display_name: String,
    /// Given name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<String>,
    /// Surname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub surname: Option<String>,
    /// Mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Further addresses he is known by (proxy addresses without their prefix), lower case. After
    /// a rename the old UPN is usually among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Sign-in is blocked.
    #[serde(skip_serializing_if = "is_default")]
    pub disabled: bool,
    /// Member or guest.
    #[serde(skip_serializing_if = "is_default")]
    pub account: AccountKind,
    /// On-premises account.
    #[serde(skip_serializing_if = "is_default")]
    pub on_premises: OnPremises,
    /// Department.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub department: Option<String>,
    /// Job title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_title: Option<String>,
    /// Employee number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub employee_id: Option<String>,
}

/// Somebody in a PSA's address book; linked to a person by directory id, then e-mail, then login.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContactFacts {
    /// Name.
    pub name: String,
    /// E-mail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Network login (usually the UPN).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// Directory object id, lower case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_id: Option<String>,
    /// Key of the site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The vendor calls it inactive.
    #[serde(skip_serializing_if = "is_default")]
    pub inactive: bool,
}

/// What kind of directory group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupType {
    /// Security group.
    #[default]
    Security,
    /// Mail-enabled security group.
    MailSecurity,
    /// Microsoft 365 group.
    Microsoft365,
    /// Microsoft 365 group with a team.
    Team,
    /// Distribution list.
    Distribution,
}

/// The two names of a domain of the tenant's own Active Directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainNames {
    /// As accounts are printed: `CONTOSO`.
    pub net_bios: String,
    /// `ad.contoso.com`.
    pub dns: String,
}

/// A directory group. The record's key is the directory id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupFacts {
    /// Display name.
    pub name: String,
    /// Kind.
    pub group_type: GroupType,
    /// Its members are computed by a rule.
    #[serde(skip_serializing_if = "is_default")]
    pub dynamic: bool,
    /// It is synced from the tenant's own Active Directory.
    #[serde(skip_serializing_if = "is_default")]
    pub on_premises: bool,
    /// The domain that it is synced from: how `DOMAIN\user` is told to be of a DNS domain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<DomainNames>,
    /// Mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Membership is hidden from the app: what is read may be incomplete.
    #[serde(skip_serializing_if = "is_default")]
    pub hidden_membership: bool,
}

/// What is in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// A person.
    Person,
    /// A nested group.
    Group,
    /// A device.
    Device,
    /// Something else (service principal, external contact).
    Other,
}

/// A direct membership. The record's key is `GROUP/MEMBER`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMemberFacts {
    /// Key of the group.
    pub group: String,
    /// Directory id of the member.
    pub member: String,
    /// What the member is.
    pub member_kind: MemberKind,
}
