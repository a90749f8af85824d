//! From what came of a session to what is told of it.

use std::collections::BTreeMap;

use core_model::session::{Session, SessionState};
use core_plan::{ActionResult, Difference, FailureClass, Key, Plan, Report};
use core_store::SessionAction;
use serde_json::{Value, json};

use crate::drift::Traces;

/// The word of a result in the store.
fn word(result: &ActionResult) -> &'static str {
    match result {
        ActionResult::Compliant => "compliant",
        ActionResult::NonCompliant(_) => "non_compliant",
        ActionResult::Recorded => "recorded",
        ActionResult::Failed(_) => "failed",
        ActionResult::Blocked(_) => "blocked",
        ActionResult::Skipped(_) => "skipped",
        ActionResult::Deferred(_) => "deferred",
        ActionResult::Held(_) => "held",
        ActionResult::Pending => "pending",
    }
}

/// The word of a class, as it is written everywhere.
fn class(class: FailureClass) -> String {
    serde_json::to_value(class)
        .ok()
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

/// Why it did not come about, in a word; nothing where it did.
fn cause(result: &ActionResult) -> Option<String> {
    match result {
        ActionResult::Failed(failure) => Some(class(failure.class)),
        ActionResult::NonCompliant(_) => Some("non_compliant".to_owned()),
        ActionResult::Blocked(_) => Some("blocked".to_owned()),
        _ => None,
    }
}

/// What came of each action.
pub(crate) fn actions(
    session: &Session,
    plan: &Plan,
    (report, traces): (&Report, &Traces),
    at_us: i64,
) -> Vec<SessionAction> {
    let results: BTreeMap<&Key, &ActionResult> =
        report.results.iter().map(|(key, result)| (key, result)).collect();
    plan.actions
        .iter()
        .zip(0..)
        .filter_map(|(action, number)| {
            let result = results.get(&action.key)?;
            let trace = traces.get(&action.key);
            let drift = trace.and_then(|trace| trace.drift.as_ref());
            let deployment = trace.and_then(|trace| trace.deployment);
            Some(SessionAction {
                session: session.id,
                number,
                tenant: session.tenant.to_string(),
                subject: session.subject.to_string(),
                subject_name: session.subject_name.clone(),
                item: action.key.to_string(),
                title: action.title.clone(),
                deployment: deployment.map(|id| id.to_string()),
                does: action.words(),
                result: word(result).to_owned(),
                class: cause(result),
                message: result.words(),
                version: trace.and_then(|trace| trace.version.clone()),
                drift: drift.map(|drift| drift.cause.as_str().to_owned()),
                drift_why: drift.map(|drift| drift.why.clone()),
                at_us,
            })
        })
        .collect()
}

/// How the session ended.
pub(crate) fn state(report: &Report) -> SessionState {
    let bad = report.results.iter().any(|(_, result)| result.is_bad());
    if bad { SessionState::Failed } else { SessionState::Succeeded }
}

/// The same in one line.
pub(crate) fn words(plan: &Plan, report: &Report) -> String {
    let all = report.results.len();
    if all == 0 {
        return "nothing holds for it".to_owned();
    }
    let well = report.results.iter().filter(|(_, result)| result.is_well()).count();
    let pending = report.results.iter().filter(|(_, one)| *one == ActionResult::Pending).count();
    let mut words = match (well == all, pending) {
        (true, _) if all == 1 => "as it should be".to_owned(),
        (true, _) => format!("all {all} as they should be"),
        (false, 0) => format!("{well} of {all} as they should be"),
        (false, pending) => format!("{well} of {all} as they should be, {pending} to be done"),
    };
    let title = |key: &Key| plan.action(key).map(|action| action.title.clone()).unwrap_or_default();
    let bad = report.results.iter().find(|(_, result)| result.is_bad());
    let open = || report.results.iter().find(|(_, result)| result.is_open());
    if let Some((key, result)) = bad.or_else(open) {
        words.push_str(&format!("; {}: {}", title(key), result.words()));
    }
    words
}

/// The same for machines.
pub(crate) fn document(
    plan: &Plan,
    (report, traces): (&Report, &Traces),
    changed: &BTreeMap<Key, Difference>,
) -> Value {
    let actions: Vec<Value> = plan
        .actions
        .iter()
        .zip(&report.results)
        .map(|(action, (_, result))| {
            let drift = traces.get(&action.key).and_then(|trace| trace.drift.as_ref());
            json!({
                "item": action.key,
                "title": action.title,
                "does": action.words(),
                "origin": action.origin,
                "found": action.found,
                "result": word(result),
                "class": cause(result),
                "message": result.words(),
                "drift": drift.map(|drift| drift.cause.as_str()),
                "drift_why": drift.map(|drift| &drift.why),
                "digest": action.digest,
            })
        })
        .collect();
    let changed: BTreeMap<String, String> =
        changed.iter().map(|(key, difference)| (key.to_string(), difference.words())).collect();
    json!({
        "overall": report.overall,
        "actions": actions,
        "left_out": plan.left_out,
        "warnings": plan.warnings,
        "notes": report.notes,
        "rebooted": report.rebooted,
        "changed": changed,
        "digest": plan.digest,
    })
}
