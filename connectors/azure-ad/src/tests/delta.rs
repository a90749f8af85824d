//! Delta rounds.

use core_connector::{ErrorKind, Proof};
use wiremock::matchers::{header, query_param, query_param_is_missing};

use super::*;

fn user(id: &str, upn: &str) -> Value {
    json!({"id": id, "userPrincipalName": upn, "displayName": upn})
}

#[tokio::test]
async fn a_page_without_either_link_is_no_end() {
    let server = graph().await;
    answers(&server, "/v1.0/users/delta", json!({"value": [user("A", "a@x.com")]})).await;
    let connector = connect(&server, &json!({}));
    let error = first(&*connector, "users").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("neither"), "{error}");
}

#[tokio::test]
async fn a_page_with_both_links_is_no_end() {
    let server = graph().await;
    let body = json!({"value": [], "@odata.nextLink": link(&server, "users/delta?$skiptoken=1"),
        "@odata.deltaLink": link(&server, "users/delta?$deltatoken=1")});
    answers(&server, "/v1.0/users/delta", body).await;
    let connector = connect(&server, &json!({}));
    assert_eq!(first(&*connector, "users").await.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn a_next_link_to_the_page_itself_is_no_way_on() {
    let server = graph().await;
    let next = link(&server, "devices/delta?$skiptoken=1");
    answers(&server, "/v1.0/devices/delta", json!({"value": [], "@odata.nextLink": next})).await;
    let connector = connect(&server, &json!({}));
    let one = first(&*connector, "devices").await.unwrap();
    assert_eq!(one.proof, Proof::More, "an empty page with a next link goes on");
    let error = page(&*connector, "devices", OWN, after(&one)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("itself"), "{error}");
}

#[tokio::test]
async fn every_page_has_the_headers_and_only_the_first_the_select() {
    let server = graph().await;
    let next = json!({"value": [user("A", "a@x.com")],
        "@odata.nextLink": link(&server, "users/delta?$skiptoken=1")});
    let marked = || {
        Mock::given(method("GET"))
            .and(path("/v1.0/users/delta"))
            .and(header("x-ms-throttle-priority", "low"))
            .and(header("authorization", format!("Bearer for-{OWN}")))
            .and(query_param_is_missing("$top"))
    };
    let select = |request: &Request| {
        let mut pairs = request.url.query_pairs();
        pairs.any(|(name, value)| name == "$select" && value.contains("proxyAddresses"))
    };
    marked()
        .and(select)
        .respond_with(ResponseTemplate::new(200).set_body_json(next))
        .expect(1)
        .mount(&server)
        .await;
    let end = json!({"value": [], "@odata.deltaLink": link(&server, "users/delta?$deltatoken=1")});
    marked()
        .and(query_param("$skiptoken", "1"))
        .and(query_param_is_missing("$select"))
        .respond_with(ResponseTemplate::new(200).set_body_json(end))
        .expect(1)
        .mount(&server)
        .await;
    let connector = connect(&server, &json!({}));
    let one = first(&*connector, "users").await.unwrap();
    assert_eq!(keys(&one, RecordKind::Person), ["a"]);
    assert_eq!(one.records[0].client.as_deref(), Some(OWN));
    let two = page(&*connector, "users", OWN, after(&one)).await.unwrap();
    assert_eq!(two.proof, Proof::Ended { how: "delta link" });
    assert!(two.checkpoint.is_some());
}

#[tokio::test]
async fn an_expired_delta_token_starts_over() {
    for (status, code, message) in [
        (400, "SyncStateNotFound", "The sync state generation is not found."),
        (
            400,
            "syncStateNotFound",
            "The delta token is expired and data must be synchronized again.",
        ),
        (400, "Request_BadRequest", "Badly formed token."),
        (400, "Directory_ExpiredPageToken", "The specified page token value has expired."),
        (410, "resyncRequired", "Resync required."),
        (410, "", ""),
    ] {
        let server = graph().await;
        let end =
            json!({"value": [], "@odata.deltaLink": link(&server, "users/delta?$deltatoken=1")});
        Mock::given(method("GET"))
            .and(path("/v1.0/users/delta"))
            .and(query_param_is_missing("$deltatoken"))
            .respond_with(ResponseTemplate::new(200).set_body_json(end))
            .mount(&server)
            .await;
        let connector = connect(&server, &json!({}));
        let one = first(&*connector, "users").await.unwrap();
        fails(&server, "/v1.0/users/delta", status, code, message).await;
        let error = page(&*connector, "users", OWN, after(&one)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CheckpointExpired, "{status} {code}: {error}");
        assert!(!error.to_string().contains("deltatoken"), "{error}");
    }
}

#[tokio::test]
async fn a_bad_request_is_not_taken_for_an_expired_token() {
    let server = graph().await;
    fails(&server, "/v1.0/users/delta", 400, "Request_BadRequest", "Unknown property 'x'.").await;
    let connector = connect(&server, &json!({}));
    assert_eq!(first(&*connector, "users").await.unwrap_err().kind(), ErrorKind::Rejected);
}

#[tokio::test]
async fn a_checkpoint_of_another_graph_starts_over() {
    let (old, new) = (graph().await, graph().await);
    let end = json!({"value": [], "@odata.deltaLink": link(&old, "users/delta?$deltatoken=1")});
    answers(&old, "/v1.0/users/delta", end).await;
    let one = first(&*connect(&old, &json!({})), "users").await.unwrap();
    let connector = connect(&new, &json!({}));
    let error = page(&*connector, "users", OWN, after(&one)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckpointExpired);
    assert!(new.received_requests().await.unwrap().is_empty(), "nothing was asked");
}

#[tokio::test]
async fn a_next_link_to_another_host_gets_no_token() {
    let (server, thief) = (graph().await, graph().await);
    let next = link(&thief, "users/delta?$skiptoken=1");
    answers(&server, "/v1.0/users/delta", json!({"value": [], "@odata.nextLink": next})).await;
    let connector = connect(&server, &json!({}));
    // Not when it is followed, but when it is read: a checkpoint must not hold it.
    let error = first(&*connector, "users").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("another host"), "{error}");
    assert!(thief.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_absent_value_an_error_in_a_success_and_a_web_page_are_no_empty_page() {
    for body in [
        "{}",
        r#"{"error":{"code":"UnknownError","message":"oops"}}"#,
        "<html><title>Sign in</title></html>",
        r#"{"value":[{"id":"#,
    ] {
        let server = graph().await;
        let answer = ResponseTemplate::new(200).set_body_string(body);
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        let connector = connect(&server, &json!({}));
        for name in ["users", "groups", "devices", "managed-devices", "tenants"] {
            let error = first(&*connector, name).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Protocol, "{name} {body}: {error}");
        }
    }
}

#[tokio::test]
async fn a_token_that_is_refused_on_the_way_is_renewed_once_for_the_same_page() {
    let server = graph().await;
    let refused = json!({"error": {"code": "InvalidAuthenticationToken",
        "message": "Lifetime validation failed, the token is expired."}});
    Mock::given(method("GET"))
        .and(path("/v1.0/users/delta"))
        .respond_with(ResponseTemplate::new(401).set_body_json(refused))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let end = json!({"value": [], "@odata.deltaLink": link(&server, "users/delta?$deltatoken=1")});
    answers(&server, "/v1.0/users/delta", end).await;
    first(&*connect(&server, &json!({})), "users").await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.iter().filter(|r| r.method.as_str() == "POST").count(), 2);
}

#[tokio::test]
async fn a_refused_request_names_the_permission_and_a_missing_directory_is_not_found() {
    let server = graph().await;
    let text = "Insufficient privileges to complete the operation.";
    fails(&server, "/v1.0/groups/delta", 403, "Authorization_RequestDenied", text).await;
    let text = "Unable to read the company information from the directory.";
    fails(&server, "/v1.0/users/delta", 404, "Directory_ObjectNotFound", text).await;
    fails(&server, "/v1.0/devices/delta", 401, "Authorization_IdentityNotFound", "No.").await;
    let connector = connect(&server, &json!({}));
    let error = first(&*connector, "groups").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.remedy().contains("GroupMember.Read.All"), "{}", error.remedy());
    assert_eq!(first(&*connector, "users").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(first(&*connector, "devices").await.unwrap_err().kind(), ErrorKind::Forbidden);
}
