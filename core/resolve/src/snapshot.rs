//! Everything that resolving reads, as it was known at one instant, by dense numbers.
//!
//! Computers and persons are numbered in the order of their tenants, so that a tenant is one run;
//! whoever comes later gets the next free number, and a number is never given to somebody else.
//! A snapshot does not change. A change makes the next one, which shares whatever stayed the same.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use core_model::entity::{Agreement, AgreementLine, Product};
use core_model::facts::ConnectionGroupKind;
use core_model::id::{ComputerId, GroupId, LineId, PersonId, ProductId, TagId, TenantId};
use core_model::library::{Budget, SubjectId, SubjectKind};

use crate::chunked::Chunked;
use crate::columns::Columns;
use crate::feeds::{FeedKind, Feeds, Freshness, Mode};
use crate::input::{Directory, Member};
use crate::set::Set;

pub(crate) mod build;
pub(crate) mod change;
mod machines;
mod problems;

pub use change::Change;
pub use problems::parent_cycle;

/// No number.
pub(crate) const NOBODY: u32 = u32::MAX;

/// Bits of [`ComputerRow::kinds`]: what a computer may be, as far as is known.
pub(crate) mod kinds {
    pub(crate) const WORKSTATION: u8 = 1;
    pub(crate) const PORTABLE: u8 = 2;
    pub(crate) const SERVER: u8 = 4;
    pub(crate) const CONTROLLER: u8 = 8;
    pub(crate) const PRIMARY: u8 = 16;
    pub(crate) const ALL: u8 = 31;
}

#[derive(Clone, Debug)]
pub(crate) struct TenantRow {
    pub(crate) id: TenantId,
    pub(crate) name: Arc<str>,
    pub(crate) zone: Tz,
    pub(crate) suspended: bool,
    pub(crate) parent: Option<TenantId>,
    /// Parents, nearest first; a cycle ends where it closes.
    pub(crate) ancestors: Vec<u32>,
    pub(crate) opted_out: bool,
    pub(crate) budget: Option<Budget>,
}

#[derive(Clone, Debug)]
pub(crate) struct PersonRow {
    pub(crate) id: PersonId,
    pub(crate) tenant: u32,
    pub(crate) name: Arc<str>,
    pub(crate) directory: Directory,
    /// The computers where he is primary.
    pub(crate) computers: Box<[u32]>,
}

#[derive(Clone, Debug)]
pub(crate) struct ComputerRow {
    pub(crate) id: ComputerId,
    pub(crate) tenant: u32,
    pub(crate) primary: u32,
    pub(crate) name: Arc<str>,
    pub(crate) inventory: Option<Arc<str>>,
    pub(crate) kinds: u8,
    pub(crate) needs_onboarding: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct GroupRow {
    pub(crate) tenant: u32,
    pub(crate) name: Arc<str>,
    pub(crate) directory: Directory,
    pub(crate) persons: Set,
    pub(crate) devices: Set,
    pub(crate) groups: BTreeSet<GroupId>,
    /// Members that are not there yet.
    pub(crate) waiting: BTreeSet<Member>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct TagRow {
    pub(crate) name: Arc<str>,
    pub(crate) computers: Set,
    pub(crate) persons: Set,
    pub(crate) tenants: Set,
    /// Whoever carries it and is not there yet.
    pub(crate) waiting: BTreeSet<SubjectId>,
}

/// The subjects of one kind: who is there, and whose he is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    pub(crate) live: Set,
    pub(crate) of_tenant: Vec<Set>,
    pub(crate) columns: Columns,
}

/// (connection, kind, vendor's key).
pub(crate) type GroupKey = (Arc<str>, ConnectionGroupKind, Arc<str>);
/// (connection, property, value).
pub(crate) type PropertyKey = (Arc<str>, Arc<str>, Arc<str>);
/// (connection, the vendor's key of an asset).
pub(crate) type AssetKey = (Arc<str>, Arc<str>);
/// (connection, the vendor's key).
pub(crate) type VendorKey = (String, String);

/// What the hub knew at one instant.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) known_at: DateTime<Utc>,
    pub(crate) default_zone: Tz,
    pub(crate) freshness: Freshness,
    pub(crate) feeds: Arc<Feeds>,
    pub(crate) disabled: Arc<BTreeMap<String, DateTime<Utc>>>,
    pub(crate) tenants: Arc<Vec<TenantRow>>,
    pub(crate) persons: Chunked<PersonRow>,
    pub(crate) computers: Chunked<ComputerRow>,
    pub(crate) spaces: [Arc<Space>; 3],
    pub(crate) tenant_numbers: Arc<HashMap<TenantId, u32>>,
    pub(crate) person_numbers: Arc<HashMap<PersonId, u32>>,
    pub(crate) computer_numbers: Arc<HashMap<ComputerId, u32>>,
    pub(crate) groups: Arc<HashMap<GroupId, Arc<GroupRow>>>,
    /// The groups that a group is in directly.
    pub(crate) parents: Arc<HashMap<GroupId, BTreeSet<GroupId>>>,
    /// The tenants that a directory serves.
    pub(crate) directories: Arc<BTreeMap<Directory, Set>>,
    pub(crate) tags: Arc<HashMap<TagId, Arc<TagRow>>>,
    pub(crate) agreements: Arc<BTreeMap<VendorKey, Agreement>>,
    pub(crate) lines: Arc<BTreeMap<VendorKey, BTreeMap<LineId, AgreementLine>>>,
    pub(crate) products: Arc<HashMap<ProductId, Product>>,
    pub(crate) group_names: Arc<BTreeMap<GroupKey, Arc<str>>>,
    pub(crate) in_groups: Arc<HashMap<GroupKey, Set>>,
    pub(crate) with_property: Arc<HashMap<PropertyKey, Set>>,
    /// Computers with an agent of a connection whose properties were not read.
    pub(crate) properties_unread: Arc<BTreeMap<Arc<str>, Set>>,
    pub(crate) assets: Arc<HashMap<AssetKey, Vec<u32>>>,
    /// Computers by what they may be.
    pub(crate) by_kinds: Arc<BTreeMap<u8, Set>>,
    /// Computers by the connection that their inventory is from; the empty name: never read.
    pub(crate) by_inventory: Arc<BTreeMap<Arc<str>, Set>>,
    /// Computers whose own tags were not read.
    pub(crate) tags_unread: Arc<Set>,
    /// Computers that the operator excluded.
    pub(crate) excluded: Arc<Set>,
}

impl Snapshot {
    /// When this was what we knew.
    #[must_use]
    pub fn known_at(&self) -> DateTime<Utc> {
        self.known_at
    }

    /// The number of a subject; `None` for somebody unknown, or gone.
    #[must_use]
    pub fn number(&self, subject: SubjectId) -> Option<u32> {
        let number = match subject {
            SubjectId::Computer(id) => self.computer_numbers.get(&id),
            SubjectId::Person(id) => self.person_numbers.get(&id),
            SubjectId::Tenant(id) => self.tenant_numbers.get(&id),
        };
        number.copied().filter(|number| self.space(subject.kind()).live.contains(*number))
    }

    /// The subject of a number.
    #[must_use]
    pub fn subject(&self, kind: SubjectKind, number: u32) -> Option<SubjectId> {
        match kind {
            SubjectKind::Computer => self.computers.get(number).map(|row| row.id.into()),
            SubjectKind::Person => self.persons.get(number).map(|row| row.id.into()),
            SubjectKind::Tenant => self.tenants.get(number as usize).map(|row| row.id.into()),
        }
    }

    /// What people call a subject; empty for nobody.
    #[must_use]
    pub fn name(&self, kind: SubjectKind, number: u32) -> Arc<str> {
        let name = match kind {
            SubjectKind::Computer => self.computers.get(number).map(|row| &row.name),
            SubjectKind::Person => self.persons.get(number).map(|row| &row.name),
            SubjectKind::Tenant => self.tenants.get(number as usize).map(|row| &row.name),
        };
        name.cloned().unwrap_or_default()
    }

    /// Whether a computer waits for somebody to onboard it; `None` for one unknown.
    #[must_use]
    pub fn needs_onboarding(&self, computer: ComputerId) -> Option<bool> {
        let number = self.number(computer.into())?;
        self.computers.get(number).map(|row| row.needs_onboarding)
    }

    /// Everybody of a kind.
    #[must_use]
    pub fn everybody(&self, kind: SubjectKind) -> &Set {
        &self.space(kind).live
    }

    /// Everybody of a kind at a tenant.
    #[must_use]
    pub fn of_tenant(&self, kind: SubjectKind, tenant: TenantId) -> Set {
        let number = self.tenant_numbers.get(&tenant);
        number.map(|number| self.at_tenant(kind, *number).clone()).unwrap_or_default()
    }

    pub(crate) fn space(&self, kind: SubjectKind) -> &Space {
        &self.spaces[kind as usize]
    }

    pub(crate) fn space_mut(&mut self, kind: SubjectKind) -> &mut Space {
        Arc::make_mut(&mut self.spaces[kind as usize])
    }

    pub(crate) fn at_tenant(&self, kind: SubjectKind, tenant: u32) -> &Set {
        static EMPTY: std::sync::LazyLock<Set> = std::sync::LazyLock::new(Set::new);
        self.space(kind).of_tenant.get(tenant as usize).unwrap_or(&EMPTY)
    }

    /// Everybody of a kind at any of these tenants.
    pub(crate) fn at_tenants(&self, kind: SubjectKind, tenants: &Set) -> Set {
        let mut all = Set::new();
        for tenant in tenants.iter() {
            all.add(self.at_tenant(kind, tenant));
        }
        all
    }

    pub(crate) fn tenant(&self, number: u32) -> Option<&TenantRow> {
        self.tenants.get(number as usize)
    }

    /// The tenant of a subject.
    pub(crate) fn tenant_of(&self, kind: SubjectKind, number: u32) -> u32 {
        match kind {
            SubjectKind::Computer => self.computers.get(number).map_or(NOBODY, |row| row.tenant),
            SubjectKind::Person => self.persons.get(number).map_or(NOBODY, |row| row.tenant),
            SubjectKind::Tenant => number,
        }
    }

    pub(crate) fn tenant_name(&self, number: u32) -> Arc<str> {
        self.name(SubjectKind::Tenant, number)
    }

    /// The tenants below one, however deep; not itself.
    pub(crate) fn descendants(&self, tenant: u32) -> Set {
        let all = self.tenants.iter().enumerate();
        let below = all.filter(|(_, row)| row.ancestors.contains(&tenant));
        below.filter_map(|(number, _)| u32::try_from(number).ok()).collect()
    }

    /// Why facts of a connection about a tenant are not known.
    pub(crate) fn stale(
        &self,
        connection: &str,
        kind: FeedKind,
        tenant: u32,
        mode: Mode,
    ) -> Option<String> {
        let tenant = self.tenant(tenant)?.id;
        self.feeds.stale((connection, kind), tenant, mode, (self.known_at, self.freshness))
    }

    /// The tenants of which facts of a connection are not known.
    pub(crate) fn stale_tenants(&self, connection: &str, kind: FeedKind, mode: Mode) -> Set {
        let numbers = 0..u32::try_from(self.tenants.len()).unwrap_or(NOBODY);
        Set::sorted(numbers.filter(|t| self.stale(connection, kind, *t, mode).is_some()))
    }

    /// A group, and all that are in it, however deep. Cycles end where they close.
    pub(crate) fn nested(&self, group: GroupId) -> Vec<(GroupId, &Arc<GroupRow>)> {
        let mut seen = BTreeSet::from([group]);
        let mut open = vec![group];
        let mut all = Vec::new();
        while let Some(id) = open.pop() {
            let Some(row) = self.groups.get(&id) else { continue };
            open.extend(row.groups.iter().filter(|inner| seen.insert(**inner)));
            all.push((id, row));
        }
        all
    }

    /// A group, and all that it is in, however deep.
    pub(crate) fn around(&self, group: GroupId) -> BTreeSet<GroupId> {
        let mut seen = BTreeSet::from([group]);
        let mut open = vec![group];
        while let Some(id) = open.pop() {
            for outer in self.parents.get(&id).into_iter().flatten() {
                if seen.insert(*outer) {
                    open.push(*outer);
                }
            }
        }
        seen
    }
}
