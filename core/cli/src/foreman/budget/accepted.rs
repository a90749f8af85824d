//! The winners of a tenant that are acted on, as they are kept.

use std::collections::{BTreeMap, BTreeSet};

use core_model::id::{DeploymentId, TenantId};
use core_model::library::{DesiredState, SubjectId, SubjectKind};
use core_resolve::{ItemKey, Recently, Resolved, Resolver, Shift, Slot, Snapshot, Winners};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Changes that nobody confirmed count together within this time, microseconds: a day.
const TOGETHER_US: i64 = 86_400 * 1_000_000;

/// The winners of a tenant that are acted on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Accepted {
    /// Whom they are of, by id; the lists below name them by their place here.
    subjects: Vec<String>,
    /// By item and instance, by deployment: whom it wins.
    items: BTreeMap<String, BTreeMap<DeploymentId, BTreeSet<u32>>>,
    /// Who got other winners without anybody's word, when (Unix microseconds), and how many added uninstalls.
    #[serde(default)]
    pub(super) recent: BTreeMap<String, (i64, u64)>,
    /// The event and the revision of the definitions by which it was seen last: whoever knows less says nothing.
    #[serde(default)]
    pub(super) seen: (i64, i64),
    #[serde(skip)]
    pub(super) places: BTreeMap<String, u32>,
}

/// How an item is named in what is kept.
pub(super) fn named(key: &ItemKey) -> String {
    format!("{}#{}", key.item, key.instance.as_deref().unwrap_or_default())
}

fn unnamed(text: &str) -> Option<ItemKey> {
    let (item, instance) = text.split_once('#')?;
    let instance = Some(instance.to_owned()).filter(|one| !one.is_empty());
    Some(ItemKey { item: item.parse().ok()?, instance })
}

impl Accepted {
    /// Whether somebody who knew more than this changed it last.
    pub(super) fn is_newer_than(&self, (event, revision): (i64, i64)) -> bool {
        self.seen.0 > event || self.seen.1 > revision
    }

    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let mut accepted: Self = serde_json::from_str(text).map_err(|error| {
            Failure::failed(format!("the winners that are acted on cannot be read: {error}"))
        })?;
        accepted.index();
        Ok(accepted)
    }

    fn index(&mut self) {
        self.places = (0..).zip(&self.subjects).map(|(at, id)| (id.clone(), at)).collect();
    }

    /// What is resolved of a tenant now.
    pub(super) fn of(snapshot: &Snapshot, tenant: TenantId, winners: &Winners) -> Self {
        let mut accepted = Self::default();
        for kind in [SubjectKind::Computer, SubjectKind::Person, SubjectKind::Tenant] {
            let all = snapshot.of_tenant(kind, tenant);
            let ids = all.iter().filter_map(|number| snapshot.subject(kind, number));
            accepted.subjects.extend(ids.map(|id| id.to_string()));
        }
        accepted.index();
        for (key, (kind, of_item)) in &winners.items {
            for (deployment, set) in &of_item.won {
                for subject in set.iter().filter_map(|number| snapshot.subject(*kind, number)) {
                    accepted.set(&named(key), &subject.to_string(), Some(*deployment));
                }
            }
        }
        accepted
    }

    pub(super) fn winner(&self, item: &str, place: u32) -> Option<DeploymentId> {
        let of_item = self.items.get(item)?;
        of_item.iter().find(|(_, whom)| whom.contains(&place)).map(|(id, _)| *id)
    }

    pub(super) fn set(&mut self, item: &str, subject: &str, winner: Option<DeploymentId>) {
        let place = match self.places.get(subject) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.subjects.len()).unwrap_or(u32::MAX);
                self.subjects.push(subject.to_owned());
                self.places.insert(subject.to_owned(), place);
                place
            }
        };
        let of_item = self.items.entry(item.to_owned()).or_default();
        of_item.values_mut().for_each(|whom| {
            whom.remove(&place);
        });
        if let Some(winner) = winner {
            of_item.entry(winner).or_default().insert(place);
        }
        of_item.retain(|_, whom| !whom.is_empty());
    }

    pub(super) fn to_json(&self) -> String {
        // Plain types with text keys.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What is otherwise now than what is acted on. Whoever is new is not in it, and neither is what is not known for
    /// certain now: nothing is done about that.
    pub(super) fn shifts(
        &self,
        resolver: &Resolver,
        tenant: TenantId,
        winners: &Winners,
    ) -> Vec<Shift> {
        let snapshot = resolver.snapshot();
        let kept = self.items.keys().filter_map(|text| unnamed(text));
        let keys: BTreeSet<ItemKey> = winners.items.keys().cloned().chain(kept).collect();
        let mut shifts = Vec::new();
        for key in keys {
            let kind = resolver.definitions().kind(key.item);
            let text = named(&key);
            let mut found: BTreeMap<(Slot, Slot), Vec<u32>> = BTreeMap::new();
            for number in snapshot.of_tenant(kind, tenant).iter() {
                let id = snapshot.subject(kind, number).map(|id| id.to_string());
                let Some(place) = id.and_then(|id| self.places.get(&id).copied()) else { continue };
                let before = self.winner(&text, place).map_or(Slot::Nobody, Slot::Won);
                let after = winners.item(&key).map_or(Slot::Nobody, |one| one.slot(number));
                if before != after && !matches!(after, Slot::Blocked(_)) {
                    found.entry((before, after)).or_default().push(number);
                }
            }
            let state = |slot: Slot| -> Option<DesiredState> {
                let Slot::Won(id) = slot else { return None };
                resolver.definitions().deployment(id).map(|one| one.state.clone())
            };
            shifts.extend(found.into_iter().map(|((before, after), numbers)| Shift {
                key: key.clone(),
                kind,
                before,
                after,
                state_before: state(before),
                state_after: state(after),
                subjects: numbers.into_iter().collect(),
            }));
        }
        shifts
    }

    /// What changed a short while ago without anybody's word.
    pub(super) fn recently(&self, snapshot: &Snapshot, now_us: i64) -> Recently {
        let recent = self.recent.iter().filter(|(_, (at, _))| at + TOGETHER_US > now_us);
        let recent: Vec<(&String, u64)> = recent.map(|(id, (_, many))| (id, *many)).collect();
        let numbers = recent.iter().filter_map(|(id, _)| match id.parse::<SubjectId>() {
            Ok(id @ SubjectId::Computer(_)) => snapshot.number(id),
            _ => None,
        });
        let computers = numbers.collect::<BTreeSet<u32>>().into_iter().collect();
        Recently { computers, uninstalls: recent.iter().map(|(_, many)| many).sum() }
    }

    /// Notes whom these shifts are of: they were made without anybody's word.
    pub(super) fn note_recent(&mut self, snapshot: &Snapshot, shifts: &[Shift], now_us: i64) {
        self.recent.retain(|_, (at, _)| *at + TOGETHER_US > now_us);
        for shift in shifts {
            let ids = shift.subjects.iter().filter_map(|one| snapshot.subject(shift.kind, one));
            for id in ids {
                let entry = self.recent.entry(id.to_string()).or_insert((now_us, 0));
                entry.0 = now_us;
                entry.1 += u64::from(shift.uninstalls());
            }
        }
    }
}

impl Accepted {
    /// Takes those in who are new, with what wins for them now, and forgets those who are gone.
    pub(super) fn take_new(&mut self, now: &Self) {
        let recent = std::mem::take(&mut self.recent);
        let mut kept = Self { recent, seen: self.seen, ..Self::default() };
        kept.subjects.clone_from(&now.subjects);
        kept.index();
        for (from, all) in [(&*self, true), (now, false)] {
            for (item, of_item) in &from.items {
                for (deployment, whom) in of_item {
                    for id in whom.iter().filter_map(|at| from.subjects.get(*at as usize)) {
                        let is_new = !self.places.contains_key(id);
                        if kept.places.contains_key(id) && (all || is_new) {
                            kept.set(item, id, Some(*deployment));
                        }
                    }
                }
            }
        }
        *self = kept;
    }
}

impl Accepted {
    /// The items of a subject that another deployment wins now than is acted on.
    pub(super) fn differing(&self, place: u32, resolved: &[Resolved]) -> Vec<ItemKey> {
        let differs = |one: &&Resolved| {
            let before = self.winner(&named(&one.key), place);
            match one.slot {
                Slot::Won(id) => before != Some(id),
                Slot::Nobody => before.is_some(),
                Slot::Blocked(_) => false,
            }
        };
        resolved.iter().filter(differs).map(|one| one.key.clone()).collect()
    }
}
