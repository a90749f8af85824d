//! Time and waiting, handed in: a test lets a day pass in seconds.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_sync::Clock;

/// How long is waited at once: a machine that slept, or whose clock was set, is found out after it,
/// and whoever looks whether the daemon lives sees it turn.
const AT_ONCE: Duration = Duration::from_secs(20);

/// Tells the time, and waits for it.
#[async_trait]
pub trait Timer: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;

    /// Waits until then, or for a shorter while. `busy` says that runs are under way: their ends
    /// wake the daemon too.
    async fn until(&self, at: Option<DateTime<Utc>>, busy: bool);
}

/// The machine's clock.
pub struct SystemTimer(Clock);

impl SystemTimer {
    /// By that clock, which must be the machine's, or run like it.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(clock)
    }
}

#[async_trait]
impl Timer for SystemTimer {
    fn now(&self) -> DateTime<Utc> {
        self.0.now()
    }

    async fn until(&self, at: Option<DateTime<Utc>>, _busy: bool) {
        let wait = at.map_or(AT_ONCE, |at| (at - self.0.now()).to_std().unwrap_or_default());
        tokio::time::sleep(wait.min(AT_ONCE)).await;
    }
}
