//! `linchpin status`: where every stream of every connection stands, and what waits for a human.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use core_daemon::{Entry, Work};
use core_model::entity::EntityKind;
use core_model::run::{Outcome, Run};
use core_store::{Held, Planned, PushState, Store, StreamKey, StreamState};
use core_sync::PUSH;
use serde::{Deserialize, Serialize};

use super::remote::Remote;
use super::sync;
use super::text;
use crate::cli::{AskArgs, Global};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::{connectors, output};

mod print;
mod subscriptions;

pub(super) use self::subscriptions::SubscriptionStanding;

/// Runs among which the last one of each stream is looked for.
const RUNS: usize = 5000;
/// Scopes that are named before a failure that they share.
const NAMED: usize = 4;
/// Quarantined records that are counted.
const QUARANTINE: usize = 100_000;

/// Everything.
#[derive(Serialize, Deserialize)]
pub(super) struct Standing {
    /// The version of the program that says it.
    pub(super) version: String,
    pub(super) at: DateTime<Utc>,
    pub(super) time_zone: String,
    pub(super) connections: Vec<ConnectionStanding>,
    pub(super) decisions_open: u64,
    pub(super) clients_unlinked: u64,
}

/// A connection.
#[derive(Serialize, Deserialize)]
pub(super) struct ConnectionStanding {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) enabled: bool,
    /// Whether the settings have it; else only the store does.
    pub(super) configured: bool,
    /// Who syncs it just now.
    pub(super) syncing: Option<String>,
    pub(super) streams: Vec<StreamStanding>,
    /// What is written into it, where it opted in.
    pub(super) push: Option<PushStanding>,
    /// What it tells the hub by itself, where that was ever wanted.
    pub(super) subscriptions: Option<SubscriptionStanding>,
    /// What a daemon does next, where one has worked on this database.
    pub(super) next: Vec<Next>,
}

/// What is written into a connection.
#[derive(Serialize, Deserialize)]
pub(super) struct PushStanding {
    /// The last push that had something to do.
    pub(super) last_run: Option<LastRun>,
    /// Events that came since the last one.
    pub(super) behind: i64,
    /// Objects that failed and are tried again.
    pub(super) retry: usize,
    /// Objects that failed for good.
    pub(super) dead: usize,
    /// Objects that somebody else changed since the hub wrote them.
    pub(super) conflicts: usize,
}

/// A planned run.
#[derive(Serialize, Deserialize)]
pub(super) struct Next {
    /// `incremental`, `full`, `collect`, `push` or `subscribe`.
    work: Work,
    /// Of this stream only.
    stream: Option<String>,
    at: DateTime<Utc>,
}

/// A stream, or one scope of it.
#[derive(Serialize, Deserialize)]
pub(super) struct StreamStanding {
    pub(super) stream: String,
    pub(super) scope: String,
    pub(super) scope_name: String,
    pub(super) live: i64,
    pub(super) last_complete: Option<DateTime<Utc>>,
    pub(super) last_full: Option<DateTime<Utc>>,
    /// Since the last complete reading.
    pub(super) lag_seconds: Option<i64>,
    /// A reading that is not at its end: `full` or `incremental`.
    pub(super) unfinished: Option<String>,
    pub(super) last_run: Option<LastRun>,
    pub(super) held: Option<HeldStanding>,
    pub(super) quarantined: u64,
}

#[derive(Serialize, Deserialize)]
pub(super) struct LastRun {
    pub(super) id: String,
    pub(super) outcome: Outcome,
    pub(super) started: DateTime<Utc>,
    pub(super) ended: Option<DateTime<Utc>>,
    pub(super) error_kind: Option<String>,
    pub(super) error: Option<String>,
    pub(super) remedy: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct HeldStanding {
    pub(super) count: u64,
    pub(super) since: DateTime<Utc>,
    pub(super) sample: Vec<String>,
    pub(super) accept: String,
}

/// What the store knows, by connection, stream and scope.
struct Known {
    streams: Vec<(StreamKey, StreamState)>,
    last: BTreeMap<(String, String, String), Run>,
    held: Vec<Held>,
    quarantined: HashMap<(String, String, String), u64>,
}

pub(crate) async fn run(global: &Global, args: &AskArgs) -> Result<Exit, Failure> {
    let standing = match Remote::of(args)? {
        None => standing(&Context::open(global).await?).await?,
        Some(hub) => {
            let answer = hub.get("/v1/status").await?;
            let standing: Standing = hub.read(answer.clone(), answer["version"].as_str())?;
            if global.json {
                // What a newer hub says besides is data too.
                output::json(&answer);
                return Ok(Exit::Ok);
            }
            standing
        }
    };
    if global.json {
        output::json(&standing);
        return Ok(Exit::Ok);
    }
    print::print(&standing, standing.time_zone.parse().unwrap_or_default());
    for line in sync::open_questions(standing.decisions_open, standing.clients_unlinked) {
        output::line(&line);
    }
    Ok(Exit::Ok)
}

/// All of it, for machines.
pub(super) async fn as_json(context: &Context) -> Result<serde_json::Value, Failure> {
    serde_json::to_value(standing(context).await?)
        .map_err(|error| Failure::failed(format!("the status cannot be written as JSON: {error}")))
}

pub(super) async fn standing(context: &Context) -> Result<Standing, Failure> {
    let store = &context.store;
    let now = Utc::now();
    let registry = connectors::registry();
    let mut known = Known::read(store).await?;
    let planned = store.planned().await?;
    let subscriptions = store.subscriptions().await?;
    let mut connections = Vec::new();
    for connection in &context.config.connections {
        let kind = registry.kind(&connection.kind).ok();
        let streams = kind.map_or(&[][..], |kind| kind.streams);
        let order: Vec<&str> = streams.iter().map(|stream| stream.name).collect();
        connections.push(ConnectionStanding {
            name: connection.name.clone(),
            kind: connection.kind.clone(),
            enabled: connection.enabled,
            configured: true,
            syncing: syncing(store, &connection.name, now).await?,
            push: match connection.pushes() {
                true => Some(pushing(store, &known, &connection.name).await?),
                false => None,
            },
            subscriptions: subscriptions::of(&subscriptions, &connection.name, now),
            streams: known.take(&connection.name, &order, now),
            next: next(&context.config.entries, &planned, &connection.name, now),
        });
    }
    // Connections that the settings have no more still have their records.
    while let Some((key, _)) = known.streams.first() {
        let (name, kind) = (key.connection.clone(), key.connector.clone());
        let streams = known.take(&name, &[], now);
        connections.push(ConnectionStanding {
            name,
            kind,
            enabled: false,
            configured: false,
            syncing: None,
            push: None,
            subscriptions: None,
            streams,
            next: Vec::new(),
        });
    }
    Ok(Standing {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        at: now,
        time_zone: context.config.time_zone.name().to_owned(),
        connections,
        decisions_open: store.count(EntityKind::Decision).await?,
        clients_unlinked: sync::unlinked(store).await?,
    })
}

/// What is planned for a connection, soonest first, by how far a daemon has come.
fn next(entries: &[Entry], planned: &[Planned], connection: &str, now: DateTime<Utc>) -> Vec<Next> {
    let mut found: Vec<Next> = entries
        .iter()
        .filter(|entry| entry.connection == connection)
        .filter_map(|entry| {
            let row = planned.iter().find(|row| row.name == entry.name())?;
            let at = entry.next(text::instant(row.handled_us), now)?;
            Some(Next { work: entry.work, stream: entry.stream.clone(), at })
        })
        .collect();
    found.sort_by_key(|next| (next.at, next.work));
    found
}

async fn syncing(
    store: &Store,
    connection: &str,
    now: DateTime<Utc>,
) -> Result<Option<String>, Failure> {
    let lease = store.lease_holder(&format!("sync:{connection}")).await?;
    Ok(lease.filter(|lease| lease.until_us > now.timestamp_micros()).map(|lease| lease.holder))
}

async fn pushing(store: &Store, known: &Known, connection: &str) -> Result<PushStanding, Failure> {
    let seen = store.cursor(&format!("push:{connection}")).await?;
    let open = store.push_items(Some(connection)).await?;
    let number = |state| open.iter().filter(|item| item.state == state).count();
    let name = (connection.to_owned(), PUSH.to_owned(), String::new());
    Ok(PushStanding {
        last_run: known.last.get(&name).map(LastRun::of),
        behind: (store.last_event_seq().await? - seen).max(0),
        retry: number(PushState::Retry),
        dead: number(PushState::Dead),
        conflicts: number(PushState::Conflict),
    })
}

impl Known {
    async fn read(store: &Store) -> Result<Self, Failure> {
        let streams = store.streams().await?;
        let mut last: BTreeMap<(String, String, String), Run> = BTreeMap::new();
        let mut names: Vec<&str> = streams.iter().map(|(key, _)| key.connection.as_str()).collect();
        let newest = store.runs(RUNS, None).await?;
        names.extend(newest.iter().map(|run| run.connection.as_str()));
        names.sort_unstable();
        names.dedup();
        for name in names {
            // Newest first: of each stream the first one counts.
            for run in store.runs(RUNS, Some(name)).await? {
                let key = (run.connection.clone(), run.stream.clone(), run.scope.clone());
                last.entry(key).or_insert(run);
            }
        }
        let mut quarantined: HashMap<(String, String, String), u64> = HashMap::new();
        for one in store.quarantine(None, QUARANTINE).await? {
            let StreamKey { connection, stream, scope, .. } = one.stream;
            *quarantined.entry((connection, stream, scope)).or_default() += 1;
        }
        Ok(Self { streams, last, held: store.held().await?, quarantined })
    }

    /// The streams of a connection in the order in which they are read; those that were never read
    /// among them.
    fn take(
        &mut self,
        connection: &str,
        order: &[&str],
        now: DateTime<Utc>,
    ) -> Vec<StreamStanding> {
        let (ours, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.streams)
            .into_iter()
            .partition(|(key, _)| key.connection == connection);
        self.streams = rest;
        let mut found: Vec<StreamStanding> =
            ours.iter().map(|(key, state)| self.stream(key, state, now)).collect();
        self.add_failed(connection, &mut found);
        for name in order {
            if !found.iter().any(|stream| stream.stream == *name) {
                found.push(StreamStanding::never(name));
            }
        }
        let place = |stream: &StreamStanding| {
            order.iter().position(|name| *name == stream.stream).unwrap_or(usize::MAX)
        };
        found.sort_by_cached_key(|one| (place(one), one.stream.clone(), one.scope_name.clone()));
        found
    }

    fn stream(&self, key: &StreamKey, state: &StreamState, now: DateTime<Utc>) -> StreamStanding {
        let name = (key.connection.clone(), key.stream.clone(), key.scope.clone());
        let last_complete = state.last_complete_us.map(text::instant);
        let held =
            self.held.iter().find(|held| held.stream_id == state.id).map(|held| HeldStanding {
                count: held.count,
                since: text::instant(held.since_us),
                sample: held.sample.clone(),
                accept: format!(
                    "linchpin sync {} --stream {} --accept-deletions",
                    key.connection, key.stream
                ),
            });
        StreamStanding {
            stream: key.stream.clone(),
            scope: key.scope.clone(),
            scope_name: key.scope_name.clone(),
            live: state.live,
            last_complete,
            last_full: state.last_full_us.map(text::instant),
            lag_seconds: last_complete.map(|last| (now - last).num_seconds().max(0)),
            unfinished: state.round.as_ref().map(|round| round.mode.as_str().to_owned()),
            last_run: self.last.get(&name).map(LastRun::of),
            held,
            quarantined: self.quarantined.get(&name).copied().unwrap_or_default(),
        }
    }

    /// A stream whose scopes could not be listed has a run and no scope. It stands as long as
    /// nothing of the stream was read since.
    fn add_failed(&self, connection: &str, found: &mut Vec<StreamStanding>) {
        for ((of, stream, scope), run) in &self.last {
            let known = found.iter().any(|one| one.stream == *stream && one.scope == *scope);
            let newer = |one: &&StreamStanding| {
                let last = one.last_run.as_ref();
                one.stream == *stream
                    && last.is_some_and(|last| last.started > text::instant(run.started_us))
            };
            // A push is a run and reads no stream.
            if of == connection && stream != PUSH && !known && !found.iter().any(|one| newer(&one))
            {
                let mut standing = StreamStanding::never(stream);
                standing.scope.clone_from(scope);
                standing.last_run = Some(LastRun::of(run));
                found.push(standing);
            }
        }
    }
}

impl StreamStanding {
    fn never(stream: &str) -> Self {
        Self {
            stream: stream.to_owned(),
            scope: String::new(),
            scope_name: String::new(),
            live: 0,
            last_complete: None,
            last_full: None,
            lag_seconds: None,
            unfinished: None,
            last_run: None,
            held: None,
            quarantined: 0,
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        self.last_run.as_ref().map(|run| run.outcome)
    }
}

impl LastRun {
    fn of(run: &Run) -> Self {
        Self {
            id: run.id.clone(),
            outcome: run.outcome,
            started: text::instant(run.started_us),
            ended: run.ended_us.map(text::instant),
            error_kind: run.error_kind.clone(),
            error: run.error.clone(),
            remedy: run.remedy.clone(),
        }
    }
}
