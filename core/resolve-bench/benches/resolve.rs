//! How fast resolving is: prints JSON. See the package's README.

use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use core_model::library::{DesiredState, SubjectKind, Target};
use core_resolve::{
    AsOf, Change, Definitions, Engine, ItemKey, Member, Resolver, RunKind, Set, Snapshot,
};
use core_resolve_bench::estate;
use core_resolve_bench::load;
use core_resolve_bench::plain::Plain;
use serde_json::{Value, json};

/// Computers up to which loading is measured unless a size is named: filling a store takes longer
/// than everything else.
const LOADED: usize = 100_000;

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let ["load", size, database] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        println!("{}", load::measure(size.parse().unwrap_or(10_000), database));
        return;
    }
    if let ["one", size] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        println!("{}", measure(size.parse().unwrap_or(10_000)));
        return;
    }
    let sizes = arguments.iter().filter_map(|text| text.parse::<usize>().ok());
    let mut sizes: Vec<usize> = sizes.collect();
    let given = !sizes.is_empty();
    if !given {
        sizes = vec![10_000, 50_000, 100_000, 1_000_000];
    }
    let mut results = Vec::new();
    for size in sizes {
        let size_text = size.to_string();
        let mut result = alone(&["one", &size_text]);
        if size <= LOADED || given {
            let load = |database| alone(&["load", &size_text, database]);
            result["load"] = json!({ "sqlite": load("sqlite"), "postgres": load("postgres") });
        }
        results.push(result);
    }
    #[cfg(feature = "engines")]
    let beside = core_resolve_bench::engines::measure(10_000);
    #[cfg(not(feature = "engines"))]
    let beside = Value::Null;
    let result = json!({
        "items": estate::ITEMS,
        "deployments": estate::ITEMS * estate::PER_ITEM,
        "sizes": results,
        "policy_engines": beside,
    });
    println!("{result:#}");
}

/// Does it in a process of its own, so that its memory is its own.
fn alone(arguments: &[&str]) -> Value {
    let output = std::env::current_exe().and_then(|own| Command::new(own).args(arguments).output());
    let text = output.map(|output| output.stdout).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_else(|_| json!({}))
}

/// Milliseconds that something takes, and what it gives.
fn timed<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let began = Instant::now();
    let result = work();
    (began.elapsed().as_secs_f64() * 1_000.0, result)
}

/// The middle one of several tries, in milliseconds.
fn middle<T>(tries: usize, mut work: impl FnMut(usize) -> T) -> f64 {
    let mut times: Vec<f64> = (0..tries).map(|n| timed(|| work(n)).0).collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// A line of a file of /proc about this process, in the unit that it has.
fn own(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn megabytes() -> u64 {
    own("status", "VmRSS") / 1024
}

/// Processor time so far, in milliseconds.
fn processor() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2);
    ticks.filter_map(|number| number.parse::<u64>().ok()).sum::<u64>() * 10
}

fn measure(size: usize) -> Value {
    let (input_ms, input) = timed(|| estate::input(size, false));
    let input_mb = megabytes();
    let (build_ms, snapshot) = timed(|| Arc::new(Snapshot::new(input)));
    let snapshot_mb = megabytes();
    let deployments = estate::deployments(size);
    let definitions = Arc::new(estate::definitions(deployments.clone()));
    let as_of = AsOf::Instant(estate::now());
    let before = processor();
    let (resolve_ms, mut engine) =
        timed(|| Engine::new(snapshot.clone(), definitions.clone(), as_of, RunKind::Maintenance));
    let processor_ms = processor() - before;
    drop(snapshot);
    let resolved_mb = megabytes();
    let warm = middle(3, |_| engine.resolver().resolve_all().items.len());
    let winners = engine.winners().clone();
    let bytes: usize = winners.items.values().map(|(_, item)| item.bytes()).sum();
    let sum = |pick: fn(&core_resolve::ItemWinners) -> u64| -> u64 {
        winners.items.values().map(|(_, item)| pick(item)).sum()
    };
    let won = sum(|item| item.won.values().map(Set::len).sum());
    let blocked = sum(|item| item.blocked.values().map(Set::len).sum());
    let ambiguous = sum(|item| item.ambiguous.len());
    drop(winners);
    let preview = previews(&engine, &deployments);
    let explain = explains(&engine, size);
    let changes = changes(&mut engine, size);
    let sets = sets(&engine, &definitions, size);
    json!({
        "computers": size,
        "tenants": estate::tenants(size),
        "input_made_ms": input_ms,
        "snapshot_built_ms": build_ms,
        "all_winners_ms": resolve_ms,
        "all_winners_processor_ms": processor_ms,
        "all_winners_again_ms": warm,
        "won": won, "blocked": blocked, "ambiguous": ambiguous,
        "megabytes": {
            "input": input_mb, "after_snapshot": snapshot_mb, "after_winners": resolved_mb,
            "peak": own("status", "VmHWM") / 1024, "winners_sets": bytes / 1_000_000,
        },
        "preview_ms": preview, "explain_ms": explain, "change_ms": changes, "sets": sets,
    })
}

/// One edited deployment: of each kind of target, and by its state.
fn previews(engine: &Engine, deployments: &[core_model::library::Deployment]) -> Value {
    let resolver = engine.resolver();
    let edited = |n: usize, edit: &dyn Fn(&mut core_model::library::Deployment)| {
        let mut definitions = Definitions::clone(engine.definitions());
        let mut deployment = deployments[n].clone();
        edit(&mut deployment);
        definitions.put(deployment);
        definitions
    };
    let time = |definitions: &Definitions| {
        let shown = resolver.preview(definitions, Some(engine.winners()));
        let changed: u64 = shown.shifts.iter().map(|shift| shift.subjects.len()).sum();
        let time = middle(15, |_| resolver.preview(definitions, Some(engine.winners())));
        json!({"ms": time, "changed": changed})
    };
    json!({
        "state_of_a_rule_for_all": time(&edited(0, &|d| d.state = DesiredState::Absent)),
        "target_to_a_tag": time(&edited(0, &|d| d.target = Target::Tag(estate::tag(19)))),
        "target_to_all_but_a_group": time(&edited(5, &|d| {
            d.target = Target::All.except(Target::Group(estate::group(3)));
        })),
    })
}

fn explains(engine: &Engine, size: usize) -> f64 {
    let resolver: Resolver = engine.resolver();
    middle(201, |n| {
        let key = ItemKey { item: estate::software(n % estate::ITEMS).into(), instance: None };
        let subject = estate::computer((n * 7_919) % size).into();
        resolver.explain(subject, &key).map(|resolved| resolved.candidates.len())
    })
}

fn changes(engine: &mut Engine, size: usize) -> Value {
    let groups: Vec<_> = engine
        .definitions()
        .deployments()
        .filter_map(|deployment| match &deployment.target {
            Target::Group(group) => Some(*group),
            _ => None,
        })
        .collect();
    let mut moved = 0;
    let joins = middle(101, |n| {
        let group = groups[n % groups.len()];
        let member = Member::Person(estate::person((n * 7_919) % size));
        moved += engine.apply(Change::Joins(group, member)).shifts.len();
    });
    let tagged = middle(51, |n| {
        let computer = estate::computer((n * 104_729) % size);
        engine.apply(Change::Tagged(estate::tag(n % estate::TAGS), computer.into()))
    });
    let primary = middle(51, |n| {
        engine.apply(Change::Primary(estate::computer((n * 15_485_863) % size), None))
    });
    let day = chrono::TimeDelta::days(1);
    let passes = middle(5, |n| {
        let days = i32::try_from(n + 1).unwrap_or(1);
        engine.at(AsOf::Instant(estate::now() + day * days))
    });
    json!({
        "person_joins_group": joins, "with_changed_winners": moved,
        "computer_is_tagged": tagged, "primary_person_changes": primary, "a_day_passes": passes,
    })
}

/// The same sweep on compressed and on plain sets: only sets, in the order of the deployments.
fn sets(engine: &Engine, definitions: &Definitions, size: usize) -> Value {
    let resolver = engine.resolver();
    let live = engine.snapshot().everybody(SubjectKind::Computer).clone();
    let members: Vec<Set> = definitions
        .deployments()
        .map(|deployment| resolver.members_of(deployment.id).yes)
        .collect();
    let plain: Vec<Plain> = members.iter().map(|set| Plain::of(set, size)).collect();
    let compressed_ms = middle(5, |_| {
        let items = members.chunks(estate::PER_ITEM).map(|of_item| {
            let mut open = live.clone();
            let won = of_item.iter().map(|set| {
                let won = &open & set;
                open = &open - set;
                won.len()
            });
            won.sum::<u64>()
        });
        items.sum::<u64>()
    });
    let everybody = Plain::of(&live, size);
    let plain_ms = middle(5, |_| {
        let items = plain.chunks(estate::PER_ITEM).map(|of_item| {
            let mut open = everybody.clone();
            of_item.iter().map(|set| open.take(set).len()).sum::<u64>()
        });
        items.sum::<u64>()
    });
    json!({
        "compressed_ms": compressed_ms,
        "compressed_bytes": members.iter().map(Set::bytes).sum::<usize>(),
        "plain_ms": plain_ms,
        "plain_bytes": plain.iter().map(Plain::bytes).sum::<usize>(),
    })
}
