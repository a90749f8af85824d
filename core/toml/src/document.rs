//! A file as a tree whose every part knows its place.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::Problem;

/// A file.
#[derive(Clone)]
pub struct Document {
    name: String,
    shown: Arc<str>,
    /// The tree, as far as the text could be read.
    pub root: Node,
    /// Where the text is no TOML. What else is wrong with such a text is guesswork.
    pub broken: Vec<Problem>,
}

/// A part of the file.
#[derive(Clone)]
pub struct Node {
    /// Its place, in bytes.
    pub span: Range<usize>,
    /// What stands there.
    pub item: Item,
}

/// What stands somewhere.
#[derive(Clone)]
pub enum Item {
    /// A table, in the order of the file.
    Table(Vec<Entry>),
    /// A list.
    Array(Vec<Node>),
    /// Text, number or truth value.
    Scalar(Value),
    /// A day without a time: `2026-12-31`.
    Date(String),
    /// What JSON has no use for: in words.
    Unfit(&'static str),
}

/// A key of a table.
#[derive(Clone)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Its place, in bytes.
    pub key_span: Range<usize>,
    /// Its value.
    pub node: Node,
}

impl Document {
    /// Reads the text of the file with this name; what is wrong with it is kept.
    #[must_use]
    pub fn parse(name: &str, text: &str) -> Self {
        let (tree, errors) = DeTable::parse_recoverable(text);
        let broken = errors.iter().map(|error| {
            let span = error.span().unwrap_or(0..0);
            Problem::new(span, format!("this is no TOML: {}", error.message()))
        });
        let broken = broken.collect();
        let span = tree.span();
        let root = Node { span, item: table(tree.into_inner()) };
        Self { name: name.to_owned(), shown: text.into(), root, broken }
    }

    /// The same, shown by another text: one without secrets, of which every other byte is where it
    /// was.
    #[must_use]
    pub fn shown_as(mut self, text: impl Into<Arc<str>>) -> Self {
        self.shown = text.into();
        self
    }

    /// The file's name, as it was given.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text that may be shown.
    #[must_use]
    pub fn text(&self) -> Arc<str> {
        Arc::clone(&self.shown)
    }

    /// Line and column of a place (bytes), counted from one.
    #[must_use]
    pub fn place(&self, at: usize) -> (usize, usize) {
        place(&self.shown, at)
    }

    /// The place of a key's value in a table, or of the table, or the start of the file.
    #[must_use]
    pub fn span_of(&self, table: &str, key: &str) -> Range<usize> {
        let table = self.root.get(table);
        let value = table.and_then(|table| table.get(key));
        value.or(table).map_or(0..0, |node| node.span.clone())
    }
}

impl Node {
    /// The value of a key, where this is a table that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry of a key, where this is a table that has it.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries, where this is a table.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.item {
            Item::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The items, where this is an array.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.item {
            Item::Array(items) => items,
            _ => &[],
        }
    }

    /// The text, where this is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.item {
            Item::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// What this is, in words.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match &self.item {
            Item::Table(_) => "a table",
            Item::Array(_) => "a list",
            Item::Scalar(Value::String(_)) => "a text",
            Item::Scalar(Value::Bool(_)) => "true or false",
            Item::Scalar(Value::Number(number)) if number.is_f64() => "a fraction",
            Item::Scalar(_) => "a whole number",
            Item::Date(_) => "a date",
            Item::Unfit(what) => what,
        }
    }

    /// The same as JSON, without places. Days are texts; what is unfit is nothing.
    #[must_use]
    pub fn json(&self) -> Value {
        match &self.item {
            Item::Table(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.node.json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
            Item::Array(items) => items.iter().map(Node::json).collect(),
            Item::Scalar(value) => value.clone(),
            Item::Date(day) => Value::String(day.clone()),
            Item::Unfit(_) => Value::Null,
        }
    }
}

pub(crate) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

fn table(table: DeTable<'_>) -> Item {
    let entries = table.into_iter().map(|(key, value)| Entry {
        key_span: key.span(),
        key: key.into_inner().into_owned(),
        node: node(value),
    });
    let mut entries: Vec<Entry> = entries.collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    Item::Table(entries)
}

fn node(value: Spanned<DeValue<'_>>) -> Node {
    let span = value.span();
    let item = match value.into_inner() {
        DeValue::Table(inner) => table(inner),
        DeValue::Array(items) => Item::Array(items.into_iter().map(node).collect()),
        DeValue::String(text) => Item::Scalar(Value::String(text.into_owned())),
        DeValue::Boolean(flag) => Item::Scalar(Value::Bool(flag)),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Item::Unfit("a number too large"), |number| Item::Scalar(number.into())),
        DeValue::Float(number) => {
            let number = number.as_str().parse::<f64>().ok();
            let number = number.and_then(serde_json::Number::from_f64);
            number.map_or(Item::Unfit("no number"), |number| Item::Scalar(number.into()))
        }
        DeValue::Datetime(at) => match (at.date, at.time) {
            (Some(day), None) => Item::Date(day.to_string()),
            (Some(_), Some(_)) => Item::Unfit("a date with a time"),
            (None, _) => Item::Unfit("a time"),
        },
    };
    Node { span, item }
}
