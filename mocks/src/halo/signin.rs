//! The authorisation server: client credentials against a token that carries its scopes.
//!
//! Tokens are signed and carry their own content, so nothing is remembered per token; a generation
//! counter and a list of single revocations take them back. There is no refresh token: a client
//! that needs a new one asks again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;
use uuid::Uuid;

use super::scope::{self, Scopes};
use crate::vendor::{Call, Reply};
use crate::world::World;

/// What a token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Grant {
    iss: String,
    aud: String,
    sub: String,
    client_id: Uuid,
    scope: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    generation: u64,
}

/// Makes and checks tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    key: [u8; 32],
    generation: AtomicU64,
    revoked: Mutex<HashSet<Uuid>>,
}

impl Tokens {
    /// With a key of its own.
    pub(super) fn new() -> Self {
        Self { key: rand::random(), generation: AtomicU64::new(1), revoked: Mutex::default() }
    }

    /// What the `Authorization` header allows at an instant (seconds since 1970), if it is good.
    pub(super) fn check(&self, header: Option<&str>, now: i64) -> Option<Scopes> {
        let grant = self.open(header?)?;
        let good = grant.generation == self.generation.load(Ordering::Relaxed)
            && grant.exp > now
            && !self.revoked.lock().unwrap_or_else(PoisonError::into_inner).contains(&grant.jti);
        good.then(|| Scopes::new(&grant.scope))
    }

    /// Takes back every token given out so far.
    pub(super) fn revoke_all(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes back the token of this `Authorization` header.
    pub(super) fn revoke(&self, header: Option<&str>) {
        if let Some(grant) = header.and_then(|h| self.open(h)) {
            self.revoked.lock().unwrap_or_else(PoisonError::into_inner).insert(grant.jti);
        }
    }

    /// Answers a call of the token endpoint.
    pub(super) fn answer(&self, call: &Call, world: &World) -> Reply {
        match self.sign_in(call, world) {
            Ok(reply) | Err(reply) => {
                reply.with_header("cache-control", "no-store").with_header("pragma", "no-cache")
            }
        }
    }

    fn sign_in(&self, call: &Call, world: &World) -> Result<Reply, Reply> {
        let form = Form::of(call)?;
        let known = &world.credentials;
        // The tenant chooses the database before anybody looks at the client.
        if form.tenant(call).is_some_and(|t| !t.eq_ignore_ascii_case(&known.halo_tenant)) {
            return Err(Reply::empty(500));
        }
        match form.get("grant_type") {
            Some("client_credentials") => {}
            Some(_) => {
                return Err(refused(
                    400,
                    "unsupported_grant_type",
                    "The specified 'grant_type' is not supported.",
                ));
            }
            None => {
                return Err(refused(
                    400,
                    "invalid_request",
                    "The mandatory 'grant_type' parameter is missing.",
                ));
            }
        }
        let (id, secret) = form.client(call);
        if id.parse::<Uuid>().ok() != Some(known.halo_client_id)
            || secret != known.halo_client_secret
        {
            return Err(refused(
                401,
                "invalid_client",
                "The specified client credentials are invalid.",
            ));
        }
        let scope = scope::granted(form.get("scope").unwrap_or_default(), &known.halo_scopes)
            .ok_or_else(|| refused(400, "invalid_scope", "The specified 'scope' is invalid."))?;
        let seconds = i64::try_from(world.options.token_seconds).unwrap_or(3_599);
        let now = world.now().timestamp();
        let grant = Grant {
            iss: format!("{}/auth", call.base),
            aud: format!("{}/api", call.base),
            sub: known.halo_client_id.to_string(),
            client_id: known.halo_client_id,
            scope: scope.clone(),
            iat: now,
            exp: now.saturating_add(seconds),
            jti: Uuid::new_v4(),
            generation: self.generation.load(Ordering::Relaxed),
        };
        Ok(Reply::json(
            200,
            &json!({
                "access_token": self.sign(&grant),
                "token_type": "Bearer",
                "expires_in": seconds,
                "scope": scope,
            }),
        ))
    }

    fn sign(&self, grant: &Grant) -> String {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"at+jwt"}"#);
        let claims = serde_json::to_vec(grant).unwrap_or_default();
        let body = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
        let signature = self.mac(body.as_bytes()).finalize().into_bytes();
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn open(&self, header: &str) -> Option<Grant> {
        let (scheme, token) = header.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let (body, signature) = token.trim().rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        self.mac(body.as_bytes()).verify_slice(&signature).ok()?;
        let claims = URL_SAFE_NO_PAD.decode(body.split_once('.')?.1).ok()?;
        serde_json::from_slice(&claims).ok()
    }

    fn mac(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key)
            .unwrap_or_else(|_| unreachable!("an HMAC takes a key of any length"));
        mac.update(bytes);
        mac
    }
}

/// The discovery document of the authorisation server.
pub(super) fn discovery(call: &Call) -> Reply {
    let auth = format!("{}/auth", call.base);
    Reply::json(
        200,
        &json!({
            "issuer": format!("{auth}/"),
            "authorization_endpoint": format!("{auth}/authorize"),
            "token_endpoint": format!("{auth}/token"),
            "end_session_endpoint": format!("{auth}/logout"),
            "userinfo_endpoint": format!("{auth}/userinfo"),
            "jwks_uri": format!("{auth}/.well-known/jwks"),
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "scopes_supported": scope::all(),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }),
    )
}

/// The form of a token request.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(call: &Call) -> Result<Self, Reply> {
        let kind = call.header("content-type").unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
            let why = "The specified 'Content-Type' header is not valid.";
            return Err(refused(400, "invalid_request", why));
        }
        Ok(Self(url::form_urlencoded::parse(&call.body).into_owned().collect()))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The tenant, from the query or the form; a client that names none is fine.
    fn tenant<'a>(&'a self, call: &'a Call) -> Option<&'a str> {
        call.param("tenant").or_else(|| self.get("tenant")).map(str::trim).filter(|t| !t.is_empty())
    }

    /// Client id and secret, from the form or a Basic header.
    fn client(&self, call: &Call) -> (String, String) {
        let basic = call
            .header("authorization")
            .and_then(|h| h.strip_prefix("Basic "))
            .and_then(|text| STANDARD.decode(text.trim()).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        let basic = basic.as_deref().and_then(|text| text.split_once(':')).unwrap_or_default();
        let of = |name: &str, other: &str| self.get(name).unwrap_or(other).trim().to_owned();
        (of("client_id", basic.0), of("client_secret", basic.1))
    }
}

fn refused(status: u16, error: &str, description: &str) -> Reply {
    Reply::json(status, &json!({ "error": error, "error_description": description }))
}
