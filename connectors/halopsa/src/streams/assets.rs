//! Assets: `GET /Asset`. A serial number is no property of its own: it is a field of the asset's
//! type, often one of the type's three key fields, whose values each row carries.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use core_connector::{Changes, ErrorKind, Page, Result, Resume, Scope, Source};
use core_http::Request;
use core_model::facts::AssetFacts;
use core_model::junk::junk_serial;
use core_model::record::{Record, Rejected};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::changes;
use crate::client::Halo;
use crate::paging::{Found, Listing, Round};
use crate::wire::{self, Named};

pub(crate) const LISTING: Listing = Listing {
    path: "Asset",
    rows: "assets",
    query: &[("includeinactive", "true"), ("includeactive", "true"), ("noicon", "true")],
};

/// How long the asset types are kept; they change when somebody configures Halo.
const TYPES_KEPT: Duration = Duration::from_mins(10);

/// Which of a type's key fields holds the serial number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SerialField {
    First,
    Second,
    Third,
    /// The fields are named, and none is a serial number.
    None,
}

/// By asset type.
type SerialFields = HashMap<i64, SerialField>;

/// The assets.
pub(crate) struct Assets {
    halo: Arc<Halo>,
    incremental: bool,
    types: Mutex<Option<(Instant, Arc<SerialFields>)>>,
}

#[derive(Debug, Deserialize)]
struct AssetType {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    keyfield_name: Option<String>,
    keyfield2_name: Option<String>,
    keyfield3_name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    inventory_number: Option<String>,
    key_field: Option<String>,
    key_field2: Option<String>,
    key_field3: Option<String>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    client_id: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    site_id: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    assettype_id: Option<i64>,
    assettype_name: Option<String>,
    inactive: Option<bool>,
    fields: Option<Vec<Field>>,
    users: Option<Vec<Named>>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    first_user_id: Option<i64>,
    #[serde(default, deserialize_with = "wire::maybe_id")]
    automate_id: Option<i64>,
    connectwisecontrolid: Option<String>,
    intune_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Field {
    name: Option<String>,
    value: Option<Value>,
}

impl Assets {
    pub(crate) fn new(halo: &Arc<Halo>, incremental: bool) -> Self {
        Self { halo: Arc::clone(halo), incremental, types: Mutex::new(None) }
    }

    /// The asset types, asked for once in a while. Who may not see them goes by what the values
    /// look like.
    async fn types(&self) -> Result<Arc<SerialFields>> {
        let mut kept = self.types.lock().await;
        if let Some((since, types)) = &*kept
            && since.elapsed() < TYPES_KEPT
        {
            return Ok(Arc::clone(types));
        }
        let types = match self.halo.get::<Vec<Value>>(&Request::get("AssetType")).await {
            Ok((types, _)) => serial_fields(&types),
            Err(error) => match error.kind() {
                ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Rejected => {
                    SerialFields::new()
                }
                _ => return Err(error),
            },
        };
        let types = Arc::new(types);
        *kept = Some((Instant::now(), Arc::clone(&types)));
        Ok(types)
    }
}

#[async_trait]
impl Source for Assets {
    fn changes(&self) -> Changes {
        changes(self.incremental)
    }

    async fn page(&self, _: &Scope, from: Resume) -> Result<Page> {
        let round = Round::resume(&from, &LISTING)?;
        let types = self.types().await?;
        let sheet = self.halo.sheet(&LISTING, &round.walk, round.since()).await?;
        let mut found = Found::default();
        for row in &sheet.rows {
            found.add(read(row, &types));
        }
        Ok(found.page(sheet.bytes, round.after(sheet.step, self.incremental)?))
    }
}

fn read(raw: &RawValue, types: &SerialFields) -> std::result::Result<Option<Record>, Rejected> {
    let row: Row = wire::row(raw)?;
    let serial = serial(&row, types);
    let mut contacts: Vec<String> =
        row.users.iter().flatten().filter_map(|user| wire::key(Some(user.id))).collect();
    if row.users.is_none() {
        contacts.extend(wire::key(row.first_user_id));
    }
    let automate = wire::key(row.automate_id).map(|id| ("cw-automate".to_owned(), id));
    let control = wire::guid(row.connectwisecontrolid.as_deref());
    let intune = wire::guid(row.intune_id.as_deref());
    let elsewhere = [
        automate,
        control.map(|id| ("cw-control".to_owned(), id)),
        intune.map(|id| ("azure-ad".to_owned(), id)),
    ];
    let facts = AssetFacts {
        name: wire::text(row.inventory_number.as_deref())
            .or(wire::text(row.key_field.as_deref()))
            .unwrap_or_default(),
        asset_type: wire::text(row.assettype_name.as_deref()),
        serial,
        elsewhere: elsewhere.into_iter().flatten().collect(),
        contacts,
        site: wire::key(row.site_id),
        inactive: row.inactive.unwrap_or_default(),
    };
    Ok(Some(wire::record(row.id, row.client_id, facts.into(), raw.get())))
}

/// The field that is named so; else the key field that the type says; else, where the type says
/// nothing, the first key field that can be nothing else.
fn serial(row: &Row, types: &SerialFields) -> Option<String> {
    let named = row.fields.iter().flatten().find(|field| is_serial(field.name.as_deref()));
    if let Some(value) = named.and_then(|field| field.value.as_ref()) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return wire::text(Some(&text)).filter(|serial| !junk_serial(serial));
    }
    let said = match row.assettype_id.and_then(|id| types.get(&id)) {
        Some(SerialField::First) => &row.key_field,
        Some(SerialField::Second) => &row.key_field2,
        Some(SerialField::Third) => &row.key_field3,
        Some(SerialField::None) => return None,
        None => return guessed_serial(row),
    };
    wire::text(said.as_deref()).filter(|serial| !junk_serial(serial))
}

fn guessed_serial(row: &Row) -> Option<String> {
    let tag = row.inventory_number.as_deref().unwrap_or_default().trim();
    [&row.key_field, &row.key_field2, &row.key_field3]
        .into_iter()
        .filter_map(|value| wire::text(value.as_deref()))
        .find(|value| looks_like_a_serial(value) && !value.eq_ignore_ascii_case(tag))
}

/// A makers' serial number: capitals and digits mixed, as long as Dell's, Lenovo's, HP's or Apple's.
/// Letters followed by digits may be a host name or an asset tag, and a missing serial number does
/// less harm than a wrong one.
fn looks_like_a_serial(text: &str) -> bool {
    let of_maker = matches!(text.len(), 7 | 8 | 10 | 12)
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let number = text.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let numbered = number.chars().all(|c| c.is_ascii_digit());
    of_maker && !numbered && text.contains(|c: char| c.is_ascii_uppercase()) && !junk_serial(text)
}

fn serial_fields(types: &[Value]) -> SerialFields {
    let types = types.iter().filter_map(|value| AssetType::deserialize(value).ok());
    types
        .filter_map(|kind| {
            let names = [&kind.keyfield_name, &kind.keyfield2_name, &kind.keyfield3_name];
            if names.iter().all(|name| name.is_none()) {
                return None;
            }
            let place = names.iter().position(|name| is_serial(name.as_deref()));
            let field = match place {
                Some(0) => SerialField::First,
                Some(1) => SerialField::Second,
                Some(_) => SerialField::Third,
                None => SerialField::None,
            };
            Some((kind.id, field))
        })
        .collect()
}

/// Whether a field of that name holds the serial number.
pub(crate) fn is_serial(name: Option<&str>) -> bool {
    let name: String =
        name.unwrap_or_default().to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    ["serialnumber", "serialno", "serial", "servicetag"].contains(&name.as_str())
}

#[cfg(test)]
mod tests;
