//! What a push did and what is open, for machines; and what is done about that.

use core_model::entity::Computer;
use core_store::{PushItem, PushState, Store};
use core_sync::{PushOptions, PushReport, Pushed, PushedItem};
use serde_json::{Value, json};

use super::open as listed;
use crate::commands::find;
use crate::context::Context;
use crate::failure::Failure;
use crate::output;

/// Objects that are listed of a push; the others are counted.
const LISTED: usize = 10_000;

/// What pushes did, in one document.
pub(in crate::commands) fn result(reports: &[PushReport], options: PushOptions) -> Value {
    let all = reports
        .iter()
        .flat_map(|report| report.items.iter().map(|item| item_as_json(&report.connection, item)));
    let mut items: Vec<Value> = all.collect();
    let left_out = items.len().saturating_sub(LISTED);
    items.truncate(LISTED);
    let connections: Vec<Value> = reports.iter().map(|report| in_short(report, options)).collect();
    json!({ "connections": connections, "items": items, "left_out": left_out })
}

/// What is open and stands so, in one document.
pub(in crate::commands) async fn open(
    store: &Store,
    connection: Option<&str>,
    which: &[PushState],
) -> Result<Value, Failure> {
    let all = store.push_items(connection).await?;
    let open = all.iter().filter(|item| which.contains(&item.state));
    Ok(json!({ "items": open.map(listed::as_json).collect::<Vec<_>>() }))
}

/// Has what failed tried again with the next push; gives how much that is.
pub(in crate::commands) async fn retry(
    context: &Context,
    connections: &[String],
    computer: Option<&str>,
) -> Result<u64, Failure> {
    context.config.named(connections)?;
    let computer = match computer {
        Some(named) => {
            let computer = find::one::<Computer>(&context.store, "computer", named).await?;
            Some(computer.id.to_string())
        }
        None => None,
    };
    let now = chrono::Utc::now().timestamp_micros();
    let mut count = 0;
    let each: Vec<Option<&str>> = match connections {
        [] => vec![None],
        names => names.iter().map(|name| Some(name.as_str())).collect(),
    };
    for connection in each {
        count += context.store.retry_push(connection, computer.as_deref(), now).await?;
    }
    Ok(count)
}

/// Has the next push write an object, whatever is there.
pub(in crate::commands) async fn overrule(
    context: &Context,
    connection: &str,
    object: &str,
) -> Result<(), Failure> {
    context.config.named(&[connection.to_owned()])?;
    let open = context.store.push_items(Some(connection)).await?;
    let is_it = |one: &PushItem| one.object == object && one.state == PushState::Conflict;
    if !open.iter().any(is_it) {
        return Err(Failure::usage(format!(
            "nobody changed what the hub wrote into `{}` of `{connection}`",
            output::printable(object)
        ))
        .with_remedy("`linchpin push conflicts` lists what others changed"));
    }
    context.store.forget_push(connection, object).await?;
    Ok(())
}

/// A line per object, and one for the whole.
pub(super) fn as_json(report: &PushReport, options: PushOptions) -> Vec<Value> {
    let items = report.items.iter().map(|item| item_as_json(&report.connection, item));
    items.chain([in_short(report, options)]).collect()
}

fn in_short(report: &PushReport, options: PushOptions) -> Value {
    let ended = report.ended.as_ref();
    json!({
        "connection": report.connection,
        "dry_run": options.dry_run,
        "full": report.full,
        "planned": report.planned,
        "unchanged": report.unchanged,
        "written": report.count(|item| matches!(item.outcome, Pushed::Written)),
        "created": report.count(|item| matches!(item.outcome, Pushed::Created)),
        "missing": report.count(|item| matches!(item.outcome, Pushed::Missing { .. })),
        "conflicts": report.conflicts(),
        "failed": report.failed(),
        "stopped": report.stopped,
        "error": ended.map(|error| json!({
            "kind": error.kind().as_str(), "error": error.to_string(), "remedy": error.remedy(),
        })),
        "run": report.run.as_ref().map(|run| &run.id),
    })
}

fn item_as_json(connection: &str, item: &PushedItem) -> Value {
    let mut line = json!({
        "connection": connection,
        "computer": item.computer,
        "name": item.name,
        "object": item.object,
        "outcome": item.outcome.as_str(),
        "changes": item.changes,
        "conflicts": item.conflicts,
    });
    match &item.outcome {
        Pushed::Failed { error, dead } => {
            line["error_kind"] = error.kind().as_str().into();
            line["error"] = error.to_string().into();
            line["remedy"] = error.remedy().into();
            line["dead"] = (*dead).into();
        }
        Pushed::Missing { why } => line["why"] = why.clone().into(),
        _ => {}
    }
    line
}
