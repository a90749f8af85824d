//! A run of a script: variables, output, errors, bounds.

use std::collections::HashMap;
use std::rc::Rc;

use super::ast::{Code, Statement};
use super::value::{DEEPEST, Value, console};
use crate::machine::{NotStarted, Over, Sim};

/// Characters that a script may print; what comes after is lost, as with an RMM.
const OUTPUT: usize = 1 << 20;
/// How deep evaluation may go.
const CALLS: usize = 300;
/// Elements of a list, and bytes of a string.
pub(super) const LONGEST: usize = 1 << 20;

/// Why a statement did not go through.
#[derive(Debug)]
pub(super) enum Flow {
    /// An error; a fatal one (`throw`, an error to stop at) ends the script if nobody catches it.
    Error {
        text: String,
        by: String,
        fatal: bool,
    },
    Break,
    Continue,
    Return,
    Exit(i64),
    /// The script was killed, or hangs.
    Over,
}

impl From<Over> for Flow {
    fn from(_: Over) -> Self {
        Self::Over
    }
}

pub(super) type Outcome<T> = Result<T, Flow>;

/// An error of an expression or a command: its statement ends, the script goes on.
pub(super) fn fail<T>(by: &str, text: impl Into<String>) -> Outcome<T> {
    Err(Flow::Error { text: text.into(), by: by.to_owned(), fatal: false })
}

/// A scope of variables.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) variables: HashMap<String, Value>,
    pub(super) functions: HashMap<String, Rc<Code>>,
}

/// What happens to errors while a command with a redirection runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Errors {
    Shown,
    Dropped,
}

/// A run.
pub(super) struct Run<'s> {
    pub(super) sim: &'s mut Sim,
    pub(super) scopes: Vec<Scope>,
    pub(super) ok: bool,
    pub(super) errors: Errors,
    /// How many `try` blocks are around.
    pub(super) tries: usize,
    lines: Vec<String>,
    printed: usize,
    depth: usize,
}

impl<'s> Run<'s> {
    pub(super) fn new(sim: &'s mut Sim) -> Self {
        Self {
            sim,
            scopes: vec![Scope::default()],
            ok: true,
            errors: Errors::Shown,
            tries: 0,
            lines: Vec::new(),
            printed: 0,
            depth: 0,
        }
    }

    /// Runs a whole script; what it printed, and its exit code.
    pub(super) fn script(mut self, code: &Code) -> (Vec<String>, i64) {
        let exit = match self.root(&code.body, code) {
            Ok(()) | Err(Flow::Break | Flow::Continue | Flow::Return) => i64::from(!self.ok),
            Err(Flow::Exit(code)) => code,
            Err(Flow::Error { text, by, .. }) => {
                self.show_error(&by, &text);
                1
            }
            Err(Flow::Over) => 1,
        };
        (self.lines, exit)
    }

    fn root(&mut self, body: &[Statement], code: &Code) -> Outcome<()> {
        self.bind(code, Vec::new())?;
        for statement in body {
            let mut out = Vec::new();
            let done = self.guarded(statement, &mut out);
            // What it gave before it failed is shown before the error that ends the script.
            self.show(&out);
            done?;
        }
        Ok(())
    }

    /// Statements one after the other; an error that is not fatal ends its own only.
    pub(super) fn block(&mut self, block: &[Statement], out: &mut Vec<Value>) -> Outcome<()> {
        for statement in block {
            self.guarded(statement, out)?;
        }
        Ok(())
    }

    fn guarded(&mut self, statement: &Statement, out: &mut Vec<Value>) -> Outcome<()> {
        self.step()?;
        let depth = self.depth;
        match self.statement(statement, out) {
            Err(Flow::Error { text, by, fatal: false }) if self.tries == 0 && !self.stops() => {
                self.depth = depth;
                self.ok = false;
                self.note_error(&text);
                self.show_error(&by, &text);
                Ok(())
            }
            other => {
                self.depth = depth;
                other
            }
        }
    }

    /// One more step.
    pub(super) fn step(&mut self) -> Outcome<()> {
        Ok(self.sim.step()?)
    }

    /// One level deeper.
    pub(super) fn enter(&mut self) -> Outcome<()> {
        self.step()?;
        self.depth += 1;
        if self.depth > CALLS {
            let text = "The script failed due to call depth overflow.".to_owned();
            return Err(Flow::Error { text, by: String::new(), fatal: true });
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }

    /// Whether errors stop the script.
    pub(super) fn stops(&self) -> bool {
        self.preference().eq_ignore_ascii_case("stop")
    }

    pub(super) fn preference(&self) -> String {
        self.variable("erroractionpreference").map_or_else(|| "Continue".to_owned(), |v| v.show())
    }

    /// An error of a command that the script survives, unless it said that it should not.
    pub(super) fn complain(&mut self, by: &str, text: &str, action: Option<&str>) -> Outcome<()> {
        self.ok = false;
        self.note_error(text);
        let action = action.map_or_else(|| self.preference(), str::to_owned).to_lowercase();
        match action.as_str() {
            "stop" => Err(Flow::Error { text: text.to_owned(), by: by.to_owned(), fatal: true }),
            "silentlycontinue" | "ignore" => Ok(()),
            _ => {
                self.show_error(by, text);
                Ok(())
            }
        }
    }

    /// `$Error[0]`.
    pub(super) fn note_error(&mut self, text: &str) {
        let record = error_record(text);
        if let Some(scope) = self.scopes.first_mut() {
            scope.variables.insert("error".to_owned(), Value::list(vec![record]));
        }
    }

    pub(super) fn show_error(&mut self, by: &str, text: &str) {
        let silent =
            ["silentlycontinue", "ignore"].contains(&self.preference().to_lowercase().as_str());
        if self.errors == Errors::Dropped || silent {
            return;
        }
        let line = if by.is_empty() { text.to_owned() } else { format!("{by} : {text}") };
        self.print(line.split('\n').map(str::to_owned).collect());
    }

    /// Shows values as the console does.
    pub(super) fn show(&mut self, values: &[Value]) {
        // Values can share their parts, and be far larger shown than kept.
        let size: usize =
            values.iter().map(|value| weight(value, LONGEST)).fold(0, usize::saturating_add);
        if size > LONGEST {
            self.printed = OUTPUT;
            return;
        }
        self.print(console(values));
    }

    pub(super) fn print(&mut self, lines: Vec<String>) {
        for line in lines {
            self.printed = self.printed.saturating_add(line.len() + 2);
            if self.printed > OUTPUT {
                return;
            }
            self.lines.push(line);
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Value> {
        self.scopes.iter().rev().find_map(|scope| scope.variables.get(name))
    }

    pub(super) fn set(&mut self, name: &str, value: Value) -> Outcome<()> {
        if value.depth() > DEEPEST {
            return fail("", "The value is nested too deeply.");
        }
        let (outer, name) = match name.split_once(':') {
            Some(("script" | "global", name)) => (true, name),
            Some((_, name)) => (false, name),
            None => (false, name),
        };
        let scope = if outer { self.scopes.first_mut() } else { self.scopes.last_mut() };
        if let Some(scope) = scope {
            scope.variables.insert(name.to_owned(), value);
        }
        Ok(())
    }

    /// A program that could not be started, in PowerShell's words.
    pub(super) fn not_started(&mut self, by: &str, path: &str, why: &NotStarted) -> Flow {
        let text = match why {
            NotStarted::Over => return Flow::Over,
            NotStarted::Missing if by.is_empty() => {
                let text = format!(
                    "The term '{path}' is not recognized as the name of a cmdlet, function, script \
                     file, or operable program."
                );
                return Flow::Error { text, by: path.to_owned(), fatal: false };
            }
            NotStarted::Missing => {
                "This command cannot be run due to the error: The system cannot find the file specified."
                    .to_owned()
            }
            NotStarted::Damaged if by.is_empty() => format!(
                "Program '{}' failed to run: The specified executable is not a valid application \
                 for this OS platform.",
                crate::machine::paths::leaf(path)
            ),
            NotStarted::Damaged => "This command cannot be run due to the error: The specified \
                                    executable is not a valid application for this OS platform."
                .to_owned(),
        };
        Flow::Error { text, by: by.to_owned(), fatal: false }
    }
}

/// How much a value is when it is written out; no more is counted than `most`.
pub(super) fn weight(value: &Value, most: usize) -> usize {
    let mut left = most;
    weigh(value, &mut left);
    if left == 0 { most + 1 } else { most - left }
}

fn weigh(value: &Value, left: &mut usize) {
    if *left == 0 {
        return;
    }
    let own = match value {
        Value::Text(text) => text.len() + 2,
        _ => 8,
    };
    *left = left.saturating_sub(own);
    match value {
        Value::List(list) => list.items.iter().for_each(|item| weigh(item, left)),
        Value::Object(object) => object.fields.iter().for_each(|(name, item)| {
            *left = left.saturating_sub(name.len());
            weigh(item, left);
        }),
        _ => {}
    }
}

/// What `catch` gives as `$_`.
pub(super) fn error_record(text: &str) -> Value {
    let exception = Value::of("Exception", vec![("Message", Value::text(text))]);
    let fields = vec![("Message", Value::text(text)), ("Exception", exception)];
    Value::of("ErrorRecord", fields)
}
