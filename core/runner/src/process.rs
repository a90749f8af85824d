//! A command's process: in a group of its own, with nothing of the runner's environment but where programs, home,
//! language and zone are, and with what it prints in a file. It outlives the runner: a package manager that is ended
//! in its middle leaves a machine worse than it was.

use std::path::Path;
use std::process::Stdio;

use tokio::process::{Child, Command};
use uuid::Uuid;

use crate::journal::Journal;
use crate::powershell;
use crate::state::{private, replace};
use crate::wire::{Shell, Signed};

/// What of the runner's environment a command gets.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// What programs on Windows, and installers above all, take for granted. `PSModulePath` is none of it: that of
/// PowerShell 7 keeps Windows PowerShell from finding its own modules.
const OF_WINDOWS: [&str; 25] = [
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
    "OS",
    "NUMBER_OF_PROCESSORS",
    "PROCESSOR_ARCHITECTURE",
    "COMPUTERNAME",
    "ProgramFiles",
    "ProgramFiles(x86)",
    "ProgramW6432",
    "CommonProgramFiles",
    "CommonProgramFiles(x86)",
    "CommonProgramW6432",
    "ProgramData",
    "ALLUSERSPROFILE",
    "PUBLIC",
    "USERPROFILE",
    "USERNAME",
    "USERDOMAIN",
    "APPDATA",
    "LOCALAPPDATA",
    "TEMP",
    "TMP",
];
/// Runs a file and says in another how that ended, also where nobody waits for it.
const WRAPPER: &str =
    "umask 077; sh \"$1\"; c=$?; echo \"$c\" >\"$2.part\" && mv \"$2.part\" \"$2\"";

/// Starts a command; what its standard input is given is not written yet.
pub(crate) fn start(journal: &Journal, packages: &Path, signed: &Signed) -> std::io::Result<Child> {
    let run = signed.order.run;
    let printed = private(&journal.file(run, "out"), true)?;
    drop(printed);
    // Each of the two writes at the end, whatever the other wrote.
    let printed = private(&journal.file(run, "out"), false)?;
    let mut command = match signed.order.shell {
        Shell::Sh => through_sh(journal, signed)?,
        Shell::PowerShell => through_powershell(journal, signed)?,
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
    apart(&mut command)
}

fn through_sh(journal: &Journal, signed: &Signed) -> std::io::Result<Command> {
    let run = signed.order.run;
    let text = journal.file(run, "sh");
    replace(&text, signed.text.as_bytes())?;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", WRAPPER, "sh"]).arg(&text).arg(journal.file(run, "exit"));
    Ok(command)
}

fn through_powershell(journal: &Journal, signed: &Signed) -> std::io::Result<Command> {
    let run = signed.order.run;
    let [text, wrapper, exit, lock] =
        ["ps1", "wrapper.ps1", "exit", "lock"].map(|kind| journal.file(run, kind));
    replace(&text, powershell::file(&signed.text).as_bytes())?;
    replace(&wrapper, powershell::WRAPPER.as_bytes())?;
    let mut command = Command::new(powershell::shell());
    command.args(powershell::arguments(&wrapper, [&text, &exit, &lock]));
    Ok(command)
}

/// Starts it in a group of its own, which nothing that ends the runner ends.
#[cfg(not(windows))]
fn apart(command: &mut Command) -> std::io::Result<Child> {
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

/// Starts it in a group and with a console of its own, and outside of the job in which Windows may have put the runner:
/// a task that is ended would end it, too.
#[cfg(windows)]
fn apart(command: &mut Command) -> std::io::Result<Child> {
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x0000_0200;
    const CREATE_BREAKAWAY_FROM_JOB: u32 = 0x0100_0000;
    const ERROR_ACCESS_DENIED: i32 = 5;
    let apart = powershell::UNSEEN | CREATE_NEW_PROCESS_GROUP;
    match command.creation_flags(apart | CREATE_BREAKAWAY_FROM_JOB).spawn() {
        Err(error) if error.raw_os_error() == Some(ERROR_ACCESS_DENIED) => {
            tracing::debug!(
                "the runner's job lets nothing out: what ends the job ends this command"
            );
            command.creation_flags(apart).spawn()
        }
        other => other,
    }
}

/// When a process was started, as the system counts; nothing where it is not there, or nobody says so. On Windows
/// nobody does, and nobody needs to: see [`runs`].
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
#[cfg(not(windows))]
pub(crate) fn runs(_: &Journal, _: Uuid, process: u32, known: Option<u64>) -> bool {
    known.is_some() && started(process) == known
}

/// Whether the process of a run is there still: it alone holds the lock that its wrapper took, and until it comes to
/// that, it holds the file that it prints to. The number of a process says nothing, for Windows gives it to others.
#[cfg(windows)]
pub(crate) fn runs(journal: &Journal, run: Uuid, _: u32, _: Option<u64>) -> bool {
    let held = |kind: &str| held(&journal.file(run, kind));
    held("lock").unwrap_or_else(|| held("out") == Some(true))
}

/// Whether a process has a file open, be it one that lets others read it; nothing where there is no such file.
#[cfg(windows)]
fn held(path: &Path) -> Option<bool> {
    use std::os::windows::fs::OpenOptionsExt as _;
    match std::fs::OpenOptions::new().read(true).share_mode(0).open(path) {
        Ok(_) => Some(false),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        // Also where it cannot be told: what may run is not said to be over.
        Err(_) => Some(true),
    }
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
        use std::os::windows::process::CommandExt as _;
        let mut ending = std::process::Command::new(powershell::program("taskkill.exe"));
        ending.args(["/T", "/F", "/PID", &process.to_string()]).creation_flags(powershell::UNSEEN);
        ending.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match ending.status() {
            Ok(status) if status.success() => {}
            Ok(status) => {
                tracing::warn!(%status, "not all of a command's processes could be ended");
            }
            Err(error) => tracing::warn!(%error, "a command's processes could not be ended"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_sees_nothing_of_the_runners_own_settings() {
        for name in ENVIRONMENT.iter().chain(&OF_WINDOWS) {
            let name = name.to_ascii_uppercase();
            assert!(!name.starts_with("LINCHPIN") && name != "PSMODULEPATH", "{name}");
        }
        // What the hub's own texts look for on Windows.
        for name in ["windir", "ProgramFiles", "ComSpec"] {
            assert!(OF_WINDOWS.contains(&name), "{name}");
        }
    }
}
