//! A router on a store with two tenants, each with one of everything; tokens; a clock that is set.

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use chrono::{DateTime, Utc};
use core_connector::Secret;
use core_daemon::{Health, Timer};
use core_model::access::Role;
use core_model::brand::{Brand, Colour, Logo};
use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_model::library::SubjectId;
use core_model::queue::QueueRules;
use core_server::{Answers, Api, Notice, Question, Unanswered};
use core_store::{
    Bar, Bars, ModelChange, NewAccount, NewSignIn, NewToken, SignInKey, Store, Token,
};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::desk::desk;

/// When it is.
pub(crate) const NOW_US: i64 = 1_800_000_000_000_000;
/// The two tenants.
pub(crate) const TENANTS: [&str; 2] = ["ten_a", "ten_b"];

/// The router and what it stands on.
pub(crate) struct Bench {
    pub(crate) router: Router,
    pub(crate) store: Store,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) echo: Arc<Echo>,
    made: AtomicU8,
    folder: tempfile::TempDir,
}

/// A clock that is set.
pub(crate) struct SetClock(AtomicI64);

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl SetClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

#[async_trait]
impl Timer for SetClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::Relaxed)).unwrap()
    }

    async fn until(&self, _at: Option<DateTime<Utc>>, _busy: bool) {}
}

/// Answers with what it was asked, and counts.
#[derive(Default)]
pub(crate) struct Echo {
    pub(crate) asked: AtomicU8,
    /// Those for whom nothing is done.
    pub(crate) barred: Arc<Mutex<Vec<SubjectId>>>,
}

/// The password of every account of the tests.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

#[async_trait]
impl Answers for Echo {
    async fn status(&self) -> Result<Value, Unanswered> {
        Ok(json!({ "connections": [] }))
    }

    async fn winners(&self, computer: &str, as_of: Option<&str>) -> Result<Value, Unanswered> {
        match as_of {
            Some("never") => Err(Unanswered {
                wrong: true,
                what: "`as_of` is no day".to_owned(),
                remedy: "write a day".to_owned(),
                ..Unanswered::default()
            }),
            _ => Ok(json!({ "items": [{ "computer": computer, "as_of": as_of }] })),
        }
    }

    async fn secret(&self, name: &str) -> Result<Option<Secret>, Unanswered> {
        Ok((name == "join").then(|| Secret::new("planted-kept-secret")))
    }

    async fn notice(&self, _session: &core_model::session::Session) -> Result<Notice, Unanswered> {
        let brand = Brand {
            company: "Acme & Sons".to_owned(),
            accent: Colour::parse("#0b6b3a").unwrap(),
            logo: Some(Logo::At("https://cdn.example.com/logo.png".to_owned())),
            ..Brand::default()
        };
        let actions = vec![("7-Zip".to_owned(), "install version 24.08".to_owned())];
        Ok(Notice { brand, actions, ..Notice::default() })
    }

    fn queue_rules(&self) -> QueueRules {
        QueueRules { at_once: 3, ..QueueRules::default() }
    }

    async fn bars(&self) -> Result<Arc<Bars<'static>>, Unanswered> {
        let barred = self.barred.lock().unwrap().clone();
        let bar = move |session: &core_model::session::Session| {
            barred.contains(&session.subject).then(|| Bar::Surely("it is excluded".to_owned()))
        };
        Ok(Arc::new(bar))
    }

    async fn answer(&self, question: Question) -> Result<Value, Unanswered> {
        if question.text("note") == Some("hold it") {
            let what = "it waits for somebody's word".to_owned();
            let remedy = "ask somebody".to_owned();
            return Err(Unanswered { held: true, what, remedy, ..Unanswered::default() });
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let Question { id, by, tenants, .. } = &question;
        Ok(json!({ "ask": format!("{:?}", question.ask), "id": id, "by": by, "tenants": tenants }))
    }
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("hub.db").to_str().unwrap()).await.unwrap();
        let clock = Arc::new(SetClock(AtomicI64::new(NOW_US)));
        let health = Arc::new(Health::new(store.clone()));
        let timer = Arc::clone(&clock) as Arc<dyn Timer>;
        let echo = Arc::new(Echo::default());
        let api =
            Api::new(store.clone(), health, timer, Arc::clone(&echo) as Arc<dyn Answers>, desk());
        let router = core_server::router(api);
        let bench = Self { router, store, clock, echo, made: AtomicU8::new(0), folder };
        let of_all = TENANTS.iter().flat_map(|tenant| {
            EntityKind::ALL.iter().map(|kind| row(*kind, tenant, &id(*kind, tenant), 1))
        });
        bench.put(of_all.collect()).await;
        bench
    }

    /// Changes the model.
    pub(crate) async fn put(&self, rows: Vec<EntityRow>) {
        self.apply(rows, Vec::new()).await;
    }

    /// The same, with removals.
    pub(crate) async fn apply(&self, upserts: Vec<EntityRow>, removals: Vec<(EntityKind, String)>) {
        let cause = Cause::Run;
        let change = ModelChange { upserts, removals, cause: &cause, cursors: &[], now_us: NOW_US };
        self.store.apply(change).await.unwrap();
    }

    /// A token that ends in a day.
    pub(crate) async fn token(&self, role: Role, tenants: &[&str]) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        self.named(&format!("token-{number}"), number, role, tenants).await
    }

    pub(crate) async fn named(&self, name: &str, seed: u8, role: Role, tenants: &[&str]) -> String {
        let tenants: Vec<String> = tenants.iter().map(|&tenant| tenant.to_owned()).collect();
        let token = Token::from_random([seed; 32]);
        let new = NewToken {
            name,
            role,
            tenants: (!tenants.is_empty()).then_some(&*tenants),
            by: "tests",
            expires_us: Some(NOW_US + 86_400_000_000),
            now_us: NOW_US,
        };
        self.store.add_token(&token, &new).await.unwrap();
        token.reveal().to_owned()
    }

    /// An account with the tests' password.
    pub(crate) async fn account(&self, name: &str, role: Role, tenants: &[&str]) {
        static HASH: OnceLock<String> = OnceLock::new();
        let hash = HASH.get_or_init(|| core_server::hash_password(PASSWORD).unwrap());
        let tenants: Vec<String> = tenants.iter().map(|&tenant| tenant.to_owned()).collect();
        let new = NewAccount {
            name,
            shown: name,
            vouched: None,
            password: Some(hash),
            role,
            tenants: (!tenants.is_empty()).then_some(&*tenants),
            by: "tests",
            now_us: NOW_US,
        };
        self.store.add_account(&new).await.unwrap();
    }

    /// Somebody who is signed in, for a day at most.
    pub(crate) async fn session(&self, name: &str, role: Role, tenants: &[&str]) -> Session {
        self.account(name, role, tenants).await;
        let mut seed = [0; 32];
        seed[..name.len().min(32)].copy_from_slice(&name.as_bytes()[..name.len().min(32)]);
        let key = SignInKey::from_random(seed);
        let expires_us = NOW_US + 86_400_000_000;
        let new =
            NewSignIn { account: name, parent: None, address: "", expires_us, now_us: NOW_US };
        self.store.add_sign_in(&key, &new).await.unwrap();
        Session { cookie: format!("__Host-linchpin={}", key.reveal()), csrf: key.derive("csrf") }
    }

    /// What the database's files hold.
    pub(crate) fn bytes(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let bytes = files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap());
        String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.send(request).await;
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(request(path, token, &[])).await
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Ids of the items.
    pub(crate) fn ids(&self) -> Vec<String> {
        let json = self.json();
        let items = json["items"].as_array().unwrap_or_else(|| panic!("{self:?}"));
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    }

    /// It is an error as errors are.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        for key in ["type", "title", "detail", "remedy"] {
            assert!(!problem[key].as_str().unwrap().is_empty(), "{key}: {problem}");
        }
        assert_eq!(self.header("cache-control"), "no-store");
        problem
    }
}

/// A request with a body.
pub(crate) fn post(path: &str, token: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let (mut parts, _) = request(path, token, headers).into_parts();
    parts.method = axum::http::Method::POST;
    Request::from_parts(parts, Body::from(body.to_owned()))
}

/// A request of a page of ours.
pub(crate) fn posted(path: &str, headers: &[(&str, &str)], body: &str) -> Request<Body> {
    let mut builder = Request::post(path).header("host", "hub.example.com");
    let own = [("origin", "https://hub.example.com"), ("sec-fetch-site", "same-origin")];
    for (name, value) in own.iter().chain(headers) {
        builder = builder.header(*name, *value);
    }
    if !headers.iter().any(|(name, _)| *name == "content-type") {
        builder = builder.header("content-type", "application/json");
    }
    builder.body(Body::from(body.to_owned())).unwrap()
}

/// The kind of what a form sends.
pub(crate) const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

impl Session {
    /// What its pages send.
    pub(crate) fn headers(&self) -> Vec<(&str, &str)> {
        vec![("cookie", &self.cookie), ("x-csrf-token", &self.csrf)]
    }
}

/// An operation of the description.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    pub(crate) method: String,
    /// As the list has it, with `{id}`.
    pub(crate) route: String,
    /// With an id of one tenant.
    pub(crate) path: String,
    pub(crate) least: Role,
    pub(crate) of_all: bool,
    /// Something that fits the schema.
    pub(crate) body: String,
}

/// Every operation below `/v1`, with the ids of one tenant.
pub(crate) fn operations(tenant: &str) -> Vec<Operation> {
    let document = core_server::openapi();
    let mut found = Vec::new();
    for (route, item) in document["paths"].as_object().unwrap() {
        if !route.starts_with("/v1/") {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let about = operation["description"].as_str().unwrap();
            let least = about.strip_prefix("Least role: ").unwrap();
            let word = least.split([',', '.']).next().unwrap();
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            let body: serde_json::Map<String, Value> = required
                .iter()
                .map(|name| (name.as_str().unwrap().to_owned(), "x".into()))
                .collect();
            found.push(Operation {
                method: method.to_uppercase(),
                path: route
                    .replace("{id}", &id_in(route, tenant))
                    .replace("{connection}", "halo")
                    .replace("{key}", "1"),
                route: route.clone(),
                least: Role::parse(word).unwrap(),
                of_all: about.contains("of all tenants") || route == "/v1/status",
                body: Value::Object(body).to_string(),
            });
        }
    }
    assert!(found.len() > 40, "{}", found.len());
    found
}

pub(crate) fn request(path: &str, token: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut builder = Request::get(path);
    if !token.is_empty() {
        builder = builder.header("authorization", format!("Bearer {token}"));
    }
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(Body::empty()).unwrap()
}

/// The id of the one entity of its kind at a tenant; a tenant's is its own.
pub(crate) fn id(kind: EntityKind, tenant: &str) -> String {
    match kind {
        EntityKind::Tenant => tenant.to_owned(),
        _ => format!("{}_of_{tenant}", kind.as_str()),
    }
}

/// An entity of which only its own tenant may hear.
pub(crate) fn row(kind: EntityKind, tenant: &str, id: &str, version: i64) -> EntityRow {
    let mark = format!("only for {tenant}");
    let document = json!({
        "id": id, "tenant": tenant, "name": mark, "host": mark, "domains": [version],
    });
    EntityRow {
        kind,
        id: id.to_owned(),
        tenant: Some(tenant.to_owned()),
        name: mark,
        document: document.to_string(),
    }
}

/// The next events of a stream: sequence and document.
pub(crate) async fn next(
    body: &mut (impl futures::Stream<Item = String> + Unpin),
    count: usize,
) -> Vec<(i64, Value)> {
    let mut found = Vec::new();
    while found.len() < count {
        let chunk = tokio::time::timeout(Duration::from_secs(30), body.next()).await;
        let Some(chunk) = chunk.expect("no event came") else { return found };
        let Some(rest) = chunk.strip_prefix("id: ") else { continue };
        let (sequence, data) = rest.split_once("\ndata: ").unwrap();
        let data: Value = serde_json::from_str(data.strip_suffix("\n\n").unwrap()).unwrap();
        assert_eq!(data["sequence"], sequence.parse::<i64>().unwrap());
        found.push((data["sequence"].as_i64().unwrap(), data));
    }
    found
}

/// What a stream says, piece by piece.
pub(crate) fn pieces(response: Response<Body>) -> impl futures::Stream<Item = String> + Unpin {
    assert_eq!(response.status(), StatusCode::OK);
    let pieces = response.into_body().into_data_stream();
    Box::pin(pieces.map(|piece| String::from_utf8(piece.unwrap().to_vec()).unwrap()))
}

/// Every path below `/v1` that answers GET, with the ids of one tenant.
pub(crate) fn paths(tenant: &str) -> Vec<String> {
    let get = operations(tenant).into_iter().filter(|one| one.method == "GET");
    get.map(|one| one.path).collect()
}

fn id_in(path: &str, tenant: &str) -> String {
    let kind = match path.split('/').nth(2).unwrap() {
        "groups" => EntityKind::Group,
        "agreement-lines" => EntityKind::AgreementLine,
        word => EntityKind::parse(word.trim_end_matches('s')).unwrap_or(EntityKind::Tenant),
    };
    id(kind, tenant)
}
