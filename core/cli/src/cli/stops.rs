//! Arguments of `linchpin stop`, `linchpin resume` and `linchpin stops`.

use clap::{Args, Subcommand};

/// `linchpin stop` and `linchpin resume`.
#[derive(Clone, Debug, Args)]
pub(crate) struct StopArgs {
    #[command(subcommand)]
    pub(crate) what: StopWhat,
    /// Why
    #[arg(long, value_name = "WHY", default_value = "", global = true)]
    pub(crate) reason: String,
    /// Who says so; whoever is logged on where it is left out
    #[arg(long, value_name = "WHO", global = true)]
    pub(crate) by: Option<String>,
}

/// What is stopped, or goes on.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum StopWhat {
    /// Nothing is changed for a deployment's sake; the rest of a session goes on
    Deployment {
        /// Its id or name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// The sessions of a schedule
    Schedule {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// The sessions of a tenant
    Tenant {
        /// Its id or name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Every session
    Everything,
}
