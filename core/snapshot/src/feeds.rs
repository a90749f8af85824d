//! Runs of streams as feeds: what each brings, how old it is, whether it may be believed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use core_model::RecordKind;
use core_model::id::TenantId;
use core_model::run::Outcome;
use core_resolve::{Directory, Feed, FeedKind};
use core_store::{Store, StreamRuns};

use crate::error::Result;
use crate::load::World;

/// The kinds of record that each stream brings: (connector's kind, stream's name) to kinds.
pub type StreamKinds = BTreeMap<(String, String), Vec<RecordKind>>;

/// What records of a kind are facts of.
fn brings(kind: RecordKind) -> &'static [FeedKind] {
    match kind {
        RecordKind::Person
        | RecordKind::Group
        | RecordKind::GroupMember
        | RecordKind::DirectoryDevice => &[FeedKind::Directory],
        RecordKind::Agreement | RecordKind::AgreementLine | RecordKind::Product => {
            &[FeedKind::Agreements]
        }
        RecordKind::ConnectionGroup | RecordKind::ConnectionGroupMember => {
            &[FeedKind::ConnectionGroups]
        }
        RecordKind::Agent => &[FeedKind::Inventory, FeedKind::Properties, FeedKind::Affinity],
        RecordKind::Hardware => &[FeedKind::Inventory],
        RecordKind::Client
        | RecordKind::ClientLink
        | RecordKind::Site
        | RecordKind::Contact
        | RecordKind::Asset => &[],
    }
}

impl World {
    /// Reads how each stream was read until an instant, where runs ended since the last time or a directory serves a
    /// tenant more; gives the feeds that are otherwise than before.
    pub(crate) async fn read_feeds(
        &mut self,
        store: &Store,
        until: DateTime<Utc>,
        (kinds, serves_more): (&StreamKinds, bool),
    ) -> Result<Vec<Feed>> {
        let until_us = until.timestamp_micros();
        let at = store.runs_at(until_us).await?;
        if at == self.runs && !serves_more {
            return Ok(Vec::new());
        }
        // What ends between the two is found the next time.
        self.runs = at;
        let runs = store.stream_runs(until_us).await?;
        let now = feeds(&runs, kinds, &self.people.served);
        let before = std::mem::replace(&mut self.feeds, now);
        let key = |feed: &Feed| (feed.connection.clone(), feed.kind, feed.tenant);
        let before: HashMap<_, _> = before.iter().map(|feed| (key(feed), feed)).collect();
        let changed = self.feeds.iter().filter(|feed| before.get(&key(feed)) != Some(feed));
        Ok(changed.cloned().collect())
    }
}

/// A feed is as old as the oldest of its streams, and as bad as the worst.
fn feeds(
    runs: &[StreamRuns],
    kinds: &StreamKinds,
    served: &BTreeMap<Directory, BTreeSet<TenantId>>,
) -> Vec<Feed> {
    let mut feeds: BTreeMap<(String, FeedKind, Option<TenantId>), Feed> = BTreeMap::new();
    let mut affinity: Option<DateTime<Utc>> = None;
    for stream in runs.iter().filter(|stream| stream.latest != Some(Outcome::Skipped)) {
        let name = (stream.connector.clone(), stream.stream.clone());
        let of_stream = kinds.get(&name).into_iter().flatten();
        let brought: BTreeSet<FeedKind> =
            of_stream.flat_map(|kind| brings(*kind)).copied().collect();
        let last = stream.last_complete_us.and_then(DateTime::from_timestamp_micros);
        for kind in brought {
            // Whoever reports logons says who uses what: the newest counts.
            if kind == FeedKind::Affinity {
                affinity = affinity.max(last);
                continue;
            }
            for tenant in tenants_of(stream, served) {
                let key = (stream.connection.clone(), kind, tenant);
                let feed = feeds.entry(key).or_insert_with(|| Feed {
                    connection: stream.connection.clone(),
                    kind,
                    tenant,
                    last_complete: last,
                    failing: false,
                    held: false,
                });
                feed.last_complete = feed.last_complete.min(last);
                feed.failing |= !matches!(stream.latest, Some(Outcome::Complete | Outcome::Held));
                feed.held |= stream.latest == Some(Outcome::Held);
            }
        }
    }
    let mut all: Vec<Feed> = feeds.into_values().collect();
    all.push(Feed {
        connection: String::new(),
        kind: FeedKind::Affinity,
        tenant: None,
        last_complete: affinity,
        failing: false,
        held: false,
    });
    all
}

/// The tenants whose facts a stream brings; one for all where it is read as a whole.
fn tenants_of(
    stream: &StreamRuns,
    served: &BTreeMap<Directory, BTreeSet<TenantId>>,
) -> Vec<Option<TenantId>> {
    if stream.scope.is_empty() {
        return vec![None];
    }
    let directory = Directory {
        connection: stream.connection.as_str().into(),
        id: stream.scope.as_str().into(),
    };
    served.get(&directory).into_iter().flatten().copied().map(Some).collect()
}
