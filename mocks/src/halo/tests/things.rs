//! Webhooks, tabs and the other things that the face keeps itself.

use serde_json::json;

use super::{Bench, json as body};

#[test]
fn events_of_a_webhook_are_dropped_and_bound_by_notifications() {
    let bench = Bench::new();
    let hook = json!([{ "name": "Linchpin", "type": 0, "url": "https://hub.example/webhooks/1",
                        "basic_password": "secret", "events": [{ "eventno": 3 }] }]);
    let hook = body(&bench.post("/api/Webhook", &hook));
    assert_eq!(hook["events"], json!([]));
    assert!(hook.get("basic_password").is_none());
    let id = hook["id"].as_str().unwrap();
    assert!(id.parse::<uuid::Uuid>().is_ok());
    let bind = json!([{ "guid": null, "eventno": 3, "name": "New ticket", "type": -2,
                        "delivery_method": 6, "webhook_id": id, "filter_type": 0, "conditions": [] }]);
    let bound = body(&bench.post("/api/Notification", &bind));
    assert_eq!(bound["id"], 1);
    assert_eq!(bench.get(&format!("/api/Webhook/{id}"))["events"][0]["eventno"], 3);
    assert_eq!(bench.get(&format!("/api/Notification?webhook_id={id}"))[0]["id"], 1);
    let update = body(&bench.post("/api/Webhook", &json!([{ "id": id, "active": false }])));
    assert_eq!((&update["active"], &update["name"]), (&json!(false), &json!("Linchpin")));
    assert_eq!(body(&bench.call("DELETE", &format!("/api/Webhook/{id}"), b"", None))["id"], id);
    assert_eq!(bench.get("/api/Webhook"), json!([]));
    assert_eq!(bench.get("/api/WebhookEvent")["events"], json!([]));
}

#[test]
fn a_webhook_needs_a_unique_name_and_a_url() {
    let bench = Bench::new();
    let post = |hook| bench.post("/api/Webhook", &json!([hook]));
    assert_eq!(post(json!({ "name": "A", "type": 1, "steps": [] })).status, 201);
    for (hook, message) in [
        (json!({ "name": "a", "type": 1 }), "Name must be unique"),
        (json!({ "name": " ", "type": 1 }), "Invalid Name"),
        (json!({ "name": "B", "type": 0, "url": "nowhere" }), "Please enter a valid URL"),
    ] {
        let reply = post(hook);
        assert_eq!((reply.status, &body(&reply)["Message"]), (400, &json!(message)));
    }
    assert_eq!(post(json!({ "id": uuid::Uuid::nil(), "name": "C" })).status, 404);
}

#[test]
fn tabs_and_buttons_are_kept() {
    let bench = Bench::new();
    let tab = json!([{ "name": "Linchpin", "tableid": 1, "type": 2, "new_iframe_secret": "s",
                       "url": "https://hub.example/technician/1/ticket/$FAULTID" }]);
    let tab = body(&bench.post("/api/Tabs", &tab));
    assert!(tab.get("new_iframe_secret").is_none() && tab["guid"].is_string());
    assert_eq!(super::ids(&bench.get("/api/Tabs?typeid=1")), [1]);
    assert_eq!(bench.get("/api/Tabs?typeid=2"), json!([]));
    let button =
        json!([{ "name": "Deploy", "label": "Deploy", "url": "https://hub.example/$FAULTID" }]);
    assert_eq!(bench.post("/api/CustomButton", &button).status, 201);
    assert_eq!(bench.status("DELETE", "/api/CustomButton/1"), 200);
    assert_eq!(bench.get("/api/CustomButton"), json!([]));
}

#[test]
fn a_report_fails_with_200_and_load_error() {
    let bench = Bench::new();
    let post = json!([{ "sql": "select * from AREA", "_testonly": true, "_loadreportonly": true }]);
    let reply = bench.post("/api/Report", &post);
    assert_eq!(reply.status, 200);
    assert!(body(&reply)["report"]["load_error"].is_string());
}

#[test]
fn users_that_changed_are_a_feed() {
    let bench = Bench::new();
    bench.post("/api/Users", &json!([{ "id": 105, "title": "x" }]));
    let since = (chrono::Utc::now() - chrono::Duration::minutes(5)).format("%Y-%m-%dT%H:%M:%S");
    let feed = bench.get(&format!(
        "/api/UserChange?pageinate=true&page_no=1&page_size=100&change_date={since}"
    ));
    assert_eq!((&feed["record_count"], &feed["changes"][0]["user_id"]), (&json!(1), &json!(105)));
}

#[test]
fn the_automate_integration_names_which_client_is_which() {
    let bench = Bench::new();
    let settings =
        bench.get("/api/Control?includeintegrationsettings=true&integrationmoduleid=215");
    let row = &settings["automate_sitemappings"][0];
    assert_eq!((&row["third_party_client_id"], &row["halo_client_id"]), (&json!("7"), &json!(12)));
}
