//! Writing back: what the hub knows arrives at the four systems as the estate knows it to be true,
//! once, and nothing else does.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result, ensure};
use chrono::{TimeDelta, Utc};
use core_model::entity::{Computer, Flag};
use core_store::{PushItem, PushState, Store};
use core_sync::{Clock, Connection, Hub, PushOptions, PushReport, Pushed};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;
use mocks::world::{HaloAsset, World};
use serde_json::json;
use tests::{ConnectionSettings, Estate, connections_of, databases};

use crate::support::{
    both_databases, ensure_same, ensure_verified, read_whole, seeds, sync_whole, view, with_world,
};

mod feedback;
mod killed;
mod others;
pub(crate) mod truth;

pub(crate) const HALO: &str = "halopsa";
pub(crate) const ALL: [&str; 4] = ["azure-ad", "cw-automate", "cw-control", "halopsa"];

/// An estate and settings under which the hub may write into three of its systems.
pub(crate) struct Site {
    pub(crate) estate: Estate,
    pub(crate) settings: ConnectionSettings,
    /// Seconds by which the hub's clock is ahead.
    ahead: Arc<AtomicI64>,
}

impl Site {
    async fn of(computers: usize, seed: u64) -> Result<Self> {
        Self::over(Estate::of(computers, seed).await?)
    }

    /// The hub may write into this estate.
    pub(crate) fn over(estate: Estate) -> Result<Self> {
        let mut settings = estate.settings();
        let classes = [
            ("workstation", "Desktop"),
            ("portable", "Laptop"),
            ("virtual", "Virtual Machine"),
            ("server", "Server"),
        ];
        let push = [
            (
                HALO,
                json!({ "enabled": true, "fields": { "SMBIOS UUID": "uuid" },
                "create": BTreeMap::from(classes) }),
            ),
            (
                "cw-automate",
                json!({ "enabled": true,
                "extra_fields": { "Primary user": "primary_upn", "Asset owner": "tenant" } }),
            ),
            (
                "cw-control",
                json!({ "enabled": true,
                "properties": { "7": "primary_upn", "8": "serial" } }),
            ),
        ];
        for (kind, push) in push {
            settings.get_mut(kind).context("no such kind")?["push"] = push;
        }
        Ok(Self { estate, settings, ahead: Arc::default() })
    }

    pub(crate) fn connections(&self) -> Result<Vec<Connection>> {
        connections_of(&self.settings, &ALL)
    }

    fn hub(&self, store: Store) -> Result<Hub> {
        let ahead = Arc::clone(&self.ahead);
        self.hub_at(
            store,
            Clock::new(move || Utc::now() + TimeDelta::seconds(ahead.load(Ordering::Relaxed))),
        )
    }

    /// A hub by another clock.
    pub(crate) fn hub_at(&self, store: Store, clock: Clock) -> Result<Hub> {
        Ok(Hub::new(store, self.connections()?, self.estate.rules(), clock))
    }

    fn wait(&self, hours: i64) {
        self.ahead.fetch_add(hours * 3600, Ordering::Relaxed);
    }

    pub(crate) fn version(&self) -> u64 {
        with_world(&self.estate, |world| world.version)
    }

    pub(crate) fn assets(&self) -> Vec<HaloAsset> {
        with_world(&self.estate, |world| {
            world.halo.assets.iter().filter(|one| one.mark.gone.is_none()).cloned().collect()
        })
    }

    /// What a human does in Halo.
    fn edit(&self, key: &str, edit: impl FnOnce(&mut HaloAsset)) -> Result<()> {
        with_world(&self.estate, |world: &mut World| {
            let version = world.next_version();
            let now = world.now();
            let id: i64 = key.parse()?;
            let asset = world.halo.assets.iter_mut().find(|asset| asset.id == id);
            let asset = asset.context("no such asset")?;
            edit(asset);
            (asset.mark.changed, asset.mark.modified) = (version, now);
            Ok(())
        })
    }

    /// How many requests a face was sent.
    fn calls(&self, face: &str) -> u64 {
        self.estate.running.stats()["faces"][face]["calls"].as_u64().unwrap_or_default()
    }
}

pub(crate) async fn push(hub: &Hub, full: bool) -> Result<Vec<PushReport>> {
    Ok(hub.push(&[], PushOptions { full, ..PushOptions::default() }).await?)
}

fn of<'a>(reports: &'a [PushReport], connection: &str) -> Result<&'a PushReport> {
    reports.iter().find(|report| report.connection == connection).context("was not pushed into")
}

/// Nothing failed but what a human must tell: an asset of the same name that says nothing else.
pub(crate) fn ensure_fine(reports: &[PushReport]) -> Result<()> {
    for report in reports {
        ensure!(report.ended.is_none() && !report.stopped, "{report:?}");
        for item in &report.items {
            if let Pushed::Failed { error, .. } = &item.outcome {
                ensure!(error.detail().contains("has the same name there"), "{item:?}");
            }
            ensure!(item.conflicts.is_empty(), "{item:?}");
        }
    }
    Ok(())
}

/// An object that a push wrote: its key.
fn written(report: &PushReport, field: &str) -> Result<String> {
    let item = report.items.iter().find(|item| {
        matches!(item.outcome, Pushed::Written)
            && item.changes.iter().any(|change| change.field == field && !change.to.is_empty())
    });
    item.and_then(|item| item.object.clone()).context("nothing was written")
}

async fn open(hub: &Hub, state: PushState) -> Result<Vec<PushItem>> {
    let all = hub.store.push_items(None).await?;
    Ok(all.into_iter().filter(|item| item.state == state).collect())
}
