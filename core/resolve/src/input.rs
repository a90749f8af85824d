//! What a snapshot is built from: plain values that whoever reads the store supplies.
//!
//! Things that are gone at their source are left out, except where a type has a `gone` of its own.
//! What an input does not name was not read, and is unknown: never empty, never false.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use core_model::entity::{Agreement, AgreementLine, Product};
use core_model::facts::{ChassisClass, ConnectionGroupKind, DeviceRole};
use core_model::id::{ComputerId, GroupId, PersonId, TenantId};
use core_model::library::{Budget, Tag};

use crate::feeds::{Feed, Freshness};

/// A fact that a filter may read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// Read, and there is none: `null` in a filter.
    Nothing,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(Arc<str>),
    /// Texts.
    List(Arc<[Arc<str>]>),
}

impl Fact {
    /// A text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Fact::Text(text.into())
    }
}

/// Facts by their names. A name that is missing was not read.
pub type Facts = Vec<(Arc<str>, Fact)>;

/// A tenant, with the operator's settings of it.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantInput {
    /// Id.
    pub id: TenantId,
    /// Name.
    pub name: String,
    /// IANA zone; none, or an unknown one, is the snapshot's default.
    pub zone: Option<String>,
    /// Nothing is done for it.
    pub suspended: bool,
    /// The tenant that it belongs to.
    pub parent: Option<TenantId>,
    /// Cross-tenant deployments leave it out.
    pub excluded_from_cross_tenant: bool,
    /// Its own budget.
    pub budget: Option<Budget>,
    /// What filters read as `tenant.…`; `tenant.name` is there by itself.
    pub facts: Facts,
}

impl TenantInput {
    /// A tenant with nothing peculiar.
    #[must_use]
    pub fn new(id: TenantId, name: &str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            zone: None,
            suspended: false,
            parent: None,
            excluded_from_cross_tenant: false,
            budget: None,
            facts: Facts::new(),
        }
    }
}

/// Somebody at a tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonInput {
    /// Id.
    pub id: PersonId,
    /// The tenant.
    pub tenant: TenantId,
    /// Name.
    pub name: Arc<str>,
    /// The connection and the directory (its GUID) that he is in.
    pub directory: Directory,
    /// What filters read as `person.…`; `person.name` is there by itself.
    pub facts: Facts,
}

/// A directory as one connection reads it. It may serve several tenants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Directory {
    /// The connection.
    pub connection: Arc<str>,
    /// The directory's GUID.
    pub id: Arc<str>,
}

/// A directory group: security, mail, Microsoft 365, Teams, synced from on premises alike.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupInput {
    /// Id.
    pub id: GroupId,
    /// The tenant whose directory it is in; of a shared directory the first. Its feed is that of
    /// its connection for this tenant.
    pub tenant: TenantId,
    /// Name.
    pub name: String,
    /// The directory it is in.
    pub directory: Directory,
    /// Its direct members.
    pub members: Vec<Member>,
}

/// A direct member of a group.
///
/// A source's membership names a directory object. The loader turns it into one of these within
/// the same directory: persons and groups by their `directory_id`; a device by the object id of
/// its `DirectoryDeviceFacts`, whose `device_id` is the `directory_device` of a computer of a
/// tenant that the directory serves. Members that are nothing of this are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Member {
    /// A person.
    Person(PersonId),
    /// A nested group.
    Group(GroupId),
    /// A device that is a computer of ours.
    Device(ComputerId),
}

/// A computer.
#[derive(Clone, Debug, PartialEq)]
pub struct ComputerInput {
    /// Id.
    pub id: ComputerId,
    /// The tenant.
    pub tenant: TenantId,
    /// Name.
    pub name: Arc<str>,
    /// Its primary person, who is of the same tenant.
    pub primary: Option<PersonId>,
    /// The connection that its inventory (role, chassis, facts) was read from; none where nobody
    /// has read any.
    pub inventory: Option<Arc<str>>,
    /// What it does; unknown where not read.
    pub role: Option<DeviceRole>,
    /// How it is built; unknown where not read.
    pub chassis: Option<ChassisClass>,
    /// Whether it is the primary domain controller; unknown where not read.
    pub primary_controller: Option<bool>,
    /// It waits for somebody to onboard it.
    pub needs_onboarding: bool,
    /// The operator: nothing is ever done to it.
    pub excluded: bool,
    /// Its own tags are known. Until then, that it carries none is not known.
    pub tags_read: bool,
    /// Assets of it in PSAs: (connection, key).
    pub assets: Vec<(Arc<str>, Arc<str>)>,
    /// The agents that are pathways to it.
    pub agents: Vec<AgentInput>,
    /// What filters read as `computer.…`; `computer.name` is there by itself.
    pub facts: Facts,
}

impl ComputerInput {
    /// A computer of which nothing is known but its name and tenant, and that its tags were read.
    #[must_use]
    pub fn new(id: ComputerId, tenant: TenantId, name: &str) -> Self {
        Self {
            id,
            tenant,
            name: name.into(),
            primary: None,
            inventory: None,
            role: None,
            chassis: None,
            primary_controller: None,
            needs_onboarding: false,
            excluded: false,
            tags_read: true,
            assets: Vec::new(),
            agents: Vec::new(),
            facts: Facts::new(),
        }
    }
}

/// One connection's view of a computer.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentInput {
    /// The connection.
    pub connection: Arc<str>,
    /// The connection's groups and locations that it is in, those above them included.
    pub groups: Vec<(ConnectionGroupKind, Arc<str>)>,
    /// Values of custom properties, by name; none where they were not read.
    pub properties: Option<Vec<(Arc<str>, Arc<str>)>>,
}

/// A group or location of a connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionGroupInput {
    /// The connection.
    pub connection: Arc<str>,
    /// Group or location.
    pub kind: ConnectionGroupKind,
    /// The vendor's key.
    pub key: Arc<str>,
    /// Name.
    pub name: String,
}

/// Everything that resolving reads, as it was known at one instant.
#[derive(Clone, Debug)]
pub struct SnapshotInput {
    /// When this was what we knew. Ages count from here.
    pub known_at: DateTime<Utc>,
    /// IANA zone of tenants without one of their own.
    pub default_zone: String,
    /// How old facts may be.
    pub freshness: Freshness,
    /// Tenants.
    pub tenants: Vec<TenantInput>,
    /// Persons.
    pub persons: Vec<PersonInput>,
    /// Directory groups.
    pub groups: Vec<GroupInput>,
    /// Computers.
    pub computers: Vec<ComputerInput>,
    /// Groups and locations of connections.
    pub connection_groups: Vec<ConnectionGroupInput>,
    /// Agreements.
    pub agreements: Vec<Agreement>,
    /// Agreement lines.
    pub lines: Vec<AgreementLine>,
    /// Products.
    pub products: Vec<Product>,
    /// Tags.
    pub tags: Vec<Tag>,
    /// Where the facts come from, and how well that goes.
    pub feeds: Vec<Feed>,
    /// Connections that are switched off, with the instant since when; the Unix epoch where that is
    /// not known.
    pub disabled_connections: BTreeMap<String, DateTime<Utc>>,
}

impl SnapshotInput {
    /// Nothing, known at an instant, in UTC.
    #[must_use]
    pub fn new(known_at: DateTime<Utc>) -> Self {
        Self {
            known_at,
            default_zone: "UTC".to_owned(),
            freshness: Freshness::default(),
            tenants: Vec::new(),
            persons: Vec::new(),
            groups: Vec::new(),
            computers: Vec::new(),
            connection_groups: Vec::new(),
            agreements: Vec::new(),
            lines: Vec::new(),
            products: Vec::new(),
            tags: Vec::new(),
            feeds: Vec::new(),
            disabled_connections: BTreeMap::new(),
        }
    }
}
