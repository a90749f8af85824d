//! The order of actions: prerequisites first, and otherwise as the items say.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use core_model::library::Order;

use crate::key::Key;

/// By what two actions compare that do not depend on each other.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rank {
    /// 0: of onboarding; 1: of maintenance.
    pub(crate) stage: u8,
    pub(crate) order: Order,
    /// The handle.
    pub(crate) name: String,
    /// Makes it unique.
    pub(crate) key: Key,
}

/// What has a place in the order.
#[derive(Clone, Debug)]
pub(crate) struct Vertex {
    pub(crate) rank: Rank,
    /// What comes before it.
    pub(crate) first: BTreeSet<usize>,
    pub(crate) place: Place,
}

/// Where something has its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Its own, by its rank.
    Own,
    /// Right before the first that depends on it.
    Before,
    /// Right after this one.
    After(usize),
}

/// Why something has no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Knot {
    /// It waits for itself; the path ends where it begins, with the least.
    Cycle(Vec<usize>),
    /// It waits for this one, which has no place.
    Behind(usize),
}

/// The order of those that have a place, and why the others have none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sequence {
    pub(crate) order: Vec<usize>,
    pub(crate) knots: BTreeMap<usize, Knot>,
}

/// The order: of all that keep what depends after what it depends on, the least by rank.
///
/// What has its place before another is left out where all that depend on it have none.
pub(crate) fn sequence(vertices: &[Vertex]) -> Sequence {
    let graph = Graph::of(vertices);
    let knots = graph.knots();
    let order = graph.order(&knots);
    Sequence { order, knots }
}

struct Graph<'a> {
    vertices: &'a [Vertex],
    /// What comes before each, that of what follows it right after included; by rank.
    first: Vec<Vec<usize>>,
    /// What comes right after each; by rank.
    after: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    fn of(vertices: &'a [Vertex]) -> Self {
        let mut first: Vec<BTreeSet<usize>> =
            vertices.iter().map(|vertex| vertex.first.clone()).collect();
        let mut after = vec![Vec::new(); vertices.len()];
        for (at, vertex) in vertices.iter().enumerate() {
            if let Place::After(host) = vertex.place {
                let others = vertex.first.iter().copied().filter(|one| *one != host);
                first[host].extend(others);
                first[at].insert(host);
                after[host].push(at);
            }
        }
        let by_rank = |list: Vec<usize>| {
            let mut list = list;
            list.sort_by(|a, b| vertices[*a].rank.cmp(&vertices[*b].rank));
            list
        };
        Self {
            vertices,
            first: first.into_iter().map(|set| by_rank(set.into_iter().collect())).collect(),
            after: after.into_iter().map(by_rank).collect(),
        }
    }

    fn knots(&self) -> BTreeMap<usize, Knot> {
        let everybody: BTreeSet<usize> = (0..self.vertices.len()).collect();
        let backward = self.backward();
        // Whoever waits for nobody in vain has a place.
        let stuck = peel(&everybody, &self.first, &backward);
        // Whom nobody waits for is in no cycle.
        let core = peel(&stuck, &backward, &self.first);
        let mut knots = BTreeMap::new();
        for at in &core {
            if let Some(path) = self.cycle(*at, &core) {
                knots.insert(*at, Knot::Cycle(path));
            }
        }
        let mut open: VecDeque<usize> = self.by_rank(knots.keys().copied()).into();
        while let Some(at) = open.pop_front() {
            for behind in self.by_rank(backward[at].iter().copied()) {
                if stuck.contains(&behind) && !knots.contains_key(&behind) {
                    knots.insert(behind, Knot::Behind(at));
                    open.push_back(behind);
                }
            }
        }
        knots
    }

    fn backward(&self) -> Vec<Vec<usize>> {
        let mut backward = vec![Vec::new(); self.vertices.len()];
        for (at, first) in self.first.iter().enumerate() {
            first.iter().for_each(|one| backward[*one].push(at));
        }
        backward
    }

    fn by_rank(&self, list: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut list: Vec<usize> = list.collect();
        list.sort_by(|a, b| self.vertices[*a].rank.cmp(&self.vertices[*b].rank));
        list
    }

    /// The shortest way from one back to itself, turned so that it begins with the least.
    fn cycle(&self, start: usize, core: &BTreeSet<usize>) -> Option<Vec<usize>> {
        let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut open = VecDeque::from([start]);
        while let Some(at) = open.pop_front() {
            for next in self.first[at].iter().copied().filter(|next| core.contains(next)) {
                if next == start {
                    let mut path = vec![at];
                    let mut last = at;
                    while let Some(before) = came_from.get(&last).filter(|_| last != start) {
                        path.push(*before);
                        last = *before;
                    }
                    path.reverse();
                    return Some(self.turned(path));
                }
                if let Entry::Vacant(entry) = came_from.entry(next) {
                    entry.insert(at);
                    open.push_back(next);
                }
            }
        }
        None
    }

    fn turned(&self, mut path: Vec<usize>) -> Vec<usize> {
        let least = (0..path.len())
            .min_by(|a, b| self.vertices[path[*a]].rank.cmp(&self.vertices[path[*b]].rank));
        path.rotate_left(least.unwrap_or_default());
        path.extend(path.first().copied());
        path
    }

    fn order(&self, knots: &BTreeMap<usize, Knot>) -> Vec<usize> {
        let own = |at: &usize| self.vertices[*at].place == Place::Own && !knots.contains_key(at);
        let mut missing: Vec<usize> = vec![0; self.vertices.len()];
        let mut behind: Vec<Vec<usize>> = vec![Vec::new(); self.vertices.len()];
        let mut ready = BTreeSet::new();
        for at in (0..self.vertices.len()).filter(own) {
            let needed = self.needed(at);
            missing[at] = needed.len();
            needed.iter().for_each(|one| behind[*one].push(at));
            if needed.is_empty() {
                ready.insert((&self.vertices[at].rank, at));
            }
        }
        let mut emitted = vec![false; self.vertices.len()];
        let mut order = Vec::new();
        while let Some((_, at)) = ready.pop_first() {
            self.emit(at, &mut emitted, &mut order);
            for one in &behind[at] {
                missing[*one] -= 1;
                if missing[*one] == 0 {
                    ready.insert((&self.vertices[*one].rank, *one));
                }
            }
        }
        order
    }

    /// Those with a place of their own that must come before one, by itself or by what comes right
    /// before it.
    fn needed(&self, at: usize) -> BTreeSet<usize> {
        let mut needed = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![at];
        while let Some(one) = open.pop() {
            for next in &self.first[one] {
                let place = match self.vertices[*next].place {
                    Place::After(host) => host,
                    Place::Own | Place::Before => *next,
                };
                if self.vertices[place].place == Place::Own {
                    needed.insert(place);
                } else if seen.insert(place) {
                    open.push(place);
                }
            }
        }
        needed
    }

    /// One, with what comes right before and right after it.
    fn emit(&self, start: usize, emitted: &mut [bool], order: &mut Vec<usize>) {
        // (whom, whether what comes before it was looked at)
        let mut open = vec![(start, false)];
        while let Some((at, looked)) = open.pop() {
            if emitted[at] {
                continue;
            }
            if looked {
                emitted[at] = true;
                order.push(at);
                for after in &self.after[at] {
                    emitted[*after] = true;
                    order.push(*after);
                }
                continue;
            }
            open.push((at, true));
            let host = |next: &usize| match self.vertices[*next].place {
                Place::After(host) => host,
                Place::Own | Place::Before => *next,
            };
            let before = self.first[at]
                .iter()
                .map(host)
                .filter(|next| self.vertices[*next].place == Place::Before && !emitted[*next]);
            open.extend(before.rev().map(|next| (next, false)));
        }
    }
}

/// What is left of these after those were taken away again and again that wait for none of them.
fn peel(
    of: &BTreeSet<usize>,
    waits_for: &[Vec<usize>],
    waited_by: &[Vec<usize>],
) -> BTreeSet<usize> {
    let mut left = of.clone();
    let mut count: BTreeMap<usize, usize> = of
        .iter()
        .map(|at| (*at, waits_for[*at].iter().filter(|one| of.contains(one)).count()))
        .collect();
    let mut free: Vec<usize> =
        count.iter().filter(|(_, count)| **count == 0).map(|(at, _)| *at).collect();
    while let Some(at) = free.pop() {
        left.remove(&at);
        for one in &waited_by[at] {
            if let Some(count) = count.get_mut(one) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    free.push(*one);
                }
            }
        }
    }
    left
}
