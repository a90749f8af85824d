//! Killed in the middle of a push and started again: nothing is made twice, and nothing that the dead
//! process wrote is taken for a human's.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tests::order::Order;
use tests::splits;

use super::*;

/// Kills of each push.
const KILLS: usize = 12;

fn start(order: &std::path::Path) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_one_push"));
    let command = command.arg(order).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().context("starting a process that pushes")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_killed_at_random_instants_makes_nothing_twice_and_takes_nobody_for_a_human()
-> Result<()> {
    for seed in seeds([96]) {
        for database in both_databases().await? {
            kill_and_kill_again(seed, &database).await.with_context(|| format!("seed {seed}"))?;
            databases::drop_database(&database).await?;
        }
    }
    Ok(())
}

async fn kill_and_kill_again(seed: u64, database: &databases::Database) -> Result<()> {
    let site = Site::of(120, seed).await?;
    let hub = site.hub(database.open().await?)?;
    sync_whole(&hub).await?;
    let dry = PushOptions { dry_run: true, ..PushOptions::default() };
    let told = hub.push(&[], dry).await?;
    let to_make = of(&told, HALO)?.count(|item| matches!(item.outcome, Pushed::Created));
    ensure!(to_make > 20, "{to_make}");
    let before = site.assets().len();
    hub.store.close().await;

    let folder = tempfile::tempdir()?;
    let path = folder.path().join("order.json");
    let connections = site.settings.clone();
    let order = Order {
        database: database.url.clone(),
        connections: connections.into_iter().map(|(kind, s)| (kind.to_owned(), s)).collect(),
        splits: splits(&site.estate.truth()),
    };
    order.write(&path)?;
    let mut dice = StdRng::seed_from_u64(seed);
    let mut killed = 0;
    for _ in 0..KILLS {
        let mut child = start(&path)?;
        let began = Instant::now();
        let life = Duration::from_millis(dice.random_range(5..260));
        while began.elapsed() < life && child.try_wait()?.is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        if child.try_wait()?.is_none() {
            child.kill()?;
            killed += 1;
        }
        child.wait()?;
    }
    let mut last = start(&path)?;
    let ended = tokio::task::spawn_blocking(move || last.wait()).await??;
    ensure!(ended.success(), "the last process failed: {ended}");
    println!("{}: {killed} were killed", database.name);
    ensure!(killed > 2, "too few were killed to mean anything");
    ensure_once(&site, database, (before, to_make)).await
}

async fn ensure_once(
    site: &Site,
    database: &databases::Database,
    (before, to_make): (usize, usize),
) -> Result<()> {
    let hub = site.hub(database.open().await?)?;
    let assets = site.assets();
    ensure!(assets.len() == before + to_make, "{} assets, not {}", assets.len(), before + to_make);
    let made = hub.store.push_objects(HALO, None).await?;
    let keys: BTreeSet<&str> = made.iter().filter_map(|made| made.object.as_deref()).collect();
    ensure!(keys.len() == to_make && made.len() == to_make, "{} of {to_make}", keys.len());
    ensure!(open(&hub, PushState::Conflict).await?.is_empty(), "a dead process is no human");
    let version = site.version();
    // Everything is looked at: it is as it should be, and none of it is on its way any more.
    let again = push(&hub, true).await?;
    ensure_fine(&again)?;
    ensure!(site.version() == version, "something was left: {again:?}");
    for connection in ["cw-automate", "cw-control", HALO] {
        let marks = hub.store.push_marks(connection, None).await?;
        ensure!(!marks.is_empty() && marks.iter().all(|mark| mark.sent.is_none()), "{connection}");
    }
    let runs = hub.store.runs(1000, None).await?;
    let running = runs.iter().find(|run| run.outcome == core_model::run::Outcome::Running);
    ensure!(running.is_none(), "{running:?}");
    read_whole(&hub, &Default::default()).await?;
    ensure_verified(&hub).await
}
