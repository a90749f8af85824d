//! Values of keys of the registry.

use super::files::path_of;
use super::items::{PATH, full_name, property_object, value_of};
use super::{Call, Cmdlet};
use crate::machine::paths;
use crate::powershell::joint::Out;
use crate::powershell::run::{Outcome, Run, fail};
use crate::powershell::value::Value;
use crate::world::{Effect, RegKey, RegValue};

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["Get-ItemProperty", "gp"],
        params: "Path! Name! LiteralPath",
        act: get_property,
    },
    Cmdlet {
        names: &["Get-ItemPropertyValue", "gpv"],
        params: "Path! Name! LiteralPath",
        act: get_value,
    },
    Cmdlet {
        names: &["Set-ItemProperty", "sp", "New-ItemProperty"],
        params: "Path! Name! Value! LiteralPath Type PropertyType -Force -PassThru",
        act: set_property,
    },
    Cmdlet {
        names: &["Remove-ItemProperty", "rp"],
        params: "Path! Name! LiteralPath -Force",
        act: remove_property,
    },
];

fn get_property(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let names: Vec<String> =
        call.get("Name").map(Value::items).unwrap_or_default().iter().map(Value::show).collect();
    for path in call.paths(PATH) {
        let Some(key) = paths::registry(&path) else {
            let found = run.files(&path);
            if found.is_empty() && !path.contains('*') {
                run.not_there(call, &path)?;
            }
            out.extend(found.iter().map(|path| run.file_object(path)));
            continue;
        };
        let found = run.keys(&key);
        if found.is_empty() && !path.contains('*') {
            run.not_there(call, &path)?;
        }
        for mut key in found {
            if !names.is_empty() {
                key.values
                    .retain(|(value, _)| names.iter().any(|name| paths::matches(name, value)));
                if key.values.is_empty() && !path.contains('*') {
                    let text = format!(
                        "Property {} does not exist at path {}.",
                        names.join(", "),
                        full_name(&key.path)
                    );
                    run.complain(&call.name, &text, call.action().as_deref())?;
                    continue;
                }
            }
            out.push(property_object(&key));
        }
    }
    Ok(())
}

fn get_value(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let name = call.text("Name").unwrap_or_default();
    for path in call.paths(PATH) {
        let key = paths::registry(&path).unwrap_or_default();
        let found = run.keys(&key);
        if found.is_empty() {
            run.not_there(call, &path)?;
        }
        for key in found {
            match key.values.iter().find(|(value, _)| value.eq_ignore_ascii_case(&name)) {
                Some((_, value)) => out.extend(value_of(value).items()),
                None => {
                    let text =
                        format!("Property {name} does not exist at path {}.", full_name(&key.path));
                    run.complain(&call.name, &text, call.action().as_deref())?;
                }
            }
        }
    }
    Ok(())
}

fn set_property(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let name = call.text("Name").unwrap_or_default();
    let given = call.get("Value").cloned().unwrap_or(Value::Null);
    let kind =
        call.text("Type").or_else(|| call.text("PropertyType")).unwrap_or_default().to_lowercase();
    let value = match (kind.as_str(), &given) {
        ("dword" | "qword", other) => match other.as_int() {
            Some(number) => RegValue::Number(number),
            None => {
                return fail(
                    &call.name,
                    format!("Cannot convert value \"{}\" to type \"System.Int32\".", other.show()),
                );
            }
        },
        ("multistring", other) => RegValue::Many(other.items().iter().map(Value::show).collect()),
        ("", Value::Int(number)) => RegValue::Number(*number),
        ("", Value::Bool(is)) => RegValue::Number(i64::from(*is)),
        ("", Value::List(list)) => RegValue::Many(list.items().iter().map(Value::show).collect()),
        (_, other) => RegValue::Text(other.show()),
    };
    for path in
        call.get("Path").or_else(|| call.get("LiteralPath")).map(Value::items).unwrap_or_default()
    {
        let path = path_of(&path);
        let Some(key) = paths::registry(&path) else {
            run.not_there(call, &path)?;
            continue;
        };
        let found = run.keys(&key);
        if found.is_empty() {
            run.not_there(call, &path)?;
        }
        for key in found {
            let new = call.name.to_lowercase().starts_with("new");
            let there = key.values.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name));
            if new && there && !call.is("Force") {
                run.complain(&call.name, "The property already exists.", call.action().as_deref())?;
                continue;
            }
            run.sim.act(Effect::Value(key.path, name.clone(), value.clone()));
        }
    }
    Ok(())
}

fn remove_property(run: &mut Run<'_>, call: &Call, _: &mut Out) -> Outcome<()> {
    let name = call.text("Name").unwrap_or_default();
    for path in call.paths(PATH) {
        let found = paths::registry(&path).map(|key| run.keys(&key)).unwrap_or_default();
        let has =
            |key: &RegKey| key.values.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name));
        if !found.iter().any(has) {
            let text = format!("Property {name} does not exist at path {path}.");
            run.complain(&call.name, &text, call.action().as_deref())?;
        }
        for key in found.into_iter().filter(has) {
            run.sim.act(Effect::NoValue(key.path, name.clone()));
        }
    }
    Ok(())
}
