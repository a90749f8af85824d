//! A day of a daemon in fast-forward, in a process of its own, to be killed by a test: reads an [`Order`]
//! from the file that it is given, and works from one instant to another.

use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use core_daemon::{Daemon, Order as Told, Site};
use core_store::Store;
use core_sync::Hub;
use tests::dates::Dates;
use tests::fast_forward::FastForward;
use tests::order::Order;
use tests::{connections_of, plan, rules_of};
use tokio::sync::mpsc;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, path, from, until] = arguments.as_slice() else {
        anyhow::bail!("give the path of an order, and from when until when");
    };
    let (from, until): (DateTime<Utc>, DateTime<Utc>) = (from.parse()?, until.parse()?);
    let order = Order::read(path.as_ref())?;
    let store = Store::open(&order.database).await?;
    let settings = order.settings()?;
    let kinds: Vec<&str> = settings.keys().copied().collect();
    let time = Arc::new(FastForward::new(from, until));
    let connections = connections_of(&settings, &kinds)?;
    let hub = Hub::new(store.clone(), connections, rules_of(order.splits), time.clock());
    let edges = Dates { store, clock: time.clock() };
    let site = Site {
        hub: Arc::new(hub),
        entries: plan::day(&kinds)?,
        parallel: 2,
        edges: Some(Arc::new(edges)),
    };
    let daemon = Daemon::start(site, time.clone()).await.context("starting")?;
    let (orders, inbox) = mpsc::channel(1);
    let running = tokio::spawn(daemon.run(inbox));
    time.over().await;
    orders.send(Told::Stop).await?;
    running.await??;
    Ok(())
}
