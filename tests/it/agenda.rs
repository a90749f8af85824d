//! Schedules among several daemons of one database: each time fires once, whoever is killed while it does.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use core_agenda::{Firing, Occasion, batch};
use core_daemon::{Agenda, Desk, Fired, Metrics, Scheduler, Timed};
use core_model::id::{ComputerId, TenantId};
use core_model::library::{Schedule, Target, Timing};
use core_model::queue::QueueRules;
use core_resolve::{
    AsOf, ComputerInput, Definitions, Resolver, RunKind, Snapshot, SnapshotInput, TenantInput,
};
use core_store::{SessionQuery, Store};
use core_sync::{Clock, Hub, Settings};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tests::databases::{self, Database};
use tokio::sync::watch;

use crate::support::seeds;

const COMPUTERS: usize = 2_500;
const KILLS: usize = 8;

/// One schedule for many computers, as the program's own agenda makes its sessions.
struct Nightly {
    store: Store,
    occasion: Occasion,
    resolver: Resolver,
}

impl Nightly {
    fn new(store: Store) -> Result<Self> {
        let mut input = SnapshotInput::new("2026-12-01T00:00:00Z".parse()?);
        for tenant in 0..5 {
            let name = format!("tenant {tenant}");
            input.tenants.push(TenantInput::new(TenantId::of_text(&name, 0), &name));
        }
        for number in 0..COMPUTERS {
            let tenant = input.tenants[number % 5].id;
            let name = format!("PC-{number:04}");
            let id = ComputerId::of_text(&name, 0);
            input.computers.push(ComputerInput::new(id, tenant, &name));
        }
        let now = AsOf::Instant(input.known_at);
        let definitions = Definitions::new(Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let snapshot = Arc::new(Snapshot::new(input));
        let resolver = Resolver::new(snapshot, Arc::new(definitions), now, RunKind::default());
        let timing = Timing::Cron("0 * * * *".to_owned());
        let since = "2026-12-01T00:30:00Z".parse::<DateTime<Utc>>()?.timestamp_micros();
        let schedule = Arc::new(Schedule::new("nightly", Target::All, timing, since));
        let occasion = Occasion::of(&schedule, chrono_tz::UTC).context("an occasion")?;
        Ok(Self { store, occasion, resolver })
    }
}

#[async_trait]
impl Agenda for Nightly {
    async fn planned(&self) -> std::result::Result<Arc<Vec<Timed>>, String> {
        let since = DateTime::from_timestamp_micros(self.occasion.schedule.since_us);
        Ok(Arc::new(vec![Timed {
            name: self.occasion.name(),
            spec: self.occasion.spec(),
            since: since.unwrap_or_default(),
            when: self.occasion.when().clone(),
        }]))
    }

    async fn fire(
        &self,
        _name: &str,
        due: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> std::result::Result<Fired, String> {
        let firing = Firing { due, now, detect_only: false, by: None };
        let batch = batch(&self.resolver, &self.occasion, &firing);
        let made = self.store.add_new_sessions(&batch.sessions).await;
        let made = made.map_err(|error| error.to_string())?.len();
        Ok(Fired { words: batch.group, made: made as u64, ..Fired::default() })
    }

    async fn tidy(&self, _now: DateTime<Utc>) -> std::result::Result<u64, String> {
        Ok(0)
    }
}

/// A daemon's scheduler on a database, by a clock of the test's.
async fn scheduler(database: &Database, clock: Clock) -> Result<(Scheduler, watch::Sender<Desk>)> {
    let store = database.open().await?;
    let hub = Hub::new(store.clone(), Vec::new(), Settings::default(), clock);
    let desk = Desk { hub: Arc::new(hub), notes: None, queue: QueueRules::default() };
    let (sender, desk) = watch::channel(desk);
    let agenda = Arc::new(Nightly::new(store)?);
    Ok((Scheduler::new(desk, agenda, Arc::new(Metrics::default())), sender))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_of_a_schedule_fires_once_whoever_is_killed_while_it_does() -> Result<()> {
    for seed in seeds([16]) {
        let postgres = databases::postgres().await?;
        if postgres.is_none() {
            println!("PostgreSQL is left out: none answers (see TEST_POSTGRES_URL)");
        }
        for database in [Some(databases::sqlite()?), postgres].into_iter().flatten() {
            let name = database.name;
            fires_once(seed, &database).await.with_context(|| format!("seed {seed}, {name}"))?;
            databases::drop_database(&database).await?;
        }
    }
    Ok(())
}

async fn fires_once(seed: u64, database: &Database) -> Result<()> {
    println!("seed {seed}, {}", database.name);
    let mut dice = StdRng::seed_from_u64(seed);
    let shown = Arc::new(std::sync::Mutex::new("2026-12-01T00:45:00Z".parse::<DateTime<Utc>>()?));
    let clock = || {
        let shown = Arc::clone(&shown);
        Clock::new(move || *shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    };
    let later = |by: TimeDelta| {
        *shown.lock().unwrap_or_else(std::sync::PoisonError::into_inner) += by;
    };
    let store = database.open().await?;
    // What is planned is known before it is due.
    let (mut first, _desk) = scheduler(database, clock()).await?;
    ensure!(first.work().await?.is_empty(), "nothing was due yet");
    let mut hours = 0;
    for _ in 0..KILLS {
        hours += 1;
        later(TimeDelta::hours(1));
        // Two look at once; one of them is killed somewhere in it. Its lease is to run out.
        let (mut one, desk_one) = scheduler(database, clock()).await?;
        let (mut two, desk_two) = scheduler(database, clock()).await?;
        let killed = tokio::spawn(async move {
            let fired = one.work().await;
            drop(desk_one);
            fired
        });
        let other = tokio::spawn(async move {
            let fired = two.work().await;
            drop(desk_two);
            fired
        });
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..150))).await;
        killed.abort();
        // An error is that it was killed.
        drop(killed.await);
        other.await??;
        later(TimeDelta::minutes(5));
        let (mut third, _desk) = scheduler(database, clock()).await?;
        third.work().await?;
        ensure!(third.work().await?.is_empty(), "it fired, and is not noted");
        later(-TimeDelta::minutes(5));
        let all = store.sessions(SessionQuery::default()).await?;
        let waiting = all.iter().filter(|(_, one)| !one.state.is_over()).count();
        ensure!(waiting == COMPUTERS, "{waiting} wait after {hours} hours");
        ensure!(all.len() == COMPUTERS * hours, "{} after {hours} hours", all.len());
        // Nobody is given a second one while the first waits; so they are ended each time.
        let filter = core_store::CancelFilter::default();
        store.cancel_sessions(filter, "done", 0).await?;
    }
    Ok(())
}
