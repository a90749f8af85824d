//! Arguments of `linchpin schedule`.

use clap::{Args, Subcommand};

/// `linchpin schedule`.
#[derive(Debug, Args)]
pub(crate) struct ScheduleArgs {
    #[command(subcommand)]
    pub(crate) action: Option<ScheduleAction>,
}

/// What is done about schedules; without it they are listed.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ScheduleAction {
    /// List them: for whom, when, when next
    List,
    /// Show one in full: for how many it is, what is wrong with it, what comes and what came of it
    Show {
        /// Its name or id
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// List when they are due next
    Next(ScheduleNextArgs),
    /// Run one out of turn: a session for everybody in its target, now
    Run(ScheduleRunArgs),
    /// Switch one on: it is due from now on
    Enable(ScheduleSwitchArgs),
    /// Switch one off; what waits of it stays
    Disable(ScheduleSwitchArgs),
    /// Take back what waits of one
    Cancel(ScheduleCancelArgs),
}

/// `linchpin schedule next`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScheduleNextArgs {
    /// Only this one: its name or id
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// So many at the most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) count: u32,
    /// Up to the end of this day, in the hub's zone; a year where it is left out
    #[arg(long, value_name = "DATE")]
    pub(crate) until: Option<String>,
}

/// `linchpin schedule run`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScheduleRunArgs {
    /// Its name or id
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Only look, and say what would be done
    #[arg(long)]
    pub(crate) detect_only: bool,
    /// Who has it run; whoever is logged on where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// `linchpin schedule enable` and `disable`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScheduleSwitchArgs {
    /// Its name or id
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Who switches it; whoever is logged on where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// `linchpin schedule cancel`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ScheduleCancelArgs {
    /// Its name or id
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Those too that an engine is at; it hears of it with its next word
    #[arg(long)]
    pub(crate) running: bool,
    /// Who takes them back; whoever is logged on where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}
