//! What came of the actions of sessions: by subject, by item, and failures grouped by their cause.

use core_model::id::SessionId;
use serde::Serialize;
use sqlx::any::AnyRow;

use super::book::Holder;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, count, limit, list, opt, owned};

/// What came of one action of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SessionAction {
    /// The session.
    pub session: SessionId,
    /// Its place in the plan, from 0.
    pub number: u32,
    /// The tenant, by its id.
    pub tenant: String,
    /// The subject, by its id.
    pub subject: String,
    /// Its name.
    pub subject_name: String,
    /// The key of the item.
    pub item: String,
    /// What people call the item.
    pub title: String,
    /// The deployment that asks for it, by its id; none where it is there for another item's sake.
    pub deployment: Option<String>,
    /// What was to be done and why, in words.
    pub does: String,
    /// What came of it, in a word.
    pub result: String,
    /// Why it failed, in a word.
    pub class: Option<String>,
    /// What came of it, in words.
    pub message: String,
    /// When, Unix microseconds.
    pub at_us: i64,
}

/// Which actions: those for which everything holds that is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct ActionQuery<'a> {
    /// Only of these tenants.
    pub tenants: Option<&'a [String]>,
    /// Only of this tenant.
    pub tenant: Option<&'a str>,
    /// Only of this subject.
    pub subject: Option<&'a str>,
    /// Only of this session.
    pub session: Option<&'a str>,
    /// Only of this item.
    pub item: Option<&'a str>,
    /// Only with this result.
    pub result: Option<&'a str>,
    /// Only those since, Unix microseconds.
    pub since_us: i64,
    /// So many at most.
    pub most: Option<usize>,
}

/// Failures with one cause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FailureGroup {
    /// The item, by its key.
    pub item: String,
    /// What people call it.
    pub title: String,
    /// The cause, in a word.
    pub class: String,
    /// The newest words of it.
    pub message: String,
    /// How many subjects.
    pub subjects: u64,
    /// The newest session with it.
    pub session: String,
    /// When it was seen last, Unix microseconds.
    pub at_us: i64,
}

const COLUMNS: &str = "session, number, tenant, subject, subject_name, item, title, deployment, does, \
                       result, class, message, at";

impl Store {
    /// Keeps what came of the actions of a session, in place of what was kept of it before.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the session is not his any more.
    pub async fn put_session_actions(
        &self,
        holder: &Holder,
        actions: &[SessionAction],
    ) -> Result<()> {
        let mut tx = self.write().await?;
        self.must_have(&mut tx, holder).await?;
        let old = self.sql("delete from session_action where session = $1");
        old.bind(holder.session.to_string()).execute(&mut *tx).await?;
        for one in actions {
            self.sql(
                "insert into session_action (session, number, tenant, subject, subject_name, item, \
                 title, deployment, does, result, class, message, at) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            )
            .bind(one.session.to_string())
            .bind(i64::from(one.number))
            .bind(owned(&one.tenant))
            .bind(owned(&one.subject))
            .bind(owned(&one.subject_name))
            .bind(owned(&one.item))
            .bind(owned(&one.title))
            .bind(opt(one.deployment.as_deref()))
            .bind(owned(&one.does))
            .bind(owned(&one.result))
            .bind(opt(one.class.as_deref()))
            .bind(owned(&one.message))
            .bind(one.at_us)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// What came of actions, the newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn session_actions(&self, wanted: ActionQuery<'_>) -> Result<Vec<SessionAction>> {
        let mut select = Select::new(format!("select {COLUMNS} from session_action"));
        narrow(&mut select, &wanted);
        let most = wanted.most.map_or(i64::MAX, limit);
        select.push(" order by at desc, session, number limit {}", [Argument::Int(most)]);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(action).collect()
    }

    /// Failures by item and cause, what most subjects have first. Of each subject and item the newest word counts.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn failure_groups(&self, wanted: ActionQuery<'_>) -> Result<Vec<FailureGroup>> {
        let newest = "not exists (select 1 from session_action n where n.subject = a.subject \
                      and n.item = a.item and (n.at, n.session) > (a.at, a.session))";
        let mut select = Select::new(
            "select item, max(title), class, max(message), count(distinct subject), max(session), max(at) \
             from (select * from session_action",
        );
        narrow(&mut select, &wanted);
        select.push(&format!(" and class is not null) a where {newest}"), []);
        let most = wanted.most.map_or(i64::MAX, limit);
        select.push(
            " group by item, class order by count(distinct subject) desc, item, class limit {}",
            [Argument::Int(most)],
        );
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter()
            .map(|row| {
                Ok(FailureGroup {
                    item: row.text(0)?,
                    title: row.text(1)?,
                    class: row.text(2)?,
                    message: row.text(3)?,
                    subjects: count(row.int(4)?),
                    session: row.text(5)?,
                    at_us: row.int(6)?,
                })
            })
            .collect()
    }
}

fn narrow(select: &mut Select, wanted: &ActionQuery<'_>) {
    select.push(" where at >= {}", [Argument::Int(wanted.since_us)]);
    if let Some(tenants) = wanted.tenants {
        select.push(" and tenant in list({})", [Argument::Text(list(tenants))]);
    }
    for (condition, value) in [
        (" and tenant = {}", wanted.tenant),
        (" and subject = {}", wanted.subject),
        (" and session = {}", wanted.session),
        (" and item = {}", wanted.item),
        (" and result = {}", wanted.result),
    ] {
        if let Some(value) = value {
            select.push(condition, [Argument::Text(owned(value))]);
        }
    }
}

fn action(row: &AnyRow) -> Result<SessionAction> {
    let session = row.text(0)?;
    Ok(SessionAction {
        session: session
            .parse()
            .map_err(|_| Error::corrupt(format!("a session's id: {session}")))?,
        number: u32::try_from(row.int(1)?)
            .map_err(|_| Error::corrupt("the number of an action"))?,
        tenant: row.text(2)?,
        subject: row.text(3)?,
        subject_name: row.text(4)?,
        item: row.text(5)?,
        title: row.text(6)?,
        deployment: row.opt_text(7)?,
        does: row.text(8)?,
        result: row.text(9)?,
        class: row.opt_text(10)?,
        message: row.text(11)?,
        at_us: row.int(12)?,
    })
}
