//! Arguments of `linchpin push`.

use clap::{Args, Subcommand};

/// `linchpin push`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct PushArgs {
    #[command(subcommand)]
    pub(crate) action: Option<PushAction>,
    /// Only these connections; all that opted in where none is named
    #[arg(value_name = "CONNECTION")]
    pub(crate) connections: Vec<String>,
    /// Read and compare, write nothing, and print each difference
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Look at every object, also where nothing changed here: finds what others changed there
    #[arg(long)]
    pub(crate) full: bool,
}

/// What to do with what is open.
#[derive(Debug, Subcommand)]
pub(crate) enum PushAction {
    /// What failed: what is tried again and when, and what is not any more (dead letters)
    Failures,
    /// What somebody else changed since the hub wrote it: the hub yields
    Conflicts,
    /// Try what failed again, dead letters too
    Retry(PushRetryArgs),
    /// Let the hub write an object once more, over what somebody else put there
    Overrule {
        /// The connection
        #[arg(value_name = "CONNECTION")]
        connection: String,
        /// The object's key, as `linchpin push conflicts` shows it
        #[arg(value_name = "OBJECT")]
        object: String,
    },
}

/// `linchpin push retry`.
#[derive(Debug, Args)]
pub(crate) struct PushRetryArgs {
    /// Only of these connections; of all where none is named
    #[arg(value_name = "CONNECTION")]
    pub(crate) connections: Vec<String>,
    /// Only of this computer, by its id or name
    #[arg(long, value_name = "COMPUTER")]
    pub(crate) computer: Option<String>,
}
