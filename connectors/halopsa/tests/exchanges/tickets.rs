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

const MARK: &str = "https://hub.example/technician/halo/ticket/7";

/// A ticket with these actions; what is saved is answered as Halo answers one element.
async fn with_actions(actions: serde_json::Value) -> wiremock::MockServer {
    let server = halo().await;
    let listing = json!({ "ticket_id": 7, "record_count": 1, "actions": actions });
    on(&server, "/api/Actions", answer(&listing)).await;
    wiremock::Mock::given(wiremock::matchers::method("POST"))
        .and(wiremock::matchers::path("/api/Actions"))
        .respond_with(ResponseTemplate::new(201).set_body_json(json!({ "id": 3, "ticket_id": 7 })))
        .mount(&server)
        .await;
    server
}

async fn saved(server: &wiremock::MockServer) -> Vec<serde_json::Value> {
    let requests = server.received_requests().await.unwrap_or_default();
    let posts = requests
        .iter()
        .filter(|one| one.method.as_str() == "POST" && one.url.path() == "/api/Actions");
    posts.filter_map(|one| serde_json::from_slice(&one.body).ok()).collect()
}

async fn note(server: &wiremock::MockServer, html: &str) -> core_connector::Result<()> {
    let halo = connect(server, &json!({}));
    let note = core_connector::Note { mark: MARK, html };
    match halo.tickets() {
        Some(tickets) => tickets.note("0000007", &note).await,
        None => Ok(()),
    }
}

#[tokio::test]
async fn a_note_is_private_and_sends_no_mail() {
    let server = with_actions(json!([{ "id": 1, "note": "somebody else's" }])).await;
    note(&server, &format!("<p>{MARK}</p>")).await.unwrap();
    let saved = saved(&server).await;
    assert_eq!(saved.len(), 1);
    let action = &saved[0][0];
    assert_eq!(action["ticket_id"], 7);
    assert_eq!(action["outcome_id"], 7, "the built-in private note");
    assert_eq!((&action["hiddenfromuser"], &action["sendemail"]), (&json!(true), &json!(false)));
    assert!(action.get("id").is_none(), "{action}");
    let query = &asked(&server, "/api/Actions").await[0];
    assert!(query.contains(&("ticket_id".into(), "7".into())));
}

#[tokio::test]
async fn a_note_is_found_by_its_mark_and_replaced_and_the_same_is_not_sent_again() {
    let old = format!("<p>old</p><p>{MARK}</p>");
    let actions = json!([{ "id": 2.0, "note_html": old }, { "id": 1, "note": "else" }]);
    let server = with_actions(actions).await;
    note(&server, &old).await.unwrap();
    assert!(saved(&server).await.is_empty());
    note(&server, &format!("<p>new</p><p>{MARK}</p>")).await.unwrap();
    let saved = saved(&server).await;
    assert_eq!((saved.len(), &saved[0][0]["id"]), (1, &json!(2)));
}
