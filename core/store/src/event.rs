//! The log of events: every change of the unified model, in the order of the commits.
//!
//! What an entity was after an event is not stored with it, because it is stored already: it is what
//! the next event of the same entity says it was before, or what the entity is now.

use std::collections::HashMap;

use core_model::entity::EntityKind;
use core_model::event::Event;
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::error::{Error, Result};
use crate::open::Store;
use crate::sql::{Columns, ints, limit, list};

impl Store {
    /// The events after a number, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when an event is of a kind that this program does not know.
    pub async fn events(&self, after_seq: i64, rows: usize) -> Result<Vec<Event>> {
        // One state of the database: an entity must not move on between its event and itself.
        let mut tx = self.snapshot().await?;
        // The next event is looked up one by one, in an index: as a join it would be up to the
        // database's statistics, of which there are none when they matter most.
        let rows = self
            .sql(
                "select e.seq, e.at, e.entity, e.id, e.tenant, e.before, e.cause, e.removed, \
                 (select min(n.seq) from event n where n.entity = e.entity and n.id = e.id \
                 and n.seq > e.seq and n.before is not null) \
                 from event e where e.seq > $1 order by e.seq limit $2",
            )
            .bind(after_seq)
            .bind(limit(rows))
            .fetch_all(&mut *tx)
            .await?;
        let mut events = Vec::with_capacity(rows.len());
        let mut last: HashMap<EntityKind, HashMap<String, usize>> = HashMap::new();
        let mut next: HashMap<i64, usize> = HashMap::new();
        for (place, row) in rows.iter().enumerate() {
            let event = read(row)?;
            match (row.int(7)?, row.opt_int(8)?) {
                // It removed the entity; what came later under its id is another life.
                (1, _) => {}
                (_, Some(seq)) => {
                    next.insert(seq, place);
                }
                (_, None) => {
                    last.entry(event.entity).or_default().insert(event.id.clone(), place);
                }
            }
            events.push(event);
        }
        self.followed(&mut tx, next, &mut events).await?;
        self.present(&mut tx, last, &mut events).await?;
        tx.rollback().await?;
        Ok(events)
    }

    /// Fills in what the next events of the same entities say, by these events' numbers.
    async fn followed(
        &self,
        on: &mut AnyConnection,
        next: HashMap<i64, usize>,
        events: &mut [Event],
    ) -> Result<()> {
        if next.is_empty() {
            return Ok(());
        }
        let query = self.sql("select seq, before from event where seq in ints($1)");
        for row in query.bind(ints(next.keys().copied())).fetch_all(on).await? {
            let place = next.get(&row.int(0)?);
            if let Some(event) = place.and_then(|place| events.get_mut(*place)) {
                event.after = row.opt_text(1)?;
            }
        }
        Ok(())
    }

    /// Fills in what the entities are now, at the places of their last events.
    async fn present(
        &self,
        on: &mut AnyConnection,
        last: HashMap<EntityKind, HashMap<String, usize>>,
        events: &mut [Event],
    ) -> Result<()> {
        for (kind, places) in last {
            let text = "select id, document from {table} where id in list($1)";
            let query = self.sql_on(text, kind.as_str()).bind(list(places.keys()));
            for row in query.fetch_all(&mut *on).await? {
                let place = places.get(&row.text(0)?);
                if let Some(event) = place.and_then(|place| events.get_mut(*place)) {
                    event.after = Some(row.text(1)?);
                }
            }
        }
        Ok(())
    }
}

/// An event, of which is not known yet what the entity was after it.
fn read(row: &AnyRow) -> Result<Event> {
    let (sequence, entity) = (row.int(0)?, row.text(2)?);
    Ok(Event {
        sequence,
        at_us: row.int(1)?,
        entity: EntityKind::parse(&entity)
            .ok_or_else(|| Error::corrupt(format!("event {sequence} of kind {entity:?}")))?,
        id: row.text(3)?,
        tenant: row.opt_text(4)?,
        before: row.opt_text(5)?,
        after: None,
        cause: row.text(6)?,
    })
}
