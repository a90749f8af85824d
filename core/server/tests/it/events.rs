//! The log: page by page, and as it grows.

use std::time::Duration;

use core_model::access::Role;
use core_model::entity::EntityKind;
use futures::StreamExt as _;
use serde_json::Value;

use crate::harness::{Bench, NOW_US, next, pieces, request, row};

fn computer(tenant: &str, version: i64) -> core_model::entity::EntityRow {
    row(EntityKind::Computer, tenant, "cmp_moving", version)
}

#[tokio::test]
async fn changes_are_told_once_each_with_what_was_before_and_after() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Reader, &[]).await;
    let began = bench.store.last_event_seq().await.unwrap();
    bench.put(vec![computer("ten_a", 1)]).await;
    bench.put(vec![computer("ten_a", 2)]).await;
    bench.apply(Vec::new(), vec![(EntityKind::Computer, "cmp_moving".to_owned())]).await;
    let answer = bench.get(&format!("/v1/changes?since={began}"), &token).await.json();
    let told: Vec<(&str, bool, bool)> = answer["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| {
            (item["change"].as_str().unwrap(), item["before"].is_null(), item["after"].is_null())
        })
        .collect();
    assert_eq!(
        told,
        [("created", true, false), ("changed", false, false), ("removed", false, true)]
    );
    assert_eq!(answer["items"][1]["before"]["domains"][0], 1);
    assert_eq!(
        (&answer["next"], &answer["last"]),
        (&Value::from(began + 3), &Value::from(began + 3))
    );

    let mut since = 0;
    let mut seen = Vec::new();
    loop {
        let answer = bench.get(&format!("/v1/changes?since={since}&limit=4"), &token).await.json();
        let items = answer["items"].as_array().unwrap().clone();
        seen.extend(items.iter().map(|item| item["sequence"].as_i64().unwrap()));
        since = answer["next"].as_i64().unwrap();
        if since == answer["last"].as_i64().unwrap() {
            break;
        }
        assert_eq!(items.len(), 4);
    }
    assert_eq!(seen, (1..=began + 3).collect::<Vec<_>>());
    let beyond = bench.get(&format!("/v1/changes?since={}", began + 4), &token).await;
    let problem = beyond.is_problem(404);
    assert!(problem["detail"].as_str().unwrap().contains(&format!("newest is {}", began + 3)));
}

#[tokio::test]
async fn of_what_moves_away_a_tenant_hears_that_it_is_gone_and_nothing_else() {
    let bench = Bench::new().await;
    let began = bench.store.last_event_seq().await.unwrap();
    bench.put(vec![computer("ten_a", 1)]).await;
    bench.put(vec![computer("ten_b", 2)]).await;
    bench.put(vec![computer("ten_b", 3)]).await;
    for (own, other, expected) in [
        ("ten_a", "ten_b", vec!["created", "removed"]),
        ("ten_b", "ten_a", vec!["created", "changed"]),
    ] {
        let token = bench.token(Role::Reader, &[own]).await;
        let path = format!("/v1/changes?since={began}");
        let answer = bench.get(&path, &token).await;
        let json = answer.json();
        let told = json["items"].as_array().unwrap().iter().map(|item| item["change"].clone());
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert!(!answer.body.contains(other), "{answer:?}");
        let followed = bench.send(request(&format!("/v1/events?since={began}"), &token, &[])).await;
        let events = next(&mut pieces(followed), 2).await;
        let events: Vec<Value> = events.into_iter().map(|(_, event)| event).collect();
        assert_eq!(&events, json["items"].as_array().unwrap());
    }
}

#[tokio::test]
async fn a_follower_that_comes_back_loses_and_repeats_nothing() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Reader, &["ten_a"]).await;
    let began = bench.store.last_event_seq().await.unwrap();
    let response = bench.send(request("/v1/events", &token, &[])).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert_eq!(response.headers()["cache-control"], "no-store");
    let mut body = pieces(response);
    assert_eq!(body.next().await.unwrap(), "retry: 3000\n\n");
    for version in 1..=3 {
        bench
            .put(vec![computer("ten_a", version), row(EntityKind::Agent, "ten_b", "x", version)])
            .await;
    }
    let mut seen: Vec<i64> = next(&mut body, 2).await.into_iter().map(|(at, _)| at).collect();
    drop(body);
    for version in 4..=300 {
        bench.put(vec![computer("ten_a", version)]).await;
    }
    // It says where it was; its address still says where it began.
    let last = seen[1].to_string();
    let path = format!("/v1/events?since={began}");
    let back = bench.send(request(&path, &token, &[("last-event-id", &last)])).await;
    let mut body = pieces(back);
    seen.extend(next(&mut body, 298).await.into_iter().map(|(at, _)| at));
    // And what comes later comes too.
    bench.put(vec![computer("ten_a", 301)]).await;
    seen.extend(next(&mut body, 1).await.into_iter().map(|(at, _)| at));
    let events = bench.store.events(began, 1000).await.unwrap();
    let expected: Vec<i64> = events
        .iter()
        .filter(|event| event.tenant.as_deref() == Some("ten_a"))
        .map(|event| event.sequence)
        .collect();
    assert_eq!(expected.len(), 301);
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn where_a_follower_was_must_be_a_place_in_this_log() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Reader, &[]).await;
    for (path, status) in [
        ("/v1/events?since=99999", 404),
        ("/v1/events?since=-1", 400),
        ("/v1/changes?since=x", 400),
    ] {
        bench.get(path, &token).await.is_problem(status);
    }
    for (wrong, status) in [("99999", 404), ("last", 400), ("\u{e9}", 400)] {
        let asked = request("/v1/events", &token, &[("last-event-id", wrong)]);
        bench.ask(asked).await.is_problem(status);
    }
}

#[tokio::test]
async fn a_stream_ends_when_its_token_does() {
    let bench = Bench::new().await;
    for (name, seed) in [("revoked", 1), ("expired", 2)] {
        let token = bench.named(name, seed, Role::Reader, &[]).await;
        let mut body = pieces(bench.send(request("/v1/events", &token, &[])).await);
        bench.put(vec![computer("ten_a", i64::from(seed) * 10)]).await;
        assert_eq!(next(&mut body, 1).await.len(), 1);
        if name == "revoked" {
            bench.store.revoke_token(name, "tests", NOW_US).await.unwrap();
            bench.clock.advance(11);
        } else {
            bench.clock.advance(86_400);
        }
        bench.put(vec![computer("ten_a", i64::from(seed) * 10 + 1)]).await;
        let end = tokio::time::timeout(Duration::from_secs(30), body.next()).await;
        assert_eq!(end.expect("the stream goes on"), None);
    }
}
