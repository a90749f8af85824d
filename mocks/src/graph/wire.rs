//! How an answer of Microsoft Graph looks on the wire: property values, pages, headers and errors.
//!
//! Rows are written straight into a byte buffer: a listing of two hundred thousand users must not
//! build as many JSON trees first.

use std::borrow::Cow;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use uuid::Uuid;

use crate::vendor::{Call, Reply};

/// The content type of every JSON answer of Graph.
pub(super) const JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;\
     IEEE754Compatible=false;charset=utf-8";

/// The value of one property.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// Not set.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// A GUID, lower case with dashes.
    Id(Uuid),
    /// An instant, to the second.
    Time(DateTime<Utc>),
    /// A list of texts.
    List(Vec<Cow<'a, str>>),
    /// Anything else.
    Json(serde_json::Value),
}

impl<'a> Value<'a> {
    /// Text borrowed from the world.
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Text that may be absent.
    pub(super) fn maybe(text: Option<&'a String>) -> Self {
        text.map_or(Self::Null, |t| Self::text(t))
    }

    /// Text made for this answer.
    pub(super) fn owned(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }

    /// Whether nothing was ever put there (null or an empty list).
    pub(super) fn is_unset(&self) -> bool {
        match self {
            Self::Null => true,
            Self::List(items) => items.is_empty(),
            Self::Json(value) => value.as_array().is_some_and(Vec::is_empty) || value.is_null(),
            _ => false,
        }
    }

    /// Appends it as JSON.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Int(n) => out.extend_from_slice(n.to_string().as_bytes()),
            Self::Text(text) => write_text(text, out),
            Self::Id(id) => {
                let mut buffer = [0_u8; uuid::fmt::Hyphenated::LENGTH];
                out.push(b'"');
                out.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
                out.push(b'"');
            }
            Self::Time(at) => write_text(&instant(*at), out),
            Self::List(items) => {
                out.push(b'[');
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        out.push(b',');
                    }
                    write_text(item, out);
                }
                out.push(b']');
            }
            Self::Json(value) => out.extend_from_slice(value.to_string().as_bytes()),
        }
    }

    /// The same as a JSON tree, for filters.
    pub(super) fn tree(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(b) => json!(b),
            Self::Int(n) => json!(n),
            Self::Text(text) => json!(text),
            Self::Id(id) => json!(id),
            Self::Time(at) => json!(instant(*at)),
            Self::List(items) => json!(items),
            Self::Json(value) => value.clone(),
        }
    }
}

/// An instant as Graph prints it.
pub(super) fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// Appends a JSON string.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    let plain = |b: &u8| *b >= 0x20 && *b != b'"' && *b != b'\\';
    if text.as_bytes().iter().all(plain) {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

/// The rows of one page, as they are written.
#[derive(Debug, Default)]
pub(super) struct Rows {
    bytes: Vec<u8>,
    count: usize,
}

impl Rows {
    /// How many rows there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Adds a row; the closure writes its members.
    pub(super) fn row(&mut self, write: impl FnOnce(&mut Object<'_>)) {
        if self.count > 0 {
            self.bytes.push(b',');
        }
        self.count += 1;
        self.bytes.push(b'{');
        let mut object = Object { out: &mut self.bytes, first: true };
        write(&mut object);
        self.bytes.push(b'}');
    }

    /// Adds a row that is a JSON tree already.
    pub(super) fn tree(&mut self, value: &serde_json::Value) {
        if self.count > 0 {
            self.bytes.push(b',');
        }
        self.count += 1;
        self.bytes.extend_from_slice(value.to_string().as_bytes());
    }
}

/// A JSON object that is being written.
#[derive(Debug)]
pub(super) struct Object<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl Object<'_> {
    /// Writes one member. The name is one of ours and needs no escaping.
    pub(super) fn member(&mut self, name: &str, value: &Value<'_>) {
        value.write(self.name(name));
    }

    /// Writes the name of a member whose value the caller writes.
    pub(super) fn name(&mut self, name: &str) -> &mut Vec<u8> {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }
}

/// A page with its annotations.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// `@odata.context`, absolute.
    pub(super) context: String,
    /// `@odata.count`, on the first page where it was asked for.
    pub(super) count: Option<usize>,
    /// `@odata.nextLink`.
    pub(super) next: Option<String>,
    /// `@odata.deltaLink`.
    pub(super) delta: Option<String>,
    /// The rows.
    pub(super) rows: Rows,
}

impl Page {
    /// The answer that carries it.
    pub(super) fn reply(self) -> Reply {
        let mut body = Vec::with_capacity(self.rows.bytes.len() + 1024);
        body.push(b'{');
        let mut object = Object { out: &mut body, first: true };
        object.member("@odata.context", &Value::text(&self.context));
        if let Some(count) = self.count {
            object.member("@odata.count", &Value::Int(i64::try_from(count).unwrap_or(i64::MAX)));
        }
        if let Some(next) = &self.next {
            object.member("@odata.nextLink", &Value::text(next));
        }
        if let Some(delta) = &self.delta {
            object.member("@odata.deltaLink", &Value::text(delta));
        }
        let out = object.name("value");
        out.push(b'[');
        out.extend_from_slice(&self.rows.bytes);
        out.extend_from_slice(b"]}");
        Reply { status: 200, headers: vec![("content-type".into(), JSON.into())], body }
    }
}

/// An answer of one object.
pub(super) fn object(write: impl FnOnce(&mut Object<'_>)) -> Reply {
    let mut body = vec![b'{'];
    let mut object = Object { out: &mut body, first: true };
    write(&mut object);
    body.push(b'}');
    Reply { status: 200, headers: vec![("content-type".into(), JSON.into())], body }
}

/// An answer of a JSON tree.
pub(super) fn tree(status: u16, value: &serde_json::Value) -> Reply {
    Reply {
        status,
        headers: vec![("content-type".into(), JSON.into())],
        body: value.to_string().into_bytes(),
    }
}

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// HTTP status.
    pub(super) status: u16,
    /// `error.code`.
    pub(super) code: &'static str,
    /// `error.message`.
    pub(super) message: String,
    /// Headers that go with it.
    pub(super) headers: Vec<(String, String)>,
}

impl Problem {
    /// A problem without headers.
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), headers: Vec::new() }
    }

    /// 400 `Request_BadRequest`.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "Request_BadRequest", message)
    }

    /// 400 `Request_UnsupportedQuery`.
    pub(super) fn unsupported(message: impl Into<String>) -> Self {
        Self::new(400, "Request_UnsupportedQuery", message)
    }

    /// 403 `Authorization_RequestDenied`.
    pub(super) fn denied() -> Self {
        let message = "Insufficient privileges to complete the operation.";
        Self::new(403, "Authorization_RequestDenied", message)
    }

    /// 404 `Request_ResourceNotFound`.
    pub(super) fn missing(what: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{what}' does not exist or one of its queried reference-property objects \
                 are not present."
            ),
        )
    }

    /// 405.
    pub(super) fn method() -> Self {
        Self::new(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    }

    /// 400 `syncStateNotFound`: the delta token is too old.
    pub(super) fn sync_state_not_found() -> Self {
        Self::new(
            400,
            "syncStateNotFound",
            "The sync state generation is not found. The delta token is expired and data must be \
             synchronized again.",
        )
    }

    /// The same with one more header.
    pub(super) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// `{"error": ...}`.
    pub(super) fn body(&self, call: &Call, request_id: Uuid) -> serde_json::Value {
        let client =
            call.header("client-request-id").map_or_else(|| request_id.to_string(), Into::into);
        let mut inner = json!({
            "date": Utc::now().format("%Y-%m-%dT%H:%M:%S").to_string(),
            "request-id": request_id,
            "client-request-id": client,
        });
        if self.status == 429 {
            inner["code"] = json!("429");
            inner["message"] = json!("Please retry after");
            inner["status"] = json!("429");
        }
        json!({"error": {"code": self.code, "message": self.message, "innerError": inner}})
    }

    /// The answer that carries it.
    pub(super) fn reply(self, call: &Call) -> Reply {
        let request_id = Uuid::new_v4();
        let mut reply = tree(self.status, &self.body(call, request_id));
        reply.headers.push(("request-id".into(), request_id.to_string()));
        reply.headers.extend(self.headers);
        reply
    }
}

/// Adds the headers that every answer of Graph carries.
pub(super) fn dress(mut reply: Reply, call: &Call, units: u32) -> Reply {
    let has = |reply: &Reply, name: &str| reply.headers.iter().any(|(n, _)| n == name);
    if !has(&reply, "request-id") {
        reply.headers.push(("request-id".into(), Uuid::new_v4().to_string()));
    }
    let request = reply.headers.iter().find(|(n, _)| n == "request-id").map(|(_, v)| v.clone());
    let client = call.header("client-request-id").map(Into::into).or(request);
    reply.headers.push(("client-request-id".into(), client.unwrap_or_default()));
    reply.headers.push(("odata-version".into(), "4.0".into()));
    reply.headers.push(("x-ms-resource-unit".into(), units.to_string()));
    reply.headers.push((
        "x-ms-ags-diagnostic".into(),
        "{\"ServerInfo\":{\"DataCenter\":\"West Europe\",\"Slice\":\"E\",\"Ring\":\"5\",\
         \"ScaleUnit\":\"001\",\"RoleInstance\":\"AM1PEPF00000001\"}}"
            .into(),
    ));
    reply
}

/// Percent-encodes a query value as Graph does in its links.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b','
            | b'$'
            | b'('
            | b')'
            | b'*'
            | b'/'
            | b':'
            | b'@' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
