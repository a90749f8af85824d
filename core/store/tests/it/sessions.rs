//! Sessions: asked for once, taken by one engine, over once; followed by the number of their changes.

use core_model::id::{ComputerId, DeploymentId, SessionId, TenantId};
use core_model::session::{Session, SessionState, TicketRef};
use core_store::{Error, SessionQuery, SessionWord};

use crate::harness::Bench;
use crate::queue::RULES;

on_both!(
    the_same_is_asked_for_once_until_it_is_over,
    one_engine_is_at_a_session_and_what_is_over_stays_so,
    sessions_are_followed_by_their_changes,
    who_asks_at_once_gets_one_session,
);

fn session(deployment: &str, tenant: &str, ticket: Option<&str>, at: i64) -> Session {
    let (tenant, subject) = (TenantId::of_text(tenant, 0), ComputerId::of_text("pc1", 0));
    Session {
        id: SessionId::of_text(&format!("{deployment} {at}"), at),
        deployment: Some(DeploymentId::of_text(deployment, 0)),
        asked_by: "ana".to_owned(),
        ticket: ticket.map(|key| TicketRef { connection: "halo".to_owned(), key: key.to_owned() }),
        ..Session::asked(tenant, subject, "PC1", &format!("{deployment}: latest"), at)
    }
}

fn word<'a>(state: SessionState, word: &'a str, by: &'a str) -> SessionWord<'a> {
    SessionWord { state, word, result: None, by, take: None, rules: &RULES, now_us: 99 }
}

async fn the_same_is_asked_for_once_until_it_is_over(bench: Bench) {
    let store = &bench.store;
    let first = store.add_session(&session("reader", "contoso", None, 1)).await.unwrap();
    let again = store.add_session(&session("reader", "contoso", None, 2)).await.unwrap();
    assert_eq!(again, first);
    let other = store.add_session(&session("office", "contoso", None, 3)).await.unwrap();
    assert_ne!(other.id, first.id);
    store.tell_session(first.id, word(SessionState::Failed, "no disk", "engine")).await.unwrap();
    let anew = store.add_session(&session("reader", "contoso", None, 4)).await.unwrap();
    assert_ne!(anew.id, first.id);
    assert_eq!(store.sessions(SessionQuery::default()).await.unwrap().len(), 3);
    assert_eq!(store.count_sessions(SessionState::Waiting).await.unwrap(), 2);
    assert_eq!(store.count_sessions(SessionState::Failed).await.unwrap(), 1);
}

async fn one_engine_is_at_a_session_and_what_is_over_stays_so(bench: Bench) {
    use SessionState::{Cancelled, Running, Succeeded, Waiting};
    let store = &bench.store;
    let one = store.add_session(&session("reader", "contoso", None, 1)).await.unwrap();
    let running = store.tell_session(one.id, word(Running, "detecting", "engine")).await.unwrap();
    assert_eq!((running.state, running.engine.as_deref()), (Running, Some("engine")));
    for wrong in [word(Running, "", "another"), word(Waiting, "", "engine")] {
        let error = store.tell_session(one.id, wrong).await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
    }
    let done = store.tell_session(one.id, word(Succeeded, "11.2", "engine")).await.unwrap();
    assert_eq!((done.word.as_str(), done.changed_us), ("11.2", 99));
    let error = store.tell_session(one.id, word(Cancelled, "", "ana")).await.unwrap_err();
    assert!(error.to_string().contains("is succeeded and cannot become cancelled"), "{error}");
    assert_eq!(store.session(one.id).await.unwrap(), done);
    // Whoever asked takes back what runs, and the engine is told by its next word.
    let two = store.add_session(&session("office", "contoso", None, 2)).await.unwrap();
    store.tell_session(two.id, word(Running, "", "engine")).await.unwrap();
    let back = store.tell_session(two.id, word(Cancelled, "", "ana")).await.unwrap();
    assert_eq!(back.engine.as_deref(), Some("engine"));
    assert!(store.tell_session(two.id, word(Succeeded, "", "engine")).await.is_err());
    let nobody = SessionId::of_text("nobody", 0);
    let error = store.tell_session(nobody, word(Running, "", "engine")).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { .. }), "{error}");
}

async fn sessions_are_followed_by_their_changes(bench: Bench) {
    let store = &bench.store;
    assert_eq!(store.last_session_change().await.unwrap(), 0);
    let one = store.add_session(&session("reader", "contoso", Some("7"), 1)).await.unwrap();
    let two = store.add_session(&session("office", "fabrikam", Some("8"), 2)).await.unwrap();
    let seen = store.last_session_change().await.unwrap();
    store.tell_session(one.id, word(SessionState::Running, "", "engine")).await.unwrap();
    let names = |rows: Vec<(i64, Session)>| rows.into_iter().map(|(_, s)| s.id).collect::<Vec<_>>();
    let asked = |query| async move { names(store.sessions(query).await.unwrap()) };
    let all = SessionQuery::default();
    assert_eq!(asked(SessionQuery { after: seen, ..all }).await, [one.id]);
    assert_eq!(asked(all).await, [two.id, one.id]);
    assert_eq!(asked(SessionQuery { most: Some(1), ..all }).await, [two.id]);
    let waiting = SessionQuery { state: Some(SessionState::Waiting), ..all };
    assert_eq!(asked(waiting).await, [two.id]);
    assert_eq!(asked(SessionQuery { ticket: Some(("halo", "7")), ..all }).await, [one.id]);
    assert_eq!(asked(SessionQuery { ticket: Some(("other", "7")), ..all }).await, []);
    let contoso = [one.tenant.to_string()];
    assert_eq!(asked(SessionQuery { tenants: Some(&contoso), ..all }).await, [one.id]);
    assert_eq!(asked(SessionQuery { tenants: Some(&[]), ..all }).await, []);
}

async fn who_asks_at_once_gets_one_session(bench: Bench) {
    let store = &bench.store;
    let asking = (1..=20).map(|at| async move {
        store.add_session(&session("reader", "contoso", None, at)).await.unwrap().id
    });
    let mut got = futures::future::join_all(asking).await;
    got.dedup();
    assert_eq!(got.len(), 1);
}
