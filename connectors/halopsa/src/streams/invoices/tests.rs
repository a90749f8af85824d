use super::*;
use core_model::dates::Position;
use core_model::facts::Facts;
use serde_json::{Value, json};

fn header(more: &Value) -> Header {
    let mut row = json!({"id": -4, "client_id": 12, "contract_id": 30});
    for (key, value) in more.as_object().unwrap() {
        row[key] = value.clone();
    }
    serde_json::from_value(row).unwrap()
}

fn read(header: &Header, row: &Value) -> std::result::Result<Option<AgreementLineFacts>, Rejected> {
    let raw = RawValue::from_string(row.to_string()).unwrap();
    let record = line(header, 3, &raw)?;
    Ok(record.map(|record| {
        assert_eq!(record.client.as_deref(), Some("12"));
        match record.facts {
            Facts::AgreementLine(facts) => facts,
            other => panic!("{other:?}"),
        }
    }))
}

fn facts(row: &Value) -> AgreementLineFacts {
    read(&header(&json!({})), row).unwrap().unwrap()
}

#[test]
fn the_item_and_the_quantity_stand_under_their_odd_names() {
    let row = json!({"id": 501, "_itemid": 77.0, "item_id": 1, "qty_order": 2.5, "qty": 9,
        "item_shortdescription": "SentinelOne"});
    let line = facts(&row);
    assert_eq!((line.agreement.as_deref(), line.product.as_deref()), (Some("30"), Some("77")));
    assert_eq!(line.quantity, Quantity { thousandths: 2500 });
    assert_eq!(line.description.as_deref(), Some("SentinelOne"));
}

#[test]
fn heading_rows_are_no_lines() {
    let row = json!({"id": 502, "isgroupdesc": true, "item_shortdescription": "Licences"});
    assert_eq!(read(&header(&json!({})), &row).unwrap(), None);
}

#[test]
fn a_lines_own_contract_goes_before_its_invoices() {
    assert_eq!(facts(&json!({"id": 1, "contract_id": 31})).agreement.as_deref(), Some("31"));
    assert_eq!(facts(&json!({"id": 1, "contract_id": 0})).agreement.as_deref(), Some("30"));
    let loose = header(&json!({"contract_id": -1}));
    assert_eq!(read(&loose, &json!({"id": 1})).unwrap().unwrap().agreement, None);
}

#[test]
fn a_disabled_invoice_switches_its_lines_off() {
    let disabled = header(&json!({"disabled": true}));
    assert!(read(&disabled, &json!({"id": 1})).unwrap().unwrap().inactive);
    assert!(facts(&json!({"id": 1, "isinactive": true})).inactive);
    assert!(!facts(&json!({"id": 1})).inactive);
}

#[test]
fn t4_t5_t6_first_and_last_day_are_in_force() {
    let line = facts(&json!({"id": 1, "qty_order": 1, "startdate": "2026-12-01T00:00:00",
        "enddate": "2026-12-31T00:00:00Z"}));
    for (day, position) in [
        ("2026-11-30", Position::Before),
        ("2026-12-01", Position::Within),
        ("2026-12-31", Position::Within),
        ("2027-01-01", Position::After),
    ] {
        assert_eq!(line.dates.position(day.parse().unwrap()), position, "{day}");
    }
}

#[test]
fn t9_midnight_utc_is_the_calendar_day() {
    for text in ["2026-12-31T00:00:00Z", "2026-12-31T00:00:00.0000000", "2026-12-31"] {
        let line = facts(&json!({"id": 1, "enddate": text}));
        assert_eq!(line.dates.end, Some("2026-12-31".parse().unwrap()), "{text}");
    }
}

#[test]
fn t11_odd_ranges_are_kept_as_they_are() {
    let range = |start: Option<&str>, end: Option<&str>| {
        facts(&json!({"id": 1, "startdate": start, "enddate": end})).dates
    };
    let day = "2026-12-15".parse().unwrap();
    assert_eq!(range(Some("2026-12-01"), None).position(day), Position::Within);
    assert_eq!(range(Some("2026-12-31"), Some("2026-12-01")).position(day), Position::Invalid);
    assert_eq!(range(Some("2026-12-15"), Some("2026-12-15")).position(day), Position::Within);
    assert_eq!(range(Some("1900-01-01T00:00:00"), None).start, None);
}

#[test]
fn t13_a_quantity_of_nothing_is_nothing() {
    assert!(facts(&json!({"id": 1, "qty_order": 0.0})).quantity.is_nothing());
    assert!(facts(&json!({"id": 1})).quantity.is_nothing());
}

#[test]
fn a_bad_date_or_quantity_is_rejected_with_its_place_in_the_invoice() {
    for (row, path) in [
        (json!({"id": 503, "enddate": "31.12.2026"}), "$.lines[3].enddate"),
        (json!({"id": 503, "startdate": "soon"}), "$.lines[3].startdate"),
        (json!({"id": 503, "qty_order": "many"}), "$.lines[3].qty_order"),
        (json!({"id": 503, "qty_order": 1e300}), "$.lines[3].qty_order"),
    ] {
        let rejected = read(&header(&json!({})), &row).unwrap_err();
        assert_eq!((rejected.key.as_deref(), rejected.path.as_str()), (Some("503"), path));
    }
}
