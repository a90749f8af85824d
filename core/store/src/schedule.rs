//! Planned runs: up to which time each of them was run or made up for. Several daemons share this;
//! whoever writes here holds the lease of what it ran.

use crate::error::Result;
use crate::open::Store;
use crate::sql::{Columns, owned};

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
        let mut tx = self.write().await?;
        for one in planned {
            self.sql(
                "insert into schedule (name, spec, handled) values ($1, $2, $3) \
                 on conflict (name) do update set spec = excluded.spec, \
                 handled = excluded.handled where schedule.spec <> excluded.spec",
            )
            .bind(owned(&one.name))
            .bind(owned(&one.spec))
            .bind(one.handled_us)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes that planned runs were run, each up to its time. What is further already stays, and so
    /// does what has another pattern by now.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn handled(&self, planned: &[Planned]) -> Result<()> {
        let mut tx = self.write().await?;
        for one in planned {
            self.sql(
                "update schedule set handled = $3 \
                 where name = $1 and spec = $2 and handled < $3",
            )
            .bind(owned(&one.name))
            .bind(owned(&one.spec))
            .bind(one.handled_us)
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(())
    }
}
