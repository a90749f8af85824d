//! From a script and what it is given to the commands that are sent.

use std::fmt;

use core_connector::Secret;
use core_model::library::Script;

use crate::{Arguments, ScriptError, SecretFetch, posix, stage, windows};

/// By what the lines of one run are known. Random, and never used twice: whoever makes a run makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(pub u64);

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// How many bytes of what a script prints come back: so many from its beginning and its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caps {
    /// Of the output, from its beginning.
    pub head: u32,
    /// Of the output, from its end.
    pub tail: u32,
    /// Of errors, from the beginning, and as many from the end.
    pub errors: u32,
    /// Of the last value. One that is longer does not count as a value.
    pub value: u32,
}

impl Caps {
    /// What a vendor's history can bear.
    pub const VENDOR: Self = Self { head: 2_000, tail: 6_000, errors: 2_000, value: 8_000 };
    /// What a runner of the hub's own can bear.
    pub const LOCAL: Self = Self { head: 65_536, tail: 1 << 20, errors: 65_536, value: 4 << 20 };

    /// How many characters the vendor must let through so that an answer of this size is not cut off: the
    /// connector's `output_limit`. Lines of 48 characters of base64 in a frame of 26 or 27, each ended by two.
    #[must_use]
    pub fn output_limit(&self) -> usize {
        let all = [self.head, self.tail, self.value];
        let bytes: usize = all.iter().map(|&one| one as usize).sum();
        // Errors and what a program wrote to standard output and error beside: three times.
        let bytes = bytes + 6 * self.errors as usize + 4_096 + 1_024;
        bytes.div_ceil(36) * 80 + 256
    }
}

/// What takes a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandShell {
    /// Windows PowerShell 5.1. Scripts of `cmd.exe` go through it too.
    PowerShell,
    /// The shell of POSIX.
    Sh,
}

/// What a way to a machine can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits<'a> {
    /// What takes the commands.
    pub shell: CommandShell,
    /// How many characters (UTF-16) a command may have.
    pub command: usize,
    /// Whether a process has a standard input that we write, which is in no history.
    pub stdin: bool,
    /// In which folder scripts are staged by `sh`; on Windows it is `%ProgramFiles%\Linchpin\runs`. Only an
    /// administrator may write to the folder that it lies in.
    pub folder: &'a str,
}

impl Limits<'static> {
    /// The shortest command that scripts can be staged with.
    pub const SMALLEST: usize = 1_024;
    /// Automate: a command line of 32,000 characters, 83 of them fixed; in it, in base64 of UTF-16, 45 characters
    /// that name the run, and the command.
    pub const CW_AUTOMATE: Self = Self::of_windows(11_900);
    /// Control: no limit is documented. Commands stay in its database, which is SQLite as it is delivered.
    pub const CW_CONTROL: Self = Self::of_windows(30_000);

    const fn of_windows(command: usize) -> Self {
        Self { shell: CommandShell::PowerShell, command, stdin: false, folder: "" }
    }
}

/// One run of one script.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// What runs.
    pub script: &'a Script,
    /// With what.
    pub arguments: &'a Arguments,
    /// From where the machine fetches its secrets.
    pub fetch: Option<&'a SecretFetch>,
    /// By what its answer is known.
    pub nonce: Nonce,
    /// Seconds after which the machine ends it: [`Script::limit_s`].
    pub limit_s: u32,
    /// How much comes back.
    pub caps: Caps,
}

impl Job<'_> {
    pub(crate) fn unsupported(&self, way: &'static str) -> ScriptError {
        ScriptError::Unsupported {
            language: self.script.language.word().to_owned(),
            context: self.script.context.word(),
            way,
        }
    }

    /// How the secrets get to the machine, if there are any.
    pub(crate) fn secrets(&self, stdin: bool) -> Result<SecretWay<'_>, ScriptError> {
        match (self.arguments.secrets.is_empty(), self.fetch) {
            (true, _) => Ok(SecretWay::None),
            (false, _) if stdin => Ok(SecretWay::Stdin),
            (false, Some(fetch)) => Ok(SecretWay::Fetch(fetch)),
            (false, None) => {
                let names: Vec<&str> = self.arguments.secrets.keys().map(String::as_str).collect();
                Err(ScriptError::NoWayForSecrets { names: names.join(", ") })
            }
        }
    }
}

/// How secrets get to the machine.
pub(crate) enum SecretWay<'a> {
    /// There are none.
    None,
    /// [`crate::secret_document`] on standard input.
    Stdin,
    /// By the machine itself.
    Fetch(&'a SecretFetch),
}

/// What is sent, in order. It does not print: a command may hold a token.
#[derive(Clone)]
pub struct Delivery {
    /// Commands that stage the script. Each may be sent twice, and in any order; [`crate::parts_stored`] reads
    /// their answers.
    pub parts: Vec<Secret>,
    /// The command that runs it, after all parts. It is sent once; [`crate::read`] reads its answer.
    pub run: Secret,
    /// Takes away what was staged, where `run` was never sent. It runs nothing.
    pub sweep: Option<Secret>,
}

/// The commands of a run. A script that fits into one command is one; a longer one is staged in parts, in a folder
/// that only administrators read, and compared with its SHA-256 before it runs.
///
/// # Errors
/// Where the script cannot be run in this way, or its names and secrets cannot get there.
pub fn deliver(job: &Job<'_>, limits: &Limits<'_>) -> Result<Delivery, ScriptError> {
    if limits.command < Limits::SMALLEST {
        return Err(ScriptError::Limit { given: limits.command, smallest: Limits::SMALLEST });
    }
    if job.script.context.in_hub() {
        return Err(job.unsupported("on a machine"));
    }
    let program = match limits.shell {
        CommandShell::PowerShell => windows::program(job, limits)?,
        CommandShell::Sh => posix::program(job, limits)?,
    };
    Ok(stage::deliver(job.nonce, &program, limits))
}

/// A text without its comment lines and indents, and with its blanks filled in. What is filled in is never looked
/// through for blanks itself.
pub(crate) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let lines = template.lines().map(str::trim_start);
    let text = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
    let text = text.collect::<Vec<_>>().join("\n");
    let mut filled = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('@') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let value = from[1..].split_once('@').and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((*value, after))
        });
        match value {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('@');
                rest = &from[1..];
            }
        }
    }
    filled.push_str(rest);
    filled
}
