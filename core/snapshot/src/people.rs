//! Persons, and directory groups with their members. A source names members by their directory
//! ids; here they become persons, groups and computers of ours.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use core_model::entity::{Computer, DirectoryDevice, Group, Membership, Person};
use core_model::facts::{AccountKind, MemberKind};
use core_model::id::{GroupId, TenantId};
use core_resolve::{Directory, Fact, Facts, GroupInput, Member, PersonInput};

use crate::devices::Devices;

/// Texts that many entities share, kept once.
#[derive(Default)]
pub(crate) struct Texts(HashMap<String, Arc<str>>);

impl Texts {
    pub(crate) fn of(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let shared: Arc<str> = text.into();
        self.0.insert(text.to_owned(), shared.clone());
        shared
    }

    pub(crate) fn fact(&mut self, text: &str) -> Fact {
        Fact::Text(self.of(text))
    }

    pub(crate) fn directory(&mut self, connection: &str, id: &str) -> Directory {
        Directory { connection: self.of(connection), id: self.of(id) }
    }
}

/// An object of a directory: its directory and its object id there.
pub(crate) type Object = (Directory, String);

/// What a directory's objects are of ours, and which are in which.
#[derive(Default)]
pub(crate) struct People {
    /// What an object is.
    pub(crate) objects: HashMap<Object, Member>,
    /// The members of a group.
    members: HashMap<Object, BTreeSet<String>>,
    /// The groups that an object is in.
    member_of: HashMap<Object, BTreeSet<String>>,
    /// Device objects, and whose they are.
    pub(crate) devices: Devices,
    /// The tenants that each directory serves.
    pub(crate) served: BTreeMap<Directory, BTreeSet<TenantId>>,
}

impl People {
    /// Takes a person in; none where he is gone.
    pub(crate) fn person(&mut self, person: &Person, texts: &mut Texts) -> Option<PersonInput> {
        let directory = texts.directory(&person.connection, &person.directory);
        let object = (directory.clone(), person.directory_id.clone());
        if person.gone {
            self.objects.remove(&object);
            return None;
        }
        self.serve(&directory, person.tenant);
        self.objects.insert(object, Member::Person(person.id));
        Some(PersonInput {
            id: person.id,
            tenant: person.tenant,
            name: person.display_name.as_str().into(),
            directory,
            facts: facts(person, texts),
        })
    }

    /// Takes a group in, without its members; none where it is gone.
    pub(crate) fn group(
        &mut self,
        group: Group,
        texts: &mut Texts,
    ) -> Option<(GroupInput, Object)> {
        let directory = texts.directory(&group.connection, &group.directory);
        let object = (directory.clone(), group.directory_id);
        if group.gone {
            self.objects.remove(&object);
            return None;
        }
        self.serve(&directory, group.tenant);
        self.objects.insert(object.clone(), Member::Group(group.id));
        let input = GroupInput {
            id: group.id,
            tenant: group.tenant,
            name: group.name,
            directory,
            members: Vec::new(),
        };
        Some((input, object))
    }

    /// Takes a membership in or out; gives the group and the member where both are of ours.
    pub(crate) fn membership(
        &mut self,
        membership: &Membership,
        texts: &mut Texts,
    ) -> Option<(GroupId, Member)> {
        if membership.member_kind == MemberKind::Other {
            return None;
        }
        let directory = texts.directory(&membership.connection, &membership.directory);
        let group = (directory.clone(), membership.group.clone());
        let member = (directory, membership.member.clone());
        let members = self.members.entry(group.clone()).or_default();
        let groups = self.member_of.entry(member.clone()).or_default();
        if membership.gone {
            members.remove(&membership.member);
            groups.remove(&membership.group);
        } else {
            members.insert(membership.member.clone());
            groups.insert(membership.group.clone());
        }
        Some((self.group_id(&group)?, *self.objects.get(&member)?))
    }

    /// The members of a group that are of ours.
    pub(crate) fn members(&self, group: &Object) -> Vec<Member> {
        let members = self.members.get(group).into_iter().flatten();
        let known = members.filter_map(|id| self.objects.get(&(group.0.clone(), id.clone())));
        known.copied().collect()
    }

    /// The groups of ours that an object is directly in.
    pub(crate) fn groups_of(&self, member: &Object) -> Vec<GroupId> {
        let groups = self.member_of.get(member).into_iter().flatten();
        groups.filter_map(|id| self.group_id(&(member.0.clone(), id.clone()))).collect()
    }

    fn group_id(&self, object: &Object) -> Option<GroupId> {
        match self.objects.get(object) {
            Some(Member::Group(group)) => Some(*group),
            _ => None,
        }
    }

    /// Notes that a directory serves a tenant. Whether that is new.
    pub(crate) fn serve(&mut self, directory: &Directory, tenant: TenantId) -> bool {
        self.served.entry(directory.clone()).or_default().insert(tenant)
    }

    /// Takes a device object in or out; gives it.
    pub(crate) fn device(&mut self, device: &DirectoryDevice, texts: &mut Texts) -> Object {
        let directory = texts.directory(&device.connection, &device.directory);
        let object = (directory, device.directory_id.clone());
        let id = (!device.gone).then_some(device.device_id.as_str());
        self.devices.object(&object, id);
        object
    }

    /// Takes a computer in or out as somebody's device; gives the objects that may be another's now.
    pub(crate) fn machine(&mut self, computer: &Computer) -> BTreeSet<Object> {
        let device = computer.directory_device.as_deref().filter(|_| !computer.gone);
        self.devices.computer(computer.id, device.map(|id| (id, computer.tenant)))
    }

    /// Says which computer a device object is now; gives which it was and is, where that differs.
    pub(crate) fn settle(&mut self, object: &Object) -> Option<[Option<Member>; 2]> {
        let after = self.devices.member(object, self.served.get(&object.0));
        let before = match after {
            Some(member) => self.objects.insert(object.clone(), member),
            None => self.objects.remove(object),
        };
        (before != after).then_some([before, after])
    }
}

fn facts(person: &Person, texts: &mut Texts) -> Facts {
    let account = match person.account {
        AccountKind::Guest => "guest",
        AccountKind::Member => "member",
    };
    let mut facts: Facts = vec![
        (texts.of("upn"), Fact::text(&person.upn)),
        (texts.of("account"), texts.fact(account)),
        (texts.of("disabled"), Fact::Bool(person.disabled)),
    ];
    for (name, value) in [("department", &person.department), ("job_title", &person.job_title)] {
        let value = value.as_ref().map_or(Fact::Nothing, |value| texts.fact(value));
        facts.push((texts.of(name), value));
    }
    let mail = person.mail.as_deref().map_or(Fact::Nothing, Fact::text);
    facts.push((texts.of("mail"), mail));
    facts
}
