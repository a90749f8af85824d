//! The `linchpin` program: one hub for the systems that a managed service provider already runs.
//!
//! Here is only what every command needs: arguments, the log on standard error, the dispatch and
//! the exit code. Commands put data on standard output and nothing else; what goes wrong is said
//! on standard error, with what to do about it.

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::cli::{AgentAction, Cli, Command, LogFormat};
use crate::failure::{Exit, Failure};
use crate::traces::Traces;

mod agenda;
mod cli;
mod commands;
mod config;
mod connectors;
mod context;
mod failure;
mod foreman;
mod live;
mod mail;
mod notify;
mod output;
mod progress;
mod traces;
mod world;

/// The crates whose log is the user's.
const LOGGED: [&str; 19] = [
    "linchpin",
    "core_callback",
    "core_daemon",
    "core_derive",
    "core_engine",
    "core_http",
    "core_maintenance",
    "core_resolve",
    "core_runner",
    "core_runner_hub",
    "core_server",
    "core_snapshot",
    "core_store",
    "core_sync",
    "connector_azure_ad",
    "connector_cw_automate",
    "connector_cw_control",
    "connector_halopsa",
    "mocks",
];

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let json = cli.global.json;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::io("starting the program's threads", &error).report(json),
    };
    let traces = runtime.block_on(Traces::of(&cli));
    log_to_stderr(&cli, traces.as_ref().ok().and_then(Option::as_ref));
    if let Err(failure) = &traces {
        tracing::error!(why = failure.in_full(), "no traces are sent");
    }
    let ended = runtime.block_on(commands::run(&cli));
    if let Ok(Some(traces)) = traces {
        traces.end();
    }
    // A machine that is still being asked must not keep a program that has its answer.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => failure.report(json),
    }
}

/// Help and version are answers; everything else is a mistake in the arguments.
fn usage(error: &clap::Error) -> ExitCode {
    // Where nobody listens any more, there is nobody to tell.
    error.print().unwrap_or_default();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Ok.into(),
        _ => Exit::Usage.into(),
    }
}

/// The log, and beside it the traces. Without them the log alone decides what is looked at.
fn log_to_stderr(cli: &Cli, traces: Option<&Traces>) {
    // Of a service the log is all there is to see; of other commands it is what went wrong.
    let (least, format) = match &cli.command {
        Command::Serve(args) => (1, args.log),
        Command::Agent { action: AgentAction::Run(args) } => (1, args.log),
        _ => (0, LogFormat::Text),
    };
    let level = match cli.global.verbose.saturating_add(least) {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let ours = LOGGED.map(|name| format!("{name}={level}")).join(",");
    // Statements of the database that take long hold a service up; a command's own may take what they take.
    let slow = if least > 0 { ",sqlx::query=warn" } else { "" };
    let filter = EnvFilter::try_from_env("LINCHPIN_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("error,{ours}{slow}")));
    let colours = output::draws_progress() && std::env::var_os("NO_COLOR").is_none();
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log: Box<dyn Layer<Registry> + Send + Sync> = match format {
        LogFormat::Text => log.with_ansi(colours).boxed(),
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let all = tracing_subscriber::registry();
    match traces {
        None => all.with(log).with(filter).init(),
        Some(traces) => all.with(log.with_filter(filter)).with(traces.layer()).init(),
    }
}
