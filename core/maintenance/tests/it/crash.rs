//! S13: the hub dies between any two words, again and again; the end is the same, and nothing is done twice that
//! a look would have seen.

use core_maintenance::{Ended, Error};
use core_model::library::{DesiredState, Prerequisite, PrerequisiteAction, ScriptPurpose};
use core_plan::Overall;

use crate::estate::{Estate, Life};

fn estate() -> Estate {
    let mut estate = Estate::new();
    let runtime = estate.software("runtime", &["1.0"]).id;
    let reader = estate.software("reader", &["1.0", "2.0"]);
    reader.prerequisites = vec![Prerequisite::installs(runtime)];
    assert_eq!(reader.prerequisites[0].action, PrerequisiteAction::Install);
    estate.software("old", &["1.0"]);
    std::fs::write(estate.path("old"), "1.0\n").unwrap();
    estate.task("policy").serial = Some("one at a time".to_owned());
    estate.demand("reader", DesiredState::Latest);
    estate.demand("old", DesiredState::Absent);
    estate.demand("policy", DesiredState::Enforce);
    estate
}

fn end(estate: &Estate) -> (String, String, String, String) {
    let read = |name| estate.read(name).trim().to_owned();
    (read("runtime"), read("reader"), read("old"), read("policy"))
}

fn right() -> (String, String, String, String) {
    ("1.0".to_owned(), "2.0".to_owned(), String::new(), "right".to_owned())
}

/// How often something is in the log.
fn times(estate: &Estate, what: &str) -> usize {
    estate.read("log").lines().filter(|line| line.starts_with(what)).count()
}

#[tokio::test]
async fn s13_a_hub_that_dies_at_any_word_of_a_session_goes_on_and_repeats_nothing() {
    let mut words = 0;
    loop {
        let estate = estate();
        let life = Life::of(words);
        let first = estate.process(life.clone(), true).await;
        if let Ok(Ended::Over { report, .. }) = &first
            && !life.is_dead()
        {
            assert_eq!((report.overall, end(&estate)), (Overall::Passed, right()));
            break;
        }
        let report = estate.whole().await;
        assert_eq!(end(&estate), right(), "died after {words} words: {first:?}");
        assert_eq!(report.overall, Overall::Passed, "died after {words} words: {report:?}");
        for what in ["install runtime", "install reader", "uninstall old", "set policy"] {
            assert_eq!(
                times(&estate, what),
                1,
                "{what}, died after {words} words:\n{}",
                estate.read("log")
            );
        }
        words += 1;
    }
    assert!(words > 50, "a session says more than {words} words");
}

#[tokio::test]
async fn s13_a_hub_that_dies_every_few_words_comes_to_the_end_all_the_same() {
    for every in [3, 5, 7, 11, 17] {
        let mut estate = estate();
        estate.settings.interruptions = 1_000;
        let mut processes = 0;
        let report = loop {
            processes += 1;
            assert!(processes < 500, "no end with {every} words a life");
            match estate.process(Life::of(every + processes % 5), true).await {
                Ok(Ended::Over { report, .. }) => break report,
                Ok(Ended::Waits { .. }) | Err(Error::Stopping) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!((report.overall, end(&estate)), (Overall::Passed, right()), "{every}");
        for what in ["install runtime", "install reader", "uninstall old"] {
            assert_eq!(
                times(&estate, what),
                1,
                "{what} with {every} words a life:\n{}",
                estate.read("log")
            );
        }
    }
}

#[tokio::test]
async fn s13_a_script_of_the_hub_that_may_have_run_is_looked_at_and_not_repeated_blindly() {
    let mut words = 0;
    let mut most = 0;
    loop {
        let mut estate = Estate::new();
        let set = estate
            .sh("echo set >> @/log; echo right > @/policy")
            .in_context(core_model::library::ScriptContext::Metascript);
        let task = estate.task("policy");
        task.scripts = task.scripts.clone().with(ScriptPurpose::Set, Some(set));
        estate.demand("policy", DesiredState::Enforce);
        let life = Life::of(words);
        let first = estate.process(life.clone(), true).await;
        if first.is_ok() && !life.is_dead() {
            break;
        }
        estate.whole().await;
        assert_eq!(estate.read("policy").trim(), "right");
        most = most.max(times(&estate, "set"));
        assert!(times(&estate, "set") <= 1, "died after {words} words:\n{}", estate.read("log"));
        words += 1;
    }
    assert_eq!(most, 1);
}
