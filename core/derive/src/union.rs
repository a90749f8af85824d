//! Disjoint sets over small dense numbers.

/// Sets of `0..n`, joined pair by pair.
#[derive(Clone, Debug)]
pub(crate) struct Union {
    parent: Vec<usize>,
    members: Vec<Vec<usize>>,
}

impl Union {
    pub(crate) fn new(n: usize) -> Self {
        Self { parent: (0..n).collect(), members: (0..n).map(|item| vec![item]).collect() }
    }

    /// The set's representative: its smallest member, so that it does not depend on the order of
    /// the joins.
    pub(crate) fn root(&self, mut item: usize) -> usize {
        while self.parent[item] != item {
            item = self.parent[item];
        }
        item
    }

    pub(crate) fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        if a == b {
            return;
        }
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high] = low;
        let moved = std::mem::take(&mut self.members[high]);
        self.members[low].extend(moved);
        self.members[low].sort_unstable();
    }

    /// The members of the set that this item is in, sorted.
    pub(crate) fn set(&self, item: usize) -> &[usize] {
        &self.members[self.root(item)]
    }

    /// The sets, each sorted, in the order of their smallest members.
    pub(crate) fn sets(&self) -> Vec<Vec<usize>> {
        self.members.iter().filter(|members| !members.is_empty()).cloned().collect()
    }
}
