//! The settings of a connection to Control, and what is refused before anything is sent.

use core_connector::{Error, ErrorKind, Result, Secret};
use core_http::HttpSettings;
use schemars::JsonSchema;
use serde::Deserialize;
use uuid::Uuid;

use crate::push::PushSettings;

/// The RESTful API Manager extension has the same id on every server.
const EXTENSION: Uuid = Uuid::from_u128(0x2d55_8935_686a_4bd0_9991_0753_9f5f_e749);
/// How many custom properties a session has.
pub(crate) const PROPERTIES: u8 = 8;

/// A connection to a ConnectWise Control (ScreenConnect) server with the "RESTful API Manager"
/// extension.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address of the server, like `https://acme.screenconnect.com`.
    pub url: String,
    /// The extension's setting `RESTfulAuthenticationSecret`. It opens everything on the server.
    pub secret: Secret,
    /// The extension's setting `RESTfulAllowedOrigin`, where it is set; otherwise the server's own
    /// address is sent.
    #[serde(default)]
    pub origin: Option<String>,
    /// Which custom property (1 to 8) holds the customer's name; 1 is "Company" in new servers.
    #[serde(default = "first")]
    pub client_property: u8,
    /// Which custom property (1 to 8) holds the customer's place, if any does.
    #[serde(default)]
    pub site_property: Option<u8>,
    /// Which sessions are read, in Control's filter language. Ended sessions and sessions without
    /// unattended access are left out in any case.
    #[serde(default = "access")]
    pub session_filter: String,
    /// The extension's id; the same everywhere as far as anybody knows.
    #[serde(default = "extension")]
    #[schemars(with = "String")]
    pub extension_id: Uuid,
    /// The 16 hexadecimal digits in the name of this server's service on a machine,
    /// `ScreenConnect Client (0123456789abcdef)`. Where it is set, agents carry it as property
    /// `InstanceId`, and a script can tell this server's client from another's on the machine.
    #[serde(default)]
    pub instance_id: Option<String>,
    /// What a trigger's URL ends with to prove that it is this server's: `/webhooks/NAME/SECRET`. Control
    /// can set no header. Without it nothing that triggers send is taken.
    #[serde(default)]
    pub webhook_secret: Option<Secret>,
    /// What the hub may write into the sessions of this server.
    #[serde(default)]
    pub push: PushSettings,
    /// How requests are made.
    #[serde(default)]
    pub http: HttpSettings,
}

impl Config {
    /// Refuses settings that cannot work.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |name: &str, detail: &str, remedy: &str| {
            Err(Error::new(ErrorKind::Config, format!("setting `{name}`"), detail)
                .with_remedy(remedy.to_owned()))
        };
        let property = |number: u8| (1..=PROPERTIES).contains(&number);
        if self.secret.is_blank() {
            let remedy = "enter the value of the extension's RESTfulAuthenticationSecret";
            return wrong("secret", "the value is blank", remedy);
        }
        if !property(self.client_property) {
            let detail = format!("there is no custom property {}", self.client_property);
            return wrong("client_property", &detail, "give a number from 1 to 8");
        }
        if let Some(site) = self.site_property {
            if !property(site) {
                let detail = format!("there is no custom property {site}");
                return wrong("site_property", &detail, "give a number from 1 to 8");
            }
            if site == self.client_property {
                let detail = format!("property {site} holds the customer's name");
                return wrong("site_property", &detail, "give another number, or remove it");
            }
        }
        if self.session_filter.trim().is_empty() {
            let remedy = "remove the setting to read all sessions with unattended access";
            return wrong("session_filter", "the server refuses a blank filter", remedy);
        }
        if let Some(id) = &self.instance_id
            && !(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        {
            let detail = format!("`{id}` is not 16 hexadecimal digits");
            let remedy = "copy it from the name of the service on a machine";
            return wrong("instance_id", &detail, remedy);
        }
        Ok(())
    }
}

fn first() -> u8 {
    1
}

fn access() -> String {
    "SessionType = 'Access'".to_owned()
}

fn extension() -> Uuid {
    EXTENSION
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn config(change: &Value) -> Config {
        let mut whole = json!({"url": "https://control.example.com", "secret": "s3cret"});
        for (name, value) in change.as_object().unwrap() {
            whole[name] = value.clone();
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn the_defaults_are_those_of_a_new_server() {
        let config = config(&json!({}));
        assert!(config.check().is_ok());
        assert_eq!(config.extension_id.to_string(), "2d558935-686a-4bd0-9991-07539f5fe749");
        assert_eq!(config.session_filter, "SessionType = 'Access'");
        assert_eq!((config.client_property, config.site_property), (1, None));
        assert!(!format!("{config:?}").contains("s3cret"));
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        for (name, value) in [
            ("secret", json!(" ")),
            ("client_property", json!(0)),
            ("client_property", json!(9)),
            ("site_property", json!(9)),
            ("site_property", json!(1)),
            ("session_filter", json!("")),
            ("instance_id", json!("xyz")),
        ] {
            let error = config(&json!({ name: value })).check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
    }
}
