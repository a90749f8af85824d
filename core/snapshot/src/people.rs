//! Persons, and directory groups with their members. A source names members by their directory
//! ids; here they become persons, groups and computers of ours.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use core_model::entity::{Computer, DirectoryDevice, Group, Membership, Person};
use core_model::facts::{AccountKind, MemberKind};
use core_model::id::{ComputerId, GroupId, TenantId};
use core_resolve::{Directory, Fact, Facts, GroupInput, Member, PersonInput};

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
        self.served.entry(directory.clone()).or_default().insert(person.tenant);
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
        self.served.entry(directory.clone()).or_default().insert(group.tenant);
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

    /// A device object is the computer that knows itself by its device id, if that is of a tenant
    /// that the directory serves.
    pub(crate) fn devices(
        &mut self,
        devices: &[DirectoryDevice],
        computers: &[Computer],
        texts: &mut Texts,
    ) {
        let mut by_device: HashMap<&str, Vec<(ComputerId, TenantId)>> = HashMap::new();
        for computer in computers.iter().filter(|computer| !computer.gone) {
            if let Some(device) = &computer.directory_device {
                by_device.entry(device).or_default().push((computer.id, computer.tenant));
            }
        }
        let live = || devices.iter().filter(|device| !device.gone);
        for device in live() {
            let directory = texts.directory(&device.connection, &device.directory);
            self.served.entry(directory).or_default().insert(device.tenant);
        }
        for device in live() {
            let directory = texts.directory(&device.connection, &device.directory);
            let served = self.served.get(&directory);
            let found = by_device.get(device.device_id.as_str()).into_iter().flatten();
            let ours = found.filter(|(_, tenant)| served.is_some_and(|all| all.contains(tenant)));
            // Two computers with one device id are a question to a human elsewhere; until it is
            // answered neither is the device.
            let mut ours = ours.map(|(computer, _)| *computer);
            if let (Some(computer), None) = (ours.next(), ours.next()) {
                let object = (directory, device.directory_id.clone());
                self.objects.insert(object, Member::Device(computer));
            }
        }
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
