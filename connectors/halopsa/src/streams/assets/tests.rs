use super::*;
use core_model::facts::Facts;
use serde_json::json;

fn facts(row: &Value, types: &SerialFields) -> AssetFacts {
    let raw = RawValue::from_string(row.to_string()).unwrap();
    match read(&raw, types).unwrap().unwrap().facts {
        Facts::Asset(facts) => facts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_serial_is_a_field_by_its_name() {
    let row = json!({"id": 1, "inventory_number": "PC-042", "key_field": "PC00042",
        "fields": [{"id": 101, "name": "Serial Number", "value": "3B5RKN2"}]});
    assert_eq!(facts(&row, &SerialFields::new()).serial.as_deref(), Some("3B5RKN2"));
    let junk = json!({"id": 1, "key_field": "5CG1234XYZ",
        "fields": [{"name": "Serial No", "value": "To be filled by O.E.M."}]});
    assert_eq!(facts(&junk, &SerialFields::new()).serial, None);
}

#[test]
fn the_asset_type_says_which_key_field_is_the_serial() {
    let types = serial_fields(&[
        json!({"id": "130", "keyfield_name": "Hostname", "keyfield2_name": "Serial No"}),
        json!({"id": 131.0, "keyfield_name": "Colour"}),
        json!({"id": 132}),
    ]);
    let row = |kind| json!({"id": 1, "assettype_id": kind, "key_field": "5CG1234XYZ", "key_field2": "vm-7"});
    assert_eq!(facts(&row(130), &types).serial.as_deref(), Some("vm-7"));
    assert_eq!(facts(&row(131), &types).serial, None);
    assert_eq!(facts(&row(132), &types).serial.as_deref(), Some("5CG1234XYZ"));
}

#[test]
fn a_host_name_is_never_taken_for_a_serial() {
    for text in ["PC00042", "DESKTOP-7", "LAPTOP12", "SRVDC01", "12345678", "0000000", "pc1a2b3c"] {
        assert!(!looks_like_a_serial(text), "{text}");
    }
    for text in ["3B5RKN2", "5CG1234XYZ", "PF0ABCD3"] {
        assert!(looks_like_a_serial(text), "{text}");
    }
    let tagged = json!({"id": 1, "inventory_number": "3B5RKN2", "key_field": "3B5RKN2"});
    assert_eq!(facts(&tagged, &SerialFields::new()).serial, None);
}

#[test]
fn ids_of_other_systems_are_read_and_zero_is_none() {
    let row = json!({"id": 1, "inventory_number": "PC-042", "automate_id": 4711, "site_id": 18,
        "connectwisecontrolid": "0A1B2C3D-0000-4000-8000-00000000AAAA", "first_user_id": 6,
        "intune_id": "00000000-0000-0000-0000-000000000000", "inactive": true});
    let found = facts(&row, &SerialFields::new());
    let control = "0a1b2c3d-0000-4000-8000-00000000aaaa".to_owned();
    assert_eq!(
        found.elsewhere,
        [("cw-automate".to_owned(), "4711".to_owned()), ("cw-control".to_owned(), control)]
    );
    assert_eq!((found.contacts, found.site), (vec!["6".to_owned()], Some("18".to_owned())));
    assert!(found.inactive);
    let none = json!({"id": 1, "automate_id": 0, "first_user_id": 0, "site_id": 0});
    let none = facts(&none, &SerialFields::new());
    assert!(none.elsewhere.is_empty() && none.contacts.is_empty() && none.site.is_none());
}
