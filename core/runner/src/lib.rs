#![doc = include_str!("../README.md")]

mod agent;
mod error;
mod evidence;
mod follow;
mod journal;
mod powershell;
mod process;
mod sign;
mod state;
mod wire;

pub use agent::{Agent, AgentSettings, Bearer, Uplink, UplinkError, enrol};
pub use error::{Error, Result};
pub use evidence::{Machine, of_windows};
pub use journal::{Entry, Journal, Phase};
pub use sign::{HubKey, PinnedKey, Refusal, accept, digest};
pub use state::{Identity, State};
pub use wire::{
    Done, Enrol, Enrolled, Evidence, Order, Outcome, PROTOCOL, Piece, Poll, Shell, Signed, Taken,
    Work, paths,
};
