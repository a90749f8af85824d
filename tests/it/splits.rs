//! A directory that serves several tenants: people, and the machines they are enrolled with, belong
//! to the tenant that the split names; groups hold people of all of them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use core_derive::DomainSplit;
use core_model::entity::{Agent, Group, Membership, Person, Tenant};
use core_model::facts::MemberKind;
use core_model::id::TenantId;
use core_sync::Hub;
use mocks::world::{IntuneDevice, PersonNo, World};
use tests::{Estate, databases};
use uuid::Uuid;

use crate::support::{ensure_verified, hub_with, paging_hub, sync_whole, with_world};

/// Devices that Intune has in a directory of two tenants.
struct Enrolled {
    /// With the Automate agent of the same machine: the lodger's.
    lodgers: Vec<(String, String)>,
    /// Nobody's.
    nobodys: String,
    /// Somebody of the directory's first tenant.
    host: PersonNo,
}

/// Enrols machines of the tenant that has only a part of its directory.
fn enrol(world: &mut World) -> Option<Enrolled> {
    let shared = world.directories.iter().position(|d| d.tenants.len() > 1)?;
    world.directories[shared].intune = true;
    let [first, lodger] = world.directories[shared].tenants[..] else { return None };
    world.intune_devices.retain(|device| device.directory != shared);
    let of_lodger = |person: PersonNo, world: &World| world.persons[person].tenant == lodger;
    let machines: Vec<usize> = (0..world.machines.len())
        .filter(|&no| {
            let machine = &world.machines[no];
            machine.tenant == lodger
                && machine.automate_row.is_some()
                && machine.wiped.is_empty()
                && machine.online
                && machine.user.is_some_and(|user| of_lodger(user, world))
                && ["Dell Inc.", "HP", "LENOVO"].contains(&machine.manufacturer.as_str())
        })
        .take(3)
        .collect();
    let model = world.intune_devices.first()?.clone();
    let mut lodgers = Vec::new();
    let push = |world: &mut World, machine: usize, person: Option<PersonNo>| {
        let number = u128::try_from(world.intune_devices.len()).unwrap_or_default();
        let id = Uuid::from_u128(0xabcd_0000 + number);
        let of = &world.machines[machine];
        let (host, serial) = (of.host.clone(), of.serial.clone());
        let device_id = Uuid::nil();
        let device = IntuneDevice {
            directory: shared,
            machine,
            id,
            device_id,
            host,
            serial,
            person,
            ..model.clone()
        };
        world.intune_devices.push(device);
        id.to_string()
    };
    for &machine in &machines {
        let device = push(world, machine, world.machines[machine].user);
        let agent = world.automate.computers[world.machines[machine].automate_row?].id.to_string();
        lodgers.push((device, agent));
    }
    let nobodys = push(world, *machines.first()?, None);
    let host = world.persons.iter().position(|p| p.tenant == first && p.directory == shared)?;
    Some(Enrolled { lodgers, nobodys, host })
}

async fn agents(hub: &Hub) -> Result<BTreeMap<String, Agent>> {
    let agents: Vec<Agent> = hub.all().await?;
    Ok(agents.into_iter().map(|agent| (agent.key.clone(), agent)).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_of_a_shared_directory_is_of_its_users_tenant() -> Result<()> {
    let estate = Estate::of(400, 83).await?;
    let enrolled = with_world(&estate, enrol).context("no directory is shared")?;
    ensure!(!enrolled.lodgers.is_empty(), "the lodger has no machine to enrol");
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let found = agents(&hub).await?;
    let of = |key: &str| found.get(key).with_context(|| format!("there is no agent {key}"));
    for (device, agent) in &enrolled.lodgers {
        let (device, agent) = (of(device)?, of(agent)?);
        ensure!(device.tenant == agent.tenant, "{device:#?}\n{agent:#?}");
        ensure!(device.computer.is_some() && device.computer == agent.computer, "{device:#?}");
    }
    let lodger = of(&enrolled.lodgers[0].0)?.tenant;
    let nobodys = of(&enrolled.nobodys)?.tenant;
    ensure!(nobodys.is_some() && nobodys != lodger, "without a user it stays with the first");
    ensure_verified(&hub).await?;

    // Somebody of the first tenant takes the machine over, and the device goes with him.
    let moved = &enrolled.lodgers[0].0;
    with_world(&estate, |world| {
        world.version += 1;
        let (version, now) = (world.version, world.now());
        let device = world.intune_devices.iter_mut().find(|d| d.id.to_string() == *moved)?;
        device.person = Some(enrolled.host);
        (device.mark.changed, device.mark.modified) = (version, now);
        Some(())
    })
    .context("the device is gone")?;
    sync_whole(&hub).await?;
    ensure!(agents(&hub).await?[moved].tenant == nobodys, "it is the first tenant's now");
    ensure_verified(&hub).await?;
    Ok(())
}

/// Everybody in a group, through nested ones, by what the model has of the directory.
fn members(group: &str, within: &BTreeMap<&str, Vec<&Membership>>) -> BTreeSet<String> {
    let (mut people, mut seen) = (BTreeSet::new(), BTreeSet::new());
    let mut open = vec![group.to_owned()];
    while let Some(group) = open.pop() {
        if !seen.insert(group.clone()) {
            continue;
        }
        for one in within.get(group.as_str()).into_iter().flatten() {
            match one.member_kind {
                MemberKind::Person => {
                    people.insert(one.member.clone());
                }
                MemberKind::Group => open.push(one.member.clone()),
                MemberKind::Device | MemberKind::Other => {}
            }
        }
    }
    people
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_of_a_shared_directory_has_people_of_all_its_tenants() -> Result<()> {
    let estate = Estate::of(400, 83).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let truth = estate.truth();
    let split = truth.tenants.iter().find_map(|tenant| tenant.domain_split.clone());
    let shared = split.context("no directory is shared")?.0.to_string();
    let persons: Vec<Person> = hub.all().await?;
    let tenant_of: BTreeMap<&str, TenantId> = persons
        .iter()
        .filter(|person| person.directory == shared && !person.gone)
        .map(|person| (person.directory_id.as_str(), person.tenant))
        .collect();
    let memberships: Vec<Membership> = hub.all().await?;
    let mut within: BTreeMap<&str, Vec<&Membership>> = BTreeMap::new();
    for one in memberships.iter().filter(|one| one.directory == shared && !one.gone) {
        within.entry(&one.group).or_default().push(one);
    }
    let groups: Vec<Group> = hub.all().await?;
    let mut mixed = 0;
    for wanted in truth.groups.iter().filter(|group| group.directory.to_string() == shared) {
        let id = wanted.id.to_string();
        ensure!(groups.iter().any(|group| group.directory_id == id), "no group {}", wanted.name);
        let people: BTreeSet<String> = members(&id, &within)
            .into_iter()
            .filter(|person| tenant_of.contains_key(person.as_str()))
            .collect();
        let expected: BTreeSet<String> = wanted.persons.iter().map(Uuid::to_string).collect();
        ensure!(people == expected, "{}: {people:?}, not {expected:?}", wanted.name);
        let tenants: BTreeSet<TenantId> =
            people.iter().filter_map(|person| tenant_of.get(person.as_str()).copied()).collect();
        mixed += usize::from(tenants.len() > 1);
    }
    ensure!(mixed > 0, "no group has people of both tenants");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_of_the_operators_own_directory_is_moved_by_a_split() -> Result<()> {
    let estate = Estate::of(60, 83).await?;
    let truth = estate.truth();
    let operator = truth.tenants.iter().find(|tenant| tenant.operator).context("no operator")?;
    let own = operator.clients["azure-ad"][0].clone();
    let other = truth
        .tenants
        .iter()
        .find(|tenant| !tenant.operator && tenant.clients.contains_key("cw-automate"))
        .context("no customer in Automate")?;
    let mut rules = estate.rules();
    rules.tenants.splits.push(DomainSplit {
        directory: own.clone(),
        domains: vec![operator.domain.clone()],
        connection: "cw-automate".to_owned(),
        client: other.clients["cw-automate"][0].clone(),
    });
    let database = databases::sqlite()?;
    let hub = hub_with(&estate, database.open().await?, rules)?;
    sync_whole(&hub).await?;

    let tenants: Vec<Tenant> = hub.all().await?;
    let home = tenants.iter().find(|tenant| tenant.operator).context("no operator in the model")?;
    let persons: Vec<Person> = hub.all().await?;
    let at_home: Vec<&Person> = persons.iter().filter(|one| one.directory == own).collect();
    let in_domain = at_home.iter().filter(|one| one.upn.ends_with(&operator.domain)).count();
    ensure!(in_domain > 0, "nobody of {own} is of {}", operator.domain);
    for person in at_home {
        ensure!(person.tenant == home.id, "{} went to {}", person.upn, person.tenant);
    }
    ensure_verified(&hub).await
}
