//! The one way to Graph: every request is signed for its directory and marked as background work,
//! and one function says what an answer that is no data means.

use std::sync::Arc;

use core_connector::{Error, ErrorKind, KeepSecret, Result};
use core_http::auth::{OAuth, Token};
use core_http::{Answer, Http, HttpOptions, PauseScope, Request};

use crate::config::Access;
use crate::permissions::need_of;
use crate::signin;
use crate::wire::Failure;

/// A client of Graph.
pub(crate) struct Graph {
    http: Http,
    auth: Arc<OAuth>,
    base: String,
}

impl Graph {
    /// A client.
    pub(crate) fn new(access: Access, keep: Option<Arc<dyn KeepSecret>>) -> Result<Self> {
        let (base, settings) = (access.base.clone(), access.http.clone());
        let text = base.as_str().to_owned();
        let auth = Arc::new(signin::authorizer(access, keep)?);
        let signs = Arc::clone(&auth);
        let http = Http::new(HttpOptions { base, settings, auth: signs, classify, pause })?;
        Ok(Self { http, auth, base: text })
    }

    /// Graph's address with its version: a link from another one is of no use here.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The token that requests to a directory are signed with.
    pub(crate) async fn token(&self, directory: &str) -> Result<Token> {
        self.auth.token_of(directory).await
    }

    /// Reads a path or a link in a directory. `operation` is its name in errors: links hold
    /// tokens. Background work is marked as such on every page; links do not carry headers.
    pub(crate) async fn get<T>(
        &self,
        directory: &str,
        target: &str,
        operation: &str,
        read: impl Fn(&Answer) -> Result<T> + Send,
    ) -> Result<T> {
        self.send(directory, Request::get(target).named(operation), read).await
    }

    /// Sends a request to a directory.
    pub(crate) async fn send<T>(
        &self,
        directory: &str,
        request: Request,
        read: impl Fn(&Answer) -> Result<T> + Send,
    ) -> Result<T> {
        let request = request.scope(directory).header("x-ms-throttle-priority", "low");
        self.http.call(&request, read).await
    }
}

/// A throttle that is meant for the application stops every directory, any other one its own.
fn pause(answer: &Answer) -> PauseScope {
    let scope = answer.header("x-ms-throttle-scope").unwrap_or_default();
    if scope.trim_start().to_ascii_lowercase().starts_with("application/") {
        PauseScope::All
    } else {
        PauseScope::Scope
    }
}

/// What an answer means that is no data.
fn classify(answer: &Answer) -> Result<()> {
    let status = answer.status.as_u16();
    if (200..300).contains(&status) {
        return Ok(());
    }
    let failure = Failure::read(answer);
    let (kind, remedy) = meaning(answer, &failure);
    let detail = format!("HTTP {status}: {}", failure.text(answer));
    let error = Error::new(kind, &answer.operation, detail);
    Err(match remedy {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    })
}

fn meaning(answer: &Answer, failure: &Failure) -> (ErrorKind, Option<String>) {
    let says = |words: &str| failure.says(words);
    if says("request not applicable to target tenant") || says("applifecycle_2210") {
        let remedy = "nothing to do: this directory has no licence for it";
        return (ErrorKind::NotOffered, Some(remedy.to_owned()));
    }
    match answer.status.as_u16() {
        400 | 410 if failure.is_lost_place() => (ErrorKind::CheckpointExpired, None),
        410 => (ErrorKind::CheckpointExpired, None),
        401 if says("authorization_identitynotfound") => forbidden(answer),
        401 => {
            let remedy = "check `tenant_id`, `client_id` and the credentials, then run \
                          `linchpin check`";
            (ErrorKind::Auth, Some(remedy.to_owned()))
        }
        403 => forbidden(answer),
        404 => (ErrorKind::NotFound, None),
        429 => (ErrorKind::RateLimited { retry_after: answer.retry_after() }, None),
        _ if says("request_throttledtemporarily") => {
            let retry_after = answer.retry_after().or_else(|| failure.seconds_asked_for());
            (ErrorKind::RateLimited { retry_after }, None)
        }
        // A wait that is asked for is kept, whatever the reason.
        503 if answer.retry_after().is_some() => {
            (ErrorKind::RateLimited { retry_after: answer.retry_after() }, None)
        }
        408 | 500 | 502..=504 => (ErrorKind::Unavailable, None),
        300..=399 => {
            let remedy = "check `graph_url`: Graph does not redirect, a proxy may stand before it";
            (ErrorKind::Protocol, Some(remedy.to_owned()))
        }
        _ => (ErrorKind::Rejected, None),
    }
}

fn forbidden(answer: &Answer) -> (ErrorKind, Option<String>) {
    let remedy = need_of(&answer.operation).map_or_else(
        || "let an admin of this directory consent to the application again".to_owned(),
        |need| {
            format!(
                "grant the application `{}` and let an admin of this directory consent to it \
                 (with a partner user: his GDAP role must cover it too); without it {}",
                need.permission, need.costs
            )
        },
    );
    (ErrorKind::Forbidden, Some(remedy))
}
