//! SMBIOS UUIDs and serial numbers in one spelling, so that two readers of the same machine agree.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An SMBIOS UUID in the Windows reading (`{00112233-4455-6677-8899-AABBCCDDEEFF}` is stored by
/// the firmware as `33 22 11 00 55 44 77 66 88 99 ...`). Printed upper case with dashes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SmbiosUuid([u8; 16]);

impl SmbiosUuid {
    /// Reads what a source printed. Case, braces, dashes, surrounding space and trailing NUL do
    /// not matter. `None` where it is no UUID at all (`Not Settable`, `2`, blank).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex: String = text
            .chars()
            .filter(|c| !matches!(c, '{' | '}' | '(' | ')' | '-' | '\0') && !c.is_whitespace())
            .collect();
        (hex.len() == 32).then_some(())?;
        u128::from_str_radix(&hex, 16).ok().map(|bits| Self(bits.to_be_bytes()))
    }

    /// The value that a reader with the other byte order prints: the first three groups reversed.
    #[must_use]
    pub fn swapped(self) -> Self {
        let b = self.0;
        Self([
            b[3], b[2], b[1], b[0], b[5], b[4], b[7], b[6], b[8], b[9], b[10], b[11], b[12], b[13],
            b[14], b[15],
        ])
    }

    /// The sixteen bytes as printed.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        self.0
    }

    /// The service tag in a Dell UUID (`4C4C4544-0042-3510-8052-B3C04F4B4E32` is 3B5RKN2): a free
    /// check of byte order and of clones. `None` where it is no such value.
    #[must_use]
    pub fn dell_service_tag(self) -> Option<String> {
        let b = self.0;
        // "DELL" in the first group as Windows reads it, then the tag's characters with two
        // marker bytes in between (seen: 3B5RKN2 from ...-0042-3510-8052-B3C04F4B4E32).
        if b[..4] != *b"LLED" {
            return None;
        }
        let tag = [b[10] & 0x7f, b[5], b[6], b[9], b[13], b[14], b[15]];
        tag.iter()
            .all(u8::is_ascii_alphanumeric)
            .then(|| tag.iter().map(|&c| char::from(c)).collect())
    }
}

impl fmt::Display for SmbiosUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = uuid::Uuid::from_bytes(self.0).hyphenated().to_string().to_ascii_uppercase();
        f.write_str(&text)
    }
}

impl fmt::Debug for SmbiosUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for SmbiosUuid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SmbiosUuid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no UUID")))
    }
}

/// A serial number in one spelling: upper case, without any white space or NUL. `None` where
/// nothing is left.
#[must_use]
pub fn normal_serial(text: &str) -> Option<String> {
    let serial: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\0')
        .flat_map(char::to_uppercase)
        .collect();
    (!serial.is_empty()).then_some(serial)
}

/// The UUID that some hypervisors spell out in a virtual machine's serial, in the order of the wire
/// (`VMware-56 4d a6 d2 17 06 63 43-dc 2d …`, `Parallels-FC C8 …`); given in the Windows reading.
/// The serial must be in the form of [`normal_serial`].
#[must_use]
pub fn uuid_in_serial(serial: &str) -> Option<SmbiosUuid> {
    let bytes = ["VMWARE-", "PARALLELS-"].iter().find_map(|maker| serial.strip_prefix(maker))?;
    SmbiosUuid::parse(bytes).map(SmbiosUuid::swapped)
}

/// A manufacturer in one spelling: the first word, upper case, without punctuation, with the
/// names one maker goes by folded together (`Dell Inc.`, `Hewlett-Packard`, `LENOVO`).
#[must_use]
pub fn normal_manufacturer(text: &str) -> Option<String> {
    let upper = text.trim().to_uppercase();
    if upper.starts_with("HEWLETT") {
        return Some("HP".to_owned());
    }
    let word: String =
        upper.split([' ', ',', '.']).next()?.chars().filter(|c| c.is_alphanumeric()).collect();
    match word.as_str() {
        "" => None,
        "HPE" | "HPINC" => Some("HP".to_owned()),
        "DELLINC" => Some("DELL".to_owned()),
        _ => Some(word),
    }
}

/// A host name in one spelling: the first label, upper case, cut to the 15 characters of NetBIOS.
#[must_use]
pub fn normal_host(text: &str) -> Option<String> {
    let label = text.trim().split('.').next()?.to_uppercase();
    (!label.is_empty()).then(|| label.chars().take(15).collect())
}

/// Whether a text can be a machine's own name. Somebody who writes beside it what the machine is, as he may
/// in a remote control, wrote a label.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_no_host_name() {
        for host in ["CNC-MILL-01", "srv01.contoso.local", "büro_3", " PC7 "] {
            assert!(is_host(host), "{host}");
        }
        for label in ["CNC-MILL-01 (spare)", "Ana's laptop", "", "  "] {
            assert!(!is_host(label), "{label}");
        }
    }

    #[test]
    fn i2_case_braces_dashes_space_and_nul_do_not_matter() {
        let plain = SmbiosUuid::parse("4C4C4544-0042-3510-8052-B3C04F4B4E32").unwrap();
        for text in [
            "{4c4c4544-0042-3510-8052-b3c04f4b4e32}",
            "4c4c454400423510 8052b3c04f4b4e32",
            " 4C4C4544-0042-3510-8052-B3C04F4B4E32\0\n",
        ] {
            assert_eq!(SmbiosUuid::parse(text), Some(plain), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_uuid_is_unknown() {
        for text in
            ["", "Not Settable", "Not", "2", "4C4C4544", "+C4C4544-0042-3510-8052-B3C04F4B4E3"]
        {
            assert_eq!(SmbiosUuid::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn swapping_reverses_the_first_three_groups_and_undoes_itself() {
        let windows = SmbiosUuid::parse("D2A64D56-0617-4363-8899-AABBCCDDEEFF").unwrap();
        let linux = SmbiosUuid::parse("564DA6D2-1706-6343-8899-AABBCCDDEEFF").unwrap();
        assert_eq!(windows.swapped(), linux);
        assert_eq!(linux.swapped(), windows);
    }

    #[test]
    fn a_dell_uuid_carries_its_service_tag() {
        let uuid = SmbiosUuid::parse("4C4C4544-0042-3510-8052-B3C04F4B4E32").unwrap();
        assert_eq!(uuid.dell_service_tag().as_deref(), Some("3B5RKN2"));
        assert_eq!(uuid.swapped().dell_service_tag(), None);
    }

    #[test]
    fn a_virtual_machine_spells_its_uuid_in_its_serial() {
        let serial =
            normal_serial("VMware-56 4d a6 d2 17 06 63 43-88 99 aa bb cc dd ee ff").unwrap();
        let uuid = uuid_in_serial(&serial).unwrap();
        assert_eq!(uuid.to_string(), "D2A64D56-0617-4363-8899-AABBCCDDEEFF");
        assert_eq!(uuid_in_serial("3B5RKN2"), None);
    }

    #[test]
    fn makers_and_hosts_have_one_spelling() {
        assert_eq!(normal_manufacturer("Dell Inc.").as_deref(), Some("DELL"));
        assert_eq!(normal_manufacturer("Hewlett-Packard").as_deref(), Some("HP"));
        assert_eq!(normal_manufacturer("HP").as_deref(), Some("HP"));
        assert_eq!(normal_manufacturer("LENOVO").as_deref(), Some("LENOVO"));
        assert_eq!(normal_manufacturer(" "), None);
        assert_eq!(normal_host("pc-042.acme.local").as_deref(), Some("PC-042"));
        assert_eq!(normal_serial(" 5cg1234xyz\0").as_deref(), Some("5CG1234XYZ"));
    }
}
