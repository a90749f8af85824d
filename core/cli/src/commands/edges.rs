//! `linchpin edges`: the days ahead on which something changes by itself.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, SecondsFormat, Utc};
use core_model::library::SubjectKind;
use core_resolve::{Edge, RunKind};
use serde_json::{Value, json};

use super::preview::Sides;
use super::resolve::subjects;
use super::text::{self, count};
use crate::cli::{EdgesArgs, Global, WhenArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output;
use crate::world::{World, day};

/// Days that are looked ahead where nobody says how many.
const AHEAD: u64 = 90;
/// Changes of winners that are printed of a day.
const SHIFTS: usize = 8;

pub(crate) async fn run(global: &Global, args: &EdgesArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let (after, until) = range(&context, args)?;
    let world = World::load(&context, &WhenArgs::default(), RunKind::default()).await?;
    let edges = world.resolver.edges(after, until);
    if global.json {
        edges.iter().for_each(|edge| output::json(&as_json(&world, edge)));
    } else {
        let first = after.succ_opt().unwrap_or(after);
        print(&world, &edges, args.all, &format!("{first} to {until}"));
    }
    Ok(Exit::Ok)
}

/// The same for machines, of the tenants that are seen.
pub(super) async fn answer(
    context: &Context,
    args: &EdgesArgs,
    sees: &(dyn Fn(&str) -> bool + Sync),
) -> Result<Value, Failure> {
    let (after, until) = range(context, args)?;
    let world = World::load(context, &WhenArgs::default(), RunKind::default()).await?;
    let edges = world.resolver.edges(after, until);
    let seen = edges.iter().filter(|edge| sees(&edge.tenant.to_string()));
    let items: Vec<Value> = seen.map(|edge| as_json(&world, edge)).collect();
    Ok(json!({ "items": items }))
}

/// The day before the first one, and the last one.
fn range(context: &Context, args: &EdgesArgs) -> Result<(NaiveDate, NaiveDate), Failure> {
    let today = Utc::now().with_timezone(&context.config.time_zone).date_naive();
    // The resolver's first day is the one after; what changed today has changed.
    let after = match &args.from {
        Some(text) => day("--from", text)?.pred_opt().unwrap_or(today),
        None => today,
    };
    let until = match &args.until {
        Some(text) => day("--until", text)?,
        None => today.max(after).checked_add_days(Days::new(AHEAD)).unwrap_or(today),
    };
    if until <= after {
        let first = after.succ_opt().unwrap_or(after);
        return Err(Failure::usage(format!(
            "the last day {until} is before the first day {first}"
        ))
        .with_remedy("give a later `--until`, or an earlier `--from`"));
    }
    Ok((after, until))
}

fn sides(world: &World) -> Sides<'_> {
    let definitions = world.resolver.definitions();
    Sides { world, before: definitions, after: definitions }
}

fn as_json(world: &World, edge: &Edge) -> Value {
    let zone = world.resolver.snapshot().zone(edge.tenant);
    let sides = sides(world);
    let shifts: Vec<Value> = edge.shifts.iter().map(|shift| sides.as_json(shift)).collect();
    json!({
        "day": edge.day,
        "at": edge.at.to_rfc3339_opts(SecondsFormat::Secs, true),
        "zone": zone.map(|zone| zone.name()),
        "tenant": edge.tenant,
        "tenant_name": world.subject_name(edge.tenant.into()),
        "what": edge.what,
        "computers": edge.computers,
        "uninstalls": edge.uninstalls,
        "shifts": shifts,
    })
}

fn print(world: &World, edges: &[Edge], all: bool, range: &str) {
    let sides = sides(world);
    let shown = edges.iter().filter(|edge| all || !edge.shifts.is_empty());
    let mut printed = 0;
    for edge in shown {
        printed += 1;
        let mut words = format!("{}, {}", happens(world, edge), changed(edge));
        if edge.uninstalls > 0 {
            words.push_str(&format!(", {}", count(edge.uninstalls, "uninstall", "uninstalls")));
        }
        text::wrapped(&format!("{}  ", edge.day), 12, &words);
        for shift in edge.shifts.iter().take(SHIFTS) {
            let who = subjects(shift.kind, shift.subjects.len());
            text::wrapped(&" ".repeat(12), 14, &format!("{}, {who}", sides.words(shift)));
        }
        if edge.shifts.len() > SHIFTS {
            let more = edge.shifts.len() - SHIFTS;
            output::line(&format!("{}and {more} more; --json lists all", " ".repeat(12)));
        }
    }
    if printed == 0 {
        output::line(&format!("from {range} no winner changes by itself"));
    }
    let left = edges.len() - printed;
    if left > 0 {
        let more = count(left as u64, "more time", "more times");
        let words = "an agreement begins or ends and no winner changes; --all lists them";
        text::wrapped("", 2, &format!("{more} {words}"));
    }
}

/// What happens; the tenant is named once.
fn happens(world: &World, edge: &Edge) -> String {
    let name = format!("{} ", world.subject_name(edge.tenant.into()));
    let parts = edge.what.iter().enumerate().map(|(place, what)| match what.strip_prefix(&name) {
        Some(rest) if place > 0 => rest,
        _ => what.as_str(),
    });
    parts.collect::<Vec<_>>().join("; ")
}

/// How many have other winners.
fn changed(edge: &Edge) -> String {
    let mut others: BTreeMap<SubjectKind, std::collections::BTreeSet<u32>> = BTreeMap::new();
    for shift in edge.shifts.iter().filter(|shift| shift.kind != SubjectKind::Computer) {
        others.entry(shift.kind).or_default().extend(shift.subjects.iter());
    }
    let mut words = Vec::new();
    if edge.computers > 0 || others.is_empty() {
        words.push(subjects(SubjectKind::Computer, edge.computers));
    }
    words.extend(others.iter().map(|(kind, who)| subjects(*kind, who.len() as u64)));
    words.join(", ")
}
