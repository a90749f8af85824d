//! What others send to the hub: stored once each, before it is acknowledged, and then worked off.

use std::collections::HashSet;

use sqlx::any::AnyRow;

use crate::bulk::Bulk;
use crate::counter::DELIVERY;
use crate::error::Result;
use crate::open::Store;
use crate::sql::{Columns, limit};

/// Something that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// The connection that it is for.
    pub connection: String,
    /// The sender's id of it: the same again is the same delivery.
    pub id: String,
    /// What was sent.
    pub body: String,
}

/// Something that was sent and is to be worked off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its place in the order of arrival.
    pub seq: i64,
    /// The connection that it is for.
    pub connection: String,
    /// The sender's id of it.
    pub id: String,
    /// When it came, Unix microseconds.
    pub received_us: i64,
    /// What was sent.
    pub body: String,
    /// How often it was tried in vain.
    pub attempts: u32,
    /// Why the last time was in vain.
    pub error: Option<String>,
}

/// How an attempt to work something off ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Nothing is left to do.
    Done,
    /// It is tried again at that time (Unix microseconds), because of this.
    Again(i64, String),
    /// It is given up, because of this.
    GivenUp(String),
}

const INSERT: Bulk = Bulk {
    text: "insert into delivery (received, seq, connection, id, body, attempts, next_try) \
           select v.column1, v.column2, v.column3, v.column4, v.column5, 0, v.column1 \
           from (values {rows}) as v where 1 = 1 on conflict (connection, id) do nothing",
    columns: 5,
};

/// Of what is done its id is remembered, and nothing else needed any more.
const END: Bulk = Bulk {
    text: "update delivery set attempts = attempts + 1, next_try = v.column2, error = v.column3, \
           settled = v.column4, body = case when v.column3 is null then '' else body end \
           from (values {rows}) as v where delivery.seq = v.column1",
    columns: 4,
};

macro_rules! all_of_it {
    () => {
        "select seq, connection, id, received, body, attempts, error from delivery "
    };
}
macro_rules! given_up {
    () => {
        "where settled is not null and error is not null"
    };
}

/// What is due. Walking through the table in its own order would come to what is settled first, which may be millions.
const DUE: &str = concat!(
    all_of_it!(),
    "where seq in (select seq from delivery \
     where next_try is not null and next_try <= $1 order by seq limit $2) order by seq"
);
const DEAD: &str = concat!(all_of_it!(), given_up!(), " order by seq desc limit $1");
const GIVEN_UP: &str = concat!("select count(*), min(received) from delivery ", given_up!());
const WAITING: &str = "select count(*) from delivery where next_try is not null";
const REVIVE: &str =
    concat!("update delivery set attempts = 0, next_try = $1, settled = null ", given_up!());
const FORGET: &str =
    "delete from delivery where settled is not null and settled < $1 and error is null";

impl Store {
    /// Stores what was sent, and gives how much of it was new. What is there under the same id of the
    /// same connection stays as it is.
    ///
    /// # Errors
    /// When the database does not answer; then nothing is stored.
    pub async fn add_deliveries(&self, sent: &[NewDelivery], now_us: i64) -> Result<u64> {
        // Twice in one statement is no conflict to PostgreSQL where the first is not yet there.
        let mut seen = HashSet::new();
        let once = sent.iter().filter(|one| seen.insert((&one.connection, &one.id)));
        let once: Vec<&NewDelivery> = once.collect();
        let mut tx = self.write().await?;
        let first = self.take(&mut tx, DELIVERY, once.len()).await?;
        let numbered: Vec<(i64, &NewDelivery)> = (first..).zip(once).collect();
        let new = self
            .bulk(&mut tx, (&INSERT, ""), &numbered, |rows, (seq, one)| {
                rows.bind(now_us).bind(*seq).bind(&*one.connection).bind(&*one.id).bind(&*one.body)
            })
            .await?;
        tx.commit().await?;
        Ok(new)
    }

    /// What is to be worked off by now (Unix microseconds), in the order in which it came.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn due_deliveries(&self, now_us: i64, most: usize) -> Result<Vec<Delivery>> {
        let query = self.sql(DUE).bind(now_us).bind(limit(most));
        let rows = query.fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// What was given up, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn dead_deliveries(&self, most: usize) -> Result<Vec<Delivery>> {
        let rows = self.sql(DEAD).bind(limit(most)).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// How much was given up, and when the first of it came (Unix microseconds).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn given_up_deliveries(&self) -> Result<(u64, Option<i64>)> {
        let row = self.sql(GIVEN_UP).fetch_one(self.readers()).await?;
        Ok((crate::sql::count(row.int(0)?), row.opt_int(1)?))
    }

    /// How much waits to be worked off.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn waiting_deliveries(&self) -> Result<u64> {
        let row = self.sql(WAITING).fetch_one(self.readers()).await?;
        Ok(crate::sql::count(row.int(0)?))
    }

    /// Notes how attempts ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn attempted(&self, ends: &[(i64, Attempt)], now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        self.bulk(&mut tx, (&END, ""), ends, |rows, (seq, end)| {
            let (next, error, settled) = match end {
                Attempt::Done => (None, None, Some(now_us)),
                Attempt::Again(at, why) => (Some(*at), Some(why), None),
                Attempt::GivenUp(why) => (None, Some(why), Some(now_us)),
            };
            rows.bind(*seq).bind(next).bind(error).bind(settled)
        })
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Has what was given up tried again; gives how much that is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revive_deliveries(&self, now_us: i64) -> Result<u64> {
        let mut tx = self.write().await?;
        let revived = self.sql(REVIVE).bind(now_us).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(revived)
    }

    /// Forgets what was settled before an instant (Unix microseconds): until then its id is known.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_deliveries(&self, before_us: i64) -> Result<u64> {
        let mut tx = self.write().await?;
        let gone = self.sql(FORGET).bind(before_us).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }
}

fn read(row: &AnyRow) -> Result<Delivery> {
    Ok(Delivery {
        seq: row.int(0)?,
        connection: row.text(1)?,
        id: row.text(2)?,
        received_us: row.int(3)?,
        body: row.text(4)?,
        attempts: u32::try_from(row.int(5)?).unwrap_or(u32::MAX),
        error: row.opt_text(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is done is remembered for days: nobody who asks for anything else walks through it.
    #[tokio::test]
    async fn nothing_is_looked_for_among_all_that_was_done() {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let end = END.text.replace("{rows}", "($1, $2, $3, $4), ($1, $2, $3, $4)");
        for (text, index) in [
            (end.as_str(), "INTEGER PRIMARY KEY"),
            (DUE, "delivery_due"),
            (WAITING, "delivery_due"),
            (DEAD, "delivery_given_up"),
            (GIVEN_UP, "delivery_given_up"),
            (REVIVE, "delivery_given_up"),
            (FORGET, "delivery_done"),
        ] {
            let steps = store.steps(text).await;
            assert!(steps.iter().any(|step| step.contains(index)), "{text}: {steps:?}");
            let whole = |step: &&String| step.starts_with("SCAN delivery") && !step.contains(index);
            assert_eq!(steps.iter().find(whole), None, "{text}: {steps:?}");
        }
    }
}
