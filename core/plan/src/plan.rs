//! The second half of a session: what is done, in which order, and why. A plan holds whatever is
//! needed to carry it out; whoever does so has no choices left.

mod make;

use std::collections::{BTreeMap, BTreeSet};

use core_model::id::{DeploymentId, SoftwareId};
use core_model::library::{DesiredState, Prerequisite, ScriptPurpose, SubjectId};
use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::desired::{Deed, Reason};
use crate::digest::{Difference, Inputs, differences, digest_of};
use crate::found::{Detections, Found};
use crate::judge::Judged;
use crate::key::Key;
use crate::request::{RunKind, Settings};
use crate::result::ActionResult;
use crate::route::Move;
use crate::scope::Scope;
pub use make::version_of;
use make::{Maker, winners};

/// Why an action is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A deployment wins.
    Deployment {
        /// Its id.
        id: DeploymentId,
        /// Its name.
        name: String,
        /// Why it wins.
        why: String,
    },
    /// It must be so before these, by their keys.
    Prerequisite(Vec<Key>),
    /// It configures this one.
    Configuration(Key),
    /// It is not known for certain what holds.
    Uncertain,
}

/// A condition on which an action fails, looked at when its turn comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// The condition.
    pub prerequisite: Prerequisite,
    /// The condition in words.
    pub words: String,
    /// Whether software was there when it was detected; none where nobody knows.
    pub there: BTreeMap<SoftwareId, Option<bool>>,
}

/// One action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What it is about.
    pub key: Key,
    /// What people call it.
    pub title: String,
    /// Why it is there.
    pub origin: Origin,
    /// What shall be.
    pub state: DesiredState,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<Found>,
    /// What is done.
    pub deed: Deed,
    /// Why.
    pub reason: Reason,
    /// Why it does not begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// The result, where it is known before anything is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<ActionResult>,
    /// How it is done.
    pub route: Vec<Move>,
    /// The actions, by their numbers, that must be well before it.
    pub needs: Vec<usize>,
    /// The actions, by their numbers, that it only waits for.
    pub after: Vec<usize>,
    /// On what it fails when its turn comes.
    pub checks: Vec<Check>,
    /// It works only after a reboot.
    pub reboot_needed: bool,
    /// The scripts that are left for another session where nobody is logged on.
    pub skipped_without_user: BTreeSet<ScriptPurpose>,
    /// The lock that it holds while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// What it was made of.
    pub inputs: Inputs,
    /// A digest of that.
    pub digest: String,
}

/// What is done to a subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// To whom.
    pub subject: SubjectId,
    /// What is run.
    pub run: RunKind,
    /// How.
    pub settings: Settings,
    /// The actions, in order.
    pub actions: Vec<Action>,
    /// What takes no part, and why.
    pub left_out: Vec<(Key, String)>,
    /// What somebody should look at, though nothing stops for it.
    pub warnings: Vec<String>,
    /// A digest of what it was made of: equal for equal plans.
    pub digest: String,
}

/// What becomes of what is not as it was planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnChange {
    /// It is done as it is planned now.
    #[default]
    Replan,
    /// It is left for another session.
    Skip,
}

impl Plan {
    /// What differs in what an earlier plan of the subject was made of, by item. What concerns other
    /// subjects alone is no difference.
    #[must_use]
    pub fn differences(&self, later: &Plan) -> BTreeMap<Key, Difference> {
        let inputs = |plan: &'_ Plan| -> BTreeMap<Key, Inputs> {
            plan.actions.iter().map(|one| (one.key.clone(), one.inputs.clone())).collect()
        };
        let (old, new) = (inputs(self), inputs(later));
        differences(&old.iter().collect(), &new.iter().collect())
    }

    /// The plan to carry out now that was planned before, given a plan of now: what is made of the
    /// same is done as before, the rest as it is planned now, or not.
    #[must_use]
    pub fn renewed(&self, mut now: Plan, how: OnChange) -> (Plan, BTreeMap<Key, Difference>) {
        let differences = self.differences(&now);
        if how == OnChange::Skip {
            for action in &mut now.actions {
                let Some(difference) = differences.get(&action.key) else { continue };
                if action.result.is_none() {
                    action.result = Some(ActionResult::Skipped(difference.words()));
                }
            }
        }
        (now, differences)
    }

    /// The action about something.
    #[must_use]
    pub fn action(&self, key: &Key) -> Option<&Action> {
        self.actions.iter().find(|action| action.key == *key)
    }

    /// Whether anything is to be done.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.actions.iter().all(|action| action.result.is_some())
    }

    pub(crate) fn of(scope: &Scope<'_>, judged: &Judged, known: &Detections) -> Self {
        let winners = winners(&scope.request);
        let maker = Maker { scope, judged, known, winners };
        let (order, warnings) = maker.order();
        let places: BTreeMap<usize, usize> =
            order.iter().enumerate().map(|(place, at)| (*at, place)).collect();
        let actions: Vec<Action> = order.iter().map(|at| maker.action(*at, &places)).collect();
        let request = &scope.request;
        let parts: Vec<(&Key, &str)> =
            actions.iter().map(|action| (&action.key, action.digest.as_str())).collect();
        let digest = digest_of(&(request.subject, request.run, parts));
        let mut left_out = scope.left_out.clone();
        left_out.sort();
        left_out.dedup();
        Self {
            subject: request.subject,
            run: request.run.clone(),
            settings: request.settings.clone(),
            actions,
            left_out,
            warnings,
            digest,
        }
    }
}

impl Action {
    /// What is done and why, in one line: "Reader: install 24.1, because it is missing".
    #[must_use]
    pub fn words(&self) -> String {
        let title = &self.title;
        if let Some(block) = &self.block {
            return format!("{title}: blocked, because {}", block.words());
        }
        let what = match &self.deed {
            Deed::Nothing if self.route.is_empty() => "nothing".to_owned(),
            Deed::Nothing => "test".to_owned(),
            Deed::Install(pick) => format!("install {}", pick.version),
            Deed::Update(pick) => format!("update to {}", pick.version),
            Deed::Downgrade(pick) => format!("downgrade to {}", pick.version),
            Deed::Uninstall => "uninstall".to_owned(),
            Deed::Repair { then: None } => "repair".to_owned(),
            Deed::Repair { then: Some(pick) } => format!("repair, update to {}", pick.version),
            Deed::Enforce => "enforce".to_owned(),
            Deed::Audit => "audit".to_owned(),
            Deed::Monitor => "monitor".to_owned(),
        };
        format!("{title}: {what}, because {}", self.reason.words())
    }
}
