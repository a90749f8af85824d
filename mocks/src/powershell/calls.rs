//! Calls of functions, blocks and script files, and how parameters get their arguments.

use std::rc::Rc;

use super::ast::Code;
use super::eval::Given;
use super::joint::Out;
use super::run::{Flow, Outcome, Run, Scope, fail};
use super::value::Value;

impl Run<'_> {
    /// The function of this name, if there is one.
    pub(super) fn function(&self, name: &str) -> Option<Rc<Code>> {
        let lower = name.to_lowercase();
        let lower = lower.strip_prefix("global:").unwrap_or(&lower);
        self.scopes.iter().rev().find_map(|scope| scope.functions.get(lower)).cloned()
    }

    /// Calls a function or a block in a scope of its own.
    pub(super) fn call(
        &mut self,
        code: &Code,
        args: Vec<Given>,
        input: Option<Vec<Value>>,
        out: &mut Out,
    ) -> Outcome<()> {
        self.enter()?;
        let scopes = self.scopes.len();
        self.scopes.push(Scope::default());
        let done = self.called(code, args, input, out);
        self.scopes.truncate(scopes);
        self.leave();
        match done {
            Err(Flow::Return) => Ok(()),
            other => other,
        }
    }

    /// Runs a script file's code, in a scope of its own or in the one that is there.
    pub(super) fn call_file(
        &mut self,
        path: &str,
        code: &Code,
        args: Vec<Given>,
        dot: bool,
        out: &mut Out,
    ) -> Outcome<()> {
        self.enter()?;
        let scopes = self.scopes.len();
        if !dot {
            self.scopes.push(Scope { script: true, ..Scope::default() });
        }
        let joints = self.joints.len();
        let before = ["psscriptroot", "pscommandpath"].map(|name| self.variable(name).cloned());
        self.in_file(path);
        let done = self.called(code, args, None, out);
        if dot {
            let [root, own] = before.map(|value| value.unwrap_or(Value::Null));
            self.set("psscriptroot", root)?;
            self.set("pscommandpath", own)?;
        }
        self.scopes.truncate(scopes);
        self.joints.truncate(joints);
        self.leave();
        match done {
            Err(Flow::Return) => Ok(()),
            other => other,
        }
    }

    pub(super) fn called(
        &mut self,
        code: &Code,
        args: Vec<Given>,
        input: Option<Vec<Value>>,
        out: &mut Out,
    ) -> Outcome<()> {
        self.set("input", Value::list(input.unwrap_or_default()))?;
        self.bind(code, args)?;
        self.block(&code.body, out)
    }

    /// Gives parameters their arguments, and what is left to `$args`.
    pub(super) fn bind(&mut self, code: &Code, args: Vec<Given>) -> Outcome<()> {
        let mut rest = Vec::new();
        let mut bound: Vec<String> = Vec::new();
        let mut args = args.into_iter().peekable();
        while let Some(argument) = args.next() {
            let (name, attached) = match argument {
                Given::Value(value) => {
                    rest.push(value);
                    continue;
                }
                Given::Name(name, attached) => (name, attached),
            };
            let lower = name.to_lowercase();
            let param = code.params.iter().find(|param| param.name.starts_with(&lower));
            let Some(param) = param else {
                if code.params.is_empty() {
                    rest.push(Value::text(format!("-{name}")));
                    rest.extend(attached);
                    continue;
                }
                let text =
                    format!("A parameter cannot be found that matches parameter name '{name}'.");
                return fail("", text);
            };
            let value = match attached {
                Some(value) => value,
                None if param.is_switch() => Value::Bool(true),
                None => match args.next_if(|next| matches!(next, Given::Value(_))) {
                    Some(Given::Value(value)) => value,
                    _ => return fail("", format!("Missing an argument for parameter '{name}'.")),
                },
            };
            bound.push(param.name.clone());
            let value = self.typed(param.kind.as_deref(), value)?;
            self.set(&param.name, value)?;
        }
        let mut rest = rest.into_iter();
        for param in code.params.iter().filter(|param| !bound.contains(&param.name)) {
            let given = if param.is_switch() { None } else { rest.next() };
            let value = match (given, &param.default) {
                (Some(value), _) => value,
                (None, Some(default)) => self.express(default)?,
                (None, None) if param.is_switch() => Value::Bool(false),
                (None, None) if param.kind.as_deref() == Some("string") => Value::text(""),
                (None, None) => Value::Null,
            };
            let value = self.typed(param.kind.as_deref(), value)?;
            self.set(&param.name, value)?;
        }
        self.set("args", Value::list(rest.collect()))
    }

    fn typed(&mut self, kind: Option<&str>, value: Value) -> Outcome<Value> {
        match (kind, value) {
            (None | Some("switch" | "object" | "psobject"), value) => Ok(value),
            (Some("string"), Value::Null) => Ok(Value::text("")),
            (Some("int" | "long" | "int32" | "int64" | "double"), Value::Null) => Ok(Value::Int(0)),
            (Some(_), Value::Null) => Ok(Value::Null),
            (Some(kind), value) => self.cast(kind, value),
        }
    }
}
