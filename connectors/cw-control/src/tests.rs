//! Exchanges with a server that answers as Control does, traps included.

use std::time::Duration;

use core_connector::conformance;
use core_connector::{
    Connector, ErrorKind, Factory, Page, Proof, Registry, Resume, Scope, Script, ScriptHandle,
    ScriptOutcome, Shell,
};
use core_model::RecordKind;
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::Control;

const SERVICE: &str = "/App_Extensions/2d558935-686a-4bd0-9991-07539f5fe749/Service.ashx";
const SESSION: &str = include_str!("../fixtures/session.json");
const ID: &str = "11111111-2222-3333-4444-5555555555aa";

fn connect(server: &MockServer, change: &Value) -> Box<dyn Connector> {
    let mut settings = json!({
        "url": server.uri(),
        "secret": "s3cret",
        "http": { "backoff_ms": 1, "attempts": 3 },
    });
    for (name, value) in change.as_object().unwrap() {
        settings[name] = value.clone();
    }
    Control::build(serde_json::from_value(settings).unwrap()).unwrap()
}

fn session(number: u32, client: &str) -> Value {
    let mut session: Value = serde_json::from_str(SESSION).unwrap();
    session["SessionID"] = format!("11111111-2222-3333-4444-{number:012X}").into();
    session["CustomPropertyValues"][0] = client.into();
    session
}

fn json_answer(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

async fn answer(server: &MockServer, name: &str, answer: ResponseTemplate) {
    Mock::given(method("POST"))
        .and(path(format!("{SERVICE}/{name}")))
        .and(header("ctrlauthheader", "s3cret"))
        .and(header("origin", server.uri().as_str()))
        .and(header("content-type", "application/json"))
        .respond_with(answer)
        .mount(server)
        .await;
}

async fn page(connector: &dyn Connector) -> core_connector::Result<Page> {
    connector.streams()[0].source.page(&Scope::whole(), Resume::Start).await
}

fn keys(page: &Page, kind: RecordKind) -> Vec<&str> {
    let of_kind = page.records.iter().filter(|record| record.facts.kind() == kind);
    of_kind.map(|record| record.key.as_str()).collect()
}

#[tokio::test]
async fn the_connector_holds_the_contract() {
    let server = MockServer::start().await;
    let all = (1..50).map(|n| session(n, if n % 2 == 0 { "Acme" } else { "Contoso" })).collect();
    answer(&server, "GetSessionsByFilter", json_answer(&all)).await;
    let connector = connect(&server, &json!({"site_property": 2}));
    assert_eq!(conformance::run(&*connector).await.unwrap(), []);
}

#[tokio::test]
async fn the_readme_names_every_stream_and_permission() {
    let registry = Registry::default().with::<Control>();
    let schema = registry.kind("cw-control").unwrap().schema();
    assert_eq!(schema.pointer("/properties/secret/x-linchpin-secret"), Some(&Value::Bool(true)));
    let readme = include_str!("../README.md");
    for stream in Control::STREAMS {
        assert!(readme.contains(&format!("`{}`", stream.name)), "{}", stream.name);
    }
    for permission in Control::PERMISSIONS {
        assert!(readme.contains(permission.name), "{}", permission.name);
    }
}

#[tokio::test]
async fn one_answer_holds_customers_and_agents() {
    let server = MockServer::start().await;
    let mut ended = session(4, "Gone");
    ended["IsEnded"] = true.into();
    let mut support = session(5, "Support");
    support["SessionType"] = "Support".into();
    let mut bad = session(6, "Bad");
    bad["LastGuestConnectedEventTime"] = "yesterday".into();
    let all =
        json!([session(1, "Acme"), session(2, " Acme "), session(3, ""), ended, support, bad]);
    Mock::given(path(format!("{SERVICE}/GetSessionsByFilter")))
        .and(body_json(json!(["SessionType = 'Access'"])))
        .respond_with(json_answer(&all))
        .expect(1)
        .mount(&server)
        .await;
    let page = page(&*connect(&server, &json!({}))).await.unwrap();
    assert_eq!(keys(&page, RecordKind::Client), ["Acme"]);
    assert_eq!(keys(&page, RecordKind::Agent).len(), 3);
    assert_eq!(page.rejected.len(), 1);
    assert_eq!(page.rejected[0].path, "$.LastGuestConnectedEventTime");
    assert_eq!(page.rejected[0].key.as_deref(), Some("11111111-2222-3333-4444-000000000006"));
    assert_eq!((page.is_last(), page.checkpoint), (true, None));
}

#[tokio::test]
async fn an_empty_session_list_is_asked_for_twice() {
    let server = MockServer::start().await;
    let list = format!("{SERVICE}/GetSessionsByFilter");
    Mock::given(path(list.as_str()))
        .respond_with(json_answer(&json!([])))
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
    let second = json_answer(&json!([session(1, "Acme")]));
    Mock::given(path(list.as_str())).respond_with(second).expect(1).mount(&server).await;
    let page = page(&*connect(&server, &json!({}))).await.unwrap();
    assert_eq!(keys(&page, RecordKind::Agent).len(), 1);
}

#[tokio::test]
async fn a_list_that_is_empty_twice_is_empty() {
    let server = MockServer::start().await;
    Mock::given(path(format!("{SERVICE}/GetSessionsByFilter")))
        .respond_with(json_answer(&json!([])))
        .expect(2)
        .mount(&server)
        .await;
    let page = page(&*connect(&server, &json!({}))).await.unwrap();
    assert!(page.records.is_empty());
    assert_eq!(page.proof, Proof::Ended { how: "the list was empty twice" });
}

#[tokio::test]
async fn what_is_no_whole_list_is_no_end() {
    let cut = format!("[{SESSION},{}", &SESSION[..SESSION.len() / 2]);
    for body in [r#"{"errorType":"X","message":"busy"}"#, "null", "<html>", "", &*cut] {
        let server = MockServer::start().await;
        let all = ResponseTemplate::new(200).set_body_string(body);
        answer(&server, "GetSessionsByFilter", all).await;
        let error = page(&*connect(&server, &json!({}))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{body}");
        assert_eq!(server.received_requests().await.unwrap().len(), 3, "asked again: {body}");
    }
}

#[tokio::test]
async fn a_refusal_names_the_setting_and_never_the_secret() {
    for (status, kind, setting) in [
        (401, ErrorKind::Auth, "`secret`"),
        (403, ErrorKind::Config, "`origin`"),
        (404, ErrorKind::Config, "RESTful API Manager"),
    ] {
        let server = MockServer::start().await;
        answer(&server, "GetSessionsByFilter", ResponseTemplate::new(status)).await;
        let error = connect(&server, &json!({})).check().await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.remedy().contains(setting), "{}", error.remedy());
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn the_check_costs_the_server_nothing_and_tells_the_version() {
    let server = MockServer::start().await;
    let nobody = json!(["SessionID = '00000000-0000-0000-0000-000000000000'"]);
    Mock::given(path(format!("{SERVICE}/GetSessionsByFilter")))
        .and(body_json(nobody))
        .and(header("origin", "https://hub.example.com"))
        .respond_with(json_answer(&json!([])))
        .mount(&server)
        .await;
    let connector = connect(&server, &json!({"origin": "https://hub.example.com"}));
    assert_eq!(connector.check().await.unwrap().version, None);
    let start = ResponseTemplate::new(302)
        .insert_header("Server", "ScreenConnect/24.2.0.1 Microsoft-HTTPAPI/2.0");
    Mock::given(method("GET")).and(path("/")).respond_with(start).mount(&server).await;
    let account = connector.check().await.unwrap();
    assert_eq!(account.version.as_deref(), Some("24.2.0.1"));
    assert!(account.name.contains("127.0.0.1"), "{}", account.name);
    let all = server.received_requests().await.unwrap();
    let start = all.iter().find(|request| request.url.path() == "/").unwrap();
    assert!(!start.headers.contains_key("ctrlauthheader"), "the start page needs no secret");
}

fn script() -> Script {
    let time_limit = Duration::from_secs(90);
    let run = Uuid::from_u128(0x0b5e);
    Script { run, shell: Shell::PowerShell, text: "whoami".into(), time_limit, output_limit: 5000 }
}

async fn commands_sent(server: &MockServer) -> Vec<String> {
    let all = server.received_requests().await.unwrap();
    let sent = all.iter().filter(|one| one.url.path().ends_with("/SendCommandToSession"));
    sent.map(|one| {
        let body: Vec<String> = serde_json::from_slice(&one.body).unwrap();
        assert_eq!(body[0], ID);
        body[1].clone()
    })
    .collect()
}

#[tokio::test]
async fn a_script_is_queued_and_its_result_found_by_the_marker() {
    let server = MockServer::start().await;
    answer(&server, "SendCommandToSession", ResponseTemplate::new(200)).await;
    let connector = connect(&server, &json!({}));
    let scripts = connector.scripts().unwrap();
    let handle = scripts.start(ID, &script()).await.unwrap();
    let command = commands_sent(&server).await.remove(0);
    assert!(command.starts_with("#!ps\n#timeout=90"), "{command}");
    let shown = |line: &&str| line.contains("linchpin-");
    let lines: Vec<&str> = command.lines().filter(shown).collect();
    let marker = |line: &str| line.trim_start_matches("Write-Output ").replace('\'', "");
    let data = format!("{}\r\nACME\\jdoe\r\n{}\r\n", marker(lines[0]), marker(lines[1]));
    let details = |events: &Value| {
        json_answer(&json!({"Session": {"SessionID": ID}, "Connections": [], "Events": events}))
    };
    let queued = json!({"EventID": "e1", "EventType": 44, "Data": command});
    Mock::given(path(format!("{SERVICE}/GetSessionDetailsBySessionID")))
        .and(body_json(json!([ID])))
        .respond_with(details(&json!([queued])))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let ran = json!({"EventID": "e2", "EventType": 70, "Data": data});
    answer(&server, "GetSessionDetailsBySessionID", details(&json!([queued, ran]))).await;
    assert_eq!(scripts.poll(&handle).await.unwrap(), ScriptOutcome::Pending);
    let done = ScriptOutcome::Done { output: "ACME\\jdoe".into(), truncated: false };
    assert_eq!(scripts.poll(&handle).await.unwrap(), done);
}

#[tokio::test]
async fn a_command_that_nobody_noted_is_found_by_its_run() {
    let server = MockServer::start().await;
    answer(&server, "SendCommandToSession", ResponseTemplate::new(200)).await;
    let connector = connect(&server, &json!({}));
    let scripts = connector.scripts().unwrap();
    scripts.start(ID, &script()).await.unwrap();
    let command = commands_sent(&server).await.remove(0);
    let queued = json!({"EventID": "e1", "EventType": 44, "Data": command});
    let data = "linchpin-begin-R\nACME\\jdoe\nlinchpin-end-R";
    let data = data.replace('R', &script().run.simple().to_string());
    let ran = json!({"EventID": "e2", "EventType": 70, "Data": data});
    let details = json!({"Session": {"SessionID": ID}, "Events": [queued, ran]});
    answer(&server, "GetSessionDetailsBySessionID", json_answer(&details)).await;
    let found = scripts.find(ID, &script()).await.unwrap().unwrap();
    let done = ScriptOutcome::Done { output: "ACME\\jdoe".into(), truncated: false };
    assert_eq!(scripts.poll(&found).await.unwrap(), done);
    let other = Script { run: Uuid::from_u128(1), ..script() };
    assert_eq!(scripts.find(ID, &other).await.unwrap(), None);
    assert_eq!(commands_sent(&server).await.len(), 1);
}

#[tokio::test]
async fn events_within_connections_are_found_too() {
    let server = MockServer::start().await;
    let data = "linchpin-begin-m\nx\nlinchpin-end-m";
    let connections = json!([{"ProcessType": 2, "Events": [{"EventType": 70, "Data": data}]}]);
    let details = json!({"Session": {"SessionID": ID}, "Connections": connections});
    answer(&server, "GetSessionDetailsBySessionID", json_answer(&details)).await;
    let handle = json!({"session": ID, "marker": "m", "shell": "power_shell", "limit": 100, "timeout": 90000,
        "sent": "2026-01-02T03:04:05Z"});
    let connector = connect(&server, &json!({}));
    let outcome = connector.scripts().unwrap().poll(&ScriptHandle(handle.to_string())).await;
    let done = ScriptOutcome::Done { output: "x".into(), truncated: false };
    assert_eq!(outcome.unwrap(), done);
}

#[tokio::test]
async fn a_session_that_is_gone_has_no_result() {
    for gone in [Value::Null, json!({}), json!({"Session": null, "Events": []})] {
        let server = MockServer::start().await;
        answer(&server, "SendCommandToSession", ResponseTemplate::new(200)).await;
        answer(&server, "GetSessionDetailsBySessionID", json_answer(&gone)).await;
        let connector = connect(&server, &json!({}));
        let scripts = connector.scripts().unwrap();
        let handle = scripts.start(ID, &script()).await.unwrap();
        assert_eq!(scripts.poll(&handle).await.unwrap_err().kind(), ErrorKind::NotFound, "{gone}");
    }
}

#[tokio::test]
async fn a_script_is_never_queued_twice() {
    let server = MockServer::start().await;
    answer(&server, "SendCommandToSession", ResponseTemplate::new(503)).await;
    let connector = connect(&server, &json!({}));
    let scripts = connector.scripts().unwrap();
    let error = scripts.start(ID, &script()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(commands_sent(&server).await.len(), 1);
    let odd = scripts.start("PC-042", &script()).await.unwrap_err();
    assert_eq!(odd.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_page_or_an_error_in_a_200_queued_nothing() {
    for (body, kind) in [
        ("<html>Sign in</html>", ErrorKind::Protocol),
        (r#"{"errorType":"X","message":"no"}"#, ErrorKind::Rejected),
    ] {
        let server = MockServer::start().await;
        let answered = ResponseTemplate::new(200).set_body_string(body);
        answer(&server, "SendCommandToSession", answered).await;
        let connector = connect(&server, &json!({}));
        let error = connector.scripts().unwrap().start(ID, &script()).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(commands_sent(&server).await.len(), 1);
    }
}

#[tokio::test]
async fn a_link_joins_the_session_and_does_not_print() {
    let server = MockServer::start().await;
    let all = json_answer(&json!([serde_json::from_str::<Value>(SESSION).unwrap()]));
    answer(&server, "GetSessionBySessionID", all).await;
    let connector = connect(&server, &json!({}));
    let links = connector.sessions().unwrap();
    let link = links.open(ID).await.unwrap();
    let expected = format!("{}/Host#Access/All%20Machines//{ID}/Join", server.uri());
    assert_eq!(link.expose(), expected);
    assert!(!format!("{link:?}").contains(ID));
    let other = links.open("22222222-2222-3333-4444-555555555555").await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_hundred_thousand_sessions_are_read_in_one_piece() {
    let server = MockServer::start().await;
    let mut body = String::from("[");
    for number in 0..100_000_u32 {
        let comma = if number == 0 { "" } else { "," };
        body.push_str(&format!(
            r#"{comma}{{"SessionID":"11111111-2222-3333-4444-{number:012x}","SessionType":2,"CustomPropertyValues":["Client {}"]}}"#,
            number % 300
        ));
    }
    body.push(']');
    let all = ResponseTemplate::new(200).set_body_string(body);
    answer(&server, "GetSessionsByFilter", all).await;
    let page = page(&*connect(&server, &json!({}))).await.unwrap();
    assert_eq!(keys(&page, RecordKind::Agent).len(), 100_000);
    assert_eq!(keys(&page, RecordKind::Client).len(), 300);
}
