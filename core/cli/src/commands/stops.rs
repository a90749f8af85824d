//! `linchpin stop`, `linchpin resume` and `linchpin stops`: the one switch for a deployment, a schedule, a tenant and
//! everything. What is under way is ended before a session stops; what waits is held, and not lost.

use chrono::Utc;
use core_model::entity::Tenant;
use core_model::stop::{Stop, StopKind};
use core_resolve::RunKind;
use core_store::Store;
use serde_json::{Value, json};

use super::decide::whoever;
use super::find;
use super::text::{self, count};
use crate::cli::{Global, StopArgs, StopWhat, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::foreman::rings;
use crate::output::{self, Align, TextTable, printable, thousands};
use crate::world::World;

/// What is stopped or goes on: its kind, and its name where it has one.
pub(crate) type What<'a> = (StopKind, &'a str);

impl StopWhat {
    fn what(&self) -> What<'_> {
        match self {
            StopWhat::Deployment { name } => (StopKind::Deployment, name),
            StopWhat::Schedule { name } => (StopKind::Schedule, name),
            StopWhat::Tenant { name } => (StopKind::Tenant, name),
            StopWhat::Everything => (StopKind::Everything, ""),
        }
    }
}

pub(crate) async fn stop(global: &Global, args: &StopArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let by = whoever(args.by.as_deref());
    let (stop, is_new) = stopped(&context, args.what.what(), (&by, &args.reason)).await?;
    context.audit(&by, "stop", &named(&stop), &stop.reason).await?;
    let held = context.store.held_by(&stop).await?;
    if global.json {
        output::json(&as_json(&stop, held));
        return Ok(Exit::Ok);
    }
    let words = printable(&stop.words());
    match is_new {
        true => output::line(&format!("{}.", begun(&words))),
        false => output::line(&format!("It was stopped already: {words}.")),
    }
    let (one, several) = match stop.kind {
        StopKind::Deployment => {
            ("session that was asked for it waits", "sessions that were asked for it wait")
        }
        _ => ("session waits", "sessions wait"),
    };
    let waits = count(held, one, several);
    output::line(&format!("{waits}; what runs ends what it is at, and changes nothing more."));
    output::line(&format!("`linchpin resume {}` has it go on.", again(&stop)));
    Ok(Exit::Ok)
}

pub(crate) async fn resume(global: &Global, args: &StopArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let by = whoever(args.by.as_deref());
    let (stop, excused) = resumed(&context, args.what.what()).await?;
    context.audit(&by, "resume", &named(&stop), &args.reason).await?;
    if global.json {
        output::json(&json!({ "kind": stop.kind, "name": stop.name, "excused": excused }));
        return Ok(Exit::Ok);
    }
    let what = if stop.kind == StopKind::Everything { "Everything" } else { &stop.name };
    output::line(&format!("{} goes on.", printable(what)));
    if excused > 0 {
        let who = count(excused as u64, "that failed does not", "that failed do not");
        output::line(&format!("Of its rings {who} count any more."));
    }
    Ok(Exit::Ok)
}

pub(crate) async fn list(global: &Global) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let stops = with_held(&context.store).await?;
    if global.json {
        stops.iter().for_each(|(stop, held)| output::json(&as_json(stop, *held)));
        return Ok(Exit::Ok);
    }
    if stops.is_empty() {
        output::line("Nothing is stopped.");
        return Ok(Exit::Ok);
    }
    let columns = [
        ("what", Align::Left),
        ("since", Align::Left),
        ("by", Align::Left),
        ("holds", Align::Right),
        ("because", Align::Left),
    ];
    let mut table = TextTable::new(&columns).cutting(&[("because", 20), ("what", 14)]);
    for (stop, held) in &stops {
        table.row([
            printable(&named(stop)),
            text::minute(text::instant(stop.at_us), context.config.time_zone),
            printable(&stop.by),
            thousands(*held),
            printable(&stop.reason),
        ]);
    }
    table.print();
    Ok(Exit::Ok)
}

/// Everything that is stopped, for machines; what another tenant's is left out.
pub(super) async fn answer(
    context: &Context,
    sees: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Value, Failure> {
    let stops = with_held(&context.store).await?;
    let seen = |stop: &Stop| stop.kind != StopKind::Tenant || sees(&stop.key);
    let items = stops.iter().filter(|(stop, _)| seen(stop));
    let items = items.map(|(stop, held)| as_json(stop, *held)).collect::<Vec<_>>();
    Ok(json!({ "items": items }))
}

/// Stops something, for machines.
pub(super) async fn answer_stop(
    context: &Context,
    what: What<'_>,
    (by, reason): (&str, &str),
) -> Result<Value, Failure> {
    let (stop, _) = stopped(context, what, (by, reason)).await?;
    let held = context.store.held_by(&stop).await?;
    Ok(as_json(&stop, held))
}

/// Has something go on, for machines.
pub(super) async fn answer_resume(context: &Context, what: What<'_>) -> Result<Value, Failure> {
    let (stop, excused) = resumed(context, what).await?;
    Ok(json!({ "kind": stop.kind, "name": stop.name, "key": stop.key, "excused": excused }))
}

async fn with_held(store: &Store) -> Result<Vec<(Stop, u64)>, Failure> {
    let mut all = Vec::new();
    for stop in store.stops().await? {
        let held = store.held_by(&stop).await?;
        all.push((stop, held));
    }
    Ok(all)
}

fn as_json(stop: &Stop, held: u64) -> Value {
    let mut value = json!(stop);
    value["words"] = stop.words().into();
    value["held"] = held.into();
    value
}

/// As a sentence begins.
fn begun(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// "tenant Contoso".
fn named(stop: &Stop) -> String {
    format!("{} {}", stop.kind.as_str(), stop.name).trim().to_owned()
}

/// How a command names it.
pub(crate) fn again(stop: &Stop) -> String {
    match stop.kind {
        StopKind::Everything => "everything".to_owned(),
        kind if stop.name.contains(char::is_whitespace) => {
            format!("{} \"{}\"", kind.as_str(), stop.name)
        }
        kind => format!("{} {}", kind.as_str(), stop.name),
    }
}

async fn stopped(
    context: &Context,
    (kind, name): What<'_>,
    (by, reason): (&str, &str),
) -> Result<(Stop, bool), Failure> {
    let (key, name) = found(context, kind, name.trim()).await?;
    let stop = Stop {
        kind,
        key,
        name,
        by: by.to_owned(),
        reason: reason.trim().to_owned(),
        at_us: Utc::now().timestamp_micros(),
        version: None,
    };
    let store = &context.store;
    let is_new = store.add_stop(&stop).await?;
    let stands =
        store.stops().await?.into_iter().find(|one| (one.kind, &one.key) == (kind, &stop.key));
    Ok((stands.unwrap_or(stop), is_new))
}

/// The key and the name of what is there.
async fn found(context: &Context, kind: StopKind, name: &str) -> Result<(String, String), Failure> {
    let store = &context.store;
    match kind {
        StopKind::Everything => Ok((String::new(), String::new())),
        StopKind::Tenant => {
            let tenant: Tenant = find::one(store, "tenant", name).await?;
            Ok((tenant.id.to_string(), tenant.name))
        }
        StopKind::Deployment => {
            let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
            let deployment = world.deployment(name)?;
            Ok((deployment.id.to_string(), deployment.name.clone()))
        }
        StopKind::Schedule => match schedule(store, name).await? {
            Some(name) => Ok((name.clone(), name)),
            None => Err(Failure::usage(format!("there is no schedule `{}`", printable(name)))
                .with_remedy("`linchpin sessions --kind scheduled --json` names those that ran")),
        },
    }
}

/// The name of a schedule, as its sessions have it: of one that is defined, or that asked for a session once.
async fn schedule(store: &Store, name: &str) -> Result<Option<String>, Failure> {
    let rows = store.definitions(store.last_revision().await?).await?;
    let is_it = |handle: &str| handle.trim().eq_ignore_ascii_case(name);
    let defined =
        rows.into_iter().find(|row| row.kind.as_str() == "schedule" && is_it(&row.handle));
    if let Some(defined) = defined {
        return Ok(Some(defined.handle));
    }
    Ok(store.has_schedule(name).await?.then(|| name.to_owned()))
}

/// Has something go on, and gives how many failures of rings do not count any more.
async fn resumed(context: &Context, (kind, name): What<'_>) -> Result<(Stop, usize), Failure> {
    let (store, name) = (&context.store, name.trim());
    let stops = store.stops().await?;
    let is_it = |stop: &&Stop| {
        let same = stop.key == name || stop.name.eq_ignore_ascii_case(name);
        stop.kind == kind && (same || kind == StopKind::Everything)
    };
    let Some(stop) = stops.iter().find(is_it) else {
        let what = format!("{} {} is not stopped", kind.as_str(), printable(name));
        return Err(
            Failure::usage(what.replace("  ", " ")).with_remedy("`linchpin stops` lists what is")
        );
    };
    let now_us = Utc::now().timestamp_micros();
    let mut excused = 0;
    if kind == StopKind::Deployment {
        let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
        let id = stop.key.parse().ok();
        // One that is not defined any more has no rings.
        if let Some(deployment) = id.and_then(|id| world.resolver.definitions().deployment(id)) {
            excused = rings::go_on(store, &world, deployment, now_us).await?;
        }
    }
    store.remove_stop(kind, &stop.key, now_us).await?;
    Ok((stop.clone(), excused))
}
