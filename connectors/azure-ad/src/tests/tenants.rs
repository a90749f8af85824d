//! The list of tenants.

use core_connector::{ErrorKind, Proof};
use wiremock::matchers::query_param;

use super::*;

const RELATIONSHIPS: &str = "/v1.0/tenantRelationships/delegatedAdminRelationships";

fn relationship(name: &str, tenant: &str, customer: &str, status: &str, end: &str) -> Value {
    json!({"id": format!("{name}-{tenant}"), "displayName": name, "status": status,
        "customer": {"tenantId": tenant, "displayName": customer}, "endDateTime": end})
}

fn contract(tenant: &str, name: &str, domain: &str) -> Value {
    json!({"id": name, "customerId": tenant, "displayName": name, "defaultDomainName": domain})
}

async fn read(server: &MockServer, more: &Value) -> Page {
    first(&*connect(server, more), "tenants").await.unwrap()
}

#[tokio::test]
async fn a_single_organisation_is_no_operator() {
    let server = graph().await;
    organization_of(&server, OWN, "Contoso", "Contoso.com").await;
    let page = read(&server, &json!({})).await;
    let client = &clients(&page)[0];
    assert_eq!(page.records[0].key, OWN);
    assert_eq!((&*client.name, client.default_domain.as_deref()), ("Contoso", Some("contoso.com")));
    assert_eq!(client.domains, ["contoso.com", "contoso.onmicrosoft.com"]);
    assert_eq!((&*client.references[0].system, &*client.references[0].id), ("directory", OWN));
    assert!(!client.operator);
    assert!(page.is_last() && page.checkpoint.is_none());
}

#[tokio::test]
async fn customers_are_active_relationships_once_each_and_not_lighthouses() {
    let server = graph().await;
    organization_of(&server, OWN, "Contoso", "contoso.com").await;
    organization_of(&server, FABRIKAM, "Fabrikam", "fabrikam.com").await;
    let rows = json!({"@odata.count": 5, "value": [
        relationship("Support", &FABRIKAM.to_uppercase(), "Fabrikam", "active", "2027-01-01"),
        relationship("Support 2", FABRIKAM, "Fabrikam (old)", "active", "2026-12-01"),
        relationship("MLT_7", TAILSPIN, "Tailspin", "active", "2027-01-01"),
        relationship("Ended", TAILSPIN, "Tailspin", "expired", "2025-01-01"),
        {"id": "new", "displayName": "Nobody yet", "status": "created"}]});
    Mock::given(path(RELATIONSHIPS))
        .and(query_param("$filter", "status eq 'active'"))
        .and(query_param("$top", "300"))
        .respond_with(ResponseTemplate::new(200).set_body_json(rows))
        .mount(&server)
        .await;
    let page = read(&server, &json!({"customers": "relationships"})).await;
    assert_eq!(keys(&page, RecordKind::Client), [OWN, FABRIKAM]);
    let clients = clients(&page);
    assert!(clients[0].operator && !clients[1].operator);
    assert_eq!(clients[1].default_domain.as_deref(), Some("fabrikam.com"));
    assert!(clients[1].other_names.is_empty());
}

#[tokio::test]
async fn contracts_are_one_customer_each_and_their_copies_are_stale() {
    let server = graph().await;
    organization_of(&server, OWN, "Contoso", "contoso.com").await;
    organization_of(&server, FABRIKAM, "Fabrikam Robotics", "robots.example").await;
    let rows = json!([
        contract(FABRIKAM, "Fabrikam", "fabrikam.com"),
        contract(FABRIKAM, "Fabrikam", "fabrikam.com"),
        contract(TAILSPIN, "Tailspin", "Tailspin.com")
    ]);
    answers(&server, "/v1.0/contracts", json!({"value": rows})).await;
    let denied = "Insufficient privileges to complete the operation.";
    fails(&server, RELATIONSHIPS, 403, "Authorization_RequestDenied", denied).await;
    fails(&server, "/v1.0/organization", 403, "Authorization_RequestDenied", denied).await;
    for customers in ["contracts", "auto"] {
        let page = read(&server, &json!({"customers": customers, "exclude": [OWN]})).await;
        assert_eq!(keys(&page, RecordKind::Client), [FABRIKAM, TAILSPIN]);
        let clients = clients(&page);
        assert_eq!(clients[0].name, "Fabrikam Robotics");
        assert_eq!(clients[0].other_names, ["Fabrikam"]);
        assert_eq!(clients[0].default_domain.as_deref(), Some("robots.example"));
        // This one refuses, and is a customer all the same.
        assert_eq!(
            (&*clients[1].name, &*clients[1].domains),
            ("Tailspin", &["tailspin.com".to_owned()][..])
        );
    }
    let error = first(&*connect(&server, &json!({"customers": "relationships"})), "users").await;
    assert!(error.is_err(), "there is no users endpoint here");
    let connector = connect(&server, &json!({"customers": "relationships"}));
    let error = first(&*connector, "tenants").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(error.remedy().contains("customers = \"contracts\""), "{}", error.remedy());
}

#[tokio::test]
async fn no_customers_yet_must_be_said_and_not_left_out() {
    let server = graph().await;
    organization_of(&server, OWN, "Contoso", "contoso.com").await;
    Mock::given(path("/v1.0/contracts"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"value": []})))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    answers(&server, "/v1.0/contracts", json!({"@odata.context": "contracts"})).await;
    let page = read(&server, &json!({"customers": "contracts"})).await;
    assert_eq!(keys(&page, RecordKind::Client), [OWN]);
    let connector = connect(&server, &json!({"customers": "contracts"}));
    assert_eq!(first(&*connector, "tenants").await.unwrap_err().kind(), ErrorKind::Protocol);
}

#[tokio::test]
async fn a_list_that_goes_round_in_a_circle_or_stops_short_is_no_list() {
    let server = graph().await;
    organization_of(&server, OWN, "Contoso", "contoso.com").await;
    let (a, b) = (link(&server, "contracts?$skiptoken=a"), link(&server, "contracts?$skiptoken=b"));
    for (token, next) in [("a", &b), ("b", &a)] {
        let body = json!({"value": [], "@odata.nextLink": next});
        Mock::given(path("/v1.0/contracts"))
            .and(query_param("$skiptoken", token))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
    }
    answers(&server, "/v1.0/contracts", json!({"value": [], "@odata.nextLink": a})).await;
    let row = relationship("Support", FABRIKAM, "Fabrikam", "active", "2027-01-01");
    answers(&server, RELATIONSHIPS, json!({"@odata.count": 7, "value": [row]})).await;
    for (customers, says) in [("contracts", "circle"), ("relationships", "1 of 7")] {
        let connector = connect(&server, &json!({"customers": customers}));
        let error = first(&*connector, "tenants").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn many_tenants_come_in_pages_and_the_list_is_asked_for_once() {
    let server = graph().await;
    let guid = |n: usize| format!("40000000-0000-4000-8000-{n:012}");
    let rows: Vec<Value> =
        (0..45).map(|n| contract(&guid(n), &format!("C{n}"), &format!("c{n}.com"))).collect();
    organization_of(&server, OWN, "Contoso", "contoso.com").await;
    Mock::given(path("/v1.0/contracts"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"value": rows})))
        .expect(1)
        .mount(&server)
        .await;
    fails(&server, "/v1.0/organization", 403, "Authorization_RequestDenied", "No.").await;
    let connector = connect(&server, &json!({"customers": "contracts"}));
    let mut page = first(&*connector, "tenants").await.unwrap();
    let mut read = page.records.len();
    while page.proof == Proof::More {
        page = super::page(&*connector, "tenants", "", after(&page)).await.unwrap();
        read += page.records.len();
    }
    assert_eq!(read, 46);
    for name in ["users", "groups", "devices", "managed-devices"] {
        let scopes = stream(&*connector, name).source.scopes().await.unwrap();
        assert_eq!(scopes.len(), 46);
        assert_eq!((&*scopes[0].key, &*scopes[0].name), (OWN, "Contoso"));
    }
}

#[tokio::test]
async fn a_customer_that_refuses_keeps_what_it_said_last() {
    let server = graph().await;
    Mock::given(path("/v1.0/organization"))
        .respond_with(ResponseTemplate::new(200).set_body_json(organization(
            FABRIKAM,
            "Fabrikam",
            "fabrikam.com",
        )))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    fails(&server, "/v1.0/organization", 403, "Authorization_RequestDenied", "No.").await;
    let more = json!({"directories": [FABRIKAM], "own_directory": false});
    let connector = connect(&server, &more);
    let before = first(&*connector, "tenants").await.unwrap();
    let after = first(&*connector, "tenants").await.unwrap();
    assert_eq!(before.records[0].hash, after.records[0].hash);
    // One that was never heard and is in no list has no name: it is not given its GUID for one.
    let silent = first(&*connect(&server, &more), "tenants").await.unwrap();
    assert_eq!(silent.rejected[0].key.as_deref(), Some(FABRIKAM));
    assert!(silent.records.is_empty());
}

#[tokio::test]
async fn a_token_for_another_directory_is_noticed() {
    let server = graph().await;
    answers(&server, "/v1.0/organization", organization(FABRIKAM, "Fabrikam", "fabrikam.com"))
        .await;
    let error = first(&*connect(&server, &json!({})), "tenants").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("tenant_id") && error.to_string().contains(FABRIKAM));
}

#[tokio::test]
async fn a_directory_named_by_its_domain_is_keyed_by_its_guid() {
    let server = graph().await;
    answers(&server, "/v1.0/organization", organization(OWN, "Contoso", "contoso.com")).await;
    let connector = connect(&server, &json!({"tenant_id": "contoso.com"}));
    let scopes = stream(&*connector, "users").source.scopes().await.unwrap();
    assert_eq!(scopes[0].key, OWN);
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests[0].url.path(), "/contoso.com/oauth2/v2.0/token");
}
