//! Arguments of `linchpin sessions`.

use clap::{Args, Subcommand, ValueEnum};
use core_model::session::{SessionKind, SessionState};

/// `linchpin sessions`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SessionsArgs {
    #[command(subcommand)]
    pub(crate) action: Option<SessionsAction>,
    /// Only those in this state
    #[arg(long, value_name = "STATE", value_enum)]
    pub(crate) state: Option<StateWord>,
    /// Only those of this kind
    #[arg(long, value_name = "KIND", value_enum)]
    pub(crate) kind: Option<KindWord>,
    /// Only this tenant's: its id or name
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// Only those that were asked for in this batch
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// Only those of this schedule, by its name
    #[arg(long, value_name = "SCHEDULE")]
    pub(crate) schedule: Option<String>,
    /// At most so many, the newest changes first
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
}

/// What is done about sessions; without it they are listed.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum SessionsAction {
    /// Show one in full
    Show {
        /// Its id, or the beginning of it
        #[arg(value_name = "ID")]
        id: String,
    },
    /// Take sessions back: one, or what waits of a tenant, of a batch, or of all
    Cancel(SessionsCancelArgs),
    /// Postpone one that waits for its time, as a whole
    Postpone(SessionsPostponeArgs),
    /// Have one that waits for its time go on at once
    Now(SessionsNowArgs),
    /// Bring a computer, a tenant or a person where it should be, and watch
    Run(SessionsRunArgs),
    /// Two sessions side by side: what each was made of, what it did, what differs
    Compare(SessionsCompareArgs),
    /// Watch one: what it does, line by line, until it is over
    Watch {
        /// Its id, or the beginning of it
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// `linchpin sessions compare`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SessionsCompareArgs {
    /// The session: its id, or the beginning of it
    #[arg(value_name = "SESSION")]
    pub(crate) session: String,
    /// The other one; left out, the one of the same subject before it
    #[arg(value_name = "OTHER")]
    pub(crate) other: Option<String>,
    /// Also what is the same in both
    #[arg(long)]
    pub(crate) all: bool,
}

/// `linchpin sessions postpone`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SessionsPostponeArgs {
    /// Its id, or the beginning of it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// By how much: an hour, four, or to the next night of its tenant
    #[arg(long, value_enum, value_name = "TIME", default_value_t = ByWord::Hour)]
    pub(crate) by: ByWord,
    /// However often it was, and beyond the deadline
    #[arg(long)]
    pub(crate) force: bool,
    /// Who postpones it; whoever is logged on where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) who: Option<String>,
}

/// `linchpin sessions now`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SessionsNowArgs {
    /// Its id, or the beginning of it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Who wants it so; whoever is logged on where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) who: Option<String>,
}

/// By how much a session is postponed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ByWord {
    #[value(name = "1h")]
    Hour,
    #[value(name = "4h")]
    FourHours,
    #[value(name = "night")]
    Night,
}

/// `linchpin sessions run`.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true))]
pub(crate) struct SessionsRunArgs {
    /// The computer: its id or name
    #[arg(value_name = "COMPUTER", group = "whom")]
    pub(crate) computer: Option<String>,
    /// A tenant instead: its id or name
    #[arg(long, value_name = "TENANT", group = "whom")]
    pub(crate) tenant: Option<String>,
    /// A person instead: their id, UPN or name
    #[arg(long, value_name = "PERSON", group = "whom")]
    pub(crate) person: Option<String>,
    /// Only this software or task, with what must be so before it
    #[arg(long, value_name = "ITEM")]
    pub(crate) item: Option<String>,
    /// Which instance of the item
    #[arg(long, value_name = "INSTANCE", requires = "item")]
    pub(crate) instance: Option<String>,
    /// Mend the item, though nothing says that it does not work
    #[arg(long, requires = "item")]
    pub(crate) repair: bool,
    /// Only look, and say what would be done
    #[arg(long, conflicts_with = "repair")]
    pub(crate) detect_only: bool,
    /// As a new computer: what is for onboarding first
    #[arg(long, conflicts_with_all = ["item", "detect_only", "again", "tenant", "person"])]
    pub(crate) onboarding: bool,
    /// Who will use it, by UPN: its primary person before anything else is done
    #[arg(long, value_name = "UPN", requires = "onboarding")]
    pub(crate) primary_person: Option<String>,
    /// What it is to be called: given to tasks that take a parameter `computer_name`
    #[arg(long, value_name = "NAME", requires = "onboarding")]
    pub(crate) computer_name: Option<String>,
    /// What failed in this session, once more
    #[arg(long, value_name = "SESSION", conflicts_with_all = ["item", "detect_only"])]
    pub(crate) again: Option<String>,
    /// Ask for it, and do not wait
    #[arg(long)]
    pub(crate) no_wait: bool,
    /// Who asks; whoever is logged on where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// `linchpin actions`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ActionsArgs {
    /// Only this tenant's: its id or name
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// Only this computer's: its id or name
    #[arg(long, value_name = "COMPUTER")]
    pub(crate) computer: Option<String>,
    /// Only those of this session: its id, or the beginning of it
    #[arg(long, value_name = "SESSION")]
    pub(crate) session: Option<String>,
    /// Only those about this software or task
    #[arg(long, value_name = "ITEM")]
    pub(crate) item: Option<String>,
    /// Only with this result
    #[arg(long, value_name = "RESULT", value_parser = ["compliant", "non_compliant", "recorded", "failed", "blocked", "skipped", "deferred", "held", "pending"])]
    pub(crate) result: Option<String>,
    /// What is not as it should be, grouped by cause over all computers
    #[arg(long, conflicts_with = "result")]
    pub(crate) failures: bool,
    /// At most so many, the newest first
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,
}

/// `linchpin sessions cancel`.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true))]
pub(crate) struct SessionsCancelArgs {
    /// The session's id, or the beginning of it
    #[arg(value_name = "ID", group = "which", conflicts_with_all = ["tenant", "group", "all_waiting", "running"])]
    pub(crate) id: Option<String>,
    /// This tenant's: its id or name
    #[arg(long, value_name = "TENANT", group = "which")]
    pub(crate) tenant: Option<String>,
    /// Those that were asked for in this batch
    #[arg(long, value_name = "GROUP", group = "which")]
    pub(crate) group: Option<String>,
    /// Everything that waits
    #[arg(long, group = "which", conflicts_with_all = ["tenant", "group"])]
    pub(crate) all_waiting: bool,
    /// Those too that an engine is at; it hears of it with its next word
    #[arg(long)]
    pub(crate) running: bool,
    /// Who takes them back; whoever is logged on where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// A session's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StateWord {
    Waiting,
    Running,
    Succeeded,
    Failed,
    Cancelled,
    Expired,
}

/// A session's kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindWord {
    AdHoc,
    Onboarding,
    Scheduled,
}

impl From<StateWord> for SessionState {
    fn from(word: StateWord) -> Self {
        match word {
            StateWord::Waiting => Self::Waiting,
            StateWord::Running => Self::Running,
            StateWord::Succeeded => Self::Succeeded,
            StateWord::Failed => Self::Failed,
            StateWord::Cancelled => Self::Cancelled,
            StateWord::Expired => Self::Expired,
        }
    }
}

impl From<KindWord> for SessionKind {
    fn from(word: KindWord) -> Self {
        match word {
            KindWord::AdHoc => Self::AdHoc,
            KindWord::Onboarding => Self::Onboarding,
            KindWord::Scheduled => Self::Scheduled,
        }
    }
}
