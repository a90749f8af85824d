//! Ways that are lost, and computers that are away.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use chrono::TimeDelta;
use core_maintenance::{BusinessHours, DayTime, Ended};
use core_model::library::{DesiredState, ScriptPurpose};
use core_plan::{FailureClass, Overall, RebootPolicy, WhenOffline};

use crate::estate::{Estate, Life};

/// One that wants a program, and whose hub waits long where it waits.
fn slow(mut estate: Estate) -> Estate {
    estate.pause_is = TimeDelta::seconds(20);
    estate.software("reader", &["1.0"]);
    estate.demand("reader", DesiredState::Latest);
    estate
}

/// It is planned; from then on the first way takes what it is sent and does not answer.
async fn planned_and_mute(estate: &Estate) {
    assert!(matches!(estate.process(Life::endless(), false).await, Ok(Ended::Planned(_))));
    estate.ways[0].1.mute.store(true, Ordering::SeqCst);
}

/// The first way goes as soon as something was sent by it and is waited for.
async fn goes_when_sent(estate: &Estate) {
    let one = &estate.ways[0].1;
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        let is_sent = estate.kept.lock().unwrap().lines.values().any(|line| {
            let sent = |run: &core_maintenance::Run| run.way == "one" && run.handle.is_some();
            line.outcome.is_none() && line.run.as_ref().is_some_and(sent)
        });
        if is_sent {
            return one.online.store(false, Ordering::SeqCst);
        }
    }
}

#[tokio::test]
async fn s12_a_way_that_dies_in_the_middle_is_left_for_the_other_and_what_ran_is_looked_at() {
    let estate = slow(Estate::new().with_way("two"));
    // The plan is made by the first way, which goes quiet with the install in it.
    planned_and_mute(&estate).await;
    let goes = goes_when_sent(&estate);
    let (report, ()) = tokio::join!(estate.whole(), goes);
    assert_eq!((report.overall, estate.read("reader").trim()), (Overall::Passed, "1.0"));
    assert_eq!(estate.read("log"), "install reader 1.0\n", "once");
    let kept = estate.kept.lock().unwrap();
    let by_two = kept.lines.values().filter(|line| line.said.way.as_deref() == Some("two"));
    assert!(by_two.count() >= 2, "{:#?}", kept.lines);
}

#[tokio::test]
async fn s10_a_computer_that_is_away_is_waited_for_and_the_session_goes_on_when_it_is_back() {
    let estate = slow(Estate::new());
    let one = Arc::clone(&estate.ways[0].1);
    one.online.store(false, Ordering::SeqCst);
    for _ in 0..3 {
        match estate.process(Life::endless(), true).await.unwrap() {
            Ended::Waits { until: None, why } => assert!(why.contains("no way leads"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    one.online.store(true, Ordering::SeqCst);
    assert_eq!(estate.whole().await.overall, Overall::Passed);
    assert_eq!(estate.read("log"), "install reader 1.0\n");
}

/// People of Chicago who work from 8 to 17 on the days of a week.
fn office_hours() -> BusinessHours {
    use chrono::Weekday::{Fri, Mon, Thu, Tue, Wed};
    let time = |text| DayTime::parse(text).unwrap();
    let days = vec![Mon, Tue, Wed, Thu, Fri];
    BusinessHours {
        from: time("08:00"),
        until: time("17:00"),
        days,
        zone: chrono_tz::America::Chicago,
    }
}

#[tokio::test]
async fn s10_who_is_back_on_a_monday_at_ten_is_changed_as_the_setting_says_and_not_rebooted() {
    let local = |text: &str| {
        let time = chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
        time.and_local_timezone(chrono_tz::America::Chicago).unwrap().to_utc()
    };
    for changes_wait in [false, true] {
        let mut estate = slow(Estate::new());
        estate.settings.reboots = RebootPolicy::Force;
        estate.change = Box::new(move |brief| {
            (brief.hours, brief.changes_wait) = (Some(office_hours()), changes_wait);
        });
        let one = Arc::clone(&estate.ways[0].1);
        one.online.store(false, Ordering::SeqCst);
        // Friday evening, and whenever it is looked for over the weekend.
        for time in ["2026-11-27 22:00", "2026-11-28 09:00", "2026-11-29 23:00"] {
            estate.set_clock(local(time));
            let ended = estate.process(Life::endless(), true).await.unwrap();
            assert!(matches!(ended, Ended::Waits { until: None, .. }), "{time}: {ended:?}");
        }
        one.online.store(true, Ordering::SeqCst);
        estate.set_clock(local("2026-11-30 10:00"));
        if changes_wait {
            match estate.process(Life::endless(), true).await.unwrap() {
                Ended::Waits { why, until: Some(until) } => {
                    assert_eq!(why, "business hours until 17:00");
                    let late = until - local("2026-11-30 17:00");
                    assert!((0..60).contains(&late.num_seconds()), "{until}");
                }
                ended => panic!("{ended:?}"),
            }
            assert_eq!(estate.read("log"), "", "it was looked at, and not changed");
            // Nobody is at work any more: both may be, and what cannot be rebooted says so itself.
            estate.set_clock(local("2026-11-30 17:00"));
            estate.settings.reboots = RebootPolicy::Suppress;
        }
        let report = estate.whole().await;
        assert_eq!((report.overall, report.rebooted), (Overall::Passed, false), "{report:?}");
        assert_eq!(estate.read("log"), "install reader 1.0\n");
        let said = report.notes.join("; ");
        assert!(changes_wait || said.contains("business hours until 17:00"), "{said}");
    }
}

#[tokio::test]
async fn what_was_sent_to_a_computer_that_went_away_is_waited_for_and_not_sent_again() {
    let estate = slow(Estate::new());
    planned_and_mute(&estate).await;
    let one = Arc::clone(&estate.ways[0].1);
    let goes = goes_when_sent(&estate);
    let (ended, ()) = tokio::join!(estate.process(Life::endless(), true), goes);
    assert!(matches!(ended, Ok(Ended::Waits { until: None, .. })), "{ended:?}");
    // It is back, and nothing came of what was sent: it is looked at, and only then done.
    one.online.store(true, Ordering::SeqCst);
    one.mute.store(false, Ordering::SeqCst);
    let report = estate.whole().await;
    assert_eq!(estate.read("log").lines().count(), usize::from(report.overall == Overall::Passed));
}

#[tokio::test]
async fn offline_is_the_end_where_the_settings_say_so() {
    let mut estate = Estate::new();
    estate.settings.offline = WhenOffline::End;
    estate.software("reader", &["1.0"]);
    estate.demand("reader", DesiredState::Latest);
    estate.ways[0].1.online.store(false, Ordering::SeqCst);
    let report = estate.whole().await;
    assert_eq!(report.overall, Overall::Failed);
    assert!(
        matches!(&report.results[0].1, core_plan::ActionResult::Failed(failure) if failure.class == FailureClass::Offline),
        "{report:?}"
    );
}

#[tokio::test]
async fn a_long_script_is_staged_and_leaves_nothing_behind() {
    let mut estate = Estate::new();
    let padding = "# padding\n".repeat(20_000);
    let install = estate.sh(&format!("{padding}echo 1.0 > @/reader"));
    let reader = estate.software("reader", &["1.0"]);
    reader.scripts = reader.scripts.clone().with(ScriptPurpose::Install, Some(install));
    estate.demand("reader", DesiredState::Latest);
    assert_eq!(estate.whole().await.overall, Overall::Passed);
    assert_eq!(std::fs::read_dir(estate.path("staged")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_was_sent_by_a_way_goes_by_no_other_while_the_computer_is_away() {
    let estate = slow(Estate::new().with_way("two"));
    planned_and_mute(&estate).await;
    estate.ways[1].1.mute.store(true, Ordering::SeqCst);
    let both_go = async {
        goes_when_sent(&estate).await;
    };
    // The second goes with the first: nobody is there any more to be asked.
    let second = Arc::clone(&estate.ways[1].1);
    let with_it = async {
        while estate.ways[0].1.online.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        second.online.store(false, Ordering::SeqCst);
    };
    let process = estate.process(Life::endless(), true);
    let (ended, (), ()) = tokio::join!(process, both_go, with_it);
    assert!(matches!(ended, Ok(Ended::Waits { until: None, .. })), "{ended:?}");
    let kept = estate.kept.lock().unwrap();
    let open = kept.lines.values().find(|line| line.outcome.is_none()).unwrap();
    assert_eq!(open.run.as_ref().map(|run| run.way.as_str()), Some("one"), "{open:#?}");
    assert_eq!(estate.ways[1].1.sent(), 0, "it went a second way too");
}

#[tokio::test]
async fn answers_that_are_no_sense_are_asked_for_again_before_what_was_sent_counts_as_lost() {
    let estate = slow(Estate::new());
    assert!(matches!(estate.process(Life::endless(), false).await, Ok(Ended::Planned(_))));
    estate.ways[0].1.nonsense.store(5, Ordering::SeqCst);
    assert_eq!(estate.whole().await.overall, Overall::Passed);
    let interrupted = |line: &core_maintenance::Line| {
        line.outcome.as_ref() == Some(&core_plan::Outcome::Interrupted)
    };
    assert!(!estate.kept.lock().unwrap().lines.values().any(interrupted));
    // What makes no sense for ever is lost, and the computer is looked at.
    estate.another_session();
    std::fs::remove_file(estate.path("reader")).unwrap();
    assert!(matches!(estate.process(Life::endless(), false).await, Ok(Ended::Planned(_))));
    estate.ways[0].1.nonsense.store(6, Ordering::SeqCst);
    assert_eq!(estate.whole().await.overall, Overall::Passed);
    assert!(estate.kept.lock().unwrap().lines.values().any(interrupted));
    assert_eq!(estate.read("log"), "install reader 1.0\ninstall reader 1.0\n", "once a session");
}
