//! `linchpin rebuild`: derives the model anew from what was read, or proves that it is right.

use core_sync::{Difference, Hub, Quiet};
use serde_json::{Value, json};
use std::sync::Arc;

use super::changes::{self, word};
use super::text::{self, count};
use crate::cli::{Global, RebuildArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;

/// Differences that are printed.
const SHOWN: usize = 40;
/// Differences that an answer over the API lists; the others are counted.
const LISTED: usize = 1000;

pub(crate) async fn run(global: &Global, args: &RebuildArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let hub = context.offline_hub(Arc::new(Quiet));
    if !args.verify {
        let changed = hub.rebuild().await?;
        if global.json {
            output::json(&json!({ "changed": changed }));
        } else {
            let changed = count(changed, "entity", "entities");
            output::line(&format!("the model was derived anew; {changed} changed"));
        }
        return Ok(Exit::Ok);
    }
    let verified = hub.verify().await?;
    let differences = &verified.differences;
    if global.json {
        let listed: Vec<Value> = differences.iter().map(as_json).collect();
        output::json(&json!({
            "entities": verified.entities,
            "same": differences.is_empty(),
            "differences": listed,
        }));
    } else if differences.is_empty() {
        let compared = count(verified.entities, "entity", "entities");
        output::line(&format!("the model is what its sources say: {compared} compared"));
    } else {
        print(verified.entities, differences);
    }
    Ok(if differences.is_empty() { Exit::Ok } else { Exit::Failed })
}

/// Derives the model anew, or compares it beside a daemon that goes on; for machines.
pub(super) async fn answer(hub: &Hub, verify: bool) -> Result<Value, Failure> {
    if !verify {
        return Ok(json!({ "changed": hub.rebuild().await? }));
    }
    let verified = hub.verify_at_work().await?;
    let differences = &verified.differences;
    let listed: Vec<Value> = differences.iter().take(LISTED).map(as_json).collect();
    Ok(json!({
        "entities": verified.entities,
        "same": differences.is_empty(),
        "left_out": differences.len().saturating_sub(LISTED),
        "differences": listed,
    }))
}

fn print(entities: u64, differences: &[Difference]) {
    let found = count(text::len(differences), "difference", "differences");
    let compared = count(entities, "entity", "entities");
    output::line(&format!("the model is not what its sources say: {found} in {compared}"));
    for one in differences.iter().take(SHOWN) {
        let name = name(one);
        let (kind, id) = (word(one.kind), &one.id);
        match (&one.stored, &one.rebuilt) {
            (Some(stored), Some(rebuilt)) => {
                text::indented(2, &format!("{kind} {name} ({id}): stored → rebuilt"));
                text::indented(6, &changes::in_words(&changes::fields_of_texts(stored, rebuilt)));
            }
            (Some(_), None) => {
                text::indented(
                    2,
                    &format!("{kind} {name} ({id}) is in the model without a source"),
                );
            }
            _ => text::indented(2, &format!("{kind} {name} ({id}) is missing from the model")),
        }
    }
    if differences.len() > SHOWN {
        output::line(&format!("  and {} more; --json lists all", differences.len() - SHOWN));
    }
    output::line("`linchpin rebuild` puts it right; please report what came before this");
}

fn as_json(one: &Difference) -> Value {
    let document = |text: &Option<String>| -> Value {
        text.as_ref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    };
    json!({
        "entity": one.kind.as_str(),
        "id": one.id,
        "name": name(one),
        "stored": document(&one.stored),
        "rebuilt": document(&one.rebuilt),
    })
}

fn name(one: &Difference) -> String {
    let text = one.rebuilt.as_ref().or(one.stored.as_ref()).map_or("", String::as_str);
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    changes::name(&document).unwrap_or_default().to_owned()
}
