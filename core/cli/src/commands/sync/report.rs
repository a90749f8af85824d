//! What runs did: a table, and what went wrong with what to do about it.

use std::collections::{BTreeMap, HashMap};

use core_model::run::{Counts, Outcome, Run};
use core_store::Store;
use serde_json::{Value, json};

use crate::commands::text::{self, span};
use crate::failure::Failure;
use crate::output::{self, Align, TextTable, thousands};

/// What people call the scopes, by connection and scope.
pub(crate) type ScopeNames = HashMap<(String, String), String>;

/// Complete scopes of one stream up to this number have a row each.
const SCOPES: usize = 3;
/// Runs that are named before a failure that they share.
const NAMED: usize = 4;

/// A row: one run, or the complete runs of a stream of many scopes.
struct Row<'a> {
    connection: &'a str,
    stream: &'a str,
    scope: String,
    outcome: Outcome,
    counts: Counts,
    took_ms: i64,
}

/// The names of every scope that was ever read.
pub(crate) async fn scope_names(store: &Store) -> Result<ScopeNames, Failure> {
    let streams = store.streams().await?;
    let name = |key: core_store::StreamKey| ((key.connection, key.scope), key.scope_name);
    Ok(streams.into_iter().map(|(key, _)| name(key)).collect())
}

/// What people call the scope of a run; nothing where the stream has none.
pub(crate) fn scope_name<'a>(run: &'a Run, names: &'a ScopeNames) -> &'a str {
    let name = names.get(&(run.connection.clone(), run.scope.clone()));
    name.map(String::as_str).filter(|name| !name.is_empty()).unwrap_or(&run.scope)
}

/// How long a run took, in milliseconds; of one under way nothing.
pub(crate) fn took_ms(run: &Run) -> Option<i64> {
    run.ended_us.map(|ended| (ended - run.started_us) / 1000)
}

/// A run for machines.
pub(crate) fn as_json(run: &Run, names: &ScopeNames) -> Value {
    let mut value = json!(run);
    value["scope_name"] = scope_name(run, names).into();
    value["started"] = json!(text::instant(run.started_us));
    value["ended"] = json!(run.ended_us.map(text::instant));
    value["took_ms"] = json!(took_ms(run));
    value
}

/// Prints the table, and what went wrong under it.
pub(crate) fn print(runs: &[Run], names: &ScopeNames) {
    let rows = rows(runs, names);
    if rows.is_empty() {
        output::line("nothing was read");
        return;
    }
    table(&rows).print();
    problems(runs, names);
}

fn rows<'a>(runs: &'a [Run], names: &ScopeNames) -> Vec<Row<'a>> {
    let mut streams: Vec<(&str, &str)> = Vec::new();
    for run in runs {
        let stream = (run.connection.as_str(), run.stream.as_str());
        if !streams.contains(&stream) {
            streams.push(stream);
        }
    }
    let mut rows = Vec::new();
    for (connection, stream) in streams {
        let of = |run: &&Run| run.connection == connection && run.stream == stream;
        for outcome in Outcome::ALL {
            let same: Vec<&Run> =
                runs.iter().filter(of).filter(|run| run.outcome == *outcome).collect();
            if same.len() > SCOPES {
                rows.push(together(&same, connection, stream));
            } else {
                rows.extend(same.into_iter().map(|run| Row {
                    connection,
                    stream,
                    scope: scope_name(run, names).to_owned(),
                    outcome: run.outcome,
                    counts: run.counts,
                    took_ms: took_ms(run).unwrap_or_default(),
                }));
            }
        }
    }
    rows
}

fn together<'a>(runs: &[&Run], connection: &'a str, stream: &'a str) -> Row<'a> {
    let mut counts = Counts::default();
    for run in runs {
        let Counts { read, created, changed, gone, held, rejected, .. } = run.counts;
        counts.read += read;
        counts.created += created;
        counts.changed += changed;
        counts.gone += gone;
        counts.held += held;
        counts.rejected += rejected;
    }
    let began = runs.iter().map(|run| run.started_us).min().unwrap_or_default();
    let ended = runs.iter().filter_map(|run| run.ended_us).max().unwrap_or(began);
    let outcome = runs.first().map_or(Outcome::Complete, |run| run.outcome);
    let scope = format!("{} scopes", runs.len());
    Row { connection, stream, scope, outcome, counts, took_ms: (ended - began) / 1000 }
}

fn table(rows: &[Row<'_>]) -> TextTable {
    // A column that says nothing in any row only makes the lines too long.
    let any = |number: fn(&Counts) -> u64| rows.iter().any(|row| number(&row.counts) > 0);
    let scoped = rows.iter().any(|row| !row.scope.is_empty());
    let (held, rejected) = (any(|counts| counts.held), any(|counts| counts.rejected));
    let mut columns = vec![("connection", Align::Left), ("stream", Align::Left)];
    columns.extend(scoped.then_some(("scope", Align::Left)));
    columns.push(("outcome", Align::Left));
    columns.extend(["read", "created", "changed", "gone"].map(|name| (name, Align::Right)));
    columns.extend(held.then_some(("held", Align::Right)));
    columns.extend(rejected.then_some(("rejected", Align::Right)));
    columns.push(("time", Align::Right));
    let mut table = TextTable::new(&columns).cutting(&[("scope", 8)]);
    for row in rows {
        let mut cells = vec![row.connection.to_owned(), row.stream.to_owned()];
        cells.extend(scoped.then(|| row.scope.clone()));
        cells.push(row.outcome.as_str().to_owned());
        let Counts { read, created, changed, gone, .. } = row.counts;
        cells.extend([read, created, changed, gone].map(thousands));
        cells.extend(held.then(|| thousands(row.counts.held)));
        cells.extend(rejected.then(|| thousands(row.counts.rejected)));
        cells.push(span(row.took_ms));
        table.row(cells);
    }
    table
}

/// Each thing that went wrong once, with the runs that it happened to.
fn problems(runs: &[Run], names: &ScopeNames) {
    let mut found: BTreeMap<(&str, &str, &str, &str), Vec<&Run>> = BTreeMap::new();
    for run in runs {
        let Some(error) = &run.error else { continue };
        let remedy = run.remedy.as_deref().unwrap_or_default();
        let key = (run.connection.as_str(), run.outcome.as_str(), error.as_str(), remedy);
        found.entry(key).or_default().push(run);
    }
    for ((connection, outcome, error, remedy), runs) in found {
        let mut who: Vec<String> = runs
            .iter()
            .take(NAMED)
            .map(|run| match scope_name(run, names) {
                "" => run.stream.clone(),
                scope => format!("{} of {scope}", run.stream),
            })
            .collect();
        if runs.len() > NAMED {
            who.push(format!("{} more", runs.len() - NAMED));
        }
        text::heading(&format!("{connection} {}: {outcome}", who.join(", ")));
        text::indented(2, error);
        if !remedy.is_empty() {
            text::wrapped("  fix: ", 7, remedy);
        }
    }
}
