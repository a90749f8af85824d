//! Runs of long ago: there are thousands a day, and most of them came to nothing.

use std::time::{Duration, Instant};

use core_sync::Result;
use tokio::sync::watch;

use crate::inbox::Desk;

/// How often it is looked.
const LOOK: Duration = Duration::from_secs(3600);
/// How long all of them are kept, microseconds: thirty days.
const WHOLE_US: i64 = 30 * 86_400 * 1_000_000;

/// Thins out the runs of long ago.
pub struct Thinner(watch::Receiver<Desk>);

impl Thinner {
    /// By what the settings say as they change.
    #[must_use]
    pub fn new(desk: watch::Receiver<Desk>) -> Self {
        Self(desk)
    }

    /// Works until it is dropped. What fails is logged.
    pub async fn run(self) {
        let mut look = tokio::time::interval(LOOK);
        loop {
            look.tick().await;
            match self.work().await {
                Ok(0) => {}
                Ok(gone) => tracing::info!(gone, "old runs that came to nothing were forgotten"),
                Err(error) => {
                    tracing::warn!(%error, remedy = %error.remedy(), "old runs were not forgotten");
                }
            }
        }
    }

    /// Looks at all that were not looked at yet; gives how many were forgotten. Several daemons may do so at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn work(&self) -> Result<u64> {
        let hub = self.0.borrow().hub.clone();
        let before_us = hub.clock.now_us() - WHOLE_US;
        let mut gone = 0;
        loop {
            let began = Instant::now();
            let Some(more) = hub.store.thin_runs(before_us).await? else { return Ok(gone) };
            gone += more;
            // The first time there may be millions. Whoever has something to write comes first.
            tokio::time::sleep(began.elapsed()).await;
        }
    }
}
