//! Persons, and directory groups with their members. A source names members by their directory
//! ids; here they become persons, groups and computers of ours.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use core_model::entity::{Computer, DirectoryDevice, Group, Membership, Person};
use core_model::facts::{AccountKind, MemberKind};
use core_model::id::{ComputerId, TenantId};
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

/// What members of groups are named by: directory and object id.
pub(crate) struct People {
    pub(crate) persons: Vec<PersonInput>,
    objects: HashMap<(Directory, String), Member>,
    groups: Vec<(Group, Directory)>,
    devices: Vec<(Directory, DirectoryDevice)>,
    /// The tenants that each directory serves.
    pub(crate) served: BTreeMap<Directory, BTreeSet<TenantId>>,
}

impl People {
    pub(crate) fn new() -> Self {
        Self {
            persons: Vec::new(),
            objects: HashMap::new(),
            groups: Vec::new(),
            devices: Vec::new(),
            served: BTreeMap::new(),
        }
    }

    pub(crate) fn person(&mut self, person: &Person, texts: &mut Texts) {
        if person.gone {
            return;
        }
        let directory = texts.directory(&person.connection, &person.directory);
        self.served.entry(directory.clone()).or_default().insert(person.tenant);
        let name = (directory.clone(), person.directory_id.clone());
        self.objects.insert(name, Member::Person(person.id));
        self.persons.push(PersonInput {
            id: person.id,
            tenant: person.tenant,
            name: person.display_name.as_str().into(),
            directory,
            facts: facts(person, texts),
        });
    }

    pub(crate) fn group(&mut self, group: Group, texts: &mut Texts) {
        if group.gone {
            return;
        }
        let directory = texts.directory(&group.connection, &group.directory);
        self.served.entry(directory.clone()).or_default().insert(group.tenant);
        let name = (directory.clone(), group.directory_id.clone());
        self.objects.insert(name, Member::Group(group.id));
        self.groups.push((group, directory));
    }

    pub(crate) fn device(&mut self, device: DirectoryDevice, texts: &mut Texts) {
        if !device.gone {
            let directory = texts.directory(&device.connection, &device.directory);
            self.served.entry(directory.clone()).or_default().insert(device.tenant);
            self.devices.push((directory, device));
        }
    }

    /// The groups with their members.
    pub(crate) fn groups(
        mut self,
        memberships: &[Membership],
        computers: &[Computer],
        texts: &mut Texts,
    ) -> (Vec<GroupInput>, Vec<PersonInput>) {
        self.find_devices(computers);
        let mut members: HashMap<(Directory, String), Vec<Member>> = HashMap::new();
        for membership in memberships.iter().filter(|membership| !membership.gone) {
            if membership.member_kind == MemberKind::Other {
                continue;
            }
            let directory = texts.directory(&membership.connection, &membership.directory);
            let object = (directory.clone(), membership.member.clone());
            if let Some(member) = self.objects.get(&object) {
                let group = (directory, membership.group.clone());
                members.entry(group).or_default().push(*member);
            }
        }
        let groups = self.groups.into_iter().map(|(group, directory)| {
            let name = (directory, group.directory_id);
            GroupInput {
                id: group.id,
                tenant: group.tenant,
                members: members.remove(&name).unwrap_or_default(),
                directory: name.0,
                name: group.name,
            }
        });
        (groups.collect(), self.persons)
    }

    /// A device object is the computer that knows itself by its device id, if that is of a tenant
    /// that the directory serves.
    fn find_devices(&mut self, computers: &[Computer]) {
        let mut by_device: HashMap<&str, Vec<(ComputerId, TenantId)>> = HashMap::new();
        for computer in computers.iter().filter(|computer| !computer.gone) {
            if let Some(device) = &computer.directory_device {
                by_device.entry(device).or_default().push((computer.id, computer.tenant));
            }
        }
        for (directory, device) in &self.devices {
            let served = self.served.get(directory);
            let found = by_device.get(device.device_id.as_str()).into_iter().flatten();
            let ours = found.filter(|(_, tenant)| served.is_some_and(|all| all.contains(tenant)));
            // Two computers with one device id are a question to a human elsewhere; until then
            // neither is the device.
            let mut ours = ours.map(|(computer, _)| *computer);
            if let (Some(computer), None) = (ours.next(), ours.next()) {
                let object = (directory.clone(), device.directory_id.clone());
                self.objects.insert(object, Member::Device(computer));
            }
        }
    }
}

fn facts(person: &Person, texts: &mut Texts) -> Facts {
    let account = match person.account {
        AccountKind::Guest => "guest",
        _ => "member",
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
