//! What the process of an engine holds while sessions wait.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use core_engine::{EngineSettings, Stop, Worker};
use core_model::session::SessionState;
use core_store::Store;
use core_sync::{Clock, Hub, Settings};
use serde_json::{Value, json};
use tests::night::ForAll;

use super::round;

/// How long it works before it is looked.
const TIME: Duration = Duration::from_secs(4);

/// Has an engine work on a store in which nothing is due yet.
pub(super) async fn hold(url: &str) -> Result<Value> {
    let store = Store::open(url).await?;
    let hub = Hub::new(store.clone(), Vec::new(), Settings::default(), Clock::system());
    let mut foreman = ForAll::new(Arc::new(hub), Vec::new(), Vec::new());
    foreman.settings = EngineSettings::default();
    let stop = Stop::default();
    let working = tokio::spawn(Worker::new(Arc::new(foreman), "memory", stop.clone()).run());
    tokio::time::sleep(TIME).await;
    let waiting = store.count_sessions(SessionState::Waiting).await?;
    let figures = json!({
        "waiting": waiting, "rss_mib": of_this("VmRSS:")?, "peak_mib": of_this("VmHWM:")?,
    });
    stop.stop();
    working.await?;
    Ok(figures)
}

/// What the kernel counts of this process, in mebibytes.
fn of_this(what: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).context("no such line")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(round(kib / 1024.0))
}
