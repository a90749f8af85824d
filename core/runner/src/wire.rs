//! What runner and hub say to each other: JSON over HTTP, always asked by the runner.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of all this. A hub refuses another one in words.
pub const PROTOCOL: u32 = 1;

/// Where the hub is asked.
pub mod paths {
    /// With an enrolment token: becomes a runner.
    pub const ENROL: &str = "/runner/enrol";
    /// With the runner's key, as the others: says how it is, and waits for work.
    pub const POLL: &str = "/runner/poll";
    /// Before the id of a run: a piece of what it prints.
    pub const OUTPUT: &str = "/runner/output/";
    /// Before the id of a run: what came of it.
    pub const DONE: &str = "/runner/done/";
}

/// What takes commands on a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shell {
    /// The shell of POSIX.
    #[default]
    Sh,
    /// Windows PowerShell.
    PowerShell,
}

impl Shell {
    /// Its word in what is signed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Shell::Sh => "sh",
            Shell::PowerShell => "powershell",
        }
    }
}

/// What a machine says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Evidence {
    /// Host name.
    pub host: String,
    /// Made at the enrolment, and never again.
    pub installation: Uuid,
    /// `/etc/machine-id`.
    pub machine_id: Option<String>,
    /// SMBIOS UUID, as printed.
    pub uuid: Option<String>,
    /// Serial number.
    pub serial: Option<String>,
    /// Manufacturer.
    pub manufacturer: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Its version.
    pub os_version: Option<String>,
    /// What takes commands there.
    pub shell: Shell,
    /// Where scripts are staged.
    pub folder: String,
    /// Version of the runner.
    pub version: String,
}

impl Evidence {
    /// Whether the hub can keep it: texts within bounds, and a folder that is one.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let options = [&self.machine_id, &self.uuid, &self.serial, &self.manufacturer, &self.model];
        let mut texts: Vec<&str> = options.into_iter().flatten().map(String::as_str).collect();
        texts.extend([&self.os, &self.os_version].into_iter().flatten().map(String::as_str));
        texts.extend([&*self.host, &*self.folder, &*self.version]);
        let fine = |text: &str| text.chars().count() <= 200 && !text.contains(char::is_control);
        let folder = self.shell == Shell::PowerShell || self.folder.starts_with('/');
        texts.into_iter().all(fine) && !self.host.is_empty() && folder
    }
}

/// Becomes a runner. The enrolment token is the request's bearer.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The runner's own key, which it made. The hub keeps its digest. Asked again with the same one, the hub
    /// answers as the first time: an answer may have been lost.
    pub key: String,
    /// The machine.
    pub evidence: Evidence,
}

/// What a runner is from then on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Enrolled {
    /// Its id.
    pub runner: Uuid,
    /// The public key of the hub: what is not signed with it is not run.
    pub hub_key: String,
    /// Whose machine it is.
    pub tenant: String,
}

/// How a runner is. The hub waits with its answer until there is work.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The machine, where it has changed or was not told for a while.
    #[serde(default)]
    pub evidence: Option<Evidence>,
    /// Runs that it has begun and not reported: the hub does not send them again.
    #[serde(default)]
    pub have: Vec<Uuid>,
    /// How many more it would begin now.
    pub room: u32,
    /// Seconds that it waits for an answer.
    pub wait_s: u32,
}

/// Work for a runner.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Work {
    /// Commands, each signed.
    #[serde(default)]
    pub commands: Vec<Signed>,
}

/// What is signed about a command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Whose it is.
    pub runner: Uuid,
    /// Which run: there is no second one of this name, ever.
    pub run: Uuid,
    /// What takes it.
    pub shell: Shell,
    /// SHA-256 of its text.
    pub text_sha256: String,
    /// SHA-256 of what its standard input is given.
    #[serde(default)]
    pub stdin_sha256: Option<String>,
    /// Seconds after which it is ended with all that it started.
    pub limit_s: u32,
    /// Bytes of what it prints that come back.
    pub output_limit: u64,
    /// Seconds since 1970 after which it is not begun any more.
    pub not_after_s: i64,
}

/// A command as it is sent. It does not print: it may hold secrets.
#[derive(Clone, Serialize, Deserialize)]
pub struct Signed {
    /// What is signed.
    pub order: Order,
    /// Of the order, in base64.
    pub signature: String,
    /// What runs.
    pub text: String,
    /// What its standard input is given.
    #[serde(default)]
    pub stdin: Option<String>,
}

impl std::fmt::Debug for Signed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signed({:?})", self.order)
    }
}

/// A piece of what a run prints.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// How many bytes stand before it.
    pub at: u64,
    /// It, in base64.
    pub data: String,
}

/// How much the hub has of a run's output: the next piece begins there.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Taken {
    /// Bytes.
    pub length: u64,
}

/// What came of a run, after its last piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Done {
    /// What.
    pub outcome: Outcome,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "came")]
pub enum Outcome {
    /// It ran to its end.
    Finished {
        /// Exit code of the shell.
        exit: Option<i32>,
        /// It printed more than was asked for.
        truncated: bool,
    },
    /// Its time was over, and it was ended.
    TimedOut {
        /// Seconds that it had.
        after_s: u32,
    },
    /// It was not begun, and never will be.
    Refused {
        /// In words.
        why: String,
    },
    /// It may have run; nobody knows what came of it.
    Lost {
        /// In words.
        why: String,
    },
}
