//! The service as its users meet it: it reads, says how it is, takes other settings, and stops.

use std::os::unix::net::UnixDatagram;

use chrono::{TimeDelta, Utc};
use core_store::{Planned, Store};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;
use serde_json::Value;

use crate::commands::site::Site;

mod api;
mod browser;
mod driver;
mod elsewhere;
mod hub;
mod mail;
mod maintenance;
mod nights;
mod notification;
mod rings;
mod service;
mod sessions;
mod spans;
mod subscriptions;
mod tickets;
mod traces;
mod writing;

use service::Service;

const SERVER: &str = "\n[server]\nlisten = \"127.0.0.1:0\"\n";
const KINDS: [&str; 4] = ["azure-ad", "cw-automate", "cw-control", "halopsa"];

/// A site whose settings end with this.
async fn site(computers: usize, seed: u64, more: &str) -> (Site, String) {
    let site = Site::serve(computers, seed).await;
    let path = site.place.path().join("linchpin.toml");
    let text = std::fs::read_to_string(&path).unwrap() + SERVER;
    std::fs::write(&path, format!("{text}{more}")).unwrap();
    (site, text)
}

fn is_done(line: &Value, kind: &str) -> bool {
    line["message"] == "a job is done" && line["job"] == format!("incremental {kind}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_reads_everything_says_how_it_is_and_stops_when_it_is_told_to() {
    let (site, _) = site(60, 81, "").await;
    let socket = site.place.path().join("notify");
    let systemd = heard(UnixDatagram::bind(&socket).unwrap());
    let environment = [("NOTIFY_SOCKET", socket.to_str().unwrap()), ("WATCHDOG_USEC", "600000")];
    let service = Service::start(&site, &environment);
    for kind in KINDS {
        service.wait_for(|line| is_done(line, kind));
    }
    let run = service.wait_for(|line| line["message"] == "run" && line["stream"] == "sessions");
    assert_eq!(run["outcome"], "complete");
    assert!(run["read"].as_u64().unwrap() > 0, "{run}");
    let (code, health) = service.get("/healthz");
    assert_eq!((code, &health["status"]), (200, &Value::from("ok")), "{health}");
    let next = health["next"].as_array().unwrap();
    assert!(next.iter().any(|next| next["name"] == "halopsa/full"), "{health}");
    assert_eq!(service.get("/readyz").0, 200);
    assert_eq!(service.get("/v1").0, 401);

    let standing = site.run(&["status", "--json"]).ended(0).json().remove(0);
    for connection in standing["connections"].as_array().unwrap() {
        assert!(connection["next"].as_array().unwrap().len() >= 2, "{connection}");
        let streams = connection["streams"].as_array().unwrap();
        assert!(streams.iter().any(|one| one["last_complete"].is_string()), "{connection}");
    }
    let shown = site.run(&["status"]).ended(0).readable().out;
    assert!(shown.contains("next, where a daemon runs: incremental "), "{shown}");

    let second = site.run(&["serve"]).ended(1);
    let holder = format!("already: process {} since", service.process());
    assert!(second.err.contains(&holder), "{}", second.err);
    assert!(second.err.contains("  fix: stop the other one first"), "{}", second.err);
    site.run(&["sync", "cw-control", "--no-ask"]).ended(0);

    service.signal("TERM");
    let (code, lines) = service.end();
    assert_eq!(code, 0, "{lines:#?}");
    assert_eq!(lines.last().unwrap()["message"], "the daemon has stopped");
    let said: Vec<String> = systemd.try_iter().collect();
    for word in ["READY=1", "WATCHDOG=1", "STOPPING=1"] {
        assert!(said.iter().any(|said| said.contains(word)), "{word}: {said:?}");
    }
    // The password of Automate, the secret of Control and what the two OAuth servers know us by.
    let faces = site.running.discovery()["faces"].clone();
    let log = lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for (face, key) in [
        ("cw-automate", "password"),
        ("cw-control", "secret"),
        ("azure-ad", "client_secret"),
        ("azure-ad", "refresh_token"),
        ("halopsa", "client_secret"),
    ] {
        let secret = faces[face][key].as_str().unwrap();
        assert!(!log.contains(secret), "{face} {key} is in the log");
    }
    site.run(&["rebuild", "--verify"]).ended(0);
}

/// Whatever is said into a socket, as systemd hears it: at once, for few words fit into one that nobody reads.
fn heard(socket: UnixDatagram) -> std::sync::mpsc::Receiver<String> {
    let (sender, said) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0_u8; 4096];
        while let Ok(length) = socket.recv(&mut buffer) {
            if sender.send(String::from_utf8_lossy(&buffer[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_settings_are_refused_with_their_place_and_right_ones_are_taken_without_a_restart() {
    let (site, settings) = site(20, 82, "").await;
    let path = site.place.path().join("linchpin.toml");
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");

    std::fs::write(&path, format!("{settings}\n[schedule]\nfull = \"0 25 * * *\"\n")).unwrap();
    let refused = service.wait_for(|line| line["level"] == "ERROR");
    let error = refused["error"].as_str().unwrap();
    let line = settings.lines().count() + 3;
    assert!(error.contains(&format!("line {line}: `full` cannot be planned")), "{error}");
    assert!(error.contains("it takes 0 to 23"), "{error}");
    let (code, health) = service.get("/healthz");
    assert_eq!((code, &health["status"]), (200, &Value::from("warn")), "{health}");
    let warnings = health["warnings"].to_string();
    assert!(warnings.contains("the old settings are in force"), "{warnings}");
    for kind in KINDS {
        service.wait_for(|line| is_done(line, kind));
    }

    let database = settings.replace("hub.db", "other.db");
    std::fs::write(&path, database).unwrap();
    service.wait_for(|line| {
        line["error"].as_str().is_some_and(|error| error.contains("names another database"))
    });

    std::fs::write(&path, format!("{settings}\n[schedule]\nfull = \"5 3 29 2 *\"\n")).unwrap();
    service.wait_for(|line| line["message"] == "other settings are in force");
    let (_, health) = service.get("/healthz");
    assert_eq!(health["status"], "ok", "{health}");
    let next = health["next"].as_array().unwrap();
    let full = next.iter().find(|next| next["name"] == "halopsa/full").unwrap();
    assert!(full["at"].as_str().unwrap().contains("-02-29T"), "{full}");

    service.signal("HUP");
    service.wait_for(|line| line["why"] == "asked to");
    service.signal("INT");
    assert_eq!(service.end().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_in_the_middle_of_a_stream_it_stops_there_and_told_twice_at_once() {
    let (site, _) = site(60, 83, "").await;
    let slow = || Rule {
        fault: Fault::Slow,
        face: Some(Face::Halo),
        path: None,
        when: When::Always,
        times: None,
    };
    for signals in [1, 2] {
        site.running.set_faults(vec![slow()]);
        let service = Service::start(&site, &[]);
        service.wait_for(|line| line["job"] == "incremental halopsa");
        service.signal("TERM");
        service.wait_for(|line| line["message"] == "stopping after the pages in flight");
        assert_eq!(service.get("/readyz").0, 503);
        if signals == 2 {
            service.signal("TERM");
        }
        let (code, lines) = service.end();
        assert_eq!(code, signals - 1, "{lines:#?}");
        let stopped = |line: &Value| {
            line["message"].as_str().is_some_and(|m| m.contains("a job was stopped"))
        };
        assert!(signals == 2 || lines.iter().any(stopped), "{lines:#?}");
    }
    site.running.set_faults(Vec::new());
    let service = Service::start(&site, &[]);
    service.wait_for(|line| is_done(line, "halopsa"));
    service.signal("TERM");
    assert_eq!(service.end().0, 0);
    site.run(&["rebuild", "--verify"]).ended(0);
}

/// What a daemon did last so long ago, as the database has it.
async fn set_back(site: &Site, name: &str, spec: &str, days: i64) {
    let path = site.place.path().join("hub.db");
    let store = Store::open(path.to_str().unwrap()).await.unwrap();
    let at = Utc::now() - TimeDelta::days(days);
    for spec in ["another", spec] {
        let (name, spec) = (name.to_owned(), spec.to_owned());
        let planned = Planned { name, spec, handled_us: at.timestamp_micros() };
        store.plan(&[planned]).await.unwrap();
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t14_dates_that_passed_while_nobody_looked_are_told_once() {
    let (site, _) = site(60, 84, "").await;
    site.run(&["sync", "--no-ask"]).ended(0);
    set_back(&site, "edges", "*/15 * * * * UTC", 800).await;
    let passed = |line: &&Value| line["message"] == "a date passed";
    for first in [true, false] {
        let service = Service::start(&site, &[]);
        // The second one finds nothing due: it has told what it will tell when it works.
        let sign = if first { "dates passed" } else { "the daemon works" };
        service.wait_for(|line| line["message"] == sign);
        service.signal("TERM");
        let (code, lines) = service.end();
        assert_eq!(code, 0, "{lines:#?}");
        let told: Vec<&Value> = lines.iter().filter(passed).collect();
        assert_eq!(!told.is_empty(), first, "{told:#?}");
        for line in told {
            assert_eq!(line["cause"], "clock", "{line}");
            let what = line["what"].as_str().unwrap();
            assert!(what.contains(line["tenant_name"].as_str().unwrap()), "{line}");
        }
    }
}

#[test]
fn help_names_the_signals() {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_linchpin"));
    let help = command.args(["serve", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    for part in [
        "TERM, INT",
        "HUP",
        "--log <FORMAT>",
        "[possible values: text, json]",
        "/healthz",
        "Exit codes:",
    ] {
        assert!(help.contains(part), "{part} in\n{help}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_writes_back_after_a_sync_without_waiting_for_the_time_of_it() {
    let site = Site::serve(40, 83).await;
    let path = site.place.path().join("linchpin.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let push = "[connection.push]\nenabled = true\n";
    let plan = "[schedule]\npush = \"0 0 1 1 *\"\n";
    std::fs::write(&path, format!("{text}{push}{SERVER}{plan}")).unwrap();
    let service = Service::start(&site, &[]);
    let pushed = service.wait_for(|line| {
        line["message"] == "what the hub knows was written back" && line["connection"] == "halopsa"
    });
    assert!(pushed["changed"].as_u64().unwrap() > 0, "{pushed}");
    let standing = site.run(&["status", "--json"]).ended(0).json().remove(0);
    let halo = standing["connections"].as_array().unwrap().last().unwrap();
    assert_eq!(halo["push"]["last_run"]["outcome"], "complete", "{halo}");
    let next = halo["next"].as_array().unwrap();
    assert!(next.iter().any(|next| next["work"] == "push"), "{halo}");
    service.signal("TERM");
    assert_eq!(service.end().0, 0);
}
