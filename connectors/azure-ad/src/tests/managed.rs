//! Intune's computers.

use core_connector::{ErrorKind, Proof};
use wiremock::matchers::query_param;

use super::*;

const AT: &str = "/v1.0/deviceManagement/managedDevices";

fn device(id: &str, system: &str) -> Value {
    json!({"id": id, "operatingSystem": system, "deviceName": format!("PC-{id}"),
        "azureADDeviceId": "ABCDEF00-0000-4000-8000-000000000001", "serialNumber": "5CG1",
        "manufacturer": "HP", "model": "EliteBook", "osVersion": "10.0.26100",
        "userPrincipalName": "ana@contoso.com", "enrolledDateTime": "2026-01-02T03:04:05Z",
        "lastSyncDateTime": "2026-11-23T10:00:00.1234567Z"})
}

#[tokio::test]
async fn an_intune_computer_is_an_agent_with_device_user_and_logon() {
    let server = graph().await;
    let next = link(&server, "deviceManagement/managedDevices?$skiptoken=1");
    let end = json!({"value": [device("C", "macOS")]});
    Mock::given(path(AT))
        .and(query_param("$skiptoken", "1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(end))
        .mount(&server)
        .await;
    let body = json!({"@odata.count": 3, "value": [device("A", "Windows"), device("B", "iOS")],
        "@odata.nextLink": next});
    Mock::given(path(AT))
        .and(query_param("$top", "999"))
        .and(query_param("$count", "true"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    let connector = connect(&server, &json!({}));
    let one = first(&*connector, "managed-devices").await.unwrap();
    assert_eq!((keys(&one, RecordKind::Agent), &one.proof), (vec!["a"], &Proof::More));
    let record = &one.records[0];
    let Facts::Agent(agent) = &record.facts else { panic!() };
    assert_eq!(agent.directory_device.as_deref(), Some("abcdef00-0000-4000-8000-000000000001"));
    assert_eq!(agent.assigned_upn.as_deref(), Some("ana@contoso.com"));
    assert_eq!(agent.serial.as_deref(), Some("5CG1"));
    assert!(agent.added.is_some() && !agent.runs_scripts);
    assert_eq!(
        (&*record.logons[0].account, &*record.logons[0].source),
        ("ana@contoso.com", "azure-ad")
    );
    assert!(record.presence.unwrap().last_seen.is_some());
    assert_eq!(record.client.as_deref(), Some(OWN));
    let two = page(&*connector, "managed-devices", OWN, after(&one)).await.unwrap();
    assert!(two.is_last() && two.checkpoint.is_none());
    assert_eq!(keys(&two, RecordKind::Agent), ["c"]);
}

#[tokio::test]
async fn a_listing_that_stops_before_its_count_is_no_end() {
    let server = graph().await;
    let body = json!({"@odata.count": 2, "value": [device("A", "Windows")]});
    answers(&server, AT, body).await;
    let connector = connect(&server, &json!({}));
    let error = first(&*connector, "managed-devices").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("1 of 2"), "{error}");
}

#[tokio::test]
async fn a_directory_without_intune_does_not_offer_it() {
    for (status, code, message) in [
        (400, "BadRequest", "Request not applicable to target tenant."),
        (403, "Forbidden", "{\"ErrorCode\":\"AppLifecycle_2210\"}"),
    ] {
        let server = graph().await;
        fails(&server, AT, status, code, message).await;
        let connector = connect(&server, &json!({}));
        let error = first(&*connector, "managed-devices").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotOffered, "{error}");
    }
}

#[tokio::test]
async fn a_page_token_that_waited_too_long_starts_over() {
    let server = graph().await;
    let next = link(&server, "deviceManagement/managedDevices?$skiptoken=1");
    Mock::given(path(AT))
        .and(query_param("$top", "999"))
        .respond_with(
            ResponseTemplate::new(200).set_body_json(json!({"value": [], "@odata.nextLink": next})),
        )
        .mount(&server)
        .await;
    fails(&server, AT, 400, "Directory_ExpiredPageToken", "The page token has expired.").await;
    let connector = connect(&server, &json!({}));
    let one = first(&*connector, "managed-devices").await.unwrap();
    let error = page(&*connector, "managed-devices", OWN, after(&one)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CheckpointExpired);
}
