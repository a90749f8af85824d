//! Automate's own shape of everything that can be made to go wrong.
//!
//! Faults that only alter a good answer (a cut connection, a doubled row ...) are the server's
//! work; asked for one of those, this gives the plain server error.

use serde_json::json;

use super::problem::Problem;
use crate::faults::Fault;
use crate::vendor::Reply;

/// The answer in place of the real one.
pub(super) fn reply(fault: Fault) -> Reply {
    match fault {
        Fault::Throttled => throttled().with_header("retry-after", "1"),
        Fault::ThrottledDecimal => throttled().with_header("retry-after", "1.128"),
        Fault::ThrottledBare => throttled(),
        Fault::Unavailable => html(503, "Service Unavailable", "HTTP Error 503."),
        Fault::TokenRevoked => Problem::unauthorized("The access token is not valid.").reply(),
        Fault::Forbidden => problem(403, "You do not have permission to perform this action."),
        Fault::NotFound => Problem::no_resource().reply(),
        Fault::Gone => problem(410, "The requested resource is no longer available."),
        Fault::DeltaExpired => problem(400, "The request is invalid."),
        Fault::HtmlPage => html(200, "ConnectWise Automate - Sign In", "Please sign in."),
        Fault::EmptyList => Reply::json(200, &json!([])).with_header("total-count", "0"),
        Fault::ErrorBody => Reply::json(200, &json!({ "Message": "An error has occurred." })),
        Fault::ServerError
        | Fault::ConnectionCut
        | Fault::TruncatedBody
        | Fault::NextMissing
        | Fault::NextSelf
        | Fault::NextForeign
        | Fault::DuplicateRow
        | Fault::MovedRow
        | Fault::Slow
        | Fault::UnknownFields
        | Fault::Nulls => problem(500, "An error has occurred."),
    }
}

fn problem(status: u16, message: &str) -> Reply {
    Problem { status, message: message.into() }.reply()
}

fn throttled() -> Reply {
    problem(429, "Too many requests.")
}

fn html(status: u16, title: &str, text: &str) -> Reply {
    let body = format!(
        "<!DOCTYPE html>\r\n<html><head><title>{title}</title></head>\
         <body><h2>{title}</h2><p>{text}</p></body></html>\r\n"
    );
    Reply {
        status,
        headers: vec![("content-type".into(), "text/html; charset=us-ascii".into())],
        body: body.into_bytes(),
    }
}
