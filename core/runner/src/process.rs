//! A command's process: in a group of its own, with nothing of the runner's environment but where programs, home,
//! language and zone are, and with what it prints in a file. It outlives the runner: a package manager that is ended
//! in its middle leaves a machine worse than it was.

use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};

use crate::journal::Journal;
use crate::state::{private, replace};
use crate::wire::{Shell, Signed};

/// What of the runner's environment a command gets.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// What Windows does not work without.
const OF_WINDOWS: [&str; 6] =
    ["SystemRoot", "ProgramFiles", "ProgramData", "TEMP", "PATHEXT", "ComSpec"];
/// Runs a file and says in another how that ended, also where nobody waits for it.
const WRAPPER: &str =
    "umask 077; sh \"$1\"; c=$?; echo \"$c\" >\"$2.part\" && mv \"$2.part\" \"$2\"";

/// Starts a command; what its standard input is given is not written yet.
pub(crate) fn start(journal: &Journal, packages: &Path, signed: &Signed) -> std::io::Result<Child> {
    let run = signed.order.run;
    let text = journal.file(run, if signed.order.shell == Shell::Sh { "sh" } else { "ps1" });
    replace(&text, signed.text.as_bytes())?;
    let printed = private(&journal.file(run, "out"), true)?;
    drop(printed);
    // Each of the two writes at the end, whatever the other wrote.
    let printed = private(&journal.file(run, "out"), false)?;
    let mut command = match signed.order.shell {
        Shell::Sh => {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", WRAPPER, "sh"]).arg(&text).arg(journal.file(run, "exit"));
            command
        }
        Shell::PowerShell => {
            let mut command = Command::new("powershell.exe");
            command.args(["-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"]);
            command.arg(&text);
            command
        }
    };
    let windows = if cfg!(windows) { &OF_WINDOWS[..] } else { &[] };
    let kept = ENVIRONMENT.iter().chain(windows);
    command
        .env_clear()
        .envs(kept.filter_map(|name| Some((name, std::env::var_os(name)?))))
        .env("LINCHPIN_PACKAGES", packages)
        .current_dir(packages)
        .stdin(if signed.stdin.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(printed.try_clone()?)
        .stderr(printed);
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// When a process was started, as the system counts; nothing where it is not there, or nobody says so.
pub(crate) fn started(process: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold anything, brackets too; the state stands behind it.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    // One that is dead and not waited for runs no more.
    if fields.next().is_none_or(|state| matches!(state, "Z" | "X")) {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Whether the process of a run is there still.
pub(crate) fn runs(process: u32, known: Option<u64>) -> bool {
    known.is_some() && started(process) == known
}

/// Ends a process with all that it started.
pub(crate) fn end(process: u32) {
    #[cfg(unix)]
    if let Some(group) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) {
        let ended = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        if let Err(error) = ended {
            tracing::debug!(%error, "a command's processes were gone already");
        }
    }
    #[cfg(windows)]
    {
        let number = process.to_string();
        let ended =
            std::process::Command::new("taskkill.exe").args(["/T", "/F", "/PID", &number]).status();
        if let Err(error) = ended {
            tracing::warn!(%error, "a command's processes could not be ended");
        }
    }
}
