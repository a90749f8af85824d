//! What goes wrong, in Control's shape: `{"errorType","message","detail"}`.

use serde_json::json;

use crate::faults::Fault;
use crate::vendor::Reply;

/// A call that cannot be answered.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) status: u16,
    kind: &'static str,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(status: u16, kind: &'static str, message: &str) -> Self {
        Self { status, kind, message: message.into() }
    }

    /// 500: an argument is missing, null or of the wrong kind.
    pub(super) fn argument(message: &str) -> Self {
        Self::new(500, "ArgumentException", message)
    }

    /// 500 for a method that the service does not have.
    pub(super) fn no_method() -> Self {
        Self::new(500, "InvalidOperationException", "Web method does not exist")
    }

    /// 401. Never without a body: a common client trims its text unseen.
    pub(super) fn unauthorized() -> Self {
        Self::new(401, "UnauthorizedAccessException", "Authentication failed")
    }

    /// 404 where there is no such extension; ASP.NET's page, not the service's JSON.
    pub(super) fn not_found() -> Self {
        Self::new(404, "", "The resource cannot be found.")
    }

    pub(super) fn reply(&self) -> Reply {
        if self.status == 404 {
            return html(404, &self.message);
        }
        let body = json!({ "errorType": self.kind, "message": self.message, "detail": null });
        Reply::json(self.status, &body)
    }
}

/// The answer in place of the real one. Faults that only alter a good answer are the server's
/// work; asked for one of those, this gives the plain server error.
pub(super) fn reply(fault: Fault) -> Reply {
    match fault {
        Fault::Throttled => throttled().with_header("retry-after", "1"),
        Fault::ThrottledDecimal => throttled().with_header("retry-after", "1.128"),
        Fault::ThrottledBare => throttled(),
        Fault::Unavailable => html(503, "Service Unavailable"),
        Fault::TokenRevoked => Problem::unauthorized().reply(),
        Fault::Forbidden => {
            Problem::new(403, "UnauthorizedAccessException", "Origin is not allowed").reply()
        }
        Fault::NotFound => Problem::not_found().reply(),
        Fault::Gone => html(410, "The resource is no longer available."),
        Fault::HtmlPage => html(200, "ScreenConnect Login"),
        Fault::EmptyList => Reply::json(200, &json!([])),
        Fault::ErrorBody => {
            let body = json!({
                "errorType": "TimeoutException",
                "message": "The operation has timed out.",
                "detail": null,
            });
            Reply::json(200, &body)
        }
        Fault::ServerError
        | Fault::DeltaExpired
        | Fault::ConnectionCut
        | Fault::TruncatedBody
        | Fault::NextMissing
        | Fault::NextSelf
        | Fault::NextForeign
        | Fault::DuplicateRow
        | Fault::MovedRow
        | Fault::Slow
        | Fault::UnknownFields
        | Fault::Nulls => {
            let message = "Object reference not set to an instance of an object.";
            Problem::new(500, "NullReferenceException", message).reply()
        }
    }
}

fn throttled() -> Reply {
    Problem::new(429, "ThrottledException", "Too many requests").reply()
}

fn html(status: u16, title: &str) -> Reply {
    let body = format!(
        "<!DOCTYPE html>\r\n<html><head><title>{title}</title></head>\
         <body><h1>{title}</h1></body></html>\r\n"
    );
    Reply {
        status,
        headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
        body: body.into_bytes(),
    }
}
