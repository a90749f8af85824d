//! `linchpin schedule`: when sessions are made by themselves, and for whom; running, switching, taking back.

use chrono_tz::Tz;
use serde_json::Value;

use super::decide::whoever;
use super::text::{self, count, field};
use crate::cli::{Global, ScheduleAction, ScheduleArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::{self, Align, TextTable, printable};

mod answers;
mod deeds;

pub(crate) use self::answers::{Wanted, answer, listed, next, problems};
pub(crate) use self::deeds::{cancel, note, run_now, switch};

pub(crate) async fn run(global: &Global, args: &ScheduleArgs) -> Result<Exit, Failure> {
    let context = Context::open(global).await?;
    let zone = context.config.time_zone;
    match args.action.as_ref().unwrap_or(&ScheduleAction::List) {
        ScheduleAction::List => {
            let answer = listed(&context).await?;
            each(global, &answer, |items| list(items, zone));
        }
        ScheduleAction::Show { name } => {
            let answer = answer(&context, name).await?;
            one(global, &answer, |value| show(value, zone));
        }
        ScheduleAction::Next(args) => {
            let wanted =
                Wanted { name: args.name.clone(), count: args.count, until: args.until.clone() };
            let answer = next(&context, &wanted).await?;
            each(global, &answer, upcoming);
        }
        ScheduleAction::Run(args) => {
            let by = whoever(args.by.as_deref());
            let answer = run_now(&context, &args.name, args.detect_only, &by).await?;
            let made = format!("{} sessions", number(&answer, "made"));
            context.audit(&by, "run-schedule", words(&answer, "name"), &made).await?;
            one(global, &answer, fired);
        }
        ScheduleAction::Enable(args) => {
            let by = whoever(args.by.as_deref());
            let answer = switch(&context, &args.name, true, &by).await?;
            context.audit(&by, "enable-schedule", words(&answer, "name"), "").await?;
            one(global, &answer, switched);
        }
        ScheduleAction::Disable(args) => {
            let by = whoever(args.by.as_deref());
            let answer = switch(&context, &args.name, false, &by).await?;
            context.audit(&by, "disable-schedule", words(&answer, "name"), "").await?;
            one(global, &answer, switched);
        }
        ScheduleAction::Cancel(args) => {
            let by = whoever(args.by.as_deref());
            let answer = cancel(&context, &args.name, args.running, &by).await?;
            let many = number(&answer, "cancelled").to_string();
            context.audit(&by, "cancel-schedule", words(&answer, "name"), &many).await?;
            let were = count(number(&answer, "cancelled"), "session was", "sessions were");
            one(global, &answer, |_| output::line(&format!("{were} taken back.")));
        }
    }
    Ok(Exit::Ok)
}

fn each(global: &Global, answer: &Value, print: impl Fn(&[Value])) {
    let items = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    if global.json {
        items.iter().for_each(output::json);
    } else {
        print(items);
    }
}

fn one(global: &Global, answer: &Value, print: impl Fn(&Value)) {
    if global.json {
        output::json(answer);
    } else {
        print(answer);
    }
}

fn words<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_default()
}

/// An instant of an answer, by the hub's clock.
fn minute(value: &Value, zone: Tz) -> String {
    let at = value.as_str().and_then(|text| text.parse().ok());
    at.map(|at| text::minute(at, zone)).unwrap_or_default()
}

fn list(items: &[Value], zone: Tz) {
    if items.is_empty() {
        output::line("No schedule is defined; `linchpin plan` and `apply` take them from files.");
        return;
    }
    let columns = ["name", "for", "looks", "acts", "zone", "next"];
    let mut table = TextTable::new(&columns.map(|name| (name, Align::Left))).cutting(&[
        ("for", 10),
        ("name", 10),
        ("looks", 8),
        ("acts", 8),
    ]);
    for item in items {
        let next = match item["enabled"].as_bool() {
            Some(true) => minute(&item["next"], zone),
            _ => "off".to_owned(),
        };
        table.row([
            printable(words(item, "name")),
            printable(words(item, "target")),
            printable(words(item, "detect")),
            printable(words(item, "execute")),
            words(item, "zone").to_owned(),
            next,
        ]);
    }
    table.print();
}

fn show(value: &Value, zone: Tz) {
    let one = &value["schedule"];
    output::line(&printable(words(one, "name")));
    field("id", words(one, "id"));
    field("for", &printable(words(one, "target")));
    field("only", &printable(words(one, "item")));
    field("looks", words(one, "detect"));
    field("acts", words(one, "execute"));
    field("zone", words(one, "zone"));
    field("reboots", words(one, "reboots"));
    field("who is away", &away(one));
    let spread = number(one, "spread_minutes");
    field(
        "spread over",
        &if spread == 0 { String::new() } else { count(spread, "minute", "minutes") },
    );
    field("switched", if one["enabled"] == true { "on" } else { "off" });
    field("note", &printable(words(one, "note")));
    let members = &value["members"];
    let (yes, unknown) = (number(members, "in"), number(members, "unknown"));
    let left = number(members, "left_alone");
    field("members", &format!("{yes} in, {unknown} unknown, {left} left alone"));
    field("waits of it", &number(value, "waiting").to_string());
    let list = |key: &str| value[key].as_array().cloned().unwrap_or_default();
    if !list("problems").is_empty() {
        text::heading("Problems");
        for problem in list("problems") {
            text::indented(2, &printable(problem.as_str().unwrap_or_default()));
        }
    }
    text::heading("Next");
    for coming in list("next") {
        text::indented(2, &coming_words(&coming));
    }
    if list("next").is_empty() {
        text::indented(2, "never: it is switched off");
    }
    text::heading("Last");
    for run in list("runs") {
        let (made, waiting) = (number(&run, "made"), number(&run, "waiting"));
        let due = minute(&run["due"], zone);
        let mut line =
            format!("{due}: {}, {waiting} waited still", count(made, "session", "sessions"));
        if let Some(by) = run["by"].as_str() {
            line.push_str(&format!(", run by {}", printable(by)));
        }
        if !words(&run, "word").is_empty() {
            line.push_str(&format!("; {}", printable(words(&run, "word"))));
        }
        text::indented(2, &line);
    }
    if list("runs").is_empty() {
        text::indented(2, "it did not fire yet");
    }
}

fn away(one: &Value) -> String {
    match words(one, "offline") {
        "skip" => "is skipped".to_owned(),
        _ => format!(
            "is waited for, {} at the most",
            count(number(one, "expires_days"), "day", "days")
        ),
    }
}

fn coming_words(coming: &Value) -> String {
    let (due, acts, zone) =
        (words(coming, "due_local"), words(coming, "acts_local"), words(coming, "zone"));
    match acts {
        "" => format!("{due} looks, {zone}"),
        acts if acts == due => format!("{due}, {zone}"),
        acts => format!("{due} looks, {acts} acts, {zone}"),
    }
}

fn upcoming(items: &[Value]) {
    if items.is_empty() {
        output::line("Nothing is due: no schedule is switched on.");
        return;
    }
    let columns = ["looks", "acts", "zone", "schedule"];
    let mut table =
        TextTable::new(&columns.map(|name| (name, Align::Left))).cutting(&[("schedule", 12)]);
    for item in items {
        table.row([
            words(item, "due_local").to_owned(),
            words(item, "acts_local").to_owned(),
            words(item, "zone").to_owned(),
            printable(words(item, "name")),
        ]);
    }
    table.print();
}

fn fired(value: &Value) {
    let made = count(number(value, "made"), "session was", "sessions were");
    output::line(&format!("{made} made, group \"{}\".", printable(words(value, "group"))));
    let waiting = number(value, "waiting");
    if waiting > 0 {
        let had = count(waiting, "subject has", "subjects have");
        output::line(&format!("{had} one already that is not over."));
    }
    if !words(value, "word").is_empty() {
        text::wrapped("", 2, &printable(words(value, "word")));
    }
}

fn switched(value: &Value) {
    let name = printable(words(value, "name"));
    output::line(&match value["enabled"] == true {
        true => format!("{name} is switched on."),
        false => format!(
            "{name} is switched off; `linchpin schedule cancel` takes back what waits of it."
        ),
    });
}
