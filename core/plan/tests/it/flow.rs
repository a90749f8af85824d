//! How actions go: detections that only read, installs, updates, tests, retries, who is to blame.

use core_model::library::{
    Architecture, DesiredState as State, Detection, Download, KeptSecret, Licence,
    LicenceRequirement, NobodyLoggedOn, RepairStrategy, Script, ScriptContext, UpgradeStrategy,
};
use core_plan::{
    ActionResult, Deed, Failure, FailureClass, Key, Next, Outcome, Overall, Plan, Reason,
    RebootPolicy, RunKind, Session, Step, Tested, WhenOffline,
};

use crate::world::{
    World, action, block, deployment, result, software_id as id, task_id, versions,
};

fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed(Failure::new(class, "so it says"))
}

fn class(result: &ActionResult) -> FailureClass {
    let ActionResult::Failed(failure) = result else { panic!("{result:?}") };
    failure.class
}

#[test]
fn s1_a_detection_only_reads_and_its_plan_says_what_is_done() {
    let mut world = World::new()
        .deploys("Reader", State::Latest)
        .deploys("Office", State::Absent)
        .has("Office", "1")
        .runs("Settings", State::Enforce)
        .runs("Report", State::Monitor);
    world.edit("Reader").dynamic_versions = Some(Script::new("versions"));
    world.edit("Reader").scripts.test = Some(Script::new("test"));
    world = world.has("Reader", "1");
    let plan = world.plan();
    for step in &world.log {
        let reads = match step {
            Step::Item { work, .. } => work.reads() && work.purpose().unwrap().reads(),
            Step::Versions(_) => true,
            _ => false,
        };
        assert!(reads, "{}", world.tell(step));
    }
    let words: Vec<String> = plan.actions.iter().map(core_plan::Action::words).collect();
    assert_eq!(
        words,
        [
            "Office: uninstall, because it should not be there",
            "Reader: update to 2, because there is a newer version",
            "Report: nothing, because it was read",
            "Settings: enforce, because its test says that it is not as it should be",
        ]
    );
    assert_eq!(plan.digest.len(), 32);
    let json = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan, "it can be stored");
    // Only looking changes nothing, and is no failure.
    world.run = RunKind::DetectOnly;
    let (_, report) = world.run();
    assert!(world.told().is_empty());
    assert_eq!(*result(&report, id("Office")), ActionResult::Pending);
    assert_eq!(report.overall, Overall::Passed);
    // One item alone, too.
    world.run = RunKind::LookAt(Key::item(id("Reader")));
    let (plan, report) = world.run();
    assert!(world.told().is_empty());
    assert_eq!(plan.actions.len(), 1);
    assert_eq!(*result(&report, id("Reader")), ActionResult::Pending);
}

#[test]
fn p2_what_is_ignored_is_not_even_detected() {
    let mut world = World::new().deploys("Reader", State::Ignored).has("Reader", "1");
    let name = world.deployments[0].name.clone();
    let (plan, report) = world.run();
    assert!(plan.actions.is_empty());
    assert_eq!(
        plan.left_out,
        [(Key::item(id("Reader")), format!("the deployment `{name}` ignores it"))]
    );
    world.detect();
    assert!(world.told().is_empty());
    assert_eq!(report.overall, Overall::Passed);
}

#[test]
fn s4_enforce_tests_sets_and_tests() {
    let mut world = World::new().runs("Settings", State::Enforce);
    let (_, report) = world.run();
    assert_eq!(world.told(), ["Settings: test", "Settings: set", "Settings: test"]);
    assert_eq!(*result(&report, task_id("Settings")), ActionResult::Compliant);
    // Once more, there is nothing to do.
    let (plan, report) = world.run();
    assert!(world.told().is_empty() && plan.is_idle());
    assert_eq!(report.overall, Overall::Passed);
}

#[test]
fn s5_a_set_that_changes_nothing_is_not_compliant_whatever_its_exit_code() {
    let mut world = World::new().runs("Settings", State::Enforce);
    world.inert.insert(task_id("Settings").into());
    world.settings.tries = 2;
    let (_, report) = world.run();
    let twice = ["Settings: set", "Settings: test"].repeat(2);
    assert_eq!(world.told(), [vec!["Settings: test"], twice].concat());
    let result = result(&report, task_id("Settings"));
    let ActionResult::NonCompliant(why) = result else { panic!("{result:?}") };
    assert!(why.contains("tried 2 times"), "{why}");
    assert_eq!(report.overall, Overall::Failed);
}

#[test]
fn s6_an_audit_ends_with_a_boolean_or_its_test_is_invalid() {
    let audit = |printed: &str| {
        let mut world = World::new().runs("Report", State::Audit);
        let outcome = Outcome::Tested(Tested::of_output(printed));
        world.outcomes.insert("Report: test".to_owned(), vec![outcome]);
        let (_, report) = world.run();
        assert!(world.told().is_empty(), "an audit is done by its detection");
        result(&report, task_id("Report")).clone()
    };
    assert_eq!(audit("fine\ntrue"), ActionResult::Compliant);
    assert!(matches!(audit("looking\nfalse\n"), ActionResult::NonCompliant(_)));
    for printed in ["", "0", "false\nbye"] {
        assert_eq!(class(&audit(printed)), FailureClass::TestInvalid, "{printed:?}");
    }
}

#[test]
fn success_is_what_the_detection_says_and_never_the_exit_code() {
    let mut world = World::new().deploys("Reader", State::Latest);
    world.inert.insert(id("Reader").into());
    let (_, report) = world.run();
    assert_eq!(class(result(&report, id("Reader"))), FailureClass::Verify);
    assert_eq!(world.told(), ["Reader: install 2", "Reader: detect"].repeat(3));
    // An installer that fails and leaves the version there has done its work.
    let mut world = World::new().deploys("Reader", State::Latest);
    let plan = world.plan();
    world = world.has("Reader", "2.1");
    world.log.clear();
    let exit_code = failed(FailureClass::Install);
    world.outcomes.insert("Reader: install 2".to_owned(), vec![exit_code]);
    let report = world.carry_out(&plan);
    assert_eq!(*result(&report, id("Reader")), ActionResult::Compliant, "newer is well");
    assert_eq!(world.told(), ["Reader: install 2", "Reader: detect"]);
}

#[test]
fn s18_downloads_are_tried_a_few_times_and_nothing_is_installed_without() {
    let mut world = World::new().deploys("Reader", State::Latest);
    let url = "https://example.com/reader.exe".to_owned();
    let download = Download { url, sha256: None, file_name: None };
    world.edit("Reader").versions[1].download = Some(download);
    let never = vec![failed(FailureClass::Download); 3];
    world.outcomes.insert("Reader: download 2".to_owned(), never);
    let (plan, report) = world.run();
    assert_eq!(world.told(), ["Reader: download 2"; 3]);
    assert_eq!(class(result(&report, id("Reader"))), FailureClass::Download);
    let once = vec![failed(FailureClass::Download)];
    world.outcomes.insert("Reader: download 2".to_owned(), once);
    assert_eq!(world.carry_out(&plan).overall, Overall::Passed);
}

#[test]
fn s17_what_hangs_is_looked_at_and_not_tried_again() {
    let mut world = World::new().deploys("Reader", State::Latest).deploys("Zip", State::Latest);
    let plan = world.plan();
    world.log.clear();
    world.outcomes.insert("Reader: install 2".to_owned(), vec![failed(FailureClass::Timeout)]);
    let report = world.carry_out(&plan);
    assert_eq!(class(result(&report, id("Reader"))), FailureClass::Timeout);
    assert_eq!(*result(&report, id("Zip")), ActionResult::Compliant);
    assert_eq!(world.told()[..2], ["Reader: install 2", "Reader: detect"]);
}

#[test]
fn s28_nobody_logged_on_skips_or_fails_as_the_script_says() {
    for how in [NobodyLoggedOn::Skip, NobodyLoggedOn::Fail] {
        let mut world = World::new().runs("Wallpaper", State::Enforce);
        let mut script = Script::new("set").in_context(ScriptContext::User);
        script.nobody_logged_on = how;
        world.edit_task("Wallpaper").scripts.set = Some(script);
        let nobody = vec![failed(FailureClass::NoUser)];
        world.outcomes.insert("Wallpaper: set".to_owned(), nobody);
        let (_, report) = world.run();
        match (how, result(&report, task_id("Wallpaper"))) {
            (NobodyLoggedOn::Skip, ActionResult::Skipped(why)) => assert!(why.contains("nobody")),
            (NobodyLoggedOn::Fail, result) => assert_eq!(class(result), FailureClass::NoUser),
            (how, result) => panic!("{how:?}: {result:?}"),
        }
    }
}

#[test]
fn s10_s12_what_was_under_way_when_the_subject_went_is_looked_at_before_it_is_done_again() {
    for lost in [Outcome::Interrupted, failed(FailureClass::Offline)] {
        let mut world = World::new().deploys("Reader", State::Latest);
        let plan = world.plan();
        world.outcomes.insert("Reader: install 2".to_owned(), vec![lost.clone()]);
        world.log.clear();
        let report = world.carry_out(&plan);
        let told: Vec<String> = world.told().into_iter().filter(|step| step != "wait").collect();
        let twice = ["Reader: install 2", "Reader: detect"].repeat(2);
        assert_eq!(told, twice, "{lost:?}");
        assert_eq!(report.overall, Overall::Passed);
    }
    let mut world = World::new().deploys("Reader", State::Latest).deploys("Zip", State::Latest);
    world.settings.offline = WhenOffline::End;
    let plan = world.plan();
    let lost = vec![failed(FailureClass::Offline)];
    world.outcomes.insert("Reader: install 2".to_owned(), lost);
    let report = world.carry_out(&plan);
    for name in ["Reader", "Zip"] {
        assert_eq!(class(result(&report, id(name))), FailureClass::Offline);
    }
    assert_eq!(report.overall, Overall::Failed, "who ends offline has not passed");
}

#[test]
fn what_was_changed_beside_the_plan_is_looked_at_for_a_reboot_in_the_end() {
    for (policy, asks) in [(RebootPolicy::Normal, true), (RebootPolicy::Suppress, false)] {
        let mut world = World::new();
        world.settings.reboots = policy;
        let plan = world.plan();
        let mut session = Session::of(&plan);
        assert!(matches!(session.next(), Next::Over(_)), "there is nothing to do");
        session.note_change();
        assert_eq!(matches!(session.next(), Next::Do(Step::CheckReboot)), asks, "{policy:?}");
        if asks {
            let pending = Outcome::Reboot { pending: true, held: None };
            session.record(&Step::CheckReboot, &pending);
            assert_eq!(session.next(), Next::Do(Step::Reboot));
        }
    }
}

#[test]
fn an_answer_to_another_step_is_passed_over() {
    let mut world = World::new().deploys("Reader", State::Latest);
    let plan = world.plan();
    let mut session = Session::of(&plan);
    let Next::Do(step) = session.next() else { panic!() };
    assert!(!session.record(&Step::Reboot, &Outcome::Done { reboot: false }));
    assert_eq!(session.next(), Next::Do(step));
}

/// The steps of one action, and the plan.
fn route(world: &mut World) -> (Vec<String>, Plan) {
    let (plan, report) = world.run();
    assert_eq!(report.overall, Overall::Passed, "{report:?}");
    let steps = world.told();
    (steps.iter().map(|step| step.replacen("Reader: ", "", 1)).collect(), plan)
}

#[test]
fn each_strategy_has_its_steps() {
    let world = |state: State| {
        let mut world = World::new().deploys("Reader", state).has("Reader", "1");
        let reader = world.edit("Reader");
        reader.scripts.post_install = Some(Script::new("post"));
        reader.scripts.test = Some(Script::new("test"));
        reader.scripts.upgrade = Some(Script::new("upgrade"));
        world
    };
    let after = ["detect", "post-install 2", "test"];
    let mut over = world(State::Latest);
    assert_eq!(route(&mut over).0, [vec!["install 2"], after.to_vec()].concat());
    let mut replace = world(State::Latest);
    replace.edit("Reader").upgrade = UpgradeStrategy::UninstallInstall;
    let gone = vec!["uninstall", "detect", "install 2"];
    assert_eq!(route(&mut replace).0, [gone, after.to_vec()].concat());
    let mut script = world(State::Latest);
    script.edit("Reader").upgrade = UpgradeStrategy::Script;
    assert_eq!(route(&mut script).0, [vec!["upgrade 2"], after.to_vec()].concat());
    // A version's own strategy beats that of the software; without any, an update fails.
    let mut none = world(State::Latest);
    none.edit("Reader").versions[1].upgrade = Some(UpgradeStrategy::None);
    let (plan, report) = none.run();
    assert!(block(&plan, id("Reader")).contains("upgrade strategy"));
    assert_eq!(class(result(&report, id("Reader"))), FailureClass::Definition);
    // Nothing there needs no strategy.
    none.installed.clear();
    assert_eq!(route(&mut none).0[0], "install 2");
    let mut down = world(State::ThisVersion("1".to_owned())).has("Reader", "2");
    let (steps, plan) = route(&mut down);
    assert_eq!(steps, ["uninstall", "detect", "install 1", "detect", "post-install 1", "test"]);
    assert_eq!(action(&plan, id("Reader")).reason, Reason::OlderRequired);
    let mut gone = world(State::Absent);
    gone.edit("Reader").scripts.post_uninstall = Some(Script::new("post"));
    assert_eq!(route(&mut gone).0, ["uninstall", "detect", "post-uninstall"]);
}

#[test]
fn stepping_stones_are_gone_over_one_after_the_other() {
    let mut world = World::new().deploys("Reader", State::Latest).has("Reader", "1");
    let reader = world.edit("Reader");
    reader.versions = versions(&["4", "3", "2", "1"]);
    reader.versions[0].requires_version = Some("3.0".to_owned());
    reader.versions[1].requires_version = Some("2".to_owned());
    let (steps, _) = route(&mut world);
    assert_eq!(steps, ["install 2", "detect", "install 3", "detect", "install 4", "detect"]);
    // From nothing too; and only as far as it is needed.
    world.installed.clear();
    assert_eq!(route(&mut world).0.len(), 6);
    let mut world = world.has("Reader", "3.5");
    assert_eq!(route(&mut world).0, ["install 4", "detect"]);
    world = world.has("Reader", "1");
    world.edit("Reader").versions.remove(1);
    let words = block(&world.plan(), id("Reader"));
    assert!(words.contains("3.0 must be there before"), "{words}");
    world.edit("Reader").versions = versions(&["4"]);
    world.edit("Reader").versions[0].requires_version = Some("4".to_owned());
    assert!(block(&world.plan(), id("Reader")).contains("requires itself"));
}

#[test]
fn what_does_not_work_is_mended_before_it_is_updated() {
    let mut world = World::new().deploys("Reader", State::Latest).has("Reader", "1");
    let reader = world.edit("Reader");
    reader.scripts.test = Some(Script::new("test"));
    reader.scripts.repair = Some(Script::new("repair"));
    reader.repair = RepairStrategy::Script;
    world.broken.insert(id("Reader").into());
    let (steps, plan) = route(&mut world);
    assert_eq!(steps, ["repair", "detect", "test", "install 2", "detect", "test"]);
    assert_eq!(action(&plan, id("Reader")).reason, Reason::TestFailed);
    // Asked for by name, it is mended though nothing says that it is broken.
    world.run = RunKind::Item { key: Key::item(id("Reader")), repair: true };
    let (steps, plan) = route(&mut world);
    assert_eq!(steps, ["repair", "detect", "test"]);
    assert_eq!(action(&plan, id("Reader")).reason, Reason::RepairAsked);
    world.edit("Reader").repair = RepairStrategy::UninstallInstall;
    assert_eq!(route(&mut world).0, ["uninstall", "detect", "install 2", "detect", "test"]);
    world.edit("Reader").repair = RepairStrategy::None;
    assert!(block(&world.plan(), id("Reader")).contains("repair strategy"));
}

#[test]
fn a_licence_is_needed_to_install_and_not_to_uninstall() {
    let mut world = World::new().deploys("Reader", State::Latest);
    world.edit("Reader").licensing.requirement = LicenceRequirement::Required;
    let (_, report) = world.run();
    assert_eq!(class(result(&report, id("Reader"))), FailureClass::NoLicence);
    world.edit("Reader").licensing.licences.push(Licence {
        name: "all".to_owned(),
        value: KeptSecret::parse("store:reader").unwrap(),
        tenant: None,
        version: Some("2".to_owned()),
    });
    assert_eq!(world.run().1.overall, Overall::Passed);
    world.edit("Reader").licensing.licences.clear();
    assert_eq!(world.run().1.overall, Overall::Passed, "what is compliant needs none");
    world.deployments[0].state = State::Absent;
    assert_eq!(world.run().1.overall, Overall::Passed);
    assert!(world.installed.is_empty());
    world.deployments[0].state = State::Latest;
    world.edit("Reader").licensing.requirement = LicenceRequirement::Optional;
    assert_eq!(world.run().1.overall, Overall::Passed);
}

#[test]
fn what_a_definition_lacks_is_told_before_anything_runs() {
    let lacks = |change: fn(&mut World)| {
        let mut world = World::new().deploys("Reader", State::Latest);
        change(&mut world);
        let (plan, _) = world.run();
        assert!(world.told().is_empty());
        block(&plan, id("Reader"))
    };
    assert!(lacks(|world| world.edit("Reader").detection = None).contains("no detection"));
    assert!(lacks(|world| world.edit("Reader").versions.clear()).contains("no usable version"));
    let arm = |world: &mut World| {
        for version in &mut world.edit("Reader").versions {
            version.architecture = Some(Architecture::Arm64);
        }
    };
    assert!(lacks(arm).contains("arm64"));
    let stays = |world: &mut World| {
        world.edit("Reader").scripts.uninstall = None;
        world.deployments[0] = deployment(id("Reader"), State::Absent);
        world.installed.insert(id("Reader"), "1".to_owned());
        world.edit("Reader").detection = Some(Detection::Script(Script::new("detect")));
    };
    assert!(lacks(stays).contains("no uninstall script"));
}

#[test]
fn versions_that_a_script_names_are_planned_with() {
    let mut world = World::new().deploys("Reader", State::Latest).has("Reader", "2");
    world.edit("Reader").dynamic_versions = Some(Script::new("versions"));
    let named = vec![Outcome::Versions(versions(&["3"]))];
    world.outcomes.insert("versions".to_owned(), named);
    let plan = world.plan();
    assert_eq!(world.told(), ["Reader: detect", "versions"]);
    world.outcomes.clear();
    let Deed::Update(pick) = &action(&plan, id("Reader")).deed else { panic!() };
    assert_eq!(pick.version.as_str(), "3");
    world.edit("Reader").versions.clear();
    world.installed.clear();
    let plan = world.plan();
    let words = block(&plan, id("Reader"));
    assert!(words.contains("is no answer"), "why the script named none: {words}");
}
