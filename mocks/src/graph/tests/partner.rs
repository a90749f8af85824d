//! What the partner sees of its customers, and what a directory says of itself.

use super::fixture::*;

#[test]
fn the_organisation_says_which_directory_a_token_hits() {
    let bench = Bench::new(crowd(1));
    let row = bench.get(&bench.app(CONTOSO), "/v1.0/organization")["value"][0].clone();
    assert_eq!(row["id"], id(1, CONTOSO).to_string());
    assert_eq!(row["tenantType"], "AAD");
    let initial: Vec<&str> = row["verifiedDomains"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|d| d["isInitial"] == true)
        .map(|d| d["name"].as_str().unwrap())
        .collect();
    assert_eq!(initial, ["contoso.onmicrosoft.com"]);
    let domains = bench.get(&bench.app(CONTOSO), "/v1.0/domains?$top=999");
    assert_eq!(domains["value"].as_array().unwrap().len(), 2);
}

#[test]
fn contracts_are_the_partners_and_their_names_may_be_stale() {
    let bench = Bench::new(crowd(1));
    let (rows, _) = bench.all(&bench.app(PARTNER), "/v1.0/contracts");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["customerId"], id(1, CONTOSO).to_string());
    assert_eq!(rows[0]["defaultDomainName"], "contoso.com");
    assert_eq!(rows[1]["displayName"], "Fabrikam Old Name");
    let filter = format!("/v1.0/contracts?$filter=customerId%20eq%20{}", id(1, FABRIKAM));
    assert_eq!(bench.all(&bench.app(PARTNER), &filter).0.len(), 1);
    assert!(bench.all(&bench.app(CONTOSO), "/v1.0/contracts").0.is_empty());
}

#[test]
fn relationships_are_for_delegated_callers_only() {
    let bench = Bench::new(crowd(1));
    let all = "/v1.0/tenantRelationships/delegatedAdminRelationships";
    let denied = (403, "Authorization_RequestDenied".to_string());
    assert_eq!(bench.refused(&bench.app(PARTNER), all), denied, "app-only");
    assert_eq!(bench.refused(&bench.user(CONTOSO), all), denied, "not the partner's directory");
    let token = bench.user(PARTNER);
    let (rows, _) = bench.all(&token, &format!("{all}?$top=2"));
    assert_eq!(rows.len(), 3, "several per customer are normal");
    assert_eq!(rows[0]["customer"]["tenantId"], id(1, CONTOSO).to_string());
    let (active, _) = bench.all(&token, &format!("{all}?$filter=status%20eq%20'active'"));
    assert_eq!(active.len(), 2);
    let of = format!("{all}?$filter=customer/tenantId%20eq%20'{}'", id(1, FABRIKAM));
    assert_eq!(bench.all(&token, &of).0[0]["status"], "expired");
    bench.get(&token, &format!("{all}?$top=300"));
    assert_eq!(bench.refused(&token, &format!("{all}?$top=301")).0, 400);
}

#[test]
fn a_customer_is_one_as_long_as_a_relationship_is_active() {
    let bench = Bench::new(crowd(1));
    let token = bench.user(PARTNER);
    let all = "/v1.0/tenantRelationships/delegatedAdminCustomers";
    let (rows, _) = bench.all(&token, all);
    assert_eq!(ids(&rows), [id(1, CONTOSO).to_string()], "once, for two relationships");
    bench.world.write().unwrap().clock_ahead = 0;
    bench.change(|world, _| {
        for relationship in &mut world.directories[CONTOSO].relationships {
            relationship.end = epoch() - chrono::Duration::days(900);
        }
    });
    assert!(bench.all(&token, all).0.is_empty());
    let rows = bench.all(&token, "/v1.0/tenantRelationships/delegatedAdminRelationships").0;
    assert!(rows.iter().all(|r| r["status"] == "expired"));
}

#[test]
fn tenants_are_found_by_id_and_by_domain() {
    let bench = Bench::new(crowd(1));
    let token = bench.app(PARTNER);
    let by_id = format!(
        "/v1.0/tenantRelationships/findTenantInformationByTenantId(tenantId='{}')",
        id(1, CONTOSO)
    );
    assert_eq!(bench.get(&token, &by_id)["defaultDomainName"], "contoso.com");
    let by_name = "/v1.0/tenantRelationships/microsoft.graph.findTenantInformationByDomainName(domainName='fabrikam.com')";
    assert_eq!(bench.get(&token, by_name)["displayName"], "Fabrikam");
}

#[test]
fn me_is_for_users() {
    let mut world = crowd(1);
    let no = person(&mut world, PARTNER, "admin");
    let bench = Bench::new(world);
    assert_eq!(bench.get(&bench.user(PARTNER), "/v1.0/me")["id"], id(3, no).to_string());
    assert_eq!(bench.refused(&bench.app(PARTNER), "/v1.0/me").0, 400);
    assert_eq!(bench.refused(&bench.user(CONTOSO), "/v1.0/me").0, 404);
}

#[test]
fn subscriptions_are_kept_renewed_and_removed() {
    let bench = Bench::new(crowd(1));
    let token = bench.app(CONTOSO);
    let send = |method: &str, address: &str, body: &serde_json::Value| {
        let mut call = call(method, address);
        call.headers.push(("authorization".into(), format!("Bearer {token}")));
        call.headers.push(("content-type".into(), "application/json".into()));
        call.body = body.to_string().into_bytes();
        bench.send(&call)
    };
    let in_days = |days: i64| (chrono::Utc::now() + chrono::Duration::days(days)).to_rfc3339();
    let wanted = |days: i64, url: &str| {
        serde_json::json!({"changeType": "updated,deleted", "notificationUrl": url,
            "resource": "users", "expirationDateTime": in_days(days), "clientState": "s3cret"})
    };
    assert_eq!(send("POST", "/v1.0/subscriptions", &wanted(30, "https://a.test/n")).status, 400);
    assert_eq!(send("POST", "/v1.0/subscriptions", &wanted(1, "http://a.test/n")).status, 400);
    let made = send("POST", "/v1.0/subscriptions", &wanted(1, "https://a.test/n"));
    assert_eq!((made.status, json(&made)["clientState"].as_str()), (201, Some("s3cret")));
    let listed = bench.get(&token, "/v1.0/subscriptions")["value"][0].clone();
    assert!(listed["clientState"].is_null(), "shown once");
    let one = format!("/v1.0/subscriptions/{}", json(&made)["id"].as_str().unwrap());
    let renewed = send("PATCH", &one, &serde_json::json!({"expirationDateTime": in_days(2)}));
    assert_eq!(renewed.status, 200);
    assert_eq!(send("POST", &format!("{one}/reauthorize"), &serde_json::json!({})).status, 204);
    assert!(
        bench.get(&bench.app(PARTNER), "/v1.0/subscriptions")["value"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(send("DELETE", &one, &serde_json::json!({})).status, 204);
    assert_eq!(bench.refused(&token, &one).0, 404);
}
