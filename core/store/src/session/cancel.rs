//! Taking many sessions back at once.

use core_model::session::{Session, SessionState};

use super::{COLUMNS, read};
use crate::counter::SESSION;
use crate::error::Result;
use crate::open::Store;
use crate::sql::{Argument, Select, list, owned};

/// Which sessions are taken back: those for which everything holds that is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct CancelFilter<'a> {
    /// Only of these tenants.
    pub tenants: Option<&'a [String]>,
    /// Only of this tenant, by its id.
    pub tenant: Option<&'a str>,
    /// Only of this batch.
    pub group: Option<&'a str>,
    /// Only of this schedule, by its name.
    pub schedule: Option<&'a str>,
    /// Only of this deployment, by its id.
    pub deployment: Option<&'a str>,
    /// Those too that an engine is at; it is told by its next word.
    pub running: bool,
}

impl Store {
    /// Takes sessions back that wait, all of them or none, and gives them as they are then.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn cancel_sessions(
        &self,
        filter: CancelFilter<'_>,
        word: &str,
        now_us: i64,
    ) -> Result<Vec<Session>> {
        let mut tx = self.write().await?;
        let first = self.take(&mut tx, SESSION, 0).await?;
        let mut select = Select::new(format!("select {COLUMNS} from session"));
        select.push(
            match filter.running {
                true => " where (state = 'waiting' or state = 'running')",
                false => " where state = 'waiting'",
            },
            [],
        );
        if let Some(tenants) = filter.tenants {
            select.push(" and tenant in list({})", [Argument::Text(list(tenants))]);
        }
        for (column, value) in [
            (" and tenant = {}", filter.tenant),
            (" and batch = {}", filter.group),
            (" and schedule = {}", filter.schedule),
            (" and deployment = {}", filter.deployment),
        ] {
            if let Some(value) = value {
                select.push(column, [Argument::Text(owned(value))]);
            }
        }
        select.push(" order by asked, id", []);
        let rows = select.query(self.backend()).fetch_all(&mut *tx).await?;
        let mut cancelled = Vec::with_capacity(rows.len());
        for (seq, row) in (first..).zip(&rows) {
            let (_, mut session) = read(row)?;
            session.state = SessionState::Cancelled;
            session.until_us = None;
            word.clone_into(&mut session.word);
            session.changed_us = now_us;
            self.put_session(&mut tx, seq, &session).await?;
            cancelled.push(session);
        }
        if !cancelled.is_empty() {
            self.take(&mut tx, SESSION, cancelled.len()).await?;
            tx.commit().await?;
        }
        Ok(cancelled)
    }
}
