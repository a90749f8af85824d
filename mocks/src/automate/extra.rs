//! Extra data fields of clients, locations, computers and contacts.
//!
//! Their lists ignore conditions, as the real ones do. A value is set with a JSON Patch whose
//! keys and paths are compared without regard to case, with or without the leading slash.

use serde_json::{Value, json};
use uuid::Uuid;

use super::computers;
use super::problem::Problem;
use super::request::{Request, id, member};
use crate::vendor::Reply;
use crate::world::World;

/// A field that exists on every entity of a kind.
struct Definition {
    id: u64,
    title: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Checkbox,
    Dropdown,
}

const DEFINITIONS: [Definition; 4] = [
    Definition { id: 101, title: "Asset owner", kind: Kind::Text },
    Definition { id: 102, title: "Exclude from onboarding", kind: Kind::Checkbox },
    Definition { id: 103, title: "Service tier", kind: Kind::Dropdown },
    Definition { id: 104, title: "Primary user", kind: Kind::Text },
];

/// Answers a read of `/{kind}/{id}/extrafields` and `/{kind}/{id}/extrafields/{definition}`.
pub(super) fn read(request: &Request<'_>, world: &World, entity: u64) -> Result<Reply, Problem> {
    let path = request.path();
    let kind = check_entity(world, path.first().copied().unwrap_or_default(), entity)?;
    match (request.method.as_str(), path.get(3..).unwrap_or_default()) {
        ("GET", []) => {
            let rows = DEFINITIONS.iter().map(|field| row(world, field, kind, entity));
            Ok(Reply::json(200, &rows.collect()))
        }
        ("GET", [field]) => Ok(Reply::json(200, &row(world, definition(field)?, kind, entity))),
        (method, [] | [_]) => Err(Problem::no_method(method)),
        _ => Err(Problem::no_resource()),
    }
}

/// Answers a write of a field, or sets it back.
pub(super) fn write(
    request: &Request<'_>,
    world: &mut World,
    entity: u64,
) -> Result<Reply, Problem> {
    let path = request.path();
    let kind = check_entity(world, path.first().copied().unwrap_or_default(), entity)?;
    let (method, [field]) = (request.method.as_str(), path.get(3..).unwrap_or_default()) else {
        return Err(Problem::no_method(&request.method));
    };
    let field = definition(field)?;
    let key = key(kind, entity, field.id);
    match method {
        "PATCH" => {
            let value = patched(field, &request.json()?)?;
            world.automate.extra_fields.insert(key, value);
        }
        "DELETE" => {
            world.automate.extra_fields.remove(&key);
        }
        method => return Err(Problem::no_method(method)),
    }
    Ok(Reply::json(200, &row(world, field, kind, entity)))
}

/// Under which name the world keeps a value.
fn key(kind: &str, entity: u64, field: u64) -> String {
    format!("{kind}/{entity}/{field}")
}

fn row(world: &World, field: &Definition, kind: &str, entity: u64) -> Value {
    let set = world.automate.extra_fields.get(&key(kind, entity, field.id)).cloned();
    let mut row = json!({
        "TargetId": entity,
        "ExtraFieldDefinitionId": field.id,
        "Title": field.title,
        "DisplayFormat": { "ExtraFieldDisplayFormatId": 0, "Name": "Default" },
        "Location": { "ExtraFieldLocationId": 1, "Name": kind },
        "TitleFormat": { "ExtraFieldTitleFormatId": 0, "Name": "Default" },
        "Section": "Info",
        "Tooltip": "",
        "IsReadOnly": false,
        "TextFieldSettings": null,
        "DropdownSettings": null,
        "CheckboxSettings": null,
        "IsEncrypted": false,
        "IsDefaultValue": set.is_none(),
        "LtGuid": Uuid::new_v5(&Uuid::NAMESPACE_OID, field.title.as_bytes()).to_string(),
    });
    let (name, settings) = match field.kind {
        Kind::Text => {
            let value = set.unwrap_or_else(|| json!(""));
            let settings = json!({ "IsMasked": false, "Value": value, "DefaultValue": "" });
            ("TextFieldSettings", settings)
        }
        Kind::Checkbox => {
            let value = set.unwrap_or(Value::Bool(false));
            ("CheckboxSettings", json!({ "IsChecked": value, "DefaultValue": false }))
        }
        Kind::Dropdown => {
            let settings = json!({
                "AvailableOptions": { "Gold": "Gold", "Silver": "Silver", "None": "None" },
                "SelectedValue": set.unwrap_or_else(|| json!("None")),
                "DefaultValue": "None",
                "IsSqlDefined": false,
                "DynamicSqlQuery": "",
            });
            ("DropdownSettings", settings)
        }
    };
    row[name] = settings;
    row
}

fn definition(text: &str) -> Result<&'static Definition, Problem> {
    let id = id(text)?;
    DEFINITIONS
        .iter()
        .find(|field| field.id == id)
        .ok_or_else(|| Problem::missing("ExtraFieldDefinition", id))
}

fn check_entity(world: &World, kind: &str, entity: u64) -> Result<&'static str, Problem> {
    let automate = &world.automate;
    let (kind, there) = match kind {
        "clients" => ("Client", automate.clients.iter().any(|row| row.id == entity)),
        "locations" => ("Location", automate.locations.iter().any(|row| row.id == entity)),
        "computers" => ("Computer", computers::find(world, entity).is_some()),
        _ => {
            let index = usize::try_from(entity).ok().and_then(|id| id.checked_sub(1));
            ("Contact", index.is_some_and(|index| index < world.persons.len()))
        }
    };
    if there { Ok(kind) } else { Err(Problem::missing(kind, entity)) }
}

/// The value that a JSON Patch of one `replace` sets.
fn patched(field: &Definition, body: &Value) -> Result<Value, Problem> {
    let operation = body
        .as_array()
        .and_then(|operations| operations.first())
        .ok_or_else(|| Problem::bad("The body must be an array of patch operations."))?;
    let part = |name: &str| member(operation, name).cloned().unwrap_or_default();
    if !part("op").as_str().is_some_and(|op| op.eq_ignore_ascii_case("replace")) {
        return Err(Problem::bad("Only the operation 'replace' is supported."));
    }
    let path = part("path").as_str().unwrap_or_default().trim_start_matches('/').to_lowercase();
    let expected = match field.kind {
        Kind::Text => "textfieldsettings/value",
        Kind::Checkbox => "checkboxsettings/ischecked",
        Kind::Dropdown => "dropdownsettings/selectedvalue",
    };
    if path != expected {
        return Err(Problem::bad(format!("The path '{path}' does not fit this field.")));
    }
    let value = part("value");
    match field.kind {
        Kind::Checkbox if !value.is_boolean() => {
            Err(Problem::bad("The value of a checkbox must be true or false."))
        }
        Kind::Text | Kind::Dropdown if !value.is_string() => {
            Err(Problem::bad("The value must be a text."))
        }
        _ => Ok(value),
    }
}
