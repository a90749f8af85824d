//! Inventory filters: an expression (CEL) over facts of computer, person and tenant.
//!
//! What may be written is bounded when the filter is checked, so that nothing needs a clock when it
//! runs: no loops, few nodes, small patterns. Facts are read as `computer.os` and in no other way,
//! so it is known which ones an expression reads, and each of its parts runs once for each distinct set of their
//! values. A fact that was not read, an error, or a result that is neither true nor false gives
//! *unknown* for that subject; never everybody.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cel::{Context, Env, IdedExpr, Value};
use regex::Regex;

use self::shape::Shape;
use crate::input::Fact;
use crate::set::Truth;

mod check;
mod shape;

/// Why an expression is no filter, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("filter, line {line}, column {column}: {message}")]
pub struct FilterError {
    /// What is wrong.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
}

/// Whose fact it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Root {
    Computer,
    Person,
    Tenant,
}

impl Root {
    pub(crate) const ALL: [Root; 3] = [Root::Computer, Root::Person, Root::Tenant];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Root::Computer => "computer",
            Root::Person => "person",
            Root::Tenant => "tenant",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Root::ALL.into_iter().find(|root| root.name() == name)
    }
}

/// Checks a filter.
///
/// # Errors
/// When it does not parse, reads something that is no fact, may take long, or is too large.
pub fn check_filter(text: &str) -> Result<(), FilterError> {
    Filter::compile(text).map(drop)
}

/// A filter that may run.
pub(crate) struct Filter {
    parts: Vec<Part>,
    shape: Shape,
    env: Arc<Env>,
    patterns: Arc<BTreeMap<String, Regex>>,
    fields: Vec<(Root, Arc<str>)>,
    /// The same as an expression names them: `computer.os`.
    names: Vec<String>,
}

/// A piece of a filter that is joined to others by and, or and not alone.
struct Part {
    expression: IdedExpr,
    /// The places of what it reads in [`Filter::fields`].
    reads: Vec<usize>,
}

impl Filter {
    pub(crate) fn compile(text: &str) -> Result<Self, FilterError> {
        let (program, found) = check::checked(text)?;
        let mut expressions = Vec::new();
        let shape = Shape::of(program.expression(), &mut expressions);
        let read: Vec<BTreeSet<(Root, Arc<str>)>> =
            expressions.iter().map(shape::fields_of).collect();
        let fields: BTreeSet<_> = read.iter().flatten().cloned().collect();
        let fields: Vec<(Root, Arc<str>)> = fields.into_iter().collect();
        let part = |(expression, read): (IdedExpr, BTreeSet<_>)| {
            let reads = (0..).zip(&fields).filter(|(_, field)| read.contains(*field));
            Part { reads: reads.map(|(at, _)| at).collect(), expression }
        };
        Ok(Self {
            parts: expressions.into_iter().zip(read).map(part).collect(),
            shape,
            env: Arc::new(Env::default().with_stdlib()),
            patterns: Arc::new(found.patterns),
            names: fields.iter().map(|(root, name)| format!("{}.{name}", root.name())).collect(),
            fields,
        })
    }

    /// The facts it reads.
    pub(crate) fn fields(&self) -> &[(Root, Arc<str>)] {
        &self.fields
    }

    pub(crate) fn reads(&self, root: Root) -> bool {
        self.fields.iter().any(|(other, _)| *other == root)
    }

    /// What each of its parts reads, by places in [`Filter::fields`].
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[usize]> {
        self.parts.iter().map(|part| part.reads.as_slice())
    }

    /// What it comes to where its parts, by their places, are so.
    pub(crate) fn joined(&self, mut part: impl FnMut(usize) -> Truth) -> Truth {
        self.shape.truth(&mut part)
    }

    /// Runs a part on the values of what it reads, in their order; `None` was not read.
    pub(crate) fn run(&self, part: usize, values: &[Option<Fact>]) -> Truth {
        let Some(part) = self.parts.get(part) else { return Truth::Unknown };
        // The engine is somebody else's: should it ever panic, it is unknown, as any error is.
        catch_unwind(AssertUnwindSafe(|| self.evaluate(part, values))).unwrap_or(Truth::Unknown)
    }

    fn evaluate(&self, part: &Part, values: &[Option<Fact>]) -> Truth {
        let mut context = Context::with_env(self.env.clone());
        let patterns = self.patterns.clone();
        let matches = move |text: Arc<String>, pattern: Arc<String>| {
            patterns.get(pattern.as_str()).is_some_and(|regex| regex.is_match(&text))
        };
        if !self.patterns.is_empty()
            && context
                .add_function("matches", move |cel::extractors::This(text), pattern| {
                    matches(text, pattern)
                })
                .is_err()
        {
            return Truth::Unknown;
        }
        // Bound by its whole name; what was not read is bound to nothing, and reading it is an error.
        for (at, fact) in part.reads.iter().zip(values) {
            if let (Some(name), Some(fact)) = (self.names.get(*at), fact) {
                context.add_variable_from_value(name, value(fact));
            }
        }
        match context.resolve(&part.expression) {
            Ok(Value::Bool(known)) => Truth::of(known),
            _ => Truth::Unknown,
        }
    }
}

fn value(fact: &Fact) -> Value {
    match fact {
        Fact::Nothing => Value::Null,
        Fact::Bool(known) => Value::Bool(*known),
        Fact::Int(number) => Value::Int(*number),
        Fact::Text(text) => Value::from(&**text),
        Fact::List(texts) => {
            Value::from(texts.iter().map(|text| Value::from(&**text)).collect::<Vec<_>>())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, facts: &[(&str, Fact)]) -> Truth {
        let filter = Filter::compile(text).unwrap();
        let value = |at: &usize| {
            let (root, name) = &filter.fields()[*at];
            let name = format!("{}.{name}", root.name());
            facts.iter().find(|(other, _)| *other == name).map(|(_, fact)| fact.clone())
        };
        let parts: Vec<&[usize]> = filter.parts().collect();
        filter.joined(|part| filter.run(part, &parts[part].iter().map(value).collect::<Vec<_>>()))
    }

    #[test]
    fn a_filter_in_parts_is_what_it_is_as_a_whole() {
        let facts = [
            ("computer.os", Fact::text("Windows 11")),
            ("computer.cores", Fact::Int(0)),
            ("person.department", Fact::Nothing),
        ];
        let atoms = [
            ("computer.os == 'Windows 11'", Truth::In),
            ("computer.cores > 1", Truth::Out),
            ("computer.serial == 'x'", Truth::Unknown),
            ("1 / computer.cores == 1", Truth::Unknown),
            ("person.department == null", Truth::In),
        ];
        let shapes = ["{a} && {b}", "{a} || {b}", "!({a}) && !({b})", "!({a} || ({b} && {c}))"];
        for (a, one) in atoms {
            for (b, two) in atoms {
                for (c, three) in atoms {
                    let expected = [
                        and(one, two),
                        or(one, two),
                        and(one.not(), two.not()),
                        or(one, and(two, three)).not(),
                    ];
                    for (shape, expected) in shapes.iter().zip(expected) {
                        let text = shape.replace("{a}", a).replace("{b}", b).replace("{c}", c);
                        assert_eq!(run(&text, &facts), expected, "{text}");
                        // A choice is one part: the engine joins it by itself.
                        let whole = format!("(true ? ({text}) : false)");
                        assert_eq!(Filter::compile(&whole).unwrap().parts().count(), 1);
                        assert_eq!(run(&whole, &facts), expected, "{whole}");
                    }
                }
            }
        }
        let filter = Filter::compile("computer.os == 'x' && !(computer.ram > 8 || true)").unwrap();
        let parts: Vec<&[usize]> = filter.parts().collect();
        assert_eq!(parts, [&[0][..], &[1], &[]]);
    }

    fn and(one: Truth, two: Truth) -> Truth {
        or(one.not(), two.not()).not()
    }

    fn or(one: Truth, two: Truth) -> Truth {
        match (one, two) {
            (Truth::In, _) | (_, Truth::In) => Truth::In,
            (Truth::Out, Truth::Out) => Truth::Out,
            _ => Truth::Unknown,
        }
    }

    #[test]
    fn filters_read_facts() {
        let facts = [
            ("computer.os", Fact::text("Windows 11 Pro")),
            ("computer.memory_gb", Fact::Int(16)),
            ("computer.roles", Fact::List(["print".into(), "file".into()].into())),
            ("person.department", Fact::Nothing),
            ("tenant.name", Fact::text("Contoso")),
        ];
        for (text, expected) in [
            ("computer.os.startsWith('Windows 11')", Truth::In),
            ("computer.os == 'Windows 10'", Truth::Out),
            ("computer.memory_gb >= 8 && tenant.name == 'Contoso'", Truth::In),
            ("'print' in computer.roles && size(computer.roles) == 2", Truth::In),
            ("computer.os.matches('^Windows 1[01] (Pro|Enterprise)$')", Truth::In),
            ("person.department == null", Truth::In),
            ("person.department == 'Sales'", Truth::Out),
            ("computer.memory_gb > 8 ? true : false", Truth::In),
        ] {
            assert_eq!(run(text, &facts), expected, "{text}");
        }
    }

    #[test]
    fn t19_whatever_goes_wrong_is_unknown() {
        let facts = [("computer.os", Fact::text("Windows")), ("computer.cores", Fact::Int(0))];
        for text in [
            "computer.serial == 'x'",         // not read
            "!(computer.serial == 'x')",      // nor is its opposite
            "computer.os + 'x'",              // no boolean
            "computer.os > 3",                // no such comparison
            "1 / computer.cores == 1",        // an error
            "computer.cores.startsWith('x')", // no such function on it
            "9223372036854775807 + 1 == 0",   // overflow
            "person.name == 'Ana'",           // nobody there
        ] {
            assert_eq!(run(text, &facts), Truth::Unknown, "{text}");
        }
        // What decides alone needs no more.
        assert_eq!(run("computer.serial == 'x' || computer.os == 'Windows'", &facts), Truth::In);
        assert_eq!(run("computer.serial == 'x' && computer.os == 'Linux'", &facts), Truth::Out);
    }

    #[test]
    fn bombs_are_refused_when_they_are_checked() {
        let deep = format!("{}computer.a{}", "(".repeat(200), ")".repeat(200));
        let unary = format!("{}computer.a", "!".repeat(500));
        let long = format!("computer.os == '{}'", "x".repeat(5000));
        let many = vec!["computer.a == 1"; 100].join(" || ");
        for text in [
            "computer.list.all(a, computer.list.all(b, computer.list.all(c, a == b)))",
            "computer.list.exists(a, a == 'x')",
            "[1, 2, 3].map(a, a * 2) == []",
            "computer.os.matches('((a{100}){100}){100}')",
            "computer.os.matches('(')",
            "computer.os.matches(computer.pattern)",
            &deep,
            &unary,
            &long,
            &many,
        ] {
            assert!(check_filter(text).is_err(), "{}", &text[..text.len().min(80)]);
        }
    }

    #[test]
    fn what_reads_no_fact_as_a_field_is_refused_with_its_place() {
        for text in [
            "has(computer.os)",
            "'os' in computer",
            "computer['os'] == 'x'",
            "computer == person",
            "device.os == 'x'",
            "computer.os.name == 'x'",
            "computer.os ==",
            "unheard_of(computer.os)",
            "",
            "true true",
        ] {
            assert!(check_filter(text).is_err(), "{text}");
        }
        let error = check_filter("computer.os == 'x' &&\n  device.os == 'y'").unwrap_err();
        assert_eq!((error.line, error.column), (2, 3), "{error}");
        assert!(error.message.contains("device"), "{error}");
    }
}
