//! What is known about the machine behind an agent, weighed: junk and placeholders identify
//! nothing, and what could not be read is unknown, never different.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use core_model::entity::Evidence;
use core_model::hardware::{
    SmbiosUuid, normal_host, normal_manufacturer, normal_serial, uuid_in_serial,
};
use core_model::junk::{comparable, junk_serial, junk_uuid};

use crate::input::AgentInput;
use crate::policy::IdentificationPolicy;

/// Weighed evidence of one agent.
#[derive(Clone, Debug, Default)]
pub struct Weighed {
    /// Good UUIDs, the one that holds now first.
    pub uuids: Vec<SmbiosUuid>,
    /// Where the first was read.
    pub uuid_source: Option<String>,
    /// A reported UUID that identifies nothing, and why.
    pub junk: Option<(String, &'static str)>,
    /// Real serials: the one that holds now first.
    pub serials: Vec<String>,
    /// Maker in one spelling.
    pub manufacturer: Option<String>,
    /// Host name in one spelling.
    pub host: Option<String>,
    /// Ids of the installation (of Windows, or of the hub's own runner); the one that holds now first.
    pub installations: Vec<String>,
    /// When the system was installed.
    pub os_installed: Option<DateTime<Utc>>,
    /// Device id in the directory.
    pub directory_device: Option<String>,
    /// Agent ids that the machine or the record knows: (connector kind, id).
    pub claims: BTreeSet<(String, String)>,
    /// The machine has answered.
    pub answered: bool,
}

impl Weighed {
    /// Weighs what is known about an agent.
    #[must_use]
    pub fn of(agent: &AgentInput, policy: &IdentificationPolicy) -> Self {
        let mut weighed = Self::default();
        weighed.read_machine(agent, policy);
        weighed.read_inventory(agent, policy);
        weighed.claims.extend(agent.facts.elsewhere.iter().cloned());
        weighed
    }

    /// The maker vouches for its serials.
    #[must_use]
    pub fn trusted(&self, policy: &IdentificationPolicy) -> bool {
        self.manufacturer.as_ref().is_some_and(|maker| policy.trusted_manufacturers.contains(maker))
    }

    /// As it is shown.
    #[must_use]
    pub fn shown(&self) -> Evidence {
        Evidence {
            uuid: self.uuids.first().copied(),
            other_uuids: self.uuids.iter().skip(1).copied().collect(),
            junk_uuid: self.junk.as_ref().map(|(value, why)| format!("{value}: {why}")),
            uuid_source: self.uuid_source.clone(),
            serial: self.serials.first().cloned(),
            manufacturer: self.manufacturer.clone(),
            host: self.host.clone(),
            installation: self.installations.first().cloned(),
            os_installed: self.os_installed,
            directory_device: self.directory_device.clone(),
            agents: self.claims.iter().cloned().collect(),
        }
    }

    /// What the machine itself printed; the newest reading counts first.
    fn read_machine(&mut self, agent: &AgentInput, policy: &IdentificationPolicy) {
        for input in agent.readings.iter().rev() {
            let reading = &input.reading;
            self.answered = true;
            self.add_uuid(reading.uuid.as_deref(), "script", policy);
            self.add_serial(reading.serial.as_deref(), policy);
            if self.manufacturer.is_none() {
                self.manufacturer = reading.manufacturer.as_deref().and_then(normal_manufacturer);
            }
            if self.host.is_none() {
                self.host = reading.host.as_deref().and_then(normal_host);
            }
            if let Some(id) = reading.installation.as_deref().map(comparable)
                && !id.is_empty()
                && !self.installations.contains(&id)
            {
                self.installations.push(id);
            }
            self.os_installed = self.os_installed.or(reading.os_installed);
            if self.directory_device.is_none() {
                self.directory_device.clone_from(&reading.directory_device);
            }
        }
        // Only the newest reading speaks for the agents that are on the machine now.
        if let Some(newest) = agent.readings.last() {
            self.claims.extend(newest.reading.agents.iter().cloned());
        }
    }

    fn read_inventory(&mut self, agent: &AgentInput, policy: &IdentificationPolicy) {
        let facts = &agent.facts;
        if let Some(hardware) = &agent.hardware {
            self.add_uuid(hardware.uuid.as_deref(), &agent.connector, policy);
            self.add_serial(hardware.serial.as_deref(), policy);
            self.manufacturer = self
                .manufacturer
                .take()
                .or_else(|| hardware.manufacturer.as_deref().and_then(normal_manufacturer));
        }
        self.add_uuid(facts.uuid.as_deref(), &agent.connector, policy);
        self.add_serial(facts.serial.as_deref(), policy);
        self.manufacturer = self
            .manufacturer
            .take()
            .or_else(|| facts.manufacturer.as_deref().and_then(normal_manufacturer));
        self.host = self.host.take().or_else(|| normal_host(&facts.host));
        self.directory_device =
            self.directory_device.take().or_else(|| facts.directory_device.clone());
        // What the machine itself printed is better known.
        if self.installations.is_empty()
            && let Some(id) = facts.installation.as_deref().map(comparable)
            && !id.is_empty()
        {
            self.installations.push(id);
        }
        let earlier = agent.hardware_history.iter().chain(&agent.history).rev();
        for (uuid, serial) in earlier.filter_map(|earlier| earlier.value.split_once('|')) {
            self.add_uuid(Some(uuid), &agent.connector, policy);
            self.add_serial(Some(serial), policy);
        }
    }

    fn add_uuid(&mut self, text: Option<&str>, source: &str, policy: &IdentificationPolicy) {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else { return };
        let Some(uuid) = SmbiosUuid::parse(text) else {
            self.junk.get_or_insert((text.trim().to_owned(), "no UUID"));
            return;
        };
        let banned = |text: &String| {
            SmbiosUuid::parse(text).is_some_and(|junk| junk == uuid || junk == uuid.swapped())
        };
        if let Some(why) = junk_uuid(uuid) {
            self.junk.get_or_insert((uuid.to_string(), why));
        } else if policy.junk_uuids.iter().any(banned) {
            self.junk.get_or_insert((uuid.to_string(), "on the list of the settings"));
        } else if !self.uuids.contains(&uuid) {
            self.uuid_source.get_or_insert_with(|| source.to_owned());
            self.uuids.push(uuid);
        }
    }

    fn add_serial(&mut self, text: Option<&str>, policy: &IdentificationPolicy) {
        let Some(serial) = text.and_then(normal_serial) else { return };
        if let Some(uuid) = uuid_in_serial(&serial) {
            self.add_uuid(Some(&uuid.to_string()), "serial", policy);
        }
        let banned = |junk: &String| comparable(junk) == comparable(&serial);
        if !junk_serial(&serial)
            && !policy.junk_serials.iter().any(banned)
            && !self.serials.contains(&serial)
        {
            self.serials.push(serial);
        }
    }
}
