//! Members of groups, the groups of a user, and the devices of a user.

use std::collections::HashSet;

use super::ask::{Ask, Query};
use super::entity::{Entity, Selection};
use super::filter::{Expr, field};
use super::list::Paging;
use super::wire::{Object, Page, Problem, Value};
use crate::vendor::Reply;
use crate::world::{EntraDevice, Group, GroupNo, Member, Person, PersonNo};

const USERS: [&str; 2] = ["User.Read.All", "Directory.Read.All"];
const GROUPS: [&str; 3] = ["GroupMember.Read.All", "Group.Read.All", "Directory.Read.All"];
const DEVICES: [&str; 2] = ["Device.Read.All", "Directory.Read.All"];

/// Members of a group that are there, direct ones.
fn direct<'a>(ask: &Ask<'a>, group: &'a Group) -> impl Iterator<Item = Member> + use<'a> {
    let world = ask.world;
    let present = group.members.iter().filter(|m| m.removed.is_none()).map(|m| m.member);
    present.filter(move |member| match member {
        Member::Person(no) => world.persons.get(*no).is_some_and(|p| p.mark.gone.is_none()),
        Member::Group(no) => world.groups.get(*no).is_some_and(|g| g.mark.gone.is_none()),
        Member::Device(no) => world.entra_devices.get(*no).is_some_and(|d| d.mark.gone.is_none()),
    })
}

/// The closure: every member once, nested groups among them.
fn transitive(ask: &Ask<'_>, group: &Group) -> Vec<Member> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    let mut open: Vec<&Group> = vec![group];
    while let Some(group) = open.pop() {
        for member in direct(ask, group) {
            if seen.insert(member) {
                found.push(member);
                if let Member::Group(no) = member {
                    open.extend(ask.world.groups.get(no));
                }
            }
        }
    }
    found
}

/// `/groups/{id}/members` and `/transitiveMembers`, with or without a cast.
pub(super) fn of_group(
    ask: &Ask<'_>,
    query: &Query,
    group: &Group,
    nested: bool,
    cast: Option<&str>,
) -> Result<Reply, Problem> {
    ask.need(&GROUPS)?;
    let mut members =
        if nested { transitive(ask, group) } else { direct(ask, group).collect::<Vec<_>>() };
    cast_to(ask, query, &mut members, cast)?;
    page(ask, query, &members)
}

/// `/users/{id}/memberOf` and `/transitiveMemberOf`.
pub(super) fn of_user(
    ask: &Ask<'_>,
    query: &Query,
    person: PersonNo,
    nested: bool,
    cast: Option<&str>,
) -> Result<Reply, Problem> {
    ask.need(&["Directory.Read.All", "GroupMember.Read.All", "Group.Read.All"])?;
    let holders = |wanted: Member| -> Vec<GroupNo> {
        let holds = |no: &GroupNo| {
            ask.world.groups.get(*no).is_some_and(|g| {
                g.mark.gone.is_none()
                    && g.members.iter().any(|m| m.member == wanted && m.removed.is_none())
            })
        };
        ask.index.groups.of(ask.no).iter().map(|n| *n as usize).filter(holds).collect()
    };
    let mut found = holders(Member::Person(person));
    let mut next = 0;
    while nested && next < found.len() {
        for no in holders(Member::Group(found[next])) {
            if !found.contains(&no) {
                found.push(no);
            }
        }
        next += 1;
    }
    let mut members: Vec<Member> = found.into_iter().map(Member::Group).collect();
    cast_to(ask, query, &mut members, cast)?;
    page(ask, query, &members)
}

/// `/users/{id}/registeredDevices` and `/ownedDevices`: the devices of the machines a user has.
pub(super) fn devices_of_user(
    ask: &Ask<'_>,
    query: &Query,
    person: PersonNo,
) -> Result<Reply, Problem> {
    ask.need(&["User.Read.All", "Directory.Read.All"])?;
    let own = |no: &usize| {
        ask.world
            .entra_devices
            .get(*no)
            .is_some_and(|d| d.mark.gone.is_none() && owner(ask, d) == Some(person))
    };
    let devices = ask.index.devices.of(ask.no).iter().map(|n| *n as usize).filter(own);
    page(ask, query, &devices.map(Member::Device).collect::<Vec<_>>())
}

/// `/devices/{id}/registeredOwners` and `/registeredUsers`.
pub(super) fn owners_of_device(
    ask: &Ask<'_>,
    query: &Query,
    device: &EntraDevice,
) -> Result<Reply, Problem> {
    ask.need(&DEVICES)?;
    let here = |no: &PersonNo| {
        ask.world.persons.get(*no).is_some_and(|p| p.mark.gone.is_none() && p.directory == ask.no)
    };
    let owner = owner(ask, device).filter(here);
    page(ask, query, &owner.map(Member::Person).into_iter().collect::<Vec<_>>())
}

fn owner(ask: &Ask<'_>, device: &EntraDevice) -> Option<PersonNo> {
    ask.world.machines.get(device.machine)?.user
}

/// Keeps one type; the directory answers a cast only as an advanced query.
fn cast_to(
    ask: &Ask<'_>,
    query: &Query,
    members: &mut Vec<Member>,
    cast: Option<&str>,
) -> Result<(), Problem> {
    let Some(cast) = cast else { return Ok(()) };
    if !(ask.eventual() && query.count) {
        return Err(Problem::unsupported(
            "The cast segment needs the query parameter '$count=true' and the request header \
             'ConsistencyLevel: eventual'.",
        ));
    }
    match cast {
        "microsoft.graph.user" => members.retain(|m| matches!(m, Member::Person(_))),
        "microsoft.graph.group" => members.retain(|m| matches!(m, Member::Group(_))),
        "microsoft.graph.device" => members.retain(|m| matches!(m, Member::Device(_))),
        other => {
            let message = format!("Resource not found for the segment '{other}'.");
            return Err(Problem::new(400, "BadRequest", message));
        }
    }
    Ok(())
}

fn page(ask: &Ask<'_>, query: &Query, members: &[Member]) -> Result<Reply, Problem> {
    let paging = Paging::DIRECTORY;
    if query.count && !ask.eventual() {
        return Err(Problem::unsupported(
            "$count is supported only with the request header 'ConsistencyLevel: eventual'.",
        ));
    }
    let (number, at, top) = ask.page(query, paging.top(query)?)?;
    let condition = query.filter.as_deref().map(Expr::parse).transpose()?;
    let select = query.select.as_deref();
    // Rows of several types: a name that one of them does not have is left out there.
    let users = Selection::<Person>::new(select, true, true)?;
    let groups = Selection::<Group>::new(select, true, true)?;
    let devices = Selection::<EntraDevice>::new(select, true, true)?;
    let write = |member: &Member, object: &mut Object<'_>| match member {
        Member::Person(no) => write_member(ask, *no, &users, &USERS, object),
        Member::Group(no) => write_member(ask, *no, &groups, &GROUPS, object),
        Member::Device(no) => write_member(ask, *no, &devices, &DEVICES, object),
    };
    let fits = |member: &&Member| {
        let Some(condition) = &condition else { return true };
        let bytes = super::wire::object(|object| write(member, object)).body;
        let tree: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        condition.holds(&|name| field(&tree, name))
    };
    let found: Vec<&Member> = members.iter().filter(fits).collect();
    let select = select.map_or_else(String::new, |s| format!("({})", s.join(",")));
    let mut page =
        Page { context: ask.context(&format!("directoryObjects{select}")), ..Page::default() };
    page.count = (query.count && number == 1).then_some(found.len());
    for member in found.iter().skip(at).take(top) {
        page.rows.row(|object| write(member, object));
    }
    if found.len() > at + top {
        page.next = Some(ask.next_link(query, number + 1, at + top, top));
    }
    Ok(page.reply())
}

fn write_member<E: Entity>(
    ask: &Ask<'_>,
    no: usize,
    selection: &Selection<E>,
    permissions: &[&str],
    object: &mut Object<'_>,
) {
    let Some(row) = E::all(ask.world).get(no) else { return };
    object.member("@odata.type", &Value::owned(format!("#microsoft.graph.{}", E::TYPE)));
    if ask.may(permissions) {
        selection.write(row, ask.source(), object);
    } else {
        selection.write_limited(row, object);
    }
}
