//! What picks, sorts and changes what comes down a pipeline.

use std::cmp::Ordering;
use std::rc::Rc;

use regex::bytes::Regex;

use super::{Call, Cmdlet};
use crate::powershell::ast::Code;
use crate::powershell::joint::Out;
use crate::powershell::run::{Flow, LONGEST, Outcome, Run, fail};
use crate::powershell::value::Value;

pub(super) const TABLE: &[Cmdlet] = &[
    Cmdlet {
        names: &["Where-Object", "where", "?"],
        params: "FilterScript! Value! -eq -ne -gt -ge -lt -le -like -notlike -match -notmatch -contains -in -notin InputObject Property",
        act: where_object,
    },
    Cmdlet {
        names: &["ForEach-Object", "%", "foreach"],
        params: "Process! Begin End InputObject MemberName",
        act: for_each,
    },
    Cmdlet {
        names: &["Select-Object", "select"],
        params: "Property! First Last Skip ExpandProperty -Unique Index ExcludeProperty InputObject",
        act: select,
    },
    Cmdlet {
        names: &["Sort-Object", "sort"],
        params: "Property! -Descending -Unique InputObject",
        act: sort,
    },
    Cmdlet {
        names: &["Measure-Object", "measure"],
        params: "Property! -Sum -Average -Maximum -Minimum -Line InputObject",
        act: measure,
    },
    Cmdlet {
        names: &["Select-String", "sls"],
        params: "Pattern! Path! -SimpleMatch -Quiet -CaseSensitive -AllMatches -NotMatch InputObject",
        act: select_string,
    },
    Cmdlet { names: &["New-Object"], params: "TypeName! ArgumentList! Property", act: new_object },
    Cmdlet {
        names: &["Add-Member"],
        params: "NotePropertyName! NotePropertyValue! MemberType Name Value InputObject -PassThru -Force",
        act: add_member,
    },
    Cmdlet {
        names: &["Compare-Object", "diff"],
        params: "ReferenceObject! DifferenceObject! Property -IncludeEqual",
        act: unlike,
    },
];

/// `Where-Object` knows its operators as switches of their own; the value stands behind.
fn where_object(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    const OPERATORS: &[&str] = &[
        "eq", "ne", "gt", "ge", "lt", "le", "like", "notlike", "match", "notmatch", "contains",
        "in", "notin",
    ];
    let before = run.variable("_").cloned();
    for item in call.values("InputObject") {
        run.step()?;
        let keep = match call.get("FilterScript") {
            Some(Value::Code(code)) => {
                let code = Rc::clone(code);
                with_item(run, &code, item.clone())?.truth()
            }
            Some(name) => {
                let value = run.member(&item, &name.show())?;
                let operator = OPERATORS.iter().find(|operator| call.is(operator));
                match (operator, call.get("Value")) {
                    (Some(operator), wanted) => {
                        let wanted = wanted.cloned().unwrap_or(Value::Null);
                        run.judge(operator, value, &wanted)?.truth()
                    }
                    (None, _) => value.truth(),
                }
            }
            None => {
                return fail(
                    &call.name,
                    "Cannot bind argument to parameter 'FilterScript' because it is null.",
                );
            }
        };
        if keep {
            out.push(item);
        }
    }
    run.set("_", before.unwrap_or(Value::Null))
}

/// Runs a block for one item, in the scope that is there.
fn with_item(run: &mut Run<'_>, code: &Code, item: Value) -> Outcome<Value> {
    run.set("_", item)?;
    let mut out = Out::default();
    run.enter()?;
    let done = run.block(&code.body, &mut out);
    run.leave();
    match done {
        Ok(()) | Err(Flow::Return) => Ok(Value::collected(out.take())),
        Err(other) => Err(other),
    }
}

fn for_each(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let before = run.variable("_").cloned();
    if let Some(Value::Code(code)) = call.get("Begin") {
        run.block(&Rc::clone(code).body, out)?;
    }
    for item in call.values("InputObject") {
        run.step()?;
        match call.get("Process").or_else(|| call.get("MemberName")) {
            Some(Value::Code(code)) => {
                let code = Rc::clone(code);
                out.extend(with_item(run, &code, item)?.items());
            }
            Some(name) => out.extend(run.member(&item, &name.show())?.items()),
            None => {}
        }
        if out.len() > LONGEST {
            return fail(&call.name, "Exception of type 'System.OutOfMemoryException' was thrown.");
        }
    }
    if let Some(Value::Code(code)) = call.get("End") {
        run.block(&Rc::clone(code).body, out)?;
    }
    run.set("_", before.unwrap_or(Value::Null))
}

fn select(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let mut items = call.values("InputObject");
    let number = |name: &str| call.int(name).and_then(|n| usize::try_from(n).ok());
    if let Some(skip) = number("Skip") {
        items.drain(..skip.min(items.len()));
    }
    if let Some(first) = number("First") {
        items.truncate(first);
    }
    if let Some(last) = number("Last") {
        items.drain(..items.len().saturating_sub(last));
    }
    if let Some(name) = call.text("ExpandProperty") {
        for item in items {
            let has = !matches!(&item, Value::Object(object) if !object.has(&name));
            if !has {
                let text = format!("Property \"{name}\" cannot be found.");
                run.complain(&call.name, &text, call.action().as_deref())?;
            }
            out.extend(run.member(&item, &name)?.items());
        }
    } else if let Some(properties) = call.get("Property") {
        let properties = properties.items();
        for item in items {
            let picked = pick(run, &item, &properties)?;
            out.push(picked);
        }
    } else {
        out.extend(items);
    }
    if call.is("Unique") {
        let mut seen: Vec<String> = Vec::new();
        out.retain(|item| {
            let text = item.show().to_lowercase();
            let new = !seen.contains(&text);
            seen.push(text);
            new
        });
    }
    Ok(())
}

/// An object with some of another's properties, which may be patterns or be worked out.
fn pick(run: &mut Run<'_>, item: &Value, properties: &[Value]) -> Outcome<Value> {
    let mut fields: Vec<(Rc<str>, Value)> = Vec::new();
    for property in properties {
        if let Value::Object(table) = property {
            let name = table.get("Name").or_else(|| table.get("N")).or_else(|| table.get("Label"));
            let name = name.map(|name| name.show()).unwrap_or_default();
            let code = table.get("Expression").or_else(|| table.get("E"));
            let value = match code {
                Some(Value::Code(code)) => with_item(run, &code, item.clone())?,
                Some(other) => run.member(item, &other.show())?,
                None => Value::Null,
            };
            fields.push((name.as_str().into(), value));
            continue;
        }
        let name = property.show();
        match item {
            Value::Object(object) if name.contains('*') => {
                let all = object.fields();
                let fits = all.iter().filter(|(n, _)| crate::machine::paths::matches(&name, n));
                fields.extend(fits.cloned());
            }
            _ => {
                let value = run.member(item, &name)?;
                fields.push((name.as_str().into(), value));
            }
        }
    }
    Ok(Value::object("PSCustomObject", fields))
}

fn sort(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let mut keyed = Vec::new();
    for item in call.values("InputObject") {
        let key = match call.get("Property") {
            Some(Value::Code(code)) => {
                let code = Rc::clone(code);
                with_item(run, &code, item.clone())?
            }
            Some(name) => {
                let name = name.items().first().map(Value::show).unwrap_or_default();
                run.member(&item, &name)?
            }
            None => item.clone(),
        };
        keyed.push((key, item));
    }
    keyed.sort_by(|(one, _), (other, _)| order(one, other));
    if call.is("Descending") {
        keyed.reverse();
    }
    if call.is("Unique") {
        keyed.dedup_by(|(one, _), (other, _)| one.show().eq_ignore_ascii_case(&other.show()));
    }
    out.extend(keyed.into_iter().map(|(_, item)| item));
    Ok(())
}

fn order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Version(one), Value::Version(other)) => one.cmp(other),
        (Value::Date(one), Value::Date(other)) => one.cmp(other),
        (Value::Int(_) | Value::Real(_), Value::Int(_) | Value::Real(_)) => {
            let (one, other) = (one.as_real().unwrap_or(0.0), other.as_real().unwrap_or(0.0));
            one.total_cmp(&other)
        }
        _ => one.show().to_lowercase().cmp(&other.show().to_lowercase()),
    }
}

fn measure(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let items = call.values("InputObject");
    let mut numbers = Vec::new();
    for item in &items {
        let value = match call.text("Property") {
            Some(name) => run.member(item, &name)?,
            None => item.clone(),
        };
        numbers.extend(value.as_real());
    }
    let sum: f64 = numbers.iter().sum();
    let whole = |number: f64| {
        if number.fract() == 0.0 {
            Value::Real(number).as_int().map_or(Value::Null, Value::Int)
        } else {
            Value::Real(number)
        }
    };
    let most = numbers.iter().copied().fold(f64::MIN, f64::max);
    let least = numbers.iter().copied().fold(f64::MAX, f64::min);
    let of = |asked: &str, value: f64| {
        if call.is(asked) && !numbers.is_empty() { whole(value) } else { Value::Null }
    };
    let fields = vec![
        ("Count", Value::Int(i64::try_from(items.len()).unwrap_or(0))),
        ("Sum", of("Sum", sum)),
        ("Maximum", of("Maximum", most)),
        ("Minimum", of("Minimum", least)),
    ];
    out.push(Value::of("GenericMeasureInfo", fields));
    Ok(())
}

fn select_string(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let pattern = call.text("Pattern").unwrap_or_default();
    let pattern = if call.is("SimpleMatch") { regex::escape(&pattern) } else { pattern };
    let regex = crate::powershell::operators::expression(&pattern, call.is("CaseSensitive"))?;
    let mut lines = Vec::new();
    if call.get("Path").is_some() {
        for path in call.paths(&["Path"]) {
            match run.sim.file(&path) {
                Some(content) => lines.extend(super::text_of(&content).lines().map(str::to_owned)),
                None => {
                    let text = format!("Cannot find path '{path}' because it does not exist.");
                    run.complain(&call.name, &text, call.action().as_deref())?;
                }
            }
        }
    } else {
        lines.extend(call.values("InputObject").iter().map(Value::show));
    }
    let mut any = false;
    for line in lines {
        run.step()?;
        let matches = found(&regex, &line);
        if matches.is_empty() == call.is("NotMatch") {
            any = true;
            if !call.is("Quiet") {
                let fields = vec![("Line", Value::text(&line)), ("Matches", Value::list(matches))];
                out.push(Value::of("MatchInfo", fields));
            }
        }
    }
    if call.is("Quiet") {
        out.push(Value::Bool(any));
    }
    Ok(())
}

/// Every match of an expression in a text.
pub(in crate::powershell) fn found(regex: &Regex, text: &str) -> Vec<Value> {
    let value = |bytes: &[u8]| Value::text(String::from_utf8_lossy(bytes));
    let captures = regex.captures_iter(text.as_bytes()).take(1_000);
    captures
        .map(|found| {
            let groups = (0..found.len()).map(|at| {
                let group = found.get(at).map(|group| value(group.as_bytes()));
                let fields = vec![
                    ("Success", Value::Bool(group.is_some())),
                    ("Value", group.unwrap_or(Value::Null)),
                ];
                Value::of("Group", fields)
            });
            let whole = found.get(0).map_or(Value::Null, |group| value(group.as_bytes()));
            let groups = Value::list(groups.collect());
            Value::of(
                "Match",
                vec![("Success", Value::Bool(true)), ("Value", whole), ("Groups", groups)],
            )
        })
        .collect()
}

fn new_object(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let kind = call.text("TypeName").unwrap_or_default();
    let given = match call.get("ArgumentList") {
        Some(Value::Bytes(_)) | None => call.get("ArgumentList").cloned().into_iter().collect(),
        Some(value) => value.as_items().unwrap_or_else(|| vec![value.clone()]),
    };
    let made = crate::powershell::objects::construct(run, &kind, &given)?;
    if let (Value::Object(made), Some(Value::Object(table))) = (&made, call.get("Property")) {
        for (name, value) in table.fields().iter() {
            made.put(name, value.clone());
        }
    }
    out.push(made);
    Ok(())
}

fn add_member(run: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let name = call.text("Name").or_else(|| call.text("NotePropertyName")).unwrap_or_default();
    let value =
        call.get("Value").or_else(|| call.get("NotePropertyValue")).cloned().unwrap_or(Value::Null);
    for item in call.values("InputObject") {
        if let Value::Object(object) = &item {
            run.hold(&item, &value)?;
            object.put(&name, value.clone());
        }
        if call.is("PassThru") {
            out.push(item);
        }
    }
    Ok(())
}

fn unlike(_: &mut Run<'_>, call: &Call, out: &mut Out) -> Outcome<()> {
    let side = |name: &str| call.get(name).map(Value::items).unwrap_or_default();
    let (one, other) = (side("ReferenceObject"), side("DifferenceObject"));
    let lacks = |list: &[Value], item: &Value| {
        !list.iter().any(|i| crate::powershell::operators::equal(i, item, false))
    };
    let row = |item: &Value, sign: &str| {
        Value::of(
            "PSCustomObject",
            vec![("InputObject", item.clone()), ("SideIndicator", Value::text(sign))],
        )
    };
    out.extend(other.iter().filter(|item| lacks(&one, item)).map(|item| row(item, "=>")));
    out.extend(one.iter().filter(|item| lacks(&other, item)).map(|item| row(item, "<=")));
    Ok(())
}
