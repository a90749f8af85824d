//! What is tried again, and when.

use std::time::Duration;

use core_connector::{Error, ErrorKind};

use crate::HttpSettings;

/// How often an answer that cannot be read is asked for again: a proxy's page or a cut body passes,
/// a changed API does not.
const UNREADABLE_ATTEMPTS: u32 = 4;

/// The longest wait that nobody asked for.
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// How long to wait before the next attempt; `None` where another attempt is of no use.
pub(crate) fn next_wait(
    error: &Error,
    attempt: u32,
    repeatable: bool,
    settings: &HttpSettings,
) -> Option<Duration> {
    let attempts = match error.kind() {
        ErrorKind::RateLimited { .. } => settings.attempts,
        ErrorKind::Unavailable if repeatable => settings.attempts,
        ErrorKind::Protocol if repeatable => settings.attempts.min(UNREADABLE_ATTEMPTS),
        _ => return None,
    };
    if attempt >= attempts {
        return None;
    }
    match error.kind() {
        ErrorKind::RateLimited { retry_after: Some(wait) } => {
            (wait <= settings.longest_wait()).then_some(wait)
        }
        _ => Some(backoff(attempt, settings.backoff_ms)),
    }
}

/// Doubles with each attempt; a random half of it keeps many clients from coming back at once.
fn backoff(attempt: u32, first_ms: u64) -> Duration {
    let exponent = attempt.saturating_sub(1).min(16);
    let whole = Duration::from_millis(first_ms.saturating_mul(1 << exponent)).min(LONGEST_BACKOFF);
    whole.mul_f64(rand::random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(kind: ErrorKind) -> Error {
        Error::new(kind, "GET /x", "y")
    }

    #[test]
    fn only_what_the_clock_mends_is_tried_again() {
        let settings = HttpSettings::default();
        for kind in [
            ErrorKind::Auth,
            ErrorKind::Forbidden,
            ErrorKind::NotFound,
            ErrorKind::Rejected,
            ErrorKind::Config,
        ] {
            assert_eq!(next_wait(&error(kind), 1, true, &settings), None, "{kind:?}");
        }
        assert!(next_wait(&error(ErrorKind::Unavailable), 1, true, &settings).is_some());
        assert_eq!(next_wait(&error(ErrorKind::Unavailable), 1, false, &settings), None);
        assert_eq!(next_wait(&error(ErrorKind::Unavailable), 6, true, &settings), None);
        assert_eq!(next_wait(&error(ErrorKind::Protocol), 4, true, &settings), None);
    }

    #[test]
    fn the_wait_asked_for_is_kept_to_the_millisecond() {
        let wait = Duration::from_millis(1128);
        let throttled = error(ErrorKind::RateLimited { retry_after: Some(wait) });
        assert_eq!(next_wait(&throttled, 1, false, &HttpSettings::default()), Some(wait));
        let forever =
            error(ErrorKind::RateLimited { retry_after: Some(Duration::from_secs(86_400)) });
        assert_eq!(next_wait(&forever, 1, true, &HttpSettings::default()), None);
    }
}
