//! Sessions over the API: an engine of anybody's takes what waits, says how it goes and how it ended;
//! technicians ask for what a ticket offers.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use core_model::access::Role;
use core_model::id::SessionId;
use core_model::session::{Session, SessionKind, SessionState};
use core_model::stop::Stop;
use core_store::{Error, SessionQuery, SessionWord};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Api;
use crate::access::Caller;
use crate::answer::tagged;
use crate::asked::Asked;
use crate::deeds::{Deed, Does, Field, Form, deed, field, needed};
use crate::params::Params;
use crate::problem::{Problem, shown};
use crate::technician;

mod compare;
pub(crate) mod moves;
mod queue;

/// Parameters of the list.
const LIST: &[&str] = &["since", "state", "kind", "tenant", "group", "schedule", "limit"];
/// Which of a caller's engines.
const ENGINE: Field =
    field("engine", "string", "Which of the caller's engines; left out, its only one.")
        .formed(Form { pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", fits: is_name });
/// The routes.
pub(crate) const DEEDS: &[Deed] = &[
    Deed {
        about: "Sessions by the number of their last change; only those that changed after `since`.",
        least: Role::Reader,
        of_all: false,
        params: LIST,
        does: Does::Own(|api, asked| Box::pin(list(api, asked))),
        ..deed("GET", "/v1/sessions", "list-sessions")
    },
    Deed {
        about: "One session: what shall be, for whom, who asked, where it stands.",
        least: Role::Reader,
        of_all: false,
        does: Does::Own(|api, asked| Box::pin(one(api, asked))),
        ..deed("GET", "/v1/sessions/{id}", "get-session")
    },
    Deed {
        about: "An engine's word: that it is at a session, how it goes, how it ended. One engine is at a \
                session at a time, and has it as long as it is heard of; what is over stays so.",
        of_all: false,
        body: &[
            needed("state", "string", "running, succeeded, failed or cancelled.").one_of(&[
                "running",
                "succeeded",
                "failed",
                "cancelled",
            ]),
            field("word", "string", "How it goes, or what came of it, for people."),
            field("result", "object", "What the engine found and did, for machines."),
            ENGINE,
            field(
                "take",
                "integer",
                "The session's `takes` when it was taken: an earlier word is refused.",
            )
            .between(1, u32::MAX as u64),
        ],
        does: Does::Own(|api, asked| Box::pin(tell(api, asked))),
        ..deed("POST", "/v1/sessions/{id}", "tell-session")
    },
    Deed {
        about: "Gives an engine what waits, as far as the bounds let it: by kind, tenants in turn, the \
                oldest first, and one of a subject at a time. It has them for `lease_seconds`, and for as \
                long again whenever it is heard of.",
        of_all: false,
        body: &[
            ENGINE,
            field("most", "integer", "How many at most; 1 if left out.").between(1, queue::MOST),
        ],
        does: Does::Own(|api, asked| Box::pin(queue::take(api, asked))),
        ..deed("POST", "/v1/sessions/take", "take-sessions")
    },
    Deed {
        about: "An engine is there still, and has everything that it is at for as long again; what it is \
                at, for it may have lost something.",
        of_all: false,
        body: &[ENGINE],
        does: Does::Own(|api, asked| Box::pin(queue::renew(api, asked))),
        ..deed("POST", "/v1/sessions/renew", "renew-sessions")
    },
    Deed {
        about: "Takes sessions back for which everything holds that is given; at least one thing is.",
        of_all: false,
        body: &[
            field("tenant", "string", "Those of the tenant of this id."),
            field("group", "string", "Those that were asked for in this batch."),
            field("deployment", "string", "Those of the deployment of this id."),
            field("schedule", "string", "Those of the schedule of this name."),
            field("all", "boolean", "All of them, where nothing else is given."),
            field(
                "running",
                "boolean",
                "Those too that an engine is at; left out, what waits only.",
            ),
        ],
        does: Does::Own(|api, asked| Box::pin(queue::cancel(api, asked))),
        ..deed("POST", "/v1/sessions/cancel", "cancel-sessions")
    },
    Deed {
        about: "Two sessions side by side: what each was made of, planned and did, and what differs. `with` is \
                the earlier one; left out, the one of the same subject before it.",
        least: Role::Reader,
        of_all: false,
        params: &["with"],
        does: Does::Own(|api, asked| Box::pin(compare::compare(api, asked))),
        ..deed("GET", "/v1/sessions/{id}/comparison", "compare-sessions")
    },
    Deed {
        about: "A PSA's ticket: tenant, person, computers, and what may be deployed for each.",
        least: Role::Reader,
        of_all: false,
        does: Does::Own(|api, asked| Box::pin(ticket(api, asked))),
        ..deed("GET", "/v1/technician/{connection}/tickets/{key}", "get-ticket")
    },
    Deed {
        about: "Asks for a session of something that a ticket offers.",
        least: Role::Technician,
        of_all: false,
        body: &[
            needed("subject", "string", "The offer's subject."),
            needed("deployment", "string", "The offer's deployment."),
        ],
        does: Does::Own(|api, asked| Box::pin(ask(api, asked))),
        ..deed("POST", "/v1/technician/{connection}/tickets/{key}/sessions", "ask-for-session")
    },
];

/// Characters of an engine's word.
const LONGEST: usize = 4000;
/// Bytes of an engine's result.
const LARGEST_RESULT: usize = 32 * 1024;

/// Sessions by the number of their last change: `since` the last one seen, only those that changed since.
pub(crate) async fn list(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let params = Params::of(&asked.uri, LIST)?;
    let since = params.since()?.unwrap_or_default();
    let state = params.get("state").map(state).transpose()?;
    let kind = params.get("kind").map(kind).transpose()?;
    let most = params.limit()?;
    let tenants = asked.caller()?.scope.tenants();
    let last = api.store.last_session_change().await?;
    let query = SessionQuery {
        tenants,
        tenant: params.get("tenant"),
        state,
        kind,
        group: params.get("group"),
        schedule: params.get("schedule"),
        after: since,
        most: Some(most),
        ..SessionQuery::default()
    };
    let found = api.store.sessions(query).await?;
    // What was looked through to its end was looked through to there.
    let next = match found.last() {
        Some((seq, _)) if found.len() == most => *seq,
        _ => last.max(since),
    };
    let stops = api.store.stops().await?;
    let items: Vec<Value> =
        found.iter().map(|(seq, session)| told(*seq, &stops, session)).collect();
    tagged(&asked.headers, &json!({ "items": items, "next": next }))
}

/// One.
pub(crate) async fn one(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let session = seen(&api, asked.caller()?, asked.id("id")).await?;
    tagged(&asked.headers, &with_held(&api.store.stops().await?, &session))
}

#[derive(Deserialize)]
struct Word {
    state: String,
    #[serde(default)]
    word: String,
    result: Option<Value>,
    engine: Option<String>,
    take: Option<u32>,
}

/// Takes an engine's word about one.
pub(crate) async fn tell(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let caller = asked.caller()?;
    let session = seen(&api, caller, asked.id("id")).await?;
    let word: Word = asked.json()?;
    let state = state(&word.state)?;
    if word.word.chars().count() > LONGEST {
        let what = format!("`word` has more than {LONGEST} characters");
        return Err(Problem::wrong(what, "say it in fewer; logs are kept where they are made"));
    }
    let result = word.result.as_ref().map(ToString::to_string);
    if result.as_ref().is_some_and(|result| result.len() > LARGEST_RESULT) {
        let what = format!("`result` has more than {LARGEST_RESULT} bytes");
        return Err(Problem::wrong(what, "send what somebody will look at"));
    }
    let said = SessionWord {
        state,
        word: &word.word,
        result: word.result.as_ref(),
        by: &queue::engine(caller, word.engine.as_deref()),
        take: word.take,
        rules: &api.answers.queue_rules(),
        now_us: api.now_us(),
    };
    let told = api.store.tell_session(session.id, said).await.map_err(|error| match error {
        Error::Conflict { constraint } => Problem::conflict(
            constraint,
            "read the session again; what is over stays as it is, and what was lost is taken anew",
        ),
        error => error.into(),
    })?;
    let subject = session.id.to_string();
    api.audit(&asked, ("tell-session", &subject), "done", state.as_str()).await?;
    technician::go_on(&api, std::slice::from_ref(&told)).await?;
    Ok(axum::Json(told).into_response())
}

/// A ticket with what is offered for it.
pub(crate) async fn ticket(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let view = technician::seen(&api, &asked).await?;
    tagged(&asked.headers, &view)
}

#[derive(Deserialize)]
struct Wanted {
    subject: String,
    deployment: String,
}

/// Asks for what a ticket offers.
pub(crate) async fn ask(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let view = technician::seen(&api, &asked).await?;
    let wanted: Wanted = asked.json()?;
    let named = (wanted.subject.as_str(), wanted.deployment.as_str());
    let session = technician::ask(&api, asked.caller()?, &view, named).await?;
    let subject = session.id.to_string();
    api.audit(&asked, ("ask-for-session", &subject), "done", &session.title).await?;
    Ok(axum::Json(session).into_response())
}

/// A session that the caller may see; one of another tenant is not told from none.
pub(crate) async fn seen(api: &Api, caller: &Caller, id: &str) -> Result<Session, Problem> {
    let missing = || Problem::missing("session", id);
    let id: SessionId = id.parse().map_err(|_| missing())?;
    let session = match api.store.session(id).await {
        Ok(session) => session,
        Err(Error::NotFound { .. }) => return Err(missing()),
        Err(error) => return Err(error.into()),
    };
    let is_seen = caller.scope.sees(Some(&session.tenant.to_string()));
    if is_seen { Ok(session) } else { Err(missing()) }
}

fn state(text: &str) -> Result<SessionState, Problem> {
    SessionState::parse(text).ok_or_else(|| {
        let known: Vec<&str> = SessionState::ALL.iter().map(|state| state.as_str()).collect();
        let what = format!("there is no state `{}`", shown(text));
        Problem::wrong(what, format!("there are {}", known.join(", ")))
    })
}

fn kind(text: &str) -> Result<SessionKind, Problem> {
    SessionKind::parse(text).ok_or_else(|| {
        let known: Vec<&str> = SessionKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let what = format!("there is no kind `{}`", shown(text));
        Problem::wrong(what, format!("there are {}", known.join(", ")))
    })
}

/// Whether an engine may be called so.
fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    text.len() <= 64
        && text.starts_with(plain)
        && text.chars().all(|c| plain(c) || ['.', '_', '-'].contains(&c))
}

fn told(seq: i64, stops: &[Stop], session: &Session) -> Value {
    let mut value = with_held(stops, session);
    value["sequence"] = seq.into();
    value
}

/// A session with what holds it, where it waits.
fn with_held(stops: &[Stop], session: &Session) -> Value {
    let waits = session.state == SessionState::Waiting;
    let mut value = json!(session);
    value["held"] = json!(core_model::stop::held(stops, session).filter(|_| waits));
    value
}
