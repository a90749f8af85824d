//! Killed at any instant and started again: nothing is lost, nothing is applied twice. And the two
//! softer cases: asked to stop, and two at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use core_model::entity::EntityKind;
use core_model::run::{Outcome, Run};
use core_store::Agents;
use core_sync::{Error, Hub, ModelView, Progress, ProgressEvent, SyncOptions};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;
use mocks::world::Options;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::{AnyConnection, Connection as _, Row as _};
use tests::databases::{self, Database};
use tests::order::Order;
use tests::{Estate, splits};

use crate::support::{
    ensure_same, ensure_verified, live_records, paging_hub, seeds, small_pages, sync_whole, told,
    view,
};

mod collecting;
mod daemons;

/// Kills on each database.
const KILLS: usize = 25;
/// Kills of one database before its sync may come to its end.
const KILLS_OF_ONE: usize = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_instants_it_ends_where_an_undisturbed_sync_ends_on_sqlite() -> Result<()>
{
    for seed in seeds([91]) {
        kill_and_kill_again(seed, || async { Ok(Some(databases::sqlite()?)) }).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_instants_it_ends_where_an_undisturbed_sync_ends_on_postgres() -> Result<()>
{
    for seed in seeds([92]) {
        kill_and_kill_again(seed, databases::postgres).await?;
    }
    Ok(())
}

async fn kill_and_kill_again<F>(seed: u64, fresh: impl Fn() -> F) -> Result<()>
where
    F: Future<Output = Result<Option<Database>>>,
{
    let subject = Subject::start(seed).await?;
    let mut dice = Dice::new(seed);
    let mut kills = 0;
    while kills < KILLS {
        let Some(database) = fresh().await? else {
            println!("left out: no PostgreSQL answers (see TEST_POSTGRES_URL)");
            return Ok(());
        };
        let most = KILLS_OF_ONE.min(KILLS - kills);
        let order = order(&subject.estate, &database, subject.folder.path())?;
        let killed = subject.live_and_die(|| start(&order), &mut dice, most).await?;
        println!("{}: killed after {killed:?}", database.name);
        kills += killed.len();
        subject
            .ensure_whole(&database, killed.len())
            .await
            .with_context(|| format!("{}, seed {seed}, killed after {killed:?}", database.name))?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}

/// An estate, and what an undisturbed sync makes of it.
struct Subject {
    estate: Estate,
    folder: tempfile::TempDir,
    at: DateTime<Utc>,
    model: ModelView,
    live: BTreeMap<String, i64>,
    /// What a process that nobody kills takes.
    takes: Duration,
}

impl Subject {
    async fn start(seed: u64) -> Result<Self> {
        let options = Options {
            computers: 120,
            seed,
            command_latency_ms: (1, 5),
            delta_page: 10,
            ..Options::default()
        };
        let estate = Estate::serve(&options).await?;
        let folder = tempfile::tempdir()?;
        let database = databases::sqlite()?;
        let began = Instant::now();
        let order = order(&estate, &database, folder.path())?;
        ensure!(start(&order)?.wait()?.success(), "the undisturbed process failed");
        let takes = began.elapsed();
        let hub = paging_hub(&estate, database.open().await?)?;
        let at = Utc::now();
        let model = view(&hub, at).await?;
        let live = live_records(&hub).await?;
        Ok(Self { estate, folder, at, model, live, takes })
    }

    /// Starts a process again and again, kills each after a while, and lets the last one finish.
    async fn live_and_die(
        &self,
        start: impl Fn() -> Result<Child>,
        dice: &mut Dice,
        most: usize,
    ) -> Result<Vec<Duration>> {
        let mut killed = Vec::new();
        while killed.len() < most {
            let life = self.takes.mul_f64(dice.share());
            let mut child = start()?;
            tokio::time::sleep(life).await;
            if child.try_wait()?.is_some() {
                // It was faster; the next ones only find that nothing changed.
                break;
            }
            child.kill()?;
            child.wait()?;
            killed.push(life);
        }
        end_of(start()?).await?;
        Ok(killed)
    }

    async fn ensure_whole(&self, database: &Database, killed: usize) -> Result<()> {
        ensure_sound(database).await?;
        let hub = paging_hub(&self.estate, database.open().await?)?;
        ensure_verified(&hub).await?;
        ensure_same(&self.model, &view(&hub, self.at).await?, "the model")?;
        ensure!(live_records(&hub).await? == self.live, "records were lost, or are too many");
        ensure_observed_once(&hub).await?;
        ensure_once(&hub).await?;
        let runs = hub.store.runs(10_000, None).await?;
        let open = runs.iter().find(|run| run.outcome == Outcome::Running);
        ensure!(open.is_none(), "{killed} processes were killed: {open:?}");
        let died = |run: &&Run| run.error_kind.as_deref() == Some("interrupted");
        for run in runs.iter().filter(died) {
            let said = run.error.as_deref().unwrap_or_default();
            ensure!(run.outcome == Outcome::Failed && said.contains("process ended"), "{run:?}");
        }
        hub.store.close().await;
        Ok(())
    }
}

fn order(estate: &Estate, database: &Database, folder: &Path) -> Result<PathBuf> {
    let connections = small_pages(estate);
    let order = Order {
        database: database.url.clone(),
        connections: connections.into_iter().map(|(kind, s)| (kind.to_owned(), s)).collect(),
        splits: splits(&estate.truth()),
    };
    let path = folder.join("order.json");
    order.write(&path)?;
    Ok(path)
}

fn start(order: &Path) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_one_sync"));
    let command = command.arg(order).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().context("starting a process that syncs")
}

/// Waits for a process, which must not fail.
async fn end_of(mut child: Child) -> Result<()> {
    let ended = tokio::task::spawn_blocking(move || child.wait()).await??;
    ensure!(ended.success(), "a process failed: {ended}");
    Ok(())
}

/// What is seen again is no second observation. (Through which agent a machine is asked depends on
/// what was known when it was asked, so that the number of answers is no measure.)
async fn ensure_observed_once(hub: &Hub) -> Result<()> {
    let mut seen = BTreeSet::new();
    for (agent, account, ..) in hub.store.logons(Agents::All).await? {
        ensure!(seen.insert((agent.clone(), account.clone())), "twice: {account} at {agent}");
    }
    let mut answered = BTreeSet::new();
    for (agent, reading, ..) in hub.store.readings(Agents::All).await? {
        ensure!(answered.insert(agent.clone()), "twice: {agent} said {reading:?}");
    }
    ensure!(!seen.is_empty() && !answered.is_empty(), "nobody was seen");
    Ok(())
}

/// The file of a SQLite database must be sound; a server sees to that itself.
async fn ensure_sound(database: &Database) -> Result<()> {
    if database.name != "sqlite" {
        return Ok(());
    }
    let mut connection = AnyConnection::connect(&format!("sqlite://{}", database.url)).await?;
    let row = sqlx::query("pragma integrity_check").fetch_one(&mut connection).await?;
    let said: String = row.try_get(0)?;
    connection.close().await?;
    ensure!(said == "ok", "{said}");
    Ok(())
}

/// No entity came into being twice, and no event says that nothing changed.
async fn ensure_once(hub: &Hub) -> Result<()> {
    let events = hub.store.events(0, 1_000_000).await?;
    let mut there: BTreeSet<(EntityKind, String)> = BTreeSet::new();
    for (place, event) in events.iter().enumerate() {
        ensure!(usize::try_from(event.sequence)? == place + 1, "a gap before {event:?}");
        ensure!(event.before != event.after, "{event:?}");
        let name = (event.entity, event.id.clone());
        match (&event.before, &event.after) {
            (None, _) => ensure!(there.insert(name), "twice: {event:?}"),
            (Some(_), None) => ensure!(there.remove(&name), "never there: {event:?}"),
            (Some(_), Some(_)) => ensure!(there.contains(&name), "never there: {event:?}"),
        }
    }
    Ok(())
}

/// Random numbers of a seed.
struct Dice(StdRng);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Between 0 and 1.
    fn share(&mut self) -> f64 {
        self.0.random_range(0.0..1.0)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_derivation_that_is_cut_off_anywhere_is_made_good_by_the_next() -> Result<()> {
    for seed in seeds([93]) {
        let mut dice = Dice::new(seed);
        let estate = Estate::of(150, seed).await?;
        let database = databases::sqlite()?;
        let hub = paging_hub(&estate, database.open().await?)?;
        sync_whole(&hub).await?;
        let mut rules = estate.rules();
        for number in 0..20 {
            // Other rules: everything is derived anew, and where tenants come from changes too.
            rules.tenants.create_from = [
                vec!["cw-automate".to_owned()],
                vec!["azure-ad".to_owned(), "cw-automate".to_owned()],
            ][number % 2]
                .clone();
            let hub = crate::support::hub_with(&estate, database.open().await?, rules.clone())?;
            let life = Duration::from_micros((dice.share() * 400_000.0) as u64);
            let cut = tokio::time::timeout(life, hub.derive()).await.is_err();
            hub.derive().await?;
            ensure_verified(&hub).await.with_context(|| {
                format!("seed {seed}, derivation {number}, cut after {life:?}: {cut}")
            })?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_sync_of_a_connection_is_refused_by_name_and_one_of_another_is_not() -> Result<()>
{
    let estate = Estate::of(40, 5).await?;
    for database in crate::support::both_databases().await? {
        let slow = Rule {
            fault: Fault::Slow,
            face: Some(Face::Halo),
            path: Some("item".to_owned()),
            when: When::Always,
            times: Some(1),
        };
        estate.running.set_faults(vec![slow]);
        let first = Arc::new(paging_hub(&estate, database.open().await?)?);
        let second = paging_hub(&estate, database.open().await?)?;
        let only = ["halopsa".to_owned()];
        let syncing = tokio::spawn({
            let (hub, only) = (Arc::clone(&first), only.clone());
            async move { hub.sync(&only, &SyncOptions::default()).await }
        });
        while first.store.runs(10, Some("halopsa")).await?.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for hub in [&*first, &second] {
            match hub.sync(&only, &SyncOptions::default()).await {
                Err(Error::Busy { connection, holder }) => {
                    ensure!(connection == "halopsa", "{connection}");
                    let process = format!("process {}", std::process::id());
                    ensure!(holder.starts_with(&process), "{holder}");
                }
                other => anyhow::bail!("two at once: {other:?}"),
            }
        }
        let other = second.sync(&["cw-control".to_owned()], &SyncOptions::default()).await?;
        ensure!(other.iter().all(crate::support::is_whole), "{other:?}");
        for run in syncing.await?? {
            ensure!(run.outcome == Outcome::Complete, "{}", told(&run));
        }
        let kept = first.store.runs(1_000, None).await?;
        ensure!(kept.iter().all(crate::support::is_whole), "{kept:?}");
        ensure!(second.sync(&only, &SyncOptions::default()).await.is_ok(), "still held");
        databases::drop_database(&database).await?;
    }
    Ok(())
}

/// Stops a hub in the middle of a stream.
struct StopAt {
    stream: &'static str,
    page: usize,
    seen: AtomicUsize,
    switch: Arc<std::sync::OnceLock<Arc<AtomicBool>>>,
}

impl Progress for StopAt {
    fn event(&self, event: &ProgressEvent<'_>) {
        if let ProgressEvent::Page { run } = event
            && run.stream == self.stream
            && self.seen.fetch_add(1, Ordering::Relaxed) + 1 == self.page
            && let Some(switch) = self.switch.get()
        {
            switch.store(true, Ordering::Relaxed);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_it_ends_after_the_page_in_flight_and_the_next_run_goes_on_from_there()
-> Result<()> {
    let estate = Estate::of(200, 6).await?;
    let only = ["cw-automate".to_owned()];
    let whole = databases::sqlite()?;
    let hub = paging_hub(&estate, whole.open().await?)?;
    let of = |runs: &[Run]| runs.iter().find(|run| run.stream == "computers").cloned();
    let undisturbed = of(&hub.sync(&only, &SyncOptions::default()).await?).context("no run")?;
    ensure!(undisturbed.counts.pages > 6, "{undisturbed:?}");

    let database = databases::sqlite()?;
    let switch = Arc::new(std::sync::OnceLock::new());
    let watch = StopAt {
        stream: "computers",
        page: 3,
        seen: AtomicUsize::new(0),
        switch: Arc::clone(&switch),
    };
    let hub = paging_hub(&estate, database.open().await?)?.watched(Arc::new(watch));
    ensure!(switch.set(hub.stop_switch()).is_ok(), "set twice");
    let stopped = hub.sync(&only, &SyncOptions::default()).await?;
    let first = of(&stopped).context("no run")?;
    ensure!(first.outcome == Outcome::Stopped, "{}", told(&first));
    ensure!((3..=5).contains(&first.counts.pages), "{first:?}");
    ensure_verified(&hub).await?;

    let hub = paging_hub(&estate, database.open().await?)?;
    let then = of(&hub.sync(&only, &SyncOptions::default()).await?).context("no run")?;
    ensure!(then.outcome == Outcome::Complete, "{}", told(&then));
    let pages = first.counts.pages + then.counts.pages;
    ensure!(pages == undisturbed.counts.pages, "{first:?} {then:?}");
    let read = first.counts.read + then.counts.read;
    ensure!(read == undisturbed.counts.read, "{first:?} {then:?}");
    ensure!(then.counts.gone == 0, "what was read before the stop is gone: {then:?}");
    ensure_verified(&hub).await
}
