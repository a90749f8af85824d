//! Statements, as they are carried out.

use std::rc::Rc;

use super::ast::{Argument, Code, Command, Expr, Loop, Pipeline, Spot, Stage, Statement};
use super::joint::Out;
use super::run::{Flow, LONGEST, Outcome, Run, fail};
use super::value::Value;
use crate::machine::paths;

/// An argument as a command gets it.
#[derive(Clone, Debug)]
pub(super) enum Given {
    Name(String, Option<Value>),
    Value(Value),
}

/// Words of a command line as a script gets them.
pub(super) fn given(args: &[String]) -> Vec<Given> {
    let given = |arg: &String| match arg
        .strip_prefix('-')
        .filter(|name| name.starts_with(char::is_alphabetic))
    {
        Some(name) => Given::Name(name.to_owned(), None),
        None => Given::Value(Value::text(arg)),
    };
    args.iter().map(given).collect()
}

/// What is called, and how.
struct Called {
    name: Value,
    args: Vec<Given>,
    input: Option<Vec<Value>>,
    /// In the scope that is there.
    dot: bool,
}

impl Run<'_> {
    pub(super) fn statement(&mut self, statement: &Statement, out: &mut Out) -> Outcome<()> {
        self.enter()?;
        let done = self.any_statement(statement, out);
        self.leave();
        done
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each statement")]
    fn any_statement(&mut self, statement: &Statement, out: &mut Out) -> Outcome<()> {
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
            Statement::Switch(over, mode, arms) => self.switch(over, mode, arms, out),
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
        let mut out = Out::default();
        self.statement(statement, &mut out)?;
        Ok(Value::collected(out.take()))
    }

    /// One turn of a loop; whether the loop is over.
    fn turn(&mut self, body: &[Spot], out: &mut Out) -> Outcome<bool> {
        match self.block(body, out) {
            Ok(()) | Err(Flow::Continue) => Ok(false),
            Err(Flow::Break) => Ok(true),
            Err(other) => Err(other),
        }
    }

    fn repeat(&mut self, one: &Loop, out: &mut Out) -> Outcome<()> {
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
        options: &[String],
        arms: &[(Option<Expr>, Vec<Spot>)],
        out: &mut Out,
    ) -> Outcome<()> {
        let value = self.value_of(over)?;
        let items = value.as_items().unwrap_or_else(|| vec![value]);
        let before = self.variable("_").cloned();
        let mut done = Ok(());
        for item in items {
            done = self.case(&item, options, arms, out);
            if done.is_err() {
                break;
            }
        }
        self.set("_", before.unwrap_or(Value::Null))?;
        match done {
            Err(Flow::Break) => Ok(()),
            other => other,
        }
    }

    /// Every case that one item meets.
    fn case(
        &mut self,
        item: &Value,
        options: &[String],
        arms: &[(Option<Expr>, Vec<Spot>)],
        out: &mut Out,
    ) -> Outcome<()> {
        let has = |short: &str| options.iter().any(|option| short.starts_with(option.as_str()));
        let (exact, wild, regex) = (has("casesensitive"), has("wildcard"), has("regex"));
        let mut met = false;
        for (pattern, block) in arms {
            self.set("_", item.clone())?;
            let fits = match pattern {
                None => !met,
                Some(Expr::Code(code)) => {
                    let mut given = Out::default();
                    self.block(&code.body, &mut given)?;
                    Value::collected(given.take()).truth()
                }
                Some(pattern) => {
                    let wanted = self.express(pattern)?;
                    if wild {
                        paths::matches(&wanted.show(), &item.show())
                    } else if regex {
                        self.matches(&item.show(), &wanted.show(), exact)?
                    } else {
                        super::operators::equal(item, &wanted, exact)
                    }
                }
            };
            if fits {
                met = true;
                match self.block(block, out) {
                    // The next item, as in a loop.
                    Err(Flow::Continue) => return Ok(()),
                    other => other?,
                }
            }
        }
        Ok(())
    }

    fn attempt(
        &mut self,
        (body, caught, finally): (&Vec<Spot>, Option<&Vec<Spot>>, Option<&Vec<Spot>>),
        out: &mut Out,
    ) -> Outcome<()> {
        self.tries += usize::from(caught.is_some());
        let (scopes, joints) = (self.scopes.len(), self.joints.len());
        let mut done = self.block(body, out);
        self.tries -= usize::from(caught.is_some());
        if done.is_err() {
            // What was under way inside is over.
            self.scopes.truncate(scopes);
            self.joints.truncate(joints);
        }
        if let (Err(Flow::Error { text, .. }), Some(block)) = (&done, caught) {
            let record = self.note_error(text);
            let before = self.variable("_").cloned();
            self.set("_", record)?;
            done = self.block(block, out);
            self.set("_", before.unwrap_or(Value::Null))?;
        }
        if let Some(block) = finally
            && !matches!(done, Err(Flow::Over))
        {
            // What it says with `exit` or an error of its own counts, and else what was before.
            self.block(block, out)?;
        }
        done
    }

    pub(super) fn pipeline(&mut self, pipeline: &Pipeline, out: &mut Out) -> Outcome<()> {
        if let [Stage::Command(only)] = pipeline.stages.as_slice() {
            return self.command(only, None, None, out);
        }
        let mut input: Option<Vec<Value>> = None;
        let last = pipeline.stages.len().saturating_sub(1);
        let mut stages = pipeline.stages.iter().enumerate().peekable();
        while let Some((mut at, stage)) = stages.next() {
            let mut given = Out::default();
            let done = match stage {
                Stage::Expr(expression, redirects) => {
                    let value = self.express(expression)?;
                    self.ok = true;
                    // A step counts and gives nothing; `$null` itself is something.
                    if matches!(expression, Expr::Variable(name) if name == "null") {
                        given.push(Value::Null);
                    } else if !matches!(expression, Expr::Step(..)) {
                        given.extend(value.items());
                    }
                    self.redirected(redirects, &mut given)
                }
                Stage::Command(command) => {
                    // What a script puts out goes on while it runs.
                    let next = stages.peek().and_then(|(_, next)| self.each_of(next));
                    if next.is_some() {
                        stages.next();
                        at += 1;
                    }
                    self.command(command, input.take(), next.as_ref(), &mut given)
                }
            };
            if given.len() > LONGEST {
                return fail("", "Exception of type 'System.OutOfMemoryException' was thrown.");
            }
            if at == last || done.is_err() {
                out.append(&mut given);
                return done;
            }
            input = Some(given.take());
        }
        Ok(())
    }

    /// The block of `ForEach-Object { ... }`, where a stage is no more than that.
    fn each_of(&self, stage: &Stage) -> Option<Rc<Code>> {
        let Stage::Command(Command { name: Expr::Text(name), args, redirects, .. }) = stage else {
            return None;
        };
        let known = ["foreach-object", "%", "foreach"];
        let is = known.iter().any(|known| name.eq_ignore_ascii_case(known));
        match args.as_slice() {
            [Argument::Value(Expr::Code(code))]
                if is && redirects.is_empty() && !self.is_function(name) =>
            {
                Some(Rc::clone(code))
            }
            _ => None,
        }
    }

    fn command(
        &mut self,
        command: &Command,
        input: Option<Vec<Value>>,
        next: Option<&Rc<Code>>,
        out: &mut Out,
    ) -> Outcome<()> {
        let name = self.express(&command.name)?;
        let mut args = Vec::new();
        for argument in &command.args {
            self.argument(argument, &mut args)?;
        }
        let call = Called { name, args, input, dot: command.dot };
        if next.is_none() && command.redirects.is_empty() {
            return self.invoke(call, out);
        }
        let mut given = Out { joint: self.open(&command.redirects, next)?, ..Out::default() };
        let mut done = self.invoke(call, &mut given);
        if let Err(Flow::Error { text, by, fatal: false }) = &done
            && self.tries == 0
            && !self.stops()
            && self.is_taken(2)
        {
            // Its own redirections count for what it fails with, too.
            self.ok = false;
            self.note_error(text);
            self.show_error(by, text);
            done = Ok(());
        }
        let done = self.close(&mut given, done);
        let written = self.redirected(&command.redirects, &mut given);
        out.append(&mut given);
        done.and(written)
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
                    let fields = object.fields();
                    let named =
                        |(n, v): &(Rc<str>, Value)| Given::Name(n.to_string(), Some(v.clone()));
                    args.extend(fields.iter().map(named));
                }
                Some(other) => args.extend(other.items().into_iter().map(Given::Value)),
                None => {}
            },
        }
        Ok(())
    }

    /// Calls what a name, a path or a block stands for.
    fn invoke(&mut self, call: Called, out: &mut Out) -> Outcome<()> {
        self.ok = true;
        let Called { name, args, input, dot } = call;
        let code = match &name {
            Value::Code(code) => Some(Rc::clone(code)),
            other => self.function(&other.show()),
        };
        match code {
            Some(code) if dot => match self.called(&code, args, input, out) {
                Err(Flow::Return) => Ok(()),
                other => other,
            },
            Some(code) => self.call(&code, args, input, out),
            None => self.cmdlet(&name.show(), (args, dot), input, out),
        }
    }
}
