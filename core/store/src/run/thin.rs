//! Old runs: most of them came to nothing, and there are thousands a day. Some are kept for good, because they
//! say how old the facts of their time were.

use core_model::run::Counts;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Bulk, Columns};

/// Up to when runs were thinned out.
const THINNED: &str = "runs:thinned";
/// So long a time is looked at in one transaction: ten minutes.
const PIECE_US: i64 = 600 * 1_000_000;

const FIRST: &str = "select min(ended) from run where ended >= $1 and ended < $2";
/// Whether one of the same stream ended as it did later in the same half day (of UTC).
const PIECE: &str = "select r.id, r.counts, case when exists (select 1 from run n \
     where n.connection = r.connection and n.stream = r.stream and n.scope = r.scope \
     and n.outcome = r.outcome and n.ended > r.ended \
     and n.ended < (r.ended / 43200000000 + 1) * 43200000000) then 1 else 0 end \
     from run r where r.ended >= $1 and r.ended < $2";
const DELETE: Bulk = Bulk { text: "delete from run where id in (values {rows})", columns: 1 };

impl Store {
    /// Forgets runs that were over before an instant (Unix microseconds) and changed nothing, but the last of each half
    /// day of each stream, for each way of ending; gives how many.
    ///
    /// # Errors
    /// When the database does not answer; what was forgotten until then is.
    pub async fn thin_runs(&self, before_us: i64) -> Result<u64> {
        let mut gone = 0;
        while let Some(more) = self.thin_piece(before_us).await? {
            gone += more;
        }
        Ok(gone)
    }

    /// The next piece; nothing where there is none before that instant.
    async fn thin_piece(&self, before_us: i64) -> Result<Option<u64>> {
        let mut tx = self.write().await?;
        let thinned = self.cursor_in(&mut tx, THINNED).await?;
        let first = self.sql(FIRST).bind(thinned).bind(before_us);
        let Some(first) = first.fetch_one(&mut *tx).await?.opt_int(0)? else { return Ok(None) };
        let end = first.saturating_add(PIECE_US).min(before_us);
        let rows = self.sql(PIECE).bind(first).bind(end).fetch_all(&mut *tx).await?;
        let mut needless = Vec::new();
        for row in &rows {
            let (id, counts) = (row.text(0)?, row.text(1)?);
            let counts: Counts = serde_json::from_str(&counts)
                .map_err(|error| Error::corrupt(format!("the counts of run {id}: {error}")))?;
            if row.int(2)? == 1 && counts.came_to_nothing() {
                needless.push(id);
            }
        }
        let bind = |query: crate::sql::Query, id: &String| query.bind(id.clone());
        let gone = self.bulk(&mut tx, (&DELETE, ""), &needless, bind).await?;
        self.move_cursor(&mut tx, THINNED, end).await?;
        tx.commit().await?;
        Ok(Some(gone))
    }
}
