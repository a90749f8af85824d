//! Running a script on a machine through an agent.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, ErrorKind, Result, Secret};

/// What interprets a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shell {
    /// Windows PowerShell.
    PowerShell,
    /// `cmd.exe`.
    Cmd,
}

/// A script to run as the machine's system account.
#[derive(Clone, Debug)]
pub struct Script {
    /// The name of this run, which no other run has. Whoever starts it chooses and stores it first; it
    /// travels with the script, so that a run whose start nobody could note is found again.
    pub run: Uuid,
    /// What interprets it.
    pub shell: Shell,
    /// Its text, lines parted by `\n`.
    pub text: String,
    /// How long the machine may take.
    pub time_limit: Duration,
    /// How many characters of output are wanted.
    pub output_limit: usize,
}

/// Names a started script, and can be stored: a run outlives the process that started it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScriptHandle(pub String);

/// How far a script is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScriptOutcome {
    /// Not answered yet.
    Pending,
    /// It ran; this is what it printed.
    Done {
        /// Standard output, without the transport's own decoration.
        output: String,
        /// The transport cut it off.
        truncated: bool,
    },
    /// It did not run to its end.
    Failed {
        /// In words.
        reason: String,
    },
}

/// What takes commands on the machine of one agent, and how they get there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taker {
    /// It is the shell of POSIX, and not PowerShell.
    pub posix: bool,
    /// In which folder scripts are staged there, where that is the machine's to say.
    pub folder: String,
    /// It is there just now; nothing where only the stream of agents says so.
    pub online: Option<bool>,
}

/// A connector that runs scripts.
#[async_trait]
pub trait RunScript: Send + Sync {
    /// Starts a script on the machine of this agent (the agent record's key).
    ///
    /// # Errors
    /// As any call; `NotFound` where the agent is unknown.
    async fn start(&self, agent: &str, script: &Script) -> Result<ScriptHandle>;

    /// The run of this script on the machine of this agent, if it was started: for whoever does not
    /// know whether its start arrived. The script must be the one that was started, its `run` with it.
    ///
    /// # Errors
    /// As any call; `NotFound` where the agent is unknown.
    async fn find(&self, agent: &str, script: &Script) -> Result<Option<ScriptHandle>>;

    /// How far it is. A connector never waits in here: the caller paces.
    ///
    /// # Errors
    /// As any call; `NotFound` where the vendor has forgotten the run.
    async fn poll(&self, handle: &ScriptHandle) -> Result<ScriptOutcome>;

    /// Where the connection is the hub's own way to its machines, what takes commands on this one: they have a
    /// standard input then, and nobody else keeps what they print. Vendors' agents have nothing of it.
    ///
    /// # Errors
    /// As any call; `NotFound` where the agent is unknown.
    async fn taker(&self, _agent: &str) -> Result<Option<Taker>> {
        Ok(None)
    }

    /// Starts a script, and gives its standard input something where there is something to give. On the hub's own
    /// ways what the script's `shell` says does not matter: [`RunScript::taker`] says what takes it.
    ///
    /// # Errors
    /// As [`RunScript::start`]; `NotOffered` where there is something to give, and no way for it.
    async fn start_with(
        &self,
        agent: &str,
        script: &Script,
        stdin: Option<&Secret>,
    ) -> Result<ScriptHandle> {
        match stdin {
            None => self.start(agent, script).await,
            Some(_) => {
                let detail = "this connection has no standard input";
                Err(Error::new(ErrorKind::NotOffered, "run a script", detail))
            }
        }
    }

    /// Whether machines must be asked by a script who they are; else their agents say so by themselves.
    fn asks_who_they_are(&self) -> bool {
        true
    }

    /// How many characters (UTF-16) a script's text may have.
    fn command_limit(&self) -> usize;

    /// How long to wait between two polls.
    fn poll_interval(&self) -> Duration {
        Duration::from_secs(2)
    }
}
