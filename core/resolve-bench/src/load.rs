//! How long it takes to read what is resolved on from a store.

use std::process::Command;
use std::time::Instant;

use core_resolve::{Freshness, Snapshot};
use core_snapshot::{LoadOptions, Loaded};
use core_store::Store;
use serde_json::{Value, json};

use crate::{estate, stored};

/// Where PostgreSQL is, unless `TEST_POSTGRES_URL` says otherwise.
const SERVER: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// Fills a store of so many computers on `sqlite` or `postgres`, and reads it; as JSON. What cannot be
/// measured says why.
#[must_use]
pub fn measure(size: usize, database: &str) -> Value {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return left_out(&error.to_string()),
    };
    match database {
        "postgres" => {
            let fresh = match Fresh::make() {
                Ok(fresh) => fresh,
                Err(why) => return left_out(&why),
            };
            runtime.block_on(run(size, &fresh.url))
        }
        _ => match tempfile::tempdir() {
            Ok(folder) => {
                let path = folder.path().join("bench.db");
                runtime.block_on(run(size, &path.to_string_lossy()))
            }
            Err(error) => left_out(&error.to_string()),
        },
    }
}

fn left_out(why: &str) -> Value {
    json!({ "left_out": why })
}

async fn run(size: usize, address: &str) -> Value {
    match try_run(size, address).await {
        Ok(value) => value,
        Err(why) => left_out(&why),
    }
}

async fn try_run(size: usize, address: &str) -> Result<Value, String> {
    let words = |error: core_store::Error| error.to_string();
    let store = Store::open(address).await.map_err(words)?;
    let began = Instant::now();
    let entities = stored::fill(&store, &estate::input(size, false)).await.map_err(words)?;
    let fill_ms = millis(began);
    let options = LoadOptions {
        now: estate::now(),
        known_at: None,
        default_zone: "UTC".to_owned(),
        freshness: Freshness::default(),
        kinds: core_snapshot::StreamKinds::default(),
        disabled: std::collections::BTreeMap::new(),
    };
    let mut loads = Vec::new();
    let mut last: Option<Loaded> = None;
    for _ in 0..3 {
        drop(last.take());
        let began = Instant::now();
        last = Some(core_snapshot::load(&store, &options).await.map_err(|why| why.to_string())?);
        loads.push(millis(began));
    }
    let input = last.map(|loaded| loaded.input).ok_or("nothing was loaded")?;
    let read = input.computers.len();
    let began = Instant::now();
    let snapshot = Snapshot::new(input);
    let build_ms = millis(began);
    drop(snapshot);
    store.close().await;
    if read != size {
        return Err(format!("{read} computers were read, and there are {size}"));
    }
    Ok(json!({
        "entities": entities, "filled_ms": fill_ms, "load_ms": loads, "snapshot_built_ms": build_ms,
    }))
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1_000.0
}

/// A database of its own on a PostgreSQL server, made and dropped by `psql`.
struct Fresh {
    server: String,
    name: String,
    url: String,
}

impl Fresh {
    fn make() -> Result<Self, String> {
        let given = std::env::var_os("TEST_POSTGRES_URL").and_then(|url| url.into_string().ok());
        let server = given.unwrap_or_else(|| SERVER.to_owned());
        let name = format!("linchpin_bench_{}", std::process::id());
        psql(&server, &format!("create database {name}"))?;
        let (head, options) = server.split_once('?').unwrap_or((&server, ""));
        let host = head.rsplit_once('/').map_or(head, |(host, _)| host);
        let url = format!("{host}/{name}?{options}").trim_end_matches('?').to_owned();
        Ok(Self { server, name, url })
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // Whoever measures finds the database if it could not be dropped; its name says what it is.
        psql(&self.server, &format!("drop database {} with (force)", self.name))
            .unwrap_or_default();
    }
}

fn psql(server: &str, statement: &str) -> Result<(), String> {
    let mut psql = Command::new("psql");
    psql.args(["--no-psqlrc", "--quiet", "-c", statement, server]);
    let output = psql.output().map_err(|error| format!("psql: {error}"))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}
