//! `linchpin serve`: the daemon with settings, signals, systemd and a port around it.

use std::net::SocketAddr;
use std::sync::Arc;

use core_daemon::{Daemon, RunLog, Site, SystemTimer};
use core_server::Api;
use core_sync::Clock;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::cli::{Global, ServeArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};

mod answers;
mod dates;
mod desk;
mod signals;
mod systemd;

use self::answers::OfSettings;
use self::dates::Dates;
use self::desk::Desk;

pub(crate) async fn run(global: &Global, _args: &ServeArgs) -> Result<Exit, Failure> {
    let context = Arc::new(Context::open(global).await?.with_sign_in().await?);
    let timer = Arc::new(SystemTimer::new(Clock::system()));
    // The database first: who has it is the better answer than who has the port.
    let daemon = Daemon::start(site(&context)?, Arc::clone(&timer) as _).await?;
    let health = daemon.health();
    let (stop, stopped) = watch::channel(false);
    let (in_force, settings) = watch::channel(Arc::clone(&context));
    let (orders, inbox) = mpsc::channel(8);
    let answers = Arc::new(OfSettings { in_force: settings, orders: orders.clone() });
    let api = Api::new(context.store.clone(), Arc::clone(&health), timer, answers);
    let serving = serve(context.config.listen, api, stopped).await?;
    let desk = Desk::new(global.clone(), in_force, orders, Arc::clone(&health));
    let attending = tokio::spawn(desk.attend(signals::Signals::listen()?));
    let watchdog = tokio::spawn(systemd::answer_the_watchdog(health));
    systemd::ready();
    let ended = daemon.run(inbox).await;
    systemd::stopping();
    attending.abort();
    watchdog.abort();
    stop.send_replace(true);
    if let Some(serving) = serving {
        // Whoever keeps a connection open must not keep the program.
        drop(tokio::time::timeout(std::time::Duration::from_secs(2), serving).await);
    }
    context.store.close().await;
    ended?;
    Ok(Exit::Ok)
}

/// What the settings make of the daemon.
pub(super) fn site(context: &Arc<Context>) -> Result<Site, Failure> {
    Ok(Site {
        hub: Arc::new(context.hub_for(&[], Arc::new(RunLog))?),
        entries: context.config.entries.clone(),
        parallel: context.config.parallel,
        edges: Some(Arc::new(Dates::new(Arc::clone(context)))),
    })
}

/// Answers over HTTP, if it is to.
async fn serve(
    address: Option<SocketAddr>,
    api: Arc<Api>,
    mut stopped: watch::Receiver<bool>,
) -> Result<Option<JoinHandle<()>>, Failure> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::io(&format!("listening on {address}"), &error)
            .with_remedy("set another `listen` in [server], or \"off\"")
    })?;
    let address = listener.local_addr().unwrap_or(address);
    tracing::info!(%address, "answering /healthz, /readyz, /v1 and pages");
    Ok(Some(tokio::spawn(async move {
        let stop = async move {
            // An error is that nobody is left to say it.
            drop(stopped.wait_for(|stop| *stop).await);
        };
        if let Err(error) = core_server::serve(listener, api, stop).await {
            tracing::error!(%error, "the port answers no more");
        }
    })))
}
