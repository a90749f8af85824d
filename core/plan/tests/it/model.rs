//! Every way in which a session can go: each possible outcome at each step, to the end.

use std::collections::BTreeSet;

use core_model::library::{DesiredState as State, Download, Prerequisite, Script};
use core_plan::{
    Answer, Entry, Failure, FailureClass, Found, Next, NoAnswer, Outcome, Plan, RebootPolicy,
    Report, Session, Step, Tested, Version, WhenOffline, Work,
};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::world::{World, software_id as id, task, task_id};

/// A session that has everything: a prerequisite, a configuration, an update, a task.
fn world() -> World {
    let mut world = World::new()
        .deploys("Plug-in", State::Latest)
        .knows("Office")
        .requires("Plug-in", Prerequisite::installs(id("Office")))
        .runs("Settings", State::Enforce)
        .has("Plug-in", "1");
    world.tasks.push(task("Configure"));
    world.edit("Plug-in").configuration = Some(task_id("Configure"));
    world.edit("Plug-in").scripts.test = Some(Script::new("test"));
    world.edit("Office").reboot_needed = true;
    world.settings.tries = 2;
    world.settings.interruptions = 1;
    world
}

fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed(Failure::new(class, "so it says"))
}

/// What may come of a step.
fn outcomes(step: &Step) -> Vec<Outcome> {
    let done = |reboot| Outcome::Done { reboot };
    let version = |text| Outcome::Found(Found::Version(Version::parse(text).unwrap()));
    match step {
        Step::Item { work, .. } => {
            let mut all = vec![
                Outcome::Interrupted,
                failed(FailureClass::Offline),
                failed(FailureClass::Timeout),
            ];
            all.extend(match work {
                Work::Detect => vec![
                    Outcome::Found(Found::Missing),
                    version("1"),
                    version("2"),
                    Outcome::Found(Found::Unreadable("?".to_owned())),
                ],
                Work::Test(_) => vec![
                    Outcome::Tested(Tested::True),
                    Outcome::Tested(Tested::False),
                    Outcome::Tested(Tested::Invalid(String::new())),
                ],
                Work::Download(_) => vec![done(false), failed(FailureClass::Download)],
                _ => vec![
                    done(false),
                    done(true),
                    failed(FailureClass::Install),
                    failed(FailureClass::NoUser),
                ],
            });
            all
        }
        Step::CheckReboot => {
            let reboot = |pending, held: Option<&str>| Outcome::Reboot {
                pending,
                held: held.map(str::to_owned),
            };
            let held = Some("business hours");
            vec![
                reboot(false, None),
                reboot(true, None),
                reboot(true, held),
                Outcome::Interrupted,
                failed(FailureClass::Offline),
            ]
        }
        Step::AskReboot => vec![
            Outcome::Answer(Answer::Yes),
            Outcome::Answer(Answer::No),
            Outcome::Answer(Answer::Nothing),
            Outcome::Interrupted,
        ],
        Step::Reboot => vec![
            done(false),
            Outcome::Interrupted,
            failed(FailureClass::Offline),
            failed(FailureClass::Install),
        ],
        Step::AwaitConnection => vec![done(false), failed(FailureClass::Offline)],
        Step::Versions(_) | Step::Beside(_) => panic!("no plan asks for {step:?}"),
    }
}

/// What holds of every session, however it goes.
fn check(entries: &[Entry], report: &Report, plan: &Plan) {
    let reboots = entries.iter().filter(|entry| entry.step == Step::Reboot).count();
    assert!(reboots <= 1, "{entries:?}");
    assert_eq!(report.results.len(), plan.actions.len());
    let mut unlooked = BTreeSet::new();
    for entry in entries {
        let Step::Item { key, work } = &entry.step else { continue };
        if work.changes() {
            let new = unlooked.insert(key.clone());
            assert!(new, "{key} is changed twice without a look: {entries:?}");
        } else if work.reads() && entry.outcome != Outcome::Interrupted {
            unlooked.remove(key);
        }
    }
    for ((key, result), action) in report.results.iter().zip(&plan.actions) {
        assert_eq!(*key, action.key);
        assert_ne!(*result, core_plan::ActionResult::Pending, "{entries:?}");
        let begun = entries
            .iter()
            .any(|entry| matches!(&entry.step, Step::Item { key, .. } if *key == action.key));
        let needs_well = action
            .needs
            .iter()
            .all(|needed| matches!(&report.results[*needed].1, result if result.is_well()));
        // What it needs may still fail after a reboot that came later; never before it began.
        assert!(needs_well || !result.is_well() || !begun || reboots == 1, "{entries:?}");
    }
}

/// All ways from here on, each to its end; so many at the most.
fn walk(plan: &Plan, session: &Session<'_>, entries: &mut Vec<Entry>, left: &mut u64) {
    if *left == 0 {
        return;
    }
    match session.next() {
        Next::Over(report) => {
            *left -= 1;
            check(entries, &report, plan);
        }
        Next::Do(step) => {
            assert!(entries.len() < 200, "without end: {entries:?}");
            for outcome in outcomes(&step) {
                let mut next = session.clone();
                assert!(next.record(&step, &outcome));
                entries.push(Entry { step: step.clone(), outcome });
                walk(plan, &next, entries, left);
                entries.pop();
            }
        }
    }
}

#[test]
fn however_one_action_goes_it_ends_and_nothing_is_done_twice_without_a_look() {
    for (policy, answer) in [
        (RebootPolicy::Suppress, NoAnswer::Suppress),
        (RebootPolicy::Normal, NoAnswer::Suppress),
        (RebootPolicy::Force, NoAnswer::Suppress),
        (RebootPolicy::Prompt, NoAnswer::Suppress),
        (RebootPolicy::Prompt, NoAnswer::Fail),
    ] {
        for offline in [WhenOffline::Wait, WhenOffline::End] {
            for state in [State::Latest, State::Absent] {
                let mut world = World::new().deploys("Reader", state).has("Reader", "1");
                let reader = world.edit("Reader");
                reader.reboot_needed = true;
                reader.scripts.test = Some(Script::new("test"));
                let url = "https://example.com/x".to_owned();
                reader.versions[1].download = Some(Download { url, sha256: None, file_name: None });
                world.settings.reboots = policy;
                world.settings.no_answer = answer;
                world.settings.offline = offline;
                world.settings.tries = 2;
                world.settings.interruptions = 0;
                world.edit("Reader").scripts.test = None;
                let plan = world.plan();
                let mut left = 30_000;
                walk(&plan, &Session::of(&plan), &mut Vec::new(), &mut left);
                assert!(left < 30_000);
            }
        }
    }
}

/// Where the seeds begin: `LINCHPIN_SEED`, or a fixed place.
#[expect(clippy::disallowed_methods, reason = "a failing seed is given back to the test this way")]
fn first_seed() -> u64 {
    std::env::var("LINCHPIN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_130)
}

#[test]
fn however_a_whole_session_goes_it_ends_and_can_be_resumed_anywhere_1() {
    let policies =
        [RebootPolicy::Suppress, RebootPolicy::Normal, RebootPolicy::Force, RebootPolicy::Prompt];
    for policy in policies {
        let mut world = world();
        world.settings.reboots = policy;
        let plan = world.plan();
        assert_eq!(plan.actions.len(), 4);
        for seed in first_seed()..first_seed() + 1_500 {
            let mut dice = ChaCha8Rng::seed_from_u64(seed);
            let mut session = Session::of(&plan);
            let mut entries = Vec::new();
            let luck = dice.random_range(0.0..1.0);
            let report = loop {
                match session.next() {
                    Next::Over(report) => break report,
                    Next::Do(step) => {
                        let all = outcomes(&step);
                        let outcome = match dice.random_bool(luck) {
                            true => world.clone().take(&step),
                            false => all.choose(&mut dice).unwrap().clone(),
                        };
                        if dice.random_bool(0.1) {
                            // Killed: it goes on from what was taken down.
                            assert_eq!(core_plan::next(&plan, &entries), Next::Do(step.clone()));
                        }
                        assert!(session.record(&step, &outcome));
                        entries.push(Entry { step, outcome });
                        assert!(entries.len() < 400, "seed {seed}: without end");
                    }
                }
            };
            check(&entries, &report, &plan);
            assert_eq!(core_plan::next(&plan, &entries), Next::Over(report), "seed {seed}");
        }
    }
}

#[test]
fn a_session_that_is_killed_at_every_step_ends_as_one_that_is_not() {
    let undisturbed = {
        let mut world = world();
        world.settings.reboots = RebootPolicy::Normal;
        let (_, report) = world.run();
        (report.overall, report.results, world.installed, world.broken)
    };
    // Killed after the step ran and before that was taken down; or before it ran.
    for ran in [true, false] {
        for killed in 0..40 {
            let mut world = world();
            world.settings.reboots = RebootPolicy::Normal;
            let plan = world.plan();
            let mut session = Session::of(&plan);
            let mut at = 0;
            let report = loop {
                match session.next() {
                    Next::Over(report) => break report,
                    Next::Do(step) => {
                        let outcome = match (at == killed, ran) {
                            (false, _) => world.take(&step),
                            (true, true) => {
                                world.take(&step);
                                Outcome::Interrupted
                            }
                            (true, false) => Outcome::Interrupted,
                        };
                        at += 1;
                        assert!(session.record(&step, &outcome));
                    }
                }
            };
            // A reboot that may have been counts as one; looked at afterwards, it is as it is.
            let ended = (report.overall, report.results, world.installed, world.broken);
            assert_eq!(ended, undisturbed, "killed at {killed}, ran: {ran}");
        }
    }
}
