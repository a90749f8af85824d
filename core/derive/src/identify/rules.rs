//! R3 to R8, each applied to all agents of a tenant at once.

use std::collections::{BTreeMap, BTreeSet};

use core_model::entity::{Choice, Rule, Subject};
use core_model::hardware::SmbiosUuid;

use super::group::{Group, Relation, wait_or_ask};
use super::settle::Ground;
use super::{Asked, Work};

impl Work<'_> {
    /// A UUID that is live on agents with different serials and different installations in one
    /// window of time identifies nobody in this tenant.
    pub(super) fn learn_clones(&mut self) {
        for (uuid, having) in self.by_uuid() {
            let groups: Vec<Group> = having.iter().map(|&n| self.group_of(&[n])).collect();
            for (i, a) in groups.iter().enumerate() {
                for b in &groups[..i] {
                    let (x, y) = (a.members[0], b.members[0]);
                    let known = self.clones.contains(&x) && self.clones.contains(&y);
                    if !known && !self.put_together(x, y) && self.relate(a, b) == Relation::Clone {
                        self.clones.extend([x, y]);
                        self.shared_uuids.insert(uuid);
                    }
                }
            }
        }
    }

    /// R3 and R4: the same good UUID.
    pub(super) fn apply_uuids(&mut self) {
        for having in self.by_uuid().into_values() {
            self.settle_sets(&having, Ground::Uuid);
        }
    }

    /// The same UUID in the other byte order.
    pub(super) fn apply_swapped(&mut self) {
        let by_uuid = self.by_uuid();
        for (uuid, having) in &by_uuid {
            let swapped = uuid.swapped();
            if swapped > *uuid
                && let Some(others) = by_uuid.get(&swapped)
            {
                let all: Vec<usize> = having.iter().chain(others).copied().collect();
                self.settle_sets(&all, Ground::Swapped);
            }
        }
    }

    /// R6 and R7: the same real serial of a trusted maker.
    pub(super) fn apply_serials(&mut self) {
        let mut by_serial: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
        for (number, weighed) in self.weighed.iter().enumerate() {
            if let Some(maker) = &weighed.manufacturer
                && self.free(number)
                && weighed.trusted(self.policy)
            {
                for serial in &weighed.serials {
                    by_serial.entry((maker.clone(), serial.clone())).or_default().push(number);
                }
            }
        }
        for having in by_serial.into_values() {
            let with_uuid = having.iter().any(|&number| self.good_uuids(number).next().is_some());
            let rule = if with_uuid { Rule::R6 } else { Rule::R7 };
            self.settle_sets(&having, Ground::Serial(rule));
        }
    }

    /// R8, and what cannot be identified at all.
    pub(super) fn apply_leftovers(&mut self) {
        self.ask_about_untrusted_serials();
        for set in self.union.sets() {
            let group = self.group_of(&set);
            let known = !group.uuids.is_empty()
                || !group.serials.is_empty()
                || !group.installations.is_empty();
            let settled = set.iter().any(|n| {
                self.confirmed.contains(n) || !self.free(*n) || self.waiting.contains_key(n)
            });
            if known || settled {
                continue;
            }
            if group.can_be_asked && !group.answered {
                let why = "nothing is known yet; the machine is asked";
                self.waiting.extend(set.iter().map(|&n| (n, why.to_owned())));
            } else if let [only] = set[..] {
                // Several that name one another are a computer, whatever it is.
                let host = self.agents[only].facts.host.as_str();
                self.asked.insert(only, unidentifiable(&group, host));
            }
        }
    }

    /// Sets that share a real serial whose maker does not vouch for it: not joined, and not two
    /// computers either before the machine, or a human, has spoken.
    fn ask_about_untrusted_serials(&mut self) {
        let mut by_serial: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for number in 0..self.agents.len() {
            if self.free(number) {
                for serial in &self.weighed[number].serials {
                    let root = self.union.root(number);
                    by_serial.entry(serial.clone()).or_default().insert(root);
                }
            }
        }
        for roots in by_serial.into_values() {
            let groups: Vec<Group> = roots.iter().map(|&root| self.group(root)).collect();
            for (i, a) in groups.iter().enumerate() {
                for b in &groups[..i] {
                    if !self.plainly_two(a, b) && !self.kept_apart(a.members[0], b.members[0]) {
                        let seen = &["same serial", "its maker does not vouch for it"];
                        self.leave_two(b, a, &wait_or_ask(a, b, seen));
                    }
                }
            }
        }
    }

    /// Each has its own good UUID, or its own Windows; or both are clones of one another.
    fn plainly_two(&self, a: &Group, b: &Group) -> bool {
        let clone = |group: &Group| group.members.iter().any(|n| self.clones.contains(n));
        (clone(a) && clone(b)) || a.other_uuid(b) || (a.other_installation(b) && !a.shares_uuid(b))
    }

    /// Agents by the good UUIDs they have, of those that take part.
    fn by_uuid(&self) -> BTreeMap<SmbiosUuid, Vec<usize>> {
        let mut by_uuid: BTreeMap<SmbiosUuid, Vec<usize>> = BTreeMap::new();
        for number in (0..self.agents.len()).filter(|&number| self.free(number)) {
            for uuid in self.good_uuids(number) {
                by_uuid.entry(uuid).or_default().push(number);
            }
        }
        by_uuid
    }
}

fn unidentifiable(group: &Group, host: &str) -> Asked {
    let heard = if group.answered {
        "the machine answered, and nothing it said identifies it"
    } else {
        "the machine has not answered: it is off, or no script can be run on it"
    };
    Asked {
        subject: Subject::Unidentifiable,
        with: Vec::new(),
        evidence: vec![
            heard.to_owned(),
            format!("only its host name is known: {host}; a host name never identifies"),
        ],
        choices: vec![Choice::TwoMachines, Choice::AskLater],
    }
}
