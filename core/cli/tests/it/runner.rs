//! The hub and a runner, and nothing else: software and files of a machine become what rules say, whoever is killed
//! meanwhile. The machine is a folder with a database of `dpkg` of its own, so that no rights are needed.

use std::time::Duration;

use core_runner::{HubKey, Order, Shell};
use core_store::{NewRunnerCommand, SealingKey, SealingKeys, Store};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::run::Place;

mod machine;
mod schedules;

use machine::{Machine, until};

#[test]
fn a_package_becomes_the_latest_then_a_pinned_version_then_absent_and_a_file_has_its_content() {
    let machine = Machine::new();
    machine.rules("latest", "greetings");
    let (hub, agent, computer) = machine.at_work();
    assert_eq!(machine.installed(), "");
    let out = machine.maintain(&computer);
    assert_eq!(machine.installed(), "2.0", "{out}");
    assert_eq!(std::fs::read_to_string(machine.file("motd")).unwrap(), "greetings\n", "{out}");
    assert_eq!(machine.installs(), 1);

    // Nothing is to be done, and nothing is done; what somebody changed is put right.
    std::fs::write(machine.file("motd"), "tampered\n").unwrap();
    let out = machine.maintain(&computer);
    assert_eq!(machine.installs(), 1, "{out}");
    assert_eq!(std::fs::read_to_string(machine.file("motd")).unwrap(), "greetings\n", "{out}");

    machine.rules("= 1.0", "farewell");
    let out = machine.maintain(&computer);
    assert_eq!(machine.installed(), "1.0", "{out}");
    assert_eq!(std::fs::read_to_string(machine.file("motd")).unwrap(), "farewell\n", "{out}");
    machine.rules("absent", "farewell");
    let out = machine.maintain(&computer);
    assert_eq!(machine.installed(), "", "{out}");
    // A secret got there by standard input alone.
    let secret = std::fs::read_to_string(machine.file("secret")).unwrap();
    assert_eq!(secret, "planted-s3cret");
    assert!(!machine.agent_files_hold("planted-s3cret"));
    drop((agent, hub));
}

#[test]
fn a_session_ends_as_it_would_have_when_the_agent_and_the_hub_are_killed_in_its_middle() {
    let machine = Machine::new();
    machine.slow();
    machine.rules("latest", "greetings");
    let (hub, agent, computer) = machine.at_work();
    let session = machine.ask(&computer);
    until("the install has begun", || machine.begun() == 1);
    agent.kill();
    std::thread::sleep(Duration::from_millis(500));
    let agent = machine.run_agent();
    let state = machine.ended(&session);
    assert_eq!(state, "succeeded", "{}", machine.told(&session));
    assert_eq!((machine.installed().as_str(), machine.begun(), machine.installs()), ("2.0", 1, 1));

    machine.rules("= 1.0", "greetings");
    let session = machine.ask(&computer);
    until("the install has begun", || machine.begun() == 2);
    hub.kill();
    std::thread::sleep(Duration::from_millis(500));
    let hub = machine.serve();
    let state = machine.ended(&session);
    assert_eq!(state, "succeeded", "{}", machine.told(&session));
    assert_eq!((machine.installed().as_str(), machine.begun(), machine.installs()), ("1.0", 2, 2));
    drop((agent, hub));
}

/// Puts a command into the store as whoever can write there could.
async fn plant(store: &Store, key: Option<&HubKey>, order: Order, queued: &str) -> String {
    let run = order.run.to_string();
    let not_after_us = (order.not_after_s + 3600) * 1_000_000;
    let (order, signature) = match key {
        Some(key) => key.sign(order, queued, None),
        None => (order, String::new()),
    };
    let document = json!({ "order": order, "signature": signature }).to_string();
    let new = NewRunnerCommand {
        run: &run,
        runner: queued_for(store).await.leak(),
        document: &document,
        text: queued,
        input: None,
        not_after_us,
        output_limit: 1000,
        now_us: chrono::Utc::now().timestamp_micros(),
    };
    let keys = SealingKeys::new(SealingKey::parse(&SealingKey::text([1; 32])).unwrap(), Vec::new());
    assert!(store.queue_runner_command(&keys, &new).await.unwrap());
    run
}

async fn queued_for(store: &Store) -> String {
    store.runners().await.unwrap()[0].id.clone()
}

async fn came(store: &Store, run: &str) -> Value {
    for _ in 0..600 {
        let command = store.runner_command(run).await.unwrap().unwrap();
        if let Some(outcome) = command.outcome {
            return serde_json::from_str(&outcome).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing came of {run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hub_did_not_sign_for_this_runner_now_and_once_is_refused_though_the_store_holds_it()
 {
    let machine = Machine::new();
    let hub = machine.serve();
    machine.enrol();
    let agent = machine.run_agent();
    let store = machine.store().await;
    let runner: Uuid = queued_for(&store).await.parse().unwrap();
    let key = machine.signing_key(&store).await;
    let order = || Order {
        runner,
        run: Uuid::new_v4(),
        shell: Shell::Sh,
        text_sha256: String::new(),
        stdin_sha256: None,
        limit_s: 20,
        output_limit: 1000,
        not_after_s: chrono::Utc::now().timestamp() + 60,
    };
    let trace = machine.file("trace");
    let text = format!("echo ran >>{}", trace.display());
    let ran = || std::fs::read_to_string(&trace).unwrap_or_default().lines().count();
    let refused = |outcome: &Value, why: &str| {
        assert_eq!(outcome["came"], "refused", "{outcome}");
        assert!(outcome["why"].as_str().unwrap().contains(why), "{outcome}");
    };
    let run = plant(&store, None, order(), &text).await;
    refused(&came(&store, &run).await, "not signed");
    let other = HubKey::parse(&HubKey::text([9; 32])).unwrap();
    let run = plant(&store, Some(&other), order(), &text).await;
    refused(&came(&store, &run).await, "not signed");
    let foreign = Order { runner: Uuid::from_u128(3), ..order() };
    let run = plant(&store, Some(&key), foreign, &text).await;
    refused(&came(&store, &run).await, "for the runner");
    let expired = Order { not_after_s: chrono::Utc::now().timestamp() - 5, ..order() };
    let run = plant(&store, Some(&key), expired, &text).await;
    refused(&came(&store, &run).await, "clock says");
    assert_eq!(ran(), 0);

    let once = order();
    let run = plant(&store, Some(&key), once.clone(), &text).await;
    assert_eq!(came(&store, &run).await["came"], "finished");
    assert_eq!(ran(), 1);
    // The runner hears that the hub knows.
    tokio::time::sleep(Duration::from_millis(500)).await;
    store.forget_runner_commands(i64::MAX).await.unwrap();
    agent.kill();
    let agent = machine.run_agent();
    let run = plant(&store, Some(&key), once, &text).await;
    refused(&came(&store, &run).await, "begun before");
    assert_eq!(ran(), 1);

    // Who is removed gets nothing any more, and is told so.
    let id = runner.to_string();
    machine.linchpin(&["runners", "remove", &id[..8]]).ended(0);
    let (code, said) = machine.post("/runner/poll", &machine.agent_key(), "{}");
    assert_eq!((code, &said["title"]), (401, &"The runner is not known".into()), "{said}");
    drop((agent, hub));
}

#[test]
fn a_token_enrols_so_many_machines_until_its_end_and_no_token_is_another() {
    let machine = Machine::new();
    let hub = machine.serve();
    let token = machine.token(&[]);
    machine.enrol_with(&token, "one").ended(0);
    machine.enrol_with(&token, "one").ended(2).complained(&["holds an enrolment already"]);
    machine.enrol_with(&token, "two").ended(1).complained(&["as often as it may be"]);
    let token = machine.token(&["--uses", "2"]);
    machine.enrol_with(&token, "three").ended(0);
    let expired = machine.expired_token();
    machine.enrol_with(&expired, "four").ended(1).complained(&["has expired"]);
    let token = machine.token(&[]);
    let id = machine.tokens().last().unwrap()["token"].as_str().unwrap().to_owned();
    machine.linchpin(&["runners", "revoke", &id]).ended(0);
    machine.enrol_with(&token, "five").ended(1).complained(&["has expired, or was revoked"]);
    machine.enrol_with("lpe_AAAA", "six").ended(1).complained(&["no such enrolment token"]);
    machine.enrol_with("", "seven").ended(2).complained(&["standard input is empty"]);
    let states: Vec<Value> = machine.tokens().iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["used up", "holds", "expired", "revoked"]);
    assert_eq!(machine.linchpin(&["runners", "--json"]).ended(0).json().len(), 2);
    machine.linchpin(&["runners", "--tokens"]).ended(0).readable();

    // A runner's key opens no route of a user, a user's token none of a runner, and neither is told which exist.
    let user = machine.linchpin(&["token", "create", "boss", "--role", "admin"]).ended(0).out;
    for path in ["/runner/poll", "/runner/output/x", "/runner/done/x", "/runner/enrol"] {
        for bearer in ["", user.trim(), "lpr_AAAA"] {
            assert_eq!(machine.post(path, bearer, "{}").0, 401, "{path} {bearer}");
        }
    }
    let key = machine.key_of("one");
    assert_eq!(machine.post("/v1/tokens", &key, "{}").0, 401);
    assert_eq!(machine.post("/runner/enrol", &key, "{}").0, 401);
    let nobodys = format!("/runner/done/{}", Uuid::nil());
    let over = r#"{"outcome":{"came":"timed_out","after_s":1}}"#;
    assert_eq!(machine.post(&nobodys, &key, over).0, 404);
    assert_eq!(machine.post("/runner/poll", &key, r#"{"protocol":99,"room":1,"wait_s":0}"#).0, 400);
    assert_eq!(machine.announce("/runner/poll", &key, 200_000), 413);
    drop(hub);
}

#[test]
fn without_a_connection_of_runners_nobody_enrols_and_without_a_key_no_token_is_made() {
    let place = Place::with("[hub]\ndatabase = \"sqlite://hub.db\"\n");
    let token = ["runners", "token", "--new-tenant", "Acme"];
    place.run(&token).refused(&["no enabled connection is of kind `runner`", "[[connection]]"]);
    let one =
        "[hub]\ndatabase = \"sqlite://hub.db\"\n[[connection]]\nname = \"a\"\nkind = \"runner\"\n";
    let place = Place::with(one);
    place.run(&token).refused(&["there is no key to seal with"]);
    let place = Place::with(&format!("{one}[[connection]]\nname = \"b\"\nkind = \"runner\"\n"));
    place.run(&["config", "check"]).ended(2).complained(&["two connections of kind `runner`"]);
    let place = Place::empty();
    let run = ["agent", "run", "--state", "state"];
    place.run(&run).ended(2).complained(&["holds no enrolment", "linchpin agent enrol"]);
}
