//! Scheduled tasks, and who may do what with files.

use super::{Call, Cmdlet};
use crate::machine::{NEVER_RAN, paths};
use crate::powershell::joint::Out;
use crate::powershell::objects::{rules_of, security};
use crate::powershell::run::{Outcome, Run, fail};
use crate::powershell::value::Value;
use crate::world::{Effect, Task};

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["New-ScheduledTaskSettingsSet"],
        params: "-AllowStartIfOnBatteries -DontStopIfGoingOnBatteries ExecutionTimeLimit -Hidden -StartWhenAvailable Priority MultipleInstances -Compatibility",
        act: settings,
    },
    Cmdlet {
        names: &["New-ScheduledTaskPrincipal"],
        params: "UserId! LogonType RunLevel GroupId Id",
        act: principal,
    },
    Cmdlet {
        names: &["New-ScheduledTaskAction"],
        params: "Execute! Argument! WorkingDirectory Id",
        act: action,
    },
    Cmdlet {
        names: &["New-ScheduledTaskTrigger"],
        params: "-Once -AtLogOn -AtStartup -Daily At User",
        act: trigger,
    },
    Cmdlet {
        names: &["Register-ScheduledTask"],
        params: "TaskName! TaskPath Action Principal Settings Trigger User Password Description RunLevel -Force",
        act: register,
    },
    Cmdlet {
        names: &["Start-ScheduledTask", "Stop-ScheduledTask"],
        params: "TaskName! TaskPath InputObject",
        act: start_or_stop,
    },
    Cmdlet {
        names: &["Get-ScheduledTask", "Get-ScheduledTaskInfo", "Unregister-ScheduledTask"],
        params: "TaskName! TaskPath InputObject",
        act: look_or_remove,
    },
    Cmdlet {
        names: &["New-TimeSpan"],
        params: "Start! End! Days Hours Minutes Seconds",
        act: time_span,
    },
    Cmdlet { names: &["Get-Acl"], params: "Path! LiteralPath", act: get_acl },
    Cmdlet { names: &["Set-Acl"], params: "Path! AclObject! LiteralPath", act: set_acl },
];

fn given(call: &Call, kind: &'static str, names: &[&str]) -> Value {
    let fields = names.iter().map(|name| (*name, call.get(name).cloned().unwrap_or(Value::Null)));
    Value::of(kind, fields.collect())
}

fn settings(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    out.push(given(call, "CimInstance", &["ExecutionTimeLimit"]));
    Ok(())
}

fn principal(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    out.push(given(call, "CimInstance", &["UserId", "LogonType", "RunLevel"]));
    Ok(())
}

fn action(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    out.push(given(call, "CimInstance", &["Execute", "Argument"]));
    Ok(())
}

fn trigger(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    out.push(given(call, "CimInstance", &["At"]));
    Ok(())
}

/// A field of an object that a parameter was given.
fn field(call: &Call, parameter: &str, name: &str) -> Option<Value> {
    match call.get(parameter)?.items().into_iter().next()? {
        Value::Object(object) => object.get(name).filter(|value| !matches!(value, Value::Null)),
        _ => None,
    }
}

fn register(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let name = call.text("TaskName").unwrap_or_default();
    if run.sim.state.tasks.contains_key(&name.to_lowercase()) && !call.is("Force") {
        let text = "Cannot create a file when that file already exists.";
        return run.complain(&call.name, text, call.action().as_deref());
    }
    let text = |parameter: &str, name: &str| {
        field(call, parameter, name).map(|value| value.show()).unwrap_or_default()
    };
    let user = call.text("User").unwrap_or_else(|| text("Principal", "UserId"));
    let limit = match field(call, "Settings", "ExecutionTimeLimit") {
        Some(Value::Object(span)) => span.get("TotalSeconds").and_then(|seconds| seconds.as_int()),
        // What a task has that says nothing: three days.
        _ => Some(72 * 3_600),
    };
    let task = Task {
        name: name.clone(),
        execute: text("Action", "Execute"),
        arguments: text("Action", "Argument"),
        user,
        limit_s: limit
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0),
        last_result: NEVER_RAN,
    };
    run.sim.pass(60)?;
    run.sim.act(Effect::Task(task.clone()));
    out.push(shown(run, &task));
    Ok(())
}

fn shown(run: &Run<'_>, task: &Task) -> Value {
    let state = if run.sim.task_runs(&task.name) { "Running" } else { "Ready" };
    let fields = vec![
        ("TaskPath", Value::text("\\")),
        ("TaskName", Value::text(&task.name)),
        ("State", Value::text(state)),
    ];
    Value::of("CimInstance", fields)
}

/// The tasks that a call names.
fn named(run: &mut Run<'_>, call: &Call) -> Outcome<Vec<Task>> {
    let wanted: Vec<String> = match (call.get("TaskName"), &call.input) {
        (Some(names), _) => names.items().iter().map(Value::show).collect(),
        (None, Some(input)) => {
            let name = |value: &Value| match value {
                Value::Object(object) => object.text("TaskName"),
                other => other.show(),
            };
            input.iter().map(name).collect()
        }
        (None, None) => vec!["*".to_owned()],
    };
    let mut found = Vec::new();
    for name in wanted {
        let before = found.len();
        let tasks = run.sim.state.tasks.values();
        found.extend(tasks.filter(|task| paths::matches(&name, &task.name)).cloned());
        if found.len() == before && !name.contains('*') {
            let text = format!(
                "No MSFT_ScheduledTask objects found with property 'TaskName' equal to '{name}'. Verify the value of the property and retry."
            );
            run.complain(&call.name, &text, call.action().as_deref())?;
        }
    }
    Ok(found)
}

fn start_or_stop(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let starts = call.name.to_lowercase().starts_with("start");
    for task in named(run, call)? {
        run.sim.pass(40)?;
        if starts {
            run.sim.start_task(&task)?;
        } else {
            run.sim.stop_task(&task.name);
        }
    }
    Ok(())
}

fn look_or_remove(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let verb = call.name.to_lowercase();
    for task in named(run, call)? {
        run.sim.pass(20)?;
        match verb.as_str() {
            "get-scheduledtask" => {
                let value = shown(run, &task);
                out.push(value);
            }
            "get-scheduledtaskinfo" => {
                let fields = vec![
                    ("TaskName", Value::text(&task.name)),
                    ("LastTaskResult", Value::Int(run.sim.task_result(&task))),
                ];
                out.push(Value::of("CimInstance", fields));
            }
            _ => run.sim.act(Effect::NoTask(task.name)),
        }
    }
    Ok(())
}

fn time_span(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    if let (Some(Value::Date(from)), Some(Value::Date(to))) = (call.get("Start"), call.get("End")) {
        out.push(crate::powershell::convert::span((*to - *from).num_milliseconds()));
        return Ok(());
    }
    let units =
        [("Days", 86_400_000), ("Hours", 3_600_000), ("Minutes", 60_000), ("Seconds", 1_000)];
    let of = |(name, unit): (&str, i64)| call.int(name).unwrap_or(0).saturating_mul(unit);
    let all = units.into_iter().map(of).fold(0, i64::saturating_add);
    out.push(crate::powershell::convert::span(all));
    Ok(())
}

fn get_acl(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    for path in call.paths(&["Path", "LiteralPath"]) {
        if run.sim.file(&path).is_none() {
            return fail(
                &call.name,
                format!("Cannot find path '{path}' because it does not exist."),
            );
        }
        let access = run.sim.state.access.get(&paths::key(&path)).cloned().unwrap_or_default();
        out.push(security(&access));
    }
    Ok(())
}

fn set_acl(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let Some(Value::Object(security)) = call.get("AclObject") else {
        return fail(
            &call.name,
            "Cannot bind argument to parameter 'AclObject' because it is null.",
        );
    };
    let access = rules_of(security);
    for path in call.paths(&["Path", "LiteralPath"]) {
        if run.sim.file(&path).is_none() {
            return fail(
                &call.name,
                format!("Cannot find path '{path}' because it does not exist."),
            );
        }
        if run.sim.account != crate::machine::Account::System {
            return fail(&call.name, "Attempted to perform an unauthorized operation.");
        }
        run.sim.act(Effect::Access(path, access.clone()));
    }
    Ok(())
}
