//! The actions of a plan that people are told of: those that change something.

use core_plan::{Action, ActionResult, Deed, Plan};
use serde::Serialize;

/// An action, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// What it is about.
    pub title: String,
    /// What is done: `install version 24.08`.
    pub does: String,
    /// Why.
    pub why: String,
}

/// What came of an action, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// What it is about.
    pub title: String,
    /// What was to be done.
    pub does: String,
    /// Why.
    pub why: String,
    /// Whether it is as it should be now.
    pub ok: bool,
    /// Whether it was tried, or was to be, and could not be done.
    pub failed: bool,
    /// The word of its result: `compliant`, `failed`, …
    pub result: String,
    /// The same for people: `done`, `could not be done`, `left for another time`.
    pub says: String,
    /// The same in full, as technicians read it.
    pub message: String,
    /// What had changed since it was announced; empty where nothing had.
    pub changed: String,
}

/// What a plan will change, in its order.
#[must_use]
pub fn to_do(plan: &Plan) -> Vec<Listed> {
    let waits = |action: &&Action| action.result.is_none() && action.block.is_none();
    plan.actions.iter().filter(waits).filter_map(listed).collect()
}

/// What came of what a plan was to change. `result` gives the word and the message of an action's key, where it
/// has any; `changed` what had changed since it was announced.
#[must_use]
pub fn done(
    plan: &Plan,
    result: impl Fn(&str) -> Option<(String, String)>,
    changed: impl Fn(&str) -> Option<String>,
) -> Vec<Outcome> {
    let told = |action: &&Action| {
        // What was left out because it is not as it was planned was announced, too.
        matches!(action.result, None | Some(ActionResult::Skipped(_))) && action.block.is_none()
    };
    let of = |action: &Action| {
        let Listed { title, does, why } = listed(action)?;
        let key = action.key.to_string();
        let (result, message) = result(&key)?;
        let (ok, failed, says) = match result.as_str() {
            "compliant" | "recorded" => (true, false, "done"),
            "skipped" | "deferred" | "held" | "pending" => (false, false, "left for another time"),
            _ => (false, true, "could not be done"),
        };
        let (says, changed) = (says.to_owned(), changed(&key).unwrap_or_default());
        Some(Outcome { title, does, why, ok, failed, result, says, message, changed })
    };
    plan.actions.iter().filter(told).filter_map(of).collect()
}

/// An action that changes something; nothing for one that only looks.
fn listed(action: &Action) -> Option<Listed> {
    let does = match &action.deed {
        Deed::Nothing | Deed::Audit | Deed::Monitor => return None,
        Deed::Install(pick) => format!("install version {}", pick.version),
        Deed::Update(pick) => format!("update to version {}", pick.version),
        Deed::Downgrade(pick) => format!("go back to version {}", pick.version),
        Deed::Uninstall => "remove".to_owned(),
        Deed::Repair { then: None } => "repair".to_owned(),
        Deed::Repair { then: Some(pick) } => {
            format!("repair, and update to version {}", pick.version)
        }
        Deed::Enforce => "apply the settings".to_owned(),
    };
    Some(Listed { title: action.title.clone(), does, why: action.reason.words().to_owned() })
}
