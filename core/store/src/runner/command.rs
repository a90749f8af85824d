//! What runners are to run, what they print, and what came of it.

use sqlx::any::AnyRow;

use super::{opened, sealed_name};
use crate::error::Result;
use crate::open::Store;
use crate::secret::SealingKeys;
use crate::sql::{Columns, opt, owned};

/// A command that is about to wait. Times are Unix microseconds.
#[derive(Clone, Copy, Debug)]
pub struct NewRunnerCommand<'a> {
    /// Its run.
    pub run: &'a str,
    /// Whose it is.
    pub runner: &'a str,
    /// What is signed, with its signature, as JSON.
    pub document: &'a str,
    /// What runs.
    pub text: &'a str,
    /// What its standard input is given. It is stored sealed.
    pub input: Option<&'a str>,
    /// After which it is not begun.
    pub not_after_us: i64,
    /// Bytes of output that are kept.
    pub output_limit: i64,
    /// Now.
    pub now_us: i64,
}

/// A command.
#[derive(Clone, PartialEq, Eq)]
pub struct RunnerCommand {
    /// Its run.
    pub run: String,
    /// Whose it is.
    pub runner: String,
    /// `queued`, `handed`, `running` or `over`.
    pub state: String,
    /// What is signed, with its signature, as JSON.
    pub document: String,
    /// What runs; empty once it is over.
    pub text: String,
    /// After which it is not begun, Unix microseconds.
    pub not_after_us: i64,
    /// What came of it, as JSON.
    pub outcome: Option<String>,
    /// Bytes of its output that arrived.
    pub length: i64,
    input: Option<(String, String)>,
}

impl std::fmt::Debug for RunnerCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RunnerCommand({} {}, {:?})", self.run, self.state, self.outcome)
    }
}

impl RunnerCommand {
    /// What its standard input is given.
    ///
    /// # Errors
    /// [`crate::Error::Corrupt`] where none of the keys opens it.
    pub fn input(&self, keys: &SealingKeys) -> Result<Option<String>> {
        opened(keys, &self.run, self.input.clone())
    }
}

impl Store {
    /// Has a command wait for its runner; says no, and changes nothing, where one of that run did already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn queue_runner_command(
        &self,
        keys: &SealingKeys,
        new: &NewRunnerCommand<'_>,
    ) -> Result<bool> {
        let key = keys.current();
        let input = new.input.map(|plain| key.seal(&sealed_name(new.run), plain.as_bytes()));
        let input = input.transpose()?;
        let mut tx = self.write().await?;
        let done = self
            .sql(
                "insert into runner_command (run, runner, state, document, text, input, key_id, queued, \
                 not_after, length, output_limit) \
                 values ($1, $2, 'queued', $3, $4, $5, $6, $7, $8, 0, $9) on conflict (run) do nothing",
            )
            .bind(owned(new.run))
            .bind(owned(new.runner))
            .bind(owned(new.document))
            .bind(owned(new.text))
            .bind(opt(input.as_deref()))
            .bind(opt(input.is_some().then(|| key.id())))
            .bind(new.now_us)
            .bind(new.not_after_us)
            .bind(new.output_limit)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// What waits for a runner and may be begun still, the oldest first: also what was sent and nothing was heard
    /// of.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runner_commands(&self, runner: &str, now_us: i64) -> Result<Vec<RunnerCommand>> {
        let query = self.sql(
            "select run, runner, state, document, text, not_after, outcome, length, key_id, input \
             from runner_command where runner = $1 and state in ('queued', 'handed') \
             and not_after > $2 order by queued, run limit 64",
        );
        let rows = query.bind(owned(runner)).bind(now_us).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// A command by its run.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runner_command(&self, run: &str) -> Result<Option<RunnerCommand>> {
        let query = self.sql(
            "select run, runner, state, document, text, not_after, outcome, length, key_id, input \
             from runner_command where run = $1",
        );
        let row = query.bind(owned(run)).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Notes of runs of a runner that they were sent, or that it has them (`handed`, `running`); what is further
    /// stays so.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_runner_commands(
        &self,
        runner: &str,
        runs: &[String],
        running: bool,
    ) -> Result<()> {
        if runs.is_empty() {
            return Ok(());
        }
        let mut tx = self.write().await?;
        for run in runs {
            let query = match running {
                true => self.sql(
                    "update runner_command set state = 'running' \
                     where run = $1 and runner = $2 and state in ('queued', 'handed')",
                ),
                false => self.sql(
                    "update runner_command set state = 'handed' \
                     where run = $1 and runner = $2 and state = 'queued'",
                ),
            };
            query.bind(owned(run)).bind(owned(runner)).execute(&mut *tx).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Adds a piece of what a run prints, where it is the next one and the run is not over. Gives how many bytes
    /// there are then, whatever came of it; nothing where the runner has no such run.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_runner_output(
        &self,
        (runner, run): (&str, &str),
        (at, bytes): (i64, i64),
        data: &str,
    ) -> Result<Option<i64>> {
        let mut tx = self.write().await?;
        // One statement looks and counts, so that of two that bring the same one does.
        let counted = self
            .sql(
                "update runner_command set length = length + $4, state = 'running' \
                 where run = $1 and runner = $2 and length = $3 and state <> 'over' \
                 and length + $4 <= output_limit",
            )
            .bind(owned(run))
            .bind(owned(runner))
            .bind(at)
            .bind(bytes)
            .execute(&mut *tx)
            .await?;
        if counted.rows_affected() == 1 {
            self.sql("insert into runner_output (run, at, data) values ($1, $2, $3)")
                .bind(owned(run))
                .bind(at)
                .bind(owned(data))
                .execute(&mut *tx)
                .await?;
        }
        let query = self.sql("select length from runner_command where run = $1 and runner = $2");
        let row = query.bind(owned(run)).bind(owned(runner)).fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        row.map(|row| row.int(0)).transpose()
    }

    /// The pieces of what a run printed, in order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runner_output(&self, run: &str) -> Result<Vec<String>> {
        let query = self.sql("select data from runner_output where run = $1 order by at");
        let rows = query.bind(owned(run)).fetch_all(self.readers()).await?;
        rows.iter().map(|row| row.text(0)).collect()
    }

    /// Notes what came of a run; of several words the first one holds. Its text and its input are forgotten. Says
    /// whether the runner has such a run at all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_runner_command(
        &self,
        (runner, run): (&str, &str),
        outcome: &str,
        now_us: i64,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        self.sql(
            "update runner_command set state = 'over', outcome = $3, ended = $4, text = '', \
             input = null where run = $1 and runner = $2 and state <> 'over'",
        )
        .bind(owned(run))
        .bind(owned(runner))
        .bind(owned(outcome))
        .bind(now_us)
        .execute(&mut *tx)
        .await?;
        let query = self.sql("select 1 from runner_command where run = $1 and runner = $2");
        let row = query.bind(owned(run)).bind(owned(runner)).fetch_optional(&mut *tx).await?;
        tx.commit().await?;
        Ok(row.is_some())
    }

    /// Forgets commands that waited before a time (Unix microseconds), with all that they printed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_runner_commands(&self, before_us: i64) -> Result<u64> {
        let mut tx = self.write().await?;
        self.sql(
            "delete from runner_output where run in \
             (select run from runner_command where queued < $1)",
        )
        .bind(before_us)
        .execute(&mut *tx)
        .await?;
        let query = self.sql("delete from runner_command where queued < $1");
        let gone = query.bind(before_us).execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(gone)
    }
}

fn read(row: &AnyRow) -> Result<RunnerCommand> {
    let input = row.opt_text(8)?.zip(row.opt_text(9)?);
    Ok(RunnerCommand {
        run: row.text(0)?,
        runner: row.text(1)?,
        state: row.text(2)?,
        document: row.text(3)?,
        text: row.text(4)?,
        not_after_us: row.int(5)?,
        outcome: row.opt_text(6)?,
        length: row.int(7)?,
        input,
    })
}
