//! What the API asks and does of the hub itself, beside what the commands say on the same database.

use std::time::{Duration, Instant};

use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_store::{Attempt, ModelChange, NewDelivery, Store, WebhookState};
use mocks::estate::Change;
use mocks::faults::{Fault, Rule, When};
use mocks::smtp::{Smtp, Tls};
use mocks::vendor::Face;
use serde_json::{Value, json};

use super::service::Service;
use super::site;
use super::writing::send;
use crate::commands::site::Site;

const QUIET: &str = "\n[schedule]\nincremental = \"off\"\nfull = \"off\"\ncollect = \"off\"\n\
                     push = \"off\"\nsubscribe = \"off\"\n";
/// HaloPSA is the last connection of the file, and these lines are its.
const PUSH: &str = "\n[connection.push]\nenabled = true\nfields = { \"SMBIOS UUID\" = \"uuid\" }\n";

/// A service and a token of an operator.
struct Hub {
    service: Service,
    token: String,
}

impl Hub {
    fn start(site: &Site, name: &str) -> Self {
        let made = site.run(&["token", "create", name, "--role", "operator"]).ended(0);
        let service = Service::start(site, &[]);
        service.wait_for(|line| line["message"] == "the daemon works");
        Self { service, token: made.out.trim_end().to_owned() }
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        let (code, answer) = self.service.get_as(path, &self.token);
        assert_eq!(code, 200, "{path}: {answer}");
        answer
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.service.post_as(path, &self.token, &body.to_string())
    }

    /// Asks for something that takes long, and gives how it ended.
    #[track_caller]
    fn job(&self, path: &str, body: &Value) -> Value {
        let (code, asked) = self.post(path, body);
        assert_eq!((code, &asked["state"]), (200, &"waiting".into()), "{path}: {asked}");
        self.ended(asked["job"].as_str().unwrap())
    }

    #[track_caller]
    fn ended(&self, id: &str) -> Value {
        let began = Instant::now();
        loop {
            let job = self.get(&format!("/v1/jobs/{id}"));
            if !job["ended"].is_null() {
                return job;
            }
            assert!(began.elapsed() < Duration::from_secs(90), "{job}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The same, of something that is done.
    #[track_caller]
    fn done(&self, path: &str, body: &Value) -> Value {
        let job = self.job(path, body);
        assert_eq!(job["state"], "done", "{job}");
        job["result"].clone()
    }

    fn stop(self) -> Vec<Value> {
        self.service.signal("TERM");
        let (code, lines) = self.service.end();
        assert_eq!(code, 0, "{lines:#?}");
        lines
    }
}

async fn store(site: &Site) -> Store {
    Store::open(site.place.path().join("hub.db").to_str().unwrap()).await.unwrap()
}

fn faulty(fault: Fault, face: Face, path: Option<&str>) -> Rule {
    let path = path.map(str::to_owned);
    Rule { fault, face: Some(face), path, when: When::Always, times: None }
}

/// The user of an asset in Halo, as a human sets it.
fn set_user(site: &Site, asset: &str, user: i64) {
    let world = site.running.world();
    let mut world = world.write().unwrap();
    let (version, now) = (world.next_version(), world.now());
    let row = world.halo.assets.iter_mut().find(|row| row.id.to_string() == asset).unwrap();
    row.users = vec![user];
    (row.mark.changed, row.mark.modified) = (version, now);
}

fn users_of(site: &Site, asset: &str) -> Vec<i64> {
    let world = site.running.world();
    let world = world.read().unwrap();
    let row = world.halo.assets.iter().find(|row| row.id.to_string() == asset).unwrap();
    row.users.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hub_writes_back_is_tried_done_retried_and_insisted_on_over_the_api() {
    let (site, text) = site(60, 42, "").await;
    let settings = format!(
        "{}{PUSH}\n[server]\nlisten = \"127.0.0.1:0\"\n{QUIET}",
        text.replace(super::SERVER, "")
    );
    site.place.write("linchpin.toml", &settings);
    site.run(&["sync"]).ended(0);
    let hub = Hub::start(&site, "one");
    for (body, word) in [
        (json!({ "connections": ["cw-control"] }), "did not opt in"),
        (json!({ "connections": ["nobody"] }), "no connection `nobody`"),
    ] {
        let (code, refused) = hub.post("/v1/pushes", &body);
        assert_eq!(code, 400, "{refused}");
        assert!(refused["detail"].as_str().unwrap().contains(word), "{refused}");
    }

    // A dry run says what the command says, and writes nothing.
    let dry = hub.done("/v1/pushes", &json!({ "dry_run": true }));
    let mut by_command = site.run(&["push", "--dry-run", "--json"]).ended(0).json();
    let whole = by_command.pop().unwrap();
    assert_eq!(dry["items"], json!(by_command));
    assert_eq!(dry["connections"], json!([whole]));
    let to_write = whole["written"].as_u64().unwrap();
    assert!(to_write > 10, "{whole}");

    let done = hub.done("/v1/pushes", &json!({}));
    assert_eq!(done["connections"][0]["written"], to_write, "{done}");
    assert_eq!(done["connections"][0]["dry_run"], false);
    let again = site.run(&["push", "--dry-run", "--json"]).ended(0).json();
    assert_eq!(again.last().unwrap()["written"], 0, "{again:?}");
    let (code, nothing) = hub.post("/v1/pushes/retry", &json!({}));
    assert_eq!((code, &nothing["retried"]), (200, &0.into()), "{nothing}");

    conflicts_and_failures(&site, &hub, &done);
    hub.stop();
}

/// A human changes what the hub wrote; what insists on it fails first.
fn conflicts_and_failures(site: &Site, hub: &Hub, done: &Value) {
    let written = done["items"].as_array().unwrap().iter();
    let written = written.filter(|item| item["outcome"] == "written");
    let keys: Vec<&str> = written.map(|item| item["object"].as_str().unwrap()).collect();
    let other = site.running.world().read().unwrap().halo.users[0].id;
    let mut used = keys.iter().filter(|key| users_of(site, key).len() == 1);
    // Where the hub does not know who should be there, whoever is there is right.
    let (key, ours) = loop {
        let key = *used.next().unwrap();
        let ours = users_of(site, key);
        set_user(site, key, other);
        let pushed = hub.done("/v1/pushes", &json!({ "full": true }));
        if pushed["connections"][0]["conflicts"] == 1 {
            break (key, ours);
        }
        set_user(site, key, ours[0]);
    };
    let conflicts = hub.get("/v1/pushes/conflicts");
    let by_command = site.run(&["push", "conflicts", "--json"]).ended(0).json();
    assert_eq!(conflicts["items"], json!(by_command));
    assert_eq!(conflicts["items"][0]["object"], key);
    assert_eq!(hub.get("/v1/pushes/conflicts?connection=cw-control")["items"], json!([]));
    let wrong = json!({ "connection": "halopsa", "object": "999999" });
    assert_eq!(hub.post("/v1/pushes/overrule", &wrong).0, 400);

    site.running.set_faults(vec![faulty(Fault::Forbidden, Face::Halo, Some("/api/Asset"))]);
    let right = json!({ "connection": "halopsa", "object": key });
    let insisted = hub.done("/v1/pushes/overrule", &right);
    assert_eq!(insisted["connections"][0]["failed"], 1, "{insisted}");
    assert_eq!(users_of(site, key), [other]);
    let failures = hub.get("/v1/pushes/failures");
    let by_command = site.run(&["push", "failures", "--json"]).ended(0).json();
    assert_eq!(failures["items"], json!(by_command));
    assert_eq!(failures["items"][0]["object"], key, "{failures}");

    site.running.set_faults(Vec::new());
    let (code, retried) = hub.post("/v1/pushes/retry", &json!({ "connections": ["halopsa"] }));
    assert_eq!((code, &retried["retried"]), (200, &1.into()), "{retried}");
    let retried = hub.ended(retried["job"].as_str().unwrap());
    assert_eq!(retried["result"]["connections"][0]["written"], 1, "{retried}");
    assert_eq!(users_of(site, key), ours);
    for open in ["failures", "conflicts"] {
        assert_eq!(hub.get(&format!("/v1/pushes/{open}"))["items"], json!([]));
        assert!(site.run(&["push", open, "--json"]).ended(0).json().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_deletions_are_listed_and_accepted_and_the_model_is_proven_over_the_api() {
    let (site, _) = site(120, 17, QUIET).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let hub = Hub::start(&site, "one");
    site.change(&Change::RemoveShareOfMachines { share: 0.7 });

    // What a sync would do is what the command says it would.
    let body = json!({ "connections": ["cw-control"], "stream": "sessions" });
    let dry = hub.done("/v1/syncs/dry-run", &body);
    let arguments = ["sync", "cw-control", "--stream", "sessions", "--dry-run", "--json"];
    assert_eq!(dry["items"], json!(site.run(&arguments).ended(0).json()));
    assert!(dry["items"][0]["counts"]["unlisted"].as_u64().unwrap() > 25, "{dry}");

    assert_eq!(hub.get("/v1/held-deletions")["items"], json!([]));
    let accept = json!({ "connection": "cw-control" });
    assert_eq!(hub.post("/v1/held-deletions/accept", &accept).0, 409);
    let wrong = json!({ "connection": "cw-control", "stream": "session" });
    assert_eq!(hub.post("/v1/syncs", &wrong).0, 400);
    let sync = json!({ "connection": "cw-control", "stream": "sessions", "full": true });
    assert_eq!(hub.post("/v1/syncs", &sync).0, 200);
    hub.service.wait_for(|line| {
        line["message"] == "a job is done" && line["job"] == "full cw-control sessions"
    });
    let held = hub.get("/v1/held-deletions")["items"].clone();
    let status = site.run(&["status", "--json"]).ended(0).json().remove(0);
    let control = status["connections"].as_array().unwrap().iter();
    let control = control.into_iter().find(|one| one["name"] == "cw-control").unwrap();
    let of_status = &control["streams"][0]["held"];
    for field in ["count", "since", "sample"] {
        assert_eq!(held[0][field], of_status[field], "{field}");
    }
    assert_eq!(held.as_array().map(Vec::len), Some(1));
    let live = control["streams"][0]["live"].as_u64().unwrap();
    let count = held[0]["count"].as_u64().unwrap();

    let run = hub.get("/v1/runs?connection=cw-control&limit=1")["items"][0].clone();
    let id = run["id"].as_str().unwrap();
    let by_command = site.run(&["runs", id, "--json"]).ended(0).json().remove(0);
    assert_eq!(hub.get(&format!("/v1/runs/{id}")), by_command);
    assert_eq!((&run["outcome"], &run["counts"]["held"]), (&"held".into(), &count.into()));
    assert_eq!(hub.service.get_as("/v1/runs/run_none", &hub.token).0, 404);

    // What was not looked at is not accepted.
    let other = json!({ "connection": "cw-control", "count": count + 1 });
    let (code, refused) = hub.post("/v1/held-deletions/accept", &other);
    assert_eq!(code, 409, "{refused}");
    let accept = json!({ "connection": "cw-control", "count": count });
    let accepted = hub.done("/v1/held-deletions/accept", &accept);
    assert_eq!(accepted["items"][0]["outcome"], "complete", "{accepted}");
    assert_eq!(hub.get("/v1/held-deletions")["items"], json!([]));
    let status = site.run(&["status", "--json"]).ended(0).json().remove(0);
    let control = status["connections"].as_array().unwrap().iter();
    let control = control.into_iter().find(|one| one["name"] == "cw-control").unwrap();
    assert_eq!(control["streams"][0]["live"], live - count, "{control}");
    proven(&site, &hub).await;
    asked(&site, &hub);
    hub.stop();
}

/// The model is what its sources say, is not, and is again.
async fn proven(site: &Site, hub: &Hub) {
    let verify = json!({ "verify": true });
    let verified = hub.done("/v1/rebuilds", &verify);
    let by_command = site.run(&["rebuild", "--verify", "--json"]).ended(0).json().remove(0);
    assert_eq!((&verified["same"], &verified["entities"]), (&true.into(), &by_command["entities"]));
    let store = store(site).await;
    let tenant = site.run(&["list", "tenants", "--json", "--limit", "1"]).json().remove(0);
    let tenant = tenant["id"].as_str().unwrap();
    let nobody = EntityRow {
        kind: EntityKind::Group,
        id: "grp_of_nobody".to_owned(),
        tenant: Some(tenant.to_owned()),
        name: "Nobody's".to_owned(),
        document: json!({ "id": "grp_of_nobody", "tenant": tenant, "name": "Nobody's" })
            .to_string(),
    };
    let (upserts, cause) = (vec![nobody], Cause::Run);
    let now_us = chrono::Utc::now().timestamp_micros();
    let change = ModelChange { upserts, removals: Vec::new(), cause: &cause, cursors: &[], now_us };
    store.apply(change).await.unwrap();
    store.close().await;
    let verified = hub.done("/v1/rebuilds", &verify);
    let by_command = site.run(&["rebuild", "--verify", "--json"]).ended(1).json().remove(0);
    assert_eq!(verified["differences"], by_command["differences"]);
    assert_eq!(verified["differences"][0]["name"], "Nobody's", "{verified}");
    assert_eq!(hub.done("/v1/rebuilds", &json!({}))["changed"], 1);
    site.run(&["rebuild", "--verify"]).ended(0);
    assert_eq!(hub.done("/v1/rebuilds", &verify)["same"], true);
}

/// Connections are signed in to and machines are asked, as the commands do it.
fn asked(site: &Site, hub: &Hub) {
    let checked = hub.done("/v1/checks", &json!({}));
    assert_eq!(checked["items"], json!(site.run(&["check", "--json"]).json()));
    let one = hub.done("/v1/checks", &json!({ "connections": ["halopsa"] }));
    assert_eq!(one["items"].as_array().map(Vec::len), Some(1), "{one}");
    let collected = hub.done("/v1/collections", &json!({ "connections": ["cw-automate"] }));
    assert!(collected["answered"].as_u64().unwrap() > 0, "{collected}");
    // Who answered is not asked again for a day.
    let again = hub.done("/v1/collections", &json!({ "connections": ["cw-automate"] }));
    assert_eq!(again["answered"], 0, "{again}");
}

const RULES: &str = "[[software]]\nname = \"pdf-reader\"\n\n[[task]]\nname = \"disk\"\n\n\
                     [[tag]]\nname = \"vip\"\n\n[[deployment]]\nname = \"reader\"\n\
                     software = \"pdf-reader\"\nstate = \"latest\"\ntarget = \"all\"\n\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_defined_told_and_sent_is_listed_and_mended_over_the_api_as_by_commands() {
    let smtp = Smtp::start(Tls::None, None).await.unwrap();
    let more = format!(
        "{QUIET}\n[mail]\nserver = \"localhost\"\nport = {}\ntls = \"none\"\n\
         from = \"hub@msp.example\"\nto = [\"ana@msp.example\"]\nat_once = false\n\
         digest = \"0 0 1 1 *\"\n\n[[webhook]]\nname = \"hook\"\nurl = \"http://127.0.0.1:9/x\"\n\
         secret = \"whsec_{}\"\ntopics = [\"sessions\"]\n",
        smtp.port(),
        "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="
    );
    let (site, _) = site(40, 91, &more).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let named = site.run(&["list", "computers", "--json"]).ended(0).json();
    let unique = |one: &&Value| named.iter().filter(|two| two["name"] == one["name"]).count() == 1;
    let computer = named.iter().find(unique).unwrap();
    std::fs::create_dir(site.place.path().join("rules")).unwrap();
    let case = |name: &str, outcome: &str| {
        format!(
            "[[expect]]\nname = \"{name}\"\nsubject = {{ computer = {} }}\n\
             software = \"pdf-reader\"\n{outcome}\n\n",
            computer["name"]
        )
    };
    let cases = case("read", "winner = \"reader\"");
    site.place.write("rules/all.toml", &format!("{RULES}{cases}"));
    site.apply("rules");
    // The endpoint is known once a service has begun with it; then it is given up, and so is a delivery.
    let first = Hub::start(&site, "one");
    first.service.wait_for(|_| {
        let listed = site.run(&["webhooks", "--json"]).ended(0).json();
        listed[0]["state"] != "never told"
    });
    first.stop();
    given_up(&site).await;
    let hub = Hub::start(&site, "two");
    defined(&site, &hub, computer);
    won(&hub, &site, computer);
    told(&site, &hub, &smtp);
    hub.stop();
}

/// An endpoint and a delivery are given up.
async fn given_up(site: &Site) {
    let store = store(site).await;
    let known = store.webhook("hook").await.unwrap().unwrap();
    let state = WebhookState { disabled_us: Some(1), error: Some("410".to_owned()), ..known };
    store.put_webhook("hook", &state).await.unwrap();
    let (connection, id) = ("halopsa".to_owned(), "a".to_owned());
    let sent = NewDelivery { connection, id, body: "{\"ticket\":\"x\"}".to_owned() };
    store.add_deliveries(&[sent], 1).await.unwrap();
    let due = store.due_deliveries(i64::MAX, 1).await.unwrap();
    store.attempted(&[(due[0].seq, Attempt::GivenUp("no".to_owned()))], 2).await.unwrap();
    store.close().await;
}

/// The same without its head's times, which say when it was asked.
fn timeless(mut value: Value) -> Value {
    value.as_object_mut().unwrap().retain(|key, _| key != "known_at" && key != "as_of");
    value
}

/// What is defined, and everything about something.
fn defined(site: &Site, hub: &Hub, computer: &Value) {
    for kind in ["software", "tasks", "tags", "deployments", "expectations"] {
        let listed = hub.get(&format!("/v1/{kind}"))["items"].clone();
        assert_eq!(listed, json!(site.run(&["list", kind, "--json"]).ended(0).json()), "{kind}");
        assert_eq!(listed.as_array().map(Vec::len), Some(1), "{kind}: {listed}");
        assert_eq!(hub.get(&format!("/v1/{kind}?name=nothing"))["items"], json!([]));
    }
    for (kind, word, name) in [
        ("software", "software", "pdf-reader"),
        ("tasks", "task", "disk"),
        ("deployments", "deployment", "reader"),
    ] {
        let shown = hub.get(&format!("/v1/{kind}/{name}"));
        let by_command = site.run(&["show", word, name, "--json"]).ended(0).json().remove(0);
        assert_eq!(timeless(shown), timeless(by_command), "{kind}");
        let (code, missing) = hub.service.get_as(&format!("/v1/{kind}/nothing"), &hub.token);
        assert_eq!(code, 404, "{missing}");
    }
    let person = site.run(&["list", "persons", "--json", "--limit", "1"]).ended(0).json().remove(0);
    for (kind, word, id) in [
        ("computers", "computer", &computer["id"]),
        ("persons", "person", &person["id"]),
        ("tenants", "tenant", &computer["tenant"]),
    ] {
        let id = id.as_str().unwrap();
        let story = hub.get(&format!("/v1/{kind}/{id}/story"));
        assert_eq!(story, site.run(&["show", word, id, "--json"]).ended(0).json().remove(0));
    }
    let tried = hub.get("/v1/expectations/results");
    let by_command = site.run(&["expect", "--json"]).ended(0).json().remove(0);
    assert_eq!((&tried["broken"], &tried["items"][0]["holds"]), (&0.into(), &true.into()));
    assert_eq!(timeless(tried["items"][0].clone()), timeless(by_command));
    let groups = hub.get("/v1/connection-groups")["items"].clone();
    let by_command = site.run(&["list", "groups", "--json"]).ended(0).json().into_iter();
    let by_command: Vec<Value> = by_command.filter(|one| one["id"].is_null()).collect();
    assert!(!by_command.is_empty());
    assert_eq!(groups, json!(by_command));
    let connectors = hub.get("/v1/connectors")["items"].clone();
    assert_eq!(connectors, json!(site.run(&["connectors", "--json"]).ended(0).json()));
}

/// Who wins, of one and of all.
fn won(hub: &Hub, site: &Site, computer: &Value) {
    let tenant = computer["tenant"].as_str().unwrap();
    let id = computer["id"].as_str().unwrap();
    for (body, arguments) in [
        (json!({ "subject": id, "onboarding": true }), vec![id, "--onboarding"]),
        (
            json!({ "tenant": tenant, "item": "pdf-reader" }),
            vec!["--tenant", tenant, "--item", "pdf-reader"],
        ),
    ] {
        let (code, winners) = hub.post("/v1/winners", &body);
        assert_eq!(code, 200, "{winners}");
        let arguments = [&["winners", "--json"], &arguments[..]].concat();
        let by_command = site.run(&arguments).ended(0).json();
        let items = winners["items"].as_array().unwrap().clone();
        assert!(!items.is_empty());
        let timeless = |all: Vec<Value>| all.into_iter().map(timeless).collect::<Vec<_>>();
        assert_eq!(timeless(items), timeless(by_command));
    }
    assert_eq!(hub.post("/v1/winners", &json!({})).0, 400);
}

/// Who is told, and what was sent in vain.
fn told(site: &Site, hub: &Hub, smtp: &Smtp) {
    let webhooks = hub.get("/v1/webhooks")["items"].clone();
    assert_eq!(webhooks, json!(site.run(&["webhooks", "--json"]).ended(0).json()));
    assert_eq!(webhooks[0]["state"], "given up", "{webhooks}");
    assert_eq!(hub.post("/v1/webhooks/nobody/enable", &json!({})).0, 404);
    assert_eq!(hub.post("/v1/webhooks/mail/enable", &json!({})).0 / 100, 4);
    assert_eq!(hub.post("/v1/webhooks/hook/enable", &json!({})).0, 200);
    let state = &site.run(&["webhooks", "--json"]).ended(0).json()[0]["state"];
    assert_ne!(state, "given up");

    let deliveries = hub.get("/v1/deliveries");
    assert_eq!(deliveries["items"], json!(site.run(&["deliveries", "--json"]).ended(0).json()));
    assert_eq!(
        (&deliveries["given_up"], &deliveries["items"][0]["error"]),
        (&1.into(), &"no".into())
    );
    let (code, revived) = hub.post("/v1/deliveries/retry", &json!({}));
    assert_eq!((code, &revived["revived"]), (200, &1.into()));
    assert_eq!(hub.get("/v1/deliveries")["given_up"], 0);

    assert_eq!(hub.get("/v1/mail"), site.run(&["mail", "--json"]).ended(0).json().remove(0));
    let sent = hub.done("/v1/mail/test", &json!({}));
    assert_eq!(sent["to"], json!(["ana@msp.example"]), "{sent}");
    assert_eq!(smtp.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_asked_for_is_done_after_a_kill_and_once_for_one_key() {
    let (site, _) = site(40, 92, QUIET).await;
    site.run(&["sync", "--no-ask"]).ended(0);
    let hub = Hub::start(&site, "one");
    site.running.set_faults(vec![faulty(Fault::Slow, Face::Halo, None)]);
    let once = || {
        let headers = format!(
            "Authorization: Bearer {}\r\nContent-Type: application/json\r\nIdempotency-Key: k\r\n",
            hub.token
        );
        let body = json!({ "connections": ["halopsa"] }).to_string();
        let (code, _, body) = send(&hub.service, "/v1/syncs/dry-run", &headers, &body);
        assert_eq!(code, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let asked = once();
    assert_eq!(once(), asked);
    hub.service.wait_for(|line| line["message"] == "what was asked for begins");
    hub.service.signal("KILL");
    let (code, _) = hub.service.end();
    assert_eq!(code, -1);
    site.running.set_faults(Vec::new());
    let hub = Hub::start(&site, "two");
    let job = hub.ended(asked["job"].as_str().unwrap());
    assert_eq!((&job["state"], &job["begun"]), (&"done".into(), &2.into()), "{job}");
    let by_command = site.run(&["sync", "halopsa", "--dry-run", "--json"]).ended(0).json();
    assert_eq!(job["result"]["items"], json!(by_command));
    // In order, and with who asked.
    let listed = hub.get("/v1/jobs");
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(listed["items"][0]["asked_by"], "token one");
    let audit = site.run(&["audit", "--json", "--action", "try-sync"]).ended(0).json();
    assert_eq!((audit.len(), &audit[0]["outcome"]), (1, &"done".into()), "{audit:?}");
    hub.stop();
}
