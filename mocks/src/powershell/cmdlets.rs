//! Commands: which there are, and how arguments reach their parameters.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::eval::Given;
use super::joint::Out;
use super::run::{Flow, Outcome, Run, fail};
use super::value::Value;

mod files;
mod items;
mod objects;
mod output;
mod processes;
mod programs;
mod properties;
mod shells;
mod system;
mod tasks;
mod variables;
mod web;

pub(super) use self::files::bytes_in;
pub(crate) use self::files::text_of;
pub(super) use self::objects::found;
pub(crate) use self::programs::words;

/// What a command was given.
pub(super) struct Call {
    /// The command as it was typed.
    pub(super) name: String,
    named: Vec<(String, Value)>,
    pub(super) input: Option<Vec<Value>>,
}

impl Call {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.named.iter().find(|(given, _)| given.eq_ignore_ascii_case(name)).map(|(_, v)| v)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(Value::show)
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.get(name).is_some_and(Value::truth)
    }

    pub(super) fn int(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(Value::as_int)
    }

    /// `-ErrorAction`.
    pub(super) fn action(&self) -> Option<String> {
        self.text("ErrorAction")
    }

    /// A parameter's values, or what came down the pipeline.
    pub(super) fn values(&self, name: &str) -> Vec<Value> {
        match (self.get(name), &self.input) {
            (Some(value), _) => value.items(),
            (None, Some(input)) => input.clone(),
            (None, None) => Vec::new(),
        }
    }

    /// Paths of a parameter, or of items that came down the pipeline.
    pub(super) fn paths(&self, names: &[&str]) -> Vec<String> {
        let given = names.iter().find_map(|name| self.get(name)).map(Value::items);
        let values = given.or_else(|| self.input.clone()).unwrap_or_default();
        values.iter().map(files::path_of).collect()
    }
}

/// What a command does.
type Act = fn(&mut Run<'_>, &Call, &mut Out) -> Outcome<()>;

/// A command: its names, its parameters, what it does. In the parameters `!` marks one that takes
/// its place, in order, and `-` a switch.
pub(super) struct Cmdlet {
    names: &'static [&'static str],
    params: &'static str,
    act: Act,
}

const COMMON: &str = "ErrorAction WarningAction InformationAction ErrorVariable OutVariable OutBuffer \
                      -Verbose -Debug Confirm -WhatIf";

/// All cmdlets, by their names in lower case.
static ALL: LazyLock<HashMap<String, &'static Cmdlet>> = LazyLock::new(|| {
    let tables = [
        output::TABLE,
        objects::TABLE,
        files::TABLE,
        items::TABLE,
        system::TABLE,
        processes::TABLE,
        programs::TABLE,
        properties::TABLE,
        tasks::TABLE,
        variables::TABLE,
        web::TABLE,
    ];
    let mut all = HashMap::new();
    for cmdlet in tables.into_iter().flatten() {
        for name in cmdlet.names {
            all.entry(name.to_lowercase()).or_insert(cmdlet);
        }
    }
    all
});

/// The cmdlet of this name, if there is one.
fn find(name: &str) -> Option<&'static Cmdlet> {
    ALL.get(&name.to_lowercase()).copied()
}

impl Run<'_> {
    /// Calls a cmdlet or a program.
    pub(super) fn cmdlet(
        &mut self,
        name: &str,
        (args, dot): (Vec<Given>, bool),
        input: Option<Vec<Value>>,
        out: &mut Out,
    ) -> Outcome<()> {
        let Some(cmdlet) = find(name) else { return self.run_program(name, (args, dot), out) };
        let call = bind(name, cmdlet.params, args, input)?;
        let action = call.action();
        let before =
            self.scopes.last().and_then(|s| s.variables.get("erroractionpreference").cloned());
        match (cmdlet.act)(self, &call, out) {
            // What a cmdlet fails with obeys its own `-ErrorAction`.
            Err(Flow::Error { text, by, fatal: false }) if !by.is_empty() || action.is_some() => {
                let by = if by.is_empty() { name.to_owned() } else { by };
                if let (Some(scope), Some(before)) = (self.scopes.last_mut(), before) {
                    scope.variables.insert("erroractionpreference".to_owned(), before);
                }
                self.complain(&by, &text, action.as_deref())
            }
            other => other,
        }
    }
}

/// Arguments to parameters.
#[expect(clippy::too_many_lines, reason = "named, then those by their place")]
fn bind(name: &str, params: &str, args: Vec<Given>, input: Option<Vec<Value>>) -> Outcome<Call> {
    let all: Vec<&str> = params.split_whitespace().chain(COMMON.split_whitespace()).collect();
    let bare = |param: &str| param.trim_matches(['!', '-']).to_owned();
    let mut named: Vec<(String, Value)> = Vec::new();
    let mut loose = Vec::new();
    let mut args = args.into_iter().peekable();
    while let Some(argument) = args.next() {
        let (given, attached) = match argument {
            Given::Value(value) => {
                loose.push(value);
                continue;
            }
            Given::Name(given, attached) => (given, attached),
        };
        let given = if given.eq_ignore_ascii_case("ea") { "ErrorAction".to_owned() } else { given };
        let lower = given.to_lowercase();
        let exact = all.iter().find(|param| bare(param).eq_ignore_ascii_case(&given));
        let Some(param) =
            exact.or_else(|| all.iter().find(|p| bare(p).to_lowercase().starts_with(&lower)))
        else {
            return fail(
                name,
                format!("A parameter cannot be found that matches parameter name '{given}'."),
            );
        };
        let value = match attached {
            Some(value) => value,
            None if param.starts_with('-') => Value::Bool(true),
            None => match args.next_if(|next| matches!(next, Given::Value(_))) {
                Some(Given::Value(value)) => value,
                _ => {
                    return fail(
                        name,
                        format!("Missing an argument for parameter '{}'.", bare(param)),
                    );
                }
            },
        };
        named.push((bare(param), value));
    }
    let mut places = all.iter().filter(|param| param.ends_with('!')).map(|param| bare(param));
    let mut loose = loose.into_iter();
    while let Some(value) = loose.next() {
        let place =
            places.by_ref().find(|place| !named.iter().any(|(n, _)| n.eq_ignore_ascii_case(place)));
        match place {
            Some(place) if place == "Rest" => {
                let mut rest = vec![value];
                rest.extend(loose.by_ref());
                named.push((place, Value::collected(rest)));
            }
            Some(place) => named.push((place, value)),
            None => {
                let text = format!(
                    "A positional parameter cannot be found that accepts argument '{}'.",
                    value.show()
                );
                return fail(name, text);
            }
        }
    }
    Ok(Call { name: name.to_owned(), named, input })
}
