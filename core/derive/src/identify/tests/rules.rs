//! The rules R2 to R8, one by one.

use core_model::entity::{AgentState, Flag, Rule, Subject};

use super::support::{
    AgentBuilder, automate, control, estate, intune, runner, serial, swapped, uuid,
};

#[test]
fn r2_the_machine_reports_the_agent_that_is_on_it() {
    let outcome = estate([
        automate("12").uuid(uuid(1)).online(),
        control("c").online().reading(|r| r.host("DESK-1").knows("cw-automate", "12")),
    ])
    .run();
    outcome.assert_computers(&[&["12", "c"]]);
    let rules = [outcome.rule("12"), outcome.rule("c")];
    assert!(rules.contains(&Some(Rule::R2)));
    assert_eq!(outcome.identified.joins[&Rule::R2], 1);
    assert!(format!("{}{}", outcome.why("12"), outcome.why("c")).contains("reported"));
}

#[test]
fn r8_a_runner_is_a_computer_by_its_installation_and_joins_what_has_its_uuid() {
    let outcome = estate([
        runner("r1", "30e76e7f-f1e9-4d3a-8bf6-8d19fe526b20"),
        runner("r2", "4d2ffb86-3f0f-4f07-a5b1-1e7a4a3ac0f1"),
        runner("r3", "5a1f7e92-07ad-4c32-8ff6-3f3c8b5f2a10").uuid(uuid(3)),
        automate("12").uuid(uuid(3)).online(),
    ])
    .run();
    outcome.assert_computers(&[&["r1"], &["r2"], &["12", "r3"]]);
}

#[test]
fn r2_ids_compare_without_case_and_only_within_their_own_connector() {
    let session = "AAAAAAAA-1111-2222-3333-444444444444";
    let outcome = estate([
        control(session).online(),
        automate("7").uuid(uuid(1)).reading(|r| {
            r.uuid(uuid(1)).knows("cw-control", &session.to_lowercase()).knows("azure-ad", "9")
        }),
        automate("9").uuid(uuid(2)),
    ])
    .run();
    outcome.assert_computers(&[&["7", session], &["9"]]);
}

#[test]
fn r2_the_same_device_in_the_directory_is_the_same_machine() {
    let device = "abcdef00-0000-4000-8000-000000000001";
    let outcome = estate([
        intune("i").directory_device(device).serial(serial(1)),
        control("c").online().reading(|r| r.host("DESK-1").directory_device(device)),
    ])
    .run();
    outcome.assert_computers(&[&["c", "i"]]);
    let why = format!("{}{}", outcome.why("c"), outcome.why("i"));
    assert!(why.contains("directory device"), "{why}");
}

#[test]
fn r2_a_record_that_names_the_agent_counts_too() {
    let outcome =
        estate([automate("12").uuid(uuid(1)), intune("i").names("cw-automate", "12")]).run();
    outcome.assert_computers(&[&["12", "i"]]);
}

#[test]
fn r2_an_agent_id_left_in_a_golden_image_joins_none_of_its_clones() {
    // Every clone's registry names the agent of the machine that the image was made on.
    let clone = |number: usize| {
        control(&format!("c{number}")).online().reading(|r| {
            r.uuid(uuid(number)).installation(format!("9000{number}")).knows("cw-automate", "12")
        })
    };
    let mut agents = vec![automate("12").online().serial(serial(1)).maker("Dell")];
    agents.extend((1..=5).map(clone));
    let outcome = estate(agents).run();
    assert!(outcome.computers().iter().all(|keys| keys.len() == 1), "{}", outcome.explained());
}

#[test]
fn r2_a_directory_device_left_in_a_golden_image_joins_none_of_its_clones() {
    let device = "abcdef00-0000-4000-8000-000000000001";
    let clone = |number: usize| {
        control(&format!("c{number}"))
            .online()
            .reading(|r| r.uuid(uuid(number)).directory_device(device))
    };
    let mut agents = vec![intune("i").uuid(uuid(9)).directory_device(device)];
    agents.extend((1..=5).map(clone));
    let outcome = estate(agents).run();
    assert_eq!(outcome.computers().len(), 6, "{}", outcome.explained());
}

#[test]
fn r2_a_session_installed_again_on_the_same_machine_replaces_the_old_one() {
    let session = |key: &str| control(key).reading(|r| r.host("DESK-1").knows("cw-automate", "12"));
    let outcome = estate([
        automate("12").uuid(uuid(1)).online(),
        session("old").last_seen(180),
        session("young").online(),
    ])
    .run();
    outcome.assert_computers(&[&["12", "old", "young"]]);
    assert_eq!(outcome.state("old"), AgentState::Retired);
    assert_eq!(outcome.state("young"), AgentState::Matched);
}

#[test]
fn r2_the_agent_id_of_another_providers_server_is_not_ours() {
    // The registry names agent 12 of the server before us; our 12 is quite another machine.
    let outcome = estate([
        automate("12").uuid(uuid(1)).serial(serial(1)).maker("HP").online(),
        control("c")
            .online()
            .reading(|r| r.uuid(uuid(2)).serial(serial(2)).maker("HP").knows("cw-automate", "12")),
    ])
    .run();
    outcome.assert_computers(&[&["12"], &["c"]]);
}

#[test]
fn r3_one_uuid_over_three_connections_is_one_computer() {
    let outcome = estate([
        automate("a").uuid(uuid(1)),
        intune("i").uuid(uuid(1)),
        control("c").reading(|r| r.uuid(uuid(1))),
    ])
    .run();
    outcome.assert_computers(&[&["a", "c", "i"]]);
    assert_eq!(outcome.identified.joins[&Rule::R3], 2);
    let why: String = ["a", "c", "i"].map(|key| outcome.why(key).to_owned()).concat();
    assert!(why.contains(&format!("same UUID {}", uuid(1))), "{why}");
}

#[test]
fn r3_one_uuid_with_two_serials_is_not_silently_one_machine() {
    let outcome = estate([
        automate("a").uuid(uuid(1)).serial(serial(1)),
        intune("i").uuid(uuid(1)).serial(serial(2)),
    ])
    .run();
    assert!(outcome.computers().iter().all(|keys| keys.len() == 1));
    assert_eq!(outcome.questions().len(), 1);
    let evidence = outcome.identified.questions[0].evidence.join("\n");
    assert!(evidence.contains("other serial") && evidence.contains(&serial(2)), "{evidence}");
}

#[test]
fn r3_two_systems_that_run_at_once_over_two_connections_are_not_one_machine() {
    let outcome = estate([
        automate("a").online().reading(|r| r.uuid(uuid(1)).installation("111").installed(5)),
        control("c").online().reading(|r| r.uuid(uuid(1)).installation("222").installed(6)),
    ])
    .run();
    assert!(outcome.computers().iter().all(|keys| keys.len() == 1), "{}", outcome.explained());
}

/// An agent of which a second one was installed.
fn first_agent() -> AgentBuilder {
    automate("old").uuid(uuid(1)).host("DESK-1").added(10).last_seen(180)
}

fn second_agent() -> AgentBuilder {
    automate("new").uuid(uuid(1)).host("DESK-1").added(186).online()
}

#[test]
fn r4a_the_same_installation_means_that_the_agent_was_installed_again() {
    let outcome = estate([
        first_agent().reading_on(20, |r| r.installation("111").installed(5)),
        second_agent().reading(|r| r.installation("111").installed(5)),
    ])
    .run();
    outcome.assert_computers(&[&["new", "old"]]);
    outcome.assert_why("new", Rule::R4a, "installation");
    assert_eq!(outcome.state("old"), AgentState::Retired);
    assert!(outcome.computer("new").wipes.is_empty());
}

#[test]
fn r4a_the_same_host_name_and_install_date_mean_the_same() {
    let outcome = estate([
        first_agent().reading_on(20, |r| r.installed(5)),
        second_agent().reading(|r| r.installed(5)),
    ])
    .run();
    outcome.assert_why("new", Rule::R4a, "host name");
    assert_eq!(outcome.state("old"), AgentState::Retired);
}

#[test]
fn r4a_many_re_installations_are_one_computer() {
    let again = |number: i64| {
        let one = automate(&format!("a{number}")).uuid(uuid(1)).host("DESK-1").added(10 + number);
        let one = if number == 30 { one.online() } else { one.last_seen(10 + number) };
        one.reading_on(10 + number, |r| r.installation("111").installed(5))
    };
    let outcome = estate((0..=30).map(again)).run();
    assert_eq!(outcome.computers().len(), 1, "{}", outcome.explained());
    assert_eq!(outcome.state("a30"), AgentState::Matched);
    let retired = |key: i64| outcome.state(&format!("a{key}")) == AgentState::Retired;
    assert!((0..30).all(retired), "{}", outcome.explained());
}

#[test]
fn r4a_two_agents_online_at_once_are_not_one_machine_whatever_they_share() {
    let twin = |key: &str| {
        automate(key).uuid(uuid(1)).host("DESK-1").online().reading(|r| r.installation("111"))
    };
    let outcome = estate([twin("a"), twin("b")]).run();
    assert!(outcome.computers().iter().all(|keys| keys.len() == 1), "{}", outcome.explained());
    assert_eq!(outcome.questions().len(), 1);
    assert!(outcome.identified.questions[0].evidence.join("\n").contains("same time"));
}

#[test]
fn r4b_another_installation_made_after_the_old_agent_fell_silent_is_a_wipe() {
    let outcome = estate([
        first_agent().reading_on(20, |r| r.installation("111").installed(5)),
        second_agent().reading(|r| r.installation("222").installed(185)),
    ])
    .run();
    outcome.assert_computers(&[&["new", "old"]]);
    outcome.assert_why("new", Rule::R4b, "after the old agent was last seen");
    assert_eq!(outcome.state("old"), AgentState::Retired);
    assert!(outcome.computer("new").flags.contains(&Flag::Wiped));
}

#[test]
fn r4b_an_old_agent_heard_of_after_the_new_system_was_installed_was_not_wiped() {
    // Names and dates differ, but both systems existed on day 180: that is two machines.
    let outcome = estate([
        first_agent().reading_on(20, |r| r.host("DESK-1").installation("111").installed(5)),
        second_agent()
            .host("DESK-9")
            .reading(|r| r.host("DESK-9").installation("222").installed(100)),
    ])
    .run();
    assert!(outcome.computers().iter().all(|keys| keys.len() == 1), "{}", outcome.explained());
    assert_eq!(outcome.questions().len(), 1);
}

#[test]
fn r4c_two_machines_online_at_once_are_clones_at_once() {
    let machine = |key: &str, number: usize| {
        automate(key).online().reading(|r| {
            r.uuid(uuid(1)).serial(serial(number)).installation(format!("9000{number}"))
        })
    };
    let outcome = estate([machine("a", 1), machine("b", 2)]).run();
    outcome.assert_computers(&[&["a"], &["b"]]);
    outcome.assert_why("a", Rule::R4c, "another machine");
    outcome.assert_why("b", Rule::R4c, "another machine");
    assert!(outcome.computer("a").flags.contains(&Flag::Clone));
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn r4c_a_clone_keeps_its_computer_when_the_other_one_is_removed() {
    let machine = |key: &str, number: usize| {
        automate(key).online().last_seen(199).reading(|r| {
            r.uuid(uuid(1)).serial(serial(number)).installation(format!("9000{number}"))
        })
    };
    let outcome = estate([machine("a", 1).gone(), machine("b", 2)]).run();
    assert_ne!(outcome.computer("a").id, outcome.computer("b").id);
    outcome.assert_why("b", Rule::R4c, "another machine");
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn r4d_what_nothing_tells_is_a_question_that_offers_the_answers() {
    let outcome = estate([first_agent(), second_agent().host("DESK-9").last_seen(199)]).run();
    assert_eq!(outcome.computers().len(), 1);
    assert_eq!(outcome.questions(), [(Subject::SameMachine, "new".to_owned())]);
    let question = &outcome.identified.questions[0];
    assert_eq!(question.computers, [outcome.computer("old").id]);
    assert_eq!(question.choices.len(), 5);
    assert_eq!(outcome.agent("new").decision, Some(question.id));
    assert_eq!(outcome.rule("new"), Some(Rule::R4d));
}

#[test]
fn r4d_a_machine_that_can_be_asked_is_asked_first() {
    let outcome = estate([first_agent(), second_agent().host("DESK-9")]).run();
    assert_eq!(outcome.state("new"), AgentState::Identifying);
    assert!(outcome.why("new").contains("asked"), "{}", outcome.why("new"));
    assert!(outcome.to_ask().contains(&"new".to_owned()));
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn r4d_the_other_pathways_of_an_undecided_machine_wait_with_it() {
    // Whatever becomes of the new agent becomes of the session that its machine reported.
    let outcome = estate([
        first_agent(),
        intune("i").uuid(uuid(1)),
        control("c").last_seen(170).reading_on(20, |r| r.uuid(uuid(1)).knows("cw-automate", "old")),
        second_agent().host("DESK-9").last_seen(199),
        control("d").last_seen(199).reading(|r| r.host("DESK-9").knows("cw-automate", "new")),
    ])
    .run();
    let computers = outcome.computers();
    let alone: Vec<String> = vec!["d".to_owned()];
    assert!(!computers.contains(&alone), "half a machine is no computer{}", outcome.explained());
    assert_eq!(outcome.state("new"), AgentState::Undecided);
    assert_eq!(outcome.state("d"), AgentState::Undecided);
    assert_eq!(outcome.agent("d").decision, outcome.agent("new").decision);
}

#[test]
fn r4d_evidence_that_points_to_two_computers_is_a_tie_and_no_answer() {
    // Two live agents of one connection that may be two machines; the device is one of them.
    let live = |key: &str| {
        automate(key).uuid(uuid(1)).serial(serial(1)).maker("HP").online().reading(|r| r.host(key))
    };
    let outcome =
        estate([live("a"), live("b"), intune("i").uuid(uuid(1)).serial(serial(1)).maker("HP")])
            .run();
    assert!(outcome.computers().iter().all(|keys| keys.len() == 1), "{}", outcome.explained());
    assert!(outcome.agent("i").computer.is_none(), "{}", outcome.explained());
    let subjects: Vec<Subject> = outcome.questions().into_iter().map(|(about, _)| about).collect();
    assert!(subjects.contains(&Subject::Ambiguous), "{subjects:?}");
}

#[test]
fn r5_other_serials_mean_that_the_uuid_is_shared_by_accident() {
    let outcome = estate([automate("a").uuid(uuid(1)).serial(serial(2)).added(195).online()])
        .elsewhere(&uuid(1), Some(&serial(1)), 10, Some(super::support::TODAY))
        .run();
    outcome.assert_computers(&[&["a"]]);
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn r5_a_decision_about_something_else_does_not_let_a_takeover_in() {
    let evil = automate("evil").uuid(uuid(1)).added(195).online();
    let outcome = estate([evil.clone()])
        .elsewhere(&uuid(1), None, 10, Some(super::support::TODAY))
        .decided(&evil, None, core_model::entity::Choice::SameMachine)
        .run();
    assert_eq!(outcome.state("evil"), AgentState::Refused);
}

#[test]
fn r6_a_trusted_makers_serial_finds_the_computer_of_a_new_uuid() {
    let outcome = estate([
        automate("a").uuid(uuid(1)).serial(serial(1)).maker("Dell Inc."),
        intune("i").uuid(uuid(2)).serial(serial(1)).maker("Dell"),
    ])
    .run();
    outcome.assert_computers(&[&["a", "i"]]);
    assert_eq!(outcome.identified.joins[&Rule::R6], 1);
    assert_eq!(outcome.computer("a").uuids.len(), 2);
    let why = format!("{}{}", outcome.why("a"), outcome.why("i"));
    assert!(why.contains(&serial(1)), "{why}");
}

#[test]
fn r6_a_serial_of_a_maker_who_does_not_vouch_for_it_joins_nothing() {
    // Both UUIDs are good and they differ: two computers, and nothing to ask.
    let outcome = estate([
        automate("a").uuid(uuid(1)).serial("SN000001").maker("Stone"),
        intune("i").uuid(uuid(2)).serial("SN000001").maker("Stone"),
    ])
    .run();
    outcome.assert_computers(&[&["a"], &["i"]]);
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn r7_without_a_uuid_the_serial_of_a_trusted_maker_is_enough() {
    let outcome = estate([
        automate("a").serial(serial(1)).maker("LENOVO"),
        intune("i").serial(serial(1)).maker("Lenovo"),
    ])
    .run();
    outcome.assert_computers(&[&["a", "i"]]);
    assert_eq!(outcome.identified.joins[&Rule::R7], 1);
}

#[test]
fn r7_a_serial_that_two_computers_have_is_a_tie() {
    // Two machines were given one serial in repair; the third record is one of them.
    let machine = |key: &str, number: usize| {
        automate(key).serial(serial(1)).maker("HP").online().reading(|r| {
            r.uuid(uuid(number)).serial(serial(1)).maker("HP").installation(format!("9000{number}"))
        })
    };
    let outcome =
        estate([machine("a", 1), machine("b", 2), intune("i").serial(serial(1)).maker("HP")]).run();
    assert!(outcome.agent("i").computer.is_none(), "{}", outcome.explained());
    assert!(outcome.computers().iter().all(|keys| keys.len() == 1), "{}", outcome.explained());
}

#[test]
fn r7_of_an_untrusted_maker_it_is_a_decision_after_the_machine_has_answered() {
    let unknown = |key: &str| automate(key).serial("SN000001").maker("Stone");
    let waits =
        estate([unknown("a").online(), intune("i").serial("SN000001").maker("Stone")]).run();
    assert!(waits.identified.questions.is_empty(), "{}", waits.explained());
    assert_eq!(waits.to_ask(), ["a"]);
    let answered = unknown("a").online().reading(|r| r.serial("SN000001"));
    let asks = estate([answered, intune("i").serial("SN000001").maker("Stone")]).run();
    assert_eq!(asks.questions().len(), 1, "{}", asks.explained());
}

#[test]
fn r8_an_unknown_uuid_is_a_new_computer() {
    let outcome = estate([
        automate("a").uuid(uuid(1)).serial(serial(1)).maker("HP").online(),
        automate("b").uuid(uuid(2)).serial(serial(2)).maker("HP").online(),
    ])
    .run();
    outcome.assert_computers(&[&["a"], &["b"]]);
    outcome.assert_why("a", Rule::R8, &uuid(1));
    assert!(outcome.identified.joins.is_empty());
}

#[test]
fn r8_new_computers_need_onboarding_and_those_before_us_do_not() {
    use core_model::entity::Onboarding;
    let outcome =
        estate([automate("a").uuid(uuid(1)), automate("b").uuid(uuid(2)).baseline()]).run();
    assert_eq!(outcome.computer("a").onboarding, Onboarding::Needed);
    assert_eq!(outcome.computer("b").onboarding, Onboarding::Done);
}

#[test]
fn the_first_byte_order_that_was_seen_is_not_preferred() {
    for (first, second) in [(uuid(1), swapped(&uuid(1))), (swapped(&uuid(1)), uuid(1))] {
        let outcome = estate([
            automate("a").reading(|r| r.uuid(first).installation("111")),
            control("c").reading(|r| r.uuid(second).installation("111")),
        ])
        .run();
        outcome.assert_computers(&[&["a", "c"]]);
    }
}

#[test]
fn a_gone_agent_belongs_to_its_computers_past() {
    let outcome =
        estate([automate("old").uuid(uuid(1)).gone(), automate("new").uuid(uuid(1)).online()])
            .run();
    outcome.assert_computers(&[&["new", "old"]]);
    assert_eq!(outcome.state("old"), AgentState::Retired);
    assert!(!outcome.computer("new").gone);
}
