//! Changes of people and their groups.

use super::change::{ChangeError, Pick, Work, find};
use super::clients::tenant_of;
use crate::generate::names;
use crate::generate::people::{self, Taken};
use crate::world::{Account, DirectoryNo, Group, GroupNo, Member, Membership, PersonNo, World};

/// Finds a person by number, UPN or object id.
pub(super) fn person_of(world: &World, pick: &Pick) -> Result<PersonNo, ChangeError> {
    find("person", &world.persons, pick, |person, name| {
        person.upn.eq_ignore_ascii_case(name) || person.id.to_string() == name.to_lowercase()
    })
}

fn group_of(world: &World, pick: &Pick) -> Result<GroupNo, ChangeError> {
    find("group", &world.groups, pick, |group, name| {
        group.name.eq_ignore_ascii_case(name) || group.id.to_string() == name.to_lowercase()
    })
}

fn live(world: &World, pick: &Pick) -> Result<PersonNo, ChangeError> {
    let no = person_of(world, pick)?;
    match world.persons[no].mark.gone {
        None => Ok(no),
        Some(_) => Err(ChangeError::Impossible(format!("{} is gone", world.persons[no].upn))),
    }
}

/// Every address that is or was somebody's of the directory: no two directories share a domain.
fn taken(world: &World, directory: DirectoryNo) -> Taken {
    let mut taken = Taken::new();
    for person in world.persons.iter().filter(|p| p.directory == directory) {
        for upn in person.earlier_upns.iter().chain([&person.upn]) {
            *taken.entry(upn.to_lowercase()).or_default() += 1;
        }
    }
    taken
}

pub(super) fn rename(
    work: &mut Work<'_>,
    pick: &Pick,
    surname: Option<&str>,
) -> Result<String, ChangeError> {
    let no = live(work.world, pick)?;
    if work.world.persons[no].account == Account::Guest {
        return Err(ChangeError::Impossible("a guest is renamed at home".to_owned()));
    }
    let surname = surname.map_or_else(|| names::surname(&mut work.dice).to_owned(), str::to_owned);
    let domain = work.world.persons[no].upn.rsplit('@').next().unwrap_or_default().to_owned();
    let mut taken = taken(work.world, work.world.persons[no].directory);
    people::renamed(&mut work.world.persons[no], &surname, &domain, &mut taken);
    let mut mark = work.world.persons[no].mark.clone();
    work.touch(&mut mark);
    let person = &mut work.world.persons[no];
    person.mark = mark;
    let before = person.earlier_upns.last().cloned().unwrap_or_default();
    Ok(format!("{before} is now {}", person.upn))
}

pub(super) fn add(work: &mut Work<'_>, pick: &Pick) -> Result<String, ChangeError> {
    let tenant = tenant_of(work.world, pick)?;
    let Some(directory) = work.world.tenants[tenant].directory else {
        let name = &work.world.tenants[tenant].name;
        return Err(ChangeError::Impossible(format!("{name} has no directory")));
    };
    let mut taken = taken(work.world, directory);
    let home = (tenant, directory);
    let mut person = people::person(home, Account::Member, work.world, &mut taken, &mut work.dice);
    person.enabled = true;
    person.mark = work.born();
    let what = format!("{} joined {}", person.upn, work.world.tenants[tenant].name);
    work.world.persons.push(person);
    Ok(what)
}

pub(super) fn remove(work: &mut Work<'_>, pick: &Pick, purge: bool) -> Result<String, ChangeError> {
    let no = live(work.world, pick)?;
    bury(work, no, purge);
    leave_groups(work, &|member| member == Member::Person(no));
    Ok(format!("{} left", work.world.persons[no].upn))
}

fn bury(work: &mut Work<'_>, no: PersonNo, purge: bool) {
    let mut mark = work.world.persons[no].mark.clone();
    work.bury(&mut mark);
    work.world.persons[no].mark = mark;
    work.world.persons[no].purged = purge;
}

/// Ends the memberships of whatever is gone.
pub(super) fn leave_groups(work: &mut Work<'_>, is: &dyn Fn(Member) -> bool) {
    for at in 0..work.world.groups.len() {
        let version = work.version;
        let mut left = false;
        for membership in &mut work.world.groups[at].members {
            if membership.removed.is_none() && is(membership.member) {
                membership.removed = Some(version);
                left = true;
            }
        }
        if left {
            touch_group(work, at);
        }
    }
}

fn touch_group(work: &mut Work<'_>, no: GroupNo) {
    let mut mark = work.world.groups[no].mark.clone();
    work.touch(&mut mark);
    work.world.groups[no].mark = mark;
}

pub(super) fn restore(work: &mut Work<'_>, pick: &Pick) -> Result<String, ChangeError> {
    let no = person_of(work.world, pick)?;
    let person = &work.world.persons[no];
    let Some(left) = person.mark.gone.filter(|_| !person.purged) else {
        return Err(ChangeError::Impossible(format!("{} is not in the bin", person.upn)));
    };
    unbury(work, no);
    for at in 0..work.world.groups.len() {
        let was = |m: &Membership| m.member == Member::Person(no) && m.removed == Some(left);
        if work.world.groups[at].mark.gone.is_none()
            && work.world.groups[at].members.iter().any(was)
        {
            join(work, at, Member::Person(no));
        }
    }
    Ok(format!("{} is back", work.world.persons[no].upn))
}

fn unbury(work: &mut Work<'_>, no: PersonNo) {
    let mut mark = work.world.persons[no].mark.clone();
    work.touch(&mut mark);
    mark.gone = None;
    work.world.persons[no].mark = mark;
}

pub(super) fn restore_all(work: &mut Work<'_>) -> Result<String, ChangeError> {
    let binned: Vec<PersonNo> = (0..work.world.persons.len())
        .filter(|no| {
            let person = &work.world.persons[*no];
            person.mark.gone.is_some() && !person.purged
        })
        .collect();
    for no in &binned {
        restore(work, &Pick::No(*no))?;
    }
    Ok(format!("{} persons are back", binned.len()))
}

pub(super) fn remove_share(work: &mut Work<'_>, share: f64) -> Result<String, ChangeError> {
    let mut live: Vec<PersonNo> = (0..work.world.persons.len())
        .filter(|no| work.world.persons[*no].mark.gone.is_none())
        .collect();
    work.dice.shuffle(&mut live);
    live.truncate(crate::generate::share(live.len(), share));
    for no in &live {
        bury(work, *no, false);
    }
    let gone: std::collections::HashSet<PersonNo> = live.iter().copied().collect();
    leave_groups(work, &|member| matches!(member, Member::Person(no) if gone.contains(&no)));
    Ok(format!("{} persons left", live.len()))
}

/// Gives a share of all persons another job title: the smallest change that a sync must see.
pub(super) fn touch_share(work: &mut Work<'_>, share: f64) -> String {
    let mut live: Vec<PersonNo> = (0..work.world.persons.len())
        .filter(|no| work.world.persons[*no].mark.gone.is_none())
        .collect();
    work.dice.shuffle(&mut live);
    live.truncate(crate::generate::share(live.len(), share));
    let (now, version) = (work.now, work.version);
    for no in &live {
        let person = &mut work.world.persons[*no];
        person.job_title = Some(format!("Specialist {version}"));
        (person.mark.modified, person.mark.changed) = (now, version);
    }
    format!("{} persons have another job", live.len())
}

pub(super) fn enable(work: &mut Work<'_>, pick: &Pick, on: bool) -> Result<String, ChangeError> {
    let no = live(work.world, pick)?;
    let mut mark = work.world.persons[no].mark.clone();
    work.touch(&mut mark);
    let person = &mut work.world.persons[no];
    (person.enabled, person.mark) = (on, mark);
    Ok(format!("{} may {}sign in", person.upn, if on { "" } else { "not " }))
}

fn join(work: &mut Work<'_>, no: GroupNo, member: Member) {
    let joined = Membership { member, added: work.version, removed: None };
    work.world.groups[no].members.push(joined);
    touch_group(work, no);
}

fn is_in(group: &Group, member: Member) -> bool {
    group.members.iter().any(|m| m.member == member && m.removed.is_none())
}

pub(super) fn add_member(
    work: &mut Work<'_>,
    group: &Pick,
    person: &Pick,
) -> Result<String, ChangeError> {
    let (no, person) = (group_of(work.world, group)?, live(work.world, person)?);
    let (group, who) = (&work.world.groups[no], &work.world.persons[person]);
    if group.directory != who.directory || is_in(group, Member::Person(person)) {
        let why = format!("{} cannot join {}", who.upn, group.name);
        return Err(ChangeError::Impossible(why));
    }
    let what = format!("{} joined {}", who.upn, group.name);
    join(work, no, Member::Person(person));
    Ok(what)
}

pub(super) fn remove_member(
    work: &mut Work<'_>,
    group: &Pick,
    person: &Pick,
) -> Result<String, ChangeError> {
    let (no, person) = (group_of(work.world, group)?, person_of(work.world, person)?);
    let (version, upn) = (work.version, work.world.persons[person].upn.clone());
    let group = &mut work.world.groups[no];
    let name = group.name.clone();
    let mut members = group.members.iter_mut();
    let found = members.find(|m| m.member == Member::Person(person) && m.removed.is_none());
    let Some(membership) = found else {
        return Err(ChangeError::Impossible(format!("{upn} is not in {name}")));
    };
    membership.removed = Some(version);
    touch_group(work, no);
    Ok(format!("{upn} left {name}"))
}
