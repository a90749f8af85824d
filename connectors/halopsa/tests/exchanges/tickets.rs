//! Looking up tickets.

use core_connector::{ErrorKind, Ticket};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{answer, asked, connect, halo, on};

#[tokio::test]
async fn a_ticket_says_whose_it_is_and_which_machines_it_is_about() {
    let server = halo().await;
    let row = json!({"id": 4242, "summary": "Reader will not start", "client_id": 12,
        "site_id": 18, "user_id": 61.0, "assets": [{"id": 7001}, {"id": 0}]});
    on(&server, "/api/Tickets/4242", answer(&row)).await;
    let halo = connect(&server, &json!({}));
    let ticket = halo.tickets().unwrap().ticket("0004242").await.unwrap();
    let expected = Ticket {
        key: "4242".into(),
        summary: "Reader will not start".into(),
        client: Some("12".into()),
        contact: Some("61".into()),
        assets: vec!["7001".into()],
        closed: false,
    };
    assert_eq!(ticket, expected);
    let query = &asked(&server, "/api/Tickets/4242").await[0];
    assert!(query.contains(&("includedetails".into(), "true".into())));
}

#[tokio::test]
async fn the_id_in_the_url_is_a_hint_and_nothing_more() {
    let server = halo().await;
    on(&server, "/api/Tickets/1", ResponseTemplate::new(404)).await;
    on(&server, "/api/Tickets/2", answer(&json!({"id": 2, "deleted": true}))).await;
    on(&server, "/api/Tickets/3", answer(&json!({"id": 4}))).await;
    let halo = connect(&server, &json!({}));
    let tickets = halo.tickets().unwrap();
    for (key, kind) in [
        ("1", ErrorKind::NotFound),
        ("2", ErrorKind::NotFound),
        ("3", ErrorKind::Protocol),
        ("$FAULTID", ErrorKind::Rejected),
        ("../Client/1", ErrorKind::Rejected),
        ("-1", ErrorKind::Rejected),
    ] {
        assert_eq!(tickets.ticket(key).await.unwrap_err().kind(), kind, "{key}");
    }
}
