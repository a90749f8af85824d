//! What a machine holds beyond its identity: software, services, files, registry, reboots; and
//! what is under way on it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::MachineNo;

/// Text that is mostly the catalogue's.
pub type Name = Cow<'static, str>;

/// For whom software is installed, and where its row in the registry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// For the machine, 64 bits.
    Machine,
    /// For the machine, 32 bits (below `WOW6432Node`).
    Machine32,
    /// For one user; scripts of the agent, which run as SYSTEM, do not see it below HKCU.
    User,
}

/// Software as Windows lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// `DisplayName`.
    pub name: Name,
    /// `DisplayVersion`.
    pub version: Name,
    /// `Publisher`.
    #[serde(default)]
    pub publisher: Name,
    /// The key below `Uninstall`: a product code in braces, or a name.
    pub key: Name,
    /// What versions of one product share (none of what Windows Installer does not know).
    #[serde(default)]
    pub upgrade_code: Option<Name>,
    /// `UninstallString`.
    #[serde(default)]
    pub uninstall: Name,
    /// `QuietUninstallString`.
    #[serde(default)]
    pub quiet_uninstall: Option<Name>,
    /// The program, which is a file with a version.
    #[serde(default)]
    pub exe: Option<Name>,
    /// The service that it brings, by name.
    #[serde(default)]
    pub service: Option<Name>,
    /// `InstallDate`.
    pub installed: NaiveDate,
    /// For whom.
    pub scope: Scope,
}

/// A service of Windows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its display name.
    pub display: String,
    /// Whether it runs.
    pub running: bool,
    /// `Automatic`, `Manual`, `Disabled`.
    pub start: String,
}

/// What is in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// It is a folder.
    Folder,
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// An installer of the package source; not whole where the download was bad.
    Installer {
        /// Its file name in the catalogue.
        file: String,
        /// Whether it is as it should be.
        whole: bool,
    },
}

/// A file or a folder, with its path as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path.
    pub path: String,
    /// Content.
    pub content: Content,
}

/// Who may do what with a file or a folder, where somebody said so.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// What the folder above allows does not count.
    pub protected: bool,
    /// What is allowed.
    pub rules: Vec<Rule>,
}

/// What one account may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its security id.
    pub sid: String,
    /// `FileSystemRights`: `FullControl`, `Read, Write`, `ReadAndExecute`...
    pub rights: String,
    /// Whether it counts for what is inside, too.
    pub inherits: bool,
}

/// A scheduled task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its name.
    pub name: String,
    /// The program.
    pub execute: String,
    /// What the program is given.
    pub arguments: String,
    /// As whom it runs; SYSTEM where nobody is named.
    pub user: String,
    /// Seconds after which it is ended; never, if none are given.
    pub limit_s: Option<u64>,
    /// With what its last run ended (267011: it never ran).
    pub last_result: i64,
}

/// A value of the registry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RegValue {
    /// `DWord` and `QWord`.
    Number(i64),
    /// `String` and `ExpandString`.
    Text(String),
    /// `MultiString`.
    Many(Vec<String>),
}

/// A key of the registry that somebody made or wrote to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegKey {
    /// Path, from `HKLM\` on, as it was written.
    pub path: String,
    /// Values by name.
    pub values: Vec<(String, RegValue)>,
}

/// Why Windows wants to be started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RebootCause {
    /// `Component Based Servicing\RebootPending`.
    Servicing,
    /// `WindowsUpdate\Auto Update\RebootRequired`.
    Updates,
    /// `PendingFileRenameOperations` of the session manager.
    FileRenames,
}

/// What an installer was run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// To install.
    Install,
    /// To remove.
    Uninstall,
}

/// One run of an installer or uninstaller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallerRun {
    /// When it was started.
    pub at: DateTime<Utc>,
    /// Which package, by its name in the catalogue (the key of the row for what is in no catalogue).
    pub package: String,
    /// For what.
    pub verb: Verb,
    /// How it ended; none while it runs, and where it was killed.
    pub exit: Option<i64>,
}

/// How it is with an update of Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdateState {
    /// It is not installed.
    Missing,
    /// It is installed.
    Installed,
    /// It could not be installed.
    Failed,
}

/// An update of Windows that a machine knows of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowsUpdate {
    /// Its number.
    pub kb: u32,
    /// Its title.
    pub title: String,
    /// What the RMM's policy says: `Approved`, `Not Set`, `Ignored`, `Denied`.
    pub approval: String,
    /// How it is with it.
    pub state: UpdateState,
    /// Whoever installs it fails.
    #[serde(default)]
    pub fails: bool,
}

/// What a machine holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineState {
    /// Installed software.
    pub software: Vec<Installed>,
    /// Services.
    pub services: Vec<Service>,
    /// Files and folders that scripts or tests made, by path in lower case.
    pub files: BTreeMap<String, FileEntry>,
    /// Keys that scripts or tests made, by path in lower case.
    pub registry: BTreeMap<String, RegKey>,
    /// Why a reboot is pending.
    pub pending: Vec<RebootCause>,
    /// Whether a reboot clears what is pending.
    pub clears: bool,
    /// When Windows was started.
    pub booted: DateTime<Utc>,
    /// When it was started again since the estate was made, oldest first.
    pub reboots: Vec<DateTime<Utc>>,
    /// Free bytes of drive C.
    pub disk_free: u64,
    /// Until when Windows Installer is at work, and for which run of a script.
    pub busy: Option<(DateTime<Utc>, u64)>,
    /// Every run of an installer, oldest first.
    pub installers: Vec<InstallerRun>,
    /// Who may do what with files and folders, by path in lower case.
    #[serde(default)]
    pub access: BTreeMap<String, Access>,
    /// Scheduled tasks that scripts made, by name in lower case.
    #[serde(default)]
    pub tasks: BTreeMap<String, Task>,
    /// Updates of Windows.
    #[serde(default)]
    pub updates: Vec<WindowsUpdate>,
    /// When the RMM had approved updates installed, and until when it was at that; oldest first.
    #[serde(default)]
    pub patched: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

/// What goes wrong with an installer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstallTrouble {
    /// It ends with this code and has done nothing.
    Fails(i64),
    /// It ends with 0 and has done nothing.
    DoesNothing,
    /// It takes so many seconds.
    Takes(u32),
    /// It never ends.
    Hangs,
    /// It works, and wants a reboot.
    WantsReboot,
}

/// A trouble, where and how often.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallFault {
    /// On which machine; on all where absent.
    pub machine: Option<MachineNo>,
    /// The package's name in the catalogue.
    pub package: String,
    /// What goes wrong.
    pub trouble: InstallTrouble,
    /// How often it still happens; always where absent.
    pub times: Option<u32>,
}

/// What goes wrong with a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DownloadTrouble {
    /// The file is not there: 404.
    Missing,
    /// What comes is not what was asked for, and nothing says so but the hash.
    Corrupt,
    /// The connection breaks.
    Broken,
    /// It takes so many seconds.
    Takes(u32),
}

/// Something that will have happened on a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Software is there; what has its key, or its upgrade code, is not.
    Software(Box<Installed>),
    /// The software with this key is gone.
    NoSoftware(String),
    /// A file is there.
    File(FileEntry),
    /// A file, or a folder with what is in it, is gone.
    NoFile(String),
    /// Something is written behind what a file holds.
    Append(String, Vec<u8>),
    /// It is said who may do what with a file or a folder.
    Access(String, Access),
    /// A scheduled task is as it is said here.
    Task(Task),
    /// A scheduled task is gone.
    NoTask(String),
    /// A key is there.
    Key(String),
    /// A key is gone, and those below it.
    NoKey(String),
    /// A value is set.
    Value(String, String, RegValue),
    /// A value is gone.
    NoValue(String, String),
    /// A service is as it is said here.
    Service(Service),
    /// A reboot is pending.
    Pending(RebootCause),
    /// Windows Installer is at work for a run.
    Busy(DateTime<Utc>, u64),
    /// Windows Installer is free.
    Free,
    /// An installer was started.
    Started(InstallerRun),
    /// The last one of the package that was started has ended.
    Ended(String, i64),
    /// An update of Windows is installed, or could not be.
    Update(u32),
    /// Windows goes down, for so many milliseconds.
    Down(u32),
    /// Windows is up again.
    Up,
}

/// An effect that is due.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Due {
    /// When.
    pub at: DateTime<Utc>,
    /// Where.
    pub machine: MachineNo,
    /// Of which run; a run that was killed has no more effects.
    pub run: Option<u64>,
    /// What.
    pub effect: Effect,
}

/// A run of a script that was worked out when it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScriptRun {
    /// Where.
    pub machine: MachineNo,
    /// When it ends; none for what never does.
    pub ends: Option<DateTime<Utc>>,
    /// What it will have printed; none where it is killed at its limit.
    pub output: Option<String>,
    /// Whether it was killed: nobody will hear of it.
    pub dead: bool,
}

/// The states of the machines, and what is under way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct States {
    /// Machines that something has happened to; the others are as the seed says.
    pub of: BTreeMap<MachineNo, MachineState>,
    /// The machine whose pending reboot no reboot clears.
    pub stubborn: Option<MachineNo>,
    /// Troubles of installers.
    pub install_faults: Vec<InstallFault>,
    /// Troubles of downloads, by file name.
    pub download_faults: BTreeMap<String, DownloadTrouble>,
    /// What is due, by time.
    pub agenda: Vec<Due>,
    /// Runs of scripts by number.
    pub runs: BTreeMap<u64, ScriptRun>,
    /// Number of the last run.
    pub last_run: u64,
    /// How machines ask addresses; where nobody gave a way, no address answers.
    #[serde(skip)]
    pub web: Option<Web>,
}

/// A request of a machine's own.
#[derive(Clone, Debug)]
pub struct WebRequest {
    /// `GET`, `POST`...
    pub method: String,
    /// The address.
    pub url: String,
    /// Headers by name.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// How many redirects are followed.
    pub redirects: usize,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct WebAnswer {
    /// Status.
    pub status: u16,
    /// `Content-Type`.
    pub kind: String,
    /// Body.
    pub body: Vec<u8>,
}

/// Sends a request and waits for its answer; the reason, where there is none.
pub type Ask = dyn Fn(WebRequest) -> Result<WebAnswer, String> + Send + Sync;

/// How machines ask addresses.
#[derive(Clone)]
pub struct Web(pub std::sync::Arc<Ask>);

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Web")
    }
}

impl PartialEq for Web {
    fn eq(&self, other: &Self) -> bool {
        std::sync::Arc::ptr_eq(&self.0, &other.0)
    }
}
