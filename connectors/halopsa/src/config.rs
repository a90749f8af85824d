//! Settings of a connection, and the addresses that follow from them. Refuses what could not work
//! before anything is sent.

use core_connector::{Error, ErrorKind, Result, Secret};
use core_http::{HttpSettings, base_url};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use crate::push::PushSettings;

/// The scopes that everything the connector reads needs.
const SCOPE: &str = "read:customers read:contracts read:items read:invoices read:assets \
                     read:tickets";

/// The scope that notes on tickets need.
const NOTES: &str = "edit:tickets";
/// The scope that writing assets needs.
const WRITING: &str = "edit:assets";

/// The largest page that Halo gives, whatever is asked for.
const LARGEST_PAGE: u32 = 100;

/// A HaloPSA or HaloITSM instance. The three addresses stand in Halo under Configuration →
/// Integrations → Halo API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Resource Server, like `https://acme.halopsa.com/api`; `/api` is added where it is missing.
    pub url: String,
    /// Authorisation Server, like `https://acme.halopsa.com/auth`. Left out, it is `/auth` beside
    /// the resource server; older hosted instances have it on a host of its own.
    #[serde(default)]
    pub auth_url: Option<String>,
    /// Tenant, as Halo shows it. Hosted instances need it, installations of one's own do not.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Client ID of the application made in Halo: authentication method "Client ID and Secret
    /// (Services)", login type "Agent".
    pub client_id: String,
    /// Its client secret.
    pub client_secret: Secret,
    /// Scopes to ask for, parted by spaces. The application must allow each of them. Left out, it
    /// is what the streams need.
    #[serde(default = "default_scope")]
    pub scope: String,
    /// Requests that this connection may send in any five minutes, retries included. Halo counts
    /// them per instance (300 to 700, by release) and shares the budget with every other script;
    /// 0 leaves it to Halo to refuse.
    #[serde(default = "default_budget")]
    pub requests_per_5_minutes: u32,
    /// Ask for the clients, sites, users and assets changed since the last run, instead of all of
    /// them. A full read on its own cron still finds what is gone.
    #[serde(default = "yes")]
    pub incremental: bool,
    /// Read each contract on its own, one request each, to learn which assets and users it names.
    /// Without it every contract counts as covering all computers of its client.
    #[serde(default = "yes")]
    pub contract_details: bool,
    /// Rows per page, 1 to 100.
    #[serde(default = "default_page_size")]
    pub page_size: u32,
    /// What Halo's webhook shows to prove that it is Halo: the password of its "Basic" authentication,
    /// or its bearer token. Without it nothing that Halo sends is taken.
    #[serde(default)]
    pub webhook_secret: Option<Secret>,
    /// Whether the hub writes notes on tickets. It says so itself: nobody sets it for one connection.
    #[serde(default)]
    #[schemars(skip)]
    pub ticket_notes: bool,
    /// What the hub may write into the assets of this instance.
    #[serde(default)]
    pub push: PushSettings,
    /// How requests are made.
    #[serde(default)]
    pub http: HttpSettings,
}

/// Where the instance is.
#[derive(Debug)]
pub(crate) struct Addresses {
    /// Ends with `api/`.
    pub(crate) api: Url,
    /// The token endpoint, with the tenant in its query.
    pub(crate) token: Url,
}

impl Config {
    /// The addresses, once the other settings were found usable.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    pub(crate) fn addresses(&self) -> Result<Addresses> {
        if self.client_id.trim().is_empty() {
            return Err(wrong("client_id", "is blank", "write the application's Client ID"));
        }
        if self.client_secret.is_blank() {
            return Err(wrong("client_secret", "is blank", "write the application's secret"));
        }
        if self.page_size == 0 || self.page_size > LARGEST_PAGE {
            let what = format!("is {}, and Halo gives 1 to {LARGEST_PAGE} rows", self.page_size);
            return Err(wrong("page_size", &what, "leave it out, or write 1 to 100"));
        }
        if self.scopes().is_empty() {
            return Err(wrong("scope", "is blank", "leave it out, or name the scopes"));
        }
        let api = with_last_segment(base_url("url", &self.url, &self.http)?, "api");
        let auth = match self.auth_url.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            Some(text) => base_url("auth_url", text, &self.http)?,
            None => beside(&api, "auth"),
        };
        let mut token = with_last_segment(auth, "token");
        let path = token.path().trim_end_matches('/').to_owned();
        token.set_path(&path);
        if let Some(tenant) = self.tenant.as_deref().map(str::trim).filter(|t| !t.is_empty()) {
            token.query_pairs_mut().append_pair("tenant", tenant);
        }
        Ok(Addresses { api, token })
    }

    /// The scopes to ask for, with those that writing needs where it is enabled.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let mut scopes: Vec<String> = self.scope.split_whitespace().map(str::to_owned).collect();
        let wide =
            |scope: &String| matches!(scope.as_str(), "all" | "all:standard" | "admin" | WRITING);
        if self.push.enabled && !scopes.is_empty() && !scopes.iter().any(wide) {
            scopes.push(WRITING.to_owned());
        }
        let notes =
            |scope: &String| matches!(scope.as_str(), "all" | "all:standard" | "admin" | NOTES);
        if self.ticket_notes && !scopes.is_empty() && !scopes.iter().any(notes) {
            scopes.push(NOTES.to_owned());
        }
        scopes
    }
}

fn wrong(setting: &str, what: &str, remedy: &str) -> Error {
    Error::new(ErrorKind::Config, format!("setting `{setting}`"), what).with_remedy(remedy)
}

/// The address, whose last part is this one: added where it is missing.
fn with_last_segment(mut url: Url, segment: &str) -> Url {
    let path = url.path().trim_end_matches('/').to_owned();
    let there = path.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(segment));
    url.set_path(&if there { format!("{path}/") } else { format!("{path}/{segment}/") });
    url
}

/// The address with another last part.
fn beside(url: &Url, segment: &str) -> Url {
    let mut other = url.clone();
    let path = url.path().trim_end_matches('/');
    let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
    other.set_path(&format!("{parent}/{segment}/"));
    other
}

fn default_scope() -> String {
    SCOPE.to_owned()
}

fn default_budget() -> u32 {
    300
}

fn default_page_size() -> u32 {
    LARGEST_PAGE
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn config(more: &serde_json::Value) -> Config {
        let mut all = json!({
            "url": "https://acme.halopsa.com", "client_id": "id", "client_secret": "secret"
        });
        for (key, value) in more.as_object().unwrap() {
            all[key] = value.clone();
        }
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn the_api_and_the_sign_in_address_follow_from_the_host() {
        for url in ["https://acme.halopsa.com", "https://acme.halopsa.com/api/"] {
            let found = config(&json!({ "url": url, "tenant": "acme co" })).addresses().unwrap();
            assert_eq!(found.api.as_str(), "https://acme.halopsa.com/api/");
            assert_eq!(found.token.as_str(), "https://acme.halopsa.com/auth/token?tenant=acme+co");
        }
    }

    #[test]
    fn an_older_instance_signs_in_at_a_host_of_its_own() {
        let found = config(&json!({
            "url": "https://support.haloservicedesk.com/api",
            "auth_url": "https://auth.haloservicedesk.com"
        }))
        .addresses()
        .unwrap();
        assert_eq!(found.token.as_str(), "https://auth.haloservicedesk.com/token");
        let whole = config(&json!({ "auth_url": "https://a.example/auth/token" }));
        assert_eq!(whole.addresses().unwrap().token.as_str(), "https://a.example/auth/token");
    }

    #[test]
    fn a_setting_that_cannot_work_is_named() {
        for (more, name) in [
            (json!({ "client_id": " " }), "client_id"),
            (json!({ "client_secret": "" }), "client_secret"),
            (json!({ "page_size": 0 }), "page_size"),
            (json!({ "page_size": 1000 }), "page_size"),
            (json!({ "scope": " " }), "scope"),
            (json!({ "url": "acme" }), "url"),
            (json!({ "auth_url": "http://acme.example/auth" }), "auth_url"),
        ] {
            let error = config(&more).addresses().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
    }

    #[test]
    fn writing_asks_for_its_scope_and_reading_does_not() {
        let asked = |more| config(&more).scopes().contains(&"edit:assets".to_owned());
        assert!(!asked(json!({})));
        assert!(asked(json!({ "push": { "enabled": true } })));
        assert!(!asked(json!({ "push": { "enabled": true }, "scope": "all" })));
        let notes = |more| config(&more).scopes().contains(&"edit:tickets".to_owned());
        assert!(notes(json!({ "ticket_notes": true })) && !notes(json!({})));
        assert!(!notes(json!({ "ticket_notes": true, "scope": "all" })));
    }

    #[test]
    fn an_unknown_setting_is_refused_and_the_secret_does_not_print() {
        let unknown = json!({ "url": "u", "client_id": "i", "client_secret": "s", "page": 1 });
        assert!(serde_json::from_value::<Config>(unknown).is_err());
        let shown = format!("{:?}", config(&json!({ "client_secret": "hunter2" })));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
