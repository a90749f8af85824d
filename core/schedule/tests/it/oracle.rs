//! Random patterns in all zones, against a walk over every minute that knows nothing of the code: it
//! reads the pattern by itself, and looks at each minute what a clock on the wall shows.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::{OffsetComponents, TZ_VARIANTS, Tz};
use core_schedule::Schedule;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Patterns that are tried in each zone.
const PATTERNS: usize = 3;
/// Days that are walked, around a day on which the clocks of the zone change.
const DAYS: i64 = 4;

/// A pattern read anew, number by number.
struct Naive {
    /// For each field, which numbers fit.
    fields: Vec<[bool; 60]>,
    either_day: bool,
}

impl Naive {
    fn new(pattern: &str) -> Self {
        let texts: Vec<&str> = pattern.split(' ').collect();
        let field = |(text, least): (&&str, u32)| {
            std::array::from_fn(|number| fits(text, least, u32::try_from(number).unwrap()))
        };
        let fields = texts.iter().zip([0, 0, 1, 1, 0]).map(field).collect();
        Self { fields, either_day: !texts[2].starts_with('*') && !texts[4].starts_with('*') }
    }

    fn fits(&self, shown: NaiveDateTime) -> bool {
        let field = |place: usize, number: u32| self.fields[place][number as usize];
        let weekday = shown.weekday().num_days_from_sunday();
        let week = field(4, weekday) || (weekday == 0 && field(4, 7));
        let day = field(2, shown.day());
        let days = if self.either_day { day || week } else { day && week };
        days && field(0, shown.minute()) && field(1, shown.hour()) && field(3, shown.month())
    }
}

/// Stars, with or without a step, and lists of numbers and ranges: what [`pattern`] writes.
fn fits(field: &str, least: u32, number: u32) -> bool {
    if number < least {
        return false;
    }
    field.split(',').any(|item| {
        let (range, step) = item.split_once('/').unwrap_or((item, "1"));
        let step: u32 = step.parse().unwrap();
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (first.parse().unwrap(), last.parse().unwrap()),
            None if range == "*" => (least, 99),
            None => (range.parse().unwrap(), range.parse().unwrap()),
        };
        number >= first && number <= last && (number - first).is_multiple_of(step)
    })
}

/// Every minute from here to there: when the wall shows a time for the first time, or has passed it,
/// it runs.
fn walk(pattern: &str, zone: Tz, from: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let wall = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
    let minute = TimeDelta::minutes(1);
    let pattern = Naive::new(pattern);
    let mut found = Vec::new();
    // Some run-up, so that what is shown a second time at the beginning is known as such.
    let mut at = from - TimeDelta::days(2);
    let mut shown = wall(at);
    while at < until {
        at += minute;
        let mut due = false;
        while shown < wall(at) {
            shown += minute;
            due |= pattern.fits(shown);
        }
        if due && at > from {
            found.push(at);
        }
    }
    found
}

fn pattern(dice: &mut ChaCha8Rng) -> String {
    let field = |dice: &mut ChaCha8Rng, least: u32, most: u32, stars: f64| {
        if dice.random_bool(stars) {
            return match dice.random_bool(0.3) {
                true => format!("*/{}", dice.random_range(1..=7)),
                false => "*".to_owned(),
            };
        }
        let items = (0..dice.random_range(1..=3)).map(|_| {
            let first = dice.random_range(least..=most);
            match dice.random_range(0..3) {
                0 => first.to_string(),
                1 => format!("{first}-{}", dice.random_range(first..=most)),
                _ => format!("{first}-{most}/{}", dice.random_range(1..=9)),
            }
        });
        items.collect::<Vec<_>>().join(",")
    };
    let hours = if dice.random_bool(0.7) { (0, 4) } else { (0, 23) };
    [
        field(dice, 0, 59, 0.3),
        field(dice, hours.0, hours.1, 0.3),
        field(dice, 1, 31, 0.6),
        field(dice, 1, 12, 0.8),
        field(dice, 0, 7, 0.6),
    ]
    .join(" ")
}

/// A day on which the clocks of a zone change in that year, as a rule; else any.
fn change(zone: Tz, year: i32, dice: &mut ChaCha8Rng) -> DateTime<Utc> {
    let day = |number: u32| {
        Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap() + TimeDelta::days(number.into())
    };
    let offset = |at: DateTime<Utc>| {
        let offset = zone.offset_from_utc_datetime(&at.naive_utc());
        offset.base_utc_offset() + offset.dst_offset()
    };
    let changes: Vec<u32> = (0..365).filter(|n| offset(day(*n)) != offset(day(n + 1))).collect();
    let any = dice.random_range(0..365);
    day(changes.choose(dice).copied().unwrap_or(any))
}

fn compare(seed: u64) {
    eprintln!("seed {seed}");
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    let mut different: BTreeSet<String> = BTreeSet::new();
    let (mut compared, mut runs) = (0, 0);
    for zone in TZ_VARIANTS {
        for _ in 0..PATTERNS {
            let text = pattern(&mut dice);
            let Ok(read) = text.parse() else { continue };
            let schedule = Schedule::new(read, zone);
            let middle = change(zone, dice.random_range(1990..2037), &mut dice);
            let from =
                middle - TimeDelta::days(DAYS / 2) + TimeDelta::minutes(dice.random_range(0..1440));
            let until = from + TimeDelta::days(DAYS);
            let expected = walk(&text, zone, from, until);
            let mut found = Vec::new();
            let mut at = from;
            while let Some(next) = schedule.next(at).filter(|next| *next <= until) {
                found.push(next);
                at = next;
            }
            (compared, runs) = (compared + 1, runs + found.len());
            let missed = schedule.missed(from, until);
            if found != expected || missed != expected.last().copied() {
                let odd = found.iter().zip(&expected).find(|(found, expected)| found != expected);
                different
                    .insert(format!("{text} in {zone} from {from}: {odd:?}, missed {missed:?}"));
            }
        }
    }
    eprintln!("{compared} compared, {runs} runs");
    assert!(compared > 1500, "only {compared} could be compared");
    assert!(different.is_empty(), "seed {seed}: {} differ: {different:#?}", different.len());
}

#[test]
fn random_patterns_in_all_zones_run_when_a_walk_over_every_minute_says_1() {
    compare(1);
}

#[test]
fn random_patterns_in_all_zones_run_when_a_walk_over_every_minute_says_2() {
    compare(2);
}
