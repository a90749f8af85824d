//! How Halo writes things: objects without nulls, zone-less instants, its five kinds of error.
//!
//! Nothing here knows an entity. What Halo prints and no caller may rely on (a fixed number of
//! fraction digits, a zone, a body under a 404) is kept unreliable on purpose.

use chrono::{DateTime, NaiveDate, NaiveDateTime, Timelike as _, Utc};
use serde_json::{Map, Value, json};

use crate::vendor::Reply;

/// The object of an entity under construction. Null is left out: Halo never sends it.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Without any property.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// With one more property; null is left out.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.set(name, value);
        self
    }

    /// With one more property where there is a value.
    pub(super) fn maybe<T: Into<Value>>(self, name: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Sets a property; null takes it away.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        match value.into() {
            Value::Null => drop(self.0.remove(name)),
            value => drop(self.0.insert(name.to_owned(), value)),
        }
    }

    /// One property.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// As JSON.
    pub(super) fn json(self) -> Value {
        Value::Object(self.0)
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        fields.json()
    }
}

/// An instant as Halo prints it: no zone, and between none and seven fraction digits, cut and not
/// rounded, so that a printed stamp never lies after the change it stands for.
pub(super) fn stamp(at: DateTime<Utc>, salt: i64) -> String {
    let digits = usize::try_from((salt + at.timestamp()).rem_euclid(8)).unwrap_or(0);
    let whole = at.format("%Y-%m-%dT%H:%M:%S").to_string();
    if digits == 0 {
        return whole;
    }
    let ticks = format!("{:07}", (at.nanosecond() % 1_000_000_000) / 100);
    format!("{whole}.{}", ticks.get(..digits).unwrap_or(&ticks))
}

/// A day as Halo prints it: a timestamp at midnight.
pub(super) fn day(day: NaiveDate) -> String {
    day.format("%Y-%m-%dT00:00:00").to_string()
}

/// A stored "no date" as Halo prints it.
pub(super) fn sentinel(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Reads an instant: with or without zone, with or without a time of day.
pub(super) fn instant(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    // An unescaped plus sign of an offset arrives as a space.
    let zoned = text.rfind(' ').filter(|at| *at > 10).map(|at| {
        let (head, tail) = text.split_at(at);
        format!("{head}+{}", tail.trim_start())
    });
    for candidate in [Some(text.to_owned()), zoned].into_iter().flatten() {
        if let Ok(at) = DateTime::parse_from_rfc3339(&candidate) {
            return Some(at.naive_utc());
        }
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))
}

/// 400 of model binding: the value of a query or route parameter cannot be read.
pub(super) fn not_valid(name: &str, value: &str) -> Reply {
    model_state(name, &format!("The value '{value}' is not valid."))
}

/// 400 of model binding, the bare dictionary without a wrapper.
pub(super) fn model_state(name: &str, message: &str) -> Reply {
    Reply::json(400, &json!({ name: [message] }))
}

/// 400 with a serialised .NET exception. This is the one place where Halo prints nulls.
pub(super) fn exception(message: &str) -> Reply {
    Reply::json(
        400,
        &json!({
            "ClassName": "System.Exception",
            "Message": message,
            "Data": null,
            "InnerException": null,
            "HelpURL": null,
            "StackTraceString": null,
            "RemoteStackTraceString": null,
            "RemoteStackIndex": 0,
            "ExceptionMethod": null,
            "HResult": -2_146_233_088_i64,
            "Source": null,
            "WatsonBuckets": null,
        }),
    )
}

/// 400 with a bare JSON string.
pub(super) fn sentence(message: &str) -> Reply {
    Reply::json(400, &Value::from(message))
}

/// 429 with the text Halo sends.
pub(super) fn too_many(limit: u32) -> Reply {
    Reply::text(429, &format!("Rate Limit Reached - {limit} Requests per rolling 5 minute window"))
}

/// What the gateway in front of Halo answers while nothing is behind it.
pub(super) fn gateway() -> Reply {
    html(
        503,
        "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n\
         <center><h1>503 Service Temporarily Unavailable</h1></center>\r\n</body>\r\n</html>\r\n",
    )
}

/// A page for people where a program expected data.
pub(super) fn html(status: u16, page: &str) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
        body: page.as_bytes().to_vec(),
    }
}
