//! What derivation is given.

use chrono::{DateTime, Utc};
use core_model::RecordRef;
use core_model::facts::{AgentFacts, AssetFacts, HardwareFacts};
use core_model::id::ComputerId;
use core_model::observation::Reading;
use core_model::record::Presence;

/// An earlier value of a record's identity (a person's UPN, a machine's `UUID|serial`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// The value.
    pub value: String,
    /// Until when it held, Unix microseconds.
    pub until_us: i64,
}

/// A source record as the store keeps it, beside what it says.
#[derive(Clone, Debug)]
pub struct SourceRecord {
    /// Which.
    pub record: RecordRef,
    /// Key of its client.
    pub client: Option<String>,
    /// Earlier identities, oldest first.
    pub history: Vec<Earlier>,
    /// First seen, Unix microseconds.
    pub first_seen_us: i64,
    /// Since when it is gone at the source, Unix microseconds.
    pub gone_since_us: Option<i64>,
}

impl SourceRecord {
    /// Gone at the source.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone_since_us.is_some()
    }
}

/// An asset of a PSA, and what the hub itself has to do with it.
#[derive(Clone, Debug)]
pub struct AssetInput {
    /// Which.
    pub record: RecordRef,
    /// What it says.
    pub facts: AssetFacts,
    /// Values that the hub wrote there, lower case. Read back they prove nothing.
    pub own: Vec<String>,
    /// The computer that the hub made it for.
    pub made_for: Option<ComputerId>,
}

/// What a script on the machine printed, and when.
#[derive(Clone, Debug)]
pub struct ReadingInput {
    /// What.
    pub reading: Reading,
    /// When first, Unix microseconds.
    pub at_us: i64,
}

/// A logon seen at an agent.
#[derive(Clone, Debug)]
pub struct LogonInput {
    /// Account as printed.
    pub account: String,
    /// Who said it.
    pub source: String,
    /// When, Unix microseconds.
    pub at_us: i64,
}

/// Everything known about one agent.
#[derive(Clone, Debug)]
pub struct AgentInput {
    /// The agent record.
    pub record: RecordRef,
    /// The connector's kind (`cw-automate`).
    pub connector: String,
    /// Key of its client.
    pub client: Option<String>,
    /// What the source says.
    pub facts: AgentFacts,
    /// Earlier `UUID|serial` values.
    pub history: Vec<Earlier>,
    /// Hardware inventory that is kept apart.
    pub hardware: Option<HardwareFacts>,
    /// Earlier `UUID|serial` values of that.
    pub hardware_history: Vec<Earlier>,
    /// Readings, oldest first.
    pub readings: Vec<ReadingInput>,
    /// Logons, oldest first.
    pub logons: Vec<LogonInput>,
    /// Presence.
    pub presence: Presence,
    /// First seen, Unix microseconds.
    pub first_seen_us: i64,
    /// It was there when its client's stream was first read to the end.
    pub baseline: bool,
    /// Gone at the source.
    pub gone: bool,
}

impl AgentInput {
    /// Whether a script can be run on it now.
    #[must_use]
    pub fn can_be_asked(&self) -> bool {
        !self.gone && self.facts.runs_scripts && self.presence.online == Some(true)
    }

    /// Since when it is known to exist.
    #[must_use]
    pub fn since(&self) -> DateTime<Utc> {
        let first = DateTime::from_timestamp_micros(self.first_seen_us).unwrap_or_default();
        self.facts.added.map_or(first, |added| added.min(first))
    }
}
