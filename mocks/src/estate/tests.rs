use serde_json::json;

use super::*;
use crate::generate::generate;
use crate::truth::truth;
use crate::world::{Options, World};

fn estate(seed: u64) -> World {
    generate(&Options { seed, computers: 250, ..Options::default() })
}

fn change(value: serde_json::Value) -> Change {
    serde_json::from_value(value).unwrap()
}

/// What must hold whatever was changed.
fn sound(world: &World, seed: u64) {
    for (no, machine) in world.machines.iter().enumerate() {
        if let Some(row) = machine.automate_row {
            let agent = &world.automate.computers[row];
            assert!(agent.machine == no && agent.current, "seed {seed}, machine {no}");
        }
        if let Some(row) = machine.control_row {
            let agent = &world.control.sessions[row];
            assert!(agent.machine == Some(no) && agent.current, "seed {seed}, machine {no}");
        }
        if let Some(user) = machine.user {
            assert_eq!(world.persons[user].tenant, machine.tenant, "seed {seed}, machine {no}");
        }
    }
    let rows = &world.automate.computers;
    let current = rows.iter().filter(|c| c.current).count();
    let known = world.machines.iter().filter(|m| m.automate_row.is_some()).count();
    assert_eq!(current, known, "seed {seed}");
    assert!(rows.windows(2).all(|pair| pair[0].id < pair[1].id), "seed {seed}");
    let mut upns: Vec<String> = world.persons.iter().map(|p| p.upn.to_lowercase()).collect();
    upns.sort_unstable();
    assert!(upns.windows(2).all(|pair| pair[0] != pair[1]), "seed {seed}");
    for mark in world.persons.iter().map(|p| &p.mark).chain(world.groups.iter().map(|g| &g.mark)) {
        assert!(mark.changed <= world.version && mark.born <= mark.changed, "seed {seed}");
        assert!(mark.gone.is_none_or(|gone| gone <= world.version), "seed {seed}");
    }
    for group in &world.groups {
        for membership in &group.members {
            assert!(membership.removed.is_none_or(|removed| removed >= membership.added));
        }
    }
    let truth = truth(world, world.now());
    for computer in &truth.computers {
        assert!(!computer.agents.is_empty());
    }
}

#[test]
fn random_changes_keep_the_world_sound() {
    for seed in 0..10 {
        let mut world = estate(seed);
        for round in 0..10 {
            let done = random_changes(&mut world, 50, seed * 100 + round, &[]);
            assert_eq!(done.len(), 50, "seed {seed}");
            sound(&world, seed);
        }
        assert_eq!(world.version, 500);
    }
}

#[test]
fn random_changes_are_of_all_kinds_and_leave_out_what_they_are_told_to() {
    let mut world = estate(3);
    let done = random_changes(&mut world, 600, 9, &["power".to_owned()]);
    for (kind, _) in KINDS {
        assert_eq!(done.iter().any(|d| d.change == *kind), *kind != "power", "{kind}");
    }
}

#[test]
fn a_wipe_leaves_the_old_agents_behind() {
    let mut world = estate(1);
    let no = world
        .machines
        .iter()
        .position(|m| m.automate_row.is_some() && m.control_row.is_some() && m.user.is_some());
    let no = no.unwrap();
    let before = world.machines[no].clone();
    apply(&mut world, &change(json!({"change": "wipe", "machine": no}))).unwrap();
    let machine = &world.machines[no];
    assert_ne!(machine.host, before.host);
    assert_ne!(machine.installation_id, before.installation_id);
    assert_eq!(machine.uuid, before.uuid);
    let old = &world.automate.computers[before.automate_row.unwrap()];
    assert!(!old.current && old.host == before.host && old.last_contact < machine.os_installed);
    assert_ne!(machine.control_row, before.control_row);
    sound(&world, 1);
}

#[test]
fn a_person_who_comes_back_is_in_his_groups_again() {
    let mut world = estate(2);
    let (group, person) = world
        .groups
        .iter()
        .enumerate()
        .find_map(|(no, group)| {
            group.members.iter().find_map(|m| match m.member {
                crate::world::Member::Person(person) => Some((no, person)),
                _ => None,
            })
        })
        .unwrap();
    let members = |world: &World| truth(world, world.now()).groups[group].persons.clone();
    let before = members(&world);
    apply(&mut world, &change(json!({"change": "remove_person", "person": person}))).unwrap();
    assert!(!members(&world).contains(&world.persons[person].id));
    apply(&mut world, &change(json!({"change": "restore_person", "person": person}))).unwrap();
    assert_eq!(members(&world), before);
    let upn = world.persons[person].upn.to_uppercase();
    apply(&mut world, &change(json!({"change": "remove_person", "person": upn, "purge": true})))
        .unwrap();
    let back = apply(&mut world, &change(json!({"change": "restore_person", "person": person})));
    assert!(matches!(back, Err(ChangeError::Impossible(_))));
}

#[test]
fn what_cannot_be_changed_changes_nothing() {
    let mut world = estate(4);
    for bad in [
        json!({"change": "wipe", "machine": 99_999}),
        json!({"change": "end_contract", "contract": -5}),
        json!({"change": "rename_client", "system": "halo", "client": "nobody"}),
        json!({"change": "add_member", "group": "no such group", "person": 0}),
    ] {
        assert!(apply(&mut world, &change(bad)).is_err());
    }
    assert_eq!(world.version, 0);
    let typo = serde_json::from_value::<Change>(json!({"change": "wipe", "machin": 1}));
    assert!(typo.is_err());
}

#[test]
fn shares_are_removed_and_come_back() {
    let mut world = estate(5);
    let all = world.persons.len();
    apply(&mut world, &change(json!({"change": "remove_share_of_persons", "share": 0.99})))
        .unwrap();
    assert!(truth(&world, world.now()).persons.len() <= all / 100);
    apply(&mut world, &change(json!({"change": "restore_all_persons"}))).unwrap();
    assert_eq!(truth(&world, world.now()).persons.len(), all);
    apply(&mut world, &change(json!({"change": "remove_share_of_machines", "share": 1.0})))
        .unwrap();
    assert!(truth(&world, world.now()).computers.is_empty());
}
