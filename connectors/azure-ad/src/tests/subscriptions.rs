//! Subscriptions, seen from the wire.

use core_connector::{ErrorKind, NewSubscription};
use wiremock::matchers::body_partial_json;

use super::*;

const URL: &str = "https://hub.example/webhooks/entra";
const UNTIL_US: i64 = 1_796_000_000_000_000;

fn wanting(server: &MockServer) -> Box<dyn Connector> {
    connect(server, &json!({"webhook_secret": "planted-state", "directories": [FABRIKAM]}))
}

fn row(id: &str, resource: &str) -> Value {
    json!({"id": id, "resource": resource, "notificationUrl": URL, "clientState": null,
        "expirationDateTime": "2026-12-20T11:00:00.0000000Z"})
}

fn new() -> NewSubscription<'static> {
    NewSubscription { topic: "users", url: URL, until_us: UNTIL_US }
}

async fn sent(server: &MockServer, on: &str) -> Vec<Request> {
    let all = server.received_requests().await.unwrap();
    all.into_iter().filter(|one| one.url.path().starts_with(on)).collect()
}

#[tokio::test]
async fn one_is_made_with_everything_that_cannot_be_added_later() {
    let server = graph().await;
    Mock::given(method("POST"))
        .and(path("/v1.0/subscriptions"))
        .and(body_partial_json(json!({"changeType": "updated,deleted", "resource": "users",
            "notificationUrl": URL, "lifecycleNotificationUrl": URL,
            "clientState": "planted-state", "expirationDateTime": "2026-11-30T00:53:20Z"})))
        .respond_with(ResponseTemplate::new(201).set_body_json(row("s-1", "users")))
        .expect(1)
        .mount(&server)
        .await;
    let connector = wanting(&server);
    let subscribe = connector.subscribe().unwrap();
    assert!(subscribe.wanted());
    let made = subscribe.make(FABRIKAM, new()).await.unwrap();
    assert_eq!((made.id.as_str(), made.topic.as_str(), made.url.as_str()), ("s-1", "users", URL));
    assert_eq!(made.ends_us, 1_797_764_400_000_000);
    let request = &sent(&server, "/v1.0/subscriptions").await[0];
    let token = request.headers.get("authorization").unwrap().to_str().unwrap();
    assert_eq!(token, format!("Bearer for-{FABRIKAM}"), "of the directory that it is about");
}

#[tokio::test]
async fn what_there_is_is_listed_to_its_end_under_the_names_of_streams() {
    let server = graph().await;
    let second = json!({"value": [row("s-2", "/Groups")]});
    Mock::given(method("GET"))
        .and(path("/v1.0/subscriptions"))
        .and(wiremock::matchers::query_param("$skiptoken", "s"))
        .respond_with(ResponseTemplate::new(200).set_body_json(second))
        .with_priority(1)
        .mount(&server)
        .await;
    let strange = json!({"id": "s-3", "resource": "me/messages"});
    let next = link(&server, "subscriptions?$skiptoken=s");
    let body = json!({"value": [row("s-1", "users"), strange], "@odata.nextLink": next});
    answers(&server, "/v1.0/subscriptions", body).await;
    let connector = wanting(&server);
    let listed = connector.subscribe().unwrap().list(FABRIKAM).await.unwrap();
    let found: Vec<_> = listed.iter().map(|one| (one.id.as_str(), one.topic.as_str())).collect();
    assert_eq!(found, [("s-1", "users"), ("s-2", "groups")]);
}

#[tokio::test]
async fn one_that_is_gone_is_not_found_and_one_that_is_there_goes_on() {
    let server = graph().await;
    let one = "/v1.0/subscriptions/s-1";
    Mock::given(method("PATCH"))
        .and(path(one))
        .respond_with(ResponseTemplate::new(200).set_body_json(row("s-1b", "users")))
        .mount(&server)
        .await;
    Mock::given(method("DELETE"))
        .and(path(one))
        .respond_with(ResponseTemplate::new(204))
        .mount(&server)
        .await;
    let missing = json!({"error": {"code": "ResourceNotFound", "message": "Not found."}});
    for verb in ["PATCH", "DELETE"] {
        Mock::given(method(verb))
            .and(path("/v1.0/subscriptions/s-9"))
            .respond_with(ResponseTemplate::new(404).set_body_json(missing.clone()))
            .mount(&server)
            .await;
    }
    let connector = wanting(&server);
    let subscribe = connector.subscribe().unwrap();
    // Some say that renewing gives another id.
    assert_eq!(subscribe.renew(FABRIKAM, "s-1", UNTIL_US).await.unwrap().id, "s-1b");
    subscribe.remove(FABRIKAM, "s-1").await.unwrap();
    let error = subscribe.renew(FABRIKAM, "s-9", UNTIL_US).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = subscribe.remove(FABRIKAM, "s-9").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_address_that_graph_does_not_reach_and_a_lacking_permission_say_what_to_do() {
    let server = graph().await;
    let refuse = async |resource: &str, status: u16, code: &str, message: &str| {
        let body = json!({"error": {"code": code, "message": message}});
        Mock::given(method("POST"))
            .and(path("/v1.0/subscriptions"))
            .and(body_partial_json(json!({"resource": resource})))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .expect(1)
            .mount(&server)
            .await;
    };
    let words = "Subscription validation request failed. Notification endpoint must respond with \
                 200 OK to validation request.";
    refuse("users", 400, "ValidationError", words).await;
    refuse("groups", 403, "Authorization_RequestDenied", "Insufficient privileges.").await;
    let connector = wanting(&server);
    let subscribe = connector.subscribe().unwrap();
    let error = subscribe.make(FABRIKAM, new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.remedy().contains("public_url"), "{}", error.remedy());
    let groups = NewSubscription { topic: "groups", ..new() };
    let error = subscribe.make(FABRIKAM, groups).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.remedy().contains("`Group.Read.All`"), "{}", error.remedy());
    assert!(!format!("{error:?}{}", error.remedy()).contains("planted"), "{error:?}");
}

#[tokio::test]
async fn without_a_secret_or_switched_off_nothing_is_wanted_and_another_secret_is_another_mark() {
    let server = graph().await;
    let of = |more: Value| connect(&server, &more);
    let wanted = |connector: &dyn Connector| connector.subscribe().unwrap().wanted();
    let mark = |connector: &dyn Connector| connector.subscribe().unwrap().mark();
    assert!(!wanted(&*of(json!({}))));
    assert!(!wanted(&*of(json!({"webhook_secret": " "}))));
    assert!(!wanted(&*of(json!({"webhook_secret": "s", "subscribe": false}))));
    let (one, other) = (of(json!({"webhook_secret": "one"})), of(json!({"webhook_secret": "two"})));
    assert!(wanted(&*one) && mark(&*one) != mark(&*other));
    assert!(mark(&*one).len() <= 8 && !mark(&*one).contains("one"));
}
