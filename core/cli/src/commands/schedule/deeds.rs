//! What is done about schedules: run out of turn, switched on and off, what waits of them taken back.

use std::sync::Arc;

use chrono::Utc;
use core_agenda::{Batch, Firing, Occasion, batch};
use core_model::library::Schedule;
use core_store::{CancelFilter, DefinitionChange, ScheduleRun, Store};
use serde_json::{Value, json};

use super::answers::world;
use crate::context::Context;
use crate::failure::Failure;

/// How long what came of times is remembered, microseconds: 400 days.
const REMEMBERED_US: i64 = 400 * 86_400 * 1_000_000;

/// Has one run now.
pub(crate) async fn run_now(
    context: &Context,
    which: &str,
    detect_only: bool,
    by: &str,
) -> Result<Value, Failure> {
    let world = world(context).await?;
    let one = Arc::new(world.schedule(which)?.clone());
    let now = Utc::now();
    let occasion = Occasion::of(&one, world.when.zone).ok_or_else(|| {
        Failure::failed(format!("the times of schedule {} cannot be read", one.name))
    })?;
    let firing = Firing { due: now, now, detect_only, by: Some(by) };
    let batch = batch(&world.resolver, &occasion, &firing);
    let run = note(&context.store, &occasion, &firing, &batch).await?;
    Ok(json!({
        "schedule": one.id,
        "name": one.name,
        "group": run.batch,
        "detect_only": detect_only,
        "made": run.made,
        "waiting": run.waiting,
        "unknown": run.unknown,
        "left_alone": run.left_alone,
        "word": run.word,
    }))
}

/// Makes the sessions of a time, and notes what came of it. Made again, it is the same.
pub(crate) async fn note(
    store: &Store,
    occasion: &Occasion,
    firing: &Firing<'_>,
    batch: &Batch,
) -> Result<ScheduleRun, Failure> {
    store.add_new_sessions(&batch.sessions).await?;
    let made = store.count_batch(&batch.group).await?;
    let all = u64::try_from(batch.sessions.len()).unwrap_or(u64::MAX);
    let run = ScheduleRun {
        schedule: occasion.schedule.id.to_string(),
        zone: occasion.zone.name().to_owned(),
        due_us: firing.due.timestamp_micros(),
        at_us: firing.now.timestamp_micros(),
        made,
        waiting: all.saturating_sub(made),
        unknown: batch.unknown,
        left_alone: batch.left_alone,
        batch: batch.group.clone(),
        by: firing.by.map(str::to_owned),
        word: word(batch),
    };
    store.put_schedule_run(&run).await?;
    store.forget_schedule_runs(run.at_us - REMEMBERED_US).await?;
    Ok(run)
}

/// What there is to say besides numbers.
fn word(batch: &Batch) -> String {
    let mut words = batch.problems.clone();
    if batch.sessions.is_empty() && words.is_empty() {
        words.push("nobody is in its target".to_owned());
    }
    if batch.unknown > 0 {
        let some = batch.unknown_some.iter().map(|one| format!("{} ({})", one.name, one.why));
        let some: Vec<String> = some.collect();
        let more = if batch.unknown > some.len() as u64 { ", …" } else { "" };
        let (unknown, some) = (batch.unknown, some.join(", "));
        words.push(format!(
            "of {unknown} it is not known whether they are in its target: {some}{more}"
        ));
    }
    words.join("; ")
}

/// Switches one on or off: another revision of the definitions.
pub(crate) async fn switch(
    context: &Context,
    which: &str,
    enabled: bool,
    by: &str,
) -> Result<Value, Failure> {
    let world = world(context).await?;
    let before = world.schedule(which)?.clone();
    let now_us = Utc::now().timestamp_micros();
    let after = Schedule { enabled, ..before.clone() }.since(Some(&before), now_us);
    let mut library = (*world.loaded.library).clone();
    for one in library.schedules.iter_mut().filter(|one| one.id == before.id) {
        one.clone_from(&after);
    }
    let word = if enabled { "on" } else { "off" };
    let change = DefinitionChange {
        base: world.loaded.revision,
        rows: &core_snapshot::rows(&world.loaded.library, &library),
        author: by,
        note: &format!("schedule {} switched {word}", before.name),
        now_us,
    };
    let revision = context.store.save_definitions(change).await?;
    Ok(json!({
        "schedule": before.id,
        "name": before.name,
        "enabled": enabled,
        "changed": revision != world.loaded.revision,
        "revision": revision,
    }))
}

/// Takes back what waits of one.
pub(crate) async fn cancel(
    context: &Context,
    which: &str,
    running: bool,
    by: &str,
) -> Result<Value, Failure> {
    let name = world(context).await?.schedule(which)?.name.clone();
    let (word, now_us) = (format!("taken back by {by}"), Utc::now().timestamp_micros());
    let filter = CancelFilter { schedule: Some(&name), running, ..CancelFilter::default() };
    let cancelled = context.store.cancel_sessions(filter, &word, now_us).await?;
    core_daemon::tell_tickets(&context.store, &cancelled, now_us).await?;
    Ok(json!({ "name": name, "cancelled": cancelled.len() }))
}
