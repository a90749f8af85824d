//! Where a deployment with rings stands: which rings are open, what the next one waits for, and when so many failed
//! that it is halted. Pure: who is in which ring and what came of them is handed in.

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat};
use core_model::library::{Ring, SubjectId};
use serde::{Deserialize, Serialize};

/// Microseconds of an hour.
const HOUR_US: i64 = 3_600 * 1_000_000;

/// What came of a member, by the newest session that says anything about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reached {
    /// It is as it should be.
    Well,
    /// It failed.
    Failed,
}

/// A ring, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many are in it.
    pub members: u64,
    /// How many of them there is a result of.
    pub reached: u64,
    /// How many of these failed.
    pub failed: u64,
}

/// Why a deployment was halted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halt {
    /// The ring, from 0.
    pub ring: usize,
    /// How it stood then.
    pub tally: Tally,
    /// In words: "ring 1: 3 of 60 failed (5 %, more than 2 %)".
    pub why: String,
    /// When, Unix microseconds.
    pub at_us: i64,
}

/// When a ring opened, and when enough of it was reached; Unix microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// When it opened.
    pub opened_us: Option<i64>,
    /// When enough of it was reached.
    pub reached_us: Option<i64>,
}

/// Where a version of a deployment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// The version ([`crate::version_of`]).
    pub version: String,
    /// The rings that it goes by.
    pub rings: Vec<Ring>,
    /// When it began, Unix microseconds.
    pub begun_us: i64,
    /// Each ring, and whoever is in none.
    pub gates: Vec<Gate>,
    /// Those whose failures somebody took: they do not count any more.
    #[serde(default)]
    pub excused: BTreeSet<SubjectId>,
    /// Why it is halted.
    #[serde(default)]
    pub halt: Option<Halt>,
}

/// What each ring waits for; none where it is open.
pub type Gates = Vec<Option<String>>;

impl Tally {
    /// Takes a member in.
    pub fn add(&mut self, reached: Option<Reached>) {
        self.members += 1;
        self.reached += u64::from(reached.is_some());
        self.failed += u64::from(reached == Some(Reached::Failed));
    }

    fn is_reached(&self, ring: &Ring) -> bool {
        self.members > 0 && self.reached * 100 >= self.members * u64::from(ring.reached_percent)
    }

    fn is_bad(&self, ring: &Ring) -> bool {
        self.failed * 100 > self.reached * u64::from(ring.failures_percent)
    }

    /// "3 of 60 failed (5 %, more than 2 %)".
    fn failures(&self, ring: &Ring) -> String {
        let percent = (self.failed * 100).checked_div(self.reached).unwrap_or_default();
        let (failed, reached, most) = (self.failed, self.reached, ring.failures_percent);
        format!("{failed} of {reached} failed ({percent} %, more than {most} %)")
    }
}

impl Rollout {
    /// One that begins now.
    #[must_use]
    pub fn begin(version: &str, rings: &[Ring], now_us: i64) -> Self {
        let mut gates = vec![Gate::default(); rings.len() + 1];
        gates[0].opened_us = Some(now_us);
        Self {
            version: version.to_owned(),
            rings: rings.to_vec(),
            begun_us: now_us,
            gates,
            excused: BTreeSet::new(),
            halt: None,
        }
    }

    /// This one, or one that begins now where it is about another version or goes by other rings.
    #[must_use]
    pub fn of(known: Option<Self>, version: &str, rings: &[Ring], now_us: i64) -> Self {
        match known {
            Some(known) if known.version == version && known.rings == rings => known,
            _ => Self::begin(version, rings, now_us),
        }
    }

    /// By which numbers a ring is judged; whoever is in none, by those of the last one.
    fn rule(&self, at: usize) -> Option<&Ring> {
        self.rings.get(at).or(self.rings.last())
    }

    fn title(&self, at: usize) -> String {
        match self.rings.get(at) {
            Some(ring) => ring.title(at),
            None => format!("ring {} (everybody else)", at + 1),
        }
    }

    /// Opens what may be opened by now, and halts where too many failed. A ring that is open stays open. `tallies`
    /// are those of the rings, and of whoever is in none.
    pub fn advance(&mut self, tallies: &[Tally], now_us: i64) {
        for at in 0..self.gates.len() {
            if self.halt.is_some() {
                return;
            }
            let (Some(tally), Some(ring)) = (tallies.get(at), self.rule(at).cloned()) else {
                return;
            };
            if self.gates[at].opened_us.is_none() {
                return;
            }
            let reached = tally.is_reached(&ring);
            if reached && self.gates[at].reached_us.is_none() {
                self.gates[at].reached_us = Some(now_us);
            }
            let judged = reached || tally.failed >= u64::from(ring.failures_minimum);
            if judged && tally.is_bad(&ring) {
                let why = format!("{}: {}", self.title(at), tally.failures(&ring));
                self.halt = Some(Halt { ring: at, tally: *tally, why, at_us: now_us });
                return;
            }
            let soaked = self.soaked_us(at).is_some_and(|soaked| soaked <= now_us);
            if reached
                && soaked
                && let Some(next) = self.gates.get_mut(at + 1)
                && next.opened_us.is_none()
            {
                next.opened_us = Some(now_us);
            }
        }
    }

    /// When a ring that was reached has soaked, Unix microseconds.
    fn soaked_us(&self, at: usize) -> Option<i64> {
        let ring = self.rings.get(at)?;
        let reached = self.gates.get(at)?.reached_us?;
        Some(reached.saturating_add(i64::from(ring.soak_hours).saturating_mul(HOUR_US)))
    }

    /// What each ring waits for.
    #[must_use]
    pub fn gates(&self, tallies: &[Tally]) -> Gates {
        let mut closed: Option<(usize, String)> = None;
        (0..self.gates.len())
            .map(|at| {
                if let Some(halt) = &self.halt {
                    return Some(format!("halted, {}", halt.why));
                }
                if self.gates[at].opened_us.is_some() {
                    return None;
                }
                if let Some((first, why)) = &closed {
                    let (title, first) = (self.title(at), self.title(*first));
                    return Some(format!("{title} opens after {first}: {why}"));
                }
                let why = self.waits_for(at, tallies);
                closed = Some((at, why.clone()));
                Some(why)
            })
            .collect()
    }

    /// What the first ring that is closed waits for.
    fn waits_for(&self, at: usize, tallies: &[Tally]) -> String {
        let (title, before) = (self.title(at), at.saturating_sub(1));
        let tally = tallies.get(before).copied().unwrap_or_default();
        let (Some(ring), name) = (self.rings.get(before), self.title(before)) else {
            return format!("{title} is not open");
        };
        if tally.members == 0 {
            return format!("{title} stays closed: nobody is in {name}");
        }
        if let Some(soaked) = self.soaked_us(before) {
            let at = DateTime::from_timestamp_micros(soaked).unwrap_or_default();
            let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
            return format!(
                "{title} opens after {at}, when {name} has soaked for {} h",
                ring.soak_hours
            );
        }
        let (reached, members) = (tally.reached, tally.members);
        format!(
            "{title} opens once {} % of {name} were reached ({reached} of {members} by now)",
            ring.reached_percent
        )
    }

    /// Goes on after a halt: those that failed do not count any more.
    pub fn go_on(&mut self, failed: impl IntoIterator<Item = SubjectId>) {
        self.excused.extend(failed);
        self.halt = None;
    }
}

#[cfg(test)]
mod tests;
