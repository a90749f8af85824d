//! Walking over a paged list: where the next page is, and whether the end is proven.
//!
//! Halo numbers its pages, and each page says how many rows there are in all. That total is a proof
//! only as long as nothing contradicts it, and page numbers find every row only as long as no row
//! before them goes away. This is pure bookkeeping; it sends nothing.

use core_connector::{Error, ErrorKind, Proof, Result};
use serde::{Deserialize, Serialize};

/// How often a list is begun anew because rows moved while it was read.
const MOST_RESTARTS: u8 = 2;

/// A place in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// The page to ask for, from 1.
    page: u32,
    /// Different rows on the pages before.
    read: u64,
    /// All rows on the pages before, repeated ones too.
    rows: u64,
    /// The greatest id so far.
    greatest: Option<i64>,
    /// The first id on the page before.
    first: Option<i64>,
}

/// How far a list was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Walk {
    at: Position,
    /// One page back, to return to when a row before us went away.
    before: Option<Position>,
    /// The total that the last page gave.
    total: Option<u64>,
    /// The totals were found to be wrong: only an empty page is the end.
    distrust: bool,
    /// The rows came in the order asked for, so that a repeated row is known by its id.
    ordered: bool,
    restarts: u8,
}

/// What a page shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// The ids on it, in order; `None` for a row without.
    pub(crate) ids: Vec<Option<i64>>,
    /// The total it gives; 0 where it gives none.
    pub(crate) total: u64,
    /// The page size it says it used, which may be less than was asked for.
    pub(crate) page_size: Option<u64>,
}

/// What comes after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Go on.
    More(Walk),
    /// It is the end, and this is how we know.
    End(Proof),
}

impl Walk {
    /// Before the first page.
    pub(crate) fn start() -> Self {
        Self {
            at: Position { page: 1, read: 0, rows: 0, greatest: None, first: None },
            before: None,
            total: None,
            distrust: false,
            ordered: true,
            restarts: 0,
        }
    }

    /// The page to ask for.
    pub(crate) fn page(&self) -> u32 {
        self.at.page
    }

    /// What follows after the page that was asked for shows this.
    ///
    /// # Errors
    /// `Protocol` where the page cannot be right (asking again may help); `CheckpointExpired` where
    /// rows move about so much that the list cannot be read to its end.
    pub(crate) fn advance(&self, operation: &str, shown: &Shown) -> Result<Step> {
        let protocol = |detail| Err(Error::new(ErrorKind::Protocol, operation, detail));
        let page = self.at.page;
        let first = shown.ids.first().copied().flatten();
        if page > 1 && first.is_some() && first == self.at.first {
            return protocol(format!("page {page} repeats the page before it"));
        }
        let said = (shown.total > 0 && !self.distrust).then_some(shown.total);
        // A total that our place has passed says that this page is empty. It is not.
        let lies = !shown.ids.is_empty() && said.is_some_and(|total| self.at.rows >= total);
        if let (Some(was), Some(is), false) = (self.total, said, lies)
            && is < was
        {
            return self.step_back(operation, was - is, is);
        }
        let total = if lies { None } else { said.or(self.total) };
        if shown.ids.is_empty() {
            return self.ended(operation, total);
        }
        let ordered = self.ordered && ascends(&shown.ids);
        let next = self.after(shown, ordered);
        let Some(total) = total else {
            if next.read == self.at.read {
                return protocol(format!("page {page} holds only rows that were read before"));
            }
            return Ok(self.onto(next, None, ordered, self.distrust || lies));
        };
        // Without paging Halo writes the number of rows it sends as the total. A full page that is
        // said to be all there is, is asked about once more.
        let count = shown.ids.len() as u64;
        let full = shown.page_size.is_none_or(|size| count >= size);
        if next.read >= total && !(full && count == total) {
            return Ok(Step::End(Proof::Total { rows: total }));
        }
        if next.rows >= total && next.read < total {
            return self.restart(operation);
        }
        Ok(self.onto(next, Some(total), ordered, false))
    }

    fn onto(&self, next: Position, total: Option<u64>, ordered: bool, distrust: bool) -> Step {
        let before = Some(self.at.clone());
        Step::More(Self { at: next, before, total, distrust, ordered, restarts: self.restarts })
    }

    /// An empty page is the end only if that many rows were read as there are said to be.
    fn ended(&self, operation: &str, total: Option<u64>) -> Result<Step> {
        match total {
            None => Ok(Step::End(Proof::Ended { how: "an empty page after the last" })),
            Some(total) if self.at.rows < total => {
                let detail = format!(
                    "page {} is empty, but only {} of {total} rows were read",
                    self.at.page, self.at.rows
                );
                Err(Error::new(ErrorKind::Protocol, operation, detail))
            }
            Some(total) if self.at.read < total => self.restart(operation),
            Some(total) => Ok(Step::End(Proof::Total { rows: total })),
        }
    }

    /// Rows went away, maybe some that were read: then as many others slipped onto pages that were
    /// read, and the page before is read again.
    fn step_back(&self, operation: &str, gone: u64, total: u64) -> Result<Step> {
        let Some(before) = &self.before else { return self.restart(operation) };
        if gone > self.at.rows - before.rows {
            return self.restart(operation);
        }
        let total = Some(total);
        Ok(Step::More(Self { at: before.clone(), before: None, total, ..self.clone() }))
    }

    fn restart(&self, operation: &str) -> Result<Step> {
        if self.restarts >= MOST_RESTARTS {
            let detail = "rows move from page to page while the list is read";
            return Err(Error::new(ErrorKind::CheckpointExpired, operation, detail));
        }
        let (restarts, distrust) = (self.restarts + 1, self.distrust);
        Ok(Step::More(Self { restarts, distrust, ..Self::start() }))
    }

    fn after(&self, shown: &Shown, ordered: bool) -> Position {
        let known = |id: i64| ordered && self.at.greatest.is_some_and(|greatest| id <= greatest);
        let mut ids: Vec<i64> = shown.ids.iter().flatten().copied().collect();
        let nameless = shown.ids.len() - ids.len();
        ids.sort_unstable();
        ids.dedup();
        let fresh = ids.iter().filter(|id| !known(**id)).count() + nameless;
        Position {
            page: self.at.page + 1,
            read: self.at.read + fresh as u64,
            rows: self.at.rows + shown.ids.len() as u64,
            greatest: ids.last().copied().max(self.at.greatest),
            first: shown.ids.first().copied().flatten(),
        }
    }
}

fn ascends(ids: &[Option<i64>]) -> bool {
    let ids: Vec<i64> = ids.iter().flatten().copied().collect();
    ids.is_sorted()
}

#[cfg(test)]
mod tests;
