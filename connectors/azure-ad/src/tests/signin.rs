//! Signing in, seen from the wire.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_connector::ErrorKind;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use sha2::{Digest, Sha256};
use wiremock::matchers::body_string_contains;

use super::*;

async fn end_at_once(server: &MockServer) {
    let end = json!({"value": [], "@odata.deltaLink": link(server, "users/delta?$deltatoken=1")});
    answers(server, "/v1.0/users/delta", end).await;
}

/// The form of the only sign-in.
async fn form(server: &MockServer) -> Vec<(String, String)> {
    let requests = server.received_requests().await.unwrap();
    let mut signins = requests.iter().filter(|request| request.method.as_str() == "POST");
    let body = signins.next().expect("nobody signed in").body.clone();
    assert!(signins.next().is_none());
    url::form_urlencoded::parse(&body).into_owned().collect()
}

fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
}

async fn refuses(server: &MockServer, directory: &str, code: u32, error: &str) {
    let body = json!({"error": error, "error_codes": [code],
        "error_description": format!("AADSTS{code}: No.\r\nTrace ID: 1")});
    let status = if error == "invalid_client" { 401 } else { 400 };
    Mock::given(method("POST"))
        .and(path(format!("/{directory}/oauth2/v2.0/token")))
        .respond_with(ResponseTemplate::new(status).set_body_json(body))
        .with_priority(1)
        .mount(server)
        .await;
}

#[tokio::test]
async fn the_application_signs_in_at_the_directory_it_reads() {
    let server = graph().await;
    end_at_once(&server).await;
    let connector = connect(&server, &json!({"directories": [FABRIKAM]}));
    page(&*connector, "users", FABRIKAM, Resume::Start).await.unwrap();
    let form = form(&server).await;
    assert_eq!(field(&form, "grant_type"), "client_credentials");
    assert_eq!(field(&form, "scope"), format!("{}/.default", server.uri()));
    assert_eq!(field(&form, "client_secret"), "s3cret");
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].url.path(), format!("/{FABRIKAM}/oauth2/v2.0/token"));
}

#[tokio::test]
async fn the_assertion_is_ps256_with_x5t_s256() {
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
    let certificate =
        CertificateParams::new(vec!["linchpin".to_owned()]).unwrap().self_signed(&key).unwrap();
    let pem = format!("{}{}", certificate.pem(), key.serialize_pem());
    let server = graph().await;
    end_at_once(&server).await;
    let connector = connect(&server, &json!({"client_secret": null, "certificate": pem}));
    first(&*connector, "users").await.unwrap();
    let form = form(&server).await;
    assert_eq!(field(&form, "client_secret"), "");
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(field(&form, "client_assertion_type"), kind);
    let parts: Vec<Value> = field(&form, "client_assertion")
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
        .collect();
    assert_eq!(parts[0]["alg"], "PS256");
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(certificate.der()));
    assert_eq!(parts[0]["x5t#S256"], json!(thumbprint));
    assert_eq!(parts[1]["aud"], json!(format!("{}/{OWN}/oauth2/v2.0/token", server.uri())));
    assert_eq!((&parts[1]["iss"], &parts[1]["sub"]), (&json!(CLIENT), &json!(CLIENT)));
}

#[tokio::test]
async fn each_new_refresh_token_is_used_next_and_outlives_a_restart() {
    let server = graph().await;
    end_at_once(&server).await;
    for (old, new) in [("rt-1", "rt-2"), ("rt-2", "rt-3")] {
        let body = json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "a",
            "refresh_token": new});
        Mock::given(method("POST"))
            .and(body_string_contains("grant_type=refresh_token"))
            .and(body_string_contains(format!("refresh_token={old}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .with_priority(1)
            .expect(1)
            .mount(&server)
            .await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let more =
        json!({"refresh_token": "rt-1", "refresh_token_file": file, "directories": [FABRIKAM]});
    page(&*connect(&server, &more), "users", FABRIKAM, Resume::Start).await.unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("rt-2\n"));
    first(&*connect(&server, &more), "users").await.unwrap();
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("rt-3\n"));
    let posts = server.received_requests().await.unwrap();
    let at =
        |n: usize| posts.iter().filter(|r| r.method.as_str() == "POST").nth(n).unwrap().url.path();
    assert_eq!(at(0), format!("/{FABRIKAM}/oauth2/v2.0/token"));
    assert_eq!(at(1), format!("/{OWN}/oauth2/v2.0/token"));
}

#[tokio::test]
async fn a_customer_without_consent_stops_no_other() {
    let server = graph().await;
    end_at_once(&server).await;
    refuses(&server, FABRIKAM, 700_016, "unauthorized_client").await;
    let connector = connect(&server, &json!({"directories": [FABRIKAM, TAILSPIN]}));
    let error = page(&*connector, "users", FABRIKAM, Resume::Start).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.to_string().contains("AADSTS700016"), "{error}");
    assert!(error.remedy().contains("adminconsent"), "{}", error.remedy());
    page(&*connector, "users", TAILSPIN, Resume::Start).await.unwrap();
}

#[tokio::test]
async fn an_expired_secret_is_no_lost_customer() {
    let server = graph().await;
    for directory in [OWN, FABRIKAM] {
        refuses(&server, directory, 7_000_222, "invalid_client").await;
    }
    let more = json!({"directories": [FABRIKAM], "own_directory": false});
    let error = first(&*connect(&server, &more), "tenants").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("AADSTS7000222"), "{error}");
    assert!(!error.to_string().contains("s3cret") && !error.remedy().contains("s3cret"));
}

#[tokio::test]
async fn a_token_for_a_script_is_signed_in_for_at_its_own_directory_and_only_where_that_is_read() {
    let server = graph().await;
    end_at_once(&server).await;
    let more = json!({"directories": [FABRIKAM], "own_directory": false});
    let connector = connect(&server, &more);
    page(&*connector, "users", FABRIKAM, Resume::Start).await.unwrap();
    let tokens = connector.access_tokens().unwrap();
    let given = tokens.token("graph", &FABRIKAM.to_uppercase()).await.unwrap();
    assert!(!given.token.is_blank() && given.lifetime.as_secs() > 60, "{:?}", given.lifetime);
    // One of its own, and not the one that the hub reads with.
    let requests = server.received_requests().await.unwrap();
    let signed_in = requests.iter().filter(|request| request.method.as_str() == "POST");
    let paths: Vec<&str> = signed_in.map(|request| request.url.path()).collect();
    let endpoint = format!("/{FABRIKAM}/oauth2/v2.0/token");
    assert_eq!(paths, [endpoint.as_str(), endpoint.as_str()]);
    for (resource, client, kind) in [
        ("graph", OWN, ErrorKind::NotFound),
        ("graph", "../x", ErrorKind::NotFound),
        ("azure", FABRIKAM, ErrorKind::NotOffered),
    ] {
        assert_eq!(tokens.token(resource, client).await.unwrap_err().kind(), kind, "{client}");
    }
    refuses(&server, FABRIKAM, 65_001, "invalid_grant").await;
    let error = tokens.token("graph", FABRIKAM).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "a consent that was revoked is noticed");
}
