//! Business hours: when nothing is rebooted, and nothing is changed that does not say that it may be.

use chrono::{DateTime, Datelike as _, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// A time of day, to the minute: `08:30`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DayTime(NaiveTime);

impl DayTime {
    /// The time of a text.
    ///
    /// # Errors
    /// Where it is none: says what is expected.
    pub fn parse(text: &str) -> std::result::Result<Self, String> {
        NaiveTime::parse_from_str(text, "%H:%M")
            .map(Self)
            .map_err(|_| format!("`{text}` is no time of day: `08:30` is one"))
    }
}

impl TryFrom<String> for DayTime {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<DayTime> for String {
    fn from(time: DayTime) -> Self {
        time.to_string()
    }
}

impl std::fmt::Display for DayTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0.format("%H:%M"))
    }
}

/// From when until when people work, in which zone and on which days. Hours that end before they begin go
/// over midnight, and belong to the day on which they begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BusinessHours {
    /// Their beginning.
    pub from: DayTime,
    /// Their end.
    pub until: DayTime,
    /// On which days they begin.
    pub days: Vec<Weekday>,
    /// By which clock.
    pub zone: Tz,
}

impl BusinessHours {
    /// Why nothing is done that waits for their end; nothing outside of them.
    #[must_use]
    pub fn hold(&self, now: DateTime<Utc>) -> Option<String> {
        let local = now.with_timezone(&self.zone);
        let (from, until, time) = (self.from.0, self.until.0, local.time());
        let day = |back: i64| (local.date_naive() - TimeDelta::days(back)).weekday();
        let today = self.days.contains(&day(0));
        let within = match from < until {
            true => today && (from..until).contains(&time),
            false => (today && time >= from) || (self.days.contains(&day(1)) && time < until),
        };
        within.then(|| format!("business hours until {}", self.until))
    }

    /// When the hours end that hold now, to the minute; now where none do.
    #[must_use]
    pub fn end(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let minutes = (0..=2 * 24 * 60).map(|minutes| now + TimeDelta::minutes(minutes));
        minutes.into_iter().find(|at| self.hold(*at).is_none()).unwrap_or(now + TimeDelta::days(2))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone as _;

    use super::*;

    fn hours(from: &str, until: &str, zone: Tz) -> BusinessHours {
        let day = |text| DayTime::parse(text).unwrap();
        let days = vec![Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri];
        BusinessHours { from: day(from), until: day(until), days, zone }
    }

    fn holds(hours: &BusinessHours, text: &str) -> bool {
        let naive = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        hours.hold(hours.zone.from_local_datetime(&naive).unwrap().to_utc()).is_some()
    }

    #[test]
    fn hours_hold_on_their_days_in_their_zone() {
        let chicago = hours("08:00", "17:00", chrono_tz::America::Chicago);
        assert!(holds(&chicago, "2026-11-30 08:00"), "a Monday");
        assert!(holds(&chicago, "2026-11-30 16:59"));
        for free in ["2026-11-30 07:59", "2026-11-30 17:00", "2026-11-29 12:00"] {
            assert!(!holds(&chicago, free), "{free}");
        }
        let words = chicago.hold(Utc.with_ymd_and_hms(2026, 11, 30, 20, 0, 0).unwrap());
        assert_eq!(words.as_deref(), Some("business hours until 17:00"));
        let noon = Utc.with_ymd_and_hms(2026, 11, 30, 18, 0, 0).unwrap();
        assert_eq!(chicago.end(noon), Utc.with_ymd_and_hms(2026, 11, 30, 23, 0, 0).unwrap());
        let sunday = Utc.with_ymd_and_hms(2026, 11, 29, 18, 0, 0).unwrap();
        assert_eq!(chicago.end(sunday), sunday);
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_they_begin_on() {
        let night = hours("22:00", "06:00", chrono_tz::Australia::Sydney);
        assert!(holds(&night, "2026-11-30 23:00"), "Monday night");
        assert!(holds(&night, "2026-12-01 05:59"));
        assert!(holds(&night, "2026-12-05 03:00"), "Saturday morning: Friday's");
        assert!(!holds(&night, "2026-12-05 23:00"), "Saturday night");
        assert!(!holds(&night, "2026-11-30 05:00"), "Monday morning: Sunday's");
        assert!(!holds(&night, "2026-12-01 06:00"));
    }

    #[test]
    fn what_is_no_time_of_day_is_told() {
        let wrong = DayTime::parse("8 o'clock").unwrap_err();
        assert!(wrong.contains("8 o'clock") && wrong.contains("08:30"), "{wrong}");
    }
}
