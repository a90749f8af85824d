//! How the daemon is. Nobody has to sign in: nothing of any customer is in it.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use core_daemon::Report;
use serde_json::json;

use crate::Api;

pub(crate) async fn healthz(State(api): State<Arc<Api>>) -> Response {
    let report = api.health.report().await;
    answer(report.alive, &report)
}

pub(crate) async fn readyz(State(api): State<Arc<Api>>) -> Response {
    let report = api.health.report().await;
    answer(report.ready, &report)
}

fn answer(good: bool, report: &Report) -> Response {
    let code = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let status = match (good, report.warnings.is_empty()) {
        (false, _) => "fail",
        (true, false) => "warn",
        (true, true) => "ok",
    };
    let body = json!({
        "status": status,
        "warnings": report.warnings,
        "stopping": report.stopping,
        "running": report.running,
        "next": report.next,
    });
    (code, Json(body)).into_response()
}
