//! Decisions: numbered, never changed, never deleted.

use chrono::DateTime;
use core_model::decision::{Decision, Settled};

use crate::counter::DECISION;
use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, owned};

impl Store {
    /// Notes a decision and gives its number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_decision(&self, settled: &Settled, by: &str, now_us: i64) -> Result<i64> {
        let json = serde_json::to_string(settled)
            .map_err(|error| Error::Database { message: format!("a decision: {error}") })?;
        let mut tx = self.write().await?;
        let number = self.take(&mut tx, DECISION, 1).await?;
        self.sql(
            "insert into decision_made (number, settled, settled_by, at) values ($1, $2, $3, $4)",
        )
        .bind(number)
        .bind(json)
        .bind(owned(by))
        .bind(now_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(number)
    }

    /// Every decision, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a decision cannot be read.
    pub async fn decisions(&self) -> Result<Vec<Decision>> {
        let rows = self
            .sql("select number, settled, settled_by, at from decision_made order by number")
            .fetch_all(self.readers())
            .await?;
        rows.iter()
            .map(|row| {
                let number = row.int(0)?;
                let wrong = |what: String| Error::corrupt(format!("decision {number}: {what}"));
                Ok(Decision {
                    number,
                    settled: serde_json::from_str(&row.text(1)?)
                        .map_err(|error| wrong(error.to_string()))?,
                    by: row.text(2)?,
                    at: DateTime::from_timestamp_micros(row.int(3)?)
                        .ok_or_else(|| wrong("its time is out of range".to_owned()))?,
                })
            })
            .collect()
    }
}
