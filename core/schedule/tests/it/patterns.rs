//! What patterns mean, and what is wrong with those that mean nothing.

use core_schedule::{Error, Pattern};

use crate::{at, runs, schedule};

fn days(pattern: &str) -> Vec<u32> {
    let found = runs(&schedule(pattern, "UTC"), "2026-05-31T23:59:59Z", "2026-06-30T23:59:59Z");
    found.iter().map(|run| run[8..10].parse().unwrap()).collect()
}

/// June 2026 begins with a Monday.
#[test]
fn day_of_month_and_day_of_week_together_are_either_of_them() {
    assert_eq!(days("0 2 15,16 * mon"), [1, 8, 15, 16, 22, 29]);
    assert_eq!(days("0 2 15,16 * *"), [15, 16]);
    assert_eq!(days("0 2 * * mon"), [1, 8, 15, 22, 29]);
    // A field that begins with a star restricts nothing by itself: both must fit.
    assert_eq!(days("0 2 */2 * mon"), [1, 15, 29]);
    assert_eq!(days("0 2 1-7 * */3"), [3, 6, 7]);
}

#[test]
fn sunday_is_0_and_7_and_names_are_days() {
    for pattern in ["0 2 * * 0", "0 2 * * 7", "0 2 * * sun", "0 2 * * SUN", "0 2 * * 0,7"] {
        assert_eq!(days(pattern), [7, 14, 21, 28], "{pattern}");
    }
    assert_eq!(days("0 2 * * 5-7"), [5, 6, 7, 12, 13, 14, 19, 20, 21, 26, 27, 28]);
    assert_eq!(days("0 2 * * mon-wed/2"), [1, 3, 8, 10, 15, 17, 22, 24, 29]);
}

#[test]
fn steps_lists_ranges_and_words_of_months() {
    let found = runs(
        &schedule("*/20 8-10/2 1 jun,AUG *", "UTC"),
        "2026-06-01T00:00:00Z",
        "2026-12-31T00:00:00Z",
    );
    assert_eq!(found.len(), 12);
    assert_eq!(found[0], "2026-06-01T08:00:00+00:00");
    assert_eq!(found[5], "2026-06-01T10:40:00+00:00");
    assert_eq!(found[6], "2026-08-01T08:00:00+00:00");
    for (word, pattern) in [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
    ] {
        let runs =
            |text| runs(&schedule(text, "UTC"), "2026-06-01T00:00:00Z", "2027-06-01T00:00:00Z");
        assert_eq!(runs(word), runs(pattern), "{word}");
    }
}

#[test]
fn a_leap_day_is_waited_for_and_a_day_that_never_comes_is_refused() {
    let leap = schedule("0 0 29 2 *", "UTC");
    assert_eq!(leap.next(at("2024-03-01T00:00:00Z")), Some(at("2028-02-29T00:00:00Z")));
    for never in ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *"] {
        assert_eq!(never.parse::<Pattern>(), Err(Error::Never { text: never.to_owned() }));
    }
    // The day of the week comes all the same.
    assert!("0 0 30 2 mon".parse::<Pattern>().is_ok());
}

#[test]
fn what_is_wrong_is_said_with_the_field_and_what_it_takes() {
    for (pattern, part) in [
        ("", "this has 0"),
        ("0 2 * *", "five fields"),
        ("0 0 2 * * *", "this has 6"),
        ("60 * * * *", "the minute cannot be `60`: it takes 0 to 59"),
        ("* 24 * * *", "the hour cannot be `24`"),
        ("* * 0 * *", "the day of the month cannot be `0`: it takes 1 to 31"),
        ("* * * 13 *", "the month cannot be `13`: it takes 1 to 12, or jan to dec"),
        ("* * * * 8", "the day of the week cannot be `8`: it takes 0 to 7, or sun to sat"),
        ("* * * * monday", "the day of the week cannot be `monday`"),
        ("5/10 * * * *", "a step needs `*` or a range"),
        ("*/0 * * * *", "a step is a whole number from 1"),
        ("20-10 * * * *", "begins with its lower end"),
        ("+5 * * * *", "cannot be `+5`"),
        ("1, * * * *", "cannot be `1,`"),
        ("? * * * *", "cannot be `?`"),
        ("* * L * *", "cannot be `L`"),
        ("99999999999 * * * *", "the minute"),
        ("@midnight", "there is no `@midnight`"),
        ("\u{1f980} * * * *", "the minute"),
    ] {
        let error = pattern.parse::<Pattern>().unwrap_err().to_string();
        assert!(error.contains(part), "{pattern}: {error}");
    }
}

#[test]
fn of_many_missed_runs_the_newest_is_made_up_for() {
    let hourly = schedule("17 * * * *", "UTC");
    let missed = |since, until| hourly.missed(at(since), at(until));
    let newest = Some(at("2026-06-02T11:17:00Z"));
    assert_eq!(missed("2026-06-01T00:00:00Z", "2026-06-02T12:00:00Z"), newest);
    assert_eq!(missed("2016-06-01T00:00:00Z", "2026-06-02T12:00:00Z"), newest);
    assert_eq!(missed("2026-06-02T10:17:00Z", "2026-06-02T11:17:00Z"), newest);
    assert_eq!(missed("2026-06-02T11:17:00Z", "2026-06-02T12:00:00Z"), None);
    assert_eq!(missed("2026-06-02T12:00:00Z", "2026-06-01T00:00:00Z"), None);
    let yearly = schedule("0 0 1 1 *", "UTC");
    let newest = yearly.missed(at("2020-06-01T00:00:00Z"), at("2026-06-02T00:00:00Z"));
    assert_eq!(newest, Some(at("2026-01-01T00:00:00Z")));
}
