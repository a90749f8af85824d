//! Arguments of the commands that go on until they are stopped.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `linchpin serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// How the log on standard error looks: `text` for people, `json` for one object per line
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = LogFormat::Text)]
    pub(crate) log: LogFormat,
}

/// How a log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// `linchpin demo`.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many machines the imaginary MSP looks after
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub(crate) computers: usize,
    /// Seed of everything random; another seed is another MSP
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// End after the summary instead of serving on
    #[arg(long)]
    pub(crate) once: bool,
}

/// `linchpin mocks`.
#[derive(Debug, Args)]
#[command(next_line_help = false)]
pub(crate) struct MocksArgs {
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub(crate) bind: IpAddr,
    /// First of five ports in a row (Azure AD, Automate, Control, HaloPSA, the estate's own API);
    /// 0 for any free ones
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub(crate) port: u16,
    /// Port of one face, `azure-ad=8443`; also `cw-automate`, `cw-control`, `halopsa`, `estate`
    #[arg(long = "face-port", value_name = "FACE=PORT")]
    pub(crate) face_ports: Vec<String>,
    /// Speak TLS with a self-signed certificate; it is in the document that is printed
    #[arg(long)]
    pub(crate) tls: bool,
    /// Write that certificate to this file too (PEM), to be trusted by a client
    #[arg(long, value_name = "PATH", requires = "tls")]
    pub(crate) certificate_file: Option<PathBuf>,
    /// Address under which a face is reached from outside, `halopsa=https://halo.example.com`; or
    /// one without a face, to which each face's port is added
    #[arg(long, value_name = "[FACE=]URL")]
    pub(crate) public_url: Vec<String>,
    /// Seed of everything random
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many machines
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub(crate) computers: usize,
    /// How many directory users; about 1.1 per machine where it is left out
    #[arg(long, value_name = "N")]
    pub(crate) persons: Option<usize>,
    /// How many tenants; one per 40 machines where it is left out
    #[arg(long, value_name = "N")]
    pub(crate) tenants: Option<usize>,
}
