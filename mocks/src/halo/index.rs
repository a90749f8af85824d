//! Indexes over the arenas, so that a page of a hundred thousand rows costs a page.
//!
//! Arenas only grow, so the index by id only grows too. The ordered lists depend on what rows say;
//! they are kept until a row of their own arena changes, whatever else happens in the world.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use super::entity::Entity;
use super::query::Activity;
use crate::world::{Version, World};

/// One slot per entity that lives in the world.
#[derive(Debug, Default)]
pub(super) struct Indexes([Slot; 8]);

/// Which entity a slot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Place {
    /// Clients.
    Clients,
    /// Sites.
    Sites,
    /// Users.
    Users,
    /// Assets.
    Assets,
    /// Contracts.
    Contracts,
    /// Recurring invoices.
    Invoices,
    /// Items.
    Items,
    /// Tickets.
    Tickets,
}

#[derive(Debug, Default)]
struct Slot {
    ids: RwLock<Ids>,
    lists: RwLock<Option<Arc<Lists>>>,
}

#[derive(Debug, Default)]
struct Ids {
    seen: usize,
    of: HashMap<i64, u32>,
}

/// The two orders that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// By id.
    Id,
    /// By the entity's own order (its name).
    Name,
}

/// The rows that are there, in order, and who belongs to whom.
#[derive(Debug)]
pub(super) struct Lists {
    version: AtomicU64,
    rows: usize,
    latest: Version,
    ordered: [OnceLock<Vec<u32>>; 6],
    owned: OnceLock<HashMap<i64, Vec<u32>>>,
    linked: [OnceLock<HashMap<i64, Vec<u32>>>; 2],
}

impl Indexes {
    /// Position of the row with this id, whether it is gone or not.
    pub(super) fn position<E: Entity>(&self, rows: &[E::Row], id: i64) -> Option<usize> {
        let slot = self.slot(E::PLACE);
        let good = |at: usize| rows.get(at).is_some_and(|row| E::id(row) == id);
        {
            let ids = slot.ids.read().unwrap_or_else(PoisonError::into_inner);
            if ids.seen == rows.len() {
                let at = ids.of.get(&id).and_then(|at| usize::try_from(*at).ok());
                if at.is_none_or(good) {
                    return at;
                }
            }
        }
        let mut ids = slot.ids.write().unwrap_or_else(PoisonError::into_inner);
        if ids.seen >= rows.len() {
            *ids = Ids::default();
        }
        for (at, row) in rows.iter().enumerate().skip(ids.seen) {
            ids.of.insert(E::id(row), u32::try_from(at).unwrap_or(u32::MAX));
        }
        ids.seen = rows.len();
        ids.of.get(&id).and_then(|at| usize::try_from(*at).ok()).filter(|at| good(*at))
    }

    /// The lists of an entity, as of now.
    pub(super) fn lists<E: Entity>(&self, world: &World) -> Arc<Lists> {
        let slot = self.slot(E::PLACE);
        let kept = slot.lists.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(lists) = &kept
            && lists.version.load(Ordering::Acquire) == world.version
        {
            return Arc::clone(lists);
        }
        let rows = E::rows(&world.halo);
        let latest = rows.iter().map(|row| {
            let mark = E::mark(row);
            mark.changed.max(mark.born).max(mark.gone.unwrap_or(0))
        });
        let latest = latest.max().unwrap_or(0);
        if let Some(lists) = kept
            && (lists.rows, lists.latest) == (rows.len(), latest)
        {
            lists.version.store(world.version, Ordering::Release);
            return lists;
        }
        let fresh = Arc::new(Lists::new(world.version, rows.len(), latest));
        *slot.lists.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&fresh));
        fresh
    }

    fn slot(&self, place: Place) -> &Slot {
        let [clients, sites, users, assets, contracts, invoices, items, tickets] = &self.0;
        match place {
            Place::Clients => clients,
            Place::Sites => sites,
            Place::Users => users,
            Place::Assets => assets,
            Place::Contracts => contracts,
            Place::Invoices => invoices,
            Place::Items => items,
            Place::Tickets => tickets,
        }
    }
}

impl Lists {
    fn new(version: Version, rows: usize, latest: Version) -> Self {
        Self {
            version: AtomicU64::new(version),
            rows,
            latest,
            ordered: Default::default(),
            owned: OnceLock::new(),
            linked: Default::default(),
        }
    }

    /// The rows of that activity in that order, ascending.
    pub(super) fn ordered<E: Entity>(
        &self,
        rows: &[E::Row],
        base: Base,
        activity: Activity,
    ) -> &[u32] {
        let kind = match activity {
            Activity { active: true, inactive: false } => 0,
            Activity { active: false, inactive: true } => 1,
            Activity { active: true, inactive: true } => 2,
            Activity { active: false, inactive: false } => return &[],
        };
        let at = kind * 2 + usize::from(base == Base::Name);
        let Some(list) = self.ordered.get(at) else { return &[] };
        list.get_or_init(|| {
            let shown = |row: &E::Row| there::<E>(row) && activity.shows(E::inactive(row));
            let mut list: Vec<u32> =
                numbered(rows).filter(|(_, row)| shown(row)).map(|(at, _)| at).collect();
            sort::<E>(rows, &mut list, base);
            list
        })
    }

    /// The rows of an owner, in no order.
    pub(super) fn owned<E: Entity>(&self, rows: &[E::Row], owner: i64) -> &[u32] {
        let map = self.owned.get_or_init(|| {
            let mut map: HashMap<i64, Vec<u32>> = HashMap::new();
            for (at, row) in numbered(rows) {
                map.entry(E::owner(row)).or_default().push(at);
            }
            map
        });
        map.get(&owner).map_or(&[], Vec::as_slice)
    }

    /// The rows that name `target` in their `which`-th list of ids.
    pub(super) fn naming<E: Entity>(&self, rows: &[E::Row], which: usize, target: i64) -> &[u32] {
        let Some(cell) = self.linked.get(which) else { return &[] };
        let map = cell.get_or_init(|| {
            let mut map: HashMap<i64, Vec<u32>> = HashMap::new();
            for (at, row) in numbered(rows).filter(|(_, row)| there::<E>(row)) {
                for id in E::names(row, which) {
                    map.entry(*id).or_default().push(at);
                }
            }
            map
        });
        map.get(&target).map_or(&[], Vec::as_slice)
    }
}

/// Sorts positions by one of the kept orders.
pub(super) fn sort<E: Entity>(rows: &[E::Row], list: &mut [u32], base: Base) {
    let row = |at: u32| usize::try_from(at).ok().and_then(|at| rows.get(at));
    match base {
        Base::Id => list.sort_by_key(|at| row(*at).map(E::id)),
        Base::Name => list
            .sort_by_cached_key(|at| row(*at).map(|row| (E::name(row).to_lowercase(), E::id(row)))),
    }
}

/// Whether a row can be listed at all.
pub(super) fn there<E: Entity>(row: &E::Row) -> bool {
    E::KEEPS_GONE || E::mark(row).gone.is_none()
}

fn numbered<R>(rows: &[R]) -> impl Iterator<Item = (u32, &R)> {
    rows.iter().enumerate().filter_map(|(at, row)| Some((u32::try_from(at).ok()?, row)))
}
