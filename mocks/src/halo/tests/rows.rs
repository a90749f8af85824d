//! How rows look: list and detail, doubles, dates, what is left out.

use serde_json::{Value, json};

use super::Bench;

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(rows) => rows.iter().any(has_null),
        Value::Object(map) => map.values().any(has_null),
        _ => false,
    }
}

#[test]
fn nulls_are_left_out() {
    let bench = Bench::new();
    for path in [
        "Client",
        "Site",
        "Users",
        "Asset",
        "ClientContract",
        "RecurringInvoice?includelines=true",
        "Item",
        "Tickets",
        "AreaAzureTenant",
        "AssetType",
        "Asset/501?includedetails=true",
        "Client/12?includedetails=true",
        "Users/100?includedetails=true&includeusersassets=true",
        "ClientContract/40?includedetails=true",
        "Tickets/2001?includedetails=true",
    ] {
        let reply = bench.get(&format!("/api/{path}"));
        assert!(!has_null(&reply), "{path}: {reply}");
    }
    assert!(bench.get("/api/Users/101").get("emailaddress").is_none());
}

#[test]
fn ids_of_sites_and_clients_come_as_doubles() {
    let bench = Bench::new();
    let user = bench.call("GET", "/api/Users/100", b"", None);
    let text = String::from_utf8(user.body).unwrap();
    assert!(text.contains(r#""site_id":18.0"#) && text.contains(r#""site_id_int":18"#), "{text}");
    let site = bench.call("GET", "/api/Site/18", b"", None);
    let text = String::from_utf8(site.body).unwrap();
    assert!(text.contains(r#""client_id":12.0"#), "{text}");
    let asset = bench.get("/api/Asset/501");
    assert!(asset["site_id"].is_i64() && asset["client_id"].is_i64());
}

#[test]
fn instants_have_no_zone_and_none_to_seven_digits() {
    let bench = Bench::new();
    let mut digits = std::collections::BTreeSet::new();
    for id in 500..540 {
        let row = bench.get(&format!("/api/Asset/{id}"));
        let stamp = row["dlastupdate"].as_str().unwrap();
        assert!(!stamp.ends_with('Z') && !stamp.contains('+'), "{stamp}");
        digits.insert(stamp.split_once('.').map_or(0, |(_, fraction)| fraction.len()));
    }
    assert_eq!(digits, (0..=7).collect());
}

#[test]
fn unset_dates_are_sentinels_or_absent_and_days_are_timestamps() {
    let bench = Bench::new();
    let row = |id: i64| bench.get(&format!("/api/ClientContract/{id}"));
    assert_eq!(row(40)["start_date"], "2026-01-01T00:00:00");
    assert_eq!(row(40)["end_date"], "1899-12-30T00:00:00");
    assert_eq!(row(41)["end_date"], "2026-03-31T00:00:00");
    assert!(row(43).get("start_date").is_none() && row(43).get("end_date").is_none());
}

#[test]
fn list_rows_have_less_than_details() {
    let bench = Bench::new();
    let list = bench.get("/api/Asset?inventory_number=TAG-501");
    let row = &list["assets"][0];
    for name in ["fields", "users", "contracts", "dlastupdate", "last_modified"] {
        assert!(row.get(name).is_none(), "{name}");
    }
    let plain = bench.get("/api/Asset/501");
    assert!(plain.get("users").is_none() && plain["dlastupdate"].is_string());
    let detail = bench.get("/api/Asset/501?includedetails=true");
    assert_eq!(detail["users"][0]["id"], 100);
    assert_eq!(detail["contracts"][0]["id"], 40);
    assert_eq!(detail["external_links"], json!([]));
}

#[test]
fn the_serial_number_is_a_field_and_a_key_field_but_no_property() {
    let bench = Bench::new();
    let detail = bench.get("/api/Asset/501?includedetails=true");
    assert_eq!(detail["key_field"], "SN-501");
    assert!(detail.get("serial_number").is_none());
    let serial = |row: &Value| {
        let fields = row["fields"].as_array().cloned().unwrap_or_default();
        fields.into_iter().find(|f| f["name"] == "Serial Number").map(|f| f["value"].clone())
    };
    assert_eq!(serial(&detail), Some(json!("SN-501")));
    let list = bench.get("/api/Asset?includeassetfields=true&assettype_id=122");
    assert_eq!(serial(&list["assets"][0]), Some(json!("SN-501")));
    let without = bench.get("/api/Asset?includeassetfields=true&user_id=100");
    assert!(without["assets"][0].get("fields").is_none(), "fields need the type");
    let types = bench.get("/api/AssetType");
    assert_eq!(types[1]["keyfield_name"], "Serial Number");
    assert_eq!(types[1]["fields"][0]["field_id"].to_string(), "101.0");
}

#[test]
fn the_client_of_a_user_follows_from_its_site() {
    let bench = Bench::new();
    let user = bench.get("/api/Users/100");
    assert_eq!((&user["client_id"], &user["client_name"]), (&json!(12), &json!("Zeta Ltd")));
    assert_eq!(user["user_with_clientsite"], "Person 130 (Zeta Ltd/Main)");
    assert_eq!(
        (&user["use"], &user["key"], &user["table"]),
        (&json!("user"), &json!(100), &json!(4))
    );
    assert_eq!(user["azureoid"], "00000000-0000-0000-0000-0000000000a0");
    assert_eq!(user["covered_by_contract"], true);
    let with = bench.get("/api/Users/100?includeusersassets=true");
    assert_eq!(with["assets"][0]["id"], 501);
}

#[test]
fn lines_come_when_asked_for_and_name_the_item_with_an_underscore() {
    let bench = Bench::new();
    let list = bench.get("/api/RecurringInvoice?order=id");
    assert_eq!(super::ids(&list["invoices"]), [-71, 70], "ids may be negative");
    assert!(list["invoices"][0].get("lines").is_none());
    let list = bench.get("/api/RecurringInvoice?includelines=true&rinvoice_type=contracts");
    assert_eq!(super::ids(&list["invoices"]), [70]);
    let lines = &list["invoices"][0]["lines"];
    assert_eq!((&lines[0]["isgroupdesc"], lines[0].get("_itemid")), (&json!(true), None));
    let line = &lines[1];
    assert_eq!((&line["_itemid"], &line["qty_order"]), (&json!(60), &json!(2.5)));
    assert_eq!(line["startdate"], "2026-02-01T00:00:00");
    assert!(line.get("enddate").is_none() && line.get("item_id").is_none());
    assert!(line.get("qty").is_none());
    assert_eq!(line["ihid"], 70);
    let single = bench.get("/api/RecurringInvoice/-71");
    assert_eq!(single["lines"].as_array().unwrap().len(), 2, "a single one has its lines");
    assert!(single.get("contract_id").is_none());
    assert_eq!(bench.get("/api/Invoice"), json!({ "record_count": 0, "invoices": [] }));
    assert_eq!(bench.get("/api/Projects"), json!({ "record_count": 0, "tickets": [] }));
}

#[test]
fn a_contract_has_no_name_and_its_people_and_assets_only_in_the_detail() {
    let bench = Bench::new();
    let row = &bench.get("/api/ClientContract?order=id")["contracts"][0];
    assert!(row.get("name").is_none() && row.get("assets").is_none());
    assert_eq!(
        (&row["ref"], &row["contracttype_name"]),
        (&json!("Managed 40"), &json!("Managed Services"))
    );
    assert_eq!((&row["contract_status"], &row["active"]), (&json!("Active"), &json!(true)));
    assert!(row["last_modified"].is_string());
    let detail = bench.get("/api/ClientContract/40?includedetails=true");
    assert_eq!(super::ids(&detail["assets"]), [501, 502]);
    assert_eq!(super::ids(&detail["users"]), [100]);
}

#[test]
fn azure_tenants_map_to_clients_in_three_places() {
    let bench = Bench::new();
    let tenant = "00000000-0000-0000-0000-0000000000d1";
    let rows = bench.get("/api/AreaAzureTenant");
    assert_eq!((&rows[0]["client_id"], &rows[0]["azure_tenant_id"]), (&json!(12), &json!(tenant)));
    assert_eq!(bench.get("/api/AreaAzureTenant?client_id=13"), json!([]));
    let connection = bench.get("/api/azureadconnection?type=2")[0]["id"].as_i64().unwrap();
    let path = format!(
        "/api/azureadconnection/{connection}?type=2&includedetails=true&includetenants=true"
    );
    let mapping = &bench.get(&path)["mappings_client"][0];
    assert_eq!((&mapping["azure_tenant_id"], &mapping["client_id"]), (&json!(tenant), &json!(12)));
    let list = bench.get("/api/Client?includeazuretenants=true&search=zeta");
    assert_eq!(list["clients"][0]["azure_tenants"][0]["azure_tenant_id"], tenant);
    assert!(bench.get("/api/Client?search=zeta")["clients"][0].get("azure_tenants").is_none());
}

#[test]
fn logos_and_icons_bloat_the_rows() {
    let bench = Bench::new();
    assert!(bench.get("/api/Client")["clients"][0]["logo"].as_str().unwrap().starts_with("data:"));
    assert!(bench.get("/api/Asset?count=1")["assets"][0]["icon"].is_string());
    assert!(bench.get("/api/Asset?count=1&noicon=true")["assets"][0].get("icon").is_none());
}

#[test]
fn bare_arrays_are_bare() {
    let bench = Bench::new();
    for name in [
        "Webhook",
        "Tabs",
        "CustomButton",
        "Status",
        "TicketType",
        "Team",
        "Agent",
        "AssetType",
        "AssetGroup",
        "Category",
        "Priority",
        "SLA",
        "Lookup?lookupid=64",
        "FieldInfo",
        "Field",
        "Outcome",
        "Workflow",
        "azureadconnection",
        "AreaAzureTenant",
        "Address",
        "Notification",
    ] {
        assert!(bench.get(&format!("/api/{name}")).is_array(), "{name}");
    }
    let priority = &bench.get("/api/Priority")[2];
    assert_eq!(priority["priorityid"], 3);
    assert!(priority["id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    assert_eq!(bench.get("/api/Lookup?lookupid=64")[0]["name"], "New Ticket Logged");
    assert_eq!(bench.get("/api/TopLevel")["tree"][0]["id"], 1);
}

#[test]
fn what_is_not_there_is_404_without_a_body() {
    let bench = Bench::new();
    for path in
        ["Client/99", "Users/99", "Asset/1", "ClientContract/1", "Item/1", "Tickets/1", "Status/77"]
    {
        let reply = bench.call("GET", &format!("/api/{path}"), b"", None);
        assert_eq!((reply.status, reply.body.len()), (404, 0), "{path}");
    }
}
