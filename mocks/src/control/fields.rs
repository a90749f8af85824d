//! The fields of a session that filters and reports name.

use chrono::{DateTime, Utc};

use super::session::{machine_domain, operating_system, private_address};
use super::view::View;
use crate::automate::hardware;

/// A value of a field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    Text(String),
    Number(f64),
    Flag(bool),
    /// None: never.
    Time(Option<DateTime<Utc>>),
}

/// Reads a field.
pub(super) type Getter = fn(&View<'_>) -> Field;

/// The getter of a field, its name compared without regard to case.
pub(super) fn getter(name: &str) -> Option<Getter> {
    let found = FIELDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, getter)| *getter)
}

/// The name of a session type.
pub(super) fn session_type(kind: u8) -> &'static str {
    match kind {
        0 => "Support",
        1 => "Meeting",
        _ => "Access",
    }
}

/// All of them, for the catalogue of reports.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FIELDS.iter().map(|(name, _)| *name)
}

const FIELDS: [(&str, Getter); 45] = [
    ("SessionID", |v| text(v.session.id.to_string())),
    ("SessionType", |v| text(session_type(v.session.kind))),
    ("Name", |v| text(&v.session.name)),
    ("Host", |_| text("")),
    ("Code", |_| text("")),
    ("IsPublic", |_| Field::Flag(false)),
    ("IsEnded", |v| Field::Flag(v.session.ended)),
    ("CreatedTime", |v| Field::Time(Some(v.session.added))),
    ("CustomProperty1", |v| text(&v.session.properties[0])),
    ("CustomProperty2", |v| text(&v.session.properties[1])),
    ("CustomProperty3", |v| text(&v.session.properties[2])),
    ("CustomProperty4", |v| text(&v.session.properties[3])),
    ("CustomProperty5", |v| text(&v.session.properties[4])),
    ("CustomProperty6", |v| text(&v.session.properties[5])),
    ("CustomProperty7", |v| text(&v.session.properties[6])),
    ("CustomProperty8", |v| text(&v.session.properties[7])),
    ("HostConnectedCount", |_| Field::Number(0.0)),
    ("GuestConnectedCount", |v| Field::Number(f64::from(u8::from(v.online())))),
    ("ConnectionCount", |v| Field::Number(f64::from(u8::from(v.session.machine.is_some())))),
    ("EventCount", |v| number(v.session.events.len() as u64)),
    ("GuestClientVersion", |v| text(v.client_version())),
    ("GuestInfoUpdateTime", |v| Field::Time(v.reported())),
    ("GuestLastActivityTime", |v| Field::Time(v.active())),
    ("GuestLastBootTime", |v| Field::Time(v.started())),
    ("GuestLoggedOnUserName", |v| text(v.user().unwrap_or_default().1)),
    ("GuestLoggedOnUserDomain", |v| text(v.user().unwrap_or_default().0)),
    ("GuestMachineName", |v| text(&v.session.host)),
    ("GuestMachineDomain", |v| text(machine_domain(v))),
    ("GuestMachineSerialNumber", |v| text(&v.session.serial)),
    ("GuestMachineManufacturerName", |v| text(v.machine.map_or("", |m| m.manufacturer.as_str()))),
    ("GuestMachineModel", |v| text(v.machine.map_or("", |m| m.model.as_str()))),
    ("GuestMachineProductNumber", |_| text("")),
    ("GuestMachineDescription", |_| text("")),
    ("GuestOperatingSystemName", |v| text(operating_system(v))),
    ("GuestOperatingSystemVersion", |v| text(v.machine.map_or("", |m| m.os_version.as_str()))),
    ("GuestPrivateNetworkAddress", |v| text(private_address(v))),
    ("GuestNetworkAddress", |v| {
        text(v.machine.map(|m| hardware::public_address(m.tenant)).unwrap_or_default())
    }),
    ("GuestHardwareNetworkAddress", |v| {
        text(v.session.machine.map(|m| hardware::mac(m, ":")).unwrap_or_default())
    }),
    ("GuestProcessorName", |v| text(v.session.machine.map_or("", |m| hardware::processor(m).0))),
    ("GuestSystemMemoryTotalMegabytes", |v| {
        number(v.session.machine.map_or(0, hardware::memory_total))
    }),
    ("LastConnectedEventTime", |v| Field::Time(v.guest_connected())),
    ("LastGuestConnectedEventTime", |v| Field::Time(v.guest_connected())),
    ("LastGuestDisconnectedEventTime", |v| Field::Time(v.guest_disconnected())),
    ("LastEventTime", |v| Field::Time(v.last_event())),
    ("GuestIsLocalAdminPresent", |_| Field::Flag(false)),
];

fn text(value: impl Into<String>) -> Field {
    Field::Text(value.into())
}

fn number(value: u64) -> Field {
    // Counts and megabytes stay far below where a double is no longer exact.
    Field::Number(value as f64)
}
