//! Clients to tenants: decisions first, then cross-references, default domains, and names that are
//! unique on both sides. What nobody can tell stays unlinked, with suggestions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use core_model::RecordRef;
use core_model::decision::{Decision, Settled};
use core_model::entity::{Client, LinkReason, Suggestion, Tenant};
use core_model::facts::{ClientFacts, ClientLinkFacts, Reference};
use core_model::id::{ClientId, TenantId};
use core_model::names::normal_name;

use crate::policy::TenantPolicy;

mod edges;

/// Names at least this alike are suggested, in percent.
const SUGGEST_FROM: u8 = 70;
/// How many tenants are suggested.
const SUGGESTIONS: usize = 3;

/// A client record.
#[derive(Clone, Debug)]
pub struct ClientInput {
    /// The record.
    pub record: RecordRef,
    /// The connector's kind.
    pub connector: String,
    /// What it says.
    pub facts: ClientFacts,
    /// First seen, Unix microseconds.
    pub first_seen_us: i64,
    /// Gone at the source.
    pub gone: bool,
}

/// Everything that linking looks at.
pub struct LinkInput<'a> {
    /// Client records, of all connections.
    pub clients: Vec<ClientInput>,
    /// Links that sources carry, with the connection that says so.
    pub links: Vec<(String, ClientLinkFacts)>,
    /// Time zones of sites: (connection, client key, zone).
    pub zones: Vec<(String, String, String)>,
    /// Decisions, in their order.
    pub decisions: &'a [Decision],
    /// The rules.
    pub policy: &'a TenantPolicy,
}

/// Tenants, and every client with its link or its suggestions.
#[derive(Clone, Debug, Default)]
pub struct Linked {
    /// Tenants, by id.
    pub tenants: Vec<Tenant>,
    /// Clients, by connection and key.
    pub clients: Vec<Client>,
}

/// Links clients to tenants. The result does not depend on the order of the input.
#[must_use]
pub fn link(mut input: LinkInput<'_>) -> Linked {
    input.clients.sort_by(|a, b| a.record.cmp(&b.record));
    input.clients.dedup_by(|a, b| a.record == b.record);
    mark_placeholders(&mut input);
    let edges = edges::Edges::find(&input);
    let sets = edges.union.sets();
    let mut linked = Linked::default();
    let mut tenant_of = HashMap::new();
    for set in &sets {
        let Some(anchor) = anchor(&input, set) else { continue };
        let tenant = tenant(&input, set, anchor);
        tenant_of.extend(set.iter().map(|&client| (client, (tenant.id, anchor))));
        linked.tenants.push(tenant);
    }
    linked.tenants.sort_by_key(|tenant| tenant.id);
    for number in 0..input.clients.len() {
        let client = client(&input, number, tenant_of.get(&number), &edges, &linked.tenants);
        linked.clients.push(client);
    }
    linked
}

/// Clients with the name of a placeholder stand for nobody, unless their source says whose they are: a
/// customer may be called anything.
fn mark_placeholders(input: &mut LinkInput<'_>) {
    let names: BTreeSet<String> =
        input.policy.placeholders.iter().map(|name| normal_name(name)).collect();
    let links = &input.links;
    for client in &mut input.clients {
        let (connection, key) = (&client.record.connection, &client.record.key);
        let is_linked = links.iter().any(|(of, link)| of == connection && link.client == *key);
        client.facts.placeholder |= names.contains(&normal_name(&client.facts.name))
            && client.facts.references.is_empty()
            && client.facts.default_domain.is_none()
            && !is_linked;
    }
}

/// The client that makes a set a tenant and gives it its id: of those whose connection may create
/// tenants the one seen first.
fn anchor(input: &LinkInput<'_>, set: &[usize]) -> Option<usize> {
    let may_create = |client: &&ClientInput| {
        !client.facts.placeholder && input.policy.create_from.contains(&client.record.connection)
    };
    set.iter().copied().filter(|&number| may_create(&&input.clients[number])).min_by_key(
        |&number| {
            let client = &input.clients[number];
            (client.first_seen_us, client.record.clone())
        },
    )
}

fn tenant(input: &LinkInput<'_>, set: &[usize], anchor: usize) -> Tenant {
    let clients: Vec<&ClientInput> = set.iter().map(|&number| &input.clients[number]).collect();
    let rank = |client: &&&ClientInput| {
        let rank =
            input.policy.create_from.iter().position(|name| *name == client.record.connection);
        (client.gone, rank.unwrap_or(usize::MAX), client.record.clone())
    };
    let named = clients.iter().min_by_key(rank).map_or("", |client| client.facts.name.as_str());
    let anchor = &input.clients[anchor];
    let domains: BTreeSet<String> = clients
        .iter()
        .flat_map(|client| client.facts.domains.iter().chain(&client.facts.default_domain))
        .cloned()
        .collect();
    Tenant {
        id: TenantId::derive(&anchor.record, anchor.first_seen_us),
        name: named.to_owned(),
        clients: clients.iter().map(|client| client_id(client)).collect(),
        domains: domains.into_iter().collect(),
        time_zone: zone(input, &clients),
        operator: clients.iter().any(|client| client.facts.operator),
        suspended: clients.iter().all(|client| client.gone || client.facts.inactive),
    }
}

/// The zone that a client carries itself, else the one most of its sites are in.
fn zone(input: &LinkInput<'_>, clients: &[&ClientInput]) -> Option<String> {
    if let Some(zone) = clients.iter().find_map(|client| client.facts.time_zone.clone()) {
        return Some(zone);
    }
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (connection, client, zone) in &input.zones {
        let ours = |c: &&ClientInput| c.record.connection == *connection && c.record.key == *client;
        if clients.iter().any(ours) {
            *counts.entry(zone).or_default() += 1;
        }
    }
    let most = counts.iter().max_by_key(|(zone, count)| (**count, std::cmp::Reverse(**zone)))?;
    Some((*most.0).to_owned())
}

fn client(
    input: &LinkInput<'_>,
    number: usize,
    tenant: Option<&(TenantId, usize)>,
    edges: &edges::Edges,
    tenants: &[Tenant],
) -> Client {
    let client = &input.clients[number];
    let reason = tenant.map(|&(_, anchor)| {
        let found = edges.reasons.get(&number).cloned();
        if number == anchor { LinkReason::Created } else { found.unwrap_or(LinkReason::Created) }
    });
    let open = tenant.is_none() && !client.facts.placeholder && !client.gone;
    Client {
        id: client_id(client),
        connection: client.record.connection.clone(),
        key: client.record.key.clone(),
        name: client.facts.name.clone(),
        tenant: tenant.map(|(id, _)| *id),
        reason,
        suggestions: if open { suggestions(client, tenants) } else { Vec::new() },
        inactive: client.facts.inactive,
        placeholder: client.facts.placeholder,
        gone: client.gone,
    }
}

fn suggestions(client: &ClientInput, tenants: &[Tenant]) -> Vec<Suggestion> {
    let name = normal_name(&client.facts.name);
    let mut found: Vec<Suggestion> = tenants
        .iter()
        .filter_map(|tenant| {
            let alike = strsim::jaro_winkler(&name, &normal_name(&tenant.name)) * 100.0;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
            let score = alike.round() as u8;
            (score >= SUGGEST_FROM).then(|| Suggestion {
                tenant: tenant.id,
                name: tenant.name.clone(),
                score,
            })
        })
        .collect();
    found.sort_by_key(|suggestion| (std::cmp::Reverse(suggestion.score), suggestion.tenant));
    found.truncate(SUGGESTIONS);
    found
}

fn client_id(client: &ClientInput) -> ClientId {
    ClientId::derive(&client.record, client.first_seen_us)
}

/// What humans decided about clients; of several decisions about one client the last holds.
fn decided(decisions: &[Decision]) -> BTreeMap<&RecordRef, Option<&RecordRef>> {
    let mut latest = BTreeMap::new();
    for decision in decisions {
        if let Settled::LinkClient { client, with } = &decision.settled {
            latest.insert(client, with.as_ref());
        }
    }
    latest
}

/// A reference in words.
fn in_words(reference: &Reference) -> String {
    format!("{} {}", reference.system, reference.id)
}

#[cfg(test)]
mod tests;
