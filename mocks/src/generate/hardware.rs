//! Firmware: makers, serial numbers and UUIDs, good and bad, and the spellings readers give them.

use std::collections::HashSet;

use super::dice::Dice;
use crate::world::MachineKind;

const TAG: &[u8] = b"0123456789BCDFGHJKLMNPQRSTVWXYZ";

/// UUIDs that makers left in, as Windows prints them; each also occurs in the other byte order.
pub(crate) const JUNK_UUIDS: &[&str] = &[
    "00000000-0000-0000-0000-000000000000",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "FEFEFEFE-FEFE-FEFE-FEFE-FEFEFEFEFEFE",
    "01010101-0101-0101-0101-010101010101",
    "03000200-0400-0500-0006-000700080009",
    "00020003-0004-0005-0006-000700080009",
    "03020100-0504-0706-0809-0A0B0C0D0E0F",
    "00010203-0405-0607-0809-0A0B0C0D0E0F",
    "10000000-0000-8000-0040-000000000000",
    "04030201-0605-0807-090A-0B0C0D0E0F10",
    "12345678-1234-5678-90AB-CDDEEFAABBCC",
    "FFFFFF00-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    "6AB5B300-538D-1014-9FB5-B0684D007B53",
    "4C4C4544-0000-2010-8020-80C04F202020",
];

/// Serial numbers that makers left in.
pub(crate) const PLACEHOLDERS: &[&str] = &[
    "To Be Filled By O.E.M.",
    "To be filled by O.E.M.",
    "Default string",
    "System Serial Number",
    "Chassis Serial Number",
    "Not Specified",
    "Not Applicable",
    "None",
    "N/A",
    "INVALID",
    "0",
    "00000000",
    "0123456789",
    "123456789",
    "SYS-1234567890",
    "Default_string",
    "empty",
    "xxxxxxxxxxx",
];

/// What the firmware of one machine says.
#[derive(Clone, Debug)]
pub(crate) struct Hardware {
    pub(crate) manufacturer: &'static str,
    pub(crate) model: &'static str,
    pub(crate) serial: String,
    pub(crate) uuid: String,
}

/// Makes hardware, no two with one serial number or one UUID.
#[derive(Default)]
pub(crate) struct Factory {
    serials: HashSet<String>,
}

impl Factory {
    /// A machine of the kind. `clonable` asks for a maker that is known to flash one image.
    pub(crate) fn make(&mut self, kind: MachineKind, clonable: bool, dice: &mut Dice) -> Hardware {
        loop {
            let made = if clonable { flashed(dice) } else { hardware(kind, dice) };
            if self.serials.insert(made.serial.clone()) {
                return made;
            }
        }
    }

    /// Serials that are out there already.
    pub(crate) fn knowing<'a>(serials: impl Iterator<Item = &'a str>) -> Self {
        Self { serials: serials.map(str::to_owned).collect() }
    }
}

/// One more machine for an estate that runs already.
pub(crate) fn fresh(kind: MachineKind, taken: impl Fn(&str) -> bool, dice: &mut Dice) -> Hardware {
    loop {
        let made = hardware(kind, dice);
        if !taken(&made.serial) {
            return made;
        }
    }
}

fn hardware(kind: MachineKind, dice: &mut Dice) -> Hardware {
    let portable = kind == MachineKind::Laptop;
    let server = matches!(kind, MachineKind::Server | MachineKind::DomainController);
    if kind == MachineKind::Virtual {
        return if dice.chance(0.3) { parallels(dice) } else { vmware(dice) };
    }
    match dice.below(100) {
        0..25 if server => vmware(dice),
        25..64 if server => dell("PowerEdge R740", dice),
        _ if server => {
            maker("HP", "ProLiant DL380 Gen10", format!("CZ{}", dice.text(TAG, 8)), dice)
        }
        0..38 if portable => dell("Latitude 5440", dice),
        0..38 => dell("OptiPlex 7010", dice),
        38..64 if portable => {
            maker("HP", "HP EliteBook 840 G10", format!("5CG{}", dice.text(TAG, 7)), dice)
        }
        38..64 => maker("HP", "HP EliteDesk 800 G6", format!("8CC{}", dice.text(TAG, 7)), dice),
        64..93 if portable => {
            maker("LENOVO", "21CBCTO1WW", format!("PF{}", dice.text(TAG, 6)), dice)
        }
        64..93 => maker("LENOVO", "11JN000CUS", format!("MJ{}", dice.text(TAG, 6)), dice),
        93..97 => maker("Microsoft Corporation", "Surface Laptop 5", dice.digits(12), dice),
        _ => flashed(dice),
    }
}

fn flashed(dice: &mut Dice) -> Hardware {
    match dice.below(3) {
        0 => maker("ASUSTeK COMPUTER INC.", "PRIME H510M-K", dice.text(TAG, 15), dice),
        1 => maker("Micro-Star International Co., Ltd.", "MS-7C96", dice.text(TAG, 12), dice),
        _ => maker("Gigabyte Technology Co., Ltd.", "B560M DS3H", dice.text(TAG, 12), dice),
    }
}

fn maker(
    manufacturer: &'static str,
    model: &'static str,
    serial: String,
    dice: &mut Dice,
) -> Hardware {
    Hardware { manufacturer, model, serial, uuid: random_uuid(dice) }
}

/// A UUID without structure, upper case with dashes.
pub(crate) fn random_uuid(dice: &mut Dice) -> String {
    dice.uuid().to_string().to_uppercase()
}

/// Dell builds the UUID out of the word DELL and the service tag.
fn dell(model: &'static str, dice: &mut Dice) -> Hardware {
    let serial = dice.text(TAG, 7);
    let tag = serial.as_bytes();
    let uuid = format!(
        "4C4C4544-00{:02X}-{:02X}10-80{:02X}-{:02X}C04F{:02X}{:02X}{:02X}",
        tag[1],
        tag[2],
        tag[3],
        tag[0] | 0x80,
        tag[4],
        tag[5],
        tag[6]
    );
    Hardware { manufacturer: "Dell Inc.", model, serial, uuid }
}

/// VMware's serial number lists the UUID's bytes as they are on the wire.
fn vmware(dice: &mut Dice) -> Hardware {
    let mut wire = *dice.uuid().as_bytes();
    (wire[0], wire[1]) = (0x56, 0x4D);
    let hex: Vec<String> = wire.iter().map(|b| format!("{b:02x}")).collect();
    let serial = format!("VMware-{}-{}", hex[..8].join(" "), hex[8..].join(" "));
    let uuid = swapped(&uuid::Uuid::from_bytes(wire).to_string());
    Hardware { manufacturer: "VMware, Inc.", model: "VMware Virtual Platform", serial, uuid }
}

fn parallels(dice: &mut Dice) -> Hardware {
    let wire = *dice.uuid().as_bytes();
    let hex: Vec<String> = wire.iter().map(|b| format!("{b:02X}")).collect();
    let serial = format!("Parallels-{}", hex.join(" "));
    let uuid = swapped(&uuid::Uuid::from_bytes(wire).to_string());
    Hardware {
        manufacturer: "Parallels Software International Inc.",
        model: "Parallels Virtual Platform",
        serial,
        uuid,
    }
}

/// The UUID in the other byte order (the first three groups reversed), upper case.
pub(crate) fn swapped(uuid: &str) -> String {
    let turn = |group: &str| -> String {
        (0..group.len() / 2).rev().filter_map(|at| group.get(at * 2..at * 2 + 2)).collect()
    };
    let groups: Vec<&str> = uuid.split('-').collect();
    match groups.as_slice() {
        [a, b, c, d, e] => [&turn(a), &turn(b), &turn(c), *d, *e].join("-").to_uppercase(),
        _ => uuid.to_uppercase(),
    }
}

/// A UUID as one reader or another spells it.
pub(crate) fn spelt(uuid: &str, dice: &mut Dice) -> String {
    match dice.below(20) {
        0..9 => uuid.to_uppercase(),
        9..14 => uuid.to_lowercase(),
        14..16 => format!("{{{}}}", uuid.to_uppercase()),
        16..18 => uuid.replace('-', ""),
        18 => format!("{} ", uuid.to_uppercase()),
        _ => format!("{}\0", uuid.to_lowercase()),
    }
}

/// Windows' OfflineInstallationID: 63 digits.
pub(crate) fn installation_id(dice: &mut Dice) -> String {
    dice.digits(63)
}
