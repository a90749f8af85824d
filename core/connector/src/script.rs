//! Running a script on a machine through an agent.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Result;

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

    /// How many characters (UTF-16) a script's text may have.
    fn command_limit(&self) -> usize;

    /// How long to wait between two polls.
    fn poll_interval(&self) -> Duration {
        Duration::from_secs(2)
    }
}
