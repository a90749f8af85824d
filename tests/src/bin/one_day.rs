//! A day of a daemon in fast-forward, in a process of its own, to be killed by a test: reads an [`Order`]
//! from the file that it is given, and works from one instant to another; or by the time of whoever conducts
//! several of them, and then looks after what systems send, too.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use core_daemon::{Daemon, Desk, Inbox, Order as Told, Site, Timer};
use core_model::queue::QueueRules;
use core_store::Store;
use core_sync::{Clock, Hub};
use tests::dates::Dates;
use tests::fast_forward::FastForward;
use tests::order::Order;
use tests::shared_time::SharedTime;
use tests::{connections_of, plan, rules_of};
use tokio::sync::{Notify, mpsc, watch};

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.as_slice() {
        [_, path, from, until] => {
            let (from, until): (DateTime<Utc>, DateTime<Utc>) = (from.parse()?, until.parse()?);
            let time = Arc::new(FastForward::new(from, until));
            let site = site(path, time.clock()).await?;
            let (orders, running) = start(site, Arc::clone(&time) as _).await?;
            time.over().await;
            orders.send(Told::Stop).await?;
            running.await?
        }
        [_, path, conductor] => {
            let time = SharedTime::join(conductor).await?;
            let site = site(path, time.clock()).await?;
            let hub = Arc::clone(&site.hub);
            let (orders, running) = start(site, Arc::clone(&time) as _).await?;
            let working = tokio::spawn(work_off(hub, orders.clone(), Arc::clone(&time)));
            time.over().await;
            orders.send(Told::Stop).await?;
            let ended = running.await?;
            working.abort();
            ended
        }
        _ => anyhow::bail!("give the path of an order, and from when until when, or who conducts"),
    }
}

async fn site(path: &str, clock: Clock) -> Result<Site> {
    let order = Order::read(path.as_ref())?;
    let store = Store::open(&order.database).await?;
    let settings = order.settings()?;
    let kinds: Vec<&str> = settings.keys().copied().collect();
    let connections = connections_of(&settings, &kinds)?;
    let hub = Hub::new(store.clone(), connections, rules_of(order.splits), clock.clone());
    let edges = Dates { store, clock };
    Ok(Site {
        hub: Arc::new(hub),
        entries: plan::day(&kinds)?,
        parallel: 2,
        edges: Some(Arc::new(edges)),
    })
}

type Running = tokio::task::JoinHandle<Result<()>>;

async fn start(site: Site, time: Arc<dyn Timer>) -> Result<(mpsc::Sender<Told>, Running)> {
    let daemon = Daemon::start(site, time).await.context("starting")?;
    let (orders, inbox) = mpsc::channel(8);
    let running = tokio::spawn(async move { Ok(daemon.run(inbox).await?) });
    Ok((orders, running))
}

/// Works off what systems sent, while the time stands still.
async fn work_off(hub: Arc<Hub>, orders: mpsc::Sender<Told>, time: Arc<SharedTime>) {
    let notes = Some("https://hub.example".to_owned());
    let (_keep, desk) = watch::channel(Desk { hub, notes, queue: QueueRules::default() });
    let inbox = Inbox::new(desk, orders, Arc::new(Notify::new()));
    loop {
        time.hold().await;
        if let Err(error) = inbox.work().await {
            eprintln!("the inbox was not worked off: {error}");
        }
        time.free();
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}
