//! The runner itself: it asks the hub for work, does it, and says what came of it. Nobody connects to it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::evidence::Machine;
use crate::journal::Journal;
use crate::sign::PinnedKey;
use crate::state::{Identity, State};
use crate::wire::{Enrol, Enrolled, Evidence, PROTOCOL, Poll, Shell, Work, paths};

/// How long a question other than for work may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait after the hub did not answer, at first and at most.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// How long to wait after the hub refused the runner.
const REFUSED: Duration = Duration::from_secs(60);
/// How often the machine is looked at.
const LOOK_AT_MACHINE: Duration = Duration::from_secs(900);

/// What opens something. It does not print.
#[derive(Clone)]
pub struct Bearer(String);

impl Bearer {
    /// A token or key as text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one header that carries it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer(***)")
    }
}

/// Why the hub gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UplinkError {
    /// It is not there, or cannot answer now: it is asked again.
    #[error("{0}")]
    Away(String),
    /// It refuses.
    #[error("{why} (status {status})")]
    Refused {
        /// Of HTTP.
        status: u16,
        /// In its words.
        why: String,
    },
}

/// Carries a question to the hub. What is beneath it, HTTP or another thing, a runner does not know.
#[async_trait]
pub trait Uplink: Send + Sync {
    /// Sends a JSON text to a path and gives the JSON text that comes back.
    ///
    /// # Errors
    /// Where none does.
    async fn post(
        &self,
        path: &str,
        bearer: &Bearer,
        body: Vec<u8>,
        patience: Duration,
    ) -> std::result::Result<Vec<u8>, UplinkError>;
}

/// How a runner works.
#[derive(Clone, Copy, Debug)]
pub struct AgentSettings {
    /// Commands that it has at once.
    pub parallel: u32,
    /// Seconds that the hub may wait with an answer until there is work.
    pub wait_s: u32,
}

impl Default for AgentSettings {
    fn default() -> Self {
        Self { parallel: 4, wait_s: 25 }
    }
}

/// Seconds since 1970, by this machine's clock.
pub(crate) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// Becomes a runner of a hub. Where an answer was lost, it is asked again with the same key.
///
/// # Errors
/// Where the folder holds an enrolment already, or the hub refuses.
pub async fn enrol(
    state: &State,
    (hub, token): (&str, &Bearer),
    uplink: &dyn Uplink,
    machine: &Machine,
) -> Result<Enrolled> {
    let mut identity = match state.identity()? {
        Some(Identity { runner: Some(_), .. }) => {
            return Err(Error::Enrolled(state.folder().display().to_string()));
        }
        Some(identity) if identity.hub == hub => identity,
        _ => Identity {
            hub: hub.to_owned(),
            runner: None,
            key: new_key()?,
            hub_key: String::new(),
            installation: Uuid::new_v4(),
        },
    };
    state.keep(&identity)?;
    let evidence = machine.evidence(state, identity.installation);
    let enrol = Enrol { protocol: PROTOCOL, key: identity.key.clone(), evidence };
    let enrolled: Enrolled = ask(uplink, (paths::ENROL, token), &enrol, PATIENCE).await.map_err(
        |error| match error {
            UplinkError::Away(why) => Error::Away(why),
            UplinkError::Refused { .. } => Error::Refused(error.to_string()),
        },
    )?;
    PinnedKey::parse(&enrolled.hub_key)
        .map_err(|why| Error::Refused(format!("its public key is none: {why}")))?;
    identity.runner = Some(enrolled.runner);
    identity.hub_key.clone_from(&enrolled.hub_key);
    state.keep(&identity)?;
    Ok(enrolled)
}

fn new_key() -> Result<String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::Refused("this machine has no random numbers".to_owned()))?;
    Ok(format!("lpr_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

async fn ask<Q: Serialize, A: DeserializeOwned>(
    uplink: &dyn Uplink,
    (path, bearer): (&str, &Bearer),
    question: &Q,
    patience: Duration,
) -> std::result::Result<A, UplinkError> {
    let away = |error: serde_json::Error| UplinkError::Away(format!("no sensible answer: {error}"));
    let body = serde_json::to_vec(question).map_err(away)?;
    let answer = uplink.post(path, bearer, body, patience).await?;
    serde_json::from_slice(&answer).map_err(away)
}

/// A runner that is enrolled.
pub struct Agent {
    inner: Arc<Inner>,
}

/// What all that a runner does shares.
pub(crate) struct Inner {
    pub(crate) state: State,
    pub(crate) key: PinnedKey,
    identity: Identity,
    runner: Uuid,
    bearer: Bearer,
    uplink: Box<dyn Uplink>,
    machine: Machine,
    settings: AgentSettings,
    journal: Mutex<Journal>,
}

impl Inner {
    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn me(&self) -> (Uuid, Shell) {
        (self.runner, Machine::shell())
    }

    pub(crate) async fn post<Q: Serialize + Sync, A: DeserializeOwned>(
        &self,
        path: &str,
        question: &Q,
    ) -> std::result::Result<A, UplinkError> {
        ask(&*self.uplink, (path, &self.bearer), question, PATIENCE).await
    }

    /// What the machine says of itself; nothing where it does not say all of it now. Windows takes its time.
    async fn look(&self) -> Option<Evidence> {
        let (machine, state) = (self.machine.clone(), self.state.clone());
        let installation = self.identity.installation;
        let looking = tokio::task::spawn_blocking(move || machine.look(&state, installation));
        looking.await.ok().and_then(|(said, whole)| whole.then_some(said))
    }

    async fn poll(&self, evidence: Option<Evidence>) -> std::result::Result<Work, UplinkError> {
        let have: Vec<Uuid> =
            self.journal().open_runs().iter().map(|entry| entry.order.run).collect();
        let begun = u32::try_from(have.len()).unwrap_or(u32::MAX);
        let room = self.settings.parallel.saturating_sub(begun);
        let wait_s = self.settings.wait_s;
        let poll = Poll { protocol: PROTOCOL, evidence, have, room, wait_s };
        let patience = PATIENCE + Duration::from_secs(u64::from(wait_s));
        ask(&*self.uplink, (paths::POLL, &self.bearer), &poll, patience).await
    }
}

impl Agent {
    /// The runner of a folder.
    ///
    /// # Errors
    /// Where it was never enrolled, or the folder cannot be read.
    pub fn open(
        state: State,
        machine: Machine,
        settings: AgentSettings,
        uplink: impl FnOnce(&Identity) -> Box<dyn Uplink>,
    ) -> Result<Self> {
        let none = || Error::NotEnrolled(state.folder().display().to_string());
        let identity = state.identity()?.ok_or_else(none)?;
        let runner = identity.runner.ok_or_else(none)?;
        let key = PinnedKey::parse(&identity.hub_key).map_err(Error::Refused)?;
        let journal = Mutex::new(Journal::open(&state.journal())?);
        let (bearer, uplink) = (Bearer::new(identity.key.clone()), uplink(&identity));
        let inner =
            Inner { state, key, identity, runner, bearer, uplink, machine, settings, journal };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its id at the hub.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.inner.runner
    }

    /// Works until it is told to stop. Commands that run then go on, and are followed again after the next start.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let inner = &self.inner;
        let mut tasks = JoinSet::new();
        for entry in inner.journal().open_runs() {
            let inner = Arc::clone(inner);
            tasks.spawn(async move { inner.resume(entry).await });
        }
        let mut stop = std::pin::pin!(stop);
        let mut told: Option<Evidence> = None;
        let mut looked: Option<(Instant, Option<Evidence>)> = None;
        let mut wait = AGAIN[0];
        loop {
            if looked.as_ref().is_none_or(|(at, _)| at.elapsed() >= LOOK_AT_MACHINE) {
                let said = tokio::select! {
                    () = &mut stop => break,
                    said = inner.look() => said,
                };
                looked = Some((Instant::now(), said));
            }
            let said = looked.as_ref().and_then(|(_, said)| said.clone());
            let news = said.filter(|said| told.as_ref() != Some(said));
            let polled = tokio::select! {
                () = &mut stop => break,
                polled = inner.poll(news.clone()) => polled,
            };
            while tasks.try_join_next().is_some() {}
            let pause = match polled {
                Ok(work) => {
                    told = news.or(told);
                    wait = AGAIN[0];
                    let idle = work.commands.is_empty();
                    for signed in work.commands {
                        let inner = Arc::clone(inner);
                        tasks.spawn(async move { inner.take(signed).await });
                    }
                    inner.journal().forget(now_s());
                    // What was refused is told before it is asked for again.
                    if idle { Duration::ZERO } else { Duration::from_millis(200) }
                }
                Err(error @ UplinkError::Refused { .. }) => {
                    tracing::error!(%error, "the hub refuses this runner");
                    REFUSED
                }
                Err(error) => {
                    tracing::warn!(%error, "the hub does not answer");
                    let now = wait;
                    wait = (wait * 2).min(AGAIN[1]);
                    now
                }
            };
            tokio::select! {
                () = &mut stop => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        tasks.abort_all();
    }
}
