//! What a plan is made of: the winners of a subject, the library, the kind of run, the settings.

use std::collections::BTreeSet;

use core_model::id::TenantId;
use core_model::library::{Architecture, Deployment, ItemId, SubjectId};
use serde::{Deserialize, Serialize};

use crate::catalogue::Catalogue;
use crate::key::Key;

/// What a plan is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// For whom.
    pub subject: SubjectId,
    /// Whose subject it is: licences are given by tenant.
    pub tenant: TenantId,
    /// For which processors software is chosen, where that is known.
    pub architecture: Option<Architecture>,
    /// Software and tasks.
    pub catalogue: &'a Catalogue,
    /// What holds for the subject, by item, in any order.
    pub wanted: &'a [Wanted<'a>],
    /// What is run.
    pub run: &'a RunKind,
    /// How it is run.
    pub settings: &'a Settings,
}

/// What holds for one item, or one instance of it.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The item.
    pub item: ItemId,
    /// Which instance, where there may be several.
    pub instance: Option<&'a str>,
    /// What holds.
    pub holds: Holds<'a>,
}

/// What holds for an item.
#[derive(Clone, Copy, Debug)]
pub enum Holds<'a> {
    /// A deployment wins.
    Won {
        /// The deployment.
        deployment: &'a Deployment,
        /// Why it wins, in words: "required by …, which is for all of Contoso".
        why: &'a str,
        /// Why nothing is changed for its sake just now: its ring is not open, somebody stopped it. It is looked
        /// at all the same.
        held: Option<&'a str>,
    },
    /// It is not known for certain what holds: nothing is done.
    Unknown {
        /// The name of the deployment that may hold.
        deployment: &'a str,
        /// What is not known.
        why: &'a str,
    },
}

impl<'a> Wanted<'a> {
    /// What a deployment that wins asks for.
    #[must_use]
    pub fn won(deployment: &'a Deployment, why: &'a str) -> Self {
        Self {
            item: deployment.item,
            instance: deployment.instance.as_deref(),
            holds: Holds::Won { deployment, why, held: None },
        }
    }

    /// The same, and nothing is changed for its sake where there is a reason.
    #[must_use]
    pub fn held(self, why_held: Option<&'a str>) -> Self {
        match self.holds {
            Holds::Won { deployment, why, .. } => {
                Self { holds: Holds::Won { deployment, why, held: why_held }, ..self }
            }
            Holds::Unknown { .. } => self,
        }
    }

    pub(crate) fn key(&self) -> Key {
        let instance = self.instance.map(str::to_owned);
        Key { item: self.item, instance, configures: None }
    }
}

/// What is run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// Everything.
    #[default]
    Full,
    /// Everything, what is for onboarding first.
    Onboarding {
        /// Nobody looks at it.
        automatic: bool,
    },
    /// One item, with what must be so before it.
    Item {
        /// The item.
        key: Key,
        /// It is mended, though nothing says that it does not work.
        repair: bool,
    },
    /// These once more, because they failed, with what must be so before them.
    Again(BTreeSet<Key>),
    /// Everything is looked at, and nothing is changed.
    DetectOnly,
    /// One item is looked at, with what must be so before it, and nothing is changed.
    LookAt(Key),
}

impl RunKind {
    /// Whether an item is run for its own sake.
    pub(crate) fn takes(&self, key: &Key) -> bool {
        match self {
            RunKind::Item { key: one, .. } | RunKind::LookAt(one) => one == key,
            RunKind::Again(keys) => {
                keys.contains(key)
                    // The configuration that failed is run with its software.
                    || keys.iter().any(|one| one.configures.is_some_and(|of| *key == Key::item(of)))
            }
            RunKind::Full | RunKind::Onboarding { .. } | RunKind::DetectOnly => true,
        }
    }

    /// Whether nothing is changed.
    pub(crate) fn looks_only(&self) -> bool {
        matches!(self, RunKind::DetectOnly | RunKind::LookAt(_))
    }

    /// Whether somebody asked by name that this be mended.
    pub(crate) fn repairs(&self, key: &Key) -> bool {
        matches!(self, RunKind::Item { key: one, repair: true } if one == key)
    }
}

/// Whether the subject may be rebooted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebootPolicy {
    /// Where a reboot is pending.
    Normal,
    /// Never.
    #[default]
    Suppress,
    /// In any case, at the end at the latest.
    Force,
    /// Where one is pending and whoever sits there agrees.
    Prompt,
}

/// What an unanswered question about a reboot means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoAnswer {
    /// No.
    #[default]
    Suppress,
    /// Yes.
    Reboot,
    /// The session fails.
    Fail,
}

/// What becomes of a session whose subject cannot be reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhenOffline {
    /// It ends; what was not done failed.
    End,
    /// It waits until the subject is there again.
    #[default]
    Wait,
}

/// How a session is run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How often something is tried before it has failed; 1 at least.
    pub tries: u32,
    /// How often an action may be broken off before it has failed.
    pub interruptions: u32,
    /// Whether the subject may be rebooted.
    pub reboots: RebootPolicy,
    /// What an unanswered question means.
    pub no_answer: NoAnswer,
    /// How often the subject was rebooted today by sessions before this one.
    pub reboots_today: u32,
    /// How often sessions may reboot it a day.
    pub reboots_per_day: u32,
    /// What becomes of it when the subject cannot be reached.
    pub offline: WhenOffline,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tries: 3,
            interruptions: 5,
            reboots: RebootPolicy::default(),
            no_answer: NoAnswer::default(),
            reboots_today: 0,
            reboots_per_day: 3,
            offline: WhenOffline::default(),
        }
    }
}
