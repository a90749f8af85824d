//! The settings file as a tree whose every part knows its place, and its text with the secrets
//! masked, for whoever shows a line of it.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use core_connector::Registry;
use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::Problem;
use super::secret;

/// The file.
pub(crate) struct Document {
    name: String,
    folder: PathBuf,
    masked: Arc<str>,
    /// The tree, as far as the text could be read.
    pub(super) root: Node,
    /// Where the text is no TOML.
    pub(super) broken: Vec<Problem>,
}

/// A part of the file.
#[derive(Clone)]
pub(super) struct Node {
    /// Its place, in bytes.
    pub(super) span: Range<usize>,
    pub(super) item: Item,
}

#[derive(Clone)]
pub(super) enum Item {
    Table(Vec<Entry>),
    Array(Vec<Node>),
    /// Text, number or truth value.
    Scalar(Value),
    /// What JSON and the settings have no use for: in words.
    Unfit(&'static str),
}

#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node,
}

impl Document {
    /// Reads the text; what is wrong with it is kept.
    pub(super) fn new(path: &Path, text: &str, registry: &Registry) -> Self {
        let (tree, errors) = DeTable::parse_recoverable(text);
        let broken = errors.iter().map(|error| {
            let span = error.span().unwrap_or(0..0);
            Problem::new(span, format!("this is no TOML: {}", error.message()))
        });
        let broken = broken.collect();
        let span = tree.span();
        let root = Node { span, item: table(tree.into_inner()) };
        let masked = secret::masked(text, &secret::names(registry)).into();
        // Empty where the file is named without a folder: then it is where the program runs.
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Self { name: path.display().to_string(), folder, masked, root, broken }
    }

    /// The file's name, as it was given.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The folder that paths in the file are relative to.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The text without its secrets; every other byte is where it was.
    pub(super) fn masked(&self) -> Arc<str> {
        Arc::clone(&self.masked)
    }

    /// The place of a key's value in a table, or of the table, or the start of the file.
    pub(super) fn span_of(&self, table: &str, key: &str) -> Range<usize> {
        let table = self.root.get(table);
        let value = table.and_then(|table| table.get(key));
        value.or(table).map_or(0..0, |node| node.span.clone())
    }
}

impl Node {
    /// The value of a key, where this is a table that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry of a key, where this is a table that has it.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entries, where this is a table.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.item {
            Item::Table(entries) => entries,
            _ => &[],
        }
    }

    /// The items, where this is an array.
    pub(super) fn items(&self) -> &[Node] {
        match &self.item {
            Item::Array(items) => items,
            _ => &[],
        }
    }

    /// The text, where this is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.item {
            Item::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// What this is, in words.
    pub(super) fn what(&self) -> &'static str {
        match &self.item {
            Item::Table(_) => "a table",
            Item::Array(_) => "a list",
            Item::Scalar(Value::String(_)) => "a text",
            Item::Scalar(Value::Bool(_)) => "true or false",
            Item::Scalar(Value::Number(number)) if number.is_f64() => "a fraction",
            Item::Scalar(_) => "a whole number",
            Item::Unfit(what) => what,
        }
    }

    /// The same as JSON, without places.
    pub(super) fn json(&self) -> Value {
        match &self.item {
            Item::Table(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.node.json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
            Item::Array(items) => items.iter().map(Node::json).collect(),
            Item::Scalar(value) => value.clone(),
            Item::Unfit(_) => Value::Null,
        }
    }
}

/// A SQLite path in the address of a database, made relative to the settings file's folder.
pub(super) fn absolute_database(address: &str, folder: &Path) -> String {
    let path = address.strip_prefix("sqlite://").or_else(|| address.strip_prefix("sqlite:"));
    match path {
        Some(":memory:") => address.to_owned(),
        Some(path) => format!("sqlite://{}", folder.join(path).display()),
        None if address.contains("://") => address.to_owned(),
        None => folder.join(address).display().to_string(),
    }
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
        DeValue::Datetime(_) => Item::Unfit("a date"),
    };
    Node { span, item }
}
