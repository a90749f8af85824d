//! From source records, observations and decisions to the unified model.
//!
//! Everything here is a pure function: facts in, entities with reasons out. No store, no network,
//! no clock (times are handed in), no randomness; the order in which facts come does not matter.
//! Running it on everything gives what running it on each change gave, which is what
//! `rebuild --verify` proves.

pub mod accounts;
pub mod affinity;
pub mod agreements;
pub mod contacts;
pub mod evidence;
pub mod identify;
pub mod input;
pub mod machines;
pub mod people;
pub mod policy;
pub mod script;
pub mod tenants;
mod union;

pub use input::{AgentInput, AssetInput, Earlier, LogonInput, ReadingInput, SourceRecord};
pub use policy::{
    AffinityPolicy, DomainSplit, IdentificationMode, IdentificationPolicy, TenantPolicy,
};
