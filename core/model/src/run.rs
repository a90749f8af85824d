//! Runs: what happened when a stream was read.

use serde::{Deserialize, Serialize};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Under way, or its process died.
    Running,
    /// Read to its proven end.
    Complete,
    /// Read to its proven end, and its deletions wait for an answer.
    Held,
    /// Stopped on request; the next run goes on from there.
    Stopped,
    /// Failed; the next run goes on from there.
    Failed,
    /// Nothing to read: not licensed, or the right is missing.
    Skipped,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &'static [Outcome] = &[
        Outcome::Running,
        Outcome::Complete,
        Outcome::Held,
        Outcome::Stopped,
        Outcome::Failed,
        Outcome::Skipped,
    ];

    /// The word in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Running => "running",
            Outcome::Complete => "complete",
            Outcome::Held => "held",
            Outcome::Stopped => "stopped",
            Outcome::Failed => "failed",
            Outcome::Skipped => "skipped",
        }
    }

    /// The outcome with that word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.as_str() == text)
    }
}

/// What a run counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Pages.
    pub pages: u64,
    /// Records read.
    pub read: u64,
    /// Records seen for the first time, or again after they were gone.
    pub created: u64,
    /// Records with new content.
    pub changed: u64,
    /// Records as they were.
    pub unchanged: u64,
    /// Records that are gone.
    pub gone: u64,
    /// Records whose deletion is held.
    pub held: u64,
    /// Records put into quarantine.
    pub rejected: u64,
    /// Bytes received, after decompression.
    pub bytes: u64,
    /// Requests repeated.
    pub retries: u64,
    /// Milliseconds spent waiting for rate limits.
    pub waited_ms: u64,
}

impl Counts {
    /// Whether everything is as it was before, with nothing held and nothing refused.
    #[must_use]
    pub fn came_to_nothing(&self) -> bool {
        let Self { created, changed, gone, held, rejected, .. } = self;
        [created, changed, gone, held, rejected].into_iter().all(|count| *count == 0)
    }
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Id.
    pub id: String,
    /// Connection.
    pub connection: String,
    /// Stream.
    pub stream: String,
    /// Sub-scope, empty where there is none.
    pub scope: String,
    /// What started it: `manual`, `schedule`, `demo`.
    pub trigger: String,
    /// Whether it read everything (`full`) or what changed (`incremental`).
    pub mode: String,
    /// Start, Unix microseconds.
    pub started_us: i64,
    /// End, Unix microseconds.
    pub ended_us: Option<i64>,
    /// How it ended.
    pub outcome: Outcome,
    /// Counts.
    pub counts: Counts,
    /// Kind of the error.
    pub error_kind: Option<String>,
    /// The error in words.
    pub error: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
}
