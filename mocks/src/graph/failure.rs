//! Faults in the words of Graph, and the names of its listings.

use serde_json::json;
use uuid::Uuid;

use super::aadsts::Refusal;
use super::ask::is_option;
use super::cursor::{self, Round, Skip};
use super::tokens::{Refused, claimed_tenant};
use super::wire::{self, Problem};
use super::{route, rows, throttle, unauthorized};
use crate::faults::Fault;
use crate::vendor::{Call, Listing, Reply};

/// The page a gateway sends when nothing behind it answers.
const GATEWAY: &str = "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n\
     <body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n\
     <hr><center>Microsoft-Azure-Application-Gateway/v2</center>\r\n</body>\r\n</html>\r\n";
/// A sign-in page, as a captive portal or a proxy puts it in between.
const SIGN_IN_PAGE: &str = "<!DOCTYPE html>\r\n<html dir=\"ltr\" lang=\"en\">\r\n\
     <head><title>Sign in to your account</title></head>\r\n\
     <body><form action=\"/login\" method=\"post\"></form></body>\r\n</html>\r\n";

/// The listing that a call reads a page of. The directory is part of its name, so that a row that
/// is moved to a later page stays in its directory.
pub(super) fn listing(call: &Call) -> Option<Listing> {
    if call.method != "GET" {
        return None;
    }
    let (version, raw) = route::segments(&call.path)?;
    let lower: Vec<String> = raw.iter().map(|s| s.to_ascii_lowercase()).collect();
    let parts: Vec<&str> = lower.iter().map(String::as_str).collect();
    let lists = matches!(
        parts.as_slice(),
        ["users"
            | "groups"
            | "devices"
            | "organization"
            | "domains"
            | "contracts"
            | "subscriptions"]
            | ["users" | "groups" | "devices", "delta"]
            | [
                "users",
                _,
                "memberof" | "transitivememberof" | "registereddevices" | "owneddevices",
                ..
            ]
            | ["groups", _, "members" | "transitivemembers", ..]
            | ["devices", _, "registeredowners" | "registeredusers"]
            | ["devicemanagement", "manageddevices"]
            | ["directory", "deleteditems", _]
            | ["tenantrelationships", "delegatedadminrelationships" | "delegatedadmincustomers"]
    );
    if !lists {
        return None;
    }
    let token = call.query.iter().rev().find(|(n, _)| is_option(n, "skiptoken"));
    let page = token.map_or(1, |(_, token)| {
        let skip = cursor::open::<Skip>(token).map(|s| s.page);
        skip.or_else(|| cursor::open::<Round>(token).map(|r| r.page)).unwrap_or(1)
    });
    let mut name = format!("/{version}/{}", raw.join("/"));
    if let Some(tenant) = claimed_tenant(call.header("authorization")) {
        name.push_str(&format!("#{tenant}"));
    }
    Some(Listing { name, page, rows: rows() })
}

/// A fault as Graph or its sign-in service says it.
pub(super) fn reply(fault: Fault, call: &Call, sign_in: bool) -> Reply {
    match fault {
        Fault::Unavailable => html(503, GATEWAY),
        Fault::HtmlPage => html(200, SIGN_IN_PAGE),
        fault if sign_in => sign_in_reply(fault, call),
        Fault::EmptyList => {
            let context = format!("{}/v1.0/$metadata#directoryObjects", call.base);
            wire::dress(wire::tree(200, &json!({"@odata.context": context, "value": []})), call, 1)
        }
        Fault::ErrorBody => {
            let problem = Problem::new(200, "UnknownError", "An unknown error has occurred.");
            wire::dress(problem.reply(call), call, 1)
        }
        fault => wire::dress(problem(fault, call).reply(call), call, 1),
    }
}

fn problem(fault: Fault, call: &Call) -> Problem {
    let tenant = claimed_tenant(call.header("authorization")).unwrap_or(Uuid::nil());
    let throttled = |seconds| throttle::too_many(seconds, Uuid::nil(), tenant);
    match fault {
        Fault::Throttled => throttled(Some("1")),
        Fault::ThrottledDecimal => throttled(Some("1.128")),
        Fault::ThrottledBare => throttled(None),
        Fault::TokenRevoked => unauthorized(Refused::Revoked, call),
        Fault::Forbidden => Problem::denied(),
        Fault::NotFound => Problem::missing(call.path.rsplit('/').next().unwrap_or_default()),
        Fault::Gone => {
            let location = format!("{}{}?$deltatoken=", call.base, call.path);
            let message =
                "The sync state generation is not valid: a full synchronization is needed.";
            Problem::new(410, "resyncRequired", message).with_header("location", &location)
        }
        Fault::DeltaExpired => Problem::sync_state_not_found(),
        _ => Problem::new(500, "UnknownError", "An internal server error has occurred."),
    }
}

fn sign_in_reply(fault: Fault, call: &Call) -> Reply {
    let seconds = match fault {
        Fault::Throttled => Some("1"),
        Fault::ThrottledDecimal => Some("1.128"),
        _ => None,
    };
    match fault {
        Fault::Throttled | Fault::ThrottledDecimal | Fault::ThrottledBare => {
            let text = "The authentication failed since the request rate is too high.";
            let reply = Refusal::new(90_055, "temporarily_unavailable", text).reply(call);
            match seconds {
                Some(seconds) => reply.with_header("retry-after", seconds),
                None => reply,
            }
        }
        Fault::TokenRevoked => Refusal::refresh_token().reply(call),
        Fault::Forbidden | Fault::Gone | Fault::DeltaExpired => {
            Refusal::no_app("(unknown)", "(unknown)").reply(call)
        }
        Fault::NotFound => Refusal::no_tenant("(unknown)").reply(call),
        _ => {
            let text = "A transient error has occurred. Please try again.";
            let mut reply = Refusal::new(90_033, "server_error", text).reply(call);
            reply.status = 500;
            reply
        }
    }
}

fn html(status: u16, page: &str) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
        body: page.as_bytes().to_vec(),
    }
}
