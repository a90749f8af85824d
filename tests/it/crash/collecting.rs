//! Machines are asked by a process that is killed, stopped, or one of two: what it had sent is taken up
//! by the next one, and no machine is sent a second script.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use core_model::entity::Agent;
use core_sync::{CollectOutcome, Hub, SyncOptions};
use mocks::faults::{Fault, Rule, When};
use mocks::vendor::Face;
use mocks::world::{Options, World};
use tests::databases::{self, Database};
use tests::{Estate, rules_of};

use super::{Dice, end_of, ensure_observed_once, ensure_once, ensure_sound, order};
use crate::support::{
    both_databases, ensure_same, ensure_verified, hub_with, paging_hub, seeds, view, with_world,
};

/// Kills of each database before what is left is asked to the end.
const KILLS: usize = 6;
/// Event type of a command that was queued in Control.
const QUEUED: u16 = 44;

/// The scripts that were sent through each agent, by connection and key.
type Sent = BTreeMap<(String, String), usize>;

/// Which agents are one computer, as far as that is known before any machine was asked.
type Known = BTreeMap<(String, String), String>;

fn sent(estate: &Estate) -> Sent {
    with_world(estate, |world: &mut World| {
        let mut sent = Sent::new();
        for command in world.automate.commands.values() {
            let agent = ("cw-automate".to_owned(), command.agent.to_string());
            *sent.entry(agent).or_default() += 1;
        }
        for session in &world.control.sessions {
            let queued = session.events.iter().filter(|event| event.kind == QUEUED).count();
            if queued > 0 {
                sent.insert(("cw-control".to_owned(), session.id.to_string()), queued);
            }
        }
        sent
    })
}

/// No machine was sent a second script, and everybody who was sent one has answered.
fn ensure_sent_once(estate: &Estate, known: &Known, answered: usize) -> Result<()> {
    let sent = sent(estate);
    ensure!(sent.len() == answered, "{} were sent one, {answered} answered", sent.len());
    let mut computers: BTreeMap<&str, usize> = BTreeMap::new();
    for (agent, times) in &sent {
        ensure!(*times == 1, "{agent:?} was sent {times}");
        let computer = known.get(agent).with_context(|| format!("{agent:?} is not known"))?;
        *computers.entry(computer).or_default() += times;
    }
    let twice = computers.iter().find(|(_, times)| **times > 1);
    ensure!(twice.is_none(), "a machine was sent a second script: {twice:?}");
    Ok(())
}

async fn estate(seed: u64, latency: (u64, u64)) -> Result<Estate> {
    let options =
        Options { computers: 60, seed, command_latency_ms: latency, ..Options::default() };
    Estate::serve(&options).await
}

/// Reads everything, and asks nobody.
async fn read(estate: &Estate, database: &Database) -> Result<Known> {
    let hub = paging_hub(estate, database.open().await?)?;
    hub.sync(&[], &SyncOptions::default()).await?;
    let agents: Vec<Agent> = hub.all().await?;
    hub.store.close().await;
    let of = |agent: Agent| {
        let computer = agent.computer.map_or_else(|| agent.id.to_string(), |id| id.to_string());
        ((agent.connection, agent.key), computer)
    };
    Ok(agents.into_iter().map(of).collect())
}

fn start(order: &Path) -> Result<Child> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_one_collect"));
    let command = command.arg(order).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().context("starting a process that asks machines")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_it_asks_machines_the_next_one_takes_up_what_was_sent_and_sends_nothing_twice()
-> Result<()> {
    for seed in seeds([96]) {
        for database in both_databases().await? {
            let estate = estate(seed, (100, 1_200)).await?;
            let folder = tempfile::tempdir()?;
            let known = read(&estate, &database).await?;
            let order = order(&estate, &database, folder.path())?;
            let mut dice = Dice::new(seed);
            let mut killed = Vec::new();
            while killed.len() < KILLS {
                let life = Duration::from_millis(80).mul_f64(1.0 + 14.0 * dice.share());
                let mut child = start(&order)?;
                tokio::time::sleep(life).await;
                if child.try_wait()?.is_some() {
                    break;
                }
                child.kill()?;
                child.wait()?;
                killed.push(life);
            }
            let what = format!("{}, seed {seed}, killed after {killed:?}", database.name);
            println!("{what}: {} were sent before the last", sent(&estate).len());
            ensure!(!killed.is_empty(), "{what}: nobody was killed");
            end_of(start(&order)?).await?;
            ensure_whole(&estate, &database, &known).await.with_context(|| what)?;
            databases::drop_database(&database).await?;
        }
    }
    Ok(())
}

/// Everybody was asked once, and the model is that of somebody who was never disturbed.
async fn ensure_whole(estate: &Estate, database: &Database, known: &Known) -> Result<()> {
    ensure_sound(database).await?;
    let hub = paging_hub(estate, database.open().await?)?;
    let readings = hub.store.readings(core_store::Agents::All).await?.len();
    ensure_sent_once(estate, known, readings)?;
    ensure!(hub.store.script_runs().await?.is_empty(), "scripts are left on their way");
    ensure_observed_once(&hub).await?;
    ensure_verified(&hub).await?;
    ensure_once(&hub).await?;
    let at = estate.truth().as_of;
    let found = view(&hub, at).await?;
    hub.store.close().await;
    let undisturbed = databases::sqlite()?;
    let hub = paging_hub(estate, undisturbed.open().await?)?;
    tests::sync_all(&hub).await?;
    ensure_same(&view(&hub, at).await?, &found, "the model")
}

/// A hub that asks a few machines at a time.
async fn slow_hub(estate: &Estate, database: &Database, parallel: usize) -> Result<Hub> {
    let mut rules = rules_of(tests::splits(&estate.truth()));
    rules.collect.parallel = parallel;
    hub_with(estate, database.open().await?, rules)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asked_to_stop_it_waits_for_no_machine_and_the_next_one_takes_up_what_was_sent()
-> Result<()> {
    for database in both_databases().await? {
        let estate = estate(97, (3_000, 4_000)).await?;
        let known = read(&estate, &database).await?;
        let hub = Arc::new(slow_hub(&estate, &database, 5).await?);
        let collecting = tokio::spawn({
            let hub = Arc::clone(&hub);
            async move { hub.collect().await }
        });
        while sent(&estate).len() < 6 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        hub.stop_switch().store(true, Ordering::Relaxed);
        let told = Instant::now();
        let outcome: CollectOutcome = collecting.await??;
        let took = told.elapsed();
        ensure!(took < Duration::from_secs(2), "it stopped after {took:?}: {outcome:?}");
        ensure!(outcome.left > 0 && outcome.answered == 0, "{outcome:?}");
        let under_way = hub.store.script_runs().await?;
        ensure!(under_way.len() == outcome.left, "{outcome:?}: {under_way:?}");
        ensure!(sent(&estate).len() == outcome.asked, "{outcome:?}");
        ensure!(under_way.iter().all(|run| run.handle.is_some()), "{under_way:?}");
        ensure_verified(&hub).await?;

        let next = slow_hub(&estate, &database, 64).await?;
        let then = next.collect().await?;
        ensure!(then.failed == 0 && then.left == 0 && then.answered == then.asked, "{then:?}");
        let readings = next.store.readings(core_store::Agents::All).await?.len();
        ensure_sent_once(&estate, &known, readings)?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_ask_at_once_send_each_machine_one_script() -> Result<()> {
    for database in both_databases().await? {
        let estate = estate(98, (50, 400)).await?;
        let known = read(&estate, &database).await?;
        let one = slow_hub(&estate, &database, 16).await?;
        let two = slow_hub(&estate, &database, 16).await?;
        let (first, second) = tokio::join!(one.collect(), two.collect());
        let (first, second) = (first?, second?);
        let readings = one.store.readings(core_store::Agents::All).await?.len();
        ensure!(first.answered + second.answered == readings, "{first:?} {second:?}");
        ensure_sent_once(&estate, &known, readings)?;
        ensure_verified(&one).await?;
        databases::drop_database(&database).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_that_nobody_noted_is_found_by_its_run_and_one_that_never_left_is_sent()
-> Result<()> {
    let estate = estate(99, (5, 20)).await?;
    let database = databases::sqlite()?;
    read(&estate, &database).await?;
    // Sent, and then what the process had noted of it is what one that was killed before would have.
    let hub = slow_hub(&estate, &database, 64).await?;
    let stop = hub.stop_switch();
    let (outcome, ()) = tokio::join!(hub.collect(), async {
        while sent(&estate).len() < 10 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stop.store(true, Ordering::Relaxed);
    });
    let outcome = outcome?;
    println!("{outcome:?}");
    let mut runs = hub.store.script_runs().await?;
    ensure!(runs.len() > 1, "{outcome:?}");
    for run in &runs {
        hub.store.end_script(run).await?;
    }
    for run in &mut runs {
        run.handle = None;
    }
    let sent_before = sent(&estate);
    // One of a run that nobody sent.
    let stranger = uuid::Uuid::from_u128(96).to_string();
    let lost = std::mem::replace(&mut runs[0].run, stranger);
    for run in &runs {
        ensure!(hub.store.begin_script(run).await?, "{run:?}");
    }
    let next = slow_hub(&estate, &database, 64).await?;
    let then = next.collect().await?;
    ensure!(then.failed == 0 && then.left == 0, "{then:?}");
    let sent = sent(&estate);
    for run in &runs {
        let agent = (run.agent.connection.clone(), run.agent.key.clone());
        let times = usize::from(run.run == runs[0].run) + sent_before[&agent];
        ensure!(sent[&agent] == times, "{lost}: {run:?} was sent {}", sent[&agent]);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_a_system_is_away_the_answers_of_its_machines_are_waited_for_and_no_script_is_sent_twice()
-> Result<()> {
    let estate = estate(100, (1_500, 2_500)).await?;
    let database = databases::sqlite()?;
    let known = read(&estate, &database).await?;
    let hub = slow_hub(&estate, &database, 64).await?;
    // More refusals than the retries of the requests bear.
    let away = Rule {
        fault: Fault::Unavailable,
        face: Some(Face::Automate),
        path: Some("/CommandExecute".to_owned()),
        when: When::Always,
        times: Some(400),
    };
    let (outcome, ()) = tokio::join!(hub.collect(), async {
        // Everybody was sent one, and nobody has answered.
        let mut before = 0;
        while before < 20 || sent(&estate).len() > before {
            before = sent(&estate).len();
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        estate.running.set_faults(vec![away]);
    });
    let outcome = outcome?;
    ensure!(outcome.failed == 0 && outcome.answered == outcome.asked, "{outcome:?}");
    ensure_sent_once(&estate, &known, outcome.answered)
}
