//! `linchpin mail`: how mail fares; `test` sends a trial, `preview` writes one about a session.

use chrono::{TimeDelta, Utc};
use core_daemon::MAIL;
use core_store::{Store, WebhookState};
use serde_json::{Map, Value, json};

use super::text;
use crate::cli::{Global, MailAction, MailArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::mail;
use crate::output::{self, printable};

mod preview;

/// How far back notifications are counted.
const COUNTED: TimeDelta = TimeDelta::days(7);

pub(crate) async fn run(global: &Global, args: &MailArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    match &args.action {
        Some(MailAction::Test) => test(global, &context).await?,
        Some(MailAction::Preview(args)) => preview::run(global, context, args).await?,
        None => show(global, &context).await?,
    }
    Ok(Exit::Ok)
}

/// Sends a trial; what was not sent waits no longer for its next try.
pub(super) async fn trial(context: &Context) -> Result<Value, Failure> {
    let Some(server) = context.config.mail_server()? else { return Err(unset()) };
    let letter = mail::trial(context.config.public_url());
    let to: Vec<String> = server.to.iter().map(ToString::to_string).collect();
    let answer = mail::send(&server, letter)
        .await
        .map_err(|why| Failure::failed(format!("no mail was sent: {why}")))?;
    end_the_wait(&context.store).await?;
    Ok(json!({ "to": to, "server": server.host, "answer": answer }))
}

async fn test(global: &Global, context: &Context) -> Result<(), Failure> {
    let took = trial(context).await?;
    if global.json {
        output::json(&took);
        return Ok(());
    }
    let text = |name: &str| took[name].as_str().unwrap_or_default().to_owned();
    let to: Vec<&str> =
        took["to"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let (server, answer) = (text("server"), printable(&text("answer")).to_string());
    output::line(&format!("{server} took a mail to {}: {answer}", to.join(", ")));
    Ok(())
}

/// What was not sent waits no longer for its next try: mail arrives.
async fn end_the_wait(store: &Store) -> Result<(), Failure> {
    let known = store.webhooks().await?.remove(MAIL).unwrap_or_default();
    if known.attempts == 0 && known.next_try_us.is_none() {
        return Ok(());
    }
    let (spec, delivered_us) = (known.spec, known.delivered_us);
    store
        .put_webhook(MAIL, &WebhookState { spec, delivered_us, ..WebhookState::default() })
        .await?;
    Ok(())
}

/// How it fares: the state, a word for it, and how many needs were told.
async fn standing(context: &Context) -> Result<(WebhookState, &'static str, usize), Failure> {
    if context.config.mailing().is_none() {
        return Err(unset());
    }
    let state = context.store.webhooks().await?.remove(MAIL).unwrap_or_default();
    let told = context.store.announced(MAIL).await?.len();
    let word = match (state.attempts, state.delivered_us) {
        (0, None) => "none was sent yet",
        (0, Some(_)) => "ok",
        _ => "failing",
    };
    Ok((state, word, told))
}

/// How it fares, for machines.
pub(super) async fn answer(context: &Context) -> Result<Value, Failure> {
    let (state, word, told) = standing(context).await?;
    let time = |at: Option<i64>| at.map(text::instant);
    Ok(json!({
        "state": word, "sent": time(state.delivered_us), "needs_told": told,
        "attempts": state.attempts, "failing_since": time(state.failing_us),
        "next_try": time(state.next_try_us), "error": state.error,
        "notifications": notifications(context).await?,
    }))
}

/// How many mails about sessions stand where, of the last seven days.
async fn notifications(context: &Context) -> Result<Map<String, Value>, Failure> {
    let since = (Utc::now() - COUNTED).timestamp_micros();
    let counted = context.store.count_notifications(since).await?;
    Ok(counted.into_iter().map(|(state, all)| (state.as_str().to_owned(), all.into())).collect())
}

async fn show(global: &Global, context: &Context) -> Result<(), Failure> {
    if global.json {
        output::json(&answer(context).await?);
        return Ok(());
    }
    let (state, word, told) = standing(context).await?;
    let time = |at: Option<i64>| at.map(text::instant);
    let zone = context.config.time_zone;
    let at = |at: Option<i64>| time(at).map(|at| text::second(at, zone)).unwrap_or_default();
    output::line(&format!("mail: {word}"));
    if state.delivered_us.is_some() {
        text::indented(2, &format!("the last one was sent at {}", at(state.delivered_us)));
    }
    if told > 0 {
        let needs = text::count(told as u64, "need", "needs");
        text::indented(2, &format!("{needs} told that are not over yet, as far as mail goes"));
    }
    let counted = notifications(context).await?;
    if !counted.is_empty() {
        let words: Vec<String> =
            counted.iter().map(|(state, all)| format!("{all} {state}")).collect();
        let words = words.join(", ");
        text::indented(2, &format!("mails about sessions in the last seven days: {words}"));
    }
    if let Some(error) = &state.error {
        let (since, next) = (at(state.failing_us), at(state.next_try_us));
        text::indented(
            2,
            &format!("failing since {since}, tried again at {next}: {}", printable(error)),
        );
    }
    Ok(())
}

pub(super) fn unset() -> Failure {
    Failure::usage("no mail is sent: [mail] of the settings names no server")
        .with_remedy("set `server`, `from` and `to` in [mail]; config/default.toml explains them")
}
