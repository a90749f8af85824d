//! Scripts on their way, and what domain controllers answered.

use core_model::observation::{Logon, Reading};
use core_store::{AccountAnswer, Agents, RoundMode, ScriptAnswer, ScriptRun, Store};

use crate::harness::{Bench, Stream, agent};

on_both!(
    one_script_of_a_kind_is_on_its_way_through_an_agent,
    an_answer_is_stored_once_and_its_script_is_on_its_way_no_more,
    an_answer_that_cannot_be_stored_leaves_its_script_on_its_way,
    a_script_that_nobody_waits_for_is_forgotten,
    what_a_domain_told_stays_beside_what_it_tells_now,
    what_a_domain_tells_no_more_takes_nothing_away,
    what_was_told_of_one_tenant_is_found_for_no_other,
);

fn run(stream: &Stream, key: &str, name: &str, started_us: i64) -> ScriptRun {
    ScriptRun {
        agent: stream.agent(key),
        kind: "identify".to_owned(),
        run: name.to_owned(),
        handle: None,
        about: vec!["corp\\o'neil".to_owned()],
        started_us,
        until_us: started_us + 300,
    }
}

async fn begun(bench: &Bench) -> Stream {
    let stream = Stream::begin(&bench.store, "rmm", RoundMode::Full).await;
    stream.page(&[agent("a", "A"), agent("b", "B")], 1).await;
    stream
}

async fn one_script_of_a_kind_is_on_its_way_through_an_agent(bench: Bench) {
    let (stream, store) = (begun(&bench).await, &bench.store);
    let first = run(&stream, "a", "one", 10);
    assert!(store.begin_script(&first).await.unwrap());
    assert_eq!(store.script_runs().await.unwrap(), std::slice::from_ref(&first));
    assert!(!store.begin_script(&run(&stream, "a", "two", 309)).await.unwrap());
    let other = ScriptRun { kind: "accounts".to_owned(), ..run(&stream, "a", "three", 20) };
    assert!(store.begin_script(&other).await.unwrap());
    store.note_script_handle(&first, "a/77").await.unwrap();
    let noted = ScriptRun { handle: Some("a/77".to_owned()), ..first.clone() };
    assert_eq!(store.script_runs().await.unwrap(), [other, noted]);
    // Nobody waits for it any more: another one may be sent, and what belated ones say counts no more.
    let next = run(&stream, "a", "four", 310);
    assert!(store.begin_script(&next).await.unwrap());
    store.note_script_handle(&first, "late").await.unwrap();
    store.end_script(&first).await.unwrap();
    assert!(store.script_runs().await.unwrap().contains(&next));
}

fn answer(run: &ScriptRun, serial: &str) -> ScriptAnswer {
    let reading = Reading { serial: Some(serial.to_owned()), ..Reading::default() };
    let logon = Logon { account: "ana@x.example".to_owned(), source: "whoami".to_owned() };
    ScriptAnswer { run: run.clone(), reading, logon: Some(logon) }
}

async fn observed(store: &Store) -> (usize, usize) {
    let readings = store.readings(Agents::All).await.unwrap();
    (readings.len(), store.logons(Agents::All).await.unwrap().len())
}

async fn an_answer_is_stored_once_and_its_script_is_on_its_way_no_more(bench: Bench) {
    let (stream, store) = (begun(&bench).await, &bench.store);
    let (one, two) = (run(&stream, "a", "one", 10), run(&stream, "b", "two", 10));
    for run in [&one, &two] {
        assert!(store.begin_script(run).await.unwrap());
    }
    let answers = [answer(&one, "A1"), answer(&two, "B1")];
    assert_eq!(store.add_answers(&answers, 20).await.unwrap(), 2);
    assert!(store.script_runs().await.unwrap().is_empty());
    assert_eq!(observed(store).await, (2, 2));
    // Another process had polled it too, and its machine said something else since.
    assert_eq!(store.add_answers(&[answer(&one, "A2")], i64::MAX / 4).await.unwrap(), 0);
    assert_eq!(observed(store).await, (2, 2));
}

async fn an_answer_that_cannot_be_stored_leaves_its_script_on_its_way(bench: Bench) {
    let (stream, store) = (begun(&bench).await, &bench.store);
    let (one, stranger) = (run(&stream, "a", "one", 10), run(&stream, "z", "two", 10));
    for run in [&one, &stranger] {
        assert!(store.begin_script(run).await.unwrap());
    }
    let answers = [answer(&one, "A1"), answer(&stranger, "Z1")];
    assert!(store.add_answers(&answers, 20).await.is_err());
    assert_eq!(store.script_runs().await.unwrap().len(), 2);
    assert_eq!(observed(store).await, (0, 0));
}

async fn a_script_that_nobody_waits_for_is_forgotten(bench: Bench) {
    let (stream, store) = (begun(&bench).await, &bench.store);
    assert!(store.begin_script(&run(&stream, "a", "one", 10)).await.unwrap());
    let later = run(&stream, "b", "two", 11);
    assert!(store.begin_script(&later).await.unwrap());
    assert_eq!(store.end_overdue_scripts(310).await.unwrap(), 1);
    assert_eq!(store.script_runs().await.unwrap(), [later]);
}

/// A domain controller of a tenant tells of an account.
async fn tell(bench: &Bench, stream: &Stream, tenant: &str, upn: Option<&str>, at_us: i64) {
    let run = run(stream, "a", &at_us.to_string(), at_us);
    assert!(bench.store.begin_script(&run).await.unwrap());
    let told = [("corp\\o'neil".to_owned(), upn.map(str::to_owned))];
    assert!(bench.store.add_account_answers(&run, tenant, &told, at_us).await.unwrap());
    let again = bench.store.add_account_answers(&run, tenant, &told, at_us + 1).await.unwrap();
    assert!(!again, "its script was on its way no more");
}

fn told(tenant: &str, upn: Option<&str>, (at_us, last_us): (i64, i64)) -> AccountAnswer {
    let account = "corp\\o'neil".to_owned();
    AccountAnswer {
        tenant: tenant.to_owned(),
        account,
        upn: upn.map(str::to_owned),
        at_us,
        last_us,
    }
}

async fn what_a_domain_told_stays_beside_what_it_tells_now(bench: Bench) {
    let stream = begun(&bench).await;
    let before = bench.store.max_change_seq().await.unwrap();
    for (upn, at_us) in [("ann@x.example", 10), ("ann@x.example", 20), ("bea@x.example", 30)] {
        tell(&bench, &stream, "t1", Some(upn), at_us).await;
    }
    let expected =
        [told("t1", Some("ann@x.example"), (10, 20)), told("t1", Some("bea@x.example"), (30, 30))];
    assert_eq!(bench.store.account_answers(None).await.unwrap(), expected);
    // What was confirmed is no news.
    let after = bench.store.max_change_seq().await.unwrap();
    assert_eq!(after - before, 2);
    assert!(bench.store.accounts_answered_after(after).await.unwrap().is_empty());
    assert_eq!(bench.store.accounts_answered_after(after - 1).await.unwrap().len(), 1);
}

async fn what_a_domain_tells_no_more_takes_nothing_away(bench: Bench) {
    let stream = begun(&bench).await;
    tell(&bench, &stream, "t1", None, 10).await;
    tell(&bench, &stream, "t1", None, 20).await;
    let expected = [told("t1", None, (10, 20))];
    assert_eq!(bench.store.account_answers(None).await.unwrap(), expected);
    tell(&bench, &stream, "t1", Some("ann@x.example"), 30).await;
    tell(&bench, &stream, "t1", None, 40).await;
    let found = bench.store.account_answers(None).await.unwrap();
    assert_eq!(found[1..], [told("t1", Some("ann@x.example"), (30, 40))]);
}

async fn what_was_told_of_one_tenant_is_found_for_no_other(bench: Bench) {
    let stream = begun(&bench).await;
    tell(&bench, &stream, "t1", Some("ann@x.example"), 10).await;
    tell(&bench, &stream, "t2", Some("otto@y.example"), 20).await;
    for (tenant, upn) in [("t1", "ann@x.example"), ("t2", "otto@y.example")] {
        let found = bench.store.account_answers(Some(tenant)).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].upn.as_deref(), Some(upn));
    }
    assert!(bench.store.account_answers(Some("t3")).await.unwrap().is_empty());
}
