//! What had been compliant and is not any more: why.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, SecondsFormat};
use core_maintenance::Brief;
use core_model::id::DeploymentId;
use core_model::session::Session;
use core_plan::{Action, ActionResult, Key, Origin, Plan, Report, version_of};
use core_store::{Before, Store};
use serde::{Deserialize, Serialize};

use crate::foreman::Foreman;

/// Inputs of a plan that say what was found; all others are of the rule.
const FOUND: &str = "what was found of ";

/// Why something is not as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftCause {
    /// The computer changed.
    Computer,
    /// The rule changed: the deployment, its item, or a version that a script names.
    Rule,
    /// Another deployment wins, because the subject came into its target or left another's.
    Membership,
    /// Another deployment wins, because a date passed.
    Date,
}

impl DriftCause {
    /// The word in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Computer => "computer",
            Self::Rule => "rule",
            Self::Membership => "membership",
            Self::Date => "date",
        }
    }
}

/// Why something drifted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drift {
    /// In a word.
    pub cause: DriftCause,
    /// In words.
    pub why: String,
}

/// Another deployment than before.
#[derive(Clone, Copy, Debug)]
pub struct Other<'a> {
    /// What it is of.
    pub key: &'a Key,
    /// The one that won, by its id, where there was one.
    pub before: Option<&'a str>,
    /// The one that wins now.
    pub now: DeploymentId,
    /// Its name.
    pub name: &'a str,
    /// When the one before won, Unix microseconds.
    pub since_us: i64,
}

/// What is known of an action besides what came of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// The deployment that it is done for.
    pub(crate) deployment: Option<DeploymentId>,
    /// The version of its deployment.
    pub(crate) version: Option<String>,
    pub(crate) drift: Option<Drift>,
}

pub(crate) type Traces = BTreeMap<Key, Trace>;

/// Versions and drifts of the actions of a session that is over.
pub(crate) async fn traces(
    foreman: &dyn Foreman,
    (session, brief): (&Session, &Brief),
    (plan, report): (&Plan, &Report),
) -> Traces {
    let mut traces = Traces::new();
    for (action, (_, result)) in plan.actions.iter().zip(&report.results) {
        // What software is configured by is done for the sake of the same deployment.
        let own = matches!(action.origin, Origin::Deployment { .. } | Origin::Configuration(_));
        let Some(deployment) = brief.deployment_of(&action.key).filter(|_| own) else { continue };
        let version = Some(version_of(deployment, &brief.catalogue));
        let mut trace = Trace { deployment: Some(deployment.id), version, drift: None };
        if is_off(action, result) {
            let now = (deployment.id, deployment.name.as_str(), trace.version.as_deref());
            // What is done is done: it is noted without its why.
            match drift(foreman, session, (action, now)).await {
                Ok(drift) => trace.drift = drift,
                Err(error) => {
                    tracing::warn!(session = %session.id, error, "why something drifted is not known");
                }
            }
        }
        traces.insert(action.key.clone(), trace);
    }
    traces
}

/// Why it is not compliant any more; nothing where it was not before.
async fn drift(
    foreman: &dyn Foreman,
    session: &Session,
    now: (&Action, (DeploymentId, &str, Option<&str>)),
) -> Result<Option<Drift>, String> {
    let (subject, key) = (session.subject.to_string(), now.0.key.to_string());
    let before = foreman.hub().store.action_before(session.id, &subject, &key).await;
    let before = before.map_err(|error| error.to_string())?;
    match before.filter(|before| before.result == "compliant") {
        Some(before) => why(foreman, session, now, &before).await.map(Some),
        None => Ok(None),
    }
}

/// Whether it was found not to be as it should be.
fn is_off(action: &Action, result: &ActionResult) -> bool {
    let planned = match &action.result {
        None | Some(ActionResult::Pending | ActionResult::Held(_)) => true,
        Some(_) => false,
    };
    let changes = action.route.iter().any(|one| !one.work.reads());
    (planned && changes) || matches!(result, ActionResult::NonCompliant(_))
}

async fn why(
    foreman: &dyn Foreman,
    session: &Session,
    (action, (id, name, version)): (&Action, (DeploymentId, &str, Option<&str>)),
    before: &Before,
) -> Result<Drift, String> {
    let since = DateTime::from_timestamp_micros(before.at_us).unwrap_or_default();
    let since = since.to_rfc3339_opts(SecondsFormat::Secs, true);
    let same = before.deployment.as_deref() == Some(id.to_string().as_str());
    if !same {
        let other = Other {
            key: &action.key,
            before: before.deployment.as_deref(),
            now: id,
            name,
            since_us: before.at_us,
        };
        return foreman.why_other(session, &other).await;
    }
    let hub = foreman.hub();
    let differ = differing(&hub.store, action, before).await?;
    let named: Vec<&str> = differ.iter().map(String::as_str).collect();
    let other_version = before.version.is_some() && before.version.as_deref() != version;
    if other_version || !named.is_empty() {
        let what = if named.is_empty() { format!("deployment {name}") } else { named.join(", ") };
        let why = format!("changed since it was compliant at {since}: {what}");
        return Ok(Drift { cause: DriftCause::Rule, why });
    }
    let (title, reason) = (&action.title, action.reason.words());
    let why = format!("{title} was compliant at {since}, and by the same rule now {reason}");
    Ok(Drift { cause: DriftCause::Computer, why })
}

/// The inputs of the rule that differ from those of the plan of then, by their names; none where that plan is not kept
/// any more.
async fn differing(
    store: &Store,
    action: &Action,
    before: &Before,
) -> Result<BTreeSet<String>, String> {
    let text = store.session_plan(before.session).await.map_err(|error| error.to_string())?;
    // A plan that an earlier version wrote says nothing, and stops nothing.
    let then = text.and_then(|text| serde_json::from_str::<Plan>(&text).ok());
    let Some(old) = then.as_ref().and_then(|plan| plan.action(&action.key)) else {
        return Ok(BTreeSet::new());
    };
    let names = old.inputs.keys().chain(action.inputs.keys());
    let differ = names.filter(|name| old.inputs.get(*name) != action.inputs.get(*name));
    Ok(differ.filter(|name| !name.starts_with(FOUND)).cloned().collect())
}
