//! `linchpin schedule` and the `[[schedule]]` tables behind it, against the small MSP.

use core_model::session::{Session, SessionState};
use core_store::{ScheduleCheck, SessionQuery};
use serde_json::Value;

use super::files::exported;
use super::firm::Firm;

const SCHEDULES: &str = r#"
[[schedule]]
name = "Nightly"
target = { tenant = "Contoso", except = { tag = "kiosk" } }
detect = "19:00"
execute = "22:30"
zone = "Europe/Berlin"
reboots = "normal"
note = "the office is dark by then"

[[schedule]]
name = "Patches"
target = "all"
classes = ["workstations"]
detect = { patch_tuesday = 1, at = "21:00" }
zone = "tenant"

[[schedule]]
name = "Reader"
target = { group = "Finance", tenant = "Fabrikam" }
software = "reader"
detect = "0 2 * * sun"
enabled = false
"#;

/// The MSP with its rules as files, and schedules beside them.
async fn firm() -> Firm {
    let firm = exported().await;
    firm.put("rules/schedules.toml", SCHEDULES);
    firm.run(&["apply", "rules", "--note", "nights"]).ended(0);
    firm
}

fn names(items: &[Value]) -> Vec<&str> {
    items.iter().map(|one| one["name"].as_str().unwrap()).collect()
}

async fn sessions(firm: &Firm) -> Vec<Session> {
    let store = firm.store().await;
    let all = store.sessions(SessionQuery::default()).await.unwrap();
    store.close().await;
    all.into_iter().map(|(_, session)| session).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_are_defined_in_files_planned_applied_exported_and_refused_with_their_place() {
    let firm = exported().await;
    firm.put(
        "rules/schedules.toml",
        &SCHEDULES.replace("execute = \"22:30\"", "execute = \"19:30\""),
    );
    let refused = firm.run(&["plan", "rules"]).ended(2);
    for part in ["schedules.toml:", "execute = \"19:30\"", "30 minutes later", "immediately"] {
        assert!(refused.err.contains(part), "{part}: {}", refused.err);
    }
    firm.put("rules/schedules.toml", &SCHEDULES.replace("\"kiosk\"", "\"kiosq\""));
    let refused = firm.run(&["plan", "rules"]).ended(2);
    assert!(refused.err.contains("kiosq") && refused.err.contains("Kiosk"), "{}", refused.err);
    firm.put("rules/schedules.toml", SCHEDULES);
    let planned = firm.run(&["plan", "rules"]).ended(0).readable().out;
    assert!(
        planned.contains("+ schedule Nightly") && planned.contains("execute: daily at 22:30"),
        "{planned}"
    );
    firm.run(&["apply", "rules"]).ended(0);
    // What is exported is what is there.
    firm.run(&["export", "again"]).ended(0);
    let written = firm.read("again/schedules.toml");
    for part in
        ["patch_tuesday = 1", "zone = \"tenant\"", "enabled = false", "reboots = \"normal\""]
    {
        assert!(written.contains(part), "{part}: {written}");
    }
    let same = firm.run(&["plan", "again", "--json"]).ended(0).json();
    assert_eq!(same[0]["changes"], Value::Array(Vec::new()), "{same:?}");
    // And changes field by field.
    firm.put("rules/schedules.toml", &SCHEDULES.replace("22:30", "23:30"));
    let planned = firm.run(&["plan", "rules"]).ended(0).out;
    assert!(planned.contains("execute: daily at 22:30 → daily at 23:30"), "{planned}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn schedules_are_listed_shown_and_say_when_they_are_due() {
    let firm = firm().await;
    let listed = firm.run(&["schedule", "list", "--json"]).ended(0).json();
    assert_eq!(names(&listed), ["Nightly", "Patches", "Reader"]);
    assert!(listed[0]["next"].is_string() && listed[2]["next"].is_null(), "{listed:?}");
    let text = firm.run(&["schedule"]).ended(0).readable().out;
    assert!(text.contains("Patch Tuesday") && text.contains("off"), "{text}");

    let shown = firm.run(&["schedule", "show", "nightly", "--json"]).ended(0).value();
    assert_eq!(shown["members"]["in"], 4, "without the kiosk");
    assert_eq!(
        (&shown["schedule"]["zone"], &shown["schedule"]["reboots"]),
        (&"Europe/Berlin".into(), &"normal".into())
    );
    assert_eq!(shown["next"].as_array().unwrap().len(), 5);
    let local = shown["next"][0]["due_local"].as_str().unwrap();
    assert!(local.ends_with("19:00"), "{local}");
    assert!(shown["next"][0]["acts_local"].as_str().unwrap().ends_with("22:30"));
    let text = firm.run(&["schedule", "show", "Nightly"]).ended(0).readable().out;
    assert!(
        text.contains("the office is dark by then") && text.contains("it did not fire yet"),
        "{text}"
    );
    firm.run(&["schedule", "show", "nitely"]).refused(&["no schedule `nitely`", "Nightly"]);

    // S24: a year of Patch Tuesdays, in each zone that a tenant is in.
    let next =
        firm.run(&["schedule", "next", "patches", "--count", "100", "--json"]).ended(0).json();
    let zones: std::collections::BTreeSet<&str> =
        next.iter().map(|one| one["zone"].as_str().unwrap()).collect();
    assert_eq!(zones, ["America/Chicago", "Europe/Berlin"].into());
    assert!((24..=26).contains(&next.len()), "{}", next.len());
    assert!(
        next.iter().all(|one| one["due_local"].as_str().unwrap().starts_with("Wed")),
        "{next:?}"
    );
    let few = firm.run(&["schedule", "next", "--count", "3", "--json"]).ended(0).json();
    assert_eq!(few.len(), 3);
    let past = firm.run(&["schedule", "next", "--until", "2020-01-01", "--json"]).ended(0).json();
    assert!(past.is_empty());
    firm.run(&["schedule", "next"]).ended(0).readable();
    firm.run(&["schedule", "next", "--until", "soon"]).refused(&["`--until soon` is no date"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_is_run_out_of_turn_once_at_a_time_and_what_waits_of_it_taken_back() {
    let firm = firm().await;
    let ran = firm.run(&["schedule", "run", "nightly", "--by", "ana", "--json"]).ended(0).value();
    assert_eq!((&ran["made"], &ran["waiting"]), (&4.into(), &0.into()), "{ran}");
    // Who has one that waits gets no second.
    let again = firm.run(&["schedule", "run", "nightly"]).ended(0).readable().out;
    assert!(
        again.contains("0 sessions were made") && again.contains("4 subjects have one already"),
        "{again}"
    );
    let all = sessions(&firm).await;
    assert_eq!(all.len(), 4);
    assert!(
        all.iter().all(|one| one.schedule.as_deref() == Some("Nightly") && one.asked_by == "ana")
    );
    let looks =
        firm.run(&["schedule", "run", "patches", "--detect-only", "--json"]).ended(0).value();
    let looked = sessions(&firm).await;
    assert_eq!(looked.iter().filter(|one| one.run.detect_only).count() as u64, looks["made"]);
    let of = firm.run(&["sessions", "--schedule", "Nightly", "--json"]).ended(0).json();
    assert_eq!(of.len(), 4);

    // Of whom it is not known whether it is for them, there is no session, and it is said.
    let unknown = firm.run(&["schedule", "run", "reader", "--json"]).ended(0).value();
    assert_eq!((&unknown["made"], &unknown["unknown"]), (&0.into(), &2.into()));
    let word = unknown["word"].as_str().unwrap();
    assert!(word.contains("FAB-1") && word.contains("never read to the end"), "{word}");
    let taken = firm.run(&["schedule", "cancel", "nightly", "--by", "ben"]).ended(0).out;
    assert_eq!(taken, "4 sessions were taken back.\n");
    let all = sessions(&firm).await;
    let nightly = all.iter().filter(|one| one.schedule.as_deref() == Some("Nightly"));
    assert!(
        nightly
            .into_iter()
            .all(|one| one.state == SessionState::Cancelled && one.word == "taken back by ben")
    );
    assert!(all.iter().any(|one| one.state == SessionState::Waiting));
    let shown = firm.run(&["schedule", "show", "nightly", "--json"]).ended(0).value();
    let runs = shown["runs"].as_array().unwrap();
    assert_eq!(
        (runs.len(), &runs[1]["made"], &runs[1]["by"]),
        (2, &4.into(), &"ana".into()),
        "{shown}"
    );
    let audit = firm.run(&["audit", "--json"]).ended(0).out;
    assert!(audit.contains("run-schedule") && audit.contains("cancel-schedule"), "{audit}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_is_switched_on_and_off_as_a_revision_and_is_due_from_then_on() {
    let firm = firm().await;
    let since = |firm: &Firm| {
        let shown = firm.run(&["schedule", "show", "reader", "--json"]).ended(0).value();
        shown["definition"]["since_us"].as_i64().unwrap()
    };
    let before = since(&firm);
    let on = firm.run(&["schedule", "enable", "reader", "--by", "ana", "--json"]).ended(0).value();
    assert_eq!((&on["enabled"], &on["changed"]), (&true.into(), &true.into()));
    assert!(since(&firm) > before, "what was before is not made up for");
    let now = since(&firm);
    let again = firm.run(&["schedule", "enable", "reader", "--json"]).ended(0).value();
    assert_eq!((&again["changed"], since(&firm)), (&false.into(), now));
    let text = firm.run(&["schedule", "disable", "reader"]).ended(0).out;
    assert!(text.contains("Reader is switched off"), "{text}");
    // The files that are applied say otherwise, and are told so.
    firm.run(&["schedule", "enable", "reader"]).ended(0);
    let planned = firm.run(&["plan", "rules"]).ended(0).out;
    assert!(planned.contains("enabled: yes → no"), "{planned}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_that_reaches_nobody_is_what_somebody_needs_to_look_at() {
    let firm = firm().await;
    let shown = firm.run(&["schedule", "show", "nightly", "--json"]).ended(0).value();
    let id = shown["schedule"]["id"].as_str().unwrap().to_owned();
    let store = firm.store().await;
    let check = |problem: Option<&str>| ScheduleCheck {
        schedule: id.clone(),
        members: 0,
        unknown: 0,
        problem: problem.map(str::to_owned),
        since_us: 1_796_000_000_000_000,
    };
    store.put_schedule_checks(&[check(Some("nobody is in its target"))]).await.unwrap();
    let needs = firm.run(&["needs", "--json"]).ended(0).json();
    let need = needs.iter().find(|one| one["kind"] == "schedule").expect("a need");
    assert_eq!(need["what"], "the schedule Nightly: nobody is in its target");
    assert!(need["remedy"].as_str().unwrap().contains("linchpin schedule show"));
    store.put_schedule_checks(&[check(None)]).await.unwrap();
    let needs = firm.run(&["needs", "--json"]).ended(0).json();
    assert!(needs.iter().all(|one| one["kind"] != "schedule"), "{needs:?}");
}
