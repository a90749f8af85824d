//! How sessions wait, and how many run: the table `[sessions]` of the settings.

use core_model::queue::QueueRules;
use schemars::JsonSchema;
use serde::Deserialize;

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;

/// How sessions wait, and how many run at once.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SessionsTable {
    /// Sessions that run at once, over all tenants.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) at_once: u32,
    /// Sessions of one tenant that run at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) per_tenant: u32,
    /// Sessions that one engine has at once.
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) per_engine: u32,
    /// Seconds after which a session waits again whose engine was not heard of.
    #[schemars(range(min = 10, max = 86_400))]
    pub(crate) lease_seconds: u32,
    /// How often a session is begun. One that is lost more often has failed.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) most_takes: u32,
    /// Days that a session waits for an engine.
    #[schemars(range(min = 1, max = 365))]
    pub(crate) waits_days: u32,
}

impl Default for SessionsTable {
    fn default() -> Self {
        let rules = QueueRules::default();
        let small = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            at_once: count(rules.at_once),
            per_tenant: count(rules.per_tenant),
            per_engine: count(rules.per_engine),
            lease_seconds: small(rules.lease_us / SECOND_US),
            most_takes: rules.most_takes,
            waits_days: small(rules.waits_us / DAY_US),
        }
    }
}

impl SessionsTable {
    /// What the queue goes by.
    pub(super) fn rules(&self) -> QueueRules {
        let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        QueueRules {
            at_once: count(self.at_once),
            per_tenant: count(self.per_tenant),
            per_engine: count(self.per_engine),
            lease_us: i64::from(self.lease_seconds) * SECOND_US,
            most_takes: self.most_takes,
            waits_us: i64::from(self.waits_days) * DAY_US,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_what_the_queue_goes_by_anyway() {
        assert_eq!(SessionsTable::default().rules(), QueueRules::default());
        let table = SessionsTable { lease_seconds: 60, waits_days: 2, ..SessionsTable::default() };
        let rules = table.rules();
        assert_eq!((rules.lease_us, rules.waits_us), (60_000_000, 172_800_000_000));
    }
}
