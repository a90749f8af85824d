//! Plans of tests.

use anyhow::Result;
use chrono_tz::Tz;
use core_daemon::{Entry, Work};
use core_schedule::{Pattern, Schedule};

/// A planned run of a connection, late by up to so many seconds.
///
/// # Errors
/// When the pattern is none.
pub fn entry(connection: &str, work: Work, pattern: &str, zone: Tz, late: u32) -> Result<Entry> {
    let pattern: Pattern = pattern.parse()?;
    Ok(Entry {
        connection: connection.to_owned(),
        stream: None,
        work,
        schedule: Schedule::new(pattern, zone),
        jitter_seconds: late,
    })
}
