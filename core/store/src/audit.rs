//! Who did what: every change by somebody, and every sign-in that was tried. What is written stays;
//! nothing in here changes or removes a line.

use sqlx::any::AnyRow;

use crate::counter::AUDIT;
use crate::error::Result;
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, count, limit, owned, pattern};

/// A line that is about to be. No secret belongs into any of it.
#[derive(Clone, Copy, Debug)]
pub struct NewAudit<'a> {
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Who: an account's or a token's name, or the user of a terminal.
    pub actor: &'a str,
    /// How it is known who that is: `session`, `token`, `terminal`, or `nobody`.
    pub means: &'a str,
    /// From where; empty for a terminal.
    pub address: &'a str,
    /// What was done, like `sign-in` or `token.create`.
    pub action: &'a str,
    /// To what.
    pub subject: &'a str,
    /// What became of it: `done`, `refused` or `failed`.
    pub outcome: &'a str,
    /// More, in words.
    pub detail: &'a str,
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place, from 1.
    pub number: i64,
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Who.
    pub actor: String,
    /// How it is known who that is.
    pub means: String,
    /// From where.
    pub address: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub subject: String,
    /// What became of it.
    pub outcome: String,
    /// More, in words.
    pub detail: String,
}

/// Which lines are asked for; what is none is any.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditQuery<'a> {
    /// Only lines before this number.
    pub before: Option<i64>,
    /// Only by this one.
    pub actor: Option<&'a str>,
    /// Only this action, or where it ends in a dot those that begin with it.
    pub action: Option<&'a str>,
    /// Only about this.
    pub subject: Option<&'a str>,
    /// How many, the newest first.
    pub limit: usize,
}

impl Store {
    /// Writes a line.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_audit(&self, new: &NewAudit<'_>) -> Result<i64> {
        let mut tx = self.write().await?;
        let number = self.take(&mut tx, AUDIT, 1).await?;
        self.sql(
            "insert into audit (number, at, actor, means, address, action, subject, outcome, \
             detail) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(number)
        .bind(new.at_us)
        .bind(owned(new.actor))
        .bind(owned(new.means))
        .bind(owned(new.address))
        .bind(owned(new.action))
        .bind(owned(new.subject))
        .bind(owned(new.outcome))
        .bind(owned(new.detail))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Lines, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn audit(&self, query: &AuditQuery<'_>) -> Result<Vec<AuditRow>> {
        let mut select = Select::new(
            "select number, at, actor, means, address, action, subject, outcome, detail \
             from audit where 1 = 1",
        );
        if let Some(before) = query.before {
            select.push(" and number < {}", [Argument::Int(before)]);
        }
        for (condition, value) in [
            (" and actor = {}", query.actor),
            (" and subject = {}", query.subject),
            (" and action = {}", query.action.filter(|action| !action.ends_with('.'))),
        ] {
            if let Some(value) = value {
                select.push(condition, [Argument::Text(owned(value))]);
            }
        }
        if let Some(family) = query.action.filter(|action| action.ends_with('.')) {
            let family = pattern("", family, "%");
            select.push(" and action like {} escape '\\'", [Argument::Text(family)]);
        }
        select.push(" order by number desc limit {}", [Argument::Int(limit(query.limit))]);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// How often an action was refused since an instant (Unix microseconds): for a subject, and from
    /// an address.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn refusals(
        &self,
        action: &str,
        subject: &str,
        address: &str,
        since_us: i64,
    ) -> Result<(u64, u64)> {
        let mut counted = [0, 0];
        for (place, (column, value)) in
            [("subject", subject), ("address", address)].into_iter().enumerate()
        {
            let mut select = Select::new("select count(*) from audit where outcome = 'refused'");
            let ends = [Argument::Text(owned(action)), Argument::Text(owned(value))];
            select.push(&format!(" and action = {{}} and {column} = {{}}"), ends);
            select.push(" and at >= {}", [Argument::Int(since_us)]);
            let row = select.query(self.backend()).fetch_one(self.readers()).await?;
            counted[place] = count(row.int(0)?);
        }
        Ok(counted.into())
    }
}

fn read(row: &AnyRow) -> Result<AuditRow> {
    Ok(AuditRow {
        number: row.int(0)?,
        at_us: row.int(1)?,
        actor: row.text(2)?,
        means: row.text(3)?,
        address: row.text(4)?,
        action: row.text(5)?,
        subject: row.text(6)?,
        outcome: row.text(7)?,
        detail: row.text(8)?,
    })
}
