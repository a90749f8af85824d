//! R0: an agent that is known reports something new about its machine.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use core_model::entity::{Choice, Subject};
use core_model::hardware::{SmbiosUuid, normal_serial};
use core_model::junk::{comparable, junk_serial, junk_uuid};

use super::{Asked, Work};
use crate::input::AgentInput;

/// What an agent said of its machine while it had one UUID, junk left out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    uuid: SmbiosUuid,
    serials: BTreeSet<String>,
    installations: BTreeSet<String>,
    /// When it was first read by a script, or until when it held, or (of what inventory says now)
    /// since when the agent is known; Unix microseconds.
    at_us: i64,
    /// Read by a script.
    read: bool,
}

impl Work<'_> {
    /// Finds wipes, swapped boards and other hardware in each agent's own history.
    pub(super) fn apply_known(&mut self) {
        for number in 0..self.agents.len() {
            for at in wiped_in_place(&self.agents[number]) {
                self.wipes.entry(number).or_default().insert(at);
            }
            let told = identities(&self.agents[number]);
            for place in 1..told.len() {
                self.compare(number, &told, place);
            }
        }
    }

    /// Compares what was told at a place with what was told before it.
    fn compare(&mut self, number: usize, told: &[Identity], place: usize) {
        let (before, after) = (&told[place - 1], &told[place]);
        // An unreadable serial is unknown, never the same: then the same Windows must show it.
        let same = if before.serials.is_empty() || after.serials.is_empty() {
            !before.installations.is_disjoint(&after.installations)
        } else {
            !before.serials.is_disjoint(&after.serials)
        };
        if same {
            self.board_swapped.insert(number);
            return;
        }
        // A decision covers what was known when it was taken.
        let known_us = if after.read { after.at_us } else { before.at_us };
        let settled = self.settled_alone.get(&number).filter(|(_, at_us)| *at_us >= known_us);
        match settled.map(|(choice, _)| *choice) {
            Some(Choice::TwoMachines) => self.forget(number, told, place),
            Some(Choice::SameMachine) => {
                self.board_swapped.insert(number);
            }
            _ => {
                self.asked.insert(number, other_hardware(before, after));
            }
        }
    }

    /// The agent is on another machine now: what it said before that is somebody else's.
    fn forget(&mut self, number: usize, told: &[Identity], place: usize) {
        let (before, since) = told.split_at(place);
        let weighed = &mut self.weighed[number];
        let uuid = |told: &[Identity], uuid: &SmbiosUuid| {
            told.iter().any(|t| t.uuid == *uuid || t.uuid.swapped() == *uuid)
        };
        weighed.uuids.retain(|u| !uuid(before, u) || uuid(since, u));
        let serial =
            |told: &[Identity], serial: &String| told.iter().any(|t| t.serials.contains(serial));
        weighed.serials.retain(|s| !serial(before, s) || serial(since, s));
    }
}

fn other_hardware(before: &Identity, after: &Identity) -> Asked {
    let serials = |identity: &Identity| {
        let serials: Vec<&str> = identity.serials.iter().map(String::as_str).collect();
        if serials.is_empty() { "unknown".to_owned() } else { serials.join(", ") }
    };
    Asked {
        subject: Subject::OtherHardware,
        with: Vec::new(),
        evidence: vec![
            format!("UUID was {}, is {}", before.uuid, after.uuid),
            format!("serial was {}, is {}", serials(before), serials(after)),
        ],
        choices: vec![Choice::SameMachine, Choice::TwoMachines, Choice::AskLater],
    }
}

/// What the agent said over time, oldest first: inventory's history, its present word, and what
/// the machine itself printed. What was said of one UUID in a row is one.
fn identities(agent: &AgentInput) -> Vec<Identity> {
    let mut told: Vec<(i64, Identity)> = Vec::new();
    let mut tell = |words: [Option<&str>; 3], order_us: i64, at_us: i64, read: bool| {
        let [uuid, serial, installation] = words;
        let Some(uuid) = uuid.and_then(SmbiosUuid::parse) else { return };
        if junk_uuid(uuid).is_none() {
            let serial = serial.and_then(normal_serial).filter(|serial| !junk_serial(serial));
            let serials = serial.into_iter().collect();
            let installations = installation.map(comparable).into_iter().collect();
            told.push((order_us, Identity { uuid, serials, installations, at_us, read }));
        }
    };
    for earlier in agent.history.iter().chain(&agent.hardware_history) {
        if let Some((uuid, serial)) = earlier.value.split_once('|') {
            tell([Some(uuid), Some(serial), None], earlier.until_us, earlier.until_us, false);
        }
    }
    // Inventory is older than what the machine printed itself, for want of a better date.
    let facts = &agent.facts;
    let (present, since) = (i64::MAX - 1, agent.first_seen_us);
    tell([facts.uuid.as_deref(), facts.serial.as_deref(), None], present, since, false);
    if let Some(hardware) = &agent.hardware {
        let serial = hardware.serial.as_deref().or(facts.serial.as_deref());
        tell([hardware.uuid.as_deref(), serial, None], present, since, false);
    }
    for (place, input) in agent.readings.iter().enumerate() {
        let reading = &input.reading;
        let newest = place + 1 == agent.readings.len();
        let words = [&reading.uuid, &reading.serial, &reading.installation].map(Option::as_deref);
        tell(words, if newest { i64::MAX } else { input.at_us }, input.at_us, true);
    }
    told.sort_by_key(|(order_us, _)| *order_us);
    let mut identities: Vec<Identity> = Vec::new();
    for (_, next) in told {
        match identities.last_mut() {
            Some(last) if last.uuid == next.uuid || last.uuid == next.uuid.swapped() => {
                last.serials.extend(next.serials);
                last.installations.extend(next.installations);
                // Until when it held is the latest word; when it was first read, the first.
                if !last.read {
                    last.at_us = next.at_us;
                }
            }
            _ => identities.push(next),
        }
    }
    identities
}

/// Readings of one agent between which Windows was installed anew: another installation id *and* a
/// later install date. A feature update changes the date alone; what could not be read in between
/// says nothing.
fn wiped_in_place(agent: &AgentInput) -> Vec<DateTime<Utc>> {
    let mut wipes = Vec::new();
    let mut before: Option<(String, Option<DateTime<Utc>>)> = None;
    for input in &agent.readings {
        let installed = input.reading.os_installed;
        let read = input.reading.installation.as_deref().map(comparable);
        let Some(installation) = read.filter(|read| !read.is_empty()) else { continue };
        if let Some((old, old_installed)) = &before
            && *old != installation
            && installed > *old_installed
        {
            wipes.extend(installed);
        }
        let known = before.and_then(|(old, date)| (old == installation).then_some(date)).flatten();
        before = Some((installation, installed.or(known)));
    }
    wipes
}
