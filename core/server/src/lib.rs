#![doc = include_str!("../README.md")]

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use core_daemon::{Health, Report};
use serde_json::json;
use tokio::net::TcpListener;

/// Every path there is. The API will be routes of this list.
pub fn router(health: Arc<Health>) -> Router {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz)).with_state(health)
}

/// Answers until it is to stop; answers that are under way are finished.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    health: Arc<Health>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    axum::serve(listener, router(health)).with_graceful_shutdown(stop).await
}

async fn healthz(State(health): State<Arc<Health>>) -> Response {
    let report = health.report().await;
    answer(report.alive, &report)
}

async fn readyz(State(health): State<Arc<Health>>) -> Response {
    let report = health.report().await;
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
    (code, [(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
