//! How answers are written: JSON, or plain text for whoever asks for that.

use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::call::{CallAnswer, Fault};
use crate::limit::TooMuch;

/// What came of a script, and with what it ended, for whoever reads plain text.
const OUTCOME: HeaderName = HeaderName::from_static("linchpin-outcome");
const EXIT: HeaderName = HeaderName::from_static("linchpin-exit");

/// Whether plain text is asked for.
pub(crate) fn wants_text(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|one| one.split(';').next().unwrap_or_default().trim() == "text/plain")
}

fn body(status: StatusCode, text: bool, document: &Value, plain: String) -> Response {
    let (kind, body) = match text {
        true => ("text/plain; charset=utf-8", plain),
        false => ("application/json", document.to_string()),
    };
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A value as text: a text itself, everything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn answered(answer: CallAnswer, text: bool) -> Response {
    match answer {
        CallAnswer::Document(value) => body(StatusCode::OK, text, &value, plain(&value)),
        CallAnswer::Taken => StatusCode::NO_CONTENT.into_response(),
        CallAnswer::Token { token, expires_in } => {
            let document = json!({ "access_token": token.expose(), "expires_in": expires_in });
            body(StatusCode::OK, text, &document, token.expose().to_owned())
        }
        CallAnswer::Invoked { outcome, message, exit, value, output, errors } => {
            let document = json!({
                "outcome": outcome, "message": message, "exit": exit, "value": value,
                "output": output, "errors": errors,
            });
            let plain = if outcome == "finished" { output } else { message };
            let mut response = body(StatusCode::OK, text, &document, plain);
            let headers = response.headers_mut();
            headers.insert(OUTCOME, HeaderValue::from_static(outcome));
            headers.extend(exit.map(|exit| (EXIT, HeaderValue::from(exit))));
            response
        }
    }
}

fn failed(status: StatusCode, message: &str, text: bool) -> Response {
    body(status, text, &json!({ "error": message }), message.to_owned())
}

/// Why a request is not answered.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Whoever has not this run's token hears nothing else, whatever was asked.
    Unknown,
    TooLarge(usize),
    TooMuch(TooMuch),
    Faulty(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Refusal::Faulty(fault)
    }
}

impl From<TooMuch> for Refusal {
    fn from(much: TooMuch) -> Self {
        Refusal::TooMuch(much)
    }
}

fn refused(refusal: Refusal, text: bool) -> Response {
    let (status, message) = match refusal {
        Refusal::Unknown => (
            StatusCode::UNAUTHORIZED,
            "there is no such run, or it is over, or this is not its token".to_owned(),
        ),
        Refusal::TooLarge(most) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("it may have {most} bytes: give less, or in parts"),
        ),
        Refusal::TooMuch(TooMuch::Soon) => {
            let message = "too many calls in too short a time: wait a second";
            let mut response = failed(StatusCode::TOO_MANY_REQUESTS, message, text);
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return response;
        }
        Refusal::TooMuch(TooMuch::All) => (
            StatusCode::TOO_MANY_REQUESTS,
            "this run has made all the calls that one may make".to_owned(),
        ),
        Refusal::Faulty(Fault::Wrong(message)) => (StatusCode::BAD_REQUEST, message),
        Refusal::Faulty(Fault::Refused(message)) => (StatusCode::FORBIDDEN, message),
        Refusal::Faulty(Fault::Missing(message)) => (StatusCode::NOT_FOUND, message),
        Refusal::Faulty(Fault::NotNow(message)) => (StatusCode::CONFLICT, message),
    };
    failed(status, &message, text)
}

/// An answer, or why there is none.
pub(crate) fn written(answer: Result<CallAnswer, Refusal>, text: bool) -> Response {
    match answer {
        Ok(answer) => answered(answer, text),
        Err(refusal) => refused(refusal, text),
    }
}

/// What is at a path in a document: `computer/name`, `agents/0/connection`.
pub(crate) fn at<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    let parts = path.split('/').filter(|part| !part.is_empty());
    parts.into_iter().try_fold(document, |value, part| match value {
        Value::Object(map) => map.get(part),
        Value::Array(list) => part.parse::<usize>().ok().and_then(|number| list.get(number)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_a_part_of_a_document() {
        let document = json!({ "computer": { "name": "PC-1" }, "agents": [{ "online": true }] });
        assert_eq!(at(&document, "computer/name"), Some(&json!("PC-1")));
        assert_eq!(at(&document, "agents/0/online"), Some(&json!(true)));
        assert_eq!(at(&document, ""), Some(&document));
        for nothing in ["computer/nam", "agents/1", "agents/x", "computer/name/x"] {
            assert_eq!(at(&document, nothing), None, "{nothing}");
        }
    }

    #[test]
    fn text_is_given_to_whoever_asks_for_it() {
        let asks = |accept: &'static str| {
            wants_text(&HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]))
        };
        assert!(asks("text/plain") && asks("application/json;q=0.1, text/plain; q=0.9"));
        assert!(!asks("*/*") && !asks("application/json") && !wants_text(&HeaderMap::new()));
    }
}
