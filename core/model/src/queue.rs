//! The queue of sessions: how many run at once, and whose turn it is. A function of what runs and what
//! waits; who keeps both is the store.

use std::collections::{BTreeSet, HashMap, HashSet};

/// How sessions wait, and how many run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueRules {
    /// How many run at once, over all tenants.
    pub at_once: usize,
    /// How many of one tenant run at once.
    pub per_tenant: usize,
    /// How many one engine has at once.
    pub per_engine: usize,
    /// How long an engine has a session without being heard of, microseconds.
    pub lease_us: i64,
    /// How often a session is begun before it has failed.
    pub most_takes: u32,
    /// How long a session waits, microseconds.
    pub waits_us: i64,
}

impl Default for QueueRules {
    fn default() -> Self {
        Self {
            at_once: 200,
            per_tenant: 50,
            per_engine: 100,
            lease_us: 600 * 1_000_000,
            most_takes: 3,
            waits_us: 7 * 86_400 * 1_000_000,
        }
    }
}

/// What runs of a tenant, and when it had its last turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// How many run.
    pub running: usize,
    /// The number of its last turn; 0 where it had none.
    pub turn: i64,
}

/// Whose turn it is. Of the tenants of which something waits it is the one with the fewest running; of
/// several the one whose last turn is longest ago. How much waits does not count.
#[derive(Clone, Debug)]
pub struct Turns {
    /// How many may still be begun.
    left: usize,
    per_tenant: usize,
    standing: HashMap<String, Standing>,
    queue: BTreeSet<(usize, i64, String)>,
}

impl Turns {
    /// With what runs now. An engine asks for so many, and has so many already.
    #[must_use]
    pub fn new(
        rules: &QueueRules,
        standing: HashMap<String, Standing>,
        (asked, has): (usize, usize),
    ) -> Self {
        let running: usize = standing.values().map(|one| one.running).sum();
        let free = rules.at_once.saturating_sub(running);
        let left = asked.min(free).min(rules.per_engine.saturating_sub(has));
        Self { left, per_tenant: rules.per_tenant, standing, queue: BTreeSet::new() }
    }

    /// Whether nothing more may be begun.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.left == 0
    }

    /// Of these tenants something of the next kind waits; what waited of the kind before is over.
    pub fn waiting(&mut self, tenants: impl IntoIterator<Item = String>) {
        let tenants: HashSet<String> = tenants.into_iter().collect();
        self.queue.clear();
        for tenant in tenants {
            self.queue_up(tenant);
        }
    }

    /// The tenant whose turn it is. Unless it [`took`](Self::took) something, nothing more of it can be
    /// begun.
    #[expect(clippy::should_implement_trait, reason = "what it gives depends on what is taken")]
    pub fn next(&mut self) -> Option<String> {
        if self.is_full() {
            return None;
        }
        self.queue.pop_first().map(|(_, _, tenant)| tenant)
    }

    /// The tenant whose turn it was has one more running; its turn has this number.
    pub fn took(&mut self, tenant: String, turn: i64) {
        self.left = self.left.saturating_sub(1);
        let standing = self.standing.entry(tenant.clone()).or_default();
        standing.running += 1;
        standing.turn = turn;
        self.queue_up(tenant);
    }

    fn queue_up(&mut self, tenant: String) {
        let standing = self.standing.get(&tenant).cloned().unwrap_or_default();
        if standing.running < self.per_tenant {
            self.queue.insert((standing.running, standing.turn, tenant));
        }
    }
}

#[cfg(test)]
mod tests;
