//! Delta rounds: what users, groups and devices have in common.
//!
//! A round begins at a path with a `$select` (or at the last round's delta link) and goes from
//! next link to next link until a page carries a delta link: that one proves its end. Links are
//! followed as they are. A place that Graph has forgotten is an expired checkpoint, never an end.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Changes, Error, ErrorKind, Page, Proof, Result, Resume, Scope, Source};
use core_http::Answer;
use core_model::record::Rejected;
use core_model::{Checkpoint, Record, RecordKind};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::Graph;
use crate::directories::Directories;
use crate::wire::RowsPage;

/// A collection that is read by delta.
#[derive(Clone, Copy)]
pub(crate) struct Spec {
    /// Its name in errors: method and path.
    pub(crate) operation: &'static str,
    /// Where a full round begins. Graph puts the `$select` into its tokens.
    pub(crate) start: &'static str,
    /// Raised whenever `start` changes: a token goes on with the old properties.
    pub(crate) version: u32,
    /// Reads a row of this directory.
    pub(crate) read: fn(row: Box<RawValue>, directory: &str, into: &mut Gathered),
}

/// A stream that is read by delta.
pub(crate) struct Delta {
    graph: Arc<Graph>,
    directories: Arc<Directories>,
    spec: Spec,
}

#[derive(Serialize, Deserialize)]
struct Place {
    base: String,
    version: u32,
    link: String,
}

impl Delta {
    /// A stream of this collection.
    pub(crate) fn new(graph: Arc<Graph>, directories: Arc<Directories>, spec: Spec) -> Self {
        Self { graph, directories, spec }
    }

    /// The link in a checkpoint, if it still is one of this Graph and of these properties.
    fn link(&self, checkpoint: &Checkpoint) -> Result<String> {
        let place = checkpoint.read::<Place>().ok();
        place
            .filter(|p| p.base == self.graph.base() && p.version == self.spec.version)
            .map(|place| place.link)
            .ok_or_else(|| {
                let detail = "the checkpoint is of another address or of other properties";
                Error::new(ErrorKind::CheckpointExpired, self.spec.operation, detail)
            })
    }

    fn read(&self, answer: &Answer, link: &str, directory: &str) -> Result<Page> {
        let page = RowsPage::read(answer, link, self.graph.base())?;
        let protocol =
            |detail: &str| Error::new(ErrorKind::Protocol, self.spec.operation, detail.to_owned());
        let (next, proof) = match (page.next, page.delta) {
            (Some(next), None) => (next, Proof::More),
            (None, Some(delta)) => (delta, Proof::Ended { how: "delta link" }),
            (None, None) => {
                return Err(protocol("the page has neither a next link nor a delta link"));
            }
            (Some(_), Some(_)) => {
                return Err(protocol("the page has both a next link and a delta link"));
            }
        };
        let mut gathered = Gathered::with_capacity(page.rows.len());
        for row in page.rows {
            (self.spec.read)(row, directory, &mut gathered);
        }
        let place =
            Place { base: self.graph.base().to_owned(), version: self.spec.version, link: next };
        let checkpoint = Checkpoint::of(&place).map_err(|e| protocol(&e.to_string()))?;
        let (records, gone, rejected) = gathered.finish();
        Ok(Page { records, gone, rejected, checkpoint: Some(checkpoint), proof, bytes: page.bytes })
    }
}

#[async_trait]
impl Source for Delta {
    fn changes(&self) -> Changes {
        Changes::UpsertsAndDeletes
    }

    async fn scopes(&self) -> Result<Vec<Scope>> {
        self.directories.scopes().await
    }

    async fn page(&self, scope: &Scope, from: Resume) -> Result<Page> {
        let (link, at_start) = match &from {
            Resume::Start => (self.spec.start.to_owned(), true),
            Resume::From(checkpoint) => (self.link(checkpoint)?, false),
        };
        let read = |answer: &Answer| self.read(answer, &link, &scope.key);
        let page = self.graph.get(&scope.key, &link, self.spec.operation, read).await;
        page.map_err(|error| match error.kind() {
            // There is no earlier start to go back to.
            ErrorKind::CheckpointExpired if at_start => error.into_kind(ErrorKind::Unavailable),
            _ => error,
        })
    }
}

/// What the rows of a page say, in their order.
pub(crate) struct Gathered {
    records: Vec<Record>,
    /// What is gone, and how many records had come before.
    gone: Vec<(usize, (RecordKind, String))>,
    rejected: Vec<Rejected>,
}

impl Gathered {
    fn with_capacity(rows: usize) -> Self {
        Self { records: Vec::with_capacity(rows), gone: Vec::new(), rejected: Vec::new() }
    }

    /// A record is there.
    pub(crate) fn live(&mut self, record: Record) {
        self.records.push(record);
    }

    /// A record is gone. In a first round nobody may ever have heard of it; that is harmless.
    pub(crate) fn gone(&mut self, kind: RecordKind, key: String) {
        self.gone.push((self.records.len(), (kind, key)));
    }

    /// A row cannot be used.
    pub(crate) fn reject(&mut self, rejected: Rejected) {
        self.rejected.push(rejected);
    }

    /// Of what is said of one record the last word counts. A page keeps what is there and what is
    /// gone apart, so where both occur the earlier word is dropped here.
    fn finish(mut self) -> (Vec<Record>, Vec<(RecordKind, String)>, Vec<Rejected>) {
        if !self.gone.is_empty() {
            let went: HashMap<_, _> =
                self.gone.iter().map(|(at, name)| ((name.0, name.1.clone()), *at)).collect();
            // Only of what is named on both sides it matters when it came.
            let mut came = HashMap::new();
            let mut at = 0;
            self.records.retain(|record| {
                let name = (record.facts.kind(), record.key.clone());
                let went_before = went.get(&name).is_none_or(|went| *went <= at);
                if went_before && went.contains_key(&name) {
                    came.insert(name, at);
                }
                at += 1;
                went_before
            });
            self.gone.retain(|(at, name)| came.get(name).is_none_or(|came| came < at));
        }
        let gone = self.gone.into_iter().map(|(_, name)| name).collect();
        (self.records, gone, self.rejected)
    }
}
