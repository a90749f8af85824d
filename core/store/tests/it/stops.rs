//! Stops: what they hold is not given to anybody and does not expire, and goes on as if it had not been held.

use core_model::session::{Session, SessionKind, SessionState};
use core_model::stop::{Stop, StopKind};
use core_store::{SessionWord, Store, Take};

use crate::harness::Bench;
use crate::queue::{MINUTE, RULES, waits};

on_both!(
    what_is_stopped_is_given_to_nobody_and_goes_on_in_its_order,
    a_stop_holds_what_it_names,
    what_is_held_does_not_expire_and_waits_as_much_longer,
    what_two_stops_held_waits_as_much_longer_as_either_held_it,
    a_word_begins_nothing_that_is_stopped,
    what_is_stopped_twice_is_stopped_once_and_by_the_first,
);

fn stop(kind: StopKind, key: &str, at_us: i64) -> Stop {
    Stop {
        kind,
        key: key.to_owned(),
        name: "Contoso".to_owned(),
        by: "ana".to_owned(),
        reason: "the line is down".to_owned(),
        at_us,
        version: None,
    }
}

async fn take(store: &Store, now_us: i64) -> Vec<Session> {
    let take =
        Take { engine: "one", most: 10, tenants: None, rules: &RULES, bars: &|_| None, now_us };
    store.take_sessions(take).await.unwrap().taken
}

async fn what_is_stopped_is_given_to_nobody_and_goes_on_in_its_order(bench: Bench) {
    let store = &bench.store;
    let all: Vec<Session> =
        (1..4).map(|n| waits("contoso", &format!("pc{n}"), SessionKind::Scheduled, n)).collect();
    store.add_sessions(&all).await.unwrap();
    assert!(store.add_stop(&stop(StopKind::Everything, "", 5)).await.unwrap());
    assert_eq!(take(store, 10).await, []);
    assert_eq!(store.held_sessions().await.unwrap(), 3);
    let stops = store.stops().await.unwrap();
    assert_eq!(stops, [stop(StopKind::Everything, "", 5)]);
    let gone = store.remove_stop(StopKind::Everything, "", 20).await.unwrap();
    assert_eq!(gone, Some(stop(StopKind::Everything, "", 5)));
    assert_eq!(store.remove_stop(StopKind::Everything, "", 21).await.unwrap(), None);
    // The same that a queue gives that was never stopped.
    let taken: Vec<_> = take(store, 30).await.into_iter().map(|one| one.id).collect();
    assert_eq!(taken, all.iter().map(|one| one.id).collect::<Vec<_>>());
    assert_eq!(store.held_sessions().await.unwrap(), 0);
}

async fn a_stop_holds_what_it_names(bench: Bench) {
    let store = &bench.store;
    let plain = waits("contoso", "pc1", SessionKind::AdHoc, 1);
    let mut planned = waits("contoso", "pc2", SessionKind::Scheduled, 2);
    planned.schedule = Some("nightly".to_owned());
    let other = waits("fabrikam", "pc3", SessionKind::AdHoc, 3);
    let all = [plain.clone(), planned.clone(), other.clone()];
    store.add_sessions(&all).await.unwrap();
    let deployment = other.deployment.unwrap().to_string();
    for (kind, key, held, left) in [
        (StopKind::Tenant, plain.tenant.to_string(), 2, vec![other.id]),
        (StopKind::Schedule, "nightly".to_owned(), 1, vec![plain.id, other.id]),
        (StopKind::Deployment, deployment, 1, vec![plain.id, planned.id]),
        (StopKind::Schedule, "weekly".to_owned(), 0, vec![plain.id, planned.id, other.id]),
    ] {
        let stop = stop(kind, &key, 5);
        store.add_stop(&stop).await.unwrap();
        assert_eq!(store.held_by(&stop).await.unwrap(), held, "{stop:?}");
        let by_model = all.iter().filter(|session| stop.holds(session)).count() as u64;
        assert_eq!((store.held_sessions().await.unwrap(), by_model), (held, held));
        let mut taken: Vec<_> = take(store, 10).await.into_iter().map(|one| one.id).collect();
        let mut left = left;
        taken.sort_unstable();
        left.sort_unstable();
        assert_eq!(taken, left, "{stop:?}");
        for id in taken {
            let session = store.session(id).await.unwrap();
            let holder = core_store::Holder::of(&session).unwrap();
            store.put_back_session(&holder, "", core_store::Ready::Now, 11).await.unwrap();
        }
        store.remove_stop(kind, &key, 12).await.unwrap();
    }
    assert!(store.has_schedule("nightly").await.unwrap());
    assert!(!store.has_schedule("weekly").await.unwrap());
}

async fn what_is_held_does_not_expire_and_waits_as_much_longer(bench: Bench) {
    let store = &bench.store;
    let expiring = |computer: &str, asked| Session {
        expires_us: Some(100 * MINUTE),
        ..waits("contoso", computer, SessionKind::AdHoc, asked)
    };
    let (held, later) = (expiring("pc1", MINUTE), expiring("pc2", 60 * MINUTE));
    store.add_session(&held).await.unwrap();
    let tenant = held.tenant.to_string();
    store.add_stop(&stop(StopKind::Tenant, &tenant, 50 * MINUTE)).await.unwrap();
    store.add_session(&later).await.unwrap();
    let free = Session {
        expires_us: Some(100 * MINUTE),
        ..waits("fabrikam", "pc3", SessionKind::AdHoc, MINUTE)
    };
    store.add_session(&free).await.unwrap();
    let over = store.tidy_sessions(&RULES, 200 * MINUTE).await.unwrap();
    assert_eq!(over.iter().map(|one| one.id).collect::<Vec<_>>(), [free.id]);
    store.remove_stop(StopKind::Tenant, &tenant, 250 * MINUTE).await.unwrap();
    assert_eq!(store.tidy_sessions(&RULES, 250 * MINUTE).await.unwrap(), []);
    // Each waits as much longer as it was held.
    let until = async |session: &Session| store.session(session.id).await.unwrap().expires_us;
    assert_eq!(until(&held).await, Some(300 * MINUTE));
    assert_eq!(until(&later).await, Some(290 * MINUTE));
    let over = store.tidy_sessions(&RULES, 295 * MINUTE).await.unwrap();
    assert_eq!(
        over.iter().map(|one| (one.id, one.state)).collect::<Vec<_>>(),
        [(later.id, SessionState::Expired)]
    );
}

async fn what_two_stops_held_waits_as_much_longer_as_either_held_it(bench: Bench) {
    let store = &bench.store;
    let session = |computer: &str| Session {
        expires_us: Some(100 * MINUTE),
        ..waits("contoso", computer, SessionKind::AdHoc, MINUTE)
    };
    let until = async |session: &Session| store.session(session.id).await.unwrap().expires_us;
    let tenant = session("pc1").tenant.to_string();
    let (all, one) = ((StopKind::Everything, ""), (StopKind::Tenant, tenant.as_str()));
    // Whichever came first, whichever goes first: held from 10 to 50.
    for (computer, first, second, goes, stays) in [
        ("pc1", all, one, all, one),
        ("pc2", all, one, one, all),
        ("pc3", one, all, one, all),
        ("pc4", one, all, all, one),
    ] {
        let session = session(computer);
        store.add_session(&session).await.unwrap();
        store.add_stop(&stop(first.0, first.1, 10 * MINUTE)).await.unwrap();
        store.add_stop(&stop(second.0, second.1, 20 * MINUTE)).await.unwrap();
        store.remove_stop(goes.0, goes.1, 30 * MINUTE).await.unwrap();
        store.remove_stop(stays.0, stays.1, 50 * MINUTE).await.unwrap();
        assert_eq!(until(&session).await, Some(140 * MINUTE), "{computer}");
    }
}

async fn a_word_begins_nothing_that_is_stopped(bench: Bench) {
    let store = &bench.store;
    let session = waits("contoso", "pc1", SessionKind::AdHoc, 1);
    store.add_session(&session).await.unwrap();
    store.add_stop(&stop(StopKind::Everything, "", 5)).await.unwrap();
    let word = SessionWord {
        state: SessionState::Running,
        word: "",
        result: None,
        by: "two",
        take: None,
        rules: &RULES,
        now_us: 10,
    };
    let refused = store.tell_session(session.id, word).await.unwrap_err().to_string();
    assert!(refused.contains("it is stopped"), "{refused}");
    // It can be taken back all the same.
    let word = SessionWord { state: SessionState::Cancelled, ..word };
    assert_eq!(store.tell_session(session.id, word).await.unwrap().state, SessionState::Cancelled);
}

async fn what_is_stopped_twice_is_stopped_once_and_by_the_first(bench: Bench) {
    let store = &bench.store;
    let first = stop(StopKind::Tenant, "ten_1", 5);
    assert!(store.add_stop(&first).await.unwrap());
    let second = Stop { by: "ben".to_owned(), at_us: 9, ..first.clone() };
    assert!(!store.add_stop(&second).await.unwrap());
    let halt = Stop { version: Some("v1".to_owned()), ..stop(StopKind::Deployment, "dep_1", 4) };
    store.add_stop(&halt).await.unwrap();
    assert_eq!(store.stops().await.unwrap(), [first, halt]);
}
