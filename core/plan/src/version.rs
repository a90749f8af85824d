//! Versions as Windows software writes them, in the order in which it means them.
//!
//! A version is numbers, then words. `24.001.20604`, `v2`, `6, 0, 1, 2` and `1.1.1w` are versions; a
//! text without any digit is none. The rules, and why:
//!
//! - Numbers compare as numbers, of any length: `10` is newer than `9`, `001` is `1`.
//! - **A missing number is zero**: `7.4` is `7.4.0.0`. One installer writes two numbers into the
//!   registry and four into its file; were these two versions, each run would update the one to the
//!   other.
//! - Whatever is no digit and no letter parts: points, commas of some locales, blanks, dashes.
//! - A word after the numbers is a later edition, as `1.1.1w` is after `1.1.1`, unless it says that
//!   it came before: `2.0-rc1` is older than `2.0`.
//! - Case does not matter, nor does a `v` or `version` in front.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A version. Two spellings of one version are equal; each keeps its own.
#[derive(Clone)]
pub struct Version(Arc<Parts>);

struct Parts {
    text: String,
    /// Without zeros at the end.
    numbers: Vec<Number>,
    tail: Vec<Piece>,
}

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadVersion(pub String);

impl fmt::Display for BadVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no version: there is no number in it", self.0)
    }
}

impl std::error::Error for BadVersion {}

/// Digits without zeros in front, so that their length compares first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Number(Box<str>);

/// What follows the numbers. The order of the variants is the order of versions that differ in them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Piece {
    /// A word for what came before the version itself, by its place among these words.
    Before(usize),
    /// Nothing more.
    End,
    /// A number after a word.
    Number(Number),
    /// Any other word, lower case.
    Word(String),
}

/// Words for what comes before a version, the earliest first. A lone letter is none of them: `b` is
/// how many publishers count their patches.
const BEFORE: &[&[&str]] = &[
    &["dev", "snapshot", "nightly", "canary"],
    &["alpha"],
    &["beta"],
    &["pre", "preview", "prerelease"],
    &["rc", "cr"],
];

impl Number {
    fn of(digits: &str) -> Self {
        Self(digits.trim_start_matches('0').into())
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Piece {
    fn of(run: &str) -> Self {
        if run.starts_with(|c: char| c.is_ascii_digit()) {
            return Piece::Number(Number::of(run));
        }
        let word = run.to_lowercase();
        match BEFORE.iter().position(|words| words.contains(&word.as_str())) {
            Some(place) => Piece::Before(place),
            None => Piece::Word(word),
        }
    }
}

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// [`BadVersion`] where there is no digit in it.
    pub fn parse(text: &str) -> Result<Self, BadVersion> {
        let text = text.trim();
        let mut runs = runs(text);
        if !runs.iter().any(|run| run.starts_with(|c: char| c.is_ascii_digit())) {
            return Err(BadVersion(text.to_owned()));
        }
        let is_prefix =
            |run: &&str| ["v", "ver", "version", "release"].contains(&run.to_lowercase().as_str());
        if runs.first().is_some_and(is_prefix) {
            runs.remove(0);
        }
        let is_number = |run: &&&str| run.starts_with(|c: char| c.is_ascii_digit());
        let mut numbers: Vec<Number> =
            runs.iter().take_while(is_number).map(|run| Number::of(run)).collect();
        let tail = runs[numbers.len()..].iter().map(|run| Piece::of(run)).collect();
        while numbers.last().is_some_and(Number::is_zero) {
            numbers.pop();
        }
        Ok(Self(Arc::new(Parts { text: text.to_owned(), numbers, tail })))
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The first number, by which licences are restricted; `0` where there is none.
    #[must_use]
    pub fn major(&self) -> &str {
        self.0.numbers.first().map_or("0", |number| if number.is_zero() { "0" } else { &number.0 })
    }
}

/// Runs of digits and of letters; what is neither parts them.
fn runs(text: &str) -> Vec<&str> {
    let kind = |c: char| (c.is_alphanumeric(), c.is_ascii_digit());
    let mut runs = Vec::new();
    let mut start = 0;
    let mut last = None;
    for (at, c) in text.char_indices() {
        if last.is_some_and(|last| last != kind(c)) {
            runs.push(&text[start..at]);
            start = at;
        }
        last = Some(kind(c));
    }
    runs.push(&text[start..]);
    runs.retain(|run| run.starts_with(char::is_alphanumeric));
    runs
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // Without zeros at the end, the longer of two that begin alike has something above zero.
        self.0.numbers.cmp(&other.0.numbers).then_with(|| {
            let longest = self.0.tail.len().max(other.0.tail.len());
            (0..longest)
                .map(|at| {
                    let mine = self.0.tail.get(at).unwrap_or(&Piece::End);
                    mine.cmp(other.0.tail.get(at).unwrap_or(&Piece::End))
                })
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.0.numbers == other.0.numbers && self.0.tail == other.0.tail
    }
}

impl Eq for Version {}

impl Hash for Version {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.numbers.hash(state);
        self.0.tail.hash(state);
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Version({})", self.0.text)
    }
}

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        Self::parse(text)
    }
}

impl Serialize for Version {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text)
    }
}

impl<'de> Deserialize<'de> for Version {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests;
