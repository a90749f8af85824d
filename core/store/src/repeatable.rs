//! Requests that count once, however often they are sent: by their caller's key, with a digest of
//! what was asked and, once it is there, the answer.

use crate::error::Result;
use crate::open::Store;
use crate::sql::{Columns, owned};

/// A request that was sent before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The digest of what was asked.
    pub digest: String,
    /// Status and body of the answer; none while it is being done.
    pub answer: Option<(i64, String)>,
}

impl Store {
    /// Notes a request; gives what is known of its key where it is not the first. Keys that were
    /// noted before `forget_us` (Unix microseconds) are forgotten.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_repeatable(
        &self,
        (caller, key): (&str, &str),
        digest: &str,
        now_us: i64,
        forget_us: i64,
    ) -> Result<Option<Repeated>> {
        let mut tx = self.write().await?;
        let text = "delete from repeatable where at < $1";
        self.sql(text).bind(forget_us).execute(&mut *tx).await?;
        let added = self
            .sql(
                "insert into repeatable (caller, key, digest, at) values ($1, $2, $3, $4) \
                 on conflict (caller, key) do nothing",
            )
            .bind(owned(caller))
            .bind(owned(key))
            .bind(owned(digest))
            .bind(now_us)
            .execute(&mut *tx)
            .await?
            .rows_affected();
        let known = match added {
            0 => {
                let text = "select digest, status, body from repeatable \
                            where caller = $1 and key = $2";
                let query = self.sql(text).bind(owned(caller)).bind(owned(key));
                let row = query.fetch_one(&mut *tx).await?;
                let answer = row.opt_int(1)?.zip(row.opt_text(2)?);
                Some(Repeated { digest: row.text(0)?, answer })
            }
            _ => None,
        };
        tx.commit().await?;
        Ok(known)
    }

    /// Keeps the answer to a request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_repeatable(
        &self,
        (caller, key): (&str, &str),
        status: i64,
        body: &str,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("update repeatable set status = $3, body = $4 where caller = $1 and key = $2")
            .bind(owned(caller))
            .bind(owned(key))
            .bind(status)
            .bind(owned(body))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets a request that did nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drop_repeatable(&self, (caller, key): (&str, &str)) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("delete from repeatable where caller = $1 and key = $2 and status is null")
            .bind(owned(caller))
            .bind(owned(key))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}
