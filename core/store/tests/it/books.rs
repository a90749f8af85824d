//! Books of sessions: written by whoever has one, put back, forgotten; one-run tokens; actions and failures.

use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{
    ActionQuery, Holder, Ready, RunToken, SessionAction, SessionLine, SessionWord, Store, Take,
};

use crate::harness::Bench;
use crate::queue::waits;

on_both!(
    a_step_is_written_by_whoever_has_the_session_and_by_nobody_else,
    a_session_that_is_put_back_is_not_begun_before_its_time,
    s17_a_session_that_gets_on_is_not_given_up_however_often_its_engine_is_lost,
    a_token_of_a_run_counts_once_and_in_its_time_and_while_its_session_runs,
    an_agent_in_maintenance_mode_is_remembered_until_it_was_taken_out,
    failures_are_grouped_by_cause_and_what_was_mended_since_is_none,
    books_of_what_is_long_over_are_forgotten_and_what_came_of_it_is_not,
);

const RULES: QueueRules = QueueRules {
    at_once: 10,
    per_tenant: 10,
    per_engine: 10,
    lease_us: 100,
    most_takes: 2,
    waits_us: 1_000_000,
};

async fn take(store: &Store, engine: &str, now_us: i64) -> Vec<Session> {
    let take = Take { engine, most: 10, tenants: None, rules: &RULES, bars: &|_| None, now_us };
    store.take_sessions(take).await.unwrap().taken
}

pub(crate) async fn taken(bench: &Bench, computer: &str) -> (Session, Holder) {
    let session = waits("contoso", computer, SessionKind::AdHoc, 1);
    bench.store.add_session(&session).await.unwrap();
    let session = take(&bench.store, "one", 10).await.pop().unwrap();
    let holder = Holder::of(&session).unwrap();
    (session, holder)
}

fn line(number: u32, outcome: Option<&str>) -> SessionLine {
    SessionLine {
        number,
        half: "look".to_owned(),
        step: "\"check_reboot\"".to_owned(),
        run: None,
        outcome: outcome.map(str::to_owned),
        said: "{}".to_owned(),
        began_us: 11,
        ended_us: outcome.map(|_| 12),
    }
}

async fn a_step_is_written_by_whoever_has_the_session_and_by_nobody_else(bench: Bench) {
    let store = &bench.store;
    let (session, one) = taken(&bench, "pc1").await;
    store.put_session_line(&one, &line(1, None)).await.unwrap();
    store.put_session_line(&one, &line(1, Some("\"interrupted\""))).await.unwrap();
    store.put_session_line(&one, &line(2, None)).await.unwrap();
    store.put_session_plan(&one, "{}").await.unwrap();
    let lines = [line(1, Some("\"interrupted\"")), line(2, None)];
    assert_eq!(store.session_lines(session.id, 0).await.unwrap(), lines);
    assert_eq!(store.session_lines(session.id, 1).await.unwrap(), lines[1..]);
    // It is lost, and taken by another.
    store.tidy_sessions(&RULES, 200).await.unwrap();
    let again = take(&store.clone(), "two", 300).await.pop().unwrap();
    for refused in [
        store.put_session_line(&one, &line(3, None)).await,
        store.put_session_plan(&one, "no").await,
        store.put_session_actions(&one, &[]).await,
    ] {
        let error = refused.unwrap_err().to_string();
        assert!(error.contains("not one's any more"), "{error}");
    }
    assert!(store.put_back_session(&one, "", Ready::Now, 1).await.is_err());
    assert_eq!(store.session_plan(session.id).await.unwrap().as_deref(), Some("{}"));
    store.put_session_line(&Holder::of(&again).unwrap(), &line(3, None)).await.unwrap();
}

async fn a_session_that_is_put_back_is_not_begun_before_its_time(bench: Bench) {
    let store = &bench.store;
    let (session, one) = taken(&bench, "pc1").await;
    let back = store.put_back_session(&one, "it is off", Ready::At(500), 20).await.unwrap();
    assert_eq!((back.state, &*back.word, back.engine), (SessionState::Waiting, "it is off", None));
    assert_eq!(take(store, "one", 499).await, []);
    assert_eq!(take(store, "one", 500).await[0].id, session.id);
    // It is heard of before.
    let again = Holder { take: 2, ..one };
    store.put_back_session(&again, "it is off", Ready::WhenHeardOf(9_000), 20).await.unwrap();
    assert_eq!(store.ready_sessions(&["cmp_other".to_owned()], 600).await.unwrap(), 0);
    assert_eq!(store.ready_sessions(&[session.subject.to_string()], 600).await.unwrap(), 1);
    assert_eq!(take(store, "one", 600).await.len(), 1);
}

async fn s17_a_session_that_gets_on_is_not_given_up_however_often_its_engine_is_lost(bench: Bench) {
    let store = &bench.store;
    let (session, _) = taken(&bench, "pc1").await;
    let mut now = 1_000;
    for number in 1..10 {
        let changed = store.tidy_sessions(&RULES, now).await.unwrap();
        assert_eq!(changed.len(), 1);
        assert_eq!(changed[0].state, SessionState::Waiting, "lost {number} times");
        let again = take(store, "one", now).await.pop().unwrap();
        let ended = SessionLine { ended_us: Some(now + 1), ..line(number, Some("1")) };
        store.put_session_line(&Holder::of(&again).unwrap(), &ended).await.unwrap();
        now += 1_000;
    }
    // Then it gets on no more.
    store.tidy_sessions(&RULES, now).await.unwrap();
    for _ in 0..2 {
        take(store, "one", now).await;
        now += 1_000;
        store.tidy_sessions(&RULES, now).await.unwrap();
    }
    assert_eq!(store.session(session.id).await.unwrap().state, SessionState::Failed);
}

async fn an_agent_in_maintenance_mode_is_remembered_until_it_was_taken_out(bench: Bench) {
    let store = &bench.store;
    let (session, one) = taken(&bench, "pc1").await;
    store.hold_mode(&one, ("automate", "12"), 5).await.unwrap();
    store.hold_mode(&one, ("automate", "12"), 6).await.unwrap();
    store.hold_mode(&one, ("other", "12"), 6).await.unwrap();
    let held = store.held_modes(session.id).await.unwrap();
    assert_eq!(held.len(), 2, "{held:?}");
    assert_eq!(store.left_modes(10).await.unwrap(), [], "its session runs");
    store.put_back_session(&one, "", Ready::Now, 20).await.unwrap();
    assert_eq!(store.left_modes(10).await.unwrap(), [], "somebody goes on with it");
    assert!(store.hold_mode(&one, ("automate", "13"), 7).await.is_err(), "it is not his any more");
    let again = take(store, "two", 30).await.pop().unwrap();
    let word = SessionWord {
        state: SessionState::Cancelled,
        word: "taken back",
        result: None,
        by: "ana",
        take: None,
        rules: &RULES,
        now_us: 40,
    };
    store.tell_session(again.id, word).await.unwrap();
    assert_eq!(store.left_modes(10).await.unwrap(), held);
    assert_eq!(store.left_modes(1).await.unwrap().len(), 1);
    // Another session of the same computer goes on with it: it is not taken away below its feet.
    let (next, two) = taken(&bench, "pc2").await;
    store.hold_mode(&two, ("automate", "12"), 50).await.unwrap();
    let kept = store.held_mode("automate", "12").await.unwrap().unwrap();
    assert_eq!((kept.session, store.left_modes(10).await.unwrap().len()), (next.id, 1));
    store.forget_mode(&held[0]).await.unwrap();
    let still = store.held_modes(next.id).await.unwrap();
    assert_eq!(still, std::slice::from_ref(&kept), "it is another's");
    store.forget_mode(&kept).await.unwrap();
    assert_eq!(store.held_mode("automate", "12").await.unwrap(), None);
}

async fn a_token_of_a_run_counts_once_and_in_its_time_and_while_its_session_runs(bench: Bench) {
    let store = &bench.store;
    let (session, one) = taken(&bench, "pc1").await;
    let token = |digest: &str| RunToken {
        digest: digest.to_owned(),
        session: session.id,
        secrets: "{\"password\":\"store:join\"}".to_owned(),
        until_us: 100,
    };
    for digest in ["a", "b", "c"] {
        store.put_run_token(&one, &token(digest), 20).await.unwrap();
    }
    assert_eq!(store.use_run_token("a", 30).await.unwrap(), Some(token("a")));
    assert_eq!(store.use_run_token("a", 30).await.unwrap(), None, "once");
    assert_eq!(store.use_run_token("b", 100).await.unwrap(), None, "its time is over");
    assert_eq!(store.use_run_token("nobody", 30).await.unwrap(), None);
    store.put_back_session(&one, "", Ready::Now, 30).await.unwrap();
    assert_eq!(store.use_run_token("c", 30).await.unwrap(), None, "it runs no more");
}

pub(crate) fn action(
    holder: &Holder,
    session: &Session,
    result: &str,
    class: Option<&str>,
    at_us: i64,
) -> SessionAction {
    SessionAction {
        session: holder.session,
        number: 0,
        tenant: session.tenant.to_string(),
        subject: session.subject.to_string(),
        subject_name: session.subject_name.clone(),
        item: "sft_1".to_owned(),
        title: "Reader".to_owned(),
        deployment: None,
        does: "Reader: install 1.0, because it is missing".to_owned(),
        result: result.to_owned(),
        class: class.map(str::to_owned),
        message: "it ended with 1603".to_owned(),
        version: None,
        drift: None,
        drift_why: None,
        at_us,
    }
}

async fn failures_are_grouped_by_cause_and_what_was_mended_since_is_none(bench: Bench) {
    let store = &bench.store;
    let mut all = Vec::new();
    for computer in ["pc1", "pc2", "pc3"] {
        let (session, holder) = taken(&bench, computer).await;
        let failed = action(&holder, &session, "failed", Some("install"), 20);
        store.put_session_actions(&holder, std::slice::from_ref(&failed)).await.unwrap();
        store.put_session_actions(&holder, &[failed]).await.unwrap();
        all.push((session, holder));
    }
    let groups = store.failure_groups(ActionQuery::default()).await.unwrap();
    assert_eq!((groups.len(), groups[0].subjects, &*groups[0].class), (1, 3, "install"));
    // One is mended by a later session.
    let (session, holder) = &all[0];
    let said = SessionWord {
        state: SessionState::Failed,
        word: "",
        result: None,
        by: "one",
        take: Some(holder.take),
        rules: &RULES,
        now_us: 30,
    };
    store.tell_session(holder.session, said).await.unwrap();
    let again = waits("contoso", &session.subject_name, SessionKind::AdHoc, 2);
    store.add_session(&again).await.unwrap();
    let again = take(store, "one", 40).await.pop().unwrap();
    let holder = Holder::of(&again).unwrap();
    store
        .put_session_actions(&holder, &[action(&holder, &again, "compliant", None, 50)])
        .await
        .unwrap();
    let groups = store.failure_groups(ActionQuery::default()).await.unwrap();
    assert_eq!((groups.len(), groups[0].subjects), (1, 2));
    let subject = session.subject.to_string();
    let of = ActionQuery { subject: Some(&subject), ..ActionQuery::default() };
    let of_one = store.session_actions(of).await.unwrap();
    let results: Vec<&str> = of_one.iter().map(|one| one.result.as_str()).collect();
    assert_eq!(results, ["compliant", "failed"], "the newest first");
    let nobody = ["tnt_none".to_owned()];
    let of = ActionQuery { tenants: Some(&nobody), ..ActionQuery::default() };
    assert_eq!(store.session_actions(of).await.unwrap(), []);
}

async fn books_of_what_is_long_over_are_forgotten_and_what_came_of_it_is_not(bench: Bench) {
    let store = &bench.store;
    let (session, holder) = taken(&bench, "pc1").await;
    store.put_session_line(&holder, &line(1, Some("1"))).await.unwrap();
    store.put_session_plan(&holder, "{}").await.unwrap();
    store
        .put_session_actions(&holder, &[action(&holder, &session, "compliant", None, 20)])
        .await
        .unwrap();
    assert_eq!(store.forget_books(1_000, 10).await.unwrap(), 0, "it runs");
    let said = SessionWord {
        state: SessionState::Succeeded,
        word: "",
        result: None,
        by: "one",
        take: None,
        rules: &RULES,
        now_us: 30,
    };
    store.tell_session(session.id, said).await.unwrap();
    assert_eq!(store.forget_books(1, 10).await.unwrap(), 0, "not so long");
    assert_eq!(store.forget_books(1_000, 10).await.unwrap(), 1);
    assert_eq!(store.session_lines(session.id, 0).await.unwrap(), []);
    assert_eq!(store.session_plan(session.id).await.unwrap(), None);
    assert_eq!(store.session_actions(ActionQuery::default()).await.unwrap().len(), 1);
}
