//! Asset types, asset groups and asset fields.
//!
//! The serial number has no property of its own: it is a field, chosen as the first key field.

use serde_json::{Value, json};

use super::asset::Assets;
use super::body::Element;
use super::entity::{Cx, Entity as _};
use super::own::{self, Object};
use super::query::plain;
use super::save::Pen;
use super::wire::{self, Fields};
use crate::vendor::Reply;
use crate::world::{HaloAsset, MachineKind};

/// Id and name of each asset type, and its group.
const TYPES: [(i64, &str, i64); 6] = [
    (121, "Desktop", 10),
    (122, "Laptop", 10),
    (123, "Server", 11),
    (124, "Virtual Machine", 10),
    (130, "Printer", 12),
    (131, "Other", 12),
];

/// Id and name of each asset group.
const GROUPS: [(i64, &str); 3] = [(10, "Workstations"), (11, "Servers"), (12, "Peripherals")];

/// Id and name of each field that all types have.
const FIELDS: [(i64, &str); 5] = [
    (SERIAL, "Serial Number"),
    (102, "Manufacturer"),
    (103, "Model"),
    (104, "Operating System"),
    (105, "SMBIOS UUID"),
];

/// The field of the serial number.
const SERIAL: i64 = 101;

/// The first id of fields that callers invent.
const FIRST_NEW: i64 = 200;

/// The type of an asset.
pub(super) fn type_of(cx: &Cx<'_>, row: &HaloAsset) -> i64 {
    let posted = cx.own.extra(Assets::PLACE, row.id, "assettype_id");
    if let Some(id) = posted.and_then(|v| plain(v).trim().parse().ok()) {
        return id;
    }
    match row.machine.and_then(|m| cx.world.machines.get(m)).map(|m| m.kind) {
        Some(MachineKind::Desktop) => 121,
        Some(MachineKind::Laptop) => 122,
        Some(MachineKind::Server | MachineKind::DomainController) => 123,
        Some(MachineKind::Virtual) => 124,
        None => 130,
    }
}

/// The name of a type.
pub(super) fn type_name(id: i64) -> &'static str {
    TYPES.iter().find(|(t, ..)| *t == id).map_or("Other", |(_, name, _)| name)
}

/// Id and name of the group of a type.
pub(super) fn group_of_type(id: i64) -> (i64, &'static str) {
    let group = TYPES.iter().find(|(t, ..)| *t == id).map_or(12, |(.., group)| *group);
    GROUPS.into_iter().find(|(g, _)| *g == group).unwrap_or((group, "Peripherals"))
}

/// The fields of an asset with their values.
pub(super) fn of(cx: &Cx<'_>, row: &HaloAsset) -> Vec<Value> {
    let machine = row.machine.and_then(|m| cx.world.machines.get(m));
    let kept = cx.own.asset_fields.get(&row.id);
    let value = |id: i64| -> Option<Value> {
        let given = kept.and_then(|fields| fields.get(&id)).cloned();
        given.or_else(|| match id {
            SERIAL => row.serial.clone().map(Value::from),
            102 => machine.map(|m| m.manufacturer.clone().into()),
            103 => machine.map(|m| m.model.clone().into()),
            104 => machine.map(|m| m.os.clone().into()),
            _ => None,
        })
    };
    let known = FIELDS.iter().map(|(id, name)| (*id, *name));
    let new = cx.own.new_fields.iter().map(|(id, name)| (*id, name.as_str()));
    let shown = known.chain(new.filter(|(id, _)| kept.is_some_and(|k| k.contains_key(id))));
    shown.map(|(id, name)| one(id, name, value(id), type_of(cx, row))).collect()
}

/// The serial number in posted fields; `Some(None)` takes it away.
pub(super) fn posted_serial(el: Element<'_>) -> Result<Option<Option<String>>, Reply> {
    for field in el.parts("fields").into_iter().flatten() {
        let by_name = field.text("name").is_some_and(|n| n.eq_ignore_ascii_case("Serial Number"));
        if field.int("id")? == Some(SERIAL) || by_name {
            return Ok(Some(field.optional("value").flatten()));
        }
    }
    Ok(None)
}

/// Keeps the posted fields. Fields that nobody knows are made, unless the caller forbids it.
pub(super) fn keep(pen: &mut Pen<'_>, asset: i64, el: Element<'_>) {
    let make = el.flag("_dontaddnewfields") != Some(true);
    for field in el.parts("fields").into_iter().flatten() {
        let known =
            |id: &i64| FIELDS.iter().any(|(k, _)| k == id) || pen.own.new_fields.contains_key(id);
        let by_id = field.int("id").ok().flatten().filter(known);
        let name = field.text("name").filter(|n| !n.trim().is_empty());
        let by_name = || {
            let name = name.as_deref()?;
            let new = pen.own.new_fields.iter().map(|(id, n)| (*id, n.as_str()));
            let mut all = FIELDS.into_iter().chain(new);
            all.find(|(_, n)| n.eq_ignore_ascii_case(name)).map(|(id, _)| id)
        };
        let id = match (by_id.or_else(by_name), name) {
            (Some(id), _) => id,
            (None, Some(name)) if make => {
                let id = pen.own.new_fields.keys().last().map_or(FIRST_NEW, |last| last + 1);
                pen.own.new_fields.insert(id, name);
                id
            }
            _ => continue,
        };
        // The serial is the world's.
        if id != SERIAL {
            let value = field.raw("value").cloned().unwrap_or_default();
            pen.own.asset_fields.entry(asset).or_default().insert(id, value);
        }
    }
}

/// Writes the change feed of an asset.
pub(super) fn history(pen: &mut Pen<'_>, id: i64, before: &HaloAsset) {
    let Some(now) = pen.cx().find::<Assets>(id).cloned() else { return };
    let list = |row: &HaloAsset| row.users.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
    let changes = [
        ("Asset Tag", before.inventory_number.clone(), now.inventory_number.clone()),
        (
            "Serial Number",
            before.serial.clone().unwrap_or_default(),
            now.serial.clone().unwrap_or_default(),
        ),
        ("Site", before.site.to_string(), now.site.to_string()),
        ("Users", list(before), list(&now)),
        ("Inactive", before.inactive.to_string(), now.inactive.to_string()),
    ];
    let at = wire::stamp(pen.world.now(), id);
    for (name, old, new) in changes.into_iter().filter(|(_, old, new)| old != new) {
        let mut row = Object::new();
        row.insert("id".into(), own::next_id(&pen.own.asset_changes).into());
        row.insert("asset_id".into(), id.into());
        row.insert("field_name".into(), name.into());
        row.insert("field_desc".into(), name.into());
        row.insert("old_value".into(), old.into());
        row.insert("new_value".into(), new.into());
        row.insert("who".into(), "API Agent".into());
        row.insert("datetime".into(), at.clone().into());
        pen.own.asset_changes.push(row);
    }
}

/// `/AssetType`: a bare array whose ids come as text or doubles here and there.
pub(super) fn types(cx: &Cx<'_>) -> Result<Vec<Value>, Reply> {
    let group = cx.query.id("assetgroup_id")?;
    let fields: Vec<Value> = FIELDS
        .iter()
        .zip(1..)
        .map(|((id, name), seq)| {
            #[expect(clippy::cast_precision_loss, reason = "field ids are small")]
            let id = *id as f64;
            json!({ "field_id": id, "field_name": name, "seq": seq })
        })
        .collect();
    let rows = TYPES.iter().filter(|(_, _, g)| group.is_none_or(|wanted| wanted == *g));
    let shape = |(id, name, _): &(i64, &str, i64)| {
        let (group, group_name) = group_of_type(*id);
        Fields::new()
            .with("id", *id)
            .with("name", *name)
            .with("assetgroup_id", group)
            .with("assetgroup_name", group_name)
            .with("keyfield_id", SERIAL)
            .with("keyfield_name", "Serial Number")
            .with("keyfield2_id", 103)
            .with("keyfield2_name", "Model")
            .with("show_to_users", true)
            .with("linkedcontracttype", 0)
            .with("fields", fields.clone())
            .json()
    };
    Ok(rows.map(shape).collect())
}

/// `/AssetGroup`: a bare array.
pub(super) fn groups() -> Vec<Value> {
    GROUPS.iter().map(|(id, name)| json!({ "id": id, "name": name, "visible": true })).collect()
}

fn one(id: i64, name: &str, value: Option<Value>, kind: i64) -> Value {
    Fields::new()
        .with("id", id)
        .with("name", name)
        .maybe("display", value.as_ref().map(plain))
        .maybe("value", value)
        .with("validate", "")
        .with("mandatory", false)
        .with("showonactivity", false)
        .with("lookup", 0)
        .with("systemuse", 0)
        .with("parenttype_id", kind)
        .with("access_level", 3)
        .json()
}
