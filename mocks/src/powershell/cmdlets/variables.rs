//! Variables and commands by their names.

use super::{Call, Cmdlet};
use crate::powershell::ast::Param;
use crate::powershell::joint::Out;
use crate::powershell::run::{Outcome, Run, fail};
use crate::powershell::value::Value;
use crate::world::Content;

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["Set-Variable", "sv", "New-Variable", "nv"],
        params: "Name! Value! Scope Option Description Visibility -Force -PassThru",
        act: set_variable,
    },
    Cmdlet { names: &["Get-Variable", "gv"], params: "Name! -ValueOnly Scope", act: get_variable },
    Cmdlet {
        names: &["Remove-Variable", "rv", "Clear-Variable"],
        params: "Name! Scope -Force",
        act: remove_variable,
    },
    Cmdlet { names: &["Get-Command", "gcm"], params: "Name! CommandType -All", act: get_command },
];

/// A name with the scope that a call says.
fn scoped(call: &Call, name: &str) -> String {
    match call.text("Scope") {
        Some(scope) => format!("{}:{}", scope.to_lowercase(), name.to_lowercase()),
        None => name.to_lowercase(),
    }
}

fn set_variable(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let value = match (call.get("Value"), &call.input) {
        (Some(value), _) => value.clone(),
        (None, Some(input)) => Value::collected(input.clone()),
        (None, None) => Value::Null,
    };
    for name in call.get("Name").map(Value::items).unwrap_or_default() {
        run.set(&scoped(call, &name.show()), value.clone())?;
    }
    Ok(())
}

fn get_variable(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    for name in call.get("Name").map(Value::items).unwrap_or_default() {
        let name = name.show();
        match run.variable(&scoped(call, &name)).cloned() {
            Some(value) if call.is("ValueOnly") => out.push(value),
            Some(value) => {
                let fields = vec![("Name", Value::text(&name)), ("Value", value)];
                out.push(Value::of("PSVariable", fields));
            }
            None => {
                let text = format!("Cannot find a variable with the name '{name}'.");
                run.complain(&call.name, &text, call.action().as_deref())?;
            }
        }
    }
    Ok(())
}

fn remove_variable(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    for name in call.get("Name").map(Value::items).unwrap_or_default() {
        let name = name.show().to_lowercase();
        if let Some(scope) = run.scopes.last_mut() {
            scope.variables.remove(&name);
        }
    }
    Ok(())
}

/// A command, with its parameters where a script says which it has.
fn get_command(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let wanted = call.text("Name").unwrap_or_default();
    let kind = call.text("CommandType").unwrap_or_default().to_lowercase();
    let is = |word: &str| kind.is_empty() || kind.contains(word) || kind.contains("all");
    let command = |kind: &'static str, parameters: &[Param]| {
        let named = |param: &Param| {
            let own = Value::of("ParameterMetadata", vec![("Name", Value::text(&param.name))]);
            (param.name.as_str().into(), own)
        };
        let table = Value::object("hashtable", parameters.iter().map(named).collect());
        Value::of(kind, vec![("Name", Value::text(&wanted)), ("Parameters", table)])
    };
    if let Some(code) = run.function(&wanted).filter(|_| is("function")) {
        out.push(command("FunctionInfo", &code.params));
        return Ok(());
    }
    if super::find(&wanted).is_some() && is("cmdlet") {
        out.push(command("CmdletInfo", &[]));
        return Ok(());
    }
    match run.sim.file(&wanted).filter(|content| *content != Content::Folder) {
        Some(content) if wanted.to_lowercase().ends_with(".ps1") && is("externalscript") => {
            match crate::powershell::parse::script(&super::text_of(&content)) {
                Ok(code) => out.push(command("ExternalScriptInfo", &code.params)),
                Err(wrong) => {
                    return fail(
                        "",
                        format!("At {wanted}:{} char:1\n{}", wrong.line, wrong.message),
                    );
                }
            }
            return Ok(());
        }
        Some(_) if is("application") && !wanted.to_lowercase().ends_with(".ps1") => {
            out.push(command("ApplicationInfo", &[]));
            return Ok(());
        }
        _ => {}
    }
    let text = format!(
        "The term '{wanted}' is not recognized as the name of a cmdlet, function, script file, or operable program."
    );
    run.complain(&call.name, &text, call.action().as_deref())
}
