//! The book of a session: what was begun and what came of it, written before and after. Whoever opens it goes
//! on where it ends.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_model::reading::Reading;
use core_plan::{Beside, Outcome, Plan, Step};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Result;

/// Which half of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Half {
    /// It is looked what is there. Nothing is changed.
    Look,
    /// It is brought where it shall be.
    Act,
}

impl Half {
    /// The word in the store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Half::Look => "look",
            Half::Act => "act",
        }
    }

    /// The half of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Half::Look, Half::Act].into_iter().find(|half| half.as_str() == text)
    }
}

/// A script on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its name.
    pub name: Uuid,
    /// By what the lines of its answer are known.
    pub nonce: u64,
    /// Which way it went.
    pub way: String,
    /// Under which its answer is to be had; none where it is not known whether it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// When it was sent.
    pub sent_at: DateTime<Utc>,
}

/// What a step said, for people; secrets are taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// What was to be done, in words, where it is kept beside what was said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub what: String,
    /// Which way it went, where it went anywhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<String>,
    /// What it printed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub output: String,
    /// Its errors.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub errors: String,
    /// Its exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit: Option<i64>,
    /// What the engine itself needs of it later: where a download lies, when the computer was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// How it goes, as a script in the hub told, line by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<String>,
    /// What came of it, as a script in the hub told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
    /// What a task that monitors read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
}

/// A step in the book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub number: u32,
    /// In which half.
    pub half: Half,
    /// What was to be done.
    pub step: Step,
    /// The same in words: "Reader: install".
    pub what: String,
    /// The script that does it, once it is about to be sent.
    pub run: Option<Run>,
    /// What came of it; none where it is under way.
    pub outcome: Option<Outcome>,
    /// What it said.
    pub said: Said,
    /// When it was begun.
    pub began_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
}

impl Line {
    /// Whether it is under way.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.outcome.is_none()
    }

    /// Whether it is of something that is done beside the plan.
    #[must_use]
    pub fn is_beside(&self) -> bool {
        matches!(self.step, Step::Beside(_))
    }

    /// Whether it is of a script that one in the hub had the computer run.
    #[must_use]
    pub fn is_invoked(&self) -> bool {
        matches!(self.step, Step::Beside(Beside::Invoke { .. }))
    }
}

/// Keeps what a session did. Everything is kept when the call has returned, and by whoever has the session only.
#[async_trait]
pub trait Book: Send + Sync {
    /// Everything so far, in order.
    ///
    /// # Errors
    /// As all of these: [`crate::Error::Lost`] where the session is another's, [`crate::Error::Book`] where the
    /// store does not answer.
    async fn lines(&self) -> Result<Vec<Line>>;

    /// Writes a line anew, or for the first time.
    ///
    /// # Errors
    /// As [`Book::lines`].
    async fn write(&self, line: &Line) -> Result<()>;

    /// The plan, once there is one.
    ///
    /// # Errors
    /// As [`Book::lines`].
    async fn plan(&self) -> Result<Option<Plan>>;

    /// Keeps the plan, in place of one before.
    ///
    /// # Errors
    /// As [`Book::lines`].
    async fn put_plan(&self, plan: &Plan) -> Result<()>;
}
