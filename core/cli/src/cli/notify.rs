//! Arguments of `linchpin notify`, and of `linchpin mail preview`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `linchpin notify`.
#[derive(Clone, Debug, Args)]
pub(crate) struct NotifyArgs {
    /// The computer: its id (`cmp_…`) or name
    #[arg(value_name = "COMPUTER")]
    pub(crate) computer: String,
    #[command(subcommand)]
    pub(crate) action: Option<NotifyAction>,
}

/// Who is told; without it they are listed.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum NotifyAction {
    /// Have somebody told of its sessions, too
    Add(NotifiedArgs),
    /// Have somebody told of them no more
    Remove(NotifiedArgs),
}

/// Somebody who is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct NotifiedArgs {
    /// The person: id (`per_…`), name or UPN
    #[arg(value_name = "PERSON")]
    pub(crate) person: String,
    /// Who says so; whoever is logged on where it is left out
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

/// `linchpin mail preview`.
#[derive(Clone, Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
pub(crate) struct MailPreviewArgs {
    /// The session's id, or the beginning of it
    #[arg(value_name = "SESSION")]
    pub(crate) session: String,
    /// What will be done
    #[arg(long, group = "which")]
    pub(crate) before: bool,
    /// What was done
    #[arg(long, group = "which")]
    pub(crate) after: bool,
    /// As text, instead of HTML
    #[arg(long)]
    pub(crate) text: bool,
    /// As it looks on this day of the tenant: `2026-12-24`; today where it is left out
    #[arg(long, value_name = "DAY")]
    pub(crate) on: Option<chrono::NaiveDate>,
    /// Write it into this file, instead of printing it
    #[arg(long, value_name = "PATH")]
    pub(crate) out: Option<PathBuf>,
}
