//! Commands to agents: queued, fetched by the agent when it checks in, answered after a while.
//!
//! A command to an agent that is off stays queued and is answered when the machine comes back;
//! one to an agent that is left over from before a wipe is never answered, and neither is one whose
//! machine went off while it ran. There is no way to cancel one and no exit code.

use serde_json::{Value, json};

use super::auth::zoneless;
use super::computers::{self, is_online};
use super::list::{Fixed, page, single};
use super::problem::Problem;
use super::request::{Request, id, member, number};
use super::system;
use crate::machine::{self, Job, Progress};
use crate::shell::{self, Language};
use crate::vendor::Reply;
use crate::world::{QueuedCommand, World};

/// The command that runs a program, and the newer one that runs PowerShell.
const EXECUTE: u64 = 2;
const EXECUTE_POWERSHELL: u64 = 301;
/// Makes the agent check in quickly.
const FASTALK: u64 = 35;

/// Answers `CommandExecute`, `CommandPrompt` and `CommandHistory` of a computer.
pub(super) fn answer(
    request: &Request<'_>,
    world: &mut World,
    computer: u64,
) -> Result<Reply, Problem> {
    if computers::find(world, computer).is_none() {
        return Err(Problem::missing("Computer", computer));
    }
    let path = request.path();
    match (request.method.as_str(), path.get(2..).unwrap_or_default()) {
        ("POST", ["commandexecute"]) => execute(&request.json()?, world, computer),
        ("POST", ["commandprompt"]) => prompt(&request.json()?, world, computer),
        ("GET", ["commandexecute"]) => {
            // Asked for by id, only those are looked at: every client polls, for every command.
            let wanted: Vec<u64> = match &request.options.ids {
                Some(ids) => ids.iter().copied().collect(),
                None => of_computer(world, computer),
            };
            settle(world, &wanted);
            let rows = wanted.iter().filter_map(|id| row(world, *id, computer)).collect();
            page(&Fixed { rows, id: "id" }, &request.options)
        }
        ("GET", ["commandexecute", number]) => {
            let number = id(number)?;
            settle(world, &[number]);
            let row =
                row(world, number, computer).ok_or_else(|| Problem::missing("Command", number))?;
            Ok(single(row, &request.options))
        }
        ("GET", ["commandhistory"]) => {
            let all = of_computer(world, computer);
            settle(world, &all);
            let rows = all.iter().filter_map(|id| history(world, *id)).collect();
            page(&Fixed { rows, id: "id" }, &request.options)
        }
        (method, [_] | [_, _]) => Err(Problem::no_method(method)),
        _ => Err(Problem::no_resource()),
    }
}

fn of_computer(world: &World, computer: u64) -> Vec<u64> {
    let commands = world.automate.commands.iter();
    commands.filter(|(_, command)| command.agent == computer).map(|(id, _)| *id).collect()
}

fn execute(body: &Value, world: &mut World, computer: u64) -> Result<Reply, Problem> {
    let command = member(body, "Command")
        .and_then(|command| member(command, "Id"))
        .and_then(number)
        .ok_or_else(|| Problem::bad("Command.Id is missing."))?;
    if let Some(other) = member(body, "ComputerId").and_then(number).filter(|id| *id != computer) {
        return Err(Problem::bad(format!("ComputerId {other} is not the computer of the path.")));
    }
    if system::command(command).is_none() {
        return Err(Problem::missing("Command", command));
    }
    let parameters = match member(body, "Parameters") {
        Some(Value::Array(items)) => items.iter().map(text).collect(),
        Some(Value::Null) | None => Vec::new(),
        Some(single) => vec![text(single)],
    };
    let runs = matches!(command, EXECUTE | EXECUTE_POWERSHELL);
    let script = if runs { shell::decode(&parameters.join("!!!")) } else { String::new() };
    let number = queue(world, computer, script, &Sent { command, parameters });
    let row = row(world, number, computer).ok_or_else(|| Problem::missing("Command", number))?;
    Ok(Reply::json(200, &row))
}

/// The older form: the bare id of the command is all that comes back.
fn prompt(body: &Value, world: &mut World, computer: u64) -> Result<Reply, Problem> {
    let script = member(body, "CommandText")
        .and_then(Value::as_str)
        .ok_or_else(|| Problem::bad("CommandText is missing."))?
        .to_owned();
    let sent = Sent { command: EXECUTE, parameters: vec![script.clone()] };
    let number = queue(world, computer, script, &sent);
    Ok(Reply::json(200, &json!(number)))
}

fn queue(world: &mut World, computer: u64, script: String, sent: &Sent) -> u64 {
    let id = world.automate.commands.last_key_value().map_or(1_000, |(last, _)| last + 1);
    let machine = computers::find(world, computer).filter(|c| c.current).map(|c| c.machine);
    let runs = matches!(sent.command, EXECUTE | EXECUTE_POWERSHELL);
    let acts = runs && machine.is_some_and(|no| !shell::is_question(world, no, &script));
    let command = QueuedCommand {
        machine,
        agent: computer,
        text: script,
        raw: sent.write(),
        sent: world.now(),
        due: None,
        acts,
        run: None,
        output: None,
    };
    world.automate.commands.insert(id, command);
    settle(world, &[id]);
    id
}

/// Brings commands up to date: fetched by agents that are on, answered where the time has come.
fn settle(world: &mut World, ids: &[u64]) {
    machine::settle(world);
    let now = world.now();
    for id in ids {
        if settle_run(world, *id) {
            continue;
        }
        let Some(command) = world.automate.commands.get(id).filter(|c| c.output.is_none()) else {
            continue;
        };
        let online = computers::find(world, command.agent).is_some_and(|c| is_online(world, c))
            && command.machine.is_some();
        let due = match command.due {
            None if online => Some(now + shell::latency(world, *id)),
            None => None,
            Some(due) if online || answered_before_it_went_off(world, command) => Some(due),
            // The machine went off with the command: it starts again when it is back.
            Some(_) => None,
        };
        let output = match (due, command.machine) {
            (Some(due), Some(machine)) if due <= now => {
                let sent = Sent::read(&command.raw);
                Some(match sent.command {
                    EXECUTE | EXECUTE_POWERSHELL => shell::answer(world, machine, &command.text),
                    FASTALK => "FasTalk started".to_owned(),
                    _ => "OK".to_owned(),
                })
            }
            _ => None,
        };
        if let Some(command) = world.automate.commands.get_mut(id) {
            command.due = due;
            command.output = output;
        }
    }
}

/// Brings a command that acts on its machine up to date; whether it is one. Once it has begun it
/// ends with its machine, and is not begun again: nobody will hear of it.
fn settle_run(world: &mut World, id: u64) -> bool {
    let Some(command) = world.automate.commands.get(&id).filter(|command| command.acts) else {
        return false;
    };
    let Some(no) = command.machine.filter(|_| command.output.is_none()) else { return true };
    let now = world.now();
    let (mut run, mut due, mut output) = (command.run, command.due, None);
    match run {
        None => {
            if !computers::find(world, command.agent).is_some_and(|c| is_online(world, c)) {
                return true;
            }
            let sent = Sent::read(&command.raw);
            let program = sent.parameters.first().map_or("", String::as_str);
            let language = match sent.command {
                EXECUTE_POWERSHELL => Language::PowerShell,
                _ => Language::of(program),
            };
            let text = command.text.clone();
            let job = Job { language, text: &text, limit: None };
            let at = now + shell::latency(world, id);
            run = Some(machine::begin(world, no, &job, at));
            // From when it runs; one that hangs is "Executing" for as long as anybody looks.
            due = Some(at);
        }
        Some(number) => match machine::progress(world, number) {
            Progress::Runs(_) | Progress::Lost => {}
            Progress::Ended(end, printed) => (due, output) = (Some(end), printed),
        },
    }
    if let Some(command) = world.automate.commands.get_mut(&id) {
        (command.run, command.due, command.output) = (run, due, output);
    }
    true
}

fn answered_before_it_went_off(world: &World, command: &QueuedCommand) -> bool {
    let went_off = command
        .machine
        .and_then(|machine| world.machines.get(machine))
        .map(|machine| machine.mark.modified);
    matches!((command.due, went_off), (Some(due), Some(off)) if due < off && off <= world.now())
}

fn status(command: &QueuedCommand, world: &World) -> &'static str {
    match command.due {
        _ if command.output.is_some() => "Success",
        None => "Loading",
        // The first third of the wait passes before the agent checks in.
        Some(due) if world.now() < command.sent + (due - command.sent) / 3 => "Loading",
        Some(_) => "Executing",
    }
}

fn row(world: &World, id: u64, computer: u64) -> Option<Value> {
    let command = world.automate.commands.get(&id).filter(|c| c.agent == computer)?;
    let sent = Sent::read(&command.raw);
    Some(json!({
        "Id": id,
        "ComputerId": computer,
        "Command": system::command(sent.command),
        "Status": status(command, world),
        "Parameters": sent.parameters,
        "Output": command.output,
        "Fastalk": sent.command == FASTALK,
        "DateLastInventoried": zoneless(command.sent),
    }))
}

fn history(world: &World, id: u64) -> Option<Value> {
    let command = world.automate.commands.get(&id)?;
    let sent = Sent::read(&command.raw);
    let catalogue = system::command(sent.command).unwrap_or_default();
    let mut row = json!({
        "Id": id,
        "ComputerId": command.agent,
        "DateExecuted": zoneless(command.sent),
        "CommandId": sent.command,
        "Command": catalogue.get("Name"),
        "Status": status(command, world),
        "Output": command.output.as_deref().unwrap_or_default(),
        "Parameters": sent.parameters.join("!!!"),
        "User": world.credentials.automate_user,
    });
    if let (Some(due), Some(_), Some(map)) = (command.due, &command.output, row.as_object_mut()) {
        map.insert("DateFinished".into(), json!(zoneless(due)));
    }
    Some(row)
}

/// What was sent, kept as text in the queue.
struct Sent {
    command: u64,
    parameters: Vec<String>,
}

impl Sent {
    fn write(&self) -> String {
        json!({ "Command": self.command, "Parameters": self.parameters }).to_string()
    }

    fn read(raw: &str) -> Self {
        let value: Value = serde_json::from_str(raw).unwrap_or_default();
        let parameters = value.get("Parameters").and_then(Value::as_array);
        Self {
            command: value.get("Command").and_then(Value::as_u64).unwrap_or(EXECUTE),
            parameters: match parameters {
                Some(items) => items.iter().map(text).collect(),
                None => vec![raw.to_owned()],
            },
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
