//! Schedules in files.

use schemars::JsonSchema;

use super::{ClassWord, TargetChoice};

/// Of which kind those are that a schedule is for.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum SubjectsWord {
    /// Computers. The default.
    Computers,
    /// Persons.
    Persons,
    /// Tenants.
    Tenants,
}

/// So many days after Patch Tuesday, the second Tuesday of each month: { patch_tuesday = 1, at = "21:00" }.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PatchTuesdayTable {
    /// Days after it; 0 is the day itself.
    #[schemars(range(max = 60))]
    pub patch_tuesday: u32,
    /// At this time of day, "21:00".
    pub at: String,
}

/// A time: "19:00" of every day, a cron pattern "0 19 * * mon-fri", or
/// { patch_tuesday = 1, at = "21:00" }.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum TimingChoice {
    /// A time of day, or a cron pattern of five fields.
    Text(String),
    /// By Patch Tuesday.
    Table(PatchTuesdayTable),
}

/// Whether computers are rebooted.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum RebootsWord {
    /// Where a reboot is pending.
    Normal,
    /// Never.
    Suppress,
    /// In any case.
    Force,
    /// Where one is pending and whoever sits there agrees.
    Prompt,
}

/// What becomes of the session of a computer that is away at its time.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum OfflineWord {
    /// It ends, and says so.
    Skip,
    /// It waits until the computer is there, or until it expires. The default.
    ApplyOnConnect,
}

/// A schedule: at its times there is a session for everybody in its target.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ScheduleTable {
    /// Name, unique among schedules; compared without case.
    pub name: String,
    /// For whom, as in a deployment.
    pub target: TargetChoice,
    /// Device classes that it is narrowed to; left out, any.
    pub classes: Option<Vec<ClassWord>>,
    /// The one tenant that it is for, by name or id; left out, it is cross-tenant. It narrows the
    /// target.
    pub tenant: Option<String>,
    /// With `tenant`: its child tenants too.
    pub children: Option<bool>,
    /// Of which kind those are that it is for. With `software` or `task` that is the item's.
    pub subjects: Option<SubjectsWord>,
    /// Only this software, by name or id: everything is resolved, and this is done of it.
    pub software: Option<String>,
    /// Only this task, by name or id.
    pub task: Option<String>,
    /// Which instance of the task.
    pub instance: Option<String>,
    /// When it is looked what is there.
    pub detect: TimingChoice,
    /// When something is done about it: "immediately" (the default), "never", or the first such
    /// time after the look, at least an hour later.
    pub execute: Option<TimingChoice>,
    /// By which clock: an IANA zone, or "tenant" for that of each tenant; left out, the hub's.
    pub zone: Option<String>,
    /// Whether computers are rebooted; left out, as `[maintenance]` of the settings says.
    pub reboots: Option<RebootsWord>,
    /// What becomes of the session of a computer that is away at its time.
    pub offline: Option<OfflineWord>,
    /// For how many days a session waits after its time. Left out, 7.
    #[schemars(range(min = 1, max = 90))]
    pub expires_days: Option<u32>,
    /// Over how many minutes the sessions of one time are spread. Left out, 0.
    #[schemars(range(max = 720))]
    pub spread_minutes: Option<u32>,
    /// Switched on. Left out, it is.
    pub enabled: Option<bool>,
    /// Why it is there.
    pub note: Option<String>,
}
