//! Signing in, scopes, and the errors without a body.

use chrono::Duration;

use super::{Bench, call, json, small};
use crate::faults::Fault;

const ID: &str = "00000000-0000-0000-0000-0000000000c1";

fn form(more: &str) -> String {
    format!(
        "grant_type=client_credentials&client_id={ID}&client_secret=first-second&scope=all{more}"
    )
}

#[test]
fn tenant_comes_in_the_query_in_the_form_or_not_at_all() {
    let bench = Bench::new();
    for (target, more) in [
        ("/auth/token?tenant=linchpin", ""),
        ("/auth/token", "&tenant=LINCHPIN"),
        ("/auth/token", ""),
        ("/token", ""),
        ("/.halopsa.com/auth/token", ""),
        ("/Auth/Token?tenant=", ""),
    ] {
        let reply = bench.form(target, &form(more));
        assert_eq!(reply.status, 200, "{target} {more}");
        let body = json(&reply);
        assert_eq!(body["token_type"], "Bearer");
        assert_eq!(body["expires_in"], 3_599);
        assert_eq!(body["scope"], "all");
        assert!(body.get("refresh_token").is_none());
    }
}

#[test]
fn a_wrong_tenant_is_500() {
    let bench = Bench::new();
    for (target, more) in [("/auth/token?tenant=other", ""), ("/auth/token", "&tenant=other")] {
        let reply = bench.form(target, &form(more));
        assert_eq!((reply.status, reply.body.len()), (500, 0));
    }
}

#[test]
fn refusals_carry_both_keys() {
    let bench = Bench::new();
    for (form, status, error) in [
        (form("").replace("first", "wrong"), 401, "invalid_client"),
        (form("").replace("c1&", "c2&"), 401, "invalid_client"),
        (form("").replace("client_credentials", "password"), 400, "unsupported_grant_type"),
        (form("").replace("scope=all", "scope=read:everything"), 400, "invalid_scope"),
        ("client_id=x".to_owned(), 400, "invalid_request"),
    ] {
        let reply = bench.form("/auth/token", &form);
        assert_eq!(reply.status, status, "{error}");
        let body = json(&reply);
        assert_eq!(body["error"], error);
        assert!(body["error_description"].is_string());
    }
}

#[test]
fn a_bad_token_is_401_without_a_body() {
    let mut bench = Bench::new();
    assert_eq!(bench.status("GET", "/api/Client"), 200);
    for token in ["garbage", "", "a.b.c"] {
        let good = std::mem::replace(&mut bench.token, token.to_owned());
        let reply = bench.call("GET", "/api/Client", b"", None);
        assert_eq!((reply.status, reply.body.len()), (401, 0));
        bench.token = good;
    }
    let reply = bench.face.answer(&call("GET", "/api/Client", b""), &bench.world);
    assert_eq!((reply.status, reply.body.len()), (401, 0));
}

#[test]
fn tokens_expire_and_can_be_revoked() {
    let mut bench = Bench::new();
    bench.world.write().unwrap().clock_ahead += Duration::hours(1).num_seconds();
    assert_eq!(bench.status("GET", "/api/Client"), 401);
    let renew = |bench: &mut Bench| {
        let reply = bench.sign_in("all");
        bench.token = json(&reply)["access_token"].as_str().unwrap().to_owned();
        assert_eq!(bench.status("GET", "/api/Client"), 200);
    };
    renew(&mut bench);
    bench.face.revoke_tokens();
    assert_eq!(bench.status("GET", "/api/Client"), 401);
    renew(&mut bench);
    let mut revoked = call("GET", "/api/Client", b"");
    revoked.headers.push(("authorization".into(), format!("Bearer {}", bench.token)));
    assert_eq!(bench.face.failure(&Fault::TokenRevoked, &revoked).status, 401);
    assert_eq!(bench.status("GET", "/api/Client"), 401);
    renew(&mut bench);
}

#[test]
fn scopes_are_baked_in_and_a_missing_one_is_403_without_a_body() {
    let bench = Bench::over(small(), "read:customers edit:assets");
    for path in ["Client", "Site", "Users", "Asset", "AssetType", "AreaAzureTenant", "Agent/me"] {
        assert_eq!(bench.status("GET", &format!("/api/{path}")), 200, "{path}");
    }
    for path in ["ClientContract", "RecurringInvoice", "Invoice", "Item", "Tickets", "Actions"] {
        let reply = bench.call("GET", &format!("/api/{path}"), b"", None);
        assert_eq!((reply.status, reply.body.len()), (403, 0), "{path}");
    }
    let body = serde_json::json!([{ "name": "New Ltd" }]);
    assert_eq!(bench.post("/api/Client", &body).status, 403);
    assert_eq!(bench.post("/api/Webhook", &body).status, 403);
    let body = serde_json::json!([{ "id": 501, "inactive": true }]);
    assert_eq!(bench.post("/api/Asset", &body).status, 201);
}

#[test]
fn an_application_gets_no_more_than_it_may_have() {
    let mut world = small();
    world.credentials.halo_scopes = vec!["read:customers".into(), "edit:tickets".into()];
    for (wanted, got) in [
        ("all", "read:customers edit:tickets"),
        ("read:customers read:items", "read:customers"),
        ("read:tickets edit:customers", "read:tickets"),
        ("admin edit:tickets edit:customers", "read:customers edit:tickets"),
    ] {
        let bench = Bench::over(world.clone(), wanted);
        assert_eq!(json(&bench.sign_in(wanted))["scope"], got, "{wanted}");
        assert_eq!(bench.status("GET", "/api/Item"), 403);
    }
}

#[test]
fn some_calls_need_no_token_and_agent_me_tells_who_is_there() {
    let bench = Bench::new();
    let info = bench.face.answer(&call("GET", "/api/authinfo", b""), &bench.world);
    assert_eq!(json(&info)["auth_url"], "http://halo.test/auth");
    assert_eq!(json(&info)["tenant_id"], "linchpin");
    let info = bench.face.answer(&call("GET", "/api/InstanceInfo", b""), &bench.world);
    assert_eq!(json(&info)["app_name"], "Halo PSA");
    let discovery = call("GET", "/auth/.well-known/openid-configuration", b"");
    let discovery = json(&bench.face.answer(&discovery, &bench.world));
    assert_eq!(discovery["token_endpoint"], "http://halo.test/auth/token");
    assert_eq!(bench.get("/api/Agent/me")["name"], "API Agent");
    assert_eq!(bench.status("GET", "/api/Client/me"), 401);
    assert_eq!(bench.status("GET", "/api/Users/me"), 404);
}

#[test]
fn the_budget_is_a_sliding_window_with_the_documented_text() {
    let mut world = small();
    world.options.halo_calls_per_5_min = 3;
    let bench = Bench::over(world, "all");
    for _ in 0..3 {
        assert_eq!(bench.status("GET", "/api/Client"), 200);
    }
    let reply = bench.call("GET", "/api/Client", b"", None);
    assert_eq!(reply.status, 429);
    let text = "Rate Limit Reached - 3 Requests per rolling 5 minute window";
    assert_eq!(reply.body, text.as_bytes());

    let budget = super::super::limit::Budget::default();
    let start = std::time::Instant::now();
    let later = |seconds| start + std::time::Duration::from_secs(seconds);
    assert!(budget.take(2, later(0)) && budget.take(2, later(200)));
    assert!(!budget.take(2, later(299)));
    assert!(budget.take(2, later(301)) && !budget.take(2, later(302)));
}

#[test]
fn every_fault_has_the_vendors_shape() {
    let bench = Bench::new();
    let call = call("GET", "/api/Asset?pageinate=true&page_no=3&page_size=500", b"");
    let says = |fault| bench.face.failure(&fault, &call);
    let header = |reply: &crate::vendor::Reply| {
        reply.headers.iter().find(|(n, _)| n == "retry-after").map(|(_, v)| v.clone())
    };
    assert_eq!(header(&says(Fault::Throttled)).as_deref(), Some("1"));
    assert_eq!(header(&says(Fault::ThrottledDecimal)).as_deref(), Some("1.128"));
    assert_eq!(header(&says(Fault::ThrottledBare)), None);
    for (fault, status) in [
        (Fault::ServerError, 500),
        (Fault::Forbidden, 403),
        (Fault::NotFound, 404),
        (Fault::Gone, 410),
        (Fault::TokenRevoked, 401),
    ] {
        let reply = says(fault);
        assert_eq!((reply.status, reply.body.len()), (status, 0), "{fault:?}");
    }
    assert_eq!(says(Fault::Unavailable).status, 503);
    let empty = json(&says(Fault::EmptyList));
    assert_eq!(
        empty,
        serde_json::json!({ "page_no": 3, "page_size": 100, "record_count": 0, "assets": [] })
    );
    assert_eq!(says(Fault::HtmlPage).status, 200);
    assert!(json(&says(Fault::ErrorBody)).get("assets").is_none());
}
