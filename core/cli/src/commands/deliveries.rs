//! `linchpin deliveries`: what systems sent by themselves and was given up; and having it tried again.

use chrono::Utc;
use core_store::{Delivery, Store};
use serde_json::{Value, json};

use super::text::{self, count};
use crate::cli::{DeliveriesAction, DeliveriesArgs, Global};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};

/// Those that are listed.
const LISTED: usize = 200;

pub(crate) async fn run(global: &Global, args: &DeliveriesArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    match args.action {
        Some(DeliveriesAction::Retry) => retry(global, &context).await?,
        None => list(global, &context).await?,
    }
    Ok(Exit::Ok)
}

/// Has what was given up tried again; gives how much that is.
pub(super) async fn retried(store: &Store) -> Result<u64, Failure> {
    Ok(store.revive_deliveries(Utc::now().timestamp_micros()).await?)
}

/// What waits and what was given up, for machines.
pub(super) async fn answer(store: &Store) -> Result<Value, Failure> {
    let dead = store.dead_deliveries(LISTED).await?;
    Ok(json!({
        "waiting": store.waiting_deliveries().await?,
        "given_up": store.given_up_deliveries().await?.0,
        "items": dead.iter().map(as_json).collect::<Vec<_>>(),
    }))
}

fn as_json(one: &Delivery) -> Value {
    json!({
        "connection": one.connection, "id": one.id, "attempts": one.attempts,
        "received": text::instant(one.received_us), "hint": one.body, "error": one.error,
    })
}

async fn retry(global: &Global, context: &Context) -> Result<(), Failure> {
    let revived = retried(&context.store).await?;
    if global.json {
        output::json(&json!({ "revived": revived }));
        return Ok(());
    }
    output::line(&match revived {
        0 => "Nothing was given up.".to_owned(),
        some => {
            let some = count(some, "delivery is", "deliveries are");
            format!("{some} tried again by the daemon (`linchpin serve`).")
        }
    });
    Ok(())
}

async fn list(global: &Global, context: &Context) -> Result<(), Failure> {
    let (store, zone) = (&context.store, context.config.time_zone);
    let waiting = store.waiting_deliveries().await?;
    let dead = store.dead_deliveries(LISTED).await?;
    if global.json {
        dead.iter().for_each(|one| output::json(&as_json(one)));
        return Ok(());
    }
    output::line(&match waiting {
        0 => "Nothing waits to be worked off.".to_owned(),
        some => format!("{} to be worked off.", count(some, "delivery waits", "deliveries wait")),
    });
    if dead.is_empty() {
        return Ok(());
    }
    text::heading("Given up");
    let columns = ["received", "connection", "what", "because"].map(|name| (name, Align::Left));
    let mut table = TextTable::new(&columns).cutting(&[("because", 40), ("what", 16)]);
    for one in &dead {
        table.row([
            text::second(text::instant(one.received_us), zone),
            one.connection.clone(),
            printable(&one.body),
            printable(one.error.as_deref().unwrap_or_default()),
        ]);
    }
    table.print();
    output::line("Try them again with `linchpin deliveries retry`.");
    Ok(())
}
