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

/// Seconds by which runs of [`day`] are late at most.
pub const LATE: u32 = 300;

/// A usual day: hourly, nightly at 02:30 in Berlin, machines asked at a quarter to, and written back at
/// half past where a connection takes that.
///
/// # Errors
/// When a pattern is none.
pub fn day(kinds: &[&str]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for kind in kinds {
        let mut add = |work, pattern: &str| {
            entries.push(entry(kind, work, pattern, chrono_tz::Europe::Berlin, LATE)?);
            anyhow::Ok(())
        };
        add(Work::Incremental, "0 * * * *")?;
        add(Work::Full, "30 2 * * *")?;
        if ["cw-automate", "cw-control"].contains(kind) {
            add(Work::Collect, "45 * * * *")?;
        }
        if *kind != "azure-ad" {
            add(Work::Push, "30 * * * *")?;
        }
    }
    Ok(entries)
}
