//! Access and refresh tokens.
//!
//! Both are signed and carry their own content, so that nothing has to be remembered per token; a
//! generation counter and a set of single revocations take them back. Access tokens have the shape
//! of a JWT because tools look into them (`tid`, `roles`, `scp`), and they freeze the permissions
//! of the moment they were made: consent given later shows in the next token only.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The audience of tokens for Graph.
pub(super) const GRAPH: &str = "00000003-0000-0000-c000-000000000000";

/// What an access token says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Grant {
    /// Whom it is for; [`GRAPH`] or another service.
    pub(super) aud: String,
    /// `{base}/{tenant}/`.
    pub(super) iss: String,
    /// Made at, seconds since 1970.
    pub(super) iat: i64,
    /// Good from.
    pub(super) nbf: i64,
    /// Good until.
    pub(super) exp: i64,
    /// App id.
    pub(super) appid: Uuid,
    /// The directory it is good for.
    pub(super) tid: Uuid,
    /// `app` or `user`.
    pub(super) idtyp: String,
    /// Application permissions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) roles: Option<Vec<String>>,
    /// Delegated permissions, separated by spaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) scp: Option<String>,
    /// The id of this token.
    pub(super) uti: Uuid,
    /// Version of the format.
    pub(super) ver: String,
    /// The generation it was made in.
    pub(super) rh: u64,
}

impl Grant {
    /// Whether it speaks for a user.
    pub(super) fn delegated(&self) -> bool {
        self.scp.is_some()
    }

    /// Whether it carries the permission, or the one that includes writing.
    pub(super) fn has(&self, permission: &str) -> bool {
        let writing = permission.replacen(".Read.", ".ReadWrite.", 1);
        let fits = |p: &str| p.eq_ignore_ascii_case(permission) || p.eq_ignore_ascii_case(&writing);
        self.roles.iter().flatten().any(|p| fits(p))
            || self.scp.iter().flat_map(|s| s.split(' ')).any(fits)
    }
}

/// Why an access token was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// None was sent.
    Empty,
    /// It is not one of ours.
    Malformed,
    /// It is over.
    Expired,
    /// It was taken back.
    Revoked,
    /// It is for another service.
    Audience,
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

    /// Signs a grant; its generation is set here.
    pub(super) fn issue(&self, mut grant: Grant) -> String {
        grant.rh = self.generation.load(Ordering::Relaxed);
        self.sign(&serde_json::to_value(&grant).unwrap_or_default())
    }

    /// A JWT of these claims (also for id tokens).
    pub(super) fn sign(&self, claims: &serde_json::Value) -> String {
        let header = BASE64.encode(br#"{"typ":"JWT","alg":"HS256","kid":"mock"}"#);
        let body = format!("{header}.{}", BASE64.encode(claims.to_string()));
        let signature = BASE64.encode(mac(&self.key, body.as_bytes()));
        format!("{body}.{signature}")
    }

    /// Reads the `Authorization` header at an instant (seconds since 1970).
    pub(super) fn check(&self, header: Option<&str>, now: i64) -> Result<Grant, Refused> {
        let header = header.unwrap_or_default().trim();
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        let token = token.trim();
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() {
            return Err(Refused::Empty);
        }
        let grant = self.open(token).ok_or(Refused::Malformed)?;
        if grant.rh != self.generation.load(Ordering::Relaxed) || self.is_revoked(grant.uti) {
            return Err(Refused::Revoked);
        }
        if grant.exp <= now {
            return Err(Refused::Expired);
        }
        if grant.aud != GRAPH { Err(Refused::Audience) } else { Ok(grant) }
    }

    /// Takes back every token given out so far.
    pub(super) fn revoke_all(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes back the token of this `Authorization` header.
    pub(super) fn revoke(&self, header: Option<&str>) {
        let token = header.and_then(|h| h.split_once(' ')).map(|(_, t)| t.trim());
        if let Some(grant) = token.and_then(|t| self.open(t)) {
            self.revoked.lock().unwrap_or_else(PoisonError::into_inner).insert(grant.uti);
        }
    }

    fn open(&self, token: &str) -> Option<Grant> {
        let (body, signature) = token.rsplit_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        keyed(&self.key, body.as_bytes()).verify_slice(&signature).ok()?;
        serde_json::from_slice(&BASE64.decode(body.split_once('.')?.1).ok()?).ok()
    }

    fn is_revoked(&self, id: Uuid) -> bool {
        self.revoked.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }
}

/// The directory an access token claims to be for, without any check (for naming things only).
pub(super) fn claimed_tenant(header: Option<&str>) -> Option<Uuid> {
    let claims = header?.split_once(' ')?.1.trim().split('.').nth(1)?;
    let claims: serde_json::Value = serde_json::from_slice(&BASE64.decode(claims).ok()?).ok()?;
    claims.get("tid")?.as_str()?.parse().ok()
}

/// A refresh token derived from the first one: good as long as the first one is the partner's.
pub(super) fn new_refresh_token(first: &str) -> String {
    let nonce: [u8; 24] = rand::random();
    let mut bytes = nonce.to_vec();
    bytes.extend_from_slice(&mac(&refresh_key(first), &nonce));
    format!("1.AXEA{}", BASE64.encode(bytes))
}

/// Whether a refresh token is the first one or derived from it.
pub(super) fn refresh_token_is_good(token: &str, first: &str) -> bool {
    if token == first {
        return true;
    }
    let Some(bytes) = token.strip_prefix("1.AXEA").and_then(|t| BASE64.decode(t).ok()) else {
        return false;
    };
    bytes
        .split_at_checked(24)
        .is_some_and(|(nonce, sum)| keyed(&refresh_key(first), nonce).verify_slice(sum).is_ok())
}

fn refresh_key(first: &str) -> [u8; 32] {
    Sha256::digest(format!("refresh token {first}")).into()
}

fn keyed(key: &[u8], bytes: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("any key length is good"));
    mac.update(bytes);
    mac
}

/// An HMAC-SHA-256.
pub(super) fn mac(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    keyed(key, bytes).finalize().into_bytes().into()
}
