//! What a push did, for people: each object with its differences, and a line for the whole.

use core_sync::{PushOptions, PushReport, Pushed, PushedItem};

use super::difference;
use crate::commands::text;
use crate::output;

/// Computers without an object that are named for one reason.
const NAMED: usize = 5;

pub(super) fn report(report: &PushReport, options: PushOptions) {
    for item in &report.items {
        print_item(&report.connection, item, options);
    }
    print_missing(report);
    text::heading(&format!("{}: {}", report.connection, in_short(report, options)));
    if let Some(error) = &report.ended {
        text::indented(2, &format!("ended before it was done: {error}"));
        text::wrapped("      fix: ", 11, &error.remedy());
    }
    if report.stopped {
        text::indented(2, "stopped; the next push goes on with what is left");
    }
}

fn print_item(connection: &str, item: &PushedItem, options: PushOptions) {
    let verb = match (&item.outcome, options.dry_run) {
        (Pushed::Missing { .. } | Pushed::Left, _) => return,
        (Pushed::Unchanged, _) => "left as it is",
        (Pushed::Written, false) => "written",
        (Pushed::Written, true) => "would be written",
        (Pushed::Created, false) => "made",
        (Pushed::Created, true) => "would be made",
        (Pushed::Failed { dead: false, .. }, _) => "failed, and is tried again",
        (Pushed::Failed { dead: true, .. }, _) => "failed for good",
    };
    let object = item.object.as_ref().map(|key| format!(" ({key})")).unwrap_or_default();
    output::line(&output::printable(&format!("{connection} {}{object}: {verb}", item.name)));
    for change in &item.changes {
        text::indented(4, &difference(change));
    }
    for conflict in &item.conflicts {
        text::indented(4, &format!("{}, but somebody else changed it", difference(conflict)));
    }
    if let Pushed::Failed { error, .. } = &item.outcome {
        text::indented(4, &error.to_string());
        text::wrapped("      fix: ", 11, &error.remedy());
    }
}

/// Who should have an object and cannot yet, by the reason.
fn print_missing(report: &PushReport) {
    let mut reasons: std::collections::BTreeMap<&str, Vec<&str>> = Default::default();
    for item in &report.items {
        if let Pushed::Missing { why } = &item.outcome {
            reasons.entry(why).or_default().push(&item.name);
        }
    }
    for (why, names) in reasons {
        let more = names.len().saturating_sub(NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let named: Vec<&str> = names.into_iter().take(NAMED).collect();
        text::indented(0, &format!("not made for {}{more}: {why}", named.join(", ")));
    }
}

fn in_short(report: &PushReport, options: PushOptions) -> String {
    let number = |count: usize| count as u64;
    let of = |which: fn(&Pushed) -> bool| number(report.count(|item| which(&item.outcome)));
    let mut parts = Vec::new();
    let mut part = |count: u64, words: &str| {
        if count > 0 {
            parts.push(format!("{} {words}", output::thousands(count)));
        }
    };
    let (written, made) =
        if options.dry_run { ("would be written", "would be made") } else { ("written", "made") };
    part(of(|outcome| matches!(outcome, Pushed::Written)), written);
    part(of(|outcome| matches!(outcome, Pushed::Created)), made);
    part(number(report.conflicts()), "changed by somebody else");
    part(number(report.failed()), "failed");
    part(of(|outcome| matches!(outcome, Pushed::Missing { .. })), "not made yet");
    part(of(|outcome| matches!(outcome, Pushed::Left)), "left for the next push");
    part(number(report.unchanged), "as they should be");
    if parts.is_empty() { "nothing to do".to_owned() } else { parts.join(", ") }
}
