//! What sessions do and did, over the API: asked for, followed step by step, what came of their actions; and the
//! address from which a computer fetches the secrets of one script, once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use core_connector::Secret;
use core_model::access::Role;
use core_model::entity::EntityKind;
use core_model::id::TenantId;
use core_model::library::{ItemId, KeptSecret, SubjectId};
use core_model::reading::Reading;
use core_model::session::{OnboardingForm, Session, SessionKind, SessionRun};
use core_store::{ActionQuery, RunToken, SessionLine};
use futures::stream::unfold;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Api;
use crate::access::bearer;
use crate::answer::tagged;
use crate::asked::Asked;
use crate::deeds::{Deed, Does, deed, field, needed};
use crate::params::Params;
use crate::problem::{Problem, shown};
use crate::sessions::seen;

/// How often a session's book is looked at for whoever follows it.
const LOOK: Duration = Duration::from_millis(300);
const ACTIONS: &[&str] = &["session", "subject", "tenant", "item", "result", "since", "limit"];
const FAILURES: &[&str] = &["tenant", "item", "since", "limit"];
pub(crate) const RESULTS: &[&str] = &[
    "compliant",
    "non_compliant",
    "recorded",
    "failed",
    "blocked",
    "skipped",
    "deferred",
    "held",
    "pending",
];

/// The routes.
pub(crate) const DEEDS: &[Deed] = &[
    Deed {
        about: "Asks that a subject be brought where everything that holds for it says, or one item of that; the \
                same is asked for once until it is over.",
        of_all: false,
        body: &[
            needed("subject", "string", "Whom: the id of a computer, a person or a tenant."),
            field(
                "item",
                "string",
                "Only this software or task, by its id, with what must be so before it.",
            ),
            field("instance", "string", "Which instance of the item."),
            field(
                "repair",
                "boolean",
                "The item is mended though nothing says that it does not work.",
            ),
            field("detect_only", "boolean", "It is only looked, and said what would be done."),
            field("onboarding", "boolean", "As of a new computer: what is for onboarding first."),
            field(
                "primary_person",
                "string",
                "With `onboarding`: the UPN of whoever will use the computer; its primary person before anything else \
                 is done.",
            ),
            field(
                "computer_name",
                "string",
                "With `onboarding`: what the computer is to be called, for tasks that take a parameter of this name.",
            ),
            field("again", "string", "What failed in the session of this id, once more."),
            field("group", "string", "The batch that it is asked for in."),
        ],
        does: Does::Own(|api, asked| Box::pin(ask(api, asked))),
        ..deed("POST", "/v1/sessions", "ask-for-maintenance")
    },
    Deed {
        about: "The steps of a session, each with what came of it and what it printed, without secrets; \
                `reading` is what a task that monitors read, its secret fields for operators and admins only; only \
                those after the step of the number `since`.",
        least: Role::Reader,
        of_all: false,
        params: &["since"],
        does: Does::Own(|api, asked| Box::pin(lines(api, asked))),
        ..deed("GET", "/v1/sessions/{id}/steps", "list-session-steps")
    },
    Deed {
        about: "The plan of a session: its actions in order, each with its reason and what it was made of.",
        least: Role::Reader,
        of_all: false,
        does: Does::Own(|api, asked| Box::pin(plan(api, asked))),
        ..deed("GET", "/v1/sessions/{id}/plan", "get-session-plan")
    },
    Deed {
        about: "A session as it happens, as server-sent events: `step` as it begins and as it ends, `session` \
                when that says something new; the stream ends with the session.",
        least: Role::Reader,
        of_all: false,
        does: Does::Own(|api, asked| Box::pin(stream(api, asked))),
        ..deed("GET", "/v1/sessions/{id}/stream", "follow-session")
    },
    Deed {
        about: "What came of the actions of sessions, the newest first; `since` is in Unix microseconds.",
        least: Role::Reader,
        of_all: false,
        params: ACTIONS,
        does: Does::Own(|api, asked| Box::pin(actions(api, asked))),
        ..deed("GET", "/v1/actions", "list-actions")
    },
    Deed {
        about: "What is not as it should be by the newest session of each subject and item, grouped by item and \
                cause.",
        least: Role::Reader,
        of_all: false,
        params: FAILURES,
        does: Does::Own(|api, asked| Box::pin(failures(api, asked))),
        ..deed("GET", "/v1/failures", "list-failures")
    },
];

#[derive(Deserialize)]
struct Wanted {
    subject: String,
    item: Option<String>,
    instance: Option<String>,
    repair: Option<bool>,
    detect_only: Option<bool>,
    onboarding: Option<bool>,
    primary_person: Option<String>,
    computer_name: Option<String>,
    again: Option<String>,
    group: Option<String>,
}

/// Asks for a session.
async fn ask(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let caller = asked.caller()?;
    let wanted: Wanted = asked.json()?;
    let missing = || Problem::missing("subject", &wanted.subject);
    let subject: SubjectId = wanted.subject.parse().map_err(|_| missing())?;
    let (tenant, name) = whose(&api, subject).await?.ok_or_else(missing)?;
    // One of another tenant is not told from none.
    if !caller.scope.sees(Some(&tenant.to_string())) {
        return Err(missing());
    }
    let item: Option<ItemId> = match &wanted.item {
        Some(text) => Some(text.parse().map_err(|_| {
            let what = format!("`{}` is no id of software or of a task", shown(text));
            Problem::wrong(what, "GET /v1/software and /v1/tasks list them")
        })?),
        None => None,
    };
    let is = |said: Option<bool>| said.unwrap_or_default();
    let of_item = [wanted.instance.is_some(), is(wanted.repair)];
    if item.is_none() && of_item.contains(&true) {
        let remedy = "`instance` and `repair` are said of an `item`";
        return Err(Problem::wrong("there is no item to which that belongs", remedy));
    }
    let form = OnboardingForm {
        computer_name: wanted.computer_name,
        primary_person: wanted.primary_person,
    };
    let form = (form != OnboardingForm::default()).then_some(form);
    if form.is_some() && !is(wanted.onboarding) {
        let remedy = "`primary_person` and `computer_name` are said of an onboarding: give `onboarding`: true";
        return Err(Problem::wrong("nothing is set up to which that belongs", remedy));
    }
    let again = match &wanted.again {
        Some(id) => Some(seen(&api, caller, id).await?.id),
        None => None,
    };
    let now_us = api.now_us();
    let title = if is(wanted.detect_only) { "Look, and change nothing" } else { "Maintenance" };
    let session = Session {
        run: SessionRun {
            item,
            instance: wanted.instance,
            detect_only: is(wanted.detect_only),
            repair: is(wanted.repair),
            again,
        },
        kind: if is(wanted.onboarding) { SessionKind::Onboarding } else { SessionKind::AdHoc },
        form,
        group: wanted.group,
        asked_by: caller.name.to_string(),
        expires_us: Some(now_us.saturating_add(api.answers.queue_rules().waits_us)),
        ..Session::asked(tenant, subject, &name, title, now_us)
    };
    let session = api.store.add_session(&session).await?;
    let id = session.id.to_string();
    api.audit(&asked, ("ask-for-session", &id), "done", &session.title).await?;
    Ok(axum::Json(session).into_response())
}

/// Whose a subject is, and what it is called; nothing where it is not there.
async fn whose(api: &Api, subject: SubjectId) -> Result<Option<(TenantId, String)>, Problem> {
    let kind = match subject {
        SubjectId::Computer(_) => EntityKind::Computer,
        SubjectId::Person(_) => EntityKind::Person,
        SubjectId::Tenant(_) => EntityKind::Tenant,
    };
    let Some(row) = api.store.entity(kind, &subject.to_string()).await? else { return Ok(None) };
    let document: Value = serde_json::from_str(&row.document).map_err(|_| Problem::fault())?;
    if document.get("gone") == Some(&Value::Bool(true)) {
        return Ok(None);
    }
    let tenant = match subject {
        SubjectId::Tenant(id) => Some(id),
        _ => row.tenant.and_then(|id| id.parse().ok()),
    };
    Ok(tenant.map(|tenant| (tenant, row.name)))
}

/// A step, for machines. Secret fields of what was read are for whoever decides what is deployed.
fn step(line: &SessionLine, role: Role) -> Value {
    let value = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let said = value(&line.said);
    let reading = said.get("reading").cloned().map(serde_json::from_value::<Reading>);
    let reading = reading.and_then(Result::ok).map(|reading| match role {
        Role::Operator | Role::Admin => reading.value,
        Role::Reader | Role::Technician => reading.hidden(),
    });
    let way = said.get("way").cloned().unwrap_or_default();
    json!({
        "number": line.number,
        "half": line.half,
        "what": said.get("what"),
        "step": value(&line.step),
        "way": way,
        "outcome": line.outcome.as_deref().map(value),
        "exit": said.get("exit"),
        "output": said.get("output"),
        "errors": said.get("errors"),
        "reports": said.get("reports"),
        "result": said.get("result"),
        "reading": reading,
        "began_us": line.began_us,
        "ended_us": line.ended_us,
    })
}

/// How often a script in the hub told how it goes.
fn reports(line: &SessionLine) -> usize {
    // Few lines have any, and most of those that are read are looked at again and again.
    if !line.said.contains("\"reports\"") {
        return 0;
    }
    let said: Value = serde_json::from_str(&line.said).unwrap_or_default();
    said["reports"].as_array().map_or(0, Vec::len)
}

async fn lines(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let session = seen(&api, asked.caller()?, asked.id("id")).await?;
    let since = Params::of(&asked.uri, &["since"])?.since()?.unwrap_or_default();
    let after = u32::try_from(since).unwrap_or(u32::MAX);
    let lines = api.store.session_lines(session.id, after).await?;
    let role = asked.caller()?.role;
    let items: Vec<Value> = lines.iter().map(|line| step(line, role)).collect();
    tagged(&asked.headers, &json!({ "items": items }))
}

async fn plan(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let session = seen(&api, asked.caller()?, asked.id("id")).await?;
    let Some(plan) = api.store.session_plan(session.id).await? else {
        let what = "there is no plan of this session (yet, or any more)";
        return Err(Problem::conflict(what, "ask again once it was looked what is there"));
    };
    let plan: Value = serde_json::from_str(&plan).map_err(|_| Problem::fault())?;
    tagged(&asked.headers, &plan)
}

struct Following {
    api: Arc<Api>,
    role: Role,
    session: Session,
    /// The last word that was told.
    told: Option<String>,
    /// Up to which step everything was told.
    from: u32,
    /// Steps after that which were told already: whether as ended, and with how many reports.
    steps: BTreeMap<u32, (bool, usize)>,
    over: bool,
}

/// Follows a session.
async fn stream(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let session = seen(&api, asked.caller()?, asked.id("id")).await?;
    let place = Arc::clone(&api.followers).try_acquire_owned();
    let place = place.map_err(|_| Problem::unavailable("too many follow already"))?;
    let role = asked.caller()?.role;
    let mut ended = api.tail.ended();
    let stop = async move {
        // An error is that nobody is left to say it.
        drop(ended.wait_for(|ended| *ended).await);
        drop(place);
    };
    let following =
        Following { api, role, session, told: None, from: 0, steps: BTreeMap::new(), over: false };
    let events = unfold(following, |mut following| async move {
        let events = following.next().await?;
        Some((futures::stream::iter(events.into_iter().map(Ok::<Event, Infallible>)), following))
    });
    let events = futures::StreamExt::flatten(events);
    let events = futures::StreamExt::take_until(events, Box::pin(stop));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

impl Following {
    /// What is new, once something is; nothing where all was told.
    async fn next(&mut self) -> Option<Vec<Event>> {
        loop {
            if self.over {
                return None;
            }
            // Where it stands is read before its steps: what was written before it ended is told.
            let session = self.api.store.session(self.session.id).await.ok()?;
            let lines = self.api.store.session_lines(session.id, self.from).await.ok()?;
            let mut events: Vec<Event> =
                lines.iter().filter_map(|line| self.told_step(line)).collect();
            let stands = format!("{} {}", session.state.as_str(), session.word);
            if self.told.as_ref() != Some(&stands) {
                self.told = Some(stands);
                events.extend(Event::default().event("session").json_data(&session).ok());
            }
            self.over = session.state.is_over();
            self.session = session;
            if !events.is_empty() {
                return Some(events);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    fn told_step(&mut self, line: &SessionLine) -> Option<Event> {
        let ended = line.outcome.is_some();
        let stands = (ended, reports(line));
        if self.steps.insert(line.number, stands) == Some(stands) {
            return None;
        }
        while self.steps.get(&(self.from + 1)).is_some_and(|(ended, _)| *ended) {
            self.from += 1;
            self.steps.remove(&self.from);
        }
        let event = Event::default().event("step").id(line.number.to_string());
        event.json_data(step(line, self.role)).ok()
    }
}

async fn actions(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let params = Params::of(&asked.uri, ACTIONS)?;
    if let Some(result) = params.get("result").filter(|result| !RESULTS.contains(result)) {
        let what = format!("there is no result `{}`", shown(result));
        return Err(Problem::wrong(what, format!("there are {}", RESULTS.join(", "))));
    }
    let query = ActionQuery {
        tenants: asked.caller()?.scope.tenants(),
        tenant: params.get("tenant"),
        subject: params.get("subject"),
        session: params.get("session"),
        item: params.get("item"),
        result: params.get("result"),
        since_us: params.since()?.unwrap_or_default(),
        most: Some(params.limit()?),
    };
    let items = api.store.session_actions(query).await?;
    tagged(&asked.headers, &json!({ "items": items }))
}

async fn failures(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let params = Params::of(&asked.uri, FAILURES)?;
    let query = ActionQuery {
        tenants: asked.caller()?.scope.tenants(),
        tenant: params.get("tenant"),
        item: params.get("item"),
        since_us: params.since()?.unwrap_or_default(),
        most: Some(params.limit()?),
        ..ActionQuery::default()
    };
    let items = api.store.failure_groups(query).await?;
    tagged(&asked.headers, &json!({ "items": items }))
}

/// Gives a computer the secrets of one run, once, for the token that only that run has. Whatever else is sent,
/// the answer is the same: nobody learns whether there was such a token.
pub(crate) async fn secrets(api: Arc<Api>, asked: Asked) -> Result<Response, Problem> {
    let refused = || Problem::unknown_caller();
    let token = bearer(&asked.headers).ok_or_else(refused)?;
    let digest = RunToken::digest_of(token);
    let row = api.store.use_run_token(&digest, api.now_us()).await?.ok_or_else(refused)?;
    let wanted: BTreeMap<String, KeptSecret> =
        serde_json::from_str(&row.secrets).map_err(|_| Problem::fault())?;
    let mut values: BTreeMap<String, Secret> = BTreeMap::new();
    for (parameter, kept) in wanted {
        // One that is not kept is missing in the answer, and the script says so.
        if let Some(value) = api.answers.secret(kept.name()).await? {
            values.insert(parameter, value);
        }
    }
    let id = row.session.to_string();
    api.audit(&asked, ("fetch-run-secrets", &id), "done", &format!("{} secrets", values.len()))
        .await?;
    let document = core_script::secret_document(&values).expose().to_owned();
    let mut response = document.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
