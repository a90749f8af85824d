//! The whole connector: conformance, the check, scripts.

use std::time::Duration;

use core_connector::{ErrorKind, Script, ScriptHandle, ScriptOutcome, Shell};
use core_model::RecordKind;
use serde_json::json;
use wiremock::matchers::{body_partial_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

async fn list(server: &MockServer, name: &str, all: Value) {
    let list = all.as_array().unwrap().clone();
    Mock::given(method("GET"))
        .and(path(format!("/cwa/api/v1/{name}")))
        .respond_with(move |request: &wiremock::Request| {
            let number = |name: &str| {
                let pair = request.url.query_pairs().find(|(key, _)| key == name);
                pair.and_then(|(_, value)| value.parse::<usize>().ok()).unwrap_or(1)
            };
            let (page, size) = (number("page"), number("pagesize"));
            let part: Vec<Value> =
                list.iter().skip((page - 1) * size).take(size).cloned().collect();
            rows(&Value::from(part), Some(list.len() as u64))
        })
        .mount(server)
        .await;
}

/// A small world: one client with a location, a group and seven computers.
async fn world() -> MockServer {
    let server = server().await;
    let computer = |id: u32| {
        json!({"Id": id.to_string(), "ComputerName": format!("PC-{id}"), "Client": {"Id": "12"},
            "Location": {"Id": 34}, "Status": "Online", "Type": "Workstation"})
    };
    let chassis = |id: u32| json!({"ComputerId": id, "UUID": format!("{id:032x}")});
    let member = |id: u32| json!({"Id": id.to_string(), "GroupId": "34", "ComputerId": id});
    list(&server, "Clients", json!([{"Id": "12", "Name": "Acme"}])).await;
    let place = json!([{"Id": 34, "Name": "Main", "Client": {"Id": "12"}}]);
    list(&server, "Locations", place).await;
    list(&server, "Computers", (1..8).map(computer).collect()).await;
    list(&server, "Computers/Chassis", (1..7).map(chassis).collect()).await;
    list(&server, "Groups", json!([{"Id": "34", "Name": "Servers"}])).await;
    list(&server, "GroupComputers", (1..4).map(member).collect()).await;
    let version = json!({"WebServerPatchVersion": "25.0.5"});
    Mock::given(path("/cwa/api/v1/PatchInformation"))
        .respond_with(ResponseTemplate::new(200).set_body_json(version))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn the_connector_holds_the_contract() {
    let server = world().await;
    let connector = connect(settings(&server));
    assert_eq!(conformance::run(&*connector).await.unwrap(), []);
}

#[tokio::test]
async fn a_location_and_a_group_of_one_number_are_two() {
    let server = world().await;
    let connector = connect(settings(&server));
    let groups = read(&*connector, "groups").await.unwrap();
    let places = read(&*connector, "locations").await.unwrap();
    assert!(groups.records.contains_key(&(RecordKind::ConnectionGroup, "34".to_owned())));
    assert!(groups.records.keys().all(|key| !places.records.contains_key(key)));
}

#[tokio::test]
async fn the_readme_names_every_stream_and_permission() {
    let registry = core_connector::Registry::default().with::<Automate>();
    let schema = registry.kind("cw-automate").unwrap().schema();
    let mark = schema.pointer("/properties/password/x-linchpin-secret");
    assert_eq!(mark, Some(&Value::Bool(true)));
    let readme = include_str!("../../README.md");
    for stream in Automate::STREAMS {
        assert!(readme.contains(&format!("`{}`", stream.name)), "{}", stream.name);
    }
    for permission in Automate::PERMISSIONS {
        assert!(readme.contains(permission.name), "{}", permission.name);
    }
    let streams = connect(settings(&server().await));
    let names: Vec<&str> = streams.streams().iter().map(|stream| stream.name).collect();
    let declared: Vec<&str> = Automate::STREAMS.iter().map(|stream| stream.name).collect();
    assert_eq!(names, declared);
}

#[tokio::test]
async fn the_check_names_version_and_missing_permissions() {
    let server = world().await;
    let account = connect(settings(&server)).check().await.unwrap();
    assert_eq!((account.name.as_str(), account.version.as_deref()), ("linchpin", Some("25.0.5")));
    assert_eq!(account.missing, []);

    let server = super::server().await;
    list(&server, "Clients", json!([])).await;
    list(&server, "Groups", json!([])).await;
    list(&server, "Locations", json!([])).await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(403)).mount(&server).await;
    let account = connect(settings(&server)).check().await.unwrap();
    let missing: Vec<&str> = account.missing.iter().map(|one| one.permission.as_str()).collect();
    let expected =
        ["Patch Manager.Read", "Clients.Show All", "Computers.Show All", "Computers.Show All"];
    assert_eq!(missing, expected);
    assert!(account.missing[1].costs.contains("rows you may not see are simply missing"));
}

fn script() -> Script {
    Script {
        run: uuid::Uuid::from_u128(0xab5e),
        shell: Shell::PowerShell,
        text: "whoami".into(),
        time_limit: Duration::from_secs(60),
        output_limit: 5000,
    }
}

const COMMANDS: &str = "/cwa/api/v1/Computers/1234/CommandExecute";

#[tokio::test]
async fn a_script_is_started_once_and_asked_for() {
    let server = server().await;
    let sent = json!({"ComputerId": "1234", "Command": {"Id": "2"}, "Parameters": [
        "powershell.exe!!! -NoProfile -NonInteractive -ExecutionPolicy Bypass \
         -EncodedCommand IwAgAGwAaQBuAGMAaABwAGkAbgA6ACAAMAAwADAAMAAwADAAMAAwADAAMAAw\
         ADAAMAAwADAAMAAwADAAMAAwADAAMAAwADAAMAAwADAAMABhAGIANQBlAAoA\
         dwBoAG8AYQBtAGkA"]});
    Mock::given(method("POST"))
        .and(path(COMMANDS))
        .and(body_partial_json(sent))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"Id": 77, "Status": "New"})))
        .expect(1)
        .mount(&server)
        .await;
    let answer = |status: &str, output: Value| {
        ResponseTemplate::new(200)
            .set_body_json(json!({"Id": 77, "Status": status, "Output": output}))
    };
    Mock::given(method("GET"))
        .and(path(format!("{COMMANDS}/77")))
        .respond_with(answer("Executing", Value::Null))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path(format!("{COMMANDS}/77")))
        .respond_with(answer("Success", "ACME\\jdoe\r\n".into()))
        .mount(&server)
        .await;
    let connector = connect(settings(&server));
    let scripts = connector.scripts().unwrap();
    let handle = scripts.start("1234", &script()).await.unwrap();
    assert_eq!(handle, ScriptHandle("1234/77".into()));
    assert_eq!(scripts.poll(&handle).await.unwrap(), ScriptOutcome::Pending);
    let done = ScriptOutcome::Done { output: "ACME\\jdoe".into(), truncated: false };
    assert_eq!(scripts.poll(&handle).await.unwrap(), done);
}

#[tokio::test]
async fn a_command_that_nobody_noted_is_found_by_its_run() {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path(COMMANDS))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"Id": 77, "Status": "Loading"})),
        )
        .expect(1)
        .mount(&server)
        .await;
    let connector = connect(settings(&server));
    let scripts = connector.scripts().unwrap();
    scripts.start("1234", &script()).await.unwrap();
    let sent = server.received_requests().await.unwrap();
    let sent = sent.iter().find(|one| one.url.path() == COMMANDS).unwrap();
    let sent: Value = serde_json::from_slice(&sent.body).unwrap();
    let row = |id: u64, parameters: &Value| json!({"Id": id, "Status": "Success", "Parameters": parameters});
    let other = json!(["powershell.exe!!! -Command hostname"]);
    let rows = json!([row(76, &other), row(77, &sent["Parameters"]), {"Id": 78}]);
    Mock::given(method("GET"))
        .and(path(COMMANDS))
        .respond_with(ResponseTemplate::new(200).set_body_json(rows))
        .mount(&server)
        .await;
    let found = scripts.find("1234", &script()).await.unwrap();
    assert_eq!(found, Some(ScriptHandle("1234/77".into())));
    let other = Script { run: uuid::Uuid::from_u128(1), ..script() };
    assert_eq!(scripts.find("1234", &other).await.unwrap(), None);
}

#[tokio::test]
async fn a_command_that_cannot_be_asked_for_alone_is_found_in_the_list() {
    let server = server().await;
    let list =
        json!([{"Id": 76, "Status": "Failed"}, {"Id": 77, "Status": "Success", "Output": "x"}]);
    Mock::given(method("GET"))
        .and(path(COMMANDS))
        .and(query_param("ids", "77"))
        .respond_with(ResponseTemplate::new(200).set_body_json(list))
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(path(COMMANDS))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([])))
        .mount(&server)
        .await;
    let connector = connect(settings(&server));
    let scripts = connector.scripts().unwrap();
    let done = ScriptOutcome::Done { output: "x".into(), truncated: false };
    assert_eq!(scripts.poll(&ScriptHandle("1234/77".into())).await.unwrap(), done);
    let forgotten = scripts.poll(&ScriptHandle("1234/78".into())).await.unwrap_err();
    assert_eq!(forgotten.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_script_is_never_started_twice() {
    let server = server().await;
    Mock::given(method("POST"))
        .and(path(COMMANDS))
        .respond_with(ResponseTemplate::new(500))
        .expect(1)
        .mount(&server)
        .await;
    let connector = connect(settings(&server));
    let error = connector.scripts().unwrap().start("1234", &script()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let odd = connector.scripts().unwrap().start("../1", &script()).await.unwrap_err();
    assert_eq!(odd.kind(), ErrorKind::NotFound);
}
