//! Computers in a snapshot: their row, and everything that is kept by what they have.

use std::sync::Arc;

use core_model::id::ComputerId;
use core_model::library::SubjectKind;

use super::build::kinds_of;
use super::{ComputerRow, NOBODY, Snapshot};
use crate::input::ComputerInput;
use crate::set::Set;

impl Snapshot {
    /// Puts a computer in its place, or at the end. Its primary person's list of computers is left
    /// to the caller. `None` where its tenant is not known.
    pub(super) fn put_computer_row(&mut self, computer: &ComputerInput) -> Option<u32> {
        let tenant = *self.tenant_numbers.get(&computer.tenant)?;
        let next = u32::try_from(self.computers.len()).ok()?;
        let number = self.computer_numbers.get(&computer.id).copied().unwrap_or(next);
        let before = self.computers.get(number).cloned();
        let row = ComputerRow {
            id: computer.id,
            tenant,
            primary: self.primary_of(computer, tenant),
            name: computer.name.clone(),
            inventory: computer.inventory.clone(),
            kinds: kinds_of(computer),
            needs_onboarding: computer.needs_onboarding,
        };
        if let Some(before) = &before {
            self.forget_computer(number, before);
        }
        self.index_computer(number, &row, computer);
        if number == next {
            Arc::make_mut(&mut self.computer_numbers).insert(computer.id, number);
            self.computers.push(row);
        } else if let Some(place) = self.computers.get_mut(number) {
            *place = row;
        }
        let space = self.space_mut(SubjectKind::Computer);
        space.enter(number, before.map(|row| row.tenant), tenant);
        space.columns.set(number, &computer.facts);
        Some(number)
    }

    /// A primary person is one of the computer's own tenant, and known; everybody else is nobody.
    fn primary_of(&self, computer: &ComputerInput, tenant: u32) -> u32 {
        let number = computer.primary.and_then(|person| self.person_numbers.get(&person));
        let own = number.filter(|number| {
            self.persons.get(**number).is_some_and(|person| person.tenant == tenant)
        });
        own.copied().unwrap_or(NOBODY)
    }

    fn index_computer(&mut self, number: u32, row: &ComputerRow, computer: &ComputerInput) {
        Arc::make_mut(&mut self.by_kinds).entry(row.kinds).or_default().insert(number);
        let inventory = row.inventory.clone().unwrap_or_default();
        Arc::make_mut(&mut self.by_inventory).entry(inventory).or_default().insert(number);
        if !computer.tags_read {
            Arc::make_mut(&mut self.tags_unread).insert(number);
        }
        if computer.excluded {
            Arc::make_mut(&mut self.excluded).insert(number);
        }
        if !computer.assets.is_empty() {
            let assets = Arc::make_mut(&mut self.assets);
            for asset in &computer.assets {
                assets.entry(asset.clone()).or_default().push(number);
            }
        }
        for agent in &computer.agents {
            if !agent.groups.is_empty() {
                let groups = Arc::make_mut(&mut self.in_groups);
                for (kind, key) in &agent.groups {
                    let key = (agent.connection.clone(), *kind, key.clone());
                    groups.entry(key).or_default().insert(number);
                }
            }
            let Some(properties) = &agent.properties else {
                let unread = Arc::make_mut(&mut self.properties_unread);
                unread.entry(agent.connection.clone()).or_default().insert(number);
                continue;
            };
            if !properties.is_empty() {
                let with = Arc::make_mut(&mut self.with_property);
                for (name, value) in properties {
                    let key = (agent.connection.clone(), name.clone(), value.clone());
                    with.entry(key).or_default().insert(number);
                }
            }
        }
    }

    fn forget_computer(&mut self, number: u32, row: &ComputerRow) {
        let drop_from = |set: Option<&mut Set>| {
            if let Some(set) = set {
                set.remove(number);
            }
        };
        drop_from(Arc::make_mut(&mut self.by_kinds).get_mut(&row.kinds));
        let inventory = row.inventory.clone().unwrap_or_default();
        drop_from(Arc::make_mut(&mut self.by_inventory).get_mut(&inventory));
        Arc::make_mut(&mut self.tags_unread).remove(number);
        Arc::make_mut(&mut self.excluded).remove(number);
        let groups = self.in_groups.values().any(|set| set.contains(number));
        if groups {
            Arc::make_mut(&mut self.in_groups).values_mut().for_each(|set| set.remove(number));
        }
        let properties = self.with_property.values().any(|set| set.contains(number));
        if properties {
            Arc::make_mut(&mut self.with_property).values_mut().for_each(|set| set.remove(number));
        }
        Arc::make_mut(&mut self.properties_unread).values_mut().for_each(|set| set.remove(number));
        if self.assets.values().any(|computers| computers.contains(&number)) {
            let assets = Arc::make_mut(&mut self.assets);
            assets.values_mut().for_each(|computers| computers.retain(|other| *other != number));
        }
    }

    /// A computer changes hands. Says who had it before.
    pub(super) fn use_computer(&mut self, number: u32, before: u32, after: u32) {
        if before == after {
            return;
        }
        if let Some(person) = self.persons.get_mut(before) {
            let rest = person.computers.iter().copied().filter(|other| *other != number);
            person.computers = rest.collect();
        }
        if let Some(person) = self.persons.get_mut(after) {
            let mut computers = person.computers.to_vec();
            computers.push(number);
            computers.sort_unstable();
            person.computers = computers.into();
        }
        if let Some(row) = self.computers.get_mut(number) {
            row.primary = after;
        }
    }

    /// A computer is gone; its number stays its own.
    pub(super) fn remove_computer(&mut self, computer: ComputerId) -> Option<u32> {
        let number = *self.computer_numbers.get(&computer)?;
        let row = self.computers.get(number)?.clone();
        self.use_computer(number, row.primary, NOBODY);
        self.forget_computer(number, &row);
        let space = self.space_mut(SubjectKind::Computer);
        space.live.remove(number);
        if let Some(own) = space.of_tenant.get_mut(row.tenant as usize) {
            own.remove(number);
        }
        Some(number)
    }
}
