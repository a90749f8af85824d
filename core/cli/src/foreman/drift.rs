//! Why another deployment wins than before: the rules changed, a date passed, or who is in what did.

use chrono::{DateTime, SecondsFormat};
use core_engine::{Drift, DriftCause, Other};
use core_model::id::DeploymentId;
use core_model::library::DefinitionKind;
use core_model::session::Session;
use core_resolve::ItemKey;
use core_store::{Revision, Store};

use crate::failure::Failure;
use crate::world::World;

/// Says why.
///
/// # Errors
/// Where the store does not answer.
pub(super) async fn why_other(
    store: &Store,
    world: &World,
    session: &Session,
    other: &Other<'_>,
) -> Result<Drift, Failure> {
    let name = |id: &str| match id.parse::<DeploymentId>() {
        Ok(id) => world.deployment_name(id),
        Err(_) => id.to_owned(),
    };
    let from = match other.before {
        Some(before) => format!("{} wins now, {} did before", other.name, name(before)),
        None => format!("{} wins now", other.name),
    };
    // What is created, changed or removed is a rule; who came into its target is not.
    let now = other.now.to_string();
    for id in [Some(now.as_str()), other.before].into_iter().flatten() {
        if let Some(revision) = changed_since(store, id, other.since_us).await? {
            let (number, by) = (revision.number, &revision.author);
            let why = format!("{from}: {} was changed by {by} in revision {number}", name(id));
            return Ok(Drift { cause: DriftCause::Rule, why });
        }
    }
    if let Some(what) = passed(world, session, other) {
        return Ok(Drift { cause: DriftCause::Date, why: format!("{from}: {what}") });
    }
    let resolver = &world.resolver;
    let number = resolver.snapshot().number(session.subject);
    let won = resolver.definitions().deployment(other.now);
    let because = won.zip(number).map(|(won, number)| resolver.why_in(won, number));
    let why = match because.filter(|because| !because.is_empty()) {
        Some(because) => format!("{from}: {because}"),
        None => from,
    };
    Ok(Drift { cause: DriftCause::Membership, why })
}

async fn changed_since(
    store: &Store,
    deployment: &str,
    since_us: i64,
) -> Result<Option<Revision>, Failure> {
    let history = store.definition_history(DefinitionKind::Deployment, deployment).await?;
    let after = |revision: &Revision| revision.at_us > since_us;
    Ok(history.into_iter().map(|version| version.revision).rev().find(after))
}

/// What passed since at the subject's tenant, and brought it another winner of the item.
fn passed(world: &World, session: &Session, other: &Other<'_>) -> Option<String> {
    let resolver = &world.resolver;
    let number = resolver.snapshot().number(session.subject)?;
    let since = DateTime::from_timestamp_micros(other.since_us)?;
    let key = ItemKey { item: other.key.item, instance: other.key.instance.clone() };
    let edges = resolver.passed(since, world.when.now);
    let edge = edges.iter().rev().find(|edge| {
        edge.shifts.iter().any(|shift| shift.key == key && shift.subjects.contains(number))
    })?;
    let at = edge.at.to_rfc3339_opts(SecondsFormat::Secs, true);
    Some(format!("{} ({at})", edge.what.join("; ")))
}
