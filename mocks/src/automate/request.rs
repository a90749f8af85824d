//! One call, with its path cut into segments and its list options read.

use serde_json::Value;

use super::problem::Problem;
use super::query::Options;
use crate::vendor::Call;

/// A call below `/cwa/api/v1` or `/cwa/api/v2`.
pub(super) struct Request<'a> {
    pub(super) call: &'a Call,
    /// Upper case.
    pub(super) method: String,
    /// 1 or 2.
    pub(super) version: u8,
    segments: Vec<String>,
    pub(super) options: Options,
}

impl<'a> Request<'a> {
    /// Reads path and query; 404 outside of the API.
    pub(super) fn new(call: &'a Call) -> Result<Self, Problem> {
        let segments = segments(&call.path).ok_or_else(Problem::no_resource)?;
        let version = if call.path.to_ascii_lowercase().contains("/api/v2") { 2 } else { 1 };
        let method = call.method.to_ascii_uppercase();
        Ok(Self { call, method, version, segments, options: Options::read(&call.query)? })
    }

    /// The segments below the version, in lower case.
    pub(super) fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The body as JSON; 400 where it is none.
    pub(super) fn json(&self) -> Result<Value, Problem> {
        serde_json::from_slice(&self.call.body)
            .map_err(|error| Problem::bad(format!("The request is invalid. {error}")))
    }
}

/// The segments below `/cwa/api/v1` and `/cwa/api/v2` in lower case; none for other paths.
pub(super) fn segments(path: &str) -> Option<Vec<String>> {
    let mut parts = path.split('/').filter(|part| !part.is_empty()).map(str::to_ascii_lowercase);
    let prefix = [parts.next()?, parts.next()?, parts.next()?];
    (prefix[0] == "cwa" && prefix[1] == "api" && (prefix[2] == "v1" || prefix[2] == "v2"))
        .then(|| parts.collect())
}

/// An id in a path.
pub(super) fn id(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::bad(format!("The value '{text}' is not a valid id.")))
}

/// A member of a JSON object, its name compared without regard to case.
pub(super) fn member<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    value.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v)
}

/// An id that clients send as a number or as a string.
pub(super) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}
