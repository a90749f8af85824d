//! Programs: installers, Windows' own, and whatever is no command at all.

use std::rc::Rc;

use super::{Call, Cmdlet};
use crate::machine::{NotStarted, paths};
use crate::powershell::eval::Given;
use crate::powershell::run::{Flow, Outcome, Run, fail};
use crate::powershell::value::Value;
use crate::world::{Content, RegValue};

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["Start-Process", "saps", "start"],
        params: "FilePath! ArgumentList! -Wait -PassThru -NoNewWindow WindowStyle WorkingDirectory Verb RedirectStandardOutput RedirectStandardError",
        act: start_process,
    },
    Cmdlet { names: &["Wait-Process"], params: "Id! Name InputObject Timeout", act: wait_process },
    Cmdlet { names: &["Invoke-Expression", "iex"], params: "Command!", act: invoke_expression },
    Cmdlet {
        names: &["Invoke-Command", "icm"],
        params: "ScriptBlock! ArgumentList",
        act: invoke_command,
    },
];

/// A process that was started and is not waited for.
const FOR_EVER: i64 = i64::MAX;

/// The words of a command line: parted by blanks that no quote holds together.
pub(crate) fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut any) = (Vec::new(), String::new(), false, false);
    for letter in line.chars() {
        match letter {
            '"' => {
                quoted = !quoted;
                any = true;
            }
            letter if letter.is_whitespace() && !quoted => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            letter => word.push(letter),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    words
}

fn start_process(run: &mut Run<'_>, call: &Call, out: &mut Vec<Value>) -> Outcome<()> {
    let path = call.get("FilePath").map(super::files::path_of).unwrap_or_default();
    let given = call.get("ArgumentList").map(Value::items).unwrap_or_default();
    // What it is given is joined to one line, and the program takes that apart again.
    let line: Vec<String> = given.iter().map(Value::show).collect();
    let args = words(&line.join(" "));
    let wait = call.is("Wait");
    let process = match native(&path).as_str() {
        "msiexec" => run.sim.msiexec(&args, wait).map(|p| (p.exit, p.takes)),
        "shutdown" => {
            shutdown(run, &args);
            Ok((0, 100))
        }
        "powershell" | "pwsh" | "cmd" => {
            let mut inner = Vec::new();
            run.shell(&path, &args, &mut inner)?;
            Ok((run.last_exit(), 0))
        }
        _ => run.sim.program(&path, &args, wait).map(|p| (p.exit, p.takes)),
    };
    let (exit, takes) = match process {
        Ok(process) => process,
        Err(why) => return Err(run.not_started(&call.name, &path, &why)),
    };
    if call.is("PassThru") {
        let left =
            if takes == u64::MAX { FOR_EVER } else { i64::try_from(takes).unwrap_or(FOR_EVER - 1) };
        let fields = vec![
            ("ExitCode", Value::Int(exit)),
            ("HasExited", Value::Bool(wait)),
            ("Id", Value::Int(7_312)),
            ("ProcessName", Value::text(paths::leaf(&path).trim_end_matches(".exe"))),
            ("Left", Value::Int(if wait { 0 } else { left })),
        ];
        out.push(Value::of("Process", fields));
    }
    Ok(())
}

fn wait_process(run: &mut Run<'_>, call: &Call, _: &mut Vec<Value>) -> Outcome<()> {
    for value in call.values("InputObject") {
        if let Value::Object(object) = &value {
            let left = object.get("Left").and_then(Value::as_int).unwrap_or(0);
            run.wait_for(left)?;
        }
    }
    Ok(())
}

fn invoke_expression(run: &mut Run<'_>, call: &Call, out: &mut Vec<Value>) -> Outcome<()> {
    let text = call.values("Command").iter().map(Value::show).collect::<Vec<_>>().join("\n");
    match crate::powershell::parse::script(&text) {
        Ok(code) => {
            run.enter()?;
            let done = run.block(&code.body, out);
            run.leave();
            done
        }
        Err(wrong) => fail(&call.name, wrong.message),
    }
}

fn invoke_command(run: &mut Run<'_>, call: &Call, out: &mut Vec<Value>) -> Outcome<()> {
    let args = call.get("ArgumentList").map(Value::items).unwrap_or_default();
    match call.get("ScriptBlock") {
        Some(Value::Code(code)) => {
            let code = Rc::clone(code);
            run.call(&code, args.into_iter().map(Given::Value).collect(), None, out)
        }
        _ => {
            fail(&call.name, "Cannot bind argument to parameter 'ScriptBlock' because it is null.")
        }
    }
}

/// The name of a program without its folder and its ending.
fn native(path: &str) -> String {
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

    fn exits(&mut self, code: i64) {
        self.ok = code == 0;
        if let Some(scope) = self.scopes.first_mut() {
            scope.variables.insert("lastexitcode".to_owned(), Value::Int(code));
        }
    }

    /// A program called by its name or its path, waited for where it has a console.
    pub(in crate::powershell) fn run_program(
        &mut self,
        name: &str,
        args: &[Given],
        out: &mut Vec<Value>,
    ) -> Outcome<()> {
        let mut words = Vec::new();
        for argument in args {
            match argument {
                Given::Name(name, None) => words.push(format!("-{name}")),
                Given::Name(name, Some(value)) => words.push(format!("-{name}:{}", value.show())),
                Given::Value(value) => words.extend(value.items().iter().map(Value::show)),
            }
        }
        let by_name = !name.contains(['\\', '/']);
        let program = native(name);
        match program.as_str() {
            // A program with windows: it is not waited for, unless its output is.
            "msiexec" => match self.sim.msiexec(&words, true) {
                Ok(process) => self.exits(process.exit),
                Err(why) => return Err(self.not_started("", name, &why)),
            },
            "shutdown" => {
                shutdown(self, &words);
                self.exits(0);
            }
            "hostname" if by_name => out.push(Value::text(&self.sim.facts.host)),
            "whoami" if by_name => self.whoami(&words, out),
            "dsregcmd" if by_name => out.extend(self.sim.facts.directory.lines().map(Value::text)),
            "reg" => self.reg(&words, out)?,
            "sc" if name.to_lowercase().ends_with(".exe") => self.exits(0),
            "powershell" | "pwsh" | "cmd" => self.shell(name, &words, out)?,
            _ => match self.sim.program(name, &words, true) {
                Ok(process) => self.exits(process.exit),
                Err(NotStarted::Over) => return Err(Flow::Over),
                Err(why) => return self.no_program(name, &words, &why, out),
            },
        }
        Ok(())
    }

    /// A script file, or nothing at all.
    fn no_program(
        &mut self,
        name: &str,
        args: &[String],
        why: &NotStarted,
        out: &mut Vec<Value>,
    ) -> Outcome<()> {
        let script = name.to_lowercase().ends_with(".ps1");
        match self.sim.file(name) {
            Some(content) if script && content != Content::Folder => {
                self.script_file(&super::text_of(&content), args, out)
            }
            _ => Err(self.not_started("", name, why)),
        }
    }

    fn script_file(&mut self, text: &str, args: &[String], out: &mut Vec<Value>) -> Outcome<()> {
        let code = match crate::powershell::parse::script(text) {
            Ok(code) => code,
            Err(wrong) => return fail("", wrong.message),
        };
        let mut given = Vec::new();
        for arg in args {
            match arg.strip_prefix('-').filter(|name| name.starts_with(char::is_alphabetic)) {
                Some(name) => given.push(Given::Name(name.to_owned(), None)),
                None => given.push(Given::Value(Value::text(arg))),
            }
        }
        match self.call(&code, given, None, out) {
            Err(Flow::Exit(code)) => {
                self.exits(code);
                Ok(())
            }
            other => other,
        }
    }

    /// Another shell inside this one: its output comes back as text.
    pub(in crate::powershell) fn shell(
        &mut self,
        name: &str,
        args: &[String],
        out: &mut Vec<Value>,
    ) -> Outcome<()> {
        self.enter()?;
        self.sim.nest()?;
        let at = |names: &[&str]| {
            let is = |arg: &String| names.iter().any(|name| arg.eq_ignore_ascii_case(name));
            args.iter().position(is).map(|at| at + 1)
        };
        if native(name) == "cmd" {
            let line = at(&["/c", "/k"]).map(|at| args[at..].join(" ")).unwrap_or_default();
            let (lines, exit) = crate::cmd::run(self.sim, &line, false)?;
            out.extend(lines.into_iter().map(Value::text));
            self.exits(exit);
        } else {
            let file = at(&["-file", "-f"]).and_then(|at| Some((args.get(at)?, at)));
            let text = match file {
                Some((path, _)) => self.sim.file(path).map(|content| super::text_of(&content)),
                None => None,
            };
            let raw = format!("{name} {}", args.join(" "));
            let text = text.unwrap_or_else(|| crate::shell::decode(&raw));
            // A shell within a shell within a shell ends somewhere.
            match crate::powershell::parse::script(&text) {
                Ok(code) if text != raw => {
                    let scopes = std::mem::take(&mut self.scopes);
                    self.scopes.push(crate::powershell::run::Scope::default());
                    let rest = file.map(|(_, at)| args[at + 1..].to_vec()).unwrap_or_default();
                    let given =
                        rest.into_iter().map(|arg| Given::Value(Value::text(arg))).collect();
                    let done = self.call(&code, given, None, out);
                    self.scopes = scopes;
                    match done {
                        Err(Flow::Exit(code)) => self.exits(code),
                        other => {
                            other?;
                            self.exits(0);
                        }
                    }
                }
                _ => self.exits(1),
            }
        }
        self.sim.unnest();
        self.leave();
        Ok(())
    }

    fn whoami(&mut self, args: &[String], out: &mut Vec<Value>) {
        let upn = args.iter().any(|arg| arg.eq_ignore_ascii_case("/upn"));
        out.push(Value::text(if upn { &self.sim.facts.upn } else { &self.sim.facts.account }));
        self.exits(0);
    }

    /// `reg query`, `reg add` and `reg delete` of values.
    #[expect(clippy::too_many_lines, reason = "one arm for each verb")]
    fn reg(&mut self, args: &[String], out: &mut Vec<Value>) -> Outcome<()> {
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
                self.show_error("", text);
            }
        }
        Ok(())
    }
}
