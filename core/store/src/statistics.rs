//! What PostgreSQL's planner knows of the tables: after a bulk load nothing, until somebody looks.
//!
//! A server looks by itself, once a minute where nobody switched that off. A first sync fills every
//! table within that minute, and plans that are made meanwhile are kept: for tables that are no more.
//! So the store has tables analysed as they grow, which also ends the plans that were made before.

use std::sync::atomic::Ordering;

use sqlx::AssertSqlSafe;

use crate::error::Result;
use crate::open::{Backend, Store};
use crate::sql::Columns;

/// Rows that are written between two looks at how tables have grown.
const LOOK_EVERY: u64 = 10_000;

/// Tables of ours that take a MiB and more than four times what they took when they were last looked at.
/// Between these a plan stays what it is.
const GROWN: &str = "select cast(c.relname as text) from pg_class c \
     join pg_namespace n on n.oid = c.relnamespace and n.nspname = current_schema() \
     where c.relkind = 'r' and pg_relation_size(c.oid) > 1048576 \
     and pg_relation_size(c.oid) > 4 * c.relpages::bigint * current_setting('block_size')::bigint \
     order by c.relname";

impl Store {
    /// Notes that so many rows were written, and has tables analysed that have grown. The rows are
    /// stored by then: nothing here fails what wrote them.
    pub(crate) async fn wrote(&self, rows: u64) {
        // SQLite plans by its indexes alone, and its statements are written for that.
        if self.backend() == Backend::Sqlite || rows == 0 {
            return;
        }
        let written = self.written();
        let before = written.fetch_add(rows, Ordering::Relaxed);
        if before.saturating_add(rows) < LOOK_EVERY {
            return;
        }
        written.store(0, Ordering::Relaxed);
        if let Err(error) = self.analyse_grown().await {
            tracing::warn!(%error, "tables that have grown could not be analysed: \
                statements may be slow until the server does it by itself");
        }
    }

    async fn analyse_grown(&self) -> Result<()> {
        let mut connection = self.readers().acquire().await?;
        for row in sqlx::query(GROWN).fetch_all(&mut *connection).await? {
            let table = row.text(0)?;
            // Whoever else analyses it now saves us the trouble.
            let statement = format!("analyze (skip_locked) \"{table}\"");
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
            tracing::debug!(table, "a table that has grown was analysed");
        }
        Ok(())
    }
}
