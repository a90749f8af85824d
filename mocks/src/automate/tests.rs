//! The face as clients see it: sign-in, lists, commands, moves.

use std::sync::RwLock;

use serde_json::{Value, json};
use totp_rs::{Algorithm, Secret, TOTP};

use super::face;
use super::fixture::{self, OFF, body, call, header, pass, signed_in, switch};
use crate::vendor::{Reply, Rows, Vendor};
use crate::world::World;

mod grammar;
mod upkeep;

/// A signed-in client.
pub(super) struct Client {
    pub(super) face: Box<dyn Vendor>,
    pub(super) world: RwLock<World>,
    headers: Vec<(String, String)>,
}

impl Client {
    pub(super) fn new() -> Self {
        let (face, world) = (face(), fixture::world());
        let headers = signed_in(face.as_ref(), &world);
        Self { face, world, headers }
    }

    pub(super) fn send(&self, method: &str, target: &str, sent: &str) -> Reply {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let target = format!("/cwa/api/v1/{target}");
        self.face.answer(&call(method, &target, &headers, sent), &self.world)
    }

    pub(super) fn get(&self, target: &str) -> Value {
        let reply = self.send("GET", target, "");
        assert_eq!(reply.status, 200, "{target}: {}", String::from_utf8_lossy(&reply.body));
        body(&reply)
    }

    /// The ids of a list.
    pub(super) fn ids(&self, target: &str) -> Vec<u64> {
        let rows = self.get(target);
        rows.as_array().unwrap().iter().map(|r| super::request::number(&r["Id"]).unwrap()).collect()
    }
}

fn login(world: &RwLock<World>, passcode: Option<&str>) -> String {
    let world = world.read().unwrap();
    let mut login = json!({
        "UserName": world.credentials.automate_user,
        "Password": world.credentials.automate_password,
    });
    if let Some(passcode) = passcode {
        login["TwoFactorPasscode"] = json!(passcode);
    }
    login.to_string()
}

#[test]
fn paths_and_query_keys_are_compared_without_regard_to_case() {
    let client = Client::new();
    assert_eq!(client.ids("COMPUTERS?PageSize=2&PAGE=2"), [3, 4]);
    assert_eq!(client.ids("computers?options.pageSize=2&options.page=2"), [3, 4]);
}

#[test]
fn wrong_credentials_are_refused_and_a_form_is_taken() {
    let (face, world) = (face(), fixture::world());
    let wrong = r#"{"username":"x","password":"y"}"#;
    let reply = face.answer(&call("POST", "/cwa/api/v1/apitoken", &[], wrong), &world);
    assert_eq!(reply.status, 401);
    assert_eq!(body(&reply)["code"], "Unauthorized");
    let form = {
        let world = world.read().unwrap();
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("username", &world.credentials.automate_user)
            .append_pair("password", &world.credentials.automate_password)
            .finish()
    };
    let kind = [("content-type", "application/x-www-form-urlencoded")];
    let reply = face.answer(&call("POST", "/CWA/API/v1/APIToken", &kind, &form), &world);
    assert_eq!(reply.status, 200);
    assert!(body(&reply)["AccessToken"].is_string());
}

#[test]
fn a_missing_second_factor_is_told_with_status_200() {
    const SEED: &str = "JBSWY3DPEHPK3PXP";
    let (face, world) = (face(), fixture::world());
    world.write().unwrap().credentials.automate_totp = Some(SEED.into());
    let post = |sent: &str| face.answer(&call("POST", "/cwa/api/v1/apitoken", &[], sent), &world);
    let without = post(&login(&world, None));
    assert_eq!(without.status, 200);
    assert_eq!(body(&without)["IsTwoFactorRequired"], true);
    assert!(body(&without)["AccessToken"].is_null());
    assert_eq!(post(&login(&world, Some("000000x"))).status, 401);
    let secret = Secret::Encoded(SEED.into()).to_bytes().unwrap();
    let totp = TOTP::new_unchecked(Algorithm::SHA1, 6, 1, 30, secret);
    let now = u64::try_from(chrono::Utc::now().timestamp()).unwrap();
    let one_step_ago = totp.generate(now - 30);
    let with = post(&login(&world, Some(&one_step_ago)));
    assert_eq!(with.status, 200);
    assert!(body(&with)["AccessToken"].is_string());
    let long_ago = totp.generate(now - 600);
    assert_eq!(post(&login(&world, Some(&long_ago))).status, 401);
}

#[test]
fn the_expiration_has_no_zone_and_the_token_dies_with_it() {
    let (face, world) = (face(), fixture::world());
    let sent = login(&world, None);
    let reply = body(&face.answer(&call("POST", "/cwa/api/v1/apitoken", &[], &sent), &world));
    let expires = reply["ExpirationDate"].as_str().unwrap();
    assert!(chrono::NaiveDateTime::parse_from_str(expires, "%Y-%m-%dT%H:%M:%S").is_ok());
    let client = Client::new();
    let seconds = client.world.read().unwrap().options.token_seconds;
    pass(&client.world, i64::try_from(seconds).unwrap() + 1);
    assert_eq!(client.send("GET", "clients", "").status, 401);
}

#[test]
fn a_refresh_takes_the_token_as_a_bare_json_string() {
    let client = Client::new();
    let token = client.headers[0].1.trim_start_matches("Bearer ").to_owned();
    let refreshed = client.send("POST", "apitoken/refresh", &json!(token).to_string());
    assert_eq!(refreshed.status, 200);
    assert_ne!(body(&refreshed)["AccessToken"], json!(token));
    let object = client.send("POST", "apitoken/refresh", &json!({ "Token": token }).to_string());
    assert_eq!(object.status, 400);
    assert_eq!(client.send("POST", "apitoken/refresh", "\"unknown\"").status, 401);
    pass(&client.world, 8 * 86_400);
    let late = client.send("POST", "apitoken/refresh", &json!(token).to_string());
    assert_eq!(late.status, 401, "the absolute expiration ends it");
}

#[test]
fn every_call_but_the_sign_in_needs_the_client_id() {
    let client = Client::new();
    let bearer = client.headers[0].1.clone();
    let without = [("authorization", bearer.as_str())];
    let reply =
        client.face.answer(&call("GET", "/cwa/api/v1/clients", &without, ""), &client.world);
    assert_eq!(reply.status, 401);
    let wrong = [without[0], ("clientid", "00000000-0000-0000-0000-000000000001")];
    let reply = client.face.answer(&call("GET", "/cwa/api/v1/clients", &wrong, ""), &client.world);
    assert_eq!(reply.status, 401);
    let open = call("GET", "/cwa/api/v1/apitoken", &[], "");
    assert_eq!(client.face.answer(&open, &client.world).status, 200);
    assert!(client.face.is_sign_in(&open));
    client.face.revoke_tokens();
    assert_eq!(client.send("GET", "clients", "").status, 401);
}

#[test]
fn a_list_ends_with_an_empty_page_and_carries_its_total() {
    let client = Client::new();
    let first = client.send("GET", "Computers", "");
    assert_eq!(body(&first).as_array().unwrap().len(), 50, "the default page");
    assert_eq!(header(&first, "total-count"), Some("119"), "one is retired");
    let mut all = Vec::new();
    for page in 1.. {
        let ids = client.ids(&format!("computers?page={page}&pagesize=50"));
        if ids.is_empty() {
            break;
        }
        all.extend(ids);
    }
    assert_eq!(all.len(), 119);
    assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    assert_eq!(client.ids("computers?pagesize=99999").len(), 119);
    assert_eq!(client.send("GET", "computers?page=x", "").status, 400);
}

#[test]
fn ids_are_strings_on_computers_and_clients_and_numbers_on_locations() {
    let client = Client::new();
    let computer = client.get("computers/1");
    assert_eq!(computer["Id"], "1");
    assert_eq!(computer["Client"], json!({ "Id": "2", "Name": "Globex" }));
    assert_eq!(computer["Location"]["Id"], 12);
    assert_eq!(computer["ComputerName"], "PC-ON");
    assert!(computer.get("UUID").is_none(), "the UUID is in the chassis list only");
    assert_eq!(client.get("locations")[0]["Id"], 11);
    assert_eq!(client.get("clients?condition=ExternalId=501")[0]["Name"], "Acme, Inc.");
    assert_eq!(client.get("groups")[0]["Id"], "850");
    assert_eq!(client.send("GET", "computers/6", "").status, 404);
    assert_eq!(client.get("retiredassets")[0]["Id"], "6");
}

#[test]
fn only_the_agent_of_today_on_a_machine_that_is_on_is_online() {
    let client = Client::new();
    let status = |id: u32| client.get(&format!("computers/{id}"))["Status"].clone();
    assert_eq!([status(1), status(2), status(3)], ["Online", "Offline", "Offline"]);
    let live = client.get("computers/1");
    assert_eq!(live["LoggedInUsers"][0]["LoggedInUserName"], "ACME\\slakeley");
    assert_eq!(live["LastUserName"], "ACME\\slakeley");
    let stale = client.get("computers/3");
    assert_eq!(stale["LoggedInUsers"], json!([]));
    assert_eq!(stale["LastUserName"], "AzureAD\\KimLakeley", "who it was before the wipe");
    assert_eq!(client.get("computers/4")["LastUserName"], "SRV-01\\Administrator");
    let contact = live["RemoteAgentLastContact"].as_str().unwrap().to_owned();
    pass(&client.world, 60);
    assert_ne!(client.get("computers/1")["RemoteAgentLastContact"], json!(contact));
}

#[test]
fn the_chassis_list_has_the_uuid_as_stored_and_lacks_what_was_not_inventoried() {
    let client = Client::new();
    let rows = client.get("Computers/Chassis?pagesize=1000");
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 118, "one is retired, one was not inventoried");
    assert_eq!(rows[0]["ComputerId"], 1);
    assert_eq!(rows[0]["UUID"], "4c4c4544-0000-1000-8000-000000000001");
    let one = client.get("Computers/Chassis?condition=ComputerId = 4");
    assert_eq!(one.as_array().unwrap().len(), 1);
}

#[test]
fn fields_are_included_and_excluded_by_nested_names() {
    let client = Client::new();
    let rows = client.get("computers?ids=1&includefields=Id,Client.Name");
    assert_eq!(rows, json!([{ "Id": "1", "Client": { "Name": "Globex" } }]));
    let rows = client.get("computers?ids=1&options.includedFields[]=Id&includedFields[]=Status");
    assert_eq!(rows, json!([{ "Id": "1", "Status": "Online" }]));
    let row = client.get("computers/1?excludefields=Client.Id,Location");
    assert_eq!(row["Client"], json!({ "Name": "Globex" }));
    assert!(row.get("Location").is_none());
}

#[test]
fn groups_and_memberships_are_read_and_changed() {
    let client = Client::new();
    let members = client.get("GroupComputers?condition=GroupId = 850");
    assert_eq!(members, json!([{ "Id": "1", "GroupId": "850", "ComputerId": "1" }]));
    assert_eq!(client.get("groups/851")["FullName"], "Service Plans.Windows Servers");
    let sent = r#"{"EntityType":1,"TargetType":"Group","TargetId":850,"EntityIds":[7,99999]}"#;
    let reply = body(&client.send("POST", "Batch/Commands/SendTo", sent));
    assert_eq!(reply["ContainsUnsuccessfulResults"], true);
    assert_eq!(client.get("GroupComputers?condition=GroupId = 850").as_array().unwrap().len(), 2);
    let sent = r#"{"EntityType":"Computer","TargetType":2,"TargetId":11,"EntityIds":[7]}"#;
    assert_eq!(client.send("POST", "Batch/Commands/SendTo", sent).status, 200);
    assert_eq!(client.get("computers/7")["Client"]["Id"], "1");
    assert_eq!(client.send("DELETE", "GroupComputers/1", "").status, 204);
    assert_eq!(client.send("DELETE", "computers/7", "").status, 204);
    assert_eq!(client.send("GET", "computers/7", "").status, 404);
}

#[test]
fn a_command_is_answered_after_its_latency() {
    let client = Client::new();
    let sent = r#"{"ComputerId":"1","Command":{"Id":"2"},"Parameters":["hostname"]}"#;
    let queued = body(&client.send("POST", "computers/1/Commandexecute", sent));
    assert_eq!(queued["Status"], "Loading");
    assert!(queued["Output"].is_null());
    let id = queued["Id"].as_u64().unwrap();
    let poll = || client.get(&format!("computers/1/CommandExecute/{id}"));
    assert_eq!(poll()["Status"], "Loading");
    pass(&client.world, 5);
    assert_eq!(poll()["Status"], "Success");
    assert_eq!(poll()["Output"].as_str().unwrap().trim(), "PC-ON");
    let listed = client.get(&format!("computers/1/commandexecute?ids={id}&page=1&pagesize=1000"));
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let empty = client.get(&format!("computers/1/commandexecute?ids={id}&page=2&pagesize=1000"));
    assert_eq!(empty, json!([]), "clients ask for the page after");
    assert_eq!(client.get("computers/1/CommandHistory")[0]["Command"], "Execute Command");
    let other = client.send("GET", &format!("computers/4/CommandExecute/{id}"), "");
    assert_eq!(other.status, 404);
}

#[test]
fn a_command_to_a_machine_that_is_off_waits_until_it_is_back() {
    let client = Client::new();
    let sent = r#"{"ComputerId":2,"Command":{"Id":2},"Parameters":["hostname"]}"#;
    let id = body(&client.send("POST", "computers/2/CommandExecute", sent))["Id"].clone();
    let poll = || client.get(&format!("computers/2/CommandExecute/{id}"))["Status"].clone();
    pass(&client.world, 86_000);
    client_again(&client, &poll);
    switch(&client.world, OFF, true);
    assert_eq!(poll(), "Loading");
    pass(&client.world, 5);
    assert_eq!(poll(), "Success");
}

fn client_again(client: &Client, poll: &dyn Fn() -> Value) {
    // The token has died meanwhile; only the clock is moved back, the command has waited.
    pass(&client.world, -86_000);
    assert_eq!(poll(), "Loading");
}

#[test]
fn a_command_to_an_agent_left_over_from_before_a_wipe_is_never_answered() {
    let client = Client::new();
    let id = client.send("POST", "computers/3/CommandPrompt", r#"{"CommandText":"hostname"}"#);
    let id = body(&id).as_u64().expect("a bare number");
    pass(&client.world, 3_000);
    let row = client.get(&format!("computers/3/CommandExecute/{id}"));
    assert_eq!(row["Status"], "Loading");
    assert!(row["Output"].is_null());
}

#[test]
fn the_launch_url_names_the_session_of_today() {
    let client = Client::new();
    let url = client.get("extensionactions/control/1");
    let wanted = format!("SessionID={}&", fixture::session_id(1));
    assert!(url.as_str().unwrap().contains(&wanted), "{url}");
    assert_eq!(client.send("GET", "extensionactions/control/3", "").status, 404);
}

#[test]
fn extra_fields_are_patched_and_set_back() {
    let client = Client::new();
    let patch = r#"[{"op":"replace","path":"TextFieldSettings/Value","value":"Kim"}]"#;
    let row = body(&client.send("PATCH", "computers/1/extrafields/101", patch));
    assert_eq!(row["TextFieldSettings"]["Value"], "Kim");
    assert_eq!(client.get("computers/1/ExtraFields")[0]["IsDefaultValue"], false);
    assert_eq!(client.send("DELETE", "computers/1/extrafields/101", "").status, 200);
    assert_eq!(client.get("computers/1/ExtraFields")[0]["TextFieldSettings"]["Value"], "");
    assert_eq!(client.send("PATCH", "computers/1/extrafields/102", patch).status, 400);
}

#[test]
fn small_endpoints_answer_in_their_shapes() {
    let client = Client::new();
    assert!(client.get("DatabaseServerTime").is_string());
    assert!(client.get("PatchInformation")["RemoteAgentPatchVersion"].is_string());
    for list in ["FeatureFlags", "System/ServerInformation", "Searches", "Commands", "Contacts"] {
        assert!(client.get(list).as_array().is_some_and(|rows| !rows.is_empty()), "{list}");
    }
    assert_eq!(client.get("computers/1/bios")["ComputerId"], 1);
    assert_eq!(client.get("computers/4/OperatingSystem")["IsServer"], true);
    assert_eq!(client.get("computers/1/software").as_array().unwrap().len(), 4);
    assert!(client.get("permissions/users").as_array().unwrap().contains(&json!("Clients.Read")));
    let agent = call("GET", "/LabTech/Agent.aspx", &[], "");
    let reply = client.face.answer(&agent, &client.world);
    assert!(String::from_utf8_lossy(&reply.body).ends_with("||||||240.331"));
    assert_eq!(client.send("GET", "nothing", "").status, 404);
    assert_eq!(client.send("PUT", "clients/1", "{}").status, 405);
    let action = r#"{"EntityType":1,"EntityId":1}"#;
    assert_eq!(client.send("POST", "PatchActions/DeployAllApproved", action).status, 204);
}

#[test]
fn listings_are_named_and_numbered() {
    let client = Client::new();
    let listed = |target: &str| client.face.listing(&call("GET", target, &[], ""));
    let chassis = listed("/cwa/api/v1/computers/chassis?page=3").unwrap();
    assert_eq!((chassis.name.as_str(), chassis.page), ("/cwa/api/v1/Computers/Chassis", 3));
    assert_eq!(chassis.rows, Rows::Bare);
    assert!(listed("/cwa/api/v1/computers/7").is_none());
    assert!(listed("/cwa/api/v1/computers/7/commandexecute?ids=1").is_none());
}

#[test]
fn a_hundred_thousand_computers_are_listed_page_by_page() {
    let client = Client::new();
    {
        let mut world = client.world.write().unwrap();
        let pattern = world.automate.computers[0].clone();
        world.automate.computers = (1..=100_000)
            .map(|id| crate::world::AutomateComputer { id, ..pattern.clone() })
            .collect();
    }
    let started = std::time::Instant::now();
    let mut count = 0;
    for page in 1.. {
        let target = format!("computers?page={page}&pagesize=1000&includefields=Id,Status");
        let rows = client.get(&target);
        let rows = rows.as_array().unwrap();
        if rows.is_empty() {
            break;
        }
        count += rows.len();
    }
    assert_eq!(count, 100_000);
    // Minutes if every page cost the whole list's rows; this is some seconds even unoptimised.
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}
