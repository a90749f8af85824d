//! Sessions: asked for, taken by an engine, ended. Every change has a number, by which they are followed.

use core_model::id::SessionId;
use core_model::session::{Session, SessionKind, SessionState};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::bulk::{Bulk, Rows};
use crate::counter::SESSION;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, limit, list, opt, owned};

mod actions;
mod batch;
mod book;
mod cancel;
mod compare;
mod mode;
mod moving;
mod queue;
mod stop;
mod word;

pub use actions::{ActionQuery, Before, FailureExample, FailureGroup, SessionAction};
pub use book::{Holder, Ready, RunToken, SessionLine};
pub use cancel::CancelFilter;
pub use compare::{Compared, ComparedItem, Comparison, Side};
pub use mode::HeldMode;
pub use moving::{Moved, Moving, SessionMove};
pub use queue::{Bar, Bars, Take, Took};
pub use word::SessionWord;

/// Which sessions: those for which everything holds that is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionQuery<'a> {
    /// Only of these tenants.
    pub tenants: Option<&'a [String]>,
    /// Only of this tenant, by its id.
    pub tenant: Option<&'a str>,
    /// Only in this state.
    pub state: Option<SessionState>,
    /// Only of this kind.
    pub kind: Option<SessionKind>,
    /// Only of this batch.
    pub group: Option<&'a str>,
    /// Only those of this schedule, by its name.
    pub schedule: Option<&'a str>,
    /// Only those of these subjects, by their ids.
    pub subjects: Option<&'a [String]>,
    /// Only those asked for in this ticket: connection and key.
    pub ticket: Option<(&'a str, &'a str)>,
    /// Only those that changed after this number.
    pub after: i64,
    /// So many at most.
    pub most: Option<usize>,
    /// The newest change first.
    pub newest: bool,
}

/// Sessions that are not noted yet; one that is there stays.
const NEW: Bulk = Bulk {
    text: "insert into session (id, change_seq, tenant, subject, deployment, state, connection, ticket, \
           active, asked, document, kind, batch, engine, until, expires, ready, schedule) \
           values {rows} on conflict do nothing",
    columns: 18,
};

/// A row of them.
fn with(rows: Rows, seq: i64, session: &Session) -> Rows {
    let ticket = session.ticket.as_ref();
    rows.bind(session.id.to_string())
        .bind(seq)
        .bind(session.tenant.to_string())
        .bind(session.subject.to_string())
        .bind(session.deployment.map(|id| id.to_string()).unwrap_or_default())
        .bind(session.state.as_str())
        .bind(opt(ticket.map(|ticket| ticket.connection.as_str())))
        .bind(opt(ticket.map(|ticket| ticket.key.as_str())))
        .bind((!session.state.is_over()).then(|| owned(&session.active())))
        .bind(session.asked_us)
        .bind(document(session))
        .bind(session.kind.rank())
        .bind(session.group.as_deref())
        .bind(session.engine.as_deref())
        .bind(session.until_us)
        .bind(session.expires_us)
        .bind(session.ready_us)
        .bind(session.schedule.as_deref())
}

impl Store {
    /// Notes that a session is asked for. Where one of the same subject and for the same is not over, that one is given and nothing is noted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_session(&self, session: &Session) -> Result<Session> {
        let mut added = self.add_sessions(std::slice::from_ref(session)).await?;
        added.pop().ok_or_else(|| missing(session.id))
    }

    /// Notes many at once, and gives each as [`Store::add_session`] does, in their order.
    ///
    /// # Errors
    /// When the database does not answer; nothing is noted then.
    pub async fn add_sessions(&self, sessions: &[Session]) -> Result<Vec<Session>> {
        let mut tx = self.write().await?;
        let first = self.take(&mut tx, SESSION, 0).await?;
        let (mut added, mut stand) = (0, Vec::with_capacity(sessions.len()));
        for session in sessions {
            let seq = first + limit(added);
            if self.insert_session(&mut tx, seq, session).await? {
                added += 1;
                stand.push(session.clone());
            } else {
                stand.push(self.session_instead(&mut tx, session).await?);
            }
        }
        if added > 0 {
            self.take(&mut tx, SESSION, added).await?;
            tx.commit().await?;
        }
        Ok(stand)
    }

    /// Whether it was new.
    async fn insert_session(
        &self,
        tx: &mut AnyConnection,
        seq: i64,
        session: &Session,
    ) -> Result<bool> {
        let row = [(seq, session)];
        let new = self.bulk(tx, (&NEW, ""), &row, |rows, (seq, one)| with(rows, *seq, one));
        Ok(new.await? == 1)
    }

    /// The one that stands where another was to be noted.
    async fn session_instead(&self, tx: &mut AnyConnection, session: &Session) -> Result<Session> {
        let text = "select change_seq, document, until from session where active = $1 or id = $2";
        let query = self.sql(text).bind(session.active()).bind(session.id.to_string());
        let row = query.fetch_optional(tx).await?.ok_or_else(|| missing(session.id))?;
        Ok(read(&row)?.1)
    }

    /// The session of an id.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none.
    pub async fn session(&self, id: SessionId) -> Result<Session> {
        let query = self.sql("select change_seq, document, until from session where id = $1");
        let row = query.bind(id.to_string()).fetch_optional(self.readers()).await?;
        Ok(read(&row.ok_or_else(|| missing(id))?)?.1)
    }

    /// Sessions in the order of their last changes, each with that change's number.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn sessions(&self, wanted: SessionQuery<'_>) -> Result<Vec<(i64, Session)>> {
        let mut select = Select::new(format!("select {COLUMNS} from session"));
        select.push(" where change_seq > {}", [Argument::Int(wanted.after)]);
        if let Some(tenants) = wanted.tenants {
            select.push(" and tenant in list({})", [Argument::Text(list(tenants))]);
        }
        if let Some(subjects) = wanted.subjects {
            select.push(" and subject in list({})", [Argument::Text(list(subjects))]);
        }
        for (condition, value) in [
            (" and tenant = {}", wanted.tenant),
            (" and state = {}", wanted.state.map(SessionState::as_str)),
            (" and batch = {}", wanted.group),
            (" and schedule = {}", wanted.schedule),
        ] {
            if let Some(value) = value {
                select.push(condition, [Argument::Text(owned(value))]);
            }
        }
        if let Some(kind) = wanted.kind {
            select.push(" and kind = {}", [Argument::Int(kind.rank())]);
        }
        if let Some((connection, key)) = wanted.ticket {
            let arguments = [connection, key].map(|text| Argument::Text(owned(text)));
            select.push(" and connection = {} and ticket = {}", arguments);
        }
        let most = wanted.most.map_or(i64::MAX, limit);
        let order = if wanted.newest { " desc" } else { "" };
        select.push(&format!(" order by change_seq{order} limit {{}}"), [Argument::Int(most)]);
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

    /// How many sessions were asked for in a batch.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_batch(&self, group: &str) -> Result<u64> {
        let query = self.sql("select count(*) from session where batch = $1");
        let row = query.bind(owned(group)).fetch_one(self.readers()).await?;
        Ok(crate::sql::count(row.int(0)?))
    }

    /// How many sessions wait and run, by their kinds; what there is none of is left out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn queued_sessions(&self) -> Result<Vec<(SessionState, SessionKind, u64)>> {
        // Each in the words of its own index.
        let waiting = "select kind, count(*) from session where state = 'waiting' group by kind order by kind";
        let running = "select kind, count(*) from session where state = 'running' group by kind order by kind";
        let mut found = Vec::new();
        for (state, text) in [(SessionState::Waiting, waiting), (SessionState::Running, running)] {
            for row in self.sql(text).fetch_all(self.readers()).await? {
                let kind = SessionKind::of_rank(row.int(0)?)
                    .ok_or_else(|| Error::corrupt("a session's kind"))?;
                found.push((state, kind, crate::sql::count(row.int(1)?)));
            }
        }
        Ok(found)
    }

    /// Those of these subjects for which a session runs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn busy_subjects(&self, subjects: &[String]) -> Result<Vec<String>> {
        let text =
            "select distinct subject from session where state = 'running' and subject in list($1)";
        let rows = self.sql(text).bind(list(subjects)).fetch_all(self.readers()).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// The number of the newest change of a session; 0 where there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_session_change(&self) -> Result<i64> {
        self.last(SESSION).await
    }

    /// Writes how a session stands now, under the number of its change.
    async fn put_session(&self, tx: &mut AnyConnection, seq: i64, session: &Session) -> Result<()> {
        let text = "update session set change_seq = $1, state = $2, document = $3, engine = $4, \
                    until = $5, active = case when $6 = 1 then null else active end, ready = $8 \
                    where id = $7";
        self.sql(text)
            .bind(seq)
            .bind(session.state.as_str())
            .bind(document(session))
            .bind(opt(session.engine.as_deref()))
            .bind(session.until_us)
            .bind(i64::from(session.state.is_over()))
            .bind(session.id.to_string())
            .bind(session.ready_us)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn session_in(&self, tx: &mut AnyConnection, id: SessionId) -> Result<Session> {
        let query = self.sql("select change_seq, document, until from session where id = $1");
        let row = query.bind(id.to_string()).fetch_optional(tx).await?;
        Ok(read(&row.ok_or_else(|| missing(id))?)?.1)
    }
}

/// What [`read`] reads.
const COLUMNS: &str = "change_seq, document, until";

/// A session and the number of its last change.
fn read(row: &AnyRow) -> Result<(i64, Session)> {
    let text = row.text(1)?;
    let mut session: Session = serde_json::from_str(&text)
        .map_err(|why| Error::corrupt(format!("a session's document: {why}")))?;
    // An engine that is heard of moves this, and nothing else.
    session.until_us = row.opt_int(2)?;
    Ok((row.int(0)?, session))
}

fn missing(id: SessionId) -> Error {
    Error::NotFound { what: format!("session {id}") }
}

fn document(session: &Session) -> String {
    // A session is always JSON.
    owned(&serde_json::to_string(session).unwrap_or_default())
}
