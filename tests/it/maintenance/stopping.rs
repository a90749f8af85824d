//! Everything is stopped in the middle of the work, and goes on: the estate's machines end as without a stop.

use core_engine::Foreman as _;
use core_model::stop::{Stop, StopKind};

use super::{
    Arc, BTreeMap, Computer, Duration, Night, Result, Session, SessionQuery, SessionState, Worker,
    as_wanted, bail, computers, ensure, everything, fresh_sqlite, until_over,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_holds_all_and_after_it_every_machine_is_as_without_it() -> Result<()>
{
    let night = Night::of(60, 17).await?;
    let (store, _folder) = fresh_sqlite().await?;
    let foreman = Arc::new(everything(&night, store.clone()).await?);
    let computers = computers(&foreman, 8).await?;
    let sessions: Vec<Session> = computers.iter().map(|one| foreman.session_of(one)).collect();
    store.add_sessions(&sessions).await?;
    let stop = everything_from(foreman.hub().clock.now_us());
    let halt = core_engine::Stop::default();
    let worker = Worker::new(Arc::clone(&foreman) as _, "night", halt.clone());
    let working = tokio::spawn(worker.run());
    // As soon as any machine was changed.
    let changed = || -> Result<bool> {
        let states = computers.iter().map(|one| night.machine(&one.name));
        Ok(states.collect::<Result<Vec<_>>>()?.iter().any(|one| !one.installers.is_empty()))
    };
    until(async || changed()).await?;
    store.add_stop(&stop).await?;
    // What is under way is ended, and then nobody is at anything.
    let running = SessionQuery { state: Some(SessionState::Running), ..SessionQuery::default() };
    until(async || Ok(store.sessions(running).await?.is_empty())).await?;
    let held = store.held_sessions().await?;
    let installers =
        |one: &Computer| -> Result<usize> { Ok(night.machine(&one.name)?.installers.len()) };
    let before = computers.iter().map(installers).collect::<Result<Vec<_>>>()?;
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        ensure!(store.sessions(running).await?.is_empty(), "a session was begun that is stopped");
    }
    let after = computers.iter().map(installers).collect::<Result<Vec<_>>>()?;
    ensure!(before == after, "a machine was changed though everything is stopped");
    println!("{held} of {} sessions were held", sessions.len());
    store.remove_stop(StopKind::Everything, "", foreman.hub().clock.now_us()).await?;
    halt.stop();
    working.await?;
    for session in until_over(&foreman, sessions.len()).await? {
        ensure!(session.state == SessionState::Succeeded, "{}", session.word);
        as_wanted(&night, &session)?;
        let machine = night.machine(&session.subject_name)?;
        let mut runs = BTreeMap::<String, usize>::new();
        for run in machine.installers.iter().filter(|run| run.exit == Some(0)) {
            *runs.entry(format!("{:?} {:?}", run.package, run.verb)).or_default() += 1;
        }
        ensure!(runs.values().all(|times| *times == 1), "{}: {runs:?}", session.subject_name);
    }
    Ok(())
}

fn everything_from(at_us: i64) -> Stop {
    Stop {
        kind: StopKind::Everything,
        key: String::new(),
        name: String::new(),
        by: "ana".to_owned(),
        reason: String::new(),
        at_us,
        version: None,
    }
}

/// Waits until something is so.
async fn until(is_so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    for _ in 0..2_400 {
        if is_so().await? {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bail!("it was not so after two minutes")
}
