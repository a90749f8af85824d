//! A process that asks machines, to be killed by a test: reads an [`Order`] from the file that it is
//! given, asks those that are due a few at a time, and ends.

use std::process::ExitCode;

use anyhow::{Context, Result};
use core_store::Store;
use core_sync::{Clock, Hub};
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
    let mut rules = rules_of(order.splits);
    rules.collect.parallel = 12;
    let hub = Hub::new(store, connections, rules, Clock::system());
    hub.derive().await?;
    hub.collect().await?;
    Ok(ExitCode::SUCCESS)
}
