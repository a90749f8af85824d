//! Two sessions side by side.

use std::sync::Arc;

use axum::response::Response;

use super::seen;
use crate::Api;
use crate::answer::tagged;
use crate::asked::Asked;
use crate::params::Params;
use crate::problem::Problem;

/// Compares a session with an earlier one; the earlier one is told first.
pub(super) async fn compare(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let caller = asked.caller()?;
    let session = seen(&api, caller, asked.id("id")).await?;
    let params = Params::of(&asked.uri, &["with"])?;
    let before = match params.get("with") {
        Some(id) => seen(&api, caller, id).await?,
        None => {
            let before = api.store.session_before(&session).await?;
            let before = before.filter(|one| caller.scope.sees(Some(&one.tenant.to_string())));
            before.ok_or_else(|| {
                let what = "no session of the same subject ended before it";
                Problem::conflict(what, "name the other one: `with`")
            })?
        }
    };
    tagged(&asked.headers, &api.store.compare_sessions(&before, &session).await?)
}
