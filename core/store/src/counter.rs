//! Sequence numbers, and how far each reader of them has come.
//!
//! A number is taken by updating the counter's row inside the writing transaction. On PostgreSQL
//! that row stays locked until the commit, so that numbers become visible in their order and
//! without gaps: whoever has read up to n never misses something below n that commits later.
//! A transaction that also locks streams does so before it takes a number; none does both the other
//! way round, so they cannot lock each other out.

use sqlx::AnyConnection;

use crate::error::Result;
use crate::open::Store;
use crate::sql::{Columns, limit};

/// Changes of records and new observations.
pub(crate) const CHANGE: &str = "change";
/// Events of the model.
pub(crate) const EVENT: &str = "event";
/// Decisions.
pub(crate) const DECISION: &str = "decision";
/// Revisions of definitions.
pub(crate) const REVISION: &str = "revision";
/// Requests of changes.
pub(crate) const REQUEST: &str = "request";
/// What was sent to the hub.
pub(crate) const DELIVERY: &str = "delivery";
/// Changes of sessions.
pub(crate) const SESSION: &str = "session";
/// Lines of the audit log.
pub(crate) const AUDIT: &str = "audit";
/// Ids of streams.
pub(crate) const STREAM: &str = "stream";

impl Store {
    /// How far the reader of that name has come; 0 where it has never said.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cursor(&self, name: &str) -> Result<i64> {
        let query = self.sql("select seq from cursor where name = $1").bind(name.to_owned());
        query.fetch_optional(self.readers()).await?.map_or(Ok(0), |row| row.int(0))
    }

    /// Notes how far the reader of that name has come.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_cursor(&self, name: &str, seq: i64) -> Result<()> {
        let mut tx = self.write().await?;
        self.move_cursor(&mut tx, name, seq).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The number of the newest change of a record or observation; 0 in an empty store.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn max_change_seq(&self) -> Result<i64> {
        self.last(CHANGE).await
    }

    /// The number of the newest event; 0 in an empty store.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_event_seq(&self) -> Result<i64> {
        self.last(EVENT).await
    }

    pub(crate) async fn move_cursor(
        &self,
        tx: &mut AnyConnection,
        name: &str,
        seq: i64,
    ) -> Result<()> {
        self.sql(
            "insert into cursor (name, seq) values ($1, $2) \
             on conflict (name) do update set seq = excluded.seq where cursor.seq <> excluded.seq",
        )
        .bind(name.to_owned())
        .bind(seq)
        .execute(tx)
        .await?;
        Ok(())
    }

    /// How far a reader has come, as this transaction sees it.
    pub(crate) async fn cursor_in(&self, tx: &mut AnyConnection, name: &str) -> Result<i64> {
        let query = self.sql("select seq from cursor where name = $1").bind(name.to_owned());
        query.fetch_optional(tx).await?.map_or(Ok(0), |row| row.int(0))
    }

    /// Takes so many numbers and gives the first. With none it only locks the counter, so that what
    /// is read afterwards stays as it is until the commit.
    pub(crate) async fn take(
        &self,
        tx: &mut AnyConnection,
        counter: &'static str,
        numbers: usize,
    ) -> Result<i64> {
        let numbers = limit(numbers);
        let row = self
            .sql("update counter set value = value + $1 where name = $2 returning value")
            .bind(numbers)
            .bind(counter)
            .fetch_one(tx)
            .await?;
        Ok(row.int(0)? - numbers + 1)
    }

    pub(crate) async fn last(&self, counter: &'static str) -> Result<i64> {
        let query = self.sql("select value from counter where name = $1").bind(counter);
        query.fetch_one(self.readers()).await?.int(0)
    }
}
