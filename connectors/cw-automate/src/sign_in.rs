//! Signing in: a token for user, password and (where set) one-time code, refreshed as long as the
//! server allows it.
//!
//! It sends the password in the body of that one call and the token in a header, and puts neither
//! into an error or a log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use core_connector::{Error, ErrorKind, Result, Secret};
use core_http::auth::{Authorizer, Credentials, FixedHeaders, Token, TokenCache, one_time_code};
use core_http::{Answer, Http, HttpOptions, Request, decode};
use core_model::dates::instant;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::Config;
use crate::client::{ROOT, pause, reason};

const OPERATION: &str = "sign in to Automate";
/// The integrator's header; mandatory on every call but the first.
const CLIENT_ID: &str = "clientid";
/// How long a token is believed in whose end the server does not tell.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(600);
/// However the clocks stand, a token just given is used for a moment.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(30);

/// Signs requests with the connection's token.
pub(crate) struct SignIn {
    http: Http,
    username: String,
    password: Secret,
    seed: Option<Secret>,
    client_id: HeaderValue,
    tokens: TokenCache,
    /// What may still be refreshed.
    held: Mutex<Option<Held>>,
    /// The generation of the token handed out last.
    newest: AtomicU64,
}

/// A token that may be exchanged for a new one without the password.
#[derive(Clone)]
struct Held {
    token: Secret,
    until: DateTime<Utc>,
}

/// The vendor's `TokenResult`, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TokenResult {
    #[serde(default)]
    access_token: Option<String>,
    #[serde(default)]
    expiration_date: Option<String>,
    #[serde(default)]
    absolute_expiration_date: Option<String>,
    #[serde(default)]
    is_two_factor_required: Option<bool>,
    #[serde(default)]
    is_internal_two_factor_required: Option<bool>,
}

/// A token result and what the server's clock showed when it came.
struct Granted {
    result: TokenResult,
    server_now: DateTime<Utc>,
}

impl SignIn {
    /// For the user of these settings; nothing is sent.
    pub(crate) fn new(config: Config, base: &Url) -> Result<Self> {
        let client_id = HeaderValue::from_str(config.client_id.trim()).map_err(|_| {
            let detail = "the value holds characters that no header may hold";
            Error::new(ErrorKind::Config, "setting `client_id`", detail)
        })?;
        let http = Http::new(HttpOptions {
            base: base.clone(),
            settings: config.http,
            auth: Arc::new(FixedHeaders::new(Vec::new())),
            classify,
            pause,
        })?;
        Ok(Self {
            http,
            username: config.username.trim().to_owned(),
            password: config.password,
            seed: config.totp_secret,
            client_id,
            tokens: TokenCache::default(),
            held: Mutex::new(None),
            newest: AtomicU64::new(0),
        })
    }

    /// A new token: by the old one as long as that may be refreshed, else by the password.
    async fn fetch(&self) -> Result<Token> {
        if let Some(held) = self.take_held() {
            match self.refresh(&held).await {
                Ok(granted) => return self.keep(granted),
                Err(error) if matches!(error.kind(), ErrorKind::RateLimited { .. }) => {
                    return Err(error);
                }
                Err(error) => tracing::debug!(%error, "no refresh; signing in anew"),
            }
        }
        let granted = self.log_in().await?;
        self.keep(granted)
    }

    /// The body is the old token as a bare JSON string, not an object.
    async fn refresh(&self, held: &Held) -> Result<Granted> {
        self.ask("apitoken/refresh", &Value::from(held.token.expose())).await
    }

    async fn log_in(&self) -> Result<Granted> {
        let code = self.code()?;
        let granted = match self.ask("apitoken", &self.letter(code.as_deref())).await {
            // The server was slow, and the code ran out on the way.
            Err(error) if error.kind() == ErrorKind::Auth && self.code()? != code => {
                self.ask("apitoken", &self.letter(self.code()?.as_deref())).await?
            }
            other => other?,
        };
        let result = &granted.result;
        let second_factor = result.is_two_factor_required.unwrap_or_default()
            || result.is_internal_two_factor_required.unwrap_or_default();
        if second_factor && blank(result.access_token.as_deref()) {
            return Err(if self.seed.is_none() {
                let detail = "the user has a second factor, and `totp_secret` is not set";
                Error::new(ErrorKind::Auth, OPERATION, detail).with_remedy(
                    "set `totp_secret` to the manual entry code of the user's authenticator, or \
                     use an integrator account without a second factor (Duo cannot be used)",
                )
            } else {
                let detail = "the one-time code made from `totp_secret` is not accepted";
                Error::new(ErrorKind::Auth, OPERATION, detail)
                    .with_remedy("enter the seed anew, and check the clock of this machine")
            });
        }
        Ok(granted)
    }

    fn code(&self) -> Result<Option<String>> {
        let now = u64::try_from(Utc::now().timestamp()).unwrap_or_default();
        self.seed.as_ref().map(|seed| one_time_code("totp_secret", seed, now)).transpose()
    }

    fn letter(&self, code: Option<&str>) -> Value {
        let mut letter = json!({ "Username": self.username, "Password": self.password.expose() });
        if let Some(code) = code {
            letter["TwoFactorPasscode"] = code.into();
        }
        letter
    }

    async fn ask(&self, path: &str, body: &Value) -> Result<Granted> {
        let client_id = self.client_id.to_str().unwrap_or_default();
        let request = Request::post(format!("{ROOT}{path}"))
            .header(CLIENT_ID, client_id)
            .json(body)
            .repeatable()
            .unsigned()
            .named(OPERATION);
        self.http
            .call(&request, |answer| {
                let server_now = server_time(answer).unwrap_or_else(Utc::now);
                Ok(Granted { result: decode::json(answer)?, server_now })
            })
            .await
    }

    /// Remembers what may be refreshed, and says how long the token is good for.
    fn keep(&self, granted: Granted) -> Result<Token> {
        let Granted { result, server_now } = granted;
        let text = result.access_token.filter(|text| !text.trim().is_empty()).ok_or_else(|| {
            Error::new(ErrorKind::Protocol, OPERATION, "the answer holds no token")
        })?;
        let value = Secret::new(text);
        let from_now = |date: Option<String>| {
            let at = date.as_deref().and_then(|text| instant(text).ok().flatten())?;
            Some(at - server_now)
        };
        let lifetime = from_now(result.expiration_date)
            .map_or(UNKNOWN_LIFETIME, |left| left.to_std().unwrap_or_default())
            .max(SHORTEST_LIFETIME);
        if let Some(left) = from_now(result.absolute_expiration_date) {
            let until = Utc::now() + (left - TimeDelta::minutes(1));
            *self.held() = Some(Held { token: value.clone(), until });
        }
        Ok(Token { value, lifetime })
    }

    fn take_held(&self) -> Option<Held> {
        self.held().take().filter(|held| Utc::now() < held.until)
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Authorizer for SignIn {
    async fn credentials(&self, scope: &str) -> Result<Credentials> {
        let (token, generation) = self.tokens.get(scope, || self.fetch()).await?;
        self.newest.fetch_max(generation, Ordering::SeqCst);
        let mut bearer =
            HeaderValue::from_str(&format!("Bearer {}", token.expose())).map_err(|_| {
                let detail = "the token holds characters that no header may hold";
                Error::new(ErrorKind::Protocol, OPERATION, detail)
            })?;
        bearer.set_sensitive(true);
        let client_id = (HeaderName::from_static(CLIENT_ID), self.client_id.clone());
        Ok(Credentials { headers: vec![(AUTHORIZATION, bearer), client_id], generation })
    }

    /// A refused token is not worth a refresh: the next sign-in is a full one.
    async fn renew(&self, scope: &str, generation: u64) {
        self.tokens.forget(scope, generation).await;
        if self.newest.load(Ordering::SeqCst) <= generation {
            *self.held() = None;
        }
    }
}

fn classify(answer: &Answer) -> Result<()> {
    let fail = |kind| Error::new(kind, &answer.operation, reason(answer));
    match answer.status.as_u16() {
        200..=299 => Ok(()),
        401 | 403 => Err(fail(ErrorKind::Auth).with_remedy(
            "check `username` and `password` (a local Automate user), `totp_secret` where the \
             user has a second factor, and `client_id`",
        )),
        300..=399 | 404 => Err(fail(ErrorKind::Config)
            .with_remedy("there is no Automate API at this address: correct `url`")),
        429 => Err(fail(ErrorKind::RateLimited { retry_after: answer.retry_after() })),
        408 | 500..=599 => Err(fail(ErrorKind::Unavailable)),
        _ => Err(fail(ErrorKind::Rejected)),
    }
}

/// What the server's clock shows: its dates are counted from there, not from ours.
fn server_time(answer: &Answer) -> Option<DateTime<Utc>> {
    let date = DateTime::parse_from_rfc2822(answer.header("date")?).ok()?;
    Some(date.with_timezone(&Utc))
}

fn blank(text: Option<&str>) -> bool {
    text.is_none_or(|text| text.trim().is_empty())
}
