//! Stream `chassis`: hardware inventory. It is the only place where Automate tells the SMBIOS
//! UUID; a computer that was never inventoried has no row.

use core_http::decode::id_text;
use core_model::RecordKind;
use core_model::facts::{ChassisClass, HardwareFacts};
use core_model::record::{Record, Rejected};
use serde::Deserialize;

use crate::listing::Table;
use crate::wire::filled;

/// `GET /Computers/Chassis`.
pub(crate) struct Chassis;

/// A chassis, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inventory {
    #[serde(deserialize_with = "id_text::deserialize")]
    computer_id: String,
    #[serde(default, rename = "UUID")]
    uuid: Option<String>,
    #[serde(default)]
    manufacturer: Option<String>,
    #[serde(default)]
    product_name: Option<String>,
    #[serde(default)]
    serial_number: Option<String>,
    #[serde(default)]
    chassis_type: Option<String>,
}

impl Table for Chassis {
    const NAME: &'static str = "chassis";
    const KINDS: &'static [RecordKind] = &[RecordKind::Hardware];
    const PATH: &'static str = "Computers/Chassis";
    const ID: &'static str = "ComputerId";
    const FIELDS: &'static str =
        "ComputerId,UUID,Manufacturer,ProductName,SerialNumber,ChassisType";
    const MAY_BE_ABSENT: bool = true;
    type Row = Inventory;

    fn records(row: Inventory, raw: &str) -> Result<Vec<Record>, Rejected> {
        let facts = HardwareFacts {
            // As the inventory has it: its spelling is evidence.
            uuid: row.uuid.filter(|uuid| !uuid.trim().is_empty()),
            serial: filled(row.serial_number),
            manufacturer: filled(row.manufacturer),
            model: filled(row.product_name),
            chassis: row.chassis_type.as_deref().and_then(class),
        };
        Ok(vec![Record::with_volatile_fields(row.computer_id, facts.into(), raw)])
    }
}

/// The names that SMBIOS gives to enclosures; others, and "Other", say nothing.
fn class(chassis: &str) -> Option<ChassisClass> {
    const PORTABLE: &[&str] =
        &["laptop", "notebook", "portable", "tablet", "convertible", "detachable", "hand held"];
    const STATIONARY: &[&str] = &[
        "desktop",
        "tower",
        "pizza box",
        "all in one",
        "space-saving",
        "space saving",
        "lunch box",
        "rack",
        "blade",
        "main server",
        "main system",
        "mini pc",
        "stick pc",
        "sealed-case",
    ];
    let chassis = chassis.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| chassis.contains(word));
    if chassis.contains("virtual") {
        Some(ChassisClass::Virtual)
    } else if has(PORTABLE) {
        Some(ChassisClass::Portable)
    } else if has(STATIONARY) {
        Some(ChassisClass::Stationary)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;

    #[test]
    fn a_chassis_is_hardware_under_the_key_of_its_computer() {
        let json = r#"{"ComputerId":1234,"UUID":"{4c4c4544-0042-3510-8052-b3c04f4b4e32}",
            "Manufacturer":"Dell Inc.","ProductName":"Latitude 5440","SerialNumber":" 3B5RKN2 ",
            "ChassisType":"Notebook","LastUpdate":"2026-01-02T03:04:05"}"#;
        let record = Chassis::records(serde_json::from_str(json).unwrap(), json).unwrap().remove(0);
        assert_eq!(record.key, "1234");
        let Facts::Hardware(facts) = record.facts else { panic!() };
        assert_eq!(facts.uuid.as_deref(), Some("{4c4c4544-0042-3510-8052-b3c04f4b4e32}"));
        assert_eq!(facts.serial.as_deref(), Some("3B5RKN2"));
        assert_eq!(facts.manufacturer.as_deref(), Some("Dell Inc."));
        assert_eq!(facts.model.as_deref(), Some("Latitude 5440"));
        assert_eq!(facts.chassis, Some(ChassisClass::Portable));
    }

    #[test]
    fn a_blank_inventory_is_no_evidence() {
        let json = r#"{"ComputerId":"7","UUID":"","SerialNumber":null,"ChassisType":"Other"}"#;
        let record = Chassis::records(serde_json::from_str(json).unwrap(), json).unwrap().remove(0);
        assert_eq!(record.facts, HardwareFacts::default().into());
    }

    #[test]
    fn enclosures_have_a_class_or_none() {
        for (text, expected) in [
            ("Laptop", Some(ChassisClass::Portable)),
            ("Sub Notebook", Some(ChassisClass::Portable)),
            ("Mini Tower", Some(ChassisClass::Stationary)),
            ("Low Profile Desktop", Some(ChassisClass::Stationary)),
            ("Rack Mount Chassis", Some(ChassisClass::Stationary)),
            ("Virtual Machine", Some(ChassisClass::Virtual)),
            ("Unknown", None),
            ("", None),
        ] {
            assert_eq!(class(text), expected, "{text}");
        }
    }
}
