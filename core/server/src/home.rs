//! Where one arrives after signing in: who one is, and what there is.

use std::sync::Arc;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use crate::asked::Asked;
use crate::page::{NOBODY, html};
use crate::problem::Problem;
use crate::{Api, assets};

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    css: String,
    shown: &'a str,
    role: &'a str,
    tenants: String,
    csrf: &'a str,
}

pub(crate) async fn page(_api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let caller = asked.caller()?;
    let tenants = match caller.scope.tenants() {
        None => "all tenants".to_owned(),
        Some([_]) => "one tenant".to_owned(),
        Some(tenants) => format!("{} tenants", tenants.len()),
    };
    let page = Home {
        css: assets::path("access.css"),
        shown: &caller.shown,
        role: caller.role.as_str(),
        tenants,
        csrf: caller.csrf().unwrap_or_default(),
    };
    html(StatusCode::OK, &page, NOBODY)
}
