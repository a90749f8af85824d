//! What takes long and was asked of a daemon: kept, begun by the oldest, begun again where a process died at
//! it, and its result for a while.

use core_store::{JobEnd, JobState, NewJob};

use crate::harness::Bench;

on_both!(
    jobs_are_begun_by_the_oldest_and_begun_again_as_long_as_they_have_not_ended,
    what_ended_stays_so_and_is_forgotten_after_a_while,
    no_more_wait_than_are_let_in,
);

fn asked<'a>(id: &'a str, now_us: i64) -> NewJob<'a> {
    NewJob { id, work: "verify", about: "{}", by: "ana", now_us }
}

async fn jobs_are_begun_by_the_oldest_and_begun_again_as_long_as_they_have_not_ended(bench: Bench) {
    let store = &bench.store;
    assert_eq!(store.due_job(100).await.unwrap(), None);
    for (id, at) in [("job_b", 10), ("job_a", 20)] {
        assert!(store.add_job(&asked(id, at), 9).await.unwrap());
    }
    assert_eq!(store.due_job(9).await.unwrap(), None);
    let due = store.due_job(20).await.unwrap().unwrap();
    assert_eq!((due.id.as_str(), due.state, due.begun), ("job_b", JobState::Waiting, 0));
    assert_eq!((due.asked_by.as_str(), due.asked_us, due.started_us), ("ana", 10, None));
    store.begin_job("job_b", 30).await.unwrap();
    // Whoever was at it is no more.
    let again = store.due_job(40).await.unwrap().unwrap();
    assert_eq!((again.id.as_str(), again.state), ("job_b", JobState::Running));
    store.begin_job("job_b", 40).await.unwrap();
    let known = store.job("job_b").await.unwrap().unwrap();
    assert_eq!((known.begun, known.started_us), (2, Some(30)));
    // Put off, it is in nobody's way.
    store.end_job("job_b", &JobEnd::Later(90), 50).await.unwrap();
    assert_eq!(store.due_job(60).await.unwrap().unwrap().id, "job_a");
    assert_eq!(store.due_job(90).await.unwrap().unwrap().id, "job_b");
}

async fn what_ended_stays_so_and_is_forgotten_after_a_while(bench: Bench) {
    let store = &bench.store;
    for (id, at) in [("job_a", 10), ("job_b", 20), ("job_c", 30)] {
        assert!(store.add_job(&asked(id, at), 9).await.unwrap());
    }
    store.end_job("job_a", &JobEnd::Done("{\"same\":true}".to_owned()), 40).await.unwrap();
    let failed = JobEnd::Failed("no\u{0}".to_owned(), "mend it".to_owned());
    store.end_job("job_b", &failed, 50).await.unwrap();
    store.end_job("job_a", &JobEnd::Later(99), 60).await.unwrap();
    let done = store.job("job_a").await.unwrap().unwrap();
    assert_eq!((done.state, done.ended_us), (JobState::Done, Some(40)));
    assert_eq!(done.result.as_deref(), Some("{\"same\":true}"));
    let failed = store.job("job_b").await.unwrap().unwrap();
    assert_eq!((failed.state, failed.result), (JobState::Failed, None));
    assert_eq!(
        failed.error.as_deref().zip(failed.remedy.as_deref()),
        Some(("no\u{fffd}", "mend it"))
    );
    let ids = |jobs: Vec<core_store::Job>| jobs.into_iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids(store.jobs(2).await.unwrap()), ["job_c", "job_b"]);
    assert_eq!(store.forget_jobs(50).await.unwrap(), 1);
    assert_eq!(ids(store.jobs(9).await.unwrap()), ["job_c", "job_b"]);
    assert_eq!(store.job("job_a").await.unwrap(), None);
}

async fn no_more_wait_than_are_let_in(bench: Bench) {
    let store = &bench.store;
    assert!(store.add_job(&asked("job_a", 10), 2).await.unwrap());
    assert!(store.add_job(&asked("job_b", 10), 2).await.unwrap());
    assert!(!store.add_job(&asked("job_c", 10), 2).await.unwrap());
    store.end_job("job_a", &JobEnd::Done("{}".to_owned()), 20).await.unwrap();
    assert!(store.add_job(&asked("job_c", 30), 2).await.unwrap());
    assert!(store.add_job(&asked("job_c", 30), 9).await.is_err());
}
