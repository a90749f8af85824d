//! Identities of agents across tenants: who else has a machine with this UUID.

use std::collections::HashMap;

use crate::bulk::Bulk;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::packed::PackedRow;
use crate::sql::{Argument, Columns, LookUp, Select, list, owned};

/// Presence moves all day; it is noted again when it moved by more than this, in microseconds.
const PRESENCE_US: i64 = 6 * 3_600_000_000;
/// UUIDs that are looked up at once.
const LOOK_UP: usize = 2000;

/// A UUID of an agent of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdentityRow {
    /// The UUID.
    pub uuid: String,
    /// The agent's record, as text.
    pub agent: String,
    /// The tenant's id.
    pub tenant: String,
    /// Since when the agent is known, Unix microseconds.
    pub since_us: i64,
    /// When it was last heard of, to some hours, Unix microseconds.
    pub last_seen_us: Option<i64>,
    /// Its real serials.
    pub serials: Vec<String>,
}

const PUT: Bulk = Bulk {
    text: "insert into identity (uuid, agent, tenant, since, last_seen, serials) values {rows} \
           on conflict (uuid, agent) do update set tenant = excluded.tenant, \
           since = excluded.since, last_seen = excluded.last_seen, serials = excluded.serials",
    columns: 6,
};

const COLUMNS: &str = "o.uuid, o.agent, o.tenant, o.since, o.last_seen, o.serials";
const COLUMN_COUNT: usize = 6;

impl Store {
    /// Who has these UUIDs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn identities(&self, uuids: &[String]) -> Result<Vec<IdentityRow>> {
        let mut found = Vec::new();
        for part in uuids.chunks(LOOK_UP) {
            let mut select = Select::new(format!("select {COLUMNS}"));
            let look_up = LookUp {
                table: "identity",
                alias: "o",
                conditions: "o.uuid = v.value",
                arguments: Vec::new(),
                join: None,
            };
            select.each(self.backend(), list(part), look_up);
            let mut reader = self.readers().acquire().await?;
            let rows = self.packed(&mut reader, COLUMN_COUNT, select).await?;
            for row in rows.rows() {
                found.push(read(&row)?);
            }
        }
        Ok(found)
    }

    /// Notes the identities of a tenant's agents, in place of those noted before; gives the UUIDs
    /// that are new, gone or otherwise than they were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_identities(&self, tenant: &str, rows: &[IdentityRow]) -> Result<Vec<String>> {
        let mut tx = self.write_again().await?;
        let mut select = Select::new(format!("select {COLUMNS} from identity o"));
        select.push(" where o.tenant = {}", [Argument::Text(owned(tenant))]);
        let stored = self.packed(&mut tx, COLUMN_COUNT, select).await?;
        let mut before: HashMap<(String, String), IdentityRow> = HashMap::new();
        for row in stored.rows() {
            let row = read(&row)?;
            before.insert((row.uuid.clone(), row.agent.clone()), row);
        }
        let mut changed = Vec::new();
        let mut put: Vec<&IdentityRow> = Vec::new();
        for row in rows {
            match before.remove(&(row.uuid.clone(), row.agent.clone())) {
                Some(known) if known.serials == row.serials && known.since_us == row.since_us => {
                    if moved(known.last_seen_us, row.last_seen_us) {
                        put.push(row);
                    }
                }
                _ => {
                    changed.push(row.uuid.clone());
                    put.push(row);
                }
            }
        }
        for (uuid, agent) in before.into_keys() {
            self.sql("delete from identity where uuid = $1 and agent = $2 and tenant = $3")
                .bind(uuid.clone())
                .bind(agent)
                .bind(owned(tenant))
                .execute(&mut *tx)
                .await?;
            changed.push(uuid);
        }
        self.bulk(&mut tx, (&PUT, "identity"), &put, |rows, row| {
            rows.bind(&*row.uuid)
                .bind(&*row.agent)
                .bind(&*row.tenant)
                .bind(row.since_us)
                .bind(row.last_seen_us)
                .bind(serde_json::json!(row.serials).to_string())
        })
        .await?;
        tx.commit().await?;
        Ok(changed)
    }
}

fn moved(before: Option<i64>, after: Option<i64>) -> bool {
    match (before, after) {
        (Some(before), Some(after)) => after.abs_diff(before) > PRESENCE_US.unsigned_abs(),
        (before, after) => before != after,
    }
}

fn read(row: &PackedRow<'_>) -> Result<IdentityRow> {
    let serials = serde_json::from_str(row.str(5)?)
        .map_err(|error| Error::corrupt(format!("serials of an identity: {error}")))?;
    Ok(IdentityRow {
        uuid: row.text(0)?,
        agent: row.text(1)?,
        tenant: row.text(2)?,
        since_us: row.int(3)?,
        last_seen_us: row.opt_int(4)?,
        serials,
    })
}
