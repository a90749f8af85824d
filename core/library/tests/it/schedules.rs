//! Schedules in files: what they mean, and what is refused with its line and what to write instead.

use chrono::NaiveTime;
use core_library::Library;
use core_model::library::{
    Execution, OfflineBehaviour, Owner, RebootPreference, ScheduleZone, SubjectKind, Target, Timing,
};

use crate::mistakes::check_report;
use crate::world::{NOW_US, names, read_files, read_text, tenant};
use core_library::{SourceFile, diff, read_over};

const ITEMS: &str = "software = [{ name = 'reader' }]\n\
                     task = [{ name = 'rename', onboarding_only = true }, { name = 'bill', category = 'tenant' }]\n";

fn schedule(lines: &[&str]) -> String {
    let mut all = vec!["name = 's'", "target = 'all'", "detect = '19:00'"];
    for line in lines {
        let key = |line: &str| line.split('=').next().unwrap_or_default().trim().to_owned();
        match all.iter_mut().find(|other| key(other) == key(line)) {
            Some(there) => *there = line,
            None => all.push(line),
        }
    }
    format!("{ITEMS}[[schedule]]\n{}\n", all.join("\n"))
}

fn only(lines: &[&str]) -> core_model::library::Schedule {
    let text = schedule(lines);
    let library = read_text(&text).unwrap_or_else(|report| panic!("{report}"));
    library.schedules.into_iter().next().expect("a schedule")
}

#[test]
fn a_schedule_is_read_as_it_is_written() {
    let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let plain = only(&[]);
    assert_eq!((plain.target, plain.subjects), (Target::All, SubjectKind::Computer));
    assert_eq!(plain.detect, Timing::Daily(at(19)));
    assert_eq!((plain.execute, plain.zone), (Execution::Immediately, ScheduleZone::Hub));
    assert_eq!((plain.offline, plain.expires_days), (OfflineBehaviour::ApplyOnConnect, 7));
    assert!(plain.enabled && plain.reboots.is_none() && plain.item.is_none());
    assert_eq!((plain.created_us, plain.since_us), (NOW_US, NOW_US));
    let full = only(&[
        "tenant = 'Contoso'",
        "children = true",
        "detect = { patch_tuesday = 1, at = '21:00' }",
        "execute = '0 2 * * *'",
        "zone = 'Australia/Sydney'",
        "software = 'reader'",
        "classes = ['servers']",
        "reboots = 'prompt'",
        "offline = 'skip'",
        "expires_days = 3",
        "spread_minutes = 30",
        "enabled = false",
        "note = 'why'",
    ]);
    assert_eq!(full.owner, Some(Owner { tenant: tenant("contoso"), children: true }));
    assert_eq!(full.detect, Timing::PatchTuesday { days: 1, at: at(21) });
    assert_eq!(full.execute, Execution::At(Timing::Cron("0 2 * * *".to_owned())));
    assert_eq!(full.zone, ScheduleZone::Named("Australia/Sydney".to_owned()));
    assert_eq!(
        (full.reboots, full.offline),
        (Some(RebootPreference::Prompt), OfflineBehaviour::Skip)
    );
    assert_eq!((full.expires_days, full.spread_minutes, full.enabled), (3, 30, false));
    assert_eq!(only(&["zone = 'tenant'"]).zone, ScheduleZone::Tenant);
    assert_eq!(only(&["task = 'bill'"]).subjects, SubjectKind::Tenant);
    assert_eq!(only(&["subjects = 'persons'"]).subjects, SubjectKind::Person);
    assert_eq!(only(&["execute = 'never'"]).execute, Execution::Never);
}

#[test]
fn s21_what_would_be_acted_on_within_the_hour_is_refused_at_its_line() {
    let text = schedule(&["execute = '19:30'"]);
    let report = read_text(&text).unwrap_err();
    let says = ["at 19:30, 30 minutes later", "at least an hour", "execute = \"immediately\""];
    check_report(&report, "execute = '19:30' @ '19:30'", &says);
    for right in ["'20:00'", "'immediately'", "'never'", "'18:30'"] {
        only(&[&format!("execute = {right}")]);
    }
    let report =
        read_text(&schedule(&["detect = '*/20 * * * *'", "execute = '22:00'"])).unwrap_err();
    assert!(report.contains("at 22:00, 40 minutes later"), "{report}");
}

#[test]
fn what_is_wrong_with_a_schedule_is_told_at_its_place() {
    for (lines, caret, says) in [
        (&["detect = '25:00'"][..], "detect = '25:00' @ '25:00'", "a time of day (\"19:00\")"),
        (&["detect = '0 25 * * *'"], "detect = '0 25 * * *' @ '0 25", "the hour cannot be `25`"),
        (&["detect = '0 2 30 2 *'"], "detect = '0 2 30 2 *' @ '0 2", "no day fits"),
        (
            &["detect = { patch_tuesday = 1, at = '9pm' }"],
            "detect = { patch_tuesday = 1, at = '9pm' } @ '9pm'",
            "`9pm` is no time of day",
        ),
        (&["zone = 'Europe/Berln'"], "zone = 'Europe/Berln' @ 'Europe", "\"Europe/Berlin\""),
        (&["software = 'raeder'"], "software = 'raeder' @ 'raeder'", "did you mean \"reader\"?"),
        (&["task = 'rename'"], "task = 'rename' @ 'rename'", "onboarding runs only"),
        (
            &["task = 'bill'", "subjects = 'computers'"],
            "subjects = 'computers' @ 'computers'",
            "for others than `subjects` says",
        ),
        (
            &["subjects = 'tenants'", "classes = ['servers']"],
            "classes = ['servers'] @ ['servers']",
            "device classes are for computers",
        ),
        (&["instance = 'x'"], "instance = 'x' @ 'x'", "there is no task"),
        (&["target = { tag = 'kisok' }"], "target = { tag = 'kisok' } @ 'kisok'", "no tag"),
        (&["targt = 'all'"], "targt = 'all' @ targt", "target"),
    ] {
        let report = read_text(&schedule(lines)).expect_err("a mistake");
        check_report(&report, caret, &[says]);
    }
    let twice =
        format!("{}[[schedule]]\nname = 'S'\ntarget = 'all'\ndetect = '20:00'\n", schedule(&[]));
    assert!(read_text(&twice).unwrap_err().contains("two schedules named `S`"));
}

#[test]
fn a_schedule_keeps_its_id_and_is_due_anew_only_where_its_times_or_its_switch_change() {
    let known = Library { ..read_text(&schedule(&[])).unwrap() };
    let mut before = known.clone();
    before.schedules[0].created_us = 7;
    before.schedules[0].since_us = 9;
    let read = |lines: &[&str]| {
        let files = [SourceFile::new("rules.toml", &schedule(lines))];
        let mut library = read_files(&files, &before).unwrap();
        library.schedules.remove(0)
    };
    let noted = read(&["note = 'why'", "target = { tenant = 'Contoso' }"]);
    assert_eq!((noted.id, noted.created_us, noted.since_us), (before.schedules[0].id, 7, 9));
    for other in [&["detect = '20:00'"][..], &["enabled = false"], &["zone = 'tenant'"]] {
        let one = read(other);
        assert_eq!((one.created_us, one.since_us), (7, NOW_US), "{other:?}");
    }
    // Another file leaves it as it is, and a change of it is told field by field.
    let file = SourceFile::new("more.toml", "tag = [{ name = 'kiosk' }]\n");
    let over = read_over(&[file], &names(), &before, NOW_US).unwrap();
    assert_eq!(over.schedules, before.schedules);
    let mut changed = before.clone();
    changed.schedules[0].execute = Execution::At(Timing::Cron("0 3 * * *".to_owned()));
    let told: Vec<String> =
        diff(&before, &changed, &names()).iter().map(ToString::to_string).collect();
    assert_eq!(told, ["~ schedule s\n    execute: 0 3 * * *"]);
}
