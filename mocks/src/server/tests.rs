//! Every fault's effect, over real HTTP, on a small vendor with three kinds of listing.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use reqwest::StatusCode;
use serde_json::json;

use super::*;
use crate::faults::{Fault, When};
use crate::generate::generate;
use crate::vendor::{Call, Listing, Reply, Rows};
use crate::world::Options;

/// Hundred rows: `/links` by link, `/pages` by number with a total, `/bare` by number without.
struct Fake {
    revoked: AtomicU64,
}

impl Vendor for Fake {
    fn face(&self) -> Face {
        Face::Graph
    }

    fn answer(&self, call: &Call, _: &RwLock<World>) -> Reply {
        if call.path == "/token" {
            return Reply::json(200, &json!({"access_token": "t"}));
        }
        let page = self.listing(call).map_or(1, |l| l.page) as usize;
        let ids: Vec<usize> = ((page - 1) * 10 + 1..=(page * 10).min(100)).collect();
        let rows: Vec<Value> = (ids.iter())
            .map(|id| if id % 2 == 0 { json!({"id": id}) } else { json!({"id": id, "odd": true}) })
            .collect();
        match call.path.as_str() {
            "/links" if page < 10 => Reply::json(
                200,
                &json!({"value": rows, "@odata.nextLink": format!("{}/links?$skiptoken={}", call.base, page + 1)}),
            ),
            "/links" => Reply::json(
                200,
                &json!({"value": rows, "@odata.deltaLink": format!("{}/links?$deltatoken=x", call.base)}),
            ),
            "/pages" => Reply::json(200, &json!({"record_count": 100, "rows": rows})),
            "/bare" => Reply::json(200, &Value::Array(rows)),
            _ => Reply::empty(404),
        }
    }

    fn listing(&self, call: &Call) -> Option<Listing> {
        let rows = match call.path.as_str() {
            "/links" => Rows::Key("value".into()),
            "/pages" => Rows::Key("rows".into()),
            "/bare" => Rows::Bare,
            _ => return None,
        };
        let page = call.param("page_no").or(call.param("$skiptoken"));
        let page = page.and_then(|p| p.parse().ok()).unwrap_or(1);
        Some(Listing { name: call.path.clone(), page, rows })
    }

    fn is_sign_in(&self, call: &Call) -> bool {
        call.path == "/token"
    }

    fn failure(&self, fault: &Fault, _: &Call) -> Reply {
        let status = match fault {
            Fault::Throttled | Fault::ThrottledDecimal | Fault::ThrottledBare => 429,
            Fault::Unavailable => 503,
            Fault::TokenRevoked => 401,
            Fault::Forbidden => 403,
            Fault::NotFound => 404,
            Fault::Gone => 410,
            Fault::DeltaExpired => 400,
            _ => 500,
        };
        Reply::json(status, &json!({"error": {"code": format!("{fault:?}")}}))
    }

    fn revoke_tokens(&self) {
        self.revoked.fetch_add(1, Ordering::Relaxed);
    }
}

struct Bench {
    running: Running,
    client: reqwest::Client,
}

impl Bench {
    async fn new(fault: Fault, when: When) -> Self {
        Self::with(vec![rule(fault, when)]).await
    }

    async fn with(rules: Vec<Rule>) -> Self {
        let world = generate(&Options { computers: 60, ..Options::default() });
        let config = ServeConfig { rules, ..ServeConfig::default() };
        let fake = Fake { revoked: AtomicU64::new(0) };
        let running = Mocks::start_with(world, config, vec![Box::new(fake)]).await.unwrap();
        Self { running, client: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn get(&self, path: &str) -> reqwest::Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    async fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.get(path).await.bytes().await.unwrap()).unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.running.base(Face::Graph))
    }

    fn fired(&self) -> u64 {
        self.running.fired().iter().map(|f| f.times).sum()
    }

    async fn post(&self, path: &str, body: &str) -> (StatusCode, Value) {
        let answer = self.client.post(self.url(path)).body(body.to_owned()).send().await.unwrap();
        let status = answer.status();
        (status, serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap())
    }
}

fn rule(fault: Fault, when: When) -> Rule {
    Rule { fault, face: None, path: None, when, times: None }
}

fn ids(rows: &Value) -> Vec<u64> {
    rows.as_array().unwrap().iter().filter_map(|row| row["id"].as_u64()).collect()
}

#[tokio::test]
async fn faults_instead_of_an_answer_look_as_the_vendor_says() {
    for (fault, status) in [
        (Fault::Throttled, 429),
        (Fault::ThrottledDecimal, 429),
        (Fault::ThrottledBare, 429),
        (Fault::Unavailable, 503),
        (Fault::ServerError, 500),
        (Fault::TokenRevoked, 401),
        (Fault::Forbidden, 403),
        (Fault::NotFound, 404),
        (Fault::Gone, 410),
    ] {
        let bench = Bench::new(fault, When::Page(2)).await;
        assert_eq!(bench.get("/pages?page_no=1").await.status(), 200);
        assert_eq!(bench.get("/pages?page_no=2").await.status(), status, "{fault:?}");
        assert_eq!(bench.get("/token").await.status(), 200, "sign-in is left alone");
        assert_eq!(bench.fired(), 1);
    }
}

#[tokio::test]
async fn a_rule_that_names_the_sign_in_meets_it() {
    let rule = Rule { path: Some("/token".into()), ..rule(Fault::ServerError, When::Always) };
    let bench = Bench::with(vec![rule]).await;
    assert_eq!(bench.get("/token").await.status(), 500);
    assert_eq!(bench.get("/pages").await.status(), 200);
}

#[tokio::test]
async fn an_expired_delta_token_is_told_only_to_who_has_one() {
    let bench = Bench::new(Fault::DeltaExpired, When::Always).await;
    assert_eq!(bench.get("/links").await.status(), 200);
    assert_eq!(bench.get("/links?$deltatoken=x").await.status(), 400);
    assert_eq!(bench.get("/links?$deltatoken=latest").await.status(), 200);
}

#[tokio::test]
async fn a_cut_connection_breaks_the_body() {
    let bench = Bench::new(Fault::ConnectionCut, When::Always).await;
    let answer = bench.get("/pages").await;
    assert_eq!(answer.status(), 200);
    assert!(answer.content_length().unwrap() > 100);
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn a_truncated_body_ends_well_and_is_no_json() {
    let bench = Bench::new(Fault::TruncatedBody, When::Always).await;
    let body = bench.get("/pages").await.bytes().await.unwrap();
    assert!(!body.is_empty());
    assert!(serde_json::from_slice::<Value>(&body).is_err());
}

#[tokio::test]
async fn an_html_page_comes_with_200() {
    let bench = Bench::new(Fault::HtmlPage, When::Always).await;
    let answer = bench.get("/pages").await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
}

#[tokio::test]
async fn an_empty_list_has_no_rows_and_no_links() {
    let bench = Bench::new(Fault::EmptyList, When::Always).await;
    assert_eq!(bench.json("/links").await, json!({"value": []}));
    assert_eq!(bench.json("/bare").await, json!([]));
    assert_eq!(bench.json("/pages").await, json!({"record_count": 0, "rows": []}));
}

#[tokio::test]
async fn an_error_body_comes_with_200() {
    let bench = Bench::new(Fault::ErrorBody, When::Always).await;
    let answer = bench.get("/pages").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(bench.json("/pages").await, json!({"error": {"code": "ServerError"}}));
}

#[tokio::test]
async fn a_missing_next_link_or_total_is_left_out() {
    let bench = Bench::new(Fault::NextMissing, When::Always).await;
    assert!(bench.json("/links").await.get("@odata.nextLink").is_none());
    assert!(bench.json("/pages?page_no=3").await.get("record_count").is_none());
    // The last page has none to leave out: nothing happened.
    let before = bench.fired();
    let last = bench.json("/links?$skiptoken=10").await;
    assert!(last.get("@odata.deltaLink").is_some());
    assert_eq!(bench.fired(), before);
}

#[tokio::test]
async fn a_next_link_to_itself_names_the_same_call() {
    let bench = Bench::new(Fault::NextSelf, When::Page(3)).await;
    let page = bench.json("/links?$skiptoken=3").await;
    let link = page["@odata.nextLink"].as_str().unwrap().to_owned();
    let again = bench.client.get(&link).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&again).unwrap(), page);
}

#[tokio::test]
async fn a_numbered_page_repeats_the_one_before() {
    let bench = Bench::new(Fault::NextSelf, When::Page(3)).await;
    let second = bench.json("/pages?page_no=2").await;
    assert_eq!(bench.json("/pages?page_no=3").await["rows"], second["rows"]);
    assert_ne!(bench.json("/pages?page_no=4").await["rows"], second["rows"]);
}

#[tokio::test]
async fn a_foreign_next_link_points_to_another_host() {
    let bench = Bench::new(Fault::NextForeign, When::Always).await;
    let page = bench.json("/links").await;
    assert!(page["@odata.nextLink"].as_str().unwrap().contains("//graph.elsewhere.example/links"));
}

#[tokio::test]
async fn a_row_comes_twice() {
    let bench = Bench::new(Fault::DuplicateRow, When::Page(2)).await;
    let mut rows = ids(&bench.json("/pages?page_no=2").await["rows"]);
    assert_eq!(rows.len(), 11);
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), 10);
}

#[tokio::test]
async fn a_moved_row_is_missing_here_and_comes_with_the_next_page() {
    let rules = vec![Rule { times: Some(1), ..rule(Fault::MovedRow, When::Page(4)) }];
    let bench = Bench::with(rules.clone()).await;
    let mut all = Vec::new();
    for page in 1..=10 {
        let rows = ids(&bench.json(&format!("/links?$skiptoken={page}")).await["value"]);
        assert_eq!(
            rows.len(),
            if page == 4 {
                9
            } else if page == 5 {
                11
            } else {
                10
            }
        );
        all.extend(rows);
    }
    all.sort_unstable();
    assert_eq!(all, (1..=100).collect::<Vec<u64>>());
    for path in ["/pages", "/bare"] {
        bench.running.set_faults(rules.clone());
        let mut all = Vec::new();
        for page in 1..=10 {
            let answer = bench.json(&format!("{path}?page_no={page}&page_size=10")).await;
            let rows = ids(answer.get("rows").unwrap_or(&answer));
            assert!(path != "/bare" || rows.len() >= 10, "a short page would be the end");
            all.extend(rows);
        }
        all.sort_unstable();
        all.dedup();
        assert_eq!(all, (1..=100).collect::<Vec<u64>>(), "{path}");
    }
}

#[tokio::test]
async fn a_row_is_not_moved_where_no_page_follows() {
    let bench = Bench::new(Fault::MovedRow, When::Always).await;
    let last = bench.json("/links?$skiptoken=10").await;
    assert_eq!(ids(&last["value"]).len(), 10);
    let last = bench.json("/pages?page_no=10&page_size=10").await;
    assert_eq!(ids(&last["rows"]).len(), 10);
    assert_eq!(bench.fired(), 0);
}

#[tokio::test]
async fn a_slow_answer_takes_two_seconds() {
    let bench = Bench::new(Fault::Slow, When::Always).await;
    let started = Instant::now();
    bench.get("/pages").await;
    assert!(started.elapsed().as_millis() >= 1_900);
}

#[tokio::test]
async fn unknown_fields_are_in_every_row() {
    let bench = Bench::new(Fault::UnknownFields, When::Always).await;
    for row in bench.json("/bare").await.as_array().unwrap() {
        assert!(row["zzIntroducedLastNight"].is_object());
    }
}

#[tokio::test]
async fn absent_fields_come_as_null() {
    let bench = Bench::new(Fault::Nulls, When::Always).await;
    let rows = bench.json("/bare").await;
    assert!(rows.as_array().unwrap().iter().all(|row| row.get("odd").is_some()));
    assert!(rows[1]["odd"].is_null());
}

#[tokio::test]
async fn rules_fire_every_nth_time_from_a_page_and_so_many_times() {
    let bench = Bench::new(Fault::ServerError, When::Every(3)).await;
    let mut failed = 0;
    for _ in 0..9 {
        failed += u32::from(bench.get("/pages").await.status() == 500);
    }
    assert_eq!(failed, 3);
    bench.running.set_faults(vec![rule(Fault::ServerError, When::FromPage(5))]);
    assert_eq!(bench.get("/pages?page_no=4").await.status(), 200);
    assert_eq!(bench.get("/pages?page_no=6").await.status(), 500);
    let twice = Rule { times: Some(2), ..rule(Fault::ServerError, When::Always) };
    bench.running.set_faults(vec![twice]);
    let mut failed = 0;
    for _ in 0..5 {
        failed += u32::from(bench.get("/pages").await.status() == 500);
    }
    assert_eq!(failed, 2);
    bench.running.set_faults(vec![rule(Fault::ServerError, When::Rate(0.3))]);
    let mut failed = 0;
    for _ in 0..300 {
        failed += u32::from(bench.get("/pages").await.status() == 500);
    }
    assert!((60..=120).contains(&failed), "{failed} of 300");
}

#[tokio::test]
async fn the_estate_is_read_and_changed_over_http() {
    let bench = Bench::with(Vec::new()).await;
    let found = bench.json("/.well-known/linchpin-mocks").await;
    assert_eq!(found["faces"]["azure-ad"]["url"], bench.running.base(Face::Graph));
    let truth = bench.json("/_estate/truth").await;
    assert_eq!(truth["computers"].as_array().unwrap().len(), 60);
    let host = truth["computers"][0]["host"].as_str().unwrap();
    let (status, done) = bench.post("/_estate/wipe", &json!({"machine": host}).to_string()).await;
    assert_eq!((status, done["version"].as_u64()), (StatusCode::OK, Some(1)));
    let (status, done) = bench.post("/_estate/random", r#"{"count": 20, "seed": 4}"#).await;
    assert_eq!((status, done["changes"].as_array().unwrap().len()), (StatusCode::OK, 20));
    assert_eq!(bench.json("/_estate/summary").await["version"], 21);
    let (status, why) = bench.post("/_estate/wipe", r#"{"machine": "NO-SUCH"}"#).await;
    assert_eq!(status, 400);
    assert!(why["error"].as_str().unwrap().contains("NO-SUCH"));
    let (_, rules) =
        bench.post("/_estate/faults", r#"{"fault": "server_error", "when": {"rate": 0.5}}"#).await;
    assert_eq!(rules["rules"][0]["fault"], "server_error");
    assert_eq!(
        bench.post("/_estate/faults", r#"[{"fault": "nulls", "when": "always"}]"#).await.0,
        200
    );
    let cleared = bench.client.delete(bench.url("/_estate/faults")).send().await.unwrap();
    assert_eq!(cleared.status(), 200);
    assert_eq!(bench.get("/pages").await.status(), 200);
    assert!(bench.json("/_estate/stats").await["faces"]["graph"]["calls"].as_u64().unwrap() >= 1);
    let (_, clock) = bench.post("/_estate/clock", r#"{"ahead_seconds": 86400}"#).await;
    assert!(clock["now"].as_str().is_some());
}

#[tokio::test]
async fn tls_is_spoken_with_a_certificate_that_can_be_trusted() {
    let world = generate(&Options { computers: 10, ..Options::default() });
    let config = ServeConfig { tls: true, ..ServeConfig::default() };
    let fake = Fake { revoked: AtomicU64::new(0) };
    let running = Mocks::start_with(world, config, vec![Box::new(fake)]).await.unwrap();
    let pem = running.certificate_pem().unwrap();
    let trusted = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).build().unwrap();
    let url = format!("{}/pages", running.base(Face::Graph));
    assert!(url.starts_with("https://localhost:"));
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(answer);
    running.stop().await;
}

#[tokio::test]
async fn a_public_base_is_what_links_name() {
    let world = generate(&Options { computers: 10, ..Options::default() });
    let public = "https://graph.example.test".to_owned();
    let config = ServeConfig {
        public_bases: [(Face::Graph, public.clone())].into(),
        ..ServeConfig::default()
    };
    let fake = Fake { revoked: AtomicU64::new(0) };
    let running = Mocks::start_with(world, config, vec![Box::new(fake)]).await.unwrap();
    assert_eq!(running.base(Face::Graph), public);
    assert_eq!(running.discovery()["faces"]["azure-ad"]["url"], public);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let world = generate(&Options { computers: 10, ..Options::default() });
    let config = ServeConfig { estate_port: port, ..ServeConfig::default() };
    let error = Mocks::start_with(world, config, Vec::new()).await.unwrap_err().to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
}
