//! The face as clients see it: secret, filters, sessions, commands, reports.

use std::sync::RwLock;

use serde_json::{Value, json};

use super::commands::Command;
use super::{EXTENSION, face, face_for_origin};
use crate::automate::fixture::{self, OFF, body, call, header, pass, session_id, switch};
use crate::vendor::{Reply, Rows, Vendor};
use crate::world::World;

struct Client {
    face: Box<dyn Vendor>,
    world: RwLock<World>,
    secret: String,
}

impl Client {
    fn new() -> Self {
        let world = fixture::world();
        let secret = world.read().unwrap().credentials.control_secret.clone();
        Self { face: face(), world, secret }
    }

    fn send(&self, verb: &str, method: &str, sent: &str) -> Reply {
        let target = format!("/App_Extensions/{EXTENSION}/Service.ashx/{method}");
        let headers = [("ctrlauthheader", self.secret.as_str())];
        self.face.answer(&call(verb, &target, &headers, sent), &self.world)
    }

    fn post(&self, method: &str, arguments: &Value) -> Value {
        let reply = self.send("POST", method, &arguments.to_string());
        assert_eq!(reply.status, 200, "{method}: {}", String::from_utf8_lossy(&reply.body));
        body(&reply)
    }

    /// The numbers of the sessions that meet a filter.
    fn filtered(&self, filter: &str) -> Vec<u128> {
        let rows = self.post("GetSessionsByFilter", &json!([filter]));
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["SessionID"].as_str().unwrap().parse::<uuid::Uuid>().unwrap())
            .map(|id| id.as_u128() - session_id(0).as_u128())
            .collect()
    }

    /// The data of a session's events of a kind.
    fn events(&self, session: u128, kind: u64) -> Vec<String> {
        let details = self.post("GetSessionDetailsBySessionID", &json!([session_id(session)]));
        let events = details["Events"].as_array().unwrap().iter();
        events
            .filter(|event| event["EventType"] == json!(kind))
            .map(|event| event["Data"].as_str().unwrap().to_owned())
            .collect()
    }

    fn command(&self, session: u128, text: &str) {
        let reply = self.post("SendCommandToSession", &json!([session_id(session), text]));
        assert_eq!(reply, Value::Null, "no event id comes back");
    }
}

#[test]
fn the_secret_opens_and_its_refusal_has_a_body() {
    let client = Client::new();
    let target = format!("/App_Extensions/{EXTENSION}/Service.ashx/GetSessionsByFilter");
    let reply = client.face.answer(&call("GET", &target, &[], ""), &client.world);
    assert_eq!(reply.status, 401);
    assert!(!reply.body.is_empty());
    assert!(header(&reply, "server").unwrap().starts_with("ScreenConnect/"));
    let other = target.replace(EXTENSION, "11111111-1111-1111-1111-111111111111");
    let reply = client.face.answer(&call("GET", &other, &[], ""), &client.world);
    assert_eq!(reply.status, 404);
    assert!(String::from_utf8_lossy(&reply.body).contains("The resource cannot be found"));
}

#[test]
fn the_origin_counts_where_one_is_set() {
    let client = Client { face: face_for_origin("https://hub.example"), ..Client::new() };
    let refused = client.send("POST", "GetSessionsByFilter", r#"["IsEnded"]"#);
    assert_eq!(refused.status, 403);
    let target = format!("/App_Extensions/{EXTENSION}/Service.ashx/GetSessionsByFilter");
    let headers = [("ctrlauthheader", client.secret.as_str()), ("origin", "https://hub.example")];
    let sent = call("POST", &target, &headers, r#"["IsEnded"]"#);
    assert_eq!(client.face.answer(&sent, &client.world).status, 200);
}

#[test]
fn a_get_with_a_body_an_object_and_a_query_are_taken() {
    let client = Client::new();
    let by_get = client.send("GET", "GetSessionsByFilter", r#"["SessionType = 'Access'"]"#);
    assert_eq!(body(&by_get).as_array().unwrap().len(), 4);
    let by_name = client.send("POST", "getsessionsbyfilter", r#"{"sessionFilter":"IsEnded"}"#);
    assert_eq!(body(&by_name).as_array().unwrap().len(), 1);
    let alias = client.send("GET", "sessions-by-filter?sessionFilter=IsEnded", "");
    assert_eq!(body(&alias), body(&by_name));
    let target = format!("session-by-session-id?sessionID={}", session_id(1));
    assert_eq!(body(&client.send("GET", &target, "")).as_array().unwrap().len(), 1);
}

#[test]
fn bad_calls_are_answered_500_in_the_service_s_shape() {
    let client = Client::new();
    let message = |method: &str, sent: &str| {
        let reply = client.send("POST", method, sent);
        assert_eq!(reply.status, 500, "{method} {sent}");
        let body = body(&reply);
        assert!(body["errorType"].is_string() && body["detail"].is_null(), "{body}");
        body["message"].as_str().unwrap().to_owned()
    };
    assert_eq!(message("DeleteEverything", "[]"), "Web method does not exist");
    assert_eq!(message("GetSessionsByFilter", r#"{"x":"IsEnded"}"#), "Unknown parameter: x");
    for empty in ["", "[]", "[null]", r#"[""]"#, r#"["Colour = 1"]"#, r#"["Name = "]"#, "{"] {
        message("GetSessionsByFilter", empty);
    }
    message("GetSessionBySessionID", r#"["no guid"]"#);
    message("SendCommandToSession", &json!([session_id(99), "x"]).to_string());
}

#[test]
fn a_session_has_the_shape_of_the_extension() {
    let client = Client::new();
    let row = client.post("GetSessionBySessionID", &json!([session_id(1)]))[0].clone();
    assert_eq!(row["SessionType"], 2);
    assert_eq!(row["Name"], "", "unattended clients have no name");
    assert_eq!(row["GuestInfo"]["MachineName"], "PC-ON");
    assert_eq!(row["GuestInfo"]["LoggedOnUserDomain"], "ACME");
    assert_eq!(row["GuestInfo"]["LoggedOnUserName"], "slakeley");
    assert_eq!(row["CustomPropertyValues"].as_array().unwrap().len(), 8);
    assert_eq!(row["ActiveConnections"][0]["ProcessType"], 2);
    let time = row["LastGuestConnectedEventTime"].as_str().unwrap();
    assert_eq!(time.len(), "2026-01-02T03:04:05.1234567Z".len(), "seven digits and a Z");
    assert!(!row.to_string().to_lowercase().contains("uuid"));
    let off = client.post("GetSessionBySessionID", &json!([session_id(2)]))[0].clone();
    assert_eq!(off["ActiveConnections"], json!([]));
    let [connected, disconnected] =
        ["LastGuestConnectedEventTime", "LastGuestDisconnectedEventTime"]
            .map(|name| off[name].as_str().unwrap().to_owned());
    assert!(connected < disconnected);
    let support = client.post("GetSessionBySessionID", &json!([session_id(5)]))[0].clone();
    assert_eq!(support["LastGuestConnectedEventTime"], "0001-01-01T00:00:00");
    assert_eq!(client.post("GetSessionBySessionID", &json!([session_id(77)])), json!([]));
    let unknown =
        client.send("POST", "GetSessionDetailsBySessionID", &json!([session_id(77)]).to_string());
    assert_eq!(unknown.body, b"null");
}

#[test]
fn filters_are_evaluated_as_the_language_says() {
    let client = Client::new();
    assert_eq!(client.filtered("SessionType = 'Access' AND GuestConnectedCount > 0"), [1, 4]);
    assert_eq!(client.filtered("NOT IsEnded"), [1, 2, 3, 4]);
    assert_eq!(client.filtered("SessionType = 2"), [1, 2, 3, 4]);
    assert_eq!(client.filtered("sessiontype <> 'access'"), [5]);
    assert_eq!(client.filtered("CustomProperty1 = 'O''Neill'"), [4]);
    assert_eq!(client.filtered("Name LIKE 'file%' OR Name LIKE '%kim'"), [4, 5]);
    assert_eq!(client.filtered("GuestMachineSerialNumber = 'ser0002'"), [2]);
    assert_eq!(client.filtered("LastGuestConnectedEventTime IS NULL"), [5]);
    assert_eq!(client.filtered("GuestMachineName IN ('PC-ON', 'SRV-01')"), [1, 3, 4]);
    assert_eq!(client.filtered("NOT (IsEnded OR CustomProperty1 = 'Acme')"), [4]);
    assert_eq!(client.filtered(&format!("SessionID = '{}'", session_id(3))), [3]);
    assert_eq!(client.filtered("GuestLastActivityTime < '1999-01-01'"), [5]);
    assert!(client.filtered("Name Like 'TestForCWSC'").is_empty());
    assert_eq!(client.filtered("IsEnded = 'False' AND Name = ''"), [1, 2, 3]);
    let deep = format!("{}IsEnded", "NOT ".repeat(5_000));
    assert_eq!(client.send("POST", "GetSessionsByFilter", &json!([deep]).to_string()).status, 500);
}

#[test]
fn sessions_are_found_by_the_name_that_people_see() {
    let client = Client::new();
    let found =
        |name: &str| client.post("GetSessionsByName", &json!([name])).as_array().unwrap().len();
    assert_eq!(found("pc-on"), 2, "one of today, one from before a wipe");
    assert_eq!(found("File server"), 1);
    assert_eq!(found("SRV-01"), 0);
}

#[test]
fn custom_properties_are_replaced_all_eight_at_once() {
    let client = Client::new();
    let sent = json!([session_id(1), ["Acme", "Main"]]);
    assert_eq!(client.send("POST", "UpdateSessionCustomProperties", &sent.to_string()).body, b"");
    let row = client.post("GetSessionBySessionID", &json!([session_id(1)]))[0].clone();
    assert_eq!(
        row["CustomPropertyValues"],
        json!(["Acme", "Main", "", "", "", "", "", ""]),
        "the device type is lost unless it was read first and written back"
    );
    client.post("UpdateSessionName", &json!([session_id(1), "Reception"]));
    assert_eq!(client.filtered("Name = 'Reception'"), [1]);
    assert_eq!(client.events(1, 64).len(), 2);
}

#[test]
fn a_command_is_queued_at_once_and_ran_after_a_while() {
    let client = Client::new();
    client.command(1, "#!ps\n#timeout=90000\n#maxlength=100000\n'mark-1'\nhostname");
    assert_eq!(client.events(1, 44).len(), 1);
    assert!(client.events(1, 70).is_empty());
    pass(&client.world, 5);
    let ran = client.events(1, 70);
    assert_eq!(ran.len(), 1);
    assert!(ran[0].contains("mark-1") && ran[0].contains("PC-ON"), "{ran:?}");
    assert!(!ran[0].contains("system32"), "PowerShell has no prompt");
    client.command(1, "hostname");
    pass(&client.world, 5);
    let ran = client.events(1, 70);
    assert!(ran[1].contains("C:\\WINDOWS\\system32>hostname\r\nPC-ON"), "{ran:?}");
}

#[test]
fn a_guest_that_is_not_connected_runs_nothing_until_it_is_back() {
    let client = Client::new();
    client.command(2, "hostname");
    client.command(3, "hostname");
    pass(&client.world, 600);
    assert!(client.events(2, 70).is_empty());
    switch(&client.world, OFF, true);
    assert!(client.events(2, 70).is_empty());
    pass(&client.world, 5);
    assert_eq!(client.events(2, 70).len(), 1);
    assert!(client.events(3, 70).is_empty(), "the client from before the wipe never runs again");
}

#[test]
fn timeout_and_length_are_kept_and_noted_in_the_output() {
    let client = Client::new();
    client.command(1, "#!ps\n#timeout=1500\nStart-Sleep -Seconds 60\nhostname");
    pass(&client.world, 5);
    assert_eq!(client.events(1, 70), ["Killed after 1500 milliseconds."]);
    client.command(2, "#!ps\nStart-Sleep -Milliseconds 50; hostname");
    switch(&client.world, OFF, true);
    assert!(client.events(2, 70).is_empty());
    pass(&client.world, 5);
    assert_eq!(client.events(2, 70), ["PC-OFF"]);
    client.command(4, "#!ps\n#maxlength=4\n'abcdefgh'");
    pass(&client.world, 5);
    let ran = client.events(4, 70);
    assert_eq!(ran, ["abcd\r\nTruncated output at 4 characters."]);
}

#[test]
fn markers_are_read_from_the_first_lines_only() {
    let command = Command::read("#!ps\r\n#timeout=7\n#maxlength=9\nhostname\n#timeout=1");
    let wanted = Command {
        powershell: true,
        timeout_ms: 7,
        length: 9,
        script: "hostname\n#timeout=1".into(),
    };
    assert_eq!(command, wanted);
    let plain = Command::read("hostname");
    assert_eq!((plain.powershell, plain.timeout_ms, plain.length), (false, 10_000, 5_000));
}

#[test]
fn notes_messages_and_tools_become_events() {
    let client = Client::new();
    client.post("AddNoteToSession", &json!([session_id(1), "seen"]));
    client.post("SendMessageToSession", &json!([session_id(1), "Kim", "hello"]));
    client.post("SendMessageToSession", &json!([session_id(1), "older"]));
    client.post("SendToolboxItemToSession", &json!([session_id(1), "tool.exe"]));
    assert_eq!(client.events(1, 32), ["seen"]);
    assert_eq!(client.events(1, 45), ["hello", "older"]);
    assert_eq!(client.events(1, 47), ["tool.exe"]);
}

#[test]
fn a_created_session_is_found_again() {
    let client = Client::new();
    let made =
        client.post("CreateSession", &json!(["Support", "Help Sam", true, "1234", ["Acme"]]));
    assert_eq!(made["SessionType"], 0);
    let id = made["SessionID"].clone();
    assert_eq!(client.post("GetSessionBySessionID", &json!([id]))[0]["Name"], "Help Sam");
}

#[test]
fn the_filter_listing_is_one_page() {
    let client = Client::new();
    let target = format!("/App_Extensions/{EXTENSION}/Service.ashx/sessions-by-filter");
    let listing = client.face.listing(&call("GET", &target, &[], "")).unwrap();
    assert_eq!((listing.page, listing.rows), (1, Rows::Bare));
    assert!(listing.name.ends_with("/GetSessionsByFilter"));
    assert!(client.face.listing(&call("GET", "/", &[], "")).is_none());
}

#[test]
fn reports_give_presence_and_results_in_one_call() {
    let client = Client::new();
    let target = "/App_Extensions/fc234f0e-2e8e-4a1f-b977-ba41b14031f7/ReportService.ashx/\
                  GenerateReportForAutomate";
    let headers = [("ctrlauthheader", client.secret.as_str())];
    let report = |arguments: Value| {
        let sent = call("POST", target, &headers, &arguments.to_string());
        let reply = client.face.answer(&sent, &client.world);
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        body(&reply)
    };
    let sessions = report(json!(["Session", "", ["SessionID", "Name"], "NOT IsEnded", "", 10000]));
    assert_eq!(sessions["FieldNames"], json!(["SessionID", "Name"]));
    assert_eq!(sessions["Items"].as_array().unwrap().len(), 4);
    let online =
        "ProcessType='Guest' AND DisconnectedTime IS NULL AND (SessionSessionType='Access')";
    let online = report(json!(["SessionConnection", ["SessionID"], ["Count"], online, "", 20000]));
    assert_eq!(online["Items"], json!([[session_id(1), 1], [session_id(4), 1]]));
    client.command(1, "#!ps\nhostname");
    pass(&client.world, 5);
    let ran = format!("(sessionid='{}') AND EventType='RanCommand'", session_id(1));
    let ran = report(json!(["SessionEvent", "", ["SessionID", "Time", "Data"], ran, "", 10000]));
    assert_eq!(ran["Items"][0][2], "PC-ON");
    let last = report(json!([
        "SessionConnectionEvent",
        ["SessionID", "EventType"],
        ["LastTime"],
        " SessionConnectionProcessType='Guest' AND EventType = 'Connected'",
        "",
        20000
    ]));
    assert_eq!(last["FieldNames"], json!(["SessionID", "EventType", "LastTime"]));
    let refused = client.face.answer(&call("POST", target, &[], "[]"), &client.world);
    assert_eq!(refused.status, 401);
    let query =
        "/Report.json?ReportType=Session&SelectFields=SessionID&SelectFields=Name&ItemLimit=2";
    let reply = client.face.answer(&call("GET", query, &headers, ""), &client.world);
    assert_eq!(body(&reply)["Items"].as_array().unwrap().len(), 2);
}

#[test]
fn the_installer_s_parameters_and_the_version_are_public() {
    let client = Client::new();
    let reply = client.face.answer(&call("GET", "/Script.ashx", &[], ""), &client.world);
    let text = String::from_utf8_lossy(&reply.body).into_owned();
    for part in ["\"h\":\"", "\"p\":443", "\"k\":\""] {
        assert!(text.contains(part), "{text}");
    }
    let home = client.face.answer(&call("GET", "/", &[], ""), &client.world);
    assert_eq!(home.status, 200);
    assert!(header(&home, "server").unwrap().starts_with("ScreenConnect/24.2"));
}
