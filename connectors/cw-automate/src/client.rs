//! The HTTP client of a connection, and the one place where Automate's answers become errors.

use std::sync::Arc;

use core_connector::{Error, ErrorKind, Result};
use core_http::{Answer, Http, HttpOptions, PauseScope, Request, base_url};
use serde::Deserialize;

use crate::Config;
use crate::check::permission_for;
use crate::sign_in::SignIn;

/// What every path of the API begins with.
pub(crate) const ROOT: &str = "cwa/api/v1/";

/// A server, signed in to.
pub(crate) struct Api {
    pub(crate) http: Http,
    /// Whom the API knows us as.
    pub(crate) username: String,
    /// Rows asked for per page.
    pub(crate) page_size: u64,
}

impl Api {
    /// A client for these settings; nothing is sent.
    pub(crate) fn new(config: Config) -> Result<Self> {
        config.check()?;
        let base = base_url("url", &config.url, &config.http)?;
        let username = config.username.trim().to_owned();
        let page_size = u64::from(config.page_size);
        let settings = config.http.clone();
        let auth = Arc::new(SignIn::new(config, &base)?);
        let http = Http::new(HttpOptions { base, settings, auth, classify, pause })?;
        Ok(Self { http, username, page_size })
    }
}

/// A read below the API's root.
pub(crate) fn get(path: &str) -> Request {
    Request::get(format!("{ROOT}{path}"))
}

/// A throttled answer is the server's, whoever asked.
pub(crate) fn pause(_: &Answer) -> PauseScope {
    PauseScope::All
}

/// Turns an answer into an error.
fn classify(answer: &Answer) -> Result<()> {
    let status = answer.status.as_u16();
    let fail = |kind| Err(Error::new(kind, &answer.operation, reason(answer)));
    match status {
        200..=299 => Ok(()),
        300..=399 => fail(ErrorKind::Config).map_err(|error: Error| {
            error.with_remedy("the server sends us elsewhere: correct the address in `url`")
        }),
        401 => fail(ErrorKind::Auth).map_err(|error: Error| {
            error.with_remedy(
                "the server refuses a token it has just given: check that `client_id` is a valid \
                 integrator id and that the user in `username` is not locked",
            )
        }),
        403 => fail(ErrorKind::Forbidden).map_err(|error: Error| {
            let permission = permission_for(&answer.operation);
            error.with_remedy(format!("grant `{permission}` to a user class of the API's user"))
        }),
        404 if answer.is_html() => fail(ErrorKind::Config).map_err(|error: Error| {
            error.with_remedy("there is no Automate API at this address: correct `url`")
        }),
        404 => fail(ErrorKind::NotFound),
        429 => fail(ErrorKind::RateLimited { retry_after: answer.retry_after() }),
        // Automate answers 500 for what passes at the next attempt.
        408 | 500..=599 => fail(ErrorKind::Unavailable),
        _ => fail(ErrorKind::Rejected),
    }
}

#[derive(Default, Deserialize)]
struct Problem {
    #[serde(default, alias = "Message")]
    message: Option<String>,
    #[serde(default, alias = "Errors")]
    errors: Option<Vec<Problem>>,
}

/// What the server says is wrong: its own words where it finds some, else the start of the body.
pub(crate) fn reason(answer: &Answer) -> String {
    let status = answer.status.as_u16();
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
    let further = problem.errors.unwrap_or_default().into_iter().filter_map(|one| one.message);
    let words: Vec<String> = problem.message.into_iter().chain(further).collect();
    if words.is_empty() {
        format!("HTTP {status}: {}", answer.excerpt())
    } else {
        format!("HTTP {status}: {}", words.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        Answer {
            operation: "GET /cwa/api/v1/Computers".into(),
            status: status.try_into().unwrap(),
            headers: http::header::HeaderMap::new(),
            body: body.into(),
        }
    }

    #[test]
    fn each_status_has_its_kind() {
        for (status, body, kind) in [
            (302, "", ErrorKind::Config),
            (400, r#"{"Message":"no such field"}"#, ErrorKind::Rejected),
            (401, "", ErrorKind::Auth),
            (403, "", ErrorKind::Forbidden),
            (404, "<html>IIS</html>", ErrorKind::Config),
            (404, r#"{"Message":"none"}"#, ErrorKind::NotFound),
            (429, "", ErrorKind::RateLimited { retry_after: None }),
            (500, "", ErrorKind::Unavailable),
            (503, "", ErrorKind::Unavailable),
        ] {
            assert_eq!(classify(&answer(status, body)).unwrap_err().kind(), kind, "{status}");
        }
        assert!(classify(&answer(204, "")).is_ok());
    }

    #[test]
    fn the_words_of_the_server_are_passed_on_in_either_spelling() {
        let detail = |body| classify(&answer(400, body)).unwrap_err().detail().to_owned();
        assert_eq!(detail(r#"{"Message":"bad condition"}"#), "HTTP 400: bad condition");
        let long = r#"{"code":"Invalid","message":"no","errors":[{"message":"Id"}]}"#;
        assert_eq!(detail(long), "HTTP 400: no; Id");
        assert_eq!(detail("plain words"), "HTTP 400: plain words");
    }

    #[test]
    fn a_forbidden_list_names_the_permission() {
        let error = classify(&answer(403, "")).unwrap_err();
        assert!(error.remedy().contains("Computers.Show All"), "{}", error.remedy());
    }
}
