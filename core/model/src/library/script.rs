//! Scripts: what runs, where, and for how long. Nothing here runs one.

use serde::{Deserialize, Serialize};

/// What a script is written in.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptLanguage {
    /// PowerShell.
    #[default]
    #[serde(rename = "powershell")]
    PowerShell,
    /// The command line of Windows: a batch file.
    Cmd,
    /// The shell of POSIX.
    Sh,
    /// A program of the hub's machine that is given the script: `python3`. In the hub only.
    Interpreter(String),
}

impl ScriptLanguage {
    /// The word for it: `powershell`, `cmd`, `sh`, or the interpreter's name.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            ScriptLanguage::PowerShell => "powershell",
            ScriptLanguage::Cmd => "cmd",
            ScriptLanguage::Sh => "sh",
            ScriptLanguage::Interpreter(name) => name,
        }
    }

    /// The language of a word; nothing where it is no name of a program: a path, or a command line
    /// with arguments.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
        match word {
            "powershell" => Some(ScriptLanguage::PowerShell),
            "cmd" => Some(ScriptLanguage::Cmd),
            "sh" => Some(ScriptLanguage::Sh),
            _ if word.starts_with(|c: char| c.is_ascii_alphanumeric())
                && word.chars().all(plain) =>
            {
                Some(ScriptLanguage::Interpreter(word.to_owned()))
            }
            _ => None,
        }
    }
}

/// Where a script runs.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum ScriptContext {
    /// On the computer, as the machine itself.
    #[default]
    System,
    /// On the computer, as whoever is logged on.
    User,
    /// In the hub, for one computer; it may call down to it.
    Metascript,
    /// In the hub, for a tenant or a person.
    Cloud,
}

impl ScriptContext {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ScriptContext::System => "system",
            ScriptContext::User => "user",
            ScriptContext::Metascript => "metascript",
            ScriptContext::Cloud => "cloud",
        }
    }

    /// Whether it runs in the hub, and not on a computer.
    #[must_use]
    pub fn in_hub(self) -> bool {
        matches!(self, ScriptContext::Metascript | ScriptContext::Cloud)
    }
}

/// What becomes of a script of the context *user* where nobody is logged on. It is never run as the
/// machine instead.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum NobodyLoggedOn {
    /// Its action is left for another session, with this reason.
    #[default]
    Skip,
    /// Its action fails, with this reason.
    Fail,
}

/// What a script that runs in the hub needs of somebody else's system, and may ask the hub for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptNeed {
    /// A token for Microsoft Graph in the directory of the subject's tenant.
    Graph,
}

impl ScriptNeed {
    /// Every one.
    pub const ALL: &'static [Self] = &[ScriptNeed::Graph];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            ScriptNeed::Graph => "graph",
        }
    }

    /// What a word means.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|need| need.word() == word)
    }
}

/// A script.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// What it is written in.
    #[serde(default, skip_serializing_if = "is_default")]
    pub language: ScriptLanguage,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub context: ScriptContext,
    /// The text itself, whether it was written in a file of its own or not.
    pub body: String,
    /// Seconds after which it is ended; without them, those of its purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_s: Option<u32>,
    /// What becomes of it where nobody is logged on; for the context *user*.
    #[serde(default, skip_serializing_if = "is_default")]
    pub nobody_logged_on: NobodyLoggedOn,
    /// It runs in business hours too, where its like waits for their end.
    #[serde(default, skip_serializing_if = "is_default")]
    pub ignores_business_hours: bool,
    /// What it may ask the hub for; for the contexts that run there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<ScriptNeed>,
}

impl Script {
    /// The longest body that is taken, in bytes.
    pub const LARGEST_BODY: usize = 256 * 1024;
    /// The longest time that a script may be given, in seconds: a day.
    pub const LONGEST_S: u32 = 86_400;

    /// A PowerShell script of the machine's own context.
    #[must_use]
    pub fn new(body: &str) -> Self {
        Self { body: body.to_owned(), ..Self::default() }
    }

    /// The same in another language.
    #[must_use]
    pub fn in_language(mut self, language: ScriptLanguage) -> Self {
        self.language = language;
        self
    }

    /// The same in another context.
    #[must_use]
    pub fn in_context(mut self, context: ScriptContext) -> Self {
        self.context = context;
        self
    }

    /// Seconds after which it is ended when it is run for a purpose.
    #[must_use]
    pub fn limit_s(&self, purpose: ScriptPurpose) -> u32 {
        self.time_limit_s.unwrap_or(purpose.limit_s())
    }
}

/// What a script is for. Its name is the key in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScriptPurpose {
    /// Software: says which version is there, or nothing.
    Detect,
    /// Software: says which versions there are, and where.
    DynamicVersions,
    /// Software: puts it there.
    Install,
    /// Software: after an install that worked.
    PostInstall,
    /// Software: takes it away.
    Uninstall,
    /// Software: after an uninstall that worked.
    PostUninstall,
    /// Software: makes a newer version of what is there.
    Upgrade,
    /// Software: mends what is there.
    Repair,
    /// Software: whether what is there works. Task: whether it is as it should be.
    Test,
    /// Task: reads how it is.
    Get,
    /// Task: makes it as it should be.
    Set,
    /// Task: all of `get`, `set` and `test`, told apart by the `method` that it is given.
    Combined,
}

impl ScriptPurpose {
    /// Those of software that each version may have of its own.
    pub const OF_VERSIONS: &'static [ScriptPurpose] = &[
        ScriptPurpose::Install,
        ScriptPurpose::PostInstall,
        ScriptPurpose::Uninstall,
        ScriptPurpose::PostUninstall,
        ScriptPurpose::Upgrade,
        ScriptPurpose::Repair,
        ScriptPurpose::Test,
    ];

    /// Those of tasks.
    pub const OF_TASKS: &'static [ScriptPurpose] =
        &[ScriptPurpose::Get, ScriptPurpose::Set, ScriptPurpose::Test, ScriptPurpose::Combined];

    /// The key in the files.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            ScriptPurpose::Detect => "detect",
            ScriptPurpose::DynamicVersions => "dynamic_versions",
            ScriptPurpose::Install => "install",
            ScriptPurpose::PostInstall => "post_install",
            ScriptPurpose::Uninstall => "uninstall",
            ScriptPurpose::PostUninstall => "post_uninstall",
            ScriptPurpose::Upgrade => "upgrade",
            ScriptPurpose::Repair => "repair",
            ScriptPurpose::Test => "test",
            ScriptPurpose::Get => "get",
            ScriptPurpose::Set => "set",
            ScriptPurpose::Combined => "script",
        }
    }

    /// Whether it only reads. A combined script reads where its method does: see [`TaskMethod`].
    #[must_use]
    pub fn reads(self) -> bool {
        matches!(
            self,
            ScriptPurpose::Detect
                | ScriptPurpose::DynamicVersions
                | ScriptPurpose::Test
                | ScriptPurpose::Get
        )
    }

    /// Seconds that its scripts have where they say nothing: 240 to read, 1800 to act.
    #[must_use]
    pub fn limit_s(self) -> u32 {
        if self.reads() { 240 } else { 1800 }
    }
}

/// What a combined script is asked for, as its `method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskMethod {
    /// Read how it is.
    Get,
    /// Make it as it should be.
    Set,
    /// Say whether it is as it should be.
    Test,
}

impl TaskMethod {
    /// The purpose of a script of this method alone, whose time a combined one has as well.
    #[must_use]
    pub fn purpose(self) -> ScriptPurpose {
        match self {
            TaskMethod::Get => ScriptPurpose::Get,
            TaskMethod::Set => ScriptPurpose::Set,
            TaskMethod::Test => ScriptPurpose::Test,
        }
    }
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_that_says_little_is_written_so_and_has_the_time_of_its_purpose() {
        let script = Script::new("exit 0");
        let json = serde_json::to_string(&script).unwrap();
        assert_eq!(json, "{\"body\":\"exit 0\"}");
        assert_eq!(serde_json::from_str::<Script>(&json).unwrap(), script);
        assert_eq!(script.limit_s(ScriptPurpose::Detect), 240);
        assert_eq!(script.limit_s(ScriptPurpose::Install), 1800);
        assert_eq!(script.limit_s(TaskMethod::Test.purpose()), 240);
        let short = Script { time_limit_s: Some(5), ..script };
        assert_eq!(short.limit_s(ScriptPurpose::Install), 5);
        assert!(serde_json::from_str::<Script>("{\"body\":\"\",\"shell\":\"zsh\"}").is_err());
    }

    #[test]
    fn an_interpreter_is_the_name_of_a_program_and_no_command_line() {
        for word in ["powershell", "cmd", "sh", "python3", "pwsh-7.4", "g++"] {
            assert_eq!(ScriptLanguage::of_word(word).unwrap().word(), word);
        }
        for word in ["", "/bin/bash", "..", "python3 -c", "a;b", "-x", "C:\\x"] {
            assert_eq!(ScriptLanguage::of_word(word), None, "{word}");
        }
    }
}
