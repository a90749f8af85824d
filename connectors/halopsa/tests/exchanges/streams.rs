//! Streams, read whole from recorded shapes of answers.

use core_connector::{ErrorKind, Proof, Resume};
use core_model::RecordKind;
use core_model::facts::{AgreementState, Coverage, Facts};
use serde_json::{Value, json};
use wiremock::matchers::{path, query_param};
use wiremock::{Mock, ResponseTemplate};

use crate::support::{Pages, answer, asked, connect, halo, on, page, read};

fn fixture(name: &str) -> Value {
    let text = match name {
        "clients" => include_str!("../../fixtures/clients.json"),
        "contracts" => include_str!("../../fixtures/contracts.json"),
        "contract" => include_str!("../../fixtures/contract-31.json"),
        "invoices" => include_str!("../../fixtures/recurring-invoices.json"),
        other => panic!("there is no fixture {other}"),
    };
    serde_json::from_str(text).expect("fixtures are JSON")
}

#[tokio::test]
async fn clients_are_read_as_halo_writes_them() {
    let server = halo().await;
    on(&server, "/api/Client", answer(&fixture("clients"))).await;
    let halo = connect(&server, &json!({}));
    let page = page(halo.as_ref(), "clients", Resume::Start).await.unwrap();
    assert_eq!(page.proof, Proof::Total { rows: 4 });
    let clients: Vec<_> = page
        .records
        .iter()
        .map(|record| match &record.facts {
            Facts::Client(client) => client,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(clients.len(), 3);
    assert!(clients[0].placeholder && clients[2].inactive);
    assert_eq!(clients[1].references.len(), 2);
    assert_eq!(page.rejected.len(), 1, "one bad row is no reason to lose the rest");
    assert_eq!(page.rejected[0].path, "$.inactive");
    assert!(page.checkpoint.is_some() && page.bytes > 0);
}

#[tokio::test]
async fn a_bare_array_is_a_list() {
    let server = halo().await;
    let guid = "0A1B2C3D-0000-4000-8000-00000000AAAA";
    let rows = json!([
        {"id": 1, "client_id": 12, "azure_tenant_id": guid},
        {"id": 2, "client_id": 0, "azure_tenant_id": guid}
    ]);
    on(&server, "/api/AreaAzureTenant", answer(&rows)).await;
    let halo = connect(&server, &json!({}));
    let page = page(halo.as_ref(), "azure-tenants", Resume::Start).await.unwrap();
    assert_eq!(page.records.len(), 1, "a row without a client links nothing");
    let record = &page.records[0];
    let Facts::ClientLink(link) = &record.facts else { panic!("{:?}", record.facts) };
    assert_eq!((record.key.as_str(), link.client.as_str()), ("1", "12"));
    assert_eq!(link.reference.id, guid.to_lowercase());
    assert!(matches!(page.proof, Proof::Ended { .. }));
}

#[tokio::test]
async fn an_error_in_place_of_the_bare_array_is_no_list() {
    let server = halo().await;
    on(&server, "/api/AreaAzureTenant", answer(&json!({"error": "no such table"}))).await;
    let halo = connect(&server, &json!({}));
    let error = page(halo.as_ref(), "azure-tenants", Resume::Start).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    assert!(error.to_string().contains("no such table"), "{error}");
}

#[tokio::test]
async fn the_azure_map_falls_back_to_the_connections_and_then_is_not_offered() {
    let server = halo().await;
    let guid = "0a1b2c3d-0000-4000-8000-00000000aaaa";
    on(&server, "/api/AreaAzureTenant", ResponseTemplate::new(403)).await;
    let halo = connect(&server, &json!({}));
    let error = page(halo.as_ref(), "azure-tenants", Resume::Start).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotOffered);
    on(&server, "/api/azureadconnection", answer(&json!([{"id": 3}]))).await;
    let mapped = json!({"id": 3, "mappings_client": [{"azure_tenant_id": guid, "client_id": 12}]});
    on(&server, "/api/azureadconnection/3", answer(&mapped)).await;
    let page = page(halo.as_ref(), "azure-tenants", Resume::Start).await.unwrap();
    assert_eq!(page.records[0].key, format!("{guid}/12"));
}

#[tokio::test]
async fn only_the_list_without_filter_shows_inactive_items() {
    let server = halo().await;
    Mock::given(path("/api/Item"))
        .and(query_param("includeinactive", "false"))
        .respond_with(Pages::of("items", 1..=120))
        .mount(&server)
        .await;
    on(&server, "/api/Item", Pages::of("items", 1..=130)).await;
    let halo = connect(&server, &json!({}));
    let mut from = Resume::Start;
    let mut inactive = Vec::new();
    let mut active = 0;
    loop {
        let page = page(halo.as_ref(), "items", from).await.unwrap();
        for record in &page.records {
            match &record.facts {
                Facts::Product(product) if product.inactive => inactive.push(record.key.clone()),
                _ => active += 1,
            }
        }
        let Some(checkpoint) = page.checkpoint else { break };
        from = Resume::From(checkpoint);
    }
    assert_eq!(active, 120);
    let expected: Vec<String> = (121..=130).map(|id| id.to_string()).collect();
    assert_eq!(inactive, expected);
}

#[tokio::test]
async fn an_ignored_filter_makes_no_item_inactive() {
    let server = halo().await;
    on(&server, "/api/Item", Pages::of("items", 1..=130)).await;
    let halo = connect(&server, &json!({}));
    assert_eq!(read(halo.as_ref(), "items").await.unwrap().records.len(), 130);
    let first = page(halo.as_ref(), "items", Resume::Start).await.unwrap();
    assert!(first.records.iter().all(|record| match &record.facts {
        Facts::Product(product) => !product.inactive,
        other => panic!("{other:?}"),
    }));
}

#[tokio::test]
async fn inactive_contracts_are_asked_for_and_named_assets_limit_the_cover() {
    let server = halo().await;
    on(&server, "/api/ClientContract", answer(&fixture("contracts"))).await;
    on(&server, "/api/ClientContract/31", answer(&fixture("contract"))).await;
    for id in [30, 32] {
        on(&server, &format!("/api/ClientContract/{id}"), answer(&json!({"id": id, "assets": []})))
            .await;
    }
    let halo = connect(&server, &json!({}));
    let page = page(halo.as_ref(), "contracts", Resume::Start).await.unwrap();
    assert_eq!(page.checkpoint, None);
    let facts: Vec<_> = page
        .records
        .iter()
        .map(|record| match &record.facts {
            Facts::Agreement(facts) => facts,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(facts[0].coverage, Coverage::All);
    assert_eq!(facts[1].coverage, Coverage::Assets(vec!["7001".into(), "7002".into()]));
    assert_eq!(facts[1].contacts, ["61"]);
    assert_eq!(facts[1].agreement_type.as_deref(), Some("Managed Services"));
    assert_eq!(facts[2].state, AgreementState::Cancelled);
    let query = &asked(&server, "/api/ClientContract").await[0];
    assert!(query.contains(&("includeinactive".into(), "true".into())));
    let detail = &asked(&server, "/api/ClientContract/31").await[0];
    assert!(detail.contains(&("includedetails".into(), "true".into())));
}

#[tokio::test]
async fn a_contract_that_is_gone_when_it_is_read_keeps_what_is_known() {
    let server = halo().await;
    on(&server, "/api/ClientContract", answer(&fixture("contracts"))).await;
    on(&server, "/api/ClientContract/31", ResponseTemplate::new(404)).await;
    for id in [30, 32] {
        on(&server, &format!("/api/ClientContract/{id}"), answer(&json!({"id": id}))).await;
    }
    let halo = connect(&server, &json!({}));
    let page = page(halo.as_ref(), "contracts", Resume::Start).await.unwrap();
    assert_eq!((page.records.len(), page.rejected.len()), (2, 1));
    assert_eq!(page.rejected[0].key.as_deref(), Some("31"));
}

#[tokio::test]
async fn contract_details_can_be_left_out() {
    let server = halo().await;
    on(&server, "/api/ClientContract", answer(&fixture("contracts"))).await;
    let halo = connect(&server, &json!({"contract_details": false}));
    let page = page(halo.as_ref(), "contracts", Resume::Start).await.unwrap();
    assert_eq!(page.records.len(), 3);
}

#[tokio::test]
async fn the_lines_of_recurring_invoices_are_agreement_lines() {
    let server = halo().await;
    on(&server, "/api/RecurringInvoice", answer(&fixture("invoices"))).await;
    let halo = connect(&server, &json!({}));
    let page = page(halo.as_ref(), "invoices", Resume::Start).await.unwrap();
    let keys: Vec<&str> = page.records.iter().map(|record| record.key.as_str()).collect();
    assert_eq!(keys, ["501", "503", "601"], "a heading is no line");
    assert!(page.records.iter().all(|r| r.facts.kind() == RecordKind::AgreementLine));
    assert_eq!(page.records[2].client.as_deref(), Some("13"));
    assert_eq!(page.rejected.len(), 1);
    assert_eq!(page.rejected[0].path, "$.lines[3].enddate");
    let query = &asked(&server, "/api/RecurringInvoice").await[0];
    assert!(query.contains(&("includelines".into(), "true".into())));
    assert!(query.contains(&("rinvoice_type".into(), "both".into())));
}

#[tokio::test]
async fn a_list_row_without_lines_is_asked_for_on_its_own() {
    let server = halo().await;
    let rows = json!({"record_count": 1, "page_size": 100,
        "invoices": [{"id": -4, "client_id": 12, "contract_id": 30}]});
    on(&server, "/api/RecurringInvoice", answer(&rows)).await;
    let whole = json!({"id": -4, "lines": [{"id": 501, "_itemid": 7, "qty_order": 3.0}]});
    on(&server, "/api/RecurringInvoice/-4", answer(&whole)).await;
    let halo = connect(&server, &json!({}));
    let page = page(halo.as_ref(), "invoices", Resume::Start).await.unwrap();
    assert_eq!(page.records.len(), 1);
    assert_eq!(page.records[0].key, "501");
}

#[tokio::test]
async fn an_invoice_whose_lines_nobody_gives_is_not_an_empty_one() {
    let server = halo().await;
    let rows = json!({"record_count": 1, "page_size": 100, "invoices": [{"id": 5}]});
    on(&server, "/api/RecurringInvoice", answer(&rows)).await;
    on(&server, "/api/RecurringInvoice/5", answer(&json!({"id": 5}))).await;
    let halo = connect(&server, &json!({}));
    let page = page(halo.as_ref(), "invoices", Resume::Start).await.unwrap();
    assert_eq!((page.records.len(), page.rejected[0].path.as_str()), (0, "$.lines"));
}

#[tokio::test]
async fn assets_are_read_though_their_types_are_hidden() {
    let server = halo().await;
    on(&server, "/api/AssetType", ResponseTemplate::new(403)).await;
    let row = json!({"id": 7001, "inventory_number": "PC-042", "key_field": "5CG1234XYZ",
        "client_id": 12, "automate_id": 4711});
    let list = json!({"record_count": 1, "page_size": 100, "assets": [row]});
    on(&server, "/api/Asset", answer(&list)).await;
    let halo = connect(&server, &json!({}));
    let page = page(halo.as_ref(), "assets", Resume::Start).await.unwrap();
    let Facts::Asset(asset) = &page.records[0].facts else { panic!("no asset") };
    assert_eq!(asset.serial.as_deref(), Some("5CG1234XYZ"));
    let query = &asked(&server, "/api/Asset").await[0];
    assert!(query.contains(&("noicon".into(), "true".into())));
}

#[tokio::test]
async fn the_connector_keeps_the_contract_of_connectors() {
    let server = halo().await;
    on(&server, "/api/Agent/me", answer(&json!({"name": "Linchpin"}))).await;
    for (list, key) in [
        ("Client", "clients"),
        ("Site", "sites"),
        ("Users", "users"),
        ("Asset", "assets"),
        ("Item", "items"),
        ("ClientContract", "contracts"),
        ("RecurringInvoice", "invoices"),
        ("Tickets", "tickets"),
    ] {
        on(&server, &format!("/api/{list}"), Pages::of(key, 1..=250)).await;
    }
    on(&server, "/api/AreaAzureTenant", answer(&json!([]))).await;
    let settings = json!({"contract_details": false, "requests_per_5_minutes": 0});
    // No line in the lists: each invoice says on its own that it has none.
    Mock::given(wiremock::matchers::path_regex("^/api/RecurringInvoice/"))
        .respond_with(answer(&json!({"lines": []})))
        .mount(&server)
        .await;
    let halo = connect(&server, &settings);
    let findings = core_connector::conformance::run(halo.as_ref()).await.unwrap();
    assert!(findings.is_empty(), "{findings:?}");
}
