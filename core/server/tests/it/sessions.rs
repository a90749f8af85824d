//! The queue over the API: who takes what, who keeps it, who takes it back, and what of it is shown to whom.

use core_model::access::Role;
use core_model::id::SessionId;
use core_model::session::{Session, SessionKind, SessionState, TicketRef};
use core_store::{AuditQuery, SessionQuery};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::desk::{computer, deployment, tenant};
use crate::harness::{Answer, Bench, NOW_US, pieces, post, request};

/// One that waits, asked for so many seconds ago: of another deployment each.
fn waits(of: usize, name: &str, ago: i64) -> Session {
    let asked_us = NOW_US - ago * 1_000_000;
    Session {
        id: SessionId::of_text(name, asked_us),
        deployment: Some(deployment(name)),
        asked_by: "ana".to_owned(),
        expires_us: Some(NOW_US + 86_400_000_000),
        ..Session::asked(
            tenant(of),
            core_model::id::ComputerId::of_text(name, 1),
            &format!("PC-{name}"),
            name,
            asked_us,
        )
    }
}

async fn operator(bench: &Bench, name: &str, seed: u8, tenants: &[usize]) -> String {
    let tenants: Vec<String> = tenants.iter().map(|one| tenant(*one).to_string()).collect();
    let tenants: Vec<&str> = tenants.iter().map(String::as_str).collect();
    bench.named(name, seed, Role::Operator, &tenants).await
}

async fn send(bench: &Bench, token: &str, path: &str, body: &Value) -> Answer {
    bench.ask(post(path, token, &[], &body.to_string())).await
}

async fn take(bench: &Bench, token: &str, body: &Value) -> Vec<String> {
    send(bench, token, "/v1/sessions/take", body).await.ids()
}

fn ids(sessions: &[&Session]) -> Vec<String> {
    sessions.iter().map(|session| session.id.to_string()).collect()
}

#[tokio::test]
async fn s15_an_engine_takes_as_much_as_it_asks_for_and_the_bounds_allow() {
    let bench = Bench::new().await;
    let engine = operator(&bench, "engine", 200, &[]).await;
    let scheduled = Session { kind: SessionKind::Scheduled, ..waits(0, "a", 99) };
    let all = [scheduled, waits(0, "b", 50), waits(0, "c", 40), waits(1, "d", 30)];
    bench.store.add_sessions(&all).await.unwrap();
    let first = send(&bench, &engine, "/v1/sessions/take", &json!({ "most": 2 })).await;
    let answer = first.json();
    assert_eq!((&answer["engine"], &answer["lease_seconds"]), (&"engine".into(), &600.into()));
    assert_eq!(first.ids().len(), 2);
    assert_eq!(answer["items"][0]["state"], "running");
    assert_eq!(answer["items"][0]["until_us"], NOW_US + 600_000_000);
    assert_eq!(answer["items"][0]["takes"], 1);
    // Three at once, in this hub; tenants in turn, and what is planned comes last.
    // A whole number is one, however it was written.
    assert_eq!(take(&bench, &engine, &json!({ "engine": "two", "most": 9.0 })).await.len(), 1);
    assert_eq!(take(&bench, &engine, &json!({})).await, [""; 0]);
    let waiting = bench.get("/v1/sessions?state=waiting", &engine).await;
    assert_eq!(waiting.ids(), ids(&[&all[0]]));
    for body in [
        json!({ "most": 0 }),
        json!({ "most": 101 }),
        json!({ "most": 1.5 }),
        json!({ "engine": "" }),
        json!({ "engine": "a/b" }),
        json!({ "engine": "x".repeat(65) }),
        json!({ "many": 1 }),
    ] {
        send(&bench, &engine, "/v1/sessions/take", &body).await.is_problem(400);
    }
}

#[tokio::test]
async fn s17_an_engine_that_was_not_heard_of_is_told_that_it_lost_its_session() {
    let bench = Bench::new().await;
    let one = operator(&bench, "one", 201, &[]).await;
    let two = operator(&bench, "two", 202, &[]).await;
    let all = [waits(0, "a", 20), waits(1, "b", 10)];
    bench.store.add_sessions(&all).await.unwrap();
    let mut taken = take(&bench, &one, &json!({ "engine": "w1", "most": 2 })).await;
    taken.sort();
    let path = format!("/v1/sessions/{}", all[0].id);
    let says = |engine: &str, more: Value| {
        let mut body = json!({ "state": "running", "engine": engine });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    // Nobody is another token's engine, nor another one of its own.
    send(&bench, &two, &path, &says("w1", json!({}))).await.is_problem(409);
    send(&bench, &one, &path, &says("w2", json!({}))).await.is_problem(409);
    send(&bench, &one, &path, &says("w1", json!({ "take": 7 }))).await.is_problem(409);
    send(&bench, &one, &path, &says("w1", json!({ "take": 0 }))).await.is_problem(400);

    bench.clock.advance(500);
    let renewed = send(&bench, &one, "/v1/sessions/renew", &json!({ "engine": "w1" })).await.json();
    assert_eq!(renewed["items"], json!(taken));
    assert_eq!(renewed["until_us"], NOW_US + 1_100_000_000);
    let strange = send(&bench, &two, "/v1/sessions/renew", &json!({ "engine": "w1" })).await.json();
    assert_eq!(strange["items"], json!([]));
    // A word about one holds that one; the other is had by whoever asks next.
    bench.clock.advance(500);
    let told = send(&bench, &one, &path, &says("w1", json!({ "take": 1 }))).await.json();
    assert_eq!((&told["engine"], &told["takes"]), (&"one/w1".into(), &1.into()));
    bench.clock.advance(200);
    assert_eq!(take(&bench, &two, &json!({ "most": 5 })).await, ids(&[&all[1]]));
    let path = format!("/v1/sessions/{}", all[1].id);
    let problem = send(&bench, &one, &path, &says("w1", json!({}))).await.is_problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("two is at session"), "{problem}");
    let lines =
        bench.store.audit(&AuditQuery { limit: 99, ..AuditQuery::default() }).await.unwrap();
    let told: Vec<_> = lines.iter().rev().map(|l| (&*l.action, &*l.subject)).collect();
    let tell = ("tell-session", all[0].id.to_string());
    assert_eq!(
        told,
        [("take-sessions", "one/w1"), (tell.0, &*tell.1), ("take-sessions", "two")],
        "what is refused, and that somebody is there, changes nothing"
    );
}

#[tokio::test]
async fn s26_what_is_excluded_when_it_is_taken_is_taken_back_and_its_ticket_hears_of_it() {
    let bench = Bench::new().await;
    let engine = operator(&bench, "engine", 203, &[]).await;
    let ticket = TicketRef { connection: "halo".to_owned(), key: "1".to_owned() };
    let all = [Session { ticket: Some(ticket), ..waits(0, "a", 20) }, waits(0, "b", 10)];
    bench.store.add_sessions(&all).await.unwrap();
    bench.echo.barred.lock().unwrap().push(all[0].subject);
    assert_eq!(take(&bench, &engine, &json!({ "most": 5 })).await, ids(&[&all[1]]));
    let gone = bench.get(&format!("/v1/sessions/{}", all[0].id), &engine).await.json();
    assert_eq!((&gone["state"], &gone["word"]), (&"cancelled".into(), &"it is excluded".into()));
    let due = bench.store.due_deliveries(i64::MAX, 10).await.unwrap();
    assert_eq!(due.len(), 1, "{due:?}");
    assert_eq!(due[0].body, r#"{"ticket":"1"}"#);
}

#[tokio::test]
async fn an_operator_of_a_tenant_takes_and_takes_back_what_is_its_own() {
    let bench = Bench::new().await;
    let theirs = operator(&bench, "theirs", 204, &[1]).await;
    let night = Some("night".to_owned());
    let mut all = [waits(0, "a", 40), waits(1, "b", 30), waits(0, "c", 20), waits(1, "d", 10)];
    all.iter_mut().for_each(|session| session.group.clone_from(&night));
    bench.store.add_sessions(&all).await.unwrap();
    assert_eq!(take(&bench, &theirs, &json!({ "most": 1 })).await, ids(&[&all[1]]));
    let path = "/v1/sessions/cancel";
    for body in [json!({}), json!({ "running": true }), json!({ "all": false })] {
        let problem = send(&bench, &theirs, path, &body).await.is_problem(400);
        assert!(
            problem["remedy"].as_str().unwrap().contains("tenant, group, deployment or schedule")
        );
    }
    let of_another = json!({ "tenant": tenant(0).to_string() });
    assert_eq!(send(&bench, &theirs, path, &of_another).await.json()["cancelled"], 0);
    let of_a_batch = json!({ "group": "night" });
    assert_eq!(send(&bench, &theirs, path, &of_a_batch).await.json()["cancelled"], 1);
    let waiting = SessionQuery { state: Some(SessionState::Waiting), ..SessionQuery::default() };
    let left = bench.store.sessions(waiting).await.unwrap();
    assert_eq!(left.iter().map(|(_, one)| one.id).collect::<Vec<_>>(), [all[0].id, all[2].id]);
    let all_of_it = json!({ "all": true, "running": true });
    assert_eq!(send(&bench, &theirs, path, &all_of_it).await.json()["cancelled"], 1);
    let everybody = operator(&bench, "everybody", 205, &[]).await;
    let one = json!({ "deployment": deployment("a").to_string() });
    assert_eq!(send(&bench, &everybody, path, &one).await.json()["cancelled"], 1);
    let ended = bench.get(&format!("/v1/sessions/{}", all[0].id), &everybody).await.json();
    assert_eq!(ended["word"], "taken back by everybody");
    let reader = bench.token(Role::Technician, &[]).await;
    for path in ["cancel", "take", "renew"] {
        let body = json!({ "all": true });
        let body = if path == "cancel" { body } else { json!({}) };
        send(&bench, &reader, &format!("/v1/sessions/{path}"), &body).await.is_problem(403);
    }
}

#[tokio::test]
async fn sessions_are_listed_by_what_they_are() {
    let bench = Bench::new().await;
    let reader = bench.token(Role::Reader, &[]).await;
    let all = [
        Session { kind: SessionKind::Onboarding, ..waits(0, "a", 40) },
        Session { group: Some("night".to_owned()), ..waits(0, "b", 30) },
        waits(1, "c", 20),
    ];
    bench.store.add_sessions(&all).await.unwrap();
    let tenant = format!("tenant={}", tenant(0));
    for (query, found) in [
        ("", &[0, 1, 2][..]),
        ("kind=onboarding", &[0]),
        ("kind=scheduled", &[]),
        ("group=night", &[1]),
        (&*tenant, &[0, 1]),
        ("since=2", &[2]),
        ("state=expired", &[]),
        ("kind=&group=&tenant=&state=", &[0, 1, 2]),
    ] {
        let found: Vec<&Session> = found.iter().map(|at: &usize| &all[*at]).collect();
        let answer = bench.get(&format!("/v1/sessions?{query}"), &reader).await;
        assert_eq!(answer.ids(), ids(&found), "{query}");
    }
    let problem = bench.get("/v1/sessions?kind=adhoc", &reader).await.is_problem(400);
    assert_eq!(problem["remedy"], "there are ad-hoc, onboarding, scheduled");
}

#[tokio::test]
async fn s25_the_technician_sees_that_another_session_of_the_computer_runs_first() {
    let bench = Bench::new().await;
    let engine = operator(&bench, "engine", 206, &[]).await;
    let token = bench.token(Role::Technician, &[&tenant(0).to_string()]).await;
    let first = Session { subject: computer(0).into(), ..waits(0, "office", 10) };
    bench.store.add_session(&first).await.unwrap();
    assert_eq!(take(&bench, &engine, &json!({})).await, ids(&[&first]));
    let page = "/technician/halo/ticket/1";
    let events = bench.send(request(&format!("{page}/events"), &token, &[])).await;
    let mut events = pieces(events);
    let form = ("content-type", "application/x-www-form-urlencoded");
    let body = format!("subject={}&deployment={}", computer(0), deployment("reader"));
    bench.ask(post(&format!("{page}/deploy"), &token, &[form], &body)).await;
    let seen = events.next().await.unwrap();
    assert!(seen.contains("Another session of PC-0 runs first"), "{seen}");
    let second = bench.store.sessions(SessionQuery { after: 2, ..SessionQuery::default() });
    let (_, second) = second.await.unwrap().pop().unwrap();
    assert_eq!(second.expires_us, Some(NOW_US + 7 * 86_400_000_000));
    assert_eq!(take(&bench, &engine, &json!({})).await, [""; 0]);
    let done = json!({ "state": "succeeded" });
    send(&bench, &engine, &format!("/v1/sessions/{}", first.id), &done).await;
    assert_eq!(take(&bench, &engine, &json!({})).await, ids(&[&second]));
    let seen = events.next().await.unwrap();
    assert!(seen.contains("Under way") && !seen.contains("runs first"), "{seen}");
}
