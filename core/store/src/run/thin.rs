//! Old runs: most of them came to nothing, and there are thousands a day. Some are kept for good, because they
//! say how old the facts of their time were.

use core_model::run::Counts;

use crate::bulk::{Bulk, Rows};
use crate::error::Result;
use crate::open::Store;
use crate::sql::Columns;

/// Up to when runs were thinned out.
const THINNED: &str = "runs:thinned";

const FIRST: &str = "select min(ended) from run where ended >= $1 and ended < $2";
/// So many runs are looked at in one piece, and those that ended in the same moment as the last of them.
const LAST: &str = "select ended from run where ended >= $1 and ended < $2 \
     order by ended limit 1 offset 249";
/// How the run just before it of the same stream in the same half day (of UTC) ended, and whether one after it in that
/// half day ended as it did itself. A run whose process died did more than it says.
const PIECE: &str = "select r.id, r.counts, r.outcome, (select p.outcome from run p \
     where p.connection = r.connection and p.stream = r.stream and p.scope = r.scope \
     and p.ended < r.ended and p.ended >= r.ended / 43200000000 * 43200000000 \
     order by p.ended desc, p.id desc limit 1), \
     case when exists (select 1 from run n \
     where n.connection = r.connection and n.stream = r.stream and n.scope = r.scope \
     and n.outcome = r.outcome and n.ended > r.ended \
     and n.ended < (r.ended / 43200000000 + 1) * 43200000000) then 1 else 0 end \
     from run r where r.ended >= $1 and r.ended <= $2 and r.ended < $3 \
     and coalesce(r.error_kind, '') <> 'interrupted'";
const DELETE: Bulk = Bulk { text: "delete from run where id in (values {rows})", columns: 1 };

impl Store {
    /// Looks at some 250 runs that were over before an instant (Unix microseconds), and forgets those of them that changed
    /// nothing and stand between others of the same stream and half day that ended the same way; gives how many. None
    /// where all were looked at.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn thin_runs(&self, before_us: i64) -> Result<Option<u64>> {
        let thinned = self.cursor(THINNED).await?;
        let first = self.sql(FIRST).bind(thinned).bind(before_us);
        let Some(first) = first.fetch_one(self.readers()).await?.opt_int(0)? else {
            return Ok(None);
        };
        let last = self.sql(LAST).bind(first).bind(before_us);
        let last = last.fetch_optional(self.readers()).await?.map(|row| row.int(0)).transpose()?;
        let last = last.unwrap_or(before_us - 1);
        let piece = self.sql(PIECE).bind(first).bind(last).bind(before_us);
        let mut needless = Vec::new();
        for row in piece.fetch_all(self.readers()).await? {
            let counts = serde_json::from_str(&row.text(1)?);
            // One whose counts cannot be read is kept.
            let came_to_nothing = counts.is_ok_and(|counts: Counts| counts.came_to_nothing());
            let as_before = row.opt_text(3)? == Some(row.text(2)?);
            if came_to_nothing && as_before && row.int(4)? == 1 {
                needless.push(row.text(0)?);
            }
        }
        let mut tx = self.write().await?;
        let bind = |rows: Rows, id: &String| rows.bind(id.as_str());
        let gone = self.bulk(&mut tx, (&DELETE, ""), &needless, bind).await?;
        self.move_cursor(&mut tx, THINNED, last + 1).await?;
        tx.commit().await?;
        Ok(Some(gone))
    }
}
