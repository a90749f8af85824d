//! The settings of a connection to Azure AD, and their check. Nothing is read from the network
//! here; the only file that is read is the one that keeps the refresh token.

use std::collections::BTreeSet;
use std::path::PathBuf;

use core_connector::{Error, ErrorKind, Result, Secret};
use core_http::auth::{ClientAuth, ClientCertificate};
use core_http::{HttpSettings, base_url};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

/// Characters of a `clientState`.
const LONGEST_STATE: usize = 128;

/// Settings of a connection to Azure AD.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Your own directory: its GUID ("Tenant ID") or one of its verified domains.
    pub tenant_id: String,
    /// The application's "Application (client) ID".
    pub client_id: String,
    /// A client secret of the application: its *value*, not its id. Give this or `certificate`.
    #[serde(default)]
    pub client_secret: Option<Secret>,
    /// A PEM text with the application's certificate and its RSA private key. Give this or
    /// `client_secret`.
    #[serde(default)]
    pub certificate: Option<Secret>,
    /// Refresh token of a partner user who is in the security groups of your GDAP relationships.
    /// With it every directory is read in that user's name; without it the application reads each
    /// directory that consented to it.
    #[serde(default)]
    pub refresh_token: Option<Secret>,
    /// A file that keeps the newest refresh token: each use returns a new one, and one that is
    /// unused for 90 days dies. It is written with mode 0600 and preferred at start, until
    /// `refresh_token` itself is changed.
    #[serde(default)]
    pub refresh_token_file: Option<PathBuf>,
    /// Where the list of customers comes from.
    #[serde(default)]
    pub customers: Customers,
    /// Read exactly these customers' directories (GUIDs) instead of listing them.
    #[serde(default)]
    pub directories: Vec<String>,
    /// Never read these directories (GUIDs).
    #[serde(default)]
    pub exclude: Vec<String>,
    /// Read your own directory too.
    #[serde(default = "yes")]
    pub own_directory: bool,
    /// The sign-in service. US government: `https://login.microsoftonline.us`.
    #[serde(default = "public_login")]
    pub login_url: String,
    /// Microsoft Graph, without a version. US government: `https://graph.microsoft.us`.
    #[serde(default = "public_graph")]
    pub graph_url: String,
    /// The `clientState` of Graph's change notifications, at most 128 characters: what proves that it is
    /// Graph who sends. Without it nothing that Graph sends is taken.
    #[serde(default)]
    pub webhook_secret: Option<Secret>,
    /// Have Graph tell the hub of changes of users and groups in each directory that is read, where
    /// `webhook_secret` and the hub's `server.public_url` are given. False ends what was subscribed to.
    #[serde(default = "yes")]
    pub subscribe: bool,
    /// How requests are made.
    #[serde(default)]
    pub http: HttpSettings,
}

/// Where the list of customers comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Customers {
    /// There are none: your own directory is all there is.
    #[default]
    None,
    /// Active delegated-admin relationships (GDAP). Needs a refresh token: an application by
    /// itself may not list them.
    Relationships,
    /// Reseller contracts.
    Contracts,
    /// Relationships, or contracts where relationships may not be listed.
    Auto,
}

/// Settings that were checked.
pub(crate) struct Plan {
    pub(crate) access: Access,
    pub(crate) reach: Reach,
}

/// Where Graph is, and who asks it.
pub(crate) struct Access {
    /// The sign-in service; ends with a slash.
    pub(crate) login: Url,
    /// Scope of the tokens: Graph's address and `/.default`.
    pub(crate) token_scope: String,
    /// Graph's address with its version; ends with a slash.
    pub(crate) base: Url,
    pub(crate) client_id: String,
    pub(crate) client: ClientAuth,
    pub(crate) refresh_token: Option<Secret>,
    pub(crate) refresh_token_file: Option<PathBuf>,
    pub(crate) http: HttpSettings,
}

/// Which directories are read.
pub(crate) struct Reach {
    /// Own directory: GUID or domain, lower case.
    pub(crate) tenant_id: String,
    pub(crate) customers: Customers,
    pub(crate) directories: BTreeSet<String>,
    pub(crate) exclude: BTreeSet<String>,
    pub(crate) own_directory: bool,
    pub(crate) client_id: String,
}

impl Reach {
    /// Whether somebody else's directories are read: then our own is the operator's.
    pub(crate) fn is_partner(&self) -> bool {
        self.customers != Customers::None || !self.directories.is_empty()
    }

    /// Whether anything is asked of our own directory.
    pub(crate) fn needs_own(&self) -> bool {
        self.own_directory || (self.directories.is_empty() && self.customers != Customers::None)
    }
}

impl Config {
    /// Checks the settings.
    pub(crate) fn plan(self) -> Result<Plan> {
        let http = self.http.clone();
        let graph = base_url("graph_url", &self.graph_url, &http)?;
        if graph.path().ends_with("/v1.0/") || graph.path().ends_with("/beta/") {
            let detail = format!("`{}` ends with a version", self.graph_url);
            return Err(wrong("graph_url", detail, "leave the version out"));
        }
        let base = graph.join("v1.0/").map_err(|e| {
            wrong("graph_url", e.to_string(), "write it like https://graph.microsoft.com")
        })?;
        if self
            .webhook_secret
            .as_ref()
            .is_some_and(|one| one.expose().chars().count() > LONGEST_STATE)
        {
            let detail = format!("it has more than {LONGEST_STATE} characters");
            return Err(wrong("webhook_secret", detail, "Graph repeats no longer one: shorten it"));
        }
        let client_id = guid("client_id", &self.client_id)?;
        let (refresh_token, refresh_token_file) = self.refresh_token()?;
        let reach = self.reach(&client_id)?;
        let access = Access {
            login: base_url("login_url", &self.login_url, &http)?,
            token_scope: format!("{}/.default", graph.as_str().trim_end_matches('/')),
            base,
            client: self.client()?,
            refresh_token,
            refresh_token_file,
            client_id,
            http,
        };
        Ok(Plan { access, reach })
    }

    fn client(&self) -> Result<ClientAuth> {
        let secret = self.client_secret.as_ref().filter(|secret| !secret.is_blank());
        let certificate = self.certificate.as_ref().filter(|pem| !pem.is_blank());
        match (secret, certificate) {
            (Some(secret), None) => Ok(ClientAuth::Secret(secret.clone())),
            (None, Some(pem)) => ClientCertificate::from_pem("certificate", pem)
                .map(|certificate| ClientAuth::Certificate(Box::new(certificate))),
            (Some(_), Some(_)) => Err(wrong(
                "certificate",
                "`client_secret` and `certificate` are both given".into(),
                "keep one of them",
            )),
            (None, None) => Err(wrong(
                "client_secret",
                "neither `client_secret` nor `certificate` is given".into(),
                "give one of them",
            )),
        }
    }

    fn refresh_token(&self) -> Result<(Option<Secret>, Option<PathBuf>)> {
        match (&self.refresh_token, &self.refresh_token_file) {
            (Some(token), _) if token.is_blank() => Err(wrong(
                "refresh_token",
                "it is blank".into(),
                "leave it out to sign in as the application itself",
            )),
            (None, Some(_)) => Err(wrong(
                "refresh_token_file",
                "it is given without `refresh_token`".into(),
                "give the first refresh token too",
            )),
            (token, file) => Ok((token.clone(), file.clone())),
        }
    }

    fn reach(&self, client_id: &str) -> Result<Reach> {
        let guids = |setting: &str, texts: &[String]| {
            texts.iter().map(|text| guid(setting, text)).collect::<Result<BTreeSet<String>>>()
        };
        let reach = Reach {
            tenant_id: tenant(&self.tenant_id)?,
            customers: self.customers,
            directories: guids("directories", &self.directories)?,
            exclude: guids("exclude", &self.exclude)?,
            own_directory: self.own_directory,
            client_id: client_id.to_owned(),
        };
        if !reach.own_directory && !reach.is_partner() {
            return Err(wrong(
                "own_directory",
                "it is false and no customers are named, so there is nothing to read".into(),
                "set `customers`, or list `directories`, or set `own_directory = true`",
            ));
        }
        Ok(reach)
    }
}

fn tenant(text: &str) -> Result<String> {
    let remedy = "give the directory's GUID (\"Tenant ID\") or one of its verified domains";
    let name = text.trim().to_lowercase();
    if ["common", "organizations", "consumers"].contains(&name.as_str()) {
        return Err(wrong("tenant_id", format!("`{name}` is no directory of its own"), remedy));
    }
    if let Ok(guid) = Uuid::parse_str(&name) {
        return Ok(guid.hyphenated().to_string());
    }
    let is_domain = name.contains('.')
        && name.chars().all(|c| c.is_alphanumeric() || c == '.' || c == '-')
        && !name.starts_with('.')
        && !name.ends_with('.');
    if is_domain {
        Ok(name)
    } else {
        Err(wrong("tenant_id", format!("`{text}` is neither a GUID nor a domain"), remedy))
    }
}

fn guid(setting: &str, text: &str) -> Result<String> {
    Uuid::parse_str(text.trim()).map(|guid| guid.hyphenated().to_string()).map_err(|_| {
        wrong(
            setting,
            format!("`{text}` is no GUID"),
            "write it like 00000000-0000-0000-0000-000000000000",
        )
    })
}

fn wrong(setting: &str, detail: String, remedy: &str) -> Error {
    Error::new(ErrorKind::Config, format!("setting `{setting}`"), detail).with_remedy(remedy)
}

fn yes() -> bool {
    true
}

fn public_login() -> String {
    "https://login.microsoftonline.com".to_owned()
}

fn public_graph() -> String {
    "https://graph.microsoft.com".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const GUID: &str = "11111111-AAAA-4000-8000-000000000001";

    fn plan(more: &Value) -> Result<Plan> {
        let mut settings =
            json!({"tenant_id": "contoso.com", "client_id": GUID, "client_secret": "s"});
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        serde_json::from_value::<Config>(settings).unwrap().plan()
    }

    #[test]
    fn a_wrong_setting_is_named() {
        for (more, setting) in [
            (json!({"tenant_id": "common"}), "tenant_id"),
            (json!({"tenant_id": "Contoso Ltd"}), "tenant_id"),
            (json!({"client_id": "my app"}), "client_id"),
            (json!({"client_secret": " "}), "client_secret"),
            (json!({"certificate": "-----BEGIN"}), "certificate"),
            (json!({"client_secret": null, "certificate": "no pem"}), "certificate"),
            (json!({"refresh_token": ""}), "refresh_token"),
            (json!({"refresh_token_file": "/tmp/x"}), "refresh_token_file"),
            (json!({"directories": ["fabrikam.com"]}), "directories"),
            (json!({"exclude": ["fabrikam.com"]}), "exclude"),
            (json!({"own_directory": false}), "own_directory"),
            (json!({"webhook_secret": "x".repeat(129)}), "webhook_secret"),
            (json!({"graph_url": "https://graph.microsoft.com/v1.0"}), "graph_url"),
            (json!({"login_url": "http://login.example.com"}), "login_url"),
        ] {
            let error = plan(&more).err().unwrap_or_else(|| panic!("{more} passed"));
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(&format!("`{setting}`")), "{more}: {error}");
        }
    }

    #[test]
    fn guids_are_lower_case_and_graph_gets_its_version() {
        let plan = plan(&json!({"tenant_id": GUID, "customers": "auto"})).unwrap();
        assert_eq!(plan.reach.tenant_id, GUID.to_lowercase());
        assert_eq!(plan.access.base.as_str(), "https://graph.microsoft.com/v1.0/");
        assert_eq!(plan.access.token_scope, "https://graph.microsoft.com/.default");
        assert!(plan.reach.is_partner() && plan.reach.needs_own());
    }

    #[test]
    fn an_unknown_setting_is_refused_and_secrets_do_not_print() {
        let settings = json!({"tenant_id": "contoso.com", "client_id": GUID, "tennant": 1});
        assert!(
            serde_json::from_value::<Config>(settings).unwrap_err().to_string().contains("tennant")
        );
        let settings = json!({"tenant_id": "a.b", "client_id": GUID, "client_secret": "hunter2"});
        let config: Config = serde_json::from_value(settings).unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
