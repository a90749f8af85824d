//! The arguments of a method: a positional array, an object with names, or the query string.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::failure::Problem;
use crate::vendor::Call;

/// Arguments in the order of the method's parameters.
#[derive(Debug)]
pub(super) struct Arguments {
    names: &'static [&'static str],
    values: Vec<Value>,
}

impl Arguments {
    /// Reads the arguments of a call; 500 for a parameter that the method does not have.
    pub(super) fn read(call: &Call, names: &'static [&'static str]) -> Result<Self, Problem> {
        let body = std::str::from_utf8(&call.body).unwrap_or_default().trim();
        let body = body.trim_start_matches('\u{feff}');
        let mut values = vec![Value::Null; names.len()];
        if body.is_empty() {
            let pairs: Map<String, Value> = call
                .query
                .iter()
                .map(|(name, value)| (name.clone(), Value::String(value.clone())))
                .collect();
            place(pairs, names, &mut values)?;
            return Ok(Self { names, values });
        }
        let parsed: Value = serde_json::from_str(body).map_err(|_| {
            Problem::new(500, "SerializationException", "Invalid JSON in the request body")
        })?;
        match parsed {
            Value::Array(items) if items.len() > names.len() => {
                return Err(Problem::argument("Too many parameters"));
            }
            Value::Array(items) => {
                for (slot, item) in values.iter_mut().zip(items) {
                    *slot = item;
                }
            }
            Value::Object(map) => place(map, names, &mut values)?,
            _ => return Err(Problem::argument("Parameters must be an array or an object")),
        }
        Ok(Self { names, values })
    }

    /// How many arguments were given, counted up to the last that is not null.
    pub(super) fn given(&self) -> usize {
        self.values.iter().rposition(|value| !value.is_null()).map_or(0, |last| last + 1)
    }

    /// A text; 500 where it is missing.
    pub(super) fn text(&self, at: usize) -> Result<&str, Problem> {
        self.values.get(at).and_then(Value::as_str).ok_or_else(|| self.missing(at))
    }

    /// The value as it came.
    pub(super) fn value(&self, at: usize) -> &Value {
        self.values.get(at).unwrap_or(&Value::Null)
    }

    /// A session's id; 500 where it is missing or no GUID.
    pub(super) fn session(&self, at: usize) -> Result<Uuid, Problem> {
        Uuid::try_parse(self.text(at)?.trim()).map_err(|_| {
            let message = "Guid should contain 32 digits with 4 dashes \
                           (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx).";
            Problem::new(500, "FormatException", message)
        })
    }

    /// Texts; 500 where they are no array of texts. Null is an empty text.
    pub(super) fn texts(&self, at: usize) -> Result<Vec<String>, Problem> {
        let items = self.value(at).as_array().ok_or_else(|| self.missing(at))?;
        items
            .iter()
            .map(|item| match item {
                Value::String(text) => Ok(text.clone()),
                Value::Null => Ok(String::new()),
                _ => Err(self.missing(at)),
            })
            .collect()
    }

    fn missing(&self, at: usize) -> Problem {
        let name = self.names.get(at).copied().unwrap_or_default();
        let message = format!("Value cannot be null. Parameter name: {name}");
        Problem::new(500, "ArgumentNullException", &message)
    }
}

fn place(
    pairs: Map<String, Value>,
    names: &'static [&'static str],
    values: &mut [Value],
) -> Result<(), Problem> {
    for (name, value) in pairs {
        let at = names.iter().position(|known| known.eq_ignore_ascii_case(&name));
        match at.and_then(|at| values.get_mut(at)) {
            Some(slot) => *slot = value,
            None => return Err(Problem::argument(&format!("Unknown parameter: {name}"))),
        }
    }
    Ok(())
}
