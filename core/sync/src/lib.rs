//! The hub at work: reads streams page by page, guards what may be removed, asks machines who they
//! are, derives the unified model from what is stored, and writes back what others should know.
//!
//! It knows connectors only by their contract and the database only by the store. What the model
//! looks like is decided in `core-derive`, what others should hold of it in `core-push`; this crate
//! fetches what these need and writes what came out.

mod clock;
mod collect;
mod derive;
mod error;
mod holder;
mod hub;
mod lease;
mod progress;
mod push;
mod rebuild;
mod round;
mod settings;
mod subscribe;
mod ticket;
mod trace;
mod view;

pub use clock::Clock;
pub use collect::{CollectOutcome, CollectSettings};
pub use derive::Derived;
pub use error::{Error, Result};
pub use hub::{Connection, Hub, SyncOptions, Trigger};
pub use lease::{HeldLease, LeaseWatch};
pub use progress::{Progress, ProgressEvent, Quiet};
pub use push::{PUSH, PushChange, PushOptions, PushReport, Pushed, PushedItem};
pub use rebuild::{Difference, Verified};
pub use round::DryRun;
pub use settings::Settings;
pub use subscribe::{SUBSCRIPTIONS, Subscribed};
pub use view::{ComputerView, External, ModelView};
