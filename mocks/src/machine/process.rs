//! Processes of a run: each sees the machine as it was when it began, does what it does at its own
//! times, and can be waited for or ended, with all that it started.

use super::sim::{STEPS, Sim, milliseconds};
use super::{NotStarted, Over};
use crate::world::Effect;

/// What a process that was ended by force ends with (`taskkill /F`).
const ENDED_BY_FORCE: i64 = 1;

/// In whose name a process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// The machine itself.
    System,
    /// Whoever is logged on: `DOMAIN\account`.
    User(String),
}

/// One process.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    parent: u32,
    pub(crate) name: String,
    /// Milliseconds after the beginning of the run; none for what never ends.
    pub(crate) ends: Option<u64>,
    pub(crate) exit: i64,
}

/// All of a run.
#[derive(Clone, Debug)]
pub(crate) struct Processes {
    all: Vec<Process>,
    /// The process that is at work.
    pub(crate) at_work: u32,
    last: u32,
}

impl Processes {
    /// The first one is the shell that the agent started.
    pub(super) fn new(run: u64) -> Self {
        let first = 4_000 + u32::try_from(run % 1_000).unwrap_or(0) * 44;
        Self { all: Vec::new(), at_work: first, last: first }
    }

    fn next(&mut self) -> u32 {
        // Windows' numbers are multiples of four.
        self.last += 4;
        self.last
    }

    pub(crate) fn get(&self, pid: u32) -> Option<&Process> {
        self.all.iter().find(|process| process.pid == pid)
    }

    /// Those that run at a time of the run's clock.
    pub(crate) fn running(&self, clock: u64) -> impl Iterator<Item = &Process> {
        self.all.iter().filter(move |process| process.ends.is_none_or(|end| end > clock))
    }

    /// A process and all that it started, and they.
    fn tree(&self, pid: u32) -> Vec<u32> {
        let mut tree = vec![pid];
        let mut at = 0;
        while let Some(parent) = tree.get(at).copied() {
            tree.extend(self.all.iter().filter(|p| p.parent == parent).map(|p| p.pid));
            at += 1;
        }
        tree
    }
}

impl Sim {
    /// A process that begins now. What it does is worked out on a machine of its own; [`Self::began`]
    /// takes over what came of it.
    pub(crate) fn fork(&mut self) -> Self {
        let parent = self.processes.at_work;
        let pid = self.processes.next();
        let mut child = self.clone();
        child.effects.clear();
        child.view = None;
        child.processes.at_work = pid;
        child.processes.all.push(Process { pid, parent, name: String::new(), ends: None, exit: 0 });
        child
    }

    /// Takes over what a process does and will do, and when it ends.
    pub(crate) fn began(&mut self, name: &str, child: Self, exit: Result<i64, Over>) -> u32 {
        let (at_work, pid) = (self.processes.at_work, child.processes.at_work);
        self.coming.extend(child.effects.iter().cloned());
        self.effects.extend(child.effects);
        self.processes = child.processes;
        self.processes.at_work = at_work;
        self.install_faults = child.install_faults;
        // One that never ends took all there are; there is room for some of these.
        self.steps = if exit.is_ok() { child.steps } else { self.steps + STEPS / 20 };
        if let Some(process) = self.processes.all.iter_mut().find(|process| process.pid == pid) {
            name.clone_into(&mut process.name);
            process.ends = exit.is_ok().then_some(child.clock);
            process.exit = exit.unwrap_or(ENDED_BY_FORCE);
        }
        pid
    }

    /// A program that is no shell: what it does is noted as its own.
    pub(super) fn as_process<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> (u32, T) {
        let (parent, pid) = (self.processes.at_work, self.processes.next());
        let name = String::new();
        self.processes.all.push(Process { pid, parent, name, ends: Some(self.clock), exit: 0 });
        self.processes.at_work = pid;
        let done = act(self);
        self.processes.at_work = parent;
        (pid, done)
    }

    /// How a program will end.
    pub(super) fn ends_with(&mut self, pid: u32, name: &str, takes: u64, exit: i64) {
        let end = (takes != u64::MAX).then(|| self.clock.saturating_add(takes));
        if let Some(process) = self.processes.all.iter_mut().find(|process| process.pid == pid) {
            name.clone_into(&mut process.name);
            (process.ends, process.exit) = (end, exit);
        }
    }

    /// Whether a process has ended by now; its exit code.
    pub(crate) fn exit_of(&self, pid: u32) -> Option<i64> {
        let process = self.processes.get(pid)?;
        process.ends.is_some_and(|end| end <= self.clock).then_some(process.exit)
    }

    /// Waits for a process, no longer than so many milliseconds; whether it ended.
    pub(crate) fn wait(&mut self, pid: u32, most: Option<u64>) -> Result<bool, Over> {
        let end = self.processes.get(pid).map_or(Some(0), |process| process.ends);
        let left = end.map(|end| end.saturating_sub(self.clock));
        match (left, most) {
            (Some(left), most) if most.is_none_or(|most| left <= most) => {
                self.pass(left)?;
                Ok(true)
            }
            (_, Some(most)) => {
                self.pass(most)?;
                Ok(false)
            }
            (_, None) => Err(self.hang()),
        }
    }

    /// Ends a process by force, with what it started where that is asked for; whether it ran. What
    /// they had not done yet they never do.
    pub(crate) fn end(&mut self, pid: u32, tree: bool) -> bool {
        self.end_after(pid, tree, 0, ENDED_BY_FORCE)
    }

    /// The same, so many milliseconds from now on.
    pub(crate) fn end_after(&mut self, pid: u32, tree: bool, after: u64, exit: i64) -> bool {
        let end = self.clock.saturating_add(after);
        let now = self.now() + milliseconds(after);
        let tree = if tree { self.processes.tree(pid) } else { vec![pid] };
        let mut ended = Vec::new();
        for process in self.processes.all.iter_mut().filter(|one| tree.contains(&one.pid)) {
            if process.ends.is_none_or(|at| at > end) {
                ended.push(process.pid);
                (process.ends, process.exit) = (Some(end), exit);
            }
        }
        let is_busy = |effect: &Effect| matches!(effect, Effect::Busy(..));
        let busy = self.effects.iter().rev().find(|deed| is_busy(&deed.effect) && deed.at <= now);
        let was_busy = busy.is_some_and(|deed| {
            ended.contains(&deed.pid)
                && matches!(deed.effect, Effect::Busy(until, _) if until > now)
        });
        let goes_on =
            |at: chrono::DateTime<chrono::Utc>, pid: u32| at <= now || !ended.contains(&pid);
        self.coming.retain(|deed| goes_on(deed.at, deed.pid));
        self.effects.retain(|deed| goes_on(deed.at, deed.pid));
        if was_busy {
            // Windows Installer rolls back what nobody waits for.
            match after {
                0 => self.act(Effect::Free),
                _ => self.later(after, Effect::Free),
            }
        }
        ended.contains(&pid)
    }

    /// A process that nobody of the run is the parent of.
    pub(super) fn leave_tree(&mut self, pid: u32) {
        if let Some(process) = self.processes.all.iter_mut().find(|process| process.pid == pid) {
            process.parent = 0;
        }
    }

    /// Milliseconds until a process ends, if it does.
    pub(crate) fn left(&self, pid: u32) -> Option<u64> {
        let end = self.processes.get(pid)?.ends?;
        Some(end.saturating_sub(self.clock))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.processes.at_work
    }

    /// Processes that run now.
    pub(crate) fn running(&self) -> Vec<Process> {
        self.processes.running(self.clock).cloned().collect()
    }
}

/// A program that was started, by its number.
pub(crate) type Started = Result<u32, NotStarted>;
