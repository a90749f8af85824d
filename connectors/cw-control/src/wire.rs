//! The vendor's objects, as far as they are read.

use chrono::{DateTime, Utc};
use core_model::dates;
use serde::de::{Error as _, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::Number;
use uuid::Uuid;

/// A session.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Session {
    #[serde(rename = "SessionID")]
    pub(crate) id: Uuid,
    #[serde(default)]
    pub(crate) session_type: Code,
    #[serde(default)]
    pub(crate) name: Option<String>,
    #[serde(default)]
    pub(crate) is_ended: Option<bool>,
    #[serde(default)]
    pub(crate) custom_property_values: Option<Vec<Option<String>>>,
    #[serde(default)]
    pub(crate) active_connections: Option<Vec<Connection>>,
    #[serde(default)]
    pub(crate) guest_client_version: Option<String>,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) guest_info_update_time: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) last_guest_connected_event_time: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) last_guest_disconnected_event_time: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "instant")]
    pub(crate) last_event_time: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(crate) guest_info: Option<GuestInfo>,
}

/// What the guest last said about its machine. There is no SMBIOS UUID in it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GuestInfo {
    #[serde(default)]
    pub(crate) machine_name: Option<String>,
    #[serde(default)]
    pub(crate) machine_domain: Option<String>,
    #[serde(default)]
    pub(crate) machine_serial_number: Option<String>,
    #[serde(default)]
    pub(crate) machine_manufacturer_name: Option<String>,
    #[serde(default)]
    pub(crate) machine_model: Option<String>,
    #[serde(default)]
    pub(crate) logged_on_user_name: Option<String>,
    #[serde(default)]
    pub(crate) logged_on_user_domain: Option<String>,
    #[serde(default)]
    pub(crate) operating_system_name: Option<String>,
    #[serde(default)]
    pub(crate) operating_system_version: Option<String>,
}

/// Somebody connected to a session.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Connection {
    #[serde(default)]
    pub(crate) process_type: Code,
    /// Older servers keep a session's events here.
    #[serde(default)]
    pub(crate) events: Option<Vec<Event>>,
}

/// A session with what happened in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Details {
    #[serde(default)]
    pub(crate) session: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    pub(crate) connections: Option<Vec<Connection>>,
    #[serde(default)]
    pub(crate) events: Option<Vec<Event>>,
}

impl Details {
    /// The events of the session, and those that some servers list within its connections.
    pub(crate) fn all_events(&self) -> impl Iterator<Item = &Event> + Clone {
        let within = self.connections.iter().flatten();
        let nested = within.flat_map(|one| one.events.iter().flatten());
        self.events.iter().flatten().chain(nested)
    }
}

/// Something that happened in a session.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Event {
    #[serde(default, rename = "EventID")]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) event_type: Code,
    /// Some servers write how long ago it was, which is not read.
    #[serde(default, deserialize_with = "instant_if_any")]
    pub(crate) time: Option<DateTime<Utc>>,
    #[serde(default)]
    pub(crate) data: Option<String>,
    #[serde(default, rename = "CorrelationEventID")]
    pub(crate) correlation: Option<String>,
}

/// A value of one of the vendor's enumerations: a number here, its name there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Code {
    /// Absent or null.
    #[default]
    Missing,
    /// The number.
    Number(i64),
    /// The name.
    Name(String),
}

impl Code {
    /// Whether it is this value.
    pub(crate) fn is(&self, number: i64, name: &str) -> bool {
        match self {
            Code::Missing => false,
            Code::Number(value) => *value == number,
            Code::Name(value) => value.eq_ignore_ascii_case(name) || value.parse() == Ok(number),
        }
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(Number),
            Name(String),
        }
        Ok(match Option::<Either>::deserialize(deserializer)? {
            None => Code::Missing,
            Some(Either::Name(name)) => Code::Name(name.trim().to_owned()),
            Some(Either::Number(number)) => Code::Number(number.as_i64().ok_or_else(|| {
                D::Error::invalid_value(Unexpected::Other("a fraction"), &"a whole number")
            })?),
        })
    }
}

/// A date and time; `0001-01-01T00:00:00` is "never".
fn instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    dates::instant(text.as_deref().unwrap_or_default()).map_err(D::Error::custom)
}

fn instant_if_any<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Either {
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Either::deserialize(deserializer)? {
        Either::Text(text) => dates::instant(&text).ok().flatten(),
        Either::Other(_) => None,
    })
}

/// A text without the space around it; none where nothing is left.
pub(crate) fn filled(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_and_number_codes_are_the_same() {
        for json in ["2", r#""2""#, r#""Access""#, r#"" access ""#] {
            let code: Code = serde_json::from_str(json).unwrap();
            assert!(code.is(2, "Access"), "{json}");
            assert!(!code.is(0, "Support"), "{json}");
        }
        assert_eq!(serde_json::from_str::<Code>("null").unwrap(), Code::Missing);
        assert!(serde_json::from_str::<Code>("2.5").is_err());
    }
}
