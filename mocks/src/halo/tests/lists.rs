//! Paging, order, activity and filters.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Bench, call, ids, json as body};
use crate::vendor::Rows;

#[test]
fn without_pageinate_there_are_fifty_rows_whatever_else_is_asked() {
    let bench = Bench::new();
    for query in ["", "page_size=100&page_no=2", "pageinate=false&page_no=2"] {
        let page = bench.get(&format!("/api/Users?{query}"));
        assert_eq!(page["users"].as_array().unwrap().len(), 50, "{query}");
        assert_eq!(page["record_count"], 50, "the count is what was sent");
        assert!(page.get("page_no").is_none());
    }
    let page = bench.get("/api/Users?count=120");
    assert_eq!(
        (page["users"].as_array().unwrap().len(), &page["record_count"]),
        (120, &json!(120))
    );
    let page = bench.get("/api/Users?count=true");
    assert_eq!((page["users"].as_array().unwrap().len(), &page["record_count"]), (50, &json!(133)));
}

#[test]
fn the_page_size_is_capped_at_a_hundred_and_echoed() {
    let bench = Bench::new();
    let page = bench.get("/api/Users?pageinate=TRUE&page_size=1000&page_no=1&count=true");
    assert_eq!(page["users"].as_array().unwrap().len(), 100);
    assert_eq!((&page["page_no"], &page["page_size"]), (&json!(1), &json!(100)));
    assert_eq!(page["record_count"], 133);
    let page = bench.get("/api/Users?pageinate=True&page_size=1000&page_no=2");
    assert_eq!(page["users"].as_array().unwrap().len(), 33);
    let page = bench.get("/api/Users?pageinate=true&page_size=100&page_no=3");
    assert_eq!(page["users"], json!([]));
    assert_eq!(page["record_count"], 133);
}

#[test]
fn the_page_size_means_nothing_without_a_page_number() {
    let bench = Bench::new();
    let page = bench.get("/api/Users?pageinate=true&page_size=100");
    assert_eq!(page["users"].as_array().unwrap().len(), 50);
    assert_eq!(page["page_size"], 50);
}

#[test]
fn pages_hold_every_row_once() {
    let bench = Bench::new();
    for order in ["", "&order=id&orderdesc=false", "&order=name&orderdesc=true"] {
        let mut seen = Vec::new();
        for no in 1..=5 {
            let query = format!("/api/Users?pageinate=true&page_size=30&page_no={no}{order}");
            seen.extend(bench.ids(&query, "users"));
        }
        assert_eq!(seen.len(), 133);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 133);
    }
}

#[test]
fn the_default_order_is_not_by_id_and_orderdesc_1_is_not_true() {
    let bench = Bench::new();
    assert_eq!(bench.ids("/api/Client", "clients"), [13, 1, 12]);
    assert_eq!(bench.ids("/api/Client?order=id", "clients"), [1, 12, 13]);
    assert_eq!(bench.ids("/api/Client?order=id&orderdesc=1", "clients"), [1, 12, 13]);
    assert_eq!(bench.ids("/api/Client?order=id&orderdesc=True", "clients"), [13, 12, 1]);
    let many = "/api/Users?count=3&order=site_name&order2=id&orderdesc2=true&client_id=12";
    assert_eq!(bench.ids(many, "users"), [1_012, 228, 227]);
}

#[test]
fn a_misspelt_filter_returns_the_whole_tenant_and_the_last_of_two_wins() {
    let bench = Bench::new();
    assert_eq!(bench.get("/api/Client?clientid=12")["record_count"], 3);
    let page = bench.get("/api/Site?client_id=13&CLIENT_ID=12");
    assert_eq!(ids(&page["sites"]), [18, 30]);
}

#[test]
fn inactive_rows_are_hidden_by_default() {
    let bench = Bench::new();
    let all = "/api/Client?includeinactive=true&includeactive=true";
    assert_eq!(bench.ids(all, "clients").len(), 4);
    assert_eq!(bench.ids("/api/Client?includeinactive=True", "clients").len(), 4);
    let only = "/api/Client?includeactive=false&includeinactive=true";
    assert_eq!(bench.ids(only, "clients"), [14]);
    assert_eq!(bench.ids("/api/Client?activeinactive=false,true", "clients"), [14]);
    assert_eq!(bench.ids("/api/Client?activeinactive=true,true", "clients").len(), 4);
    assert_eq!(bench.get("/api/Client/14")["inactive"], true);
}

#[test]
fn contracts_need_includeinactive_and_items_do_not_say_which() {
    let bench = Bench::new();
    assert_eq!(bench.ids("/api/ClientContract?order=id", "contracts"), [40, 41, 43]);
    let all = "/api/ClientContract?order=id&includeinactive=true";
    assert_eq!(bench.ids(all, "contracts"), [40, 41, 42, 43]);
    let ignored = "/api/ClientContract?order=id&activeinactive=false,true";
    assert_eq!(bench.ids(ignored, "contracts"), [40, 41, 43]);
    assert_eq!(bench.ids("/api/Item", "items"), [60]);
    let old = bench.get("/api/Item?activeinactive=false,true");
    assert_eq!(ids(&old["items"]), [61]);
    assert!(old["items"][0].get("inactive").is_none());
    assert_eq!(bench.ids("/api/Item?includeinactive=true&excluderecurring=true", "items"), [61]);
}

#[test]
fn idonly_does_not_page() {
    let bench = Bench::new();
    let page = bench.get("/api/Users?idonly=true&pageinate=true&page_no=1&page_size=10");
    assert_eq!(page["users"].as_array().unwrap().len(), 133);
    assert_eq!(page["users"][0].as_object().unwrap().len(), 1);
}

#[test]
fn rows_are_scoped_by_what_they_belong_to() {
    let bench = Bench::new();
    assert_eq!(bench.ids("/api/Users?site_id=19", "users"), [1_013]);
    assert_eq!(bench.ids("/api/Users?client_id=13", "users"), [1_013]);
    assert_eq!(bench.ids("/api/Users?client_id=12&count=500", "users").len(), 130);
    assert_eq!(bench.ids("/api/Users?asset_id=501", "users"), [100]);
    assert_eq!(bench.ids("/api/Users?contract_id=40", "users"), [100]);
    assert_eq!(bench.ids("/api/Asset?user_id=100", "assets"), [501]);
    assert_eq!(bench.ids("/api/Asset?contract_id=40", "assets"), [501, 502]);
    assert_eq!(bench.ids("/api/Asset?username=person+130", "assets"), [501]);
    assert_eq!(bench.ids("/api/Asset?assettype_id=122", "assets"), [501]);
    assert_eq!(bench.ids("/api/Asset?client_id=13", "assets"), [0_i64; 0]);
    assert_eq!(bench.ids("/api/ClientContract?device_id=501", "contracts"), [40]);
    assert_eq!(bench.ids("/api/RecurringInvoice?contract_id=40", "invoices"), [70]);
    assert_eq!(bench.ids("/api/Tickets?asset_id=501", "tickets"), [2_001]);
    assert_eq!(bench.ids("/api/Asset?site_id=-1&count=9", "assets").len(), 9, "-1 is any");
}

#[test]
fn search_finds_users_by_name_mail_and_login_but_not_by_azureoid() {
    let bench = Bench::new();
    for words in ["person 130", "ann.smith@", "ANN@zeta"] {
        assert_eq!(bench.ids(&format!("/api/Users?search={words}"), "users"), [100], "{words}");
    }
    let oid = "00000000-0000-0000-0000-0000000000a0";
    assert!(bench.ids(&format!("/api/Users?search={oid}"), "users").is_empty());
    let filter = json!([{ "filter_name": "azureoid", "filter_type": 2, "filter_value": oid }]);
    let filter: String =
        url::form_urlencoded::byte_serialize(filter.to_string().as_bytes()).collect();
    assert_eq!(bench.ids(&format!("/api/Users?advanced_search={filter}"), "users"), [100]);
    let part = "%5B%7B%22filter_name%22:%22emailaddress%22,%22filter_type%22:4,%22filter_value%22:%22smith%22%7D%5D";
    assert_eq!(bench.ids(&format!("/api/Users?advanced_search={part}"), "users"), [100]);
}

#[test]
fn an_unknown_field_of_advanced_search_is_refused() {
    let bench = Bench::new();
    for filter in [r#"[{"filter_name":"notes","filter_type":2,"filter_value":"x"}]"#, "nonsense"] {
        let reply = bench.call("GET", &format!("/api/Users?advanced_search={filter}"), b"", None);
        assert_eq!(reply.status, 400);
        let message = body(&reply)["Message"].as_str().unwrap().to_owned();
        assert!(message.contains("Invalid advanced search parameter"), "{message}");
    }
}

#[test]
fn lastupdatefromdate_filters_where_the_page_has_it_and_is_ignored_elsewhere() {
    let bench = Bench::new();
    let since = "lastupdatefromdate=2025-02-18T00:00:00Z";
    let changed = bench.get(&format!("/api/Asset?count=500&{since}"));
    assert_eq!(ids(&changed["assets"]), [548, 549, 598, 599]);
    let until = format!("/api/Asset?count=500&{since}&lastupdatetodate=2025-02-18T12:30:16");
    assert_eq!(bench.ids(&until, "assets"), [548, 598]);
    assert_eq!(bench.ids(&format!("/api/ClientContract?{since}"), "contracts").len(), 3);
    assert_eq!(bench.ids(&format!("/api/Item?{since}"), "items").len(), 1);
    assert_eq!(bench.ids(&format!("/api/RecurringInvoice?{since}"), "invoices").len(), 2);
    assert_eq!(bench.ids("/api/Asset?count=500&lastupdatefromdate=true", "assets").len(), 110);
}

#[test]
fn a_printed_stamp_is_never_later_than_the_change() {
    let bench = Bench::new();
    let row = bench.get("/api/Asset/549?includedetails=true");
    let stamp = row["dlastupdate"].as_str().unwrap();
    let found = bench.ids(&format!("/api/Asset?lastupdatefromdate={stamp}"), "assets");
    assert!(found.contains(&549), "{stamp}");
}

#[test]
fn placeholders_and_stock_locations_can_be_left_out() {
    let bench = Bench::new();
    assert_eq!(bench.ids("/api/Users?client_id=13&exclude_generaluser=True", "users"), [0_i64; 0]);
    assert_eq!(bench.ids("/api/Site?client_id=12", "sites"), [18, 30]);
    assert_eq!(bench.ids("/api/Site?client_id=12&includestocklocations=false", "sites"), [18]);
}

#[test]
fn a_query_number_that_is_none_is_a_model_state_400() {
    let bench = Bench::new();
    for (target, name, value) in [
        ("/api/Users?client_id=18.0", "client_id", "18.0"),
        ("/api/Users?pageinate=true&page_no=two", "page_no", "two"),
        ("/api/Client/probe", "id", "probe"),
    ] {
        let reply = bench.call("GET", target, b"", None);
        assert_eq!(reply.status, 400);
        assert_eq!(body(&reply), json!({ name: [format!("The value '{value}' is not valid.")] }));
    }
}

#[test]
fn routes_do_not_mind_case_or_a_piece_of_the_host() {
    let bench = Bench::new();
    for path in
        ["/api/client", "/API/CLIENT/", "/.halopsa.com/api/Client", "/.haloitsm.com/api/Client"]
    {
        assert_eq!(bench.get(path)["record_count"], 3, "{path}");
    }
    assert_eq!(bench.status("GET", "/api/Nothing"), 404);
    assert_eq!(bench.status("PUT", "/api/Client"), 405);
    assert_eq!(bench.status("PATCH", "/api/Client/12"), 405);
}

#[test]
fn a_listing_is_named_by_its_path() {
    let bench = Bench::new();
    let listing = |target: &str| bench.face.listing(&call("GET", target, b""));
    let page = listing("/api/ClientContract?pageinate=true&page_no=4").unwrap();
    assert_eq!((page.name.as_str(), page.page), ("/api/clientcontract", 4));
    assert_eq!(page.rows, Rows::Key("contracts".into()));
    assert_eq!(listing("/api/AreaAzureTenant").unwrap().rows, Rows::Bare);
    assert_eq!(listing("/api/RecurringInvoice").unwrap().rows, Rows::Key("invoices".into()));
    assert!(listing("/api/Client/12").is_none() && listing("/api/authinfo").is_none());
    assert!(bench.face.listing(&call("POST", "/api/Client", b"")).is_none());
    assert!(bench.face.is_sign_in(&call("POST", "/auth/token", b"")));
    assert!(!bench.face.is_sign_in(&call("GET", "/api/Client", b"")));
}
