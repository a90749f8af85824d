//! The order of reading, and what comes from one entity each.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use core_library::Library;
use core_model::entity::{
    Agent, Agreement, AgreementLine, Computer, ConnectionGroup, ConnectionMember, DirectoryDevice,
    Entity, Group, Membership, Person, Product, Tenant,
};
use core_resolve::{Feed, Freshness, GroupInput, SnapshotInput, TenantInput};
use core_store::{RunsAt, Store};

use crate::error::{Error, Result};
use crate::feeds::StreamKinds;
use crate::library::{Settings, excluded, library};
use crate::machines::{Machines, name_of};
use crate::people::{Object, People, Texts};

/// Entities that are read at once.
const PAGE: usize = 4000;

/// How to load.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Now.
    pub now: DateTime<Utc>,
    /// The instant whose knowledge is asked for; now where absent.
    pub known_at: Option<DateTime<Utc>>,
    /// IANA zone of tenants without one of their own.
    pub default_zone: String,
    /// How old facts may be.
    pub freshness: Freshness,
    /// What each stream brings.
    pub kinds: StreamKinds,
    /// Connections that are switched off, with the instant since when.
    pub disabled: BTreeMap<String, DateTime<Utc>>,
}

/// What was loaded, and what it was at.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What a snapshot is built from.
    pub input: SnapshotInput,
    /// What is defined.
    pub library: Arc<Library>,
    /// The event after which the model was so.
    pub event: i64,
    /// The revision of the definitions.
    pub revision: i64,
}

/// Reads what targets are resolved on.
///
/// # Errors
/// When the store does not answer, or holds what this version cannot read.
pub async fn load(store: &Store, options: &LoadOptions) -> Result<Loaded> {
    Ok(World::load(store, options).await?.1)
}

/// What turns entities into what is resolved on: the names that they know each other by.
#[derive(Default)]
pub struct World {
    pub(crate) texts: Texts,
    pub(crate) people: People,
    pub(crate) machines: Machines,
    pub(crate) library: Arc<Library>,
    pub(crate) feeds: Vec<Feed>,
    pub(crate) runs: RunsAt,
    pub(crate) event: i64,
    pub(crate) revision: i64,
}

impl World {
    /// Reads what targets are resolved on, and keeps what is needed to follow its changes.
    ///
    /// # Errors
    /// When the store does not answer, or holds what this version cannot read.
    pub async fn load(store: &Store, options: &LoadOptions) -> Result<(Self, Loaded)> {
        let known_at = options.known_at.unwrap_or(options.now);
        let (event, revision) = match options.known_at {
            Some(at) => {
                let at_us = at.timestamp_micros();
                (store.event_at(at_us).await?, store.revision_at(at_us).await?)
            }
            None => (store.last_event_seq().await?, store.last_revision().await?),
        };
        let library = Arc::new(library(&store.definitions(revision).await?)?);
        let mut world = Self { library, event, revision, ..Self::default() };
        let mut input = SnapshotInput::new(known_at);
        input.default_zone.clone_from(&options.default_zone);
        input.freshness = options.freshness;
        input.disabled_connections.clone_from(&options.disabled);
        input.tags.clone_from(&world.library.tags);
        let reader = Reader { store, event };
        let groups = world.read_people(&reader, &mut input).await?;
        world.read_machines(&reader, &mut input).await?;
        input.groups = world.with_members(groups);
        let settings = Settings::of(&world.library);
        reader.each(|tenant: Tenant| input.tenants.push(read_tenant(&tenant, &settings))).await?;
        reader.each(|one: Agreement| input.agreements.push(one)).await?;
        reader.each(|one: AgreementLine| input.lines.push(one)).await?;
        reader.each(|one: Product| input.products.push(one)).await?;
        input.feeds = world.read_feeds(store, known_at, (&options.kinds, true)).await?;
        let library = Arc::clone(&world.library);
        Ok((world, Loaded { input, library, event, revision }))
    }

    /// Gives the groups, which have their members only when devices are known, too.
    async fn read_people(
        &mut self,
        reader: &Reader<'_>,
        input: &mut SnapshotInput,
    ) -> Result<Vec<(GroupInput, Object)>> {
        let Self { people, texts, .. } = self;
        reader.each(|person: Person| input.persons.extend(people.person(&person, texts))).await?;
        let mut groups = Vec::new();
        reader.each(|group: Group| groups.extend(people.group(group, texts))).await?;
        reader
            .each(|membership: Membership| {
                people.membership(&membership, texts);
            })
            .await?;
        reader
            .each(|device: DirectoryDevice| {
                let object = people.device(&device, texts);
                if !device.gone {
                    people.serve(&object.0, device.tenant);
                }
            })
            .await?;
        Ok(groups)
    }

    fn with_members(&mut self, groups: Vec<(GroupInput, Object)>) -> Vec<GroupInput> {
        let people = &mut self.people;
        for object in people.devices.all() {
            people.settle(&object);
        }
        let with = |(group, object)| GroupInput { members: people.members(&object), ..group };
        groups.into_iter().map(with).collect()
    }

    async fn read_machines(
        &mut self,
        reader: &Reader<'_>,
        input: &mut SnapshotInput,
    ) -> Result<()> {
        let Self { machines, texts, .. } = self;
        reader
            .each(|agent: Agent| {
                machines.agent(agent);
            })
            .await?;
        reader
            .each(|group: ConnectionGroup| {
                machines.group(&group, texts);
                if !group.gone {
                    input.connection_groups.push(name_of(&group, texts));
                }
            })
            .await?;
        reader
            .each(|member: ConnectionMember| {
                machines.member(&member, texts);
            })
            .await?;
        let excluded = excluded(&self.library);
        let Self { people, machines, texts, .. } = self;
        reader
            .each(|one: Computer| {
                people.machine(&one);
                input.computers.extend(machines.computer(&one, &excluded, texts));
            })
            .await
    }
}

/// A tenant with what is settled about it.
pub(crate) fn read_tenant(tenant: &Tenant, settings: &Settings<'_>) -> TenantInput {
    let mut input = TenantInput {
        zone: tenant.time_zone.clone(),
        suspended: tenant.suspended,
        ..TenantInput::new(tenant.id, &tenant.name)
    };
    settings.settle(&mut input);
    input
}

/// Reads entities as they were after one event.
struct Reader<'a> {
    store: &'a Store,
    event: i64,
}

impl Reader<'_> {
    async fn each<E: Entity>(&self, mut take: impl FnMut(E)) -> Result<()> {
        let mut read = |row: &core_store::EntityAfter| {
            let entity = serde_json::from_str(&row.document)
                .map_err(|why| Error::entity(E::KIND, &row.id, &why))?;
            take(entity);
            Ok::<(), Error>(())
        };
        for row in self.store.changed_after(E::KIND, self.event).await? {
            read(&row)?;
        }
        let mut place = String::new();
        loop {
            let rows = self.store.unchanged_after(E::KIND, self.event, &place, PAGE).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            for row in &rows {
                read(row)?;
            }
            place.clone_from(&last.id);
        }
    }
}
