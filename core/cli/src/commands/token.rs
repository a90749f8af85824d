//! `linchpin token`: tokens of the service's API. A token is printed once, when it is made.

use chrono::{SecondsFormat, TimeDelta, Utc};
use core_store::{Error, NewToken, Store, Token, TokenRow};
use serde_json::{Value, json};

use super::decide::whoever;
use super::{find, text};
use crate::cli::{Global, TokenAction, TokenCreateArgs, TokenRevokeArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};

pub(crate) async fn run(global: &Global, action: &TokenAction) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    match action {
        TokenAction::Create(args) => create(global, &context, args).await?,
        TokenAction::List => list(global, &context).await?,
        TokenAction::Revoke(args) => revoke(global, &context, args).await?,
    }
    Ok(Exit::Ok)
}

/// Makes a token and prints it.
async fn create(global: &Global, context: &Context, args: &TokenCreateArgs) -> Result<(), Failure> {
    let store = &context.store;
    let tenants = find::tenants(store, &args.tenant).await?;
    let ids = find::ids(&tenants);
    let now = Utc::now();
    let expires = args.expires.0.map(|days| now + TimeDelta::days(i64::from(days)));
    let by = whoever(args.by.as_deref());
    let new = NewToken {
        name: &args.name,
        role: args.role.into(),
        tenants: (!ids.is_empty()).then_some(&*ids),
        by: &by,
        expires_us: expires.map(|at| at.timestamp_micros()),
        now_us: now.timestamp_micros(),
    };
    let token = Token::from_random(rand::random());
    store.add_token(&token, &new).await.map_err(|error| taken(error, &args.name))?;
    context.audit(&by, "make-token", &args.name, new.role.as_str()).await?;
    if global.json {
        let row = known(store, &args.name).await?;
        let mut made = as_json(&row, now.timestamp_micros());
        made["token"] = token.reveal().into();
        output::json(&made);
        return Ok(());
    }
    let names: Vec<String> = tenants.iter().map(|tenant| printable(&tenant.name)).collect();
    let whose = if names.is_empty() { "all tenants".to_owned() } else { names.join(", ") };
    let until = match expires {
        Some(at) => format!("until {}", text::minute(at, context.config.time_zone)),
        None => "until it is revoked".to_owned(),
    };
    let role = new.role.as_str();
    output::error_line(&format!("{role} for {whose}, {until}; it is shown this once"));
    output::line(token.reveal());
    Ok(())
}

/// A name is given once.
fn taken(error: Error, name: &str) -> Failure {
    match error {
        Error::Conflict { .. } => Failure::usage(format!("there is, or was, a token `{name}`"))
            .with_remedy("choose another name, so that the log says which of them it was"),
        error => error.into(),
    }
}

async fn known(store: &Store, name: &str) -> Result<TokenRow, Failure> {
    store.token_named(name).await?.ok_or_else(|| {
        Failure::usage(format!("there is no token `{}`", printable(name)))
            .with_remedy("`linchpin token list` names them all")
    })
}

async fn list(global: &Global, context: &Context) -> Result<(), Failure> {
    let rows = context.store.tokens().await?;
    let now_us = Utc::now().timestamp_micros();
    if global.json {
        rows.iter().for_each(|row| output::json(&as_json(row, now_us)));
        return Ok(());
    }
    if rows.is_empty() {
        output::line("there is no token; `linchpin token create` makes one");
        return Ok(());
    }
    let names = find::tenant_names(&context.store).await?;
    let minute = |us: Option<i64>, or: &str| {
        let shown = |us| text::minute(text::instant(us), context.config.time_zone);
        us.map_or_else(|| or.to_owned(), shown)
    };
    let columns = ["name", "role", "tenants", "by", "used", "ends", "state"];
    let mut table = TextTable::new(&columns.map(|column| (column, Align::Left)))
        .cutting(&[("tenants", 16), ("by", 12)]);
    for row in rows {
        let name = |id: &String| {
            let name = id.parse().ok().and_then(|id| names.get(&id));
            name.unwrap_or(id).clone()
        };
        let tenants = row.tenants.as_ref().map(|ids| ids.iter().map(name).collect::<Vec<_>>());
        table.row([
            row.name.clone(),
            row.role.as_str().to_owned(),
            tenants.map_or_else(|| "all".to_owned(), |names| names.join(", ")),
            row.created_by.clone(),
            minute(row.last_used_us, "never"),
            minute(row.expires_us, "never"),
            state(&row, now_us).to_owned(),
        ]);
    }
    table.print();
    Ok(())
}

async fn revoke(global: &Global, context: &Context, args: &TokenRevokeArgs) -> Result<(), Failure> {
    let store = &context.store;
    let before = known(store, &args.name).await?;
    let by = whoever(args.by.as_deref());
    let now_us = Utc::now().timestamp_micros();
    store.revoke_token(&args.name, &by, now_us).await?;
    context.audit(&by, "revoke-token", &args.name, "").await?;
    if global.json {
        output::json(&as_json(&known(store, &args.name).await?, now_us));
    } else if let Some(by) = before.revoked_by {
        output::line(&format!("{} was revoked already, by {}", args.name, printable(&by)));
    } else {
        output::line(&format!("{} opens nothing any more", args.name));
    }
    Ok(())
}

/// Whether it opens anything, in a word.
fn state(row: &TokenRow, now_us: i64) -> &'static str {
    match row.revoked_us {
        Some(_) => "revoked",
        None if row.holds(now_us) => "holds",
        None => "expired",
    }
}

fn as_json(row: &TokenRow, now_us: i64) -> Value {
    let instant =
        |us: Option<i64>| us.map(|us| text::instant(us).to_rfc3339_opts(SecondsFormat::Secs, true));
    json!({
        "name": row.name,
        "role": row.role,
        "tenants": row.tenants,
        "state": state(row, now_us),
        "created": instant(Some(row.created_us)),
        "created_by": row.created_by,
        "expires": instant(row.expires_us),
        "last_used": instant(row.last_used_us),
        "revoked": instant(row.revoked_us),
        "revoked_by": row.revoked_by,
    })
}
