//! What a change of definitions changes: the exact difference of two resolutions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use core_model::id::{DeploymentId, TenantId};
use core_model::library::{Budget, DesiredState, SubjectKind};

use crate::Resolver;
use crate::definitions::{Definitions, ItemKey};
use crate::rank::{Rank, Scope};
use crate::set::Set;
use crate::snapshot::{NOBODY, Snapshot};
use crate::winners::{ItemWinners, Slot, Winners};

/// Subjects for whom the same changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    /// The item.
    pub key: ItemKey,
    /// What kind of subjects.
    pub kind: SubjectKind,
    /// What held before.
    pub before: Slot,
    /// What holds after.
    pub after: Slot,
    /// The state that was wanted before, where something won.
    pub state_before: Option<DesiredState>,
    /// The state that is wanted after.
    pub state_after: Option<DesiredState>,
    /// Who.
    pub subjects: Set,
}

impl Shift {
    /// Whether it adds uninstalls.
    #[must_use]
    pub fn uninstalls(&self) -> bool {
        let absent =
            |state: &Option<DesiredState>| state.as_ref().is_some_and(DesiredState::uninstalls);
        absent(&self.state_after) && !absent(&self.state_before)
    }
}

/// How many (subject, item) pairs change, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Had no winner, and have one.
    pub newly_won: u64,
    /// Have another winner.
    pub taken_over: u64,
    /// Keep their winner, which wants something else.
    pub restated: u64,
    /// Had a winner, and have none.
    pub lost: u64,
    /// Are blocked now: something is not known.
    pub unknown: u64,
    /// Among all these, added uninstalls.
    pub uninstalls: u64,
}

/// The exact effect of a change of definitions.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// Every change of a winner.
    pub shifts: Vec<Shift>,
    /// Subjects whose winner is newly decided by the tie rules alone.
    pub ambiguous: Vec<(ItemKey, Set)>,
    /// Tenants that cross-tenant deployments among the changed ones leave out.
    pub left_out: Vec<TenantId>,
    /// The winners after the change, of the items that it touches.
    pub winners: BTreeMap<ItemKey, (SubjectKind, Arc<ItemWinners>)>,
    touched: BTreeSet<ItemKey>,
}

/// A number that somebody must confirm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// The tenant; none for the whole.
    pub tenant: Option<TenantId>,
    /// What he must be shown.
    pub words: String,
    /// The number that he must name.
    pub number: u64,
}

impl Preview {
    /// The items that the change touches.
    #[must_use]
    pub fn touched(&self) -> &BTreeSet<ItemKey> {
        &self.touched
    }

    /// How many change, and how.
    #[must_use]
    pub fn counts(&self) -> Counts {
        counts(&self.shifts)
    }

    /// Takes the two resolutions of an item in.
    fn compare(
        &mut self,
        key: &ItemKey,
        (kind_before, old, before): (SubjectKind, &ItemWinners, &Definitions),
        (kind_after, new, after): (SubjectKind, ItemWinners, &Definitions),
    ) {
        let nobody = ItemWinners::default();
        let shifts = |kind, old: &ItemWinners, new: &ItemWinners| {
            Difference { key, kind, before: (old, before), after: (new, after) }.shifts()
        };
        if kind_before == kind_after {
            self.shifts.extend(shifts(kind_after, old, &new));
        } else {
            self.shifts.extend(shifts(kind_before, old, &nobody));
            self.shifts.extend(shifts(kind_after, &nobody, &new));
        }
        let ambiguous = &new.ambiguous - &old.ambiguous;
        if !ambiguous.is_empty() {
            self.ambiguous.push((key.clone(), ambiguous));
        }
        if !after.of_item(key).is_empty() {
            self.winners.insert(key.clone(), (kind_after, Arc::new(new)));
        }
        self.touched.insert(key.clone());
    }
}

pub(crate) fn counts(shifts: &[Shift]) -> Counts {
    let mut counts = Counts::default();
    for shift in shifts {
        let many = shift.subjects.len();
        match (shift.before, shift.after) {
            (_, Slot::Blocked(_)) => counts.unknown += many,
            (Slot::Nobody | Slot::Blocked(_), Slot::Won(_)) => counts.newly_won += many,
            (Slot::Won(before), Slot::Won(after)) if before == after => counts.restated += many,
            (Slot::Won(_), Slot::Won(_)) => counts.taken_over += many,
            (_, Slot::Nobody) => counts.lost += many,
        }
        if shift.uninstalls() {
            counts.uninstalls += many;
        }
    }
    counts
}

/// Two resolutions of one item, compared.
pub(crate) struct Difference<'a> {
    pub(crate) key: &'a ItemKey,
    pub(crate) kind: SubjectKind,
    pub(crate) before: (&'a ItemWinners, &'a Definitions),
    pub(crate) after: (&'a ItemWinners, &'a Definitions),
}

impl Difference<'_> {
    fn state(definitions: &Definitions, slot: Slot) -> Option<DesiredState> {
        let Slot::Won(id) = slot else { return None };
        definitions.deployment(id).map(|deployment| deployment.state.clone())
    }

    /// A deployment that wants something else than before, without a change of winner.
    fn restated(&self, id: DeploymentId) -> bool {
        let (before, after) = (self.before.1.deployment(id), self.after.1.deployment(id));
        match (before, after) {
            (Some(before), Some(after)) => {
                !Arc::ptr_eq(before, after)
                    && (before.state != after.state || before.parameters != after.parameters)
            }
            _ => false,
        }
    }

    fn changed(&self) -> Set {
        let mut changed = Set::new();
        let (before, after) = (self.before.0, self.after.0);
        let empty = Set::new();
        let mut compare =
            |old: &BTreeMap<DeploymentId, Set>, new: &BTreeMap<DeploymentId, Set>, won: bool| {
                let ids: BTreeSet<DeploymentId> = old.keys().chain(new.keys()).copied().collect();
                for id in ids {
                    let old = old.get(&id).unwrap_or(&empty);
                    let new = new.get(&id).unwrap_or(&empty);
                    if won && self.restated(id) {
                        changed.add(old);
                        changed.add(new);
                    } else {
                        changed.add(&(old - new));
                        changed.add(&(new - old));
                    }
                }
            };
        compare(&before.won, &after.won, true);
        compare(&before.blocked, &after.blocked, false);
        changed
    }

    pub(crate) fn shifts(&self) -> Vec<Shift> {
        let changed = self.changed();
        if changed.is_empty() {
            return Vec::new();
        }
        let slots = |winners: &ItemWinners| {
            let mut slots: Vec<(Slot, Set)> = winners
                .slots()
                .map(|(slot, set)| (slot, set & &changed))
                .filter(|(_, set)| !set.is_empty())
                .collect();
            let nobody = &changed - &winners.held();
            if !nobody.is_empty() {
                slots.push((Slot::Nobody, nobody));
            }
            slots
        };
        let (before, after) = (slots(self.before.0), slots(self.after.0));
        let mut shifts = Vec::new();
        for (old, old_set) in &before {
            for (new, new_set) in &after {
                let subjects = old_set & new_set;
                let same = old == new && !matches!(old, Slot::Won(id) if self.restated(*id));
                if same || subjects.is_empty() {
                    continue;
                }
                shifts.push(Shift {
                    key: self.key.clone(),
                    kind: self.kind,
                    before: *old,
                    after: *new,
                    state_before: Self::state(self.before.1, *old),
                    state_after: Self::state(self.after.1, *new),
                    subjects,
                });
            }
        }
        shifts.sort_by(|a, b| (&a.key, a.before, a.after).cmp(&(&b.key, b.before, b.after)));
        shifts
    }
}

impl Resolver {
    /// The exact effect of other definitions. `known` are the winners of the present ones, where
    /// they are at hand; only items whose definitions differ are computed.
    #[must_use]
    pub fn preview(&self, after: &Definitions, known: Option<&Winners>) -> Preview {
        let mut preview = Preview::default();
        let keys: BTreeSet<&ItemKey> = self.definitions.items().chain(after.items()).collect();
        for key in keys {
            if self.same(after, key) {
                continue;
            }
            let (kind_after, new) = self.view.item_winners(after, key, &self.run);
            let old = known.and_then(|known| known.items.get(key)).cloned().unwrap_or_else(|| {
                let (kind, old) = self.view.item_winners(&self.definitions, key, &self.run);
                (kind, Arc::new(old))
            });
            let (kind_before, old) = old;
            preview.compare(key, (kind_before, &old, &self.definitions), (kind_after, new, after));
        }
        preview.left_out = self.left_out(after, &preview.touched);
        preview
    }

    /// The exact effect of other definitions on another snapshot: tags and settings, which are
    /// part of the snapshot, may have changed too. Both must be of the same tenants, persons and
    /// computers, so that a number means the same in both.
    #[must_use]
    pub fn difference(&self, after: &Resolver) -> Preview {
        let mut preview = Preview::default();
        let (old, new) = (&self.definitions, &after.definitions);
        let keys: BTreeSet<&ItemKey> = old.items().chain(new.items()).collect();
        for key in keys {
            let (kind_before, before) = self.view.item_winners(old, key, &self.run);
            let (kind_after, later) = after.view.item_winners(new, key, &after.run);
            let same = kind_before == kind_after
                && self.same(new, key)
                && Difference {
                    key,
                    kind: kind_after,
                    before: (&before, old),
                    after: (&later, new),
                }
                .changed()
                .is_empty();
            if !same {
                preview.compare(key, (kind_before, &before, old), (kind_after, later, new));
            }
        }
        preview.left_out = after.left_out(new, &preview.touched);
        preview
    }

    fn same(&self, after: &Definitions, key: &ItemKey) -> bool {
        let (old, new) = (self.definitions.of_item(key), after.of_item(key));
        let same = |deployment: &Arc<core_model::library::Deployment>| {
            new.iter().any(|other| {
                (Arc::ptr_eq(deployment, other) || deployment == other)
                    && self.definitions.broken(deployment) == after.broken(other)
            })
        };
        old.len() == new.len()
            && self.definitions.kind(key.item) == after.kind(key.item)
            && old.iter().all(same)
    }

    fn left_out(&self, after: &Definitions, touched: &BTreeSet<ItemKey>) -> Vec<TenantId> {
        let snapshot = &self.view.snapshot;
        let crosses = touched.iter().flat_map(|key| after.of_item(key)).any(|deployment| {
            Rank::of(deployment, NOBODY, snapshot)
                .is_some_and(|rank| rank.scope == Scope::CrossTenant)
        });
        let tenants = snapshot.tenants.iter().filter(|row| row.opted_out && crosses);
        tenants.map(|row| row.id).collect()
    }
}

/// What somebody must confirm before such changes are made: of a tenant more computers than its
/// budget, or more added uninstalls than it; or more added uninstalls in all than the default.
#[must_use]
pub fn budget(snapshot: &Snapshot, shifts: &[Shift], default: Budget) -> Vec<Confirmation> {
    let mut asked = Vec::new();
    let touched = touched(shifts, Set::new());
    for number in (0_u32..).take(snapshot.tenants.len()) {
        asked.extend(asked_at(snapshot, number, (shifts, &touched, 0), default));
    }
    let uninstalls = added_uninstalls(snapshot, shifts, None);
    if uninstalls > u64::from(default.uninstalls) {
        let words = format!("{uninstalls} uninstalls are added in all");
        asked.push(Confirmation { tenant: None, words, number: uninstalls });
    }
    asked
}

/// What changed at a tenant a short time ago without anybody's word, and so counts with what changes now.
#[derive(Clone, Debug, Default)]
pub struct Recently {
    /// Computers with another winner.
    pub computers: Set,
    /// Added uninstalls.
    pub uninstalls: u64,
}

/// What somebody must confirm before changes of one tenant's winners are acted on, by its budget.
#[must_use]
pub fn budget_at(
    snapshot: &Snapshot,
    tenant: u32,
    (shifts, recently): (&[Shift], &Recently),
    default: Budget,
) -> Vec<Confirmation> {
    let touched = touched(shifts, recently.computers.clone());
    asked_at(snapshot, tenant, (shifts, &touched, recently.uninstalls), default)
}

/// The computers that shifts are of, with these.
fn touched(shifts: &[Shift], mut touched: Set) -> Set {
    let computers = shifts.iter().filter(|shift| shift.kind == SubjectKind::Computer);
    computers.for_each(|shift| touched.add(&shift.subjects));
    touched
}

fn asked_at(
    snapshot: &Snapshot,
    tenant: u32,
    (shifts, touched, recent_uninstalls): (&[Shift], &Set, u64),
    default: Budget,
) -> Vec<Confirmation> {
    let Some(row) = snapshot.tenant(tenant) else { return Vec::new() };
    let mut asked = Vec::new();
    let limits = row.budget.unwrap_or(default);
    let own = snapshot.at_tenant(SubjectKind::Computer, tenant);
    let changed = own.common(touched);
    let percent = own.len() * u64::from(limits.percent) / 100;
    if changed > percent.max(u64::from(limits.computers)) {
        let words = format!("{changed} of {} computers of {} change", own.len(), row.name);
        asked.push(Confirmation { tenant: Some(row.id), words, number: changed });
    }
    let uninstalls = added_uninstalls(snapshot, shifts, Some(tenant));
    let uninstalls = if uninstalls == 0 { 0 } else { uninstalls + recent_uninstalls };
    if uninstalls > u64::from(limits.uninstalls) {
        let words = format!("{uninstalls} uninstalls are added at {}", row.name);
        asked.push(Confirmation { tenant: Some(row.id), words, number: uninstalls });
    }
    asked
}

fn added_uninstalls(snapshot: &Snapshot, shifts: &[Shift], tenant: Option<u32>) -> u64 {
    let added = shifts.iter().filter(|shift| shift.uninstalls());
    let count = added.map(|shift| match tenant {
        None => shift.subjects.len(),
        Some(tenant) => shift.subjects.common(snapshot.at_tenant(shift.kind, tenant)),
    });
    count.sum()
}
