//! Spans of a sync: a stream of it, the pages of that.

use core_connector::trace::{failed, failed_as};
use core_connector::{Page, Result, Resume, Scope, Stream, TRACES};
use core_model::run::{Outcome, Run};
use core_store::StreamKey;
use tracing::field::Empty;
use tracing::{Instrument as _, Span, info_span};

/// One scope of a stream, from where it was left off to its end.
pub(crate) fn stream(key: &StreamKey) -> Span {
    info_span!(
        target: TRACES,
        "sync.stream",
        connection = key.connection,
        stream = key.stream,
        scope = key.scope,
        run = Empty,
        mode = Empty,
        outcome = Empty,
        pages = Empty,
        read = Empty,
        changed = Empty,
        error.type = Empty,
        otel.status_code = Empty,
    )
}

/// How it ended.
pub(crate) fn ended(span: &Span, run: &Run) {
    let counts = &run.counts;
    span.record("run", run.id.as_str());
    span.record("mode", run.mode.as_str());
    span.record("outcome", run.outcome.as_str());
    span.record("pages", counts.pages);
    span.record("read", counts.read);
    span.record("changed", counts.created + counts.changed + counts.gone);
    if run.outcome == Outcome::Failed {
        failed_as(span, run.error_kind.as_deref().unwrap_or("unknown"));
    }
}

/// Which scopes a stream has: that may be asked of the system.
pub(crate) fn scopes(connection: &str, stream: &str) -> Span {
    info_span!(target: TRACES, "sync.scopes", connection, stream)
}

/// So many records and tombstones that are written.
pub(crate) fn commit(records: usize, gone: usize) -> Span {
    info_span!(target: TRACES, "sync.commit", records, gone)
}

/// Asks for a page.
pub(crate) async fn page(stream: &Stream<'_>, scope: &Scope, from: Resume) -> Result<Page> {
    let span = info_span!(
        target: TRACES,
        "sync.page",
        stream = stream.name,
        records = Empty,
        gone = Empty,
        rejected = Empty,
        last = Empty,
        error.type = Empty,
        otel.status_code = Empty,
    );
    let page = stream.source.page(scope, from).instrument(span.clone()).await;
    match &page {
        Ok(page) => {
            span.record("records", page.records.len());
            span.record("gone", page.gone.len());
            span.record("rejected", page.rejected.len());
            span.record("last", page.is_last());
        }
        Err(error) => failed(&span, error),
    }
    page
}
