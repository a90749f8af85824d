//! Subscriptions over real HTTP: the address is asked before, and told afterwards.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value;
use serde_json::json;

use super::fixture::json as read;
use super::fixture::{Bench, CONTOSO, SECRET, crowd, id};
use crate::estate::{Change, Pick, apply};
use crate::generate::generate;
use crate::server::{Mocks, Running, ServeConfig};
use crate::vendor::Face;
use crate::world::Options;

type Told = Arc<Mutex<Vec<Value>>>;
type Pairs = std::collections::HashMap<String, String>;

/// An address that answers handshakes and writes down what it is told.
async fn listener(answers: bool) -> (String, Told) {
    async fn take(
        State((told, answers)): State<(Told, bool)>,
        Query(query): Query<Pairs>,
        body: String,
    ) -> Response {
        match query.get("validationToken") {
            Some(token) if answers => token.clone().into_response(),
            Some(_) => StatusCode::NOT_FOUND.into_response(),
            None => {
                let body: Value = serde_json::from_str(&body).unwrap();
                told.lock().unwrap().extend(body["value"].as_array().unwrap().clone());
                StatusCode::ACCEPTED.into_response()
            }
        }
    }
    let told = Told::default();
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/n?of=me", port.local_addr().unwrap());
    let router = Router::new().route("/n", post(take)).with_state((told.clone(), answers));
    tokio::spawn(async move { axum::serve(port, router).await.unwrap() });
    (url, told)
}

struct Estate(Running, reqwest::Client, String);

impl Estate {
    async fn serve() -> Self {
        let options = Options { computers: 20, seed: 5, ..Options::default() };
        let running = Mocks::start(generate(&options), ServeConfig::default()).await.unwrap();
        let found = running.discovery()["faces"]["azure-ad"].clone();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", found["client_id"].as_str().unwrap()),
            ("client_secret", found["client_secret"].as_str().unwrap()),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        let url = found["token_url"].as_str().unwrap();
        let answer = client.post(url).body(body.finish()).send().await.unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self(running, client, token)
    }

    async fn subscribe(&self, url: &str) -> (u16, Value) {
        let until = chrono::Utc::now() + chrono::Duration::days(1);
        let body = json!({"changeType": "updated,deleted", "notificationUrl": url,
            "lifecycleNotificationUrl": url, "resource": "users", "clientState": "s3cret",
            "expirationDateTime": until.to_rfc3339()});
        let at = format!("{}/v1.0/subscriptions", self.0.base(Face::Graph));
        let request = self.1.post(at).bearer_auth(&self.2).body(body.to_string());
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap())
    }

    fn all(&self) -> Vec<Value> {
        self.0.estate("subscriptions", &Value::Null).unwrap().as_array().unwrap().clone()
    }
}

async fn until(told: &Told, is_so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let now = told.lock().unwrap().clone();
        if is_so(&now) {
            return now;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{now:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_address_that_does_not_answer_gets_no_subscription() {
    let estate = Estate::serve().await;
    let (url, _) = listener(false).await;
    for url in [url.as_str(), "http://127.0.0.1:1/n"] {
        let (status, answer) = estate.subscribe(url).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains("validation"), "{answer}");
    }
    assert_eq!(estate.all(), Vec::<Value>::new());
}

#[tokio::test]
async fn who_subscribed_is_told_of_what_changed_once_and_of_the_end() {
    let estate = Estate::serve().await;
    let (url, told) = listener(true).await;
    let (status, made) = estate.subscribe(&url).await;
    assert_eq!(status, 201, "{made}");
    let person = {
        let world = estate.0.world();
        let mut world = world.write().unwrap();
        let no = world.persons.iter().position(|one| one.directory == 0 && one.mark.gone.is_none());
        let no = no.unwrap();
        let person = Pick::No(no);
        apply(&mut world, &Change::EnablePerson { person, enabled: false }).unwrap();
        world.persons[no].id.to_string()
    };
    let got = until(&told, |told| !told.is_empty()).await;
    assert_eq!(got.len(), 1, "{got:#?}");
    assert_eq!(got[0]["resourceData"]["id"], json!(person));
    assert_eq!(
        (&got[0]["clientState"], &got[0]["changeType"]),
        (&json!("s3cret"), &json!("updated"))
    );
    assert_eq!(got[0]["subscriptionId"], made["id"]);

    // What happens meanwhile is never told, only that there was something.
    estate.0.estate("lifecycle", &json!({ "event": "deaf" })).unwrap();
    {
        let world = estate.0.world();
        let mut world = world.write().unwrap();
        let no = world.persons.iter().position(|one| one.id.to_string() == person);
        let person = Pick::No(no.unwrap());
        apply(&mut world, &Change::EnablePerson { person, enabled: true }).unwrap();
    }
    for (event, left) in [("missed", 1), ("reauthorizationRequired", 1), ("subscriptionRemoved", 0)]
    {
        estate.0.estate("lifecycle", &json!({ "event": event })).unwrap();
        until(&told, |told| told.iter().any(|one| one["lifecycleEvent"] == event)).await;
        assert_eq!(estate.all().len(), left, "{event}");
    }
    assert!(estate.0.estate("lifecycle", &json!({"event": "nonsense"})).is_err());
    assert_eq!(told.lock().unwrap().len(), 4, "nothing comes twice");
}

#[test]
fn the_first_refresh_token_can_be_too_old_while_what_it_became_is_good() {
    let bench = Bench::new(crowd(1));
    let first = bench.world.read().unwrap().credentials.graph_refresh_token.clone();
    let tenant = id(1, CONTOSO).to_string();
    let client = id(2, 0).to_string();
    let sign_in = |token: &str| {
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", client.as_str()),
            ("client_secret", SECRET),
            ("refresh_token", token),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        bench.sign_in(&tenant, &form)
    };
    let next = read(&sign_in(&first))["refresh_token"].as_str().unwrap().to_owned();
    bench.face.estate("retire_refresh_token", &Value::Null, &bench.world).unwrap().unwrap();
    assert_eq!(sign_in(&first).status, 400);
    assert_eq!(sign_in(&next).status, 200);
}
