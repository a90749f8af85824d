//! `cmd.exe`: batch files with variables, `if`, `for`, labels and exit codes, and lines of a window.

use std::collections::VecDeque;

use crate::machine::{NotStarted, Over, Sim, Started, paths};
use crate::powershell;
use crate::shell::{Ended, Said};
use crate::world::{Content, Effect, FileEntry};

mod control;
mod programs;
mod text;

use self::text::{Way, first_command, logical, redirections, split_word};

/// The prompt of a window that an agent types into.
const PROMPT: &str = "C:\\WINDOWS\\system32>";
/// How deep blocks, calls and loops may be in each other.
const DEEPEST: usize = 40;

/// Runs lines; what they printed and the last exit code. In a window the prompt and the line as
/// typed come back with the output.
pub(crate) fn run(sim: &mut Sim, text: &str, window: bool) -> Ended {
    let mut shell = Cmd::new(sim);
    let done = if window { shell.window(text) } else { shell.lines(text) };
    Ended { said: shell.said, exit: done.map(|()| shell.level) }
}

/// Runs what stands behind `/c` in the command line of `cmd.exe`.
pub(crate) fn command_line(sim: &mut Sim, line: &str) -> Ended {
    let lower = line.to_ascii_lowercase();
    let at = ["/c", "/k"].iter().filter_map(|option| lower.find(option)).min();
    let inner = at.map(|at| line[at + 2..].trim()).unwrap_or_default();
    let options = at.map_or("", |at| &lower[..at]);
    // The quotes around all of it go, and those inside stay; with two quotes around a path they all stay.
    let bare = inner.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = match bare {
        Some(bare) if options.contains("/s") || bare.contains(['"', '&', '<', '>', '(', ')']) => {
            bare
        }
        Some(bare) if bare.contains(' ') && sim.file(bare).is_none() => bare,
        _ => inner,
    };
    run(sim, inner, false)
}

/// Where a batch file goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Jump {
    /// To a label.
    Label(String),
    /// It ends, and whoever called it goes on.
    Batch,
    /// The shell ends.
    Shell,
}

/// A batch file that is at work.
#[derive(Clone, Debug, Default)]
struct Batch {
    path: String,
    args: VecDeque<String>,
    lines: Vec<String>,
}

struct Cmd<'s> {
    sim: &'s mut Sim,
    /// `%ERRORLEVEL%`.
    level: i64,
    said: Vec<Said>,
    jump: Option<Jump>,
    batch: Option<Batch>,
    /// `setlocal enabledelayedexpansion`.
    delayed: bool,
    /// What came through a pipe.
    input: Option<Vec<String>>,
}

impl<'s> Cmd<'s> {
    fn new(sim: &'s mut Sim) -> Self {
        let said = Vec::new();
        Self { sim, level: 0, said, jump: None, batch: None, delayed: false, input: None }
    }
}

impl Cmd<'_> {
    fn window(&mut self, text: &str) -> Result<(), Over> {
        self.say("");
        for line in text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()) {
            if self.jump.is_some() {
                break;
            }
            self.say(format!("{PROMPT}{line}"));
            self.line(line.trim(), 0)?;
            self.say("");
        }
        self.say(PROMPT);
        Ok(())
    }

    fn lines(&mut self, text: &str) -> Result<(), Over> {
        for line in logical(text) {
            if self.jump.is_some() {
                break;
            }
            self.line(&line, 0)?;
        }
        Ok(())
    }

    /// Runs a batch file to its end.
    fn file(&mut self, path: &str, args: Vec<String>) -> Result<(), Over> {
        if !self.sim.may_read(path) {
            return self.fails("Access is denied.", 1);
        }
        let text = self.sim.file(path).map(|content| crate::powershell::text_of(&content));
        let lines = logical(&text.unwrap_or_default());
        let before = self.batch.replace(Batch { path: path.to_owned(), args: args.into(), lines });
        let done = self.goes_on(0, 0);
        self.batch = before;
        if self.jump == Some(Jump::Batch) {
            self.jump = None;
        }
        done
    }

    /// The lines of the batch file from one on.
    fn goes_on(&mut self, from: usize, depth: usize) -> Result<(), Over> {
        let mut at = from;
        while let Some(line) = self.batch.as_ref().and_then(|batch| batch.lines.get(at)).cloned() {
            self.sim.step()?;
            at += 1;
            self.line(&line, depth)?;
            match self.jump.take() {
                None => {}
                Some(Jump::Label(label)) => match self.label(&label) {
                    Some(line) => at = line,
                    None => {
                        let text =
                            format!("The system cannot find the batch label specified - {label}");
                        self.jump = Some(Jump::Batch);
                        return self.fails(&text, 1);
                    }
                },
                over => {
                    self.jump = over;
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// The line behind a label; the end of the file has one.
    fn label(&self, label: &str) -> Option<usize> {
        let lines = &self.batch.as_ref()?.lines;
        if label.eq_ignore_ascii_case("eof") {
            return Some(lines.len());
        }
        let is = |line: &String| {
            let name = line.trim_start().strip_prefix(':').map(str::trim).unwrap_or_default();
            name.split_whitespace().next().is_some_and(|name| name.eq_ignore_ascii_case(label))
        };
        lines.iter().position(is).map(|at| at + 1)
    }

    fn say(&mut self, text: impl Into<String>) {
        let at = self.sim.elapsed();
        self.said.push(Said { text: text.into(), error: false, at });
    }

    fn fails(&mut self, line: &str, level: i64) -> Result<(), Over> {
        let at = self.sim.elapsed();
        self.said.push(Said { text: line.to_owned(), error: true, at });
        self.level = level;
        Ok(())
    }

    fn line(&mut self, line: &str, depth: usize) -> Result<(), Over> {
        self.sim.step()?;
        if depth > DEEPEST || self.jump.is_some() {
            return Ok(());
        }
        let line = if depth == 0 { self.expanded(line) } else { line.to_owned() };
        let (mut rest, mut before) = (line.as_str(), "");
        loop {
            let (one, joint, after) = first_command(rest);
            let goes = match before {
                "&&" => self.level == 0,
                "||" => self.level != 0,
                _ => true,
            };
            if goes && self.jump.is_none() {
                let from = self.said.len();
                self.command(one.trim(), depth)?;
                self.input = None;
                if joint == "|" {
                    self.piped(from);
                }
            }
            if joint.is_empty() {
                return Ok(());
            }
            (rest, before) = (after, joint);
        }
    }

    /// What was printed goes into the next command, and not to the console.
    fn piped(&mut self, from: usize) {
        let printed = self.said.split_off(from.min(self.said.len()));
        let (errors, lines): (Vec<Said>, Vec<Said>) =
            printed.into_iter().partition(|said| said.error);
        self.said.extend(errors);
        self.input = Some(lines.into_iter().map(|said| said.text).collect());
    }

    /// A command with `!name!` filled in. What stands in a block is filled in when its turn comes.
    fn delayed_head(&self, command: &str) -> String {
        let word = split_word(command).0.to_lowercase();
        let head = match word.as_str() {
            "if" | "for" => command.find('(').unwrap_or(command.len()),
            text if text.starts_with('(') => 0,
            _ => command.len(),
        };
        let (head, block) = command.split_at(head);
        self.delayed_expansion(head) + block
    }

    fn command(&mut self, command: &str, depth: usize) -> Result<(), Over> {
        let command = command.trim_start_matches('@').trim();
        let delayed;
        let command = if self.delayed && command.contains('!') {
            delayed = self.delayed_head(command);
            delayed.as_str()
        } else {
            command
        };
        let (word, rest) = split_word(command);
        match word.to_lowercase().as_str() {
            "" | "rem" | "endlocal" | "pause" | "chcp" | "title" | "cls" | "color" => Ok(()),
            "setlocal" => {
                self.delayed |= rest.to_lowercase().contains("enabledelayedexpansion");
                Ok(())
            }
            text if text.starts_with(':') => Ok(()),
            text if text.starts_with('(') => self.block(command, depth),
            "if" => self.conditional(rest, depth),
            "for" => self.repeated(rest, depth),
            "goto" => {
                let label = rest.trim().trim_start_matches(':').to_owned();
                self.jump = Some(Jump::Label(label));
                Ok(())
            }
            "exit" => {
                let code = rest.split_whitespace().find_map(|part| part.parse().ok());
                let only_batch = rest.to_lowercase().contains("/b") && self.batch.is_some();
                self.jump = Some(if only_batch { Jump::Batch } else { Jump::Shell });
                self.level = code.unwrap_or(self.level);
                Ok(())
            }
            "set" => self.assigned(rest),
            "shift" => {
                if let Some(batch) = &mut self.batch {
                    batch.args.pop_front();
                }
                Ok(())
            }
            "call" => self.called(rest, depth),
            _ => self.redirected(command),
        }
    }

    /// `( ... )`, and where its output goes.
    fn block(&mut self, command: &str, depth: usize) -> Result<(), Over> {
        let inside = command.trim_start_matches('(');
        let end = inside.rfind(')').unwrap_or(inside.len());
        let (_, ways) = redirections(inside.get(end + 1..).unwrap_or_default());
        let from = self.said.len();
        self.line(&inside[..end], depth + 1)?;
        self.sent(from, &ways);
        Ok(())
    }

    /// A command whose output may go elsewhere.
    fn redirected(&mut self, command: &str) -> Result<(), Over> {
        let (command, ways) = redirections(command);
        let from = self.said.len();
        self.program(command.trim())?;
        self.sent(from, &ways);
        Ok(())
    }

    /// Sends what was printed since to where it is to go.
    fn sent(&mut self, from: usize, ways: &[Way]) {
        for way in ways {
            let printed = self.said.split_off(from.min(self.said.len()));
            let (ours, others): (Vec<Said>, Vec<Said>) =
                printed.into_iter().partition(|said| said.error == way.error);
            match way.target.as_deref() {
                None => {
                    let turned = ours.into_iter().map(|said| Said { error: !way.error, ..said });
                    self.said.extend(others.into_iter().chain(turned));
                }
                Some(target) => {
                    self.said.extend(others);
                    if !target.eq_ignore_ascii_case("nul") {
                        self.write_to(target, way.append, &ours);
                    }
                }
            }
        }
    }

    fn write_to(&mut self, path: &str, append: bool, lines: &[Said]) {
        if !self.sim.may_write(path) {
            let at = self.sim.elapsed();
            self.said.push(Said { text: "Access is denied.".to_owned(), error: true, at });
            self.level = 1;
            return;
        }
        let mut text = String::new();
        for said in lines {
            text.push_str(&said.text);
            text.push_str("\r\n");
        }
        if append && self.sim.file(path).is_some() {
            self.sim.append(path, text.into_bytes());
            return;
        }
        let content = Content::Text(text);
        self.sim.act(Effect::File(FileEntry { path: path.to_owned(), content }));
    }
}
