//! Schedules: what patterns mean, what happens where clocks jump, and every zone against a walk over
//! each minute.

#![expect(clippy::unwrap_used, reason = "a test that meets what it did not expect must stop there")]

mod jumps;
mod oracle;
mod patterns;

use chrono::{DateTime, Utc};
use core_schedule::Schedule;

/// A schedule in words that are right.
pub(crate) fn schedule(pattern: &str, zone: &str) -> Schedule {
    Schedule::new(pattern.parse().unwrap(), zone.parse().unwrap())
}

/// An instant.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// The runs after an instant and until another.
pub(crate) fn runs(schedule: &Schedule, from: &str, until: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut now = at(from);
    while let Some(next) = schedule.next(now).filter(|next| *next <= at(until)) {
        found.push(next.with_timezone(&schedule.zone()).to_rfc3339());
        now = next;
    }
    found
}
