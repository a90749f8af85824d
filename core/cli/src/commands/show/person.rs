//! The story of a person: addresses, computers, groups.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use core_model::entity::{Computer, Entity, EntityRow, Group, Membership, Person};
use core_model::facts::{AccountKind, GroupType, MemberKind};
use core_model::names::normal_address;
use core_store::Store;
use serde::Serialize;

use super::{tenant_of, words};
use crate::commands::find;
use crate::commands::text::{self, field, minute, word};
use crate::failure::Failure;
use crate::output::{self, Align, TextTable};

/// Everything about a person.
#[derive(Serialize)]
pub(super) struct Story {
    person: Person,
    tenant_name: String,
    computers: Vec<Seat>,
    groups: Vec<Membered>,
}

/// A computer where the person is primary, or was seen.
#[derive(Serialize)]
struct Seat {
    id: String,
    name: String,
    primary: bool,
    why: String,
    times: usize,
    last: Option<DateTime<Utc>>,
}

/// A group that the person is in.
#[derive(Clone, Serialize)]
struct Membered {
    id: String,
    name: String,
    group_type: GroupType,
    /// Whether the person himself is in it; else a group that he is in.
    direct: bool,
    /// The groups between, the innermost first.
    via: Vec<String>,
}

/// The person with this id, name, UPN or other address.
pub(crate) async fn find(store: &Store, which: &str) -> Result<Person, Failure> {
    if !which.contains('@') {
        return find::one(store, "person", which).await;
    }
    let address = normal_address(which);
    let persons: Vec<Person> = find::all(store, None).await?;
    // What somebody is called now counts more than what he was called once.
    let ranks: [fn(&Person, &str) -> bool; 3] = [
        |person, address| normal_address(&person.upn) == address,
        |person, address| person.mail.as_deref().map(normal_address).as_deref() == Some(address),
        |person, address| {
            let earlier = person.earlier_upns.iter().map(|earlier| &earlier.upn);
            let mut others = earlier.chain(&person.addresses);
            others.any(|other| normal_address(other) == address)
        },
    ];
    for rank in ranks {
        let rows: Vec<EntityRow> =
            persons.iter().filter(|one| rank(one, &address)).map(Entity::row).collect();
        if !rows.is_empty() {
            return find::read(find::pick(store, "person", which, &rows).await?);
        }
    }
    find::one(store, "person", which).await
}

/// Reads everything about a person.
pub(super) async fn story(store: &Store, person: Person) -> Result<Story, Failure> {
    let tenant_name = tenant_of(store, person.tenant).await?.name;
    let computers: Vec<Computer> = find::all(store, Some(person.tenant)).await?;
    let mut seats: Vec<Seat> =
        computers.iter().filter_map(|computer| Seat::of(computer, &person)).collect();
    seats.sort_by_key(|seat| (!seat.primary, std::cmp::Reverse(seat.times), seat.name.clone()));
    let groups = groups(store, &person).await?;
    Ok(Story { person, tenant_name, computers: seats, groups })
}

/// The groups that the person is in, directly or through others. A group is met once, so groups
/// that contain each other are no trouble.
async fn groups(store: &Store, person: &Person) -> Result<Vec<Membered>, Failure> {
    let all: Vec<Group> = find::all(store, None).await?;
    let groups: HashMap<String, Group> = all
        .into_iter()
        .filter(|group| group.directory == person.directory && !group.gone)
        .map(|group| (group.directory_id.to_lowercase(), group))
        .collect();
    // In a directory of several tenants its groups are the first one's.
    let tenants: BTreeSet<_> =
        groups.values().map(|group| group.tenant).chain([person.tenant]).collect();
    let mut above: HashMap<(MemberKind, String), Vec<String>> = HashMap::new();
    for tenant in tenants {
        for one in find::all::<Membership>(store, Some(tenant)).await? {
            if one.directory == person.directory && !one.gone {
                let member = (one.member_kind, one.member.to_lowercase());
                above.entry(member).or_default().push(one.group.to_lowercase());
            }
        }
    }
    Ok(climb(&groups, &above, &person.directory_id.to_lowercase()))
}

fn climb(
    groups: &HashMap<String, Group>,
    above: &HashMap<(MemberKind, String), Vec<String>>,
    person: &str,
) -> Vec<Membered> {
    let mut found: BTreeMap<String, Membered> = BTreeMap::new();
    let direct = (MemberKind::Person, person.to_owned());
    let mut next: Vec<(String, Vec<String>)> =
        above.get(&direct).into_iter().flatten().map(|id| (id.clone(), Vec::new())).collect();
    while !next.is_empty() {
        for (id, via) in std::mem::take(&mut next) {
            let Some(group) = groups.get(&id) else { continue };
            if found.contains_key(&id) {
                continue;
            }
            let mut through = via.clone();
            through.push(group.name.clone());
            let outer = above.get(&(MemberKind::Group, id.clone())).into_iter().flatten();
            next.extend(outer.map(|outer| (outer.clone(), through.clone())));
            let membered = Membered {
                id: group.id.to_string(),
                name: group.name.clone(),
                group_type: group.group_type,
                direct: via.is_empty(),
                via,
            };
            found.insert(id, membered);
        }
    }
    let mut found: Vec<Membered> = found.into_values().collect();
    found.sort_by_key(|one| (one.via.len(), one.name.clone()));
    found
}

impl Seat {
    fn of(computer: &Computer, person: &Person) -> Option<Self> {
        let primary = computer.primary.as_ref().is_some_and(|one| one.person == person.id);
        let seen = computer.logons.iter().filter(|logon| logon.person == Some(person.id));
        let times = seen.clone().count();
        if !primary && times == 0 {
            return None;
        }
        let why = if primary {
            words::primary(computer)
        } else {
            format!("seen in {times} of the last {} logons", computer.logons.len())
        };
        Some(Self {
            id: computer.id.to_string(),
            name: computer.name.clone(),
            primary,
            why,
            times,
            last: seen.map(|logon| logon.at).max(),
        })
    }
}

impl Story {
    /// Prints it.
    pub(super) fn print(&self, zone: Tz) {
        let person = &self.person;
        let notes = [
            (person.account == AccountKind::Guest, "guest"),
            (person.disabled, "sign-in is blocked"),
            (person.gone, "gone at the source"),
        ];
        let notes: Vec<&str> = notes.iter().filter(|(is, _)| *is).map(|(_, note)| *note).collect();
        let notes =
            if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
        let title = format!("{} · {}{notes}", person.display_name, self.tenant_name);
        output::line(&output::printable(&title));
        field("id", &person.id.to_string());
        field("UPN", &person.upn);
        let before = person.earlier_upns.iter();
        let before = before.map(|one| format!("{} (until {})", one.upn, minute(one.until, zone)));
        field("UPNs before", &before.collect::<Vec<_>>().join(", "));
        field("mail", person.mail.as_deref().unwrap_or_default());
        field("addresses", &person.addresses.join(", "));
        field("on premises", person.on_premises.as_deref().unwrap_or_default());
        field("department", person.department.as_deref().unwrap_or_default());
        field("job title", person.job_title.as_deref().unwrap_or_default());
        let directory = format!("{} {}", person.connection, person.directory);
        field("directory", &directory);
        field("directory id", &person.directory_id);
        self.print_computers(zone);
        text::heading(&format!("Groups ({})", self.groups.len()));
        for group in &self.groups {
            let how = if group.direct {
                "directly".to_owned()
            } else {
                format!("through {}", group.via.join(" → "))
            };
            text::indented(2, &format!("{} ({}): {how}", group.name, word(&group.group_type)));
        }
    }

    fn print_computers(&self, zone: Tz) {
        let primary = self.computers.iter().filter(|seat| seat.primary).count();
        let all = self.computers.len();
        text::heading(&format!("Computers ({primary} as the primary person, seen at {all})"));
        if self.computers.is_empty() {
            return;
        }
        let mut table = TextTable::new(&[
            ("name", Align::Left),
            ("primary", Align::Left),
            ("logons", Align::Right),
            ("last", Align::Left),
            ("why", Align::Left),
        ])
        .cutting(&[("why", 24)]);
        for seat in &self.computers {
            table.row([
                seat.name.clone(),
                if seat.primary { "yes" } else { "no" }.to_owned(),
                seat.times.to_string(),
                seat.last.map(|at| minute(at, zone)).unwrap_or_default(),
                seat.why.clone(),
            ]);
        }
        table.print_indented(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core_model::id::{GroupId, TenantId};

    fn group(id: &str) -> (String, Group) {
        let group = Group {
            id: GroupId::of_text(id, 0),
            tenant: TenantId::of_text("t", 0),
            connection: "entra".to_owned(),
            directory: "d".to_owned(),
            directory_id: id.to_owned(),
            name: id.to_uppercase(),
            group_type: GroupType::Security,
            dynamic: false,
            on_premises: false,
            gone: false,
        };
        (id.to_owned(), group)
    }

    #[test]
    fn groups_that_contain_each_other_are_met_once_each_with_the_way_to_them() {
        let groups = ["a", "b", "c"].into_iter().map(group).collect();
        let above = HashMap::from([
            ((MemberKind::Person, "ana".to_owned()), vec!["a".to_owned()]),
            ((MemberKind::Group, "a".to_owned()), vec!["b".to_owned()]),
            ((MemberKind::Group, "b".to_owned()), vec!["a".to_owned(), "c".to_owned()]),
        ]);
        let found = climb(&groups, &above, "ana");
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["A", "B", "C"]);
        assert!(found[0].direct && !found[1].direct);
        assert_eq!(found[2].via, ["A", "B"]);
    }
}
