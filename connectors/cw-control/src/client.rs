//! The HTTP client of a connection, and the one place where the extension's answers become errors.

use std::sync::Arc;

use core_connector::{Error, ErrorKind, Result};
use core_http::auth::FixedHeaders;
use core_http::{Answer, Http, HttpOptions, PauseScope, Request, base_url};
use http::header::{HeaderName, HeaderValue, ORIGIN};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::Config;

/// The call for the server's version, of which only a header counts.
pub(crate) const VERSION: &str = "GET /";

/// A server, and how its sessions are read.
pub(crate) struct Api {
    pub(crate) http: Http,
    /// The server's address; ends with a slash.
    pub(crate) base: Url,
    /// Where the extension answers, below the address.
    service: String,
    /// How sessions are read.
    pub(crate) reading: Reading,
}

/// How sessions are read.
pub(crate) struct Reading {
    /// Which sessions, in Control's filter language.
    pub(crate) filter: String,
    /// Index of the custom property with the customer's name.
    pub(crate) client: usize,
    /// Index of the custom property with the place.
    pub(crate) site: Option<usize>,
    /// The instance's id, lower case.
    pub(crate) instance: Option<String>,
}

impl Api {
    /// A client for these settings; nothing is sent.
    pub(crate) fn new(config: Config) -> Result<Self> {
        config.check()?;
        let base = base_url("url", &config.url, &config.http)?;
        let own_origin = base.origin().ascii_serialization();
        let origin = config.origin.as_deref().map(str::trim);
        let origin = origin.filter(|text| !text.is_empty()).unwrap_or(&own_origin);
        let auth = Arc::new(FixedHeaders::new(vec![
            (HeaderName::from_static("ctrlauthheader"), header("secret", config.secret.expose())?),
            (ORIGIN, header("origin", origin)?),
        ]));
        let http = Http::new(HttpOptions {
            base: base.clone(),
            settings: config.http,
            auth,
            classify,
            pause: |_| PauseScope::All,
        })?;
        let index = |property: u8| usize::from(property.saturating_sub(1));
        let reading = Reading {
            filter: config.session_filter.trim().to_owned(),
            client: index(config.client_property),
            site: config.site_property.map(index),
            instance: config.instance_id.map(|id| id.to_ascii_lowercase()),
        };
        let service = format!("App_Extensions/{}/Service.ashx/", config.extension_id);
        Ok(Self { http, base, service, reading })
    }

    /// A call of a method of the extension, not repeatable: parameters by position.
    pub(crate) fn method(&self, name: &str, parameters: &[Value]) -> Request {
        Request::post(format!("{}{name}", self.service))
            .named(name)
            .json(&Value::from(parameters.to_vec()))
    }
}

/// The id of a session, which is what agents are known by.
pub(crate) fn session_id(agent: &str) -> Result<Uuid> {
    Uuid::parse_str(agent.trim()).map_err(|_| {
        let detail = format!("`{agent}` is no id of a Control session");
        Error::new(ErrorKind::NotFound, "session", detail)
    })
}

fn header(setting: &str, value: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(value.trim()).map_err(|_| {
        let detail = "the value holds characters that no header may hold";
        Error::new(ErrorKind::Config, format!("setting `{setting}`"), detail)
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Problem {
    #[serde(default)]
    error_type: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

const NOT_INSTALLED: &str = "the RESTful API Manager extension is not installed there: install it \
    under Administration > Extensions, or correct `url`";

/// Turns an answer into an error.
fn classify(answer: &Answer) -> Result<()> {
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
    let words = problem.message.unwrap_or_else(|| answer.excerpt());
    let status = answer.status.as_u16();
    let kind_of_error = problem.error_type.map(|kind| format!(" ({kind})")).unwrap_or_default();
    let fail = |kind, remedy: &str| {
        let detail = format!("HTTP {status}: {words}{kind_of_error}");
        let error = Error::new(kind, &answer.operation, detail);
        Err(if remedy.is_empty() { error } else { error.with_remedy(remedy) })
    };
    let says = |text: &str| words.to_ascii_lowercase().contains(text);
    match status {
        _ if answer.operation == VERSION => Ok(()),
        200..=299 => Ok(()),
        300..=399 => fail(ErrorKind::Config, "the server sends us elsewhere: correct `url`"),
        401 => fail(
            ErrorKind::Auth,
            "set `secret` to the extension's RESTfulAuthenticationSecret, exactly as it is there",
        ),
        403 => fail(
            ErrorKind::Config,
            "set `origin` to the extension's RESTfulAllowedOrigin, exactly as it is there",
        ),
        404 => fail(ErrorKind::Config, NOT_INSTALLED),
        429 => fail(ErrorKind::RateLimited { retry_after: answer.retry_after() }, ""),
        500 if says("resource cannot be found") => fail(ErrorKind::Config, NOT_INSTALLED),
        500 if says("web method does not exist") => fail(
            ErrorKind::Config,
            "the extension is too old: update it to 1.0.8 or later (server 22.3 or later)",
        ),
        500 if says("unknown parameter") => fail(ErrorKind::Protocol, ""),
        408 | 500..=599 => fail(ErrorKind::Unavailable, ""),
        _ => fail(ErrorKind::Rejected, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(status: u16, body: &'static str) -> ErrorKind {
        refused(status, body).kind()
    }

    fn refused(status: u16, body: &'static str) -> Error {
        classify(&Answer {
            operation: "GetSessionsByFilter".into(),
            status: status.try_into().unwrap(),
            headers: http::header::HeaderMap::new(),
            body: body.into(),
        })
        .unwrap_err()
    }

    #[test]
    fn a_wrong_secret_and_a_wrong_origin_name_their_settings() {
        assert_eq!(kind(401, ""), ErrorKind::Auth);
        assert!(refused(401, "").remedy().contains("`secret`"));
        assert_eq!(kind(403, ""), ErrorKind::Config);
        assert!(refused(403, "").remedy().contains("`origin`"));
    }

    #[test]
    fn a_missing_extension_is_named() {
        for (status, body) in [
            (404, "<html>The resource cannot be found.</html>"),
            (500, r#"{"errorType":"HttpException","message":"The resource cannot be found."}"#),
        ] {
            assert_eq!(kind(status, body), ErrorKind::Config);
            let remedy = refused(status, body).remedy();
            assert!(remedy.contains("RESTful API Manager extension is not installed"), "{remedy}");
        }
    }

    #[test]
    fn a_500_is_read_before_it_is_believed_to_pass() {
        let old = r#"{"errorType":"InvalidOperationException","message":"Web method does not exist: X","detail":null}"#;
        assert_eq!(kind(500, old), ErrorKind::Config);
        assert!(refused(500, old).remedy().contains("too old"));
        let parameter = r#"{"errorType":"ArgumentException","message":"Unknown parameter: x"}"#;
        assert_eq!(kind(500, parameter), ErrorKind::Protocol);
        assert_eq!(kind(500, r#"{"errorType":"X","message":"busy"}"#), ErrorKind::Unavailable);
        assert!(
            refused(500, r#"{"errorType":"X","message":"busy"}"#).detail().contains("busy (X)")
        );
        assert_eq!(kind(503, ""), ErrorKind::Unavailable);
        assert_eq!(kind(429, ""), ErrorKind::RateLimited { retry_after: None });
    }
}
