//! `linchpin runs`: the latest runs, or one in full with the records that it could not use.

use chrono_tz::Tz;
use core_model::run::{Counts, Run};
use core_store::{Quarantined, Store};
use serde_json::{Value, json};

use super::sync::report::{self, ScopeNames, took_ms};
use super::text::{self, cut, field, minute, span};
use crate::cli::{Global, RunsArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, thousands};

/// Runs among which the beginning of an id is looked for.
const SEARCHED: usize = 20_000;
/// Quarantined records that are read of a connection.
const QUARANTINE: usize = 10_000;
/// Quarantined records that are printed.
const SHOWN: usize = 50;
/// Characters of a quarantined record that are printed.
const RAW: usize = 240;

pub(crate) async fn run(global: &Global, args: &RunsArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let (store, zone) = (&context.store, context.config.time_zone);
    let names = report::scope_names(store).await?;
    if let Some(id) = &args.id {
        let run = find(store, id.trim()).await?;
        let quarantine = quarantine(store, &run).await?;
        if global.json {
            output::json(&one_as_json(&run, &names, &quarantine));
        } else {
            print_one(&run, &names, &quarantine, zone);
        }
        return Ok(Exit::Ok);
    }
    let runs = store.runs(args.limit, None).await?;
    if global.json {
        runs.iter().for_each(|run| output::json(&report::as_json(run, &names)));
    } else if runs.is_empty() {
        output::line("nothing was read yet; `linchpin sync` does it");
    } else {
        table(&runs, &names, zone).print();
    }
    Ok(Exit::Ok)
}

/// The latest runs, for machines.
pub(super) async fn answer(
    store: &Store,
    limit: usize,
    connection: Option<&str>,
) -> Result<Value, Failure> {
    let names = report::scope_names(store).await?;
    let runs = store.runs(limit, connection).await?;
    let items: Vec<Value> = runs.iter().map(|run| report::as_json(run, &names)).collect();
    Ok(json!({ "items": items }))
}

/// One run in full, by its whole id, for machines.
pub(super) async fn answer_one(store: &Store, id: &str) -> Result<Value, Failure> {
    let run = store.run(id).await?.ok_or_else(|| {
        Failure::usage("there is no run of that id").with_remedy("GET /v1/runs lists the latest")
    })?;
    let names = report::scope_names(store).await?;
    Ok(one_as_json(&run, &names, &quarantine(store, &run).await?))
}

async fn find(store: &Store, id: &str) -> Result<Run, Failure> {
    if let Some(run) = store.run(id).await? {
        return Ok(run);
    }
    let runs = store.runs(SEARCHED, None).await?;
    let mut found = runs.into_iter().filter(|run| !id.is_empty() && run.id.starts_with(id));
    match (found.next(), found.next()) {
        (Some(run), None) => Ok(run),
        (Some(one), Some(two)) => {
            let what = format!("`{id}` is the beginning of several runs: {}, {}", one.id, two.id);
            Err(Failure::usage(what).with_remedy("give more of the id"))
        }
        (None, _) => Err(Failure::usage(format!("there is no run `{id}`"))
            .with_remedy("`linchpin runs` lists the latest ones")),
    }
}

/// The records in quarantine that this run met last.
async fn quarantine(store: &Store, run: &Run) -> Result<Vec<Quarantined>, Failure> {
    let mut all = store.quarantine(Some(&run.connection), QUARANTINE).await?;
    all.retain(|one| one.run == run.id);
    Ok(all)
}

fn table(runs: &[Run], names: &ScopeNames, zone: Tz) -> TextTable {
    let mut table = TextTable::new(&[
        ("id", Align::Left),
        ("started", Align::Left),
        ("what", Align::Left),
        ("outcome", Align::Left),
        ("read", Align::Right),
        ("time", Align::Right),
    ])
    .cutting(&[("what", 24)]);
    for run in runs {
        table.row([
            text::short(&run.id).to_owned(),
            minute(text::instant(run.started_us), zone),
            what(run, names),
            run.outcome.as_str().to_owned(),
            thousands(run.counts.read),
            took_ms(run).map(span).unwrap_or_default(),
        ]);
    }
    table
}

fn what(run: &Run, names: &ScopeNames) -> String {
    match report::scope_name(run, names) {
        "" => format!("{} {}", run.connection, run.stream),
        scope => format!("{} {} {scope}", run.connection, run.stream),
    }
}

fn one_as_json(run: &Run, names: &ScopeNames, quarantine: &[Quarantined]) -> Value {
    let mut value = report::as_json(run, names);
    let records = quarantine.iter().map(|one| {
        json!({
            "key": one.rejected.key,
            "path": one.rejected.path,
            "reason": one.rejected.reason,
            "raw": one.rejected.raw,
            "first": text::instant(one.first_us),
            "last": text::instant(one.last_us),
        })
    });
    value["quarantine"] = records.collect();
    value
}

fn print_one(run: &Run, names: &ScopeNames, quarantine: &[Quarantined], zone: Tz) {
    let at = |us| text::second(text::instant(us), zone);
    output::line(&output::printable(&what(run, names)));
    field("id", &run.id);
    field("outcome", run.outcome.as_str());
    field("error", run.error.as_deref().unwrap_or_default());
    field("kind of error", run.error_kind.as_deref().unwrap_or_default());
    field("fix", run.remedy.as_deref().unwrap_or_default());
    field("started by", &run.trigger);
    field("read", if run.mode == "full" { "everything" } else { "what changed" });
    field("scope", &run.scope);
    field("started", &at(run.started_us));
    field("ended", &run.ended_us.map(at).unwrap_or_default());
    field("took", &took_ms(run).map(span).unwrap_or_default());
    text::heading("Counts");
    let Counts { pages, read, created, changed, unchanged, gone, held, rejected, .. } = run.counts;
    let Counts { bytes, retries, waited_ms, .. } = run.counts;
    for (name, number) in [
        ("pages", pages),
        ("read", read),
        ("created", created),
        ("changed", changed),
        ("unchanged", unchanged),
        ("gone", gone),
        ("held", held),
        ("rejected", rejected),
        ("bytes", bytes),
        ("retries", retries),
        ("ms waited", waited_ms),
    ] {
        output::line(&format!("  {name:<12}{:>14}", thousands(number)));
    }
    print_quarantine(run, quarantine);
}

fn print_quarantine(run: &Run, quarantine: &[Quarantined]) {
    if quarantine.is_empty() {
        if run.counts.rejected > 0 {
            output::line("");
            output::line("the records that it could not use were met again, or mended, since");
        }
        return;
    }
    let records = text::count(text::len(quarantine), "record", "records");
    text::heading(&format!("{records} in quarantine"));
    for one in quarantine.iter().take(SHOWN) {
        let key = one.rejected.key.as_deref().unwrap_or("(no id)");
        text::indented(2, &format!("{key}: {} at {}", one.rejected.reason, one.rejected.path));
        text::indented(6, &cut(&one.rejected.raw, RAW));
    }
    if quarantine.len() > SHOWN {
        output::line(&format!("  and {} more; --json lists all", quarantine.len() - SHOWN));
    }
}
