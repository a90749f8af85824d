//! Values. They never change: what looks like a change makes another value, so that nothing can
//! contain itself, and nothing is nested deeper than it was made.

use std::rc::Rc;

use chrono::{DateTime, SecondsFormat, Utc};

use super::ast::Code;

/// How deep lists and objects may be nested in each other.
pub(super) const DEEPEST: u16 = 40;

#[derive(Clone, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Real(f64),
    Text(Rc<str>),
    Version(Rc<[i64]>),
    Date(DateTime<Utc>),
    List(Rc<List>),
    Object(Rc<Object>),
    Code(Rc<Code>),
    Type(Rc<str>),
}

#[derive(Clone, Debug)]
pub(super) struct List {
    pub(super) items: Vec<Value>,
    depth: u16,
}

#[derive(Clone, Debug)]
pub(super) struct Object {
    /// `hashtable`, `ordered`, or the type of an object.
    pub(super) kind: &'static str,
    pub(super) fields: Vec<(Rc<str>, Value)>,
    depth: u16,
}

impl Object {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.kind, "hashtable" | "ordered")
    }

    /// The same object with another value in it.
    pub(super) fn with(&self, name: &str, value: Value) -> Value {
        let mut fields = self.fields.clone();
        match fields.iter_mut().find(|(field, _)| field.eq_ignore_ascii_case(name)) {
            Some((_, there)) => *there = value,
            None => fields.push((name.into(), value)),
        }
        Value::object(self.kind, fields)
    }
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        let depth = items.iter().map(Self::depth).max().unwrap_or(0).saturating_add(1);
        Self::List(Rc::new(List { items, depth }))
    }

    pub(super) fn object(kind: &'static str, fields: Vec<(Rc<str>, Self)>) -> Self {
        let depth = fields.iter().map(|(_, v)| v.depth()).max().unwrap_or(0).saturating_add(1);
        Self::Object(Rc::new(Object { kind, fields, depth }))
    }

    /// An object out of names and values.
    pub(super) fn of(kind: &'static str, fields: Vec<(&str, Self)>) -> Self {
        Self::object(kind, fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self::list(bytes.iter().map(|byte| Self::Int(i64::from(*byte))).collect())
    }

    pub(super) fn depth(&self) -> u16 {
        match self {
            Self::List(list) => list.depth,
            Self::Object(object) => object.depth,
            _ => 0,
        }
    }

    /// What a pipeline makes of it: nothing, one or many.
    pub(super) fn items(&self) -> Vec<Self> {
        match self {
            Self::Null => Vec::new(),
            Self::List(list) => list.items.clone(),
            other => vec![other.clone()],
        }
    }

    /// What is left of an output: nothing, one value, or a list.
    pub(super) fn collected(mut items: Vec<Self>) -> Self {
        match items.len() {
            0 => Self::Null,
            1 => items.pop().unwrap_or(Self::Null),
            _ => Self::list(items),
        }
    }

    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(is) => *is,
            Self::Int(number) => *number != 0,
            Self::Real(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::List(list) => match list.items.as_slice() {
                [] => false,
                [only] => only.truth(),
                _ => true,
            },
            _ => true,
        }
    }

    pub(super) fn as_int(&self) -> Option<i64> {
        match self {
            Self::Null => Some(0),
            Self::Bool(is) => Some(i64::from(*is)),
            Self::Int(number) => Some(*number),
            // Saturates, and PowerShell would say that it does not fit.
            #[expect(clippy::cast_possible_truncation, reason = "rounded, and saturates")]
            Self::Real(number) => Some(number.round_ties_even() as i64),
            Self::Text(text) => {
                let text = text.trim();
                match text.strip_prefix("0x") {
                    Some(hex) => i64::from_str_radix(hex, 16).ok(),
                    None => text.parse().ok().or_else(|| {
                        let real: f64 = text.parse().ok()?;
                        Self::Real(real).as_int()
                    }),
                }
            }
            _ => None,
        }
    }

    pub(super) fn as_real(&self) -> Option<f64> {
        match self {
            Self::Real(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            // Whole numbers in scripts are far below 2^53.
            #[expect(clippy::cast_precision_loss, reason = "as PowerShell does")]
            other => other.as_int().map(|number| number as f64),
        }
    }

    pub(super) fn as_version(&self) -> Option<Rc<[i64]>> {
        match self {
            Self::Version(parts) => Some(Rc::clone(parts)),
            Self::Text(text) => {
                let parts: Result<Vec<i64>, _> = text.trim().split('.').map(part).collect();
                parts.ok().filter(|parts| (2..=4).contains(&parts.len())).map(Rc::from)
            }
            Self::Int(_) | Self::Real(_) => Self::text(self.show()).as_version(),
            _ => None,
        }
    }

    /// As it stands in a string.
    pub(super) fn show(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Bool(is) => if *is { "True" } else { "False" }.to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text.to_string(),
            Self::Version(parts) => parts.iter().map(i64::to_string).collect::<Vec<_>>().join("."),
            Self::Date(date) => date.format("%m/%d/%Y %H:%M:%S").to_string(),
            Self::List(list) => list.items.iter().map(Self::show).collect::<Vec<_>>().join(" "),
            Self::Object(object) => show_object(object),
            Self::Code(_) => "{...}".to_owned(),
            Self::Type(name) => name.to_string(),
        }
    }

    /// The name of its type, as `-is` and errors know it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "Boolean",
            Self::Int(_) => "Int32",
            Self::Real(_) => "Double",
            Self::Text(_) => "String",
            Self::Version(_) => "Version",
            Self::Date(_) => "DateTime",
            Self::List(_) => "Object[]",
            Self::Object(object) if object.kind == "hashtable" => "Hashtable",
            Self::Object(object) if object.kind == "ordered" => "OrderedDictionary",
            Self::Object(object) => object.kind,
            Self::Code(_) => "ScriptBlock",
            Self::Type(_) => "RuntimeType",
        }
    }
}

fn part(text: &str) -> Result<i64, std::num::ParseIntError> {
    text.parse::<u32>().map(i64::from)
}

fn show_object(object: &Object) -> String {
    match object.kind {
        "hashtable" => "System.Collections.Hashtable".to_owned(),
        "ordered" => "System.Collections.Specialized.OrderedDictionary".to_owned(),
        "FileInfo" | "DirectoryInfo" | "RegistryKey" => object
            .get("FullName")
            .or_else(|| object.get("Name"))
            .map(Value::show)
            .unwrap_or_default(),
        "MatchInfo" => object.get("Line").map(Value::show).unwrap_or_default(),
        "Match" | "Group" => object.get("Value").map(Value::show).unwrap_or_default(),
        "ErrorRecord" => object.get("Message").map(Value::show).unwrap_or_default(),
        _ => {
            let fields =
                object.fields.iter().map(|(name, value)| format!("{name}={}", value.show()));
            format!("@{{{}}}", fields.collect::<Vec<_>>().join("; "))
        }
    }
}

/// What the console shows of a pipeline's output, line by line.
pub(super) fn console(values: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut at = 0;
    while let Some(value) = values.get(at) {
        at += 1;
        match value {
            Value::Null => {}
            Value::List(list) => lines.extend(console(&list.items)),
            Value::Object(object) if object.kind == "MatchInfo" => lines.push(value.show()),
            Value::Object(object) => {
                let mut alike = vec![&**object];
                while let Some(Value::Object(next)) = values.get(at) {
                    let same = next.kind == object.kind
                        && next.fields.len() == object.fields.len()
                        && next.fields.iter().zip(&object.fields).all(|(a, b)| a.0 == b.0);
                    if !same {
                        break;
                    }
                    alike.push(next);
                    at += 1;
                }
                lines.extend(shown(&alike));
            }
            other => {
                lines.extend(other.show().split('\n').map(|l| l.trim_end_matches('\r').to_owned()))
            }
        }
    }
    lines
}

/// A table of objects that are alike, or a list where they have many properties.
fn shown(objects: &[&Object]) -> Vec<String> {
    let Some(first) = objects.first() else { return Vec::new() };
    let mut lines = vec![String::new()];
    if first.is_table() {
        lines.push(format!("{:<30} Value", "Name"));
        lines.push(format!("{:<30} -----", "----"));
        for object in objects {
            lines.extend(object.fields.iter().map(|(n, v)| format!("{n:<30} {}", v.show())));
        }
    } else if first.fields.len() > 4 {
        let width = first.fields.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        for object in objects {
            lines.extend(object.fields.iter().map(|(n, v)| format!("{n:<width$} : {}", v.show())));
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
        .map(|object| object.fields.iter().map(|(_, v)| v.show()).collect())
        .collect();
    let widths: Vec<usize> = (first.fields.iter().enumerate())
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
        line(first.fields.iter().map(|(name, _)| name.to_string()).collect()),
        line(first.fields.iter().map(|(name, _)| "-".repeat(name.chars().count())).collect()),
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
        Value::Date(date) => json!(date.to_rfc3339_opts(SecondsFormat::Secs, true)),
        Value::List(list) if depth > 0 => {
            Json::Array(list.items.iter().map(|item| to_json(item, depth - 1)).collect())
        }
        Value::Object(object) if depth > 0 => {
            let fields = object.fields.iter();
            Json::Object(fields.map(|(n, v)| (n.to_string(), to_json(v, depth - 1))).collect())
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
