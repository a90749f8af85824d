//! The unified model: what derivation makes of records, observations and decisions. Each entity is
//! a document; the store keeps it as JSON with its tenant and name beside it.

use serde::{Deserialize, Serialize};

mod agreement;
mod computer;
mod customer;
mod fields;
mod machines;
mod people;
mod question;

pub use agreement::{Agreement, AgreementLine, Product};
pub use computer::{
    Agent, AgentState, Computer, Evidence, Flag, LogonSeen, Onboarding, Pin, Primary,
    PrimaryReason, Rule,
};
pub use customer::{Client, LinkReason, Suggestion, Tenant};
pub use machines::{ConnectionGroup, ConnectionMember, DirectoryDevice};
pub use people::{EarlierUpn, Group, Membership, Person};
pub use question::{Choice, Question, Subject};

/// Bytes that most documents have; more are made room for.
const DOCUMENT: usize = 640;

macro_rules! entities {
    ($($(#[$doc:meta])* $name:ident($document:ident) = $text:literal,)*) => {
        /// A kind of entity. Its name is the table's, the API's and the event's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum EntityKind { $($(#[$doc])* $name,)* }

        impl EntityKind {
            /// Every kind.
            pub const ALL: &'static [EntityKind] = &[$(EntityKind::$name,)*];

            /// The name in the store, the API and the events.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(EntityKind::$name => $text,)* }
            }

            /// The kind with that name.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(EntityKind::$name),)* _ => None }
            }

            /// The names of its documents' fields. Those that have nothing to say may be left out of
            /// a document.
            #[must_use]
            pub fn fields(self) -> &'static [&'static str] {
                match self { $(EntityKind::$name => fields::of::<$document>(),)* }
            }
        }

        $(impl Entity for $document {
            const KIND: EntityKind = EntityKind::$name;
            fn id(&self) -> String { self.id.to_string() }
            fn tenant(&self) -> Option<String> { self.tenant_id() }
            fn name(&self) -> &str { self.display() }
        })*
    };
}

/// Something of the unified model.
pub trait Entity: Serialize + serde::de::DeserializeOwned {
    /// Its kind.
    const KIND: EntityKind;
    /// Its id, as text.
    fn id(&self) -> String;
    /// Its tenant's id, as text, where it has one.
    fn tenant(&self) -> Option<String>;
    /// What people call it.
    fn name(&self) -> &str;

    /// The row that the store keeps.
    fn row(&self) -> EntityRow {
        EntityRow {
            kind: Self::KIND,
            id: self.id(),
            tenant: self.tenant(),
            name: self.name().to_owned(),
            document: document(self),
        }
    }
}

fn document(entity: &impl Serialize) -> String {
    let mut json = Vec::with_capacity(DOCUMENT);
    // What cannot be JSON has no document; JSON is always UTF-8.
    let written = serde_json::to_writer(&mut json, entity).ok();
    written.and_then(|()| String::from_utf8(json).ok()).unwrap_or_default()
}

entities! {
    /// A customer.
    Tenant(Tenant) = "tenant",
    /// A customer as one connection names it.
    Client(Client) = "client",
    /// Somebody at a tenant.
    Person(Person) = "person",
    /// A directory group.
    Group(Group) = "directory_group",
    /// A direct membership in a directory group.
    Membership(Membership) = "group_membership",
    /// A computer.
    Computer(Computer) = "computer",
    /// One connection's view of a machine.
    Agent(Agent) = "agent",
    /// A contract.
    Agreement(Agreement) = "agreement",
    /// A product on an agreement.
    AgreementLine(AgreementLine) = "agreement_line",
    /// What is sold.
    Product(Product) = "product",
    /// A group or location of an RMM.
    ConnectionGroup(ConnectionGroup) = "connection_group",
    /// An agent in a group of its RMM.
    ConnectionMember(ConnectionMember) = "connection_member",
    /// A device object of a directory.
    DirectoryDevice(DirectoryDevice) = "directory_device",
    /// Something that only a human can settle.
    Decision(Question) = "decision",
}

/// An entity as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityRow {
    /// Kind.
    pub kind: EntityKind,
    /// Id.
    pub id: String,
    /// Tenant's id.
    pub tenant: Option<String>,
    /// What people call it.
    pub name: String,
    /// The entity as JSON.
    pub document: String,
}

impl EntityRow {
    /// The entity.
    ///
    /// # Errors
    /// When the document is of another kind or was written by a newer version.
    pub fn read<E: Entity>(&self) -> Result<E, serde_json::Error> {
        serde_json::from_str(&self.document)
    }
}
