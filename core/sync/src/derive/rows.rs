//! What comes from one record each: persons, groups, memberships, agreements, lines, products, and
//! agents of unlinked clients.

use core_derive::{SourceRecord, agreements, machines, people};
use core_model::entity::{Agent, AgentState, Entity, EntityKind, EntityRow, Evidence};
use core_model::facts::{AgentFacts, Facts};
use core_model::id::{
    AgentId, AgreementId, DirectoryDeviceId, GroupId, LineId, MembershipId, PersonId, ProductId,
    TenantId,
};
use core_model::{RecordKind, RecordRef};
use core_store::StoredRecord;

use super::Links;

/// Kinds of record that become an entity each.
pub(crate) const KINDS: &[RecordKind] = &[
    RecordKind::Person,
    RecordKind::Group,
    RecordKind::GroupMember,
    RecordKind::Agent,
    RecordKind::Agreement,
    RecordKind::AgreementLine,
    RecordKind::Product,
    RecordKind::ConnectionGroup,
    RecordKind::ConnectionGroupMember,
    RecordKind::DirectoryDevice,
];

/// Derives rows; a record whose client is linked to nobody takes part in nothing, and what came
/// of it before is removed.
pub(crate) fn derive(
    records: Vec<StoredRecord>,
    links: &Links,
) -> (Vec<EntityRow>, Vec<(EntityKind, String)>) {
    let mut upserts = Vec::with_capacity(records.len());
    let mut removals = Vec::new();
    for stored in records {
        match row(stored, links) {
            Some(Ok(row)) => upserts.push(row),
            Some(Err(gone)) => removals.push(gone),
            None => {}
        }
    }
    (upserts, removals)
}

fn row(stored: StoredRecord, links: &Links) -> Option<Result<EntityRow, (EntityKind, String)>> {
    let (record, facts) = source(stored);
    row_of(&record, &facts, links)
}

/// The row that a record becomes, or what is to be removed.
pub(super) fn row_of(
    record: &SourceRecord,
    facts: &Facts,
    links: &Links,
) -> Option<Result<EntityRow, (EntityKind, String)>> {
    let at = record.first_seen_us;
    let tenant = owner(&record.record, record.client.as_deref(), facts, links);
    let nobody = |kind, id: String| Some(Err((kind, id)));
    match facts {
        Facts::Person(facts) => match tenant {
            Some(tenant) => Some(Ok(people::person(record, facts, tenant).row())),
            None => nobody(EntityKind::Person, PersonId::derive(&record.record, at).to_string()),
        },
        Facts::Group(facts) => match tenant {
            Some(tenant) => Some(Ok(people::group(record, facts, tenant).row())),
            None => nobody(EntityKind::Group, GroupId::derive(&record.record, at).to_string()),
        },
        Facts::GroupMember(facts) => match tenant {
            Some(tenant) => Some(Ok(people::membership(record, facts, tenant).row())),
            None => {
                nobody(EntityKind::Membership, MembershipId::derive(&record.record, at).to_string())
            }
        },
        Facts::Agreement(facts) => {
            let id = AgreementId::derive(&record.record, at);
            let client = record.client.clone().map(|key| (record.record.connection.clone(), key));
            let client = client.and_then(|client| links.client_ids.get(&client).copied());
            debug_assert_eq!(id, agreements::agreement(record, facts, None).id);
            Some(Ok(agreements::agreement(record, facts, client.map(|c| (c, tenant))).row()))
        }
        Facts::AgreementLine(facts) => {
            debug_assert_eq!(
                LineId::derive(&record.record, at),
                agreements::line(record, facts, None).id
            );
            Some(Ok(agreements::line(record, facts, tenant).row()))
        }
        Facts::Product(facts) => {
            debug_assert_eq!(
                ProductId::derive(&record.record, at),
                agreements::product(record, facts).id
            );
            Some(Ok(agreements::product(record, facts).row()))
        }
        Facts::ConnectionGroup(facts) => {
            Some(Ok(machines::connection_group(record, facts, tenant).row()))
        }
        Facts::ConnectionGroupMember(facts) => {
            Some(Ok(machines::connection_member(record, facts).row()))
        }
        Facts::DirectoryDevice(facts) => match tenant {
            Some(tenant) => Some(Ok(machines::directory_device(record, facts, tenant).row())),
            None => nobody(
                EntityKind::DirectoryDevice,
                DirectoryDeviceId::derive(&record.record, at).to_string(),
            ),
        },
        // Agents of linked clients are derived with all others of their tenant.
        Facts::Agent(facts) if tenant.is_none() => Some(Ok(unlinked(record, facts, links).row())),
        _ => None,
    }
}

/// The agent or person that a record becomes, and its tenant.
pub(crate) fn owner_of(
    stored: &StoredRecord,
    links: &Links,
) -> Option<(EntityKind, String, Option<TenantId>)> {
    let (record, at) = (&stored.record, stored.first_seen_us);
    let tenant = owner(record, stored.client.as_deref(), &stored.facts, links);
    match &stored.facts {
        Facts::Agent(_) => {
            Some((EntityKind::Agent, AgentId::derive(record, at).to_string(), tenant))
        }
        Facts::Person(_) => {
            Some((EntityKind::Person, PersonId::derive(record, at).to_string(), tenant))
        }
        _ => None,
    }
}

/// The tenant of a record: the one that a split of its directory gives the person, or the machine by
/// its user, to; else its client's. A machine without a user stays with the directory's first tenant,
/// and so do groups: their members are found in whichever tenant they are.
pub(crate) fn owner(
    record: &RecordRef,
    client: Option<&str>,
    facts: &Facts,
    links: &Links,
) -> Option<TenantId> {
    let upn = match facts {
        Facts::Person(facts) => Some(facts.upn.as_str()),
        Facts::Agent(facts) => facts.assigned_upn.as_deref(),
        _ => None,
    };
    let split = upn.and_then(|upn| people::split_of(record, upn, links.splits()));
    split
        .and_then(|split| links.split_tenant(split))
        .or_else(|| links.tenant(&record.connection, client?))
}

/// A record as derivation takes it, and what it says.
fn source(stored: StoredRecord) -> (SourceRecord, Facts) {
    let record = SourceRecord {
        history: earlier(&stored),
        record: stored.record,
        client: stored.client,
        first_seen_us: stored.first_seen_us,
        gone_since_us: stored.gone_since_us,
    };
    (record, stored.facts)
}

pub(crate) fn earlier(stored: &StoredRecord) -> Vec<core_derive::Earlier> {
    let each = stored.history.iter();
    each.map(|e| core_derive::Earlier { value: e.value.clone(), until_us: e.until_us }).collect()
}

/// An agent of a client that is linked to no tenant: landed, and part of nothing.
fn unlinked(record: &SourceRecord, facts: &AgentFacts, links: &Links) -> Agent {
    let RecordRef { connection, scope, key, .. } = record.record.clone();
    let client = record.client.clone().map(|client| (connection.clone(), client));
    let why = match &record.client {
        Some(client) => format!("its client `{client}` is linked to no tenant"),
        None => "it names no client".to_owned(),
    };
    Agent {
        id: AgentId::derive(&record.record, record.first_seen_us),
        connection,
        scope,
        key,
        host: facts.host.clone(),
        client: client.and_then(|client| links.client_ids.get(&client).copied()),
        tenant: None,
        computer: None,
        state: AgentState::Unlinked,
        rule: None,
        why,
        evidence: Evidence::default(),
        runs_scripts: facts.runs_scripts,
        os: facts.os.clone(),
        os_version: facts.os_version.clone(),
        domain: facts.domain.clone(),
        location: facts.location.clone(),
        properties: facts.properties.clone(),
        decision: None,
        gone: record.is_gone(),
    }
}
