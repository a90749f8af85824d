//! What the hub writes into other systems: what it wrote last, what it made, what is open.
//!
//! Whoever writes here holds the lease of the connection's push.

use sqlx::any::AnyRow;

use crate::bulk::{Bulk, Rows};
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Argument, Columns, LookUp, Select, list, owned};

/// What is remembered of a field of an object in another system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushMark {
    /// The object's key.
    pub object: String,
    /// The field.
    pub field: String,
    /// What it held when the hub last wrote it, or last found it as it should be.
    pub base: Option<String>,
    /// What is on its way, where it is not known whether it arrived.
    pub sent: Option<String>,
    /// Everything that the hub ever sent there.
    pub ours: Vec<String>,
}

/// An object that the hub made in another system, or is about to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushMade {
    /// The id of the computer that it is made for.
    pub computer: String,
    /// Its key; none where it is not known whether it was made.
    pub object: Option<String>,
    /// What was asked for, as JSON.
    pub wanted: String,
}

/// How an open item stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushState {
    /// It failed and is tried again.
    Retry,
    /// It failed too often: only a human tries it again.
    Dead,
    /// Somebody changed what the hub wrote, and the hub yields.
    Conflict,
}

impl PushState {
    /// The word in the store and the answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            PushState::Retry => "retry",
            PushState::Dead => "dead",
            PushState::Conflict => "conflict",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Retry, Self::Dead, Self::Conflict].into_iter().find(|state| state.as_str() == text)
    }
}

/// Something that is open between the hub and another system. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushItem {
    /// The connection.
    pub connection: String,
    /// The computer's id.
    pub computer: String,
    /// The object's key; blank for one that is to be made.
    pub object: String,
    /// The computer's name.
    pub name: String,
    /// How it stands.
    pub state: PushState,
    /// How often it failed.
    pub attempts: u32,
    /// When it is tried again.
    pub next_us: i64,
    /// Since when it is open.
    pub since_us: i64,
    /// When it last changed.
    pub changed_us: i64,
    /// Kind of the last error.
    pub error_kind: Option<String>,
    /// The last error.
    pub error: Option<String>,
    /// What to do about it.
    pub remedy: Option<String>,
    /// What the hub yields to, as JSON.
    pub conflicts: String,
}

const MARKS: Bulk = Bulk {
    text: "insert into push_mark (connection, object, field, base, sent, ours, changed) \
           values {rows} on conflict (connection, object, field) do update set \
           base = excluded.base, sent = excluded.sent, ours = excluded.ours, \
           changed = excluded.changed where push_mark.base is distinct from excluded.base \
           or push_mark.sent is distinct from excluded.sent or push_mark.ours <> excluded.ours",
    columns: 7,
};

const ITEMS: Bulk = Bulk {
    text: "insert into push_item (connection, computer, object, name, state, attempts, next_at, \
           since, changed, error_kind, error, remedy, conflicts) values {rows} \
           on conflict (connection, computer, object) do update set name = excluded.name, \
           state = excluded.state, attempts = excluded.attempts, next_at = excluded.next_at, \
           changed = excluded.changed, error_kind = excluded.error_kind, error = excluded.error, \
           remedy = excluded.remedy, conflicts = excluded.conflicts",
    columns: 13,
};

const COLUMNS: &str = "select connection, computer, object, name, state, attempts, next_at, since, \
                       changed, error_kind, error, remedy, conflicts from push_item where 1 = 1";

const MARK_COLUMNS: &str = "o.object, o.field, o.base, o.sent, o.ours";

impl Store {
    /// What is remembered of the fields of these objects; of all of a connection where none are
    /// given. In the order of objects and fields.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn push_marks(
        &self,
        connection: &str,
        objects: Option<&[String]>,
    ) -> Result<Vec<PushMark>> {
        let mut select = Select::new(format!("select {MARK_COLUMNS}"));
        let of = vec![Argument::Text(owned(connection))];
        match objects {
            None => select.push(" from push_mark o where o.connection = {}", of),
            Some(objects) => {
                let look_up = LookUp {
                    table: "push_mark",
                    alias: "o",
                    conditions: "o.connection = {} and o.object = v.value",
                    arguments: of,
                    join: None,
                };
                select.each(self.backend(), list(objects), look_up);
            }
        }
        let mut reader = self.readers().acquire().await?;
        let found = self.packed(&mut reader, 5, select).await?;
        let read = |row: crate::packed::PackedRow<'_>| {
            let ours = row.text(4)?;
            Ok(PushMark {
                object: row.text(0)?,
                field: row.text(1)?,
                base: row.opt_text(2)?,
                sent: row.opt_text(3)?,
                ours: serde_json::from_str(&ours)
                    .map_err(|error| Error::corrupt(format!("a list of values: {error}")))?,
            })
        };
        let mut marks: Vec<PushMark> = found.rows().map(read).collect::<Result<_>>()?;
        marks.sort_by(|a, b| (&a.object, &a.field).cmp(&(&b.object, &b.field)));
        Ok(marks)
    }

    /// Remembers how fields are. What is so already writes nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_push_marks(
        &self,
        connection: &str,
        marks: &[PushMark],
        now_us: i64,
    ) -> Result<()> {
        if marks.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        let bind = |rows, mark: &PushMark| bind_mark(rows, connection, mark, now_us);
        self.bulk(&mut tx, (&MARKS, ""), marks, bind).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets what an object's fields held, so that the next push writes them whatever is there, and
    /// what is open about it. What the hub sent stays known. Gives how many fields that were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_push(&self, connection: &str, object: &str) -> Result<u64> {
        let mut tx = self.write().await?;
        let text = "update push_mark set base = null, sent = null \
                    where connection = $1 and object = $2";
        let forgotten = self.sql(text).bind(owned(connection)).bind(owned(object));
        let forgotten = forgotten.execute(&mut *tx).await?.rows_affected();
        let text = "update push_item set state = 'retry', attempts = 0, next_at = 0 \
                    where connection = $1 and object = $2";
        self.sql(text).bind(owned(connection)).bind(owned(object)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Notes that an object is about to be made for a computer. One that is noted already stays as
    /// it was asked for.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_push_object(
        &self,
        connection: &str,
        computer: &str,
        wanted: &str,
        now_us: i64,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql(
            "insert into push_object (connection, computer, wanted, made) values ($1, $2, $3, $4) \
             on conflict (connection, computer) do nothing",
        )
        .bind(owned(connection))
        .bind(owned(computer))
        .bind(owned(wanted))
        .bind(now_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes the key of an object that was made, and what its fields hold.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_push_object(
        &self,
        connection: &str,
        (computer, object): (&str, &str),
        marks: &[PushMark],
        now_us: i64,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("update push_object set object = $3 where connection = $1 and computer = $2")
            .bind(owned(connection))
            .bind(owned(computer))
            .bind(owned(object))
            .execute(&mut *tx)
            .await?;
        let bind = |rows, mark: &PushMark| bind_mark(rows, connection, mark, now_us);
        self.bulk(&mut tx, (&MARKS, ""), marks, bind).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes that nothing was made for a computer, or that what was made is gone.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drop_push_object(&self, connection: &str, computer: &str) -> Result<()> {
        let mut tx = self.write().await?;
        let text = "delete from push_object where connection = $1 and computer = $2";
        self.sql(text).bind(owned(connection)).bind(owned(computer)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// What the hub made in a connection, or began to make, by computer; of these objects only where
    /// any are given.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn push_objects(
        &self,
        connection: &str,
        objects: Option<&[String]>,
    ) -> Result<Vec<PushMade>> {
        let mut select = Select::new("select o.computer, o.object, o.wanted");
        let of = vec![Argument::Text(owned(connection))];
        match objects {
            None => select.push(" from push_object o where o.connection = {}", of),
            Some(objects) => {
                let look_up = LookUp {
                    table: "push_object",
                    alias: "o",
                    conditions: "o.connection = {} and o.object = v.value",
                    arguments: of,
                    join: None,
                };
                select.each(self.backend(), list(objects), look_up);
            }
        }
        select.push(" order by o.computer", []);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        let read = |row: &AnyRow| {
            Ok(PushMade { computer: row.text(0)?, object: row.opt_text(1)?, wanted: row.text(2)? })
        };
        rows.iter().map(read).collect()
    }

    /// What is open, in the order of connections and computers; of one connection or of all.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn push_items(&self, connection: Option<&str>) -> Result<Vec<PushItem>> {
        let mut select = Select::new(COLUMNS);
        if let Some(connection) = connection {
            select.push(" and connection = {}", [Argument::Text(owned(connection))]);
        }
        select.push(" order by connection, name, computer, object", []);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// Notes what is open, and what is not any more: (computer, object).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_push_items(
        &self,
        connection: &str,
        open: &[PushItem],
        closed: &[(String, String)],
    ) -> Result<()> {
        if open.is_empty() && closed.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        self.bulk(&mut tx, (&ITEMS, ""), open, bind).await?;
        for (computer, object) in closed {
            let text =
                "delete from push_item where connection = $1 and computer = $2 and object = $3";
            let query = self.sql(text).bind(owned(connection)).bind(owned(computer));
            query.bind(owned(object)).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Lets failures and dead letters be tried with the next push, as if they had never failed: those
    /// of one computer or of all, of one connection or of all. Gives how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn retry_push(
        &self,
        connection: Option<&str>,
        computer: Option<&str>,
        now_us: i64,
    ) -> Result<u64> {
        let mut tx = self.write().await?;
        let mut update =
            Select::new("update push_item set state = 'retry', attempts = 0, next_at = 0");
        update.push(", changed = {} where state <> 'conflict'", [Argument::Int(now_us)]);
        if let Some(connection) = connection {
            update.push(" and connection = {}", [Argument::Text(owned(connection))]);
        }
        if let Some(computer) = computer {
            update.push(" and computer = {}", [Argument::Text(owned(computer))]);
        }
        let done = update.query(self.backend()).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(done)
    }
}

fn bind_mark(rows: Rows, connection: &str, mark: &PushMark, now_us: i64) -> Rows {
    rows.bind(connection)
        .bind(&*mark.object)
        .bind(&*mark.field)
        .bind(mark.base.as_deref())
        .bind(mark.sent.as_deref())
        .bind(owned(&serde_json::to_string(&mark.ours).unwrap_or_default()))
        .bind(now_us)
}

fn bind(rows: Rows, item: &PushItem) -> Rows {
    rows.bind(&*item.connection)
        .bind(&*item.computer)
        .bind(&*item.object)
        .bind(&*item.name)
        .bind(item.state.as_str())
        .bind(i64::from(item.attempts))
        .bind(item.next_us)
        .bind(item.since_us)
        .bind(item.changed_us)
        .bind(item.error_kind.as_deref())
        .bind(item.error.as_deref())
        .bind(item.remedy.as_deref())
        .bind(&*item.conflicts)
}

fn read(row: &AnyRow) -> Result<PushItem> {
    let state = row.text(4)?;
    Ok(PushItem {
        connection: row.text(0)?,
        computer: row.text(1)?,
        object: row.text(2)?,
        name: row.text(3)?,
        state: PushState::parse(&state)
            .ok_or_else(|| Error::corrupt(format!("an item of state {state:?}")))?,
        attempts: u32::try_from(row.int(5)?).unwrap_or_default(),
        next_us: row.int(6)?,
        since_us: row.int(7)?,
        changed_us: row.int(8)?,
        error_kind: row.opt_text(9)?,
        error: row.opt_text(10)?,
        remedy: row.opt_text(11)?,
        conflicts: row.text(12)?,
    })
}
