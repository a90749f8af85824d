//! Days, as the tenants have them: what day it is where, when a day begins, what is in force.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use core_model::dates::{DateRange, Position};
use core_model::entity::{Agreement, AgreementLine};
use core_model::facts::AgreementState;

/// When it is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AsOf {
    /// This local day, in each tenant.
    Day(NaiveDate),
    /// The local day that it is in each tenant at this instant.
    Instant(DateTime<Utc>),
}

impl AsOf {
    /// The day that is asked about in a zone.
    #[must_use]
    pub fn day(self, zone: Tz) -> NaiveDate {
        match self {
            AsOf::Day(day) => day,
            AsOf::Instant(at) => {
                let day = at.with_timezone(&zone).date_naive();
                // A day that has begun is not taken back when the clock is, over midnight.
                if begins(next(day), zone) <= at { next(day) } else { day }
            }
        }
    }
}

/// The instant at which a local day begins: midnight; where there is no midnight, the first
/// instant after; where there are two, the first.
///
/// A day that a zone skipped altogether begins where the next one does.
#[must_use]
pub fn begins(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    if let Some(at) = zone.from_local_datetime(&midnight).earliest() {
        return at.to_utc();
    }
    // In a gap. The offset before the gap places midnight at the instant of the jump or after it;
    // the first instant of the day is found between the two, to the second.
    let (mut before, mut after) =
        (midnight.and_utc() - TimeDelta::hours(48), midnight.and_utc() + TimeDelta::hours(48));
    while after - before > TimeDelta::seconds(1) {
        let middle = before + (after - before) / 2;
        let middle = middle - TimeDelta::nanoseconds(i64::from(middle.timestamp_subsec_nanos()));
        if middle <= before {
            break;
        }
        if middle.with_timezone(&zone).date_naive() >= day {
            after = middle;
        } else {
            before = middle;
        }
    }
    after
}

/// The day after; the last day there is stays.
pub(crate) fn next(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

pub(crate) fn previous(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(Days::new(1)).unwrap_or(day)
}

/// Why an agreement is not in force on a day; `None` where it is.
pub(crate) fn agreement_not_in_force(agreement: &Agreement, day: NaiveDate) -> Option<String> {
    if agreement.gone {
        return Some("the agreement is gone at the source".to_owned());
    }
    match agreement.state {
        AgreementState::Active => outside("agreement", agreement.dates, day),
        AgreementState::Draft => Some("the agreement is a draft".to_owned()),
        AgreementState::Inactive => Some("the agreement is inactive".to_owned()),
        AgreementState::Expired => Some("the agreement is expired".to_owned()),
        AgreementState::Cancelled => Some("the agreement is cancelled".to_owned()),
    }
}

/// Why a line by itself is not in force on a day; `None` where it is.
pub(crate) fn line_not_in_force(line: &AgreementLine, day: NaiveDate) -> Option<String> {
    if line.gone {
        Some("the line is gone at the source".to_owned())
    } else if line.inactive {
        Some("the line is inactive".to_owned())
    } else if line.quantity.is_nothing() {
        Some("its quantity is 0".to_owned())
    } else {
        outside("line", line.dates, day)
    }
}

/// Why a day is not in a range, in words.
pub(crate) fn outside(what: &str, dates: DateRange, day: NaiveDate) -> Option<String> {
    let text = |date: Option<NaiveDate>| date.map(|date| date.to_string()).unwrap_or_default();
    match dates.position(day) {
        Position::Within => None,
        Position::Before => Some(format!("the {what} starts {}", text(dates.start))),
        Position::After => Some(format!("the {what} ended {} (inclusive)", text(dates.end))),
        Position::Invalid => Some(format!(
            "the {what} ends {} before it starts {}",
            text(dates.end),
            text(dates.start)
        )),
    }
}

/// The first days on which it is otherwise than the day before.
pub(crate) fn boundaries(dates: DateRange) -> impl Iterator<Item = NaiveDate> {
    dates.start.into_iter().chain(dates.end.map(next))
}
