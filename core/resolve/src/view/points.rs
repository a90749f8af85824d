//! One subject in a leaf, without computing everybody.

use core_model::id::{GroupId, TagId};
use core_model::library::{SubjectKind, Target};

use super::View;
use crate::feeds::{FeedKind, Mode};
use crate::set::{Set, Truth};
use crate::snapshot::{NOBODY, kinds};

impl View {
    /// How a subject lies to a target.
    pub(crate) fn truth(
        &self,
        kind: SubjectKind,
        number: u32,
        target: &Target,
        mode: Mode,
    ) -> Truth {
        self.truth_in(kind, number, target, (mode, true))
    }

    fn truth_in(
        &self,
        kind: SubjectKind,
        number: u32,
        target: &Target,
        (mode, positive): (Mode, bool),
    ) -> Truth {
        let part = |part: &Target| self.truth_in(kind, number, part, (mode, positive));
        match target {
            Target::And(parts) => parts.iter().map(part).min().unwrap_or(Truth::In),
            Target::Or(parts) => parts.iter().map(part).max().unwrap_or(Truth::Out),
            Target::Not(inner) => self.truth_in(kind, number, inner, (mode, !positive)).not(),
            leaf => {
                let truth = self.leaf_truth(kind, number, leaf, mode);
                let gone = !positive && truth == Truth::Out;
                if gone && self.snapshot.gone(kind, leaf).is_some() { Truth::In } else { truth }
            }
        }
    }

    /// How a subject lies to a leaf.
    pub(crate) fn leaf_truth(
        &self,
        kind: SubjectKind,
        number: u32,
        leaf: &Target,
        mode: Mode,
    ) -> Truth {
        let snapshot = &self.snapshot;
        if !snapshot.everybody(kind).contains(number) {
            return Truth::Out;
        }
        if !matches!(leaf, Target::AgreementType { .. }) && snapshot.gone(kind, leaf).is_some() {
            return Truth::Out;
        }
        let tenant = snapshot.tenant_of(kind, number);
        let stale = |connection: &str, feed| snapshot.stale(connection, feed, tenant, mode);
        match leaf {
            Target::All => Truth::In,
            Target::Computer(id) => Truth::of(snapshot.computer_numbers.get(id) == Some(&number)),
            Target::Person(id) => {
                let person = snapshot.person_numbers.get(id).copied().unwrap_or(NOBODY);
                self.uses(kind, number, mode, &|other| other == person)
            }
            Target::Tenant { tenant: wanted, children } => {
                let wanted = snapshot.tenant_numbers.get(wanted).copied().unwrap_or(NOBODY);
                let above = snapshot.tenant(tenant).map(|row| row.ancestors.as_slice());
                let below = *children && above.unwrap_or_default().contains(&wanted);
                Truth::of(tenant == wanted || below)
            }
            Target::Group(group) => self.group_truth(kind, number, *group, mode),
            Target::Tag(tag) => self.tag_truth(kind, number, *tag, mode),
            Target::AgreementType { .. } | Target::Product { .. } => {
                self.cover(leaf).truth(kind, (number, tenant), mode)
            }
            Target::ConnectionGroup { connection, kind: group_kind, key } => {
                if stale(connection, FeedKind::ConnectionGroups).is_some() {
                    return Truth::Unknown;
                }
                let key = (connection.as_str().into(), *group_kind, key.as_str().into());
                Truth::of(snapshot.in_groups.get(&key).is_some_and(|set| set.contains(number)))
            }
            Target::CustomProperty { connection, name, value } => {
                if stale(connection, FeedKind::Properties).is_some() {
                    return Truth::Unknown;
                }
                let key = (connection.as_str().into(), name.as_str().into(), value.as_str().into());
                let unread = snapshot.properties_unread.get(connection.as_str());
                if snapshot.with_property.get(&key).is_some_and(|set| set.contains(number)) {
                    Truth::In
                } else if unread.is_some_and(|unread| unread.contains(number)) {
                    Truth::Unknown
                } else {
                    Truth::Out
                }
            }
            Target::Filter(text) => self.filter_at(kind, number, text, mode),
            Target::And(_) | Target::Or(_) | Target::Not(_) => self.truth(kind, number, leaf, mode),
        }
    }

    /// Whether somebody of these uses a computer, or is it himself. Where it is not known who uses
    /// it, anybody of its tenant may.
    fn uses(
        &self,
        kind: SubjectKind,
        number: u32,
        mode: Mode,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Truth {
        if kind == SubjectKind::Person {
            return Truth::of(wanted(number));
        }
        let Some(row) = self.snapshot.computers.get(number) else { return Truth::Out };
        if self.snapshot.stale("", FeedKind::Affinity, row.tenant, mode).is_some() {
            let mut persons = self.snapshot.at_tenant(SubjectKind::Person, row.tenant).iter();
            return if persons.any(wanted) { Truth::Unknown } else { Truth::Out };
        }
        Truth::of(row.primary != NOBODY && wanted(row.primary))
    }

    fn group_truth(&self, kind: SubjectKind, number: u32, group: GroupId, mode: Mode) -> Truth {
        let snapshot = &self.snapshot;
        let nested = snapshot.nested(group);
        let device = kind == SubjectKind::Computer
            && nested.iter().any(|(_, row)| row.devices.contains(number));
        let truth = if device {
            Truth::In
        } else {
            let person = |person: u32| nested.iter().any(|(_, row)| row.persons.contains(person));
            self.uses(kind, number, mode, &person)
        };
        let Some(row) = snapshot.groups.get(&group) else { return Truth::Out };
        let connection = &row.directory.connection;
        if snapshot.stale(connection, FeedKind::Directory, row.tenant, mode).is_none() {
            return truth;
        }
        let tenant = snapshot.tenant_of(kind, number);
        let served = snapshot.directories.get(&row.directory);
        let served = served.is_some_and(|tenants| tenants.contains(tenant));
        if served || truth != Truth::Out { Truth::Unknown } else { Truth::Out }
    }

    fn tag_truth(&self, kind: SubjectKind, number: u32, tag: TagId, mode: Mode) -> Truth {
        let snapshot = &self.snapshot;
        let Some(row) = snapshot.tags.get(&tag) else { return Truth::Out };
        let tenant = snapshot.tenant_of(kind, number);
        if snapshot.stale("", FeedKind::Tags, tenant, mode).is_some() {
            return Truth::Unknown;
        }
        if row.tenants.contains(tenant) {
            return Truth::In;
        }
        match kind {
            SubjectKind::Tenant => Truth::Out,
            SubjectKind::Person => Truth::of(row.persons.contains(number)),
            SubjectKind::Computer if row.computers.contains(number) => Truth::In,
            SubjectKind::Computer => {
                let by_person = self.uses(kind, number, mode, &|other| row.persons.contains(other));
                let unread = snapshot.tags_unread.contains(number);
                by_person.max(if unread { Truth::Unknown } else { Truth::Out })
            }
        }
    }

    /// Why a computer's inventory is not known.
    pub(crate) fn inventory_unread(&self, number: u32, mode: Mode) -> Option<String> {
        let row = self.snapshot.computers.get(number)?;
        match &row.inventory {
            None => Some("its inventory was never read".to_owned()),
            Some(from) => self.snapshot.stale(from, FeedKind::Inventory, row.tenant, mode),
        }
    }

    /// Whether a computer is one of these kinds.
    pub(crate) fn kinds_truth(&self, number: u32, wanted: u8, mode: Mode) -> Truth {
        if wanted & kinds::ALL == kinds::ALL {
            return Truth::In;
        }
        let Some(row) = self.snapshot.computers.get(number) else { return Truth::Out };
        if self.inventory_unread(number, mode).is_some() {
            Truth::Unknown
        } else if row.kinds & !wanted == 0 {
            Truth::In
        } else if row.kinds & wanted == 0 {
            Truth::Out
        } else {
            Truth::Unknown
        }
    }

    /// Some subjects in a leaf, one by one.
    pub(crate) fn some_in(
        &self,
        kind: SubjectKind,
        subjects: &Set,
        leaf: &Target,
        mode: Mode,
    ) -> crate::set::Members {
        let mut members = crate::set::Members::default();
        for number in subjects.iter() {
            match self.leaf_truth(kind, number, leaf, mode) {
                Truth::In => members.yes.insert(number),
                Truth::Unknown => members.maybe.insert(number),
                Truth::Out => {}
            }
        }
        members
    }
}
