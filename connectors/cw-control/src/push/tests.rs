use core_connector::{Connector, Factory};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::Control;

const SERVICE: &str = "/App_Extensions/2d558935-686a-4bd0-9991-07539f5fe749/Service.ashx";
const ID: &str = "11111111-2222-3333-4444-5555555555aa";

fn build(server: &str, push: &Value) -> Result<Box<dyn Connector>> {
    let settings = json!({ "url": server, "secret": "s3cret", "site_property": 2, "push": push,
        "http": { "backoff_ms": 1, "attempts": 3, "allow_http": true } });
    Control::build(serde_json::from_value(settings).unwrap())
}

async fn session(server: &MockServer, values: Value) {
    let row = json!([{ "SessionID": ID, "SessionType": 2, "CustomPropertyValues": values }]);
    Mock::given(path(format!("{SERVICE}/GetSessionBySessionID")))
        .and(body_json(json!([ID])))
        .respond_with(ResponseTemplate::new(200).set_body_json(row))
        .mount(server)
        .await;
}

fn set(field: &str, value: &str) -> Set {
    Set { field: field.to_owned(), value: value.to_owned() }
}

#[tokio::test]
async fn all_eight_are_given_back_and_only_the_hubs_own_are_changed() {
    let server = MockServer::start().await;
    session(&server, json!(["Acme", " Main ", null, "x", "", "old"])).await;
    let written = json!([ID, ["Acme", " Main ", "", "x", "3B5RKN2", "ana@acme.com", "", ""]]);
    Mock::given(path(format!("{SERVICE}/UpdateSessionCustomProperties")))
        .and(body_json(written))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&server)
        .await;
    let push = json!({ "enabled": true, "properties": { "5": "serial", "6": "primary_upn" } });
    let connector = build(&server.uri(), &push).unwrap();
    let push = connector.push().unwrap();
    let there = push.read(ID).await.unwrap();
    assert_eq!(there.value("CustomProperty6"), "old");
    assert_eq!(there.value("CustomProperty5"), "");
    assert!(!there.values.contains_key("CustomProperty1"), "none that is not the hub's is shown");
    let sets = [set("CustomProperty5", "3B5RKN2"), set("CustomProperty6", "ana@acme.com")];
    push.write(ID, &there, &sets).await.unwrap();
}

#[tokio::test]
async fn a_session_that_is_not_there_is_believed_at_the_second_time() {
    let server = MockServer::start().await;
    Mock::given(path(format!("{SERVICE}/GetSessionBySessionID")))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .expect(2)
        .mount(&server)
        .await;
    let push = json!({ "enabled": true, "properties": { "5": "serial" } });
    let connector = build(&server.uri(), &push).unwrap();
    let error = connector.push().unwrap().read(ID).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[test]
fn the_property_that_the_hub_reads_is_refused_unless_it_is_named_twice() {
    let at = "https://control.example.com";
    assert!(build(at, &json!({ "enabled": false })).unwrap().push().is_none());
    for (properties, word) in [
        (json!({ "1": "tenant" }), "reads property 1"),
        (json!({ "2": "class" }), "reads property 2"),
        (json!({ "9": "serial" }), "no custom property 9"),
        (json!({ "x": "serial" }), "no custom property x"),
        (json!({ "5": "contact" }), "no address book"),
        (json!({ "5": "serial", "05": "uuid" }), "named twice"),
        (json!({}), "no property is named"),
    ] {
        let push = json!({ "enabled": true, "properties": properties });
        let error = build(at, &push).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.detail().contains(word), "{error}");
    }
    let own = json!({ "enabled": true, "properties": { "1": "tenant" }, "own_properties": true });
    assert!(build(at, &own).unwrap().push().is_some());
}
