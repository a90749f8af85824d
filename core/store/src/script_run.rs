//! Scripts on their way: what was sent to a machine and not answered yet, so that a process that
//! starts takes up what another one left, and sends nothing twice.
//!
//! Whoever writes here holds the lease of asking machines. The rows are kept by agent, not by
//! computer: which computer an agent is of may change while the script is on its way.

use core_model::observation::{Logon, Reading};
use core_model::{RecordKind, RecordRef};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, opt, owned};

/// A script on its way. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptRun {
    /// The agent that it was sent through.
    pub agent: RecordRef,
    /// Which script.
    pub kind: String,
    /// The name that it carries, which no other run has.
    pub run: String,
    /// Under which its answer is to be had; none where it is not known whether it was sent.
    pub handle: Option<String>,
    /// What was asked for, where that is not always the same.
    pub about: Vec<String>,
    /// When it was sent.
    pub started_us: i64,
    /// After which nobody waits for its answer any more.
    pub until_us: i64,
}

/// What a machine answered about itself.
#[derive(Clone, Debug)]
pub struct ScriptAnswer {
    /// To which script.
    pub run: ScriptRun,
    /// About the machine.
    pub reading: Reading,
    /// Who is logged on, where that was said.
    pub logon: Option<Logon>,
}

impl Store {
    /// Every script on its way, also those that nobody waits for any more.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn script_runs(&self) -> Result<Vec<ScriptRun>> {
        let text = "select connection, scope, agent, kind, run, handle, about, started, until \
                    from script_run order by connection, scope, agent, kind";
        let rows = self.sql(text).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// Notes that a script is about to be sent; says no, and notes nothing, where one of its kind is
    /// on its way through that agent already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_script(&self, run: &ScriptRun) -> Result<bool> {
        let mut tx = self.write().await?;
        let begun = self
            .sql(
                "insert into script_run \
                 (connection, scope, agent, kind, run, handle, about, started, until) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
                 on conflict (connection, scope, agent, kind) do update set run = excluded.run, \
                 handle = excluded.handle, about = excluded.about, started = excluded.started, \
                 until = excluded.until where script_run.until <= excluded.started",
            )
            .bind(owned(&run.agent.connection))
            .bind(owned(&run.agent.scope))
            .bind(owned(&run.agent.key))
            .bind(owned(&run.kind))
            .bind(owned(&run.run))
            .bind(opt(run.handle.as_deref()))
            .bind(owned(&serde_json::json!(run.about).to_string()))
            .bind(run.started_us)
            .bind(run.until_us)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(begun.rows_affected() > 0)
    }

    /// Notes under which the answer of a script is to be had.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_script_handle(&self, run: &ScriptRun, handle: &str) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql("update script_run set handle = $1 where connection = $2 and run = $3")
            .bind(owned(handle))
            .bind(owned(&run.agent.connection))
            .bind(owned(&run.run))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets a script that has no answer, or whose answer nobody waits for any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_script(&self, run: &ScriptRun) -> Result<()> {
        let mut tx = self.write().await?;
        self.settle_script(&mut tx, run).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets the scripts that nobody waits for any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_overdue_scripts(&self, now_us: i64) -> Result<u64> {
        let mut tx = self.write().await?;
        let query = self.sql("delete from script_run where until <= $1").bind(now_us);
        let ended = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(ended)
    }

    /// Adds what machines answered, and the scripts are on their way no more, in one transaction. An
    /// answer to a script that is on its way no more was stored before, and is left out. Gives how
    /// many were stored.
    ///
    /// # Errors
    /// [`Error::NotFound`] when an agent has no record.
    pub async fn add_answers(&self, answers: &[ScriptAnswer], now_us: i64) -> Result<usize> {
        let mut tx = self.write().await?;
        let mut waited: Vec<&ScriptAnswer> = Vec::with_capacity(answers.len());
        for answer in answers {
            if self.settle_script(&mut tx, &answer.run).await? {
                waited.push(answer);
            }
        }
        let agents = waited.iter().map(|answer| &answer.run.agent);
        for (stream, places) in self.locate(&mut tx, agents).await? {
            let of_stream: Vec<&ScriptAnswer> =
                places.into_iter().filter_map(|place| waited.get(place).copied()).collect();
            let mut logons = Vec::new();
            let mut readings = Vec::new();
            for answer in &of_stream {
                let RecordRef { kind, key, .. } = &answer.run.agent;
                let (kind, key) = (*kind, key.as_str());
                logons.extend(answer.logon.as_ref().map(|logon| (kind, key, logon)));
                let body = serde_json::to_string(&answer.reading).unwrap_or_default();
                readings.push(((kind, key), body));
            }
            self.put_logons(&mut tx, stream, &logons, now_us).await?;
            let readings: Vec<_> =
                readings.iter().map(|(name, body)| (*name, body.as_str())).collect();
            self.put_readings(&mut tx, stream, &readings, now_us).await?;
        }
        tx.commit().await?;
        Ok(waited.len())
    }

    /// The script is on its way no more; says whether it was.
    pub(crate) async fn settle_script(
        &self,
        tx: &mut AnyConnection,
        run: &ScriptRun,
    ) -> Result<bool> {
        let text = "delete from script_run \
                    where connection = $1 and scope = $2 and agent = $3 and kind = $4 and run = $5";
        let ended = self
            .sql(text)
            .bind(owned(&run.agent.connection))
            .bind(owned(&run.agent.scope))
            .bind(owned(&run.agent.key))
            .bind(owned(&run.kind))
            .bind(owned(&run.run))
            .execute(tx)
            .await?;
        Ok(ended.rows_affected() > 0)
    }
}

fn read(row: &AnyRow) -> Result<ScriptRun> {
    let agent = RecordRef::new(&row.text(0)?, RecordKind::Agent, &row.text(1)?, &row.text(2)?);
    let about = serde_json::from_str(&row.text(6)?)
        .map_err(|error| Error::corrupt(format!("what a script at {agent} is about: {error}")))?;
    Ok(ScriptRun {
        agent,
        kind: row.text(3)?,
        run: row.text(4)?,
        handle: row.opt_text(5)?,
        about,
        started_us: row.int(7)?,
        until_us: row.int(8)?,
    })
}
