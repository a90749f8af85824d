#![doc = include_str!("../README.md")]

mod diff;
mod export;
pub mod language;
mod library;
mod names;
mod patch;
mod plan;
mod proposal;
mod read;
mod words;

pub use diff::{Action, Change, Field, Kind, diff};
pub use export::export;
pub use language::schema;
pub use library::Library;
pub use names::Names;
pub use patch::{Clashes, Patch};
pub use plan::{Inputs, Plan, Stale, UnreadablePlan};
pub use proposal::Proposal;
pub use read::{read, read_over};

/// A file: where it is, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceFile {
    /// Path below the folder of the library, with `/` between its parts.
    pub path: String,
    /// Text.
    pub text: String,
}

impl SourceFile {
    /// A file.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }
}
