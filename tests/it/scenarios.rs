//! Numbered scenarios that need the whole product: a vendor that prints something, and the model
//! that comes of it.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use chrono::{Duration, NaiveDate, Utc};
use core_derive::IdentificationMode;
use core_model::decision::Settled;
use core_model::entity::{
    Agent, AgentState, AgreementLine, Choice, Computer, Question, Rule, Subject,
};
use core_model::{RecordKind, RecordRef};
use core_sync::{Hub, SyncOptions};
use mocks::estate::{Change, Pick};
use mocks::world::World;
use tests::Estate;
use tests::databases;

use crate::support::{
    change, ensure_same, ensure_verified, hub_with, paging_hub, read_whole, sync_whole, view,
    with_world,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t9_a_contract_date_at_midnight_utc_lands_as_that_calendar_date() -> Result<()> {
    let estate = Estate::of(60, 71).await?;
    let last = NaiveDate::from_ymd_opt(2126, 12, 31).context("no date")?;
    // A line in force of a tenant west of Greenwich.
    let (line, contract) = with_world(&estate, |world| {
        let truth = mocks::truth::truth(world, world.now());
        let line = truth.agreement_lines.iter().find(|line| line.tenant != 0)?;
        world.tenants[line.tenant].time_zone = "America/Chicago".to_owned();
        let sites = world.halo.sites.iter_mut().filter(|site| site.client == line.client);
        sites.for_each(|site| site.time_zone = Some("America/Chicago".to_owned()));
        let contract = world.halo.contracts.iter_mut().find(|c| c.id == line.contract)?;
        contract.end = Some(last);
        let lines = world.halo.invoices.iter_mut().flat_map(|invoice| &mut invoice.lines);
        lines.filter(|row| row.id == line.id).for_each(|row| row.end = None);
        Some((line.id.to_string(), line.contract.to_string()))
    })
    .context("no line is in force")?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;

    let record = RecordRef::new("halopsa", RecordKind::Agreement, "", &contract);
    let printed = hub.store.payload(&record).await?.context("no such agreement")?;
    ensure!(printed.contains("2126-12-31T00:00:00"), "the vendor prints a bare date: {printed}");
    let agreements: Vec<core_model::entity::Agreement> = hub.all().await?;
    let agreement = agreements.iter().find(|a| a.key == contract).context("not in the model")?;
    ensure!(agreement.dates.end == Some(last), "{agreement:?}");
    let lines: Vec<AgreementLine> = hub.all().await?;
    ensure!(lines.iter().any(|found| found.key == line), "the line is not in the model");
    // The 31st lasts until six in the morning of the 1st by UTC.
    for (at, in_force) in [("2127-01-01T05:59:00Z", true), ("2127-01-01T06:00:00Z", false)] {
        let view = view(&hub, at.parse()?).await?;
        let found = view.lines.iter().any(|(key, ..)| *key == line);
        ensure!(found == in_force, "{at}: {found}");
    }
    Ok(())
}

/// What somebody at another tenant registers: an agent that says it is a machine of the first one.
struct Takeover {
    /// Key of the agent that was there first.
    first: String,
    /// Key of the newcomer.
    newcomer: String,
}

/// Registers the machine of an Automate agent with another tenant, as an agent of its own.
fn register_elsewhere(world: &mut World, silent_days: i64) -> Option<Takeover> {
    let now = world.now();
    let automate = &world.automate;
    let (row, agent) = automate.computers.iter().enumerate().find(|(_, agent)| {
        let machine = &world.machines[agent.machine];
        let plain = machine.uuid_quirk == mocks::world::UuidQuirk::Right
            && machine.wiped.is_empty()
            && machine.earlier_uuids.is_empty()
            && machine.manufacturer == "Dell Inc.";
        let alone = machine.control_row.is_none() && machine.entra_row.is_none();
        let only = automate.computers.iter().filter(|c| c.machine == agent.machine).count() == 1;
        plain
            && alone
            && only
            && agent.current
            && machine.online
            && agent.uuid.is_some()
            && machine.user.is_some()
    })?;
    let mut copy = agent.clone();
    let owner = world.machines[agent.machine].tenant;
    let client = automate
        .clients
        .iter()
        .find(|client| client.tenant.is_some_and(|tenant| tenant != owner && tenant != 0))?;
    let location = automate.locations.iter().find(|location| location.client == client.id)?;
    let mut machine = world.machines[agent.machine].clone();
    machine.tenant = client.tenant?;
    (machine.user, machine.automate_row) = (None, Some(automate.computers.len()));
    copy.id = automate.computers.iter().map(|agent| agent.id).max()? + 1;
    (copy.client, copy.location) = (client.id, location.id);
    (copy.machine, copy.added) = (world.machines.len(), now);
    world.version += 1;
    (copy.mark.born, copy.mark.changed) = (world.version, world.version);
    (copy.mark.created, copy.mark.modified) = (now, now);
    if silent_days > 0 {
        let old = world.automate.computers[row].machine;
        world.machines[old].online = false;
        let agent = &mut world.automate.computers[row];
        agent.last_contact = now - Duration::days(silent_days);
        agent.added = now - Duration::days(silent_days + 300);
    }
    let takeover = Takeover {
        first: world.automate.computers[row].id.to_string(),
        newcomer: copy.id.to_string(),
    };
    world.machines.push(machine);
    world.automate.computers.push(copy);
    Some(takeover)
}

async fn automate_agent(hub: &Hub, key: &str) -> Result<Agent> {
    let agents: Vec<Agent> = hub.all().await?;
    let of = |agent: &Agent| agent.connection == "cw-automate" && agent.key == key;
    agents.into_iter().find(of).with_context(|| format!("there is no agent {key}"))
}

async fn computer_of(hub: &Hub, agent: &Agent) -> Result<Computer> {
    let computers: Vec<Computer> = hub.all().await?;
    let found = computers.into_iter().find(|computer| Some(computer.id) == agent.computer);
    found.with_context(|| format!("{} has no computer", agent.host))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i16_a_takeover_is_refused_and_nothing_of_the_victim_is_shown() -> Result<()> {
    let estate = Estate::of(200, 72).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let before = view(&hub, Utc::now()).await?;
    let takeover = with_world(&estate, |world| register_elsewhere(world, 0)).context("nobody")?;
    let victim = automate_agent(&hub, &takeover.first).await?;
    let computer = computer_of(&hub, &victim).await?;

    sync_whole(&hub).await?;
    let newcomer = automate_agent(&hub, &takeover.newcomer).await?;
    ensure!(newcomer.state == AgentState::Refused, "{newcomer:#?}");
    ensure!(newcomer.rule == Some(Rule::R5) && newcomer.computer.is_none(), "{newcomer:#?}");
    ensure!(newcomer.tenant != victim.tenant, "{newcomer:#?}");
    let shown = serde_json::to_string(&newcomer)?;
    for secret in [computer.id.to_string(), computer.tenant.to_string(), victim.id.to_string()] {
        ensure!(!shown.contains(&secret), "{secret} is shown: {shown}");
    }
    let same = automate_agent(&hub, &takeover.first).await?;
    ensure!(same == victim, "{victim:#?} became {same:#?}");
    let now = computer_of(&hub, &same).await?;
    ensure!(now.agents == computer.agents && now.primary == computer.primary, "{now:#?}");
    let mut after = view(&hub, Utc::now()).await?;
    after.undecided.retain(|agent| agent.1 != takeover.newcomer);
    ensure_same(&before, &after, "everything else")?;
    ensure_verified(&hub).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i17_a_machine_silent_for_a_week_elsewhere_may_have_moved_and_a_human_says_so() -> Result<()>
{
    let estate = Estate::of(200, 73).await?;
    let takeover = with_world(&estate, |world| register_elsewhere(world, 8)).context("nobody")?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let newcomer = automate_agent(&hub, &takeover.newcomer).await?;
    ensure!(newcomer.state == AgentState::Undecided, "{newcomer:#?}");
    let questions: Vec<Question> = hub.all().await?;
    let question = questions.iter().find(|question| Some(question.id) == newcomer.decision);
    let question = question.context("nobody is asked")?;
    ensure!(question.subject == Subject::Moved && Some(question.tenant) == newcomer.tenant);
    ensure!(question.choices.contains(&Choice::Moved), "{question:#?}");

    let agent = RecordRef::new("cw-automate", RecordKind::Agent, "", &takeover.newcomer);
    let moved = Settled::Agents { agent, with: None, choice: Choice::Moved };
    hub.store.add_decision(&moved, "somebody with rights in both", hub.clock.now_us()).await?;
    hub.derive().await?;
    let newcomer = automate_agent(&hub, &takeover.newcomer).await?;
    let computer = computer_of(&hub, &newcomer).await?;
    ensure!(Some(computer.tenant) == newcomer.tenant, "{computer:#?}");
    ensure!(computer.primary.is_none() && computer.logons.iter().all(|l| l.person.is_none()));
    let old = automate_agent(&hub, &takeover.first).await?;
    let left = computer_of(&hub, &old).await?;
    ensure!(left.id != computer.id && left.tenant != computer.tenant, "{left:#?}");
    let open: Vec<Question> = hub.all().await?;
    ensure!(open.iter().all(|question| question.agent != newcomer.id), "still asked");
    ensure_verified(&hub).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i17_agents_that_are_put_under_another_client_take_their_computer_along() -> Result<()> {
    let estate = Estate::of(200, 74).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let before = hub.all::<Computer>().await?.len();
    let (machine, agents) = move_somebody(&estate)?;
    sync_whole(&hub).await?;
    ensure_verified(&hub).await?;
    let tenant = with_world(&estate, |world| world.machines[machine].tenant);
    let mut tenants = BTreeSet::new();
    for key in agents {
        let agent = automate_agent(&hub, &key).await?;
        let computer = computer_of(&hub, &agent).await?;
        ensure!(Some(computer.tenant) == agent.tenant, "{agent:#?} {computer:#?}");
        ensure!(computer.primary.is_none(), "his old primary person went along: {computer:#?}");
        tenants.insert(computer.tenant);
    }
    ensure!(tenants.len() == 1, "machine {machine} of tenant {tenant} is torn");
    ensure!(hub.all::<Computer>().await?.len() == before, "a computer was made or lost");
    let score = estate.score(&hub).await?;
    let computers = &score.computers;
    ensure!(computers.false_merges + computers.missed_merges == 0, "{score:#?}");
    Ok(())
}

/// Moves a used machine that is in Automate only to another tenant; gives its agents.
fn move_somebody(estate: &Estate) -> Result<(usize, Vec<String>)> {
    let (machines, tenants) = with_world(estate, |world| {
        let fits = |no: &usize| {
            let machine = &world.machines[*no];
            machine.automate_row.is_some()
                && machine.control_row.is_none()
                && machine.entra_row.is_none()
                && machine.user.is_some()
                && machine.online
                && machine.mark.gone.is_none()
        };
        ((0..world.machines.len()).filter(fits).collect::<Vec<_>>(), world.tenants.len())
    });
    for machine in machines {
        for tenant in 1..tenants {
            let there = Change::Move { machine: Pick::No(machine), tenant: Pick::No(tenant) };
            if change(estate, &there).is_ok() {
                let agents = with_world(estate, |world| {
                    let rows = world.automate.computers.iter().filter(|c| c.machine == machine);
                    rows.filter(|c| c.mark.gone.is_none()).map(|c| c.id.to_string()).collect()
                });
                return Ok((machine, agents));
            }
        }
    }
    bail!("no machine can be moved")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i24_log_mode_joins_nothing_and_says_what_it_would_have_done() -> Result<()> {
    let estate = Estate::of(1_000, 75).await?;
    let enforced = databases::sqlite()?;
    let hub = paging_hub(&estate, enforced.open().await?)?;
    sync_whole(&hub).await?;
    let joined = joins(&hub.all().await?);

    let database = databases::sqlite()?;
    let mut rules = estate.rules();
    rules.identification.mode = IdentificationMode::Log;
    let hub = hub_with(&estate, database.open().await?, rules)?;
    sync_whole(&hub).await?;
    let agents: Vec<Agent> = hub.all().await?;
    let computers: Vec<Computer> = hub.all().await?;
    ensure!(computers.iter().all(|computer| computer.agents.len() == 1), "something was joined");
    ensure!(hub.all::<Question>().await?.is_empty(), "somebody is asked");
    let would: BTreeMap<String, usize> = counted(agents.iter().filter_map(|agent| {
        let (_, said) = agent.why.split_once("log mode, else ")?;
        said.split_once(": ").map(|(rule, _)| rule.to_owned()).filter(|rule| rule.starts_with('R'))
    }));
    ensure!(joined.values().sum::<usize>() > 300, "{joined:?}");
    ensure!(would == joined, "it says {would:?}, and enforcing does {joined:?}");
    ensure_verified(&hub).await
}

/// How many agents each rule put on the computer of another, or refused.
fn joins(agents: &[Agent]) -> BTreeMap<String, usize> {
    counted(agents.iter().filter_map(|agent| {
        let rule = agent.rule.filter(|_| agent.state != AgentState::Undecided)?;
        (!matches!(rule, Rule::R8 | Rule::R4c)).then(|| format!("{rule:?}"))
    }))
}

fn counted(names: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn i25_a_split_gives_back_what_was_joined_and_survives_every_sync() -> Result<()> {
    let estate = Estate::of(200, 76).await?;
    let database = databases::sqlite()?;
    let hub = paging_hub(&estate, database.open().await?)?;
    sync_whole(&hub).await?;
    let at = Utc::now();
    let before = view(&hub, at).await?;
    let (computer, pair) = two_agents(&hub).await?;
    let record = |agent: &Agent| {
        RecordRef::new(&agent.connection, RecordKind::Agent, &agent.scope, &agent.key)
    };
    let settle =
        |choice| Settled::Agents { agent: record(&pair[0]), with: Some(record(&pair[1])), choice };
    let by = "somebody who looked";
    hub.store.add_decision(&settle(Choice::TwoMachines), by, hub.clock.now_us()).await?;
    hub.derive().await?;
    ensure_split(&hub, &pair).await.context("after the split")?;
    // The machine was asked through one of the two; the other one is asked now.
    sync_whole(&hub).await?;
    let split = view(&hub, at).await?;
    ensure!(split.computers.len() == before.computers.len() + 1, "{}", split.computers.len());

    let full = SyncOptions { full: true, ..SyncOptions::default() };
    read_whole(&hub, &full).await?;
    hub.rebuild().await?;
    ensure_split(&hub, &pair).await.context("after a full sync and a rebuild")?;
    ensure_same(&split, &view(&hub, at).await?, "the split model")?;
    let decision = hub.store.decisions().await?.pop().context("the decision is lost")?;
    ensure!(decision.by == by, "{decision:?}");

    hub.store.add_decision(&settle(Choice::SameMachine), by, hub.clock.now_us()).await?;
    hub.derive().await?;
    let computers: Vec<Computer> = hub.all().await?;
    let again = computers.iter().find(|c| c.id == computer.id).context("another id")?;
    let agents = |computer: &Computer| computer.agents.iter().copied().collect::<BTreeSet<_>>();
    ensure!(agents(again) == agents(&computer), "{again:#?}");
    let person = |computer: &Computer| computer.primary.as_ref().map(|primary| primary.person);
    ensure!(person(again) == person(&computer), "{again:#?}");
    ensure_same(&before, &view(&hub, at).await?, "joined again")?;
    ensure_verified(&hub).await
}

/// A computer with exactly one agent of Automate and one of Control.
async fn two_agents(hub: &Hub) -> Result<(Computer, [Agent; 2])> {
    let agents: Vec<Agent> = hub.all().await?;
    for computer in hub.all::<Computer>().await? {
        let of: Vec<&Agent> = agents.iter().filter(|a| a.computer == Some(computer.id)).collect();
        if let [a, b] = of[..]
            && a.connection != b.connection
            && a.connection != "azure-ad"
            && b.connection != "azure-ad"
            && computer.primary.is_some()
        {
            let pair = [a.clone(), b.clone()];
            return Ok((computer, pair));
        }
    }
    bail!("no computer has two agents")
}

async fn ensure_split(hub: &Hub, pair: &[Agent; 2]) -> Result<()> {
    let computers: Vec<Computer> = hub.all().await?;
    let mut ids = BTreeSet::new();
    for agent in pair {
        let of = computers.iter().filter(|computer| computer.agents.contains(&agent.id));
        let of: Vec<&Computer> = of.collect();
        let [computer] = of[..] else { bail!("{} is on {} computers", agent.host, of.len()) };
        ensure!(computer.agents == [agent.id], "{computer:#?}");
        let source = |logon: &core_model::entity::LogonSeen| {
            logon.source == agent.connection || !logon.source.starts_with("cw-")
        };
        ensure!(computer.logons.iter().all(source), "logons of another: {computer:#?}");
        ids.insert(computer.id);
    }
    ensure!(ids.len() == 2, "one computer");
    ensure_verified(hub).await
}
