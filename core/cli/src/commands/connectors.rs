//! `linchpin connectors`: the systems that can be connected, what each can do, what it needs.

use core_connector::{Changes, Kind, Registry};
use serde_json::{Value, json};

use crate::cli::Global;
use crate::config::{properties, resolve, schema_of};
use crate::failure::{Exit, Failure};
use crate::{connectors, output};

/// Width of the explanations.
const WIDTH: usize = 92;
/// The table that all connectors share; it is explained once.
const SHARED: &str = "http";

pub(crate) fn run(global: &Global) -> Result<Exit, Failure> {
    let registry = connectors::registry();
    if global.json {
        for kind in registry.kinds() {
            output::json(&as_json(kind));
        }
    } else {
        print(&registry);
    }
    Ok(Exit::Ok)
}

/// All of them, for machines.
pub(super) fn answer(registry: &Registry) -> Value {
    json!({ "items": registry.kinds().map(as_json).collect::<Vec<_>>() })
}

fn as_json(kind: &Kind) -> Value {
    let streams = kind.streams.iter().map(|stream| {
        let kinds: Vec<&str> = stream.kinds.iter().map(|kind| kind.as_str()).collect();
        json!({ "name": stream.name, "kinds": kinds, "changes": changes(stream.changes) })
    });
    let permissions = kind.permissions.iter().map(|permission| {
        json!({
            "name": permission.name,
            "for": permission.for_what,
            "required": permission.required,
        })
    });
    json!({
        "kind": kind.name,
        "title": kind.title,
        "streams": streams.collect::<Vec<_>>(),
        "actions": kind.actions,
        "permissions": permissions.collect::<Vec<_>>(),
        "settings": schema_of(kind),
    })
}

fn print(registry: &Registry) {
    for (number, kind) in registry.kinds().enumerate() {
        if number > 0 {
            output::line("");
        }
        output::line(&format!("{}: {}", kind.name, kind.title));
        let streams = kind.streams.iter().map(|stream| match stream.changes {
            Changes::Snapshot => stream.name.to_owned(),
            Changes::Upserts => format!("{} (by changes)", stream.name),
            Changes::UpsertsAndDeletes => format!("{} (by changes and deletions)", stream.name),
        });
        paragraph("  reads        ", &streams.collect::<Vec<_>>().join(", "));
        if !kind.actions.is_empty() {
            paragraph("  can          ", &kind.actions.join(", "));
        }
        output::line("  permissions");
        for permission in kind.permissions {
            let need = if permission.required { "needed" } else { "optional" };
            let text = format!("{} ({need}): {}", permission.name, permission.for_what);
            paragraph("    - ", &text);
        }
        output::line("  settings");
        let schema = schema_of(kind);
        settings(&schema, &schema, "");
    }
    shared(registry);
}

/// What every connection has, once.
fn shared(registry: &Registry) {
    output::line("");
    output::line("every connection");
    paragraph("    - ", "name (required): what commands and lists call it");
    paragraph("    - ", "kind (required): the word before the colon above");
    paragraph("    - ", "enabled (default true): whether it is read");
    let Some(kind) = registry.kinds().next() else { return };
    let schema = schema_of(kind);
    let http = properties(&schema).find(|(name, _)| *name == SHARED);
    if let Some((_, http)) = http {
        settings(resolve(http, &schema), &schema, "http.");
    }
}

/// Each setting on a line of its own.
fn settings(schema: &Value, root: &Value, prefix: &str) {
    let required = schema.get("required").and_then(Value::as_array);
    for (name, outer) in properties(schema) {
        let inner = resolve(outer, root);
        let note = if inner.get("properties").is_some() {
            "a table".to_owned()
        } else if required.is_some_and(|names| names.iter().any(|one| one == name)) {
            "required".to_owned()
        } else {
            match outer.get("default").or_else(|| inner.get("default")) {
                None | Some(Value::Null) => "optional".to_owned(),
                Some(default) => format!("default {default}"),
            }
        };
        let text = outer.get("description").or_else(|| inner.get("description"));
        let text = text.and_then(Value::as_str).unwrap_or_default();
        let words = inner.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        let words: Vec<String> = words
            .filter_map(|word| word.get("const").and_then(Value::as_str))
            .map(|word| format!("\"{word}\""))
            .collect();
        let words = match words.len() {
            0 => String::new(),
            _ => format!(" One of {}.", words.join(", ")),
        };
        paragraph("    - ", &format!("{prefix}{name} ({note}): {text}{words}"));
        // What requests have in common is told once, for every connection.
        if inner.get("properties").is_some() && name != SHARED {
            settings(inner, root, &format!("{prefix}{name}."));
        }
    }
}

/// Text behind a lead, broken into lines that begin under its first word.
fn paragraph(lead: &str, text: &str) {
    let mut line = lead.to_owned();
    let mut is_new = true;
    for word in text.split_whitespace() {
        if !is_new && line.chars().count() + 1 + word.chars().count() > WIDTH {
            output::line(&line);
            line = " ".repeat(lead.chars().count());
            is_new = true;
        }
        if !is_new {
            line.push(' ');
        }
        line.push_str(word);
        is_new = false;
    }
    output::line(&line);
}

fn changes(changes: Changes) -> &'static str {
    match changes {
        Changes::Snapshot => "snapshot",
        Changes::Upserts => "upserts",
        Changes::UpsertsAndDeletes => "upserts_and_deletes",
    }
}
