//! Graph tells a service that runs what changes: subscriptions are made, what is told is in the model, and
//! a service that is killed makes no second one.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use mocks::estate::{Change, Pick};
use serde_json::{Value, json};

use super::service::Service;
use crate::commands::site::Site;

const SECRET: &str = "planted-client-state";
/// Nothing is read when it is planned: what comes in was told.
const SILENT: &str =
    "[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\njitter_seconds = 0\n";

/// A site that is reached at a port of this machine, and was read once.
async fn site(seed: u64) -> Site {
    let site = Site::serve(40, seed).await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let path = site.place.path().join("linchpin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let server = format!(
        "[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"http://127.0.0.1:{port}\"\n"
    );
    std::fs::write(&path, format!("{text}\n{server}{SILENT}")).unwrap();
    site.add_to_connection("azure-ad", &format!("webhook_secret = \"{SECRET}\""));
    site
}

fn there(site: &Site) -> Vec<(String, String, String)> {
    let all = site.running.estate("subscriptions", &Value::Null).unwrap();
    let text = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    let one = |one: &Value| (text(one, "tenantId"), text(one, "resource"), text(one, "id"));
    all.as_array().unwrap().iter().map(one).collect()
}

fn looked_after(line: &Value) -> bool {
    line["message"] == "subscriptions were looked after"
}

/// Waits until something is so.
#[track_caller]
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(90), "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Somebody who is enabled in a directory that is subscribed to, and what the hub calls him.
fn somebody(site: &Site) -> (usize, String) {
    let subscribed: BTreeSet<String> = there(site).into_iter().map(|(tenant, ..)| tenant).collect();
    let world = site.running.world();
    let world = world.read().unwrap();
    let found = world.persons.iter().enumerate().find(|(_, one)| {
        one.mark.gone.is_none()
            && one.enabled
            && one.account == mocks::world::Account::Member
            && subscribed.contains(&world.directories[one.directory].id.to_string())
    });
    let (no, person) = found.unwrap();
    (no, person.upn.to_lowercase())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_graph_tells_of_is_in_the_model_without_waiting_for_its_time() {
    let site = site(87).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let service = Service::start(&site, &[]);
    let made = service.wait_for(looked_after);
    assert_eq!(made["made"].as_u64().unwrap(), there(&site).len() as u64, "{made}");
    let (no, upn) = somebody(&site);
    site.change(&Change::RenamePerson {
        person: Pick::No(no),
        surname: Some("Plantedname".to_owned()),
    });
    let new = site.running.world().read().unwrap().persons[no].upn.to_lowercase();
    assert_ne!(new, upn);
    until("the new name is not in the model", || {
        let shown = site.run(&["list", "persons", "--json"]).ended(0).out.to_lowercase();
        shown.contains(&format!("\"{new}\""))
    });

    let status = site.run(&["status", "--json"]).ended(0).json().remove(0);
    let azure = status["connections"].as_array().unwrap();
    let azure = azure.iter().find(|one| one["name"] == "azure-ad").unwrap();
    assert_eq!(azure["subscriptions"]["live"], made["made"], "{azure}");
    let shown = site.run(&["status"]).ended(0).readable().out;
    assert!(shown.contains("told of changes: "), "{shown}");

    // Graph took one away and says so: it is there again.
    let (tenant, topic, lost) = there(&site).remove(0);
    let event = json!({"event": "subscriptionRemoved", "tenant": tenant, "resource": topic});
    site.running.estate("lifecycle", &event).unwrap();
    until("it is not made again", || {
        let mut all = there(&site).into_iter();
        all.any(|(of, what, id)| of == tenant && what == topic && id != lost)
    });
    service.signal("TERM");
    let (code, lines) = service.end();
    assert_eq!(code, 0, "{lines:#?}");
    let log = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(!log.contains(SECRET), "the secret is in the log");
}

/// When a subscription ends, as Graph has it.
fn ends(site: &Site, id: &str) -> String {
    let all = site.running.estate("subscriptions", &Value::Null).unwrap();
    let one = all.as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
    one["expirationDateTime"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_graph_missed_is_read_and_what_it_wants_authorised_again_is_renewed() {
    let site = site(90).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let service = Service::start(&site, &[]);
    service.wait_for(looked_after);
    // In the order of Graph they are not.
    let now = || there(&site).into_iter().collect::<BTreeSet<_>>();
    let all = now();

    // It wants one authorised again: that one is renewed, and no other is made.
    let (no, upn) = somebody(&site);
    let directory = {
        let world = site.running.world();
        let world = world.read().unwrap();
        world.directories[world.persons[no].directory].id.to_string()
    };
    let of_users =
        |(of, topic, _): &&(String, String, String)| *of == directory && topic == "users";
    let (_, _, id) = all.iter().find(of_users).unwrap();
    let before = ends(&site, id);
    // Its end is told in whole seconds.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let event = |event: &str| {
        let told = json!({ "event": event, "tenant": directory, "resource": "users" });
        let told = site.running.estate("lifecycle", &told).unwrap();
        assert_eq!(told["subscriptions"], 1, "{told}");
    };
    event("reauthorizationRequired");
    service.wait_for(|line| looked_after(line) && line["renewed"] == 1 && line["made"] == 0);
    assert!(ends(&site, id) > before, "it was not renewed");
    assert_eq!(now(), all);
    // What it may not have told meanwhile is read.
    service.wait_for(|line| {
        line["message"] == "a job is done" && line["job"] == "incremental azure-ad users"
    });

    // What changes while Graph tells nothing is not known, until it says that it told nothing.
    event("deaf");
    let person = Pick::No(no);
    site.change(&Change::RenamePerson { person, surname: Some("Plantedname".to_owned()) });
    let new = site.running.world().read().unwrap().persons[no].upn.to_lowercase();
    assert_ne!(new, upn);
    let knows = || {
        let shown = site.run(&["list", "persons", "--json"]).ended(0).out.to_lowercase();
        shown.contains(&format!("\"{new}\""))
    };
    let runs = || site.run(&["runs", "--json", "--limit", "1000"]).ended(0).json();
    let read = runs().len();
    // Longer than a hint waits.
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(!knows() && runs().len() == read, "it was read without a word");
    event("missed");
    until("what was missed is not in the model", knows);
    let runs = runs();
    let newest = runs.iter().find(|run| run["stream"] == "users" && run["trigger"] == "schedule");
    assert_eq!(newest.unwrap()["mode"], "incremental", "{newest:?}");
    assert_eq!(now(), all);
    service.signal("TERM");
    let (code, lines) = service.end();
    assert_eq!(code, 0, "{lines:#?}");
    let log = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(!log.contains(SECRET), "the secret is in the log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_killed_while_it_subscribes_makes_no_second_one() {
    let site = site(88).await;
    let mut seen = 0;
    for wait in [0, 40, 90, 160, 250, 400] {
        let service = Service::start(&site, &[]);
        service.wait_for(|line| line["job"] == "subscribe azure-ad");
        std::thread::sleep(Duration::from_millis(wait));
        service.signal("KILL");
        service.end();
        seen = seen.max(there(&site).len());
    }
    let service = Service::start(&site, &[]);
    service
        .wait_for(|line| line["message"] == "a job is done" && line["job"] == "subscribe azure-ad");
    let all = there(&site);
    let places: BTreeSet<_> = all.iter().map(|(tenant, topic, _)| (tenant, topic)).collect();
    assert_eq!(places.len(), all.len(), "{all:#?}");
    assert!(all.len() >= seen && all.len() > 2, "{} of {seen}", all.len());
    service.signal("TERM");
    assert_eq!(service.end().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_graph_does_not_reach_is_a_need_with_its_remedy_and_stops_no_sync() {
    let site = site(89).await;
    let path = site.place.path().join("linchpin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let public = text.find("public_url").unwrap();
    let end = public + text[public..].find('\n').unwrap();
    let elsewhere = format!("public_url = \"http://127.0.0.1:{port}\"");
    std::fs::write(&path, format!("{}{elsewhere}{}", &text[..public], &text[end..])).unwrap();
    let service = Service::start(&site, &[]);
    let warning = service.wait_for(|line| {
        line["message"].as_str().is_some_and(|text| text.contains("does not tell what changes"))
    });
    assert_eq!(warning["level"], "WARN");
    site.run(&["sync", "azure-ad"]).ended(0);
    let needs = site.run(&["needs", "--json"]).ended(0).json();
    let need = needs.iter().find(|need| need["kind"] == "subscription").unwrap();
    assert!(need["remedy"].as_str().unwrap().contains("public_url"), "{need}");
    assert!(!need.to_string().contains(SECRET));
    site.run(&["status"]).ended(0).readable();
    site.run(&["needs"]).ended(0).readable();

    // Mended without a restart.
    std::fs::write(&path, &text).unwrap();
    service.wait_for(looked_after);
    let needs = site.run(&["needs", "--json"]).ended(0).json();
    assert!(!needs.iter().any(|need| need["kind"] == "subscription"), "{needs:#?}");
    service.signal("TERM");
    assert_eq!(service.end().0, 0);
}
