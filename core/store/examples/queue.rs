//! How fast engines take sessions: `cargo run --release -p core-store --example queue -- ADDRESS [SESSIONS]`.
//! The address should be that of an empty store. So many wait, of a hundred tenants; ten at a time are taken
//! while two hundred run, and each is ended by itself. Gives milliseconds per take.

use std::io::Write as _;
use std::time::{Duration, Instant};

use core_model::id::{ComputerId, DeploymentId, SessionId, TenantId};
use core_model::queue::QueueRules;
use core_model::session::{Session, SessionKind, SessionState};
use core_store::{SessionWord, Store, Take};

const TENANTS: i64 = 100;
const AT_ONCE: usize = 10;
const TAKES: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("give the address of an empty store")?;
    let sessions = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let store = Store::open(&address).await?;
    let all: Vec<Session> = (0..sessions).map(waits).collect();
    let started = Instant::now();
    store.add_sessions(&all).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{sessions} asked for in {:?}", started.elapsed())?;
    let rules = QueueRules { per_engine: 1000, ..QueueRules::default() };
    let (mut took, mut ended, mut running) = (Vec::new(), Duration::ZERO, Vec::new());
    for now_us in (sessions..).take(TAKES) {
        let started = Instant::now();
        let take = Take {
            engine: "one",
            most: AT_ONCE,
            tenants: None,
            rules: &rules,
            bars: &|_| None,
            now_us,
        };
        running.extend(store.take_sessions(take).await?.taken);
        took.push(started.elapsed());
        let started = Instant::now();
        while running.len() > rules.at_once - AT_ONCE {
            let session = running.remove(0);
            let by = session.engine.as_deref().unwrap_or_default();
            let state = SessionState::Succeeded;
            let word = SessionWord {
                state,
                word: "",
                result: None,
                by,
                take: None,
                rules: &rules,
                now_us,
            };
            store.tell_session(session.id, word).await?;
        }
        ended += started.elapsed();
    }
    took.sort_unstable();
    let place = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
    writeln!(out, "{TAKES} takes of {AT_ONCE}: median {:?}, p99 {:?}", place(50), place(99))?;
    writeln!(out, "ends: {ended:?} in all")?;
    Ok(())
}

fn waits(at: i64) -> Session {
    let name = at.to_string();
    // Half of it is the first tenant's.
    let tenant = if at % 2 == 0 { 0 } else { at / 2 % TENANTS };
    let tenant = TenantId::of_text(&tenant.to_string(), 0);
    let title = "Reader: install the latest version";
    Session {
        id: SessionId::of_text(&name, at),
        deployment: Some(DeploymentId::of_text("reader", 0)),
        kind: SessionKind::Scheduled,
        group: Some("night".to_owned()),
        asked_by: "schedule".to_owned(),
        ..Session::asked(tenant, ComputerId::of_text(&name, 0), &name, title, at)
    }
}
