//! The queue of sessions: engines take what waits and say that they are there; whoever may takes much back
//! at once.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use core_model::id::SessionId;
use core_model::session::Session;
use core_store::{CancelFilter, Take, Took};
use serde::Deserialize;
use serde_json::json;

use crate::Api;
use crate::access::Caller;
use crate::asked::Asked;
use crate::problem::Problem;
use crate::technician::go_on;

/// How many are taken at once, at most.
pub(super) const MOST: u64 = 100;

/// Who an engine is: the caller's own name, and which of its engines. Nobody is somebody else's.
pub(super) fn engine(caller: &Caller, named: Option<&str>) -> String {
    match named {
        Some(named) => format!("{}/{named}", caller.name),
        None => caller.name.to_string(),
    }
}

#[derive(Deserialize)]
struct Taking {
    engine: Option<String>,
    most: Option<usize>,
}

/// Gives an engine what waits.
pub(super) async fn take(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let caller = asked.caller()?;
    let wanted: Taking = asked.json()?;
    let engine = engine(caller, wanted.engine.as_deref());
    let (rules, now_us) = (api.answers.queue_rules(), api.now_us());
    // Whose engine is gone is to be had again.
    go_on(&api, &api.store.tidy_sessions(&rules, now_us).await?).await?;
    let bars = api.answers.bars().await?;
    let take = Take {
        engine: &engine,
        most: wanted.most.unwrap_or(1),
        tenants: caller.scope.tenants(),
        rules: &rules,
        bars: &*bars,
        now_us,
    };
    let Took { taken, barred } = api.store.take_sessions(take).await?;
    for (what, sessions) in [("take-sessions", &taken), ("bar-sessions", &barred)] {
        if !sessions.is_empty() {
            api.audit(&asked, (what, &engine), "done", &named(sessions)).await?;
        }
        go_on(&api, sessions).await?;
    }
    let lease_seconds = rules.lease_us / 1_000_000;
    let answer = json!({ "engine": engine, "items": taken, "lease_seconds": lease_seconds });
    Ok(axum::Json(answer).into_response())
}

#[derive(Deserialize)]
struct Renewing {
    engine: Option<String>,
}

/// Notes that an engine is there. That is no change of any session, and no log has it.
pub(super) async fn renew(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let wanted: Renewing = asked.json()?;
    let engine = engine(asked.caller()?, wanted.engine.as_deref());
    let until_us = api.now_us().saturating_add(api.answers.queue_rules().lease_us);
    let items: Vec<SessionId> = api.store.renew_sessions(&engine, until_us).await?;
    let answer = json!({ "engine": engine, "items": items, "until_us": until_us });
    Ok(axum::Json(answer).into_response())
}

#[derive(Deserialize)]
struct Cancelling {
    tenant: Option<String>,
    group: Option<String>,
    deployment: Option<String>,
    schedule: Option<String>,
    #[serde(default)]
    all: Option<bool>,
    #[serde(default)]
    running: Option<bool>,
}

/// Takes many back.
pub(super) async fn cancel(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let caller = asked.caller()?;
    let wanted: Cancelling = asked.json()?;
    let given = [
        ("tenant", &wanted.tenant),
        ("group", &wanted.group),
        ("deployment", &wanted.deployment),
        ("schedule", &wanted.schedule),
    ];
    let given: Vec<(&str, &str)> =
        given.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?))).collect();
    if given.is_empty() && wanted.all != Some(true) {
        let what = "nothing says which sessions are taken back";
        return Err(Problem::wrong(
            what,
            "give tenant, group, deployment or schedule, or `all`: true",
        ));
    }
    let filter = CancelFilter {
        tenants: caller.scope.tenants(),
        tenant: wanted.tenant.as_deref(),
        group: wanted.group.as_deref(),
        deployment: wanted.deployment.as_deref(),
        schedule: wanted.schedule.as_deref(),
        running: wanted.running.unwrap_or_default(),
    };
    let word = format!("taken back by {}", caller.name);
    let cancelled = api.store.cancel_sessions(filter, &word, api.now_us()).await?;
    let of: Vec<String> = given.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let of = if of.is_empty() { "all".to_owned() } else { of.join(", ") };
    let detail = named(&cancelled);
    api.audit(&asked, ("cancel-sessions", &of), "done", &detail).await?;
    go_on(&api, &cancelled).await?;
    Ok(axum::Json(json!({ "cancelled": cancelled.len() })).into_response())
}

/// Sessions as the audit log names them: how many, and the first ones.
fn named(sessions: &[Session]) -> String {
    const NAMED: usize = 10;
    let ids: Vec<String> =
        sessions.iter().take(NAMED).map(|session| session.id.to_string()).collect();
    let more = if sessions.len() > NAMED { ", …" } else { "" };
    format!("{}: {}{more}", sessions.len(), ids.join(", "))
}
