//! Looks whether an asset that is to be made is there already: made by the hub before, by its external
//! link; or by somebody else, among the client's assets. Filters that Halo does not know it ignores, so
//! that every row is looked at again.

use core_connector::{ErrorKind, Found, NewObject, Result};
use core_http::Request;
use serde::Deserialize;
use serde_json::Value;

use super::{ASSETS, AssetProperty, INTEGRATION, MODULE, same};
use crate::client::Halo;
use crate::wire;

#[derive(Debug, Deserialize)]
struct Link {
    #[serde(default, deserialize_with = "wire::maybe_id")]
    table_id: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    module_id: Option<i64>,
    integration_name: Option<String>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    halo_id: Option<i64>,
    third_party_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    inventory_number: Option<String>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    client_id: Option<i64>,
    key_field: Option<String>,
    key_field2: Option<String>,
    key_field3: Option<String>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    automate_id: Option<i64>,
    connectwisecontrolid: Option<String>,
    intune_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct List {
    #[serde(default)]
    assets: Vec<Row>,
}

pub(super) async fn find(halo: &Halo, new: &NewObject) -> Result<Found> {
    if let Some(id) = linked(halo, new).await? {
        return Ok(Found::Ours(id.to_string()));
    }
    let serial = new.values.get(AssetProperty::Serial.as_str());
    let mut alike = None;
    for text in [Some(&new.name), serial].into_iter().flatten() {
        for row in search(halo, new, text).await? {
            if is_same(&row, new) {
                return Ok(Found::Same(row.id.to_string()));
            }
            if row.inventory_number.as_deref().is_some_and(|number| same(number, &new.name)) {
                alike.get_or_insert(row.id);
            }
        }
    }
    Ok(alike.map_or(Found::Nothing, |id| Found::Alike(id.to_string())))
}

/// The asset that carries the hub's link of this computer. Where links may not be read, none does.
async fn linked(halo: &Halo, new: &NewObject) -> Result<Option<i64>> {
    let request = Request::get("ExternalLink")
        .query("table_id", ASSETS.to_string())
        .query("module_id", MODULE.to_string())
        .query("third_party_id", &new.computer);
    let answer = match halo.get::<Value>(&request).await {
        Ok((answer, _)) => answer,
        Err(error) if matches!(error.kind(), ErrorKind::Forbidden | ErrorKind::NotFound) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    // A bare array; in an envelope where pages are asked for.
    let rows = match &answer {
        Value::Array(rows) => Some(rows),
        Value::Object(map) => map.values().find_map(Value::as_array),
        _ => None,
    };
    let links = rows.into_iter().flatten().filter_map(|row| Link::deserialize(row).ok());
    let ours = |link: &Link| {
        link.table_id == Some(ASSETS)
            && link.module_id == Some(MODULE)
            && link.integration_name.as_deref().is_none_or(|name| same(name, INTEGRATION))
            && link.third_party_id.as_deref() == Some(new.computer.as_str())
    };
    Ok(links.filter(ours).find_map(|link| link.halo_id.filter(|id| *id > 0)))
}

/// The client's assets with this text in them.
async fn search(halo: &Halo, new: &NewObject, text: &str) -> Result<Vec<Row>> {
    let request = Request::get("Asset")
        .query("client_id", &new.client)
        .query("search", text)
        .query("includeinactive", "true")
        .query("includeactive", "true")
        .query("noicon", "true")
        .query("pageinate", "true")
        .query("page_size", halo.page_size.to_string())
        .query("page_no", "1");
    let (list, _) = halo.get::<List>(&request).await?;
    let of_client = |row: &Row| wire::key(row.client_id).is_none_or(|id| id == new.client);
    Ok(list.assets.into_iter().filter(of_client).collect())
}

/// Whether an asset carries an identity that the new one would: a serial or an agent's id.
fn is_same(row: &Row, new: &NewObject) -> bool {
    let wanted = |property: AssetProperty| new.values.get(property.as_str());
    let serials = [&row.key_field, &row.key_field2, &row.key_field3];
    let serial = wanted(AssetProperty::Serial).is_some_and(|serial| {
        serials.iter().any(|field| field.as_deref().is_some_and(|value| same(value, serial)))
    });
    let automate = wire::key(row.automate_id);
    let ids = [
        (AssetProperty::AutomateId, automate.as_deref()),
        (AssetProperty::ControlId, row.connectwisecontrolid.as_deref()),
        (AssetProperty::IntuneId, row.intune_id.as_deref()),
    ];
    let agent = ids.into_iter().any(|(property, there)| {
        wanted(property).zip(there).is_some_and(|(wanted, there)| same(wanted, there))
    });
    serial || agent
}
