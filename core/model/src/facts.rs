//! What the hub reads out of a source record: one small struct per kind of record, the same for
//! every vendor. Derivation sees these and never a vendor's JSON.

use crate::record::RecordKind;

mod agreement;
mod client;
mod machine;
mod people;

pub use agreement::{
    AgreementFacts, AgreementLineFacts, AgreementState, Coverage, ProductFacts, Quantity,
};
pub use client::{ClientFacts, ClientLinkFacts, Reference, SiteFacts};
pub use machine::{
    AgentFacts, AssetFacts, ChassisClass, ConnectionGroupFacts, ConnectionGroupKind,
    ConnectionGroupMemberFacts, DeviceRole, DirectoryDeviceFacts, HardwareFacts,
};
pub use people::{
    AccountKind, ContactFacts, DomainNames, GroupFacts, GroupMemberFacts, GroupType, MemberKind,
    OnPremises, PersonFacts,
};

macro_rules! facts {
    ($($kind:ident($facts:ident),)*) => {
        /// The facts of a record, by its kind.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "each is named after its RecordKind, which is documented")]
        pub enum Facts { $($kind($facts),)* }

        impl Facts {
            /// What the record is about.
            #[must_use]
            pub fn kind(&self) -> RecordKind {
                match self { $(Facts::$kind(_) => RecordKind::$kind,)* }
            }

            /// As JSON, for the store.
            #[must_use]
            pub fn to_json(&self) -> String {
                let json = match self { $(Facts::$kind(facts) => serde_json::to_string(facts),)* };
                json.unwrap_or_default()
            }

            /// The same, behind what is in there. What cannot be JSON adds nothing.
            pub fn write_json(&self, to: &mut Vec<u8>) {
                let start = to.len();
                let json = match self {
                    $(Facts::$kind(facts) => serde_json::to_writer(&mut *to, facts),)*
                };
                if json.is_err() {
                    to.truncate(start);
                }
            }

            /// From the store's JSON.
            ///
            /// # Errors
            /// When the text is no such facts.
            pub fn parse(kind: RecordKind, json: &str) -> Result<Self, serde_json::Error> {
                match kind { $(RecordKind::$kind => serde_json::from_str(json).map(Facts::$kind),)* }
            }
        }

        $(impl From<$facts> for Facts {
            fn from(facts: $facts) -> Self { Facts::$kind(facts) }
        })*
    };
}

facts! {
    Client(ClientFacts),
    ClientLink(ClientLinkFacts),
    Site(SiteFacts),
    Person(PersonFacts),
    Contact(ContactFacts),
    Group(GroupFacts),
    GroupMember(GroupMemberFacts),
    DirectoryDevice(DirectoryDeviceFacts),
    Agent(AgentFacts),
    Hardware(HardwareFacts),
    ConnectionGroup(ConnectionGroupFacts),
    ConnectionGroupMember(ConnectionGroupMemberFacts),
    Asset(AssetFacts),
    Agreement(AgreementFacts),
    AgreementLine(AgreementLineFacts),
    Product(ProductFacts),
}

impl Facts {
    /// The part whose earlier values must not be forgotten: a person's UPN, a machine's UUID and
    /// serial. `None` for records without such a part.
    #[must_use]
    pub fn identity(&self) -> Option<String> {
        let machine = |uuid: &Option<String>, serial: &Option<String>| {
            let uuid = uuid.as_deref().unwrap_or_default();
            format!("{uuid}|{}", serial.as_deref().unwrap_or_default())
        };
        match self {
            Facts::Person(person) => Some(crate::names::normal_address(&person.upn)),
            Facts::Agent(agent) => Some(machine(&agent.uuid, &agent.serial)),
            Facts::Hardware(hardware) => Some(machine(&hardware.uuid, &hardware.serial)),
            _ => None,
        }
    }
}

/// Used by `#[serde(skip_serializing_if)]`.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
