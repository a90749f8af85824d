//! What people are told of sessions, each thing once; moving a session with the key of a mail; who else is told.

use chrono::NaiveTime;
use core_model::id::{ComputerId, PersonId, SessionId};
use core_model::postpone::{PostponeBy, PostponeRules, Refusal};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{
    Claim, Holder, Moved, Moving, NewNotification, NotificationEnd, NotificationKey,
    NotificationKind, NotificationState, Ready, SessionLine, SessionMove, Store, Take,
};

use crate::harness::Bench;
use crate::queue::{MINUTE, RULES, waits};

on_both!(
    of_twenty_that_would_send_a_notification_one_does_and_nothing_is_noted_twice,
    what_a_dead_process_was_sending_is_settled_and_never_due_again,
    what_was_not_sent_is_due_again_and_the_key_is_that_of_the_last_try,
    s8_a_session_is_moved_whole_three_times_and_only_while_nothing_was_begun,
    s9_a_key_counts_for_one_deed_and_both_that_came_at_once_are_one,
    a_session_that_was_not_looked_at_yet_is_looked_at_when_it_was_to_be,
    who_else_is_told_is_kept_by_computer,
);

const HOUR: i64 = 60 * MINUTE;
const ACT: i64 = 10 * HOUR;

const POSTPONING: PostponeRules =
    PostponeRules { times: 3, within_us: 72 * HOUR, night: NaiveTime::MIN, zone: chrono_tz::UTC };

fn key(seed: u8) -> NotificationKey {
    NotificationKey::from_random([seed; 32])
}

/// A session with a plan that waits for its time.
async fn planned(store: &Store, computer: &str) -> Session {
    let mut session = waits("contoso", computer, SessionKind::Scheduled, 1);
    session.act_us = Some(ACT);
    store.add_session(&session).await.unwrap();
    let taken = taken(store, "one", 10).await;
    let session = taken.into_iter().find(|one| one.id == session.id).unwrap();
    let holder = Holder::of(&session).unwrap();
    store.put_session_plan(&holder, "{}").await.unwrap();
    store.put_back_session(&holder, "planned", Ready::At(ACT), 20).await.unwrap()
}

async fn taken(store: &Store, engine: &str, now_us: i64) -> Vec<Session> {
    let rules: QueueRules = RULES;
    let take = Take { engine, most: 10, tenants: None, rules: &rules, bars: &|_| None, now_us };
    store.take_sessions(take).await.unwrap().taken
}

async fn note(store: &Store, session: &Session) -> usize {
    let new = NewNotification {
        session: session.id,
        kind: NotificationKind::Before,
        tenant: session.tenant,
    };
    store.note_notifications(("reader", 7), &[new], 100).await.unwrap()
}

fn claim(session: SessionId, holder: &str) -> Claim<'_> {
    Claim { session, kind: NotificationKind::Before, holder }
}

fn end(state: NotificationState, error: Option<&str>) -> NotificationEnd<'_> {
    NotificationEnd { state, due_us: 500, told: &[], error }
}

async fn state(store: &Store, session: &Session) -> (NotificationState, u32) {
    let all = store.notifications(session.id).await.unwrap();
    assert_eq!(all.len(), 1, "{all:?}");
    (all[0].state, all[0].attempts)
}

async fn of_twenty_that_would_send_a_notification_one_does_and_nothing_is_noted_twice(
    bench: Bench,
) {
    let store = &bench.store;
    let session = planned(store, "pc1").await;
    assert_eq!((note(store, &session).await, note(store, &session).await), (1, 0));
    assert_eq!(store.cursor("reader").await.unwrap(), 7);
    let all = (0..20).map(|number| {
        let (store, id) = (store.clone(), session.id);
        tokio::spawn(async move {
            let holder = format!("daemon-{number}");
            let times = (200, 300);
            store.claim_notification(claim(id, &holder), &key(number), times).await.unwrap()
        })
    });
    let mut claimed = 0;
    for one in all.collect::<Vec<_>>() {
        claimed += usize::from(one.await.unwrap());
    }
    assert_eq!(claimed, 1);
    assert_eq!(store.due_notifications(1_000, 10).await.unwrap(), []);
    assert_eq!(state(store, &session).await, (NotificationState::Sending, 1));
    assert_eq!(note(store, &session).await, 0, "it is at it");
}

async fn what_a_dead_process_was_sending_is_settled_and_never_due_again(bench: Bench) {
    let store = &bench.store;
    let session = planned(store, "pc1").await;
    note(store, &session).await;
    let dead = claim(session.id, "dead");
    assert!(store.claim_notification(dead, &key(1), (200, 300)).await.unwrap());
    assert_eq!(store.settle_notifications(299).await.unwrap(), []);
    let settled = store.settle_notifications(300).await.unwrap();
    assert_eq!((settled.len(), settled[0].state), (1, NotificationState::Unsure));
    assert!(settled[0].error.as_ref().unwrap().contains("not heard of"));
    assert_eq!(store.settle_notifications(i64::MAX).await.unwrap(), []);
    assert_eq!(store.due_notifications(i64::MAX, 10).await.unwrap(), []);
    let other = claim(session.id, "other");
    assert!(!store.claim_notification(other, &key(2), (400, 500)).await.unwrap());
    // Whoever was only slow has nothing to say any more.
    let late = end(NotificationState::Due, None);
    assert!(!store.end_notification(dead, late, 400).await.unwrap());
    assert_eq!(state(store, &session).await, (NotificationState::Unsure, 1));
    // Its links work: it may have arrived.
    assert!(store.notification_of(&key(1)).await.unwrap().is_some());
    let counted = store.count_notifications(0).await.unwrap();
    assert_eq!(counted, [(NotificationState::Unsure, 1)]);
    assert_eq!(store.count_notifications(301).await.unwrap(), []);
    assert_eq!(store.failing_notification().await.unwrap(), None, "it was tried once");
    assert_eq!(store.forget_notifications(300, 10).await.unwrap(), 0);
    assert_eq!(store.forget_notifications(301, 10).await.unwrap(), 1);
    assert_eq!(store.notifications(session.id).await.unwrap(), []);
}

async fn what_was_not_sent_is_due_again_and_the_key_is_that_of_the_last_try(bench: Bench) {
    let store = &bench.store;
    let session = planned(store, "pc1").await;
    note(store, &session).await;
    let one = claim(session.id, "one");
    assert!(store.claim_notification(one, &key(1), (200, 300)).await.unwrap());
    let refused = end(NotificationState::Due, Some("451 greylisted"));
    assert!(store.end_notification(one, refused, 210).await.unwrap());
    assert_eq!(store.due_notifications(499, 10).await.unwrap(), [], "not yet");
    assert!(!store.claim_notification(one, &key(2), (499, 600)).await.unwrap());
    let due = store.due_notifications(500, 10).await.unwrap();
    assert_eq!(
        (due.len(), due[0].attempts, due[0].error.as_deref()),
        (1, 1, Some("451 greylisted"))
    );
    assert!(store.claim_notification(one, &key(2), (500, 600)).await.unwrap());
    let told = ["ana@contoso.example".to_owned()];
    let sent = NotificationEnd { told: &told, ..end(NotificationState::Sent, None) };
    assert!(store.end_notification(one, sent, 510).await.unwrap());
    assert_eq!(store.notifications(session.id).await.unwrap()[0].told, told);
    assert_eq!(store.notification_of(&key(1)).await.unwrap(), None, "it was never sent");
    let found = store.notification_of(&key(2)).await.unwrap().unwrap();
    assert_eq!((found.session, found.uses), (session.id, 0));
    // Of the key there is a digest only.
    let rows = bench.texts("select digest from notification").await;
    assert!(rows.iter().all(|text| !key(2).reveal().contains(text)), "{rows:?}");
}

fn moving<'a>(to: Moving, now_us: i64) -> SessionMove<'a> {
    SessionMove { to, rules: &POSTPONING, forced: false, by: "ana", key: None, now_us }
}

async fn moved(store: &Store, session: &Session, how: SessionMove<'_>) -> Session {
    match store.move_session(session.id, how).await.unwrap() {
        Moved::Done(session) => *session,
        other => panic!("{other:?}"),
    }
}

async fn s8_a_session_is_moved_whole_three_times_and_only_while_nothing_was_begun(bench: Bench) {
    let store = &bench.store;
    let session = planned(store, "pc1").await;
    let postpone = moving(Moving::Postpone(PostponeBy::Hour), HOUR);
    let before = store.last_session_change().await.unwrap();
    for time in 1..=3 {
        let now = moved(store, &session, postpone).await;
        let at = Some(ACT + time * HOUR);
        assert_eq!((now.act_us, now.ready_us, now.first_act_us), (at, at, Some(ACT)));
        assert_eq!(i64::from(now.postponed), time);
        assert!(now.word.contains("by ana") && now.word.contains("of 3)"), "{}", now.word);
        assert_eq!(store.session(session.id).await.unwrap(), now);
    }
    assert_eq!(store.last_session_change().await.unwrap(), before + 3, "each is followed");
    let deadline_us = ACT + 72 * HOUR;
    let fourth = store.move_session(session.id, postpone).await.unwrap();
    assert_eq!(fourth, Moved::Refused(Refusal::TooOften { times: 3, deadline_us }));
    assert_eq!(store.last_session_change().await.unwrap(), before + 3, "nothing was changed");
    // It is nobody's before its new time.
    assert_eq!(taken(store, "one", ACT + 3 * HOUR - 1).await, []);
    let forced = moved(store, &session, SessionMove { forced: true, ..postpone }).await;
    assert_eq!((forced.act_us, forced.postponed), (Some(ACT + 4 * HOUR), 4));
    let hastened = moved(store, &session, moving(Moving::Now, 2 * HOUR)).await;
    assert_eq!((hastened.act_us, hastened.ready_us), (Some(2 * HOUR), None));
    let again = store.move_session(session.id, moving(Moving::Now, 2 * HOUR)).await.unwrap();
    assert_eq!(again, Moved::Refused(Refusal::Due));
    // What runs, and what was put back in its middle, stays where it is.
    let runs = taken(store, "one", 2 * HOUR).await.pop().unwrap();
    let refused = store.move_session(session.id, SessionMove { forced: true, ..postpone }).await;
    assert_eq!(refused.unwrap(), Moved::Refused(Refusal::Runs));
    let holder = Holder::of(&runs).unwrap();
    let line = SessionLine {
        number: 1,
        half: "act".to_owned(),
        step: "\"check_reboot\"".to_owned(),
        run: None,
        outcome: None,
        said: "{}".to_owned(),
        began_us: 11,
        ended_us: None,
    };
    store.put_session_line(&holder, &line).await.unwrap();
    store.put_back_session(&holder, "", Ready::At(20 * HOUR), 3 * HOUR).await.unwrap();
    assert!(store.session_begun(session.id).await.unwrap());
    for to in [Moving::Now, Moving::Postpone(PostponeBy::Night)] {
        let how = SessionMove { forced: true, ..moving(to, 4 * HOUR) };
        let refused = store.move_session(session.id, how).await.unwrap();
        assert_eq!(refused, Moved::Refused(Refusal::Begun));
    }
}

async fn s9_a_key_counts_for_one_deed_and_both_that_came_at_once_are_one(bench: Bench) {
    let store = &bench.store;
    let session = planned(store, "pc1").await;
    let other = planned(store, "pc2").await;
    note(store, &session).await;
    assert!(store.claim_notification(claim(session.id, "one"), &key(1), (200, 300)).await.unwrap());
    let both = (0..2).map(|_| {
        let (store, id) = (store.clone(), session.id);
        tokio::spawn(async move {
            let key = key(1);
            let how = SessionMove {
                key: Some((&key, 0)),
                ..moving(Moving::Postpone(PostponeBy::Hour), HOUR)
            };
            store.move_session(id, how).await.unwrap()
        })
    });
    let mut used = 0;
    for one in both.collect::<Vec<_>>() {
        used += usize::from(one.await.unwrap() == Moved::Used);
    }
    assert_eq!(used, 1);
    let now = store.session(session.id).await.unwrap();
    assert_eq!((now.postponed, now.act_us), (1, Some(ACT + HOUR)));
    assert_eq!(store.notification_of(&key(1)).await.unwrap().unwrap().uses, 1);
    // It opens no other session, and what is not known opens none.
    for (id, key, uses) in [(other.id, key(1), 1), (session.id, key(2), 0), (session.id, key(1), 0)]
    {
        let how = SessionMove { key: Some((&key, uses)), ..moving(Moving::Now, HOUR) };
        assert_eq!(store.move_session(id, how).await.unwrap(), Moved::Used);
    }
    assert_eq!(store.session(session.id).await.unwrap(), now);
    let key = key(1);
    let how = SessionMove { key: Some((&key, 1)), ..moving(Moving::Now, HOUR) };
    assert!(matches!(store.move_session(session.id, how).await.unwrap(), Moved::Done(_)));
}

async fn a_session_that_was_not_looked_at_yet_is_looked_at_when_it_was_to_be(bench: Bench) {
    let store = &bench.store;
    let mut session = waits("contoso", "pc1", SessionKind::Scheduled, 1);
    (session.act_us, session.ready_us) = (Some(ACT), Some(2 * HOUR));
    store.add_session(&session).await.unwrap();
    let postpone = moving(Moving::Postpone(PostponeBy::FourHours), HOUR);
    let now = moved(store, &session, postpone).await;
    assert_eq!((now.act_us, now.ready_us), (Some(ACT + 4 * HOUR), Some(2 * HOUR)));
    assert_eq!(taken(store, "one", 2 * HOUR).await.len(), 1);
    // One without a time of its own waits as a whole.
    let session = waits("contoso", "pc2", SessionKind::AdHoc, 1);
    store.add_session(&session).await.unwrap();
    let now = moved(store, &session, postpone).await;
    assert_eq!((now.act_us, now.ready_us), (Some(5 * HOUR), Some(5 * HOUR)));
    assert_eq!(taken(store, "one", 5 * HOUR - 1).await, []);
    assert_eq!(taken(store, "one", 5 * HOUR).await[0].state, SessionState::Running);
}

async fn who_else_is_told_is_kept_by_computer(bench: Bench) {
    let store = &bench.store;
    let computer = ComputerId::of_text("pc1", 1);
    let [ana, ben] = ["ana", "ben"].map(|name| PersonId::of_text(name, 1));
    assert!(store.add_notified_person(computer, ben, ("tests", 1)).await.unwrap());
    assert!(store.add_notified_person(computer, ana, ("tests", 2)).await.unwrap());
    assert!(!store.add_notified_person(computer, ana, ("tests", 3)).await.unwrap());
    let told = store.notified_persons(computer).await.unwrap();
    let told: Vec<(PersonId, i64)> = told.iter().map(|one| (one.person, one.at_us)).collect();
    assert_eq!(told, [(ben, 1), (ana, 2)]);
    assert_eq!(store.notified_persons(ComputerId::of_text("pc2", 1)).await.unwrap(), []);
    assert!(store.remove_notified_person(computer, ben).await.unwrap());
    assert!(!store.remove_notified_person(computer, ben).await.unwrap());
    assert_eq!(store.notified_persons(computer).await.unwrap().len(), 1);
}
