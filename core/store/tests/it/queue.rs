//! The queue of sessions: who gets what, how much at once, and what becomes of what nobody is heard of.

use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_model::id::{ComputerId, DeploymentId, SessionId, TenantId};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{
    Bar, CancelFilter, Error, ModelChange, SessionQuery, SessionWord, Store, Take, Took,
};

use crate::harness::Bench;

mod life;
mod random;

on_both!(
    twenty_takers_at_once_get_no_session_twice_and_no_bound_is_passed,
    s25_of_two_sessions_of_one_computer_one_runs_and_the_other_waits,
    s17_a_lost_lease_frees_a_session_and_the_engine_that_lost_it_is_told,
    s17_what_is_lost_too_often_has_failed_and_the_queue_goes_on,
    s26_what_is_barred_meanwhile_is_taken_back_with_the_reason_and_the_next_one_goes,
    of_whom_nobody_has_heard_the_store_knows_whether_he_is_there,
    what_waits_too_long_expires_and_is_given_to_nobody,
    an_engine_that_is_heard_of_keeps_what_it_has,
    many_are_taken_back_at_once_by_what_they_have_in_common,
    what_goes_first_goes_first_and_an_engine_of_some_tenants_gets_theirs,
    sessions_are_found_by_kind_and_batch_and_counted,
    a_word_begins_nothing_beyond_the_bounds,
    sessions_of_before_there_was_a_queue_are_taken_and_told,
);

/// A minute.
pub(crate) const MINUTE: i64 = 60_000_000;
/// Bounds that nobody meets by chance.
pub(crate) const RULES: QueueRules = QueueRules {
    at_once: 100,
    per_tenant: 50,
    per_engine: 50,
    lease_us: 10 * MINUTE,
    most_takes: 3,
    waits_us: 1000 * MINUTE,
};

/// One that waits for a computer of a tenant; what is asked for later goes later.
pub(crate) fn waits(tenant: &str, computer: &str, kind: SessionKind, asked_us: i64) -> Session {
    let name = format!("{tenant} {computer} {asked_us}");
    Session {
        id: SessionId::of_text(&name, asked_us),
        deployment: Some(DeploymentId::of_text(&name, 0)),
        kind,
        asked_by: "ana".to_owned(),
        ..Session::asked(
            TenantId::of_text(tenant, 0),
            ComputerId::of_text(&format!("{tenant} {computer}"), 0),
            computer,
            &name,
            asked_us,
        )
    }
}

fn ad_hoc(tenant: &str, computer: &str, asked_us: i64) -> Session {
    waits(tenant, computer, SessionKind::AdHoc, asked_us)
}

fn take<'a>(engine: &'a str, most: usize, rules: &'a QueueRules, now_us: i64) -> Take<'a> {
    Take { engine, most, tenants: None, rules, bars: &|_| None, now_us }
}

fn says(state: SessionState, by: &str, now_us: i64) -> SessionWord<'_> {
    SessionWord { state, word: "", result: None, by, take: None, rules: &RULES, now_us }
}

async fn taken(store: &Store, engine: &str, most: usize, now_us: i64) -> Vec<SessionId> {
    ids(&store.take_sessions(take(engine, most, &RULES, now_us)).await.unwrap().taken)
}

fn ids(sessions: &[Session]) -> Vec<SessionId> {
    sessions.iter().map(|session| session.id).collect()
}

async fn is_refused(store: &Store, id: SessionId, word: SessionWord<'_>) -> String {
    match store.tell_session(id, word).await {
        Err(Error::Conflict { constraint }) => constraint,
        other => panic!("{other:?}"),
    }
}

async fn twenty_takers_at_once_get_no_session_twice_and_no_bound_is_passed(bench: Bench) {
    let store = &bench.store;
    let all: Vec<Session> = (0..300_i64)
        .map(|at| ad_hoc(if at % 3 == 0 { "contoso" } else { "fabrikam" }, &format!("pc{at}"), at))
        .collect();
    store.add_sessions(&all).await.unwrap();
    let rules = QueueRules { at_once: 120, per_tenant: 70, per_engine: 9, ..RULES };
    let names: Vec<String> = (0..20).map(|number| format!("engine{number}")).collect();
    let taking = names.iter().map(|name| {
        let rules = &rules;
        async move {
            let mut got = Vec::new();
            for _ in 0..3 {
                got.extend(store.take_sessions(take(name, 4, rules, 1000)).await.unwrap().taken);
            }
            got
        }
    });
    let got = futures::future::join_all(taking).await;
    assert!(got.iter().all(|of_one| of_one.len() <= 9), "an engine has more than it may");
    let mut ids: Vec<SessionId> = got.iter().flat_map(|of_one| ids(of_one)).collect();
    assert_eq!(ids.len(), 120);
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 120, "one was given twice");
    let contoso = TenantId::of_text("contoso", 0);
    assert_eq!(got.iter().flatten().filter(|one| one.tenant == contoso).count(), 60);
    let running = SessionQuery { state: Some(SessionState::Running), ..Default::default() };
    assert_eq!(store.sessions(running).await.unwrap().len(), 120);
    assert_eq!(store.last_session_change().await.unwrap(), 420, "a number was left out");
}

async fn s25_of_two_sessions_of_one_computer_one_runs_and_the_other_waits(bench: Bench) {
    let store = &bench.store;
    let [first, second] = [(SessionKind::AdHoc, 2), (SessionKind::Onboarding, 1)]
        .map(|(kind, at)| waits("contoso", "pc1", kind, at));
    store.add_sessions(&[second.clone(), first.clone()]).await.unwrap();
    assert_eq!(taken(store, "one", 10, 5).await, [first.id]);
    assert_eq!(taken(store, "two", 10, 6).await, []);
    let subject = first.subject.to_string();
    assert_eq!(store.busy_subjects(&[subject.clone(), "x".to_owned()]).await.unwrap(), [subject]);
    let why = is_refused(store, second.id, says(SessionState::Running, "two", 7)).await;
    assert!(why.contains(&format!("session {} of pc1 runs first", first.id)), "{why}");
    store.tell_session(first.id, says(SessionState::Succeeded, "one", 8)).await.unwrap();
    assert_eq!(store.busy_subjects(&[first.subject.to_string()]).await.unwrap(), [""; 0]);
    assert_eq!(taken(store, "two", 10, 9).await, [second.id]);
}

async fn s17_a_lost_lease_frees_a_session_and_the_engine_that_lost_it_is_told(bench: Bench) {
    let store = &bench.store;
    let one = store.add_session(&ad_hoc("contoso", "pc1", 1)).await.unwrap();
    assert_eq!(taken(store, "one", 1, MINUTE).await, [one.id]);
    let until = 11 * MINUTE;
    assert_eq!(store.session(one.id).await.unwrap().until_us, Some(until));
    assert_eq!(store.tidy_sessions(&RULES, until - 1).await.unwrap(), []);
    let back = store.tidy_sessions(&RULES, until).await.unwrap();
    assert_eq!((back.len(), back[0].state), (1, SessionState::Waiting));
    assert!(back[0].word.contains("one was not heard of any more"), "{}", back[0].word);
    assert_eq!(back[0].lost_by.as_deref(), Some("one"));
    assert_eq!(store.tidy_sessions(&RULES, until).await.unwrap(), [], "once per look");
    for state in [SessionState::Running, SessionState::Succeeded, SessionState::Failed] {
        let why = is_refused(store, one.id, says(state, "one", until + 1)).await;
        assert!(why.contains("one lost session"), "{why}");
    }
    assert_eq!(taken(store, "two", 1, until + 2).await, [one.id]);
    let why = is_refused(store, one.id, says(SessionState::Succeeded, "one", until + 3)).await;
    assert!(why.contains("two is at session"), "{why}");
    // Taken again by the same name, an earlier word is told by the number of the beginning.
    store.tidy_sessions(&RULES, 100 * MINUTE).await.unwrap();
    assert_eq!(taken(store, "two", 1, 101 * MINUTE).await, [one.id]);
    let late = SessionWord { take: Some(2), ..says(SessionState::Succeeded, "two", 102 * MINUTE) };
    assert!(is_refused(store, one.id, late).await.contains("begun 3 times"));
    let right = SessionWord { take: Some(3), ..late };
    let done = store.tell_session(one.id, right).await.unwrap();
    assert_eq!((done.takes, done.until_us, done.lost_by), (3, None, None));
}

async fn s17_what_is_lost_too_often_has_failed_and_the_queue_goes_on(bench: Bench) {
    let store = &bench.store;
    let hangs = store.add_session(&ad_hoc("contoso", "pc1", 1)).await.unwrap();
    let other = store.add_session(&ad_hoc("contoso", "pc1", 2)).await.unwrap();
    let mut now = MINUTE;
    for take in 1..=3 {
        assert_eq!(taken(store, "one", 5, now).await, [hangs.id], "{take}");
        now += 10 * MINUTE;
        assert_eq!(store.tidy_sessions(&RULES, now).await.unwrap().len(), 1);
    }
    let failed = store.session(hangs.id).await.unwrap();
    assert_eq!((failed.state, failed.takes), (SessionState::Failed, 3));
    assert!(failed.word.contains("begun 3 times"), "{}", failed.word);
    assert_eq!(taken(store, "one", 5, now).await, [other.id]);
}

async fn s26_what_is_barred_meanwhile_is_taken_back_with_the_reason_and_the_next_one_goes(
    bench: Bench,
) {
    let store = &bench.store;
    let all: Vec<Session> = (1..=4).map(|at| ad_hoc("contoso", &format!("pc{at}"), at)).collect();
    store.add_sessions(&all).await.unwrap();
    let barred = [all[0].subject, all[2].subject];
    let bars = |session: &Session| {
        let why = || Bar::Surely("the computer is excluded".to_owned());
        barred.contains(&session.subject).then(why)
    };
    let got = store.take_sessions(Take { bars: &bars, ..take("one", 2, &RULES, 9) }).await.unwrap();
    let Took { taken, barred } = got;
    assert_eq!(ids(&taken), [all[1].id, all[3].id]);
    assert_eq!(ids(&barred), [all[0].id, all[2].id]);
    let gone = store.session(all[0].id).await.unwrap();
    assert_eq!((gone.state, &*gone.word), (SessionState::Cancelled, "the computer is excluded"));
    assert_eq!((gone.takes, gone.engine), (0, None));
}

async fn of_whom_nobody_has_heard_the_store_knows_whether_he_is_there(bench: Bench) {
    let store = &bench.store;
    let all: Vec<Session> = (1..=3).map(|at| ad_hoc("contoso", &format!("pc{at}"), at)).collect();
    store.add_sessions(&all).await.unwrap();
    let row = |session: &Session, gone: bool| {
        let id = session.subject.to_string();
        let document = format!("{{\"id\":\"{id}\",\"gone\":{gone}}}");
        let tenant = Some(session.tenant.to_string());
        EntityRow { kind: EntityKind::Computer, id, tenant, name: String::new(), document }
    };
    let cause = Cause::Run;
    let upserts = vec![row(&all[0], false), row(&all[1], true)];
    let change = ModelChange { upserts, removals: vec![], cause: &cause, cursors: &[], now_us: 1 };
    store.apply(change).await.unwrap();
    let bars = |_: &Session| Some(Bar::Unknown("it is not there any more".to_owned()));
    let got = store.take_sessions(Take { bars: &bars, ..take("one", 5, &RULES, 9) }).await.unwrap();
    assert_eq!((ids(&got.taken), ids(&got.barred)), (vec![], vec![all[1].id, all[2].id]));
    assert_eq!(store.session(all[0].id).await.unwrap(), all[0], "it waits as it did");
    assert_eq!(store.session(all[2].id).await.unwrap().word, "it is not there any more");
    // As soon as whoever is asked has heard of it, it goes.
    assert_eq!(self::taken(store, "one", 5, 10).await, [all[0].id]);
}

async fn what_waits_too_long_expires_and_is_given_to_nobody(bench: Bench) {
    let store = &bench.store;
    let day = 24 * 60 * MINUTE;
    let short = Session { expires_us: Some(2 * day), ..ad_hoc("contoso", "pc1", 1) };
    let long = ad_hoc("contoso", "pc2", 2);
    store.add_sessions(&[short.clone(), long.clone()]).await.unwrap();
    let why = is_refused(store, short.id, says(SessionState::Running, "one", 2 * day)).await;
    assert!(why.contains("has waited too long"), "{why}");
    assert_eq!(taken(store, "one", 5, 2 * day).await, [long.id]);
    let changed = store.tidy_sessions(&RULES, 2 * day + 1).await.unwrap();
    assert!(changed.iter().any(|one| one.id == short.id), "{changed:?}");
    let expired = store.session(short.id).await.unwrap();
    assert_eq!(expired.state, SessionState::Expired);
    assert_eq!(expired.word, "no engine took it within 2 days");
    // It may be asked for anew.
    let anew = Session { id: SessionId::of_text("anew", 9), ..short.clone() };
    assert_eq!(store.add_session(&anew).await.unwrap().id, anew.id);
}

async fn an_engine_that_is_heard_of_keeps_what_it_has(bench: Bench) {
    let store = &bench.store;
    let all: Vec<Session> = (1..=3).map(|at| ad_hoc("contoso", &format!("pc{at}"), at)).collect();
    store.add_sessions(&all).await.unwrap();
    let mut of_one = taken(store, "one", 2, 0).await;
    of_one.sort();
    assert_eq!(taken(store, "two", 2, 0).await, [all[2].id]);
    let seen = store.last_session_change().await.unwrap();
    assert_eq!(store.renew_sessions("one", 25 * MINUTE).await.unwrap(), of_one);
    assert_eq!(store.renew_sessions("nobody", 25 * MINUTE).await.unwrap(), []);
    assert_eq!(store.last_session_change().await.unwrap(), seen, "that is no change");
    assert_eq!(ids(&store.tidy_sessions(&RULES, 24 * MINUTE).await.unwrap()), [all[2].id]);
    // A word does the same for its session.
    let told = store.tell_session(all[0].id, says(SessionState::Running, "one", 24 * MINUTE));
    assert_eq!(told.await.unwrap().until_us, Some(34 * MINUTE));
    assert_eq!(ids(&store.tidy_sessions(&RULES, 30 * MINUTE).await.unwrap()), [all[1].id]);
}

async fn many_are_taken_back_at_once_by_what_they_have_in_common(bench: Bench) {
    let store = &bench.store;
    let night = Some("night".to_owned());
    let all = [
        ad_hoc("contoso", "pc1", 1),
        Session { group: night.clone(), ..ad_hoc("contoso", "pc2", 2) },
        Session { group: night, ..ad_hoc("fabrikam", "pc3", 3) },
        ad_hoc("fabrikam", "pc4", 4),
        waits("adatum", "pc5", SessionKind::AdHoc, 0),
    ];
    store.add_sessions(&all[4..]).await.unwrap();
    assert_eq!(taken(store, "one", 1, 6).await, [all[4].id]);
    store.add_sessions(&all[..4]).await.unwrap();
    let cancel =
        |filter| async move { ids(&store.cancel_sessions(filter, "no more", 9).await.unwrap()) };
    let none = CancelFilter::default();
    let (contoso, adatum) = (all[0].tenant.to_string(), [all[4].tenant.to_string()]);
    let night = CancelFilter { group: Some("night"), ..none };
    assert_eq!(cancel(CancelFilter { tenant: Some(&contoso), ..night }).await, [all[1].id]);
    assert_eq!(cancel(CancelFilter { tenants: Some(&adatum), ..night }).await, []);
    assert_eq!(cancel(night).await, [all[2].id]);
    let deployment = all[3].deployment.unwrap().to_string();
    assert_eq!(cancel(CancelFilter { deployment: Some(&deployment), ..none }).await, [all[3].id]);
    assert_eq!(cancel(none).await, [all[0].id], "what runs goes on");
    assert_eq!(cancel(CancelFilter { running: true, ..none }).await, [all[4].id]);
    let why = is_refused(store, all[4].id, says(SessionState::Running, "one", 10)).await;
    assert!(why.contains("is cancelled"), "{why}");
    assert_eq!(store.session(all[0].id).await.unwrap().word, "no more");
    assert_eq!(store.count_sessions(SessionState::Cancelled).await.unwrap(), 5);
}

async fn what_goes_first_goes_first_and_an_engine_of_some_tenants_gets_theirs(bench: Bench) {
    use SessionKind::{AdHoc, Onboarding, Scheduled};
    let store = &bench.store;
    let all = [
        waits("contoso", "pc1", Scheduled, 1),
        waits("contoso", "pc2", Scheduled, 2),
        waits("contoso", "pc3", Onboarding, 3),
        waits("contoso", "pc4", AdHoc, 4),
        waits("fabrikam", "pc5", Scheduled, 5),
        waits("fabrikam", "pc6", AdHoc, 6),
    ];
    store.add_sessions(&all).await.unwrap();
    let fabrikam = [all[4].tenant.to_string()];
    let of_theirs = Take { tenants: Some(&fabrikam), ..take("theirs", 1, &RULES, 7) };
    assert_eq!(ids(&store.take_sessions(of_theirs).await.unwrap().taken), [all[5].id]);
    let order = taken(store, "one", 10, 8).await;
    assert_eq!(order, [3, 2, 4, 0, 1].map(|at: usize| all[at].id));
}

async fn sessions_are_found_by_kind_and_batch_and_counted(bench: Bench) {
    use SessionKind::{AdHoc, Scheduled};
    let store = &bench.store;
    let batch = Session { group: Some("b".to_owned()), ..waits("contoso", "pc1", Scheduled, 1) };
    let all = [batch, waits("fabrikam", "pc2", Scheduled, 2), waits("fabrikam", "pc3", AdHoc, 3)];
    store.add_sessions(&all).await.unwrap();
    let find = |query| async move {
        let rows = store.sessions(query).await.unwrap();
        rows.into_iter().map(|(_, session)| session.id).collect::<Vec<_>>()
    };
    let any = SessionQuery::default();
    let scheduled = SessionQuery { kind: Some(Scheduled), ..any };
    assert_eq!(find(scheduled).await, [all[0].id, all[1].id]);
    assert_eq!(find(SessionQuery { newest: true, most: Some(1), ..scheduled }).await, [all[1].id]);
    assert_eq!(find(SessionQuery { group: Some("b"), ..any }).await, [all[0].id]);
    let fabrikam = all[1].tenant.to_string();
    assert_eq!(find(SessionQuery { tenant: Some(&fabrikam), ..scheduled }).await, [all[1].id]);
    assert_eq!(taken(store, "one", 1, 4).await, [all[2].id]);
    let queued = store.queued_sessions().await.unwrap();
    let (waiting, running) = (SessionState::Waiting, SessionState::Running);
    assert_eq!(queued, [(waiting, Scheduled, 2), (running, AdHoc, 1)]);
}

async fn a_word_begins_nothing_beyond_the_bounds(bench: Bench) {
    let store = &bench.store;
    let all: Vec<Session> = (1..=2).map(|at| ad_hoc("contoso", &format!("pc{at}"), at)).collect();
    store.add_sessions(&all).await.unwrap();
    let begun = store.tell_session(all[0].id, says(SessionState::Running, "one", 3)).await.unwrap();
    assert_eq!((begun.takes, begun.until_us), (1, Some(3 + RULES.lease_us)));
    for (rules, what) in [
        (QueueRules { at_once: 1, ..RULES }, "1 sessions run already"),
        (QueueRules { per_tenant: 1, ..RULES }, "1 sessions of its tenant"),
        (QueueRules { per_engine: 1, ..RULES }, "1 sessions of this engine"),
    ] {
        let word = SessionWord { rules: &rules, ..says(SessionState::Running, "one", 4) };
        let why = is_refused(store, all[1].id, word).await;
        assert!(why.contains(what), "{why}");
        assert_eq!(store.take_sessions(take("one", 5, &rules, 4)).await.unwrap(), Took::default());
    }
    // Whoever is at it goes on, however much runs.
    let rules = QueueRules { at_once: 0, ..RULES };
    let word = SessionWord { rules: &rules, ..says(SessionState::Running, "one", 5) };
    store.tell_session(all[0].id, word).await.unwrap();
}

/// As the version before wrote it: no column and no field of the queue.
async fn stored_before(bench: &Bench, session: &Session, engine: Option<&str>) {
    let mut document = serde_json::to_value(session).unwrap();
    let fields = document.as_object_mut().unwrap();
    for field in ["kind", "group", "until_us", "takes", "expires_us"] {
        assert!(fields.remove(field).is_some(), "{field}");
    }
    let state = if engine.is_some() { "running" } else { "waiting" };
    fields.insert("state".to_owned(), state.into());
    fields.insert("engine".to_owned(), engine.into());
    let Session { id, tenant, subject, asked_us, .. } = session;
    let deployment = session.deployment.unwrap();
    bench
        .raw(&format!(
            "insert into session (id, change_seq, tenant, subject, deployment, state, active, asked, \
             document) values ('{id}', {asked_us}, '{tenant}', '{subject}', '{deployment}', '{state}', \
             '{subject} {deployment}', {asked_us}, '{document}'); \
             update counter set value = {asked_us} where name = 'session'"
        ))
        .await;
}

async fn sessions_of_before_there_was_a_queue_are_taken_and_told(bench: Bench) {
    let store = &bench.store;
    let (waiting, running) = (ad_hoc("contoso", "pc1", 1), ad_hoc("contoso", "pc2", 2));
    stored_before(&bench, &waiting, None).await;
    stored_before(&bench, &running, Some("old")).await;
    assert_eq!(store.session(waiting.id).await.unwrap(), waiting);
    // Nobody knows when its engine was heard of: it has it until its next word, and then for a lease.
    assert_eq!(store.tidy_sessions(&RULES, i64::MAX).await.unwrap(), []);
    let told = store.tell_session(running.id, says(SessionState::Running, "old", 9)).await.unwrap();
    assert_eq!((told.until_us, told.takes), (Some(9 + RULES.lease_us), 0));
    assert_eq!(taken(store, "one", 5, 10).await, [waiting.id]);
    let lost = store.tidy_sessions(&RULES, 9 + RULES.lease_us).await.unwrap();
    assert_eq!(ids(&lost), [running.id]);
}
