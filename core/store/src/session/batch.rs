//! Many sessions noted at once: those of a schedule's time.

use std::collections::HashSet;

use core_model::session::Session;

use super::{NEW, with};
use crate::counter::SESSION;
use crate::error::Result;
use crate::open::Store;
use crate::sql::{Columns, list};

/// So many are noted in one transaction: whoever takes sessions waits for it.
const AT_ONCE: usize = 1_000;

impl Store {
    /// Notes sessions that wait, as far as nothing speaks against it, and gives the places of those that were new: one
    /// that is there already stays as it is, and nobody is given a second of what he has one of that is not over.
    ///
    /// # Errors
    /// When the database does not answer. Then some may be noted; whoever does it again with the same makes none twice.
    pub async fn add_new_sessions(&self, sessions: &[Session]) -> Result<Vec<usize>> {
        let mut new = Vec::new();
        for (part, first) in sessions.chunks(AT_ONCE).zip((0..).step_by(AT_ONCE)) {
            let added = self.add_part(part).await?;
            new.extend(added.into_iter().map(|at| first + at));
        }
        Ok(new)
    }

    async fn add_part(&self, sessions: &[Session]) -> Result<Vec<usize>> {
        let mut tx = self.write().await?;
        // Whoever notes sessions locks this first: what is there stays as it is read here.
        let first = self.take(&mut tx, SESSION, 0).await?;
        let mut there: HashSet<String> = HashSet::new();
        for text in [
            "select id from session where id in list($1)",
            "select active from session where active in list($1)",
        ] {
            let wanted = match text.contains("active") {
                true => list(sessions.iter().map(Session::active)),
                false => list(sessions.iter().map(|one| one.id.to_string())),
            };
            for row in self.sql(text).bind(wanted).fetch_all(&mut *tx).await? {
                there.insert(row.text(0)?);
            }
        }
        let mut new = Vec::new();
        for (at, session) in sessions.iter().enumerate() {
            // Two of one batch may ask for the same.
            if !there.contains(&session.id.to_string()) && there.insert(session.active()) {
                new.push(at);
            }
        }
        if new.is_empty() {
            return Ok(new);
        }
        let rows: Vec<(i64, &Session)> =
            new.iter().zip(first..).map(|(at, seq)| (seq, &sessions[*at])).collect();
        self.bulk(&mut tx, (&NEW, ""), &rows, |rows, (seq, one)| with(rows, *seq, one)).await?;
        self.take(&mut tx, SESSION, new.len()).await?;
        tx.commit().await?;
        Ok(new)
    }
}
