//! Device objects of the directory. They have no serial number: that is Intune's.

use std::borrow::Cow;

use serde_json::json;
use uuid::Uuid;

use super::super::index::{Index, Rows};
use super::super::wire::Value;
use super::Shown::{Always, Selected, Silent};
use super::{Entity, FIELDS, Print, Prop, Source, domain_sid, print_of};
use crate::world::{DirectoryNo, EntraDevice, Machine, Mark, World};

const HOST: u16 = 1;
const SYSTEM: u16 = 1 << 1;
const TRUST: u16 = 1 << 2;
const CURRENT: u16 = 1 << 3;
const DEVICE_ID: u16 = 1 << 4;

/// Intune's app id, in `mdmAppId`.
const INTUNE: &str = "0000000a-0000-0000-c000-000000000000";

impl Entity for EntraDevice {
    const TYPE: &'static str = "device";
    const SET: &'static str = "devices";

    fn all(world: &World) -> &[Self] {
        &world.entra_devices
    }

    fn rows(index: &Index) -> &Rows {
        &index.devices
    }

    fn props() -> &'static [Prop<Self>] {
        PROPS
    }

    fn id(&self) -> Uuid {
        self.id
    }

    fn directory(&self) -> DirectoryNo {
        self.directory
    }

    fn mark(&self) -> &Mark {
        &self.mark
    }

    /// Devices have no bin.
    fn for_good(&self) -> bool {
        true
    }

    fn print(&self, world: &World) -> Print {
        let machine = world.machines.get(self.machine);
        let mut prints = [None; FIELDS];
        prints[0] = print_of(machine.map(|m| host(self, m)));
        prints[1] = print_of(machine.map(|m| (&m.os, &m.os_version)));
        prints[2] = print_of(Some(&self.trust));
        prints[3] = print_of(Some(self.current));
        prints[4] = print_of(Some(self.device_id));
        prints
    }
}

fn machine<'w>(
    device: &EntraDevice,
    source: Source<'w>,
    make: impl FnOnce(&'w Machine) -> Value<'w>,
) -> Value<'w> {
    source.world.machines.get(device.machine).map_or(Value::Null, make)
}

/// The host name it is known under: what is left over from before a wipe keeps the name of then.
fn host<'w>(device: &EntraDevice, machine: &'w Machine) -> &'w str {
    let then = machine.earlier.iter().rev().filter(|_| !device.current);
    let mut then = then.skip_while(|i| i.os_installed > device.mark.created);
    then.next()
        .or(machine.earlier.first().filter(|_| !device.current))
        .map_or(&machine.host, |i| &i.host)
}

/// Whether Intune manages it.
fn is_managed(device: &EntraDevice, source: Source<'_>) -> bool {
    source
        .index
        .enrolled
        .get(&device.device_id)
        .and_then(|no| source.world.intune_devices.get(*no as usize))
        .is_some_and(|i| i.mark.gone.is_none() && i.directory == device.directory)
}

fn managed(device: &EntraDevice, source: Source<'_>, value: Value<'static>) -> Value<'static> {
    if is_managed(device, source) { value } else { Value::Null }
}

const fn always(
    name: &'static str,
    fields: u16,
    get: for<'w> fn(&'w EntraDevice, Source<'w>) -> Value<'w>,
) -> Prop<EntraDevice> {
    Prop::new(name, Always, fields, get)
}

static PROPS: &[Prop<EntraDevice>] = &[
    always("id", 0, |d, _| Value::Id(d.id)),
    Prop::never("deletedDateTime", Always),
    always("accountEnabled", CURRENT, |_, _| Value::Bool(true)),
    always("approximateLastSignInDateTime", 0, |d, s| {
        machine(d, s, |m| {
            let last = m.logons.last().filter(|_| d.current).map(|(at, _)| *at);
            Value::Time(last.unwrap_or(d.mark.modified))
        })
    }),
    Prop::never("complianceExpirationDateTime", Always),
    Prop::never("createdDateTime", Silent),
    Prop::never("deviceCategory", Always),
    always("deviceId", DEVICE_ID, |d, _| Value::Id(d.device_id)),
    Prop::never("deviceMetadata", Always),
    always("deviceOwnership", CURRENT, |d, s| managed(d, s, Value::text("Company"))),
    always("deviceVersion", 0, |_, _| Value::Int(2)),
    always("displayName", HOST, |d, s| machine(d, s, |m| Value::text(host(d, m)))),
    Prop::never("domainName", Silent),
    Prop::never("enrollmentProfileName", Always),
    always("enrollmentType", CURRENT, |d, s| managed(d, s, Value::text("AzureDomainJoined"))),
    always("isCompliant", CURRENT, |d, s| managed(d, s, Value::Bool(true))),
    always("isManaged", CURRENT, |d, s| managed(d, s, Value::Bool(true))),
    Prop::never("isRooted", Always),
    always("managementType", CURRENT, |d, s| managed(d, s, Value::text("MDM"))),
    always("manufacturer", CURRENT, |d, s| {
        if is_managed(d, s) { machine(d, s, |m| Value::text(&m.manufacturer)) } else { Value::Null }
    }),
    always("mdmAppId", CURRENT, |d, s| managed(d, s, Value::text(INTUNE))),
    always("model", CURRENT, |d, s| {
        if is_managed(d, s) { machine(d, s, |m| Value::text(&m.model)) } else { Value::Null }
    }),
    always("onPremisesLastSyncDateTime", TRUST, |d, _| {
        if d.trust == "ServerAd" { Value::Time(d.mark.modified) } else { Value::Null }
    }),
    always("onPremisesSecurityIdentifier", TRUST, |d, s| {
        let dns = s.world.directories.get(d.directory).and_then(|d| d.on_premises.as_ref());
        match dns {
            Some((dns, _)) if d.trust == "ServerAd" => Value::owned(domain_sid(dns, d.id)),
            _ => Value::Null,
        }
    }),
    always("onPremisesSyncEnabled", TRUST, |d, _| {
        if d.trust == "ServerAd" { Value::Bool(true) } else { Value::Null }
    }),
    always("operatingSystem", 0, |_, _| Value::text("Windows")),
    always("operatingSystemVersion", SYSTEM, |d, s| machine(d, s, |m| Value::text(&m.os_version))),
    always("physicalIds", 0, |d, _| {
        let own = quarter(d.id);
        Value::List(vec![
            Cow::Owned(format!("[HWID]:h:{own}")),
            Cow::Owned(format!("[GID]:g:{}", quarter(d.device_id))),
        ])
    }),
    always("profileType", 0, |_, _| Value::text("RegisteredDevice")),
    always("registrationDateTime", 0, |d, _| Value::Time(d.mark.created)),
    Prop::empty("systemLabels", Always),
    always("trustType", TRUST, |d, _| Value::text(&d.trust)),
    Prop::new("alternativeSecurityIds", Selected, 0, |d, _| {
        Value::Json(
            json!([{"type": 2, "identityProvider": null, "key": d.device_id.simple().to_string()}]),
        )
    }),
    Prop::never("isManagementRestricted", Selected),
    Prop::never("extensionAttributes", Silent),
    Prop::never("hostnames", Silent),
];

fn quarter(id: Uuid) -> u64 {
    let (high, _) = id.as_u64_pair();
    high >> 12
}
