//! Paged lists: what is asked for, what a page must hold, and the checkpoints between pages.
//!
//! A list without its rows' key is no list: an error that came with status 200 never ends a read.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use core_connector::{Error, ErrorKind, Page, Proof, Result, Resume};
use core_http::{Answer, Request, decode};
use core_model::Checkpoint;
use core_model::record::{Record, Rejected};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::Halo;
use crate::fault;
use crate::walk::{Shown, Step, Walk};
use crate::wire;

/// Raised when the meaning of checkpoints changes.
const VERSION: u32 = 1;

/// How far an incremental round reaches back before the start of the round before it: clocks differ
/// and saves take a while.
const OVERLAP: TimeDelta = TimeDelta::minutes(10);

/// A list of Halo's.
#[derive(Debug)]
pub(crate) struct Listing {
    /// The path.
    pub(crate) path: &'static str,
    /// The key of the rows in the answer.
    pub(crate) rows: &'static str,
    /// What is asked for besides the page.
    pub(crate) query: &'static [(&'static str, &'static str)],
}

/// A page as received, and what follows it.
pub(crate) struct Sheet {
    pub(crate) rows: Vec<Box<RawValue>>,
    pub(crate) bytes: u64,
    pub(crate) step: Step,
}

/// What was read out of a page's rows.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) records: Vec<Record>,
    pub(crate) rejected: Vec<Rejected>,
}

/// Where a round stands.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
enum Mark {
    /// In the middle.
    Page(Round),
    /// At its end: the next one asks for what changed since.
    Since { version: u32, since: DateTime<Utc> },
}

/// A round over a list.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Round {
    version: u32,
    pub(crate) walk: Walk,
    started: DateTime<Utc>,
    since: Option<DateTime<Utc>>,
}

impl Round {
    /// The round that a checkpoint stands for.
    ///
    /// # Errors
    /// `CheckpointExpired` where the checkpoint is none of ours.
    pub(crate) fn resume(from: &Resume, listing: &Listing) -> Result<Self> {
        let begin =
            |since| Self { version: VERSION, walk: Walk::start(), started: Utc::now(), since };
        let Resume::From(checkpoint) = from else { return Ok(begin(None)) };
        match checkpoint.read::<Mark>() {
            Ok(Mark::Page(round)) if round.version == VERSION => Ok(round),
            Ok(Mark::Since { version: VERSION, since }) => Ok(begin(Some(since))),
            _ => Err(expired(listing)),
        }
    }

    /// The time that the changes asked for reach back to.
    pub(crate) fn since(&self) -> Option<DateTime<Utc>> {
        self.since
    }

    /// The checkpoint and proof after a step; `incremental` where a next round can start from here.
    pub(crate) fn after(
        self,
        step: Step,
        incremental: bool,
    ) -> Result<(Option<Checkpoint>, Proof)> {
        match step {
            Step::More(walk) => Ok((Some(mark(&Mark::Page(Self { walk, ..self }))?), Proof::More)),
            Step::End(proof) if incremental => {
                let since = self.started - OVERLAP;
                Ok((Some(mark(&Mark::Since { version: VERSION, since })?), proof))
            }
            Step::End(proof) => Ok((None, proof)),
        }
    }
}

impl Found {
    /// Adds a row's record, or the reason why there is none.
    pub(crate) fn add(&mut self, row: std::result::Result<Option<Record>, Rejected>) {
        match row {
            Ok(record) => self.records.extend(record),
            Err(rejected) => self.rejected.push(rejected),
        }
    }

    /// The page.
    pub(crate) fn page(self, bytes: u64, (checkpoint, proof): (Option<Checkpoint>, Proof)) -> Page {
        let Self { records, rejected } = self;
        Page { records, gone: Vec::new(), rejected, checkpoint, proof, bytes }
    }
}

impl Halo {
    /// One page of a list. What the page before showed is part of how it is read, so that a page
    /// that cannot be right is asked for again.
    pub(crate) async fn sheet(
        &self,
        listing: &Listing,
        walk: &Walk,
        since: Option<DateTime<Utc>>,
    ) -> Result<Sheet> {
        let mut request = Request::get(listing.path)
            .query("pageinate", "true")
            .query("page_size", self.page_size.to_string())
            .query("page_no", walk.page().to_string())
            .query("order", "id")
            .query("orderdesc", "false");
        for (name, value) in listing.query {
            request = request.query(name, *value);
        }
        if let Some(since) = since {
            let since = since.format("%Y-%m-%dT%H:%M:%SZ").to_string();
            request = request.query("lastupdatefromdate", since);
        }
        self.http
            .call(&request, |answer| {
                let (rows, shown) = envelope(answer, listing)?;
                if let Some(since) = since {
                    note_unfiltered(listing, &rows, since);
                }
                let step = walk.advance(&answer.operation, &shown)?;
                Ok(Sheet { rows, bytes: answer.body.len() as u64, step })
            })
            .await
    }
}

/// A checkpoint that holds this.
///
/// # Errors
/// Never in practice: marks are plain values.
pub(crate) fn mark<T: Serialize>(value: &T) -> Result<Checkpoint> {
    Checkpoint::of(value)
        .map_err(|error| Error::new(ErrorKind::Protocol, "checkpoint", error.to_string()))
}

/// The checkpoint is of another version, or of another stream.
pub(crate) fn expired(listing: &Listing) -> Error {
    let operation = format!("GET /{}", listing.path);
    Error::new(ErrorKind::CheckpointExpired, operation, "the checkpoint is of another version")
}

fn envelope(answer: &Answer, listing: &Listing) -> Result<(Vec<Box<RawValue>>, Shown)> {
    let protocol = |detail| Error::new(ErrorKind::Protocol, &answer.operation, detail);
    let mut envelope: BTreeMap<String, Box<RawValue>> = decode::json(answer)?;
    let Some(rows) = envelope.remove(listing.rows) else {
        let detail = format!("the answer holds no `{}`: {}", listing.rows, fault::said(answer));
        return Err(protocol(detail));
    };
    let rows: Vec<Box<RawValue>> = serde_json::from_str(rows.get())
        .map_err(|error| protocol(format!("`{}` is no list: {error}", listing.rows)))?;
    let number = |name: &str| {
        let number = envelope.get(name).and_then(|value| wire::whole(value.get()));
        number.and_then(|number| u64::try_from(number).ok())
    };
    let ids = rows.iter().map(|row| wire::id_of(row)).collect();
    let shown = Shown {
        ids,
        total: number("record_count").unwrap_or_default(),
        page_size: number("page_size").filter(|size| *size > 0),
    };
    Ok((rows, shown))
}

/// A filter that Halo does not know is dropped without a word. That costs time and nothing else:
/// every row is an upsert.
fn note_unfiltered(listing: &Listing, rows: &[Box<RawValue>], since: DateTime<Utc>) {
    let older = |row: &RawValue| wire::changed(row).is_some_and(|at| at < since);
    if rows.iter().any(|row| older(row)) {
        tracing::debug!(list = listing.path, "`lastupdatefromdate` is not obeyed: all is read");
    }
}
