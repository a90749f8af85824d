//! What is around every answer: how large and how long a request may be, headers, and its line in
//! the log.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use core_connector::TRACES;
use tokio::time::Instant;
use tracing::Span;
use tracing::field::Empty;

use crate::Api;
use crate::access::Caller;
use crate::problem::Problem;
use crate::{runner, webhooks};

/// Bytes that a request's body may have.
pub(crate) const LARGEST: u64 = 64 * 1024;
/// Bytes that the files of a library may have together.
pub(crate) const LARGEST_LIBRARY: u64 = 4 * 1024 * 1024;
/// How long an answer may take until it begins.
const LONGEST: Duration = Duration::from_secs(30);

/// Refuses what is too large, gives up what takes too long.
pub(crate) async fn limit(request: Request, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let length: Option<u64> = length.and_then(|length| length.parse().ok());
    let route = request.extensions().get::<MatchedPath>();
    let largest = route.map_or(LARGEST, |route| largest(route.as_str()));
    if length.is_some_and(|length| length > largest) {
        return Problem::too_large(largest).into_response();
    }
    match tokio::time::timeout(LONGEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = LONGEST.as_secs();
            Problem::unavailable(format!("there was no answer within {seconds} seconds"))
                .into_response()
        }
    }
}

/// Bytes that a body of a route may have.
pub(crate) fn largest(route: &str) -> u64 {
    match route {
        route if route.starts_with("/v1/definitions") => LARGEST_LIBRARY,
        route if route.starts_with("/webhooks/") => webhooks::LARGEST,
        route if route.starts_with("/runner/") => runner::LARGEST,
        _ => LARGEST,
    }
}

/// Says to browsers and caches what they must not do.
pub(crate) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Pages say more precisely what they need.
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(nothing);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Writes the request's line. The path is that of the list of routes: what somebody sent may hold
/// anything, tokens and names of customers among it.
pub(crate) async fn log(State(api): State<Arc<Api>>, mut request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    let began = Instant::now();
    let route = route.as_ref().map_or("(unknown)", MatchedPath::as_str);
    let span = span(&method, route);
    // The guard enters it: only then it is known whose trace it goes on with.
    request.extensions_mut().insert(span.clone());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    span.record("http.response.status_code", status);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    let took = began.elapsed();
    api.metrics.request(word(&method), route, status, took);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let caller = response.extensions().get::<Caller>();
    let name = |means: &str| {
        let caller = caller.filter(|caller| caller.means() == means);
        caller.map(|caller| &*caller.name).unwrap_or_default()
    };
    if route.starts_with("/v1") || status >= 400 {
        let (token, account) = (name("token"), name("session"));
        tracing::info!(%method, route, status, ms, token, account, "request");
    } else {
        tracing::debug!(%method, route, status, ms, "request");
    }
    response
}

/// The span of a request.
fn span(method: &Method, route: &str) -> Span {
    tracing::info_span!(
        target: TRACES,
        "api.request",
        otel.kind = "server",
        http.request.method = word(method),
        http.route = route,
        http.response.status_code = Empty,
        otel.status_code = Empty,
    )
}

/// A method's word; those that nobody knows are one, for each word is a label that stays.
fn word(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
