//! The client: one per connection.

use std::sync::Arc;
use std::time::Duration;

use core_connector::{Error, ErrorKind, Meter, Result, trace};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Certificate, StatusCode, redirect};
use tracing::Instrument as _;
use url::Url;

use crate::auth::{Authorizer, Credentials};
use crate::limit::Limits;
use crate::retry::next_wait;
use crate::{Answer, Body, HttpSettings, Request};

/// How often one request gets a new token before a refusal is believed.
const MOST_RENEWALS: u32 = 3;

/// A connector's one place that turns an answer into an error; `Ok` lets it be read.
pub type Classify = fn(&Answer) -> Result<()>;

/// Whom a throttled answer is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PauseScope {
    /// The scope of the request.
    Scope,
    /// Every scope of the connection.
    All,
}

/// What a client is made of.
pub struct HttpOptions {
    /// What relative targets hang on; ends with a slash (see [`crate::base_url`]).
    pub base: Url,
    /// How requests are made.
    pub settings: HttpSettings,
    /// Signs them.
    pub auth: Arc<dyn Authorizer>,
    /// Turns answers into errors.
    pub classify: Classify,
    /// Says whom a throttled answer is meant for.
    pub pause: fn(&Answer) -> PauseScope,
}

/// A client of one connection.
pub struct Http {
    transport: reqwest::Client,
    options: HttpOptions,
    limits: Limits,
}

impl Http {
    /// A client.
    ///
    /// # Errors
    /// `Config` where the certificate file cannot be used.
    pub fn new(options: HttpOptions) -> Result<Self> {
        let transport = transport(&options.settings)?;
        let limits = Limits::new(options.settings.requests_per_second);
        Ok(Self { transport, options, limits })
    }

    /// Sends a request and reads its answer, again and again while that helps.
    ///
    /// # Errors
    /// What the connector's classification or `read` says; `Unavailable` where nobody answers.
    pub async fn call<T>(
        &self,
        request: &Request,
        read: impl Fn(&Answer) -> Result<T> + Send,
    ) -> Result<T> {
        let url = self.url(request)?;
        let host = url.host_str().unwrap_or_default();
        let span = trace::request(request.method.as_str(), host, &request.operation);
        let mut effort = Effort::default();
        let called = self.attempts(request, &url, read, &mut effort).instrument(span.clone()).await;
        effort.note(&span);
        called.inspect_err(|error| trace::failed(&span, error))
    }

    async fn attempts<T>(
        &self,
        request: &Request,
        url: &Url,
        read: impl Fn(&Answer) -> Result<T> + Send,
        effort: &mut Effort,
    ) -> Result<T> {
        let mut attempt = 1;
        let mut renewals = 0;
        let mut refused = None;
        loop {
            effort.waited += self.limits.wait(&request.scope).await;
            effort.sent += 1;
            let credentials = self.credentials(request).await?;
            let answered = self.once(request, url, &credentials).await;
            effort.status = answered.as_ref().ok().map(|answer| answer.status);
            let (error, pause) = match answered {
                Ok(answer) => match (self.options.classify)(&answer).and_then(|()| read(&answer)) {
                    Ok(value) => return Ok(value),
                    Err(error) if answer.status == StatusCode::UNAUTHORIZED && request.signed => {
                        // The token may have been revoked before its time: renew it, and go on
                        // with the same page. Whoever revokes tokens may do so again before a
                        // retry arrives; what cannot be renewed is refused for good.
                        let same = refused == Some(credentials.generation);
                        if same || renewals == MOST_RENEWALS {
                            return Err(error);
                        }
                        renewals += 1;
                        refused = Some(credentials.generation);
                        self.options.auth.renew(&request.scope, credentials.generation).await;
                        Meter::add_retry();
                        continue;
                    }
                    Err(error) => (error, (self.options.pause)(&answer)),
                },
                Err(error) => (error, PauseScope::Scope),
            };
            let Some(wait) = next_wait(&error, attempt, request.repeatable, &self.options.settings)
            else {
                return Err(error.after(attempt));
            };
            tracing::debug!(operation = %request.operation, attempt, ?wait, %error, "trying again");
            self.pause(request, &error, pause, wait, effort).await;
            attempt += 1;
        }
    }

    async fn credentials(&self, request: &Request) -> Result<Credentials> {
        if request.signed {
            self.options.auth.credentials(&request.scope).await
        } else {
            Ok(Credentials::default())
        }
    }

    /// A throttled answer closes the gate for everybody it is meant for; any other failure only
    /// delays this request.
    async fn pause(
        &self,
        request: &Request,
        error: &Error,
        pause: PauseScope,
        wait: Duration,
        effort: &mut Effort,
    ) {
        Meter::add_retry();
        if matches!(error.kind(), ErrorKind::RateLimited { .. }) {
            let scope = (pause == PauseScope::Scope).then_some(request.scope.as_str());
            self.limits.close(scope, wait);
        } else {
            tokio::time::sleep(wait).await;
            effort.waited += wait;
        }
    }

    async fn once(
        &self,
        request: &Request,
        url: &Url,
        credentials: &Credentials,
    ) -> Result<Answer> {
        let mut sending = self
            .transport
            .request(request.method.clone(), url.clone())
            .header(ACCEPT, "application/json");
        for (name, value) in &request.headers {
            sending = sending.header(*name, value);
        }
        for (name, value) in &credentials.headers {
            sending = sending.header(name, value);
        }
        if let Body::Json(json) = &request.body {
            sending = sending.header(CONTENT_TYPE, "application/json").body(json.clone());
        }
        let response = sending.send().await.map_err(|e| unreachable(&request.operation, &e))?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(|e| unreachable(&request.operation, &e))?;
        Meter::add_request(body.len() as u64);
        Ok(Answer { operation: request.operation.clone(), status, headers, body })
    }

    /// Where the request goes. A link that leads to another host is refused, signed or not: a
    /// token must never follow it, and neither must we.
    fn url(&self, request: &Request) -> Result<Url> {
        let base = &self.options.base;
        let mut url = base.join(&request.target).map_err(|error| {
            Error::new(
                ErrorKind::Protocol,
                &request.operation,
                format!("a link is no URL: {error}"),
            )
        })?;
        if url.origin() != base.origin() {
            let detail = format!(
                "a link leads to another host, {}, and was not followed (this connection is {})",
                url.origin().ascii_serialization(),
                base.origin().ascii_serialization()
            );
            return Err(Error::new(ErrorKind::Protocol, &request.operation, detail)
                .with_remedy("if a proxy rewrites links, let it keep the public host name"));
        }
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        Ok(url)
    }
}

/// What a request took, for its span.
#[derive(Default)]
struct Effort {
    sent: u32,
    waited: Duration,
    /// Of the last answer.
    status: Option<StatusCode>,
}

impl Effort {
    fn note(&self, span: &tracing::Span) {
        if let Some(status) = self.status {
            span.record("http.response.status_code", status.as_u16());
        }
        span.record("retries", self.sent.saturating_sub(1));
        span.record("waited_ms", u64::try_from(self.waited.as_millis()).unwrap_or(u64::MAX));
    }
}

/// The one place that makes a reqwest client: no redirects (a redirect of an API call leads to a
/// sign-in page), our time limits, and one more authority where the settings name one.
pub(crate) fn transport(settings: &HttpSettings) -> Result<reqwest::Client> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("linchpin/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .timeout(settings.timeout())
        .connect_timeout(Duration::from_secs(10));
    if let Some(path) = &settings.ca_file {
        let wrong = |why: String| {
            Error::new(
                ErrorKind::Config,
                "setting `http.ca_file`",
                format!("{}: {why}", path.display()),
            )
            .with_remedy("name a readable PEM file with the authority's certificate")
        };
        let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
        let authority = Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
        builder = builder.tls_certs_merge([authority]);
    }
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Config, "HTTP client", format!("cannot be made: {error}"))
    })
}

/// Nobody answered, or the answer was cut off. The URL is left out: it may hold a token.
pub(crate) fn unreachable(operation: &str, error: &reqwest::Error) -> Error {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the connection broke"
    };
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
    let mut reason = String::new();
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    let detail = if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") };
    Error::new(ErrorKind::Unavailable, operation, detail)
}
