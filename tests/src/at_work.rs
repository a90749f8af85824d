//! The built-in engine at work in a test.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use core_engine::{Foreman, Stop, Worker};
use core_model::session::Session;
use core_store::{SessionQuery, Store};
use tokio::task::JoinHandle;

/// How often it is looked.
const LOOK: Duration = Duration::from_millis(50);
/// So often at the most: two minutes.
const LOOKS: u32 = 2_400;

/// An engine that works until it is told to end.
pub struct AtWork {
    stop: Stop,
    working: JoinHandle<()>,
}

impl AtWork {
    /// Has one begin.
    pub fn begin(foreman: &Arc<impl Foreman + 'static>) -> Self {
        let stop = Stop::default();
        let worker = Worker::new(Arc::clone(foreman) as _, "night", stop.clone());
        Self { stop, working: tokio::spawn(worker.run()) }
    }

    /// Has it put back what it has, and end.
    ///
    /// # Errors
    /// Where it broke.
    pub async fn end(self) -> Result<()> {
        self.stop.stop();
        Ok(self.working.await?)
    }
}

/// Has an engine work until there are so many sessions and all are over; gives them, the oldest first.
///
/// # Errors
/// Where they are not after two minutes.
pub async fn until_over(
    foreman: &Arc<impl Foreman + 'static>,
    sessions: usize,
) -> Result<Vec<Session>> {
    let store = foreman.hub().store.clone();
    let at_work = AtWork::begin(foreman);
    for _ in 0..LOOKS {
        tokio::time::sleep(LOOK).await;
        let all = store.sessions(SessionQuery::default()).await?;
        if all.len() >= sessions && all.iter().all(|(_, one)| one.state.is_over()) {
            at_work.end().await?;
            let mut over: Vec<Session> = all.into_iter().map(|(_, one)| one).collect();
            over.sort_by_key(|one| one.asked_us);
            return Ok(over);
        }
    }
    let all = store.sessions(SessionQuery::default()).await?;
    bail!("{sessions} were to be over, and after two minutes they are: {all:#?}")
}

/// Waits until a session is as wanted.
///
/// # Errors
/// Where it is not after two minutes.
pub async fn until(
    store: &Store,
    session: &Session,
    wanted: impl Fn(&Session) -> bool,
) -> Result<Session> {
    for _ in 0..LOOKS {
        let now = store.session(session.id).await?;
        if wanted(&now) {
            return Ok(now);
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("after two minutes it is {:?}", store.session(session.id).await?)
}

/// Waits until something is so.
///
/// # Errors
/// Where it is not after two minutes, or cannot be told.
pub async fn until_so(is_so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    for _ in 0..LOOKS {
        if is_so().await? {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
    bail!("it was not so after two minutes")
}
