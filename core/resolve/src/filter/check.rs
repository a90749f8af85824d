//! What a filter may be: parsed, walked and bounded before it ever runs.

use std::collections::BTreeMap;
use std::panic::catch_unwind;

use cel::common::ast::{CallExpr, Expr, LiteralValue, SelectExpr, operators};
use cel::{Env, IdedExpr, Program};
use regex::{Regex, RegexBuilder};

use super::{FilterError, Root};

const LONGEST: usize = 2048;
const MOST_NODES: usize = 200;
const DEEPEST: usize = 40;
const LONGEST_PATTERN: usize = 200;
const LARGEST_PATTERN: usize = 1 << 16;

const OPERATORS: &[&str] = &[
    operators::CONDITIONAL,
    operators::LOGICAL_AND,
    operators::LOGICAL_OR,
    operators::LOGICAL_NOT,
    operators::SUBSTRACT,
    operators::ADD,
    operators::MULTIPLY,
    operators::DIVIDE,
    operators::MODULO,
    operators::EQUALS,
    operators::NOT_EQUALS,
    operators::GREATER_EQUALS,
    operators::LESS_EQUALS,
    operators::GREATER,
    operators::LESS,
    operators::NEGATE,
    operators::IN,
];
const FUNCTIONS: &[&str] =
    &["size", "contains", "startsWith", "endsWith", "matches", "int", "string"];

/// What was found in a filter.
#[derive(Default)]
pub(super) struct Found {
    pub(super) patterns: BTreeMap<String, Regex>,
    nodes: usize,
}

/// A place in the text and what is wrong there.
struct Wrong {
    node: u64,
    message: String,
}

pub(super) fn checked(text: &str) -> Result<(Program, Found), FilterError> {
    let at_start = |message: String| FilterError { message, line: 1, column: 1 };
    if text.len() > LONGEST {
        return Err(at_start(format!("{} bytes are too long, {LONGEST} is most", text.len())));
    }
    if let Some(place) = too_deep(text) {
        let (line, column) = line_and_column(text, place);
        let message = format!("nested more than {DEEPEST} deep");
        return Err(FilterError { message, line, column });
    }
    let owned = text.to_owned();
    let parsed = catch_unwind(move || Env::stdlib().compile(&owned));
    let program = match parsed {
        Ok(Ok(program)) => program,
        Ok(Err(errors)) => {
            let Some(first) = errors.errors.first() else {
                return Err(at_start("it does not parse".to_owned()));
            };
            let place = |number: isize| usize::try_from(number).unwrap_or(1).max(1);
            let (line, column) = (place(first.pos.0), place(first.pos.1));
            return Err(FilterError { message: first.msg.clone(), line, column });
        }
        Err(_) => return Err(at_start("it does not parse".to_owned())),
    };
    let mut found = Found::default();
    match walk(program.expression(), 1, &mut found) {
        Ok(()) => Ok((program, found)),
        Err(wrong) => {
            let place = program.source_info().offset_for(wrong.node);
            let place = place.map_or(0, |(start, _)| start as usize);
            let (line, column) = line_and_column(text, place);
            Err(FilterError { message: wrong.message, line, column })
        }
    }
}

/// Where brackets and signs nest deeper than they may, counted before anything recursive reads it.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut signs = 0_usize;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'!' | b'-' => signs += 1,
            b' ' | b'\t' | b'\n' => continue,
            _ => signs = 0,
        }
        if depth > DEEPEST || signs > DEEPEST {
            return Some(place);
        }
    }
    None
}

/// Line and column, from 1, in characters.
fn line_and_column(text: &str, place: usize) -> (usize, usize) {
    let before: String = text.chars().take(place).collect();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    (line, column)
}

fn walk(node: &IdedExpr, depth: usize, found: &mut Found) -> Result<(), Wrong> {
    let wrong = |message: &str| Err(Wrong { node: node.id, message: message.to_owned() });
    found.nodes += 1;
    if found.nodes > MOST_NODES {
        return wrong("it has too many parts");
    }
    if depth > DEEPEST {
        return wrong("it is nested too deep");
    }
    match &node.expr {
        Expr::Literal(_) => Ok(()),
        Expr::Select(select) => read(node, select),
        Expr::List(list) => {
            list.elements.iter().try_for_each(|element| walk(element, depth + 1, found))
        }
        Expr::Call(call) => called(node, call, depth, found),
        Expr::Comprehension(_) => {
            wrong("loops (all, exists, exists_one, map, filter) are not allowed")
        }
        Expr::Ident(name) => Err(Wrong {
            node: node.id,
            message: format!("`{name}` cannot stand alone: read a fact, such as computer.os"),
        }),
        Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
            wrong("only facts, texts, numbers and lists can be compared")
        }
    }
}

fn read(node: &IdedExpr, select: &SelectExpr) -> Result<(), Wrong> {
    if select.test {
        // It would take what was not read for what is not there.
        let message = "has() is not allowed: a fact that was not read is unknown, and one that is \
                       not there is null";
        return Err(Wrong { node: node.id, message: message.to_owned() });
    }
    let Expr::Ident(name) = &select.operand.expr else {
        let message = format!("`.{}` cannot be read of a fact", select.field);
        return Err(Wrong { node: select.operand.id, message });
    };
    if Root::named(name).is_none() {
        let message = format!("there is no `{name}`: expected computer, person or tenant");
        return Err(Wrong { node: select.operand.id, message });
    }
    Ok(())
}

fn called(node: &IdedExpr, call: &CallExpr, depth: usize, found: &mut Found) -> Result<(), Wrong> {
    let name = call.func_name.as_str();
    if !OPERATORS.contains(&name) && !FUNCTIONS.contains(&name) {
        let allowed = FUNCTIONS.join(", ");
        let message = format!("`{name}` is not allowed here; functions are {allowed}");
        return Err(Wrong { node: node.id, message });
    }
    if name == "matches" {
        pattern(node, call, found)?;
    }
    let operands = call.target.as_deref().into_iter().chain(&call.args);
    operands.into_iter().try_for_each(|operand| walk(operand, depth + 1, found))
}

/// A pattern is written out, so that it can be compiled, and refused, now.
fn pattern(node: &IdedExpr, call: &CallExpr, found: &mut Found) -> Result<(), Wrong> {
    let wrong = |message: String| Err(Wrong { node: node.id, message });
    let Some(Expr::Literal(LiteralValue::String(text))) = call.args.last().map(|arg| &arg.expr)
    else {
        return wrong("the pattern of matches() must be a text".to_owned());
    };
    let text = text.inner();
    if text.len() > LONGEST_PATTERN {
        return wrong(format!("the pattern is longer than {LONGEST_PATTERN} bytes"));
    }
    match RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build() {
        Ok(regex) => {
            found.patterns.insert(text.to_owned(), regex);
            Ok(())
        }
        Err(error) => wrong(format!("the pattern is not allowed: {error}")),
    }
}
