//! Postponing a session, and having it begin before its time, over the API; and who was told of it.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use core_model::access::Role;
use core_model::postpone::PostponeBy;
use core_store::{Moved, Moving, NotificationRow, SessionMove};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{seen, with_held};
use crate::Api;
use crate::answer::tagged;
use crate::asked::Asked;
use crate::deeds::{Deed, Does, deed, field};
use crate::problem::Problem;
use crate::technician;

/// The routes.
pub(crate) const DEEDS: &[Deed] = &[
    Deed {
        about: "Postpones a session as a whole, while nothing of it was begun: by an hour, by four, or to the next \
                night of its tenant; as often as [notification] lets it be, and not beyond its deadline.",
        least: Role::Technician,
        of_all: false,
        body: &[
            field("by", "string", "1h, 4h or night; 1h where it is left out.")
                .one_of(&PostponeBy::WORDS),
            field(
                "force",
                "boolean",
                "However often it was, and beyond the deadline; takes the role operator.",
            ),
        ],
        does: Does::Own(|api, asked| Box::pin(postpone(api, asked))),
        ..deed("POST", "/v1/sessions/{id}/postpone", "postpone-session")
    },
    Deed {
        about: "Has a session that waits for its time go on at once.",
        least: Role::Technician,
        of_all: false,
        does: Does::Own(|api, asked| Box::pin(now(api, asked))),
        ..deed("POST", "/v1/sessions/{id}/now", "hasten-session")
    },
    Deed {
        about: "What people were told of a session by mail: what will be done (`before`), what was (`after`).",
        least: Role::Reader,
        of_all: false,
        does: Does::Own(|api, asked| Box::pin(told(api, asked))),
        ..deed("GET", "/v1/sessions/{id}/notifications", "list-session-notifications")
    },
];

#[derive(Deserialize)]
struct Wanted {
    by: Option<String>,
    force: Option<bool>,
}

async fn postpone(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let wanted: Wanted = asked.json()?;
    let by = wanted.by.as_deref().and_then(PostponeBy::parse).unwrap_or(PostponeBy::Hour);
    let forced = wanted.force.unwrap_or_default();
    if forced {
        asked.caller()?.must_be(Role::Operator)?;
    }
    moved(&api, &asked, (Moving::Postpone(by), forced), "postpone-session").await
}

async fn now(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    moved(&api, &asked, (Moving::Now, false), "hasten-session").await
}

async fn moved(
    api: &Api,
    asked: &Asked,
    (to, forced): (Moving, bool),
    action: &str,
) -> Result<Response, Problem> {
    let caller = asked.caller()?;
    let session = seen(api, caller, asked.id("id")).await?;
    let rules = api.answers.postponing(&session).await?;
    let (by, now_us) = (&*caller.name, api.now_us());
    let how = SessionMove { to, rules: &rules, forced, by, key: None, now_us };
    let id = session.id.to_string();
    let remedy = "read the session again; GET /v1/sessions/{id} says when it is to act";
    match api.store.move_session(session.id, how).await? {
        Moved::Done(session) => {
            api.audit(asked, (action, &id), "done", &session.word).await?;
            technician::go_on(api, std::slice::from_ref(&*session)).await?;
            Ok(axum::Json(with_held(&api.store.stops().await?, &session)).into_response())
        }
        Moved::Refused(refusal) => {
            let what = format!("session {id} is not moved: {}", refusal.words(rules.zone));
            api.audit(asked, (action, &id), "refused", &what).await?;
            Err(Problem::conflict(what, remedy))
        }
        // Only who moves it by a key can come too late for that.
        Moved::Used => Err(Problem::conflict("the session was moved meanwhile", remedy)),
    }
}

async fn told(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let session = seen(&api, asked.caller()?, asked.id("id")).await?;
    let rows = api.store.notifications(session.id).await?;
    let items: Vec<Value> = rows.iter().map(row).collect();
    tagged(&asked.headers, &json!({ "items": items }))
}

fn row(row: &NotificationRow) -> Value {
    json!({
        "kind": row.kind.as_str(),
        "state": row.state.as_str(),
        "told": row.told,
        "attempts": row.attempts,
        "due_us": row.due_us,
        "error": row.error,
        "moved": row.uses,
        "at_us": row.at_us,
    })
}
