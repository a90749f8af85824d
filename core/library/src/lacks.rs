//! What deployments want of items that lack what it takes.

use std::collections::BTreeMap;

use core_model::id::DeploymentId;
use core_model::library::{ItemId, Shortfall};
use serde::Serialize;

use crate::library::Library;

/// A deployment that may be saved, and whose state cannot be brought about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Lack {
    /// The deployment.
    pub deployment: DeploymentId,
    /// Its name.
    pub name: String,
    /// Its item.
    pub item_id: ItemId,
    /// The name of its item.
    pub item: String,
    /// What the item lacks, in words.
    pub lacks: Vec<String>,
}

/// The deployments that are switched on and want of their item what it lacks, in the order of the
/// library.
#[must_use]
pub fn lacks(library: &Library) -> Vec<Lack> {
    let software: BTreeMap<_, _> = library.software.iter().map(|one| (one.id, one)).collect();
    let tasks: BTreeMap<_, _> = library.tasks.iter().map(|one| (one.id, one)).collect();
    let of = |item: ItemId, state| -> Option<(String, Vec<Shortfall>)> {
        Some(match item {
            ItemId::Software(id) => {
                let one = software.get(&id)?;
                (one.name.clone(), one.shortfalls(state))
            }
            ItemId::Task(id) => {
                let one = tasks.get(&id)?;
                (one.name.clone(), one.shortfalls(state))
            }
        })
    };
    let enabled = library.deployments.iter().filter(|one| one.enabled);
    let lacking = enabled.filter_map(|one| {
        let (item, shortfalls) = of(one.item, &one.state)?;
        let lacks: Vec<String> = shortfalls.iter().map(ToString::to_string).collect();
        let (deployment, name, item_id) = (one.id, one.name.clone(), one.item);
        (!lacks.is_empty()).then_some(Lack { deployment, name, item_id, item, lacks })
    });
    lacking.collect()
}
