//! The API's description.

use std::path::Path;

use core_model::access::Role;
use serde_json::Value;

use crate::harness::Bench;

/// What is public changes with the file, and so with a diff that somebody reads.
#[test]
#[expect(clippy::disallowed_methods, reason = "the tests' own settings, no part of the program")]
fn the_description_is_the_one_in_the_file() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let now = serde_json::to_string_pretty(&core_server::openapi()).unwrap() + "\n";
    if std::env::var("LINCHPIN_BLESS").is_ok() {
        std::fs::write(&file, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == now, "LINCHPIN_BLESS=1 takes this:\n{now}");
}

#[tokio::test]
async fn the_description_is_served_and_every_reference_in_it_leads_somewhere() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Reader, &["ten_a"]).await;
    let served = bench.get("/v1/openapi.json", &token).await.json();
    assert_eq!(served, core_server::openapi());
    let mut open = vec![&served];
    let mut references = 0;
    while let Some(value) = open.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            references += 1;
            let place = reference.strip_prefix('#').unwrap();
            assert!(served.pointer(place).is_some(), "{reference}");
        }
        match value {
            Value::Object(object) => open.extend(object.values()),
            Value::Array(array) => open.extend(array),
            _ => {}
        }
    }
    assert!(references > 50, "{references}");
    let mut ids: Vec<&Value> = Vec::new();
    for (path, item) in served["paths"].as_object().unwrap() {
        for (_, operation) in item.as_object().unwrap() {
            ids.push(&operation["operationId"]);
            let parameters = operation["parameters"].as_array();
            let in_path = parameters.into_iter().flatten().filter(|one| one["in"] == "path");
            assert_eq!(in_path.count(), path.matches('{').count(), "{path}");
            for one in operation["parameters"].as_array().into_iter().flatten() {
                assert_ne!(one["description"], "", "{path}: {one}");
            }
        }
    }
    let count = ids.len();
    ids.sort_by_key(|id| id.to_string());
    ids.dedup();
    assert_eq!(ids.len(), count, "an operation's id is there twice");
}
