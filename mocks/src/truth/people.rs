//! People who are there, and who is in which group.

use std::collections::BTreeSet;

use super::{Group, Person};
use crate::generate::machines::eligible;
use crate::world::{GroupNo, Member, PersonNo, World};

pub(super) fn persons(world: &World) -> Vec<Person> {
    let live = world.persons.iter().enumerate().filter(|(_, p)| p.mark.gone.is_none());
    live.map(|(no, person)| Person {
        directory: world.directories[person.directory].id,
        id: person.id,
        tenant: person.tenant,
        upn: person.upn.clone(),
        eligible: eligible(world, no),
    })
    .collect()
}

pub(super) fn groups(world: &World) -> Vec<Group> {
    let live = (0..world.groups.len()).filter(|no| world.groups[*no].mark.gone.is_none());
    live.map(|no| {
        let group = &world.groups[no];
        let persons = everybody(world, no).into_iter().map(|person| world.persons[person].id);
        Group {
            directory: world.directories[group.directory].id,
            id: group.id,
            name: group.name.clone(),
            persons: persons.collect(),
        }
    })
    .collect()
}

/// Everybody in a group, through nested groups; a cycle ends where it began.
fn everybody(world: &World, group: GroupNo) -> BTreeSet<PersonNo> {
    let (mut people, mut seen, mut open) = (BTreeSet::new(), BTreeSet::from([group]), vec![group]);
    while let Some(no) = open.pop() {
        for membership in world.groups[no].members.iter().filter(|m| m.removed.is_none()) {
            match membership.member {
                Member::Person(no) if world.persons[no].mark.gone.is_none() => {
                    people.insert(no);
                }
                Member::Group(no) if world.groups[no].mark.gone.is_none() && seen.insert(no) => {
                    open.push(no);
                }
                _ => {}
            }
        }
    }
    people
}
