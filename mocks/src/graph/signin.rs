//! The sign-in service: tokens for an app by itself, and for the partner's user in a customer's
//! directory.
//!
//! An app gets a token where it has consent. The partner's refresh token is good in every directory
//! with an active delegated-admin relationship and consent; each use gives a new one, and the old
//! ones stay good.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::json;
use url::form_urlencoded;
use uuid::Uuid;

use super::aadsts::{Refusal, dressed};
use super::assertion;
use super::tokens::{GRAPH, Grant, Tokens, new_refresh_token, refresh_token_is_good};
use crate::vendor::{Call, Reply};
use crate::world::{Directory, Relationship, World};

/// Hosts whose `/.default` means Graph.
const GRAPH_HOSTS: [&str; 5] = [
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
    GRAPH,
];
/// Scopes of the sign-in itself, which name no resource.
const OPEN_ID: [&str; 4] = ["openid", "profile", "offline_access", "email"];

/// The form that was sent, and the client's credentials in a Basic header.
struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    fn read(call: &Call) -> Self {
        let mut pairs: Vec<(String, String)> =
            form_urlencoded::parse(&call.body).into_owned().collect();
        let basic = call.header("authorization").and_then(|h| h.split_once(' '));
        if let Some((_, encoded)) = basic.filter(|(s, _)| s.eq_ignore_ascii_case("basic")) {
            let decoded = STANDARD.decode(encoded.trim()).unwrap_or_default();
            let decoded = String::from_utf8_lossy(&decoded).into_owned();
            if let Some((id, secret)) = decoded.split_once(':') {
                let line = format!("client_id={id}&client_secret={secret}");
                pairs.extend(form_urlencoded::parse(line.as_bytes()).into_owned());
            }
        }
        Self { pairs }
    }

    fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.pairs.iter().filter(|(n, v)| n == name && !v.is_empty());
        found.next().map(|(_, v)| v.as_str())
    }

    fn need(&self, name: &str) -> Result<&str, Refusal> {
        self.get(name).ok_or_else(|| Refusal::missing(name))
    }
}

/// Whether a relationship is in force.
pub(super) fn is_active(relationship: &Relationship, now: DateTime<Utc>) -> bool {
    relationship.status == "active" && relationship.end > now
}

/// Whether the partner's user may enter a directory.
pub(super) fn may_enter(directory: &Directory, now: DateTime<Utc>) -> bool {
    directory.partner || directory.relationships.iter().any(|r| is_active(r, now))
}

/// The directory of that GUID or verified domain.
pub(super) fn directory<'w>(world: &'w World, tenant: &str) -> Option<&'w Directory> {
    let id = tenant.parse::<Uuid>().ok();
    world.directories.iter().filter(|d| d.mark.gone.is_none()).find(|d| {
        id == Some(d.id)
            || d.default_domain.eq_ignore_ascii_case(tenant)
            || d.initial_domain.eq_ignore_ascii_case(tenant)
            || d.domains.iter().any(|n| n.eq_ignore_ascii_case(tenant))
    })
}

/// `POST /{tenant}/oauth2/v2.0/token`.
pub(super) fn token(call: &Call, tenant: &str, world: &World, tokens: (&Tokens, bool)) -> Reply {
    if call.method != "POST" {
        let text =
            format!("The endpoint only accepts POST requests. Received a {} request.", call.method);
        return Refusal::new(900_561, "invalid_request", text).reply(call);
    }
    let form = Form::read(call);
    match grant(call, &form, tenant, world, tokens) {
        Ok(body) => dressed(Reply::json(200, &body), Uuid::new_v4()),
        Err(refusal) => refusal.reply(call),
    }
}

fn grant(
    call: &Call,
    form: &Form,
    tenant: &str,
    world: &World,
    (tokens, first_is_dead): (&Tokens, bool),
) -> Result<serde_json::Value, Refusal> {
    let kind = form.need("grant_type")?;
    let client_id = form.need("client_id")?;
    let common =
        ["common", "organizations", "consumers"].contains(&tenant.to_ascii_lowercase().as_str());
    let directory = match kind {
        "client_credentials" if common => {
            return Err(Refusal::new(
                9_001_023,
                "invalid_request",
                "The grant type is not supported over the /common or /consumers endpoints. Please \
                 use a tenant-specific endpoint.",
            ));
        }
        "refresh_token" if common => world.directories.iter().find(|d| d.partner),
        "client_credentials" | "refresh_token" => directory(world, tenant),
        other => {
            let text = format!("The app requested an unsupported grant type '{other}'.");
            return Err(Refusal::new(70_003, "unsupported_grant_type", text));
        }
    };
    let directory = directory.ok_or_else(|| Refusal::no_tenant(tenant))?;
    if !client_id.eq_ignore_ascii_case(&world.credentials.graph_client_id.to_string()) {
        return Err(Refusal::no_app(client_id, &directory.display_name));
    }
    let delegated = kind == "refresh_token";
    if !directory.consented && !delegated {
        return Err(Refusal::no_app(client_id, &directory.display_name));
    }
    authenticate(call, form, directory, world)?;
    let first = &world.credentials.graph_refresh_token;
    if delegated && first_is_dead && form.get("refresh_token") == Some(first) {
        return Err(Refusal::refresh_token());
    }
    let issue = Issue { call, world, directory, tokens };
    if delegated { issue.delegated(form) } else { issue.app_only(form) }
}

/// The client's secret or its signed assertion.
fn authenticate(
    call: &Call,
    form: &Form,
    directory: &Directory,
    world: &World,
) -> Result<(), Refusal> {
    if form.get("client_assertion").is_some() || form.get("client_assertion_type").is_some() {
        let kind = form.need("client_assertion_type")?;
        if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
            let text = format!("The client assertion type '{kind}' is not supported.");
            return Err(Refusal::new(50_027, "invalid_request", text));
        }
        let names = |name: &str| self::directory(world, name).is_some_and(|d| d.id == directory.id);
        return assertion::check(form.need("client_assertion")?, call, &world.credentials, &names);
    }
    let Some(secret) = form.get("client_secret") else {
        return Err(Refusal::new(
            7_000_218,
            "invalid_client",
            "The request body must contain the following parameter: 'client_assertion' or \
             'client_secret'.",
        ));
    };
    if secret != world.credentials.graph_client_secret {
        return Err(Refusal::new(
            7_000_215,
            "invalid_client",
            format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the \
                 client secret value, not the client secret ID, for a secret added to app '{}'.",
                world.credentials.graph_client_id
            ),
        ));
    }
    Ok(())
}

/// What the requested scopes are about.
struct Scopes {
    /// [`GRAPH`] or another service's address.
    audience: String,
    /// Permissions asked for by name; none for `.default`.
    named: Option<Vec<String>>,
    /// `openid`, `offline_access` ...
    sign_in: Vec<String>,
}

fn scopes(text: &str, base: &str) -> Result<Scopes, Refusal> {
    let mut scopes = Scopes { audience: GRAPH.into(), named: None, sign_in: Vec::new() };
    let own = base.split_once("://").map_or(base, |(_, host)| host);
    for scope in text.split_whitespace() {
        if OPEN_ID.contains(&scope.to_ascii_lowercase().as_str()) {
            scopes.sign_in.push(scope.to_ascii_lowercase());
            continue;
        }
        let bare = scope.split_once("://").map_or(scope, |(_, rest)| rest);
        let (resource, name) = bare.rsplit_once('/').unwrap_or((GRAPH, bare));
        let resource = resource.trim_end_matches('/');
        let graph = GRAPH_HOSTS.iter().any(|h| h.eq_ignore_ascii_case(resource))
            || resource.eq_ignore_ascii_case(own);
        if !graph {
            if !resource.eq_ignore_ascii_case("api.partnercenter.microsoft.com") {
                let text = format!(
                    "The resource principal named https://{resource} was not found in the tenant."
                );
                return Err(Refusal::new(500_011, "invalid_resource", text));
            }
            scopes.audience = format!("https://{resource}");
        }
        if !name.eq_ignore_ascii_case(".default") {
            scopes.named.get_or_insert_default().push(name.to_string());
        }
    }
    Ok(scopes)
}

struct Issue<'a> {
    call: &'a Call,
    world: &'a World,
    directory: &'a Directory,
    tokens: &'a Tokens,
}

impl Issue<'_> {
    fn app_only(&self, form: &Form) -> Result<serde_json::Value, Refusal> {
        let scope = form.need("scope")?;
        let scopes = scopes(scope, &self.call.base)?;
        if scopes.named.is_some() || !scope.to_ascii_lowercase().contains("/.default") {
            return Err(bad_scope(scope));
        }
        let roles = self.world.credentials.graph_permissions.clone();
        let access = self.access(&scopes.audience, Some(roles), None);
        Ok(json!({
            "token_type": "Bearer",
            "expires_in": self.lifetime(),
            "ext_expires_in": self.lifetime(),
            "access_token": access,
        }))
    }

    fn delegated(&self, form: &Form) -> Result<serde_json::Value, Refusal> {
        let first = &self.world.credentials.graph_refresh_token;
        if !refresh_token_is_good(form.need("refresh_token")?, first) {
            return Err(Refusal::refresh_token());
        }
        let directory = self.directory;
        if !may_enter(directory, self.world.now()) {
            let text = format!(
                "User account '{{EUII Hidden}}' from identity provider 'https://sts.windows.net/{}/' \
                 does not exist in tenant '{}' and cannot access the application in that tenant.",
                self.world.credentials.graph_tenant, directory.display_name
            );
            return Err(Refusal::new(50_020, "invalid_grant", text));
        }
        if !directory.consented {
            let text = format!(
                "The user or administrator has not consented to use the application with ID '{}'. \
                 Send an interactive authorization request for this user and resource.",
                self.world.credentials.graph_client_id
            );
            let refusal = Refusal::new(65_001, "invalid_grant", text);
            return Err(Refusal { suberror: Some("consent_required"), ..refusal });
        }
        let scopes = scopes(form.get("scope").unwrap_or_default(), &self.call.base)?;
        let granted = &self.world.credentials.graph_permissions;
        let asked = |p: &&String| {
            scopes.named.as_ref().is_none_or(|n| n.iter().any(|n| n.eq_ignore_ascii_case(p)))
        };
        let held: Vec<&str> = granted.iter().filter(asked).map(String::as_str).collect();
        if held.is_empty() && scopes.named.is_some() {
            return Err(bad_scope(form.get("scope").unwrap_or_default()));
        }
        let access = self.access(&scopes.audience, None, Some(held.join(" ")));
        let mut body = json!({
            "token_type": "Bearer",
            "scope": self.scope_text(&scopes, &held),
            "expires_in": self.lifetime(),
            "ext_expires_in": self.lifetime(),
            "access_token": access,
            "refresh_token": new_refresh_token(first),
        });
        if scopes.sign_in.iter().any(|s| s == "openid") {
            body["id_token"] = json!(self.id_token());
        }
        if form.get("client_info") == Some("1") {
            let info = json!({"uid": self.user(), "utid": self.world.credentials.graph_tenant});
            body["client_info"] = json!(URL_SAFE_NO_PAD.encode(info.to_string()));
        }
        Ok(body)
    }

    fn lifetime(&self) -> u64 {
        self.world.options.token_seconds.max(1)
    }

    fn issuer(&self) -> String {
        format!("{}/{}/v2.0", self.call.base, self.directory.id)
    }

    /// The partner's service user, always the same.
    fn user(&self) -> Uuid {
        Uuid::new_v5(&self.world.credentials.graph_tenant, b"service user")
    }

    fn access(&self, audience: &str, roles: Option<Vec<String>>, scp: Option<String>) -> String {
        let now = self.world.now().timestamp();
        self.tokens.issue(Grant {
            aud: audience.into(),
            iss: format!("{}/{}/", self.call.base, self.directory.id),
            iat: now,
            nbf: now,
            exp: now.saturating_add_unsigned(self.lifetime()),
            appid: self.world.credentials.graph_client_id,
            tid: self.directory.id,
            idtyp: if scp.is_some() { "user" } else { "app" }.into(),
            roles,
            scp,
            uti: Uuid::new_v4(),
            ver: "1.0".into(),
            rh: 0,
        })
    }

    fn id_token(&self) -> String {
        let now = self.world.now().timestamp();
        self.tokens.sign(&json!({
            "aud": self.world.credentials.graph_client_id,
            "iss": self.issuer(),
            "iat": now,
            "nbf": now,
            "exp": now.saturating_add_unsigned(self.lifetime()),
            "name": "Service User",
            "oid": self.user(),
            "sub": self.user(),
            "tid": self.directory.id,
            "ver": "2.0",
        }))
    }

    fn scope_text(&self, scopes: &Scopes, held: &[&str]) -> String {
        let host = if scopes.audience == GRAPH {
            "https://graph.microsoft.com"
        } else {
            scopes.audience.as_str()
        };
        let named = held.iter().map(|p| format!("{host}/{p}"));
        let open_id = scopes.sign_in.iter().filter(|s| *s != "offline_access").cloned();
        let default = Some(format!("{host}/.default")).filter(|_| scopes.named.is_none());
        named.chain(default).chain(open_id).collect::<Vec<_>>().join(" ")
    }
}

fn bad_scope(scope: &str) -> Refusal {
    Refusal::new(
        70_011,
        "invalid_scope",
        format!(
            "The provided request must include a 'scope' input parameter. The provided value for \
             the input parameter 'scope' is not valid. The scope {scope} is not valid."
        ),
    )
}
