//! `linchpin sessions`: what waits and what runs, one in full, and taking back.

use std::collections::HashMap;

use chrono::Utc;
use core_model::entity::Tenant;
use core_model::id::TenantId;
use core_model::session::{Session, SessionState};
use core_model::stop::Stop;
use core_store::{ActionQuery, CancelFilter, Error, SessionQuery, SessionWord, Store};
use serde_json::json;

use super::decide::whoever;
use super::find;
use super::text::{self, count, field};
use crate::cli::{Global, SessionsAction, SessionsArgs, SessionsCancelArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};

mod compare;
mod moves;
mod run;
mod watch;

/// Sessions among which the beginning of an id is looked for.
const SEARCHED: usize = 20_000;

pub(crate) async fn run(global: &Global, args: &SessionsArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    match &args.action {
        None => list(global, &context, args).await?,
        Some(SessionsAction::Show { id }) => show(global, &context, id).await?,
        Some(SessionsAction::Cancel(args)) => cancel(global, &context, args).await?,
        Some(SessionsAction::Postpone(args)) => {
            return moves::postpone(global, context, args).await;
        }
        Some(SessionsAction::Now(args)) => return moves::now(global, context, args).await,
        Some(SessionsAction::Run(args)) => return run::run(global, context, args).await,
        Some(SessionsAction::Compare(args)) => compare::run(global, &context, args).await?,
        Some(SessionsAction::Watch { id }) => {
            let session = one(&context.store, id.trim()).await?;
            return watch::watch(global, &context, session.id).await;
        }
    }
    Ok(Exit::Ok)
}

async fn list(global: &Global, context: &Context, args: &SessionsArgs) -> Result<(), Failure> {
    let store = &context.store;
    let tenant = tenant(store, args.tenant.as_deref()).await?;
    let query = SessionQuery {
        tenant: tenant.as_deref(),
        state: args.state.map(Into::into),
        kind: args.kind.map(Into::into),
        group: args.group.as_deref(),
        schedule: args.schedule.as_deref(),
        most: Some(args.limit),
        newest: true,
        ..SessionQuery::default()
    };
    let sessions = store.sessions(query).await?;
    let stops = store.stops().await?;
    if global.json {
        sessions.iter().for_each(|(_, session)| output::json(&with_held(&stops, session)));
        return Ok(());
    }
    output::line(&standing(store).await?);
    for stop in &stops {
        output::line(&printable(&format!("Stopped: {}.", stop.words())));
    }
    if sessions.is_empty() {
        return Ok(());
    }
    let names = find::tenant_names(store).await?;
    table(&sessions, &names, (&stops, context)).print();
    Ok(())
}

/// How many wait and run, in a line.
async fn standing(store: &Store) -> Result<String, Failure> {
    let queued = store.queued_sessions().await?;
    let of = |state: SessionState| -> String {
        let kinds: Vec<_> = queued.iter().filter(|one| one.0 == state).collect();
        let all: u64 = kinds.iter().map(|one| one.2).sum();
        let kinds: Vec<String> = kinds
            .iter()
            .map(|(_, kind, depth)| format!("{} {}", output::thousands(*depth), kind.as_str()))
            .collect();
        let kinds = if all == 0 { String::new() } else { format!(" ({})", kinds.join(", ")) };
        match state {
            SessionState::Running => count(all, "session runs", "sessions run") + &kinds,
            _ => count(all, "waits", "wait") + &kinds,
        }
    };
    Ok(format!("{}; {}.", of(SessionState::Running), of(SessionState::Waiting)))
}

fn table(
    sessions: &[(i64, Session)],
    names: &HashMap<TenantId, String>,
    (stops, context): (&[Stop], &Context),
) -> TextTable {
    let columns = ["id", "asked", "kind", "state", "tenant", "for", "what"];
    let mut table = TextTable::new(&columns.map(|name| (name, Align::Left))).cutting(&[
        ("what", 12),
        ("tenant", 8),
        ("for", 8),
    ]);
    for (_, session) in sessions {
        let tenant = names.get(&session.tenant).cloned();
        table.row([
            text::short(&session.id.to_string()).to_owned(),
            text::minute(text::instant(session.asked_us), context.config.time_zone),
            session.kind.as_str().to_owned(),
            state(stops, session),
            printable(&tenant.unwrap_or_else(|| session.tenant.to_string())),
            printable(&session.subject_name),
            printable(&session.title),
        ]);
    }
    table
}

/// Why a session waits that a stop holds.
fn held(stops: &[Stop], session: &Session) -> Option<String> {
    let waits = session.state == SessionState::Waiting;
    core_model::stop::held(stops, session).filter(|_| waits)
}

fn state(stops: &[Stop], session: &Session) -> String {
    match held(stops, session) {
        Some(_) => format!("{}, held", session.state.as_str()),
        None => session.state.as_str().to_owned(),
    }
}

/// For machines, with what holds it.
fn with_held(stops: &[Stop], session: &Session) -> serde_json::Value {
    let mut value = json!(session);
    value["held"] = json!(held(stops, session));
    value
}

async fn show(global: &Global, context: &Context, id: &str) -> Result<(), Failure> {
    let session = one(&context.store, id.trim()).await?;
    let stops = context.store.stops().await?;
    let id = session.id.to_string();
    let query = ActionQuery { session: Some(&id), ..ActionQuery::default() };
    let mut actions = context.store.session_actions(query).await?;
    actions.sort_by_key(|action| action.number);
    if global.json {
        let mut value = with_held(&stops, &session);
        value["actions"] = json!(actions);
        output::json(&value);
        return Ok(());
    }
    let zone = context.config.time_zone;
    let at = |us| text::second(text::instant(us), zone);
    let names = find::tenant_names(&context.store).await?;
    output::line(&printable(&session.title));
    field("id", &session.id.to_string());
    field("for", &session.subject_name);
    field("subject", &session.subject.to_string());
    field("tenant", names.get(&session.tenant).unwrap_or(&session.tenant.to_string()));
    field("deployment", &session.deployment.map(|id| id.to_string()).unwrap_or_default());
    field("kind", session.kind.as_str());
    field("schedule", session.schedule.as_deref().unwrap_or_default());
    field("batch", session.group.as_deref().unwrap_or_default());
    field("state", session.state.as_str());
    field("held", &held(&stops, &session).unwrap_or_default());
    field("word", &session.word);
    field("asked by", &session.asked_by);
    let ticket = session.ticket.as_ref();
    let ticket = ticket.map(|ticket| format!("{} of {}", ticket.key, ticket.connection));
    field("ticket", &ticket.unwrap_or_default());
    field("asked", &at(session.asked_us));
    field("changed", &at(session.changed_us));
    field("acts", &session.act_us.map(at).unwrap_or_default());
    field("postponed", &times(session.postponed));
    show_mail(context, &session).await?;
    field("waits until", &waits_until(&session).map(at).unwrap_or_default());
    field("engine", session.engine.as_deref().unwrap_or_default());
    field("has it until", &session.until_us.map(at).unwrap_or_default());
    field("begun", &times(session.takes));
    field("lost by", session.lost_by.as_deref().unwrap_or_default());
    if actions.is_empty() {
        field("result", &session.result.as_ref().map(ToString::to_string).unwrap_or_default());
    } else {
        text::heading("Actions");
    }
    for action in &actions {
        text::indented(2, &printable(&action.does));
        text::indented(4, &printable(&action.message));
        if let (Some(drift), Some(why)) = (&action.drift, &action.drift_why) {
            text::indented(4, &printable(&format!("{}: {why}", drifted(drift))));
        }
    }
    Ok(())
}

/// Whom the session was told to by mail.
async fn show_mail(context: &Context, session: &Session) -> Result<(), Failure> {
    for told in context.store.notifications(session.id).await? {
        let to = if told.told.is_empty() { told.error } else { Some(told.told.join(", ")) };
        let to = to.map(|to| format!(": {to}")).unwrap_or_default();
        let (kind, state) = (told.kind.as_str(), told.state.as_str());
        field(&format!("mail {kind}"), &format!("{state}{to}"));
    }
    Ok(())
}

/// Why something drifted, as people say it.
pub(super) fn drifted(word: &str) -> &'static str {
    match word {
        "computer" => "the computer changed",
        "rule" => "the rule changed",
        "membership" => "the membership changed",
        "date" => "a date passed",
        _ => "it drifted",
    }
}

fn waits_until(session: &Session) -> Option<i64> {
    session.expires_us.filter(|_| session.state == SessionState::Waiting)
}

fn times(takes: u32) -> String {
    if takes == 0 { String::new() } else { count(u64::from(takes), "time", "times") }
}

async fn cancel(
    global: &Global,
    context: &Context,
    args: &SessionsCancelArgs,
) -> Result<(), Failure> {
    let store = &context.store;
    let by = whoever(args.by.as_deref());
    let (word, now_us) = (format!("taken back by {by}"), Utc::now().timestamp_micros());
    let (of, cancelled) = match &args.id {
        Some(id) => {
            let session = one(store, id.trim()).await?;
            let (state, rules) = (SessionState::Cancelled, &context.config.queue);
            let word = SessionWord {
                state,
                word: &word,
                result: None,
                by: &by,
                take: None,
                rules,
                now_us,
            };
            let told = store.tell_session(session.id, word).await.map_err(over)?;
            (session.id.to_string(), vec![told])
        }
        None => {
            let tenant = tenant(store, args.tenant.as_deref()).await?;
            let (tenant, group) = (tenant.as_deref(), args.group.as_deref());
            let of =
                [tenant.map(|id| format!("tenant {id}")), group.map(|id| format!("group {id}"))];
            let of: Vec<String> = of.into_iter().flatten().collect();
            let of = if of.is_empty() { "all".to_owned() } else { of.join(", ") };
            let running = args.running;
            let filter = CancelFilter { tenant, group, running, ..CancelFilter::default() };
            (of, store.cancel_sessions(filter, &word, now_us).await?)
        }
    };
    let action = if args.id.is_some() { "cancel-session" } else { "cancel-sessions" };
    context.audit(&by, action, &of, &cancelled.len().to_string()).await?;
    core_daemon::tell_tickets(store, &cancelled, now_us).await?;
    if global.json {
        let ids: Vec<String> = cancelled.iter().map(|session| session.id.to_string()).collect();
        output::json(&json!({ "cancelled": cancelled.len(), "ids": ids }));
    } else {
        let were = count(text::len(&cancelled), "session was", "sessions were");
        output::line(&format!("{were} taken back."));
    }
    Ok(())
}

/// It ended before it could be taken back.
fn over(error: Error) -> Failure {
    match error {
        Error::Conflict { constraint } => {
            Failure::usage(constraint).with_remedy("what is over stays as it is")
        }
        error => error.into(),
    }
}

/// The id of a tenant that is named.
async fn tenant(store: &Store, named: Option<&str>) -> Result<Option<String>, Failure> {
    let Some(named) = named else { return Ok(None) };
    let tenant: Tenant = find::one(store, "tenant", named).await?;
    Ok(Some(tenant.id.to_string()))
}

/// The session of an id, or of the beginning of one, with `ses_` or without.
pub(super) async fn one(store: &Store, id: &str) -> Result<Session, Failure> {
    let query = SessionQuery { most: Some(SEARCHED), newest: true, ..SessionQuery::default() };
    let begins = |session: &Session| {
        let whole = session.id.to_string();
        whole.starts_with(id) || text::short(&whole).starts_with(id)
    };
    if let Ok(whole) = id.parse() {
        match store.session(whole).await {
            Err(Error::NotFound { .. }) => {}
            found => return Ok(found?),
        }
    }
    let sessions = store.sessions(query).await?.into_iter().map(|(_, session)| session);
    let mut found = sessions.filter(|session| !id.is_empty() && begins(session));
    match (found.next(), found.next()) {
        (Some(session), None) => Ok(session),
        (Some(one), Some(two)) => {
            let what =
                format!("`{id}` is the beginning of several sessions: {}, {}", one.id, two.id);
            Err(Failure::usage(what).with_remedy("give more of the id"))
        }
        (None, _) => Err(Failure::usage(format!("there is no session `{}`", printable(id)))
            .with_remedy("`linchpin sessions` lists the latest ones")),
    }
}
