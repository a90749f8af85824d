//! Reports: many sessions, connections or events in one call, as `{"FieldNames","Items"}`.
//!
//! `Session`, `SessionConnection` and `SessionEvent` (and `SessionConnectionEvent`, by which older
//! clients ask) can be selected, filtered, grouped and counted.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use serde_json::{Value, json};

use super::failure::Problem;
use super::fields::{self, Field};
use super::filter::{self, Filter};
use super::session::moment;
use super::view::View;
use crate::vendor::Call;
use crate::world::{ControlEvent, World};

/// What was asked for.
#[derive(Debug, Default)]
pub(super) struct Request {
    kind: String,
    groups: Vec<String>,
    select: Vec<String>,
    filter: String,
    limit: usize,
}

impl Request {
    /// `/Report.json?ReportType=...&SelectFields=...`.
    pub(super) fn from_query(query: &[(String, String)]) -> Self {
        let mut request = Self { limit: usize::MAX, ..Self::default() };
        for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
            match name.to_ascii_lowercase().as_str() {
                "reporttype" => request.kind.clone_from(value),
                "groupfields" => request.groups.push(value.clone()),
                "selectfields" => request.select.push(value.clone()),
                "filter" => request.filter.clone_from(value),
                "itemlimit" => request.limit = value.parse().unwrap_or(usize::MAX),
                _ => {}
            }
        }
        request
    }

    /// `[type, groups, fields, filter, aggregate filter, limit]`; none for an empty body.
    pub(super) fn from_body(body: &[u8]) -> Result<Option<Self>, Problem> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let items: Vec<Value> = serde_json::from_slice(body).map_err(|_| {
            Problem::new(500, "SerializationException", "Invalid JSON in the request body")
        })?;
        let text = |at: usize| items.get(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let limit = items.get(5).and_then(Value::as_u64);
        Ok((!items.is_empty()).then(|| Self {
            kind: text(0),
            groups: names(items.get(1)),
            select: names(items.get(2)),
            filter: text(3),
            limit: limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX),
        }))
    }
}

/// 401 unless the call carries the secret: as `CTRLAuthHeader`, as the password of a Basic
/// login, or as the key of a `CWAIKToken` of the last, this or the next ten minutes.
pub(super) fn check_access(call: &Call, secret: &str) -> Result<(), Problem> {
    let by_header = call.header("ctrlauthheader") == Some(secret);
    let by_login = call
        .header("authorization")
        .and_then(|value| value.strip_prefix("Basic "))
        .and_then(|value| STANDARD.decode(value.trim()).ok())
        .and_then(|login| String::from_utf8(login).ok())
        .is_some_and(|login| login.split_once(':').is_some_and(|(_, word)| word == secret));
    let by_token = call.header("cwaiktoken").is_some_and(|token| is_token(token, secret));
    if by_header || by_login || by_token { Ok(()) } else { Err(Problem::unauthorized()) }
}

/// The catalogue that an empty body asks for.
pub(super) fn variables() -> Value {
    let names: Vec<&str> = fields::names().collect();
    json!([
        { "ReportType": "Session", "GroupType": "Session", "FieldNames": names },
        { "ReportType": "SessionConnection", "GroupType": "Session" },
        { "ReportType": "SessionEvent", "GroupType": "Session" },
        { "ReportType": "SessionConnectionEvent", "GroupType": "Session" },
    ])
}

/// Makes the report.
pub(super) fn generate(world: &World, request: &Request) -> Result<Value, Problem> {
    let kind = Kind::read(&request.kind)?;
    let filter = match request.filter.trim() {
        "" => None,
        text => Some(
            filter::parse(text, &|name| kind.column(name)).map_err(|message| broken(&message))?,
        ),
    };
    let column = |name: &String| {
        kind.column(name).ok_or_else(|| broken(&format!("Unknown variable: {name}")))
    };
    let groups: Vec<Column> = request.groups.iter().map(column).collect::<Result<_, _>>()?;
    let select: Vec<(Measure, Column)> =
        request.select.iter().map(|name| measure(kind, name)).collect::<Result<_, _>>()?;
    let mut table =
        Table { groups: &groups, select: &select, rows: Vec::new(), at: HashMap::new() };
    let now = world.now();
    for session in world.control.sessions.iter().filter(|row| row.mark.gone.is_none()) {
        let view = View::new(world, session, now);
        kind.each(&view, &mut |record| {
            if table.rows.len() < request.limit && meets(filter.as_ref(), record) {
                table.take(record);
            }
        });
    }
    let names: Vec<&String> = request.groups.iter().chain(&request.select).collect();
    let items: Vec<Value> =
        table.rows.iter().map(|row| Value::Array(row.iter().map(written).collect())).collect();
    Ok(json!({ "FieldNames": names, "Items": items }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Session,
    Connection,
    Event,
}

/// What a column reads.
#[derive(Clone, Copy, Debug)]
enum Column {
    Session(fields::Getter),
    ProcessType,
    ConnectedTime,
    DisconnectedTime,
    EventType,
    EventTime,
    EventData,
    EventHost,
    One,
}

/// How the rows of a group become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Value,
    Count,
    Last,
    First,
}

struct Record<'a, 'w> {
    view: &'a View<'w>,
    event: Option<Shown<'a>>,
}

/// An event, or the connecting and disconnecting that the world holds as times only.
#[derive(Clone, Copy)]
struct Shown<'a> {
    kind: u16,
    at: DateTime<Utc>,
    data: &'a str,
    host: &'a str,
}

impl Kind {
    fn read(name: &str) -> Result<Self, Problem> {
        match name.to_ascii_lowercase().as_str() {
            "session" => Ok(Self::Session),
            "sessionconnection" => Ok(Self::Connection),
            "sessionevent" | "sessionconnectionevent" => Ok(Self::Event),
            _ => Err(Problem::argument(&format!("Unknown report type: {name}"))),
        }
    }

    fn column(self, name: &str) -> Option<Column> {
        let lower = name.to_ascii_lowercase();
        let own = match (self, lower.as_str()) {
            (Self::Connection, "processtype") | (Self::Event, "sessionconnectionprocesstype") => {
                Column::ProcessType
            }
            (Self::Connection, "connectedtime") => Column::ConnectedTime,
            (Self::Connection, "disconnectedtime") => Column::DisconnectedTime,
            (Self::Event, "eventtype") => Column::EventType,
            (Self::Event, "time") => Column::EventTime,
            (Self::Event, "data") => Column::EventData,
            (Self::Event, "host") => Column::EventHost,
            (_, "count") => Column::One,
            // Fields of the session carry its name in front in the reports below it.
            _ => {
                let plain = fields::getter(&lower);
                let inner = lower.strip_prefix("session").and_then(fields::getter);
                return plain.or(inner).map(Column::Session);
            }
        };
        Some(own)
    }

    fn each(self, view: &View<'_>, take: &mut dyn FnMut(&Record<'_, '_>)) {
        match self {
            Self::Session => take(&Record { view, event: None }),
            Self::Connection if view.session.machine.is_some() => {
                take(&Record { view, event: None });
            }
            Self::Connection => {}
            Self::Event => {
                let times = [(10, view.guest_connected()), (11, view.guest_disconnected())];
                for (kind, at) in times.into_iter().filter_map(|(k, at)| at.map(|at| (k, at))) {
                    take(&Record { view, event: Some(Shown { kind, at, data: "", host: "" }) });
                }
                for event in &view.session.events {
                    take(&Record { view, event: Some(Shown::from(event)) });
                }
            }
        }
    }
}

impl<'a> From<&'a ControlEvent> for Shown<'a> {
    fn from(event: &'a ControlEvent) -> Self {
        Self { kind: event.kind, at: event.at, data: &event.data, host: &event.host }
    }
}

impl Column {
    fn of(self, record: &Record<'_, '_>) -> Field {
        let view = record.view;
        let text = |text: &str| Field::Text(text.to_owned());
        let event = |read: &dyn Fn(&Shown<'_>) -> Field| {
            record.event.as_ref().map_or_else(|| text(""), read)
        };
        match self {
            Self::Session(getter) => getter(view),
            Self::ProcessType => text("Guest"),
            Self::ConnectedTime => Field::Time(view.guest_connected()),
            Self::DisconnectedTime if view.online() => Field::Time(None),
            Self::DisconnectedTime => Field::Time(view.guest_disconnected()),
            Self::EventType => event(&|shown| text(event_name(shown.kind))),
            Self::EventTime => event(&|shown| Field::Time(Some(shown.at))),
            Self::EventData => event(&|shown| text(shown.data)),
            Self::EventHost => event(&|shown| text(shown.host)),
            Self::One => Field::Number(1.0),
        }
    }
}

/// The rows, one per group; one per record where nothing is grouped.
struct Table<'q> {
    groups: &'q [Column],
    select: &'q [(Measure, Column)],
    rows: Vec<Vec<Field>>,
    at: HashMap<String, usize>,
}

impl Table<'_> {
    fn take(&mut self, record: &Record<'_, '_>) {
        let mut row: Vec<Field> = self.groups.iter().map(|column| column.of(record)).collect();
        let key = (!self.groups.is_empty()).then(|| format!("{row:?}"));
        let known = key.as_ref().and_then(|key| self.at.get(key)).copied();
        let measured = self.select.iter().map(|(_, column)| column.of(record));
        let Some(known) = known.and_then(|at| self.rows.get_mut(at)) else {
            row.extend(measured);
            if let Some(key) = key {
                self.at.insert(key, self.rows.len());
            }
            self.rows.push(row);
            return;
        };
        let old = known.iter_mut().skip(self.groups.len());
        for ((old, new), (measure, _)) in old.zip(measured).zip(self.select) {
            match (measure, &old, &new) {
                (Measure::Count, Field::Number(a), Field::Number(b)) => *old = Field::Number(a + b),
                (Measure::Last, Field::Time(a), Field::Time(b)) if b > a => *old = new,
                (Measure::First, Field::Time(a), Field::Time(b)) if b < a => *old = new,
                _ => {}
            }
        }
    }
}

/// `Count`, `LastTime`, `FirstConnectedTime` or a plain field.
fn measure(kind: Kind, name: &str) -> Result<(Measure, Column), Problem> {
    if name.eq_ignore_ascii_case("count") {
        return Ok((Measure::Count, Column::One));
    }
    if let Some(column) = kind.column(name) {
        return Ok((Measure::Value, column));
    }
    let lower = name.to_ascii_lowercase();
    let parts = [(Measure::Last, "last"), (Measure::First, "first")];
    parts
        .iter()
        .find_map(|(measure, prefix)| Some((*measure, kind.column(lower.strip_prefix(prefix)?)?)))
        .ok_or_else(|| broken(&format!("Unknown variable: {name}")))
}

fn meets(filter: Option<&Filter<Column>>, record: &Record<'_, '_>) -> bool {
    filter.is_none_or(|filter| filter.holds(&|column| column.of(record)))
}

fn written(field: &Field) -> Value {
    match field {
        Field::Text(text) => json!(text),
        Field::Number(number) => json!(*number as i64),
        Field::Flag(flag) => json!(flag),
        Field::Time(None) => Value::Null,
        Field::Time(at) => json!(moment(*at)),
    }
}

fn names(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Array(items)) => {
            items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(Value::String(name)) if !name.is_empty() => vec![name.clone()],
        _ => Vec::new(),
    }
}

fn broken(message: &str) -> Problem {
    Problem::new(500, "ExpressionException", message)
}

fn event_name(kind: u16) -> &'static str {
    match kind {
        10 => "Connected",
        11 => "Disconnected",
        20 => "CreatedSession",
        21 => "EndedSession",
        32 => "AddedNote",
        44 => "QueuedCommand",
        45 => "QueuedMessage",
        47 => "QueuedTool",
        60 => "ModifiedName",
        64 => "ModifiedCustomProperty",
        70 => "RanCommand",
        71 => "SentMessage",
        _ => "Other",
    }
}

/// Base64 of the HMAC-SHA256 of the running ten minutes (big-endian), keyed with the secret. One
/// step off is right too: a common client rounds where it should cut.
fn is_token(token: &str, secret: &str) -> bool {
    let key = STANDARD.decode(secret).unwrap_or_else(|_| secret.as_bytes().to_vec());
    let Ok(given) = STANDARD.decode(token.trim()) else {
        return false;
    };
    let step = Utc::now().timestamp() / 600;
    (step - 1..=step + 1).any(|step| {
        Hmac::<sha2::Sha256>::new_from_slice(&key).is_ok_and(|mut mac| {
            mac.update(&step.to_be_bytes());
            mac.verify_slice(&given).is_ok()
        })
    })
}
