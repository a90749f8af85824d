//! What schedules leave in the store: their sessions, what came of their times, how they stand.

use std::collections::BTreeSet;

use core_model::id::{ComputerId, SessionId, TenantId};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionRun, SessionState};
use core_store::{CancelFilter, Planned, ScheduleCheck, ScheduleRun, SessionQuery, Take};

use crate::harness::Bench;

on_both!(
    the_sessions_of_a_time_are_made_once_however_often_it_is_tried,
    who_waits_still_gets_no_second_one_and_who_is_done_does,
    s16_a_preview_of_five_thousand_is_queued_within_the_bounds_and_taken_back_at_once,
    s10_who_was_never_heard_of_again_expires_with_that_reason,
    what_came_of_times_and_how_schedules_stand_is_kept_and_forgotten,
);

const DAY: i64 = 86_400_000_000;

/// The session of a computer of a schedule's time.
fn of(time_us: i64, computer: usize) -> Session {
    let tenant = TenantId::of_text(&format!("tenant {}", computer % 7), 0);
    let name = format!("PC-{computer:04}");
    Session {
        id: SessionId::of_text(&format!("nightly {time_us} {name}"), time_us),
        kind: SessionKind::Scheduled,
        schedule: Some("nightly".to_owned()),
        group: Some(format!("nightly {time_us}")),
        expires_us: Some(time_us + 7 * DAY),
        ..Session::asked(tenant, ComputerId::of_text(&name, 0), &name, "Maintenance", time_us)
    }
}

async fn the_sessions_of_a_time_are_made_once_however_often_it_is_tried(bench: Bench) {
    let store = &bench.store;
    let batch: Vec<Session> = (0..2_500).map(|at| of(DAY, at)).collect();
    // Somebody began with it and died.
    assert_eq!(store.add_new_sessions(&batch[..700]).await.unwrap().len(), 700);
    let (one, other) = tokio::join!(store.add_new_sessions(&batch), store.add_new_sessions(&batch));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.len() + other.len(), 1_800);
    let both: BTreeSet<usize> = one.into_iter().chain(other).collect();
    assert_eq!(both, (700..2_500).collect());
    assert_eq!(store.count_batch(&format!("nightly {DAY}")).await.unwrap(), 2_500);
    let all = store.sessions(SessionQuery::default()).await.unwrap();
    let numbers: Vec<i64> = all.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (numbers[0]..numbers[0] + 2_500).collect::<Vec<_>>(), "without gaps");
    assert_eq!(all[0].1, batch[0]);
}

async fn who_waits_still_gets_no_second_one_and_who_is_done_does(bench: Bench) {
    let store = &bench.store;
    let first: Vec<Session> = (0..4).map(|at| of(DAY, at)).collect();
    store.add_new_sessions(&first).await.unwrap();
    let rules = QueueRules::default();
    let take = Take {
        engine: "one",
        most: 2,
        tenants: None,
        rules: &rules,
        bars: &|_| None,
        now_us: DAY + 1,
    };
    let taken = store.take_sessions(take).await.unwrap().taken;
    for (session, state) in taken.iter().zip([SessionState::Succeeded, SessionState::Running]) {
        let word = core_store::SessionWord {
            state,
            word: "",
            result: None,
            by: "one",
            take: None,
            rules: &rules,
            now_us: DAY + 2,
        };
        store.tell_session(session.id, word).await.unwrap();
    }
    // Five nights later: one is done, and three have one each that is not over.
    let second: Vec<Session> = (0..4).map(|at| of(6 * DAY, at)).collect();
    let new = store.add_new_sessions(&second).await.unwrap();
    let names: Vec<&str> = new.iter().map(|at| &*second[*at].subject_name).collect();
    assert_eq!(names, [taken[0].subject_name.as_str()]);
}

async fn s16_a_preview_of_five_thousand_is_queued_within_the_bounds_and_taken_back_at_once(
    bench: Bench,
) {
    let store = &bench.store;
    let looks = |at| Session {
        run: SessionRun { detect_only: true, ..SessionRun::default() },
        ..of(DAY, at)
    };
    let batch: Vec<Session> = (0..5_000).map(looks).collect();
    assert_eq!(store.add_new_sessions(&batch).await.unwrap().len(), 5_000);
    let rules =
        QueueRules { at_once: 200, per_tenant: 40, per_engine: 150, ..QueueRules::default() };
    for (engine, most) in [("one", 1_000), ("two", 1_000), ("three", 1_000)] {
        let bars = &|_: &Session| None;
        let take = Take { engine, most, tenants: None, rules: &rules, bars, now_us: DAY + 1 };
        store.take_sessions(take).await.unwrap();
    }
    assert_eq!(store.count_sessions(SessionState::Running).await.unwrap(), 200);
    let running = SessionQuery { state: Some(SessionState::Running), ..SessionQuery::default() };
    for (_, one) in store.sessions(running).await.unwrap() {
        assert!(one.run.detect_only, "{one:?}");
    }
    let of_another = CancelFilter { schedule: Some("weekly"), ..CancelFilter::default() };
    assert!(store.cancel_sessions(of_another, "taken back", DAY + 2).await.unwrap().is_empty());
    let filter = CancelFilter { schedule: Some("nightly"), ..CancelFilter::default() };
    let cancelled = store.cancel_sessions(filter, "taken back by ana", DAY + 2).await.unwrap();
    assert_eq!(cancelled.len(), 4_800);
    assert_eq!(store.count_sessions(SessionState::Waiting).await.unwrap(), 0);
}

async fn s10_who_was_never_heard_of_again_expires_with_that_reason(bench: Bench) {
    let store = &bench.store;
    let away = Session { away: true, ready_us: Some(DAY + 1), ..of(DAY, 1) };
    let queued = Session { id: SessionId::of_text("other", DAY), ..of(DAY, 2) };
    store.add_new_sessions(&[away.clone(), queued.clone()]).await.unwrap();
    let rules = QueueRules::default();
    assert!(store.tidy_sessions(&rules, 8 * DAY - 1).await.unwrap().is_empty());
    let over = store.tidy_sessions(&rules, 8 * DAY).await.unwrap();
    assert!(over.iter().all(|one| one.state == SessionState::Expired), "{over:?}");
    let word = |id| over.iter().find(|one| one.id == id).unwrap().word.clone();
    assert_eq!(word(away.id), "it was not heard of within 7 days");
    assert_eq!(word(queued.id), "no engine took it within 7 days");
}

async fn what_came_of_times_and_how_schedules_stand_is_kept_and_forgotten(bench: Bench) {
    let store = &bench.store;
    let run = |due_us, made| ScheduleRun {
        schedule: "sch_1".to_owned(),
        zone: "UTC".to_owned(),
        due_us,
        at_us: due_us + 5,
        made,
        waiting: 2,
        unknown: 1,
        left_alone: 3,
        batch: "nightly".to_owned(),
        by: None,
        word: "tag kiosk is gone".to_owned(),
    };
    for one in [run(DAY, 7), run(2 * DAY, 8), run(2 * DAY, 99)] {
        store.put_schedule_run(&one).await.unwrap();
    }
    let runs = store.schedule_runs(Some("sch_1"), 10).await.unwrap();
    assert_eq!(runs, [run(2 * DAY, 8), run(DAY, 7)], "what is noted stays");
    assert!(store.schedule_runs(Some("sch_2"), 10).await.unwrap().is_empty());
    assert_eq!(store.forget_schedule_runs(2 * DAY).await.unwrap(), 1);
    assert_eq!(store.schedule_runs(None, 10).await.unwrap().len(), 1);

    let check = |schedule: &str, problem: Option<&str>, since_us| ScheduleCheck {
        schedule: schedule.to_owned(),
        members: 5,
        unknown: 0,
        problem: problem.map(str::to_owned),
        since_us,
    };
    let (gone, fine) = (check("a", Some("tag kiosk is gone"), 10), check("b", None, 10));
    store.put_schedule_checks(&[gone.clone(), fine]).await.unwrap();
    // As long as it is the same, it is so since then; what is no more is not known.
    store.put_schedule_checks(&[check("a", Some("tag kiosk is gone"), 20)]).await.unwrap();
    assert_eq!(store.schedule_checks().await.unwrap(), [gone]);
    store.put_schedule_checks(&[check("a", None, 30)]).await.unwrap();
    assert_eq!(store.schedule_checks().await.unwrap(), [check("a", None, 30)]);
    store.put_schedule_checks(&[]).await.unwrap();
    assert!(store.schedule_checks().await.unwrap().is_empty());

    let planned =
        |name: &str| Planned { name: name.to_owned(), spec: "x".to_owned(), handled_us: 1 };
    let all = ["halo/full", "schedule/a", "schedule/b"].map(planned);
    store.plan(&all).await.unwrap();
    store.forget_planned_but("schedule/", &["schedule/b".to_owned()]).await.unwrap();
    assert_eq!(store.planned().await.unwrap(), [all[0].clone(), all[2].clone()]);
}
