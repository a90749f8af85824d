//! Arguments of the commands that read systems or change what the hub holds.

use clap::Args;

/// `linchpin check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Only these connections; all where none is named
    #[arg(value_name = "CONNECTION")]
    pub(crate) connections: Vec<String>,
}

/// `linchpin sync`.
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    /// Only these connections; all where none is named
    #[arg(value_name = "CONNECTION")]
    pub(crate) connections: Vec<String>,
    /// Only this stream (`users`, `computers`; `linchpin connectors` lists them)
    #[arg(long, value_name = "STREAM")]
    pub(crate) stream: Option<String>,
    /// Read everything, also where asking for the changes would do
    #[arg(long)]
    pub(crate) full: bool,
    /// Read everything, write nothing, and print what a real run would change
    #[arg(long, conflicts_with_all = ["accept_deletions", "no_ask"])]
    pub(crate) dry_run: bool,
    /// Apply the deletions that the guard holds back
    #[arg(long)]
    pub(crate) accept_deletions: bool,
    /// Ask no machine who it is and who is logged on
    #[arg(long)]
    pub(crate) no_ask: bool,
}

/// `linchpin link`.
#[derive(Debug, Args)]
pub(crate) struct LinkArgs {
    /// The client: `CONNECTION:KEY`, `CONNECTION:NAME`, or its id (`cli_…`)
    #[arg(value_name = "CLIENT")]
    pub(crate) client: String,
    /// The tenant: its id (`ten_…`) or name; `none` keeps the client unlinked
    #[arg(value_name = "TENANT")]
    pub(crate) tenant: String,
    /// Who decided; the user of this terminal where it is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// `linchpin decide`.
#[derive(Debug, Args)]
pub(crate) struct DecideArgs {
    /// The question's id, as `linchpin list decisions` shows it
    #[arg(value_name = "ID")]
    pub(crate) id: String,
    /// One of the choices that the question offers
    #[arg(value_name = "CHOICE")]
    pub(crate) choice: String,
    /// Who decided; the user of this terminal where it is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// `linchpin pin`.
#[derive(Debug, Args)]
pub(crate) struct PinArgs {
    /// The computer: its id (`cmp_…`) or name
    #[arg(value_name = "COMPUTER")]
    pub(crate) computer: String,
    /// The person: id (`per_…`), name or UPN; `nobody` where it is nobody's; `auto` leaves it to the
    /// logons
    #[arg(value_name = "PERSON")]
    pub(crate) person: String,
    /// Who decided; the user of this terminal where it is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) by: Option<String>,
}

/// `linchpin rebuild`.
#[derive(Debug, Args)]
pub(crate) struct RebuildArgs {
    /// Change nothing: derive the model beside the one that is there, and print the differences
    #[arg(long)]
    pub(crate) verify: bool,
}
