//! Scripts that change machines, over HTTP and through both RMMs, judged by the estate.

#![allow(clippy::unwrap_used)] // Helpers of tests are not seen as tests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mocks::generate::generate;
use mocks::server::{Mocks, Running, ServeConfig};
use mocks::world::Options;
use serde_json::{Value, json};

const INSTALL: &str = "Invoke-WebRequest -Uri 'https://packages.example/7z2408-x64.msi' -OutFile \"$env:TEMP\\7z.msi\"
$p = Start-Process msiexec.exe -ArgumentList '/i', \"$env:TEMP\\7z.msi\", '/qn', '/norestart' -Wait -PassThru
\"exit $($p.ExitCode)\"";

struct Estate {
    running: Running,
    found: Value,
    client: reqwest::Client,
    token: String,
    /// A machine that is on and in both RMMs: its number, computer and session.
    machine: (usize, u64, String),
}

impl Estate {
    async fn new() -> Self {
        let options =
            Options { seed: 5, computers: 200, command_latency_ms: (10, 20), ..Options::default() };
        let running = Mocks::start(generate(&options), ServeConfig::default()).await.unwrap();
        let machine = {
            let world = running.world();
            let world = world.read().unwrap();
            let both = |m: &mocks::world::Machine| {
                m.online && !m.stray && m.automate_row.is_some() && m.control_row.is_some()
            };
            let no = world.machines.iter().position(both).unwrap();
            let computer = world.automate.computers[world.machines[no].automate_row.unwrap()].id;
            let session = world.control.sessions[world.machines[no].control_row.unwrap()].id;
            (no, computer, session.to_string())
        };
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let found = running.discovery();
        let mut estate = Self { found, running, client, token: String::new(), machine };
        let user = json!({"UserName": estate.of("cw-automate", "username"), "Password": estate.of("cw-automate", "password")});
        let answer = estate.automate(reqwest::Method::POST, "apitoken", Some(user)).await;
        estate.token = answer["AccessToken"].as_str().unwrap().to_owned();
        let gone = json!({"machine": estate.machine.0, "name": "7-Zip 24.08 (x64 edition)"});
        // Whether it was there or not, it is not now.
        estate.post("remove_software", gone).await;
        estate
    }

    fn of(&self, face: &str, field: &str) -> String {
        self.found["faces"][face][field].as_str().unwrap().to_owned()
    }

    async fn automate(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/cwa/api/v1/{path}", self.of("cw-automate", "url"));
        let mut request = self
            .client
            .request(method, url)
            .header("clientId", self.of("cw-automate", "client_id"));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let bytes = request.send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    async fn control(&self, method: &str, arguments: Value) -> Value {
        let url = format!(
            "{}/App_Extensions/2d558935-686a-4bd0-9991-07539f5fe749/Service.ashx/{method}",
            self.of("cw-control", "url")
        );
        let request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            .body(arguments.to_string());
        let request = request.header("CTRLAuthHeader", self.of("cw-control", "secret"));
        let bytes = request.send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    async fn post(&self, change: &str, fields: Value) -> u16 {
        let url = format!("{}/_estate/{change}", self.found["estate"].as_str().unwrap());
        self.client.post(url).body(fields.to_string()).send().await.unwrap().status().as_u16()
    }

    async fn get(&self, what: &str) -> Value {
        let url = format!("{}/_estate/{what}", self.found["estate"].as_str().unwrap());
        let bytes = self.client.get(url).send().await.unwrap().bytes().await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    async fn state(&self) -> Value {
        self.get(&format!("machine?machine={}", self.machine.0)).await
    }

    async fn send_automate(&self, script: &str) -> u64 {
        let wire: Vec<u8> = script.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let line =
            format!("powershell.exe!!! -NoProfile -EncodedCommand {}", STANDARD.encode(wire));
        let body =
            json!({"ComputerId": self.machine.1, "Command": {"Id": 2}, "Parameters": [line]});
        let path = format!("Computers/{}/CommandExecute", self.machine.1);
        self.automate(reqwest::Method::POST, &path, Some(body)).await["Id"].as_u64().unwrap()
    }

    async fn row(&self, command: u64) -> Value {
        let path = format!("Computers/{}/CommandExecute/{command}", self.machine.1);
        self.automate(reqwest::Method::GET, &path, None).await
    }

    async fn ran(&self) -> Vec<String> {
        let details = self.control("GetSessionDetailsBySessionID", json!([self.machine.2])).await;
        let events = details["Events"].as_array().unwrap().iter();
        events
            .filter(|e| e["EventType"] == 70)
            .map(|e| e["Data"].as_str().unwrap().to_owned())
            .collect()
    }

    fn pass(&self, seconds: i64) {
        self.running.world().write().unwrap().clock_ahead += seconds;
    }
}

fn installs(state: &Value, package: &str) -> Vec<Value> {
    let runs = state["state"]["installers"].as_array().unwrap().iter();
    runs.filter(|run| run["package"] == package).map(|run| run["exit"].clone()).collect()
}

#[tokio::test]
async fn software_is_installed_through_either_rmm_and_counted() {
    let estate = Estate::new().await;
    let command = estate.send_automate(INSTALL).await;
    assert_eq!(estate.row(command).await["Output"], Value::Null);
    assert_eq!(installs(&estate.state().await, "7zip-24.08"), [Value::Null; 0], "it has not begun");
    estate.pass(30);
    let state = estate.state().await;
    assert_eq!(installs(&state, "7zip-24.08"), [json!(0)], "nobody has asked for the result yet");
    let row = estate.row(command).await;
    assert_eq!((&row["Status"], &row["Output"]), (&json!("Success"), &json!("exit 0")));
    let text = format!("#!ps\n#timeout=600000\n{INSTALL}");
    estate.control("SendCommandToSession", json!([estate.machine.2, text])).await;
    assert!(estate.ran().await.is_empty());
    estate.pass(30);
    assert_eq!(estate.ran().await, ["exit 0"]);
    let state = estate.state().await;
    assert_eq!(installs(&state, "7zip-24.08"), [json!(0), json!(0)], "the second one is seen");
    let software = estate.get("software").await;
    let row =
        software.as_array().unwrap().iter().find(|row| row["no"] == estate.machine.0).unwrap();
    let there = row["software"].as_array().unwrap().iter();
    assert_eq!(there.filter(|row| row["name"] == "7-Zip 24.08 (x64 edition)").count(), 1);
}

#[tokio::test]
async fn two_rmms_at_once_find_windows_installer_busy() {
    let estate = Estate::new().await;
    let long = INSTALL.replace("7z2408-x64", "SentinelInstaller_x64_24_1");
    estate.send_automate(&long).await;
    estate.pass(30);
    let text = format!("#!ps\n#timeout=600000\n{INSTALL}");
    estate.control("SendCommandToSession", json!([estate.machine.2, text])).await;
    estate.ran().await;
    estate.pass(10);
    assert_eq!(estate.ran().await, ["exit 1618"]);
}

#[tokio::test]
async fn a_machine_that_goes_off_in_the_middle_never_answers() {
    let estate = Estate::new().await;
    let fault =
        json!({"machine": estate.machine.0, "package": "7zip-24.08", "trouble": {"takes": 300}});
    assert_eq!(estate.post("install_fault", fault).await, 200);
    let command = estate.send_automate(INSTALL).await;
    estate.pass(60);
    assert_eq!(estate.post("power", json!({"machine": estate.machine.0, "on": false})).await, 200);
    estate.pass(600);
    assert_eq!(estate.post("power", json!({"machine": estate.machine.0, "on": true})).await, 200);
    estate.pass(600);
    let row = estate.row(command).await;
    assert_eq!((&row["Status"], &row["Output"]), (&json!("Executing"), &Value::Null));
    assert_eq!(
        installs(&estate.state().await, "7zip-24.08"),
        [Value::Null],
        "begun once, never ended"
    );
}

#[tokio::test]
async fn a_reboot_is_seen_by_both_rmms_and_kept_with_its_time() {
    let estate = Estate::new().await;
    let cause = json!({"machine": estate.machine.0, "cause": "updates", "clears": true});
    assert_eq!(estate.post("pending_reboot", cause).await, 200);
    estate.send_automate("Restart-Computer -Force").await;
    estate.pass(10);
    assert_eq!(estate.state().await["online"], false);
    estate.pass(120);
    let state = estate.state().await;
    assert_eq!(state["online"], true);
    assert_eq!(state["state"]["reboots"].as_array().unwrap().len(), 1);
    assert_eq!(state["state"]["pending"], json!([]));
}

#[tokio::test]
async fn packages_have_the_hash_of_what_is_served_until_that_is_spoilt() {
    use sha2::{Digest, Sha256};
    let estate = Estate::new().await;
    let packages = estate.get("packages").await;
    let package =
        packages.as_array().unwrap().iter().find(|p| p["id"] == "7zip-24.08").unwrap().clone();
    let url =
        format!("{}/_estate/package/7z2408-x64.msi", estate.found["estate"].as_str().unwrap());
    let mut hashes = Vec::new();
    for trouble in [json!(null), json!("corrupt")] {
        let fields = json!({"file": "7z2408-x64.msi", "trouble": trouble});
        assert_eq!(estate.post("download_fault", fields).await, 200);
        let bytes = estate.client.get(&url).send().await.unwrap().bytes().await.unwrap();
        hashes.push(Sha256::digest(&bytes).iter().map(|b| format!("{b:02X}")).collect::<String>());
    }
    assert_eq!(package["sha256"], json!(hashes[0]));
    assert_ne!(hashes[0], hashes[1]);
    let unknown = json!({"package": "nothing", "trouble": "hangs"});
    assert_eq!(estate.post("install_fault", unknown).await, 400);
}
