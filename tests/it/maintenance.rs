//! Maintenance through both RMMs: what the engine says is compared with what the estate's machines hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use core_engine::{Stop, Worker};
use core_model::entity::Computer;
use core_model::library::DesiredState;
use core_model::session::{Session, SessionState};
use core_store::{SessionQuery, Store};
use serde_json::json;
use tests::night::{ForAll, Night, file_task, product};
use tests::{fresh_sqlite, sync_all};

const FILE: &str = r"C:\ProgramData\Linchpin\policy.txt";

/// What every computer of the estate shall have.
async fn everything(night: &Night, store: Store) -> Result<ForAll> {
    let hub = Arc::new(night.hub(store)?);
    sync_all(&hub).await?;
    let base = night.estate.running.estate_base();
    let zip = product("7-zip", &["7zip-22.01", "7zip-23.01", "7zip-24.08"], base)?;
    let chrome = product("chrome", &["chrome-127", "chrome-131"], base)?;
    let java = product("java", &["java-8u401"], base)?;
    let policy = file_task("policy", FILE, "be good");
    Ok(ForAll::new(
        hub,
        vec![
            (zip, DesiredState::Latest),
            (chrome, DesiredState::ThisVersion("131.0.6778.86".to_owned())),
            (java, DesiredState::Absent),
        ],
        vec![(policy, DesiredState::Enforce)],
    ))
}

/// Computers that an agent that is on leads to, and whose name is theirs alone.
async fn computers(foreman: &ForAll, most: usize) -> Result<Vec<Computer>> {
    use core_engine::Foreman as _;
    let hub = foreman.hub();
    let all: Vec<Computer> = hub.all().await?;
    let names = all.iter().fold(BTreeMap::<String, usize>::new(), |mut names, one| {
        *names.entry(one.name.clone()).or_default() += 1;
        names
    });
    let presences = hub.store.presences(core_store::Agents::All).await?;
    let on: Vec<String> = presences
        .iter()
        .filter(|(_, presence)| presence.online == Some(true))
        .map(|(agent, _)| format!("{}/{}", agent.connection, agent.key))
        .collect();
    let agents: Vec<core_model::entity::Agent> = hub.all().await?;
    let mut found: Vec<Computer> = all
        .into_iter()
        .filter(|one| !one.gone && names[&one.name] == 1)
        .filter(|one| {
            let own = agents.iter().filter(|agent| agent.computer == Some(one.id) && !agent.gone);
            own.clone().count() > 0
                && own
                    .clone()
                    .all(|agent| on.contains(&format!("{}/{}", agent.connection, agent.key)))
        })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found.truncate(most);
    Ok(found)
}

/// Has the engine work until every session is over.
async fn until_over(foreman: &Arc<ForAll>, sessions: usize) -> Result<Vec<Session>> {
    use core_engine::Foreman as _;
    let stop = Stop::default();
    let worker = Worker::new(Arc::clone(foreman) as _, "night", stop.clone());
    let working = tokio::spawn(worker.run());
    let store = foreman.hub().store.clone();
    for _ in 0..1_200 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let all = store.sessions(SessionQuery::default()).await?;
        let over: Vec<Session> =
            all.into_iter().map(|(_, one)| one).filter(|one| one.state.is_over()).collect();
        if over.len() >= sessions {
            stop.stop();
            working.await?;
            return Ok(over);
        }
    }
    let all = store.sessions(SessionQuery::default()).await?;
    bail!("{} sessions, and after two minutes they are: {all:#?}", sessions)
}

fn versions(night: &Night, host: &str, name: &str) -> Result<Vec<String>> {
    let all = night.software(host)?;
    Ok(all
        .into_iter()
        .filter(|one| one.name.contains(name))
        .map(|one| one.version.to_string())
        .collect())
}

/// What the machine of a session holds is what was wanted.
fn as_wanted(night: &Night, session: &Session) -> Result<()> {
    let host = &session.subject_name;
    ensure!(
        versions(night, host, "7-Zip")?.iter().any(|one| one.starts_with("24.08")),
        "{host}: 7-Zip"
    );
    ensure!(versions(night, host, "Google Chrome")? == ["131.0.6778.86"], "{host}: Chrome");
    ensure!(versions(night, host, "Java")?.is_empty(), "{host}: Java");
    let machine = night.machine(host)?;
    let text = machine["files"].to_string();
    ensure!(text.contains("policy.txt"), "{host}: {text}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_are_brought_where_they_should_be_and_the_estate_says_so_too() -> Result<()> {
    let night = Night::of(60, 11).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let foreman = Arc::new(everything(&night, store.clone()).await?);
    let computers = computers(&foreman, 12).await?;
    ensure!(computers.len() == 12, "{} computers are on", computers.len());
    let sessions: Vec<Session> = computers.iter().map(|one| foreman.session_of(one)).collect();
    store.add_sessions(&sessions).await?;
    let over = until_over(&foreman, sessions.len()).await?;
    for session in &over {
        ensure!(
            session.state == SessionState::Succeeded,
            "{}: {} {}",
            session.subject_name,
            session.word,
            json!(session.result)
        );
        as_wanted(&night, session).context(session.word.clone())?;
    }
    // Once more: nothing is left to do, and nothing is done.
    let before: Vec<_> =
        computers.iter().map(|one| night.machine(&one.name)).collect::<Result<_>>()?;
    let again: Vec<Session> = computers.iter().map(|one| foreman.session_of(one)).collect();
    store.add_sessions(&again).await?;
    until_over(&foreman, 24).await?;
    for (computer, before) in computers.iter().zip(before) {
        let after = night.machine(&computer.name)?;
        ensure!(after["installers"] == before["installers"], "{}", computer.name);
    }
    Ok(())
}
