//! The contract between the hub and a connector.
//!
//! A [`Connector`] is one configured instance of an external system. What it can do is what it
//! returns `Some` for: a capability flag cannot lie. It is given pages to read, scripts to start,
//! sessions to open and fields to write; it never sees the store, decides about nobody's deletion, and retries
//! nothing itself.

pub mod conformance;
mod connector;
mod error;
mod keep;
mod maintenance;
mod meter;
mod page;
mod push;
mod registry;
mod script;
mod secret;
mod subscribe;
mod token;
pub mod trace;
mod webhook;

pub use connector::{
    Account, Connector, Missing, Note, OpenSession, SessionLink, Stream, Ticket, Tickets,
};
pub use error::{Actor, Error, ErrorKind, Result};
pub use keep::KeepSecret;
pub use maintenance::{ApprovedUpdates, MaintenanceMode, Patching, UpdateState};
pub use meter::{METER, Meter, MeterReading};
pub use page::{Changes, Mode, Page, Proof, Resume, Scope, Source};
pub use push::{Fact, Found, NewObject, Push, PushField, PushObject, Set, There};
pub use registry::{Factory, Kind, Permission, Registry, StreamDoc};
pub use script::{RunScript, Script, ScriptHandle, ScriptOutcome, Shell, Taker};
pub use secret::Secret;
pub use subscribe::{NewSubscription, Subscribe, Subscription};
pub use token::{AccessToken, AccessTokens};
pub use trace::TRACES;
pub use webhook::{Hint, Hook, Refusal, Sent, Taken, Webhooks};
