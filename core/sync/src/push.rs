//! Writing back what the hub knows: per connection, from the log of events, each object in its order.
//!
//! A push computes what the objects of the tenants that changed should hold, and reads an object only
//! where that is not what it remembers. What it is about to write is noted before it is sent, so that a
//! process that dies is neither taken for a human who changed something, nor makes anything twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use core_connector::trace::failed;
use core_connector::{Error as Refusal, METER, Meter, Push, TRACES};
use core_model::id::RunId;
use core_model::run::{Counts, Outcome, Run};
use core_push::Place;
use core_store::{PushItem, PushMark};
use futures::StreamExt;

use crate::error::{Error, Result};
use crate::hub::{Connection, Hub, Trigger};
use crate::lease::LeaseWatch;

mod book;
mod object;
mod scope;

use self::book::Book;
use self::scope::Work;

/// Objects of one connection that are worked on at once.
const PARALLEL: usize = 4;
/// So many failures behind one another of a kind that may be everybody's (the clock's, or a right that is
/// missing), and the system is left alone.
const STORM: usize = 20;
/// The name of a push among the runs of a connection.
pub const PUSH: &str = "push";

/// What a push should do.
#[derive(Clone, Copy, Debug)]
pub struct PushOptions {
    /// Look at every object, also where nothing changed here.
    pub full: bool,
    /// Read and compare, and write nothing.
    pub dry_run: bool,
    /// What started it.
    pub trigger: Trigger,
}

impl Default for PushOptions {
    fn default() -> Self {
        Self { full: false, dry_run: false, trigger: Trigger::Manual }
    }
}

/// A field: what it holds and what it should hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PushChange {
    /// The field.
    pub field: String,
    /// What it holds; empty for nothing.
    pub from: String,
    /// What it should hold; empty for nothing.
    pub to: String,
    /// What people call that which it holds, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_label: Option<String>,
    /// What people call that which it should hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_label: Option<String>,
}

/// How an object came out.
#[derive(Clone, Debug)]
pub enum Pushed {
    /// As it should be, or not the hub's to change.
    Unchanged,
    /// Written; in a dry run, it would be.
    Written,
    /// Made; in a dry run, it would be.
    Created,
    /// There is none, and none can be made yet.
    Missing {
        /// Why.
        why: String,
    },
    /// It failed.
    Failed {
        /// How.
        error: Refusal,
        /// It is a dead letter now.
        dead: bool,
    },
    /// Not begun: the push ended before.
    Left,
}

impl Pushed {
    /// In a word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Pushed::Unchanged => "unchanged",
            Pushed::Written => "written",
            Pushed::Created => "created",
            Pushed::Missing { .. } => "missing",
            Pushed::Failed { .. } => "failed",
            Pushed::Left => "left",
        }
    }
}

/// An object of a push.
#[derive(Clone, Debug)]
pub struct PushedItem {
    /// The computer's id.
    pub computer: String,
    /// Its name.
    pub name: String,
    /// The object's key, where there is one.
    pub object: Option<String>,
    /// How it came out.
    pub outcome: Pushed,
    /// Its fields that were, or would be, written.
    pub changes: Vec<PushChange>,
    /// Its fields that somebody else changed since the hub wrote them.
    pub conflicts: Vec<PushChange>,
}

/// What a push of a connection did.
#[derive(Debug)]
pub struct PushReport {
    /// The connection.
    pub connection: String,
    /// Whether every object was looked at.
    pub full: bool,
    /// Objects that should hold something.
    pub planned: usize,
    /// Objects that were as they should be.
    pub unchanged: usize,
    /// The others.
    pub items: Vec<PushedItem>,
    /// Why it ended before it was done.
    pub ended: Option<Refusal>,
    /// It was told to stop, or lost its place.
    pub stopped: bool,
    /// Its run; none of a dry run, or where there was nothing to do.
    pub run: Option<Run>,
}

impl PushReport {
    /// How many objects came out in a way.
    #[must_use]
    pub fn count(&self, which: impl Fn(&PushedItem) -> bool) -> usize {
        self.items.iter().filter(|item| which(item)).count()
    }

    /// Objects that failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.count(|item| matches!(item.outcome, Pushed::Failed { .. }))
    }

    /// Objects of which somebody else changed what the hub wrote.
    #[must_use]
    pub fn conflicts(&self) -> usize {
        self.count(|item| !item.conflicts.is_empty())
    }
}

/// What all objects of a push share.
struct Shared<'a> {
    hub: &'a Hub,
    connection: &'a Connection,
    push: &'a dyn Push,
    options: PushOptions,
    watch: Option<LeaseWatch>,
    /// Failures of such a kind behind one another.
    storm: AtomicUsize,
    ended: std::sync::Mutex<Option<Refusal>>,
}

impl Shared<'_> {
    fn is_over(&self) -> bool {
        self.is_stopped() || self.ended().is_some()
    }

    fn is_stopped(&self) -> bool {
        self.hub.is_stopping() || self.watch.as_ref().is_some_and(|w| w.lost_to().is_some())
    }

    fn ended(&self) -> Option<Refusal> {
        self.ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn end(&self, error: &Refusal) {
        let mut ended = self.ended.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        ended.get_or_insert_with(|| error.clone());
    }
}

impl Hub {
    /// Writes back what these connections should hold: those of all that opted in where none is
    /// named, side by side. What goes wrong with an object is in its connection's report.
    ///
    /// # Errors
    /// Where a connection is unknown, busy or did not opt in, or the store fails.
    pub async fn push(&self, names: &[String], options: PushOptions) -> Result<Vec<PushReport>> {
        let mut wanted = Vec::new();
        for connection in self.named(names)? {
            match connection.connector.push() {
                Some(push) => wanted.push((connection, push)),
                None if names.is_empty() => {}
                None => return Err(Error::NotPushed { connection: connection.name.clone() }),
            }
        }
        let pushing = wanted.into_iter().map(|(one, push)| self.push_one(one, push, options));
        futures::future::join_all(pushing).await.into_iter().collect()
    }

    #[tracing::instrument(target = TRACES, name = "push", skip_all, fields(
        connection = connection.name, dry_run = options.dry_run, planned, unchanged, failed, conflicts,
        error.type, otel.status_code,
    ))]
    async fn push_one(
        &self,
        connection: &Connection,
        push: &dyn Push,
        options: PushOptions,
    ) -> Result<PushReport> {
        if options.dry_run {
            return self.push_alone(connection, push, options, None).await;
        }
        let name = format!("push:{}/{PUSH}", connection.name);
        // Before the lease is taken, or its dead holder's run would count as alive.
        self.bury(&name).await?;
        let died = "its process ended before the push did; what it had written is remembered";
        self.store.mark_dead_runs(self.clock.now_us(), died).await?;
        let Some(lease) = self.take(&name).await? else {
            let holder = self.store.lease_holder(&name).await?;
            let holder = holder.map_or_else(|| "another process".to_owned(), |one| one.holder);
            return Err(Error::PushBusy { connection: connection.name.clone(), holder });
        };
        let done = self.push_alone(connection, push, options, Some(lease.watch())).await;
        lease.give_back().await?;
        done.inspect(note)
    }

    async fn push_alone(
        &self,
        connection: &Connection,
        push: &dyn Push,
        options: PushOptions,
        watch: Option<LeaseWatch>,
    ) -> Result<PushReport> {
        let shared = Shared {
            hub: self,
            connection,
            push,
            options,
            watch,
            storm: AtomicUsize::new(0),
            ended: std::sync::Mutex::default(),
        };
        let work = scope::work(&shared).await?;
        let (full, planned, upto) = (work.full, work.planned, work.upto.clone());
        let mut report = PushReport {
            connection: connection.name.clone(),
            full,
            planned,
            unchanged: work.unchanged,
            items: Vec::new(),
            ended: None,
            stopped: false,
            run: None,
        };
        let meter = Arc::new(Meter::default());
        let mut run = None;
        if !options.dry_run && !work.computers.is_empty() {
            let started = self.new_push_run(connection, &options, full);
            self.store.start_run(&started).await?;
            run = Some(started);
        }
        let done = METER.scope(Arc::clone(&meter), work_off(&shared, work, &mut report)).await;
        report.ended = shared.ended();
        report.stopped = shared.is_stopped();
        if let Some(mut run) = run {
            end_run(&mut run, &report, &done, meter.read(), self.clock.now_us());
            self.store.finish_run(&run).await?;
            report.run = Some(run);
        }
        done?;
        if !options.dry_run && report.ended.is_none() && !report.stopped {
            upto.note(self, &connection.name).await?;
        }
        Ok(report)
    }

    fn new_push_run(&self, connection: &Connection, options: &PushOptions, full: bool) -> Run {
        let started = self.clock.now_us();
        let name = format!("{}/{PUSH}//{started}", connection.name);
        Run {
            id: RunId::of_text(&name, started).to_string(),
            connection: connection.name.clone(),
            stream: PUSH.to_owned(),
            scope: String::new(),
            trigger: options.trigger.as_str().to_owned(),
            mode: if full { "full" } else { "incremental" }.to_owned(),
            started_us: started,
            ended_us: None,
            outcome: Outcome::Running,
            counts: Counts::default(),
            error_kind: None,
            error: None,
            remedy: None,
        }
    }
}

/// Works off all computers, several at once, the objects of each in their order. Each writes down what
/// came of it: while they wait for one another nothing is awaited outside of them, or one that has the
/// database's only writer would wait for ever.
async fn work_off(shared: &Shared<'_>, work: Work, report: &mut PushReport) -> Result<()> {
    report.items.extend(work.missing);
    let book = Book::new(shared, work.open);
    book.close(work.stale).await?;
    let (book, marks, made) = (&book, &work.marks, &work.made);
    let computers = futures::stream::iter(work.computers).map(|items| async move {
        let mut done = Vec::new();
        for item in items {
            done.push(object::push(shared, item, marks, made).await?);
        }
        book.enter(done).await
    });
    let mut computers = computers.buffer_unordered(PARALLEL);
    while let Some(items) = computers.next().await {
        for item in items? {
            match item.outcome {
                Pushed::Unchanged if item.conflicts.is_empty() => report.unchanged += 1,
                _ => report.items.push(item),
            }
        }
    }
    let place = |item: &PushedItem| (item.name.clone(), item.computer.clone(), item.object.clone());
    report.items.sort_by_cached_key(place);
    Ok(())
}

/// Says in the span of a push what came of it.
fn note(report: &PushReport) {
    let span = tracing::Span::current();
    span.record("planned", report.planned);
    span.record("unchanged", report.unchanged);
    span.record("failed", report.failed());
    span.record("conflicts", report.conflicts());
    if let Some(error) = &report.ended {
        failed(&span, error);
    }
}

fn end_run(
    run: &mut Run,
    report: &PushReport,
    done: &Result<()>,
    meter: core_connector::MeterReading,
    now_us: i64,
) {
    let number = |count: usize| count as u64;
    run.ended_us = Some(now_us);
    run.counts = Counts {
        read: number(report.unchanged + report.items.len()),
        created: number(report.count(|item| matches!(item.outcome, Pushed::Created))),
        changed: number(report.count(|item| matches!(item.outcome, Pushed::Written))),
        unchanged: number(report.unchanged),
        held: number(report.conflicts()),
        rejected: number(report.failed()),
        bytes: meter.bytes,
        retries: meter.retries,
        waited_ms: meter.waited_ms,
        ..Counts::default()
    };
    let mut fail = |kind: &str, error: String, remedy: String| {
        run.outcome = Outcome::Failed;
        run.error_kind = Some(kind.to_owned());
        run.error = Some(error);
        run.remedy = Some(remedy);
    };
    match (done, &report.ended) {
        (Err(error), _) => fail("store", error.to_string(), error.remedy()),
        (Ok(()), Some(error)) => fail(error.kind().as_str(), error.to_string(), error.remedy()),
        (Ok(()), None) if report.stopped => run.outcome = Outcome::Stopped,
        (Ok(()), None) => run.outcome = Outcome::Complete,
    }
}

/// What is remembered of the fields of objects: by object and field.
type Marks = BTreeMap<String, BTreeMap<String, PushMark>>;

/// What is open, by computer and object.
type Open = BTreeMap<(String, String), PushItem>;

/// The object's key as the book of what is open has it: blank for one that is to be made.
fn key_of(place: &Place) -> &str {
    match place {
        Place::There(key) => key,
        Place::New { .. } | Place::Missing { .. } => "",
    }
}
