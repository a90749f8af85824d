//! What is sent, compared with what its route takes; and the same as a schema.

use serde_json::{Map, Value, json};

use super::{Deed, Field};
use crate::asked::{Asked, is_unsafe};
use crate::problem::{Problem, shown};

/// The body, compared with what the route takes.
pub(crate) fn body(deed: &Deed, asked: &Asked) -> Result<Map<String, Value>, Problem> {
    if !is_unsafe(&asked.method) {
        return Ok(Map::new());
    }
    let body: Value = asked.json()?;
    let Value::Object(mut body) = body else {
        return Err(Problem::wrong("the body is no JSON object", "send an object"));
    };
    let names = || deed.body.iter().map(|field| field.name).collect::<Vec<_>>().join(", ");
    for (name, value) in &mut body {
        let Some(field) = deed.body.iter().find(|field| field.name == name) else {
            let takes = match deed.body {
                [] => "this path takes an empty object".to_owned(),
                _ => format!("this path takes {}", names()),
            };
            return Err(Problem::wrong(format!("there is no field `{}`", shown(name)), takes));
        };
        if field.kind == "integer" {
            make_whole(value);
        }
        let fits = match field.kind {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64(),
            "array" => value.as_array().is_some_and(|all| all.iter().all(Value::is_string)),
            _ => value.is_object(),
        };
        if !fits && !value.is_null() {
            let kind = if field.kind == "array" { "array of strings" } else { field.kind };
            let what = format!("`{name}` is no {kind}");
            return Err(Problem::wrong(what, field.about));
        }
        if let Some(word) = words(value).find(|word| !field.one_of.contains(word))
            && !field.one_of.is_empty()
        {
            let what = format!("`{name}` cannot be `{}`", shown(word));
            return Err(Problem::wrong(what, format!("it is {}", field.one_of.join(", "))));
        }
        within(field, value)?;
    }
    let missing = deed
        .body
        .iter()
        .find(|field| field.required && body.get(field.name).is_none_or(Value::is_null));
    match missing {
        Some(field) => Err(Problem::wrong(format!("`{}` is missing", field.name), field.about)),
        None => Ok(body.into_iter().filter(|(_, value)| !value.is_null()).collect()),
    }
}

/// A whole number may be written with a fraction of nothing: `58.0` is one to JSON Schema.
fn make_whole(value: &mut Value) {
    // Up to here each whole number is one that a double holds exactly.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(number) = value.as_f64().filter(|_| value.is_f64())
        && number.fract() == 0.0
        && (0.0..=EXACT).contains(&number)
    {
        *value = json!(number as u64);
    }
}

/// Refuses a text of another form, and a number out of its bounds.
fn within(field: &Field, value: &Value) -> Result<(), Problem> {
    let name = field.name;
    if let (Some(form), Some(text)) = (field.form, value.as_str())
        && !(form.fits)(text)
    {
        let what = format!("`{name}` cannot be `{}`", shown(text));
        return Err(Problem::wrong(what, format!("it fits {}", form.pattern)));
    }
    let (least, greatest) = field.bounds;
    match value.as_u64() {
        Some(number) if !(least..=greatest).contains(&number) => {
            let what = format!("`{name}` is {number}");
            Err(Problem::wrong(what, format!("give a number from {least} to {greatest}")))
        }
        _ => Ok(()),
    }
}

/// The words of a text or of a list of texts.
fn words(value: &Value) -> impl Iterator<Item = &str> {
    let listed = value.as_array().into_iter().flatten();
    value.as_str().into_iter().chain(listed.filter_map(Value::as_str))
}

/// The schema of a route's body.
pub(crate) fn schema(deed: &Deed) -> Value {
    let property = |field: &Field| {
        let mut text = json!({ "type": "string" });
        if !field.one_of.is_empty() {
            text["enum"] = json!(field.one_of);
        }
        if field.shortest > 0 {
            text["minLength"] = json!(field.shortest);
        }
        if let Some(form) = field.form {
            text["pattern"] = json!(form.pattern);
        }
        let mut schema = match field.kind {
            "string" => text,
            "array" => json!({ "type": "array", "items": text }),
            // Numbers that are given are counts.
            "integer" => match field.bounds {
                (least, u64::MAX) => json!({ "type": "integer", "minimum": least }),
                (least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
            },
            kind => json!({ "type": kind }),
        };
        // What may be left out may be null.
        if !field.required {
            schema = json!({ "anyOf": [schema, { "type": "null" }] });
        }
        schema["description"] = json!(field.about);
        (field.name.to_owned(), schema)
    };
    let required = deed.body.iter().filter(|field| field.required).map(|field| field.name);
    json!({
        "type": "object",
        "properties": deed.body.iter().map(property).collect::<Map<_, _>>(),
        "required": required.collect::<Vec<_>>(),
        "additionalProperties": false,
    })
}
