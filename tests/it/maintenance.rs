//! Maintenance through both RMMs: what the engine says is compared with what the estate's machines hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use core_engine::{Stop, Worker};
use core_model::entity::Computer;
use core_model::library::DesiredState;
use core_model::session::{Session, SessionState};
use core_store::{SessionQuery, Store};
use serde_json::json;
use tests::at_work::{AtWork, until, until_over};
use tests::night::{ForAll, Night, file_task, product};
use tests::{fresh_sqlite, sync_all};

mod again;
mod reboots;
mod stopping;

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

fn versions(night: &Night, host: &str, name: &str) -> Result<Vec<String>> {
    let all = night.software(host)?;
    Ok(all
        .into_iter()
        .filter(|one| one.name.contains(name))
        .map(|one| one.version.to_string())
        .collect())
}

/// What the product of a version is called.
fn names(night: &Night, host: &str, version: &str) -> Result<String> {
    let all = night.software(host)?;
    let one = all.into_iter().find(|one| one.version == version && one.name.contains("7-Zip"));
    Ok(one.context("no such version")?.name.to_string())
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
    ensure!(machine.files.contains_key(&FILE.to_lowercase()), "{host}: {:?}", machine.files.keys());
    // Nothing of what was staged is left behind.
    let left = machine.files.keys().find(|path| path.contains("linchpin\\runs\\"));
    ensure!(left.is_none(), "{host}: {left:?}");
    Ok(())
}

/// Whether nothing was installed or removed twice with success on the machine of a session.
fn installed_once(night: &Night, session: &Session) -> Result<()> {
    let machine = night.machine(&session.subject_name)?;
    let mut runs = BTreeMap::<String, usize>::new();
    for run in machine.installers.iter().filter(|run| run.exit == Some(0)) {
        *runs.entry(format!("{:?} {:?}", run.package, run.verb)).or_default() += 1;
    }
    ensure!(runs.values().all(|times| *times == 1), "{}: {runs:?}", session.subject_name);
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
        ensure!(after.installers == before.installers, "{}", computer.name);
    }
    Ok(())
}

/// The class of the first action that is not as it should be.
fn class(session: &Session) -> String {
    let result = session.result.clone().unwrap_or_default();
    let actions = result["actions"].as_array().cloned().unwrap_or_default();
    let bad = actions.iter().find_map(|action| action["class"].as_str().map(str::to_owned));
    bad.unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s17_s18_what_goes_wrong_on_a_machine_is_told_by_its_class_and_hinders_no_other()
-> Result<()> {
    let night = Night::of(60, 12).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let foreman = Arc::new(everything(&night, store.clone()).await?);
    let computers = computers(&foreman, 6).await?;
    let troubles = [
        (
            "install_fault",
            json!({ "package": "7zip-24.08", "trouble": { "fails": 1603 } }),
            "install",
        ),
        ("install_fault", json!({ "package": "7zip-24.08", "trouble": "does_nothing" }), "verify"),
        ("install_fault", json!({ "package": "7zip-24.08", "trouble": "hangs" }), "timeout"),
        // Twice, and the third try works.
        (
            "install_fault",
            json!({ "package": "7zip-24.08", "trouble": { "fails": 1603 }, "times": 2 }),
            "",
        ),
    ];
    for (computer, (change, fields, _)) in computers.iter().zip(&troubles) {
        let mut fields = fields.clone();
        fields["machine"] = computer.name.clone().into();
        fields["change"] = (*change).into();
        night.change(fields)?;
        // It is not there yet, so that it must be installed.
        for version in versions(&night, &computer.name, "7-Zip")? {
            let name = names(&night, &computer.name, &version)?;
            night.change(
                json!({ "change": "remove_software", "machine": computer.name, "name": name }),
            )?;
        }
    }
    let sessions: Vec<Session> = computers.iter().map(|one| foreman.session_of(one)).collect();
    store.add_sessions(&sessions).await?;
    let over = until_over(&foreman, sessions.len()).await?;
    for (computer, expected) in
        computers.iter().zip(troubles.iter().map(|one| one.2).chain(["", ""]))
    {
        let session =
            over.iter().find(|one| one.subject == computer.id.into()).context("a session")?;
        let there =
            versions(&night, &computer.name, "7-Zip")?.iter().any(|one| one.starts_with("24.08"));
        ensure!(
            class(session) == expected && there == expected.is_empty(),
            "{}: {} instead of {expected:?}; {}",
            computer.name,
            class(session),
            session.word,
        );
        // Whatever it was, the rest was done.
        ensure!(
            versions(&night, &computer.name, "Google Chrome")? == ["131.0.6778.86"],
            "{}",
            session.word
        );
    }
    let groups = store.failure_groups(core_store::ActionQuery::default()).await?;
    let classes: std::collections::BTreeSet<&str> =
        groups.iter().map(|one| one.class.as_str()).collect();
    ensure!(classes == ["install", "timeout", "verify"].into(), "{groups:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s13_an_engine_that_is_stopped_and_lost_again_and_again_installs_nothing_twice()
-> Result<()> {
    use core_engine::Foreman as _;
    let night = Night::of(60, 13).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let mut foreman = everything(&night, store.clone()).await?;
    foreman.rules.lease_us = 60_000_000;
    // On a busy machine several lives in a row may be too short for a single step.
    foreman.rules.most_takes = 1_000;
    let foreman = Arc::new(foreman);
    let computers = computers(&foreman, 8).await?;
    let sessions: Vec<Session> = computers.iter().map(|one| foreman.session_of(one)).collect();
    store.add_sessions(&sessions).await?;
    let mut dice = 13_u64;
    let mut lives = 0;
    loop {
        lives += 1;
        ensure!(lives < 300, "no end after {lives} engines");
        let stop = Stop::default();
        let worker =
            Worker::new(Arc::clone(&foreman) as _, &format!("engine-{lives}"), stop.clone());
        let working = tokio::spawn(worker.run());
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        tokio::time::sleep(Duration::from_millis(30 + (dice >> 33) % 250)).await;
        if dice >> 63 == 0 {
            // Dead between any two words: its lease runs out.
            working.abort();
            let foreman_hub = foreman.hub();
            let later = foreman_hub.clock.now_us() + 120_000_000;
            store.tidy_sessions(&foreman.rules, later).await?;
        } else {
            stop.stop();
            working.await?;
        }
        let all = store.sessions(SessionQuery::default()).await?;
        if all.iter().all(|(_, one)| one.state.is_over()) {
            break;
        }
    }
    println!("{lives} engines");
    for (_, session) in store.sessions(SessionQuery::default()).await? {
        ensure!(
            session.state == SessionState::Succeeded,
            "{}: {}",
            session.subject_name,
            session.word
        );
        as_wanted(&night, &session)?;
        installed_once(&night, &session)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s10_a_machine_that_is_off_is_waited_for_and_goes_on_as_soon_as_it_is_heard_of()
-> Result<()> {
    use core_engine::Foreman as _;
    let night = Night::of(60, 15).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let mut foreman = everything(&night, store.clone()).await?;
    // Nobody would try it again by itself within this test.
    foreman.settings.away = Duration::from_secs(7 * 86_400);
    let foreman = Arc::new(foreman);
    let computer = computers(&foreman, 1).await?.pop().context("a computer")?;
    let power = |on: bool| json!({ "change": "power", "machine": computer.name, "on": on });
    night.change(power(false))?;
    sync_all(&foreman.hub()).await?;
    let session = foreman.session_of(&computer);
    store.add_session(&session).await?;
    let at_work = AtWork::begin(&foreman);
    until(&store, &session, |now| now.away && now.word.contains("no way leads")).await?;
    night.change(power(true))?;
    sync_all(&foreman.hub()).await?;
    let over = until(&store, &session, |now| now.state.is_over()).await?;
    ensure!(over.state == SessionState::Succeeded, "{}", over.word);
    at_work.end().await?;
    as_wanted(&night, &over)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_task_breaks_is_put_back_and_done_by_the_same_engine() -> Result<()> {
    let night = Night::of(60, 16).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let mut foreman = everything(&night, store.clone()).await?;
    foreman.stumbles = 2.into();
    let foreman = Arc::new(foreman);
    let computers = computers(&foreman, 3).await?;
    let sessions: Vec<Session> = computers.iter().map(|one| foreman.session_of(one)).collect();
    store.add_sessions(&sessions).await?;
    for session in until_over(&foreman, sessions.len()).await? {
        ensure!(session.state == SessionState::Succeeded, "{}", session.word);
        as_wanted(&night, &session)?;
    }
    Ok(())
}
