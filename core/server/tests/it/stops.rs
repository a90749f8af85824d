//! Stops and comparisons over the API: what is held says so and is given to nobody; sessions of another tenant are not
//! told from none.

use core_model::access::Role;
use core_model::id::SessionId;
use core_model::session::{Session, SessionState};
use core_model::stop::{Stop, StopKind};
use core_store::{SessionWord, Take};
use serde_json::json;

use crate::desk::{computer, tenant};
use crate::harness::{Bench, NOW_US, post};

fn waits(of: usize, name: &str) -> Session {
    let id = SessionId::of_text(name, NOW_US);
    Session { id, ..Session::asked(tenant(of), computer(of), "PC", name, NOW_US) }
}

fn stop(of: usize) -> Stop {
    Stop {
        kind: StopKind::Tenant,
        key: tenant(of).to_string(),
        name: "Contoso".to_owned(),
        by: "ana".to_owned(),
        reason: "the line is down".to_owned(),
        at_us: NOW_US,
        version: None,
    }
}

#[tokio::test]
async fn what_is_stopped_says_so_and_is_given_to_nobody() {
    let bench = Bench::new().await;
    let (reader, engine) = (
        bench.token(Role::Reader, &[]).await,
        bench.named("engine", 221, Role::Operator, &[]).await,
    );
    let all = [waits(0, "a"), waits(1, "b")];
    bench.store.add_sessions(&all).await.unwrap();
    bench.store.add_stop(&stop(0)).await.unwrap();
    let listed = bench.get("/v1/sessions", &reader).await.json();
    let held = |of: &Session| {
        let items = listed["items"].as_array().unwrap();
        items.iter().find(|one| one["id"] == of.id.to_string()).unwrap()["held"].clone()
    };
    assert_eq!(held(&all[0]), "tenant Contoso is stopped by ana: the line is down");
    assert!(held(&all[1]).is_null());
    let one = bench.get(&format!("/v1/sessions/{}", all[0].id), &reader).await.json();
    assert_eq!(one["held"], held(&all[0]));
    let taken = bench.ask(post("/v1/sessions/take", &engine, &[], r#"{"most":5}"#)).await.json();
    let ids: Vec<&str> =
        taken["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [all[1].id.to_string()]);
    let path = format!("/v1/sessions/{}", all[0].id);
    bench.ask(post(&path, &engine, &[], r#"{"state":"running"}"#)).await.is_problem(409);
    bench.store.remove_stop(StopKind::Tenant, &tenant(0).to_string(), NOW_US).await.unwrap();
    let taken = bench.ask(post("/v1/sessions/take", &engine, &[], r#"{"most":5}"#)).await.json();
    assert_eq!(taken["items"][0]["id"], all[0].id.to_string());
}

#[tokio::test]
async fn two_sessions_are_compared_by_whoever_sees_both() {
    let bench = Bench::new().await;
    let rules = core_model::queue::QueueRules::default();
    let mut ended = Vec::new();
    for (n, name) in [(0, "first"), (1, "second")] {
        let session = Session { asked_us: NOW_US + n, ..waits(0, name) };
        bench.store.add_session(&session).await.unwrap();
        let take = Take {
            engine: "one",
            most: 1,
            tenants: None,
            rules: &rules,
            bars: &|_| None,
            now_us: NOW_US + n,
        };
        assert_eq!(bench.store.take_sessions(take).await.unwrap().taken.len(), 1);
        let word = SessionWord {
            state: SessionState::Succeeded,
            word: name,
            result: None,
            by: "one",
            take: None,
            rules: &rules,
            now_us: NOW_US + n,
        };
        ended.push(bench.store.tell_session(session.id, word).await.unwrap());
    }
    let foreign = waits(1, "foreign");
    bench.store.add_session(&foreign).await.unwrap();
    let own = tenant(0).to_string();
    let token = bench.named("own", 222, Role::Reader, &[&own]).await;
    let path = |of: &Session, more: &str| format!("/v1/sessions/{}/comparison{more}", of.id);
    let compared = bench.get(&path(&ended[1], ""), &token).await.json();
    let [one, other] = ["one", "other"].map(|side| compared[side]["id"].clone());
    assert_eq!((one, other), (json!(ended[0].id), json!(ended[1].id)));
    assert_eq!((&compared["differing"], &compared["other"]["word"]), (&json!(0), &json!("second")));
    bench.get(&path(&ended[0], ""), &token).await.is_problem(409);
    for hidden in [foreign.id, SessionId::of_text("nobody", 1)] {
        bench.get(&path(&ended[1], &format!("?with={hidden}")), &token).await.is_problem(404);
        let session = Session { id: hidden, ..foreign.clone() };
        bench.get(&path(&session, ""), &token).await.is_problem(404);
    }
}
