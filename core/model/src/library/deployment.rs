//! Deployments: this item, in this desired state, for this target. Saving one applies nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{ItemId, Origin, Ring, SubjectId, Target};
use crate::dates::DateRange;
use crate::id::{DeploymentId, TenantId};

/// What shall be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesiredState {
    /// Software: the latest version.
    Latest,
    /// Software: exactly this version.
    ThisVersion(String),
    /// Software: this version or a newer one.
    NewerOrEqual(String),
    /// Software: this version or an older one.
    OlderOrEqual(String),
    /// Software: whichever version.
    AnyVersion,
    /// Software: the latest version where it is there already, nothing where it is not.
    UpdateIfFound,
    /// Software: not there. The only state that uninstalls.
    Absent,
    /// Task: test, and set where the test says no.
    Enforce,
    /// Task: test only.
    Audit,
    /// Task: read only.
    Monitor,
    /// The exception, for both: it wins and does nothing, not even detection.
    Ignored,
}

impl DesiredState {
    /// Whether such an item can be in this state.
    #[must_use]
    pub fn fits(&self, item: ItemId) -> bool {
        match self {
            DesiredState::Enforce | DesiredState::Audit | DesiredState::Monitor => {
                matches!(item, ItemId::Task(_))
            }
            DesiredState::Ignored => true,
            _ => matches!(item, ItemId::Software(_)),
        }
    }

    /// Whether it takes something away.
    #[must_use]
    pub fn uninstalls(&self) -> bool {
        matches!(self, DesiredState::Absent)
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            DesiredState::Latest => "latest".to_owned(),
            DesiredState::ThisVersion(version) => format!("version {version}"),
            DesiredState::NewerOrEqual(version) => format!("version {version} or newer"),
            DesiredState::OlderOrEqual(version) => format!("version {version} or older"),
            DesiredState::AnyVersion => "any version".to_owned(),
            DesiredState::UpdateIfFound => "update if found".to_owned(),
            DesiredState::Absent => "absent".to_owned(),
            DesiredState::Enforce => "enforce".to_owned(),
            DesiredState::Audit => "audit".to_owned(),
            DesiredState::Monitor => "monitor".to_owned(),
            DesiredState::Ignored => "ignored".to_owned(),
        }
    }
}

/// A class of devices that a target is narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceClass {
    /// Servers, domain controllers among them.
    Servers,
    /// Workstations that are no portables.
    Workstations,
    /// Portable workstations.
    Portable,
    /// Domain controllers, the primary one among them.
    DomainControllers,
    /// Primary domain controllers.
    PrimaryDomainControllers,
}

/// When a deployment takes part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Enforcement {
    /// In every run.
    #[default]
    Required,
    /// In onboarding runs.
    Onboarding,
    /// In every run, for the subjects that it was approved for.
    Optional {
        /// The subjects.
        #[serde(default)]
        approved: BTreeSet<SubjectId>,
    },
    /// In runs that ask for it by name.
    AdHoc,
}

/// Whether a recommended deployment is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecommendedUse {
    /// Nobody has decided: it counts as dismissed.
    #[default]
    Undecided,
    /// Somebody approved it.
    Approved,
    /// Somebody dismissed it.
    Dismissed,
}

/// The one tenant that a deployment is for. Without an owner it is cross-tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The tenant.
    pub tenant: TenantId,
    /// Its child tenants too.
    #[serde(default)]
    pub children: bool,
}

/// Where a deployment is offered to people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Visibility {
    /// In self service.
    pub self_service: bool,
    /// On the technician's page.
    pub technician_tools: bool,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Id.
    pub id: DeploymentId,
    /// Handle, unique among deployments without case.
    pub name: String,
    /// The software or task.
    pub item: ItemId,
    /// Which one, where a task may be there several times; compared exactly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// What shall be.
    pub state: DesiredState,
    /// For whom.
    pub target: Target,
    /// Device classes it is narrowed to; empty is any. For computers only.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub classes: BTreeSet<DeviceClass>,
    /// The tenant that it is for; none is cross-tenant. It narrows the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Who defined it.
    #[serde(default)]
    pub origin: Origin,
    /// Whether it is used, if it is a recommended one.
    #[serde(default)]
    pub recommended: RecommendedUse,
    /// When it takes part.
    #[serde(default)]
    pub enforcement: Enforcement,
    /// It takes part in onboarding runs only, whatever its enforcement.
    #[serde(default)]
    pub onboarding_only: bool,
    /// The admin's explicit order: higher first.
    #[serde(default)]
    pub order: i32,
    /// Switched on.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// The connection whose being disabled removes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// The local days of the tenant on which it holds; an exception may expire.
    #[serde(default)]
    pub dates: DateRange,
    /// Where it is offered.
    #[serde(default)]
    pub visibility: Visibility,
    /// Who gets it first; without rings everybody gets it at once. They do not touch who wins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rings: Vec<Ring>,
    /// What its scripts are given; opaque here.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub parameters: serde_json::Map<String, serde_json::Value>,
    /// Why it is there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// When it was created (Unix microseconds): the older of two equals wins.
    pub created_us: i64,
}

fn yes() -> bool {
    true
}

impl Deployment {
    /// A required, enabled, cross-tenant deployment of the provider's own, without dates.
    #[must_use]
    pub fn new(
        name: &str,
        item: impl Into<ItemId>,
        state: DesiredState,
        target: Target,
        created_us: i64,
    ) -> Self {
        Self {
            id: DeploymentId::of_text(&super::handle(name), created_us),
            name: name.to_owned(),
            item: item.into(),
            instance: None,
            state,
            target,
            classes: BTreeSet::new(),
            owner: None,
            origin: Origin::Own,
            recommended: RecommendedUse::Undecided,
            enforcement: Enforcement::Required,
            onboarding_only: false,
            order: 0,
            enabled: true,
            connection: None,
            dates: DateRange::default(),
            visibility: Visibility::default(),
            rings: Vec::new(),
            parameters: serde_json::Map::new(),
            note: String::new(),
            created_us,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{SoftwareId, TaskId};

    #[test]
    fn a_deployment_survives_json_and_an_unknown_key_does_not() {
        let reader = SoftwareId::of_text("reader", 0);
        let deployment =
            Deployment::new("reader", reader, DesiredState::Latest, Target::All, 1_000);
        let json = serde_json::to_string(&deployment).unwrap();
        assert_eq!(serde_json::from_str::<Deployment>(&json).unwrap(), deployment);
        let wrong = json.replacen("\"target\"", "\"labels\":[],\"target\"", 1);
        assert!(serde_json::from_str::<Deployment>(&wrong).is_err());
    }

    #[test]
    fn software_is_not_enforced_and_tasks_have_no_versions() {
        let software = ItemId::from(SoftwareId::of_text("reader", 0));
        let task = ItemId::from(TaskId::of_text("rename", 0));
        assert!(DesiredState::Latest.fits(software) && !DesiredState::Latest.fits(task));
        assert!(DesiredState::Enforce.fits(task) && !DesiredState::Enforce.fits(software));
        assert!(DesiredState::Ignored.fits(task) && DesiredState::Ignored.fits(software));
    }
}
