//! Commands of the shell that print or touch files, and programs.

use super::text::split_word;
use super::{Cmd, NotStarted, Over, Started, paths, powershell};
use crate::world::{Content, Effect, FileEntry};

impl Cmd<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm for each program")]
    pub(super) fn program(&mut self, command: &str) -> Result<(), Over> {
        let (word, rest) = split_word(command);
        let path = word.trim_matches('"');
        let leaf = paths::leaf(path).to_lowercase();
        let name = leaf.strip_suffix(".exe").unwrap_or(&leaf);
        let args = powershell::words(rest);
        match name {
            "echo" => {
                let off = matches!(rest.trim().to_lowercase().as_str(), "off" | "on" | "");
                if !off {
                    self.say(rest.trim_end());
                }
            }
            text if text.starts_with("echo.")
                || text.starts_with("echo:")
                || text.starts_with("echo(") =>
            {
                self.say(command["echo.".len()..].trim_end());
            }
            "cd" | "chdir" | "pushd" | "popd" | "sc" | "net" | "ver" => self.level = 0,
            "hostname" => {
                let host = self.sim.facts.host.clone();
                self.say(host);
            }
            "whoami" => {
                let name = self.sim.whoami(&args);
                self.say(name);
            }
            "dsregcmd" => {
                let text = self.sim.facts.directory.clone();
                text.lines().for_each(|line| self.say(line));
            }
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
            "type" | "more" => match self.sim.file(args.first().map_or("", String::as_str)) {
                Some(content) if content != Content::Folder => {
                    powershell::text_of(&content).lines().for_each(|line| self.say(line));
                }
                _ => return self.fails("The system cannot find the file specified.", 1),
            },
            "find" | "findstr" => self.find(&args),
            "del" | "erase" | "rd" | "rmdir" => self.removed(&args)?,
            "md" | "mkdir" => self.made(args)?,
            "copy" | "move" | "xcopy" => return self.copied(&args, name == "move"),
            "start" => return self.started(&args),
            "powershell" | "pwsh" | "cmd" => return self.shell(path, rest),
            "reg" | "shutdown" | "taskkill" => return self.in_powershell(command),
            "msiexec" => {
                let started = self.sim.msiexec(&args, true);
                return self.ended(word, &started);
            }
            _ if leaf.ends_with(".cmd") || leaf.ends_with(".bat") => {
                if self.sim.file(path).is_some() {
                    return self.file(path, args);
                }
                return self.ended(word, &Err(NotStarted::Missing));
            }
            _ => {
                let started = self.sim.program(path, &args, true);
                return self.ended(word, &started);
            }
        }
        Ok(())
    }

    fn ended(&mut self, word: &str, started: &Started) -> Result<(), Over> {
        match started {
            Ok(pid) => {
                self.level = self.sim.exit_of(*pid).unwrap_or(0);
                Ok(())
            }
            Err(NotStarted::Over) => Err(Over),
            Err(NotStarted::Damaged) => self.fails("Access is denied.", 5),
            Err(NotStarted::Missing) => {
                self.fails(
                    &format!("'{word}' is not recognized as an internal or external command,"),
                    9_009,
                )?;
                self.fails("operable program or batch file.", 9_009)
            }
        }
    }

    /// `find "text"`, `findstr text`: of what came through the pipe, or of a file.
    fn find(&mut self, args: &[String]) {
        let has = |option: &str| args.iter().any(|arg| arg.eq_ignore_ascii_case(option));
        let mut given = args.iter().filter(|arg| !arg.starts_with('/'));
        let wanted = given.next().cloned().unwrap_or_default();
        let lines = match (self.input.take(), given.next()) {
            (_, Some(path)) => {
                let text = self.sim.file(path).map(|content| powershell::text_of(&content));
                text.unwrap_or_default().lines().map(str::to_owned).collect()
            }
            (lines, None) => lines.unwrap_or_default(),
        };
        let fits = |line: &String| {
            let found = if has("/i") {
                line.to_lowercase().contains(&wanted.to_lowercase())
            } else {
                line.contains(&wanted)
            };
            found != has("/v")
        };
        let found: Vec<String> = lines.into_iter().filter(fits).collect();
        self.level = i64::from(found.is_empty());
        found.into_iter().for_each(|line| self.say(line));
    }

    fn removed(&mut self, args: &[String]) -> Result<(), Over> {
        for path in args.iter().filter(|arg| !arg.starts_with('/')) {
            let leaf = paths::leaf(path);
            let found = if leaf.contains(['*', '?']) {
                let mut children = self.sim.state.children(paths::parent(path));
                children.retain(|child| paths::matches(leaf, paths::leaf(child)));
                children
            } else if self.sim.file(path).is_some() {
                vec![path.clone()]
            } else {
                Vec::new()
            };
            if found.is_empty() {
                self.fails(&format!("Could Not Find {path}"), self.level)?;
            }
            for path in found {
                if self.sim.may_make(&path) {
                    self.sim.act(Effect::NoFile(path));
                } else {
                    self.fails("Access is denied.", 1)?;
                }
            }
        }
        Ok(())
    }

    fn made(&mut self, args: Vec<String>) -> Result<(), Over> {
        for path in args.into_iter().filter(|arg| !arg.starts_with('/')) {
            if self.sim.file(&path).is_some() {
                self.fails(&format!("A subdirectory or file {path} already exists."), 1)?;
            } else if self.sim.may_make(&path) {
                self.sim.act(Effect::File(FileEntry { path, content: Content::Folder }));
            } else {
                self.fails("Access is denied.", 1)?;
            }
        }
        Ok(())
    }

    fn copied(&mut self, args: &[String], moves: bool) -> Result<(), Over> {
        let given: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('/')).collect();
        let [from, to] = given.as_slice() else {
            return self.fails("The syntax of the command is incorrect.", 1);
        };
        let Some(content) = self.sim.file(from).filter(|content| *content != Content::Folder)
        else {
            return self.fails("The system cannot find the file specified.", 1);
        };
        let folder = self.sim.file(to) == Some(Content::Folder);
        let path = if folder {
            format!("{}\\{}", to.trim_end_matches('\\'), paths::leaf(from))
        } else {
            (*to).clone()
        };
        if !self.sim.may_write(&path) || !self.sim.may_read(from) {
            return self.fails("Access is denied.", 1);
        }
        self.sim.act(Effect::File(FileEntry { path, content }));
        if moves {
            self.sim.act(Effect::NoFile((*from).clone()));
        }
        self.say(format!("        1 file(s) {}.", if moves { "moved" } else { "copied" }));
        self.level = 0;
        Ok(())
    }

    /// `start "" /wait program args`.
    fn started(&mut self, args: &[String]) -> Result<(), Over> {
        let wait = args.iter().any(|arg| arg.eq_ignore_ascii_case("/wait"));
        let skips = |arg: &&String| arg.is_empty() || arg.starts_with('/');
        let from = args.iter().take_while(skips).count();
        let Some(path) = args.get(from) else { return Ok(()) };
        let rest = args.get(from + 1..).unwrap_or_default();
        let name = paths::leaf(path).to_lowercase();
        let started = if name.trim_end_matches(".exe") == "msiexec" {
            self.sim.msiexec(rest, wait)
        } else {
            self.sim.program(path, rest, wait)
        };
        if wait || started.is_err() { self.ended(path, &started) } else { Ok(()) }
    }

    /// Another shell, waited for.
    fn shell(&mut self, path: &str, line: &str) -> Result<(), Over> {
        self.sim.nest()?;
        let env = self.sim.env.clone();
        let ended = crate::machine::shell_process(self.sim, path, line);
        self.sim.env = env;
        self.sim.unnest();
        self.said.extend(ended.said);
        self.level = ended.exit?;
        Ok(())
    }

    /// What PowerShell's side knows better: the registry, shutting down, ending processes.
    fn in_powershell(&mut self, command: &str) -> Result<(), Over> {
        let words = powershell::words(command);
        let quoted = words.iter().map(|word| format!("'{}'", word.replace('\'', "''")));
        let text = format!("& {}; exit $LASTEXITCODE", quoted.collect::<Vec<_>>().join(" "));
        self.sim.nest()?;
        let ended = powershell::run(self.sim, &text);
        self.sim.unnest();
        self.said.extend(ended.said);
        self.level = ended.exit?;
        Ok(())
    }
}
