//! Reading the unified model.

use core_model::entity::{EntityKind, EntityRow};

use sqlx::AnyConnection;

use crate::error::Result;
use crate::model::folded;
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, count, limit, list, owned, pattern};

/// Which entities are asked for: those for which everything holds that is given, by id.
#[derive(Clone, Copy, Debug)]
pub struct EntityQuery<'a> {
    /// Their kind.
    pub kind: EntityKind,
    /// Their tenant.
    pub tenant: Option<&'a str>,
    /// Their tenant is one of these.
    pub tenants: Option<&'a [String]>,
    /// A part of their name, in any case.
    pub name_like: Option<&'a str>,
    /// Their ids.
    pub ids: Option<&'a [String]>,
    /// How many at most.
    pub limit: usize,
    /// Only those with a greater id.
    pub after_id: Option<&'a str>,
}

impl EntityQuery<'_> {
    /// All of a kind.
    #[must_use]
    pub fn all(kind: EntityKind) -> Self {
        Self {
            kind,
            tenant: None,
            tenants: None,
            name_like: None,
            ids: None,
            limit: usize::MAX,
            after_id: None,
        }
    }
}

/// How many entities a search by name gives at most.
const FOUND: i64 = 100;

const COLUMNS: &str = "id, tenant, name, document";
const COLUMN_COUNT: usize = 4;

impl Store {
    /// The entities asked for, by id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn entities(&self, query: &EntityQuery<'_>) -> Result<Vec<EntityRow>> {
        let mut select =
            Select::new(format!("select {COLUMNS} from {} where 1 = 1", query.kind.as_str()));
        if let Some(tenant) = query.tenant {
            select.push(" and tenant = {}", [Argument::Text(owned(tenant))]);
        }
        if let Some(tenants) = query.tenants {
            select.push(" and tenant in list({})", [Argument::Text(list(tenants))]);
        }
        if let Some(part) = query.name_like {
            let part = pattern("%", &folded(part), "%");
            select.push(" and folded like {} escape '\\'", [Argument::Text(part)]);
        }
        if let Some(ids) = query.ids {
            select.push(" and id in list({})", [Argument::Text(list(ids))]);
        }
        if let Some(after) = query.after_id {
            select.push(" and id > {}", [Argument::Text(owned(after))]);
        }
        // Without a limit there is no order: PostgreSQL may take one to be a reason to walk through the
        // rows of all tenants for those of one, and so it may a limit that it does not know.
        if query.limit < usize::MAX {
            select.push(" order by id limit {}", [Argument::Int(limit(query.limit))]);
        }
        let mut reader = self.readers().acquire().await?;
        let found = self.packed(&mut reader, COLUMN_COUNT, select).await?;
        let mut rows: Vec<EntityRow> =
            found.rows().map(|row| read(query.kind, &row)).collect::<Result<_>>()?;
        rows.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Ok(rows)
    }

    /// The entity of that kind and id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn entity(&self, kind: EntityKind, id: &str) -> Result<Option<EntityRow>> {
        let text = "select id, tenant, name, document from {table} where id = $1";
        let query = self.sql_on(text, kind.as_str()).bind(owned(id));
        query.fetch_optional(self.readers()).await?.map(|row| read(kind, &row)).transpose()
    }

    /// How many entities there are of a kind.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count(&self, kind: EntityKind) -> Result<u64> {
        let query = self.sql_on("select count(*) from {table}", kind.as_str());
        Ok(count(query.fetch_one(self.readers()).await?.int(0)?))
    }

    /// Those of these ids that are there, as this transaction sees them, by id.
    pub(crate) async fn entities_in(
        &self,
        tx: &mut AnyConnection,
        kind: EntityKind,
        ids: &[&str],
    ) -> Result<Vec<EntityRow>> {
        let mut select = Select::new(format!("select {COLUMNS} from {}", kind.as_str()));
        select.push(" where id in list({}) order by id", [Argument::Text(list(ids))]);
        let rows = select.query(self.backend()).fetch_all(tx).await?;
        rows.iter().map(|row| read(kind, row)).collect()
    }

    /// What somebody may mean by a text: the entity with that id; else those of that name, in any
    /// case; else those whose name or id begins so (a hundred at most).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find(&self, kind: EntityKind, text: &str) -> Result<Vec<EntityRow>> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(row) = self.entity(kind, text).await? {
            return Ok(vec![row]);
        }
        let mut same = Select::new(format!("select {COLUMNS} from {}", kind.as_str()));
        same.push(
            " where folded = {} order by id limit {}",
            [Argument::Text(folded(text)), Argument::Int(FOUND)],
        );
        let mut alike = Select::new(format!("select {COLUMNS} from {}", kind.as_str()));
        alike.push(
            " where folded like {} escape '\\' or id like {} escape '\\' \
             order by folded, id limit {}",
            [
                Argument::Text(pattern("", &folded(text), "%")),
                Argument::Text(pattern("", text, "%")),
                Argument::Int(FOUND),
            ],
        );
        for select in [same, alike] {
            let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
            if !rows.is_empty() {
                return rows.iter().map(|row| read(kind, row)).collect();
            }
        }
        Ok(Vec::new())
    }
}

fn read(kind: EntityKind, row: &impl Columns) -> Result<EntityRow> {
    Ok(EntityRow {
        kind,
        id: row.text(0)?,
        tenant: row.opt_text(1)?,
        name: row.text(2)?,
        document: row.text(3)?,
    })
}
