//! Sources: streams of records, read page by page.

use async_trait::async_trait;
use core_model::Checkpoint;
use core_model::record::{Record, RecordKind, Rejected};

use crate::Result;

/// What a source can say about changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Only everything there is.
    Snapshot,
    /// What is new or changed since a checkpoint, but not what is gone: a full read finds that.
    Upserts,
    /// What is new, changed or gone since a checkpoint.
    UpsertsAndDeletes,
}

/// A part of a stream that is read on its own (one customer's directory). Its failure stops no
/// other part.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    /// The key, empty for a stream without parts.
    pub key: String,
    /// What people call it.
    pub name: String,
}

impl Scope {
    /// The only scope of a stream without parts.
    #[must_use]
    pub fn whole() -> Self {
        Self { key: String::new(), name: String::new() }
    }
}

/// Where to start reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything.
    Full,
    /// What changed.
    Incremental,
}

/// Where to read the next page.
#[derive(Clone, Debug)]
pub enum Resume {
    /// From the start of everything.
    Start,
    /// From this checkpoint: in the middle of a round, or at the end of the last one.
    From(Checkpoint),
}

/// How the end of a listing was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The page is not the last.
    More,
    /// The vendor said that this is the end (a delta link, an empty page after the last).
    Ended {
        /// In words, for the run record.
        how: &'static str,
    },
    /// The vendor gave a total, and that many rows were read.
    Total {
        /// The total.
        rows: u64,
    },
}

/// A page of a stream. Records, tombstones and checkpoint are stored together or not at all.
#[derive(Debug)]
pub struct Page {
    /// Records that are there, in the order received; of two with one key the last counts.
    pub records: Vec<Record>,
    /// Records that are gone.
    pub gone: Vec<(RecordKind, String)>,
    /// Records that could not be read.
    pub rejected: Vec<Rejected>,
    /// Where to go on once this page is stored. At the end of a round, where the next incremental
    /// round starts; `None` there if the source can only be read in full.
    pub checkpoint: Option<Checkpoint>,
    /// Whether this was the last page, and how that is known.
    pub proof: Proof,
    /// Bytes received for it, after decompression.
    pub bytes: u64,
}

impl Page {
    /// Whether the round is over.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.proof != Proof::More
    }
}

/// A stream of records.
#[async_trait]
pub trait Source: Send + Sync {
    /// What it can say about changes.
    fn changes(&self) -> Changes;

    /// The parts it is read in.
    ///
    /// # Errors
    /// When the parts cannot be listed.
    async fn scopes(&self) -> Result<Vec<Scope>> {
        Ok(vec![Scope::whole()])
    }

    /// One page. Reading the same place twice is harmless. `Resume::Start` begins a full round;
    /// the checkpoint of a finished round begins an incremental one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::CheckpointExpired`] where the place is forgotten at the vendor, and
    /// every other kind by its meaning. A page whose end is not proven is `Protocol`, never an end.
    async fn page(&self, scope: &Scope, from: Resume) -> Result<Page>;
}
