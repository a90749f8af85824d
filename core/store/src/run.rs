//! Runs: what happened when a stream was read.

use std::collections::HashSet;

use core_model::run::{Outcome, Run};
use sqlx::any::AnyRow;

use crate::bulk::{Bulk, Rows};
use crate::error::{Error, Result};
use crate::open::{Backend, Store};
use crate::sql::{Argument, Columns, Select, limit, owned};

mod thin;

const COLUMNS: &str = "select id, connection, stream, scope, started_by, mode, started, ended, \
     outcome, counts, error_kind, error, remedy from run";

const RUNS: Bulk = Bulk {
    text: "insert into run (id, connection, stream, scope, started_by, mode, started, ended, \
           outcome, counts, error_kind, error, remedy) values {rows} \
           on conflict (id) do update set mode = excluded.mode, ended = excluded.ended, \
           outcome = excluded.outcome, counts = excluded.counts, \
           error_kind = excluded.error_kind, error = excluded.error, remedy = excluded.remedy",
    columns: 13,
};

impl Store {
    /// Notes that a run has started.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start_run(&self, run: &Run) -> Result<()> {
        self.put_run(run).await
    }

    /// Notes how far a run is, or how it ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn finish_run(&self, run: &Run) -> Result<()> {
        self.put_run(run).await
    }

    /// The newest runs, of one connection or of all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runs(&self, rows: usize, connection: Option<&str>) -> Result<Vec<Run>> {
        let mut select = Select::new(COLUMNS);
        if let Some(connection) = connection {
            select.push(" where connection = {}", [Argument::Text(owned(connection))]);
        }
        select.push(" order by started desc, id limit {}", [Argument::Int(limit(rows))]);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// The run with that id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run(&self, id: &str) -> Result<Option<Run>> {
        let mut select = Select::new(COLUMNS);
        select.push(" where id = {}", [Argument::Text(owned(id))]);
        let row = select.query(self.backend()).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Runs that are under way by the book, but whose process is dead, have failed. A run is alive
    /// as long as a lease is held whose name is its `connection`, `connection/stream` or
    /// `connection/stream/scope`, with or without a `word:` before it. Gives how many were dead.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn mark_dead_runs(&self, now_us: i64, reason: &str) -> Result<u64> {
        let mut tx = self.write().await?;
        let leases = self
            .sql("select name from lease where until_us > $1")
            .bind(now_us)
            .fetch_all(&mut *tx)
            .await?;
        let leases: HashSet<String> = leases
            .iter()
            .map(|row| {
                let name = row.text(0)?;
                Ok(name.split_once(':').map_or(name.clone(), |(_, name)| name.to_owned()))
            })
            .collect::<Result<_>>()?;
        let text = format!("{COLUMNS} where outcome = 'running'");
        let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&mut *tx).await?;
        let mut dead = Vec::new();
        for row in &rows {
            let mut run = read(row)?;
            let Run { connection, stream, scope, .. } = &run;
            let names = [
                connection.clone(),
                format!("{connection}/{stream}"),
                format!("{connection}/{stream}/{scope}"),
            ];
            if names.iter().any(|name| leases.contains(name)) {
                continue;
            }
            run.outcome = Outcome::Failed;
            run.ended_us = Some(now_us);
            run.error_kind = Some("interrupted".to_owned());
            run.error = Some(reason.to_owned());
            run.remedy =
                Some("start it again: it goes on after the last page that was stored".to_owned());
            dead.push(run);
        }
        self.bulk(&mut tx, (&RUNS, ""), &dead, bind).await?;
        tx.commit().await?;
        Ok(dead.len() as u64)
    }

    async fn put_run(&self, run: &Run) -> Result<()> {
        let runs = std::slice::from_ref(run);
        if self.backend() == Backend::Sqlite {
            // One statement is whole by itself. There are two for each stream that is read, most of
            // which hold little.
            let mut writer = self.writer().acquire().await?;
            self.bulk(&mut writer, (&RUNS, ""), runs, bind).await?;
            return Ok(());
        }
        let mut tx = self.write_again().await?;
        self.bulk(&mut tx, (&RUNS, ""), runs, bind).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn bind(rows: Rows, run: &Run) -> Rows {
    rows.bind(&*run.id)
        .bind(&*run.connection)
        .bind(&*run.stream)
        .bind(&*run.scope)
        .bind(&*run.trigger)
        .bind(&*run.mode)
        .bind(run.started_us)
        .bind(run.ended_us)
        .bind(run.outcome.as_str())
        .bind(serde_json::to_string(&run.counts).unwrap_or_default())
        .bind(run.error_kind.as_deref())
        .bind(run.error.as_deref())
        .bind(run.remedy.as_deref())
}

fn read(row: &AnyRow) -> Result<Run> {
    let id = row.text(0)?;
    let outcome = row.text(8)?;
    Ok(Run {
        connection: row.text(1)?,
        stream: row.text(2)?,
        scope: row.text(3)?,
        trigger: row.text(4)?,
        mode: row.text(5)?,
        started_us: row.int(6)?,
        ended_us: row.opt_int(7)?,
        outcome: Outcome::parse(&outcome)
            .ok_or_else(|| Error::corrupt(format!("run {id} that ended {outcome:?}")))?,
        counts: serde_json::from_str(&row.text(9)?)
            .map_err(|error| Error::corrupt(format!("the counts of run {id}: {error}")))?,
        error_kind: row.opt_text(10)?,
        error: row.opt_text(11)?,
        remedy: row.opt_text(12)?,
        id,
    })
}
