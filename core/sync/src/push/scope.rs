//! What a push looks at: the tenants about which an event came since the last one, the objects that
//! changed by themselves, and what is due to be tried again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use core_connector::PushObject;
use core_model::entity::{Agent, Client, Computer, EntityKind, EntityRow, Person, Tenant};
use core_model::facts::Facts;
use core_model::hardware::normal_serial;
use core_model::{RecordKind, RecordRef};
use core_push::{Asset, Contact, Item, Place, TenantModel, Wanted, Wish, plan, same};
use core_store::{EntityQuery, PushMade, PushMark, PushState, RecordQuery};
use xxhash_rust::xxh3::xxh3_64;

use super::{Marks, Open, Pushed, PushedItem, Shared, key_of};
use crate::error::Result;
use crate::hub::Hub;

/// Events, or changed records, that are read at once.
const BATCH: usize = 4000;

/// What there is to do.
pub(super) struct Work {
    /// Whether every object is looked at.
    pub(super) full: bool,
    /// Objects that should hold something.
    pub(super) planned: usize,
    /// Of these, as they should be by what is remembered.
    pub(super) unchanged: usize,
    /// What is to be worked off: the objects of each computer.
    pub(super) computers: Vec<Vec<Item>>,
    /// Computers that should have an object and cannot yet.
    pub(super) missing: Vec<PushedItem>,
    /// What is remembered of fields.
    pub(super) marks: Marks,
    /// What the hub began to make.
    pub(super) made: BTreeMap<String, PushMade>,
    /// What is open.
    pub(super) open: Open,
    /// What is open and of no interest any more.
    pub(super) stale: Stale,
    /// How far it will have come.
    pub(super) upto: Upto,
}

/// Computers and objects in the book of what is open.
type Stale = Vec<(String, String)>;

/// How far a push has come, once it is done.
#[derive(Clone, Debug)]
pub(super) struct Upto {
    event: i64,
    record: i64,
    fields: i64,
}

/// Which tenants and which objects.
struct Scope {
    /// All tenants.
    all: bool,
    /// These tenants.
    tenants: BTreeSet<String>,
    /// Objects that changed by themselves: they are read again.
    changed: BTreeSet<String>,
}

impl Upto {
    pub(super) async fn note(&self, hub: &Hub, connection: &str) -> Result<()> {
        for (name, seq) in
            [("push", self.event), ("push-records", self.record), ("push-fields", self.fields)]
        {
            hub.store.set_cursor(&format!("{name}:{connection}"), seq).await?;
        }
        Ok(())
    }
}

/// Finds out what there is to do.
pub(super) async fn work(shared: &Shared<'_>) -> Result<Work> {
    let (hub, push) = (shared.hub, shared.push);
    let name = &shared.connection.name;
    // First how far, then what: whatever comes between is looked at again.
    let upto = Upto {
        event: hub.store.last_event_seq().await?,
        record: hub.store.max_change_seq().await?,
        fields: fields_digest(shared),
    };
    let open: Open = hub
        .store
        .push_items(Some(name))
        .await?
        .into_iter()
        .map(|item| ((item.computer.clone(), item.object.clone()), item))
        .collect();
    let mut scope = scope(shared, &upto).await?;
    let now_us = hub.clock.now_us();
    scope.tenants.extend(tenants_of_due(hub, &open, now_us).await?);
    let made: BTreeMap<String, PushMade> = hub
        .store
        .push_objects(name, None)
        .await?
        .into_iter()
        .map(|made| (made.computer.clone(), made))
        .collect();
    let kinds = hub.connector_kinds().await?;
    let mut work = Work {
        full: shared.options.full,
        planned: 0,
        unchanged: 0,
        computers: Vec::new(),
        missing: Vec::new(),
        marks: Marks::new(),
        made,
        open,
        stale: Stale::new(),
        upto,
    };
    let mut planned: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in hub.store.entities(&EntityQuery::all(EntityKind::Tenant)).await? {
        if !scope.all && !scope.tenants.contains(&row.id) {
            continue;
        }
        let tenant: Tenant = row.read()?;
        let items = plan_tenant(shared, &tenant, &work.made, &kinds, push.object()).await?;
        for item in &items {
            let objects = planned.entry(item.computer.clone()).or_default();
            objects.insert(key_of(&item.place).to_owned());
        }
        take_in(shared, &mut work, items, &scope, now_us).await?;
    }
    work.stale = stale(&work.open, &planned, scope.all);
    Ok(work)
}

/// The tenants of what is due to be tried again.
async fn tenants_of_due(hub: &Hub, open: &Open, now_us: i64) -> Result<Vec<String>> {
    let due: Vec<String> = open
        .values()
        .filter(|item| item.state == PushState::Retry && item.next_us <= now_us)
        .map(|item| item.computer.clone())
        .collect();
    let tenants = hub.store.tenants_of(EntityKind::Computer, &due).await?;
    Ok(tenants.into_iter().map(|(_, tenant)| tenant).collect())
}

/// What is open of objects that a planned computer does not have any more, and, where everything was
/// planned, of computers that are gone.
fn stale(open: &Open, planned: &BTreeMap<String, BTreeSet<String>>, all: bool) -> Stale {
    let is_stale = |(computer, object): &&(String, String)| match planned.get(computer) {
        Some(objects) => !objects.contains(object),
        None => all,
    };
    open.keys().filter(is_stale).cloned().collect()
}

/// A number that changes with what is to be written: other settings are a reason to look at all.
fn fields_digest(shared: &Shared<'_>) -> i64 {
    let classes = ["server", "portable", "virtual", "workstation"];
    let made: Vec<bool> = classes.iter().map(|class| shared.push.makes(class)).collect();
    let text = format!("{:?}{made:?}", shared.push.fields());
    i64::from_ne_bytes(xxh3_64(text.as_bytes()).to_ne_bytes()) & i64::MAX
}

async fn scope(shared: &Shared<'_>, upto: &Upto) -> Result<Scope> {
    let store = &shared.hub.store;
    let cursor =
        async |what: &str| store.cursor(&format!("{what}:{}", shared.connection.name)).await;
    let (event, record) = (cursor("push").await?, cursor("push-records").await?);
    let all = shared.options.full || event == 0 || cursor("push-fields").await? != upto.fields;
    let mut scope = Scope { all, tenants: BTreeSet::new(), changed: BTreeSet::new() };
    if event > 0 {
        follow_events(shared, event, upto.event, &mut scope).await?;
        follow_records(shared, record, upto.record, &mut scope).await?;
    }
    Ok(scope)
}

/// The tenants that events are about, and the connection's own agents that changed.
async fn follow_events(
    shared: &Shared<'_>,
    mut after: i64,
    upto: i64,
    scope: &mut Scope,
) -> Result<()> {
    const KINDS: [EntityKind; 5] = [
        EntityKind::Tenant,
        EntityKind::Client,
        EntityKind::Person,
        EntityKind::Agent,
        EntityKind::Computer,
    ];
    while after < upto {
        let events = shared.hub.store.events(after, BATCH).await?;
        let Some(last) = events.last() else { break };
        after = last.sequence;
        for event in events.iter().filter(|event| KINDS.contains(&event.entity)) {
            scope.tenants.extend(event.tenant.clone());
            if event.entity == EntityKind::Agent
                && let Some(after) = &event.after
            {
                let agent: Agent = serde_json::from_str(after)?;
                if agent.connection == shared.connection.name {
                    scope.changed.insert(agent.key);
                }
            }
        }
    }
    Ok(())
}

/// Contacts and assets are no entities: their records tell that they changed.
async fn follow_records(
    shared: &Shared<'_>,
    mut after: i64,
    upto: i64,
    scope: &mut Scope,
) -> Result<()> {
    if shared.push.object() != PushObject::Asset {
        return Ok(());
    }
    let connection = &shared.connection.name;
    let mut clients: BTreeSet<String> = BTreeSet::new();
    while after < upto {
        let records = shared.hub.store.changed_records(after, BATCH).await?;
        let Some(last) = records.last() else { break };
        after = last.change_seq;
        for stored in records.into_iter().filter(|one| one.record.connection == *connection) {
            match stored.record.kind {
                RecordKind::Contact => clients.extend(stored.client),
                RecordKind::Asset => {
                    clients.extend(stored.client);
                    scope.changed.insert(stored.record.key);
                }
                _ => {}
            }
        }
    }
    if !clients.is_empty() {
        for client in shared.hub.all::<Client>().await? {
            if client.connection == *connection && clients.contains(&client.key) {
                scope.tenants.extend(client.tenant.map(|tenant| tenant.to_string()));
            }
        }
    }
    Ok(())
}

/// What the objects of a tenant's computers should hold.
async fn plan_tenant(
    shared: &Shared<'_>,
    tenant: &Tenant,
    made: &BTreeMap<String, PushMade>,
    kinds: &HashMap<String, String>,
    object: PushObject,
) -> Result<Vec<Item>> {
    let hub = shared.hub;
    let connection = shared.connection.name.as_str();
    let computers: Vec<Computer> = of_tenant(hub, tenant).await?;
    if computers.is_empty() {
        return Ok(Vec::new());
    }
    let agents: Vec<Agent> = of_tenant(hub, tenant).await?;
    let persons: Vec<Person> = of_tenant(hub, tenant).await?;
    let clients: Vec<Client> = of_tenant(hub, tenant).await?;
    let serials = serials(hub, &clients).await?;
    let clients: Vec<Client> =
        clients.into_iter().filter(|client| client.connection == connection).collect();
    let mut contacts = Vec::new();
    let mut assets = HashMap::new();
    if object == PushObject::Asset {
        let of: Vec<(String, String)> =
            clients.iter().map(|client| (client.connection.clone(), client.key.clone())).collect();
        let kinds = &[RecordKind::Contact, RecordKind::Asset];
        let query = RecordQuery { kinds, clients: Some(&of), ..RecordQuery::default() };
        for stored in hub.store.all_records(&query).await? {
            let RecordRef { key, .. } = stored.record;
            match stored.facts {
                Facts::Contact(facts) => {
                    contacts.push(Contact { key, client: stored.client, facts });
                }
                Facts::Asset(facts) => {
                    assets.insert(key, Asset { inactive: facts.inactive });
                }
                _ => {}
            }
        }
    }
    let made: HashMap<String, String> = made
        .values()
        .filter_map(|made| Some((made.computer.clone(), made.object.clone()?)))
        .collect();
    let model = TenantModel {
        connection,
        tenant,
        computers: &computers,
        agents: &agents,
        persons: &persons,
        clients: &clients,
        contacts: &contacts,
        assets: &assets,
        made: &made,
        serials: &serials,
        kinds,
    };
    Ok(plan(&model, object, shared.push.fields(), |class| shared.push.makes(class)))
}

/// The serial numbers of a tenant's agents as they tell them, by their normal spelling. Of several
/// spellings the first in the alphabet counts, so that it is always the same.
async fn serials(hub: &Hub, clients: &[Client]) -> Result<HashMap<String, String>> {
    let of: Vec<(String, String)> =
        clients.iter().map(|client| (client.connection.clone(), client.key.clone())).collect();
    let kinds = &[RecordKind::Agent];
    let query = RecordQuery { kinds, clients: Some(&of), ..RecordQuery::default() };
    let mut found: HashMap<String, String> = HashMap::new();
    for stored in hub.store.all_records(&query).await? {
        let Facts::Agent(facts) = stored.facts else { continue };
        let told = facts.serial.map(|serial| serial.trim().to_owned());
        let Some(told) = told else { continue };
        let Some(normal) = normal_serial(&told) else { continue };
        let known = found.entry(normal).or_insert_with(|| told.clone());
        if told < *known {
            *known = told;
        }
    }
    Ok(found)
}

async fn of_tenant<E: core_model::entity::Entity>(hub: &Hub, tenant: &Tenant) -> Result<Vec<E>> {
    let id = tenant.id.to_string();
    let query = EntityQuery { tenant: Some(&id), ..EntityQuery::all(E::KIND) };
    let rows = hub.store.entities(&query).await?;
    Ok(rows.iter().map(EntityRow::read::<E>).collect::<std::result::Result<_, _>>()?)
}

/// Takes the objects of a tenant that are to be looked at into the work.
async fn take_in(
    shared: &Shared<'_>,
    work: &mut Work,
    items: Vec<Item>,
    scope: &Scope,
    now_us: i64,
) -> Result<()> {
    let keys: Vec<String> = items
        .iter()
        .map(|item| key_of(&item.place).to_owned())
        .filter(|key| !key.is_empty())
        .collect();
    for mark in shared.hub.store.push_marks(&shared.connection.name, Some(&keys)).await? {
        let fields = work.marks.entry(mark.object.clone()).or_default();
        fields.insert(mark.field.clone(), mark);
    }
    let mut computers: BTreeMap<String, Vec<Item>> = BTreeMap::new();
    for item in items {
        work.planned += 1;
        if let Place::Missing { why } = &item.place {
            work.missing.push(PushedItem {
                computer: item.computer,
                name: item.name,
                object: None,
                outcome: Pushed::Missing { why: why.clone() },
                changes: Vec::new(),
                conflicts: Vec::new(),
            });
            continue;
        }
        let key = key_of(&item.place).to_owned();
        let open = work.open.get(&(item.computer.clone(), key.clone()));
        let waits = open.is_some_and(|open| match open.state {
            PushState::Dead => true,
            PushState::Retry => open.next_us > now_us,
            PushState::Conflict => false,
        });
        let due = open.is_some_and(|open| open.state == PushState::Retry);
        let looked_at = shared.options.full || due || scope.changed.contains(&key);
        if waits {
            continue;
        }
        if looked_at || key.is_empty() || differs(&item.wishes, work.marks.get(&key)) {
            computers.entry(item.computer.clone()).or_default().push(item);
        } else {
            work.unchanged += 1;
        }
    }
    work.computers.extend(computers.into_values());
    Ok(())
}

/// Whether, by what is remembered, a field does not hold what it should.
fn differs(wishes: &[Wish], marks: Option<&BTreeMap<String, PushMark>>) -> bool {
    let none = PushMark::default();
    wishes.iter().any(|wish| {
        let mark = marks.and_then(|marks| marks.get(&wish.field)).unwrap_or(&none);
        let base = mark.base.as_deref();
        let wanted = match &wish.wanted {
            Wanted::Unknown => false,
            Wanted::Nothing => base.is_some_and(|base| {
                !base.is_empty() && mark.ours.iter().any(|ours| same(ours, base))
            }),
            Wanted::Value { value, .. } => base.is_none_or(|base| !same(base, value)),
        };
        wanted || mark.sent.is_some()
    })
}
