//! The clock on a wall: which instant a time on it means, where clocks are put forward and back.

use chrono::{DateTime, MappedLocalTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// Minutes that a gap may have: a whole day was left out once (Samoa, 2011), by and by more.
const LONGEST_GAP: u32 = 60 * 30;

/// The first instant at which the clock shows that time or a later one. A time that exists twice is its
/// first; one that does not exist is the first instant after.
pub(crate) fn first_instant(zone: Tz, shown: NaiveDateTime) -> Option<DateTime<Utc>> {
    let minute = TimeDelta::minutes(1);
    let mut asked = shown;
    for _ in 0..LONGEST_GAP {
        match zone.from_local_datetime(&asked) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => {
                return Some(back_to_the_edge(zone, shown, at.to_utc()));
            }
            MappedLocalTime::None => asked = asked.checked_add_signed(minute)?,
        }
    }
    None
}

/// Gaps do not always end at a whole minute of the time that was asked about.
fn back_to_the_edge(zone: Tz, shown: NaiveDateTime, found: DateTime<Utc>) -> DateTime<Utc> {
    let second = TimeDelta::seconds(1);
    let mut at = found;
    for _ in 0..60 {
        let before = at - second;
        if on_the_wall(zone, before) < shown {
            break;
        }
        at = before;
    }
    at
}

/// What the clock shows.
pub(crate) fn on_the_wall(zone: Tz, at: DateTime<Utc>) -> NaiveDateTime {
    at.with_timezone(&zone).naive_local()
}
