//! Signing in, refusals and who can mend them, limits.

use core_connector::{Connector, ErrorKind, Missing};
use serde_json::json;
use wiremock::matchers::{body_string_contains, header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Pages, answer, asked, connect, halo, on, read};

async fn refuse(answer: ResponseTemplate) -> core_connector::Error {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(answer).mount(&server).await;
    let halo = connect(&server, &json!({}));
    let Err(error) = read(halo.as_ref(), "clients").await else { panic!("it signed in") };
    error
}

#[tokio::test]
async fn the_tenant_travels_in_the_query_and_the_secret_in_the_body() {
    let server = MockServer::start().await;
    let token = json!({"access_token": "t1", "token_type": "Bearer", "expires_in": 3600});
    Mock::given(method("POST"))
        .and(path("/auth/token"))
        .and(query_param("tenant", "acme"))
        .and(body_string_contains("grant_type=client_credentials"))
        .and(body_string_contains("client_secret=s3cret"))
        .and(body_string_contains("scope=read%3Acustomers+read%3Acontracts"))
        .respond_with(ResponseTemplate::new(200).set_body_json(token))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/api/Client"))
        .and(header("authorization", "Bearer t1"))
        .respond_with(Pages::of("clients", 1..=230))
        .expect(3)
        .mount(&server)
        .await;
    let halo = connect(&server, &json!({}));
    assert_eq!(read(halo.as_ref(), "clients").await.unwrap().records.len(), 230);
}

#[tokio::test]
async fn each_refusal_names_what_to_mend() {
    let refusal = |status, error: &str| {
        let body = json!({"error": error, "error_description": "No."});
        ResponseTemplate::new(status).set_body_json(body)
    };
    let client = refuse(refusal(401, "invalid_client")).await;
    assert_eq!(client.kind(), ErrorKind::Auth);
    assert!(client.remedy().contains("`client_id`") && client.remedy().contains("`client_secret`"));
    let scope = refuse(refusal(400, "invalid_scope")).await;
    assert_eq!(scope.kind(), ErrorKind::Config);
    assert!(scope.remedy().contains("`scope`"), "{}", scope.remedy());
    let tenant = refuse(ResponseTemplate::new(500)).await;
    assert_eq!(tenant.kind(), ErrorKind::Config);
    assert!(tenant.to_string().contains("tenant may be wrong"), "{tenant}");
    assert!(tenant.remedy().contains("`tenant`"));
    let page = refuse(ResponseTemplate::new(200).set_body_string("<html>")).await;
    assert_eq!(page.kind(), ErrorKind::Protocol);
    assert!(page.remedy().contains("`auth_url`"), "{}", page.remedy());
    let down = refuse(ResponseTemplate::new(503)).await;
    assert_eq!(down.kind(), ErrorKind::Unavailable);
    for error in [client, scope, tenant, page, down] {
        assert!(!format!("{error:?} {}", error.remedy()).contains("s3cret"));
    }
}

#[tokio::test]
async fn a_token_revoked_in_the_middle_is_renewed_once_and_the_page_goes_on() {
    let server = halo().await;
    Mock::given(path("/api/Client"))
        .respond_with(ResponseTemplate::new(401))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    on(&server, "/api/Client", Pages::of("clients", 1..=30)).await;
    let halo = connect(&server, &json!({}));
    assert_eq!(read(halo.as_ref(), "clients").await.unwrap().records.len(), 30);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.iter().filter(|r| r.url.path() == "/auth/token").count(), 2);
}

#[tokio::test]
async fn empty_bodies_are_read_by_their_status() {
    for (status, kind, word) in [
        (401, ErrorKind::Auth, "login type Agent"),
        (403, ErrorKind::Forbidden, "read:contracts"),
        (404, ErrorKind::NotFound, "`url`"),
        (500, ErrorKind::Unavailable, "next run"),
        (504, ErrorKind::Unavailable, "next run"),
        (302, ErrorKind::Protocol, "`url`"),
    ] {
        let server = halo().await;
        on(&server, "/api/ClientContract", ResponseTemplate::new(status)).await;
        let halo = connect(&server, &json!({}));
        let Err(error) = read(halo.as_ref(), "contracts").await else { panic!("{status}") };
        assert_eq!(error.kind(), kind, "{status}");
        assert!(error.remedy().contains(word), "{status}: {}", error.remedy());
    }
}

#[tokio::test]
async fn a_400_says_what_halo_says() {
    let server = halo().await;
    let body = json!({"page_no": ["The value 'x' is not valid."]});
    on(&server, "/api/Client", ResponseTemplate::new(400).set_body_json(body)).await;
    let halo = connect(&server, &json!({}));
    let Err(error) = read(halo.as_ref(), "clients").await else { panic!("accepted") };
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("page_no: The value 'x' is not valid."), "{error}");
}

#[tokio::test]
async fn a_429_is_waited_out_with_and_without_retry_after() {
    let server = halo().await;
    let text = "Rate Limit Reached - 300 Requests per rolling 5 minute window";
    for limit in [
        ResponseTemplate::new(429).set_body_string(text).insert_header("Retry-After", "0.05"),
        ResponseTemplate::new(429).set_body_string(text),
    ] {
        let limit = Mock::given(path("/api/Client")).respond_with(limit).up_to_n_times(1);
        limit.mount(&server).await;
    }
    on(&server, "/api/Client", Pages::of("clients", 1..=3)).await;
    let halo = connect(&server, &json!({}));
    let start = std::time::Instant::now();
    assert_eq!(read(halo.as_ref(), "clients").await.unwrap().records.len(), 3);
    assert!(start.elapsed().as_millis() >= 50);
    assert_eq!(asked(&server, "/api/Client").await.len(), 3);
}

async fn check(halo: &dyn Connector) -> core_connector::Account {
    halo.check().await.expect("the account can be checked")
}

#[tokio::test]
async fn check_names_the_account_the_version_and_what_is_lacking() {
    let server = halo().await;
    on(&server, "/api/Agent/me", answer(&json!({"id": 9, "name": "Linchpin"}))).await;
    let info = json!({"app_name": "Halo PSA", "app_version": "2.236.133"});
    on(&server, "/api/InstanceInfo", answer(&info)).await;
    for list in ["Client", "Site", "Users", "Asset", "Item", "RecurringInvoice", "Tickets"] {
        on(&server, &format!("/api/{list}"), answer(&json!({"record_count": 0}))).await;
    }
    on(&server, "/api/ClientContract", ResponseTemplate::new(403)).await;
    let account = check(connect(&server, &json!({})).as_ref()).await;
    assert_eq!(account.name, "Linchpin");
    assert_eq!(account.version.as_deref(), Some("Halo PSA 2.236.133"));
    assert_eq!(
        account.missing,
        [Missing {
            permission: "read:contracts".into(),
            costs: "no agreements".into(),
            scope: String::new()
        }]
    );
}
