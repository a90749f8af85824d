//! What was posted: an array of objects, read as strictly as Halo reads it.
//!
//! Whole numbers may come as text (`"3"`), but neither `"95.0"` nor `95.0` is one. A bare object in
//! place of the array is refused.

use chrono::NaiveDateTime;
use serde_json::{Map, Value};

use super::{query, wire};
use crate::vendor::{Call, Reply};

/// One element of the array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    /// Its properties.
    pub(super) map: &'a Map<String, Value>,
    index: usize,
    body: &'a str,
}

/// A posted body.
#[derive(Debug)]
pub(super) struct Body {
    text: String,
    elements: Vec<Map<String, Value>>,
}

impl Body {
    /// Reads an array of objects.
    pub(super) fn of(call: &Call) -> Result<Self, Reply> {
        let (text, value) = json(call)?;
        let Value::Array(rows) = value else {
            let why = "Cannot deserialize the current JSON object because the type requires a \
                       JSON array (e.g. [1,2,3]) to deserialize correctly.";
            return Err(wire::model_state("", why));
        };
        let elements: Result<Vec<_>, Reply> = rows
            .into_iter()
            .enumerate()
            .map(|(at, row)| match row {
                Value::Object(map) => Ok(map),
                other => {
                    let why = format!("Error converting value {other}. Path '[{at}]'.");
                    Err(wire::model_state(&format!("[{at}]"), &why))
                }
            })
            .collect();
        Ok(Self { text, elements: elements? })
    }

    /// Reads one bare object (`/Tickets/Object`).
    pub(super) fn object(call: &Call) -> Result<Self, Reply> {
        match json(call)? {
            (text, Value::Object(map)) => Ok(Self { text, elements: vec![map] }),
            _ => Err(wire::model_state("", "An object was expected.")),
        }
    }

    /// The elements.
    pub(super) fn elements(&self) -> Vec<Element<'_>> {
        let body = self.text.as_str();
        let each = self.elements.iter().enumerate();
        each.map(|(index, map)| Element { map, index, body }).collect()
    }
}

impl<'a> Element<'a> {
    /// An element that is part of this one.
    pub(super) fn part(self, map: &'a Map<String, Value>) -> Element<'a> {
        Element { map, ..self }
    }

    /// The raw property; null counts as absent.
    pub(super) fn raw(self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|v| !v.is_null())
    }

    /// Whether the property was posted, null included.
    pub(super) fn has(self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// A whole number.
    pub(super) fn int(self, name: &str) -> Result<Option<i64>, Reply> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        match value {
            Value::Number(number) if number.is_i64() => Ok(number.as_i64()),
            Value::String(text) if text.trim().is_empty() => Ok(None),
            Value::String(text) => {
                text.trim().parse().map(Some).map_err(|_| self.refused(name, "integer", text))
            }
            other => Err(self.refused(name, "integer", &other.to_string())),
        }
    }

    /// A number; ids that Halo types as doubles (`site_id` of users) come here too.
    pub(super) fn number(self, name: &str) -> Result<Option<f64>, Reply> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        match value {
            Value::Number(number) => Ok(number.as_f64()),
            Value::String(text) if text.trim().is_empty() => Ok(None),
            Value::String(text) => {
                text.trim().parse().map(Some).map_err(|_| self.refused(name, "double", text))
            }
            other => Err(self.refused(name, "double", &other.to_string())),
        }
    }

    /// An id that is typed as a double.
    pub(super) fn double_id(self, name: &str) -> Result<Option<i64>, Reply> {
        #[expect(clippy::cast_possible_truncation, reason = "ids are far below 2^52")]
        Ok(self.number(name)?.map(|n| n as i64))
    }

    /// A text; null is the empty text.
    pub(super) fn text(self, name: &str) -> Option<String> {
        self.map.get(name).map(query::plain)
    }

    /// A text that may be taken away: null and the empty text do so.
    pub(super) fn optional(self, name: &str) -> Option<Option<String>> {
        self.text(name).map(|text| Some(text).filter(|t| !t.trim().is_empty()))
    }

    /// True or false.
    pub(super) fn flag(self, name: &str) -> Option<bool> {
        match self.raw(name)? {
            Value::Bool(is) => Some(*is),
            Value::Number(number) => number.as_i64().map(|n| n != 0),
            Value::String(text) => Some(text.eq_ignore_ascii_case("true")),
            _ => None,
        }
    }

    /// A date: `None` where none was posted, `Some(None)` where it was taken away (null or one of
    /// the years that mean "unset").
    pub(super) fn date(self, name: &str) -> Result<Option<Option<NaiveDateTime>>, Reply> {
        use chrono::Datelike as _;
        let Some(text) = self.optional(name) else { return Ok(None) };
        let Some(text) = text else { return Ok(Some(None)) };
        let at = wire::instant(&text).ok_or_else(|| self.refused(name, "DateTime", &text))?;
        Ok(Some(Some(at).filter(|at| at.year() > 1901)))
    }

    /// The ids of an array of `{id}`, where one was posted.
    pub(super) fn ids(self, name: &str) -> Result<Option<Vec<i64>>, Reply> {
        let Some(rows) = self.parts(name) else { return Ok(None) };
        let ids: Result<Vec<Option<i64>>, Reply> = rows.into_iter().map(|r| r.int("id")).collect();
        Ok(Some(ids?.into_iter().flatten().collect()))
    }

    /// The objects of an array, where one was posted.
    pub(super) fn parts(self, name: &str) -> Option<Vec<Element<'a>>> {
        let rows = self.raw(name)?.as_array()?;
        Some(rows.iter().filter_map(Value::as_object).map(|map| self.part(map)).collect())
    }

    /// Checks that the named properties are whole numbers, before anything is saved.
    pub(super) fn check(self, ints: &[&str]) -> Result<(), Reply> {
        ints.iter().try_for_each(|name| self.int(name).map(drop))
    }

    fn refused(self, name: &str, kind: &str, value: &str) -> Reply {
        let path = format!("[{}].{name}", self.index);
        let at = self.body.find(value).map_or(0, |at| at + value.len());
        let why = format!(
            "Could not convert string to {kind}: {value}. Path '{path}', line 1, position {at}."
        );
        wire::model_state(&path, &why)
    }
}

fn json(call: &Call) -> Result<(String, Value), Reply> {
    let kind = call.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let known = matches!(kind, "application/json" | "text/json" | "application/json-patch+json")
        || (kind.starts_with("application/") && kind.ends_with("+json"));
    if !known {
        return Err(Reply::empty(415));
    }
    let text = String::from_utf8_lossy(&call.body).trim_start_matches('\u{feff}').to_owned();
    if text.trim().is_empty() {
        return Err(wire::model_state("", "A non-empty request body is required."));
    }
    let value = serde_json::from_str(&text)
        .map_err(|error| wire::model_state("", &format!("Unexpected JSON: {error}.")))?;
    Ok((text, value))
}
