//! Arguments of the commands that read and write files of definitions.

use std::path::PathBuf;

use clap::Args;

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
    /// Yes, change as many winners as the plan says must be confirmed
    #[arg(long, value_name = "NUMBER")]
    pub(crate) confirm: Option<u64>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
    /// Who decides this; the user of this terminal where it is left out
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
