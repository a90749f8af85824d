//! What a run costs: counted where the requests are made, read where the run is recorded.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

tokio::task_local! {
    /// The meter of the run that the current task belongs to; the HTTP toolkit adds to it.
    pub static METER: Arc<Meter>;
}

/// Counts bytes, requests, retries and waits.
#[derive(Debug, Default)]
pub struct Meter {
    bytes: AtomicU64,
    requests: AtomicU64,
    retries: AtomicU64,
    waited_ms: AtomicU64,
}

/// What a meter shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MeterReading {
    /// Bytes received, after decompression.
    pub bytes: u64,
    /// Requests sent, retries included.
    pub requests: u64,
    /// Requests that were repeated.
    pub retries: u64,
    /// Milliseconds spent waiting for rate limits.
    pub waited_ms: u64,
}

impl Meter {
    /// What it shows now.
    #[must_use]
    pub fn read(&self) -> MeterReading {
        MeterReading {
            bytes: self.bytes.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            retries: self.retries.load(Ordering::Relaxed),
            waited_ms: self.waited_ms.load(Ordering::Relaxed),
        }
    }

    /// Adds a request and the bytes of its answer to the current run's meter, if there is one.
    pub fn add_request(bytes: u64) {
        with_meter(|meter| {
            meter.requests.fetch_add(1, Ordering::Relaxed);
            meter.bytes.fetch_add(bytes, Ordering::Relaxed);
        });
    }

    /// Adds a retry to the current run's meter.
    pub fn add_retry() {
        with_meter(|meter| {
            meter.retries.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// Adds a wait for a rate limit to the current run's meter.
    pub fn add_wait(wait: Duration) {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        with_meter(|meter| {
            meter.waited_ms.fetch_add(ms, Ordering::Relaxed);
        });
    }
}

/// Outside of a run nobody counts.
fn with_meter(add: impl FnOnce(&Meter)) {
    METER.try_with(|meter| add(meter)).ok();
}
