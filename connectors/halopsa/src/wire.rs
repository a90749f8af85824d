//! Halo's scalars. Ids come as `18`, `18.0` or `"18"`; 0 and negative ones often mean "none";
//! properties that are null are left out; dates carry no zone and are UTC.

use chrono::{DateTime, Utc};
use core_model::dates::{BadDate, instant};
use core_model::facts::Facts;
use core_model::record::{Record, Rejected};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::value::RawValue;
use uuid::Uuid;

/// An object that is only named.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Named {
    #[serde(deserialize_with = "id")]
    pub(crate) id: i64,
}

/// When a row was changed, under the name each list has for it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stamps {
    alastupdate: Option<String>,
    slastupdate: Option<String>,
    ulastupdate: Option<String>,
    dlastupdate: Option<String>,
    last_modified: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Either {
    Whole(i64),
    Real(f64),
    Text(String),
}

/// The id of a row, whatever else is wrong with it.
pub(crate) fn id_of(row: &RawValue) -> Option<i64> {
    serde_json::from_str::<Named>(row.get()).ok().map(|named| named.id)
}

/// When a row was changed, where it says so.
pub(crate) fn changed(row: &RawValue) -> Option<DateTime<Utc>> {
    let stamps: Stamps = serde_json::from_str(row.get()).ok()?;
    let all = [
        stamps.alastupdate,
        stamps.slastupdate,
        stamps.ulastupdate,
        stamps.dlastupdate,
        stamps.last_modified,
    ];
    all.into_iter().flatten().filter_map(|text| instant(&text).ok().flatten()).max()
}

/// Reads an id.
///
/// # Errors
/// Where it is no whole number.
pub(crate) fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    whole_of(Either::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// Reads an id that may be absent, null or blank.
///
/// # Errors
/// Where it is something else than a whole number.
pub(crate) fn maybe_id<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<i64>, D::Error> {
    match Option::<Either>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Either::Text(text)) if text.trim().is_empty() => Ok(None),
        Some(value) => whole_of(value).map(Some).map_err(D::Error::custom),
    }
}

/// The whole number that a JSON text is.
pub(crate) fn whole(json: &str) -> Option<i64> {
    serde_json::from_str::<Either>(json).ok().and_then(|value| whole_of(value).ok())
}

/// The key of another record, where the id names one.
pub(crate) fn key(id: Option<i64>) -> Option<String> {
    id.filter(|id| *id > 0).map(|id| id.to_string())
}

/// A text that says something.
pub(crate) fn text(text: Option<&str>) -> Option<String> {
    let trimmed = text.map(str::trim).filter(|trimmed| !trimmed.is_empty())?;
    Some(trimmed.to_owned())
}

/// A GUID in lower case; nothing where it is none, or all zero.
pub(crate) fn guid(text: Option<&str>) -> Option<String> {
    let guid = Uuid::parse_str(text?.trim()).ok()?;
    (!guid.is_nil()).then(|| guid.to_string())
}

/// Reads a row; one that cannot be read is rejected under its id.
///
/// # Errors
/// The row, for the quarantine.
pub(crate) fn row<T: serde::de::DeserializeOwned>(row: &RawValue) -> Result<T, Rejected> {
    core_http::decode::row(row, |whole| {
        whole.get("id").and_then(|id| crate::wire::whole(&id.to_string())).map(|id| id.to_string())
    })
}

/// The rejection of a row for its date at this path.
pub(crate) fn bad_date(id: i64, path: &str, bad: &BadDate, raw: &str) -> Rejected {
    Rejected {
        key: Some(id.to_string()),
        path: path.to_owned(),
        reason: bad.to_string(),
        raw: raw.to_owned(),
    }
}

/// A record of a client. Rows carry counters, pictures and stamps of which the number of digits
/// changes: only what the hub reads out of them is content, and whose they are.
pub(crate) fn record(key: i64, client: Option<i64>, facts: Facts, raw: &str) -> Record {
    let client = self::key(client);
    let content = format!("{} {}", client.as_deref().unwrap_or_default(), facts.to_json());
    let record = Record::new(key.to_string(), facts, content);
    Record { client, raw: raw.to_owned(), ..record }
}

fn whole_of(value: Either) -> Result<i64, String> {
    let number = match value {
        Either::Whole(number) => return Ok(number),
        Either::Real(number) => number,
        Either::Text(text) => match text.trim().parse::<i64>() {
            Ok(number) => return Ok(number),
            Err(_) => text.trim().parse().map_err(|_| format!("`{text}` is no id"))?,
        },
    };
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 2^53")]
    (number.fract() == 0.0 && number.abs() < 9.0e15)
        .then_some(number as i64)
        .ok_or_else(|| format!("{number} is no id"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_may_be_doubles() {
        for json in [r#"{"id":18}"#, r#"{"id":18.0}"#, r#"{"id":"18"}"#, r#"{"id":"18.0"}"#] {
            assert_eq!(serde_json::from_str::<Named>(json).unwrap().id, 18, "{json}");
        }
        assert_eq!(serde_json::from_str::<Named>(r#"{"id":-5.0}"#).unwrap().id, -5);
        for json in [r#"{"id":18.5}"#, r#"{"id":"x"}"#, r#"{"id":null}"#, "{}"] {
            assert!(serde_json::from_str::<Named>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn zero_and_negative_ids_name_nobody() {
        assert_eq!(key(Some(0)), None);
        assert_eq!(key(Some(-1)), None);
        assert_eq!(key(Some(7)).as_deref(), Some("7"));
    }

    #[test]
    fn guids_are_lower_case_and_never_zero() {
        assert_eq!(
            guid(Some(" 0A1B2C3D-0000-4000-8000-00000000AAAA ")).as_deref(),
            Some("0a1b2c3d-0000-4000-8000-00000000aaaa")
        );
        assert_eq!(guid(Some("00000000-0000-0000-0000-000000000000")), None);
        assert_eq!(guid(Some("none")), None);
    }

    #[test]
    fn another_client_is_another_content_and_a_counter_is_not() {
        let facts = || core_model::facts::SiteFacts::default().into();
        let first = record(1, Some(2), facts(), r#"{"open_ticket_count":1}"#);
        let counted = record(1, Some(2), facts(), r#"{"open_ticket_count":2}"#);
        let moved = record(1, Some(3), facts(), r#"{"open_ticket_count":1}"#);
        assert_eq!(first.hash, counted.hash);
        assert_ne!(first.hash, moved.hash);
    }
}
