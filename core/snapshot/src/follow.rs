//! Follows the event log: what happened since the snapshot was read, as changes of it.
//!
//! A tenant whose entity is removed is not followed: then everything is read anew, which gives the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use core_library::Library;
use core_model::entity::{
    Agent, Agreement, AgreementLine, Computer, ConnectionGroup, ConnectionMember, DirectoryDevice,
    Entity, EntityKind, Group, Membership, Person, Product, Tenant,
};
use core_model::event::Event;
use core_model::id::{ComputerId, TenantId};
use core_model::library::{ComputerSettings, TenantSettings};
use core_resolve::{Change, Directory, Member};
use core_store::{EntityQuery, Store};

use crate::error::{Error, Result};
use crate::library::{Settings, excluded, library};
use crate::load::{LoadOptions, World, read_tenant};
use crate::machines::name_of;
use crate::people::Object;

/// Events that are read at once.
const PAGE: usize = 2000;

/// What happened since.
#[derive(Debug)]
pub enum Followed {
    /// These changes, in order. The definitions where they are others now.
    Changes(Vec<Change>, Option<Arc<Library>>),
    /// Something that is not followed: load anew.
    Reload,
}

/// Changes that were found, and what must be put together anew.
#[derive(Default)]
struct Found {
    changes: Vec<Change>,
    computers: BTreeSet<ComputerId>,
    tenants: BTreeSet<TenantId>,
    /// Device objects that may be another computer's.
    devices: BTreeSet<Object>,
    /// Directories that serve a tenant more: all their device objects may be.
    directories: BTreeSet<Directory>,
    reload: bool,
}

impl World {
    /// The event up to which this is what was known.
    #[must_use]
    pub fn event(&self) -> i64 {
        self.event
    }

    pub(crate) fn place(&self) -> (i64, i64) {
        (self.event, self.revision)
    }

    /// The changes since; afterwards, this is what is known now.
    ///
    /// # Errors
    /// When the store does not answer, or holds what this version cannot read.
    pub async fn follow(&mut self, store: &Store, options: &LoadOptions) -> Result<Followed> {
        let library = self.follow_library(store).await?;
        let mut found = Found::default();
        if let Some(library) = &library {
            self.compare(library, &mut found);
            self.library = Arc::clone(library);
        }
        loop {
            let events = store.events(self.event, PAGE).await?;
            let Some(last) = events.last() else { break };
            self.event = last.sequence;
            for event in &events {
                self.take(event, &mut found)?;
            }
            if found.reload {
                return Ok(Followed::Reload);
            }
        }
        self.settle(store, &mut found).await?;
        self.put_together(store, &mut found).await?;
        let serves_more = !found.directories.is_empty();
        let feeds = self.read_feeds(store, options.now, (&options.kinds, serves_more)).await?;
        found.changes.extend(feeds.into_iter().map(Change::Feed));
        found.changes.push(Change::KnownAt(options.now));
        Ok(match found.reload {
            true => Followed::Reload,
            false => Followed::Changes(found.changes, library),
        })
    }

    async fn follow_library(&mut self, store: &Store) -> Result<Option<Arc<Library>>> {
        let revision = store.last_revision().await?;
        if revision == self.revision {
            return Ok(None);
        }
        self.revision = revision;
        Ok(Some(Arc::new(library(&store.definitions(revision).await?)?)))
    }

    /// What other definitions mean for the snapshot: tags, and tenants that are settled otherwise.
    fn compare(&self, library: &Library, found: &mut Found) {
        let differ = |one: &[TenantSettings], other: &[TenantSettings]| {
            let differ = one.iter().filter(|settings| !other.contains(settings));
            differ.map(|settings| settings.tenant).collect::<Vec<_>>()
        };
        found.tenants.extend(differ(&library.tenants, &self.library.tenants));
        found.tenants.extend(differ(&self.library.tenants, &library.tenants));
        let (old, new) = (&self.library.computers, &library.computers);
        let differ = |one: &[ComputerSettings], other: &[ComputerSettings]| {
            let differ = one.iter().filter(|settings| !other.contains(settings));
            differ.map(|settings| settings.computer).collect::<Vec<_>>()
        };
        found.computers.extend(differ(old, new));
        found.computers.extend(differ(new, old));
        let new = library.tags.iter().filter(|tag| !self.library.tags.contains(tag));
        found.changes.extend(new.cloned().map(Change::Tag));
        let gone = self.library.tags.iter();
        let gone = gone.filter(|tag| library.tags.iter().all(|other| other.id != tag.id));
        found.changes.extend(gone.map(|tag| Change::TagGone(tag.id)));
    }

    fn take(&mut self, event: &Event, found: &mut Found) -> Result<()> {
        match event.entity {
            EntityKind::Tenant => match read::<Tenant>(event)? {
                Some(tenant) => {
                    let settings = Settings::of(&self.library);
                    found.changes.push(Change::Tenant(read_tenant(&tenant, &settings)));
                }
                None => found.reload = true,
            },
            EntityKind::Person => self.person(event, found)?,
            EntityKind::Group => self.group(event, found)?,
            EntityKind::Membership => {
                if let Some(membership) = as_gone(event, |one: &mut Membership| one.gone = true)? {
                    let known = self.people.membership(&membership, &mut self.texts);
                    found.changes.extend(known.map(|(group, member)| match membership.gone {
                        true => Change::Leaves(group, member),
                        false => Change::Joins(group, member),
                    }));
                }
            }
            EntityKind::Agent => {
                if let Some(agent) = as_gone(event, |one: &mut Agent| one.gone = true)? {
                    found.computers.extend(self.machines.agent(agent).into_iter().flatten());
                }
            }
            EntityKind::ConnectionMember => {
                if let Some(member) = as_gone(event, |one: &mut ConnectionMember| one.gone = true)?
                {
                    found.computers.extend(self.machines.member(&member, &mut self.texts));
                }
            }
            EntityKind::Computer => self.computer(event, found)?,
            EntityKind::Agreement => {
                let agreement = as_gone(event, |one: &mut Agreement| one.gone = true)?;
                found.changes.extend(agreement.map(Change::Agreement));
            }
            EntityKind::AgreementLine => {
                let line = as_gone(event, |one: &mut AgreementLine| one.gone = true)?;
                found.changes.extend(line.map(Change::Line));
            }
            EntityKind::Product => {
                let product = as_gone(event, |one: &mut Product| one.gone = true)?;
                found.changes.extend(product.map(Change::Product));
            }
            EntityKind::ConnectionGroup => self.connection_group(event, found)?,
            EntityKind::DirectoryDevice => self.device(event, found)?,
            EntityKind::Client | EntityKind::Decision => {}
        }
        Ok(())
    }

    fn person(&mut self, event: &Event, found: &mut Found) -> Result<()> {
        let Some(person) = as_gone(event, |one: &mut Person| one.gone = true)? else {
            return Ok(());
        };
        let object = self.object(&person.connection, &person.directory, &person.directory_id);
        self.serves(&object.0, person.tenant, person.gone, found);
        let known = self.people.objects.contains_key(&object);
        match self.people.person(&person, &mut self.texts) {
            Some(input) => {
                found.changes.push(Change::Person(input));
                if !known {
                    self.joins(&object, Member::Person(person.id), found);
                }
            }
            None => {
                let groups = self.people.groups_of(&object).into_iter();
                let member = Member::Person(person.id);
                found.changes.extend(groups.map(|group| Change::Leaves(group, member)));
                found.changes.push(Change::PersonGone(person.id));
            }
        }
        Ok(())
    }

    fn group(&mut self, event: &Event, found: &mut Found) -> Result<()> {
        let Some(group) = as_gone(event, |one: &mut Group| one.gone = true)? else {
            return Ok(());
        };
        let id = group.id;
        let directory = self.texts.directory(&group.connection, &group.directory);
        self.serves(&directory, group.tenant, group.gone, found);
        match self.people.group(group, &mut self.texts) {
            Some((mut input, object)) => {
                input.members = self.people.members(&object);
                found.changes.push(Change::Group(input));
                self.joins(&object, Member::Group(id), found);
            }
            None => found.changes.push(Change::GroupGone(id)),
        }
        Ok(())
    }

    /// Somebody whose memberships came before himself is in his groups now.
    fn joins(&self, object: &Object, member: Member, found: &mut Found) {
        let groups = self.people.groups_of(object).into_iter();
        found.changes.extend(groups.map(|group| Change::Joins(group, member)));
    }

    fn object(&mut self, connection: &str, directory: &str, id: &str) -> Object {
        (self.texts.directory(connection, directory), id.to_owned())
    }

    /// Whoever is of a directory says that it serves his tenant.
    fn serves(&mut self, directory: &Directory, tenant: TenantId, gone: bool, found: &mut Found) {
        if !gone && self.people.serve(directory, tenant) {
            found.directories.insert(directory.clone());
        }
    }

    fn device(&mut self, event: &Event, found: &mut Found) -> Result<()> {
        if let Some(device) = as_gone(event, |one: &mut DirectoryDevice| one.gone = true)? {
            let object = self.people.device(&device, &mut self.texts);
            self.serves(&object.0, device.tenant, device.gone, found);
            found.devices.insert(object);
        }
        Ok(())
    }

    fn connection_group(&mut self, event: &Event, found: &mut Found) -> Result<()> {
        let Some(group) = as_gone(event, |one: &mut ConnectionGroup| one.gone = true)? else {
            return Ok(());
        };
        found.computers.extend(self.machines.group(&group, &mut self.texts));
        let named = name_of(&group, &mut self.texts);
        found.changes.push(match group.gone {
            true => Change::ConnectionGroupGone(named),
            false => Change::ConnectionGroup(named),
        });
        Ok(())
    }

    fn computer(&mut self, event: &Event, found: &mut Found) -> Result<()> {
        if let Some(computer) = as_gone(event, |one: &mut Computer| one.gone = true)? {
            found.devices.extend(self.people.machine(&computer));
            found.computers.insert(computer.id);
        }
        Ok(())
    }

    /// Puts tenants together anew that are settled otherwise.
    async fn settle(&self, store: &Store, found: &mut Found) -> Result<()> {
        let settings = Settings::of(&self.library);
        each_of(store, &std::mem::take(&mut found.tenants), |tenant: &Tenant| {
            found.changes.push(Change::Tenant(read_tenant(tenant, &settings)));
        })
        .await
    }

    /// Puts computers together anew from what is known of them and of their agents.
    async fn put_together(&mut self, store: &Store, found: &mut Found) -> Result<()> {
        let excluded = excluded(&self.library);
        let wanted = std::mem::take(&mut found.computers);
        let mut gone = wanted.clone();
        each_of(store, &wanted, |computer: &Computer| {
            if let Some(input) = self.machines.computer(computer, &excluded, &mut self.texts) {
                gone.remove(&computer.id);
                found.changes.push(Change::Computer(Box::new(input)));
            }
        })
        .await?;
        // Those that have come are there to be put into groups, those that go are still there to leave them.
        self.settle_devices(found);
        found.changes.extend(gone.into_iter().map(Change::ComputerGone));
        Ok(())
    }

    /// Says which computers device objects are now, in the groups that those are in.
    fn settle_devices(&mut self, found: &mut Found) {
        for directory in &found.directories {
            found.devices.extend(self.people.devices.of_directory(directory));
        }
        for object in std::mem::take(&mut found.devices) {
            let Some([before, after]) = self.people.settle(&object) else { continue };
            for group in self.people.groups_of(&object) {
                found.changes.extend(before.map(|member| Change::Leaves(group, member)));
                found.changes.extend(after.map(|member| Change::Joins(group, member)));
            }
        }
    }
}

/// The entities of these ids that there are, page by page.
async fn each_of<E: Entity, I: ToString>(
    store: &Store,
    ids: &BTreeSet<I>,
    mut take: impl FnMut(&E),
) -> Result<()> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    for part in ids.chunks(PAGE) {
        let query = EntityQuery { ids: Some(part), ..EntityQuery::all(E::KIND) };
        for row in store.entities(&query).await? {
            take(&row.read().map_err(|why| Error::entity(E::KIND, &row.id, &why))?);
        }
    }
    Ok(())
}

/// The entity after an event; none where it was removed.
fn read<E: Entity>(event: &Event) -> Result<Option<E>> {
    event.after.as_deref().map(|text| parse(event, text)).transpose()
}

/// The entity after an event; one that was removed is what it was before, and gone.
fn as_gone<E: Entity>(event: &Event, remove: impl FnOnce(&mut E)) -> Result<Option<E>> {
    if let Some(entity) = read(event)? {
        return Ok(Some(entity));
    }
    let Some(text) = &event.before else { return Ok(None) };
    let mut entity = parse(event, text)?;
    remove(&mut entity);
    Ok(Some(entity))
}

fn parse<E: Entity>(event: &Event, text: &str) -> Result<E> {
    serde_json::from_str(text).map_err(|why| Error::entity(event.entity, &event.id, &why))
}
