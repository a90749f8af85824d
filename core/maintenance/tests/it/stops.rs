//! Stops while a session runs: what is under way is ended, the next change is not begun.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use core_maintenance::{Ended, Stopped};
use core_model::id::SoftwareId;
use core_model::library::{DesiredState, Prerequisite};
use core_plan::ActionResult;

use crate::estate::{Estate, Life};

/// Two pieces of software, of which the first is done first.
fn two() -> Estate {
    let mut estate = Estate::new();
    for name in ["aa", "zz"] {
        estate.software(name, &["1.0"]);
        estate.demand(name, DesiredState::Latest);
    }
    estate
}

#[tokio::test]
async fn a_session_that_is_stopped_changes_nothing_more_and_ends_as_if_it_had_not_been() {
    let mut estate = two();
    let stopped = Arc::new(AtomicBool::new(true));
    let on = Arc::clone(&stopped);
    // It is stopped once the first is there: while that runs.
    estate.stops = Box::new(move |estate, _| {
        let first = estate.read("aa").trim() == "1.0";
        (on.load(Ordering::SeqCst) && first)
            .then(|| Stopped::Session("the line is down".to_owned()))
    });
    let ended = estate.process(Life::endless(), true).await.unwrap();
    let Ended::Waits { why, until: Some(_) } = ended else { panic!("{ended:?}") };
    assert_eq!(why, "the line is down");
    assert_eq!((estate.read("aa").trim(), estate.read("zz").trim()), ("1.0", ""));
    // Still stopped: whoever takes it changes nothing.
    let ended = estate.process(Life::endless(), true).await.unwrap();
    assert!(matches!(ended, Ended::Waits { .. }), "{ended:?}");
    assert_eq!(estate.read("zz").trim(), "");
    stopped.store(false, Ordering::SeqCst);
    let report = estate.whole().await;
    // The same as without a stop, and each was installed once.
    let plain = two().whole().await;
    assert_eq!(Estate::words(&report), Estate::words(&plain));
    assert_eq!(estate.read("log"), "install aa 1.0\ninstall zz 1.0\n");
}

#[tokio::test]
async fn a_deployment_that_is_stopped_is_held_and_the_rest_of_the_session_goes_on() {
    let mut estate = two();
    let brief = estate.brief();
    let core_maintenance::Demand::Won { deployment, .. } = &brief.demands[0] else { panic!() };
    let id = deployment.id;
    estate.stops = Box::new(move |_, deployments| {
        deployments
            .iter()
            .eq([&id])
            .then(|| Stopped::Deployment("ring 1: 3 of 60 failed".to_owned()))
    });
    let report = estate.whole().await;
    let held = ActionResult::Held("ring 1: 3 of 60 failed".to_owned());
    assert_eq!(report.results[0].1, held);
    assert_eq!(report.results[1].1, ActionResult::Compliant);
    assert_eq!(estate.read("log"), "install zz 1.0\n");
}

/// A piece of software that needs another one first.
fn with_a_prerequisite() -> Estate {
    let mut estate = Estate::new();
    let runtime = estate.software("runtime", &["1.0"]).id;
    estate.software("reader", &["1.0"]).prerequisites = vec![Prerequisite::installs(runtime)];
    estate.demand("reader", DesiredState::Latest);
    estate
}

#[tokio::test]
async fn what_a_stopped_deployment_alone_needs_is_not_begun_either() {
    let mut estate = with_a_prerequisite();
    estate.stops = Box::new(|_, deployments| {
        deployments.first().map(|_| Stopped::Deployment("halted".to_owned()))
    });
    let report = estate.whole().await;
    assert_eq!(report.results[0].1, ActionResult::Held("halted".to_owned()));
    assert_eq!(estate.read("log"), "");
}

#[tokio::test]
async fn what_another_deployment_needs_too_is_done_for_that_one() {
    let mut estate = with_a_prerequisite();
    let runtime = SoftwareId::of_text("runtime", 0);
    estate.software("viewer", &["1.0"]).prerequisites = vec![Prerequisite::installs(runtime)];
    estate.demand("viewer", DesiredState::Latest);
    let core_maintenance::Demand::Won { deployment, .. } = &estate.brief().demands[0] else {
        panic!()
    };
    let id = deployment.id;
    estate.stops = Box::new(move |_, deployments| {
        deployments.iter().eq([&id]).then(|| Stopped::Deployment("halted".to_owned()))
    });
    estate.whole().await;
    assert_eq!(estate.read("log"), "install runtime 1.0\ninstall viewer 1.0\n");
}

#[tokio::test]
async fn what_has_begun_to_change_something_is_ended_though_it_is_stopped_meanwhile() {
    let mut estate = Estate::new();
    let reader = estate.software("reader", &["1.0", "2.0"]);
    reader.upgrade = core_model::library::UpgradeStrategy::UninstallInstall;
    estate.demand("reader", DesiredState::ThisVersion("1.0".to_owned()));
    estate.whole().await;
    estate.kept.lock().unwrap().lines.clear();
    estate.kept.lock().unwrap().plan = None;
    estate.demand("reader", DesiredState::Latest).order = 1;
    estate.change = Box::new(|brief| drop(brief.demands.remove(0)));
    // It is stopped as soon as the old version is gone: without the new one it would be broken.
    estate.stops = Box::new(|estate, _| {
        let gone = estate.read("reader").trim().is_empty();
        gone.then(|| Stopped::Session("everything is stopped".to_owned()))
    });
    let report = estate.whole().await;
    assert_eq!(Estate::words(&report), ["compliant"]);
    assert_eq!(estate.read("reader").trim(), "2.0");
}
