//! What is told of schedules, for machines and for people.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, SecondsFormat, Utc};
use chrono_tz::Tz;
use core_agenda::{Coming, Occasion, aim, occasions, upcoming, zone_words};
use core_model::library::{ItemId, Schedule, SubjectKind};
use core_model::session::SessionState;
use core_resolve::{RunKind, ThreeSets, begins};
use core_store::{ScheduleRun, SessionQuery};
use serde_json::{Value, json};

use crate::cli::WhenArgs;
use crate::commands::text;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::printable;
use crate::world::{World, day};

/// Runs that are told of one.
const RUNS: usize = 10;
/// What comes, that is told of one.
const NEXT: usize = 5;
/// How far ahead it is looked where nobody says how far.
const AHEAD: Days = Days::new(366);

/// Which of what comes.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Only of this schedule.
    pub(crate) name: Option<String>,
    /// So many.
    pub(crate) count: u32,
    /// Until the end of this day.
    pub(crate) until: Option<String>,
}

pub(super) async fn world(context: &Context) -> Result<World, Failure> {
    World::load(context, &WhenArgs::default(), RunKind::default()).await
}

/// All of them.
pub(crate) async fn listed(context: &Context) -> Result<Value, Failure> {
    let world = world(context).await?;
    let all =
        occasions(&world.loaded.library.schedules, world.resolver.snapshot(), world.when.zone);
    let mut next: BTreeMap<String, DateTime<Utc>> = BTreeMap::new();
    for occasion in &all {
        if let Some(due) = occasion.next(world.when.now) {
            let first = next.entry(occasion.schedule.id.to_string()).or_insert(due);
            *first = due.min(*first);
        }
    }
    let mut all: Vec<_> = world.loaded.library.schedules.iter().collect();
    all.sort_by_key(|one| one.name.to_lowercase());
    let items = all.into_iter().map(|one| {
        let mut value = as_json(&world, one);
        value["next"] = json!(next.get(&one.id.to_string()).map(instant));
        value
    });
    Ok(json!({ "items": items.collect::<Vec<_>>() }))
}

/// One of them.
pub(crate) async fn answer(context: &Context, which: &str) -> Result<Value, Failure> {
    let world = world(context).await?;
    let one = world.schedule(which)?;
    let aimed = world.resolver.aimed(&aim(one));
    let runs = context.store.schedule_runs(Some(&one.id.to_string()), RUNS).await?;
    let waits = SessionQuery {
        schedule: Some(&one.name),
        state: Some(SessionState::Waiting),
        ..SessionQuery::default()
    };
    let waiting = context.store.sessions(waits).await?.len();
    let until = world.when.now + AHEAD;
    let next = of(&world, one);
    let next = upcoming(&next, (world.when.now, until), NEXT);
    let mut value = world.head();
    value["schedule"] = as_json(&world, one);
    value["definition"] = json!(one);
    value["members"] = json!({
        "in": aimed.members.yes.len(),
        "unknown": aimed.members.unknown.len(),
        "left_alone": aimed.left_alone.len(),
    });
    value["problems"] = json!(problems(&world, one, &aimed.members));
    value["waiting"] = waiting.into();
    value["next"] = next.iter().map(coming).collect();
    value["runs"] = runs.iter().map(run).collect();
    Ok(value)
}

/// What comes.
pub(crate) async fn next(context: &Context, wanted: &Wanted) -> Result<Value, Failure> {
    let world = world(context).await?;
    let zone = world.when.zone;
    let until = match &wanted.until {
        Some(text) => {
            let last = day("--until", text)?;
            begins(last.succ_opt().unwrap_or(last), zone)
        }
        None => world.when.now + AHEAD,
    };
    let all = match &wanted.name {
        Some(name) => of(&world, world.schedule(name)?),
        None => occasions(&world.loaded.library.schedules, world.resolver.snapshot(), zone),
    };
    let most = usize::try_from(wanted.count).unwrap_or_default();
    let found = upcoming(&all, (world.when.now, until), most);
    Ok(json!({ "items": found.iter().map(coming).collect::<Vec<_>>() }))
}

/// A schedule in its zones, where it is switched on.
fn of(world: &World, one: &Schedule) -> Vec<Occasion> {
    occasions(std::slice::from_ref(one), world.resolver.snapshot(), world.when.zone)
}

/// What is wrong with a schedule.
pub(crate) fn problems(world: &World, one: &Schedule, members: &ThreeSets) -> Vec<String> {
    let mut problems = world.resolver.aim_problems(&aim(one));
    let library = &world.loaded.library;
    let known = |item: ItemId| match item {
        ItemId::Software(id) => library.software.iter().any(|one| one.id == id),
        ItemId::Task(id) => library.tasks.iter().any(|one| one.id == id),
    };
    problems.extend(one.item.filter(|item| !known(*item)).map(|item| format!("{item} is gone")));
    if problems.is_empty() && members.yes.is_empty() {
        problems.push("nobody is in its target".to_owned());
    }
    problems.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
}

fn instant(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn local(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M").to_string()
}

fn coming(one: &Coming) -> Value {
    json!({
        "schedule": one.schedule.id,
        "name": one.schedule.name,
        "zone": one.zone.name(),
        "due": instant(&one.due),
        "due_local": local(one.due, one.zone),
        "acts": one.acts.as_ref().map(instant),
        "acts_local": one.acts.map(|acts| local(acts, one.zone)),
    })
}

fn run(one: &ScheduleRun) -> Value {
    json!({
        "zone": one.zone,
        "due": instant(&text::instant(one.due_us)),
        "at": instant(&text::instant(one.at_us)),
        "made": one.made,
        "waiting": one.waiting,
        "unknown": one.unknown,
        "left_alone": one.left_alone,
        "group": one.batch,
        "by": one.by,
        "word": one.word,
    })
}

fn as_json(world: &World, one: &Schedule) -> Value {
    let mut target = world.target(&one.target);
    if !one.classes.is_empty() {
        let classes: Vec<String> = one.classes.iter().map(text::word).collect();
        target.push_str(&format!(", {}", classes.join(", ")));
    }
    if let Some(owner) = one.owner {
        let children = if owner.children { " with its children" } else { "" };
        target.push_str(&format!(", at {}{children}", world.subject_name(owner.tenant.into())));
    }
    let kind = match one.subjects {
        SubjectKind::Computer => "computers",
        SubjectKind::Person => "persons",
        SubjectKind::Tenant => "tenants",
    };
    if one.subjects != SubjectKind::Computer {
        target = format!("{kind}: {target}");
    }
    let item = one.item.map(|item| printable(world.resolver.definitions().title(item)));
    json!({
        "id": one.id,
        "name": one.name,
        "enabled": one.enabled,
        "subjects": kind,
        "target": target,
        "item": item,
        "instance": one.instance,
        "detect": one.detect.words(),
        "execute": one.execute.words(),
        "zone": zone_words(one, world.when.zone),
        "reboots": one.reboots.map(|reboots| reboots.as_str()),
        "offline": one.offline.as_str(),
        "expires_days": one.expires_days,
        "spread_minutes": one.spread_minutes,
        "note": one.note,
    })
}
