//! How the daemon is, for those who look after it: systemd's watchdog, a load balancer, a person.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use core_store::Store;
use serde::Serialize;
use tokio::time::Instant;

/// A daemon that did not turn for so long is stuck; idle, it turns every twenty seconds.
const STUCK: Duration = Duration::from_secs(120);

/// A planned run and a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Upcoming {
    /// Its name, like `halo/full`.
    pub name: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// How the daemon is.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// It turns; systemd may leave it alone.
    pub alive: bool,
    /// It works, and its database answers.
    pub ready: bool,
    /// It was asked to stop.
    pub stopping: bool,
    /// What it does just now.
    pub running: Vec<String>,
    /// What somebody should know, in words.
    pub warnings: Vec<String>,
    /// What comes next, soonest first.
    pub next: Vec<Upcoming>,
}

/// What the daemon says of itself. Shared with whoever serves it.
pub struct Health {
    store: Store,
    state: Mutex<State>,
}

struct State {
    beat: Instant,
    works: bool,
    stopping: bool,
    running: Vec<String>,
    overdue: Vec<Upcoming>,
    next: Vec<Upcoming>,
    refused: Option<String>,
}

impl Health {
    /// Of a daemon on this store that is about to start.
    #[must_use]
    pub fn new(store: Store) -> Self {
        let state = State {
            beat: Instant::now(),
            works: false,
            stopping: false,
            running: Vec::new(),
            overdue: Vec::new(),
            next: Vec::new(),
            refused: None,
        };
        Self { store, state: Mutex::new(state) }
    }

    /// Whether it turns.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.state().beat.elapsed() < STUCK
    }

    /// Whether it has begun to work.
    #[must_use]
    pub fn works(&self) -> bool {
        self.state().works
    }

    /// Notes why new settings are not in force, or that they are.
    pub fn refused(&self, why: Option<String>) {
        self.state().refused = why;
    }

    /// Everything, with a question to the database.
    pub async fn report(&self) -> Report {
        let answer = tokio::time::timeout(Duration::from_secs(5), self.store.schema()).await;
        let fault = match answer {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(format!("the database does not answer: {error}")),
            Err(_) => Some("the database does not answer within five seconds".to_owned()),
        };
        let alive = self.is_alive();
        let state = self.state();
        let late = state.overdue.iter().map(|one| {
            format!("{} was due at {} and has not run", one.name, one.at.format("%F %R UTC"))
        });
        let refused = state.refused.as_ref().map(|why| {
            format!(
                "the settings file was changed and is refused, the old settings are in force: {why}"
            )
        });
        Report {
            alive,
            ready: alive && state.works && !state.stopping && fault.is_none(),
            stopping: state.stopping,
            running: state.running.clone(),
            warnings: late.chain(refused).chain(fault).collect(),
            next: state.next.clone(),
        }
    }

    pub(crate) fn turn(&self, running: Vec<String>, next: Vec<Upcoming>, overdue: Vec<Upcoming>) {
        let mut state = self.state();
        state.beat = Instant::now();
        (state.running, state.next, state.overdue) = (running, next, overdue);
    }

    pub(crate) fn set_works(&self) {
        self.state().works = true;
    }

    pub(crate) fn set_stopping(&self) {
        self.state().stopping = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
