//! When schedules are due, for whom, and which sessions come of it.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use core_agenda::{Batch, Firing, Occasion, batch, occasions, upcoming};
use core_model::id::{ComputerId, TagId, TenantId};
use core_model::library::{
    Execution, OfflineBehaviour, Owner, RebootPreference, Schedule, ScheduleZone, Tag, Target,
    Timing,
};
use core_model::session::SessionKind;
use core_resolve::{
    AsOf, ComputerInput, Definitions, Resolver, RunKind, Snapshot, SnapshotInput, TenantInput,
};

const CHICAGO: Tz = chrono_tz::America::Chicago;
const SYDNEY: Tz = chrono_tz::Australia::Sydney;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn tenant(name: &str) -> TenantId {
    TenantId::of_text(name, 0)
}

fn computer(name: &str) -> ComputerId {
    ComputerId::of_text(name, 0)
}

fn time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

fn daily(text: &str) -> Timing {
    Timing::Daily(time(text))
}

/// Contoso in Chicago, Harbour in Sydney, and Old, which is suspended; tags of one computer were not read.
fn input() -> SnapshotInput {
    let mut input = SnapshotInput::new(at("2026-12-01T00:00:00Z"));
    for (name, zone) in [("Contoso", CHICAGO), ("Harbour", SYDNEY), ("Old", CHICAGO)] {
        let mut one = TenantInput::new(tenant(name), name);
        one.zone = Some(zone.name().to_owned());
        one.suspended = name == "Old";
        input.tenants.push(one);
    }
    for (name, of) in
        [("C1", "Contoso"), ("C2", "Contoso"), ("CNC", "Contoso"), ("H1", "Harbour"), ("O1", "Old")]
    {
        let mut one = ComputerInput::new(computer(name), tenant(of), name);
        one.excluded = name == "CNC";
        one.tags_read = name != "C2";
        input.computers.push(one);
    }
    input.tags.push(Tag {
        id: TagId::of_text("kiosk", 0),
        name: "kiosk".to_owned(),
        computers: vec![computer("C1")],
        tenants: Vec::new(),
        persons: Vec::new(),
    });
    input
}

fn resolver(input: SnapshotInput) -> Resolver {
    let now = AsOf::Instant(input.known_at);
    let definitions = Definitions::new(Vec::new(), Vec::new(), Vec::new(), Vec::new());
    Resolver::new(Arc::new(Snapshot::new(input)), Arc::new(definitions), now, RunKind::default())
}

fn nightly() -> Schedule {
    Schedule::new("nightly", Target::All, daily("19:00"), 7)
}

fn only(schedule: Schedule, zone: Tz) -> Occasion {
    Occasion::of(&Arc::new(schedule), zone).unwrap()
}

fn fire(resolver: &Resolver, occasion: &Occasion, due: &str) -> Batch {
    let due = at(due);
    let firing = Firing { due, now: due, detect_only: false, by: None };
    batch(resolver, occasion, &firing)
}

/// For whom sessions were made, in alphabetical order: theirs is that of ids.
fn names(batch: &Batch) -> Vec<&str> {
    let mut names: Vec<&str> = batch.sessions.iter().map(|one| one.subject_name.as_str()).collect();
    names.sort_unstable();
    names
}

#[test]
fn a_session_is_made_for_everybody_in_the_target_and_nobody_else() {
    let resolver = resolver(input());
    let all = fire(&resolver, &only(nightly(), CHICAGO), "2026-12-02T01:00:00Z");
    assert_eq!(names(&all), ["C1", "C2", "H1"]);
    // Excluded, and of a suspended tenant.
    assert_eq!((all.left_alone, all.unknown), (2, 0));
    let session = &all.sessions[0];
    assert_eq!(session.kind, SessionKind::Scheduled);
    assert_eq!(session.schedule.as_deref(), Some("nightly"));
    assert_eq!(session.group.as_deref(), Some("nightly 2026-12-01 19:00"));
    assert_eq!((session.act_us, session.ready_us), (None, None));
    assert_eq!(session.offline, Some(OfflineBehaviour::ApplyOnConnect));
    let week = at("2026-12-09T01:00:00Z").timestamp_micros();
    assert_eq!(session.expires_us, Some(week));

    // Of whom it is not known whether he is in it, has none, and it is said why.
    let kiosks = Schedule { target: Target::Tag(TagId::of_text("kiosk", 0)), ..nightly() };
    let some = fire(&resolver, &only(kiosks, CHICAGO), "2026-12-02T01:00:00Z");
    assert_eq!((names(&some), some.unknown), (vec!["C1"], 1));
    assert_eq!(some.unknown_some[0].name, "C2");
    assert!(some.unknown_some[0].why.contains("read"), "{:?}", some.unknown_some);

    // What is gone is told, and resolves to nobody.
    let gone = Schedule { target: Target::Tag(TagId::of_text("gone", 0)), ..nightly() };
    let none = fire(&resolver, &only(gone, CHICAGO), "2026-12-02T01:00:00Z");
    assert!(none.sessions.is_empty() && none.problems[0].contains("is gone"), "{none:?}");

    let owned = Schedule {
        owner: Some(Owner { tenant: tenant("Harbour"), children: false }),
        reboots: Some(RebootPreference::Force),
        ..nightly()
    };
    let of_one = fire(&resolver, &only(owned, CHICAGO), "2026-12-02T01:00:00Z");
    assert_eq!(names(&of_one), ["H1"]);
    assert_eq!(of_one.sessions[0].reboots, Some(RebootPreference::Force));
}

#[test]
fn a_tenant_that_is_left_out_of_what_is_cross_tenant_has_schedules_of_its_own_only() {
    let mut input = input();
    input.tenants[0].excluded_from_cross_tenant = true;
    let resolver = resolver(input);
    let all = fire(&resolver, &only(nightly(), CHICAGO), "2026-12-02T01:00:00Z");
    assert_eq!(names(&all), ["H1"]);
    let own = Schedule { target: Target::tenant(tenant("Contoso")), ..nightly() };
    assert_eq!(names(&fire(&resolver, &only(own, CHICAGO), "2026-12-02T01:00:00Z")), ["C1", "C2"]);
}

#[test]
fn by_the_clock_of_each_tenant_it_is_due_in_each_zone_and_for_the_tenants_there() {
    let resolver = resolver(input());
    let schedule = Schedule { zone: ScheduleZone::Tenant, ..nightly() };
    let all = occasions(&[schedule], resolver.snapshot(), Tz::UTC);
    let zones: BTreeSet<&str> = all.iter().map(|one| one.zone.name()).collect();
    assert_eq!(zones, ["America/Chicago", "Australia/Sydney"].into());
    let coming = upcoming(&all, (at("2026-12-01T00:00:00Z"), at("2026-12-02T12:00:00Z")), 10);
    let told: Vec<String> =
        coming.iter().map(|one| format!("{} {}", one.due.to_rfc3339(), one.zone.name())).collect();
    assert_eq!(
        told,
        [
            "2026-12-01T01:00:00+00:00 America/Chicago",
            "2026-12-01T08:00:00+00:00 Australia/Sydney",
            "2026-12-02T01:00:00+00:00 America/Chicago",
            "2026-12-02T08:00:00+00:00 Australia/Sydney",
        ]
    );
    let sydney = all.iter().find(|one| one.zone == SYDNEY).unwrap();
    let there = fire(&resolver, sydney, "2026-12-01T08:00:00Z");
    assert_eq!(names(&there), ["H1"]);
    assert_eq!(there.group, "nightly 2026-12-01 19:00 Australia/Sydney");
    // Out of turn it is run for everybody at once, and switched off it is due nowhere.
    let due = at("2026-12-01T09:00:00Z");
    let firing = Firing { due, now: due, detect_only: true, by: Some("ana") };
    let by_hand = batch(&resolver, sydney, &firing);
    assert_eq!(names(&by_hand), ["C1", "C2", "H1"]);
    assert!(by_hand.sessions.iter().all(|one| one.run.detect_only && one.asked_by == "ana"));
    let off = Schedule { enabled: false, ..nightly() };
    assert!(occasions(&[off], resolver.snapshot(), Tz::UTC).is_empty());
}

#[test]
fn s24_patch_tuesday_and_a_day_in_sydney_is_the_ninth_of_december_and_listed_for_a_year() {
    let resolver = resolver(input());
    let schedule = Schedule {
        detect: Timing::PatchTuesday { days: 1, at: time("21:00") },
        execute: Execution::At(daily("23:00")),
        zone: ScheduleZone::Named(SYDNEY.name().to_owned()),
        ..nightly()
    };
    let all = occasions(&[schedule], resolver.snapshot(), Tz::UTC);
    let coming = upcoming(&all, (at("2026-12-01T00:00:00Z"), at("2027-12-01T00:00:00Z")), 100);
    let local = |at: DateTime<Utc>| at.with_timezone(&SYDNEY).format("%Y-%m-%d %H:%M").to_string();
    let days: Vec<String> = coming.iter().map(|one| local(one.due)).collect();
    assert_eq!(days.len(), 12);
    assert_eq!(days[0], "2026-12-09 21:00", "the eighth is Patch Tuesday");
    // Ten hours from Greenwich in their winter, eleven in their summer: the wall shows the same.
    assert_eq!(coming[0].due, at("2026-12-09T10:00:00Z"));
    assert_eq!((days[6].as_str(), coming[6].due), ("2027-06-09 21:00", at("2027-06-09T11:00:00Z")));
    assert!(coming.iter().all(|one| local(one.acts.unwrap()).ends_with("23:00")));
}

#[test]
fn what_is_looked_at_is_acted_on_at_its_time_an_hour_later_at_the_earliest() {
    let schedule = Schedule { execute: Execution::At(daily("02:30")), ..nightly() };
    let night = only(schedule.clone(), CHICAGO);
    let due = at("2026-12-02T01:00:00Z");
    assert_eq!(night.acts(due, due), Some(at("2026-12-02T08:30:00Z")));
    // The hub came back in the morning: not at once, but in the next night.
    let late = at("2026-12-02T15:00:00Z");
    assert_eq!(night.acts(due, late), Some(at("2026-12-03T08:30:00Z")));
    // Clocks go forward from 02:00 to 03:00: half an hour after 01:30 the wall shows 03:00.
    let jump = only(Schedule { detect: daily("01:30"), ..schedule }, CHICAGO);
    let due = jump.next(at("2027-03-14T00:00:00Z")).unwrap();
    assert_eq!(due, at("2027-03-14T07:30:00Z"));
    assert_eq!(jump.acts(due, due), Some(due + TimeDelta::hours(1)));
    let sessions = fire(&resolver(input()), &night, "2026-12-02T01:00:00Z").sessions;
    let acts = at("2026-12-02T08:30:00Z");
    assert!(sessions.iter().all(|one| one.act_us == Some(acts.timestamp_micros())));
    let until = (acts + TimeDelta::days(7)).timestamp_micros();
    assert!(sessions.iter().all(|one| one.expires_us == Some(until)));
}

#[test]
fn the_sessions_of_a_time_are_the_same_whoever_makes_them_and_spread_by_their_subjects() {
    let resolver = resolver(input());
    let spread = Schedule { spread_minutes: 60, ..nightly() };
    let occasion = only(spread, CHICAGO);
    let (due, later) = (at("2026-12-02T01:00:00Z"), at("2026-12-02T01:00:09Z"));
    let ids = |due, now| -> Vec<String> {
        let firing = Firing { due, now, detect_only: false, by: None };
        let made = batch(&resolver, &occasion, &firing).sessions;
        made.iter().map(|one| one.id.to_string()).collect()
    };
    assert_eq!(ids(due, due), ids(due, later));
    assert_ne!(ids(due, due), ids(due + TimeDelta::days(1), later));
    let made = fire(&resolver, &occasion, "2026-12-02T01:00:00Z").sessions;
    let waits: BTreeSet<i64> =
        made.iter().filter_map(|one| Some(one.ready_us? - due.timestamp_micros())).collect();
    assert!(
        waits.len() > 1 && waits.iter().all(|us| (0..=3_600_000_000).contains(us)),
        "{waits:?}"
    );
}
