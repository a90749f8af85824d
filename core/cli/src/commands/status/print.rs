//! The standing of connections, for people: a row per stream, its scopes taken together, and under
//! them what is not in order.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use core_model::run::Outcome;

use super::{
    ConnectionStanding, NAMED, PushStanding, Standing, StreamStanding, SubscriptionStanding,
};
use crate::commands::text::{self, count, cut, minute, span};
use crate::output::{self, Align, TextTable, thousands};

/// Characters of an example of a held key.
const KEY: usize = 40;

pub(super) fn print(standing: &Standing, zone: Tz) {
    output::line(&format!("{}, times are of {}", minute(standing.at, zone), standing.time_zone));
    for connection in &standing.connections {
        print_connection(connection, zone);
    }
    output::line("");
}

fn print_connection(connection: &ConnectionStanding, zone: Tz) {
    let ConnectionStanding { name, kind, enabled, configured, syncing, streams, .. } = connection;
    let note = match (configured, enabled, syncing) {
        (false, ..) => ": not in the settings any more",
        (_, false, _) => ": not enabled",
        (.., Some(_)) => ": being synced",
        _ => "",
    };
    text::heading(&format!("{name} ({kind}){note}"));
    if let Some(holder) = syncing {
        text::indented(2, &format!("by {holder}"));
    }
    let mut by_stream: Vec<(&str, Vec<&StreamStanding>)> = Vec::new();
    for stream in streams {
        match by_stream.last_mut().filter(|(name, _)| *name == stream.stream) {
            Some((_, scopes)) => scopes.push(stream),
            None => by_stream.push((&stream.stream, vec![stream])),
        }
    }
    table(&by_stream, zone).print_indented(2);
    for (name, scopes) in by_stream {
        print_problems(name, &scopes, zone);
    }
    if let Some(push) = &connection.push {
        print_push(push, zone);
    }
    if let Some(subscriptions) = &connection.subscriptions {
        print_subscriptions(subscriptions, zone);
    }
    if !connection.next.is_empty() {
        let planned = connection.next.iter().map(|next| {
            let stream = next.stream.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
            format!("{}{stream} {}", next.work, minute(next.at, zone))
        });
        let planned = planned.collect::<Vec<_>>().join(", ");
        text::indented(2, &format!("next, where a daemon runs: {planned}"));
    }
}

/// What the system tells by itself, in a line; and why it does not.
fn print_subscriptions(standing: &SubscriptionStanding, zone: Tz) {
    let live = count(standing.live as u64, "subscription", "subscriptions");
    let ends = standing.ends.map(|at| format!(", good until {} at least", minute(at, zone)));
    text::indented(2, &format!("told of changes: {live}{}", ends.unwrap_or_default()));
    for failure in &standing.failures {
        text::indented(2, &format!("not told of {}: {}", failure.about(), failure.error));
        text::wrapped("      fix: ", 11, &failure.remedy);
    }
}

/// How far writing back has come, in a line; and why it does not go on.
fn print_push(push: &PushStanding, zone: Tz) {
    let last = match &push.last_run {
        Some(run) => format!("{} {}", run.outcome.as_str(), minute(run.started, zone)),
        None => "nothing yet".to_owned(),
    };
    let mut parts = vec![format!("push: {last}")];
    let behind = u64::try_from(push.behind).unwrap_or_default();
    if behind > 0 {
        parts.push(format!("{} since", count(behind, "event", "events")));
    }
    let mut open = |number: usize, what: &str| {
        if number > 0 {
            parts.push(format!("{} {what}", thousands(number as u64)));
        }
    };
    open(push.retry, "tried again");
    open(push.dead, "failed for good (`linchpin push failures`)");
    open(push.conflicts, "changed by somebody else (`linchpin push conflicts`)");
    text::indented(2, &parts.join(", "));
    if let Some((error, run)) = push.last_run.as_ref().and_then(|r| Some((r.error.as_ref()?, r))) {
        text::indented(2, &format!("push {}: {error}", run.outcome.as_str()));
        text::wrapped("      fix: ", 11, run.remedy.as_deref().unwrap_or_default());
    }
}

fn table(streams: &[(&str, Vec<&StreamStanding>)], zone: Tz) -> TextTable {
    let mut table = TextTable::new(&[
        ("stream", Align::Left),
        ("scopes", Align::Right),
        ("live", Align::Right),
        ("complete", Align::Left),
        ("lag", Align::Right),
        ("in full", Align::Left),
        ("last run", Align::Left),
    ]);
    for (name, scopes) in streams {
        // Of several scopes the one that is furthest behind tells how old the stream is.
        let offered = || scopes.iter().filter(|one| one.outcome() != Some(Outcome::Skipped));
        let complete = offered().map(|one| one.last_complete).min().flatten();
        let full = offered().map(|one| one.last_full).min().flatten();
        let lag = offered().filter_map(|one| one.lag_seconds).max();
        let live: i64 = scopes.iter().map(|one| one.live).sum();
        let named = scopes.iter().filter(|one| !one.scope.is_empty()).count();
        let at = |time: Option<_>| time.map_or("never".to_owned(), |at| minute(at, zone));
        table.row([
            (*name).to_owned(),
            if named > 0 { named.to_string() } else { String::new() },
            thousands(u64::try_from(live).unwrap_or_default()),
            at(complete),
            complete.and(lag).map(lag_in_words).unwrap_or_default(),
            at(full),
            outcome(scopes).to_owned(),
        ]);
    }
    table
}

fn lag_in_words(seconds: i64) -> String {
    if seconds < 60 { format!("{seconds} s") } else { span(seconds * 1000) }
}

/// The worst of the last outcomes.
fn outcome(scopes: &[&StreamStanding]) -> &'static str {
    let worst = [
        Outcome::Failed,
        Outcome::Held,
        Outcome::Stopped,
        Outcome::Running,
        Outcome::Skipped,
        Outcome::Complete,
    ];
    let any = |outcome: &&Outcome| scopes.iter().any(|one| one.outcome() == Some(**outcome));
    // A scope that is not offered is nothing bad beside others that are complete.
    let complete = scopes.iter().any(|one| one.outcome() == Some(Outcome::Complete));
    match worst.iter().find(any) {
        Some(Outcome::Skipped) if complete => Outcome::Complete.as_str(),
        Some(outcome) => outcome.as_str(),
        None => "",
    }
}

fn print_problems(stream: &str, scopes: &[&StreamStanding], zone: Tz) {
    let mut errors: BTreeMap<(&str, &str, &str), Vec<&StreamStanding>> = BTreeMap::new();
    for scope in scopes {
        let Some(run) = &scope.last_run else { continue };
        // What is held says so below, with more.
        if let (Some(error), true) = (&run.error, run.outcome != Outcome::Held) {
            let remedy = run.remedy.as_deref().unwrap_or_default();
            let key = (run.outcome.as_str(), error.as_str(), remedy);
            errors.entry(key).or_default().push(scope);
        }
    }
    for ((outcome, error, remedy), scopes) in errors {
        text::indented(2, &format!("{stream}{} {outcome}: {error}", of(&scopes)));
        if !remedy.is_empty() {
            text::wrapped("      fix: ", 11, remedy);
        }
    }
    // What the system does not offer is not half read: there is nothing to read.
    let half = |one: &&&StreamStanding| {
        one.unfinished.is_some() && one.outcome() != Some(Outcome::Skipped)
    };
    let unfinished: Vec<_> = scopes.iter().filter(half).copied().collect();
    if !unfinished.is_empty() {
        let what = "is not read to its end; the next sync goes on where the last one was";
        text::indented(2, &format!("{stream}{} {what}", of(&unfinished)));
    }
    for scope in scopes {
        let Some(held) = &scope.held else { continue };
        let records = count(held.count, "deletion is", "deletions are");
        let sample: Vec<String> = held.sample.iter().map(|key| cut(key, KEY)).collect();
        let since = minute(held.since, zone);
        let what = format!(
            "{stream}{}: {records} held since {since} ({}, …)",
            of(&[scope]),
            sample.join(", ")
        );
        text::indented(2, &what);
        let accept = format!("if that is right at the source: `{}`", held.accept);
        text::wrapped("      fix: ", 11, &accept);
    }
    let quarantined: u64 = scopes.iter().map(|one| one.quarantined).sum();
    if quarantined > 0 {
        let run = scopes
            .iter()
            .filter(|one| one.quarantined > 0)
            .find_map(|one| one.last_run.as_ref().map(|run| text::short(&run.id)));
        let records = count(quarantined, "record", "records");
        let see = run.map(|run| format!(": `linchpin runs {run}`")).unwrap_or_default();
        text::indented(2, &format!("{stream}: {records} in quarantine{see}"));
    }
}

/// ` of Contoso, Fabrikam and 3 more`; nothing where there are no scopes.
fn of(scopes: &[&StreamStanding]) -> String {
    let named: Vec<&str> = scopes
        .iter()
        .map(|one| if one.scope_name.is_empty() { one.scope.as_str() } else { &one.scope_name })
        .filter(|name| !name.is_empty())
        .collect();
    if named.is_empty() {
        return String::new();
    }
    let more = named.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown: Vec<&str> = named.into_iter().take(NAMED).collect();
    format!(" of {}{more}", shown.join(", "))
}
