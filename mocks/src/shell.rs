//! What a machine prints when an RMM runs a script on it.
//!
//! This is no PowerShell. It reads line by line, knows the expressions by which a hub asks a
//! machine who it is, and prints what Windows would; anything else is an error line, as there. The
//! README lists the subset.

use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use regex::Regex;

use crate::world::{MachineNo, World};

mod probe;
mod read;

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
