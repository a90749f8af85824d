//! The page that a mail about a session leads to, and moving sessions over the API.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use core_model::access::Role;
use core_model::session::{Session, SessionKind, SessionState};
use core_model::stop::{Stop, StopKind};
use core_store::{
    AuditQuery, Claim, Holder, NewNotification, NotificationKey, NotificationKind, Ready,
    SessionWord, Take,
};
use serde_json::json;

use crate::desk::{computer, tenant};
use crate::harness::{Answer, Bench, FORM, NOW_US, post, posted, request};

const HOUR: i64 = 3_600 * 1_000_000;
/// When the session is to act.
const ACT: i64 = NOW_US + 8 * HOUR;

fn key() -> NotificationKey {
    NotificationKey::from_random([5; 32])
}

fn path() -> String {
    format!("/notification/{}", key().reveal())
}

async fn taken(bench: &Bench, now_us: i64) -> Session {
    let rules = core_model::queue::QueueRules::default();
    let take =
        Take { engine: "one", most: 1, tenants: None, rules: &rules, bars: &|_| None, now_us };
    bench.store.take_sessions(take).await.unwrap().taken.pop().unwrap()
}

/// A session with a plan that waits for its time, and of which a mail was sent.
async fn told(bench: &Bench) -> Session {
    let session = Session {
        kind: SessionKind::Scheduled,
        act_us: Some(ACT),
        ..Session::asked(tenant(0), computer(0), "PC-<0>", "Maintenance", NOW_US)
    };
    let store = &bench.store;
    store.add_session(&session).await.unwrap();
    let holder = Holder::of(&taken(bench, NOW_US).await).unwrap();
    store.put_session_plan(&holder, "{}").await.unwrap();
    let session = store.put_back_session(&holder, "", Ready::At(ACT), NOW_US).await.unwrap();
    let (id, kind) = (session.id, NotificationKind::Before);
    let new = NewNotification { session: id, kind, tenant: session.tenant };
    store.note_notifications(("reader", 1), &[new], NOW_US).await.unwrap();
    let claim = Claim { session: id, kind, holder: "one" };
    assert!(store.claim_notification(claim, &key(), (NOW_US, NOW_US + 1)).await.unwrap());
    session
}

async fn get(bench: &Bench, path: &str) -> Answer {
    bench.ask(request(path, "", &[("accept", "text/html")])).await
}

/// What a form of the page sends.
fn token_in(page: &str) -> String {
    let rest = page.split("name=\"token\" value=\"").nth(1).unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

async fn send(bench: &Bench, token: &str, what: &str) -> Answer {
    let body = format!("token={token}&do={what}");
    bench.ask(posted(&path(), &[FORM, ("accept", "text/html")], &body)).await
}

/// All that may not change where nothing is done.
async fn standing(bench: &Bench, session: &Session) -> String {
    let store = &bench.store;
    let now = store.session(session.id).await.unwrap();
    let told = store.notifications(session.id).await.unwrap();
    let change = store.last_session_change().await.unwrap();
    let audit = store.audit(&AuditQuery { limit: 100, ..AuditQuery::default() }).await.unwrap();
    format!("{now:?} {told:?} {change} {audit:?}")
}

fn nonce(page: &Answer) -> &str {
    page.body.split("nonce=\"").nth(1).unwrap().split('"').next().unwrap()
}

/// Nobody frames or keeps the page, and nothing in it runs.
fn is_sealed(page: &Answer) {
    let policy = page.header("content-security-policy");
    let style = format!("style-src 'self' 'nonce-{}'", nonce(page));
    for part in [
        style.as_str(),
        "default-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "img-src 'self' data: https://cdn.example.com;",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    for (name, value) in [
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(page.header(name), value);
    }
}

#[tokio::test]
async fn what_is_halted_says_so_to_whoever_sits_there_and_not_by_whom() {
    let bench = Bench::new().await;
    let session = told(&bench).await;
    let halted = "All such work is halted at present";
    assert!(!get(&bench, &path()).await.body.contains(halted));
    let stop = Stop {
        kind: StopKind::Tenant,
        key: session.tenant.to_string(),
        name: "Contoso".to_owned(),
        by: "ana".to_owned(),
        reason: "they owe us".to_owned(),
        at_us: NOW_US,
        version: None,
    };
    bench.store.add_stop(&stop).await.unwrap();
    let page = get(&bench, &path()).await;
    assert!(page.body.contains(halted), "{}", page.body);
    assert!(!page.body.contains("owe") && !page.body.contains("ana"), "{}", page.body);
    bench.store.remove_stop(stop.kind, &stop.key, NOW_US).await.unwrap();
    assert!(!get(&bench, &path()).await.body.contains(halted));
}

#[tokio::test]
async fn s9_a_hundred_reads_of_a_link_do_nothing_whatever_reads_it() {
    let bench = Bench::new().await;
    let session = told(&bench).await;
    let before = standing(&bench, &session).await;
    let page = get(&bench, &path()).await;
    assert_eq!(page.status, StatusCode::OK, "{page:?}");
    for part in [
        "Maintenance of PC-&#60;0&#62;",
        "It begins on Friday, 15 January 2027, 16:00 (UTC).",
        "7-Zip",
        "install version 24.08",
        "name=\"do\" value=\"now\"",
        "value=\"1h\"",
        "value=\"4h\"",
        "value=\"night\"",
        "Friday, 15 January 2027, 17:00 (UTC)",
        "Friday, 15 January 2027, 22:00 (UTC)",
        "done by Monday, 18 January 2027, 16:00 (UTC)",
        "Acme &#38; Sons",
        "--accent: #0b6b3a",
    ] {
        assert!(page.body.contains(part), "{part} in\n{}", page.body);
    }
    is_sealed(&page);
    // Another page, another number.
    assert_ne!(nonce(&get(&bench, &path()).await), nonce(&page));
    for number in 0..100 {
        let method = if number % 2 == 0 { Method::GET } else { Method::HEAD };
        let place = match number % 3 {
            0 => path(),
            1 => format!("{}?done=1", path()),
            // As a program reads it that follows forms, too.
            _ => format!("{}?done=now", path()),
        };
        let read = Request::builder().method(method).uri(place).body(Body::empty());
        assert_eq!(bench.ask(read.unwrap()).await.status, StatusCode::OK);
    }
    let token = token_in(&page.body);
    let asked = format!("{}?token={token}&do=now", path());
    assert_eq!(get(&bench, &asked).await.status, StatusCode::BAD_REQUEST);
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        let other = Request::builder().method(method).uri(path()).body(Body::empty());
        assert_eq!(bench.ask(other.unwrap()).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
    assert_eq!(standing(&bench, &session).await, before);
}

#[tokio::test]
async fn s9_a_form_of_no_page_of_ours_or_without_its_token_does_nothing() {
    let bench = Bench::new().await;
    let session = told(&bench).await;
    let before = standing(&bench, &session).await;
    let token = token_in(&get(&bench, &path()).await.body);
    // A form that no page of ours sent, and one without its token.
    let body = format!("token={token}&do=now");
    let strange = Request::post(path())
        .header("content-type", FORM.1)
        .header("sec-fetch-site", "cross-site")
        .body(Body::from(body.clone()));
    bench.ask(strange.unwrap()).await.is_problem(403);
    let blind = Request::post(path()).header("content-type", FORM.1).body(Body::from(body));
    bench.ask(blind.unwrap()).await.is_problem(403);
    for wrong in ["", "nonsense", key().reveal(), &token[1..]] {
        let refused = send(&bench, wrong, "now").await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    }
    assert_eq!(standing(&bench, &session).await, before);
}

#[tokio::test]
async fn s9_a_form_counts_once_and_so_does_the_next_one() {
    let bench = Bench::new().await;
    let session = told(&bench).await;
    let first = token_in(&get(&bench, &path()).await.body);
    let moved = send(&bench, &first, "1h").await;
    assert_eq!((moved.status, moved.header("location")), (StatusCode::SEE_OTHER, "?done=1"));
    let now = bench.store.session(session.id).await.unwrap();
    assert_eq!((now.act_us, now.ready_us), (Some(ACT + HOUR), Some(ACT + HOUR)));
    assert!(now.word.contains("by whoever has the mail (1 of 3)"), "{}", now.word);
    let again = send(&bench, &first, "1h").await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert!(again.body.contains("not up to date"), "{}", again.body);
    assert_eq!(bench.store.session(session.id).await.unwrap(), now, "nothing more");
    let page = get(&bench, &format!("{}?done=1", path())).await;
    assert!(page.body.contains("It is noted.") && page.body.contains("postponed once"));
    let second = token_in(&page.body);
    assert_ne!(first, second);
    // Whoever is signed in besides needs nothing more: the cookie opens nothing here.
    let ana = bench.session("ana", Role::Reader, &[]).await;
    let body = format!("token={second}&do=now");
    let headers = [FORM, ("cookie", &*ana.cookie)];
    let answer = bench.ask(posted(&path(), &headers, &body)).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
    let now = bench.store.session(session.id).await.unwrap();
    assert_eq!((now.act_us, now.ready_us), (Some(NOW_US), None));
    // Now it is the engine's.
    let page = get(&bench, &path()).await.body;
    assert!(page.contains("as soon as it can") && !page.contains("<form"), "{page}");
    let audit =
        bench.store.audit(&AuditQuery { limit: 10, ..AuditQuery::default() }).await.unwrap();
    let lines: Vec<(&str, &str)> =
        audit.iter().map(|line| (line.action.as_str(), line.detail.as_str())).collect();
    assert_eq!(lines, [("move-session", "now"), ("move-session", "1h")]);
    // Of the key and what is derived from it nothing is kept that would open anything.
    for secret in [key().reveal().to_owned(), first, second] {
        assert!(!bench.bytes().contains(&secret));
    }
}

#[tokio::test]
async fn s8_three_times_and_the_fourth_is_refused_with_the_deadline() {
    let bench = Bench::new().await;
    let session = told(&bench).await;
    for (time, left) in [(1, "2 times"), (2, "once more"), (3, "cannot be postponed any more")] {
        let token = token_in(&get(&bench, &path()).await.body);
        assert_eq!(send(&bench, &token, "1h").await.status, StatusCode::SEE_OTHER);
        let now = bench.store.session(session.id).await.unwrap();
        // All of it is moved: when it acts, and when an engine may take it.
        let at = Some(ACT + time * HOUR);
        assert_eq!((now.act_us, now.ready_us, now.first_act_us), (at, at, Some(ACT)));
        let page = get(&bench, &path()).await.body;
        assert!(page.contains(left), "{left} in\n{page}");
    }
    let before = bench.store.session(session.id).await.unwrap();
    let page = get(&bench, &path()).await.body;
    assert!(!page.contains("value=\"1h\""), "{page}");
    let fourth = send(&bench, &token_in(&page), "1h").await;
    assert_eq!(fourth.status, StatusCode::CONFLICT);
    let said = "it was postponed 3 times, which is as often as it may be; it has to be done by \
                Monday, 18 January 2027, 16:00 (UTC)";
    assert!(fourth.body.contains(said), "{}", fourth.body);
    assert_eq!(bench.store.session(session.id).await.unwrap(), before);
    // It may still be begun.
    let token = token_in(&fourth.body);
    assert_eq!(send(&bench, &token, "now").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_link_ends_with_the_time_of_its_session_and_one_that_is_nobodys_leads_nowhere() {
    let bench = Bench::new().await;
    let session = told(&bench).await;
    let token = token_in(&get(&bench, &path()).await.body);
    bench.clock.advance(8 * 3600);
    let page = get(&bench, &path()).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("as soon as it can") && !page.body.contains("<form"));
    for what in ["now", "1h", "night"] {
        let late = send(&bench, &token, what).await;
        assert_eq!(late.status, StatusCode::CONFLICT, "{what}: {late:?}");
        assert!(late.body.contains("it is due already"), "{}", late.body);
    }
    let runs = taken(&bench, ACT).await;
    assert!(get(&bench, &path()).await.body.contains("under way"));
    assert_eq!(send(&bench, &token, "now").await.status, StatusCode::CONFLICT);
    let rules = core_model::queue::QueueRules::default();
    let (by, take) = ("one", Some(runs.takes));
    let state = SessionState::Succeeded;
    let word = SessionWord { state, word: "", result: None, by, take, rules: &rules, now_us: ACT };
    bench.store.tell_session(session.id, word).await.unwrap();
    let page = get(&bench, &path()).await.body;
    assert!(page.contains("It is done.") && page.contains("It was to be done"), "{page}");
    // What nobody was sent is one answer, whatever it looks like; and it is not asked for for ever.
    let unknown = NotificationKey::from_random([6; 32]);
    for wrong in [unknown.reveal(), "lpn_", "PREVIEW", &key().reveal()[..46]] {
        let answer = get(&bench, &format!("/notification/{wrong}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.body.contains("leads nowhere") && !answer.body.contains(wrong));
    }
    let mut refused = 0;
    for _ in 0..80 {
        let answer = get(&bench, "/notification/nothing").await;
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(refused, 80 - (60 - 4));
    bench.clock.advance(60);
    assert_eq!(get(&bench, &path()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn s8_technicians_postpone_within_the_same_bounds_and_operators_beyond() {
    let bench = Bench::new().await;
    let session = told(&bench).await;
    let own = tenant(0).to_string();
    let other = tenant(1).to_string();
    let reader = bench.token(Role::Reader, &[]).await;
    let technician = bench.token(Role::Technician, &[&own]).await;
    let stranger = bench.token(Role::Operator, &[&other]).await;
    let operator = bench.token(Role::Operator, &[&own]).await;
    let place = |what: &str| format!("/v1/sessions/{}/{what}", session.id);
    let ask = |token: &str, what: &str, body: serde_json::Value| {
        let request = post(&place(what), token, &[], &body.to_string());
        let bench = &bench;
        async move { bench.ask(request).await }
    };
    ask(&reader, "postpone", json!({})).await.is_problem(403);
    ask(&stranger, "postpone", json!({})).await.is_problem(404);
    ask(&technician, "postpone", json!({ "by": "2h" })).await.is_problem(400);
    let moved = ask(&technician, "postpone", json!({ "by": "night" })).await;
    assert_eq!(moved.status, StatusCode::OK, "{moved:?}");
    assert_eq!(
        (&moved.json()["postponed"], &moved.json()["act_us"]),
        (&1.into(), &(NOW_US + 14 * HOUR).into())
    );
    for _ in 0..2 {
        assert_eq!(ask(&technician, "postpone", json!({})).await.status, StatusCode::OK);
    }
    let fourth = ask(&technician, "postpone", json!({})).await.is_problem(409);
    assert!(fourth["detail"].as_str().unwrap().contains("18 January 2027"), "{fourth}");
    ask(&technician, "postpone", json!({ "force": true })).await.is_problem(403);
    let forced = ask(&operator, "postpone", json!({ "force": true })).await;
    assert_eq!(forced.json()["postponed"], 4, "{forced:?}");
    let hastened = ask(&technician, "now", json!({})).await.json();
    assert_eq!(hastened["act_us"], NOW_US, "{hastened}");
    ask(&technician, "now", json!({})).await.is_problem(409);
    let told = bench.get(&place("notifications"), &reader).await.json();
    let one = &told["items"][0];
    assert_eq!((&one["kind"], &one["state"]), (&"before".into(), &"sending".into()), "{told}");
    bench.get(&place("notifications"), &stranger).await.is_problem(404);
}
