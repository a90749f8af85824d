//! The settings of a connection to Automate, and what is refused before anything is sent.

use core_connector::{Error, ErrorKind, Result, Secret};
use core_http::HttpSettings;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use crate::maintenance::MaintenanceSettings;
use crate::push::PushSettings;

/// Large servers answer in tens of seconds, and now and then in minutes.
const TIMEOUT_SECONDS: u64 = 300;
/// The largest page that the server gives.
const LARGEST_PAGE: u16 = 1000;

/// A connection to a ConnectWise Automate server.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the server, like `https://automate.example.com`, without `/cwa`.
    pub url: String,
    /// User of the API: a local Automate user, best one marked "integrator".
    pub username: String,
    /// Its password.
    pub password: Secret,
    /// Seed of its second factor, where it has one: the "manual entry code" that the set-up of the
    /// authenticator app shows. Duo cannot be used.
    #[serde(default)]
    pub totp_secret: Option<Secret>,
    /// The integrator's client id: a GUID from developer.connectwise.com. Without it the server
    /// refuses every call.
    pub client_id: String,
    /// Rows per page, 1 to 1000. Lower it where the server cannot answer a full page in time.
    #[serde(default = "largest_page")]
    pub page_size: u16,
    /// What the hub may write into the computers of this server.
    #[serde(default)]
    pub push: PushSettings,
    /// How computers are put into maintenance mode. Left out, they are left as they are.
    #[serde(default)]
    pub maintenance_mode: Option<MaintenanceSettings>,
    /// How requests are made; `timeout_seconds` is 300 here if not set.
    #[serde(default = "slow", deserialize_with = "slow_unless_set")]
    #[schemars(with = "HttpSettings")]
    pub http: HttpSettings,
}

impl Config {
    /// Refuses settings that cannot work.
    pub(crate) fn check(&self) -> Result<()> {
        let blank = |name: &str, remedy: &str| {
            Err(Error::new(ErrorKind::Config, format!("setting `{name}`"), "the value is blank")
                .with_remedy(remedy.to_owned()))
        };
        if self.username.trim().is_empty() {
            return blank("username", "name a local Automate user");
        }
        if self.password.is_blank() {
            return blank("password", "enter the password of the user in `username`");
        }
        if self.client_id.trim().is_empty() {
            let remedy = "create a client id at developer.connectwise.com and enter it";
            return blank("client_id", remedy);
        }
        if self.totp_secret.as_ref().is_some_and(Secret::is_blank) {
            return blank("totp_secret", "enter the seed, or remove the setting");
        }
        if !(1..=LARGEST_PAGE).contains(&self.page_size) {
            let detail = format!("{} is not between 1 and {LARGEST_PAGE}", self.page_size);
            return Err(Error::new(ErrorKind::Config, "setting `page_size`", detail));
        }
        if self.url.to_ascii_lowercase().trim_end_matches('/').contains("/cwa") {
            let detail = format!("`{}` goes on after the server's address", self.url.trim());
            return Err(Error::new(ErrorKind::Config, "setting `url`", detail)
                .with_remedy("write only the address of the server, without `/cwa/...`"));
        }
        Ok(())
    }
}

fn largest_page() -> u16 {
    LARGEST_PAGE
}

fn slow() -> HttpSettings {
    HttpSettings { timeout_seconds: TIMEOUT_SECONDS, ..HttpSettings::default() }
}

/// A table that sets something else must not bring the usual time limit back.
fn slow_unless_set<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<HttpSettings, D::Error> {
    let mut table = serde_json::Map::deserialize(deserializer)?;
    table.entry("timeout_seconds").or_insert_with(|| TIMEOUT_SECONDS.into());
    HttpSettings::deserialize(serde_json::Value::Object(table)).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn config(change: &Value) -> Config {
        let mut whole = json!({
            "url": "https://automate.example.com",
            "username": "linchpin",
            "password": "pass word",
            "client_id": "5a8a5a3c-94d5-4a4f-8dd9-5d1cbd9c8a7e",
        });
        for (name, value) in change.as_object().unwrap() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn a_slow_server_gets_five_minutes_unless_the_settings_say_otherwise() {
        assert_eq!(config(&json!({})).http.timeout_seconds, 300);
        assert_eq!(config(&json!({"http": {"attempts": 2}})).http.timeout_seconds, 300);
        assert_eq!(config(&json!({"http": {"timeout_seconds": 9}})).http.timeout_seconds, 9);
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        assert!(config(&json!({})).check().is_ok());
        for (name, value) in [
            ("username", json!(" ")),
            ("password", json!("")),
            ("client_id", json!("")),
            ("totp_secret", json!("")),
            ("page_size", json!(1001)),
            ("page_size", json!(0)),
            ("url", json!("https://automate.example.com/cwa/api/v1")),
        ] {
            let error = config(&json!({ name: value })).check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
    }

    #[test]
    fn secrets_do_not_print() {
        let config = config(&json!({"totp_secret": "GEZDGNBV"}));
        let printed = format!("{config:?}");
        assert!(!printed.contains("pass word") && !printed.contains("GEZDGNBV"), "{printed}");
    }
}
