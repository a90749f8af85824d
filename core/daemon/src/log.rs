//! Runs in the log: one line each, with fields that stay.

use core_model::run::{Outcome, Run};
use core_sync::{Progress, ProgressEvent};

/// Writes a line for every run that ended; for one that found nothing new, at `debug`.
pub struct RunLog;

impl Progress for RunLog {
    fn event(&self, event: &ProgressEvent<'_>) {
        match event {
            ProgressEvent::Ended { run } => ended(run),
            ProgressEvent::Derived { events } if *events > 0 => {
                tracing::info!(events, "the model changed");
            }
            _ => {}
        }
    }
}

fn ended(run: &Run) {
    let ms = run.ended_us.map(|ended| (ended - run.started_us) / 1000);
    let counts = &run.counts;
    let moved = counts.created + counts.changed + counts.gone + counts.rejected;
    if matches!(run.outcome, Outcome::Complete | Outcome::Skipped) && moved == 0 {
        // Hundreds of directories an hour in which nothing happened are not worth reading.
        tracing::debug!(run = %run.id, connection = %run.connection, stream = %run.stream,
            scope = %run.scope, mode = %run.mode, outcome = run.outcome.as_str(), ms,
            pages = counts.pages, read = counts.read, "run");
        return;
    }
    // Why it failed was said where it failed; here is what the run came to.
    if matches!(run.outcome, Outcome::Complete | Outcome::Skipped | Outcome::Stopped) {
        tracing::info!(run = %run.id, connection = %run.connection, stream = %run.stream,
            scope = %run.scope, mode = %run.mode, outcome = run.outcome.as_str(), ms,
            pages = counts.pages, read = counts.read, created = counts.created,
            changed = counts.changed, gone = counts.gone, rejected = counts.rejected, "run");
    } else {
        tracing::warn!(run = %run.id, connection = %run.connection, stream = %run.stream,
            scope = %run.scope, mode = %run.mode, outcome = run.outcome.as_str(), ms,
            read = counts.read, held = counts.held, error_kind = run.error_kind,
            error = run.error, remedy = run.remedy, "run");
    }
}
