//! The made-up provider as entities of a store, written the shortest way: past connectors and
//! derivation, into the model.

use std::collections::HashMap;

use core_model::entity::{
    Agent, AgentState, Computer, Entity, EntityRow, Group, Membership, Onboarding, Person, Primary,
    PrimaryReason, Rule, Tenant,
};
use core_model::event::Cause;
use core_model::facts::{AccountKind, GroupType, MemberKind};
use core_model::id::{AgentId, GroupId, MembershipId};
use core_resolve::{ComputerInput, Fact, GroupInput, Member, PersonInput, SnapshotInput};
use core_store::{ModelChange, Store};

/// Entities that are written at once.
const AT_ONCE: usize = 20_000;

/// Fills a store; gives the number of entities.
///
/// # Errors
/// When the database does not answer.
pub async fn fill(store: &Store, input: &SnapshotInput) -> core_store::Result<usize> {
    let directories: HashMap<GroupId, &GroupInput> =
        input.groups.iter().map(|group| (group.id, group)).collect();
    let tenants = input.tenants.iter().map(|one| {
        let tenant = Tenant {
            id: one.id,
            name: one.name.clone(),
            clients: Vec::new(),
            domains: Vec::new(),
            time_zone: one.zone.clone(),
            operator: false,
            suspended: false,
        };
        tenant.row()
    });
    let computers = input.computers.iter().flat_map(|one| [computer(one).row(), agent(one).row()]);
    let persons = input.persons.iter().map(|one| person(one).row());
    let groups = input.groups.iter().map(|one| group(one).row());
    let members = input.groups.iter().flat_map(|one| memberships(one, &directories));
    let sales = input.products.iter().map(Entity::row);
    let sales = sales.chain(input.lines.iter().map(Entity::row));
    let all = tenants.chain(persons).chain(computers).chain(groups).chain(members).chain(sales);
    let mut written = 0;
    let mut upserts = Vec::with_capacity(AT_ONCE);
    for row in all {
        upserts.push(row);
        if upserts.len() == AT_ONCE {
            written += apply(store, std::mem::take(&mut upserts)).await?;
        }
    }
    Ok(written + apply(store, upserts).await?)
}

async fn apply(store: &Store, upserts: Vec<EntityRow>) -> core_store::Result<usize> {
    let (many, now_us) = (upserts.len(), crate::estate::now().timestamp_micros());
    let (removals, cause, cursors) = (Vec::new(), &Cause::Run, &[][..]);
    store.apply(ModelChange { upserts, removals, cause, cursors, now_us }).await?;
    Ok(many)
}

fn agent_id(one: &ComputerInput) -> AgentId {
    AgentId::of_text(&one.name, 0)
}

fn os(one: &ComputerInput) -> Option<String> {
    one.facts.iter().find_map(|(name, fact)| match fact {
        Fact::Text(text) if &**name == "os" => Some(text.to_string()),
        _ => None,
    })
}

fn computer(one: &ComputerInput) -> Computer {
    let primary = |person| Primary { person, reason: PrimaryReason::Most { times: 8, of: 10 } };
    Computer {
        id: one.id,
        tenant: one.tenant,
        name: one.name.to_string(),
        agents: vec![agent_id(one)],
        uuids: Vec::new(),
        serial: Some(format!("SN{}", one.name)),
        manufacturer: Some("Dell Inc.".to_owned()),
        model: Some("Latitude 5450".to_owned()),
        os: os(one),
        role: one.role,
        chassis: one.chassis,
        directory_device: None,
        assets: Vec::new(),
        onboarding: Onboarding::Done,
        flags: Vec::new(),
        wipes: Vec::new(),
        logons: Vec::new(),
        primary: one.primary.map(primary),
        pin: None,
        gone: false,
    }
}

fn agent(one: &ComputerInput) -> Agent {
    let mut groups = one.agents.iter().flat_map(|agent| &agent.groups);
    Agent {
        id: agent_id(one),
        connection: "rmm".to_owned(),
        scope: String::new(),
        key: one.name.to_string(),
        host: one.name.to_string(),
        client: None,
        tenant: Some(one.tenant),
        computer: Some(one.id),
        state: AgentState::Matched,
        rule: Some(Rule::R8),
        why: String::new(),
        evidence: core_model::entity::Evidence::default(),
        runs_scripts: true,
        os: os(one),
        os_version: Some("10.0.26100".to_owned()),
        domain: None,
        location: groups.next().map(|(_, key)| key.to_string()),
        properties: Vec::new(),
        decision: None,
        gone: false,
    }
}

fn person(one: &PersonInput) -> Person {
    Person {
        id: one.id,
        tenant: one.tenant,
        connection: one.directory.connection.to_string(),
        directory: one.directory.id.to_string(),
        directory_id: one.id.to_string(),
        upn: format!("{}@example.com", one.name.replace(' ', ".")),
        earlier_upns: Vec::new(),
        display_name: one.name.to_string(),
        mail: None,
        addresses: Vec::new(),
        on_premises: None,
        department: Some("Sales".to_owned()),
        job_title: None,
        account: AccountKind::Member,
        disabled: false,
        gone: false,
        gone_since: None,
    }
}

fn group(one: &GroupInput) -> Group {
    Group {
        id: one.id,
        tenant: one.tenant,
        connection: one.directory.connection.to_string(),
        directory: one.directory.id.to_string(),
        directory_id: one.id.to_string(),
        name: one.name.clone(),
        group_type: GroupType::Security,
        dynamic: false,
        on_premises: false,
        gone: false,
    }
}

fn memberships<'a>(
    group: &'a GroupInput,
    known: &'a HashMap<GroupId, &'a GroupInput>,
) -> impl Iterator<Item = EntityRow> + 'a {
    group.members.iter().filter_map(move |member| {
        let (member_kind, member) = match member {
            Member::Person(person) => (MemberKind::Person, person.to_string()),
            Member::Group(inner) => (MemberKind::Group, known.get(inner)?.id.to_string()),
            Member::Device(_) => return None,
        };
        let membership = Membership {
            id: MembershipId::of_text(&format!("{}/{member}", group.id), 0),
            tenant: group.tenant,
            connection: group.directory.connection.to_string(),
            directory: group.directory.id.to_string(),
            group: group.id.to_string(),
            member_kind,
            member,
            gone: false,
        };
        Some(membership.row())
    })
}
