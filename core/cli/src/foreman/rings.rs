//! Rings at work: who is in which, what came of them, what opens and what is halted. Where a deployment stands is
//! kept in the store; it is computed from what came of actions, whoever looks.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use core_model::id::DeploymentId;
use core_model::library::{
    Deployment, ItemId, RingMembers, Software, SubjectId, SubjectKind, Target, Task,
};
use core_model::stop::{Stop, StopKind};
use core_plan::{Catalogue, Gates, Reached, Rollout, Tally, version_of};
use core_resolve::{RingSets, share_of};
use core_store::{MemberResult, Store};
use tokio::time::Instant;

use crate::failure::Failure;
use crate::world::World;

/// How long an answer is taken as it is.
const FRESH: Duration = Duration::from_secs(1);
/// An answer that took long is taken as it is for so many times that.
const DEAR: u32 = 20;
/// How often it is looked again where somebody else looked at the same time.
const TRIES: u32 = 3;
/// Failures that say nothing about what is deployed: the computer was not reached by it.
const NOT_REACHED: &[&str] = &["offline", "no_user", "no_licence"];
/// Who stops a deployment whose ring failed.
pub(crate) const BY: &str = "its rings";

/// Where a deployment stands.
pub(crate) struct Standing {
    /// Its version, its rings, and since when each is open.
    pub(crate) rollout: Rollout,
    /// Each ring, and whoever is in none, counted.
    pub(crate) tallies: Vec<Tally>,
    /// What each waits for.
    pub(crate) gates: Gates,
    /// Whether it began already.
    pub(crate) begun: bool,
    sets: RingSets,
    /// Those that failed.
    failed: Vec<SubjectId>,
    known: Option<String>,
}

/// Answers of a short while ago, by deployment: when, how long it is fresh, what.
pub(crate) type Recent = BTreeMap<DeploymentId, (Instant, Duration, Arc<Standing>)>;

/// Where a deployment stands by now. Nothing is opened, and nothing kept.
///
/// # Errors
/// Where the store does not answer.
pub(crate) async fn standing(
    store: &Store,
    world: &World,
    (deployment, catalogue): (&Arc<Deployment>, &Catalogue),
    now_us: i64,
) -> Result<Standing, Failure> {
    let id = deployment.id.to_string();
    let known = store.rollout(&id).await?;
    let kept: Option<Rollout> = known.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let version = version_of(deployment, catalogue);
    let begun =
        kept.as_ref().is_some_and(|kept| kept.version == version && kept.rings == deployment.rings);
    let rollout = Rollout::of(kept, &version, &deployment.rings, now_us);
    let results = store.member_results(&id, &version).await?;
    let results = reached(&results);
    let sets = world.resolver.rings(deployment);
    let (tallies, failed) = tallied(world, &sets, &rollout, &results);
    let gates = rollout.gates(&tallies);
    Ok(Standing { rollout, tallies, gates, begun, sets, failed, known })
}

/// Members by their ids, with what came of them.
fn reached(results: &[MemberResult]) -> BTreeMap<&str, Reached> {
    let mut reached = BTreeMap::new();
    for one in results {
        let not_reached = one.class.as_deref().is_some_and(|class| NOT_REACHED.contains(&class));
        let came = match one.result.as_str() {
            "compliant" | "recorded" => Reached::Well,
            _ if not_reached => continue,
            _ => Reached::Failed,
        };
        // Of several items of one subject a failure counts.
        let entry = reached.entry(one.subject.as_str()).or_insert(came);
        if came == Reached::Failed {
            *entry = came;
        }
    }
    reached
}

fn tallied(
    world: &World,
    sets: &RingSets,
    rollout: &Rollout,
    results: &BTreeMap<&str, Reached>,
) -> (Vec<Tally>, Vec<SubjectId>) {
    let snapshot = world.resolver.snapshot();
    let mut failed = Vec::new();
    let tallies = sets.sets.iter().map(|set| {
        let mut tally = Tally::default();
        for subject in set.iter().filter_map(|number| snapshot.subject(sets.kind, number)) {
            if rollout.excused.contains(&subject) {
                continue;
            }
            let came = results.get(subject.to_string().as_str()).copied();
            if came == Some(Reached::Failed) {
                failed.push(subject);
            }
            tally.add(came);
        }
        tally
    });
    (tallies.collect(), failed)
}

/// Where a deployment stands, after what may open by now was opened and what failed too often was halted.
///
/// # Errors
/// Where the store does not answer.
pub(crate) async fn advanced(
    store: &Store,
    world: &World,
    of: (&Arc<Deployment>, &Catalogue),
    now_us: i64,
) -> Result<Standing, Failure> {
    let id = of.0.id.to_string();
    let mut tries = 0;
    loop {
        tries += 1;
        let mut now = standing(store, world, of, now_us).await?;
        now.rollout.advance(&now.tallies, now_us);
        now.gates = now.rollout.gates(&now.tallies);
        // Plain types with text keys.
        let document = serde_json::to_string(&now.rollout).unwrap_or_default();
        if now.known.as_deref() != Some(document.as_str()) {
            let (about, change) =
                ((&*id, &*now.rollout.version), (now.known.as_deref(), &*document));
            if !store.put_rollout(about, change, now_us).await? && tries < TRIES {
                continue;
            }
        }
        settle(store, of.0, &now.rollout, now_us).await?;
        return Ok(now);
    }
}

/// A deployment that is halted is stopped, so that whatever is under way for its sake hears of it; another version is
/// not stopped by that.
async fn settle(
    store: &Store,
    deployment: &Deployment,
    rollout: &Rollout,
    now_us: i64,
) -> Result<(), Failure> {
    let key = deployment.id.to_string();
    let stops = store.stops().await?;
    let stopped = stops.iter().find(|stop| stop.is_of(deployment.id));
    let stale = stopped.and_then(|stop| stop.version.as_ref());
    if stale.is_some_and(|version| *version != rollout.version) {
        store.remove_stop(StopKind::Deployment, &key, now_us).await?;
        tracing::info!(deployment = deployment.name, "another version goes by its rings anew");
    }
    let Some(halt) = &rollout.halt else { return Ok(()) };
    let stop = Stop {
        kind: StopKind::Deployment,
        key,
        name: deployment.name.clone(),
        by: BY.to_owned(),
        reason: halt.why.clone(),
        at_us: halt.at_us,
        version: Some(rollout.version.clone()),
    };
    if store.add_stop(&stop).await? {
        tracing::warn!(deployment = deployment.name, why = halt.why, "a deployment is halted");
    }
    Ok(())
}

/// Has a deployment go on that was halted: those that failed do not count any more. Gives how many they are.
///
/// # Errors
/// Where the store does not answer.
pub(crate) async fn go_on(
    store: &Store,
    world: &World,
    deployment: &Arc<Deployment>,
    now_us: i64,
) -> Result<usize, Failure> {
    if deployment.rings.is_empty() {
        return Ok(0);
    }
    let catalogue = catalogue_of(world, &[deployment]);
    let id = deployment.id.to_string();
    for _ in 0..TRIES {
        let mut now = standing(store, world, (deployment, &catalogue), now_us).await?;
        if now.rollout.halt.is_none() {
            return Ok(0);
        }
        let failed = now.failed.len();
        now.rollout.go_on(now.failed);
        let document = serde_json::to_string(&now.rollout).unwrap_or_default();
        let change = (now.known.as_deref(), &*document);
        if store.put_rollout((&id, &now.rollout.version), change, now_us).await? {
            return Ok(failed);
        }
    }
    Err(Failure::failed("where its rings stand was changed by somebody else at the same time")
        .with_remedy("run it again"))
}

/// What versions of these deployments are made from: their items, and what configures those.
fn catalogue_of(world: &World, deployments: &[&Arc<Deployment>]) -> Catalogue {
    let items: BTreeSet<ItemId> = deployments.iter().map(|one| one.item).collect();
    let library = &world.loaded.library;
    let software = library.software.iter().filter(|one| items.contains(&one.id.into()));
    let software: Vec<Software> = software.cloned().collect();
    let configures = |task: &Task| software.iter().any(|one| one.configuration == Some(task.id));
    let tasks = library.tasks.iter();
    let tasks = tasks.filter(|one| items.contains(&one.id.into()) || configures(one)).cloned();
    let tasks = tasks.collect();
    Catalogue::new(software, tasks)
}

impl Standing {
    /// What a subject waits for, whom the deployment wins; none where its ring is open.
    pub(crate) fn waits_for(
        &self,
        world: &World,
        deployment: &Deployment,
        (kind, number): (SubjectKind, u32),
    ) -> Option<String> {
        let own = (kind == self.sets.kind).then(|| self.sets.ring(number)).flatten();
        let ring = own.unwrap_or_else(|| ring_of(world, deployment, kind, number));
        self.gates.get(ring).cloned().flatten()
    }

    /// How many are in which ring, for machines.
    pub(crate) fn as_json(&self) -> serde_json::Value {
        let rings = self.tallies.iter().enumerate().map(|(at, tally)| {
            let gate = self.rollout.gates.get(at).copied().unwrap_or_default();
            serde_json::json!({
                "ring": at + 1,
                "name": self.rollout.rings.get(at).map(|ring| &ring.name),
                "members": tally.members,
                "reached": tally.reached,
                "failed": tally.failed,
                "opened_us": gate.opened_us,
                "reached_us": gate.reached_us,
                "waits_for": self.gates.get(at).cloned().flatten(),
            })
        });
        serde_json::json!({
            "version": self.rollout.version,
            "begun_us": self.begun.then_some(self.rollout.begun_us),
            "rings": rings.collect::<Vec<_>>(),
            "excused": self.rollout.excused.len(),
            "halt": self.rollout.halt,
        })
    }
}

/// The ring of somebody whom the deployment wins in this run alone.
fn ring_of(world: &World, deployment: &Deployment, kind: SubjectKind, number: u32) -> usize {
    let resolver = &world.resolver;
    let share = resolver.snapshot().subject(kind, number).map(|one| share_of(one, deployment));
    let place = deployment.rings.iter().position(|ring| match ring.members {
        RingMembers::Tag(tag) => resolver.members(kind, &Target::Tag(tag)).yes.contains(number),
        RingMembers::Percent(percent) => {
            share.is_some_and(|share| share < u32::from(percent) * 100)
        }
    });
    place.unwrap_or(deployment.rings.len())
}

/// What is fresh still of a short while ago.
pub(crate) fn recent(recent: &Recent, id: DeploymentId) -> Option<Arc<Standing>> {
    let (at, fresh, standing) = recent.get(&id)?;
    (at.elapsed() < *fresh).then(|| Arc::clone(standing))
}

/// Notes an answer, and how long it is taken as it is.
pub(crate) fn note(recent: &mut Recent, id: DeploymentId, began: Instant, now: &Arc<Standing>) {
    let fresh = FRESH.max(began.elapsed().saturating_mul(DEAR));
    recent.insert(id, (Instant::now(), fresh, Arc::clone(now)));
}

/// What each of these deployments' subjects waits for, for whoever only asks: by deployment.
///
/// # Errors
/// Where the store does not answer.
pub(crate) async fn standings(
    store: &Store,
    world: &World,
    deployments: BTreeSet<DeploymentId>,
    now_us: i64,
) -> Result<BTreeMap<DeploymentId, Standing>, Failure> {
    let definitions = world.resolver.definitions();
    let found = deployments.iter().filter_map(|id| definitions.deployment(*id));
    let ringed: Vec<&Arc<Deployment>> = found.filter(|one| !one.rings.is_empty()).collect();
    if ringed.is_empty() {
        return Ok(BTreeMap::new());
    }
    let catalogue = catalogue_of(world, &ringed);
    let mut standings = BTreeMap::new();
    for deployment in ringed {
        let now = standing(store, world, (deployment, &catalogue), now_us).await?;
        standings.insert(deployment.id, now);
    }
    Ok(standings)
}
