//! What a sync costs: `cargo bench -p tests --bench sync [-- --users N --computers N]`.
//!
//! One run, one JSON document on standard output. The estate is served by a process of its own,
//! and every phase is a process of its own, so that CPU seconds and peak memory are the hub's
//! alone. Phases, each on SQLite and on PostgreSQL where one answers:
//!
//! - `floor`: a bare loop that downloads and parses the same pages and keeps nothing;
//! - `first`: the first full sync into an empty store, model and events included;
//! - `unchanged`: a full sync again, nothing having changed;
//! - `incremental`: after 1 % changed at the source.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use core_model::run::Outcome;
use core_store::Store;
use core_sync::{Clock, Hub, SyncOptions};
use mocks::server::{Mocks, ServeConfig};
use mocks::world::Options;
use serde_json::{Value, json};
use tests::{connections_of, databases, floor, settings_of};

fn main() -> Result<()> {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|text| text != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.first().map(String::as_str) {
        Some("serve") => runtime.block_on(serve(&arguments[1..])),
        Some("phase") => runtime.block_on(phase(&arguments[1..])),
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
    let users = number(arguments, "--users", 200_000)?;
    let computers = number(arguments, "--computers", 100_000)?;
    let mut cases = Vec::new();
    for (case, amount) in [("users", users), ("computers", computers)] {
        if amount > 0 {
            cases.push(run_case(case, amount).await?);
        }
    }
    let result = json!({
        "cores": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "cases": cases,
    });
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&result)?)?;
    Ok(())
}

/// Measures one case on every database, against one estate.
async fn run_case(case: &str, amount: usize) -> Result<Value> {
    eprintln!("{case}: making the estate of {amount}");
    let mut estate = Served::start(case, amount)?;
    let mut results = Vec::new();
    let floor = measure(case, "floor", "-", &estate.discovery)?;
    eprintln!("{case}: floor {floor}");
    results.push(floor);
    let mut found = vec![databases::sqlite()?];
    found.extend(databases::postgres().await?);
    for database in found {
        for name in ["first", "unchanged", "incremental"] {
            if name == "incremental" {
                estate.change(case)?;
            }
            let mut result = measure(case, name, &database.url, &estate.discovery)?;
            result["database"] = json!(database.name);
            result["database_bytes"] = json!(database.open().await?.size_bytes().await?);
            eprintln!("{case}: {result}");
            results.push(result);
        }
        databases::drop_database(&database).await?;
    }
    Ok(json!({ "case": case, "amount": amount, "results": results }))
}

fn measure(case: &str, name: &str, url: &str, discovery: &Value) -> Result<Value> {
    let own = std::env::current_exe()?;
    let output = Command::new(own)
        .args(["phase", case, name, url])
        .env("ESTATE", discovery.to_string())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("{case} {name} on {url} ended with {}", output.status);
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The estate in a process of its own.
struct Served {
    child: Child,
    discovery: Value,
    answers: BufReader<std::process::ChildStdout>,
}

impl Served {
    fn start(case: &str, amount: usize) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["serve", case, &amount.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut answers = BufReader::new(child.stdout.take().context("no answers")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        Ok(Self { child, discovery: serde_json::from_str(&line)?, answers })
    }

    /// Lets 1 % change, and waits until it did.
    fn change(&mut self, case: &str) -> Result<()> {
        let questions = self.child.stdin.as_mut().context("the estate hears nothing")?;
        writeln!(questions, "{case}")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("the estate's process stays: {error}");
        }
    }
}

async fn serve(arguments: &[String]) -> Result<()> {
    let [case, amount] = arguments else { bail!("serve CASE AMOUNT") };
    let amount: usize = amount.parse()?;
    let options = match case.as_str() {
        "users" => Options {
            computers: 50,
            tenants: Some(5),
            persons: Some(amount),
            delta_page: 999,
            ..Options::default()
        },
        _ => Options { computers: amount, in_intune: 0.4, delta_page: 999, ..Options::default() },
    };
    let running = Mocks::start(mocks::generate::generate(&options), ServeConfig::default()).await?;
    let say = |text: &str| writeln!(std::io::stdout(), "{text}");
    say(&running.discovery().to_string())?;
    for line in std::io::stdin().lines() {
        let case = line?;
        let world = running.world();
        tests::touch(&mut world.write().unwrap_or_else(std::sync::PoisonError::into_inner), &case)?;
        say("changed")?;
    }
    Ok(())
}

/// One phase; its figures go to standard output.
async fn phase(arguments: &[String]) -> Result<()> {
    let [case, name, url] = arguments else { bail!("phase CASE NAME URL") };
    #[expect(clippy::disallowed_methods, reason = "the benchmark's own way to its child")]
    let discovery: Value = serde_json::from_str(&std::env::var("ESTATE")?)?;
    let settings = settings_of(&discovery);
    let started = Instant::now();
    let records = match name.as_str() {
        "floor" => floor::read(case, &discovery, &settings).await?,
        _ => sync(case, name, url, &settings).await?,
    };
    let seconds = started.elapsed().as_secs_f64();
    let (cpu, peak_mib) = own_cost()?;
    let result = json!({
        "phase": name,
        "records": records,
        "seconds": round(seconds),
        "cpu_seconds": round(cpu),
        "records_per_second": (records as f64 / seconds).round(),
        "peak_mib": round(peak_mib),
    });
    writeln!(std::io::stdout(), "{result}")?;
    Ok(())
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// Syncs what the case is about; gives the records read.
async fn sync(
    case: &str,
    name: &str,
    url: &str,
    settings: &tests::ConnectionSettings,
) -> Result<u64> {
    let store = Store::open(url).await?;
    let wanted: &[&str] =
        if case == "users" { &["azure-ad"] } else { &["azure-ad", "cw-automate", "cw-control"] };
    let connections = connections_of(settings, wanted)?;
    let mut rules = core_sync::Settings::default();
    rules.tenants.create_from = vec!["azure-ad".to_owned(), "cw-automate".to_owned()];
    let hub = Hub::new(store, connections, rules, Clock::system());
    let full = name == "unchanged";
    let streams: &[Option<&str>] =
        if case == "users" { &[Some("tenants"), Some("users")] } else { &[None] };
    let mut records = 0;
    for stream in streams {
        let options =
            SyncOptions { stream: stream.map(str::to_owned), full, ..SyncOptions::default() };
        for run in hub.sync(&[], &options).await? {
            // A directory without a licence for Intune has nothing to read there.
            if !matches!(run.outcome, Outcome::Complete | Outcome::Skipped) {
                let error = run.error.as_deref().unwrap_or(run.outcome.as_str());
                bail!("{} {}: {error}", run.connection, run.stream);
            }
            records += run.counts.read;
        }
    }
    Ok(records)
}

/// CPU seconds and peak memory (MiB) of this process, from the kernel's accounting.
fn own_cost() -> Result<(f64, f64)> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').context("no process name")?.1;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    // Fields 14 and 15 of proc(5), in ticks of which Linux shows a hundred a second.
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak")?;
    let kib: f64 = peak.trim().trim_end_matches("kB").trim().parse()?;
    Ok((ticks / 100.0, kib / 1024.0))
}
