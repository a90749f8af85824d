//! R2 to R8, each applied to all agents of a tenant at once.

use std::collections::{BTreeMap, BTreeSet};

use core_model::entity::{Choice, Rule, Subject};
use core_model::hardware::SmbiosUuid;

use super::group::{Group, Relation};
use super::{Asked, Work};

impl Work<'_> {
    /// A UUID that is live on agents with different serials and different installations in one
    /// window of time identifies none of them.
    pub(super) fn learn_clones(&mut self) {
        for (uuid, having) in self.by_uuid() {
            for (i, &a) in having.iter().enumerate() {
                for &b in &having[i + 1..] {
                    let (x, y) = (self.group_of(&[a]), self.group_of(&[b]));
                    if self.relate(&x, &y, Rule::R3) == Relation::Clone {
                        for number in [a, b] {
                            self.clones.insert(number);
                            self.learned_junk.entry(number).or_default().insert(uuid);
                        }
                    }
                }
            }
        }
    }

    /// R2: the machine itself, or a record, names the agent of another connection.
    pub(super) fn apply_reported_ids(&mut self) {
        let mut by_id: BTreeMap<(&str, String), Vec<usize>> = BTreeMap::new();
        let mut by_device: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (number, agent) in self.agents.iter().enumerate() {
            let key = agent.record.key.to_lowercase();
            by_id.entry((&agent.connector, key)).or_default().push(number);
            if let Some(device) = &agent.facts.directory_device {
                by_device.entry(device).or_default().push(number);
            }
        }
        let mut pairs = Vec::new();
        for (number, weighed) in self.weighed.iter().enumerate() {
            for (kind, id) in &weighed.claims {
                if let Some([other]) =
                    by_id.get(&(kind.as_str(), id.to_lowercase())).map(Vec::as_slice)
                {
                    pairs.push((number, *other, "the machine reported this agent's id"));
                }
            }
            if let Some(device) = &weighed.directory_device {
                for &other in by_device.get(device.as_str()).into_iter().flatten() {
                    pairs.push((number, other, "the machine reported this directory device"));
                }
            }
        }
        for (a, b, why) in pairs {
            if a != b && self.free(a) && self.free(b) && !self.two_machines(a, b) {
                self.join(b, a, Rule::R2, why);
            }
        }
    }

    /// What a machine says of its agents counts, unless both have answered and are plainly two.
    fn two_machines(&self, a: usize, b: usize) -> bool {
        let differ =
            |x: Option<&String>, y: Option<&String>| matches!((x, y), (Some(x), Some(y)) if x != y);
        let (x, y) = (&self.weighed[a], &self.weighed[b]);
        differ(x.installations.first(), y.installations.first())
            && differ(x.serials.first(), y.serials.first())
    }

    /// R3 and R4: the same good UUID.
    pub(super) fn apply_uuids(&mut self) {
        for having in self.by_uuid().into_values() {
            self.settle_sets(&having, Rule::R3);
        }
    }

    /// The same UUID in the other byte order: evidence only with one more field that agrees.
    pub(super) fn apply_swapped(&mut self) {
        let by_uuid = self.by_uuid();
        for (uuid, having) in &by_uuid {
            let swapped = uuid.swapped();
            if swapped <= *uuid {
                continue;
            }
            let Some(others) = by_uuid.get(&swapped) else { continue };
            for &a in having {
                for &b in others {
                    self.settle_swapped(a, b);
                }
            }
        }
    }

    fn settle_swapped(&mut self, a: usize, b: usize) {
        if self.union.root(a) == self.union.root(b) || self.kept_apart(a, b) {
            return;
        }
        let (x, y) = (self.group(a), self.group(b));
        let shares = |left: &BTreeSet<String>, right: &BTreeSet<String>| !left.is_disjoint(right);
        if shares(&x.serials, &y.serials) || shares(&x.installations, &y.installations) {
            let relation = self.relate(&x, &y, Rule::R3);
            self.carry_out(&x, &y, relation);
        } else {
            let seen = ["same UUID in the other byte order", "no other field agrees"];
            let evidence = seen.map(str::to_owned).to_vec();
            self.carry_out(&x, &y, Relation::Ask(evidence));
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
            let with_uuid = having.iter().any(|&number| !self.weighed[number].uuids.is_empty());
            self.settle_sets(&having, if with_uuid { Rule::R6 } else { Rule::R7 });
        }
    }

    /// Joins what is one machine among the sets of these agents: surest first, and again until
    /// nothing more follows; then what is left open is asked.
    fn settle_sets(&mut self, having: &[usize], rule: Rule) {
        while let Some((a, b, relation)) = self.surest(having, rule) {
            self.carry_out(&a, &b, relation);
        }
        for (a, b, relation) in self.pairs(having, rule) {
            self.carry_out(&a, &b, relation);
        }
    }

    /// The surest join among the sets. One that rests on the identity alone counts only where no
    /// third set has a claim to either side.
    fn surest(&self, having: &[usize], rule: Rule) -> Option<(Group, Group, Relation)> {
        let pairs = self.pairs(having, rule);
        let sure = |relation: &Relation| {
            matches!(relation, Relation::Same { strong: true, .. } | Relation::Replaced { .. })
        };
        if let Some(found) = pairs.iter().find(|(_, _, relation)| sure(relation)) {
            return Some(found.clone());
        }
        let weak: Vec<_> = pairs
            .iter()
            .filter(|(_, _, relation)| matches!(relation, Relation::Same { .. }))
            .collect();
        let contested = |group: &Group| {
            let apart = |(a, b, relation): &&(Group, Group, Relation)| {
                let touches = a.members == group.members || b.members == group.members;
                touches && !matches!(relation, Relation::Same { .. })
            };
            pairs.iter().any(|pair| apart(&pair))
        };
        weak.into_iter().find(|(a, b, _)| !contested(a) && !contested(b)).cloned()
    }

    /// Every two different sets of these agents, with how they are related.
    fn pairs(&self, having: &[usize], rule: Rule) -> Vec<(Group, Group, Relation)> {
        let roots: BTreeSet<usize> =
            having.iter().filter(|&&n| self.free(n)).map(|&n| self.union.root(n)).collect();
        let groups: Vec<Group> = roots.iter().map(|&root| self.group(root)).collect();
        let mut pairs = Vec::new();
        for (i, a) in groups.iter().enumerate() {
            for b in &groups[i + 1..] {
                if !self.kept_apart(a.members[0], b.members[0]) {
                    pairs.push((a.clone(), b.clone(), self.relate(a, b, rule)));
                }
            }
        }
        pairs
    }

    fn carry_out(&mut self, a: &Group, b: &Group, relation: Relation) {
        let (known, newcomer) = self.known_first(a, b);
        match relation {
            Relation::Same { rule, why, .. } => {
                self.join(newcomer, known, rule, &why);
            }
            Relation::Replaced { old, new, rule, why, wiped } => {
                if self.join(new, old, rule, &why) {
                    self.retired.insert(old);
                    if let Some(at) = wiped {
                        self.wipes.entry(new).or_default().insert(at);
                    }
                }
            }
            Relation::Clone => {
                self.clones.extend([known, newcomer]);
            }
            Relation::Wait(why) => {
                for &member in &self.group(newcomer).members {
                    self.waiting.entry(member).or_insert_with(|| why.clone());
                }
            }
            Relation::Ask(evidence) => {
                let asked = Asked {
                    subject: Subject::SameMachine,
                    with: Some(known),
                    evidence,
                    choices: vec![
                        Choice::ReInstalled,
                        Choice::Wiped,
                        Choice::SameMachine,
                        Choice::TwoMachines,
                        Choice::AskLater,
                    ],
                };
                if !self.confirmed.contains(&newcomer) {
                    self.asked.entry(newcomer).or_insert(asked);
                }
            }
        }
    }

    /// Of two groups the one that is better known first: with more agents and evidence, then the
    /// one that was there earlier.
    fn known_first(&self, a: &Group, b: &Group) -> (usize, usize) {
        let rank = |group: &Group| {
            let first = group.members.iter().map(|&n| self.agents[n].since()).min();
            (
                group.uuids.is_empty(),
                !group.answered,
                std::cmp::Reverse(group.members.len()),
                first,
                group.members[0],
            )
        };
        let (x, y) = (a.members[0], b.members[0]);
        if rank(a) <= rank(b) { (x, y) } else { (y, x) }
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
                self.confirmed.contains(n)
                    || self.asked.contains_key(n)
                    || self.refused.contains_key(n)
                    || self.waiting.contains_key(n)
            });
            if known || settled {
                continue;
            }
            let first = set[0];
            if group.can_be_asked && !group.answered {
                self.waiting.insert(first, "nothing is known yet; the machine is asked".to_owned());
            } else {
                self.asked
                    .insert(first, unidentifiable(&group, self.agents[first].facts.host.as_str()));
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
        for (serial, roots) in by_serial {
            let groups: Vec<Group> = roots.iter().map(|&root| self.group(root)).collect();
            for (i, a) in groups.iter().enumerate() {
                for b in &groups[i + 1..] {
                    if self.plainly_two(a, b) || self.kept_apart(a.members[0], b.members[0]) {
                        continue;
                    }
                    let seen =
                        format!("same serial {serial}, of a maker who does not vouch for it");
                    let unread = |group: &Group| !group.answered && group.can_be_asked;
                    let relation = if unread(a) || unread(b) {
                        Relation::Wait(format!("{seen}; the machine is asked"))
                    } else {
                        Relation::Ask(vec![seen])
                    };
                    self.carry_out(a, b, relation);
                }
            }
        }
    }

    /// Both have answered, and not with the same installation; or both are clones of one another.
    fn plainly_two(&self, a: &Group, b: &Group) -> bool {
        let clone = |group: &Group| group.members.iter().any(|n| self.clones.contains(n));
        let installations_differ = !a.installations.is_empty()
            && !b.installations.is_empty()
            && a.installations.is_disjoint(&b.installations);
        (clone(a) && clone(b)) || (installations_differ && a.uuids.is_disjoint(&b.uuids))
    }

    /// Agents by the good UUIDs they have, of those that take part.
    fn by_uuid(&self) -> BTreeMap<SmbiosUuid, Vec<usize>> {
        let mut by_uuid: BTreeMap<SmbiosUuid, Vec<usize>> = BTreeMap::new();
        for number in 0..self.agents.len() {
            if self.free(number) {
                for uuid in self.group_of(&[number]).uuids {
                    by_uuid.entry(uuid).or_default().push(number);
                }
            }
        }
        by_uuid.retain(|_, having| !having.is_empty());
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
        with: None,
        evidence: vec![
            heard.to_owned(),
            format!("only its host name is known: {host}; a host name never identifies"),
        ],
        choices: vec![Choice::TwoMachines, Choice::AskLater],
    }
}
