//! Operators: arithmetic, comparison, casts.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::bytes::{Regex, RegexBuilder};

use super::ast::{Binary, Expr};
use super::convert::{formatted, is_type, span};
use super::run::{LONGEST, Outcome, Run, fail};
use super::value::Value;
use crate::machine::paths;

impl Run<'_> {
    pub(super) fn binary(
        &mut self,
        operator: &Binary,
        left: &Expr,
        right: &Expr,
    ) -> Outcome<Value> {
        match operator {
            Binary::And => {
                return Ok(Value::Bool(
                    self.express(left)?.truth() && self.express(right)?.truth(),
                ));
            }
            Binary::Or => {
                return Ok(Value::Bool(
                    self.express(left)?.truth() || self.express(right)?.truth(),
                ));
            }
            _ => {}
        }
        let (left, right) = (self.express(left)?, self.express(right)?);
        match operator {
            Binary::Add => self.arithmetic('+', left, right),
            Binary::Sub => self.arithmetic('-', left, right),
            Binary::Mul => self.arithmetic('*', left, right),
            Binary::Div => self.arithmetic('/', left, right),
            Binary::Rem => self.arithmetic('%', left, right),
            Binary::Range => range(&left, &right),
            Binary::Format => self.format(&left.show(), &right.items()),
            Binary::Xor => Ok(Value::Bool(left.truth() != right.truth())),
            Binary::Named(name) => self.named(name, left, &right),
            Binary::And | Binary::Or => Ok(Value::Null),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "what is worked out is given away")]
    pub(super) fn arithmetic(
        &mut self,
        operator: char,
        left: Value,
        right: Value,
    ) -> Outcome<Value> {
        match (operator, &left, &right) {
            ('+', Value::List(_) | Value::Bytes(_), _) => {
                let mut items = left.items();
                items.extend(right.as_items().unwrap_or_else(|| vec![right]));
                return bounded(items);
            }
            ('+', Value::Null, _) => return Ok(right),
            ('+', Value::Text(text), _) => {
                if super::run::weight(&right, LONGEST) + text.len() > LONGEST {
                    return out_of_memory();
                }
                return Ok(Value::text(format!("{text}{}", right.show())));
            }
            ('+', Value::Object(one), Value::Object(other)) if one.is_table() => {
                let joined = one.copy();
                if let Value::Object(all) = &joined {
                    for (name, value) in other.fields().iter() {
                        all.put(name, value.clone());
                    }
                }
                return Ok(joined);
            }
            ('*', Value::Text(text), _) => {
                let count = right.as_int().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
                if text.len().saturating_mul(count) > LONGEST {
                    return out_of_memory();
                }
                return Ok(Value::text(text.repeat(count)));
            }
            ('-', Value::Date(one), Value::Date(other)) => {
                return Ok(span((*one - *other).num_milliseconds()));
            }
            _ => {}
        }
        numbers(operator, &left, &right)
    }

    /// `-band` and its like.
    fn bits(operator: &str, left: &Value, right: &Value) -> Outcome<Value> {
        let (Some(one), Some(other)) = (left.as_int(), right.as_int()) else {
            return fail(
                "",
                format!("Cannot convert value \"{}\" to type \"System.Int64\".", left.show()),
            );
        };
        // Shifts go by as many bits as there are, and around.
        let by = u32::try_from(other & 63).unwrap_or(0);
        Ok(Value::Int(match operator {
            "band" => one & other,
            "bor" => one | other,
            "bxor" => one ^ other,
            "shl" => one.wrapping_shl(by),
            _ => one.wrapping_shr(by),
        }))
    }

    pub(super) fn judge(&mut self, name: &str, left: Value, right: &Value) -> Outcome<Value> {
        self.named(name, left, right)
    }

    fn named(&mut self, name: &str, left: Value, right: &Value) -> Outcome<Value> {
        let (plain, case) = match name.strip_prefix('c') {
            Some(rest) if name != "contains" => (rest, true),
            _ => (name, false),
        };
        match plain {
            "contains" | "notcontains" => {
                let has = left.items().iter().any(|item| equal(item, right, case));
                return Ok(Value::Bool(has == (plain == "contains")));
            }
            "in" | "notin" => {
                let has = right.items().iter().any(|item| equal(item, &left, case));
                return Ok(Value::Bool(has == (plain == "in")));
            }
            "band" | "bor" | "bxor" | "shl" | "shr" => return Self::bits(plain, &left, right),
            "replace" => return self.replace(&left, right, case),
            "split" => return split(&left.show(), right),
            "join" => return Ok(Value::text(join(&left, &right.show())?)),
            "is" | "isnot" => {
                let wanted = right.show();
                let is = is_type(&left, wanted.trim_matches(['[', ']']));
                return Ok(Value::Bool(is == (plain == "is")));
            }
            "as" => return Ok(self.cast(&right.show(), left).unwrap_or(Value::Null)),
            _ => {}
        }
        if let Some(items) = left.as_items() {
            // On a list the operators pick, and do not judge.
            let mut kept = Vec::new();
            for item in &items {
                if self.compares(plain, item, right, case)? {
                    kept.push(item.clone());
                }
            }
            return Ok(Value::list(kept));
        }
        Ok(Value::Bool(self.compares(plain, &left, right, case)?))
    }

    fn compares(&mut self, name: &str, left: &Value, right: &Value, case: bool) -> Outcome<bool> {
        Ok(match name {
            "eq" => equal(left, right, case),
            "ne" => !equal(left, right, case),
            "like" => paths::matches(&right.show(), &left.show()),
            "notlike" => !paths::matches(&right.show(), &left.show()),
            "match" => self.matches(&left.show(), &right.show(), case)?,
            "notmatch" => !self.matches(&left.show(), &right.show(), case)?,
            _ => {
                let order = self.order(left, right)?;
                match name {
                    "gt" => order == Ordering::Greater,
                    "ge" => order != Ordering::Less,
                    "lt" => order == Ordering::Less,
                    _ => order != Ordering::Greater,
                }
            }
        })
    }

    /// The order of two values; the right one is taken for what the left one is.
    fn order(&mut self, left: &Value, right: &Value) -> Outcome<Ordering> {
        let cannot = || {
            let text = format!("Cannot compare \"{}\" because it is not comparable.", left.show());
            fail("", text)
        };
        Ok(match left {
            Value::Version(one) => match right.as_version() {
                Some(other) => one.iter().cmp(other.iter()),
                None => {
                    return fail(
                        "",
                        format!("Could not compare \"{}\" to \"{}\".", left.show(), right.show()),
                    );
                }
            },
            Value::Date(one) => match right {
                Value::Date(other) => one.cmp(other),
                _ => return cannot(),
            },
            Value::Text(one) => one.to_lowercase().cmp(&right.show().to_lowercase()),
            Value::Object(_) | Value::Code(_) | Value::Type(_) | Value::List(_) => return cannot(),
            _ => match (left.as_real(), right.as_real()) {
                (Some(one), Some(other)) => one.partial_cmp(&other).unwrap_or(Ordering::Equal),
                _ => return cannot(),
            },
        })
    }

    /// Whether a text matches a regular expression; `$Matches` is what it found.
    pub(super) fn matches(&mut self, text: &str, pattern: &str, case: bool) -> Outcome<bool> {
        let regex = expression(pattern, case)?;
        let Some(found) = regex.captures(text.as_bytes()) else { return Ok(false) };
        let mut groups = Vec::new();
        for (at, name) in regex.capture_names().enumerate() {
            if let Some(group) = found.get(at) {
                let value = Value::text(String::from_utf8_lossy(group.as_bytes()));
                let key = name.map_or_else(|| at.to_string(), str::to_owned);
                groups.push((key.as_str().into(), value));
            }
        }
        self.set("matches", Value::object("hashtable", groups))?;
        Ok(true)
    }

    fn replace(&mut self, left: &Value, right: &Value, case: bool) -> Outcome<Value> {
        let parts = right.items();
        let pattern = parts.first().map(Value::show).unwrap_or_default();
        let with = parts.get(1).map(Value::show).unwrap_or_default();
        let regex = expression(&pattern, case)?;
        let replaced = |text: &str| {
            // `$1a` is group 1 and an `a`, not a group named `1a`.
            let with = regex_template(&with);
            let bytes = regex.replace_all(text.as_bytes(), with.as_bytes());
            Value::text(String::from_utf8_lossy(&bytes))
        };
        let size: usize = left.items().iter().map(|item| item.show().len()).sum();
        if size.saturating_mul(with.len().max(1)) > LONGEST {
            return out_of_memory();
        }
        Ok(match left {
            Value::List(list) => {
                Value::list(list.items().iter().map(|i| replaced(&i.show())).collect())
            }
            other => replaced(&other.show()),
        })
    }

    /// `'{0} and {1:N2}' -f ...`.
    pub(super) fn format(&mut self, template: &str, args: &[Value]) -> Outcome<Value> {
        let mut text = String::new();
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if rest[at..].starts_with("{{") || rest[at..].starts_with("}}") {
                text.push_str(&rest[at..=at]);
                rest = &after[1..];
                continue;
            }
            let Some((inside, next)) = after.split_once('}') else {
                return fail(
                    "",
                    "Error formatting a string: Input string was not in a correct format..",
                );
            };
            let (place, how) = inside.split_once(':').unwrap_or((inside, ""));
            let place = place.split(',').next().unwrap_or_default().trim();
            match place.parse::<usize>().ok().and_then(|at| args.get(at)) {
                Some(value) => text.push_str(&formatted(value, how)),
                None => {
                    return fail(
                        "",
                        "Error formatting a string: Index (zero based) must be greater than or equal to zero and less than the size of the argument list..",
                    );
                }
            }
            if text.len() > LONGEST {
                return out_of_memory();
            }
            rest = next;
        }
        text.push_str(rest);
        Ok(Value::text(text))
    }
}

fn out_of_memory<T>() -> Outcome<T> {
    fail("", "Exception of type 'System.OutOfMemoryException' was thrown.")
}

fn bounded(items: Vec<Value>) -> Outcome<Value> {
    if items.len() > LONGEST / 8 { out_of_memory() } else { Ok(Value::list(items)) }
}

fn numbers(operator: char, left: &Value, right: &Value) -> Outcome<Value> {
    let whole = |value: &Value| !matches!(value, Value::Real(_)) && !value.show().contains('.');
    let (Some(one), Some(other)) = (left.as_real(), right.as_real()) else {
        let text = format!(
            "Cannot convert value \"{}\" to type \"System.Int32\". Error: \"Input string was not in a \
             correct format.\"",
            if left.as_real().is_none() { left.show() } else { right.show() }
        );
        return fail("", text);
    };
    if let (true, true, Some(a), Some(b)) =
        (whole(left), whole(right), left.as_int(), right.as_int())
    {
        let exact = match operator {
            '+' => a.checked_add(b),
            '-' => a.checked_sub(b),
            '*' => a.checked_mul(b),
            '/' | '%' if b == 0 => return fail("", "Attempted to divide by zero."),
            '/' => a.checked_rem(b).filter(|rest| *rest == 0).and_then(|_| a.checked_div(b)),
            _ => a.checked_rem(b),
        };
        if let Some(exact) = exact {
            return Ok(Value::Int(exact));
        }
    }
    Ok(Value::Real(match operator {
        '+' => one + other,
        '-' => one - other,
        '*' => one * other,
        '/' => one / other,
        _ => one % other,
    }))
}

fn range(left: &Value, right: &Value) -> Outcome<Value> {
    let (Some(from), Some(to)) = (left.as_int(), right.as_int()) else {
        return fail("", "Cannot convert value to type \"System.Int32\".");
    };
    if from.abs_diff(to) > LONGEST as u64 / 8 {
        return out_of_memory();
    }
    let items: Vec<Value> = if from <= to {
        (from..=to).map(Value::Int).collect()
    } else {
        (to..=from).rev().map(Value::Int).collect()
    };
    Ok(Value::list(items))
}

/// Whether two values are equal; the right one is taken for what the left one is.
pub(super) fn equal(left: &Value, right: &Value, case: bool) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (Value::Bool(is), _) => *is == right.truth(),
        (Value::Version(one), _) => right.as_version().is_some_and(|other| *one == other),
        (Value::Date(one), Value::Date(other)) => one == other,
        (Value::Int(_) | Value::Real(_), _) => {
            left.as_real().zip(right.as_real()).is_some_and(|(one, other)| one == other)
        }
        (Value::Object(one), Value::Object(other)) => {
            let said = |object: &super::value::Object| {
                matches!(object.kind, "SecurityIdentifier" | "NTAccount" | "TimeSpan")
            };
            std::rc::Rc::ptr_eq(one, other) || said(one) && left.show() == right.show()
        }
        (Value::List(one), Value::List(other)) => std::rc::Rc::ptr_eq(one, other),
        (Value::Bytes(one), Value::Bytes(other)) => std::rc::Rc::ptr_eq(one, other),
        (Value::Thing(one), Value::Thing(other)) => std::rc::Rc::ptr_eq(one, other),
        (
            Value::Object(_) | Value::List(_) | Value::Bytes(_) | Value::Thing(_) | Value::Code(_),
            Value::Object(_) | Value::List(_) | Value::Bytes(_) | Value::Thing(_) | Value::Code(_),
        ) => false,
        (Value::Text(one), _) if case => **one == *right.show(),
        _ => {
            left.show().eq_ignore_ascii_case(&right.show())
                || left.show().to_lowercase() == right.show().to_lowercase()
        }
    }
}

/// The place that an index means; negative ones count from the end.
pub(super) fn place(index: &Value, length: usize) -> Option<usize> {
    let at = index.as_int()?;
    let length = i64::try_from(length).ok()?;
    usize::try_from(if at < 0 { length.checked_add(at)? } else { at }).ok()
}

/// Expressions that were read before: the same scripts run on thousands of machines.
static EXPRESSIONS: LazyLock<Mutex<HashMap<(String, bool), Regex>>> = LazyLock::new(Mutex::default);

pub(super) fn expression(pattern: &str, case: bool) -> Outcome<Regex> {
    let known = EXPRESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(regex) = known.get(&(pattern.to_owned(), case)) {
        return Ok(regex.clone());
    }
    drop(known);
    let made = RegexBuilder::new(pattern)
        .unicode(false)
        .case_insensitive(!case)
        .size_limit(1 << 20)
        .nest_limit(50)
        .build();
    match made {
        Ok(regex) => {
            let mut known = EXPRESSIONS.lock().unwrap_or_else(PoisonError::into_inner);
            if known.len() >= 256 {
                known.clear();
            }
            known.insert((pattern.to_owned(), case), regex.clone());
            Ok(regex)
        }
        Err(_) => fail(
            "",
            format!("parsing \"{pattern}\" - the pattern is not one that this machine knows."),
        ),
    }
}

fn regex_template(with: &str) -> String {
    let mut text = String::new();
    let mut letters = with.chars().peekable();
    while let Some(letter) = letters.next() {
        text.push(letter);
        if letter == '$' && letters.peek().is_some_and(char::is_ascii_digit) {
            text.push('{');
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                text.push(digit);
            }
            text.push('}');
        }
    }
    text
}

fn split(text: &str, by: &Value) -> Outcome<Value> {
    let parts = by.items();
    let regex = expression(&parts.first().map(Value::show).unwrap_or_default(), false)?;
    let most =
        parts.get(1).and_then(Value::as_int).and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let limit = if most == 0 { usize::MAX } else { most };
    let parts = regex.splitn(text.as_bytes(), limit);
    bounded(parts.map(|part| Value::text(String::from_utf8_lossy(part))).collect())
}

/// The items as one text.
pub(super) fn join(value: &Value, by: &str) -> Outcome<String> {
    if super::run::weight(value, LONGEST).saturating_add(value.items().len() * by.len()) > LONGEST {
        return out_of_memory();
    }
    Ok(value.items().iter().map(Value::show).collect::<Vec<_>>().join(by))
}
