//! `linchpin secrets`: what the hub keeps sealed, and the key that seals it.

use chrono::{SecondsFormat, Utc};
use core_store::{SealingKey, Store};
use serde_json::json;

use super::account::line_of_input;
use super::decide::whoever;
use super::text;
use crate::cli::{Global, SecretsAction};
use crate::config::choices;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};

pub(crate) async fn run(global: &Global, action: &SecretsAction) -> Result<Exit, Failure> {
    if matches!(action, SecretsAction::Key) {
        key(global);
        return Ok(Exit::Ok);
    }
    let context = Context::open(global).await?;
    let (store, by) = (&context.store, whoever(None));
    let now_us = Utc::now().timestamp_micros();
    match action {
        SecretsAction::Set(args) => {
            let keys = context.config.sealing_keys()?;
            let plain = line_of_input("the secret")?;
            store.seal(&keys, &args.name, &plain, now_us).await?;
            context.audit(&by, "set-secret", &args.name, "").await?;
            say(global, &args.name, "is kept");
        }
        SecretsAction::Forget(args) => {
            if !store.forget_secret(&args.name).await? {
                return Err(not_kept(store, &args.name).await?);
            }
            context.audit(&by, "forget-secret", &args.name, "").await?;
            say(global, &args.name, "is forgotten");
        }
        SecretsAction::Rotate => {
            let keys = context.config.sealing_keys()?;
            let count = store.reseal(&keys, now_us).await?;
            let id = keys.current().id();
            let detail = format!("{count} with key {id}");
            context.audit(&by, "rotate-secrets", "", &detail).await?;
            if global.json {
                output::json(&json!({ "resealed": count, "key": id }));
            } else {
                let number = text::count(count as u64, "secret was", "secrets were");
                output::line(&format!("{number} sealed anew; everything is with key {id} now"));
            }
        }
        SecretsAction::List | SecretsAction::Key => list(global, &context).await?,
    }
    Ok(Exit::Ok)
}

/// That nothing of this name is there to be forgotten, and what is.
async fn not_kept(store: &Store, name: &str) -> Result<Failure, Failure> {
    let rows = store.secrets().await?;
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let remedy = match names.is_empty() {
        true => "nothing is kept, so there is nothing to forget".to_owned(),
        false => choices(name, "kept are", names.iter().copied()),
    };
    let what = format!("nothing is kept under the name `{}`", printable(name));
    Ok(Failure::usage(what).with_remedy(remedy))
}

fn key(global: &Global) {
    let key = SealingKey::text(rand::random());
    if global.json {
        output::json(&json!({ "key": key }));
        return;
    }
    output::error_line(
        "keep it in a file that only the hub may read, not with the database and its backups:\n\
         \x20 umask 077; linchpin secrets key > hub.key     and in [secrets]: key = \"file:hub.key\"",
    );
    output::line(&key);
}

fn say(global: &Global, name: &str, became: &str) {
    if global.json {
        output::json(&json!({ "name": name, "state": became }));
    } else {
        output::line(&format!("{name} {became}"));
    }
}

async fn list(global: &Global, context: &Context) -> Result<(), Failure> {
    let rows = context.store.secrets().await?;
    if global.json {
        for row in &rows {
            let at = text::instant(row.changed_us).to_rfc3339_opts(SecondsFormat::Secs, true);
            output::json(&json!({ "name": row.name, "key": row.key_id, "changed": at }));
        }
        return Ok(());
    }
    if rows.is_empty() {
        output::line("nothing is kept");
        return Ok(());
    }
    let columns = ["name", "key", "changed"];
    let mut table = TextTable::new(&columns.map(|column| (column, Align::Left)));
    for row in rows {
        let at = text::minute(text::instant(row.changed_us), context.config.time_zone);
        table.row([row.name, row.key_id, at]);
    }
    table.print();
    Ok(())
}
