//! Changes of definitions that wait for somebody's word: asked for, looked at again, approved or
//! rejected. An open one changes nothing; approving it saves a revision in the same transaction.

use sqlx::any::AnyRow;

use crate::counter::REQUEST;
use crate::definition::DefinitionChange;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, owned};

/// A change that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRequest {
    /// Its number, from 1.
    pub number: i64,
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Who asked.
    pub author: String,
    /// Why.
    pub note: String,
    /// What would change; opaque here.
    pub document: String,
    /// When it was last computed anew because something else had changed, and who saw that.
    pub renewed: Option<(i64, String)>,
    /// What became of it; none while it is open.
    pub settled: Option<Settlement>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Who approved or rejected it.
    pub by: String,
    /// Why.
    pub note: String,
    /// The revision that it became; none where it was rejected.
    pub revision: Option<i64>,
}

/// Somebody's word about a request.
#[derive(Clone, Copy, Debug)]
pub struct Word<'a> {
    /// The request.
    pub number: i64,
    /// What it said when it was looked at: it is refused where it says something else by now.
    pub document: &'a str,
    /// Who.
    pub by: &'a str,
    /// Why.
    pub note: &'a str,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

const COLUMNS: &str = "select number, at, author, note, document, renewed_at, renewed_by, \
                       settled_at, settled_by, settled_note, revision from change_request";

impl Store {
    /// Notes a request and gives its number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_request(
        &self,
        author: &str,
        note: &str,
        document: &str,
        now_us: i64,
    ) -> Result<i64> {
        let mut tx = self.write().await?;
        let number = self.take(&mut tx, REQUEST, 1).await?;
        self.sql(
            "insert into change_request (number, at, author, note, document) \
             values ($1, $2, $3, $4, $5)",
        )
        .bind(number)
        .bind(now_us)
        .bind(owned(author))
        .bind(owned(note))
        .bind(owned(document))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Every request, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn requests(&self) -> Result<Vec<ChangeRequest>> {
        let select = Select::new(format!("{COLUMNS} order by number"));
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(request).collect()
    }

    /// The request of a number.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is none.
    pub async fn request(&self, number: i64) -> Result<ChangeRequest> {
        let mut select = Select::new(COLUMNS);
        select.push(" where number = {}", [Argument::Int(number)]);
        let row = select.query(self.backend()).fetch_optional(self.readers()).await?;
        let none = || Error::NotFound { what: format!("request {number}") };
        request(&row.ok_or_else(none)?)
    }

    /// Has an open request say what it would change by now.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is settled, or says something else than was looked at.
    pub async fn renew_request(&self, word: Word<'_>, document: &str) -> Result<()> {
        let mut tx = self.write().await?;
        let done = self
            .sql(
                "update change_request set document = $1, renewed_at = $2, renewed_by = $3 \
                 where number = $4 and settled_at is null and document = $5",
            )
            .bind(owned(document))
            .bind(word.now_us)
            .bind(owned(word.by))
            .bind(word.number)
            .bind(owned(word.document))
            .execute(&mut *tx)
            .await?;
        settled_once(word, done.rows_affected())?;
        tx.commit().await?;
        Ok(())
    }

    /// Rejects an open request.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is settled, or says something else than was looked at.
    pub async fn reject_request(&self, word: Word<'_>) -> Result<()> {
        let mut tx = self.write().await?;
        self.settle_request(&mut tx, word, None).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Approves an open request and saves what it defines as one revision, or does neither; gives
    /// the revision's number.
    ///
    /// # Errors
    /// [`Error::Conflict`] when it is settled, says something else than was looked at, or somebody
    /// saved after the change's base.
    pub async fn approve_request(
        &self,
        word: Word<'_>,
        change: &DefinitionChange<'_>,
    ) -> Result<i64> {
        let mut tx = self.write().await?;
        let revision = self.save_in(&mut tx, change).await?;
        self.settle_request(&mut tx, word, Some(revision)).await?;
        tx.commit().await?;
        Ok(revision)
    }

    async fn settle_request(
        &self,
        tx: &mut sqlx::AnyConnection,
        word: Word<'_>,
        revision: Option<i64>,
    ) -> Result<()> {
        let done = self
            .sql(
                "update change_request set settled_at = $1, settled_by = $2, settled_note = $3, \
                 revision = $4 where number = $5 and settled_at is null and document = $6",
            )
            .bind(word.now_us)
            .bind(owned(word.by))
            .bind(owned(word.note))
            .bind(revision)
            .bind(word.number)
            .bind(owned(word.document))
            .execute(tx)
            .await?;
        settled_once(word, done.rows_affected())
    }
}

fn settled_once(word: Word<'_>, rows: u64) -> Result<()> {
    if rows == 1 {
        return Ok(());
    }
    let constraint = format!(
        "request {} was approved, rejected or computed anew meanwhile, or there is none",
        word.number
    );
    Err(Error::Conflict { constraint })
}

fn request(row: &AnyRow) -> Result<ChangeRequest> {
    let renewed = match (row.opt_int(5)?, row.opt_text(6)?) {
        (Some(at_us), Some(by)) => Some((at_us, by)),
        _ => None,
    };
    let settled = match row.opt_int(7)? {
        Some(at_us) => Some(Settlement {
            at_us,
            by: row.opt_text(8)?.unwrap_or_default(),
            note: row.opt_text(9)?.unwrap_or_default(),
            revision: row.opt_int(10)?,
        }),
        None => None,
    };
    Ok(ChangeRequest {
        number: row.int(0)?,
        at_us: row.int(1)?,
        author: row.text(2)?,
        note: row.text(3)?,
        document: row.text(4)?,
        renewed,
        settled,
    })
}
