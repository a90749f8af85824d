//! The order of actions: against a naive planner that tries every order, and against cycles.

use std::collections::{BTreeMap, BTreeSet};

use core_model::library::{DesiredState as State, Enforcement, Order, Prerequisite};
use core_plan::{ActionResult, Key, Outline, Overall, Plan, RunKind};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::world::{World, block, result, software_id as id};

/// Where the seeds begin: `LINCHPIN_SEED`, or a fixed place.
#[expect(clippy::disallowed_methods, reason = "a failing seed is given back to the test this way")]
fn first_seed() -> u64 {
    std::env::var("LINCHPIN_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_130)
}

fn permutations(names: &[String]) -> Vec<Vec<String>> {
    let Some((first, rest)) = names.split_first() else { return vec![Vec::new()] };
    let mut all = Vec::new();
    for order in permutations(rest) {
        for at in 0..=order.len() {
            let mut order = order.clone();
            order.insert(at, first.clone());
            all.push(order);
        }
    }
    all
}

fn letters(count: usize) -> Vec<String> {
    ('A'..='Z').take(count).map(String::from).collect()
}

#[test]
fn d1_prerequisites_come_first_in_whatever_order_they_are_stored() {
    let names = letters(3);
    let orders = permutations(&names);
    assert_eq!(orders.len(), 6);
    // Deployed each, or called for by A alone.
    for deployed in [3, 1] {
        for order in &orders {
            let mut world = World::new();
            for name in order {
                world = match names[..deployed].contains(name) {
                    true => world.deploys(name, State::Latest),
                    false => world.knows(name),
                };
            }
            world = world
                .requires("A", Prerequisite::installs(id("B")))
                .requires("B", Prerequisite::installs(id("C")));
            let (plan, report) = world.run();
            assert_eq!(world.names(&plan), ["C", "B", "A"], "stored as {order:?}");
            assert_eq!(report.overall, Overall::Passed);
            assert_eq!(world.installed.len(), 3);
        }
    }
}

/// A random library of a few items without a cycle: what each needs, its order, whether it is deployed.
struct Graph {
    needs: BTreeMap<String, BTreeSet<String>>,
    orders: BTreeMap<String, Order>,
    deployed: BTreeSet<String>,
    /// The same, as edges that only order.
    waits: BTreeSet<(String, String)>,
}

fn graph(dice: &mut ChaCha8Rng) -> Graph {
    let count = dice.random_range(1..=6);
    let names = letters(count);
    // A hidden order, along which edges go, so that there is no cycle.
    let mut hidden = names.clone();
    hidden.shuffle(dice);
    let density = dice.random_range(0.0..0.7);
    let mut graph = Graph {
        needs: BTreeMap::new(),
        orders: BTreeMap::new(),
        deployed: BTreeSet::new(),
        waits: BTreeSet::new(),
    };
    for (at, name) in hidden.iter().enumerate() {
        let mut needs = BTreeSet::new();
        for before in &hidden[..at] {
            if dice.random_bool(density) {
                needs.insert(before.clone());
                if dice.random_bool(0.3) {
                    graph.waits.insert((name.clone(), before.clone()));
                }
            }
        }
        graph.needs.insert(name.clone(), needs);
        let order = match dice.random_range(0..4) {
            0 => Order::Beginning(dice.random_range(0..2)),
            1 => Order::End(dice.random_range(0..2)),
            _ => Order::Unordered,
        };
        graph.orders.insert(name.clone(), order);
        if dice.random_bool(0.7) {
            graph.deployed.insert(name.clone());
        }
    }
    // What is only waited for has to be deployed, else it is refused.
    for (_, before) in &graph.waits {
        graph.deployed.insert(before.clone());
    }
    graph
}

impl Graph {
    /// The world, stored in this order.
    fn world(&self, stored: &[String]) -> World {
        let mut world = World::new();
        for name in stored {
            world = match self.deployed.contains(name) {
                true => world.deploys(name, State::Latest),
                false => world.knows(name),
            };
            let mut needs: Vec<&String> = self.needs[name].iter().collect();
            // Prerequisites are stored in some order too.
            needs.sort_by_key(|one| stored.iter().position(|other| other == *one));
            for one in needs {
                let waits = self.waits.contains(&(name.clone(), one.clone()));
                world = world.requires(
                    name,
                    match waits {
                        true => Prerequisite::needs(id(one)),
                        false => Prerequisite::installs(id(one)),
                    },
                );
            }
            world.edit(name).order = self.orders[name];
        }
        world
    }

    /// All that something needs, and what that needs.
    fn all_needs(&self, name: &str) -> BTreeSet<String> {
        let mut all = BTreeSet::new();
        for one in &self.needs[name] {
            all.insert(one.clone());
            all.extend(self.all_needs(one));
        }
        all
    }

    /// Of all orders of what is deployed in which everything comes after what it needs, the least by
    /// (order, name).
    fn naive(&self) -> Vec<String> {
        let deployed: Vec<String> = self.deployed.iter().cloned().collect();
        let fits = |order: &Vec<String>| {
            order.iter().enumerate().all(|(at, name)| {
                let needs = self.all_needs(name);
                order[at..].iter().all(|later| !needs.contains(later))
            })
        };
        let all = permutations(&deployed).into_iter().filter(fits);
        all.min_by_key(|order| {
            let ranks = order.iter().map(|name| (self.orders[name], name.clone()));
            ranks.collect::<Vec<_>>()
        })
        .unwrap()
    }
}

#[test]
fn random_graphs_are_ordered_as_a_naive_planner_orders_them_1() {
    for seed in first_seed()..first_seed() + 400 {
        let said = format!("seed {seed} (LINCHPIN_SEED={seed} gives it back)");
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let graph = graph(&mut dice);
        let names: Vec<String> = graph.needs.keys().cloned().collect();
        let mut world = graph.world(&names);
        let plan = world.plan();
        let planned = world.names(&plan);
        let deployed: Vec<String> =
            planned.iter().filter(|name| graph.deployed.contains(*name)).cloned().collect();
        assert_eq!(deployed, graph.naive(), "{said}");
        // What is not deployed is there where something needs it, right before the first that does.
        let needed: BTreeSet<String> =
            graph.deployed.iter().flat_map(|name| graph.all_needs(name)).collect();
        let expected: BTreeSet<String> = graph.deployed.union(&needed).cloned().collect();
        assert_eq!(planned.iter().cloned().collect::<BTreeSet<_>>(), expected, "{said}");
        assert_eq!(planned.len(), expected.len(), "nothing twice: {said}");
        for (at, name) in planned.iter().enumerate() {
            let needs = graph.all_needs(name);
            assert!(planned[at..].iter().all(|later| !needs.contains(later)), "{said}");
            if !graph.deployed.contains(name) {
                let next = planned[at..].iter().find(|one| graph.deployed.contains(*one)).unwrap();
                assert!(graph.all_needs(next).contains(name), "{name} before {next}: {said}");
            }
        }
        let report = world.carry_out(&plan);
        assert_eq!(report.overall, Overall::Passed, "{said}");
    }
}

#[test]
fn the_order_in_which_things_are_stored_is_in_no_plan() {
    for seed in first_seed()..first_seed() + 25 {
        let said = format!("seed {seed} (LINCHPIN_SEED={seed} gives it back)");
        let graph = graph(&mut ChaCha8Rng::seed_from_u64(seed));
        let names: Vec<String> = graph.needs.keys().cloned().collect();
        let mut first: Option<Plan> = None;
        for mut stored in permutations(&names) {
            let mut world = graph.world(&stored);
            let mut plan = world.plan();
            // The definitions themselves hold their prerequisites in another order.
            for action in &mut plan.actions {
                action.inputs.clear();
                action.digest.clear();
                action.checks.sort_by_key(|check| check.words.clone());
            }
            plan.digest.clear();
            stored.reverse();
            match &first {
                None => first = Some(plan),
                Some(first) => assert_eq!(*first, plan, "{said}"),
            }
        }
    }
}

#[test]
fn equal_definitions_in_another_order_give_the_same_digest() {
    let graph = graph(&mut ChaCha8Rng::seed_from_u64(first_seed()));
    let names: Vec<String> = graph.needs.keys().cloned().collect();
    let mut world = graph.world(&names);
    let plan = world.plan();
    world.software.reverse();
    world.deployments.reverse();
    assert_eq!(world.plan(), plan);
}

/// A needs B needs C … needs A.
fn ring(length: usize, deployed: usize) -> World {
    let names = letters(length);
    let mut world = World::new().deploys("Other", State::Latest);
    for (at, name) in names.iter().enumerate() {
        world = match at < deployed {
            true => world.deploys(name, State::Latest),
            false => world.knows(name),
        };
    }
    for (at, name) in names.iter().enumerate() {
        world = world.requires(name, Prerequisite::installs(id(&names[(at + 1) % length])));
    }
    world
}

#[test]
fn d3_a_cycle_of_any_length_is_named_and_blocks_itself_alone() {
    for length in 1..=8 {
        for deployed in [length, 1] {
            let mut world = ring(length, deployed)
                .deploys("Dependant", State::Latest)
                .deploys("Far", State::Latest)
                .requires("Dependant", Prerequisite::installs(id("A")))
                .requires("Far", Prerequisite::installs(id("Dependant")));
            let mut path = letters(length);
            path.push("A".to_owned());
            let path = path.join(" → ");
            let known = world.detect();
            assert_eq!(world.told(), ["Other: detect"], "{path}");
            world.with(|request| {
                let outline = Outline::of(request);
                let blocked: BTreeMap<&Key, String> =
                    outline.blocked().map(|(key, block)| (key, block.words())).collect();
                assert!(blocked[&Key::item(id("A"))].ends_with(&path), "{blocked:?}");
                assert!(outline.items().map(|(_, title)| title).eq(["Other"]));
            });
            let plan = world.plan_of(&known);
            assert!(block(&plan, id("A")).ends_with(&format!("cycle of prerequisites: {path}")));
            for name in ["Dependant", "Far"] {
                let words = block(&plan, id(name));
                assert!(words.starts_with("it waits for") && words.ends_with(&path), "{words}");
            }
            let report = world.carry_out(&plan);
            assert!(matches!(result(&report, id("A")), ActionResult::Blocked(_)));
            assert_eq!(*result(&report, id("Other")), ActionResult::Compliant);
            assert_eq!(report.overall, Overall::PartiallyPassed);
            assert_eq!(world.installed.len(), 1, "only Other");
        }
    }
}

#[test]
fn d3_of_two_cycles_that_touch_each_names_its_own_shortest() {
    let mut world = World::new();
    for name in ["A", "B", "C", "D"] {
        world = world.deploys(name, State::Latest);
    }
    for (of, needs) in [("A", "B"), ("B", "A"), ("B", "C"), ("C", "D"), ("D", "B")] {
        world = world.requires(of, Prerequisite::installs(id(needs)));
    }
    let plan = world.plan();
    assert!(block(&plan, id("A")).ends_with(": A → B → A"));
    assert!(block(&plan, id("B")).ends_with(": A → B → A"));
    assert!(block(&plan, id("C")).ends_with(": B → C → D → B"));
    assert!(block(&plan, id("D")).ends_with(": B → C → D → B"));
}

#[test]
fn p17_what_is_for_onboarding_comes_first_in_an_onboarding_run() {
    let mut world = World::new()
        .deploys("Agent", State::Latest)
        .deploys("Name", State::Latest)
        .runs("Zero", State::Enforce);
    world.edit("Agent").order = Order::Beginning(1);
    world.deployments[1].enforcement = Enforcement::Onboarding;
    world.edit_task("Zero").onboarding_only = true;
    world.run = RunKind::Onboarding { automatic: false };
    let plan = world.plan();
    assert_eq!(world.names(&plan), ["Name", "Zero", "Agent"]);
    // What is for onboarding only takes no other part, and that is said.
    world.run = RunKind::Full;
    let plan = world.plan();
    assert_eq!(world.names(&plan), ["Agent", "Name"]);
    assert!(plan.left_out[0].1.contains("onboarding runs only"), "{:?}", plan.left_out);
    world.edit_task("Zero").ignored_in_automatic_onboarding = true;
    world.run = RunKind::Onboarding { automatic: true };
    let plan = world.plan();
    assert_eq!(world.names(&plan), ["Name", "Agent"]);
    assert_eq!(plan.left_out.len(), 1);
}

#[test]
fn a_long_chain_is_no_trouble() {
    let mut world = World::new().deploys("0", State::Latest);
    for at in 1..200 {
        world = world.knows(&at.to_string());
        world = world.requires(&(at - 1).to_string(), Prerequisite::installs(id(&at.to_string())));
    }
    let (plan, report) = world.run();
    assert_eq!(plan.actions.len(), 200);
    assert_eq!(world.names(&plan)[0], "199");
    assert_eq!(report.overall, Overall::Passed);
}
