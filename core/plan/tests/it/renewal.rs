//! Between detection and execution something changes: what is planned anew, and what is not.

use core_model::library::{DesiredState as State, Prerequisite, Script};
use core_plan::{ActionResult, Deed, Difference, Key, OnChange, Overall};

use crate::world::{World, action, deployment, result, software_id as id};

fn world() -> World {
    World::new()
        .deploys("Office", State::Latest)
        .deploys("Reader", State::Latest)
        .deploys("Zip", State::Latest)
}

fn changed(inputs: &[&str]) -> Difference {
    Difference::Changed(inputs.iter().map(|input| (*input).to_owned()).collect())
}

#[test]
fn s2_what_changed_is_planned_anew_and_the_input_is_named() {
    let mut world = world();
    let mut known = world.detect();
    let old = world.plan_of(&known);
    // The winner of one item is another one now.
    let name = world.deployments[1].name.clone();
    world.deployments[1] = deployment(id("Reader"), State::ThisVersion("1".to_owned()));
    world.log.clear();
    world.detect_more(&mut known);
    assert!(world.told().is_empty(), "what was found is found");
    let now = world.plan_of(&known);
    let (plan, differences) = old.renewed(now.clone(), OnChange::Replan);
    assert_eq!(differences.len(), 1);
    let key = Key::item(id("Reader"));
    let input = format!("deployment {name}");
    assert_eq!(differences[&key], changed(&[&input]));
    assert!(differences[&key].words().contains(&input));
    assert_eq!(plan, now);
    for name in ["Office", "Zip"] {
        assert_eq!(action(&plan, id(name)), action(&old, id(name)), "{name} is as it was");
    }
    let Deed::Install(pick) = &action(&plan, id("Reader")).deed else { panic!() };
    assert_eq!(pick.version.as_str(), "1");
    assert_ne!(plan.digest, old.digest);
    // Or it is left out, and said.
    let (plan, _) = old.renewed(now, OnChange::Skip);
    let report = world.carry_out(&plan);
    let ActionResult::Skipped(why) = result(&report, id("Reader")) else { panic!("{report:?}") };
    assert!(why.contains(&input), "{why}");
    assert_eq!(report.overall, Overall::PartiallyPassed);
    assert_eq!(world.installed.len(), 2);
}

#[test]
fn s3_what_concerns_others_changes_nothing() {
    let mut world = world();
    let known = world.detect();
    let old = world.plan_of(&known);
    // Another item of the library, and what nobody's plan is made of.
    world = world.knows("Other");
    world.deployments[0].note = "asked for by Ana".to_owned();
    world.deployments[0].visibility.technician_tools = true;
    world.edit("Other").scripts.install = Some(Script::new("other"));
    let now = world.plan_of(&known);
    let (plan, differences) = old.renewed(now, OnChange::Replan);
    assert!(differences.is_empty());
    assert_eq!(plan, old);
}

#[test]
fn each_kind_of_input_is_named() {
    let mut world = world().requires("Office", Prerequisite::installs(id("Reader")));
    let known = world.detect();
    let old = world.plan_of(&known);
    let differences = |world: &World, known: &core_plan::Detections| {
        let mut differences = old.differences(&world.plan_of(known));
        let mut take = |name: &str| differences.remove(&Key::item(id(name)));
        (take("Office"), take("Reader"), take("Zip"))
    };
    let mut script = world.clone();
    script.edit("Reader").scripts.install = Some(Script::new("changed"));
    let reader = || Some(changed(&["software Reader"]));
    assert_eq!(differences(&script, &known), (reader(), reader(), None));
    let mut found = known.clone();
    found.items.get_mut(&Key::item(id("Zip"))).unwrap().found =
        Some(core_plan::Found::of_output("1"));
    assert_eq!(
        differences(&world, &found),
        (None, None, Some(changed(&["what was found of Zip"])))
    );
    let mut gone = world.clone();
    gone.deployments.pop();
    assert_eq!(differences(&gone, &known), (None, None, Some(Difference::Removed)));
    // What is new was not looked at yet: it is asked for, and nothing else.
    let mut new = world.deploys("Added", State::Latest);
    let mut known = known;
    new.log.clear();
    new.detect_more(&mut known);
    assert_eq!(new.told(), ["Added: detect"]);
    let now = new.plan_of(&known);
    assert_eq!(old.differences(&now)[&Key::item(id("Added"))], Difference::Added);
}
