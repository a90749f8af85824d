//! Arguments of `linchpin runners`, at the hub, and of `linchpin agent`, on a machine.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::LogFormat;

/// Where an agent keeps who it is and what it ran. On Windows nothing is between the folder and `%ProgramData%`, in
/// which anybody may make folders: whose the one between was could put another one into this one's place.
fn state() -> PathBuf {
    if cfg!(windows) {
        let data = std::env::var_os("ProgramData").filter(|data| !data.is_empty());
        Path::new(&data.unwrap_or_else(|| r"C:\ProgramData".into())).join("linchpin-agent")
    } else {
        PathBuf::from("/var/lib/linchpin-agent")
    }
}

/// `linchpin runners`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RunnersArgs {
    #[command(subcommand)]
    pub(crate) action: Option<RunnersAction>,
    /// The enrolment tokens, too
    #[arg(long)]
    pub(crate) tokens: bool,
}

/// What to do with runners.
#[derive(Debug, Subcommand)]
pub(crate) enum RunnersAction {
    /// Make an enrolment token; it is printed once, and only its digest is kept
    Token(RunnersTokenArgs),
    /// End an enrolment token; machines that enrolled with it stay runners
    Revoke(RunnersNamedArgs),
    /// Remove a runner: it gets no work any more, and its key opens nothing
    Remove(RunnersNamedArgs),
}

/// `linchpin runners token`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
pub(crate) struct RunnersTokenArgs {
    /// For machines of this tenant, by name or id
    #[arg(long, value_name = "TENANT", group = "whose")]
    pub(crate) tenant: Option<String>,
    /// For machines of a tenant that no other system knows: the runners make it
    #[arg(long, value_name = "NAME", group = "whose")]
    pub(crate) new_tenant: Option<String>,
    /// How many machines may enrol with it
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) uses: u32,
    /// After how many hours it ends
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=8760))]
    pub(crate) expires: u32,
    /// Who makes it; the user of this terminal where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// `linchpin runners remove` and `revoke`.
#[derive(Debug, Args)]
pub(crate) struct RunnersNamedArgs {
    /// Its id, as `linchpin runners` lists it, or enough of its beginning
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// Who does it; the user of this terminal where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// What to do as an agent.
#[derive(Debug, Subcommand)]
pub(crate) enum AgentAction {
    /// Make this machine a runner of a hub. The token comes by standard input, or from where the options
    /// say; never as an argument, which everybody on the machine could read
    Enrol(AgentEnrolArgs),
    /// Ask the hub for work and do it, until it is told to stop
    Run(AgentRunArgs),
}

/// `linchpin agent enrol`.
#[derive(Debug, Args)]
pub(crate) struct AgentEnrolArgs {
    /// The hub's address, like `https://hub.example.com`
    #[arg(value_name = "URL")]
    pub(crate) hub: String,
    /// Read the enrolment token from this file
    #[arg(long, value_name = "PATH")]
    pub(crate) token_file: Option<PathBuf>,
    /// Read the enrolment token from LINCHPIN_ENROLMENT_TOKEN in the environment
    #[arg(long, conflicts_with = "token_file")]
    pub(crate) token_env: bool,
    /// The folder of the agent; nobody else may write to it
    #[arg(long, value_name = "PATH", default_value_os_t = state())]
    pub(crate) state: PathBuf,
    /// Allow `http://` to another machine: the agent's key travels readable. For tests only
    #[arg(long)]
    pub(crate) allow_http: bool,
}

/// `linchpin agent run`.
#[derive(Debug, Args)]
pub(crate) struct AgentRunArgs {
    /// The folder of the agent
    #[arg(long, value_name = "PATH", default_value_os_t = state())]
    pub(crate) state: PathBuf,
    /// Commands that it has at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=16))]
    pub(crate) parallel: u32,
    /// Allow `http://` to another machine. For tests only
    #[arg(long)]
    pub(crate) allow_http: bool,
    /// How the log on standard error looks: `text` for people, `json` for one object per line
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log: LogFormat,
}
