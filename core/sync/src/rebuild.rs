//! Rebuilding the model from records, observations and decisions, and comparing it with the one
//! that grew change by change.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use core_model::entity::{Entity, EntityKind, EntityRow};
use core_model::id::TenantId;
use core_store::{RecordQuery, StoredRecord};

use crate::derive::{
    Baselines, LINKS, Links, MACHINES, Neighbours, ROWS, RULES, derive_machines_of, derive_rows_of,
    identities_of, link_all,
};
use crate::error::Result;
use crate::hub::Hub;

/// Records that are derived at once.
const BATCH: usize = 4000;

/// Where the model is not what its sources say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Kind of entity.
    pub kind: EntityKind,
    /// Its id.
    pub id: String,
    /// The document in the model; none where it is missing.
    pub stored: Option<String>,
    /// The document that its sources give; none where there should be none.
    pub rebuilt: Option<String>,
}

/// What comparing brought.
#[derive(Clone, Debug, Default)]
pub struct Verified {
    /// Entities compared.
    pub entities: u64,
    /// Differences.
    pub differences: Vec<Difference>,
}

impl Hub {
    /// Derives everything anew and applies what is different; gives the number of changes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rebuild(&self) -> Result<u64> {
        for cursor in [LINKS, ROWS, MACHINES, RULES] {
            self.store.set_cursor(cursor, 0).await?;
        }
        let derived = self.derive().await?;
        let verified = self.verify().await?;
        if verified.differences.is_empty() {
            return Ok(derived.events);
        }
        // What is in the model and has no source any more.
        let removals = verified.differences.into_iter().filter(|d| d.rebuilt.is_none());
        let removals = removals.map(|d| (d.kind, d.id)).collect();
        let cause = core_model::event::Cause::Run;
        Ok(derived.events + self.write(Vec::new(), removals, &cause, &[]).await?)
    }

    /// Derives everything from scratch, beside the model, and compares.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify(&self) -> Result<Verified> {
        let _alone = self.deriving.lock().await;
        let decisions = self.store.decisions().await?;
        let linked = link_all(self, &decisions).await?;
        let links = Links::of(&linked.clients, &linked.tenants, &self.settings.tenants.splits);
        let mut fresh = Fresh::default();
        fresh.extend(linked.tenants.iter().map(Entity::row));
        fresh.extend(linked.clients.iter().map(Entity::row));
        self.verify_rows(&links, &mut fresh).await?;

        let baselines = Baselines::load(self).await?;
        let ground = (&links, &baselines);
        let mut identities: HashMap<TenantId, Vec<core_store::IdentityRow>> = HashMap::new();
        for tenant in links.tenants() {
            identities.insert(tenant, identities_of(self, ground, &decisions, tenant).await?);
        }
        let mut by_uuid: HashMap<&str, Vec<&core_store::IdentityRow>> = HashMap::new();
        for row in identities.values().flatten() {
            by_uuid.entry(&row.uuid).or_default().push(row);
        }
        for (&tenant, own) in &identities {
            let uuids: BTreeSet<&str> = own.iter().map(|row| row.uuid.as_str()).collect();
            let sharing = uuids.iter().filter_map(|uuid| by_uuid.get(uuid)).flatten();
            let neighbours =
                Neighbours::from_rows(tenant, sharing.map(|row| (*row).clone()).collect());
            fresh.extend(derive_machines_of(self, ground, &decisions, tenant, &neighbours).await?);
        }
        self.compare(fresh).await
    }

    /// The same beside those who go on reading and deriving. What came while it was compared is behind for
    /// a moment and is no difference: that is only what is wrong twice in the same way, with a derivation
    /// in between.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn verify_at_work(&self) -> Result<Verified> {
        self.derive().await?;
        let first = self.verify().await?;
        if first.differences.is_empty() {
            return Ok(first);
        }
        self.derive().await?;
        let mut second = self.verify().await?;
        second.differences.retain(|one| first.differences.contains(one));
        Ok(second)
    }

    async fn verify_rows(&self, links: &Links, fresh: &mut Fresh) -> Result<()> {
        let query = RecordQuery { include_gone: true, ..RecordQuery::default() };
        let mut place = None;
        loop {
            let records = self.store.records(&query, place.as_ref(), BATCH).await?;
            place = records.last().map(StoredRecord::cursor);
            if place.is_none() {
                return Ok(());
            }
            fresh.extend(derive_rows_of(records, links));
        }
    }

    async fn compare(&self, mut fresh: Fresh) -> Result<Verified> {
        let mut verified = Verified::default();
        for &kind in EntityKind::ALL {
            let mut wanted = fresh.0.remove(&kind).unwrap_or_default();
            for row in self.store.entities(&core_store::EntityQuery::all(kind)).await? {
                verified.entities += 1;
                let rebuilt = wanted.remove(&row.id);
                if rebuilt.as_ref().is_none_or(|document| *document != row.document) {
                    let stored = Some(row.document);
                    verified.differences.push(Difference { kind, id: row.id, stored, rebuilt });
                }
            }
            let missing = wanted.into_iter();
            verified.differences.extend(missing.map(|(id, document)| Difference {
                kind,
                id,
                stored: None,
                rebuilt: Some(document),
            }));
        }
        Ok(verified)
    }
}

/// Documents derived from scratch, by kind and id.
#[derive(Default)]
struct Fresh(BTreeMap<EntityKind, HashMap<String, String>>);

impl Fresh {
    fn extend(&mut self, rows: impl IntoIterator<Item = EntityRow>) {
        for row in rows {
            self.0.entry(row.kind).or_default().insert(row.id, row.document);
        }
    }
}
