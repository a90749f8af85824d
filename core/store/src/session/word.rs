//! What an engine says of a session.

use core_model::id::SessionId;
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionState};
use sqlx::AnyConnection;

use crate::counter::SESSION;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::Columns;

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
    /// Which beginning it is about, where that is said.
    pub take: Option<u32>,
    /// How many run, and how long who runs one has it.
    pub rules: &'a QueueRules,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

impl Store {
    /// Takes an engine's word about a session, and gives the session as it is then. An engine that says
    /// that it runs has it for as long again.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none; [`Error::Conflict`] where it cannot become that, another
    /// engine is at it, or the engine lost it.
    pub async fn tell_session(&self, id: SessionId, word: SessionWord<'_>) -> Result<Session> {
        let mut tx = self.write().await?;
        let seq = self.take(&mut tx, SESSION, 1).await?;
        let mut session = self.session_in(&mut tx, id).await?;
        may_say(&session, word)?;
        let begins = word.state == SessionState::Running && session.state != word.state;
        if begins {
            self.may_begin(&mut tx, &session, word).await?;
            session.takes += 1;
            (session.ready_us, session.away) = (None, false);
            session.begun_us = Some(word.now_us);
            session.lost_by = None;
            self.note_turn(&mut tx, &session.tenant.to_string(), seq).await?;
        }
        if !matches!(word.state, SessionState::Cancelled | SessionState::Waiting) {
            session.engine = Some(word.by.to_owned());
        }
        if let Some(result) = word.result {
            session.result = Some(result.clone());
        }
        let runs = word.state == SessionState::Running;
        session.until_us = runs.then(|| word.now_us.saturating_add(word.rules.lease_us));
        session.state = word.state;
        word.word.clone_into(&mut session.word);
        session.changed_us = word.now_us;
        self.put_session(&mut tx, seq, &session).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// Whether an engine may begin a session by its word, without taking it: the bounds hold for it too.
    async fn may_begin(
        &self,
        tx: &mut AnyConnection,
        session: &Session,
        word: SessionWord<'_>,
    ) -> Result<()> {
        let id = session.id;
        if session.expires_us.is_some_and(|expires| expires <= word.now_us) {
            return refused(format!("session {id} has waited too long"));
        }
        if self.is_held(&mut *tx, &id.to_string()).await? {
            return refused(format!("session {id} waits: it is stopped"));
        }
        if session.ready_us.is_some_and(|ready| ready > word.now_us) {
            return refused(format!("session {id} waits for its time"));
        }
        let text = "select id from session where state = 'running' and subject = $1 limit 1";
        let query = self.sql(text).bind(session.subject.to_string());
        if let Some(row) = query.fetch_optional(&mut *tx).await? {
            let (other, name) = (row.text(0)?, &session.subject_name);
            return refused(format!("session {other} of {name} runs first, and {id} waits for it"));
        }
        let (mut standing, has) = self.standing(tx, word.by).await?;
        let all: usize = standing.values().map(|one| one.running).sum();
        let of_tenant = standing.remove(&session.tenant.to_string()).unwrap_or_default().running;
        let rules = word.rules;
        for (running, most, whose) in [
            (all, rules.at_once, ""),
            (of_tenant, rules.per_tenant, " of its tenant"),
            (has, rules.per_engine, " of this engine"),
        ] {
            if running >= most {
                let text = format!("{running} sessions{whose} run already, and {id} waits for one");
                return refused(text);
            }
        }
        Ok(())
    }
}

/// Refuses what cannot become of a session, and whoever is not at it.
fn may_say(session: &Session, word: SessionWord<'_>) -> Result<()> {
    let id = session.id;
    // Whoever asked may take it back; it is the engine that must see that.
    let is_engine = word.state != SessionState::Cancelled;
    let lost = session.lost_by.as_deref() == Some(word.by);
    if is_engine && lost && session.state == SessionState::Waiting {
        return refused(format!("{} lost session {id}: it was not heard of in time", word.by));
    }
    if !session.state.may_become(word.state) {
        let (is, next) = (session.state.as_str(), word.state.as_str());
        return refused(format!("session {id} is {is} and cannot become {next}"));
    }
    if !is_engine {
        return Ok(());
    }
    if session.state == SessionState::Waiting {
        // Whoever begins it by a word has had no beginning of it yet.
        return match word.take {
            Some(take) => {
                refused(format!("session {id} waits again, and beginning {take} is over"))
            }
            None => Ok(()),
        };
    }
    if let Some(engine) = session.engine.as_ref().filter(|engine| *engine != word.by) {
        return refused(format!("{engine} is at session {id}"));
    }
    match word.take.filter(|take| *take != session.takes) {
        Some(take) => {
            let takes = session.takes;
            refused(format!(
                "session {id} was begun {takes} times by now, and this is about {take}"
            ))
        }
        None => Ok(()),
    }
}

fn refused<T>(constraint: String) -> Result<T> {
    Err(Error::Conflict { constraint })
}
