//! A lease that is lost in the middle of a sync: another process has the connection now, and what
//! this one still holds of it must not be written over what that one read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use chrono::Utc;
use core_connector::{Account, Changes, Connector, Page, Proof, Resume, Scope, Source, Stream};
use core_model::facts::ProductFacts;
use core_model::run::Outcome;
use core_model::{Checkpoint, Record, RecordKind};
use core_store::{RecordQuery, Store};
use core_sync::{Clock, Connection, Error, Hub, Settings, SyncOptions};
use tests::{Estate, databases};

use crate::support::{both_databases, ensure_verified};

/// Pages of the listing; reading all of them would take a minute.
const PAGES: u64 = 300;
/// How long the vendor takes for one.
const PACE: Duration = Duration::from_millis(200);

/// A vendor with one long listing of two records a page.
struct Vendor {
    listing: Listing,
}

/// Counts the pages that were asked for.
struct Listing(Arc<AtomicU64>);

#[async_trait]
impl Connector for Vendor {
    async fn check(&self) -> core_connector::Result<Account> {
        Ok(Account::default())
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        let kinds = &[RecordKind::Product];
        ["items", "more-items"]
            .map(|name| Stream { name, kinds, source: &self.listing })
            .into_iter()
            .collect()
    }
}

#[async_trait]
impl Source for Listing {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _: &Scope, from: Resume) -> core_connector::Result<Page> {
        tokio::time::sleep(PACE).await;
        let page = match from {
            Resume::Start => 0,
            Resume::From(checkpoint) => checkpoint.as_str().parse().unwrap_or(PAGES),
        };
        self.0.fetch_add(1, Ordering::SeqCst);
        let record = |number: u64| {
            let name = format!("item {number}");
            let facts = ProductFacts { name: name.clone(), ..ProductFacts::default() };
            Record::new(number.to_string(), facts.into(), format!("{{\"name\":\"{name}\"}}"))
        };
        let last = page + 1 == PAGES;
        Ok(Page {
            records: vec![record(2 * page), record(2 * page + 1)],
            gone: Vec::new(),
            rejected: Vec::new(),
            checkpoint: (!last).then(|| Checkpoint::new((page + 1).to_string())),
            proof: if last { Proof::Ended { how: "the last page" } } else { Proof::More },
            bytes: 60,
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sync_whose_lease_another_process_took_stops_after_the_page_in_flight() -> Result<()> {
    for database in both_databases().await? {
        let asked = Arc::new(AtomicU64::new(0));
        let vendor = Vendor { listing: Listing(Arc::clone(&asked)) };
        let connection = Connection {
            name: "psa".to_owned(),
            kind: "halopsa".to_owned(),
            connector: Box::new(vendor),
        };
        let store = database.open().await?;
        let hub = Hub::new(store.clone(), vec![connection], Settings::default(), Clock::system());
        let syncing = tokio::spawn(async move {
            let runs = hub.sync(&[], &SyncOptions::default()).await;
            (hub, runs)
        });
        while asked.load(Ordering::SeqCst) < 3 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        steal(&store).await.context(database.name)?;

        let (hub, runs) = tokio::time::timeout(Duration::from_secs(30), syncing).await??;
        let runs = runs?;
        ensure!(runs.len() == 1, "no further stream is begun: {runs:#?}");
        let run = &runs[0];
        ensure!(run.outcome == Outcome::Failed, "{run:#?}");
        ensure!(run.error_kind.as_deref() == Some("lease"), "{run:#?}");
        let error = run.error.as_deref().unwrap_or_default();
        ensure!(error.contains("`psa`") && error.contains("the thief"), "{error}");
        ensure!(run.remedy.as_deref().is_some_and(|text| text.contains("sync again")), "{run:#?}");

        // The page that was asked for when the loss became known was not written.
        let asked = asked.load(Ordering::SeqCst);
        ensure!(asked < PAGES / 2, "it went on for {asked} pages");
        ensure!(run.counts.pages < asked, "{} pages of {asked} were written", run.counts.pages);
        let query = RecordQuery::default();
        let stored = store.all_records(&query).await?.len() as u64;
        ensure!(stored == 2 * run.counts.pages, "{stored} records of {} pages", run.counts.pages);
        ensure!(store.last_event_seq().await? == 0, "the model is the other one's to derive");
        let holder = store.lease_holder("sync:psa").await?.context("nobody has the lease")?;
        ensure!(holder.holder == "the thief", "{holder:?}");
        let shown = store.runs(10, None).await?;
        ensure!(shown.len() == 1 && shown[0].error == run.error, "{shown:#?}");
        drop(hub);
        databases::drop_database(&database).await?;
    }
    Ok(())
}

/// Takes the lease as another process would after this one was suspended for too long.
async fn steal(store: &Store) -> Result<()> {
    let later = Utc::now().timestamp_micros() + 60_000_000;
    let lease = store.take_lease("sync:psa", "the thief", later, 600_000_000).await?;
    lease.context("the lease could not be taken").map(|_| ())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_was_given_up_leaves_no_transaction_open() -> Result<()> {
    for database in both_databases().await? {
        let store = database.open().await?;
        let lease = store.take_lease("sync:psa", "somebody", 0, 1_000).await?.context("taken")?;
        for turns in 0..60 {
            let given_up = async {
                for _ in 0..turns * turns {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                renewed = store.renew_lease(&lease, turns, 1_000) => { renewed?; }
                () = given_up => {}
            }
            // Whichever connection these meet: a statement alone, and a transaction of its own.
            store.lease_holder("sync:psa").await?;
            store.last_readings().await.with_context(|| format!("{}: {turns}", database.name))?;
        }
        let renewed = store.renew_lease(&lease, 5_000, 1_000).await?.context("it is lost")?;
        let other = database.open().await?.lease_holder("sync:psa").await?;
        ensure!(other == Some(renewed), "{}: not committed: {other:?}", database.name);
        databases::drop_database(&database).await?;
    }
    Ok(())
}

/// A hub whose clock takes its time, as does everything that writes by it.
fn slow_hub(estate: &Estate, store: Store, rules: Settings) -> Result<Hub> {
    let clock = Clock::new(|| {
        std::thread::sleep(Duration::from_millis(700));
        Utc::now()
    });
    Ok(Hub::new(store, estate.connections()?, rules, clock))
}

/// Other rules: everything is derived anew.
fn other_rules(estate: &Estate) -> Settings {
    let mut rules = estate.rules();
    rules.tenants.create_from = vec!["cw-automate".to_owned()];
    rules.affinity.min_share = 31;
    rules
}

/// Takes the lease of derivation from whoever has it, as soon as somebody has.
async fn steal_derivation(store: &Store) -> Result<()> {
    while store.lease_holder("derive:/").await?.is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let later = Utc::now().timestamp_micros() + 60_000_000;
    let lease = store.take_lease("derive:/", "the thief", later, 600_000_000).await?;
    lease.context("the lease could not be taken").map(|_| ())
}

/// It was given up in its middle, said so, wrote nothing more, and the next one makes it good.
async fn ensure_given_up(
    (estate, store): (&Estate, &Store),
    ended: std::result::Result<(), Error>,
) -> Result<()> {
    let events = store.last_event_seq().await?;
    match ended {
        Err(error @ Error::LeaseLost { .. }) => {
            let said = error.to_string();
            ensure!(said.contains("the derivation of the model"), "{said}");
            ensure!(said.contains("the thief"), "{said}");
            ensure!(error.remedy().contains("sync again"), "{}", error.remedy());
        }
        other => anyhow::bail!("it was not given up: {other:?}"),
    }
    let unfinished = store.cursor("unfinished").await?;
    let rules = store.cursor("rules").await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    ensure!(store.last_event_seq().await? == events, "it went on writing");
    ensure!(store.cursor("unfinished").await? == unfinished, "it went on writing");
    let thief = store.lease_holder("derive:/").await?.context("nobody has the lease")?;
    ensure!(thief.holder == "the thief", "it took what was another's back: {thief:?}");
    store.release_lease(&thief).await?;
    let hub = Hub::new(store.clone(), estate.connections()?, other_rules(estate), Clock::system());
    hub.derive().await?;
    ensure!(store.cursor("rules").await? != rules, "the first one had come to its end");
    ensure_verified(&hub).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_derivation_whose_lease_another_process_took_writes_nothing_more() -> Result<()> {
    for database in both_databases().await? {
        let estate = Estate::of(300, 73).await?;
        let store = database.open().await?;
        estate.hub(store.clone())?.sync(&[], &SyncOptions::default()).await?;
        let hub = slow_hub(&estate, store.clone(), other_rules(&estate))?;
        let (ended, stolen) = tokio::join!(hub.derive(), steal_derivation(&store));
        stolen.context(database.name)?;
        let ended = ended.map(|_| ());
        ensure_given_up((&estate, &store), ended).await.context(database.name)?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_sync_whose_derivation_another_process_took_says_so_and_gives_its_leases_back()
-> Result<()> {
    for database in both_databases().await? {
        let estate = Estate::of(300, 74).await?;
        let store = database.open().await?;
        estate.hub(store.clone())?.sync(&[], &SyncOptions::default()).await?;
        let hub = slow_hub(&estate, store.clone(), other_rules(&estate))?;
        // Nothing is read: the stream is of a kind that takes a moment.
        let options = SyncOptions { stream: Some("items".to_owned()), ..SyncOptions::default() };
        let only = ["halopsa".to_owned()];
        let (ended, stolen) = tokio::join!(hub.sync(&only, &options), steal_derivation(&store));
        stolen.context(database.name)?;
        ensure!(store.lease_holder("sync:halopsa").await?.is_none(), "it kept its lease");
        let runs = store.runs(1, Some("halopsa")).await?;
        ensure!(runs[0].outcome == Outcome::Complete, "what was read is kept: {runs:?}");
        let ended = ended.map(|_| ());
        ensure_given_up((&estate, &store), ended).await.context(database.name)?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}
