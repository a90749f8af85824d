//! Postponing a session, and having it begin before its time: by whoever may, or with the key of a
//! notification, which counts for one deed at a time.

use core_model::id::SessionId;
use core_model::postpone::{PostponeBy, PostponeRules, Refusal, at_words, may_hasten};
use core_model::session::Session;
use sqlx::AnyConnection;

use crate::counter::SESSION;
use crate::error::Result;
use crate::key::NotificationKey;
use crate::open::Store;
use crate::sql::Columns;

/// To when a session is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moving {
    /// Later.
    Postpone(PostponeBy),
    /// It goes on at once.
    Now,
}

/// A move of a session.
#[derive(Clone, Copy, Debug)]
pub struct SessionMove<'a> {
    /// To when.
    pub to: Moving,
    /// How often and how far it may be moved.
    pub rules: &'a PostponeRules,
    /// Whether neither of that counts.
    pub forced: bool,
    /// Who moves it, as people are told.
    pub by: &'a str,
    /// The key by which it is moved, and how often it was used before: used since, it does not count.
    pub key: Option<(&'a NotificationKey, u32)>,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// What came of a move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moved {
    /// The session is so now.
    Done(Box<Session>),
    /// It is not moved.
    Refused(Refusal),
    /// The key was used for something else since.
    Used,
}

impl Store {
    /// Moves a session as a whole, if it may be: all of it and all that is noted of it, or nothing.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] where there is none.
    pub async fn move_session(&self, id: SessionId, how: SessionMove<'_>) -> Result<Moved> {
        let mut tx = self.write().await?;
        // Whoever takes sessions locks this first: what waits here, waits until it is moved.
        let seq = self.take(&mut tx, SESSION, 1).await?;
        let mut session = self.session_in(&mut tx, id).await?;
        let begun = self.begun_in(&mut tx, id).await?;
        let planned = self.planned_in(&mut tx, id).await?;
        let now_us = how.now_us;
        match how.to {
            Moving::Postpone(by) => {
                let moved = how.rules.moved_to(&session, (begun, how.forced), by, now_us);
                match moved {
                    Ok(at_us) => postpone(&mut session, planned, at_us, how),
                    Err(refusal) => return Ok(Moved::Refused(refusal)),
                }
            }
            Moving::Now => {
                if let Err(refusal) = may_hasten(&session, begun, now_us) {
                    return Ok(Moved::Refused(refusal));
                }
                session.first_act_us = session.first_act_us.or(session.act_us).or(Some(how.now_us));
                session.act_us = session.act_us.map(|at| at.min(now_us));
                (session.ready_us, session.away) = (None, false);
                session.word = format!("goes on at once: {} wants it so", how.by);
            }
        }
        session.changed_us = now_us;
        if let Some((key, uses)) = how.key
            && !self.use_notification_key(&mut tx, id, key, uses).await?
        {
            return Ok(Moved::Used);
        }
        self.put_session(&mut tx, seq, &session).await?;
        tx.commit().await?;
        Ok(Moved::Done(Box::new(session)))
    }

    /// Whether anything was done for a session already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session_begun(&self, id: SessionId) -> Result<bool> {
        let query = self.sql(BEGUN).bind(id.to_string());
        Ok(query.fetch_optional(self.readers()).await?.is_some())
    }

    async fn begun_in(&self, tx: &mut AnyConnection, id: SessionId) -> Result<bool> {
        Ok(self.sql(BEGUN).bind(id.to_string()).fetch_optional(tx).await?.is_some())
    }

    async fn planned_in(&self, tx: &mut AnyConnection, id: SessionId) -> Result<bool> {
        let query = self.sql("select count(*) from session_plan where session = $1");
        Ok(query.bind(id.to_string()).fetch_one(tx).await?.int(0)? > 0)
    }

    /// Uses a key once more, if it was used so often before.
    async fn use_notification_key(
        &self,
        tx: &mut AnyConnection,
        session: SessionId,
        key: &NotificationKey,
        uses: u32,
    ) -> Result<bool> {
        let text = "update notification set uses = uses + 1 \
                    where digest = $1 and session = $2 and uses = $3";
        let query = self.sql(text).bind(key.digest()).bind(session.to_string());
        Ok(query.bind(i64::from(uses)).execute(tx).await?.rows_affected() == 1)
    }
}

const BEGUN: &str = "select 1 from session_line where session = $1 and half = 'act' limit 1";

fn postpone(session: &mut Session, planned: bool, at_us: i64, how: SessionMove<'_>) {
    // Where it was looked already, or nobody wants it looked before, nothing is to be done before that.
    let waits_for_it = planned || session.act_us.is_none();
    session.first_act_us = session.first_act_us.or(session.act_us).or(Some(how.now_us));
    session.act_us = Some(at_us);
    if waits_for_it {
        (session.ready_us, session.away) = (Some(at_us), false);
    }
    session.postponed += 1;
    let (time, by) = (at_words(at_us, how.rules.zone), how.by);
    let (number, most) = (session.postponed, how.rules.times);
    let of = if number <= most { format!(" ({number} of {most})") } else { String::new() };
    session.word = format!("postponed to {time} by {by}{of}");
}
