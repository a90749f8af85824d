//! The estate's API over HTTP, under `/_estate` on every port.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::change::{Change, apply};
use super::random::random_changes;
use crate::faults::Rule;
use crate::machine::catalogue;
use crate::server::Shared;
use crate::truth::{summary, truth};
use crate::vendor::{Call, Face, Reply};
use crate::world::DownloadTrouble;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Random {
    count: usize,
    #[serde(default)]
    seed: u64,
    /// Kinds that must not happen.
    #[serde(default)]
    without: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clock {
    ahead_seconds: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revoke {
    /// All faces where absent.
    face: Option<Face>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Rules {
    Many(Vec<Rule>),
    One(Rule),
}

/// Answers a call under `/_estate`.
pub(crate) fn answer(call: &Call, shared: &Shared) -> Reply {
    let path = call.path.trim_end_matches('/');
    let name = path.strip_prefix("/_estate").unwrap_or(path).trim_start_matches('/');
    match (call.method.as_str(), name) {
        ("GET", "" | "credentials" | ".well-known/linchpin-mocks") => {
            Reply::json(200, &shared.discovery())
        }
        ("GET", "truth") => as_of(call, shared),
        ("GET", "summary") => Reply::json(200, &value(&summary(&shared.read()))),
        ("GET", "tab") => super::tab::page(call),
        ("GET", "machine") => machine(call, shared),
        ("GET", "software") => Reply::json(200, &value(&crate::truth::software(&shared.read()))),
        ("GET", "packages") => Reply::json(200, &packages()),
        ("GET", name) if name.starts_with("package/") => package(&name["package/".len()..], shared),
        ("GET", "stats") => Reply::json(200, &shared.stats_json()),
        (method, "faults") => faults(method, call, shared),
        ("POST", "random") => with(call, |random: Random| {
            let mut world = shared.write();
            let made = random_changes(&mut world, random.count, random.seed, &random.without);
            Ok(json!({ "version": world.version, "changes": made }))
        }),
        ("POST", "clock") => with(call, |clock: Clock| {
            let mut world = shared.write();
            world.clock_ahead = clock.ahead_seconds;
            Ok(json!({ "now": world.now() }))
        }),
        ("POST", "revoke") => with(call, |revoke: Revoke| {
            for (face, vendor) in &shared.faces {
                if revoke.face.is_none_or(|wanted| wanted == *face) {
                    vendor.revoke_tokens();
                }
            }
            Ok(json!({ "revoked": true }))
        }),
        (_, "subscriptions" | "lifecycle" | "retire_refresh_token") => {
            of_a_face(name, call, shared)
        }
        ("POST", change) => one_change(change, call, shared),
        _ => problem(404, "there is no such thing here; see the README of the mocks"),
    }
}

fn as_of(call: &Call, shared: &Shared) -> Reply {
    let world = shared.read();
    let as_of = match call.param("as_of").map(str::parse) {
        None => world.now(),
        Some(Ok(at)) => at,
        Some(Err(_)) => {
            return problem(400, "as_of must be an instant such as 2026-01-31T12:00:00Z");
        }
    };
    match serde_json::to_vec(&truth(&world, as_of)) {
        Ok(body) => Reply {
            status: 200,
            headers: vec![("content-type".into(), "application/json; charset=utf-8".into())],
            body,
        },
        Err(error) => problem(500, &error.to_string()),
    }
}

fn faults(method: &str, call: &Call, shared: &Shared) -> Reply {
    match method {
        "GET" => {
            let faults = shared.faults();
            Reply::json(200, &json!({ "rules": faults.rules(), "fired": faults.fired() }))
        }
        "DELETE" => {
            shared.faults().set(Vec::new());
            Reply::json(200, &json!({ "rules": [] }))
        }
        "POST" => with(call, |rules: Rules| {
            let mut faults = shared.faults();
            match rules {
                Rules::Many(rules) => rules.into_iter().for_each(|rule| faults.add(rule)),
                Rules::One(rule) => faults.add(rule),
            }
            Ok(json!({ "rules": faults.rules() }))
        }),
        _ => problem(405, "faults can be read, added to and deleted"),
    }
}

/// What a machine holds; by its number or its name.
fn machine(call: &Call, shared: &Shared) -> Reply {
    let name = call.param("machine").unwrap_or_default();
    let pick = name.parse().map_or_else(|_| super::Pick::Name(name.to_owned()), super::Pick::No);
    let world = shared.read();
    match super::machines::machine_of(&world, &pick) {
        Ok(no) => {
            let state = crate::machine::state(&world, no);
            let (host, online) = (&world.machines[no].host, world.machines[no].online);
            Reply::json(
                200,
                &json!({ "no": no, "host": host, "online": online, "state": value(&state) }),
            )
        }
        Err(error) => problem(404, &error.to_string()),
    }
}

/// The packages that machines know, with the hash of what they download.
fn packages() -> Value {
    let row = |package: &catalogue::Package| {
        let mut row = value(package);
        row["sha256"] = package.sha256().into();
        row
    };
    catalogue::PACKAGES.iter().map(row).collect()
}

/// An installer's bytes, as the download's trouble leaves them.
fn package(file: &str, shared: &Shared) -> Reply {
    let trouble = shared.read().states.download_faults.get(file).copied();
    match catalogue::by_file(file).filter(|_| trouble != Some(DownloadTrouble::Missing)) {
        Some(package) => Reply {
            status: 200,
            headers: vec![("content-type".into(), "application/octet-stream".into())],
            body: catalogue::bytes(package.file, trouble != Some(DownloadTrouble::Corrupt)),
        },
        None => problem(404, "there is no such package; see /_estate/packages"),
    }
}

/// What one face alone can be asked, or made to do.
fn of_a_face(name: &str, call: &Call, shared: &Shared) -> Reply {
    with(call, |fields: Value| {
        let done = shared.of_a_face(name, &fields);
        done.unwrap_or_else(|| Err(format!("no face that is served knows {name}")))
    })
}

/// The last part of the path names the change, the body has its fields.
fn one_change(name: &str, call: &Call, shared: &Shared) -> Reply {
    with(call, |mut fields: Value| {
        if let Some(fields) = fields.as_object_mut() {
            fields.insert("change".to_owned(), name.into());
        }
        let change: Change = serde_json::from_value(fields).map_err(|error| error.to_string())?;
        let done = apply(&mut shared.write(), &change).map_err(|error| error.to_string())?;
        Ok(value(&done))
    })
}

fn with<T: DeserializeOwned>(call: &Call, act: impl FnOnce(T) -> Result<Value, String>) -> Reply {
    let body = if call.body.is_empty() { b"{}".as_slice() } else { &call.body };
    match serde_json::from_slice(body).map_err(|error| error.to_string()).and_then(act) {
        Ok(value) => Reply::json(200, &value),
        Err(why) => problem(400, &why),
    }
}

fn value(of: &impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap_or_default()
}

fn problem(status: u16, why: &str) -> Reply {
    Reply::json(status, &json!({ "error": why }))
}
