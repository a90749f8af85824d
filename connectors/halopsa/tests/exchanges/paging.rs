//! Paging: every row, and never an end that is not proven.

use std::sync::atomic::{AtomicUsize, Ordering};

use core_connector::{ErrorKind, Proof, Resume};
use serde_json::{Value, json};
use wiremock::{Request, Respond, ResponseTemplate};

use crate::support::{Pages, answer, asked, connect, halo, on, page, read};

/// Answers one after the other; the last one stays.
struct Script(Vec<ResponseTemplate>, AtomicUsize);

impl Script {
    fn of(answers: Vec<ResponseTemplate>) -> Self {
        Self(answers, AtomicUsize::new(0))
    }
}

impl Respond for Script {
    fn respond(&self, _: &Request) -> ResponseTemplate {
        let at = self.1.fetch_add(1, Ordering::SeqCst);
        self.0[at.min(self.0.len() - 1)].clone()
    }
}

fn sheet(ids: std::ops::RangeInclusive<i64>, total: u64) -> ResponseTemplate {
    let rows: Vec<Value> = ids.map(|id| json!({"id": id, "name": "x"})).collect();
    answer(&json!({"page_size": 100, "record_count": total, "clients": rows}))
}

fn nothing(total: u64) -> ResponseTemplate {
    answer(&json!({"page_size": 100, "record_count": total, "clients": []}))
}

#[tokio::test]
async fn without_pageinate_rows_would_be_lost_so_it_is_always_sent() {
    let server = halo().await;
    on(&server, "/api/Client", Pages::of("clients", 1..=230)).await;
    let halo = connect(&server, &json!({}));
    assert_eq!(read(halo.as_ref(), "clients").await.unwrap().records.len(), 230);
    let asked = asked(&server, "/api/Client").await;
    assert_eq!(asked.len(), 3, "three pages, and no request more");
    for (number, query) in asked.iter().enumerate() {
        for pair in [
            ("pageinate", "true"),
            ("page_size", "100"),
            ("order", "id"),
            ("orderdesc", "false"),
            ("includeinactive", "true"),
            ("includeactive", "true"),
        ] {
            assert!(query.contains(&(pair.0.into(), pair.1.into())), "{pair:?}");
        }
        assert!(query.contains(&("page_no".into(), (number + 1).to_string())));
    }
}

#[tokio::test]
async fn the_capped_page_size_is_honoured() {
    let server = halo().await;
    let capped = Pages { cap: 40, ..Pages::of("clients", 1..=130) };
    on(&server, "/api/Client", capped).await;
    let halo = connect(&server, &json!({}));
    assert_eq!(read(halo.as_ref(), "clients").await.unwrap().records.len(), 130);
    assert_eq!(asked(&server, "/api/Client").await.len(), 4);
}

#[tokio::test]
async fn an_empty_page_before_record_count_is_no_end() {
    let server = halo().await;
    let pages = vec![sheet(1..=100, 130), nothing(130)];
    on(&server, "/api/Client", Script::of(pages)).await;
    let halo = connect(&server, &json!({}));
    let Err(error) = read(halo.as_ref(), "clients").await else { panic!("it ended") };
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("100 of 130"), "{error}");
}

#[tokio::test]
async fn an_empty_page_that_passes_is_asked_for_again() {
    let server = halo().await;
    let pages = vec![sheet(1..=100, 130), nothing(130), sheet(101..=130, 130)];
    on(&server, "/api/Client", Script::of(pages)).await;
    let halo = connect(&server, &json!({}));
    assert_eq!(read(halo.as_ref(), "clients").await.unwrap().records.len(), 130);
}

#[tokio::test]
async fn a_repeated_page_is_no_end() {
    let server = halo().await;
    on(&server, "/api/Client", Script::of(vec![sheet(1..=100, 0)])).await;
    let halo = connect(&server, &json!({}));
    let Err(error) = read(halo.as_ref(), "clients").await else { panic!("it ended") };
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("repeats"), "{error}");
}

#[tokio::test]
async fn a_record_count_of_zero_ends_at_an_empty_page() {
    let server = halo().await;
    let pages = vec![sheet(1..=100, 0), sheet(101..=130, 0), nothing(0)];
    on(&server, "/api/Client", Script::of(pages)).await;
    let halo = connect(&server, &json!({}));
    let read = read(halo.as_ref(), "clients").await.unwrap();
    assert_eq!((read.records.len(), read.pages), (130, 3));
}

#[tokio::test]
async fn an_answer_without_its_rows_is_no_empty_list() {
    for body in [
        json!({"record_count": 0}),
        json!({"error": "An internal error occurred"}),
        json!({"Message": "A database error occurred (515)", "ClassName": "System.Exception"}),
        json!({"clients": null, "record_count": 0}),
        json!([]),
    ] {
        let server = halo().await;
        on(&server, "/api/Client", answer(&body)).await;
        let halo = connect(&server, &json!({}));
        let Err(error) = read(halo.as_ref(), "clients").await else { panic!("{body} is an end") };
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        if let Some(said) = body.get("error").or(body.get("Message")).and_then(Value::as_str) {
            assert!(error.to_string().contains(said), "{error}");
        }
        assert_eq!(asked(&server, "/api/Client").await.len(), 3, "it is asked for again: {body}");
    }
}

#[tokio::test]
async fn a_cut_answer_and_a_web_page_are_no_end() {
    for body in [r#"{"record_count":0,"clients":["#, "<!DOCTYPE html><title>Sign in</title>"] {
        let server = halo().await;
        on(&server, "/api/Client", ResponseTemplate::new(200).set_body_string(body)).await;
        let halo = connect(&server, &json!({}));
        let Err(error) = read(halo.as_ref(), "clients").await else { panic!("{body} is an end") };
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
}

#[tokio::test]
async fn a_round_killed_between_pages_goes_on_from_its_checkpoint() {
    let server = halo().await;
    on(&server, "/api/Client", Pages::of("clients", 1..=230)).await;
    let first = connect(&server, &json!({}));
    let one = page(first.as_ref(), "clients", Resume::Start).await.unwrap();
    let again = connect(&server, &json!({}));
    let from = || Resume::From(one.checkpoint.clone().unwrap());
    let two = page(again.as_ref(), "clients", from()).await.unwrap();
    let same = page(again.as_ref(), "clients", from()).await.unwrap();
    assert_eq!((two.records[0].key.as_str(), two.proof), ("101", Proof::More));
    assert_eq!(same.records[0].key, "101", "reading a place twice is harmless");
    let from = Resume::From(two.checkpoint.unwrap());
    let three = page(again.as_ref(), "clients", from).await.unwrap();
    assert_eq!(three.proof, Proof::Total { rows: 230 });
}

#[tokio::test]
async fn a_later_round_asks_for_what_changed() {
    let server = halo().await;
    on(&server, "/api/Users", Pages::of("users", 1..=30)).await;
    let halo = connect(&server, &json!({}));
    let started = chrono::Utc::now();
    let full = page(halo.as_ref(), "users", Resume::Start).await.unwrap();
    let from = Resume::From(full.checkpoint.unwrap());
    page(halo.as_ref(), "users", from).await.unwrap();
    let asked = asked(&server, "/api/Users").await;
    let since = |query: &[(String, String)]| {
        let found = query.iter().find(|(name, _)| name == "lastupdatefromdate");
        found.map(|(_, value)| value.clone())
    };
    assert_eq!(since(&asked[0]), None, "a full round asks for all");
    let since = chrono::DateTime::parse_from_rfc3339(&since(&asked[1]).unwrap()).unwrap();
    let back = (started - since.to_utc()).num_seconds();
    assert!((595..=605).contains(&back), "ten minutes before the start, not {back} s");
}

#[tokio::test]
async fn a_checkpoint_of_another_version_is_expired() {
    let server = halo().await;
    let halo = connect(&server, &json!({}));
    for name in ["clients", "items", "contracts", "invoices", "assets"] {
        let from = Resume::From(core_model::Checkpoint::new(r#"{"version":0}"#));
        let error = page(halo.as_ref(), name, from).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckpointExpired, "{name}");
    }
}
