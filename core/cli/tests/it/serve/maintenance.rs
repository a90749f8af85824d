//! The built-in engine at work: by hand where no service runs, and by the service where its settings say so.

use std::time::Duration;

use core_store::{SessionQuery, Store};
use serde_json::Value;

use super::service::Service;
use super::site;
use crate::commands::site::Site;

/// A task of files only: what it does is there at once.
pub(super) const MARKER: &str = r#"
[[task]]
name = "marker"
title = "The marker is there"
test = "Test-Path 'C:\\ProgramData\\marker.txt'"
set = '''
$d = Split-Path 'C:\ProgramData\marker.txt'
if (-not (Test-Path $d)) { $null = New-Item -ItemType Directory -Path $d -Force }
Set-Content -Path 'C:\ProgramData\marker.txt' -Value 'here'
'''

[[deployment]]
name = "marker-everywhere"
task = "marker"
state = "enforce"
target = "all"
"#;

const MORE: &str = "[rules]\nsecond_person = false\n[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";

/// A site with those rules, and computers with an agent that is on, by names that are theirs alone.
async fn ruled(seed: u64, more: &str) -> (Site, Vec<String>) {
    let (site, _) = site(60, seed, &format!("{MORE}{more}")).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    site.place.write("rules/marker.toml", MARKER);
    let plan = site.run(&["plan", "rules", "--json"]).json();
    let confirm = plan[0]["confirm"].as_u64().unwrap_or_default().to_string();
    site.run(&["apply", "rules", "--confirm", &confirm]).ended(0);
    let all = site.run(&["list", "computers", "--json"]).ended(0).json();
    let alone = |name: &Value| all.iter().filter(|one| one["name"] == *name).count() == 1;
    let online: Vec<String> = all
        .iter()
        .filter(|one| one["gone"] == false && alone(&one["name"]))
        .filter(|one| one["agents"].as_array().is_some_and(|agents| agents.len() > 1))
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect();
    (site, online)
}

fn result(shown: &[Value]) -> (&str, &str) {
    let last = shown.last().unwrap();
    (last["state"].as_str().unwrap(), last["word"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_run_by_hand_watched_and_told_and_the_next_one_finds_nothing_to_do() {
    let (site, computers) = ruled(94, "[maintenance]\npoll_ms = 50\n").await;
    let mut done = None;
    // One that happens to be off is left alone: it would be waited for.
    for name in computers.iter().take(8) {
        let looks = site
            .run(&["sessions", "run", name, "--detect-only", "--no-wait", "--json"])
            .ended(0)
            .json();
        assert_eq!(looks[0]["state"], "waiting");
        let id = looks[0]["id"].as_str().unwrap().to_owned();
        site.run(&["sessions", "cancel", &id]).ended(0);
        let store = Store::open(site.place.path().join("hub.db").to_str().unwrap()).await.unwrap();
        let ran = tokio::time::timeout(Duration::from_secs(60), async {
            site.run(&["session", "run", name, "--json"]).json()
        });
        let shown = ran.await.unwrap();
        let steps: Vec<&Value> = shown.iter().filter(|one| one["step"] != Value::Null).collect();
        if result(&shown).0 == "succeeded" {
            assert!(
                steps.iter().any(|one| one["said"]["what"] == "The marker is there: set"),
                "{steps:?}"
            );
            let kept = store.sessions(SessionQuery::default()).await.unwrap();
            assert!(kept.iter().any(|(_, one)| one.word == "as it should be"), "{kept:?}");
            done = Some(name.clone());
            break;
        }
    }
    let name = done.expect("a computer that is on");
    let again = site.run(&["session", "run", &name]).ended(0).readable().out;
    assert!(again.contains("succeeded: as it should be") && !again.contains(": set:"), "{again}");
    let actions = site.run(&["actions", "--computer", &name, "--json"]).ended(0).json();
    assert_eq!(actions.len(), 2, "{actions:?}");
    assert!(actions.iter().all(|one| one["result"] == "compliant"), "{actions:?}");
    let failures = site.run(&["actions", "--failures"]).ended(0).out;
    assert!(failures.contains("as it should be"), "{failures}");
    site.run(&["session", "run", "NO-SUCH-PC"]).refused(&["NO-SUCH-PC"]);
    site.run(&["session", "run", &name, "--item", "markr"]).refused(&["markr", "marker"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_takes_what_is_asked_for_where_its_engine_is_on() {
    let more = "[maintenance]\nengine = true\npoll_ms = 50\n";
    let (site, computers) = ruled(95, more).await;
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    for name in computers.iter().take(4) {
        site.run(&["session", "run", name, "--no-wait"]).ended(0);
    }
    let ended = service.wait_for(|line| line["message"] == "a session ended");
    assert_eq!((&ended["state"], &ended["word"]), (&"succeeded".into(), &"as it should be".into()));
}
