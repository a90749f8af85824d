//! One change of what is known, and what it touches.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use core_model::entity::{Agreement, AgreementLine, Product};
use core_model::id::{ComputerId, GroupId, PersonId, TagId};
use core_model::library::{SubjectId, SubjectKind, Tag, Target};

use super::{NOBODY, Snapshot};
use crate::feeds::{Feed, FeedKind};
use crate::input::{
    ComputerInput, ConnectionGroupInput, GroupInput, Member, PersonInput, TenantInput,
};
use crate::set::Set;

mod persons;
mod rare;
#[cfg(test)]
mod tests;

/// A change of what is known.
#[derive(Clone, Debug)]
pub enum Change {
    /// Somebody or something joins a group directly.
    Joins(GroupId, Member),
    /// Somebody or something leaves a group.
    Leaves(GroupId, Member),
    /// A group is new, or is now this.
    Group(GroupInput),
    /// A group is gone.
    GroupGone(GroupId),
    /// A group or location of a connection is new, or is now this. Who is in it comes with the computers.
    ConnectionGroup(ConnectionGroupInput),
    /// A group or location of a connection is gone.
    ConnectionGroupGone(ConnectionGroupInput),
    /// A computer is new, or is now this.
    Computer(Box<ComputerInput>),
    /// A computer is gone.
    ComputerGone(ComputerId),
    /// A computer has another primary person, or none.
    Primary(ComputerId, Option<PersonId>),
    /// A person is new, or is now this.
    Person(PersonInput),
    /// A person is gone.
    PersonGone(PersonId),
    /// A tenant is new, or is now this.
    Tenant(TenantInput),
    /// A tag is given to somebody.
    Tagged(TagId, SubjectId),
    /// A tag is taken from somebody.
    Untagged(TagId, SubjectId),
    /// A tag is new, or is now this.
    Tag(Tag),
    /// A tag is gone.
    TagGone(TagId),
    /// An agreement is new, is now this, or is gone.
    Agreement(Agreement),
    /// An agreement line is new, is now this, or is gone.
    Line(AgreementLine),
    /// A product is new, is now this, or is gone.
    Product(Product),
    /// A feed was read, failed, or is held.
    Feed(Feed),
    /// Time passes: ages count from here.
    KnownAt(DateTime<Utc>),
    /// A connection is switched off since an instant, or on again.
    Connection(String, Option<DateTime<Utc>>),
}

/// What a change touches.
#[derive(Clone, Debug)]
pub(crate) enum Touch {
    Nothing,
    /// These subjects, in what hangs on these parts of targets.
    At {
        computers: Set,
        persons: Set,
        parts: Parts,
    },
    /// Everybody of these tenants, whatever it is that hangs on them.
    Tenants(Set),
    /// Whatever hangs on these parts of targets.
    Whole(Parts),
    /// Everything.
    All,
}

/// Leaves of targets.
#[derive(Clone, Debug)]
pub(crate) enum Parts {
    Every,
    Groups(BTreeSet<GroupId>),
    /// Those that ask for a computer's primary person.
    OfPersons,
    Tag(TagId),
    Filters,
    Agreements,
}

/// One computer, in everything.
fn only_computer(number: u32) -> Touch {
    Touch::At { computers: Set::one(number), persons: Set::new(), parts: Parts::Every }
}

impl Parts {
    pub(crate) fn matches(&self, leaf: &Target) -> bool {
        match (self, leaf) {
            (Parts::Every, _)
            | (
                Parts::OfPersons,
                Target::Person(_) | Target::Group(_) | Target::Tag(_) | Target::Filter(_),
            )
            | (Parts::Filters, Target::Filter(_))
            | (Parts::Agreements, Target::AgreementType { .. } | Target::Product { .. }) => true,
            (Parts::Groups(groups), Target::Group(group)) => groups.contains(group),
            (Parts::Tag(tag), Target::Tag(other)) => tag == other,
            _ => false,
        }
    }
}

impl Snapshot {
    /// Takes a change in and says what it touches.
    pub(crate) fn apply(&mut self, change: Change) -> Touch {
        match change {
            Change::Joins(group, member) => self.change_member(group, member, true),
            Change::Leaves(group, member) => self.change_member(group, member, false),
            Change::Primary(computer, person) => self.change_primary(computer, person),
            Change::Tagged(tag, subject) => self.change_tagged(tag, subject, true),
            Change::Untagged(tag, subject) => self.change_tagged(tag, subject, false),
            Change::Computer(computer) => self.change_computer(&computer),
            Change::Agreement(agreement) => {
                self.put_agreement(agreement);
                Touch::Whole(Parts::Agreements)
            }
            Change::Line(line) => {
                self.put_line(line);
                Touch::Whole(Parts::Agreements)
            }
            Change::Feed(feed) => self.change_feed(feed),
            Change::KnownAt(at) => {
                let before = (self.known_at, self.freshness);
                self.known_at = at;
                // As long as what was believed still is, nothing hangs on the hour.
                let differ = self.feeds.differ(before, (at, self.freshness));
                if differ { Touch::All } else { Touch::Nothing }
            }
            Change::ComputerGone(computer) => match self.remove_computer(computer) {
                Some(number) => only_computer(number),
                None => Touch::Nothing,
            },
            Change::Person(person) => self.change_person(person),
            Change::PersonGone(person) => self.change_person_gone(person),
            Change::Group(group) => self.change_group(group),
            Change::GroupGone(group) => self.remove_group(group),
            Change::ConnectionGroup(group) => self.change_connection_group(group, false),
            Change::ConnectionGroupGone(group) => self.change_connection_group(group, true),
            Change::Tenant(tenant) => self.change_tenant(tenant),
            Change::Product(product) => self.change_product(product),
            Change::Connection(name, since) => self.change_connection(name, since),
            Change::Tag(tag) => {
                self.put_tag(&tag);
                Touch::Whole(Parts::Tag(tag.id))
            }
            Change::TagGone(tag) => {
                Arc::make_mut(&mut self.tags).remove(&tag);
                Touch::Nothing
            }
        }
    }

    fn change_member(&mut self, group: GroupId, member: Member, joins: bool) -> Touch {
        let Some(mut row) = self.groups.get(&group).map(|row| row.as_ref().clone()) else {
            return Touch::Nothing;
        };
        let parts = Parts::Groups(self.around(group));
        let (mut computers, mut persons) = (Set::new(), Set::new());
        if joins {
            self.place_member(&mut row, member);
        } else {
            row.waiting.remove(&member);
        }
        match member {
            Member::Group(inner) => {
                let parents = Arc::make_mut(&mut self.parents).entry(inner).or_default();
                if joins {
                    parents.insert(group);
                } else {
                    row.groups.remove(&inner);
                    parents.remove(&group);
                }
                Arc::make_mut(&mut self.groups).insert(group, Arc::new(row));
                // Both the groups around this one and, where a cycle closes, those within.
                return Touch::Whole(parts);
            }
            Member::Person(person) => {
                let Some(number) = self.person_numbers.get(&person).copied() else {
                    Arc::make_mut(&mut self.groups).insert(group, Arc::new(row));
                    return Touch::Nothing;
                };
                if !joins {
                    row.persons.remove(number);
                }
                persons.insert(number);
                computers = self.computers_on(number);
            }
            Member::Device(computer) => {
                if let Some(number) = self.computer_numbers.get(&computer).copied() {
                    if !joins {
                        row.devices.remove(number);
                    }
                    computers.insert(number);
                }
            }
        }
        Arc::make_mut(&mut self.groups).insert(group, Arc::new(row));
        Touch::At { computers, persons, parts }
    }

    fn change_primary(&mut self, computer: ComputerId, person: Option<PersonId>) -> Touch {
        let Some(number) = self.computer_numbers.get(&computer).copied() else {
            return Touch::Nothing;
        };
        let Some(row) = self.computers.get(number) else { return Touch::Nothing };
        let (before, tenant) = (row.primary, row.tenant);
        let person = person.and_then(|person| self.person_numbers.get(&person).copied());
        let live = &self.space(SubjectKind::Person).live;
        let own = person.filter(|person| {
            live.contains(*person) && self.tenant_of(SubjectKind::Person, *person) == tenant
        });
        self.use_computer(number, before, own.unwrap_or(NOBODY));
        Touch::At { computers: Set::one(number), persons: Set::new(), parts: Parts::OfPersons }
    }

    fn change_tagged(&mut self, tag: TagId, subject: SubjectId, carries: bool) -> Touch {
        let number = self.number(subject);
        let (Some(row), Some(number)) = (self.tags.get(&tag), number) else {
            return Touch::Nothing;
        };
        let mut row = row.as_ref().clone();
        let set = match subject {
            SubjectId::Computer(_) => &mut row.computers,
            SubjectId::Person(_) => &mut row.persons,
            SubjectId::Tenant(_) => &mut row.tenants,
        };
        if carries {
            set.insert(number);
        } else {
            set.remove(number);
        }
        Arc::make_mut(&mut self.tags).insert(tag, Arc::new(row));
        let parts = Parts::Tag(tag);
        match subject {
            SubjectId::Computer(_) => {
                Touch::At { computers: Set::one(number), persons: Set::new(), parts }
            }
            _ => Touch::Whole(parts),
        }
    }

    fn change_computer(&mut self, computer: &ComputerInput) -> Touch {
        let known = self.number(computer.id.into());
        let before = known.and_then(|number| self.computers.get(number).cloned());
        let tenant = self.tenant_numbers.get(&computer.tenant).copied();
        if tenant.is_none() {
            // Of a tenant that nobody knows: it takes part in nothing.
            self.remove_computer(computer.id);
            return Touch::All;
        }
        let number = self.put_computer(computer);
        if before.is_none() {
            self.place_latecomers();
        }
        // One that moves to another tenant, too, takes nobody with it.
        number.map_or(Touch::All, only_computer)
    }

    fn put_computer(&mut self, computer: &ComputerInput) -> Option<u32> {
        let before = self
            .computer_numbers
            .get(&computer.id)
            .and_then(|number| self.computers.get(*number))
            .map_or(NOBODY, |row| row.primary);
        let number = self.put_computer_row(computer)?;
        let after = self.computers.get(number).map_or(NOBODY, |row| row.primary);
        self.use_computer(number, before, after);
        Some(number)
    }

    fn change_feed(&mut self, feed: Feed) -> Touch {
        let differs = self.feeds.differs(&feed, (self.known_at, self.freshness));
        let inventory = feed.kind == FeedKind::Inventory;
        Arc::make_mut(&mut self.feeds).set(feed);
        match (differs, inventory) {
            // Read again, and believed as before.
            (false, _) => Touch::Nothing,
            // Device classes hang on the inventory, and they are no leaves.
            (true, true) => Touch::All,
            (true, false) => Touch::Whole(Parts::Every),
        }
    }

    /// Members of groups and carriers of tags that have come only now take their places.
    fn place_latecomers(&mut self) {
        self.place_carriers();
        let waiting: Vec<GroupId> = self
            .groups
            .iter()
            .filter(|(_, row)| !row.waiting.is_empty())
            .map(|(id, _)| *id)
            .collect();
        for group in waiting {
            let Some(mut row) = self.groups.get(&group).map(|row| row.as_ref().clone()) else {
                continue;
            };
            for member in std::mem::take(&mut row.waiting) {
                self.place_member(&mut row, member);
            }
            Arc::make_mut(&mut self.groups).insert(group, Arc::new(row));
        }
    }

    fn place_carriers(&mut self) {
        let waiting = self.tags.iter().filter(|(_, row)| !row.waiting.is_empty());
        let waiting: Vec<TagId> = waiting.map(|(id, _)| *id).collect();
        for tag in waiting {
            let Some(mut row) = self.tags.get(&tag).map(|row| row.as_ref().clone()) else {
                continue;
            };
            for carrier in std::mem::take(&mut row.waiting) {
                self.place_carrier(&mut row, carrier);
            }
            Arc::make_mut(&mut self.tags).insert(tag, Arc::new(row));
        }
    }

    pub(super) fn put_agreement(&mut self, agreement: Agreement) {
        let key = (agreement.connection.clone(), agreement.key.clone());
        let agreements = Arc::make_mut(&mut self.agreements);
        if agreement.gone {
            agreements.remove(&key);
        } else {
            agreements.insert(key, agreement);
        }
    }

    pub(super) fn put_line(&mut self, line: AgreementLine) {
        let lines = Arc::make_mut(&mut self.lines);
        // Its product may have changed.
        for of_product in lines.values_mut() {
            of_product.remove(&line.id);
        }
        if let (false, Some(product)) = (line.gone, &line.product) {
            let key = (line.connection.clone(), product.clone());
            lines.entry(key).or_default().insert(line.id, line);
        }
    }
}
