//! How much one run may ask for.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// How much one run may ask for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CallLimits {
    /// Calls in all.
    pub calls: u32,
    /// Scripts on the computer in all. One runs at a time.
    pub invocations: u32,
    /// Calls at once, before they are counted against the second.
    pub burst: u32,
    /// Calls a second that are made good.
    pub per_second: u32,
    /// Bytes of a request.
    pub request: usize,
    /// Bytes of a line that tells how it goes.
    pub line: usize,
    /// Bytes of a result.
    pub result: usize,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            calls: 10_000,
            invocations: 200,
            burst: 50,
            per_second: 20,
            request: 512 * 1024,
            line: 4 * 1024,
            result: 64 * 1024,
        }
    }
}

/// Why a call is too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TooMuch {
    /// Too many in too short a time; a second later one may be made.
    Soon,
    /// The run has had all that it may have.
    All,
}

/// Counts the calls of a run.
#[derive(Debug)]
pub(crate) struct Meter {
    limits: CallLimits,
    counted: Mutex<Counted>,
}

#[derive(Debug)]
struct Counted {
    calls: u32,
    invocations: u32,
    left: f64,
    at: Instant,
}

impl Meter {
    pub(crate) fn new(limits: CallLimits, now: Instant) -> Self {
        let counted = Counted { calls: 0, invocations: 0, left: f64::from(limits.burst), at: now };
        Self { limits, counted: Mutex::new(counted) }
    }

    /// Counts a call, or says why it is one too many.
    pub(crate) fn count(&self, now: Instant) -> Result<(), TooMuch> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.calls >= self.limits.calls {
            return Err(TooMuch::All);
        }
        let since = now.saturating_duration_since(counted.at).as_secs_f64();
        let made_good = since.mul_add(f64::from(self.limits.per_second), counted.left);
        counted.left = made_good.min(f64::from(self.limits.burst));
        counted.at = now;
        if counted.left < 1.0 {
            return Err(TooMuch::Soon);
        }
        counted.left -= 1.0;
        counted.calls += 1;
        Ok(())
    }

    /// Counts a script on the computer.
    pub(crate) fn count_invocation(&self) -> Result<(), TooMuch> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if counted.invocations >= self.limits.invocations {
            return Err(TooMuch::All);
        }
        counted.invocations += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_run_that_calls_in_a_loop_is_slowed_down_and_then_stopped() {
        let now = Instant::now();
        let limits = CallLimits {
            calls: 8,
            burst: 3,
            per_second: 2,
            invocations: 1,
            ..CallLimits::default()
        };
        let meter = Meter::new(limits, now);
        let told: Vec<_> = (0..4).map(|_| meter.count(now)).collect();
        assert_eq!(told, [Ok(()), Ok(()), Ok(()), Err(TooMuch::Soon)]);
        let later = now + Duration::from_secs(1);
        assert_eq!((meter.count(later), meter.count(later)), (Ok(()), Ok(())));
        assert_eq!(meter.count(later), Err(TooMuch::Soon));
        let much_later = now + Duration::from_secs(100);
        let told: Vec<_> = (0..4).map(|_| meter.count(much_later)).collect();
        assert_eq!(told, [Ok(()), Ok(()), Ok(()), Err(TooMuch::All)]);
        assert_eq!(
            (meter.count_invocation(), meter.count_invocation()),
            (Ok(()), Err(TooMuch::All))
        );
    }
}
