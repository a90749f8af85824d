//! Commands to guests: queued as event 44, answered as event 70.
//!
//! The text may begin with `#!ps`, `#timeout=` (milliseconds, 10,000 by default) and
//! `#maxlength=` (characters, 5,000 by default); without `#!ps` it is typed into a cmd window,
//! whose prompt comes back with the output. Nothing connects the answer with the question.

use std::sync::LazyLock;

use chrono::Duration;
use regex::Regex;

use super::methods::event;
use super::view::is_online;
use crate::automate::hardware::dice;
use crate::machine::{self, Job, Progress};
use crate::shell::{self, Language};
use crate::world::{ControlEvent, QueuedCommand, World};

const DEFAULT_TIMEOUT_MS: u64 = 10_000;
const DEFAULT_LENGTH: usize = 5_000;
const QUEUED: u16 = 44;
const RAN: u16 = 70;
const PROMPT: &str = "C:\\WINDOWS\\system32>";

/// A command's text taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) powershell: bool,
    pub(super) timeout_ms: u64,
    pub(super) length: usize,
    pub(super) script: String,
}

impl Command {
    /// Reads the markers in the first lines; the first line that is none ends them.
    pub(super) fn read(text: &str) -> Self {
        let mut command = Self {
            powershell: false,
            timeout_ms: DEFAULT_TIMEOUT_MS,
            length: DEFAULT_LENGTH,
            script: String::new(),
        };
        let mut rest = text;
        while !rest.is_empty() {
            let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
            let marker = line.trim_end_matches('\r').trim();
            if marker.eq_ignore_ascii_case("#!ps") {
                command.powershell = true;
            } else if let Some(value) = marker.strip_prefix("#timeout=") {
                command.timeout_ms = value.trim().parse().unwrap_or(DEFAULT_TIMEOUT_MS);
            } else if let Some(value) = marker.strip_prefix("#maxlength=") {
                command.length = value.trim().parse().unwrap_or(DEFAULT_LENGTH);
            } else {
                break;
            }
            rest = after;
        }
        rest.clone_into(&mut command.script);
        command
    }

    /// Milliseconds that the script runs: what it sleeps, and a little.
    fn run_ms(&self, key: u64) -> u64 {
        self.start_ms(key).saturating_add(sleeps_ms(&self.script))
    }

    /// Milliseconds until an interpreter has started.
    fn start_ms(&self, key: u64) -> u64 {
        if self.powershell { 8 + dice(key, 31) % 20 } else { 2 + dice(key, 31) % 5 }
    }

    /// What the engine gives back to a script that only asks.
    fn output(&self, world: &World, machine: usize, key: u64) -> String {
        if self.run_ms(key) > self.timeout_ms {
            return self.killed();
        }
        let awake = SLEEP.replace_all(&self.script, "");
        let output = if self.powershell {
            shell::answer(world, machine, &awake)
        } else {
            transcript(world, machine, &awake)
        };
        self.cut(output)
    }

    fn killed(&self) -> String {
        format!("Killed after {} milliseconds.", self.timeout_ms)
    }

    fn cut(&self, output: String) -> String {
        if output.chars().count() <= self.length {
            return output;
        }
        let kept: String = output.chars().take(self.length).collect();
        format!("{kept}\r\nTruncated output at {} characters.", self.length)
    }
}

/// Takes a command: event 44 at once, its answer when the guest has run it.
pub(super) fn queue(world: &mut World, index: usize, text: &str) {
    let now = world.now();
    let version = world.next_version();
    let Some(session) = world.control.sessions.get(index) else { return };
    let machine = session.machine.filter(|_| session.current);
    let script = Command::read(text).script;
    let acts = machine.is_some_and(|no| !shell::is_question(world, no, &script));
    let Some(session) = world.control.sessions.get_mut(index) else { return };
    session.events.push(event(QUEUED, now, text));
    session.mark.changed = version;
    session.mark.modified = now;
    session.commands.push(QueuedCommand {
        machine,
        agent: index as u64,
        text: script,
        raw: text.to_owned(),
        sent: now,
        due: None,
        acts,
        run: None,
        output: None,
    });
    settle(world, index);
}

/// Brings the commands of all sessions up to date.
pub(super) fn settle_all(world: &mut World) {
    let sessions = world.control.sessions.iter().enumerate();
    let waiting: Vec<usize> =
        sessions.filter(|(_, session)| !session.commands.is_empty()).map(|(i, _)| i).collect();
    for index in waiting {
        settle(world, index);
    }
}

/// Brings the commands of a session up to date: handed to a guest that is connected, answered
/// where the time has come.
pub(super) fn settle(world: &mut World, index: usize) {
    machine::settle(world);
    settle_runs(world, index);
    let Some(session) = world.control.sessions.get(index).filter(|s| !s.commands.is_empty()) else {
        return;
    };
    let now = world.now();
    let online = is_online(world, session);
    let mut waiting = Vec::new();
    let mut answers: Vec<ControlEvent> = Vec::new();
    for queued in &session.commands {
        if queued.acts {
            waiting.push(queued.clone());
            continue;
        }
        let key = queued.sent.timestamp_micros().unsigned_abs() ^ session.id.as_u64_pair().1;
        let command = Command::read(&queued.raw);
        let machine = queued.machine.filter(|_| online);
        let due = machine.map(|_| {
            queued.due.unwrap_or_else(|| {
                let run = command.run_ms(key).min(command.timeout_ms);
                let run = Duration::milliseconds(i64::try_from(run).unwrap_or(i64::MAX / 4_000));
                now + shell::latency(world, key) + run
            })
        });
        match (due, machine) {
            (Some(due), Some(machine)) if due <= now => {
                answers.push(event(RAN, due, &command.output(world, machine, key)));
            }
            _ => waiting.push(QueuedCommand { due, ..queued.clone() }),
        }
    }
    if let Some(session) = world.control.sessions.get_mut(index) {
        session.commands = waiting;
        answers.sort_by_key(|event| event.at);
        session.events.extend(answers);
    }
}

/// Brings the commands of a session that act on its machine up to date. Once one has begun it ends
/// with its machine, and is not begun again: no event tells of it.
fn settle_runs(world: &mut World, index: usize) {
    let Some(session) = world.control.sessions.get(index) else { return };
    if !session.commands.iter().any(|queued| queued.acts) {
        return;
    }
    let (id, online) = (session.id.as_u64_pair().1, is_online(world, session));
    let mut waiting = session.commands.clone();
    let mut answers = Vec::new();
    waiting.retain_mut(|queued| {
        let Some(no) = queued.machine.filter(|_| queued.acts) else { return true };
        let command = Command::read(&queued.raw);
        let key = queued.sent.timestamp_micros().unsigned_abs() ^ id;
        let Some(run) = queued.run else {
            if online {
                let start = command.start_ms(key);
                let wait = Duration::milliseconds(i64::try_from(start).unwrap_or(0));
                let language =
                    if command.powershell { Language::PowerShell } else { Language::Window };
                let limit = Some(command.timeout_ms.saturating_sub(start));
                let job = Job { language, text: &command.script, limit };
                let at = world.now() + shell::latency(world, key) + wait;
                queued.run = Some(machine::begin(world, no, &job, at));
            }
            return true;
        };
        match machine::progress(world, run) {
            Progress::Runs(_) => true,
            Progress::Lost => false,
            Progress::Ended(end, printed) => {
                let data = printed.map_or_else(|| command.killed(), |text| command.cut(text));
                answers.push(event(RAN, end, &data));
                false
            }
        }
    });
    if let Some(session) = world.control.sessions.get_mut(index) {
        session.commands = waiting;
        answers.sort_by_key(|event| event.at);
        session.events.extend(answers);
    }
}

/// A cmd window: the prompt, the line as typed, what it printed.
fn transcript(world: &World, machine: usize, script: &str) -> String {
    let mut output = String::from("\r\n");
    for line in script.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()) {
        let typed = line.trim_start();
        let printed = match typed.trim_start_matches('@').split_once(' ') {
            Some((word, text)) if word.eq_ignore_ascii_case("echo") => {
                text.replace("%ERRORLEVEL%", "0").replace("%errorlevel%", "0")
            }
            _ => shell::answer(world, machine, &shell::decode(typed)),
        };
        output.push_str(PROMPT);
        output.push_str(line);
        output.push_str("\r\n");
        if !printed.is_empty() {
            output.push_str(&printed);
            output.push_str("\r\n");
        }
        output.push_str("\r\n");
    }
    output.push_str(PROMPT);
    output
}

/// Where a script sleeps. ASCII classes: the Unicode tables are not compiled in.
static SLEEP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i-u)start-sleep\s+(?:-(?P<unit>[ms]\w*)\s+)?(?P<count>\d+)",
        r"|\btimeout\s+(?:/t\s+)?(?P<wait>\d+)(?:\s+/nobreak)?",
    ))
    .expect("the pattern is fixed and tested")
});

/// Milliseconds that a script says it sleeps.
fn sleeps_ms(script: &str) -> u64 {
    SLEEP
        .captures_iter(script)
        .filter_map(|found| {
            let count = found.name("count").or_else(|| found.name("wait"))?;
            let count: u64 = count.as_str().parse().ok()?;
            let milliseconds =
                found.name("unit").is_some_and(|unit| unit.as_str().starts_with(['m', 'M']));
            Some(if milliseconds { count } else { count.saturating_mul(1_000) })
        })
        .fold(0, u64::saturating_add)
}
