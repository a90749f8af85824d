//! What the hub knows: source records, the unified model, events, decisions and the small
//! languages they are written in (identifiers, hardware identities, calendar dates, names).
//!
//! This crate does no input or output, reads no clock and draws no random numbers. Everything
//! else in the workspace may import it; it imports nothing of ours.

pub mod access;
pub mod brand;
pub mod checkpoint;
pub mod dates;
pub mod decision;
pub mod entity;
pub mod event;
pub mod facts;
pub mod hardware;
pub mod id;
pub mod junk;
pub mod library;
pub mod names;
pub mod observation;
pub mod postpone;
pub mod queue;
pub mod reading;
pub mod record;
pub mod run;
pub mod session;
pub mod stop;
pub mod ticket;

pub use checkpoint::Checkpoint;
pub use id::Id;
pub use record::{Record, RecordKind, RecordRef};
