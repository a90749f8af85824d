//! Items: `GET /Item`, what is sold. No row says whether it is active: the list is read twice,
//! first the active ones, then all, and who is only in the second is inactive.
//!
//! A release that ignores the filter shows the same rows twice, and nobody is called inactive.

use std::sync::Arc;

use async_trait::async_trait;
use core_connector::{Changes, Page, Proof, Result, Resume, Scope, Source};
use core_model::facts::ProductFacts;
use core_model::record::{Record, Rejected};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::client::Halo;
use crate::paging::{Found, Listing, expired, mark};
use crate::walk::{Step, Walk};
use crate::wire;

pub(crate) const ACTIVE: Listing = Listing {
    path: "Item",
    rows: "items",
    query: &[("includeactive", "true"), ("includeinactive", "false")],
};

const ALL: Listing = Listing {
    path: "Item",
    rows: "items",
    query: &[("includeactive", "true"), ("includeinactive", "true")],
};

/// Raised when the meaning of checkpoints changes.
const VERSION: u32 = 1;

/// The items.
pub(crate) struct Items {
    halo: Arc<Halo>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Round {
    version: u32,
    /// Whether the active ones are read, and all are on.
    all: bool,
    walk: Walk,
    active: Ids,
}

/// Ids, as runs from a first to a last one: a catalogue's ids lie close together.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Ids(Vec<(i64, i64)>);

#[derive(Debug, Deserialize)]
struct Row {
    #[serde(deserialize_with = "wire::id")]
    id: i64,
    name: Option<String>,
    isrecurringitem: Option<bool>,
}

impl Items {
    pub(crate) fn new(halo: &Arc<Halo>) -> Self {
        Self { halo: Arc::clone(halo) }
    }
}

#[async_trait]
impl Source for Items {
    fn changes(&self) -> Changes {
        Changes::Snapshot
    }

    async fn page(&self, _: &Scope, from: Resume) -> Result<Page> {
        let round = Round::resume(&from)?;
        let listing = if round.all { &ALL } else { &ACTIVE };
        let sheet = self.halo.sheet(listing, &round.walk, None).await?;
        let mut found = Found::default();
        for row in &sheet.rows {
            if !round.all {
                found.add(read(row, false));
            } else if !wire::id_of(row).is_some_and(|id| round.active.contains(id)) {
                found.add(read(row, true));
            }
        }
        let next = round.after(&sheet.rows, sheet.step)?;
        Ok(found.page(sheet.bytes, next))
    }
}

impl Round {
    fn resume(from: &Resume) -> Result<Self> {
        let Resume::From(checkpoint) = from else {
            let (walk, active) = (Walk::start(), Ids::default());
            return Ok(Self { version: VERSION, all: false, walk, active });
        };
        match checkpoint.read::<Self>() {
            Ok(round) if round.version == VERSION => Ok(round),
            _ => Err(expired(&ACTIVE)),
        }
    }

    fn after(
        mut self,
        rows: &[Box<RawValue>],
        step: Step,
    ) -> Result<(Option<core_model::Checkpoint>, Proof)> {
        if !self.all {
            self.active.extend(rows.iter().filter_map(|row| wire::id_of(row)));
        }
        let next = match step {
            Step::More(walk) => Self { walk, ..self },
            Step::End(_) if !self.all => Self { all: true, walk: Walk::start(), ..self },
            Step::End(proof) => return Ok((None, proof)),
        };
        Ok((Some(mark(&next)?), Proof::More))
    }
}

impl Ids {
    fn contains(&self, id: i64) -> bool {
        let after = self.0.partition_point(|(first, _)| *first <= id);
        after.checked_sub(1).and_then(|at| self.0.get(at)).is_some_and(|(_, last)| id <= *last)
    }

    fn extend(&mut self, ids: impl Iterator<Item = i64>) {
        let mut runs = std::mem::take(&mut self.0);
        runs.extend(ids.map(|id| (id, id)));
        runs.sort_unstable();
        for (first, last) in runs {
            match self.0.last_mut() {
                Some(run) if first <= run.1.saturating_add(1) => run.1 = run.1.max(last),
                _ => self.0.push((first, last)),
            }
        }
    }
}

fn read(raw: &RawValue, inactive: bool) -> std::result::Result<Option<Record>, Rejected> {
    let row: Row = wire::row(raw)?;
    let facts = ProductFacts {
        name: wire::text(row.name.as_deref()).unwrap_or_default(),
        recurring: row.isrecurringitem.unwrap_or_default(),
        inactive,
    };
    Ok(Some(wire::record(row.id, None, facts.into(), raw.get())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_kept_as_runs() {
        let mut ids = Ids::default();
        ids.extend([5, 3, 4, 9].into_iter());
        ids.extend([10, 6, 4, -2].into_iter());
        assert_eq!(ids.0, [(-2, -2), (3, 6), (9, 10)]);
        for (id, there) in [(-2, true), (0, false), (3, true), (6, true), (7, false), (11, false)] {
            assert_eq!(ids.contains(id), there, "{id}");
        }
    }
}
