//! What takes long and was asked over the API: worked off one after the other, the oldest first. It was
//! stored before it was acknowledged; what a process left that died is begun again, here or by another.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use core_connector::TRACES;
use core_store::{Job, JobEnd};
use core_sync::{Hub, Result};
use tokio::sync::{Notify, watch};
use tracing::Instrument as _;
use tracing::field::Empty;

use crate::inbox::Desk;

/// Of several daemons one works at a time.
const LEASE: &str = "jobs:/";
/// How often it is looked for, where nobody says that there is something: another daemon may have taken it,
/// or died at it.
const LOOK: Duration = Duration::from_secs(5);
/// Seconds before it is tried again where somebody else is at what it needs.
const BUSY: i64 = 5;
/// How often a job is begun that no process survives.
const ATTEMPTS: u32 = 5;
/// For how long a result is kept: seven days.
const KEPT_US: i64 = 7 * 86_400 * 1_000_000;
/// How often what is older is forgotten.
const FORGET: Duration = Duration::from_secs(3600);

/// Does what was asked for.
#[async_trait]
pub trait Works: Send + Sync {
    /// Does a job to its end. It may be begun again after a process died in its middle.
    async fn work(&self, hub: &Hub, job: &Job) -> Worked;
}

/// What came of a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Worked {
    /// This.
    Done(serde_json::Value),
    /// Nothing.
    Failed {
        /// Why.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// Nothing yet: somebody else is at what it needs.
    Busy {
        /// Who.
        holder: String,
    },
}

/// Works off what was asked for.
pub struct JobWorker {
    desk: watch::Receiver<Desk>,
    works: Arc<dyn Works>,
    /// Is told that something was asked for.
    came: Arc<Notify>,
}

impl JobWorker {
    /// By the settings as they change; it looks at once when it is told to.
    #[must_use]
    pub fn new(desk: watch::Receiver<Desk>, works: Arc<dyn Works>, came: Arc<Notify>) -> Self {
        Self { desk, works, came }
    }

    /// Works until it is dropped. What fails is logged.
    pub async fn run(self) {
        let mut forget = tokio::time::interval(FORGET);
        loop {
            tokio::select! {
                () = self.came.notified() => {}
                () = tokio::time::sleep(LOOK) => {}
                _ = forget.tick() => self.forget().await,
            }
            if let Err(error) = self.work().await {
                tracing::warn!(%error, remedy = %error.remedy(), "what was asked for was not worked off");
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    async fn forget(&self) {
        let hub = Arc::clone(&self.desk.borrow().hub);
        if let Err(error) = hub.store.forget_jobs(hub.clock.now_us() - KEPT_US).await {
            tracing::warn!(%error, "old jobs were not forgotten");
        }
    }

    /// Works off what is due, if nobody else does; gives how many jobs that were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn work(&self) -> Result<usize> {
        let hub = Arc::clone(&self.desk.borrow().hub);
        // Most of the time there is nothing, and nobody needs a lease for that.
        if hub.store.due_job(hub.clock.now_us()).await?.is_none() {
            return Ok(0);
        }
        let Some(lease) = hub.hold(LEASE).await? else { return Ok(0) };
        let watch = lease.watch();
        let mut count = 0;
        let mut loss = std::pin::pin!(lease.watch().loss());
        loop {
            // Other settings may be in force with each.
            let hub = Arc::clone(&self.desk.borrow().hub);
            let Some(job) = hub.store.due_job(hub.clock.now_us()).await? else { break };
            let end = tokio::select! {
                end = self.one(&hub, &job) => end?,
                // Whoever took over begins it again.
                _ = &mut loss => break,
            };
            if watch.lost_to().is_some() {
                break;
            }
            hub.store.end_job(&job.id, &end, hub.clock.now_us()).await?;
            count += 1;
            if hub.stop_switch().load(Ordering::Relaxed) {
                break;
            }
        }
        lease.give_back().await?;
        Ok(count)
    }

    async fn one(&self, hub: &Hub, job: &Job) -> Result<JobEnd> {
        let (id, work) = (job.id.as_str(), job.work.as_str());
        if job.begun >= ATTEMPTS {
            tracing::error!(id, work, "a job was given up: no process survived it");
            let what = format!("it was begun {ATTEMPTS} times, and the process ended each time");
            let remedy = "look into the log of that time; ask for it again once that is mended";
            return Ok(JobEnd::Failed(what, remedy.to_owned()));
        }
        hub.store.begin_job(id, hub.clock.now_us()).await?;
        tracing::info!(id, work, by = job.asked_by, "what was asked for begins");
        let span = tracing::info_span!(
            target: TRACES, "job.asked", work, outcome = Empty, otel.status_code = Empty,
        );
        let worked = self.works.work(hub, job).instrument(span.clone()).await;
        let later = |seconds| (hub.clock.now() + TimeDelta::seconds(seconds)).timestamp_micros();
        let (outcome, end) = match worked {
            // What was stopped in its middle is no result.
            _ if hub.stop_switch().load(Ordering::Relaxed) => {
                tracing::info!(id, work, "it was stopped; it begins again with the next start");
                ("stopped", JobEnd::Later(later(0)))
            }
            Worked::Done(result) => {
                tracing::info!(id, work, "what was asked for is done");
                ("done", JobEnd::Done(result.to_string()))
            }
            Worked::Failed { what, remedy } => {
                tracing::warn!(id, work, error = what, remedy, "what was asked for failed");
                span.record("otel.status_code", "ERROR");
                ("failed", JobEnd::Failed(what, remedy))
            }
            Worked::Busy { holder } => {
                tracing::info!(id, work, %holder, "somebody else is at it; it is looked at again");
                ("busy", JobEnd::Later(later(BUSY)))
            }
        };
        span.record("outcome", outcome);
        Ok(end)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use core_model::queue::QueueRules;
    use core_store::{JobState, NewJob, Store};
    use core_sync::{Clock, Settings};
    use serde_json::json;

    use super::*;

    /// Answers in turn, and remembers what it was asked.
    struct Script {
        answers: Mutex<Vec<Worked>>,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Works for Script {
        async fn work(&self, _: &Hub, job: &Job) -> Worked {
            self.asked.lock().unwrap().push(job.id.clone());
            let next = self.answers.lock().unwrap().pop();
            match next {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        }
    }

    struct Bench {
        store: Store,
        asked: JobWorker,
        script: Arc<Script>,
        _desk: watch::Sender<Desk>,
        _folder: tempfile::TempDir,
    }

    async fn bench(answers: Vec<Worked>) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("hub.db").to_str().unwrap()).await.unwrap();
        let hub = Hub::new(store.clone(), Vec::new(), Settings::default(), Clock::system());
        let hub = Arc::new(hub);
        let (_desk, desk) = watch::channel(Desk { hub, notes: None, queue: QueueRules::default() });
        let script = Arc::new(Script { answers: Mutex::new(answers), asked: Mutex::default() });
        let asked = JobWorker::new(desk, Arc::clone(&script) as _, Arc::default());
        Bench { store, asked, script, _desk, _folder: folder }
    }

    async fn ask(bench: &Bench, id: &str) {
        let job = NewJob { id, work: "verify", about: "{}", by: "ana", now_us: 1 };
        assert!(bench.store.add_job(&job, 9).await.unwrap());
    }

    async fn state(bench: &Bench, id: &str) -> Job {
        bench.store.job(id).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn what_was_asked_for_is_done_in_order_and_one_that_is_busy_stops_no_other() {
        let failed = || Worked::Failed { what: "no".to_owned(), remedy: "mend it".to_owned() };
        let busy = Worked::Busy { holder: "somebody".to_owned() };
        let bench = bench(vec![failed(), Worked::Done(json!({ "same": true })), busy]).await;
        for id in ["job_a", "job_b", "job_c"] {
            ask(&bench, id).await;
        }
        assert_eq!(bench.asked.work().await.unwrap(), 3);
        assert_eq!(*bench.script.asked.lock().unwrap(), ["job_a", "job_b", "job_c"]);
        assert_eq!(state(&bench, "job_a").await.state, JobState::Waiting);
        let done = state(&bench, "job_b").await;
        assert_eq!((done.state, done.result.as_deref()), (JobState::Done, Some("{\"same\":true}")));
        let failed = state(&bench, "job_c").await;
        assert_eq!((failed.state, failed.error.as_deref()), (JobState::Failed, Some("no")));
        assert_eq!(bench.asked.work().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_a_process_left_is_begun_again_and_given_up_where_none_survives_it() {
        let bench = bench(Vec::new()).await;
        ask(&bench, "job_a").await;
        for begun in 1..=ATTEMPTS {
            let working = bench.asked.work();
            // It dies in the middle of it.
            assert!(tokio::time::timeout(Duration::from_millis(300), working).await.is_err());
            let left = state(&bench, "job_a").await;
            assert_eq!((left.state, left.begun), (JobState::Running, begun));
            // Its lease is given back as soon as somebody finds the time.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        assert_eq!(bench.asked.work().await.unwrap(), 1);
        let failed = state(&bench, "job_a").await;
        assert_eq!(failed.state, JobState::Failed);
        assert!(failed.error.unwrap().contains("begun 5 times"));
    }

    #[tokio::test]
    async fn what_is_stopped_in_its_middle_has_no_result() {
        let bench = bench(vec![Worked::Done(json!({}))]).await;
        ask(&bench, "job_a").await;
        bench.asked.desk.borrow().hub.stop_switch().store(true, Ordering::Relaxed);
        bench.asked.work().await.unwrap();
        let left = state(&bench, "job_a").await;
        assert_eq!((left.state, left.result), (JobState::Waiting, None));
    }
}
