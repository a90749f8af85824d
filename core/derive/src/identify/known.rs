//! R0: an agent that is known reports something new about its machine.

use chrono::{DateTime, Utc};
use core_model::entity::{Choice, Subject};
use core_model::hardware::{SmbiosUuid, normal_serial};
use core_model::junk::{junk_serial, junk_uuid};

use super::{Asked, Work};
use crate::input::AgentInput;

/// What an agent said of its machine at one time, junk left out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    uuid: Option<SmbiosUuid>,
    serial: Option<String>,
    installation: Option<String>,
    until_us: i64,
}

impl Work<'_> {
    /// Finds wipes, swapped boards and other hardware in each agent's own history.
    pub(super) fn apply_known(&mut self) {
        for number in 0..self.agents.len() {
            for at in wiped_in_place(&self.agents[number]) {
                self.wipes.entry(number).or_default().insert(at);
            }
            let told = identities(&self.agents[number]);
            for pair in told.windows(2) {
                self.compare(number, &pair[0], &pair[1]);
            }
        }
    }

    fn compare(&mut self, number: usize, before: &Identity, after: &Identity) {
        let (Some(old), Some(new)) = (before.uuid, after.uuid) else { return };
        if old == new || old == new.swapped() {
            return;
        }
        let other_serial = match (&before.serial, &after.serial) {
            (Some(old), Some(new)) => Some(old != new),
            _ => None,
        };
        if other_serial != Some(true) {
            self.board_swapped.insert(number);
        } else if !self.confirmed.contains(&number) {
            let asked = Asked {
                subject: Subject::OtherHardware,
                with: None,
                evidence: vec![
                    format!("UUID was {old}, is {new}"),
                    format!(
                        "serial was {}, is {}",
                        before.serial.as_deref().unwrap_or("unknown"),
                        after.serial.as_deref().unwrap_or("unknown")
                    ),
                ],
                choices: vec![Choice::SameMachine, Choice::TwoMachines, Choice::AskLater],
            };
            self.asked.insert(number, asked);
        }
    }
}

/// What the agent said over time, oldest first: inventory's history, its present word, and what
/// the machine itself printed.
fn identities(agent: &AgentInput) -> Vec<Identity> {
    let mut told: Vec<Identity> = Vec::new();
    let mut tell =
        |uuid: Option<&str>, serial: Option<&str>, installation: Option<&String>, until_us| {
            let uuid = uuid.and_then(SmbiosUuid::parse).filter(|uuid| junk_uuid(*uuid).is_none());
            let serial = serial.and_then(normal_serial).filter(|serial| !junk_serial(serial));
            if uuid.is_some() {
                told.push(Identity { uuid, serial, installation: installation.cloned(), until_us });
            }
        };
    for earlier in agent.history.iter().chain(&agent.hardware_history) {
        if let Some((uuid, serial)) = earlier.value.split_once('|') {
            tell(Some(uuid), Some(serial), None, earlier.until_us);
        }
    }
    // Inventory is older than what the machine printed itself, for want of a better date.
    let facts = &agent.facts;
    tell(facts.uuid.as_deref(), facts.serial.as_deref(), None, i64::MAX - 1);
    if let Some(hardware) = &agent.hardware {
        let serial = hardware.serial.as_deref().or(facts.serial.as_deref());
        tell(hardware.uuid.as_deref(), serial, None, i64::MAX - 1);
    }
    for input in &agent.readings {
        let reading = &input.reading;
        let installation = reading.installation.as_ref();
        tell(reading.uuid.as_deref(), reading.serial.as_deref(), installation, input.at_us);
    }
    let newest_reading = agent.readings.last().map(|input| input.at_us);
    for identity in &mut told {
        if Some(identity.until_us) == newest_reading {
            identity.until_us = i64::MAX;
        }
    }
    told.sort_by_key(|identity| identity.until_us);
    told
}

/// Readings of one agent between which Windows was installed anew: another installation id *and* a
/// later install date. A feature update changes the date alone.
fn wiped_in_place(agent: &AgentInput) -> Vec<DateTime<Utc>> {
    let readings = agent.readings.windows(2);
    readings
        .filter_map(|pair| {
            let (before, after) = (&pair[0].reading, &pair[1].reading);
            let other = before.installation.is_some()
                && after.installation.is_some()
                && before.installation != after.installation;
            let later = after.os_installed > before.os_installed;
            (other && later).then_some(after.os_installed).flatten()
        })
        .collect()
}
