//! `linchpin serve`: the daemon with settings, signals, systemd and a port around it.

use std::net::SocketAddr;
use std::sync::Arc;

use core_daemon::{
    Counted, Daemon, Endpoint, Inbox, JobWorker, MAIL, Mailer, Metrics, Notifier, Outbound, Reaper,
    Scheduler, Site, SystemTimer, Thinner, forget_endpoints_but, work_off_wal,
};
use core_engine::{Stop, Worker};
use core_server::Api;
use core_sync::{Clock, Hub};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;

use crate::agenda::ByLibrary;
use crate::cli::{Global, ServeArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::foreman::ByRules;
use crate::live::Kept;
use crate::notify::{self, ByMail};

mod answers;
mod dates;
mod desk;
mod jobs;
mod outside;
mod signals;
mod systemd;
mod technician;

use self::answers::OfSettings;
use self::dates::Dates;
use self::desk::{Desk, Told};
use self::jobs::Doing;
use self::outside::Way;
use self::technician::Tools;
use super::find;

/// How long the engine may take to put back what it has.
const PUT_BACK: std::time::Duration = std::time::Duration::from_secs(10);

/// Under which name the engine of this process has sessions; no other process has it.
pub(crate) fn engine_name() -> String {
    format!("hub/{:016x}", rand::random::<u64>())
}

pub(crate) async fn run(global: &Global, _args: &ServeArgs) -> Result<Exit, Failure> {
    let context = Arc::new(Context::open(global).await?.with_sign_in().await?);
    let timer = Arc::new(SystemTimer::new(Clock::system()));
    // The database first: who has it is the better answer than who has the port.
    let site = site(&context)?;
    let desk = desk_of(&context, &site);
    let daemon = Daemon::start(site, Arc::clone(&timer) as _).await?;
    let health = daemon.health();
    let (stop, stopped) = watch::channel(false);
    let (in_force, settings) = watch::channel(Arc::clone(&context));
    let (orders, inbox) = mpsc::channel(8);
    let (desks, told) = (watch::Sender::new(desk), Arc::new(Notify::new()));
    let kept = kept(&context, &desks);
    let tools = Arc::new(Tools::new(desks.subscribe(), settings.clone(), Arc::clone(&kept)));
    let asked = Arc::new(Notify::new());
    let jobs =
        JobWorker::new(desks.subscribe(), Arc::new(Doing(settings.clone())), Arc::clone(&asked));
    let answers = Arc::new(OfSettings {
        in_force: settings,
        desks: desks.subscribe(),
        orders: orders.clone(),
        jobs: asked,
        kept: Arc::clone(&kept),
    });
    let desk = front(tools, &told, &context);
    let api = Api::new(context.store.clone(), Arc::clone(&health), timer, answers, desk);
    let serving = serve(context.config.listen, api, stopped).await?;
    forget_others(&context).await;
    let endpoints = watch::Sender::new(endpoints_of(&context).await);
    let way = Arc::new(Way(in_force.subscribe()));
    let telling = Outbound::new(desks.subscribe(), endpoints.subscribe(), Arc::clone(&way) as _);
    let mailing = watch::Sender::new(context.config.mailing());
    let metrics = Arc::clone(&context.metrics);
    let notifier = notifier(&desks, &in_force, &kept);
    let mailer = Mailer::new(desks.subscribe(), mailing.subscribe(), way, Arc::clone(&metrics));
    let (engine, scheduling) = Engine::start((&desks, &in_force), kept, metrics);
    let mut tasks = vec![
        tokio::spawn(telling.run()),
        tokio::spawn(mailer.run()),
        tokio::spawn(notifier.run()),
        tokio::spawn(Inbox::new(desks.subscribe(), orders.clone(), told).run()),
        tokio::spawn(Reaper::new(desks.subscribe()).run()),
        tokio::spawn(Thinner::new(desks.subscribe()).run()),
        tokio::spawn(work_off_wal(context.store.clone())),
        tokio::spawn(jobs.run()),
        scheduling,
    ];
    let told = Told { desks, endpoints, mailing };
    let desk = Desk::new(global.clone(), in_force, told, orders, Arc::clone(&health));
    tasks.push(tokio::spawn(desk.attend(signals::Signals::listen()?)));
    tasks.push(tokio::spawn(systemd::answer_the_watchdog(health)));
    systemd::ready();
    let ended = daemon.run(inbox).await;
    systemd::stopping();
    engine.end().await;
    tasks.iter().for_each(JoinHandle::abort);
    end(serving, stop).await;
    context.store.close().await;
    ended?;
    Ok(Exit::Ok)
}

/// What is kept of the model, read at once where technicians will ask for it.
fn kept(context: &Arc<Context>, desks: &watch::Sender<core_daemon::Desk>) -> Arc<Kept> {
    let kept = Arc::new(Kept::default());
    if context.config.listen.is_some() && has_tickets(&desks.borrow().hub) {
        kept.warm_up(context);
    }
    kept
}

/// Tells people of sessions.
fn notifier(
    desks: &watch::Sender<core_daemon::Desk>,
    in_force: &watch::Sender<Arc<Context>>,
    kept: &Arc<Kept>,
) -> Notifier {
    let courier = Arc::new(ByMail::new(in_force.subscribe(), Arc::clone(kept)));
    let metrics = Arc::clone(&in_force.borrow().metrics);
    Notifier::new(desks.subscribe(), courier, metrics, &engine_name())
}

/// The built-in engine of this process.
struct Engine {
    stop: Stop,
    working: JoinHandle<()>,
}

impl Engine {
    /// Starts it, and whoever has schedules fire and new computers set up.
    fn start(
        (desks, in_force): (&watch::Sender<core_daemon::Desk>, &watch::Sender<Arc<Context>>),
        kept: Arc<Kept>,
        metrics: Arc<Metrics>,
    ) -> (Self, JoinHandle<()>) {
        let stop = Stop::default();
        let rules = ByRules::new(desks.subscribe(), in_force.subscribe(), Arc::clone(&kept), false);
        let foreman = Arc::new(rules);
        let worker = Worker::new(Arc::clone(&foreman) as _, &engine_name(), stop.clone());
        let agenda = Arc::new(ByLibrary::new(in_force.subscribe(), kept, foreman));
        let scheduler = Scheduler::new(desks.subscribe(), agenda, metrics);
        (Self { stop, working: tokio::spawn(worker.run()) }, tokio::spawn(scheduler.run()))
    }

    /// What it has goes back into the queue; what is under way on a computer is found again.
    async fn end(self) {
        self.stop.stop();
        drop(tokio::time::timeout(PUT_BACK, self.working).await);
    }
}

/// Ends whoever answers over HTTP.
async fn end(serving: Option<JoinHandle<()>>, stop: watch::Sender<bool>) {
    stop.send_replace(true);
    if let Some(serving) = serving {
        // Whoever keeps a connection open must not keep the program.
        drop(tokio::time::timeout(std::time::Duration::from_secs(2), serving).await);
    }
}

/// What the server has besides what it answers.
fn front(tools: Arc<Tools>, told: &Arc<Notify>, context: &Context) -> core_server::Desk {
    core_server::Desk {
        technician: Arc::clone(&tools) as _,
        understands: tools,
        came: Arc::clone(told),
        metrics: Arc::clone(&context.metrics),
    }
}

/// Whether tickets of a PSA are looked up.
fn has_tickets(hub: &Hub) -> bool {
    hub.connections.iter().any(|one| one.connector.tickets().is_some())
}

/// What the settings make of the daemon.
pub(super) fn site(context: &Arc<Context>) -> Result<Site, Failure> {
    if context.config.notification.enabled {
        // Templates and pictures are read now, so that what cannot be used is refused with the settings.
        context.config.notification()?;
    }
    Ok(Site {
        hub: Arc::new(context.hub_for(&[], Arc::new(Counted(Arc::clone(&context.metrics))))?),
        entries: context.config.entries.clone(),
        parallel: context.config.parallel,
        edges: Some(Arc::new(Dates::new(Arc::clone(context)))),
    })
}

/// What the settings make of whoever works off what systems send, and answers technicians. It is the
/// daemon's own hub: a connection signs in once, and has one budget of requests.
pub(super) fn desk_of(context: &Context, site: &Site) -> core_daemon::Desk {
    let notes =
        context.config.public_url().filter(|_| context.config.technician.note).map(str::to_owned);
    core_daemon::Desk { hub: Arc::clone(&site.hub), notes, queue: context.config.queue }
}

/// The same for an engine that somebody started by hand.
pub(crate) fn hand_desk(context: &Arc<Context>) -> Result<core_daemon::Desk, Failure> {
    Ok(desk_of(context, &site(context)?))
}

/// Where the hub tells of what happens. One whose secret is not there, or that names a tenant which is
/// not, is left out, and said.
pub(super) async fn endpoints_of(context: &Context) -> Vec<Endpoint> {
    match notify::nobodys(context).await {
        Ok(names) if names.is_empty() => {}
        Ok(names) => tracing::error!(?names, "[notification] names tenants that are not there"),
        Err(failure) => {
            tracing::warn!(%failure, "whether [notification] names tenants is not known")
        }
    }
    let (endpoints, wrong) = context.config.endpoints();
    for why in wrong {
        tracing::error!(why, "a webhook cannot be used");
    }
    let mut usable = Vec::new();
    for mut endpoint in endpoints {
        let named = endpoint.tenants.take();
        let tenants = match &named {
            Some(named) => find::tenants(&context.store, named).await.map(Some),
            None => Ok(None),
        };
        match tenants {
            Ok(tenants) => {
                endpoint.tenants = tenants.map(|all| find::ids(&all));
                usable.push(endpoint);
            }
            Err(failure) => {
                let (name, why) = (&endpoint.name, failure.in_full());
                tracing::error!(name, why, "a webhook cannot be used");
            }
        }
    }
    usable
}

/// Forgets what the store has of connections and endpoints that the settings have no more, so that what
/// comes back later begins anew. Where that fails, the next start does it.
pub(super) async fn forget_others(context: &Context) {
    let (config, store) = (&context.config, &context.store);
    let connections: Vec<&str> = config.connections.iter().map(|one| one.name.as_str()).collect();
    let mut endpoints: Vec<&str> = config.webhooks().iter().map(|one| one.name.as_str()).collect();
    endpoints.extend(config.mailing().map(|_| MAIL));
    if let Err(error) = store.forget_subscriptions_but(&connections).await {
        tracing::warn!(%error, "subscriptions of other connections are still known");
    }
    if let Err(error) = forget_endpoints_but(store, &endpoints).await {
        tracing::warn!(%error, "what was told to other endpoints is still known");
    }
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
    tracing::info!(%address, "answering /healthz, /readyz, /v1, /webhooks and pages");
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
