//! Sessions: somebody or something asks that a subject is brought where one deployment says it should
//! be. An engine takes what waits, says how it goes, and how it ended.

use serde::{Deserialize, Serialize};

use crate::id::{DeploymentId, SessionId, TenantId};
use crate::library::SubjectId;

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Nobody has begun it.
    Waiting,
    /// An engine is at it.
    Running,
    /// The subject is as it should be.
    Succeeded,
    /// It could not be brought there.
    Failed,
    /// Somebody took it back.
    Cancelled,
}

impl SessionState {
    /// Every state.
    pub const ALL: &'static [Self] =
        &[Self::Waiting, Self::Running, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// The word in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|state| state.as_str() == text)
    }

    /// Whether nothing will come of it any more.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// Whether it may become that one. An engine may say the same state again, with another word.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Waiting => true,
            Self::Running => next != Self::Waiting,
            Self::Succeeded | Self::Failed | Self::Cancelled => false,
        }
    }
}

/// A ticket that a session was asked for in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketRef {
    /// The connection.
    pub connection: String,
    /// The vendor's id.
    pub key: String,
}

/// A session. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Id.
    pub id: SessionId,
    /// The tenant whose subject it is.
    pub tenant: TenantId,
    /// Who or what is brought somewhere.
    pub subject: SubjectId,
    /// Its name when it was asked for.
    pub subject_name: String,
    /// The deployment that says where.
    pub deployment: DeploymentId,
    /// What is done, in words: "Adobe Reader: install the latest version".
    pub title: String,
    /// Where it stands.
    pub state: SessionState,
    /// The last word about it: why it waits, how it goes, what came of it. Empty where nothing was said.
    pub word: String,
    /// Who asked.
    pub asked_by: String,
    /// The ticket that it was asked for in.
    pub ticket: Option<TicketRef>,
    /// What the engine found and did, as it says itself; opaque here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<serde_json::Value>,
    /// Who is at it, or was.
    pub engine: Option<String>,
    /// When it was asked for.
    pub asked_us: i64,
    /// When it last changed.
    pub changed_us: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_stays_as_it_ended_and_what_runs_does_not_wait_again() {
        use SessionState::{Cancelled, Failed, Running, Succeeded, Waiting};
        for state in SessionState::ALL {
            assert_eq!(SessionState::parse(state.as_str()), Some(*state));
            for next in SessionState::ALL {
                let may = match state {
                    Waiting => true,
                    Running => *next != Waiting,
                    Succeeded | Failed | Cancelled => false,
                };
                assert_eq!(state.may_become(*next), may, "{state:?} to {next:?}");
            }
        }
        assert_eq!(SessionState::parse("done"), None);
    }
}
