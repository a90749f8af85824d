//! What is under way: runs of scripts that begin, effects that become due, reboots, kills.

use chrono::{DateTime, Duration, Utc};

use super::facts::Facts;
use super::seed::state_mut;
use super::sim::{Sim, milliseconds};
use crate::shell::Language;
use crate::world::{Due, Effect, MachineNo, ScriptRun, World};

/// A script that a machine is given.
#[derive(Clone, Debug)]
pub(crate) struct Job<'a> {
    pub(crate) language: Language,
    pub(crate) text: &'a str,
    /// Milliseconds after which it is killed.
    pub(crate) limit: Option<u64>,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It runs until then; for ever, if no instant is given.
    Runs(Option<DateTime<Utc>>),
    /// It ended then, and printed this; nothing where it was killed at its limit.
    Ended(DateTime<Utc>, Option<String>),
    /// It was killed, or its machine went off: nothing will be heard of it.
    Lost,
}

/// Begins a run at an instant. It sees what runs that began before it will have done; those that
/// begin later see what it will have done.
pub(crate) fn begin(world: &mut World, no: MachineNo, job: &Job<'_>, at: DateTime<Utc>) -> u64 {
    let Some(facts) = Facts::of(world, no) else { return 0 };
    let mut sim = Sim::new(world, facts, at, job.limit);
    let output = crate::shell::run(&mut sim, job.language, job.text);
    let killed = job.limit.is_some_and(|limit| sim.elapsed() >= limit);
    let number = sim.run;
    let ends = (!sim.endless()).then(|| sim.now());
    world.states.last_run = number;
    world.states.install_faults.clone_from(&sim.install_faults);
    let end_of_kill = if killed { ends } else { None };
    for due in sim.dues().into_iter().filter(|due| end_of_kill.is_none_or(|end| due.at < end)) {
        enter(world, due);
    }
    if let Some(end) = end_of_kill {
        // Its processes die with it, and leave Windows Installer free.
        enter(world, Due { at: end, machine: no, run: Some(number), effect: Effect::Free });
    }
    world.states.runs.insert(
        number,
        ScriptRun { machine: no, ends, output: (!killed).then_some(output), dead: false },
    );
    number
}

/// How a run stands; one that has ended is forgotten with this.
pub(crate) fn progress(world: &mut World, run: u64) -> Progress {
    let now = world.now();
    let online = |no: MachineNo| world.machines.get(no).is_some_and(|machine| machine.online);
    let Some(there) = world.states.runs.get(&run) else { return Progress::Lost };
    match there.ends {
        _ if there.dead => Progress::Lost,
        Some(end) if end <= now && online(there.machine) => {
            let output = there.output.clone();
            world.states.runs.remove(&run);
            Progress::Ended(end, output)
        }
        end => Progress::Runs(end),
    }
}

/// Puts something on the agenda, behind what is due at the same time.
pub(crate) fn enter(world: &mut World, due: Due) {
    let agenda = &mut world.states.agenda;
    let at = agenda.partition_point(|other| other.at <= due.at);
    agenda.insert(at, due);
}

/// Whether anything is due.
pub(crate) fn is_due(world: &World) -> bool {
    world.states.agenda.first().is_some_and(|due| due.at <= world.now())
}

/// Lets everything happen that is due by the world's clock.
pub fn settle(world: &mut World) {
    while is_due(world) {
        let due = world.states.agenda.remove(0);
        happen(world, &due);
    }
}

fn happen(world: &mut World, due: &Due) {
    let no = due.machine;
    let Some(machine) = world.machines.get(no).filter(|machine| machine.mark.gone.is_none()) else {
        return;
    };
    match &due.effect {
        Effect::Down(takes) => {
            if !machine.online {
                return;
            }
            kill(world, no, due.at);
            switch(world, no, false, due.at);
            state_mut(world, no).apply(&due.effect, due.at);
            let at = due.at + milliseconds(u64::from(*takes));
            enter(world, Due { at, machine: no, run: None, effect: Effect::Up });
        }
        Effect::Up => {
            switch(world, no, true, due.at);
            state_mut(world, no).apply(&due.effect, due.at);
        }
        effect if machine.online => state_mut(world, no).apply(effect, due.at),
        // It went off without anybody saying so: the script went with it.
        _ => kill(world, no, due.at),
    }
}

/// Ends every run on a machine, and what else is due there.
pub(crate) fn kill(world: &mut World, no: MachineNo, at: DateTime<Utc>) {
    world.states.agenda.retain(|due| due.machine != no);
    for run in world.states.runs.values_mut().filter(|run| run.machine == no) {
        run.dead |= run.ends.is_none_or(|end| end > at);
    }
    if let Some(state) = world.states.of.get_mut(&no) {
        state.busy = None;
    }
}

/// A machine goes off, with all that runs on it, or comes on, which is a start of Windows.
pub(crate) fn power(world: &mut World, no: MachineNo, on: bool, now: DateTime<Utc>) {
    let was = world.machines.get(no).is_some_and(|machine| machine.online);
    if !on {
        kill(world, no, now);
    } else if !was {
        world.states.agenda.retain(|due| due.machine != no);
        state_mut(world, no).apply(&Effect::Up, now);
    }
}

/// Windows is new: nothing is left of what was there, and nothing runs.
pub(crate) fn wiped(world: &mut World, no: MachineNo, now: DateTime<Utc>) {
    kill(world, no, now);
    world.states.of.insert(no, super::bare(now));
}

/// What both RMMs see of it.
fn switch(world: &mut World, no: MachineNo, on: bool, at: DateTime<Utc>) {
    let version = world.next_version();
    let Some(machine) = world.machines.get_mut(no) else { return };
    machine.online = on;
    (machine.mark.modified, machine.mark.changed) = (at, version);
    let (automate, control) = (machine.automate_row, machine.control_row);
    if let Some(agent) = automate.and_then(|row| world.automate.computers.get_mut(row)) {
        agent.last_contact = at;
    }
    if let Some(agent) = control.and_then(|row| world.control.sessions.get_mut(row)) {
        agent.last_connected = at;
    }
}

/// Asks Windows for a reboot now.
pub(crate) fn reboot(world: &mut World, no: MachineNo, takes: Duration) {
    let takes = u32::try_from(takes.num_milliseconds()).unwrap_or(90_000);
    let due = Due { at: world.now(), machine: no, run: None, effect: Effect::Down(takes) };
    enter(world, due);
    settle(world);
}
