//! Postponing a session: how often, until when, and to when. A session is moved as a whole, and only while
//! nothing of it was begun.

use chrono::{DateTime, LocalResult, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;

use crate::session::{Session, SessionState};

const HOUR_US: i64 = 3_600 * 1_000_000;
/// How long before it expires a session must be let begin, microseconds: engines need time to take it.
const BEFORE_EXPIRY_US: i64 = HOUR_US;

/// How sessions may be postponed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostponeRules {
    /// How often.
    pub times: u32,
    /// How long after the time at which it was first to act, microseconds.
    pub within_us: i64,
    /// When the night begins.
    pub night: NaiveTime,
    /// By which clock.
    pub zone: Tz,
}

impl Default for PostponeRules {
    fn default() -> Self {
        let night = NaiveTime::from_hms_opt(22, 0, 0).unwrap_or_default();
        Self { times: 3, within_us: 72 * HOUR_US, night, zone: Tz::UTC }
    }
}

/// By how much a session is postponed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostponeBy {
    /// An hour.
    Hour,
    /// Four hours.
    FourHours,
    /// To the next beginning of a night.
    Night,
}

impl PostponeBy {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Hour, Self::FourHours, Self::Night];
    /// Their words.
    pub const WORDS: [&'static str; 3] = ["1h", "4h", "night"];

    /// The word in the API and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::FourHours => "4h",
            Self::Night => "night",
        }
    }

    /// The one of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

/// Why a session is not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is over.
    Over(SessionState),
    /// An engine is at it.
    Runs,
    /// Something was done already, and the rest waits.
    Begun,
    /// It is due already.
    Due,
    /// It was postponed as often as it may be; until when it could be, Unix microseconds.
    TooOften {
        /// How often.
        times: u32,
        /// The deadline.
        deadline_us: i64,
    },
    /// It would come after the deadline, Unix microseconds.
    TooLate {
        /// The deadline.
        deadline_us: i64,
    },
}

impl PostponeRules {
    /// Until when a session can be postponed, Unix microseconds.
    #[must_use]
    pub fn deadline_us(&self, session: &Session, now_us: i64) -> i64 {
        let first = session.first_act_us.or(session.act_us).unwrap_or(now_us);
        let deadline = first.saturating_add(self.within_us);
        session.expires_us.map_or(deadline, |expires| deadline.min(expires - BEFORE_EXPIRY_US))
    }

    /// How often it may still be.
    #[must_use]
    pub fn left(&self, session: &Session) -> u32 {
        self.times.saturating_sub(session.postponed)
    }

    /// To when a session is moved, Unix microseconds. `begun` says whether anything of it was done. By
    /// force neither how often nor how far counts, but that it expires.
    ///
    /// # Errors
    /// Why it is not.
    pub fn moved_to(
        &self,
        session: &Session,
        (begun, forced): (bool, bool),
        by: PostponeBy,
        now_us: i64,
    ) -> Result<i64, Refusal> {
        may_move(session, begun)?;
        let mut deadline_us = self.deadline_us(session, now_us);
        if forced {
            deadline_us = session.expires_us.map_or(i64::MAX, |at| at - BEFORE_EXPIRY_US);
        } else if self.left(session) == 0 {
            return Err(Refusal::TooOften { times: self.times, deadline_us });
        }
        let from = session.act_us.unwrap_or(now_us).max(now_us);
        let to = match by {
            PostponeBy::Hour => from.saturating_add(HOUR_US),
            PostponeBy::FourHours => from.saturating_add(4 * HOUR_US),
            PostponeBy::Night => self.next_night(from),
        };
        if to > deadline_us { Err(Refusal::TooLate { deadline_us }) } else { Ok(to) }
    }

    /// The next beginning of a night after a time. A time that a clock leaves out is an hour later.
    fn next_night(&self, after_us: i64) -> i64 {
        let after = DateTime::from_timestamp_micros(after_us).unwrap_or_default();
        let day = after.with_timezone(&self.zone).date_naive();
        let begins = |day: chrono::NaiveDate| {
            let wall = day.and_time(self.night);
            let at = |wall| match self.zone.from_local_datetime(&wall) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at),
                LocalResult::None => None,
            };
            at(wall).or_else(|| at(wall + TimeDelta::hours(1))).map(|at| at.to_utc())
        };
        let days = day.iter_days().take(4).filter_map(begins);
        let found = days.into_iter().find(|at| *at > after);
        found.unwrap_or(after + TimeDelta::days(1)).timestamp_micros()
    }
}

/// Whether a session can be moved at all.
///
/// # Errors
/// Why not.
pub fn may_move(session: &Session, begun: bool) -> Result<(), Refusal> {
    match session.state {
        SessionState::Waiting if begun => Err(Refusal::Begun),
        SessionState::Waiting => Ok(()),
        SessionState::Running => Err(Refusal::Runs),
        over => Err(Refusal::Over(over)),
    }
}

/// Whether a session can be begun before its time.
///
/// # Errors
/// Why not.
pub fn may_hasten(session: &Session, begun: bool, now_us: i64) -> Result<(), Refusal> {
    may_move(session, begun)?;
    let waits = session.act_us.into_iter().chain(session.ready_us).any(|at| at > now_us);
    if waits { Ok(()) } else { Err(Refusal::Due) }
}

impl Refusal {
    /// In words, with times by a clock.
    #[must_use]
    pub fn words(self, zone: Tz) -> String {
        let until = |us| at_words(us, zone);
        match self {
            Refusal::Over(SessionState::Cancelled) => "it was taken back".to_owned(),
            Refusal::Over(_) => "it is over".to_owned(),
            Refusal::Runs => "it is under way".to_owned(),
            Refusal::Begun => "a part of it is done, and the rest waits".to_owned(),
            Refusal::Due => "it is due already".to_owned(),
            Refusal::TooOften { times: 0, .. } => "it cannot be postponed".to_owned(),
            Refusal::TooOften { times, deadline_us } => {
                let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
                format!(
                    "it was postponed {times}, which is as often as it may be; it has to be done by {}",
                    until(deadline_us)
                )
            }
            Refusal::TooLate { deadline_us } => {
                format!("that would be too late: it has to be done by {}", until(deadline_us))
            }
        }
    }
}

/// A time (Unix microseconds) as people read it: `Friday, 4 December 2026, 22:00 (CST)`.
#[must_use]
pub fn at_words(us: i64, zone: Tz) -> String {
    let at: DateTime<Utc> = DateTime::from_timestamp_micros(us).unwrap_or_default();
    at.with_timezone(&zone).format("%A, %-d %B %Y, %H:%M (%Z)").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{ComputerId, TenantId};

    fn us(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
    }

    fn rules() -> PostponeRules {
        PostponeRules { zone: chrono_tz::America::Chicago, ..PostponeRules::default() }
    }

    /// Due on Monday, 30 November, at ten at night in Chicago.
    fn session() -> Session {
        let (tenant, computer) = (TenantId::of_text("contoso", 1), ComputerId::of_text("pc", 1));
        let asked = us("2026-11-30T20:00:00Z");
        Session {
            act_us: Some(us("2026-12-01T04:00:00Z")),
            ..Session::asked(tenant, computer, "PC-1", "Maintenance", asked)
        }
    }

    #[test]
    fn it_goes_to_an_hour_later_to_four_or_to_the_next_night_by_the_clock_of_the_zone() {
        let (rules, session, now) = (rules(), session(), us("2026-11-30T21:00:00Z"));
        let to = |by| rules.moved_to(&session, (false, false), by, now).unwrap();
        assert_eq!(to(PostponeBy::Hour), us("2026-12-01T05:00:00Z"));
        assert_eq!(to(PostponeBy::FourHours), us("2026-12-01T08:00:00Z"));
        assert_eq!(to(PostponeBy::Night), us("2026-12-02T04:00:00Z"));
        // One that waits beyond its time is moved from now on.
        let late = us("2026-12-01T15:00:00Z");
        let moved = rules.moved_to(&session, (false, false), PostponeBy::Hour, late);
        assert_eq!(moved, Ok(us("2026-12-01T16:00:00Z")));
        let moved = rules.moved_to(&session, (false, false), PostponeBy::Night, late);
        assert_eq!(moved, Ok(us("2026-12-02T04:00:00Z")));
        for by in PostponeBy::ALL {
            assert_eq!(PostponeBy::parse(by.as_str()), Some(by));
            assert!(PostponeBy::WORDS.contains(&by.as_str()));
        }
    }

    #[test]
    fn a_night_that_the_clock_leaves_out_begins_an_hour_later() {
        let night = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        let rules = PostponeRules { night, ..rules() };
        // Chicago's clocks go from two to three on 14 March 2027.
        let found = rules.next_night(us("2027-03-14T06:00:00Z"));
        assert_eq!(found, us("2027-03-14T08:30:00Z"));
        let found = rules.next_night(found);
        assert_eq!(found, us("2027-03-15T07:30:00Z"));
    }

    #[test]
    fn s8_the_fourth_time_is_refused_with_the_deadline() {
        let (rules, mut session, now) = (rules(), session(), us("2026-11-30T21:00:00Z"));
        for time in 0..3 {
            assert_eq!(rules.left(&session), 3 - time);
            let to = rules.moved_to(&session, (false, false), PostponeBy::Hour, now).unwrap();
            session.first_act_us = session.first_act_us.or(session.act_us);
            session.act_us = Some(to);
            session.postponed += 1;
        }
        let refused = rules.moved_to(&session, (false, false), PostponeBy::Hour, now).unwrap_err();
        assert_eq!(
            refused,
            Refusal::TooOften { times: 3, deadline_us: us("2026-12-04T04:00:00Z") }
        );
        let words = refused.words(rules.zone);
        assert!(
            words.contains("3 times") && words.contains("Thursday, 3 December 2026, 22:00 (CST)")
        );
        // By force it goes on, until it expires.
        assert!(rules.moved_to(&session, (false, true), PostponeBy::Hour, now).is_ok());
        session.expires_us = Some(us("2026-12-01T08:30:00Z"));
        let refused = rules.moved_to(&session, (false, true), PostponeBy::Hour, now);
        assert_eq!(refused, Err(Refusal::TooLate { deadline_us: us("2026-12-01T07:30:00Z") }));
    }

    #[test]
    fn s8_nothing_is_moved_beyond_the_deadline_or_once_it_is_begun() {
        let (rules, session, now) = (rules(), session(), us("2026-11-30T21:00:00Z"));
        let near = PostponeRules { within_us: 5 * HOUR_US, ..rules };
        let deadline_us = us("2026-12-01T09:00:00Z");
        let night = near.moved_to(&session, (false, false), PostponeBy::Night, now);
        assert_eq!(night, Err(Refusal::TooLate { deadline_us }));
        assert!(near.moved_to(&session, (false, false), PostponeBy::FourHours, now).is_ok());
        let begun = rules.moved_to(&session, (true, true), PostponeBy::Hour, now);
        assert_eq!(begun, Err(Refusal::Begun));
        for state in SessionState::ALL.iter().filter(|state| **state != SessionState::Waiting) {
            let session = Session { state: *state, ..session.clone() };
            assert!(rules.moved_to(&session, (false, true), PostponeBy::Hour, now).is_err());
            assert!(may_hasten(&session, false, now).is_err());
        }
        assert_eq!(may_hasten(&session, false, now), Ok(()));
        assert_eq!(may_hasten(&session, false, us("2026-12-01T04:00:00Z")), Err(Refusal::Due));
    }
}
