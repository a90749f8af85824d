//! `$batch`: up to twenty calls in one, each answered and throttled by itself.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};
use url::form_urlencoded;

use super::wire::{self, Problem};
use crate::vendor::{Call, Reply};

/// The most calls in a batch.
const MOST: usize = 20;

/// Answers a batch; `serve` answers one call of it.
pub(super) fn answer(call: &Call, serve: &dyn Fn(&Call) -> Reply) -> Result<Reply, Problem> {
    if call.method != "POST" {
        return Err(Problem::method());
    }
    let body: Value = serde_json::from_slice(&call.body)
        .map_err(|_| Problem::new(400, "BadRequest", "Unable to read JSON request payload."))?;
    let requests = body["requests"]
        .as_array()
        .ok_or_else(|| Problem::new(400, "BadRequest", "The 'requests' property is missing."))?;
    if requests.len() > MOST {
        let message = format!("Number of batch request steps exceeds the maximum value of {MOST}.");
        return Err(Problem::new(400, "MaximumValueExceeded", message));
    }
    let mut ids = HashSet::new();
    for request in requests {
        let id = id_of(request)
            .ok_or_else(|| Problem::new(400, "BadRequest", "Every request needs an 'id'."))?;
        if !ids.insert(id.to_lowercase()) {
            let message = format!("The id '{id}' is used more than once.");
            return Err(Problem::new(400, "BadRequest", message));
        }
    }
    let mut status: HashMap<String, u16> = HashMap::new();
    let mut responses = Vec::new();
    for request in requests {
        let id = id_of(request).unwrap_or_default();
        let failed = depends_on(request).iter().any(|d| status.get(d).is_none_or(|s| *s >= 400));
        let reply = if failed {
            let message = "The request depends on one that failed.";
            Problem::new(424, "FailedDependency", message).reply(call)
        } else {
            item(call, request, serve)
        };
        status.insert(id.to_lowercase(), reply.status);
        responses.push(response(&id, &reply));
    }
    // The real service answers in any order; this one in the opposite, so that nobody relies on it.
    responses.reverse();
    Ok(wire::tree(200, &json!({"responses": responses})))
}

fn id_of(request: &Value) -> Option<String> {
    match &request["id"] {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

fn depends_on(request: &Value) -> Vec<String> {
    let ids = request["dependsOn"].as_array().into_iter().flatten();
    ids.filter_map(Value::as_str).map(str::to_lowercase).collect()
}

/// The call that an item stands for: under the version of the batch, with its headers on top.
fn item(outer: &Call, request: &Value, serve: &dyn Fn(&Call) -> Reply) -> Reply {
    let url = request["url"].as_str().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let version = outer.path.trim_start_matches('/').split('/').next().unwrap_or("v1.0");
    let path = format!("/{version}/{}", path.trim_start_matches('/'));
    let mut headers: Vec<(String, String)> = outer
        .headers
        .iter()
        .filter(|(n, _)| matches!(n.as_str(), "authorization" | "host" | "client-request-id"))
        .cloned()
        .collect();
    for (name, value) in request["headers"].as_object().into_iter().flatten() {
        let name = name.to_ascii_lowercase();
        headers.retain(|(n, _)| *n != name);
        headers.push((name, value.as_str().map_or_else(|| value.to_string(), Into::into)));
    }
    let body = &request["body"];
    let inner = Call {
        method: request["method"].as_str().unwrap_or("GET").to_ascii_uppercase(),
        path: decode(&path),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers,
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
        base: outer.base.clone(),
    };
    if !inner.body.is_empty() && inner.header("content-type").is_none() {
        let message = "Write request id : has a body but no Content-Type header.";
        return Problem::new(400, "BadRequest", message).reply(outer);
    }
    if inner.path.to_ascii_lowercase().ends_with("/$batch") {
        let message = "A batch may not hold another batch.";
        return Problem::new(400, "BadRequest", message).reply(outer);
    }
    serve(&inner)
}

/// Percent-decodes a path; a plus stays a plus.
fn decode(path: &str) -> String {
    let escaped = path.replace('+', "%2B");
    let mut pairs = form_urlencoded::parse(escaped.as_bytes());
    // '&' and '=' would end the pair; both are legal in a path, if never seen in one.
    if path.contains(['&', '=']) {
        let kept = escaped.replace('&', "%26").replace('=', "%3D");
        return form_urlencoded::parse(kept.as_bytes())
            .next()
            .map_or_else(String::new, |(name, _)| name.into_owned());
    }
    pairs.next().map_or_else(String::new, |(name, _)| name.into_owned())
}

fn response(id: &str, reply: &Reply) -> Value {
    let mut headers = serde_json::Map::new();
    for (name, value) in &reply.headers {
        let shown = match name.as_str() {
            "content-type" => "Content-Type",
            "retry-after" => "Retry-After",
            "location" => "Location",
            "odata-version" => "OData-Version",
            other => other,
        };
        headers.insert(shown.into(), json!(value));
    }
    let body = serde_json::from_slice(&reply.body).unwrap_or_else(|_| {
        String::from_utf8(reply.body.clone()).map_or(Value::Null, Value::String)
    });
    let mut response = json!({"id": id, "status": reply.status, "headers": headers});
    if !reply.body.is_empty() {
        response["body"] = body;
    }
    response
}
