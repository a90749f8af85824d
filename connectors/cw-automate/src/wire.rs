//! What the vendor's objects have in common: texts that may be blank, ids that are numbers here
//! and texts there, dates without a zone, references to other objects.

use chrono::{DateTime, Utc};
use core_http::decode::id_text;
use core_model::dates;
use serde::{Deserialize, Deserializer};

/// A reference to another object, as far as it is read. `Client.Id` is a text at this vendor and
/// `Location.Id` a number.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Ref {
    /// The id.
    #[serde(default, deserialize_with = "id_text::option::deserialize")]
    pub(crate) id: Option<String>,
}

/// The id of a reference that may be missing.
pub(crate) fn id_of(reference: Option<Ref>) -> Option<String> {
    reference.and_then(|reference| reference.id)
}

/// A date and time; without a zone it is UTC, and a sentinel is none.
pub(crate) fn instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    dates::instant(text.as_deref().unwrap_or_default()).map_err(serde::de::Error::custom)
}

/// A text without the space around it; none where nothing is left.
pub(crate) fn filled(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Whether an account stands for nobody: what the agent writes when no person is logged on, and
/// the accounts that Windows itself runs as.
pub(crate) fn is_nobody(account: &str) -> bool {
    const NOBODY: &[&str] = &[
        "",
        "system",
        "local service",
        "network service",
        "local system",
        "none",
        "n/a",
        "unknown",
        "no user",
        "nobody",
        "loginwindow",
    ];
    let name = account.rsplit('\\').next().unwrap_or(account).trim().to_lowercase();
    NOBODY.contains(&name.as_str())
        || name.ends_with('$')
        || name.starts_with("dwm-")
        || name.starts_with("umfd-")
        || (name.contains("logged") && (name.starts_with("not ") || name.starts_with("no ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Dated {
        #[serde(default, deserialize_with = "instant")]
        at: Option<DateTime<Utc>>,
    }

    #[test]
    fn zone_less_times_are_utc() {
        for text in ["2026-01-02T03:04:05", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000"] {
            let dated: Dated = serde_json::from_str(&format!(r#"{{"at":"{text}"}}"#)).unwrap();
            assert_eq!(dated.at.unwrap().to_rfc3339(), "2026-01-02T03:04:05+00:00");
        }
        for json in ["{}", r#"{"at":null}"#, r#"{"at":"0001-01-01T00:00:00"}"#] {
            assert_eq!(serde_json::from_str::<Dated>(json).unwrap().at, None, "{json}");
        }
        assert!(serde_json::from_str::<Dated>(r#"{"at":"yesterday"}"#).is_err());
    }

    #[test]
    fn nobody_and_the_system_are_no_logon() {
        for name in [
            "",
            " ",
            "SYSTEM",
            "NT AUTHORITY\\SYSTEM",
            "Not logged in",
            "No user logged in",
            "ACME\\PC-042$",
            "Window Manager\\DWM-1",
            "None",
            "not Logged On",
        ] {
            assert!(is_nobody(name), "{name}");
        }
        for name in ["jdoe", "ACME\\jdoe", "ana@contoso.com", "ACME\\norman", "AzureAD\\AnaSilva"] {
            assert!(!is_nobody(name), "{name}");
        }
    }
}
