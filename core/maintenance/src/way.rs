//! Ways to a computer, and what else a session needs from outside: all that knows a vendor, a store or a clock
//! stands behind these traits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use core_connector::{ScriptHandle, ScriptOutcome, Secret};
use core_model::id::DeploymentId;
use core_model::library::KeptSecret;
use core_script::{Caps, CommandShell, Limits, SecretFetch};
use uuid::Uuid;

use crate::error::Result;

/// A command for a computer.
#[derive(Clone, Debug)]
pub struct Command {
    /// The name of the run, which no other has.
    pub run: Uuid,
    /// Its text. It may hold a token, and does not print.
    pub text: Secret,
    /// What its standard input is given, where the way has one.
    pub stdin: Option<Secret>,
    /// How long the computer may take.
    pub limit: Duration,
    /// How many characters of output are wanted.
    pub output_limit: usize,
}

/// What carries commands to one computer.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// Starts a command.
    ///
    /// # Errors
    /// As [`core_connector::RunScript::start`].
    async fn start(&self, command: &Command) -> core_connector::Result<ScriptHandle>;

    /// The run of this command, if it was started: as [`core_connector::RunScript::find`].
    ///
    /// # Errors
    /// As [`core_connector::RunScript::find`].
    async fn find(&self, command: &Command) -> core_connector::Result<Option<ScriptHandle>>;

    /// How far it is: as [`core_connector::RunScript::poll`].
    ///
    /// # Errors
    /// As [`core_connector::RunScript::poll`].
    async fn poll(&self, handle: &ScriptHandle) -> core_connector::Result<ScriptOutcome>;

    /// How long to wait between two looks.
    fn pace(&self) -> Duration;
}

/// A way to a computer.
#[derive(Clone)]
pub struct Way {
    /// What it is called: the connection, or the runner.
    pub name: String,
    /// Whether the computer can be reached by it just now; nothing where nobody knows.
    pub online: Option<bool>,
    /// What takes the commands.
    pub shell: CommandShell,
    /// How many characters (UTF-16) a command may have.
    pub command_limit: usize,
    /// Whether commands have a standard input that nobody else keeps.
    pub stdin: bool,
    /// In which folder scripts are staged by `sh`.
    pub folder: String,
    /// How much of what a script prints it can bring back.
    pub caps: Caps,
    /// What carries.
    pub carrier: Arc<dyn Carrier>,
}

impl Way {
    /// What it can carry.
    pub(crate) fn limits(&self) -> Limits<'_> {
        Limits {
            shell: self.shell,
            command: self.command_limit,
            stdin: self.stdin,
            folder: &self.folder,
        }
    }
}

/// The ways to the computer of a session.
#[async_trait]
pub trait Ways: Send + Sync {
    /// Those that there are now, the best one first.
    ///
    /// # Errors
    /// Where they cannot be told.
    async fn ways(&self) -> Result<Vec<Way>>;
}

/// The hub's secrets.
#[async_trait]
pub trait Keys: Send + Sync {
    /// The values of secrets, by the parameter that is given them. One that is not kept is missing.
    ///
    /// # Errors
    /// Where the store does not answer.
    async fn values(
        &self,
        secrets: &BTreeMap<String, KeptSecret>,
    ) -> Result<BTreeMap<String, Secret>>;

    /// From where the computer fetches these, once; nothing where the hub has no address that it could ask.
    ///
    /// # Errors
    /// Where the store does not answer.
    async fn fetch(
        &self,
        run: Uuid,
        secrets: &BTreeMap<String, KeptSecret>,
        expires_at: DateTime<Utc>,
    ) -> Result<Option<SecretFetch>>;
}

/// What is stopped; why, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The whole session: it is put back, and waits.
    Session(String),
    /// What is done for the sake of these deployments alone; the rest goes on.
    Deployment(String),
}

/// Named locks over all sessions: who does something that may be done once at a time holds one.
#[async_trait]
pub trait Locks: Send + Sync {
    /// Takes a lock for this session, or says no. Who has it may take it again.
    ///
    /// # Errors
    /// Where the store does not answer.
    async fn take(&self, name: &str) -> Result<bool>;

    /// Gives it back.
    ///
    /// # Errors
    /// Where the store does not answer.
    async fn give_back(&self, name: &str) -> Result<()>;

    /// Whether somebody stopped the session, or every one of these deployments. It is asked before anything is
    /// changed; what has begun to change is ended.
    ///
    /// # Errors
    /// Where the store does not answer.
    async fn stopped(&self, _deployments: &BTreeSet<DeploymentId>) -> Result<Option<Stopped>> {
        Ok(None)
    }
}

/// The time, and whether there is still some.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> DateTime<Utc>;

    /// Waits so long.
    ///
    /// # Errors
    /// [`crate::Error::Stopping`] as soon as the hub is to stop; [`crate::Error::Lost`] as soon as the session is
    /// another's.
    async fn pause(&self, time: Duration) -> Result<()>;
}
