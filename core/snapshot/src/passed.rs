//! Dates that passed: what holds for somebody since then though nothing of them changed, as events.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use core_model::entity::EntityKind;
use core_model::library::SubjectKind;
use core_resolve::{Edge, Resolver};
use core_store::{Passed, Store};

use crate::error::Result;

/// The reader of dates.
const READER: &str = "dates";

/// Finds the edges that passed after `from` and up to `to`, and writes an event of the cause `clock` for
/// every computer, person and tenant that has another winner since. What was looked at before is not looked
/// at again, whoever asks and however often.
///
/// # Errors
/// When the store does not answer; then nothing is written.
pub async fn note_passed(
    store: &Store,
    resolver: &Resolver,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    now: DateTime<Utc>,
) -> Result<Vec<Edge>> {
    let known = DateTime::from_timestamp_micros(store.cursor(READER).await?).unwrap_or_default();
    let from = from.max(known);
    if from >= to {
        return Ok(Vec::new());
    }
    let edges = resolver.passed(from, to);
    let entities: Vec<(EntityKind, String)> = concerned(resolver, &edges).into_iter().collect();
    let cursor = (READER, to.timestamp_micros());
    let now_us = now.timestamp_micros();
    store.note_passed(Passed { entities: &entities, cursor, now_us }).await?;
    Ok(edges)
}

/// Whoever has another winner.
fn concerned(resolver: &Resolver, edges: &[Edge]) -> BTreeSet<(EntityKind, String)> {
    let snapshot = resolver.snapshot();
    let mut entities = BTreeSet::new();
    for shift in edges.iter().flat_map(|edge| &edge.shifts) {
        let kind = match shift.kind {
            SubjectKind::Computer => EntityKind::Computer,
            SubjectKind::Person => EntityKind::Person,
            SubjectKind::Tenant => EntityKind::Tenant,
        };
        let subjects = shift.subjects.iter().filter_map(|one| snapshot.subject(shift.kind, one));
        entities.extend(subjects.map(|subject| (kind, subject.to_string())));
    }
    entities
}
