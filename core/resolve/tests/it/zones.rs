//! Days in every zone: each begins once, at its first instant, and both ends of a range are in it.

use chrono::{DateTime, Datelike, Days, NaiveDate, Offset, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use core_resolve::{AsOf, begins};

fn offset(zone: Tz, at: DateTime<Utc>) -> i32 {
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// The days around which a zone changes its offset within a year, and the ends of the year.
fn days_that_matter(zone: Tz, year: i32) -> Vec<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    let last = NaiveDate::from_ymd_opt(year, 12, 31).unwrap();
    let mut days = vec![first, last];
    let mut at = first.and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::days(2);
    while at.year() <= year {
        let next = at + TimeDelta::hours(6);
        if offset(zone, at) != offset(zone, next) {
            let day = next.with_timezone(&zone).date_naive();
            days.extend([day - Days::new(1), day, day + Days::new(1)]);
        }
        at = next;
    }
    days.sort();
    days.dedup();
    days
}

fn check(zone: Tz, day: NaiveDate) {
    let start = begins(day, zone);
    let end = begins(day + Days::new(1), zone);
    let said = format!("{zone} {day}: {start} to {end}");
    let local = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
    // A day that was skipped altogether begins where the next one does.
    if start == end {
        assert!(local(start) > day, "{said}");
        return;
    }
    assert!(start < end, "{said}");
    assert_eq!(local(start), day, "its first instant is in it, {said}");
    let length = end - start;
    assert!(length >= TimeDelta::hours(20) && length <= TimeDelta::hours(28), "{said}");
    // Never a day before it began, all day long that day, and never back.
    for (at, expected) in [
        (start - TimeDelta::seconds(1), None),
        (start, Some(day)),
        (start + length / 2, Some(day)),
        (end - TimeDelta::seconds(1), Some(day)),
    ] {
        let asked = AsOf::Instant(at).day(zone);
        match expected {
            Some(expected) => assert_eq!(asked, expected, "at {at}, {said}"),
            None => assert!(asked < day, "at {at}, {said}"),
        }
    }
    // Where the local midnight is there, that is it; the first of two.
    let midnight = zone.from_local_datetime(&day.and_time(chrono::NaiveTime::MIN));
    if let Some(midnight) = midnight.earliest() {
        assert_eq!(midnight.to_utc(), start, "{said}");
    }
}

#[test]
fn t4_t5_t6_every_zone_begins_and_ends_its_days_right_in_2026() {
    let mut checked = 0;
    for zone in TZ_VARIANTS {
        for day in days_that_matter(zone, 2026) {
            check(zone, day);
            checked += 1;
        }
    }
    println!("{checked} days in {} zones", TZ_VARIANTS.len());
}

#[test]
fn a_midnight_that_does_not_exist_is_the_first_instant_after() {
    // Lebanon puts its clocks forward at midnight, Samoa skipped a day, Havana has one twice.
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    assert_eq!(begins(day("2026-03-29"), Tz::Asia__Beirut), at("2026-03-28T22:00:00Z"));
    assert_eq!(
        begins(day("2011-12-30"), Tz::Pacific__Apia),
        begins(day("2011-12-31"), Tz::Pacific__Apia)
    );
    check(Tz::Pacific__Apia, day("2011-12-30"));
    check(Tz::Pacific__Apia, day("2011-12-31"));
    assert_eq!(begins(day("2026-11-01"), Tz::America__Havana), at("2026-11-01T04:00:00Z"));
    for zone in [Tz::Asia__Beirut, Tz::America__Havana, Tz::America__Asuncion, Tz::Africa__Cairo] {
        for year in [2010, 2015, 2020, 2023, 2024] {
            days_that_matter(zone, year).into_iter().for_each(|day| check(zone, day));
        }
    }
}
