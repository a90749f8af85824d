//! An engine at a service that runs: it gets what waits, and nothing for what is left alone.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use chrono::Utc;
use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_model::id::{ComputerId, DeploymentId, SessionId};
use core_model::session::{Session, SessionState};
use core_store::{ModelChange, Store};
use serde_json::{Value, json};

use super::service::Service;
use super::site;
use crate::commands::site::Site;

fn post(service: &Service, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let mut stream = service.connect();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let code = head.split(' ').nth(1).unwrap().parse().unwrap();
    (code, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
}

/// Computers of the model with names that are theirs alone.
fn computers(site: &Site) -> Vec<Value> {
    let all = site.run(&["list", "computers", "--json"]).ended(0).json();
    let named = |name: &Value| all.iter().filter(|one| one["name"] == *name).count();
    all.iter().filter(|one| one["gone"] == false && named(&one["name"]) == 1).cloned().collect()
}

fn waits(computer: &Value, at: i64) -> Session {
    let id: ComputerId = computer["id"].as_str().unwrap().parse().unwrap();
    Session {
        id: SessionId::of_text(&id.to_string(), at),
        deployment: Some(DeploymentId::of_text("reader", 1)),
        asked_by: "ana".to_owned(),
        ..Session::asked(
            serde_json::from_value(computer["tenant"].clone()).unwrap(),
            id,
            computer["name"].as_str().unwrap(),
            "Reader: install",
            at,
        )
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_computer_that_the_service_has_not_heard_of_yet_is_not_taken_for_gone() {
    let more = "[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";
    let (site, _) = site(20, 94, more).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let known = computers(&site).remove(0);
    let store = Store::open(site.place.path().join("hub.db").to_str().unwrap()).await.unwrap();
    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let token = site.run(&["token", "create", "engine", "--role", "operator"]).ended(0).out;
    let take = || post(&service, "/v1/sessions/take", token.trim_end(), &json!({ "most": 9 }));
    // It knows the model as it is now, and looks again only after a while.
    store.add_sessions(&[waits(&known, 1)]).await.unwrap();
    assert_eq!(take().1["items"].as_array().map(Vec::len), Some(1));
    let new = ComputerId::of_text("brand new", 1);
    let mut computer = known.clone();
    computer["id"] = new.to_string().into();
    let row = EntityRow {
        kind: EntityKind::Computer,
        id: new.to_string(),
        tenant: known["tenant"].as_str().map(str::to_owned),
        name: "NEW-1".to_owned(),
        document: computer.to_string(),
    };
    let cause = Cause::Run;
    let (upserts, removals, now_us) = (vec![row], Vec::new(), Utc::now().timestamp_micros());
    let change = ModelChange { upserts, removals, cause: &cause, cursors: &[], now_us };
    store.apply(change).await.unwrap();
    let session = Session { id: SessionId::of_text("new", 2), ..waits(&computer, 2) };
    store.add_sessions(std::slice::from_ref(&session)).await.unwrap();
    let began = Instant::now();
    let took = loop {
        let took = take().1;
        let state = store.session(session.id).await.unwrap();
        assert_ne!(state.state, SessionState::Cancelled, "{state:?}");
        if took["items"].as_array().is_some_and(|items| !items.is_empty()) {
            break took;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{state:?}");
    };
    assert_eq!(took["items"][0]["id"], session.id.to_string());
    service.signal("TERM");
    assert_eq!(service.end().0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s26_what_is_excluded_from_maintenance_or_gone_is_taken_back_when_it_is_due() {
    let more = "[sessions]\nlease_seconds = 10\nmost_takes = 1\n\
                [schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n";
    let (site, _) = site(60, 93, more).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let computers = computers(&site);
    let [excluded, other] = [&computers[0], &computers[1]];
    let name = excluded["name"].as_str().unwrap();
    let rules = format!("[[computer]]\nname = \"{name}\"\nexcluded_from_maintenance = true\n");
    site.place.write("rules/excluded.toml", &rules);
    site.run(&["apply", "rules"]).ended(0);
    let store = Store::open(site.place.path().join("hub.db").to_str().unwrap()).await.unwrap();
    let gone = Session {
        subject: ComputerId::of_text("nobody", 1).into(),
        subject_name: "OLD-1".to_owned(),
        ..waits(other, 2)
    };
    let mut all = [waits(excluded, 1), gone, waits(other, 3)];
    all[1].id = SessionId::of_text("old", 2);
    store.add_sessions(&all).await.unwrap();

    let service = Service::start(&site, &[]);
    service.wait_for(|line| line["message"] == "the daemon works");
    let token = site.run(&["token", "create", "engine", "--role", "operator"]).ended(0).out;
    let token = token.trim_end();
    let (code, took) = post(&service, "/v1/sessions/take", token, &json!({ "most": 5 }));
    assert_eq!((code, &took["lease_seconds"]), (200, &10.into()), "{took}");
    assert_eq!(took["items"].as_array().unwrap().len(), 1, "{took}");
    assert_eq!(took["items"][0]["id"], all[2].id.to_string());
    let words = ["the computer is excluded from maintenance", "OLD-1 is not there any more"];
    for (session, word) in all.iter().zip(words) {
        let session = store.session(session.id).await.unwrap();
        assert_eq!((session.state, &*session.word), (SessionState::Cancelled, word));
    }
    // Nobody is heard of any more: the service itself sees to it.
    let line = service.wait_for(|line| line["message"] == "a session's time was over");
    assert_eq!(
        (&line["session"], &line["state"]),
        (&all[2].id.to_string().into(), &"failed".into())
    );
    service.signal("TERM");
    assert_eq!(service.end().0, 0);
}
