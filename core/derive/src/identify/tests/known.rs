//! R0: what a known agent's own history says about its machine.

use core_model::entity::{Choice, Flag, Subject};

use super::support::{automate, control, estate, serial, uuid};

/// An agent whose disk went into another machine on day 150.
fn moved_disk() -> super::support::AgentBuilder {
    automate("a")
        .uuid(uuid(2))
        .serial(serial(2))
        .maker("HP")
        .earlier(&uuid(1), &serial(1), 150)
        .online()
}

fn both_machines() -> [super::support::AgentBuilder; 2] {
    [
        control("first").reading(|r| r.uuid(uuid(1)).serial(serial(1)).maker("HP")),
        control("second").reading(|r| r.uuid(uuid(2)).serial(serial(2)).maker("HP")),
    ]
}

#[test]
fn r0_the_same_uuid_is_nothing_to_do() {
    let outcome = estate([automate("a")
        .uuid(uuid(1))
        .chassis(&uuid(1).to_lowercase(), &serial(1), "HP")
        .earlier(&uuid(1), &serial(1), 150)
        .online()])
    .run();
    assert!(outcome.computer("a").flags.is_empty());
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn r0_a_moved_disk_confirmed_as_another_machine_leaves_its_first_machine_alone() {
    let agents = || [moved_disk()].into_iter().chain(both_machines());
    let outcome = estate(agents()).decided(&moved_disk(), None, Choice::TwoMachines).run();
    outcome.assert_computers(&[&["a", "second"], &["first"]]);
}

#[test]
fn r0_confirmed_as_the_same_machine_both_uuids_find_it() {
    let intune = super::support::intune("i").uuid(uuid(1)).serial(serial(1)).maker("HP");
    let outcome =
        estate([moved_disk(), intune]).decided(&moved_disk(), None, Choice::SameMachine).run();
    outcome.assert_computers(&[&["a", "i"]]);
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn r0_a_decision_from_before_the_hardware_changed_does_not_cover_the_change() {
    let agent = moved_disk();
    let settled = core_model::decision::Settled::Agents {
        agent: agent.record(),
        with: None,
        choice: Choice::SameMachine,
    };
    let outcome = estate([agent]).settled(settled, 100).run();
    assert_eq!(outcome.questions(), [(Subject::OtherHardware, "a".to_owned())]);
}

#[test]
fn r0_a_decision_about_a_second_agent_does_not_cover_other_hardware() {
    let old = automate("old").uuid(uuid(1)).serial(serial(1)).maker("HP").last_seen(20);
    let outcome = estate([moved_disk(), old.clone()])
        .decided(&moved_disk(), Some(&old), Choice::ReInstalled)
        .run();
    assert_eq!(outcome.questions(), [(Subject::OtherHardware, "a".to_owned())]);
}

#[test]
fn r0_an_unreadable_serial_in_between_does_not_hide_other_hardware() {
    let outcome = estate([automate("a")
        .online()
        .reading(|r| r.uuid(uuid(1)).serial(serial(1)))
        .reading(|r| r.uuid(uuid(2)))
        .reading(|r| r.uuid(uuid(2)).serial(serial(2)))])
    .run();
    assert_eq!(outcome.questions(), [(Subject::OtherHardware, "a".to_owned())]);
}

#[test]
fn r0_without_serials_the_same_windows_shows_that_a_board_was_swapped() {
    let on = |number, installation: &'static str| {
        move |r: super::support::ReadingBuilder| r.uuid(uuid(number)).installation(installation)
    };
    let same = estate([automate("a").online().reading(on(1, "111")).reading(on(2, "111"))]).run();
    assert!(same.computer("a").flags.contains(&Flag::BoardSwapped));
    // Nothing agrees: a restored or copied virtual machine. A human decides.
    let other = estate([automate("a").online().reading(on(1, "111")).reading(on(2, "222"))]).run();
    assert_eq!(other.questions(), [(Subject::OtherHardware, "a".to_owned())]);
}

#[test]
fn r0_hardware_kept_apart_counts_like_the_agents_own_word() {
    let outcome = estate([
        automate("a").chassis(&uuid(1), &serial(1), "Dell Inc."),
        control("c").reading(|r| r.uuid(uuid(1)).serial(serial(1))),
    ])
    .run();
    outcome.assert_computers(&[&["a", "c"]]);
    assert_eq!(outcome.computer("a").manufacturer.as_deref(), Some("DELL"));
}

#[test]
fn a_label_of_a_remote_control_is_no_computers_name() {
    // It is the only one that was asked, and so the first.
    let labelled = || control("c").host("CNC-MILL-01 (spare)");
    let asked = || labelled().reading(|r| r.uuid(uuid(1)).serial(serial(1)).host("CNC-MILL-01"));
    let inventory = || automate("a").uuid(uuid(1)).serial(serial(1)).host("CNC-MILL-02");
    let alone = estate([asked()]).run();
    assert_eq!(alone.computer("c").name, "CNC-MILL-01", "its own answer");
    let both = estate([asked(), inventory()]).run();
    assert_eq!(both.computer("c").name, "CNC-MILL-02", "what a system says of it is newer");
    let unknown = estate([labelled().uuid(uuid(1)).serial(serial(1))]).run();
    assert_eq!(unknown.computer("c").name, "CNC-MILL-01 (spare)", "better than nothing");
}
