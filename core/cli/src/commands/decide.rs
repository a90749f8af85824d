//! `linchpin decide`: a human answers a question that the rules leave open. Decisions are kept by
//! source records, so they hold over every sync and rebuild.

use std::sync::Arc;

use chrono::Utc;
use core_model::decision::Settled;
use core_model::entity::{Agent, Choice, Computer, Question};
use core_model::id::AgentId;
use core_model::{RecordKind, RecordRef};
use core_store::Store;
use core_sync::Quiet;
use serde_json::{Value, json};

use super::changes::{self, Changed};
use super::{find, text};
use crate::cli::{DecideArgs, Global};
use crate::config::choices;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;

pub(crate) async fn run(global: &Global, args: &DecideArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let (settled, what) = settled(&context.store, &args.id, &args.choice).await?;
    settle(global, &context, &settled, args.by.as_deref(), &what).await
}

/// What is settled where a question is answered so, and the same in words.
pub(super) async fn settled(
    store: &Store,
    id: &str,
    answer: &str,
) -> Result<(Settled, String), Failure> {
    let question: Question = find::one(store, "decision", id.trim()).await?;
    let choice = choice(&question, answer.trim())?;
    let agent = record(store, question.agent).await?;
    let with = other(store, &question).await?;
    let what = format!("{}: {}", question.text, choice.as_str());
    Ok((Settled::Agents { agent, with, choice }, what))
}

/// Notes a decision, derives the model from it, and says what changed.
pub(super) async fn settle(
    global: &Global,
    context: &Context,
    settled: &Settled,
    by: Option<&str>,
    what: &str,
) -> Result<Exit, Failure> {
    let by = whoever(by);
    let noted = note(context, settled, &by).await?;
    context.audit(&by, action(settled), "", what).await?;
    if global.json {
        output::json(&noted.as_json(&by, settled));
    } else {
        text::wrapped("", 2, &format!("{what} (decision {}, by {by})", noted.number));
        changes::print(&noted.changed);
    }
    Ok(Exit::Ok)
}

/// What the log of changes calls it.
fn action(settled: &Settled) -> &'static str {
    match settled {
        Settled::LinkClient { .. } => "link-client",
        Settled::Agents { .. } => "decide",
        Settled::PinPrimary { .. } | Settled::UnpinPrimary { .. } => "pin-computer",
        Settled::Onboarded { .. } => "onboarded",
    }
}

/// A decision that is noted, and what came of it.
pub(super) struct Noted {
    pub(super) number: i64,
    events: u64,
    changed: Vec<Changed>,
}

impl Noted {
    pub(super) fn as_json(&self, by: &str, settled: &Settled) -> Value {
        let listed: Vec<Value> = self.changed.iter().map(Changed::as_json).collect();
        json!({
            "number": self.number,
            "by": by,
            "settled": settled,
            "events": self.events,
            "changed": listed,
        })
    }
}

/// Notes a decision and derives the model from it.
pub(super) async fn note(context: &Context, settled: &Settled, by: &str) -> Result<Noted, Failure> {
    let store = &context.store;
    let before = store.last_event_seq().await?;
    let now_us = Utc::now().timestamp_micros();
    let number = store.add_decision(settled, by, now_us).await?;
    let derived = context.offline_hub(Arc::new(Quiet)).derive().await?;
    let changed = changes::since(store, before).await?;
    Ok(Noted { number, events: derived.events, changed })
}

fn choice(question: &Question, text: &str) -> Result<Choice, Failure> {
    let offered = Choice::parse(&text.to_lowercase());
    offered.filter(|choice| question.choices.contains(choice)).ok_or_else(|| {
        let words = question.choices.iter().map(|choice| choice.as_str());
        Failure::usage(format!("`{text}` is no answer to: {}", question.text))
            .with_remedy(choices(text, "answers", words))
    })
}

/// The source record of an agent.
pub(super) async fn record(store: &Store, agent: AgentId) -> Result<RecordRef, Failure> {
    let found: Option<Agent> = find::by_id(store, &agent.to_string()).await?;
    let agent = found.ok_or_else(|| {
        Failure::failed(format!("agent {agent} of the question is not in the model"))
            .with_remedy("run `linchpin rebuild`")
    })?;
    Ok(RecordRef::new(agent.connection, RecordKind::Agent, agent.scope, agent.key))
}

/// The first agent of the computer that the question names, where it names one.
async fn other(store: &Store, question: &Question) -> Result<Option<RecordRef>, Failure> {
    let Some(id) = question.computers.first() else { return Ok(None) };
    let computer: Option<Computer> = find::by_id(store, &id.to_string()).await?;
    let agents = computer.map(|computer| computer.agents).unwrap_or_default();
    match agents.into_iter().find(|agent| *agent != question.agent) {
        Some(agent) => Ok(Some(record(store, agent).await?)),
        None => Ok(None),
    }
}

/// Who does it: the one who is named, or the user of this terminal.
pub(super) fn whoever(named: Option<&str>) -> String {
    if let Some(name) = named {
        return name.to_owned();
    }
    let names = ["USER", "USERNAME", "LOGNAME"].into_iter();
    let name = names.filter_map(std::env::var_os).find(|name| !name.is_empty());
    name.map_or_else(|| "unknown".to_owned(), |name| name.to_string_lossy().into_owned())
}
