//! A job at work: alone in its lane among all daemons, looked up once more before it begins, and noted
//! as handled when it is done. A process that dies before that leaves it due, for itself or another.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_connector::{Actor, ErrorKind};
use core_model::run::{Outcome, Run};
use core_store::Planned;
use core_sync::{Error, Hub, PUSH, PushOptions, Result, SUBSCRIPTIONS, SyncOptions, Trigger};

use crate::entry::Work;

/// Which streams of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Streams {
    /// All but these.
    Except(Vec<String>),
    /// These.
    Only(Vec<String>),
}

/// A planned run that is handled with a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settle {
    /// Up to when.
    pub(crate) to: Planned,
    /// It was due since ever: whoever else handled it meanwhile did this, up to whichever time.
    pub(crate) since_ever: bool,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// What it must not share with another job.
    pub(crate) lane: String,
    pub(crate) work: Work,
    /// One; or all through which machines are asked.
    pub(crate) connections: Vec<String>,
    pub(crate) streams: Streams,
    /// The planned runs that are handled when it is done, and up to when.
    pub(crate) settles: Vec<Settle>,
    /// The planned time.
    pub(crate) due: DateTime<Utc>,
    /// How often it was tried before.
    pub(crate) attempt: u32,
}

impl Job {
    /// Whether what another one would read is read by this one.
    pub(crate) fn covers(&self, other: &Job) -> bool {
        let reads = |stream: &String| match &self.streams {
            Streams::Only(streams) => streams.contains(stream),
            Streams::Except(streams) => !streams.contains(stream),
        };
        let all = match &other.streams {
            Streams::Only(streams) => streams.iter().all(reads),
            Streams::Except(_) => self.streams == other.streams,
        };
        all && self.work >= other.work
    }
}

/// Is told that time passed: agreements, lines and deployments begin and end with a day.
#[async_trait]
pub trait Edges: Send + Sync {
    /// Looks at the dates that passed after `from` and until `to`, and gives how many there were.
    ///
    /// # Errors
    /// In words; it is tried again with the next time.
    async fn passed(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
    ) -> std::result::Result<usize, String>;
}

/// How a job ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Done; these streams failed on what time can mend.
    Done { failed: Vec<String> },
    /// Another daemon had done it.
    Already,
    /// Somebody else is at it.
    Busy { holder: String },
    /// It could not be done, and was told of; it stays due.
    Failed,
    /// Stopped in its middle; it stays due.
    Stopped,
}

/// What a job works with.
#[derive(Clone)]
pub(crate) struct Tools {
    pub(crate) hub: Arc<Hub>,
    pub(crate) edges: Option<Arc<dyn Edges>>,
}

/// Does it, if nobody else does.
///
/// # Errors
/// When the store fails, or when another process took over.
pub(crate) async fn work(tools: &Tools, job: &Job) -> Result<End> {
    let name = format!("schedule:lane:{}", job.lane);
    let Some(lease) = tools.hub.hold(&name).await? else {
        let holder = tools.hub.store.lease_holder(&name).await?;
        let holder = holder.map_or_else(|| "another daemon".to_owned(), |lease| lease.holder);
        return Ok(End::Busy { holder });
    };
    let watch = lease.watch();
    let end = alone(tools, job).await;
    if let (Ok(End::Done { .. }), None) = (&end, watch.lost_to()) {
        let handled: Vec<Planned> = job.settles.iter().map(|settle| settle.to.clone()).collect();
        tools.hub.store.handled(&handled).await?;
    }
    lease.give_back().await?;
    end
}

async fn alone(tools: &Tools, job: &Job) -> Result<End> {
    let hub = &tools.hub;
    let known = hub.store.planned().await?;
    let find = |settle: &Settle| {
        known.iter().find(|one| one.name == settle.to.name && one.spec == settle.to.spec)
    };
    let handled = |settle: &Settle| {
        find(settle).is_some_and(|one| {
            one.handled_us >= settle.to.handled_us || (settle.since_ever && one.handled_us > 0)
        })
    };
    if !job.settles.is_empty() && job.settles.iter().all(handled) {
        return Ok(End::Already);
    }
    let stopped = || hub.stop_switch().load(std::sync::atomic::Ordering::Relaxed);
    let end = match job.work {
        Work::Incremental | Work::Full => read(hub, job).await?,
        Work::Collect => {
            // What a collection that was killed had stored is asked no more, and derived by nobody else.
            hub.derive().await?;
            let asked = hub.collect_through(&job.connections).await?;
            tracing::info!(
                asked = asked.asked,
                answered = asked.answered,
                failed = asked.failed,
                left = asked.left,
                "machines were asked"
            );
            End::Done { failed: Vec::new() }
        }
        Work::Push => push(hub, job).await?,
        Work::Subscribe => subscribe(hub, job).await?,
        Work::Edges => {
            let from = job.settles.first().and_then(find).map(|one| one.handled_us);
            edges(tools, job, from).await
        }
    };
    Ok(if stopped() { End::Stopped } else { end })
}

async fn read(hub: &Hub, job: &Job) -> Result<End> {
    let options = SyncOptions {
        full: job.work == Work::Full,
        trigger: Trigger::Schedule,
        ..SyncOptions::default()
    };
    let each: Vec<SyncOptions> = match &job.streams {
        Streams::Except(except) => vec![SyncOptions { except: except.clone(), ..options }],
        Streams::Only(streams) => streams
            .iter()
            .map(|stream| SyncOptions { stream: Some(stream.clone()), ..options.clone() })
            .collect(),
    };
    let mut failed: Vec<String> = Vec::new();
    for options in each {
        match hub.sync(&job.connections, &options).await {
            Ok(runs) => {
                failed.extend(runs.into_iter().filter(mends_itself).map(|run| run.stream));
            }
            // By hand, most likely; what it reads is none of the plan.
            Err(Error::Busy { holder, .. }) => return Ok(End::Busy { holder }),
            Err(error) => return Err(error),
        }
    }
    failed.dedup();
    Ok(End::Done { failed })
}

async fn push(hub: &Hub, job: &Job) -> Result<End> {
    let options = PushOptions { trigger: Trigger::Schedule, ..PushOptions::default() };
    let reports = match hub.push(&job.connections, options).await {
        Ok(reports) => reports,
        Err(Error::PushBusy { holder, .. }) => return Ok(End::Busy { holder }),
        Err(error) => return Err(error),
    };
    let mut failed = Vec::new();
    for report in reports.iter().filter(|report| report.run.is_some()) {
        let (connection, planned) = (&report.connection, report.planned);
        tracing::info!(%connection, planned, changed = report.items.len(), failed = report.failed(),
            conflicts = report.conflicts(), "what the hub knows was written back");
        if let Some(error) = &report.ended {
            tracing::warn!(%connection, %error, remedy = %error.remedy(), "a push ended early");
            if error.kind().actor() == Actor::Clock {
                failed.push(PUSH.to_owned());
            }
        }
    }
    Ok(End::Done { failed })
}

/// A failure is told of and stops nothing: what is not told is found when it is read.
async fn subscribe(hub: &Hub, job: &Job) -> Result<End> {
    let mut failed = Vec::new();
    for connection in &job.connections {
        let done = match hub.keep_subscriptions(connection).await {
            Ok(done) => done,
            Err(Error::SubscribeBusy { holder, .. }) => return Ok(End::Busy { holder }),
            Err(error) => return Err(error),
        };
        if done.made + done.renewed + done.removed > 0 {
            tracing::info!(%connection, made = done.made, renewed = done.renewed,
                removed = done.removed, left = done.left, "subscriptions were looked after");
        }
        if let Some((scope, error)) = done.failed.first() {
            tracing::warn!(%connection, failed = done.failed.len(), scope, %error,
                remedy = %error.remedy(), "a system does not tell what changes; it is read as planned");
        }
        if done.mends_itself() {
            failed.push(SUBSCRIPTIONS.to_owned());
        }
    }
    Ok(End::Done { failed })
}

async fn edges(tools: &Tools, job: &Job, from_us: Option<i64>) -> End {
    let from = from_us.and_then(DateTime::from_timestamp_micros).unwrap_or(job.due);
    if let Some(edges) = &tools.edges {
        match edges.passed(from, job.due).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, %from, until = %job.due, "dates passed"),
            Err(error) => {
                tracing::warn!(%error, "the dates that passed could not be looked at");
                return End::Failed;
            }
        }
    }
    End::Done { failed: Vec::new() }
}

/// Failed on something that nobody needs to mend.
fn mends_itself(run: &Run) -> bool {
    let kind = run.error_kind.as_deref().and_then(ErrorKind::parse);
    run.outcome == Outcome::Failed && kind.is_some_and(|kind| kind.actor() == Actor::Clock)
}
