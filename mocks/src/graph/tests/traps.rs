//! Batches, throttling, faults and headers: where clients of Graph go wrong.

use serde_json::{Value, json as tree};

use super::fixture::*;
use crate::faults::Fault;
use crate::vendor::{Call, Reply};

fn batch(bench: &Bench, token: &str, requests: &Value) -> Reply {
    let mut call = call("POST", "/v1.0/$batch");
    call.headers.push(("authorization".into(), format!("Bearer {token}")));
    call.headers.push(("content-type".into(), "application/json".into()));
    call.body = tree!({"requests": requests}).to_string().into_bytes();
    bench.send(&call)
}

fn item<'b>(body: &'b Value, id: &str) -> &'b Value {
    body["responses"].as_array().unwrap().iter().find(|r| r["id"] == id).unwrap()
}

#[test]
fn a_batch_answers_each_item_by_itself() {
    let bench = Bench::new(crowd(3));
    let token = bench.app(CONTOSO);
    let reply = batch(
        &bench,
        &token,
        &tree!([
            {"id": "1", "method": "GET", "url": "/users?$top=1", "depends_on": []},
            {"id": "2", "method": "GET", "url": "users/nobody@contoso.com"},
            {"id": "3", "method": "GET", "url": "/users/$count", "headers": {"ConsistencyLevel": "eventual"}},
            {"id": "4", "method": "GET", "url": "/organization", "dependsOn": ["2"]},
        ]),
    );
    assert_eq!(reply.status, 200);
    let body = json(&reply);
    assert_eq!(item(&body, "1")["status"], 200);
    let link = item(&body, "1")["body"]["@odata.nextLink"].as_str().unwrap();
    assert!(link.starts_with(&format!("{BASE}/v1.0/users?")), "absolute: {link}");
    assert_eq!(item(&body, "2")["status"], 404);
    assert_eq!(item(&body, "3")["body"], 3);
    assert_eq!(item(&body, "4")["status"], 424);
}

#[test]
fn a_batch_has_at_most_twenty_items_with_ids_of_their_own() {
    let bench = Bench::new(crowd(1));
    let token = bench.app(CONTOSO);
    let many: Vec<Value> =
        (0..21).map(|n| tree!({"id": n.to_string(), "method": "GET", "url": "/users"})).collect();
    assert_eq!(batch(&bench, &token, &tree!(many)).status, 400);
    assert_eq!(batch(&bench, &token, &tree!(many[..20])).status, 200);
    let twice = tree!([{"id": "a", "method": "GET", "url": "/users"}, {"id": "A", "method": "GET", "url": "/users"}]);
    assert_eq!(batch(&bench, &token, &twice).status, 400);
    assert_eq!(batch(&bench, "none", &tree!([])).status, 401);
}

#[test]
fn a_throttled_item_is_429_inside_of_a_200() {
    let mut world = crowd(1);
    world.options.graph_units_per_10_s = 10;
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let many: Vec<Value> =
        (0..20).map(|n| tree!({"id": n.to_string(), "method": "GET", "url": "/users"})).collect();
    let reply = batch(&bench, &token, &tree!(many));
    assert_eq!(reply.status, 200);
    let body = json(&reply);
    let last = item(&body, "19");
    assert_eq!(last["status"], 429);
    let wait: f64 = last["headers"]["Retry-After"].as_str().unwrap().parse().unwrap();
    assert!(wait > 0.0);
}

#[test]
fn throttling_is_per_app_and_tenant_with_a_decimal_wait() {
    let mut world = crowd(1);
    world.options.graph_units_per_10_s = 20;
    let bench = Bench::new(world);
    let (contoso, partner) = (bench.app(CONTOSO), bench.app(PARTNER));
    let mut last = bench.get_with(&contoso, "/v1.0/users", &[]);
    assert_eq!(header(&last, "x-ms-resource-unit"), Some("2"));
    for _ in 0..20 {
        last = bench.get_with(&contoso, "/v1.0/users", &[]);
    }
    assert_eq!((last.status, code(&last)), (429, "TooManyRequests".into()));
    assert!(header(&last, "retry-after").unwrap().contains('.'));
    let scope = format!("Tenant_Application/ReadWrite/{}/{}", id(2, 0), id(1, CONTOSO));
    assert_eq!(header(&last, "x-ms-throttle-scope"), Some(scope.as_str()));
    assert_eq!(header(&last, "x-ms-throttle-information"), Some("ResourceUnitLimitExceeded"));
    bench.get(&partner, "/v1.0/organization");
}

#[test]
fn answers_carry_the_headers_of_graph() {
    let bench = Bench::new(crowd(1));
    let token = bench.app(CONTOSO);
    let own = "11111111-2222-3333-4444-555555555555";
    let reply = bench.get_with(&token, "/v1.0/users?$select=id", &[("client-request-id", own)]);
    assert_eq!(header(&reply, "odata-version"), Some("4.0"));
    assert!(header(&reply, "content-type").unwrap().contains("odata.metadata=minimal"));
    assert_eq!(header(&reply, "client-request-id"), Some(own));
    assert!(header(&reply, "request-id").is_some());
    assert_eq!(header(&reply, "x-ms-resource-unit"), Some("1"), "two, less one for the selection");
    let error = json(&bench.get_with(&token, "/v1.0/nothing", &[("client-request-id", own)]));
    assert_eq!(error["error"]["innerError"]["client-request-id"], own);
}

#[test]
fn methods_and_paths_that_are_not_there_are_refused() {
    let bench = Bench::new(crowd(1));
    let token = bench.app(CONTOSO);
    assert_eq!(bench.refused(&token, "/v1.0/nothing"), (400, "BadRequest".into()));
    let mut post = call("POST", "/v1.0/users");
    post.headers.push(("authorization".into(), format!("Bearer {token}")));
    assert_eq!(bench.send(&post).status, 405);
    assert_eq!(bench.send(&call("GET", "/favicon.ico")).status, 404);
}

#[test]
fn consent_lost_during_a_run_is_403_and_then_no_token() {
    let bench = Bench::new(crowd(1));
    let token = bench.app(CONTOSO);
    bench.change(|world, _| world.directories[CONTOSO].consented = false);
    let refused = bench.refused(&token, "/v1.0/users");
    assert_eq!(refused, (403, "Authorization_IdentityNotFound".into()));
    bench.change(|world, version| {
        world.directories[CONTOSO].consented = true;
        world.directories[CONTOSO].mark.gone = Some(version);
    });
    assert_eq!(bench.refused(&token, "/v1.0/users"), (404, "Directory_ObjectNotFound".into()));
}

fn failure(bench: &Bench, fault: Fault) -> Reply {
    bench.face.failure(&fault, &call("GET", "/v1.0/users/delta?$deltatoken=x"))
}

#[test]
fn faults_speak_graph() {
    let bench = Bench::new(crowd(1));
    let cases = [
        (Fault::Throttled, 429, "TooManyRequests"),
        (Fault::ThrottledDecimal, 429, "TooManyRequests"),
        (Fault::ThrottledBare, 429, "TooManyRequests"),
        (Fault::ServerError, 500, "UnknownError"),
        (Fault::TokenRevoked, 401, "InvalidAuthenticationToken"),
        (Fault::Forbidden, 403, "Authorization_RequestDenied"),
        (Fault::NotFound, 404, "Request_ResourceNotFound"),
        (Fault::Gone, 410, "resyncRequired"),
        (Fault::DeltaExpired, 400, "syncStateNotFound"),
        (Fault::ErrorBody, 200, "UnknownError"),
    ];
    for (fault, status, name) in cases {
        let reply = failure(&bench, fault);
        assert_eq!((reply.status, code(&reply).as_str()), (status, name), "{fault:?}");
    }
    let wait = |fault| header(&failure(&bench, fault), "retry-after").map(str::to_string);
    assert_eq!(wait(Fault::Throttled).as_deref(), Some("1"));
    assert_eq!(wait(Fault::ThrottledDecimal).as_deref(), Some("1.128"));
    assert_eq!(wait(Fault::ThrottledBare), None);
    let gone = failure(&bench, Fault::Gone);
    let location = format!("{BASE}/v1.0/users/delta?$deltatoken=");
    assert_eq!(header(&gone, "location"), Some(location.as_str()));
    let empty = failure(&bench, Fault::EmptyList);
    assert_eq!((empty.status, json(&empty)["value"].as_array().unwrap().len()), (200, 0));
    for (fault, status) in [(Fault::Unavailable, 503), (Fault::HtmlPage, 200)] {
        let page = failure(&bench, fault);
        assert_eq!(page.status, status);
        assert!(text(&page).contains("<html"));
    }
    let sign_in: Call = call("POST", "/contoso.com/oauth2/v2.0/token");
    assert!(bench.face.is_sign_in(&sign_in));
    let busy = bench.face.failure(&Fault::Throttled, &sign_in);
    assert_eq!(
        (busy.status, json(&busy)["error"].as_str()),
        (429, Some("temporarily_unavailable"))
    );
}

#[test]
fn a_revoked_token_stays_revoked_and_others_do_not() {
    let bench = Bench::new(crowd(1));
    let (one, other) = (bench.app(CONTOSO), bench.app(CONTOSO));
    let mut call = call("GET", "/v1.0/users");
    call.headers.push(("authorization".into(), format!("Bearer {one}")));
    assert_eq!(bench.face.failure(&Fault::TokenRevoked, &call).status, 401);
    assert_eq!(bench.refused(&one, "/v1.0/users").0, 401);
    bench.get(&other, "/v1.0/users");
}
