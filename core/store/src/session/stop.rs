//! Stops: what nothing more is changed of.

use core_model::stop::{Stop, StopKind};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::counter::SESSION;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, count, limit, opt, owned};

/// That a stop holds the session `s`, in SQL.
macro_rules! held {
    () => {
        "exists (select 1 from stop h where h.kind = 'everything' \
         or (h.kind = 'tenant' and h.key = s.tenant) \
         or (h.kind = 'schedule' and h.key = s.schedule) \
         or (h.kind = 'deployment' and h.key = s.deployment))"
    };
}
pub(super) use held;

/// Everything that is stopped.
const STOPS: &str =
    "select kind, key, name, who, reason, at, version from stop order by at, kind, key";

impl Store {
    /// Stops something. One that is stopped already stays as it is, with who stopped it first; says whether it was
    /// new.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_stop(&self, stop: &Stop) -> Result<bool> {
        let mut tx = self.write().await?;
        // Whoever takes a session does so before or after this.
        self.take(&mut tx, SESSION, 0).await?;
        let done = self
            .sql(
                "insert into stop (kind, key, name, who, reason, at, version) \
                 values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            )
            .bind(stop.kind.as_str())
            .bind(owned(&stop.key))
            .bind(owned(&stop.name))
            .bind(owned(&stop.by))
            .bind(owned(&stop.reason))
            .bind(stop.at_us)
            .bind(opt(stop.version.as_deref()))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Has something go on, and gives the stop that held it; none where it was not stopped. What waited for it waits
    /// as much longer as it was held.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_stop(
        &self,
        kind: StopKind,
        key: &str,
        now_us: i64,
    ) -> Result<Option<Stop>> {
        let mut tx = self.write().await?;
        let first = self.take(&mut tx, SESSION, 0).await?;
        let query = self.sql(
            "delete from stop where kind = $1 and key = $2 \
             returning kind, key, name, who, reason, at, version",
        );
        let query = query.bind(kind.as_str()).bind(owned(key));
        let Some(row) = query.fetch_optional(&mut *tx).await? else { return Ok(None) };
        let stop = stop(&row)?;
        self.wait_longer(&mut tx, first, &stop, now_us).await?;
        tx.commit().await?;
        Ok(Some(stop))
    }

    /// The sessions that a stop held wait as much longer. For how long stops that are older still held them, these
    /// say as they go; how long it held them alone before others came counts now.
    async fn wait_longer(
        &self,
        tx: &mut AnyConnection,
        first: i64,
        stop: &Stop,
        now_us: i64,
    ) -> Result<()> {
        let others = self.sql(STOPS).fetch_all(&mut *tx).await?;
        let others = others.iter().map(self::stop).collect::<Result<Vec<_>>>()?;
        let text = "select s.change_seq, s.document, s.until from session s \
                    where s.state = 'waiting' and s.expires is not null order by s.asked, s.id";
        let rows = self.sql(text).fetch_all(&mut *tx).await?;
        let mut changed = 0;
        for row in &rows {
            let mut session = super::read(row)?.1;
            let Some(expires_us) = session.expires_us.filter(|_| stop.holds(&session)) else {
                continue;
            };
            let other = others.iter().filter(|other| other.holds(&session)).map(|one| one.at_us);
            let until_us = other.min().map_or(now_us, |at_us| at_us.max(session.asked_us));
            let held_us = until_us.saturating_sub(stop.at_us.max(session.asked_us));
            if held_us <= 0 {
                continue;
            }
            session.expires_us = Some(expires_us.saturating_add(held_us));
            let seq = first + limit(changed);
            self.put_session(&mut *tx, seq, &session).await?;
            let query = self.sql("update session set expires = $1 where id = $2");
            let query = query.bind(session.expires_us).bind(session.id.to_string());
            query.execute(&mut *tx).await?;
            changed += 1;
        }
        self.take(tx, SESSION, changed).await?;
        Ok(())
    }

    /// Everything that is stopped, the widest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn stops(&self) -> Result<Vec<Stop>> {
        let rows = self.sql(STOPS).fetch_all(self.readers()).await?;
        let mut stops = rows.iter().map(stop).collect::<Result<Vec<_>>>()?;
        stops.sort_by_key(|stop| std::cmp::Reverse(stop.kind));
        Ok(stops)
    }

    /// How many sessions wait that a stop holds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn held_sessions(&self) -> Result<u64> {
        let text =
            concat!("select count(*) from session s where s.state = 'waiting' and ", held!());
        Ok(count(self.sql(text).fetch_one(self.readers()).await?.int(0)?))
    }

    /// How many sessions wait that this stop holds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn held_by(&self, stop: &Stop) -> Result<u64> {
        let text = match stop.kind {
            StopKind::Everything => {
                "select count(*) from session where state = 'waiting' and $1 = ''"
            }
            StopKind::Tenant => {
                "select count(*) from session where state = 'waiting' and tenant = $1"
            }
            StopKind::Schedule => {
                "select count(*) from session where state = 'waiting' and schedule = $1"
            }
            StopKind::Deployment => {
                "select count(*) from session where state = 'waiting' and deployment = $1"
            }
        };
        let row = self.sql(text).bind(owned(&stop.key)).fetch_one(self.readers()).await?;
        Ok(count(row.int(0)?))
    }

    /// Whether a stop holds a session, as this transaction sees it.
    pub(super) async fn is_held(&self, tx: &mut AnyConnection, id: &str) -> Result<bool> {
        let text = concat!("select 1 from session s where s.id = $1 and ", held!());
        Ok(self.sql(text).bind(owned(id)).fetch_optional(tx).await?.is_some())
    }

    /// Whether any session was ever asked for by a schedule of this name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_schedule(&self, name: &str) -> Result<bool> {
        let query = self.sql("select 1 from session where schedule = $1 limit 1");
        Ok(query.bind(owned(name)).fetch_optional(self.readers()).await?.is_some())
    }
}

fn stop(row: &AnyRow) -> Result<Stop> {
    let kind = row.text(0)?;
    Ok(Stop {
        kind: StopKind::parse(&kind)
            .ok_or_else(|| Error::corrupt(format!("the kind of a stop: {kind}")))?,
        key: row.text(1)?,
        name: row.text(2)?,
        by: row.text(3)?,
        reason: row.text(4)?,
        at_us: row.int(5)?,
        version: row.opt_text(6)?,
    })
}
