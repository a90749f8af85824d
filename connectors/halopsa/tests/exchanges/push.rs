//! Writing assets.

use core_connector::{ErrorKind, Found, NewObject, Set};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{answer, asked, connect, halo, on};

fn settings() -> Value {
    json!({ "push": {
        "enabled": true,
        "properties": ["user", "name", "serial", "automate_id", "control_id", "intune_id"],
        "fields": { "SMBIOS UUID": "uuid" },
        "create": { "portable": "laptop" },
    } })
}

/// An asset in full, with its ids in every spelling there is.
fn asset() -> Value {
    json!({ "id": 4711.0, "inventory_number": "PC-042", "assettype_name": "Laptop",
        "users": [{ "id": 61.0, "name": "Ben Old" }, { "id": "7", "name": "Cara" }],
        "automate_id": 0, "connectwisecontrolid": "",
        "fields": [{ "id": "101", "name": "Service Tag", "value": "3B5RKN2" },
                   { "id": 105.0, "name": "SMBIOS UUID" }] })
}

async fn saves(server: &MockServer, body: Value, reply: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path("/api/Asset"))
        .and(body_json(body))
        .respond_with(reply)
        .expect(1)
        .mount(server)
        .await;
}

fn set(field: &str, value: &str) -> Set {
    Set { field: field.to_owned(), value: value.to_owned() }
}

fn saved(id: &Value) -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(json!({ "id": id }))
}

fn new_object() -> NewObject {
    NewObject {
        computer: "cmp_1".to_owned(),
        name: "PC-042".to_owned(),
        client: "12".to_owned(),
        class: "portable".to_owned(),
        values: [("serial", "3B5RKN2"), ("user", "34"), ("automate_id", "5")]
            .map(|(field, value)| (field.to_owned(), value.to_owned()))
            .into(),
    }
}

#[tokio::test]
async fn an_asset_is_read_whatever_its_ids_look_like() {
    let server = halo().await;
    on(&server, "/api/Asset/4711", answer(&asset())).await;
    let connector = connect(&server, &settings());
    let there = connector.push().unwrap().read("4711").await.unwrap();
    assert_eq!(there.value("user"), "7,61");
    assert_eq!(there.labels["user"], "Ben Old, Cara");
    assert_eq!(there.value("serial"), "3B5RKN2", "the field is called so by its type");
    assert_eq!(there.value("automate_id"), "", "zero is none");
    assert_eq!(there.value("SMBIOS UUID"), "");
    let query = &asked(&server, "/api/Asset/4711").await[0];
    assert!(query.contains(&("includedetails".into(), "true".into())));
}

#[tokio::test]
async fn a_save_is_an_array_of_what_differs_and_users_take_the_place_of_users() {
    let server = halo().await;
    on(&server, "/api/Asset/4711", answer(&asset())).await;
    let body = json!([{ "id": 4711, "users": [{ "id": 34 }], "automate_id": 5,
        "connectwisecontrolid": "c1", "_dontaddnewfields": true,
        "fields": [{ "id": "105", "value": "4c4c" }] }]);
    saves(&server, body, saved(&json!(4711.0))).await;
    let connector = connect(&server, &settings());
    let push = connector.push().unwrap();
    let there = push.read("4711").await.unwrap();
    let sets = [
        set("user", "34"),
        set("automate_id", "5"),
        set("control_id", "c1"),
        set("SMBIOS UUID", "4c4c"),
    ];
    push.write("4711", &there, &sets).await.unwrap();
}

#[tokio::test]
async fn nobody_is_an_empty_set_and_no_id_is_null() {
    let server = halo().await;
    on(&server, "/api/Asset/4711", answer(&asset())).await;
    let body = json!([{ "id": 4711, "users": [], "automate_id": null }]);
    saves(&server, body, saved(&json!("4711"))).await;
    let connector = connect(&server, &settings());
    let push = connector.push().unwrap();
    let there = push.read("4711").await.unwrap();
    push.write("4711", &there, &[set("user", ""), set("automate_id", "")]).await.unwrap();
}

#[tokio::test]
async fn a_field_that_the_type_does_not_have_is_refused_and_never_invented() {
    let server = halo().await;
    let bare = json!({ "id": 4711, "assettype_name": "Laptop", "fields": [] });
    on(&server, "/api/Asset/4711", answer(&bare)).await;
    let connector = connect(&server, &settings());
    let push = connector.push().unwrap();
    let there = push.read("4711").await.unwrap();
    let error = push.write("4711", &there, &[set("SMBIOS UUID", "x")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.detail().contains("type `Laptop` have no field for `SMBIOS UUID`"), "{error}");
}

async fn nothing_there(server: &MockServer) {
    on(server, "/api/ExternalLink", answer(&json!([]))).await;
    on(server, "/api/Asset", answer(&json!({ "record_count": 0, "assets": [] }))).await;
}

#[tokio::test]
async fn a_new_asset_carries_the_link_by_which_it_is_found_again() {
    let server = halo().await;
    nothing_there(&server).await;
    let types = json!([{ "id": "122", "name": "Laptop",
        "fields": [{ "field_id": 101.0, "field_name": "Serial Number" }] }]);
    on(&server, "/api/AssetType", answer(&types)).await;
    let body = json!([{ "assettype_id": 122, "client_id": 12, "inventory_number": "PC-042",
        "users": [{ "id": 34 }], "automate_id": 5, "_dontaddnewfields": true,
        "fields": [{ "id": "101", "value": "3B5RKN2" }],
        "new_external_link": { "module_id": 7411, "integration_name": "Linchpin",
            "third_party_id": "cmp_1", "third_party_desc": "PC-042" } }]);
    // Some releases answer with the array.
    let reply = ResponseTemplate::new(200).set_body_json(json!([{ "id": 900.0 }]));
    saves(&server, body, reply).await;
    let connector = connect(&server, &settings());
    let push = connector.push().unwrap();
    let new = new_object();
    assert!(push.makes("portable") && !push.makes("server"));
    assert_eq!(push.find(&new).await.unwrap(), Found::Nothing);
    assert_eq!(push.create(&new).await.unwrap(), "900");
}

#[tokio::test]
async fn what_was_made_is_found_by_its_link_and_by_nobody_elses() {
    let server = halo().await;
    let link = |id: i64, of: &str, module: i64| {
        json!({ "table_id": 5, "module_id": module, "halo_id": id, "third_party_id": of,
            "integration_name": "Linchpin" })
    };
    // A filter that Halo does not know is ignored: everybody's links come.
    let links = json!([link(1, "cmp_2", 7411), link(2, "cmp_1", 9), link(900, "cmp_1", 7411)]);
    on(&server, "/api/ExternalLink", answer(&links)).await;
    let connector = connect(&server, &settings());
    let found = connector.push().unwrap().find(&new_object()).await.unwrap();
    assert_eq!(found, Found::Ours("900".to_owned()));
}

#[tokio::test]
async fn an_asset_of_the_client_with_its_serial_is_the_same_and_one_of_its_name_may_be() {
    for (rows, expected) in [
        (json!([{ "id": 1, "client_id": 12, "key_field2": "3b5rkn2" }]), Found::Same("1".into())),
        (json!([{ "id": 1, "client_id": 12, "automate_id": "5" }]), Found::Same("1".into())),
        (json!([{ "id": 1, "client_id": 13, "key_field": "3B5RKN2" }]), Found::Nothing),
        (
            json!([{ "id": 1, "client_id": 12.0, "inventory_number": "pc-042" }]),
            Found::Alike("1".into()),
        ),
        (json!([{ "id": 1, "client_id": 12, "inventory_number": "PC-0421" }]), Found::Nothing),
    ] {
        let server = halo().await;
        on(&server, "/api/ExternalLink", ResponseTemplate::new(403)).await;
        on(&server, "/api/Asset", answer(&json!({ "record_count": 1, "assets": rows }))).await;
        let connector = connect(&server, &settings());
        assert_eq!(
            connector.push().unwrap().find(&new_object()).await.unwrap(),
            expected,
            "{rows}"
        );
    }
}

#[tokio::test]
async fn a_save_that_is_forbidden_names_the_scope_and_a_create_is_never_sent_twice() {
    let server = halo().await;
    on(&server, "/api/Asset/4711", answer(&asset())).await;
    let types = json!([{ "id": 122, "name": "Laptop",
        "fields": [{ "field_id": 101, "field_name": "Serial Number" }] }]);
    on(&server, "/api/AssetType", answer(&types)).await;
    Mock::given(method("POST"))
        .and(path("/api/Asset"))
        .respond_with(ResponseTemplate::new(503))
        .expect(1)
        .mount(&server)
        .await;
    let connector = connect(&server, &settings());
    let error = connector.push().unwrap().create(&new_object()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);

    let server = halo().await;
    on(&server, "/api/Asset/4711", answer(&asset())).await;
    Mock::given(method("POST"))
        .and(path("/api/Asset"))
        .respond_with(ResponseTemplate::new(403))
        .mount(&server)
        .await;
    let connector = connect(&server, &settings());
    let push = connector.push().unwrap();
    let there = push.read("4711").await.unwrap();
    let error = push.write("4711", &there, &[set("user", "34")]).await.unwrap_err();
    assert!(error.remedy().contains("edit:assets"), "{}", error.remedy());
}
