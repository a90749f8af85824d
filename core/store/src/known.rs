//! The unified model as it was known at an earlier instant: what an entity was then is what the
//! first event after that instant says it was before, or what it is now.

use core_model::entity::EntityKind;
use core_model::run::Outcome;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::packed::Packed;
use crate::sql::{Argument, Columns, Select, limit, owned};

/// An entity as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntityAfter {
    /// Id.
    pub id: String,
    /// The entity as JSON.
    pub document: String,
}

/// How reading a stream went until an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRuns {
    /// The connection's name.
    pub connection: String,
    /// Its connector's kind.
    pub connector: String,
    /// The stream's name.
    pub stream: String,
    /// The sub-scope's id, empty where there is none.
    pub scope: String,
    /// When a run last ended complete, or held: read to its proven end. Unix microseconds.
    pub last_complete_us: Option<i64>,
    /// How the latest run that is over ended.
    pub latest: Option<Outcome>,
}

/// Changes with what [`Store::stream_runs`] says: another stream, another run that is over. Processes whose
/// clocks differ by less than ten minutes may end runs in any order; one whose clock is further behind is heard of with
/// the next run that ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunsAt {
    newest_stream: i64,
    ended_us: i64,
    ended_lately: i64,
}

impl Store {
    /// The number of the last event that had been committed at an instant (Unix microseconds); 0
    /// where there was none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn event_at(&self, at_us: i64) -> Result<i64> {
        let text = "select coalesce(max(seq), 0) from event where at <= $1";
        self.sql(text).bind(at_us).fetch_one(self.readers()).await?.int(0)
    }

    /// The entities of a kind that no event changed after this one, by id, after an id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unchanged_after(
        &self,
        kind: EntityKind,
        event: i64,
        after_id: &str,
        rows: usize,
    ) -> Result<Vec<EntityAfter>> {
        let table = kind.as_str();
        let mut select = Select::new(format!("select t.id, t.document from {table} t"));
        select.push(
            " where t.id > {} and t.event_seq <= {} order by t.id limit {}",
            [Argument::Text(owned(after_id)), Argument::Int(event), Argument::Int(limit(rows))],
        );
        let mut reader = self.readers().acquire().await?;
        read(&self.packed(&mut reader, 2, select).await?)
    }

    /// The entities of a kind that events after this one changed or removed, as they were before,
    /// by id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn changed_after(&self, kind: EntityKind, event: i64) -> Result<Vec<EntityAfter>> {
        // Of each entity the first event since: one that has no before was not there yet.
        let mut select = Select::new("select e.id, e.before from event e");
        select.push(
            " join (select min(n.seq) as seq from event n where n.seq > {} and n.entity = {} \
             group by n.id) as f on f.seq = e.seq where e.before is not null order by e.id",
            [Argument::Int(event), Argument::Text(kind.as_str().to_owned())],
        );
        let mut reader = self.readers().acquire().await?;
        read(&self.packed(&mut reader, 2, select).await?)
    }

    /// Whether reading streams went on: as long as this stays the same, so does [`Store::stream_runs`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn runs_at(&self, until_us: i64) -> Result<RunsAt> {
        let row = self.sql(RUNS_AT).bind(until_us).fetch_one(self.readers()).await?;
        Ok(RunsAt { newest_stream: row.int(0)?, ended_us: row.int(1)?, ended_lately: row.int(2)? })
    }

    /// How reading each stream had gone until an instant (Unix microseconds).
    ///
    /// # Errors
    /// [`Error::Corrupt`] when a run ended as no run ends.
    pub async fn stream_runs(&self, until_us: i64) -> Result<Vec<StreamRuns>> {
        let select = stream_runs(until_us);
        let mut reader = self.readers().acquire().await?;
        let found = self.packed(&mut reader, 6, select).await?;
        let rows = found.rows().map(|row| {
            let latest = row.opt_text(5)?;
            let outcome = latest.as_deref().map(|latest| {
                Outcome::parse(latest)
                    .ok_or_else(|| Error::corrupt(format!("a run that ended {latest:?}")))
            });
            Ok(StreamRuns {
                connection: row.text(0)?,
                connector: row.text(1)?,
                stream: row.text(2)?,
                scope: row.text(3)?,
                last_complete_us: row.opt_int(4)?,
                latest: outcome.transpose()?,
            })
        });
        rows.collect()
    }
}

/// Of each stream the newest run that was complete, and the newest that is over, each by an index of its own: a stream
/// may have failed, or been skipped, thousands of times since.
fn stream_runs(until_us: i64) -> Select {
    let mut select = Select::new("select s.connection, s.connector, s.stream, s.scope");
    for (column, wanted, order) in [
        ("ended", "and r.outcome in ('complete', 'held')", "r.ended desc"),
        ("outcome", "", "r.ended desc, r.id desc"),
    ] {
        let text = format!(
            ", (select r.{column} from run r where r.connection = s.connection \
             and r.stream = s.stream and r.scope = s.scope {wanted} \
             and r.ended <= {{}} order by {order} limit 1)"
        );
        select.push(&text, [Argument::Int(until_us)]);
    }
    select.push(" from stream s order by s.connection, s.stream, s.scope", []);
    select
}

const RUNS_AT: &str = "select coalesce((select max(id) from stream), 0), newest.ended, \
     (select count(*) from run r where r.ended <= $1 and r.ended > newest.ended - 600000000) \
     from (select coalesce(max(ended), 0) as ended from run where ended <= $1) as newest";

fn read(found: &Packed) -> Result<Vec<EntityAfter>> {
    found.rows().map(|row| Ok(EntityAfter { id: row.text(0)?, document: row.text(1)? })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There are thousands of streams with thousands of runs each, and this is asked with every question.
    #[tokio::test]
    async fn runs_are_found_by_their_stream_and_by_their_end() {
        let store = Store::open("sqlite::memory:").await.unwrap();
        let (text, _) = stream_runs(1).finish(store.backend());
        for (text, indexes) in [
            (text.as_str(), ["run_complete (con", "run_of_stream (con"]),
            (RUNS_AT, ["run_ended (", "run_ended ("]),
        ] {
            let steps = store.steps(text).await;
            let of_runs = |step: &&String| step.contains("SEARCH r") || step.contains("SCAN r");
            let of_runs: Vec<_> = steps.iter().filter(of_runs).collect();
            assert_eq!(of_runs.len(), 2, "{steps:?}");
            let each = of_runs.iter().zip(indexes);
            assert!(each.into_iter().all(|(step, index)| step.contains(index)), "{steps:?}");
        }
    }
}
