//! A snapshot from its input.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;
use core_model::facts::{ChassisClass, DeviceRole};
use core_model::id::TenantId;
use core_model::library::{SubjectId, SubjectKind, Tag, handle};

use super::{GroupRow, NOBODY, PersonRow, Snapshot, Space, TagRow, TenantRow, kinds};
use crate::chunked::Chunked;
use crate::feeds::Feeds;
use crate::input::{
    ComputerInput, Fact, GroupInput, Member, PersonInput, SnapshotInput, TenantInput,
};
use crate::set::Set;

impl Snapshot {
    /// Builds the snapshot. The order of whatever is in the input does not matter.
    #[must_use]
    pub fn new(input: SnapshotInput) -> Self {
        let mut snapshot = Self::empty(&input);
        snapshot.take_tenants(input.tenants);
        snapshot.take_persons(input.persons);
        snapshot.take_computers(input.computers);
        for group in input.groups {
            snapshot.put_group(group);
        }
        for tag in &input.tags {
            snapshot.put_tag(tag);
        }
        let agreements = input.agreements.into_iter().filter(|agreement| !agreement.gone);
        for agreement in agreements {
            snapshot.put_agreement(agreement);
        }
        for line in input.lines.into_iter().filter(|line| !line.gone) {
            snapshot.put_line(line);
        }
        let products = input.products.into_iter().filter(|product| !product.gone);
        snapshot.products = Arc::new(products.map(|product| (product.id, product)).collect());
        snapshot.pack();
        snapshot
    }

    fn empty(input: &SnapshotInput) -> Self {
        let names = input.connection_groups.iter().map(|group| {
            let key = (group.connection.clone(), group.kind, group.key.clone());
            (key, group.name.as_str().into())
        });
        Self {
            known_at: input.known_at,
            default_zone: input.default_zone.parse().unwrap_or(Tz::UTC),
            freshness: input.freshness,
            feeds: Arc::new(Feeds::new(input.feeds.clone())),
            disabled: Arc::new(input.disabled_connections.clone()),
            tenants: Arc::default(),
            persons: Chunked::default(),
            computers: Chunked::default(),
            spaces: [Arc::default(), Arc::default(), Arc::default()],
            tenant_numbers: Arc::default(),
            person_numbers: Arc::default(),
            computer_numbers: Arc::default(),
            groups: Arc::default(),
            parents: Arc::default(),
            directories: Arc::default(),
            tags: Arc::default(),
            agreements: Arc::default(),
            lines: Arc::default(),
            products: Arc::default(),
            group_names: Arc::new(names.collect()),
            in_groups: Arc::default(),
            with_property: Arc::default(),
            properties_unread: Arc::default(),
            assets: Arc::default(),
            by_kinds: Arc::default(),
            by_inventory: Arc::default(),
            tags_unread: Arc::default(),
            excluded: Arc::default(),
        }
    }

    fn take_tenants(&mut self, mut tenants: Vec<TenantInput>) {
        tenants.sort_by_key(|tenant| tenant.id);
        tenants.dedup_by_key(|tenant| tenant.id);
        for tenant in tenants {
            self.put_tenant_row(tenant);
        }
        self.link_tenants();
    }

    /// Puts a tenant in its place, or at the end; its ancestors are not right before
    /// [`Self::link_tenants`].
    pub(super) fn put_tenant_row(&mut self, tenant: TenantInput) -> u32 {
        let row = TenantRow {
            id: tenant.id,
            name: tenant.name.as_str().into(),
            zone: tenant.zone.and_then(|zone| zone.parse().ok()).unwrap_or(self.default_zone),
            suspended: tenant.suspended,
            parent: tenant.parent,
            ancestors: Vec::new(),
            opted_out: tenant.excluded_from_cross_tenant,
            budget: tenant.budget,
        };
        let rows = Arc::make_mut(&mut self.tenants);
        let next = u32::try_from(rows.len()).unwrap_or(NOBODY);
        let numbers = Arc::make_mut(&mut self.tenant_numbers);
        let number = *numbers.entry(tenant.id).or_insert(next);
        if number == next {
            rows.push(row);
        } else if let Some(place) = rows.get_mut(number as usize) {
            *place = row;
        }
        for kind in [SubjectKind::Computer, SubjectKind::Person, SubjectKind::Tenant] {
            let count = self.tenants.len();
            self.space_mut(kind).of_tenant.resize_with(count, Set::new);
        }
        let space = self.space_mut(SubjectKind::Tenant);
        space.live.insert(number);
        if let Some(own) = space.of_tenant.get_mut(number as usize) {
            own.insert(number);
        }
        let mut facts = tenant.facts;
        facts.push(("name".into(), Fact::text(&tenant.name)));
        space.columns.set(number, &facts);
        number
    }

    pub(super) fn link_tenants(&mut self) {
        let parents: Vec<Option<u32>> = self
            .tenants
            .iter()
            .map(|row| row.parent.and_then(|parent| self.tenant_numbers.get(&parent).copied()))
            .collect();
        let chains: Vec<Vec<u32>> = (0..parents.len())
            .map(|start| {
                let mut chain: Vec<u32> = Vec::new();
                let mut at = parents[start];
                while let Some(parent) = at {
                    if chain.contains(&parent) || parent as usize == start {
                        break;
                    }
                    chain.push(parent);
                    at = parents.get(parent as usize).copied().flatten();
                }
                chain
            })
            .collect();
        for (row, chain) in Arc::make_mut(&mut self.tenants).iter_mut().zip(chains) {
            row.ancestors = chain;
        }
    }

    fn tenant_or_nobody(&self, tenant: TenantId) -> u32 {
        self.tenant_numbers.get(&tenant).copied().unwrap_or(NOBODY)
    }

    fn take_persons(&mut self, mut persons: Vec<PersonInput>) {
        persons.sort_by_cached_key(|person| (self.tenant_or_nobody(person.tenant), person.id));
        for person in persons {
            self.put_person_row(person);
        }
    }

    /// Puts a person in his place, or at the end. `None` where his tenant is not known.
    pub(super) fn put_person_row(&mut self, person: PersonInput) -> Option<u32> {
        let tenant = *self.tenant_numbers.get(&person.tenant)?;
        let next = u32::try_from(self.persons.len()).ok()?;
        let numbers = Arc::make_mut(&mut self.person_numbers);
        let number = *numbers.entry(person.id).or_insert(next);
        let before = self.persons.get(number).cloned();
        let row = PersonRow {
            id: person.id,
            tenant,
            name: person.name.clone(),
            directory: person.directory.clone(),
            computers: before.as_ref().map(|row| row.computers.clone()).unwrap_or_default(),
        };
        if number == next {
            self.persons.push(row);
        } else if let Some(place) = self.persons.get_mut(number) {
            *place = row;
        }
        let directories = Arc::make_mut(&mut self.directories);
        directories.entry(person.directory).or_default().insert(tenant);
        let space = self.space_mut(SubjectKind::Person);
        space.enter(number, before.map(|row| row.tenant), tenant);
        space.columns.set(number, &person.facts);
        Some(number)
    }

    fn take_computers(&mut self, mut computers: Vec<ComputerInput>) {
        computers
            .sort_by_cached_key(|computer| (self.tenant_or_nobody(computer.tenant), computer.id));
        let mut uses: HashMap<u32, Vec<u32>> = HashMap::new();
        for computer in &computers {
            let number = self.put_computer_row(computer);
            let primary = number.and_then(|number| self.computers.get(number));
            let primary = primary.map(|row| row.primary).filter(|primary| *primary != NOBODY);
            if let (Some(number), Some(primary)) = (number, primary) {
                uses.entry(primary).or_default().push(number);
            }
        }
        for (person, computers) in uses {
            if let Some(row) = self.persons.get_mut(person) {
                row.computers = computers.into();
            }
        }
    }

    pub(super) fn put_group(&mut self, group: GroupInput) {
        let tenant = self.tenant_or_nobody(group.tenant);
        let mut row = GroupRow {
            tenant,
            name: group.name.as_str().into(),
            directory: group.directory.clone(),
            persons: Set::new(),
            devices: Set::new(),
            groups: BTreeSet::new(),
            waiting: BTreeSet::new(),
        };
        for member in group.members {
            self.place_member(&mut row, member);
        }
        if tenant != NOBODY {
            Arc::make_mut(&mut self.directories).entry(group.directory).or_default().insert(tenant);
        }
        let parents = Arc::make_mut(&mut self.parents);
        for inner in self.groups.get(&group.id).into_iter().flat_map(|old| &old.groups) {
            parents.entry(*inner).or_default().remove(&group.id);
        }
        for inner in &row.groups {
            parents.entry(*inner).or_default().insert(group.id);
        }
        Arc::make_mut(&mut self.groups).insert(group.id, Arc::new(row));
    }

    pub(super) fn place_member(&self, row: &mut GroupRow, member: Member) {
        let known = match member {
            Member::Group(group) => {
                row.groups.insert(group);
                return;
            }
            Member::Person(person) => self.person_numbers.get(&person),
            Member::Device(computer) => self.computer_numbers.get(&computer),
        };
        match (known, member) {
            (Some(number), Member::Person(_)) => row.persons.insert(*number),
            (Some(number), _) => row.devices.insert(*number),
            (None, _) => {
                row.waiting.insert(member);
            }
        }
    }

    pub(super) fn put_tag(&mut self, tag: &Tag) {
        let mut row = TagRow { name: tag.name.as_str().into(), ..TagRow::default() };
        for computer in &tag.computers {
            self.place_carrier(&mut row, SubjectId::Computer(*computer));
        }
        for person in &tag.persons {
            self.place_carrier(&mut row, SubjectId::Person(*person));
        }
        for tenant in &tag.tenants {
            self.place_carrier(&mut row, SubjectId::Tenant(*tenant));
        }
        Arc::make_mut(&mut self.tags).insert(tag.id, Arc::new(row));
    }

    pub(super) fn place_carrier(&self, row: &mut TagRow, carrier: SubjectId) {
        let (number, set) = match carrier {
            SubjectId::Computer(id) => (self.computer_numbers.get(&id), &mut row.computers),
            SubjectId::Person(id) => (self.person_numbers.get(&id), &mut row.persons),
            SubjectId::Tenant(id) => (self.tenant_numbers.get(&id), &mut row.tenants),
        };
        match number {
            Some(number) => set.insert(*number),
            None => {
                row.waiting.insert(carrier);
            }
        }
    }

    fn pack(&mut self) {
        for space in &mut self.spaces {
            let space = Arc::make_mut(space);
            space.live = std::mem::take(&mut space.live).packed();
            for set in &mut space.of_tenant {
                *set = std::mem::take(set).packed();
            }
        }
        let pack = |sets: &mut BTreeMap<u8, Set>| {
            for set in sets.values_mut() {
                *set = std::mem::take(set).packed();
            }
        };
        pack(Arc::make_mut(&mut self.by_kinds));
        for set in Arc::make_mut(&mut self.by_inventory).values_mut() {
            *set = std::mem::take(set).packed();
        }
    }
}

impl Space {
    /// Somebody comes, or moves from another tenant.
    pub(super) fn enter(&mut self, number: u32, before: Option<u32>, tenant: u32) {
        self.live.insert(number);
        if let Some(old) = before.and_then(|old| self.of_tenant.get_mut(old as usize)) {
            old.remove(number);
        }
        if let Some(own) = self.of_tenant.get_mut(tenant as usize) {
            own.insert(number);
        }
    }
}

/// What a computer may be, as far as it is known.
pub(super) fn kinds_of(computer: &ComputerInput) -> u8 {
    let by_role = match computer.role {
        None => kinds::ALL,
        Some(DeviceRole::Workstation) => kinds::WORKSTATION | kinds::PORTABLE,
        Some(DeviceRole::Server) => kinds::SERVER,
        Some(DeviceRole::DomainController) => kinds::CONTROLLER | kinds::PRIMARY,
    };
    let by_chassis = match computer.chassis {
        None => kinds::ALL,
        Some(ChassisClass::Portable) => kinds::ALL & !kinds::WORKSTATION,
        Some(ChassisClass::Stationary | ChassisClass::Virtual) => kinds::ALL & !kinds::PORTABLE,
    };
    let by_controller = match computer.primary_controller {
        None => kinds::ALL,
        Some(true) => kinds::PRIMARY,
        Some(false) => kinds::ALL & !kinds::PRIMARY,
    };
    let possible = by_role & by_chassis & by_controller;
    // Facts that contradict each other (a workstation that is the primary controller) say nothing.
    if possible == 0 { kinds::ALL } else { possible }
}

/// The spelling of an agreement type.
pub(crate) fn type_key(name: &str) -> String {
    handle(name)
}
