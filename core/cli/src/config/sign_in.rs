//! How people sign in, and how what the hub keeps is sealed: the tables of the settings.

use std::time::Duration;

use core_model::access::Role;
use core_server::{Grant, Provider, SignIn};
use core_toml::Node;
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::plan::ServerTable;
use super::problem::Problem;
use super::secret::{self, is_reference};

/// How people sign in.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SignInTable {
    /// Minutes without use after which a session ends.
    #[schemars(range(min = 1, max = 1440))]
    pub(crate) idle_minutes: u64,
    /// Hours after which a session ends at the latest.
    #[schemars(range(min = 1, max = 168))]
    pub(crate) longest_hours: u64,
    /// An OpenID Connect provider that vouches for people, besides passwords.
    pub(crate) oidc: Option<OidcTable>,
}

impl Default for SignInTable {
    fn default() -> Self {
        Self { idle_minutes: 120, longest_hours: 12, oidc: None }
    }
}

/// An OpenID Connect provider.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OidcTable {
    /// What the button says.
    #[serde(default = "button")]
    pub(crate) button: String,
    /// Its issuer, exactly as it names itself. Of Entra:
    /// `https://login.microsoftonline.com/TENANT-ID/v2.0`.
    pub(crate) issuer: String,
    /// What the hub is called there: the application's id.
    pub(crate) client_id: String,
    /// How the hub proves that it is that.
    #[schemars(extend("x-linchpin-secret" = true))]
    pub(crate) client_secret: String,
    /// What is asked for besides `openid`.
    #[serde(default = "scopes")]
    pub(crate) scopes: Vec<String>,
    /// The claim that names roles (or groups): `roles` for Entra's application roles.
    #[serde(default = "claim")]
    pub(crate) claim: String,
    /// What each of them may here. Whoever has none is not let in.
    #[serde(default)]
    pub(crate) grant: Vec<GrantTable>,
}

fn button() -> String {
    "Sign in with Microsoft".to_owned()
}

fn scopes() -> Vec<String> {
    ["profile", "email"].map(str::to_owned).to_vec()
}

fn claim() -> String {
    "roles".to_owned()
}

/// What a role of the provider may here.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantTable {
    /// The role's value, or the group's id, as the claim has it.
    pub(crate) value: String,
    /// What it may do.
    pub(crate) role: RoleWord,
    /// Only of these tenants, by name or id; all where it is left out.
    #[serde(default)]
    pub(crate) tenants: Vec<String>,
}

/// A role.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RoleWord {
    /// Reads the model.
    Reader,
    /// Also works for the people and computers of a ticket.
    Technician,
    /// Also sees how the hub itself is, and changes what is deployed.
    Operator,
    /// Everything.
    Admin,
}

/// How what the hub keeps is sealed.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SecretsTable {
    /// Where the key is that seals what the hub must keep: `file:PATH`, `env:NAME` or `keyring:NAME`.
    /// `linchpin secrets key` makes one.
    pub(crate) key: Option<String>,
    /// Where keys are that were in use before, until `linchpin secrets rotate` sealed everything with
    /// the one above.
    pub(crate) old_keys: Vec<String>,
}

/// Texts of these tables that have a form.
pub(super) fn wrong_values(root: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    let url = root.get("server").and_then(|table| table.get("public_url"));
    let wrong = url.and_then(|node| Some((node, node.text()?)));
    if let Some((node, text)) = wrong.filter(|(_, text)| origin(text).is_none()) {
        let what = format!("`public_url` is no address: \"{}\"", crate::output::printable(text));
        let help = "write scheme and host, and a port where it is another: \
                    \"https://hub.example.com\"; http:// for this machine only";
        problems.push(Problem::new(node.span.clone(), what).label("no address").help(help));
    }
    let oidc = root.get("sign_in").and_then(|table| table.get("oidc"));
    if let (Some(node), None) = (oidc, url) {
        let what = "signing in by a provider needs `public_url` in [server]";
        let help = "write where browsers reach the hub; the provider sends them back to \
                    PUBLIC_URL/sign-in/callback";
        problems.push(Problem::new(node.span.clone(), what).label("this needs it").help(help));
    }
    let table = root.get("secrets");
    let keys = table.and_then(|table| table.get("key")).into_iter();
    let old = table.and_then(|table| table.get("old_keys")).map(Node::items).unwrap_or_default();
    for node in keys.chain(old) {
        if node.text().is_some_and(|text| !is_reference(text) || text.starts_with("store:")) {
            let what = "a key does not stand in the settings";
            let help = "write where it is: \"file:PATH\", \"env:NAME\" or \"keyring:NAME\"; \
                        `linchpin secrets key` makes one";
            problems.push(Problem::new(node.span.clone(), what).label("a literal").help(help));
        }
    }
    problems
}

/// Scheme, host and port of an address; plain HTTP only to this machine.
fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    let local = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let safe = url.scheme() == "https" || (url.scheme() == "http" && local);
    let bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    (safe && bare).then(|| url.origin().ascii_serialization())
}

/// How people sign in, in the server's words; tenants are still as they are named.
pub(super) fn sign_in(
    table: &SignInTable,
    server: &ServerTable,
    (folder, kept): (&std::path::Path, &secret::Kept),
) -> Result<SignIn, secret::Missing> {
    let provider = match &table.oidc {
        Some(oidc) => Some(Provider {
            name: oidc.button.clone(),
            issuer: oidc.issuer.trim().to_owned(),
            client_id: oidc.client_id.trim().to_owned(),
            client_secret: Provider::secret(secret::look_up_with(
                &oidc.client_secret,
                folder,
                kept,
            )?),
            scopes: oidc.scopes.clone(),
            claim: oidc.claim.clone(),
            grants: oidc.grant.iter().map(Into::into).collect(),
        }),
        None => None,
    };
    Ok(SignIn {
        public_url: server.public_url.as_deref().and_then(origin),
        behind_proxy: server.behind_proxy,
        idle: Duration::from_secs(table.idle_minutes.saturating_mul(60)),
        longest: Duration::from_secs(table.longest_hours.saturating_mul(3600)),
        provider,
    })
}

impl From<&GrantTable> for Grant {
    fn from(table: &GrantTable) -> Self {
        Self {
            value: table.value.clone(),
            role: match table.role {
                RoleWord::Reader => Role::Reader,
                RoleWord::Technician => Role::Technician,
                RoleWord::Operator => Role::Operator,
                RoleWord::Admin => Role::Admin,
            },
            tenants: (!table.tenants.is_empty()).then(|| table.tenants.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_is_an_origin_and_plain_only_here() {
        assert_eq!(origin("https://Hub.Example.com/").as_deref(), Some("https://hub.example.com"));
        assert_eq!(origin("http://localhost:7700").as_deref(), Some("http://localhost:7700"));
        for wrong in
            ["http://hub.example.com", "https://x.example/path", "hub", "https://u@x.example"]
        {
            assert_eq!(origin(wrong), None, "{wrong}");
        }
    }
}
