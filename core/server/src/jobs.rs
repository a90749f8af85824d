//! What takes long and was asked for: how it stands, and what came of it.

use std::sync::Arc;

use axum::response::Response;
use core_model::id::JobId;
use core_store::Job;
use serde_json::{Value, json};

use crate::Api;
use crate::answer::tagged;
use crate::asked::Asked;
use crate::changes::instant;
use crate::params::Params;
use crate::problem::Problem;

/// Parameters of the list.
pub(crate) const LIST: &[&str] = &["limit"];

/// The latest of them.
pub(crate) async fn list(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let most = Params::of(&asked.uri, LIST)?.limit()?;
    let jobs = api.store.jobs(most).await?;
    let items: Vec<Value> = jobs.iter().map(in_short).collect();
    tagged(&asked.headers, &json!({ "items": items }))
}

/// One of them.
pub(crate) async fn one(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let missing = || Problem::missing("job", asked.id("id"));
    let id: JobId = asked.id("id").parse().map_err(|_| missing())?;
    let job = api.store.job(&id.to_string()).await?.ok_or_else(missing)?;
    let mut value = in_short(&job);
    value["result"] = parsed(job.result.as_deref());
    tagged(&asked.headers, &value)
}

fn in_short(job: &Job) -> Value {
    json!({
        "id": job.id,
        "work": job.work,
        "about": parsed(Some(&job.about)),
        "asked_by": job.asked_by,
        "asked": instant(job.asked_us),
        "state": job.state.as_str(),
        "begun": job.begun,
        "started": job.started_us.map(instant),
        "ended": job.ended_us.map(instant),
        "error": job.error,
        "remedy": job.remedy,
    })
}

fn parsed(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
