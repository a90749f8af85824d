//! Source records: what a connection said, kept as it was said.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::facts::Facts;
use crate::observation::Logon;

macro_rules! record_kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What a source record is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RecordKind {
            $($(#[$doc])* $name,)*
        }

        impl RecordKind {
            /// Every kind.
            pub const ALL: &'static [RecordKind] = &[$(RecordKind::$name,)*];

            /// The name in the store, the API and the logs.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(RecordKind::$name => $text,)* }
            }

            /// The kind with that name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(RecordKind::$name),)* _ => None }
            }
        }
    };
}

record_kinds! {
    /// A customer as the connection names it.
    Client = "client",
    /// The connection says that a client and a directory are the same customer.
    ClientLink = "client_link",
    /// A place of a client.
    Site = "site",
    /// Somebody in a directory.
    Person = "person",
    /// Somebody in a PSA's address book.
    Contact = "contact",
    /// A directory group.
    Group = "group",
    /// Somebody or something in a directory group.
    GroupMember = "group_member",
    /// A device object of a directory.
    DirectoryDevice = "directory_device",
    /// The connection's view of a machine.
    Agent = "agent",
    /// Hardware inventory of an agent, where the vendor keeps it apart (same key as the agent).
    Hardware = "hardware",
    /// A group or location of an RMM.
    ConnectionGroup = "connection_group",
    /// An agent in a group or location of an RMM.
    ConnectionGroupMember = "connection_group_member",
    /// A machine as a PSA has it.
    Asset = "asset",
    /// A contract of a client.
    Agreement = "agreement",
    /// A product on an agreement.
    AgreementLine = "agreement_line",
    /// What is sold.
    Product = "product",
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names one source record: an external id means nothing without its connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordRef {
    /// The connection's name.
    pub connection: String,
    /// What the record is about.
    pub kind: RecordKind,
    /// The sub-scope it was read in (a directory's GUID), empty where there is none.
    pub scope: String,
    /// The vendor's id.
    pub key: String,
}

impl RecordRef {
    /// A name from its parts.
    #[must_use]
    pub fn new(
        connection: impl Into<String>,
        kind: RecordKind,
        scope: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        Self { connection: connection.into(), kind, scope: scope.into(), key: key.into() }
    }
}

impl fmt::Display for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.connection, self.kind)?;
        if !self.scope.is_empty() {
            write!(f, "{}/", self.scope)?;
        }
        f.write_str(&self.key)
    }
}

/// Whether a machine is reachable through an agent, and when it last was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// Reachable now; `None` where the vendor does not say.
    pub online: Option<bool>,
    /// When it was last heard of.
    pub last_seen: Option<DateTime<Utc>>,
}

/// One record of a page.
#[derive(Clone, Debug)]
pub struct Record {
    /// The vendor's id, unique within stream and kind.
    pub key: String,
    /// The connection's client that it belongs to, by the client record's key.
    pub client: Option<String>,
    /// What the hub reads out of it.
    pub facts: Facts,
    /// The vendor's JSON, as received.
    pub raw: String,
    /// Presence, for agents. Not part of the content: it changes all day.
    pub presence: Option<Presence>,
    /// Who the vendor says is or was logged on. Not part of the content.
    pub logons: Vec<Logon>,
    /// Hash of the content; two equal hashes mean that nothing changed.
    pub hash: u128,
}

/// Raised whenever the mapping from vendor JSON to [`Facts`] changes, so that records which did
/// not change at the vendor are read anew.
const MAPPING: u64 = 1;

impl Record {
    /// A record whose every byte is content.
    #[must_use]
    pub fn new(key: impl Into<String>, facts: Facts, raw: impl Into<String>) -> Self {
        let raw = raw.into();
        let hash = xxhash_rust::xxh3::xxh3_128_with_seed(raw.as_bytes(), MAPPING);
        Self { key: key.into(), client: None, facts, raw, presence: None, logons: Vec::new(), hash }
    }

    /// A record with volatile fields (last contact, free memory ...): only what the hub reads out
    /// of it is content, so that a quiet night writes nothing.
    #[must_use]
    pub fn with_volatile_fields(
        key: impl Into<String>,
        facts: Facts,
        raw: impl Into<String>,
    ) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_128_with_seed(facts.to_json().as_bytes(), MAPPING);
        Self {
            key: key.into(),
            client: None,
            facts,
            raw: raw.into(),
            presence: None,
            logons: Vec::new(),
            hash,
        }
    }

    /// The same record, of this client.
    #[must_use]
    pub fn of_client(mut self, client: impl Into<String>) -> Self {
        self.client = Some(client.into());
        self
    }

    /// The same record with presence.
    #[must_use]
    pub fn seen(mut self, presence: Presence) -> Self {
        self.presence = Some(presence);
        self
    }

    /// The same record with a logon.
    #[must_use]
    pub fn logged_on(mut self, logon: Logon) -> Self {
        self.logons.push(logon);
        self
    }
}

/// A record that cannot be used, kept apart with the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// The vendor's id, where it could be read.
    pub key: Option<String>,
    /// Where in the record (`$.dateAdded`).
    pub path: String,
    /// What is wrong there.
    pub reason: String,
    /// The vendor's JSON.
    pub raw: String,
}
