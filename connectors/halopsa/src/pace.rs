//! The request budget: Halo counts requests over a rolling window of five minutes, and refuses
//! everybody's while it is spent. Nothing waits before the budget is used up.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use core_connector::Meter;
use tokio::time::Instant;

/// The window in which Halo counts.
const WINDOW: Duration = Duration::from_mins(5);

/// Lets so many requests through in any window.
pub(crate) struct Pace {
    budget: usize,
    sent: Mutex<VecDeque<Instant>>,
}

impl Pace {
    /// A pace; a budget of 0 never waits.
    pub(crate) fn new(budget: u32) -> Self {
        Self { budget: budget as usize, sent: Mutex::default() }
    }

    /// Waits until one more request fits in, and counts the wait.
    pub(crate) async fn wait(&self) {
        let now = Instant::now();
        let at = self.reserve(now);
        if at > now {
            tracing::debug!(wait = ?(at - now), "the request budget is used up");
            tokio::time::sleep_until(at).await;
            Meter::add_wait(at - now);
        }
    }

    /// Takes the next free moment. Moments are handed out in order, so that many who wait do not
    /// all start at once.
    fn reserve(&self, now: Instant) -> Instant {
        if self.budget == 0 {
            return now;
        }
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        while sent.front().is_some_and(|first| *first + WINDOW <= now) {
            sent.pop_front();
        }
        let blocking = sent.len().checked_sub(self.budget).and_then(|over| sent.get(over));
        let at = blocking.map_or(now, |earlier| *earlier + WINDOW).max(now);
        sent.push_back(at);
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_window_of_five_minutes_holds_more_than_the_budget() {
        let pace = Pace::new(3);
        let start = Instant::now();
        let mut sent = Vec::new();
        for _ in 0..10 {
            pace.wait().await;
            sent.push(start.elapsed());
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert!(sent[2] < Duration::from_secs(5), "nothing waits before the budget is spent");
        for four in sent.windows(4) {
            assert!(four[3] - four[0] >= WINDOW, "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_budget_never_waits() {
        let pace = Pace::new(0);
        let start = Instant::now();
        for _ in 0..5000 {
            pace.wait().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
}
