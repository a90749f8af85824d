use core_connector::{Connector, Factory};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::Automate;

fn build(server: &str, push: &Value) -> Result<Box<dyn Connector>> {
    let settings = json!({ "url": server, "username": "linchpin", "password": "p", "client_id": "c",
        "push": push, "http": { "backoff_ms": 1, "attempts": 3, "allow_http": true } });
    Automate::build(serde_json::from_value(settings).unwrap())
}

async fn server() -> MockServer {
    let server = MockServer::start().await;
    let token = json!({ "AccessToken": "t", "ExpirationDate": "2099-01-01T00:00:00",
        "AbsoluteExpirationDate": "2099-01-01T00:00:00" });
    Mock::given(path("/cwa/api/v1/apitoken"))
        .respond_with(ResponseTemplate::new(200).set_body_json(token))
        .mount(&server)
        .await;
    let fields = json!([
        { "ExtraFieldDefinitionId": 101, "Title": "Primary User",
          "TextFieldSettings": { "Value": "old" } },
        { "ExtraFieldDefinitionId": "102", "Title": "Onboarded",
          "CheckboxSettings": { "IsChecked": false } },
        { "ExtraFieldDefinitionId": 103, "Title": "Class", "DropdownSettings": {
          "SelectedValue": "None", "AvailableOptions": { "Server": "S", "None": "N" } } },
        { "ExtraFieldDefinitionId": 104, "Title": "Locked", "IsReadOnly": true,
          "TextFieldSettings": { "Value": null } },
    ]);
    Mock::given(method("GET"))
        .and(path("/cwa/api/v1/Computers/7/ExtraFields"))
        .respond_with(ResponseTemplate::new(200).set_body_json(fields))
        .mount(&server)
        .await;
    let place =
        json!({ "Id": "7", "Client": { "Id": "12" }, "Location": { "Id": 34, "Name": "Main" } });
    Mock::given(method("GET"))
        .and(path("/cwa/api/v1/Computers/7"))
        .respond_with(ResponseTemplate::new(200).set_body_json(place))
        .mount(&server)
        .await;
    server
}

fn set(field: &str, value: &str) -> Set {
    Set { field: field.to_owned(), value: value.to_owned() }
}

/// Expects a field to be patched, once.
async fn patched(server: &MockServer, field: u32, at: &str, value: Value) {
    Mock::given(method("PATCH"))
        .and(path(format!("/cwa/api/v1/Computers/7/ExtraFields/{field}")))
        .and(body_json(json!([{ "op": "replace", "path": at, "value": value }])))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({})))
        .expect(1)
        .mount(server)
        .await;
}

const FIELDS: &str = r#"{ "enabled": true, "extra_fields": { "primary user": "primary_upn",
    "Onboarded": "onboarding", "Class": "class", "Locked": "serial" } }"#;

#[tokio::test]
async fn each_kind_of_extra_field_is_patched_by_its_own_path() {
    let server = server().await;
    patched(&server, 101, "/TextFieldSettings/Value", json!("ana@acme.com")).await;
    patched(&server, 102, "/CheckboxSettings/IsChecked", json!(true)).await;
    patched(&server, 103, "/DropdownSettings/SelectedValue", json!("Server")).await;
    let connector = build(&server.uri(), &serde_json::from_str(FIELDS).unwrap()).unwrap();
    let push = connector.push().unwrap();
    let there = push.read("7").await.unwrap();
    assert_eq!(there.value("primary user"), "old", "titles are found whatever their case");
    assert_eq!(there.value("Onboarded"), "false");
    let sets =
        [set("primary user", "ana@acme.com"), set("Onboarded", "true"), set("Class", "server")];
    push.write("7", &there, &sets).await.unwrap();
    for (field, value, word) in [
        ("Onboarded", "done", "true or false"),
        ("Class", "portable", "Server"),
        ("Locked", "x", "read-only"),
    ] {
        let error = push.write("7", &there, &[set(field, value)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Rejected);
        assert!(error.detail().contains(word), "{error}");
    }
}

#[tokio::test]
async fn a_field_that_automate_does_not_have_is_a_mistake_in_the_settings() {
    let server = server().await;
    let push = json!({ "enabled": true, "extra_fields": { "Nobody": "serial" } });
    let connector = build(&server.uri(), &push).unwrap();
    let error = connector.push().unwrap().read("7").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.detail().contains("Primary User, Onboarded"), "{error}");
}

#[tokio::test]
async fn a_computer_moves_to_a_location_of_its_own_client_and_to_no_other() {
    let server = server().await;
    let rows = json!([
        { "Id": 50, "Name": "Servers", "Client": { "Id": "99" } },
        { "Id": 35, "Name": "servers ", "Client": { "Id": "12" } },
    ]);
    Mock::given(method("GET"))
        .and(path("/cwa/api/v1/Locations"))
        .and(query_param("condition", "Client.Id = 12"))
        .respond_with(ResponseTemplate::new(200).set_body_json(rows))
        .mount(&server)
        .await;
    let answer = json!({ "SendToResults": [], "ContainsUnsuccessfulResults": false });
    let moved = json!({ "EntityType": 1, "TargetType": 2, "TargetId": 35, "EntityIds": [7] });
    Mock::given(method("POST"))
        .and(path("/cwa/api/v1/Batch/Commands/SendTo"))
        .and(body_json(moved))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .expect(1)
        .mount(&server)
        .await;
    let push =
        json!({ "enabled": true, "location": { "by": "class", "names": { "server": "Servers" } } });
    let connector = build(&server.uri(), &push).unwrap();
    let push = connector.push().unwrap();
    let there = push.read("7").await.unwrap();
    assert_eq!(there.value("Location"), "Main");
    push.write("7", &there, &[set("Location", "Servers")]).await.unwrap();
    let error = push.write("7", &there, &[set("Location", "Cellar")]).await.unwrap_err();
    assert!(error.detail().contains("client 12 has no location of that name"), "{error}");
}

#[tokio::test]
async fn a_move_that_is_refused_inside_a_200_is_an_error() {
    let server = server().await;
    let rows = json!([{ "Id": 35, "Name": "Servers", "Client": { "Id": "12" } }]);
    Mock::given(path("/cwa/api/v1/Locations"))
        .respond_with(ResponseTemplate::new(200).set_body_json(rows))
        .mount(&server)
        .await;
    let answer = json!({ "ContainsUnsuccessfulResults": true,
        "SendToResults": [{ "ResultDetails": { "Message": "not yours" } }] });
    Mock::given(path("/cwa/api/v1/Batch/Commands/SendTo"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let push =
        json!({ "enabled": true, "location": { "by": "class", "names": { "server": "Servers" } } });
    let connector = build(&server.uri(), &push).unwrap();
    let push = connector.push().unwrap();
    let there = push.read("7").await.unwrap();
    let error = push.write("7", &there, &[set("Location", "Servers")]).await.unwrap_err();
    assert!(error.detail().contains("not yours"), "{error}");
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_sent() {
    let at = "https://automate.example.com";
    assert!(build(at, &json!({})).unwrap().push().is_none());
    for (push, word) in [
        (json!({ "enabled": true }), "no field is named"),
        (json!({ "enabled": true, "extra_fields": { "x": "contact" } }), "contacts"),
        (json!({ "enabled": true, "extra_fields": { "location": "name" } }), "cannot be given"),
        (json!({ "enabled": true, "location": { "by": "class", "names": {} } }), "no location"),
    ] {
        let error = build(at, &push).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.detail().contains(word), "{error}");
    }
}
