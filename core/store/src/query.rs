//! Reading records back: what changed since, and what derivation needs of a neighbourhood. Payloads
//! stay where they are unless one is asked for by name.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError};

use core_model::facts::Facts;
use core_model::{RecordKind, RecordRef};
use sqlx::AnyConnection;

use crate::counter::STREAM;
use crate::error::{Error, Result};
use crate::open::{Backend, Store};
use crate::packed::PackedRow;
use crate::sql::{Argument, Columns, Select, limit, owned};
use crate::stream::StreamKey;
use crate::sweep::parse_kind;

mod part;

use part::{Part, Streams};

/// A source record as derivation sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRecord {
    /// Its name.
    pub record: RecordRef,
    /// The connection's client that it belongs to, by the client record's key.
    pub client: Option<String>,
    /// What the hub reads out of it.
    pub facts: Facts,
    /// Earlier values of the facts' identity, oldest first.
    pub history: Vec<Earlier>,
    /// When it was first seen, Unix microseconds.
    pub first_seen_us: i64,
    /// When its content last changed, Unix microseconds.
    pub changed_at_us: i64,
    /// Since when it is gone, Unix microseconds.
    pub gone_since_us: Option<i64>,
    /// The number of its last change.
    pub change_seq: i64,
    /// The id of its stream.
    pub stream_id: i64,
}

/// An earlier value of an identity.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Earlier {
    /// The value, as [`Facts::identity`] gave it.
    #[serde(rename = "v")]
    pub value: String,
    /// When it was replaced, Unix microseconds.
    #[serde(rename = "until")]
    pub until_us: i64,
}

/// Which records are asked for: those for which everything holds that is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct RecordQuery<'a> {
    /// Kinds; none stands for all.
    pub kinds: &'a [RecordKind],
    /// The connection.
    pub connection: Option<&'a str>,
    /// The sub-scope.
    pub scope: Option<&'a str>,
    /// The clients they belong to: (connection, client's key).
    pub clients: Option<&'a [(String, String)]>,
    /// Their names.
    pub keys: Option<&'a [RecordRef]>,
    /// Also those that are gone.
    pub include_gone: bool,
}

/// A place in the order of records.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordCursor {
    stream: i64,
    kind: String,
    key: String,
}

impl StoredRecord {
    /// Its place in the order of records, to go on after it.
    #[must_use]
    pub fn cursor(&self) -> RecordCursor {
        RecordCursor {
            stream: self.stream_id,
            kind: self.record.kind.as_str().to_owned(),
            key: self.record.key.clone(),
        }
    }
}

const COLUMNS: &str = "select o.stream_id, o.kind, o.key, o.client, o.facts, o.history, \
     o.first_seen, o.changed_at, o.gone_since, o.change_seq";
const COLUMN_COUNT: usize = 10;

impl Store {
    /// Records whose last change has a number above this one, in the order of these numbers, gone
    /// ones included.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a record's facts cannot be read.
    pub async fn changed_records(&self, after_seq: i64, rows: usize) -> Result<Vec<StoredRecord>> {
        self.changed_between((after_seq, i64::MAX), rows).await
    }

    /// The same, with a number that is not above another.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a record's facts cannot be read.
    pub async fn changed_between(
        &self,
        (after_seq, until_seq): (i64, i64),
        rows: usize,
    ) -> Result<Vec<StoredRecord>> {
        let mut tx = self.snapshot().await?;
        let refs = self.refs(&mut tx).await?;
        let mut select = Select::new(COLUMNS);
        select.push(
            " from source_record o where o.change_seq > {} and o.change_seq <= {} \
             order by o.change_seq limit {}",
            [Argument::Int(after_seq), Argument::Int(until_seq), Argument::Int(limit(rows))],
        );
        let found = self.packed(&mut tx, COLUMN_COUNT, select).await?;
        tx.rollback().await?;
        found.rows().map(|row| refs.record(&row)).collect()
    }

    /// Some of the records asked for, after a place in their order (see [`StoredRecord::cursor`]).
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a record's facts cannot be read.
    pub async fn records(
        &self,
        query: &RecordQuery<'_>,
        after: Option<&RecordCursor>,
        rows: usize,
    ) -> Result<Vec<StoredRecord>> {
        let mut tx = self.snapshot().await?;
        let refs = self.refs(&mut tx).await?;
        let mut found = Vec::new();
        for part in refs.parts(&query.filter()) {
            let mut select = query.select(&part, self.backend());
            if let Some(RecordCursor { stream, kind, key }) = after {
                select.push(
                    " and (o.stream_id, o.kind, o.key) > ({}, {}, {})",
                    [
                        Argument::Int(*stream),
                        Argument::Text(kind.clone()),
                        Argument::Text(key.clone()),
                    ],
                );
            }
            let order = " order by o.stream_id, o.kind, o.key limit {}";
            select.push(order, [Argument::Int(limit(rows))]);
            self.read_records(&mut tx, &refs, select, &mut found).await?;
        }
        tx.rollback().await?;
        // Each part came in order; of their union the first ones count.
        found.sort_by_cached_key(StoredRecord::cursor);
        found.truncate(rows);
        Ok(found)
    }

    /// All records asked for, in no particular order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a record's facts cannot be read.
    pub async fn all_records(&self, query: &RecordQuery<'_>) -> Result<Vec<StoredRecord>> {
        let mut tx = self.snapshot().await?;
        let refs = self.refs(&mut tx).await?;
        let mut found = Vec::new();
        for part in refs.parts(&query.filter()) {
            self.read_records(&mut tx, &refs, query.select(&part, self.backend()), &mut found)
                .await?;
        }
        tx.rollback().await?;
        Ok(found)
    }

    /// The vendor's JSON of a record, as received.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn payload(&self, record: &RecordRef) -> Result<Option<String>> {
        let row = self
            .sql(
                "select r.payload from source_record r join stream s on s.id = r.stream_id \
                 where s.connection = $1 and s.scope = $2 and r.kind = $3 and r.key = $4",
            )
            .bind(owned(&record.connection))
            .bind(owned(&record.scope))
            .bind(record.kind.as_str())
            .bind(owned(&record.key))
            .fetch_optional(self.readers())
            .await?;
        row.map(|row| row.text(0)).transpose()
    }

    /// What turns a row's stream, kind and key into a record's name.
    ///
    /// A name stays with its stream for good and the counter of streams tells whether there are new
    /// ones, so that thousands of streams are not read again with every question.
    pub(crate) async fn refs(&self, on: &mut AnyConnection) -> Result<Arc<RefReader>> {
        let text = "select value from counter where name = $1";
        let newest = self.sql(text).bind(STREAM).fetch_one(&mut *on).await?.int(0)?;
        let known = self.known_refs().lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(known) = known.filter(|known| known.newest == newest) {
            return Ok(known);
        }
        let refs = Arc::new(RefReader::new(newest, self.stream_names(on).await?));
        *self.known_refs().lock().unwrap_or_else(PoisonError::into_inner) = Some(refs.clone());
        Ok(refs)
    }

    async fn read_records(
        &self,
        on: &mut AnyConnection,
        refs: &RefReader,
        select: Select,
        into: &mut Vec<StoredRecord>,
    ) -> Result<()> {
        for row in self.packed(on, COLUMN_COUNT, select).await?.rows() {
            into.push(refs.record(&row)?);
        }
        Ok(())
    }
}

impl<'a> RecordQuery<'a> {
    fn filter(&self) -> Filter<'a> {
        let Self { connection, scope, clients, keys, .. } = *self;
        Filter { connection, scope, clients, keys }
    }

    fn select(&self, part: &Part<'_>, backend: Backend) -> Select {
        let mut select = Select::new(COLUMNS);
        part.of(&mut select, backend, "source_record", self.kinds);
        if !self.include_gone {
            select.push(" and o.gone_since is null", []);
        }
        select
    }
}

/// Which streams, clients and keys are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filter<'a> {
    pub(crate) connection: Option<&'a str>,
    pub(crate) scope: Option<&'a str>,
    pub(crate) clients: Option<&'a [(String, String)]>,
    pub(crate) keys: Option<&'a [RecordRef]>,
}

/// The streams by their ids and by their names.
pub(crate) struct RefReader {
    /// The number of the newest stream that is among them.
    newest: i64,
    by_id: HashMap<i64, StreamKey>,
    /// Streams by connection and scope.
    by_scope: BTreeMap<(String, String), Vec<i64>>,
}

impl RefReader {
    fn new(newest: i64, by_id: HashMap<i64, StreamKey>) -> Self {
        let mut by_scope: BTreeMap<(String, String), Vec<i64>> = BTreeMap::new();
        for (id, name) in &by_id {
            let scope = (name.connection.clone(), name.scope.clone());
            by_scope.entry(scope).or_default().push(*id);
        }
        Self { newest, by_id, by_scope }
    }

    /// The name of the record that a row begins with: stream, kind, key.
    pub(crate) fn read(&self, row: &impl Columns) -> Result<RecordRef> {
        let stream = row.int(0)?;
        let name = self.by_id.get(&stream).ok_or_else(|| {
            Error::corrupt(format!("a record of stream number {stream}, which does not exist"))
        })?;
        let kind = parse_kind(&row.text(1)?)?;
        Ok(RecordRef::new(name.connection.clone(), kind, name.scope.clone(), row.text(2)?))
    }

    pub(crate) fn parts<'a>(&self, filter: &Filter<'a>) -> Vec<Part<'a>> {
        let parts = match filter.keys {
            None => {
                let streams = Streams::Ids(self.streams(filter));
                vec![Part { streams, keys: None, clients: None }]
            }
            Some(keys) => {
                let mut groups: BTreeMap<(&str, &str, RecordKind), Vec<&str>> = BTreeMap::new();
                for key in keys {
                    let group = (key.connection.as_str(), key.scope.as_str(), key.kind);
                    groups.entry(group).or_default().push(&key.key);
                }
                let wanted = groups.into_iter().filter(|((connection, scope, _), _)| {
                    filter.connection.is_none_or(|wanted| wanted == *connection)
                        && filter.scope.is_none_or(|wanted| wanted == *scope)
                });
                let parts = wanted.map(|((connection, scope, kind), keys)| {
                    let filter = Filter {
                        connection: Some(connection),
                        scope: Some(scope),
                        ..Filter::default()
                    };
                    let streams = Streams::Ids(self.streams(&filter));
                    Part { streams, keys: Some((kind, keys)), clients: None }
                });
                parts.collect()
            }
        };
        let parts: Vec<_> = match filter.clients {
            None => parts,
            Some(clients) => {
                let whole = filter.connection.is_none() && filter.scope.is_none();
                let split = |part| self.by_connection(&part, clients, whole);
                parts.into_iter().flat_map(split).collect()
            }
        };
        let empty = |part: &Part<'_>| matches!(&part.streams, Streams::Ids(ids) if ids.is_empty());
        parts.into_iter().filter(|part| !empty(part)).collect()
    }

    /// The part, split by the connections of these clients. A part of everything, without keys, is
    /// split into whole connections.
    fn by_connection<'a>(
        &self,
        part: &Part<'a>,
        clients: &'a [(String, String)],
        whole: bool,
    ) -> Vec<Part<'a>> {
        let mut connections: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (connection, client) in clients {
            connections.entry(connection).or_default().push(client);
        }
        let split = connections.into_iter().map(|(connection, clients)| {
            let of_connection =
                |id: &&i64| self.by_id.get(*id).is_some_and(|name| name.connection == connection);
            let streams = match &part.streams {
                Streams::Ids(ids) if !whole || part.keys.is_some() => {
                    Streams::Ids(ids.iter().filter(of_connection).copied().collect())
                }
                _ => Streams::Of(connection),
            };
            Part { streams, keys: part.keys.clone(), clients: Some(clients) }
        });
        split.collect()
    }

    fn streams(&self, filter: &Filter<'_>) -> Vec<i64> {
        if let (Some(connection), Some(scope)) = (filter.connection, filter.scope) {
            let scope = (connection.to_owned(), scope.to_owned());
            return self.by_scope.get(&scope).cloned().unwrap_or_default();
        }
        let mut ids: Vec<_> = self
            .by_id
            .iter()
            .filter(|(_, name)| {
                filter.connection.is_none_or(|wanted| wanted == name.connection)
                    && filter.scope.is_none_or(|wanted| wanted == name.scope)
            })
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        ids
    }

    fn record(&self, row: &PackedRow<'_>) -> Result<StoredRecord> {
        let record = self.read(row)?;
        let facts = Facts::parse(record.kind, row.str(4)?)
            .map_err(|error| Error::corrupt(format!("facts of {record}: {error}")))?;
        let history = row.str(5)?;
        let history = if history == "[]" {
            Vec::new()
        } else {
            serde_json::from_str(history)
                .map_err(|error| Error::corrupt(format!("history of {record}: {error}")))?
        };
        Ok(StoredRecord {
            record,
            client: row.opt_text(3)?,
            facts,
            history,
            first_seen_us: row.int(6)?,
            changed_at_us: row.int(7)?,
            gone_since_us: row.opt_int(8)?,
            change_seq: row.int(9)?,
            stream_id: row.int(0)?,
        })
    }
}
