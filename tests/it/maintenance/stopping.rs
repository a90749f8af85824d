//! Everything is stopped in the middle of the work, and goes on: the estate's machines end as without a stop.

use core_engine::Foreman as _;
use core_model::stop::{Stop, StopKind};

use tests::at_work::until_so;

use super::{
    Arc, AtWork, Computer, Duration, Night, Result, Session, SessionQuery, SessionState, as_wanted,
    computers, ensure, everything, fresh_sqlite, installed_once, until_over,
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
    let at_work = AtWork::begin(&foreman);
    // As soon as any machine was changed.
    let changed = || -> Result<bool> {
        let states = computers.iter().map(|one| night.machine(&one.name));
        Ok(states.collect::<Result<Vec<_>>>()?.iter().any(|one| !one.installers.is_empty()))
    };
    until_so(async || changed()).await?;
    store.add_stop(&stop).await?;
    // What is under way is ended, and then nobody is at anything.
    let running = SessionQuery { state: Some(SessionState::Running), ..SessionQuery::default() };
    until_so(async || Ok(store.sessions(running).await?.is_empty())).await?;
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
    at_work.end().await?;
    for session in until_over(&foreman, sessions.len()).await? {
        ensure!(session.state == SessionState::Succeeded, "{}", session.word);
        as_wanted(&night, &session)?;
        installed_once(&night, &session)?;
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
