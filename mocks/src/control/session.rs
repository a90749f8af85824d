//! A session as JSON.
//!
//! Types are numbers, moments have seven digits of fraction and a `Z`, and what never happened
//! happened at `0001-01-01T00:00:00`, without a zone. `Name` is blank for most unattended
//! clients, and nowhere is there an SMBIOS UUID.

use chrono::{DateTime, Timelike, Utc};
use serde_json::{Value, json};

use super::view::View;
use crate::automate::hardware;
use crate::world::ControlEvent;

/// `ProcessType` of a guest.
const GUEST: u8 = 2;

/// A moment as Control writes it.
pub(super) fn moment(at: Option<DateTime<Utc>>) -> String {
    match at {
        None => "0001-01-01T00:00:00".to_owned(),
        Some(at) => {
            let fraction = (at.nanosecond() % 1_000_000_000) / 100;
            format!("{}.{fraction:07}Z", at.format("%Y-%m-%dT%H:%M:%S"))
        }
    }
}

/// The session of lists and details.
pub(super) fn json(view: &View<'_>) -> Value {
    let session = view.session;
    let mut connections = Vec::new();
    if view.online() {
        connections.push(json!({
            "ConnectionID": view.connection(),
            "ProcessType": GUEST,
            "ParticipantName": "",
            "ConnectedTime": moment(view.guest_connected()),
        }));
    }
    let address = view.machine.map(|machine| hardware::public_address(machine.tenant));
    json!({
        "SessionID": session.id,
        "SessionType": session.kind,
        "Name": session.name,
        "Host": "",
        "IsPublic": false,
        "Code": "",
        "IsEnded": session.ended,
        "CustomPropertyValues": session.properties,
        "ActiveConnections": connections,
        "GuestNetworkAddress": address.unwrap_or_default(),
        "GuestClientVersion": view.client_version(),
        "GuestInfoUpdateTime": moment(view.reported()),
        "LastConnectedEventTime": moment(view.guest_connected()),
        "LastGuestConnectedEventTime": moment(view.guest_connected()),
        "LastGuestDisconnectedEventTime": moment(view.guest_disconnected()),
        "LastEventTime": moment(view.last_event()),
        "GuestInfo": guest(view),
    })
}

/// `GetSessionDetailsBySessionID`.
pub(super) fn details(view: &View<'_>) -> Value {
    let connections: Vec<Value> =
        view.session.machine.map(|_| connection(view)).into_iter().collect();
    let events: Vec<Value> = view.session.events.iter().map(|row| event(view, row)).collect();
    json!({
        "Session": json(view),
        "Connections": connections,
        "Events": events,
        "BaseTime": moment(Some(view.now)),
    })
}

fn connection(view: &View<'_>) -> Value {
    let disconnected = if view.online() { None } else { view.guest_disconnected() };
    json!({
        "ConnectionID": view.connection(),
        "ProcessType": GUEST,
        "ParticipantName": "",
        "NetworkAddress": view
            .machine
            .map(|machine| hardware::public_address(machine.tenant))
            .unwrap_or_default(),
        "ClientType": 3,
        "ClientVersion": view.client_version(),
        "ConnectedTime": moment(view.guest_connected()),
        "DisconnectedTime": moment(disconnected),
    })
}

fn event(view: &View<'_>, row: &ControlEvent) -> Value {
    // What the guest did (ran a command, took a message) hangs on its connection.
    let connection = (row.kind >= 70 && row.kind < 100).then(|| view.connection());
    json!({
        "EventID": row.id,
        "EventType": row.kind,
        "Time": moment(Some(row.at)),
        "Host": row.host,
        "Data": row.data,
        "ConnectionID": connection,
        "CorrelationEventID": null,
    })
}

fn guest(view: &View<'_>) -> Value {
    let (domain, user) = view.user().unwrap_or_default();
    let number = view.session.machine;
    let machine = view.machine;
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let (processor, cores) = number.map_or(("", 0), hardware::processor);
    json!({
        "MachineName": view.session.host,
        "MachineDomain": machine_domain(view),
        "MachineSerialNumber": view.session.serial,
        "MachineManufacturerName": text(machine.map(|machine| machine.manufacturer.as_str())),
        "MachineModel": text(machine.map(|machine| machine.model.as_str())),
        "MachineProductNumber": "",
        "MachineDescription": "",
        "LoggedOnUserName": user,
        "LoggedOnUserDomain": domain,
        "OperatingSystemName": operating_system(view),
        "OperatingSystemVersion": text(machine.map(|machine| machine.os_version.as_str())),
        "ProcessorName": processor,
        "ProcessorVirtualCount": cores,
        "SystemMemoryTotalMegabytes": number.map_or(0, hardware::memory_total),
        "SystemMemoryAvailableMegabytes":
            number.map_or(0, |number| hardware::memory_free(number, view.now)),
        "PrivateNetworkAddress": private_address(view),
        "HardwareNetworkAddress":
            number.map(|number| hardware::mac(number, ":")).unwrap_or_default(),
        "LastBootTime": moment(view.started()),
        "LastActivityTime": moment(view.active()),
        "TimeZoneName": "W. Europe Standard Time",
        "IsLocalAdminPresent": false,
    })
}

/// The domain, or the workgroup.
pub(super) fn machine_domain(view: &View<'_>) -> String {
    let domain = view.machine.map(|machine| hardware::domain(view.world, machine));
    match domain {
        None => String::new(),
        Some(None) => "WORKGROUP".to_owned(),
        Some(Some((_, netbios))) => netbios.clone(),
    }
}

/// `Windows 11 Pro`: without the maker and the architecture that Automate writes.
pub(super) fn operating_system(view: &View<'_>) -> String {
    let os = view.machine.map(|machine| machine.os.as_str()).unwrap_or_default();
    os.trim_start_matches("Microsoft ").trim_end_matches(" x64").to_owned()
}

/// The address in the office.
pub(super) fn private_address(view: &View<'_>) -> String {
    match (view.session.machine, view.machine) {
        (Some(number), Some(machine)) => hardware::private_address(number, machine.tenant),
        _ => String::new(),
    }
}
