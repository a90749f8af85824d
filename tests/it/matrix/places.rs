//! What becomes of a sync that stopped at a place from which there is no way on.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use core_connector::{
    Account, Changes, Connector, Error, ErrorKind, Page, Proof, Resume, Scope, Source, Stream,
};
use core_model::Checkpoint;
use core_model::facts::ClientFacts;
use core_model::record::{Record, RecordKind};
use core_model::run::Outcome;
use core_sync::{Clock, Connection, Hub, Settings, SyncOptions};

/// A system of two pages. Out of order, its first page leads to nowhere.
#[derive(Default)]
struct TwoPages {
    mended: AtomicBool,
}

const LOST: &str = "lost";

#[async_trait]
impl Source for TwoPages {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _: &Scope, from: Resume) -> core_connector::Result<Page> {
        let mended = self.mended.load(Ordering::Relaxed);
        let (key, next) = match from {
            Resume::Start => ("1", Some(if mended { "second" } else { LOST })),
            Resume::From(place) if place.as_str() == LOST => {
                return Err(Error::new(ErrorKind::Protocol, "GET /lost", "a link leads nowhere"));
            }
            Resume::From(_) => ("2", None),
        };
        Ok(Page {
            records: vec![Record::new(key, ClientFacts::default().into(), "{}")],
            gone: Vec::new(),
            rejected: Vec::new(),
            checkpoint: next.map(Checkpoint::new),
            proof: if next.is_some() { Proof::More } else { Proof::Ended { how: "two pages" } },
            bytes: 2,
        })
    }
}

#[async_trait]
impl Connector for TwoPages {
    async fn check(&self) -> core_connector::Result<Account> {
        Ok(Account::default())
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        vec![Stream { name: "clients", kinds: &[RecordKind::Client], source: self }]
    }
}

/// A connector that the test holds too.
struct Shared(&'static TwoPages);

#[async_trait]
impl Connector for Shared {
    async fn check(&self) -> core_connector::Result<Account> {
        self.0.check().await
    }

    fn streams(&self) -> Vec<Stream<'_>> {
        self.0.streams()
    }
}

/// Kept for ever, the place would fail every run to come.
#[tokio::test]
async fn a_place_that_leads_nowhere_is_given_up_by_the_next_run() -> Result<()> {
    static PAGES: TwoPages = TwoPages { mended: AtomicBool::new(false) };
    let (store, _folder) = tests::fresh_sqlite().await?;
    let (name, kind) = ("test".to_owned(), "test".to_owned());
    let connection = Connection { name, kind, connector: Box::new(Shared(&PAGES)) };
    let hub = Hub::new(store, vec![connection], Settings::default(), Clock::system());
    for _ in 0..2 {
        let runs = hub.sync(&[], &SyncOptions::default()).await?;
        ensure!(runs[0].outcome == Outcome::Failed, "{runs:?}");
    }
    PAGES.mended.store(true, Ordering::Relaxed);
    let runs = hub.sync(&[], &SyncOptions::default()).await?;
    ensure!(runs[0].outcome == Outcome::Complete, "{runs:?}");
    ensure!(hub.store.streams().await?[0].1.live == 2, "a row is missing");
    Ok(())
}
