//! Sessions: somebody or something asks that a subject is brought where one deployment says it should
//! be. An engine takes what waits, says how it goes, and how it ended.

use serde::{Deserialize, Serialize};

use crate::id::{DeploymentId, SessionId, TenantId};
use crate::library::{ItemId, OfflineBehaviour, RebootPreference, SubjectId};

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

/// What is run of a subject, where no single deployment is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionRun {
    /// Only this item, with what must be so before it; else everything that holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// Which instance of the item.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// It is only looked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub detect_only: bool,
    /// The item is mended though nothing says that it does not work.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repair: bool,
    /// What failed in this session, once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub again: Option<SessionId>,
}

/// What is entered for a computer that is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OnboardingForm {
    /// What it is to be called: given to tasks that have a parameter of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub computer_name: Option<String>,
    /// The UPN of whoever will use it: its primary person, and given to tasks that have a parameter of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_person: Option<String>,
}

impl OnboardingForm {
    /// What was entered, by the names of the parameters that it is given to.
    #[must_use]
    pub fn values(&self) -> serde_json::Map<String, serde_json::Value> {
        let all =
            [("computer_name", &self.computer_name), ("primary_person", &self.primary_person)];
        let entered = all.into_iter().filter_map(|(name, value)| {
            Some((name.to_owned(), serde_json::Value::from(value.clone()?)))
        });
        entered.collect()
    }
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
    /// The deployment that says where; none where everything that holds for the subject does.
    #[serde(default)]
    pub deployment: Option<DeploymentId>,
    /// What is run, where it is no single deployment.
    #[serde(default)]
    pub run: SessionRun,
    /// The schedule that it is due by, by its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// Whether the subject may be rebooted, where it is not as the engine's settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboots: Option<RebootPreference>,
    /// What becomes of it where its subject is away, where it is not as the engine's settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offline: Option<OfflineBehaviour>,
    /// What somebody entered who had the computer set up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<OnboardingForm>,
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
    /// When it was begun last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_us: Option<i64>,
    /// How often in a row an engine was lost with it that had not got on.
    #[serde(default)]
    pub fruitless: u32,
    /// The engine that was not heard of any more, where it waits again because of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_by: Option<String>,
    /// Before when nothing is changed: it is looked and planned, and goes on then. Where there is none it goes on at
    /// once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_us: Option<i64>,
    /// How often it was postponed.
    #[serde(default, skip_serializing_if = "is_none")]
    pub postponed: u32,
    /// When it was first to act, where it was moved since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_act_us: Option<i64>,
    /// Before when it is not begun, where it waits for a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_us: Option<i64>,
    /// It waits because its subject cannot be reached, and goes on as soon as that is heard of.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub away: bool,
    /// When it stops waiting; where there is none it waits as long as it takes.
    #[serde(default)]
    pub expires_us: Option<i64>,
    /// When it was asked for.
    pub asked_us: i64,
    /// When it last changed.
    pub changed_us: i64,
}

impl Session {
    /// One that waits, asked for now: ad-hoc, of everything that holds for its subject, by nobody yet.
    #[must_use]
    pub fn asked(
        tenant: TenantId,
        subject: impl Into<SubjectId>,
        subject_name: &str,
        title: &str,
        asked_us: i64,
    ) -> Self {
        let subject = subject.into();
        Self {
            id: SessionId::of_text(&format!("{subject} {title} {asked_us}"), asked_us),
            tenant,
            subject,
            subject_name: subject_name.to_owned(),
            deployment: None,
            run: SessionRun::default(),
            schedule: None,
            reboots: None,
            offline: None,
            form: None,
            title: title.to_owned(),
            kind: SessionKind::AdHoc,
            group: None,
            state: SessionState::Waiting,
            word: String::new(),
            asked_by: String::new(),
            ticket: None,
            result: None,
            engine: None,
            until_us: None,
            takes: 0,
            begun_us: None,
            fruitless: 0,
            lost_by: None,
            act_us: None,
            postponed: 0,
            first_act_us: None,
            ready_us: None,
            away: false,
            expires_us: None,
            asked_us,
            changed_us: asked_us,
        }
    }

    /// What there is one of each that is not over: a subject is asked for the same once.
    #[must_use]
    pub fn active(&self) -> String {
        let what = match (&self.deployment, self.run.item) {
            (Some(deployment), _) => deployment.to_string(),
            (None, Some(item)) => {
                let instance = self.run.instance.as_deref().unwrap_or_default();
                format!("{item}#{instance}")
            }
            (None, None) if self.run.detect_only => "detect-only".to_owned(),
            (None, None) => self.kind.as_str().to_owned(),
        };
        format!("{} {what}", self.subject)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(times: &u32) -> bool {
    *times == 0
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
