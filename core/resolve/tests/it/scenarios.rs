//! The scenarios of the product, by their numbers. They are data (`tests/scenarios/*.toml`, which
//! says how to read them); this runs them.

mod given;
mod then;

use std::collections::BTreeMap;

use serde::Deserialize;

/// One scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    /// What holds, in a sentence.
    says: String,
    #[serde(default)]
    given: given::Given,
    #[serde(default)]
    then: Vec<then::Check>,
}

const FILES: &[&str] = &[
    include_str!("../scenarios/precedence.toml"),
    include_str!("../scenarios/targets.toml"),
    include_str!("../scenarios/dates.toml"),
    include_str!("../scenarios/unknown.toml"),
];

fn all() -> BTreeMap<String, Scenario> {
    let files = FILES.iter().map(|text| toml::from_str::<BTreeMap<String, Scenario>>(text));
    files.flat_map(|file| file.unwrap_or_else(|error| panic!("{error}"))).collect()
}

fn run(name: &str) {
    let all = all();
    let scenario = &all[name];
    println!("{name}: {}", scenario.says);
    assert!(!scenario.then.is_empty(), "{name} checks nothing");
    for (number, check) in scenario.then.iter().enumerate() {
        println!("  then {}", number + 1);
        then::check(&scenario.given, check);
    }
}

macro_rules! scenarios {
    ($($name:ident,)*) => {
        $(#[test] fn $name() { run(stringify!($name)); })*

        #[test]
        fn every_scenario_of_the_files_is_run() {
            let run = [$(stringify!($name)),*];
            for name in all().keys() {
                assert!(run.contains(&name.as_str()), "{name} is in no test");
            }
        }
    };
}

scenarios! {
    p1_a_tenants_own_rule_beats_a_cross_tenant_one,
    p2_an_exception_on_one_computer_ends_it,
    p4_a_computer_beats_its_person,
    p5_a_filter_at_one_tenant_beats_the_same_everywhere,
    p8_latest_beats_update_if_found_and_is_flagged,
    p9_absent_beats_installed_at_equal_rank_and_is_flagged,
    p10_the_same_twice_is_refused,
    p13_disabled_rules_are_no_candidates,
    p14_an_excluded_tenant_is_in_no_cross_tenant_rule,
    p16_each_instance_has_its_own_winner,
    p17_enforcement_decides_in_which_runs_a_rule_takes_part,
    p19_the_diff_of_a_change_is_computed_again_when_it_is_applied,
    p20_a_save_beyond_the_budget_names_its_number,
    t1_a_group_reaches_the_computers_of_its_members,
    t2_groups_nest_and_cycles_are_told,
    t4_t5_t6_a_line_holds_from_its_first_to_its_last_local_day,
    t9_a_midnight_in_utc_is_the_day_that_was_meant,
    t11_lines_open_backwards_and_of_one_day,
    t13_a_quantity_of_nothing_is_not_in_force,
    k8_an_exception_that_ends_drops_out_on_its_tenants_day,
    t14_an_off_boarding_is_seen_before_it_comes,
    t15_what_was_known_then,
    t15_what_is_known_now,
    t16_an_agreement_that_is_not_read_any_more,
    t16_after_two_days_nothing_is_known,
    t16_a_held_deletion_freezes_both_ways,
    t18_tags_not_read_yet_block,
    t19_a_filter_that_fails_is_unknown,
    t20_one_answer_for_everybody_and_for_one,
    t22_children_inherit_only_if_asked,
    t23_an_unknown_key_is_an_error,
    t24_an_edit_shows_its_exact_effect,
    t25_what_a_preview_shows_is_what_comes,
}
