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
    /// It waited longer than it was to wait.
    Expired,
}

impl SessionState {
    /// Every state.
    pub const ALL: &'static [Self] = &[
        Self::Waiting,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// The word in the store and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
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
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired)
    }

    /// Whether it becomes that one where somebody says so. An engine may say the same state again, with
    /// another word. What runs waits again, and what waits expires, by the clock alone.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Waiting => next != Self::Expired,
            Self::Running => !matches!(next, Self::Waiting | Self::Expired),
            Self::Succeeded | Self::Failed | Self::Cancelled | Self::Expired => false,
        }
    }
}

/// What a session is for. The first one goes first, whoever's it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum SessionKind {
    /// Somebody asked for it and looks at it.
    #[default]
    AdHoc,
    /// A computer is set up.
    Onboarding,
    /// A plan is due.
    Scheduled,
}

impl SessionKind {
    /// Every kind, what goes first before what comes after.
    pub const ALL: &'static [Self] = &[Self::AdHoc, Self::Onboarding, Self::Scheduled];

    /// The word in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AdHoc => "ad-hoc",
            Self::Onboarding => "onboarding",
            Self::Scheduled => "scheduled",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }

    /// Its place in the order; 0 goes first.
    #[must_use]
    pub fn rank(self) -> i64 {
        match self {
            Self::AdHoc => 0,
            Self::Onboarding => 1,
            Self::Scheduled => 2,
        }
    }

    /// The kind of a place in the order.
    #[must_use]
    pub fn of_rank(rank: i64) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.rank() == rank)
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
    /// What it is for, and so what goes first.
    #[serde(default)]
    pub kind: SessionKind,
    /// The batch that it was asked for in.
    #[serde(default)]
    pub group: Option<String>,
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
    /// Who is at it, or was; nobody where it waits.
    pub engine: Option<String>,
    /// Until when the engine has it, unless it is heard of again; only while it runs. Those that ran
    /// before there were leases have none until their engine's next word.
    #[serde(default)]
    pub until_us: Option<i64>,
    /// How often it was begun.
    #[serde(default)]
    pub takes: u32,
    /// The engine that was not heard of any more, where it waits again because of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_by: Option<String>,
    /// When it stops waiting; where there is none it waits as long as it takes.
    #[serde(default)]
    pub expires_us: Option<i64>,
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
        use SessionState::{Cancelled, Expired, Failed, Running, Succeeded, Waiting};
        for state in SessionState::ALL {
            assert_eq!(SessionState::parse(state.as_str()), Some(*state));
            for next in SessionState::ALL {
                let may = match state {
                    Waiting => *next != Expired,
                    Running => *next != Waiting && *next != Expired,
                    Succeeded | Failed | Cancelled | Expired => false,
                };
                assert_eq!(state.may_become(*next), may, "{state:?} to {next:?}");
            }
        }
        assert_eq!(SessionState::parse("done"), None);
    }

    #[test]
    fn kinds_go_in_their_order() {
        for (rank, kind) in (0..).zip(SessionKind::ALL) {
            assert_eq!((kind.rank(), SessionKind::of_rank(rank)), (rank, Some(*kind)));
            assert_eq!(SessionKind::parse(kind.as_str()), Some(*kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert!(SessionKind::ALL.is_sorted());
    }

    #[test]
    fn a_session_that_was_stored_before_there_was_a_queue_is_read() {
        let text = serde_json::json!({
            "id": SessionId::of_text("one", 1), "tenant": TenantId::of_text("one", 1),
            "subject": crate::id::ComputerId::of_text("pc", 1), "subject_name": "PC",
            "deployment": DeploymentId::of_text("reader", 1), "title": "Reader: install",
            "state": "running", "word": "", "asked_by": "ana", "ticket": null,
            "engine": "engine", "asked_us": 1, "changed_us": 2,
        });
        let session: Session = serde_json::from_value(text).unwrap();
        assert_eq!((session.kind, session.group, session.takes), (SessionKind::AdHoc, None, 0));
        assert_eq!((session.until_us, session.expires_us, session.lost_by), (None, None, None));
    }
}
