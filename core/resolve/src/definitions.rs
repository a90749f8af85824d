//! The definitions that are resolved, by item; and what is wrong with them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use core_model::id::{DeploymentId, SoftwareId, TaskId};
use core_model::library::{
    Deployment, Enforcement, Expectation, ItemId, Origin, RecommendedUse, Software, SubjectKind,
    Target, Task, handle,
};

use crate::filter::check_filter;
use crate::snapshot::Snapshot;

/// Targets nested deeper than this are refused.
pub const DEEPEST_TARGET: usize = 32;

/// What exactly one deployment wins: an item, or one instance of a task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// The item.
    pub item: ItemId,
    /// Which instance.
    pub instance: Option<String>,
}

/// Which deployments take part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RunKind {
    /// The usual run: required ones, and optional ones where approved.
    #[default]
    Maintenance,
    /// An onboarding run: those of onboarding besides.
    Onboarding,
    /// A maintenance run that asks besides for these ad-hoc deployments, by name.
    AdHoc(BTreeSet<String>),
}

/// Software, tasks, deployments and golden cases. Tags are part of the snapshot.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    software: BTreeMap<SoftwareId, Software>,
    tasks: BTreeMap<TaskId, Task>,
    deployments: BTreeMap<DeploymentId, Arc<Deployment>>,
    by_item: BTreeMap<ItemKey, Vec<Arc<Deployment>>>,
    expectations: Vec<Expectation>,
}

/// Something wrong with a definition or with what it names. Nothing stops for it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The deployment; none for what concerns none in particular.
    pub deployment: Option<DeploymentId>,
    /// What is wrong.
    pub text: String,
}

impl Definitions {
    /// From lists in any order.
    #[must_use]
    pub fn new(
        software: Vec<Software>,
        tasks: Vec<Task>,
        deployments: Vec<Deployment>,
        expectations: Vec<Expectation>,
    ) -> Self {
        let mut definitions = Self {
            software: software.into_iter().map(|software| (software.id, software)).collect(),
            tasks: tasks.into_iter().map(|task| (task.id, task)).collect(),
            expectations,
            ..Self::default()
        };
        for deployment in deployments {
            definitions.put(deployment);
        }
        definitions
    }

    /// Takes a deployment, in the place of the one with its id.
    pub fn put(&mut self, deployment: Deployment) {
        self.remove(deployment.id);
        let deployment = Arc::new(deployment);
        self.by_item.entry(key(&deployment)).or_default().push(deployment.clone());
        self.deployments.insert(deployment.id, deployment);
    }

    /// Takes a deployment out.
    pub fn remove(&mut self, id: DeploymentId) -> Option<Arc<Deployment>> {
        let old = self.deployments.remove(&id)?;
        let key = key(&old);
        if let Some(of_item) = self.by_item.get_mut(&key) {
            of_item.retain(|other| other.id != id);
            if of_item.is_empty() {
                self.by_item.remove(&key);
            }
        }
        Some(old)
    }

    /// All deployments, by id.
    pub fn deployments(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        self.deployments.values()
    }

    /// A deployment.
    #[must_use]
    pub fn deployment(&self, id: DeploymentId) -> Option<&Arc<Deployment>> {
        self.deployments.get(&id)
    }

    /// What is deployed at all.
    pub fn items(&self) -> impl Iterator<Item = &ItemKey> {
        self.by_item.keys()
    }

    /// The deployments of an item, in no particular order.
    #[must_use]
    pub fn of_item(&self, key: &ItemKey) -> &[Arc<Deployment>] {
        self.by_item.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The golden cases.
    #[must_use]
    pub fn expectations(&self) -> &[Expectation] {
        &self.expectations
    }

    /// For whom an item is. A task that is gone is nobody's; computers stand for that.
    #[must_use]
    pub fn kind(&self, item: ItemId) -> SubjectKind {
        match item {
            ItemId::Software(_) => SubjectKind::Computer,
            ItemId::Task(task) => {
                self.tasks.get(&task).map_or(SubjectKind::Computer, |task| task.category.subjects())
            }
        }
    }

    /// What people call an item.
    #[must_use]
    pub fn title(&self, item: ItemId) -> &str {
        match item {
            ItemId::Software(id) => self.software.get(&id).map(|software| software.title.as_str()),
            ItemId::Task(id) => self.tasks.get(&id).map(|task| task.title.as_str()),
        }
        .unwrap_or("an item that is gone")
    }

    /// Why a deployment can do nothing, whoever is asked about: it is removed everywhere.
    pub(crate) fn broken(&self, deployment: &Deployment) -> Option<String> {
        let item = deployment.item;
        let (known, instances) = match item {
            ItemId::Software(id) => (self.software.contains_key(&id), false),
            ItemId::Task(id) => {
                let task = self.tasks.get(&id);
                (task.is_some(), task.is_some_and(|task| task.instances))
            }
        };
        if !known {
            Some(format!("{item} is gone"))
        } else if !deployment.state.fits(item) {
            Some(format!("{} is no state of such an item", deployment.state.words()))
        } else if deployment.instance.is_some() && !instances {
            Some("the item is there once only, and an instance is named".to_owned())
        } else if !deployment.classes.is_empty() && self.kind(item) != SubjectKind::Computer {
            Some("device classes are for computers".to_owned())
        } else if deployment.target.depth() > DEEPEST_TARGET {
            Some(format!("its target is nested more than {DEEPEST_TARGET} deep"))
        } else {
            None
        }
    }

    /// What is wrong with definitions, with what they name, and with the snapshot itself.
    #[must_use]
    pub fn problems(&self, snapshot: &Snapshot) -> Vec<Problem> {
        let mut problems = snapshot.problems();
        for deployment in self.deployments.values() {
            let mut say = |text| problems.push(Problem { deployment: Some(deployment.id), text });
            if let Some(text) = self.broken(deployment) {
                say(text);
                continue;
            }
            let kind = self.kind(deployment.item);
            let mut leaves = BTreeSet::new();
            leaves_of(&deployment.target, &mut leaves);
            for leaf in leaves {
                if let Target::Filter(text) = &leaf
                    && let Err(error) = check_filter(text)
                {
                    say(error.to_string());
                }
                if let Some(gone) = snapshot.gone(kind, &leaf) {
                    say(gone);
                }
            }
            if let Some(owner) = deployment.owner
                && snapshot.number(owner.tenant.into()).is_none()
            {
                say(format!("its tenant {} is gone", owner.tenant));
            }
        }
        problems.sort();
        problems.dedup();
        problems
    }

    /// Whether some target names this leaf.
    pub(crate) fn names(&self, wanted: impl Fn(&Target) -> bool) -> bool {
        self.deployments.values().any(|deployment| {
            let mut leaves = BTreeSet::new();
            leaves_of(&deployment.target, &mut leaves);
            leaves.iter().any(&wanted)
        })
    }
}

fn key(deployment: &Deployment) -> ItemKey {
    ItemKey { item: deployment.item, instance: deployment.instance.clone() }
}

/// The leaves of a target, each once.
pub(crate) fn leaves_of(target: &Target, leaves: &mut BTreeSet<Target>) {
    let mut open = vec![target];
    while let Some(target) = open.pop() {
        match target {
            Target::And(parts) | Target::Or(parts) => open.extend(parts),
            Target::Not(part) => open.push(part),
            leaf => {
                leaves.insert(leaf.clone());
            }
        }
    }
}

/// Deployments that say the same as this one: same item, instance, target and state, at dates that
/// meet. Saving is refused with them.
#[must_use]
pub fn duplicates<'a>(
    deployment: &Deployment,
    others: impl IntoIterator<Item = &'a Deployment>,
) -> Vec<DeploymentId> {
    let target = normal(&deployment.target);
    let same = others.into_iter().filter(|other| {
        other.id != deployment.id
            && other.item == deployment.item
            && other.instance == deployment.instance
            && other.state == deployment.state
            && other.owner == deployment.owner
            && other.classes == deployment.classes
            && meet(deployment, other)
            && normal(&other.target) == target
    });
    let mut same: Vec<DeploymentId> = same.map(|other| other.id).collect();
    same.sort();
    same
}

fn meet(one: &Deployment, other: &Deployment) -> bool {
    let before = |a: &Deployment, b: &Deployment| match (a.dates.end, b.dates.start) {
        (Some(end), Some(start)) => end < start,
        _ => false,
    };
    !before(one, other) && !before(other, one)
}

/// A target in one spelling: the order of parts does not matter, nor does saying them twice.
fn normal(target: &Target) -> Target {
    let parts = |parts: &[Target]| {
        let parts: BTreeSet<Target> = parts.iter().map(normal).collect();
        parts.into_iter().collect::<Vec<_>>()
    };
    match target {
        Target::And(inner) | Target::Or(inner) if inner.len() == 1 => normal(&inner[0]),
        Target::And(inner) => Target::And(parts(inner)),
        Target::Or(inner) => Target::Or(parts(inner)),
        Target::Not(inner) => Target::Not(Box::new(normal(inner))),
        Target::AgreementType { connection, name, children } => Target::AgreementType {
            connection: connection.clone(),
            name: handle(name),
            children: *children,
        },
        leaf => leaf.clone(),
    }
}

/// Why a deployment takes no part in a run, whoever is asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Removal {
    /// Nothing is ever done to this computer.
    Excluded,
    /// Nothing is done for this tenant.
    Suspended,
    /// The definition can do nothing.
    Broken(String),
    /// Switched off.
    Disabled,
    /// Its connection is switched off.
    ConnectionDisabled(String),
    /// Recommended, and not approved.
    NotApproved,
    /// Limited to onboarding.
    OnboardingOnly,
    /// Not asked for by name.
    NotAsked,
    /// Optional, and not approved for this subject.
    NotApprovedHere,
    /// The tenant is left out of cross-tenant deployments.
    OptedOut,
    /// Not on this day.
    Dates(String),
    /// Its target does not contain the subject.
    Out,
    /// It is not known whether its target contains the subject.
    Unknown(String),
}

impl Removal {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Removal::Excluded => "the computer is excluded from maintenance".to_owned(),
            Removal::Suspended => "the tenant is suspended".to_owned(),
            Removal::Broken(text) | Removal::ConnectionDisabled(text) | Removal::Dates(text) => {
                text.clone()
            }
            Removal::Disabled => "disabled".to_owned(),
            Removal::NotApproved => "recommended and not approved".to_owned(),
            Removal::OnboardingOnly => "only when onboarding".to_owned(),
            Removal::NotAsked => "ad-hoc, not asked for by name".to_owned(),
            Removal::NotApprovedHere => "optional, not approved here".to_owned(),
            Removal::OptedOut => "the tenant is excluded from cross-tenant deployments".to_owned(),
            Removal::Out => "its target does not contain it".to_owned(),
            Removal::Unknown(why) => format!("not known: {why}"),
        }
    }
}

impl Definitions {
    /// Why a deployment takes no part in a run, whoever is asked about.
    pub(crate) fn removed(
        &self,
        deployment: &Deployment,
        run: &RunKind,
        snapshot: &Snapshot,
    ) -> Option<Removal> {
        if let Some(text) = self.broken(deployment) {
            return Some(Removal::Broken(text));
        }
        if !deployment.enabled {
            return Some(Removal::Disabled);
        }
        if let Some(connection) = &deployment.connection
            && let Some(since) = snapshot.disabled.get(connection)
        {
            // The epoch stands for nobody knows when.
            let text = match since.timestamp() {
                0 => format!("disabled link {connection}"),
                _ => format!("disabled link {connection} since {}", since.date_naive()),
            };
            return Some(Removal::ConnectionDisabled(text));
        }
        if deployment.origin == Origin::Recommended
            && deployment.recommended != RecommendedUse::Approved
        {
            return Some(Removal::NotApproved);
        }
        let onboarding =
            deployment.onboarding_only || matches!(deployment.enforcement, Enforcement::Onboarding);
        if onboarding && *run != RunKind::Onboarding {
            return Some(Removal::OnboardingOnly);
        }
        if matches!(deployment.enforcement, Enforcement::AdHoc) {
            let asked = match run {
                RunKind::AdHoc(names) => {
                    names.iter().any(|name| handle(name) == handle(&deployment.name))
                }
                _ => false,
            };
            return (!asked).then_some(Removal::NotAsked);
        }
        None
    }
}
