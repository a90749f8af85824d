//! Snapshot, definitions and all winners, kept up to date: a change recomputes what hangs on it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use core_model::id::DeploymentId;
use core_model::library::{SubjectKind, Target};

use crate::dates::AsOf;
use crate::definitions::{Definitions, ItemKey, RunKind};
use crate::feeds::Mode;
use crate::input::ConnectionGroupInput;
use crate::preview::{Difference, Shift};
use crate::resolver::Resolver;
use crate::set::Set;
use crate::snapshot::change::{Parts, Touch};
use crate::snapshot::{Change, Snapshot};
use crate::view::{Filters, Leaf, Leaves, View, both, days, hangs_on_days};
use crate::winners::{ItemWinners, Winners, leaves_of_item};

/// What a change did to the winners.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    /// What was changed, in a word: what the events of the change will give as their cause.
    pub cause: &'static str,
    /// Every change of a winner.
    pub shifts: Vec<Shift>,
}

/// Keeps all winners. Readers take a [`Resolver`], or the winners, and keep what they took.
pub struct Engine {
    snapshot: Arc<Snapshot>,
    definitions: Arc<Definitions>,
    as_of: AsOf,
    run: RunKind,
    filters: Filters,
    leaves: Leaves,
    winners: Arc<Winners>,
}

/// The subjects to resolve again, by item; `Everyone` for all items.
#[derive(Default)]
struct Again {
    by_leaf: BTreeMap<(SubjectKind, Target), Set>,
    by_item: BTreeMap<ItemKey, Set>,
    subjects: Subjects,
}

/// Some of each kind.
#[derive(Clone, Default)]
struct Subjects {
    computers: Set,
    persons: Set,
    tenants: Set,
}

impl Subjects {
    fn of(&self, kind: SubjectKind) -> &Set {
        match kind {
            SubjectKind::Computer => &self.computers,
            SubjectKind::Person => &self.persons,
            SubjectKind::Tenant => &self.tenants,
        }
    }
}

impl Engine {
    /// Resolves everything once.
    #[must_use]
    pub fn new(
        snapshot: Arc<Snapshot>,
        definitions: Arc<Definitions>,
        as_of: AsOf,
        run: RunKind,
    ) -> Self {
        let filters = Filters::default();
        let view = View::new(snapshot.clone(), as_of, filters.clone());
        let winners = Arc::new(view.all_winners(&definitions, &run));
        let leaves = view.leaves();
        Self { snapshot, definitions, as_of, run, filters, leaves, winners }
    }

    /// The winners.
    #[must_use]
    pub fn winners(&self) -> &Arc<Winners> {
        &self.winners
    }

    /// The snapshot.
    #[must_use]
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// The definitions.
    #[must_use]
    pub fn definitions(&self) -> &Arc<Definitions> {
        &self.definitions
    }

    /// A reader of this version: what changes afterwards does not change it.
    #[must_use]
    pub fn resolver(&self) -> Resolver {
        Resolver { view: self.view(), definitions: self.definitions.clone(), run: self.run.clone() }
    }

    fn view(&self) -> View {
        let leaves = self.leaves.clone();
        View::with(self.snapshot.clone(), self.as_of, self.filters.clone(), leaves)
    }

    /// Takes a change of what is known.
    pub fn apply(&mut self, change: Change) -> Delta {
        let cause = cause(&change);
        let gone = self.types_gone();
        let touch = self.mentioned(&change);
        let touched = Arc::make_mut(&mut self.snapshot).apply(change);
        let touch = if touch || gone != self.types_gone() { Touch::All } else { touched };
        let shifts = match touch {
            Touch::Nothing => Vec::new(),
            Touch::All => self.anew(),
            Touch::At { computers, persons, parts } => {
                let subjects = Subjects { computers, persons, tenants: Set::new() };
                let again = self.patch(&subjects, &parts);
                self.resolve_again(&again)
            }
            Touch::Tenants(tenants) => {
                let at = |kind| self.snapshot.at_tenants(kind, &tenants);
                let (computers, persons) = (at(SubjectKind::Computer), at(SubjectKind::Person));
                let subjects = Subjects { computers, persons, tenants };
                let again = self.patch(&subjects, &Parts::Every);
                self.resolve_again(&again)
            }
            Touch::Whole(parts) => {
                let again = self.recompute(|leaf| parts.matches(leaf));
                self.resolve_again(&again)
            }
        };
        Delta { cause, shifts }
    }

    /// Whether a change brings or takes what a target names: a part that named nobody then names
    /// somebody, or the other way round, also for everybody else.
    fn mentioned(&self, change: &Change) -> bool {
        let snapshot = &self.snapshot;
        let new = |subject| snapshot.number(subject).is_none();
        let named = |leaf: &Target| self.definitions.names(|named| named == leaf);
        match change {
            Change::Computer(one) => new(one.id.into()) && named(&Target::Computer(one.id)),
            Change::ComputerGone(one) => named(&Target::Computer(*one)),
            Change::Person(one) => new(one.id.into()) && named(&Target::Person(one.id)),
            Change::PersonGone(one) => named(&Target::Person(*one)),
            Change::Group(one) => {
                !snapshot.groups.contains_key(&one.id) && named(&Target::Group(one.id))
            }
            Change::GroupGone(one) => named(&Target::Group(*one)),
            Change::Tag(one) => !snapshot.tags.contains_key(&one.id) && named(&Target::Tag(one.id)),
            Change::TagGone(one) => named(&Target::Tag(*one)),
            Change::Tenant(one) => {
                new(one.id.into())
                    && self.definitions.names(
                        |leaf| matches!(leaf, Target::Tenant { tenant, .. } if *tenant == one.id),
                    )
            }
            Change::Product(one) => snapshot.products.contains_key(&one.id) == one.gone
                && self.definitions.names(
                    |leaf| matches!(leaf, Target::Product { product, .. } if *product == one.id),
                ),
            Change::ConnectionGroup(one) | Change::ConnectionGroupGone(one) => {
                named(&Target::ConnectionGroup {
                    connection: one.connection.to_string(),
                    kind: one.kind,
                    key: one.key.to_string(),
                }) && self.comes_or_goes(change, one)
            }
            _ => false,
        }
    }

    /// Whether a group of a connection was not there, or is there and goes.
    fn comes_or_goes(&self, change: &Change, group: &ConnectionGroupInput) -> bool {
        let key = (group.connection.clone(), group.kind, group.key.clone());
        let goes = matches!(change, Change::ConnectionGroupGone(_));
        self.snapshot.group_names.contains_key(&key) == goes
    }

    /// The agreement types that targets name and that no agreement is of.
    fn types_gone(&self) -> BTreeSet<Target> {
        let named = self.leaves.targets.keys().map(|(_, leaf)| leaf);
        let types = named.filter(|leaf| matches!(leaf, Target::AgreementType { .. }));
        let gone = types.filter(|leaf| self.snapshot.gone(SubjectKind::Computer, leaf).is_some());
        gone.cloned().collect()
    }

    /// Time passes, or another day is asked about.
    pub fn at(&mut self, as_of: AsOf) -> Delta {
        let before = days(&self.snapshot, self.as_of);
        self.as_of = as_of;
        let after = days(&self.snapshot, as_of);
        let mut again = Again::default();
        if before != after {
            again = self.recompute(hangs_on_days);
            for key in self.definitions.items() {
                let kind = self.definitions.kind(key.item);
                let mut subjects = Set::new();
                for deployment in self.definitions.of_item(key) {
                    for (tenant, (old, new)) in (0..).zip(before.iter().zip(&after)) {
                        let dates = deployment.dates;
                        if dates.contains(*old) != dates.contains(*new) {
                            subjects.add(self.snapshot.at_tenant(kind, tenant));
                        }
                    }
                }
                if !subjects.is_empty() {
                    again.by_item.insert(key.clone(), subjects);
                }
            }
        }
        let shifts = self.resolve_again(&again);
        Delta { cause: "clock", shifts }
    }

    /// Takes other definitions.
    pub fn define(&mut self, definitions: Arc<Definitions>) -> Delta {
        let resolver = self.resolver();
        let preview = resolver.preview(&definitions, Some(&self.winners));
        self.leaves = resolver.view.leaves();
        let winners = Arc::make_mut(&mut self.winners);
        for key in preview.touched() {
            match preview.winners.get(key) {
                Some(new) => winners.items.insert(key.clone(), new.clone()),
                None => winners.items.remove(key),
            };
        }
        self.definitions = definitions;
        Delta { cause: "definitions", shifts: preview.shifts }
    }

    /// Everything, from the beginning.
    fn anew(&mut self) -> Vec<Shift> {
        self.leaves = Leaves::default();
        let view = self.view();
        let winners = view.all_winners(&self.definitions, &self.run);
        self.leaves = view.into_leaves();
        let nobody = (SubjectKind::Computer, Arc::new(ItemWinners::default()));
        let mut shifts = Vec::new();
        for (key, (kind, new)) in &winners.items {
            let (_, old) = self.winners.items.get(key).unwrap_or(&nobody);
            let definitions = self.definitions.as_ref();
            let before = (old.as_ref(), definitions);
            let after = (new.as_ref(), definitions);
            shifts.extend(Difference { key, kind: *kind, before, after }.shifts());
        }
        self.winners = Arc::new(winners);
        shifts
    }

    /// Computes some subjects anew in the leaves that are touched.
    fn patch(&mut self, all: &Subjects, parts: &Parts) -> Again {
        let view =
            View::with(self.snapshot.clone(), self.as_of, self.filters.clone(), Leaves::default());
        let mut again = Again::default();
        // Who is gone is in nothing.
        let there = |kind| all.of(kind) & self.snapshot.everybody(kind);
        for ((kind, target), leaf) in &mut self.leaves.targets {
            let subjects = all.of(*kind);
            if subjects.is_empty() || !parts.matches(target) {
                continue;
            }
            let changed =
                patch_leaf(leaf, subjects, |mode| view.some_in(*kind, &there(*kind), target, mode));
            if !changed.is_empty() {
                again.by_leaf.insert((*kind, target.clone()), changed);
            }
        }
        if matches!(parts, Parts::Every) {
            for (wanted, leaf) in &mut self.leaves.kinds {
                let (subjects, there) = (&all.computers, there(SubjectKind::Computer));
                patch_leaf(leaf, subjects, |mode| view.of_kinds(*wanted, mode).within(&there));
            }
            // Whoever comes or goes may win or lose where no part of a target says anything else.
            again.subjects = all.clone();
        }
        again
    }

    /// Computes touched leaves anew, for everybody.
    fn recompute(&mut self, touched: impl Fn(&Target) -> bool) -> Again {
        let view =
            View::with(self.snapshot.clone(), self.as_of, self.filters.clone(), Leaves::default());
        let mut again = Again::default();
        for ((kind, target), leaf) in &mut self.leaves.targets {
            if !touched(target) {
                continue;
            }
            let new = view.compute(*kind, target);
            let changed = differs(leaf, &new);
            if !changed.is_empty() {
                *leaf = new;
                again.by_leaf.insert((*kind, target.clone()), changed);
            }
        }
        again
    }

    fn resolve_again(&mut self, again: &Again) -> Vec<Shift> {
        let nothing = again.by_leaf.is_empty() && again.by_item.is_empty();
        let Subjects { computers, persons, tenants } = &again.subjects;
        if nothing && [computers, persons, tenants].iter().all(|set| set.is_empty()) {
            return Vec::new();
        }
        let view = self.view();
        let definitions = self.definitions.clone();
        let winners = Arc::make_mut(&mut self.winners);
        let mut shifts = Vec::new();
        for key in definitions.items() {
            let kind = definitions.kind(key.item);
            let mut subjects = again.by_item.get(key).cloned().unwrap_or_default();
            subjects.add(again.subjects.of(kind));
            for leaf in leaves_of_item(&definitions, key) {
                if let Some(changed) = again.by_leaf.get(&(kind, leaf)) {
                    subjects.add(changed);
                }
            }
            if subjects.is_empty() {
                continue;
            }
            let within = &subjects & &view.eligible(kind);
            let pieces = view.pieces(&definitions, key, &self.run);
            let new = view.sweep(&pieces, kind, &within);
            let (_, kept) =
                winners.items.entry(key.clone()).or_insert_with(|| (kind, Arc::default()));
            let old = restricted(kept, &subjects);
            let before = (&old, definitions.as_ref());
            let after = (&new, definitions.as_ref());
            shifts.extend(Difference { key, kind, before, after }.shifts());
            Arc::make_mut(kept).patch(&subjects, &new);
        }
        // Leaves that nobody had asked for until now are watched from now on.
        self.leaves = view.into_leaves();
        shifts
    }
}

/// Replaces what a leaf says about some subjects; says about whom it says something else.
fn patch_leaf(
    leaf: &mut Leaf,
    subjects: &Set,
    members: impl Fn(Mode) -> crate::set::Members,
) -> Set {
    let shared = Arc::ptr_eq(&leaf[0], &leaf[1]);
    let new = both(members);
    let old = [leaf[0].within(subjects), leaf[1].within(subjects)];
    let changed = &old[0].differs(&new[0]) | &old[1].differs(&new[1]);
    if changed.is_empty() {
        return changed;
    }
    if shared && Arc::ptr_eq(&new[0], &new[1]) {
        let [lenient, strict] = leaf;
        // One owner, so that it is changed where it is.
        *strict = Arc::default();
        Arc::make_mut(lenient).patch(subjects, &new[0]);
        *strict = lenient.clone();
    } else {
        for (own, new) in leaf.iter_mut().zip(&new) {
            Arc::make_mut(own).patch(subjects, new);
        }
    }
    changed
}

fn differs(old: &Leaf, new: &Leaf) -> Set {
    &old[0].differs(&new[0]) | &old[1].differs(&new[1])
}

fn restricted(winners: &ItemWinners, subjects: &Set) -> ItemWinners {
    let within = |sets: &BTreeMap<DeploymentId, Set>| {
        let sets = sets.iter().map(|(id, set)| (*id, set & subjects));
        sets.filter(|(_, set)| !set.is_empty()).collect()
    };
    ItemWinners {
        won: within(&winners.won),
        blocked: within(&winners.blocked),
        ambiguous: &winners.ambiguous & subjects,
    }
}

fn cause(change: &Change) -> &'static str {
    match change {
        Change::Joins(..) | Change::Leaves(..) | Change::Group(_) | Change::GroupGone(_) => "group",
        Change::ConnectionGroup(_) | Change::ConnectionGroupGone(_) => "connection's group",
        Change::Computer(_) | Change::ComputerGone(_) => "computer",
        Change::Primary(..) => "primary person",
        Change::Person(_) | Change::PersonGone(_) => "person",
        Change::Tenant(_) => "tenant",
        Change::Tagged(..) | Change::Untagged(..) | Change::Tag(_) | Change::TagGone(_) => "tag",
        Change::Agreement(_) | Change::Line(_) | Change::Product(_) => "agreement",
        Change::Feed(_) | Change::KnownAt(_) => "freshness",
        Change::Connection(..) => "connection",
    }
}
