//! Derivation at work: what changed since last time is read from the store, put through
//! `core-derive`, and written with its events. It ends in the state that deriving everything from
//! scratch gives.
//!
//! Three cursors, each moved in the transaction that makes it true: `links` (clients to tenants),
//! `rows` (what comes from one record each), `machines` (what comes from all records of a tenant).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use core_model::entity::{Client, EntityKind, EntityRow};
use core_model::event::Cause;
use core_model::id::{ClientId, TenantId};
use core_model::{RecordKind, RecordRef};
use core_store::{ModelChange, RecordQuery, StoredRecord};

use crate::error::Result;
use crate::hub::Hub;
use crate::progress::ProgressEvent;

mod links;
mod machines;
mod rows;

pub(crate) use links::Links;
pub(crate) use machines::Neighbours;

/// Records that are derived in one transaction.
const BATCH: usize = 4000;
/// Tenants whose machines are derived in one transaction.
const TENANTS: usize = 16;

/// Kinds that decide how clients are linked.
const LINK_KINDS: &[RecordKind] = &[RecordKind::Client, RecordKind::ClientLink, RecordKind::Site];
/// Kinds that a tenant's computers are made of.
pub(crate) const MACHINE_KINDS: &[RecordKind] =
    &[RecordKind::Agent, RecordKind::Hardware, RecordKind::Asset, RecordKind::Person];

/// What a derivation did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Derived {
    /// Changes of entities.
    pub events: u64,
}

/// Where derivation stands.
struct Cursors {
    links: i64,
    rows: i64,
    machines: i64,
    decisions: i64,
    rules: i64,
}

impl Hub {
    /// Derives the model from what changed since the last time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn derive(&self) -> Result<Derived> {
        let _alone = self.deriving.lock().await;
        let cursors = self.cursors().await?;
        let high = self.store.max_change_seq().await?;
        let decisions = self.store.decisions().await?;
        let last_decision = decisions.last().map_or(0, |decision| decision.number);
        let rules = self.settings.rules_digest();
        let again = cursors.rules != rules;
        let decided = cursors.decisions != last_decision;
        let mut derived = Derived::default();
        let cause = if decided { Cause::Decision { number: last_decision } } else { Cause::Run };

        let mut moved: BTreeSet<(String, String)> = BTreeSet::new();
        if again || decided || self.changed(cursors.links, LINK_KINDS).await? {
            let (events, clients) = self.derive_links(&decisions, &cause, high).await?;
            derived.events += events;
            moved = clients;
        }
        let links = Links::load(&self.store).await?.with_splits(&self.settings.tenants.splits);
        derived.events += self.derive_rows(&links, &moved, cursors.rows, &cause, high).await?;
        let dirty = self.dirty_tenants(&links, &moved, &cursors, again || decided).await?;
        derived.events += self.derive_machines(&links, &decisions, dirty, &cause).await?;
        let cursors = [("machines", high), ("decisions", last_decision), ("rules", rules)];
        self.write(Vec::new(), Vec::new(), &cause, &cursors).await?;
        self.progress.event(&ProgressEvent::Derived { events: derived.events });
        Ok(derived)
    }

    async fn cursors(&self) -> Result<Cursors> {
        Ok(Cursors {
            links: self.store.cursor("links").await?,
            rows: self.store.cursor("rows").await?,
            machines: self.store.cursor("machines").await?,
            decisions: self.store.cursor("decisions").await?,
            rules: self.store.cursor("rules").await?,
        })
    }

    async fn changed(&self, after: i64, kinds: &[RecordKind]) -> Result<bool> {
        let changed = self.store.changed_kinds(after).await?;
        Ok(kinds.iter().any(|kind| changed.contains(kind)))
    }

    pub(crate) async fn write(
        &self,
        upserts: Vec<EntityRow>,
        removals: Vec<(EntityKind, String)>,
        cause: &Cause,
        cursors: &[(&str, i64)],
    ) -> Result<u64> {
        let now_us = self.clock.now_us();
        Ok(self.store.apply(ModelChange { upserts, removals, cause, cursors, now_us }).await?)
    }

    /// Links clients to tenants anew, and says which clients now belong elsewhere.
    async fn derive_links(
        &self,
        decisions: &[core_model::decision::Decision],
        cause: &Cause,
        high: i64,
    ) -> Result<(u64, BTreeSet<(String, String)>)> {
        let before = Links::load(&self.store).await?;
        let linked = links::link(self, decisions).await?;
        let (rows, removals) = links::rows(&self.store, &linked).await?;
        let after = Links::of(&linked.clients);
        let moved = after.moved_since(&before);
        let events = self.write(rows, removals, cause, &[("links", high)]).await?;
        Ok((events, moved))
    }

    /// Derives what comes from one record each: of every changed record, and of every record of a
    /// client that belongs elsewhere now.
    async fn derive_rows(
        &self,
        links: &Links,
        moved: &BTreeSet<(String, String)>,
        after: i64,
        cause: &Cause,
        high: i64,
    ) -> Result<u64> {
        let mut events = 0;
        let clients: Vec<(String, String)> = moved.iter().cloned().collect();
        if !clients.is_empty() && after > 0 {
            let query = RecordQuery {
                kinds: rows::KINDS,
                clients: Some(&clients),
                include_gone: true,
                ..RecordQuery::default()
            };
            let mut place = None;
            loop {
                let records = self.store.records(&query, place.as_ref(), BATCH).await?;
                place = records.last().map(StoredRecord::cursor);
                if place.is_none() {
                    break;
                }
                let (upserts, removals) = rows::derive(&records, links, &self.settings.tenants);
                events += self.write(upserts, removals, cause, &[]).await?;
            }
        }
        let mut cursor = after;
        while cursor < high {
            let records = self.store.changed_records(cursor, BATCH).await?;
            let Some(last) = records.last() else { break };
            cursor = last.change_seq;
            let (upserts, removals) = rows::derive(&records, links, &self.settings.tenants);
            events += self.write(upserts, removals, cause, &[("rows", cursor)]).await?;
        }
        Ok(events)
    }

    /// The tenants whose computers may be otherwise than they were.
    async fn dirty_tenants(
        &self,
        links: &Links,
        moved: &BTreeSet<(String, String)>,
        cursors: &Cursors,
        everything: bool,
    ) -> Result<BTreeSet<TenantId>> {
        if everything {
            return Ok(links.tenants());
        }
        let mut dirty: BTreeSet<TenantId> = BTreeSet::new();
        for (connection, client) in moved {
            dirty.extend(links.tenant(connection, client));
        }
        let changed = self.store.changed_refs(cursors.machines, MACHINE_KINDS).await?;
        let mut unowned: Vec<RecordRef> = self.store.observations_after(cursors.machines).await?;
        for (record, client) in changed {
            match client {
                Some(client) => dirty.extend(links.tenants_of(&record, &client)),
                // Hardware inventory does not say whose it is; its agent does.
                None => unowned.push(RecordRef { kind: RecordKind::Agent, ..record }),
            }
        }
        unowned.sort();
        unowned.dedup();
        for part in unowned.chunks(BATCH) {
            for (record, client) in self.store.owners(part).await? {
                dirty.extend(client.iter().flat_map(|client| links.tenants_of(&record, client)));
            }
        }
        Ok(dirty)
    }

    async fn derive_machines(
        &self,
        links: &Links,
        decisions: &[core_model::decision::Decision],
        dirty: BTreeSet<TenantId>,
        cause: &Cause,
    ) -> Result<u64> {
        let mut events = 0;
        let mut written: BTreeSet<(EntityKind, String)> = BTreeSet::new();
        let mut orphans: BTreeSet<(EntityKind, String)> = BTreeSet::new();
        let dirty = self.with_neighbours(links, dirty).await?;
        let dirty: Vec<TenantId> = dirty.into_iter().collect();
        for part in dirty.chunks(TENANTS) {
            let mut upserts = Vec::new();
            for &tenant in part {
                let loaded = machines::load(self, links, tenant).await?;
                let neighbours = Neighbours::of(&self.store, tenant, &loaded).await?;
                let rows = machines::derive(self, links, decisions, tenant, loaded, &neighbours);
                orphans.extend(machines::stored(&self.store, tenant).await?);
                upserts.extend(rows);
            }
            written.extend(upserts.iter().map(|row| (row.kind, row.id.clone())));
            events += self.write(upserts, Vec::new(), cause, &[]).await?;
        }
        // A computer that went to another tenant is written there; only what is nowhere is removed.
        let removals: Vec<_> = orphans.difference(&written).cloned().collect();
        events += self.write(Vec::new(), removals, cause, &[]).await?;
        Ok(events)
    }

    /// Notes which UUIDs the dirty tenants have now, and adds the tenants that share one.
    async fn with_neighbours(
        &self,
        links: &Links,
        mut dirty: BTreeSet<TenantId>,
    ) -> Result<BTreeSet<TenantId>> {
        for tenant in dirty.clone() {
            let loaded = machines::load(self, links, tenant).await?;
            let changed = machines::note_identities(self, tenant, &loaded).await?;
            dirty.extend(Neighbours::tenants(&self.store, tenant, &changed).await?);
        }
        Ok(dirty)
    }
}

/// Links everything anew, without writing.
pub(crate) async fn link_all(
    hub: &Hub,
    decisions: &[core_model::decision::Decision],
) -> Result<core_derive::tenants::Linked> {
    links::link(hub, decisions).await
}

/// Derives the rows of records, without writing.
pub(crate) fn derive_rows_of(
    records: &[StoredRecord],
    links: &Links,
    policy: &core_derive::TenantPolicy,
) -> Vec<EntityRow> {
    rows::derive(records, links, policy).0
}

/// The identities of a tenant's agents, without writing.
pub(crate) async fn identities_of(
    hub: &Hub,
    links: &Links,
    tenant: TenantId,
) -> Result<Vec<core_store::IdentityRow>> {
    let loaded = machines::load(hub, links, tenant).await?;
    Ok(machines::identities(hub, tenant, &loaded))
}

/// Derives the computers of a tenant, without writing.
pub(crate) async fn derive_machines_of(
    hub: &Hub,
    links: &Links,
    decisions: &[core_model::decision::Decision],
    tenant: TenantId,
    neighbours: &Neighbours,
) -> Result<Vec<EntityRow>> {
    let loaded = machines::load(hub, links, tenant).await?;
    Ok(machines::derive(hub, links, decisions, tenant, loaded, neighbours))
}

/// Client ids by connection and key.
pub(crate) fn client_ids(clients: &[Client]) -> HashMap<(String, String), ClientId> {
    clients.iter().map(|c| ((c.connection.clone(), c.key.clone()), c.id)).collect()
}

/// Everything of one kind in the model, by id.
pub(crate) async fn documents(
    store: &core_store::Store,
    kind: EntityKind,
) -> Result<BTreeMap<String, EntityRow>> {
    let rows = store.entities(&core_store::EntityQuery::all(kind)).await?;
    Ok(rows.into_iter().map(|row| (row.id.clone(), row)).collect())
}
