//! Nights on which clocks are put forward and back, in words.

use crate::{at, runs, schedule};

#[test]
fn a_time_that_does_not_exist_runs_once_at_the_first_instant_after() {
    let nightly = schedule("30 2 * * *", "Europe/Berlin");
    let found = runs(&nightly, "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z");
    let expected =
        ["2026-03-28T02:30:00+01:00", "2026-03-29T03:00:00+02:00", "2026-03-30T02:30:00+02:00"];
    assert_eq!(found, expected);
}

#[test]
fn a_time_that_exists_twice_runs_once_the_first_time() {
    let nightly = schedule("30 2 * * *", "Europe/Berlin");
    let found = runs(&nightly, "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z");
    assert_eq!(found, ["2026-10-25T02:30:00+02:00", "2026-10-26T02:30:00+01:00"]);
}

#[test]
fn what_falls_into_the_gap_and_what_is_due_after_it_are_one_run() {
    let often = schedule("*/15 * * * *", "America/New_York");
    let found = runs(&often, "2026-03-08T06:40:00Z", "2026-03-08T07:20:00Z");
    let expected =
        ["2026-03-08T01:45:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-08T03:15:00-04:00"];
    assert_eq!(found, expected);
}

#[test]
fn in_the_hour_that_is_repeated_nothing_runs_again() {
    let often = schedule("*/30 * * * *", "America/New_York");
    let found = runs(&often, "2026-11-01T05:00:00Z", "2026-11-01T07:30:00Z");
    let expected =
        ["2026-11-01T01:30:00-04:00", "2026-11-01T02:00:00-05:00", "2026-11-01T02:30:00-05:00"];
    assert_eq!(found, expected);
}

/// Lord Howe Island moves by half an hour, Samoa left a whole day out, and Chatham is 45 minutes off.
#[test]
fn unusual_zones() {
    let howe = schedule("15 2 * * *", "Australia/Lord_Howe");
    let found = runs(&howe, "2026-10-03T12:00:00Z", "2026-10-03T20:00:00Z");
    assert_eq!(found, ["2026-10-04T02:30:00+11:00"]);

    let samoa = schedule("0 9 * * *", "Pacific/Apia");
    let found = runs(&samoa, "2011-12-29T00:00:00Z", "2011-12-31T12:00:00Z");
    let expected =
        ["2011-12-29T09:00:00-10:00", "2011-12-31T00:00:00+14:00", "2011-12-31T09:00:00+14:00"];
    assert_eq!(found, expected);

    let chatham = schedule("50 2 * * *", "Pacific/Chatham");
    let found = runs(&chatham, "2026-09-26T10:00:00Z", "2026-09-26T18:00:00Z");
    assert_eq!(found, ["2026-09-27T03:45:00+13:45"]);
}

#[test]
fn a_missed_run_in_the_gap_is_made_up_for_once() {
    let nightly = schedule("30 2 * * *", "Europe/Berlin");
    let gap = at("2026-03-29T01:00:00Z");
    assert_eq!(nightly.missed(at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z")), Some(gap));
    assert_eq!(nightly.missed(gap, at("2026-03-29T12:00:00Z")), None);
}
