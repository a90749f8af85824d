//! A day in fast-forward, with everything at once: streams are read when they should be, at midnight of
//! three zones customers leave, what the hub knows arrives at the other systems. And the same day with a
//! daemon that is killed again and again, and with two of which one is.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use core_daemon::Site as Work;
use core_library::Library;
use core_model::entity::{EntityKind, Product};
use core_model::event::Event;
use core_model::id::SoftwareId;
use core_model::library::{Deployment, DesiredState, Software, Target};
use core_model::run::Outcome;
use core_store::{PushState, Store};
use core_sync::{Clock, Hub};
use mocks::world::{Options, World};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tempfile::TempDir;
use tests::dates::Dates;
use tests::fast_forward::FastForward;
use tests::order::Order;
use tests::plan;
use tests::{Estate, databases, splits};

use crate::daemon::{hours, late, read_at, run_through};
use crate::deployments::{ground, save};
use crate::push::{ALL, HALO, Site, ensure_fine, push, truth};
use crate::support::{both_databases, ensure_verified, seeds, with_world};

mod shared;

/// Where the customers are who leave.
const ZONES: [&str; 3] = ["Australia/Sydney", "Asia/Kathmandu", "America/Chicago"];
/// Kills of the day on each database.
const KILLS: usize = 8;

/// An estate in which three customers leave at one day's beginning, each by the clock on his wall.
struct Stage {
    site: Site,
    /// The tenants' numbers in the estate, in the order of their zones.
    leaving: Vec<usize>,
    item: i64,
    /// The local day on which they leave.
    day: NaiveDate,
}

impl Stage {
    async fn set(seed: u64) -> Result<Self> {
        let options = Options {
            computers: 200,
            tenants: Some(8),
            seed,
            command_latency_ms: (1, 5),
            ..Options::default()
        };
        let site = Site::over(Estate::serve(&options).await?)?;
        let day = Utc::now().date_naive() + Days::new(2);
        let lines = with_world(&site.estate, |world| {
            let lines = ground::lines(world, ZONES.len(), Some(day))?;
            for ((tenant, _), zone) in lines.iter().zip(ZONES) {
                live_in(world, *tenant, zone);
            }
            anyhow::Ok(lines)
        })?;
        let item = with_world(&site.estate, |world| {
            let sold = world.halo.invoices.iter().flat_map(|invoice| &invoice.lines);
            sold.filter(|line| line.id == lines[0].1).find_map(|line| line.item)
        });
        let leaving = lines.into_iter().map(|(tenant, _)| tenant).collect();
        Ok(Self { site, leaving, item: item.context("nothing is sold")?, day })
    }

    /// From noon before to the morning after.
    fn span(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let noon = |day: NaiveDate| day.and_hms_opt(12, 10, 0).unwrap_or_default().and_utc();
        (noon(self.day - Days::new(1)), noon(self.day) - TimeDelta::hours(4))
    }

    /// Has everything of those who leave taken away. The item must have been read.
    async fn define(&self, store: &Store) -> Result<()> {
        let clock = Clock::system();
        let hub = Hub::new(store.clone(), Vec::new(), self.site.estate.rules(), clock);
        let products: Vec<Product> = hub.all().await?;
        let product = products.iter().find(|one| one.key == self.item.to_string());
        let product = product.context("the item was not read")?.id;
        let software = Software::new(SoftwareId::of_text("agent", 0), "agent");
        let (item, target) = (software.id, Target::product(product));
        let rule = Deployment::new("off-boarding", item, DesiredState::Absent, target, 0);
        let library =
            Library { software: vec![software], deployments: vec![rule], ..Library::default() };
        save(&hub, &library).await
    }

    /// When a tenant's day begins.
    fn leaves_at(&self, place: usize) -> Result<DateTime<Utc>> {
        let zone: Tz = ZONES[place].parse()?;
        let midnight = self.day.and_hms_opt(0, 0, 0).unwrap_or_default();
        let begins = midnight.and_local_timezone(zone).earliest();
        Ok(begins.context("no midnight")?.to_utc())
    }

    /// Whoever left got one event by the clock, at that tenant's midnight; nobody else got one.
    async fn ensure_left(&self, hub: &Hub, exact: bool) -> Result<()> {
        let truth = self.site.estate.truth();
        let judged = ground::judged(&truth, hub).await?;
        let mut by_clock: BTreeMap<String, Event> = BTreeMap::new();
        let mut after = 0;
        loop {
            let events = hub.store.events(after, 1000).await?;
            let Some(last) = events.last() else { break };
            after = last.sequence;
            for event in events.into_iter().filter(|event| event.cause == "clock") {
                ensure!(event.entity == EntityKind::Computer, "{event:?}");
                ensure!(event.before == event.after || !exact, "something changed: {event:?}");
                let id = event.id.clone();
                ensure!(by_clock.insert(id.clone(), event).is_none(), "twice for {id}");
            }
        }
        let mut of_leavers = BTreeSet::new();
        for (place, no) in self.leaving.iter().enumerate() {
            let tenant = ground::tenant_of(&truth, *no, hub).await?.to_string();
            let began = self.leaves_at(place)?;
            let theirs = truth.computers.iter().filter(|one| one.tenant == *no);
            let theirs: Vec<String> =
                theirs.filter_map(|one| Some(judged.get(&one.no)?.to_string())).collect();
            ensure!(theirs.len() > 3, "{}: too few can be judged", ZONES[place]);
            for id in &theirs {
                let none = || format!("{}: none for {id}, of {}", ZONES[place], theirs.len());
                let event = by_clock.get(id).with_context(none)?;
                let at = DateTime::from_timestamp_micros(event.at_us).context("no time")?;
                let (soonest, latest) = (began, began + TimeDelta::minutes(15));
                // A daemon that was away makes up for it later.
                let in_time = soonest <= at && (at <= latest || !exact);
                ensure!(in_time, "{}: {at} and not {began}", ZONES[place]);
                ensure!(event.tenant.as_ref() == Some(&tenant), "{event:?}");
            }
            println!("{}: {} left at {began}", ZONES[place], theirs.len());
            of_leavers.insert(Some(tenant));
        }
        let others = by_clock.values().find(|event| !of_leavers.contains(&event.tenant));
        ensure!(others.is_none(), "{others:?} did not leave");
        Ok(())
    }
}

/// Puts a tenant into a zone: the estate's truth, and where Halo says so.
fn live_in(world: &mut World, tenant: usize, zone: &str) {
    zone.clone_into(&mut world.tenants[tenant].time_zone);
    let clients = world.halo.clients.iter().filter(|client| client.tenant == Some(tenant));
    let clients: BTreeSet<i64> = clients.map(|client| client.id).collect();
    for site in world.halo.sites.iter_mut().filter(|site| clients.contains(&site.client)) {
        site.time_zone = Some(zone.to_owned());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_in_fast_forward_reads_on_time_lets_customers_leave_at_their_midnight_and_writes_back()
-> Result<()> {
    let stage = Stage::set(seeds([97])[0]).await?;
    let (store, _folder) = tests::fresh_sqlite().await?;
    let (from, until) = stage.span();
    // What was read makes the rule possible; everything of the day comes after it.
    let begun = from + TimeDelta::minutes(20);
    work(&stage, &store, (from, begun)).await?;
    stage.define(&store).await?;
    work(&stage, &store, (begun, until)).await?;

    ensure_on_time(&store, (from, until)).await?;
    let hub = stage.site.hub_at(store, Clock::new(move || until))?;
    stage.ensure_left(&hub, true).await?;
    truth::ensure_true(&stage.site, &hub).await?;
    ensure!(hub.store.push_items(None).await?.iter().all(|one| one.state != PushState::Conflict));
    let version = stage.site.version();
    ensure_fine(&push(&hub, true).await?)?;
    ensure!(stage.site.version() == version, "something was left to be written");
    ensure_verified(&hub).await
}

async fn work(
    stage: &Stage,
    store: &Store,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    let time = Arc::new(FastForward::new(from, until));
    let hub = Arc::new(stage.site.hub_at(store.clone(), time.clock())?);
    let edges = Arc::new(Dates { store: store.clone(), clock: time.clock() });
    let site = Work { hub, entries: plan::day(&ALL)?, parallel: 2, edges: Some(edges) };
    run_through(site, &time).await
}

/// Every stream was read at once, every hour and at night, and not once more.
async fn ensure_on_time(
    store: &Store,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    let mut streams = 0;
    for ((connection, stream), runs) in read_at(store, &from.to_rfc3339()).await? {
        if stream == "push" {
            continue;
        }
        streams += 1;
        let times: Vec<DateTime<Utc>> =
            runs.iter().filter_map(|run| DateTime::from_timestamp_micros(run.started_us)).collect();
        let first = from + TimeDelta::minutes(50);
        let hourly = late(
            &format!("{connection}/incremental"),
            hours(&first.to_rfc3339(), &(until - TimeDelta::minutes(10)).to_rfc3339()),
        );
        // In winter 02:30 in Berlin is 01:30 in UTC.
        let night = until.date_naive().and_hms_opt(0, 0, 0).unwrap_or_default();
        let berlin = night.and_local_timezone(chrono_tz::Europe::Berlin).earliest();
        let night = berlin.context("no midnight")?.to_utc() + TimeDelta::minutes(150);
        let mut expected = late(&format!("{connection}/full"), [night]);
        expected.extend(hourly);
        expected.insert(from);
        let found: BTreeSet<DateTime<Utc>> = times.iter().copied().collect();
        ensure!(found == expected, "{connection} {stream}: {found:#?} and not {expected:#?}");
    }
    ensure!(streams > 12, "{streams} streams");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_with_a_daemon_that_is_killed_again_and_again_loses_and_repeats_nothing() -> Result<()>
{
    for seed in seeds([98]) {
        for database in both_databases().await? {
            killed_all_day(seed, &database).await.with_context(|| format!("seed {seed}"))?;
            databases::drop_database(&database).await?;
        }
    }
    Ok(())
}

fn start(order: &Path, from: DateTime<Utc>, until: DateTime<Utc>) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_one_day"));
    command.arg(order).args([from.to_rfc3339(), until.to_rfc3339()]);
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().context("starting a day")
}

/// What a process of the day is told, in a file.
fn order(stage: &Stage, database: &databases::Database, folder: &Path) -> Result<PathBuf> {
    let path = folder.join("order.json");
    let connections = stage.site.settings.clone().into_iter();
    let order = Order {
        database: database.url.clone(),
        connections: connections.map(|(kind, settings)| (kind.to_owned(), settings)).collect(),
        splits: splits(&stage.site.estate.truth()),
    };
    order.write(&path)?;
    Ok(path)
}

/// A day on a database that others may open, of which the first minutes were worked here.
struct Begun {
    stage: Stage,
    store: Store,
    /// From when others work, and until when.
    span: (DateTime<Utc>, DateTime<Utc>),
    /// Assets there were by then, and how many of them the hub made.
    before: (usize, usize),
    /// What they are told.
    order: PathBuf,
    /// Where that lies, as long as this is kept.
    _folder: TempDir,
}

impl Begun {
    async fn of(seed: u64, database: &databases::Database) -> Result<Self> {
        let stage = Stage::set(seed).await?;
        let (from, until) = stage.span();
        let begun = from + TimeDelta::minutes(20);
        let store = database.open().await?;
        work(&stage, &store, (from, begun)).await?;
        stage.define(&store).await?;
        let before = (stage.site.assets().len(), store.push_objects(HALO, None).await?.len());
        let folder = tempfile::tempdir()?;
        let order = order(&stage, database, folder.path())?;
        Ok(Self { stage, store, span: (begun, until), before, order, _folder: folder })
    }
}

async fn killed_all_day(seed: u64, database: &databases::Database) -> Result<()> {
    let day = Begun::of(seed, database).await?;
    let (begun, until) = day.span;
    let mut dice = StdRng::seed_from_u64(seed);
    let (mut at, mut killed) = (begun, 0);
    for _ in 0..KILLS {
        let mut child = start(&day.order, at, until)?;
        let began = Instant::now();
        let life = Duration::from_millis(dice.random_range(50..1500));
        while began.elapsed() < life && child.try_wait()?.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if child.try_wait()?.is_none() {
            child.kill()?;
            killed += 1;
        }
        child.wait()?;
        // The dead one's leases have run out by then.
        at = (latest(&day.store).await?.max(at) + TimeDelta::seconds(61)).min(until);
    }
    let mut last = start(&day.order, at, until)?;
    let ended = tokio::task::spawn_blocking(move || last.wait()).await??;
    ensure!(ended.success(), "the last process failed: {ended}");
    println!("{}: {killed} were killed, the last at {at} of {until}", database.name);
    ensure!(killed > 3, "too few were killed to mean anything");

    ensure_whole(&day.stage, day.store, until, day.before).await
}

/// The day ended as it should, and nothing was done twice: `before` it there were so many assets, of which the
/// hub had made so many.
async fn ensure_whole(
    stage: &Stage,
    store: Store,
    until: DateTime<Utc>,
    (assets, made): (usize, usize),
) -> Result<()> {
    let hub = stage.site.hub_at(store, Clock::new(move || until))?;
    stage.ensure_left(&hub, false).await?;
    truth::ensure_true(&stage.site, &hub).await?;
    let objects = hub.store.push_objects(HALO, None).await?;
    let keys: BTreeSet<&str> = objects.iter().filter_map(|one| one.object.as_deref()).collect();
    let lost = objects.iter().find(|one| one.object.is_none());
    ensure!(lost.is_none(), "whether it was made is not known: {lost:?}");
    ensure!(keys.len() == objects.len(), "an asset was made twice: {objects:?}");
    let grown = stage.site.assets().len() - assets;
    ensure!(grown == objects.len() - made, "{grown} assets more, {} made", objects.len() - made);
    let runs = hub.store.runs(10_000, None).await?;
    let running = runs.iter().find(|run| run.outcome == Outcome::Running);
    ensure!(running.is_none(), "{running:?}");
    let version = stage.site.version();
    ensure_fine(&push(&hub, true).await?)?;
    ensure!(stage.site.version() == version, "something was left to be written");
    ensure_verified(&hub).await
}

/// How far the clock of whoever was killed had come, as far as the store tells.
async fn latest(store: &Store) -> Result<DateTime<Utc>> {
    let planned = store.planned().await?.into_iter().map(|one| one.handled_us);
    let runs = store.runs(100, None).await?.into_iter();
    let runs = runs.map(|run| run.ended_us.unwrap_or(run.started_us));
    let latest = planned.chain(runs).max().unwrap_or_default();
    DateTime::from_timestamp_micros(latest).context("no time")
}
