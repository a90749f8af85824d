//! The JSON Schema of the whole settings file: the hub's own tables, and for each connection the
//! schema of its kind. Checks and editors read the same one.

use core_connector::{Kind, Registry};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::file::File;
use super::plan::connection_schedule_schema;

/// Keys of a connection that are not its connector's.
pub(super) const OWN_KEYS: [&str; 4] = ["name", "kind", "enabled", "schedule"];

/// The schema of the settings file.
pub(crate) fn file_schema(registry: &Registry) -> Value {
    let mut schema = own_schema();
    let mut definitions = take_definitions(&mut schema);
    let mut kinds = Vec::new();
    for kind in registry.kinds() {
        let mut table = connection_schema(kind);
        let renamed = format!("{}.", kind.name);
        for (name, definition) in take_definitions(&mut table) {
            match definitions.get(&name) {
                Some(there) if *there == definition => {}
                None => {
                    definitions.insert(name, definition);
                }
                // Two connectors' types of one name: the second gets its kind in front.
                Some(_) => {
                    let unique = format!("{renamed}{name}");
                    point_to(&mut table, &name, &unique);
                    definitions.insert(unique, definition);
                }
            }
        }
        kinds.push(table);
    }
    let names: Vec<&str> = registry.kinds().map(|kind| kind.name).collect();
    schema["properties"]["connection"]["items"] = json!({
        "type": "object",
        "required": ["name", "kind"],
        "properties": { "kind": { "enum": names } },
        "oneOf": kinds,
    });
    schema["title"] = "Settings of Linchpin (linchpin.toml)".into();
    schema["$defs"] = Value::Object(definitions);
    schema
}

/// The schema of the hub's own tables.
pub(super) fn own_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<File>().to_value()
}

/// The schema of a connector's own settings.
pub(crate) fn schema_of(kind: &Kind) -> Value {
    kind.schema().to_value()
}

/// The schema of a connection of a kind: its connector's settings, and what every connection has.
pub(super) fn connection_schema(kind: &Kind) -> Value {
    let mut schema = schema_of(kind);
    if let Some(table) = schema.as_object_mut() {
        table.remove("$schema");
        table.insert("title".to_owned(), kind.title.into());
    }
    schema["properties"]["name"] = json!({
        "type": "string",
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$",
        "description": "Name of the connection, as commands and lists show it: letters, digits, \
                        `-`, `_` and `.`. What was read is stored under it.",
    });
    schema["properties"]["kind"] =
        json!({ "const": kind.name, "description": format!("The system: {}.", kind.title) });
    schema["properties"]["enabled"] = json!({
        "type": "boolean",
        "default": true,
        "description": "Whether it is read. What was read before stays.",
    });
    schema["properties"]["schedule"] = connection_schedule_schema();
    let mut required = vec![json!("name"), json!("kind")];
    required.extend(schema["required"].as_array().cloned().unwrap_or_default());
    schema["required"] = required.into();
    schema
}

fn take_definitions(schema: &mut Value) -> Map<String, Value> {
    let taken = schema.as_object_mut().and_then(|table| table.remove("$defs"));
    match taken {
        Some(Value::Object(definitions)) => definitions,
        _ => Map::new(),
    }
}

/// Lets everything that points to one definition point to another.
fn point_to(schema: &mut Value, from: &str, to: &str) {
    match schema {
        Value::Object(table) => {
            for (key, value) in table.iter_mut() {
                if key == "$ref" && value.as_str() == Some(&format!("#/$defs/{from}")) {
                    *value = format!("#/$defs/{to}").into();
                } else {
                    point_to(value, from, to);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_to(item, from, to)),
        _ => {}
    }
}
