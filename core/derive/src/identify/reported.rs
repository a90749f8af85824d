//! R2: the machine itself, or a record, names the agent of another connection.
//!
//! Golden images and copied disks carry such names to other machines, and so does the agent of
//! another provider's server. A name that several machines have is nobody's, and none counts
//! against hardware that says otherwise.

use std::collections::BTreeMap;

use core_model::entity::Rule;

use super::Work;
use super::group::{Group, Relation};

impl Work<'_> {
    /// Joins agents whose machine names them, all claims at once.
    pub(super) fn apply_reported_ids(&mut self) {
        for (target, claimants) in self.claims() {
            self.join_claimants(target, &claimants, "the machine reported this agent's id");
        }
        for (holder, readers) in self.devices() {
            self.join_claimants(holder, &readers, "the machine reported this directory device");
        }
    }

    /// Agents, each with those whose machine or record names it.
    fn claims(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut by_id: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
        for (number, agent) in self.agents.iter().enumerate() {
            let key = agent.record.key.to_lowercase();
            by_id.entry((&agent.connector, key)).or_default().push(number);
        }
        let mut claims: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, weighed) in self.weighed.iter().enumerate() {
            for (kind, id) in &weighed.claims {
                let named = by_id.get(&(kind.as_str(), id.to_lowercase())).map(Vec::as_slice);
                if let Some([target]) = named
                    && *target != number
                {
                    claims.entry(*target).or_default().push(number);
                }
            }
        }
        claims
    }

    /// The first agent whose record names a device of the directory, with all others that are on
    /// it.
    fn devices(&self) -> BTreeMap<usize, Vec<usize>> {
        let mut holders: BTreeMap<&str, usize> = BTreeMap::new();
        for (number, agent) in self.agents.iter().enumerate() {
            if let Some(device) = &agent.facts.directory_device {
                holders.entry(device).or_insert(number);
            }
        }
        let mut devices: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, weighed) in self.weighed.iter().enumerate() {
            let device = weighed.directory_device.as_deref();
            if let Some(&holder) = device.and_then(|device| holders.get(device))
                && holder != number
            {
                devices.entry(holder).or_default().push(number);
            }
        }
        devices
    }

    fn join_claimants(&mut self, target: usize, claimants: &[usize], why: &str) {
        let mut all: Vec<usize> = claimants.iter().copied().filter(|&n| self.free(n)).collect();
        all.push(target);
        if !self.free(target) || self.several_machines(&all) {
            return;
        }
        for &claimant in all.iter().filter(|&&n| n != target) {
            let (a, b) = (self.group(target), self.group(claimant));
            if self.union.root(target) == self.union.root(claimant) || plainly_two(&a, &b) {
                continue;
            }
            let both: Vec<usize> = a.members.iter().chain(&b.members).copied().collect();
            if self.several_machines(&both) {
                continue;
            }
            let relation = self.relate(&a, &b);
            let pairs = self.of_one_connection(&a, &b);
            if self.join(target, claimant, Rule::R2, why) {
                self.retire_predecessors(&pairs, &relation);
            }
        }
    }

    /// One machine has one agent of a connection: the younger replaced the older one.
    fn retire_predecessors(&mut self, pairs: &[(usize, usize)], relation: &Relation) {
        self.retired.extend(pairs.iter().map(|(old, _)| *old));
        if let (Some((_, new)), Relation::Replaced { wiped: Some(at), .. }) =
            (pairs.first(), relation)
        {
            self.wipes.entry(*new).or_default().insert(*at);
        }
    }

    /// Whether two of these are of one connection and were alive at once.
    fn several_machines(&self, agents: &[usize]) -> bool {
        agents.iter().enumerate().any(|(place, &x)| {
            agents[..place]
                .iter()
                .any(|&y| x != y && self.of_connection(x, y) && self.alive_together(x, y))
        })
    }
}

/// The hardware says that they are two: what names the agent was copied, or is another server's.
fn plainly_two(a: &Group, b: &Group) -> bool {
    let same_windows = a.shares_installation(b);
    let other_uuid = a.other_uuid(b) && !a.shares_serial(b);
    let other_serial = a.other_serial(b) && !a.may_share_uuid(b);
    (!same_windows && (other_uuid || other_serial))
        || (a.other_serial(b) && a.other_installation(b))
}
