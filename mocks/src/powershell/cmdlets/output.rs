//! What prints, and what prints nothing.

use super::{Call, Cmdlet};
use crate::powershell::joint::Out;
use crate::powershell::run::{Flow, Outcome, Run, fail};
use crate::powershell::show::{console, from_json, to_json};
use crate::powershell::value::Value;

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["Write-Output", "echo", "write"],
        params: "Rest! InputObject -NoEnumerate",
        act: write_output,
    },
    Cmdlet {
        names: &["Write-Host"],
        params: "Rest! Object ForegroundColor BackgroundColor -NoNewline Separator",
        act: write_host,
    },
    Cmdlet {
        names: &["Write-Error"],
        params: "Message! Exception Category ErrorId",
        act: write_error,
    },
    Cmdlet {
        names: &["Write-Warning", "Write-Verbose", "Write-Debug"],
        params: "Message!",
        act: write_record,
    },
    Cmdlet { names: &["Write-Information"], params: "MessageData! Tags", act: write_information },
    Cmdlet {
        names: &["Write-Progress"],
        params: "Activity! Status! Id CurrentOperation PercentComplete SecondsRemaining ParentId -Completed",
        act: nothing,
    },
    Cmdlet { names: &["Out-Null"], params: "InputObject!", act: nothing },
    Cmdlet { names: &["Out-String"], params: "InputObject -Stream Width", act: out_string },
    Cmdlet { names: &["Out-Host", "Out-Default"], params: "InputObject", act: write_output },
    Cmdlet {
        names: &["Format-Table", "ft", "Format-List", "fl"],
        params: "Property! -AutoSize -Wrap -HideTableHeaders InputObject",
        act: format,
    },
    Cmdlet {
        names: &["ConvertTo-Json"],
        params: "InputObject! Depth -Compress",
        act: convert_to_json,
    },
    Cmdlet { names: &["ConvertFrom-Json"], params: "InputObject!", act: convert_from_json },
    Cmdlet {
        names: &[
            "Set-StrictMode",
            "Set-ExecutionPolicy",
            "Import-Module",
            "Set-Location",
            "cd",
            "Push-Location",
            "Pop-Location",
            "Add-Type",
            "Unblock-File",
            "Clear-Host",
        ],
        params: "Rest! Version Scope -Force Name Path LiteralPath AssemblyName TypeDefinition -Off ExecutionPolicy -DisableNameChecking",
        act: nothing,
    },
];

fn nothing(_: &mut Run<'_>, _: &Call, _: &mut Out) -> Outcome<()> {
    Ok(())
}

fn write_output(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let given = call.get("Rest").or_else(|| call.get("InputObject"));
    match (given, &call.input) {
        (Some(Value::Null), _) => out.push(Value::Null),
        (Some(value), _) => out.extend(value.items()),
        (None, Some(input)) => out.extend(input.iter().cloned()),
        (None, None) => {}
    }
    Ok(())
}

fn write_host(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let given = call.get("Rest").or_else(|| call.get("Object")).cloned();
    let values = given.map_or_else(|| call.input.clone().unwrap_or_default(), |value| vec![value]);
    for value in values {
        let text = crate::powershell::operators::join(&value, " ")?;
        let record = Value::of("InformationRecord", vec![("Message", Value::text(&text))]);
        run.emit(6, record, &text);
    }
    Ok(())
}

fn write_error(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let text = call.text("Message").or_else(|| call.text("Exception")).unwrap_or_default();
    run.complain(&call.name, &text, call.action().as_deref())
}

/// What a preference says, in lower case.
fn preference(run: &Run<'_>, name: &str) -> Option<String> {
    run.variable(name).map(|value| value.show().to_lowercase())
}

fn write_record(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let (stream, kind, word, variable, switch) = match call.name.to_lowercase().as_str() {
        "write-verbose" => (4, "VerboseRecord", "VERBOSE", "verbosepreference", "Verbose"),
        "write-debug" => (5, "DebugRecord", "DEBUG", "debugpreference", "Debug"),
        _ => (3, "WarningRecord", "WARNING", "warningpreference", ""),
    };
    let usual = if stream == 3 { "continue" } else { "silentlycontinue" };
    let chosen = match call.text("WarningAction") {
        Some(action) if stream == 3 => action.to_lowercase(),
        _ if call.is(switch) => "continue".to_owned(),
        _ => preference(run, variable).unwrap_or_else(|| usual.to_owned()),
    };
    let text = call.text("Message").unwrap_or_default();
    match chosen.as_str() {
        "silentlycontinue" | "ignore" => return Ok(()),
        "stop" => {
            let text = format!(
                "The running command stopped because the preference variable \"{variable}\" or common parameter is set to Stop: {text}"
            );
            return Err(Flow::Error { text, by: call.name.clone(), fatal: true });
        }
        _ => {}
    }
    let record = Value::of(kind, vec![("Message", Value::text(&text))]);
    run.emit(stream, record, &format!("{word}: {text}"));
    Ok(())
}

/// It is shown where the preference says so; who redirects the stream gets it anyway.
fn write_information(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let text = call.text("MessageData").unwrap_or_default();
    let shown = preference(run, "informationpreference").is_some_and(|how| how == "continue");
    if shown || run.is_taken(6) {
        let record = Value::of("InformationRecord", vec![("Message", Value::text(&text))]);
        run.emit(6, record, &text);
    }
    Ok(())
}

fn out_string(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let lines = console(&call.values("InputObject"));
    if call.is("Stream") {
        out.extend(lines.into_iter().map(Value::text));
    } else {
        out.push(Value::text(format!("{}\r\n", lines.join("\r\n"))));
    }
    Ok(())
}

/// What is shown stays as it is: the console makes the table.
fn format(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let names: Vec<String> = call
        .get("Property")
        .map(Value::items)
        .unwrap_or_default()
        .iter()
        .map(Value::show)
        .collect();
    for value in call.values("InputObject") {
        if names.is_empty() {
            out.push(value);
            continue;
        }
        let mut fields = Vec::new();
        for name in &names {
            fields.push((name.as_str().into(), run.member(&value, name)?));
        }
        out.push(Value::object("PSCustomObject", fields));
    }
    Ok(())
}

fn convert_to_json(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let depth = call.int("Depth").and_then(|n| u16::try_from(n).ok()).unwrap_or(2).min(100);
    let value = match (call.get("InputObject"), &call.input) {
        (Some(value), _) => value.clone(),
        (None, Some(input)) => Value::collected(input.clone()),
        (None, None) => Value::Null,
    };
    if crate::powershell::run::weight(&value, 1 << 20) > 1 << 20 {
        return fail(&call.name, "Exception of type 'System.OutOfMemoryException' was thrown.");
    }
    let json = to_json(&value, depth + 1);
    let text = if call.is("Compress") {
        Ok(json.to_string())
    } else {
        serde_json::to_string_pretty(&json)
    };
    out.push(Value::text(text.unwrap_or_default()));
    Ok(())
}

fn convert_from_json(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let lines: Vec<String> = call.values("InputObject").iter().map(Value::show).collect();
    match serde_json::from_str::<serde_json::Value>(&lines.join("\n")) {
        Ok(json) => {
            out.push(from_json(&json));
            Ok(())
        }
        Err(_) => Err(Flow::Error {
            text: "Invalid JSON primitive.".to_owned(),
            by: call.name.clone(),
            fatal: false,
        }),
    }
}
