//! What takes long and was asked of a daemon: kept before it is acknowledged, and its result for whoever
//! asks for it later, of any daemon of the same database.
//!
//! Whoever begins and ends one holds the lease of working them off.

use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, count, limit, opt, owned};

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Nobody has begun it.
    Waiting,
    /// A daemon is at it, or died at it; then it is begun again.
    Running,
    /// It ended, and its result is there.
    Done,
    /// It could not be done, and says why.
    Failed,
}

impl JobState {
    const ALL: [Self; 4] = [Self::Waiting, Self::Running, Self::Done, Self::Failed];

    /// The word in the store and the answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            JobState::Waiting => "waiting",
            JobState::Running => "running",
            JobState::Done => "done",
            JobState::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Error::corrupt(format!("a job in state {text:?}")))
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'a> {
    /// Its id, which no other job has.
    pub id: &'a str,
    /// Which work.
    pub work: &'a str,
    /// With what, as JSON.
    pub about: &'a str,
    /// Who asks.
    pub by: &'a str,
    /// Now, Unix microseconds.
    pub now_us: i64,
}

/// Something that was asked for. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// Which work.
    pub work: String,
    /// With what, as JSON.
    pub about: String,
    /// Who asked.
    pub asked_by: String,
    /// When.
    pub asked_us: i64,
    /// How it stands.
    pub state: JobState,
    /// How often it was begun: more than once where a process died at it.
    pub begun: u32,
    /// When it was first begun.
    pub started_us: Option<i64>,
    /// When it ended.
    pub ended_us: Option<i64>,
    /// What came of it, as JSON.
    pub result: Option<String>,
    /// Why nothing came of it.
    pub error: Option<String>,
    /// What to do about that.
    pub remedy: Option<String>,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// With this result, as JSON.
    Done(String),
    /// With an error and its remedy.
    Failed(String, String),
    /// Not yet: it waits until that time (Unix microseconds).
    Later(i64),
}

const COLUMNS: &str = "select id, work, about, asked_by, asked, state, begun, started, ended, result, \
                       error, remedy from job";

impl Store {
    /// Keeps what is asked for; says no, and keeps nothing, where so many wait already.
    ///
    /// # Errors
    /// When the database does not answer, or there is one of that id.
    pub async fn add_job(&self, job: &NewJob<'_>, most_waiting: u64) -> Result<bool> {
        let mut tx = self.write().await?;
        let text = "select count(*) from job where state in ('waiting', 'running')";
        let waiting = count(self.sql(text).fetch_one(&mut *tx).await?.int(0)?);
        if waiting >= most_waiting {
            return Ok(false);
        }
        self.sql(
            "insert into job (id, work, about, asked_by, asked, state, due, begun) \
             values ($1, $2, $3, $4, $5, 'waiting', $5, 0)",
        )
        .bind(owned(job.id))
        .bind(owned(job.work))
        .bind(owned(job.about))
        .bind(owned(job.by))
        .bind(job.now_us)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The oldest job that is to be begun by now (Unix microseconds), those too that a process left.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn due_job(&self, now_us: i64) -> Result<Option<Job>> {
        let mut select = Select::new(COLUMNS);
        select.push(
            " where state in ('waiting', 'running') and due <= {} order by asked, id limit 1",
            [Argument::Int(now_us)],
        );
        let row = select.query(self.backend()).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// Notes that a job is begun.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_job(&self, id: &str, now_us: i64) -> Result<()> {
        let mut tx = self.write().await?;
        let text = "update job set state = 'running', begun = begun + 1, \
                    started = coalesce(started, $2) where id = $1";
        self.sql(text).bind(owned(id)).bind(now_us).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Notes how a job ended. One that ended before stays as it is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_job(&self, id: &str, end: &JobEnd, now_us: i64) -> Result<()> {
        let (state, due, result, error, remedy) = match end {
            JobEnd::Done(result) => (JobState::Done, now_us, Some(result), None, None),
            JobEnd::Failed(error, remedy) => {
                (JobState::Failed, now_us, None, Some(error), Some(remedy))
            }
            JobEnd::Later(due) => (JobState::Waiting, *due, None, None, None),
        };
        let is_over = state != JobState::Waiting;
        let text = |text: Option<&String>| opt(text.map(String::as_str));
        let mut tx = self.write().await?;
        self.sql(
            "update job set state = $2, due = $3, ended = $4, result = $5, error = $6, remedy = $7 \
             where id = $1 and ended is null",
        )
        .bind(owned(id))
        .bind(state.as_str())
        .bind(due)
        .bind(is_over.then_some(now_us))
        .bind(text(result))
        .bind(text(error))
        .bind(text(remedy))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// A job; nothing where there is none of that id, or none any more.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when it cannot be read.
    pub async fn job(&self, id: &str) -> Result<Option<Job>> {
        let mut select = Select::new(COLUMNS);
        select.push(" where id = {}", [Argument::Text(owned(id))]);
        let row = select.query(self.backend()).fetch_optional(self.readers()).await?;
        row.as_ref().map(read).transpose()
    }

    /// The latest jobs, the newest first.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when one cannot be read.
    pub async fn jobs(&self, most: usize) -> Result<Vec<Job>> {
        let mut select = Select::new(COLUMNS);
        select.push(" order by asked desc, id desc limit {}", [Argument::Int(limit(most))]);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(read).collect()
    }

    /// Forgets the jobs that ended before that time (Unix microseconds).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_jobs(&self, before_us: i64) -> Result<u64> {
        let mut tx = self.write().await?;
        let query = self.sql("delete from job where ended < $1").bind(before_us);
        let forgotten = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(forgotten)
    }
}

fn read(row: &AnyRow) -> Result<Job> {
    Ok(Job {
        id: row.text(0)?,
        work: row.text(1)?,
        about: row.text(2)?,
        asked_by: row.text(3)?,
        asked_us: row.int(4)?,
        state: JobState::parse(&row.text(5)?)?,
        begun: u32::try_from(row.int(6)?).unwrap_or(u32::MAX),
        started_us: row.opt_int(7)?,
        ended_us: row.opt_int(8)?,
        result: row.opt_text(9)?,
        error: row.opt_text(10)?,
        remedy: row.opt_text(11)?,
    })
}
