//! Arguments of the commands that only read what the hub holds.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::notify::MailPreviewArgs;

/// Which hub is asked.
#[derive(Clone, Debug, Args)]
pub(crate) struct AskArgs {
    /// Ask the hub that answers here over its API, instead of the database of the settings. Its token
    /// is in LINCHPIN_TOKEN, or in a file
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The file that holds a token of that hub, of all tenants and at least an operator's
    #[arg(long, value_name = "PATH", requires = "server")]
    pub(crate) token_file: Option<PathBuf>,
}

/// `linchpin runs`.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// The run to show in full, with its quarantine; the latest runs where it is left out
    #[arg(value_name = "ID")]
    pub(crate) id: Option<String>,
    /// How many of the latest runs
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub(crate) limit: usize,
}

/// `linchpin list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// What to list
    #[arg(value_name = "KIND", value_enum)]
    pub(crate) kind: ListKind,
    /// Only this tenant's: its id or name
    #[arg(long, value_name = "TENANT")]
    pub(crate) tenant: Option<String>,
    /// Only those whose name contains this
    #[arg(long, value_name = "TEXT")]
    pub(crate) name: Option<String>,
    /// Also those that are gone at their source
    #[arg(long)]
    pub(crate) gone: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) limit: usize,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListKind {
    /// Customers in the unified model
    Tenants,
    /// Customers as the connections name them
    Clients,
    /// People of the tenants
    Persons,
    /// Machines
    Computers,
    /// The connections' views of machines
    Agents,
    /// Contracts and their lines
    Agreements,
    /// Directory groups, and the connections' own
    Groups,
    /// Questions that wait for a human
    Decisions,
    /// Software that can be deployed
    Software,
    /// Tasks that can be deployed
    Tasks,
    /// Tags, and what carries them
    Tags,
    /// Who should have what
    Deployments,
    /// Golden cases
    Expectations,
}

/// `linchpin show`.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// What to show
    #[arg(value_name = "KIND", value_enum)]
    pub(crate) kind: ShowKind,
    /// Its id or name; of a person also the UPN
    #[arg(value_name = "ID-OR-NAME")]
    pub(crate) which: String,
}

/// What can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ShowKind {
    /// A machine: its agents, evidence, users and agreements
    Computer,
    /// A person: addresses, computers, groups
    Person,
    /// A tenant: clients, people, computers, agreements
    Tenant,
    /// A deployment: who should have what, members, problems, history
    Deployment,
    /// A piece of software: how it is found, its versions, scripts, prerequisites
    Software,
    /// A task: its scripts and parameters
    Task,
}

/// `linchpin mail`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct MailArgs {
    #[command(subcommand)]
    pub(crate) action: Option<MailAction>,
}

/// What is done about mail; without it, how it fares is shown.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum MailAction {
    /// Send a trial to everybody in `to` of [mail]
    Test,
    /// Write the mail about a session as its people get it, so that a brand and templates can be tried
    Preview(MailPreviewArgs),
}

/// `linchpin webhooks`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct WebhooksArgs {
    #[command(subcommand)]
    pub(crate) action: Option<WebhooksAction>,
}

/// What is done about webhooks; without it they are listed.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum WebhooksAction {
    /// Have one that was given up told again, from where it was
    Enable {
        /// Its name
        name: String,
    },
}

/// `linchpin deliveries`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct DeliveriesArgs {
    #[command(subcommand)]
    pub(crate) action: Option<DeliveriesAction>,
}

/// What is done about deliveries; without it they are listed.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum DeliveriesAction {
    /// Have what was given up tried again
    Retry,
}
