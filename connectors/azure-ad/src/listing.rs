//! Listings without a delta: when they are over, and the small ones read whole.
//!
//! The end is a page without a next link, and no count that was given says that rows are missing.
//! More rows than counted are no breach: a listing is no snapshot, and rows may come twice.

use std::collections::HashSet;

use core_connector::{Error, ErrorKind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::client::Graph;
use crate::wire::{self, RowsPage};

/// How often a listing is begun anew whose page tokens expired on the way.
const RESTARTS: u32 = 2;

/// Rows read so far, and how many were promised.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    rows: u64,
    /// `@odata.count`, which only the first page carries.
    total: Option<u64>,
}

impl Tally {
    /// With the rows of one more page.
    pub(crate) fn and(self, page: &RowsPage) -> Self {
        Self { rows: self.rows + page.rows.len() as u64, total: self.total.or(page.count) }
    }

    /// How it is known that a listing is over whose last page has no next link.
    ///
    /// # Errors
    /// `Protocol` where fewer rows came than were counted: the listing just stopped.
    pub(crate) fn end(self, operation: &str) -> Result<&'static str> {
        match self.total {
            Some(total) if self.rows < total => {
                let detail = format!(
                    "the listing stopped after {} of {total} rows: the last page has no next link",
                    self.rows
                );
                Err(Error::new(ErrorKind::Protocol, operation, detail))
            }
            Some(_) => Ok("no next link, and as many rows as counted"),
            None => Ok("no next link"),
        }
    }
}

/// Reads a small listing whole: each row with its text. A row that cannot be read fails it: what
/// is not in the list would look as if it were gone.
pub(crate) async fn whole<T: DeserializeOwned>(
    graph: &Graph,
    directory: &str,
    start: &str,
    operation: &str,
) -> Result<Vec<(T, String)>> {
    let mut restarts = 0;
    loop {
        match once(graph, directory, start, operation).await {
            Err(error) if error.kind() == ErrorKind::CheckpointExpired => {
                if restarts == RESTARTS {
                    return Err(error.into_kind(ErrorKind::Unavailable));
                }
                restarts += 1;
            }
            result => return result,
        }
    }
}

async fn once<T: DeserializeOwned>(
    graph: &Graph,
    directory: &str,
    start: &str,
    operation: &str,
) -> Result<Vec<(T, String)>> {
    let mut rows = Vec::new();
    let mut tally = Tally::default();
    let mut link = start.to_owned();
    let mut seen = HashSet::new();
    loop {
        let read = |answer: &_| RowsPage::read(answer, &link, graph.base());
        let page = graph.get(directory, &link, operation, read).await?;
        tally = tally.and(&page);
        for raw in page.rows {
            let row = wire::row(&raw).map_err(|rejected| {
                let detail =
                    format!("a row cannot be read at {}: {}", rejected.path, rejected.reason);
                Error::new(ErrorKind::Protocol, operation, detail)
            })?;
            rows.push((row, String::from(Box::<str>::from(raw))));
        }
        let Some(next) = page.next else {
            tally.end(operation)?;
            return Ok(rows);
        };
        if !seen.insert(next.clone()) {
            let detail = "the listing goes round in a circle: a next link came twice";
            return Err(Error::new(ErrorKind::Protocol, operation, detail));
        }
        link = next;
    }
}
