//! Values. Lists, tables, objects and what .NET keeps state in are references: who has one sees what
//! others do to it. What would contain itself is refused where it is put in ([`super::hold`]).

use std::cell::{Ref, RefCell, RefMut};
use std::rc::Rc;

use chrono::{DateTime, Utc};

use super::ast::Code;
use super::things::Thing;

/// How deep values are shown, weighed and looked through.
pub(super) const DEEPEST: u16 = 40;

pub(super) type Fields = Vec<(Rc<str>, Value)>;

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
    /// An array of bytes.
    Bytes(Rc<RefCell<Vec<u8>>>),
    Object(Rc<Object>),
    /// A stream, a process and their like.
    Thing(Rc<Thing>),
    Code(Rc<Code>),
    Type(Rc<str>),
}

/// An array, or a list that grows.
#[derive(Debug)]
pub(super) struct List {
    items: RefCell<Vec<Value>>,
    /// `ArrayList` and its like.
    pub(super) grows: bool,
}

impl List {
    pub(super) fn items(&self) -> Ref<'_, Vec<Value>> {
        self.items.borrow()
    }

    pub(super) fn change(&self) -> RefMut<'_, Vec<Value>> {
        self.items.borrow_mut()
    }
}

#[derive(Debug)]
pub(super) struct Object {
    /// `hashtable`, `ordered`, or the type of an object.
    pub(super) kind: &'static str,
    /// Names that differ in case differ.
    exact: bool,
    fields: RefCell<Fields>,
}

impl Object {
    pub(super) fn get(&self, name: &str) -> Option<Value> {
        self.fields().iter().find(|(field, _)| self.same(field, name)).map(|(_, v)| v.clone())
    }

    /// What a field shows as; blank where it is not there.
    pub(super) fn text(&self, name: &str) -> String {
        self.get(name).map(|value| value.show()).unwrap_or_default()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.fields().iter().any(|(field, _)| self.same(field, name))
    }

    pub(super) fn fields(&self) -> Ref<'_, Fields> {
        self.fields.borrow()
    }

    pub(super) fn change(&self) -> RefMut<'_, Fields> {
        self.fields.borrow_mut()
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.kind, "hashtable" | "ordered")
    }

    pub(super) fn put(&self, name: &str, value: Value) {
        let mut fields = self.change();
        match fields.iter_mut().find(|(field, _)| self.same(field, name)) {
            Some((_, there)) => *there = value,
            None => fields.push((name.into(), value)),
        }
    }

    pub(super) fn remove(&self, name: &str) {
        self.change().retain(|(field, _)| !self.same(field, name));
    }

    /// Another object with the same in it.
    pub(super) fn copy(&self) -> Value {
        let fields = RefCell::new(self.fields().clone());
        Value::Object(Rc::new(Self { kind: self.kind, exact: self.exact, fields }))
    }

    fn same(&self, one: &str, other: &str) -> bool {
        if self.exact { one == other } else { one.eq_ignore_ascii_case(other) }
    }
}

impl Value {
    pub(super) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    pub(super) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(List { items: RefCell::new(items), grows: false }))
    }

    pub(super) fn growing(items: Vec<Self>) -> Self {
        Self::List(Rc::new(List { items: RefCell::new(items), grows: true }))
    }

    pub(super) fn object(kind: &'static str, fields: Fields) -> Self {
        Self::Object(Rc::new(Object { kind, exact: false, fields: RefCell::new(fields) }))
    }

    /// A table whose names differ by case.
    pub(super) fn exact_table() -> Self {
        let fields = RefCell::new(Vec::new());
        Self::Object(Rc::new(Object { kind: "hashtable", exact: true, fields }))
    }

    /// An object out of names and values.
    pub(super) fn of(kind: &'static str, fields: Vec<(&str, Self)>) -> Self {
        Self::object(kind, fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }

    pub(super) fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Bytes(Rc::new(RefCell::new(bytes.into())))
    }

    pub(super) fn thing(thing: Thing) -> Self {
        Self::Thing(Rc::new(thing))
    }

    pub(super) fn count(number: usize) -> Self {
        Self::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }

    /// The items of an array of any kind.
    pub(super) fn as_items(&self) -> Option<Vec<Self>> {
        match self {
            Self::List(list) => Some(list.items().clone()),
            Self::Bytes(bytes) => {
                Some(bytes.borrow().iter().map(|byte| Self::Int(i64::from(*byte))).collect())
            }
            _ => None,
        }
    }

    /// What a pipeline makes of it: nothing, one or many.
    pub(super) fn items(&self) -> Vec<Self> {
        match self {
            Self::Null => Vec::new(),
            other => other.as_items().unwrap_or_else(|| vec![other.clone()]),
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
            Self::List(list) => match list.items().as_slice() {
                [] => false,
                [only @ (Self::List(_) | Self::Bytes(_))] => {
                    only.as_items().is_some_and(|items| !items.is_empty())
                }
                [only] => only.truth(),
                _ => true,
            },
            Self::Bytes(bytes) => match bytes.borrow().as_slice() {
                [] => false,
                [only] => *only != 0,
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
        self.show_at(0)
    }

    fn show_at(&self, level: u16) -> String {
        if level > DEEPEST {
            return "...".to_owned();
        }
        let level = level + 1;
        match self {
            Self::Null => String::new(),
            Self::Bool(is) => if *is { "True" } else { "False" }.to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Real(number) => super::convert::real(*number),
            Self::Text(text) => text.to_string(),
            Self::Version(parts) => parts.iter().map(i64::to_string).collect::<Vec<_>>().join("."),
            Self::Date(date) => date.format("%m/%d/%Y %H:%M:%S").to_string(),
            Self::List(list) => {
                let items = list.items();
                items.iter().map(|item| item.show_at(level)).collect::<Vec<_>>().join(" ")
            }
            Self::Bytes(bytes) => {
                bytes.borrow().iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
            }
            Self::Object(object) => show_object(object, level),
            Self::Thing(thing) => thing.show(),
            Self::Code(code) => code.text.to_string(),
            Self::Type(name) => name.to_string(),
        }
    }

    /// The name of its type, as `-is` and errors know it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "Boolean",
            Self::Int(number) if i32::try_from(*number).is_ok() => "Int32",
            Self::Int(_) => "Int64",
            Self::Real(_) => "Double",
            Self::Text(_) => "String",
            Self::Version(_) => "Version",
            Self::Date(_) => "DateTime",
            Self::List(list) if list.grows => "ArrayList",
            Self::List(_) => "Object[]",
            Self::Bytes(_) => "Byte[]",
            Self::Thing(thing) => thing.type_name(),
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

fn show_object(object: &Object, level: u16) -> String {
    match object.kind {
        "hashtable" => "System.Collections.Hashtable".to_owned(),
        "ordered" => "System.Collections.Specialized.OrderedDictionary".to_owned(),
        "FileInfo" | "DirectoryInfo" | "RegistryKey" => match object.get("FullName") {
            Some(path) => path.show(),
            None => object.text("Name"),
        },
        "MatchInfo" => object.text("Line"),
        "Match" | "Group" | "NTAccount" | "SecurityIdentifier" | "TimeSpan" => object.text("Value"),
        "ErrorRecord" | "WarningRecord" | "VerboseRecord" | "DebugRecord" | "InformationRecord" => {
            object.text("Message")
        }
        _ => {
            let fields = object.fields();
            let fields =
                fields.iter().map(|(name, value)| format!("{name}={}", value.show_at(level)));
            format!("@{{{}}}", fields.collect::<Vec<_>>().join("; "))
        }
    }
}
