//! A clock that jumps: where nothing is under way, it is at once what somebody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_daemon::Timer;
use core_sync::Clock;
use tokio::sync::Notify;

/// Time in fast-forward, up to an instant. While jobs are under way it stands still.
pub struct FastForward {
    now_us: Arc<AtomicI64>,
    until_us: i64,
    over: Notify,
}

impl FastForward {
    /// From then until then.
    #[must_use]
    pub fn new(from: DateTime<Utc>, until: DateTime<Utc>) -> Self {
        Self {
            now_us: Arc::new(AtomicI64::new(from.timestamp_micros())),
            until_us: until.timestamp_micros(),
            over: Notify::new(),
        }
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let now_us = Arc::clone(&self.now_us);
        Clock::new(move || {
            DateTime::from_timestamp_micros(now_us.load(Ordering::SeqCst)).unwrap_or_default()
        })
    }

    /// Waits until there is nothing more to do before the end.
    pub async fn over(&self) {
        self.over.notified().await;
    }
}

#[async_trait]
impl Timer for FastForward {
    fn now(&self) -> DateTime<Utc> {
        self.clock().now()
    }

    async fn until(&self, at: Option<DateTime<Utc>>, busy: bool) {
        if busy {
            return std::future::pending().await;
        }
        match at.map(|at| at.timestamp_micros()).filter(|at| *at <= self.until_us) {
            Some(at) => {
                self.now_us.fetch_max(at, Ordering::SeqCst);
            }
            None => {
                self.now_us.store(self.until_us, Ordering::SeqCst);
                self.over.notify_one();
                std::future::pending().await
            }
        }
    }
}
