//! Every route by every kind of caller: each role, of all tenants, of its own and of another's, by
//! token and by session; and what a session needs besides its cookie.

use axum::body::Body;
use axum::http::Request;
use core_model::access::Role;

use crate::harness::{Answer, Bench, NOW_US, Operation, Session, operations, posted};

/// How somebody asks.
#[derive(Clone)]
enum By {
    Nobody,
    Token(String),
    Session(Session),
}

async fn ask(bench: &Bench, one: &Operation, by: &By) -> Answer {
    let mut builder = Request::builder()
        .method(one.method.as_str())
        .uri(&one.path)
        .header("content-type", "application/json");
    match by {
        By::Nobody => {}
        By::Token(token) => builder = builder.header("authorization", format!("Bearer {token}")),
        By::Session(session) => {
            builder = builder.header("sec-fetch-site", "same-origin");
            for (name, value) in session.headers() {
                builder = builder.header(name, value);
            }
        }
    }
    let body = if one.method == "GET" { String::new() } else { one.body.clone() };
    bench.ask(builder.body(Body::from(body)).unwrap()).await
}

/// What is of tenants.
const KINDS: [&str; 9] = [
    "tenants",
    "clients",
    "persons",
    "computers",
    "agents",
    "agreements",
    "agreement-lines",
    "groups",
    "decisions",
];

/// What is due: whether it is refused for the role, for the tenants, or let in.
fn due(one: &Operation, role: Role, scope: &[&str]) -> &'static [u16] {
    let of_an_entity =
        KINDS.iter().any(|kind| one.route.starts_with(&format!("/v1/{kind}/{{id}}")));
    if role < one.least || (one.of_all && !scope.is_empty()) {
        return &[403];
    }
    match scope {
        ["ten_b"] if of_an_entity => &[404],
        // Roles, names of tokens: what is sent here fits the schema, and nothing more.
        _ if ["/v1/tokens", "/v1/accounts"].contains(&one.route.as_str()) => &[200, 400],
        // What is sent here is none of the words that `kind` may be; `stops.rs` has what is stopped.
        _ if one.route.starts_with("/v1/stops") && one.method == "POST" => &[400],
        // There is no such subject; `maintenance.rs` has those that there are.
        _ if one.route == "/v1/sessions" && one.method == "POST" => &[404],
        // What is taken back is named.
        _ if one.route == "/v1/sessions/cancel" => &[400],
        // There is no such session and no such ticket; `technician.rs` has what is there.
        _ if one.route.contains("sessions/{id}") => &[400, 404],
        _ if one.route.contains("/technician/") => &[200, 400, 403, 404, 409],
        // Here is none of these; `Echo` knows every definition.
        _ if ["tokens", "accounts", "requests", "runs", "jobs", "webhooks"]
            .iter()
            .any(|of| one.route.starts_with(&format!("/v1/{of}/{{id}}"))) =>
        {
            &[404]
        }
        _ => &[200],
    }
}

#[tokio::test]
async fn every_route_lets_in_whoever_may_and_nobody_else() {
    let bench = Bench::new().await;
    let mut callers = Vec::new();
    for role in Role::ALL {
        for scope in [&[][..], &["ten_a"], &["ten_b"]] {
            let token = bench.token(*role, scope).await;
            callers.push((*role, scope, By::Token(token)));
            let name = format!("{}{}", role.as_str(), scope.join(""));
            let session = bench.session(&name, *role, scope).await;
            callers.push((*role, scope, By::Session(session)));
        }
    }
    let mut asked = 0;
    for one in operations("ten_a").iter().filter(|one| one.route != "/v1/events") {
        ask(&bench, one, &By::Nobody).await.is_problem(401);
        for (role, scope, by) in &callers {
            let answer = ask(&bench, one, by).await;
            let due = due(one, *role, scope);
            let is = answer.status.as_u16();
            assert!(
                due.contains(&is),
                "{} {} as {role:?} {scope:?}: {answer:?}",
                one.method,
                one.path
            );
            if !scope.is_empty() && is == 200 && !one.route.contains("openapi") {
                let other = if scope == &["ten_a"] { "ten_b" } else { "ten_a" };
                assert!(!answer.body.contains(other), "{}: {answer:?}", one.path);
            }
            asked += 1;
        }
    }
    assert!(asked > 1000, "{asked}");
}

#[tokio::test]
async fn nothing_is_changed_by_a_cookie_alone() {
    let bench = Bench::new().await;
    let session = bench.session("ana", Role::Admin, &[]).await;
    let other = bench.session("ben", Role::Admin, &[]).await;
    let (cookie, csrf) = (session.cookie.as_str(), session.csrf.as_str());
    let mut count = 0;
    for one in operations("ten_a").iter().filter(|one| one.method != "GET") {
        count += 1;
        let wrong: &[&[(&str, &str)]] = &[
            &[("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-origin"), ("x-csrf-token", "nonsense")],
            &[("sec-fetch-site", "same-origin"), ("x-csrf-token", &other.csrf)],
            &[("x-csrf-token", csrf)],
            &[("sec-fetch-site", "cross-site"), ("x-csrf-token", csrf)],
            &[("sec-fetch-site", "same-site"), ("x-csrf-token", csrf)],
            &[("origin", "https://evil.example"), ("x-csrf-token", csrf)],
            &[("origin", "null"), ("x-csrf-token", csrf)],
        ];
        for headers in wrong {
            let mut builder = Request::post(&one.path).header("host", "hub.example.com");
            builder = builder.header("cookie", cookie);
            for (name, value) in *headers {
                builder = builder.header(*name, *value);
            }
            let answer = bench.ask(builder.body(Body::from(one.body.clone())).unwrap()).await;
            let problem = answer.is_problem(403);
            assert_eq!(problem["type"], "urn:linchpin:problem:other-site", "{headers:?}");
        }
        let right = bench.ask(posted(&one.path, &session.headers(), &one.body)).await;
        assert_ne!(right.status.as_u16(), 403, "{}: {right:?}", one.path);
    }
    assert!(count > 12, "{count}");
    // An old browser says its origin only.
    let origin = Request::post("/v1/syncs")
        .header("host", "hub.example.com")
        .header("origin", "https://hub.example.com")
        .header("cookie", cookie)
        .header("x-csrf-token", csrf)
        .body(Body::from("{\"connection\":\"halo\"}"));
    assert_eq!(bench.ask(origin.unwrap()).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_session_that_does_not_hold_opens_nothing() {
    let bench = Bench::new().await;
    let get = |cookie: &str| {
        let request = Request::get("/v1/me").header("cookie", cookie);
        bench.ask(request.body(Body::empty()).unwrap())
    };
    let ana = bench.session("ana", Role::Reader, &[]).await;
    let me = get(&ana.cookie).await.json();
    assert_eq!(
        (&me["name"], &me["by"], &me["role"]),
        (&"ana".into(), &"session".into(), &"reader".into())
    );
    assert_eq!(me["csrf"], ana.csrf.as_str());
    let value = ana.cookie.split_once('=').unwrap().1;
    let forged = core_store::SignInKey::from_random([9; 32]);
    for wrong in [
        String::new(),
        "__Host-linchpin=".to_owned(),
        format!("__Host-linchpin={}", forged.reveal()),
        format!("__Host-linchpin={value}x"),
        format!("linchpin={value}"),
        format!("{}; {}", ana.cookie, ana.cookie),
    ] {
        get(&wrong).await.is_problem(401);
    }
    // A token that does not hold is not made good by a cookie.
    let both =
        Request::get("/v1/me").header("cookie", &ana.cookie).header("authorization", "Bearer x");
    bench.ask(both.body(Body::empty()).unwrap()).await.is_problem(401);

    // What an account may is looked at each time.
    let rights = core_store::Rights { shown: "Ana", role: Role::Operator, tenants: None };
    bench.store.set_rights("ana", &rights).await.unwrap();
    assert_eq!(get(&ana.cookie).await.json()["role"], "operator");
    bench.store.set_disabled("ana", true, "tests", NOW_US).await.unwrap();
    get(&ana.cookie).await.is_problem(401);
    bench.store.set_disabled("ana", false, "tests", NOW_US).await.unwrap();
    get(&ana.cookie).await.is_problem(401);

    let ben = bench.session("ben", Role::Reader, &[]).await;
    bench.store.set_password("ben", "x", "tests", NOW_US).await.unwrap();
    get(&ben.cookie).await.is_problem(401);

    let cleo = bench.session("cleo", Role::Reader, &[]).await;
    bench.clock.advance(2 * 3600 - 1);
    assert_eq!(get(&cleo.cookie).await.status.as_u16(), 200);
    bench.clock.advance(2 * 3600 + 61);
    get(&cleo.cookie).await.is_problem(401);
}
