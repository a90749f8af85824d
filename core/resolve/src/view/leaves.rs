//! Everybody in a leaf, at once.

use core_model::id::{GroupId, TagId};
use core_model::library::{SubjectKind, Target};

use super::View;
use crate::feeds::{FeedKind, Mode};
use crate::set::{Members, Set};
use crate::snapshot::kinds;

impl View {
    pub(super) fn everybody_in(&self, kind: SubjectKind, leaf: &Target, mode: Mode) -> Members {
        let snapshot = &self.snapshot;
        let live = snapshot.everybody(kind);
        let certain = |yes: Set| Members { yes: &yes & live, maybe: Set::new() };
        // An agreement type that is gone may be there and unread: its feed decides.
        if !matches!(leaf, Target::AgreementType { .. }) && snapshot.gone(kind, leaf).is_some() {
            return Members::default();
        }
        let members = match leaf {
            Target::All => certain(live.clone()),
            Target::Computer(id) => certain(
                snapshot.computer_numbers.get(id).copied().map(Set::one).unwrap_or_default(),
            ),
            Target::Person(id) => {
                let number = snapshot.person_numbers.get(id).copied();
                let persons = number.map(Set::one).unwrap_or_default();
                self.with_persons(kind, &persons, &Set::new(), mode)
            }
            Target::Tenant { tenant, children } => {
                let Some(number) = snapshot.tenant_numbers.get(tenant) else {
                    return Members::default();
                };
                let mut tenants = Set::one(*number);
                if *children {
                    tenants.add(&snapshot.descendants(*number));
                }
                certain(snapshot.at_tenants(kind, &tenants))
            }
            Target::Group(group) => self.in_group(kind, *group, mode),
            Target::Tag(tag) => self.tagged(kind, *tag, mode),
            Target::AgreementType { .. } | Target::Product { .. } => self.covered(kind, leaf, mode),
            Target::ConnectionGroup { connection, kind: group_kind, key } => {
                let key = (connection.as_str().into(), *group_kind, key.as_str().into());
                let yes = snapshot.in_groups.get(&key).cloned().unwrap_or_default();
                let stale = self.stale(connection, FeedKind::ConnectionGroups, mode);
                Members::of(&yes, snapshot.at_tenants(kind, &stale))
            }
            Target::CustomProperty { connection, name, value } => {
                let key = (connection.as_str().into(), name.as_str().into(), value.as_str().into());
                let yes = snapshot.with_property.get(&key).cloned().unwrap_or_default();
                let unread = snapshot.properties_unread.get(connection.as_str());
                let mut maybe = unread.map(|unread| unread - &yes).unwrap_or_default();
                let stale = self.stale(connection, FeedKind::Properties, mode);
                maybe.add(&snapshot.at_tenants(kind, &stale));
                Members::of(&yes, maybe)
            }
            Target::Filter(text) => self.filtered(kind, text, mode),
            Target::And(_) | Target::Or(_) | Target::Not(_) => self.members(kind, leaf, live, mode),
        };
        members.within(live)
    }

    /// Persons as themselves, or as the computers where they are primary. Of a tenant whose primary
    /// persons are not known, any computer may be theirs. `sure` are in whoever uses them.
    fn with_persons(&self, kind: SubjectKind, persons: &Set, sure: &Set, mode: Mode) -> Members {
        let snapshot = &self.snapshot;
        let persons = persons & snapshot.everybody(SubjectKind::Person);
        if kind == SubjectKind::Person {
            return Members { yes: persons, maybe: Set::new() };
        }
        let stale = self.stale("", FeedKind::Affinity, mode);
        let (mut computers, mut tenants) = (Vec::new(), Set::new());
        for person in persons.iter() {
            let Some(row) = snapshot.persons.get(person) else { continue };
            if stale.contains(row.tenant) {
                tenants.insert(row.tenant);
            } else {
                computers.extend(row.computers.iter().copied());
            }
        }
        computers.sort_unstable();
        let yes = &Set::sorted(computers) | sure;
        let maybe = &snapshot.at_tenants(kind, &tenants) - &yes;
        Members { yes, maybe }
    }

    fn in_group(&self, kind: SubjectKind, group: GroupId, mode: Mode) -> Members {
        let snapshot = &self.snapshot;
        let (mut persons, mut devices) = (Set::new(), Set::new());
        for (_, row) in snapshot.nested(group) {
            persons.add(&row.persons);
            devices.add(&row.devices);
        }
        let members = self.with_persons(kind, &persons, &devices, mode);
        let Some(row) = snapshot.groups.get(&group) else { return Members::default() };
        let connection = &row.directory.connection;
        if snapshot.stale(connection, FeedKind::Directory, row.tenant, mode).is_none() {
            return members;
        }
        let served = snapshot.directories.get(&row.directory).cloned().unwrap_or_default();
        let mut maybe = snapshot.at_tenants(kind, &served);
        maybe.add(&members.yes);
        maybe.add(&members.maybe);
        Members { yes: Set::new(), maybe }
    }

    fn tagged(&self, kind: SubjectKind, tag: TagId, mode: Mode) -> Members {
        let snapshot = &self.snapshot;
        let Some(row) = snapshot.tags.get(&tag) else { return Members::default() };
        let by_tenant = snapshot.at_tenants(kind, &row.tenants);
        let mut members = match kind {
            SubjectKind::Tenant => Members { yes: by_tenant, maybe: Set::new() },
            SubjectKind::Person => Members { yes: &row.persons | &by_tenant, maybe: Set::new() },
            SubjectKind::Computer => {
                let sure = &row.computers | &by_tenant;
                let mut members = self.with_persons(kind, &row.persons, &sure, mode);
                members.maybe.add(&(snapshot.tags_unread.as_ref() - &members.yes));
                members
            }
        };
        let stale = self.stale("", FeedKind::Tags, mode);
        if !stale.is_empty() {
            let frozen = snapshot.at_tenants(kind, &stale);
            members.maybe.add(&frozen);
            members.yes.take(&frozen);
        }
        members
    }

    fn covered(&self, kind: SubjectKind, leaf: &Target, mode: Mode) -> Members {
        let cover = self.cover(leaf);
        let snapshot = &self.snapshot;
        let mut yes = snapshot.at_tenants(kind, &cover.tenants);
        match kind {
            SubjectKind::Computer => yes.add(&cover.assets),
            SubjectKind::Person => {}
            SubjectKind::Tenant => yes.add(&cover.asset_tenants),
        }
        let mut maybe = &snapshot.at_tenants(kind, &cover.doubtful) - &yes;
        maybe.add(&snapshot.at_tenants(kind, &cover.stale[mode as usize]));
        Members::of(&yes, maybe)
    }

    /// The computers whose inventory is not known.
    pub(super) fn without_inventory(&self, mode: Mode) -> Set {
        let snapshot = &self.snapshot;
        let mut without = Set::new();
        for (connection, computers) in snapshot.by_inventory.iter() {
            if connection.is_empty() {
                without.add(computers);
                continue;
            }
            let stale = self.stale(connection, FeedKind::Inventory, mode);
            if !stale.is_empty() {
                let tenants = snapshot.at_tenants(SubjectKind::Computer, &stale);
                without.add(&(computers & &tenants));
            }
        }
        without
    }

    /// The computers that are one of these kinds.
    pub(crate) fn of_kinds(&self, wanted: u8, mode: Mode) -> Members {
        let live = self.snapshot.everybody(SubjectKind::Computer);
        if wanted & kinds::ALL == kinds::ALL {
            return Members { yes: live.clone(), maybe: Set::new() };
        }
        let (mut yes, mut maybe) = (Set::new(), self.without_inventory(mode));
        for (possible, computers) in self.snapshot.by_kinds.iter() {
            if possible & !wanted == 0 {
                yes.add(computers);
            } else if possible & wanted != 0 {
                maybe.add(computers);
            }
        }
        Members::of(&yes, maybe).within(live)
    }
}
