//! Errors as they are answered: `application/problem+json` (RFC 9457) with a remedy.

use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use core_store::{EnrolmentToken, NotificationKey, RunnerKey, SignInKey, Token};
use serde_json::{Value, json};

use crate::Unanswered;

/// Characters of somebody's text that are given back.
const SHOWN: usize = 80;

/// Why something is not answered. Nothing in it comes from the store but what the caller may see.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    kind: &'static str,
    title: &'static str,
    detail: String,
    remedy: String,
    /// The same one by one, where there are several.
    problems: Vec<Value>,
}

impl Problem {
    fn new(
        (status, kind, title): (StatusCode, &'static str, &'static str),
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            title,
            detail: detail.into(),
            remedy: remedy.into(),
            problems: Vec::new(),
        }
    }

    /// The request cannot mean anything.
    pub(crate) fn wrong(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new((StatusCode::BAD_REQUEST, "bad-request", "The request is wrong"), detail, remedy)
    }

    /// Nobody says who asks, or nobody who is known: which of it is not told.
    pub(crate) fn unknown_caller() -> Self {
        Self::new(
            (StatusCode::UNAUTHORIZED, "unauthorized", "Nobody who is known asks"),
            "no token and no session that holds came with the request",
            "send `Authorization: Bearer TOKEN` with a token of `linchpin token create`, or sign in; \
             it may also have expired or been revoked",
        )
    }

    /// Whoever asks may not.
    pub(crate) fn forbidden(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new((StatusCode::FORBIDDEN, "forbidden", "Not with this role"), detail, remedy)
    }

    /// A browser may have sent it for another site's page.
    pub(crate) fn other_site() -> Self {
        Self::new(
            (StatusCode::FORBIDDEN, "other-site", "Not from there"),
            "the request does not show that a page of the hub sent it",
            "reload the page and try again; a program sends a token of `linchpin token create` \
             instead of a cookie",
        )
    }

    /// A code for a framed page that counts no more, or never did.
    pub(crate) fn no_code() -> Self {
        Self::new(
            (StatusCode::FORBIDDEN, "no-code", "Not with this code"),
            "the code is unknown, was used, or is older than a minute",
            "sign in again",
        )
    }

    /// Too many sign-ins were refused.
    pub(crate) fn too_often() -> Self {
        Self::new(
            (StatusCode::TOO_MANY_REQUESTS, "too-often", "Too many tries"),
            "too many sign-ins were refused for this name or from this address",
            "wait a quarter of an hour; `linchpin audit --action sign-in` shows who tried",
        )
    }

    /// Too many links that nobody was sent.
    pub(crate) fn too_strange() -> Self {
        Self::new(
            (StatusCode::TOO_MANY_REQUESTS, "too-often", "Too many tries"),
            "too many links that lead nowhere came from this address",
            "wait a minute, and use the link of the mail as it is",
        )
    }

    /// No runner, or no enrolment token, of this hub.
    pub(crate) fn no_runner(detail: impl Into<String>) -> Self {
        Self::new(
            (StatusCode::UNAUTHORIZED, "unauthorized", "The runner is not known"),
            detail,
            "`linchpin runners` lists those that are; `linchpin agent enrol` makes a machine one",
        )
    }

    /// There are too many of them.
    pub(crate) fn crowded(detail: &str) -> Self {
        let kind = (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now");
        Self::new(kind, detail, "try again in a moment")
    }

    /// It contradicts what there is.
    pub(crate) fn conflict(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new((StatusCode::CONFLICT, "conflict", "It cannot be so now"), detail, remedy)
    }

    /// There is none, or it is not for the caller: which of it is not told.
    pub(crate) fn missing(word: &str, id: &str) -> Self {
        Self::new(
            (StatusCode::NOT_FOUND, "not-found", "There is no such thing"),
            format!("there is no {word} `{}`", shown(id)),
            "check the id, and which tenants you may see",
        )
    }

    /// There is no such place in the log.
    pub(crate) fn gone(detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let kind = (StatusCode::NOT_FOUND, "not-found", "There is no such thing");
        Self::new(kind, detail, remedy)
    }

    /// There is no such path.
    pub(crate) fn no_path() -> Self {
        Self::new(
            (StatusCode::NOT_FOUND, "no-path", "There is no such path"),
            "nothing is served at this path",
            "see /v1/openapi.json for every path there is",
        )
    }

    /// The path is there, and that method is not.
    pub(crate) fn wrong_method() -> Self {
        Self::new(
            (StatusCode::METHOD_NOT_ALLOWED, "wrong-method", "Not with this method"),
            "this path does not take this method",
            "use a method that the `Allow` header of this answer names",
        )
    }

    /// More was sent than is taken.
    pub(crate) fn too_large(limit: u64) -> Self {
        Self::new(
            (StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The request is too large"),
            format!("a request's body may have {limit} bytes"),
            "send less",
        )
    }

    /// Whoever sent it did not prove to be who may.
    pub(crate) fn stranger() -> Self {
        Self::new(
            (StatusCode::UNAUTHORIZED, "unauthorized", "The sender is not known"),
            "nothing with the request proves that the system of a connection sent it",
            "set `webhook_secret` of the connection, and have the system show it; the path ends with \
             the connection's name",
        )
    }

    /// It could not be answered now.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(
            (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now"),
            detail,
            "try again in a moment; /readyz says how the hub is",
        )
    }

    /// It could not be answered, and the log says why.
    pub(crate) fn fault() -> Self {
        Self::new(
            (StatusCode::INTERNAL_SERVER_ERROR, "fault", "The hub failed"),
            "the question could not be answered; the hub's log says why",
            "look into the log of `linchpin serve`",
        )
    }
}

/// What somebody sent, as far as it is given back: never a token that went astray.
pub(crate) fn shown(text: &str) -> String {
    let prefixes = [
        Token::PREFIX,
        SignInKey::PREFIX,
        EnrolmentToken::PREFIX,
        RunnerKey::PREFIX,
        NotificationKey::PREFIX,
    ];
    if prefixes.into_iter().any(|prefix| text.contains(prefix)) {
        return "(a token)".to_owned();
    }
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}

impl From<core_store::Error> for Problem {
    fn from(error: core_store::Error) -> Self {
        tracing::error!(%error, remedy = error.remedy(), "the store did not answer");
        match error {
            core_store::Error::Unavailable { .. } => {
                Self::unavailable("the database does not answer")
            }
            _ => Self::fault(),
        }
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        tracing::error!(%error, "a stored document cannot be read");
        Self::fault()
    }
}

impl From<Unanswered> for Problem {
    fn from(unanswered: Unanswered) -> Self {
        if unanswered.missing {
            let what = (StatusCode::NOT_FOUND, "not-found", "There is no such thing");
            return Self::new(what, unanswered.what, unanswered.remedy);
        }
        if unanswered.wrong || unanswered.held {
            let problem = match unanswered.wrong {
                true => Self::wrong(unanswered.what, unanswered.remedy),
                false => Self::conflict(unanswered.what, unanswered.remedy),
            };
            return Self { problems: unanswered.problems, ..problem };
        }
        tracing::error!(error = unanswered.what, remedy = unanswered.remedy, "no answer");
        Self::fault()
    }
}

impl Problem {
    /// The status that it is answered with.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Title, detail and remedy, for a page.
    pub(crate) fn words(&self) -> [&str; 3] {
        [self.title, &self.detail, &self.remedy]
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": format!("urn:linchpin:problem:{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "remedy": self.remedy,
        });
        if !self.problems.is_empty() {
            body["problems"] = self.problems.into();
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"linchpin\"");
            headers.insert(WWW_AUTHENTICATE, scheme);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("900"));
        }
        (self.status, headers, body.to_string()).into_response()
    }
}
