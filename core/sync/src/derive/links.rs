//! Clients to tenants, with what the store has.

use std::collections::{BTreeSet, HashMap, HashSet};

use core_derive::DomainSplit;
use core_derive::tenants::{ClientInput, LinkInput, Linked};
use core_model::decision::Decision;
use core_model::entity::{Client, Entity, EntityKind, EntityRow, Tenant};
use core_model::facts::Facts;
use core_model::id::{ClientId, TenantId};
use core_model::{RecordKind, RecordRef};
use core_store::{EntityQuery, RecordQuery, Store};

use super::client_ids;
use crate::error::Result;
use crate::hub::Hub;

/// Which tenant a client belongs to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    tenant_of: HashMap<(String, String), TenantId>,
    pub(crate) client_ids: HashMap<(String, String), ClientId>,
    /// Keys of clients by connection and name.
    keys: HashMap<(String, String), String>,
    /// Directories that are split among tenants; never the operator's own.
    splits: Vec<DomainSplit>,
}

impl Links {
    /// From the model; directories are split as the settings say.
    pub(crate) async fn load(hub: &Hub) -> Result<Self> {
        Ok(Self::of(&hub.all().await?, &hub.all().await?, &hub.settings.tenants.splits))
    }

    pub(crate) fn of(clients: &[Client], tenants: &[Tenant], splits: &[DomainSplit]) -> Self {
        let tenant = |client: &Client| {
            client.tenant.map(|tenant| ((client.connection.clone(), client.key.clone()), tenant))
        };
        let tenant_of: HashMap<(String, String), TenantId> =
            clients.iter().filter_map(tenant).collect();
        // Whoever works at the operator stays there, whatever domain the name is of.
        let operators: HashSet<TenantId> =
            tenants.iter().filter(|tenant| tenant.operator).map(|tenant| tenant.id).collect();
        let is_own = |split: &&DomainSplit| {
            let mut clients = tenant_of.iter();
            clients.any(|((_, key), of)| *key == split.directory && operators.contains(of))
        };
        Self {
            splits: splits.iter().filter(|split| !is_own(split)).cloned().collect(),
            tenant_of,
            client_ids: client_ids(clients),
            keys: clients
                .iter()
                .map(|client| {
                    ((client.connection.clone(), client.name.clone()), client.key.clone())
                })
                .collect(),
        }
    }

    /// The directories that are split among tenants, and how.
    pub(crate) fn splits(&self) -> &[DomainSplit] {
        &self.splits
    }

    /// The tenant of a client.
    pub(crate) fn tenant(&self, connection: &str, client: &str) -> Option<TenantId> {
        self.tenant_of.get(&(connection.to_owned(), client.to_owned())).copied()
    }

    /// The tenants that a record of this client may concern: the client's, and those that a split
    /// directory's people belong to.
    pub(crate) fn tenants_of(&self, record: &RecordRef, client: &str) -> Vec<TenantId> {
        let split = self.splits.iter().filter(|split| split.directory == record.scope);
        let others = split.filter_map(|split| self.split_tenant(split));
        self.tenant(&record.connection, client).into_iter().chain(others).collect()
    }

    /// The tenant that takes the people of a split.
    pub(crate) fn split_tenant(&self, split: &DomainSplit) -> Option<TenantId> {
        self.tenant(&split.connection, &split.client).or_else(|| {
            let named = (split.connection.clone(), split.client.clone());
            self.tenant(&split.connection, self.keys.get(&named)?)
        })
    }

    /// Every tenant that has a client.
    pub(crate) fn tenants(&self) -> BTreeSet<TenantId> {
        self.tenant_of.values().copied().collect()
    }

    /// The clients of a tenant: (connection, key).
    pub(crate) fn clients_of(&self, tenant: TenantId) -> Vec<(String, String)> {
        let mut clients: Vec<(String, String)> = self
            .tenant_of
            .iter()
            .filter(|(_, of)| **of == tenant)
            .map(|(client, _)| client.clone())
            .collect();
        clients.sort();
        clients
    }

    /// Where records of a tenant may stand: under its clients, and in directories of others that it
    /// has a part of.
    pub(crate) fn sources_of(&self, tenant: TenantId) -> Vec<(String, String)> {
        let mut sources = self.clients_of(tenant);
        let of_tenant = |split: &&DomainSplit| self.split_tenant(split) == Some(tenant);
        for split in self.splits.iter().filter(of_tenant) {
            let directory = self.client_ids.keys().filter(|(_, key)| *key == split.directory);
            sources.extend(directory.cloned());
        }
        sources.sort();
        sources.dedup();
        sources
    }

    /// Clients that belong to another tenant than before, or to one for the first time; those that
    /// came or went, because what was read before them names them; and directories of which a part
    /// belongs elsewhere.
    pub(crate) fn moved_since(&self, before: &Self) -> BTreeSet<(String, String)> {
        let takes = |links: &Self, split: &DomainSplit| {
            links.splits.contains(split).then(|| links.split_tenant(split)).flatten()
        };
        let splits = self.splits.iter().chain(&before.splits);
        let moved: Vec<&DomainSplit> =
            splits.filter(|split| takes(self, split) != takes(before, split)).collect();
        let keys: BTreeSet<&(String, String)> =
            self.client_ids.keys().chain(before.client_ids.keys()).collect();
        keys.into_iter()
            .filter(|key| {
                self.tenant_of.get(*key) != before.tenant_of.get(*key)
                    || self.client_ids.get(*key) != before.client_ids.get(*key)
                    || moved.iter().any(|split| split.directory == key.1)
            })
            .cloned()
            .collect()
    }
}

/// Links all clients by the rules and decisions.
pub(crate) async fn link(hub: &Hub, decisions: &[Decision]) -> Result<Linked> {
    let kinds: HashMap<&str, &str> =
        hub.connections.iter().map(|c| (c.name.as_str(), c.kind.as_str())).collect();
    let streams = hub.store.streams().await?;
    let connector = |connection: &str| {
        kinds.get(connection).map(|kind| (*kind).to_owned()).or_else(|| {
            let stream = streams.iter().find(|(key, _)| key.connection == connection)?;
            Some(stream.0.connector.clone())
        })
    };
    let query = RecordQuery {
        kinds: &[RecordKind::Client, RecordKind::ClientLink, RecordKind::Site],
        include_gone: true,
        ..RecordQuery::default()
    };
    let mut input = LinkInput {
        clients: Vec::new(),
        links: Vec::new(),
        zones: Vec::new(),
        decisions,
        policy: &hub.settings.tenants,
    };
    for stored in hub.store.all_records(&query).await? {
        let gone = stored.gone_since_us.is_some();
        let connection = stored.record.connection.clone();
        match stored.facts {
            Facts::Client(facts) => input.clients.push(ClientInput {
                connector: connector(&connection).unwrap_or_default(),
                record: stored.record,
                facts,
                first_seen_us: stored.first_seen_us,
                gone,
            }),
            Facts::ClientLink(facts) if !gone => input.links.push((connection, facts)),
            Facts::Site(facts) if !gone => {
                if let (Some(client), Some(zone)) = (stored.client, facts.time_zone) {
                    input.zones.push((connection, client, zone));
                }
            }
            _ => {}
        }
    }
    Ok(core_derive::tenants::link(input))
}

/// Rows of tenants and clients, and those in the model that are no more.
pub(crate) async fn rows(
    store: &Store,
    linked: &Linked,
) -> Result<(Vec<EntityRow>, Vec<(EntityKind, String)>)> {
    let mut rows: Vec<EntityRow> = linked.tenants.iter().map(Entity::row).collect();
    rows.extend(linked.clients.iter().map(Entity::row));
    let mut removals = Vec::new();
    for kind in [EntityKind::Tenant, EntityKind::Client] {
        let now: BTreeSet<&str> =
            rows.iter().filter(|row| row.kind == kind).map(|row| row.id.as_str()).collect();
        let stored = store.entities(&EntityQuery::all(kind)).await?.into_iter();
        let gone = stored.filter(|row| !now.contains(row.id.as_str()));
        removals.extend(gone.map(|row| (kind, row.id)));
    }
    Ok((rows, removals))
}
