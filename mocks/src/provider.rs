//! A small OpenID Connect provider, from the standards alone (OpenID Connect Core and Discovery 1.0,
//! RFC 7636): it describes itself, lets the person sign in who is set to, checks the client's secret,
//! the redirect and the challenge, and signs with a key that can be changed. It is shaped like Entra
//! (a directory's id in the issuer, `roles`, `preferred_username`), and it can lie.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::Utc;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

/// The directory that the provider is of.
const DIRECTORY: &str = "11111111-aaaa-4bbb-8ccc-222222222222";

/// Somebody whom the provider knows.
#[derive(Clone, Debug)]
pub struct Person {
    /// What never changes.
    pub subject: String,
    /// `preferred_username`.
    pub username: String,
    /// `name`.
    pub name: String,
    /// `roles`.
    pub roles: Vec<String>,
}

/// What a provider may get wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The statement is for another client.
    Audience,
    /// It is by another issuer.
    Issuer,
    /// It is for another sign-in.
    Nonce,
    /// It ended a day ago.
    Expired,
    /// It is signed by a key that the provider does not have.
    Signature,
    /// It is signed by nobody.
    Unsigned,
}

/// A provider that is served.
pub struct Provider {
    address: SocketAddr,
    state: Arc<Mutex<Realm>>,
    serving: tokio::task::JoinHandle<()>,
}

struct Realm {
    issuer: String,
    client: String,
    secret: String,
    redirect: String,
    person: Person,
    key: Signer,
    /// What was signed with before, and is still in the key set or not.
    lie: Option<Lie>,
    codes: HashMap<String, Asked>,
    made: u64,
}

/// What an authorization was asked with.
struct Asked {
    redirect: String,
    nonce: String,
    challenge: String,
    person: Person,
}

struct Signer {
    id: String,
    key: EncodingKey,
    public: Value,
}

impl Signer {
    fn new(id: &str) -> io::Result<Self> {
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)?;
        let key = EncodingKey::from_ec_pem(pair.serialize_pem().as_bytes());
        let key = key.map_err(io::Error::other)?;
        // An uncompressed point: 4, x, y.
        let point = pair.public_key_raw();
        let (x, y) = (point.get(1..33).unwrap_or_default(), point.get(33..65).unwrap_or_default());
        let public = json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": id,
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        });
        Ok(Self { id: id.to_owned(), key, public })
    }
}

type Shared = Arc<Mutex<Realm>>;

impl Provider {
    /// Serves a provider with one client and one person on a free port of this machine.
    ///
    /// # Errors
    /// Where no port is free.
    pub async fn serve(client: &str, secret: &str, person: Person) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let realm = Realm {
            issuer: format!("http://{address}/{DIRECTORY}/v2.0"),
            client: client.to_owned(),
            secret: secret.to_owned(),
            redirect: String::new(),
            person,
            key: Signer::new("key-1")?,
            lie: None,
            codes: HashMap::new(),
            made: 0,
        };
        let state = Arc::new(Mutex::new(realm));
        let path = |rest: &str| format!("/{DIRECTORY}{rest}");
        let router = Router::new()
            .route(&path("/v2.0/.well-known/openid-configuration"), get(description))
            .route(&path("/discovery/v2.0/keys"), get(keys))
            .route(&path("/oauth2/v2.0/authorize"), get(authorize))
            .route(&path("/oauth2/v2.0/token"), post(token))
            .with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the provider serves no more");
            }
        });
        Ok(Self { address, state, serving })
    }

    /// Its issuer.
    #[must_use]
    pub fn issuer(&self) -> String {
        held(&self.state).issuer.clone()
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// To which address it sends browsers back, and to no other.
    pub fn sends_back_to(&self, redirect: &str) {
        held(&self.state).redirect = redirect.to_owned();
    }

    /// Who signs in from now on.
    pub fn is_used_by(&self, person: Person) {
        held(&self.state).person = person;
    }

    /// What is wrong from now on.
    pub fn lies(&self, lie: Option<Lie>) {
        held(&self.state).lie = lie;
    }

    /// Signs with a new key from now on; the old one is in the key set no more.
    ///
    /// # Errors
    /// Where none can be made.
    pub fn changes_its_key(&self) -> io::Result<()> {
        let mut realm = held(&self.state);
        realm.made += 1;
        realm.key = Signer::new(&format!("key-of-{}", realm.made))?;
        Ok(())
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn held(state: &Shared) -> MutexGuard<'_, Realm> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn description(State(state): State<Shared>) -> Json<Value> {
    let issuer = held(&state).issuer.clone();
    let base = issuer.trim_end_matches("/v2.0").to_owned();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "response_types_supported": ["code", "id_token", "code id_token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "scopes_supported": ["openid", "profile", "email"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username"],
    }))
}

async fn keys(State(state): State<Shared>) -> Json<Value> {
    Json(json!({ "keys": [held(&state).key.public.clone()] }))
}

async fn authorize(
    State(state): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let mut realm = held(&state);
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    // Of a client or a redirect that is not known nothing is sent anywhere.
    if get("client_id") != realm.client || get("redirect_uri") != realm.redirect {
        return (StatusCode::BAD_REQUEST, "no such client, or not back to there").into_response();
    }
    let is_right = get("response_type") == "code"
        && get("scope").split(' ').any(|scope| scope == "openid")
        && get("code_challenge_method") == "S256";
    let mut back = vec![("state", get("state").to_owned())];
    if is_right {
        realm.made += 1;
        let code = format!("code-{}-{}", realm.made, uuid::Uuid::new_v4().simple());
        let asked = Asked {
            redirect: get("redirect_uri").to_owned(),
            nonce: get("nonce").to_owned(),
            challenge: get("code_challenge").to_owned(),
            person: realm.person.clone(),
        };
        realm.codes.insert(code.clone(), asked);
        back.extend([("code", code), ("session_state", "planted-session-state".to_owned())]);
    } else {
        back.push(("error", "invalid_request".to_owned()));
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(back);
    let place = format!("{}?{}", realm.redirect, query.finish());
    (StatusCode::FOUND, [(header::LOCATION, place)]).into_response()
}

async fn token(State(state): State<Shared>, headers: HeaderMap, body: String) -> Response {
    let mut realm = held(&state);
    let fields: HashMap<String, String> =
        url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let get = |name: &str| fields.get(name).map(String::as_str).unwrap_or_default();
    let refused = |code: StatusCode, error: &str| {
        (code, Json(json!({ "error": error, "error_description": "refused" }))).into_response()
    };
    let (client, secret) = credentials(&headers)
        .unwrap_or_else(|| (get("client_id").to_owned(), get("client_secret").to_owned()));
    if client != realm.client || secret != realm.secret {
        return refused(StatusCode::UNAUTHORIZED, "invalid_client");
    }
    // A code counts once, whatever else is wrong.
    let Some(asked) = realm.codes.remove(get("code")) else {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(get("code_verifier")));
    let is_right = get("grant_type") == "authorization_code"
        && get("redirect_uri") == asked.redirect
        && challenge == asked.challenge;
    if !is_right {
        return refused(StatusCode::BAD_REQUEST, "invalid_grant");
    }
    match statement(&realm, &asked) {
        Ok(statement) => Json(json!({
            "token_type": "Bearer",
            "access_token": "planted-access-token",
            "expires_in": 3600,
            "id_token": statement,
        }))
        .into_response(),
        Err(error) => {
            (StatusCode::INTERNAL_SERVER_ERROR, format!("no statement: {error}")).into_response()
        }
    }
}

/// Client and secret of the `Authorization` header, form-encoded in it (RFC 6749, 2.3.1).
fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(sent).ok()?).ok()?;
    let (client, secret) = text.split_once(':')?;
    let plain = |text: &str| {
        let pair = format!("x={text}");
        let mut parsed = url::form_urlencoded::parse(pair.as_bytes());
        parsed.next().map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    Some((plain(client), plain(secret)))
}

/// What the provider says of a person, signed; or what is wrong instead.
fn statement(realm: &Realm, asked: &Asked) -> io::Result<String> {
    let now = Utc::now().timestamp();
    let lie = |which: Lie| realm.lie == Some(which);
    let issuer = realm.issuer.as_str();
    let claims = json!({
        "iss": if lie(Lie::Issuer) { "https://other.example" } else { issuer },
        "aud": if lie(Lie::Audience) { "another-client" } else { realm.client.as_str() },
        "exp": if lie(Lie::Expired) { now - 86_400 } else { now + 3600 },
        "iat": if lie(Lie::Expired) { now - 90_000 } else { now },
        "nonce": if lie(Lie::Nonce) { "another" } else { asked.nonce.as_str() },
        "sub": asked.person.subject,
        "tid": DIRECTORY,
        "ver": "2.0",
        "name": asked.person.name,
        "preferred_username": asked.person.username,
        "roles": asked.person.roles,
    });
    if lie(Lie::Unsigned) {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        return Ok(format!("{}.{}.", part(&json!({ "alg": "none" })), part(&claims)));
    }
    let other;
    let signer = if lie(Lie::Signature) {
        other = Signer::new(&realm.key.id)?;
        &other
    } else {
        &realm.key
    };
    let mut head = Header::new(Algorithm::ES256);
    head.kid = Some(signer.id.clone());
    jsonwebtoken::encode(&head, &claims, &signer.key).map_err(io::Error::other)
}
