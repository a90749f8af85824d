//! Creating, merging and removing.

use serde_json::{Value, json};

use super::{Bench, json as body};

#[test]
fn one_element_is_answered_by_one_object_and_201() {
    let bench = Bench::new();
    let new = json!([{
        "firstname": "Bo", "surname": "New", "name": "Bo New", "emailaddress": "bo@zeta.example",
        "client_id": 12, "site_id": 18, "phonenumber": "555",
    }]);
    let reply = bench.post("/api/Users", &new);
    assert_eq!(reply.status, 201);
    let row = body(&reply);
    assert!(row.is_object());
    let id = row["id"].as_i64().unwrap();
    let read = bench.get(&format!("/api/Users/{id}"));
    assert_eq!(
        (&read["emailaddress"], &read["phonenumber"]),
        (&json!("bo@zeta.example"), &json!("555"))
    );
    assert_eq!(bench.ids("/api/Users?search=bo+new", "users"), [id]);
    assert!(bench.world.read().unwrap().halo.users.iter().any(|u| u.id == id));
}

#[test]
fn several_elements_are_answered_by_the_last_unless_all_are_wanted() {
    let bench = Bench::new();
    let two = json!([{ "id": 501, "criticality": 1 }, { "id": 502, "criticality": 2 }]);
    assert_eq!(body(&bench.post("/api/Asset", &two))["id"], 502);
    assert_eq!(super::ids(&body(&bench.post("/api/Asset?returnall=true", &two))), [501, 502]);
}

#[test]
fn an_update_merges_and_stamps_and_moves_no_other_row() {
    let bench = Bench::new();
    let before = bench.world.read().unwrap().version;
    let reply = bench.post("/api/Users", &json!([{ "id": 100, "title": "Boss" }]));
    let row = body(&reply);
    assert_eq!((&row["title"], &row["login"]), (&json!("Boss"), &json!("ann@zeta.example")));
    let world = bench.world.read().unwrap();
    assert!(world.version > before);
    let user = world.halo.users.iter().find(|u| u.id == 100).unwrap();
    assert_eq!(user.mark.changed, world.version);
    assert!(world.now() - user.mark.modified < chrono::Duration::seconds(60));
    drop(world);
    let since = (chrono::Utc::now() - chrono::Duration::minutes(5)).format("%Y-%m-%dT%H:%M:%SZ");
    assert_eq!(bench.ids(&format!("/api/Users?lastupdatefromdate={since}"), "users"), [100]);
}

#[test]
fn ids_may_be_text_but_95_0_is_no_number() {
    let bench = Bench::new();
    let text = json!([{ "id": "501", "inventory_number": "NEW-TAG" }]);
    assert_eq!(body(&bench.post("/api/Asset", &text))["inventory_number"], "NEW-TAG");
    for bad in [json!("95.0"), json!(95.0), json!("probe")] {
        let reply =
            bench.post("/api/Asset", &json!([{ "id": 502, "criticality": 5 }, { "id": bad }]));
        assert_eq!(reply.status, 400);
        let error = body(&reply);
        let message = error["[1].id"][0].as_str().unwrap();
        assert!(message.starts_with("Could not convert string to integer:"), "{message}");
        assert!(message.contains("Path '[1].id', line 1, position"), "{message}");
    }
    assert_eq!(bench.get("/api/Asset/502")["criticality"], 0, "nothing of a bad body is saved");
}

#[test]
fn the_site_of_a_user_may_be_a_double() {
    let bench = Bench::new();
    let row = body(&bench.post("/api/Users", &json!([{ "id": 100, "site_id": 19.0 }])));
    assert_eq!(row["site_id_int"], 19);
    assert_eq!(bench.post("/api/Asset", &json!([{ "id": 501, "site_id": 19.0 }])).status, 400);
}

#[test]
fn an_unknown_id_is_404_and_a_bare_object_400() {
    let bench = Bench::new();
    let reply = bench.post("/api/Asset", &json!([{ "id": 99, "inactive": true }]));
    assert_eq!((reply.status, reply.body.len()), (404, 0));
    assert_eq!(bench.post("/api/Asset", &json!({ "id": 501 })).status, 400);
    assert_eq!(bench.post("/api/Report", &json!({ "sql": "select 1" })).status, 400);
}

#[test]
fn another_content_type_is_415() {
    let bench = Bench::new();
    let text = br#"[{"id":501,"criticality":3}]"#;
    for kind in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        assert_eq!(bench.call("POST", "/api/Asset", text, kind).status, 415, "{kind:?}");
    }
    for kind in [
        "application/json; charset=utf-8",
        "text/json",
        "application/json-patch+json",
        "application/vnd.x+json",
    ] {
        assert_eq!(bench.call("POST", "/api/Asset", text, Some(kind)).status, 201, "{kind}");
    }
}

#[test]
fn the_users_of_an_asset_are_replaced_as_a_set() {
    let bench = Bench::new();
    let row = body(
        &bench
            .post("/api/Asset", &json!([{ "id": 501, "users": [{ "id": 101 }, { "id": "102" }] }])),
    );
    assert_eq!(super::ids(&row["users"]), [101, 102]);
    assert!(bench.ids("/api/Asset?user_id=100", "assets").is_empty());
    assert_eq!(bench.ids("/api/Asset?user_id=102", "assets"), [501]);
    bench.post("/api/Asset", &json!([{ "id": 501, "criticality": 1 }]));
    assert_eq!(bench.ids("/api/Asset?user_id=102", "assets"), [501], "absent leaves them");
    let log = bench.get("/api/AssetChange?asset_id=501");
    assert_eq!(log["changehistory"][0]["new_value"], "101,102");
    assert_eq!(bench.get("/api/AssetChange")["record_count"], 0);
}

#[test]
fn posted_lines_take_the_place_of_all_lines() {
    let bench = Bench::new();
    let all = json!([{ "id": 70, "lines": [{ "id": 700 }, { "id": 701, "qty_order": 9 }] }]);
    let row = body(&bench.post("/api/RecurringInvoice", &all));
    assert_eq!(row["lines"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&row["lines"][1]["qty_order"], &row["lines"][1]["unit_price"]),
        (&json!(9.0), &json!(10.0))
    );
    assert_eq!(row["client_id"], 12);
    let one = json!([{ "id": 70, "lines": [{ "_itemid": 60, "qty_order": 1 }, { "id": 701 }] }]);
    let row = body(&bench.post("/api/RecurringInvoice", &one));
    assert_eq!(super::ids(&row["lines"]), [712, 701]);
    let negative = json!([{ "id": -71, "disabled": true }]);
    assert_eq!(body(&bench.post("/api/RecurringInvoice", &negative))["disabled"], true);
    let line =
        body(&bench.post("/api/RecurringInvoice/Lines", &json!([{ "id": 701, "qty_order": 3 }])));
    assert_eq!((&line["id"], &line["qty_order"]), (&json!(701), &json!(3.0)));
}

#[test]
fn asset_fields_are_made_unless_forbidden() {
    let bench = Bench::new();
    let field = |row: &Value, name: &str| {
        let fields = row["fields"].as_array().cloned().unwrap_or_default();
        fields.into_iter().find(|f| f["name"] == name).map(|f| f["value"].clone())
    };
    let post = json!([{ "id": 501, "fields": [
        { "id": "101", "value": "SN-NEW" }, { "name": "Linchpin UUID", "value": "4c4c" },
    ] }]);
    let row = body(&bench.post("/api/Asset", &post));
    assert_eq!(row["key_field"], "SN-NEW");
    assert_eq!(field(&row, "Serial Number"), Some(json!("SN-NEW")));
    assert_eq!(field(&row, "Linchpin UUID"), Some(json!("4c4c")));
    let post = json!([{ "id": 502, "_dontaddnewfields": true, "fields": [{ "name": "Other", "value": "x" }] }]);
    assert_eq!(field(&body(&bench.post("/api/Asset", &post)), "Other"), None);
}

#[test]
fn an_asset_needs_a_type_and_a_place() {
    let bench = Bench::new();
    let row = body(&bench.post("/api/Asset", &json!([{ "assettype_id": "121", "client_id": 12 }])));
    assert_eq!((&row["site_id"], &row["assettype_id"]), (&json!(18), &json!(121)));
    let reply = bench.post("/api/Asset", &json!([{ "client_id": 12 }]));
    assert_eq!(reply.status, 400);
    let error = body(&reply);
    assert_eq!(error["ClassName"], "System.Exception");
    assert!(error["Message"].as_str().unwrap().starts_with("A database error occurred (515)"));
    assert!(error["StackTraceString"].is_null());
}

#[test]
fn a_new_client_gets_a_site_and_a_general_user() {
    let bench = Bench::new();
    let row = body(&bench.post(
        "/api/Client",
        &json!([{ "name": "Fresh Ltd", "newclient_sitename": "HQ", "notes": "hi" }]),
    ));
    let id = row["id"].as_i64().unwrap();
    assert_eq!((&row["main_site_name"], &row["notes"]), (&json!("HQ"), &json!("hi")));
    let users = bench.get(&format!("/api/Users?client_id={id}"));
    assert_eq!(users["users"][0]["name"], "General User");
    assert_eq!(bench.get("/api/Client?search=fresh")["clients"][0]["notes"], "hi");
}

#[test]
fn deleting_answers_the_id_and_then_the_row_is_gone() {
    let bench = Bench::new();
    let reply = bench.call("DELETE", "/api/Asset/501", b"", None);
    assert_eq!((reply.status, body(&reply)), (200, json!({ "id": 501 })));
    assert_eq!(bench.status("GET", "/api/Asset/501"), 404);
    assert_eq!(bench.status("DELETE", "/api/Asset/501"), 404);
    assert!(!bench.ids("/api/Asset?count=500&includeinactive=true", "assets").contains(&501));
    let world = bench.world.read().unwrap();
    let row = world.halo.assets.iter().find(|a| a.id == 501).unwrap();
    assert_eq!(row.mark.gone, Some(world.version));
}

#[test]
fn contracts_take_dates_and_sentinels() {
    let bench = Bench::new();
    let post = json!([{ "id": 41, "start_date": "2026-05-01T00:00:00.000Z", "end_date": "1901-01-01T00:00:00" }]);
    let row = body(&bench.post("/api/ClientContract", &post));
    assert_eq!(row["start_date"], "2026-05-01T00:00:00");
    assert_eq!(row["end_date"], "1899-12-30T00:00:00", "unset, as this row prints it");
    let post = json!([{ "id": 41, "assets": [{ "id": 503 }], "active": false }]);
    assert_eq!(super::ids(&body(&bench.post("/api/ClientContract", &post))["assets"]), [503]);
    assert_eq!(bench.ids("/api/ClientContract?order=id", "contracts"), [40, 43]);
}

#[test]
fn an_external_link_carries_a_foreign_id_and_finds_the_row_again() {
    let bench = Bench::new();
    let post = json!([{ "id": 501, "new_external_link": { "module_id": 999, "third_party_id": "uuid-1" } }]);
    let row = body(&bench.post("/api/Asset", &post));
    assert_eq!(row["external_links"][0]["third_party_id"], "uuid-1");
    let links = bench.get("/api/ExternalLink?table_id=5&module_id=999&third_party_id=uuid-1");
    assert_eq!(links[0]["halo_id"], 501);
    let upsert = |theirs: &str| {
        json!([{ "_match_thirdparty_id": theirs, "_match_integration_id": 999,
                 "assettype_id": 121, "client_id": 12, "inventory_number": "UP" }])
    };
    assert_eq!(body(&bench.post("/api/Asset", &upsert("uuid-1")))["id"], 501);
    let new = body(&bench.post("/api/Asset", &upsert("uuid-2")))["id"].clone();
    assert_ne!(new, 501);
    assert_eq!(body(&bench.post("/api/Asset", &upsert("uuid-2")))["id"], new);
}

#[test]
fn custom_fields_merge_one_by_one() {
    let bench = Bench::new();
    bench.post("/api/Client", &json!([{ "id": 12, "customfields": [{ "id": 1, "value": "a" }, { "name": "CFtwo", "value": 2 }] }]));
    let row =
        body(&bench.post(
            "/api/Client",
            &json!([{ "id": 12, "customfields": [{ "id": 1, "value": "b" }] }]),
        ));
    assert_eq!(
        row["customfields"],
        json!([{ "id": 1, "value": "b" }, { "name": "CFtwo", "value": 2 }])
    );
}
