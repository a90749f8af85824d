//! The tables of software and tasks.

use schemars::JsonSchema;
use serde_json::Value;

use super::OriginWord;

/// What a script is written in: "powershell", "cmd", "sh", or for scripts that run in the hub the
/// name of a program there, such as "python3".
#[derive(JsonSchema)]
pub struct LanguageWord(pub String);

/// Where a script runs.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum ContextWord {
    /// On the computer, as the machine itself. The default for software and tasks of computers.
    System,
    /// On the computer, as whoever is logged on.
    User,
    /// In the hub, for one computer; it may call down to it.
    Metascript,
    /// In the hub, for a tenant or a person. The default for their tasks, and for these only.
    Cloud,
}

/// What becomes of a script of the context "user" where nobody is logged on.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum NobodyWord {
    /// Its action is left for another session. The default.
    Skip,
    /// Its action fails.
    Fail,
}

/// What a script that runs in the hub needs of somebody else's system.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum NeedWord {
    /// A token for Microsoft Graph in the directory of the tenant that it runs for.
    Graph,
}

/// A script: its text in quotes, or a table with a file beside this one.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum ScriptChoice {
    /// The text itself, in PowerShell.
    Text(String),
    /// A file, or a text of which more is said.
    Table(ScriptTable),
}

/// A script: `file` or `body`, and how it runs.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ScriptTable {
    /// A file of UTF-8 text, by its path from this file: "install.ps1". It must be in the folder of
    /// the library and have 262144 bytes at most.
    pub file: Option<String>,
    /// The text itself.
    pub body: Option<String>,
    /// What it is written in. Left out, what the file's name ends in says: `.ps1`, `.cmd`, `.bat`,
    /// `.sh`; of a `body`, PowerShell.
    pub language: Option<LanguageWord>,
    /// Where it runs.
    pub context: Option<ContextWord>,
    /// Seconds after which it is ended. Left out, 240 for what detects, tests and gets, 1800 for
    /// what acts.
    #[schemars(range(min = 1, max = 86_400))]
    pub time_limit: Option<u32>,
    /// What becomes of it where nobody is logged on; for the context "user".
    pub nobody_logged_on: Option<NobodyWord>,
    /// It runs in business hours too, where its like waits for their end.
    pub ignores_business_hours: Option<bool>,
    /// What it may ask the hub for; for the contexts "metascript" and "cloud".
    pub needs: Option<Vec<NeedWord>>,
}

/// How a name is compared with those of the software table, without case.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum MatchWord {
    /// It is part of it. The default.
    Contains,
    /// It is it.
    Exact,
    /// It is a regular expression that is found in it.
    Regex,
}

/// How software is found. It says one thing: `table`, `upgrade_code`, `product_codes` or `script`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct DetectTable {
    /// By its name in the table of installed software.
    pub table: Option<String>,
    /// How `table` is compared.
    pub r#match: Option<MatchWord>,
    /// By the upgrade code of Windows Installer, which all its versions share.
    pub upgrade_code: Option<String>,
    /// By product codes of Windows Installer: these, and each version's `product_code`.
    pub product_codes: Option<Vec<String>>,
    /// By a script that prints the version, or nothing where it is not there.
    pub script: Option<ScriptChoice>,
}

/// What a newer version does where an older one is.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum UpgradeWord {
    /// Nothing: an update fails. The default.
    None,
    /// The old one is uninstalled, the new one installed.
    UninstallInstall,
    /// The new one is installed over the old one.
    InstallOver,
    /// The `upgrade` script.
    Script,
}

/// What is done where software is there and its test says that it does not work.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum RepairWord {
    /// Nothing: it fails. The default.
    None,
    /// It is uninstalled and installed anew.
    UninstallInstall,
    /// It is installed over itself.
    InstallOver,
    /// The `repair` script.
    Script,
}

/// For which processors a version is.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum ArchitectureWord {
    /// 32 bits of Intel.
    X86,
    /// 64 bits of Intel.
    X64,
    /// 64 bits of ARM.
    Arm64,
}

/// A version: as its publisher writes it, or a table that says more.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum VersionChoice {
    /// The version.
    Text(String),
    /// The version, and what is its own.
    Table(Box<VersionTable>),
}

/// A version. Its scripts beat those of the software.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct VersionTable {
    /// The version, as its publisher writes it. It is there several times only for several
    /// architectures.
    pub version: String,
    /// For which processors; left out, for any.
    pub architecture: Option<ArchitectureWord>,
    /// Address that it is fetched from before it is installed.
    pub url: Option<String>,
    /// SHA-256 of what is fetched, in 64 hexadecimal digits; what differs is not run.
    pub sha256: Option<String>,
    /// What the file is called on the computer; left out, as the address ends.
    pub file_name: Option<String>,
    /// Its product code of Windows Installer.
    pub product_code: Option<String>,
    /// The version that must be there before this one: a stepping stone.
    pub requires_version: Option<String>,
    /// What it does where an older one is; left out, what the software does.
    pub upgrade_strategy: Option<UpgradeWord>,
    /// Puts it there.
    pub install: Option<ScriptChoice>,
    /// After an install that worked.
    pub post_install: Option<ScriptChoice>,
    /// Takes it away.
    pub uninstall: Option<ScriptChoice>,
    /// After an uninstall that worked.
    pub post_uninstall: Option<ScriptChoice>,
    /// Makes it of an older one.
    pub upgrade: Option<ScriptChoice>,
    /// Mends it.
    pub repair: Option<ScriptChoice>,
    /// Ends with true or false: whether it works.
    pub test: Option<ScriptChoice>,
}

/// Whether software needs a licence.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum LicenceWord {
    /// It has none. The default.
    None,
    /// It is given one where there is one.
    Optional,
    /// Without one it is not installed.
    Required,
}

/// What a licence is.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum LicenceKindWord {
    /// A key: a text. The default.
    Key,
    /// A file, whose text is kept.
    File,
}

/// A licence.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct LicenceTable {
    /// What people read; unique among those of its software.
    pub name: String,
    /// The kept secret that is the key, or the text of the file: "store:NAME". `linchpin secrets set
    /// NAME` keeps it.
    pub value: String,
    /// The tenant that it is for, by name or id; left out, any.
    pub tenant: Option<String>,
    /// The versions that it is for: this one, and those that begin with its parts ("24" is for
    /// 24.1); left out, any.
    pub version: Option<String>,
}

/// What values a parameter takes.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum ParameterWord {
    /// Texts. The default.
    Text,
    /// Numbers.
    Number,
    /// True or false.
    Boolean,
    /// One of the `choices`.
    Select,
    /// Names of kept secrets: "store:NAME". The script is given the secret.
    Password,
    /// Files, by path or address.
    File,
    /// Addresses with a scheme: "https://…".
    Uri,
    /// Tables of texts, numbers and truth values.
    KeyValue,
}

/// A parameter: what scripts are given by deployments.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct ParameterTable {
    /// Name by which scripts and deployments know it; compared exactly.
    pub name: String,
    /// What people read. Left out, the name.
    pub title: Option<String>,
    /// What values it takes.
    pub r#type: Option<ParameterWord>,
    /// The texts that may be chosen, where it is a "select".
    pub choices: Option<Vec<String>>,
    /// There must be a value.
    pub required: Option<bool>,
    /// Its value where a deployment gives none.
    pub default: Option<Value>,
    /// Its value is the default, whatever deployments say.
    pub fixed: Option<bool>,
    /// What it is for.
    pub note: Option<String>,
}

/// Whether software is there.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum PresenceWord {
    /// It is.
    Installed,
    /// It is not.
    NotInstalled,
}

/// What is done where the condition of a prerequisite holds.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum ThenWord {
    /// `software` is installed before.
    Install,
    /// `software` is uninstalled before.
    Uninstall,
    /// The item fails. Where what it wants is about to come in the same session, it waits instead.
    Fail,
}

/// If any or all of some software are installed or not, then something is installed, uninstalled,
/// or the item fails.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PrerequisiteTable {
    /// At least one of this software. Either this or `all_of`.
    #[schemars(length(min = 1))]
    pub any_of: Option<Vec<String>>,
    /// All of this software. Either this or `any_of`.
    #[schemars(length(min = 1))]
    pub all_of: Option<Vec<String>>,
    /// Whether it is there.
    pub are: PresenceWord,
    /// What is done then, before the item.
    pub then: ThenWord,
    /// What is installed or uninstalled; left out, what the condition is about.
    #[schemars(length(min = 1))]
    pub software: Option<Vec<String>>,
}

/// When an item has its turn in a session, as far as prerequisites leave it open. It says one
/// thing.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct OrderTable {
    /// At the beginning, lower numbers first.
    #[schemars(range(min = -2_147_483_648, max = 2_147_483_647))]
    pub beginning: Option<i32>,
    /// At the end, lower numbers first.
    #[schemars(range(min = -2_147_483_648, max = 2_147_483_647))]
    pub end: Option<i32>,
}

/// A piece of software.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct SoftwareTable {
    /// Name by which deployments refer to it; compared without case.
    pub name: String,
    /// What people read. Left out, the name.
    pub title: Option<String>,
    /// Publisher.
    pub publisher: Option<String>,
    /// Its versions, as the publisher writes them, or tables that say more.
    pub versions: Option<Vec<VersionChoice>>,
    /// Who defined it.
    pub origin: Option<OriginWord>,
    /// How it is found; left out, nobody knows whether it is there.
    pub detect: Option<DetectTable>,
    /// Puts it there.
    pub install: Option<ScriptChoice>,
    /// After an install that worked.
    pub post_install: Option<ScriptChoice>,
    /// Takes it away. Left out, the uninstall string does that the software table reports.
    pub uninstall: Option<ScriptChoice>,
    /// After an uninstall that worked.
    pub post_uninstall: Option<ScriptChoice>,
    /// Makes a newer version of what is there.
    pub upgrade: Option<ScriptChoice>,
    /// Mends what is there.
    pub repair: Option<ScriptChoice>,
    /// Ends with true or false: whether what is there works.
    pub test: Option<ScriptChoice>,
    /// Prints which versions there are, and where each is fetched from.
    pub dynamic_versions: Option<ScriptChoice>,
    /// Without an `uninstall` script, the uninstall string that the software table reports is used.
    /// Left out, it is.
    pub reported_uninstall: Option<bool>,
    /// What a newer version does where an older one is.
    pub upgrade_strategy: Option<UpgradeWord>,
    /// What is done where it does not work.
    pub repair_strategy: Option<RepairWord>,
    /// It works only after a reboot.
    pub reboot_needed: Option<bool>,
    /// The task that configures it, right after it; by name or id.
    pub configuration: Option<String>,
    /// Whether it needs a licence.
    pub licence: Option<LicenceWord>,
    /// What a licence is.
    pub licence_kind: Option<LicenceKindWord>,
    /// The licences that there are.
    pub licences: Option<Vec<LicenceTable>>,
    /// What its scripts are given by deployments, beside what its configuration task is.
    pub parameters: Option<Vec<ParameterTable>>,
    /// What must be so before.
    pub prerequisites: Option<Vec<PrerequisiteTable>>,
    /// When it has its turn.
    pub order: Option<OrderTable>,
}

/// For whom a task is.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum CategoryWord {
    /// Computers. The default.
    Computer,
    /// Tenants.
    Tenant,
    /// Persons.
    Person,
}

/// A task.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct TaskTable {
    /// Name by which deployments refer to it; compared without case.
    pub name: String,
    /// What people read. Left out, the name.
    pub title: Option<String>,
    /// For whom it is: what its targets resolve to.
    pub category: Option<CategoryWord>,
    /// It may be there several times on one subject, told apart by an `instance` (certificates,
    /// printers).
    pub instances: Option<bool>,
    /// Who defined it.
    pub origin: Option<OriginWord>,
    /// Prints how it is.
    pub get: Option<ScriptChoice>,
    /// Makes it as it should be.
    pub set: Option<ScriptChoice>,
    /// Ends with true or false: whether it is as it should be.
    pub test: Option<ScriptChoice>,
    /// All of these in one, which is given the `method`: "get", "set" or "test". What has a script
    /// of its own is not done by it.
    pub script: Option<ScriptChoice>,
    /// What its scripts are given by deployments.
    pub parameters: Option<Vec<ParameterTable>>,
    /// The lock that it holds while it runs: of everything with this one, one runs at a time.
    pub serial: Option<String>,
    /// Names of fields of what `get` reads whose values only operators and admins see, however deep they stand;
    /// compared without case.
    pub secret_fields: Option<Vec<String>>,
    /// It takes part in onboarding runs only.
    pub onboarding_only: Option<bool>,
    /// It takes no part in onboarding runs that nobody looks at.
    pub ignored_in_automatic_onboarding: Option<bool>,
    /// What must be so before.
    pub prerequisites: Option<Vec<PrerequisiteTable>>,
    /// When it has its turn.
    pub order: Option<OrderTable>,
}
