//! What changed: fields of a document, and the events of the model since a number.

use std::collections::BTreeMap;

use core_model::entity::EntityKind;
use core_model::event::Event;
use core_store::Store;
use serde_json::{Value, json};

use super::text::{self, count};
use crate::failure::Failure;
use crate::output;

/// Events that are read at once.
const BATCH: usize = 2000;
/// Entities that are printed.
const SHOWN: usize = 30;
/// Characters of a value that are printed.
const VALUE: usize = 48;
/// Fields of one entity that are printed.
const FIELDS: usize = 4;

/// A field that is otherwise than it was; null where it was or is not there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FieldChange {
    /// Where (`evidence.uuid`).
    pub(crate) path: String,
    /// The value before.
    pub(crate) before: Value,
    /// The value after.
    pub(crate) after: Value,
}

/// An entity that changed.
pub(crate) struct Changed {
    kind: EntityKind,
    id: String,
    before: Option<Value>,
    after: Option<Value>,
}

/// The fields that differ, objects compared field by field and everything else as a whole.
pub(crate) fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

/// The same of two JSON texts.
pub(crate) fn fields_of_texts(before: &str, after: &str) -> Vec<FieldChange> {
    fields(&parse(before), &parse(after))
}

impl FieldChange {
    /// `name: "Contoso" → "Contoso Ltd"`.
    pub(crate) fn in_words(&self) -> String {
        let value = |value: &Value| text::cut(&value.to_string(), VALUE);
        format!("{}: {} → {}", self.path, value(&self.before), value(&self.after))
    }

    /// For machines.
    pub(crate) fn as_json(&self) -> Value {
        json!({ "field": self.path, "before": self.before, "after": self.after })
    }
}

/// Some of the fields in words, and how many more there are.
pub(crate) fn in_words(fields: &[FieldChange]) -> String {
    let shown: Vec<String> = fields.iter().take(FIELDS).map(FieldChange::in_words).collect();
    let more = fields.len().saturating_sub(FIELDS);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{more}", shown.join("; "))
}

/// The entities that changed since this event, each once, from what it was to what it is.
pub(crate) async fn since(store: &Store, sequence: i64) -> Result<Vec<Changed>, Failure> {
    let mut changed: BTreeMap<(EntityKind, String), Changed> = BTreeMap::new();
    let mut after = sequence;
    loop {
        let events = store.events(after, BATCH).await?;
        let Some(last) = events.last() else { break };
        after = last.sequence;
        for event in events {
            let Event { entity: kind, id, before, after, .. } = event;
            let after = after.as_deref().map(parse);
            changed
                .entry((kind, id.clone()))
                .and_modify(|one| one.after.clone_from(&after))
                .or_insert_with(|| Changed {
                    kind,
                    id,
                    before: before.as_deref().map(parse),
                    after,
                });
        }
    }
    Ok(changed.into_values().filter(|one| one.before != one.after).collect())
}

impl Changed {
    fn how(&self) -> &'static str {
        match (&self.before, &self.after) {
            (None, _) => "created",
            (_, None) => "removed",
            _ => "changed",
        }
    }

    fn name(&self) -> String {
        let document = self.after.as_ref().or(self.before.as_ref());
        document.and_then(name).unwrap_or(&self.id).to_owned()
    }

    fn fields(&self) -> Vec<FieldChange> {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => fields(before, after),
            _ => Vec::new(),
        }
    }

    /// For machines.
    pub(crate) fn as_json(&self) -> Value {
        let fields: Vec<Value> = self.fields().iter().map(FieldChange::as_json).collect();
        json!({
            "entity": self.kind.as_str(),
            "id": self.id,
            "name": self.name(),
            "change": self.how(),
            "fields": fields,
        })
    }
}

/// Prints what changed: how much of what, then the entities.
pub(crate) fn print(changed: &[Changed]) {
    if changed.is_empty() {
        output::line("nothing else changed in the model");
        return;
    }
    output::line(&format!("the model changed in {}", place_count(changed)));
    for one in changed.iter().take(SHOWN) {
        let what = format!("{} {}: {}", word(one.kind), one.name(), one.how());
        text::indented(2, &what);
        let fields = one.fields();
        if !fields.is_empty() {
            text::indented(6, &in_words(&fields));
        }
    }
    if changed.len() > SHOWN {
        output::line(&format!("  and {} more; --json lists all", changed.len() - SHOWN));
    }
}

/// What people call the entity of a document.
pub(crate) fn name(document: &Value) -> Option<&str> {
    let field = |name| document.get(name).and_then(Value::as_str);
    ["name", "display_name", "host", "text"].into_iter().find_map(field)
}

/// An entity's kind in words.
pub(crate) fn word(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Group => "group",
        EntityKind::Membership => "membership",
        EntityKind::AgreementLine => "agreement line",
        other => other.as_str(),
    }
}

fn place_count(changed: &[Changed]) -> String {
    let mut kinds: BTreeMap<EntityKind, u64> = BTreeMap::new();
    for one in changed {
        *kinds.entry(one.kind).or_default() += 1;
    }
    let kinds = kinds.into_iter().map(|(kind, number)| {
        let one = word(kind);
        let many = if one == "person" { "persons".to_owned() } else { format!("{one}s") };
        count(number, one, &many)
    });
    kinds.collect::<Vec<_>>().join(", ")
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<FieldChange>) {
    if before == after {
        return;
    }
    let (Value::Object(left), Value::Object(right)) = (before, after) else {
        let (before, after) = (before.clone(), after.clone());
        found.push(FieldChange { path: path.to_owned(), before, after });
        return;
    };
    let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let side = |side: &serde_json::Map<String, Value>| side.get(key).cloned();
        let (left, right) = (side(left).unwrap_or_default(), side(right).unwrap_or_default());
        compare(&inner, &left, &right, found);
    }
}

/// A document of the store; what is no JSON is shown as it is.
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_fields_that_differ_are_named_with_both_values() {
        let before = r#"{"name":"A","evidence":{"uuid":"1","host":"x"},"tags":[1,2]}"#;
        let after = r#"{"name":"A","evidence":{"uuid":"2","host":"x"},"tags":[1],"new":true}"#;
        let found = fields_of_texts(before, after);
        let words: Vec<String> = found.iter().map(FieldChange::in_words).collect();
        assert_eq!(words, [r#"evidence.uuid: "1" → "2""#, "new: null → true", "tags: [1,2] → [1]"]);
        assert!(fields_of_texts(before, before).is_empty());
    }
}
