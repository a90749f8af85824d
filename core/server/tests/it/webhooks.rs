//! What systems send: taken from whoever proves to be one, stored before it is acknowledged, once each.

use axum::body::Body;
use axum::http::{Request, StatusCode};

use crate::desk::SECRET;
use crate::harness::{Bench, post};

const PATH: &str = "/webhooks/halo";

#[tokio::test]
async fn what_a_system_tells_is_stored_once_and_acknowledged() {
    let bench = Bench::new().await;
    for _ in 0..2 {
        let answer = bench.ask(post(PATH, SECRET, &[], r#"["a","b"]"#)).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
        assert!(answer.body.is_empty());
    }
    let due = bench.store.due_deliveries(i64::MAX, 10).await.unwrap();
    let told: Vec<_> = due.iter().map(|one| (one.id.as_str(), one.body.as_str())).collect();
    assert_eq!(told, [("a", r#"{"ticket":"a"}"#), ("b", r#"{"ticket":"b"}"#)]);
    let nothing = bench.ask(post(PATH, SECRET, &[], "[]")).await;
    assert_eq!(nothing.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_stranger_hears_the_same_whatever_connections_there_are() {
    let bench = Bench::new().await;
    let asked = |path: &str, token: &str| post(path, token, &[], r#"["a"]"#);
    let mut heard = Vec::new();
    for (path, token) in [
        (PATH, ""),
        (PATH, "wrong"),
        ("/webhooks/nobody", SECRET),
        ("/webhooks/halo/wrong", ""),
        ("/webhooks/%00", ""),
    ] {
        let answer = bench.ask(asked(path, token)).await;
        heard.push(answer.is_problem(401));
    }
    heard.dedup();
    assert_eq!(heard.len(), 1);
    assert_eq!(bench.store.waiting_deliveries().await.unwrap(), 0);
}

#[tokio::test]
async fn what_is_malformed_too_large_or_too_much_is_refused_at_once() {
    let bench = Bench::new().await;
    for body in ["", "{", "{}", "[1]", "\u{0}"] {
        bench.ask(post(PATH, SECRET, &[], body)).await.is_problem(400);
    }
    let large = format!("[\"{}\"]", "x".repeat(1024 * 1024));
    bench.ask(post(PATH, SECRET, &[], &large)).await.is_problem(413);
    let said = post(PATH, SECRET, &[("content-length", "2000000")], "[]");
    bench.ask(said).await.is_problem(413);
    let many: Vec<String> = (0..1001).map(|n| format!("\"{n}\"")).collect();
    bench.ask(post(PATH, SECRET, &[], &format!("[{}]", many.join(",")))).await.is_problem(400);
    let long = format!("[\"{}\"]", "x".repeat(401));
    bench.ask(post(PATH, SECRET, &[], &long)).await.is_problem(400);
    assert_eq!(bench.store.waiting_deliveries().await.unwrap(), 0);
    let get = Request::get(PATH).body(Body::empty()).unwrap();
    bench.ask(get).await.is_problem(405);
}

#[tokio::test]
async fn a_handshake_is_answered_as_plain_text() {
    let bench = Bench::new().await;
    let answer = bench.ask(post("/webhooks/halo?validationToken=%3Cb%3E", "", &[], "")).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::OK, "%3Cb%3E"));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn many_senders_at_once_lose_and_repeat_nothing() {
    let bench = Bench::new().await;
    let sending = (0..200).map(|n| {
        let body = format!("[\"{}\",\"{}\"]", n / 2, n + 1000);
        let asked = post(PATH, SECRET, &[], &body);
        bench.ask(asked)
    });
    for answer in futures::future::join_all(sending).await {
        assert_eq!(answer.status, StatusCode::ACCEPTED);
    }
    assert_eq!(bench.store.waiting_deliveries().await.unwrap(), 300);
}
