//! What one session stands on: its book, its secrets, its locks and its time, over the store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use core_connector::Secret;
use core_maintenance::{
    Book, Clock, Error, Half, Keys, Line, Locks, Result, Said, Stopped, Way, Ways,
};
use core_model::id::{ComputerId, DeploymentId};
use core_model::library::{KeptSecret, SubjectId};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionState};
use core_model::stop::Stop;
use core_plan::{Beside, Plan, Step};
use core_script::SecretFetch;
use core_store::{Holder, RunToken, SessionLine, SessionWord};
use core_sync::Hub;
use uuid::Uuid;

use crate::foreman::{EngineSettings, Foreman};
use crate::ways;

/// How long a lock is had without being heard of, microseconds.
const LOCK_US: i64 = 3_600 * 1_000_000;
/// How often it is looked whether the session is to be put down.
const LOOK: Duration = Duration::from_millis(100);

/// Whether a session is to be put down.
#[derive(Clone, Default)]
pub(crate) struct Switch {
    pub(crate) stopping: Arc<AtomicBool>,
    pub(crate) lost: Arc<AtomicBool>,
}

/// The desk of one session.
pub(crate) struct SessionDesk {
    pub(crate) hub: Arc<Hub>,
    pub(crate) foreman: Arc<dyn Foreman>,
    pub(crate) settings: EngineSettings,
    pub(crate) rules: QueueRules,
    pub(crate) session: Session,
    pub(crate) holder: Holder,
    pub(crate) switch: Switch,
    /// What was said last of how it goes.
    pub(crate) word: Mutex<String>,
    /// The plan in words, by key.
    pub(crate) titles: Mutex<BTreeMap<String, String>>,
}

/// What was done could not be written down, or what is known not be read.
pub(crate) fn book(error: impl std::fmt::Display) -> Error {
    Error::Book(error.to_string())
}

pub(crate) fn of_store(error: core_store::Error) -> Error {
    match error {
        core_store::Error::Conflict { constraint } => Error::Lost(constraint),
        error => book(error),
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    // Plain types with text keys.
    serde_json::to_string(value).unwrap_or_default()
}

fn read<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text)
        .map_err(|error| Error::Book(format!("{what} in the book of a session: {error}")))
}

/// A line as it is kept.
pub(crate) fn kept(line: &Line) -> SessionLine {
    let said = Said { what: line.what.clone(), ..line.said.clone() };
    SessionLine {
        number: line.number,
        half: line.half.as_str().to_owned(),
        step: json(&line.step),
        run: line.run.as_ref().map(json),
        outcome: line.outcome.as_ref().map(json),
        said: json(&said),
        began_us: line.began_at.timestamp_micros(),
        ended_us: line.ended_at.map(|at| at.timestamp_micros()),
    }
}

fn line(kept: &SessionLine) -> Result<Line> {
    let said: Said = read("an output", &kept.said)?;
    let time = |us| DateTime::from_timestamp_micros(us).unwrap_or_default();
    Ok(Line {
        number: kept.number,
        half: Half::parse(&kept.half)
            .ok_or_else(|| Error::Book("the half of a step".to_owned()))?,
        step: read("a step", &kept.step)?,
        run: kept.run.as_deref().map(|text| read("a run", text)).transpose()?,
        outcome: kept.outcome.as_deref().map(|text| read("an outcome", text)).transpose()?,
        what: said.what.clone(),
        said,
        began_at: time(kept.began_us),
        ended_at: kept.ended_us.map(time),
    })
}

impl SessionDesk {
    /// Says how it goes, where that is something new.
    pub(crate) async fn say(&self, word: String) -> Result<()> {
        {
            let mut last = self.word.lock().unwrap_or_else(PoisonError::into_inner);
            if *last == word {
                return Ok(());
            }
            last.clone_from(&word);
        }
        let said = SessionWord {
            state: SessionState::Running,
            word: &word,
            result: None,
            by: &self.holder.engine,
            take: Some(self.holder.take),
            rules: &self.rules,
            now_us: self.hub.clock.now_us(),
        };
        self.hub.store.tell_session(self.session.id, said).await.map_err(of_store)?;
        Ok(())
    }

    /// What is done, in words; nothing where that is nothing that anybody waits for.
    fn words(&self, line: &Line) -> Option<String> {
        match (&line.step, line.half) {
            (Step::Beside(Beside::Invoke { .. }), _) => None,
            (_, Half::Look) => Some("looks what is there".to_owned()),
            (Step::Item { key, .. }, Half::Act) => {
                let titles = self.titles.lock().unwrap_or_else(PoisonError::into_inner);
                titles.get(&key.to_string()).cloned()
            }
            (Step::Reboot, _) => Some("the computer restarts".to_owned()),
            (Step::AskReboot, _) => Some("asks whether a restart suits".to_owned()),
            (Step::AwaitConnection, _) => Some("waits for the computer".to_owned()),
            (Step::CheckReboot | Step::Versions(_), _) => None,
            (Step::Beside(Beside::Updates), _) => Some("installs updates of Windows".to_owned()),
            (Step::Beside(Beside::EnterMaintenance | Beside::LeaveMaintenance), _) => None,
        }
    }
}

#[async_trait]
impl Book for SessionDesk {
    async fn lines(&self) -> Result<Vec<Line>> {
        let kept = self.hub.store.session_lines(self.session.id, 0).await.map_err(of_store)?;
        kept.iter().map(line).collect()
    }

    async fn write(&self, line: &Line) -> Result<()> {
        if line.outcome.is_none()
            && line.run.is_none()
            && let Some(words) = self.words(line)
        {
            self.say(words).await?;
        }
        self.hub.store.put_session_line(&self.holder, &kept(line)).await.map_err(of_store)
    }

    async fn plan(&self) -> Result<Option<Plan>> {
        let plan = self.hub.store.session_plan(self.session.id).await.map_err(of_store)?;
        let plan: Option<Plan> = plan.as_deref().map(|text| read("the plan", text)).transpose()?;
        if let Some(plan) = &plan {
            self.note_titles(plan);
        }
        Ok(plan)
    }

    async fn put_plan(&self, plan: &Plan) -> Result<()> {
        self.note_titles(plan);
        self.hub.store.put_session_plan(&self.holder, &json(plan)).await.map_err(of_store)
    }
}

impl SessionDesk {
    fn note_titles(&self, plan: &Plan) {
        let of = plan.actions.len();
        let words = plan.actions.iter().zip(1..).map(|(action, number)| {
            let what = action.words();
            let what = what.split(", because ").next().unwrap_or_default();
            (action.key.to_string(), format!("{what} ({number} of {of})"))
        });
        *self.titles.lock().unwrap_or_else(PoisonError::into_inner) = words.collect();
    }
}

#[async_trait]
impl Ways for SessionDesk {
    async fn ways(&self) -> Result<Vec<Way>> {
        match self.session.subject {
            SubjectId::Computer(id) => self.ways_to(id).await,
            // What is done for a tenant or a person runs in the hub.
            SubjectId::Tenant(_) | SubjectId::Person(_) => Ok(Vec::new()),
        }
    }
}

impl SessionDesk {
    async fn ways_to(&self, computer: ComputerId) -> Result<Vec<Way>> {
        ways::ways(&self.hub, computer, self.settings.pace).await
    }
}

#[async_trait]
impl Keys for SessionDesk {
    async fn values(
        &self,
        secrets: &BTreeMap<String, KeptSecret>,
    ) -> Result<BTreeMap<String, Secret>> {
        let mut values = BTreeMap::new();
        for (parameter, kept) in secrets {
            match self.foreman.secret(kept.name()).await.map_err(Error::Book)? {
                Some(secret) => {
                    values.insert(parameter.clone(), secret);
                }
                None => {
                    tracing::warn!(session = %self.session.id, secret = %kept,
                        "a script is to be given a secret that the hub does not keep");
                }
            }
        }
        Ok(values)
    }

    async fn fetch(
        &self,
        run: Uuid,
        secrets: &BTreeMap<String, KeptSecret>,
        expires_at: DateTime<Utc>,
    ) -> Result<Option<SecretFetch>> {
        let Some(address) = &self.settings.address else { return Ok(None) };
        let Ok(url) = address.join(&format!("runs/{run}/secrets")) else { return Ok(None) };
        let token = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
        let fetch = SecretFetch::new(url, Secret::new(token.clone()), expires_at);
        let Ok(fetch) = fetch else { return Ok(None) };
        let row = RunToken {
            digest: RunToken::digest_of(&token),
            session: self.session.id,
            secrets: json(secrets),
            until_us: expires_at.timestamp_micros(),
        };
        let now_us = self.hub.clock.now_us();
        self.hub.store.put_run_token(&self.holder, &row, now_us).await.map_err(of_store)?;
        Ok(Some(fetch))
    }
}

#[async_trait]
impl Locks for SessionDesk {
    async fn take(&self, name: &str) -> Result<bool> {
        let (name, holder) = (format!("serial:/{name}"), self.session.id.to_string());
        let now_us = self.hub.clock.now_us();
        let lease = self.hub.store.take_lease(&name, &holder, now_us, LOCK_US).await;
        Ok(lease.map_err(of_store)?.is_some())
    }

    async fn give_back(&self, name: &str) -> Result<()> {
        let (name, holder) = (format!("serial:/{name}"), self.session.id.to_string());
        let store = &self.hub.store;
        let now_us = self.hub.clock.now_us();
        // Who has it may take it again, and only who has it can give it back.
        if let Some(lease) =
            store.take_lease(&name, &holder, now_us, LOCK_US).await.map_err(of_store)?
        {
            store.release_lease(&lease).await.map_err(of_store)?;
        }
        Ok(())
    }

    async fn stopped(&self, deployments: &BTreeSet<DeploymentId>) -> Result<Option<Stopped>> {
        let stops = self.hub.store.stops().await.map_err(of_store)?;
        if let Some(why) = core_model::stop::held(&stops, &self.session) {
            return Ok(Some(Stopped::Session(why)));
        }
        let of = |id| stops.iter().find(|stop| stop.is_of(id));
        let all: Option<Vec<&Stop>> = deployments.iter().copied().map(of).collect();
        let first = all.and_then(|all| all.first().copied());
        Ok(first.map(|stop| Stopped::Deployment(stop.words())))
    }
}

#[async_trait]
impl Clock for SessionDesk {
    fn now(&self) -> DateTime<Utc> {
        self.hub.clock.now()
    }

    async fn pause(&self, time: Duration) -> Result<()> {
        let time = time / self.settings.hurry.max(1);
        let end = tokio::time::Instant::now() + time;
        loop {
            if self.switch.lost.load(Ordering::Relaxed) {
                return Err(Error::Lost(
                    "another engine has it, or somebody took it back".to_owned(),
                ));
            }
            if self.switch.stopping.load(Ordering::Relaxed) {
                return Err(Error::Stopping);
            }
            let left = end.saturating_duration_since(tokio::time::Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }
}
