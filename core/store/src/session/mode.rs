//! Which agents sessions have put into maintenance mode, so that each is taken out again, whatever became of its engine.

use core_model::id::SessionId;
use sqlx::any::AnyRow;

use super::book::Holder;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, limit, owned};

/// An agent that a session has in maintenance mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldMode {
    /// The connection.
    pub connection: String,
    /// The agent's key there.
    pub agent: String,
    /// The session.
    pub session: SessionId,
}

impl Store {
    /// The session that has an agent in maintenance mode.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn held_mode(&self, connection: &str, agent: &str) -> Result<Option<HeldMode>> {
        let text =
            "select connection, agent, session from held_mode where connection = $1 and agent = $2";
        let query = self.sql(text).bind(owned(connection)).bind(owned(agent));
        query.fetch_optional(self.readers()).await?.as_ref().map(held).transpose()
    }

    /// Notes that a session has an agent in maintenance mode; what another one had is its from then on.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the session is not his any more.
    pub async fn hold_mode(
        &self,
        holder: &Holder,
        (connection, agent): (&str, &str),
        now_us: i64,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        self.must_have(&mut tx, holder).await?;
        self.sql(
            "insert into held_mode (connection, agent, session, at) values ($1, $2, $3, $4) \
             on conflict (connection, agent) do update set session = excluded.session",
        )
        .bind(owned(connection))
        .bind(owned(agent))
        .bind(holder.session.to_string())
        .bind(now_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The agents that a session has in maintenance mode.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn held_modes(&self, session: SessionId) -> Result<Vec<HeldMode>> {
        let text = "select connection, agent, session from held_mode where session = $1 \
                    order by connection, agent";
        let query = self.sql(text).bind(session.to_string());
        query.fetch_all(self.readers()).await?.iter().map(held).collect()
    }

    /// Agents in maintenance mode whose session is over, or gone: at most so many.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn left_modes(&self, most: usize) -> Result<Vec<HeldMode>> {
        let text = "select connection, agent, session from held_mode where not exists \
                    (select 1 from session s where s.id = held_mode.session \
                    and s.state in ('running', 'waiting')) order by at limit $1";
        let query = self.sql(text).bind(limit(most));
        query.fetch_all(self.readers()).await?.iter().map(held).collect()
    }

    /// Forgets that a session has an agent in maintenance mode: it was taken out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_mode(&self, mode: &HeldMode) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("delete from held_mode where connection = $1 and agent = $2 and session = $3")
            .bind(owned(&mode.connection))
            .bind(owned(&mode.agent))
            .bind(mode.session.to_string())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }
}

fn held(row: &AnyRow) -> Result<HeldMode> {
    let session = row.text(2)?;
    Ok(HeldMode {
        connection: row.text(0)?,
        agent: row.text(1)?,
        session: session
            .parse()
            .map_err(|_| Error::corrupt(format!("a session's id: {session}")))?,
    })
}
