//! Planned runs: up to which time each of them was run or made up for. Several daemons share this;
//! whoever writes here holds the lease of what it ran.

mod runs;

pub use runs::{ScheduleCheck, ScheduleRun};

use crate::bulk::Bulk;
use crate::error::Result;
use crate::open::Store;
use crate::sql::Columns;

/// How far a planned run has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Its name.
    pub name: String,
    /// Its pattern and zone.
    pub spec: String,
    /// The newest planned time that was run or made up for, Unix microseconds; 0 where it is due
    /// since ever.
    pub handled_us: i64,
}

const PLANNED: Bulk = Bulk {
    text: "insert into schedule (name, spec, handled) values {rows} \
           on conflict (name) do update set spec = excluded.spec, handled = excluded.handled \
           where schedule.spec <> excluded.spec",
    columns: 3,
};

const HANDLED: Bulk = Bulk {
    text: "update schedule set handled = v.column3 from (values {rows}) as v \
           where schedule.name = v.column1 and schedule.spec = v.column2 \
           and schedule.handled < v.column3",
    columns: 3,
};

impl Store {
    /// Every planned run that a daemon ever had, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn planned(&self) -> Result<Vec<Planned>> {
        let text = "select name, spec, handled from schedule order by name";
        let rows = sqlx::query(text).fetch_all(self.readers()).await?;
        let read = |row: &sqlx::any::AnyRow| {
            Ok(Planned { name: row.text(0)?, spec: row.text(1)?, handled_us: row.int(2)? })
        };
        rows.iter().map(read).collect()
    }

    /// Notes that there are these planned runs. One that is there under the same pattern stays as it
    /// is; under another one, or new, it begins with what is given.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn plan(&self, planned: &[Planned]) -> Result<()> {
        self.note_planned(&PLANNED, planned).await
    }

    /// Notes that planned runs were run, each up to its time. What is further already stays, and so
    /// does what has another pattern by now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn handled(&self, planned: &[Planned]) -> Result<()> {
        self.note_planned(&HANDLED, planned).await
    }

    async fn note_planned(&self, how: &Bulk, planned: &[Planned]) -> Result<()> {
        let mut tx = self.write().await?;
        self.bulk(&mut tx, (how, ""), planned, |rows, one| {
            rows.bind(&*one.name).bind(&*one.spec).bind(one.handled_us)
        })
        .await?;
        tx.commit().await?;
        Ok(())
    }
}
