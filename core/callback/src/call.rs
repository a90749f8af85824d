//! What may be asked, and what is answered.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a script asks the hub for.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// The computer of the session runs a script.
    Invoke(Box<Invocation>),
    /// What is known of the session's subject.
    Facts,
    /// How it goes, or what came of it.
    Report(Report),
    /// A token for a resource of the subject's tenant.
    Token {
        /// The resource: `graph`.
        resource: String,
        /// Of which directory, where the tenant has several.
        client: Option<String>,
    },
}

/// A script for the computer of the session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invocation {
    /// Its text.
    pub script: String,
    /// What it is written in: `powershell`, `cmd` or `sh`; PowerShell where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// As whom it runs: `system` or `user`; the machine itself where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Whoever asks promises that it changes nothing: it may run twice, and while it is only looked.
    #[serde(default)]
    pub reads_only: bool,
    /// What it is given, by name.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub arguments: Map<String, Value>,
    /// The names of secrets that whoever asks was given, and that it is given too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<String>,
    /// Seconds after which it is ended; never more than what whoever asks has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<u32>,
}

/// What a script tells about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// How it goes, in a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// What came of it, as data; the last one counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum CallAnswer {
    /// What is known, or another document.
    Document(Value),
    /// What came of a script on the computer.
    Invoked {
        /// One word: `finished`, `timed_out`, `nobody_logged_on`, `offline`, `not_run`, `interrupted`.
        outcome: &'static str,
        /// Why it did not end, in words.
        message: String,
        /// Its exit code.
        exit: Option<i64>,
        /// Its last value.
        value: Value,
        /// What it printed.
        output: String,
        /// Its errors.
        errors: String,
    },
    /// A token. It may be read by whoever asked, and is never printed.
    Token {
        /// The token.
        token: core_connector::Secret,
        /// Seconds that it is good for, at least.
        expires_in: u64,
    },
    /// It was taken down.
    Taken,
}

/// Why nothing is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// What was asked makes no sense.
    Wrong(String),
    /// It may not be asked here.
    Refused(String),
    /// There is no such thing.
    Missing(String),
    /// Not now: something else is under way, or the hub is stopping.
    NotNow(String),
}
