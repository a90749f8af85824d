//! Why an action does not begin.

use serde::{Deserialize, Serialize};

use crate::found::{Failure, FailureClass};

/// Why an action does not begin. Known before anything runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// It waits for itself: the titles on the way, the first again at the end.
    Cycle(Vec<String>),
    /// It waits for something that is in a cycle.
    BehindCycle {
        /// For whom it waits.
        waits_for: String,
        /// The cycle.
        cycle: Vec<String>,
    },
    /// What must be so before is the matter of a deployment that says that nothing is done.
    PrerequisiteIgnored {
        /// What it needs.
        needs: String,
        /// The deployment that ignores it.
        deployment: String,
    },
    /// What it needs contradicts what a deployment, or another action, wants.
    Contradiction {
        /// What it needs: "Reader uninstalled".
        needs: String,
        /// What says otherwise.
        by: String,
    },
    /// Whether what it needs is so is not known.
    PrerequisiteUnknown {
        /// What it needs.
        needs: String,
        /// What is not known.
        why: String,
    },
    /// A prerequisite says that it fails.
    Refused {
        /// The condition that holds: "Office is not installed".
        because: String,
    },
    /// What must come before it is blocked, or cannot be done.
    Prerequisite {
        /// What.
        title: String,
        /// Why that is so.
        why: String,
        /// It failed, and is not only blocked.
        failed: bool,
    },
    /// It is not known for certain what holds for the subject.
    Uncertain {
        /// The deployment that may hold.
        deployment: String,
        /// What is not known.
        why: String,
    },
    /// It cannot be done, or nothing is known about it.
    Failure(Failure),
}

impl Block {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Block::Cycle(path) => format!("a cycle of prerequisites: {}", path.join(" → ")),
            Block::BehindCycle { waits_for, cycle } => {
                let path = cycle.join(" → ");
                format!("it waits for {waits_for}, and that for a cycle of prerequisites: {path}")
            }
            Block::PrerequisiteIgnored { needs, deployment } => {
                format!("it needs {needs}, which the deployment `{deployment}` ignores")
            }
            Block::Contradiction { needs, by } => format!("it needs {needs}, and {by}"),
            Block::PrerequisiteUnknown { needs, why } => {
                format!("it is not known whether {needs}: {why}")
            }
            Block::Refused { because } => format!("a prerequisite says no: {because}"),
            Block::Prerequisite { title, why, .. } => format!("it needs {title}: {why}"),
            Block::Uncertain { deployment, why } => {
                format!("it is not known for certain whether `{deployment}` holds: {why}")
            }
            Block::Failure(failure) => failure.message.clone(),
        }
    }

    /// The failure that it counts as; none where it is blocked, and somebody has to settle something
    /// first.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        match self {
            Block::Failure(failure) => Some(failure.clone()),
            Block::Refused { .. } | Block::Prerequisite { failed: true, .. } => {
                Some(Failure::new(FailureClass::Prerequisite, self.words()))
            }
            _ => None,
        }
    }

    /// By what one of several is shown.
    pub(crate) fn place(&self) -> (u8, String) {
        let place = match self {
            Block::Cycle(_) => 0,
            Block::BehindCycle { .. } => 1,
            Block::Uncertain { .. } => 2,
            Block::PrerequisiteIgnored { .. } => 3,
            Block::Contradiction { .. } => 4,
            Block::Refused { .. } => 5,
            Block::Prerequisite { .. } => 6,
            Block::PrerequisiteUnknown { .. } => 7,
            Block::Failure(_) => 8,
        };
        (place, self.words())
    }
}
