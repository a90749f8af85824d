//! Compares a part of the file with its schema, and reports every difference at its place: unknown
//! keys with the nearest known one, wrong types, values that are not allowed, missing keys.

use serde_json::Value;

use super::document::{Entry, Item, Node};
use super::problem::Problem;
use super::schema::{properties, resolve};
use super::secret::is_secret;

/// How alike two words must be for one to be suggested for the other.
const ALIKE: f64 = 0.7;

/// The differences between a part of the file and its schema. `who` names the part for people.
pub(super) fn compare(node: &Node, schema: &Value, who: &str) -> Vec<Problem> {
    let mut found = Vec::new();
    Shape { root: schema, found: &mut found }.part(node, schema, who);
    found
}

/// The known word that is most like this one, where one is like it.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .into_iter()
        .map(|other| (strsim::jaro_winkler(&word, &other.to_lowercase()), other))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, other)| other)
}

/// "did you mean `x`? There are: x, y, z".
pub(crate) fn choices<'a>(
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
        if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
            // An optional value: the schema of the value, or of nothing, which TOML cannot say.
            let some = any.iter().find(|part| !is_null(resolve(part, self.root)));
            if let Some(some) = some {
                self.part(node, some, who);
            }
            return;
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
            _ => self.wrong_type(node, wanted, schema, who),
        }
    }

    fn wrong_type(&mut self, node: &Node, wanted: &str, schema: &Value, who: &str) {
        let wanted = match wanted {
            "object" => "a table",
            "array" => "a list",
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "true or false",
            _ => "a text in quotes",
        };
        let what = format!("{who} must be {wanted}, and is {}", node.what());
        self.found.push(
            Problem::new(node.span.clone(), what).label("wrong type").help(description(schema)),
        );
    }

    fn table(&mut self, node: &Node, entries: &[Entry], schema: &'a Value, who: &str) {
        let known: Vec<&str> = properties(schema).map(|(name, _)| name.as_str()).collect();
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        for entry in entries {
            let inner = schema.get("properties").and_then(|all| all.get(&entry.key));
            if let Some(inner) = inner {
                self.part(&entry.node, inner, &format!("`{}`", entry.key));
            } else if closed {
                let what = format!("unknown key `{}` in {who}", entry.key);
                let help = choices(&entry.key, "allowed here", known.iter().copied());
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
        let what = format!("{who} cannot be \"{}\"", crate::output::printable(word));
        self.found.push(Problem::new(node.span.clone(), what).label("not allowed").help(help));
    }
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
