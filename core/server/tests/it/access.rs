//! Who is let in, and to what.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use core_model::access::Role;

use crate::harness::{Bench, NOW_US, TENANTS, operations, paths, request};

#[tokio::test]
async fn every_route_refuses_whoever_is_not_known_and_tells_none_from_another() {
    let bench = Bench::new().await;
    let revoked = bench.named("revoked", 1, Role::Admin, &[]).await;
    bench.store.revoke_token("revoked", "tests", NOW_US).await.unwrap();
    let expired = bench.named("expired", 2, Role::Admin, &[]).await;
    bench.clock.advance(86_400);
    let unknown = core_store::Token::from_random([3; 32]);
    let mut paths = paths("ten_a");
    assert!(paths.len() > 20, "{paths:?}");
    paths.extend(["/v1", "/v1/", "/v1/nothing", "/v1/computers/x/y/z"].map(str::to_owned));
    let mut bodies = Vec::new();
    for path in &paths {
        for token in ["", "lpt_", "nonsense", unknown.reveal(), &revoked, &expired] {
            let answer = bench.get(path, token).await;
            answer.is_problem(401);
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"linchpin\"");
            bodies.push(answer.body);
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn a_token_counts_only_where_it_belongs() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Admin, &[]).await;
    let header = |value: String| {
        Request::get("/v1/tenants").header("authorization", value).body(Body::empty()).unwrap()
    };
    for right in [format!("Bearer {token}"), format!("bearer  {token}")] {
        assert_eq!(bench.ask(header(right)).await.status, StatusCode::OK);
    }
    for wrong in [token.clone(), format!("Basic {token}"), format!("Bearer {token} {token}")] {
        bench.ask(header(wrong)).await.is_problem(401);
    }
    let bearer = format!("Bearer {token}");
    let twice = [("authorization", &*bearer), ("authorization", &*bearer)];
    bench.ask(request("/v1/tenants", "", &twice)).await.is_problem(401);
    let path = format!("/v1/tenants?token={token}");
    bench.get(&path, "").await.is_problem(401);
}

#[tokio::test]
async fn every_route_answers_whoever_may_and_shows_nothing_of_another_tenant() {
    let bench = Bench::new().await;
    let all = bench.token(Role::Admin, &[]).await;
    for [own, other] in [TENANTS, [TENANTS[1], TENANTS[0]]] {
        let token = bench.token(Role::Reader, &[own]).await;
        let mark = format!("only for {other}");
        for (path, foreign) in paths(own).into_iter().zip(paths(other)) {
            if path == "/v1/events" {
                continue;
            }
            // These have nothing of the model here; `matrix.rs` has who may ask them.
            let others = [
                "/v1/edges",
                "/v1/reconcile",
                "/v1/me",
                "/v1/sessions",
                "/v1/technician",
                "/v1/requests/",
                "/v1/runs/",
                "/v1/jobs/",
                "/v1/connectors",
            ];
            if others.iter().any(|other| path.starts_with(other)) {
                continue;
            }
            assert_eq!(bench.get(&path, &all).await.status, StatusCode::OK, "{path}");
            let answer = bench.get(&path, &token).await;
            let operations = operations(own);
            let one = operations.iter().find(|one| one.method == "GET" && one.path == path);
            if one.is_some_and(|one| one.of_all || one.least > Role::Reader) {
                answer.is_problem(403);
                continue;
            }
            assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
            assert!(!answer.body.contains(&mark), "{path}: {answer:?}");
            if path != foreign {
                let hidden = bench.get(&foreign, &token).await;
                let missing = bench.get(&foreign.replace("ten_", "net_"), &token).await;
                let hidden_text = hidden.is_problem(404).to_string();
                let missing_text = missing.is_problem(404).to_string();
                assert_eq!(hidden_text.replace("ten_", "net_"), missing_text);
            } else if !path.ends_with("openapi.json") {
                assert!(answer.body.contains(&format!("only for {own}")), "{path}: {answer:?}");
                bench.get(&format!("{path}?tenant={other}"), &token).await.is_problem(404);
                let narrowed = bench.get(&format!("{path}?tenant={other}"), &all).await;
                assert!(narrowed.body.contains(&mark), "{path}: {narrowed:?}");
                assert!(!narrowed.body.contains(&format!("only for {own}")), "{path}");
            }
        }
    }
}

#[tokio::test]
async fn how_the_hub_is_is_for_operators_of_all_tenants() {
    let bench = Bench::new().await;
    for (role, status) in
        [(Role::Reader, 403), (Role::Technician, 403), (Role::Operator, 200), (Role::Admin, 200)]
    {
        let token = bench.token(role, &[]).await;
        assert_eq!(bench.get("/v1/status", &token).await.status.as_u16(), status);
        let token = bench.token(role, &["ten_a"]).await;
        bench.get("/v1/status", &token).await.is_problem(403);
    }
}

#[tokio::test]
async fn health_is_open_to_all() {
    let bench = Bench::new().await;
    assert_eq!(bench.get("/healthz", "").await.status, StatusCode::OK);
    // It has not begun to work.
    assert_eq!(bench.get("/readyz", "").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_use_is_noted() {
    let bench = Bench::new().await;
    let token = bench.named("desk", 9, Role::Reader, &[]).await;
    for _ in 0..3 {
        bench.get("/v1/tenants", &token).await;
    }
    for _ in 0..500 {
        let row = bench.store.token_named("desk").await.unwrap().unwrap();
        if row.last_used_us == Some(NOW_US) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("the use was not noted");
}
