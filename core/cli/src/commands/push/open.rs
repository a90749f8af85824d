//! What is open between the hub and the systems that it writes into.

use core_store::{PushItem, PushState};
use core_sync::PushChange;
use serde_json::{Value, json};

use super::difference;
use crate::cli::Global;
use crate::commands::text;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;

/// Lists what is open and stands so.
pub(super) async fn list(
    global: &Global,
    context: &Context,
    which: &[PushState],
    nothing: &str,
) -> Result<Exit, Failure> {
    let all = context.store.push_items(None).await?;
    let open: Vec<&PushItem> = all.iter().filter(|item| which.contains(&item.state)).collect();
    if global.json {
        open.iter().for_each(|item| output::json(&as_json(item)));
    } else if open.is_empty() {
        output::line(nothing);
    } else {
        open.iter().for_each(|item| print(item, context));
    }
    Ok(Exit::Ok)
}

fn conflicts(item: &PushItem) -> Vec<PushChange> {
    serde_json::from_str(&item.conflicts).unwrap_or_default()
}

pub(super) fn as_json(item: &PushItem) -> Value {
    let next = (item.state == PushState::Retry).then(|| text::instant(item.next_us));
    json!({
        "connection": item.connection,
        "computer": item.computer,
        "name": item.name,
        "object": (!item.object.is_empty()).then_some(&item.object),
        "state": item.state.as_str(),
        "attempts": item.attempts,
        "next": next,
        "since": text::instant(item.since_us),
        "changed": text::instant(item.changed_us),
        "error_kind": item.error_kind,
        "error": item.error,
        "remedy": item.remedy,
        "conflicts": conflicts(item),
    })
}

fn print(item: &PushItem, context: &Context) {
    let zone = context.config.time_zone;
    let object = if item.object.is_empty() { "to be made" } else { &item.object };
    let at = |us: i64| text::minute(text::instant(us), zone);
    let stands = match item.state {
        PushState::Retry => format!("tried again {}", at(item.next_us)),
        PushState::Dead => "not tried again: `linchpin push retry`".to_owned(),
        PushState::Conflict => {
            format!("left as it is: `linchpin push overrule {} {object}`", item.connection)
        }
    };
    let since = at(item.since_us);
    text::wrapped(
        "",
        2,
        &format!("{} {} ({object}) since {since}: {stands}", item.connection, item.name),
    );
    for conflict in conflicts(item) {
        text::indented(4, &difference(&conflict));
    }
    if let Some(error) = &item.error {
        let tries = text::count(item.attempts.into(), "attempt", "attempts");
        text::indented(4, &format!("{error} ({tries})"));
    }
    if let Some(remedy) = &item.remedy {
        text::wrapped("      fix: ", 11, remedy);
    }
}
