//! OpenAPI 3.0 schemas as JSON Schema: `nullable` is a type there, and siblings of `$ref` count
//! for nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use anyhow::{Context, Result};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// A contract.
pub(super) struct Contract {
    document: Value,
    /// Schemas that were compiled.
    ready: RefCell<HashMap<String, Rc<Validator>>>,
}

impl Contract {
    pub(super) fn read(mut document: Value) -> Self {
        if let Some(components) = document.get_mut("components") {
            translate(components);
        }
        Self { document, ready: RefCell::default() }
    }

    /// What is wrong with a value that should be one of this schema.
    pub(super) fn check_named(&self, name: &str, call: &str, value: &Value) -> Result<Vec<String>> {
        let known = self.document["components"]["schemas"].get(name);
        known.with_context(|| format!("the contract has no schema {name}"))?;
        let schema = json!({ "$ref": format!("#/components/schemas/{}", name.replace('~', "~0")) });
        let validator = self.validator(name, &schema)?;
        Ok(findings(&validator, &format!("{call}: {name}"), value))
    }

    /// What is wrong with an answer to `GET path`.
    pub(super) fn check_answer(
        &self,
        path: &str,
        call: &str,
        value: &Value,
    ) -> Result<Vec<String>> {
        let operation = &self.document["paths"][path]["get"];
        let mut response = &operation["responses"]["200"];
        if let Some(link) = response["$ref"].as_str() {
            let pointer = link.trim_start_matches('#');
            response = self.document.pointer(pointer).with_context(|| link.to_owned())?;
        }
        let mut schema = response["content"]["application/json"]["schema"].clone();
        anyhow::ensure!(schema.is_object(), "the contract has no answer of GET {path}");
        translate(&mut schema);
        let validator = self.validator(path, &schema)?;
        Ok(findings(&validator, call, value))
    }

    fn validator(&self, key: &str, schema: &Value) -> Result<Rc<Validator>> {
        if let Some(ready) = self.ready.borrow().get(key) {
            return Ok(Rc::clone(ready));
        }
        let whole = json!({ "allOf": [schema], "components": self.document["components"] });
        let validator = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft7)
            .should_validate_formats(false)
            .build(&whole)
            .map_err(|error| anyhow::anyhow!("the contract's schema of {key}: {error}"))?;
        let validator = Rc::new(validator);
        self.ready.borrow_mut().insert(key.to_owned(), Rc::clone(&validator));
        Ok(validator)
    }
}

fn findings(validator: &Validator, what: &str, value: &Value) -> Vec<String> {
    let errors = validator.iter_errors(value);
    errors
        .map(|error| {
            let place: String = error
                .instance_path()
                .to_string()
                .split('/')
                .map(unnumbered)
                .collect::<Vec<_>>()
                .join("/");
            let words: String = error.to_string().chars().rev().take(160).collect();
            let words: String = words.chars().rev().collect();
            let field = place.rsplit('/').next().unwrap_or_default();
            let words = words
                .rsplit_once("Additional properties are not allowed ")
                .map_or(words.as_str(), |(_, w)| w);
            format!("{what}: {place} {field}: {words}").replace(":  :", ":")
        })
        .collect()
}

/// The place of a row in its list does not matter.
fn unnumbered(part: &str) -> &str {
    if part.parse::<u32>().is_ok() { "*" } else { part }
}

fn translate(value: &mut Value) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(translate),
        Value::Object(map) => {
            map.values_mut().for_each(translate);
            if map.get("nullable") == Some(&Value::Bool(true)) {
                map.remove("nullable");
                allow_null(map);
            }
        }
        _ => {}
    }
}

fn allow_null(map: &mut Map<String, Value>) {
    let inner = Value::Object(std::mem::take(map));
    map.insert("anyOf".to_owned(), json!([{ "type": "null" }, inner]));
}
