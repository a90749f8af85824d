//! What Automate is told while a session changes a computer: maintenance mode, kept as found, and approved updates of
//! Windows; and scripts of the user's context where nobody is logged on, through both RMMs.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use core_engine::{Foreman as _, Stop, Worker};
use core_model::entity::{Agent, Computer};
use core_model::id::TaskId;
use core_model::library::{
    DesiredState, NobodyLoggedOn, Script, ScriptContext, ScriptPurpose, Task, TaskScripts,
};
use core_model::session::{Session, SessionState};
use core_store::Store;
use core_sync::Hub;
use mocks::world::{ModeChange, UpdateState};
use serde_json::{Value, json};
use tests::at_work::{AtWork, until, until_so};
use tests::night::{ForAll, Night, file_task};
use tests::{connections_of, fresh_sqlite, sync_all};

const FILE: &str = r"C:\ProgramData\Linchpin\policy.txt";

/// A hub whose Automate may put computers into maintenance mode.
fn watching(night: &Night, store: Store) -> Result<Arc<Hub>> {
    let mut settings = night.estate.settings();
    settings.get_mut("cw-automate").context("automate")?["maintenance_mode"] =
        json!({ "enter_script": 5101, "leave_script": 5102, "minutes_parameter": "Minutes" });
    let kinds = ["azure-ad", "cw-automate", "cw-control", "halopsa"];
    let connections = connections_of(&settings, &kinds)?;
    Ok(Arc::new(Hub::new(store, connections, night.estate.rules(), night.clock())))
}

/// Computers that an agent of a connection leads to which is on, and whose name is theirs alone.
async fn computers(hub: &Hub, night: &Night, connection: &str) -> Result<Vec<(Computer, String)>> {
    let all: Vec<Computer> = hub.all().await?;
    let agents: Vec<Agent> = hub.all().await?;
    let mut found = Vec::new();
    for computer in all.iter().filter(|one| !one.gone) {
        let same = all.iter().filter(|other| other.name == computer.name).count();
        let agent = agents.iter().find(|agent| {
            agent.computer == Some(computer.id) && !agent.gone && agent.connection == connection
        });
        let on = {
            let world = night.estate.running.world();
            let world = world.read().map_err(|_| anyhow::anyhow!("the world is broken"))?;
            world.machines.iter().any(|one| one.host == computer.name && one.online)
        };
        if let (1, Some(agent), true) = (same, agent, on) {
            found.push((computer.clone(), agent.key.clone()));
        }
    }
    found.sort_by(|one, other| one.0.name.cmp(&other.0.name));
    Ok(found)
}

fn modes(night: &Night, agent: &str) -> Result<Vec<ModeChange>> {
    let world = night.estate.running.world();
    let world = world.read().map_err(|_| anyhow::anyhow!("the world is broken"))?;
    Ok(world.automate.modes.get(&agent.parse()?).cloned().unwrap_or_default())
}

async fn run(foreman: &Arc<ForAll>, session: &Session) -> Result<Session> {
    let store = foreman.hub().store.clone();
    store.add_session(session).await?;
    let at_work = AtWork::begin(foreman);
    let over = until(&store, session, |now| now.state.is_over()).await;
    at_work.end().await?;
    over
}

fn policy(hub: Arc<Hub>) -> ForAll {
    let task = file_task("policy", FILE, "be good");
    ForAll::new(hub, Vec::new(), vec![(task, DesiredState::Enforce)])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn automate_has_a_computer_in_maintenance_mode_while_it_is_changed_and_then_as_before()
-> Result<()> {
    let night = Night::of(60, 41).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let hub = watching(&night, store.clone())?;
    sync_all(&hub).await?;
    let computers = computers(&hub, &night, "cw-automate").await?;
    let [(one, key), (other, on_before), ..] = computers.as_slice() else {
        bail!("{} computers are on", computers.len())
    };
    let foreman = Arc::new(policy(Arc::clone(&hub)));
    let over = run(&foreman, &foreman.session_of(one)).await?;
    ensure!(over.state == SessionState::Succeeded, "{}", over.word);
    let told: Vec<bool> = modes(&night, key)?.iter().map(|one| one.minutes.is_some()).collect();
    ensure!(told == [true, false], "{told:?}");
    ensure!(store.held_modes(over.id).await?.is_empty(), "it is still held");
    // A human had the other one in it before.
    {
        let world = night.estate.running.world();
        let mut world = world.write().map_err(|_| anyhow::anyhow!("the world is broken"))?;
        let human = ModeChange { at: world.now(), minutes: Some(100_000) };
        world.automate.modes.insert(on_before.parse()?, vec![human]);
    }
    let over = run(&foreman, &foreman.session_of(other)).await?;
    ensure!(over.state == SessionState::Succeeded, "{}", over.word);
    ensure!(modes(&night, on_before)?.len() == 1, "{:?}", modes(&night, on_before)?);
    // Nothing is left to do: nobody is told anything.
    let over = run(&foreman, &foreman.session_of(one)).await?;
    ensure!(over.state == SessionState::Succeeded, "{}", over.word);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_maintenance_mode_whose_session_was_taken_back_while_its_engine_was_dead_is_ended_by_the_next()
-> Result<()> {
    let night = Night::of(60, 42).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let hub = watching(&night, store.clone())?;
    sync_all(&hub).await?;
    let (computer, key) =
        computers(&hub, &night, "cw-automate").await?.into_iter().next().context("a computer")?;
    // It would take as long as anybody waits.
    let mut slow = file_task("slow", FILE, "be good");
    let set = Script::new("Start-Sleep -Seconds 100000");
    slow.scripts = slow.scripts.clone().with(ScriptPurpose::Set, Some(set));
    let tasks = vec![(slow, DesiredState::Enforce)];
    let foreman = Arc::new(ForAll::new(Arc::clone(&hub), Vec::new(), tasks));
    let session = foreman.session_of(&computer);
    store.add_session(&session).await?;
    let worker = Worker::new(Arc::clone(&foreman) as _, "dies", Stop::default());
    let working = tokio::spawn(worker.run());
    let is_in = async || -> Result<bool> {
        Ok(!store.held_modes(session.id).await?.is_empty() && !modes(&night, &key)?.is_empty())
    };
    until_so(is_in).await?;
    working.abort();
    ensure!(working.await.is_err(), "it ended by itself");
    ensure!(modes(&night, &key)?.len() == 1, "{:?}", modes(&night, &key)?);
    // Somebody takes it back; nobody carries it on.
    let word = core_store::SessionWord {
        state: SessionState::Cancelled,
        word: "taken back",
        result: None,
        by: "ana",
        take: None,
        rules: &foreman.rules,
        now_us: hub.clock.now_us(),
    };
    store.tell_session(session.id, word).await?;
    let at_work = AtWork::begin(&foreman);
    until_so(async || Ok(store.held_modes(session.id).await?.is_empty())).await?;
    at_work.end().await?;
    let told: Vec<bool> = modes(&night, &key)?.iter().map(|one| one.minutes.is_some()).collect();
    ensure!(told == [true, false], "{told:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn approved_updates_are_installed_through_the_patch_manager_and_nothing_else_is() -> Result<()>
{
    let night = Night::of(60, 43).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let hub = Arc::new(night.hub(store.clone())?);
    sync_all(&hub).await?;
    let (computer, _) =
        computers(&hub, &night, "cw-automate").await?.into_iter().next().context("a computer")?;
    let host = computer.name.clone();
    for (kb, approval, fails) in
        [(1, "Approved", false), (2, "Approved", true), (3, "Denied", false)]
    {
        night.change(json!({ "change": "missing_update", "machine": host, "kb": kb,
            "title": format!("Update {kb}"), "approval": approval, "fails": fails }))?;
    }
    let mut foreman = policy(Arc::clone(&hub));
    foreman.updates = true;
    let foreman = Arc::new(foreman);
    let over = run(&foreman, &foreman.session_of(&computer)).await?;
    ensure!(over.state == SessionState::Succeeded, "{}", over.word);
    let machine = night.machine(&host)?;
    let state = |kb: u32| machine.updates.iter().find(|one| one.kb == kb).map(|one| one.state);
    ensure!(
        (state(1), state(2), state(3))
            == (
                Some(UpdateState::Installed),
                Some(UpdateState::Failed),
                Some(UpdateState::Missing)
            ),
        "{:?}",
        machine.updates
    );
    ensure!(machine.patched.len() == 1, "asked for once: {:?}", machine.patched);
    let notes = json!(over.result)["notes"].to_string();
    ensure!(notes.contains("Update 1") && notes.contains("not installed: Update 2"), "{notes}");
    // Again: what failed is left alone, and nothing is asked for.
    let over = run(&foreman, &foreman.session_of(&computer)).await?;
    ensure!(over.state == SessionState::Succeeded, "{}", over.word);
    ensure!(night.machine(&host)?.patched.len() == 1, "it was asked for again");
    Ok(())
}

/// Writes whoever it runs as into a file.
fn of_user(name: &str, nobody: NobodyLoggedOn) -> (Task, String) {
    let file = format!(r"C:\Users\Public\{name}.txt");
    let mut set = Script::new(&format!("whoami | Set-Content -Path '{file}'"))
        .in_context(ScriptContext::User);
    set.nobody_logged_on = nobody;
    let test = Script::new(&format!("Test-Path '{file}'"));
    let mut task = Task::new(TaskId::of_text(name, 0), name);
    task.scripts = TaskScripts::default()
        .with(ScriptPurpose::Test, Some(test))
        .with(ScriptPurpose::Set, Some(set));
    (task, file)
}

fn actions(session: &Session) -> Vec<Value> {
    let result = session.result.clone().unwrap_or_default();
    result["actions"].as_array().cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s28_nobody_logged_on_skips_or_fails_through_either_rmm_and_nothing_runs_as_system()
-> Result<()> {
    let night = Night::of(60, 44).await?;
    for kind in ["cw-automate", "cw-control"] {
        let (store, _folder) = fresh_sqlite().await?;
        // One RMM alone, so that it is known which one it went by.
        let connections = connections_of(&night.estate.settings(), &["azure-ad", kind, "halopsa"])?;
        let mut rules = night.estate.rules();
        rules.tenants.create_from = vec!["azure-ad".to_owned(), kind.to_owned()];
        let hub = Arc::new(Hub::new(store, connections, rules, night.clock()));
        sync_all(&hub).await?;
        let computers = computers(&hub, &night, kind).await?;
        let (computer, _) = computers.first().context("a computer")?.clone();
        let (skips, skipped) = of_user(&format!("skips-{kind}"), NobodyLoggedOn::Skip);
        let (fails, failed) = of_user(&format!("fails-{kind}"), NobodyLoggedOn::Fail);
        let tasks = vec![(skips, DesiredState::Enforce), (fails, DesiredState::Enforce)];
        let foreman = Arc::new(ForAll::new(Arc::clone(&hub), Vec::new(), tasks));
        night.change(json!({ "change": "log_on", "machine": computer.name }))?;
        let over = run(&foreman, &foreman.session_of(&computer)).await?;
        for action in actions(&over) {
            let title = action["title"].as_str().unwrap_or_default();
            let expected = match title.starts_with("skips") {
                true => (json!("skipped"), Value::Null),
                false => (json!("failed"), json!("no_user")),
            };
            ensure!((action["result"].clone(), action["class"].clone()) == expected, "{action}");
            let message = action["message"].as_str().unwrap_or_default();
            ensure!(message.contains("nobody is logged on"), "{action}");
        }
        let files = night.machine(&computer.name)?.files;
        for file in [&skipped, &failed] {
            ensure!(!files.contains_key(&file.to_lowercase()), "{kind}: {file} ran as the machine");
        }
        // Somebody comes: it runs, and as they.
        night.change(json!({ "change": "log_on", "machine": computer.name, "local": format!("{}\\ana", computer.name) }))?;
        let over = run(&foreman, &foreman.session_of(&computer)).await?;
        ensure!(
            over.state == SessionState::Succeeded,
            "{kind}: {} {:?}",
            over.word,
            actions(&over)
        );
        let files = night.machine(&computer.name)?.files;
        let content = files.get(&skipped.to_lowercase()).context("no file")?;
        let text = format!("{:?}", content.content).to_lowercase();
        ensure!(text.contains("ana") && !text.contains("authority"), "{kind}: {text}");
    }
    Ok(())
}
