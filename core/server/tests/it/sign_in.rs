//! Signing in by a password, out, and into a framed page.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use core_model::access::Role;
use core_store::AuditQuery;
use tracing_subscriber::fmt::MakeWriter;

use crate::harness::{Answer, Bench, FORM, PASSWORD, posted};

async fn sign_in(bench: &Bench, name: &str, password: &str, more: &str) -> Answer {
    let body = url_form(&[("name", name), ("password", password)]) + more;
    bench.ask(posted("/sign-in", &[FORM], &body)).await
}

fn url_form(fields: &[(&str, &str)]) -> String {
    let pair = |(name, value): &(&str, &str)| format!("{name}={}", value.replace(' ', "+"));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// The cookie of an answer, as a browser sends it back.
fn cookie_of(answer: &Answer) -> String {
    answer.header("set-cookie").split(';').next().unwrap().to_owned()
}

async fn me(bench: &Bench, cookie: &str) -> Answer {
    let request = Request::get("/v1/me").header("cookie", cookie);
    bench.ask(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_password_signs_in_and_a_button_out() {
    let bench = Bench::new().await;
    bench.account("ana@example.com", Role::Technician, &[]).await;
    let page = bench.get("/sign-in?next=/docs", "").await;
    assert!(page.body.contains("name=\"next\" value=\"/docs\""), "{page:?}");
    let policy = page.header("content-security-policy").to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
    assert!(!page.body.contains("<style") && !page.body.contains("onclick"));

    let answer = sign_in(&bench, " Ana@Example.com", PASSWORD, "&next=/docs").await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/docs"));
    let cookie = answer.header("set-cookie");
    for part in ["__Host-linchpin=lps_", "; Path=/", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("Domain"));
    let cookie = cookie_of(&answer);
    let said = me(&bench, &cookie).await.json();
    assert_eq!(said["name"], "ana@example.com");

    let home = Request::get("/").header("cookie", &cookie).body(Body::empty()).unwrap();
    let home = bench.ask(home).await;
    let csrf = said["csrf"].as_str().unwrap();
    assert!(home.body.contains("ana@example.com") && home.body.contains(csrf), "{home:?}");
    // Without the hidden field nobody is signed out for him.
    let headers = [("cookie", &*cookie), FORM];
    assert_eq!(bench.ask(posted("/sign-out", &headers, "")).await.status.as_u16(), 403);
    let out = bench.ask(posted("/sign-out", &headers, &format!("csrf={csrf}"))).await;
    assert_eq!((out.status.as_u16(), out.header("location")), (303, "/sign-in"));
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    me(&bench, &cookie).await.is_problem(401);

    let lines = bench.store.audit(&AuditQuery { limit: 9, ..AuditQuery::default() }).await.unwrap();
    let told: Vec<_> = lines.iter().map(|l| (&*l.action, &*l.actor, &*l.outcome)).collect();
    let ana = "ana@example.com";
    assert_eq!(told, [("sign-out", ana, "done"), ("sign-in", ana, "done")]);
}

#[tokio::test]
async fn one_goes_on_only_within_the_hub() {
    let bench = Bench::new().await;
    bench.account("ana", Role::Reader, &[]).await;
    for next in ["//evil.example", "https://evil.example", "/%5Cevil.example", "javascript:x"] {
        let answer = sign_in(&bench, "ana", PASSWORD, &format!("&next={next}")).await;
        assert_eq!(answer.header("location"), "/", "{next}");
    }
    let away = bench.get("/docs", "").await;
    assert_eq!((away.status.as_u16(), away.header("location")), (303, "/sign-in?next=%2Fdocs"));
}

#[tokio::test]
async fn nobody_is_told_from_somebody_and_who_tries_too_often_waits() {
    let bench = Bench::new().await;
    for name in ["ana", "off", "ben"] {
        bench.account(name, Role::Reader, &[]).await;
    }
    bench.store.set_disabled("off", true, "tests", 1).await.unwrap();
    let mut bodies = Vec::new();
    for (name, password) in [
        ("ana", "wrong"),
        ("off", PASSWORD),
        ("nobody", PASSWORD),
        ("ana", ""),
        ("ana", &"x".repeat(5000)),
    ] {
        let answer = sign_in(&bench, name, password, "").await;
        assert_eq!(answer.status.as_u16(), 401);
        assert!(answer.header("set-cookie").is_empty());
        bodies.push(answer.body.replace(&format!("value=\"{name}\""), ""));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    for name in ["ana", "nobody"] {
        let mut tried = 0;
        while sign_in(&bench, name, "wrong", "").await.status.as_u16() == 401 {
            tried += 1;
            assert!(tried < 20);
        }
        let answer = sign_in(&bench, name, PASSWORD, "").await;
        assert_eq!((answer.status.as_u16(), answer.header("retry-after")), (429, "900"));
    }
    // Others are let in, and after a quarter of an hour everybody is.
    assert_eq!(sign_in(&bench, "ben", PASSWORD, "").await.status.as_u16(), 303);
    bench.clock.advance(15 * 60 + 1);
    assert_eq!(sign_in(&bench, "ana", PASSWORD, "").await.status.as_u16(), 303);
}

#[tokio::test]
async fn many_guesses_at_once_are_counted_one_by_one() {
    let bench = Arc::new(Bench::new().await);
    bench.account("ana", Role::Reader, &[]).await;
    let tries = (0..30).map(|_| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { sign_in(&bench, "ana", "wrong", "").await.status.as_u16() })
    });
    let mut refused = 0;
    for one in tries.collect::<Vec<_>>() {
        refused += usize::from(one.await.unwrap() == 401);
    }
    assert_eq!(refused, 10);
}

#[tokio::test]
async fn another_site_signs_nobody_in() {
    let bench = Bench::new().await;
    bench.account("ana", Role::Reader, &[]).await;
    let body = url_form(&[("name", "ana"), ("password", PASSWORD)]);
    for (name, value) in
        [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example"), FORM]
    {
        let request = Request::post("/sign-in").header("host", "hub.example.com");
        let request = request.header(name, value).body(Body::from(body.clone())).unwrap();
        assert_eq!(bench.ask(request).await.status.as_u16(), 403, "{name}: {value}");
    }
}

/// Signed in, on the way into a frame: the window's cookie and the code.
async fn handed_over(bench: &Bench) -> (String, String) {
    let answer = sign_in(bench, "ana", PASSWORD, "&handover=1").await;
    assert_eq!(answer.header("location"), "/sign-in?handover=1");
    let cookie = cookie_of(&answer);
    let page = Request::get("/sign-in?handover=1").header("cookie", &cookie);
    let page = bench.ask(page.body(Body::empty()).unwrap()).await;
    let rest = page.body.split_once("name=\"linchpin-handover\" content=\"").unwrap().1;
    (cookie, rest.split('"').next().unwrap().to_owned())
}

#[tokio::test]
async fn a_code_takes_a_sign_in_into_a_frame_once_and_for_a_minute() {
    let bench = Bench::new().await;
    bench.account("ana", Role::Technician, &["ten_a"]).await;
    let (window, code) = handed_over(&bench).await;
    let body = format!("{{\"code\":\"{code}\"}}");
    let cross = Request::post("/session/frame").header("sec-fetch-site", "cross-site");
    let cross = bench.ask(cross.body(Body::from(body.clone())).unwrap()).await;
    assert_eq!(cross.status.as_u16(), 403);
    let taken = bench.ask(posted("/session/frame", &[], &body)).await;
    assert_eq!(taken.status.as_u16(), 204, "{taken:?}");
    let cookie = taken.header("set-cookie");
    for part in
        ["__Host-linchpin-frame=lps_", "; Secure", "; HttpOnly", "; SameSite=None", "; Partitioned"]
    {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    let frame = cookie_of(&taken);
    let said = me(&bench, &frame).await.json();
    assert_eq!((&said["name"], &said["tenants"][0]), (&"ana".into(), &"ten_a".into()));
    let of_window = me(&bench, &window).await.json();
    assert_ne!(said["csrf"], of_window["csrf"], "each has its own");
    // Once, whoever sends it.
    for body in [body.as_str(), "{\"code\":\"lps_x\"}", "{\"code\":\"\"}"] {
        bench.ask(posted("/session/frame", &[], body)).await.is_problem(403);
    }
    // Neither a cookie nor a code is taken for the other.
    let value = window.split_once('=').unwrap().1;
    let body = format!("{{\"code\":\"{value}\"}}");
    bench.ask(posted("/session/frame", &[], &body)).await.is_problem(403);
    me(&bench, &format!("__Host-linchpin={code}")).await.is_problem(401);
    // The frame ends with the window.
    let form = format!("csrf={}", of_window["csrf"].as_str().unwrap());
    let headers = [("cookie", &*window), FORM];
    assert_eq!(bench.ask(posted("/sign-out", &headers, &form)).await.status.as_u16(), 303);
    me(&bench, &frame).await.is_problem(401);

    let (_, late) = handed_over(&bench).await;
    bench.clock.advance(61);
    let body = format!("{{\"code\":\"{late}\"}}");
    bench.ask(posted("/session/frame", &[], &body)).await.is_problem(403);
}

#[tokio::test]
async fn what_pages_are_made_with_is_kept_for_ever_under_its_own_tag() {
    let bench = Bench::new().await;
    let page = bench.get("/sign-in", "").await;
    let path = page.body.split("href=\"").find(|part| part.starts_with("/assets/")).unwrap();
    let path = path.split('"').next().unwrap();
    let css = bench.get(path, "").await;
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    assert!(css.header("cache-control").contains("immutable"), "{css:?}");
    assert_eq!(bench.get("/assets/../Cargo.toml", "").await.status.as_u16(), 404);
    assert_eq!(bench.get("/assets/nothing.js", "").await.status.as_u16(), 404);
}

#[tokio::test]
async fn what_is_too_large_or_never_ends_is_given_up() {
    let bench = Bench::new().await;
    let token = bench.token(Role::Admin, &[]).await;
    let large = |path: &str, size: usize| {
        // No length is said beforehand.
        let chunks = futures::stream::iter(
            (0..size / 1000).map(|_| Ok::<_, std::io::Error>(vec![b' '; 1000])),
        );
        let request = Request::post(path).header("authorization", format!("Bearer {token}"));
        bench.ask(request.body(Body::from_stream(chunks)).unwrap())
    };
    large("/v1/syncs", 70_000).await.is_problem(413);
    large("/v1/definitions", 70_000).await.is_problem(400);
    large("/v1/definitions", 5_000_000).await.is_problem(413);
    tokio::time::pause();
    let never = futures::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    let slow = Request::post("/sign-in").header("sec-fetch-site", "same-origin");
    let slow = bench.ask(slow.body(Body::from_stream(never)).unwrap());
    let answer = tokio::time::timeout(Duration::from_secs(60), slow).await.unwrap();
    assert_eq!(answer.status.as_u16(), 503);
}

/// A log that is kept.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Kept {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn no_secret_of_a_sign_in_is_in_a_log_in_the_audit_log_in_the_store_or_in_an_answer() {
    let kept = Kept::default();
    let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE);
    let _logging =
        tracing::subscriber::set_default(log.with_ansi(false).with_writer(kept.clone()).finish());
    let bench = Bench::new().await;
    bench.account("ana", Role::Admin, &[]).await;
    // A password where the name belongs, and the other way round.
    let mut answers = vec![
        sign_in(&bench, "planted-password-1", "planted-password-2", "")
            .await
            .body
            .replace("value=\"planted-password-1\"", ""),
        sign_in(&bench, "ana", "planted-password-3", "").await.body,
    ];
    let (window, code) = handed_over(&bench).await;
    let body = format!("{{\"code\":\"{code}\"}}");
    let frame = cookie_of(&bench.ask(posted("/session/frame", &[], &body)).await);
    let csrf = me(&bench, &window).await.json()["csrf"].as_str().unwrap().to_owned();
    let headers = [("cookie", window.as_str()), ("x-csrf-token", csrf.as_str())];
    let made =
        bench.ask(posted("/v1/tokens", &headers, "{\"name\":\"ci\",\"role\":\"reader\"}")).await;
    assert_eq!(made.status.as_u16(), 201, "{made:?}");
    let token = made.json()["token"].as_str().unwrap().to_owned();
    for body in [
        "{\"name\":\"new\",\"role\":\"reader\",\"password\":\"planted-password-4\"}",
        "{\"name\":\"new\",\"role\":\"planted-password-5\",\"password\":17}",
        "{\"planted-password-6\":1",
    ] {
        answers.push(bench.ask(posted("/v1/accounts", &headers, body)).await.body);
    }
    for path in ["/v1/audit", "/v1/accounts", "/v1/tokens", "/", "/docs"] {
        let request = Request::get(path).header("cookie", &window).body(Body::empty()).unwrap();
        answers.push(bench.ask(request).await.body.replace(&csrf, ""));
    }
    let secret = |cookie: &str| cookie.split_once('=').unwrap().1.to_owned();
    let secrets = [
        secret(&window),
        secret(&frame),
        code,
        csrf,
        token,
        PASSWORD.to_owned(),
        "planted-".to_owned(),
    ];
    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("account=\"ana\""), "{log}");
    answers.push(log);
    // Every file that the database is in.
    answers.push(bench.bytes());
    for (place, text) in answers.iter().enumerate() {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{secret} is in {place}");
        }
    }
}
