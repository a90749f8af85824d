//! The page inside a ticket: who sees what, who may do what, and who may frame it.

use axum::http::StatusCode;
use core_model::access::Role;
use core_model::queue::QueueRules;
use core_model::session::SessionState;
use core_store::{AuditQuery, SessionQuery, SessionWord};

use crate::desk::{JOIN, agent, computer, deployment, tenant};
use crate::harness::{Bench, pieces, post, request};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const HTML: (&str, &str) = ("accept", "text/html");
const JSON: (&str, &str) = ("accept", "application/json");

fn page(key: &str) -> String {
    format!("/technician/halo/ticket/{key}")
}

fn deploy(tenant: usize, name: &str) -> String {
    format!("subject={}&deployment={}", computer(tenant), deployment(name))
}

async fn of(bench: &Bench, role: Role, tenants: &[usize]) -> String {
    let tenants: Vec<String> = tenants.iter().map(|one| tenant(*one).to_string()).collect();
    bench.token(role, &tenants.iter().map(String::as_str).collect::<Vec<_>>()).await
}

#[tokio::test]
async fn a_technician_sees_the_ticket_and_every_text_of_it_is_text() {
    let bench = Bench::new().await;
    let token = of(&bench, Role::Technician, &[0]).await;
    let answer = bench.get(&page("1"), &token).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    for part in [
        "Ana 0",
        "ana0@example.com",
        "Tenant 0",
        "PC-0",
        "Offline",
        "Item reader",
        "install the latest version",
        "it is a computer of tenant 0 &#60;b&#62;",
        "Ticket 1 &#60;script&#62;",
        "Join remote session",
        "The next maintenance undoes it.",
    ] {
        assert!(answer.body.contains(part), "{part} is not in {}", answer.body);
    }
    assert!(!answer.body.contains("Ticket 1 <script>"));
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("frame-ancestors https://acme.halopsa.com"), "{policy}");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("x-frame-options"), "", "it would forbid every frame");
}

/// K6.
#[tokio::test]
async fn k6_a_ticket_of_another_tenant_of_nobody_and_one_that_is_not_there_look_the_same() {
    let bench = Bench::new().await;
    let token = of(&bench, Role::Technician, &[0]).await;
    let mut answers = Vec::new();
    for key in ["2", "9", "404", "$FAULTID"] {
        let answer = bench.ask(request(&page(key), &token, &[HTML])).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(!answer.body.contains("Ana") && !answer.body.contains("Tenant 1"), "{answer:?}");
        answers.push(answer.body);
        for path in ["deploy", "cancel", "join"] {
            let body = format!("{}&agent={}&session=x", deploy(1, "reader"), agent(1));
            let asked = post(&format!("{}/{path}", page(key)), &token, &[FORM], &body);
            bench.ask(asked).await.is_problem(403);
        }
        bench.get(&format!("{}/events", page(key)), &token).await.is_problem(403);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let all = of(&bench, Role::Technician, &[]).await;
    bench.get(&page("404"), &all).await.is_problem(404);
    assert!(bench.get(&page("9"), &all).await.body.contains("linked to no tenant"));
    bench.get("/technician/nobody/ticket/1", &all).await.is_problem(404);
}

#[tokio::test]
async fn who_is_not_known_is_shown_a_way_to_sign_in_and_nothing_else() {
    let bench = Bench::new().await;
    let mut answers = Vec::new();
    for key in ["1", "404"] {
        let answer = bench.ask(request(&page(key), "", &[HTML])).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.body.contains("data-linchpin-sign-in"), "{answer:?}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors https://acme.halopsa.com"), "{policy}");
        answers.push(answer.body);
    }
    assert_eq!(answers[0], answers[1]);
    let elsewhere = bench.ask(request("/technician/nobody/ticket/1", "", &[HTML])).await;
    assert!(elsewhere.header("content-security-policy").contains("frame-ancestors 'none'"));
    let asked = post(&format!("{}/deploy", page("1")), "", &[FORM], &deploy(0, "reader"));
    bench.ask(asked).await.is_problem(401);
}

#[tokio::test]
async fn what_is_offered_is_asked_for_once_followed_and_taken_back() {
    let bench = Bench::new().await;
    let token = of(&bench, Role::Technician, &[0]).await;
    let events = bench.send(request(&format!("{}/events", page("1")), &token, &[])).await;
    let mut events = pieces(events);
    for _ in 0..2 {
        let asked = post(&format!("{}/deploy", page("1")), &token, &[FORM], &deploy(0, "reader"));
        let answer = bench.ask(asked).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert_eq!(answer.header("location"), format!("{}#sessions", page("1")));
    }
    let sessions = bench.store.sessions(SessionQuery::default()).await.unwrap();
    assert_eq!(sessions.len(), 1);
    // The note on the ticket is to say so, once.
    let due = bench.store.due_deliveries(i64::MAX, 10).await.unwrap();
    let told: Vec<&str> = due.iter().map(|one| one.body.as_str()).collect();
    assert_eq!(told, [r#"{"ticket":"1"}"#]);
    let session = &sessions[0].1;
    assert_eq!(session.title, "Item reader: install the latest version");
    assert_eq!((session.subject_name.as_str(), session.tenant), ("PC-0", tenant(0)));
    assert_eq!(session.word, "the computer is offline: it is applied when it connects");
    let seen = futures::StreamExt::next(&mut events).await.unwrap();
    assert!(seen.starts_with("event: sessions\n") && seen.contains("Waiting"), "{seen}");
    let word = SessionWord {
        state: SessionState::Running,
        word: "installing <b>",
        result: None,
        by: "engine",
        take: None,
        rules: &QueueRules::default(),
        now_us: 5,
    };
    bench.store.tell_session(session.id, word).await.unwrap();
    let seen = futures::StreamExt::next(&mut events).await.unwrap();
    assert!(seen.contains("Under way") && seen.contains("installing &#60;b&#62;"), "{seen}");
}

#[tokio::test]
async fn nothing_is_deployed_that_is_not_offered_for_this_ticket() {
    let bench = Bench::new().await;
    let token = of(&bench, Role::Technician, &[]).await;
    for (key, body, status) in [
        ("1", deploy(1, "reader"), 409),
        ("1", deploy(0, "other"), 409),
        ("2", deploy(0, "reader"), 409),
        ("9", deploy(0, "reader"), 409),
        ("1", "subject=x".to_owned(), 400),
        ("1", String::new(), 400),
    ] {
        let asked = post(&format!("{}/deploy", page(key)), &token, &[FORM], &body);
        bench.ask(asked).await.is_problem(status);
    }
    assert_eq!(bench.store.sessions(SessionQuery::default()).await.unwrap(), []);
}

/// K9.
#[tokio::test]
async fn k9_while_the_psa_is_down_the_last_context_is_shown_as_such_and_nothing_is_taken_away() {
    let bench = Bench::new().await;
    let token = of(&bench, Role::Technician, &[0]).await;
    let shown = bench.get(&page("down"), &token).await;
    assert!(shown.body.contains("halo did not answer"), "{shown:?}");
    assert!(shown.body.contains("PC-0"));
    let path = format!("{}/deploy", page("down"));
    let answer = bench.ask(post(&path, &token, &[FORM], &deploy(0, "no-office"))).await;
    let problem = answer.is_problem(409);
    assert!(problem["detail"].as_str().unwrap().contains("nothing is taken away"), "{problem}");
    let answer = bench.ask(post(&path, &token, &[FORM], &deploy(0, "reader"))).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_reader_looks_and_changes_nothing() {
    let bench = Bench::new().await;
    let token = of(&bench, Role::Reader, &[0]).await;
    let shown = bench.get(&page("1"), &token).await;
    assert!(shown.body.contains("PC-0") && !shown.body.contains("<button"), "{shown:?}");
    let body = format!("{}&agent={}", deploy(0, "reader"), agent(0));
    for path in ["deploy", "cancel", "join"] {
        let asked = post(&format!("{}/{path}", page("1")), &token, &[FORM], &body);
        bench.ask(asked).await.is_problem(403);
    }
}

#[tokio::test]
async fn a_remote_session_is_joined_through_an_agent_of_the_ticket_only() {
    let bench = Bench::new().await;
    let token = of(&bench, Role::Technician, &[]).await;
    let join = |key: &str, agent: String| {
        post(&format!("{}/join", page(key)), &token, &[FORM], &format!("agent={agent}"))
    };
    let answer = bench.ask(join("1", agent(0).to_string())).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains(&format!("href=\"{JOIN}\"")), "{answer:?}");
    let body = format!("agent={}", agent(0));
    let asked = post(&format!("{}/join", page("1")), &token, &[FORM, JSON], &body);
    assert_eq!(bench.ask(asked).await.json()["link"], JOIN);
    assert_eq!(answer.header("cache-control"), "no-store");
    bench.ask(join("1", agent(1).to_string())).await.is_problem(404);
    bench.ask(join("1", "x".to_owned())).await.is_problem(404);
}

#[tokio::test]
async fn k7_an_exception_is_made_for_what_would_be_undone_and_ends_within_ninety_days() {
    let bench = Bench::new().await;
    let token = of(&bench, Role::Technician, &[0]).await;
    let except = |name: &str, until: &str| {
        let body = format!("{}&until={until}", deploy(0, name));
        post(&format!("{}/except", page("1")), &token, &[FORM], &body)
    };
    // It is 2027-01-15.
    let answer = bench.ask(except("no-office", "2027-02-01")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let log = bench.store.audit(&AuditQuery { limit: 1, ..AuditQuery::default() }).await.unwrap();
    assert_eq!(log[0].action, "make-exception");
    assert!(log[0].detail.contains("no-office until 2027-02-01"), "{log:?}");
    for until in ["2027-01-14", "2027-04-16", "soon", ""] {
        bench.ask(except("no-office", until)).await.is_problem(400);
    }
    bench.ask(except("reader", "2027-02-01")).await.is_problem(409);
}
