//! `$filter` and `$search`: read into a tree, checked against the type, and tried on a row.

use chrono::DateTime;
use serde_json::Value;

use super::wire::Problem;

mod parse;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Expr {
    /// Both.
    And(Box<Expr>, Box<Expr>),
    /// Either.
    Or(Box<Expr>, Box<Expr>),
    /// Not.
    Not(Box<Expr>),
    /// A property against a literal.
    Compare(String, Op, Value),
    /// A property is one of these.
    In(String, Vec<Value>),
    /// `startsWith(a,'x')` and the like.
    Text(TextTest, String, String),
    /// `a/any(x:...)`; the variable's name, and a condition on `x` or `x/field`.
    Any(String, String, Option<Box<Expr>>),
    /// A boolean property by itself.
    Truth(String),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// `eq`
    Eq,
    /// `ne`
    Ne,
    /// `gt`
    Gt,
    /// `ge`
    Ge,
    /// `lt`
    Lt,
    /// `le`
    Le,
}

/// What is asked of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextTest {
    /// `startsWith`
    Starts,
    /// `endsWith`
    Ends,
    /// `contains`
    Contains,
}

impl Expr {
    /// Reads `$filter`.
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        parse::filter(text).ok_or_else(|| {
            Problem::new(
                400,
                "BadRequest",
                format!("Invalid filter clause: syntax error in '{text}'."),
            )
        })
    }

    /// Reads `$search` (`"displayName:anna" OR "mail:anna"`).
    pub(super) fn search(text: &str) -> Result<Self, Problem> {
        parse::search(text)
            .ok_or_else(|| Problem::bad(format!("Syntax error in the search clause '{text}'.")))
    }

    /// Whether the directory answers it only with `ConsistencyLevel: eventual` and `$count=true`.
    pub(super) fn is_advanced(&self) -> bool {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.is_advanced() || b.is_advanced(),
            Self::Not(_) => true,
            Self::Compare(path, op, _) => *op == Op::Ne || path.ends_with("/$count"),
            Self::Text(test, ..) => *test != TextTest::Starts,
            Self::Any(_, _, inner) => inner.as_ref().is_some_and(|i| i.is_advanced()),
            Self::In(..) | Self::Truth(_) => false,
        }
    }

    /// The first property that `known` does not know.
    pub(super) fn unknown(&self, known: &dyn Fn(&str) -> bool) -> Option<String> {
        match self {
            Self::And(a, b) | Self::Or(a, b) => a.unknown(known).or_else(|| b.unknown(known)),
            Self::Not(a) => a.unknown(known),
            Self::Compare(path, ..)
            | Self::In(path, _)
            | Self::Text(_, path, _)
            | Self::Any(path, ..)
            | Self::Truth(path) => {
                let root = path.split('/').next().unwrap_or(path);
                (!known(root)).then(|| root.to_string())
            }
        }
    }

    /// The ids of `id eq '..' or id eq '..'`, where it is nothing but that.
    pub(super) fn ids(&self) -> Option<Vec<String>> {
        match self {
            Self::Or(a, b) => {
                let mut ids = a.ids()?;
                ids.extend(b.ids()?);
                Some(ids)
            }
            Self::Compare(path, Op::Eq, Value::String(id)) if path.eq_ignore_ascii_case("id") => {
                Some(vec![id.clone()])
            }
            Self::In(path, values) if path.eq_ignore_ascii_case("id") => {
                values.iter().map(|v| v.as_str().map(Into::into)).collect()
            }
            _ => None,
        }
    }

    /// Tries it on a row; `read` gives the value of a root property.
    pub(super) fn holds(&self, read: &dyn Fn(&str) -> Value) -> bool {
        match self {
            Self::And(a, b) => a.holds(read) && b.holds(read),
            Self::Or(a, b) => a.holds(read) || b.holds(read),
            Self::Not(a) => !a.holds(read),
            Self::Compare(path, op, literal) => compare(&walk(path, read), *op, literal),
            Self::In(path, values) => {
                let found = walk(path, read);
                values.iter().any(|v| compare(&found, Op::Eq, v))
            }
            Self::Text(test, path, text) => walk(path, read).as_str().is_some_and(|found| {
                let (found, text) = (found.to_lowercase(), text.to_lowercase());
                match test {
                    TextTest::Starts => found.starts_with(&text),
                    TextTest::Ends => found.ends_with(&text),
                    TextTest::Contains => found.contains(&text),
                }
            }),
            Self::Any(path, variable, inner) => {
                let found = walk(path, read);
                let items = found.as_array().map_or(&[][..], Vec::as_slice);
                items.iter().any(|item| {
                    let read = |name: &str| {
                        if name.eq_ignore_ascii_case(variable) { item.clone() } else { Value::Null }
                    };
                    inner.as_ref().is_none_or(|i| i.holds(&read))
                })
            }
            Self::Truth(path) => walk(path, read) == Value::Bool(true),
        }
    }
}

/// Follows `a/b` from a root property; `a/$count` is the length of a list.
fn walk(path: &str, read: &dyn Fn(&str) -> Value) -> Value {
    let mut steps = path.split('/');
    let mut value = read(steps.next().unwrap_or(path));
    for step in steps {
        value = if step == "$count" {
            Value::from(value.as_array().map_or(0, Vec::len))
        } else {
            field(&value, step)
        };
    }
    value
}

/// A member of an object by its name, in whatever case.
pub(super) fn field(value: &Value, name: &str) -> Value {
    let members = value.as_object().into_iter().flatten();
    let mut found = members.filter(|(n, _)| n.eq_ignore_ascii_case(name));
    found.next().map_or(Value::Null, |(_, v)| v.clone())
}

fn compare(found: &Value, op: Op, literal: &Value) -> bool {
    use std::cmp::Ordering::{Greater, Less};

    let equal = match (found, literal) {
        (Value::String(a), Value::String(b)) => a.to_lowercase() == b.to_lowercase(),
        (a, b) if a.is_number() && b.is_number() => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    };
    match op {
        Op::Eq => equal || order(found, literal) == Some(std::cmp::Ordering::Equal),
        Op::Ne => !equal,
        Op::Gt => order(found, literal) == Some(Greater),
        Op::Lt => order(found, literal) == Some(Less),
        Op::Ge => order(found, literal).is_some_and(|o| o != Less),
        Op::Le => order(found, literal).is_some_and(|o| o != Greater),
    }
}

fn order(a: &Value, b: &Value) -> Option<std::cmp::Ordering> {
    match (a, b) {
        (Value::String(a), Value::String(b)) => {
            let instants = (DateTime::parse_from_rfc3339(a), DateTime::parse_from_rfc3339(b));
            match instants {
                (Ok(a), Ok(b)) => Some(a.cmp(&b)),
                _ => Some(a.to_lowercase().cmp(&b.to_lowercase())),
            }
        }
        (a, b) => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}
