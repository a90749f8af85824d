//! What the objects of a tenant's computers should hold in one connection.

use std::collections::{BTreeMap, HashMap, HashSet};

use core_connector::{Fact, PushField, PushObject};
use core_model::entity::{Agent, AgentState, Client, Computer, Person, Tenant};
use core_model::facts::{ChassisClass, ContactFacts, DeviceRole};
use core_model::id::PersonId;

/// What a field should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The hub does not know.
    Unknown,
    /// The hub knows that there is nothing: nobody uses the computer, it has no such agent.
    Nothing,
    /// This.
    Value {
        /// As the system writes it.
        value: String,
        /// What people call it, where that is something else.
        label: Option<String>,
    },
}

impl Wanted {
    fn of(value: Option<impl Into<String>>) -> Self {
        let value = value.map(Into::into).map(|value: String| value.trim().to_owned());
        match value.filter(|value| !value.is_empty()) {
            Some(value) => Wanted::Value { value, label: None },
            None => Wanted::Unknown,
        }
    }
}

/// A contact in the connection's address book.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Its key.
    pub key: String,
    /// The key of its client.
    pub client: Option<String>,
    /// What is known of it.
    pub facts: ContactFacts,
}

/// An asset of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The vendor calls it inactive.
    pub inactive: bool,
}

/// Everything about one tenant that bears on what is written into one connection.
pub struct TenantModel<'a> {
    /// The connection.
    pub connection: &'a str,
    /// The tenant.
    pub tenant: &'a Tenant,
    /// Its computers.
    pub computers: &'a [Computer],
    /// Their agents, of all connections.
    pub agents: &'a [Agent],
    /// Its people.
    pub persons: &'a [Person],
    /// The connection's clients that are linked to it.
    pub clients: &'a [Client],
    /// The contacts of these clients.
    pub contacts: &'a [Contact],
    /// The assets of these clients, by key.
    pub assets: &'a HashMap<String, Asset>,
    /// Assets that the hub made and may not have read back yet: by computer.
    pub made: &'a HashMap<String, String>,
    /// Serial numbers as the agents tell them, by their normal spelling, which is the model's.
    pub serials: &'a HashMap<String, String>,
    /// The kind of connector of each connection.
    pub kinds: &'a HashMap<String, String>,
}

/// The object that an item is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// One that is there: its key.
    There(String),
    /// One that is to be made.
    New {
        /// The key of the client.
        client: String,
        /// What the computer is ([`Fact::Class`]).
        class: String,
    },
    /// There is none, and none can be made yet.
    Missing {
        /// Why.
        why: String,
    },
}

/// What a field should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The field.
    pub field: String,
    /// What.
    pub wanted: Wanted,
}

/// An object and what it should hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The computer's id.
    pub computer: String,
    /// Its name.
    pub name: String,
    /// The object.
    pub place: Place,
    /// Its fields.
    pub wishes: Vec<Wish>,
}

/// What the objects of a tenant's computers should hold. Computers that are gone are left out: what is
/// to become of their objects is a human's to say.
#[must_use]
pub fn plan(
    model: &TenantModel<'_>,
    object: PushObject,
    fields: &[PushField],
    makes: impl Fn(&str) -> bool,
) -> Vec<Item> {
    let index = Index::of(model);
    let mut items = Vec::new();
    for computer in model.computers.iter().filter(|computer| !computer.gone) {
        let known = index.known(computer);
        let wishes: Vec<Wish> = fields
            .iter()
            .map(|field| Wish { field: field.name.clone(), wanted: known.wanted(field) })
            .collect();
        let places = match object {
            PushObject::Agent => known.agents_here(),
            PushObject::Asset => known.assets(&makes),
        };
        items.extend(places.into_iter().map(|place| Item {
            computer: computer.id.to_string(),
            name: computer.name.clone(),
            place,
            wishes: wishes.clone(),
        }));
    }
    items
}

struct Index<'a> {
    model: &'a TenantModel<'a>,
    agents: HashMap<core_model::id::AgentId, &'a Agent>,
    persons: HashMap<PersonId, &'a Person>,
    contacts: Contacts<'a>,
}

/// Contacts by what a person may be known by, lower case; none where several share it.
#[derive(Default)]
struct Contacts<'a> {
    by_directory: HashMap<String, Option<&'a Contact>>,
    by_mail: HashMap<String, Option<&'a Contact>>,
    by_login: HashMap<String, Option<&'a Contact>>,
}

/// A computer and what is known around it.
struct Known<'a> {
    index: &'a Index<'a>,
    computer: &'a Computer,
    agents: Vec<&'a Agent>,
    person: Option<&'a Person>,
    contact: Match<'a>,
}

enum Match<'a> {
    One(&'a Contact),
    Nobody,
    Several,
}

impl<'a> Index<'a> {
    fn of(model: &'a TenantModel<'a>) -> Self {
        Self {
            model,
            agents: model.agents.iter().map(|agent| (agent.id, agent)).collect(),
            persons: model.persons.iter().map(|person| (person.id, person)).collect(),
            contacts: Contacts::of(model.contacts),
        }
    }

    fn known(&'a self, computer: &'a Computer) -> Known<'a> {
        let agents = computer.agents.iter().filter_map(|id| self.agents.get(id).copied());
        let living = agents.filter(|agent| agent.state == AgentState::Matched && !agent.gone);
        let primary = computer.primary.as_ref().map(|primary| primary.person);
        let person = primary.and_then(|person| self.persons.get(&person).copied());
        Known {
            index: self,
            computer,
            agents: living.collect(),
            person,
            contact: person.map_or(Match::Nobody, |person| self.contacts.of_person(person)),
        }
    }
}

impl<'a> Contacts<'a> {
    fn of(contacts: &'a [Contact]) -> Self {
        let mut found = Self::default();
        for contact in contacts.iter().filter(|contact| !contact.facts.inactive) {
            let facts = &contact.facts;
            note(&mut found.by_directory, facts.directory_id.as_deref(), contact);
            note(&mut found.by_mail, facts.email.as_deref(), contact);
            note(&mut found.by_login, facts.login.as_deref(), contact);
        }
        found
    }

    /// A person's contact: by directory id, else by mail address, else by login. The first of these that
    /// finds any decides.
    fn of_person(&self, person: &Person) -> Match<'a> {
        let own = [Some(&person.upn), person.mail.as_ref()];
        let addresses: Vec<&String> = own.into_iter().flatten().chain(&person.addresses).collect();
        for (by, names) in [
            (&self.by_directory, vec![&person.directory_id]),
            (&self.by_mail, addresses.clone()),
            (&self.by_login, addresses),
        ] {
            let found: Vec<Option<&Contact>> =
                names.into_iter().filter_map(|name| by.get(&folded(name)).copied()).collect();
            let keys: HashSet<Option<&str>> =
                found.iter().map(|contact| contact.map(|contact| contact.key.as_str())).collect();
            match (found.first(), keys.len()) {
                (None, _) => {}
                (Some(Some(contact)), 1) => return Match::One(contact),
                _ => return Match::Several,
            }
        }
        Match::Nobody
    }
}

fn note<'a>(
    by: &mut HashMap<String, Option<&'a Contact>>,
    name: Option<&str>,
    contact: &'a Contact,
) {
    let Some(name) = name.map(folded).filter(|name| !name.is_empty()) else { return };
    by.entry(name).and_modify(|one| *one = None).or_insert(Some(contact));
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

impl Known<'_> {
    /// What a field should hold.
    fn wanted(&self, field: &PushField) -> Wanted {
        let wanted = self.fact(field.fact);
        if field.names.is_empty() {
            return wanted;
        }
        match wanted {
            Wanted::Value { value, .. } => {
                Wanted::of(named(&field.names, &value).map(str::to_owned))
            }
            other => other,
        }
    }

    fn fact(&self, fact: Fact) -> Wanted {
        let computer = self.computer;
        match fact {
            Fact::Computer => Wanted::of(Some(computer.id.to_string())),
            Fact::Name => Wanted::of(Some(&computer.name)),
            Fact::Uuid => Wanted::of(computer.uuids.first().map(ToString::to_string)),
            Fact::Serial => Wanted::of(
                computer
                    .serial
                    .as_ref()
                    .map(|serial| self.index.model.serials.get(serial).unwrap_or(serial).clone()),
            ),
            Fact::Manufacturer => Wanted::of(computer.manufacturer.clone()),
            Fact::Model => Wanted::of(computer.model.clone()),
            Fact::Os => Wanted::of(computer.os.clone()),
            Fact::Class => Wanted::of(class(computer)),
            Fact::Onboarding => Wanted::of(Some(match computer.onboarding {
                core_model::entity::Onboarding::Needed => "needed",
                core_model::entity::Onboarding::Done => "done",
            })),
            Fact::Tenant => Wanted::of(Some(&self.index.model.tenant.name)),
            Fact::PrimaryUpn => self.of_person(|person| Some(person.upn.clone())),
            Fact::PrimaryName => self.of_person(|person| Some(person.display_name.clone())),
            Fact::PrimaryMail => self.of_person(|person| person.mail.clone()),
            Fact::PrimaryDepartment => self.of_person(|person| person.department.clone()),
            Fact::Contact => self.contact(),
            Fact::AutomateId => self.agent_of("cw-automate"),
            Fact::ControlId => self.agent_of("cw-control"),
            Fact::IntuneId => self.agent_of("azure-ad"),
        }
    }

    /// Nobody's is nothing; of somebody who is known but says nothing it is not known.
    fn of_person(&self, value: impl Fn(&Person) -> Option<String>) -> Wanted {
        match (self.person, &self.computer.primary) {
            (Some(person), _) => Wanted::of(value(person)),
            (None, Some(_)) => Wanted::Unknown,
            (None, None) => Wanted::Nothing,
        }
    }

    fn contact(&self) -> Wanted {
        match (&self.contact, self.person, &self.computer.primary) {
            (Match::One(contact), Some(person), _) => Wanted::Value {
                value: contact.key.clone(),
                label: Some(person.display_name.clone()),
            },
            // Somebody who is in no address book: whoever was written there is not him.
            (Match::Nobody, Some(_), _) | (_, None, None) => Wanted::Nothing,
            _ => Wanted::Unknown,
        }
    }

    /// The agent of a kind. Where there are several, which one is meant is not known.
    fn agent_of(&self, kind: &str) -> Wanted {
        let kinds = &self.index.model.kinds;
        let of_kind = |agent: &&&Agent| kinds.get(&agent.connection).is_some_and(|k| k == kind);
        let mut found = self.agents.iter().filter(of_kind);
        match (found.next(), found.next()) {
            (Some(agent), None) => Wanted::of(Some(&agent.key)),
            (None, _) => Wanted::Nothing,
            _ => Wanted::Unknown,
        }
    }

    /// Its agents in the connection.
    fn agents_here(&self) -> Vec<Place> {
        let here = self.agents.iter().filter(|a| a.connection == self.index.model.connection);
        let keys: std::collections::BTreeSet<&String> = here.map(|agent| &agent.key).collect();
        keys.into_iter().map(|key| Place::There(key.clone())).collect()
    }

    /// Its assets in the connection, or the one that is to be made.
    fn assets(&self, makes: impl Fn(&str) -> bool) -> Vec<Place> {
        let model = self.index.model;
        let of_here = self.computer.assets.iter().filter(|(of, _)| of == model.connection);
        let keys: Vec<&String> = of_here.map(|(_, key)| key).collect();
        if !keys.is_empty() {
            let active = |key: &&&String| model.assets.get(**key).is_none_or(|one| !one.inactive);
            return keys.iter().filter(active).map(|key| Place::There((*key).clone())).collect();
        }
        if let Some(key) = model.made.get(&self.computer.id.to_string()) {
            return vec![Place::There(key.clone())];
        }
        match class(self.computer) {
            Some(class) if makes(class) => vec![self.new_asset(class)],
            _ => Vec::new(),
        }
    }

    fn new_asset(&self, class: &str) -> Place {
        let open = |client: &&Client| !client.gone && !client.inactive && !client.placeholder;
        let clients: Vec<&Client> = self.index.model.clients.iter().filter(open).collect();
        let of_contact = match &self.contact {
            Match::One(contact) => contact.client.as_ref(),
            _ => None,
        };
        let chosen = match clients.as_slice() {
            [only] => Some(*only),
            several => several.iter().copied().find(|client| Some(&client.key) == of_contact),
        };
        match chosen {
            Some(client) => Place::New { client: client.key.clone(), class: class.to_owned() },
            None if clients.is_empty() => {
                Place::Missing { why: "its tenant has no client there".to_owned() }
            }
            None => {
                let names: Vec<&str> = clients.iter().map(|client| client.name.as_str()).collect();
                let why = format!("its tenant has several clients there: {}", names.join(", "));
                Place::Missing { why }
            }
        }
    }
}

/// What stands for a value.
fn named<'a>(names: &'a BTreeMap<String, String>, value: &str) -> Option<&'a str> {
    let value = folded(value);
    names.iter().find(|(name, _)| folded(name) == value).map(|(_, stands)| stands.as_str())
}

/// What a computer is, in one word; none where it is not known whether it is a server.
fn class(computer: &Computer) -> Option<&'static str> {
    match (computer.role, computer.chassis) {
        (Some(DeviceRole::Server | DeviceRole::DomainController), _) => Some("server"),
        (_, Some(ChassisClass::Portable)) => Some("portable"),
        (Some(DeviceRole::Workstation), Some(ChassisClass::Virtual)) => Some("virtual"),
        (Some(DeviceRole::Workstation), _) => Some("workstation"),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests;
