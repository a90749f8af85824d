//! What can go wrong when the store is read.

use core_model::entity::EntityKind;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store.
    #[error(transparent)]
    Store(#[from] core_store::Error),
    /// An entity that was written by another version of the program.
    #[error("the {kind} {id} in the database cannot be read: {why}")]
    Entity {
        /// Its kind.
        kind: &'static str,
        /// Its id.
        id: String,
        /// Why.
        why: String,
    },
    /// A definition that was written by another version of the program.
    #[error("the definition {handle} ({kind}) in the database cannot be read: {why}")]
    Definition {
        /// Its kind.
        kind: &'static str,
        /// What it is called.
        handle: String,
        /// Why.
        why: String,
    },
}

impl Error {
    pub(crate) fn entity(kind: EntityKind, id: &str, why: &serde_json::Error) -> Self {
        Error::Entity { kind: kind.as_str(), id: id.to_owned(), why: why.to_string() }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Error::Store(error) => error.remedy(),
            Error::Entity { .. } => "run `linchpin rebuild`: it derives the model anew",
            Error::Definition { .. } => {
                "define it again (`linchpin apply`), or use the version of the program that wrote it"
            }
        }
    }
}
