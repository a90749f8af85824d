//! A planned run: what, of which connection, and when.

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use core_schedule::Schedule;
use core_store::Planned;
use serde::{Deserialize, Serialize};

/// What is done. The order is that of their importance: what is quick and keeps the model fresh comes
/// before what takes the night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Work {
    /// The dates that passed are looked at.
    Edges,
    /// Systems are asked to tell what changes: subscriptions are made and renewed.
    Subscribe,
    /// What changed is read.
    Incremental,
    /// Everything is read.
    Full,
    /// Machines are asked who they are and who uses them.
    Collect,
    /// What the hub knows is written back.
    Push,
}

impl Work {
    /// The word in names and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Work::Edges => "edges",
            Work::Subscribe => "subscribe",
            Work::Incremental => "incremental",
            Work::Full => "full",
            Work::Collect => "collect",
            Work::Push => "push",
        }
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A planned run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Of which connection; of none where it is the hub's own.
    pub connection: String,
    /// Of this stream, which then is none of the connection's own runs.
    pub stream: Option<String>,
    /// What.
    pub work: Work,
    /// When.
    pub schedule: Schedule,
    /// How many seconds later at most, so that not everything begins at once. How many it is follows
    /// from the name.
    pub jitter_seconds: u32,
}

impl Entry {
    /// Its name: `halo/full`, or `halo/contracts/full` for a stream's own.
    #[must_use]
    pub fn name(&self) -> String {
        let parts = [Some(self.connection.as_str()), self.stream.as_deref()];
        let parts = parts.into_iter().flatten().filter(|part| !part.is_empty());
        parts.chain([self.work.as_str()]).collect::<Vec<_>>().join("/")
    }

    /// Its pattern and zone in words: under another one, nothing was missed.
    #[must_use]
    pub fn spec(&self) -> String {
        format!("{} {}", self.schedule.pattern(), self.schedule.zone())
    }

    /// The newest planned time that is not handled, where there is one.
    #[must_use]
    pub fn due(&self, handled: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let latest = now - self.jitter();
        if handled.timestamp_micros() == 0 {
            // Due since ever. Handled as of now, so that its next time is one to come.
            return Some(latest);
        }
        self.schedule.missed(handled, latest)
    }

    /// When it begins next, if what is due is dealt with; now where it is due.
    #[must_use]
    pub fn next(&self, handled: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if self.due(handled, now).is_some() {
            return Some(now);
        }
        let late = self.jitter();
        Some(self.schedule.next(handled.max(now - late))? + late)
    }

    /// When the first time that is not handled should have begun, where that was more than an hour
    /// ago.
    pub(crate) fn overdue(
        &self,
        handled: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let first = self.schedule.next(handled)? + self.jitter();
        let known = handled.timestamp_micros() != 0;
        (known && first + TimeDelta::hours(1) < now).then_some(first)
    }

    /// For the store, with what was handled.
    pub(crate) fn planned(&self, handled: DateTime<Utc>) -> Planned {
        Planned { name: self.name(), spec: self.spec(), handled_us: handled.timestamp_micros() }
    }

    /// What must not run twice at a time: the reading of a connection; asking machines, which may be
    /// reached through several; the dates; writing into a connection and subscribing to it, which reading
    /// it is not in the way of.
    pub(crate) fn lane(&self) -> String {
        match self.work {
            Work::Incremental | Work::Full => self.connection.clone(),
            Work::Collect | Work::Edges => format!(":{}", self.work),
            Work::Push | Work::Subscribe => format!(":{}/{}", self.work, self.connection),
        }
    }

    fn jitter(&self) -> TimeDelta {
        core_schedule::jitter(&self.name(), self.jitter_seconds)
    }
}
