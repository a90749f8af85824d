//! Directory groups: departments nested in "All Staff", teams, groups synced from on-premises,
//! device groups, and one pair that is nested in itself.

use std::collections::BTreeMap;

use super::dice::Dice;
use super::mark;
use crate::world::{Account, DirectoryNo, Group, GroupKind, Member, Membership, PersonNo, World};

/// Makes the groups of every directory that serves somebody.
pub(super) fn fill(world: &mut World, dice: &mut Dice) {
    let mut people: Vec<Vec<PersonNo>> = vec![Vec::new(); world.directories.len()];
    for (no, person) in world.persons.iter().enumerate() {
        people[person.directory].push(no);
    }
    let mut devices: Vec<Vec<usize>> = vec![Vec::new(); world.directories.len()];
    for (no, device) in world.entra_devices.iter().enumerate() {
        devices[device.directory].push(no);
    }
    let mut cycle_made = false;
    for directory in 0..world.directories.len() {
        if world.directories[directory].tenants.is_empty() {
            continue;
        }
        let staff = departments(world, directory, &people[directory], dice);
        teams(world, directory, &people[directory], dice);
        let devices = devices[directory].iter().map(|no| Member::Device(*no)).collect();
        push(world, directory, ("Managed Devices", GroupKind::Security), devices, dice);
        if !cycle_made && directory > 0 {
            cycle_made = true;
            nest_in_itself(world, directory, staff, dice);
        }
    }
}

/// A group per department, those in "All Staff"; returns the number of "All Staff".
fn departments(
    world: &mut World,
    directory: DirectoryNo,
    people: &[PersonNo],
    dice: &mut Dice,
) -> usize {
    let mut by_department: BTreeMap<String, Vec<Member>> = BTreeMap::new();
    for no in people {
        if let Some(department) = &world.persons[*no].department {
            by_department.entry(department.clone()).or_default().push(Member::Person(*no));
        }
    }
    let synced = world.directories[directory].on_premises.is_some();
    let mut nested = Vec::new();
    for (department, members) in by_department {
        let (name, kind) = match dice.below(4) {
            0 | 1 if synced => (format!("GG-{department}"), GroupKind::SecurityOnPremises),
            2 => (department, GroupKind::Dynamic),
            _ => (department, GroupKind::Security),
        };
        nested.push(Member::Group(push(world, directory, (&name, kind), members, dice)));
    }
    push(world, directory, ("All Staff", GroupKind::Security), nested, dice)
}

/// Teams of five to twenty with guests among them, and what else there is in a directory.
fn teams(world: &mut World, directory: DirectoryNo, people: &[PersonNo], dice: &mut Dice) {
    for at in 0..people.len() / 25 {
        let start = dice.below(people.len());
        let count = 5 + dice.below(16);
        let members = people.iter().cycle().skip(start).take(count.min(people.len()));
        let members = members.map(|no| Member::Person(*no)).collect();
        let kind = if dice.chance(0.7) { GroupKind::Team } else { GroupKind::Microsoft365 };
        push(world, directory, (&format!("Project {}", at + 1), kind), members, dice);
    }
    let some = |account| {
        let chosen = people.iter().filter(|no| world.persons[**no].account == account);
        chosen.map(|no| Member::Person(*no)).collect::<Vec<Member>>()
    };
    let (admins, boxes) = (some(Account::Admin), some(Account::SharedMailbox));
    push(world, directory, ("Administrators", GroupKind::MailSecurity), admins, dice);
    push(world, directory, ("Everybody by mail", GroupKind::Distribution), boxes, dice);
}

/// Two groups that contain each other, and "All Staff" with them: nesting must not hang anybody.
fn nest_in_itself(world: &mut World, directory: DirectoryNo, staff: usize, dice: &mut Dice) {
    let inner = vec![Member::Group(staff)];
    let first = push(world, directory, ("Approvers", GroupKind::Security), inner, dice);
    let kind = GroupKind::Security;
    let second = push(world, directory, ("Deputies", kind), vec![Member::Group(first)], dice);
    let back = Membership { member: Member::Group(second), added: 0, removed: None };
    world.groups[first].members.push(back);
}

fn push(
    world: &mut World,
    directory: DirectoryNo,
    (name, kind): (&str, GroupKind),
    members: Vec<Member>,
    dice: &mut Dice,
) -> usize {
    let created = dice.days_ago(world.epoch, 30, 900);
    let membership = |member| Membership { member, added: 0, removed: None };
    world.groups.push(Group {
        directory,
        id: dice.uuid(),
        name: name.to_owned(),
        kind,
        members: members.into_iter().map(membership).collect(),
        mark: mark(created, created),
    });
    world.groups.len() - 1
}
