//! What wins and is held: looked at, and not acted on.

use core_model::library::{
    DesiredState as State, Prerequisite, PrerequisiteAction, Presence, Quantifier,
};
use core_plan::{ActionResult, Outcome, Overall, RunKind, Session, version_of};

use crate::world::{World, deployment, result, software_id as id, task_id};

const WHY: &str = "ring 2 opens after 2026-12-01T03:00:00Z";

fn held(mut world: World, name: &str) -> World {
    world.holds.insert(id(name).into(), WHY.to_owned());
    world
}

fn needs(software: &str) -> Prerequisite {
    Prerequisite {
        quantifier: Quantifier::Any,
        of: [id(software)].into(),
        presence: Presence::NotInstalled,
        action: PrerequisiteAction::Install,
        software: [id(software)].into(),
    }
}

#[test]
fn s30_what_is_held_is_looked_at_and_told_and_not_acted_on() {
    let world = World::new().deploys("Reader", State::Latest).deploys("Zip", State::Latest);
    let mut world = held(world, "Reader");
    let (plan, report) = world.run();
    assert_eq!(*result(&report, id("Reader")), ActionResult::Held(WHY.to_owned()));
    assert_eq!(*result(&report, id("Zip")), ActionResult::Compliant);
    assert!(
        !world.installed.contains_key(&id("Reader")) && world.installed.contains_key(&id("Zip"))
    );
    assert_eq!(report.overall, Overall::PartiallyPassed);
    let action = plan.actions.iter().find(|one| one.key.item == id("Reader").into()).unwrap();
    assert_eq!(action.words(), "Reader: install 2, because it is missing");
    assert!(!report.results.iter().any(|(_, result)| result.is_bad()));
    // Who only looks is told the same.
    world.run = RunKind::DetectOnly;
    let (_, report) = world.run();
    assert_eq!(*result(&report, id("Reader")), ActionResult::Held(WHY.to_owned()));
}

#[test]
fn s30_what_is_as_it_should_be_is_compliant_though_it_is_held() {
    let world = World::new().deploys("Reader", State::Latest).has("Reader", "2");
    let (_, report) = held(world, "Reader").run();
    assert_eq!(*result(&report, id("Reader")), ActionResult::Compliant);
    let mut world = World::new().runs("Policy", State::Audit);
    world.holds.insert(task_id("Policy").into(), WHY.to_owned());
    let (_, report) = world.run();
    assert!(
        matches!(result(&report, task_id("Policy")), ActionResult::NonCompliant(_)),
        "an audit only reads"
    );
}

#[test]
fn s30_what_only_something_held_calls_for_is_held_with_it_and_what_needs_it_waits() {
    let world = World::new().deploys("Office", State::Latest).knows("Framework");
    let mut world = held(world, "Office");
    world.edit("Office").prerequisites.push(needs("Framework"));
    let (_, report) = world.run();
    let ActionResult::Held(why) = result(&report, id("Framework")) else { panic!("{report:?}") };
    assert!(why.contains("Office calls for it, and is held"), "{why}");
    assert!(world.installed.is_empty(), "{:?}", world.installed);
    // Somebody else calls for it, too: then it is done.
    let mut both = World::new()
        .deploys("Office", State::Latest)
        .deploys("Zip", State::Latest)
        .knows("Framework");
    both.holds.insert(id("Office").into(), WHY.to_owned());
    both.edit("Office").prerequisites.push(needs("Framework"));
    both.edit("Zip").prerequisites.push(needs("Framework"));
    let (_, report) = both.run();
    assert_eq!(*result(&report, id("Framework")), ActionResult::Compliant);
    assert_eq!(*result(&report, id("Zip")), ActionResult::Compliant);
    assert!(matches!(result(&report, id("Office")), ActionResult::Held(_)));
    // What needs something that is held is left for another session, and has not failed.
    let mut later =
        World::new().deploys("Framework", State::Latest).deploys("Office", State::Latest);
    later.holds.insert(id("Framework").into(), WHY.to_owned());
    later.edit("Office").prerequisites.push(needs("Framework"));
    let (_, report) = later.run();
    let ActionResult::Deferred(why) = result(&report, id("Office")) else { panic!("{report:?}") };
    assert!(why.contains("held: ring 2"), "{why}");
}

#[test]
fn a_step_that_is_held_when_its_turn_comes_ends_its_action_and_no_other() {
    let mut world = World::new().deploys("Reader", State::Latest).deploys("Zip", State::Latest);
    let plan = world.plan();
    let mut session = Session::of(&plan);
    let mut taken = Vec::new();
    let report = loop {
        match session.next() {
            core_plan::Next::Over(report) => break report,
            core_plan::Next::Do(step) => {
                let told = world.tell(&step);
                let outcome = match told.contains("Reader") {
                    true => Outcome::Held("somebody stopped it".to_owned()),
                    false => world.take(&step),
                };
                taken.push(told);
                assert!(session.record(&step, &outcome));
            }
        }
    };
    assert_eq!(
        *result(&report, id("Reader")),
        ActionResult::Held("somebody stopped it".to_owned())
    );
    assert_eq!(*result(&report, id("Zip")), ActionResult::Compliant);
    assert_eq!(taken.iter().filter(|told| told.contains("Reader")).count(), 1, "{taken:?}");
}

#[test]
fn s30_a_version_is_what_is_asked_for_and_not_whom_it_is_for() {
    let world = World::new().deploys("Reader", State::Latest);
    let one = world.deployments[0].clone();
    let version = |world: &World, one: &core_model::library::Deployment| {
        world.with(|request| version_of(one, request.catalogue))
    };
    let first = version(&world, &one);
    let mut other = one.clone();
    other.note = "another note".to_owned();
    other.target = core_model::library::Target::And(Vec::new());
    other.rings =
        vec![core_model::library::Ring::new(core_model::library::RingMembers::Percent(5))];
    assert_eq!(version(&world, &other), first);
    let mut newer = World::new().deploys("Reader", State::Latest);
    newer.edit("Reader").versions = crate::world::versions(&["1", "2", "3"]);
    assert_ne!(version(&newer, &one), first);
    assert_ne!(version(&world, &deployment(id("Reader"), State::Absent)), first);
}
