//! The computers of one tenant: everything that is known about its agents is loaded, identified,
//! and given its people.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::DateTime;
use core_derive::accounts::Answers;
use core_derive::affinity::{self, People};
use core_derive::evidence::Weighed;
use core_derive::identify::{self, Foreign, IdentifyInput, identify};
use core_derive::{AgentInput, AssetInput, LogonInput, ReadingInput};
use core_model::decision::{Decision, Settled};
use core_model::entity::{Computer, Entity, EntityKind, EntityRow, Person, Pin};
use core_model::facts::{DomainNames, Facts, GroupFacts};
use core_model::hardware::SmbiosUuid;
use core_model::id::{AgentId, PersonId, TenantId};
use core_model::{RecordKind, RecordRef};
use core_store::{Agents, EntityQuery, IdentityRow, RecordQuery, Store, StoredRecord};

use super::{Links, assets, rows};
use crate::collect::answers;
use crate::error::Result;
use crate::hub::Hub;

/// What is known about a tenant's machines.
#[derive(Default)]
pub(crate) struct Loaded {
    agents: Vec<AgentInput>,
    assets: Vec<AssetInput>,
    persons: Vec<Person>,
    person_records: HashMap<RecordRef, PersonId>,
    /// The domains that its people's accounts may be of.
    domains: Vec<DomainNames>,
    /// What its domain controllers told of accounts.
    answers: Answers,
}

/// Computers of other tenants that share a UUID with one of this tenant's.
#[derive(Debug, Default)]
pub(crate) struct Neighbours(HashMap<SmbiosUuid, Vec<Foreign>>);

/// Loads everything about the machines of a tenant.
pub(crate) async fn load(
    hub: &Hub,
    (links, baselines): (&Links, &Baselines),
    tenant: TenantId,
) -> Result<Loaded> {
    let clients = links.sources_of(tenant);
    let query = RecordQuery {
        kinds: &[RecordKind::Agent, RecordKind::Asset],
        clients: Some(&clients),
        include_gone: true,
        ..RecordQuery::default()
    };
    let mut loaded = Loaded::default();
    let (mut agents, mut found) = (Vec::new(), Vec::new());
    for stored in hub.store.all_records(&query).await? {
        let gone = stored.gone_since_us.is_some();
        match &stored.facts {
            Facts::Asset(facts) if !gone => {
                found.push((stored.record.clone(), facts.clone()));
            }
            facts @ Facts::Agent(_)
                if rows::owner(&stored.record, stored.client.as_deref(), facts, links)
                    == Some(tenant) =>
            {
                agents.push(stored);
            }
            _ => {}
        }
    }
    if agents.is_empty() {
        return Ok(loaded);
    }
    loaded.assets = assets::inputs(hub, found).await?;
    loaded.agents = agent_inputs(hub, baselines, &clients, agents).await?;
    loaded.agents.sort_by(|a, b| a.record.cmp(&b.record));
    let id = tenant.to_string();
    let query = EntityQuery { tenant: Some(&id), ..EntityQuery::all(EntityKind::Person) };
    for row in hub.store.entities(&query).await? {
        let person: Person = row.read()?;
        let record = RecordRef::new(
            &person.connection,
            RecordKind::Person,
            &person.directory,
            &person.directory_id,
        );
        loaded.person_records.insert(record, person.id);
        loaded.persons.push(person);
    }
    loaded.domains = domains(hub, &loaded.persons).await?;
    loaded.answers = answers(hub.store.account_answers(Some(&id)).await?);
    Ok(loaded)
}

/// The names of the domains that the groups of these people's directories are synced from.
async fn domains(hub: &Hub, persons: &[Person]) -> Result<Vec<DomainNames>> {
    let directories: BTreeSet<(String, String)> = persons
        .iter()
        .filter(|person| person.on_premises.is_some())
        .map(|person| (person.connection.clone(), person.directory.clone()))
        .collect();
    if directories.is_empty() {
        return Ok(Vec::new());
    }
    let clients: Vec<(String, String)> = directories.into_iter().collect();
    let query = RecordQuery {
        kinds: &[RecordKind::Group],
        clients: Some(&clients),
        ..RecordQuery::default()
    };
    let mut names = Vec::new();
    for stored in hub.store.all_records(&query).await? {
        if let Facts::Group(GroupFacts { domain: Some(domain), .. }) = stored.facts
            && !names.contains(&domain)
        {
            names.push(domain);
        }
    }
    Ok(names)
}

async fn agent_inputs(
    hub: &Hub,
    baselines: &Baselines,
    clients: &[(String, String)],
    agents: Vec<StoredRecord>,
) -> Result<Vec<AgentInput>> {
    let hardware_refs: Vec<RecordRef> = agents
        .iter()
        .map(|agent| RecordRef { kind: RecordKind::Hardware, ..agent.record.clone() })
        .collect();
    let query = RecordQuery { keys: Some(&hardware_refs), ..RecordQuery::default() };
    let stored = hub.store.all_records(&query).await?;
    let mut hardware: HashMap<RecordRef, StoredRecord> =
        stored.into_iter().map(|record| (record.record.clone(), record)).collect();
    let asked = Agents::Clients(clients);
    let mut presences: HashMap<RecordRef, _> =
        hub.store.presences(asked).await?.into_iter().collect();
    let mut logons: HashMap<RecordRef, Vec<LogonInput>> = HashMap::new();
    for (record, account, source, at_us, _) in hub.store.logons(asked).await? {
        logons.entry(record).or_default().push(LogonInput { account, source, at_us });
    }
    let mut readings: HashMap<RecordRef, Vec<ReadingInput>> = HashMap::new();
    for (record, reading, at_us, _) in hub.store.readings(asked).await? {
        readings.entry(record).or_default().push(ReadingInput { reading, at_us });
    }
    let mut inputs = Vec::with_capacity(agents.len());
    for stored in agents {
        let record = stored.record.clone();
        let inventory =
            hardware.remove(&RecordRef { kind: RecordKind::Hardware, ..record.clone() });
        let hardware_history = inventory.as_ref().map(rows::earlier).unwrap_or_default();
        let hardware = inventory.and_then(|stored| match stored.facts {
            Facts::Hardware(facts) => Some(facts),
            _ => None,
        });
        let history = rows::earlier(&stored);
        let Facts::Agent(facts) = stored.facts else { continue };
        inputs.push(AgentInput {
            connector: baselines.connector(&record),
            client: stored.client,
            history,
            hardware,
            hardware_history,
            readings: readings.remove(&record).unwrap_or_default(),
            logons: logons.remove(&record).unwrap_or_default(),
            presence: presences.remove(&record).unwrap_or_default(),
            first_seen_us: stored.first_seen_us,
            baseline: baselines.was_there(stored.stream_id, stored.first_seen_us),
            gone: stored.gone_since_us.is_some(),
            record,
            facts,
        });
    }
    Ok(inputs)
}

/// When each stream was first read to its end: what was seen until then was there before us.
pub(crate) struct Baselines {
    first_complete: HashMap<i64, Option<i64>>,
    connectors: HashMap<String, String>,
}

impl Baselines {
    pub(crate) async fn load(hub: &Hub) -> Result<Self> {
        let streams = hub.store.streams().await?;
        Ok(Self {
            first_complete: streams.iter().map(|(_, s)| (s.id, s.first_full_us)).collect(),
            connectors: streams.into_iter().map(|(k, _)| (k.connection, k.connector)).collect(),
        })
    }

    fn connector(&self, record: &RecordRef) -> String {
        self.connectors.get(&record.connection).cloned().unwrap_or_default()
    }

    fn was_there(&self, stream: i64, first_seen_us: i64) -> bool {
        match self.first_complete.get(&stream) {
            Some(Some(complete)) => first_seen_us <= *complete,
            _ => true,
        }
    }
}

/// Derives agents, computers and open decisions of a tenant.
pub(crate) fn derive(
    hub: &Hub,
    links: &Links,
    decisions: &[Decision],
    tenant: TenantId,
    loaded: Loaded,
    neighbours: &Neighbours,
) -> Vec<EntityRow> {
    let domains = loaded.domains.iter();
    let people = People::of(&loaded.persons, &hub.settings.affinity)
        .in_domains(domains.map(|domain| (domain.net_bios.as_str(), domain.dns.as_str())))
        .answered(loaded.answers);
    let mut logons: HashMap<AgentId, Vec<LogonInput>> = HashMap::new();
    let mut ids: HashMap<RecordRef, AgentId> = HashMap::new();
    for agent in &loaded.agents {
        let id = AgentId::derive(&agent.record, agent.first_seen_us);
        logons.insert(id, agent.logons.clone());
        ids.insert(agent.record.clone(), id);
    }
    let identified = identify(IdentifyInput {
        tenant,
        agents: loaded.agents,
        assets: &loaded.assets,
        foreign: &neighbours.0,
        decisions,
        clients: &links.client_ids,
        policy: &hub.settings.identification,
        now: hub.clock.now(),
    });
    let pins = pins(decisions, &ids, &loaded.person_records);
    let mut out: Vec<EntityRow> = identified.agents.iter().map(Entity::row).collect();
    out.extend(identified.questions.iter().map(Entity::row));
    for mut computer in identified.computers {
        give_people(&mut computer, &logons, &pins, &people, hub);
        out.push(computer.row());
    }
    out
}

/// Whom humans pinned, by agent, with the number of the decision; the last one holds, also one that
/// unpinned.
fn pins(
    decisions: &[Decision],
    ids: &HashMap<RecordRef, AgentId>,
    persons: &HashMap<RecordRef, PersonId>,
) -> BTreeMap<AgentId, (i64, Option<Pin>)> {
    let mut pins = BTreeMap::new();
    let pin = |record: &RecordRef| match persons.get(record) {
        Some(&person) => Pin::Person { person },
        None => Pin::Unknown { record: record.to_string() },
    };
    for decision in decisions {
        let (agent, pin) = match &decision.settled {
            Settled::PinPrimary { agent, person } => {
                (agent, Some(person.as_ref().map_or(Pin::Nobody, pin)))
            }
            Settled::UnpinPrimary { agent } => (agent, None),
            _ => continue,
        };
        if let Some(agent) = ids.get(agent) {
            pins.insert(*agent, (decision.number, pin));
        }
    }
    pins
}

fn give_people(
    computer: &mut Computer,
    logons: &HashMap<AgentId, Vec<LogonInput>>,
    pins: &BTreeMap<AgentId, (i64, Option<Pin>)>,
    people: &People,
    hub: &Hub,
) {
    let seen: Vec<LogonInput> =
        computer.agents.iter().filter_map(|agent| logons.get(agent)).flatten().cloned().collect();
    let pinned = computer.agents.iter().filter_map(|agent| pins.get(agent));
    let pinned = pinned.max_by_key(|(number, _)| *number).and_then(|(_, pin)| pin.clone());
    let wiped = computer.wipes.last().copied();
    let found = affinity::affinity(&seen, wiped, pinned, people, &hub.settings.affinity);
    computer.logons = found.logons;
    computer.primary = found.primary;
    computer.pin = found.pin;
    affinity::flag_shared(&mut computer.flags, found.shared);
}

/// What the model has of a tenant's machines.
pub(crate) async fn stored(
    store: &Store,
    tenant: TenantId,
) -> Result<BTreeSet<(EntityKind, String)>> {
    let id = tenant.to_string();
    let mut stored = BTreeSet::new();
    for kind in [EntityKind::Agent, EntityKind::Computer, EntityKind::Decision] {
        stored.extend(store.entity_ids(kind, &id).await?.into_iter().map(|id| (kind, id)));
    }
    Ok(stored)
}

/// The identities of a tenant's agents, as other tenants are warned of them.
pub(crate) fn identities(
    hub: &Hub,
    decisions: &[Decision],
    tenant: TenantId,
    loaded: &Loaded,
) -> Vec<IdentityRow> {
    let (policy, now) = (&hub.settings.identification, hub.clock.now());
    let identities = identify::identities(&loaded.agents, decisions, policy, now);
    let mut found = Vec::new();
    for (agent, identity) in loaded.agents.iter().zip(identities) {
        for uuid in &identity.uuids {
            found.push(IdentityRow {
                uuid: uuid.to_string(),
                agent: agent.record.to_string(),
                tenant: tenant.to_string(),
                since_us: agent.since().timestamp_micros(),
                last_seen_us: agent.presence.last_seen.map(|at| at.timestamp_micros()),
                serials: identity.serials.clone(),
            });
        }
    }
    found
}

/// Notes the identities of a tenant's agents, and gives those that are new.
pub(crate) async fn note_identities(
    hub: &Hub,
    decisions: &[Decision],
    tenant: TenantId,
    loaded: &Loaded,
) -> Result<Vec<String>> {
    let rows = identities(hub, decisions, tenant, loaded);
    Ok(hub.store.set_identities(&tenant.to_string(), &rows).await?)
}

impl Neighbours {
    /// Who shares a UUID with this tenant, from the store.
    pub(crate) async fn of(hub: &Hub, tenant: TenantId, loaded: &Loaded) -> Result<Self> {
        let mine: BTreeSet<String> = loaded
            .agents
            .iter()
            .flat_map(|agent| Weighed::of(agent, &hub.settings.identification).uuids)
            .map(|uuid| uuid.to_string())
            .collect();
        let mine: Vec<String> = mine.into_iter().collect();
        Ok(Self::from_rows(tenant, hub.store.identities(&mine).await?))
    }

    /// From rows of all tenants.
    pub(crate) fn from_rows(tenant: TenantId, rows: Vec<IdentityRow>) -> Self {
        let own = tenant.to_string();
        let mut found: HashMap<SmbiosUuid, Vec<Foreign>> = HashMap::new();
        for row in rows.into_iter().filter(|row| row.tenant != own) {
            let Some(uuid) = SmbiosUuid::parse(&row.uuid) else { continue };
            found.entry(uuid).or_default().push(Foreign {
                since: DateTime::from_timestamp_micros(row.since_us).unwrap_or_default(),
                last_seen: row.last_seen_us.and_then(DateTime::from_timestamp_micros),
                serials: row.serials,
            });
        }
        Self(found)
    }

    /// Other tenants that have one of these UUIDs.
    pub(crate) async fn tenants(
        store: &Store,
        tenant: TenantId,
        uuids: &[String],
    ) -> Result<BTreeSet<TenantId>> {
        let own = tenant.to_string();
        let rows = store.identities(uuids).await?;
        let others = rows.into_iter().filter(|row| row.tenant != own);
        Ok(others.filter_map(|row| row.tenant.parse().ok()).collect())
    }
}
