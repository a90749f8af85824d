//! All winners of an item at once: deployments in the order of their keys, each takes whoever is
//! left of its members.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use core_model::id::DeploymentId;
use core_model::library::{Deployment, Enforcement, SubjectKind, Target};

use crate::definitions::{Definitions, ItemKey, RunKind};
use crate::feeds::Mode;
use crate::rank::{Rank, Scope, class_kinds, named_tenants};
use crate::set::{Members, Set};
use crate::snapshot::NOBODY;
use crate::view::View;

/// Who has what of one item.
#[derive(Clone, Debug, Default)]
pub struct ItemWinners {
    /// By deployment, the subjects that it wins.
    pub won: BTreeMap<DeploymentId, Set>,
    /// By deployment, the subjects for whom nothing is done because of it: it would outrank
    /// whatever else there is, and it is not known for certain whether it holds.
    pub blocked: BTreeMap<DeploymentId, Set>,
    /// Subjects whose winner was decided by the tie rules alone.
    pub ambiguous: Set,
}

/// What holds for one subject and item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// Nobody wins.
    Nobody,
    /// This deployment wins.
    Won(DeploymentId),
    /// Nothing is done, because of this deployment.
    Blocked(DeploymentId),
}

/// All winners.
#[derive(Clone, Debug, Default)]
pub struct Winners {
    /// By item. Items without deployments are not there.
    pub items: BTreeMap<ItemKey, (SubjectKind, Arc<ItemWinners>)>,
}

impl ItemWinners {
    /// What holds for a subject.
    #[must_use]
    pub fn slot(&self, number: u32) -> Slot {
        let holder = |sets: &BTreeMap<DeploymentId, Set>| {
            sets.iter().find(|(_, set)| set.contains(number)).map(|(id, _)| *id)
        };
        holder(&self.won)
            .map(Slot::Won)
            .or_else(|| holder(&self.blocked).map(Slot::Blocked))
            .unwrap_or(Slot::Nobody)
    }

    pub(crate) fn slots(&self) -> impl Iterator<Item = (Slot, &Set)> {
        let won = self.won.iter().map(|(id, set)| (Slot::Won(*id), set));
        won.chain(self.blocked.iter().map(|(id, set)| (Slot::Blocked(*id), set)))
    }

    /// Everybody who has a winner or is blocked.
    pub(crate) fn held(&self) -> Set {
        let mut held = Set::new();
        self.slots().for_each(|(_, set)| held.add(set));
        held
    }

    fn record(&mut self, deployment: DeploymentId, won: &Set, blocked: &Set) {
        if !won.is_empty() {
            self.won.entry(deployment).or_default().add(won);
        }
        if !blocked.is_empty() {
            self.blocked.entry(deployment).or_default().add(blocked);
        }
    }

    /// Replaces what is said about some subjects.
    pub(crate) fn patch(&mut self, subjects: &Set, new: &ItemWinners) {
        let patch = |sets: &mut BTreeMap<DeploymentId, Set>, new: &BTreeMap<DeploymentId, Set>| {
            sets.values_mut().for_each(|set| set.take(subjects));
            for (id, set) in new {
                sets.entry(*id).or_default().add(set);
            }
            sets.retain(|_, set| !set.is_empty());
        };
        patch(&mut self.won, &new.won);
        patch(&mut self.blocked, &new.blocked);
        self.ambiguous.take(subjects);
        self.ambiguous.add(&new.ambiguous);
    }

    fn packed(mut self) -> Self {
        let pack = |sets: &mut BTreeMap<DeploymentId, Set>| {
            for set in sets.values_mut() {
                *set = std::mem::take(set).packed();
            }
        };
        pack(&mut self.won);
        pack(&mut self.blocked);
        self
    }

    /// Bytes that its sets take, about.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.slots().map(|(_, set)| set.bytes()).sum()
    }
}

impl Winners {
    /// The winners of an item.
    #[must_use]
    pub fn item(&self, key: &ItemKey) -> Option<&ItemWinners> {
        self.items.get(key).map(|(_, winners)| winners.as_ref())
    }

    /// A number that is equal for equal winners.
    #[must_use]
    pub fn digest(&self) -> u128 {
        let mut hash = xxhash_rust::xxh3::Xxh3::new();
        for (key, (_, winners)) in &self.items {
            for (slot, set) in winners.slots().filter(|(_, set)| !set.is_empty()) {
                hash.update(format!("{key:?} {slot:?}").as_bytes());
                set.iter().for_each(|number| hash.update(&number.to_le_bytes()));
            }
        }
        hash.digest128()
    }
}

/// A deployment where it has one and the same key.
pub(crate) struct Piece<'a> {
    pub(crate) rank: Rank,
    pub(crate) deployment: &'a Deployment,
    /// The subjects that it may concern; none is everybody.
    domain: Option<Set>,
}

impl View {
    /// Everybody of a kind to whom something may be done.
    pub(crate) fn eligible(&self, kind: SubjectKind) -> Set {
        let snapshot = &self.snapshot;
        let mut all = snapshot.everybody(kind).clone();
        if kind == SubjectKind::Computer {
            all.take(&snapshot.excluded);
        }
        for (number, row) in (0_u32..).zip(snapshot.tenants.iter()) {
            if row.suspended {
                all.take(snapshot.at_tenant(kind, number));
            }
        }
        all
    }

    fn all_tenants(&self) -> Set {
        Set::sorted(0..u32::try_from(self.snapshot.tenants.len()).unwrap_or(NOBODY))
    }

    /// A deployment in pieces of one key each.
    fn pieces_of<'a>(&self, deployment: &'a Deployment, kind: SubjectKind) -> Vec<Piece<'a>> {
        let snapshot = &self.snapshot;
        let mut named = BTreeSet::new();
        named_tenants(&deployment.target, &mut named);
        named.extend(deployment.owner.map(|owner| (owner.tenant, owner.children)));
        let mut special = Set::new();
        for (tenant, children) in named {
            let Some(number) = snapshot.tenant_numbers.get(&tenant) else { continue };
            special.insert(*number);
            if children {
                special.add(&snapshot.descendants(*number));
            }
        }
        let mut by_rank: BTreeMap<Rank, Set> = BTreeMap::new();
        if let Some(rank) = Rank::of(deployment, NOBODY, snapshot) {
            by_rank.insert(rank, &self.all_tenants() - &special);
        }
        for tenant in special.iter() {
            if let Some(rank) = Rank::of(deployment, tenant, snapshot) {
                by_rank.entry(rank).or_default().insert(tenant);
            }
        }
        let pieces = by_rank.into_iter().map(|(rank, tenants)| {
            let domain = self.domain(deployment, kind, (&rank, tenants));
            Piece { rank, deployment, domain }
        });
        pieces.collect()
    }

    fn domain(
        &self,
        deployment: &Deployment,
        kind: SubjectKind,
        (rank, mut tenants): (&Rank, Set),
    ) -> Option<Set> {
        let snapshot = &self.snapshot;
        let dated = deployment.dates != core_model::dates::DateRange::default();
        for (number, row) in (0_u32..).zip(snapshot.tenants.iter()) {
            let opted_out = row.opted_out && rank.scope == Scope::CrossTenant;
            if opted_out || (dated && !deployment.dates.contains(self.day(number))) {
                tenants.remove(number);
            }
        }
        let everybody = tenants.len() == snapshot.tenants.len() as u64;
        let domain = (!everybody).then(|| {
            let others = &self.all_tenants() - &tenants;
            if others.len() < tenants.len() {
                snapshot.everybody(kind) - &snapshot.at_tenants(kind, &others)
            } else {
                snapshot.at_tenants(kind, &tenants)
            }
        });
        let Enforcement::Optional { approved } = &deployment.enforcement else { return domain };
        let approved = approved.iter().filter(|subject| subject.kind() == kind);
        let approved: Set = approved.filter_map(|subject| snapshot.number(*subject)).collect();
        Some(domain.map(|domain| &domain & &approved).unwrap_or(approved))
    }

    /// The deployments of an item that take part, the greatest key first.
    pub(crate) fn pieces<'a>(
        &self,
        definitions: &'a Definitions,
        key: &ItemKey,
        run: &RunKind,
    ) -> Vec<Piece<'a>> {
        let kind = definitions.kind(key.item);
        let taking_part = definitions
            .of_item(key)
            .iter()
            .filter(|deployment| definitions.removed(deployment, run, &self.snapshot).is_none());
        let mut pieces: Vec<Piece<'a>> =
            taking_part.flat_map(|deployment| self.pieces_of(deployment, kind)).collect();
        pieces.sort_by(|a, b| b.rank.cmp(&a.rank));
        pieces
    }

    /// Who of these is in a deployment: its target, narrowed by device class.
    pub(crate) fn in_deployment(
        &self,
        deployment: &Deployment,
        kind: SubjectKind,
        within: &Set,
        mode: Mode,
    ) -> Members {
        let members = self.members(kind, &deployment.target, within, mode);
        if deployment.classes.is_empty() || kind != SubjectKind::Computer {
            return members;
        }
        let open = &members.yes | &members.maybe;
        let kinds = self.kinds(class_kinds(&deployment.classes));
        members.and(&kinds[mode as usize].within(&open))
    }

    fn is_stricter(&self, deployment: &Deployment, kind: SubjectKind) -> bool {
        let classes = !deployment.classes.is_empty() && {
            let [lenient, strict] = self.kinds(class_kinds(&deployment.classes));
            !Arc::ptr_eq(&lenient, &strict)
        };
        classes || self.strict_differs(kind, &deployment.target)
    }

    /// The winners of an item among these subjects, who must be eligible.
    pub(crate) fn sweep(
        &self,
        pieces: &[Piece<'_>],
        kind: SubjectKind,
        within: &Set,
    ) -> ItemWinners {
        let mut sweep = Sweep {
            view: self,
            kind,
            open: within.clone(),
            tainted: Set::new(),
            tied: Set::new(),
            uninstalls: pieces.iter().any(|piece| piece.deployment.state.uninstalls()),
            winners: ItemWinners::default(),
        };
        for (at, piece) in pieces.iter().enumerate() {
            let ties = |other: Option<&Piece<'_>>| other.is_some_and(|o| o.rank.ties(&piece.rank));
            let before = at.checked_sub(1).and_then(|at| pieces.get(at));
            sweep.step(piece, ties(before), ties(pieces.get(at + 1)));
        }
        sweep.winners.packed()
    }

    /// All winners of an item.
    pub(crate) fn item_winners(
        &self,
        definitions: &Definitions,
        key: &ItemKey,
        run: &RunKind,
    ) -> (SubjectKind, ItemWinners) {
        let kind = definitions.kind(key.item);
        let pieces = self.pieces(definitions, key, run);
        (kind, self.sweep(&pieces, kind, &self.eligible(kind)))
    }

    pub(crate) fn all_winners(&self, definitions: &Definitions, run: &RunKind) -> Winners {
        let items = definitions.items().map(|key| {
            let (kind, winners) = self.item_winners(definitions, key, run);
            (key.clone(), (kind, Arc::new(winners)))
        });
        Winners { items: items.collect() }
    }
}

struct Sweep<'a> {
    view: &'a View,
    kind: SubjectKind,
    /// Who has neither a winner nor is blocked yet.
    open: Set,
    /// Of whom something greater could not be ruled out as strictly as an uninstall needs it.
    tainted: Set,
    /// Who was won by the deployments that the next one ties with.
    tied: Set,
    uninstalls: bool,
    winners: ItemWinners,
}

impl Sweep<'_> {
    fn step(&mut self, piece: &Piece<'_>, ties_before: bool, ties_after: bool) {
        if !ties_before {
            self.tied = Set::new();
        }
        let (deployment, kind) = (piece.deployment, self.kind);
        let mine = |of: &Set| match &piece.domain {
            None => of.clone(),
            Some(domain) => of & domain,
        };
        let rivals = mine(&self.tied);
        if !rivals.is_empty() {
            let too = self.view.in_deployment(deployment, kind, &rivals, Mode::Lenient);
            self.winners.ambiguous.add(&too.yes);
        }
        let domain = mine(&self.open);
        if domain.is_empty() {
            return;
        }
        let members = self.view.in_deployment(deployment, kind, &domain, Mode::Lenient);
        let mut won = members.yes.clone();
        let mut blocked = members.maybe.clone();
        if self.uninstalls && self.view.is_stricter(deployment, kind) {
            let strict = self.view.in_deployment(deployment, kind, &domain, Mode::Strict);
            self.tainted.add(&strict.maybe);
        }
        if deployment.state.uninstalls() {
            let bad = &won & &self.tainted;
            won.take(&bad);
            blocked.add(&bad);
        }
        self.open.take(&members.yes);
        self.open.take(&members.maybe);
        if ties_after {
            self.tied.add(&won);
        }
        self.winners.record(deployment.id, &won, &blocked);
    }
}

/// The leaves of the deployments of an item.
pub(crate) fn leaves_of_item(definitions: &Definitions, key: &ItemKey) -> BTreeSet<Target> {
    let mut leaves = BTreeSet::new();
    for deployment in definitions.of_item(key) {
        crate::definitions::leaves_of(&deployment.target, &mut leaves);
    }
    leaves
}
