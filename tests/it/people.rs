//! Who uses a computer, as far as it takes the whole product to tell: what a human pinned, and UPNs
//! that go from one to the next.

use anyhow::{Context, Result, ensure};
use core_model::decision::Settled;
use core_model::entity::{Computer, Person, Pin, PrimaryReason};
use core_model::id::PersonId;
use core_model::{RecordKind, RecordRef};
use core_sync::Hub;
use mocks::world::{Account, World};
use tests::{Estate, databases};

use crate::support::{ensure_verified, paging_hub, sync_whole, with_world};

async fn computers(hub: &Hub) -> Result<Vec<Computer>> {
    hub.all().await.context("the computers")
}

async fn computer(hub: &Hub, like: &Computer) -> Result<Computer> {
    let found = computers(hub).await?.into_iter().find(|computer| computer.id == like.id);
    found.context("the computer is gone")
}

fn primary(computer: &Computer) -> Option<PersonId> {
    computer.primary.as_ref().map(|primary| primary.person)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn u11_a_pin_to_somebody_unknown_is_told_and_the_logons_decide() -> Result<()> {
    let estate = Estate::of(60, 91).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let used = computers(&hub).await?.into_iter().find(|c| c.primary.is_some());
    let used = used.context("nobody uses any computer")?;
    let persons: Vec<Person> = hub.all().await?;
    let of_tenant = |person: &&Person| person.tenant == used.tenant && !person.gone;
    let other = persons.iter().filter(of_tenant).find(|person| Some(person.id) != primary(&used));
    let other = other.context("there is nobody else")?;
    let agents: Vec<core_model::entity::Agent> = hub.all().await?;
    let agent = agents.iter().find(|agent| used.agents.contains(&agent.id)).context("no agent")?;
    let agent = RecordRef::new(&agent.connection, RecordKind::Agent, &agent.scope, &agent.key);
    let person =
        |key: &str| RecordRef::new(&other.connection, RecordKind::Person, &other.directory, key);
    let pin = async |person: Option<RecordRef>| {
        let settled = Settled::PinPrimary { agent: agent.clone(), person };
        hub.store.add_decision(&settled, "a technician", hub.clock.now_us()).await?;
        hub.derive().await?;
        computer(&hub, &used).await
    };

    let stranger = person("11111111-2222-3333-4444-555555555555");
    let found = pin(Some(stranger.clone())).await?;
    ensure!(found.pin == Some(Pin::Unknown { record: stranger.to_string() }), "{found:#?}");
    ensure!(found.primary == used.primary, "nobody chose that nobody uses it: {found:#?}");
    ensure_verified(&hub).await?;

    let found = pin(Some(person(&other.directory_id))).await?;
    ensure!(primary(&found) == Some(other.id), "{found:#?}");
    let reason = found.primary.as_ref().map(|primary| &primary.reason);
    ensure!(reason == Some(&PrimaryReason::Pinned), "{found:#?}");

    let found = pin(None).await?;
    ensure!(found.primary.is_none() && found.pin == Some(Pin::Nobody), "{found:#?}");
    ensure_verified(&hub).await
}

/// Gives the UPN of somebody who uses an online computer to a colleague, and him another one. His
/// object id, the colleague's, and the UPN.
fn give_upn_away(world: &mut World) -> Option<(String, String, String)> {
    let user = world.machines.iter().filter(|m| m.online && m.wiped.is_empty()).find_map(|m| {
        let user = m.user?;
        let person = &world.persons[user];
        (person.tenant == m.tenant && person.account == Account::Member).then_some(user)
    })?;
    let (tenant, directory) = (world.persons[user].tenant, world.persons[user].directory);
    let heir = (0..world.persons.len()).find(|&no| {
        let person = &world.persons[no];
        no != user
            && (person.tenant, person.directory) == (tenant, directory)
            && person.account == Account::Member
            && person.mark.gone.is_none()
    })?;
    world.version += 1;
    let (version, now) = (world.version, world.now());
    let upn = world.persons[user].upn.clone();
    for (no, upn) in [(user, format!("renamed.{upn}")), (heir, upn.clone())] {
        let person = &mut world.persons[no];
        let before = std::mem::replace(&mut person.upn, upn);
        person.earlier_upns.push(before);
        (person.mark.changed, person.mark.modified) = (version, now);
    }
    let id = |no: usize| world.persons[no].id.to_string();
    Some((id(user), id(heir), upn))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_re_used_upn_takes_no_logons_away_from_who_had_it() -> Result<()> {
    let estate = Estate::of(60, 92).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let before = computers(&hub).await?;
    let (user, heir, upn) = with_world(&estate, give_upn_away).context("nobody")?;
    sync_whole(&hub).await?;

    let persons: Vec<Person> = hub.all().await?;
    let of = |id: &str| persons.iter().find(|person| person.directory_id == id).context("nobody");
    let (user, heir) = (of(&user)?, of(&heir)?);
    ensure!(heir.upn.eq_ignore_ascii_case(&upn), "{heir:#?}");
    let [.., earlier] = &user.earlier_upns[..] else { anyhow::bail!("{user:#?}") };
    ensure!(earlier.upn == upn.to_lowercase(), "{user:#?}");
    let used = before.iter().filter(|computer| primary(computer) == Some(user.id));
    let used: Vec<&Computer> = used.collect();
    ensure!(!used.is_empty(), "he was nobody's user");
    for used in used {
        let now = computer(&hub, used).await?;
        ensure!(primary(&now) == Some(user.id), "{now:#?}");
        let read = |logon: &&core_model::entity::LogonSeen| {
            logon.account == earlier.upn && logon.at < earlier.until
        };
        let old: Vec<_> = now.logons.iter().filter(read).collect();
        ensure!(old.iter().all(|logon| logon.person == Some(user.id)), "{now:#?}");
    }
    ensure_verified(&hub).await
}
