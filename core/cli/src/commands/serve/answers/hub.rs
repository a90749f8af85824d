//! What the API answers about the hub itself: what is written back, held, sent and defined; and what takes
//! long, which is kept as a job for `serve::jobs`.

use chrono::Utc;
use core_model::entity::EntityKind;
use core_model::id::JobId;
use core_server::{Ask, Defined, Question, Takes};
use core_store::{Held, NewJob, PushState};
use core_sync::Hub;
use serde_json::{Value, json};

use super::{OfSettings, param};
use crate::cli::{ListArgs, ListKind, ShowKind, WhenArgs, WinnersArgs};
use crate::commands::serve::jobs::Asked;
use crate::commands::{
    connectors, deliveries, expect, list, mail, notify, push, runs, show, text, webhooks, winners,
};
use crate::context::Context;
use crate::failure::Failure;

/// Jobs that wait at once; whoever asks for more is told to wait.
const WAITING: u64 = 100;

pub(super) async fn act(
    of: &OfSettings,
    context: &Context,
    question: &Question,
) -> Result<Value, Failure> {
    match question.ask {
        Ask::Job(takes) => take(of, context, question, takes).await,
        Ask::PushRetry => retry(of, context, question).await,
        Ask::PushOverrule => overrule(of, context, question).await,
        Ask::EnableWebhook => {
            webhooks::enable(context, &question.id).await?;
            Ok(json!({ "name": question.id, "state": "enabled" }))
        }
        Ask::RetryDeliveries => {
            Ok(json!({ "revived": deliveries::retried(&context.store).await? }))
        }
        Ask::Notified => notify::answer(context, &question.id).await,
        Ask::Notify => {
            let person = question.text("person").unwrap_or_default();
            let sees = |tenant: &str| question.sees(Some(tenant));
            let wanted = (person, question.is("remove"));
            notify::change(context, &question.id, wanted, &question.by, &sees).await
        }
        Ask::Defined(_) | Ask::Definition(_) | Ask::Story(_) => shown(context, question).await,
        Ask::Expect | Ask::Winners | Ask::ConnectionGroups => asked(context, question).await,
        _ => told(context, question).await,
    }
}

/// How the hub itself fares.
async fn told(context: &Context, question: &Question) -> Result<Value, Failure> {
    let store = &context.store;
    let connection = param(question, "connection");
    match question.ask {
        Ask::PushFailures => {
            let which = [PushState::Dead, PushState::Retry];
            push::open(store, connection.as_deref(), &which).await
        }
        Ask::PushConflicts => {
            push::open(store, connection.as_deref(), &[PushState::Conflict]).await
        }
        Ask::Held => held(context).await,
        Ask::Run => runs::answer_one(store, &question.id).await,
        Ask::Mail => mail::answer(context).await,
        Ask::Webhooks => webhooks::answer(context).await,
        Ask::Deliveries => deliveries::answer(store).await,
        Ask::Connectors => Ok(connectors::answer(context.registry())),
        _ => Err(Failure::failed("the API asks what the program does not know")),
    }
}

/// What the rules say.
async fn asked(context: &Context, question: &Question) -> Result<Value, Failure> {
    match question.ask {
        Ask::Expect => {
            let (as_of, known_at) = (param(question, "as_of"), param(question, "known_at"));
            expect::answer(context, &WhenArgs { as_of, known_at }).await
        }
        Ask::Winners => {
            let text = |name| question.text(name).map(str::to_owned);
            let (subject, tenant) = (text("subject"), text("tenant"));
            if subject.is_some() == tenant.is_some() {
                return Err(Failure::usage("one is asked about: a subject, or a tenant")
                    .with_remedy("give `subject` or `tenant`"));
            }
            let when = WhenArgs { as_of: text("as_of"), known_at: text("known_at") };
            let onboarding = question.is("onboarding");
            let args = WinnersArgs { subject, tenant, item: text("item"), onboarding, when };
            winners::answer(context, &args).await
        }
        _ => list::groups_of_rmms(context, &listing(ListKind::Groups, question)).await,
    }
}

/// What is defined, and everything about something.
async fn shown(context: &Context, question: &Question) -> Result<Value, Failure> {
    let kind = match question.ask {
        Ask::Defined(kind) => {
            return list::defined(context, &listing(listed(kind), question)).await;
        }
        Ask::Definition(kind) => return defined(context, kind, &question.id).await,
        Ask::Story(EntityKind::Person) => ShowKind::Person,
        Ask::Story(EntityKind::Tenant) => ShowKind::Tenant,
        _ => ShowKind::Computer,
    };
    show::answer(context, kind, &question.id).await
}

fn listing(kind: ListKind, question: &Question) -> ListArgs {
    ListArgs {
        kind,
        tenant: param(question, "tenant"),
        name: param(question, "name"),
        gone: false,
        limit: usize::MAX,
    }
}

/// Has what failed tried again, with a push as a job.
async fn retry(of: &OfSettings, context: &Context, question: &Question) -> Result<Value, Failure> {
    let connections = question.texts("connections");
    must_push(of, context, &connections)?;
    let retried = push::retried(context, &connections, question.text("computer")).await?;
    if retried == 0 {
        return Ok(json!({ "retried": 0, "job": null }));
    }
    let asked = Asked { connections, ..Asked::default() };
    let mut kept = keep(of, context, question, Takes::Push, &asked).await?;
    kept["retried"] = retried.into();
    Ok(kept)
}

/// Has an object written once more, with a push as a job.
async fn overrule(
    of: &OfSettings,
    context: &Context,
    question: &Question,
) -> Result<Value, Failure> {
    let text = |name| question.text(name).unwrap_or_default();
    let connections = vec![text("connection").to_owned()];
    must_push(of, context, &connections)?;
    push::overruled(context, text("connection"), text("object")).await?;
    let asked = Asked { connections, ..Asked::default() };
    keep(of, context, question, Takes::Push, &asked).await
}

/// Keeps what takes long as a job, if it can be done at all.
async fn take(
    of: &OfSettings,
    context: &Context,
    question: &Question,
    takes: Takes,
) -> Result<Value, Failure> {
    let mut asked = Asked {
        connections: question.texts("connections"),
        stream: question.text("stream").map(str::to_owned),
        full: question.is("full"),
        dry_run: question.is("dry_run"),
        verify: question.is("verify"),
    };
    match takes {
        Takes::Push => must_push(of, context, &asked.connections)?,
        Takes::AcceptDeletions => {
            asked.connections =
                question.text("connection").map(str::to_owned).into_iter().collect();
            must_be(of, context, &asked)?;
            must_be_held(context, question, &asked).await?;
        }
        Takes::SyncDryRun | Takes::Collect => must_be(of, context, &asked)?,
        Takes::Check => {
            context.config.named(&asked.connections)?;
        }
        Takes::Rebuild => {}
        Takes::MailTest => {
            if context.config.mail_server()?.is_none() {
                return Err(mail::unset());
            }
        }
    }
    keep(of, context, question, takes, &asked).await
}

/// Keeps a job, and has it begun.
async fn keep(
    of: &OfSettings,
    context: &Context,
    question: &Question,
    takes: Takes,
    asked: &Asked,
) -> Result<Value, Failure> {
    let now_us = Utc::now().timestamp_micros();
    let about = json!(asked).to_string();
    // Two daemons may be asked in the same microsecond, so that it needs something that only one has.
    let random = rand::random::<u64>();
    let id = JobId::of_text(&format!("{}\n{}\n{random}", question.by, takes.as_str()), now_us);
    let id = id.to_string();
    let job = NewJob { id: &id, work: takes.as_str(), about: &about, by: &question.by, now_us };
    if !context.store.add_job(&job, WAITING).await? {
        return Err(Failure::held(format!("{WAITING} jobs wait already"))
            .with_remedy("wait until some are done; GET /v1/jobs lists them"));
    }
    of.jobs.notify_one();
    Ok(json!({ "job": id, "work": takes.as_str(), "state": "waiting" }))
}

/// Refuses connections that are not there or not enabled, and streams that they do not have.
fn must_be(of: &OfSettings, context: &Context, asked: &Asked) -> Result<(), Failure> {
    context.config.named(&asked.connections)?;
    let hub = &of.desks.borrow().hub;
    hub.named(&asked.connections)?;
    match &asked.stream {
        Some(stream) => must_have(hub, &asked.connections, stream),
        None => Ok(()),
    }
}

/// Refuses a stream that one of these connections does not have.
pub(super) fn must_have(hub: &Hub, connections: &[String], stream: &str) -> Result<(), Failure> {
    for connection in hub.named(connections)? {
        let streams = connection.connector.streams();
        if !streams.iter().any(|one| one.name == stream) {
            let known: Vec<&str> = streams.iter().map(|one| one.name).collect();
            return Err(core_sync::Error::UnknownStream {
                connection: connection.name.clone(),
                name: stream.to_owned(),
                known: known.join(", "),
            }
            .into());
        }
    }
    Ok(())
}

fn must_push(of: &OfSettings, context: &Context, connections: &[String]) -> Result<(), Failure> {
    context.config.named(connections)?;
    push::must_be_pushed(&of.desks.borrow().hub, connections)
}

/// Refuses where nothing is held, or another number than was looked at.
async fn must_be_held(
    context: &Context,
    question: &Question,
    asked: &Asked,
) -> Result<(), Failure> {
    let of = |held: &&Held| {
        asked.connections.contains(&held.stream.connection)
            && asked.stream.as_ref().is_none_or(|stream| *stream == held.stream.stream)
    };
    let held = context.store.held().await?;
    let now: u64 = held.iter().filter(of).map(|held| held.count).sum();
    let seen = question.body.get("count").and_then(Value::as_u64);
    match seen {
        _ if now == 0 => Err(Failure::held("no deletion is held there")
            .with_remedy("GET /v1/held-deletions lists where some are")),
        Some(seen) if seen != now => {
            Err(Failure::held(format!("{now} deletions are held by now, and not {seen}"))
                .with_remedy("look at them again: GET /v1/held-deletions"))
        }
        _ => Ok(()),
    }
}

/// What the guard holds, by stream.
async fn held(context: &Context) -> Result<Value, Failure> {
    let items = context.store.held().await?.into_iter().map(|held| {
        json!({
            "connection": held.stream.connection,
            "stream": held.stream.stream,
            "scope": held.stream.scope,
            "scope_name": held.stream.scope_name,
            "count": held.count,
            "since": text::instant(held.since_us),
            "sample": held.sample,
        })
    });
    Ok(json!({ "items": items.collect::<Vec<_>>() }))
}

fn listed(kind: Defined) -> ListKind {
    match kind {
        Defined::Software => ListKind::Software,
        Defined::Tasks => ListKind::Tasks,
        Defined::Tags => ListKind::Tags,
        Defined::Deployments => ListKind::Deployments,
        Defined::Expectations => ListKind::Expectations,
    }
}

/// Something that is defined, in full. What was asked for is not repeated: it may be anything.
async fn defined(context: &Context, kind: Defined, which: &str) -> Result<Value, Failure> {
    let (kind, word) = match kind {
        Defined::Software => (ShowKind::Software, "software"),
        Defined::Tasks => (ShowKind::Task, "task"),
        _ => (ShowKind::Deployment, "deployment"),
    };
    show::answer(context, kind, which).await.map_err(|failure| match failure.is_usage() {
        true => Failure::usage(format!("there is no {word} of that id or name, or several"))
            .with_remedy("ids are surest; the list has them"),
        false => failure,
    })
}
