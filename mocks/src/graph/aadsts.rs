//! Errors of the sign-in service.

use chrono::Utc;
use serde_json::json;
use uuid::Uuid;

use crate::vendor::{Call, Reply};

/// A refused sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The number after `AADSTS`.
    pub(super) code: u32,
    /// `error`.
    pub(super) error: &'static str,
    /// `suberror`.
    pub(super) suberror: Option<&'static str>,
    /// The text after the code.
    pub(super) text: String,
}

impl Refusal {
    /// A refusal without a suberror.
    pub(super) fn new(code: u32, error: &'static str, text: impl Into<String>) -> Self {
        Self { code, error, suberror: None, text: text.into() }
    }

    /// A parameter is missing.
    pub(super) fn missing(parameter: &str) -> Self {
        Self::new(
            900_144,
            "invalid_request",
            format!("The request body must contain the following parameter: '{parameter}'."),
        )
    }

    /// The tenant does not exist.
    pub(super) fn no_tenant(tenant: &str) -> Self {
        Self::new(
            90_002,
            "invalid_request",
            format!(
                "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and \
                 are signing into the correct cloud. Check with your subscription administrator, \
                 this may happen if there are no active subscriptions for the tenant."
            ),
        )
    }

    /// The app is not known in the directory.
    pub(super) fn no_app(app: &str, directory: &str) -> Self {
        Self::new(
            700_016,
            "unauthorized_client",
            format!(
                "Application with identifier '{app}' was not found in the directory '{directory}'. \
                 This can happen if the application has not been installed by the administrator of \
                 the tenant or consented to by any user in the tenant. You may have sent your \
                 authentication request to the wrong tenant."
            ),
        )
    }

    /// The assertion is not good.
    pub(super) fn assertion(why: &str) -> Self {
        Self::new(700_027, "invalid_client", format!("Client assertion failed validation. {why}"))
    }

    /// The refresh token is not good (any more).
    pub(super) fn refresh_token() -> Self {
        Self::new(
            700_082,
            "invalid_grant",
            "The refresh token has expired due to inactivity. The token was issued on \
             2025-01-01T00:00:00.0000000Z and was inactive for 90.00:00:00.",
        )
    }

    /// 401 for a bad client, 429 where throttled, else 400.
    fn status(&self) -> u16 {
        match (self.error, self.code) {
            ("invalid_client", _) => 401,
            ("temporarily_unavailable", _) => 429,
            _ => 400,
        }
    }

    /// The answer that carries it.
    pub(super) fn reply(&self, call: &Call) -> Reply {
        let trace = Uuid::new_v4();
        let correlation = call
            .header("client-request-id")
            .and_then(|id| id.parse().ok())
            .unwrap_or_else(Uuid::new_v4);
        let at = Utc::now().format("%Y-%m-%d %H:%M:%SZ").to_string();
        let description = format!(
            "AADSTS{}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {at}",
            self.code, self.text
        )
        .replace(" Trace ID:", "\r\nTrace ID:")
        .replace(" Correlation ID:", "\r\nCorrelation ID:")
        .replace(" Timestamp:", "\r\nTimestamp:");
        let mut body = json!({
            "error": self.error,
            "error_description": description,
            "error_codes": [self.code],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("{}/error?code={}", call.base, self.code),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = json!(suberror);
        }
        dressed(Reply::json(self.status(), &body), trace)
    }
}

/// Adds the headers of the sign-in service.
pub(super) fn dressed(reply: Reply, trace: Uuid) -> Reply {
    reply
        .with_header("cache-control", "no-store, no-cache")
        .with_header("pragma", "no-cache")
        .with_header("x-ms-request-id", &trace.to_string())
}
