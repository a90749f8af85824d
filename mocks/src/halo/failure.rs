//! Halo's own way to say that a call went wrong: mostly by saying nothing.

use serde_json::json;

use super::{query, route, wire};
use crate::faults::Fault;
use crate::vendor::{Call, Reply, Rows};

/// The page that a proxy shows to who is not signed in.
const SIGN_IN: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>Sign in</title></head><body>\
    <form method=\"post\" action=\"/auth/account/login\"><input name=\"username\">\
    <input name=\"password\" type=\"password\"><button>Sign in</button></form></body></html>\n";

/// The answer for a fault. What only changes rows or the connection is not Halo's to say; it
/// answers those with 500.
pub(super) fn reply(fault: Fault, call: &Call) -> Reply {
    match fault {
        Fault::Throttled => wire::too_many(300).with_header("retry-after", "1"),
        Fault::ThrottledDecimal => wire::too_many(300).with_header("retry-after", "1.128"),
        Fault::ThrottledBare => wire::too_many(300),
        Fault::Unavailable => wire::gateway(),
        Fault::TokenRevoked => Reply::empty(401),
        Fault::Forbidden => Reply::empty(403),
        Fault::NotFound => Reply::empty(404),
        Fault::Gone => Reply::empty(410),
        Fault::DeltaExpired => wire::sentence("Token is required"),
        Fault::HtmlPage => wire::html(200, SIGN_IN),
        Fault::EmptyList => empty(call),
        Fault::ErrorBody => {
            let message = "An error occurred while processing your request.";
            Reply::json(200, &json!({ "resultCode": 500, "errorMessage": message }))
        }
        _ => Reply::empty(500),
    }
}

/// The listing of the call without rows.
fn empty(call: &Call) -> Reply {
    match route::listing(call).map(|listing| listing.rows) {
        Some(Rows::Key(key)) => {
            let query = query::Query::of(call);
            let window = query::Window::of(query);
            let window = window.unwrap_or(query::Window::Head { rows: 0, total: false });
            super::entity::envelope(query, window, &key, 0, Vec::new())
        }
        _ => Reply::json(200, &json!([])),
    }
}
