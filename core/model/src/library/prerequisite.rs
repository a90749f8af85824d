//! Prerequisites: what must be so before an item is worked on, and what is done where it is not.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::kosaraju_scc;
use petgraph::graphmap::DiGraphMap;
use serde::{Deserialize, Serialize};

use super::ItemId;
use super::script::is_default;
use crate::id::SoftwareId;

/// How many of several.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Quantifier {
    /// At least one.
    #[default]
    Any,
    /// Every one.
    All,
}

/// Whether software is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is.
    Installed,
    /// It is not.
    NotInstalled,
}

/// What is done where the condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PrerequisiteAction {
    /// Software is installed before.
    Install,
    /// Software is uninstalled before.
    Uninstall,
    /// The item fails. Where what it wants is about to come in the same session, it waits instead.
    Fail,
}

/// If any or all of `of` are installed or not, then `software` is installed or uninstalled before
/// the item, or the item fails.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prerequisite {
    /// How many of `of`.
    #[serde(default, skip_serializing_if = "is_default")]
    pub quantifier: Quantifier,
    /// What the condition is about; one at least.
    pub of: BTreeSet<SoftwareId>,
    /// Whether these are there.
    pub presence: Presence,
    /// What is done then.
    pub action: PrerequisiteAction,
    /// What is installed or uninstalled: one at least. Nothing where the item fails.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub software: BTreeSet<SoftwareId>,
}

/// Why a prerequisite makes no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPrerequisite {
    /// It is about nothing.
    #[error("this prerequisite is a condition of no software")]
    NoCondition,
    /// It installs or uninstalls nothing.
    #[error("this prerequisite installs or uninstalls nothing")]
    NoSoftware,
    /// It fails, and names software besides.
    #[error("this prerequisite fails, and names software to work on besides")]
    FailsWithSoftware,
    /// It acts on the item that it is of.
    #[error("this is a prerequisite of itself")]
    Itself,
    /// It installs what is installed, or uninstalls what is not.
    #[error("this prerequisite brings about what is so already")]
    AlreadySo,
}

impl Prerequisite {
    /// *If this is not installed, then install it*: the usual one.
    #[must_use]
    pub fn installs(software: SoftwareId) -> Self {
        Self {
            quantifier: Quantifier::Any,
            of: [software].into(),
            presence: Presence::NotInstalled,
            action: PrerequisiteAction::Install,
            software: [software].into(),
        }
    }

    /// *If this is not installed, then fail*: it is worked on after it.
    #[must_use]
    pub fn needs(software: SoftwareId) -> Self {
        Self {
            action: PrerequisiteAction::Fail,
            software: BTreeSet::new(),
            ..Self::installs(software)
        }
    }

    /// What is worked on before the item that this is of: what it installs or uninstalls; where it
    /// fails, what its condition is about.
    #[must_use]
    pub fn first(&self) -> &BTreeSet<SoftwareId> {
        match self.action {
            PrerequisiteAction::Fail => &self.of,
            PrerequisiteAction::Install | PrerequisiteAction::Uninstall => &self.software,
        }
    }

    /// Whether it makes sense as a prerequisite of an item. Cycles of several are told by
    /// [`cycles`].
    ///
    /// # Errors
    /// Where it does not.
    pub fn check(&self, of: ItemId) -> Result<(), BadPrerequisite> {
        let fails = self.action == PrerequisiteAction::Fail;
        if self.of.is_empty() {
            return Err(BadPrerequisite::NoCondition);
        }
        match (fails, self.software.is_empty()) {
            (true, false) => return Err(BadPrerequisite::FailsWithSoftware),
            (false, true) => return Err(BadPrerequisite::NoSoftware),
            _ => {}
        }
        if self.first().iter().any(|one| ItemId::from(*one) == of) {
            return Err(BadPrerequisite::Itself);
        }
        let already = match self.action {
            PrerequisiteAction::Install => self.presence == Presence::Installed,
            PrerequisiteAction::Uninstall => self.presence == Presence::NotInstalled,
            PrerequisiteAction::Fail => false,
        };
        // Where the condition is about something else besides, it may still say something.
        if already && self.software.iter().all(|one| self.of == [*one].into()) {
            return Err(BadPrerequisite::AlreadySo);
        }
        Ok(())
    }
}

/// The cycles of prerequisites: one of each knot of items that wait for each other, the shortest
/// through its least item, as a path that ends where it begins (`A, B, C, A`). In the order of
/// their first items.
pub fn cycles<'a>(
    items: impl IntoIterator<Item = (ItemId, &'a [Prerequisite])>,
) -> Vec<Vec<ItemId>> {
    let mut graph: DiGraphMap<ItemId, ()> = DiGraphMap::new();
    for (item, prerequisites) in items {
        for first in prerequisites.iter().flat_map(Prerequisite::first) {
            graph.add_edge(item, ItemId::from(*first), ());
        }
    }
    let mut found: Vec<Vec<ItemId>> =
        kosaraju_scc(&graph).into_iter().filter_map(|knot| shortest(&graph, &knot)).collect();
    found.sort();
    found
}

/// The shortest way from the least item of a knot back to it; nothing where there is none.
fn shortest(graph: &DiGraphMap<ItemId, ()>, knot: &[ItemId]) -> Option<Vec<ItemId>> {
    let start = *knot.iter().min()?;
    let within: BTreeSet<ItemId> = knot.iter().copied().collect();
    let mut came_from: BTreeMap<ItemId, ItemId> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(item) = open.pop_front() {
        let mut next: Vec<ItemId> =
            graph.neighbors(item).filter(|one| within.contains(one)).collect();
        next.sort();
        for one in next {
            if one == start {
                let mut path = vec![start, item];
                while let Some(before) = path.last().and_then(|last| came_from.get(last)) {
                    path.push(*before);
                }
                path.reverse();
                return Some(path);
            }
            if let Entry::Vacant(new) = came_from.entry(one) {
                new.insert(item);
                open.push_back(one);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::TaskId;

    fn id(name: &str) -> SoftwareId {
        // By age: their order is that of their names.
        SoftwareId::of_text(name, i64::from(name.as_bytes()[0]) * 1_000)
    }

    /// `AB` is: A needs B.
    fn found(edges: &[&str]) -> Vec<String> {
        let all: Vec<(ItemId, Vec<Prerequisite>)> = edges
            .iter()
            .map(|edge| (id(&edge[..1]).into(), vec![Prerequisite::installs(id(&edge[1..]))]))
            .collect();
        let name = |item: &ItemId| {
            ('A'..='Z').find(|c| ItemId::from(id(&c.to_string())) == *item).unwrap()
        };
        let cycles = cycles(all.iter().map(|(item, list)| (*item, list.as_slice())));
        cycles.iter().map(|path| path.iter().map(name).collect()).collect()
    }

    #[test]
    fn d3_cycles_are_told_by_their_path_and_what_only_leads_to_one_is_none() {
        assert_eq!(found(&["AA"]), ["AA"]);
        assert_eq!(found(&["AB", "BA"]), ["ABA"]);
        assert_eq!(found(&["CA", "AB", "BC"]), ["ABCA"]);
        let eight = ["AB", "BC", "CD", "DE", "EF", "FG", "GH", "HA"];
        assert_eq!(found(&eight), ["ABCDEFGHA"]);
        assert_eq!(found(&["XA", "AB", "BA", "YX"]), ["ABA"], "X waits for one and is in none");
        assert_eq!(found(&["AB", "AC", "BD", "CD"]), [""; 0], "a diamond is none");
        assert_eq!(found(&["AB", "BA", "CD", "DC"]), ["ABA", "CDC"]);
        assert_eq!(found(&["AB", "BC", "CA", "BA"]), ["ABA"], "one of a knot, the shortest");
    }

    #[test]
    fn a_chain_of_any_length_is_no_trouble() {
        let ids: Vec<SoftwareId> =
            (0..50_000).map(|n| SoftwareId::of_text(&n.to_string(), n)).collect();
        let lists: Vec<(ItemId, Vec<Prerequisite>)> = ids
            .windows(2)
            .map(|pair| (pair[0].into(), vec![Prerequisite::needs(pair[1])]))
            .collect();
        let found = cycles(lists.iter().map(|(item, list)| (*item, list.as_slice())));
        assert!(found.is_empty());
    }

    #[test]
    fn prerequisites_that_make_no_sense_are_told() {
        let (a, b) = (id("A"), id("B"));
        assert_eq!(Prerequisite::installs(b).check(a.into()), Ok(()));
        assert_eq!(Prerequisite::installs(b).check(TaskId::of_text("B", 0).into()), Ok(()));
        assert_eq!(Prerequisite::installs(a).check(a.into()), Err(BadPrerequisite::Itself));
        assert_eq!(Prerequisite::needs(a).check(a.into()), Err(BadPrerequisite::Itself));
        let with = |change: fn(&mut Prerequisite)| {
            let mut one = Prerequisite::installs(id("B"));
            change(&mut one);
            one.check(id("A").into())
        };
        assert_eq!(with(|one| one.of.clear()), Err(BadPrerequisite::NoCondition));
        assert_eq!(with(|one| one.software.clear()), Err(BadPrerequisite::NoSoftware));
        let fails = with(|one| one.action = PrerequisiteAction::Fail);
        assert_eq!(fails, Err(BadPrerequisite::FailsWithSoftware));
        let already = with(|one| one.presence = Presence::Installed);
        assert_eq!(already, Err(BadPrerequisite::AlreadySo));
        // If A is not there yet, B is installed before it.
        let first = with(|one| one.of = [id("A")].into());
        assert_eq!(first, Ok(()));
    }

    #[test]
    fn a_prerequisite_survives_json() {
        let json = serde_json::to_string(&Prerequisite::needs(id("B"))).unwrap();
        assert!(json.contains("\"action\":\"fail\"") && !json.contains("software"), "{json}");
        assert_eq!(
            serde_json::from_str::<Prerequisite>(&json).unwrap(),
            Prerequisite::needs(id("B"))
        );
    }
}
