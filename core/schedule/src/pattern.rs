//! A cron pattern as people write it, and the naive times that fit it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _, Utc};

use crate::patch_tuesday;

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not five fields.
    #[error(
        "a schedule has five fields (minute, hour, day, month, day of the week), and this has {found}"
    )]
    Fields {
        /// How many there are.
        found: usize,
    },
    /// A word with `@` that nobody knows.
    #[error("there is no `{word}`; there are @hourly, @daily, @weekly, @monthly and @yearly")]
    Word {
        /// The word.
        word: String,
    },
    /// A field that cannot be read.
    #[error("the {field} cannot be `{text}`: {why}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What stands there.
        text: String,
        /// What is allowed.
        why: String,
    },
    /// A day that no year has.
    #[error("no day fits `{text}`: it would never run")]
    Never {
        /// The pattern.
        text: String,
    },
}

/// Times on a wall: a cron pattern of five fields, or so many days after each Patch Tuesday.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    fits: Fits,
}

#[derive(Clone, Debug)]
enum Fits {
    /// One, or two where either the day of the month or that of the week is enough.
    Cron(Vec<cron::Schedule>),
    /// Every day at a time of day.
    Daily(NaiveTime),
    /// So many days after the second Tuesday of a month, at a time of day.
    PatchTuesday(u32, NaiveTime),
}

/// One of the five fields.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    words: &'static [&'static str],
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const FIELDS: [Field; 5] = [
    Field { name: "minute", least: 0, most: 59, words: &[] },
    Field { name: "hour", least: 0, most: 23, words: &[] },
    Field { name: "day of the month", least: 1, most: 31, words: &[] },
    Field { name: "month", least: 1, most: 12, words: &MONTHS },
    Field { name: "day of the week", least: 0, most: 7, words: &DAYS },
];

impl Pattern {
    /// Every day at a time of day, to the minute.
    #[must_use]
    pub fn daily(at: NaiveTime) -> Self {
        let text = format!("{} {} * * *", at.minute(), at.hour());
        Self { text, fits: Fits::Daily(at) }
    }

    /// So many days after Patch Tuesday, the second Tuesday of each month, at a time of day. The days are
    /// counted on the calendar, wherever that is read.
    #[must_use]
    pub fn patch_tuesday(days: u32, at: NaiveTime) -> Self {
        let plus = if days == 0 { String::new() } else { format!(" + {days}") };
        let text = format!("patch-tuesday{plus} {}", at.format("%H:%M"));
        Self { text, fits: Fits::PatchTuesday(days, at) }
    }

    /// The first time that fits and is later.
    #[must_use]
    pub fn next(&self, after: NaiveDateTime) -> Option<NaiveDateTime> {
        match &self.fits {
            Fits::Cron(parts) => {
                let after = after.and_utc();
                let each = parts.iter().filter_map(|part| part.after(&after).next());
                each.min().map(|next: DateTime<Utc>| next.naive_utc())
            }
            Fits::Daily(at) => {
                let today = after.date().and_time(*at);
                if today > after { Some(today) } else { today.checked_add_days(Days::new(1)) }
            }
            Fits::PatchTuesday(days, at) => patch_tuesday::next(*days, *at, after),
        }
    }
}

impl FromStr for Pattern {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let fields: Vec<&str> = match text {
            "@hourly" => vec!["0", "*", "*", "*", "*"],
            "@daily" => vec!["0", "0", "*", "*", "*"],
            "@weekly" => vec!["0", "0", "*", "*", "0"],
            "@monthly" => vec!["0", "0", "1", "*", "*"],
            "@yearly" => vec!["0", "0", "1", "1", "*"],
            word if word.starts_with('@') => return Err(Error::Word { word: word.to_owned() }),
            _ => text.split_whitespace().collect(),
        };
        if fields.len() != FIELDS.len() {
            return Err(Error::Fields { found: fields.len() });
        }
        let mut sets = Vec::new();
        for (field, text) in FIELDS.iter().zip(&fields) {
            sets.push(field.read(text)?);
        }
        let fits = Fits::Cron(parts(&fields, &sets)?);
        let pattern = Self { text: text.to_owned(), fits };
        let from = NaiveDate::from_ymd_opt(2024, 1, 1).and_then(|day| day.and_hms_opt(0, 0, 0));
        match from.and_then(|from| pattern.next(from)) {
            Some(_) => Ok(pattern),
            None => Err(Error::Never { text: text.to_owned() }),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// What the crate `cron` is asked. Its seconds come first, and its Sunday is 1.
fn parts(fields: &[&str], sets: &[BTreeSet<u32>]) -> Result<Vec<cron::Schedule>, Error> {
    let list =
        |set: &BTreeSet<u32>| set.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let week: BTreeSet<u32> = sets[4].iter().map(|day| day % 7 + 1).collect();
    let (minute, hour, month) = (list(&sets[0]), list(&sets[1]), list(&sets[3]));
    let (day, week) = (list(&sets[2]), list(&week));
    // Vixie's rule: either of two restrictions is enough; `*`, also with a step, is none.
    let either = !fields[2].starts_with('*') && !fields[4].starts_with('*');
    let days = if either {
        vec![(day, "*".to_owned()), ("*".to_owned(), week)]
    } else {
        vec![(day, week)]
    };
    let read = |(day, week): (String, String)| {
        let text = format!("0 {minute} {hour} {day} {month} {week}");
        text.parse::<cron::Schedule>().map_err(|error| Error::Field {
            field: "schedule",
            text: fields.join(" "),
            why: error.to_string(),
        })
    };
    days.into_iter().map(read).collect()
}

impl Field {
    /// The numbers that a field stands for.
    fn read(&self, text: &str) -> Result<BTreeSet<u32>, Error> {
        let mut found = BTreeSet::new();
        for item in text.split(',') {
            let (range, step) = match item.split_once('/') {
                Some((range, step)) => (range, Some(self.step(text, step)?)),
                None => (item, None),
            };
            let (first, last) = match range.split_once('-') {
                _ if range == "*" => (self.least, self.most),
                Some((first, last)) => (self.number(text, first)?, self.number(text, last)?),
                None => {
                    let only = self.number(text, range)?;
                    if step.is_some() {
                        let why = "a step needs `*` or a range before it, like `*/15` or `8-18/2`";
                        return Err(self.wrong(text, why));
                    }
                    (only, only)
                }
            };
            if first > last {
                return Err(self.wrong(text, "a range begins with its lower end"));
            }
            found.extend((first..=last).step_by(step.unwrap_or(1)));
        }
        Ok(found)
    }

    fn step(&self, text: &str, step: &str) -> Result<usize, Error> {
        let step = digits(step).and_then(|step| usize::try_from(step).ok());
        step.filter(|step| *step > 0)
            .ok_or_else(|| self.wrong(text, "a step is a whole number from 1"))
    }

    fn number(&self, text: &str, word: &str) -> Result<u32, Error> {
        let lower = word.to_ascii_lowercase();
        if let Some(place) = self.words.iter().position(|name| *name == lower) {
            return Ok(self.least + u32::try_from(place).unwrap_or_default());
        }
        let number = digits(word).filter(|number| (self.least..=self.most).contains(number));
        number.ok_or_else(|| {
            let words = match self.words {
                [first, .., last] => format!(", or {first} to {last}"),
                _ => String::new(),
            };
            let why =
                format!("it takes {} to {}{words}, `*`, ranges, lists", self.least, self.most);
            self.wrong(text, &why)
        })
    }

    fn wrong(&self, text: &str, why: &str) -> Error {
        Error::Field { field: self.name, text: text.to_owned(), why: why.to_owned() }
    }
}

/// A number of digits alone: no sign, no space.
fn digits(text: &str) -> Option<u32> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}
