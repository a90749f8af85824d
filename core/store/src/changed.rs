//! What changed, without what it says: for derivation to decide what it must look at.

use core_model::entity::EntityKind;
use core_model::{RecordKind, RecordRef};

use crate::error::Result;
use crate::open::Store;
use crate::query::Filter;
use crate::sql::{Argument, Columns, Select, list, owned};
use crate::sweep::parse_kind;

/// A record with the client it belongs to, where it says so.
type Owned = (RecordRef, Option<String>);

impl Store {
    /// The kinds of record of which any changed after this number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn changed_kinds(&self, after_seq: i64) -> Result<Vec<RecordKind>> {
        let text = "select distinct kind from source_record where change_seq > $1 order by kind";
        let rows = self.sql(text).bind(after_seq).fetch_all(self.readers()).await?;
        rows.iter().map(|row| parse_kind(&row.text(0)?)).collect()
    }

    /// The clients of which records of these kinds changed after this number: one record's name of
    /// each (with an empty key) and the client. Hardware inventory has none; its records are named.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn changed_owners(&self, after_seq: i64, kinds: &[RecordKind]) -> Result<Vec<Owned>> {
        let mut tx = self.snapshot().await?;
        let refs = self.refs(&mut tx).await?;
        // Hundreds of thousands of people may have changed, of some dozen clients.
        let mut select = Select::new(
            "select distinct r.stream_id, r.kind, case when r.client is null then r.key else '' end, \
             r.client from source_record r",
        );
        let kinds = list(kinds.iter().map(|kind| kind.as_str()));
        select.push(
            " where r.change_seq > {} and r.kind in list({})",
            [Argument::Int(after_seq), Argument::Text(kinds)],
        );
        let rows = select.query(self.backend()).fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        rows.iter().map(|row| Ok((refs.read(row)?, row.opt_text(3)?))).collect()
    }

    /// These records with the clients they belong to; unknown ones are left out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn owners(&self, records: &[RecordRef]) -> Result<Vec<Owned>> {
        let mut tx = self.snapshot().await?;
        let refs = self.refs(&mut tx).await?;
        let mut found = Vec::new();
        for part in refs.parts(&Filter { keys: Some(records), ..Filter::default() }) {
            let mut select = Select::new("select o.stream_id, o.kind, o.key, o.client");
            part.of(&mut select, self.backend(), "source_record", &[]);
            for row in select.query(self.backend()).fetch_all(&mut *tx).await? {
                found.push((refs.read(&row)?, row.opt_text(3)?));
            }
        }
        tx.rollback().await?;
        Ok(found)
    }

    /// The ids of a tenant's entities of a kind.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn entity_ids(&self, kind: EntityKind, tenant: &str) -> Result<Vec<String>> {
        let query = self.sql_on("select id from {table} where tenant = $1", kind.as_str());
        let rows = query.bind(owned(tenant)).fetch_all(self.readers()).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// The tenants of these entities of a kind, by id; those that are unknown or have none are left
    /// out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tenants_of(
        &self,
        kind: EntityKind,
        ids: &[String],
    ) -> Result<Vec<(String, String)>> {
        let mut select = Select::new(format!("select id, tenant from {}", kind.as_str()));
        let text = " where id in list({}) and tenant is not null";
        select.push(text, [Argument::Text(list(ids))]);
        let mut reader = self.readers().acquire().await?;
        let found = self.packed(&mut reader, 2, select).await?;
        found.rows().map(|row| Ok((row.text(0)?, row.text(1)?))).collect()
    }

    /// When each agent's machine last answered, Unix microseconds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn last_readings(&self) -> Result<Vec<(RecordRef, i64)>> {
        let mut tx = self.snapshot().await?;
        let refs = self.refs(&mut tx).await?;
        let text =
            "select stream_id, kind, key, max(last_at) from reading group by stream_id, kind, key";
        let rows = self.sql(text).fetch_all(&mut *tx).await?;
        tx.rollback().await?;
        rows.iter().map(|row| Ok((refs.read(row)?, row.int(3)?))).collect()
    }
}
