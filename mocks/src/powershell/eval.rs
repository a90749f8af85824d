//! Statements, as they are carried out.

use std::rc::Rc;

use super::ast::{Argument, Code, Command, Expr, Loop, Pipeline, Redirect, Stage, Statement};
use super::run::{Errors, Flow, LONGEST, Outcome, Run, Scope, error_record, fail};
use super::value::Value;
use crate::machine::paths;

/// An argument as a command gets it.
#[derive(Clone, Debug)]
pub(super) enum Given {
    Name(String, Option<Value>),
    Value(Value),
}

impl Run<'_> {
    pub(super) fn statement(&mut self, statement: &Statement, out: &mut Vec<Value>) -> Outcome<()> {
        self.enter()?;
        let done = self.any_statement(statement, out);
        self.leave();
        done
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each statement")]
    fn any_statement(&mut self, statement: &Statement, out: &mut Vec<Value>) -> Outcome<()> {
        match statement {
            Statement::Pipeline(pipeline) => self.pipeline(pipeline, out),
            Statement::Assign(target, operator, value) => {
                let value = self.value_of(value)?;
                self.assign(target, *operator, value)?;
                self.ok = true;
                Ok(())
            }
            Statement::If(arms, otherwise) => {
                for (test, block) in arms {
                    if self.value_of(test)?.truth() {
                        return self.block(block, out);
                    }
                }
                otherwise.as_ref().map_or(Ok(()), |block| self.block(block, out))
            }
            Statement::Loop(one) => self.repeat(one, out),
            Statement::ForEach(name, over, body) => {
                for item in self.value_of(over)?.items() {
                    self.step()?;
                    self.set(name, item)?;
                    if self.turn(body, out)? {
                        break;
                    }
                }
                Ok(())
            }
            Statement::Switch(over, mode, arms) => self.switch(over, mode.as_deref(), arms, out),
            Statement::Try(body, caught, finally) => {
                self.attempt((body, caught.as_ref(), finally.as_ref()), out)
            }
            Statement::Throw(what) => {
                let text = match what {
                    Some(what) => self.value_of(what)?.show(),
                    None => {
                        self.variable("_").map_or_else(|| "ScriptHalted".to_owned(), Value::show)
                    }
                };
                Err(Flow::Error { text, by: String::new(), fatal: true })
            }
            Statement::Return(what) => {
                if let Some(what) = what {
                    self.statement(what, out)?;
                }
                Err(Flow::Return)
            }
            Statement::Exit(what) => {
                let code = match what {
                    Some(what) => self.value_of(what)?.as_int().unwrap_or(0),
                    None => 0,
                };
                Err(Flow::Exit(code))
            }
            Statement::Break => Err(Flow::Break),
            Statement::Continue => Err(Flow::Continue),
            Statement::Function(name, code) => {
                if let Some(scope) = self.scopes.last_mut() {
                    scope.functions.insert(name.clone(), Rc::clone(code));
                }
                Ok(())
            }
        }
    }

    /// What a statement gives, as a value.
    pub(super) fn value_of(&mut self, statement: &Statement) -> Outcome<Value> {
        // An expression alone keeps its list as it is.
        if let Statement::Pipeline(Pipeline { stages }) = statement
            && let [Stage::Expr(expression, redirects)] = stages.as_slice()
            && redirects.is_empty()
        {
            let value = self.express(expression)?;
            self.ok = true;
            return Ok(value);
        }
        let mut out = Vec::new();
        self.statement(statement, &mut out)?;
        Ok(Value::collected(out))
    }

    /// One turn of a loop; whether the loop is over.
    fn turn(&mut self, body: &[Statement], out: &mut Vec<Value>) -> Outcome<bool> {
        for statement in body {
            match self.block(std::slice::from_ref(statement), out) {
                Ok(()) => {}
                Err(Flow::Break) => return Ok(true),
                Err(Flow::Continue) => return Ok(false),
                Err(other) => return Err(other),
            }
        }
        Ok(false)
    }

    fn repeat(&mut self, one: &Loop, out: &mut Vec<Value>) -> Outcome<()> {
        if let Some(first) = &one.first {
            self.value_of(first)?;
        }
        let mut first_turn = true;
        loop {
            self.step()?;
            if !(first_turn && one.body_first)
                && let Some(test) = &one.test
                && self.value_of(test)?.truth() == one.until
            {
                return Ok(());
            }
            first_turn = false;
            if self.turn(&one.body, out)? {
                return Ok(());
            }
            if let Some(step) = &one.step {
                self.value_of(step)?;
            }
        }
    }

    fn switch(
        &mut self,
        over: &Statement,
        mode: Option<&str>,
        arms: &[(Option<Expr>, Vec<Statement>)],
        out: &mut Vec<Value>,
    ) -> Outcome<()> {
        for item in self.value_of(over)?.items() {
            self.set("_", item.clone())?;
            let mut met = false;
            for (pattern, block) in arms {
                let fits = match pattern {
                    None => !met,
                    Some(Expr::Code(code)) => {
                        let code = Rc::clone(code);
                        let mut given = Vec::new();
                        self.block(&code.body, &mut given)?;
                        Value::collected(given).truth()
                    }
                    Some(pattern) => {
                        let wanted = self.express(pattern)?;
                        match mode {
                            Some("wildcard") => paths::matches(&wanted.show(), &item.show()),
                            Some("regex") => self.matches(&item.show(), &wanted.show(), false)?,
                            _ => super::operators::equal(&item, &wanted, false),
                        }
                    }
                };
                if fits {
                    met = true;
                    if self.turn(block, out)? {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn attempt(
        &mut self,
        (body, caught, finally): (
            &Vec<Statement>,
            Option<&Vec<Statement>>,
            Option<&Vec<Statement>>,
        ),
        out: &mut Vec<Value>,
    ) -> Outcome<()> {
        self.tries += usize::from(caught.is_some());
        let scopes = self.scopes.len();
        let mut done = self.block(body, out);
        self.tries -= usize::from(caught.is_some());
        if let (Err(Flow::Error { text, .. }), Some(block)) = (&done, caught) {
            self.scopes.truncate(scopes);
            self.note_error(text);
            let before = self.variable("_").cloned();
            self.set("_", error_record(text))?;
            done = self.block(block, out);
            self.set("_", before.unwrap_or(Value::Null))?;
        }
        if let Some(block) = finally
            && !matches!(done, Err(Flow::Over))
        {
            self.block(block, out)?;
        }
        done
    }

    pub(super) fn pipeline(&mut self, pipeline: &Pipeline, out: &mut Vec<Value>) -> Outcome<()> {
        let mut input: Option<Vec<Value>> = None;
        let last = pipeline.stages.len().saturating_sub(1);
        for (at, stage) in pipeline.stages.iter().enumerate() {
            let mut given = Vec::new();
            let done = match stage {
                Stage::Expr(expression, redirects) => {
                    let value = self.express(expression)?;
                    self.ok = true;
                    // A step counts and gives nothing.
                    if !matches!(expression, Expr::Step(..)) {
                        given = value.items();
                    }
                    self.redirected(redirects, &mut given)
                }
                Stage::Command(command) => self.command(command, input.take(), &mut given),
            };
            if given.len() > LONGEST {
                return fail("", "Exception of type 'System.OutOfMemoryException' was thrown.");
            }
            if at == last || done.is_err() {
                out.append(&mut given);
                return done;
            }
            input = Some(given);
        }
        Ok(())
    }

    fn command(
        &mut self,
        command: &Command,
        input: Option<Vec<Value>>,
        out: &mut Vec<Value>,
    ) -> Outcome<()> {
        let name = self.express(&command.name)?;
        let mut args = Vec::new();
        for argument in &command.args {
            self.argument(argument, &mut args)?;
        }
        let before = self.errors;
        let drops = |r: &Redirect| matches!(r.stream, '2' | '*') && r.target.is_some();
        if command.redirects.iter().any(drops) {
            self.errors = Errors::Dropped;
        }
        let mut done = self.invoke(&name, args, input, out);
        let dropped = self.errors == Errors::Dropped && self.tries == 0 && !self.stops();
        if let Err(Flow::Error { text, fatal: false, .. }) = &done
            && dropped
        {
            self.ok = false;
            self.note_error(text);
            done = Ok(());
        }
        self.errors = before;
        done?;
        self.redirected(&command.redirects, out)
    }

    fn argument(&mut self, argument: &Argument, args: &mut Vec<Given>) -> Outcome<()> {
        match argument {
            Argument::Name(name, value) => {
                let value = value.as_ref().map(|value| self.express(value)).transpose()?;
                args.push(Given::Name(name.clone(), value));
            }
            Argument::Value(value) => {
                let value = self.express(value)?;
                args.push(Given::Value(value));
            }
            Argument::Splat(name) => match self.variable(name).cloned() {
                Some(Value::Object(object)) => {
                    let fields = object.fields.iter();
                    args.extend(fields.map(|(n, v)| Given::Name(n.to_string(), Some(v.clone()))));
                }
                Some(other) => args.extend(other.items().into_iter().map(Given::Value)),
                None => {}
            },
        }
        Ok(())
    }

    fn redirected(&mut self, redirects: &[Redirect], out: &mut Vec<Value>) -> Outcome<()> {
        for redirect in redirects.iter().filter(|r| matches!(r.stream, '1' | '*')) {
            let Some(target) = &redirect.target else { continue };
            let path = self.express(target)?.show();
            let lines = super::value::console(&std::mem::take(out));
            if !path.is_empty() {
                self.write_lines(&path, &lines, redirect.append)?;
            }
        }
        Ok(())
    }

    /// Calls what a name, a path or a block stands for.
    pub(super) fn invoke(
        &mut self,
        name: &Value,
        args: Vec<Given>,
        input: Option<Vec<Value>>,
        out: &mut Vec<Value>,
    ) -> Outcome<()> {
        self.ok = true;
        if let Value::Code(code) = name {
            let code = Rc::clone(code);
            return self.call(&code, args, input, out);
        }
        let name = name.show();
        let lower = name.to_lowercase();
        let function =
            self.scopes.iter().rev().find_map(|scope| scope.functions.get(&lower)).cloned();
        match function {
            Some(code) => self.call(&code, args, input, out),
            None => self.cmdlet(&name, args, input, out),
        }
    }

    /// Calls a function or a block in a scope of its own.
    pub(super) fn call(
        &mut self,
        code: &Code,
        args: Vec<Given>,
        input: Option<Vec<Value>>,
        out: &mut Vec<Value>,
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

    fn called(
        &mut self,
        code: &Code,
        args: Vec<Given>,
        input: Option<Vec<Value>>,
        out: &mut Vec<Value>,
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
            (Some(_), Value::Null) => Ok(Value::Null),
            (Some(kind), value) => self.cast(kind, value),
        }
    }

    fn assign(&mut self, target: &Expr, operator: Option<char>, value: Value) -> Outcome<()> {
        let value = match operator {
            None => value,
            Some(operator) => {
                let before = self.express(target)?;
                self.arithmetic(operator, before, value)?
            }
        };
        match target {
            Expr::Variable(name) if name.starts_with("env:") => {
                self.set(name, Value::text(value.show()))
            }
            Expr::Variable(name) if name == "null" => Ok(()),
            Expr::Variable(name) => self.set(name, value),
            Expr::Cast(kind, inner) => {
                let value = self.cast(kind, value)?;
                self.assign(inner, None, value)
            }
            Expr::Comma(targets) => {
                let mut items = value.items().into_iter();
                for (at, target) in targets.iter().enumerate() {
                    let part = if at + 1 == targets.len() {
                        Value::collected(items.by_ref().collect())
                    } else {
                        items.next().unwrap_or(Value::Null)
                    };
                    self.assign(target, None, part)?;
                }
                Ok(())
            }
            // A setting of the runtime: taken, and of no consequence here.
            Expr::Member(object, _) if matches!(**object, Expr::Type(_)) => Ok(()),
            Expr::Member(object, name) => {
                let name = self.express(name)?.show();
                self.put(object, &name, value)
            }
            Expr::Index(object, index) => {
                let index = self.express(index)?;
                match (self.express(object)?, &index) {
                    (Value::List(list), index) => {
                        let at = super::operators::place(index, list.items.len());
                        let mut items = list.items.clone();
                        match at.and_then(|at| items.get_mut(at)) {
                            Some(there) => *there = value,
                            None => return fail("", "Index was outside the bounds of the array."),
                        }
                        self.assign(object, None, Value::list(items))
                    }
                    (_, index) => self.put(object, &index.show(), value),
                }
            }
            _ => fail("", "The assignment expression is not valid."),
        }
    }

    /// Sets a property or an entry of whatever an expression names.
    fn put(&mut self, target: &Expr, name: &str, value: Value) -> Outcome<()> {
        match self.express(target)? {
            Value::Object(object) if object.is_table() || object.get(name).is_some() => {
                self.assign(target, None, object.with(name, value))
            }
            _ => fail(
                "",
                format!(
                    "The property '{name}' cannot be found on this object. Verify that the property \
                     exists and can be set."
                ),
            ),
        }
    }
}
