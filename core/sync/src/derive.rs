//! Derivation at work: what changed since last time is read from the store, put through
//! `core-derive`, and written with its events. It ends in the state that deriving everything from
//! scratch gives.
//!
//! Three cursors, each moved in the transaction that makes it true: `links` (clients to tenants),
//! `rows` (what comes from one record each), `machines` (what comes from all records of a tenant).
//! A fourth, `unfinished`, says that what one step found out for the next ones (clients that belong
//! elsewhere now, tenants that share an identity) is not worked off yet: a derivation that was
//! killed is followed by one that looks at everything.
//!
//! What comes from one record of a stream that is read for the first time is written with the record (`first`);
//! `rows` passes over it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::Ordering;

use core_connector::TRACES;
use core_model::entity::{Client, EntityKind, EntityRow};
use core_model::event::Cause;
use core_model::id::{ClientId, TenantId};
use core_model::{RecordKind, RecordRef};
use core_store::{EntityQuery, ModelChange, RecordQuery, StoredRecord};
use futures::future::Either;

use crate::error::{Error, Result};
use crate::hub::Hub;
use crate::lease::LeaseWatch;
use crate::progress::ProgressEvent;

mod assets;
mod first;
mod links;
mod machines;
mod rows;

pub(crate) use first::{Firsts, Ground};
pub(crate) use links::Links;
pub(crate) use machines::{Baselines, Neighbours};

/// Records that are derived in one transaction.
const BATCH: usize = 2000;
/// How far links, what comes from one record, and computers are derived.
pub(crate) const LINKS: &str = "links";
pub(crate) const ROWS: &str = "rows";
pub(crate) const MACHINES: &str = "machines";
/// The rules by which they are, as a number.
pub(crate) const RULES: &str = "rules";
/// How often clients were linked anew.
const LINKED: &str = "linked";
/// The cursor that is 1 while a derivation has worked nothing off yet that it found out on its way.
const UNFINISHED: &str = "unfinished";
/// Tenants whose machines are derived in one transaction.
const TENANTS: usize = 16;

/// Kinds that decide how clients are linked.
pub(crate) const LINK_KINDS: &[RecordKind] =
    &[RecordKind::Client, RecordKind::ClientLink, RecordKind::Site];
/// Kinds that a tenant's computers are made of. Groups tell which domain an account is of.
pub(crate) const MACHINE_KINDS: &[RecordKind] = &[
    RecordKind::Agent,
    RecordKind::Hardware,
    RecordKind::Asset,
    RecordKind::Person,
    RecordKind::Group,
];

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
    unfinished: i64,
}

impl Hub {
    /// Derives the model from what changed since the last time.
    ///
    /// # Errors
    /// When the store fails.
    #[tracing::instrument(target = TRACES, name = "derive", skip_all, fields(events))]
    pub async fn derive(&self) -> Result<Derived> {
        let _alone = self.deriving.lock().await;
        let held = self.hold_derivation().await?;
        let derived = self.while_ours(held.watch(), self.derive_alone()).await;
        if let Ok(derived) = &derived {
            tracing::Span::current().record("events", derived.events);
        }
        held.give_back().await?;
        derived
    }

    /// What another process derives now must not be written over: given up in the middle, a
    /// derivation leaves what one that was killed leaves.
    async fn while_ours<T>(
        &self,
        watch: LeaseWatch,
        deriving: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let deriving = std::pin::pin!(deriving);
        let loss = std::pin::pin!(watch.loss());
        match futures::future::select(deriving, loss).await {
            Either::Left((derived, _)) => derived,
            Either::Right((holder, _)) => {
                Err(Error::LeaseLost { what: "the derivation of the model".to_owned(), holder })
            }
        }
    }

    async fn derive_alone(&self) -> Result<Derived> {
        let cursors = self.cursors().await?;
        let high = self.store.max_change_seq().await?;
        let decisions = self.store.decisions().await?;
        let last_decision = decisions.last().map_or(0, |decision| decision.number);
        let rules = self.settings.rules_digest();
        let again = cursors.rules != rules || cursors.unfinished != 0;
        let decided = cursors.decisions != last_decision;
        let mut derived = Derived { events: self.first_events.swap(0, Ordering::Relaxed) };
        let cause = if decided { Cause::Decision { number: last_decision } } else { Cause::Run };

        let mut moved: BTreeSet<(String, String)> = BTreeSet::new();
        if again || decided || self.changed(cursors.links, LINK_KINDS).await? {
            let (events, clients) = self.derive_links(&decisions, &cause, high).await?;
            derived.events += events;
            moved = clients;
        }
        let links = Links::load(self).await?;
        // Other rules, or a step that nobody knows the end of: every row is looked at.
        let rows_after = if again { 0 } else { cursors.rows };
        let (events, left) = self.derive_rows(&links, &moved, (rows_after, high), &cause).await?;
        derived.events += events;
        let everything = again || decided || cursors.machines == 0;
        let mut dirty = self.dirty_tenants(&links, &moved, &cursors, everything).await?;
        dirty.extend(left);
        if again {
            dirty.extend(self.tenants_with_computers().await?);
        }
        derived.events += self.derive_machines(&links, &decisions, dirty, &cause).await?;
        let cursors =
            [(MACHINES, high), ("decisions", last_decision), (RULES, rules), (UNFINISHED, 0)];
        self.write(Vec::new(), Vec::new(), &cause, &cursors).await?;
        self.progress.event(&ProgressEvent::Derived { events: derived.events });
        Ok(derived)
    }

    async fn cursors(&self) -> Result<Cursors> {
        Ok(Cursors {
            links: self.store.cursor(LINKS).await?,
            rows: self.store.cursor(ROWS).await?,
            machines: self.store.cursor(MACHINES).await?,
            decisions: self.store.cursor("decisions").await?,
            rules: self.store.cursor(RULES).await?,
            unfinished: self.store.cursor(UNFINISHED).await?,
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
        let splits = &self.settings.tenants.splits;
        let before = Links::load(self).await?;
        let linked = links::link(self, decisions).await?;
        let (rows, removals) = links::rows(&self.store, &linked).await?;
        let after = Links::of(&linked.clients, &linked.tenants, splits);
        for split in splits.iter().filter(|split| !after.splits().contains(split)) {
            tracing::warn!(directory = %split.directory, client = %split.client,
                "a domain split moves nobody: the directory is the operator's own");
        }
        let moved = after.moved_since(&before);
        let linked = self.store.cursor(LINKED).await? + 1;
        let cursors = [(LINKS, high), (LINKED, linked), (UNFINISHED, 1)];
        let cursors = if moved.is_empty() { &cursors[..2] } else { &cursors[..] };
        let events = self.write(rows, removals, cause, cursors).await?;
        Ok((events, moved))
    }

    /// Derives what comes from one record each: of every changed record, and of every record of a
    /// client that belongs elsewhere now. Says which tenants lost an agent or a person to another.
    async fn derive_rows(
        &self,
        links: &Links,
        moved: &BTreeSet<(String, String)>,
        (after, high): (i64, i64),
        cause: &Cause,
    ) -> Result<(u64, BTreeSet<TenantId>)> {
        let mut events = 0;
        let mut left = BTreeSet::new();
        let clients: Vec<(String, String)> = moved.iter().cloned().collect();
        // From the beginning on, everything is looked at: also what was written by other links until these held.
        let (high, ahead) = match after {
            0 => (self.store.max_change_seq().await?, Vec::new()),
            _ => (high, self.store.derived_ahead(after).await?),
        };
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
                let all: Vec<_> = records.iter().collect();
                left.extend(self.tenants_left(&all, links).await?);
                let (upserts, removals) = rows::derive(records, links);
                events += self.write(upserts, removals, cause, &[]).await?;
            }
        }
        for (mut cursor, until) in first::between(after, high, &ahead) {
            loop {
                let records = self.store.changed_between((cursor, until), BATCH).await?;
                let Some(last) = records.last() else { break };
                cursor = last.change_seq;
                if after > 0 {
                    // What was stored once and not changed since was nobody's before.
                    let known =
                        |stored: &&StoredRecord| stored.changed_at_us > stored.first_seen_us;
                    let known: Vec<_> = records.iter().filter(known).collect();
                    left.extend(self.tenants_left(&known, links).await?);
                }
                let (upserts, removals) = rows::derive(records, links);
                events += self.write(upserts, removals, cause, &[(ROWS, cursor)]).await?;
            }
        }
        if after < high {
            self.store.derived_up_to(ROWS, high).await?;
        }
        Ok((events, left))
    }

    /// The tenants that some of these agents and persons were of until now.
    async fn tenants_left(
        &self,
        records: &[&StoredRecord],
        links: &Links,
    ) -> Result<BTreeSet<TenantId>> {
        let mut left = BTreeSet::new();
        for kind in [EntityKind::Agent, EntityKind::Person] {
            let now: HashMap<String, Option<TenantId>> = records
                .iter()
                .filter_map(|stored| rows::owner_of(stored, links))
                .filter(|(of, ..)| *of == kind)
                .map(|(_, id, tenant)| (id, tenant))
                .collect();
            if now.is_empty() {
                continue;
            }
            let ids: Vec<String> = now.keys().cloned().collect();
            for (id, tenant) in self.store.tenants_of(kind, &ids).await? {
                let before = tenant.parse().ok();
                left.extend(before.filter(|before| now.get(&id) != Some(&Some(*before))));
            }
        }
        Ok(left)
    }

    /// Every tenant that the model has a computer of.
    async fn tenants_with_computers(&self) -> Result<BTreeSet<TenantId>> {
        let rows = self.store.entities(&EntityQuery::all(EntityKind::Computer)).await?;
        Ok(rows.iter().filter_map(|row| row.tenant.as_deref()?.parse().ok()).collect())
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
        let told = self.store.accounts_answered_after(cursors.machines).await?;
        dirty.extend(told.iter().filter_map(|tenant| tenant.parse::<TenantId>().ok()));
        let changed = self.store.changed_owners(cursors.machines, MACHINE_KINDS).await?;
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
        let mut written: BTreeMap<TenantId, Vec<(EntityKind, String)>> = BTreeMap::new();
        let mut orphans: BTreeSet<(EntityKind, String)> = BTreeSet::new();
        if !dirty.is_empty() {
            self.store.set_cursor(UNFINISHED, 1).await?;
        }
        let baselines = Baselines::load(self).await?;
        let mut waiting = dirty;
        let mut again: BTreeSet<TenantId> = BTreeSet::new();
        while !waiting.is_empty() {
            let part: Vec<TenantId> = waiting.iter().copied().take(TENANTS).collect();
            let mut loaded = Vec::with_capacity(part.len());
            for &tenant in &part {
                waiting.remove(&tenant);
                loaded.push(machines::load(self, (links, &baselines), tenant).await?);
            }
            // A UUID that came or went may be another tenant's too: that one is looked at again.
            for (&tenant, loaded) in part.iter().zip(&loaded) {
                let changed = machines::note_identities(self, decisions, tenant, loaded).await?;
                let others = Neighbours::tenants(&self.store, tenant, &changed).await?;
                let others = others.into_iter().filter(|other| !part.contains(other));
                waiting.extend(others.filter(|other| again.insert(*other)));
            }
            let mut upserts = Vec::new();
            for (&tenant, loaded) in part.iter().zip(loaded) {
                let neighbours = Neighbours::of(self, tenant, &loaded).await?;
                orphans.extend(machines::stored(&self.store, tenant).await?);
                let rows = machines::derive(self, links, decisions, tenant, loaded, &neighbours);
                let names = rows.iter().map(|row| (row.kind, row.id.clone())).collect();
                written.insert(tenant, names);
                upserts.extend(rows);
            }
            events += self.write(upserts, Vec::new(), cause, &[]).await?;
        }
        // A computer that went to another tenant is written there; only what is nowhere is removed.
        let written: BTreeSet<(EntityKind, String)> = written.into_values().flatten().collect();
        let removals: Vec<_> = orphans.difference(&written).cloned().collect();
        events += self.write(Vec::new(), removals, cause, &[]).await?;
        Ok(events)
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
pub(crate) fn derive_rows_of(records: Vec<StoredRecord>, links: &Links) -> Vec<EntityRow> {
    rows::derive(records, links).0
}

/// The identities of a tenant's agents, without writing.
pub(crate) async fn identities_of(
    hub: &Hub,
    ground: (&Links, &Baselines),
    decisions: &[core_model::decision::Decision],
    tenant: TenantId,
) -> Result<Vec<core_store::IdentityRow>> {
    let loaded = machines::load(hub, ground, tenant).await?;
    Ok(machines::identities(hub, decisions, tenant, &loaded))
}

/// Derives the computers of a tenant, without writing.
pub(crate) async fn derive_machines_of(
    hub: &Hub,
    ground: (&Links, &Baselines),
    decisions: &[core_model::decision::Decision],
    tenant: TenantId,
    neighbours: &Neighbours,
) -> Result<Vec<EntityRow>> {
    let loaded = machines::load(hub, ground, tenant).await?;
    Ok(machines::derive(hub, ground.0, decisions, tenant, loaded, neighbours))
}

/// Client ids by connection and key.
pub(crate) fn client_ids(clients: &[Client]) -> HashMap<(String, String), ClientId> {
    clients.iter().map(|c| ((c.connection.clone(), c.key.clone()), c.id)).collect()
}
