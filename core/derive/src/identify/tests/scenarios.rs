//! The scenarios I1 to I26, by their numbers.

use core_model::entity::{AgentState, Flag, Onboarding, Rule, Subject};

use super::support::{
    AgentBuilder, TODAY, agent, automate, control, day, estate, intune, serial, swapped, uuid,
};

#[test]
fn i1_two_spellings_of_one_uuid_are_one_computer_with_two_pathways() {
    let outcome = estate([
        agent("automate", "cw-automate", "12")
            .uuid("4c4c4544-0042-3510-8052-b3c04f4b4e32")
            .serial("3B5RKN2")
            .maker("Dell Inc.")
            .online(),
        control("c1").online().reading(|r| {
            r.uuid("{4C4C4544-0042-3510-8052-B3C04F4B4E32}").serial("3B5RKN2").maker("Dell Inc.")
        }),
    ])
    .run();
    outcome.assert_computers(&[&["12", "c1"]]);
    assert!(outcome.identified.questions.is_empty());
    assert_eq!(outcome.identified.joins[&Rule::R3], 1);
    let computer = outcome.computer("12");
    assert_eq!(computer.serial.as_deref(), Some("3B5RKN2"));
    assert_eq!(computer.uuids.len(), 1);
}

#[test]
fn i2_case_braces_and_trailing_nul_do_not_make_a_second_computer() {
    let spelt = |key: &str, text: &str| intune(key).uuid(text);
    let agents = [
        automate("a").uuid(uuid(1)),
        spelt("b", &format!("{{{}}}", uuid(1).to_lowercase())),
        control("c").reading(|r| r.uuid(format!("{}\0\n", uuid(1)))),
    ];
    estate(agents).run().assert_computers(&[&["a", "b", "c"]]);
}

#[test]
fn i4_a_swapped_uuid_with_another_serial_is_a_question_and_no_match() {
    let outcome = estate([
        automate("a").uuid(uuid(1)).serial(serial(1)),
        intune("b").uuid(swapped(&uuid(1))).serial(serial(2)),
    ])
    .run();
    assert_eq!(outcome.computers().len(), 1, "{}", outcome.explained());
    assert_eq!(outcome.questions().len(), 1);
    let question = &outcome.identified.questions[0];
    assert!(question.evidence.iter().any(|line| line.contains("byte order")));
    assert_eq!(question.computers.len(), 1, "the candidate is named");
}

#[test]
fn i5_a_known_placeholder_matches_nobody_in_either_byte_order() {
    for junk in [
        "03000200-0400-0500-0006-000700080009",
        "00020003-0004-0005-0006-000700080009",
        "4C4C4544-0000-2010-8020-80C04F202020",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
    ] {
        let outcome = estate([
            automate("a").uuid(junk).serial(serial(1)).maker("HP"),
            automate("b").uuid(junk).serial(serial(2)).maker("HP"),
            automate("c").uuid(swapped(junk)).serial(serial(3)).maker("HP"),
        ])
        .run();
        outcome.assert_computers(&[&["a"], &["b"], &["c"]]);
        assert!(outcome.why("a").contains("ignored"), "{}", outcome.why("a"));
        assert!(outcome.agent("a").evidence.uuid.is_none());
        assert!(outcome.agent("a").evidence.junk_uuid.is_some());
    }
}

#[test]
fn i6_the_admins_own_junk_counts_in_both_byte_orders() {
    let outcome = estate([
        automate("a").uuid(uuid(1)).serial(serial(1)).maker("HP"),
        automate("b").uuid(swapped(&uuid(1))).serial(serial(2)).maker("HP"),
    ])
    .policy(|policy| policy.junk_uuids.push(uuid(1).to_lowercase()))
    .run();
    outcome.assert_computers(&[&["a"], &["b"]]);
    assert!(outcome.why("b").contains("settings"), "{}", outcome.why("b"));
}

#[test]
fn i7_three_hundred_laptops_with_one_prefix_are_three_hundred_computers() {
    let laptop = |number: usize| {
        automate(&format!("{number:03}"))
            .uuid(format!("f0900000-0000-1000-8000-{:012x}", 0x1a2b_3c00 + number * 7919))
            .online()
    };
    let outcome = estate((0..300).map(laptop)).run();
    assert_eq!(outcome.computers().len(), 300);
    assert!(outcome.identified.questions.is_empty());
    assert!(outcome.identified.agents.iter().all(|agent| agent.evidence.uuid.is_some()));
}

/// A PC before and after it was wiped: two agents of one connection.
fn wiped() -> [AgentBuilder; 2] {
    [
        automate("old")
            .uuid(uuid(1))
            .host("DESK-1")
            .added(10)
            .last_seen(180)
            .baseline()
            .reading_on(20, |r| r.uuid(uuid(1)).host("DESK-1").installation("111").installed(5)),
        automate("new")
            .uuid(uuid(1))
            .host("DESK-9")
            .added(186)
            .online()
            .reading(|r| r.uuid(uuid(1)).host("DESK-9").installation("222").installed(185)),
    ]
}

#[test]
fn i8_a_wiped_machine_stays_one_computer_and_needs_onboarding_again() {
    let outcome = estate(wiped()).run();
    outcome.assert_computers(&[&["new", "old"]]);
    outcome.assert_why("new", Rule::R4b, "");
    assert_eq!(outcome.state("old"), AgentState::Retired);
    assert_eq!(outcome.state("new"), AgentState::Matched);
    let computer = outcome.computer("new");
    assert_eq!(computer.onboarding, Onboarding::Needed);
    assert!(computer.flags.contains(&Flag::Wiped));
    assert_eq!(computer.wipes, [day(185)], "from then on its logons are somebody else's");
}

#[test]
fn i8_an_agent_that_survives_the_wipe_under_its_old_id_shows_it_too() {
    let before = |r: super::support::ReadingBuilder| r.uuid(uuid(1)).installation("111");
    let outcome = estate([automate("a")
        .uuid(uuid(1))
        .baseline()
        .online()
        .reading_on(20, |r| before(r).installed(5))
        .reading_on(186, |r| r.uuid(uuid(1)).installation("222").installed(185))])
    .run();
    let computer = outcome.computer("a");
    assert_eq!(computer.wipes, [day(185)]);
    assert_eq!(computer.onboarding, Onboarding::Needed);
}

#[test]
fn i8_an_unreadable_installation_between_two_does_not_hide_the_wipe() {
    let outcome = estate([automate("a")
        .uuid(uuid(1))
        .online()
        .reading_on(20, |r| r.installation("111").installed(5))
        .reading_on(100, |r| r.host("DESK-1"))
        .reading_on(186, |r| r.installation("222").installed(185))])
    .run();
    assert_eq!(outcome.computer("a").wipes, [day(185)]);
}

#[test]
fn i9_a_feature_update_changes_the_install_date_and_is_no_wipe() {
    let outcome = estate([automate("a")
        .uuid(uuid(1))
        .baseline()
        .online()
        .reading_on(20, |r| r.uuid(uuid(1)).installation("111 222").installed(5))
        .reading_on(186, |r| r.uuid(uuid(1)).installation("111222").installed(185))])
    .run();
    let computer = outcome.computer("a");
    assert!(computer.wipes.is_empty() && !computer.flags.contains(&Flag::Wiped));
    assert_eq!(computer.onboarding, Onboarding::Done);
}

#[test]
fn i9_an_agent_installed_again_after_a_feature_update_is_not_called_a_wipe() {
    // Nothing is known of the old agent's Windows: unknown is never different.
    let outcome = estate([
        automate("old").uuid(uuid(1)).host("DESK-1").added(10).last_seen(180),
        automate("new")
            .uuid(uuid(1))
            .host("DESK-1")
            .added(186)
            .online()
            .reading(|r| r.uuid(uuid(1)).host("DESK-1").installation("222").installed(185)),
    ])
    .run();
    assert!(outcome.identified.computers.iter().all(|computer| computer.wipes.is_empty()));
    assert_eq!(outcome.questions().len(), 1, "{}", outcome.explained());
}

#[test]
fn i11_a_board_that_got_its_old_identity_changes_nothing() {
    let dell = "4C4C4544-0042-3510-8052-B3C04F4B4E32";
    let outcome = estate([automate("a")
        .uuid(dell)
        .serial("3B5RKN2")
        .maker("Dell Inc.")
        .earlier(&dell.to_lowercase(), "3b5rkn2", 150)
        .online()])
    .run();
    outcome.assert_computers(&[&["a"]]);
    assert!(outcome.computer("a").flags.is_empty());
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn i12_a_new_board_in_a_known_machine_gives_it_a_second_uuid_and_both_find_it() {
    let outcome = estate([
        automate("a")
            .uuid(uuid(2))
            .serial(serial(1))
            .maker("HP")
            .earlier(&uuid(1), &serial(1), 150)
            .online()
            .reading(|r| r.uuid(uuid(2)).serial(serial(1)).installation("111").installed(5)),
        intune("before").uuid(uuid(1)).added(20).last_seen(140),
        control("after").reading(|r| r.uuid(uuid(2)).installation("111")),
    ])
    .run();
    outcome.assert_computers(&[&["a", "after", "before"]]);
    let computer = outcome.computer("a");
    assert!(computer.flags.contains(&Flag::BoardSwapped));
    assert_eq!(computer.uuids.len(), 2);
}

#[test]
fn i13_other_uuid_and_other_serial_in_a_known_agent_is_a_decision() {
    let outcome = estate([
        automate("a")
            .uuid(uuid(2))
            .serial(serial(2))
            .maker("HP")
            .earlier(&uuid(1), &serial(1), 150)
            .online()
            .reading(|r| r.uuid(uuid(2)).serial(serial(2)).installation("111")),
        control("first").reading(|r| r.uuid(uuid(1)).serial(serial(1)).installation("333")),
        control("second").reading(|r| r.uuid(uuid(2)).serial(serial(2)).installation("444")),
    ])
    .run();
    assert_eq!(outcome.questions(), [(Subject::OtherHardware, "a".to_owned())]);
    assert_eq!(outcome.state("a"), AgentState::Undecided);
    assert_eq!(outcome.rule("a"), Some(Rule::R0));
    outcome.assert_computers(&[&["first"], &["second"]]);
    let lines = outcome.identified.questions[0].evidence.join("\n");
    assert!(lines.contains(&uuid(1)) && lines.contains(&serial(2)), "{lines}");
}

/// A clone of one golden image: the UUID of all, its own serial and Windows.
fn clone_of_the_image(number: usize) -> AgentBuilder {
    let minute = day(195) + chrono::Duration::minutes(i64::try_from(number).unwrap());
    automate(&format!("vdi{number:02}")).uuid(uuid(1)).first_seen(minute).online().reading(|r| {
        r.uuid(uuid(1)).serial(serial(number)).installation(format!("9000{number}")).installed(195)
    })
}

#[test]
fn i15_forty_clones_that_arrive_one_by_one_are_forty_computers() {
    for arrived in [1, 2, 3, 17, 40] {
        let outcome = estate((0..arrived).map(clone_of_the_image)).run();
        assert_eq!(outcome.computers().len(), arrived, "{}", outcome.explained());
        assert!(outcome.identified.questions.is_empty(), "{}", outcome.explained());
    }
    let outcome = estate((0..40).map(clone_of_the_image)).run();
    for number in 0..40 {
        let key = format!("vdi{number:02}");
        outcome.assert_why(&key, Rule::R4c, "another machine");
        assert!(outcome.computer(&key).flags.contains(&Flag::Clone));
    }
}

#[test]
fn i15_a_uuid_that_clones_have_identifies_nobody_else_either() {
    // Each of the two is on one of the clones; which, nobody can say by the UUID.
    let mut agents: Vec<_> = (0..3).map(clone_of_the_image).collect();
    agents.push(intune("i").uuid(uuid(1)));
    agents.push(control("c").online().reading(|r| r.uuid(uuid(1)).installation("77")));
    let outcome = estate(agents).run();
    assert!(outcome.computers().iter().all(|keys| keys.len() == 1), "{}", outcome.explained());
    assert_eq!(outcome.questions(), [(Subject::Unidentifiable, "i".to_owned())]);
}

#[test]
fn i15_clones_with_one_serial_too_are_clones_where_both_are_online() {
    let clone = |number: usize| {
        automate(&format!("vm{number}")).online().reading(|r| {
            r.uuid(uuid(1)).serial("VMware-56 4d a6 d2").installation(format!("9000{number}"))
        })
    };
    let outcome = estate((0..40).map(clone)).run();
    assert_eq!(outcome.computers().len(), 40, "{}", outcome.explained());
}

#[test]
fn i15_clones_of_an_image_that_was_never_generalised_are_never_joined() {
    // UUID, serial and installation of all are one; that all are online at once tells them apart.
    let clone = |number: usize| {
        automate(&format!("vdi{number:02}"))
            .online()
            .reading(|r| r.uuid(uuid(1)).serial("VMware-56 4d a6 d2").installation("9000"))
    };
    let outcome = estate((0..40).map(clone)).run();
    assert!(outcome.computers().iter().all(|keys| keys.len() == 1), "{}", outcome.explained());
    assert_eq!(outcome.computers().len() + outcome.questions().len(), 40);
}

#[test]
fn i16_the_identity_of_another_tenants_live_server_is_refused() {
    let outcome = estate([automate("evil")
        .uuid(uuid(1))
        .serial(serial(1))
        .host("SQL-1")
        .added(195)
        .online()])
    .elsewhere(&uuid(1), Some(&serial(1)), 10, Some(TODAY))
    .run();
    outcome.assert_computers(&[]);
    assert_eq!(outcome.state("evil"), AgentState::Refused);
    outcome.assert_why("evil", Rule::R5, "another tenant");
    assert!(!outcome.why("evil").contains("SQL-1"), "nothing of the other tenant is shown");
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn i16_one_live_agent_over_there_is_enough_to_refuse() {
    let silent_first = [Some(20), Some(TODAY)];
    for seen in [silent_first, [silent_first[1], silent_first[0]]] {
        let outcome = estate([automate("evil").uuid(uuid(1)).added(195).online()])
            .elsewhere(&uuid(1), None, 10, seen[0])
            .elsewhere(&uuid(1), None, 10, seen[1])
            .run();
        assert_eq!(outcome.state("evil"), AgentState::Refused);
        assert!(outcome.identified.questions.is_empty(), "a refusal asks nothing");
    }
}

#[test]
fn i16_the_tenant_that_had_it_first_is_not_the_one_that_is_refused() {
    let outcome = estate([automate("ours").uuid(uuid(1)).added(10).online()])
        .elsewhere(&uuid(1), None, 195, Some(TODAY))
        .run();
    outcome.assert_computers(&[&["ours"]]);
}

#[test]
fn i17_a_computer_silent_for_a_week_elsewhere_may_have_moved() {
    let sold = automate("a").uuid(uuid(1)).added(195).online();
    let estate = |last_seen| estate([sold.clone()]).elsewhere(&uuid(1), None, 10, Some(last_seen));
    let outcome = estate(TODAY - 8).run();
    assert_eq!(outcome.questions(), [(Subject::Moved, "a".to_owned())]);
    assert_eq!(outcome.state("a"), AgentState::Undecided);
    assert_eq!(estate(TODAY - 6).run().state("a"), AgentState::Refused);

    let moved = estate(TODAY - 8).decided(&sold, None, core_model::entity::Choice::Moved).run();
    moved.assert_computers(&[&["a"]]);
    assert_eq!(moved.computer("a").onboarding, Onboarding::Needed);
}

#[test]
fn i18_a_host_name_never_identifies() {
    let junk = "03000200-0400-0500-0006-000700080009";
    let outcome = estate([
        automate("a").uuid(junk).host("DESK-1"),
        control("b").host("DESK-1"),
        intune("c").host("DESK-1").serial("To be filled by O.E.M."),
    ])
    .run();
    outcome.assert_computers(&[]);
    assert_eq!(outcome.questions().len(), 3);
    for (subject, _) in outcome.questions() {
        assert_eq!(subject, Subject::Unidentifiable);
    }
    assert!(outcome.why("b").contains("host name"), "{}", outcome.why("b"));
}

#[test]
fn i18_what_can_be_asked_is_asked_before_a_human_is() {
    let outcome = estate([control("a").online()]).run();
    assert_eq!(outcome.state("a"), AgentState::Identifying);
    assert_eq!(outcome.to_ask(), ["a"]);
    assert!(outcome.identified.questions.is_empty());
    // It answered, and its answer identifies nothing.
    let outcome = estate([control("a").online().reading(|r| r.host("DESK-1"))]).run();
    assert_eq!(outcome.questions(), [(Subject::Unidentifiable, "a".to_owned())]);
    assert!(outcome.to_ask().is_empty());
}

#[test]
fn i19_a_host_name_used_again_for_new_hardware_is_a_new_computer() {
    let outcome = estate([
        automate("old").uuid(uuid(1)).serial(serial(1)).maker("HP").host("ANA-PC").last_seen(180),
        automate("new").uuid(uuid(2)).serial(serial(2)).maker("HP").host("ANA-PC").online(),
    ])
    .run();
    outcome.assert_computers(&[&["new"], &["old"]]);
    assert!(outcome.identified.questions.is_empty());
}

#[test]
fn i21_a_swapped_uuid_with_the_same_serial_is_the_same_computer() {
    let outcome = estate([
        automate("a").uuid(uuid(1)).serial(serial(1)).maker("LENOVO"),
        control("b").reading(|r| r.uuid(swapped(&uuid(1))).serial(serial(1)).maker("LENOVO")),
    ])
    .run();
    outcome.assert_computers(&[&["a", "b"]]);
    // The same in one agent's own history: no board was swapped.
    let updated =
        automate("a").uuid(swapped(&uuid(1))).serial(serial(1)).earlier(&uuid(1), &serial(1), 150);
    let outcome = estate([updated]).run();
    assert!(outcome.computer("a").flags.is_empty() && outcome.identified.questions.is_empty());
}

#[test]
fn i22_trust_in_a_maker_does_not_extend_to_placeholder_serials() {
    let whitebox = |number: usize| {
        let key = format!("{number:03}");
        if number.is_multiple_of(2) {
            automate(&key).uuid(uuid(number)).serial("Default string").maker("HP").online()
        } else {
            intune(&key).uuid(uuid(number)).serial("default_string").maker("Hewlett-Packard")
        }
    };
    let outcome = estate((0..200).map(whitebox)).run();
    assert_eq!(outcome.computers().len(), 200);
    assert!(outcome.identified.questions.is_empty());
    assert!(outcome.identified.computers.iter().all(|computer| computer.serial.is_none()));
}

/// A site on which each rule has something to do.
fn a_new_site() -> Vec<AgentBuilder> {
    let mut agents: Vec<AgentBuilder> = wiped().into();
    for number in 10..30 {
        agents.push(automate(&format!("a{number}")).uuid(uuid(number)).online());
        agents.push(intune(&format!("i{number}")).uuid(uuid(number)));
    }
    agents.push(automate("s1").serial(serial(50)).maker("Dell"));
    agents.push(intune("s2").serial(serial(50)).maker("Dell Inc."));
    agents
}

#[test]
fn i24_in_log_mode_nothing_is_joined_and_the_report_counts_what_would_be() {
    let enforced = estate(a_new_site()).run();
    let logged = estate(a_new_site()).log_mode().run();
    assert_eq!(logged.identified.joins, enforced.identified.joins);
    assert_eq!(enforced.identified.joins[&Rule::R3], 20);
    assert_eq!(enforced.identified.joins[&Rule::R4b], 1);
    assert_eq!(enforced.identified.joins[&Rule::R7], 1);
    assert!(logged.computers().iter().all(|keys| keys.len() == 1));
    assert_eq!(logged.computers().len(), logged.identified.agents.len());
    assert!(logged.identified.questions.is_empty());
    assert!(logged.identified.agents.iter().all(|agent| agent.state == AgentState::Matched));
}

#[test]
fn i24_in_log_mode_each_agent_says_what_would_have_become_of_it() {
    let logged = estate(a_new_site()).log_mode().run();
    assert!(logged.why("new").contains("R4b"), "{}", logged.why("new"));
    assert!(logged.why("i10").contains("R3") || logged.why("a10").contains("R3"));
}

#[test]
fn i26_identical_reports_of_one_agent_give_one_computer_with_one_pathway() {
    let report = automate("a").uuid(uuid(1)).serial(serial(1)).online();
    let outcome = estate((0..100).map(|_| report.clone())).run();
    outcome.assert_computers(&[&["a"]]);
    assert_eq!(outcome.identified.agents.len(), 1);
    assert_eq!(outcome.computer("a").agents.len(), 1);
    assert!(outcome.identified.questions.is_empty());
}
