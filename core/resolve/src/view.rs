//! A snapshot as of a day: who is in what.
//!
//! Each leaf of a target is computed once for everybody and kept; composed targets are set algebra
//! on that, within whoever is asked about.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use core_model::library::{SubjectKind, Target};

use crate::dates::AsOf;
use crate::feeds::{FeedKind, Mode};
use crate::filter::Filter;
use crate::set::{Members, Set};
use crate::snapshot::Snapshot;

mod cover;
mod filters;
mod leaves;
mod points;

pub(crate) use cover::Cover;

/// A leaf in both modes; the same pointer where they agree.
pub(crate) type Leaf = [Arc<Members>; 2];
type FeedKey = (Arc<str>, FeedKind, Mode);
type Shared<K, V> = Arc<Mutex<HashMap<K, V>>>;

/// Filters that were compiled; `None` is one that cannot be.
#[derive(Clone, Default)]
pub(crate) struct Filters(Shared<String, Option<Arc<Filter>>>);

impl Filters {
    pub(crate) fn get(&self, text: &str) -> Option<Arc<Filter>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.get(text) {
            return found.clone();
        }
        let filter = Filter::compile(text).ok().map(Arc::new);
        known.insert(text.to_owned(), filter.clone());
        filter
    }
}

/// What was computed of leaves, for one snapshot and day.
#[derive(Clone, Default)]
pub(crate) struct Leaves {
    pub(crate) targets: HashMap<(SubjectKind, Target), Leaf>,
    /// Computers by the kinds that they are narrowed to.
    pub(crate) kinds: HashMap<u8, Leaf>,
}

pub(crate) struct View {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) as_of: AsOf,
    /// The day in each tenant.
    pub(crate) days: Vec<NaiveDate>,
    pub(crate) filters: Filters,
    leaves: Mutex<Leaves>,
    covers: Mutex<HashMap<Target, Arc<Cover>>>,
    stale: Mutex<HashMap<FeedKey, Arc<Set>>>,
}

impl View {
    pub(crate) fn new(snapshot: Arc<Snapshot>, as_of: AsOf, filters: Filters) -> Self {
        Self::with(snapshot, as_of, filters, Leaves::default())
    }

    /// With leaves that are known to hold for this snapshot and day.
    pub(crate) fn with(
        snapshot: Arc<Snapshot>,
        as_of: AsOf,
        filters: Filters,
        leaves: Leaves,
    ) -> Self {
        let days = days(&snapshot, as_of);
        Self {
            snapshot,
            as_of,
            days,
            filters,
            leaves: Mutex::new(leaves),
            covers: Mutex::default(),
            stale: Mutex::default(),
        }
    }

    /// The same snapshot on another day. Only agreements know days.
    pub(crate) fn on(&self, as_of: AsOf) -> Self {
        let mut leaves = self.leaves();
        leaves.targets.retain(|(_, leaf), _| !hangs_on_days(leaf));
        Self::with(self.snapshot.clone(), as_of, self.filters.clone(), leaves)
    }

    pub(crate) fn leaves(&self) -> Leaves {
        self.leaves.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn into_leaves(self) -> Leaves {
        self.leaves.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn day(&self, tenant: u32) -> NaiveDate {
        self.days.get(tenant as usize).copied().unwrap_or_default()
    }

    /// The tenants of which facts of a connection are not known.
    pub(crate) fn stale(&self, connection: &str, kind: FeedKind, mode: Mode) -> Arc<Set> {
        let key = (Arc::from(connection), kind, mode);
        let mut known = self.stale.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known
            .entry(key)
            .or_insert_with(|| Arc::new(self.snapshot.stale_tenants(connection, kind, mode)));
        found.clone()
    }

    pub(crate) fn cover(&self, leaf: &Target) -> Arc<Cover> {
        let known = self.covers.lock().unwrap_or_else(PoisonError::into_inner).get(leaf).cloned();
        known.unwrap_or_else(|| {
            let cover = Arc::new(Cover::new(self, leaf));
            let mut known = self.covers.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(leaf.clone(), cover.clone());
            cover
        })
    }

    pub(crate) fn leaf(&self, kind: SubjectKind, leaf: &Target) -> Leaf {
        let key = (kind, leaf.clone());
        let known =
            self.leaves.lock().unwrap_or_else(PoisonError::into_inner).targets.get(&key).cloned();
        known.unwrap_or_else(|| {
            let computed = self.compute(kind, leaf);
            let mut known = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
            known.targets.insert(key, computed.clone());
            computed
        })
    }

    /// The computers that are one of these kinds.
    pub(crate) fn kinds(&self, wanted: u8) -> Leaf {
        let known =
            self.leaves.lock().unwrap_or_else(PoisonError::into_inner).kinds.get(&wanted).cloned();
        known.unwrap_or_else(|| {
            let computed = both(|mode| self.of_kinds(wanted, mode));
            let mut known = self.leaves.lock().unwrap_or_else(PoisonError::into_inner);
            known.kinds.insert(wanted, computed.clone());
            computed
        })
    }

    pub(crate) fn compute(&self, kind: SubjectKind, leaf: &Target) -> Leaf {
        both(|mode| self.everybody_in(kind, leaf, mode))
    }

    /// Whether some leaf of a target is judged otherwise by uninstalls.
    pub(crate) fn strict_differs(&self, kind: SubjectKind, target: &Target) -> bool {
        match target {
            Target::And(parts) | Target::Or(parts) => {
                parts.iter().any(|part| self.strict_differs(kind, part))
            }
            Target::Not(part) => self.strict_differs(kind, part),
            leaf => {
                let [lenient, strict] = self.leaf(kind, leaf);
                !Arc::ptr_eq(&lenient, &strict)
            }
        }
    }

    /// Who of these is in a target.
    pub(crate) fn members(
        &self,
        kind: SubjectKind,
        target: &Target,
        within: &Set,
        mode: Mode,
    ) -> Members {
        self.evaluate(kind, target, within, (mode, true))
    }

    /// A part that names something that is gone contributes nobody, under `not` too: there it
    /// counts as everybody, so that its opposite is nobody.
    fn evaluate(
        &self,
        kind: SubjectKind,
        target: &Target,
        within: &Set,
        (mode, positive): (Mode, bool),
    ) -> Members {
        match target {
            Target::And(parts) => {
                let mut all = Members { yes: within.clone(), maybe: Set::new() };
                for part in parts {
                    let open = &all.yes | &all.maybe;
                    if open.is_empty() {
                        break;
                    }
                    all = all.and(&self.evaluate(kind, part, &open, (mode, positive)));
                }
                all
            }
            Target::Or(parts) => {
                let mut any = Members::default();
                for part in parts {
                    any = any.or(&self.evaluate(kind, part, within, (mode, positive)));
                }
                any
            }
            Target::Not(part) => self.evaluate(kind, part, within, (mode, !positive)).not(within),
            leaf => {
                let members = self.leaf(kind, leaf)[mode as usize].within(within);
                if positive || self.snapshot.gone(kind, leaf).is_none() {
                    members
                } else {
                    Members { yes: within - &members.maybe, maybe: members.maybe }
                }
            }
        }
    }
}

/// A leaf from its two answers, kept once where they agree.
pub(crate) fn both(members: impl Fn(Mode) -> Members) -> Leaf {
    let lenient = Arc::new(members(Mode::Lenient));
    let strict = members(Mode::Strict);
    let same = lenient.differs(&strict).is_empty();
    let strict = if same { lenient.clone() } else { Arc::new(strict) };
    [lenient, strict]
}

pub(crate) fn days(snapshot: &Snapshot, as_of: AsOf) -> Vec<NaiveDate> {
    let mut by_zone = HashMap::new();
    let tenants = snapshot.tenants.iter();
    tenants.map(|row| *by_zone.entry(row.zone).or_insert_with(|| as_of.day(row.zone))).collect()
}

pub(crate) fn hangs_on_days(leaf: &Target) -> bool {
    matches!(leaf, Target::AgreementType { .. } | Target::Product { .. })
}

impl Snapshot {
    /// Why a leaf can never contain anybody of a kind: what it names is gone, or is for others.
    pub(crate) fn gone(&self, kind: SubjectKind, leaf: &Target) -> Option<String> {
        let missing = |there: bool, what: String| (!there).then_some(what);
        let for_others = |what: &str| Some(format!("{what} is no target of such a task"));
        let computers = kind == SubjectKind::Computer;
        match leaf {
            Target::Computer(_) if !computers => for_others("a computer"),
            Target::Person(_) | Target::Group(_) if kind == SubjectKind::Tenant => {
                for_others("a person or group")
            }
            Target::ConnectionGroup { .. } | Target::CustomProperty { .. } if !computers => {
                for_others("a group or property of agents")
            }
            Target::Computer(id) => {
                missing(self.number((*id).into()).is_some(), format!("computer {id} is gone"))
            }
            Target::Person(id) => {
                missing(self.number((*id).into()).is_some(), format!("person {id} is gone"))
            }
            Target::Tenant { tenant, .. } => {
                missing(self.number((*tenant).into()).is_some(), format!("tenant {tenant} is gone"))
            }
            Target::Group(id) => {
                missing(self.groups.contains_key(id), format!("directory group {id} is gone"))
            }
            Target::Tag(id) => missing(self.tags.contains_key(id), format!("tag {id} is gone")),
            Target::Product { product, .. } => {
                missing(self.products.contains_key(product), format!("product {product} is gone"))
            }
            Target::AgreementType { connection, name, .. } => {
                let there = self.agreements.values().any(|agreement| {
                    connection.as_ref().is_none_or(|wanted| *wanted == agreement.connection)
                        && cover::is_of_type(agreement, name)
                });
                missing(there, format!("no agreement is of type \"{name}\""))
            }
            Target::ConnectionGroup { connection, kind, key } => {
                let id = (connection.as_str().into(), *kind, key.as_str().into());
                let there = self.group_names.contains_key(&id);
                missing(there, format!("group {key} of {connection} is gone"))
            }
            _ => None,
        }
    }
}
