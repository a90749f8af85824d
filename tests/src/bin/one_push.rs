//! A process that pushes once, to be killed by a test: reads an [`Order`] from the file that it is
//! given, writes back what the hub knows, and ends with 0 where everything came out, else with 3.

use std::process::ExitCode;

use anyhow::{Context, Result};
use core_store::Store;
use core_sync::{Clock, Hub, PushOptions};
use tests::order::Order;
use tests::{connections_of, rules_of};

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<ExitCode> {
    let path = std::env::args().nth(1).context("which order? give the path of its file")?;
    let order = Order::read(path.as_ref())?;
    let store = Store::open(&order.database).await?;
    let settings = order.settings()?;
    let kinds: Vec<&str> = settings.keys().copied().collect();
    let connections = connections_of(&settings, &kinds)?;
    let hub = Hub::new(store, connections, rules_of(order.splits), Clock::system());
    let reports = hub.push(&[], PushOptions::default()).await?;
    let fine = reports.iter().all(|report| report.ended.is_none() && !report.stopped);
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(3) })
}
