#![doc = include_str!("../README.md")]

mod diff;
mod export;
mod lacks;
pub mod language;
mod library;
mod names;
mod patch;
mod plan;
mod proposal;
mod read;
mod scripts;
mod timing;
mod words;

pub use diff::{Action, Change, Field, Kind, diff};
pub use export::export;
pub use lacks::{Lack, lacks};
pub use language::schema;
pub use library::Library;
pub use names::Names;
pub use patch::{Clashes, Patch};
pub use plan::{Inputs, Plan, Stale, UnreadablePlan};
pub use proposal::Proposal;
pub use read::{read, read_over};
pub use scripts::script_paths;
pub use timing::{LEAST_GAP, pattern, too_close};

/// What a file is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileRole {
    /// It defines something: TOML.
    Definitions,
    /// It is the body of a script that a definition names.
    Script,
    /// A definition names it, and it cannot be taken as the body of a script: why.
    Refused(String),
}

/// A file: where it is, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Path below the folder of the library, with `/` between its parts.
    pub path: String,
    /// Text.
    pub text: String,
    /// What it is for.
    pub role: FileRole,
}

impl SourceFile {
    /// A file that defines something.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), role: FileRole::Definitions }
    }

    /// The body of a script.
    #[must_use]
    pub fn script(path: &str, body: &str) -> Self {
        Self { role: FileRole::Script, ..Self::new(path, body) }
    }

    /// What a definition names as a script and is none.
    #[must_use]
    pub fn refused(path: &str, why: &str) -> Self {
        Self { role: FileRole::Refused(why.to_owned()), ..Self::new(path, "") }
    }
}
