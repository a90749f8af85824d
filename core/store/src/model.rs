//! The unified model's only way in: what derivation found to differ, the events that say so and the
//! cursors that it came to, in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use sqlx::AnyConnection;

use crate::bulk::Bulk;
use crate::counter::EVENT;
use crate::error::Result;
use crate::hash;
use crate::open::Store;
use crate::sql::{Argument, Columns, LookUp, Select, list, owned};

/// A change of the model.
#[derive(Clone, Debug)]
pub struct ModelChange<'a> {
    /// Entities as they are now; of several with one id the last counts. Those that are stored just
    /// so write nothing.
    pub upserts: Vec<EntityRow>,
    /// Entities that are no more; one that is also among `upserts` stays.
    pub removals: Vec<(EntityKind, String)>,
    /// Why.
    pub cause: &'a Cause,
    /// Readers, and how far they have come with this change.
    pub cursors: &'a [(&'a str, i64)],
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// Entities for which something else holds since a date passed, though nothing of them changed.
#[derive(Clone, Copy, Debug)]
pub struct Passed<'a> {
    /// Which ones; those that are no more are left out.
    pub entities: &'a [(EntityKind, String)],
    /// The reader of dates, and up to when it has come with this (Unix microseconds).
    pub cursor: (&'a str, i64),
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// Names per statement that looks stored entities up.
const LOOK_UP: usize = 2000;

/// Entities that are not stored yet.
const NEW: Bulk = Bulk {
    text: "insert{or fail} into {table} (id, tenant, name, folded, hash, event_seq, document) \
           values {rows}",
    columns: 7,
};

/// Entities that are.
const CHANGED: Bulk = Bulk {
    text: "insert into {table} (id, tenant, name, folded, hash, event_seq, document) \
           values {rows} on conflict (id) do update set tenant = excluded.tenant, \
           name = excluded.name, folded = excluded.folded, hash = excluded.hash, \
           event_seq = excluded.event_seq, document = excluded.document",
    columns: 7,
};

/// Events of entities that are not stored yet.
const BEGINNINGS: Bulk = Bulk {
    text: "insert{or fail} into event (at, entity, cause, seq, id, tenant) values {rows}",
    columns: 3,
};

/// Events of entities that are stored: what they were is taken from where they are.
const CHANGES: Bulk = Bulk {
    text: "insert into event (at, entity, cause, seq, id, tenant, before) \
           select v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, t.document \
           from (values {rows}) as v join {table} t on t.id = v.column5",
    columns: 3,
};

/// The same of entities that are removed, whose tenant is the one they had.
const ENDS: Bulk = Bulk {
    text: "insert into event (at, entity, cause, seq, id, tenant, removed, before) \
           select v.column1, v.column2, v.column3, v.column4, v.column5, t.tenant, 1, t.document \
           from (values {rows}) as v join {table} t on t.id = v.column5",
    columns: 2,
};

/// An entity to be written.
pub(crate) struct Put<'a> {
    row: &'a EntityRow,
    hash: u128,
    new: bool,
    seq: i64,
}

impl<'a> Put<'a> {
    /// One that is not stored yet, and the number of its event.
    pub(crate) fn new(row: &'a EntityRow, seq: i64) -> Self {
        Self { row, hash: content_hash(row), new: true, seq }
    }
}

impl Store {
    /// Applies a change of the model, or nothing of it; gives the number of events.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn apply(&self, change: ModelChange<'_>) -> Result<u64> {
        let mut tx = self.write().await?;
        // What is compared below must stay as it is until the commit.
        self.take(&mut tx, EVENT, 0).await?;
        let mut puts = self.differing(&mut tx, &change.upserts).await?;
        let mut removals = self.stored(&mut tx, &change).await?;

        let events = puts.len() + removals.len();
        if events > 0 {
            let first = self.take(&mut tx, EVENT, events).await?;
            let seqs = puts.iter_mut().map(|put| &mut put.seq);
            for (seq, place) in seqs.chain(removals.iter_mut().map(|one| &mut one.2)).zip(first..) {
                *seq = place;
            }
            for kind in EntityKind::ALL {
                self.put_kind(&mut tx, *kind, &puts, (change.cause, change.now_us)).await?;
                self.remove_kind(&mut tx, *kind, &removals, &change).await?;
            }
        }
        for (name, seq) in change.cursors {
            self.move_cursor(&mut tx, name, *seq).await?;
        }
        tx.commit().await?;
        self.wrote(events as u64).await;
        Ok(events as u64)
    }

    /// Writes an event of the cause `clock` for each entity that a date concerns; gives their number. Where
    /// the reader has come so far before, nothing is written: of two that look at a date one does.
    ///
    /// # Errors
    /// When the database does not answer; then nothing is written.
    pub async fn note_passed(&self, passed: Passed<'_>) -> Result<u64> {
        let (name, until_us) = passed.cursor;
        let mut tx = self.write().await?;
        self.take(&mut tx, EVENT, 0).await?;
        if self.cursor_in(&mut tx, name).await? >= until_us {
            return Ok(0);
        }
        let mut rows = Vec::new();
        for kind in EntityKind::ALL {
            let ids: Vec<&str> = passed.of(*kind).collect();
            for ids in ids.chunks(LOOK_UP) {
                rows.extend(self.entities_in(&mut tx, *kind, ids).await?);
            }
        }
        if !rows.is_empty() {
            let first = self.take(&mut tx, EVENT, rows.len()).await?;
            let puts = rows.iter().zip(first..);
            let puts: Vec<Put<'_>> = puts
                .map(|(row, seq)| Put { row, hash: content_hash(row), new: false, seq })
                .collect();
            for kind in EntityKind::ALL {
                self.put_kind(&mut tx, *kind, &puts, (&Cause::Clock, passed.now_us)).await?;
            }
        }
        self.move_cursor(&mut tx, name, until_us).await?;
        tx.commit().await?;
        Ok(rows.len() as u64)
    }

    /// The entities that are not stored just so, in the order given.
    async fn differing<'a>(
        &self,
        tx: &mut AnyConnection,
        upserts: &'a [EntityRow],
    ) -> Result<Vec<Put<'a>>> {
        let mut seen = HashSet::new();
        let mut rows: Vec<_> =
            upserts.iter().rev().filter(|row| seen.insert((row.kind, row.id.as_str()))).collect();
        rows.reverse();
        let mut ids: BTreeMap<&str, (EntityKind, Vec<&str>)> = BTreeMap::new();
        for row in &rows {
            let kind = ids.entry(row.kind.as_str()).or_insert_with(|| (row.kind, Vec::new()));
            kind.1.push(&row.id);
        }
        let mut answers = Vec::new();
        for (table, (kind, ids)) in ids {
            for ids in ids.chunks(LOOK_UP) {
                let mut select = Select::new("select o.id, o.hash");
                let look_up = LookUp {
                    table,
                    alias: "o",
                    conditions: "o.id = v.value",
                    arguments: Vec::new(),
                    join: None,
                };
                select.each(self.backend(), list(ids), look_up);
                answers.push((kind, self.packed(&mut *tx, 2, select).await?));
            }
        }
        let mut hashes: HashMap<(EntityKind, &str), Option<u128>> = HashMap::new();
        for (kind, answer) in &answers {
            for row in answer.rows() {
                hashes.insert((*kind, row.str(0)?), hash::read(row.str(1)?));
            }
        }
        let puts = rows.into_iter().filter_map(|row| {
            let hash = content_hash(row);
            let stored = hashes.get(&(row.kind, row.id.as_str()));
            let new = stored.is_none();
            (stored != Some(&Some(hash))).then_some(Put { row, hash, new, seq: 0 })
        });
        Ok(puts.collect())
    }

    /// The removals that are stored, each once, with room for a number.
    async fn stored(
        &self,
        tx: &mut AnyConnection,
        change: &ModelChange<'_>,
    ) -> Result<Vec<(EntityKind, String, i64)>> {
        if change.removals.is_empty() {
            return Ok(Vec::new());
        }
        let kept: HashSet<_> =
            change.upserts.iter().map(|row| (row.kind, row.id.as_str())).collect();
        let mut stored = HashSet::new();
        for kind in EntityKind::ALL {
            let ids = change.removals.iter().filter(|(of, _)| of == kind);
            let ids: Vec<_> = ids.map(|(_, id)| id.as_str()).collect();
            for ids in ids.chunks(LOOK_UP) {
                let text = "select id from {table} where id in list($1)";
                let query = self.sql_on(text, kind.as_str()).bind(list(ids));
                for row in query.fetch_all(&mut *tx).await? {
                    stored.insert((*kind, row.text(0)?));
                }
            }
        }
        let names = change.removals.iter().filter(|(kind, id)| {
            !kept.contains(&(*kind, id.as_str())) && stored.remove(&(*kind, id.clone()))
        });
        Ok(names.map(|(kind, id)| (*kind, id.clone(), 0)).collect())
    }

    pub(crate) async fn put_kind(
        &self,
        tx: &mut AnyConnection,
        kind: EntityKind,
        puts: &[Put<'_>],
        (cause, now_us): (&Cause, i64),
    ) -> Result<()> {
        let table = kind.as_str();
        let shared = of_event(kind, cause, now_us);
        let (new, changed): (Vec<&Put<'_>>, Vec<_>) =
            puts.iter().filter(|put| put.row.kind == kind).partition(|put| put.new);
        for (events, rows, puts) in [(&BEGINNINGS, &NEW, new), (&CHANGES, &CHANGED, changed)] {
            self.bulk_of(tx, (events, table), &shared, &puts, |rows, put| {
                let rows = rows.bind(put.seq).bind(&*put.row.id);
                rows.bind(put.row.tenant.as_deref())
            })
            .await?;
            self.bulk(tx, (rows, table), &puts, |rows, put| {
                rows.bind(&*put.row.id)
                    .bind(put.row.tenant.as_deref())
                    .bind(&*put.row.name)
                    .bind(folded(&put.row.name))
                    .bind(hash::written(put.hash))
                    .bind(put.seq)
                    .bind(&*put.row.document)
            })
            .await?;
        }
        Ok(())
    }

    async fn remove_kind(
        &self,
        tx: &mut AnyConnection,
        kind: EntityKind,
        removals: &[(EntityKind, String, i64)],
        change: &ModelChange<'_>,
    ) -> Result<()> {
        let table = kind.as_str();
        let removals: Vec<_> = removals.iter().filter(|(of, ..)| *of == kind).collect();
        if removals.is_empty() {
            return Ok(());
        }
        let shared = of_event(kind, change.cause, change.now_us);
        self.bulk_of(tx, (&ENDS, table), &shared, &removals, |rows, (_, id, seq)| {
            rows.bind(*seq).bind(id)
        })
        .await?;
        let ids = list(removals.iter().map(|(_, id, _)| id));
        self.sql_on("delete from {table} where id in list($1)", table)
            .bind(ids)
            .execute(tx)
            .await?;
        Ok(())
    }
}

impl Passed<'_> {
    fn of(&self, kind: EntityKind) -> impl Iterator<Item = &str> {
        self.entities.iter().filter(move |(of, _)| *of == kind).map(|(_, id)| id.as_str())
    }
}

/// Characters of a name that are looked at when it is searched for: it is in an index.
const FOLDED: usize = 200;

/// A name as it is searched for: lower case by Unicode's rules.
pub(crate) fn folded(name: &str) -> String {
    owned(name).to_lowercase().chars().take(FOLDED).collect()
}

/// What all events of a kind have in common that a change brings.
fn of_event(kind: EntityKind, cause: &Cause, now_us: i64) -> [Argument; 3] {
    let (entity, cause) = (kind.as_str().to_owned(), cause.as_str().to_owned());
    [Argument::Int(now_us), Argument::Text(entity), Argument::Text(cause)]
}

fn content_hash(row: &EntityRow) -> u128 {
    let tenant = row.tenant.as_deref().unwrap_or_default();
    hash::of(&[&row.document, "\0", tenant, "\0", &row.name])
}
