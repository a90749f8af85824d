//! Properties and methods of values.

use std::rc::Rc;

use super::ast::Expr;
use super::joint::Out;
use super::run::{Outcome, Run, fail};
use super::value::{List, Object, Value};

impl Run<'_> {
    /// A property; nothing where there is none of that name.
    pub(super) fn member(&mut self, object: &Value, name: &str) -> Outcome<Value> {
        let lower = name.to_lowercase();
        Ok(match object {
            Value::Type(kind) => super::statics::property(self, kind, &lower)?,
            Value::Text(text) if lower == "length" => Value::count(text.chars().count()),
            Value::Version(parts) => {
                let at = ["major", "minor", "build", "revision"].iter().position(|n| *n == lower);
                at.map_or(Value::Null, |at| Value::Int(parts.get(at).copied().unwrap_or(-1)))
            }
            Value::Date(date) => super::dates::part(*date, &lower),
            Value::Bytes(bytes) => match lower.as_str() {
                "count" | "length" | "longlength" => Value::count(bytes.borrow().len()),
                _ => Value::Null,
            },
            Value::Thing(thing) => self.thing_property(thing, &lower)?,
            Value::List(list) => match lower.as_str() {
                "count" | "length" => Value::count(list.items().len()),
                _ => {
                    // Whoever asks a list asks what is in it.
                    let mut found = Vec::new();
                    for item in list.items().clone().iter() {
                        self.step()?;
                        let value = self.member(item, name)?;
                        found.extend(value.items());
                    }
                    Value::collected(found)
                }
            },
            Value::Object(object) => match super::objects::property(self, object, &lower)? {
                Some(value) => value,
                None => property(object, &lower),
            },
            Value::Code(code) if lower == "ast" => Value::text(&code.text),
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
        let result = match &on {
            Value::Null => {
                return fail("", "You cannot call a method on a null-valued expression.");
            }
            Value::Type(kind) => super::statics::call(self, kind, &name, &given)?,
            Value::Text(text) => super::texts::method(self, text, &name, &given)?,
            Value::Date(date) => match plain_method(&on, &name, &given) {
                Some(value) if name != "tostring" => Some(value),
                _ => super::dates::date_method(*date, &name, &given),
            },
            Value::Object(one) => self.object_method(&on, one, &name, &given)?,
            Value::Thing(thing) => match self.thing_method(thing, &name, &given)? {
                // It gives itself, so that calls can be chained.
                Some(Value::Null) if matches!(name.as_str(), "append" | "appendline") => {
                    Some(on.clone())
                }
                Some(value) => Some(value),
                None => plain_method(&on, &name, &given),
            },
            Value::List(list) => match self.list_method(&on, list, &name, &given)? {
                Some(value) => Some(value),
                None => plain_method(&on, &name, &given),
            },
            Value::Code(code) if matches!(name.as_str(), "invoke" | "invokereturnasis") => {
                let (code, mut out) = (Rc::clone(code), Out::default());
                let args = given.iter().cloned().map(super::eval::Given::Value).collect();
                self.call(&code, args, None, &mut out)?;
                return Ok(Value::collected(out.take()));
            }
            other => plain_method(other, &name, &given),
        };
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

    /// A method of a list that grows.
    #[expect(clippy::too_many_lines, reason = "one arm for each method")]
    fn list_method(
        &mut self,
        on: &Value,
        list: &List,
        name: &str,
        given: &[Value],
    ) -> Outcome<Option<Value>> {
        let first = given.first().cloned().unwrap_or(Value::Null);
        if !list.grows {
            return Ok(match name {
                "add" | "remove" | "removeat" | "insert" | "clear" => {
                    return fail(
                        "",
                        format!(
                            "Exception calling \"{name}\" with \"{}\" argument(s): \"Collection was of a fixed size.\"",
                            given.len()
                        ),
                    );
                }
                "clone" => Some(Value::list(list.items().clone())),
                _ => None,
            });
        }
        let at = first.as_int().and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
        let size = list.items().len();
        Ok(Some(match name {
            "add" => {
                self.hold(on, &first)?;
                list.change().push(first);
                Value::count(size)
            }
            "addrange" => {
                for item in first.items() {
                    self.hold(on, &item)?;
                    list.change().push(item);
                }
                Value::Null
            }
            "insert" if at <= size => {
                let item = given.get(1).cloned().unwrap_or(Value::Null);
                self.hold(on, &item)?;
                list.change().insert(at, item);
                Value::Null
            }
            "clear" => {
                list.change().clear();
                Value::Null
            }
            "removeat" if at < size => {
                list.change().remove(at);
                Value::Null
            }
            "remove" => {
                let found = list
                    .items()
                    .iter()
                    .position(|item| super::operators::equal(item, &first, true));
                if let Some(at) = found {
                    list.change().remove(at);
                }
                Value::Null
            }
            "toarray" => Value::list(list.items().clone()),
            "reverse" => {
                list.change().reverse();
                Value::Null
            }
            _ => return Ok(None),
        }))
    }

    /// A method of an object.
    #[expect(clippy::too_many_lines, reason = "one arm for each method")]
    fn object_method(
        &mut self,
        on: &Value,
        object: &Object,
        name: &str,
        given: &[Value],
    ) -> Outcome<Option<Value>> {
        let first = given.first().map(Value::show).unwrap_or_default();
        if let Some(value) = super::objects::method(self, object, name, given)? {
            return Ok(Some(value));
        }
        let result = match (object.kind, name) {
            (_, "tostring") => Value::text(on.show()),
            (_, "gettype" | "equals") => return Ok(plain_method(on, name, given)),
            (_, "containskey" | "contains") if object.is_table() => Value::Bool(object.has(&first)),
            (_, "containsvalue") if object.is_table() => {
                let wanted = given.first().cloned().unwrap_or(Value::Null);
                let fields = object.fields();
                Value::Bool(fields.iter().any(|(_, v)| super::operators::equal(v, &wanted, true)))
            }
            (_, "add") if object.is_table() => {
                if object.has(&first) {
                    return fail(
                        "",
                        format!(
                            "Exception calling \"Add\" with \"2\" argument(s): \"Item has already been added. Key in dictionary: '{first}'  Key being added: '{first}'\""
                        ),
                    );
                }
                let value = given.get(1).cloned().unwrap_or(Value::Null);
                self.hold(on, &value)?;
                object.put(&first, value);
                Value::Null
            }
            (_, "remove") if object.is_table() => {
                object.remove(&first);
                Value::Null
            }
            (_, "clear") if object.is_table() => {
                object.change().clear();
                Value::Null
            }
            (_, "clone") if object.is_table() => object.copy(),
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
                Value::list(object.fields().iter().map(entry).collect())
            }
            ("WebClient", "downloadfile") => {
                let path = given.get(1).map(Value::show).unwrap_or_default();
                self.download("", &first, Some(&path))?;
                Value::Null
            }
            ("WebClient", "downloadstring") => Value::text(self.download("", &first, None)?),
            ("Encoding", "getstring") => {
                let all = bytes_of(given.first());
                let number = |at: usize| {
                    given.get(at).and_then(Value::as_int).and_then(|n| usize::try_from(n).ok())
                };
                let from = number(1).unwrap_or(0).min(all.len());
                let to =
                    number(2).map_or(all.len(), |count| from.saturating_add(count).min(all.len()));
                super::encodings::decoded(object, &all[from..to])
            }
            ("Encoding", "getbytes") => Value::bytes(super::encodings::to_bytes(object, &first)),
            ("Encoding", "getbytecount") => {
                Value::count(super::encodings::to_bytes(object, &first).len())
            }
            ("Key", "getvalue") => object.get(&first).unwrap_or(Value::Null),
            _ => return Ok(None),
        };
        Ok(Some(result))
    }
}

fn property(object: &Object, name: &str) -> Value {
    if let Some(value) = object.get(name) {
        return value;
    }
    match name {
        "keys" if object.is_table() => {
            Value::list(object.fields().iter().map(|(name, _)| Value::text(name)).collect())
        }
        "values" if object.is_table() => {
            Value::list(object.fields().iter().map(|(_, value)| value.clone()).collect())
        }
        "count" if object.is_table() => Value::count(object.fields().len()),
        "count" | "length" => Value::Int(1),
        "exception" if object.kind == "ErrorRecord" => {
            Value::of("Exception", vec![("Message", object.get("Message").unwrap_or(Value::Null))])
        }
        "psobject" => {
            let entry = |(name, value): &(Rc<str>, Value)| {
                Value::of(
                    "PSNoteProperty",
                    vec![("Name", Value::text(name)), ("Value", value.clone())],
                )
            };
            let properties = Value::list(object.fields().iter().map(entry).collect());
            Value::of("PSObject", vec![("Properties", properties)])
        }
        _ => Value::Null,
    }
}

pub(super) fn plain_method(value: &Value, name: &str, given: &[Value]) -> Option<Value> {
    let first = given.first();
    match (value, name) {
        (_, "tostring") => Some(match first {
            Some(how) => Value::text(super::convert::formatted(value, &how.show())),
            None => Value::text(value.show()),
        }),
        (_, "gettype") => Some(Value::Type(format!("System.{}", value.type_name()).into())),
        (_, "gethashcode") => Some(Value::Int(1)),
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
            list.items()
                .iter()
                .any(|item| super::operators::equal(item, first.unwrap_or(&Value::Null), true)),
        )),
        (Value::List(list), "indexof") => {
            let wanted = first?;
            let at =
                list.items().iter().position(|item| super::operators::equal(item, wanted, true));
            Some(at.map_or(Value::Int(-1), Value::count))
        }
        (Value::List(_), "getenumerator") => Some(value.clone()),
        (Value::List(_) | Value::Bytes(_), "getvalue") => {
            let at = first?.as_int().and_then(|at| usize::try_from(at).ok())?;
            value.items().get(at).cloned()
        }
        (Value::Bytes(bytes), "clone") => Some(Value::bytes(bytes.borrow().clone())),
        _ => None,
    }
}

/// The bytes of a list of numbers.
pub(super) fn bytes_of(value: Option<&Value>) -> Vec<u8> {
    if let Some(Value::Bytes(bytes)) = value {
        return bytes.borrow().clone();
    }
    let items = value.map(Value::items).unwrap_or_default();
    items.iter().filter_map(|item| item.as_int().and_then(|n| u8::try_from(n).ok())).collect()
}
