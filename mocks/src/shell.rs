//! What a machine prints when an RMM runs a script on it.
//!
//! Questions of who a machine is and who uses it ([`answer`]) are read line by line: the expressions
//! by which a hub asks are known by their words, and print what Windows would. Everything else is
//! run ([`crate::powershell`], [`crate::cmd`]) and may change the machine. The README lists both.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use regex::Regex;

use crate::machine::{Over, Sim};
use crate::world::{MachineNo, World};

pub(crate) mod probe;
mod read;

/// What reads a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// PowerShell.
    PowerShell,
    /// `cmd.exe`.
    Cmd,
    /// A window of `cmd.exe` that the script is typed into.
    Window,
}

impl Language {
    /// What a command line as Automate sends it begins with.
    pub(crate) fn of(raw: &str) -> Self {
        let program = raw.trim_start().split(['!', ' ', '\n']).next().unwrap_or_default();
        let leaf = program.trim_matches('"').rsplit('\\').next().unwrap_or_default();
        let is_cmd = leaf.to_ascii_lowercase().trim_end_matches(".exe") == "cmd";
        if is_cmd { Self::Cmd } else { Self::PowerShell }
    }
}

/// Whether a script only asks the machine who it is and who uses it.
pub(crate) fn is_question(world: &World, machine: MachineNo, script: &str) -> bool {
    const ASKS: &[&str] = &[
        "win32_computersystem",
        "win32_bios",
        "win32_operatingsystem",
        "offlineinstallationid",
        "labtech",
        "screenconnect client",
        "dsregcmd",
        "whoami",
        "get-aduser",
        "dsquery",
        "adsisearcher",
        "wmic ",
        "function upn(",
    ];
    const ACTS: &[&str] = &[
        "set-item",
        "set-content",
        "new-item",
        "remove-",
        "start-",
        "stop-",
        "restart-",
        "invoke-",
        "add-",
        "copy-",
        "move-",
        "out-file",
        "uninstall",
        "get-service",
        "get-content",
        "msiexec",
        "test-path",
        "throw ",
        "exit ",
        "shutdown",
        "lastbootuptime",
        "param(",
        "convertto-",
    ];
    let lower = script.to_lowercase();
    let asks = ASKS.iter().any(|word| lower.contains(word));
    let acts = ACTS.iter().any(|word| lower.contains(word));
    // Blocks and loops are for the interpreter, and so is what the other does not know.
    let plain = !lower.lines().map(str::trim_start).any(|line| {
        ["if ", "if(", "foreach", "for ", "while", "switch"]
            .iter()
            .any(|word| line.starts_with(word))
    });
    let known = || !answer(world, machine, script).contains(" is not recognized as the name of");
    asks && !acts && plain && (lower.contains("get-aduser") || known())
}

/// A line that a process printed.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    pub(crate) text: String,
    /// On its standard error.
    pub(crate) error: bool,
    /// When: milliseconds after the beginning of the run.
    pub(crate) at: u64,
}

/// What came of a shell: what it printed, and its exit code where it came to an end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) said: Vec<Said>,
    pub(crate) exit: Result<i64, Over>,
}

impl Ended {
    /// All lines, as one console shows them.
    pub(crate) fn lines(&self) -> Vec<&str> {
        self.said.iter().map(|said| said.text.as_str()).collect()
    }
}

/// Runs a script on a machine: what it printed, lines joined by CRLF.
pub(crate) fn run(sim: &mut Sim, language: Language, text: &str) -> String {
    let done = crate::powershell::deep(|| {
        let ended = match language {
            Language::PowerShell => crate::powershell::run(sim, text),
            Language::Cmd | Language::Window => {
                crate::cmd::run(sim, text, language == Language::Window)
            }
        };
        ended.lines().join("\r\n")
    });
    done.unwrap_or_else(|_| BROKEN.to_owned())
}

/// What is printed where the interpreter itself broke: a defect of the mocks.
pub(crate) const BROKEN: &str = "mocks : the interpreter broke on this script";

/// What the machine prints for the script, lines joined by CRLF, without a last line end.
#[must_use]
pub fn answer(world: &World, machine_no: MachineNo, script: &str) -> String {
    let Some(machine) = world.machines.get(machine_no) else { return String::new() };
    let mut run = read::Run::new(probe::Probe { world, machine, no: machine_no });
    for statement in read::statements(script) {
        run.statement(&statement);
    }
    run.printed().join("\r\n")
}

/// The script inside a command line as an RMM sends it: `powershell.exe!!! ... -EncodedCommand
/// <UTF-16LE in base64>`, `-Command "..."`, `cmd.exe!!! /c "..."`; other text is a script already.
#[must_use]
pub fn decode(raw: &str) -> String {
    encoded(raw).or_else(|| quoted(raw)).unwrap_or_else(|| raw.to_owned())
}

/// How long the machine takes to answer: the same for the same key, within the options' range.
#[must_use]
pub fn latency(world: &World, seed_key: impl Hash) -> Duration {
    let (low, high) = world.options.command_latency_ms;
    let mut hasher = DefaultHasher::new();
    (world.options.seed, seed_key).hash(&mut hasher);
    let wait = low + hasher.finish() % (high.saturating_sub(low) + 1);
    Duration::milliseconds(i64::try_from(wait).unwrap_or(i64::MAX / 2))
}

fn encoded(raw: &str) -> Option<String> {
    // ASCII only: the regex crate is built without its Unicode tables.
    let option =
        Regex::new(r#"(?i-u)[ \t][-/](?:encodedcommand|enc|ec|e)[ \t]+["']?([A-Za-z0-9+/=]+)"#);
    let bytes = STANDARD.decode(option.ok()?.captures(raw)?.get(1)?.as_str()).ok()?;
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)).collect();
    Some(String::from_utf16_lossy(&units))
}

fn quoted(raw: &str) -> Option<String> {
    const OPTIONS: &[&str] = &[" -command ", " -c ", " /c "];
    let lower = raw.to_ascii_lowercase();
    let program = lower.split(['!', ' ', '\n']).next()?.trim_matches('"');
    let name = program.rsplit('\\').next()?.trim_end_matches(".exe");
    if !matches!(name, "powershell" | "pwsh" | "cmd") {
        return None;
    }
    let (at, option) = OPTIONS.iter().filter_map(|o| Some((lower.find(o)?, o))).min()?;
    let command = raw[at + option.len()..].trim();
    let inner = command.strip_prefix('"').and_then(|c| c.strip_suffix('"')).unwrap_or(command);
    let inner = inner.strip_prefix("& {").and_then(|c| c.strip_suffix('}')).unwrap_or(inner);
    Some(inner.replace("\\\"", "\"").trim().to_owned())
}

#[cfg(test)]
mod tests;
