//! The order of reading, and what comes from one entity each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use core_model::entity::{
    Agent, Agreement, AgreementLine, Computer, ConnectionGroup, ConnectionMember, DirectoryDevice,
    Entity, Group, Membership, Person, Product, Tenant,
};
use core_model::id::{ComputerId, TenantId};
use core_model::library::TenantSettings;
use core_resolve::{Freshness, SnapshotInput, TenantInput};
use core_store::Store;

use crate::error::{Error, Result};
use crate::feeds::{StreamKinds, feeds};
use crate::library::Library;
use crate::machines::Machines;
use crate::people::{People, Texts};

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
    pub library: Library,
    /// The event after which the model was so.
    pub event: i64,
    /// The revision of the definitions.
    pub revision: i64,
}

impl Loaded {
    /// What a snapshot would be built from if this were defined instead. Numbers of tenants,
    /// persons and computers mean the same in both snapshots.
    #[must_use]
    pub fn redefined(&self, after: &Library) -> SnapshotInput {
        let mut input = self.input.clone();
        input.tags.clone_from(&after.tags);
        let settings: HashMap<TenantId, &TenantSettings> =
            after.tenants.iter().map(|settings| (settings.tenant, settings)).collect();
        for tenant in &mut input.tenants {
            settle(tenant, settings.get(&tenant.id).copied());
        }
        let excluded = excluded(after);
        for computer in &mut input.computers {
            computer.excluded = excluded.contains(&computer.id);
        }
        input
    }
}

/// Reads what targets are resolved on.
///
/// # Errors
/// When the store does not answer, or holds what this version cannot read.
pub async fn load(store: &Store, options: &LoadOptions) -> Result<Loaded> {
    let known_at = options.known_at.unwrap_or(options.now);
    let (event, revision) = match options.known_at {
        Some(at) => {
            let at_us = at.timestamp_micros();
            (store.event_at(at_us).await?, store.revision_at(at_us).await?)
        }
        None => (store.last_event_seq().await?, store.last_revision().await?),
    };
    let library = Library::of(&store.definitions(revision).await?)?;
    let mut input = SnapshotInput::new(known_at);
    input.default_zone.clone_from(&options.default_zone);
    input.freshness = options.freshness;
    input.disabled_connections.clone_from(&options.disabled);
    input.tags.clone_from(&library.tags);
    let reader = Reader { store, event };
    let mut texts = Texts::default();
    let served = reader.people_and_machines(&library, &mut input, &mut texts).await?;
    let settings: HashMap<TenantId, &TenantSettings> =
        library.tenants.iter().map(|settings| (settings.tenant, settings)).collect();
    reader
        .each(|tenant: Tenant| {
            input.tenants.push(tenant_input(&tenant, settings.get(&tenant.id).copied()))
        })
        .await?;
    reader.each(|one: Agreement| input.agreements.push(one)).await?;
    reader.each(|one: AgreementLine| input.lines.push(one)).await?;
    reader.each(|one: Product| input.products.push(one)).await?;
    let runs = store.stream_runs(known_at.timestamp_micros()).await?;
    input.feeds = feeds(&runs, &options.kinds, &served);
    Ok(Loaded { input, library, event, revision })
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

    /// Persons, groups and computers; gives the tenants that each directory serves.
    async fn people_and_machines(
        &self,
        library: &Library,
        input: &mut SnapshotInput,
        texts: &mut Texts,
    ) -> Result<BTreeMap<core_resolve::Directory, BTreeSet<TenantId>>> {
        let mut people = People::new();
        self.each(|person: Person| people.person(&person, texts)).await?;
        self.each(|group: Group| people.group(group, texts)).await?;
        self.each(|device: DirectoryDevice| people.device(device, texts)).await?;
        let mut memberships = Vec::new();
        self.each(|membership: Membership| memberships.push(membership)).await?;
        let mut machines = Machines::default();
        self.each(|agent: Agent| machines.agent(agent)).await?;
        self.each(|group: ConnectionGroup| machines.group(&group, texts)).await?;
        self.each(|member: ConnectionMember| machines.member(&member, texts)).await?;
        let excluded = excluded(library);
        let mut devices = Vec::new();
        self.each(|computer: Computer| {
            input.computers.extend(machines.computer(&computer, &excluded, texts));
            // Of a computer with a device object its names are needed once more, below.
            if computer.directory_device.is_some() {
                devices.push(Computer { logons: Vec::new(), agents: Vec::new(), ..computer });
            }
        })
        .await?;
        input.connection_groups = machines.group_inputs;
        let served = people.served.clone();
        (input.groups, input.persons) = people.groups(&memberships, &devices, texts);
        Ok(served)
    }
}

fn excluded(library: &Library) -> BTreeSet<ComputerId> {
    let settings = library.computers.iter();
    let excluded = settings.filter(|settings| settings.excluded_from_maintenance);
    excluded.map(|settings| settings.computer).collect()
}

fn tenant_input(tenant: &Tenant, settings: Option<&TenantSettings>) -> TenantInput {
    let mut input = TenantInput {
        zone: tenant.time_zone.clone(),
        suspended: tenant.suspended,
        ..TenantInput::new(tenant.id, &tenant.name)
    };
    settle(&mut input, settings);
    input
}

/// Puts the operator's settings in.
fn settle(tenant: &mut TenantInput, settings: Option<&TenantSettings>) {
    tenant.parent = settings.and_then(|settings| settings.parent);
    tenant.excluded_from_cross_tenant =
        settings.is_some_and(|settings| settings.excluded_from_cross_tenant);
    tenant.budget = settings.and_then(|settings| settings.budget);
}
