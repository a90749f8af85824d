//! The streams: one file for each, and the reader for those whose rows say everything by
//! themselves.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Changes, Page, Result, Resume, Scope, Source, Stream, StreamDoc};
use core_model::record::{Record, RecordKind, Rejected};
use serde_json::value::RawValue;

use crate::azure_map::AzureTenants;
use crate::client::Halo;
use crate::config::Config;
use crate::paging::{Found, Listing, Round};
use assets::Assets;
use contracts::Contracts;
use invoices::Invoices;
use items::Items;

pub(crate) mod assets;
pub(crate) mod clients;
pub(crate) mod contracts;
pub(crate) mod invoices;
pub(crate) mod items;
pub(crate) mod sites;
pub(crate) mod users;

/// How many objects a page reads one by one at a time.
pub(crate) const AT_ONCE: usize = 4;

/// The streams of an instance.
pub(crate) struct Streams {
    clients: Rows,
    azure_tenants: AzureTenants,
    sites: Rows,
    users: Rows,
    assets: Assets,
    items: Items,
    contracts: Contracts,
    invoices: Invoices,
}

impl Streams {
    pub(crate) fn new(halo: &Arc<Halo>, config: &Config) -> Self {
        let rows = |listing, read| Rows {
            halo: Arc::clone(halo),
            incremental: config.incremental,
            listing,
            read,
        };
        Self {
            clients: rows(&clients::LISTING, clients::read),
            azure_tenants: AzureTenants::new(halo),
            sites: rows(&sites::LISTING, sites::read),
            users: rows(&users::LISTING, users::read),
            assets: Assets::new(halo, config.incremental),
            items: Items::new(halo),
            contracts: Contracts::new(halo, config.contract_details),
            invoices: Invoices::new(halo),
        }
    }

    /// In the order in which a first sync should read them.
    pub(crate) fn list(&self) -> Vec<Stream<'_>> {
        vec![
            stream("clients", &[RecordKind::Client], &self.clients),
            stream("azure-tenants", &[RecordKind::ClientLink], &self.azure_tenants),
            stream("sites", &[RecordKind::Site], &self.sites),
            stream("users", &[RecordKind::Contact], &self.users),
            stream("assets", &[RecordKind::Asset], &self.assets),
            stream("items", &[RecordKind::Product], &self.items),
            stream("contracts", &[RecordKind::Agreement], &self.contracts),
            stream("invoices", &[RecordKind::AgreementLine], &self.invoices),
        ]
    }
}

/// The description of a stream.
pub(crate) const fn doc(
    name: &'static str,
    kinds: &'static [RecordKind],
    changes: Changes,
) -> StreamDoc {
    StreamDoc { name, kinds, changes }
}

fn stream<'a>(
    name: &'static str,
    kinds: &'static [RecordKind],
    source: &'a dyn Source,
) -> Stream<'a> {
    Stream { name, kinds, source }
}

/// What a source says about changes, as the settings have it.
pub(crate) fn changes(incremental: bool) -> Changes {
    if incremental { Changes::Upserts } else { Changes::Snapshot }
}

/// Reads a row; `None` where it stands for nothing that the hub keeps.
type ReadRow = fn(&RawValue) -> std::result::Result<Option<Record>, Rejected>;

/// A list of which each row is a record.
struct Rows {
    halo: Arc<Halo>,
    incremental: bool,
    listing: &'static Listing,
    read: ReadRow,
}

#[async_trait]
impl Source for Rows {
    fn changes(&self) -> Changes {
        changes(self.incremental)
    }

    async fn page(&self, _: &Scope, from: Resume) -> Result<Page> {
        let round = Round::resume(&from, self.listing)?;
        let sheet = self.halo.sheet(self.listing, &round.walk, round.since()).await?;
        let mut found = Found::default();
        for row in &sheet.rows {
            found.add((self.read)(row));
        }
        Ok(found.page(sheet.bytes, round.after(sheet.step, self.incremental)?))
    }
}
