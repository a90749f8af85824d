//! What Halo's answers say when something is wrong: five shapes of body, of which the commonest is
//! none at all. The one place that turns an answer into an error.

use core_connector::{Error, ErrorKind, Result};
use core_http::{Answer, PauseScope};
use serde_json::Value;

/// The longest text taken out of a body.
const LONGEST: usize = 300;

/// Turns an answer into an error; what is left is to be read.
pub(crate) fn classify(answer: &Answer) -> Result<()> {
    let status = answer.status.as_u16();
    if (200..300).contains(&status) {
        return Ok(());
    }
    let wrong = |kind| {
        let said = said(answer);
        let detail = match said.as_str() {
            "" => format!("HTTP {status}, without a word"),
            said => format!("HTTP {status}: {said}"),
        };
        Error::new(kind, &answer.operation, detail)
    };
    Err(match status {
        401 => wrong(ErrorKind::Auth).with_remedy(
            "check that the application in Halo is active, of login type Agent, and that its agent \
             may sign in",
        ),
        403 => {
            let scope = scope_of(&answer.operation);
            wrong(ErrorKind::Forbidden).with_remedy(format!(
                "allow the application {scope}, name it in `scope`, and give its agent's role the \
                 right to see this in Halo"
            ))
        }
        404 => wrong(ErrorKind::NotFound)
            .with_remedy("check the id; if everything is missing, check `url` (it ends in /api)"),
        408 | 500..=599 => wrong(ErrorKind::Unavailable),
        429 => wrong(ErrorKind::RateLimited { retry_after: answer.retry_after() }).with_remedy(
            "nothing to do: the next run goes on from here. If it is always so, lower \
             `requests_per_5_minutes`: Halo's budget is shared with every other script",
        ),
        300..=399 => wrong(ErrorKind::Protocol)
            .with_remedy("check `url`: the API never redirects, a sign-in page does"),
        _ => wrong(ErrorKind::Rejected),
    })
}

/// The budget is the instance's: who is refused, is refused for all.
pub(crate) fn pause(_: &Answer) -> PauseScope {
    PauseScope::All
}

/// The scope that a request needs, for the one who has to grant it.
pub(crate) fn scope_of(operation: &str) -> &'static str {
    let path = operation.split_once('/').map_or("", |(_, path)| path);
    let first = path.split('/').next().unwrap_or_default().to_ascii_lowercase();
    match first.as_str() {
        "client" | "site" | "users" | "areaazuretenant" | "azureadconnection" => "read:customers",
        "clientcontract" => "read:contracts",
        "recurringinvoice" => "read:invoices",
        "item" => "read:items (edit:items before release 2.99)",
        "asset" if operation.starts_with("POST ") => "edit:assets",
        "asset" | "assettype" => "read:assets",
        "tickets" => "read:tickets",
        _ => "the scope",
    }
}

/// What the body says, in one line: a text, an exception, a map of complaints by field, or what
/// else it starts with.
pub(crate) fn said(answer: &Answer) -> String {
    let text = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(body) => complaint(&body).unwrap_or_else(|| answer.excerpt()),
        Err(_) => answer.excerpt(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(LONGEST).collect()
}

/// The complaint in a body, if it is one.
pub(crate) fn complaint(body: &Value) -> Option<String> {
    let map = match body {
        Value::String(text) => return Some(text.clone()),
        Value::Object(map) => map,
        _ => return None,
    };
    let text = |name: &str| map.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let named = ["Message", "message", "errorMessage", "error_description", "error", "load_error"];
    if let Some(text) = named.iter().find_map(|name| text(name)) {
        return Some(text.to_owned());
    }
    let fields: Vec<String> = map
        .iter()
        .filter_map(|(field, complaints)| {
            let list: Vec<&str> = complaints.as_array()?.iter().filter_map(Value::as_str).collect();
            (!list.is_empty()).then(|| format!("{field}: {}", list.join(" ")))
        })
        .collect();
    (!fields.is_empty()).then(|| fields.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_shape_of_a_refusal_is_read() {
        for (body, text) in [
            (json!({"id": ["The value 'probe' is not valid."]}), "id: The value 'probe' is not"),
            (
                json!({"[0].outcome_id": ["Could not convert string to integer: x."]}),
                "[0].outcome_id: Could not convert",
            ),
            (
                json!({"ClassName": "System.Exception", "Message": "Name must be unique",
                       "Data": null, "HResult": -2_146_233_088}),
                "Name must be unique",
            ),
            (json!("Token is required"), "Token is required"),
            (json!({"error": "no"}), "no"),
            (json!({"resultCode": 3, "errorMessage": "An Outcome must be entered"}), "An Outcome"),
        ] {
            let found = complaint(&body).unwrap();
            assert!(found.starts_with(text), "{found}");
        }
        assert_eq!(complaint(&json!({"clients": [], "record_count": 0})), None);
    }

    #[test]
    fn a_refusal_names_the_scope_that_is_lacking() {
        assert_eq!(scope_of("GET /RecurringInvoice"), "read:invoices");
        assert_eq!(scope_of("GET /ClientContract/7"), "read:contracts");
        assert_eq!(scope_of("GET /Users"), "read:customers");
        assert_eq!(scope_of("GET /Asset/{id}"), "read:assets");
        assert_eq!(scope_of("POST /Asset"), "edit:assets");
    }
}
