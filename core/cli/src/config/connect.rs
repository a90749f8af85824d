//! A connection's table: checked against its kind's schema, and made into a connector.

use std::path::Path;
use std::sync::Arc;

use core_connector::{Connector, KeepSecret, Registry};
use core_toml::{Node, choices, compare, is_secret, properties, resolve};
use serde_json::{Map, Value};

use super::Config;
use super::meaning::values;
use super::plan::{self, ConnectionSchedule};
use super::problem::Problem;
use super::schema::{OWN_KEYS, connection_schema};
use super::secret::{self, Kept};
use crate::failure::Failure;

/// A connection as the file has it. It is not printed: it may hold secrets.
pub(crate) struct ConnectionSettings {
    /// Its name.
    pub(crate) name: String,
    /// Its kind.
    pub(crate) kind: String,
    /// Whether it is read.
    pub(crate) enabled: bool,
    /// When it is read, where that is not as for all.
    pub(super) schedule: ConnectionSchedule,
    node: Node,
}

impl Config {
    /// The enabled connections with these names; all enabled ones where none is named.
    ///
    /// # Errors
    /// With exit code 2 where one is unknown or not enabled, or where there is none at all.
    pub(crate) fn named(&self, names: &[String]) -> Result<Vec<&ConnectionSettings>, Failure> {
        let enabled = || self.connections.iter().filter(|connection| connection.enabled);
        if enabled().next().is_none() {
            let what = format!("{} has no enabled connection", self.path.display());
            return Err(Failure::usage(what)
                .with_remedy("add a [[connection]]; `linchpin connectors` lists the kinds"));
        }
        if names.is_empty() {
            return Ok(enabled().collect());
        }
        names.iter().map(|name| self.one(name)).collect()
    }

    fn one(&self, name: &str) -> Result<&ConnectionSettings, Failure> {
        let found = self.connections.iter().find(|connection| connection.name == name);
        match found {
            Some(connection) if connection.enabled => Ok(connection),
            Some(_) => Err(Failure::usage(format!("connection `{name}` is not enabled"))
                .with_remedy(format!("set `enabled = true` in {}", self.path.display()))),
            None => {
                let known: Vec<&str> =
                    self.connections.iter().map(|connection| connection.name.as_str()).collect();
                Err(Failure::usage(format!("there is no connection `{name}`"))
                    .with_remedy(choices(name, "there are", known.iter().copied())))
            }
        }
    }
}

impl ConnectionSettings {
    /// Whether the hub may write into it.
    pub(crate) fn pushes(&self) -> bool {
        let enabled = self.node.get("push").and_then(|table| table.get("enabled"));
        enabled.is_some_and(|enabled| enabled.json() == Value::Bool(true))
    }

    /// A setting that is a number.
    pub(crate) fn number(&self, key: &str) -> Option<u32> {
        u32::try_from(self.node.get(key)?.json().as_u64()?).ok()
    }

    /// Looks the secrets up and builds the connector; `notes` is whether the hub writes them on tickets,
    /// `keep` where it keeps what renews itself.
    pub(super) fn build(
        &self,
        (folder, kept): (&Path, &Kept),
        registry: &Registry,
        notes: bool,
        keep: Option<Arc<dyn KeepSecret>>,
    ) -> Result<Box<dyn Connector>, Vec<Problem>> {
        let wrong = |error: &core_connector::Error| vec![self.problem(error)];
        let kind = registry.kind(&self.kind).map_err(|error| wrong(&error))?;
        let schema = connection_schema(kind);
        let mut settings = values(&self.node);
        for key in OWN_KEYS {
            settings.remove(key);
        }
        let mut problems = Vec::new();
        self.look_up_secrets(&mut settings, &schema, (folder, kept), &mut problems);
        if !problems.is_empty() {
            return Err(problems);
        }
        absolute_paths(&mut settings, &schema, &schema, folder);
        // That notes are written is the hub's to say, and what a PSA must be asked for follows from it.
        if notes && kind.actions.contains(&"tickets") {
            settings.insert("ticket_notes".to_owned(), true.into());
        }
        let settings = Value::Object(settings);
        let built = match keep {
            Some(keep) => kind.build_keeping(settings, keep),
            None => kind.build(settings),
        };
        built.map_err(|error| wrong(&error))
    }

    fn look_up_secrets(
        &self,
        settings: &mut Map<String, Value>,
        schema: &Value,
        (folder, kept): (&Path, &Kept),
        problems: &mut Vec<Problem>,
    ) {
        for (name, inner) in properties(schema) {
            if !is_secret(resolve(inner, schema)) {
                continue;
            }
            let Some(Value::String(text)) = settings.get_mut(name) else { continue };
            match secret::look_up_with(text, folder, kept) {
                Ok(value) => *text = value,
                Err(missing) => {
                    let span = self.span(name);
                    let what = format!("`{name}` of connection `{}`: {}", self.name, missing.what);
                    problems
                        .push(Problem::new(span, what).label("kept there").help(missing.remedy));
                }
            }
        }
    }

    /// A connector's refusal, at the setting that it names.
    fn problem(&self, error: &core_connector::Error) -> Problem {
        let setting = error.operation().split('`').nth(1).unwrap_or_default();
        let what = match setting {
            "" => format!("connection `{}`: {error}", self.name),
            _ => format!("`{setting}` of connection `{}`: {}", self.name, error.detail()),
        };
        Problem::new(self.span(setting), what).help(error.remedy())
    }

    /// The place of a setting (`http.ca_file` is one in a table), or else of the connection.
    fn span(&self, setting: &str) -> std::ops::Range<usize> {
        let mut node = &self.node;
        for key in setting.split('.') {
            node = match node.get(key) {
                Some(inner) => inner,
                None => return self.node.span.clone(),
            };
        }
        node.span.clone()
    }
}

/// Reads a connection's table.
pub(super) fn read(node: &Node, registry: &Registry) -> Result<ConnectionSettings, Vec<Problem>> {
    let name = node.get("name").and_then(Node::text).map(str::to_owned);
    let who = name.as_ref().map_or("this connection".to_owned(), |name| {
        format!("connection `{}`", crate::output::printable(name))
    });
    let Some(kind) = node.get("kind") else {
        let kinds = kinds(registry).join(", ");
        let problem = Problem::new(node.span.clone(), format!("{who} lacks `kind`"));
        return Err(vec![
            problem.label("add it to this table").help(format!("use one of: {kinds}")),
        ]);
    };
    let known = kind.text().and_then(|kind| registry.kind(kind).ok());
    let Some(known) = known else { return Err(vec![wrong_kind(kind, registry, &who)]) };
    let mut problems = compare(node, &connection_schema(known), &who);
    problems.extend(node.get("name").and_then(wrong_name));
    let schedule = node.get("schedule");
    if let Some(table) = schedule {
        problems.extend(plan::wrong_values(table));
        problems.extend(plan::wrong_streams(table, known, &who));
    }
    match (problems.is_empty(), name) {
        (true, Some(name)) => Ok(ConnectionSettings {
            // Compared with its schema above: what is there can be read.
            schedule: schedule
                .and_then(|table| serde_json::from_value(table.json()).ok())
                .unwrap_or_default(),
            name,
            kind: known.name.to_owned(),
            enabled: node.get("enabled").is_none_or(|enabled| enabled.json() == Value::Bool(true)),
            node: node.clone(),
        }),
        _ => Err(problems),
    }
}

fn kinds(registry: &Registry) -> Vec<&'static str> {
    registry.kinds().map(|kind| kind.name).collect()
}

fn wrong_kind(node: &Node, registry: &Registry, who: &str) -> Problem {
    let kinds = kinds(registry);
    match node.text() {
        Some(kind) => {
            let what = format!("{who} has the unknown kind `{}`", crate::output::printable(kind));
            let help = choices(kind, "kinds", kinds.iter().copied());
            Problem::new(node.span.clone(), what).label("unknown").help(help)
        }
        None => Problem::new(
            node.span.clone(),
            format!("`kind` must be a text, and is {}", node.what()),
        )
        .label("wrong type")
        .help(format!("use one of: {}", kinds.join(", "))),
    }
}

/// Names are typed, and stand before a colon in `linchpin link`.
fn wrong_name(node: &Node) -> Option<Problem> {
    let name = node.text()?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if starts && name.chars().all(fits) && name.len() <= 64 {
        return None;
    }
    let what = format!("a connection cannot be named \"{}\"", crate::output::printable(name));
    let help = "use up to 64 letters, digits, `-`, `_` and `.`, and start with a letter or digit";
    Some(Problem::new(node.span.clone(), what).label("not allowed").help(help))
}

/// Makes the paths in the settings relative to the settings file's folder: by convention, keys
/// that end with `_file`.
fn absolute_paths(settings: &mut Map<String, Value>, schema: &Value, root: &Value, folder: &Path) {
    for (name, inner) in properties(schema) {
        match settings.get_mut(name) {
            Some(Value::String(path)) if name.ends_with("_file") => {
                *path = folder.join(&*path).display().to_string();
            }
            Some(Value::Object(table)) => {
                absolute_paths(table, resolve(inner, root), root, folder);
            }
            _ => {}
        }
    }
}
