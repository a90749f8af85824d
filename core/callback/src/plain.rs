//! Requests in plain text, for shells: the body is the script, or the line, and headers say the rest.

use axum::http::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;

use crate::call::{Fault, Invocation, Report};

/// Whether a request is JSON; else it is plain text.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

fn text(body: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(body).map_err(|_| Fault::Wrong("the body is no UTF-8".to_owned()))
}

fn json<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|error| Fault::Wrong(format!("the body: {error}")))
}

/// What a header says.
fn said<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Fault> {
    let value = headers.get(name).map(|value| value.to_str());
    value.transpose().map_err(|_| Fault::Wrong(format!("the header {name} is no ASCII")))
}

fn flag(headers: &HeaderMap, name: &str) -> Result<bool, Fault> {
    match said(headers, name)? {
        None => Ok(false),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(Fault::Wrong(format!("the header {name} is neither true nor false"))),
    }
}

/// A script for the computer.
pub(crate) fn invocation(headers: &HeaderMap, body: &[u8]) -> Result<Invocation, Fault> {
    if is_json(headers) {
        return json(body);
    }
    let mut one = Invocation {
        script: text(body)?.to_owned(),
        language: said(headers, "linchpin-language")?.map(str::to_owned),
        context: said(headers, "linchpin-context")?.map(str::to_owned),
        reads_only: flag(headers, "linchpin-reads-only")?,
        ..Invocation::default()
    };
    if let Some(limit) = said(headers, "linchpin-time-limit")? {
        let limit = limit.parse().map_err(|_| {
            Fault::Wrong("the header linchpin-time-limit is no number of seconds".to_owned())
        })?;
        one.time_limit = Some(limit);
    }
    for value in headers.get_all("linchpin-argument") {
        let value = text(value.as_bytes())?;
        let Some((name, value)) = value.split_once('=') else {
            let what = "the header linchpin-argument is NAME=VALUE".to_owned();
            return Err(Fault::Wrong(what));
        };
        one.arguments.insert(name.trim().to_owned(), Value::String(value.to_owned()));
    }
    for value in headers.get_all("linchpin-secret") {
        one.secrets.push(text(value.as_bytes())?.trim().to_owned());
    }
    Ok(one)
}

/// What a script tells about itself: in plain text, a line.
pub(crate) fn report(headers: &HeaderMap, body: &[u8]) -> Result<Report, Fault> {
    if is_json(headers) {
        let report: Report = json(body)?;
        if report == Report::default() {
            return Err(Fault::Wrong("a report has a `line` or a `result`".to_owned()));
        }
        return Ok(report);
    }
    Ok(Report { line: Some(text(body)?.to_owned()), result: None })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;
    use axum::http::header::HeaderValue;
    use serde_json::json;

    use super::*;

    fn headers(of: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in of {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn a_shell_says_in_headers_what_others_say_in_json() {
        let plain = headers(&[
            ("linchpin-language", "sh"),
            ("linchpin-reads-only", "true"),
            ("linchpin-time-limit", "30"),
            ("linchpin-argument", "path=/etc/a=b"),
            ("linchpin-argument", "name= x"),
            ("linchpin-secret", "key"),
        ]);
        let as_json = json!({ "script": "echo $LP_path", "language": "sh", "reads_only": true,
            "time_limit": 30, "arguments": { "path": "/etc/a=b", "name": " x" }, "secrets": ["key"] });
        let body = as_json.to_string();
        let typed = headers(&[("content-type", "application/json; charset=utf-8")]);
        assert_eq!(
            invocation(&plain, b"echo $LP_path").unwrap(),
            invocation(&typed, body.as_bytes()).unwrap()
        );
        for wrong in [
            ("linchpin-reads-only", "yes"),
            ("linchpin-time-limit", "1 h"),
            ("linchpin-argument", "x"),
        ] {
            let fault = invocation(&headers(&[wrong]), b"x").unwrap_err();
            assert!(format!("{fault:?}").contains(wrong.0), "{fault:?}");
        }
        assert!(invocation(&headers(&[]), b"\xff").is_err());
    }

    #[test]
    fn a_report_says_something() {
        let typed = headers(&[("content-type", "application/json")]);
        assert_eq!(report(&headers(&[]), b"half").unwrap().line.as_deref(), Some("half"));
        assert_eq!(report(&typed, b"{\"result\":[1]}").unwrap().result, Some(json!([1])));
        for wrong in ["{}", "{\"text\":\"x\"}", "[]", "half"] {
            assert!(report(&typed, wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
