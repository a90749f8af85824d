//! A process that syncs once, to be killed by a test: reads an [`Order`] from the file that it is
//! given, reads everything, asks the machines, and ends with 0 where every stream was read to its
//! end, else with 3.

use std::process::ExitCode;

use anyhow::{Context, Result};
use core_model::run::Outcome;
use core_store::Store;
use core_sync::{Clock, Hub};
use tests::order::Order;
use tests::{connections_of, rules_of, sync_all};

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<ExitCode> {
    let path = std::env::args().nth(1).context("which order? give the path of its file")?;
    let order = Order::read(path.as_ref())?;
    let store = Store::open(&order.database).await?;
    let settings = order.settings()?;
    let kinds: Vec<&str> = settings.keys().copied().collect();
    let connections = connections_of(&settings, &kinds)?;
    let hub = Hub::new(store, connections, rules_of(order.splits), Clock::system());
    let runs = sync_all(&hub).await?;
    let whole = |outcome| matches!(outcome, Outcome::Complete | Outcome::Skipped);
    let fine = runs.iter().all(|run| whole(run.outcome));
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::from(3) })
}
