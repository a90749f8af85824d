//! The page loop: one scope of one stream, from where the last run left off to its proven end.

use std::collections::HashSet;
use std::sync::Arc;

use core_connector::{
    Changes, Error as Failure, ErrorKind, METER, Meter, Page, Resume, Scope, Stream,
};
use core_model::id::RunId;
use core_model::run::{Counts, Outcome, Run};
use core_model::{Checkpoint, RecordKind};
use core_store::{
    FinishRound, FirstEntities, Guard, PageCommit, Round, RoundMode, StreamKey, StreamState,
};
use tracing::Instrument as _;
use xxhash_rust::xxh3::Xxh3Default;

use crate::derive::Firsts;
use crate::error::Result;
use crate::hub::{Connection, Hub, SyncOptions, stream_key};
use crate::lease::LeaseWatch;
use crate::progress::ProgressEvent;
use crate::trace;

mod batch;
mod dry_run;

use batch::Batch;
pub use dry_run::DryRun;

/// How often a round may start over because the vendor forgot the place.
const RESTARTS: u32 = 3;
/// How often a place that leads nowhere is asked for before a round that was left there starts over.
const ASKS: u32 = 3;
/// Rejected records below this number never fail a run, whatever their share.
const FEW_REJECTED: u64 = 10;
/// The kind of error of a run whose connection another process took over.
pub(crate) const LEASE: &str = "lease";

/// One run under way.
struct Reading<'a> {
    hub: &'a Hub,
    stream: &'a Stream<'a>,
    scope: &'a Scope,
    options: &'a SyncOptions,
    state: StreamState,
    run: Run,
    /// Whether the connection is still ours to read.
    watch: &'a LeaseWatch,
    /// Places that were read in this round.
    seen: HashSet<u64>,
    /// Records that this full round has seen, where the source says what is gone.
    live: HashSet<u64>,
}

/// How a round came to its end.
enum End {
    Complete { held: bool },
    Stopped,
}

impl Hub {
    /// Reads one scope of a stream, and records the run.
    pub(crate) async fn read_scope(
        &self,
        connection: &Connection,
        stream: &Stream<'_>,
        scope: Scope,
        options: &SyncOptions,
        watch: &LeaseWatch,
    ) -> Result<Run> {
        let key = stream_key(connection, stream, &scope);
        let state = self.store.ensure_stream(&key).await?;
        if options.accept_deletions {
            self.store.accept_held(state.id, self.clock.now_us()).await?;
        }
        let run = self.new_run(&key, options);
        self.store.start_run(&run).await?;
        self.progress.event(&ProgressEvent::Started { run: &run });
        let mut reading = Reading::new(self, (stream, &scope), options, (state, run), watch);
        let meter = Arc::new(Meter::default());
        let span = trace::stream(&key);
        let end = METER
            .scope(Arc::clone(&meter), Box::pin(reading.read()))
            .instrument(span.clone())
            .await;
        let counted = meter.read();
        let counts = &mut reading.run.counts;
        (counts.bytes, counts.retries, counts.waited_ms) =
            (counted.bytes, counted.retries, counted.waited_ms);
        let run = self.end_run(reading.run, end).await?;
        trace::ended(&span, &run);
        Ok(run)
    }

    /// Records a run that could not even begin.
    pub(crate) async fn record_failure(
        &self,
        key: &StreamKey,
        options: &SyncOptions,
        stop: Stop,
    ) -> Result<Run> {
        let run = self.new_run(key, options);
        self.end_run(run, Err(stop)).await
    }

    fn new_run(&self, key: &StreamKey, options: &SyncOptions) -> Run {
        let started = self.clock.now_us();
        let name = format!("{}/{}/{}/{started}", key.connection, key.stream, key.scope);
        Run {
            id: RunId::of_text(&name, started).to_string(),
            connection: key.connection.clone(),
            stream: key.stream.clone(),
            scope: key.scope.clone(),
            trigger: options.trigger.as_str().to_owned(),
            mode: String::new(),
            started_us: started,
            ended_us: None,
            outcome: Outcome::Running,
            counts: Counts::default(),
            error_kind: None,
            error: None,
            remedy: None,
        }
    }

    async fn end_run(&self, mut run: Run, end: std::result::Result<End, Stop>) -> Result<Run> {
        run.ended_us = Some(self.clock.now_us());
        match end {
            Ok(End::Complete { held }) => {
                run.outcome = if held { Outcome::Held } else { Outcome::Complete };
                if held {
                    let accept = format!("linchpin sync {} --accept-deletions", run.connection);
                    run.error = Some(format!("{} deletions are held", run.counts.held));
                    run.remedy = Some(format!(
                        "look at what is gone at the source; if it is right, run `{accept}`"
                    ));
                }
            }
            Ok(End::Stopped) => run.outcome = Outcome::Stopped,
            Err(Stop::Failure(failure)) => {
                let skipped = failure.kind() == ErrorKind::NotOffered;
                run.outcome = if skipped { Outcome::Skipped } else { Outcome::Failed };
                run.error_kind = Some(failure.kind().as_str().to_owned());
                run.error = Some(failure.to_string());
                run.remedy = Some(failure.remedy());
                if !skipped {
                    tracing::warn!(connection = %run.connection, stream = %run.stream,
                        scope = %run.scope, kind = failure.kind().as_str(), error = %failure,
                        "a stream was not read to its end");
                }
            }
            // Of all that is written, only the run's own end is ours still.
            Err(Stop::LeaseLost { holder }) => {
                let what = format!("connection `{}`", run.connection);
                let error = crate::Error::LeaseLost { what, holder };
                run.outcome = Outcome::Failed;
                run.error_kind = Some(LEASE.to_owned());
                run.error = Some(error.to_string());
                run.remedy = Some(error.remedy());
            }
            Err(Stop::Store(error)) => {
                run.outcome = Outcome::Failed;
                run.error_kind = Some("store".to_owned());
                run.error = Some(error.to_string());
                self.store.finish_run(&run).await?;
                return Err(error);
            }
        }
        self.store.finish_run(&run).await?;
        self.progress.event(&ProgressEvent::Ended { run: &run });
        Ok(run)
    }
}

/// Why reading stopped before its end.
pub(crate) enum Stop {
    Failure(Failure),
    Store(crate::Error),
    /// Another process reads the connection now.
    LeaseLost {
        /// Which.
        holder: String,
    },
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failure(failure)
    }
}

impl From<core_store::Error> for Stop {
    fn from(error: core_store::Error) -> Self {
        Stop::Store(error.into())
    }
}

impl<'a> Reading<'a> {
    fn new(
        hub: &'a Hub,
        (stream, scope): (&'a Stream<'a>, &'a Scope),
        options: &'a SyncOptions,
        (state, run): (StreamState, Run),
        watch: &'a LeaseWatch,
    ) -> Self {
        let (seen, live) = (HashSet::new(), HashSet::new());
        Self { hub, stream, scope, options, state, run, watch, seen, live }
    }

    /// Nothing of a connection is written once it is known that another process has it: it would be
    /// written over what that one has read since.
    fn check_lease(&self) -> std::result::Result<(), Stop> {
        self.watch.lost_to().map_or(Ok(()), |holder| Err(Stop::LeaseLost { holder }))
    }

    async fn read(&mut self) -> std::result::Result<End, Stop> {
        let mut round = self.round().await?;
        let mut restarts = 0;
        let mut asked = 0;
        loop {
            match self.read_round(&round).await {
                Err(Stop::Failure(failure))
                    if failure.kind() == ErrorKind::CheckpointExpired && restarts < RESTARTS =>
                {
                    restarts += 1;
                    round = self.begin(RoundMode::Full).await?;
                }
                // Where the last run stopped, there is no way on: kept, that place would stop
                // every later run too. One bad answer is no reason to read everything again.
                Err(Stop::Failure(failure))
                    if leads_nowhere(failure.kind()) && self.is_stuck(&round) =>
                {
                    asked += 1;
                    if asked == ASKS {
                        tracing::debug!(stream = self.stream.name, error = %failure, "starting over");
                        round = self.begin(round.mode).await?;
                    }
                }
                other => return other,
            }
        }
    }

    /// The round to read: the one that was left unfinished, or a new one.
    async fn round(&mut self) -> std::result::Result<Round, Stop> {
        let wants_full = self.wants_full();
        match self.state.round.clone() {
            Some(round) if round.mode == RoundMode::Full || !wants_full => {
                self.run.mode = round.mode.as_str().to_owned();
                Ok(round)
            }
            _ => {
                self.begin(if wants_full { RoundMode::Full } else { RoundMode::Incremental }).await
            }
        }
    }

    /// Whether the round was left in its middle, and nothing could be read from there.
    fn is_stuck(&self, round: &Round) -> bool {
        let in_its_middle = round.checkpoint.is_some() && round.checkpoint != self.state.settled;
        in_its_middle && self.run.counts.pages == 0
    }

    fn wants_full(&self) -> bool {
        let every = i64::from(self.hub.settings.full_every_hours) * 3_600_000_000;
        let due = self
            .state
            .last_full_us
            .is_none_or(|last| self.hub.clock.now_us().saturating_sub(last) >= every);
        // A source that reports deletions needs no full read to find them.
        let needed = self.stream.source.changes() != Changes::UpsertsAndDeletes && due;
        self.options.full
            || self.state.settled.is_none()
            // A listing may have answered nothing, or less than there is; changes would never tell.
            || self.state.live == 0
            || self.state.held
            || needed
            || self.stream.source.changes() == Changes::Snapshot
    }

    async fn begin(&mut self, mode: RoundMode) -> std::result::Result<Round, Stop> {
        self.check_lease()?;
        self.run.mode = mode.as_str().to_owned();
        self.seen.clear();
        self.live.clear();
        Ok(self.hub.store.begin_round(self.state.id, mode, "").await?)
    }

    /// Reads page after page. What was read before something goes wrong is stored.
    async fn read_round(&mut self, round: &Round) -> std::result::Result<End, Stop> {
        let mut batch = Batch::default();
        let mut end = self.read_pages(round, &mut batch).await;
        if matches!(end, Err(Stop::Failure(_)))
            && !batch.is_empty()
            && let Err(stop) = self.store(round, &mut batch).await
        {
            end = Err(stop);
        }
        // What waits now, another process will read again.
        self.run.counts.pages -= batch.ends.len() as u64;
        self.run.counts.read -= (batch.records.len() + batch.rejected.len()) as u64;
        end
    }

    async fn read_pages(
        &mut self,
        round: &Round,
        batch: &mut Batch,
    ) -> std::result::Result<End, Stop> {
        let resume = match &round.checkpoint {
            Some(checkpoint) => Resume::From(checkpoint.clone()),
            None => Resume::Start,
        };
        let mut page = trace::page(self.stream, self.scope, resume).await?;
        loop {
            self.check_progress(&page)?;
            if !batch.takes(&page) {
                self.store(round, batch).await?;
            }
            let gone = self.gone(round, &page);
            let (last, checkpoint) = (page.is_last(), page.checkpoint.clone());
            self.run.counts.pages += 1;
            self.run.counts.read += (page.records.len() + page.rejected.len()) as u64;
            batch.add(page, gone);
            self.hub.progress.event(&ProgressEvent::Page { run: &self.run });
            let next = match checkpoint {
                Some(checkpoint) if !last => checkpoint,
                settled => {
                    self.store(round, batch).await?;
                    return self.finish(round, settled.as_ref()).await;
                }
            };
            if self.hub.is_stopping() {
                self.store(round, batch).await?;
                return Ok(End::Stopped);
            }
            let fetching = trace::page(self.stream, self.scope, Resume::From(next));
            page = self.fetched(round, batch, fetching).await?;
        }
    }

    /// The next page. What waits is stored meanwhile where it is enough, or the page takes long.
    async fn fetched(
        &mut self,
        round: &Round,
        batch: &mut Batch,
        fetching: impl Future<Output = core_connector::Result<Page>>,
    ) -> std::result::Result<Page, Stop> {
        let mut fetching = std::pin::pin!(fetching);
        if !batch.is_full()
            && let Ok(page) = tokio::time::timeout_at(batch.until(), &mut fetching).await
        {
            return Ok(page?);
        }
        let (stored, fetched) = futures::join!(self.store(round, batch), fetching);
        stored?;
        Ok(fetched?)
    }

    /// A place seen before in this round is a loop, and an end that carries no proof is none.
    fn check_progress(&mut self, page: &Page) -> std::result::Result<(), Stop> {
        let Some(checkpoint) = &page.checkpoint else {
            return if page.is_last() {
                Ok(())
            } else {
                let detail = "there is more, and no place to go on from";
                Err(Failure::new(ErrorKind::Protocol, self.stream.name, detail).into())
            };
        };
        let place = xxhash_rust::xxh3::xxh3_64(checkpoint.as_str().as_bytes());
        if !page.is_last() && !self.seen.insert(place) {
            let detail = "the listing leads back to a page that was read already";
            return Err(Failure::new(ErrorKind::Protocol, self.stream.name, detail).into());
        }
        Ok(())
    }

    /// Stores what waits.
    async fn store(&mut self, round: &Round, batch: &mut Batch) -> std::result::Result<(), Stop> {
        self.check_lease()?;
        let batch = std::mem::take(batch);
        let firsts = self.firsts().await?;
        let settings = &self.hub.settings;
        let live = u64::try_from(self.state.live).unwrap_or_default();
        let allowed =
            (live * u64::from(settings.max_delete_percent) / 100).max(settings.max_delete_count);
        let outcome = self
            .hub
            .store
            .commit_page(PageCommit {
                stream: self.state.id,
                run: &self.run.id,
                round,
                records: &batch.records,
                pages: &batch.ends,
                gone: &batch.gone,
                rejected: &batch.rejected,
                checkpoint: batch.checkpoint.as_ref(),
                max_gone: (!self.options.accept_deletions).then_some(allowed),
                first: firsts.as_ref().map(|firsts| firsts as &dyn FirstEntities),
                now_us: self.hub.clock.now_us(),
            })
            .instrument(trace::commit(batch.records.len(), batch.gone.len()))
            .await?;
        self.hub.wrote_first(outcome.first);
        let counts = &mut self.run.counts;
        counts.created += outcome.created;
        counts.changed += outcome.changed;
        counts.unchanged += outcome.unchanged;
        counts.gone += outcome.gone;
        counts.held += outcome.held;
        counts.rejected += outcome.rejected;
        self.check_rejected()
    }

    /// What becomes of records of a stream that was never read to its end: most of them are new.
    async fn firsts(&self) -> std::result::Result<Option<Firsts>, Stop> {
        if self.state.last_full_us.is_some() || !Firsts::are_of(self.stream.kinds) {
            return Ok(None);
        }
        let ground = self.hub.ground().await.map_err(Stop::Store)?;
        let (connection, scope) = (self.run.connection.clone(), self.run.scope.clone());
        Ok(Some(Firsts { connection, scope, ground }))
    }

    /// What the page says is gone. In a full round only what was there earlier in it: all else is
    /// missing at its end, where the guard sees all of it at once and holds it together.
    fn gone(&mut self, round: &Round, page: &Page) -> Vec<(RecordKind, String)> {
        let resumed = round.checkpoint.is_some();
        let reports = self.stream.source.changes() == Changes::UpsertsAndDeletes;
        if round.mode != RoundMode::Full || !reports || resumed {
            return page.gone.clone();
        }
        let names = page.records.iter().map(|record| name(record.facts.kind(), &record.key));
        self.live.extend(names);
        let was_live = |(kind, key): &&(RecordKind, String)| self.live.contains(&name(*kind, key));
        page.gone.iter().filter(was_live).cloned().collect()
    }

    fn check_rejected(&self) -> std::result::Result<(), Stop> {
        let counts = &self.run.counts;
        let share = u64::from(self.hub.settings.max_reject_percent);
        if counts.rejected > FEW_REJECTED && counts.rejected * 100 > counts.read * share {
            let detail = format!("{} of {} records cannot be used", counts.rejected, counts.read);
            let failure = Failure::new(ErrorKind::Protocol, self.stream.name, detail)
                .with_remedy("see `linchpin runs` for the records in quarantine and their reasons");
            return Err(failure.into());
        }
        Ok(())
    }

    async fn finish(
        &mut self,
        round: &Round,
        settled: Option<&Checkpoint>,
    ) -> std::result::Result<End, Stop> {
        self.check_lease()?;
        let settings = &self.hub.settings;
        let outcome = self
            .hub
            .store
            .finish_round(FinishRound {
                stream: self.state.id,
                round,
                settled,
                guard: Guard {
                    max_percent: settings.max_delete_percent,
                    max_count: settings.max_delete_count,
                    accept: self.options.accept_deletions,
                },
                now_us: self.hub.clock.now_us(),
            })
            .await?;
        self.run.counts.gone += outcome.gone;
        self.run.counts.held = outcome.held;
        Ok(End::Complete { held: outcome.held > 0 })
    }
}

/// Failures that stay where they are: asking for the same place again is of no use.
fn leads_nowhere(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Protocol | ErrorKind::Rejected | ErrorKind::NotFound)
}

fn name(kind: RecordKind, key: &str) -> u64 {
    // Once per record of a full round: without a text of its own.
    let mut hash = Xxh3Default::new();
    for part in [kind.as_str(), "/", key] {
        hash.update(part.as_bytes());
    }
    hash.digest()
}
