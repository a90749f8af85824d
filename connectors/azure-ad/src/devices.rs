//! The device objects of each directory.

use core_model::facts::DirectoryDeviceFacts;
use core_model::{Record, RecordKind};
use serde_json::value::RawValue;

use crate::delta::{Gathered, Spec};
use crate::wire::{self, Device, text};

/// `/devices/delta`. The object id is the key; the device id is what the machine itself knows.
pub(crate) const SPEC: Spec = Spec {
    operation: "GET /devices/delta",
    start: "devices/delta?$select=id,deviceId,displayName,trustType,operatingSystem,accountEnabled",
    version: 1,
    read,
};

fn read(raw: Box<RawValue>, directory: &str, into: &mut Gathered) {
    let mut device: Device = match wire::row(&raw) {
        Ok(device) => device,
        Err(rejected) => return into.reject(rejected),
    };
    device.id.make_ascii_lowercase();
    if device.removed.is_some() {
        return into.gone(RecordKind::DirectoryDevice, device.id);
    }
    let facts = DirectoryDeviceFacts {
        name: device.display_name.unwrap_or_default(),
        device_id: device_id(device.device_id).unwrap_or_default(),
        trust: text(device.trust_type).map(trust),
        os: text(device.operating_system),
        disabled: device.account_enabled == Some(false),
    };
    let record = Record::new(device.id, facts.into(), Box::<str>::from(raw));
    into.live(record.of_client(directory));
}

/// A device id, lower case; the all-zero one stands for "none".
pub(crate) fn device_id(id: Option<String>) -> Option<String> {
    let id = text(id)?.trim().to_ascii_lowercase();
    id.contains(|c: char| c != '0' && c != '-').then_some(id)
}

fn trust(kind: String) -> String {
    match kind.as_str() {
        "AzureAd" => "azure_ad".to_owned(),
        "ServerAd" => "server_ad".to_owned(),
        "Workplace" => "workplace".to_owned(),
        _ => kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_all_zero_device_id_is_none() {
        let id = |text: &str| device_id(Some(text.to_owned()));
        assert_eq!(id("00000000-0000-0000-0000-000000000000"), None);
        assert_eq!(id(" "), None);
        assert_eq!(device_id(None), None);
        assert_eq!(id("0000000A-0000-0000-0000-000000000000").unwrap().get(..8), Some("0000000a"));
    }
}
