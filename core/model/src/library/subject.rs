//! Ids of several kinds in one type: what is maintained, and for whom. Each is written as its id;
//! the prefix says which kind it is.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{ComputerId, PersonId, SoftwareId, TaskId, TenantId};

/// A text that is none of the ids that may stand in its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {wanted}: expected an id that begins with {prefixes}")]
pub struct BadReference {
    /// What was given.
    pub text: String,
    /// What was wanted.
    pub wanted: &'static str,
    /// The prefixes that would do.
    pub prefixes: &'static str,
}

macro_rules! union {
    ($(#[$doc:meta])* $name:ident, $wanted:literal, $prefixes:literal,
     { $($(#[$variant_doc:meta])* $variant:ident($id:ident),)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant($id),)* }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $($name::$variant(id) => fmt::Display::fmt(id, f),)* }
            }
        }

        impl FromStr for $name {
            type Err = BadReference;

            fn from_str(text: &str) -> Result<Self, BadReference> {
                $(if let Ok(id) = text.parse::<$id>() { return Ok($name::$variant(id)); })*
                Err(BadReference { text: text.to_owned(), wanted: $wanted, prefixes: $prefixes })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        $(impl From<$id> for $name {
            fn from(id: $id) -> Self { $name::$variant(id) }
        })*
    };
}

union! {
    /// A maintenance item: software or a task.
    ItemId, "software or task", "sft_ or tsk_",
    {
        /// Software.
        Software(SoftwareId),
        /// A task.
        Task(TaskId),
    }
}

union! {
    /// For whom something is resolved: a computer, a person or a tenant.
    SubjectId, "computer, person or tenant", "cmp_, per_ or ten_",
    {
        /// A computer.
        Computer(ComputerId),
        /// A person.
        Person(PersonId),
        /// A tenant.
        Tenant(TenantId),
    }
}

/// Which kind of subject an item is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// Computers: all software, and tasks of computers.
    Computer,
    /// Persons.
    Person,
    /// Tenants.
    Tenant,
}

impl SubjectId {
    /// Its kind.
    #[must_use]
    pub fn kind(self) -> SubjectKind {
        match self {
            SubjectId::Computer(_) => SubjectKind::Computer,
            SubjectId::Person(_) => SubjectKind::Person,
            SubjectId::Tenant(_) => SubjectKind::Tenant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_several_kinds_is_written_as_the_id_itself() {
        let task = TaskId::of_text("rename", 0);
        let json = serde_json::to_string(&ItemId::from(task)).unwrap();
        assert_eq!(json, format!("\"{task}\""));
        assert_eq!(serde_json::from_str::<ItemId>(&json).unwrap(), ItemId::Task(task));
        let error = task.to_string().parse::<SubjectId>().unwrap_err().to_string();
        assert!(error.contains("cmp_"), "{error}");
    }
}
