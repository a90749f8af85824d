//! Accounts of Windows domains that no directory tells (`CORP\ann`): a domain controller of the tenant
//! is asked, and nothing is concluded where none answers.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use core_model::entity::{Agent, Computer, LogonSeen};
use core_sync::{Hub, SyncOptions};
use mocks::estate::{Change, Pick};
use mocks::world::{MachineKind, MachineNo, Options, TenantNo, World};
use tests::{Estate, databases};

use crate::support::{
    both_databases, change, ensure_verified, paging_hub, seeds, sync_whole, with_world,
};

/// Half of its customers are in a domain of their own, without a directory.
async fn estate(seed: u64) -> Result<Estate> {
    let options = Options {
        computers: 160,
        tenants: Some(6),
        without_directory: 0.5,
        unsynced_domains: 1.0,
        offline: 0.2,
        command_latency_ms: (1, 5),
        seed,
        ..Options::default()
    };
    Estate::serve(&options).await
}

/// The tenants with such a domain, each with its domain controller.
fn controllers(world: &World) -> BTreeMap<TenantNo, MachineNo> {
    let ours = |no: &TenantNo| world.tenants[*no].windows_domain.is_some();
    let machines = world.machines.iter().enumerate();
    let all = machines.filter(|(_, machine)| machine.kind == MachineKind::DomainController);
    all.map(|(no, machine)| (machine.tenant, no)).filter(|(tenant, _)| ours(tenant)).collect()
}

fn power(estate: &Estate, on: bool) -> Result<()> {
    for machine in with_world(estate, |world| controllers(world)).into_values() {
        change(estate, &Change::Power { machine: Pick::No(machine), on })?;
    }
    Ok(())
}

fn connect_directories(estate: &Estate) -> Result<()> {
    for tenant in with_world(estate, |world| controllers(world)).into_keys() {
        change(estate, &Change::ConnectDirectory { tenant: Pick::No(tenant) })?;
    }
    Ok(())
}

/// A computer of such a tenant: the UPN of its user, and his id in the directory.
struct Used {
    computer: Computer,
    upn: String,
    person: String,
}

impl Used {
    /// The logons by the account of the domain.
    fn logons(&self) -> impl Iterator<Item = &LogonSeen> {
        self.computer.logons.iter().filter(|logon| logon.account.contains('\\'))
    }
}

/// The hub's computers of these tenants that somebody is known to have logged on to, in truth by one
/// person each.
async fn used(estate: &Estate, hub: &Hub) -> Result<Vec<Used>> {
    let agents: Vec<Agent> = hub.all().await?;
    let mut computers: BTreeMap<(String, String), Computer> = BTreeMap::new();
    for computer in hub.all::<Computer>().await? {
        for agent in agents.iter().filter(|agent| computer.agents.contains(&agent.id)) {
            computers.insert((agent.connection.clone(), agent.key.clone()), computer.clone());
        }
    }
    let truth = estate.truth();
    let found = with_world(estate, |world| {
        let tenants = controllers(world);
        let mut found = Vec::new();
        for one in truth.computers.iter().filter(|one| tenants.contains_key(&one.tenant)) {
            let machine = &world.machines[one.no];
            let (Some(user), true) = (machine.user, one.troubles.iter().all(|t| t == "offline"))
            else {
                continue;
            };
            let of = |agent: &mocks::truth::Agent| {
                computers.get(&(agent.kind.clone(), agent.id.clone())).cloned()
            };
            if let Some(computer) = one.agents.iter().find_map(of) {
                let person = &world.persons[user];
                let (upn, person) = (person.upn.to_lowercase(), person.id.to_string());
                found.push(Used { computer, upn, person });
            }
        }
        found
    });
    let seen: Vec<Used> = found.into_iter().filter(|one| one.logons().next().is_some()).collect();
    ensure!(seen.len() > 20, "{} computers are too few to tell", seen.len());
    Ok(seen)
}

/// The directory's id of each computer's primary person.
async fn primaries(hub: &Hub, used: &[Used]) -> Result<Vec<Option<String>>> {
    let persons: Vec<core_model::entity::Person> = hub.all().await?;
    let ids: BTreeMap<_, _> =
        persons.iter().map(|person| (person.id, person.directory_id.clone())).collect();
    let of = |one: &Used| ids.get(&one.computer.primary.as_ref()?.person).cloned();
    Ok(used.iter().map(of).collect())
}

async fn ensure_right(estate: &Estate, hub: &Hub) -> Result<()> {
    let used = used(estate, hub).await?;
    for (one, primary) in used.iter().zip(primaries(hub, &used).await?) {
        ensure!(primary.as_ref() == Some(&one.person), "{primary:?}: {:#?}", one.computer);
    }
    let score = estate.score(hub).await?;
    ensure!(score.primary_person.wrong == 0, "{score:#?}");
    ensure_verified(hub).await
}

/// Everybody is known to be nobody: no UPN, no person.
async fn ensure_unknown(estate: &Estate, hub: &Hub) -> Result<()> {
    for one in used(estate, hub).await? {
        let guessed = one.logons().find(|logon| logon.upn.is_some() || logon.person.is_some());
        ensure!(guessed.is_none() && one.computer.primary.is_none(), "{:#?}", one.computer);
    }
    ensure_verified(hub).await
}

/// Scripts that ask about accounts, that were sent to each machine.
fn asked(estate: &Estate) -> BTreeMap<MachineNo, usize> {
    const QUESTION: &str = "NTAccount";
    with_world(estate, |world| {
        let mut asked = BTreeMap::new();
        let commands = world.automate.commands.values();
        let through =
            commands.filter(|one| one.text.contains(QUESTION)).filter_map(|one| one.machine);
        let sessions = world.control.sessions.iter();
        let queued = sessions.flat_map(|session| {
            let ours = |event: &&mocks::world::ControlEvent| {
                event.kind == 44 && event.data.contains(QUESTION)
            };
            session.events.iter().filter(ours).filter_map(|_| session.machine)
        });
        through.chain(queued).for_each(|machine| *asked.entry(machine).or_default() += 1);
        asked
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u15_a_domain_controller_tells_the_upn_and_who_uses_a_computer_is_right_when_the_person_arrives()
-> Result<()> {
    for seed in seeds([151]) {
        for database in both_databases().await? {
            let estate = estate(seed).await?;
            let hub = paging_hub(&estate, database.open().await?)?;
            sync_whole(&hub).await?;
            // No directory, no person: what the domain told stays.
            for one in used(&estate, &hub).await? {
                let other = one.logons().find(|logon| logon.upn.as_ref() != Some(&one.upn));
                ensure!(other.is_none(), "{} is not told: {:#?}", one.upn, one.computer);
                ensure!(one.computer.primary.is_none(), "{:#?}", one.computer);
            }
            ensure_verified(&hub).await?;
            let sent = asked(&estate);
            let tenants = with_world(&estate, |world| controllers(world));
            let due: BTreeSet<MachineNo> = tenants.values().copied().collect();
            ensure!(sent.keys().copied().collect::<BTreeSet<_>>() == due, "{sent:?}, {due:?}");
            ensure!(sent.values().all(|times| *times == 1), "one script for many: {sent:?}");
            // What is known is not asked again.
            hub.collect().await?;
            ensure!(asked(&estate) == sent, "{:?}", asked(&estate));

            connect_directories(&estate)?;
            hub.sync(&[], &SyncOptions::default()).await?;
            ensure_right(&estate, &hub).await.with_context(|| format!("seed {seed}"))?;
            databases::drop_database(&database).await?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u15_while_no_domain_controller_is_online_nothing_is_guessed_and_it_is_right_when_one_is_back()
-> Result<()> {
    for seed in seeds([152]) {
        let estate = estate(seed).await?;
        let database = databases::sqlite()?;
        // Their people are known, and their accounts are called as their addresses begin.
        connect_directories(&estate)?;
        power(&estate, false)?;
        let hub = paging_hub(&estate, database.open().await?)?;
        sync_whole(&hub).await?;
        ensure_unknown(&estate, &hub).await.with_context(|| format!("seed {seed}"))?;
        ensure!(asked(&estate).is_empty(), "{:?}", asked(&estate));
        power(&estate, true)?;
        sync_whole(&hub).await?;
        ensure_right(&estate, &hub).await.with_context(|| format!("seed {seed}"))?;
        // Gone again: what was told is known all the same.
        power(&estate, false)?;
        sync_whole(&hub).await?;
        ensure_right(&estate, &hub).await?;
    }
    Ok(())
}

/// Every domain is called as the first one, and so is everybody.
fn call_all_alike(world: &mut World) -> Option<()> {
    let tenants: Vec<TenantNo> = controllers(world).into_keys().collect();
    let name = world.tenants[*tenants.first()?].windows_domain.clone()?.1;
    for tenant in tenants {
        world.tenants[tenant].windows_domain.as_mut()?.1.clone_from(&name);
        let here = world.persons.iter_mut().filter(|person| person.tenant == tenant);
        here.enumerate().for_each(|(number, person)| person.sam = Some(format!("user{number}")));
    }
    Some(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u15_what_a_domain_controller_told_of_one_tenant_is_known_of_no_other() -> Result<()> {
    for seed in seeds([153]) {
        let estate = estate(seed).await?;
        with_world(&estate, call_all_alike).context("there is no such tenant")?;
        let of = with_world(&estate, |world| controllers(world));
        ensure!(of.len() > 1, "{of:?}");
        let database = databases::sqlite()?;
        connect_directories(&estate)?;
        power(&estate, false)?;
        let hub = paging_hub(&estate, database.open().await?)?;
        let (first, controller) = of.first_key_value().context("none")?;
        change(&estate, &Change::Power { machine: Pick::No(*controller), on: true })?;
        sync_whole(&hub).await?;
        let upns = with_world(&estate, |world| {
            let here = world.persons.iter().filter(|person| person.tenant == *first);
            here.map(|person| person.upn.to_lowercase()).collect::<BTreeSet<String>>()
        });
        let used = used(&estate, &hub).await?;
        for (one, primary) in used.iter().zip(primaries(&hub, &used).await?) {
            let told = upns.contains(&one.upn).then(|| one.person.clone());
            ensure!(primary == told, "seed {seed}: {primary:?} {told:?} {:#?}", one.computer);
        }
        power(&estate, true)?;
        sync_whole(&hub).await?;
        ensure_right(&estate, &hub).await.with_context(|| format!("seed {seed}"))?;
    }
    Ok(())
}
