//! Pages that a vendor gave before, word for word.
//!
//! Most of what a full round reads is as it was. A page of which every record was stored as it stands there, and of which
//! none was changed or taken away since, need not be looked up record by record: it is known by a digest.

use std::collections::{HashMap, HashSet};

use core_model::Record;
use sqlx::AnyConnection;
use xxhash_rust::xxh3::Xxh3Default;

use super::PageCommit;
use super::compare::{ComparedPage, content_hash};
use crate::bulk::Bulk;
use crate::counter::CHANGE;
use crate::error::Result;
use crate::hash;
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, clean, limit, list};
use crate::stream::RoundMode;
use crate::sweep;

/// A smaller page is looked up as fast as its digest.
const LEAST: usize = 50;
/// Records that were changed since a page was known; where there are more, all are looked up.
const TOUCHED: usize = 1000;

const NOTED: Bulk = Bulk {
    text: "insert into known_page (stream_id, sweep, change_seq, digest) values {rows} \
           on conflict (stream_id, digest) do update set change_seq = excluded.change_seq, \
           sweep = excluded.sweep",
    columns: 1,
};

/// The vendor's pages among the records of a commit.
#[derive(Default)]
pub(crate) struct KnownPages {
    /// Where each ends, and whether all its records stand as they are stored.
    ends: Vec<(usize, bool)>,
    /// Digests of those that are worth one.
    digests: Vec<String>,
}

impl KnownPages {
    /// Whether the record at this place stands as it is stored.
    pub(super) fn has(&self, place: usize) -> bool {
        let page = self.ends.partition_point(|(end, _)| *end <= place);
        self.ends.get(page).is_some_and(|(_, known)| *known)
    }
}

impl Store {
    /// Finds which of the vendor's pages are known; none is in a round that reads what changed.
    pub(super) async fn known_pages(
        &self,
        tx: &mut AnyConnection,
        page: &PageCommit<'_>,
    ) -> Result<KnownPages> {
        let mut known = KnownPages::default();
        if page.round.mode != RoundMode::Full || page.pages.is_empty() {
            return Ok(known);
        }
        let mut pages = Vec::with_capacity(page.pages.len());
        let mut start = 0;
        for &end in page.pages {
            let records = page.records.get(start..end).unwrap_or_default();
            start = end;
            let digest = (records.len() >= LEAST).then(|| hash::written(digest(records)));
            known.digests.extend(digest.clone());
            pages.push((end, records, digest));
        }
        let found = self.found_pages(tx, page.stream, &known.digests).await?;
        let since = found.values().min().copied();
        let touched = match since {
            Some(since) => self.touched(tx, page.stream, since).await?,
            None => None,
        };
        let is_known = |records: &[Record], digest: Option<String>| {
            let (Some(touched), Some(digest)) = (&touched, digest) else { return false };
            let is_touched = |record: &Record| touched.contains(&name(record));
            found.contains_key(&digest) && (touched.is_empty() || !records.iter().any(is_touched))
        };
        let each = pages.into_iter();
        known.ends = each.map(|(end, records, digest)| (end, is_known(records, digest))).collect();
        Ok(known)
    }

    /// Notes that every record of these pages stands as it is stored; unless one comes twice, of which the last counts.
    pub(super) async fn note_pages(
        &self,
        tx: &mut AnyConnection,
        page: &PageCommit<'_>,
        (known, compared): (&KnownPages, &ComparedPage<'_>),
    ) -> Result<()> {
        if known.digests.is_empty() || compared.len() != page.records.len() {
            return Ok(());
        }
        // Nobody else writes records of this stream before the commit; later numbers are greater.
        let query = self.sql("select value from counter where name = $1").bind(CHANGE);
        let newest = query.fetch_one(&mut *tx).await?.int(0)?;
        let shared = [page.stream, page.round.sweep, newest].map(Argument::Int);
        let digests = &known.digests;
        self.bulk_of(tx, (&NOTED, ""), &shared, digests, |rows, digest| rows.bind(digest)).await?;
        Ok(())
    }

    /// Forgets the pages that no round from this one on has read.
    pub(crate) async fn forget_pages(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        sweep: i64,
    ) -> Result<()> {
        let query = self.sql("delete from known_page where stream_id = $1 and sweep < $2");
        query.bind(stream).bind(sweep).execute(tx).await?;
        Ok(())
    }

    /// Those of these pages that were read before, and the newest change at that time.
    async fn found_pages(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        digests: &[String],
    ) -> Result<HashMap<String, i64>> {
        if digests.is_empty() {
            return Ok(HashMap::new());
        }
        let text = "select digest, change_seq from known_page \
                    where stream_id = $1 and digest in list($2)";
        let rows = self.sql(text).bind(stream).bind(list(digests)).fetch_all(tx).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.int(1)?))).collect()
    }

    /// The names of a stream's records that were changed, went or came back after this change; none where they are too
    /// many.
    async fn touched(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        after_seq: i64,
    ) -> Result<Option<HashSet<u128>>> {
        let mut select = Select::new("select kind, key from source_record");
        select.push(
            " where stream_id = {} and change_seq > {} \
             and (changed_at > first_seen or gone_since is not null) limit {}",
            [stream, after_seq, limit(TOUCHED)].map(Argument::Int),
        );
        let found = self.packed(tx, 2, select).await?;
        let mut touched = HashSet::new();
        for row in found.rows() {
            touched.insert(sweep::digest(row.str(0)?, row.str(1)?));
        }
        Ok((touched.len() < TOUCHED).then_some(touched))
    }
}

fn name(record: &Record) -> u128 {
    sweep::digest(record.facts.kind().as_str(), &clean(&record.key))
}

fn digest(records: &[Record]) -> u128 {
    let mut digest = Xxh3Default::new();
    for record in records {
        // No text can be taken for the end of one and the beginning of another.
        for text in [record.facts.kind().as_str(), &*record.key] {
            digest.update(&(text.len() as u64).to_le_bytes());
            digest.update(text.as_bytes());
        }
        digest.update(&content_hash(record).to_le_bytes());
    }
    digest.digest128()
}
