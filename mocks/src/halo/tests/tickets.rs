//! Tickets and actions.

use serde_json::json;

use super::{Bench, json as body};

#[test]
fn names_are_absent_from_rows_unless_asked_and_closed_is_true_or_omitted() {
    let bench = Bench::new();
    let list = bench.get("/api/Tickets");
    assert_eq!(super::ids(&list["tickets"]), [2_003, 2_002, 2_001], "newest first");
    let (closed, open) = (&list["tickets"][0], &list["tickets"][1]);
    assert_eq!(closed["hasbeenclosed"], true);
    assert!(open.get("hasbeenclosed").is_none() && open.get("dateclosed").is_none());
    for name in ["status_name", "agent_name", "tickettype_name", "priority_name"] {
        assert!(open.get(name).is_none(), "{name}");
    }
    let with = bench.get("/api/Tickets?includestatus=true&includeagent=true");
    assert_eq!(with["tickets"][0]["status_name"], "Closed");
    assert_eq!(bench.ids("/api/Tickets?open_only=true", "tickets"), [2_002, 2_001]);
    assert_eq!(bench.ids("/api/Tickets?closed_only=true", "tickets"), [2_003]);
    assert_eq!(bench.ids("/api/Tickets?ticketids=2001,2003,7", "tickets"), [2_003, 2_001]);
    let dated =
        "/api/Tickets?datesearch=dateoccured&startdate=2025-01-02T00:00:00&enddate=2025-01-03";
    assert_eq!(bench.ids(dated, "tickets"), [2_002]);
    let detail = bench.get("/api/Tickets/2001?includedetails=true");
    assert_eq!(super::ids(&detail["assets"]), [501]);
    assert_eq!(detail["contract_id"], 40);
}

#[test]
fn a_ticket_needs_a_summary_only() {
    let bench = Bench::new();
    let row = body(&bench.post("/api/Tickets", &json!([{ "summary": "Help" }])));
    assert_eq!(
        (&row["client_name"], &row["user_name"]),
        (&json!("Unknown"), &json!("General User"))
    );
    let alert = json!([{ "summary": "Disk", "details": "full", "site_id": 18, "assets": [{ "id": 501 }],
                         "tickettype_id": 21, "customfields": [{ "id": 5, "value": "x" }] }]);
    let row = body(&bench.post("/api/Tickets", &alert));
    assert_eq!((&row["client_id"], &row["tickettype_id"]), (&json!(12), &json!(21)));
    assert_eq!(super::ids(&row["assets"]), [501]);
    let id = row["id"].as_i64().unwrap();
    let list = bench.get(&format!("/api/Tickets?search_id={id}"));
    assert_eq!(
        (&list["tickets"][0]["tickettype_id"], &list["tickets"][0]["details"]),
        (&json!(21), &json!("full"))
    );
    assert_eq!(bench.post("/api/Tickets/Object", &json!({ "summary": "Bare" })).status, 201);
    assert_eq!(bench.ids("/api/Tickets?requesttype_id=21", "tickets"), [id]);
}

#[test]
fn deleting_a_ticket_is_soft_and_can_be_undone() {
    let bench = Bench::new();
    let reply = bench.call("DELETE", "/api/Tickets/2002?reason=test", b"", None);
    assert_eq!(body(&reply), json!({ "id": 2_002 }));
    assert_eq!(bench.ids("/api/Tickets", "tickets"), [2_003, 2_001]);
    assert_eq!(bench.ids("/api/Tickets?deleted=true", "tickets"), [2_002]);
    assert_eq!(bench.get("/api/Tickets/2002")["deleted"], true);
    let undo = json!([{ "id": 2_002, "_recover": true, "_validate_updates": true }]);
    assert_eq!(bench.post("/api/Tickets", &undo).status, 201);
    assert_eq!(bench.ids("/api/Tickets", "tickets"), [2_003, 2_002, 2_001]);
    assert!(bench.get("/api/Tickets/2002").get("deleted").is_none());
}

#[test]
fn the_id_of_an_action_counts_within_its_ticket() {
    let bench = Bench::new();
    let add = |ticket: i64| {
        let post = json!([{ "ticket_id": ticket, "outcome_id": 7, "note": "done", "hiddenfromuser": true }]);
        body(&bench.post("/api/Actions", &post))
    };
    assert_eq!(
        (&add(2_001)["id"], &add(2_001)["id"], &add(2_002)["id"]),
        (&json!(1), &json!(2), &json!(1))
    );
    let list = bench.get("/api/Actions?ticket_id=2001&excludesys=true&includehtmlnote=true");
    assert_eq!((&list["ticket_id"], &list["record_count"]), (&json!(2_001), &json!(2)));
    assert_eq!(list["actions"][0]["outcome"], "Private Note");
    assert_eq!(list["actions"][0]["note_html"], "<p>done</p>");
    assert_eq!(bench.get("/api/Actions/1?ticket_id=2002")["ticket_id"], 2_002);
    assert_eq!(bench.get("/api/Actions?ticket_id=2001&excludeprivate=true")["record_count"], 0);
    let delete = bench.call("DELETE", "/api/Actions/1", b"", None);
    assert_eq!(body(&delete)["Message"], "ticket_id must be included when deleting an Action");
    assert_eq!(bench.call("DELETE", "/api/Actions/1?ticket_id=2001", b"", None).status, 200);
    assert_eq!(bench.status("GET", "/api/Actions/1?ticket_id=2001"), 404);
}

#[test]
fn an_action_needs_an_outcome_and_a_ticket() {
    let bench = Bench::new();
    for (post, message) in [
        (
            json!([{ "ticket_id": 2_001, "note": "x" }]),
            "An Outcome must be entered for this Action",
        ),
        (json!([{ "outcome_id": 7 }]), "An Action must be associated with a ticket_id"),
    ] {
        let reply = bench.post("/api/Actions", &post);
        assert_eq!((reply.status, &body(&reply)["Message"]), (400, &json!(message)));
    }
    let reply = bench.post("/api/Actions", &json!([{ "ticket_id": 2_001, "outcome_id": "seven" }]));
    assert!(body(&reply)["[0].outcome_id"][0].as_str().unwrap().contains("Could not convert"));
    assert_eq!(
        bench.post("/api/Actions", &json!([{ "ticket_id": 9, "outcome": "x" }])).status,
        404
    );
}

#[test]
fn an_action_touches_its_ticket_and_may_close_it() {
    let bench = Bench::new();
    let before = bench.world.read().unwrap().version;
    let close = json!([{ "ticket_id": 2_001, "outcome": "Closed", "new_status": 9 }]);
    let action = body(&bench.post("/api/Actions", &close));
    assert_eq!((&action["old_status"], &action["new_status_name"]), (&json!(1), &json!("Closed")));
    assert_eq!(bench.get("/api/Tickets/2001")["status_id"], 9);
    assert!(bench.world.read().unwrap().version > before);
}

#[test]
fn actions_without_a_ticket_are_at_most_one_day() {
    let bench = Bench::new();
    bench.post("/api/Actions", &json!([{ "ticket_id": 2_001, "outcome_id": 7 }]));
    let span = |hours: i64| {
        let to = chrono::Utc::now() + chrono::Duration::minutes(5);
        let from = to - chrono::Duration::hours(hours);
        let text = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        bench.get(&format!("/api/Actions?startdate={}&enddate={}", text(from), text(to)))
    };
    assert_eq!(span(23)["record_count"], 1);
    assert_eq!(span(48)["record_count"], 0);
    assert_eq!(bench.get("/api/Actions")["actions"], json!([]));
}
