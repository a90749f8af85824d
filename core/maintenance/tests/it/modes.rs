//! Maintenance mode, and approved updates of Windows: kept as found, asked for once, and no hindrance to anything.

use chrono::TimeDelta;
use core_maintenance::Ended;
use core_model::library::DesiredState;
use core_plan::{Beside, Overall, RunKind, Step};

use crate::estate::{Estate, Life};

fn estate() -> Estate {
    let mut estate = Estate::new();
    estate.task("policy");
    estate.demand("policy", DesiredState::Enforce);
    estate.around.lock().unwrap().watched = true;
    // The patch manager takes minutes.
    estate.pause_is = TimeDelta::seconds(20);
    estate
}

fn updating(estate: &mut Estate) {
    estate.change = Box::new(|brief| brief.updates = true);
    let around = &mut *estate.around.lock().unwrap();
    around.missing = vec!["KB1".to_owned(), "KB2".to_owned()];
    around.looks = 4;
}

#[tokio::test]
async fn maintenance_mode_is_on_while_something_is_done_and_then_as_it_was() {
    let estate = estate();
    assert_eq!(estate.whole().await.overall, Overall::Passed);
    let around = estate.around.lock().unwrap();
    assert_eq!((around.told.as_slice(), around.mode), (["on", "off"].as_slice(), false));
    let kept = estate.kept.lock().unwrap();
    let modes: Vec<&Step> =
        kept.lines.values().filter(|line| line.is_beside()).map(|line| &line.step).collect();
    let of = |beside| Step::Beside(beside);
    assert_eq!(modes, [&of(Beside::EnterMaintenance), &of(Beside::LeaveMaintenance)]);
}

#[tokio::test]
async fn a_maintenance_mode_that_was_there_before_stays_and_what_only_looks_needs_none() {
    let before = estate();
    before.around.lock().unwrap().mode = true;
    assert_eq!(before.whole().await.overall, Overall::Passed);
    assert!(before.around.lock().unwrap().mode && before.around.lock().unwrap().told.is_empty());
    let mut looks = estate();
    looks.change = Box::new(|brief| brief.run = RunKind::DetectOnly);
    looks.whole().await;
    assert!(looks.around.lock().unwrap().told.is_empty());
    let planned = estate();
    assert!(matches!(planned.process(Life::endless(), false).await, Ok(Ended::Planned(_))));
    assert!(planned.around.lock().unwrap().told.is_empty());
}

#[tokio::test]
async fn s13_a_hub_that_dies_at_any_word_leaves_no_maintenance_mode_and_asks_for_updates_once() {
    let mut words = 0;
    loop {
        let mut estate = estate();
        updating(&mut estate);
        let life = Life::of(words);
        let first = estate.process(life.clone(), true).await;
        let whole = matches!(first, Ok(Ended::Over { .. })) && !life.is_dead();
        if !whole {
            let report = estate.whole().await;
            assert_eq!(report.overall, Overall::Passed, "died after {words} words: {report:?}");
        }
        let around = estate.around.lock().unwrap();
        assert!(!around.mode && !around.held, "died after {words} words: {:?}", around.told);
        assert!(around.asked <= 1, "died after {words} words");
        drop(around);
        if whole {
            break;
        }
        words += 1;
    }
    assert!(words > 15, "a session says more than {words} words");
}

#[tokio::test]
async fn approved_updates_are_installed_before_the_rest_and_told_of() {
    let mut estate = estate();
    updating(&mut estate);
    estate.around.lock().unwrap().failing = vec!["KB2".to_owned()];
    let report = estate.whole().await;
    assert_eq!(report.overall, Overall::Passed);
    let note = &report.notes[0];
    assert!(note.contains("1 approved update of Windows was installed: KB1"), "{note}");
    assert!(note.contains("not installed: KB2"), "{note}");
    assert_eq!(estate.read("policy").trim(), "right");
}

#[tokio::test]
async fn updates_that_cannot_be_told_are_left_out_and_the_session_goes_on() {
    let mut estate = estate();
    updating(&mut estate);
    estate.around.lock().unwrap().unpatched = Some("HTTP 500: patching is down".to_owned());
    let report = estate.whole().await;
    assert_eq!(report.overall, Overall::Passed);
    assert!(report.notes[0].contains("left out: HTTP 500"), "{:?}", report.notes);
    assert_eq!(estate.around.lock().unwrap().asked, 0);
}

#[tokio::test]
async fn one_item_of_a_computer_is_run_without_updates() {
    let mut estate = estate();
    updating(&mut estate);
    let item = estate.brief().demands.iter().find_map(|demand| match demand {
        core_maintenance::Demand::Won { deployment, .. } => Some(deployment.item),
        _ => None,
    });
    let key = core_plan::Key::item(item.unwrap());
    estate.change = Box::new(move |brief| {
        brief.updates = true;
        brief.run = RunKind::Item { key: key.clone(), repair: false };
    });
    assert_eq!(estate.whole().await.overall, Overall::Passed);
    assert_eq!(estate.around.lock().unwrap().asked, 0);
}

#[tokio::test]
async fn a_patch_manager_that_never_begins_is_not_waited_for_for_ever() {
    let mut estate = estate();
    updating(&mut estate);
    {
        let around = &mut *estate.around.lock().unwrap();
        around.looks = u32::MAX;
        around.failing = Vec::new();
    }
    estate.pause_is = TimeDelta::minutes(10);
    let report = estate.whole().await;
    assert_eq!(report.overall, Overall::Passed, "the rest was done");
    assert!(report.notes[0].contains("still runs"), "{:?}", report.notes);
}
