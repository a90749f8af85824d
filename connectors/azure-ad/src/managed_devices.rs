//! The computers that Intune manages: agents that cannot run scripts, but name machine, device and
//! user. Graph has no delta for them, so each read is a full one.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Changes, Error, ErrorKind, Page, Proof, Result, Resume, Scope, Source};
use core_http::Answer;
use core_model::dates::{BadDate, instant};
use core_model::facts::AgentFacts;
use core_model::observation::Logon;
use core_model::record::{Presence, Rejected};
use core_model::{Checkpoint, Record};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::Graph;
use crate::devices::device_id;
use crate::directories::Directories;
use crate::listing::Tally;
use crate::wire::{self, ManagedDevice, RowsPage, text};

pub(crate) const OPERATION: &str = "GET /deviceManagement/managedDevices";

const START: &str = "deviceManagement/managedDevices?$top=999&$count=true&$select=id,\
    azureADDeviceId,deviceName,serialNumber,manufacturer,model,operatingSystem,osVersion,\
    userPrincipalName,enrolledDateTime,lastSyncDateTime";

/// The stream.
pub(crate) struct ManagedDevices {
    graph: Arc<Graph>,
    directories: Arc<Directories>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    base: String,
    link: String,
    tally: Tally,
}

impl ManagedDevices {
    /// The stream.
    pub(crate) fn new(graph: Arc<Graph>, directories: Arc<Directories>) -> Self {
        Self { graph, directories }
    }

    fn place(&self, from: &Resume) -> Result<Place> {
        let base = self.graph.base();
        match from {
            Resume::Start => {
                Ok(Place { base: base.to_owned(), link: START.to_owned(), tally: Tally::default() })
            }
            Resume::From(checkpoint) => {
                let place = checkpoint.read::<Place>().ok().filter(|place| place.base == base);
                place.ok_or_else(|| {
                    let detail = "the checkpoint is of another address";
                    Error::new(ErrorKind::CheckpointExpired, OPERATION, detail)
                })
            }
        }
    }

    fn read(answer: &Answer, place: &Place, directory: &str) -> Result<Page> {
        let page = RowsPage::read(answer, &place.link, &place.base)?;
        let tally = place.tally.and(&page);
        let (checkpoint, proof) = match page.next {
            Some(link) => {
                let next = Place { base: place.base.clone(), link, tally };
                let checkpoint = Checkpoint::of(&next)
                    .map_err(|e| Error::new(ErrorKind::Protocol, OPERATION, e.to_string()))?;
                (Some(checkpoint), Proof::More)
            }
            None => (None, Proof::Ended { how: tally.end(OPERATION)? }),
        };
        let (mut records, mut rejected) = (Vec::with_capacity(page.rows.len()), Vec::new());
        for raw in page.rows {
            match agent(raw, directory) {
                Ok(record) => records.extend(record),
                Err(bad) => rejected.push(bad),
            }
        }
        Ok(Page { records, gone: Vec::new(), rejected, checkpoint, proof, bytes: page.bytes })
    }
}

#[async_trait]
impl Source for ManagedDevices {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn scopes(&self) -> Result<Vec<Scope>> {
        self.directories.scopes().await
    }

    async fn page(&self, scope: &Scope, from: Resume) -> Result<Page> {
        let place = self.place(&from)?;
        let read = |answer: &Answer| Self::read(answer, &place, &scope.key);
        self.graph.get(&scope.key, &place.link, OPERATION, read).await
    }
}

/// The agent in a row; `None` where the device is no computer.
fn agent(raw: Box<RawValue>, directory: &str) -> std::result::Result<Option<Record>, Rejected> {
    let mut device: ManagedDevice = wire::row(&raw)?;
    if !device.operating_system.as_deref().is_some_and(is_computer) {
        return Ok(None);
    }
    device.id.make_ascii_lowercase();
    let bad_date =
        |path: &str, error: &BadDate| wire::rejected(&device.id, path, &error.to_string(), &raw);
    let read_date = |date: &Option<String>, path: &str| {
        instant(date.as_deref().unwrap_or_default()).map_err(|error| bad_date(path, &error))
    };
    let added = read_date(&device.enrolled_date_time, "$.enrolledDateTime")?;
    let last_seen = read_date(&device.last_sync_date_time, "$.lastSyncDateTime")?;
    let user = text(device.user_principal_name);
    let facts = AgentFacts {
        host: device.device_name.unwrap_or_default(),
        serial: text(device.serial_number),
        manufacturer: text(device.manufacturer),
        model: text(device.model),
        os: text(device.operating_system),
        os_version: text(device.os_version),
        directory_device: device_id(device.azure_ad_device_id),
        assigned_upn: user.clone(),
        added,
        ..AgentFacts::default()
    };
    let record = Record::with_volatile_fields(device.id, facts.into(), Box::<str>::from(raw))
        .of_client(directory)
        .seen(Presence { online: None, last_seen });
    Ok(Some(match user {
        Some(account) => record.logged_on(Logon { account, source: "azure-ad".to_owned() }),
        None => record,
    }))
}

/// Windows, macOS or Linux: phones, tablets and Chromebooks are nothing to maintain.
fn is_computer(system: &str) -> bool {
    let system = system.trim().to_ascii_lowercase();
    let is_phone = system.contains("phone") || system.contains("mobile");
    !is_phone && ["windows", "mac", "linux"].iter().any(|name| system.starts_with(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::facts::Facts;
    use serde_json::json;

    fn read(row: &serde_json::Value) -> std::result::Result<Option<Record>, Rejected> {
        agent(RawValue::from_string(row.to_string()).unwrap(), "dir")
    }

    #[test]
    fn a_phone_is_no_computer() {
        for system in
            ["iOS", "iPadOS", "Android", "AndroidForWork", "Windows Phone", "ChromeOS", ""]
        {
            assert!(!is_computer(system), "{system}");
            assert!(read(&json!({"id": "A", "operatingSystem": system})).unwrap().is_none());
        }
        for system in ["Windows", "macOS", "Mac OS X", "Linux", "linux (ubuntu)"] {
            assert!(is_computer(system), "{system}");
        }
    }

    #[test]
    fn a_shared_computer_has_no_user_and_the_last_contact_is_no_content() {
        let row = |at: &str| {
            json!({"id": "A", "operatingSystem": "Windows", "deviceName": "PC",
            "userPrincipalName": "", "lastSyncDateTime": at, "enrolledDateTime": "0001-01-01T00:00:00Z",
            "azureADDeviceId": "00000000-0000-0000-0000-000000000000"})
        };
        let monday = read(&row("2026-11-23T10:00:00Z")).unwrap().unwrap();
        let tuesday = read(&row("2026-11-24T10:00:00Z")).unwrap().unwrap();
        assert_eq!(monday.hash, tuesday.hash);
        assert_ne!(monday.presence, tuesday.presence);
        assert!(monday.logons.is_empty());
        let Facts::Agent(facts) = &monday.facts else { panic!("{:?}", monday.facts) };
        let none = (&None, &None, &None);
        assert_eq!(
            (&facts.assigned_upn, &facts.directory_device, &facts.added.map(|_| "".to_owned())),
            none
        );
        assert!(!facts.runs_scripts);
    }

    #[test]
    fn a_bad_date_is_a_bad_row() {
        let row = json!({"id": "A", "operatingSystem": "Windows", "lastSyncDateTime": "soon"});
        let rejected = read(&row).unwrap_err();
        assert_eq!((rejected.key.as_deref(), &*rejected.path), (Some("a"), "$.lastSyncDateTime"));
    }
}
