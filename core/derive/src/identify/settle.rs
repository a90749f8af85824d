//! Settling the sets of agents that have one identity: what is surely one machine is joined, and
//! what is left open waits for the machine or for a human. A tie is no answer.

use std::collections::{BTreeMap, BTreeSet};

use core_model::entity::{Choice, Rule, Subject};

use super::group::{Group, Relation, Strength, wait_or_ask};
use super::{Asked, Work};

/// What brought agents together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// The same good UUID.
    Uuid,
    /// The same UUID in the other byte order: evidence only with one more field that agrees.
    Swapped,
    /// The same real serial of a trusted maker.
    Serial(Rule),
}

impl Ground {
    fn rule(self) -> Rule {
        match self {
            Self::Uuid | Self::Swapped => Rule::R3,
            Self::Serial(rule) => rule,
        }
    }

    fn in_words(self, a: &Group, b: &Group) -> String {
        let uuid = || a.uuids.intersection(&b.uuids).next();
        let serial = || a.serials.intersection(&b.serials).next();
        match (self, uuid(), serial()) {
            (Self::Serial(_), _, Some(serial)) => format!("same maker and serial {serial}"),
            (_, Some(uuid), _) => format!("same UUID {uuid}"),
            (_, None, Some(serial)) => {
                format!("same UUID in the other byte order, and same serial {serial}")
            }
            (_, None, None) => "same UUID in the other byte order, and same Windows".to_owned(),
        }
    }
}

/// The sets with one identity, with how each two of them are related.
struct Sets {
    groups: Vec<Group>,
    /// Row by row; empty rows are of sets that went into others.
    relations: Vec<Vec<Relation>>,
    open: Vec<usize>,
    /// How many of the relations between open sets are of each strength: most are of none, and
    /// looking for those would take as long as looking at all.
    counts: BTreeMap<Strength, usize>,
}

impl Sets {
    fn relation(&self, i: usize, j: usize) -> &Relation {
        &self.relations[i.max(j)][i.min(j)]
    }

    fn strength(&self, i: usize, j: usize) -> Option<Strength> {
        self.relation(i, j).strength()
    }

    fn set_relation(&mut self, i: usize, j: usize, relation: Relation) {
        if let Some(strength) = relation.strength() {
            *self.counts.entry(strength).or_default() += 1;
        }
        let place = &mut self.relations[i.max(j)][i.min(j)];
        if let Some(strength) = std::mem::replace(place, relation).strength() {
            self.forget(strength);
        }
    }

    fn forget(&mut self, strength: Strength) {
        if let Some(count) = self.counts.get_mut(&strength) {
            *count = count.saturating_sub(1);
        }
    }

    /// The set went into another one.
    fn close(&mut self, closed: usize) {
        self.open.retain(|&open| open != closed);
        for place in 0..self.open.len() {
            if let Some(strength) = self.strength(closed, self.open[place]) {
                self.forget(strength);
            }
        }
    }

    /// The surest join, in this order: a human's word, the same Windows, a further field that
    /// agrees, the identity alone.
    fn surest(&self) -> Option<(usize, usize)> {
        use Strength::{Agreeing, Human, Identity, System};
        let wanted = [Human, System, Agreeing, Identity].into_iter();
        let mut wanted = wanted.filter(|wanted| self.counts.get(wanted).is_some_and(|&n| n > 0));
        wanted.find_map(|wanted| {
            let pairs = self
                .open
                .iter()
                .enumerate()
                .flat_map(|(place, &i)| self.open[..place].iter().map(move |&j| (j, i)));
            let mut wanted_pairs = pairs.filter(|&(j, i)| self.strength(i, j) == Some(wanted));
            wanted_pairs.find(|&(j, i)| !self.contested(j, i, wanted))
        })
    }

    /// Whether a third set has an equal claim to one of the two, and is not the other one.
    fn contested(&self, i: usize, j: usize, strength: Strength) -> bool {
        let claims = |x: usize, y: usize| self.strength(x, y) >= Some(strength);
        self.open.iter().any(|&third| {
            third != i
                && third != j
                && ((claims(i, third) && self.strength(j, third).is_none())
                    || (claims(j, third) && self.strength(i, third).is_none()))
        })
    }

    /// The sets that a set may be one with, if they are not one themselves.
    fn tie(&self, i: usize) -> Vec<usize> {
        let others = self.open.iter().copied();
        let may_be: Vec<usize> =
            others.filter(|&j| j != i && self.strength(i, j).is_some()).collect();
        let two =
            may_be.iter().any(|&x| may_be.iter().any(|&y| x != y && self.strength(x, y).is_none()));
        if two { may_be } else { Vec::new() }
    }
}

impl Work<'_> {
    /// Joins what is one machine among the sets of these agents: surest first, and again until
    /// nothing more follows; then what is left open is asked.
    pub(super) fn settle_sets(&mut self, having: &[usize], ground: Ground) {
        let mut sets = self.sets(having, ground);
        while let Some((i, j)) = sets.surest() {
            let relation = sets.relation(i, j).clone();
            if !self.join_related(&sets.groups[i], &sets.groups[j], &relation, ground) {
                debug_assert!(false, "a relation that is no join was the surest");
                return;
            }
            sets.close(j);
            sets.groups[i] = self.group(sets.groups[i].members[0]);
            for place in 0..sets.open.len() {
                let other = sets.open[place];
                if other != i {
                    let relation = self.relation(&sets.groups[i], &sets.groups[other], ground);
                    sets.set_relation(i, other, relation);
                }
            }
        }
        self.leave_open(&sets);
    }

    fn sets(&self, having: &[usize], ground: Ground) -> Sets {
        let roots: BTreeSet<usize> =
            having.iter().filter(|&&n| self.free(n)).map(|&n| self.union.root(n)).collect();
        let groups: Vec<Group> = roots.iter().map(|&root| self.group(root)).collect();
        let row = |i: usize| -> Vec<Relation> {
            groups[..i].iter().map(|other| self.relation(&groups[i], other, ground)).collect()
        };
        let relations: Vec<Vec<Relation>> = (0..groups.len()).map(row).collect();
        let mut counts = BTreeMap::new();
        for strength in relations.iter().flatten().filter_map(Relation::strength) {
            *counts.entry(strength).or_default() += 1;
        }
        Sets { open: (0..groups.len()).collect(), groups, relations, counts }
    }

    /// How two sets are related, humans' words included.
    fn relation(&self, a: &Group, b: &Group, ground: Ground) -> Relation {
        let (x, y) = (a.members[0], b.members[0]);
        if self.kept_apart(x, y) {
            return Relation::Apart;
        }
        if self.put_together(x, y) {
            return Relation::Same { strength: Strength::Human };
        }
        let agrees = a.shares_uuid(b) || a.shares_serial(b) || a.shares_installation(b);
        if ground == Ground::Swapped && !agrees {
            return wait_or_ask(
                a,
                b,
                &["same UUID in the other byte order", "no other field agrees"],
            );
        }
        self.relate(a, b)
    }

    /// Joins two groups that are one machine.
    fn join_related(&mut self, a: &Group, b: &Group, relation: &Relation, ground: Ground) -> bool {
        let (known, newcomer) = self.known_first(a, b);
        match relation {
            Relation::Same { strength: Strength::Human } => {
                self.union.join(newcomer, known);
                true
            }
            Relation::Same { strength: Strength::System } => {
                self.join(newcomer, known, ground.rule(), "same Windows installation")
            }
            Relation::Same { .. } => {
                self.join(newcomer, known, ground.rule(), &ground.in_words(a, b))
            }
            Relation::Replaced { rule, why, wiped, .. } => {
                let pairs = self.of_one_connection(a, b);
                let Some(&(old, new)) = pairs.first() else { return false };
                let joined = self.join(new, old, *rule, why);
                self.retired.extend(pairs.iter().map(|(old, _)| *old));
                self.wipes.entry(new).or_default().extend(*wiped);
                joined
            }
            Relation::Clone | Relation::Wait(_) | Relation::Ask(_) | Relation::Apart => false,
        }
    }

    /// What could not be joined is asked, or is plainly two.
    fn leave_open(&mut self, sets: &Sets) {
        for (place, &i) in sets.open.iter().enumerate() {
            let tie = sets.tie(i);
            if !tie.is_empty() {
                let others: Vec<&Group> = tie.iter().map(|&j| &sets.groups[j]).collect();
                self.leave_tie(&sets.groups[i], &others);
            }
            for &j in &sets.open[..place] {
                self.leave_two(&sets.groups[j], &sets.groups[i], sets.relation(i, j));
            }
        }
    }

    fn leave_tie(&mut self, group: &Group, others: &[&Group]) {
        let mut all = others.iter().copied().chain([group]);
        if all.any(|group| !group.answered && group.can_be_asked) {
            self.wait(group, "it may be one of several computers; the machines are asked");
            return;
        }
        let mut evidence = vec!["it may be one of several computers".to_owned()];
        evidence.push(self.summary(group));
        evidence.extend(others.iter().map(|other| self.summary(other)));
        let with = others.iter().map(|other| other.members[0]).collect();
        let choices = vec![Choice::SameMachine, Choice::TwoMachines, Choice::AskLater];
        self.ask(group, Asked { subject: Subject::Ambiguous, with, evidence, choices });
    }

    /// Two groups that are not joined.
    pub(super) fn leave_two(&mut self, a: &Group, b: &Group, relation: &Relation) {
        let (known, newcomer) = self.known_first(a, b);
        let newcomer_group = if newcomer == a.members[0] { a } else { b };
        match relation {
            Relation::Clone if a.shares_uuid(b) => {
                self.clones.extend([known, newcomer]);
            }
            Relation::Wait(seen) if !self.waiting.contains_key(&newcomer) => {
                self.wait(newcomer_group, &format!("{}; the machine is asked", seen.join(", ")));
            }
            Relation::Ask(seen) if !self.asked.contains_key(&newcomer) => {
                let mut evidence: Vec<String> = seen.iter().map(|&line| line.to_owned()).collect();
                evidence.extend([self.summary(a), self.summary(b)]);
                let asked = Asked {
                    subject: Subject::SameMachine,
                    with: vec![known],
                    evidence,
                    choices: vec![
                        Choice::ReInstalled,
                        Choice::Wiped,
                        Choice::SameMachine,
                        Choice::TwoMachines,
                        Choice::AskLater,
                    ],
                };
                self.ask(newcomer_group, asked);
            }
            _ => {}
        }
    }

    fn wait(&mut self, group: &Group, why: &str) {
        for &member in &group.members {
            self.waiting.entry(member).or_insert_with(|| why.to_owned());
        }
    }

    /// Asks about the first of the group; the others are the same machine, and wait with it.
    fn ask(&mut self, group: &Group, asked: Asked) {
        let Some((&first, others)) = group.members.split_first() else { return };
        if group.members.iter().any(|member| self.confirmed.contains(member)) {
            return;
        }
        self.asked.entry(first).or_insert(asked);
        self.follows.extend(others.iter().map(|&other| (other, first)));
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
}
