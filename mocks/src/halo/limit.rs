//! The budget of calls: so many per rolling five minutes, over all tokens.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Length of the window.
const WINDOW: Duration = Duration::from_secs(300);

/// The calls of the last five minutes.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<VecDeque<Instant>>);

impl Budget {
    /// Takes one call of the budget at an instant; false where it is used up. A refused call does
    /// not count. A limit of 0 is none.
    pub(super) fn take(&self, limit: u32, now: Instant) -> bool {
        if limit == 0 {
            return true;
        }
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while calls.front().is_some_and(|at| now.duration_since(*at) >= WINDOW) {
            calls.pop_front();
        }
        if calls.len() >= usize::try_from(limit).unwrap_or(usize::MAX) {
            return false;
        }
        calls.push_back(now);
        true
    }
}
