//! What is different between two libraries, field by field, in words.

use std::collections::BTreeMap;
use std::fmt;

use core_model::library::{Script, handle};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::library::Library;
use crate::names::Names;
use crate::words::Words;

mod fields;
mod script;

/// A kind of definition, in the order in which changes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Software.
    Software,
    /// A task.
    Task,
    /// A tag.
    Tag,
    /// A deployment.
    Deployment,
    /// A schedule.
    Schedule,
    /// A golden case.
    Expect,
    /// What is settled about a tenant.
    Tenant,
    /// What is settled about a computer.
    Computer,
}

impl Kind {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Kind::Software => "software",
            Kind::Task => "task",
            Kind::Tag => "tag",
            Kind::Deployment => "deployment",
            Kind::Schedule => "schedule",
            Kind::Expect => "golden case",
            Kind::Tenant => "settings of tenant",
            Kind::Computer => "settings of computer",
        }
    }
}

/// What became of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is new.
    Created,
    /// It is another.
    Changed,
    /// It is gone.
    Removed,
}

/// A field that is different.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// The key, as files write it.
    pub name: String,
    /// The difference in words: `all → tenant Contoso`.
    pub words: String,
    /// The value before, as the hub keeps it; nothing where it was not set.
    pub before: Value,
    /// The value after.
    pub after: Value,
}

/// A definition that is different.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its kind.
    pub kind: Kind,
    /// Its id; of settings, that of the tenant or computer.
    pub id: String,
    /// Its name: after the change, if there is one.
    pub name: String,
    /// What became of it.
    pub action: Action,
    /// What is different; of a new one everything that is set, of a removed one nothing.
    pub fields: Vec<Field>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.action {
            Action::Created => '+',
            Action::Changed => '~',
            Action::Removed => '-',
        };
        write!(f, "{sign} {} {}", self.kind.words(), self.name)?;
        self.fields.iter().try_for_each(|field| write!(f, "\n    {}: {}", field.name, field.words))
    }
}

/// A definition, as it is compared.
struct Shown {
    name: String,
    facts: Vec<Fact>,
}

/// What a field says, where it is set.
struct Fact {
    key: String,
    raw: Value,
    said: Said,
}

enum Said {
    One(String),
    /// A list, of which only what came and what went is told.
    Many(Vec<String>),
    /// A script, of which lines are told.
    Script(Box<Script>),
}

impl Said {
    fn text(&self) -> String {
        match self {
            Said::One(text) => text.clone(),
            Said::Many(texts) => texts.join(", "),
            Said::Script(script) => script::in_short(script),
        }
    }
}

/// What is different, by kind and name. Definitions are the same where their ids are.
#[must_use]
pub fn diff(before: &Library, after: &Library, names: &Names) -> Vec<Change> {
    let secret = fields::secret_parameters(&[before, after]);
    let old = fields::shown(Words { names, library: before }, &secret);
    let mut new = fields::shown(Words { names, library: after }, &secret);
    let mut changes = Vec::new();
    for ((kind, id), old) in old {
        let new = new.remove(&(kind, id.clone()));
        let (action, name, fields) = match new {
            Some(new) => (Action::Changed, new.name, different(old.facts, new.facts)),
            None => (Action::Removed, old.name, Vec::new()),
        };
        if action == Action::Removed || !fields.is_empty() {
            changes.push(Change { kind, id, name, action, fields });
        }
    }
    for ((kind, id), new) in new {
        let fields = different(Vec::new(), new.facts);
        changes.push(Change { kind, id, name: new.name, action: Action::Created, fields });
    }
    changes.sort_by_cached_key(|change| (change.kind, handle(&change.name), change.id.clone()));
    changes
}

fn different(old: Vec<Fact>, new: Vec<Fact>) -> Vec<Field> {
    let order: Vec<String> = new.iter().chain(&old).map(|fact| fact.key.clone()).collect();
    let mut old: BTreeMap<_, _> = old.into_iter().map(|fact| (fact.key.clone(), fact)).collect();
    let mut new: BTreeMap<_, _> = new.into_iter().map(|fact| (fact.key.clone(), fact)).collect();
    let mut fields = Vec::new();
    for key in order {
        let (old, new) = (old.remove(&key), new.remove(&key));
        let raw = |fact: &Option<Fact>| fact.as_ref().map_or(Value::Null, |fact| fact.raw.clone());
        let (before, after) = (raw(&old), raw(&new));
        if before == after {
            continue;
        }
        let words = in_words(old.as_ref(), new.as_ref(), (&before, &after));
        fields.push(Field { name: key, words, before, after });
    }
    fields
}

fn in_words(old: Option<&Fact>, new: Option<&Fact>, (before, after): (&Value, &Value)) -> String {
    let words = match (old.map(|fact| &fact.said), new.map(|fact| &fact.said)) {
        (None, Some(new)) => new.text(),
        (Some(old), None) => format!("{} → none", old.text()),
        (Some(Said::Many(old)), Some(Said::Many(new))) => came_and_went(old, new),
        (Some(Said::Script(old)), Some(Said::Script(new))) => script::between(old, new),
        (Some(old), Some(new)) if old.text() != new.text() => {
            format!("{} → {}", old.text(), new.text())
        }
        _ => String::new(),
    };
    // Two things of one name: only their ids tell them apart.
    if words.is_empty() { format!("{before} → {after}") } else { words }
}

fn came_and_went(old: &[String], new: &[String]) -> String {
    let not_in = |list: &[String], other: &[String]| -> Vec<String> {
        list.iter().filter(|one| !other.contains(one)).cloned().collect()
    };
    let (came, went) = (not_in(new, old), not_in(old, new));
    let signed = |sign: &str, list: Vec<String>| {
        (!list.is_empty()).then(|| format!("{sign} {}", list.join(", ")))
    };
    let parts: Vec<String> = [signed("+", came), signed("−", went)].into_iter().flatten().collect();
    parts.join("; ")
}
