//! Writing back: what the hub knows of a computer, into the fields of another system that an admin
//! gave it.
//!
//! The hub decides and the connector speaks. A connector says which fields it was given and what
//! each is to hold ([`Push::fields`]), what is in them now ([`Push::read`]), and writes the ones it
//! is told to ([`Push::write`]), nothing else. What is to be there, what the hub wrote before, and
//! whether somebody else changed it since is never the connector's business.

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

macro_rules! facts {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What can be written of a computer. The word is that of the settings.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Fact { $($(#[$doc])* $name,)* }

        impl Fact {
            /// Every one.
            pub const ALL: &'static [Fact] = &[$(Fact::$name,)*];

            /// The word in the settings.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Fact::$name => $text,)* }
            }
        }
    };
}

facts! {
    /// The hub's own id of the computer.
    Computer = "computer",
    /// Its host name.
    Name = "name",
    /// Its SMBIOS UUID as Windows prints it: capitals, with dashes.
    Uuid = "uuid",
    /// Its serial number, unless it is a placeholder.
    Serial = "serial",
    /// Its maker.
    Manufacturer = "manufacturer",
    /// Its model.
    Model = "model",
    /// Its operating system.
    Os = "os",
    /// What it is: `server`, `portable`, `virtual` or `workstation`.
    Class = "class",
    /// Whether it is to be onboarded: `needed` or `done`.
    Onboarding = "onboarding",
    /// The name of its tenant.
    Tenant = "tenant",
    /// The primary person's UPN.
    PrimaryUpn = "primary_upn",
    /// The primary person's name.
    PrimaryName = "primary_name",
    /// The primary person's mail address.
    PrimaryMail = "primary_mail",
    /// The primary person's department.
    PrimaryDepartment = "primary_department",
    /// The primary person as the system itself has him: the id of his contact there.
    Contact = "contact",
    /// The id of its agent in ConnectWise Automate.
    AutomateId = "automate_id",
    /// The id of its session in ConnectWise Control.
    ControlId = "control_id",
    /// The id of its managed device in Intune.
    IntuneId = "intune_id",
}

/// Which of a computer's objects in a system is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushObject {
    /// Its agents; they come by themselves.
    Agent,
    /// Its assets; where there is none, one may be made.
    Asset,
}

/// A field that the hub was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushField {
    /// Its name, as the system or the settings call it.
    pub name: String,
    /// What it is to hold.
    pub fact: Fact,
    /// Where this is not empty: which value stands for which value of the fact (in lower case). A fact
    /// with a value that is not here is left alone.
    pub names: BTreeMap<String, String>,
}

impl PushField {
    /// A field that holds a fact as it is.
    #[must_use]
    pub fn new(name: impl Into<String>, fact: Fact) -> Self {
        Self { name: name.into(), fact, names: BTreeMap::new() }
    }
}

/// What is in the fields now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct There {
    /// By field; a field that is empty, or not in here, holds nothing.
    pub values: BTreeMap<String, String>,
    /// What people call a value, where that is something else: by field.
    pub labels: BTreeMap<String, String>,
    /// What the connector needs besides to write only what it is told to; it is given back as it was.
    pub rest: Value,
}

impl There {
    /// What a field holds; empty for nothing.
    #[must_use]
    pub fn value(&self, field: &str) -> &str {
        self.values.get(field).map_or("", |value| value.trim())
    }
}

/// A field that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Its name.
    pub field: String,
    /// What it is to hold; empty for nothing.
    pub value: String,
}

/// An object that is to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewObject {
    /// The hub's id of the computer: what the object is found by again.
    pub computer: String,
    /// Its host name.
    pub name: String,
    /// The key of the client that it is to belong to.
    pub client: String,
    /// What it is ([`Fact::Class`]).
    pub class: String,
    /// What its fields are to hold.
    pub values: BTreeMap<String, String>,
}

/// What there is in place of an object that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing.
    Nothing,
    /// The very one, made by the hub before: its key.
    Ours(String),
    /// One that is the same machine by what it carries: its key.
    Same(String),
    /// One that may be it and may be not: its key. Only a human can tell.
    Alike(String),
}

/// A connector that writes back. It is there only where an admin opted in.
#[async_trait]
pub trait Push: Send + Sync {
    /// What is written.
    fn object(&self) -> PushObject;

    /// The fields that the hub was given, and no others.
    fn fields(&self) -> &[PushField];

    /// Whether an object is made for computers of a class that have none.
    fn makes(&self, class: &str) -> bool {
        let _ = class;
        false
    }

    /// What is in an object's fields now, by the object's key.
    ///
    /// # Errors
    /// As any call; `NotFound` where there is no such object.
    async fn read(&self, key: &str) -> Result<There>;

    /// Writes these fields and leaves all others as they were read. Writing the same again changes
    /// nothing.
    ///
    /// # Errors
    /// As any call; `Rejected` where the system does not take a value.
    async fn write(&self, key: &str, there: &There, sets: &[Set]) -> Result<()>;

    /// Looks whether an object that is to be made is there already.
    ///
    /// # Errors
    /// As any call.
    async fn find(&self, new: &NewObject) -> Result<Found> {
        let _ = new;
        Ok(Found::Nothing)
    }

    /// Makes an object and gives its key. It was looked for just before.
    ///
    /// # Errors
    /// As any call.
    async fn create(&self, new: &NewObject) -> Result<String> {
        let detail = "this system makes its objects itself";
        Err(Error::new(ErrorKind::NotOffered, format!("create {}", new.name), detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_facts_word_is_that_of_the_settings() {
        for fact in Fact::ALL {
            assert_eq!(serde_json::to_value(fact).unwrap(), fact.as_str());
        }
    }
}
