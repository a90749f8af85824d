//! Managed devices of Intune.
//!
//! A listing has null or 0 for what only a single read with `$select` tells (`ethernetMacAddress`,
//! `physicalMemoryInBytes`, and in beta `hardwareInformation`).

use serde_json::json;
use uuid::Uuid;

use super::super::index::{Index, Rows};
use super::super::wire::Value;
use super::Shown::{Always, Silent};
use super::{Entity, FIELDS, Print, Prop, Source, print_of};
use crate::world::{DirectoryNo, IntuneDevice, Machine, Mark, Person, World};

impl Entity for IntuneDevice {
    const TYPE: &'static str = "managedDevice";
    const SET: &'static str = "deviceManagement/managedDevices";

    fn all(world: &World) -> &[Self] {
        &world.intune_devices
    }

    fn rows(index: &Index) -> &Rows {
        &index.managed
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

    fn for_good(&self) -> bool {
        true
    }

    fn print(&self, _: &World) -> Print {
        let mut prints = [None; FIELDS];
        prints[0] = print_of(Some(&self.host));
        prints
    }
}

/// What a single read with `$select` tells, and a listing does not.
pub(in super::super) fn single_only(device: &IntuneDevice, name: &str) -> Option<Value<'static>> {
    let (high, low) = device.id.as_u64_pair();
    match name {
        "ethernetMacAddress" => Some(Value::owned(mac_address(low))),
        "physicalMemoryInBytes" => Some(Value::Int(if high % 2 == 0 { 16 } else { 32 } << 30)),
        "hardwareInformation" => Some(Value::Json(json!({
            "serialNumber": device.serial,
            "totalStorageSpace": 512_u64 << 30,
            "freeStorageSpace": 256_u64 << 30,
            "isEncrypted": true,
            "wiredIPv4Addresses": [],
        }))),
        _ => None,
    }
}

fn machine<'w>(
    device: &IntuneDevice,
    source: Source<'w>,
    make: impl FnOnce(&'w Machine) -> Value<'w>,
) -> Value<'w> {
    source.world.machines.get(device.machine).map_or(Value::Null, make)
}

/// The enrolled user; Intune has empty text where there is none.
fn person<'w>(
    device: &IntuneDevice,
    source: Source<'w>,
    make: impl FnOnce(&'w Person) -> Value<'w>,
) -> Value<'w> {
    let person = device.person.and_then(|no| source.world.persons.get(no));
    person.map_or(Value::text(""), make)
}

fn mac_address(seed: u64) -> String {
    format!("{:012X}", seed & 0xFCFF_FFFF_FFFF)
}

const fn prop(
    name: &'static str,
    get: for<'w> fn(&'w IntuneDevice, Source<'w>) -> Value<'w>,
) -> Prop<IntuneDevice> {
    Prop::new(name, Always, 0, get)
}

static PROPS: &[Prop<IntuneDevice>] = &[
    prop("id", |d, _| Value::Id(d.id)),
    prop("userId", |d, s| person(d, s, |p| Value::Id(p.id))),
    prop("deviceName", |d, _| Value::text(&d.host)),
    prop("managedDeviceOwnerType", |_, _| Value::text("company")),
    prop("enrolledDateTime", |d, _| Value::Time(d.mark.created)),
    prop("lastSyncDateTime", |d, _| Value::Time(d.last_sync)),
    prop("operatingSystem", |_, _| Value::text("Windows")),
    prop("complianceState", |_, _| Value::text("compliant")),
    prop("jailBroken", |_, _| Value::text("Unknown")),
    prop("managementAgent", |_, _| Value::text("mdm")),
    prop("osVersion", |d, s| machine(d, s, |m| Value::text(&m.os_version))),
    prop("easActivated", |_, _| Value::Bool(false)),
    prop("easDeviceId", |_, _| Value::text("")),
    prop("azureADRegistered", |_, _| Value::Bool(true)),
    prop("deviceEnrollmentType", |_, _| Value::text("windowsAzureADJoin")),
    prop("emailAddress", |d, s| {
        person(d, s, |p| p.mail.as_ref().map_or(Value::text(""), |m| Value::text(m)))
    }),
    prop("azureADDeviceId", |d, _| Value::Id(d.device_id)),
    prop("deviceRegistrationState", |_, _| Value::text("registered")),
    prop("deviceCategoryDisplayName", |_, _| Value::text("Unknown")),
    prop("isSupervised", |_, _| Value::Bool(false)),
    prop("isEncrypted", |_, _| Value::Bool(true)),
    prop("userPrincipalName", |d, s| person(d, s, |p| Value::text(&p.upn))),
    prop("model", |d, s| machine(d, s, |m| Value::text(&m.model))),
    prop("manufacturer", |d, s| machine(d, s, |m| Value::text(&m.manufacturer))),
    prop("imei", |_, _| Value::text("")),
    prop("serialNumber", |d, _| Value::text(&d.serial)),
    prop("phoneNumber", |_, _| Value::text("")),
    prop("userDisplayName", |d, s| person(d, s, |p| Value::text(&p.display_name))),
    prop("wiFiMacAddress", |d, _| Value::owned(mac_address(d.id.as_u64_pair().0))),
    prop("subscriberCarrier", |_, _| Value::text("")),
    prop("meid", |_, _| Value::text("")),
    prop("totalStorageSpaceInBytes", |_, _| Value::Int(512 << 30)),
    prop("freeStorageSpaceInBytes", |_, _| Value::Int(256 << 30)),
    prop("managedDeviceName", |d, _| Value::owned(format!("{}_Windows", d.host))),
    prop("managementState", |_, _| Value::text("managed")),
    prop("partnerReportedThreatState", |_, _| Value::text("unknown")),
    prop("requireUserEnrollmentApproval", |_, _| Value::Bool(false)),
    prop("iccid", |_, _| Value::Null),
    prop("udid", |_, _| Value::Null),
    prop("notes", |_, _| Value::Null),
    prop("ethernetMacAddress", |_, _| Value::Null),
    prop("physicalMemoryInBytes", |_, _| Value::Int(0)),
    prop("enrollmentProfileName", |_, _| Value::Null),
    prop("exchangeAccessState", |_, _| Value::text("none")),
    prop("exchangeAccessStateReason", |_, _| Value::text("none")),
    prop("activationLockBypassCode", |_, _| Value::Null),
    prop("androidSecurityPatchLevel", |_, _| Value::text("")),
    prop("deviceActionResults", |_, _| Value::List(Vec::new())),
    Prop::never("hardwareInformation", Silent),
    Prop::never("configurationManagerClientEnabledFeatures", Silent),
    Prop::never("deviceHealthAttestationState", Silent),
    Prop::never("complianceGracePeriodExpirationDateTime", Silent),
    Prop::never("easActivationDateTime", Silent),
    Prop::never("exchangeLastSuccessfulSyncDateTime", Silent),
    Prop::never("managementCertificateExpirationDate", Silent),
    Prop::never("remoteAssistanceSessionErrorDetails", Silent),
    Prop::never("remoteAssistanceSessionUrl", Silent),
    Prop::never("deviceType", Silent),
    Prop::never("joinType", Silent),
];
