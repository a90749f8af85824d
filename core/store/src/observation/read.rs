//! Reading observations back, for derivation.

use std::sync::Arc;

use core_model::observation::Reading;
use core_model::record::Presence;
use core_model::{RecordKind, RecordRef};

use super::LOGONS_KEPT;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::packed::{Packed, PackedRow};
use crate::query::{Filter, RefReader};
use crate::sql::{Columns, Select};

/// Which agents are asked about.
#[derive(Clone, Copy, Debug)]
pub enum Agents<'a> {
    /// Every one.
    All,
    /// Those of these clients: (connection, client's key).
    Clients(&'a [(String, String)]),
    /// These.
    Keys(&'a [RecordRef]),
}

/// A logon: agent, account, source, time in Unix microseconds, sequence number.
pub type LogonRow = (RecordRef, String, String, i64, i64);

/// A reading: agent, reading, when it was first seen (Unix microseconds), sequence number.
pub type ReadingRow = (RecordRef, Reading, i64, i64);

impl Store {
    /// Presence of agents.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn presences(&self, agents: Agents<'_>) -> Result<Vec<(RecordRef, Presence)>> {
        let columns = (5, "select o.stream_id, o.kind, o.key, o.online, o.last_seen");
        let all = self.observations(agents, (columns, "presence", "")).await?;
        let rows = all.rows().map(|row| {
            let last_seen = row.opt_int(4)?.map(|time| {
                chrono::DateTime::from_timestamp_micros(time)
                    .ok_or_else(|| Error::corrupt(format!("presence at {time}")))
            });
            let online = row.opt_int(3)?.map(|online| online != 0);
            Ok((all.refs.read(&row)?, Presence { online, last_seen: last_seen.transpose()? }))
        });
        rows.collect()
    }

    /// The newest twelve logons of each agent, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn logons(&self, agents: Agents<'_>) -> Result<Vec<LogonRow>> {
        let text = "select stream_id, kind, key, account, source, at, seq from (\
             select o.stream_id, o.kind, o.key, o.account, o.source, o.at, o.seq, \
             row_number() over (partition by o.stream_id, o.kind, o.key order by o.seq desc) \
             as place";
        let end = format!(") as each_logon where place <= {LOGONS_KEPT} order by seq");
        let all = self.observations(agents, ((7, text), "logon", &end)).await?;
        let rows = all.rows().map(|row| {
            Ok((all.refs.read(&row)?, row.text(3)?, row.text(4)?, row.int(5)?, row.int(6)?))
        });
        let mut rows: Vec<LogonRow> = rows.collect::<Result<_>>()?;
        rows.sort_by(|a, b| (&a.0, a.4).cmp(&(&b.0, b.4)));
        Ok(rows)
    }

    /// The readings of each agent, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn readings(&self, agents: Agents<'_>) -> Result<Vec<ReadingRow>> {
        let columns = (6, "select o.stream_id, o.kind, o.key, o.body, o.at, o.seq");
        let all = self.observations(agents, (columns, "reading", " order by o.seq")).await?;
        let rows = all.rows().map(|row| {
            let agent = all.refs.read(&row)?;
            let reading = serde_json::from_str(row.str(3)?)
                .map_err(|error| Error::corrupt(format!("a reading of {agent}: {error}")))?;
            Ok((agent, reading, row.int(4)?, row.int(5)?))
        });
        let mut rows: Vec<ReadingRow> = rows.collect::<Result<_>>()?;
        rows.sort_by(|a, b| (&a.0, a.3).cmp(&(&b.0, b.3)));
        Ok(rows)
    }

    /// The agents that have logons or readings with a number above this one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn observations_after(&self, seq: i64) -> Result<Vec<RecordRef>> {
        let mut tx = self.snapshot().await?;
        let refs = self.refs(&mut tx).await?;
        let rows = self
            .sql(
                "select stream_id, kind, key from logon where seq > $1 \
                 union select stream_id, kind, key from reading where seq > $1 \
                 order by stream_id, kind, key",
            )
            .bind(seq)
            .fetch_all(&mut *tx)
            .await?;
        tx.rollback().await?;
        rows.iter().map(|row| refs.read(row)).collect()
    }

    /// The rows of a table of observations: how many columns and which, its name, and what ends the
    /// statement.
    async fn observations(
        &self,
        agents: Agents<'_>,
        ((count, columns), table, end): ((usize, &str), &str, &str),
    ) -> Result<Observed> {
        let mut tx = self.snapshot().await?;
        let refs = self.refs(&mut tx).await?;
        // A client's people and devices are not looked through for observations of agents.
        let (filter, kinds) = match agents {
            Agents::All => (Filter::default(), [].as_slice()),
            Agents::Clients(clients) => {
                let filter = Filter { clients: Some(clients), ..Filter::default() };
                (filter, [RecordKind::Agent].as_slice())
            }
            Agents::Keys(keys) => (Filter { keys: Some(keys), ..Filter::default() }, [].as_slice()),
        };
        let mut rows = Vec::new();
        for part in refs.parts(&filter) {
            let mut select = Select::new(columns);
            part.of(&mut select, self.backend(), table, kinds);
            select.push(end, []);
            rows.push(self.packed(&mut tx, count, select).await?);
        }
        tx.rollback().await?;
        Ok(Observed { refs, rows })
    }
}

/// Rows that begin with stream, kind and key, and what gives them their agents' names.
struct Observed {
    refs: Arc<RefReader>,
    rows: Vec<Packed>,
}

impl Observed {
    fn rows(&self) -> impl Iterator<Item = PackedRow<'_>> {
        self.rows.iter().flat_map(Packed::rows)
    }
}
