//! The files in `config/` against the schema, and what settings become.

use std::collections::BTreeSet;
use std::path::Path;

use core_connector::Registry;
use serde_json::{Value, json};

use super::document::Document;
use super::meaning::{Understood, understand};
use super::schema::{OWN_KEYS, connection_schema, own_schema};
use super::{file_schema, properties, resolve};
use crate::connectors::registry;

const DEFAULT: &str = include_str!("../../../../config/default.toml");
const EXAMPLE: &str = include_str!("../../../../config/example.toml");

fn read(text: &str, registry: &Registry) -> Result<Understood, Vec<String>> {
    let document = Document::new(Path::new("linchpin.toml"), text, registry);
    understand(&document, registry)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

/// The default file with every `#key = value` and `#[table]` switched on.
fn switched_on() -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    DEFAULT.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn understood(text: &str) -> Understood {
    read(text, &registry()).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

#[test]
fn both_files_are_right_also_with_every_key_switched_on() {
    assert!(understood(DEFAULT).connections.is_empty());
    assert_eq!(understood(&switched_on()).connections.len(), 5);
    let example = understood(EXAMPLE);
    let kinds: Vec<&str> = example.connections.iter().map(|c| c.kind.as_str()).collect();
    assert_eq!(kinds, ["azure-ad", "cw-automate", "cw-control", "halopsa"]);
    assert_eq!(example.time_zone, chrono_tz::America::Chicago);
    assert_eq!(example.settings.tenants.splits.len(), 1);
}

#[test]
fn both_files_fit_the_schema_that_editors_use() {
    let schema = file_schema(&registry());
    let validator = jsonschema::validator_for(&schema).unwrap();
    for text in [DEFAULT, EXAMPLE, &switched_on()] {
        let value: Value = toml::from_str(text).unwrap();
        let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
    let unknown: Value = toml::from_str("[hub]\ndatabse = 'x'").unwrap();
    assert!(!validator.is_valid(&unknown));
    let of_other_kind = EXAMPLE.replace("kind = \"halopsa\"", "kind = \"cw-control\"");
    assert!(!validator.is_valid(&toml::from_str::<Value>(&of_other_kind).unwrap()));
}

/// Every path of keys that a schema has, and its default.
fn keys(schema: &Value, root: &Value, prefix: &str, into: &mut Vec<(String, Value)>) {
    for (name, outer) in properties(schema) {
        let inner = resolve(outer, root);
        let inner = inner.get("items").map_or(inner, |items| resolve(items, root));
        if inner.get("properties").is_some() {
            keys(inner, root, &format!("{prefix}{name}."), into);
        } else {
            into.push((format!("{prefix}{name}"), outer["default"].clone()));
        }
    }
}

fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| {
        let value = if let Value::Array(items) = value { items.first()? } else { value };
        value.get(key)
    })
}

#[test]
fn the_default_file_names_every_key_with_its_default() {
    let file: Value = toml::from_str(&switched_on()).unwrap();
    let own = own_schema();
    let mut paths = Vec::new();
    keys(&own, &own, "", &mut paths);
    let tables = [
        "hub.",
        "sync.",
        "tenants.",
        "identification.",
        "affinity.",
        "schedule.",
        "server.",
        "sign_in.",
        "secrets.",
        "sessions.",
        "maintenance.",
    ];
    paths.retain(|(path, _)| tables.iter().any(|table| path.starts_with(table)));
    assert!(paths.len() > 20, "{paths:?}");
    for (path, _) in &paths {
        assert!(at(&file, path).is_some(), "config/default.toml does not name `{path}`");
    }
    let switched_on = understood(&switched_on());
    let default = core_sync::Settings::default();
    assert_eq!(switched_on.settings.max_delete_percent, default.max_delete_percent);
    assert_eq!(switched_on.settings.max_delete_count, default.max_delete_count);
    assert_eq!(switched_on.settings.max_reject_percent, default.max_reject_percent);
    assert_eq!(switched_on.settings.full_every_hours, default.full_every_hours);
    assert_eq!(switched_on.settings.parallel_scopes, default.parallel_scopes);
    assert_eq!(switched_on.settings.identification, default.identification);
    assert_eq!(switched_on.settings.affinity, default.affinity);
    assert_eq!(switched_on.settings.collect.parallel, default.collect.parallel);
    assert_eq!(switched_on.settings.collect.every_hours, default.collect.every_hours);
    assert_eq!(switched_on.settings.collect.account_scripts, default.collect.account_scripts);
    assert_eq!(switched_on.settings.collect.time_limit_seconds, default.collect.time_limit_seconds);
    let plan = |key: &str| at(&file, &format!("schedule.{key}")).cloned();
    let of_schedule = super::plan::ScheduleTable::default();
    assert_eq!(plan("incremental"), Some(of_schedule.incremental.into()));
    assert_eq!(plan("full"), Some(of_schedule.full.into()));
    assert_eq!(plan("collect"), Some(of_schedule.collect.into()));
    assert_eq!(plan("push"), Some(of_schedule.push.into()));
    assert_eq!(plan("jitter_seconds"), Some(of_schedule.jitter_seconds.into()));
    let of_server = super::plan::ServerTable::default();
    assert_eq!(switched_on.listen.map(|at| at.to_string()), Some(of_server.listen));
    assert_eq!(switched_on.parallel, of_server.parallel);
}

#[test]
fn a_plan_is_the_hubs_then_the_connections_then_the_streams() {
    let text = "[hub]\ntime_zone = 'Europe/Berlin'\n\
                [schedule]\nfull = '0 3 * * *'\njitter_seconds = 0\n\
                [[connection]]\nname = 'control'\nkind = 'cw-control'\n\
                url = 'https://x.example'\nsecret = 's'\n\
                push = { enabled = true, properties = { 5 = 'serial' } }\n\
                [[connection]]\nname = 'halo'\nkind = 'halopsa'\nurl = 'https://x.example'\n\
                client_id = 'i'\nclient_secret = 's'\n\
                [connection.schedule]\ntime_zone = 'America/Chicago'\nincremental = 'off'\n\
                [[connection.schedule.stream]]\nname = 'contracts'\nfull = '0 4 * * sun'\n";
    // What did not opt in is not written into.
    let entries = understood(text).entries;
    let told: Vec<String> =
        entries.iter().map(|entry| format!("{}: {}", entry.name(), entry.spec())).collect();
    let expected = [
        "control/incremental: 0 * * * * Europe/Berlin",
        "control/full: 0 3 * * * Europe/Berlin",
        "control/collect: 30 * * * * Europe/Berlin",
        "control/push: */15 * * * * Europe/Berlin",
        "halo/full: 0 3 * * * America/Chicago",
        "halo/contracts/full: 0 4 * * sun America/Chicago",
    ];
    assert_eq!(told, expected);
    assert!(entries.iter().all(|entry| entry.jitter_seconds == 0));
    let disabled = text.replace("kind = 'halopsa'", "kind = 'halopsa'\nenabled = false");
    assert_eq!(understood(&disabled).entries.len(), 4);
    let silent = format!("{text}[identification]\nask = false\n");
    assert_eq!(understood(&silent).entries.len(), 5);
}

#[test]
fn the_default_file_names_every_setting_of_every_connector() {
    let file: Value = toml::from_str(&switched_on()).unwrap();
    let connections = file["connection"].as_array().unwrap();
    let registry = registry();
    let mut once = BTreeSet::new();
    for kind in registry.kinds() {
        let schema = connection_schema(kind);
        let table = connections.iter().find(|table| table["kind"] == kind.name).unwrap();
        let mut paths = Vec::new();
        keys(&schema, &schema, "", &mut paths);
        for (path, default) in paths {
            // The tables of requests and of times are the same everywhere and written out once.
            if path.starts_with("http.") || path.starts_with("schedule.") {
                once.insert(path);
                continue;
            }
            let there = at(table, &path);
            let there = there.unwrap_or_else(|| panic!("{}: `{path}` is not named", kind.name));
            assert!(
                // A table that is empty shows an example.
                default.is_null() || default == json!({}) || *there == default,
                "{}: the default of `{path}` is {default}",
                kind.name
            );
        }
        for key in OWN_KEYS.into_iter().filter(|key| *key != "schedule") {
            assert!(table.get(key).is_some(), "{}: `{key}` is not named", kind.name);
        }
    }
    for path in once {
        assert!(at(&connections[0], &path).is_some(), "`{path}` is not named");
    }
}

#[test]
fn directories_come_first_where_tenants_are_made() {
    let mut text = String::new();
    for (name, kind) in [("a", "cw-automate"), ("e", "azure-ad"), ("b", "cw-automate")] {
        let more = if kind == "azure-ad" {
            "tenant_id = 'x.example'\nclient_id = 'c'"
        } else {
            "url = 'https://x.example'\nusername = 'u'\npassword = 'p'\nclient_id = 'c'"
        };
        text.push_str(&format!("[[connection]]\nname = '{name}'\nkind = '{kind}'\n{more}\n"));
    }
    assert_eq!(understood(&text).settings.tenants.create_from, ["e", "a", "b"]);
}

#[test]
fn every_mistake_is_found_and_not_only_the_first() {
    let text = "[hub]\ntime_zone = 'Amerika/Chicago'\ndatabase = 'mysql://x'\n\
                [sync]\nmax_delete_percent = 200\nparalel_scopes = 2\nfull_every_hours = 'x'\n\
                [tenants]\ncreate_from = ['nobody']\n\
                [identification]\nmode = 'enforced'\njunk_uuids = ['x']\n\
                [schedule]\nfull = '0 25 * * *'\ntime_zone = 'Europe/Berln'\n\
                [server]\nlisten = 'localhost'\n\
                [[connection]]\nname = 'a b'\nkind = 'halo'\n\
                [[connection]]\nname = 'c'\nkind = 'cw-control'\nurl = 'https://x.example'\n\
                secret = 's'\nschedule = { collect = 'at noon', stream = [{ name = 'users' }] }\n\
                [[connection]]\nkind = 'halopsa'\nurl = 3\n";
    let problems = read(text, &registry()).err().unwrap();
    for part in [
        "no time zone \"Amerika/Chicago\"",
        "`database` is no address",
        "`max_delete_percent` must be between 0 and 100, and is 200",
        "unknown key `paralel_scopes`",
        "`full_every_hours` must be a whole number, and is a text",
        "there is no connection `nobody`",
        "`mode` cannot be \"enforced\"",
        "an item of `junk_uuids` must be a GUID",
        "unknown kind `halo`",
        "lacks `name`",
        "lacks `client_secret`",
        "`url` must be a text in quotes, and is a whole number",
        "`full` cannot be planned: the hour cannot be `25`: it takes 0 to 23",
        "there is no time zone \"Europe/Berln\"",
        "`listen` is no address: \"localhost\"",
        "`collect` cannot be planned: a schedule has five fields",
        "connection `c` has no stream `users`",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:#?}");
    }
}

#[test]
fn paths_of_the_database_are_relative_to_the_file() {
    let absolute =
        |address: &str| super::document::absolute_database(address, Path::new("/etc/linchpin"));
    assert_eq!(absolute("sqlite://hub.db"), "sqlite:///etc/linchpin/hub.db");
    assert_eq!(absolute("sqlite:hub.db"), "sqlite:///etc/linchpin/hub.db");
    assert_eq!(absolute("sqlite:///var/hub.db"), "sqlite:///var/hub.db");
    assert_eq!(absolute("hub.db"), "/etc/linchpin/hub.db");
    assert_eq!(absolute("sqlite::memory:"), "sqlite::memory:");
    assert_eq!(absolute("postgres://u@h/d"), "postgres://u@h/d");
}
