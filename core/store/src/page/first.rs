//! What becomes of records that nobody knew before, written with them.
//!
//! Of a record that is new, the entities that come from it alone are new too. Derived afterwards, each of them is
//! read back, taken apart again and looked for in vain: a fifth of a first sync.

use std::fmt;

use core_model::Record;
use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use sqlx::AnyConnection;

use super::{Compared, PageCommit, Standing};
use crate::bulk::Bulk;
use crate::counter::EVENT;
use crate::error::Result;
use crate::model::Put;
use crate::open::Store;
use crate::sql::{Columns, list};

/// Knows what becomes of new records, as long as the model stands as it knows it.
pub trait FirstEntities: fmt::Debug + Sync {
    /// Readers, and where they must stand for this to hold: nobody else has derived since, by other rules or from
    /// other links.
    fn holds(&self) -> &[(&'static str, i64)];

    /// The entity that comes of a record alone, under its stored key and first seen at this time (Unix microseconds).
    fn entity(&self, key: &str, record: &Record, first_seen_us: i64) -> Option<EntityRow>;
}

/// What became of a page's new records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum First {
    /// Nothing yet: whoever derives the model reads them.
    #[default]
    Later,
    /// The same, because the model stands otherwise than was known.
    Stale,
    /// So many entities.
    Written(u64),
}

/// Numbers of changes, from the first to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DerivedAhead {
    /// The first.
    pub first_seq: i64,
    /// The last.
    pub last_seq: i64,
}

/// Entities that are made before they are written.
const ENTITIES: usize = 512;

const AHEAD: Bulk =
    Bulk { text: "insert into derived (first_seq, last_seq) values {rows}", columns: 2 };

impl Store {
    /// Which changes behind this one were derived ahead of the others, in their order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn derived_ahead(&self, after_seq: i64) -> Result<Vec<DerivedAhead>> {
        let text = "select first_seq, last_seq from derived where last_seq > $1 order by first_seq";
        let rows = self.sql(text).bind(after_seq).fetch_all(self.readers()).await?;
        let read = |row| {
            Ok(DerivedAhead { first_seq: Columns::int(row, 0)?, last_seq: Columns::int(row, 1)? })
        };
        rows.iter().map(read).collect()
    }

    /// Notes that a reader derived everything up to this change, and forgets what was ahead of it before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn derived_up_to(&self, reader: &str, seq: i64) -> Result<()> {
        let mut tx = self.write().await?;
        self.move_cursor(&mut tx, reader, seq).await?;
        self.sql("delete from derived where last_seq <= $1").bind(seq).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Writes what becomes of a page's records, where all that are written are new. They have the numbers from the
    /// first one on.
    pub(super) async fn put_first(
        &self,
        tx: &mut AnyConnection,
        page: &PageCommit<'_>,
        (first_seq, written): (i64, &[&Compared<'_>]),
    ) -> Result<First> {
        let Some(knows) = page.first else { return Ok(First::Later) };
        if written.iter().any(|one| one.standing != Standing::New) {
            return Ok(First::Later);
        }
        // Whoever changes the model has this counter first, so that what is read now stays so.
        self.take(tx, EVENT, 0).await?;
        if !self.stand_so(tx, knows.holds()).await? {
            return Ok(First::Stale);
        }
        let mut entities = 0;
        for part in written.chunks(ENTITIES) {
            let rows =
                part.iter().filter_map(|one| knows.entity(&one.key, one.record, page.now_us));
            let rows: Vec<EntityRow> = rows.collect();
            let first_event = self.take(tx, EVENT, rows.len()).await?;
            let puts = rows.iter().zip(first_event..).map(|(row, seq)| Put::new(row, seq));
            let puts: Vec<Put<'_>> = puts.collect();
            for kind in EntityKind::ALL {
                self.put_kind(tx, *kind, &puts, (&Cause::Run, page.now_us)).await?;
            }
            entities += rows.len() as u64;
        }
        self.note_ahead(tx, first_seq, written.len()).await?;
        Ok(First::Written(entities))
    }

    /// Whether these readers stand just there.
    async fn stand_so(
        &self,
        tx: &mut AnyConnection,
        wanted: &[(&'static str, i64)],
    ) -> Result<bool> {
        let names = list(wanted.iter().map(|(name, _)| name));
        let text = "select name, seq from cursor where name in list($1)";
        let mut found = Vec::new();
        for row in self.sql(text).bind(names).fetch_all(tx).await? {
            found.push((row.text(0)?, row.int(1)?));
        }
        Ok(wanted.iter().all(|(name, seq)| {
            let found = found.iter().find(|(of, _)| of == name);
            found.map_or(0, |(_, seq)| *seq) == *seq
        }))
    }

    /// Notes that so many changes need not be derived any more; those that go on from others are one with them.
    async fn note_ahead(
        &self,
        tx: &mut AnyConnection,
        first_seq: i64,
        changes: usize,
    ) -> Result<()> {
        let last_seq = first_seq + crate::sql::limit(changes) - 1;
        let text = "update derived set last_seq = $1 where last_seq = $2";
        let longer = self.sql(text).bind(last_seq).bind(first_seq - 1).execute(&mut *tx).await?;
        if longer.rows_affected() == 0 {
            self.bulk(tx, (&AHEAD, ""), &[(first_seq, last_seq)], |rows, (first, last)| {
                rows.bind(first).bind(last)
            })
            .await?;
        }
        Ok(())
    }
}
