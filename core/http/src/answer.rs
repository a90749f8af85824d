//! What a system answered, read whole.

use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// What was asked (see [`crate::Request::operation`]).
    pub operation: String,
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: Bytes,
}

impl Answer {
    /// A header's text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// How long the system asks to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.header("retry-after").and_then(|text| parse_retry_after(text, Utc::now()))
    }

    /// Whether the body is a web page: a sign-in form or a gateway's error.
    #[must_use]
    pub fn is_html(&self) -> bool {
        let typed = self.header("content-type").is_some_and(|kind| kind.contains("html"));
        let start = self.body.iter().copied().skip_while(u8::is_ascii_whitespace).take(5);
        typed
            || start.map(|c| c.to_ascii_lowercase()).eq(*b"<html")
            || self
                .body
                .trim_ascii_start()
                .get(..9)
                .is_some_and(|s| s.eq_ignore_ascii_case(b"<!doctype"))
    }

    /// The first characters of the body, for an error: one line, nothing unprintable.
    #[must_use]
    pub fn excerpt(&self) -> String {
        let text = String::from_utf8_lossy(&self.body[..self.body.len().min(600)]);
        let line: String =
            text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
        line.chars().filter(|c| !c.is_control()).collect()
    }
}

/// Reads `Retry-After`: whole or decimal seconds, or an HTTP date. Nothing negative.
#[must_use]
pub fn parse_retry_after(text: &str, now: DateTime<Utc>) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = DateTime::parse_from_rfc2822(text).ok()?.with_timezone(&Utc);
    Some((at - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_may_be_decimal_or_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-23T10:00:00Z").unwrap().with_timezone(&Utc);
        assert_eq!(parse_retry_after("2", now), Some(Duration::from_secs(2)));
        assert_eq!(parse_retry_after("2.128", now), Some(Duration::from_millis(2128)));
        assert_eq!(
            parse_retry_after("Mon, 23 Nov 2026 10:00:30 GMT", now),
            Some(Duration::from_secs(30))
        );
        assert_eq!(parse_retry_after("Mon, 23 Nov 2026 09:00:00 GMT", now), Some(Duration::ZERO));
        for text in ["-1", "soon", "", "NaN", "1e300"] {
            assert_eq!(parse_retry_after(text, now), None, "{text}");
        }
    }
}
