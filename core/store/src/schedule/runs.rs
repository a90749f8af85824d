//! What came of the times of schedules, and how schedules stand.

use sqlx::any::AnyRow;

use crate::bulk::Bulk;
use crate::error::Result;
use crate::open::Store;
use crate::sql::{Argument, Columns, Select, count, limit, list, opt, owned, pattern};

/// What came of a time of a schedule. Times are Unix microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleRun {
    /// The schedule, by its id.
    pub schedule: String,
    /// By the clock of this zone.
    pub zone: String,
    /// When it was due.
    pub due_us: i64,
    /// When it fired.
    pub at_us: i64,
    /// How many sessions were made.
    pub made: u64,
    /// How many subjects had one of the same that was not over.
    pub waiting: u64,
    /// Of how many it was not known whether they are in the target.
    pub unknown: u64,
    /// How many are in the target, and nothing is done to them.
    pub left_alone: u64,
    /// The group of its sessions.
    pub batch: String,
    /// Who had it run out of turn.
    pub by: Option<String>,
    /// What else there is to say; empty where there is nothing.
    pub word: String,
}

/// How a schedule stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleCheck {
    /// The schedule, by its id.
    pub schedule: String,
    /// For how many it is.
    pub members: u64,
    /// Of how many that is not known.
    pub unknown: u64,
    /// What is wrong with it.
    pub problem: Option<String>,
    /// Since when it stands so, Unix microseconds.
    pub since_us: i64,
}

const CHECKED: Bulk = Bulk {
    text: "insert into schedule_check (schedule, members, unknown, problem, since) values {rows} \
           on conflict (schedule) do update set members = excluded.members, \
           unknown = excluded.unknown, \
           since = case when coalesce(schedule_check.problem, '') = coalesce(excluded.problem, '') \
           then schedule_check.since else excluded.since end, problem = excluded.problem",
    columns: 5,
};

impl Store {
    /// Notes what came of a time; what is noted of it already stays.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_schedule_run(&self, run: &ScheduleRun) -> Result<()> {
        let mut tx = self.write().await?;
        self.sql(
            "insert into schedule_run (schedule, zone, due, at, made, waiting, unknown, left_alone, \
             batch, started, word) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             on conflict do nothing",
        )
        .bind(owned(&run.schedule))
        .bind(owned(&run.zone))
        .bind(run.due_us)
        .bind(run.at_us)
        .bind(number(run.made))
        .bind(number(run.waiting))
        .bind(number(run.unknown))
        .bind(number(run.left_alone))
        .bind(owned(&run.batch))
        .bind(opt(run.by.as_deref()))
        .bind(owned(&run.word))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// What came of the last times of a schedule, or of all, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schedule_runs(
        &self,
        schedule: Option<&str>,
        most: usize,
    ) -> Result<Vec<ScheduleRun>> {
        let mut select = Select::new(
            "select schedule, zone, due, at, made, waiting, unknown, left_alone, batch, started, word \
             from schedule_run where true",
        );
        if let Some(schedule) = schedule {
            select.push(" and schedule = {}", [Argument::Text(owned(schedule))]);
        }
        select.push(" order by at desc, due desc, zone limit {}", [Argument::Int(limit(most))]);
        let rows = select.query(self.backend()).fetch_all(self.readers()).await?;
        rows.iter().map(run).collect()
    }

    /// Forgets what came of times before an instant (Unix microseconds).
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_schedule_runs(&self, before_us: i64) -> Result<u64> {
        let mut tx = self.write().await?;
        let query = self.sql("delete from schedule_run where at < $1").bind(before_us);
        let forgotten = query.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        Ok(forgotten)
    }

    /// Notes how schedules stand; of others nothing is known any more. How long one stands so, is counted from when its
    /// problem became another.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn put_schedule_checks(&self, checks: &[ScheduleCheck]) -> Result<()> {
        let mut tx = self.write().await?;
        let known = list(checks.iter().map(|one| &one.schedule));
        self.sql("delete from schedule_check where not (schedule in list($1))")
            .bind(known)
            .execute(&mut *tx)
            .await?;
        self.bulk(&mut tx, (&CHECKED, ""), checks, |rows, one| {
            rows.bind(&*one.schedule)
                .bind(number(one.members))
                .bind(number(one.unknown))
                .bind(one.problem.as_deref())
                .bind(one.since_us)
        })
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// How schedules stand, by their ids.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schedule_checks(&self) -> Result<Vec<ScheduleCheck>> {
        let text = "select schedule, members, unknown, problem, since from schedule_check \
                    order by schedule";
        let rows = self.sql(text).fetch_all(self.readers()).await?;
        let read = |row: &AnyRow| {
            Ok(ScheduleCheck {
                schedule: row.text(0)?,
                members: count(row.int(1)?),
                unknown: count(row.int(2)?),
                problem: row.opt_text(3)?,
                since_us: row.int(4)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Forgets planned runs whose names begin so and that are none of these.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_planned_but(&self, begins: &str, names: &[String]) -> Result<()> {
        let mut tx = self.write().await?;
        let text = "delete from schedule where name like $1 escape '\\' and not (name in list($2))";
        self.sql(text).bind(pattern("", begins, "%")).bind(list(names)).execute(&mut *tx).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn run(row: &AnyRow) -> Result<ScheduleRun> {
    Ok(ScheduleRun {
        schedule: row.text(0)?,
        zone: row.text(1)?,
        due_us: row.int(2)?,
        at_us: row.int(3)?,
        made: count(row.int(4)?),
        waiting: count(row.int(5)?),
        unknown: count(row.int(6)?),
        left_alone: count(row.int(7)?),
        batch: row.text(8)?,
        by: row.opt_text(9)?,
        word: row.text(10)?,
    })
}
