//! Appending logons and readings, without the repeats.

use std::collections::{BTreeMap, HashMap, HashSet};

use core_model::RecordKind;
use core_model::RecordRef;
use core_model::observation::Logon;
use sqlx::AnyConnection;

use super::{LOGONS_KEPT, Name};
use crate::bulk::Bulk;
use crate::counter::CHANGE;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::page::by_kind;
use crate::sql::{Columns, clean, ints};

const LOGONS: Bulk = Bulk {
    text: "insert into logon (seq, stream_id, kind, key, account, source, at) values {rows}",
    columns: 7,
};

const READINGS: Bulk = Bulk {
    text: "insert into reading (seq, stream_id, kind, key, at, last_at, body) values {rows}",
    columns: 7,
};

const SEEN_AGAIN: Bulk = Bulk {
    text: "update reading set last_at = v.column2 from (values {rows}) as v \
           where reading.seq = v.column1 and reading.last_at < v.column2",
    columns: 2,
};

/// A stored logon; the account in lower case, because UPNs do not mind the case.
struct Known {
    seq: i64,
    at: i64,
    account: String,
    source: String,
}

impl Store {
    pub(crate) async fn put_logons(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        logons: &[(RecordKind, &str, &Logon)],
        now_us: i64,
    ) -> Result<()> {
        if logons.is_empty() {
            return Ok(());
        }
        let known = self.known_logons(tx, stream, logons).await?;
        let rows = self.news(logons, &known, now_us);
        if rows.is_empty() {
            return Ok(());
        }
        let first = self.take(tx, CHANGE, rows.len()).await?;
        let numbered: Vec<_> = (first..).zip(&rows).collect();
        self.bulk(tx, (&LOGONS, ""), &numbered, |rows, (seq, (kind, key, logon))| {
            rows.bind(*seq)
                .bind(stream)
                .bind(kind.as_str())
                .bind(key)
                .bind(&*logon.account)
                .bind(&*logon.source)
                .bind(now_us)
        })
        .await?;
        let dropped = too_old(&rows, &known);
        if !dropped.is_empty() {
            let query = self.sql("delete from logon where seq in ints($1)").bind(ints(dropped));
            query.execute(tx).await?;
        }
        Ok(())
    }

    pub(crate) async fn put_readings(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        readings: &[(Name<'_>, &str)],
        now_us: i64,
    ) -> Result<()> {
        let mut newest: HashMap<(RecordKind, String), (i64, String)> = HashMap::new();
        for (kind, keys) in by_kind(readings.iter().map(|(name, _)| *name)) {
            let what = (["key", "seq", "body"], "reading");
            for row in self.named(&mut *tx, what, (stream, kind), keys).await?.rows() {
                let (key, seq) = (row.text(0)?, row.int(1)?);
                if newest.get(&(kind, key.clone())).is_none_or(|known| known.0 < seq) {
                    newest.insert((kind, key), (seq, row.text(2)?));
                }
            }
        }
        let (mut again, mut new) = (Vec::new(), Vec::new());
        for ((kind, key), body) in readings {
            let name = (*kind, clean(key).into_owned());
            match newest.get(&name) {
                // One of this very call has no number yet and was seen now.
                Some((seq, known)) if known == body => again.extend((*seq > 0).then_some(*seq)),
                _ => {
                    newest.insert(name, (0, (*body).to_owned()));
                    new.push((kind, key, body));
                }
            }
        }
        again.sort_unstable();
        again.dedup();
        self.bulk(tx, (&SEEN_AGAIN, ""), &again, |rows, seq| rows.bind(*seq).bind(now_us)).await?;
        if new.is_empty() {
            return Ok(());
        }
        let first = self.take(tx, CHANGE, new.len()).await?;
        let rows: Vec<_> = (first..).zip(new).collect();
        self.bulk(tx, (&READINGS, ""), &rows, |rows, (seq, (kind, key, body))| {
            rows.bind(*seq)
                .bind(stream)
                .bind(kind.as_str())
                .bind(key)
                .bind(now_us)
                .bind(now_us)
                .bind((**body).to_owned())
        })
        .await?;
        Ok(())
    }

    /// Which streams these agents' records are in, with their places in the list; locks the streams,
    /// in the order of their ids, so that nobody else appends at the same time.
    pub(crate) async fn locate(
        &self,
        tx: &mut AnyConnection,
        agents: impl Iterator<Item = &RecordRef>,
    ) -> Result<BTreeMap<i64, Vec<usize>>> {
        let agents: Vec<_> = agents.collect();
        let names = self.stream_names(&mut *tx).await?;
        let mut of_scope: HashMap<(&str, &str), Vec<i64>> = HashMap::new();
        for (id, key) in &names {
            of_scope.entry((&key.connection, &key.scope)).or_default().push(*id);
        }
        let mut asked: HashMap<(&str, &str, RecordKind), HashSet<&str>> = HashMap::new();
        for agent in &agents {
            let scope = (agent.connection.as_str(), agent.scope.as_str(), agent.kind);
            asked.entry(scope).or_default().insert(&agent.key);
        }
        let mut found = HashMap::new();
        for ((connection, scope, kind), keys) in asked {
            for stream in of_scope.get(&(connection, scope)).into_iter().flatten() {
                let what = (["key"], "source_record");
                for row in self.named(&mut *tx, what, (*stream, kind), &keys).await?.rows() {
                    found.insert((connection, scope, kind, row.text(0)?), *stream);
                }
            }
        }
        let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for (place, agent) in agents.iter().enumerate() {
            let key = clean(&agent.key).into_owned();
            let stream = found
                .get(&(agent.connection.as_str(), agent.scope.as_str(), agent.kind, key))
                .ok_or_else(|| Error::not_found(format!("record {agent}")))?;
            places.entry(*stream).or_default().push(place);
        }
        for stream in places.keys() {
            self.lock_stream(&mut *tx, *stream).await?;
        }
        Ok(places)
    }

    /// The stored logons of these agents, oldest first.
    async fn known_logons(
        &self,
        tx: &mut AnyConnection,
        stream: i64,
        logons: &[(RecordKind, &str, &Logon)],
    ) -> Result<HashMap<(RecordKind, String), Vec<Known>>> {
        let mut known: HashMap<_, Vec<_>> = HashMap::new();
        for (kind, keys) in by_kind(logons.iter().map(|(kind, key, _)| (*kind, *key))) {
            let what = (["key", "seq", "at", "account", "source"], "logon");
            for row in self.named(&mut *tx, what, (stream, kind), keys).await?.rows() {
                let account = row.text(3)?.to_lowercase();
                let (seq, at, source) = (row.int(1)?, row.int(2)?, row.text(4)?);
                let one = Known { seq, at, account, source };
                known.entry((kind, row.text(0)?)).or_default().push(one);
            }
        }
        for logons in known.values_mut() {
            logons.sort_unstable_by_key(|one: &Known| one.seq);
        }
        Ok(known)
    }

    /// The logons that are no repeats. Several accounts of one agent in one call are on it together,
    /// so none of them comes between two logons of another; neither does what another source says,
    /// which may name the same person otherwise (`DOMAIN\ana`, `ana@x.example`) or be late.
    fn news<'a>(
        &self,
        logons: &[(RecordKind, &'a str, &'a Logon)],
        known: &HashMap<(RecordKind, String), Vec<Known>>,
        now_us: i64,
    ) -> Vec<(RecordKind, &'a str, &'a Logon)> {
        let mut together: HashSet<(RecordKind, &str, String)> = HashSet::new();
        for (kind, key, logon) in logons {
            together.insert((*kind, *key, clean(&logon.account).to_lowercase()));
        }
        let mut taken = HashSet::new();
        let mut news = Vec::new();
        for (kind, key, logon) in logons {
            let account = clean(&logon.account).to_lowercase();
            let stored = known.get(&(*kind, clean(key).into_owned()));
            let repeat = stored
                .into_iter()
                .flatten()
                .rev()
                .take_while(|one| {
                    one.source != logon.source
                        || together.contains(&(*kind, *key, one.account.clone()))
                })
                .find(|one| one.account == account)
                .is_some_and(|one| now_us - one.at < self.logon_interval_us());
            if !repeat && taken.insert((*kind, *key, account)) {
                news.push((*kind, *key, *logon));
            }
        }
        news
    }
}

/// The numbers of the stored logons that no longer count after these were added.
fn too_old(
    added: &[(RecordKind, &str, &Logon)],
    known: &HashMap<(RecordKind, String), Vec<Known>>,
) -> Vec<i64> {
    let mut counts: HashMap<(RecordKind, String), usize> = HashMap::new();
    for (kind, key, _) in added {
        *counts.entry((*kind, clean(key).into_owned())).or_default() += 1;
    }
    let mut dropped = Vec::new();
    for (name, added) in counts {
        let stored = known.get(&name).map(Vec::as_slice).unwrap_or_default();
        let over = (stored.len() + added).saturating_sub(LOGONS_KEPT);
        dropped.extend(stored.iter().take(over).map(|one| one.seq));
    }
    dropped
}
