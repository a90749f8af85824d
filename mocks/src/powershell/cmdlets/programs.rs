//! Processes: started, waited for; and blocks and texts that are run.

use std::rc::Rc;

use super::{Call, Cmdlet};
use crate::machine::{Started, paths};
use crate::powershell::eval::Given;
use crate::powershell::joint::Out;
use crate::powershell::run::{Outcome, Run, fail};
use crate::powershell::things::{Handle, Thing};
use crate::powershell::value::Value;

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["Start-Process", "saps", "start"],
        params: "FilePath! ArgumentList! -Wait -PassThru -NoNewWindow WindowStyle WorkingDirectory Verb RedirectStandardOutput RedirectStandardError RedirectStandardInput Credential -LoadUserProfile -UseNewEnvironment",
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

fn start_process(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let path = call.get("FilePath").map(super::files::path_of).unwrap_or_default();
    let given = call.get("ArgumentList").map(Value::items).unwrap_or_default();
    // What it is given is joined to one line, and the program takes that apart again.
    let line: Vec<String> = given.iter().map(Value::show).collect();
    let line = line.join(" ");
    if let Some(input) = call.text("RedirectStandardInput")
        && run.sim.file(&input).is_none()
    {
        let text = "This command cannot be run because either the parameter \"RedirectStandardInput\" has a value that is not valid or cannot be used with this command.";
        return fail(&call.name, text);
    }
    let files = [call.text("RedirectStandardOutput"), call.text("RedirectStandardError")];
    for file in files.iter().flatten() {
        run.put_bytes(file, Vec::new())?;
    }
    let started = run.start(&path, &line, files)?;
    let pid = match started {
        Ok(pid) => pid,
        Err(why) => return Err(run.not_started(&call.name, &path, &why)),
    };
    if call.is("Wait") {
        run.sim.wait(pid, None)?;
    }
    if call.is("PassThru") {
        let name = paths::leaf(&path).to_owned();
        out.push(Value::thing(Thing::Process(Handle { pid, name })));
    }
    Ok(())
}

fn wait_process(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let most = call.int("Timeout").and_then(|seconds| u64::try_from(seconds).ok());
    let mut given = call.values("InputObject");
    given.extend(call.get("Id").map(Value::items).unwrap_or_default());
    for value in given {
        if let Some(pid) = pid_of(&value)
            && !run.sim.wait(pid, most.map(|seconds| seconds.saturating_mul(1_000)))?
        {
            let text = "This command stopped operation because process did not stop in the specified time-out.";
            run.complain(&call.name, text, call.action().as_deref())?;
        }
    }
    Ok(())
}

/// The number of a process that a value names.
pub(super) fn pid_of(value: &Value) -> Option<u32> {
    match value {
        Value::Thing(thing) => match &**thing {
            Thing::Process(handle) => Some(handle.pid),
            _ => None,
        },
        other => u32::try_from(other.as_int()?).ok(),
    }
}

fn invoke_expression(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
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

fn invoke_command(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
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

impl Run<'_> {
    /// Starts a program in a process of its own, which runs beside the script.
    fn start(&mut self, path: &str, line: &str, files: [Option<String>; 2]) -> Outcome<Started> {
        let args = words(line);
        Ok(match super::shells::native(path).as_str() {
            "msiexec" => self.sim.msiexec(&args, false),
            "powershell" | "pwsh" | "cmd" => {
                self.sim.nest()?;
                let pid = self.sim.start_shell(path, line, files);
                self.sim.unnest();
                Ok(pid)
            }
            "shutdown" | "taskkill" | "reg" | "whoami" | "hostname" => {
                // Windows' own: they are done at once.
                let mut out = Out::default();
                let given = args.into_iter().map(|arg| Given::Value(Value::text(arg))).collect();
                self.run_program(path, (given, false), &mut out)?;
                let exit = self.last_exit();
                Ok(self.sim.done(path, exit))
            }
            _ => self.sim.program(path, &args, false),
        })
    }
}
