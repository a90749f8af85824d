#![doc = include_str!("../README.md")]

mod changed;
mod counter;
mod decision;
mod definition;
mod entity;
mod error;
mod event;
mod identity;
mod known;
mod lease;
mod migrate;
mod model;
mod observation;
mod open;
mod packed;
mod page;
mod quarantine;
mod query;
mod run;
mod sql;
mod stream;
mod sweep;

pub use definition::{DefinitionChange, DefinitionRow, DefinitionVersion, Revision};
pub use entity::EntityQuery;
pub use error::{Error, Result};
pub use identity::IdentityRow;
pub use known::{EntityAfter, StreamRuns};
pub use lease::Lease;
pub use model::ModelChange;
pub use observation::{Agents, LogonRow, ReadingRow};
pub use open::{Backend, Store};
pub use page::{PageCommit, PageDiff, PageOutcome};
pub use quarantine::Quarantined;
pub use query::{Earlier, RecordCursor, RecordQuery, StoredRecord};
pub use stream::{Round, RoundMode, StreamKey, StreamState};
pub use sweep::{FinishRound, Guard, Held, RoundOutcome};
