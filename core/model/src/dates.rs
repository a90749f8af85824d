//! Calendar dates as vendors write them, and ranges of them.
//!
//! A date that something starts or ends on is a date, never a midnight: `2026-12-31T00:00:00Z` is
//! the 31st of December wherever the tenant is.

use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};
use serde::{Deserialize, Serialize};

/// Years up to here stand for "none" (1899-12-30, 1900-01-01, 1901-01-01 are written for it).
const LAST_EMPTY_YEAR: i32 = 1901;
/// Years from here on stand for "open".
const FIRST_OPEN_YEAR: i32 = 9000;

/// From a first to a last day, both included; a missing end is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct DateRange {
    /// First day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<NaiveDate>,
    /// Last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<NaiveDate>,
}

/// How a day lies to a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// The range has not begun.
    Before,
    /// The day is in it.
    Within,
    /// The range is over.
    After,
    /// The range ends before it starts and holds on no day.
    Invalid,
}

impl DateRange {
    /// How a day lies to this range.
    #[must_use]
    pub fn position(self, day: NaiveDate) -> Position {
        match (self.start, self.end) {
            (Some(start), Some(end)) if end < start => Position::Invalid,
            (Some(start), _) if day < start => Position::Before,
            (_, Some(end)) if day > end => Position::After,
            _ => Position::Within,
        }
    }

    /// Whether the day is in it.
    #[must_use]
    pub fn contains(self, day: NaiveDate) -> bool {
        self.position(day) == Position::Within
    }
}

/// A text that is no date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no date: expected something like 2026-12-31 or 2026-12-31T00:00:00Z")]
pub struct BadDate(pub String);

/// The calendar date that a vendor wrote; blank texts and sentinels are `None`. Time and zone are
/// dropped, not converted.
///
/// # Errors
/// When the text is no date.
pub fn calendar_date(text: &str) -> Result<Option<NaiveDate>, BadDate> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day = text.split(['T', ' ']).next().unwrap_or(text);
    let date = NaiveDate::parse_from_str(day, "%Y-%m-%d").map_err(|_| BadDate(text.to_owned()))?;
    Ok((date.year() > LAST_EMPTY_YEAR && date.year() < FIRST_OPEN_YEAR).then_some(date))
}

/// The instant that a vendor wrote; without a zone it is UTC. Blank texts and sentinels are
/// `None`. Any number of fraction digits is taken.
///
/// # Errors
/// When the text is no instant.
pub fn instant(text: &str) -> Result<Option<DateTime<Utc>>, BadDate> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let at = DateTime::parse_from_rfc3339(text).map(|at| at.with_timezone(&Utc)).or_else(|_| {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f"))
            .map(|at| at.and_utc())
    });
    let at = at.map_err(|_| BadDate(text.to_owned()))?;
    Ok((at.year() > LAST_EMPTY_YEAR && at.year() < FIRST_OPEN_YEAR).then_some(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn t9_a_midnight_in_utc_stays_the_day_that_was_meant() {
        assert_eq!(calendar_date("2026-12-31T00:00:00Z").unwrap(), Some(day("2026-12-31")));
        assert_eq!(calendar_date("2026-12-31T00:00:00.0000000").unwrap(), Some(day("2026-12-31")));
        assert_eq!(calendar_date("2026-12-31").unwrap(), Some(day("2026-12-31")));
    }

    #[test]
    fn sentinels_and_blanks_are_no_date() {
        for text in
            ["", " ", "1899-12-30T00:00:00", "1900-01-01", "1901-01-01T00:00:00", "9999-12-31"]
        {
            assert_eq!(calendar_date(text).unwrap(), None, "{text}");
        }
        assert_eq!(instant("0001-01-01T00:00:00").unwrap(), None);
    }

    #[test]
    fn no_date_is_an_error_that_names_it() {
        assert!(calendar_date("31/12/2026").unwrap_err().to_string().contains("31/12/2026"));
        assert!(instant("yesterday").is_err());
    }

    #[test]
    fn instants_are_utc_where_no_zone_is_written() {
        let at = instant("2026-10-03T06:24:10.967").unwrap().unwrap();
        assert_eq!(at.to_rfc3339(), "2026-10-03T06:24:10.967+00:00");
        assert_eq!(
            instant("2026-01-02T03:04:05.1234567Z").unwrap().unwrap().timestamp(),
            1_767_323_045
        );
    }

    #[test]
    fn both_ends_of_a_range_are_in_it() {
        let range = DateRange { start: Some(day("2026-12-01")), end: Some(day("2026-12-31")) };
        assert_eq!(range.position(day("2026-11-30")), Position::Before);
        assert!(range.contains(day("2026-12-01")) && range.contains(day("2026-12-31")));
        assert_eq!(range.position(day("2027-01-01")), Position::After);
        let backwards = DateRange { start: range.end, end: range.start };
        assert_eq!(backwards.position(day("2026-12-15")), Position::Invalid);
    }
}
