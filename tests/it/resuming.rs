//! A round that was left in its middle: where it goes on, and when it starts over instead.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use core_connector::{
    Account, Changes, Connector, Error, ErrorKind, Page, Proof, Resume, Scope, Source, Stream,
};
use core_model::facts::ProductFacts;
use core_model::run::{Outcome, Run};
use core_model::{Checkpoint, Record, RecordKind};
use core_sync::{Clock, Connection, Hub, Settings, SyncOptions};
use tests::databases;

/// Pages of the listing, a record each.
const PAGES: u64 = 5;
/// The page at which the vendor makes trouble.
const TROUBLE: u64 = 3;

/// A vendor that refuses one page as often as it was told to.
#[derive(Default)]
struct Desk {
    refusals: VecDeque<ErrorKind>,
    asked: Vec<u64>,
}

struct Vendor(Listing);

struct Listing(Arc<Mutex<Desk>>);

#[async_trait]
impl Connector for Vendor {
    async fn check(&self) -> core_connector::Result<Account> {
        Ok(Account::default())
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        vec![Stream { name: "items", kinds: &[RecordKind::Product], source: &self.0 }]
    }
}

#[async_trait]
impl Source for Listing {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _: &Scope, from: Resume) -> core_connector::Result<Page> {
        let page = match from {
            Resume::Start => 0,
            Resume::From(checkpoint) => checkpoint.as_str().parse().unwrap_or(PAGES),
        };
        let mut desk = self.0.lock().unwrap();
        desk.asked.push(page);
        if page == TROUBLE
            && let Some(kind) = desk.refusals.pop_front()
        {
            return Err(Error::new(kind, "items", "not this page"));
        }
        let name = format!("item {page}");
        let facts = ProductFacts { name: name.clone(), ..ProductFacts::default() };
        let last = page + 1 == PAGES;
        Ok(Page {
            records: vec![Record::new(page.to_string(), facts.into(), format!("{{\"n\":{page}}}"))],
            gone: Vec::new(),
            rejected: Vec::new(),
            checkpoint: (!last).then(|| Checkpoint::new((page + 1).to_string())),
            proof: if last { Proof::Ended { how: "the last page" } } else { Proof::More },
            bytes: 10,
        })
    }
}

/// A sync that is cut off at the page of trouble, and one that finds these refusals there: what the
/// second one asked for, and how it ended.
async fn resumed(refusals: &[ErrorKind]) -> Result<(Vec<u64>, Run)> {
    let desk = Arc::new(Mutex::new(Desk::default()));
    let connection = Connection {
        name: "psa".to_owned(),
        kind: "halopsa".to_owned(),
        connector: Box::new(Vendor(Listing(Arc::clone(&desk)))),
    };
    let database = databases::sqlite()?;
    let store = database.open().await?;
    let hub = Hub::new(store, vec![connection], Settings::default(), Clock::system());
    desk.lock().unwrap().refusals = VecDeque::from([ErrorKind::Unavailable]);
    let runs = hub.sync(&[], &SyncOptions::default()).await?;
    ensure!(runs[0].outcome == Outcome::Failed, "{:?}", runs[0]);
    {
        let mut desk = desk.lock().unwrap();
        ensure!(desk.asked == [0, 1, 2, 3], "{:?}", desk.asked);
        desk.asked.clear();
        desk.refusals = refusals.iter().copied().collect();
    }
    let runs = hub.sync(&[], &SyncOptions::default()).await?;
    let asked = desk.lock().unwrap().asked.clone();
    Ok((asked, runs[0].clone()))
}

#[tokio::test]
async fn one_bad_answer_where_a_round_was_left_does_not_start_it_over() -> Result<()> {
    for refusals in [&[][..], &[ErrorKind::Rejected], &[ErrorKind::Protocol, ErrorKind::NotFound]] {
        let (asked, run) = resumed(refusals).await?;
        ensure!(run.outcome == Outcome::Complete, "{run:?}");
        ensure!(!asked.contains(&0), "{refusals:?}: it began anew: {asked:?}");
        ensure!(asked.len() == refusals.len() + 2, "{refusals:?}: {asked:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_place_that_leads_nowhere_is_given_up_and_the_round_starts_over() -> Result<()> {
    let (asked, run) = resumed(&[ErrorKind::Rejected; 3]).await?;
    ensure!(run.outcome == Outcome::Complete, "{run:?}");
    ensure!(asked == [3, 3, 3, 0, 1, 2, 3, 4], "{asked:?}");
    Ok(())
}

#[tokio::test]
async fn a_refusal_that_asks_for_a_human_keeps_the_place() -> Result<()> {
    let (asked, run) = resumed(&[ErrorKind::Forbidden]).await?;
    ensure!(run.outcome == Outcome::Failed, "{run:?}");
    ensure!(asked == [3], "{asked:?}");
    Ok(())
}
