//! `linchpin demo`: the whole product on an imaginary MSP, and how right it is.
//!
//! The four vendor systems are served by this process over HTTP; the hub is connected to them by a
//! settings file as an admin would write it, reads them, asks the machines, and its model is
//! compared with the truth that only the estate knows.

use std::sync::Arc;
use std::time::Instant;

use core_model::run::Outcome;
use core_store::Store;
use core_sync::{Clock, Connection, Hub, Progress, SyncOptions, Trigger};
use mocks::server::{Mocks, Running, ServeConfig};
use mocks::world::Options;

use crate::cli::{DemoArgs, Global};
use crate::connectors;
use crate::failure::{Exit, Failure};
use crate::output;

mod estate;
mod report;

use report::Report;

pub(crate) async fn run(global: &Global, args: &DemoArgs) -> Result<Exit, Failure> {
    if args.computers == 0 {
        return Err(Failure::usage("`--computers 0`: there is nothing to show without computers"));
    }
    let folder = estate::folder()?;
    let started = Instant::now();
    output::error_line(&format!(
        "Making an imaginary MSP of {} computers (seed {}) …",
        output::thousands(args.computers as u64),
        args.seed
    ));
    let running = serve(args).await?;
    let hub = connect(global, &running, &folder).await?;
    let report = read(&hub, &running, started).await?;
    if global.json {
        output::json(&report);
    } else {
        report.print();
    }
    let exit = exit(&report);
    if !args.once {
        serve_on(&folder).await?;
    }
    running.stop().await;
    Ok(exit)
}

async fn serve(args: &DemoArgs) -> Result<Running, Failure> {
    let options = Options { computers: args.computers, seed: args.seed, ..Options::default() };
    // Making a large estate is a second of pure computing: not on a thread that serves.
    let world = tokio::task::spawn_blocking(move || mocks::generate::generate(&options))
        .await
        .map_err(|error| Failure::failed(format!("the estate could not be made: {error}")))?;
    Ok(Mocks::start(world, ServeConfig::default()).await?)
}

/// Writes the settings that an admin would write, and opens a hub with them.
async fn connect(
    global: &Global,
    running: &Running,
    folder: &estate::Folder,
) -> Result<Hub, Failure> {
    estate::write_settings(running, folder)?;
    let settings = estate::rules(running);
    let registry = connectors::registry();
    let mut connections = Vec::new();
    for (kind, values) in estate::connections(running) {
        let connector = registry.kind(kind)?.build(values)?;
        connections.push(Connection { name: kind.to_owned(), kind: kind.to_owned(), connector });
    }
    let store = Store::open(&folder.database()).await?;
    let progress: Arc<dyn Progress> = crate::progress::watch(global.json);
    Ok(Hub::new(store, connections, settings, Clock::system()).watched(progress))
}

async fn read(hub: &Hub, running: &Running, started: Instant) -> Result<Report, Failure> {
    let options = SyncOptions { trigger: Trigger::Demo, ..SyncOptions::default() };
    let runs = hub.sync(&[], &options).await?;
    let asked = hub.collect().await?;
    Report::make(hub, running, runs, asked, started.elapsed()).await
}

fn exit(report: &Report) -> Exit {
    let fine = |outcome| matches!(outcome, Outcome::Complete | Outcome::Skipped);
    let failed = report.runs.iter().filter(|run| !fine(run.outcome)).count();
    match failed {
        0 => Exit::Ok,
        some if some == report.runs.len() => Exit::Failed,
        _ => Exit::Partly,
    }
}

/// Leaves everything running, for whoever wants to look around.
async fn serve_on(folder: &estate::Folder) -> Result<(), Failure> {
    output::error_line(&format!(
        "\nThe imaginary MSP goes on. Look around in another terminal:\n\
         \x20 cd {}\n\
         \x20 linchpin status\n\
         \x20 linchpin list computers\n\
         \x20 linchpin sync\n\
         The settings of its hub are in that folder. Ctrl-C ends it and removes the folder.",
        folder.path().display()
    ));
    super::mocks::stopped().await
}
