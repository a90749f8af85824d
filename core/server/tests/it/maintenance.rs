//! What sessions do, over the API: asked for, followed, told apart by tenant; and secrets that are given once.

use core_model::access::Role;
use core_model::entity::{EntityKind, EntityRow};
use core_model::queue::QueueRules;
use core_model::session::SessionState;
use core_store::{Holder, RunToken, SessionAction, SessionLine, SessionWord, Take};
use serde_json::{Value, json};

use crate::desk::{computer, tenant};
use crate::harness::{Bench, NOW_US, post, request};

/// A computer of each tenant, as the model has it.
async fn computers(bench: &Bench) {
    let put = (0..2)
        .map(|of| {
            let document = json!({
                "id": computer(of), "tenant": tenant(of), "name": format!("PC-{of}"), "agents": [],
                "gone": false,
            });
            EntityRow {
                kind: EntityKind::Computer,
                id: computer(of).to_string(),
                tenant: Some(tenant(of).to_string()),
                name: format!("PC-{of}"),
                document: document.to_string(),
            }
        })
        .collect();
    bench.put(put).await;
}

async fn operator(bench: &Bench, name: &str, seed: u8, of: &[usize]) -> String {
    let tenants: Vec<String> = of.iter().map(|one| tenant(*one).to_string()).collect();
    let tenants: Vec<&str> = tenants.iter().map(String::as_str).collect();
    bench.named(name, seed, Role::Operator, &tenants).await
}

/// A session of the first tenant's computer, that an engine has.
async fn running(bench: &Bench, token: &str) -> Holder {
    let body = json!({ "subject": computer(0) }).to_string();
    let asked = bench.ask(post("/v1/sessions", token, &[], &body)).await;
    assert_eq!(asked.status, 200, "{asked:?}");
    let rules = QueueRules::default();
    let take = Take {
        engine: "one",
        most: 1,
        tenants: None,
        rules: &rules,
        bars: &|_| None,
        now_us: NOW_US,
    };
    let session = bench.store.take_sessions(take).await.unwrap().taken.pop().unwrap();
    Holder::of(&session).unwrap()
}

fn line(number: u32, outcome: Option<&str>) -> SessionLine {
    SessionLine {
        number,
        half: "look".to_owned(),
        step: "\"check_reboot\"".to_owned(),
        run: Some("{\"nonce\":7}".to_owned()),
        outcome: outcome.map(str::to_owned),
        said: json!({ "what": "whether a restart is pending", "output": "pending=False" })
            .to_string(),
        began_us: NOW_US,
        ended_us: outcome.map(|_| NOW_US + 1),
    }
}

#[tokio::test]
async fn a_session_is_asked_for_by_whoever_may_and_of_nobody_elses_computer() {
    let bench = Bench::new().await;
    computers(&bench).await;
    let own = operator(&bench, "own", 210, &[0]).await;
    let reader = bench.named("reader", 211, Role::Reader, &[]).await;
    let ask = |token: &str, body: Value| {
        let request = post("/v1/sessions", token, &[], &body.to_string());
        let bench = &bench;
        async move { bench.ask(request).await }
    };
    let first = ask(&own, json!({ "subject": computer(0) })).await.json();
    assert_eq!((&first["state"], &first["kind"]), (&"waiting".into(), &"ad-hoc".into()));
    assert_eq!(first["subject_name"], "PC-0");
    let again = ask(&own, json!({ "subject": computer(0) })).await.json();
    assert_eq!(again["id"], first["id"], "the same is asked for once");
    let looks = ask(&own, json!({ "subject": computer(0), "detect_only": true })).await.json();
    assert_ne!(looks["id"], first["id"]);
    ask(&own, json!({ "subject": computer(1) })).await.is_problem(404);
    ask(&own, json!({ "subject": "cmp_nonsense" })).await.is_problem(404);
    ask(&reader, json!({ "subject": computer(0) })).await.is_problem(403);
    for wrong in [
        json!({}),
        json!({ "subject": computer(0), "item": "reader" }),
        json!({ "subject": computer(0), "repair": true }),
        json!({ "subject": computer(0), "force": true }),
    ] {
        ask(&own, wrong).await.is_problem(400);
    }
    ask(&own, json!({ "subject": computer(0), "again": "ses_none" })).await.is_problem(404);
}

#[tokio::test]
async fn steps_plan_and_stream_are_shown_to_whoever_may_see_the_session() {
    let bench = Bench::new().await;
    computers(&bench).await;
    let own = operator(&bench, "own", 212, &[0]).await;
    let other = operator(&bench, "other", 213, &[1]).await;
    let holder = running(&bench, &own).await;
    let path = |what: &str| format!("/v1/sessions/{}/{what}", holder.session);
    bench.get(&path("plan"), &own).await.is_problem(409);
    bench
        .store
        .put_session_line(&holder, &line(1, Some("{\"reboot\":{\"pending\":false}}")))
        .await
        .unwrap();
    bench.store.put_session_line(&holder, &line(2, None)).await.unwrap();
    bench.store.put_session_plan(&holder, "{\"actions\":[]}").await.unwrap();
    let steps = bench.get(&path("steps"), &own).await.json();
    assert_eq!(steps["items"][0]["what"], "whether a restart is pending");
    assert_eq!(steps["items"][0]["outcome"]["reboot"]["pending"], false);
    assert_eq!(steps["items"][1]["outcome"], Value::Null);
    assert!(!steps.to_string().contains("nonce"), "how it is found is nobody's business");
    let later = bench.get(&path("steps?since=1"), &own).await.json();
    assert_eq!(later["items"].as_array().unwrap().len(), 1);
    bench.get(&path("steps?since=x"), &own).await.is_problem(400);
    assert_eq!(bench.get(&path("plan"), &own).await.json(), json!({ "actions": [] }));
    for what in ["steps", "plan", "stream"] {
        bench.get(&path(what), &other).await.is_problem(404);
    }
    // A stream ends with its session.
    bench.store.put_session_line(&holder, &line(2, Some("\"interrupted\""))).await.unwrap();
    let rules = QueueRules::default();
    let word = SessionWord {
        state: SessionState::Succeeded,
        word: "all 1 as they should be",
        result: None,
        by: "one",
        take: None,
        rules: &rules,
        now_us: NOW_US,
    };
    bench.store.tell_session(holder.session, word).await.unwrap();
    let stream = bench.get(&path("stream"), &own).await;
    let events: Vec<&str> = stream.body.lines().filter(|line| line.starts_with("event:")).collect();
    assert_eq!(events, ["event: step", "event: step", "event: session"], "{}", stream.body);
    assert!(stream.body.contains("all 1 as they should be"));
}

#[tokio::test]
async fn actions_and_failures_are_those_of_the_callers_tenants() {
    let bench = Bench::new().await;
    computers(&bench).await;
    let own = operator(&bench, "own", 214, &[0]).await;
    let other = operator(&bench, "other", 215, &[1]).await;
    let holder = running(&bench, &own).await;
    let action = SessionAction {
        session: holder.session,
        number: 0,
        tenant: tenant(0).to_string(),
        subject: computer(0).to_string(),
        subject_name: "PC-0".to_owned(),
        item: "sft_1".to_owned(),
        title: "Reader".to_owned(),
        deployment: None,
        does: "Reader: install 1.0, because it is missing".to_owned(),
        result: "failed".to_owned(),
        class: Some("download".to_owned()),
        message: "failed: 404".to_owned(),
        version: None,
        drift: None,
        drift_why: None,
        at_us: NOW_US,
    };
    bench.store.put_session_actions(&holder, &[action]).await.unwrap();
    let actions = bench.get("/v1/actions?result=failed", &own).await.json();
    assert_eq!(actions["items"][0]["does"], "Reader: install 1.0, because it is missing");
    let failures = bench.get("/v1/failures", &own).await.json();
    assert_eq!(
        (&failures["items"][0]["class"], &failures["items"][0]["subjects"]),
        (&"download".into(), &1.into())
    );
    for path in ["/v1/actions", "/v1/failures"] {
        assert_eq!(bench.get(path, &other).await.json()["items"], json!([]));
    }
    bench.get("/v1/actions?result=great", &own).await.is_problem(400);
}

#[tokio::test]
async fn a_computer_gets_the_secrets_of_its_run_once_and_nobody_else_anything() {
    let bench = Bench::new().await;
    computers(&bench).await;
    let own = operator(&bench, "own", 216, &[0]).await;
    let holder = running(&bench, &own).await;
    let token = "a-token-of-one-run-0123456789";
    let row = RunToken {
        digest: RunToken::digest_of(token),
        session: holder.session,
        secrets: json!({ "password": "store:join" }).to_string(),
        until_us: NOW_US + 60_000_000,
    };
    bench.store.put_run_token(&holder, &row, NOW_US).await.unwrap();
    let path = "/runs/0198-run/secrets";
    for wrong in ["", "nonsense", &own, "a-token-of-one-run-0123456780"] {
        bench.ask(post(path, wrong, &[], "")).await.is_problem(401);
    }
    assert_eq!(bench.ask(request(path, token, &[])).await.status, 405, "a GET acts not");
    let answer = bench.ask(post(path, token, &[], "")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // The parameter and the secret, in base64: what the computer's script reads.
    assert_eq!(answer.body, "cGFzc3dvcmQ= cGxhbnRlZC1rZXB0LXNlY3JldA==\n");
    assert_eq!(answer.header("cache-control"), "no-store");
    bench.ask(post(path, token, &[], "")).await.is_problem(401);
    let audit =
        bench.get("/v1/audit?action=fetch-run-secrets", &bench.token(Role::Admin, &[]).await).await;
    assert!(audit.body.contains("1 secrets") && !audit.body.contains("planted"), "{audit:?}");
}

#[tokio::test]
async fn s7_secret_fields_of_a_reading_are_for_operators_and_admins() {
    let bench = Bench::new().await;
    computers(&bench).await;
    let own = operator(&bench, "own", 220, &[0]).await;
    let holder = running(&bench, &own).await;
    let reading = json!({ "value": { "disks": [{ "name": "C", "key": "hunter2" }] }, "secret_fields": ["KEY"] });
    let said = json!({ "what": "disks: get", "reading": reading }).to_string();
    let read = SessionLine { said, ..line(1, Some("{\"done\":{\"reboot\":false}}")) };
    bench.store.put_session_line(&holder, &read).await.unwrap();
    let said = SessionWord {
        state: SessionState::Succeeded,
        word: "",
        result: None,
        by: "one",
        take: Some(1),
        rules: &QueueRules::default(),
        now_us: NOW_US,
    };
    bench.store.tell_session(holder.session, said).await.unwrap();
    let tenant = tenant(0).to_string();
    for (role, seed, sees) in [
        (Role::Reader, 221, false),
        (Role::Technician, 222, false),
        (Role::Operator, 223, true),
        (Role::Admin, 224, true),
    ] {
        let token = bench.named(&format!("{role:?}"), seed, role, &[&tenant]).await;
        for what in ["steps", "stream", ""] {
            let path = format!("/v1/sessions/{}/{what}", holder.session);
            let answer = bench.get(path.trim_end_matches('/'), &token).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let shown = answer.body.contains("hunter2");
            assert_eq!(shown, sees && !what.is_empty(), "{role:?} {what}: {}", answer.body);
            assert_eq!(
                answer.body.contains("\"***\""),
                !sees && !what.is_empty(),
                "{role:?} {what}"
            );
        }
    }
}
