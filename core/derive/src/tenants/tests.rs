use super::*;
use core_model::RecordKind;

fn client(connection: &str, connector: &str, key: &str, name: &str) -> ClientInput {
    ClientInput {
        record: RecordRef::new(connection, RecordKind::Client, "", key),
        connector: connector.to_owned(),
        facts: ClientFacts { name: name.to_owned(), ..ClientFacts::default() },
        first_seen_us: 1_700_000_000_000_000,
        gone: false,
    }
}

fn entra(key: &str, name: &str) -> ClientInput {
    let mut client = client("entra", "azure-ad", key, name);
    client.facts.references.push(Reference { system: "directory".into(), id: key.to_owned() });
    client
}

fn policy() -> TenantPolicy {
    TenantPolicy { create_from: vec!["entra".into(), "automate".into()], ..TenantPolicy::default() }
}

fn linked(clients: Vec<ClientInput>, links: Vec<(String, ClientLinkFacts)>) -> Linked {
    link(LinkInput { clients, links, zones: Vec::new(), decisions: &[], policy: &policy() })
}

fn tenant_of<'a>(linked: &'a Linked, connection: &str, key: &str) -> Option<&'a Tenant> {
    let client = linked.clients.iter().find(|c| c.connection == connection && c.key == key)?;
    linked.tenants.iter().find(|tenant| Some(tenant.id) == client.tenant)
}

#[test]
fn names_link_whatever_their_spelling_and_the_first_creator_names_the_tenant() {
    let linked = linked(
        vec![
            client("automate", "cw-automate", "7", "CONTOSO LTD"),
            entra("d1", "Contoso, Ltd."),
            client("control", "cw-control", "Contoso", "Contoso"),
        ],
        Vec::new(),
    );
    assert_eq!(linked.tenants.len(), 1);
    assert_eq!(tenant_of(&linked, "control", "Contoso").unwrap().name, "Contoso, Ltd.");
}

#[test]
fn a_name_that_two_clients_of_one_connection_have_links_nobody() {
    let linked = linked(
        vec![
            client("automate", "cw-automate", "1", "Fabrikam"),
            client("automate", "cw-automate", "2", "Fabrikam Inc"),
            client("control", "cw-control", "Fabrikam", "Fabrikam"),
        ],
        Vec::new(),
    );
    assert_eq!(linked.tenants.len(), 2);
    assert!(tenant_of(&linked, "control", "Fabrikam").is_none());
    let open = linked.clients.iter().find(|client| client.connection == "control").unwrap();
    assert_eq!(open.suggestions.len(), 2);
    assert_eq!(open.suggestions[0].score, 100);
}

#[test]
fn a_cross_reference_beats_names() {
    let mut halo = client("halo", "halopsa", "12", "Something Else");
    halo.facts.references.push(Reference { system: "cw-automate".into(), id: "7".into() });
    let link = ClientLinkFacts {
        client: "13".into(),
        reference: Reference { system: "directory".into(), id: "d1".into() },
    };
    let linked = linked(
        vec![
            halo,
            client("halo", "halopsa", "13", "Quite Different"),
            client("automate", "cw-automate", "7", "Contoso"),
            entra("d1", "Fabrikam"),
        ],
        vec![("halo".to_owned(), link)],
    );
    assert_eq!(tenant_of(&linked, "halo", "12").unwrap().name, "Contoso");
    assert_eq!(tenant_of(&linked, "halo", "13").unwrap().name, "Fabrikam");
}

#[test]
fn a_client_of_a_connection_that_creates_nothing_stays_unlinked() {
    let linked = linked(vec![client("halo", "halopsa", "1", "Prospect")], Vec::new());
    assert!(linked.tenants.is_empty() && linked.clients[0].tenant.is_none());
}

#[test]
fn the_order_of_arrival_does_not_matter() {
    let clients = vec![
        client("automate", "cw-automate", "7", "CONTOSO LTD"),
        entra("d1", "Contoso, Ltd."),
        client("control", "cw-control", "Contoso", "Contoso"),
        client("halo", "halopsa", "9", "contoso"),
    ];
    let forward = linked(clients.clone(), Vec::new());
    let backward = linked(clients.into_iter().rev().collect(), Vec::new());
    assert_eq!(forward.tenants, backward.tenants);
    assert_eq!(forward.clients, backward.clients);
}

#[test]
fn a_decision_outlives_every_rule() {
    let clients = vec![
        entra("d1", "Contoso"),
        entra("d2", "Fabrikam"),
        client("halo", "halopsa", "9", "Contoso"),
    ];
    let settled = Settled::LinkClient {
        client: clients[2].record.clone(),
        with: Some(clients[1].record.clone()),
    };
    let decisions =
        [Decision { number: 1, settled, by: "admin".into(), at: chrono::DateTime::UNIX_EPOCH }];
    let linked = link(LinkInput {
        clients,
        links: Vec::new(),
        zones: Vec::new(),
        decisions: &decisions,
        policy: &policy(),
    });
    assert_eq!(tenant_of(&linked, "halo", "9").unwrap().name, "Fabrikam");
}

#[test]
fn a_split_directory_does_not_pull_its_second_tenant_into_the_first() {
    let split = crate::policy::DomainSplit {
        directory: "d1".into(),
        domains: vec!["b.example".into()],
        connection: "automate".into(),
        client: "2".into(),
    };
    let policy = TenantPolicy { splits: vec![split], ..policy() };
    let mut second = client("automate", "cw-automate", "2", "B");
    second.facts.references.push(Reference { system: "directory".into(), id: "d1".into() });
    let linked = link(LinkInput {
        clients: vec![entra("d1", "A"), client("automate", "cw-automate", "1", "A"), second],
        links: Vec::new(),
        zones: Vec::new(),
        decisions: &[],
        policy: &policy,
    });
    assert_eq!(linked.tenants.len(), 2);
}

#[test]
fn a_tenant_whose_clients_are_gone_is_suspended_and_stays() {
    let mut gone = entra("d1", "Contoso");
    gone.gone = true;
    let linked = linked(vec![gone], Vec::new());
    assert!(linked.tenants[0].suspended);
}

#[test]
fn a_client_with_the_name_of_a_placeholder_stands_for_nobody() {
    let clients = || {
        vec![
            client("automate", "cw-automate", "1", "WORKBENCH"),
            client("control", "cw-control", "Workbench", "Workbench"),
            client("automate", "cw-automate", "2", "Workbench Carpenters"),
        ]
    };
    let found = linked(clients(), Vec::new());
    assert_eq!(found.tenants.len(), 1, "a longer name is another one");
    let bench = found.clients.iter().find(|client| client.key == "1").unwrap();
    assert!(bench.placeholder && bench.tenant.is_none() && bench.suggestions.is_empty());
    assert!(tenant_of(&found, "control", "Workbench").is_none());
    // Whose source says that it is a customer's is no placeholder, whatever its name.
    let mut customers = clients();
    let halo = Reference { system: "halopsa".into(), id: "42".into() };
    customers[0].facts.references.push(halo);
    assert!(tenant_of(&linked(customers, Vec::new()), "automate", "1").is_some());
    // And the admin has the last word.
    let policy = TenantPolicy { placeholders: Vec::new(), ..policy() };
    let (links, zones) = (Vec::new(), Vec::new());
    let clients = clients();
    let found = link(LinkInput { clients, links, zones, decisions: &[], policy: &policy });
    assert!(tenant_of(&found, "automate", "1").is_some());
}
