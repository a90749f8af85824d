//! The hub's own runners: enrolments are counted, commands wait, output adds up, the first word holds.

use core_store::{
    Enrolment, EnrolmentToken, NewRunner, NewRunnerCommand, NewRunnerToken, RunnerClient,
    RunnerKey, RunnerRow, SealingKey, SealingKeys, Store,
};

use crate::harness::Bench;

on_both!(
    a_token_counts_each_runner_once_and_no_more_than_it_may,
    of_many_that_enrol_at_once_so_many_become_runners_as_there_are_uses,
    a_command_waits_until_it_is_had_and_its_input_is_sealed,
    output_adds_up_piece_by_piece_and_the_first_word_about_its_end_holds,
    who_is_removed_has_no_key_and_no_command_any_more,
);

fn keys() -> SealingKeys {
    SealingKeys::new(SealingKey::parse(&SealingKey::text([4; 32])).unwrap(), Vec::new())
}

async fn token(store: &Store, uses: i64) -> EnrolmentToken {
    let token = EnrolmentToken::from_random([8; 32]);
    let client = RunnerClient { key: "own:acme".to_owned(), name: "Acme".to_owned() };
    let new =
        NewRunnerToken { id: "t1", client: &client, uses, expires_us: 1000, by: "ana", now_us: 10 };
    store.add_runner_token(&token, &new).await.unwrap();
    token
}

async fn enrol(store: &Store, token: &EnrolmentToken, key: u8, now_us: i64) -> Enrolment {
    let id = format!("r{key}");
    let new = NewRunner { id: &id, evidence: "{}", now_us };
    let key = RunnerKey::from_random([key; 32]);
    store.enrol_runner((token, &key), &new).await.unwrap()
}

async fn runner(store: &Store) -> RunnerRow {
    let token = token(store, 1).await;
    match enrol(store, &token, 1, 20).await {
        Enrolment::Runner(row) => row,
        other => panic!("{other:?}"),
    }
}

async fn queue(store: &Store, run: &str, input: Option<&str>) -> bool {
    let new = NewRunnerCommand {
        run,
        runner: "r1",
        document: "{\"order\":1}",
        text: "echo 1",
        input,
        not_after_us: 500,
        output_limit: 10,
        now_us: 100,
    };
    store.queue_runner_command(&keys(), &new).await.unwrap()
}

async fn a_token_counts_each_runner_once_and_no_more_than_it_may(bench: Bench) {
    let store = &bench.store;
    let token = token(store, 2).await;
    let plain =
        format!("select count(*) from runner_token where digest like '%{}%'", token.reveal());
    assert_eq!(bench.number(&plain).await, 0);
    let Enrolment::Runner(first) = enrol(store, &token, 1, 20).await else { panic!("a runner") };
    assert_eq!((first.id.as_str(), first.client.as_str(), first.heard_us), ("r1", "own:acme", 20));
    assert_eq!(enrol(store, &token, 1, 30).await, Enrolment::Runner(first), "its answer was lost");
    assert_eq!(enrol(store, &token, 2, 1000).await, Enrolment::Expired);
    assert!(matches!(enrol(store, &token, 2, 999).await, Enrolment::Runner(_)));
    assert_eq!(enrol(store, &token, 3, 999).await, Enrolment::UsedUp);
    let other = EnrolmentToken::from_random([9; 32]);
    assert_eq!(enrol(store, &other, 1, 20).await, Enrolment::Unknown);
    let row = store.runner_tokens().await.unwrap().remove(0);
    assert_eq!((row.uses, row.used), (2, 2));
    assert!(store.revoke_runner_token("t1", 50).await.unwrap());
    assert!(!store.revoke_runner_token("t1", 60).await.unwrap());
    assert_eq!(enrol(store, &token, 3, 70).await, Enrolment::Expired);
}

async fn of_many_that_enrol_at_once_so_many_become_runners_as_there_are_uses(bench: Bench) {
    let store = &bench.store;
    let token = token(store, 3).await;
    let all = (1..=12).map(|key| enrol(store, &token, key, 20));
    let all = futures::future::join_all(all).await;
    let made = all.iter().filter(|one| matches!(one, Enrolment::Runner(_))).count();
    assert_eq!((made, store.runners().await.unwrap().len()), (3, 3));
}

async fn a_command_waits_until_it_is_had_and_its_input_is_sealed(bench: Bench) {
    let store = &bench.store;
    runner(store).await;
    assert!(queue(store, "a", Some("planted")).await);
    assert!(!queue(store, "a", None).await, "there is one of that run");
    let plain = "select count(*) from runner_command where input like '%planted%'";
    assert_eq!(bench.number(plain).await, 0);
    let waits = store.runner_commands("r1", 200).await.unwrap().remove(0);
    assert_eq!(waits.input(&keys()).unwrap().as_deref(), Some("planted"));
    assert!(!format!("{waits:?}").contains("planted"));
    let other =
        SealingKeys::new(SealingKey::parse(&SealingKey::text([5; 32])).unwrap(), Vec::new());
    assert!(waits.input(&other).is_err());
    assert!(store.runner_commands("r2", 200).await.unwrap().is_empty(), "it is another's");
    assert!(store.runner_commands("r1", 500).await.unwrap().is_empty(), "it is too late");
    let run = ["a".to_owned()];
    store.note_runner_commands("r1", &run, false).await.unwrap();
    assert_eq!(store.runner_commands("r1", 200).await.unwrap()[0].state, "handed");
    store.note_runner_commands("r2", &run, true).await.unwrap();
    assert_eq!(store.runner_commands("r1", 200).await.unwrap().len(), 1, "said by another");
    store.note_runner_commands("r1", &run, true).await.unwrap();
    assert!(store.runner_commands("r1", 200).await.unwrap().is_empty());
    assert_eq!(store.runner_command("a").await.unwrap().unwrap().state, "running");
}

async fn output_adds_up_piece_by_piece_and_the_first_word_about_its_end_holds(bench: Bench) {
    let store = &bench.store;
    runner(store).await;
    queue(store, "a", Some("planted")).await;
    let add = async |runner: &str, at: i64, bytes: i64, data: &str| {
        store.add_runner_output((runner, "a"), (at, bytes), data).await.unwrap()
    };
    assert_eq!(add("r2", 0, 4, "other").await, None);
    assert_eq!(add("r1", 0, 4, "one").await, Some(4));
    assert_eq!(add("r1", 0, 4, "one").await, Some(4), "it came twice");
    assert_eq!(add("r1", 6, 4, "gap").await, Some(4), "one is missing before it");
    assert_eq!(add("r1", 4, 7, "much").await, Some(4), "more than is kept");
    assert_eq!(add("r1", 4, 6, "two").await, Some(10));
    assert_eq!(store.runner_output("a").await.unwrap(), ["one", "two"]);
    let end = async |runner: &str, outcome: &str| {
        store.end_runner_command((runner, "a"), outcome, 300).await.unwrap()
    };
    assert!(!end("r2", "\"x\"").await, "it is another's");
    assert!(end("r1", "\"first\"").await && end("r1", "\"second\"").await);
    let over = store.runner_command("a").await.unwrap().unwrap();
    assert_eq!((over.state.as_str(), over.outcome.as_deref()), ("over", Some("\"first\"")));
    assert_eq!((over.text.as_str(), over.input(&keys()).unwrap()), ("", None));
    assert_eq!(store.forget_runner_commands(100).await.unwrap(), 0);
    assert_eq!(store.forget_runner_commands(101).await.unwrap(), 1);
    assert!(store.runner_output("a").await.unwrap().is_empty());
}

async fn who_is_removed_has_no_key_and_no_command_any_more(bench: Bench) {
    let store = &bench.store;
    runner(store).await;
    queue(store, "a", None).await;
    let key = RunnerKey::from_random([1; 32]);
    store.heard_of_runner("r1", Some("{\"host\":\"x\"}"), 40).await.unwrap();
    store.heard_of_runner("r1", None, 50).await.unwrap();
    let row = store.runner_of_key(&key).await.unwrap().unwrap();
    assert_eq!((row.evidence.as_str(), row.heard_us), ("{\"host\":\"x\"}", 50));
    assert!(store.remove_runner("r1", "ana", 60).await.unwrap());
    assert!(!store.remove_runner("r1", "ana", 70).await.unwrap());
    assert_eq!(store.runner_of_key(&key).await.unwrap(), None);
    assert_eq!(store.runner("r1").await.unwrap(), None);
    let command = store.runner_command("a").await.unwrap().unwrap();
    assert_eq!(command.state, "over");
    assert!(command.outcome.unwrap().contains("the runner was removed"));
}
