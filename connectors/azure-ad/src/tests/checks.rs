//! `check()`.

use core_connector::{ErrorKind, Missing};
use wiremock::matchers::{header, query_param};

use super::*;

const DENIED: &str = "Insufficient privileges to complete the operation.";

#[tokio::test]
async fn what_is_not_allowed_is_named_with_what_it_costs_and_where() {
    let server = graph().await;
    organization_of(&server, OWN, "Contoso", "contoso.com").await;
    organization_of(&server, FABRIKAM, "Fabrikam", "fabrikam.com").await;
    for name in ["users", "devices"] {
        let end = link(&server, &format!("{name}/delta?$deltatoken=1"));
        let body = json!({"value": [], "@odata.deltaLink": end});
        Mock::given(path(format!("/v1.0/{name}/delta")))
            .and(query_param("$deltatoken", "latest"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
    }
    fails(&server, "/v1.0/groups/delta", 403, "Authorization_RequestDenied", DENIED).await;
    fails(
        &server,
        "/v1.0/deviceManagement/managedDevices",
        400,
        "BadRequest",
        "Request not applicable to target tenant.",
    )
    .await;
    Mock::given(method("POST"))
        .and(path(format!("/{TAILSPIN}/oauth2/v2.0/token")))
        .respond_with(ResponseTemplate::new(400).set_body_json(json!({"error": "invalid_grant",
            "error_description": "AADSTS65001: No consent.\r\nTrace ID: 1"})))
        .with_priority(1)
        .mount(&server)
        .await;
    let account =
        connect(&server, &json!({"directories": [FABRIKAM, TAILSPIN]})).check().await.unwrap();
    assert_eq!(account.name, "Contoso (contoso.com)");
    let found: Vec<(&str, &str)> =
        account.missing.iter().map(|m| (m.permission.as_str(), m.scope.as_str())).collect();
    assert_eq!(
        found,
        [
            ("GroupMember.Read.All", "Contoso"),
            ("GroupMember.Read.All", FABRIKAM),
            ("sign-in", TAILSPIN)
        ]
    );
    let Missing { costs, .. } = &account.missing[2];
    assert!(costs.contains("AADSTS65001") && costs.contains("consent"), "{costs}");
}

#[tokio::test]
async fn credentials_that_fail_are_an_error_and_no_missing_permission() {
    let server = graph().await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(401).set_body_json(json!({"error": "invalid_client",
            "error_description": "AADSTS7000215: Invalid client secret provided."})))
        .with_priority(1)
        .mount(&server)
        .await;
    let error = connect(&server, &json!({})).check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.remedy().contains("value"), "{}", error.remedy());
}

#[tokio::test]
async fn at_most_five_customers_are_asked() {
    let server = graph().await;
    organization_of(&server, OWN, "Contoso", "contoso.com").await;
    let guids: Vec<String> = (0..9).map(|n| format!("40000000-0000-4000-8000-{n:012}")).collect();
    Mock::given(method("GET"))
        .and(header("authorization", format!("Bearer for-{OWN}")))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"value": []})))
        .with_priority(100)
        .mount(&server)
        .await;
    fails(&server, "/v1.0/organization", 404, "Directory_ObjectNotFound", "Gone.").await;
    let account = connect(&server, &json!({"directories": guids})).check().await.unwrap();
    assert_eq!(account.missing.len(), 5);
    assert!(account.missing.iter().all(|missing| missing.permission == "access"));
}
