//! What the settings file means: everything that the text alone can tell is checked here, and
//! every mistake is found, as far as one does not hide the next.

use std::collections::HashMap;
use std::net::SocketAddr;

use chrono_tz::Tz;
use core_connector::Registry;
use core_daemon::Entry;
use core_model::queue::QueueRules;
use core_resolve::Freshness;
use core_sync::Settings;
use core_toml::{Node, choices, compare};
use serde_json::Value;

use super::connect::{self, ConnectionSettings};
use super::document::Document;
use super::file::{File, ResolveTable};
use super::mail::{self, MailTable};
use super::maintenance::{self, MaintenanceTable};
use super::notification::{self, NotificationTable};
use super::plan::{self, ServerTable};
use super::problem::Problem;
use super::schema::own_schema;
use super::secret::is_reference;
use super::sign_in::{self, SecretsTable, SignInTable};
use super::technician::{self, TechnicianTable};
use super::traces::{self, TracesTable};
use super::webhook::{self, WebhookTable};

/// Kinds whose clients become tenants where the settings do not say; directories name them first.
/// Tokens for runners are made by admins, for whom they mean.
const CREATE_FROM: [&str; 3] = ["azure-ad", "cw-automate", RUNNER];
/// The kind of the hub's own runners.
pub(crate) const RUNNER: &str = "runner";

/// The settings, checked.
pub(super) struct Understood {
    pub(super) time_zone: Tz,
    pub(super) settings: Settings,
    pub(super) ask: bool,
    pub(super) freshness: Freshness,
    pub(super) second_person: bool,
    pub(super) connections: Vec<ConnectionSettings>,
    pub(super) database: String,
    pub(super) entries: Vec<Entry>,
    pub(super) listen: Option<SocketAddr>,
    pub(super) parallel: usize,
    pub(super) technician: TechnicianTable,
    pub(super) queue: QueueRules,
    pub(super) maintenance: MaintenanceTable,
    pub(super) notification: NotificationTable,
    pub(super) webhooks: Vec<WebhookTable>,
    pub(super) traces: TracesTable,
    pub(super) mail: MailTable,
    pub(super) mail_zone: Tz,
    pub(super) server: ServerTable,
    pub(super) sign_in: SignInTable,
    pub(super) secrets: SecretsTable,
}

/// Checks everything, and makes of it what the program needs.
pub(super) fn understand(
    document: &Document,
    registry: &Registry,
) -> Result<Understood, Vec<Problem>> {
    // In a text that is no TOML, what else is wrong is guesswork.
    if !document.file.broken.is_empty() {
        return Err(document.file.broken.clone());
    }
    let root = &document.file.root;
    let mut problems = compare(root, &own_schema(), "the settings");
    let nodes = root.get("connection").map(Node::items).unwrap_or_default();
    let mut connections = Vec::new();
    for node in nodes {
        match connect::read(node, registry) {
            Ok(connection) => connections.push(connection),
            Err(found) => problems.extend(found),
        }
    }
    problems.extend(duplicates(nodes));
    problems.extend(second_runner(nodes));
    problems.extend(unknown_names(root, nodes));
    problems.extend(wrong_values(root));
    if !problems.is_empty() {
        return Err(problems);
    }
    let file: File = serde_json::from_value(root.json()).map_err(|error| {
        vec![Problem::new(0..0, format!("the settings cannot be understood: {error}"))]
    })?;
    let time_zone = zone(root, &file.hub.time_zone).map_err(|problem| vec![*problem])?;
    Ok(Understood {
        time_zone,
        settings: file.settings(create_from(&connections)),
        ask: file.identification.ask,
        freshness: file.resolve.freshness(),
        second_person: file.rules.second_person,
        entries: plan::entries(&file, time_zone, &connections, registry),
        listen: plan::listen(&file.server),
        parallel: file.server.parallel,
        technician: file.technician_tools,
        queue: file.sessions.rules(),
        maintenance: file.maintenance,
        notification: file.notification,
        webhooks: file.webhook,
        traces: file.traces,
        mail: file.mail,
        mail_zone: plan::zone_of(&file.schedule, time_zone),
        server: file.server,
        sign_in: file.sign_in,
        secrets: file.secrets,
        connections,
        database: file.hub.database,
    })
}

fn create_from(connections: &[ConnectionSettings]) -> Vec<String> {
    let of_kind = |kind| connections.iter().filter(move |connection| connection.kind == kind);
    CREATE_FROM.into_iter().flat_map(of_kind).map(|connection| connection.name.clone()).collect()
}

fn duplicates(nodes: &[Node]) -> Vec<Problem> {
    let mut seen: HashMap<&str, ()> = HashMap::new();
    let mut problems = Vec::new();
    for name in nodes.iter().filter_map(|node| node.get("name")) {
        let Some(text) = name.text() else { continue };
        if seen.insert(text, ()).is_some() {
            let what = format!("there are two connections named `{text}`");
            let help = "what is read is stored under this name: give each connection its own";
            problems.push(Problem::new(name.span.clone(), what).label("the second").help(help));
        }
    }
    problems
}

/// A second connection of runners: a runner says nothing of which one it would be.
fn second_runner(nodes: &[Node]) -> Option<Problem> {
    let kinds = nodes.iter().filter_map(|node| node.get("kind"));
    let second = kinds.filter(|kind| kind.text() == Some(RUNNER)).nth(1)?;
    let what = "there are two connections of kind `runner`";
    let help = "one has the runners of all tenants: remove the other";
    Some(Problem::new(second.span.clone(), what).label("the second").help(help))
}

/// Connections that other tables name, and that are not there.
fn unknown_names(root: &Node, nodes: &[Node]) -> Vec<Problem> {
    let known: Vec<&str> =
        nodes.iter().filter_map(|node| node.get("name").and_then(Node::text)).collect();
    let Some(tenants) = root.get("tenants") else { return Vec::new() };
    let named = tenants.get("create_from").map(Node::items).unwrap_or_default().iter();
    let splits = tenants.get("domain_split").map(Node::items).unwrap_or_default();
    let named = named.chain(splits.iter().filter_map(|split| split.get("connection")));
    named
        .filter_map(|node| node.text().map(|name| (node, name)))
        .filter(|(_, name)| !known.contains(name))
        .map(|(node, name)| {
            let help = if known.is_empty() {
                "this file has no connections".to_owned()
            } else {
                choices(name, "connections of this file", known.iter().copied())
            };
            let what = format!("there is no connection `{name}`");
            Problem::new(node.span.clone(), what).label("unknown").help(help)
        })
        .collect()
}

/// Texts that have a form.
fn wrong_values(root: &Node) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(text) = root.get("hub").and_then(|hub| hub.get("time_zone")).and_then(Node::text) {
        problems.extend(zone(root, text).err().map(|problem| *problem));
    }
    problems.extend(wrong_database(root));
    problems.extend(wrong_ages(root));
    problems.extend(root.get("schedule").map(plan::wrong_values).unwrap_or_default());
    problems.extend(plan::wrong_listen(root));
    problems.extend(technician::wrong_values(root));
    problems.extend(webhook::wrong_values(root));
    problems.extend(traces::wrong_values(root));
    problems.extend(mail::wrong_values(root));
    problems.extend(sign_in::wrong_values(root));
    problems.extend(maintenance::wrong_values(root));
    problems.extend(notification::wrong_values(root));
    let splits = root.get("tenants").and_then(|tenants| tenants.get("domain_split"));
    for split in splits.map(Node::items).unwrap_or_default() {
        if let Some(directory) = split.get("directory") {
            problems.extend(not_a_guid(directory, "`directory`"));
        }
    }
    let junk = root.get("identification").and_then(|table| table.get("junk_uuids"));
    for uuid in junk.map(Node::items).unwrap_or_default() {
        problems.extend(not_a_guid(uuid, "an item of `junk_uuids`"));
    }
    problems
}

fn zone(root: &Node, text: &str) -> Result<Tz, Box<Problem>> {
    let span = root.get("hub").and_then(|hub| hub.get("time_zone"));
    plan::zone(text, span.map_or(0..0, |node| node.span.clone()))
}

/// What is too old to install on is not good enough to uninstall on.
fn wrong_ages(root: &Node) -> Option<Problem> {
    let table = root.get("resolve")?;
    let hours = |key: &str, otherwise: u32| match table.get(key) {
        Some(node) => node.json().as_u64(),
        None => Some(u64::from(otherwise)),
    };
    let default = ResolveTable::default();
    let install = hours("install_max_age_hours", default.install_max_age_hours)?;
    let uninstall = hours("uninstall_max_age_hours", default.uninstall_max_age_hours)?;
    if uninstall <= install {
        return None;
    }
    let node = table.get("uninstall_max_age_hours").unwrap_or(table);
    let what = format!(
        "`uninstall_max_age_hours` is {uninstall}, and `install_max_age_hours` is {install}"
    );
    let help =
        "an uninstall needs facts at least as fresh as an install: write no more hours for it";
    Some(Problem::new(node.span.clone(), what).label("too many hours").help(help))
}

fn wrong_database(root: &Node) -> Option<Problem> {
    let node = root.get("hub")?.get("database")?;
    let text = node.text()?;
    let known = ["sqlite:", "postgres://", "postgresql://"];
    let is_file = !text.contains("://") && text.ends_with(".db");
    if is_file || is_reference(text) || known.iter().any(|scheme| text.starts_with(scheme)) {
        return None;
    }
    // The address may hold a password: it is not repeated.
    let what = "`database` is no address of a database that the hub knows";
    let help = "write \"sqlite://linchpin.db\", \"postgres://USER:PASSWORD@HOST/DATABASE\", or \
                where the address is kept: \"env:NAME\", \"file:PATH\", \"keyring:NAME\"";
    Some(Problem::new(node.span.clone(), what).label("unknown form").help(help))
}

fn not_a_guid(node: &Node, who: &str) -> Option<Problem> {
    let text = node.text()?;
    let digits = text.chars().filter(char::is_ascii_hexdigit).count();
    let is_form = text.trim().chars().all(|c| c.is_ascii_hexdigit() || "-{}".contains(c));
    if digits == 32 && is_form {
        return None;
    }
    let what = format!("{who} must be a GUID, and is \"{}\"", crate::output::printable(text));
    let help = "write it like \"00000000-0000-0000-0000-000000000000\"";
    Some(Problem::new(node.span.clone(), what).label("no GUID").help(help))
}

/// The value of a key as JSON, for those that read a part of the file themselves.
pub(super) fn values(node: &Node) -> serde_json::Map<String, Value> {
    node.entries().iter().map(|entry| (entry.key.clone(), entry.node.json())).collect()
}
