//! Hardware identifiers that identify nothing: what firmware ships with when nobody filled it in.
//!
//! Values were collected from GLPI, FOG, osquery, OCS Inventory, Katello, OpenZFS and vendors'
//! support notes. Prefixes are never junk: makers share them over hundreds of good machines.

use crate::hardware::SmbiosUuid;

/// Known junk UUIDs in the Windows reading; the other byte order is junk too.
const UUIDS: &[&str] = &[
    "03000200-0400-0500-0006-000700080009",
    "03020100-0504-0706-0809-0A0B0C0D0E0F",
    "10000000-0000-8000-0040-000000000000",
    "04030201-0605-0807-090A-0B0C0D0E0F10",
    "12345678-1234-5678-90AB-CDDEEFAABBCC",
    "FFFFFF00-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "6AB5B300-538D-1014-9FB5-B0684D007B53",
    "4C4C4544-0000-2010-8020-80C04F202020",
    "DEADBEEF-DEAD-BEEF-DEAD-BEEFDEADBEEF",
];

/// Placeholder serials, in the comparable form of [`comparable`].
const SERIALS: &[&str] = &[
    "TOBEFILLEDBYO.E.M.",
    "TOBEFILLEDBYOEM",
    "TOBESETBYOEM",
    "DEFAULTSTRING",
    "SYSTEMSERIALNUMBER",
    "SYSTEMSERIALNUMB",
    "CHASSISSERIALNUMBER",
    "BASEBOARDSERIALNUMBER",
    "TYPE2-BOARDSERIALNUMBER",
    "ENTERSERIAL",
    "SERIALNUMBERXXXXXX",
    "OEMSERIAL",
    "NOTSPECIFIED",
    "NOTAPPLICABLE",
    "NOTAVAILABLE",
    "NOTPRESENT",
    "NOTSETTABLE",
    "NONE",
    "N/A",
    "NA",
    "NULL",
    "EMPTY",
    "UNKNOW",
    "UNKNOWN",
    "INVALID",
    "(NULLSTRING)",
    "EVAL",
    "IATPASS",
    "TULIPCOMPUTERS",
    "NNNNNNN",
    "XXXXXXXXXXX",
    "............",
    ".PCIE2",
    "STANDARD",
    "0123456789",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "123456789000",
    "12345678901234567",
    "SYS-1234567890",
    "SYS-9876543210",
    "MB-1234567890",
    "SN-12345",
    "SN-1234567890",
    "SN-123456FVGV3I0B8O5N6N7K",
    "5EKPM18320000397",
];

/// Why a UUID identifies nothing, or `None` where it may identify something.
#[must_use]
pub fn junk_uuid(uuid: SmbiosUuid) -> Option<&'static str> {
    let bytes = uuid.bytes();
    if bytes.iter().all(|b| *b == bytes[0]) {
        return Some("one byte repeated");
    }
    let digits = bytes.iter().flat_map(|b| [b >> 4, b & 15]);
    if digits.clone().all(|d| d == bytes[0] >> 4) {
        return Some("one digit repeated");
    }
    if bytes.iter().filter(|b| **b == 0).count() >= 13 {
        return Some("almost all zero");
    }
    let swapped = uuid.swapped();
    UUIDS
        .iter()
        .filter_map(|text| SmbiosUuid::parse(text))
        .any(|known| known == uuid || known == swapped)
        .then_some("known placeholder")
}

/// Whether a serial number is a placeholder: a known one, one character repeated, or zeros and
/// ones only.
#[must_use]
pub fn junk_serial(serial: &str) -> bool {
    let serial = comparable(serial);
    let mut characters = serial.chars();
    let Some(first) = characters.next() else { return true };
    if characters.all(|c| c == first) || serial.chars().all(|c| c == '0' || c == '1') {
        return true;
    }
    SERIALS.contains(&serial.as_str()) || serial.starts_with("OEMDEFAULTSTRING")
}

/// Upper case, without spaces and underscores: the form in which placeholders are compared.
#[must_use]
pub fn comparable(serial: &str) -> String {
    serial
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '_' | '\0'))
        .flat_map(char::to_uppercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i5_each_known_value_is_junk_in_both_byte_orders() {
        for text in UUIDS.iter().chain(&[
            "00000000-0000-0000-0000-000000000000",
            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
            "FEFEFEFE-FEFE-FEFE-FEFE-FEFEFEFEFEFE",
            "01010101-0101-0101-0101-010101010101",
            "00020003-0004-0005-0006-000700080009",
            "44454C4C-0000-1020-8020-80C04F202020",
        ]) {
            let uuid = SmbiosUuid::parse(text).unwrap();
            assert!(junk_uuid(uuid).is_some(), "{text}");
            assert!(junk_uuid(uuid.swapped()).is_some(), "{text} swapped");
        }
    }

    #[test]
    fn i7_a_shared_prefix_is_not_junk() {
        for tail in 0..300_u64 {
            let text =
                format!("f0900000-0000-1000-8000-{:012x}", 0x1a2b_3c00_0000_u64 + tail * 7919);
            assert_eq!(junk_uuid(SmbiosUuid::parse(&text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn i22_placeholder_serials_are_junk_however_they_are_spelt() {
        for text in [
            "Default string",
            "default_string",
            "To Be Filled By O.E.M.",
            "0",
            "0000",
            "11111",
            "0101",
            " ",
            "",
            "XXXXXXX",
            "None",
            "oem default string injected by us",
            "1234567890",
        ] {
            assert!(junk_serial(text), "{text:?}");
        }
    }

    #[test]
    fn a_real_serial_with_a_version_like_part_is_not_junk() {
        for text in ["3B5RKN2", "5CG1234XYZ", "SN1.2.3-77A", "PF0ABCDE", "VMware-56 4d a6 d2"] {
            assert!(!junk_serial(text), "{text:?}");
        }
    }
}
