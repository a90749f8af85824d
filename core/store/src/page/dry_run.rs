//! What storing a page would do, without doing it.

use core_model::facts::Facts;
use core_model::{Record, RecordKind};

use super::compare::Standing;
use super::known::KnownPages;
use super::{Name, PageOutcome};
use crate::error::Result;
use crate::open::Store;

/// Names given as examples.
const SAMPLE: usize = 20;

/// What storing a page would do.
#[derive(Clone, Debug, Default)]
pub struct PageDiff {
    /// Some of the records that would be created.
    pub created: Vec<(RecordKind, String)>,
    /// The records that would change: kind, key, facts before and after. Records whose stored facts
    /// another version wrote are counted only.
    pub changed: Vec<(RecordKind, String, Facts, Facts)>,
    /// Some of the records that would be gone.
    pub gone: Vec<(RecordKind, String)>,
    /// How many of each. Nothing is held in a dry run.
    pub counts: PageOutcome,
}

impl Store {
    /// Says what [`Store::commit_page`] would do with these records.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn dry_run_page(
        &self,
        stream_id: i64,
        records: &[Record],
        gone: &[Name],
    ) -> Result<PageDiff> {
        let mut tx = self.snapshot().await?;
        let compared = self.compare(&mut tx, stream_id, (records, &KnownPages::default())).await?;
        let mut going = self.tombstones(&mut tx, stream_id, gone, &compared).await?;
        tx.rollback().await?;

        let mut diff = PageDiff { counts: compared.outcome(), ..PageDiff::default() };
        diff.counts.gone = going.len() as u64;
        going.truncate(SAMPLE);
        diff.gone = going;
        for one in compared.iter() {
            let name = || (one.kind(), one.key.to_string());
            match one.standing {
                Standing::New | Standing::Back if diff.created.len() < SAMPLE => {
                    diff.created.push(name());
                }
                Standing::Changed => {
                    if let Some(before) = one.prior.as_ref().and_then(|prior| prior.facts.clone()) {
                        let (kind, key) = name();
                        diff.changed.push((kind, key, before, one.record.facts.clone()));
                    }
                }
                _ => {}
            }
        }
        Ok(diff)
    }
}
