//! Reboots: when there is one, when there is none, and never two.

use core_model::library::{DesiredState as State, Prerequisite, Script};
use core_plan::{
    ActionResult, Answer, Failure, FailureClass, NoAnswer, Outcome, Overall, RebootPolicy, Report,
    WhenOffline,
};

use crate::world::{World, result, software_id as id};

fn world(policy: RebootPolicy) -> World {
    let mut world = World::new().deploys("Reader", State::Latest);
    world.settings.reboots = policy;
    world
}

/// The steps about reboots, and of what.
fn run(world: &mut World) -> (Vec<String>, Report) {
    let (_, report) = world.run();
    assert!(world.told().iter().filter(|step| *step == "reboot!").count() <= 1);
    (world.told(), report)
}

const INSTALL: [&str; 2] = ["Reader: install 2", "Reader: detect"];

fn steps(before: &[&str], after: &[&str]) -> Vec<String> {
    [before, &INSTALL, after].concat().into_iter().map(str::to_owned).collect()
}

#[test]
fn a_reboot_that_is_pending_comes_first_and_then_no_other() {
    let mut normal = world(RebootPolicy::Normal);
    normal.pending_reboot = true;
    let (told, report) = run(&mut normal);
    assert_eq!(told, steps(&["reboot?", "reboot!", "reboot?"], &[]));
    assert!(report.rebooted && report.notes.is_empty());
}

#[test]
fn without_anything_pending_there_is_none() {
    let (told, report) = run(&mut world(RebootPolicy::Normal));
    assert_eq!(told, steps(&["reboot?"], &["reboot?"]));
    assert!(!report.rebooted);
    let mut suppressed = world(RebootPolicy::Suppress);
    suppressed.pending_reboot = true;
    assert_eq!(run(&mut suppressed).0, steps(&[], &[]));
}

#[test]
fn what_a_script_asks_for_is_done_at_the_end() {
    let mut world = world(RebootPolicy::Normal);
    world.asks_reboot.insert(id("Reader").into());
    let (told, report) = run(&mut world);
    assert_eq!(told, steps(&["reboot?"], &["reboot?", "reboot!", "reboot?"]));
    assert_eq!(report.overall, Overall::Passed);
}

#[test]
fn s27_force_reboots_at_the_end_though_nothing_is_pending_but_not_in_business_hours() {
    let mut force = world(RebootPolicy::Force);
    assert_eq!(run(&mut force).0, steps(&["reboot?"], &["reboot?", "reboot!", "reboot?"]));
    // Nothing to do: it is rebooted all the same.
    assert_eq!(run(&mut force).0, ["reboot?", "reboot!", "reboot?"]);
    force.held = Some("business hours until 17:00".to_owned());
    let (told, report) = run(&mut force);
    assert_eq!(told, ["reboot?"]);
    assert!(report.notes[0].contains("business hours"), "{:?}", report.notes);
    // Once at the start is once.
    let mut pending = world(RebootPolicy::Force);
    pending.pending_reboot = true;
    assert_eq!(run(&mut pending).0, steps(&["reboot?", "reboot!", "reboot?"], &[]));
}

#[test]
fn s20_a_flag_that_never_clears_reboots_once_a_session_and_so_often_a_day() {
    let mut looping = world(RebootPolicy::Normal);
    looping.pending_forever = true;
    let (told, report) = run(&mut looping);
    assert_eq!(told, steps(&["reboot?", "reboot!", "reboot?"], &[]));
    assert!(report.notes[0].contains("loop is suspected"), "{:?}", report.notes);
    looping.installed.clear();
    looping.settings.reboots_today = looping.settings.reboots_per_day;
    let (told, report) = run(&mut looping);
    assert_eq!(told, steps(&[], &[]));
    assert!(!report.rebooted);
    // Who needs one is told why there is none.
    looping.installed.clear();
    looping.edit("Reader").reboot_needed = true;
    let (_, report) = run(&mut looping);
    let ActionResult::Deferred(why) = result(&report, id("Reader")) else { panic!("{report:?}") };
    assert!(why.contains("reboot loop is suspected"), "{why}");
}

#[test]
fn whoever_sits_there_is_asked_and_obeyed() {
    let asked = |answer, no_answer| {
        let mut world = world(RebootPolicy::Prompt);
        world.edit("Reader").reboot_needed = true;
        world.answer = answer;
        world.settings.no_answer = no_answer;
        let (told, report) = run(&mut world);
        assert_eq!(told.iter().filter(|step| *step == "ask").count(), 1, "{told:?}");
        (report.rebooted, result(&report, id("Reader")).clone())
    };
    let well = (true, ActionResult::Compliant);
    assert_eq!(asked(Some(Answer::Yes), NoAnswer::Fail), well);
    assert_eq!(asked(None, NoAnswer::Reboot), well);
    for answer in [Some(Answer::No), None] {
        let (rebooted, result) = asked(answer, NoAnswer::Suppress);
        assert!(!rebooted && matches!(result, ActionResult::Deferred(_)), "{result:?}");
    }
    let (rebooted, result) = asked(None, NoAnswer::Fail);
    let ActionResult::Failed(failure) = result else { panic!("{result:?}") };
    assert!(!rebooted && failure.class == FailureClass::Reboot);
}

#[test]
fn what_works_only_after_a_reboot_is_tested_after_it() {
    let mut world = world(RebootPolicy::Normal);
    world.edit("Reader").reboot_needed = true;
    world.edit("Reader").scripts.test = Some(Script::new("test"));
    let (told, report) = run(&mut world);
    let after = ["reboot?", "reboot!", "reboot?", "Reader: detect", "Reader: test"];
    assert_eq!(told, steps(&["reboot?"], &after));
    assert_eq!(report.overall, Overall::Passed);
}

#[test]
fn what_is_there_only_after_a_reboot_is_not_installed_twice() {
    let mut world = world(RebootPolicy::Normal);
    world.asks_reboot.insert(id("Reader").into());
    world.late.insert(id("Reader"));
    let (told, report) = run(&mut world);
    let after = ["reboot?", "reboot!", "reboot?", "Reader: detect"];
    assert_eq!(told, steps(&["reboot?"], &after));
    assert_eq!(report.overall, Overall::Passed);
    world.installed.clear();
    world.settings.reboots = RebootPolicy::Suppress;
    let (told, report) = run(&mut world);
    assert_eq!(told, steps(&[], &[]));
    let ActionResult::Deferred(why) = result(&report, id("Reader")) else { panic!("{report:?}") };
    assert!(why.contains("reboots are suppressed"), "{why}");
}

#[test]
fn a_subject_that_does_not_come_back_was_rebooted_once() {
    let failed = |class| Outcome::Failed(Failure::new(class, "it did not come back"));
    let mut waits = world(RebootPolicy::Normal);
    waits.pending_reboot = true;
    waits.outcomes.insert("reboot!".to_owned(), vec![failed(FailureClass::Timeout)]);
    let (told, report) = run(&mut waits);
    assert_eq!(told, steps(&["reboot?", "reboot!", "wait", "reboot?"], &[]));
    assert_eq!(report.overall, Overall::Passed);
    let mut ends = world(RebootPolicy::Normal);
    ends.pending_reboot = true;
    ends.settings.offline = WhenOffline::End;
    ends.outcomes.insert("reboot!".to_owned(), vec![failed(FailureClass::Offline)]);
    let (_, report) = run(&mut ends);
    assert_eq!(report.overall, Overall::Failed);
    // A reboot that was refused is not asked for again.
    let mut refused = world(RebootPolicy::Force);
    refused.outcomes.insert("reboot!".to_owned(), vec![failed(FailureClass::Install)]);
    assert_eq!(run(&mut refused).0, steps(&["reboot?"], &["reboot?", "reboot!"]));
}

#[test]
fn d13_what_waits_only_for_the_order_waits_for_the_reboot_too() {
    let mut world = World::new()
        .deploys("Plug-in", State::Latest)
        .deploys("Office", State::Latest)
        .requires("Plug-in", Prerequisite::needs(id("Office")));
    world.edit("Office").reboot_needed = true;
    world.held = Some("business hours until 17:00".to_owned());
    world.settings.reboots = RebootPolicy::Normal;
    let (_, report) = run(&mut world);
    for name in ["Office", "Plug-in"] {
        let ActionResult::Deferred(why) = result(&report, id(name)) else { panic!("{report:?}") };
        assert!(why.contains("business hours"), "{why}");
    }
    assert_eq!(report.overall, Overall::PartiallyPassed);
}
