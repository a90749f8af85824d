//! Casts, tests of types, and values by a format.

use super::operators::join;
use super::run::{Outcome, Run, fail};
use super::value::Value;

impl Run<'_> {
    pub(super) fn cast(&mut self, kind: &str, value: Value) -> Outcome<Value> {
        let kind = kind.to_lowercase();
        let kind = kind.trim_start_matches("system.");
        if kind == "byte[]" {
            return bytes(value);
        }
        if let Some(each) = kind.strip_suffix("[]") {
            let mut items = Vec::new();
            for item in value.items() {
                items.push(if each == "object" { item } else { self.cast(each, item)? });
            }
            return Ok(Value::list(items));
        }
        let made = match kind {
            "string" => Some(Value::text(join(&value, " ")?)),
            "int" | "int32" => value.as_int().filter(|n| i32::try_from(*n).is_ok()).map(Value::Int),
            "byte" => value.as_int().filter(|n| u8::try_from(*n).is_ok()).map(Value::Int),
            "uint32" => value.as_int().filter(|n| u32::try_from(*n).is_ok()).map(Value::Int),
            "int64" | "long" | "uint64" => value.as_int().map(Value::Int),
            "double" | "float" | "decimal" | "single" => value.as_real().map(Value::Real),
            "bool" | "boolean" | "switch" => Some(Value::Bool(value.truth())),
            "version" => value.as_version().map(Value::Version),
            "array" => Some(Value::list(value.items())),
            "void" => Some(Value::Null),
            "hashtable" | "object" | "psobject" | "regex" | "uri" | "guid" => Some(value.clone()),
            "char" => match &value {
                Value::Int(code) => u32::try_from(*code)
                    .ok()
                    .and_then(char::from_u32)
                    .map(|c| Value::text(c.to_string())),
                other => Some(Value::text(other.show())),
            },
            "datetime" => super::dates::date(&value),
            "timespan" => Some(match &value {
                Value::Object(object) if object.kind == "TimeSpan" => value.clone(),
                other => span(other.as_int().unwrap_or(0) / 10_000),
            }),
            "scriptblock" => None,
            "pscustomobject" => Some(match &value {
                Value::Object(object) => Value::object("PSCustomObject", object.fields().clone()),
                other => other.clone(),
            }),
            _ => return fail("", format!("Unable to find type [{kind}].")),
        };
        match made {
            Some(made) => Ok(made),
            None => fail(
                "",
                format!(
                    "Cannot convert value \"{}\" to type \"System.{kind}\". Error: \"Input string was \
                     not in a correct format.\"",
                    value.show()
                ),
            ),
        }
    }
}

/// As an array of bytes; one that is one stays it.
fn bytes(value: Value) -> Outcome<Value> {
    if matches!(value, Value::Bytes(_)) {
        return Ok(value);
    }
    let mut all = Vec::new();
    for item in value.items() {
        match item.as_int().and_then(|number| u8::try_from(number).ok()) {
            Some(byte) => all.push(byte),
            None => {
                let text =
                    format!("Cannot convert value \"{}\" to type \"System.Byte\".", item.show());
                return fail("", text);
            }
        }
    }
    Ok(Value::bytes(all))
}

pub(super) fn is_type(value: &Value, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    let short = wanted.rsplit('.').next().unwrap_or_default();
    match short {
        "string" => matches!(value, Value::Text(_)),
        "int" | "long" if matches!(value, Value::Int(_)) => {
            value.type_name() == if short == "int" { "Int32" } else { "Int64" }
        }
        "array" => matches!(value, Value::Bytes(_)) || matches!(value, Value::List(l) if !l.grows),
        "list" | "collection" => matches!(value, Value::List(list) if list.grows),
        // Whose values are told from numbers and texts; there are none here.
        "enum" => false,
        "informationalrecord" => {
            matches!(value.type_name(), "WarningRecord" | "VerboseRecord" | "DebugRecord")
        }
        "exception" => value.type_name().ends_with("Exception"),
        "hashtable" | "idictionary" => {
            matches!(value, Value::Object(object) if object.kind == "hashtable"
                || short == "idictionary" && object.kind == "ordered")
        }
        "pscustomobject" | "psobject" => value.type_name() == "PSCustomObject",
        "bool" | "boolean" => matches!(value, Value::Bool(_)),
        "object" => !matches!(value, Value::Null),
        other => value.type_name().eq_ignore_ascii_case(other),
    }
}

/// A value by a format string: `N2`, `D3`, `X8`, `yyyy-MM-dd`.
pub(super) fn formatted(value: &Value, how: &str) -> String {
    let kind = how.chars().next().map(|c| c.to_ascii_uppercase());
    let digits: Option<usize> = how.get(1..).and_then(|n| n.parse().ok()).filter(|n| *n <= 40);
    match (value, kind) {
        (Value::Date(date), Some(_)) => super::dates::dated(*date, how),
        (Value::Int(number), Some('D')) => format!("{number:0width$}", width = digits.unwrap_or(0)),
        (Value::Int(number), Some('X')) => {
            format!("{number:0width$X}", width = digits.unwrap_or(0))
        }
        (Value::Int(_) | Value::Real(_), Some('N' | 'F')) => {
            format!("{:.width$}", value.as_real().unwrap_or(0.0), width = digits.unwrap_or(2))
        }
        _ => value.show(),
    }
}

/// A span of time.
pub(super) fn span(milliseconds: i64) -> Value {
    // Spans of dates are far below 2^53 milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "small enough")]
    let of = |unit: f64| Value::Real(milliseconds as f64 / unit);
    Value::of(
        "TimeSpan",
        vec![
            ("Value", Value::text(spelt(milliseconds))),
            ("Days", Value::Int(milliseconds / 86_400_000)),
            ("Hours", Value::Int(milliseconds / 3_600_000 % 24)),
            ("Minutes", Value::Int(milliseconds / 60_000 % 60)),
            ("Seconds", Value::Int(milliseconds / 1_000 % 60)),
            ("Milliseconds", Value::Int(milliseconds % 1_000)),
            ("Ticks", Value::Int(milliseconds.saturating_mul(10_000))),
            ("TotalDays", of(86_400_000.0)),
            ("TotalHours", of(3_600_000.0)),
            ("TotalMinutes", of(60_000.0)),
            ("TotalSeconds", of(1_000.0)),
            ("TotalMilliseconds", of(1.0)),
        ],
    )
}

/// `1.02:03:04.5670000`.
fn spelt(milliseconds: i64) -> String {
    let sign = if milliseconds < 0 { "-" } else { "" };
    let all = milliseconds.unsigned_abs();
    let (days, rest) = (all / 86_400_000, all % 86_400_000);
    let clock =
        format!("{:02}:{:02}:{:02}", rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60);
    let days = if days > 0 { format!("{days}.") } else { String::new() };
    let part =
        if !all.is_multiple_of(1_000) { format!(".{:03}0000", all % 1_000) } else { String::new() };
    format!("{sign}{days}{clock}{part}")
}

/// A number with fifteen digits, as .NET Framework writes it.
pub(super) fn real(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return if number == 0.0 { "0".to_owned() } else { number.to_string() };
    }
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    let exponent = format!("{rounded:e}").split_once('e').and_then(|(_, e)| e.parse::<i32>().ok());
    match exponent {
        Some(exponent) if !(-5..15).contains(&exponent) => {
            let digits = format!("{rounded:e}");
            let mantissa = digits.split('e').next().unwrap_or_default();
            let sign = if exponent < 0 { '-' } else { '+' };
            format!("{mantissa}E{sign}{:02}", exponent.abs())
        }
        _ => rounded.to_string(),
    }
}
