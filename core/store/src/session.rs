//! Sessions: asked for, taken by an engine, ended. Every change has a number, by which they are followed.

use core_model::id::SessionId;
use core_model::session::{Session, SessionState};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::counter::SESSION;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, limit, list, opt, owned};

/// Which sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionQuery<'a> {
    /// Only of these tenants.
    pub tenants: Option<&'a [String]>,
    /// Only in this state.
    pub state: Option<SessionState>,
    /// Only those asked for in this ticket: connection and key.
    pub ticket: Option<(&'a str, &'a str)>,
    /// Only those that changed after this number.
    pub after: i64,
    /// So many at most.
    pub most: Option<usize>,
}

/// What an engine says of a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionWord<'a> {
    /// Where it stands now.
    pub state: SessionState,
    /// How it goes, or what came of it.
    pub word: &'a str,
    /// What it found and did; what was said before stays where nothing is said.
    pub result: Option<&'a serde_json::Value>,
    /// Who says so.
    pub by: &'a str,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

impl Store {
    /// Notes a session that somebody asks for. Where one for the same subject and deployment is not
    /// over, that one is given and nothing is noted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_session(&self, session: &Session) -> Result<Session> {
        let mut tx = self.write().await?;
        let active = format!("{} {}", session.subject, session.deployment);
        let seq = self.take(&mut tx, SESSION, 1).await?;
        let ticket = session.ticket.as_ref();
        let added = self
            .sql(
                "insert into session (id, change_seq, tenant, subject, deployment, state, connection, \
                 ticket, active, asked, document) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing",
            )
            .bind(session.id.to_string())
            .bind(seq)
            .bind(session.tenant.to_string())
            .bind(session.subject.to_string())
            .bind(session.deployment.to_string())
            .bind(session.state.as_str())
            .bind(opt(ticket.map(|ticket| ticket.connection.as_str())))
            .bind(opt(ticket.map(|ticket| ticket.key.as_str())))
            .bind((!session.state.is_over()).then(|| active.clone()))
            .bind(session.asked_us)
            .bind(document(session))
            .execute(&mut *tx)
            .await?
            .rows_affected();
        if added == 1 {
            tx.commit().await?;
            return Ok(session.clone());
        }
        let text = "select change_seq, document from session where active = $1 or id = $2";
        let query = self.sql(text).bind(active).bind(session.id.to_string());
        let row = query.fetch_optional(&mut *tx).await?;
        match row {
            Some(row) => Ok(read(&row)?.1),
            None => Err(Error::NotFound { what: format!("session {}", session.id) }),
        }
    }

    /// The session of an id.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none.
    pub async fn session(&self, id: SessionId) -> Result<Session> {
        let query = self.sql("select change_seq, document from session where id = $1");
        let row = query.bind(id.to_string()).fetch_optional(self.readers()).await?;
        let row = row.ok_or_else(|| Error::NotFound { what: format!("session {id}") })?;
        Ok(read(&row)?.1)
    }

    /// Sessions in the order of their last changes, each with that change's number.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn sessions(&self, wanted: SessionQuery<'_>) -> Result<Vec<(i64, Session)>> {
        let mut select = Select::new("select change_seq, document from session");
        select.push(" where change_seq > {}", [Argument::Int(wanted.after)]);
        if let Some(tenants) = wanted.tenants {
            select.push(" and tenant in list({})", [Argument::Text(list(tenants))]);
        }
        if let Some(state) = wanted.state {
            select.push(" and state = {}", [Argument::Text(state.as_str().to_owned())]);
        }
        if let Some((connection, key)) = wanted.ticket {
            let arguments = [connection, key].map(|text| Argument::Text(owned(text)));
            select.push(" and connection = {} and ticket = {}", arguments);
        }
        let most = wanted.most.map_or(i64::MAX, limit);
        select.push(" order by change_seq limit {}", [Argument::Int(most)]);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// How many sessions are in a state.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_sessions(&self, state: SessionState) -> Result<u64> {
        let query = self.sql("select count(*) from session where state = $1");
        let row = query.bind(state.as_str()).fetch_one(self.readers()).await?;
        Ok(crate::sql::count(row.int(0)?))
    }

    /// The number of the newest change of a session; 0 where there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_session_change(&self) -> Result<i64> {
        self.last(SESSION).await
    }

    /// Takes an engine's word about a session, and gives the session as it is then.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none; [`Error::Conflict`] where it cannot become that, or
    /// another engine is at it.
    pub async fn tell_session(&self, id: SessionId, word: SessionWord<'_>) -> Result<Session> {
        let mut tx = self.write().await?;
        let seq = self.take(&mut tx, SESSION, 1).await?;
        let mut session = self.session_in(&mut tx, id).await?;
        if !session.state.may_become(word.state) {
            let (is, next) = (session.state.as_str(), word.state.as_str());
            let constraint = format!("session {id} is {is} and cannot become {next}");
            return Err(Error::Conflict { constraint });
        }
        let running = session.state == SessionState::Running;
        // Whoever asked may take it back; it is the engine that must see that.
        if running
            && word.state != SessionState::Cancelled
            && let Some(engine) = session.engine.as_ref().filter(|engine| *engine != word.by)
        {
            let constraint = format!("{engine} is at session {id}");
            return Err(Error::Conflict { constraint });
        }
        if word.state != SessionState::Cancelled {
            session.engine = Some(word.by.to_owned());
        }
        if let Some(result) = word.result {
            session.result = Some(result.clone());
        }
        session.state = word.state;
        word.word.clone_into(&mut session.word);
        session.changed_us = word.now_us;
        let text = "update session set change_seq = $1, state = $2, document = $3, \
                    active = case when $4 = 1 then null else active end where id = $5";
        self.sql(text)
            .bind(seq)
            .bind(session.state.as_str())
            .bind(document(&session))
            .bind(i64::from(session.state.is_over()))
            .bind(id.to_string())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(session)
    }

    async fn session_in(&self, tx: &mut AnyConnection, id: SessionId) -> Result<Session> {
        let query = self.sql("select change_seq, document from session where id = $1");
        let row = query.bind(id.to_string()).fetch_optional(tx).await?;
        let row = row.ok_or_else(|| Error::NotFound { what: format!("session {id}") })?;
        Ok(read(&row)?.1)
    }
}

fn document(session: &Session) -> String {
    // A session is always JSON.
    owned(&serde_json::to_string(session).unwrap_or_default())
}

fn read(row: &AnyRow) -> Result<(i64, Session)> {
    let text = row.text(1)?;
    let session = serde_json::from_str(&text)
        .map_err(|why| Error::corrupt(format!("a session's document: {why}")))?;
    Ok((row.int(0)?, session))
}
