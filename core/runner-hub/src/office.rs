//! What the hub answers its runners.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Utc;
use core_runner::{
    Done, Enrol, Enrolled, Evidence, HubKey, PROTOCOL, Piece, Poll, Signed, Taken, Work,
};
use core_store::{Enrolment, EnrolmentToken, NewRunner, RunnerKey, RunnerRow, SealingKeys, Store};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

/// How often it is looked whether another process put work there.
const LOOK: Duration = Duration::from_secs(1);
/// How long a runner may wait for work at most.
const LONGEST: Duration = Duration::from_secs(25);
/// Commands that go with one answer, and bytes of their texts.
const AT_ONCE: usize = 16;
const BYTES_AT_ONCE: usize = 4 << 20;
/// Bytes of a piece of output.
const PIECE: usize = 64 * 1024;

/// Is told when a command was put into the store by this process.
pub(crate) static CAME: Notify = Notify::const_new();

/// Why a runner gets no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Its token or key opens nothing.
    Stranger(String),
    /// What it says makes no sense.
    Wrong(String),
    /// There is no such run of this runner.
    Unknown,
    /// The hub failed; the log is to say why.
    Fault(String),
}

impl From<core_store::Error> for Refused {
    fn from(error: core_store::Error) -> Self {
        Self::Fault(error.to_string())
    }
}

/// Answers runners from the store.
#[derive(Clone)]
pub struct Office {
    pub(crate) store: Store,
    pub(crate) keys: Arc<SealingKeys>,
    pub(crate) connection: Arc<str>,
}

pub(crate) fn now_us() -> i64 {
    Utc::now().timestamp_micros()
}

impl Office {
    /// That of the runners of a connection.
    #[must_use]
    pub fn new(store: Store, keys: Arc<SealingKeys>, connection: &str) -> Self {
        Self { store, keys, connection: connection.into() }
    }

    /// The hub's signing key, made where there is none yet.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn key(&self) -> Result<HubKey, Refused> {
        let name = format!("connection:{}/signing-key", self.connection);
        loop {
            if let Some(seed) = self.store.unseal(&self.keys, &name).await? {
                return HubKey::parse(&seed).map_err(Refused::Fault);
            }
            let seed = HubKey::text(rand::random());
            // Of several processes that make one, one does.
            self.store.seal_instead(&self.keys, &name, (None, &seed), now_us()).await?;
        }
    }

    /// The runner of a key that somebody sent.
    ///
    /// # Errors
    /// Where it opens nothing.
    pub async fn known(&self, bearer: &str) -> Result<RunnerRow, Refused> {
        let stranger = || Refused::Stranger("no runner has this key, or it was removed".to_owned());
        let key = RunnerKey::parse(bearer).ok_or_else(stranger)?;
        self.store.runner_of_key(&key).await?.ok_or_else(stranger)
    }

    /// Makes a machine a runner.
    ///
    /// # Errors
    /// Where its token does not hold, or what it says cannot be kept.
    pub async fn enrol(&self, bearer: &str, asked: &[u8]) -> Result<Enrolled, Refused> {
        let stranger = |why: &str| Refused::Stranger(why.to_owned());
        let unknown = "there is no such enrolment token: `linchpin runners token` makes one";
        let token = EnrolmentToken::parse(bearer).ok_or_else(|| stranger(unknown))?;
        let asked: Enrol = read(asked)?;
        speaks(asked.protocol)?;
        let key = RunnerKey::parse(&asked.key)
            .ok_or_else(|| Refused::Wrong("the runner's key has another form".to_owned()))?;
        let evidence = sound(&asked.evidence)?;
        let public = self.key().await?.public();
        let id = Uuid::new_v4().to_string();
        let new = NewRunner { id: &id, evidence: &evidence, now_us: now_us() };
        match self.store.enrol_runner((&token, &key), &new).await? {
            Enrolment::Runner(row) => {
                let clients = self.store.runner_clients().await?;
                let of = clients.into_iter().find(|client| client.key == row.client);
                tracing::info!(
                    runner = row.id,
                    host = asked.evidence.host,
                    "a machine was enrolled"
                );
                Ok(Enrolled {
                    runner: id_of(&row)?,
                    hub_key: public,
                    tenant: of.map(|client| client.name).unwrap_or_default(),
                })
            }
            Enrolment::Unknown => Err(stranger(unknown)),
            Enrolment::UsedUp => Err(stranger(
                "this enrolment token was used as often as it may be: make another one",
            )),
            Enrolment::Expired => {
                Err(stranger("this enrolment token has expired, or was revoked: make another one"))
            }
        }
    }

    /// Waits until there is work for a runner, or as long as it waits.
    ///
    /// # Errors
    /// Where it says what makes no sense.
    pub async fn poll(&self, runner: &RunnerRow, asked: &[u8]) -> Result<Work, Refused> {
        let asked: Poll = read(asked)?;
        speaks(asked.protocol)?;
        let evidence = asked.evidence.as_ref().map(sound).transpose()?;
        let has: Vec<String> = asked.have.iter().take(64).map(Uuid::to_string).collect();
        self.store.heard_of_runner(&runner.id, evidence.as_deref(), now_us()).await?;
        self.store.note_runner_commands(&runner.id, &has, true).await?;
        let wait = Duration::from_secs(asked.wait_s.into()).min(LONGEST);
        let until = Instant::now() + wait;
        let has: BTreeSet<String> = has.into_iter().collect();
        let room = usize::try_from(asked.room).unwrap_or(AT_ONCE).min(AT_ONCE);
        loop {
            // Before it is looked: what comes between is not missed.
            let came = CAME.notified();
            let work = self.work(&runner.id, &has, room).await?;
            let left = until.saturating_duration_since(Instant::now());
            if !work.commands.is_empty() || left.is_zero() {
                return Ok(work);
            }
            drop(tokio::time::timeout(left.min(LOOK), came).await);
        }
    }

    async fn work(
        &self,
        runner: &str,
        has: &BTreeSet<String>,
        room: usize,
    ) -> Result<Work, Refused> {
        let mut work = Work::default();
        let (mut handed, mut bytes) = (Vec::new(), 0);
        for command in self.store.runner_commands(runner, now_us()).await? {
            let input = command.input(&self.keys)?;
            bytes += command.text.len() + input.as_ref().map_or(0, String::len);
            let full = !handed.is_empty() && bytes > BYTES_AT_ONCE;
            if handed.len() >= room || full {
                break;
            }
            if has.contains(&command.run) {
                continue;
            }
            let mut document: serde_json::Value = serde_json::from_str(&command.document)
                .map_err(|error| Refused::Fault(error.to_string()))?;
            document["text"] = command.text.into();
            document["stdin"] = input.into();
            let signed: Signed = serde_json::from_value(document)
                .map_err(|error| Refused::Fault(error.to_string()))?;
            work.commands.push(signed);
            handed.push(command.run);
        }
        self.store.note_runner_commands(runner, &handed, false).await?;
        Ok(work)
    }

    /// Takes a piece of what a run prints.
    ///
    /// # Errors
    /// Where there is no such run, or it is no piece.
    pub async fn output(
        &self,
        runner: &RunnerRow,
        run: &str,
        asked: &[u8],
    ) -> Result<Taken, Refused> {
        let piece: Piece = read(asked)?;
        let wrong = |what: &str| Refused::Wrong(what.to_owned());
        let bytes = STANDARD.decode(&piece.data).map_err(|_| wrong("a piece is in base64"))?;
        if bytes.is_empty() || bytes.len() > PIECE {
            return Err(wrong("a piece has 1 to 65,536 bytes"));
        }
        let at = i64::try_from(piece.at).map_err(|_| wrong("`at` is out of range"))?;
        let length = i64::try_from(bytes.len()).unwrap_or_default();
        let names = (&*runner.id, run);
        let taken = self.store.add_runner_output(names, (at, length), &piece.data).await?;
        let taken = taken.ok_or(Refused::Unknown)?;
        Ok(Taken { length: u64::try_from(taken).unwrap_or_default() })
    }

    /// Takes what came of a run.
    ///
    /// # Errors
    /// Where there is no such run.
    pub async fn done(&self, runner: &RunnerRow, run: &str, asked: &[u8]) -> Result<(), Refused> {
        let done: Done = read(asked)?;
        let outcome = serde_json::to_string(&done.outcome).unwrap_or_default();
        if outcome.len() > 4096 {
            return Err(Refused::Wrong("what came of a run is too long".to_owned()));
        }
        let known = self.store.end_runner_command((&runner.id, run), &outcome, now_us()).await?;
        if known { Ok(()) } else { Err(Refused::Unknown) }
    }
}

pub(crate) fn id_of(row: &RunnerRow) -> Result<Uuid, Refused> {
    row.id.parse().map_err(|_| Refused::Fault(format!("the id of runner {:?}", row.id)))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refused> {
    // The words of the error would quote what was sent.
    serde_json::from_slice(body).map_err(|error| {
        Refused::Wrong(format!(
            "the body is not what this path takes, at line {}, column {}",
            error.line(),
            error.column()
        ))
    })
}

fn speaks(protocol: u32) -> Result<(), Refused> {
    match protocol {
        PROTOCOL => Ok(()),
        other => Err(Refused::Wrong(format!(
            "the runner speaks version {other} of the protocol, and this hub version {PROTOCOL}: \
             install the same version of linchpin at both"
        ))),
    }
}

fn sound(evidence: &Evidence) -> Result<String, Refused> {
    if !evidence.is_sound() {
        let what = "what the machine says of itself is too long, or not what it should be";
        return Err(Refused::Wrong(what.to_owned()));
    }
    serde_json::to_string(evidence).map_err(|error| Refused::Fault(error.to_string()))
}
