//! When the daemon does what: the tables of the settings, and the plan that they make.

use chrono_tz::{TZ_VARIANTS, Tz};
use core_connector::{Kind, Registry};
use core_daemon::{Entry, Work};
use core_schedule::{Pattern, Schedule};
use core_toml::{Node, choices, nearest};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Deserialize;
use serde_json::Value;

use super::connect::ConnectionSettings;
use super::file::File;
use super::meaning::RUNNER;
use super::problem::Problem;

/// What stands for no run at all.
pub(super) const OFF: &str = "off";
/// When runners are read.
const EACH_MINUTE: &str = "* * * * *";
/// Keys that hold a pattern.
const PATTERNS: [&str; 5] = ["incremental", "full", "collect", "push", "subscribe"];

/// When the daemon (`linchpin serve`) reads what. Patterns are those of cron: minute, hour, day of the
/// month, month, day of the week; "off" is never.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScheduleTable {
    /// Time zone of the patterns: an IANA name. Left out, that of `hub`.
    pub(crate) time_zone: Option<String>,
    /// When what changed is read; systems that cannot tell changes are read whole.
    pub(crate) incremental: String,
    /// When everything is read, to find what is gone.
    pub(crate) full: String,
    /// When machines are asked who they are and who is logged on: those that are online and were not
    /// asked for `identification.every_hours`.
    pub(crate) collect: String,
    /// When what changed in the model is written back into the connections that opted in
    /// (`connection.push`); besides, after each sync.
    pub(crate) push: String,
    /// When it is looked whether the systems that tell what changes still do, and what they promised is
    /// renewed; besides, at the start and with changed settings.
    pub(crate) subscribe: String,
    /// Seconds by which runs are late at most, so that not everything begins at once. How late each
    /// is follows from its name.
    #[schemars(range(max = 86400))]
    pub(crate) jitter_seconds: u32,
}

impl Default for ScheduleTable {
    fn default() -> Self {
        Self {
            time_zone: None,
            incremental: "0 * * * *".to_owned(),
            full: "15 2 * * *".to_owned(),
            collect: "30 * * * *".to_owned(),
            push: "*/15 * * * *".to_owned(),
            subscribe: "50 * * * *".to_owned(),
            jitter_seconds: 300,
        }
    }
}

/// When the daemon reads this connection; what is left out is as in `[schedule]`.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ConnectionSchedule {
    /// Time zone of the patterns: an IANA name.
    pub(crate) time_zone: Option<String>,
    /// When what changed is read: a cron pattern, or "off".
    pub(crate) incremental: Option<String>,
    /// When everything is read: a cron pattern, or "off".
    pub(crate) full: Option<String>,
    /// When machines are asked through this connection: a cron pattern, or "off".
    pub(crate) collect: Option<String>,
    /// When this connection is written into: a cron pattern, or "off".
    pub(crate) push: Option<String>,
    /// When its subscriptions are looked at: a cron pattern, or "off".
    pub(crate) subscribe: Option<String>,
    /// Seconds by which runs are late at most.
    #[schemars(range(max = 86400))]
    pub(crate) jitter_seconds: Option<u32>,
    /// Streams with a plan of their own; the connection's runs leave them out.
    pub(crate) stream: Vec<StreamSchedule>,
}

/// When one stream is read; what is left out is as for its connection.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamSchedule {
    /// The stream, as `linchpin connectors` lists it.
    pub(crate) name: String,
    /// When what changed is read: a cron pattern, or "off".
    #[serde(default)]
    pub(crate) incremental: Option<String>,
    /// When everything is read: a cron pattern, or "off".
    #[serde(default)]
    pub(crate) full: Option<String>,
}

/// What the daemon answers, and how much it does at once.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerTable {
    /// Address and port of `/healthz`, `/readyz` and the API below `/v1`; "off" for none.
    pub(crate) listen: String,
    /// Where browsers reach the hub: `https://hub.example.com`. Signing in by a provider needs it.
    pub(crate) public_url: Option<String>,
    /// Whether a proxy in front says from where a request comes (`X-Forwarded-For`). Only where
    /// nobody reaches `listen` but by the proxy.
    pub(crate) behind_proxy: bool,
    /// Connections that are worked on at once.
    #[schemars(range(min = 1, max = 64))]
    pub(crate) parallel: usize,
}

impl Default for ServerTable {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:7700".to_owned(),
            public_url: None,
            behind_proxy: false,
            parallel: 4,
        }
    }
}

/// The schema of a connection's `schedule`.
pub(super) fn connection_schedule_schema() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema =
        settings.into_generator().into_root_schema_for::<ConnectionSchedule>().to_value();
    if let Some(table) = schema.as_object_mut() {
        table.remove("$schema");
        table.remove("title");
    }
    schema
}

/// Texts in a table of schedules that have a form.
pub(super) fn wrong_values(table: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(node) = table.get("time_zone") {
        let wrong = node.text().and_then(|text| zone(text, node.span.clone()).err());
        problems.extend(wrong.map(|problem| *problem));
    }
    for key in PATTERNS {
        if let Some(node) = table.get(key) {
            problems.extend(wrong_pattern(key, node));
        }
    }
    let streams = table.get("stream").map(Node::items).unwrap_or_default();
    problems.extend(streams.iter().flat_map(wrong_values));
    problems
}

/// Streams in a connection's schedule that its kind does not have, or that are there twice.
pub(super) fn wrong_streams(table: &Node, kind: &Kind, who: &str) -> Vec<Problem> {
    let names: Vec<&str> = kind.streams.iter().map(|stream| stream.name).collect();
    let mut seen: Vec<&str> = Vec::new();
    let mut problems = Vec::new();
    let streams = table.get("stream").map(Node::items).unwrap_or_default();
    for node in streams.iter().filter_map(|stream| stream.get("name")) {
        let Some(name) = node.text() else { continue };
        let shown = crate::output::printable(name);
        if !names.contains(&name) {
            let what = format!("{who} has no stream `{shown}`");
            let help = choices(name, "it has", names.iter().copied());
            problems.push(Problem::new(node.span.clone(), what).label("unknown").help(help));
        } else if seen.contains(&name) {
            let what = format!("stream `{shown}` of {who} has two schedules");
            let help = "write both patterns into one table";
            problems.push(Problem::new(node.span.clone(), what).label("the second").help(help));
        }
        seen.push(name);
    }
    problems
}

pub(super) fn wrong_pattern(key: &str, node: &Node) -> Option<Problem> {
    let text = node.text().filter(|text| *text != OFF)?;
    let error = text.parse::<Pattern>().err()?;
    let what = format!("`{key}` cannot be planned: {error}");
    let help = "write minute, hour, day of the month, month and day of the week, like \
                \"15 2 * * *\" for 02:15 each night or \"*/20 * * * mon-fri\"; or \"off\"";
    let what = crate::output::printable(&what);
    Some(Problem::new(node.span.clone(), what).label("no schedule").help(help))
}

/// The zone of that name.
pub(super) fn zone(text: &str, span: std::ops::Range<usize>) -> Result<Tz, Box<Problem>> {
    text.trim().parse().map_err(|_| {
        let near = nearest(text, TZ_VARIANTS.iter().map(|zone| zone.name()));
        let near = near.map(|zone| format!("did you mean \"{zone}\"? ")).unwrap_or_default();
        let help =
            format!("{near}Write an IANA name like \"America/Chicago\" or \"Europe/Berlin\"");
        let what = format!("there is no time zone \"{}\"", crate::output::printable(text));
        Box::new(Problem::new(span, what).label("unknown").help(help))
    })
}

/// Where the daemon listens, if it does.
pub(super) fn wrong_listen(root: &Node) -> Option<Problem> {
    let node = root.get("server")?.get("listen")?;
    let text = node.text()?;
    if text == OFF || text.parse::<std::net::SocketAddr>().is_ok() {
        return None;
    }
    let what = format!("`listen` is no address: \"{}\"", crate::output::printable(text));
    let help = "write an address and a port, like \"127.0.0.1:7700\" or \"[::]:7700\"; or \"off\"";
    Some(Problem::new(node.span.clone(), what).label("no address").help(help))
}

/// The address, checked before.
pub(super) fn listen(table: &ServerTable) -> Option<std::net::SocketAddr> {
    table.listen.parse().ok()
}

/// The zone of patterns that no connection has one of its own for.
pub(super) fn zone_of(table: &ScheduleTable, hub_zone: Tz) -> Tz {
    let named = table.time_zone.as_ref();
    named.and_then(|name| name.trim().parse().ok()).unwrap_or(hub_zone)
}

/// The plan of all enabled connections.
pub(super) fn entries(
    file: &File,
    hub_zone: Tz,
    connections: &[ConnectionSettings],
    registry: &Registry,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    for connection in connections.iter().filter(|connection| connection.enabled) {
        let own = &connection.schedule;
        let of_all = &file.schedule;
        let named = own.time_zone.as_ref().or(of_all.time_zone.as_ref());
        let zone = named.and_then(|name| name.trim().parse().ok()).unwrap_or(hub_zone);
        // What runners said is in the hub's own store: it is looked at each minute, and at once.
        let is_own = connection.kind == RUNNER;
        let usual = if is_own { 0 } else { of_all.jitter_seconds };
        let jitter_seconds = own.jitter_seconds.unwrap_or(usual);
        let mut add = |stream: Option<&str>, work, pattern: &str| {
            // Checked before: what is no pattern is `off`.
            let Ok(pattern) = pattern.parse::<Pattern>() else { return };
            entries.push(Entry {
                connection: connection.name.clone(),
                stream: stream.map(str::to_owned),
                work,
                schedule: Schedule::new(pattern, zone),
                jitter_seconds,
            });
        };
        let usual = if is_own { EACH_MINUTE } else { of_all.incremental.as_str() };
        let incremental = own.incremental.as_deref().unwrap_or(usual);
        let full = own.full.as_ref().unwrap_or(&of_all.full);
        add(None, Work::Incremental, incremental);
        add(None, Work::Full, full);
        for stream in &own.stream {
            let name = Some(stream.name.as_str());
            add(name, Work::Incremental, stream.incremental.as_deref().unwrap_or(incremental));
            add(name, Work::Full, stream.full.as_ref().unwrap_or(full));
        }
        let kind = registry.kind(&connection.kind).ok();
        let asks = kind.is_some_and(|kind| kind.actions.contains(&"run-script"));
        if asks && !is_own && file.identification.ask {
            add(None, Work::Collect, own.collect.as_ref().unwrap_or(&of_all.collect));
        }
        if kind.is_some_and(|kind| kind.actions.contains(&"subscribe")) {
            add(None, Work::Subscribe, own.subscribe.as_ref().unwrap_or(&of_all.subscribe));
        }
        if connection.pushes() {
            add(None, Work::Push, own.push.as_ref().unwrap_or(&of_all.push));
        }
    }
    entries
}
