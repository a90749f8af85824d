//! The built-in maintenance engine: the table `[maintenance]` of the settings.

use std::time::Duration;

use chrono::Weekday;
use chrono_tz::Tz;
use core_engine::EngineSettings;
use core_maintenance::{BusinessHours, DayTime, Hubside};
use core_model::library::{OfflineBehaviour, RebootPreference};
use core_model::session::Session;
use core_plan::{NoAnswer, OnChange, RebootPolicy, WhenOffline};
use core_toml::Node;
use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::Problem;

/// The built-in maintenance engine: it takes sessions and carries them out through the connections.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MaintenanceTable {
    /// Whether this hub's own engine takes sessions. Off, they wait for an engine of somebody else's.
    pub(crate) engine: bool,
    /// Sessions that it has at once.
    #[schemars(range(min = 1, max = 10_000))]
    pub(crate) parallel: u32,
    /// How often something is tried before it has failed.
    #[schemars(range(min = 1, max = 10))]
    pub(crate) tries: u32,
    /// Whether computers are rebooted: where a reboot is pending, never, in any case, or where one is pending and
    /// whoever sits there agrees.
    pub(crate) reboots: Reboots,
    /// What it means where nobody answers whether a reboot suits.
    pub(crate) no_answer: Unanswered,
    /// How often sessions may reboot a computer a day.
    #[schemars(range(min = 1, max = 24))]
    pub(crate) reboots_per_day: u32,
    /// What becomes of a session whose computer is away: it waits, or it ends.
    pub(crate) offline: Offline,
    /// Seconds that it waits before the computer is tried again, unless it is heard of before.
    #[schemars(range(min = 10, max = 86_400))]
    pub(crate) away_seconds: u32,
    /// What becomes of what is not as it was planned, where time passes between looking and acting.
    pub(crate) on_change: Changed,
    /// When people work: nothing is rebooted then. In the zone of each tenant.
    pub(crate) business_hours: Option<HoursTable>,
    /// Whether computers that need onboarding get a session of the kind onboarding by themselves. Off, somebody asks
    /// for it.
    pub(crate) onboarding: bool,
    /// Megabytes that a script may have that runs in the hub.
    #[schemars(range(min = 16, max = 65_536))]
    pub(crate) script_memory_mb: u32,
    /// Whether the updates of Windows are installed that somebody approved in the patch manager of an RMM, in sessions
    /// of everything.
    pub(crate) windows_updates: bool,
    /// The connections of which scripts in the hub may have tokens for the directory of their own tenant, where their
    /// definitions ask for one.
    pub(crate) tokens_from: Vec<String>,
    /// Milliseconds between two looks at a script; left out, it is the connector's to say.
    #[schemars(range(min = 10, max = 60_000))]
    pub(crate) poll_ms: Option<u32>,
}

/// When people work.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoursTable {
    /// Their beginning: `08:00`.
    pub(crate) from: String,
    /// Their end. Hours that end before they begin go over midnight.
    pub(crate) until: String,
    /// The days on which they begin; left out, Monday to Friday.
    #[serde(default = "work_days")]
    pub(crate) days: Vec<Day>,
    /// Whether scripts that change something wait for their end, too.
    #[serde(default)]
    pub(crate) changes_wait: bool,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

/// Whether computers are rebooted.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reboots {
    Normal,
    Suppress,
    Force,
    Prompt,
}

/// What an unanswered question means.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unanswered {
    Suppress,
    Reboot,
    Fail,
}

/// What becomes of a session whose computer is away.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Offline {
    Wait,
    End,
}

/// What becomes of what is not as it was planned.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Changed {
    Replan,
    Skip,
}

fn work_days() -> Vec<Day> {
    vec![Day::Monday, Day::Tuesday, Day::Wednesday, Day::Thursday, Day::Friday]
}

impl Default for MaintenanceTable {
    fn default() -> Self {
        Self {
            engine: false,
            parallel: 50,
            tries: 3,
            reboots: Reboots::Suppress,
            no_answer: Unanswered::Suppress,
            reboots_per_day: 3,
            offline: Offline::Wait,
            away_seconds: 600,
            on_change: Changed::Replan,
            business_hours: None,
            onboarding: false,
            script_memory_mb: 1024,
            windows_updates: false,
            tokens_from: Vec::new(),
            poll_ms: None,
        }
    }
}

impl MaintenanceTable {
    /// How the engine works, where it is to.
    pub(crate) fn engine(&self, address: Option<&str>) -> Option<EngineSettings> {
        self.engine.then(|| self.engine_settings(address))
    }

    /// How an engine works that somebody asked for by hand.
    pub(crate) fn engine_settings(&self, address: Option<&str>) -> EngineSettings {
        let address = address.map(|text| format!("{}/", text.trim_end_matches('/')));
        EngineSettings {
            parallel: usize::try_from(self.parallel).unwrap_or(usize::MAX),
            away: Duration::from_secs(u64::from(self.away_seconds)),
            pace: self.poll_ms.map(|ms| Duration::from_millis(u64::from(ms))),
            hubside: Hubside {
                memory: u64::from(self.script_memory_mb) << 20,
                ..Hubside::default()
            },
            tokens_from: self.tokens_from.clone(),
            address: address.and_then(|text| text.parse().ok()),
            ..EngineSettings::default()
        }
    }

    /// How sessions are run.
    pub(crate) fn session(&self) -> core_plan::Settings {
        core_plan::Settings {
            tries: self.tries,
            reboots: match self.reboots {
                Reboots::Normal => RebootPolicy::Normal,
                Reboots::Suppress => RebootPolicy::Suppress,
                Reboots::Force => RebootPolicy::Force,
                Reboots::Prompt => RebootPolicy::Prompt,
            },
            no_answer: match self.no_answer {
                Unanswered::Suppress => NoAnswer::Suppress,
                Unanswered::Reboot => NoAnswer::Reboot,
                Unanswered::Fail => NoAnswer::Fail,
            },
            reboots_per_day: self.reboots_per_day,
            offline: match self.offline {
                Offline::Wait => WhenOffline::Wait,
                Offline::End => WhenOffline::End,
            },
            ..core_plan::Settings::default()
        }
    }

    /// How a session is run that says otherwise than the settings.
    pub(crate) fn session_as(&self, session: &Session) -> core_plan::Settings {
        let mut settings = self.session();
        if let Some(reboots) = session.reboots {
            settings.reboots = match reboots {
                RebootPreference::Normal => RebootPolicy::Normal,
                RebootPreference::Suppress => RebootPolicy::Suppress,
                RebootPreference::Force => RebootPolicy::Force,
                RebootPreference::Prompt => RebootPolicy::Prompt,
            };
        }
        if let Some(offline) = session.offline {
            settings.offline = match offline {
                OfflineBehaviour::Skip => WhenOffline::End,
                OfflineBehaviour::ApplyOnConnect => WhenOffline::Wait,
            };
        }
        settings
    }

    /// What becomes of what changed.
    pub(crate) fn on_change(&self) -> OnChange {
        match self.on_change {
            Changed::Replan => OnChange::Replan,
            Changed::Skip => OnChange::Skip,
        }
    }

    /// When people work, in a zone, and whether changes wait.
    pub(crate) fn hours(&self, zone: Tz) -> (Option<BusinessHours>, bool) {
        let Some(table) = &self.business_hours else { return (None, false) };
        let (from, until) = (DayTime::parse(&table.from), DayTime::parse(&table.until));
        // Both were looked at when the settings were read.
        let (Ok(from), Ok(until)) = (from, until) else { return (None, false) };
        let days = table.days.iter().map(|day| day.weekday()).collect();
        (Some(BusinessHours { from, until, days, zone }), table.changes_wait)
    }
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Day::Monday => Weekday::Mon,
            Day::Tuesday => Weekday::Tue,
            Day::Wednesday => Weekday::Wed,
            Day::Thursday => Weekday::Thu,
            Day::Friday => Weekday::Fri,
            Day::Saturday => Weekday::Sat,
            Day::Sunday => Weekday::Sun,
        }
    }
}

/// What no program can make sense of: times that are none, connections that there are not.
pub(super) fn wrong_values(root: &Node) -> Vec<Problem> {
    let mut problems = wrong_times(root);
    problems.extend(wrong_connections(root));
    problems
}

fn wrong_connections(root: &Node) -> Vec<Problem> {
    let named = root.get("maintenance").and_then(|table| table.get("tokens_from"));
    let tables = root.get("connection").map(Node::items).unwrap_or_default();
    let known: Vec<&str> =
        tables.iter().filter_map(|table| table.get("name").and_then(Node::text)).collect();
    let unknown = |node: &&Node| node.text().is_some_and(|name| !known.contains(&name));
    named
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter(unknown)
        .map(|node| {
            let why = format!("there is no connection `{}`", node.text().unwrap_or_default());
            let help = match known.as_slice() {
                [] => "no connection is configured yet".to_owned(),
                known => format!("there are: {}", known.join(", ")),
            };
            Problem::new(node.span.clone(), why).label("no connection").help(help)
        })
        .collect()
}

fn wrong_times(root: &Node) -> Vec<Problem> {
    let hours = root.get("maintenance").and_then(|table| table.get("business_hours"));
    let Some(hours) = hours else { return Vec::new() };
    let times = ["from", "until"].into_iter().filter_map(|key| hours.get(key));
    times
        .filter_map(|node| {
            let why = DayTime::parse(node.text()?).err()?;
            let help = "hours and minutes, by the clock of each tenant";
            Some(Problem::new(node.span.clone(), why).label("no time of day").help(help))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_what_sessions_go_by_anyway() {
        let table = MaintenanceTable::default();
        assert_eq!(table.session(), core_plan::Settings::default());
        assert_eq!(table.on_change(), OnChange::default());
        assert!(!table.onboarding);
        assert!(table.engine(None).is_none(), "nobody changes a computer by default");
        let settings = table.engine_settings(Some("https://hub.example/linchpin"));
        let address = settings.address.unwrap().join("runs/1/secrets").unwrap();
        assert_eq!(address.as_str(), "https://hub.example/linchpin/runs/1/secrets");
    }
}
