//! Typed identifiers of the unified model: a prefix that names the kind, then 128 bits.
//!
//! An id is derived, not drawn: its first 48 bits are the time the first source record behind it
//! was first seen (so ids sort by age), the rest is a hash of that record's key. Deriving the
//! model again gives the same ids, which is what `rebuild --verify` compares.

use std::fmt::{self, Write as _};
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::record::RecordRef;

/// Bytes that most names of records have; more are made room for.
const NAME: usize = 160;

/// A kind of thing that has ids.
pub trait Kind: Send + Sync + 'static {
    /// What the id starts with, without the underscore.
    const PREFIX: &'static str;
}

/// An identifier of a `K`.
pub struct Id<K: Kind> {
    value: Uuid,
    kind: PhantomData<fn() -> K>,
}

/// A text that is no id of the wanted kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no {prefix} id: it should look like {prefix}_019a0c5e7d1f7c2e8b1f0a2b3c4d5e6f"
)]
pub struct BadId {
    /// What was given.
    pub text: String,
    /// The prefix that was wanted.
    pub prefix: &'static str,
}

impl<K: Kind> Id<K> {
    /// The id of the thing whose first source record is `first`, first seen at this time (Unix
    /// microseconds).
    #[must_use]
    pub fn derive(first: &RecordRef, first_seen_us: i64) -> Self {
        Self::of(first, first_seen_us)
    }

    /// The id of a thing that is named by a text, made at this time (Unix microseconds).
    #[must_use]
    pub fn of_text(text: &str, made_us: i64) -> Self {
        Self::of(&text, made_us)
    }

    fn of(what: &dyn fmt::Display, made_us: i64) -> Self {
        let mut text = String::with_capacity(NAME);
        // Writing to a string cannot fail.
        write!(text, "{}\u{1f}{what}", K::PREFIX).unwrap_or_default();
        let hash = xxhash_rust::xxh3::xxh3_128(text.as_bytes());
        let millis = u128::try_from(made_us / 1000).unwrap_or(0) & 0xffff_ffff_ffff;
        let bits = (millis << 80) | (hash & ((1 << 80) - 1));
        Self::from_uuid(
            uuid::Builder::from_u128(bits)
                .with_version(uuid::Version::SortRand)
                .with_variant(uuid::Variant::RFC4122)
                .into_uuid(),
        )
    }

    fn from_uuid(value: Uuid) -> Self {
        Self { value, kind: PhantomData }
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, self.value.simple())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        text.strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .and_then(|rest| Uuid::try_parse(rest).ok())
            .map(Self::from_uuid)
            .ok_or_else(|| BadId { text: text.to_owned(), prefix: K::PREFIX })
    }
}

impl<K: Kind> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K: Kind> Copy for Id<K> {}
impl<K: Kind> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<K: Kind> Eq for Id<K> {}
impl<K: Kind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K: Kind> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}
impl<K: Kind> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}
impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $marker:ident, $alias:ident, $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $marker {}
        impl Kind for $marker {
            const PREFIX: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $alias = Id<$marker>;
    )*};
}

kinds! {
    /// A customer in the unified model.
    TenantKind, TenantId, "ten";
    /// A customer as one connection names it.
    ClientKind, ClientId, "cli";
    /// Somebody at a tenant.
    PersonKind, PersonId, "per";
    /// A directory group.
    GroupKind, GroupId, "grp";
    /// A membership in a directory group.
    MembershipKind, MembershipId, "gmb";
    /// A computer.
    ComputerKind, ComputerId, "cmp";
    /// One connection's view of a machine.
    AgentKind, AgentId, "agt";
    /// A contract of a client.
    AgreementKind, AgreementId, "agr";
    /// A product on an agreement.
    LineKind, LineId, "agl";
    /// What is sold.
    ProductKind, ProductId, "prd";
    /// A group or location of an RMM.
    ConnectionGroupKind, ConnectionGroupId, "cgr";
    /// An agent in a group of its RMM.
    ConnectionMemberKind, ConnectionMemberId, "cgm";
    /// A device object of a directory.
    DirectoryDeviceKind, DirectoryDeviceId, "dev";
    /// Something a human must settle, or has settled.
    DecisionKind, DecisionId, "dec";
    /// One run of a stream.
    RunKind, RunId, "run";
    /// A rule: this item, in this state, for this target.
    DeploymentKind, DeploymentId, "dep";
    /// A piece of software in the library.
    SoftwareKind, SoftwareId, "sft";
    /// A version of a piece of software.
    VersionKind, VersionId, "sfv";
    /// A task in the library.
    TaskKind, TaskId, "tsk";
    /// A tag.
    TagKind, TagId, "tag";
    /// A golden case.
    ExpectationKind, ExpectationId, "exp";
    /// When sessions are made by themselves, and for whom.
    ScheduleKind, ScheduleId, "sch";
    /// A session: a subject is brought where a deployment says.
    SessionKind, SessionId, "ses";
    /// Something that takes long and was asked of the daemon.
    JobKind, JobId, "job";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordKind;

    fn first() -> RecordRef {
        RecordRef::new("entra", RecordKind::Person, "", "42")
    }

    #[test]
    fn the_same_record_gives_the_same_id_and_another_kind_another() {
        let person = PersonId::derive(&first(), 1_700_000_000_000_000);
        assert_eq!(person, PersonId::derive(&first(), 1_700_000_000_000_000));
        let agent = AgentId::derive(&first(), 1_700_000_000_000_000);
        assert_ne!(person.value, agent.value);
    }

    #[test]
    fn ids_sort_by_age() {
        let older = PersonId::derive(&first(), 1_700_000_000_000_000);
        let younger = PersonId::derive(&first(), 1_700_000_001_000_000);
        assert!(older < younger);
    }

    #[test]
    fn an_id_of_another_kind_is_refused_and_named() {
        let person = PersonId::derive(&first(), 0).to_string();
        assert_eq!(person.parse::<PersonId>().unwrap().to_string(), person);
        let error = person.parse::<TenantId>().unwrap_err();
        assert!(error.to_string().contains(&person) && error.to_string().contains("ten_"));
    }
}
