//! Arguments of the commands that read and write files of definitions.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `linchpin plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// The folder of the library: every *.toml in it and below
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Keep the plan in this file, for `linchpin apply DIR --plan FILE`
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,
    /// What would become of the winners on this local day of each tenant, or at this instant
    #[arg(long, value_name = "DATE", conflicts_with = "save")]
    pub(crate) as_of: Option<String>,
}

/// `linchpin apply`.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// The folder of the library: every *.toml in it and below
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Only if this plan, kept by `linchpin plan --save`, is still what would happen
    #[arg(long, value_name = "FILE")]
    pub(crate) plan: Option<PathBuf>,
    /// Yes, change as many winners as the plan says must be confirmed. Where the settings want a
    /// second person for that, it waits as a request all the same
    #[arg(long, value_name = "NUMBER")]
    pub(crate) confirm: Option<u64>,
    /// Save nothing: have it wait as a request until somebody approves it, also within the budget
    #[arg(long, conflicts_with = "confirm")]
    pub(crate) propose: bool,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
    /// Who decides this; the user of this terminal where it is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// `linchpin requests`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct RequestsArgs {
    #[command(subcommand)]
    pub(crate) action: Option<RequestsAction>,
    /// Also those that were approved or rejected
    #[arg(long)]
    pub(crate) all: bool,
}

/// What to do with requests.
#[derive(Debug, Subcommand)]
pub(crate) enum RequestsAction {
    /// One in full: what it changes in definitions and in winners, and whether that is still so
    Show {
        /// Its number
        #[arg(value_name = "N")]
        number: i64,
    },
}

/// `linchpin approve`.
#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// The request's number, as `linchpin requests` shows it
    #[arg(value_name = "N")]
    pub(crate) number: i64,
    /// Yes, change as many winners as the request says must be confirmed
    #[arg(long, value_name = "NUMBER")]
    pub(crate) confirm: Option<u64>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
    /// Who approves; the user of this terminal where it is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// `linchpin reject`.
#[derive(Debug, Args)]
pub(crate) struct RejectArgs {
    /// The request's number, as `linchpin requests` shows it
    #[arg(value_name = "N")]
    pub(crate) number: i64,
    /// Why
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
    /// Who rejects; the user of this terminal where it is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// `linchpin export`.
#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// The folder to write into; it is made where there is none
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Also where the folder holds *.toml files; those of other names stay
    #[arg(long)]
    pub(crate) force: bool,
}
