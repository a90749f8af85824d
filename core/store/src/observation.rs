//! Observations: presence, logons and readings of agents. They are kept beside the records, change
//! far more often, and repeat themselves: a repeat is not stored again.
//!
//! New logons and readings are numbered with the changes of records, so that derivation finds both
//! in one order. Presence is not: it decides nothing.

use core_model::observation::{Logon, Reading};
use core_model::record::Presence;
use core_model::{RecordKind, RecordRef};
use sqlx::AnyConnection;

use crate::bulk::Bulk;
use crate::error::Result;
use crate::open::Store;
use crate::sql::{Columns, owned};

mod append;
mod read;

pub use read::{Agents, LogonRow, ReadingRow};

/// An agent by its kind and key within a stream.
type Name<'a> = (RecordKind, &'a str);

/// Logons kept per agent. Affinity looks at the last ten; two more show what was dropped last.
const LOGONS_KEPT: usize = 12;

const PRESENCE: Bulk = Bulk {
    text: "insert into presence (stream_id, kind, key, online, last_seen) values {rows} \
           on conflict (stream_id, kind, key) do update set online = excluded.online, \
           last_seen = excluded.last_seen",
    columns: 5,
};

impl Store {
    /// Adds readings of agents. One that equals the agent's newest only moves the time at which that
    /// was last seen.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when an agent has no record.
    pub async fn add_readings(&self, readings: &[(RecordRef, Reading)], now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        let bodies: Vec<_> = readings
            .iter()
            .map(|(_, reading)| serde_json::to_string(reading).unwrap_or_default())
            .collect();
        let agents = readings.iter().map(|(agent, _)| agent);
        for (stream, places) in self.locate(&mut tx, agents).await? {
            let rows: Vec<_> = places
                .into_iter()
                .filter_map(|place| {
                    let (agent, _) = readings.get(place)?;
                    Some(((agent.kind, agent.key.as_str()), bodies.get(place)?.as_str()))
                })
                .collect();
            self.put_readings(&mut tx, stream, &rows, now_us).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Adds logons of agents. A repeat within the store's interval, with nobody else in between, is
    /// not added.
    ///
    /// # Errors
    /// [`crate::Error::NotFound`] when an agent has no record.
    pub async fn add_logons(&self, logons: &[(RecordRef, Logon)], now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        let agents = logons.iter().map(|(agent, _)| agent);
        for (stream, places) in self.locate(&mut tx, agents).await? {
            let rows: Vec<_> = places
                .into_iter()
                .filter_map(|place| logons.get(place))
                .map(|(agent, logon)| (agent.kind, agent.key.as_str(), logon))
                .collect();
            self.put_logons(&mut tx, stream, &rows, now_us).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes that an agent came or went, as its system told by itself; says whether the agent is known.
    /// When it was last seen stays where nothing was said of that.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tell_presence(
        &self,
        connection: &str,
        key: &str,
        presence: Presence,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let kind = RecordKind::Agent;
        let query = self.sql(
            "select o.stream_id, p.last_seen from source_record o \
             join stream s on s.id = o.stream_id \
             left join presence p on p.stream_id = o.stream_id and p.kind = o.kind and p.key = o.key \
             where s.connection = $1 and o.kind = $2 and o.key = $3 and o.gone_since is null",
        );
        let query = query.bind(owned(connection)).bind(kind.as_str()).bind(owned(key));
        let Some(row) = query.fetch_optional(&mut *tx).await? else { return Ok(false) };
        let (stream, stored) = (row.int(0)?, row.opt_int(1)?);
        let stored = stored.and_then(chrono::DateTime::from_timestamp_micros);
        if stored > presence.last_seen && presence.last_seen.is_some() {
            // What was told late says nothing about now.
            return Ok(true);
        }
        let presence = Presence { last_seen: presence.last_seen.or(stored), ..presence };
        self.put_presence(&mut tx, stream, &[(kind, key, presence)]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Stores presence where it differs from what is stored.
    pub(crate) async fn put_presence(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        seen: &[(RecordKind, &str, Presence)],
    ) -> Result<()> {
        let mut stored = std::collections::HashMap::new();
        let names = seen.iter().map(|(kind, key, _)| (*kind, *key));
        for (kind, keys) in crate::page::by_kind(names) {
            let what = (["key", "online", "last_seen"], "presence");
            for row in self.named(&mut *tx, what, (stream, kind), keys).await?.rows() {
                stored.insert((kind, row.text(0)?), (row.opt_int(1)?, row.opt_int(2)?));
            }
        }
        let rows: Vec<_> = seen
            .iter()
            .map(|(kind, key, presence)| {
                let last_seen = presence.last_seen.map(|time| time.timestamp_micros());
                (*kind, *key, (presence.online.map(i64::from), last_seen))
            })
            .filter(|(kind, key, now)| stored.get(&(*kind, (*key).to_owned())) != Some(now))
            .collect();
        self.bulk(tx, (&PRESENCE, ""), &rows, |rows, (kind, key, (online, last_seen))| {
            rows.bind(stream).bind(kind.as_str()).bind(key).bind(*online).bind(*last_seen)
        })
        .await?;
        Ok(())
    }
}
