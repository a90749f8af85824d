//! Programs that are called: Windows' own, other shells, scripts, and whatever is no command at all.

use crate::machine::{Started, paths};
use crate::powershell::eval::Given;
use crate::powershell::joint::Out;
use crate::powershell::run::{Flow, Outcome, Run, fail};
use crate::powershell::value::Value;
use crate::world::{Content, RegValue};

/// An argument as it stands in a command line.
fn quoted(arg: &str) -> String {
    let bare = !arg.is_empty() && !arg.contains([' ', '\t']) || arg.contains('"');
    if bare { arg.to_owned() } else { format!("\"{arg}\"") }
}

/// The name of a program without its folder and its ending.
pub(super) fn native(path: &str) -> String {
    let leaf = paths::leaf(path.trim_matches('"')).to_lowercase();
    leaf.strip_suffix(".exe").map_or(leaf.clone(), str::to_owned)
}

fn shutdown(run: &mut Run<'_>, args: &[String]) {
    let lower: Vec<String> = args.iter().map(|arg| arg.to_lowercase().replace('-', "/")).collect();
    if !lower.iter().any(|arg| arg == "/r" || arg == "/g") {
        return;
    }
    let at = lower.iter().position(|arg| arg == "/t");
    let seconds: u64 =
        at.and_then(|at| lower.get(at + 1)).and_then(|s| s.parse().ok()).unwrap_or(30);
    run.sim.restart(seconds.saturating_mul(1_000));
}

impl Run<'_> {
    pub(in crate::powershell) fn is_function(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        self.scopes.iter().any(|scope| scope.functions.contains_key(&lower))
    }

    pub(in crate::powershell) fn last_exit(&self) -> i64 {
        self.variable("lastexitcode").and_then(Value::as_int).unwrap_or(0)
    }

    pub(in crate::powershell) fn exits(&mut self, code: i64) {
        self.ok = code == 0;
        if let Some(scope) = self.scopes.first_mut() {
            scope.variables.insert("lastexitcode".to_owned(), Value::Int(code));
        }
    }

    /// A program called by its name or its path, waited for where it has a console.
    pub(in crate::powershell) fn run_program(
        &mut self,
        name: &str,
        (args, dot): (Vec<Given>, bool),
        out: &mut Out,
    ) -> Outcome<()> {
        let script = name.to_lowercase().ends_with(".ps1");
        if script && let Some(content) = self.sim.file(name).filter(|c| *c != Content::Folder) {
            let text = super::text_of(&content);
            return self.script_file((name, &text), args, dot, out);
        }
        let mut words = Vec::new();
        for argument in &args {
            match argument {
                Given::Name(name, None) => words.push(format!("-{name}")),
                Given::Name(name, Some(value)) => words.push(format!("-{name}:{}", value.show())),
                Given::Value(value) => words.extend(value.items().iter().map(Value::show)),
            }
        }
        let by_name = !name.contains(['\\', '/']);
        let of_windows = by_name || paths::PROGRAMS.contains(&paths::key(name).as_str());
        let program = native(name);
        match program.as_str() {
            // A program with windows: it is not waited for, unless its output is.
            "msiexec" => {
                let started = self.sim.msiexec(&words, true);
                self.waited(name, started)?;
            }
            "shutdown" => {
                shutdown(self, &words);
                self.exits(0);
            }
            "hostname" if of_windows => out.push(Value::text(&self.sim.facts.host)),
            "whoami" if of_windows => self.whoami(&words, out),
            "taskkill" if of_windows => self.task_kill(&words, out),
            "dsregcmd" if by_name => out.extend(self.sim.facts.directory.lines().map(Value::text)),
            "reg" => self.reg(&words, out)?,
            "sc" if name.to_lowercase().ends_with(".exe") => self.exits(0),
            "powershell" | "pwsh" | "cmd" => self.shell(name, &words, out)?,
            _ => {
                let started = self.sim.program(name, &words, true);
                self.waited(name, started)?;
            }
        }
        Ok(())
    }

    fn waited(&mut self, name: &str, started: Started) -> Outcome<()> {
        match started {
            Ok(pid) => {
                let exit = self.sim.exit_of(pid).unwrap_or(0);
                self.exits(exit);
                Ok(())
            }
            Err(why) => Err(self.not_started("", name, &why)),
        }
    }

    /// A script file, in a scope of its own or in the one that is there.
    fn script_file(
        &mut self,
        (path, text): (&str, &str),
        args: Vec<Given>,
        dot: bool,
        out: &mut Out,
    ) -> Outcome<()> {
        if !self.sim.may_read(path) {
            return fail("", format!("Access to the path '{path}' is denied."));
        }
        let code = match crate::powershell::parse::script(text) {
            Ok(code) => code,
            Err(wrong) => {
                let text = format!("At {path}:{} char:1\n{}", wrong.line, wrong.message);
                return fail("", text);
            }
        };
        let (file, line) = (std::rc::Rc::clone(&self.file), self.line);
        let done = self.call_file(path, &code, args, dot, out);
        if let Err(Flow::Error { text, .. }) = &done {
            // Where it comes from is known here, and not to whoever takes it.
            self.note_error(text);
        } else {
            self.line = line;
        }
        self.file = file;
        match done {
            Err(Flow::Exit(code)) => {
                self.exits(code);
                Ok(())
            }
            other => other,
        }
    }

    /// `taskkill /T /F /PID n`, `/IM name`.
    fn task_kill(&mut self, args: &[String], out: &mut Out) {
        let lower: Vec<String> = args.iter().map(|arg| arg.to_lowercase()).collect();
        let after = |name: &str| {
            lower.iter().position(|arg| arg == name).and_then(|at| lower.get(at + 1)).cloned()
        };
        let tree = lower.iter().any(|arg| arg == "/t");
        let running = self.sim.running();
        let wanted: Vec<u32> = match (after("/pid"), after("/im")) {
            (Some(pid), _) => pid.parse().into_iter().collect(),
            (None, Some(name)) => {
                let fits = running.iter().filter(|one| paths::matches(&name, &one.name));
                fits.map(|one| one.pid).collect()
            }
            (None, None) => Vec::new(),
        };
        let mut ended = 0;
        for pid in wanted {
            if self.sim.end(pid, tree) {
                ended += 1;
                out.push(Value::text(format!(
                    "SUCCESS: The process with PID {pid} has been terminated."
                )));
            }
        }
        if ended == 0 {
            self.prints(vec!["ERROR: The process was not found.".to_owned()], true);
        }
        self.exits(if ended > 0 { 0 } else { 128 });
    }

    /// Another shell inside this one, waited for: its output comes back as text.
    pub(in crate::powershell) fn shell(
        &mut self,
        name: &str,
        args: &[String],
        out: &mut Out,
    ) -> Outcome<()> {
        self.enter()?;
        self.sim.nest()?;
        let env = self.sim.env.clone();
        let line: Vec<String> = args.iter().map(|arg| quoted(arg)).collect();
        let ended = crate::machine::shell_process(self.sim, name, &line.join(" "));
        self.sim.env = env;
        self.sim.unnest();
        self.leave();
        for said in ended.said {
            if said.error {
                let record = Value::of("ErrorRecord", vec![("Message", Value::text(&said.text))]);
                self.emit(2, record, &said.text);
            } else {
                out.push(Value::text(said.text));
            }
        }
        self.exits(ended.exit?);
        Ok(())
    }

    fn whoami(&mut self, args: &[String], out: &mut Out) {
        out.push(Value::text(self.sim.whoami(args)));
        self.exits(0);
    }

    /// `reg query`, `reg add` and `reg delete` of values.
    #[expect(clippy::too_many_lines, reason = "one arm for each verb")]
    fn reg(&mut self, args: &[String], out: &mut Out) -> Outcome<()> {
        let verb = args.first().map(|verb| verb.to_lowercase()).unwrap_or_default();
        let key = args.get(1).and_then(|path| paths::registry(path)).unwrap_or_default();
        let after = |name: &str| {
            args.iter()
                .position(|arg| arg.eq_ignore_ascii_case(name))
                .and_then(|at| args.get(at + 1))
                .cloned()
        };
        let found = crate::machine::registry::find(self.sim.registry(), &key)
            .first()
            .map(|key| (*key).clone());
        match (verb.as_str(), found) {
            ("query", Some(found)) => {
                out.push(Value::text(""));
                out.push(Value::text(&found.path));
                for (name, value) in &found.values {
                    if after("/v").is_some_and(|wanted| !wanted.eq_ignore_ascii_case(name)) {
                        continue;
                    }
                    out.push(Value::text(match value {
                        RegValue::Number(number) => {
                            format!("    {name}    REG_DWORD    {number:#x}")
                        }
                        RegValue::Text(text) => format!("    {name}    REG_SZ    {text}"),
                        RegValue::Many(texts) => {
                            format!("    {name}    REG_MULTI_SZ    {}", texts.join("\\0"))
                        }
                    }));
                }
                self.exits(0);
            }
            ("add", _) if !key.is_empty() => {
                self.sim.act(crate::world::Effect::Key(key.clone()));
                if let Some(name) = after("/v") {
                    let data = after("/d").unwrap_or_default();
                    let number =
                        after("/t").is_some_and(|kind| kind.eq_ignore_ascii_case("REG_DWORD"));
                    let value = match Value::text(&data).as_int().filter(|_| number) {
                        Some(value) => RegValue::Number(value),
                        None => RegValue::Text(data),
                    };
                    self.sim.act(crate::world::Effect::Value(key, name, value));
                }
                out.push(Value::text("The operation completed successfully."));
                self.exits(0);
            }
            ("delete", Some(found)) => {
                self.sim.act(match after("/v") {
                    Some(name) => crate::world::Effect::NoValue(found.path, name),
                    None => crate::world::Effect::NoKey(found.path),
                });
                out.push(Value::text("The operation completed successfully."));
                self.exits(0);
            }
            _ => {
                self.exits(1);
                let text =
                    "ERROR: The system was unable to find the specified registry key or value.";
                self.prints(vec![text.to_owned()], true);
            }
        }
        Ok(())
    }
}
