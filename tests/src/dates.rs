//! Dates that pass while a test's daemon works.

use std::sync::Arc;

use anyhow::Context as _;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_daemon::Edges;
use core_resolve::{AsOf, Freshness, Resolver, RunKind, Snapshot};
use core_snapshot::{LoadOptions, Loaded, definitions, load};
use core_store::Store;
use core_sync::Clock;

/// Notes the dates that passed as the daemon of the product does.
pub struct Dates {
    /// Where the model is.
    pub store: Store,
    /// What time it is.
    pub clock: Clock,
}

/// Loads what was known at an instant, or is known now.
///
/// # Errors
/// When the store cannot be read.
pub async fn loaded(
    store: &Store,
    now: DateTime<Utc>,
    known_at: Option<DateTime<Utc>>,
) -> anyhow::Result<Loaded> {
    let registry = crate::registry();
    let kinds = registry.kinds().flat_map(|kind| {
        let name = |stream: &str| (kind.name.to_owned(), stream.to_owned());
        kind.streams.iter().map(move |stream| (name(stream.name), stream.kinds.to_vec()))
    });
    let options = LoadOptions {
        now,
        known_at,
        default_zone: "UTC".to_owned(),
        freshness: Freshness::default(),
        kinds: kinds.collect(),
        disabled: std::collections::BTreeMap::new(),
    };
    Ok(load(store, &options).await?)
}

/// The resolver of what was loaded, at an instant.
#[must_use]
pub fn resolver(loaded: &Loaded, at: DateTime<Utc>) -> Resolver {
    let snapshot = Arc::new(Snapshot::new(loaded.input.clone()));
    let definitions = Arc::new(definitions(&loaded.library));
    Resolver::new(snapshot, definitions, AsOf::Instant(at), RunKind::default())
}

impl Dates {
    async fn look(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> anyhow::Result<usize> {
        let now = self.clock.now();
        let resolver = resolver(&loaded(&self.store, now, None).await?, now);
        let passed = core_snapshot::note_passed(&self.store, &resolver, (from, to), now).await;
        Ok(passed.context("dates that passed")?.len())
    }
}

#[async_trait]
impl Edges for Dates {
    async fn passed(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<usize, String> {
        self.look(from, to).await.map_err(|error| format!("{error:#}"))
    }
}
