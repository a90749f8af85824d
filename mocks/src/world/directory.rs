//! Entra directories: people, groups and device objects.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DirectoryNo, GroupNo, MachineNo, Mark, PersonNo, TenantNo, Version};

/// An Entra directory. Usually one per tenant; one serves two tenants, split by UPN domain.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Directory {
    /// The directory's GUID.
    pub id: Uuid,
    /// Display name as Graph has it.
    pub display_name: String,
    /// `contoso.onmicrosoft.com`.
    pub initial_domain: String,
    /// The default domain.
    pub default_domain: String,
    /// All verified domains.
    pub domains: Vec<String>,
    /// Whose people are in it.
    pub tenants: Vec<TenantNo>,
    /// The MSP's own (partner) directory.
    pub partner: bool,
    /// Whether on-premises accounts are synced into it, and from which domain (DNS, NetBIOS).
    pub on_premises: Option<(String, String)>,
    /// Whether Intune is licensed.
    pub intune: bool,
    /// Whether the app has consent there (without it: AADSTS700016 or 65001).
    pub consented: bool,
    /// Delegated-admin relationships of the MSP with this directory.
    pub relationships: Vec<Relationship>,
    /// Whether a reseller contract row exists in the partner directory.
    pub contract: Option<Uuid>,
    /// The customer's name on the contract row; stale on some.
    pub contract_name: Option<String>,
    /// Bookkeeping.
    pub mark: Mark,
}

/// A delegated-admin relationship.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Relationship {
    /// `guid-guid`, as Graph has it.
    pub id: String,
    /// Display name.
    pub display_name: String,
    /// `active`, `expired`, `terminated` ...
    pub status: String,
    /// When it ends.
    pub end: DateTime<Utc>,
}

/// What kind of account a directory object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Account {
    /// Somebody who works at the tenant.
    Member,
    /// A guest from elsewhere.
    Guest,
    /// A service account.
    Service,
    /// An administrator's second account.
    Admin,
    /// A shared mailbox: disabled, with mail.
    SharedMailbox,
}

/// A directory user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Person {
    /// Whose person this is.
    pub tenant: TenantNo,
    /// The directory it is in.
    pub directory: DirectoryNo,
    /// The directory object id.
    pub id: Uuid,
    /// What it is.
    pub account: Account,
    /// Given name.
    pub given: String,
    /// Surname.
    pub surname: String,
    /// Display name.
    pub display_name: String,
    /// The UPN now, as stored.
    pub upn: String,
    /// UPNs it had before, oldest first.
    pub earlier_upns: Vec<String>,
    /// Mail address.
    pub mail: Option<String>,
    /// Whether sign-in is allowed.
    pub enabled: bool,
    /// On-premises account name, where synced.
    pub sam: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Whether it was removed for good (`deleted`) and not only put into the bin (`changed`).
    pub purged: bool,
    /// Bookkeeping.
    pub mark: Mark,
}

/// What kind of group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GroupKind {
    /// Cloud security group.
    Security,
    /// Security group synced from on-premises.
    SecurityOnPremises,
    /// Microsoft 365 group.
    Microsoft365,
    /// Microsoft 365 group with a team.
    Team,
    /// Mail-enabled security group.
    MailSecurity,
    /// Distribution list.
    Distribution,
    /// Security group with dynamic membership.
    Dynamic,
}

/// What can be in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Member {
    /// A user.
    Person(PersonNo),
    /// A nested group.
    Group(GroupNo),
    /// A device, by index into [`World::entra_devices`].
    Device(usize),
}

/// A membership with its history.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Membership {
    /// Who.
    pub member: Member,
    /// The version in which it was added.
    pub added: Version,
    /// The version in which it was removed.
    pub removed: Option<Version>,
}

/// A directory group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Group {
    /// The directory it is in.
    pub directory: DirectoryNo,
    /// Object id.
    pub id: Uuid,
    /// Display name.
    pub name: String,
    /// Kind.
    pub kind: GroupKind,
    /// Direct members, with history.
    pub members: Vec<Membership>,
    /// Bookkeeping (`changed` moves with memberships too).
    pub mark: Mark,
}

/// A device object in the directory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EntraDevice {
    /// The directory it is in.
    pub directory: DirectoryNo,
    /// The machine.
    pub machine: MachineNo,
    /// Object id.
    pub id: Uuid,
    /// Device id (what the machine itself knows, `dsregcmd /status`).
    pub device_id: Uuid,
    /// `Workplace`, `AzureAd` or `ServerAd`.
    pub trust: String,
    /// Whether this is what the machine uses now (false: left over from before a wipe).
    pub current: bool,
    /// Bookkeeping.
    pub mark: Mark,
}

/// An Intune managed device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IntuneDevice {
    /// The directory it is in.
    pub directory: DirectoryNo,
    /// The machine.
    pub machine: MachineNo,
    /// Managed device id.
    pub id: Uuid,
    /// Device id of the Entra device; all zero where Intune has none.
    pub device_id: Uuid,
    /// Host name as enrolled.
    pub host: String,
    /// Serial as enrolled.
    pub serial: String,
    /// The enrolled user.
    pub person: Option<PersonNo>,
    /// Whether the machine is enrolled as this today (false: left over from before a wipe).
    pub current: bool,
    /// Last sync.
    pub last_sync: DateTime<Utc>,
    /// Bookkeeping.
    pub mark: Mark,
}
