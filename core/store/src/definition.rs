//! What people define: every version of every definition, saved together as revisions.

use std::collections::BTreeMap;

use core_model::library::DefinitionKind;
use sqlx::AnyConnection;

use crate::bulk::Bulk;
use crate::counter::REVISION;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::packed::PackedRow;
use crate::sql::{Argument, Columns, Select, owned};

/// A definition as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionRow {
    /// Kind.
    pub kind: DefinitionKind,
    /// Id.
    pub id: String,
    /// The name that people gave it.
    pub handle: String,
    /// The definition as JSON; none where it is removed.
    pub document: Option<String>,
}

/// A save of definitions.
#[derive(Clone, Debug)]
pub struct DefinitionChange<'a> {
    /// The revision that the change was made against; the save is refused when it is not the newest
    /// any more.
    pub base: i64,
    /// Definitions as they are now; those without a document are removed. What is stored just so
    /// writes nothing.
    pub rows: &'a [DefinitionRow],
    /// Who saves.
    pub author: &'a str,
    /// Why.
    pub note: &'a str,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// A save that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number, from 1; 0 is the state before the first.
    pub number: i64,
    /// When, Unix microseconds.
    pub at_us: i64,
    /// Who.
    pub author: String,
    /// Why.
    pub note: String,
}

/// A version of a definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionVersion {
    /// The save that it came with.
    pub revision: Revision,
    /// What was before; none where it is new.
    pub before: Option<String>,
    /// What was after; none where it was removed.
    pub after: Option<String>,
}

const DEFINITIONS: Bulk = Bulk {
    text: "insert into definition (kind, id, revision, handle, document) values {rows}",
    columns: 5,
};

impl Store {
    /// The number of the newest revision; 0 where nothing was saved yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_revision(&self) -> Result<i64> {
        self.last(REVISION).await
    }

    /// The newest revision that had been saved at an instant (Unix microseconds).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revision_at(&self, at_us: i64) -> Result<i64> {
        let text = "select coalesce(max(number), 0) from revision where at <= $1";
        self.sql(text).bind(at_us).fetch_one(self.readers()).await?.int(0)
    }

    /// Whether anything of a kind was ever defined.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn was_defined(&self, kind: DefinitionKind) -> Result<bool> {
        let query = self.sql("select 1 from definition where kind = $1 limit 1");
        Ok(query.bind(kind.as_str()).fetch_optional(self.readers()).await?.is_some())
    }

    /// What is defined after a revision, by kind and id; removed definitions are left out.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a definition is of a kind that this program does not know.
    pub async fn definitions(&self, revision: i64) -> Result<Vec<DefinitionRow>> {
        let mut reader = self.readers().acquire().await?;
        self.read_definitions(&mut reader, revision).await
    }

    /// Saves definitions as one revision, or nothing of it; gives its number. Where nothing differs
    /// from what is stored there is no new revision.
    ///
    /// # Errors
    /// [`Error::Conflict`] when somebody saved after the base.
    pub async fn save_definitions(&self, change: DefinitionChange<'_>) -> Result<i64> {
        let mut tx = self.write().await?;
        let number = self.save_in(&mut tx, &change).await?;
        tx.commit().await?;
        Ok(number)
    }

    /// The same in a transaction that does more.
    pub(crate) async fn save_in(
        &self,
        tx: &mut AnyConnection,
        change: &DefinitionChange<'_>,
    ) -> Result<i64> {
        // Locks the counter: of two that save at once the second finds the first's revision.
        let newest = self.take(&mut *tx, REVISION, 0).await? - 1;
        if newest != change.base {
            let constraint = format!(
                "the definitions were changed meanwhile: revision {newest} was saved after {}",
                change.base
            );
            return Err(Error::Conflict { constraint });
        }
        let stored: BTreeMap<(DefinitionKind, String), DefinitionRow> = self
            .read_definitions(&mut *tx, newest)
            .await?
            .into_iter()
            .map(|row| ((row.kind, row.id.clone()), row))
            .collect();
        let differs = |row: &&DefinitionRow| match stored.get(&(row.kind, row.id.clone())) {
            Some(stored) => stored != *row,
            None => row.document.is_some(),
        };
        let rows: Vec<_> = change.rows.iter().filter(differs).collect();
        if rows.is_empty() {
            return Ok(newest);
        }
        let number = self.take(&mut *tx, REVISION, 1).await?;
        self.sql("insert into revision (number, at, author, note) values ($1, $2, $3, $4)")
            .bind(number)
            .bind(change.now_us)
            .bind(owned(change.author))
            .bind(owned(change.note))
            .execute(&mut *tx)
            .await?;
        self.bulk(&mut *tx, (&DEFINITIONS, ""), &rows, |rows, row| {
            rows.bind(row.kind.as_str())
                .bind(&*row.id)
                .bind(number)
                .bind(&*row.handle)
                .bind(row.document.as_deref())
        })
        .await?;
        Ok(number)
    }

    /// The revisions after a number, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revisions(&self, after: i64) -> Result<Vec<Revision>> {
        let mut select = Select::new("select number, at, author, note from revision");
        select.push(" where number > {} order by number", [Argument::Int(after)]);
        let mut reader = self.readers().acquire().await?;
        let found = self.packed(&mut reader, 4, select).await?;
        found.rows().map(|row| revision(&row, 0)).collect()
    }

    /// Every version of a definition, oldest first: who changed it, when, from what to what.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn definition_history(
        &self,
        kind: DefinitionKind,
        id: &str,
    ) -> Result<Vec<DefinitionVersion>> {
        let mut select = Select::new(
            "select r.number, r.at, r.author, r.note, d.document from definition d \
             join revision r on r.number = d.revision",
        );
        select.push(
            " where d.kind = {} and d.id = {} order by d.revision",
            [Argument::Text(kind.as_str().to_owned()), Argument::Text(owned(id))],
        );
        let mut reader = self.readers().acquire().await?;
        let mut versions = Vec::new();
        let mut before: Option<String> = None;
        for row in self.packed(&mut reader, 5, select).await?.rows() {
            let after = row.opt_text(4)?;
            let revision = revision(&row, 0)?;
            versions.push(DefinitionVersion {
                revision,
                before: before.take(),
                after: after.clone(),
            });
            before = after;
        }
        Ok(versions)
    }

    async fn read_definitions(
        &self,
        on: &mut AnyConnection,
        revision: i64,
    ) -> Result<Vec<DefinitionRow>> {
        let mut select = Select::new("select d.kind, d.id, d.handle, d.document from definition d");
        select.push(
            " where d.document is not null and d.revision = (select max(n.revision) \
             from definition n where n.kind = d.kind and n.id = d.id and n.revision <= {}) \
             order by d.kind, d.id",
            [Argument::Int(revision)],
        );
        let found = self.packed(on, 4, select).await?;
        let rows = found.rows().map(|row| {
            let kind = row.str(0)?;
            Ok(DefinitionRow {
                kind: DefinitionKind::parse(kind)
                    .ok_or_else(|| Error::corrupt(format!("a definition of kind {kind:?}")))?,
                id: row.text(1)?,
                handle: row.text(2)?,
                document: row.opt_text(3)?,
            })
        });
        rows.collect()
    }
}

fn revision(row: &PackedRow<'_>, first: usize) -> Result<Revision> {
    Ok(Revision {
        number: row.int(first)?,
        at_us: row.int(first + 1)?,
        author: row.text(first + 2)?,
        note: row.text(first + 3)?,
    })
}
