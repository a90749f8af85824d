//! Records that cannot be used, kept apart with the reason until the vendor mends them.

use core_model::record::Rejected;
use sqlx::AnyConnection;

use crate::bulk::Bulk;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::page::{ComparedPage, PageCommit};
use crate::sql::{Argument, Columns, Select, clean, limit, list, owned};
use crate::stream::StreamKey;

/// A record in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// The stream it came from.
    pub stream: StreamKey,
    /// The record and what is wrong with it.
    pub rejected: Rejected,
    /// The run that last met it.
    pub run: String,
    /// When it was first met, Unix microseconds.
    pub first_us: i64,
    /// When it was last met, Unix microseconds.
    pub last_us: i64,
}

const QUARANTINE: Bulk = Bulk {
    text: "insert into quarantine (stream_id, slot, path, key, reason, raw, run, sweep, first_at, \
           last_at) values {rows} on conflict (stream_id, slot, path) do update set \
           reason = excluded.reason, raw = excluded.raw, run = excluded.run, \
           sweep = excluded.sweep, last_at = excluded.last_at",
    columns: 10,
};

/// Characters of a path that are kept: it is part of an index.
const PATH: usize = 500;

impl Store {
    /// The quarantine, of one connection or of all, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn quarantine(
        &self,
        connection: Option<&str>,
        rows: usize,
    ) -> Result<Vec<Quarantined>> {
        let mut select = Select::new(
            "select s.connection, s.connector, s.stream, s.scope, s.scope_name, q.key, q.path, \
             q.reason, q.raw, q.run, q.first_at, q.last_at \
             from quarantine q join stream s on s.id = q.stream_id where 1 = 1",
        );
        if let Some(connection) = connection {
            select.push(" and s.connection = {}", [Argument::Text(owned(connection))]);
        }
        let order = " order by q.last_at desc, q.stream_id, q.slot, q.path limit {}";
        select.push(order, [Argument::Int(limit(rows))]);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter()
            .map(|row| {
                Ok(Quarantined {
                    stream: StreamKey {
                        connection: row.text(0)?,
                        connector: row.text(1)?,
                        stream: row.text(2)?,
                        scope: row.text(3)?,
                        scope_name: row.text(4)?,
                    },
                    rejected: Rejected {
                        key: row.opt_text(5)?,
                        path: row.text(6)?,
                        reason: row.text(7)?,
                        raw: row.text(8)?,
                    },
                    run: row.text(9)?,
                    first_us: row.int(10)?,
                    last_us: row.int(11)?,
                })
            })
            .collect::<Result<_, Error>>()
    }

    /// Takes out of quarantine what a page brings in good shape.
    pub(crate) async fn end_quarantine(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        compared: &ComparedPage<'_>,
    ) -> Result<()> {
        let slots = compared.iter().map(|one| slot(Some(&one.key), ""));
        self.sql("delete from quarantine where stream_id = $1 and slot in list($2)")
            .bind(stream)
            .bind(list(slots))
            .execute(tx)
            .await?;
        Ok(())
    }

    /// Puts the page's unusable records into quarantine.
    pub(crate) async fn put_quarantine(
        &self,
        tx: &mut AnyConnection,
        page: &PageCommit<'_>,
    ) -> Result<u64> {
        let stream = page.stream;
        // A statement may meet each row once only: of several with one slot and path the last counts.
        let mut rows: Vec<(String, String, &Rejected)> = Vec::new();
        for rejected in page.rejected {
            let slot = slot(rejected.key.as_deref(), &rejected.raw);
            let path: String = clean(&rejected.path).chars().take(PATH).collect();
            rows.retain(|row| row.0 != slot || row.1 != path);
            rows.push((slot, path, rejected));
        }
        self.bulk(tx, (&QUARANTINE, ""), &rows, |rows, (slot, path, rejected)| {
            rows.bind(stream)
                .bind(slot.clone())
                .bind(path.clone())
                .bind(rejected.key.as_deref())
                .bind(&*rejected.reason)
                .bind(&*rejected.raw)
                .bind(page.run)
                .bind(page.round.sweep)
                .bind(page.now_us)
                .bind(page.now_us)
        })
        .await?;
        Ok(page.rejected.len() as u64)
    }
}

/// What tells quarantined records apart: `=KEY`, or `#DIGEST` of the text where no key was read.
fn slot(key: Option<&str>, raw: &str) -> String {
    match key {
        Some(key) => format!("={}", clean(key)),
        None => format!("#{:032x}", xxhash_rust::xxh3::xxh3_128(raw.as_bytes())),
    }
}
