//! The books of sessions: what an engine did, written by whoever has the session and by nobody else; putting a
//! session back; and the tokens by which computers fetch the secrets of one run.

use core_model::id::SessionId;
use core_model::session::{Session, SessionState};
use sha2::{Digest as _, Sha256};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::counter::SESSION;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, count, opt, owned};

/// Who has a session, by which beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The session.
    pub session: SessionId,
    /// The engine.
    pub engine: String,
    /// Which beginning.
    pub take: u32,
}

/// A step in the book. `step`, `run`, `outcome` and `said` are JSON, opaque here; times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLine {
    /// Its number, from 1.
    pub number: u32,
    /// In which half.
    pub half: String,
    /// What was to be done.
    pub step: String,
    /// The script that does it.
    pub run: Option<String>,
    /// What came of it; none while it is under way.
    pub outcome: Option<String>,
    /// What it said.
    pub said: String,
    /// When it was begun.
    pub began_us: i64,
    /// When it ended.
    pub ended_us: Option<i64>,
}

/// When a session that is put back may be begun again. Times are Unix microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// At once.
    Now,
    /// Not before this.
    At(i64),
    /// As soon as its subject is heard of, and then at the latest.
    WhenHeardOf(i64),
}

/// By which a computer fetches the secrets of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunToken {
    /// A digest of it.
    pub digest: String,
    /// The session that it is of.
    pub session: SessionId,
    /// The names of the secrets, by parameter: JSON.
    pub secrets: String,
    /// Until when it counts.
    pub until_us: i64,
}

impl RunToken {
    /// Under which a token is kept: whoever reads the database cannot use it.
    #[must_use]
    pub fn digest_of(token: &str) -> String {
        Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Holder {
    /// The engine that a session runs in.
    #[must_use]
    pub fn of(session: &Session) -> Option<Self> {
        let engine = session.engine.clone()?;
        Some(Self { session: session.id, engine, take: session.takes })
    }
}

impl Store {
    /// The steps of a session after a number, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn session_lines(&self, id: SessionId, after: u32) -> Result<Vec<SessionLine>> {
        let text = "select number, half, step, run, outcome, said, began, ended from session_line \
                    where session = $1 and number > $2 order by number";
        let query = self.sql(text).bind(id.to_string()).bind(i64::from(after));
        query.fetch_all(self.readers()).await?.iter().map(line).collect()
    }

    /// Writes a step anew, or for the first time.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the session is not his any more.
    pub async fn put_session_line(&self, holder: &Holder, line: &SessionLine) -> Result<()> {
        let mut tx = self.write().await?;
        self.must_have(&mut tx, holder).await?;
        self.sql(
            "insert into session_line (session, number, half, step, run, outcome, said, began, ended) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
             on conflict (session, number) do update set run = excluded.run, \
             outcome = excluded.outcome, said = excluded.said, ended = excluded.ended",
        )
        .bind(holder.session.to_string())
        .bind(i64::from(line.number))
        .bind(owned(&line.half))
        .bind(owned(&line.step))
        .bind(opt(line.run.as_deref()))
        .bind(opt(line.outcome.as_deref()))
        .bind(owned(&line.said))
        .bind(line.began_us)
        .bind(line.ended_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// The plan of a session: JSON.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session_plan(&self, id: SessionId) -> Result<Option<String>> {
        let query = self.sql("select document from session_plan where session = $1");
        let row = query.bind(id.to_string()).fetch_optional(self.readers()).await?;
        row.map(|row| row.text(0)).transpose()
    }

    /// Keeps the plan of a session.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the session is not his any more.
    pub async fn put_session_plan(&self, holder: &Holder, document: &str) -> Result<()> {
        let mut tx = self.write().await?;
        self.must_have(&mut tx, holder).await?;
        self.sql(
            "insert into session_plan (session, document) values ($1, $2) \
             on conflict (session) do update set document = excluded.document",
        )
        .bind(holder.session.to_string())
        .bind(owned(document))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Puts a session back into the queue: it is not begun before a time. Gives it as it is then.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the session is not his any more.
    pub async fn put_back_session(
        &self,
        holder: &Holder,
        word: &str,
        ready: Ready,
        now_us: i64,
    ) -> Result<Session> {
        let mut tx = self.write().await?;
        let seq = self.take(&mut tx, SESSION, 1).await?;
        self.must_have(&mut tx, holder).await?;
        let mut session = self.session_in(&mut tx, holder.session).await?;
        session.state = SessionState::Waiting;
        session.until_us = None;
        session.engine = None;
        (session.ready_us, session.away) = match ready {
            Ready::Now => (None, false),
            Ready::At(at_us) => (Some(at_us), false),
            Ready::WhenHeardOf(at_us) => (Some(at_us), true),
        };
        session.fruitless = 0;
        word.clone_into(&mut session.word);
        session.changed_us = now_us;
        self.put_session(&mut tx, seq, &session).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// Has an engine's time with a session be over now: it is lost, as if nobody had been heard of.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the session is not his any more.
    pub async fn let_session_go(&self, holder: &Holder, now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        self.must_have(&mut tx, holder).await?;
        let query = self.sql("update session set until = $1 where id = $2").bind(now_us);
        query.bind(holder.session.to_string()).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Has the sessions of these subjects wait no more that wait because their subject could not be reached; those
    /// that wait for a time of their own still do. Gives how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ready_sessions(&self, subjects: &[String], now_us: i64) -> Result<usize> {
        let text = "select change_seq, document, until from session \
                    where state = 'waiting' and ready > $1 and subject in list($2) order by asked, id";
        let mut tx = self.write().await?;
        let first = self.take(&mut tx, SESSION, 0).await?;
        let query = self.sql(text).bind(now_us).bind(crate::sql::list(subjects));
        let rows = query.fetch_all(&mut *tx).await?;
        let all = rows.iter().map(|row| Ok(super::read(row)?.1)).collect::<Result<Vec<_>>>()?;
        let woken: Vec<Session> = all.into_iter().filter(|session| session.away).collect();
        if woken.is_empty() {
            return Ok(0);
        }
        for (seq, mut session) in (first..).zip(woken.iter().cloned()) {
            (session.ready_us, session.away) = (None, false);
            session.changed_us = now_us;
            self.put_session(&mut tx, seq, &session).await?;
        }
        self.take(&mut tx, SESSION, woken.len()).await?;
        tx.commit().await?;
        Ok(woken.len())
    }

    /// Keeps a token of one run.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the session is not his any more.
    pub async fn put_run_token(
        &self,
        holder: &Holder,
        token: &RunToken,
        now_us: i64,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        self.must_have(&mut tx, holder).await?;
        self.sql("delete from run_token where until <= $1").bind(now_us).execute(&mut *tx).await?;
        self.sql("insert into run_token (digest, session, secrets, until) values ($1, $2, $3, $4)")
            .bind(owned(&token.digest))
            .bind(token.session.to_string())
            .bind(owned(&token.secrets))
            .bind(token.until_us)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Uses up a token of a run; none where there is no such token, it was used before, its time is over, or its
    /// session does not run any more.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn use_run_token(&self, digest: &str, now_us: i64) -> Result<Option<RunToken>> {
        let mut tx = self.write().await?;
        let text = "update run_token set used = $1 where digest = $2 and used is null and until > $1 \
                    and exists (select 1 from session s where s.id = run_token.session \
                    and s.state = 'running') returning session, secrets, until";
        let query = self.sql(text).bind(now_us).bind(owned(digest));
        let row = query.fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let session = row.text(0)?;
        Ok(Some(RunToken {
            digest: digest.to_owned(),
            session: session
                .parse()
                .map_err(|_| Error::corrupt(format!("a session's id: {session}")))?,
            secrets: row.text(1)?,
            until_us: row.int(2)?,
        }))
    }

    /// How often a step of this text was done for a subject since a time, by other sessions than one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn steps_since(
        &self,
        (session, subject): (SessionId, &str),
        step: &str,
        since_us: i64,
    ) -> Result<u32> {
        let text = "select count(*) from session s join session_line l on l.session = s.id \
                    where s.subject = $1 and s.id <> $2 and l.step = $3 and l.ended >= $4";
        let query = self.sql(text).bind(owned(subject)).bind(session.to_string());
        let row = query.bind(owned(step)).bind(since_us).fetch_one(self.readers()).await?;
        Ok(u32::try_from(row.int(0)?).unwrap_or(u32::MAX))
    }

    /// Forgets what sessions did that were over before a time, at most so many; what came of their actions stays.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_books(&self, before_us: i64, most: usize) -> Result<u64> {
        let over = "select session from session_plan where session in (select id from session \
                    where state in ('succeeded', 'failed', 'cancelled', 'expired') and asked < $1) limit $2";
        let query = self.sql(over).bind(before_us).bind(crate::sql::limit(most));
        let rows = query.fetch_all(self.readers()).await?;
        if rows.is_empty() {
            return Ok(0);
        }
        let ids = rows.iter().map(|row| row.text(0)).collect::<Result<Vec<_>>>()?;
        let mut tx = self.write().await?;
        for text in [
            "delete from session_line where session in list($1)",
            "delete from session_plan where session in list($1)",
        ] {
            self.sql(text).bind(crate::sql::list(&ids)).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(ids.len() as u64)
    }

    /// Whether an engine ended a step of a session since it was begun last.
    pub(super) async fn got_on(&self, tx: &mut AnyConnection, session: &Session) -> Result<bool> {
        let Some(begun) = session.begun_us else { return Ok(false) };
        let text = "select count(*) from session_line where session = $1 and ended >= $2";
        let query = self.sql(text).bind(session.id.to_string()).bind(begun);
        Ok(count(query.fetch_one(tx).await?.int(0)?) > 0)
    }

    /// Whether the session is his still.
    pub(super) async fn must_have(&self, tx: &mut AnyConnection, holder: &Holder) -> Result<()> {
        let text = "select state, document from session where id = $1";
        let row = self.sql(text).bind(holder.session.to_string()).fetch_optional(tx).await?;
        let row = row.ok_or_else(|| super::missing(holder.session))?;
        let session: Session = serde_json::from_str(&row.text(1)?)
            .map_err(|why| Error::corrupt(format!("a session's document: {why}")))?;
        let his = row.text(0)? == SessionState::Running.as_str()
            && session.engine.as_deref() == Some(&holder.engine)
            && session.takes == holder.take;
        if his {
            return Ok(());
        }
        let (id, engine, take) = (holder.session, &holder.engine, holder.take);
        Err(Error::Conflict {
            constraint: format!("session {id} is not {engine}'s any more (beginning {take})"),
        })
    }
}

fn line(row: &AnyRow) -> Result<SessionLine> {
    Ok(SessionLine {
        number: u32::try_from(row.int(0)?).map_err(|_| Error::corrupt("the number of a step"))?,
        half: row.text(1)?,
        step: row.text(2)?,
        run: row.opt_text(3)?,
        outcome: row.opt_text(4)?,
        said: row.text(5)?,
        began_us: row.int(6)?,
        ended_us: row.opt_int(7)?,
    })
}
