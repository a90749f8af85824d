//! `linchpin mail`: how mail about what waits for people fares; `test` sends a trial.

use core_daemon::MAIL;
use core_store::{Store, WebhookState};
use serde_json::json;

use super::text;
use crate::cli::{Global, MailAction, MailArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::mail;
use crate::output::{self, printable};

pub(crate) async fn run(global: &Global, args: &MailArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    match args.action {
        Some(MailAction::Test) => test(global, &context).await?,
        None => show(global, &context).await?,
    }
    Ok(Exit::Ok)
}

async fn test(global: &Global, context: &Context) -> Result<(), Failure> {
    let Some(server) = context.config.mail_server()? else { return Err(unset()) };
    let letter = mail::trial(context.config.public_url());
    let to: Vec<String> = server.to.iter().map(ToString::to_string).collect();
    let answer = mail::send(&server, letter)
        .await
        .map_err(|why| Failure::failed(format!("no mail was sent: {why}")))?;
    end_the_wait(&context.store).await?;
    if global.json {
        output::json(&json!({ "to": to, "server": server.host, "answer": answer }));
        return Ok(());
    }
    output::line(&format!(
        "{} took a mail to {}: {}",
        server.host,
        to.join(", "),
        printable(&answer)
    ));
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

async fn show(global: &Global, context: &Context) -> Result<(), Failure> {
    if context.config.mailing().is_none() {
        return Err(unset());
    }
    let state = context.store.webhooks().await?.remove(MAIL).unwrap_or_default();
    let told = context.store.announced(MAIL).await?.len();
    let time = |at: Option<i64>| at.map(text::instant);
    let word = match (state.attempts, state.delivered_us) {
        (0, None) => "none was sent yet",
        (0, Some(_)) => "ok",
        _ => "failing",
    };
    if global.json {
        output::json(&json!({
            "state": word, "sent": time(state.delivered_us), "needs_told": told,
            "attempts": state.attempts, "failing_since": time(state.failing_us),
            "next_try": time(state.next_try_us), "error": state.error,
        }));
        return Ok(());
    }
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
    if let Some(error) = &state.error {
        let (since, next) = (at(state.failing_us), at(state.next_try_us));
        text::indented(
            2,
            &format!("failing since {since}, tried again at {next}: {}", printable(error)),
        );
    }
    Ok(())
}

fn unset() -> Failure {
    Failure::usage("no mail is sent: [mail] of the settings names no server")
        .with_remedy("set `server`, `from` and `to` in [mail]; config/default.toml explains them")
}
