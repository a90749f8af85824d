//! Exchanges with a stand-in for Graph and its sign-in service, one test for each known trap.

use core_connector::{Connector, Error, Factory, Page, Resume, Scope, Stream};
use core_model::RecordKind;
use core_model::facts::Facts;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::AzureAd;

mod checks;
mod conformance;
mod delta;
mod managed;
mod rows;
mod signin;
mod subscriptions;
mod tenants;
mod throttle;

const OWN: &str = "10000000-0000-4000-8000-000000000001";
const FABRIKAM: &str = "20000000-0000-4000-8000-000000000002";
const TAILSPIN: &str = "30000000-0000-4000-8000-000000000003";
const CLIENT: &str = "c0000000-0000-4000-8000-00000000000c";

/// A Graph that signs everybody in: the token names the directory.
async fn graph() -> MockServer {
    let server = MockServer::start().await;
    let token = |request: &Request| {
        let directory = request.url.path().split('/').nth(1).unwrap_or_default().to_owned();
        ResponseTemplate::new(200).set_body_json(json!({"token_type": "Bearer",
            "expires_in": 3599, "access_token": format!("for-{directory}")}))
    };
    Mock::given(method("POST"))
        .and(path_regex("^/[^/]+/oauth2/v2.0/token$"))
        .respond_with(token)
        .with_priority(200)
        .mount(&server)
        .await;
    server
}

fn settings(server: &MockServer, more: &Value) -> Value {
    let mut settings = json!({"tenant_id": OWN, "client_id": CLIENT, "client_secret": "s3cret",
        "login_url": server.uri(), "graph_url": server.uri(),
        "http": {"attempts": 2, "backoff_ms": 1}});
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
    }
    settings
}

fn connect(server: &MockServer, more: &Value) -> Box<dyn Connector> {
    let config = serde_json::from_value(settings(server, more)).unwrap();
    AzureAd::build(config).unwrap()
}

/// Answers a path with this JSON.
async fn answers(server: &MockServer, at: &str, body: Value) {
    let answer = ResponseTemplate::new(200).set_body_json(body);
    Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(server).await;
}

/// Answers a path with this failure.
async fn fails(server: &MockServer, at: &str, status: u16, code: &str, message: &str) {
    let body = json!({"error": {"code": code, "message": message}});
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(server).await;
}

fn link(server: &MockServer, rest: &str) -> String {
    format!("{}/v1.0/{rest}", server.uri())
}

fn scope(directory: &str) -> Scope {
    Scope { key: directory.to_owned(), name: directory.to_owned() }
}

fn stream<'a>(connector: &'a dyn Connector, name: &str) -> Stream<'a> {
    connector.streams().into_iter().find(|stream| stream.name == name).unwrap()
}

async fn page(
    connector: &dyn Connector,
    name: &str,
    directory: &str,
    from: Resume,
) -> Result<Page, Error> {
    stream(connector, name).source.page(&scope(directory), from).await
}

/// The first page of a stream in our own directory.
async fn first(connector: &dyn Connector, name: &str) -> Result<Page, Error> {
    page(connector, name, OWN, Resume::Start).await
}

fn after(page: &Page) -> Resume {
    Resume::From(page.checkpoint.clone().unwrap())
}

fn keys(page: &Page, kind: RecordKind) -> Vec<&str> {
    let of_kind = page.records.iter().filter(|record| record.facts.kind() == kind);
    of_kind.map(|record| record.key.as_str()).collect()
}

fn clients(page: &Page) -> Vec<core_model::facts::ClientFacts> {
    let client = |facts: &Facts| match facts {
        Facts::Client(client) => client.clone(),
        other => panic!("{other:?}"),
    };
    page.records.iter().map(|record| client(&record.facts)).collect()
}

fn organization(id: &str, name: &str, domain: &str) -> Value {
    json!({"value": [{"id": id.to_uppercase(), "displayName": name, "verifiedDomains": [
        {"name": format!("{}.onmicrosoft.com", name.to_lowercase()), "isDefault": false},
        {"name": domain, "isDefault": true}]}]})
}

/// What a directory answers about itself, by the token it was asked with.
async fn organization_of(server: &MockServer, id: &str, name: &str, domain: &str) {
    let answer = ResponseTemplate::new(200).set_body_json(organization(id, name, domain));
    Mock::given(method("GET"))
        .and(path("/v1.0/organization"))
        .and(wiremock::matchers::header("authorization", format!("Bearer for-{id}")))
        .respond_with(answer)
        .mount(server)
        .await;
}
