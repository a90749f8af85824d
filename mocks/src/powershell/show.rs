//! Values as others read them: on a console, as JSON.

use super::value::{DEEPEST, Object, Value};

/// What the console shows of a pipeline's output, line by line.
pub(super) fn console(values: &[Value]) -> Vec<String> {
    listed(values, 0)
}

fn listed(values: &[Value], level: u16) -> Vec<String> {
    let mut lines = Vec::new();
    let mut at = 0;
    while let Some(value) = values.get(at) {
        at += 1;
        match value {
            Value::Null => {}
            Value::List(_) if level > DEEPEST => lines.push("...".to_owned()),
            Value::List(list) => lines.extend(listed(&list.items(), level + 1)),
            Value::Object(object) if is_said(object) => lines.extend(split(&value.show())),
            Value::Object(object) => {
                let mut alike = vec![&**object];
                while let Some(Value::Object(next)) = values.get(at) {
                    let (one, other) = (object.fields(), next.fields());
                    let same = next.kind == object.kind
                        && one.len() == other.len()
                        && one.iter().zip(other.iter()).all(|(a, b)| a.0 == b.0);
                    if !same || is_said(next) {
                        break;
                    }
                    alike.push(next);
                    at += 1;
                }
                lines.extend(shown(&alike));
            }
            Value::Bytes(_) => lines.extend(value.items().iter().map(Value::show)),
            other => lines.extend(split(&other.show())),
        }
    }
    lines
}

fn split(text: &str) -> Vec<String> {
    text.split('\n').map(|line| line.trim_end_matches('\r').to_owned()).collect()
}

/// What is a line of text on a console, and no table.
fn is_said(object: &Object) -> bool {
    matches!(
        object.kind,
        "MatchInfo"
            | "ErrorRecord"
            | "WarningRecord"
            | "VerboseRecord"
            | "DebugRecord"
            | "InformationRecord"
    )
}

/// A table of objects that are alike, or a list where they have many properties.
fn shown(objects: &[&Object]) -> Vec<String> {
    let Some(first) = objects.first() else { return Vec::new() };
    let mut lines = vec![String::new()];
    if first.is_table() {
        lines.push(format!("{:<30} Value", "Name"));
        lines.push(format!("{:<30} -----", "----"));
        for object in objects {
            let fields = object.fields();
            lines.extend(fields.iter().map(|(n, v)| format!("{n:<30} {}", v.show())));
        }
    } else if first.fields().len() > 4 {
        let names = first.fields();
        let width = names.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for object in objects {
            let fields = object.fields();
            lines.extend(fields.iter().map(|(n, v)| format!("{n:<width$} : {}", v.show())));
            lines.push(String::new());
        }
    } else {
        lines.extend(columns(objects));
    }
    lines.push(String::new());
    lines
}

fn columns(objects: &[&Object]) -> Vec<String> {
    let Some(first) = objects.first() else { return Vec::new() };
    let cells: Vec<Vec<String>> = objects
        .iter()
        .map(|object| object.fields().iter().map(|(_, v)| v.show()).collect())
        .collect();
    let widths: Vec<usize> = (first.fields().iter().enumerate())
        .map(|(at, (name, _))| {
            let cell = |row: &Vec<String>| row.get(at).map_or(0, |cell| cell.chars().count());
            cells.iter().map(cell).max().unwrap_or(0).max(name.chars().count())
        })
        .collect();
    let line = |cells: Vec<String>| {
        let mut text = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            text.push_str(&format!("{cell:<width$} "));
        }
        text.trim_end().to_owned()
    };
    let mut lines = vec![
        line(first.fields().iter().map(|(name, _)| name.to_string()).collect()),
        line(first.fields().iter().map(|(name, _)| "-".repeat(name.chars().count())).collect()),
    ];
    lines.extend(cells.into_iter().map(line));
    lines
}

/// As JSON; deeper than asked for it is text, as with PowerShell.
pub(super) fn to_json(value: &Value, depth: u16) -> serde_json::Value {
    use serde_json::{Value as Json, json};
    match value {
        Value::Null => Json::Null,
        Value::Bool(is) => json!(is),
        Value::Int(number) => json!(number),
        Value::Real(number) => json!(number),
        // As `JavaScriptSerializer` writes dates, which is what 5.1 has.
        Value::Date(date) => json!(format!("/Date({})/", date.timestamp_millis())),
        Value::List(_) | Value::Bytes(_) if depth > 0 => {
            Json::Array(value.items().iter().map(|item| to_json(item, depth - 1)).collect())
        }
        Value::Object(object) if depth > 0 && !is_said(object) => {
            let fields = object.fields();
            Json::Object(
                fields.iter().map(|(n, v)| (n.to_string(), to_json(v, depth - 1))).collect(),
            )
        }
        Value::Version(parts) => {
            let part = |at: usize| parts.get(at).copied().unwrap_or(-1);
            json!({ "Major": part(0), "Minor": part(1), "Build": part(2), "Revision": part(3) })
        }
        other => json!(other.show()),
    }
}

pub(super) fn from_json(value: &serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match value {
        Json::Null => Value::Null,
        Json::Bool(is) => Value::Bool(*is),
        Json::Number(number) => {
            number.as_i64().map_or_else(|| Value::Real(number.as_f64().unwrap_or(0.0)), Value::Int)
        }
        Json::String(text) => Value::text(text),
        Json::Array(items) => Value::list(items.iter().map(from_json).collect()),
        Json::Object(fields) => {
            let fields =
                fields.iter().map(|(name, value)| (name.as_str().into(), from_json(value)));
            Value::object("PSCustomObject", fields.collect())
        }
    }
}
