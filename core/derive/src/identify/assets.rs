//! Whose assets are whose: by what they say of the machine, and by nothing that the hub told them.
//!
//! The hub writes serials and agents' ids into assets. Read back, they would be evidence of whatever it
//! believed when it wrote them: an asset would follow a wrong join for ever. So what it wrote is left
//! out, and of an asset that it made it remembers for which computer that was.

use std::collections::{BTreeMap, HashMap};

use core_model::entity::Computer;
use core_model::facts::AssetFacts;
use core_model::hardware::normal_serial;
use core_model::id::ComputerId;

use super::{IdentifyInput, Work};
use crate::input::AssetInput;

/// Computers by what an asset may say of them.
struct Names<'a> {
    by_agent: HashMap<(&'a str, String), ComputerId>,
    by_serial: BTreeMap<String, Vec<ComputerId>>,
}

/// Assets by the agents they name, else by the real serial of exactly one computer.
pub(super) fn attach(
    input: &IdentifyInput<'_>,
    work: &Work<'_>,
    computer_of: &HashMap<usize, ComputerId>,
    computers: &mut [Computer],
) {
    let mut names = Names { by_agent: HashMap::new(), by_serial: BTreeMap::new() };
    for (&number, &computer) in computer_of {
        let agent = &work.agents[number];
        names.by_agent.insert((&agent.connector, agent.record.key.to_lowercase()), computer);
    }
    for computer in computers.iter() {
        if let Some(serial) = &computer.serial {
            names.by_serial.entry(serial.clone()).or_default().push(computer.id);
        }
    }
    let place: HashMap<ComputerId, usize> =
        computers.iter().enumerate().map(|(place, computer)| (computer.id, place)).collect();
    for asset in input.assets {
        let made_for = asset.made_for.filter(|id| place.contains_key(id));
        let found = names
            .said(&independent(asset))
            .or(made_for)
            // Better than to lose it: there is nothing else to go by.
            .or_else(|| names.said(&asset.facts));
        if let Some(&place) = found.and_then(|id| place.get(&id)) {
            let record = &asset.record;
            computers[place].assets.push((record.connection.clone(), record.key.clone()));
        }
    }
    for computer in computers {
        computer.assets.sort();
    }
}

/// What an asset says that the hub did not tell it.
fn independent(asset: &AssetInput) -> AssetFacts {
    let told = |value: &str| asset.own.contains(&value.trim().to_lowercase());
    let mut facts = asset.facts.clone();
    facts.elsewhere.retain(|(_, id)| !told(id));
    facts.serial = facts.serial.filter(|serial| !told(serial));
    facts
}

impl Names<'_> {
    /// The computer of which an asset with these facts is.
    fn said(&self, facts: &AssetFacts) -> Option<ComputerId> {
        let named = facts
            .elsewhere
            .iter()
            .find_map(|(kind, id)| self.by_agent.get(&(kind.as_str(), id.to_lowercase())));
        let by_serial = || {
            let serial = facts.serial.as_deref().and_then(normal_serial)?;
            match self.by_serial.get(&serial).map(Vec::as_slice) {
                Some([only]) => Some(*only),
                _ => None,
            }
        };
        named.copied().or_else(by_serial)
    }
}
