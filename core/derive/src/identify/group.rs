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
    pub(super) uuids: BTreeSet<SmbiosUuid>,
    pub(super) serials: BTreeSet<String>,
    pub(super) installations: BTreeSet<String>,
    pub(super) hosts: BTreeSet<String>,
    pub(super) os_installed: Option<DateTime<Utc>>,
    pub(super) answered: bool,
    pub(super) can_be_asked: bool,
}

/// How two groups are related.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// One machine.
    Same { rule: Rule, why: String, strong: bool },
    /// One machine; `old` belongs to its past.
    Replaced { old: usize, new: usize, rule: Rule, why: String, wiped: Option<DateTime<Utc>> },
    /// Two machines with one identity.
    Clone,
    /// The machine's own answer is missing, and can be had.
    Wait(String),
    /// Nothing tells.
    Ask(Vec<String>),
}

impl Group {
    fn shares_serial(&self, other: &Self) -> bool {
        !self.serials.is_disjoint(&other.serials)
    }

    fn other_serial(&self, other: &Self) -> bool {
        !self.serials.is_empty() && !other.serials.is_empty() && !self.shares_serial(other)
    }

    fn shares_installation(&self, other: &Self) -> bool {
        !self.installations.is_disjoint(&other.installations)
    }

    fn other_installation(&self, other: &Self) -> bool {
        !self.installations.is_empty()
            && !other.installations.is_empty()
            && !self.shares_installation(other)
    }

    fn shares_host(&self, other: &Self) -> bool {
        !self.hosts.is_disjoint(&other.hosts)
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
        let junk = self.learned_junk.get(&number);
        let good = |uuid: &&SmbiosUuid| junk.is_none_or(|junk| !junk.contains(*uuid));
        group.uuids.extend(weighed.uuids.iter().filter(good));
        group.serials.extend(weighed.serials.iter().cloned());
        group.installations.extend(weighed.installations.first().cloned());
        group.hosts.extend(weighed.host.iter().cloned());
        group.os_installed = group.os_installed.max(weighed.os_installed);
        group.answered |= weighed.answered;
        group.can_be_asked |= agent.can_be_asked();
    }

    /// How two groups that seem to be one machine are related. `rule` is the rule that brought
    /// them together.
    pub(super) fn relate(&self, a: &Group, b: &Group, rule: Rule) -> Relation {
        if a.shares_installation(b) && !a.other_serial(b) {
            return self.same_installation(a, b, rule);
        }
        if a.other_serial(b) {
            return self.other_serial(a, b);
        }
        match self.same_connection(a, b) {
            None => {
                let strong = a.shares_serial(b);
                Relation::Same { rule, why: in_words(a, b, rule), strong }
            }
            Some((old, new)) => self.same_system(a, b, old, new),
        }
    }

    /// The same Windows on the same machine: a further pathway, or the agent was installed again.
    fn same_installation(&self, a: &Group, b: &Group, rule: Rule) -> Relation {
        let why = "same Windows installation".to_owned();
        match self.same_connection(a, b) {
            Some((old, new)) if !self.alive_together(old, new) => {
                Relation::Replaced { old, new, rule: Rule::R4a, why, wiped: None }
            }
            _ => Relation::Same { rule, why, strong: true },
        }
    }

    /// One UUID and two serials: two machines if they also run two Windows at once.
    fn other_serial(&self, a: &Group, b: &Group) -> Relation {
        if a.other_installation(b) {
            let together =
                a.members.iter().any(|&x| b.members.iter().any(|&y| self.alive_together(x, y)));
            if together {
                return Relation::Clone;
            }
        }
        self.wait_or_ask(a, b, &["same UUID", "other serial number"])
    }

    /// R4: the computer has a live agent of this connection already.
    fn same_system(&self, a: &Group, b: &Group, old: usize, new: usize) -> Relation {
        let together = self.alive_together(old, new);
        let installed = self.group(new).os_installed;
        let last = self.agents[old].presence.last_seen;
        let replaced = |rule, why: &str, wiped| Relation::Replaced {
            old,
            new,
            rule,
            why: why.to_owned(),
            wiped,
        };
        let same_date = a.os_installed.is_some() && a.os_installed == b.os_installed;
        if a.shares_host(b) && same_date && !together {
            return replaced(Rule::R4a, "same host name and OS install date", None);
        }
        // Two that are alive at once are never one machine, whatever else differs.
        if together {
            return if a.other_installation(b) && !a.shares_serial(b) {
                Relation::Clone
            } else {
                self.wait_or_ask(a, b, &["same identity", "both seen at the same time"])
            };
        }
        if let (Some(installed), Some(last)) = (installed, last) {
            if last < installed {
                let why = "Windows was installed after the old agent was last seen";
                return replaced(Rule::R4b, why, Some(installed));
            }
            if a.shares_host(b) && !a.other_installation(b) {
                let why = "the old agent spoke from the present Windows, under the same host name";
                return replaced(Rule::R4a, why, None);
            }
        }
        if a.os_installed.is_some() && b.os_installed.is_some() && !same_date && !a.shares_host(b) {
            let why = "host name and OS install date differ";
            return replaced(Rule::R4b, why, installed);
        }
        self.wait_or_ask(a, b, &["same identity", "an agent of the same connection is on it"])
    }

    fn wait_or_ask(&self, a: &Group, b: &Group, seen: &[&str]) -> Relation {
        let unread = |group: &Group| !group.answered && group.can_be_asked;
        if unread(a) || unread(b) {
            return Relation::Wait(format!("{}; the machine is asked", seen.join(", ")));
        }
        let mut evidence: Vec<String> = seen.iter().map(|&line| line.to_owned()).collect();
        evidence.extend([self.summary(a), self.summary(b)]);
        Relation::Ask(evidence)
    }

    fn summary(&self, group: &Group) -> String {
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

    /// A live agent of each group in one connection, the older first.
    fn same_connection(&self, a: &Group, b: &Group) -> Option<(usize, usize)> {
        let live = |group: &Group| -> Vec<usize> {
            let alive = |&&n: &&usize| !self.agents[n].gone && !self.retired.contains(&n);
            group.members.iter().filter(alive).copied().collect()
        };
        for x in live(a) {
            for y in live(b) {
                let (left, right) = (&self.agents[x].record, &self.agents[y].record);
                if left.connection == right.connection && left.kind == right.kind {
                    return Some(self.older_first(x, y));
                }
            }
        }
        None
    }

    /// By when the system on it was installed, then by when the agent was added, last heard of and
    /// first seen.
    pub(super) fn older_first(&self, x: usize, y: usize) -> (usize, usize) {
        let age = |n: usize| {
            let agent = &self.agents[n];
            (
                agent.presence.online == Some(true),
                agent.since(),
                agent.presence.last_seen,
                agent.record.clone(),
            )
        };
        if age(x) <= age(y) { (x, y) } else { (y, x) }
    }

    /// Whether both were heard of in one window of time: the older one after the newer one had
    /// come into being.
    pub(super) fn alive_together(&self, x: usize, y: usize) -> bool {
        let (old, new) = self.older_first(x, y);
        let (a, b) = (&self.agents[old], &self.agents[new]);
        if a.gone || b.gone {
            return false;
        }
        if a.presence.online == Some(true) && b.presence.online == Some(true) {
            return true;
        }
        let born = b.since();
        match a.presence.last_seen {
            Some(last) => last > born,
            None => false,
        }
    }
}

fn in_words(a: &Group, b: &Group, rule: Rule) -> String {
    match rule {
        Rule::R6 | Rule::R7 => {
            let shared = a.serials.intersection(&b.serials).next();
            format!("same maker and serial {}", shared.map_or("", String::as_str))
        }
        _ => {
            let shared = a.uuids.intersection(&b.uuids).next();
            format!("same UUID {}", shared.map(ToString::to_string).unwrap_or_default())
        }
    }
}
