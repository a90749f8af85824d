//! What came of an action, and of a session.

use serde::{Deserialize, Serialize};

use crate::found::Failure;

/// What came of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionResult {
    /// It is as it should be.
    Compliant,
    /// It is not, whatever was done about it; why.
    NonCompliant(String),
    /// It was read; nobody says how it should be.
    Recorded,
    /// It could not be brought about.
    Failed(Failure),
    /// It did not begin: somebody has to settle something first; what.
    Blocked(String),
    /// It was left out; why.
    Skipped(String),
    /// It is left for another session; why.
    Deferred(String),
    /// It is not as it should be, and nothing is done about it for now: the ring is not open, somebody stopped it, a
    /// number waits to be confirmed; why.
    Held(String),
    /// It would be done, and this session only looks.
    Pending,
}

impl ActionResult {
    /// Whether it is as it should be, as far as anybody says how.
    #[must_use]
    pub fn is_well(&self) -> bool {
        matches!(self, Self::Compliant | Self::Recorded)
    }

    /// Whether something went wrong.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::NonCompliant(_) | Self::Failed(_) | Self::Blocked(_))
    }

    /// Whether it is left as it is for now, and nothing went wrong.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Skipped(_) | Self::Deferred(_) | Self::Held(_))
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Compliant => "compliant".to_owned(),
            Self::NonCompliant(why) => format!("not compliant: {why}"),
            Self::Recorded => "recorded".to_owned(),
            Self::Failed(failure) => format!("failed: {}", failure.message),
            Self::Blocked(why) => format!("blocked: {why}"),
            Self::Skipped(why) => format!("skipped: {why}"),
            Self::Deferred(why) => format!("left for the next session: {why}"),
            Self::Held(why) => format!("held: {why}"),
            Self::Pending => "pending".to_owned(),
        }
    }
}

/// What came of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overall {
    /// Nothing is left to be done that this session was to do.
    Passed,
    /// Some of it is.
    PartiallyPassed,
    /// Something went wrong, and nothing is as it should be.
    Failed,
}

impl Overall {
    /// Of the results of all actions.
    #[must_use]
    pub fn of<'a>(results: impl IntoIterator<Item = &'a ActionResult>) -> Self {
        let (mut well, mut bad, mut open) = (false, false, false);
        for result in results {
            well |= result.is_well();
            bad |= result.is_bad();
            open |= result.is_open();
        }
        match (well, bad, open) {
            (_, false, false) => Overall::Passed,
            (false, true, false) => Overall::Failed,
            _ => Overall::PartiallyPassed,
        }
    }
}
