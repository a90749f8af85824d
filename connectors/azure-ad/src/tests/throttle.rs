//! Throttling: who waits, and how long.

use std::time::{Duration, Instant};

use core_connector::ErrorKind;
use wiremock::matchers::header;

use super::*;

/// Our own directory is throttled once with this scope; how long a customer's request then takes.
async fn customer_waits(throttle_scope: &str) -> Duration {
    let server = graph().await;
    let throttled = ResponseTemplate::new(429)
        .insert_header("retry-after", "0.8")
        .insert_header("x-ms-throttle-scope", throttle_scope)
        .set_body_json(json!({"error": {"code": "TooManyRequests", "message": "Later."}}));
    Mock::given(path("/v1.0/users/delta"))
        .and(header("authorization", format!("Bearer for-{OWN}")))
        .respond_with(throttled)
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let end = json!({"value": [], "@odata.deltaLink": link(&server, "users/delta?$deltatoken=1")});
    answers(&server, "/v1.0/users/delta", end).await;
    let connector = connect(&server, &json!({"directories": [FABRIKAM]}));
    let customer = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let started = Instant::now();
        page(&*connector, "users", FABRIKAM, Resume::Start).await.unwrap();
        started.elapsed()
    };
    let started = Instant::now();
    let own = async {
        first(&*connector, "users").await.unwrap();
        started.elapsed()
    };
    let (own, customer) = tokio::join!(own, customer);
    assert!(own >= Duration::from_millis(800), "the wait asked for is kept: {own:?}");
    customer
}

#[tokio::test]
async fn application_throttling_pauses_every_directory() {
    let waited = customer_waits(&format!("Application/ReadWrite/{CLIENT}")).await;
    assert!(waited >= Duration::from_millis(300), "{waited:?}");
}

#[tokio::test]
async fn a_directorys_throttling_pauses_no_other() {
    let waited = customer_waits(&format!("Tenant_Application/ReadWrite/{CLIENT}/{OWN}")).await;
    assert!(waited < Duration::from_millis(300), "{waited:?}");
}

#[tokio::test]
async fn without_an_end_to_throttling_the_run_ends_and_says_so() {
    let server = graph().await;
    fails(&server, "/v1.0/users/delta", 429, "TooManyRequests", "Later.").await;
    fails(
        &server,
        "/v1.0/groups/delta",
        400,
        "Request_ThrottledTemporarily",
        "Please try after 0.01 seconds.",
    )
    .await;
    let gateway = ResponseTemplate::new(504).set_body_string("<html>Gateway Timeout</html>");
    Mock::given(path("/v1.0/devices/delta")).respond_with(gateway).mount(&server).await;
    let connector = connect(&server, &json!({}));
    let users = first(&*connector, "users").await.unwrap_err();
    assert_eq!(users.kind(), ErrorKind::RateLimited { retry_after: None });
    let groups = first(&*connector, "groups").await.unwrap_err();
    let asked = Some(Duration::from_millis(10));
    assert_eq!(groups.kind(), ErrorKind::RateLimited { retry_after: asked });
    let devices = first(&*connector, "devices").await.unwrap_err();
    assert_eq!(devices.kind(), ErrorKind::Unavailable);
}
