//! Signing in: second factor, refresh, revoked tokens.

use core_connector::ErrorKind;
use serde_json::json;
use wiremock::matchers::{body_json, body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

async fn lists_for(server: &MockServer, bearer: &str) {
    Mock::given(method("GET"))
        .and(header("authorization", format!("Bearer {bearer}").as_str()))
        .and(header("clientid", CLIENT_ID))
        .respond_with(rows(&json!([]), Some(0)))
        .mount(server)
        .await;
}

/// The clock stands still only in here: while it does, no answer can be waited for.
async fn an_hour_passes() {
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(3600)).await;
    tokio::time::resume();
}

fn two_factor() -> ResponseTemplate {
    let mut asked = token("", 60, 600);
    asked["AccessToken"] = Value::Null;
    asked["IsTwoFactorRequired"] = true.into();
    ResponseTemplate::new(200).set_body_json(asked)
}

#[tokio::test]
async fn two_factor_without_a_seed_names_the_setting() {
    let server = MockServer::start().await;
    Mock::given(path(TOKEN_PATH)).respond_with(two_factor()).mount(&server).await;
    let error = refused(&*connect(settings(&server)), "clients").await;
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.detail().contains("`totp_secret`"), "{error}");
}

#[tokio::test]
async fn with_a_seed_the_code_is_sent_at_once() {
    let server = MockServer::start().await;
    let mut settings = settings(&server);
    settings["totp_secret"] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into();
    Mock::given(path(TOKEN_PATH))
        .and(body_partial_json(json!({"Username": "linchpin", "Password": "pass word"})))
        .respond_with(|request: &wiremock::Request| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let code = body["TwoFactorPasscode"].as_str().unwrap_or_default();
            if code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()) {
                ResponseTemplate::new(200).set_body_json(token("t1", 60, 600))
            } else {
                two_factor()
            }
        })
        .expect(1)
        .mount(&server)
        .await;
    lists_for(&server, "t1").await;
    read(&*connect(settings), "clients").await.unwrap();
}

#[tokio::test]
async fn a_refused_code_names_the_setting_and_not_the_seed() {
    let server = MockServer::start().await;
    let mut settings = settings(&server);
    settings["totp_secret"] = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into();
    Mock::given(path(TOKEN_PATH)).respond_with(two_factor()).mount(&server).await;
    let error = refused(&*connect(settings), "clients").await;
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.detail().contains("`totp_secret`") && !error.to_string().contains("GEZD"));
}

#[tokio::test]
async fn a_wrong_password_names_the_settings_and_shows_no_secret() {
    let server = MockServer::start().await;
    let denied = ResponseTemplate::new(401).set_body_json(json!({"Message": "Unauthorized"}));
    Mock::given(path(TOKEN_PATH)).respond_with(denied).expect(1).mount(&server).await;
    let error = refused(&*connect(settings(&server)), "clients").await;
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.remedy().contains("`password`"), "{}", error.remedy());
    assert!(!format!("{error:?}").contains("pass word"));
}

#[tokio::test]
async fn refresh_sends_a_bare_json_string() {
    let server = MockServer::start().await;
    Mock::given(path(TOKEN_PATH))
        .respond_with(ResponseTemplate::new(200).set_body_json(token("t1", 60, 600)))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(path("/cwa/api/v1/apitoken/refresh"))
        .and(body_json(json!("t1")))
        .and(header("clientid", CLIENT_ID))
        .respond_with(ResponseTemplate::new(200).set_body_json(token("t2", 60, 600)))
        .expect(1)
        .mount(&server)
        .await;
    lists_for(&server, "t1").await;
    lists_for(&server, "t2").await;
    let connector = connect(settings(&server));
    read(&*connector, "clients").await.unwrap();
    an_hour_passes().await;
    read(&*connector, "clients").await.unwrap();
    read(&*connector, "clients").await.unwrap();
}

#[tokio::test]
async fn past_the_absolute_end_the_password_is_sent_again() {
    let server = MockServer::start().await;
    Mock::given(path(TOKEN_PATH))
        .respond_with(ResponseTemplate::new(200).set_body_json(token("t1", 60, 0)))
        .expect(2)
        .mount(&server)
        .await;
    lists_for(&server, "t1").await;
    let connector = connect(settings(&server));
    read(&*connector, "clients").await.unwrap();
    an_hour_passes().await;
    read(&*connector, "clients").await.unwrap();
}

#[tokio::test]
async fn a_refused_refresh_falls_back_to_the_password() {
    let server = MockServer::start().await;
    Mock::given(path(TOKEN_PATH))
        .respond_with(ResponseTemplate::new(200).set_body_json(token("t1", 60, 600)))
        .expect(2)
        .mount(&server)
        .await;
    Mock::given(path("/cwa/api/v1/apitoken/refresh"))
        .respond_with(ResponseTemplate::new(401))
        .expect(1)
        .mount(&server)
        .await;
    lists_for(&server, "t1").await;
    let connector = connect(settings(&server));
    read(&*connector, "clients").await.unwrap();
    an_hour_passes().await;
    read(&*connector, "clients").await.unwrap();
}

#[tokio::test]
async fn a_token_revoked_in_the_middle_is_renewed_once_and_not_refreshed() {
    let server = MockServer::start().await;
    let give = |text: &str| ResponseTemplate::new(200).set_body_json(token(text, 60, 600));
    Mock::given(path(TOKEN_PATH)).respond_with(give("old")).up_to_n_times(1).mount(&server).await;
    Mock::given(path(TOKEN_PATH)).respond_with(give("new")).expect(1).mount(&server).await;
    Mock::given(path("/cwa/api/v1/apitoken/refresh"))
        .respond_with(give("new"))
        .expect(0)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .and(header("authorization", "Bearer old"))
        .respond_with(ResponseTemplate::new(401))
        .expect(1)
        .mount(&server)
        .await;
    lists_for(&server, "new").await;
    read(&*connect(settings(&server)), "clients").await.unwrap();
}
