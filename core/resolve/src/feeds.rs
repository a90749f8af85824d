//! Where facts come from, and whether they are fresh enough to act on.
//!
//! A fact that is too old, was never read or is frozen by a held deletion is *unknown*, both ways.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use core_model::id::TenantId;

/// What a feed brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedKind {
    /// Persons, groups and memberships of a directory.
    Directory,
    /// Agreements, their lines, products.
    Agreements,
    /// Groups and locations of a connection, and which agents are in them.
    ConnectionGroups,
    /// Custom properties.
    Properties,
    /// Role, chassis and the facts that filters read about computers.
    Inventory,
    /// Tags. Optional: without such a feed tags are the operator's own and always fresh. Its
    /// connection is empty.
    Tags,
    /// Who uses which computer. Its connection is empty.
    Affinity,
}

impl FeedKind {
    fn words(self) -> &'static str {
        match self {
            FeedKind::Directory => "directory",
            FeedKind::Agreements => "agreements",
            FeedKind::ConnectionGroups => "groups",
            FeedKind::Properties => "custom properties",
            FeedKind::Inventory => "inventory",
            FeedKind::Tags => "tags",
            FeedKind::Affinity => "primary persons",
        }
    }
}

/// How one kind of fact arrives from one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The connection; empty for what the hub works out itself.
    pub connection: String,
    /// What it brings.
    pub kind: FeedKind,
    /// The tenant whose facts these are; none for those of all tenants that have no feed of their
    /// own.
    pub tenant: Option<TenantId>,
    /// When it was last read to its proven end.
    pub last_complete: Option<DateTime<Utc>>,
    /// The latest attempt failed.
    pub failing: bool,
    /// A mass deletion is held: what is there may not be believed, nor what is missing.
    pub held: bool,
}

/// How old a fact may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// For whatever does not uninstall.
    pub install: TimeDelta,
    /// For uninstalls; and its feed may be neither failing nor held.
    pub uninstall: TimeDelta,
}

impl Default for Freshness {
    fn default() -> Self {
        Self { install: TimeDelta::hours(48), uninstall: TimeDelta::hours(24) }
    }
}

/// How strictly facts are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// As installs need it.
    Lenient,
    /// As uninstalls need it.
    Strict,
}

impl Mode {
    pub(crate) const BOTH: [Mode; 2] = [Mode::Lenient, Mode::Strict];
}

/// The feeds of a snapshot, by what they bring.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feeds {
    by_key: HashMap<(Arc<str>, FeedKind), HashMap<Option<TenantId>, Feed>>,
}

impl Feeds {
    pub(crate) fn new(feeds: Vec<Feed>) -> Self {
        let mut all = Self::default();
        for feed in feeds {
            all.set(feed);
        }
        all
    }

    /// Takes a feed, in the place of the one of the same connection, kind and tenant.
    pub(crate) fn set(&mut self, feed: Feed) {
        let key = (feed.connection.as_str().into(), feed.kind);
        self.by_key.entry(key).or_default().insert(feed.tenant, feed);
    }

    fn find(&self, connection: &str, kind: FeedKind, tenant: TenantId) -> Option<&Feed> {
        let feeds = self.by_key.get(&(connection.into(), kind))?;
        feeds.get(&Some(tenant)).or_else(|| feeds.get(&None))
    }

    /// The connections that bring such facts.
    pub(crate) fn connections(&self, kind: FeedKind) -> Vec<Arc<str>> {
        let of_kind = self.by_key.keys().filter(|(_, other)| *other == kind);
        let mut connections: Vec<Arc<str>> = of_kind.map(|(name, _)| name.clone()).collect();
        connections.sort();
        connections
    }

    /// Why facts of this kind about a tenant are not known; `None` where they are.
    pub(crate) fn stale(
        &self,
        asked: (&str, FeedKind),
        tenant: TenantId,
        mode: Mode,
        clock: Clock,
    ) -> Option<String> {
        let (connection, kind) = asked;
        let what = if connection.is_empty() {
            kind.words().to_owned()
        } else {
            format!("{} of {connection}", kind.words())
        };
        let Some(feed) = self.find(connection, kind, tenant) else {
            return (kind != FeedKind::Tags).then(|| format!("{what}: never read"));
        };
        feed.doubt(mode, clock).map(|doubt| format!("{what}: {doubt}"))
    }

    /// Whether some feed is believed at one instant and not at the other.
    pub(crate) fn differ(&self, before: Clock, after: Clock) -> bool {
        let mut feeds = self.by_key.values().flat_map(HashMap::values);
        feeds.any(|feed| feed.believed(before) != feed.believed(after))
    }

    /// Whether a feed is believed otherwise than the one in whose place it comes.
    pub(crate) fn differs(&self, feed: &Feed, clock: Clock) -> bool {
        let known = self.by_key.get(&(feed.connection.as_str().into(), feed.kind));
        let known = known.and_then(|feeds| feeds.get(&feed.tenant));
        known.is_none_or(|known| known.believed(clock) != feed.believed(clock))
    }
}

/// Now, and how old facts may be.
pub(crate) type Clock = (DateTime<Utc>, Freshness);

impl Feed {
    /// Whether it is believed, in each mode.
    fn believed(&self, clock: Clock) -> [bool; 2] {
        Mode::BOTH.map(|mode| self.doubt(mode, clock).is_none())
    }

    /// Why it is not believed.
    fn doubt(&self, mode: Mode, (known_at, freshness): Clock) -> Option<String> {
        if self.held {
            return Some("a mass deletion is held".to_owned());
        }
        let Some(last) = self.last_complete else {
            return Some("never read to the end".to_owned());
        };
        if mode == Mode::Strict && self.failing {
            return Some("the latest attempt to read failed".to_owned());
        }
        let limit = match mode {
            Mode::Lenient => freshness.install,
            Mode::Strict => freshness.uninstall,
        };
        let age = known_at - last;
        (age > limit).then(|| {
            let (age, limit) = (age.num_hours(), limit.num_hours());
            format!("last read {age} h ago, more than {limit} h")
        })
    }
}
