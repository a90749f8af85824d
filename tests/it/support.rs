//! What several of these tests need: seeds that are printed, both databases, models compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, ensure};
use chrono::{DateTime, Utc};
use core_model::run::{Outcome, Run};
use core_store::Store;
use core_sync::{Clock, Connection, Hub, ModelView, Settings, SyncOptions};
use mocks::estate::{Change, Done};
use mocks::world::World;
use tests::databases::{self, Database};
use tests::{ConnectionSettings, Estate, connections_of};

/// The seeds to run with, printed; `LINCHPIN_SEED` (a number) replaces them by one.
pub(crate) fn seeds<const N: usize>(default: [u64; N]) -> Vec<u64> {
    let seeds = match seed_wanted() {
        Some(seed) => vec![seed],
        None => default.to_vec(),
    };
    println!("seeds {seeds:?}; LINCHPIN_SEED=N runs another one");
    seeds
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are told by the environment which seed to try"
)]
fn seed_wanted() -> Option<u64> {
    let text = std::env::var("LINCHPIN_SEED").ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("LINCHPIN_SEED is no number: {text}")))
}

/// A fresh database of each kind there is.
pub(crate) async fn both_databases() -> Result<Vec<Database>> {
    let mut found = vec![databases::sqlite()?];
    match databases::postgres().await? {
        Some(database) => found.push(database),
        None => println!("PostgreSQL is left out: no server answers (see TEST_POSTGRES_URL)"),
    }
    Ok(found)
}

/// Settings under which even a small estate has many pages.
pub(crate) fn small_pages(estate: &Estate) -> ConnectionSettings {
    let mut settings = estate.settings();
    for kind in ["cw-automate", "halopsa"] {
        if let Some(settings) = settings.get_mut(kind) {
            settings["page_size"] = 5.into();
        }
    }
    settings
}

/// All four connections, with these settings.
pub(crate) fn connect(settings: &ConnectionSettings) -> Result<Vec<Connection>> {
    connections_of(settings, &["azure-ad", "cw-automate", "cw-control", "halopsa"])
}

/// A hub on this store that reads small pages.
pub(crate) fn paging_hub(estate: &Estate, store: Store) -> Result<Hub> {
    hub_with(estate, store, estate.rules())
}

/// A hub on this store that reads small pages by these rules.
pub(crate) fn hub_with(estate: &Estate, store: Store, rules: Settings) -> Result<Hub> {
    Ok(Hub::new(store, connect(&small_pages(estate))?, rules, Clock::system()))
}

/// Changes the world.
pub(crate) fn change(estate: &Estate, change: &Change) -> Result<Done> {
    Ok(with_world(estate, |world| mocks::estate::apply(world, change))?)
}

/// Does something with the world.
pub(crate) fn with_world<T>(estate: &Estate, act: impl FnOnce(&mut World) -> T) -> T {
    let world = estate.running.world();
    let mut world = world.write().unwrap();
    act(&mut world)
}

/// Reads everything, and asks machines; every stream must be read to its end.
pub(crate) async fn sync_whole(hub: &Hub) -> Result<Vec<Run>> {
    let runs = tests::sync_all(hub).await?;
    for run in &runs {
        ensure!(is_whole(run), "{}", told(run));
    }
    Ok(runs)
}

/// Syncs without asking machines; every stream must be read to its end.
pub(crate) async fn read_whole(hub: &Hub, options: &SyncOptions) -> Result<Vec<Run>> {
    let runs = hub.sync(&[], options).await?;
    for run in &runs {
        ensure!(is_whole(run), "{}", told(run));
    }
    Ok(runs)
}

/// Whether a stream was read to its end, or has nothing to read.
pub(crate) fn is_whole(run: &Run) -> bool {
    matches!(run.outcome, Outcome::Complete | Outcome::Skipped)
}

/// A run in words.
pub(crate) fn told(run: &Run) -> String {
    format!(
        "{}/{} {}: {:?} {:?} {:?}",
        run.connection, run.stream, run.scope, run.outcome, run.error_kind, run.error
    )
}

/// The model at this instant.
pub(crate) async fn view(hub: &Hub, at: DateTime<Utc>) -> Result<ModelView> {
    Ok(hub.view(at, "UTC").await?)
}

/// The model must be what its sources say.
pub(crate) async fn ensure_verified(hub: &Hub) -> Result<()> {
    let verified = hub.verify().await?;
    ensure!(verified.entities > 0, "the model is empty");
    let mut text = String::new();
    for difference in verified.differences.iter().take(3) {
        writeln!(text, "{difference:#?}")?;
    }
    let count = verified.differences.len();
    ensure!(count == 0, "{count} of {} entities differ: {text}", verified.entities);
    Ok(())
}

/// A view as lines: what is on one side only is what differs. Numbers of tenants, which mean
/// nothing in another model, are replaced by their clients.
pub(crate) fn lines(view: &ModelView) -> BTreeSet<String> {
    let tenant = |number: Option<usize>| {
        number.and_then(|number| view.tenants.get(number)).map(|clients| format!("{clients:?}"))
    };
    let mut lines: BTreeSet<String> = BTreeSet::new();
    lines.extend(view.tenants.iter().map(|clients| format!("tenant {clients:?}")));
    lines.extend(view.computers.iter().map(|computer| {
        let of = tenant(computer.tenant);
        format!("computer {:?} of {of:?}, used by {:?}", computer.agents, computer.primary_person)
    }));
    lines.extend(view.undecided.iter().map(|agent| format!("undecided {agent:?}")));
    lines.extend(
        view.lines.iter().map(|(key, number, quantity)| {
            format!("line {key} of {:?}, {quantity}", tenant(*number))
        }),
    );
    lines
}

/// What differs between two views; empty where nothing does.
pub(crate) fn difference(left: &ModelView, right: &ModelView) -> String {
    let (left, right) = (lines(left), lines(right));
    let mut text = String::new();
    for (mark, one, other) in [("-", &left, &right), ("+", &right, &left)] {
        for line in one.difference(other).take(12) {
            text.push_str(&format!("\n{mark} {line}"));
        }
    }
    text
}

/// Both models must be the same.
pub(crate) fn ensure_same(wanted: &ModelView, found: &ModelView, what: &str) -> Result<()> {
    let difference = difference(wanted, found);
    ensure!(difference.is_empty(), "{what}: wanted (-), found (+){difference}");
    Ok(())
}

/// How many live records there are of each stream.
pub(crate) async fn live_records(hub: &Hub) -> Result<BTreeMap<String, i64>> {
    let streams = hub.store.streams().await?;
    let name =
        |key: &core_store::StreamKey| format!("{}/{}/{}", key.connection, key.stream, key.scope);
    Ok(streams.iter().map(|(key, state)| (name(key), state.live)).collect())
}
