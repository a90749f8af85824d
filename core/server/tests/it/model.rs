//! Pages, fields and tags of the model.

use axum::http::StatusCode;
use core_model::access::Role;
use core_model::entity::EntityKind;

use crate::harness::{Bench, request, row};

fn computers(numbers: impl Iterator<Item = usize>) -> Vec<core_model::entity::EntityRow> {
    numbers.map(|n| row(EntityKind::Computer, "ten_a", &format!("cmp_{n:04}"), 1)).collect()
}

#[tokio::test]
async fn pages_visit_everything_once_while_rows_are_added() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Reader, &["ten_a"]).await;
    bench.put(computers((0..200).step_by(2))).await;
    let mut seen: Vec<String> = Vec::new();
    let mut after = String::new();
    let mut added = (1..200).step_by(2);
    loop {
        let path = format!("/v1/computers?limit=7&tenant=ten_a&after={after}");
        let answer = bench.get(&path, &token).await;
        let ids = answer.ids();
        assert!(ids.len() <= 7);
        seen.extend(ids);
        bench.put(computers(added.by_ref().take(5))).await;
        match answer.json()["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => break,
        }
    }
    assert!(seen.is_sorted(), "{seen:?}");
    let count = seen.len();
    seen.dedup();
    assert_eq!(seen.len(), count, "something was there twice");
    for n in (0..200).step_by(2) {
        assert!(seen.contains(&format!("cmp_{n:04}")), "{n} was left out");
    }
}

#[tokio::test]
async fn a_page_ends_exactly_where_there_is_no_more() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Reader, &[]).await;
    bench.put(computers(0..8)).await;
    for (limit, more) in [(9, true), (10, false), (11, false)] {
        let answer = bench.get(&format!("/v1/computers?limit={limit}"), &token).await;
        assert_eq!(answer.ids().len(), limit.min(10));
        assert_eq!(answer.json()["next"].is_string(), more, "{limit}");
    }
    let answer = bench.get("/v1/computers?name=FOR%20TEN_B", &token).await;
    assert_eq!(answer.ids(), ["computer_of_ten_b"]);
}

#[tokio::test]
async fn only_the_fields_that_are_asked_for_come() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Reader, &[]).await;
    let one = bench.get("/v1/computers/computer_of_ten_a?fields=id,name", &token).await;
    assert_eq!(one.body, r#"{"id":"computer_of_ten_a","name":"only for ten_a"}"#);
    let list = bench.get("/v1/tenants?fields=id", &token).await;
    assert_eq!(list.body, r#"{"items":[{"id":"ten_a"},{"id":"ten_b"}],"next":null}"#);
    // A field that there is and that a document leaves out is left out.
    let without = bench.get("/v1/computers/computer_of_ten_a?fields=primary", &token).await;
    assert_eq!(without.body, "{}");
    for path in ["/v1/computers", "/v1/computers/computer_of_ten_a"] {
        let answer = bench.get(&format!("{path}?fields=id,colour"), &token).await;
        let problem = answer.is_problem(400);
        assert!(problem["detail"].as_str().unwrap().contains("`colour`"), "{problem}");
        assert!(problem["remedy"].as_str().unwrap().contains("primary"), "{problem}");
    }
}

#[tokio::test]
async fn what_is_known_already_is_not_sent_again() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Reader, &[]).await;
    for path in ["/v1/computers", "/v1/computers/computer_of_ten_a", "/v1/changes"] {
        let first = bench.get(path, &token).await;
        let tag = first.header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
        assert_eq!(first.header("cache-control"), "private, no-cache");
        let same = bench.ask(request(path, &token, &[("if-none-match", &tag)])).await;
        assert_eq!((same.status, same.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
        assert_eq!(same.header("etag"), tag);
    }
    let path = "/v1/computers/computer_of_ten_a";
    let tag = bench.get(path, &token).await.header("etag").to_owned();
    bench.put(vec![row(EntityKind::Computer, "ten_a", "computer_of_ten_a", 2)]).await;
    let other = bench.ask(request(path, &token, &[("if-none-match", &tag)])).await;
    assert_eq!(other.status, StatusCode::OK);
    assert_ne!(other.header("etag"), tag);
}

#[tokio::test]
async fn winners_are_those_of_the_day_that_is_asked_about() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Reader, &["ten_a"]).await;
    let path = "/v1/computers/computer_of_ten_a/winners";
    let answer = bench.get(&format!("{path}?as_of=2026-12-31"), &token).await.json();
    assert_eq!(answer["items"][0]["computer"], "computer_of_ten_a");
    assert_eq!(answer["items"][0]["as_of"], "2026-12-31");
    let problem = bench.get(&format!("{path}?as_of=never"), &token).await.is_problem(400);
    assert_eq!(problem["remedy"], "write a day");
}
