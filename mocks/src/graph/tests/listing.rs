//! Plain listings: pages, selection, filters, counts, permissions.

use super::fixture::*;
use crate::vendor::Rows;
use crate::world::{Account, GroupKind, Installation, Member};

const EVENTUAL: &[(&str, &str)] = &[("consistencylevel", "eventual")];

#[test]
fn pages_are_linked_and_hold_every_row_once_under_change() {
    let bench = Bench::new(crowd(25));
    let token = bench.app(CONTOSO);
    let first = bench.get(&token, "/v1.0/users?$top=10&$select=id,displayName");
    assert_eq!(first["value"].as_array().unwrap().len(), 10);
    assert!(first.get("@odata.count").is_none());
    let link = first["@odata.nextLink"].as_str().unwrap().to_string();
    assert!(link.starts_with(&format!("{BASE}/v1.0/users?")), "{link}");
    assert!(link.contains("$select=") && link.contains("$top=10") && link.contains("$skiptoken="));
    bench.change(|world, version| {
        world.persons[3].mark.gone = Some(version);
        person(world, CONTOSO, "late");
    });
    let (rest, _) = bench.all(&token, &link);
    let mut seen = ids(first["value"].as_array().unwrap());
    seen.extend(ids(&rest));
    assert_eq!(seen.len(), 26);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 26, "no row twice");
}

#[test]
fn default_page_is_100_and_the_cap_is_999() {
    let bench = Bench::new(crowd(1100));
    let token = bench.app(CONTOSO);
    let rows = |address: &str| bench.get(&token, address)["value"].as_array().unwrap().len();
    assert_eq!(rows("/v1.0/users"), 100);
    assert_eq!(rows("/v1.0/users?$top=999"), 999);
    assert_eq!(rows("/v1.0/users?top=7"), 7, "the dollar sign may be left out");
    for top in ["1000", "0", "x"] {
        assert_eq!(bench.refused(&token, &format!("/v1.0/users?$top={top}")).0, 400);
    }
    assert_eq!(bench.refused(&token, "/v1.0/users?$skip=10").0, 400);
    assert_eq!(bench.all(&token, "/v1.0/users?$top=999").0.len(), 1100);
}

#[test]
fn without_select_a_user_has_eleven_properties_and_nulls() {
    let bench = Bench::new(crowd(1));
    let token = bench.app(CONTOSO);
    let row = bench.get(&token, "/v1.0/users")["value"][0].clone();
    assert_eq!(row.as_object().unwrap().len(), 11);
    assert!(row["mobilePhone"].is_null() && row.get("accountEnabled").is_none());
    let row = bench.get(&token, "/v1.0/users?$select=accountEnabled,UserType")["value"][0].clone();
    assert_eq!(row, serde_json::json!({"accountEnabled": true, "userType": "Member"}));
    let all = bench.get(&token, "/v1.0/users?$select=*")["value"][0].clone();
    assert!(all.as_object().unwrap().len() > 50);
    assert_eq!(bench.refused(&token, "/v1.0/users?$select=id,nonsense").0, 400);
    assert_eq!(
        bench.get(&token, "/beta/users?$select=id,nonsense")["value"][0].as_object().unwrap().len(),
        1
    );
    let later = bench.refused(&token, "/v1.0/users?$select=id,aboutMe");
    assert_eq!(later, (501, "NotImplemented".into()), "kept outside of the directory");
    bench.get(&token, &format!("/v1.0/users/{}?$select=id,aboutMe", id(3, 0)));
}

#[test]
fn a_user_is_found_by_id_by_upn_in_any_case_and_in_brackets() {
    let mut world = crowd(1);
    world.persons[0].account = Account::Guest;
    world.persons[0].upn = "alice_fabrikam.com#EXT#@contoso.onmicrosoft.com".into();
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    for address in [
        format!("/v1.0/users/{}", id(3, 0)),
        "/v1.0/users/ALICE_fabrikam.com%23EXT%23@contoso.onmicrosoft.com".into(),
        format!("/v1.0/users('{}')", id(3, 0)),
        format!("/v1.0/Users/{}", id(3, 0)),
    ] {
        let row =
            bench.get(&token, &format!("{address}?$select=id,userType,creationType,identities"));
        assert_eq!(row["id"], id(3, 0).to_string());
        assert_eq!(row["userType"], "Guest");
        assert_eq!(row["creationType"], "Invitation");
        assert_eq!(row["identities"][0]["issuer"], "ExternalAzureAD");
        assert!(row["@odata.context"].as_str().unwrap().ends_with("/$entity"));
    }
    let missing = bench.refused(&token, &format!("/v1.0/users/{}", id(3, 99)));
    assert_eq!(missing, (404, "Request_ResourceNotFound".into()));
}

#[test]
fn addresses_keep_renamed_upns_as_aliases() {
    let mut world = crowd(1);
    let p = &mut world.persons[0];
    p.upn = "anna.new@contoso.com".into();
    p.mail = Some("Anna.New@contoso.com".into());
    p.earlier_upns = vec!["anna.old@contoso.com".into()];
    p.sam = Some("anna".into());
    let bench = Bench::new(world);
    let select =
        "proxyAddresses,onPremisesSyncEnabled,onPremisesSamAccountName,onPremisesImmutableId";
    let token = bench.app(CONTOSO);
    let row = bench.get(&token, &format!("/v1.0/users?$select={select}"))["value"][0].clone();
    let expected = ["SMTP:Anna.New@contoso.com", "smtp:anna.old@contoso.com"];
    assert_eq!(row["proxyAddresses"], serde_json::json!(expected));
    assert_eq!(row["onPremisesSyncEnabled"], true);
    assert_eq!(row["onPremisesSamAccountName"], "anna");
    assert_eq!(row["onPremisesImmutableId"].as_str().unwrap().len(), 24);
}

#[test]
fn filters_are_understood() {
    let mut world = crowd(6);
    world.persons[1].enabled = false;
    world.persons[2].department = Some("Sales".into());
    world.persons[3].mail = None;
    world.persons[4].display_name = "O'Neil".into();
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let count = |filter: &str| {
        let address = format!("/v1.0/users?$filter={}", filter.replace(' ', "%20"));
        bench.get(&token, &address)["value"].as_array().unwrap().len()
    };
    assert_eq!(count("accountEnabled eq false"), 1);
    assert_eq!(count("accountEnabled eq true and startsWith(displayName,'USER')"), 4);
    assert_eq!(count("department eq 'sales' or mail eq null"), 2);
    assert_eq!(count("displayName eq 'O''Neil'"), 1);
    assert_eq!(count("userPrincipalName in ('user0@contoso.com','USER5@contoso.com')"), 2);
    assert_eq!(count("proxyAddresses/any(p:p eq 'smtp:user5@contoso.com')"), 1);
    assert_eq!(count("(id eq '00000000-0000-0003-0000-000000000001')"), 1);
    assert_eq!(count("createdDateTime ge 2026-01-01T00:00:00Z"), 6);
    assert_eq!(bench.refused(&token, "/v1.0/users?$filter=nonsense%20eq%201").0, 400);
    assert_eq!(bench.refused(&token, "/v1.0/users?$filter=mail%20eq").0, 400);
}

#[test]
fn advanced_queries_need_their_header_and_count() {
    let mut world = crowd(5);
    world.persons[0].account = Account::Guest;
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let advanced = "/v1.0/users?$filter=userType%20ne%20'Guest'";
    assert_eq!(bench.refused(&token, advanced), (400, "Request_UnsupportedQuery".into()));
    let without_count = bench.get_with(&token, advanced, EVENTUAL);
    assert_eq!(without_count.status, 400);
    let page = json(&bench.get_with(&token, &format!("{advanced}&$count=true&$top=3"), EVENTUAL));
    assert_eq!(page["@odata.count"], 4);
    assert_eq!(page["value"].as_array().unwrap().len(), 3);
    // The header is not carried by the link: without it the next page is refused.
    let next = page["@odata.nextLink"].as_str().unwrap();
    assert_eq!(bench.refused(&token, next).0, 400);
    let rest = json(&bench.get_with(&token, next, EVENTUAL));
    assert!(rest.get("@odata.count").is_none(), "on the first page only");
    assert_eq!(rest["value"].as_array().unwrap().len(), 1);
    assert_eq!(bench.refused(&token, "/v1.0/users?$count=true").0, 400);
    assert_eq!(bench.refused(&token, "/v1.0/users?$search=\"displayName:user1\"").0, 400);
    let found = bench.get_with(&token, "/v1.0/users?$search=\"displayName:user1\"", EVENTUAL);
    assert_eq!(json(&found)["value"].as_array().unwrap().len(), 1);
}

#[test]
fn the_count_segment_is_text_and_needs_the_header() {
    let bench = Bench::new(crowd(12));
    let token = bench.app(CONTOSO);
    assert_eq!(bench.refused(&token, "/v1.0/users/$count").0, 400);
    let reply = bench.get_with(&token, "/v1.0/users/$count", EVENTUAL);
    assert_eq!((text(&reply).as_str(), header(&reply, "content-type")), ("12", Some("text/plain")));
}

#[test]
fn order_by_sorts_over_pages() {
    let mut world = crowd(7);
    world.persons[6].display_name = "aaa".into();
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let (rows, _) =
        bench.all(&token, "/v1.0/users?$orderby=displayName%20desc&$top=3&$select=displayName");
    let names: Vec<&str> = rows.iter().map(|r| r["displayName"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 7);
    assert_eq!((names[0], names[6]), ("user5 Tester", "aaa"));
}

#[test]
fn permissions_are_checked_and_frozen_in_the_token() {
    let mut world = crowd(1);
    let no = person(&mut world, CONTOSO, "member");
    group(&mut world, "all", GroupKind::Security, &[Member::Person(no)]);
    machine(&mut world, "PC-1", None);
    world.credentials.graph_permissions = vec!["GroupMember.Read.All".into()];
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    for address in [
        "/v1.0/users",
        "/v1.0/users/delta",
        "/v1.0/devices",
        "/v1.0/organization",
        "/v1.0/domains",
        "/v1.0/contracts",
        "/v1.0/deviceManagement/managedDevices",
        "/v1.0/directory/deletedItems/microsoft.graph.user",
    ] {
        let denied = (403, "Authorization_RequestDenied".to_string());
        assert_eq!(bench.refused(&token, address), denied, "{address}");
    }
    // Members are listed, with nothing but their ids.
    let address = format!("/v1.0/groups/{}/members", id(4, 0));
    let row = bench.get(&token, &address)["value"][0].clone();
    assert_eq!(row["@odata.type"], "#microsoft.graph.user");
    assert_eq!(row["id"], id(3, no).to_string());
    assert!(row["displayName"].is_null());
    bench.change(|world, _| world.credentials.graph_permissions.push("User.ReadWrite.All".into()));
    assert_eq!(bench.refused(&token, "/v1.0/users").0, 403, "consent shows in a new token only");
    bench.get(&bench.app(CONTOSO), "/v1.0/users");
}

#[test]
fn a_directory_sees_nothing_of_another() {
    let mut world = crowd(2);
    person(&mut world, PARTNER, "operator");
    let bench = Bench::new(world);
    let (rows, _) = bench.all(&bench.app(PARTNER), "/v1.0/users");
    assert_eq!(rows.len(), 1);
    assert_eq!(bench.refused(&bench.app(PARTNER), &format!("/v1.0/users/{}", id(3, 0))).0, 404);
    let link = bench.get(&bench.app(CONTOSO), "/v1.0/users?$top=1")["@odata.nextLink"].clone();
    assert_eq!(bench.refused(&bench.app(PARTNER), link.as_str().unwrap()).0, 400);
}

#[test]
fn skip_tokens_end_after_an_hour() {
    let bench = Bench::new(crowd(5));
    let link = bench.get(&bench.app(CONTOSO), "/v1.0/users?$top=2")["@odata.nextLink"].clone();
    bench.world.write().unwrap().clock_ahead = 2 * 3600;
    let refused = bench.refused(&bench.app(CONTOSO), link.as_str().unwrap());
    assert_eq!(refused, (400, "Directory_ExpiredPageToken".into()));
}

#[test]
fn managed_devices_page_filter_and_keep_some_for_single_reads() {
    let mut world = crowd(1);
    for no in 0..5 {
        machine(&mut world, &format!("PC-{no}"), (no == 0).then_some(0));
    }
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let all = "/v1.0/deviceManagement/managedDevices";
    let (rows, _) = bench.all(&token, &format!("{all}?$top=2"));
    assert_eq!(rows.len(), 5);
    assert_eq!(rows[0]["serialNumber"], "PF00000");
    assert_eq!(rows[0]["userPrincipalName"], "user0@contoso.com");
    assert_eq!(rows[1]["userPrincipalName"], "", "a shared computer has empty text");
    assert_eq!(rows[0]["azureADDeviceId"], id(11, 0).to_string());
    assert!(rows[0]["ethernetMacAddress"].is_null() && rows[0]["physicalMemoryInBytes"] == 0);
    assert!(rows[0].get("hardwareInformation").is_none(), "beta only");
    let since = format!("{all}?$filter=lastSyncDateTime%20ge%202026-01-01T11:00:00Z");
    assert_eq!(bench.all(&token, &since).0.len(), 2);
    let one = bench.get(&token, &format!("{all}/{}?$select=id,physicalMemoryInBytes", id(12, 0)));
    assert!(one["physicalMemoryInBytes"].as_i64().unwrap() > 0);
    let beta =
        format!("/beta/deviceManagement/managedDevices/{}?$select=hardwareInformation", id(12, 0));
    assert_eq!(bench.get(&token, &beta)["hardwareInformation"]["serialNumber"], "PF00000");
    assert_eq!(
        bench.get(&token, &format!("{all}?$top=5000"))["value"].as_array().unwrap().len(),
        5
    );
    let reply = bench.get_with(&bench.app(PARTNER), all, &[]);
    assert_eq!(reply.status, 400);
    assert_eq!(json(&reply)["error"]["message"], "Request not applicable to target tenant.");
}

#[test]
fn devices_have_two_keys_and_an_owner() {
    let mut world = crowd(1);
    machine(&mut world, "PC-0", Some(0));
    let bench = Bench::new(world);
    let token = bench.app(CONTOSO);
    let row = bench.get(&token, &format!("/v1.0/devices(deviceId='{}')", id(11, 0)));
    assert_eq!(row["id"], id(10, 0).to_string());
    assert_eq!(row["displayName"], "PC-0");
    assert_eq!(row["isManaged"], true);
    assert!(row.get("serialNumber").is_none());
    let owners = bench.get(&token, &format!("/v1.0/devices/{}/registeredOwners", id(10, 0)));
    assert_eq!(ids(owners["value"].as_array().unwrap()), [id(3, 0).to_string()]);
    let own = bench.get(&token, &format!("/v1.0/users/{}/registeredDevices", id(3, 0)));
    assert_eq!(ids(own["value"].as_array().unwrap()), [id(10, 0).to_string()]);
}

#[test]
fn listings_are_named_with_their_page() {
    let bench = Bench::new(crowd(30));
    let token = bench.app(CONTOSO);
    let page = |address: &str| {
        let mut call = call("GET", address);
        call.headers.push(("authorization".into(), format!("Bearer {token}")));
        bench.face.listing(&call).map(|l| (l.name, l.page, l.rows))
    };
    let (name, number, rows) = page("/v1.0/users?$top=5").unwrap();
    assert!(name.starts_with("/v1.0/users#"), "{name}");
    assert_eq!((number, rows), (1, Rows::Key("value".into())));
    let link = bench.get(&token, "/v1.0/users?$top=5")["@odata.nextLink"].clone();
    assert_eq!(page(link.as_str().unwrap()).unwrap().1, 2);
    let link = bench.get(&token, "/v1.0/users/delta")["@odata.nextLink"].clone();
    let (name, number, _) = page(link.as_str().unwrap()).unwrap();
    assert!(name.starts_with("/v1.0/users/delta#"), "{name}");
    assert_eq!(number, 2);
    assert!(page("/v1.0/users/x").is_none());
    assert!(page("/contoso.com/oauth2/v2.0/token").is_none());
}

#[test]
fn a_device_left_over_from_before_a_wipe_keeps_its_name() {
    let mut world = crowd(0);
    machine(&mut world, "PC-NEW", None);
    let before = epoch() - chrono::Duration::days(100);
    world.machines[0].earlier = vec![Installation {
        host: "PC-OLD".into(),
        installation_id: String::new(),
        os_installed: before,
    }];
    let mut left_over = world.entra_devices[0].clone();
    left_over.id = id(10, 50);
    left_over.device_id = id(11, 50);
    left_over.current = false;
    left_over.mark.created = before + chrono::Duration::hours(3);
    world.entra_devices.push(left_over);
    let bench = Bench::new(world);
    let (rows, _) = bench.all(&bench.app(CONTOSO), "/v1.0/devices?$select=displayName,isManaged");
    assert_eq!(rows[0]["displayName"], "PC-NEW");
    assert_eq!(rows[1]["displayName"], "PC-OLD");
    assert!(rows[1]["isManaged"].is_null());
}
