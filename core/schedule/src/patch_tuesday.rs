//! Patch Tuesday: the second Tuesday of a month, by the calendar of the United States, on which Microsoft
//! publishes updates. A day is a day everywhere: nine hours' difference make no other date of it.

use chrono::{Datelike as _, Days, Months, NaiveDate, NaiveDateTime, NaiveTime, Weekday};

/// The Patch Tuesday of a month.
fn of_month(first: NaiveDate) -> Option<NaiveDate> {
    NaiveDate::from_weekday_of_month_opt(first.year(), first.month(), Weekday::Tue, 2)
}

/// The first time after one that is so many days after a Patch Tuesday.
pub(crate) fn next(days: u32, at: NaiveTime, after: NaiveDateTime) -> Option<NaiveDateTime> {
    let days = Days::new(u64::from(days));
    let mut month = after.date().with_day(1)?.checked_sub_days(days)?.with_day(1)?;
    loop {
        let time = of_month(month)?.checked_add_days(days)?.and_time(at);
        if time > after {
            return Some(time);
        }
        month = month.checked_add_months(Months::new(1))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn s24_patch_tuesday_is_the_second_tuesday_and_days_after_it_are_days_of_the_calendar() {
        let nine = NaiveTime::from_hms_opt(21, 0, 0).unwrap();
        // As Microsoft published them.
        for (month, of) in [(1, 13), (2, 10), (3, 10), (4, 14), (9, 8), (12, 8)] {
            assert_eq!(of_month(day(2026, month, 1)), Some(day(2026, month, of)));
        }
        let from = day(2026, 12, 1).and_time(nine);
        assert_eq!(next(1, nine, from), Some(day(2026, 12, 9).and_time(nine)));
        let there = day(2026, 12, 9).and_time(nine);
        assert_eq!(next(1, nine, there), Some(day(2027, 1, 13).and_time(nine)));
        // So late that it is a day of the next month, and the month before counts still.
        assert_eq!(next(25, nine, from), Some(day(2026, 12, 5).and_time(nine)));
        assert_eq!(next(60, nine, from), Some(day(2026, 12, 12).and_time(nine)));
    }

    #[test]
    fn every_month_has_one_however_many_days_are_added() {
        let at = NaiveTime::from_hms_opt(2, 30, 0).unwrap();
        for days in [0, 1, 14, 27, 28, 45] {
            let mut time = day(2024, 1, 1).and_time(at);
            let mut found = Vec::new();
            for _ in 0..48 {
                time = next(days, at, time).unwrap();
                found.push(time.date() - Days::new(u64::from(days)));
            }
            assert!(found.iter().all(|one| one.weekday() == Weekday::Tue), "{days}: {found:?}");
            assert!(found.iter().all(|one| (8..=14).contains(&one.day())), "{days}: {found:?}");
            let months: Vec<_> =
                found.iter().map(|one| one.year() * 12 + one.month0() as i32).collect();
            assert!(months.windows(2).all(|two| two[1] == two[0] + 1), "{days}: {found:?}");
        }
    }
}
