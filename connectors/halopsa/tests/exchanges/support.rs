//! A Halo of a few lines: signs in, pages as the real one does, and counts what it is asked.

use connector_halopsa::Halopsa;
use core_connector::conformance::{FullRead, read_all};
use core_connector::{Connector, Factory, Page, Result, Resume, Scope, Stream};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// A server that signs everybody in.
pub(crate) async fn halo() -> MockServer {
    let server = MockServer::start().await;
    let token = json!({"access_token": "t1", "token_type": "Bearer", "expires_in": 3600});
    Mock::given(method("POST"))
        .and(path("/auth/token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(token))
        .mount(&server)
        .await;
    server
}

/// A connection to it with these further settings.
pub(crate) fn connect(server: &MockServer, more: &Value) -> Box<dyn Connector> {
    let mut settings = json!({
        "url": server.uri(), "tenant": "acme", "client_id": "id", "client_secret": "s3cret",
        "http": {"attempts": 3, "backoff_ms": 1}
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        settings[key] = value.clone();
    }
    let config = serde_json::from_value(settings).expect("the settings are well formed");
    Halopsa::build(config).expect("the settings are usable")
}

/// The stream with this name.
pub(crate) fn stream<'a>(connector: &'a dyn Connector, name: &str) -> Stream<'a> {
    let found = connector.streams().into_iter().find(|stream| stream.name == name);
    found.expect("there is such a stream")
}

/// Reads a stream from start to end.
pub(crate) async fn read(connector: &dyn Connector, name: &str) -> Result<FullRead> {
    read_all(&stream(connector, name), &Scope::whole()).await
}

/// Reads one page of a stream.
pub(crate) async fn page(connector: &dyn Connector, name: &str, from: Resume) -> Result<Page> {
    stream(connector, name).source.page(&Scope::whole(), from).await
}

/// Mounts an answer to GET on this path.
pub(crate) async fn on(server: &MockServer, at: &str, answer: impl Respond + 'static) {
    Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(server).await;
}

/// A JSON answer.
pub(crate) fn answer(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

/// The GETs on this path, as query pairs.
pub(crate) async fn asked(server: &MockServer, at: &str) -> Vec<Vec<(String, String)>> {
    let requests = server.received_requests().await.expect("requests are recorded");
    let asked = requests.iter().filter(|r| r.url.path() == at && r.method.as_str() == "GET");
    asked.map(|request| request.url.query_pairs().into_owned().collect()).collect()
}

/// A list that pages as Halo does: only if asked to, and never more than a cap.
pub(crate) struct Pages {
    pub(crate) key: &'static str,
    pub(crate) rows: Vec<Value>,
    pub(crate) cap: usize,
}

impl Pages {
    /// Rows with these ids and names.
    pub(crate) fn of(key: &'static str, ids: std::ops::RangeInclusive<i64>) -> Self {
        let rows = ids.map(|id| json!({"id": id, "name": format!("Row {id}")})).collect();
        Self { key, rows, cap: 100 }
    }
}

impl Respond for Pages {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let given = |name: &str| {
            let found = request.url.query_pairs().find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned())
        };
        if given("pageinate").as_deref() != Some("true") {
            let first: Vec<&Value> = self.rows.iter().take(50).collect();
            return answer(&json!({"record_count": first.len(), self.key: first}));
        }
        let number = |name: &str, or: usize| given(name).and_then(|n| n.parse().ok()).unwrap_or(or);
        let (size, at) = (number("page_size", 50).min(self.cap), number("page_no", 1));
        let rows: Vec<&Value> = self.rows.iter().skip((at - 1) * size).take(size).collect();
        answer(&json!({
            "page_no": at, "page_size": size, "record_count": self.rows.len(), self.key: rows
        }))
    }
}
