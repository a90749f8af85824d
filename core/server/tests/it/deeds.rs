//! What changes something: what is taken, what is answered twice, and what the audit log says.

use std::net::SocketAddr;

use core_model::access::Role;
use core_store::AuditQuery;
use serde_json::json;

use crate::harness::{Bench, posted};

#[tokio::test]
async fn a_body_is_compared_with_what_the_route_takes() {
    let bench = Bench::new().await;
    let session = bench.session("ana", Role::Admin, &[]).await;
    for (path, body, word) in [
        ("/v1/syncs", "{}", "`connection` is missing"),
        ("/v1/syncs", "{\"connection\":null}", "`connection` is missing"),
        ("/v1/syncs", "{\"connection\":7}", "`connection` is no string"),
        ("/v1/syncs", "{\"connection\":\"halo\",\"ful\":true}", "no field `ful`"),
        ("/v1/syncs", "[]", "no JSON object"),
        ("/v1/syncs", "{\"connection\"", "no JSON, at line 1"),
        ("/v1/resolve", "{\"target\":[1]}", "`target` is no array of strings"),
        ("/v1/definitions", "{\"confirm\":-1}", "`confirm` is no integer"),
        ("/v1/definitions", "{\"confirm\":1.5}", "`confirm` is no integer"),
        ("/v1/definitions", "{\"confirm\":1e300}", "`confirm` is no integer"),
        ("/v1/sessions/take", "{\"engine\":\"e\",\"most\":1e9}", "`most` is 1000000000"),
    ] {
        let answer = bench.ask(posted(path, &session.headers(), body)).await;
        let problem = answer.is_problem(400);
        assert!(problem["detail"].as_str().unwrap().contains(word), "{body}: {problem}");
    }
    assert_eq!(bench.echo.asked.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_key_counts_once_and_means_one_thing() {
    let bench = Bench::new().await;
    let ana = bench.session("ana", Role::Admin, &[]).await;
    let ben = bench.session("ben", Role::Admin, &[]).await;
    let asked = || bench.echo.asked.load(std::sync::atomic::Ordering::Relaxed);
    let send = |session: &crate::harness::Session, key: &str, body: &str| {
        let mut headers = session.headers();
        headers.push(("idempotency-key", key));
        bench.ask(posted("/v1/syncs", &headers, body))
    };
    let body = "{\"connection\":\"halo\"}";
    let first = send(&ana, "one", body).await;
    let again = send(&ana, "one", body).await;
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    assert_eq!(asked(), 1);
    send(&ana, "one", "{\"connection\":\"control\"}").await.is_problem(409);
    assert_eq!(asked(), 1);
    assert_eq!(send(&ben, "one", body).await.status.as_u16(), 200);
    assert_eq!(send(&ana, "two", body).await.status.as_u16(), 200);
    assert_eq!(asked(), 3);
    let long = "x".repeat(201);
    for wrong in ["", " ", "on e", "one\ttwo", &long] {
        send(&ana, wrong, body).await.is_problem(400);
    }
    assert_eq!(asked(), 3);
    // What did nothing is not kept.
    let headers = |key| {
        let mut headers = ana.headers();
        headers.push(("idempotency-key", key));
        headers
    };
    let held = posted("/v1/definitions", &headers("three"), "{\"note\":\"hold it\"}");
    bench.ask(held).await.is_problem(409);
    let right = posted("/v1/definitions", &headers("three"), "{\"note\":\"now\"}");
    assert_eq!(bench.ask(right).await.status.as_u16(), 200);
    // A day later it is another thing.
    bench.clock.advance(86_401);
    let day = bench.token(Role::Admin, &[]).await;
    assert!(!day.is_empty());
}

/// What the description takes for a key is what the API takes for one, over a line too, where HTTP takes away
/// the blanks around it.
#[tokio::test]
async fn a_key_is_taken_exactly_where_its_description_takes_it() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let bench = Bench::new().await;
    let token = bench.token(Role::Admin, &[]).await;
    let described = core_server::openapi();
    let parameters = described["paths"]["/v1/syncs"]["post"]["parameters"].as_array().unwrap();
    let key = parameters.iter().find(|one| one["name"] == "Idempotency-Key").unwrap();
    let schema = jsonschema::validator_for(&key["schema"]).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = bench.router.clone().into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    let most = "x".repeat(200);
    let longer = [format!("{most} "), format!("{most}x")];
    let keys = ["a", "~!", " a", "a ", "\ta \t", "a b", "\u{7f}", "", " ", "ü", &most];
    for key in keys.into_iter().chain(longer.iter().map(String::as_str)) {
        let body = "{\"connection\":\"halo\"}";
        let request = format!(
            "POST /v1/syncs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        );
        let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
        line.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.unwrap();
        let is_taken = answer.starts_with("HTTP/1.1 200");
        assert_eq!(is_taken, schema.is_valid(&key.into()), "{key:?}: {answer}");
    }
}

#[tokio::test]
async fn every_change_is_in_the_audit_log_with_who_made_it() {
    let bench = Bench::new().await;
    let ana = bench.session("ana", Role::Admin, &[]).await;
    let headers = ana.headers();
    let steps = [
        ("/v1/syncs", json!({ "connection": "halo" }), 200, ("start-sync", "halo", "done")),
        (
            "/v1/definitions",
            json!({ "note": "hold it" }),
            409,
            ("apply-definitions", "hold it", "refused"),
        ),
        (
            "/v1/decisions/decision_of_ten_a",
            json!({ "choice": "x" }),
            200,
            ("decide", "decision_of_ten_a", "done"),
        ),
        (
            "/v1/tokens",
            json!({ "name": "ci", "role": "reader", "tenants": ["ten_a"] }),
            201,
            ("make-token", "ci", "done"),
        ),
        ("/v1/tokens/ci/revoke", json!({}), 200, ("revoke-token", "ci", "done")),
        (
            "/v1/accounts",
            json!({ "name": "Ben@X", "role": "reader" }),
            201,
            ("make-account", "ben@x", "done"),
        ),
        (
            "/v1/accounts/ben@x",
            json!({ "disabled": true }),
            200,
            ("change-account", "ben@x", "done"),
        ),
    ];
    for (path, body, status, _) in &steps {
        let answer = bench.ask(posted(path, &headers, &body.to_string())).await;
        assert_eq!(answer.status.as_u16(), *status, "{path}: {answer:?}");
    }
    // What changes nothing, or was refused before anybody looked, is not.
    for (path, body) in [("/v1/resolve", "{\"target\":[\"all\"]}"), ("/v1/syncs", "{}")] {
        bench.ask(posted(path, &headers, body)).await;
    }
    let lines =
        bench.store.audit(&AuditQuery { limit: 99, ..AuditQuery::default() }).await.unwrap();
    let told: Vec<_> = lines.iter().rev().map(|l| (&*l.action, &*l.subject, &*l.outcome)).collect();
    assert_eq!(told, steps.iter().map(|step| step.3).collect::<Vec<_>>());
    assert!(lines.iter().all(|line| line.actor == "ana" && line.means == "session"), "{lines:?}");
    // It is read page by page, newest first.
    let page = bench.ask(crate::harness::request("/v1/audit?limit=3", "", &headers)).await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
    let next = page["next"].as_i64().unwrap();
    let path = format!("/v1/audit?limit=9&before={next}&action=make-token");
    let rest = bench.ask(crate::harness::request(&path, "", &headers)).await.json();
    assert_eq!(
        (rest["items"][0]["subject"].as_str(), rest["items"][1].is_null()),
        (Some("ci"), true)
    );
}

#[tokio::test]
async fn what_is_asked_of_the_hub_itself_is_in_the_audit_log_by_what_it_is_about() {
    let bench = Bench::new().await;
    let ana = bench.session("ana", Role::Operator, &[]).await;
    let steps = [
        (
            "/v1/pushes",
            json!({ "connections": ["halo", "x"] }),
            200,
            ("start-push", "halo, x", "done"),
        ),
        ("/v1/rebuilds", json!({ "verify": true }), 200, ("start-rebuild", "", "done")),
        ("/v1/deliveries/retry", json!({}), 200, ("retry-deliveries", "", "done")),
        (
            "/v1/held-deletions/accept",
            json!({ "connection": "halo", "count": 4 }),
            200,
            ("accept-deletions", "halo", "done"),
        ),
    ];
    for (path, body, status, _) in &steps {
        let answer = bench.ask(posted(path, &ana.headers(), &body.to_string())).await;
        assert_eq!(answer.status.as_u16(), *status, "{path}: {answer:?}");
    }
    // A question is none of its matters.
    let question = posted("/v1/winners", &ana.headers(), "{\"subject\":\"x\"}");
    assert_eq!(bench.ask(question).await.status.as_u16(), 200);
    let lines =
        bench.store.audit(&AuditQuery { limit: 99, ..AuditQuery::default() }).await.unwrap();
    let told: Vec<_> = lines.iter().rev().map(|l| (&*l.action, &*l.subject, &*l.outcome)).collect();
    assert_eq!(told, steps.iter().map(|step| step.3).collect::<Vec<_>>());
}

#[tokio::test]
async fn administrators_name_what_there_is() {
    let bench = Bench::new().await;
    let ana = bench.session("ana", Role::Admin, &[]).await;
    for (path, body, status) in [
        ("/v1/tokens", json!({ "name": "a b", "role": "reader" }), 400),
        ("/v1/tokens", json!({ "name": "lpt_x", "role": "reader" }), 400),
        ("/v1/tokens", json!({ "name": "ci", "role": "root" }), 400),
        ("/v1/tokens", json!({ "name": "ci", "role": "reader", "tenants": ["ten_z"] }), 404),
        ("/v1/tokens", json!({ "name": "ci", "role": "reader", "days": 0 }), 400),
        ("/v1/accounts", json!({ "name": "ana", "role": "reader" }), 409),
        ("/v1/accounts", json!({ "name": "x", "role": "reader", "password": "short" }), 400),
        ("/v1/accounts/nobody", json!({ "disabled": true }), 404),
        ("/v1/tokens/nobody/revoke", json!({}), 404),
    ] {
        let answer = bench.ask(posted(path, &ana.headers(), &body.to_string())).await;
        answer.is_problem(status);
    }
}
