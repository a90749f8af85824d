//! Compares a part of the file with its schema, and reports every difference at its place: unknown
//! keys with the nearest known one, wrong types, values that are not allowed, missing keys.

use serde_json::Value;

use crate::document::{Entry, Item, Node};
use crate::printable;
use crate::problem::Problem;
use crate::schema::{is_secret, properties, resolve};

/// How alike two words must be for one to be suggested for the other.
const ALIKE: f64 = 0.7;

/// The differences between a part of the file and its schema. `who` names the part for people.
#[must_use]
pub fn compare(node: &Node, schema: &Value, who: &str) -> Vec<Problem> {
    let mut found = Vec::new();
    Shape { root: schema, found: &mut found }.part(node, schema, who);
    found
}

/// The known word that is most like this one, where one is like it.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|other| (strsim::jaro_winkler(&word, &other.to_lowercase()), other))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, other)| other)
}

/// "did you mean `x`? There are: x, y, z".
pub fn choices<'a>(
    word: &str,
    lead: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> String {
    let all: Vec<&str> = known.clone().into_iter().collect();
    let list = format!("{lead}: {}", all.join(", "));
    match nearest(word, known) {
        Some(other) => format!("did you mean `{other}`? {list}"),
        None => list,
    }
}

struct Shape<'a> {
    root: &'a Value,
    found: &'a mut Vec<Problem>,
}

impl<'a> Shape<'a> {
    fn part(&mut self, node: &Node, schema: &'a Value, who: &str) {
        let schema = resolve(schema, self.root);
        if let Some(choice) = self.words(schema) {
            return self.word(node, &choice, who);
        }
        let mut some = Vec::new();
        alternatives(schema, self.root, &mut some);
        match some.as_slice() {
            [] => {}
            [one] => return self.part(node, one, who),
            many => return self.one_of(node, many, schema, who),
        }
        let Some(wanted) = type_of(schema) else { return };
        match (&node.item, wanted) {
            (Item::Table(entries), "object") => self.table(node, entries, schema, who),
            (Item::Array(items), "array") => self.list(node, items, schema, who),
            (Item::Scalar(Value::Number(number)), "integer") if !number.is_f64() => {
                self.number(node, number.as_i64().unwrap_or(i64::MAX), schema, who);
            }
            (Item::Scalar(Value::Number(_)), "number")
            | (Item::Scalar(Value::String(_)), "string")
            | (Item::Scalar(Value::Bool(_)), "boolean") => {}
            (Item::Date(_), "string") if is_date(schema) => {}
            _ => self.wrong_type(node, wanted, schema, who),
        }
    }

    /// Of several alternatives the one that is of the kind of what stands there.
    fn one_of(&mut self, node: &Node, many: &[&'a Value], schema: &'a Value, who: &str) {
        let fits = |wanted: &str| match &node.item {
            Item::Table(_) => wanted == "object",
            Item::Array(_) => wanted == "array",
            Item::Scalar(Value::String(_)) => wanted == "string",
            Item::Scalar(Value::Bool(_)) => wanted == "boolean",
            Item::Scalar(_) => wanted == "integer" || wanted == "number",
            Item::Date(_) | Item::Unfit(_) => false,
        };
        let found = many.iter().find(|part| kind(part, self.root).is_some_and(fits));
        if let Some(part) = found {
            return self.part(node, part, who);
        }
        let mut kinds: Vec<&str> =
            many.iter().filter_map(|part| kind(part, self.root)).map(in_words).collect();
        kinds.dedup();
        self.other_type(node, &kinds.join(" or "), schema, who);
    }

    fn wrong_type(&mut self, node: &Node, wanted: &str, schema: &Value, who: &str) {
        let wanted = if is_date(schema) { "a date like 2026-12-31" } else { in_words(wanted) };
        self.other_type(node, wanted, schema, who);
    }

    fn other_type(&mut self, node: &Node, wanted: &str, schema: &Value, who: &str) {
        let what = format!("{who} must be {wanted}, and is {}", node.what());
        self.found.push(
            Problem::new(node.span.clone(), what).label("wrong type").help(description(schema)),
        );
    }

    fn table(&mut self, node: &Node, entries: &[Entry], schema: &'a Value, who: &str) {
        let known: Vec<&str> = properties(schema).map(|(name, _)| name.as_str()).collect();
        let other = schema.get("additionalProperties");
        let closed = other == Some(&Value::Bool(false));
        let any_key = other.filter(|other| other.is_object());
        for entry in entries {
            let inner = schema.get("properties").and_then(|all| all.get(&entry.key));
            if let Some(inner) = inner {
                self.part(&entry.node, inner, &format!("`{}`", entry.key));
            } else if let Some(each) = any_key {
                self.part(&entry.node, each, &format!("`{}`", entry.key));
            } else if closed {
                let what = format!("unknown key `{}` in {who}", entry.key);
                let help = match self.deeper(&entry.key, schema) {
                    Some(inner) => format!("`{}` belongs into `{inner}`", entry.key),
                    None => choices(&entry.key, "allowed here", known.iter().copied()),
                };
                let problem = Problem::new(entry.key_span.clone(), what).label("unknown");
                self.found.push(problem.help(help));
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if entries.iter().all(|entry| entry.key != name) {
                self.lacks(node, name, schema, who);
            }
        }
    }

    /// The key of a table within this one that has such a key: it was written one level too high.
    fn deeper(&self, key: &str, schema: &'a Value) -> Option<&'a str> {
        let has = |part: &&Value| part.get("properties").is_some_and(|all| all.get(key).is_some());
        properties(schema).find_map(|(name, inner)| {
            let inner = resolve(inner, self.root);
            let mut parts = vec![inner];
            alternatives(inner, self.root, &mut parts);
            parts.iter().any(has).then_some(name.as_str())
        })
    }

    fn lacks(&mut self, node: &Node, name: &str, schema: &Value, who: &str) {
        let inner = schema.get("properties").and_then(|all| all.get(name));
        let inner = inner.map(|inner| resolve(inner, self.root));
        let mut help = inner.map(description).unwrap_or_default();
        if inner.is_some_and(is_secret) {
            help.push_str(
                " Write it as `env:NAME`, `file:PATH` or `keyring:NAME` to keep it out of here.",
            );
        }
        let problem = Problem::new(node.span.clone(), format!("{who} lacks `{name}`"));
        self.found.push(problem.label("add it to this table").help(help));
    }

    fn list(&mut self, node: &Node, items: &[Node], schema: &'a Value, who: &str) {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or_default();
        if (items.len() as u64) < least {
            let what = format!("{who} must hold at least {least}, and holds {}", items.len());
            self.found.push(Problem::new(node.span.clone(), what).help(description(schema)));
        }
        let Some(each) = schema.get("items") else { return };
        for item in items {
            self.part(item, each, &format!("an item of {who}"));
        }
    }

    fn number(&mut self, node: &Node, number: i64, schema: &Value, who: &str) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        let (least, most) = (bound("minimum"), bound("maximum"));
        #[expect(clippy::cast_precision_loss, reason = "bounds are far below 2^53")]
        let value = number as f64;
        if least.is_none_or(|least| value >= least) && most.is_none_or(|most| value <= most) {
            return;
        }
        let allowed = match (least, most) {
            (Some(least), Some(most)) => format!("between {least} and {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, Some(most)) => format!("at most {most}"),
            (None, None) => return,
        };
        let what = format!("{who} must be {allowed}, and is {number}");
        let problem = Problem::new(node.span.clone(), what).label("out of range");
        self.found.push(problem.help(description(schema)));
    }

    /// The words that are allowed, where the schema is a choice of words.
    fn words(&self, schema: &'a Value) -> Option<Vec<&'a str>> {
        if let Some(word) = schema.get("const").and_then(Value::as_str) {
            return Some(vec![word]);
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            return Some(words.iter().filter_map(Value::as_str).collect());
        }
        let any = schema.get("oneOf").and_then(Value::as_array)?;
        let words: Option<Vec<Vec<&str>>> =
            any.iter().map(|part| self.words(resolve(part, self.root))).collect();
        words.map(|words| words.concat())
    }

    fn word(&mut self, node: &Node, allowed: &[&str], who: &str) {
        let quoted: Vec<String> = allowed.iter().map(|word| format!("\"{word}\"")).collect();
        let Some(word) = node.text() else {
            let what = format!("{who} must be a text in quotes, and is {}", node.what());
            let help = format!("allowed: {}", quoted.join(", "));
            let problem = Problem::new(node.span.clone(), what).label("wrong type");
            return self.found.push(problem.help(help));
        };
        if allowed.contains(&word) {
            return;
        }
        let help = match nearest(word, allowed.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"? Allowed: {}", quoted.join(", ")),
            None => format!("allowed: {}", quoted.join(", ")),
        };
        let what = format!("{who} cannot be \"{}\"", printable(word));
        self.found.push(Problem::new(node.span.clone(), what).label("not allowed").help(help));
    }
}

/// What a schema with `anyOf` allows, those of its parts included, leaving out "nothing", which
/// TOML cannot say.
fn alternatives<'a>(schema: &'a Value, root: &'a Value, into: &mut Vec<&'a Value>) {
    for part in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        let part = resolve(part, root);
        if part.get("anyOf").is_some() {
            alternatives(part, root, into);
        } else if !is_null(part) {
            into.push(part);
        }
    }
}

/// The type of an alternative; a choice of words is a text.
fn kind<'a>(schema: &'a Value, root: &'a Value) -> Option<&'a str> {
    let word = ["const", "enum", "oneOf"].iter().any(|key| schema.get(key).is_some());
    type_of(resolve(schema, root)).or(word.then_some("string"))
}

fn in_words(kind: &str) -> &'static str {
    match kind {
        "object" => "a table",
        "array" => "a list",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "a text in quotes",
    }
}

fn is_date(schema: &Value) -> bool {
    schema.get("format").and_then(Value::as_str) == Some("date")
}

/// The type that a schema asks for, leaving out "nothing".
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(name) => Some(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// What a schema says about itself, on one line.
fn description(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::Document;
    use crate::problem::Problems;

    fn found(text: &str) -> String {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "from": { "type": ["string", "null"], "format": "date" },
                "name": { "type": "string" },
                "words": { "type": "object", "additionalProperties": { "$ref": "#/$defs/word" } },
                "target": { "anyOf": [{ "$ref": "#/$defs/word" }, { "$ref": "#/$defs/table" }] },
            },
            "$defs": {
                "word": { "enum": ["all"] },
                "table": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "labels": { "type": "string" },
                        "not": { "$ref": "#/properties/target" },
                    },
                },
            },
        });
        let document = Document::parse("a.toml", text);
        let problems = compare(&document.root, &schema, "the file");
        Problems::new(&document, problems).text(false)
    }

    #[test]
    fn of_several_alternatives_the_one_that_fits_is_compared() {
        assert_eq!(found("target = 'all'"), "");
        assert_eq!(found("target = { not = { labels = 'x' } }"), "");
        let text = found("target = 'al'");
        assert!(text.contains("did you mean \"all\"?"), "{text}");
        let text = found("target = 3");
        assert!(text.contains("must be a text in quotes or a table, and is a whole"), "{text}");
        let text = found("target = { not = { lables = 'x' } }");
        assert!(text.contains("unknown key `lables` in `not`"), "{text}");
    }

    #[test]
    fn a_table_of_any_keys_is_compared_value_by_value() {
        assert_eq!(found("words = { 5 = 'all', \"a b\" = 'all' }"), "");
        let text = found("words = { 5 = 'al' }");
        assert!(text.contains("`5` cannot be \"al\""), "{text}");
    }

    #[test]
    fn t23_a_key_one_level_too_high_says_where_it_belongs() {
        let text = found("name = 'x'\nlabels = 'x'\n");
        assert!(text.contains("`labels` belongs into `target`"), "{text}");
        assert!(text.contains("a.toml:2:1"), "{text}");
    }

    #[test]
    fn a_day_is_a_date_and_no_text() {
        assert_eq!(found("from = 2026-12-31"), "");
        for (text, part) in [
            ("from = 3", "`from` must be a date like 2026-12-31, and is a whole number"),
            ("from = 2026-12-31T10:00:00Z", "and is a date with a time"),
            ("name = 2026-12-31", "`name` must be a text in quotes, and is a date"),
        ] {
            let shown = found(text);
            assert!(shown.contains(part), "{shown}");
        }
    }
}
