//! OAuth2: client credentials and refresh tokens, each scope with a token of its own.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use core_connector::{Error, ErrorKind, Result, Secret, trace};
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RefreshToken,
    RequestTokenError, Scope, TokenResponse, TokenUrl,
};
use reqwest::header::{AUTHORIZATION, HeaderValue};
use tracing::Instrument as _;

use super::cache::{Token, TokenCache};
use super::{Authorizer, ClientCertificate, Credentials};
use crate::client::{transport, unreachable};
use crate::retry::next_wait;
use crate::{Answer, HttpSettings};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How the application proves who it is.
pub enum ClientAuth {
    /// A secret.
    Secret(Secret),
    /// A certificate.
    Certificate(Box<ClientCertificate>),
}

/// What is exchanged for a token.
pub enum Grant {
    /// The application itself.
    ClientCredentials,
    /// A user's refresh token; each use may return a new one, which is used from then on.
    RefreshToken(tokio::sync::Mutex<Secret>),
}

/// A token endpoint and what it wants, for one scope.
pub struct TokenRequest {
    /// The endpoint.
    pub url: String,
    /// OAuth2 scopes.
    pub scopes: Vec<String>,
}

/// Keeps a refresh token that each use renews.
#[async_trait]
pub trait KeepToken: Send + Sync {
    /// The newest one, if any is kept: by this process, or by another one beside it.
    ///
    /// # Errors
    /// Where it cannot be had; then nobody signs in.
    async fn newest(&self) -> Result<Option<Secret>>;

    /// Keeps the one that the use of another one brought. What goes wrong is logged: the old one works
    /// for a while, so that it stops nobody.
    async fn keep(&self, used: &Secret, next: &Secret);
}

/// A connector's reading of a refused sign-in: the OAuth2 `error`, its description.
pub type ReadRefusal = fn(operation: &str, error: &str, description: &str) -> Error;

/// Signs requests with bearer tokens.
pub struct OAuth {
    wire: Wire,
    settings: HttpSettings,
    client_id: String,
    client: ClientAuth,
    grant: Grant,
    endpoint: Box<dyn Fn(&str) -> TokenRequest + Send + Sync>,
    refusal: ReadRefusal,
    kept: Option<Box<dyn KeepToken>>,
    tokens: TokenCache,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Transport(Error);

impl OAuth {
    /// An authorizer. `endpoint` gives the token endpoint of a scope.
    ///
    /// # Errors
    /// `Config` where no HTTP client can be made from the settings.
    pub fn new(
        settings: &HttpSettings,
        client_id: impl Into<String>,
        client: ClientAuth,
        grant: Grant,
        endpoint: impl Fn(&str) -> TokenRequest + Send + Sync + 'static,
        refusal: ReadRefusal,
    ) -> Result<Self> {
        Ok(Self {
            wire: Wire { transport: transport(settings)? },
            settings: settings.clone(),
            client_id: client_id.into(),
            client,
            grant,
            endpoint: Box::new(endpoint),
            refusal,
            kept: None,
            tokens: TokenCache::default(),
        })
    }

    /// The same, using the refresh token that is kept, and keeping each new one before it is used.
    #[must_use]
    pub fn keeping(mut self, keep: impl KeepToken + 'static) -> Self {
        self.kept = Some(Box::new(keep));
        self
    }

    /// A token of a scope for whoever is to use it elsewhere: one of its own, signed in for now, so that it is good for
    /// its whole life and a consent that was revoked is noticed.
    ///
    /// # Errors
    /// As signing in.
    pub async fn token_of(&self, scope: &str) -> Result<Token> {
        self.fetch(scope).await
    }

    async fn fetch(&self, scope: &str) -> Result<Token> {
        let request = (self.endpoint)(scope);
        let host = url::Url::parse(&request.url).ok();
        let host = host.as_ref().and_then(url::Url::host_str).unwrap_or_default();
        let span = trace::request("POST", host, "sign in");
        let fetched = self.attempts(scope, &span).instrument(span.clone()).await;
        fetched.inspect_err(|error| trace::failed(&span, error))
    }

    async fn attempts(&self, scope: &str, span: &tracing::Span) -> Result<Token> {
        let mut attempt = 1;
        let mut waited = Duration::ZERO;
        loop {
            let fetched = self.fetch_once(scope).await;
            span.record("retries", attempt - 1);
            match fetched {
                Ok(token) => return Ok(token),
                Err(error) => {
                    let Some(wait) = next_wait(&error, attempt, true, &self.settings) else {
                        return Err(error.after(attempt));
                    };
                    tokio::time::sleep(wait).await;
                    waited += wait;
                    span.record("waited_ms", u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
                    attempt += 1;
                }
            }
        }
    }

    async fn fetch_once(&self, scope: &str) -> Result<Token> {
        let request = (self.endpoint)(scope);
        let token_url = TokenUrl::new(request.url.clone()).map_err(|error| {
            Error::new(
                ErrorKind::Config,
                "sign in",
                format!("the token address is no URL: {error}"),
            )
        })?;
        let mut client = BasicClient::new(ClientId::new(self.client_id.clone()))
            .set_token_uri(token_url)
            .set_auth_type(AuthType::RequestBody);
        let mut extra = Vec::new();
        match &self.client {
            ClientAuth::Secret(secret) => {
                client = client.set_client_secret(ClientSecret::new(secret.expose().to_owned()));
            }
            ClientAuth::Certificate(certificate) => {
                let now = chrono::Utc::now().timestamp();
                let assertion = certificate.assertion(&self.client_id, &request.url, now)?;
                extra.push(("client_assertion_type", ASSERTION_TYPE.to_owned()));
                extra.push(("client_assertion", assertion.expose().to_owned()));
            }
        }
        let scopes = request.scopes.into_iter().map(Scope::new);
        let used = self.refresh_token().await?;
        let answer = match &used {
            None => {
                let mut exchange = client.exchange_client_credentials().add_scopes(scopes);
                for (name, value) in extra {
                    exchange = exchange.add_extra_param(name, value);
                }
                exchange.request_async(&self.wire).await
            }
            Some(used) => {
                let refresh = RefreshToken::new(used.expose().to_owned());
                let mut exchange = client.exchange_refresh_token(&refresh).add_scopes(scopes);
                for (name, value) in extra {
                    exchange = exchange.add_extra_param(name, value);
                }
                exchange.request_async(&self.wire).await
            }
        };
        self.token(answer.map_err(|error| self.refused(error))?, used).await
    }

    /// The refresh token to use: the newest one that is kept, or else the one that was had last.
    async fn refresh_token(&self) -> Result<Option<Secret>> {
        let Grant::RefreshToken(held) = &self.grant else { return Ok(None) };
        let newest = match &self.kept {
            Some(kept) => kept.newest().await?,
            None => None,
        };
        Ok(Some(match newest {
            Some(newest) => newest,
            None => held.lock().await.clone(),
        }))
    }

    async fn token(&self, answer: BasicTokenResponse, used: Option<Secret>) -> Result<Token> {
        let next = answer.refresh_token().map(|next| Secret::new(next.secret().clone()));
        if let (Grant::RefreshToken(held), Some(used), Some(next)) = (&self.grant, used, next) {
            if let Some(kept) = &self.kept {
                kept.keep(&used, &next).await;
            }
            *held.lock().await = next;
        }
        Ok(Token {
            value: Secret::new(answer.access_token().secret().clone()),
            lifetime: answer.expires_in().unwrap_or(Duration::from_secs(600)),
        })
    }

    fn refused(
        &self,
        error: RequestTokenError<Transport, oauth2::basic::BasicErrorResponse>,
    ) -> Error {
        match error {
            RequestTokenError::Request(Transport(error)) => error,
            RequestTokenError::ServerResponse(answer) => {
                let description = answer.error_description().map_or("", String::as_str);
                (self.refusal)("sign in", answer.error().as_ref(), description)
            }
            RequestTokenError::Parse(error, _) => {
                let detail = format!("the answer is no token: {}", error.into_inner());
                Error::new(ErrorKind::Protocol, "sign in", detail)
                    .with_remedy("check the address of the sign-in service in the settings")
            }
            RequestTokenError::Other(why) => Error::new(ErrorKind::Protocol, "sign in", why),
        }
    }
}

/// Gives the OAuth2 library our client, so that one HTTP stack is linked.
struct Wire {
    transport: reqwest::Client,
}

impl<'c> AsyncHttpClient<'c> for Wire {
    type Error = Transport;
    type Future =
        Pin<Box<dyn Future<Output = std::result::Result<HttpResponse, Transport>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move { self.exchange(request).await.map_err(Transport) })
    }
}

impl Wire {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpResponse> {
        let (parts, body) = request.into_parts();
        let sending = self
            .transport
            .request(parts.method, parts.uri.to_string())
            .headers(parts.headers)
            .body(body);
        let response = sending.send().await.map_err(|error| unreachable("sign in", &error))?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(|error| unreachable("sign in", &error))?;
        let answer = Answer { operation: "sign in".into(), status, headers, body };
        overload(&answer)?;
        let mut response = HttpResponse::new(answer.body.to_vec());
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }
}

/// What time can mend is kept from being read as a refusal.
fn overload(answer: &Answer) -> Result<()> {
    let wrong = |kind| {
        Error::new(
            kind,
            "sign in",
            format!("HTTP {}: {}", answer.status.as_u16(), answer.excerpt()),
        )
    };
    match answer.status.as_u16() {
        429 => Err(wrong(ErrorKind::RateLimited { retry_after: answer.retry_after() })),
        500 | 502..=504 => Err(wrong(ErrorKind::Unavailable)),
        _ => Ok(()),
    }
}

#[async_trait]
impl Authorizer for OAuth {
    async fn credentials(&self, scope: &str) -> Result<Credentials> {
        let (token, generation) = self.tokens.get(scope, || self.fetch(scope)).await?;
        let text = format!("Bearer {}", token.expose());
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            Error::new(
                ErrorKind::Protocol,
                "sign in",
                "the token holds characters no header may hold",
            )
        })?;
        value.set_sensitive(true);
        Ok(Credentials { headers: vec![(AUTHORIZATION, value)], generation })
    }

    async fn renew(&self, scope: &str, generation: u64) {
        self.tokens.forget(scope, generation).await;
    }
}
