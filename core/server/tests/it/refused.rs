//! What is refused, how, and what no log and no answer ever holds.

use std::io::Write;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use core_model::access::Role;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{Bench, Operation, operations};

#[tokio::test]
async fn whatever_is_wrong_is_answered_as_a_problem() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Admin, &[]).await;
    for (path, status) in [
        ("/nothing", 404),
        ("/v1", 404),
        ("/v1/", 404),
        ("/v1/nothing", 404),
        ("/v1/computers/nobody", 404),
        ("/v1/computers/%FF", 404),
        ("/v1/computers/%00", 404),
        ("/v1/computers/", 404),
        ("/v1/computers?limit=0", 400),
        ("/v1/computers?limit=501", 400),
        ("/v1/computers?limit=ten", 400),
        ("/v1/computers?limit=1&limit=2", 400),
        ("/v1/computers?colour=red", 400),
        ("/v1/computers?tenant=nobody", 404),
        ("/v1/computers/computer_of_ten_a?limit=1", 400),
        ("/v1/changes?name=x", 400),
        ("/v1/status?x=1", 400),
    ] {
        let answer = bench.get(path, &token).await;
        answer.is_problem(status);
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let operations = operations("ten_a");
    for Operation { path, .. } in &operations {
        let takes = |method: &str| operations.iter().any(|o| o.path == *path && o.method == method);
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            if takes(method) {
                continue;
            }
            let request = Request::builder().method(method).uri(path);
            let request = request.header("authorization", format!("Bearer {token}"));
            let answer = bench.ask(request.body(Body::empty()).unwrap()).await;
            answer.is_problem(405);
            let allowed = if takes("GET") { "GET" } else { "POST" };
            assert!(answer.header("allow").contains(allowed), "{answer:?}");
        }
    }
    let large = Request::get("/v1/computers").header("content-length", "70000");
    bench.ask(large.body(Body::empty()).unwrap()).await.is_problem(413);
}

#[tokio::test]
async fn a_search_takes_any_text() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Admin, &[]).await;
    for text in ["%25", "_", "'", "%22", "%00", "%5C", "%F0%9F%98%80", "%FF"] {
        for parameter in ["name", "after"] {
            let path = format!("/v1/computers?{parameter}={text}");
            let answer = bench.get(&path, &token).await;
            assert_eq!(answer.status.as_u16(), 200, "{path}: {answer:?}");
        }
    }
}

/// A log that is kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_token_is_in_no_log_and_in_no_answer_wherever_it_was_sent() {
    let kept = Kept::default();
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
    let _logging =
        tracing::subscriber::set_default(log.with_ansi(false).with_writer(kept.clone()).finish());
    let bench = Bench::new().await;
    let token = bench.token(Role::Admin, &[]).await;
    for path in [
        "/v1/computers?name=SECRET-NAME".to_owned(),
        format!("/v1/computers?token={token}"),
        format!("/v1/computers?{token}=1"),
        format!("/v1/computers?fields={token}"),
        format!("/v1/computers?limit={token}"),
        format!("/v1/computers?tenant={token}"),
        format!("/v1/computers/{token}"),
        format!("/v1/changes?since={token}"),
        format!("/v1/{token}"),
        format!("/{token}"),
        "/v1/events?since=0&tenant=x".to_owned(),
    ] {
        for sent in [&*token, ""] {
            let answer = bench.get(&path, sent).await;
            let headers = format!("{:?}", answer.headers);
            assert!(!answer.body.contains(&token) && !headers.contains(&token), "{answer:?}");
        }
    }
    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("route=\"/v1/computers/{id}\" status=404"), "{log}");
    assert!(log.contains("token=\"token-0\""), "{log}");
    assert!(log.contains("route=\"(unknown)\" status=401"), "{log}");
    for secret in [&*token, &token[4..], "SECRET-NAME"] {
        assert!(!log.contains(secret), "{secret} is in\n{log}");
    }
}
