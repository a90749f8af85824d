//! Whether a row meets a condition, and which of two values comes first.
//!
//! Text is compared without regard to case, as the database behind the API does; a quoted text
//! against a text is a comparison of texts (versions too), except that two whole numbers are
//! compared as numbers and two dates as dates.

use std::cmp::Ordering;

use serde_json::Value;

use super::condition::{Expression, Literal, Operator, Test, date};

/// Whether the row meets the condition.
pub(super) fn holds(expression: &Expression, row: &Value) -> bool {
    match expression {
        Expression::All(parts) => parts.iter().all(|part| holds(part, row)),
        Expression::Any(parts) => parts.iter().any(|part| holds(part, row)),
        Expression::Test(test) => test_holds(test, row),
    }
}

/// The first value at a path (names in lower case).
pub(super) fn at<'v>(row: &'v Value, path: &[String]) -> Option<&'v Value> {
    collect(row, path).into_iter().next()
}

/// The order of two values of one column; absent first.
pub(super) fn order(left: Option<&Value>, right: Option<&Value>) -> Ordering {
    match (left, right) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
        }
        (Some(Value::String(a)), Some(Value::String(b))) => texts(a, b),
        (Some(Value::Bool(a)), Some(Value::Bool(b))) => a.cmp(b),
        (None | Some(Value::Null), None | Some(Value::Null)) => Ordering::Equal,
        (None | Some(Value::Null), _) => Ordering::Less,
        (_, None | Some(Value::Null)) => Ordering::Greater,
        _ => Ordering::Equal,
    }
}

fn test_holds(test: &Test, row: &Value) -> bool {
    let values = collect(row, &test.path);
    let any = |met: &dyn Fn(&Value, &Literal) -> bool| {
        values.iter().any(|value| test.values.iter().any(|literal| met(value, literal)))
    };
    let ordered = |wanted: &[Ordering]| {
        any(&|value, literal| compare(value, literal).is_some_and(|order| wanted.contains(&order)))
    };
    match test.operator {
        Operator::Equal | Operator::In => {
            ordered(&[Ordering::Equal]) || (values.is_empty() && test.values == [Literal::Null])
        }
        Operator::NotEqual | Operator::NotIn => {
            !(ordered(&[Ordering::Equal]) || (values.is_empty() && test.values == [Literal::Null]))
        }
        Operator::Less => ordered(&[Ordering::Less]),
        Operator::LessOrEqual => ordered(&[Ordering::Less, Ordering::Equal]),
        Operator::Greater => ordered(&[Ordering::Greater]),
        Operator::GreaterOrEqual => ordered(&[Ordering::Greater, Ordering::Equal]),
        Operator::Like => any(&like),
        Operator::NotLike => !any(&like),
        Operator::Contains => any(&contains),
        Operator::NotContains => !any(&contains),
    }
}

/// All values at a path; through an array, those of every element. An array at the end stays one
/// value, so that `contains` can tell it from a text.
fn collect<'v>(value: &'v Value, path: &[String]) -> Vec<&'v Value> {
    match (value, path.split_first()) {
        (_, None) => vec![value],
        (Value::Array(items), Some(_)) => items.iter().flat_map(|v| collect(v, path)).collect(),
        (Value::Object(map), Some((name, rest))) => map
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name))
            .flat_map(|(_, value)| collect(value, rest))
            .collect(),
        _ => Vec::new(),
    }
}

fn compare(value: &Value, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::Array(items), _) => items
            .iter()
            .any(|v| compare(v, literal) == Some(Ordering::Equal))
            .then_some(Ordering::Equal),
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Number(a), Literal::Number(b, _)) => a.as_f64()?.partial_cmp(b),
        (Value::Number(a), Literal::Text(b)) => a.as_f64()?.partial_cmp(&b.trim().parse().ok()?),
        (Value::Bool(a), Literal::Flag(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Literal::Number(b, _)) => Some(a.cmp(&(*b != 0.0))),
        (Value::Bool(a), Literal::Text(b)) => {
            Some(a.cmp(&b.to_ascii_lowercase().parse::<bool>().ok()?))
        }
        (Value::String(a), Literal::Number(b, written)) => match a.trim().parse::<f64>() {
            Ok(a) => a.partial_cmp(b),
            Err(_) => Some(texts(a, written)),
        },
        (Value::String(a), Literal::Date(b)) => Some(date(a)?.cmp(b)),
        (Value::String(a), Literal::Text(b)) => Some(texts(a, b)),
        _ => None,
    }
}

fn texts(a: &str, b: &str) -> Ordering {
    let whole = |text: &str| {
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
            .then(|| text.parse::<u64>().ok())
            .flatten()
    };
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return a.cmp(&b);
    }
    let dated = |text: &str| (text.as_bytes().get(10) == Some(&b'T')).then(|| date(text)).flatten();
    if let Some(left) = dated(a)
        && let Some(right) = date(b)
    {
        return left.cmp(&right);
    }
    a.to_lowercase().cmp(&b.to_lowercase())
}

fn plain(literal: &Literal) -> Option<String> {
    match literal {
        Literal::Text(text) | Literal::Number(_, text) => Some(text.to_lowercase()),
        Literal::Flag(flag) => Some(flag.to_string()),
        Literal::Date(_) | Literal::Null => None,
    }
}

/// `%` stands for any text; nothing else is special.
fn like(value: &Value, literal: &Literal) -> bool {
    let text = match value {
        Value::String(text) => text.to_lowercase(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => return items.iter().any(|value| like(value, literal)),
        _ => return false,
    };
    plain(literal).is_some_and(|pattern| matches_pattern(&text, &pattern))
}

/// Whether a text fits a pattern with `%`; both in the same case.
pub(crate) fn matches_pattern(text: &str, pattern: &str) -> bool {
    let parts: Vec<&str> = pattern.split('%').collect();
    let [first, middle @ .., last] = parts.as_slice() else {
        return text == pattern;
    };
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn contains(value: &Value, literal: &Literal) -> bool {
    match value {
        Value::Array(items) => {
            items.iter().any(|item| compare(item, literal) == Some(Ordering::Equal))
        }
        Value::String(text) => {
            plain(literal).is_some_and(|part| text.to_lowercase().contains(&part))
        }
        _ => compare(value, literal) == Some(Ordering::Equal),
    }
}
