//! Rate limits: a quota per scope, and gates that close while a system asks us to wait.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use core_connector::Meter;
use governor::{DefaultKeyedRateLimiter, Quota};
use tokio::time::Instant;

/// The gate that stops every scope.
const ALL: &str = "*";

pub(crate) struct Limits {
    quota: Option<DefaultKeyedRateLimiter<String>>,
    gates: Mutex<HashMap<String, Instant>>,
}

impl Limits {
    pub(crate) fn new(requests_per_second: u32) -> Self {
        let quota = NonZeroU32::new(requests_per_second)
            .map(|rate| DefaultKeyedRateLimiter::keyed(Quota::per_second(rate)));
        Self { quota, gates: Mutex::new(HashMap::new()) }
    }

    /// Waits until this scope may send, counts the wait, and says how long it was.
    pub(crate) async fn wait(&self, scope: &str) -> Duration {
        let started = Instant::now();
        while let Some(until) = self.closed_until(scope) {
            tokio::time::sleep_until(until).await;
        }
        if let Some(quota) = &self.quota {
            quota.until_key_ready(&scope.to_owned()).await;
        }
        let waited = started.elapsed();
        if waited > Duration::from_millis(1) {
            Meter::add_wait(waited);
        }
        waited
    }

    /// Closes the gate of this scope, or of all.
    pub(crate) fn close(&self, scope: Option<&str>, wait: Duration) {
        let until = Instant::now() + wait;
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(scope.unwrap_or(ALL).to_owned()).or_insert(until);
        *gate = (*gate).max(until);
    }

    fn closed_until(&self, scope: &str) -> Option<Instant> {
        let now = Instant::now();
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        gates.retain(|_, until| *until > now);
        gates.get(scope).copied().max(gates.get(ALL).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_scope_waits_for_its_own_gate_and_for_the_one_of_all() {
        let limits = Limits::new(0);
        limits.close(Some("a"), Duration::from_secs(5));
        let start = Instant::now();
        limits.wait("b").await;
        assert_eq!(start.elapsed(), Duration::ZERO);
        limits.wait("a").await;
        assert!(start.elapsed() >= Duration::from_secs(5));
        limits.close(None, Duration::from_secs(7));
        limits.wait("b").await;
        assert!(start.elapsed() >= Duration::from_secs(12));
    }
}
