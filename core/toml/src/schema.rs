//! Small readings of a JSON Schema.

use serde_json::Value;

/// The properties of a schema, by name.
pub fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema.get("properties").and_then(Value::as_object).into_iter().flatten()
}

/// The part of a schema itself, where it only points to a definition of the root.
#[must_use]
pub fn resolve<'a>(schema: &'a Value, root: &'a Value) -> &'a Value {
    let mut schema = schema;
    // A definition that points to itself would be a mistake in the schema; ten hops are plenty.
    for _ in 0..10 {
        let Some(name) = schema.get("$ref").and_then(Value::as_str) else { break };
        let Some(target) = name.strip_prefix('#').and_then(|path| root.pointer(path)) else {
            break;
        };
        schema = target;
    }
    schema
}

/// Whether a part of a schema is marked as a secret.
#[must_use]
pub fn is_secret(schema: &Value) -> bool {
    schema.get("x-linchpin-secret").and_then(Value::as_bool).unwrap_or_default()
        || schema
            .get("anyOf")
            .and_then(Value::as_array)
            .is_some_and(|any| any.iter().any(is_secret))
}
