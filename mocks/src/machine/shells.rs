//! Shells as processes of their own, and scheduled tasks.

use super::process::Account;
use super::sim::{Deed, Sim, milliseconds};
use super::{Over, paths};
use crate::shell::{Ended, Said};
use crate::world::{Effect, Task};

/// Milliseconds until PowerShell, and until `cmd.exe`, has started.
const POWERSHELL_MS: u64 = 150;
const CMD_MS: u64 = 15;
/// What a scheduled task that never ran has for a result, one that runs, and one that was ended.
pub(crate) const NEVER_RAN: i64 = 267_011;
const RUNS: i64 = 267_009;
const WAS_ENDED: i64 = 267_014;

/// Runs a shell with a command line, from its start to its end, in the process that is at work.
pub(crate) fn shell_process(sim: &mut Sim, path: &str, line: &str) -> Ended {
    let is_cmd = paths::leaf(path).to_lowercase().starts_with("cmd");
    if let Err(over) = sim.pass(if is_cmd { CMD_MS } else { POWERSHELL_MS }) {
        return Ended { said: Vec::new(), exit: Err(over) };
    }
    if is_cmd {
        return crate::cmd::command_line(sim, line);
    }
    let args = crate::powershell::words(line);
    let is_file = |arg: &String| ["-file", "-f"].iter().any(|name| arg.eq_ignore_ascii_case(name));
    if let Some(at) = args.iter().position(is_file)
        && let Some((path, rest)) = args.get(at + 1..).and_then(|rest| rest.split_first())
    {
        return crate::powershell::run_file(sim, path, rest);
    }
    let raw = format!("powershell.exe {line}");
    let text = crate::shell::decode(&raw);
    if text == raw {
        // It waits for what somebody types, and nobody does.
        return Ended { said: Vec::new(), exit: Ok(i64::from(!line.trim().is_empty())) };
    }
    crate::powershell::run(sim, &text)
}

impl Sim {
    /// Starts a shell beside what is at work; what it prints goes into files, or is lost.
    pub(crate) fn start_shell(
        &mut self,
        path: &str,
        line: &str,
        files: [Option<String>; 2],
    ) -> u32 {
        let mut child = self.fork();
        let ended = shell_process(&mut child, path, line);
        for (file, error) in files.into_iter().zip([false, true]) {
            if let Some(file) = file {
                child.keep(&ended.said, &file, error);
            }
        }
        self.began(paths::leaf(path), child, ended.exit)
    }

    /// Puts lines into a file, each when it was printed.
    fn keep(&mut self, said: &[Said], file: &str, error: bool) {
        let pid = self.pid();
        let mut lines = said.iter().filter(|said| said.error == error).peekable();
        while let Some(first) = lines.next() {
            let mut text = format!("{}\r\n", first.text);
            while let Some(next) = lines.next_if(|next| next.at == first.at) {
                text.push_str(&next.text);
                text.push_str("\r\n");
            }
            let at = self.began + milliseconds(first.at);
            let effect = Effect::Append(file.to_owned(), text.into_bytes());
            self.effects.push(Deed { at, effect, pid });
        }
    }

    /// A process that ended as soon as it began.
    pub(crate) fn done(&mut self, path: &str, exit: i64) -> u32 {
        let (pid, ()) = self.as_process(|_| ());
        self.ends_with(pid, paths::leaf(path), 0, exit);
        pid
    }

    /// Who it is that runs, as `whoami` says it.
    pub(crate) fn whoami(&self, args: &[String]) -> String {
        let upn = args.iter().any(|arg| arg.eq_ignore_ascii_case("/upn"));
        match (&self.account, upn) {
            (Account::User(_), true) => self.facts.upn.clone(),
            (Account::User(name), false) => name.to_lowercase(),
            (Account::System, true) => "ERROR: Unable to get User Principal Name (UPN) as the \
                                        current logged-on user is not a domain user."
                .to_owned(),
            (Account::System, false) => r"nt authority\system".to_owned(),
        }
    }

    /// Starts a scheduled task, if there is somebody whose token it runs with.
    pub(crate) fn start_task(&mut self, task: &Task) -> Result<(), Over> {
        let user = self.facts.user();
        let system = ["", "system", r"nt authority\system"];
        let account = if system.contains(&task.user.to_lowercase().as_str()) {
            Account::System
        } else if user.is_some_and(|user| user.eq_ignore_ascii_case(&task.user)) {
            Account::User(task.user.clone())
        } else {
            return Ok(());
        };
        self.nest()?;
        let mut child = self.fork();
        child.account = account;
        child.env.clear();
        let leaf = paths::leaf(&task.execute).to_lowercase();
        let shell = ["powershell", "pwsh", "cmd"].iter().any(|name| leaf.starts_with(name));
        let exit = if shell {
            shell_process(&mut child, &task.execute, &task.arguments).exit
        } else {
            let args = crate::powershell::words(&task.arguments);
            match child.program(&task.execute, &args, true) {
                Ok(pid) => Ok(child.exit_of(pid).unwrap_or(0)),
                Err(super::NotStarted::Over) => Err(Over),
                Err(_) => Ok(2_147_942_402),
            }
        };
        let pid = self.began(paths::leaf(&task.execute), child, exit);
        self.unnest();
        self.leave_tree(pid);
        if let Some(limit) = task.limit_s.map(|seconds| seconds.saturating_mul(1_000))
            && self.left(pid).is_none_or(|left| left > limit)
        {
            self.end_after(pid, true, limit, WAS_ENDED);
        }
        self.task_runs.insert(task.name.to_lowercase(), pid);
        Ok(())
    }

    /// Whether a task runs now.
    pub(crate) fn task_runs(&self, name: &str) -> bool {
        let run = self.task_runs.get(&name.to_lowercase());
        run.is_some_and(|pid| self.exit_of(*pid).is_none())
    }

    /// With what the last run of a task ended.
    pub(crate) fn task_result(&self, task: &Task) -> i64 {
        match self.task_runs.get(&task.name.to_lowercase()) {
            Some(pid) => self.exit_of(*pid).unwrap_or(RUNS),
            None => task.last_result,
        }
    }

    pub(crate) fn stop_task(&mut self, name: &str) {
        if let Some(pid) = self.task_runs.get(&name.to_lowercase()).copied() {
            self.end_after(pid, true, 0, WAS_ENDED);
        }
    }
}
