//! Persons who come, change or go.

use core_model::id::PersonId;
use core_model::library::SubjectKind;

use super::{Parts, Touch};
use crate::feeds::{FeedKind, Mode};
use crate::input::PersonInput;
use crate::set::Set;
use crate::snapshot::{NOBODY, Snapshot};

impl Snapshot {
    pub(super) fn change_person(&mut self, person: PersonInput) -> Touch {
        let Some(tenant) = self.tenant_numbers.get(&person.tenant).copied() else {
            self.remove_person(person.id);
            self.find_directories();
            return Touch::All;
        };
        let known = self.person_numbers.get(&person.id).copied();
        let before = known.and_then(|number| self.persons.get(number).cloned());
        let live = self.number(person.id.into()).is_some();
        let directory = person.directory.clone();
        let served = self.directories.get(&directory).is_some_and(|all| all.contains(tenant));
        let number = self.put_person_row(person);
        if let (Some(number), Some(before)) = (number, &before)
            && before.tenant != tenant
        {
            // He took none of his computers along: a primary person is one of their tenant.
            self.lay_down(number);
        }
        let parts = match before {
            // His place is as it was: only what filters read may be otherwise.
            Some(before) if live && before.tenant == tenant && before.directory == directory => {
                Parts::Filters
            }
            _ if !live && served => {
                self.place_latecomers();
                Parts::Every
            }
            _ => {
                self.place_latecomers();
                self.find_directories();
                return Touch::All;
            }
        };
        let Some(number) = number else { return Touch::All };
        let computers = self.computers_on(number);
        Touch::At { computers, persons: Set::one(number), parts }
    }

    /// The computers that hang on what is known of a person.
    pub(super) fn computers_on(&self, person: u32) -> Set {
        let tenant = self.tenant_of(SubjectKind::Person, person);
        // With stale affinity all computers of his tenant hang on whether he is in.
        if self.stale("", FeedKind::Affinity, tenant, Mode::Strict).is_some() {
            return self.at_tenant(SubjectKind::Computer, tenant).clone();
        }
        let own = self.persons.get(person).map(|row| row.computers.clone());
        own.unwrap_or_default().iter().copied().collect()
    }

    fn lay_down(&mut self, person: u32) {
        let computers = self.persons.get(person).map(|row| row.computers.clone());
        for computer in computers.unwrap_or_default() {
            self.use_computer(computer, person, NOBODY);
        }
    }

    pub(super) fn remove_person(&mut self, person: PersonId) {
        let Some(number) = self.person_numbers.get(&person).copied() else { return };
        self.lay_down(number);
        let tenant = self.tenant_of(SubjectKind::Person, number);
        let space = self.space_mut(SubjectKind::Person);
        space.live.remove(number);
        if let Some(own) = space.of_tenant.get_mut(tenant as usize) {
            own.remove(number);
        }
    }
}
