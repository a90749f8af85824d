//! Schedules: for whom sessions are made by themselves, when it is looked, and when something is done.

use std::collections::BTreeSet;

use chrono::NaiveTime;
use serde::{Deserialize, Serialize};

use super::{DeviceClass, ItemId, Owner, SubjectKind, Target};
use crate::id::ScheduleId;

/// When something is due, by a clock on the wall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// Every day at this time.
    Daily(NaiveTime),
    /// A cron pattern of five fields.
    Cron(String),
    /// So many days after Patch Tuesday, the second Tuesday of each month.
    PatchTuesday {
        /// Days after it; 0 is the day itself.
        days: u32,
        /// At this time.
        at: NaiveTime,
    },
}

impl Timing {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Timing::Daily(at) => format!("daily at {}", at.format("%H:%M")),
            Timing::Cron(pattern) => pattern.clone(),
            Timing::PatchTuesday { days, at } => {
                let plus = match days {
                    0 => String::new(),
                    1 => " + 1 day".to_owned(),
                    days => format!(" + {days} days"),
                };
                format!("Patch Tuesday{plus} at {}", at.format("%H:%M"))
            }
        }
    }
}

/// When that is done which the look found to be needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Execution {
    /// As soon as it was looked.
    #[default]
    Immediately,
    /// Never: it is only looked, and said what would be done.
    Never,
    /// At the first such time after the look; an hour after it at the earliest.
    At(Timing),
}

impl Execution {
    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Execution::Immediately => "immediately".to_owned(),
            Execution::Never => "never".to_owned(),
            Execution::At(timing) => timing.words(),
        }
    }
}

/// By which clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleZone {
    /// The hub's.
    #[default]
    Hub,
    /// That of this IANA zone.
    Named(String),
    /// That of each tenant: what is due at nine is due at nine everywhere, one place after the other.
    Tenant,
}

/// Whether subjects may be rebooted, where it is not as the settings say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebootPreference {
    /// Where a reboot is pending.
    Normal,
    /// Never.
    Suppress,
    /// In any case.
    Force,
    /// Where one is pending and whoever sits there agrees.
    Prompt,
}

impl RebootPreference {
    /// The word in files and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RebootPreference::Normal => "normal",
            RebootPreference::Suppress => "suppress",
            RebootPreference::Force => "force",
            RebootPreference::Prompt => "prompt",
        }
    }
}

/// What becomes of the session of a computer that is away at its time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfflineBehaviour {
    /// It ends, and says so.
    Skip,
    /// It waits until the computer is there, or until it expires.
    #[default]
    ApplyOnConnect,
}

impl OfflineBehaviour {
    /// The word in files and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            OfflineBehaviour::Skip => "skip",
            OfflineBehaviour::ApplyOnConnect => "apply-on-connect",
        }
    }
}

/// A schedule: at its times there is a session for each subject of its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Id.
    pub id: ScheduleId,
    /// Handle, unique among schedules without case.
    pub name: String,
    /// Of which kind its subjects are.
    pub subjects: SubjectKind,
    /// For whom.
    pub target: Target,
    /// Device classes it is narrowed to; empty is any. For computers only.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub classes: BTreeSet<DeviceClass>,
    /// The tenant that it is for; none is cross-tenant. It narrows the target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
    /// Only this item: everything is resolved, and this is done of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ItemId>,
    /// Which instance of the item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// When it is looked what is there.
    pub detect: Timing,
    /// When something is done about it.
    #[serde(default)]
    pub execute: Execution,
    /// By which clock both are.
    #[serde(default)]
    pub zone: ScheduleZone,
    /// Whether subjects may be rebooted; as the settings say where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reboots: Option<RebootPreference>,
    /// What becomes of sessions of those who are away.
    #[serde(default)]
    pub offline: OfflineBehaviour,
    /// For how many days a session waits for whom it is for, after its time.
    pub expires_days: u32,
    /// Over how many minutes the sessions of one time are spread.
    #[serde(default)]
    pub spread_minutes: u32,
    /// Switched on.
    pub enabled: bool,
    /// Why it is there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// When it was created (Unix microseconds).
    pub created_us: i64,
    /// Since when it is due at these times: when it was created, or its times or its switch last changed (Unix
    /// microseconds). What was before is not made up for.
    pub since_us: i64,
}

impl Schedule {
    /// For how many days sessions wait where nothing is said.
    pub const EXPIRES_DAYS: u32 = 7;

    /// One of computers: enabled, everything that holds for them, as soon as it was looked.
    #[must_use]
    pub fn new(name: &str, target: Target, detect: Timing, created_us: i64) -> Self {
        Self {
            id: ScheduleId::of_text(&super::handle(name), created_us),
            name: name.to_owned(),
            subjects: SubjectKind::Computer,
            target,
            classes: BTreeSet::new(),
            owner: None,
            item: None,
            instance: None,
            detect,
            execute: Execution::default(),
            zone: ScheduleZone::default(),
            reboots: None,
            offline: OfflineBehaviour::default(),
            expires_days: Self::EXPIRES_DAYS,
            spread_minutes: 0,
            enabled: true,
            note: String::new(),
            created_us,
            since_us: created_us,
        }
    }

    /// The same with `since_us` of what it was before, where its times and its switch are what they were.
    #[must_use]
    pub fn since(mut self, before: Option<&Self>, now_us: i64) -> Self {
        let same = before.filter(|before| {
            (&before.detect, &before.zone, before.enabled)
                == (&self.detect, &self.zone, self.enabled)
        });
        self.since_us = same.map_or(now_us, |before| before.since_us);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_survives_json_and_says_in_words_when_it_is_due() {
        let at = NaiveTime::from_hms_opt(19, 0, 0).unwrap();
        let mut one = Schedule::new("Nightly", Target::All, Timing::Daily(at), 7);
        one.execute = Execution::At(Timing::PatchTuesday { days: 1, at });
        one.zone = ScheduleZone::Named("Australia/Sydney".to_owned());
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), one);
        assert_eq!(one.detect.words(), "daily at 19:00");
        assert_eq!(one.execute.words(), "Patch Tuesday + 1 day at 19:00");
        let wrong = json.replacen("\"target\"", "\"days\":[],\"target\"", 1);
        assert!(serde_json::from_str::<Schedule>(&wrong).is_err());
    }

    #[test]
    fn what_changes_its_times_or_its_switch_is_due_from_then_on_and_what_changes_else_is_not() {
        let at = NaiveTime::from_hms_opt(19, 0, 0).unwrap();
        let before = Schedule::new("Nightly", Target::All, Timing::Daily(at), 7);
        let again = Schedule { note: "why".to_owned(), ..before.clone() };
        assert_eq!(again.since(Some(&before), 99).since_us, 7);
        for other in [
            Schedule { enabled: false, ..before.clone() },
            Schedule { zone: ScheduleZone::Tenant, ..before.clone() },
            Schedule { detect: Timing::Cron("0 2 * * *".to_owned()), ..before.clone() },
        ] {
            assert_eq!(other.since(Some(&before), 99).since_us, 99);
        }
        assert_eq!(before.since(None, 99).since_us, 99);
    }
}
