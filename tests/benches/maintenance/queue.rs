//! Ten thousand computers that are due within a minute, and two hundred that run at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use core_model::id::{ComputerId, DeploymentId, SessionId, TenantId};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{SessionQuery, SessionWord, Store, Take};
use serde_json::{Value, json};
use tests::databases::Database;
use tokio::sync::Mutex;

use super::round;

/// Engines that take.
const ENGINES: usize = 4;
/// How many each asks for at once.
const MOST: usize = 25;
const RULES: QueueRules = QueueRules {
    at_once: 200,
    per_tenant: 50,
    per_engine: 100,
    lease_us: 600_000_000,
    most_takes: 3,
    waits_us: i64::MAX / 4,
};
/// Within this they are due, microseconds.
const DUE_US: i64 = 60_000_000;

fn tenant(name: &str) -> TenantId {
    TenantId::of_text(name, 0)
}

/// The tenant of the n-th: one has half of all, one has five, sixty share the rest.
fn tenant_of(number: usize, all: usize) -> TenantId {
    match number {
        _ if number < all / 2 => tenant("huge"),
        _ if number < all / 2 + 5 => tenant("tiny"),
        other => tenant(&format!("tenant {}", other % 60)),
    }
}

fn waits(number: usize, all: usize, ready_us: i64) -> Session {
    let name = format!("pc {number}");
    let asked_us = i64::try_from(number).unwrap_or_default();
    Session {
        id: SessionId::of_text(&name, asked_us),
        deployment: Some(DeploymentId::of_text("reader", 0)),
        kind: SessionKind::Scheduled,
        group: Some("night".to_owned()),
        schedule: Some("night".to_owned()),
        asked_by: "schedule night".to_owned(),
        ready_us: Some(ready_us),
        ..Session::asked(
            tenant_of(number, all),
            ComputerId::of_text(&name, 0),
            &name,
            "Maintenance",
            asked_us,
        )
    }
}

/// Asks for so many, due within a minute from a time on.
pub(super) async fn ask(store: &Store, count: usize, from_us: i64) -> Result<()> {
    let spread = DUE_US / i64::try_from(count.max(1))?;
    // Whoever is asked for next is due anywhere in that minute.
    let due = |number: usize| {
        let place = number * 7_919 % count.max(1);
        from_us + spread * i64::try_from(place).unwrap_or_default()
    };
    let all: Vec<Session> = (0..count).map(|number| waits(number, count, due(number))).collect();
    for part in all.chunks(2_000) {
        store.add_sessions(part).await?;
    }
    Ok(())
}

/// What several engines note.
struct Night {
    began: Instant,
    /// Tenant and seconds since the beginning of each that was taken, in that order.
    taken: Mutex<Vec<(TenantId, f64)>>,
    takes: Mutex<Vec<Duration>>,
    most: AtomicUsize,
}

/// The clock of the night: the minute in which all are due passes within a second.
fn now_us(night: &Night) -> i64 {
    i64::try_from(night.began.elapsed().as_micros() * 60).unwrap_or(i64::MAX)
}

async fn engine(store: Store, night: Arc<Night>, name: String, all: usize) -> Result<()> {
    loop {
        let now = now_us(&night);
        let began = Instant::now();
        let rules = &RULES;
        let take =
            Take { engine: &name, most: MOST, tenants: None, rules, bars: &|_| None, now_us: now };
        let taken = store.take_sessions(take).await?.taken;
        let took = began.elapsed();
        let over = {
            let mut list = night.taken.lock().await;
            let at = night.began.elapsed().as_secs_f64();
            list.extend(taken.iter().map(|one| (one.tenant, at)));
            list.len() >= all
        };
        if !taken.is_empty() {
            night.takes.lock().await.push(took);
            let running = store.count_sessions(SessionState::Running).await?;
            night.most.fetch_max(usize::try_from(running)?, Ordering::Relaxed);
        }
        let by = name.as_str();
        for one in &taken {
            let word = SessionWord {
                state: SessionState::Succeeded,
                word: "as it should be",
                result: None,
                by,
                take: Some(one.takes),
                rules,
                now_us: now,
            };
            store.tell_session(one.id, word).await?;
        }
        if over {
            return Ok(());
        }
        if taken.is_empty() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// One night on a database.
pub(super) async fn measure(database: &Database, count: usize) -> Result<Value> {
    let store = database.open().await?;
    let began = Instant::now();
    ask(&store, count, 0).await?;
    let asked_s = began.elapsed().as_secs_f64();
    let night = Arc::new(Night {
        began: Instant::now(),
        taken: Mutex::default(),
        takes: Mutex::default(),
        most: AtomicUsize::new(0),
    });
    let engines = (0..ENGINES).map(|number| {
        let store = store.clone();
        tokio::spawn(engine(store, Arc::clone(&night), format!("engine {number}"), count))
    });
    for engine in engines.collect::<Vec<_>>() {
        engine.await??;
    }
    let took_s = night.began.elapsed().as_secs_f64();
    let taken = night.taken.lock().await;
    ensure!(taken.len() == count, "{} of {count} were taken", taken.len());
    let most = night.most.load(Ordering::Relaxed);
    ensure!(most <= RULES.at_once, "{most} ran at once");
    let over = SessionQuery { state: Some(SessionState::Succeeded), ..SessionQuery::default() };
    ensure!(store.sessions(over).await?.len() == count, "not all came to their end");
    let last = |name: &str| {
        let place = taken.iter().rposition(|(of, _)| *of == tenant(name)).unwrap_or_default();
        json!({ "place": place + 1, "seconds": round(taken[place].1) })
    };
    let mut takes = night.takes.lock().await;
    takes.sort_unstable();
    let ms = |percent: usize| {
        let place = (takes.len() * percent / 100).min(takes.len().saturating_sub(1));
        round(takes.get(place).map_or(0.0, Duration::as_secs_f64) * 1_000.0)
    };
    Ok(json!({
        "sessions": count,
        "asked_for_seconds": round(asked_s),
        "all_taken_and_ended_seconds": round(took_s),
        "per_second": (count as f64 / took_s).round(),
        "takes": takes.len(),
        "take_p50_ms": ms(50),
        "take_p99_ms": ms(99),
        "most_at_once": most,
        "last_of_the_tenant_of_five": last("tiny"),
        "last_of_the_tenant_of_half": last("huge"),
    }))
}
