//! A pattern in a zone: when it runs next, and what was missed.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::pattern::Pattern;
use crate::wall::{first_instant, on_the_wall};

/// A pattern in a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pattern: Pattern,
    zone: Tz,
}

impl Schedule {
    /// That pattern on the clocks of that zone.
    #[must_use]
    pub fn new(pattern: Pattern, zone: Tz) -> Self {
        Self { pattern, zone }
    }

    /// The pattern.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The zone.
    #[must_use]
    pub fn zone(&self) -> Tz {
        self.zone
    }

    /// The first instant after this one at which it runs; none in the last years that can be counted.
    #[must_use]
    pub fn next(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // What the wall showed already came no later than now, so only later times matter; of these
        // the ones that are shown a second time came before.
        let mut shown = on_the_wall(self.zone, after);
        loop {
            shown = self.pattern.next(shown)?;
            let at = first_instant(self.zone, shown)?;
            if at > after {
                return Some(at);
            }
        }
    }

    /// The newest instant at which it should have run after `since` and until `until`, the latter
    /// included: at most one, however many passed.
    #[must_use]
    pub fn missed(&self, since: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Most patterns run daily or more often, and a span may be years: it is looked at from its end.
        let mut back = TimeDelta::hours(2);
        loop {
            let from = until.checked_sub_signed(back).map_or(since, |from| from.max(since));
            let last = self.last_between(from, until);
            if last.is_some() || from <= since {
                return last;
            }
            back = back.checked_mul(4)?;
        }
    }

    fn last_between(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut last = None;
        let mut at = from;
        while let Some(next) = self.next(at).filter(|next| *next <= until) {
            last = Some(next);
            at = next;
        }
        last
    }
}
