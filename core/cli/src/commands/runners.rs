//! `linchpin runners`: the machines that enrolled at this hub, and the tokens that they enrol with.

use chrono::{SecondsFormat, TimeDelta, Utc};
use core_model::RecordKind;
use core_model::decision::Settled;
use core_model::entity::{Client, LinkReason, Tenant};
use core_model::record::RecordRef;
use core_runner_hub::{evidence, is_online};
use core_store::{EnrolmentToken, NewRunnerToken, RunnerClient, RunnerRow, RunnerTokenRow, Store};
use serde_json::{Value, json};

use super::decide::{note, whoever};
use super::{find, link, text};
use crate::cli::{Global, RunnersAction, RunnersArgs, RunnersTokenArgs};
use crate::config::RUNNER;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};

pub(crate) async fn run(global: &Global, args: &RunnersArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    match &args.action {
        None => list(global, &context, args.tokens).await?,
        Some(RunnersAction::Token(args)) => token(global, &context, args).await?,
        Some(RunnersAction::Revoke(args)) => {
            let tokens = context.store.runner_tokens().await?;
            let ids = tokens.iter().map(|row| row.id.as_str());
            let id = named("enrolment token", "runners --tokens", &args.id, ids)?;
            let now_us = Utc::now().timestamp_micros();
            context.store.revoke_runner_token(&id, now_us).await?;
            let by = whoever(args.by.as_deref());
            context.audit(&by, "revoke-enrolment-token", &id, "").await?;
            say(global, &id, "revoked", "opens nothing any more");
        }
        Some(RunnersAction::Remove(args)) => {
            let rows = context.store.runners().await?;
            let ids = rows.iter().map(|row| row.id.as_str());
            let id = named("runner", "runners", &args.id, ids)?;
            let by = whoever(args.by.as_deref());
            let now_us = Utc::now().timestamp_micros();
            context.store.remove_runner(&id, &by, now_us).await?;
            context.audit(&by, "remove-runner", &id, "").await?;
            say(global, &id, "removed", "is no runner any more");
        }
    }
    Ok(Exit::Ok)
}

fn say(global: &Global, id: &str, state: &str, words: &str) {
    if global.json {
        output::json(&json!({ "id": id, "state": state }));
    } else {
        output::line(&format!("{id} {words}"));
    }
}

/// The only id that begins like this.
fn named<'a>(
    word: &str,
    list: &str,
    text: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<String, Failure> {
    let text = text.trim();
    let found: Vec<&str> = ids.filter(|id| !text.is_empty() && id.starts_with(text)).collect();
    match found.as_slice() {
        [id] => Ok((*id).to_owned()),
        [] => Err(Failure::usage(format!("there is no {word} `{}`", printable(text)))
            .with_remedy(format!("`linchpin {list}` lists them"))),
        _ => {
            Err(Failure::usage(format!("{} of them begin with `{}`", found.len(), printable(text)))
                .with_remedy("write more of the id"))
        }
    }
}

/// The connection of runners.
fn connection(context: &Context) -> Result<String, Failure> {
    let connections = &context.config.connections;
    let found = connections.iter().find(|one| one.enabled && one.kind == RUNNER);
    found.map(|one| one.name.clone()).ok_or_else(|| {
        Failure::usage("no enabled connection is of kind `runner`")
            .with_remedy("add a [[connection]] with `name = \"runner\"` and `kind = \"runner\"`")
    })
}

/// Makes a token and prints it.
async fn token(global: &Global, context: &Context, args: &RunnersTokenArgs) -> Result<(), Failure> {
    let connection = connection(context)?;
    // Without a key to seal with nobody could enrol.
    context.config.sealing_keys()?;
    let by = whoever(args.by.as_deref());
    let (client, linked) = match (&args.tenant, &args.new_tenant) {
        (Some(tenant), _) => of_tenant(context, &connection, tenant).await?,
        (None, Some(name)) => (own(context, name).await?, None),
        (None, None) => return Err(Failure::usage("name a tenant with `--tenant`")),
    };
    let now = Utc::now();
    let expires = now + TimeDelta::hours(i64::from(args.expires));
    let id = format!("{:08x}", rand::random::<u32>());
    let token = EnrolmentToken::from_random(rand::random());
    let new = NewRunnerToken {
        id: &id,
        client: &client,
        uses: i64::from(args.uses),
        expires_us: expires.timestamp_micros(),
        by: &by,
        now_us: now.timestamp_micros(),
    };
    if let Some(settled) = linked {
        note(context, &settled, &by).await?;
    }
    context.store.add_runner_token(&token, &new).await?;
    let detail = format!("{} uses for {}", args.uses, client.name);
    context.audit(&by, "make-enrolment-token", &id, &detail).await?;
    if global.json {
        output::json(&json!({
            "id": id,
            "token": token.reveal(),
            "client": client.key,
            "tenant": client.name,
            "uses": args.uses,
            "expires": expires.to_rfc3339_opts(SecondsFormat::Secs, true),
        }));
        return Ok(());
    }
    let until = text::minute(expires, context.config.time_zone);
    let machines = text::count(u64::from(args.uses), "machine", "machines");
    let name = printable(&client.name);
    output::error_line(&format!(
        "enrolment token {id} for {machines} of {name}, until {until}; it is shown this once"
    ));
    output::line(token.reveal());
    Ok(())
}

/// The client that stands for a tenant, and the decision that links it, where it needs one.
async fn of_tenant(
    context: &Context,
    connection: &str,
    named: &str,
) -> Result<(RunnerClient, Option<Settled>), Failure> {
    let store = &context.store;
    let tenant: Tenant = find::one(store, "tenant", named).await?;
    let ids: Vec<String> = tenant.clients.iter().map(ToString::to_string).collect();
    let mut clients: Vec<Client> = find::by_ids(store, &ids).await?;
    if let Some(ours) = clients.iter().find(|client| client.connection == connection) {
        return Ok((RunnerClient { key: ours.key.clone(), name: ours.name.clone() }, None));
    }
    clients
        .sort_by_key(|one| (one.gone, one.reason != Some(LinkReason::Created), one.id.to_string()));
    let Some(anchor) = clients.first() else {
        let what = format!("{} consists of no client any more", tenant.name);
        return Err(Failure::failed(what).with_remedy("run `linchpin rebuild`"));
    };
    let with = link::record(store, anchor).await?;
    let key = tenant.id.to_string();
    let client = RecordRef::new(connection, RecordKind::Client, "", &*key);
    let settled = Settled::LinkClient { client, with: Some(with) };
    Ok((RunnerClient { key, name: tenant.name }, Some(settled)))
}

/// The client of a tenant that only runners know.
async fn own(context: &Context, name: &str) -> Result<RunnerClient, Failure> {
    let name = name.trim();
    if name.is_empty() || name.len() > 100 || name.contains(char::is_control) {
        return Err(Failure::usage("a tenant's name has 1 to 100 readable characters"));
    }
    let tenants: Vec<Tenant> = find::all(&context.store, None).await?;
    let lower = name.to_lowercase();
    if tenants.iter().any(|tenant| tenant.name.to_lowercase() == lower) {
        let what = format!("there is a tenant {} already", printable(name));
        return Err(Failure::usage(what).with_remedy("name it with `--tenant`"));
    }
    Ok(RunnerClient { key: format!("own:{lower}"), name: name.to_owned() })
}

async fn list(global: &Global, context: &Context, tokens: bool) -> Result<(), Failure> {
    let store = &context.store;
    let rows = store.runners().await?;
    let names = names(store).await?;
    let name = |key: &str| names.iter().find(|one| one.key == key).map(|one| one.name.as_str());
    let now_us = Utc::now().timestamp_micros();
    if global.json {
        for row in &rows {
            output::json(&as_json(row, name(&row.client), now_us));
        }
    } else if rows.is_empty() {
        output::line(
            "there is no runner; `linchpin runners token` makes a token to enrol one with",
        );
    } else {
        let columns = ["id", "host", "tenant", "system", "version", "heard of", "state"];
        let mut table = TextTable::new(&columns.map(|column| (column, Align::Left))).cutting(&[
            ("host", 16),
            ("tenant", 12),
            ("system", 12),
        ]);
        for row in &rows {
            let said = evidence(row);
            table.row([
                row.id.chars().take(8).collect(),
                printable(&said.host),
                name(&row.client).map(printable).unwrap_or_default(),
                printable(&said.os.unwrap_or_default()),
                printable(&said.version),
                text::minute(text::instant(row.heard_us), context.config.time_zone),
                state(row, now_us).to_owned(),
            ]);
        }
        table.print();
    }
    if tokens {
        list_tokens(global, context, &store.runner_tokens().await?, now_us);
    }
    Ok(())
}

fn list_tokens(global: &Global, context: &Context, rows: &[RunnerTokenRow], now_us: i64) {
    let holds = |row: &RunnerTokenRow| match () {
        () if row.revoked_us.is_some() => "revoked",
        () if now_us >= row.expires_us => "expired",
        () if row.used >= row.uses => "used up",
        () => "holds",
    };
    if global.json {
        for row in rows {
            output::json(&json!({
                "token": row.id,
                "client": row.client,
                "uses": row.uses,
                "used": row.used,
                "expires": text::instant(row.expires_us).to_rfc3339_opts(SecondsFormat::Secs, true),
                "created_by": row.created_by,
                "state": holds(row),
            }));
        }
        return;
    }
    let columns = ["token", "used", "ends", "by", "state"];
    let mut table = TextTable::new(&columns.map(|column| (column, Align::Left)));
    for row in rows {
        table.row([
            row.id.clone(),
            format!("{} of {}", row.used, row.uses),
            text::minute(text::instant(row.expires_us), context.config.time_zone),
            printable(&row.created_by),
            holds(row).to_owned(),
        ]);
    }
    table.print();
}

async fn names(store: &Store) -> Result<Vec<RunnerClient>, Failure> {
    Ok(store.runner_clients().await?)
}

fn state(row: &RunnerRow, now_us: i64) -> &'static str {
    if is_online(row, now_us) { "online" } else { "away" }
}

fn as_json(row: &RunnerRow, tenant: Option<&str>, now_us: i64) -> Value {
    let said = evidence(row);
    let instant = |us| text::instant(us).to_rfc3339_opts(SecondsFormat::Secs, true);
    json!({
        "id": row.id,
        "host": said.host,
        "tenant": tenant,
        "os": said.os,
        "version": said.version,
        "enrolled": instant(row.enrolled_us),
        "enrolled_with": row.token,
        "heard_of": instant(row.heard_us),
        "state": state(row, now_us),
    })
}
