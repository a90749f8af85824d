//! What seldom comes or goes: groups, tenants, products, switched connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use core_model::entity::Product;
use core_model::id::{GroupId, PersonId};
use core_model::library::SubjectKind;

use super::{Parts, Touch};
use crate::input::{ConnectionGroupInput, Directory, GroupInput, TenantInput};
use crate::set::Set;
use crate::snapshot::{GroupKey, GroupRow, NOBODY, Snapshot};

impl Snapshot {
    /// A group is new or is now this: what asks for it, and for the groups that it is in.
    pub(super) fn change_group(&mut self, group: GroupInput) -> Touch {
        let id = group.id;
        let before = self.groups.get(&id).cloned();
        let tenant = self.tenant_numbers.get(&group.tenant).copied().unwrap_or(NOBODY);
        let serves = tenant == NOBODY || self.is_served(&group.directory, tenant);
        let mut around = self.around(id);
        self.put_group(group);
        around.extend(self.around(id));
        if serves && self.serves_still(before.as_deref()) {
            return Touch::Whole(Parts::Groups(around));
        }
        Touch::All
    }

    pub(super) fn remove_group(&mut self, group: GroupId) -> Touch {
        let around = self.around(group);
        let gone = Arc::make_mut(&mut self.groups).remove(&group);
        let parents = Arc::make_mut(&mut self.parents);
        for inner in gone.iter().flat_map(|row| &row.groups) {
            parents.entry(*inner).or_default().remove(&group);
        }
        if self.serves_still(gone.as_deref()) {
            return Touch::Whole(Parts::Groups(around));
        }
        Touch::All
    }

    /// Whether the directory of a group as it was serves its tenant still; where not, it is noted.
    fn serves_still(&mut self, group: Option<&GroupRow>) -> bool {
        let Some(row) = group.filter(|row| row.tenant != NOBODY) else { return true };
        let still = self.serves(&row.directory, row.tenant);
        if !still {
            self.find_directories();
        }
        still
    }

    fn is_served(&self, directory: &Directory, tenant: u32) -> bool {
        self.directories.get(directory).is_some_and(|served| served.contains(tenant))
    }

    /// Whether there is a person or a group of a tenant in a directory.
    fn serves(&self, directory: &Directory, tenant: u32) -> bool {
        let persons = self.at_tenant(SubjectKind::Person, tenant).iter();
        let mut persons = persons.filter_map(|number| self.persons.get(number));
        let mut groups = self.groups.values();
        persons.any(|row| row.directory == *directory)
            || groups.any(|row| row.tenant == tenant && row.directory == *directory)
    }

    /// A person is gone: what hangs on him, and on the computers that he used.
    pub(super) fn change_person_gone(&mut self, person: PersonId) -> Touch {
        if self.number(person.into()).is_none() {
            return Touch::Nothing;
        }
        let Some(number) = self.person_numbers.get(&person).copied() else { return Touch::Nothing };
        let computers = self.computers_on(number);
        let row = self.persons.get(number).map(|row| (row.directory.clone(), row.tenant));
        self.remove_person(person);
        if row.is_none_or(|(directory, tenant)| !self.serves(&directory, tenant)) {
            self.find_directories();
            return Touch::All;
        }
        Touch::At { computers, persons: Set::one(number), parts: Parts::Every }
    }

    /// A tenant is new or otherwise: whatever it is, it concerns it and whoever is below it.
    pub(super) fn change_tenant(&mut self, tenant: TenantInput) -> Touch {
        let id = tenant.id;
        let before = self.tenant_numbers.get(&id).copied();
        let mut all = before.map_or_else(Set::new, |number| self.descendants(number));
        self.put_tenant_row(tenant);
        self.link_tenants();
        if before.is_none() {
            self.place_latecomers();
        }
        let Some(number) = self.tenant_numbers.get(&id).copied() else { return Touch::All };
        all.insert(number);
        all.add(&self.descendants(number));
        Touch::Tenants(all)
    }

    pub(super) fn change_product(&mut self, product: Product) -> Touch {
        let products = Arc::make_mut(&mut self.products);
        if product.gone {
            products.remove(&product.id);
        } else {
            products.insert(product.id, product);
        }
        Touch::Whole(Parts::Agreements)
    }

    /// A connection is switched: its deployments are everywhere.
    pub(super) fn change_connection(
        &mut self,
        name: String,
        since: Option<DateTime<Utc>>,
    ) -> Touch {
        let disabled = Arc::make_mut(&mut self.disabled);
        match since {
            Some(since) => disabled.insert(name, since),
            None => disabled.remove(&name),
        };
        Touch::All
    }

    /// A group of a connection has a name, or is there no more. Who is in it is told with the computers.
    pub(super) fn change_connection_group(
        &mut self,
        group: ConnectionGroupInput,
        gone: bool,
    ) -> Touch {
        let names = Arc::make_mut(&mut self.group_names);
        let key: GroupKey = (group.connection, group.kind, group.key);
        if gone {
            names.remove(&key);
        } else {
            names.insert(key, group.name.as_str().into());
        }
        Touch::Nothing
    }

    /// Finds the tenants that directories serve, from whoever is there.
    pub(super) fn find_directories(&mut self) {
        let mut all: BTreeMap<Directory, Set> = BTreeMap::new();
        let persons = self.space(SubjectKind::Person).live.iter();
        for row in persons.filter_map(|number| self.persons.get(number)) {
            match all.get_mut(&row.directory) {
                Some(served) => served.insert(row.tenant),
                None => {
                    all.insert(row.directory.clone(), Set::one(row.tenant));
                }
            }
        }
        for row in self.groups.values().filter(|row| row.tenant != NOBODY) {
            all.entry(row.directory.clone()).or_default().insert(row.tenant);
        }
        self.directories = Arc::new(all);
    }
}
