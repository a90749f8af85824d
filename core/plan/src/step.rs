//! Steps: the smallest things that are done to a subject, and what came of each.

use core_model::id::{SoftwareId, VersionId};
use core_model::library::{ScriptPurpose, SoftwareVersion};
use serde::{Deserialize, Serialize};

use crate::found::{Failure, Found, Tested};
use crate::key::Key;

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Something about one item.
    Item {
        /// The item.
        key: Key,
        /// What.
        work: Work,
    },
    /// A script says which versions there are: [`Outcome::Versions`]. Detection only.
    Versions(SoftwareId),
    /// It is looked whether a reboot is pending, and whether one is allowed now: [`Outcome::Reboot`].
    CheckReboot,
    /// Whoever sits there is asked whether a reboot suits: [`Outcome::Answer`].
    AskReboot,
    /// The subject is rebooted, and waited for.
    Reboot,
    /// It is waited until the subject can be reached: [`Outcome::Done`], or a failure when that
    /// lasts too long.
    AwaitConnection,
    /// Something that is done beside the plan: none asks for it, and none goes by what came of it.
    Beside(Beside),
}

/// What is done beside the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beside {
    /// A script that runs in the hub has the subject run another one.
    Invoke {
        /// The number of the step that it runs for.
        by: u32,
        /// It only reads.
        reads: bool,
    },
    /// The subject is put into maintenance mode where it is not.
    EnterMaintenance,
    /// It is taken out of the maintenance mode that it was put into.
    LeaveMaintenance,
    /// The updates of Windows are installed that somebody approved.
    Updates,
}

/// What is done about an item. The script is the one of this purpose, of the version before that
/// of the software.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// It is looked whether and in which version it is there: [`Outcome::Found`].
    Detect,
    /// It is tested: [`Outcome::Tested`]. Software by the script of the version.
    Test(Option<VersionId>),
    /// It is read: [`Outcome::Done`].
    Get,
    /// It is set.
    Set,
    /// A version is fetched and compared with its checksum.
    Download(VersionId),
    /// The install script.
    Install(VersionId),
    /// The upgrade script.
    Upgrade(VersionId),
    /// The script after an install that worked.
    PostInstall(VersionId),
    /// The uninstall script, or the uninstall string that the machine reports.
    Uninstall(Option<VersionId>),
    /// The script after an uninstall that worked.
    PostUninstall(Option<VersionId>),
    /// The repair script.
    Repair(Option<VersionId>),
}

impl Work {
    /// The script that it is done by; none where it is no script's work.
    #[must_use]
    pub fn purpose(&self) -> Option<ScriptPurpose> {
        Some(match self {
            Work::Detect => ScriptPurpose::Detect,
            Work::Test(_) => ScriptPurpose::Test,
            Work::Get => ScriptPurpose::Get,
            Work::Set => ScriptPurpose::Set,
            Work::Download(_) => return None,
            Work::Install(_) => ScriptPurpose::Install,
            Work::Upgrade(_) => ScriptPurpose::Upgrade,
            Work::PostInstall(_) => ScriptPurpose::PostInstall,
            Work::Uninstall(_) => ScriptPurpose::Uninstall,
            Work::PostUninstall(_) => ScriptPurpose::PostUninstall,
            Work::Repair(_) => ScriptPurpose::Repair,
        })
    }

    /// Whether it only reads, and may be done again without harm.
    #[must_use]
    pub fn reads(&self) -> bool {
        matches!(self, Work::Detect | Work::Test(_) | Work::Get)
    }

    /// Whether it changes the subject in a way that only a detection or test can judge.
    #[must_use]
    pub fn changes(&self) -> bool {
        matches!(
            self,
            Work::Set | Work::Install(_) | Work::Upgrade(_) | Work::Uninstall(_) | Work::Repair(_)
        )
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What a detection found.
    Found(Found),
    /// What a test said.
    Tested(Tested),
    /// It ended, as far as its exit code says; that proves nothing.
    Done {
        /// It asks for a reboot (exit code 3010, for one).
        reboot: bool,
    },
    /// It failed.
    Failed(Failure),
    /// It was not begun, because nothing is to be changed for its deployment's sake any more; why. What was begun is
    /// ended.
    Held(String),
    /// It was broken off: the hub stopped. It may have run.
    Interrupted,
    /// How it is with reboots.
    Reboot {
        /// One is pending.
        pending: bool,
        /// Why there may be none now: "business hours until 17:00".
        held: Option<String>,
    },
    /// What whoever sits there says to a reboot.
    Answer(Answer),
    /// The versions that a script named.
    Versions(Vec<SoftwareVersion>),
}

/// What somebody says to a reboot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It suits.
    Yes,
    /// It does not.
    No,
    /// Nobody answered.
    Nothing,
}
