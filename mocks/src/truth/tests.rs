use chrono::{Days, NaiveDate, TimeZone};

use super::*;
use crate::generate::{generate, generate_at};
use crate::world::{HaloContract, HaloInvoice, HaloLine, LoggedOn, Options, World};

fn estate(seed: u64) -> World {
    generate(&Options { seed, computers: 400, ..Options::default() })
}

/// A world with one contract and one line of one customer in Honolulu (UTC-10), to be changed.
fn one_line() -> World {
    let mut world = estate(1);
    let client = world.halo.clients.iter().find(|c| c.tenant.is_some_and(|t| t != 0)).unwrap();
    let (id, tenant, mark) = (client.id, client.tenant.unwrap(), client.mark.clone());
    world.tenants[tenant].time_zone = "Pacific/Honolulu".into();
    let item = world.halo.items[0].id;
    world.halo.contracts = vec![HaloContract {
        id: 1,
        client: id,
        reference: "Managed".into(),
        kind: "Managed".into(),
        start: None,
        end: None,
        unset: None,
        active: true,
        status: "Active".into(),
        expired: false,
        assets: Vec::new(),
        users: Vec::new(),
        mark: mark.clone(),
    }];
    let line = HaloLine {
        id: 7,
        item: Some(item),
        heading: false,
        quantity: 3.0,
        price: 1.0,
        start: None,
        end: None,
        inactive: false,
    };
    world.halo.invoices = vec![HaloInvoice {
        id: -2,
        client: id,
        contract: Some(1),
        disabled: false,
        lines: vec![line],
        mark,
    }];
    world
}

fn holds(world: &World, as_of: DateTime<Utc>) -> bool {
    !truth(world, as_of).agreement_lines.is_empty()
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

/// Ten in the morning in Honolulu on that day of March 2026.
fn at(day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, day, 20, 0, 0).unwrap()
}

#[test]
fn both_ends_of_a_range_are_included() {
    let mut world = one_line();
    world.halo.contracts[0].start = Some(day(10));
    world.halo.contracts[0].end = Some(day(12));
    let days: Vec<bool> = (9..=13).map(|d| holds(&world, at(d))).collect();
    assert_eq!(days, [false, true, true, true, false]);
    world.halo.contracts[0].end = None;
    world.halo.invoices[0].lines[0].end = Some(day(11));
    assert!(holds(&world, at(11)) && !holds(&world, at(12)));
    world.halo.invoices[0].lines[0].start = Some(day(11));
    assert!(!holds(&world, at(10)) && holds(&world, at(11)));
}

#[test]
fn days_are_those_of_the_tenants_zone() {
    let mut world = one_line();
    world.halo.contracts[0].end = Some(day(12));
    // In Honolulu the twelfth lasts until ten o'clock of the thirteenth, by UTC.
    assert!(holds(&world, Utc.with_ymd_and_hms(2026, 3, 13, 9, 59, 0).unwrap()));
    assert!(!holds(&world, Utc.with_ymd_and_hms(2026, 3, 13, 10, 0, 0).unwrap()));
}

#[test]
fn dates_that_stand_for_none_are_none() {
    let mut world = one_line();
    for (year, month, day) in [(1899, 12, 30), (1900, 1, 1), (1901, 1, 1), (9999, 12, 31)] {
        let sentinel = NaiveDate::from_ymd_opt(year, month, day);
        world.halo.contracts[0].start = sentinel;
        world.halo.contracts[0].end = sentinel;
        world.halo.invoices[0].lines[0].end = sentinel;
        assert!(holds(&world, at(10)), "{year}");
    }
}

#[test]
fn what_is_not_sold_is_not_in_force() {
    let today = at(10);
    assert!(holds(&one_line(), today));
    type Case = (&'static str, fn(&mut World));
    let without: &[Case] = &[
        ("inactive contract", |w| w.halo.contracts[0].active = false),
        ("draft", |w| w.halo.contracts[0].status = "Draft".into()),
        ("expired", |w| w.halo.contracts[0].expired = true),
        ("cancelled", |w| w.halo.contracts[0].status = "Cancelled".into()),
        ("disabled invoice", |w| w.halo.invoices[0].disabled = true),
        ("invoice without contract", |w| w.halo.invoices[0].contract = None),
        ("inactive line", |w| w.halo.invoices[0].lines[0].inactive = true),
        ("heading", |w| w.halo.invoices[0].lines[0].heading = true),
        ("no item", |w| w.halo.invoices[0].lines[0].item = None),
        ("nothing of it", |w| w.halo.invoices[0].lines[0].quantity = 0.0),
    ];
    for (what, make) in without {
        let mut world = one_line();
        make(&mut world);
        assert!(!holds(&world, today), "{what}");
    }
}

#[test]
fn the_generated_edges_are_where_they_should_be() {
    let noon = Utc.with_ymd_and_hms(2026, 5, 20, 12, 0, 0).unwrap();
    let options = Options { computers: 4_000, ..Options::default() };
    let world = generate_at(&options, noon);
    let lines = |as_of| {
        let truth = truth(&world, as_of);
        truth.agreement_lines.iter().map(|l| l.id).collect::<std::collections::BTreeSet<i64>>()
    };
    let (before, today, after) =
        (lines(noon - Days::new(1)), lines(noon), lines(noon + Days::new(1)));
    assert!(today.difference(&before).count() >= 3, "some start today");
    assert!(before.difference(&today).count() >= 3, "some ended yesterday");
    assert!(after.difference(&today).count() >= 3, "some start tomorrow");
    assert!(today.difference(&after).count() >= 3, "some end today");
}

#[test]
fn every_agent_is_on_one_computer_and_strays_are_apart() {
    let world = estate(2);
    let truth = truth(&world, world.now());
    let mut seen = std::collections::HashSet::new();
    for agent in truth.computers.iter().flat_map(|c| &c.agents) {
        assert!(seen.insert((agent.kind.clone(), agent.id.clone())));
    }
    assert!(!truth.unlinked_agents.is_empty());
    assert!(truth.unlinked_agents.iter().all(|agent| !seen.contains(agent)));
    let unlinked =
        ("cw-automate".to_owned(), world.automate.clients.last().unwrap().id.to_string());
    assert!(truth.unlinked_clients.contains(&unlinked));
}

#[test]
fn the_primary_person_is_the_user_who_is_there() {
    let mut world = estate(3);
    let no = world.machines.iter().position(|m| m.user.is_some()).unwrap();
    let user = world.machines[no].user.unwrap();
    let primary = |world: &World| {
        let truth = truth(world, world.now());
        truth.computers.iter().find(|c| c.no == no).unwrap().primary_person
    };
    assert_eq!(primary(&world), Some(world.persons[user].id));
    world.persons[user].enabled = false;
    assert_eq!(primary(&world), None);
    world.persons[user].enabled = true;
    world.machines[no].logons = vec![(world.now(), LoggedOn::Nobody)];
    assert_eq!(primary(&world), None);
}

#[test]
fn a_cycle_of_groups_ends() {
    let world = estate(4);
    let truth = truth(&world, world.now());
    let persons = |name: &str| &truth.groups.iter().find(|g| g.name == name).unwrap().persons;
    assert!(!persons("Approvers").is_empty());
    assert_eq!(persons("Approvers"), persons("Deputies"));
}
