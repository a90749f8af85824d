//! What becomes of a record alone is written with it when its stream is read for the first time, and ends in the model that
//! derivation gives.

use std::collections::HashMap;

use anyhow::{Result, ensure};
use core_model::RecordKind;
use core_model::entity::{EntityKind, Person};
use core_model::id::PersonId;
use core_store::RecordQuery;
use core_sync::{Hub, SyncOptions};
use tests::Estate;
use tests::databases::{self, Database};

use crate::support::{ensure_same, ensure_verified, sync_whole, view};

/// Machines of the estate.
const COMPUTERS: usize = 300;
const SEED: u64 = 31;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_there_as_soon_as_they_are_read_on_sqlite() -> Result<()> {
    people_are_there_as_soon_as_they_are_read(&databases::sqlite()?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_there_as_soon_as_they_are_read_on_postgres() -> Result<()> {
    let Some(database) = databases::postgres().await? else {
        println!("left out: no PostgreSQL answers (see TEST_POSTGRES_URL)");
        return Ok(());
    };
    people_are_there_as_soon_as_they_are_read(&database).await?;
    databases::drop_database(&database).await
}

async fn people_are_there_as_soon_as_they_are_read(database: &Database) -> Result<()> {
    let estate = Estate::of(COMPUTERS, SEED).await?;
    let hub = estate.hub(database.open().await?)?;
    hub.sync(&["azure-ad".to_owned()], &SyncOptions::default()).await?;
    let (at_once, all) = written_with_their_records(&hub).await?;
    ensure!(all > 300 && at_once == all, "{at_once} of {all} were written with their records");
    ensure!(hub.store.derived_ahead(0).await?.is_empty(), "derivation has passed over them");
    ensure_verified(&hub).await?;

    // What the other systems say of tenants comes later, and it is the same model as of all at once.
    sync_whole(&hub).await?;
    ensure_verified(&hub).await?;
    let other = databases::sqlite()?;
    let whole = estate.hub(other.open().await?)?;
    sync_whole(&whole).await?;
    ensure_verified(&whole).await?;
    let at = chrono::Utc::now();
    ensure_same(&view(&hub, at).await?, &view(&whole, at).await?, "one after the other")?;
    hub.rebuild().await?;
    ensure_verified(&hub).await
}

/// How many persons were written in the transaction of their record, and how many there are: whoever derives later has
/// a later time.
async fn written_with_their_records(hub: &Hub) -> Result<(usize, usize)> {
    let query = RecordQuery { kinds: &[RecordKind::Person], ..RecordQuery::default() };
    let records = hub.store.all_records(&query).await?;
    let seen: HashMap<String, i64> = records
        .iter()
        .map(|one| {
            (PersonId::derive(&one.record, one.first_seen_us).to_string(), one.first_seen_us)
        })
        .collect();
    let events = hub.store.events(0, usize::MAX).await?;
    let at_once = events.iter().filter(|event| {
        event.entity == EntityKind::Person && seen.get(&event.id) == Some(&event.at_us)
    });
    Ok((at_once.count(), hub.all::<Person>().await?.len()))
}
