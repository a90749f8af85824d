//! A daemon in a process of its own, to be killed by a test: reads an [`Order`] from the file that it is
//! given, does what is due since ever (everything is read, then machines are asked), and ends when
//! nothing more is planned for this hour. A second argument says how many connections it works on at
//! once; a third one, `quiet`, that no machine is asked.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{TimeDelta, Utc};
use core_daemon::{Daemon, Health, Order as Told, Site, SystemTimer, Work};
use core_store::{Planned, Store};
use core_sync::{Clock, Hub};
use tests::order::Order;
use tests::plan::entry;
use tests::{connections_of, rules_of};
use tokio::sync::mpsc;

/// Comes once a year, and not while a test runs.
const YEARLY: &str = "0 0 1 1 *";

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().collect();
    let path = arguments.get(1).context("which order? give the path of its file")?;
    let parallel = arguments.get(2).context("how many at once?")?.parse()?;
    let asks = arguments.get(3).is_none_or(|word| word != "quiet");
    let order = Order::read(path.as_ref())?;
    let store = Store::open(&order.database).await?;
    let settings = order.settings()?;
    let kinds: Vec<&str> = settings.keys().copied().collect();
    let mut entries = Vec::new();
    let mut missed = Vec::new();
    for kind in &kinds {
        entries.push(entry(kind, Work::Incremental, YEARLY, chrono_tz::UTC, 0)?);
        if asks && ["cw-automate", "cw-control"].contains(kind) {
            let collect = entry(kind, Work::Collect, YEARLY, chrono_tz::UTC, 0)?;
            // As if it was missed, so that it comes now and not next year.
            missed.push(Planned { name: collect.name(), spec: collect.spec(), handled_us: 1 });
            entries.push(collect);
        }
    }
    store.plan(&missed).await?;
    let connections = connections_of(&settings, &kinds)?;
    let hub = Arc::new(Hub::new(store, connections, rules_of(order.splits), Clock::system()));
    let site = Site { hub, entries, parallel, edges: None };
    let timer = Arc::new(SystemTimer::new(Clock::system()));
    let daemon = Daemon::start(site, timer).await?;
    let (orders, inbox) = mpsc::channel(1);
    let health = daemon.health();
    let watching = tokio::spawn(async move {
        while !is_done(&health).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        orders.send(Told::Stop).await
    });
    daemon.run(inbox).await?;
    watching.await??;
    Ok(ExitCode::SUCCESS)
}

async fn is_done(health: &Health) -> bool {
    let report = health.report().await;
    let soon = Utc::now() + TimeDelta::hours(1);
    report.ready
        && report.running.is_empty()
        && !report.next.is_empty()
        && report.next.iter().all(|next| next.at > soon)
}
