//! R1: human decisions, and that merging and splitting are exact.

use core_model::decision::Settled;
use core_model::entity::{AgentState, Choice, Onboarding, Rule};

use super::support::{AgentBuilder, automate, control, day, estate, intune, serial, uuid};

/// One machine with three pathways, and another with two.
fn site() -> Vec<AgentBuilder> {
    vec![
        automate("a1").uuid(uuid(1)).serial(serial(1)).maker("HP").added(10).online(),
        control("c1").online().reading(|r| r.uuid(uuid(1)).serial(serial(1))),
        intune("i1").uuid(uuid(1)).serial(serial(1)).maker("HP").added(12),
        automate("a2").uuid(uuid(2)).serial(serial(2)).maker("HP").added(20).online(),
        intune("i2").uuid(uuid(2)).serial(serial(2)).maker("HP").added(22),
    ]
}

#[test]
fn i25_a_human_merges_what_no_rule_would() {
    let agents = site();
    let outcome =
        estate(agents.clone()).decided(&agents[3], Some(&agents[0]), Choice::SameMachine).run();
    outcome.assert_computers(&[&["a1", "a2", "c1", "i1", "i2"]]);
    outcome.assert_why("a2", Rule::R1, "human");
}

#[test]
fn i25_a_split_gives_back_the_computers_exactly_as_they_were() {
    let agents = site();
    let before = estate(agents.clone()).run();
    let merged = estate(agents.clone()).decided(&agents[3], Some(&agents[0]), Choice::SameMachine);
    assert_ne!(merged.run().identified.computers, before.identified.computers);
    // Whichever of the two the human names first.
    for (agent, with) in [(3, 0), (0, 3)] {
        let split =
            merged.clone().decided(&agents[agent], Some(&agents[with]), Choice::TwoMachines);
        assert_eq!(split.run().identified.computers, before.identified.computers);
        let again = split.reordered(|agents| agents.reverse()).run();
        assert_eq!(again.identified.computers, before.identified.computers, "after a rebuild");
    }
}

#[test]
fn i25_a_split_undoes_what_the_rules_merged_and_a_re_sync_does_not_merge_it_again() {
    let agents = [
        automate("a").uuid(uuid(1)).serial(serial(1)),
        intune("i").uuid(uuid(1)).serial(serial(1)),
    ];
    let estate = estate(agents.clone());
    estate.run().assert_computers(&[&["a", "i"]]);
    let split = estate.decided(&agents[1], Some(&agents[0]), Choice::TwoMachines);
    for _ in 0..2 {
        split.run().assert_computers(&[&["a"], &["i"]]);
    }
    assert!(split.run().identified.questions.is_empty(), "what was settled is not asked again");
}

#[test]
fn i25_the_third_agent_of_a_split_computer_is_on_neither_side_by_chance() {
    let agents =
        [automate("a").uuid(uuid(1)), automate("b").uuid(uuid(1)), intune("i").uuid(uuid(1))];
    let outcome =
        estate(agents.clone()).decided(&agents[0], Some(&agents[1]), Choice::TwoMachines).run();
    outcome.assert_computers(&[&["a"], &["b"]]);
    assert_eq!(outcome.state("i"), AgentState::Undecided);
}

#[test]
fn i25_the_later_decision_holds_whichever_agent_it_names_first() {
    let agents = [automate("a").uuid(uuid(1)), automate("b").uuid(uuid(2))];
    let estate = estate(agents.clone());
    let split = estate.decided(&agents[0], Some(&agents[1]), Choice::SameMachine).decided(
        &agents[1],
        Some(&agents[0]),
        Choice::TwoMachines,
    );
    split.run().assert_computers(&[&["a"], &["b"]]);
    let joined = split.decided(&agents[0], Some(&agents[1]), Choice::SameMachine);
    joined.run().assert_computers(&[&["a", "b"]]);
}

#[test]
fn i25_a_later_split_holds_against_a_merge_by_way_of_a_third() {
    let agents =
        [automate("a").uuid(uuid(1)), automate("b").uuid(uuid(2)), automate("c").uuid(uuid(3))];
    let outcome = estate(agents.clone())
        .decided(&agents[0], Some(&agents[1]), Choice::SameMachine)
        .decided(&agents[1], Some(&agents[2]), Choice::SameMachine)
        .decided(&agents[0], Some(&agents[2]), Choice::TwoMachines)
        .run();
    assert_ne!(outcome.agent("a").computer, outcome.agent("c").computer);
}

#[test]
fn r1_re_installed_retires_the_old_agent_and_wiped_records_the_wipe() {
    let old = automate("old").uuid(uuid(1)).host("DESK-1").added(10).last_seen(180).baseline();
    let new = automate("new").uuid(uuid(1)).host("DESK-9").added(186).last_seen(199);
    let estate = estate([old.clone(), new.clone()]);
    assert_eq!(estate.run().questions().len(), 1);

    let again = estate.clone().decided(&new, Some(&old), Choice::ReInstalled).run();
    again.assert_computers(&[&["new", "old"]]);
    assert_eq!(again.state("old"), AgentState::Retired);
    assert_eq!(again.computer("new").onboarding, Onboarding::Done);

    let wiped = estate.decided(&new, Some(&old), Choice::Wiped).run();
    assert_eq!(wiped.state("old"), AgentState::Retired);
    assert_eq!(wiped.computer("new").wipes, [day(186)]);
    assert_eq!(wiped.computer("new").onboarding, Onboarding::Needed);
}

#[test]
fn r1_ask_again_later_leaves_the_question_open() {
    let old = automate("old").uuid(uuid(1)).added(10).last_seen(180);
    let new = automate("new").uuid(uuid(1)).added(186).last_seen(199);
    let outcome =
        estate([old.clone(), new.clone()]).decided(&new, Some(&old), Choice::AskLater).run();
    assert_eq!(outcome.questions().len(), 1);
}

#[test]
fn r1_somebody_confirms_a_machine_that_nothing_identifies() {
    let agent = control("c").host("DESK-1");
    let outcome = estate([agent.clone()]).decided(&agent, None, Choice::TwoMachines).run();
    outcome.assert_computers(&[&["c"]]);
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn a_computer_is_onboarded_until_it_is_wiped() {
    let onboarded = |agent: &AgentBuilder| Settled::Onboarded { agent: agent.record() };
    let agent = automate("a").uuid(uuid(1)).online();
    let done = estate([agent.clone()]).settled(onboarded(&agent), 100).run();
    assert_eq!(done.computer("a").onboarding, Onboarding::Done);
    let wiped = agent
        .reading_on(20, |r| r.installation("111").installed(5))
        .reading_on(186, |r| r.installation("222").installed(185));
    let undone = estate([wiped.clone()]).settled(onboarded(&wiped), 100);
    assert_eq!(undone.run().computer("a").onboarding, Onboarding::Needed);
    let again = undone.settled(onboarded(&wiped), 190).run();
    assert_eq!(again.computer("a").onboarding, Onboarding::Done);
}
