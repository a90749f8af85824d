//! What a night of maintenance costs the hub: `cargo bench -p tests --bench maintenance [-- --sessions N]`.
//!
//! One run, one JSON document on standard output:
//!
//! - `queue`: so many computers (10,000) are due within a minute, 200 run at once at the most; on SQLite and on
//!   PostgreSQL where one answers. One tenant has half of them, one has five. How long until all were taken, what a
//!   take takes, how many ran at once, and when the five had their turns;
//! - `planning`: plans of sessions a second on one core, each of another computer with forty items;
//! - `memory`: what the process of an engine holds while so many sessions wait, and while none does, each in a
//!   process of its own.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tests::databases;

#[path = "maintenance/memory.rs"]
mod memory;
#[path = "maintenance/planning.rs"]
mod planning;
#[path = "maintenance/queue.rs"]
mod queue;

fn main() -> Result<()> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|text| text != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.first().map(String::as_str) {
        Some("memory") => {
            let url = arguments.get(1).context("memory URL")?;
            let figures = runtime.block_on(memory::hold(url))?;
            writeln!(std::io::stdout(), "{figures}")?;
            Ok(())
        }
        _ => runtime.block_on(all(&arguments)),
    }
}

/// A number that is given as `--name N`.
fn number(arguments: &[String], name: &str, default: usize) -> Result<usize> {
    let Some(place) = arguments.iter().position(|text| text == name) else { return Ok(default) };
    let text = arguments.get(place + 1).with_context(|| format!("{name} wants a number"))?;
    text.parse().with_context(|| format!("{name} {text} is no number"))
}

async fn all(arguments: &[String]) -> Result<()> {
    let sessions = number(arguments, "--sessions", 10_000)?;
    let mut queues = Vec::new();
    let mut found = vec![databases::sqlite()?];
    found.extend(databases::postgres().await?);
    for database in found {
        let mut figures = queue::measure(&database, sessions).await?;
        figures["database"] = json!(database.name);
        eprintln!("queue: {figures}");
        queues.push(figures);
        databases::drop_database(&database).await?;
    }
    let planning = planning::measure();
    eprintln!("planning: {planning}");
    let mut memory = Vec::new();
    for waiting in [0, sessions] {
        let database = databases::sqlite()?;
        queue::ask(&database.open().await?, waiting, i64::MAX / 2).await?;
        memory.push(child(&database.url, waiting)?);
    }
    let result = json!({
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "queue": queues,
        "planning": planning,
        "memory": memory,
    });
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&result)?)?;
    Ok(())
}

/// Has a process of its own hold what waits; what it held.
fn child(url: &str, waiting: usize) -> Result<Value> {
    let output = Command::new(std::env::current_exe()?)
        .args(["memory", url])
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("the engine on {url} ended with {}", output.status);
    }
    let mut figures: Value = serde_json::from_slice(&output.stdout)?;
    figures["waiting"] = json!(waiting);
    eprintln!("memory: {figures}");
    Ok(figures)
}

/// Two digits behind the point.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
