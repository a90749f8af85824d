//! Properties and methods of values.

use std::rc::Rc;

use super::ast::Expr;
use super::run::{LONGEST, Outcome, Run, fail};
use super::value::{Object, Value};

impl Run<'_> {
    /// A property; nothing where there is none of that name.
    pub(super) fn member(&mut self, object: &Value, name: &str) -> Outcome<Value> {
        let lower = name.to_lowercase();
        Ok(match object {
            Value::Type(kind) => super::statics::property(self, kind, &lower)?,
            Value::Text(text) if lower == "length" => count(text.chars().count()),
            Value::Version(parts) => {
                let at = ["major", "minor", "build", "revision"].iter().position(|n| *n == lower);
                at.map_or(Value::Null, |at| Value::Int(parts.get(at).copied().unwrap_or(-1)))
            }
            Value::Date(date) => super::statics::part(*date, &lower),
            Value::List(list) => match lower.as_str() {
                "count" | "length" => count(list.items.len()),
                _ => {
                    // Whoever asks a list asks what is in it.
                    let mut found = Vec::new();
                    for item in &list.items {
                        self.step()?;
                        let value = self.member(item, name)?;
                        found.extend(value.items());
                    }
                    Value::collected(found)
                }
            },
            Value::Object(object) => property(object, &lower),
            Value::Null if lower == "count" => Value::Int(0),
            Value::Null => Value::Null,
            _ if matches!(lower.as_str(), "count" | "length") => Value::Int(1),
            _ => Value::Null,
        })
    }

    pub(super) fn method_call(
        &mut self,
        object: &Expr,
        name: &Expr,
        args: &[Expr],
    ) -> Outcome<Value> {
        let on = self.express(object)?;
        let name = self.express(name)?.show().to_lowercase();
        let mut given = Vec::new();
        for argument in args {
            given.push(self.express(argument)?);
        }
        let (changed, result) = match &on {
            Value::Null => {
                return fail("", "You cannot call a method on a null-valued expression.");
            }
            Value::Type(kind) => (None, super::statics::call(self, kind, &name, &given)?),
            Value::Text(text) => (None, text_method(self, text, &name, &given)?),
            Value::Date(date) => (None, super::statics::date_method(*date, &name, &given)),
            Value::Object(one) => self.object_method(one, &name, &given)?,
            Value::Code(code) if name == "invoke" => {
                let (code, mut out) = (Rc::clone(code), Vec::new());
                let args = given.iter().cloned().map(super::eval::Given::Value).collect();
                self.call(&code, args, None, &mut out)?;
                return Ok(Value::collected(out));
            }
            other => (None, plain_method(other, &name, &given)),
        };
        if let Some(changed) = changed
            && let Expr::Variable(variable) = object
        {
            self.set(variable, changed)?;
        }
        match result {
            Some(value) => Ok(value),
            None => fail(
                "",
                format!(
                    "Method invocation failed because [System.{}] does not contain a method named \
                     '{name}'.",
                    on.type_name()
                ),
            ),
        }
    }

    /// A method of an object: what the object is after it, and what it gives.
    fn object_method(
        &mut self,
        object: &Object,
        name: &str,
        given: &[Value],
    ) -> Outcome<(Option<Value>, Option<Value>)> {
        let first = given.first().map(Value::show).unwrap_or_default();
        let whole = || Value::object(object.kind, object.fields.clone());
        let result = match (object.kind, name) {
            (_, "tostring") => whole().show().into_value(),
            (_, "containskey" | "contains" | "containsvalue") if object.is_table() => {
                Value::Bool(object.get(&first).is_some())
            }
            (_, "add") if object.is_table() => {
                let value = given.get(1).cloned().unwrap_or(Value::Null);
                return Ok((Some(object.with(&first, value)), Some(Value::Null)));
            }
            (_, "remove") if object.is_table() => {
                let mut fields = object.fields.clone();
                fields.retain(|(name, _)| !name.eq_ignore_ascii_case(&first));
                return Ok((Some(Value::object(object.kind, fields)), Some(Value::Null)));
            }
            (_, "getenumerator") if object.is_table() => {
                let entry = |(name, value): &(Rc<str>, Value)| {
                    Value::of(
                        "DictionaryEntry",
                        vec![
                            ("Name", Value::text(name)),
                            ("Key", Value::text(name)),
                            ("Value", value.clone()),
                        ],
                    )
                };
                Value::list(object.fields.iter().map(entry).collect())
            }
            ("WebClient", "downloadfile") => {
                let path = given.get(1).map(Value::show).unwrap_or_default();
                self.download("", &first, Some(&path))?;
                Value::Null
            }
            ("WebClient", "downloadstring") => Value::text(self.download("", &first, None)?),
            ("Encoding", "getstring") => super::statics::decoded(object, &bytes_of(given.first())),
            ("Encoding", "getbytes") => super::statics::encoded(object, &first),
            ("Process", "waitforexit") => {
                let left = object.get("Left").and_then(Value::as_int).unwrap_or(0);
                self.wait_for(left)?;
                Value::Bool(true)
            }
            ("Process", "kill" | "refresh" | "close") => Value::Null,
            ("Key", "getvalue") => object.get(&first).cloned().unwrap_or(Value::Null),
            _ => return Ok((None, None)),
        };
        Ok((None, Some(result)))
    }
}

trait IntoValue {
    fn into_value(self) -> Value;
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::text(self)
    }
}

fn property(object: &Object, name: &str) -> Value {
    if let Some(value) = object.get(name) {
        return value.clone();
    }
    match name {
        "keys" if object.is_table() => {
            Value::list(object.fields.iter().map(|(name, _)| Value::text(name)).collect())
        }
        "values" if object.is_table() => {
            Value::list(object.fields.iter().map(|(_, value)| value.clone()).collect())
        }
        "count" if object.is_table() => count(object.fields.len()),
        "count" | "length" => Value::Int(1),
        "exception" if object.kind == "ErrorRecord" => Value::of(
            "Exception",
            vec![("Message", object.get("Message").cloned().unwrap_or(Value::Null))],
        ),
        "psobject" => {
            let entry = |(name, value): &(Rc<str>, Value)| {
                Value::of(
                    "PSNoteProperty",
                    vec![("Name", Value::text(name)), ("Value", value.clone())],
                )
            };
            let properties = Value::list(object.fields.iter().map(entry).collect());
            Value::of("PSObject", vec![("Properties", properties)])
        }
        _ => Value::Null,
    }
}

fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn plain_method(value: &Value, name: &str, given: &[Value]) -> Option<Value> {
    let first = given.first();
    match (value, name) {
        (_, "tostring") => Some(match first {
            Some(how) => Value::text(super::operators::formatted(value, &how.show())),
            None => Value::text(value.show()),
        }),
        (_, "gettype") => {
            Some(Value::of("RuntimeType", vec![("Name", Value::text(value.type_name()))]))
        }
        (_, "equals") => Some(Value::Bool(super::operators::equal(value, first?, true))),
        (Value::Version(one), "compareto") => {
            let other = first?.as_version()?;
            Some(Value::Int(match one.iter().cmp(other.iter()) {
                std::cmp::Ordering::Less => -1,
                std::cmp::Ordering::Equal => 0,
                std::cmp::Ordering::Greater => 1,
            }))
        }
        (Value::List(list), "contains") => Some(Value::Bool(
            list.items
                .iter()
                .any(|item| super::operators::equal(item, first.unwrap_or(&Value::Null), true)),
        )),
        (Value::List(list), "indexof") => {
            let wanted = first?;
            let at = list.items.iter().position(|item| super::operators::equal(item, wanted, true));
            Some(at.map_or(Value::Int(-1), count))
        }
        (Value::List(_), "getenumerator") => Some(value.clone()),
        _ => None,
    }
}

#[expect(clippy::too_many_lines, reason = "one arm for each method")]
fn text_method(
    run: &mut Run<'_>,
    text: &str,
    name: &str,
    given: &[Value],
) -> Outcome<Option<Value>> {
    let first = given.first().map(Value::show).unwrap_or_default();
    let number =
        |at: usize| given.get(at).and_then(Value::as_int).and_then(|n| usize::try_from(n).ok());
    let letters: Vec<char> = first.chars().collect();
    let cut = |c: char| if letters.is_empty() { c.is_whitespace() } else { letters.contains(&c) };
    let size = text.chars().count();
    Ok(Some(match name {
        "trim" => Value::text(text.trim_matches(cut)),
        "trimstart" => Value::text(text.trim_start_matches(cut)),
        "trimend" => Value::text(text.trim_end_matches(cut)),
        "tolower" | "tolowerinvariant" => Value::text(text.to_lowercase()),
        "toupper" | "toupperinvariant" => Value::text(text.to_uppercase()),
        "startswith" => Value::Bool(text.starts_with(&first)),
        "endswith" => Value::Bool(text.ends_with(&first)),
        "contains" => Value::Bool(text.contains(&first)),
        "indexof" => {
            let at = text.find(&first).map(|at| text[..at].chars().count());
            at.map_or(Value::Int(-1), count)
        }
        "lastindexof" => {
            let at = text.rfind(&first).map(|at| text[..at].chars().count());
            at.map_or(Value::Int(-1), count)
        }
        "replace" => {
            let with = given.get(1).map(Value::show).unwrap_or_default();
            if first.is_empty() {
                return fail(
                    "",
                    "Exception calling \"Replace\" with \"2\" argument(s): \"String cannot be of zero length.\"",
                );
            }
            if text.len().saturating_mul(with.len().max(1)) > LONGEST {
                return fail("", "Exception of type 'System.OutOfMemoryException' was thrown.");
            }
            Value::text(text.replace(&first, &with))
        }
        "split" => {
            let parts = text.split(cut).map(Value::text).collect();
            Value::list(parts)
        }
        "substring" => {
            let from = number(0).filter(|from| *from <= size);
            let length = match given.get(1) {
                Some(_) => number(1),
                None => from.map(|from| size - from),
            };
            match (from, length) {
                (Some(from), Some(length)) if from.saturating_add(length) <= size => {
                    Value::text(text.chars().skip(from).take(length).collect::<String>())
                }
                _ => {
                    return fail(
                        "",
                        "Exception calling \"Substring\" with \"2\" argument(s): \"Index and length must refer to a location within the string.\"",
                    );
                }
            }
        }
        "padleft" | "padright" => {
            let width = number(0).unwrap_or(0).min(4_096);
            let fill = given.get(1).and_then(|v| v.show().chars().next()).unwrap_or(' ');
            let filled: String = std::iter::repeat_n(fill, width.saturating_sub(size)).collect();
            Value::text(if name == "padleft" {
                format!("{filled}{text}")
            } else {
                format!("{text}{filled}")
            })
        }
        "tochararray" => Value::list(text.chars().map(|c| Value::text(c.to_string())).collect()),
        "compareto" => {
            let order = text.to_lowercase().cmp(&first.to_lowercase());
            Value::Int(order as i64)
        }
        "touniversaltime" => {
            return fail(
                "",
                "Method invocation failed because [System.String] does not contain a method named 'ToUniversalTime'.",
            );
        }
        _ => {
            run.step()?;
            return Ok(plain_method(&Value::text(text), name, given));
        }
    }))
}

/// The bytes of a list of numbers.
pub(super) fn bytes_of(value: Option<&Value>) -> Vec<u8> {
    let items = value.map(Value::items).unwrap_or_default();
    items.iter().filter_map(|item| item.as_int().and_then(|n| u8::try_from(n).ok())).collect()
}
