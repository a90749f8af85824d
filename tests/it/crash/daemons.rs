//! Daemons that are killed: the next one, or the other one, does what is left, and nothing twice.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use core_model::run::Outcome;
use core_sync::SyncOptions;
use tests::databases::{self, Database};

use super::{Dice, KILLS_OF_ONE, Subject, end_of, ensure_once, ensure_sound, order};
use crate::support::{ensure_same, ensure_verified, live_records, paging_hub, seeds, view};

/// Kills of daemons on SQLite.
const KILLS: usize = 10;
/// Pairs of daemons on PostgreSQL, of which one is killed.
const PAIRS: usize = 4;

fn start(order: &Path, arguments: &[&str]) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_one_daemon"));
    let command = command.arg(order).args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().context("starting a daemon")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_killed_at_random_instants_ends_where_an_undisturbed_sync_ends() -> Result<()> {
    for seed in seeds([94]) {
        let subject = Subject::start(seed).await?;
        let mut dice = Dice::new(seed);
        let mut kills = 0;
        while kills < KILLS {
            let database = databases::sqlite()?;
            let order = order(&subject.estate, &database, subject.folder.path())?;
            let killed = subject.live_and_die(|| start(&order, &["1"]), &mut dice, KILLS_OF_ONE);
            let killed = killed.await?;
            println!("killed after {killed:?}");
            kills += killed.len().max(1);
            let what = || format!("seed {seed}, killed after {killed:?}");
            subject.ensure_whole(&database, killed.len()).await.with_context(what)?;
            let store = database.open().await?;
            let planned = store.planned().await?;
            ensure!(planned.iter().all(|one| one.handled_us > 1), "{}: {planned:?}", what());
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_share_the_work_on_postgres_and_one_does_what_a_killed_one_leaves() -> Result<()>
{
    for seed in seeds([95]) {
        let subject = Subject::start(seed).await?;
        let read = databases::sqlite()?;
        let hub = paging_hub(&subject.estate, read.open().await?)?;
        hub.sync(&[], &SyncOptions::default()).await?;
        let model = view(&hub, subject.at).await?;
        let live = live_records(&hub).await?;
        let mut dice = Dice::new(seed);
        for pair in 0..=PAIRS {
            let Some(database) = databases::postgres().await? else {
                println!("left out: no PostgreSQL answers (see TEST_POSTGRES_URL)");
                return Ok(());
            };
            let order = order(&subject.estate, &database, subject.folder.path())?;
            // The schema is made before, so that both are at work from their first moment.
            database.open().await?.close().await;
            let mut first = start(&order, &["2", "quiet"])?;
            let second = start(&order, &["2", "quiet"])?;
            let life = subject.takes.mul_f64(dice.share());
            // Of the last pair nobody is killed.
            let killed = pair < PAIRS;
            if killed {
                tokio::time::sleep(life).await;
                first.kill()?;
                first.wait()?;
            } else {
                end_of(first).await?;
            }
            end_of(second).await?;
            let what = format!("seed {seed}, pair {pair}, killed {killed} after {life:?}");
            println!("{what}");
            let hub = paging_hub(&subject.estate, database.open().await?)?;
            ensure_sound(&database).await?;
            ensure_verified(&hub).await.with_context(|| what.clone())?;
            ensure_same(&model, &view(&hub, subject.at).await?, &what)?;
            ensure!(live_records(&hub).await? == live, "{what}: records lost, or too many");
            ensure_once(&hub).await.with_context(|| what.clone())?;
            ensure_read_once(&database, killed).await.with_context(|| what.clone())?;
            hub.store.close().await;
            databases::drop_database(&database).await?;
        }
    }
    Ok(())
}

/// Nobody read what another one was reading or had read. One who was killed may have left a run in its
/// middle, or have read to the end without having noted it.
async fn ensure_read_once(database: &Database, killed: bool) -> Result<()> {
    let store = database.open().await?;
    let mut by_scope: BTreeMap<String, Vec<(i64, Option<i64>)>> = BTreeMap::new();
    for run in store.runs(10_000, None).await? {
        ensure!(run.outcome != Outcome::Running, "{run:?}");
        let died = run.error_kind.as_deref() == Some("interrupted");
        ensure!(killed || !died, "{run:?}");
        let name = format!("{}/{}/{}", run.connection, run.stream, run.scope);
        by_scope.entry(name).or_default().push((run.started_us, run.ended_us));
    }
    for (name, mut runs) in by_scope {
        runs.sort_unstable();
        ensure!(runs.len() <= if killed { 2 } else { 1 }, "{name} was read {} times", runs.len());
        let ended = |ended: Option<i64>| ended.unwrap_or(i64::MAX);
        ensure!(runs.windows(2).all(|two| ended(two[0].1) <= two[1].0), "{name} at once: {runs:?}");
    }
    store.close().await;
    Ok(())
}
