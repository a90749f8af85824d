//! Follows the event log: what happened since the snapshot was read, as changes of it.
//!
//! What is rare and touches how entities know each other (device objects of directories, groups of
//! RMMs, settings of computers) is not followed: then everything is read anew, which gives the same.

use std::collections::BTreeSet;
use std::sync::Arc;

use core_library::Library;
use core_model::entity::{
    Agent, Agreement, AgreementLine, Computer, ConnectionMember, Entity, EntityKind, Group,
    Membership, Person, Product, Tenant,
};
use core_model::event::Event;
use core_model::id::{ComputerId, TenantId};
use core_model::library::TenantSettings;
use core_resolve::{Change, Member};
use core_store::{EntityQuery, Store};

use crate::error::{Error, Result};
use crate::feeds::feeds;
use crate::library::{Settings, excluded, library};
use crate::load::{LoadOptions, World, read_tenant};
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

/// Changes that were found, and computers and tenants that must be put together anew.
#[derive(Default)]
struct Found {
    changes: Vec<Change>,
    computers: BTreeSet<ComputerId>,
    tenants: BTreeSet<TenantId>,
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
        let runs = store.stream_runs(options.now.timestamp_micros()).await?;
        let now = feeds(&runs, &options.kinds, &self.people.served);
        let changed = now.iter().filter(|feed| !self.feeds.contains(feed)).cloned();
        found.changes.extend(changed.map(Change::Feed));
        self.feeds = now;
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
        found.reload |= library.computers != self.library.computers;
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
            EntityKind::ConnectionGroup | EntityKind::DirectoryDevice => found.reload = true,
            EntityKind::Client | EntityKind::Decision => {}
        }
        Ok(())
    }

    fn person(&mut self, event: &Event, found: &mut Found) -> Result<()> {
        let Some(person) = as_gone(event, |one: &mut Person| one.gone = true)? else {
            return Ok(());
        };
        let object = self.object(&person.connection, &person.directory, &person.directory_id);
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

    fn computer(&mut self, event: &Event, found: &mut Found) -> Result<()> {
        let before = match &event.before {
            Some(text) => Some(parse::<Computer>(event, text)?),
            None => None,
        };
        let after = read::<Computer>(event)?;
        let device = |one: &Option<Computer>| {
            let live = one.as_ref().filter(|computer| !computer.gone);
            live.and_then(|computer| Some((computer.directory_device.clone()?, computer.tenant)))
        };
        // Which device object of the directory it is may be another now.
        found.reload |= device(&before) != device(&after);
        found.computers.extend(before.iter().chain(&after).map(|computer| computer.id));
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
        found.changes.extend(gone.into_iter().map(Change::ComputerGone));
        Ok(())
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
