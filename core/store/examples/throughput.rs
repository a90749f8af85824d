//! How fast the store takes many records: `cargo run --release -p core-store --example throughput --
//! ADDRESS [RECORDS]`. The address should be that of an empty store. Gives rows per second.

use std::io::Write as _;
use std::time::Instant;

use core_model::Record;
use core_model::entity::{EntityKind, EntityRow};
use core_model::event::Cause;
use core_model::facts::{AgentFacts, Facts};
use core_store::{
    FinishRound, Guard, ModelChange, PageCommit, RecordQuery, Round, RoundMode, Store, StreamKey,
};

const PAGE: usize = 1000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().ok_or("give the address of an empty store")?;
    let records = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let store = Store::open(&address).await?;
    let key = StreamKey {
        connection: "throughput".to_owned(),
        connector: "none".to_owned(),
        stream: "agents".to_owned(),
        scope: String::new(),
        scope_name: String::new(),
    };
    let stream = store.ensure_stream(&key).await?.id;
    for (label, version) in [("new", 0), ("unchanged", 0), ("changed", 1)] {
        let round = store.begin_round(stream, RoundMode::Full, "").await?;
        let started = Instant::now();
        read(&store, stream, &round, (records, version)).await?;
        report(label, records, started)?;
        let started = Instant::now();
        let guard = Guard { max_percent: 10, max_count: 20, accept: false };
        let settled = None;
        store
            .finish_round(FinishRound { stream, round: &round, settled, guard, now_us: 2 })
            .await?;
        report("  round ended", records, started)?;
    }
    let started = Instant::now();
    let all = store.all_records(&RecordQuery::default()).await?;
    report("read back", all.len(), started)?;
    for label in ["entities, new", "entities, unchanged"] {
        let upserts = (0..records).map(entity).collect();
        let started = Instant::now();
        let change =
            ModelChange { upserts, removals: vec![], cause: &Cause::Run, cursors: &[], now_us: 3 };
        store.apply(change).await?;
        report(label, records, started)?;
    }
    let started = Instant::now();
    let (mut after, mut count) = (0, 0);
    loop {
        let events = store.events(after, 1000).await?;
        let Some(last) = events.last() else { break };
        (after, count) = (last.sequence, count + events.len());
    }
    report("events", count, started)?;
    writeln!(std::io::stdout(), "{} bytes on disk", store.size_bytes().await?)?;
    Ok(())
}

async fn read(
    store: &Store,
    stream: i64,
    round: &Round,
    (records, version): (usize, usize),
) -> core_store::Result<()> {
    for first in (0..records).step_by(PAGE) {
        let page: Vec<_> =
            (first..records.min(first + PAGE)).map(|number| record(number, version)).collect();
        let page = PageCommit {
            stream,
            run: "throughput",
            round,
            records: &page,
            pages: &[],
            gone: &[],
            rejected: &[],
            checkpoint: None,
            max_gone: None,
            first: None,
            now_us: 1,
        };
        store.commit_page(page).await?;
    }
    Ok(())
}

/// About a kilobyte of vendor JSON, with a key that comes in no order.
fn record(number: usize, version: usize) -> Record {
    let key = format!("{:08x}-{number}", number.wrapping_mul(2_654_435_761) & 0xffff_ffff);
    let facts = AgentFacts {
        host: format!("PC-{number}"),
        serial: Some(format!("SN{number:010}")),
        os: Some("Microsoft Windows 11 Pro".to_owned()),
        ..AgentFacts::default()
    };
    let padding = "x".repeat(900);
    let raw = format!("{{\"Id\":\"{key}\",\"Version\":{version},\"Comment\":\"{padding}\"}}");
    Record::new(key, Facts::from(facts), raw).of_client(format!("{}", number % 200))
}

fn entity(number: usize) -> EntityRow {
    let padding = "x".repeat(400);
    EntityRow {
        kind: EntityKind::Computer,
        id: format!("cmp_{:08x}", number.wrapping_mul(2_654_435_761) & 0xffff_ffff),
        tenant: Some(format!("ten_{}", number % 200)),
        name: format!("PC-{number}"),
        document: format!("{{\"number\":{number},\"comment\":\"{padding}\"}}"),
    }
}

fn report(label: &str, rows: usize, started: Instant) -> std::io::Result<()> {
    let seconds = started.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "{label:<20} {rows:>8} {seconds:>8.2} s {:>10.0}/s",
        rows as f64 / seconds
    )
}
