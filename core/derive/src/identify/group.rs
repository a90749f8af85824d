//! What several agents that are one machine know together, and how two such groups are related.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use core_model::entity::Rule;
use core_model::hardware::SmbiosUuid;

use super::Work;

/// The agents of one set, with their evidence taken together.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) members: Vec<usize>,
    /// Those that are neither gone nor of the computer's past.
    pub(super) live: Vec<usize>,
    pub(super) uuids: BTreeSet<SmbiosUuid>,
    pub(super) serials: BTreeSet<String>,
    pub(super) installations: BTreeSet<String>,
    pub(super) hosts: BTreeSet<String>,
    pub(super) os_installed: Option<DateTime<Utc>>,
    pub(super) answered: bool,
    pub(super) can_be_asked: bool,
}

/// How sure it is that two groups are one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    /// The identity alone says so.
    Identity,
    /// A further field agrees.
    Agreeing,
    /// They run the same Windows.
    System,
    /// A human says so.
    Human,
}

/// How two groups are related.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// One machine.
    Same { strength: Strength },
    /// One machine; the older agents of a connection that both have belong to its past.
    Replaced { rule: Rule, why: &'static str, wiped: Option<DateTime<Utc>>, strength: Strength },
    /// Two machines with one identity.
    Clone,
    /// The machine's own answer is missing, and can be had.
    Wait(&'static [&'static str]),
    /// Nothing tells.
    Ask(&'static [&'static str]),
    /// A human says that they are two.
    Apart,
}

impl Relation {
    /// How sure it is that they are one, where they seem to be.
    pub(super) fn strength(&self) -> Option<Strength> {
        match self {
            Self::Same { strength } | Self::Replaced { strength, .. } => Some(*strength),
            _ => None,
        }
    }
}

impl Group {
    pub(super) fn shares_serial(&self, other: &Self) -> bool {
        !self.serials.is_disjoint(&other.serials)
    }

    pub(super) fn other_serial(&self, other: &Self) -> bool {
        !self.serials.is_empty() && !other.serials.is_empty() && !self.shares_serial(other)
    }

    pub(super) fn shares_installation(&self, other: &Self) -> bool {
        !self.installations.is_disjoint(&other.installations)
    }

    pub(super) fn other_installation(&self, other: &Self) -> bool {
        !self.installations.is_empty()
            && !other.installations.is_empty()
            && !self.shares_installation(other)
    }

    pub(super) fn shares_uuid(&self, other: &Self) -> bool {
        !self.uuids.is_disjoint(&other.uuids)
    }

    /// Both have one good UUID, in one byte order or the other.
    pub(super) fn may_share_uuid(&self, other: &Self) -> bool {
        let either =
            |uuid: &SmbiosUuid| other.uuids.contains(uuid) || other.uuids.contains(&uuid.swapped());
        self.uuids.iter().any(either)
    }

    /// Both have a good UUID, and not the same one in either byte order.
    pub(super) fn other_uuid(&self, other: &Self) -> bool {
        !self.uuids.is_empty() && !other.uuids.is_empty() && !self.may_share_uuid(other)
    }

    fn shares_host(&self, other: &Self) -> bool {
        !self.hosts.is_disjoint(&other.hosts)
    }

    fn other_host(&self, other: &Self) -> bool {
        !self.hosts.is_empty() && !other.hosts.is_empty() && !self.shares_host(other)
    }
}

impl Work<'_> {
    /// The group of a set, by any of its members.
    pub(super) fn group(&self, member: usize) -> Group {
        self.group_of(self.union.set(member))
    }

    /// The group of given members.
    pub(super) fn group_of(&self, members: &[usize]) -> Group {
        let mut group = Group::default();
        for &member in members {
            self.add(&mut group, member);
        }
        group
    }

    fn add(&self, group: &mut Group, number: usize) {
        let (agent, weighed) = (&self.agents[number], &self.weighed[number]);
        group.members.push(number);
        if !agent.gone && !self.retired.contains(&number) {
            group.live.push(number);
        }
        group.uuids.extend(self.good_uuids(number));
        group.serials.extend(weighed.serials.iter().cloned());
        group.installations.extend(weighed.installations.first().cloned());
        group.hosts.extend(weighed.host.iter().cloned());
        group.os_installed = group.os_installed.max(weighed.os_installed);
        group.answered |= weighed.answered;
        group.can_be_asked |= agent.can_be_asked();
    }

    /// The UUIDs by which an agent can be recognised, the present one first.
    pub(super) fn good_uuids(&self, number: usize) -> impl Iterator<Item = SmbiosUuid> + '_ {
        let junk = self.learned_junk.get(&number);
        self.weighed[number].uuids.iter().copied().filter(move |uuid| {
            !self.shared_uuids.contains(uuid) && junk.is_none_or(|junk| !junk.contains(uuid))
        })
    }

    /// How two groups are related that have an identity in common.
    pub(super) fn relate(&self, a: &Group, b: &Group) -> Relation {
        let pairs = self.of_one_connection(a, b);
        let online = pairs.iter().any(|&(old, new)| self.both_online(old, new));
        if a.shares_installation(b) && !a.other_serial(b) {
            return match &pairs[..] {
                [] => Relation::Same { strength: Strength::System },
                // One Windows has one agent of a connection; two that are online are two machines.
                _ if online => wait_or_ask(a, b, &["same identity", "both seen at the same time"]),
                _ => Relation::Replaced {
                    rule: Rule::R4a,
                    why: "same Windows installation",
                    wiped: None,
                    strength: Strength::System,
                },
            };
        }
        if a.other_serial(b) {
            return self.other_serial(a, b);
        }
        if pairs.is_empty() {
            if a.other_installation(b) && self.systems_overlap(a, b) {
                let seen = &["same identity", "two Windows installations at the same time"];
                return wait_or_ask(a, b, seen);
            }
            let agreeing = a.shares_serial(b);
            let strength = if agreeing { Strength::Agreeing } else { Strength::Identity };
            return Relation::Same { strength };
        }
        // Two that are alive at once are never one machine, whatever else differs.
        if pairs.iter().any(|&(old, new)| self.alive_together(old, new)) {
            if a.other_installation(b) && (online || !a.shares_serial(b)) {
                return Relation::Clone;
            }
            return wait_or_ask(a, b, &["same identity", "both seen at the same time"]);
        }
        self.replaced(a, b, &pairs)
    }

    /// One UUID and two serials: two machines if they also run two Windows at once, or did so before
    /// one of them was removed: what was found out while both were there holds on.
    fn other_serial(&self, a: &Group, b: &Group) -> Relation {
        let together =
            || a.members.iter().any(|&x| b.members.iter().any(|&y| self.ever_together(x, y)));
        if a.other_installation(b) && together() {
            return Relation::Clone;
        }
        wait_or_ask(a, b, &["same identity", "other serial number"])
    }

    /// R4: both have an agent of one connection, the one after the other.
    fn replaced(&self, a: &Group, b: &Group, pairs: &[(usize, usize)]) -> Relation {
        let replaced = |rule, why, wiped| {
            let strength = Strength::Agreeing;
            Relation::Replaced { rule, why, wiped, strength }
        };
        let same_date = a.os_installed.is_some() && a.os_installed == b.os_installed;
        if a.shares_host(b) && same_date {
            return replaced(Rule::R4a, "same host name and OS install date", None);
        }
        let newer = |group: &Group| pairs.iter().all(|(_, new)| group.members.contains(new));
        let installed = match (newer(a), newer(b)) {
            (true, _) => a.os_installed,
            (_, true) => b.os_installed,
            (false, false) => None,
        };
        let last = pairs.iter().filter_map(|&(old, _)| self.agents[old].presence.last_seen).max();
        if let (Some(installed), Some(last)) = (installed, last) {
            if last < installed && (a.other_installation(b) || a.other_host(b)) {
                let why = "Windows was installed after the old agent was last seen";
                return replaced(Rule::R4b, why, Some(installed));
            }
            if last >= installed && a.shares_host(b) && !a.other_installation(b) {
                let why = "the old agent spoke from the present Windows, under the same host name";
                return replaced(Rule::R4a, why, None);
            }
            let seen = &["same identity", "it does not show whether Windows was installed anew"];
            return wait_or_ask(a, b, seen);
        }
        if a.os_installed.is_some() && b.os_installed.is_some() && !same_date && a.other_host(b) {
            return replaced(Rule::R4b, "host name and OS install date differ", installed);
        }
        wait_or_ask(a, b, &["same identity", "an agent of the same connection is on it"])
    }

    /// Whether two Windows installations were seen in one window of time, each on its machine.
    fn systems_overlap(&self, a: &Group, b: &Group) -> bool {
        let online = |group: &Group| {
            group.live.iter().any(|&n| self.agents[n].presence.online == Some(true))
        };
        if online(a) && online(b) {
            return true;
        }
        let (old, new) = if a.os_installed <= b.os_installed { (a, b) } else { (b, a) };
        let last = old.live.iter().filter_map(|&n| self.agents[n].presence.last_seen).max();
        matches!((last, new.os_installed), (Some(last), Some(installed)) if last > installed)
    }

    pub(super) fn summary(&self, group: &Group) -> String {
        let names = group.members.iter().map(|&number| self.agents[number].record.to_string());
        let list = |set: &BTreeSet<String>| {
            if set.is_empty() {
                "unknown".to_owned()
            } else {
                set.iter().cloned().collect::<Vec<_>>().join(", ")
            }
        };
        format!(
            "{}: host {}, serial {}, installation {}",
            names.collect::<Vec<_>>().join(" + "),
            list(&group.hosts),
            list(&group.serials),
            list(&group.installations)
        )
    }

    /// The live agents of both groups that are of one connection, pair by pair, the older first.
    pub(super) fn of_one_connection(&self, a: &Group, b: &Group) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        for &x in &a.live {
            for &y in &b.live {
                if self.of_connection(x, y) {
                    pairs.push(self.older_first(x, y));
                }
            }
        }
        pairs
    }

    pub(super) fn of_connection(&self, x: usize, y: usize) -> bool {
        let (left, right) = (&self.agents[x].record, &self.agents[y].record);
        left.connection == right.connection && left.kind == right.kind
    }

    /// By whether it is online, by when the vendor says that it was added, by when it was last
    /// heard of; only then by when we first saw it, which must not matter.
    pub(super) fn older_first(&self, x: usize, y: usize) -> (usize, usize) {
        let (a, b) = (&self.agents[x], &self.agents[y]);
        let added = a.facts.added.zip(b.facts.added);
        let online = |n: usize| self.agents[n].presence.online == Some(true);
        let order = online(x)
            .cmp(&online(y))
            .then_with(|| added.map_or(std::cmp::Ordering::Equal, |(a, b)| a.cmp(&b)))
            .then_with(|| a.presence.last_seen.cmp(&b.presence.last_seen))
            .then_with(|| a.since().cmp(&b.since()))
            .then_with(|| x.cmp(&y));
        if order.is_le() { (x, y) } else { (y, x) }
    }

    fn both_online(&self, x: usize, y: usize) -> bool {
        [x, y].iter().all(|&n| {
            let agent = &self.agents[n];
            !agent.gone && agent.presence.online == Some(true)
        })
    }

    /// Whether both were heard of in one window of time: the older one after the newer one had
    /// come into being.
    pub(super) fn alive_together(&self, x: usize, y: usize) -> bool {
        let (old, new) = self.older_first(x, y);
        let there = !self.agents[old].gone && !self.agents[new].gone;
        there && (self.both_online(x, y) || self.ever_together(x, y))
    }

    /// The same, of agents that may be gone by now.
    fn ever_together(&self, x: usize, y: usize) -> bool {
        let (old, new) = self.older_first(x, y);
        let born = self.agents[new].since();
        let last = self.agents[old].presence.last_seen;
        self.both_online(x, y) || last.is_some_and(|last| last > born)
    }
}

/// The machine's own answer is waited for where it can be had; else a human is asked.
pub(super) fn wait_or_ask(a: &Group, b: &Group, seen: &'static [&'static str]) -> Relation {
    let unread = |group: &Group| !group.answered && group.can_be_asked;
    if unread(a) || unread(b) { Relation::Wait(seen) } else { Relation::Ask(seen) }
}
