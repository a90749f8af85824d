use std::collections::{HashMap, HashSet};

use super::*;
use crate::world::{Account, LoggedOn, UuidQuirk};

fn world(seed: u64, computers: usize) -> World {
    generate(&Options { seed, computers, ..Options::default() })
}

#[test]
fn the_same_seed_and_instant_give_the_same_world() {
    let now = Utc::now();
    let options = Options { seed: 7, computers: 400, ..Options::default() };
    let text = |world: &World| serde_json::to_string(world).unwrap();
    let first = text(&generate_at(&options, now));
    assert_eq!(first, text(&generate_at(&options, now)));
    let other = Options { seed: 8, ..options };
    assert_ne!(first, text(&generate_at(&other, now)));
}

#[test]
fn counts_are_what_was_asked_for() {
    for seed in 0..5 {
        let world = world(seed, 2_000);
        assert_eq!(world.tenants.len(), 51, "seed {seed}");
        assert_eq!(world.machines.iter().filter(|m| !m.stray).count(), 2_000, "seed {seed}");
        assert_eq!(world.persons.len(), 2_200, "seed {seed}");
    }
    let options =
        Options { computers: 30, tenants: Some(5), persons: Some(1_000), ..Options::default() };
    let small = generate(&options);
    assert_eq!((small.tenants.len(), small.persons.len()), (6, 1_000));
    for computers in 0..12 {
        world(computers as u64, computers);
    }
}

#[test]
fn rates_are_at_least_what_was_asked_for_and_not_much_more() {
    for seed in 0..5 {
        let world = world(seed, 2_000);
        let total = 2_000.0;
        let machines: Vec<_> = world.machines.iter().filter(|m| !m.stray).collect();
        let count = |test: &dyn Fn(&&&crate::world::Machine) -> bool| {
            machines.iter().filter(test).count() as f64 / total
        };
        let near = |have: f64, want: f64, what: &str| {
            assert!(
                have >= want - 1e-9 && have <= want * 1.35 + 0.01,
                "seed {seed}: {what} {have}"
            );
        };
        near(count(&|m| m.uuid_quirk == UuidQuirk::Junk), 0.02, "junk");
        near(count(&|m| matches!(m.uuid_quirk, UuidQuirk::Clone(_))), 0.01, "clones");
        let swapped = [UuidQuirk::SwappedInAutomate, UuidQuirk::SwappedInScript];
        near(count(&|m| swapped.contains(&m.uuid_quirk)), 0.05, "swapped");
        near(count(&|m| !m.wiped.is_empty()), 0.02, "wipes");
        near(count(&|m| !m.earlier_uuids.is_empty()), 0.01, "boards");
        near(count(&|m| !m.online), 0.10, "offline");
        let placeholders = hardware::PLACEHOLDERS;
        near(count(&|m| placeholders.contains(&m.serial.as_str())), 0.02, "placeholders");
        let both = count(&|m| m.automate_row.is_some() && m.control_row.is_some());
        near(both, 0.40, "both");
        assert_eq!(count(&|m| m.automate_row.is_none() && m.control_row.is_none()), 0.0);
        let stale = world.control.sessions.iter().filter(|s| {
            s.machine.is_some_and(|no| world.machines[no].wiped.is_empty())
                && !s.current
                && !s.ended
        });
        near(stale.count() as f64 / total, 0.03, "twice in Control");
        let intune = count(&|m| m.user.is_some() && m.entra_row.is_some());
        assert!(intune > 0.2, "seed {seed}: {intune}");
        let guests = world.persons.iter().filter(|p| p.account == Account::Guest).count();
        near(guests as f64 / world.persons.len() as f64, 0.05, "guests");
    }
}

#[test]
fn client_names_are_unique_after_normalisation_unless_they_are_one_tenant() {
    for seed in 0..5 {
        let world = world(seed, 4_000);
        let mut owners: HashMap<String, Option<usize>> = HashMap::new();
        let automate = world.automate.clients.iter().map(|c| (&c.name, c.tenant));
        let control = world.control.clients.iter().map(|c| (&c.name, c.tenant));
        let halo = world.halo.clients.iter().map(|c| (&c.name, c.tenant));
        for (name, tenant) in automate.chain(control).chain(halo) {
            let owner = owners.entry(names::key(name)).or_insert(tenant);
            assert_eq!(*owner, tenant, "seed {seed}: {name}");
        }
    }
}

#[test]
fn every_client_but_those_by_hand_is_joined_to_its_tenant_by_something() {
    for seed in 0..5 {
        let world = world(seed, 4_000);
        for tenant in 0..world.tenants.len() {
            let open = unjoined(&world, tenant);
            assert!(open.is_empty(), "seed {seed}, tenant {tenant}: {open:?}");
        }
        let by_hand = world.control.clients.iter().filter(|c| c.by_hand).count()
            + world.halo.clients.iter().filter(|c| c.by_hand).count();
        let all = world.control.clients.len()
            + world.halo.clients.len()
            + world.automate.clients.len()
            + world.directories.len();
        assert!(by_hand >= 2 && by_hand * 50 <= all, "{by_hand} of {all}");
    }
}

/// Clients of a tenant that no chain of equal names and cross-references joins to the first.
fn unjoined(world: &World, tenant: usize) -> Vec<String> {
    let mut nodes: Vec<(String, HashSet<String>)> = Vec::new();
    let mut node =
        |label: String, keys: Vec<String>| nodes.push((label, keys.into_iter().collect()));
    for (no, d) in
        world.directories.iter().enumerate().filter(|(_, d)| d.tenants.first() == Some(&tenant))
    {
        node(format!("directory {no}"), vec![format!("d{no}"), names::key(&d.display_name)]);
    }
    for c in world.automate.clients.iter().filter(|c| c.tenant == Some(tenant)) {
        let keys = vec![format!("a{}", c.id), format!("h{}", c.external_id), names::key(&c.name)];
        node(format!("automate {}", c.name), keys);
    }
    for c in world.halo.clients.iter().filter(|c| c.tenant == Some(tenant) && !c.by_hand) {
        let mut keys = vec![format!("h{}", c.id), names::key(&c.name)];
        keys.extend(c.automate_id.map(|id| format!("a{id}")));
        let mapped = world.halo.azure_tenants.iter().filter(|(_, _, client)| *client == c.id);
        keys.extend(mapped.map(|(_, d, _)| format!("d{d}")));
        node(format!("halo {}", c.name), keys);
    }
    for c in world.control.clients.iter().filter(|c| c.tenant == Some(tenant) && !c.by_hand) {
        node(format!("control {}", c.name), vec![names::key(&c.name)]);
    }
    let mut known: HashSet<String> = nodes.first().map(|n| n.1.clone()).unwrap_or_default();
    while let Some(at) = nodes.iter().position(|n| n.1.iter().any(|k| known.contains(k))) {
        known.extend(nodes.swap_remove(at).1);
    }
    nodes.into_iter().map(|n| n.0).collect()
}

#[test]
fn identifiers_are_unique_but_where_the_trouble_is_planted() {
    let world = world(3, 3_000);
    let mut uuids: HashMap<&str, usize> = HashMap::new();
    let mut serials: HashMap<(&str, &str), usize> = HashMap::new();
    for machine in &world.machines {
        let special = matches!(machine.uuid_quirk, UuidQuirk::Clone(_) | UuidQuirk::Junk);
        if !special {
            *uuids.entry(machine.uuid.as_str()).or_default() += 1;
        }
        if !hardware::PLACEHOLDERS.contains(&machine.serial.as_str()) {
            *serials.entry((&machine.manufacturer, &machine.serial)).or_default() += 1;
        }
    }
    assert!(uuids.values().all(|n| *n == 1));
    assert!(serials.values().all(|n| *n == 1));
    let upns: HashSet<String> = world.persons.iter().map(|p| p.upn.to_lowercase()).collect();
    assert_eq!(upns.len(), world.persons.len());
}

#[test]
fn clones_are_both_on_and_seen_by_one_system_at_once() {
    let world = world(4, 4_000);
    for (no, machine) in world.machines.iter().enumerate() {
        let UuidQuirk::Clone(original) = machine.uuid_quirk else { continue };
        let other = &world.machines[original];
        assert!(machine.online && other.online, "{no}");
        assert_eq!((machine.tenant, &machine.uuid), (other.tenant, &other.uuid));
        assert_ne!(machine.serial, other.serial);
        assert_ne!(machine.installation_id, other.installation_id);
        assert_ne!(machine.host, other.host);
        assert!(
            (machine.automate_row.is_some() && other.automate_row.is_some())
                || (machine.control_row.is_some() && other.control_row.is_some())
        );
    }
}

#[test]
fn what_a_wipe_leaves_over_was_last_heard_of_before_windows_was_installed() {
    let world = world(5, 4_000);
    let old = world.automate.computers.iter().filter(|c| !c.current).collect::<Vec<_>>();
    assert!(!old.is_empty());
    for computer in old {
        let machine = &world.machines[computer.machine];
        assert!(computer.last_contact < machine.os_installed);
        assert_ne!(computer.host, machine.host);
        assert!(computer.added <= computer.last_contact);
    }
    for session in world.control.sessions.iter().filter(|s| !s.current && s.kind == 2) {
        let machine = &world.machines[session.machine.unwrap()];
        let current = &world.control.sessions[machine.control_row.unwrap()];
        assert!(session.last_connected < current.added && session.added <= session.last_connected);
    }
}

#[test]
fn personal_machines_are_used_by_their_user_alone_and_shared_ones_by_nobody_of_the_directory() {
    let world = world(6, 2_000);
    for machine in &world.machines {
        let people: Vec<&LoggedOn> = machine.logons.iter().map(|(_, who)| who).collect();
        match machine.user {
            Some(user) => {
                assert!(machines::eligible(&world, user));
                assert_eq!(world.persons[user].tenant, machine.tenant);
                assert!(!people.is_empty());
                assert!(people.iter().all(|who| **who == LoggedOn::Person(user)));
            }
            None => assert!(!people.iter().any(|who| matches!(who, LoggedOn::Person(_)))),
        }
    }
}

#[test]
fn one_directory_serves_two_tenants_split_by_domain() {
    let world = world(1, 2_000);
    let shared: Vec<_> = world.directories.iter().filter(|d| d.tenants.len() == 2).collect();
    assert_eq!(shared.len(), 1);
    for tenant in &shared[0].tenants {
        assert!(shared[0].domains.contains(&world.tenants[*tenant].domain));
    }
    assert!(!shared[0].intune);
}

#[test]
fn a_hundred_thousand_computers_take_seconds() {
    let started = std::time::Instant::now();
    let options = Options { computers: 20_000, persons: Some(40_000), ..Options::default() };
    let world = generate(&options);
    assert_eq!(world.persons.len(), 40_000);
    // A fifth of the size, unoptimised, on a busy machine.
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
