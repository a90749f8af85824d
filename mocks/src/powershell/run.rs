//! A run of a script: variables, output, errors, bounds.

use std::collections::HashMap;
use std::rc::Rc;

use super::ast::{Code, Spot};
use super::eval::Given;
use super::joint::{Joint, Out};
use super::show::console;
use super::value::{List, Value};
use crate::machine::{NotStarted, Over, Sim};
use crate::shell::{Ended, Said};

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
    /// It is that of a script, which `$script:` means.
    pub(super) script: bool,
}

/// A run.
pub(super) struct Run<'s> {
    pub(super) sim: &'s mut Sim,
    pub(super) scopes: Vec<Scope>,
    pub(super) ok: bool,
    /// How many `try` blocks are around.
    pub(super) tries: usize,
    /// Commands with redirections, or whose output goes on while they run.
    pub(super) joints: Vec<Joint>,
    /// `$Error`.
    pub(super) errors: Rc<List>,
    /// The script that runs, and the line that it is at.
    pub(super) file: Rc<str>,
    pub(super) line: u32,
    /// How often something was put into a list or a table that holds others.
    pub(super) held: usize,
    pub(super) said: Vec<Said>,
    printed: usize,
    depth: usize,
}

impl<'s> Run<'s> {
    pub(super) fn new(sim: &'s mut Sim) -> Self {
        let Value::List(errors) = Value::growing(Vec::new()) else { unreachable!("it is a list") };
        Self {
            sim,
            scopes: vec![Scope { script: true, ..Scope::default() }],
            ok: true,
            tries: 0,
            joints: Vec::new(),
            errors,
            file: "".into(),
            line: 0,
            held: 0,
            said: Vec::new(),
            printed: 0,
            depth: 0,
        }
    }

    /// Runs a whole script; what it printed, and its exit code. A file ends well unless it says otherwise.
    pub(super) fn script(mut self, code: &Code, file: Option<(&str, Vec<Given>)>) -> Ended {
        let is_file = file.is_some();
        let mut given = Vec::new();
        if let Some((path, args)) = file {
            self.in_file(path);
            given = args;
        }
        let exit = match self.root(&code.body, code, given) {
            Ok(()) | Err(Flow::Break | Flow::Continue | Flow::Return) if is_file => Ok(0),
            Ok(()) | Err(Flow::Break | Flow::Continue | Flow::Return) => Ok(i64::from(!self.ok)),
            Err(Flow::Exit(code)) => Ok(code),
            Err(Flow::Error { text, by, .. }) => {
                self.note_error(&text);
                self.show_error(&by, &text);
                Ok(1)
            }
            Err(Flow::Over) => Err(Over),
        };
        Ended { said: self.said, exit }
    }

    /// The variables that a script file knows itself by.
    pub(super) fn in_file(&mut self, path: &str) {
        self.file = path.into();
        if let Some(scope) = self.scopes.last_mut() {
            let folder = crate::machine::paths::parent(path);
            scope.variables.insert("psscriptroot".to_owned(), Value::text(folder));
            scope.variables.insert("pscommandpath".to_owned(), Value::text(path));
        }
    }

    fn root(&mut self, body: &[Spot], code: &Code, given: Vec<Given>) -> Outcome<()> {
        self.bind(code, given)?;
        for statement in body {
            let mut out = Out::default();
            let done = self.guarded(statement, &mut out);
            // What it gave before it failed is shown before the error that ends the script.
            self.show(&out);
            done?;
        }
        Ok(())
    }

    /// Statements one after the other; an error that is not fatal ends its own only.
    pub(super) fn block(&mut self, block: &[Spot], out: &mut Out) -> Outcome<()> {
        for statement in block {
            let done = self.guarded(statement, out);
            if out.joint.is_some() {
                self.drain(out)?;
            }
            done?;
        }
        Ok(())
    }

    fn guarded(&mut self, spot: &Spot, out: &mut Out) -> Outcome<()> {
        self.step()?;
        let (depth, before) = (self.depth, self.line);
        self.line = spot.line;
        match self.statement(&spot.statement, out) {
            Ok(()) => self.line = before,
            Err(Flow::Error { text, by, fatal: false }) if self.tries == 0 && !self.stops() => {
                self.ok = false;
                self.note_error(&text);
                self.show_error(&by, &text);
                self.line = before;
            }
            Err(other) => {
                self.depth = depth;
                return Err(other);
            }
        }
        self.depth = depth;
        Ok(())
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
    pub(super) fn note_error(&mut self, text: &str) -> Value {
        let newest = self.errors.items().first().cloned();
        if let Some(Value::Object(there)) = &newest
            && there.text("Message") == text
            && there.get("Line").and_then(|line| line.as_int()) == Some(i64::from(self.line))
        {
            // On its way up it is the same.
            return newest.unwrap_or(Value::Null);
        }
        let record = error_record(text, &self.file, self.line);
        let mut errors = self.errors.change();
        errors.insert(0, record.clone());
        // `$MaximumErrorCount`.
        errors.truncate(256);
        record
    }

    pub(super) fn show_error(&mut self, by: &str, text: &str) {
        let silent =
            ["silentlycontinue", "ignore"].contains(&self.preference().to_lowercase().as_str());
        if silent {
            return;
        }
        let line = if by.is_empty() { text.to_owned() } else { format!("{by} : {text}") };
        let record = error_record(text, &self.file, self.line);
        self.emit(2, record, &line);
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
        self.prints(lines, false);
    }

    pub(super) fn prints(&mut self, lines: Vec<String>, error: bool) {
        let at = self.sim.elapsed();
        for text in lines {
            self.printed = self.printed.saturating_add(text.len() + 2);
            if self.printed > OUTPUT {
                return;
            }
            self.said.push(Said { text, error, at });
        }
    }

    pub(super) fn variable(&self, name: &str) -> Option<&Value> {
        if let Some((scope, name)) = name.split_once(':') {
            return self.scope_of(scope)?.variables.get(name);
        }
        self.scopes.iter().rev().find_map(|scope| scope.variables.get(name))
    }

    fn scope_of(&self, name: &str) -> Option<&Scope> {
        match name {
            "global" => self.scopes.first(),
            "script" => self.scopes.iter().rev().find(|scope| scope.script).or(self.scopes.first()),
            "local" | "private" | "variable" => self.scopes.last(),
            _ => None,
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) -> Outcome<()> {
        let (scope, name) = match name.split_once(':') {
            Some(("env", name)) => {
                self.sim.env.insert(name.to_owned(), value.show());
                return Ok(());
            }
            Some(("global", name)) => (0, name),
            Some(("script", name)) => {
                (self.scopes.iter().rposition(|scope| scope.script).unwrap_or(0), name)
            }
            Some((_, name)) => (self.scopes.len().saturating_sub(1), name),
            None => (self.scopes.len().saturating_sub(1), name),
        };
        if let Some(scope) = self.scopes.get_mut(scope) {
            match scope.variables.get_mut(name) {
                Some(there) => *there = value,
                None => {
                    scope.variables.insert(name.to_owned(), value);
                }
            }
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
        Value::Bytes(bytes) => bytes.borrow().len() * 4,
        _ => 8,
    };
    *left = left.saturating_sub(own);
    match value {
        Value::List(list) => list.items().iter().for_each(|item| weigh(item, left)),
        Value::Object(object) => object.fields().iter().for_each(|(name, item)| {
            *left = left.saturating_sub(name.len());
            weigh(item, left);
        }),
        _ => {}
    }
}

/// What `catch` gives as `$_`.
fn error_record(text: &str, file: &str, line: u32) -> Value {
    let place = match file {
        "" => format!("At line:{line} char:1"),
        file => format!("At {file}:{line} char:1"),
    };
    let exception = Value::of("Exception", vec![("Message", Value::text(text))]);
    let number = Value::Int(i64::from(line));
    let invocation = Value::of(
        "InvocationInfo",
        vec![
            ("ScriptName", Value::text(file)),
            ("ScriptLineNumber", number.clone()),
            ("PositionMessage", Value::text(place)),
        ],
    );
    let fields = vec![
        ("Message", Value::text(text)),
        ("Exception", exception),
        ("InvocationInfo", invocation),
        ("Line", number),
    ];
    Value::of("ErrorRecord", fields)
}
