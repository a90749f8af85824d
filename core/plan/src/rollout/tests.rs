use core_model::library::{Ring, RingMembers};

use super::{HOUR_US, Rollout, Tally};

const BEGAN: i64 = 1_796_000_000_000_000;

/// Canary 5 %, soak 24 h, stop above 2 %; then a quarter; then everybody.
fn rings() -> Vec<Ring> {
    [5, 25].map(|percent| Ring::new(RingMembers::Percent(percent))).to_vec()
}

fn tally(members: u64, reached: u64, failed: u64) -> Tally {
    Tally { members, reached, failed }
}

fn rest() -> [Tally; 2] {
    [tally(240, 0, 0), tally(900, 0, 0)]
}

fn begun() -> Rollout {
    Rollout::begin("v1", &rings(), BEGAN)
}

fn of(canary: Tally) -> [Tally; 3] {
    let [second, third] = rest();
    [canary, second, third]
}

#[test]
fn s30_three_of_sixty_that_fail_halt_the_deployment_and_later_rings_stay_untouched() {
    let mut rollout = begun();
    rollout.advance(&of(tally(60, 60, 3)), BEGAN + HOUR_US);
    let halt = rollout.halt.clone().unwrap();
    assert_eq!((halt.ring, &*halt.why), (0, "ring 1: 3 of 60 failed (5 %, more than 2 %)"));
    assert_eq!(rollout.gates[1].opened_us, None);
    let gates = rollout.gates(&of(tally(60, 60, 3)));
    assert!(gates.iter().all(|gate| gate.as_deref().is_some_and(|why| why.starts_with("halted"))));
    // However long it soaks.
    rollout.advance(&of(tally(60, 60, 0)), BEGAN + 1_000 * HOUR_US);
    assert_eq!(rollout.gates[1].opened_us, None);
}

#[test]
fn s30_one_of_sixty_is_within_the_limit_and_the_next_ring_opens_after_the_soak() {
    let mut rollout = begun();
    let canary = of(tally(60, 60, 1));
    let reached = BEGAN + HOUR_US;
    rollout.advance(&canary, reached);
    assert_eq!(rollout.halt, None);
    let gates = rollout.gates(&canary);
    assert_eq!(gates[0], None);
    let why = gates[1].clone().unwrap();
    assert_eq!(why, "ring 2 opens after 2026-12-01T01:53:20Z, when ring 1 has soaked for 24 h");
    assert_eq!(
        gates[2].as_deref(),
        Some(format!("ring 3 (everybody else) opens after ring 2: {why}").as_str())
    );
    rollout.advance(&canary, reached + 24 * HOUR_US - 1);
    assert_eq!(rollout.gates[1].opened_us, None);
    rollout.advance(&canary, reached + 24 * HOUR_US);
    assert_eq!(rollout.gates(&canary)[1], None);
    // The last ring waits for the second one in turn.
    let why = rollout.gates(&canary)[2].clone().unwrap();
    assert!(why.contains("once 80 % of ring 2 were reached (0 of 240 by now)"), "{why}");
}

#[test]
fn s30_a_ring_is_reached_by_enough_and_not_by_all_and_failures_count_from_a_minimum_on() {
    let mut rollout = begun();
    // One failed of one says nothing yet.
    rollout.advance(&of(tally(60, 1, 1)), BEGAN);
    assert_eq!((rollout.halt.clone(), rollout.gates[0].reached_us), (None, None));
    rollout.advance(&of(tally(60, 47, 0)), BEGAN + 1);
    assert_eq!(rollout.gates[0].reached_us, None);
    rollout.advance(&of(tally(60, 48, 0)), BEGAN + 2);
    assert_eq!(rollout.gates[0].reached_us, Some(BEGAN + 2));
    let mut early = begun();
    early.advance(&of(tally(60, 5, 2)), BEGAN);
    assert!(early.halt.is_some());
    // A small ring that was reached is judged by its rate alone: half of it failed.
    let mut small = begun();
    small.advance(&of(tally(2, 2, 1)), BEGAN);
    assert_eq!(small.halt.unwrap().why, "ring 1: 1 of 2 failed (50 %, more than 2 %)");
}

#[test]
fn s30_a_ring_that_is_open_stays_open_and_fails_all_the_same() {
    let mut rollout = begun();
    rollout.advance(&of(tally(60, 60, 0)), BEGAN);
    rollout.advance(&of(tally(60, 60, 0)), BEGAN + 24 * HOUR_US);
    // Others carry the tag now: fewer than enough of them were reached.
    rollout.advance(&of(tally(600, 60, 0)), BEGAN + 25 * HOUR_US);
    assert_eq!(rollout.gates(&of(tally(600, 60, 0)))[1], None);
    let mut late = rollout.clone();
    late.advance(&of(tally(60, 60, 2)), BEGAN + 26 * HOUR_US);
    assert_eq!(late.halt.unwrap().ring, 0);
    rollout.advance(&[tally(60, 60, 0), tally(240, 100, 9), rest()[1]], BEGAN + 26 * HOUR_US);
    assert_eq!(rollout.halt.unwrap().ring, 1);
}

#[test]
fn s30_nobody_in_a_ring_opens_nothing_and_another_version_begins_anew() {
    let mut rollout = begun();
    rollout.advance(&of(tally(0, 0, 0)), BEGAN + 1_000 * HOUR_US);
    let why = rollout.gates(&of(tally(0, 0, 0)))[1].clone().unwrap();
    assert_eq!(why, "ring 2 stays closed: nobody is in ring 1");
    rollout.advance(&of(tally(60, 60, 3)), BEGAN);
    let same = Rollout::of(Some(rollout.clone()), "v1", &rings(), BEGAN + 5);
    assert_eq!(same, rollout);
    let newer = Rollout::of(Some(rollout.clone()), "v2", &rings(), BEGAN + 5);
    assert_eq!(newer, Rollout::begin("v2", &rings(), BEGAN + 5));
    assert_eq!(
        Rollout::of(Some(rollout), "v1", &rings()[..1], 7),
        Rollout::begin("v1", &rings()[..1], 7)
    );
}

#[test]
fn s30_whoever_goes_on_takes_those_that_failed_and_they_count_no_more() {
    let mut rollout = begun();
    rollout.advance(&of(tally(60, 60, 3)), BEGAN);
    rollout.go_on([core_model::id::ComputerId::of_text("one", 1).into()]);
    assert_eq!((rollout.halt.clone(), rollout.excused.len()), (None, 1));
    rollout.advance(&of(tally(57, 57, 0)), BEGAN + 24 * HOUR_US);
    assert!(rollout.gates[1].opened_us.is_some());
    let text = serde_json::to_string(&rollout).unwrap();
    assert_eq!(serde_json::from_str::<Rollout>(&text).unwrap(), rollout);
}
