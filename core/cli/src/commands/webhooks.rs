//! `linchpin webhooks`: where the hub tells of what happens, and how each endpoint fares.

use core_daemon::MAIL;
use core_store::WebhookState;
use serde_json::{Value, json};

use super::text;
use crate::cli::{Global, WebhooksAction, WebhooksArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};

pub(crate) async fn run(global: &Global, args: &WebhooksArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    match &args.action {
        Some(WebhooksAction::Enable { name }) => {
            enable(&context, name).await?;
            output::line(&format!("{} is told again, from where it was.", printable(name)));
        }
        None => list(global, &context).await?,
    }
    Ok(Exit::Ok)
}

/// How an endpoint of the settings fares.
struct Line<'a> {
    name: &'a str,
    url: &'a str,
    state: WebhookState,
    word: &'static str,
    /// Events that were not told to it.
    behind: i64,
}

async fn lines(context: &Context) -> Result<Vec<Line<'_>>, Failure> {
    let known = context.store.webhooks().await?;
    let last = context.store.last_event_seq().await?;
    let mut lines = Vec::new();
    for one in context.config.webhooks() {
        let state = known.get(&one.name).cloned().unwrap_or_default();
        let behind = match state.spec.as_str() {
            "" => 0,
            _ => last - context.store.cursor(&format!("webhook/{}", one.name)).await?,
        };
        let word = match (state.disabled_us, state.attempts, state.spec.as_str()) {
            (Some(_), ..) => "given up",
            (None, 0, "") => "never told",
            (None, 0, _) => "ok",
            _ => "failing",
        };
        lines.push(Line { name: &one.name, url: &one.url, state, word, behind });
    }
    Ok(lines)
}

impl Line<'_> {
    fn as_json(&self) -> Value {
        let time = |at: Option<i64>| at.map(text::instant);
        let state = &self.state;
        json!({
            "name": self.name, "url": self.url, "state": self.word, "behind": self.behind,
            "attempts": state.attempts, "failing_since": time(state.failing_us),
            "next_try": time(state.next_try_us), "disabled": time(state.disabled_us),
            "delivered": time(state.delivered_us), "error": state.error,
        })
    }
}

/// How each endpoint fares, for machines.
pub(super) async fn answer(context: &Context) -> Result<Value, Failure> {
    let items: Vec<Value> = lines(context).await?.iter().map(Line::as_json).collect();
    Ok(json!({ "items": items }))
}

/// Has an endpoint that was given up told again, from where it was.
pub(super) async fn enable(context: &Context, name: &str) -> Result<(), Failure> {
    let known = context.store.webhooks().await?;
    // Mail is kept beside them, and is none of them.
    let Some(state) = known.get(name).filter(|_| name != MAIL) else {
        let what = format!("nothing was ever told to a webhook `{}`", printable(name));
        return Err(Failure::usage(what).with_remedy("`linchpin webhooks` lists them"));
    };
    let state = WebhookState {
        spec: state.spec.clone(),
        delivered_us: state.delivered_us,
        ..WebhookState::default()
    };
    context.store.put_webhook(name, &state).await?;
    Ok(())
}

async fn list(global: &Global, context: &Context) -> Result<(), Failure> {
    let lines = lines(context).await?;
    if global.json {
        lines.iter().for_each(|line| output::json(&line.as_json()));
        return Ok(());
    }
    let mut table = TextTable::new(&[
        ("name", Align::Left),
        ("state", Align::Left),
        ("behind", Align::Right),
        ("arrived", Align::Left),
        ("because", Align::Left),
    ])
    .cutting(&[("because", 40)]);
    let zone = context.config.time_zone;
    for Line { name, state, word, behind, .. } in &lines {
        table.row([
            printable(name),
            (*word).to_owned(),
            behind.to_string(),
            state.delivered_us.map(|at| text::minute(text::instant(at), zone)).unwrap_or_default(),
            printable(state.error.as_deref().unwrap_or_default()),
        ]);
    }
    match table.is_empty() {
        true => output::line("There is no [[webhook]] in the settings."),
        false => table.print(),
    }
    Ok(())
}
