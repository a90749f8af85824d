//! When schedules are due: what their timings stand for, and whether an hour lies between looking and acting.

use chrono::{NaiveDateTime, TimeDelta};
use core_model::library::Timing;
use core_schedule::{Error, Pattern};

/// How long after a look something is done at the earliest, where it is not done at once.
pub const LEAST_GAP: TimeDelta = TimeDelta::hours(1);
/// So many times are looked at whether an hour lies between.
const TRIED: usize = 2_000;

/// The times on a wall that a timing stands for.
///
/// # Errors
/// Where it is a cron pattern that is none.
pub fn pattern(timing: &Timing) -> Result<Pattern, Error> {
    match timing {
        Timing::Daily(at) => Ok(Pattern::daily(*at)),
        Timing::Cron(text) => text.parse(),
        Timing::PatchTuesday { days, at } => Ok(Pattern::patch_tuesday(*days, *at)),
    }
}

/// The first look, and the time to act, between which there is less than [`LEAST_GAP`]: by the clock on the wall,
/// from some Monday on.
#[must_use]
pub fn too_close(detect: &Pattern, execute: &Pattern) -> Option<(NaiveDateTime, NaiveDateTime)> {
    let minute = TimeDelta::minutes(1);
    let mut after =
        NaiveDateTime::new(chrono::NaiveDate::from_ymd_opt(2024, 1, 1)?, chrono::NaiveTime::MIN);
    for _ in 0..TRIED {
        let acts = execute.next(after)?;
        let looks = detect.next(acts - LEAST_GAP)?;
        if looks <= acts {
            return Some((looks, acts));
        }
        // No time to act before that look comes too soon after it.
        after = looks - minute;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    #[test]
    fn s21_between_looking_and_acting_lies_an_hour() {
        for (detect, execute, minutes) in [
            ("0 19 * * *", "30 19 * * *", Some(30)),
            ("0 19 * * *", "0 20 * * *", None),
            ("0 19 * * *", "59 19 * * *", Some(59)),
            ("0 19 * * *", "0 19 * * *", Some(0)),
            // Before midnight, and after it.
            ("30 23 * * *", "15 0 * * *", Some(45)),
            ("30 23 * * *", "30 0 * * *", None),
            // Looked at the whole day long.
            ("*/30 * * * *", "0 22 * * *", Some(30)),
            ("0 */2 * * *", "30 22 * * *", Some(30)),
            ("0 */2 * * *", "0 23 * * *", None),
            // Of different days: nothing is too close on any of them.
            ("0 19 * * mon", "30 19 * * tue", None),
            ("0 19 1 * *", "30 19 * * mon", Some(30)),
        ] {
            let found = too_close(&of(detect), &of(execute));
            let gap = found.map(|(looks, acts)| (acts - looks).num_minutes());
            assert_eq!(gap, minutes, "{detect} and {execute}: {found:?}");
        }
        let nine = chrono::NaiveTime::from_hms_opt(21, 0, 0).unwrap();
        let patch = Pattern::patch_tuesday(1, nine);
        assert!(too_close(&patch, &of("30 21 * * wed")).is_some());
        assert!(too_close(&patch, &of("30 21 * * tue")).is_none());
        assert!(too_close(&patch, &of("0 2 * * *")).is_none());
    }
}
