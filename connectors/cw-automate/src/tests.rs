//! Exchanges with a server that answers as Automate does, traps included.

mod exchanges;
mod lists;
mod signing_in;
mod upkeep;

use chrono::{TimeDelta, Utc};
use core_connector::conformance::{self, FullRead};
use core_connector::{Connector, Error, Factory, Scope};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::Automate;

const CLIENT_ID: &str = "5a8a5a3c-94d5-4a4f-8dd9-5d1cbd9c8a7e";
const TOKEN_PATH: &str = "/cwa/api/v1/apitoken";

fn settings(server: &MockServer) -> Value {
    json!({
        "url": server.uri(),
        "username": "linchpin",
        "password": "pass word",
        "client_id": CLIENT_ID,
        "page_size": 3,
        "http": { "backoff_ms": 1, "attempts": 3 },
    })
}

fn connect(settings: Value) -> Box<dyn Connector> {
    Automate::build(serde_json::from_value(settings).unwrap()).unwrap()
}

/// A token result that is good for so many minutes, in zone-less UTC.
fn token(text: &str, minutes: i64, absolute_minutes: i64) -> Value {
    let zone_less = |minutes| {
        (Utc::now() + TimeDelta::minutes(minutes)).format("%Y-%m-%dT%H:%M:%S").to_string()
    };
    json!({
        "AccessToken": text,
        "TokenType": "Bearer",
        "ExpirationDate": zone_less(minutes),
        "AbsoluteExpirationDate": zone_less(absolute_minutes),
        "UserId": "7",
        "IsTwoFactorRequired": false,
        "IsInternalTwoFactorRequired": false,
    })
}

/// A server that gives a token to whoever asks.
async fn server() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path(TOKEN_PATH))
        .respond_with(ResponseTemplate::new(200).set_body_json(token("t1", 60, 600)))
        .mount(&server)
        .await;
    server
}

/// The page of a list, with the total where given.
fn rows(rows: &Value, total: Option<u64>) -> ResponseTemplate {
    let answer = ResponseTemplate::new(200).set_body_json(rows);
    match total {
        Some(total) => answer.insert_header("Total-Count", total.to_string().as_str()),
        None => answer,
    }
}

async fn read(connector: &dyn Connector, name: &str) -> Result<FullRead, Error> {
    let streams = connector.streams();
    let stream = streams.iter().find(|stream| stream.name == name).unwrap();
    conformance::read_all(stream, &Scope::whole()).await
}

/// Why a list cannot be read.
async fn refused(connector: &dyn Connector, name: &str) -> Error {
    match read(connector, name).await {
        Ok(whole) => panic!("{name} was read: {} records", whole.records.len()),
        Err(error) => error,
    }
}
