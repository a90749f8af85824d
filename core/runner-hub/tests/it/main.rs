//! The hub's side with a runner that a test plays: what it is sent it could accept, and what it says arrives.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_connector::{
    Connector as _, ErrorKind, RunScript as _, Script, ScriptHandle, ScriptOutcome, Secret, Shell,
    conformance,
};
use core_runner::{
    Done, Enrol, Enrolled, Evidence, Outcome, PROTOCOL, Piece, PinnedKey, Poll, Signed, accept,
};
use core_runner_hub::{Office, Refused, Runners};
use core_store::{
    EnrolmentToken, NewRunnerToken, RunnerClient, RunnerKey, SealingKey, SealingKeys, Store,
};
use serde::Serialize;
use uuid::Uuid;

fn json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn script(text: &str) -> Script {
    Script {
        run: Uuid::new_v4(),
        shell: Shell::PowerShell,
        text: text.to_owned(),
        time_limit: Duration::from_secs(60),
        output_limit: 20,
    }
}

struct Bench {
    office: Office,
    runners: Runners,
    token: EnrolmentToken,
    key: RunnerKey,
}

impl Bench {
    async fn new() -> Self {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let keys = SealingKey::parse(&SealingKey::text([4; 32])).unwrap();
        let keys = Arc::new(SealingKeys::new(keys, Vec::new()));
        let token = EnrolmentToken::from_random([1; 32]);
        let client = RunnerClient { key: "own:acme".to_owned(), name: "Acme".to_owned() };
        let now_us = chrono::Utc::now().timestamp_micros();
        let new = NewRunnerToken {
            id: "t1",
            client: &client,
            uses: 2,
            expires_us: now_us + 3_600_000_000,
            by: "ana",
            now_us,
        };
        store.add_runner_token(&token, &new).await.unwrap();
        let office = Office::new(store, keys, "runner");
        let runners = Runners::new(office.clone(), 1);
        Self { office, runners, token, key: RunnerKey::from_random([2; 32]) }
    }

    fn evidence() -> Evidence {
        Evidence {
            host: "web-1".to_owned(),
            folder: "/var/lib/linchpin-agent/runs".to_owned(),
            uuid: Some("4C4C4544-0000-1000-8000-000000000001".to_owned()),
            ..Evidence::default()
        }
    }

    async fn enrol(&self) -> Enrolled {
        let key = self.key.reveal().to_owned();
        let asked = Enrol { protocol: PROTOCOL, key, evidence: Self::evidence() };
        self.office.enrol(self.token.reveal(), &json(&asked)).await.unwrap()
    }

    async fn poll(&self, have: &[Uuid], wait_s: u32) -> Vec<Signed> {
        let runner = self.office.known(self.key.reveal()).await.unwrap();
        let (have, protocol) = (have.to_vec(), PROTOCOL);
        let poll = Poll { protocol, evidence: None, have, room: 4, wait_s };
        self.office.poll(&runner, &json(&poll)).await.unwrap().commands
    }
}

#[tokio::test]
async fn a_script_goes_to_its_runner_signed_and_its_answer_comes_back() {
    let bench = Bench::new().await;
    let me = bench.enrol().await;
    let agent = me.runner.to_string();
    assert_eq!((me.tenant.as_str(), bench.enrol().await.runner), ("Acme", me.runner));
    let taker = bench.runners.taker(&agent).await.unwrap().unwrap();
    assert_eq!((taker.posix, taker.online), (true, Some(true)));
    assert_eq!(taker.folder, "/var/lib/linchpin-agent/runs");

    let script = script("cat");
    assert_eq!(bench.runners.find(&agent, &script).await.unwrap(), None);
    let secret = Secret::new("planted");
    let handle = bench.runners.start_with(&agent, &script, Some(&secret)).await.unwrap();
    let again = bench.runners.start_with(&agent, &script, Some(&secret)).await.unwrap();
    assert_eq!(handle, again, "it waits once");
    assert_eq!(bench.runners.find(&agent, &script).await.unwrap(), Some(handle.clone()));
    assert_eq!(bench.runners.poll(&handle).await.unwrap(), ScriptOutcome::Pending);

    let sent = bench.poll(&[], 0).await;
    let [signed] = sent.as_slice() else { panic!("{sent:?}") };
    let pinned = PinnedKey::parse(&me.hub_key).unwrap();
    let now_s = chrono::Utc::now().timestamp();
    accept(signed, &pinned, (me.runner, core_runner::Shell::Sh), now_s).unwrap();
    assert_eq!((signed.text.as_str(), signed.stdin.as_deref()), ("cat", Some("planted")));
    assert_eq!(bench.poll(&[], 0).await.len(), 1, "nobody said that it arrived");
    assert_eq!(bench.poll(&[script.run], 0).await.len(), 0);
    assert_eq!(bench.poll(&[], 0).await.len(), 0, "it runs");

    let runner = bench.office.known(bench.key.reveal()).await.unwrap();
    let run = script.run.to_string();
    let piece = |at, text: &str| json(&Piece { at, data: STANDARD.encode(text) });
    let took = bench.office.output(&runner, &run, &piece(0, "one ")).await.unwrap();
    let took_again = bench.office.output(&runner, &run, &piece(0, "one ")).await.unwrap();
    assert_eq!((took.length, took_again.length), (4, 4));
    bench.office.output(&runner, &run, &piece(4, "two")).await.unwrap();
    let outcome = Outcome::Finished { exit: Some(0), truncated: false };
    bench.office.done(&runner, &run, &json(&Done { outcome })).await.unwrap();
    let over = bench.runners.poll(&handle).await.unwrap();
    assert_eq!(over, ScriptOutcome::Done { output: "one two".to_owned(), truncated: false });
    let nobodys = bench.office.done(&runner, &Uuid::nil().to_string(), b"{}").await;
    assert!(matches!(nobodys, Err(Refused::Wrong(_))), "{nobodys:?}");
}

#[tokio::test]
async fn who_waits_hears_of_work_at_once_and_what_was_refused_says_why() {
    let bench = Bench::new().await;
    let agent = bench.enrol().await.runner.to_string();
    let script = script("true");
    let (sent, handle) = tokio::join!(bench.poll(&[], 20), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        bench.runners.start(&agent, &script).await.unwrap()
    });
    assert_eq!(sent.len(), 1);
    let runner = bench.office.known(bench.key.reveal()).await.unwrap();
    let outcome = Outcome::Refused { why: "it is not signed".to_owned() };
    let run = script.run.to_string();
    bench.office.done(&runner, &run, &json(&Done { outcome })).await.unwrap();
    let reason = "the runner refused it: it is not signed".to_owned();
    assert_eq!(bench.runners.poll(&handle).await.unwrap(), ScriptOutcome::Failed { reason });
    let forgotten = ScriptHandle(Uuid::nil().to_string());
    let error = bench.runners.poll(&forgotten).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = bench.runners.start(&Uuid::nil().to_string(), &script).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn runners_are_clients_and_agents_as_every_connection_must_give_them() {
    let bench = Bench::new().await;
    bench.enrol().await;
    let findings = conformance::run(&bench.runners).await.unwrap();
    assert!(findings.is_empty(), "{findings:?}");
    let streams = bench.runners.streams();
    let read = conformance::read_all(&streams[0], &core_connector::Scope::whole()).await.unwrap();
    let kinds: Vec<&str> = read.records.keys().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["client", "agent"]);
}

#[tokio::test]
async fn what_a_machine_says_of_itself_has_its_bounds_and_a_token_is_no_key() {
    let bench = Bench::new().await;
    let enrol = async |evidence: Evidence, key: &str| {
        let asked = Enrol { protocol: PROTOCOL, key: key.to_owned(), evidence };
        bench.office.enrol(bench.token.reveal(), &json(&asked)).await
    };
    let key = bench.key.reveal();
    for wrong in [
        Evidence { host: String::new(), ..Bench::evidence() },
        Evidence { host: "x".repeat(201), ..Bench::evidence() },
        Evidence { serial: Some("a\nb".to_owned()), ..Bench::evidence() },
        Evidence { folder: "runs".to_owned(), ..Bench::evidence() },
    ] {
        let refused = enrol(wrong, key).await.unwrap_err();
        assert!(matches!(refused, Refused::Wrong(_)), "{refused:?}");
    }
    assert!(matches!(enrol(Bench::evidence(), "lpt_AAAA").await, Err(Refused::Wrong(_))));
    let token = bench.token.reveal().to_owned();
    assert!(matches!(bench.office.known(&token).await, Err(Refused::Stranger(_))));
    assert!(matches!(bench.office.enrol(key, b"{}").await, Err(Refused::Stranger(_))));
}
