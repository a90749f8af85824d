use super::*;
use core_model::entity::{Evidence, Onboarding, Pin, Primary, PrimaryReason};
use core_model::facts::AccountKind;
use core_model::hardware::SmbiosUuid;
use core_model::id::{AgentId, ClientId, ComputerId, TenantId};

/// A tenant with one computer that Ana uses.
struct Bench {
    tenant: Tenant,
    computers: Vec<Computer>,
    agents: Vec<Agent>,
    persons: Vec<Person>,
    clients: Vec<Client>,
    contacts: Vec<Contact>,
    assets: HashMap<String, Asset>,
    made: HashMap<String, String>,
    serials: HashMap<String, String>,
    kinds: HashMap<String, String>,
}

fn bench() -> Bench {
    let tenant = TenantId::of_text("contoso", 0);
    let person = person(tenant);
    let agents = vec![
        agent(tenant, "automate", "12", AgentState::Matched),
        agent(tenant, "automate", "9", AgentState::Retired),
        agent(tenant, "control", "c-1", AgentState::Matched),
    ];
    let computer = Computer {
        id: ComputerId::of_text("pc", 0),
        tenant,
        name: "PC-042".to_owned(),
        agents: agents.iter().map(|agent| agent.id).collect(),
        uuids: vec![SmbiosUuid::parse("4c4c4544-0042-3510-8052-b3c04f4b4e32").unwrap()],
        serial: Some("3B5RKN2".to_owned()),
        manufacturer: None,
        model: None,
        os: None,
        role: Some(DeviceRole::Workstation),
        chassis: Some(ChassisClass::Portable),
        directory_device: None,
        assets: Vec::new(),
        onboarding: Onboarding::Done,
        flags: Vec::new(),
        wipes: Vec::new(),
        logons: Vec::new(),
        primary: Some(Primary { person: person.id, reason: PrimaryReason::Pinned }),
        pin: Some(Pin::Person { person: person.id }),
        gone: false,
    };
    Bench {
        tenant: Tenant {
            id: tenant,
            name: "Contoso".to_owned(),
            clients: Vec::new(),
            domains: Vec::new(),
            time_zone: None,
            operator: false,
            suspended: false,
        },
        computers: vec![computer],
        agents,
        persons: vec![person],
        clients: vec![client(tenant, "5", "Contoso")],
        contacts: Vec::new(),
        assets: HashMap::new(),
        made: HashMap::new(),
        serials: HashMap::new(),
        kinds: [("automate", "cw-automate"), ("control", "cw-control"), ("halo", "halopsa")]
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
            .into(),
    }
}

fn person(tenant: TenantId) -> Person {
    Person {
        id: PersonId::of_text("ana", 0),
        tenant,
        connection: "entra".to_owned(),
        directory: "d".to_owned(),
        directory_id: "0a1b".to_owned(),
        upn: "Ana.Silva@contoso.com".to_owned(),
        earlier_upns: Vec::new(),
        display_name: "Ana Silva".to_owned(),
        mail: Some("ana@contoso.com".to_owned()),
        addresses: vec!["a.silva@contoso.com".to_owned()],
        on_premises: None,
        department: None,
        job_title: None,
        account: AccountKind::Member,
        disabled: false,
        gone: false,
        gone_since: None,
    }
}

fn agent(tenant: TenantId, connection: &str, key: &str, state: AgentState) -> Agent {
    Agent {
        id: AgentId::of_text(&format!("{connection}/{key}"), 0),
        connection: connection.to_owned(),
        scope: String::new(),
        key: key.to_owned(),
        host: "PC-042".to_owned(),
        client: None,
        tenant: Some(tenant),
        computer: None,
        state,
        rule: None,
        why: String::new(),
        evidence: Evidence::default(),
        runs_scripts: true,
        os: None,
        os_version: None,
        domain: None,
        location: None,
        properties: Vec::new(),
        decision: None,
        gone: false,
    }
}

fn client(tenant: TenantId, key: &str, name: &str) -> Client {
    Client {
        id: ClientId::of_text(key, 0),
        connection: "halo".to_owned(),
        key: key.to_owned(),
        name: name.to_owned(),
        tenant: Some(tenant),
        reason: None,
        suggestions: Vec::new(),
        inactive: false,
        placeholder: false,
        gone: false,
    }
}

fn contact(key: &str, facts: ContactFacts) -> Contact {
    Contact { key: key.to_owned(), client: Some("5".to_owned()), facts }
}

fn by_mail(key: &str, mail: &str) -> Contact {
    contact(key, ContactFacts { email: Some(mail.to_owned()), ..ContactFacts::default() })
}

impl Bench {
    fn items(&self, object: PushObject, fields: &[PushField]) -> Vec<Item> {
        let model = TenantModel {
            connection: if object == PushObject::Asset { "halo" } else { "automate" },
            tenant: &self.tenant,
            computers: &self.computers,
            agents: &self.agents,
            persons: &self.persons,
            clients: &self.clients,
            contacts: &self.contacts,
            assets: &self.assets,
            made: &self.made,
            serials: &self.serials,
            kinds: &self.kinds,
        };
        plan(&model, object, fields, |class| class == "portable")
    }

    /// What a fact comes to.
    fn wanted(&self, fact: Fact) -> Wanted {
        let items = self.items(PushObject::Asset, &[PushField::new("field", fact)]);
        items[0].wishes[0].wanted.clone()
    }

    fn place(&self) -> Vec<Place> {
        let items = self.items(PushObject::Asset, &[PushField::new("field", Fact::Name)]);
        items.into_iter().map(|item| item.place).collect()
    }
}

fn value(text: &str) -> Wanted {
    Wanted::Value { value: text.to_owned(), label: None }
}

fn ana(key: &str) -> Wanted {
    Wanted::Value { value: key.to_owned(), label: Some("Ana Silva".to_owned()) }
}

#[test]
fn a_computer_is_told_by_what_is_known_of_it() {
    let bench = bench();
    assert_eq!(bench.wanted(Fact::Uuid), value("4C4C4544-0042-3510-8052-B3C04F4B4E32"));
    assert_eq!(bench.wanted(Fact::Serial), value("3B5RKN2"));
    assert_eq!(bench.wanted(Fact::Class), value("portable"));
    assert_eq!(bench.wanted(Fact::Tenant), value("Contoso"));
    assert_eq!(bench.wanted(Fact::PrimaryUpn), value("Ana.Silva@contoso.com"));
    assert_eq!(bench.wanted(Fact::Onboarding), value("done"));
    assert_eq!(bench.wanted(Fact::Model), Wanted::Unknown);
}

#[test]
fn a_serial_is_written_as_the_machine_spells_it() {
    let mut bench = bench();
    bench.computers[0].serial = Some("VMWARE-564D".to_owned());
    bench.serials.insert("VMWARE-564D".to_owned(), "VMware-56 4d".to_owned());
    assert_eq!(bench.wanted(Fact::Serial), value("VMware-56 4d"));
}

#[test]
fn a_retired_agent_is_no_id_and_two_living_ones_are_not_known() {
    let mut bench = bench();
    assert_eq!(bench.wanted(Fact::AutomateId), value("12"));
    assert_eq!(bench.wanted(Fact::IntuneId), Wanted::Nothing);
    bench.agents[1].state = AgentState::Matched;
    assert_eq!(bench.wanted(Fact::AutomateId), Wanted::Unknown);
}

#[test]
fn a_person_is_found_by_directory_id_then_by_mail_then_by_login() {
    let mut bench = bench();
    assert_eq!(bench.wanted(Fact::Contact), Wanted::Nothing, "in no address book");
    let login = Some("ana.silva@CONTOSO.com".to_owned());
    bench.contacts.push(contact("3", ContactFacts { login, ..ContactFacts::default() }));
    assert_eq!(bench.wanted(Fact::Contact), ana("3"));
    bench.contacts.push(by_mail("2", "A.Silva@contoso.com"));
    assert_eq!(bench.wanted(Fact::Contact), ana("2"));
    let directory_id = Some("0A1B".to_owned());
    bench.contacts.push(contact("1", ContactFacts { directory_id, ..ContactFacts::default() }));
    assert_eq!(bench.wanted(Fact::Contact), ana("1"));
}

#[test]
fn two_contacts_that_may_be_one_person_are_nobody_for_certain() {
    let mut bench = bench();
    bench.contacts = vec![by_mail("1", "ana@contoso.com"), by_mail("2", "ANA@contoso.com ")];
    assert_eq!(bench.wanted(Fact::Contact), Wanted::Unknown);
    // Of two addresses each with a contact of its own it is not known either.
    bench.contacts = vec![by_mail("1", "ana@contoso.com"), by_mail("2", "a.silva@contoso.com")];
    assert_eq!(bench.wanted(Fact::Contact), Wanted::Unknown);
    bench.contacts[1].facts.inactive = true;
    assert_eq!(bench.wanted(Fact::Contact), ana("1"), "the inactive one does not count");
}

#[test]
fn nobodys_computer_has_nobody_and_an_unknown_person_is_not_known() {
    let mut bench = bench();
    bench.persons.clear();
    assert_eq!(bench.wanted(Fact::Contact), Wanted::Unknown);
    assert_eq!(bench.wanted(Fact::PrimaryName), Wanted::Unknown);
    bench.computers[0].primary = None;
    assert_eq!(bench.wanted(Fact::Contact), Wanted::Nothing);
    assert_eq!(bench.wanted(Fact::PrimaryName), Wanted::Nothing);
}

#[test]
fn a_value_that_stands_for_no_other_is_left_alone() {
    let bench = bench();
    let names = [("Portable".to_owned(), "Laptops".to_owned())].into();
    let mut field = PushField { name: "Location".to_owned(), fact: Fact::Class, names };
    let wanted = |field: &PushField| {
        let items = bench.items(PushObject::Agent, std::slice::from_ref(field));
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].place, Place::There("12".to_owned()));
        items[0].wishes[0].wanted.clone()
    };
    assert_eq!(wanted(&field), value("Laptops"));
    field.names = [("server".to_owned(), "Servers".to_owned())].into();
    assert_eq!(wanted(&field), Wanted::Unknown);
}

#[test]
fn an_asset_is_made_only_where_it_is_known_for_whom_and_what() {
    let mut bench = bench();
    let new = |client: &str| Place::New { client: client.to_owned(), class: "portable".to_owned() };
    assert_eq!(bench.place(), [new("5")]);
    let tenant = bench.tenant.id;
    bench.clients.push(client(tenant, "6", "Contoso Warehouse"));
    let places = bench.place();
    let [Place::Missing { why }] = places.as_slice() else { panic!("{places:?}") };
    assert!(why.contains("Contoso, Contoso Warehouse"), "{why}");
    // Whoever uses it is at one of them.
    bench.contacts.push(by_mail("1", "ana@contoso.com"));
    assert_eq!(bench.place(), [new("5")]);
    bench.clients.clear();
    assert!(matches!(bench.place().as_slice(), [Place::Missing { .. }]));
    bench.computers[0].role = Some(DeviceRole::Server);
    assert!(bench.place().is_empty(), "for servers none is made");
    bench.computers[0].gone = true;
    assert!(bench.place().is_empty());
}

#[test]
fn an_asset_that_is_there_is_written_and_an_inactive_one_is_left() {
    let mut bench = bench();
    let id = bench.computers[0].id.to_string();
    bench.made.insert(id, "77".to_owned());
    assert_eq!(bench.place(), [Place::There("77".to_owned())], "made, and not read back yet");
    let asset = |key: &str| ("halo".to_owned(), key.to_owned());
    bench.computers[0].assets =
        vec![asset("70"), asset("71"), ("other".to_owned(), "1".to_owned())];
    bench.assets.insert("70".to_owned(), Asset { inactive: true });
    bench.assets.insert("71".to_owned(), Asset { inactive: false });
    assert_eq!(bench.place(), [Place::There("71".to_owned())]);
    bench.computers[0].assets.remove(1);
    assert!(bench.place().is_empty(), "it has one, though nobody uses it any more");
}
