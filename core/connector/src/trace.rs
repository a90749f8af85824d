//! Traces: what spans have in common. A span is made with `tracing`, under a target of its own, so that
//! no log shows it; where the program sends no traces, it is not made at all. Names and fields of spans
//! are part of the public face and stay; values are never URLs, tokens or what a system answered.

use tracing::Span;
use tracing::field::Empty;

use crate::Error;

/// The target of every span.
pub const TRACES: &str = "traces";

/// A request to another system, with all its attempts.
#[must_use]
pub fn request(method: &str, host: &str, operation: &str) -> Span {
    tracing::info_span!(
        target: TRACES,
        "vendor.request",
        otel.kind = "client",
        http.request.method = method,
        server.address = host,
        operation,
        http.response.status_code = Empty,
        retries = Empty,
        waited_ms = Empty,
        error.type = Empty,
        otel.status_code = Empty,
    )
}

/// Notes in a span that what it stands for failed, by the error's kind: its words are in the log.
pub fn failed(span: &Span, error: &Error) {
    failed_as(span, error.kind().as_str());
}

/// The same, by a word.
pub fn failed_as(span: &Span, kind: &str) {
    span.record("error.type", kind);
    span.record("otel.status_code", "ERROR");
}
