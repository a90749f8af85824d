//! `/metrics`, for Prometheus. It says how the hub is, of all tenants together: for whoever sees all.

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::Api;
use crate::asked::Asked;
use crate::problem::Problem;

/// How the text is announced.
const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) async fn page(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    asked.caller()?.must_see_all()?;
    let text = api.metrics.text(&api.store, api.now_us()).await?;
    Ok(([(CONTENT_TYPE, TEXT)], text).into_response())
}
