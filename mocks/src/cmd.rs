//! `cmd.exe`, as far as one-line scripts need it: variables, `if`, `echo`, exit codes, programs.

use std::collections::BTreeMap;

use crate::machine::{NotStarted, Over, Sim, paths};
use crate::powershell;
use crate::world::{Content, Effect, FileEntry};

/// The prompt of a window that an agent types into.
const PROMPT: &str = "C:\\WINDOWS\\system32>";

/// Runs lines; what they printed and the last exit code. In a window the prompt and the line as
/// typed come back with the output.
pub(crate) fn run(sim: &mut Sim, text: &str, window: bool) -> Result<(Vec<String>, i64), Over> {
    let mut shell =
        Cmd { sim, variables: BTreeMap::new(), level: 0, lines: Vec::new(), ended: false };
    if window {
        shell.lines.push(String::new());
    }
    for line in text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty()) {
        if shell.ended {
            break;
        }
        if window {
            shell.lines.push(format!("{PROMPT}{line}"));
        }
        shell.line(line.trim(), 0)?;
        if window {
            shell.lines.push(String::new());
        }
    }
    if window {
        shell.lines.push(PROMPT.to_owned());
    }
    Ok((shell.lines, shell.level))
}

struct Cmd<'s> {
    sim: &'s mut Sim,
    variables: BTreeMap<String, String>,
    /// `%ERRORLEVEL%`.
    level: i64,
    lines: Vec<String>,
    ended: bool,
}

impl Cmd<'_> {
    fn line(&mut self, line: &str, depth: usize) -> Result<(), Over> {
        self.sim.step()?;
        if depth > 20 || self.ended {
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
            if goes {
                self.command(one.trim(), depth)?;
            }
            if joint.is_empty() {
                return Ok(());
            }
            (rest, before) = (after, joint);
        }
    }

    /// The line with `%NAME%` replaced; what is not known stays as it is.
    fn expanded(&self, line: &str) -> String {
        let mut out = String::new();
        let mut rest = line;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            let Some((name, next)) = after.split_once('%') else {
                out.push('%');
                rest = after;
                continue;
            };
            match self.variable(name) {
                Some(value) => out.push_str(&value),
                None if out.len() > 1 << 16 => {}
                None => {
                    out.push('%');
                    rest = after;
                    continue;
                }
            }
            rest = next;
        }
        out.push_str(rest);
        out
    }

    fn variable(&self, name: &str) -> Option<String> {
        let lower = name.to_lowercase();
        match lower.as_str() {
            "errorlevel" => Some(self.level.to_string()),
            "cd" => Some(r"C:\Windows\System32".to_owned()),
            _ => {
                let set = self.variables.get(&lower).cloned();
                set.or_else(|| powershell::environment(&lower, &self.sim.facts.host))
            }
        }
    }

    fn command(&mut self, command: &str, depth: usize) -> Result<(), Over> {
        let command = command.trim_start_matches('@').trim();
        let (word, rest) = split_word(command);
        match word.to_lowercase().as_str() {
            "" | "rem" | "setlocal" | "endlocal" | "pause" | "chcp" | "title" | "cls" => Ok(()),
            text if text.starts_with("::") || text.starts_with(':') => Ok(()),
            "if" => self.conditional(rest, depth),
            "set" => {
                if let Some((name, value)) = rest.trim_matches('"').split_once('=')
                    && value.len() < 1 << 13
                {
                    self.variables.insert(name.trim().to_lowercase(), value.to_owned());
                }
                Ok(())
            }
            "exit" => {
                self.ended = true;
                let code = rest.split_whitespace().find_map(|part| part.parse().ok());
                self.level = code.unwrap_or(self.level);
                Ok(())
            }
            text if text.starts_with('(') => {
                let inside =
                    command.trim_start_matches('(').trim_end().trim_end_matches(')').to_owned();
                self.line(&inside, depth + 1)
            }
            _ => self.redirected(command),
        }
    }

    /// `if [/i] [not] exist path | defined name | errorlevel n | a==b  command [else command]`.
    fn conditional(&mut self, rest: &str, depth: usize) -> Result<(), Over> {
        let (mut rest, mut wanted, mut case) = (rest, true, true);
        loop {
            let (word, after) = split_word(rest);
            match word.to_lowercase().as_str() {
                "/i" => case = false,
                "not" => wanted = !wanted,
                _ => break,
            }
            rest = after;
        }
        let (word, after) = split_word(rest);
        let (holds, then) = match word.to_lowercase().as_str() {
            "exist" => {
                let (path, then) = split_word(after);
                (self.sim.file(path.trim_matches('"')).is_some(), then)
            }
            "defined" => {
                let (name, then) = split_word(after);
                (self.variable(name).is_some(), then)
            }
            "errorlevel" => {
                let (number, then) = split_word(after);
                (self.level >= number.parse().unwrap_or(0), then)
            }
            _ => {
                let Some((left, after)) = rest.split_once("==") else {
                    return self.says("The syntax of the command is incorrect.", 255);
                };
                let (right, then) = split_word(after.trim_start());
                let (left, right) = (left.trim().trim_matches('"'), right.trim_matches('"'));
                (left == right || (!case && left.eq_ignore_ascii_case(right)), then)
            }
        };
        let (yes, no) = branches(then);
        let chosen = if holds == wanted { yes } else { no };
        self.line(&chosen, depth + 1)
    }

    fn says(&mut self, line: &str, level: i64) -> Result<(), Over> {
        self.lines.push(line.to_owned());
        self.level = level;
        Ok(())
    }

    /// A command whose output may go into a file.
    fn redirected(&mut self, command: &str) -> Result<(), Over> {
        let (command, target, append) = redirection(command);
        let from = self.lines.len();
        self.program(command.trim())?;
        let Some(target) = target else { return Ok(()) };
        let printed = self.lines.split_off(from.min(self.lines.len()));
        if target.eq_ignore_ascii_case("nul") {
            return Ok(());
        }
        let mut text = match self.sim.file(&target) {
            Some(Content::Text(text)) if append => text,
            _ => String::new(),
        };
        for line in printed {
            text.push_str(&line);
            text.push_str("\r\n");
        }
        self.sim.act(Effect::File(FileEntry { path: target, content: Content::Text(text) }));
        Ok(())
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each program")]
    fn program(&mut self, command: &str) -> Result<(), Over> {
        let (word, rest) = split_word(command);
        let path = word.trim_matches('"');
        let leaf = paths::leaf(path).to_lowercase();
        let name = leaf.strip_suffix(".exe").unwrap_or(&leaf);
        let args = powershell::words(rest);
        match name {
            "echo" => {
                let off = matches!(rest.trim().to_lowercase().as_str(), "off" | "on" | "");
                if !off {
                    self.lines.push(rest.trim_end().to_owned());
                }
            }
            text if text.starts_with("echo.") => self.lines.push(text["echo.".len()..].to_owned()),
            "cd" | "pushd" | "popd" | "taskkill" | "sc" | "net" | "ver" => self.level = 0,
            "hostname" => self.lines.push(self.sim.facts.host.clone()),
            "whoami" => {
                let upn = args.iter().any(|arg| arg.eq_ignore_ascii_case("/upn"));
                let facts = &self.sim.facts;
                self.lines.push(if upn { facts.upn.clone() } else { facts.account.clone() });
            }
            "dsregcmd" => self.lines.extend(self.sim.facts.directory.lines().map(str::to_owned)),
            "timeout" => {
                let seconds = args.iter().find_map(|arg| arg.parse::<u64>().ok()).unwrap_or(0);
                self.sim.pass(seconds.saturating_mul(1_000))?;
            }
            "ping" => {
                let at = args.iter().position(|arg| arg.eq_ignore_ascii_case("-n"));
                let count = at.and_then(|at| args.get(at + 1)).and_then(|n| n.parse::<u64>().ok());
                self.sim.pass(count.unwrap_or(4).saturating_sub(1).saturating_mul(1_000))?;
                self.level = 0;
            }
            "type" => match self.sim.file(args.first().map_or("", String::as_str)) {
                Some(Content::Text(text)) => self.lines.extend(text.lines().map(str::to_owned)),
                _ => return self.says("The system cannot find the file specified.", 1),
            },
            "del" | "erase" | "rd" | "rmdir" => {
                for path in args.iter().filter(|arg| !arg.starts_with('/')) {
                    self.sim.act(Effect::NoFile(path.clone()));
                }
            }
            "md" | "mkdir" => {
                let made =
                    args.into_iter().map(|path| FileEntry { path, content: Content::Folder });
                for file in made {
                    self.sim.act(Effect::File(file));
                }
            }
            "start" | "call" => return self.started(&args),
            "powershell" | "pwsh" | "cmd" | "reg" | "shutdown" => {
                return self.in_powershell(command);
            }
            "msiexec" => {
                let done = self.sim.msiexec(&args, true).map(|process| process.exit);
                return self.ended(word, &done);
            }
            _ => {
                let done = self.sim.program(path, &args, true).map(|process| process.exit);
                return self.ended(word, &done);
            }
        }
        Ok(())
    }

    fn ended(&mut self, word: &str, done: &Result<i64, NotStarted>) -> Result<(), Over> {
        match done {
            Ok(exit) => {
                self.level = *exit;
                Ok(())
            }
            Err(NotStarted::Over) => Err(Over),
            Err(NotStarted::Damaged) => self.says("Access is denied.", 5),
            Err(NotStarted::Missing) => {
                self.lines.push(format!(
                    "'{word}' is not recognized as an internal or external command,"
                ));
                self.says("operable program or batch file.", 9_009)
            }
        }
    }

    /// `start "" /wait program args`, `call program args`.
    fn started(&mut self, args: &[String]) -> Result<(), Over> {
        let wait = args.iter().any(|arg| arg.eq_ignore_ascii_case("/wait"));
        let skips = |arg: &&String| arg.is_empty() || arg.starts_with('/');
        let from = args.iter().take_while(skips).count();
        let Some(path) = args.get(from) else { return Ok(()) };
        let rest = args.get(from + 1..).unwrap_or_default();
        let name = paths::leaf(path).to_lowercase();
        let done = if name.trim_end_matches(".exe") == "msiexec" {
            self.sim.msiexec(rest, wait)
        } else {
            self.sim.program(path, rest, wait)
        };
        self.ended(path, &done.map(|process| process.exit))
    }

    /// What PowerShell's side knows better: other shells, the registry, shutting down.
    fn in_powershell(&mut self, command: &str) -> Result<(), Over> {
        let (word, rest) = split_word(command);
        let leaf = paths::leaf(word.trim_matches('"')).to_lowercase();
        let inner = crate::shell::decode(command);
        let text = if leaf.starts_with("cmd") {
            return if inner == command { Ok(()) } else { self.nested_cmd(&inner) };
        } else if leaf.starts_with("powershell") || leaf.starts_with("pwsh") {
            let args = powershell::words(rest);
            let at = args.iter().position(|arg| arg.eq_ignore_ascii_case("-file"));
            let file = at.and_then(|at| args.get(at + 1)).and_then(|path| self.sim.file(path));
            match file {
                Some(Content::Text(text)) => text,
                _ => inner,
            }
        } else {
            let words = powershell::words(command);
            let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', "''")));
            format!("& {}; exit $LASTEXITCODE", quoted.collect::<Vec<_>>().join(" "))
        };
        if text == command {
            return Ok(());
        }
        self.sim.nest()?;
        let (lines, exit) = powershell::run(self.sim, &text);
        self.sim.unnest();
        self.lines.extend(lines);
        self.level = exit;
        self.sim.pass(0)
    }

    fn nested_cmd(&mut self, text: &str) -> Result<(), Over> {
        self.sim.nest()?;
        let (lines, exit) = run(self.sim, text, false)?;
        self.sim.unnest();
        self.lines.extend(lines);
        self.level = exit;
        Ok(())
    }
}

/// The first command of a line, what joins the next to it, and the rest; not inside quotes or
/// brackets.
fn first_command(line: &str) -> (&str, &str, &str) {
    let (mut quoted, mut depth) = (false, 0_i32);
    for (at, letter) in line.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            '&' | '|' if !quoted && depth <= 0 => {
                let before = line[..at].chars().next_back();
                if letter == '&' && before == Some('>') {
                    continue;
                }
                let double = line[at + 1..].starts_with(letter);
                if letter == '|' && !double {
                    continue;
                }
                let length = if double { 2 } else { 1 };
                return (&line[..at], &line[at..at + length], &line[at + length..]);
            }
            _ => {}
        }
        // A condition holds for the rest of its line.
        if at == 0 && line.trim_start().to_lowercase().starts_with("if ") && !line.contains(") &") {
            return (line, "", "");
        }
    }
    (line, "", "")
}

/// The first word, which may be quoted, and the rest.
fn split_word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let mut quoted = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            letter if letter.is_whitespace() && !quoted => {
                return (&text[..at], text[at..].trim_start());
            }
            _ => {}
        }
    }
    (text, "")
}

/// `(yes) else (no)`, or only what is done.
fn branches(text: &str) -> (String, String) {
    let text = text.trim();
    let Some(inside) = text.strip_prefix('(') else { return (text.to_owned(), String::new()) };
    let mut depth = 1;
    for (at, letter) in inside.char_indices() {
        depth += match letter {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        if depth == 0 {
            let rest = inside[at + 1..].trim();
            let word: String = rest.chars().take(4).collect();
            let no = if word.eq_ignore_ascii_case("else") { rest[4..].trim() } else { "" };
            let no = no.strip_prefix('(').and_then(|no| no.strip_suffix(')')).unwrap_or(no);
            return (inside[..at].trim().to_owned(), no.to_owned());
        }
    }
    (inside.to_owned(), String::new())
}

/// The command without its redirection, the file it goes to, and whether it is added there.
fn redirection(command: &str) -> (String, Option<String>, bool) {
    let cleaned =
        command.replace("2>&1", "").replace("2>nul", "").replace("2>NUL", "").replace("2> nul", "");
    let mut quoted = false;
    for (at, letter) in cleaned.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '>' if !quoted => {
                let append = cleaned[at + 1..].starts_with('>');
                let target = cleaned[at + 1..].trim_start_matches('>').trim().trim_matches('"');
                return (cleaned[..at].to_owned(), Some(target.to_owned()), append);
            }
            _ => {}
        }
    }
    (cleaned, None, false)
}
