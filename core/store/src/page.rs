//! A page of records and the checkpoint that comes with it, in one transaction: there is no way to
//! store the one without the other.

use core_model::record::Rejected;
use core_model::{Checkpoint, Record, RecordKind};
use sqlx::AnyConnection;

use crate::bulk::Bulk;
use crate::counter::CHANGE;
use crate::error::Result;
use crate::hash;
use crate::open::Store;
use crate::sql::{Argument, clean};
use crate::stream::Round;

mod compare;
mod dry_run;
mod first;
mod known;

use compare::{Compared, Prior, Standing};
pub(crate) use compare::{ComparedPage, by_kind};
pub use dry_run::PageDiff;
pub use first::{DerivedAhead, First, FirstEntities};

/// A page to be stored.
#[derive(Clone, Copy, Debug)]
pub struct PageCommit<'a> {
    /// The stream's id.
    pub stream: i64,
    /// The run's id, for the quarantine.
    pub run: &'a str,
    /// The round that the page belongs to.
    pub round: &'a Round,
    /// Records; of several with one key the last counts.
    pub records: &'a [Record],
    /// Where each of the vendor's pages ends among the records; empty where they are of no page.
    pub pages: &'a [usize],
    /// Records that the vendor says are gone. One that is also among `records` is not gone.
    pub gone: &'a [(RecordKind, String)],
    /// Records that cannot be used.
    pub rejected: &'a [Rejected],
    /// Where to go on after this page. Without one, the round's stays as it was.
    pub checkpoint: Option<&'a Checkpoint>,
    /// How many records may go in this round by the vendor's word; further ones are held.
    pub max_gone: Option<u64>,
    /// What becomes of records that nobody knew before, to be written with them.
    pub first: Option<&'a dyn FirstEntities>,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// What storing a page did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageOutcome {
    /// Records seen for the first time, or again after they were gone.
    pub created: u64,
    /// Records with new content.
    pub changed: u64,
    /// Records as they were.
    pub unchanged: u64,
    /// Those of them that stand in a page which was read before, word for word.
    pub known: u64,
    /// Records that are gone now and were live before.
    pub gone: u64,
    /// Records that the vendor says are gone, and that stay until somebody agrees.
    pub held: u64,
    /// Records put into quarantine.
    pub rejected: u64,
    /// What became of the records at once.
    pub first: First,
}

/// Records that are not stored yet.
const NEW: Bulk = Bulk {
    text: "insert{or fail} into source_record (stream_id, first_seen, changed_at, change_seq, \
           kind, key, client, hash, facts, history, payload) values {rows}",
    columns: 8,
};

/// Records that are. However the clock went: changed is later than seen for the first time.
const AGAIN: Bulk = Bulk {
    text: "insert into source_record (stream_id, first_seen, changed_at, change_seq, kind, key, client, \
           hash, facts, history, payload) values {rows} \
           on conflict (stream_id, kind, key) do update set client = excluded.client, \
           hash = excluded.hash, changed_at = case when excluded.changed_at > source_record.first_seen \
           then excluded.changed_at else source_record.first_seen + 1 end, gone_since = null, \
           change_seq = excluded.change_seq, facts = excluded.facts, \
           history = excluded.history, payload = excluded.payload",
    columns: 8,
};

const GONE: Bulk = Bulk {
    text: "update source_record set gone_since = v.column4, change_seq = v.column5 \
           from (values {rows}) as v where source_record.stream_id = v.column1 \
           and source_record.kind = v.column2 and source_record.key = v.column3",
    columns: 5,
};

const HELD: Bulk = Bulk {
    text: "insert into held_deletion (stream_id, kind, key, since) values {rows} \
           on conflict (stream_id, kind, key) do nothing",
    columns: 4,
};

/// A record's name within its stream, ready to be bound.
pub(crate) type Name = (RecordKind, String);

impl Store {
    /// Stores a page with its checkpoint, or nothing of it. Storing it again does nothing more.
    ///
    /// # Errors
    /// [`crate::Error::Conflict`] when the round is over or another was begun meanwhile.
    pub async fn commit_page(&self, page: PageCommit<'_>) -> Result<PageOutcome> {
        let stream = page.stream;
        let mut tx = self.write_again().await?;
        let locked = self.lock_round(&mut tx, (stream, page.round), page.checkpoint).await?;
        let known = self.known_pages(&mut tx, &page).await?;
        let compared = self.compare(&mut tx, stream, (page.records, &known)).await?;
        let mut outcome = compared.outcome();
        outcome.first = self.put_records(&mut tx, &page, &compared).await?;

        self.note_pages(&mut tx, &page, (&known, &compared)).await?;

        let tombstones = self.tombstones(&mut tx, stream, page.gone, &compared).await?;
        let left = page.max_gone.map_or(usize::MAX, |most| {
            let left = most.saturating_sub(crate::sql::count(locked.gone));
            usize::try_from(left).unwrap_or(usize::MAX)
        });
        let (gone, held) = tombstones.split_at(left.min(tombstones.len()));
        self.remove_records(&mut tx, stream, gone, page.now_us).await?;
        self.hold(&mut tx, stream, held, page.now_us).await?;
        (outcome.gone, outcome.held) = (gone.len() as u64, held.len() as u64);

        self.note_seen(&mut tx, &page, &compared).await?;
        self.put_presence(&mut tx, stream, &compared.presences()).await?;
        self.put_logons(&mut tx, stream, &compared.logons(), page.now_us).await?;
        if locked.held {
            self.end_holds(&mut tx, stream, &compared).await?;
        }
        if locked.faulty {
            self.end_quarantine(&mut tx, stream, &compared).await?;
        }
        outcome.rejected = self.put_quarantine(&mut tx, &page).await?;
        // Pages are far smaller than what these types hold.
        let live = outcome.created as i64 - outcome.gone as i64;
        self.count_live(&mut tx, stream, (live, outcome.gone as i64)).await?;
        tx.commit().await?;
        self.wrote(outcome.created + outcome.changed + outcome.gone).await;
        Ok(outcome)
    }

    /// Marks records of a stream as gone; all of them must be live.
    pub(crate) async fn remove_records(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        names: &[Name],
        now_us: i64,
    ) -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let first = self.take(tx, CHANGE, names.len()).await?;
        let rows: Vec<_> = (first..).zip(names).collect();
        self.bulk(tx, (&GONE, ""), &rows, |rows, (seq, (kind, key))| {
            rows.bind(stream).bind(kind.as_str()).bind(key).bind(now_us).bind(*seq)
        })
        .await?;
        Ok(())
    }

    /// Notes that these records would be gone if somebody agreed.
    pub(crate) async fn hold(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        names: &[Name],
        now_us: i64,
    ) -> Result<()> {
        self.bulk(tx, (&HELD, ""), names, |rows, (kind, key)| {
            rows.bind(stream).bind(kind.as_str()).bind(key).bind(now_us)
        })
        .await?;
        Ok(())
    }

    async fn put_records(
        &self,
        tx: &mut AnyConnection,
        page: &PageCommit<'_>,
        compared: &[Compared<'_>],
    ) -> Result<First> {
        let written: Vec<_> = compared.iter().filter(|one| one.is_written()).collect();
        if written.is_empty() {
            return Ok(First::Later);
        }
        let first = self.take(tx, CHANGE, written.len()).await?;
        let (new, again): (Vec<_>, Vec<_>) = (first..)
            .zip(written.iter().copied())
            .partition(|(_, one)| one.standing == Standing::New);
        let (stream, now_us) = (page.stream, page.now_us);
        let shared = [Argument::Int(stream), Argument::Int(now_us), Argument::Int(now_us)];
        for (bulk, rows) in [(&NEW, new), (&AGAIN, again)] {
            self.bulk_of(tx, (bulk, ""), &shared, &rows, |rows, (seq, one)| {
                rows.bind(*seq)
                    .bind(one.kind().as_str())
                    .bind(&*one.key)
                    .bind(one.record.client.as_deref())
                    .bind(hash::written(one.hash))
                    .bind(&one.record.facts)
                    .bind(one.history(now_us))
                    .bind(&*one.record.raw)
            })
            .await?;
        }
        Box::pin(self.put_first(tx, page, (first, &written))).await
    }
}

impl Compared<'_> {
    /// The history to be stored: the earlier one, and what the identity was until now if it differs.
    fn history(&self, now_us: i64) -> String {
        let Some(Prior { facts, history }) = &self.prior else { return "[]".to_owned() };
        let before = facts.as_ref().and_then(core_model::facts::Facts::identity);
        match before {
            Some(before) if Some(&before) != self.record.facts.identity().as_ref() => {
                let mut entries: Vec<serde_json::Value> =
                    serde_json::from_str(history).unwrap_or_default();
                entries.push(serde_json::json!({ "v": clean(&before), "until": now_us }));
                serde_json::Value::Array(entries).to_string()
            }
            _ => history.clone(),
        }
    }

    fn is_written(&self) -> bool {
        self.standing != Standing::Same
    }
}
