//! The four faces together, over HTTP, as the discovery document says to use them: whatever the
//! faults do to the order of rows, a patient reader gets every row of the truth.

#![allow(clippy::unwrap_used)] // Helpers of tests are not seen as tests.

use std::collections::BTreeSet;

use mocks::faults::{Fault, Rule, When};
use mocks::generate::generate;
use mocks::server::{Mocks, Running, ServeConfig};
use mocks::truth::{Truth, truth};
use mocks::vendor::Face;
use mocks::world::Options;
use serde_json::{Value, json};

struct Reader {
    running: Running,
    found: Value,
    client: reqwest::Client,
}

impl Reader {
    async fn new(rules: Vec<Rule>) -> Self {
        let options = Options { seed: 5, computers: 600, delta_page: 40, ..Options::default() };
        let config = ServeConfig { rules, ..ServeConfig::default() };
        let running = Mocks::start(generate(&options), config).await.unwrap();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { found: running.discovery(), running, client }
    }

    fn truth(&self) -> Truth {
        let world = self.running.world();
        let world = world.read().unwrap();
        truth(&world, world.now())
    }

    fn of(&self, face: &str, field: &str) -> String {
        self.found["faces"][face][field].as_str().unwrap().to_owned()
    }

    async fn form(&self, url: &str, form: &[(&str, &str)]) -> Value {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let request = self.client.post(url).body(body.finish());
        let kind = "application/x-www-form-urlencoded";
        self.send(request.header("content-type", kind)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Value {
        let answer = request.send().await.unwrap();
        let (url, status) = (answer.url().clone(), answer.status());
        let body = answer.bytes().await.unwrap();
        assert!(status.is_success(), "{url}: {status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap()
    }

    async fn graph_users(&self, directory: &str) -> Vec<String> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.of("azure-ad", "client_id")),
            ("client_secret", &self.of("azure-ad", "client_secret")),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let base = self.of("azure-ad", "url");
        let token = self.form(&format!("{base}/{directory}/oauth2/v2.0/token"), &form).await;
        let token = token["access_token"].as_str().unwrap().to_owned();
        let mut url = Some(format!("{base}/v1.0/users/delta?$select=id,userPrincipalName"));
        let mut ids = Vec::new();
        while let Some(next) = url {
            let page = self.send(self.client.get(next).bearer_auth(&token)).await;
            ids.extend(page["value"].as_array().unwrap().iter().map(|row| text(&row["id"])));
            url = page["@odata.nextLink"].as_str().map(str::to_owned);
        }
        ids
    }

    /// Pages by number until an empty one.
    async fn numbered(&self, token: &str, url: &str, key: Option<&str>, page: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for number in 1.. {
            let url = format!("{url}{page}={number}");
            // Automate wants the integrator's id on every call; HaloPSA does not mind it.
            let client_id = self.of("cw-automate", "client_id");
            let request = self.client.get(url).bearer_auth(token).header("clientId", client_id);
            let answer = self.send(request).await;
            let rows = key.map_or(&answer, |key| &answer[key]).as_array().unwrap().clone();
            if rows.is_empty() {
                return ids;
            }
            ids.extend(rows.iter().map(|row| text(row.get("id").unwrap_or(&row["Id"]))));
        }
        ids
    }

    async fn automate_computers(&self) -> Vec<String> {
        let base = format!("{}/cwa/api/v1", self.of("cw-automate", "url"));
        let user = json!({
            "UserName": self.of("cw-automate", "username"),
            "Password": self.of("cw-automate", "password"),
        });
        let request = self.client.post(format!("{base}/apitoken")).body(user.to_string());
        let client_id = self.of("cw-automate", "client_id");
        let request = request.header("content-type", "application/json");
        let token = text(&self.send(request.header("clientId", client_id)).await["AccessToken"]);
        self.numbered(&token, &format!("{base}/Computers?pageSize=50&"), None, "page").await
    }

    async fn halo_assets(&self) -> Vec<String> {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &self.of("halopsa", "client_id")),
            ("client_secret", &self.of("halopsa", "client_secret")),
            ("scope", "all"),
        ];
        let token = self.form(&format!("{}/token", self.of("halopsa", "auth_url")), &form).await;
        let url = format!("{}/Asset?pageinate=true&page_size=50&", self.of("halopsa", "api_url"));
        let token = text(&token["access_token"]);
        self.numbered(&token, &url, Some("assets"), "page_no").await
    }

    async fn control_sessions(&self) -> Vec<String> {
        let url = format!(
            "{}/App_Extensions/2d558935-686a-4bd0-9991-07539f5fe749/Service.ashx/GetSessionsByFilter",
            self.of("cw-control", "url")
        );
        let request = self.client.post(url).body(r#"["SessionType = 'Access'"]"#);
        let request = request.header("content-type", "application/json");
        let origin = self.of("cw-control", "url");
        let request = request.header("origin", origin);
        let rows =
            self.send(request.header("CTRLAuthHeader", self.of("cw-control", "secret"))).await;
        rows.as_array().unwrap().iter().map(|row| text(&row["SessionID"])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn agents(truth: &Truth, kind: &str) -> BTreeSet<String> {
    let on = truth.computers.iter().flat_map(|c| &c.agents).filter(|a| a.kind == kind);
    let unlinked = truth.unlinked_agents.iter().filter(|(k, _)| k == kind);
    on.map(|a| a.id.clone()).chain(unlinked.map(|(_, id)| id.clone())).collect()
}

async fn everything(reader: &Reader) {
    let truth = reader.truth();
    let largest = truth.tenants.iter().max_by_key(|tenant| {
        let first = &tenant.clients.get("azure-ad").and_then(|d| d.first());
        truth.persons.iter().filter(|p| Some(&p.directory.to_string()) == *first).count()
    });
    let directory = &largest.unwrap().clients["azure-ad"][0];
    let people = truth.persons.iter().filter(|p| p.directory.to_string() == *directory);
    let people: BTreeSet<String> = people.map(|p| p.id.to_string()).collect();
    assert!(people.len() > 80, "more than two pages");
    let set = |ids: Vec<String>| ids.into_iter().collect::<BTreeSet<String>>();
    assert_eq!(set(reader.graph_users(directory).await), people);
    assert_eq!(set(reader.automate_computers().await), agents(&truth, "cw-automate"));
    assert!(set(reader.halo_assets().await).len() > 200);
    let sessions = set(reader.control_sessions().await);
    let missing: Vec<String> =
        agents(&truth, "cw-control").difference(&sessions).cloned().collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[tokio::test]
async fn a_reader_finds_the_truth() {
    everything(&Reader::new(Vec::new()).await).await;
}

#[tokio::test]
async fn rows_that_move_or_come_twice_are_not_lost() {
    let every = |fault| Rule { fault, face: None, path: None, when: When::Every(2), times: None };
    let quiet = Reader::new(Vec::new()).await;
    let assets: BTreeSet<String> = quiet.halo_assets().await.into_iter().collect();
    for fault in [Fault::MovedRow, Fault::DuplicateRow, Fault::UnknownFields, Fault::Nulls] {
        let reader = Reader::new(vec![every(fault)]).await;
        everything(&reader).await;
        assert_eq!(reader.halo_assets().await.into_iter().collect::<BTreeSet<_>>(), assets);
        let fired = reader.running.fired();
        let on = |face| fired.iter().any(|f| f.face == face && f.times > 0);
        assert!(on(Face::Graph) && on(Face::Automate) && on(Face::Halo), "{fault:?}: {fired:?}");
    }
}

#[tokio::test]
async fn tokens_that_are_revoked_are_refused_and_new_ones_are_good() {
    let reader = Reader::new(Vec::new()).await;
    everything(&reader).await;
    for face in [Face::Graph, Face::Automate, Face::Control, Face::Halo] {
        reader.running.revoke(face);
    }
    everything(&reader).await;
}
