//! Prerequisites: the scenarios D4 to D13, and what goes with them.

use core_model::library::{
    DesiredState as State, Order, Prerequisite, PrerequisiteAction, Presence, Quantifier,
    RepairStrategy, Script,
};
use core_plan::{
    ActionResult, Block, Deed, FailureClass, Key, Origin, Overall, Reason, RebootPolicy, RunKind,
};

use crate::world::{
    World, action, block, deployment, result, software_id as id, task, task_id, uninstalls,
};

#[test]
fn d4_a_prerequisite_that_is_ignored_blocks_and_names_the_deployment() {
    for one in [Prerequisite::installs(id("Office")), Prerequisite::needs(id("Office"))] {
        for there in [false, true] {
            let mut world = World::new()
                .deploys("Office", State::Ignored)
                .deploys("Plug-in", State::Latest)
                .deploys("Other", State::Latest)
                .requires("Plug-in", one.clone());
            if there {
                world = world.has("Office", "2");
            }
            let name = world.deployments[0].name.clone();
            let (plan, report) = world.run();
            let expected =
                Block::PrerequisiteIgnored { needs: "Office".to_owned(), deployment: name };
            assert_eq!(action(&plan, id("Plug-in")).block, Some(expected));
            assert!(matches!(result(&report, id("Plug-in")), ActionResult::Blocked(_)));
            assert_eq!(*result(&report, id("Other")), ActionResult::Compliant);
            assert_eq!(report.overall, Overall::PartiallyPassed);
            assert!(!world.installed.contains_key(&id("Plug-in")));
        }
    }
}

#[test]
fn d5_a_prerequisite_that_contradicts_a_winner_is_told_before_anything_runs() {
    for there in [false, true] {
        let mut world = World::new()
            .deploys("Acrobat", State::Latest)
            .deploys("Reader", State::Latest)
            .requires("Acrobat", uninstalls(id("Reader")));
        if there {
            world = world.has("Reader", "2");
        }
        let plan = world.plan();
        let words = block(&plan, id("Acrobat"));
        assert!(words.contains("Reader uninstalled"), "{words}");
        assert!(words.contains(&world.deployments[1].name), "{words}");
        let report = world.carry_out(&plan);
        assert!(world.installed.contains_key(&id("Reader")), "nothing is removed");
        assert!(!world.installed.contains_key(&id("Acrobat")));
        assert_eq!(report.overall, Overall::PartiallyPassed);
    }
    // The other way round: it needs what shall not be there.
    let mut world = World::new()
        .deploys("Plug-in", State::Latest)
        .deploys("Office", State::Absent)
        .has("Office", "2")
        .requires("Plug-in", Prerequisite::installs(id("Office")));
    let words = block(&world.plan(), id("Plug-in"));
    assert!(words.contains("Office installed") && words.contains("absent"), "{words}");
}

#[test]
fn d5_what_is_called_for_in_both_ways_is_left_alone() {
    let mut installs = Prerequisite::installs(id("Shared"));
    installs.of = [id("Two")].into();
    installs.presence = Presence::Installed;
    let mut world = World::new()
        .deploys("One", State::Latest)
        .deploys("Two", State::Latest)
        .knows("Shared")
        .has("Shared", "1")
        .requires("Two", uninstalls(id("Shared")))
        .requires("One", installs);
    let (plan, report) = world.run();
    for name in ["One", "Two"] {
        let words = block(&plan, id(name));
        assert!(words.contains("Shared") && words.contains("uninstalled"), "{words}");
    }
    assert!(plan.action(&Key::item(id("Shared"))).is_none());
    assert_eq!(world.installed.len(), 1);
    assert_eq!(report.overall, Overall::Failed);
}

#[test]
fn d7_what_is_not_found_and_only_updated_calls_for_nothing() {
    let mut world = World::new()
        .deploys("Plug-in", State::UpdateIfFound)
        .knows("Office")
        .requires("Plug-in", Prerequisite::installs(id("Office")));
    world.tasks.push(task("Configure"));
    world.edit("Plug-in").configuration = Some(task_id("Configure"));
    world.edit("Plug-in").scripts.test = Some(Script::new("test"));
    let (plan, report) = world.run();
    assert_eq!(world.names(&plan), ["Plug-in"]);
    assert_eq!(action(&plan, id("Plug-in")).reason, Reason::NotFound);
    assert_eq!(report.overall, Overall::Passed);
    assert!(world.told().is_empty(), "{:?}", world.told());
    // Found, it calls for what it needs.
    world = world.has("Plug-in", "1");
    let (plan, _) = world.run();
    assert_eq!(world.names(&plan), ["Office", "Plug-in", "Configure"]);
}

#[test]
fn d8_the_prerequisite_of_what_is_compliant_is_looked_after() {
    let mut world = World::new()
        .deploys("Plug-in", State::Latest)
        .knows("Office")
        .has("Plug-in", "2")
        .requires("Plug-in", Prerequisite::installs(id("Office")));
    let (plan, report) = world.run();
    assert_eq!(world.names(&plan), ["Office", "Plug-in"]);
    assert!(matches!(action(&plan, id("Office")).deed, Deed::Install(_)));
    assert_eq!(action(&plan, id("Plug-in")).deed, Deed::Nothing);
    assert_eq!(report.overall, Overall::Passed);
    // It is there and does not work: it is mended.
    let office = world.edit("Office");
    office.scripts.test = Some(Script::new("test"));
    office.scripts.repair = Some(Script::new("repair"));
    office.repair = RepairStrategy::Script;
    world.broken.insert(id("Office").into());
    let (plan, report) = world.run();
    let office = action(&plan, id("Office"));
    assert_eq!(office.reason, Reason::TestFailed);
    assert_eq!(office.origin, Origin::Prerequisite(vec![Key::item(id("Plug-in"))]));
    assert_eq!(world.told(), ["Office: repair", "Office: detect", "Office: test"]);
    assert_eq!(report.overall, Overall::Passed);
    assert!(world.broken.is_empty());
}

#[test]
fn d10_what_two_need_is_done_once_right_before_the_first() {
    let mut world = World::new()
        .deploys("A", State::Latest)
        .knows("B")
        .knows("C")
        .knows("D")
        .deploys("Aa", State::Latest)
        .requires("A", Prerequisite::installs(id("C")))
        .requires("A", Prerequisite::installs(id("B")))
        .requires("B", Prerequisite::installs(id("D")))
        .requires("C", Prerequisite::installs(id("D")));
    let (plan, _) = world.run();
    assert_eq!(world.names(&plan), ["D", "B", "C", "A", "Aa"]);
    assert_eq!(world.told().iter().filter(|step| *step == "D: install 2").count(), 1);
    let mut both = [Key::item(id("B")), Key::item(id("C"))];
    both.sort();
    assert_eq!(action(&plan, id("D")).origin, Origin::Prerequisite(both.to_vec()));
}

#[test]
fn d11_what_is_pending_on_a_prerequisite_is_not_tested() {
    let mut world =
        World::new().runs("Settings", State::Enforce).runs("Report", State::Audit).knows("Office");
    for name in ["Settings", "Report"] {
        world.edit_task(name).prerequisites.push(Prerequisite::installs(id("Office")));
    }
    let known = world.detect();
    assert_eq!(world.told(), ["Office: detect"]);
    let plan = world.plan_of(&known);
    for name in ["Settings", "Report"] {
        assert_eq!(action(&plan, task_id(name)).reason, Reason::PendingOnPrerequisite);
    }
    world.log.clear();
    let report = world.carry_out(&plan);
    let office = ["Office: install 2", "Office: detect", "Report: test"];
    let settings = ["Settings: test", "Settings: set", "Settings: test"];
    assert_eq!(world.told(), [office, settings].concat());
    assert!(matches!(result(&report, task_id("Report")), ActionResult::NonCompliant(_)));
    assert_eq!(*result(&report, task_id("Settings")), ActionResult::Compliant);
    // Now that it is there, they are tested.
    world.log.clear();
    world.detect();
    assert_eq!(world.told(), ["Office: detect", "Report: test", "Settings: test"]);
}

#[test]
fn d11_software_that_is_there_is_tested_after_its_prerequisite() {
    let mut world = World::new()
        .deploys("Plug-in", State::Latest)
        .knows("Office")
        .has("Plug-in", "2")
        .requires("Plug-in", Prerequisite::installs(id("Office")));
    world.edit("Plug-in").scripts.test = Some(Script::new("test"));
    world.edit("Plug-in").repair = RepairStrategy::InstallOver;
    world.broken.insert(id("Plug-in").into());
    let (plan, report) = world.run();
    assert_eq!(action(&plan, id("Plug-in")).reason, Reason::PendingOnPrerequisite);
    let office = ["Office: install 2", "Office: detect", "Plug-in: test"];
    let plug_in = ["Plug-in: install 2", "Plug-in: detect", "Plug-in: test"];
    assert_eq!(world.told(), [office, plug_in].concat());
    assert_eq!(report.overall, Overall::Passed);
}

#[test]
fn d12_a_prerequisite_beats_the_order_with_a_warning() {
    let mut world = World::new()
        .deploys("Early", State::Latest)
        .deploys("Plain", State::Latest)
        .deploys("Late", State::Latest)
        .requires("Early", Prerequisite::installs(id("Late")));
    world.edit("Early").order = Order::Beginning(1);
    world.edit("Late").order = Order::End(1);
    let plan = world.plan();
    assert_eq!(world.names(&plan), ["Plain", "Late", "Early"]);
    assert_eq!(plan.warnings.len(), 1);
    assert!(plan.warnings[0].contains("Early comes after Late"), "{:?}", plan.warnings);
    world.software[0].prerequisites.clear();
    let plan = world.plan();
    assert_eq!(world.names(&plan), ["Early", "Plain", "Late"]);
    assert!(plan.warnings.is_empty());
}

#[test]
fn d13_what_needs_a_reboot_before_is_left_for_the_next_session() {
    let mut world = World::new()
        .deploys("Plug-in", State::Latest)
        .knows("Office")
        .requires("Plug-in", Prerequisite::installs(id("Office")));
    world.asks_reboot.insert(id("Office").into());
    world.settings.reboots = RebootPolicy::Suppress;
    let (_, report) = world.run();
    let ActionResult::Deferred(why) = result(&report, id("Plug-in")) else { panic!("{report:?}") };
    assert!(why.contains("reboots are suppressed"), "{why}");
    assert!(!world.installed.contains_key(&id("Plug-in")), "not attempted");
    assert_eq!(*result(&report, id("Office")), ActionResult::Compliant);
    assert_eq!(report.overall, Overall::PartiallyPassed);
    // Where it may be rebooted, it is, in between.
    world.installed.clear();
    world.pending_reboot = false;
    world.settings.reboots = RebootPolicy::Normal;
    let (_, report) = world.run();
    assert_eq!(report.overall, Overall::Passed);
    let steps = world.told();
    let at = |text: &str| steps.iter().position(|step| step == text).unwrap();
    assert!(at("Office: install 2") < at("reboot!") && at("reboot!") < at("Plug-in: install 2"));
}

#[test]
fn what_is_listed_for_this_session_counts_as_there_and_is_waited_for() {
    // The plug-in sorts before Office, and only fails where that is not there.
    let mut world = World::new()
        .deploys("A plug-in", State::Latest)
        .deploys("Office", State::Latest)
        .requires("A plug-in", Prerequisite::needs(id("Office")));
    let (plan, report) = world.run();
    assert_eq!(world.names(&plan), ["Office", "A plug-in"]);
    assert_eq!(report.overall, Overall::Passed);
    // Not listed, it fails, and nothing is installed for it.
    world.installed.clear();
    world.deployments.pop();
    let (plan, report) = world.run();
    let refused = Block::Refused { because: "Office is not installed".to_owned() };
    assert_eq!(action(&plan, id("A plug-in")).block, Some(refused));
    assert_eq!(report.overall, Overall::Failed);
    // Listed, and it does not arrive: it fails when its turn comes.
    world.deployments.push(deployment(id("Office"), State::Latest));
    world.inert.insert(id("Office").into());
    let (_, report) = world.run();
    let ActionResult::Failed(failure) = result(&report, id("A plug-in")) else { panic!() };
    assert_eq!(failure.class, FailureClass::Prerequisite);
    assert!(failure.message.contains("Office is not installed"), "{}", failure.message);
    assert!(world.installed.is_empty());
}

#[test]
fn a_failed_prerequisite_fails_what_depends_on_it_with_the_reason_and_nothing_else() {
    let mut world = World::new()
        .deploys("Plug-in", State::Latest)
        .deploys("Sequel", State::Latest)
        .deploys("Other", State::Latest)
        .knows("Office")
        .requires("Plug-in", Prerequisite::installs(id("Office")))
        .requires("Sequel", Prerequisite::installs(id("Plug-in")));
    world.inert.insert(id("Office").into());
    let (_, report) = world.run();
    for (name, of) in [("Plug-in", "Office"), ("Sequel", "Plug-in")] {
        let ActionResult::Failed(failure) = result(&report, id(name)) else { panic!("{report:?}") };
        assert_eq!(failure.class, FailureClass::Prerequisite);
        assert!(failure.message.contains(of), "{}", failure.message);
    }
    assert_eq!(*result(&report, id("Other")), ActionResult::Compliant);
    assert_eq!(report.overall, Overall::PartiallyPassed);
    assert_eq!(world.told().iter().filter(|step| *step == "Office: install 2").count(), 3);
}

#[test]
fn a_condition_about_several_is_decided_by_what_is_known() {
    let several = |quantifier| Prerequisite {
        quantifier,
        of: [id("One"), id("Two")].into(),
        presence: Presence::NotInstalled,
        action: PrerequisiteAction::Fail,
        software: Default::default(),
    };
    // Which are there, and whether it is refused: where any, where all are missing.
    let cases: [(&[&str], bool, bool); 3] =
        [(&[], true, true), (&["One"], true, false), (&["One", "Two"], false, false)];
    for (there, any, all) in cases {
        for (quantifier, refused) in [(Quantifier::Any, any), (Quantifier::All, all)] {
            let mut world = World::new()
                .deploys("App", State::Latest)
                .knows("One")
                .knows("Two")
                .requires("App", several(quantifier));
            for name in there {
                world = world.has(name, "1");
            }
            let plan = world.plan();
            let blocked = action(&plan, id("App")).block.is_some();
            assert_eq!(blocked, refused, "{quantifier:?} of {there:?}");
        }
    }
}

#[test]
fn what_is_only_updated_is_installed_where_something_needs_it() {
    let mut world = World::new()
        .deploys("Plug-in", State::Latest)
        .deploys("Office", State::UpdateIfFound)
        .requires("Plug-in", Prerequisite::installs(id("Office")));
    let (plan, report) = world.run();
    assert_eq!(world.names(&plan), ["Office", "Plug-in"]);
    assert!(matches!(action(&plan, id("Office")).deed, Deed::Install(_)));
    assert_eq!(report.overall, Overall::Passed);
}

#[test]
fn what_is_uninstalled_has_no_prerequisites() {
    let mut world = World::new()
        .deploys("Plug-in", State::Absent)
        .has("Plug-in", "1")
        .knows("Office")
        .requires("Plug-in", Prerequisite::installs(id("Office")));
    let (plan, _) = world.run();
    assert_eq!(world.names(&plan), ["Plug-in"]);
    assert_eq!(world.told(), ["Plug-in: uninstall", "Plug-in: detect"]);
    assert!(world.installed.is_empty());
}

#[test]
fn what_is_not_known_for_certain_blocks_itself_and_what_needs_it() {
    let mut world = World::new()
        .knows("Office")
        .deploys("Plug-in", State::Latest)
        .requires("Plug-in", Prerequisite::installs(id("Office")));
    let (deployment, why) = ("office-for-finance".to_owned(), "tags not read yet".to_owned());
    world.unknown.push((id("Office").into(), deployment, why));
    let (plan, report) = world.run();
    assert!(block(&plan, id("Office")).contains("tags not read yet"));
    assert!(block(&plan, id("Plug-in")).contains("tags not read yet"));
    assert!(matches!(result(&report, id("Plug-in")), ActionResult::Blocked(_)));
    assert!(world.installed.is_empty());
}

#[test]
fn a_configuration_runs_right_after_its_software() {
    let mut world =
        World::new().deploys("Reader", State::Latest).deploys("Reader helper", State::Latest);
    world.tasks.push(task("Zoom"));
    world.edit("Reader").configuration = Some(task_id("Zoom"));
    world.broken.insert(task_id("Zoom").into());
    let (plan, report) = world.run();
    assert_eq!(world.names(&plan), ["Reader", "Zoom", "Reader helper"]);
    assert_eq!(plan.actions[1].reason, Reason::SoftwareChanges);
    assert_eq!(report.overall, Overall::Passed);
    // Of what is compliant too, and then its test is part of the detection.
    world.broken.insert(task_id("Zoom").into());
    world.log.clear();
    let plan = world.plan();
    assert_eq!(world.told(), ["Reader: detect", "Zoom: test", "Reader helper: detect"]);
    assert_eq!(plan.actions[1].reason, Reason::TaskNotCompliant);
    // Not where its software failed.
    world.installed.clear();
    world.inert.insert(id("Reader").into());
    let (_, report) = world.run();
    assert!(matches!(report.results[1].1, ActionResult::Failed(_)));
    assert!(world.told().iter().all(|step| !step.starts_with("Zoom")));
}

#[test]
fn one_item_is_run_with_what_it_needs_and_nothing_else() {
    let mut world = World::new()
        .deploys("Plug-in", State::Latest)
        .deploys("Office", State::Latest)
        .deploys("Other", State::Latest)
        .requires("Plug-in", Prerequisite::installs(id("Office")));
    world.run = RunKind::Item { key: Key::item(id("Plug-in")), repair: false };
    let plan = world.plan();
    assert_eq!(world.names(&plan), ["Office", "Plug-in"]);
    assert!(world.told().iter().all(|step| !step.starts_with("Other")));
    world.run = RunKind::Again([Key::item(id("Other"))].into());
    let plan = world.plan();
    assert_eq!(world.names(&plan), ["Other"]);
}
