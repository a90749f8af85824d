//! Pages that are stored together, in one transaction with the place that the last of them leads to.
//!
//! The keys of a directory are random, so that a thousand new ones change most pages of their index, and so do four
//! thousand: a transaction for each page of the vendor's writes most of them twice.

use std::time::Duration;

use core_connector::Page;
use core_model::record::Rejected;
use core_model::{Checkpoint, Record, RecordKind};
use tokio::time::Instant;

/// So many records are enough for a transaction.
const RECORDS: usize = 3000;
/// So many bytes of them are.
const BYTES: usize = 4 * 1024 * 1024;
/// So long the first of them waits at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// What waits to be stored.
pub(super) struct Batch {
    pub(super) records: Vec<Record>,
    /// Where each page ends among the records.
    pub(super) ends: Vec<usize>,
    pub(super) gone: Vec<(RecordKind, String)>,
    pub(super) rejected: Vec<Rejected>,
    /// Where the last page leads to; none where it was the round's last.
    pub(super) checkpoint: Option<Checkpoint>,
    bytes: usize,
    since: Instant,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            ends: Vec::new(),
            gone: Vec::new(),
            rejected: Vec::new(),
            checkpoint: None,
            bytes: 0,
            since: Instant::now(),
        }
    }
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether the page may be stored together with what waits. Of a record that comes and goes, the last word counts;
    /// within a transaction a record that is there always is.
    pub(super) fn takes(&self, page: &Page) -> bool {
        self.is_empty() || page.gone.is_empty()
    }

    /// Adds a page, and which records it takes away.
    pub(super) fn add(&mut self, page: Page, gone: Vec<(RecordKind, String)>) {
        if self.is_empty() {
            self.since = Instant::now();
        }
        self.bytes += page.records.iter().map(|record| record.raw.len()).sum::<usize>();
        self.checkpoint = if page.is_last() { None } else { page.checkpoint };
        append(&mut self.records, page.records);
        self.ends.push(self.records.len());
        append(&mut self.gone, gone);
        append(&mut self.rejected, page.rejected);
    }

    pub(super) fn is_full(&self) -> bool {
        let enough = self.records.len() >= RECORDS || self.bytes >= BYTES;
        enough || !self.gone.is_empty() || !self.rejected.is_empty()
    }

    /// When what waits has waited long enough.
    pub(super) fn until(&self) -> Instant {
        self.since + PATIENCE
    }
}

fn append<T>(all: &mut Vec<T>, mut more: Vec<T>) {
    if all.is_empty() {
        *all = more;
    } else {
        all.append(&mut more);
    }
}

#[cfg(test)]
mod tests {
    use core_connector::Proof;
    use core_model::facts::{Facts, PersonFacts};

    use super::*;

    fn page(keys: std::ops::Range<usize>, proof: Proof) -> Page {
        let record =
            |key: usize| Record::new(key.to_string(), Facts::from(PersonFacts::default()), "{}");
        Page {
            records: keys.map(record).collect(),
            gone: Vec::new(),
            rejected: Vec::new(),
            checkpoint: Some(Checkpoint::new("next")),
            proof,
            bytes: 0,
        }
    }

    #[test]
    fn pages_are_gathered_until_they_are_enough() {
        let mut batch = Batch::default();
        assert!(batch.is_empty());
        batch.add(page(0..2999, Proof::More), Vec::new());
        assert!(!batch.is_full());
        batch.add(page(2999..3000, Proof::More), Vec::new());
        assert!(batch.is_full());
        assert_eq!((batch.ends.as_slice(), batch.records.len()), (&[2999, 3000][..], 3000));
        assert_eq!(batch.checkpoint.as_ref().map(Checkpoint::as_str), Some("next"));
        batch.add(page(0..1, Proof::Total { rows: 3001 }), Vec::new());
        assert_eq!(batch.checkpoint, None, "the last page leads nowhere");
    }

    #[test]
    fn bytes_are_enough_too() {
        let mut batch = Batch::default();
        let mut large = page(0..1, Proof::More);
        large.records[0].raw = " ".repeat(BYTES);
        batch.add(large, Vec::new());
        assert!(batch.is_full());
    }

    #[test]
    fn what_goes_is_not_gathered_with_what_comes() {
        let mut batch = Batch::default();
        let gone = vec![(RecordKind::Person, "1".to_owned())];
        let going = Page { gone: gone.clone(), ..page(2..3, Proof::More) };
        assert!(batch.takes(&going), "nothing came before");
        batch.add(page(0..2, Proof::More), Vec::new());
        assert!(!batch.takes(&going), "the first page brought it");
        let mut batch = Batch::default();
        batch.add(going, gone);
        assert!(batch.is_full(), "a later page may bring it back");
    }
}
