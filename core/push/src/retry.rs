//! When what failed is tried again.

use core_connector::{Actor, ErrorKind};

const MINUTE_US: i64 = 60_000_000;
/// Attempts at what time can mend.
const CLOCK: u32 = 8;
/// Attempts at what somebody must mend.
const OTHERS: u32 = 3;
/// The longest wait.
const LONGEST: i64 = 6 * 60 * MINUTE_US;

/// Microseconds until the next attempt at an item that failed so many times now, the last time with
/// this kind of error; none where it is a dead letter, and only a human tries it again.
#[must_use]
pub fn wait_us(kind: ErrorKind, attempts: u32) -> Option<i64> {
    let (most, first) = match kind.actor() {
        Actor::Clock => (CLOCK, 5 * MINUTE_US),
        Actor::Admin | Actor::Developer => (OTHERS, 30 * MINUTE_US),
    };
    let wait = first << attempts.saturating_sub(1).min(16);
    let asked = match kind {
        ErrorKind::RateLimited { retry_after: Some(after) } => {
            i64::try_from(after.as_micros()).unwrap_or(LONGEST)
        }
        _ => 0,
    };
    (attempts < most).then_some(wait.max(asked).min(LONGEST.max(asked)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_clocks_errors_are_tried_longer_and_each_wait_is_twice_as_long() {
        assert_eq!(wait_us(ErrorKind::Unavailable, 1), Some(5 * MINUTE_US));
        assert_eq!(wait_us(ErrorKind::Unavailable, 3), Some(20 * MINUTE_US));
        assert_eq!(wait_us(ErrorKind::Unavailable, 7), Some(320 * MINUTE_US));
        assert_eq!(wait_us(ErrorKind::Unavailable, 8), None);
        assert_eq!(wait_us(ErrorKind::Rejected, 1), Some(30 * MINUTE_US));
        assert_eq!(wait_us(ErrorKind::Rejected, 3), None);
    }

    #[test]
    fn a_system_that_asks_for_more_time_gets_it() {
        let asked = ErrorKind::RateLimited { retry_after: Some(Duration::from_hours(10)) };
        assert_eq!(wait_us(asked, 1), Some(600 * MINUTE_US));
    }
}
