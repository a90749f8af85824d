//! Leases: one process at a time does a thing, and a dead one does not keep it for ever. Whoever
//! asks says what time it is; the clocks of the processes that share a database must agree to well
//! within a lease's life.

use sqlx::any::AnyRow;

use crate::error::Result;
use crate::open::Store;
use crate::sql::{Columns, owned};

/// The right to do a thing alone, until a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What for.
    pub name: String,
    /// Who.
    pub holder: String,
    /// Which time it was taken; a later taker has a greater one.
    pub token: i64,
    /// Until when, Unix microseconds.
    pub until_us: i64,
}

impl Store {
    /// Takes a lease for so many microseconds; none if somebody else holds it and it has not run
    /// out. A holder who takes it again has it once, under a new token.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now_us: i64,
        ttl_us: i64,
    ) -> Result<Option<Lease>> {
        let mut tx = self.write().await?;
        // One statement looks and takes, so that of many at once one gets it.
        let row = self
            .sql(
                "insert into lease (name, holder, token, until_us) values ($1, $2, 1, $3) \
                 on conflict (name) do update set holder = excluded.holder, \
                 token = lease.token + 1, until_us = excluded.until_us \
                 where lease.until_us <= $4 or lease.holder = excluded.holder \
                 returning name, holder, token, until_us",
            )
            .bind(owned(name))
            .bind(owned(holder))
            .bind(now_us.saturating_add(ttl_us))
            .bind(now_us)
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        row.as_ref().map(read).transpose()
    }

    /// Holds a lease for longer; none if somebody else has taken it meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn renew_lease(
        &self,
        lease: &Lease,
        now_us: i64,
        ttl_us: i64,
    ) -> Result<Option<Lease>> {
        let mut tx = self.write().await?;
        let row = self
            .sql(
                "update lease set until_us = $4 where name = $1 and holder = $2 and token = $3 \
                 returning name, holder, token, until_us",
            )
            .bind(owned(&lease.name))
            .bind(owned(&lease.holder))
            .bind(lease.token)
            .bind(now_us.saturating_add(ttl_us))
            .fetch_optional(&mut *tx)
            .await?;
        tx.commit().await?;
        row.as_ref().map(read).transpose()
    }

    /// Gives a lease back. One that somebody else has taken meanwhile stays theirs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release_lease(&self, lease: &Lease) -> Result<()> {
        let mut tx = self.write().await?;
        // The row stays, for its token goes on counting.
        self.sql(
            "update lease set until_us = 0, holder = '' \
             where name = $1 and holder = $2 and token = $3",
        )
        .bind(owned(&lease.name))
        .bind(owned(&lease.holder))
        .bind(lease.token)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Who holds a lease, or held it last without giving it back.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lease_holder(&self, name: &str) -> Result<Option<Lease>> {
        let row = self
            .sql(
                "select name, holder, token, until_us from lease \
                 where name = $1 and holder <> ''",
            )
            .bind(owned(name))
            .fetch_optional(self.readers())
            .await?;
        row.as_ref().map(read).transpose()
    }
}

fn read(row: &AnyRow) -> Result<Lease> {
    Ok(Lease {
        name: row.text(0)?,
        holder: row.text(1)?,
        token: row.int(2)?,
        until_us: row.int(3)?,
    })
}
